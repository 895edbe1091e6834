//! The contract of the ledger, kept by both databases: every method, each case in a database of its own.

mod migrations;
mod postgres;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rules::time::{Instant, Interval};
use sqlx::{Connection, Executor};
use store::audit::{ChainEnd, verify};
use store::rows::{
    Account, AuditRecord, BadgeSeen, BadgeSwipe, BridgeRow, DayKey, DayRow, DecisionRow, DocumentEdition, FactRow,
    FindingQuery, FindingRevision, FindingRow, MeetingKey, MeetingRow, OneTimeLink, OutageRow, PlacementRow,
    PublicationRow, ReaderCommandRow, ReaderTally, RejectedInput, Review, ScreenRow, SessionRow, SwipeRecord,
};
use store::{Ledger, Options, StoreError, open};

const DAEMON: Options = Options { exclusive: true };
const TOOL: Options = Options { exclusive: false };

/// A database of one case.
struct Place {
    address: String,
    ledger: Arc<dyn Ledger>,
}

impl Place {
    async fn at(address: String) -> Self {
        let ledger = open(&address, DAEMON).await.expect("an empty database opens");
        Self { address, ledger }
    }

    /// Closes the database and opens it again, as a restart does.
    async fn restart(&mut self) {
        self.ledger.close().await;
        self.ledger = once_free(async || open(&self.address, DAEMON).await).await;
    }

    /// Runs a statement past the store, as somebody with a database client would.
    async fn raw(&self, statement: &'static str) -> Result<(), sqlx::Error> {
        if let Some(path) = self.address.strip_prefix("sqlite:") {
            sqlx::SqliteConnection::connect(path)
                .await?
                .execute(statement)
                .await
                .map(drop)
        } else {
            sqlx::PgConnection::connect(&self.address)
                .await?
                .execute(statement)
                .await
                .map(drop)
        }
    }
}

/// What an attempt gives once nobody has the database any more. A child process that another test starts at that moment has the lock
/// file too until it runs its own program, and a server ends a backend a moment after it was told to.
async fn once_free<T>(attempt: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        match attempt().await {
            Err(StoreError::InUse(_)) if std::time::Instant::now() < deadline => tokio::task::yield_now().await,
            result => return result.expect("nobody else has it"),
        }
    }
}

type Case = fn(Place) -> Pin<Box<dyn Future<Output = ()>>>;

const CASES: &[(&str, Case)] = &[
    ("an empty database", |place| Box::pin(an_empty_database(place))),
    ("swipes are stored once", |place| {
        Box::pin(swipes_are_stored_once(place))
    }),
    ("a transaction that begins with swipes", |place| {
        Box::pin(a_transaction_that_begins_with_swipes(place))
    }),
    ("swipes are found by badge and time", |place| {
        Box::pin(swipes_are_found(place))
    }),
    ("swipes are found over many days", |place| {
        Box::pin(swipes_are_found_over_days(place))
    }),
    ("swipes and audit are append-only", |place| Box::pin(append_only(place))),
    ("a transaction is whole or nothing", |place| {
        Box::pin(whole_or_nothing(place))
    }),
    ("a failed transaction is not committed", |place| {
        Box::pin(failed_is_not_committed(place))
    }),
    ("what terminals are asked", |place| Box::pin(reader_commands(place))),
    ("held swipes and their placing", |place| Box::pin(held_swipes(place))),
    ("tallies of readers and badges", |place| Box::pin(reader_tallies(place))),
    ("days", |place| Box::pin(days(place))),
    ("a day without a row is not saved", |place| {
        Box::pin(a_day_without_a_row_is_not_saved(place))
    }),
    ("days open and close", |place| Box::pin(days_open_and_close(place))),
    ("days are made due", |place| Box::pin(days_are_made_due(place))),
    ("meetings", |place| Box::pin(meetings(place))),
    ("findings of units", |place| Box::pin(findings_of_units(place))),
    ("meetings are made due", |place| Box::pin(meetings_are_made_due(place))),
    ("days of a range are made due", |place| {
        Box::pin(days_of_a_range_are_made_due(place))
    }),
    ("findings keep their history", |place| {
        Box::pin(findings_keep_their_history(place))
    }),
    ("findings of every sort at once", |place| {
        Box::pin(findings_of_every_sort_at_once(place))
    }),
    ("many findings of every sort at once", |place| {
        Box::pin(many_findings_of_every_sort_at_once(place))
    }),
    ("findings of days", |place| Box::pin(findings_of_days(place))),
    ("findings by id", |place| Box::pin(findings_by_id(place))),
    ("findings are listed", |place| Box::pin(findings_are_listed(place))),
    ("a decision is reopened by a change", |place| Box::pin(decisions(place))),
    ("facts and documents", |place| Box::pin(facts_and_documents(place))),
    ("what was known at an instant", |place| Box::pin(known_at(place))),
    ("what findings said at an instant", |place| Box::pin(said_at(place))),
    ("a published week is not changed", |place| {
        Box::pin(published_weeks(place))
    }),
    ("a batch after a published week", |place| {
        Box::pin(a_batch_after_a_published_week(place))
    }),
    ("corrections are issued under a number", |place| {
        Box::pin(corrections_are_issued(place))
    }),
    ("what counting looks at", |place| Box::pin(counting(place))),
    ("settings, outages, rejected inputs", |place| {
        Box::pin(small_things(place))
    }),
    ("the audit chain", |place| Box::pin(audit_chain(place))),
    ("accounts and sessions", |place| Box::pin(accounts(place))),
    ("screens and links", |place| Box::pin(screens_and_links(place))),
    ("bridges", |place| Box::pin(bridges(place))),
    ("one daemon, and tools beside it", |place| Box::pin(one_daemon(place))),
    ("writers take turns", |place| Box::pin(writers_take_turns(place))),
    ("a newer schema is refused", |place| Box::pin(newer_schema(place))),
];

async fn run_all(address: impl Fn() -> String) {
    for (name, case) in CASES {
        eprintln!("case: {name}");
        case(Place::at(address()).await).await;
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let number = std::cell::Cell::new(0);
    let address = || {
        number.set(number.get() + 1);
        format!("sqlite:{}/case{}.db", directory.path().display(), number.get())
    };
    run_all(address).await;
}

#[tokio::test]
async fn postgres_keeps_the_contract() {
    let cluster = postgres::Cluster::start();
    run_all(|| cluster.database()).await;
}

#[tokio::test]
async fn postgres_tells_when_it_is_away_and_keeps_a_second_daemon_out_when_it_is_back() {
    let cluster = postgres::Cluster::start();
    let place = Place::at(cluster.database()).await;
    place.ledger.maintain().await.expect("the lock is held");
    place.raw("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()").await.expect("an operator may");
    once_free(async || place.ledger.maintain().await).await;
    assert!(matches!(open(&place.address, DAEMON).await, Err(StoreError::InUse(_))));
    let mut transaction = place.ledger.begin().await.expect("a new connection");
    transaction.set_setting("a", "1").await.expect("set");
    place
        .raw("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")
        .await
        .expect("an operator may");
    assert!(
        matches!(transaction.commit().await, Err(StoreError::Unavailable(_))),
        "cut off before the commit"
    );
    place.ledger.ping().await.expect("it answers");
    assert_eq!(place.ledger.setting("a").await.expect("read"), None);
    if !cluster.is_own() {
        eprintln!("not looked at: what happens when the server stops, because this one is not ours to stop");
        return;
    }
    drop(cluster);
    assert!(
        matches!(place.ledger.ping().await, Err(StoreError::Unavailable(_))),
        "away"
    );
    assert!(
        matches!(place.ledger.begin().await.err(), Some(StoreError::Unavailable(_))),
        "away"
    );
}

#[tokio::test]
async fn sqlite_keeps_its_files_private_and_its_wal_small() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("rollcall.db");
    let place = Place::at(format!("sqlite:{}", path.display())).await;
    for round in 0..40 {
        record(
            &place,
            &(0..250)
                .map(|number| swipe(&format!("b{number}"), round * 1_000 + number))
                .collect::<Vec<_>>(),
        )
        .await;
    }
    for name in ["rollcall.db", "rollcall.db-wal", "rollcall.db.lock"] {
        let mode = std::fs::metadata(directory.path().join(name))
            .expect(name)
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name} is not for others");
    }
    let wal = || std::fs::metadata(path.with_extension("db-wal")).expect("the WAL").len();
    let before = wal();
    assert!(before > 1_000_000, "no commit waits for a checkpoint: {before}");
    place.ledger.maintain().await.expect("a checkpoint");
    record(&place, &[swipe("after", 0)]).await;
    for round in 0..10 {
        record(
            &place,
            &(0..250)
                .map(|number| swipe(&format!("c{number}"), round * 1_000 + number))
                .collect::<Vec<_>>(),
        )
        .await;
    }
    assert!(
        wal() <= before,
        "after a checkpoint the WAL is used again from its beginning"
    );
    assert!(
        open("sqlite:/nowhere/at/all.db", TOOL)
            .await
            .err()
            .expect("no such directory")
            .to_string()
            .contains("/nowhere/at/all.db")
    );
}

#[tokio::test]
async fn sqlite_holds_after_a_crash_what_was_committed_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name);
    let place = Place::at(format!("sqlite:{}", path("rollcall.db").display())).await;
    record(&place, &[swipe("committed", 1)]).await;
    let mut open_at_the_crash = place.ledger.begin().await.expect("begin");
    open_at_the_crash
        .record_swipes(&[swipe("not committed", 2)])
        .await
        .expect("record");
    // What lies on the disk at this moment, without the shared memory that dies with the processes.
    for suffix in ["", "-wal"] {
        std::fs::copy(
            path(&format!("rollcall.db{suffix}")),
            path(&format!("crashed.db{suffix}")),
        )
        .expect("a copy");
    }
    let crashed = Place::at(format!("sqlite:{}", path("crashed.db").display())).await;
    assert_eq!(crashed.ledger.swipe_count().await.expect("count"), 1);
    assert_eq!(
        crashed
            .ledger
            .swipes(&["committed"], between(0, 9))
            .await
            .expect("read"),
        [swipe("committed", 1)]
    );
}

#[tokio::test]
async fn sqlite_writes_nothing_more_when_its_file_is_damaged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("rollcall.db");
    let mut place = Place::at(format!("sqlite:{}", path.display())).await;
    for round in 0..40 {
        record(
            &place,
            &(0..250)
                .map(|number| swipe("b", round * 1_000 + number))
                .collect::<Vec<_>>(),
        )
        .await;
    }
    // Everything is in the file then, and in nobody's memory.
    place.restart().await;
    let whole = std::fs::read(&path).expect("the file");
    std::fs::write(&path, &whole[..8 * 4096]).expect("the damage");
    let damaged = place.ledger.begin().await.err();
    assert!(matches!(damaged, Some(StoreError::Fatal(_))), "{damaged:?}");
    std::fs::write(&path, &whole).expect("the file as it was");
    let again = place.ledger.begin().await.err();
    assert!(
        matches!(again, Some(StoreError::Fatal(_))),
        "until the process starts again: {again:?}"
    );
    place.restart().await;
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 10_000);

    std::fs::write(
        directory.path().join("other.db"),
        "this is no database, but long enough to be looked at".repeat(100),
    )
    .expect("a file");
    let other = open(&format!("sqlite:{}", directory.path().join("other.db").display()), TOOL).await;
    assert!(matches!(other.err(), Some(StoreError::Fatal(_))));
}

#[tokio::test]
async fn addresses_that_are_not_understood_say_what_to_write() {
    for address in ["", "rollcall.db", "mysql://localhost", "sqlite:", "sqlite::memory:"] {
        let error = open(address, TOOL).await.err().expect("refused").to_string();
        assert!(error.contains("sqlite:PATH"), "{error}");
    }
    let error = open("postgres://user:secret@[bad", TOOL)
        .await
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("postgres://") && !error.contains("secret"), "{error}");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = format!("{}/../../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).expect("a folder");
        files
            .map(|entry| entry.expect("an entry").path())
            .inspect(|path| says_why(path))
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

fn says_why(path: &std::path::Path) {
    let text = std::fs::read_to_string(path).expect("a migration");
    assert!(
        text.contains("-- Why: ") && text.contains("-- Why it is safe: "),
        "{} says why it is needed and why it is safe",
        path.display()
    );
}

fn at(milliseconds: i64) -> Instant {
    Instant::from_ms(milliseconds)
}

fn between(from: i64, until: i64) -> Interval {
    Interval::new(at(from), at(until))
}

fn swipe(badge: &str, happened_at: i64) -> SwipeRecord {
    let dedup_key = format!("gate|{badge}|{happened_at}");
    SwipeRecord {
        id: format!(
            "{:032x}",
            dedup_key.bytes().fold(7_u128, |sum, byte| sum
                .wrapping_mul(1_000_003)
                .wrapping_add(u128::from(byte)))
        ),
        dedup_key,
        reader: "gate".to_owned(),
        badge: badge.to_owned(),
        raw_hex: None,
        bits: None,
        happened_at: at(happened_at),
        received_at: at(happened_at + 5),
        sequence: None,
        faces: None,
        quarantine: None,
    }
}

/// Records swipes in a transaction of their own; says which were new.
async fn record(place: &Place, swipes: &[SwipeRecord]) -> Vec<bool> {
    let mut transaction = place.ledger.begin().await.expect("begin");
    let new = transaction.record_swipes(swipes).await.expect("record");
    transaction.commit().await.expect("commit");
    new
}

fn day(person: &str, date: &str) -> DayKey {
    DayKey {
        person: person.to_owned(),
        date: date.to_owned(),
    }
}

fn finding(id: &str, person: &str, date: &str) -> FindingRow {
    FindingRow {
        id: id.to_owned(),
        person: person.to_owned(),
        unit: None,
        date: date.to_owned(),
        period: Some("morning".to_owned()),
        meeting: None,
        kind: "late".to_owned(),
        state: "provisional".to_owned(),
        length_ms: None,
        due: None,
        actual: None,
        since: None,
        source: None,
        swipes: String::new(),
        digest: "d1".to_owned(),
        revision: 1,
        changed_at: at(1_000),
        withdrawn_at: None,
        rules_version: 1,
        facts_revision: 1,
        review: Review::Open,
    }
}

async fn save(place: &Place, findings: &[FindingRow]) -> Vec<FindingRow> {
    let mut transaction = place.ledger.begin().await.expect("begin");
    let stored = transaction.save_findings(findings).await.expect("save");
    transaction.commit().await.expect("commit");
    stored
}

async fn an_empty_database(place: Place) {
    let ledger = &place.ledger;
    ledger.ping().await.expect("it answers");
    assert!(
        ledger
            .check_statements()
            .await
            .expect("every statement fits the schema")
            > 90
    );
    assert_eq!(ledger.facts_revision().await.expect("read"), 0);
    assert_eq!(ledger.setting("secret").await.expect("read"), None);
    assert_eq!(ledger.swipe_count().await.expect("read"), 0);
    assert!(!ledger.has_accounts().await.expect("read"));
    assert_eq!(ledger.finding("none").await.expect("read"), None);
    let mut transaction = ledger.begin().await.expect("begin");
    assert_eq!(transaction.next_check().await.expect("read"), None);
    assert_eq!(transaction.record_swipes(&[]).await.expect("nothing"), [] as [bool; 0]);
    assert_eq!(transaction.finding("none").await.expect("read"), None);
}

async fn swipes_are_stored_once(mut place: Place) {
    let full = SwipeRecord {
        raw_hex: Some("00ff".to_owned()),
        bits: Some(26),
        sequence: Some(i64::MAX),
        faces: Some("in".to_owned()),
        quarantine: Some("clock".to_owned()),
        ..swipe("卡 7", 1_000)
    };
    let hostile = swipe("nul\0badge'; --", 2_000);
    assert_eq!(
        record(&place, &[full.clone(), hostile.clone(), full.clone()]).await,
        [true, true, false]
    );
    let many: Vec<SwipeRecord> = (0..341)
        .map(|number| swipe(&format!("b{}", number % 17), number))
        .collect();
    assert!(record(&place, &many).await.iter().all(|new| *new));
    place.restart().await;
    let resent = SwipeRecord {
        received_at: at(9_000),
        ..full.clone()
    };
    assert_eq!(
        record(&place, &[many[0].clone(), swipe("new", 1), resent, hostile.clone()]).await,
        [false, true, false, false]
    );
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 344);
    assert_eq!(
        place
            .ledger
            .swipes(&["卡 7"], between(1_000, 1_001))
            .await
            .expect("read"),
        [full],
        "as it was first recorded"
    );
    let found = place
        .ledger
        .swipes(&[&hostile.badge], between(2_000, 2_001))
        .await
        .expect("read");
    assert_eq!(
        found[0].badge, "nul\u{2400}badge'; --",
        "a character that PostgreSQL cannot store is shown by its picture"
    );
}

async fn a_transaction_that_begins_with_swipes(mut place: Place) {
    let ids = |swipes: &[SwipeRecord]| -> BTreeSet<String> { swipes.iter().map(|swipe| swipe.id.clone()).collect() };
    let few: Vec<SwipeRecord> = (0..5).map(|number| swipe("b", number)).collect();
    let begin = async |place: &Place, swipes: &[SwipeRecord]| {
        let begun = place.ledger.begin_with_swipes(swipes).await;
        begun.expect("begun and recorded")
    };
    let (transaction, new) = begin(&place, &few[..3]).await;
    assert_eq!(new, [true, true, true]);
    drop(transaction);
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 0, "rolled back");

    let (mut transaction, new) = begin(&place, &few[..3]).await;
    assert_eq!(new, [true, true, true]);
    assert_eq!(transaction.facts_revision().await.expect("read"), 0);
    assert_eq!(transaction.bump_facts_revision().await.expect("bumped"), 1);
    assert_eq!(transaction.facts_revision().await.expect("read"), 1);
    transaction.commit().await.expect("commit");
    let twice = [few[1].clone(), few[3].clone(), few[3].clone(), few[4].clone()];
    let (mut transaction, new) = begin(&place, &twice).await;
    assert_eq!(new, [false, true, false, true]);
    assert_eq!(transaction.facts_revision().await.expect("read"), 1);
    let row = DayRow {
        key: day("ana", "2026-09-16"),
        judged_at: Some(at(5)),
        next_check: Some(at(9)),
        rules_version: 2,
        facts_revision: 1,
    };
    let earlier = DayRow {
        next_check: Some(at(7)),
        ..row.clone()
    };
    transaction
        .touch_days(std::slice::from_ref(&row.key))
        .await
        .expect("touched");
    transaction
        .commit_with_days(&[earlier, row.clone()])
        .await
        .expect("commit");
    place.restart().await;
    let rows = place.ledger.days("2026-09-16", "2026-09-17").await.expect("read");
    assert_eq!(rows, [row], "of two rows of a day the later one");
    let stored = place.ledger.swipes(&["b"], between(0, 9)).await.expect("read");
    assert_eq!(ids(&stored), ids(&few));

    let (transaction, new) = begin(&place, &[]).await;
    assert!(new.is_empty());
    transaction.commit_with_days(&[]).await.expect("nothing to do");
    let many: Vec<SwipeRecord> = (100..500).map(|number| swipe("b", number)).collect();
    let (transaction, new) = begin(&place, &many).await;
    assert!(new.iter().all(|new| *new) && new.len() == 400);
    transaction.commit().await.expect("commit");

    let (mut transaction, _) = begin(&place, &[swipe("b", 10)]).await;
    let refused = transaction
        .decide(&decision("d", "none", "waive"), Review::Waived)
        .await;
    refused.expect_err("there is no such finding");
    let refused = transaction.commit_with_days(&[]).await;
    assert!(matches!(refused, Err(StoreError::TransactionFailed)), "{refused:?}");
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 405);
}

async fn swipes_are_found(place: Place) {
    let swipes: Vec<SwipeRecord> = (0..600)
        .map(|number| swipe(&format!("b{}", number % 3), number))
        .collect();
    record(&place, &swipes).await;
    let ids = |found: &[SwipeRecord]| {
        found
            .iter()
            .map(|swipe| swipe.happened_at.as_ms())
            .collect::<BTreeSet<i64>>()
    };
    let found = place
        .ledger
        .swipes(&["b1", "b0", "b1"], between(3, 7))
        .await
        .expect("read");
    assert_eq!(
        (found.len(), ids(&found)),
        (3, BTreeSet::from([3, 4, 6])),
        "half-open, each once"
    );
    assert_eq!(place.ledger.swipes(&[], between(0, 600)).await.expect("read"), []);
    assert_eq!(
        place
            .ledger
            .swipes(&["b1"], Interval::new(at(i64::MIN), at(i64::MAX)))
            .await
            .expect("read")
            .len(),
        200
    );

    let received = place.ledger.swipes_received(between(5, 605), 4).await.expect("read");
    assert_eq!(
        received
            .iter()
            .map(|swipe| swipe.received_at.as_ms())
            .collect::<Vec<_>>(),
        [5, 6, 7, 8],
        "oldest first"
    );

    let mut transaction = place.ledger.begin().await.expect("begin");
    let badges: Vec<String> = (0..300).map(|number| format!("b{number}")).collect();
    let queries: Vec<BadgeSwipe<'_>> = badges
        .iter()
        .map(|badge| BadgeSwipe {
            badges: vec![badge],
            happened: between(0, 9),
        })
        .collect();
    let answers = transaction.swipes_of(&queries).await.expect("read");
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>()[..5], [3, 3, 3, 0, 0]);
    assert_eq!(answers.len(), 300);
    let both = BadgeSwipe {
        badges: vec!["b0", "b2"],
        happened: between(598, 700),
    };
    let none = BadgeSwipe {
        badges: vec![],
        happened: between(0, 700),
    };
    let answers = transaction.swipes_of(&[none, both]).await.expect("read");
    assert_eq!((answers[0].len(), ids(&answers[1])), (0, BTreeSet::from([599])));
}

async fn swipes_are_found_over_days(place: Place) {
    const DAY: i64 = 86_400_000;
    // One a day from before 1970 on, and one from a clock that is centuries off.
    let mut swipes: Vec<SwipeRecord> = (-10..90).map(|day| swipe("b", day * DAY + DAY - 1)).collect();
    swipes.push(swipe("b", 300_000 * DAY));
    record(&place, &swipes).await;
    let found = async |from: i64, until: i64| -> usize {
        place
            .ledger
            .swipes(&["b"], between(from, until))
            .await
            .expect("read")
            .len()
    };
    assert_eq!(found(0, 20 * DAY).await, 20);
    assert_eq!(found(DAY - 1, 2 * DAY - 1).await, 1, "half-open at the end of a day");
    assert_eq!(found(-3 * DAY, 62 * DAY).await, 65);
    assert_eq!(found(-3 * DAY, 90 * DAY).await, 93);
    assert_eq!(found(i64::MIN, i64::MAX).await, 101);
    assert_eq!(found(200 * DAY, 299_000 * DAY).await, 0);
}

async fn append_only(place: Place) {
    record(&place, &[swipe("b", 1)]).await;
    audit(&place, "a").await;
    let attempts = [
        "UPDATE swipe SET badge = 'x'",
        "DELETE FROM swipe",
        "UPDATE audit SET body = 'x'",
        "DELETE FROM audit WHERE seq = 1",
    ];
    for attempt in attempts {
        place.raw(attempt).await.expect_err(attempt);
    }
    if place.address.starts_with("postgres") {
        place.raw("TRUNCATE swipe").await.expect_err("TRUNCATE");
        place.raw("TRUNCATE audit").await.expect_err("TRUNCATE");
    }
    assert_eq!(
        place.ledger.swipes(&["b"], between(0, 2)).await.expect("read"),
        [swipe("b", 1)]
    );
}

async fn whole_or_nothing(mut place: Place) {
    let mut dropped = place.ledger.begin().await.expect("begin");
    dropped.record_swipes(&[swipe("lost", 1)]).await.expect("record");
    dropped.touch_days(&[day("ana", "2026-09-16")]).await.expect("touch");
    drop(dropped);
    let mut kept = place.ledger.begin().await.expect("the turn passes on");
    assert_eq!(
        kept.record_swipes(&[swipe("lost", 1), swipe("kept", 2)])
            .await
            .expect("record"),
        [true, true],
        "nothing was left"
    );
    kept.touch_days(&[day("ana", "2026-09-16")]).await.expect("touch");
    let before = place.ledger.swipe_count().await.expect("reads go on beside");
    assert_eq!(before, 0, "nobody sees what is not committed");
    kept.commit().await.expect("commit");
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 2);
    place.restart().await;
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 2);
    assert_eq!(
        place.ledger.days("2026-09-16", "2026-09-17").await.expect("days").len(),
        1
    );
}

async fn failed_is_not_committed(place: Place) {
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction.record_swipes(&[swipe("b", 1)]).await.expect("record");
    let fact = FactRow {
        id: "f".to_owned(),
        file: "people.csv".to_owned(),
        cells: "{}".to_owned(),
        recorded_at: at(1),
        recorded_by: "li".to_owned(),
    };
    let twice = transaction.add_facts(&[fact.clone(), fact]).await;
    assert!(matches!(twice, Err(StoreError::Exists(_))), "{twice:?}");
    assert!(matches!(transaction.commit().await, Err(StoreError::TransactionFailed)));
    assert_eq!(place.ledger.swipe_count().await.expect("count"), 0);
    let mut transaction = place.ledger.begin().await.expect("begin");
    let absent = transaction.supersede_facts(&["g"], at(1)).await;
    assert!(
        matches!(absent, Err(StoreError::Missing { table: "fact", .. })),
        "{absent:?}"
    );
    assert!(matches!(transaction.commit().await, Err(StoreError::TransactionFailed)));
}

async fn a_day_without_a_row_is_not_saved(mut place: Place) {
    let keys = ["ana", "bo"].map(|person| day(person, "2026-09-16"));
    let rows = keys.clone().map(|key| DayRow {
        key,
        judged_at: Some(at(5)),
        next_check: Some(at(9)),
        rules_version: 2,
        facts_revision: 3,
    });
    let begun = async |place: &Place| {
        let mut transaction = place.ledger.begin().await.expect("begin");
        transaction.touch_days(&keys[..1]).await.expect("touch");
        transaction
    };
    let mut transaction = begun(&place).await;
    let refused = transaction.save_days(&rows).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    drop(transaction);
    let refused = begun(&place).await.commit_with_days(&rows).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    place.restart().await;
    let rows = place.ledger.days("", "~").await.expect("read");
    assert_eq!(rows, [], "nothing of the transaction is there");
}

/// Days that want to be looked at no more and then again; one that is due at once comes before those that were due earlier.
async fn days_open_and_close(place: Place) {
    let mut transaction = place.ledger.begin().await.expect("begin");
    let keys = ["ana", "bo", "cy"].map(|person| day(person, "2026-09-16"));
    let judged = |which: usize, next_check: Option<i64>| DayRow {
        key: keys[which].clone(),
        judged_at: Some(at(5)),
        next_check: next_check.map(at),
        rules_version: 2,
        facts_revision: 3,
    };
    let rows = [judged(0, None), judged(1, Some(50)), judged(2, Some(40))];
    transaction.touch_days(&keys).await.expect("touch");
    transaction.save_days(&rows).await.expect("save");
    assert_eq!(transaction.next_check().await.expect("read"), Some(at(40)));
    transaction.save_days(&[judged(2, None)]).await.expect("save");
    assert_eq!(transaction.next_check().await.expect("read"), Some(at(50)));
    let again = [judged(0, Some(0)), judged(2, Some(30))];
    transaction.save_days(&again).await.expect("save");
    assert_eq!(transaction.next_check().await.expect("read"), Some(at(0)));
    let due = transaction.due_days(at(50), 10).await.expect("due");
    assert_eq!(due, [keys[0].clone(), keys[2].clone(), keys[1].clone()]);
    let due = transaction.due_days(at(50), 2).await.expect("due");
    assert_eq!(due, [keys[0].clone(), keys[2].clone()]);
    let all = [judged(0, None), judged(1, None), judged(2, None)];
    transaction.save_days(&all).await.expect("save");
    assert_eq!(transaction.next_check().await.expect("read"), None);
    assert_eq!(transaction.due_days(at(50), 10).await.expect("due"), []);
    transaction.commit().await.expect("commit");
}

async fn days(place: Place) {
    let ledger = &place.ledger;
    let mut transaction = ledger.begin().await.expect("begin");
    let keys = [
        day("bo", "2026-09-16"),
        day("Zoe", "2026-09-16"),
        day("ana", "2026-09-17"),
        day("ana", "2026-09-16"),
    ];
    transaction
        .touch_days(&[keys.as_slice(), &keys[..1]].concat())
        .await
        .expect("touch");
    assert_eq!(
        transaction.next_check().await.expect("read"),
        Some(at(0)),
        "a new row is due at once"
    );
    let due = transaction.due_days(at(0), 3).await.expect("due");
    assert_eq!(
        due,
        [keys[1].clone(), keys[3].clone(), keys[2].clone()],
        "in the order of bytes"
    );
    let judged = |key: &DayKey, next_check: Option<i64>| DayRow {
        key: key.clone(),
        judged_at: Some(at(5)),
        next_check: next_check.map(at),
        rules_version: 2,
        facts_revision: 3,
    };
    let rows = [
        judged(&keys[0], Some(50)),
        judged(&keys[1], None),
        judged(&keys[2], Some(40)),
        judged(&keys[3], Some(60)),
    ];
    transaction.save_days(&rows).await.expect("save");
    transaction.touch_days(&keys).await.expect("touch again");
    transaction.lock_days(&keys.each_ref()).await.expect("lock");
    assert_eq!(
        transaction.next_check().await.expect("read"),
        Some(at(40)),
        "a row that is there keeps its instant"
    );
    assert_eq!(
        transaction.due_days(at(50), 10).await.expect("due"),
        [keys[2].clone(), keys[0].clone()],
        "earliest first"
    );
    assert_eq!(transaction.due_days(at(39), 10).await.expect("due"), []);
    let many: Vec<DayKey> = (0..300)
        .map(|number| day(&format!("p{number}"), "2026-10-01"))
        .collect();
    transaction.touch_days(&many).await.expect("touch many");
    transaction
        .save_days(&many.iter().map(|key| judged(key, None)).collect::<Vec<_>>())
        .await
        .expect("save many");
    transaction.commit().await.expect("commit");
    assert_eq!(ledger.days("2026-10-01", "2026-10-02").await.expect("read").len(), 300);
    assert_eq!(
        ledger.days("2026-09-17", "2026-10-01").await.expect("read"),
        [rows[2].clone()],
        "half-open"
    );
}

async fn days_of_a_range_are_made_due(place: Place) {
    let mut transaction = place.ledger.begin().await.expect("begin");
    let keys = [
        day("ana", "2026-09-15"),
        day("ana", "2026-09-16"),
        day("bo", "2026-09-16"),
        day("cy", "2026-09-17"),
    ];
    let settle = |key: &DayKey| DayRow {
        key: key.clone(),
        judged_at: Some(at(5)),
        next_check: None,
        rules_version: 1,
        facts_revision: 1,
    };
    let settled: Vec<DayRow> = keys.iter().map(settle).collect();
    transaction.touch_days(&keys).await.expect("touch");
    transaction.save_days(&settled).await.expect("save");
    assert_eq!(
        transaction
            .make_due_within(Some(&["ana", "bo", "ana", "nobody"]), "2026-09-15", "2026-09-16")
            .await
            .expect("due"),
        1,
        "the date after the last stays as it is"
    );
    assert_eq!(
        transaction
            .make_due_within(None, "2026-09-16", "2026-09-17")
            .await
            .expect("due"),
        2
    );
    assert_eq!(
        transaction
            .make_due_within(None, "2026-09-15", "2026-09-17")
            .await
            .expect("due"),
        0
    );
    assert_eq!(
        transaction.due_days(at(0), 10).await.expect("due"),
        keys[..3],
        "the third date is left alone"
    );
}

async fn days_are_made_due(place: Place) {
    let mut transaction = place.ledger.begin().await.expect("begin");
    let keys = [
        day("ana", "2026-09-15"),
        day("ana", "2026-09-16"),
        day("bo", "2026-09-16"),
        day("cy", "2026-09-17"),
    ];
    let settle = |key: &DayKey| DayRow {
        key: key.clone(),
        judged_at: Some(at(5)),
        next_check: None,
        rules_version: 1,
        facts_revision: 1,
    };
    let settled: Vec<DayRow> = keys.iter().map(settle).collect();
    transaction.touch_days(&keys).await.expect("touch");
    transaction.save_days(&settled).await.expect("save");
    assert_eq!(
        transaction
            .make_due(Some(&["ana", "bo", "ana", "nobody"]), Some("2026-09-16"))
            .await
            .expect("due"),
        2
    );
    assert_eq!(
        transaction.due_days(at(0), 10).await.expect("due"),
        [keys[1].clone(), keys[2].clone()]
    );
    assert_eq!(
        transaction.make_due(Some(&["ana"]), None).await.expect("due"),
        1,
        "one of the two was due already"
    );
    assert_eq!(transaction.make_due(None, Some("2026-09-17")).await.expect("due"), 1);
    assert_eq!(transaction.make_due(None, None).await.expect("due"), 0);
    assert_eq!(transaction.make_due(Some(&[]), None).await.expect("due"), 0);
    transaction.save_days(&settled).await.expect("save");
    assert_eq!(transaction.make_due(None, None).await.expect("due"), 4);
    assert_eq!(transaction.next_check().await.expect("read"), Some(at(0)));
    transaction.commit().await.expect("commit");
    assert!(
        place
            .ledger
            .days("2026-09-15", "2026-09-18")
            .await
            .expect("read")
            .iter()
            .all(|row| row.next_check == Some(at(0)) && row.judged_at == Some(at(5)))
    );
}

fn meeting_key(date: &str, meeting: &str) -> MeetingKey {
    MeetingKey {
        date: date.to_owned(),
        meeting: meeting.to_owned(),
    }
}

async fn meetings(place: Place) {
    let keys = [
        meeting_key("2026-09-16", "m2"),
        meeting_key("2026-09-15", ""),
        meeting_key("2026-09-16", "m1"),
    ];
    let judged = |key: &MeetingKey, next_check: Option<i64>| MeetingRow {
        key: key.clone(),
        judged_at: Some(at(5)),
        next_check: next_check.map(at),
        rules_version: 2,
        facts_revision: 3,
    };
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction.touch_meetings(&keys).await.expect("touch");
    assert_eq!(transaction.next_meeting_check().await.expect("read"), Some(at(0)));
    let due = transaction.due_meetings(at(0), 2).await.expect("due");
    assert_eq!(due, [keys[1].clone(), keys[2].clone()], "in the order of bytes");
    let rows = [
        judged(&keys[1], None),
        judged(&keys[2], Some(40)),
        judged(&keys[0], Some(60)),
    ];
    transaction.save_meetings(&rows).await.expect("save");
    transaction.touch_meetings(&keys).await.expect("touch again");
    assert_eq!(transaction.due_meetings(at(39), 10).await.expect("due"), []);
    assert_eq!(
        transaction.due_meetings(at(40), 10).await.expect("due"),
        [keys[2].clone()]
    );
    assert_eq!(
        transaction.next_meeting_check().await.expect("read"),
        Some(at(40)),
        "a row that is there keeps its instant"
    );
    assert_eq!(
        transaction.next_check().await.expect("read"),
        None,
        "no day is there yet"
    );
    transaction.commit().await.expect("commit");
    let read = place
        .ledger
        .meeting_days("2026-09-15", "2026-09-17")
        .await
        .expect("read");
    assert_eq!(read, rows);
}

async fn findings_of_units(place: Place) {
    let of_unit = |id: &str, meeting: Option<&str>| FindingRow {
        unit: Some("plan".to_owned()),
        period: None,
        meeting: meeting.map(str::to_owned),
        ..finding(id, "", "2026-09-16")
    };
    let mine = of_unit("u1", Some("m1"));
    let others = [
        of_unit("u2", Some("m2")),
        of_unit("u3", None),
        FindingRow {
            meeting: Some("m1".to_owned()),
            ..finding("p1", "ana", "2026-09-16")
        },
        FindingRow {
            withdrawn_at: Some(at(9)),
            ..of_unit("u4", Some("m1"))
        },
    ];
    save(&place, &[&[mine.clone()][..], &others].concat()).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let found = transaction
        .findings_of_meetings(&[meeting_key("2026-09-16", "m1")])
        .await
        .expect("read");
    assert_eq!(found, [mine]);
    let outside = transaction
        .findings_of_meetings(&[meeting_key("2026-09-16", "")])
        .await
        .expect("read");
    assert_eq!(outside.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["u3"]);
    transaction.commit().await.expect("commit");
}

async fn meetings_are_made_due(place: Place) {
    let keys = [
        meeting_key("2026-09-16", "m2"),
        meeting_key("2026-09-15", ""),
        meeting_key("2026-09-16", "m1"),
    ];
    let mut transaction = place.ledger.begin().await.expect("begin");
    let settled = |key: &MeetingKey| MeetingRow {
        key: key.clone(),
        judged_at: Some(at(5)),
        next_check: None,
        rules_version: 2,
        facts_revision: 3,
    };
    transaction
        .save_meetings(&keys.iter().map(settled).collect::<Vec<_>>())
        .await
        .expect("save");
    let day_row = DayRow {
        key: day("ana", "2026-09-16"),
        judged_at: Some(at(5)),
        next_check: None,
        rules_version: 2,
        facts_revision: 3,
    };
    transaction
        .touch_days(std::slice::from_ref(&day_row.key))
        .await
        .expect("touch");
    transaction.save_days(&[day_row]).await.expect("save");
    let due = transaction
        .make_due(Some(&["ana"]), Some("2026-09-16"))
        .await
        .expect("due");
    assert_eq!(due, 3, "a day and the two meetings of that date");
    assert_eq!(transaction.due_meetings(at(0), 10).await.expect("due").len(), 2);
    assert_eq!(
        transaction.make_due(None, None).await.expect("due"),
        1,
        "the meeting row before it"
    );
    transaction
        .save_meetings(&keys.iter().map(settled).collect::<Vec<_>>())
        .await
        .expect("save");
    let within = transaction
        .make_due_within(Some(&[]), "2026-09-15", "2026-09-16")
        .await
        .expect("due");
    assert_eq!(within, 1, "the meeting rows of that range");
    transaction.commit().await.expect("commit");
}

/// A finding with something in every column.
fn full_finding() -> FindingRow {
    FindingRow {
        unit: Some("plan".to_owned()),
        meeting: Some("m".to_owned()),
        length_ms: Some(60_001),
        due: Some(at(1)),
        actual: Some(at(2)),
        since: Some(at(3)),
        swipes: "s1 s2".to_owned(),
        ..finding("f", "ana", "2026-09-16")
    }
}

async fn findings_keep_their_history(place: Place) {
    let mut row = full_finding();
    assert_eq!(save(&place, &[full_finding()]).await, [full_finding()]);
    assert_eq!(place.ledger.finding("f").await.expect("read"), Some(full_finding()));

    (row.rules_version, row.facts_revision, row.changed_at, row.revision) = (2, 7, at(1_500), 9);
    let kept = save(&place, &[row]).await.remove(0);
    let judged_anew = FindingRow {
        rules_version: 2,
        facts_revision: 7,
        ..full_finding()
    };
    assert_eq!(kept, judged_anew, "it says the same");

    let mut row = kept;
    (row.length_ms, row.changed_at, row.revision) = (Some(120_000), at(2_000), 2);
    "d2".clone_into(&mut row.digest);
    assert_eq!(
        save(&place, std::slice::from_ref(&row)).await,
        std::slice::from_ref(&row)
    );
    (row.withdrawn_at, row.changed_at, row.revision) = (Some(at(3_000)), at(3_000), 3);
    save(&place, std::slice::from_ref(&row)).await;
    (row.withdrawn_at, row.changed_at, row.revision) = (None, at(4_000), 1);
    let back = save(&place, &[row]).await.remove(0);
    assert_eq!(back.revision, 4, "who starts anew goes on from what is there");

    let history = place.ledger.finding_history("f").await.expect("read");
    let said = |said: &FindingRevision| (said.revision, said.at.as_ms(), said.state.clone(), said.length_ms);
    let expected = [
        (1, 1_000, "provisional".to_owned(), Some(60_001)),
        (2, 2_000, "provisional".to_owned(), Some(120_000)),
        (3, 3_000, "withdrawn".to_owned(), Some(120_000)),
        (4, 4_000, "provisional".to_owned(), Some(120_000)),
    ];
    assert_eq!(history.iter().map(said).collect::<Vec<_>>(), expected);
    assert!(
        history
            .iter()
            .all(|said| (said.rules_version, said.facts_revision) == (2, 7))
    );
    assert_eq!(place.ledger.finding_history("g").await.expect("read"), []);
}

async fn findings_of_days(place: Place) {
    save(
        &place,
        &[finding("f", "ana", "2026-09-16"), finding("g", "ana", "2026-09-18")],
    )
    .await;
    let gone = FindingRow {
        withdrawn_at: Some(at(2_000)),
        ..finding("g", "ana", "2026-09-18")
    };
    save(&place, &[gone]).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let other_days = [
        day("ana", "2026-09-17"),
        day("bo", "2026-09-16"),
        day("ana", "2026-09-18"),
    ];
    assert_eq!(transaction.findings_of(&other_days).await.expect("read"), []);
    let found = transaction
        .findings_of(&[day("ana", "2026-09-16"), day("ana", "2026-09-16")])
        .await
        .expect("read");
    assert_eq!(found, [finding("f", "ana", "2026-09-16")]);
    assert_eq!(transaction.finding("f").await.expect("read").as_ref(), found.first());
    drop(transaction);
    let many: Vec<FindingRow> = (0..270)
        .map(|number| finding(&format!("many{number}"), &format!("p{number}"), "2026-10-01"))
        .collect();
    save(&place, &many).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let keys: Vec<DayKey> = many.iter().map(|row| day(&row.person, &row.date)).collect();
    assert_eq!(transaction.findings_of(&keys).await.expect("read").len(), 270);
}

/// Whoever has only an id finds what it is the id of, of whatever date.
async fn findings_by_id(place: Place) {
    assert_eq!(
        place.ledger.finding("0").await.expect("read"),
        None,
        "there is none at all"
    );
    let dates = ["2019-12-31", "2026-09-16", "2026-09-16", "2026-09-17", "2031-01-01"];
    let rows: Vec<FindingRow> = (0..)
        .zip(dates)
        .map(|(id, date)| finding(&format!("{id}"), "ana", date))
        .collect();
    save(&place, &rows).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    for row in &rows {
        assert_eq!(place.ledger.finding(&row.id).await.expect("read").as_ref(), Some(row));
        assert_eq!(transaction.finding(&row.id).await.expect("read").as_ref(), Some(row));
    }
    let keys = [
        ("2026-09-17", "3"),
        ("2026-09-16", "1"),
        ("2026-09-16", "3"),
        ("2026-09-16", "5"),
    ];
    let mut listed = place.ledger.findings_by_id(&keys).await.expect("read");
    listed.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(listed, [rows[1].clone(), rows[3].clone()], "an id counts with its date");
    assert_eq!(place.ledger.findings_by_id(&[]).await.expect("read"), []);
    assert_eq!(place.ledger.finding_history("0").await.expect("read").len(), 1);
    assert_eq!(place.ledger.finding("5").await.expect("read"), None);
    assert_eq!(transaction.finding("5").await.expect("read"), None);
    assert_eq!(place.ledger.finding_history("5").await.expect("read"), []);
    assert_eq!(place.ledger.decisions("5").await.expect("read"), []);
}

/// Six findings, one of them waived and one withdrawn.
async fn save_six(place: &Place) {
    let late = |id: &str, person: &str, date: &str, period: &str| FindingRow {
        period: Some(period.to_owned()),
        ..finding(id, person, date)
    };
    let meeting = FindingRow {
        period: None,
        meeting: Some("m".to_owned()),
        kind: "walk_out".to_owned(),
        ..finding("5", "ana", "2026-09-16")
    };
    let gone = FindingRow {
        withdrawn_at: Some(at(9)),
        ..finding("6", "ana", "2026-09-16")
    };
    let mut all = vec![
        late("1", "bo", "2026-09-16", "a"),
        late("2", "ana", "2026-09-17", "a"),
        late("3", "ana", "2026-09-16", "z"),
        late("4", "Zoe", "2026-09-16", "a"),
    ];
    all.extend([meeting, gone]);
    save(place, &all).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let act = decision("x", "1", "d1");
    transaction.decide(&act, Review::Waived).await.expect("decide");
    transaction.commit().await.expect("commit");
}

async fn findings_are_listed(place: Place) {
    save_six(&place).await;
    let list = async |query: FindingQuery| -> String {
        place
            .ledger
            .findings(&query)
            .await
            .expect("list")
            .iter()
            .map(|row| row.id.as_str())
            .collect()
    };
    assert_eq!(
        list(FindingQuery::default()).await,
        "45312",
        "by date, person, period or meeting"
    );
    assert_eq!(
        list(FindingQuery {
            with_withdrawn: true,
            ..FindingQuery::default()
        })
        .await,
        "456312"
    );
    assert_eq!(
        list(FindingQuery {
            from: Some("2026-09-17".to_owned()),
            ..FindingQuery::default()
        })
        .await,
        "2"
    );
    assert_eq!(
        list(FindingQuery {
            until: Some("2026-09-17".to_owned()),
            ..FindingQuery::default()
        })
        .await,
        "4531"
    );
    assert_eq!(
        list(FindingQuery {
            person: Some("ana".to_owned()),
            ..FindingQuery::default()
        })
        .await,
        "532"
    );
    assert_eq!(
        list(FindingQuery {
            reviews: vec![Review::Waived, Review::Confirmed],
            ..FindingQuery::default()
        })
        .await,
        "1"
    );
    assert_eq!(
        list(FindingQuery {
            reviews: vec![Review::Open],
            person: Some("bo".to_owned()),
            ..FindingQuery::default()
        })
        .await,
        ""
    );
}

fn decision(id: &str, finding: &str, digest: &str) -> DecisionRow {
    DecisionRow {
        id: id.to_owned(),
        finding: finding.to_owned(),
        act: "confirm".to_owned(),
        reason: "因公".to_owned(),
        actor: "li".to_owned(),
        at: at(5_000),
        digest: digest.to_owned(),
        explanation_zh: "迟到".to_owned(),
        explanation_en: "late".to_owned(),
    }
}

async fn decisions(place: Place) {
    let first = finding("f", "ana", "2026-09-16");
    save(&place, std::slice::from_ref(&first)).await;
    let decide = async |act: DecisionRow, review: Review| {
        let mut transaction = place.ledger.begin().await.expect("begin");
        transaction.decide(&act, review).await?;
        transaction.commit().await
    };
    let review = async || {
        place
            .ledger
            .finding("f")
            .await
            .expect("read")
            .expect("it is there")
            .review
    };
    let stale = decide(decision("1", "f", "d0"), Review::Confirmed).await;
    assert!(matches!(stale, Err(StoreError::ChangedMeanwhile { .. })), "{stale:?}");
    assert_eq!(review().await, Review::Open);
    decide(decision("1", "f", "d1"), Review::Confirmed)
        .await
        .expect("decided");
    assert_eq!(review().await, Review::Confirmed);

    let settled = FindingRow {
        state: "final".to_owned(),
        changed_at: at(6_000),
        revision: 2,
        ..first.clone()
    };
    assert_eq!(
        save(&place, std::slice::from_ref(&settled)).await[0].review,
        Review::Confirmed,
        "what was decided on is the same"
    );
    let longer = FindingRow {
        digest: "d2".to_owned(),
        length_ms: Some(1),
        changed_at: at(7_000),
        revision: 3,
        ..settled
    };
    assert_eq!(
        save(&place, std::slice::from_ref(&longer)).await[0].review,
        Review::ChangedAfterDecision
    );
    assert_eq!(review().await, Review::ChangedAfterDecision);
    decide(decision("2", "f", "d2"), Review::Waived)
        .await
        .expect("decided anew");
    let gone = FindingRow {
        withdrawn_at: Some(at(8_000)),
        changed_at: at(8_000),
        revision: 4,
        ..longer
    };
    assert_eq!(save(&place, &[gone]).await[0].review, Review::ChangedAfterDecision);
    assert_eq!(
        place.ledger.decisions("f").await.expect("read"),
        [decision("1", "f", "d1"), decision("2", "f", "d2")],
        "oldest first"
    );
    assert_eq!(place.ledger.decisions("g").await.expect("read"), []);
}

/// What is saved at once is merged row by row with what is stored, whatever the rows beside it are.
async fn findings_of_every_sort_at_once(place: Place) {
    let changed = |id: &str, revision: i64| FindingRow {
        digest: "d2".to_owned(),
        revision,
        changed_at: at(9_000),
        ..finding(id, "ana", "2026-09-16")
    };
    let before = ["changed", "confirmed", "same", "behind"].map(|id| finding(id, "ana", "2026-09-16"));
    save(&place, &before).await;
    save(
        &place,
        &[FindingRow {
            digest: "d0".to_owned(),
            ..changed("behind", 5)
        }],
    )
    .await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let act = decision("1", "confirmed", "d1");
    transaction.decide(&act, Review::Confirmed).await.expect("decided");
    transaction.commit().await.expect("commit");

    let same = FindingRow {
        changed_at: at(9_000),
        revision: 2,
        ..finding("same", "ana", "2026-09-16")
    };
    let given = [
        changed("new", 1),
        changed("changed", 2),
        same,
        changed("behind", 2),
        changed("confirmed", 2),
    ];
    let stored = save(&place, &given).await;
    let reopened = FindingRow {
        review: Review::ChangedAfterDecision,
        ..changed("confirmed", 2)
    };
    let expected: [(FindingRow, &[i64]); 5] = [
        (changed("new", 1), &[1]),
        (changed("changed", 2), &[1, 2]),
        (finding("same", "ana", "2026-09-16"), &[1]),
        (changed("behind", 6), &[1, 5, 6]),
        (reopened, &[1, 2]),
    ];
    assert!(stored.iter().eq(expected.iter().map(|(row, _)| row)), "{stored:#?}");
    for (row, revisions) in expected {
        let history = place.ledger.finding_history(&row.id).await.expect("read");
        let known: Vec<i64> = history.iter().map(|said| said.revision).collect();
        assert_eq!(known, revisions, "{}", row.id);
        assert_eq!(place.ledger.finding(&row.id).await.expect("read"), Some(row));
    }
}

/// As above, of more than one statement takes: what the first has written is there when the second meets what has to be merged.
async fn many_findings_of_every_sort_at_once(place: Place) {
    let numbers = || 0..300;
    let open = |number: i32| finding(&format!("f{number:03}"), "ana", "2026-09-16");
    let changed = |number: i32, digest: &str, revision: i64| FindingRow {
        digest: digest.to_owned(),
        revision,
        changed_at: at(9_000 + revision),
        ..open(number)
    };
    let gone = FindingRow {
        withdrawn_at: Some(at(9_002)),
        ..changed(7, "gone", 2)
    };
    save(&place, &numbers().map(open).collect::<Vec<_>>()).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let act = decision("1", "f299", "d1");
    transaction.decide(&act, Review::Confirmed).await.expect("decided");
    transaction.commit().await.expect("commit");

    let twice = changed(8, "first", 2);
    let rows = numbers().map(|number| match number {
        7 => gone.clone(),
        8 => changed(8, "last", 3),
        _ => changed(number, "d2", 2),
    });
    let given: Vec<FindingRow> = std::iter::once(twice).chain(rows).collect();
    let mut expected = given.clone();
    expected[0] = changed(8, "last", 3);
    expected[300].review = Review::ChangedAfterDecision;
    assert!(
        save(&place, &given).await == expected,
        "what is stored is said of every row given"
    );
    for row in &expected {
        assert_eq!(place.ledger.finding(&row.id).await.expect("read").as_ref(), Some(row));
        let history = place.ledger.finding_history(&row.id).await.expect("read");
        let revisions: Vec<i64> = history.iter().map(|said| said.revision).collect();
        assert_eq!(revisions, [1, row.revision], "{}", row.id);
    }

    let back = FindingRow {
        changed_at: at(9_500),
        ..open(7)
    };
    let stored = save(&place, std::slice::from_ref(&back)).await;
    assert_eq!(
        stored,
        [FindingRow { revision: 3, ..back }],
        "it returns after it was withdrawn"
    );
}

fn fact(id: &str, file: &str) -> FactRow {
    FactRow {
        id: id.to_owned(),
        file: file.to_owned(),
        cells: r#"{"person":"ana"}"#.to_owned(),
        recorded_at: at(1),
        recorded_by: "li".to_owned(),
    }
}

fn edition(effective_from: &str, body: &str) -> DocumentEdition {
    DocumentEdition {
        kind: "schedules".to_owned(),
        effective_from: effective_from.to_owned(),
        recorded_at: at(1),
        recorded_by: "li".to_owned(),
        body: body.to_owned(),
    }
}

async fn facts_and_documents(mut place: Place) {
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction
        .add_facts(&[
            fact("c", "people.csv"),
            fact("a", "people.csv"),
            fact("b", "badges.csv"),
        ])
        .await
        .expect("add");
    transaction
        .add_facts(
            &(0..300)
                .map(|number| fact(&format!("n{number}"), "units.csv"))
                .collect::<Vec<_>>(),
        )
        .await
        .expect("add many");
    transaction.add_document(&edition("", "one")).await.expect("add");
    transaction
        .add_document(&edition("2026-10-01", "winter"))
        .await
        .expect("add");
    transaction.add_document(&edition("", "two")).await.expect("add");
    assert_eq!(transaction.bump_facts_revision().await.expect("bump"), 1);
    assert_eq!(transaction.facts_revision().await.expect("read"), 1);
    assert_eq!(place.ledger.facts_revision().await.expect("read"), 0, "not committed");
    transaction.commit().await.expect("commit");
    place.restart().await;
    assert_eq!(place.ledger.facts_revision().await.expect("read"), 1);
    let facts = place.ledger.facts().await.expect("read");
    assert_eq!(
        facts[..3],
        [
            fact("b", "badges.csv"),
            fact("c", "people.csv"),
            fact("a", "people.csv")
        ],
        "as recorded"
    );
    assert_eq!(
        facts.iter().skip(3).map(|row| row.id.clone()).collect::<Vec<_>>(),
        (0..300).map(|number| format!("n{number}")).collect::<Vec<_>>()
    );
    assert_eq!(
        place.ledger.documents().await.expect("read"),
        [edition("", "two"), edition("2026-10-01", "winter")]
    );

    let ids: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
    let mut gone: Vec<&str> = ids.iter().map(String::as_str).collect();
    gone.extend(["c", "b", "c"]);
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction.supersede_facts(&gone, at(2)).await.expect("supersede");
    transaction.commit().await.expect("commit");
    assert_eq!(place.ledger.facts().await.expect("read"), [fact("a", "people.csv")]);
    let mut transaction = place.ledger.begin().await.expect("begin");
    assert!(
        matches!(
            transaction.supersede_facts(&["a", "c"], at(3)).await,
            Err(StoreError::Missing { .. })
        ),
        "superseded already"
    );
}

async fn known_at(place: Place) {
    let mut transaction = place.ledger.begin().await.expect("begin");
    let recorded = |row: FactRow, milliseconds| FactRow {
        recorded_at: at(milliseconds),
        ..row
    };
    let edited = |row: DocumentEdition, milliseconds| DocumentEdition {
        recorded_at: at(milliseconds),
        ..row
    };
    let (old, new) = (
        recorded(fact("a", "people.csv"), 10),
        recorded(fact("b", "people.csv"), 20),
    );
    transaction.add_facts(std::slice::from_ref(&old)).await.expect("add");
    transaction.supersede_facts(&["a"], at(20)).await.expect("supersede");
    transaction.add_facts(std::slice::from_ref(&new)).await.expect("add");
    transaction
        .add_document(&edited(edition("", "one"), 10))
        .await
        .expect("add");
    transaction
        .add_document(&edited(edition("", "two"), 20))
        .await
        .expect("add");
    let outage = |until: Option<i64>| OutageRow {
        reader: "gate".to_owned(),
        down_from: at(5),
        down_until: until.map(at),
    };
    transaction.save_outage(&outage(None), at(12)).await.expect("down");
    transaction.save_outage(&outage(Some(14)), at(18)).await.expect("back");
    transaction.commit().await.expect("commit");
    let ledger = &place.ledger;
    for (milliseconds, facts, document, outages) in [
        (9, vec![], None, vec![]),
        (12, vec![old.clone()], Some("one"), vec![outage(None)]),
        (17, vec![old], Some("one"), vec![outage(None)]),
        (18, vec![fact("a", "people.csv")], Some("one"), vec![outage(Some(14))]),
        (20, vec![new], Some("two"), vec![outage(Some(14))]),
    ] {
        let known: Vec<String> = facts.into_iter().map(|row| row.id).collect();
        let found = ledger.facts_at(at(milliseconds)).await.expect("read");
        assert_eq!(
            found.into_iter().map(|row| row.id).collect::<Vec<_>>(),
            known,
            "facts at {milliseconds}"
        );
        let documents = ledger.documents_at(at(milliseconds)).await.expect("read");
        assert_eq!(
            documents.first().map(|edition| edition.body.as_str()),
            document,
            "{milliseconds}"
        );
        assert_eq!(
            ledger.outages_at(at(milliseconds)).await.expect("read"),
            outages,
            "outages at {milliseconds}"
        );
    }
}

async fn said_at(place: Place) {
    let ledger = &place.ledger;
    let said = |state: &str, digest: &str, revision, milliseconds, withdrawn: Option<i64>| FindingRow {
        state: state.to_owned(),
        digest: digest.to_owned(),
        revision,
        changed_at: at(milliseconds),
        withdrawn_at: withdrawn.map(at),
        ..finding("f", "ana", "2026-09-16")
    };
    for row in [
        said("provisional", "d1", 1, 100, None),
        said("final", "d2", 2, 200, None),
        said("final", "d3", 3, 300, Some(300)),
    ] {
        save(&place, &[row]).await;
    }
    for (milliseconds, state) in [
        (99, None),
        (100, Some("provisional")),
        (199, Some("provisional")),
        (200, Some("final")),
        (299, Some("final")),
        (300, None),
    ] {
        let rows = ledger
            .findings_at("2026-09-16", "2026-09-17", at(milliseconds))
            .await
            .expect("read");
        assert_eq!(
            rows.first().map(|row| row.state.as_str()),
            state,
            "findings at {milliseconds}"
        );
    }
    let other_dates = ledger.findings_at("2026-09-17", "2026-09-18", at(200)).await;
    assert_eq!(other_dates.expect("read"), []);
}

fn publication(week: &str, first: &str, until: &str, number: &str) -> PublicationRow {
    PublicationRow {
        week: week.to_owned(),
        first_date: first.to_owned(),
        until_date: until.to_owned(),
        number: number.to_owned(),
        published_at: at(5_000),
        published_by: "li".to_owned(),
    }
}

fn week_38() -> PublicationRow {
    publication("2026-W38", "2026-09-14", "2026-09-21", "37")
}

async fn publish(place: &Place, publication: &PublicationRow) -> Result<(), StoreError> {
    let mut transaction = place.ledger.begin().await?;
    transaction.publish(publication).await?;
    transaction.commit().await
}

/// `f`, longer than it was published.
fn longer() -> FindingRow {
    FindingRow {
        digest: "d2".to_owned(),
        length_ms: Some(60_000),
        revision: 2,
        changed_at: at(6_000),
        ..finding("f", "ana", "2026-09-16")
    }
}

async fn a_batch_after_a_published_week(place: Place) {
    let published = finding("f", "ana", "2026-09-16");
    save(&place, std::slice::from_ref(&published)).await;
    publish(&place, &week_38()).await.expect("published");
    let begun = place.ledger.begin_with_swipes(&[swipe("b", 1)]).await;
    let (mut transaction, _) = begun.expect("begun");
    let given = [longer(), finding("g", "bo", "2026-09-21")];
    assert_eq!(transaction.save_findings(&given).await.expect("save"), given);
    let after = std::slice::from_ref(&given[1]);
    let stored = transaction
        .save_findings(after)
        .await
        .expect("save what no published week holds");
    assert_eq!(stored, after);
    transaction.commit_with_days(&[]).await.expect("commit");
    let stored = async |id| place.ledger.finding(id).await.expect("read");
    assert_eq!(stored("f").await, Some(published), "as it was published");
    assert_eq!(stored("g").await.as_ref(), Some(&given[1]));
    let waiting = place.ledger.corrections("2026-09-14", "2026-09-21", false).await;
    let waiting: Vec<FindingRow> = waiting.expect("read").into_iter().map(|row| row.finding).collect();
    assert_eq!(waiting, [longer()]);
}

async fn published_weeks(place: Place) {
    let published = finding("f", "ana", "2026-09-16");
    save(&place, std::slice::from_ref(&published)).await;
    publish(&place, &week_38()).await.expect("published");
    assert_eq!(place.ledger.publications().await.expect("read"), [week_38()]);
    let again = publish(&place, &week_38()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    let same_number = publish(&place, &publication("2026-W39", "2026-09-21", "2026-09-28", "37")).await;
    assert!(matches!(same_number, Err(StoreError::Exists(_))), "{same_number:?}");

    let new = FindingRow {
        changed_at: at(6_000),
        ..finding("g", "bo", "2026-09-20")
    };
    let free = finding("h", "bo", "2026-09-21");
    let given = [longer(), free.clone(), new.clone()];
    assert_eq!(save(&place, &given).await, given, "in the order given");
    let stored = async |id| place.ledger.finding(id).await.expect("read");
    assert_eq!(stored("f").await.as_ref(), Some(&published), "as it was published");
    assert_eq!(stored("g").await, None);
    assert_eq!(stored("h").await, Some(free), "the week after is not published");
    let waiting = async |settled| {
        place
            .ledger
            .corrections("2026-09-14", "2026-09-21", settled)
            .await
            .expect("read")
    };
    let rows: Vec<FindingRow> = waiting(false).await.into_iter().map(|row| row.finding).collect();
    assert_eq!(rows, [longer(), new.clone()]);

    save(&place, &[longer()]).await;
    assert_eq!(waiting(true).await.len(), 2, "the same again is no news");
    let keys = [day("ana", "2026-09-16"), day("bo", "2026-09-20")];
    let mut transaction = place.ledger.begin().await.expect("begin");
    assert_eq!(
        transaction.findings_of(&keys).await.expect("read"),
        [longer(), new.clone()],
        "as judging last left them"
    );
    drop(transaction);

    let as_published = FindingRow {
        revision: 3,
        changed_at: at(7_000),
        ..published.clone()
    };
    let gone = FindingRow {
        withdrawn_at: Some(at(7_000)),
        changed_at: at(7_000),
        ..new
    };
    save(&place, &[as_published, gone]).await;
    assert_eq!(waiting(false).await, []);
    let settled: Vec<_> = waiting(true)
        .await
        .into_iter()
        .map(|row| (row.settled_at, row.number))
        .collect();
    assert_eq!(settled, [(Some(at(7_000)), None), (Some(at(7_000)), None)]);
    assert_eq!(stored("f").await, Some(published));
}

async fn corrections_are_issued(place: Place) {
    save(&place, &[finding("f", "ana", "2026-09-16")]).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction
        .decide(&decision("1", "f", "d1"), Review::Confirmed)
        .await
        .expect("decided");
    transaction.commit().await.expect("commit");
    publish(&place, &week_38()).await.expect("published");
    save(&place, &[longer()]).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let issued = transaction
        .issue_corrections(&week_38(), "37-1", at(8_000))
        .await
        .expect("issued");
    transaction.commit().await.expect("commit");
    let expected = FindingRow {
        review: Review::ChangedAfterDecision,
        changed_at: at(8_000),
        ..longer()
    };
    assert_eq!(issued, std::slice::from_ref(&expected));
    assert_eq!(place.ledger.finding("f").await.expect("read"), Some(expected));
    let history = place.ledger.finding_history("f").await.expect("read");
    assert_eq!(history.len(), 2, "what was published is kept");
    let all = place
        .ledger
        .corrections("2026-09-14", "2026-09-21", true)
        .await
        .expect("read");
    assert_eq!(
        (all[0].settled_at, all[0].number.as_deref(), all.len()),
        (Some(at(8_000)), Some("37-1"), 1)
    );
    save(&place, &[longer()]).await;
    assert_eq!(
        place
            .ledger
            .corrections("2026-09-14", "2026-09-21", false)
            .await
            .expect("read"),
        [],
        "what was issued is what holds"
    );
}

async fn counting(place: Place) {
    let escalation = |id: &str, person: &str, date: &str| FindingRow {
        kind: "escalation".to_owned(),
        period: None,
        ..finding(id, person, date)
    };
    save(
        &place,
        &[
            finding("f", "ana", "2026-09-16"),
            finding("open", "ana", "2026-09-17"),
            finding("other", "bo", "2026-09-17"),
            escalation("e", "ana", "2026-09-17"),
        ],
    )
    .await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction
        .decide(&decision("1", "f", "d1"), Review::Confirmed)
        .await
        .expect("decided");
    let ids = |rows: Vec<FindingRow>| -> BTreeSet<String> { rows.into_iter().map(|row| row.id).collect() };
    let found = ids(transaction.countable_of(&["ana", "nobody", "ana"]).await.expect("read"));
    assert_eq!(found, BTreeSet::from(["e".to_owned(), "f".to_owned()]));
    assert_eq!(transaction.counted_people().await.expect("read"), ["ana"]);
    transaction.save_counted("e", &["f", "g"]).await.expect("saved");
    transaction.save_counted("e", &["g", "f"]).await.expect("saved anew");
    transaction.commit().await.expect("commit");
    assert_eq!(place.ledger.counted("e").await.expect("read"), ["g", "f"]);
    assert_eq!(place.ledger.counted("f").await.expect("read"), [] as [&str; 0]);
    let decided = place
        .ledger
        .decisions_of_dates("2026-09-16", "2026-09-17")
        .await
        .expect("read");
    assert_eq!(decided, [decision("1", "f", "d1")]);

    publish(&place, &week_38()).await.expect("published");
    let gone = FindingRow {
        withdrawn_at: Some(at(9_000)),
        changed_at: at(9_000),
        ..escalation("e", "ana", "2026-09-17")
    };
    save(&place, &[gone]).await;
    let mut transaction = place.ledger.begin().await.expect("begin");
    let found = ids(transaction.countable_of(&["ana"]).await.expect("read"));
    assert_eq!(
        found,
        BTreeSet::from(["f".to_owned()]),
        "a correction that waits is where counting left it"
    );
}

async fn small_things(place: Place) {
    let outage = |until: Option<i64>| OutageRow {
        reader: "gate".to_owned(),
        down_from: at(10),
        down_until: until.map(at),
    };
    let rejected = |id: &str, received_at: i64| RejectedInput {
        id: id.to_owned(),
        reader: "gate".to_owned(),
        received_at: at(received_at),
        reason: "checksum".to_owned(),
        raw_hex: "02ff".to_owned(),
    };
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction.set_setting("secret", "one").await.expect("set");
    transaction.set_setting("secret", "two").await.expect("set");
    transaction.save_outage(&outage(None), at(15)).await.expect("down");
    transaction
        .record_rejected(&[rejected("a", 1), rejected("b", 3), rejected("c", 2), rejected("a", 1)])
        .await
        .expect("record");
    transaction.commit().await.expect("commit");
    assert_eq!(
        place.ledger.setting("secret").await.expect("read").as_deref(),
        Some("two")
    );
    assert_eq!(place.ledger.outages().await.expect("read"), [outage(None)]);
    assert_eq!(
        place.ledger.rejected_inputs(2).await.expect("read"),
        [rejected("b", 3), rejected("c", 2)],
        "newest first"
    );
    let mut transaction = place.ledger.begin().await.expect("begin");
    transaction.save_outage(&outage(Some(20)), at(25)).await.expect("back");
    transaction.commit().await.expect("commit");
    assert_eq!(place.ledger.outages().await.expect("read"), [outage(Some(20))]);
    place.ledger.maintain().await.expect("housekeeping");
}

async fn audit(place: &Place, body: &str) -> store::rows::AuditEntry {
    let (actor, act, subject) = ("li".to_owned(), "finding.confirm".to_owned(), "f\0".to_owned());
    let record = AuditRecord {
        at: at(1),
        actor,
        act,
        subject,
        body: body.to_owned(),
    };
    let mut transaction = place.ledger.begin().await.expect("begin");
    let entry = transaction.append_audit(&record).await.expect("append");
    transaction.commit().await.expect("commit");
    entry
}

async fn audit_chain(mut place: Place) {
    let first = audit(&place, r#"{"why":"因公"}"#).await;
    let mut dropped = place.ledger.begin().await.expect("begin");
    assert_eq!(dropped.append_audit(&first.record).await.expect("append").seq, 2);
    drop(dropped);
    place.restart().await;
    let second = audit(&place, "{}").await;
    assert_eq!(
        (first.seq, second.seq, &second.previous_hash),
        (1, 2, &first.hash),
        "no gap"
    );
    let entries = place.ledger.audit(0, 10).await.expect("read");
    assert_eq!(entries, [first, second.clone()]);
    let end = verify(&ChainEnd::default(), &entries).expect("it stands");
    assert_eq!(
        end,
        ChainEnd {
            seq: 2,
            hash: second.hash.clone()
        }
    );
    assert_eq!(place.ledger.audit(1, 10).await.expect("read"), [second]);
    assert_eq!(place.ledger.audit(0, 1).await.expect("read").len(), 1);
}

async fn accounts(place: Place) {
    let ledger = &place.ledger;
    let account = |changed_at: i64| Account {
        name: "li".to_owned(),
        password_hash: format!("$argon2id${changed_at}"),
        changed_at: at(changed_at),
    };
    let session = |token: &str, created_at: i64, expires_at: i64| SessionRow {
        token_hash: token.to_owned(),
        account: "li".to_owned(),
        created_at: at(created_at),
        seen_at: at(created_at),
        expires_at: at(expires_at),
        form_secret: "f".to_owned(),
    };
    let mut transaction = ledger.begin().await.expect("begin");
    transaction.save_account(&account(1)).await.expect("save");
    transaction.add_session(&session("old", 1, 5)).await.expect("add");
    transaction.add_session(&session("a", 5, 50)).await.expect("add");
    transaction.add_session(&session("b", 5, 50)).await.expect("add");
    transaction.touch_session("a", at(7)).await.expect("touch");
    transaction
        .touch_session("none", at(7))
        .await
        .expect("nothing to touch");
    transaction.end_session("b").await.expect("end");
    transaction.commit().await.expect("commit");
    assert!(ledger.has_accounts().await.expect("read"));
    assert_eq!(ledger.account("li").await.expect("read"), Some(account(1)));
    assert_eq!(ledger.account("Li").await.expect("read"), None);
    assert_eq!(
        ledger.session("old").await.expect("read"),
        None,
        "ended before the next began"
    );
    assert_eq!(
        ledger.session("a").await.expect("read"),
        Some(SessionRow {
            seen_at: at(7),
            ..session("a", 5, 50)
        })
    );
    assert_eq!(ledger.session("b").await.expect("read"), None);
    let mut transaction = ledger.begin().await.expect("begin");
    transaction.save_account(&account(2)).await.expect("replace");
    transaction.commit().await.expect("commit");
    assert_eq!(ledger.account("li").await.expect("read"), Some(account(2)));
    assert_eq!(
        ledger.session("a").await.expect("read"),
        None,
        "a new password ends every session"
    );
    let mut transaction = ledger.begin().await.expect("begin");
    let stranger = SessionRow {
        account: "nobody".to_owned(),
        ..session("c", 9, 50)
    };
    assert!(
        matches!(transaction.add_session(&stranger).await, Err(StoreError::Refused(_))),
        "there is no such account"
    );
}

async fn bridges(place: Place) {
    let ledger = &place.ledger;
    let mut transaction = ledger.begin().await.expect("begin");
    transaction.enrol_bridge("west", "hash w", at(1)).await.expect("enrol");
    transaction.enrol_bridge("east", "hash 1", at(2)).await.expect("enrol");
    assert!(transaction.note_bridge("east", at(3), "q", 17).await.expect("note"));
    assert!(
        !transaction.note_bridge("north", at(3), "q", 17).await.expect("note"),
        "not enrolled"
    );
    transaction
        .enrol_bridge("east", "hash 2", at(4))
        .await
        .expect("enrol again");
    transaction.commit().await.expect("commit");
    let east = BridgeRow {
        name: "east".to_owned(),
        key_hash: "hash 2".to_owned(),
        enrolled_at: at(4),
        seen_at: Some(at(3)),
        queue: Some("q".to_owned()),
        acknowledged: 17,
    };
    assert_eq!(ledger.bridge("hash 1").await.expect("read"), None, "the key before");
    assert_eq!(ledger.bridge("hash 2").await.expect("read"), Some(east.clone()));
    let west = ledger.bridge("hash w").await.expect("read").expect("enrolled");
    assert_eq!((west.seen_at, &west.queue, west.acknowledged), (None, &None, 0));
    assert_eq!(ledger.bridges().await.expect("read"), [east, west], "by name");

    let mut transaction = ledger.begin().await.expect("begin");
    assert!(transaction.revoke_bridge("east", at(5)).await.expect("revoke"));
    assert!(!transaction.revoke_bridge("east", at(5)).await.expect("once only"));
    assert!(
        !transaction.note_bridge("east", at(6), "q", 18).await.expect("note"),
        "revoked"
    );
    transaction.commit().await.expect("commit");
    assert_eq!(ledger.bridge("hash 2").await.expect("read"), None);
    let mut transaction = ledger.begin().await.expect("begin");
    transaction
        .enrol_bridge("east", "hash 3", at(7))
        .await
        .expect("enrol anew");
    transaction.commit().await.expect("commit");
    let anew = ledger.bridge("hash 3").await.expect("read").expect("enrolled");
    assert_eq!(anew.acknowledged, 17, "it goes on where its queue is");
}

async fn screens_and_links(place: Place) {
    let ledger = &place.ledger;
    let screen = |id: &str, name: &str| ScreenRow {
        id: id.to_owned(),
        name: name.to_owned(),
        token_hash: format!("hash of {id}"),
        created_at: at(1),
        seen_at: None,
    };
    let link = OneTimeLink {
        token_hash: "h".to_owned(),
        purpose: "first_admin".to_owned(),
        expires_at: at(100),
        used_at: None,
    };
    let mut transaction = ledger.begin().await.expect("begin");
    transaction.add_screen(&screen("1", "lobby")).await.expect("add");
    transaction.add_screen(&screen("2", "hall")).await.expect("add");
    transaction.touch_screen("1", at(8)).await.expect("touch");
    assert!(transaction.revoke_screen("2", at(9)).await.expect("revoke"));
    assert!(!transaction.revoke_screen("2", at(9)).await.expect("once only"));
    transaction.add_screen(&screen("3", "door")).await.expect("add");
    transaction.add_link(&link).await.expect("add");
    transaction.commit().await.expect("commit");
    let seen = ScreenRow {
        seen_at: Some(at(8)),
        ..screen("1", "lobby")
    };
    assert_eq!(
        ledger.screens().await.expect("read"),
        [screen("3", "door"), seen.clone()],
        "by name"
    );
    assert_eq!(ledger.screen("hash of 1").await.expect("read"), Some(seen));
    assert_eq!(ledger.screen("hash of 2").await.expect("read"), None, "revoked");

    assert_eq!(ledger.link("h").await.expect("read"), Some(link.clone()));
    let mut transaction = ledger.begin().await.expect("begin");
    assert!(
        !transaction.consume_link("h", "reset", at(50)).await.expect("consume"),
        "for something else"
    );
    assert!(
        !transaction
            .consume_link("h", "first_admin", at(100))
            .await
            .expect("consume"),
        "ended"
    );
    assert!(
        transaction
            .consume_link("h", "first_admin", at(99))
            .await
            .expect("consume")
    );
    assert!(
        !transaction
            .consume_link("h", "first_admin", at(99))
            .await
            .expect("consume"),
        "used"
    );
    transaction.commit().await.expect("commit");
    assert_eq!(
        ledger.link("h").await.expect("read"),
        Some(OneTimeLink {
            used_at: Some(at(99)),
            ..link
        })
    );
}

async fn one_daemon(place: Place) {
    let second = open(&place.address, DAEMON).await.err().expect("refused");
    assert!(matches!(second, StoreError::InUse(_)), "{second:?}");
    let tool = open(&place.address, TOOL)
        .await
        .expect("a tool opens it beside the daemon");
    let mut transaction = tool.begin().await.expect("begin");
    transaction.bump_facts_revision().await.expect("bump");
    transaction.commit().await.expect("commit");
    tool.close().await;
    assert_eq!(
        place.ledger.facts_revision().await.expect("read"),
        1,
        "the daemon sees it"
    );
    place.ledger.maintain().await.expect("housekeeping");
    place.ledger.close().await;
    let closed = place.ledger.begin().await.err();
    assert!(matches!(closed, Some(StoreError::Unavailable(_))), "{closed:?}");
    drop(place.ledger);
    let next = once_free(async || open(&place.address, DAEMON).await).await;
    next.close().await;
}

async fn writers_take_turns(place: Place) {
    let tool = open(&place.address, TOOL).await.expect("a tool");
    let mut first = place.ledger.begin().await.expect("begin");
    first.set_setting("who", "daemon").await.expect("set");
    let waiting = tokio::spawn(async move {
        let mut second = tool.begin().await.expect("its turn comes");
        let revision = second.bump_facts_revision().await.expect("bump");
        second.set_setting("who", "tool").await.expect("set");
        second.commit().await.expect("commit");
        revision
    });
    assert_eq!(first.bump_facts_revision().await.expect("bump"), 1);
    first.commit().await.expect("commit");
    assert_eq!(waiting.await.expect("the tool"), 2, "it sees what the daemon committed");
    assert_eq!(
        place.ledger.setting("who").await.expect("read").as_deref(),
        Some("tool")
    );
}

async fn newer_schema(place: Place) {
    place.ledger.close().await;
    let statement = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 9000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    place.raw(statement).await.expect("what a newer program leaves");
    let refused = open(&place.address, TOOL).await.err().expect("refused");
    assert!(
        matches!(refused, StoreError::NewerSchema { found: 9000, known } if known < 9000),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("9000"), "{refused}");
}

/// What somebody asked of a terminal that has not called since.
fn asked(reader: &str, command: &str) -> ReaderCommandRow {
    ReaderCommandRow {
        seq: 0,
        reader: reader.into(),
        command: command.into(),
        starts: (command == "records").then(|| "2026-09-16 00:00:00".into()),
        until: (command == "records").then(|| "2026-09-16 23:59:59".into()),
        asked_at: Instant::from_ms(1_000),
        asked_by: "host".into(),
        sent_at: None,
        sends: 0,
        done_at: None,
        code: None,
    }
}

/// What an operator asks of a terminal waits for it over a restart, oldest first, and ends once.
async fn reader_commands(mut place: Place) {
    let mut transaction = place.ledger.begin().await.expect("a turn");
    for command in [asked("gate", "check"), asked("hall", "clock"), asked("gate", "records")] {
        transaction.add_reader_command(&command).await.expect("asked");
    }
    transaction.commit().await.expect("kept");
    place.restart().await;
    let open = place.ledger.open_reader_commands("gate", 10).await.expect("listed");
    let [check, records] = &open[..] else {
        panic!("{open:?}")
    };
    assert_eq!((check.command.as_str(), records.command.as_str()), ("check", "records"));
    assert_eq!(
        *records,
        ReaderCommandRow {
            seq: records.seq,
            ..asked("gate", "records")
        }
    );
    assert_eq!(
        place
            .ledger
            .open_reader_commands("gate", 1)
            .await
            .expect("listed")
            .len(),
        1
    );

    let mut transaction = place.ledger.begin().await.expect("a turn");
    transaction
        .send_reader_command(check.seq, Instant::from_ms(2_000))
        .await
        .expect("sent");
    transaction
        .send_reader_command(check.seq, Instant::from_ms(3_000))
        .await
        .expect("sent again");
    let end = transaction
        .end_reader_command(check.seq, "hall", Instant::from_ms(4_000), Some(0))
        .await;
    assert!(!end.expect("asked"), "a reader cannot end what another was asked");
    let end = transaction
        .end_reader_command(check.seq, "gate", Instant::from_ms(4_000), Some(-1))
        .await;
    assert!(end.expect("asked"));
    let again = transaction
        .end_reader_command(check.seq, "gate", Instant::from_ms(5_000), None)
        .await;
    assert!(!again.expect("asked"), "it ended before");
    transaction.commit().await.expect("kept");

    let all = place.ledger.reader_commands(10).await.expect("listed");
    let ended = all.iter().find(|row| row.seq == check.seq).expect("it is there");
    assert_eq!((ended.sent_at, ended.sends), (Some(Instant::from_ms(3_000)), 2));
    assert_eq!((ended.done_at, ended.code), (Some(Instant::from_ms(4_000)), Some(-1)));
    assert!(all.windows(2).all(|pair| pair[0].seq > pair[1].seq), "newest first");
    let mut transaction = place.ledger.begin().await.expect("a turn");
    assert!(matches!(
        transaction.send_reader_command(0, Instant::from_ms(1)).await,
        Err(StoreError::Missing { .. })
    ));
}

/// A held swipe is listed until the end of days; that it was placed is kept beside it, and can be withdrawn once.
async fn held_swipes(mut place: Place) {
    let held = |badge: &str, happened_at| SwipeRecord {
        quarantine: Some("clock_off".to_owned()),
        ..swipe(badge, happened_at)
    };
    record(&place, &[swipe("7", 1_000), held("7", 2_000), held("8", 3_000)]).await;
    place.restart().await;
    let listed = place.ledger.held_swipes(at(0), 10).await.expect("listed");
    assert_eq!(listed, [held("8", 3_000), held("7", 2_000)]);
    assert_eq!(place.ledger.held_swipes(at(0), 1).await.expect("listed").len(), 1);

    let later = place.ledger.held_swipes(at(2_006), 10).await.expect("listed");
    assert_eq!(later, [held("8", 3_000)]);

    let placement = PlacementRow {
        swipe: swipe("8", 9_000).id,
        original: held("8", 3_000).id,
        reader: "gate".to_owned(),
        badge: "8".to_owned(),
        happened_at: at(9_000),
        placed_at: at(10_000),
        placed_by: "chen".to_owned(),
        reason: "the clock was an hour behind".to_owned(),
        withdrawn: None,
    };
    let mut transaction = place.ledger.begin().await.expect("a turn");
    transaction.add_placement(&placement).await.expect("kept");
    transaction.commit().await.expect("committed");
    assert_eq!(
        place.ledger.placements(10).await.expect("listed"),
        std::slice::from_ref(&placement)
    );
    assert!(place.ledger.withdrawn_placements().await.expect("listed").is_empty());

    let mut transaction = place.ledger.begin().await.expect("a turn");
    let mut withdraw = async |swipe: &str| transaction.withdraw_placement(swipe, at(11_000), "lin").await;
    assert!(withdraw(&placement.swipe).await.expect("asked"));
    assert!(!withdraw(&placement.swipe).await.expect("asked"), "once");
    assert!(!withdraw("nothing").await.expect("asked"));
    transaction.commit().await.expect("committed");
    let withdrawn = PlacementRow {
        withdrawn: Some((at(11_000), "lin".to_owned())),
        ..placement.clone()
    };
    assert_eq!(place.ledger.placements(10).await.expect("listed"), [withdrawn]);
    assert_eq!(
        place.ledger.withdrawn_placements().await.expect("listed"),
        [placement.swipe]
    );
}

/// What came of which reader is counted by time of receipt, and badges by the days on which they were read.
async fn reader_tallies(place: Place) {
    let held = SwipeRecord {
        quarantine: Some("clock_off".to_owned()),
        ..swipe("8", 3_000)
    };
    record(&place, &[swipe("7", 1_000), swipe("7", 2_000), held]).await;
    let rejected = |id: &str, reader: &str, received_at| RejectedInput {
        id: id.to_owned(),
        reader: reader.to_owned(),
        received_at: at(received_at),
        reason: "checksum".to_owned(),
        raw_hex: "02".to_owned(),
    };
    let mut transaction = place.ledger.begin().await.expect("a turn");
    let inputs = [
        rejected("a", "gate", 1_000),
        rejected("b", "gate", 2_000),
        rejected("c", "hall", 2_000),
    ];
    transaction.record_rejected(&inputs).await.expect("kept");
    transaction.commit().await.expect("committed");

    let times = |tallies: Vec<ReaderTally>| -> Vec<(String, Option<String>, i64)> {
        let mut times: Vec<_> = tallies
            .into_iter()
            .map(|tally| (tally.reader, tally.reason, tally.times))
            .collect();
        times.sort();
        times
    };
    let all = Interval::new(at(0), at(1_000_000));
    let gate = |reason: Option<&str>, times| ("gate".to_owned(), reason.map(str::to_owned), times);
    assert_eq!(
        times(place.ledger.swipe_tallies(all).await.expect("counted")),
        [gate(None, 2), gate(Some("clock_off"), 1)]
    );
    let early = Interval::new(at(0), at(2_000));
    assert_eq!(
        times(place.ledger.swipe_tallies(early).await.expect("counted")),
        [gate(None, 1)]
    );
    assert_eq!(
        times(place.ledger.rejected_tallies(all).await.expect("counted")),
        [
            gate(Some("checksum"), 2),
            ("hall".to_owned(), Some("checksum".to_owned()), 1)
        ]
    );
    let of_gate = place.ledger.rejected_of("gate", 10).await.expect("listed");
    assert_eq!(of_gate, [inputs[1].clone(), inputs[0].clone()], "newest first");

    let seen = place.ledger.badges_seen(all).await.expect("seen");
    let wanted = BadgeSeen {
        badge: "7".to_owned(),
        times: 2,
        first_at: at(1_000),
        last_at: at(2_000),
    };
    assert_eq!((seen.len(), &seen[0]), (2, &wanted));
    let hours = |from: i64, until: i64| between(from * 3_600_000, until * 3_600_000);
    let elsewhere = hours(4, 8);
    assert!(place.ledger.badges_seen(elsewhere).await.expect("seen").is_empty());
    let widened = place.ledger.badges_seen(hours(3, 5)).await.expect("seen");
    assert_eq!(widened.len(), 2, "the part in which three o'clock is");
    let nothing = Interval::new(at(5), at(5));
    assert!(place.ledger.badges_seen(nothing).await.expect("seen").is_empty());
}
