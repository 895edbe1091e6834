//! The store on PostgreSQL 13 or later.

use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Postgres, Row, SqlSafeStr};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::dialect::{Dialect, Fault, Value, bound};
use crate::error::StoreError;
use crate::ledger::Stored;
use crate::open::Options;
use crate::sql_ledger::SqlLedger;
use crate::statements::{Columns, ForRows, Texts};

/// `server_version_num` of the oldest PostgreSQL that will do.
const OLDEST: i64 = 130_000;

/// How long anybody waits for a connection before the database counts as unavailable.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// Reads that can go on at the same time.
const READERS: u32 = 8;

/// Prepared statements that a connection keeps: those that a daemon uses from day to day, in all sizes.
const STATEMENTS_KEPT: usize = 256;

/// Held by the connection of the daemon that serves from this database. Any number that no other program locks.
const TRY_SERVED_LOCK: &str = "SELECT CASE WHEN pg_try_advisory_lock(7165117391) THEN 1 ELSE 0 END::BIGINT";

static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::of::<Postgres>);

/// The connection that holds the lock that keeps a second daemon out.
pub(crate) struct PostgresKeeper {
    options: PgConnectOptions,
    /// `None` when this is not a daemon, and after the ledger was closed.
    served: Mutex<Option<PgConnection>>,
}

/// Connects.
pub(crate) async fn open(address: &str, options: &Options) -> Stored<SqlLedger<Postgres>> {
    // The error of the parser is left out: it may repeat the password.
    let plain = PgConnectOptions::from_str(address)
        .map_err(|_| StoreError::Address("postgres://…".to_owned()))?
        .application_name("rollcall")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .options([("synchronous_commit", "on"), ("client_min_messages", "warning")])
        .disable_statement_logging();
    let served = if options.exclusive {
        Some(take_served_lock(&plain).await?)
    } else {
        None
    };
    let mut first = connect(&plain).await?;
    check_version(&mut first).await?;
    crate::open::migrate::<Postgres>(&mut first, &crate::open::POSTGRES_MIGRATIONS).await?;
    first.close().await.map_err(StoreError::of::<Postgres>)?;
    let pool = || PgPoolOptions::new().acquire_timeout(CONNECT_PATIENCE);
    // A process that is stopped in the middle of a transaction must not stop the others for ever.
    let limits = [
        ("statement_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
    ];
    let writer = pool()
        .max_connections(1)
        .connect_with(plain.clone().options(limits))
        .await;
    let readers = pool()
        .max_connections(READERS)
        .connect_with(plain.clone().options([("default_transaction_read_only", "on")]))
        .await;
    let keeper = PostgresKeeper {
        options: plain,
        served: Mutex::new(served),
    };
    Ok(SqlLedger::new(
        writer.map_err(StoreError::of::<Postgres>)?,
        readers.map_err(StoreError::of::<Postgres>)?,
        keeper,
    ))
}

async fn connect(options: &PgConnectOptions) -> Stored<PgConnection> {
    let connected = timeout(CONNECT_PATIENCE, options.connect())
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(StoreError::of::<Postgres>)
}

async fn take_served_lock(options: &PgConnectOptions) -> Stored<PgConnection> {
    let mut connection = connect(options).await?;
    let taken: i64 = sqlx::query_scalar(TRY_SERVED_LOCK)
        .fetch_one(&mut connection)
        .await
        .map_err(StoreError::of::<Postgres>)?;
    if taken == 1 {
        return Ok(connection);
    }
    let database = options.get_database().unwrap_or(options.get_username());
    Err(StoreError::InUse(format!("{database} at {}", options.get_host())))
}

async fn check_version(connection: &mut PgConnection) -> Stored<()> {
    let statement = "SELECT current_setting('server_version_num')::BIGINT";
    let found: i64 = sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .map_err(StoreError::of::<Postgres>)?;
    if found < OLDEST {
        return Err(StoreError::OldDatabase {
            name: "PostgreSQL",
            found: (found / 10_000).to_string(),
            needed: "13",
        });
    }
    Ok(())
}

impl Dialect for Postgres {
    /// The writers of several processes take turns, as on SQLite: a daemon that judges days while an import changes
    /// facts would otherwise leave verdicts by facts that are no more. Several daemons will need finer locks, and the
    /// order in which rows are locked is that already.
    const BEGIN: &'static str = "BEGIN; SELECT pg_advisory_xact_lock(7165117392)";
    const BEGIN_MIGRATION: &'static str = "BEGIN; SELECT pg_advisory_xact_lock(7165117392)";
    const BEGIN_WITH_SWIPES: Option<ForRows> = None;
    const SAVE_DAYS_AND_COMMIT: Option<ForRows> = None;
    const DUE_DAYS: &'static str = "SELECT person, date FROM day_check JOIN day ON day.seq = day_check.day \
         WHERE next_check_at_ms <= $1 ORDER BY next_check_at_ms, day_check.day LIMIT $2 FOR UPDATE OF day_check SKIP LOCKED";
    const NEXT_CHECK: &'static str =
        "SELECT next_check_at_ms FROM day_check WHERE next_check_at_ms IS NOT NULL ORDER BY next_check_at_ms LIMIT 1";
    const DUE_MEETINGS: &'static str = "SELECT date, meeting FROM meeting_day WHERE next_check_at_ms <= $1 \
         ORDER BY next_check_at_ms, date, meeting LIMIT $2 FOR UPDATE SKIP LOCKED";
    const FINDING_LOCKED: &'static str = "SELECT id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, \
         actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
         facts_revision, review FROM finding WHERE seq = $1 FOR UPDATE";
    const LAST_SWIPES: Option<&'static str> = None;
    const SETS_A_ROW_TWICE: bool = false;
    const LOCK_DAYS: Option<ForRows> = Some(ForRows::one(
        "WITH asked (person, date) AS (VALUES ",
        Columns::Typed(&["TEXT", "TEXT"]),
        ") SELECT day.person FROM asked JOIN day ON day.person = asked.person AND day.date = asked.date \
             JOIN day_check ON day_check.day = day.seq ORDER BY day.person, day.date FOR UPDATE OF day_check",
    ));
    const LOCK_MEETINGS: Option<ForRows> = Some(ForRows::one(
        "WITH asked (date, meeting) AS (VALUES ",
        Columns::Typed(&["TEXT", "TEXT"]),
        ") SELECT meeting_day.date FROM asked JOIN meeting_day \
             ON meeting_day.date = asked.date AND meeting_day.meeting = asked.meeting \
             ORDER BY meeting_day.date, meeting_day.meeting FOR UPDATE OF meeting_day",
    ));

    type Keeper = PostgresKeeper;

    fn texts() -> &'static Texts {
        &TEXTS
    }

    fn placeholder(number: usize) -> String {
        format!("${number}")
    }

    async fn control(connection: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(statement.into_sql_str()).await.map(drop)
    }

    async fn run<'c>(
        connection: &'c mut PgConnection,
        statement: &'static str,
        values: &'c [Value<'c>],
    ) -> Result<u64, sqlx::Error> {
        Ok(bound::<Self>(statement, values)
            .execute(connection)
            .await?
            .rows_affected())
    }

    async fn rows<'c>(
        connection: &'c mut PgConnection,
        statement: &'static str,
        values: &'c [Value<'c>],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        bound::<Self>(statement, values).fetch_all(connection).await
    }

    async fn prepare(connection: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.prepare(statement.into_sql_str()).await.map(drop)
    }

    fn text(row: &PgRow, position: usize) -> Result<Option<String>, sqlx::Error> {
        row.try_get(position)
    }

    fn integer(row: &PgRow, position: usize) -> Result<Option<i64>, sqlx::Error> {
        row.try_get(position)
    }

    fn fault(error: &sqlx::Error) -> Fault {
        match error {
            sqlx::Error::Database(refused) => refused.code().map_or(Fault::Refused, |code| fault_of_state(&code)),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
                Fault::Unavailable
            }
            // What the driver says when the server went away in the middle of an answer.
            sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed | sqlx::Error::WorkerCrashed => Fault::Unavailable,
            _ => Fault::Refused,
        }
    }

    async fn maintain(keeper: &PostgresKeeper) -> Stored<()> {
        let mut served = keeper.served.lock().await;
        let Some(connection) = served.as_mut() else {
            return Ok(());
        };
        if matches!(timeout(CONNECT_PATIENCE, connection.ping()).await, Ok(Ok(()))) {
            return Ok(());
        }
        *connection = take_served_lock(&keeper.options).await?;
        Ok(())
    }

    async fn release(keeper: &PostgresKeeper) {
        if let Some(connection) = keeper.served.lock().await.take() {
            // Ends the lock; where the server is away already, it ends by itself.
            drop(timeout(CONNECT_PATIENCE, connection.close()).await);
        }
    }
}

/// See the appendix "PostgreSQL Error Codes" of its manual. The first two characters are the class.
fn fault_of_state(state: &str) -> Fault {
    match (state, state.get(..2).unwrap_or_default()) {
        ("23505", _) => Fault::Exists,
        ("53100", _) => Fault::Full,
        // Damaged pages and indexes, and I/O errors of the server.
        ("XX001" | "XX002", _) | (_, "58") => Fault::Fatal,
        // A server that has become a standby, and a transaction that idled too long; then connections, logins, resources,
        // an operator's intervention or a time limit, deadlocks, locks not to be had.
        ("25006" | "25P03", _) | (_, "08" | "28" | "40" | "53" | "55" | "57") => Fault::Unavailable,
        _ => Fault::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_sorted_by_what_a_caller_can_do() {
        let expected = [
            ("23505", Fault::Exists),
            ("53100", Fault::Full),
            ("58030", Fault::Fatal),
            ("XX001", Fault::Fatal),
            ("57P01", Fault::Unavailable),
            ("57014", Fault::Unavailable),
            ("40P01", Fault::Unavailable),
            ("08006", Fault::Unavailable),
            ("23001", Fault::Refused),
            ("42601", Fault::Refused),
            ("XX000", Fault::Refused),
        ];
        for (state, fault) in expected {
            assert_eq!(fault_of_state(state), fault, "{state}");
        }
    }
}
