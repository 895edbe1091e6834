//! A database that an earlier version wrote holds what it held when this version has opened it.

use std::path::Path;
use std::sync::Arc;

use rules::time::{Instant, Interval};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Database, Executor, Pool, Postgres, Sqlite};
use store::rows::{BadgeSwipe, DayKey, DayRow, DecisionRow, FindingRow, Review};
use store::{Ledger, Options, open};

use crate::postgres;

/// Swipes of before 1970, of a morning, of the evening of that day and of after 2099; days that are closed, wait and are due; a finding that changed
/// twice, one that somebody decided on twice, and one that was withdrawn, in another order than their ids and after one that is gone.
const WRITTEN_BY_9: [&str; 7] = [
    "INSERT INTO swipe (id, dedup_key, reader, badge, happened_day, happened_at_ms, received_at_ms) VALUES \
        ('0123', 'gate|1', 'gate', '0042', 0, 7000, 7005), ('4567', 'gate|2', 'gate', '0043', 0, 7000, 7005), \
        ('89ab', 'gate|3', 'gate', '0042', 0, -9000, 7005), \
        ('cdef', 'gate|4', 'gate', '0042', 20712, 1789516800000, 1789516800000), \
        ('fedc', 'gate|5', 'gate', '0042', 20712, 1789559999999, 1789559999999), \
        ('ba98', 'gate|6', 'gate', '0042', 47481, 4102444800000, 7005)",
    "INSERT INTO day (person, date, judged_at_ms, next_check_at_ms, rules_version, facts_revision) VALUES \
        ('ana', '2026-09-16', 5, NULL, 1, 1), ('bo', '2026-09-16', 5, 50, 1, 1), ('cy', '2026-09-16', NULL, 0, 1, 1)",
    "INSERT INTO finding (id, person, date, kind, state, swipes, digest, revision, changed_at_ms, rules_version, facts_revision, review) \
        VALUES ('e', 'cy', '2026-09-17', 'late', 'final', '', 'd', 1, 1000, 1, 1, 'open')",
    "DELETE FROM finding WHERE id = 'e'",
    "INSERT INTO finding (id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, \
        source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, facts_revision, review) VALUES \
        ('h', 'cy', NULL, '2026-09-16', 'morning', NULL, 'late', 'final', 5, NULL, NULL, NULL, NULL, '', 'd', 1, 900, 950, 1, 1, 'open'), \
        ('g', 'bo', NULL, '2026-09-17', 'morning', NULL, 'late', 'final', 6, NULL, NULL, NULL, NULL, '', 'd', 1, 900, NULL, 1, 1, 'confirmed'), \
        ('f', 'ana', 'plan', '2026-09-16', 'morning', 'm', 'late', 'final', 120000, 11, 12, 13, 'duty', 's1 s2', 'd3', 3, 3000, NULL, 5, 9, \
        'open')",
    "INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes, digest, \
        rules_version, facts_revision) VALUES ('f', 2, 2000, 'absent', 'withheld', 90000, 21, 22, 23, 's2', 'd2', 4, 8), \
        ('f', 1, 1000, 'not_arrived', 'provisional', 60000, 31, 32, 33, 's1', 'd1', 3, 7)",
    "INSERT INTO decision (id, finding, act, reason, actor, at_ms, digest, explanation_zh, explanation_en) VALUES \
        ('2', 'g', 'waive', 'the gate was broken', 'chen', 1500, 'd', '迟到', 'late'), \
        ('1', 'g', 'confirm', 'it was not', 'li', 1600, 'd', '迟到', 'late')",
];

async fn written_by_9<DB: Database>(address: &str, database: &str)
where
    DB::Connection: Migrate,
    for<'c> &'c Pool<DB>: Executor<'c, Database = DB>,
{
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../migrations")
        .join(database);
    let migrator = Migrator::new(folder).await.expect("migrations");
    let pool = Pool::<DB>::connect(address).await.expect("connect");
    migrator.run_to(9, &pool).await.expect("the schema of then");
    for statement in WRITTEN_BY_9 {
        pool.execute(statement).await.expect(statement);
    }
    pool.close().await;
}

fn day(person: &str) -> DayKey {
    DayKey {
        person: person.to_owned(),
        date: "2026-09-16".to_owned(),
    }
}

async fn it_holds_what_it_held(ledger: Arc<dyn Ledger>) {
    swipes_and_days_are_there(&*ledger).await;
    findings_are_there(&*ledger).await;
    findings_go_on(&*ledger).await;
    ledger.close().await;
}

async fn swipes_and_days_are_there(ledger: &dyn Ledger) {
    let mut transaction = ledger.begin().await.expect("begin");
    let at = Instant::from_ms;
    assert_eq!(transaction.next_check().await.expect("read"), Some(at(0)));
    assert_eq!(transaction.due_days(at(49), 9).await.expect("read"), [day("cy")]);
    assert_eq!(
        transaction.due_days(at(50), 9).await.expect("read"),
        [day("cy"), day("bo")]
    );
    let intervals = [
        (7_000, 7_001),
        (-9_000, -8_999),
        (1_789_516_800_000, 1_789_516_800_001),
        (1_789_559_999_999, 1_789_560_000_000),
        (4_102_444_800_000, 4_102_444_800_001),
    ];
    let asked = intervals.map(|(from, until)| BadgeSwipe {
        badges: vec!["0042"],
        happened: Interval::new(at(from), at(until)),
    });
    let swipes = transaction.swipes_of(&asked).await.expect("read");
    let ids: Vec<&str> = swipes.iter().flatten().map(|swipe| swipe.id.as_str()).collect();
    assert_eq!(ids, ["0123", "89ab", "cdef", "fedc", "ba98"]);
    let days = ledger.days("", "~").await.expect("read");
    let said = |row: &DayRow| {
        (
            row.key.person.clone(),
            row.judged_at,
            row.next_check,
            row.facts_revision,
        )
    };
    let expected = [
        ("ana".to_owned(), Some(at(5)), None, 1),
        ("bo".to_owned(), Some(at(5)), Some(at(50)), 1),
        ("cy".to_owned(), None, Some(at(0)), 1),
    ];
    assert_eq!(days.iter().map(said).collect::<Vec<_>>(), expected);
}

/// The finding that changed twice, as it is now.
fn changed_twice() -> FindingRow {
    let at = |ms| Some(Instant::from_ms(ms));
    FindingRow {
        id: "f".to_owned(),
        person: "ana".to_owned(),
        unit: Some("plan".to_owned()),
        date: "2026-09-16".to_owned(),
        period: Some("morning".to_owned()),
        meeting: Some("m".to_owned()),
        kind: "late".to_owned(),
        state: "final".to_owned(),
        length_ms: Some(120_000),
        due: at(11),
        actual: at(12),
        since: at(13),
        source: Some("duty".to_owned()),
        swipes: "s1 s2".to_owned(),
        digest: "d3".to_owned(),
        revision: 3,
        changed_at: Instant::from_ms(3_000),
        withdrawn_at: None,
        rules_version: 5,
        facts_revision: 9,
        review: Review::Open,
    }
}

async fn findings_are_there(ledger: &dyn Ledger) {
    let now = changed_twice();
    assert_eq!(ledger.finding("f").await.expect("read").as_ref(), Some(&now));
    let at = |ms| Some(Instant::from_ms(ms));
    let then = FindingRow {
        kind: "absent".to_owned(),
        state: "withheld".to_owned(),
        length_ms: Some(90_000),
        due: at(21),
        actual: at(22),
        since: at(23),
        swipes: "s2".to_owned(),
        digest: "d2".to_owned(),
        revision: 2,
        changed_at: Instant::from_ms(2_000),
        rules_version: 4,
        facts_revision: 8,
        ..now
    };
    let known_at = ledger.findings_at("2026-09-16", "2026-09-17", Instant::from_ms(2_999));
    assert_eq!(known_at.await.expect("read"), [then]);
    let withdrawn = ledger.finding("h").await.expect("read").expect("it is there");
    assert_eq!((withdrawn.length_ms, withdrawn.withdrawn_at), (Some(5), at(950)));
    assert_eq!(revisions(ledger, "f").await, [(1, 1_000), (2, 2_000), (3, 3_000)]);
    assert_eq!(revisions(ledger, "g").await, [(1, 900)]);

    assert_eq!(ledger.decisions("f").await.expect("read"), []);
    let decisions = ledger.decisions("g").await.expect("read");
    let said = |row: &DecisionRow| [&row.id, &row.finding, &row.act, &row.reason, &row.actor].map(Clone::clone);
    let expected = [
        ["2", "g", "waive", "the gate was broken", "chen"],
        ["1", "g", "confirm", "it was not", "li"],
    ];
    assert_eq!(
        decisions.iter().map(said).collect::<Vec<_>>(),
        expected.map(|row| row.map(str::to_owned))
    );
    let of_dates = ledger.decisions_of_dates("2026-09-17", "2026-09-18").await;
    assert_eq!(of_dates.expect("read"), decisions);
}

/// What a finding said: which revision, and since when.
async fn revisions(ledger: &dyn Ledger, id: &str) -> Vec<(i64, i64)> {
    let said = ledger.finding_history(id).await.expect("read");
    said.iter().map(|said| (said.revision, said.at.as_ms())).collect()
}

/// What is said and decided next joins what was said then.
async fn findings_go_on(ledger: &dyn Ledger) {
    let next = FindingRow {
        length_ms: Some(180_000),
        digest: "d4".to_owned(),
        revision: 4,
        changed_at: Instant::from_ms(4_000),
        ..changed_twice()
    };
    let decided = ledger.decisions("g").await.expect("read").remove(0);
    let decision = DecisionRow {
        id: "3".to_owned(),
        finding: "f".to_owned(),
        digest: "d4".to_owned(),
        ..decided
    };
    let mut transaction = ledger.begin().await.expect("begin");
    transaction.save_findings(&[next]).await.expect("save");
    transaction.decide(&decision, Review::Waived).await.expect("decide");
    transaction.commit().await.expect("commit");
    assert_eq!(ledger.decisions("f").await.expect("read"), [decision]);
    assert_eq!(
        revisions(ledger, "f").await,
        [(1, 1_000), (2, 2_000), (3, 3_000), (4, 4_000)]
    );
}

#[tokio::test]
async fn sqlite_holds_what_an_earlier_version_wrote() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("rollcall.db").display().to_string();
    written_by_9::<Sqlite>(&format!("sqlite:{path}?mode=rwc"), "sqlite").await;
    let ledger = open(&format!("sqlite:{path}"), Options::default())
        .await
        .expect("it migrates");
    it_holds_what_it_held(ledger).await;
}

#[tokio::test]
async fn postgres_holds_what_an_earlier_version_wrote() {
    let cluster = postgres::Cluster::start();
    let address = cluster.database();
    written_by_9::<Postgres>(&address, "postgres").await;
    let ledger = open(&address, Options::default()).await.expect("it migrates");
    it_holds_what_it_held(ledger).await;
}
