//! Serves the lobby screen with a made-up bureau and no database, to work on the page:
//!
//! `cargo run -p rollcall --example screen_preview -- [--port 8090] [--silent] [--quiet] [--next] [--english] [--early] [--moving]`
//!
//! `--silent`: a gate is silent, absence is withheld. `--quiet`: nobody late, no meeting. `--next`: a meeting to come.
//! `--early`: most are still expected, the meeting has not begun. `--moving`: somebody comes late every few seconds. Then open `http://127.0.0.1:8090/screen`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use chrono::NaiveDate;
use rollcall::clock::Clock;
use rollcall::lobby::{
    Access, BoardChange, BoardDay, BoardFinding, Limits, Lobby, LobbySettings, NameMode, SourceState,
};
use rules::facts::SiteFacts;
use rules::finding::{About, Finding, FindingKind, FindingState, Presence, Standing};
use rules::model::{
    Facing, Id, Meeting, MeetingIndex, Pairing, Person, PersonIndex, Place, PlaceIndex, PlaceKind, Reader, Role,
    RosterEntry, Site, SiteRecords, Stand, Stint, Subject, Unit, UnitIndex,
};
use rules::time::{CivilTime, Instant, Interval, Span, instant_of};
use store::error::StoreError;
use store::rows::ScreenRow;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;
const DATE: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 16).expect("a date");

/// Units with their English names, how many people of each are at the meeting, and how many people they have.
const UNITS: [(&str, &str, usize, usize); 8] = [
    ("综合业务一科", "Operations 1", 16, 52),
    ("综合业务二科", "Operations 2", 16, 50),
    ("信息中心", "IT Centre", 12, 36),
    ("政策法规科", "Policy & Law", 10, 30),
    ("组织人事科", "Personnel", 10, 28),
    ("财务审计科", "Finance", 10, 30),
    ("后勤保障科", "Facilities", 9, 34),
    ("办公室", "Office", 9, 26),
];

/// Who is late: unit, name, English name, arrival in minutes of the day.
const LATE: [(usize, &str, &str, i32); 9] = [
    (1, "孙一航", "Sun Hang", 591),
    (3, "周强", "Zhou Qiang", 554),
    (0, "赵安宁", "Zhao Ning", 527),
    (5, "吴晓敏", "Wu Min", 523),
    (2, "欧阳雪", "Ouyang Xue", 521),
    (6, "冯涛", "Feng Tao", 520),
    (7, "郑国华", "Zheng Hua", 519),
    (4, "何静", "He Jing", 517),
    (0, "高建军", "Gao Jun", 514),
];

/// Who is missing from the office, by unit.
const MISSING: [(usize, &str, &str); 6] = [
    (0, "马超", "Ma Chao"),
    (1, "林小雨", "Lin Yu"),
    (3, "郭明", "Guo Ming"),
    (2, "谢天", "Xie Tian"),
    (6, "罗文斌", "Luo Bin"),
    (4, "韩雪梅", "Han Mei"),
];

/// Who walked out of the meeting: unit, names, since when.
const WALKED_OUT: [(usize, &str, &str, i32); 2] = [(0, "许洁", "Xu Jie", 571), (2, "邓欣然", "Deng Ran", 584)];

/// What the command line asked for.
struct Wishes {
    arguments: Vec<String>,
}

impl Wishes {
    fn has(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument == name)
    }

    fn port(&self) -> anyhow::Result<u16> {
        let at = self.arguments.iter().position(|argument| argument == "--port");
        let port = at.and_then(|at| self.arguments.get(at + 1));
        port.map_or(Ok(8090), |port| port.parse())
            .context("--port wants a number")
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let wishes = Wishes {
        arguments: std::env::args().skip(1).collect(),
    };
    let port = wishes.port()?;
    let opened = if wishes.has("--early") { at(515) } else { at(592) };
    let clock = Clock::driven(opened + Span::from_seconds(8), 1.0);
    let url = format!("http://127.0.0.1:{port}");
    let lobby = Lobby::new(settings(&wishes, &url), clock.clone())?;
    let stop = CancellationToken::new();
    let bureau = Bureau::new(&wishes);
    lobby.publish(bureau.change());
    let router = Router::new().route("/healthz", get(async || "ok")).merge(lobby.router(
        Arc::new(EveryTokenIsAScreen),
        stop.clone(),
        TaskTracker::new(),
    ));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .context("the port is taken")?;
    println!("open {url}/screen");
    let (running, moving) = (lobby.clone(), lobby.clone());
    let drawing = tokio::spawn(async move { running.run(stop).await });
    if wishes.has("--moving") {
        tokio::spawn(async move { move_on(bureau, moving, clock).await });
    }
    axum::serve(listener, router).await?;
    drawing.await?;
    Ok(())
}

fn settings(wishes: &Wishes, url: &str) -> LobbySettings {
    LobbySettings {
        site: site_name(wishes.has("--english")).into(),
        version: env!("CARGO_PKG_VERSION").into(),
        public_url: url.into(),
        demo: true,
        names: NameMode::Masked,
        limits: Limits::default(),
    }
}

/// Every few seconds the next of those who are missing comes.
async fn move_on(mut bureau: Bureau, lobby: Lobby, clock: Clock) {
    for number in 0..MISSING.len() {
        tokio::time::sleep(Duration::from_secs(6)).await;
        lobby.publish(bureau.arrive(LATE.len() + number, clock.now()));
    }
}

/// Lets every token in, under the name of a lobby screen.
struct EveryTokenIsAScreen;

#[async_trait::async_trait]
impl Access for EveryTokenIsAScreen {
    async fn screen(&self, token_hash: &str) -> Result<Option<ScreenRow>, StoreError> {
        Ok(Some(ScreenRow {
            id: "a-01".into(),
            name: "大厅主屏 A-01".into(),
            token_hash: token_hash.into(),
            created_at: Instant::from_ms(0),
            seen_at: None,
        }))
    }

    async fn screen_seen(&self, _screen: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn is_admin(&self, _headers: &HeaderMap) -> bool {
        false
    }
}

fn at(minutes: i32) -> Instant {
    instant_of(DATE, CivilTime::from_minutes(minutes).expect("a time of the day"), ZONE)
}

fn site_name(english: bool) -> &'static str {
    if english {
        "Yunchuan Service Bureau"
    } else {
        "云川市综合服务局"
    }
}

/// The bureau and how its people stand: those who are late first, then the missing, the absent, and everybody else.
struct Bureau {
    facts: Arc<SiteFacts>,
    days: Vec<BoardDay>,
    silent: bool,
}

impl Bureau {
    fn new(wishes: &Wishes) -> Self {
        let mut people = Vec::new();
        let mut days = Vec::new();
        let names = |chinese: &str, english: &str| Id::from(if wishes.has("--english") { english } else { chinese });
        let mut add = |unit: usize, name: Id, presence: Presence, finding: Option<Finding>| {
            let person = PersonIndex(u32::try_from(days.len()).expect("few people"));
            let late = finding
                .as_ref()
                .is_some_and(|finding| finding.kind == FindingKind::Late);
            people.push(person_of(person, unit, name));
            let findings = finding.map(|finding| BoardFinding {
                id: format!("f{}", person.0),
                revision: 1,
                finding: Finding {
                    subject: Subject::Person(person),
                    ..finding
                },
            });
            days.push(BoardDay {
                person,
                date: DATE,
                standings: vec![office(unit, presence, late)],
                findings: findings.into_iter().collect(),
            });
        };
        for (unit, chinese, english, arrival) in LATE {
            let (presence, finding) = (Presence::Present { since: at(arrival) }, late(unit, arrival));
            if wishes.has("--quiet") {
                add(
                    unit,
                    names(chinese, english),
                    Presence::Present { since: at(500) },
                    None,
                );
            } else {
                add(unit, names(chinese, english), presence, Some(finding));
            }
        }
        for (unit, chinese, english) in MISSING {
            let (presence, finding) = missing(wishes, unit);
            add(unit, names(chinese, english), presence, finding);
        }
        for number in 0..12 {
            add(number % UNITS.len(), names("请假", "On Leave"), Presence::Excused, None);
        }
        for number in 27..UNITS.iter().map(|unit| unit.3).sum::<usize>() {
            add(
                unit_of(number),
                names("钱到岗", "Qian Dao"),
                if wishes.has("--early") && number % 3 == 0 {
                    Presence::Expected
                } else {
                    Presence::Present { since: at(495) }
                },
                None,
            );
        }
        let meetings = meetings(wishes, &mut people, &mut days);
        let facts = Arc::new(SiteFacts::new(records(wishes, people, meetings)));
        Self {
            facts,
            days,
            silent: wishes.has("--silent"),
        }
    }

    fn change(&self) -> BoardChange {
        let gates = [
            ("gate-east-1", self.silent, 538),
            ("gate-west-1", false, 400),
            ("hall-3f", false, 400),
        ];
        let sources = gates.map(|(reader, silent, since)| SourceState {
            reader: reader.into(),
            silent,
            since: at(since),
        });
        BoardChange {
            facts: Some(Arc::clone(&self.facts)),
            days: self.days.clone(),
            sources: sources.into(),
            ..BoardChange::default()
        }
    }

    /// Somebody who was missing comes now.
    fn arrive(&mut self, person: usize, now: Instant) -> BoardChange {
        let day = &mut self.days[person];
        day.standings[0].presence = Presence::Present { since: now };
        day.standings[0].late = true;
        for found in &mut day.findings {
            found.id = format!("late-{person}");
            found.finding.kind = FindingKind::Late;
            found.finding.state = FindingState::Final;
            found.finding.actual = Some(now);
            found.finding.length = Some(now - at(510));
        }
        BoardChange {
            days: vec![day.clone()],
            ..BoardChange::default()
        }
    }
}

fn unit_of(number: usize) -> usize {
    let mut left = number;
    UNITS
        .iter()
        .position(|unit| {
            let inside = left < unit.3;
            left = left.saturating_sub(unit.3);
            inside
        })
        .unwrap_or(0)
}

fn person_of(person: PersonIndex, unit: usize, name: Id) -> Person {
    let interval = Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX));
    let unit = UnitIndex(u32::try_from(unit).expect("few units"));
    Person {
        id: format!("p{}", person.0).into(),
        stints: vec![Stint {
            interval,
            name,
            unit,
            rank: None,
            head: false,
            mail: None,
        }],
    }
}

fn index(unit: usize) -> Option<UnitIndex> {
    u32::try_from(unit).ok().map(UnitIndex)
}

fn office(unit: usize, presence: Presence, late: bool) -> Standing {
    Standing {
        date: DATE,
        about: About::Period("morning".into()),
        shown: Interval::new(at(390), at(720)),
        unit: index(unit),
        presence,
        late,
    }
}

fn finding(unit: usize, kind: FindingKind, about: About) -> Finding {
    Finding {
        subject: Subject::Person(PersonIndex(0)),
        unit: index(unit),
        date: DATE,
        about,
        kind,
        state: FindingState::Final,
        length: None,
        due: Some(at(510)),
        actual: None,
        since: None,
        source: None,
        by_lateness: false,
        withheld_by: Vec::new(),
        swipes: Vec::new(),
    }
}

fn late(unit: usize, arrival: i32) -> Finding {
    let (actual, length) = (Some(at(arrival)), Some(Span::from_minutes(i64::from(arrival - 510))));
    Finding {
        actual,
        length,
        ..finding(unit, FindingKind::Late, About::Period("morning".into()))
    }
}

/// How those stand who have not been seen.
fn missing(wishes: &Wishes, unit: usize) -> (Presence, Option<Finding>) {
    match (wishes.has("--quiet"), wishes.has("--silent")) {
        (true, _) => (Presence::Present { since: at(500) }, None),
        (_, true) => (Presence::Withheld, None),
        _ => (Presence::Missing, Some(not_arrived(unit))),
    }
}

fn not_arrived(unit: usize) -> Finding {
    Finding {
        state: FindingState::Provisional,
        ..finding(unit, FindingKind::NotArrived, About::Period("morning".into()))
    }
}

/// The meeting that is on (92 called, 3 missing, 2 walked out, 1 on leave) and the one to come.
fn meetings(wishes: &Wishes, people: &mut [Person], days: &mut [BoardDay]) -> Vec<Meeting> {
    let text = |chinese: &str, english: &str| Id::from(if wishes.has("--english") { english } else { chinese });
    let mut meetings = Vec::new();
    if !wishes.has("--quiet") && !wishes.has("--next") {
        let mut running = meeting("m1", text("全局重点工作推进会", "Priority work review"), 2, (540, 630));
        running.roster = called(days);
        sit(&running, wishes, people, days);
        meetings.push(running);
    }
    if !wishes.has("--quiet") {
        let mut next = meeting("m2", text("理论学习中心组会议", "Study session"), 3, (870, 930));
        next.roster = called(days).into_iter().take(24).collect();
        meetings.push(next);
    }
    meetings
}

fn meeting(id: &str, title: Id, place: u32, (starts, ends): (i32, i32)) -> Meeting {
    Meeting::new(id.into(), title, PlaceIndex(place), Interval::new(at(starts), at(ends)))
}

/// The first people of each unit, past those who are late, missing or on leave, so many as the unit sends.
fn called(days: &[BoardDay]) -> Vec<RosterEntry> {
    let mut sent = [0; UNITS.len()];
    let mut roster = Vec::new();
    for day in days.iter().skip(27) {
        let unit = day.standings[0].unit.map_or(0, UnitIndex::at);
        if sent[unit] < UNITS[unit].2 {
            sent[unit] += 1;
            roster.push(RosterEntry {
                person: day.person,
                role: Role::Required,
                seat: None,
            });
        }
    }
    roster
}

/// Seats the people of the meeting: the first of some units are missing, walked out or on leave.
fn sit(meeting: &Meeting, wishes: &Wishes, people: &mut [Person], days: &mut [BoardDay]) {
    let mut seen = [0; UNITS.len()];
    for entry in &meeting.roster {
        let day = &mut days[entry.person.at()];
        let unit = day.standings[0].unit.map_or(0, UnitIndex::at);
        seen[unit] += 1;
        let walked = WALKED_OUT.iter().find(|walked| walked.0 == unit && seen[unit] == 2);
        let presence = match (unit, seen[unit], walked) {
            (_, _, Some(walked)) => Presence::Out { since: at(walked.3) },
            (0 | 1 | 3, 1, _) => Presence::Missing,
            (4, 1, _) => Presence::Excused,
            _ if wishes.has("--early") && seen[unit] > 5 => Presence::Expected,
            _ => Presence::Present { since: at(530) },
        };
        let about = About::Meeting(MeetingIndex(0));
        let shown = Interval::new(meeting.sign_in_opens, meeting.ends);
        day.standings.push(Standing {
            date: DATE,
            about: about.clone(),
            shown,
            unit: index(unit),
            presence,
            late: false,
        });
        if let Some(&(_, chinese, english, since)) = walked {
            people[entry.person.at()].stints[0].name = if wishes.has("--english") { english } else { chinese }.into();
            let exit = Finding {
                subject: Subject::Person(entry.person),
                since: Some(at(since)),
                state: FindingState::Provisional,
                ..finding(unit, FindingKind::WalkOut, about)
            };
            day.findings.push(BoardFinding {
                id: format!("w{}", entry.person.0),
                revision: 1,
                finding: exit,
            });
        }
    }
}

fn records(wishes: &Wishes, people: Vec<Person>, meetings: Vec<Meeting>) -> SiteRecords {
    let text = |chinese: &str, english: &str| Id::from(if wishes.has("--english") { english } else { chinese });
    let place = |id: &str, name: Id, kind| Place {
        id: id.into(),
        name,
        kind,
        pairing: Pairing::First,
    };
    let ever = Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX));
    let reader = |id: &str, place| Reader {
        id: id.into(),
        stands: vec![Stand {
            interval: ever,
            place: PlaceIndex(place),
            faces: Facing::Both,
        }],
    };
    SiteRecords {
        units: UNITS
            .iter()
            .map(|unit| Unit {
                id: unit.1.into(),
                parent: None,
                name: text(unit.0, unit.1),
            })
            .collect(),
        people,
        places: vec![
            place("east", text("东门", "East gate"), PlaceKind::Office),
            place("west", text("西门", "West gate"), PlaceKind::Office),
            place("hall", text("三楼多功能厅", "Hall, floor 3"), PlaceKind::Meeting),
            place("room", text("二楼会议室", "Room 2F"), PlaceKind::Meeting),
        ],
        readers: vec![reader("gate-east-1", 0), reader("gate-west-1", 1), reader("hall-3f", 2)],
        meetings,
        ..SiteRecords::of_site(Site::of_zone(site_name(wishes.has("--english")).into(), ZONE))
    }
}
