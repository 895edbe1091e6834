//! A database that an earlier version wrote holds what it held when this version has opened it.

use std::path::Path;
use std::sync::Arc;

use rules::time::{Instant, Interval};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Database, Executor, Pool, Postgres, Sqlite};
use store::rows::{BadgeSwipe, DayKey};
use store::{Ledger, Options, open};

use crate::postgres;

/// Swipes of before 1970, of a morning, of the evening of that day and of after 2099; days that are closed, wait and are due; a finding that changed
/// once, and one that nobody changed.
const WRITTEN_BY_9: [&str; 4] = [
    "INSERT INTO swipe (id, dedup_key, reader, badge, happened_day, happened_at_ms, received_at_ms) VALUES \
        ('0123', 'gate|1', 'gate', '0042', 0, 7000, 7005), ('4567', 'gate|2', 'gate', '0043', 0, 7000, 7005), \
        ('89ab', 'gate|3', 'gate', '0042', 0, -9000, 7005), \
        ('cdef', 'gate|4', 'gate', '0042', 20712, 1789516800000, 1789516800000), \
        ('fedc', 'gate|5', 'gate', '0042', 20712, 1789559999999, 1789559999999), \
        ('ba98', 'gate|6', 'gate', '0042', 47481, 4102444800000, 7005)",
    "INSERT INTO day (person, date, judged_at_ms, next_check_at_ms, rules_version, facts_revision) VALUES \
        ('ana', '2026-09-16', 5, NULL, 1, 1), ('bo', '2026-09-16', 5, 50, 1, 1), ('cy', '2026-09-16', NULL, 0, 1, 1)",
    "INSERT INTO finding (id, person, date, period, kind, state, length_ms, swipes, digest, revision, changed_at_ms, \
        rules_version, facts_revision, review) VALUES \
        ('f', 'ana', '2026-09-16', 'morning', 'late', 'final', 120000, '', 'd2', 2, 2000, 1, 1, 'open'), \
        ('g', 'bo', '2026-09-16', 'morning', 'late', 'final', 60000, '', 'd1', 1, 1000, 1, 1, 'open')",
    "INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, swipes, digest, rules_version, \
        facts_revision) VALUES ('f', 1, 1000, 'late', 'provisional', 60000, '', 'd1', 1, 1)",
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
    let history = async |id: &str| -> Vec<(i64, i64, Option<i64>)> {
        let said = ledger.finding_history(id).await.expect("read");
        said.iter()
            .map(|said| (said.revision, said.at.as_ms(), said.length_ms))
            .collect()
    };
    assert_eq!(
        history("f").await,
        [(1, 1_000, Some(60_000)), (2, 2_000, Some(120_000))]
    );
    assert_eq!(history("g").await, [(1, 1_000, Some(60_000))]);

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
    let days: Vec<_> = days
        .iter()
        .map(|row| {
            (
                row.key.person.as_str(),
                row.judged_at,
                row.next_check,
                row.facts_revision,
            )
        })
        .collect();
    let expected = [
        ("ana", Some(at(5)), None, 1),
        ("bo", Some(at(5)), Some(at(50)), 1),
        ("cy", None, Some(at(0)), 1),
    ];
    assert_eq!(days, expected);

    let mut changed = ledger.finding("f").await.expect("read").expect("it is there");
    (changed.length_ms, changed.revision, changed.changed_at) = (Some(180_000), 3, at(3_000));
    "d3".clone_into(&mut changed.digest);
    transaction.save_findings(&[changed]).await.expect("save");
    transaction.commit().await.expect("commit");
    let now = [
        (1, 1_000, Some(60_000)),
        (2, 2_000, Some(120_000)),
        (3, 3_000, Some(180_000)),
    ];
    assert_eq!(history("f").await, now, "it goes on from what was said then");
    ledger.close().await;
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
