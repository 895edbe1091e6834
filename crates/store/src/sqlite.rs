//! The store on SQLite: one file, one writer, durable at every commit.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, Row, SqlSafeStr, Sqlite, SqliteConnection};
use tokio::sync::Mutex;

use crate::dialect::{Dialect, Fault, Value, bound};
use crate::error::StoreError;
use crate::ledger::Stored;
use crate::open::Options;
use crate::sql_ledger::SqlLedger;
use crate::statements::{ForRows, RECORD_SWIPES, SAVE_DAYS, Texts};

/// The first SQLite without the bug that could damage a database whose WAL is reset while it is written.
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// The WAL may grow to this many bytes while readers keep it from being reset; beyond it the next housekeeping makes
/// writers and readers wait until it is empty.
const WAL_BYTES_MAX: i64 = 64 * 1024 * 1024;

/// Pages that a connection may keep in memory, as SQLite wants it: negative is kibibytes. The pages of the days at hand fit, and
/// a small bureau never fills it.
const CACHE_KIBIBYTES: &str = "-32768";

/// How long housekeeping makes others wait to empty the WAL, before it leaves it for the next time.
const TRUNCATE_PATIENCE: Duration = Duration::from_millis(500);

/// How long a statement waits for another process, such as an import, before the database counts as unavailable.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// Reads that can go on at the same time.
const READERS: u32 = 4;

/// Prepared statements that a connection keeps: those that a daemon uses from day to day, in all sizes.
const STATEMENTS_KEPT: usize = 384;

/// Rows that the database's own thread may be ahead of whoever reads them. With fewer than the largest list asks for, the two
/// would wake each other again and again.
const ROWS_AHEAD: usize = 1_024;

static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::of::<Sqlite>);

/// What is held until the ledger is closed.
pub(crate) struct SqliteKeeper(Mutex<Option<Held>>);

struct Held {
    checkpoints: SqliteConnection,
    /// The lock that keeps a second daemon out. Never read; the system drops it with the process, however that ends.
    _served: Option<File>,
}

/// Opens the file, or creates it.
pub(crate) async fn open(path: &Path, options: &Options) -> Stored<SqlLedger<Sqlite>> {
    create_private(path).map_err(|source| file_error(path, source))?;
    let served = if options.exclusive {
        Some(lock_file(path)?)
    } else {
        None
    };
    let writable = connect_options(path).journal_mode(SqliteJournalMode::Wal);
    // An index of a large table is sorted on the disk: in memory it would take a hundred bytes a row.
    let migrating = writable.clone().pragma("temp_store", "FILE");
    let mut first = migrating.connect().await.map_err(StoreError::of::<Sqlite>)?;
    check_version(&mut first).await?;
    accept_other_comment(&mut first)
        .await
        .map_err(StoreError::of::<Sqlite>)?;
    crate::open::migrate::<Sqlite>(&mut first, &crate::open::SQLITE_MIGRATIONS).await?;
    first.close().await.map_err(StoreError::of::<Sqlite>)?;
    let checkpoints = connect_options(path)
        .busy_timeout(TRUNCATE_PATIENCE)
        .connect()
        .await
        .map_err(StoreError::of::<Sqlite>)?;
    let pool = || {
        SqlitePoolOptions::new()
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let writer = pool()
        .max_connections(1)
        .acquire_timeout(BUSY_PATIENCE)
        .connect_with(writable)
        .await;
    let readers = pool()
        .max_connections(READERS)
        .acquire_timeout(BUSY_PATIENCE)
        .connect_with(connect_options(path).read_only(true))
        .await;
    let keeper = SqliteKeeper(Mutex::new(Some(Held {
        checkpoints,
        _served: served,
    })));
    Ok(SqlLedger::new(
        writer.map_err(StoreError::of::<Sqlite>)?,
        readers.map_err(StoreError::of::<Sqlite>)?,
        keeper,
    ))
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_PATIENCE)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("cache_size", CACHE_KIBIBYTES)
        // A statement for many rows notes every page it changes, in case its last row is refused: in memory, not in a file.
        .pragma("temp_store", "MEMORY")
        // Checkpoints happen in `maintain`, so that no commit has to wait for one.
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", WAL_BYTES_MAX.to_string())
        .disable_statement_logging()
}

/// Creates the file readable by its owner only, because it holds personal data. SQLite gives its side files the same
/// rights.
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// A lock on a file beside the database: on the database itself it would get in the way of SQLite's own locks.
fn lock_file(path: &Path) -> Stored<File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let file = create_private(&beside).map_err(|source| file_error(&beside, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
        Err(TryLockError::Error(source)) => Err(file_error(&beside, source)),
    }
}

fn file_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        source,
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Stored<()> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(StoreError::of::<Sqlite>)?;
    let mut numbers = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    if (number(), number(), number()) < OLDEST {
        return Err(StoreError::OldDatabase {
            name: "SQLite",
            found,
            needed: "3.51.3",
        });
    }
    Ok(())
}

/// For a while migration 11 had another word in a comment, and so another checksum. A database that was migrated then is none the worse for it.
async fn accept_other_comment(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let ours = crate::open::SQLITE_MIGRATIONS
        .iter()
        .find(|migration| migration.version == 11);
    let migrated: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    let Some(ours) = ours.filter(|_| migrated > 0) else {
        return Ok(());
    };
    sqlx::query(OTHER_COMMENT)
        .bind(&*ours.checksum)
        .execute(connection)
        .await
        .map(drop)
}

const OTHER_COMMENT: &str = "UPDATE _sqlx_migrations SET checksum = $1 WHERE version = 11 AND checksum = \
     x'd91e15d09f554a9a7e347b6ac102b30ce27cdc8c6182b3c5359322f43c689e547d341324e22659460a3bda43fc0e5b48'";

impl Dialect for Sqlite {
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_MIGRATION: &'static str = "BEGIN IMMEDIATE";
    // Where this fails nothing of the transaction is kept, so SQLite need not note every page before it changes it, to take back this one statement. On a
    // full disk SQLite has then taken back the transaction already.
    const BEGIN_WITH_SWIPES: Option<ForRows> = Some(ForRows {
        first: "BEGIN IMMEDIATE; ",
        before: "INSERT OR FAIL INTO swipe (id, dedup_key, reader, badge, raw_hex, bits, happened_part, happened_at_ms, \
             received_at_ms, sequence, faces, quarantine) VALUES ",
        then: "; SELECT changes() AS stored, value, (SELECT MAX(until_date) FROM publication) AS published_until \
             FROM counter WHERE name = 'facts_revision'",
        ..RECORD_SWIPES
    });
    const SAVE_DAYS_AND_COMMIT: Option<ForRows> = Some(ForRows {
        then: "; COMMIT",
        ..SAVE_DAYS
    });
    // The second list is made only where the first does not fill the limit.
    const DUE_DAYS: &'static str = "SELECT person, date FROM (\
         SELECT day FROM (SELECT day FROM day_check WHERE next_check_at_ms = 0 ORDER BY day LIMIT $2) \
         UNION ALL SELECT day FROM (SELECT day_check.day FROM open_day CROSS JOIN day_check ON day_check.day = open_day.day \
         WHERE next_check_at_ms <> 0 AND next_check_at_ms <= $1 ORDER BY next_check_at_ms, day_check.day LIMIT $2) LIMIT $2) due \
         CROSS JOIN day ON day.seq = due.day";
    const NEXT_CHECK: &'static str = "SELECT COALESCE(\
         (SELECT next_check_at_ms FROM day_check WHERE next_check_at_ms = 0 LIMIT 1), \
         (SELECT MIN(next_check_at_ms) FROM open_day CROSS JOIN day_check ON day_check.day = open_day.day)) AS next_check_at_ms";
    const DUE_MEETINGS: &'static str = "SELECT date, meeting FROM meeting_day WHERE next_check_at_ms <= $1 \
         ORDER BY next_check_at_ms, date, meeting LIMIT $2";
    const FINDING_LOCKED: &'static str = crate::statements::FINDING;
    // A row gets the number after the highest, and nobody else stores any meanwhile.
    const LAST_SWIPES: Option<&'static str> =
        Some("SELECT dedup_key FROM swipe WHERE seq > (SELECT MAX(seq) FROM swipe) - $1");
    const SETS_A_ROW_TWICE: bool = true;
    const LOCK_DAYS: Option<ForRows> = None;
    const LOCK_MEETINGS: Option<ForRows> = None;

    type Keeper = SqliteKeeper;

    fn texts() -> &'static Texts {
        &TEXTS
    }

    /// Without a number: SQLite walks a list of all named parameters for each that is bound, which for 256 rows costs
    /// more than storing them.
    fn placeholder(_number: usize) -> String {
        "?".to_owned()
    }

    async fn control(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement.into_sql_str()).await.map(drop)
    }

    async fn run<'c>(
        connection: &'c mut SqliteConnection,
        statement: &'static str,
        values: &'c [Value<'c>],
    ) -> Result<u64, sqlx::Error> {
        Ok(bound::<Self>(statement, values)
            .execute(connection)
            .await?
            .rows_affected())
    }

    async fn rows<'c>(
        connection: &'c mut SqliteConnection,
        statement: &'static str,
        values: &'c [Value<'c>],
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        bound::<Self>(statement, values).fetch_all(connection).await
    }

    async fn prepare(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.prepare(statement.into_sql_str()).await.map(drop)
    }

    fn text(row: &SqliteRow, position: usize) -> Result<Option<String>, sqlx::Error> {
        row.try_get(position)
    }

    fn integer(row: &SqliteRow, position: usize) -> Result<Option<i64>, sqlx::Error> {
        row.try_get(position)
    }

    fn fault(error: &sqlx::Error) -> Fault {
        match error {
            sqlx::Error::Database(refused) if refused.is_unique_violation() => Fault::Exists,
            sqlx::Error::Database(refused) => refused
                .code()
                .and_then(|code| code.parse().ok())
                .map_or(Fault::Refused, fault_of_code),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Fault::Unavailable,
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Fault::Fatal,
            _ => Fault::Refused,
        }
    }

    async fn maintain(keeper: &SqliteKeeper) -> Stored<()> {
        match keeper.0.lock().await.as_mut() {
            Some(held) => checkpoint(&mut held.checkpoints)
                .await
                .map_err(StoreError::of::<Sqlite>),
            None => Ok(()),
        }
    }

    async fn release(keeper: &SqliteKeeper) {
        if let Some(held) = keeper.0.lock().await.take() {
            // The last connection moves the WAL into the file; where it cannot, the next start does.
            drop(held.checkpoints.close().await);
        }
    }
}

/// See <https://www.sqlite.org/rescode.html>. The low byte of an extended code is the primary one.
fn fault_of_code(code: i64) -> Fault {
    const BUSY: i64 = 5;
    const LOCKED: i64 = 6;
    const IO_ERROR: i64 = 10;
    const CORRUPT: i64 = 11;
    const FULL: i64 = 13;
    const NOT_A_DATABASE: i64 = 26;
    // The shared-memory file beside the WAL could not grow, before anything was written: the disk is full.
    const IO_ERROR_SHARED_MEMORY_SIZE: i64 = IO_ERROR | (19 << 8);
    match (code, code & 0xff) {
        (IO_ERROR_SHARED_MEMORY_SIZE, _) | (_, FULL) => Fault::Full,
        (_, IO_ERROR | CORRUPT | NOT_A_DATABASE) => Fault::Fatal,
        (_, BUSY | LOCKED) => Fault::Unavailable,
        _ => Fault::Refused,
    }
}

/// Moves what is in the WAL into the file without making anybody wait; empties the WAL when it has grown too large.
async fn checkpoint(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let passive = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(&mut *connection)
        .await?;
    let page_bytes: i64 = sqlx::query_scalar("PRAGMA page_size")
        .fetch_one(&mut *connection)
        .await?;
    let pages: i64 = passive.try_get(1)?;
    if pages * page_bytes > WAL_BYTES_MAX {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::statements;

    #[test]
    fn codes_are_sorted_by_what_a_caller_can_do() {
        let fsync_failed = 1034;
        let expected = [
            (13, Fault::Full),
            (4874, Fault::Full),
            (fsync_failed, Fault::Fatal),
            (10, Fault::Fatal),
            (779, Fault::Fatal),
        ];
        let expected = expected.into_iter().chain([
            (26, Fault::Fatal),
            (5, Fault::Unavailable),
            (517, Fault::Unavailable),
            (1811, Fault::Refused),
        ]);
        for (code, fault) in expected {
            assert_eq!(fault_of_code(code), fault, "{code}");
        }
    }

    #[tokio::test]
    async fn no_statement_walks_a_table_that_grows() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rollcall.db");
        open(&path, &Options::default()).await.expect("it opens");
        let mut connection = connect_options(&path).connect().await.expect("a connection");
        // These read an index or table from its beginning on purpose: one counts it, one stops at once, the others want all
        // there is or was.
        let walks = [
            statements::SWIPE_COUNT,
            statements::FACTS,
            statements::FACTS_AT,
            statements::COUNTED_PEOPLE,
        ];
        for statement in statements::all::<Sqlite>()
            .into_iter()
            .filter(|statement| !walks.contains(statement))
        {
            let mut plan = Vec::new();
            for one in statement.split("; ") {
                let explained = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {one}")));
                plan.extend(explained.fetch_all(&mut connection).await.expect("a plan"));
            }
            for step in plan {
                let step: String = step.get("detail");
                let walks = ["SCAN swipe", "SCAN day", "SCAN known", "SCAN finding", "SCAN fact"]
                    .iter()
                    .any(|table| step.starts_with(table));
                // An index of nothing but the days that are due is read from its beginning.
                let walks = walks && !step.ends_with(" INDEX day_check_due");
                assert!(!walks, "{step}: {statement}");
            }
        }
    }

    #[tokio::test]
    async fn a_migration_may_have_had_one_other_comment_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rollcall.db");
        let other = "d91e15d09f554a9a7e347b6ac102b30ce27cdc8c6182b3c5359322f43c689e547d341324e22659460a3bda43fc0e5b48";
        for (checksum, is_taken) in [(other, true), ("00", false)] {
            let opened = open(&path, &Options::default()).await.expect("it opens");
            crate::ledger::Ledger::close(&opened).await;
            let mut connection = connect_options(&path).connect().await.expect("a connection");
            let edited = format!("UPDATE _sqlx_migrations SET checksum = x'{checksum}' WHERE version = 11");
            let edited = sqlx::query(AssertSqlSafe(edited)).execute(&mut connection).await;
            assert_eq!(edited.expect("edited").rows_affected(), 1);
            connection.close().await.expect("closed");
            assert_eq!(open(&path, &Options::default()).await.is_ok(), is_taken, "{checksum}");
        }
    }

    #[test]
    fn swipes_are_bound_in_one_order() {
        let begin = Sqlite::BEGIN_WITH_SWIPES.expect("SQLite takes several statements");
        assert_eq!(begin.before.replace(" OR FAIL", ""), RECORD_SWIPES.before);
    }

    #[tokio::test]
    async fn a_full_disk_is_recognised() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rollcall.db");
        open(&path, &Options::default()).await.expect("it opens");
        let mut connection = connect_options(&path)
            .pragma("max_page_count", "1")
            .connect()
            .await
            .expect("a connection");
        let statement = "INSERT INTO setting (name, value) VALUES ('large', hex(zeroblob(100000)))";
        let full = sqlx::query(statement)
            .execute(&mut connection)
            .await
            .map_err(StoreError::of::<Sqlite>);
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    }
}
