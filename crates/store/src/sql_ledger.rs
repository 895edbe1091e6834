//! [`Ledger`] for both databases.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rules::time::{Instant, Interval};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Pool};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::cells::{Cells, FromCells, REVIEWS, read_all, review_word};
use crate::dialect::{Dialect, Value};
use crate::error::StoreError;
use crate::ledger::{Ledger, Stored, Transaction};
use crate::rows::{
    Account, AuditEntry, BadgeSeen, BadgeSwipe, BridgeRow, CorrectionRow, DayRow, DecisionRow, DocumentEdition,
    FactRow, FindingQuery, FindingRevision, FindingRow, MeetingRow, OneTimeLink, OutageRow, PlacementRow,
    PublicationRow, ReaderCommandRow, ReaderTally, RejectedInput, ScreenRow, SessionRow, SwipeRecord,
};
use crate::sql_transaction::{SqlTransaction, Turn, no_day};
use crate::statements::{self, Bulk, SIZES, size_for};
use crate::swipes::swipes_of;

/// How long a transaction waits for those before it in this process; one that holds the turn longer is stuck.
const TURN_PATIENCE: Duration = Duration::from_secs(10);

/// How long a ping looks for the reason why the database does not answer.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);

/// An opened database.
pub(crate) struct SqlLedger<DB: Dialect> {
    writer: Pool<DB>,
    readers: Pool<DB>,
    /// Whose turn it is to write in this process, first come, first served, and the connection for it.
    turn: Arc<Mutex<Option<PoolConnection<DB>>>>,
    /// Whether the disk has failed under a transaction. Then this process writes nothing more: what it would write could
    /// rest on pages that were never stored.
    broken: Arc<AtomicBool>,
    keeper: DB::Keeper,
}

impl<DB: Dialect> SqlLedger<DB> {
    pub(crate) fn new(writer: Pool<DB>, readers: Pool<DB>, keeper: DB::Keeper) -> Self {
        Self {
            writer,
            readers,
            turn: Arc::default(),
            broken: Arc::default(),
            keeper,
        }
    }

    /// Waits for the turn to write.
    async fn turn(&self) -> Stored<Turn<DB>> {
        let turn = timeout(TURN_PATIENCE, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_| StoreError::Unavailable(sqlx::Error::PoolTimedOut))?;
        if self.broken.load(Ordering::Acquire) {
            let reason = "the disk failed under an earlier transaction of this process";
            return Err(StoreError::Fatal(sqlx::Error::Io(io::Error::other(reason))));
        }
        Ok(turn)
    }

    async fn reader(&self) -> Stored<PoolConnection<DB>> {
        self.readers.acquire().await.map_err(StoreError::of::<DB>)
    }

    async fn rows(&self, statement: &'static str, values: &[Value<'_>]) -> Stored<Vec<DB::Row>> {
        let mut connection = self.reader().await?;
        DB::rows(&mut connection, statement, values)
            .await
            .map_err(StoreError::of::<DB>)
    }

    async fn list<T: FromCells>(&self, statement: &'static str, values: &[Value<'_>]) -> Stored<Vec<T>> {
        read_all::<DB, T>(&self.rows(statement, values).await?)
    }

    async fn one<T: FromCells>(&self, statement: &'static str, values: &[Value<'_>]) -> Stored<Option<T>> {
        Ok(self.list(statement, values).await?.into_iter().next())
    }

    /// What a statement says of a finding by its number, which it keeps for ever; nothing where there is none with this id.
    async fn of_finding<T: FromCells>(&self, statement: &'static str, id: &str) -> Stored<Vec<T>> {
        let rows = self.rows(statements::FINDING_NUMBER, &[id.into()]).await?;
        match first_integer::<DB>(&rows, FindingRow::TABLE, "seq")? {
            Some(number) => self.list(statement, &[number.into()]).await,
            None => Ok(Vec::new()),
        }
    }
}

/// Runs a statement that asks with a list, filled up with `nothing`, which must match no row, to a size there is a
/// text for.
pub(crate) async fn rows_asked<DB: Dialect, const COLUMNS: usize>(
    connection: &mut DB::Connection,
    bulk: Bulk,
    mut asked: Vec<[Value<'_>; COLUMNS]>,
    nothing: &[Value<'static>; COLUMNS],
) -> Stored<Vec<DB::Row>> {
    let mut found = Vec::new();
    let rest = asked.len() % SIZES[0];
    if rest > 0 {
        let filled = asked.len() - rest + size_for(rest);
        asked.resize(filled, nothing.clone());
    }
    for part in asked.chunks(SIZES[0]) {
        // A database without such a statement has nothing to do for it.
        let Some(statement) = DB::texts().get(bulk, part.len()) else {
            return Ok(found);
        };
        found.extend(
            DB::rows(connection, statement, part.as_flattened())
                .await
                .map_err(StoreError::of::<DB>)?,
        );
    }
    Ok(found)
}

/// The one integer that a statement returns, if it returns a row.
pub(crate) fn first_integer<DB: Dialect>(
    rows: &[DB::Row],
    table: &'static str,
    column: &'static str,
) -> Stored<Option<i64>> {
    rows.first()
        .map_or(Ok(None), |row| Cells::<DB>::new(table, row).optional_integer(column))
}

/// The number of a statement that cannot be without a row.
pub(crate) fn count_of<DB: Dialect>(rows: &[DB::Row], table: &'static str, column: &'static str) -> Stored<i64> {
    first_integer::<DB>(rows, table, column)?.ok_or(StoreError::Missing {
        table,
        id: column.to_owned(),
    })
}

#[async_trait]
impl<DB: Dialect> Ledger for SqlLedger<DB> {
    async fn begin(&self) -> Stored<Box<dyn Transaction>> {
        let (transaction, _) = self.begin_with_swipes(&[]).await?;
        Ok(transaction)
    }

    async fn begin_with_swipes(&self, swipes: &[SwipeRecord]) -> Stored<(Box<dyn Transaction>, Vec<bool>)> {
        let turn = self.turn().await?;
        let kept = turn.is_some();
        let begin = |turn| SqlTransaction::begin(&self.writer, turn, Arc::clone(&self.broken), swipes);
        let (transaction, fresh) = match begin(turn).await {
            // A connection that was kept may be gone since; the next one is new.
            Err(StoreError::Unavailable(_)) if kept => begin(self.turn().await?).await?,
            done => done?,
        };
        Ok((Box::new(transaction), fresh))
    }

    async fn setting(&self, name: &str) -> Stored<Option<String>> {
        let rows = self.rows(statements::SETTING, &[name.into()]).await?;
        rows.first()
            .map(|row| Cells::<DB>::new("setting", row).text("value"))
            .transpose()
    }

    async fn facts_revision(&self) -> Stored<i64> {
        count_of::<DB>(&self.rows(statements::FACTS_REVISION, &[]).await?, "counter", "value")
    }

    async fn documents(&self) -> Stored<Vec<DocumentEdition>> {
        self.list(statements::DOCUMENTS, &[]).await
    }

    async fn facts(&self) -> Stored<Vec<FactRow>> {
        self.list(statements::FACTS, &[]).await
    }

    async fn facts_of_file(&self, file: &str) -> Stored<Vec<FactRow>> {
        self.list(statements::FACTS_OF_FILE, &[file.into()]).await
    }

    async fn outages(&self) -> Stored<Vec<OutageRow>> {
        self.list(statements::OUTAGES, &[]).await
    }

    async fn documents_at(&self, known_at: Instant) -> Stored<Vec<DocumentEdition>> {
        self.list(statements::DOCUMENTS_AT, &[known_at.into()]).await
    }

    async fn facts_at(&self, known_at: Instant) -> Stored<Vec<FactRow>> {
        self.list(statements::FACTS_AT, &[known_at.into()]).await
    }

    async fn outages_at(&self, known_at: Instant) -> Stored<Vec<OutageRow>> {
        self.list(statements::OUTAGES_AT, &[known_at.into()]).await
    }

    async fn reader_commands(&self, limit: i64) -> Stored<Vec<ReaderCommandRow>> {
        self.list(statements::READER_COMMANDS, &[limit.into()]).await
    }

    async fn open_reader_commands(&self, reader: &str, limit: i64) -> Stored<Vec<ReaderCommandRow>> {
        self.list(statements::OPEN_READER_COMMANDS, &[reader.into(), limit.into()])
            .await
    }

    async fn swipes(&self, badges: &[&str], happened: Interval) -> Stored<Vec<SwipeRecord>> {
        let mut connection = self.reader().await?;
        let query = BadgeSwipe {
            badges: badges.to_vec(),
            happened,
        };
        Ok(swipes_of::<DB>(&mut connection, &[query])
            .await?
            .pop()
            .unwrap_or_default())
    }

    async fn swipes_received(&self, received: Interval, limit: i64) -> Stored<Vec<SwipeRecord>> {
        self.list(
            statements::SWIPES_RECEIVED,
            &[received.from.into(), received.until.into(), limit.into()],
        )
        .await
    }

    async fn swipe_count(&self) -> Stored<i64> {
        count_of::<DB>(&self.rows(statements::SWIPE_COUNT, &[]).await?, "swipe", "swipes")
    }

    async fn rejected_inputs(&self, limit: i64) -> Stored<Vec<RejectedInput>> {
        self.list(statements::REJECTED_INPUTS, &[limit.into()]).await
    }

    async fn swipe_tallies(&self, received: Interval) -> Stored<Vec<ReaderTally>> {
        let values = [received.from.into(), received.until.into()];
        self.list(statements::SWIPE_TALLIES, &values).await
    }

    async fn rejected_tallies(&self, received: Interval) -> Stored<Vec<ReaderTally>> {
        let values = [received.from.into(), received.until.into()];
        self.list(statements::REJECTED_TALLIES, &values).await
    }

    async fn rejected_of(&self, reader: &str, limit: i64) -> Stored<Vec<RejectedInput>> {
        self.list(statements::REJECTED_OF_READER, &[reader.into(), limit.into()])
            .await
    }

    async fn held_swipes(&self, received_from: Instant, limit: i64) -> Stored<Vec<SwipeRecord>> {
        let values = [received_from.into(), limit.into()];
        self.list(statements::HELD_SWIPES, &values).await
    }

    async fn badges_seen(&self, happened: Interval) -> Stored<Vec<BadgeSeen>> {
        let (first, last) = crate::swipes::parts_of(happened);
        self.list(statements::BADGES_SEEN, &[first.into(), last.into()]).await
    }

    async fn placements(&self, limit: i64) -> Stored<Vec<PlacementRow>> {
        self.list(statements::PLACEMENTS, &[limit.into()]).await
    }

    async fn withdrawn_placements(&self) -> Stored<Vec<String>> {
        let rows = self.rows(statements::WITHDRAWN_PLACEMENTS, &[]).await?;
        let id = |row| Cells::<DB>::new(PlacementRow::TABLE, row).text("swipe");
        rows.iter().map(id).collect()
    }

    async fn days(&self, from: &str, until: &str) -> Stored<Vec<DayRow>> {
        self.list(statements::DAYS, &[from.into(), until.into()]).await
    }

    async fn meeting_days(&self, from: &str, until: &str) -> Stored<Vec<MeetingRow>> {
        self.list(statements::MEETING_DAYS, &[from.into(), until.into()]).await
    }

    async fn findings(&self, query: &FindingQuery) -> Stored<Vec<FindingRow>> {
        // Every date that is written sorts after the empty text and before a tilde.
        let from = query.from.as_deref().unwrap_or("");
        let until = query.until.as_deref().unwrap_or("~");
        let reviews = if query.reviews.is_empty() {
            REVIEWS.to_vec()
        } else {
            query.reviews.clone()
        };
        let mut values: Vec<Value<'_>> = vec![from.into(), until.into()];
        // A state may be named twice: what is missing to four is the first one again.
        let named = |at: usize| {
            reviews
                .get(at)
                .or(reviews.first())
                .map_or("", |review| review_word(*review))
        };
        values.extend((0..REVIEWS.len()).map(|at| Value::from(named(at))));
        values.push(i64::from(query.with_withdrawn).into());
        let Some(person) = &query.person else {
            return self.list(statements::FINDINGS, &values).await;
        };
        values.push(person.into());
        self.list(statements::FINDINGS_OF_PERSON, &values).await
    }

    async fn findings_at(&self, from: &str, until: &str, known_at: Instant) -> Stored<Vec<FindingRow>> {
        self.list(statements::FINDINGS_AT, &[from.into(), until.into(), known_at.into()])
            .await
    }

    async fn finding(&self, id: &str) -> Stored<Option<FindingRow>> {
        Ok(self.of_finding(statements::FINDING, id).await?.into_iter().next())
    }

    async fn findings_by_id(&self, keys: &[(&str, &str)]) -> Stored<Vec<FindingRow>> {
        let asked = keys.iter().map(|(date, id)| [Value::from(*date), Value::from(*id)]);
        let mut reader = self.reader().await?;
        let rows = rows_asked::<DB, 2>(&mut reader, Bulk::FindingsById, asked.collect(), &no_day()).await?;
        read_all::<DB, FindingRow>(&rows)
    }

    async fn finding_history(&self, id: &str) -> Stored<Vec<FindingRevision>> {
        self.of_finding(statements::FINDING_HISTORY, id).await
    }

    async fn decisions(&self, finding: &str) -> Stored<Vec<DecisionRow>> {
        self.of_finding(statements::DECISIONS, finding).await
    }

    async fn decisions_of_dates(&self, from: &str, until: &str) -> Stored<Vec<DecisionRow>> {
        self.list(statements::DECISIONS_OF_DATES, &[from.into(), until.into()])
            .await
    }

    async fn publications(&self) -> Stored<Vec<PublicationRow>> {
        self.list(statements::PUBLICATIONS, &[]).await
    }

    async fn corrections(&self, from: &str, until: &str, with_settled: bool) -> Stored<Vec<CorrectionRow>> {
        self.list(
            statements::CORRECTIONS,
            &[from.into(), until.into(), i64::from(with_settled).into()],
        )
        .await
    }

    async fn counted(&self, escalation: &str) -> Stored<Vec<String>> {
        let rows = self.rows(statements::COUNTED, &[escalation.into()]).await?;
        rows.iter()
            .map(|row| Cells::<DB>::new("counted", row).text("finding"))
            .collect()
    }

    async fn audit(&self, after: i64, limit: i64) -> Stored<Vec<AuditEntry>> {
        self.list(statements::AUDIT, &[after.into(), limit.into()]).await
    }

    async fn account(&self, name: &str) -> Stored<Option<Account>> {
        self.one(statements::ACCOUNT, &[name.into()]).await
    }

    async fn has_accounts(&self) -> Stored<bool> {
        Ok(!self.rows(statements::ANY_ACCOUNT, &[]).await?.is_empty())
    }

    async fn session(&self, token_hash: &str) -> Stored<Option<SessionRow>> {
        self.one(statements::SESSION, &[token_hash.into()]).await
    }

    async fn screen(&self, token_hash: &str) -> Stored<Option<ScreenRow>> {
        self.one(statements::SCREEN, &[token_hash.into()]).await
    }

    async fn screens(&self) -> Stored<Vec<ScreenRow>> {
        self.list(statements::SCREENS, &[]).await
    }

    async fn bridge(&self, key_hash: &str) -> Stored<Option<BridgeRow>> {
        self.one(statements::BRIDGE, &[key_hash.into()]).await
    }

    async fn bridges(&self) -> Stored<Vec<BridgeRow>> {
        self.list(statements::BRIDGES, &[]).await
    }

    async fn link(&self, token_hash: &str) -> Stored<Option<OneTimeLink>> {
        self.one(statements::LINK, &[token_hash.into()]).await
    }

    async fn ping(&self) -> Stored<()> {
        match self.rows(statements::PING, &[]).await {
            Ok(_) => Ok(()),
            // The pool says only that it waited too long; a connection of our own says why.
            Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut)) => {
                let options = self.readers.connect_options();
                let probe = timeout(PROBE_PATIENCE, DB::Connection::connect_with(&options)).await;
                let cause = probe.ok().and_then(Result::err).unwrap_or(sqlx::Error::PoolTimedOut);
                Err(StoreError::of::<DB>(cause))
            }
            Err(error) => Err(error),
        }
    }

    async fn check_statements(&self) -> Stored<usize> {
        let mut connection = self.reader().await?;
        let statements = statements::all::<DB>();
        for statement in &statements {
            DB::prepare(&mut connection, statement)
                .await
                .map_err(StoreError::of::<DB>)?;
        }
        Ok(statements.len())
    }

    async fn maintain(&self) -> Stored<()> {
        DB::maintain(&self.keeper).await
    }

    async fn close(&self) {
        let mut turn = self.turn.lock().await;
        drop(turn.take());
        self.writer.close().await;
        self.readers.close().await;
        DB::release(&self.keeper).await;
    }
}
