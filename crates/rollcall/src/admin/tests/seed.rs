//! A small bureau with a week of swipes in a database, judged by the real rules.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{About, Finding};
use rules::model::{PersonIndex, Subject, Swipe};
use rules::time::{Instant, civil_instant};
use sha2::{Digest, Sha256};
use store::Ledger;
use store::rows::{FindingRow, OutageRow, RejectedInput, Review, SwipeRecord};

use crate::engine::meetings::{facts_of, key_of};
use crate::engine::verdicts::{Judging, settle_units};
use crate::folder::{FolderSwipe, compile, read_directory};
use crate::shared::SiteSnapshot;

/// The bureau's zone.
pub const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

const SITE: &str =
    "name = \"云川市综合服务局\"\ntime_zone = \"Asia/Shanghai\"\n\n[period_defaults]\ngrace_late_minutes = 5\n";
const UNITS: &str = "unit,parent,name\nbureau,,云川市综合服务局\npolicy,bureau,政策法规科\none,bureau,综合业务一科\ntwo,bureau,综合业务二科\n\
    info,bureau,信息中心\nfinance,bureau,财务审计科\nlogistics,bureau,后勤保障科\n";
const PLACES: &str =
    "place,name,kind,pairing\neast,东门,office,directed\nwest,西门,office,directed\nhall,第一会议室,meeting,first\n";
const READERS: &str = "reader,place,faces\neast-gate-in,east,in\neast-gate-out,east,out\nwest-gate,west,both\nhall-in,hall,in\nhall-out,hall,out\n";
const SCHEDULES: &str = "[[schedule]]\nid = \"summer\"\n\n[[schedule.period]]\nname = \"上午\"\nstarts = \"08:30\"\nends = \"12:00\"\n\n\
    [[schedule.period]]\nname = \"下午\"\nstarts = \"13:30\"\nends = \"17:30\"\n";
const ASSIGNMENTS: &str = "subject,schedule\nunit:bureau,summer\n";
const ABSENCES: &str = "absence,person,kind,from,until\nA-17,10237,errand,2026-09-09 16:00,2026-09-09 17:30\n\
    A-18,10241,leave,2026-09-10 08:30,2026-09-10 12:00\n";
const MEETINGS: &str = "[[meeting]]\nid = \"M-0909\"\ntitle = \"重点工作推进会\"\nplace = \"hall\"\nstarts = \"2026-09-09 10:00\"\nends = \"2026-09-09 11:30\"\nsubstitutes = \"with_approval\"\n";
const ROSTER: &str = "meeting,person,role\nM-0909,10237,required\nM-0909,10239,chair\n";

const MEETING_UNITS: &str = "meeting,unit,at_least\nM-0909,one,2\n";

/// Number, name, unit.
const PEOPLE: [(&str, &str, &str); 12] = [
    ("10231", "钱立新", "policy"),
    ("10237", "赵一宁", "one"),
    ("10238", "许静", "one"),
    ("10239", "严峻", "two"),
    ("10240", "何嘉", "info"),
    ("10241", "欧阳雪", "info"),
    ("10242", "陶敏", "finance"),
    ("10243", "冯涛", "logistics"),
    ("10244", "魏东来", "logistics"),
    ("10245", "施雨", "logistics"),
    ("10246", "Sun Hanwei", "finance"),
    ("10247", "古丽娜扎尔·买买提", "policy"),
];

/// The date, and what somebody did on it that the others did not: reader and time of every swipe.
type Unusual = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const UNUSUAL: [Unusual; 14] = [
    (
        "2026-09-07",
        "10231",
        &[
            ("east-gate-in", "08:41:00"),
            ("east-gate-out", "12:03:10"),
            ("east-gate-in", "13:20:00"),
            ("east-gate-out", "17:33:00"),
        ],
    ),
    (
        "2026-09-08",
        "10244",
        &[
            ("east-gate-in", "08:21:00"),
            ("east-gate-out", "12:03:10"),
            ("east-gate-in", "13:20:00"),
            ("east-gate-out", "17:08:00"),
        ],
    ),
    (
        "2026-09-08",
        "10245",
        &[
            ("east-gate-in", "08:22:00"),
            ("east-gate-out", "12:03:10"),
            ("east-gate-in", "13:20:00"),
            ("east-gate-out", "17:08:30"),
        ],
    ),
    (
        "2026-09-08",
        "10242",
        &[
            ("east-gate-in", "08:20:00"),
            ("east-gate-out", "12:01:00"),
            ("east-gate-in", "13:22:00"),
        ],
    ),
    (
        "2026-09-09",
        "10237",
        &[
            ("east-gate-in", "08:47:12"),
            ("hall-in", "09:55:00"),
            ("hall-out", "11:02:00"),
            ("hall-in", "11:16:05"),
            ("hall-out", "11:31:00"),
            ("east-gate-out", "12:06:00"),
            ("east-gate-in", "13:24:00"),
            ("east-gate-out", "15:52:00"),
        ],
    ),
    (
        "2026-09-09",
        "10239",
        &[
            ("east-gate-in", "08:12:00"),
            ("hall-in", "09:50:00"),
            ("hall-out", "11:32:00"),
            ("east-gate-out", "12:04:00"),
            ("east-gate-in", "13:10:00"),
            ("east-gate-out", "17:45:00"),
        ],
    ),
    (
        "2026-09-09",
        "10240",
        &[("east-gate-in", "13:12:00"), ("east-gate-out", "17:40:00")],
    ),
    (
        "2026-09-10",
        "10241",
        &[("west-gate", "13:41:00"), ("west-gate", "17:36:00")],
    ),
    (
        "2026-09-10",
        "10238",
        &[
            ("east-gate-in", "08:25:00"),
            ("east-gate-out", "12:02:00"),
            ("east-gate-in", "13:25:00"),
            ("east-gate-out", "16:58:00"),
        ],
    ),
    ("2026-09-10", "10243", &[]),
    ("2026-09-11", "10231", &[("east-gate-in", "08:44:30")]),
    ("2026-09-11", "10246", &[("east-gate-in", "08:52:00")]),
    ("2026-09-11", "10247", &[("east-gate-in", "09:25:00")]),
    ("2026-09-11", "10243", &[]),
];

/// A local time as an instant.
pub fn at(local: &str) -> Instant {
    civil_instant(local.parse().expect("a local time such as 2026-09-11T10:40:00"), ZONE)
}

/// Fills a folder and a database with the bureau, judged as of `now`.
pub async fn fill(folder: &Path, ledger: &dyn Ledger, now: Instant) -> SiteSnapshot {
    write_folder(folder);
    let compiled = compile(&read_directory(folder).expect("a readable folder")).expect("a usable folder");
    assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
    let known: Vec<&FolderSwipe> = compiled
        .swipes
        .iter()
        .filter(|swipe| swipe.happened_at <= now)
        .collect();
    let judged: Vec<Swipe> = known.iter().filter_map(|swipe| swipe.judged()).collect();
    let site = Arc::new(SiteFacts::new(compiled.records));
    let mut transaction = ledger.begin().await.expect("a transaction");
    let records: Vec<SwipeRecord> = known
        .iter()
        .map(|swipe| record(swipe))
        .chain([unknown_badge(now)])
        .collect();
    transaction.record_swipes(&records).await.expect("recorded");
    transaction.record_rejected(&[rejected(now)]).await.expect("recorded");
    let outage = OutageRow {
        reader: "west-gate".into(),
        down_from: at("2026-09-11T09:12:00"),
        down_until: None,
    };
    transaction.save_outage(&outage, now).await.expect("saved");
    let mut found = findings(&site, &judged, now);
    found.extend(findings_of_units(&site, &judged, now));
    transaction.save_findings(&found).await.expect("saved");
    transaction.commit().await.expect("committed");
    SiteSnapshot::new(1, site)
}

fn write_folder(folder: &Path) {
    let mut people = "person,name,unit\n".to_owned();
    let mut badges = "badge,person\n".to_owned();
    let mut swipes = "reader,badge,happened_at\n".to_owned();
    for (number, name, unit) in PEOPLE {
        writeln!(people, "{number},{name},{unit}").expect("a String takes everything");
        writeln!(badges, "88{number},{number}").expect("a String takes everything");
        for day in 7..=11 {
            for (reader, time) in swipes_of(number, &format!("2026-09-{day:02}")) {
                writeln!(swipes, "{reader},88{number},2026-09-{day:02} {time}").expect("a String takes everything");
            }
        }
    }
    let files = [
        ("site.toml", SITE),
        ("units.csv", UNITS),
        ("people.csv", &people),
        ("badges.csv", &badges),
        ("places.csv", PLACES),
        ("readers.csv", READERS),
        ("schedules.toml", SCHEDULES),
        ("assignments.csv", ASSIGNMENTS),
        ("absences.csv", ABSENCES),
        ("meetings.toml", MEETINGS),
        ("meeting_roster.csv", ROSTER),
        ("meeting_units.csv", MEETING_UNITS),
        ("swipes.csv", &swipes),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("written");
    }
}

/// What somebody did on a date: something unusual, or what everybody does.
fn swipes_of(number: &str, date: &str) -> Vec<(&'static str, String)> {
    let unusual = UNUSUAL.iter().find(|(on, who, _)| *on == date && *who == number);
    if let Some((_, _, swipes)) = unusual {
        return swipes
            .iter()
            .map(|(reader, time)| (*reader, (*time).to_owned()))
            .collect();
    }
    let minute = number.bytes().map(u32::from).sum::<u32>() % 9;
    vec![
        ("east-gate-in", format!("08:1{minute}:20")),
        ("east-gate-out", format!("12:0{minute}:05")),
        ("east-gate-in", format!("13:1{minute}:40")),
        ("east-gate-out", format!("17:3{minute}:30")),
    ]
}

fn record(swipe: &FolderSwipe) -> SwipeRecord {
    SwipeRecord {
        id: hex::encode(swipe.id.0),
        dedup_key: swipe.dedup_key.clone(),
        reader: swipe.reader.clone(),
        badge: swipe.badge.clone(),
        raw_hex: None,
        bits: None,
        happened_at: swipe.happened_at,
        received_at: swipe.received_at,
        sequence: None,
        faces: None,
        quarantine: None,
    }
}

fn unknown_badge(now: Instant) -> SwipeRecord {
    let dedup_key = "east-gate-in|0004711|1".to_owned();
    let id = hex::encode(&Sha256::digest(&dedup_key)[..16]);
    SwipeRecord {
        id,
        dedup_key,
        reader: "east-gate-in".into(),
        badge: "4711".into(),
        raw_hex: None,
        bits: None,
        happened_at: now,
        received_at: now,
        sequence: Some(1),
        faces: None,
        quarantine: None,
    }
}

fn rejected(now: Instant) -> RejectedInput {
    RejectedInput {
        id: "r1".into(),
        reader: "east-gate-in".into(),
        received_at: now,
        reason: "checksum".into(),
        raw_hex: "02304130303039363539363138ff03".into(),
    }
}

/// What the units did not do at the meeting, as the engine stores it.
fn findings_of_units(site: &SiteFacts, swipes: &[Swipe], now: Instant) -> Vec<FindingRow> {
    let judging = Judging {
        records: site.records(),
        secret: b"secret",
        facts_revision: 1,
        now,
    };
    let scopes = site.unit_scopes().into_iter();
    let settled = scopes.map(|scope| {
        let assessment = rules::evaluate_meeting(&facts_of(site, scope, swipes), now);
        settle_units(&judging, &key_of(site, scope).date, &assessment.findings, Vec::new()).holding
    });
    settled.flatten().collect()
}

fn findings(site: &SiteFacts, swipes: &[Swipe], now: Instant) -> Vec<FindingRow> {
    let day = |day: u32| NaiveDate::from_ymd_opt(2026, 9, day).expect("a date");
    let dates = DateRange {
        from: day(7),
        until: day(12),
    };
    let judge = |person: PersonIndex| {
        rules::evaluate(
            &PersonFacts {
                site,
                person,
                dates,
                swipes,
                known_at: None,
            },
            now,
        )
        .findings
    };
    let all = site.person_indexes().flat_map(judge);
    all.map(|finding| row(site, &finding, now)).collect()
}

fn row(site: &SiteFacts, finding: &Finding, now: Instant) -> FindingRow {
    let records = site.records();
    let (period, meeting) = match &finding.about {
        About::Period(name) => (Some(name.to_string()), None),
        About::Meeting(meeting) => (None, Some(records.meetings[meeting.at()].id.to_string())),
        About::Duty(_) | About::Date => (None, None),
    };
    let Subject::Person(person) = finding.subject else {
        panic!("the sample has no findings of units");
    };
    let said = format!("{finding:?}");
    let identity = format!("{:?}{}{:?}{}", person, finding.date, finding.about, finding.kind.name());
    FindingRow {
        id: hex::encode(&Sha256::digest(identity)[..16]),
        person: records.people[person.at()].id.to_string(),
        unit: finding.unit.map(|unit| records.units[unit.at()].id.to_string()),
        date: finding.date.to_string(),
        period,
        meeting,
        kind: finding.kind.name().to_owned(),
        state: finding.state.name().to_owned(),
        length_ms: finding.length.map(rules::time::Span::as_ms),
        due: finding.due,
        actual: finding.actual,
        since: finding.since,
        source: finding.source.as_deref().map(str::to_owned),
        swipes: finding
            .swipes
            .iter()
            .map(|id| hex::encode(id.0))
            .collect::<Vec<_>>()
            .join(" "),
        digest: hex::encode(Sha256::digest(said)),
        revision: 1,
        changed_at: now,
        withdrawn_at: None,
        rules_version: rules::VERSION,
        facts_revision: 1,
        review: Review::Open,
    }
}
