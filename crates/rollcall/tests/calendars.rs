//! Calendars from files: what occurs, worked out by hand; what becomes of it in the database; and that no text brings us down.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use rollcall::calendars::import_days::{self, File};
use rollcall::calendars::import_meetings::{self, Act, Wanted, WindowOptions};
use rollcall::calendars::meetings::{self, Settings};
use rollcall::calendars::{days, event, series};
use rollcall::folder::{self, Code, SiteSource, Table, TableFile, midnight};
use rollcall::{transfer, words::Language};
use rules::model::SiteRecords;
use rules::time::{Instant, Interval};
use store::Ledger;
use store::rows::{DayKey, DayRow};
use tempfile::TempDir;

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;

const SITE: &[(&str, &str)] = &[
    (
        "site.toml",
        "name = \"Bureau\"\ntime_zone = \"Asia/Shanghai\"\ncalendar = \"cn\"\n",
    ),
    ("units.csv", "unit,name\nplan,规划科\n"),
    (
        "people.csv",
        "person,name,unit,mail\nana,安娜,plan,ana@bureau.example\nbo,卜,plan,Bo@Bureau.Example\nqi,齐,plan,qi@bureau.example\n",
    ),
    (
        "places.csv",
        "place,name,kind\ngate,大门,office\nroom1,第一会议室,meeting\nroom2,二楼 小会议室,meeting\n",
    ),
    (
        "schedules.toml",
        "[[schedule]]\nid = \"office\"\n[[schedule.period]]\nname = \"day\"\nstarts = \"08:30\"\nends = \"17:30\"\n",
    ),
    (
        "assignments.csv",
        "subject,schedule\nperson:ana,office\nperson:bo,office\n",
    ),
];

fn at(text: &str) -> Instant {
    folder::local_instant(text, ZONE).expect("an instant")
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn folder_of(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in files {
        fs::write(folder.path().join(file), text).expect("written");
    }
    folder
}

fn records() -> SiteRecords {
    let folder = folder_of(SITE);
    let source = folder::read_directory(folder.path()).expect("readable");
    folder::compile(&source).expect("a site").records
}

/// What a calendar comes to in the year around November 2026, a line each.
fn meetings_of(text: &str, settings: &Settings) -> Vec<String> {
    let records = records();
    let feed = event::read("test.ics", text, ZONE, date("2026-11-01")).expect("a calendar");
    assert_eq!(feed.problems, []);
    let window = Interval::new(at("2026-10-01 00:00"), at("2027-10-01 00:00"));
    let expanded = series::expand("test.ics", &feed, window).expect("expands");
    assert_eq!(expanded.problems, []);
    let matched = meetings::match_all("test.ics", &expanded, &records, settings);
    let local = |at: Instant| at.to_utc().with_timezone(&ZONE);
    let mut lines: Vec<String> = matched
        .meetings
        .values()
        .map(|meeting| {
            let (starts, ends) = (local(meeting.starts), local(meeting.ends));
            let roster: Vec<String> = meeting
                .roster
                .iter()
                .map(|(who, role)| format!("{who}:{role}"))
                .collect();
            let (title, place) = (&meeting.title, &meeting.place);
            let times = format!("{} - {}", starts.format("%Y-%m-%d %H:%M"), ends.format("%H:%M"));
            format!("{times} | {title} | {place} | {}", roster.join(" "))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn calendars_of_every_maker_occur_as_worked_out_by_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calendars");
    let mut compared = 0;
    for entry in fs::read_dir(folder).expect("fixtures") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "ics") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable");
        let expected = fs::read_to_string(path.with_extension("expected")).expect("readable");
        let mut expected: Vec<&str> = expected.lines().filter(|line| !line.starts_with('#')).collect();
        expected.sort_unstable();
        let settings = Settings {
            place: Some("room2".to_owned()),
            all_day: rollcall::calendars::source::all_day("09:00-17:00").ok(),
            ..Settings::default()
        };
        assert_eq!(meetings_of(&text, &settings), expected, "{}", path.display());
        compared += 1;
    }
    assert!(compared >= 6, "only {compared} fixtures");
}

/// A database with the site in it.
struct Place {
    ledger: Arc<dyn Ledger>,
    _database: TempDir,
    site: TempDir,
}

impl Place {
    async fn new() -> Self {
        let database = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", database.path().join("rollcall.db").display());
        let ledger = store::open(&url, store::Options { exclusive: true })
            .await
            .expect("opens");
        let site = folder_of(SITE);
        let place = Self {
            ledger,
            _database: database,
            site,
        };
        place.import_folder().await;
        place
    }

    async fn import_folder(&self) {
        let options = transfer::ImportOptions {
            dry_run: false,
            accept_good_rows: false,
            actor: "test".to_owned(),
        };
        let report = transfer::import(&*self.ledger, self.site.path(), &options, at("2026-11-25 10:00")).await;
        let report = report.expect("imports");
        assert_eq!(report.errors, 0, "{:?}", report.lines(Language::English));
    }

    async fn import_days(&self, text: &str, dry_run: bool) -> import_days::Report {
        let options = import_days::Options {
            dry_run,
            accept_good_rows: true,
            source: None,
            actor: "test".to_owned(),
        };
        let files = [File {
            name: "file".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }];
        import_days::import(&*self.ledger, &files, &options, at("2026-11-25 10:00"))
            .await
            .expect("imports")
    }

    async fn import_meetings(&self, source: &str, text: &str) -> import_meetings::Report {
        let wanted = Wanted::Files(vec![File {
            name: "feed.ics".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }]);
        self.import_wanted(source, &wanted, at("2026-11-25 10:00")).await
    }

    async fn import_wanted(&self, source: &str, wanted: &Wanted, now: Instant) -> import_meetings::Report {
        let options = import_meetings::Options {
            source: source.to_owned(),
            settings: Settings::default(),
            window: WindowOptions {
                past_days: None,
                future_days: 180,
                from: None,
                until: None,
            },
            dry_run: false,
            accept_good_rows: true,
            actor: "test".to_owned(),
        };
        import_meetings::import(&*self.ledger, wanted, &options, now)
            .await
            .expect("imports")
    }

    /// Stores days of November 2026 that were judged, so that those which become due again are seen.
    async fn judge(&self, people: &[&str]) {
        let mut transaction = self.ledger.begin().await.expect("begin");
        let dates = date("2026-11-01").iter_days().take(30);
        let rows: Vec<DayRow> = dates
            .flat_map(|date| people.iter().map(move |person| (*person, date)))
            .map(|(person, date)| DayRow {
                key: DayKey {
                    person: person.to_owned(),
                    date: date.to_string(),
                },
                judged_at: Some(at("2026-11-25 09:00")),
                next_check: None,
                rules_version: rules::VERSION,
                facts_revision: 1,
            })
            .collect();
        let keys: Vec<DayKey> = rows.iter().map(|row| row.key.clone()).collect();
        transaction.touch_days(&keys).await.expect("touched");
        transaction.save_days(&rows).await.expect("saved");
        transaction.set_setting("opened_from", "2026-11-01").await.expect("set");
        transaction
            .set_setting("opened_through", "2026-11-25")
            .await
            .expect("set");
        transaction.commit().await.expect("commit");
    }

    /// `person date` of the days that are due, or that were made and never judged.
    async fn due(&self) -> Vec<String> {
        let days = self.ledger.days("2026-10-01", "2027-02-01").await.expect("read");
        let due = days
            .into_iter()
            .filter(|day| day.next_check == Some(Instant::from_ms(0)) || day.judged_at.is_none());
        due.map(|day| format!("{} {}", day.key.person, day.key.date)).collect()
    }

    async fn calendar(&self, date: &str) -> Option<String> {
        let source = transfer::site_source(&*self.ledger).await.expect("read");
        let records = folder::compile(&source).expect("a site").records;
        let day = records.calendar.iter().find(|day| day.date.to_string() == date)?;
        Some(import_days::kind_name(Some(day.kind)).to_owned())
    }

    async fn table(&self, file: TableFile) -> Vec<String> {
        let source = transfer::site_source(&*self.ledger).await.expect("read");
        let rows = source
            .tables
            .get(&file)
            .map(|table| table.rows.clone())
            .unwrap_or_default();
        rows.iter().map(|row| row.cells.join(",")).collect()
    }
}

const NOTICE: &str = r#"{"year": 2027, "papers": ["https://www.gov.cn/"], "days": [
    {"name": "元旦", "date": "2026-12-27", "isOffDay": false},
    {"name": "元旦", "date": "2027-01-01", "isOffDay": true},
    {"name": "元旦", "date": "2027-01-02", "isOffDay": true},
    {"name": "坏", "date": "2027-02-30", "isOffDay": true},
    {"name": "坏", "date": "2027-02-11"}]}"#;

#[tokio::test]
async fn a_notice_is_an_edition_and_the_same_notice_again_is_none() {
    let place = Place::new().await;
    let dry = place.import_days(NOTICE, true).await;
    assert!(!dry.applied && dry.dry_run);
    assert_eq!((dry.changes.len(), dry.errors, dry.people), (3, 2, 2));
    assert_eq!(place.calendar("2027-01-01").await, None, "a dry run writes nothing");
    let report = place.import_days(NOTICE, false).await;
    assert!(report.applied);
    assert_eq!(place.calendar("2027-01-01").await.as_deref(), Some("holiday"));
    assert_eq!(
        place.calendar("2026-12-27").await.as_deref(),
        Some("workday"),
        "a day of the notice's own year before"
    );
    let revision = place.ledger.facts_revision().await.expect("read");
    let again = place.import_days(NOTICE, false).await;
    assert_eq!((again.changes.len(), again.unchanged), (0, 3));
    assert_eq!(place.ledger.facts_revision().await.expect("read"), revision);
    let codes: BTreeSet<Code> = report.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::DateInvalid, Code::ValueInvalid].into());
}

#[tokio::test]
async fn a_changed_notice_takes_back_what_it_no_longer_says() {
    let place = Place::new().await;
    // A notice of 2026 that knows of one holiday only: everything else that came with Rollcall of that notice is taken back.
    let changed = r#"{"year": 2026, "papers": [], "days": [{"name": "元旦", "date": "2026-01-01", "isOffDay": true},
        {"name": "国庆节", "date": "2026-10-08", "isOffDay": true}]}"#;
    let report = place.import_days(changed, false).await;
    assert!(report.applied, "{:?}", report.lines(Language::English));
    assert_eq!(place.calendar("2026-01-01").await.as_deref(), Some("holiday"));
    assert_eq!(place.calendar("2026-10-08").await.as_deref(), Some("holiday"));
    assert_eq!(
        place.calendar("2026-10-10").await,
        None,
        "a makeup workday that is none any more"
    );
    assert_eq!(
        place.calendar("2025-10-01").await.as_deref(),
        Some("holiday"),
        "another notice stays"
    );
    let lines = report.lines(Language::Chinese);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("2026-10-10") && line.contains("按周作息")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn what_was_written_by_hand_stays() {
    let place = Place::new().await;
    let by_hand = "date,kind,name,source\n2027-01-01,workday,值守,本局\n2026-10-01,afternoon_off,,本局\n";
    fs::write(place.site.path().join("calendar.csv"), by_hand).expect("written");
    place.import_folder().await;
    assert_eq!(
        place.calendar("2026-10-01").await.as_deref(),
        Some("afternoon_off"),
        "over the shipped one"
    );
    assert_eq!(
        place.calendar("2026-10-02").await.as_deref(),
        Some("holiday"),
        "per date"
    );
    let report = place.import_days(NOTICE, false).await;
    assert_eq!(place.calendar("2027-01-01").await.as_deref(), Some("workday"));
    assert_eq!(place.calendar("2027-01-02").await.as_deref(), Some("holiday"));
    assert!(report.problems.iter().any(|problem| problem.code == Code::DayByHand));
}

#[tokio::test]
async fn a_holiday_edited_afterwards_judges_exactly_the_days_that_it_touches_again() {
    let place = Place::new().await;
    place.judge(&["ana", "bo", "qi"]).await;
    // Thursday 19 November becomes a holiday. Nobody works by the week's end, and qi has no office hours.
    let report = place
        .import_days("date,kind,name\n2026-11-19,holiday,局庆\n", false)
        .await;
    assert_eq!(report.changes.len(), 1);
    let expected: Vec<String> = ["ana", "bo"]
        .iter()
        .flat_map(|person| (17..=21).map(move |day| format!("{person} 2026-11-{day}")))
        .collect();
    let mut due = place.due().await;
    due.sort();
    assert_eq!(due, expected, "the date and its neighbours, of those who work");
    assert_eq!((report.people, report.days), (2, 10));
}

#[tokio::test]
async fn a_weekend_that_becomes_a_workday_afterwards_is_judged_for_those_who_work_then() {
    let place = Place::new().await;
    place.judge(&["qi"]).await;
    place
        .import_days("date,kind,name\n2026-11-21,workday,补班\n", false)
        .await;
    assert_eq!(
        place.due().await,
        ["ana 2026-11-21", "bo 2026-11-21"],
        "rows that nobody had made"
    );
}

#[tokio::test]
async fn a_folder_with_another_calendar_judges_no_more_than_that_again() {
    let place = Place::new().await;
    place.judge(&["ana"]).await;
    fs::write(
        place.site.path().join("calendar.csv"),
        "date,kind\n2026-11-05,holiday\n",
    )
    .expect("written");
    place.import_folder().await;
    let expected: Vec<String> = (3..=7).map(|day| format!("ana 2026-11-0{day}")).collect();
    let due: Vec<String> = place
        .due()
        .await
        .into_iter()
        .filter(|due| due.starts_with("ana"))
        .collect();
    assert_eq!(due, expected);
}

#[test]
fn holiday_calendars_say_days_off_workdays_and_halves() {
    let text = "BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-CALNAME:节假日\n\
        BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20270206\nDTEND;VALUE=DATE:20270208\nSUMMARY:春节（休）\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:2\nDTSTART;VALUE=DATE:20270220\nSUMMARY:春节（班）\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:3\nDTSTART;VALUE=DATE:20270214\nSUMMARY:情人节\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:4\nDTSTART:20270308T120000\nDTEND:20270309T000000\nSUMMARY:妇女节放假\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:5\nDTSTART:20270504T000000\nDTEND:20270504T120000\nSUMMARY:青年节放假\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:6\nDTSTART:20270601T090000\nDTEND:20270601T100000\nSUMMARY:放假通知会\nEND:VEVENT\n\
        END:VCALENDAR\n";
    let read = days::read("cn.ics", text.as_bytes(), None, ZONE, at("2026-11-25 10:00")).expect("readable");
    let days: Vec<String> = read
        .days
        .iter()
        .map(|(date, row)| format!("{date} {} {}", row.kind, row.name))
        .collect();
    assert_eq!(
        days,
        [
            "2027-02-06 holiday 春节",
            "2027-02-07 holiday 春节",
            "2027-02-20 workday 春节",
            "2027-03-08 afternoon_off 妇女节放假",
            "2027-05-04 morning_off 青年节放假",
        ]
    );
    let codes: Vec<Code> = read.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::DayPartly, Code::DayUnmarked]);
    let yearly = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:19910101\nRRULE:FREQ=YEARLY\nSUMMARY:Neujahr\n\
        END:VEVENT\nEND:VCALENDAR\n";
    let read = days::read("de.ics", yearly.as_bytes(), None, ZONE, at("2026-11-25 10:00")).expect("readable");
    let dates: Vec<String> = read.days.keys().map(ToString::to_string).collect();
    assert_eq!(dates, ["2025-01-01", "2026-01-01", "2027-01-01", "2028-01-01"]);
}

#[test]
fn what_is_no_holiday_file_is_said() {
    for (text, code) in [
        ("", Code::CalendarMalformed),
        ("{\"year\": 2027}", Code::CalendarMalformed),
        ("{\"year\": 2027, \"papers\": [], \"days\": []}", Code::DayNone),
        ("name,when\na,b\n", Code::CalendarMalformed),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", Code::DayNone),
    ] {
        let read = days::read("file", text.as_bytes(), None, ZONE, at("2026-11-25 10:00"));
        assert_eq!(read.expect_err(text).code, code, "{text}");
    }
}

fn meeting(uid: &str, starts: &str, more: &str) -> String {
    format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTART;TZID=Asia/Shanghai:{starts}\nDURATION:PT1H\nSUMMARY:{uid}\nLOCATION:room1\n\
         ATTENDEE:mailto:ana@bureau.example\n{more}END:VEVENT\n"
    )
}

fn calendar_of(events: &[String]) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}END:VCALENDAR\n", events.concat())
}

fn acts(report: &import_meetings::Report) -> Vec<String> {
    let one =
        |change: &import_meetings::Change| format!("{} {} {}", change.act.name(), change.title, &change.starts[..16]);
    report.changes.iter().map(one).collect()
}

#[tokio::test]
async fn a_meeting_that_moves_keeps_its_name_and_one_that_vanishes_is_withdrawn() {
    let place = Place::new().await;
    let (one, other) = (
        meeting("one", "20261201T090000", ""),
        meeting("other", "20261202T090000", ""),
    );
    let first = place
        .import_meetings("feed", &calendar_of(&[one.clone(), other.clone()]))
        .await;
    assert_eq!(
        acts(&first),
        ["added one 2026-12-01T09:00", "added other 2026-12-02T09:00"]
    );
    let again = place.import_meetings("feed", &calendar_of(&[one, other.clone()])).await;
    assert_eq!(
        (again.changes.len(), again.unchanged),
        (0, 2),
        "nothing is written twice"
    );
    let moved = meeting("one", "20261203T150000", "");
    let report = place
        .import_meetings("feed", &calendar_of(&[moved.clone(), other]))
        .await;
    assert_eq!(acts(&report), ["changed one 2026-12-03T15:00"]);
    assert_eq!(report.changes[0].id, first.changes[0].id);
    let report = place.import_meetings("feed", &calendar_of(&[moved])).await;
    assert_eq!(acts(&report), ["withdrawn other 2026-12-02T09:00"]);
    assert_eq!(place.table(TableFile::FeedMeetings).await.len(), 1);
    assert_eq!(place.table(TableFile::FeedRoster).await.len(), 1);
}

#[tokio::test]
async fn only_what_the_calendar_brought_and_still_speaks_of_is_withdrawn() {
    let place = Place::new().await;
    let by_hand = "[[meeting]]\nid = \"m1\"\ntitle = \"Hand\"\nplace = \"room1\"\nstarts = \"2026-12-01 09:00\"\nends = \"2026-12-01 10:00\"\n";
    fs::write(place.site.path().join("meetings.toml"), by_hand).expect("written");
    place.import_folder().await;
    let past = meeting("past", "20261120T090000", "");
    let next = meeting("next", "20261201T090000", "");
    place
        .import_meetings("feed", &calendar_of(&[past.clone(), next.clone()]))
        .await;
    let other = place
        .import_meetings(
            "second",
            &calendar_of(&[next.clone(), meeting("own", "20261201T090000", "")]),
        )
        .await;
    assert_eq!(acts(&other), ["added own 2026-12-01T09:00"]);
    assert!(
        other
            .problems
            .iter()
            .any(|problem| problem.code == Code::EventElsewhere)
    );
    // The calendar keeps days to come only: what has taken place stays.
    let report = place
        .import_meetings("feed", &calendar_of(std::slice::from_ref(&next)))
        .await;
    assert_eq!((report.changes.len(), report.kept), (0, 1));
    // Empty, broken, cut off, or no calendar at all: nothing is withdrawn.
    let cut = calendar_of(std::slice::from_ref(&next)).replace("END:VCALENDAR\n", "");
    for text in ["", "BEGIN:VCALENDAR\nEND:VCALENDAR\n", "<html>Sign in</html>", &cut] {
        let report = place.import_meetings("feed", text).await;
        assert_eq!(
            (report.changes.len(), report.kept, report.problems.len()),
            (0, 2, 1),
            "{text}"
        );
    }
    let unreadable = next.replace(
        "DTSTART;TZID=Asia/Shanghai:20261201T090000",
        "DTSTART;TZID=Nowhere:20261201T090000",
    );
    let report = place
        .import_meetings(
            "feed",
            &calendar_of(&[unreadable, meeting("new", "20261204T090000", "")]),
        )
        .await;
    assert_eq!(acts(&report), ["added new 2026-12-04T09:00"]);
    assert_eq!(
        report.kept, 2,
        "the entry that cannot be read keeps what was known of it"
    );
    let gone = place
        .import_wanted("feed", &Wanted::Nothing, at("2026-11-25 10:00"))
        .await;
    assert_eq!((gone.count(Act::Withdrawn), gone.kept), (2, 1));
    let source = transfer::site_source(&*place.ledger).await.expect("read");
    assert_eq!(source.meetings, by_hand);
    let records = folder::compile(&source).expect("a site").records;
    let titles: Vec<&str> = records.meetings.iter().map(|meeting| &*meeting.title).collect();
    assert_eq!(titles, ["Hand", "past", "own"]);
}

#[tokio::test]
async fn cancellations_withdraw_and_invitations_say_nothing_of_others() {
    let place = Place::new().await;
    let weekly = meeting("weekly", "20261130T090000", "RRULE:FREQ=WEEKLY;COUNT=3\n");
    let single = meeting("single", "20261201T140000", "");
    place.import_meetings("feed", &calendar_of(&[weekly, single])).await;
    let invitation = calendar_of(&[meeting("new", "20261202T140000", "")]).replace("VERSION:2.0", "METHOD:REQUEST");
    assert_eq!(
        acts(&place.import_meetings("feed", &invitation).await),
        ["added new 2026-12-02T14:00"]
    );
    let one = "RECURRENCE-ID;TZID=Asia/Shanghai:20261207T090000\n";
    let cancel = calendar_of(&[meeting("weekly", "20261207T090000", one)]).replace("VERSION:2.0", "METHOD:CANCEL");
    assert_eq!(
        acts(&place.import_meetings("feed", &cancel).await),
        ["withdrawn weekly 2026-12-07T09:00"]
    );
    let cancel = calendar_of(&[meeting("single", "20261201T140000", "")]).replace("VERSION:2.0", "METHOD:CANCEL");
    assert_eq!(
        acts(&place.import_meetings("feed", &cancel).await),
        ["withdrawn single 2026-12-01T14:00"]
    );
    let moved = meeting("weekly", "20261130T100000", "RRULE:FREQ=WEEKLY;COUNT=3\n");
    let request = calendar_of(&[moved]).replace("VERSION:2.0", "METHOD:REQUEST");
    let report = place.import_meetings("feed", &request).await;
    assert_eq!(
        (report.count(Act::Added), report.count(Act::Withdrawn)),
        (3, 2),
        "the series at its new hour only"
    );
    let answer = calendar_of(&[meeting("new", "20261202T140000", "")]).replace("VERSION:2.0", "METHOD:REPLY");
    let report = place.import_meetings("feed", &answer).await;
    assert_eq!(
        (report.changes.len(), report.problems[0].code),
        (0, Code::CalendarAnswer)
    );
    let all = calendar_of(&[meeting(
        "weekly",
        "20261130T100000",
        "RRULE:FREQ=WEEKLY;COUNT=3\nSTATUS:CANCELLED\n",
    )]);
    let report = place
        .import_meetings("feed", &all.replace("VERSION:2.0", "METHOD:CANCEL"))
        .await;
    assert_eq!(report.count(Act::Withdrawn), 3);
}

#[tokio::test]
async fn a_meeting_makes_the_days_of_its_people_due() {
    let place = Place::new().await;
    place.judge(&["ana", "bo"]).await;
    // On Saturday, when nobody has a row: one is made for whoever is asked.
    place
        .import_meetings("feed", &calendar_of(&[meeting("saturday", "20261114T090000", "")]))
        .await;
    let due = place.due().await;
    assert!(due.contains(&"ana 2026-11-14".to_owned()), "{due:?}");
    assert!(due.iter().all(|day| day.starts_with("ana 2026-11-1")), "{due:?}");
    let place = Place::new().await;
    place.judge(&["bo"]).await;
    place
        .import_meetings("feed", &calendar_of(&[meeting("saturday", "20261114T090000", "")]))
        .await;
    assert_eq!(place.due().await, ["ana 2026-11-14"]);
}

#[tokio::test]
async fn what_calendars_brought_leaves_and_comes_back_as_a_folder() {
    let place = Place::new().await;
    place
        .import_meetings("feed", &calendar_of(&[meeting("one", "20261201T090000", "")]))
        .await;
    let folder = tempfile::tempdir().expect("a folder");
    transfer::export(&*place.ledger, folder.path()).await.expect("exports");
    let source = folder::read_directory(folder.path()).expect("readable");
    let compiled = folder::compile(&source).expect("a site");
    assert_eq!(compiled.problems, []);
    assert_eq!(compiled.records.meetings.len(), 1);
    assert_eq!(compiled.records.meetings[0].roster.len(), 1);
    let hand = "meeting,person,role\nID,ana,optional\nID,bo,required\n".replace("ID", &compiled.records.meetings[0].id);
    fs::write(folder.path().join("meeting_roster.csv"), hand).expect("written");
    let source = folder::read_directory(folder.path()).expect("readable");
    let records = folder::compile(&source).expect("a site").records;
    let roles: Vec<_> = records.meetings[0]
        .roster
        .iter()
        .map(|entry| (entry.person.0, entry.role))
        .collect();
    assert_eq!(
        roles,
        [(0, rules::model::Role::Optional), (1, rules::model::Role::Required)],
        "the hand wins"
    );
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("BEGIN:VEVENT".to_owned()),
        Just("END:VEVENT".to_owned()),
        Just("BEGIN:VTIMEZONE".to_owned()),
        Just("BEGIN:DAYLIGHT".to_owned()),
        Just("END:DAYLIGHT".to_owned()),
        Just("END:VTIMEZONE".to_owned()),
        Just("TZID:Odd".to_owned()),
        Just("TZOFFSETFROM:+0100".to_owned()),
        "TZOFFSETTO:[+-][0-9]{4}",
        "UID:[ab]",
        "SUMMARY:\\PC{0,12}",
        "DTSTART(;TZID=(Asia/Shanghai|Odd|Europe/Berlin)|;VALUE=DATE)?:[0-9]{4}[01][0-9][0-3][0-9](T[0-2][0-9][0-5][0-9]00Z?)?",
        "DTEND:202[67][01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9]00Z?",
        "DURATION:P(T?[0-9]{1,4}[DHMW])?",
        "RRULE:FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY|SECONDLY)(;(INTERVAL|COUNT|BYMONTH|BYMONTHDAY|BYSETPOS|BYWEEKNO|BYYEARDAY|BYHOUR)=-?[0-9]{1,5}){0,3}(;BYDAY=[+-]?[0-9]{0,2}(MO|SU))?(;UNTIL=20[0-9]{6})?",
        "(EXDATE|RDATE|RECURRENCE-ID)(;VALUE=DATE|;RANGE=THISANDFUTURE)?:202[0-9][01][0-9][0-3][0-9](T[0-2][0-9]0000Z?)?",
        "(STATUS|METHOD|CLASS):[A-Z]{3,9}",
        "ATTENDEE(;ROLE=[A-Z-]{5}|;CUTYPE=ROOM)?:(mailto:)?[a-z@.]{0,9}",
        "LOCATION:\\PC{0,9}",
        "\\PC{0,30}",
        " \\PC{0,9}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|lines| lines.join("\r\n"))
}

/// Reads, expands and matches, as an import does.
fn swallow(text: &str) {
    let Ok(feed) = event::read("fuzz.ics", text, ZONE, date("2026-11-01")) else {
        return;
    };
    let window = Interval::new(at("2026-10-01 00:00"), at("2027-05-01 00:00"));
    if let Ok(expanded) = series::expand("fuzz.ics", &feed, window) {
        let settings = Settings {
            place: Some("room1".to_owned()),
            ..Settings::default()
        };
        let matched = meetings::match_all("fuzz.ics", &expanded, &records(), &settings);
        assert!(matched.meetings.values().all(|meeting| meeting.starts < meeting.ends));
        let within = |meeting: &meetings::Meeting| window.contains(meeting.starts);
        assert!(matched.meetings.values().all(within));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_calendar_text_brings_us_down(text in pieces()) {
        swallow(&format!("BEGIN:VCALENDAR\r\n{text}\r\nEND:VCALENDAR\r\n"));
        swallow(&text);
    }

    #[test]
    fn no_bytes_bring_us_down(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        swallow(&text);
        drop(days::read("fuzz", &bytes, None, ZONE, at("2026-11-25 10:00")));
    }

    #[test]
    fn no_calendar_rows_bring_us_down(rows in prop::collection::vec("[0-9]{4}-[01][0-9]-[0-3][0-9],(holiday|workday|ordinary|[a-z]{3}),\\PC{0,8}", 0..20)) {
        let text = format!("date,kind,name\n{}\n", rows.join("\n"));
        let mut source = SiteSource {
            site: "time_zone = \"Asia/Shanghai\"\ncalendar = \"cn\"\n".to_owned(),
            ..SiteSource::default()
        };
        source.tables.insert(TableFile::Calendar, Table::parse("calendar.csv", text.as_bytes(), &mut Vec::new()));
        let compiled = folder::compile(&source).expect("a site");
        let dates: BTreeSet<NaiveDate> = compiled.records.calendar.iter().map(|day| day.date).collect();
        prop_assert_eq!(dates.len(), compiled.records.calendar.len(), "a date is one thing");
        drop(days::read("fuzz.csv", text.as_bytes(), None, ZONE, at("2026-11-25 10:00")));
    }
}

#[test]
fn an_entry_that_is_never_closed_takes_no_other_with_it() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:open\nDTSTART:20261201T010000Z\n".to_owned()
        + &meeting("closed", "20261201T090000", "")
        + "END:VCALENDAR\nBEGIN:VCALENDAR\n"
        + &meeting("another", "20261202T090000", "")
        + "END:VCALENDAR\n";
    let feed = event::read("two.ics", &text, ZONE, date("2026-11-01")).expect("a calendar");
    let uids: Vec<(&str, u64)> = feed
        .events
        .iter()
        .map(|event| (event.uid.as_str(), event.line))
        .collect();
    assert_eq!(uids, [("closed", 5), ("another", 15)]);
    assert_eq!(feed.unread, ["open"]);
    assert_eq!(feed.problems[0].row, Some(2));
}

#[test]
fn a_folded_line_is_text_whatever_it_says() {
    let folded = "DESCRIPTION:minutes of\n END:VEVENT\n BEGIN:VEVENT\n END:VCALENDAR\n";
    let text = calendar_of(&[meeting("folded", "20261201T090000", folded)]);
    let feed = event::read("folded.ics", &text, ZONE, date("2026-11-01")).expect("a calendar");
    assert_eq!((feed.events.len(), feed.problems.len()), (1, 0), "{:?}", feed.problems);
}

#[test]
fn an_entry_with_more_rules_than_a_program_writes_is_left_out() {
    let rules = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n".repeat(9);
    let text = calendar_of(&[
        meeting("many", "20261201T090000", &rules),
        meeting("once", "20261202T090000", ""),
    ]);
    let feed = event::read("many.ics", &text, ZONE, date("2026-11-01")).expect("a calendar");
    assert_eq!(feed.unread, ["many"]);
    assert_eq!(feed.problems[0].code, Code::EventRuleUnusable);
    assert_eq!(feed.events.len(), 1, "the entry beside it counts");
}

#[test]
fn a_notice_with_a_day_that_cannot_be_read_takes_nothing_back() {
    let notice = |second: &str| {
        let text = format!(
            r#"{{"year": 2026, "days": [{{"name": "国庆节", "date": "2026-10-01", "isOffDay": true}},
                {{"name": "国庆节", "date": "{second}", "isOffDay": true}}]}}"#
        );
        days::read("2026.json", text.as_bytes(), None, ZONE, at("2026-11-25 10:00")).expect("a notice")
    };
    assert!(notice("2026-10-02").whole.is_some());
    let wrong = notice("2026-10-32");
    assert_eq!((wrong.days.len(), wrong.problems.len()), (1, 1));
    assert_eq!(wrong.whole, None, "2026-10-02 may be known already");
}

#[test]
fn a_calendar_that_was_made_to_take_long_ends_all_the_same() {
    let rule = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n";
    let events: Vec<String> = (0..100)
        .map(|number| meeting(&format!("u{number}"), "19700101T090000", rule))
        .collect();
    let text = calendar_of(&events);
    let begun = std::time::Instant::now();
    swallow(&text);
    assert!(begun.elapsed() < series::EXPANSION_LIMIT * 3, "{:?}", begun.elapsed());
    assert_eq!(midnight(date("2026-11-01"), ZONE), at("2026-11-01 00:00"));
}
