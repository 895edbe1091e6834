//! Folders through a real database and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rules::time::Instant;
use store::Ledger;
use store::rows::{DayKey, SwipeRecord};
use tempfile::TempDir;

use super::*;
use crate::demo::bureau::Bureau;
use crate::demo::random::Random;
use crate::demo::{script, site};
use crate::folder::{TableFile, read_directory};
use crate::words::Language;

const SMALL: &[(&str, &str)] = &[
    ("site.toml", "name = \"Bureau\"\ntime_zone = \"Asia/Shanghai\"\n"),
    ("units.csv", "unit,name\nplan,Planning\n"),
    (
        "people.csv",
        "person,name,unit\nana,An Na,plan\nbo,\"Bo, the elder\",plan\n",
    ),
    ("badges.csv", "badge,person\n0007,ana\n8,bo\n"),
    ("places.csv", "place,kind\ngate,office\n"),
    ("readers.csv", "reader,place,faces\ngate-in,gate,in\n"),
    (
        "absences.csv",
        "absence,person,kind,from,until\na1,bo,leave,2026-09-15,2026-09-16\n",
    ),
];

/// A database and a folder, both empty.
struct Fixture {
    ledger: Arc<dyn Ledger>,
    folder: TempDir,
    _database: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let database = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", database.path().join("rollcall.db").display());
        let ledger = store::open(&url, store::Options { exclusive: true }).await.unwrap();
        Self {
            ledger,
            folder: tempfile::tempdir().unwrap(),
            _database: database,
        }
    }

    async fn with(files: &[(&str, &str)]) -> Self {
        let fixture = Self::new().await;
        fixture.write(files);
        let report = fixture.import(false, false).await;
        assert!(
            report.applied && report.errors == 0,
            "{:?}",
            report.lines(Language::English)
        );
        fixture
    }

    fn write(&self, files: &[(&str, &str)]) {
        for (file, text) in files {
            fs::write(self.folder.path().join(file), text).unwrap();
        }
    }

    /// Leaves only these files in the folder.
    fn rewrite(&self, files: &[(&str, &str)]) {
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        self.write(files);
    }

    async fn import(&self, dry_run: bool, accept_good_rows: bool) -> ImportReport {
        let options = ImportOptions {
            dry_run,
            accept_good_rows,
            actor: "test".to_owned(),
        };
        import(
            &*self.ledger,
            self.folder.path(),
            &options,
            Instant::from_ms(1_789_500_000_000),
        )
        .await
        .unwrap()
    }

    async fn rows(&self, file: TableFile) -> usize {
        site_source(&*self.ledger)
            .await
            .unwrap()
            .tables
            .get(&file)
            .map_or(0, |table| table.rows.len())
    }

    async fn revision(&self) -> i64 {
        self.ledger.facts_revision().await.unwrap()
    }
}

fn counts(report: &ImportReport, file: &str) -> (u64, u64, u64, u64) {
    let report = report
        .files
        .iter()
        .find(|report| report.file == file)
        .expect("the file is reported");
    (report.added, report.unchanged, report.superseded, report.refused)
}

/// What a folder says, whatever the order of its rows and columns.
fn content(directory: &Path) -> BTreeMap<String, Vec<String>> {
    let source = read_directory(directory).unwrap();
    assert_eq!(source.problems, []);
    let mut content: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, table) in &source.tables {
        let mut rows: Vec<String> = table.rows.iter().map(|row| stored::cells_of(table, row)).collect();
        rows.sort();
        content.insert(file.name().to_owned(), rows);
    }
    for (file, text) in [
        ("site.toml", source.site),
        ("schedules.toml", source.schedules),
        ("meetings.toml", source.meetings),
    ] {
        content.insert(file.to_owned(), vec![text]);
    }
    content
}

#[tokio::test]
async fn what_is_imported_is_exported_and_importing_that_changes_nothing() {
    let fixture = Fixture::new().await;
    let bureau = Bureau::invent(4);
    let swipes = script::write(&bureau, &bureau.casts[0], &mut Random::new(4));
    site::write(&bureau, &swipes, fixture.folder.path()).unwrap();
    let report = fixture.import(false, false).await;
    assert_eq!(report.errors, 0, "{:?}", report.lines(Language::English));
    assert_eq!(counts(&report, "people.csv"), (274, 0, 0, 0));
    assert_eq!(counts(&report, "duties.csv"), (3, 0, 0, 0));
    let shown = read_directory(fixture.folder.path()).unwrap().tables[&TableFile::Swipes]
        .rows
        .len();
    assert!(shown > swipes.len(), "the door of the duty room has seen some more");
    assert_eq!(counts(&report, "swipes.csv"), (shown as u64, 0, 0, 0));

    let exported = tempfile::tempdir().unwrap();
    export(&*fixture.ledger, exported.path()).await.unwrap();
    let (mut before, mut after) = (content(fixture.folder.path()), content(exported.path()));
    // Instants are written in another form and still are the same ones, which importing them shows.
    assert_eq!(
        before.remove("swipes.csv").map(|rows| rows.len()),
        after.remove("swipes.csv").map(|rows| rows.len())
    );
    assert_eq!(before, after);

    let revision = fixture.revision().await;
    let options = ImportOptions {
        dry_run: false,
        accept_good_rows: false,
        actor: "test".to_owned(),
    };
    let again = import(
        &*fixture.ledger,
        exported.path(),
        &options,
        Instant::from_ms(1_789_500_000_000),
    )
    .await
    .unwrap();
    assert!(
        again
            .files
            .iter()
            .all(|file| (file.added, file.superseded, file.refused) == (0, 0, 0)),
        "{:?}",
        again.files
    );
    assert_eq!(fixture.revision().await, revision, "a daemon has nothing to notice");
}

#[tokio::test]
async fn a_swipe_of_a_reader_is_not_imported_a_second_time_from_an_export() {
    let fixture = Fixture::with(SMALL).await;
    let at = Instant::from_ms(1_789_520_400_123);
    let mut transaction = fixture.ledger.begin().await.unwrap();
    let live = SwipeRecord {
        id: "00000000000000000000000000000001".to_owned(),
        dedup_key: "gate-in|boot/1".to_owned(),
        reader: "gate-in".to_owned(),
        badge: "8".to_owned(),
        raw_hex: Some("0100000008".to_owned()),
        bits: Some(40),
        happened_at: at,
        received_at: at,
        sequence: None,
        faces: None,
        quarantine: None,
    };
    let held = SwipeRecord {
        id: "00000000000000000000000000000002".to_owned(),
        dedup_key: "gate-in|boot/2".to_owned(),
        badge: "0007".to_owned(),
        quarantine: Some("clock_off".to_owned()),
        ..live.clone()
    };
    transaction.record_swipes(&[live, held]).await.unwrap();
    transaction.commit().await.unwrap();
    fixture.rewrite(&[]);
    export(&*fixture.ledger, fixture.folder.path()).await.unwrap();
    let written = fs::read_to_string(fixture.folder.path().join("swipes.csv")).unwrap();
    assert!(!written.contains("0007"), "what is held would be judged: {written}");
    let report = fixture.import(false, false).await;
    assert_eq!(counts(&report, "swipes.csv"), (0, 1, 0, 0));
    assert_eq!(fixture.ledger.swipe_count().await.unwrap(), 2);
}

#[tokio::test]
async fn a_missing_file_leaves_what_is_stored_and_an_empty_one_empties_it() {
    let fixture = Fixture::with(SMALL).await;
    fixture.rewrite(&[(
        "swipes.csv",
        "reader,badge,happened_at\ngate-in,0007,2026-09-16 08:20\n",
    )]);
    let report = fixture.import(false, false).await;
    assert_eq!(report.files.len(), 1, "{:?}", report.files);
    assert_eq!(
        (
            fixture.rows(TableFile::People).await,
            fixture.rows(TableFile::Absences).await
        ),
        (2, 1)
    );

    fixture.rewrite(&[("absences.csv", "absence,person,kind,from,until\n")]);
    assert_eq!(
        counts(&fixture.import(false, false).await, "absences.csv"),
        (0, 0, 1, 0)
    );
    assert_eq!(
        (
            fixture.rows(TableFile::People).await,
            fixture.rows(TableFile::Absences).await
        ),
        (2, 0)
    );
}

#[tokio::test]
async fn an_error_changes_nothing_unless_good_rows_are_accepted() {
    let fixture = Fixture::with(SMALL).await;
    let revision = fixture.revision().await;
    // Cy has no unit, so the row does not count, and then Cy's badge is nobody's.
    fixture.rewrite(&[
        (
            "people.csv",
            "person,name,unit\nana,An Na,plan\nbo,\"Bo, the elder\",plan\ncy,Cy,nowhere\ndi,Di,plan\n",
        ),
        ("badges.csv", "badge,person\n0007,ana\n8,bo\n9,cy\n10,di\n"),
    ]);
    let refused = fixture.import(false, false).await;
    assert!(!refused.applied && !refused.succeeded());
    let errors: Vec<_> = refused
        .problems
        .iter()
        .map(|problem| (problem.file.as_str(), problem.row))
        .collect();
    assert_eq!(errors, [("badges.csv", Some(4)), ("people.csv", Some(4))]);
    assert_eq!(
        (fixture.revision().await, fixture.rows(TableFile::People).await),
        (revision, 2)
    );

    let accepted = fixture.import(false, true).await;
    assert!(accepted.applied && accepted.succeeded());
    assert_eq!(counts(&accepted, "people.csv"), (1, 2, 0, 1));
    assert_eq!(counts(&accepted, "badges.csv"), (1, 2, 0, 1));
    assert_eq!(fixture.rows(TableFile::Badges).await, 3);
}

#[tokio::test]
async fn taking_somebody_away_whom_stored_rows_name_is_an_error() {
    let fixture = Fixture::with(SMALL).await;
    fixture.rewrite(&[("people.csv", "person,name,unit\nana,An Na,plan\n")]);
    let report = fixture.import(false, false).await;
    assert!(!report.applied, "Bo's badge and absence would be nobody's");
    let files: Vec<&str> = report.problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["absences.csv", "badges.csv"]);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let fixture = Fixture::new().await;
    fixture.write(SMALL);
    fixture.write(&[(
        "swipes.csv",
        "reader,badge,happened_at\ngate-in,0007,2026-09-16 08:20\n",
    )]);
    let report = fixture.import(true, false).await;
    assert_eq!(
        (counts(&report, "people.csv"), counts(&report, "swipes.csv")),
        ((2, 0, 0, 0), (1, 0, 0, 0))
    );
    assert!(!report.applied && report.succeeded());
    assert_eq!(fixture.rows(TableFile::People).await, 0);
    assert_eq!(fixture.ledger.swipe_count().await.unwrap(), 0);
}

#[tokio::test]
async fn an_absence_makes_the_days_of_its_person_due() {
    let fixture = Fixture::with(SMALL).await;
    let day = |person: &str, date: &str| DayKey {
        person: person.to_owned(),
        date: date.to_owned(),
    };
    let days = [
        day("ana", "2026-09-15"),
        day("bo", "2026-09-10"),
        day("bo", "2026-09-15"),
    ];
    let judged_at = Instant::from_ms(1_789_500_000_000);
    let mut transaction = fixture.ledger.begin().await.unwrap();
    transaction.touch_days(&days).await.unwrap();
    let rows = days.clone().map(|key| store::rows::DayRow {
        key,
        judged_at: Some(judged_at),
        next_check: None,
        rules_version: 1,
        facts_revision: 1,
    });
    transaction.save_days(&rows).await.unwrap();
    transaction.commit().await.unwrap();

    fixture.rewrite(&[(
        "absences.csv",
        "absence,person,kind,from,until\na1,bo,leave,2026-09-15 08:30,2026-09-15 10:00\n",
    )]);
    assert_eq!(
        counts(&fixture.import(false, false).await, "absences.csv"),
        (1, 0, 1, 0)
    );
    let mut transaction = fixture.ledger.begin().await.unwrap();
    let due = transaction.due_days(judged_at, 10).await.unwrap();
    assert_eq!(due, [day("bo", "2026-09-15")]);
}

#[tokio::test]
async fn a_duty_of_a_date_that_has_begun_has_its_row_at_once() {
    let fixture = Fixture::with(SMALL).await;
    let mut transaction = fixture.ledger.begin().await.unwrap();
    for (name, date) in [
        (crate::engine::OPENED_FROM, "2026-09-10"),
        (crate::engine::OPENED_THROUGH, "2026-09-15"),
    ] {
        transaction.set_setting(name, date).await.unwrap();
    }
    transaction.commit().await.unwrap();
    fixture.rewrite(&[(
        "duties.csv",
        "duty,person,place,starts,ends\n\
         saturday,ana,gate,2026-09-12 18:00,2026-09-13 08:00\n\
         long-ago,ana,gate,2026-09-05 18:00,2026-09-06 08:00\n\
         to-come,bo,gate,2026-09-16 18:00,2026-09-17 08:00\n",
    )]);
    assert_eq!(counts(&fixture.import(false, false).await, "duties.csv"), (3, 0, 0, 0));
    let mut transaction = fixture.ledger.begin().await.unwrap();
    let days = transaction
        .due_days(Instant::from_ms(1_789_500_000_000), 10)
        .await
        .unwrap();
    let told: Vec<_> = days.iter().map(|day| format!("{} {}", day.person, day.date)).collect();
    assert_eq!(
        told,
        ["ana 2026-09-12"],
        "before and after the dates that are judged nothing waits"
    );
}

#[tokio::test]
async fn swipes_of_the_past_open_their_dates_and_an_import_is_audited() {
    let fixture = Fixture::with(SMALL).await;
    fixture.rewrite(&[(
        "swipes.csv",
        "reader,badge,happened_at\ngate-in,7,2026-09-14 08:20\ngate-in,999,2026-09-01 08:20\n",
    )]);
    let report = fixture.import(false, false).await;
    assert_eq!(
        counts(&report, "swipes.csv"),
        (2, 0, 0, 0),
        "a swipe of an unknown badge is kept"
    );
    let opened_through = fixture.ledger.setting(crate::engine::OPENED_THROUGH).await.unwrap();
    assert_eq!(
        opened_through.as_deref(),
        Some("2026-09-13"),
        "the date of the first swipe that is somebody's is opened next"
    );
    let audit = fixture.ledger.audit(0, 10).await.unwrap();
    assert_eq!(
        audit.iter().map(|entry| entry.record.act.as_str()).collect::<Vec<_>>(),
        ["import", "import"]
    );
}

#[tokio::test]
async fn a_folder_without_a_site_is_refused_by_an_empty_database() {
    let fixture = Fixture::new().await;
    fixture.write(&SMALL[1..]);
    let options = ImportOptions {
        dry_run: false,
        accept_good_rows: true,
        actor: "test".to_owned(),
    };
    let error = import(&*fixture.ledger, fixture.folder.path(), &options, Instant::from_ms(0))
        .await
        .expect_err("no site.toml");
    assert!(error.to_string().contains("site.toml"), "{error}");
    assert!(matches!(
        export(&*fixture.ledger, fixture.folder.path()).await,
        Err(ExportError::Empty)
    ));
}

fn adms(serial: &str) -> bridge::ReaderConfig {
    let table: bridge::ReaderTable = toml::from_str(&format!("id = 'gate-in'\nlink = 'adms:{serial}'")).unwrap();
    table.check().unwrap()
}

impl Fixture {
    /// Imports an export of `gate-in` that was taken on 10 January 2027.
    async fn punches(
        &self,
        text: &[u8],
        config: Option<bridge::ReaderConfig>,
        dry_run: bool,
    ) -> Result<ImportReport, PunchesError> {
        let path = self.folder.path().join("1_attlog.dat");
        fs::write(&path, text).unwrap();
        let options = PunchesOptions {
            reader: "gate-in".to_owned(),
            config,
            dry_run,
            actor: "test".to_owned(),
        };
        let now = Instant::from_ms(1_799_539_200_000);
        import_punches(&*self.ledger, &path, &options, now).await
    }
}

fn punched(report: &ImportReport) -> (u64, u64, u64) {
    (
        report.files[0].added,
        report.files[0].unchanged,
        report.files[0].refused,
    )
}

const EXPORT: &[u8] =
    b"        7\t2026-10-03 08:59:01\t1\t0\t1\t0\r\n     0007\t2026-10-03 18:10:22\t1\t1\t1\t0\r\ngarbage line\r\n";

#[tokio::test]
async fn an_export_is_imported_once_and_a_wrong_line_costs_no_other() {
    let fixture = Fixture::with(SMALL).await;
    let dry = fixture.punches(EXPORT, None, true).await.unwrap();
    assert_eq!((punched(&dry), dry.applied, dry.succeeded()), ((2, 0, 1), false, true));
    assert_eq!(fixture.ledger.swipe_count().await.unwrap(), 0);
    let report = fixture.punches(EXPORT, None, false).await.unwrap();
    assert_eq!((punched(&report), report.succeeded()), ((2, 0, 1), true));
    let lines = report.lines(Language::English).join("\n");
    assert!(lines.contains("1_attlog.dat, row 3: the time is none"), "{lines}");
    assert_eq!(punched(&fixture.punches(EXPORT, None, false).await.unwrap()), (0, 2, 1));
    let rejected = fixture.ledger.rejected_inputs(10).await.unwrap();
    assert_eq!(
        (rejected.len(), rejected[0].raw_hex.as_str()),
        (1, hex::encode("garbage line").as_str()),
        "kept once, as it came"
    );
    assert_eq!(fixture.ledger.swipe_count().await.unwrap(), 2);
}

/// An export and the terminal itself name a record alike, so whichever comes second is a duplicate.
#[tokio::test]
async fn an_export_of_a_terminal_has_the_keys_of_its_pushes() {
    let fixture = Fixture::with(SMALL).await;
    fixture.punches(EXPORT, Some(adms("A1")), false).await.unwrap();
    let everything = rules::time::Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX));
    let stored = fixture.ledger.swipes_received(everything, 10).await.unwrap();
    let keys: Vec<&str> = stored.iter().map(|swipe| swipe.dedup_key.as_str()).collect();
    assert!(keys.contains(&"gate-in|A1|7|2026-10-03 08:59:01|0|1|0"), "{keys:?}");
    assert!(stored.iter().all(|swipe| swipe.raw_hex.is_some()));

    let extended = [b"A1\r\n".as_slice(), &EXPORT[..41], b"9F3C\r\n"].concat();
    assert_eq!(
        punched(&fixture.punches(&extended, Some(adms("A1")), false).await.unwrap()),
        (0, 1, 0)
    );
    let other = fixture.punches(&extended, Some(adms("B2")), false).await;
    assert!(matches!(other, Err(PunchesError::OtherTerminal { .. })), "{other:?}");
}

#[tokio::test]
async fn csv_exports_are_read_as_spreadsheets_leave_them() {
    let fixture = Fixture::with(SMALL).await;
    let good = [
        "badge,happened_at,faces\n7,2026-10-03 08:59:01,in\n8,2026-10-03T18:00:00+08:00,out\n",
        "\u{feff}User ID;Time\n7;2026/10/4 8:59\n",
        "工号\t刷卡时间\n8\t2026-10-05 09:00\n",
    ];
    let added: Vec<u64> = {
        let mut added = Vec::new();
        for text in good {
            added.push(punched(&fixture.punches(text.as_bytes(), None, false).await.unwrap()).0);
        }
        added
    };
    assert_eq!(added, [2, 1, 1]);
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(
            "badge,time\n7,2026-10-06 08:00\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        )
        .collect();
    assert_eq!(punched(&fixture.punches(&utf16, None, false).await.unwrap()), (1, 0, 0));
    let wrong = "badge,happened_at,faces\n1.2E+09,2026-10-03 08:59,\n7,3/10/2026 08:59,\n,2026-10-03 08:59,\n7,2026-10-03 08:59,up\n8,2026-10-07 08:00,\n";
    let report = fixture.punches(wrong.as_bytes(), None, false).await.unwrap();
    assert_eq!(punched(&report), (1, 0, 4));
    let rows: Vec<_> = report.problems.iter().map(|problem| problem.row).collect();
    assert_eq!(rows, [Some(2), Some(3), Some(4), Some(5)]);
    assert!(matches!(
        fixture.punches(b"no,export\n1,2\n", None, false).await,
        Err(PunchesError::UnknownFormat)
    ));
}
