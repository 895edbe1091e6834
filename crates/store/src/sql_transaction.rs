//! [`Transaction`] for both databases.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use rules::time::Instant;
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use tokio::sync::OwnedMutexGuard;

use crate::audit::{ChainEnd, entry_after};
use crate::cells::{Cells, FromCells, read_all, review_word};
use crate::corrections;
use crate::dialect::{Dialect, Value, storable};
use crate::error::StoreError;
use crate::ledger::{Stored, Transaction};
use crate::rows::{
    Account, AuditEntry, AuditRecord, BadgeSwipe, DayKey, DayRow, DecisionRow, DocumentEdition, FactRow, FindingRow,
    MeetingKey, MeetingRow, OneTimeLink, OutageRow, PlacementRow, PublicationRow, ReaderCommandRow, RejectedInput,
    Review, ScreenRow, SessionRow, SwipeRecord,
};
use crate::sql_ledger::{count_of, first_integer, rows_asked};
use crate::statements::{self, Bulk, SIZES, runs, size_for};
use crate::swipes::{part_of, swipes_of};

/// Whose turn it is to write in this process, and the connection on which whoever has the turn does: taken from the pool once and
/// kept, because a pool asks a connection that is given back whether it is well, which costs as much as a small commit.
pub(crate) type Turn<DB> = OwnedMutexGuard<Option<PoolConnection<DB>>>;

const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// A write transaction.
pub(crate) struct SqlTransaction<DB: Dialect> {
    /// The connection and the turn that it is kept with; `None` once it is committed.
    begun: Option<(PoolConnection<DB>, Turn<DB>)>,
    /// Whether a call has failed, so that nothing may be committed.
    failed: bool,
    /// What nobody else can change before the commit, where it is known.
    seen: Option<Seen>,
    /// Set when the disk fails; see the ledger.
    broken: Arc<AtomicBool>,
}

/// What a transaction has read at its beginning.
struct Seen {
    facts_revision: i64,
    /// The day after the last that is published.
    published_until: Option<String>,
}

impl<DB: Dialect> Drop for SqlTransaction<DB> {
    /// What is not committed is rolled back before anybody else has the turn.
    fn drop(&mut self) {
        if let Some((connection, turn)) = self.begun.take() {
            tokio::spawn(roll_back(connection, turn));
        }
    }
}

async fn roll_back<DB: Dialect>(mut connection: PoolConnection<DB>, mut turn: Turn<DB>) {
    match DB::control(&mut connection, ROLLBACK).await {
        Ok(()) => *turn = Some(connection),
        // Closing rolls back too, and there may have been nothing to roll back.
        Err(_) => connection.close_on_drop(),
    }
}

impl<DB: Dialect> SqlTransaction<DB> {
    /// Begins on the connection that is kept, or a new one where there is none or it turns out to be gone, and stores swipes, if any; see
    /// [`Transaction::record_swipes`].
    pub(crate) async fn begin(
        pool: &Pool<DB>,
        turn: Turn<DB>,
        broken: Arc<AtomicBool>,
        swipes: &[SwipeRecord],
    ) -> Stored<(Self, Vec<bool>)> {
        let mut transaction = Self::connect(pool, turn, broken).await?;
        if let Some(fresh) = transaction.begin_recording(&Distinct::of(swipes)).await? {
            return Ok((transaction, fresh));
        }
        transaction.control(DB::BEGIN).await?;
        let fresh = transaction.record_swipes(swipes).await?;
        Ok((transaction, fresh))
    }

    async fn connect(pool: &Pool<DB>, mut turn: Turn<DB>, broken: Arc<AtomicBool>) -> Stored<Self> {
        let connection = match turn.take() {
            Some(kept) => kept,
            None => note_broken(&broken, pool.acquire().await.map_err(StoreError::of::<DB>))?,
        };
        Ok(Self {
            begun: Some((connection, turn)),
            failed: false,
            seen: None,
            broken,
        })
    }

    /// Begins, stores swipes and looks around in one turn, where the database can; `None`, and nothing has begun, where it cannot.
    async fn begin_recording(&mut self, distinct: &Distinct<'_>) -> Stored<Option<Vec<bool>>> {
        let mut values = distinct.values();
        let asked = values.len();
        filled::<DB, 12>(Bulk::BeginWithSwipes, &mut values);
        let Some(statement) = DB::texts().get(Bulk::BeginWithSwipes, values.len()) else {
            return Ok(None);
        };
        let rows = self.rows(statement, values.as_flattened()).await?;
        let seen = rows.first().map(|row| {
            let mut cells = Cells::<DB>::new("counter", row);
            let stored = cells.integer("stored")?;
            let seen = Seen {
                facts_revision: cells.integer("value")?,
                published_until: cells.optional_text("published_until")?,
            };
            Ok((stored, seen))
        });
        let (stored, seen) = self.noted(seen.transpose())?.ok_or(StoreError::Missing {
            table: "counter",
            id: "facts_revision".to_owned(),
        })?;
        self.seen = Some(seen);
        let new = self.new_of(asked, stored.cast_unsigned()).await?;
        Ok(Some(distinct.fresh(new.as_ref())))
    }

    /// Which keys were new of so many that were to be stored, or `None` where all were.
    async fn new_of(&mut self, asked: usize, stored: u64) -> Stored<Option<HashSet<String>>> {
        let Some(last_swipes) = DB::LAST_SWIPES.filter(|_| stored != asked as u64) else {
            return Ok(None);
        };
        let rows = self.rows(last_swipes, &[stored.cast_signed().into()]).await?;
        self.noted(keys_of::<DB>(&rows)).map(Some)
    }

    fn connection(&mut self) -> &mut DB::Connection {
        let (connection, _) = self.begun.as_mut().expect("nothing is called after the commit");
        connection
    }

    /// Whether it is known that no week that holds this date or a later one is published.
    pub(crate) fn is_after_publications(&self, date: &str) -> bool {
        let until = |seen: &Seen| seen.published_until.as_deref().is_none_or(|until| until <= date);
        self.seen.as_ref().is_some_and(until)
    }

    /// Ends a transaction that is committed: its connection is there for the next.
    fn keep_connection(&mut self) {
        if let Some((connection, mut turn)) = self.begun.take() {
            *turn = Some(connection);
        }
    }

    /// Notes a failure, whoever sees it.
    fn noted<T>(&mut self, result: Stored<T>) -> Stored<T> {
        self.failed |= result.is_err();
        note_broken(&self.broken, result)
    }

    fn missing<T>(&mut self, table: &'static str, id: &str) -> Stored<T> {
        self.noted(Err(StoreError::Missing {
            table,
            id: id.to_owned(),
        }))
    }

    /// Begins or ends the transaction.
    async fn control(&mut self, statement: &'static str) -> Stored<()> {
        let result = DB::control(self.connection(), statement)
            .await
            .map_err(StoreError::of::<DB>);
        self.noted(result)
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Stored<u64> {
        let result = DB::run(self.connection(), statement, values)
            .await
            .map_err(StoreError::of::<DB>);
        self.noted(result)
    }

    /// Runs a statement that must change one row.
    pub(crate) async fn run_one(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        table: &'static str,
        id: &str,
    ) -> Stored<()> {
        if self.run(statement, values).await? == 1 {
            Ok(())
        } else {
            self.missing(table, id)
        }
    }

    pub(crate) async fn rows(&mut self, statement: &'static str, values: &[Value<'_>]) -> Stored<Vec<DB::Row>> {
        let result = DB::rows(self.connection(), statement, values)
            .await
            .map_err(StoreError::of::<DB>);
        self.noted(result)
    }

    pub(crate) async fn list<T: FromCells>(&mut self, statement: &'static str, values: &[Value<'_>]) -> Stored<Vec<T>> {
        let rows = self.rows(statement, values).await?;
        let read = read_all::<DB, T>(&rows);
        self.noted(read)
    }

    /// Runs a statement for many rows; returns how many it changed.
    pub(crate) async fn run_all<const COLUMNS: usize>(
        &mut self,
        bulk: Bulk,
        mut rows: Vec<[Value<'_>; COLUMNS]>,
    ) -> Stored<u64> {
        filled::<DB, COLUMNS>(bulk, &mut rows);
        let mut changed = 0;
        for (statement, part) in parts::<DB, COLUMNS>(bulk, &rows) {
            changed += self.run(statement, part.as_flattened()).await?;
        }
        Ok(changed)
    }

    /// Stores swipes of different dedup keys; returns the keys of those that were new, or `None` where all were.
    async fn record(&mut self, swipes: Vec<[Value<'_>; 12]>) -> Stored<Option<HashSet<String>>> {
        if DB::LAST_SWIPES.is_some() {
            let asked = swipes.len();
            let stored = self.run_all(Bulk::RecordSwipes, swipes).await?;
            return self.new_of(asked, stored).await;
        }
        let mut rows = Vec::new();
        for (statement, part) in parts::<DB, 12>(Bulk::RecordSwipes, &swipes) {
            rows.extend(self.rows(statement, part.as_flattened()).await?);
        }
        self.noted(keys_of::<DB>(&rows)).map(Some)
    }

    /// Reads with a list of questions; see [`rows_asked`].
    pub(crate) async fn ask<T: FromCells, const COLUMNS: usize>(
        &mut self,
        bulk: Bulk,
        asked: Vec<[Value<'_>; COLUMNS]>,
        nothing: &[Value<'static>; COLUMNS],
    ) -> Stored<Vec<T>> {
        let rows = rows_asked::<DB, COLUMNS>(self.connection(), bulk, asked, nothing).await;
        let rows = self.noted(rows)?;
        let read = read_all::<DB, T>(&rows);
        self.noted(read)
    }

    /// Writes findings whose weeks are not published, or whose correction is being issued.
    pub(crate) async fn save_freely(&mut self, findings: &[FindingRow]) -> Stored<Vec<FindingRow>> {
        let given: BTreeMap<&str, &FindingRow> = findings.iter().map(|row| (row.id.as_str(), row)).collect();
        let values: Vec<[Value<'_>; 21]> = given.values().map(|row| finding_values(row)).collect();
        if self.run_all(Bulk::SaveOpenFindings, values).await? == given.len() as u64 {
            return Ok(findings.iter().map(|row| given[row.id.as_str()].clone()).collect());
        }
        self.merge_findings(findings, given).await
    }

    /// The number of a finding, which it keeps for ever.
    async fn number_of(&mut self, finding: &str) -> Stored<Option<i64>> {
        let rows = self.rows(statements::FINDING_NUMBER, &[finding.into()]).await?;
        self.noted(first_integer::<DB>(&rows, FindingRow::TABLE, "seq"))
    }

    /// What is stored of findings, withdrawn or not.
    pub(crate) async fn findings_by_id(
        &mut self,
        findings: impl Iterator<Item = &FindingRow>,
    ) -> Stored<Vec<FindingRow>> {
        let ids = findings
            .map(|row| [Value::from(&row.date), Value::from(&row.id)])
            .collect();
        self.ask(Bulk::FindingsById, ids, &no_day()).await
    }

    /// Writes findings as they follow from what is stored of them, as far as that is not what is stored already.
    async fn merge_findings(
        &mut self,
        findings: &[FindingRow],
        given: BTreeMap<&str, &FindingRow>,
    ) -> Stored<Vec<FindingRow>> {
        let before = self.findings_by_id(given.values().copied()).await?;
        let before: HashMap<&str, &FindingRow> = before.iter().map(|row| (row.id.as_str(), row)).collect();
        let after =
            |id: &str, row: &FindingRow| before.get(id).map_or_else(|| row.clone(), |before| merged(before, row));
        let stored: BTreeMap<&str, FindingRow> = given.into_iter().map(|(id, row)| (id, after(id, row))).collect();
        let differing = stored.iter().filter(|(id, row)| before.get(*id).copied() != Some(*row));
        let values: Vec<[Value<'_>; 21]> = differing.map(|(_, row)| finding_values(row)).collect();
        self.run_all(Bulk::SaveFindings, values).await?;
        Ok(findings
            .iter()
            .filter_map(|row| stored.get(row.id.as_str()).cloned())
            .collect())
    }
}

/// Swipes of which none has the dedup key of another.
struct Distinct<'s> {
    /// Where each key comes first, in the order of the keys: whoever stores the same swipes stores them in the same order, and entries that
    /// belong together in an index come together.
    firsts: BTreeMap<Cow<'s, str>, usize>,
    swipes: &'s [SwipeRecord],
}

impl<'s> Distinct<'s> {
    fn of(swipes: &'s [SwipeRecord]) -> Self {
        let mut firsts = BTreeMap::new();
        for (position, swipe) in swipes.iter().enumerate() {
            firsts.entry(storable(&swipe.dedup_key)).or_insert(position);
        }
        Self { firsts, swipes }
    }

    fn values(&self) -> Vec<[Value<'s>; 12]> {
        self.firsts
            .values()
            .map(|position| swipe_values(&self.swipes[*position]))
            .collect()
    }

    /// Which swipes were new, where these keys were, or all.
    fn fresh(&self, new: Option<&HashSet<String>>) -> Vec<bool> {
        let mut fresh = vec![false; self.swipes.len()];
        for (key, position) in &self.firsts {
            fresh[*position] = new.is_none_or(|keys| keys.contains(&**key));
        }
        fresh
    }
}

fn keys_of<DB: Dialect>(rows: &[DB::Row]) -> Stored<HashSet<String>> {
    rows.iter()
        .map(|row| Cells::<DB>::new(SwipeRecord::TABLE, row).text("dedup_key"))
        .collect()
}

/// Notes that the disk has failed, where that is what an error says.
pub(crate) fn note_broken<T>(broken: &AtomicBool, result: Stored<T>) -> Stored<T> {
    if matches!(result, Err(StoreError::Fatal(_))) {
        broken.store(true, Ordering::Release);
    }
    result
}

/// Rows with the statements for as many as each takes.
fn parts<'r, 'v, DB: Dialect, const COLUMNS: usize>(
    bulk: Bulk,
    mut rows: &'r [[Value<'v>; COLUMNS]],
) -> Vec<(&'static str, &'r [[Value<'v>; COLUMNS]])> {
    let sizes = runs(rows.len());
    let take = |size: usize| {
        let (part, rest) = rows.split_at(size);
        rows = rest;
        DB::texts().get(bulk, size).map(|statement| (statement, part))
    };
    sizes.into_iter().filter_map(take).collect()
}

/// Repeats the last row up to a size that there is a text for, where saying a row twice says the same: one statement costs less than
/// several with fewer rows.
fn filled<DB: Dialect, const COLUMNS: usize>(bulk: Bulk, rows: &mut Vec<[Value<'_>; COLUMNS]>) {
    let rest = rows.len() % SIZES[0];
    if rest > 0
        && bulk.may_repeat::<DB>()
        && let Some(last) = rows.last().cloned()
    {
        rows.resize(rows.len() - rest + size_for(rest), last);
    }
}

fn sorted_keys<'k>(days: impl Iterator<Item = &'k DayKey>) -> Vec<&'k DayKey> {
    let mut keys: Vec<&DayKey> = days.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn asked_days<'k>(keys: &[&'k DayKey]) -> Vec<[Value<'k>; 2]> {
    keys.iter()
        .map(|key| [Value::from(&key.person), Value::from(&key.date)])
        .collect()
}

/// What matches no day: a date is never empty.
pub(crate) fn no_day() -> [Value<'static>; 2] {
    [Value::from(""), Value::from("")]
}

fn swipe_values(swipe: &SwipeRecord) -> [Value<'_>; 12] {
    [
        Value::from(&swipe.id),
        Value::from(&swipe.dedup_key),
        Value::from(&swipe.reader),
        Value::from(&swipe.badge),
        Value::from(&swipe.raw_hex),
        swipe.bits.into(),
        part_of(swipe.happened_at).into(),
        swipe.happened_at.into(),
        swipe.received_at.into(),
        swipe.sequence.into(),
        Value::from(&swipe.faces),
        Value::from(&swipe.quarantine),
    ]
}

fn rejected_values(input: &RejectedInput) -> [Value<'_>; 5] {
    let RejectedInput {
        id,
        reader,
        received_at,
        reason,
        raw_hex,
    } = input;
    [
        Value::from(id),
        Value::from(reader),
        Value::from(*received_at),
        Value::from(reason),
        Value::from(raw_hex),
    ]
}

/// Of two rows of one day the later one is stored.
fn values_of_days(days: &[DayRow]) -> Vec<[Value<'_>; 6]> {
    let by_key: BTreeMap<&DayKey, &DayRow> = days.iter().map(|day| (&day.key, day)).collect();
    by_key.into_values().map(day_values).collect()
}

fn day_values(day: &DayRow) -> [Value<'_>; 6] {
    let DayRow {
        key,
        judged_at,
        next_check,
        rules_version,
        facts_revision,
    } = day;
    let instants = (Value::from(*judged_at), Value::from(*next_check));
    [
        Value::from(&key.person),
        Value::from(&key.date),
        instants.0,
        instants.1,
        (*rules_version).into(),
        (*facts_revision).into(),
    ]
}

fn asked_meetings(meetings: &[MeetingKey]) -> Vec<[Value<'_>; 2]> {
    let keys: BTreeSet<&MeetingKey> = meetings.iter().collect();
    keys.into_iter()
        .map(|key| [Value::from(&key.date), Value::from(&key.meeting)])
        .collect()
}

/// A meeting that was never judged and is due at once.
fn new_meeting_values(key: [Value<'_>; 2]) -> [Value<'_>; 5] {
    let [date, meeting] = key;
    [date, meeting, Value::Integer(0), Value::Integer(0), Value::Integer(0)]
}

fn meeting_values(row: &MeetingRow) -> [Value<'_>; 6] {
    [
        Value::from(&row.key.date),
        Value::from(&row.key.meeting),
        Value::from(row.judged_at),
        Value::from(row.next_check),
        row.rules_version.into(),
        row.facts_revision.into(),
    ]
}

fn fact_values(fact: &FactRow) -> [Value<'_>; 5] {
    let FactRow {
        id,
        file,
        cells,
        recorded_at,
        recorded_by,
    } = fact;
    [
        Value::from(id),
        Value::from(file),
        Value::from(cells),
        Value::from(*recorded_at),
        Value::from(recorded_by),
    ]
}

pub(crate) fn finding_values(finding: &FindingRow) -> [Value<'_>; 21] {
    [
        Value::from(&finding.id),
        Value::from(&finding.person),
        Value::from(&finding.unit),
        Value::from(&finding.date),
        Value::from(&finding.period),
        Value::from(&finding.meeting),
        Value::from(&finding.kind),
        Value::from(&finding.state),
        finding.length_ms.into(),
        finding.due.into(),
        finding.actual.into(),
        finding.since.into(),
        Value::from(&finding.source),
        Value::from(&finding.swipes),
        Value::from(&finding.digest),
        finding.revision.into(),
        finding.changed_at.into(),
        finding.withdrawn_at.into(),
        finding.rules_version.into(),
        finding.facts_revision.into(),
        review_word(finding.review).into(),
    ]
}

/// Whether two rows of one finding say the same, whoever judged them when.
pub(crate) fn says_the_same(before: &FindingRow, after: &FindingRow) -> bool {
    let neutral = |row: &FindingRow| FindingRow {
        revision: 0,
        changed_at: Instant::from_ms(0),
        rules_version: 0,
        facts_revision: 0,
        review: Review::Open,
        withdrawn_at: row.withdrawn_at.map(|_| Instant::from_ms(0)),
        ..row.clone()
    };
    neutral(before) == neutral(after)
}

/// The row to store where a finding said `before` and now says `after`: the one place where a review is reopened.
/// [`Bulk::SaveOpenFindings`] stores `after` without asking here, and so only where this returns it as it is.
pub(crate) fn merged(before: &FindingRow, after: &FindingRow) -> FindingRow {
    if says_the_same(before, after) {
        let (revision, changed_at, review) = (before.revision, before.changed_at, before.review);
        return FindingRow {
            revision,
            changed_at,
            review,
            withdrawn_at: before.withdrawn_at,
            ..after.clone()
        };
    }
    let decided_otherwise =
        before.digest != after.digest || before.withdrawn_at.is_some() != after.withdrawn_at.is_some();
    let review = match before.review {
        Review::Confirmed | Review::Waived if decided_otherwise => Review::ChangedAfterDecision,
        kept => kept,
    };
    FindingRow {
        revision: after.revision.max(before.revision + 1),
        review,
        ..after.clone()
    }
}

#[async_trait]
impl<DB: Dialect> Transaction for SqlTransaction<DB> {
    async fn commit(mut self: Box<Self>) -> Stored<()> {
        if self.failed {
            return Err(StoreError::TransactionFailed);
        }
        self.control(COMMIT).await?;
        self.keep_connection();
        Ok(())
    }

    async fn commit_with_days(mut self: Box<Self>, days: &[DayRow]) -> Stored<()> {
        if self.failed {
            return Err(StoreError::TransactionFailed);
        }
        let mut values = values_of_days(days);
        filled::<DB, 6>(Bulk::SaveDaysAndCommit, &mut values);
        let Some(statement) = DB::texts().get(Bulk::SaveDaysAndCommit, values.len()) else {
            self.save_days(days).await?;
            return self.commit().await;
        };
        self.run(statement, values.as_flattened()).await?;
        self.keep_connection();
        Ok(())
    }

    async fn record_swipes(&mut self, swipes: &[SwipeRecord]) -> Stored<Vec<bool>> {
        let distinct = Distinct::of(swipes);
        let recorded = self.record(distinct.values()).await?;
        Ok(distinct.fresh(recorded.as_ref()))
    }

    async fn record_rejected(&mut self, inputs: &[RejectedInput]) -> Stored<()> {
        let values: Vec<[Value<'_>; 5]> = inputs.iter().map(rejected_values).collect();
        self.run_all(Bulk::RecordRejected, values).await.map(drop)
    }

    async fn facts_revision(&mut self) -> Stored<i64> {
        if let Some(seen) = &self.seen {
            return Ok(seen.facts_revision);
        }
        let rows = self.rows(statements::FACTS_REVISION, &[]).await?;
        let revision = count_of::<DB>(&rows, "counter", "value");
        self.noted(revision)
    }

    async fn touch_days(&mut self, days: &[DayKey]) -> Stored<()> {
        let keys = sorted_keys(days.iter());
        self.run_all(Bulk::TouchDays, asked_days(&keys)).await.map(drop)
    }

    async fn lock_days(&mut self, days: &[&DayKey]) -> Stored<()> {
        if DB::LOCK_DAYS.is_none() {
            return Ok(());
        }
        let keys = sorted_keys(days.iter().copied());
        let locked = rows_asked::<DB, 2>(self.connection(), Bulk::LockDays, asked_days(&keys), &no_day()).await;
        self.noted(locked).map(drop)
    }

    async fn due_days(&mut self, now: Instant, limit: i64) -> Stored<Vec<DayKey>> {
        self.list(DB::DUE_DAYS, &[now.into(), limit.into()]).await
    }

    async fn swipes_of(&mut self, queries: &[BadgeSwipe<'_>]) -> Stored<Vec<Vec<SwipeRecord>>> {
        let answers = swipes_of::<DB>(self.connection(), queries).await;
        self.noted(answers)
    }

    async fn findings_of(&mut self, days: &[DayKey]) -> Stored<Vec<FindingRow>> {
        let keys = sorted_keys(days.iter());
        let rows = self.ask(Bulk::FindingsOf, asked_days(&keys), &no_day()).await?;
        if self
            .publications_of(keys.iter().map(|key| key.date.as_str()))
            .await?
            .is_empty()
        {
            return Ok(rows);
        }
        let waiting = self.ask(Bulk::CorrectionsOf, asked_days(&keys), &no_day()).await?;
        Ok(corrections::laid_over(rows, waiting))
    }

    async fn save_days(&mut self, days: &[DayRow]) -> Stored<()> {
        self.run_all(Bulk::SaveDays, values_of_days(days)).await.map(drop)
    }

    async fn touch_meetings(&mut self, meetings: &[MeetingKey]) -> Stored<()> {
        let due_at_once: Vec<[Value<'_>; 5]> = asked_meetings(meetings).into_iter().map(new_meeting_values).collect();
        self.run_all(Bulk::TouchMeetings, due_at_once).await?;
        let asked = asked_meetings(meetings);
        let locked = rows_asked::<DB, 2>(self.connection(), Bulk::LockMeetings, asked, &no_day()).await;
        self.noted(locked).map(drop)
    }

    async fn due_meetings(&mut self, now: Instant, limit: i64) -> Stored<Vec<MeetingKey>> {
        self.list(DB::DUE_MEETINGS, &[now.into(), limit.into()]).await
    }

    async fn findings_of_meetings(&mut self, meetings: &[MeetingKey]) -> Stored<Vec<FindingRow>> {
        let rows = self
            .ask(Bulk::FindingsOfMeetings, asked_meetings(meetings), &no_day())
            .await?;
        if self
            .publications_of(meetings.iter().map(|key| key.date.as_str()))
            .await?
            .is_empty()
        {
            return Ok(rows);
        }
        let waiting = self
            .ask(Bulk::CorrectionsOfMeetings, asked_meetings(meetings), &no_day())
            .await?;
        Ok(corrections::laid_over(rows, waiting))
    }

    async fn save_meetings(&mut self, meetings: &[MeetingRow]) -> Stored<()> {
        let by_key: BTreeMap<&MeetingKey, &MeetingRow> = meetings.iter().map(|row| (&row.key, row)).collect();
        let values: Vec<[Value<'_>; 6]> = by_key.into_values().map(meeting_values).collect();
        self.run_all(Bulk::SaveMeetings, values).await.map(drop)
    }

    async fn save_findings(&mut self, findings: &[FindingRow]) -> Stored<Vec<FindingRow>> {
        let published = self
            .publications_of(findings.iter().map(|row| row.date.as_str()))
            .await?;
        if published.is_empty() {
            return self.save_freely(findings).await;
        }
        let week_of = |row: &FindingRow| corrections::week_of(&published, &row.date);
        let (held, free): (Vec<FindingRow>, Vec<FindingRow>) =
            findings.iter().cloned().partition(|row| week_of(row).is_some());
        self.hold_back(&held, &published).await?;
        let stored = self.save_freely(&free).await?;
        let stored: HashMap<String, FindingRow> = stored.into_iter().map(|row| (row.id.clone(), row)).collect();
        let as_stored = |row: &FindingRow| stored.get(&row.id).unwrap_or(row).clone();
        Ok(findings.iter().map(as_stored).collect())
    }

    async fn next_check(&mut self) -> Stored<Option<Instant>> {
        let rows = self.rows(DB::NEXT_CHECK, &[]).await?;
        let earliest = first_integer::<DB>(&rows, DayRow::TABLE, "next_check_at_ms");
        Ok(self.noted(earliest)?.map(Instant::from_ms))
    }

    async fn next_meeting_check(&mut self) -> Stored<Option<Instant>> {
        let rows = self.rows(statements::NEXT_MEETING_CHECK, &[]).await?;
        let earliest = first_integer::<DB>(&rows, MeetingRow::TABLE, "next_check_at_ms");
        Ok(self.noted(earliest)?.map(Instant::from_ms))
    }

    async fn make_due(&mut self, people: Option<&[&str]>, from: Option<&str>) -> Stored<u64> {
        let from = from.unwrap_or("");
        // Every date that is written sorts before a tilde.
        let meetings = self
            .run(statements::MAKE_MEETINGS_DUE, &[from.into(), "~".into()])
            .await?;
        let Some(people) = people else {
            let days = self.run(statements::MAKE_ALL_DUE, &[from.into()]).await?;
            return Ok(days + meetings);
        };
        let once: HashSet<&str> = people.iter().copied().collect();
        let asked: Vec<[Value<'_>; 2]> = once.into_iter().map(|person| [person.into(), from.into()]).collect();
        Ok(self.run_all(Bulk::MakeDue, asked).await? + meetings)
    }

    async fn make_due_within(&mut self, people: Option<&[&str]>, from: &str, until: &str) -> Stored<u64> {
        let meetings = self
            .run(statements::MAKE_MEETINGS_DUE, &[from.into(), until.into()])
            .await?;
        let Some(people) = people else {
            let days = self
                .run(statements::MAKE_ALL_DUE_WITHIN, &[from.into(), until.into()])
                .await?;
            return Ok(days + meetings);
        };
        let once: HashSet<&str> = people.iter().copied().collect();
        let asked: Vec<[Value<'_>; 3]> = once
            .into_iter()
            .map(|person| [person.into(), from.into(), until.into()])
            .collect();
        Ok(self.run_all(Bulk::MakeDueWithin, asked).await? + meetings)
    }

    async fn set_setting(&mut self, name: &str, value: &str) -> Stored<()> {
        self.run(statements::SET_SETTING, &[name.into(), value.into()])
            .await
            .map(drop)
    }

    async fn add_document(&mut self, edition: &DocumentEdition) -> Stored<()> {
        let DocumentEdition {
            kind,
            effective_from,
            recorded_at,
            recorded_by,
            body,
        } = edition;
        let values = [
            kind.into(),
            effective_from.into(),
            (*recorded_at).into(),
            recorded_by.into(),
            body.into(),
        ];
        self.run(statements::ADD_DOCUMENT, &values).await.map(drop)
    }

    async fn add_facts(&mut self, facts: &[FactRow]) -> Stored<()> {
        let values: Vec<[Value<'_>; 5]> = facts.iter().map(fact_values).collect();
        self.run_all(Bulk::AddFacts, values).await.map(drop)
    }

    async fn supersede_facts(&mut self, ids: &[&str], at: Instant) -> Stored<()> {
        let mut once: HashSet<&str> = ids.iter().copied().collect();
        let asked: Vec<[Value<'_>; 2]> = once.iter().map(|id| [Value::from(*id), at.into()]).collect();
        for (statement, part) in parts::<DB, 2>(Bulk::SupersedeFacts, &asked) {
            for row in self.rows(statement, part.as_flattened()).await? {
                let id = Cells::<DB>::new(FactRow::TABLE, &row).text("id");
                once.remove(self.noted(id)?.as_str());
            }
        }
        if let Some(id) = once.into_iter().min() {
            return self.missing(FactRow::TABLE, id);
        }
        Ok(())
    }

    async fn bump_facts_revision(&mut self) -> Stored<i64> {
        self.seen = None;
        let rows = self.rows(statements::BUMP_FACTS_REVISION, &[]).await?;
        let revision = count_of::<DB>(&rows, "counter", "value");
        self.noted(revision)
    }

    async fn save_outage(&mut self, outage: &OutageRow, recorded_at: Instant) -> Stored<()> {
        let values = [
            Value::from(&outage.reader),
            outage.down_from.into(),
            outage.down_until.into(),
            recorded_at.into(),
            outage.down_until.map(|_| recorded_at).into(),
        ];
        self.run(statements::SAVE_OUTAGE, &values).await.map(drop)
    }

    async fn add_reader_command(&mut self, command: &ReaderCommandRow) -> Stored<()> {
        let values = [
            Value::from(&command.reader),
            (&command.command).into(),
            (&command.starts).into(),
            (&command.until).into(),
            command.asked_at.into(),
            (&command.asked_by).into(),
        ];
        self.run(statements::ADD_READER_COMMAND, &values).await.map(drop)
    }

    async fn send_reader_command(&mut self, seq: i64, at: Instant) -> Stored<()> {
        let (values, id) = ([at.into(), seq.into()], seq.to_string());
        self.run_one(statements::SEND_READER_COMMAND, &values, ReaderCommandRow::TABLE, &id)
            .await
    }

    async fn end_reader_command(&mut self, seq: i64, reader: &str, at: Instant, code: Option<i64>) -> Stored<bool> {
        let values = [at.into(), code.into(), seq.into(), reader.into()];
        Ok(self.run(statements::END_READER_COMMAND, &values).await? == 1)
    }

    async fn add_placement(&mut self, placement: &PlacementRow) -> Stored<()> {
        let values = [
            Value::from(&placement.swipe),
            (&placement.original).into(),
            (&placement.reader).into(),
            (&placement.badge).into(),
            placement.happened_at.into(),
            placement.placed_at.into(),
            (&placement.placed_by).into(),
            (&placement.reason).into(),
        ];
        self.run(statements::ADD_PLACEMENT, &values).await.map(drop)
    }

    async fn withdraw_placement(&mut self, swipe: &str, at: Instant, by: &str) -> Stored<bool> {
        let values = [at.into(), by.into(), swipe.into()];
        Ok(self.run(statements::WITHDRAW_PLACEMENT, &values).await? == 1)
    }

    async fn finding(&mut self, id: &str) -> Stored<Option<FindingRow>> {
        match self.number_of(id).await? {
            Some(number) => Ok(self
                .list(DB::FINDING_LOCKED, &[number.into()])
                .await?
                .into_iter()
                .next()),
            None => Ok(None),
        }
    }

    async fn decide(&mut self, decision: &DecisionRow, review: Review) -> Stored<()> {
        let DecisionRow {
            id,
            finding,
            act,
            reason,
            actor,
            at,
            digest,
            explanation_zh,
            explanation_en,
        } = decision;
        let changed_meanwhile = || StoreError::ChangedMeanwhile {
            finding: finding.clone(),
        };
        let Some(number) = self.number_of(finding).await? else {
            return self.noted(Err(changed_meanwhile()));
        };
        let reviewed = [review_word(review).into(), number.into(), digest.into()];
        if self.run(statements::REVIEW_FINDING, &reviewed).await? != 1 {
            return self.noted(Err(changed_meanwhile()));
        }
        let said = [
            Value::from(reason),
            actor.into(),
            (*at).into(),
            digest.into(),
            explanation_zh.into(),
            explanation_en.into(),
        ];
        let named = [Value::from(id), number.into(), act.into()];
        self.run(statements::ADD_DECISION, &[named.as_slice(), said.as_slice()].concat())
            .await
            .map(drop)
    }

    async fn countable_of(&mut self, people: &[&str]) -> Stored<Vec<FindingRow>> {
        let once: BTreeSet<&str> = people.iter().copied().collect();
        let asked: Vec<[Value<'_>; 1]> = once.into_iter().map(|person| [Value::from(person)]).collect();
        // Units are the empty text, and a blank is nobody.
        let nobody = [Value::from(" ")];
        let rows = self.ask(Bulk::CountableOf, asked.clone(), &nobody).await?;
        let waiting = self.ask(Bulk::EscalationCorrectionsOf, asked, &nobody).await?;
        Ok(corrections::laid_over(rows, waiting))
    }

    async fn counted_people(&mut self) -> Stored<Vec<String>> {
        let rows = self.rows(statements::COUNTED_PEOPLE, &[]).await?;
        let people = rows
            .iter()
            .map(|row| Cells::<DB>::new(FindingRow::TABLE, row).text("person"))
            .collect();
        self.noted(people)
    }

    async fn save_counted(&mut self, escalation: &str, findings: &[&str]) -> Stored<()> {
        self.run(statements::FORGET_COUNTED, &[escalation.into()]).await?;
        let rows: Vec<[Value<'_>; 3]> = findings
            .iter()
            .zip(0_i64..)
            .map(|(finding, position)| [escalation.into(), position.into(), Value::from(*finding)])
            .collect();
        self.run_all(Bulk::AddCounted, rows).await.map(drop)
    }

    async fn publish(&mut self, publication: &PublicationRow) -> Stored<()> {
        let PublicationRow {
            week,
            first_date,
            until_date,
            number,
            published_at,
            published_by,
        } = publication;
        self.lock_dates(first_date, until_date).await?;
        let values = [
            week.into(),
            first_date.into(),
            until_date.into(),
            number.into(),
            (*published_at).into(),
            published_by.into(),
        ];
        self.seen = None;
        self.run(statements::ADD_PUBLICATION, &values).await.map(drop)
    }

    async fn issue_corrections(
        &mut self,
        publication: &PublicationRow,
        number: &str,
        at: Instant,
    ) -> Stored<Vec<FindingRow>> {
        let dates = [
            Value::from(&publication.first_date),
            Value::from(&publication.until_date),
        ];
        self.lock_dates(&publication.first_date, &publication.until_date)
            .await?;
        let waiting: Vec<FindingRow> = self.list(statements::PENDING_CORRECTIONS, &dates).await?;
        let issued: Vec<FindingRow> = waiting
            .into_iter()
            .map(|row| FindingRow { changed_at: at, ..row })
            .collect();
        let stored = self.save_freely(&issued).await?;
        let ids: Vec<&str> = issued.iter().map(|row| row.id.as_str()).collect();
        self.settle_corrections(&ids, Some(number), at).await?;
        Ok(stored)
    }

    async fn append_audit(&mut self, record: &AuditRecord) -> Stored<AuditEntry> {
        let rows = self.rows(statements::LAST_AUDIT, &[]).await?;
        let end = rows
            .first()
            .map_or_else(|| Ok(ChainEnd::default()), |row| chain_end::<DB>(row));
        let entry = end.and_then(|end| entry_after(&end, &storable_record(record)));
        let entry = self.noted(entry)?;
        let AuditRecord {
            at,
            actor,
            act,
            subject,
            body,
        } = &entry.record;
        let values = [
            entry.seq.into(),
            (*at).into(),
            actor.into(),
            act.into(),
            subject.into(),
            body.into(),
            Value::from(&entry.salt),
            Value::from(&entry.body_hash),
            Value::from(&entry.previous_hash),
            Value::from(&entry.hash),
        ];
        self.run(statements::ADD_AUDIT, &values).await?;
        Ok(entry)
    }

    async fn save_account(&mut self, account: &Account) -> Stored<()> {
        let values = [
            Value::from(&account.name),
            Value::from(&account.password_hash),
            account.changed_at.into(),
        ];
        self.run(statements::SAVE_ACCOUNT, &values).await?;
        self.run(statements::END_SESSIONS_OF, &[Value::from(&account.name)])
            .await
            .map(drop)
    }

    async fn add_session(&mut self, session: &SessionRow) -> Stored<()> {
        let SessionRow {
            token_hash,
            account,
            created_at,
            seen_at,
            expires_at,
            form_secret,
        } = session;
        self.run(statements::END_EXPIRED_SESSIONS, &[(*created_at).into()])
            .await?;
        let instants = [Value::from(*created_at), (*seen_at).into(), (*expires_at).into()];
        let values = [
            &[Value::from(token_hash), account.into()],
            instants.as_slice(),
            &[form_secret.into()],
        ]
        .concat();
        self.run(statements::ADD_SESSION, &values).await.map(drop)
    }

    async fn touch_session(&mut self, token_hash: &str, seen_at: Instant) -> Stored<()> {
        // A session may have been ended meanwhile; then there is nothing to note.
        self.run(statements::TOUCH_SESSION, &[seen_at.into(), token_hash.into()])
            .await
            .map(drop)
    }

    async fn end_session(&mut self, token_hash: &str) -> Stored<()> {
        self.run(statements::END_SESSION, &[token_hash.into()]).await.map(drop)
    }

    async fn add_screen(&mut self, screen: &ScreenRow) -> Stored<()> {
        let ScreenRow {
            id,
            name,
            token_hash,
            created_at,
            seen_at,
        } = screen;
        let values = [
            id.into(),
            name.into(),
            token_hash.into(),
            (*created_at).into(),
            (*seen_at).into(),
        ];
        self.run(statements::ADD_SCREEN, &values).await.map(drop)
    }

    async fn touch_screen(&mut self, screen: &str, seen_at: Instant) -> Stored<()> {
        self.run_one(
            statements::TOUCH_SCREEN,
            &[seen_at.into(), screen.into()],
            ScreenRow::TABLE,
            screen,
        )
        .await
    }

    async fn revoke_screen(&mut self, screen: &str, at: Instant) -> Stored<bool> {
        Ok(self.run(statements::REVOKE_SCREEN, &[at.into(), screen.into()]).await? == 1)
    }

    async fn enrol_bridge(&mut self, name: &str, key_hash: &str, at: Instant) -> Stored<()> {
        self.run(statements::ENROL_BRIDGE, &[name.into(), key_hash.into(), at.into()])
            .await
            .map(drop)
    }

    async fn note_bridge(&mut self, name: &str, seen_at: Instant, queue: &str, acknowledged: i64) -> Stored<bool> {
        let values = [seen_at.into(), queue.into(), acknowledged.into(), name.into()];
        Ok(self.run(statements::NOTE_BRIDGE, &values).await? == 1)
    }

    async fn revoke_bridge(&mut self, name: &str, at: Instant) -> Stored<bool> {
        Ok(self.run(statements::REVOKE_BRIDGE, &[at.into(), name.into()]).await? == 1)
    }

    async fn add_link(&mut self, link: &OneTimeLink) -> Stored<()> {
        let OneTimeLink {
            token_hash,
            purpose,
            expires_at,
            used_at,
        } = link;
        let values = [
            token_hash.into(),
            purpose.into(),
            (*expires_at).into(),
            (*used_at).into(),
        ];
        self.run(statements::ADD_LINK, &values).await.map(drop)
    }

    async fn consume_link(&mut self, token_hash: &str, purpose: &str, at: Instant) -> Stored<bool> {
        Ok(self
            .run(
                statements::CONSUME_LINK,
                &[at.into(), token_hash.into(), purpose.into()],
            )
            .await?
            == 1)
    }
}

fn chain_end<DB: Dialect>(row: &DB::Row) -> Stored<ChainEnd> {
    let mut cells = Cells::<DB>::new(AuditEntry::TABLE, row);
    Ok(ChainEnd {
        seq: cells.integer("seq")?,
        hash: cells.text("hash")?,
    })
}

/// The record as it will be read again; hashing anything else would break the chain by itself.
fn storable_record(record: &AuditRecord) -> AuditRecord {
    let kept = |text: &String| storable(text).into_owned();
    AuditRecord {
        at: record.at,
        actor: kept(&record.actor),
        act: kept(&record.act),
        subject: kept(&record.subject),
        body: kept(&record.body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_open_finding_says_next_is_stored_as_it_is() {
        let before = FindingRow {
            id: "f".to_owned(),
            person: "ana".to_owned(),
            unit: None,
            date: "2026-09-16".to_owned(),
            period: Some("morning".to_owned()),
            meeting: None,
            kind: "late".to_owned(),
            state: "provisional".to_owned(),
            length_ms: Some(1),
            due: None,
            actual: None,
            since: None,
            source: None,
            swipes: "s1".to_owned(),
            digest: "d1".to_owned(),
            revision: 1,
            changed_at: Instant::from_ms(1),
            withdrawn_at: None,
            rules_version: 1,
            facts_revision: 1,
            review: Review::Open,
        };
        let next = FindingRow {
            unit: Some("plan".to_owned()),
            changed_at: Instant::from_ms(2),
            rules_version: 2,
            facts_revision: 2,
            ..before.clone()
        };
        // The condition of `Bulk::SaveOpenFindings`: it is open, its number grows, and its digest or its swipes are others.
        for revision in [2, 9] {
            let swipes = FindingRow {
                swipes: "s1 s2".to_owned(),
                revision,
                ..next.clone()
            };
            let gone = FindingRow {
                digest: "d2".to_owned(),
                withdrawn_at: Some(Instant::from_ms(2)),
                revision,
                ..next.clone()
            };
            for after in [swipes, gone] {
                assert_eq!(merged(&before, &after), after);
            }
        }
    }
}
