//! Site folders that are not as they should be: every problem has its place, and the good neighbours count.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rollcall::folder::{Compiled, FolderError, TableFile, compile, local_instant, read_directory};
use rollcall::judge::{Question, judge, write_json, write_text};
use rollcall::words::Language;
use rules::model::{AssignmentSubject, DutyIndex, PersonIndex};
use rules::time::Instant;
use tempfile::TempDir;

const SITE: (&str, &str) = ("site.toml", "time_zone = \"Asia/Shanghai\"\n");
const UNITS: (&str, &str) = ("units.csv", "unit,parent\nplan,\nsub,plan\n");
const PEOPLE: (&str, &str) = ("people.csv", "person,name,unit\nana,An,plan\nbo,Bo,sub\n");
const PLACES: (&str, &str) = ("places.csv", "place,kind\noffice,office\nhall,meeting\n");
const READERS: (&str, &str) = ("readers.csv", "reader,place,faces\nin,office,in\nout,office,out\n");

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn read(path: &Path) -> Result<Compiled, FolderError> {
    compile(&read_directory(path)?)
}

fn compiled(files: &[(&str, &str)]) -> Compiled {
    read(folder(files).path()).expect("a usable site.toml")
}

/// `file:row code`, with `?` after a warning.
fn problems(compiled: &Compiled) -> Vec<String> {
    let row = |row: Option<u64>| row.map(|row| format!(":{row}")).unwrap_or_default();
    let mark = |warning: bool| if warning { "?" } else { "" };
    let all = compiled.problems.iter();
    all.map(|problem| {
        let text = problem.text();
        assert!(
            text.chinese.starts_with(&problem.file) && text.english.starts_with(&problem.file),
            "{text:?}"
        );
        let is_warning = problem.severity == rollcall::folder::Severity::Warning;
        format!(
            "{}{} {}{}",
            problem.file,
            row(problem.row),
            problem.code.name(),
            mark(is_warning)
        )
    })
    .collect()
}

fn shanghai(text: &str) -> Instant {
    local_instant(text, chrono_tz::Asia::Shanghai).expect("an instant")
}

#[test]
fn a_folder_of_nothing_but_a_zone_is_a_bureau() {
    let compiled = compiled(&[SITE]);
    assert_eq!(problems(&compiled), [""; 0]);
    let site = &compiled.records.site;
    assert_eq!(site.settings[0].debounce.as_ms(), 60_000);
    assert_eq!(site.settings[0].clock_tolerance.as_ms(), 30_000);
    assert_eq!(site.settings[0].coverage_tolerance.as_ms(), 120_000);
    assert_eq!(site.settings[0].meeting_travel.as_ms(), 600_000);
    assert_eq!(site.since, shanghai("2020-01-01 00:00"));
}

#[test]
fn a_folder_without_a_usable_zone_is_refused() {
    for site in [
        "",
        "name = \"x\"\n",
        "time_zone = \"Mars/Phobos\"\n",
        "time_zone = 8\n",
        "\u{0}",
    ] {
        let refused = read(folder(&[("site.toml", site)]).path());
        assert!(
            matches!(refused, Err(FolderError::SiteUnusable(problems)) if !problems.is_empty()),
            "{site:?}"
        );
    }
    assert!(matches!(
        read(Path::new("/nowhere/at/all")),
        Err(FolderError::Unreadable { .. })
    ));
}

#[test]
fn units_people_and_badges_report_and_go_on() {
    let compiled = compiled(&[
        SITE,
        (
            "units.csv",
            "unit,parent,colour\na,c,red\nb,a,\nc,b,\nd,nowhere,\nd,,\n,a,\n",
        ),
        (
            "people.csv",
            "\u{feff}person,name,unit,head,rank,from,until\nana,An,a,yes,3,,2026-09-16\nana,An,b,no,,2026-09-16,\nbo,Bo,x,,,,\ncy,,a,,,,\ndi,Di,a,maybe,,,\ned,Ed,a,,ten,,\nfi,Fi,a,,,2026-09-16,2026-09-16\ngo,Go,a,,,16.9.2026,\nhu,Hu,a\n",
        ),
        (
            "badges.csv",
            "badge,person,from,until\n1,ana,,\n2,nobody,,\n1,hu,,\n1,hu,2026-09-16 12:00,\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "badges.csv:3 person_unknown",
            "badges.csv:4 duplicate",
            "people.csv:4 unit_unknown",
            "people.csv:5 value_missing",
            "people.csv:6 value_invalid",
            "people.csv:7 number_invalid",
            "people.csv:8 interval_empty",
            "people.csv:9 instant_invalid",
            "units.csv:1 column_unknown?",
            "units.csv:4 unit_cycle",
            "units.csv:5 unit_unknown",
            "units.csv:6 duplicate",
            "units.csv:7 value_missing",
        ]
    );
    let people = &compiled.records.people;
    assert_eq!(
        people.iter().map(|person| &*person.id).collect::<Vec<_>>(),
        ["ana", "hu"]
    );
    assert_eq!(people[0].stints.len(), 2);
    assert_eq!(people[0].stints[0].interval.until, shanghai("2026-09-16 00:00"));
    assert_eq!(compiled.records.badges[0].grants.len(), 2);
}

#[test]
fn an_open_row_is_cut_where_the_next_begins() {
    let moved = (
        "people.csv",
        "person,name,unit,from\nana,An,plan,\nana,An,sub,2026-09-16\n",
    );
    let compiled = compiled(&[SITE, UNITS, moved]);
    assert_eq!(problems(&compiled), [""; 0]);
    let stints = &compiled.records.people[0].stints;
    assert_eq!(stints.len(), 2);
    assert_eq!(stints[0].interval.until, stints[1].interval.from);
}

#[test]
fn headers_are_checked_once() {
    let compiled = compiled(&[
        SITE,
        UNITS,
        ("people.csv", "person,nam,unit,unit\nana,An,plan,sub\n"),
        ("peeple.csv", "a\n"),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "peeple.csv file_unknown?",
            "people.csv:1 column_unknown?",
            "people.csv:1 column_duplicate",
            "people.csv:1 column_missing",
        ]
    );
}

/// Two good things among many that are not.
const DAMAGED_SCHEDULES: &str = r#"
[[schedule]]
id = "office"
from = 2026-05-01
colour = "red"
[[schedule.period]]
name = "morning"
starts = "08:30"
ends = 12:00
weekdays = "mon-thu"
grace_late_minutes = 5
[[schedule.period]]
name = "night"
starts = "22:00"
ends = "06:00"
[[schedule.period]]
name = "evening"
starts = "18:00"
ends = "22:00"
grace_late_minutes = -1
[[schedule.period]]
name = "morning"
starts = "09:00"
ends = "10:00"
[[schedule]]
id = "office"
from = "2026-05-01"
[[schedule]]
from = "yesterday"
"#;

#[test]
fn schedules_report_by_line_and_key() {
    let compiled = compiled(&[
        SITE,
        UNITS,
        PEOPLE,
        ("schedules.toml", DAMAGED_SCHEDULES),
        (
            "assignments.csv",
            "subject,schedule\nunit:plan,office\nperson:ana,none\nbo,office\nunit:x,office\nperson:x,office\nperson:bo,night\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "assignments.csv:4 value_invalid",
            "assignments.csv:5 unit_unknown",
            "assignments.csv:6 person_unknown",
            "assignments.csv:7 schedule_unknown",
            "schedules.toml:5 key_unknown?",
            "schedules.toml:15 interval_empty",
            "schedules.toml:20 number_invalid",
            "schedules.toml:22 duplicate",
            "schedules.toml:26 duplicate",
            "schedules.toml:28 value_missing",
        ]
    );
    let keys: Vec<_> = compiled
        .problems
        .iter()
        .filter_map(|problem| problem.key.as_deref())
        .collect();
    assert_eq!(keys[1], "schedule[0].period[1].ends");
    let schedule = &compiled.records.schedules[0];
    assert_eq!(
        schedule.periods.len(),
        1,
        "a period of which one setting is wrong is not judged by the rest"
    );
    assert_eq!(
        schedule.periods[0].weekdays,
        [true, true, true, true, false, false, false]
    );
    assert_eq!(
        compiled.records.assignments[1].subject,
        AssignmentSubject::Person(PersonIndex(0))
    );
}

#[test]
fn toml_that_does_not_parse_costs_its_line() {
    let schedules = "[[schedule]]\nid = \"office\"\nfrom = = 3\n[[schedule.period]]\nname = \"day\"\nstarts = \"09:00\"\nends = \"17:00\"\n";
    let compiled = compiled(&[SITE, ("schedules.toml", schedules), ("meetings.toml", "meeting = 3\n")]);
    assert!(
        problems(&compiled).contains(&"schedules.toml:3 toml_malformed".to_owned()),
        "{:?}",
        problems(&compiled)
    );
    assert!(problems(&compiled).contains(&"meetings.toml:1 value_invalid".to_owned()));
}

#[test]
fn site_settings_and_defaults_of_periods() {
    let site = "time_zone = \"Asia/Shanghai\"\ndebounce_seconds = \"x\"\nsince = 2026-09-01\n[period_defaults]\ngrace_late_minutes = 5\narrive = \"sometimes\"\nfoo = 1\n";
    let schedules = "[[schedule]]\nid = \"office\"\n[[schedule.period]]\nname = \"day\"\nstarts = \"09:00\"\nends = \"17:00\"\nflex_minutes = 30\n";
    let compiled = compiled(&[("site.toml", site), ("schedules.toml", schedules)]);
    assert_eq!(
        problems(&compiled),
        [
            "site.toml:2 number_invalid",
            "site.toml:6 value_invalid",
            "site.toml:7 key_unknown?"
        ]
    );
    let settings = &compiled.records.schedules[0].periods[0].settings;
    assert_eq!(
        (settings.grace_late.as_ms(), settings.flex.as_ms()),
        (300_000, 1_800_000)
    );
    assert_eq!(compiled.records.site.since, shanghai("2026-09-01 00:00"));
}

#[test]
fn settings_hold_from_their_date_and_keep_what_they_do_not_say() {
    let site = "time_zone = \"Asia/Shanghai\"\ndebounce_seconds = 90\n[[settings]]\nfrom = 2026-10-01\nmeeting_travel_minutes = 15\n[[settings]]\nfrom = 2026-09-01\ndebounce_seconds = 20\nfoo = 1\n[[settings]]\ndebounce_seconds = 1\n[[settings]]\nfrom = 2026-09-01\n";
    let compiled = compiled(&[("site.toml", site)]);
    assert_eq!(
        problems(&compiled),
        [
            "site.toml:9 key_unknown?",
            "site.toml:10 value_missing",
            "site.toml:13 duplicate"
        ]
    );
    let site = &compiled.records.site;
    let at = |instant| {
        let settings = site.settings_at(shanghai(instant));
        (
            settings.debounce.as_ms() / 1_000,
            settings.meeting_travel.as_ms() / 60_000,
        )
    };
    assert_eq!(at("2026-08-31 23:59:59"), (90, 10));
    assert_eq!(at("2026-09-01 00:00"), (20, 10));
    assert_eq!(at("2026-10-01 00:00"), (20, 15));
}

#[test]
fn calendar_absences_and_coverage() {
    let compiled = compiled(&[
        SITE,
        UNITS,
        PEOPLE,
        PLACES,
        READERS,
        (
            "calendar.csv",
            "date,kind,acts_as\n2026-10-01,holiday,\n2026-10-01,workday,\n2026-10-32,holiday,\n2026-10-10,workday,friday\n2026-10-11,feast,\n2026-10-12,workday,someday\n",
        ),
        (
            "absences.csv",
            "absence,person,kind,from,until,returned_at\na1,ana,leave,2026-09-16,2026-09-18,2026-09-17 08:00\na2,ana,leave,2026-09-16,,\na1,bo,leave,2026-09-16,2026-09-17,\na3,bo,leave,2026-09-16,2026-09-15,\n",
        ),
        (
            "coverage.csv",
            "reader,down_from,down_until\nin,2026-09-16 08:00,\nwest,2026-09-16 08:00,\nin,,\nin,2026-09-16 08:00,2026-09-16 07:00\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "absences.csv:3 value_missing",
            "absences.csv:4 duplicate",
            "absences.csv:5 interval_empty",
            "calendar.csv:3 duplicate",
            "calendar.csv:4 date_invalid",
            "calendar.csv:6 value_invalid",
            "calendar.csv:7 value_invalid",
            "coverage.csv:3 reader_unknown",
            "coverage.csv:4 value_missing",
            "coverage.csv:5 interval_empty",
        ]
    );
    let absence = &compiled.records.absences[0];
    assert_eq!(absence.interval.until, shanghai("2026-09-17 08:00"));
    assert_eq!(absence.approved_until, shanghai("2026-09-18 00:00"));
    assert_eq!(compiled.records.outages[0].down_until, None);
}

#[test]
fn duties_and_their_checks() {
    let compiled = compiled(&[
        SITE,
        UNITS,
        PEOPLE,
        PLACES,
        (
            "duties.csv",
            "duty,person,place,starts,ends,role,hands_over_to,checks,check_seed\n\
            d1,ana,office,2026-09-16 18:00,2026-09-17 08:00,leader,d2,3,spring\n\
            d2,ana,office,2026-09-17 08:00,2026-09-17 18:00,,d9,,\n\
            d1,ana,office,2026-09-18 18:00,2026-09-19 08:00,,,,\n\
            d3,ana,cellar,2026-09-18 18:00,2026-09-19 08:00,,,,\n\
            d4,ana,office,2026-09-18 18:00,2026-09-18 18:00,,,,\n\
            d5,ana,office,2026-09-18 18:00,2026-09-19 08:00,,,many,\n\
            d6,ana,office,,2026-09-19 08:00,,,,\n\
            d7,ana,office,2026-09-18 18:00,2062-09-19 08:00,,,,\n",
        ),
        (
            "duty_checks.csv",
            "duty,at\nd1,2026-09-16 21:00\nd1,2026-09-17 08:00\nd9,2026-09-16 21:00\nd2,noon\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "duties.csv:3 duty_unknown",
            "duties.csv:4 duplicate",
            "duties.csv:5 place_unknown",
            "duties.csv:6 interval_empty",
            "duties.csv:7 number_invalid",
            "duties.csv:8 value_missing",
            "duties.csv:9 duty_too_long",
            "duty_checks.csv:3 check_outside_duty",
            "duty_checks.csv:4 duty_unknown",
            "duty_checks.csv:5 instant_invalid",
        ]
    );
    let [night, day] = &compiled.records.duties[..] else {
        panic!("two duties count: {:?}", compiled.records.duties)
    };
    assert_eq!(
        (night.role.as_deref(), night.check_seed.as_deref()),
        (Some("leader"), Some("spring"))
    );
    assert_eq!((night.hands_over_to, day.hands_over_to), (Some(DutyIndex(1)), None));
    assert_eq!(
        (night.checks_drawn, &night.checks_at[..]),
        (3, &[shanghai("2026-09-16 21:00")][..])
    );
    assert_eq!((day.checks_drawn, day.interval.from), (0, shanghai("2026-09-17 08:00")));
}

#[test]
fn meetings_and_what_is_not_judged_yet() {
    let meetings = "[[meeting]]\nid = \"m1\"\ntitle = \"例会\"\nplace = \"hall\"\nstarts = 2026-09-16T09:30:00+08:00\nends = 2026-09-16 11:00:00\n\
        [[meeting]]\nid = \"m2\"\ntitle = \"x\"\nplace = \"cellar\"\nstarts = \"2026-09-16 09:30\"\nends = \"2026-09-16 10:00\"\n\
        [[meeting]]\nid = \"m3\"\ntitle = \"x\"\nplace = \"hall\"\nstarts = \"2026-09-16 09:30\"\nends = \"2026-09-16 09:30\"\n";
    let compiled = compiled(&[
        SITE,
        UNITS,
        PEOPLE,
        PLACES,
        READERS,
        ("meetings.toml", meetings),
        (
            "meeting_roster.csv",
            "meeting,person,role\nm1,ana,\nm1,ana,chair\nm2,ana,\nm1,zoe,\nm1,bo,guest\n",
        ),
        (
            "permissions.csv",
            "meeting,person,from,until\nm1,ana,2026-09-16 10:00,2026-09-16 10:10\nm1,ana,2026-09-16 10:00,\n",
        ),
        ("meeting_units.csv", "meeting,unit,at_least\nm1,plan,2\nm1,x,2\n"),
        (
            "observations.csv",
            "observation,kind,at,observer,person\no1,seating,2026-09-16 10:00,bo,ana\no2,singing,2026-09-16 10:00,bo,ana\no3,conduct,2026-09-16 10:00,bo,\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "meeting_roster.csv:3 duplicate",
            "meeting_roster.csv:4 meeting_unknown",
            "meeting_roster.csv:5 person_unknown",
            "meeting_roster.csv:6 value_invalid",
            "meeting_units.csv:3 unit_unknown",
            "meetings.toml:10 place_unknown",
            "meetings.toml:18 interval_empty",
            "observations.csv:3 value_invalid",
            "observations.csv:4 value_missing",
            "permissions.csv:3 value_missing",
        ]
    );
    let meeting = &compiled.records.meetings[0];
    assert_eq!(
        (meeting.starts, meeting.ends),
        (shanghai("2026-09-16 09:30"), shanghai("2026-09-16 11:00"))
    );
    assert_eq!(meeting.sign_in_opens, shanghai("2026-09-16 09:00"));
    assert_eq!(meeting.roster.len(), 1);
}

#[test]
fn swipes_are_kept_whatever_is_doubtful_about_them() {
    let compiled = compiled(&[
        SITE,
        UNITS,
        PEOPLE,
        PLACES,
        (
            "readers.csv",
            "reader,place,faces,from,until\nin,office,in,,2026-09-17\n",
        ),
        ("badges.csv", "badge,person,from,until\n007,ana,,2026-09-17\n"),
        (
            "swipes.csv",
            "reader,badge,happened_at,received_at,sequence,faces\nin,7,2026-09-16 08:30,2026-09-16 08:31,,\nin,007,2026-09-16 08:30,2026-09-16 08:30,,\nin,8,2026-09-16 08:30,,,\nwest,9,2026-09-16 08:30,,,\nin,7,2019-12-31 08:30,,,\nin,7,2026-09-17 08:30,,,\nin,7,2026-09-16 08:30,,1,\nin,7,08:30,,,\nin,7,2026-09-16 08:30,,x,\nin,7,2026-09-16 08:30,,,up\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "swipes.csv:4 badge_unknown?",
            "swipes.csv:5 reader_unknown?",
            "swipes.csv:5 badge_unknown?",
            "swipes.csv:6 swipe_quarantined?",
            "swipes.csv:7 reader_unplaced?",
            "swipes.csv:7 badge_unowned?",
            "swipes.csv:9 instant_invalid",
            "swipes.csv:10 number_invalid",
            "swipes.csv:11 value_invalid",
        ]
    );
    assert_eq!(
        compiled.swipes.len(),
        6,
        "a repeat collapses, another sequence is another reading"
    );
    let first = compiled
        .swipes
        .iter()
        .find(|swipe| swipe.sequence.is_none() && swipe.badge == "007" && swipe.quarantine.is_none());
    let first = first.expect("the swipe of the printed number");
    assert_eq!(
        first.dedup_key,
        format!("in|007|{}||", shanghai("2026-09-16 08:30").as_ms())
    );
    assert_eq!(
        first.received_at,
        shanghai("2026-09-16 08:30"),
        "of a swipe that came twice the first receipt counts"
    );
    assert_eq!(
        compiled.swipes.iter().filter(|swipe| swipe.judged().is_some()).count(),
        4
    );
}

#[test]
fn a_file_that_is_a_folder_is_a_problem_of_that_file() {
    let folder = folder(&[SITE]);
    fs::create_dir(folder.path().join("people.csv")).expect("a folder");
    let compiled = read(folder.path()).expect("a usable site.toml");
    assert_eq!(problems(&compiled), ["people.csv file_unreadable"]);
}

/// A folder in which every file has something good.
fn good_files() -> Vec<(&'static str, String)> {
    let texts = [
        (
            "site.toml",
            "time_zone = \"Asia/Shanghai\"\nname = \"局\"\n[period_defaults]\ngrace_late_minutes = 5\n",
        ),
        (
            "schedules.toml",
            "[[schedule]]\nid = \"office\"\nfrom = 2026-01-01\n[[schedule.period]]\nname = \"morning\"\nstarts = \"08:30\"\nends = \"12:00\"\nflex_minutes = 30\n[[schedule.period]]\nname = \"night\"\nstarts = \"22:00\"\nends = \"06:00+1\"\n[[schedule.late_allowance]]\nleft_after = \"20:00\"\nmay_arrive_until = \"09:30\"\n",
        ),
        (
            "meetings.toml",
            "[[meeting]]\nid = \"m1\"\ntitle = \"例会\"\nplace = \"hall\"\nstarts = \"2026-09-16 09:30\"\nends = \"2026-09-16 11:00\"\n",
        ),
        (TableFile::Units.name(), UNITS.1),
        (TableFile::People.name(), PEOPLE.1),
        (
            TableFile::Badges.name(),
            "badge,person,from,until\n1,ana,,\n2,bo,2026-01-01,\n",
        ),
        (TableFile::Places.name(), PLACES.1),
        (
            TableFile::Readers.name(),
            "reader,place,faces\nin,office,in\nout,office,out\nhall,hall,both\n",
        ),
        (
            TableFile::Calendar.name(),
            "date,kind\n2026-09-17,morning_off\n2026-09-19,workday\n",
        ),
        (TableFile::Assignments.name(), "subject,schedule\nunit:plan,office\n"),
        (
            TableFile::Absences.name(),
            "absence,person,kind,from,until\na1,bo,leave,2026-09-16,2026-09-17\n",
        ),
        (TableFile::MeetingRoster.name(), "meeting,person\nm1,ana\nm1,bo\n"),
        (
            TableFile::Permissions.name(),
            "meeting,person,from,until\nm1,ana,2026-09-16 10:00,2026-09-16 10:10\n",
        ),
        (
            TableFile::Coverage.name(),
            "reader,down_from,down_until\nin,2026-09-16 08:00,2026-09-16 08:10\n",
        ),
        (
            TableFile::Swipes.name(),
            "reader,badge,happened_at,received_at\nin,1,2026-09-16 08:40,\nhall,1,2026-09-16 09:40,\nout,1,2026-09-16 11:10,2026-09-16 12:00\n",
        ),
    ];
    texts.map(|(name, text)| (name, text.to_owned())).to_vec()
}

/// What `judge` does with a folder, up to the bytes that it prints.
fn judge_all(path: &Path) {
    let Ok(compiled) = read(path) else { return };
    let as_of = shanghai("2026-09-18 04:00");
    let question = Question {
        as_of,
        known_at: None,
        from: None,
        until: None,
        person: None,
        all: true,
    };
    let judgement = judge(compiled, &question);
    let mut json = Vec::new();
    write_json(&judgement, &mut json).expect("memory takes everything");
    assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    for language in Language::ALL {
        write_text(&judgement, language, std::io::sink()).expect("a sink takes everything");
    }
}

fn write_all(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = folder(&[]);
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    folder
}

/// Something to put where it does not belong.
fn splinter() -> impl Strategy<Value = Vec<u8>> {
    let likely = [
        "",
        ",",
        "\"",
        "\n",
        "\r\n",
        "=",
        "[",
        "-1",
        "99999999999999999999",
        "2026-02-30",
        "9999-12-31 23:59:59",
        "0001-01-01",
        "24:00",
        "00:00+1",
        "unit:",
        "none",
        "\u{feff}",
        "\u{0}",
        "é",
        "both",
        "-9223372036854775808",
    ];
    prop_oneof![
        select(likely.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        vec(any::<u8>(), 1..8)
    ]
}

#[test]
fn the_good_folder_is_good() {
    let files: Vec<_> = good_files()
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    let folder = write_all(&files);
    assert_eq!(problems(&read(folder.path()).expect("usable")), [""; 0]);
    judge_all(folder.path());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_damaged_folder_is_judged_without_panic(damages in vec((any::<Index>(), any::<Index>(), 0usize..12, splinter()), 1..6)) {
        let mut files: Vec<_> = good_files().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
        for (file, place, removed, splinter) in damages {
            let count = files.len();
            let bytes = &mut files[file.index(count)].1;
            let from = place.index(bytes.len() + 1);
            let until = (from + removed).min(bytes.len());
            bytes.splice(from..until, splinter);
        }
        judge_all(write_all(&files).path());
    }

    #[test]
    fn random_bytes_are_read_without_panic(file in any::<Index>(), bytes in vec(any::<u8>(), 0..400)) {
        let mut files: Vec<_> = good_files().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
        let count = files.len();
        files[file.index(count)].1 = bytes;
        judge_all(write_all(&files).path());
    }
}

#[test]
fn meetings_have_units_substitutes_moved_ends_and_observations() {
    let meeting = |id: &str, more: &str| {
        format!(
            "[[meeting]]\nid = \"{id}\"\ntitle = \"x\"\nplace = \"hall\"\nstarts = \"2026-09-16 09:30\"\nends = \"2026-09-16 11:00\"\n{more}\n"
        )
    };
    let meetings = [
        meeting("m1", "substitutes = \"with_approval\"\nextended_until = \"2026-09-16 11:30\"\nclosed_early_at = \"2026-09-16 11:15\""),
        meeting("m2", ""),
        meeting("m3", "extended_until = \"2026-09-16 11:00\""),
        meeting("m4", "closed_early_at = \"2026-09-16 09:30\""),
    ]
    .concat();
    let compiled = compiled(&[
        SITE,
        UNITS,
        PEOPLE,
        PLACES,
        READERS,
        ("meetings.toml", &meetings),
        ("meeting_roster.csv", "meeting,person\nm1,ana\nm2,ana\n"),
        (
            "meeting_units.csv",
            "meeting,unit,at_least,min_rank,head_required\nm1,plan,,5,yes\nm1,plan,2,,\nm1,plan,-1,,\n",
        ),
        (
            "meeting_ends.csv",
            "meeting,extended_until,closed_early_at,moved_by\nm2,2026-09-16 11:20,2026-09-16 11:10,clerk\nm2,2026-09-16 11:30,,\nm1,2026-09-16 10:00,,\nm5,2026-09-16 12:00,,\n",
        ),
        (
            "substitutes.csv",
            "meeting,person,substitute,accepted_by,accepted_at\nm1,ana,bo,clerk,2026-09-15 16:00\nm1,ana,bo,,\nm1,bo,ana,,\nm1,ana,ana,,\nm2,ana,bo,,\nm1,ana,zoe,,\nm1,ana,bo,,soon\n",
        ),
        (
            "observations.csv",
            "observation,meeting,person,unit,kind,at,observer,note\no1,m1,ana,,seating,2026-09-16 10:00,ins,\no1,m1,ana,,seating,2026-09-16 10:00,ins,\no2,,,plan,conduct,2026-09-16 10:00,ins,loud\n",
        ),
    ]);
    assert_eq!(
        problems(&compiled),
        [
            "meeting_ends.csv:3 duplicate",
            "meeting_ends.csv:4 interval_empty",
            "meeting_ends.csv:5 meeting_unknown",
            "meeting_units.csv:3 duplicate",
            "meeting_units.csv:4 number_invalid",
            "meetings.toml:23 interval_empty",
            "meetings.toml:30 interval_empty",
            "observations.csv:3 duplicate",
            "substitutes.csv:3 duplicate",
            "substitutes.csv:4 not_on_roster",
            "substitutes.csv:5 substitute_not_allowed",
            "substitutes.csv:6 substitute_not_allowed",
            "substitutes.csv:7 person_unknown",
            "substitutes.csv:8 instant_invalid",
        ]
    );
    let meeting = &compiled.records.meetings[0];
    assert_eq!(
        (meeting.over_at(), meeting.last_end()),
        (shanghai("2026-09-16 11:00"), shanghai("2026-09-16 11:15"))
    );
    assert_eq!(
        (meeting.obligations[0].at_least, meeting.obligations[0].min_rank),
        (1, Some(5))
    );
    assert_eq!(meeting.substitutions[0].accepted_by.as_deref(), Some("clerk"));
    assert_eq!(compiled.records.observations.len(), 2);
    assert_eq!(compiled.records.meetings[1].last_end(), shanghai("2026-09-16 11:10"));
}
