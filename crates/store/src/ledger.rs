//! The contract that both databases keep.
//!
//! Reads go through [`Ledger`]; whatever writes goes through a [`Transaction`], so that statements that belong together
//! are committed together. Writes are few and short: the engine commits a batch, an admin's act commits a row or two.
//! Lock order inside a transaction: swipes sorted by dedup key, then day rows sorted by key, then everything else.

use async_trait::async_trait;
use rules::time::{Instant, Interval};

use crate::error::StoreError;
use crate::rows::{
    Account, AuditEntry, AuditRecord, BadgeSeen, BadgeSwipe, BridgeRow, CorrectionRow, DayKey, DayRow, DecisionRow,
    DocumentEdition, FactRow, FindingQuery, FindingRevision, FindingRow, MeetingKey, MeetingRow, OneTimeLink,
    OutageRow, PlacementRow, PublicationRow, ReaderCommandRow, ReaderTally, RejectedInput, ScreenRow, SessionRow,
    SwipeRecord,
};

/// Result of a store call.
pub type Stored<T> = Result<T, StoreError>;

/// An opened database with the schema of this version.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Starts the one write transaction at a time that this process may have; waits for an earlier one to end.
    async fn begin(&self) -> Stored<Box<dyn Transaction>>;

    /// The same, and what [`Transaction::record_swipes`] does and returns, in as few turns as the database allows.
    async fn begin_with_swipes(&self, swipes: &[SwipeRecord]) -> Stored<(Box<dyn Transaction>, Vec<bool>)>;

    /// A named value of the installation, such as its secret or the mark that its time is simulated.
    async fn setting(&self, name: &str) -> Stored<Option<String>>;

    /// The number that grows with every change of a slow fact.
    async fn facts_revision(&self) -> Stored<i64>;

    /// The documents in force as last recorded: `site`, `schedules`, `calendar`, `meetings`.
    async fn documents(&self) -> Stored<Vec<DocumentEdition>>;

    /// Every row fact that is not superseded, ordered by file and by the order in which it was recorded.
    async fn facts(&self) -> Stored<Vec<FactRow>>;

    /// As [`Ledger::facts`], of one file.
    async fn facts_of_file(&self, file: &str) -> Stored<Vec<FactRow>>;

    /// When readers could not be heard, as the daemon itself noticed.
    async fn outages(&self) -> Stored<Vec<OutageRow>>;

    /// The documents as they were recorded by `known_at`.
    async fn documents_at(&self, known_at: Instant) -> Stored<Vec<DocumentEdition>>;

    /// The row facts that were recorded and not superseded by `known_at`, ordered as [`Ledger::facts`].
    async fn facts_at(&self, known_at: Instant) -> Stored<Vec<FactRow>>;

    /// The outages as they had been written down by `known_at`: one that was written as over later is still open.
    async fn outages_at(&self, known_at: Instant) -> Stored<Vec<OutageRow>>;

    /// What terminals were asked to do, newest first, at most `limit`.
    async fn reader_commands(&self, limit: i64) -> Stored<Vec<ReaderCommandRow>>;

    /// What one reader was asked to do and has not done, oldest first, at most `limit`.
    async fn open_reader_commands(&self, reader: &str, limit: i64) -> Stored<Vec<ReaderCommandRow>>;

    /// Swipes by badge keys in an interval of `happened_at`, in no particular order.
    async fn swipes(&self, badges: &[&str], happened: Interval) -> Stored<Vec<SwipeRecord>>;

    /// All swipes in an interval of `received_at`, oldest first, at most `limit`.
    async fn swipes_received(&self, received: Interval, limit: i64) -> Stored<Vec<SwipeRecord>>;

    /// How many swipes there are.
    async fn swipe_count(&self) -> Stored<i64>;

    /// Frames, lines and records that could not be read, newest first.
    async fn rejected_inputs(&self, limit: i64) -> Stored<Vec<RejectedInput>>;

    /// How many swipes of which reader were received in an interval, by why they are held.
    async fn swipe_tallies(&self, received: Interval) -> Stored<Vec<ReaderTally>>;

    /// How many inputs of which reader could not be read in an interval of `received_at`, by reason.
    async fn rejected_tallies(&self, received: Interval) -> Stored<Vec<ReaderTally>>;

    /// What could not be read of one reader, newest first, at most `limit`.
    async fn rejected_of(&self, reader: &str, limit: i64) -> Stored<Vec<RejectedInput>>;

    /// Swipes received from an instant on that were held then, newest first, at most `limit`; those that somebody placed since are
    /// among them.
    async fn held_swipes(&self, received_from: Instant, limit: i64) -> Stored<Vec<SwipeRecord>>;

    /// Every badge key that was read in an interval of `happened_at`, widened to whole parts of four hours of UTC, sorted by key.
    async fn badges_seen(&self, happened: Interval) -> Stored<Vec<BadgeSeen>>;

    /// How held swipes were placed in time, newest first, at most `limit`; withdrawn ones too.
    async fn placements(&self, limit: i64) -> Stored<Vec<PlacementRow>>;

    /// The ids of swipes that were made by placing and are judged no more.
    async fn withdrawn_placements(&self) -> Stored<Vec<String>>;

    /// Day rows of a range of dates `[from, until)` as `YYYY-MM-DD`.
    async fn days(&self, from: &str, until: &str) -> Stored<Vec<DayRow>>;

    /// Meeting rows of a range of dates `[from, until)` as `YYYY-MM-DD`.
    async fn meeting_days(&self, from: &str, until: &str) -> Stored<Vec<MeetingRow>>;

    /// Findings, sorted by date, subject, period or meeting, kind.
    async fn findings(&self, query: &FindingQuery) -> Stored<Vec<FindingRow>>;

    /// What the findings of dates `[from, until)` said at `known_at`, without those withdrawn by then; `review` is that of
    /// today.
    async fn findings_at(&self, from: &str, until: &str, known_at: Instant) -> Stored<Vec<FindingRow>>;

    /// One finding. Whoever has only an id waits while it is looked for date by date, the latest first: milliseconds after ten years. It
    /// is the same where else an id alone is given; for lists there is `findings_by_id`.
    async fn finding(&self, id: &str) -> Stored<Option<FindingRow>>;

    /// Findings by their dates and ids, in no order; without those that do not exist.
    async fn findings_by_id(&self, keys: &[(&str, &str)]) -> Stored<Vec<FindingRow>>;

    /// What a finding said before, oldest first, with what it says now at the end.
    async fn finding_history(&self, id: &str) -> Stored<Vec<FindingRevision>>;

    /// Decisions on a finding, oldest first.
    async fn decisions(&self, finding: &str) -> Stored<Vec<DecisionRow>>;

    /// Decisions on findings of dates `[from, until)`, oldest first.
    async fn decisions_of_dates(&self, from: &str, until: &str) -> Stored<Vec<DecisionRow>>;

    /// Weeks that have been made public, by date.
    async fn publications(&self) -> Stored<Vec<PublicationRow>>;

    /// Corrections of findings of dates `[from, until)`, by date and then as found: those that wait, or all.
    async fn corrections(&self, from: &str, until: &str, with_settled: bool) -> Stored<Vec<CorrectionRow>>;

    /// The ids of the findings that an escalation counts, in order.
    async fn counted(&self, escalation: &str) -> Stored<Vec<String>>;

    /// Audit entries from `after` (exclusive) on, at most `limit`.
    async fn audit(&self, after: i64, limit: i64) -> Stored<Vec<AuditEntry>>;

    /// An account by its name.
    async fn account(&self, name: &str) -> Stored<Option<Account>>;

    /// Whether any account exists.
    async fn has_accounts(&self) -> Stored<bool>;

    /// A live session by the SHA-256 of its token, in hex.
    async fn session(&self, token_hash: &str) -> Stored<Option<SessionRow>>;

    /// A screen that is not revoked, by the SHA-256 of its token, in hex.
    async fn screen(&self, token_hash: &str) -> Stored<Option<ScreenRow>>;

    /// Screens, by name.
    async fn screens(&self) -> Stored<Vec<ScreenRow>>;

    /// A bridge that is not revoked, by the SHA-256 of its key, in hex.
    async fn bridge(&self, key_hash: &str) -> Stored<Option<BridgeRow>>;

    /// Bridges that are not revoked, by name.
    async fn bridges(&self) -> Stored<Vec<BridgeRow>>;

    /// A one-time link by the SHA-256 of its token, in hex, used or not.
    async fn link(&self, token_hash: &str) -> Stored<Option<OneTimeLink>>;

    /// The cheapest question that shows whether the database answers.
    async fn ping(&self) -> Stored<()>;

    /// Has the database parse every statement of this program against its schema, and returns how many there are; nothing
    /// runs. For tests and for looking into an installation.
    async fn check_statements(&self) -> Stored<usize>;

    /// Lets the database do its housekeeping; call it about once a second. SQLite: checkpoints, which bound the WAL.
    /// PostgreSQL: makes sure that the lock that keeps a second daemon out is still held, and takes it again where the
    /// connection that held it was lost; [`StoreError::InUse`] when somebody else was faster, and then this daemon must
    /// stop.
    async fn maintain(&self) -> Stored<()>;

    /// Ends all connections after what is under way.
    async fn close(&self);
}

/// One write transaction. Dropped without [`Transaction::commit`] it changes nothing.
#[async_trait]
pub trait Transaction: Send {
    /// Makes everything durable: when this returns, it survives kill -9 and power loss. After a call that failed it
    /// refuses, because PostgreSQL would answer such a commit with a silent rollback.
    async fn commit(self: Box<Self>) -> Stored<()>;

    /// What [`Transaction::save_days`] and [`Transaction::commit`] do, in as few turns as the database allows.
    async fn commit_with_days(self: Box<Self>, days: &[DayRow]) -> Stored<()>;

    /// Records swipes; one that is there already (same dedup key) is left as it is. Returns, in the order given, whether
    /// each was new.
    async fn record_swipes(&mut self, swipes: &[SwipeRecord]) -> Stored<Vec<bool>>;

    /// Records inputs that could not be read.
    async fn record_rejected(&mut self, inputs: &[RejectedInput]) -> Stored<()>;

    /// The facts revision as this transaction sees it.
    async fn facts_revision(&mut self) -> Stored<i64>;

    /// Makes sure that day rows exist. A new row is due at once.
    async fn touch_days(&mut self, days: &[DayKey]) -> Stored<()>;

    /// Locks day rows in the order of their keys.
    async fn lock_days(&mut self, days: &[&DayKey]) -> Stored<()>;

    /// Day rows that are due at `now`, earliest first, at most `limit`; locks them.
    async fn due_days(&mut self, now: Instant, limit: i64) -> Stored<Vec<DayKey>>;

    /// Swipes of many people at once: each query is answered with its swipes, in no particular order.
    async fn swipes_of(&mut self, queries: &[BadgeSwipe<'_>]) -> Stored<Vec<Vec<SwipeRecord>>>;

    /// The findings of these days that are not withdrawn, as judging last left them: in a published week with the
    /// corrections that wait laid over what was published.
    async fn findings_of(&mut self, days: &[DayKey]) -> Stored<Vec<FindingRow>>;

    /// Writes what was judged of days, with the next instant to look at them again. Refused where one of them has no row: see
    /// [`Transaction::touch_days`].
    async fn save_days(&mut self, days: &[DayRow]) -> Stored<()>;

    /// Makes sure that meeting rows exist and locks them in the order of their keys. A new row is due at once.
    async fn touch_meetings(&mut self, meetings: &[MeetingKey]) -> Stored<()>;

    /// Meeting rows that are due at `now`, earliest first, at most `limit`; locks them.
    async fn due_meetings(&mut self, now: Instant, limit: i64) -> Stored<Vec<MeetingKey>>;

    /// The findings of units at these meetings that are not withdrawn.
    async fn findings_of_meetings(&mut self, meetings: &[MeetingKey]) -> Stored<Vec<FindingRow>>;

    /// Writes what was judged of meetings as a whole: their rows, with the next instant to look at them again.
    async fn save_meetings(&mut self, meetings: &[MeetingRow]) -> Stored<()>;

    /// Writes new and changed findings (a withdrawn one has `withdrawn_at`), and keeps what each said before as history.
    /// Returns them as stored, in the order given: where a finding was there before, its `revision` goes on from there,
    /// and its `review` is kept, or becomes [`Review::ChangedAfterDecision`](crate::rows::Review) where a decided one says
    /// something else now or is withdrawn. One that says the same as before keeps its `revision` and `changed_at`.
    ///
    /// A finding of a published week is left as it was published: what differs becomes a correction that waits, and one
    /// that says what was published settles the correction that waited. It is returned as given.
    async fn save_findings(&mut self, findings: &[FindingRow]) -> Stored<Vec<FindingRow>>;

    /// The earliest instant at which any day wants to be judged again.
    async fn next_check(&mut self) -> Stored<Option<Instant>>;

    /// The earliest instant at which any meeting wants to be judged again.
    async fn next_meeting_check(&mut self) -> Stored<Option<Instant>>;

    /// Makes day rows due now: those of `people` (all people if `None`) from `from` on (all dates if `None`), and every meeting row
    /// from then on, because a meeting is judged by everybody's swipes. Returns how many were not due at once before.
    async fn make_due(&mut self, people: Option<&[&str]>, from: Option<&str>) -> Stored<u64>;

    /// Makes day rows of a range of dates `[from, until)` due now: those of `people`, or everybody's if `None`, and its meeting
    /// rows. Returns how many were not due at once before.
    async fn make_due_within(&mut self, people: Option<&[&str]>, from: &str, until: &str) -> Stored<u64>;

    /// Sets a named value of the installation.
    async fn set_setting(&mut self, name: &str, value: &str) -> Stored<()>;

    /// Appends an edition of a document.
    async fn add_document(&mut self, edition: &DocumentEdition) -> Stored<()>;

    /// Appends row facts.
    async fn add_facts(&mut self, facts: &[FactRow]) -> Stored<()>;

    /// Supersedes row facts by their ids; [`StoreError::Missing`] where one is not there or superseded already.
    async fn supersede_facts(&mut self, ids: &[&str], at: Instant) -> Stored<()>;

    /// Grows the facts revision by one and returns it.
    async fn bump_facts_revision(&mut self) -> Stored<i64>;

    /// Records at `recorded_at` that a reader went down, or (`down_until` set) that it is back.
    async fn save_outage(&mut self, outage: &OutageRow, recorded_at: Instant) -> Stored<()>;

    /// Asks a terminal for something; its `seq` is given by the database.
    async fn add_reader_command(&mut self, command: &ReaderCommandRow) -> Stored<()>;

    /// Notes that a terminal fetched a command; [`StoreError::Missing`] where there is none of that number.
    async fn send_reader_command(&mut self, seq: i64, at: Instant) -> Stored<()>;

    /// Ends a reader's command with what it returned (`None`: given up); whether it was one of this reader and open.
    async fn end_reader_command(&mut self, seq: i64, reader: &str, at: Instant, code: Option<i64>) -> Stored<bool>;

    /// Notes that a held swipe was placed in time; the swipe that was made of it is recorded beside it.
    async fn add_placement(&mut self, placement: &PlacementRow) -> Stored<()>;

    /// Withdraws a placement; whether it was there and stood.
    async fn withdraw_placement(&mut self, swipe: &str, at: Instant, by: &str) -> Stored<bool>;

    /// One finding, locked.
    async fn finding(&mut self, id: &str) -> Stored<Option<FindingRow>>;

    /// Records a decision, and the review state that it leaves its finding in. [`StoreError::ChangedMeanwhile`] where the
    /// finding's digest is not that of the decision.
    async fn decide(&mut self, decision: &DecisionRow, review: crate::rows::Review) -> Stored<()>;

    /// The findings that counting looks at: of these people, those that are confirmed and hold, and every escalation that
    /// holds as counting last left it.
    async fn countable_of(&mut self, people: &[&str]) -> Stored<Vec<FindingRow>>;

    /// Everybody for whom there is something to count, or an escalation.
    async fn counted_people(&mut self) -> Stored<Vec<String>>;

    /// Writes which findings an escalation counts, in order; none where it no longer holds.
    async fn save_counted(&mut self, escalation: &str, findings: &[&str]) -> Stored<()>;

    /// Makes a week public, once everybody who judges its dates has finished; [`StoreError::Exists`] where it, or its
    /// number, is public already.
    async fn publish(&mut self, publication: &PublicationRow) -> Stored<()>;

    /// Issues the corrections of a published week that wait, under the number of a notice: the findings say what judging
    /// said, and are open for decision again. Returns them as stored.
    async fn issue_corrections(
        &mut self,
        publication: &PublicationRow,
        number: &str,
        at: Instant,
    ) -> Stored<Vec<FindingRow>>;

    /// Appends to the audit chain and returns the entry.
    async fn append_audit(&mut self, record: &AuditRecord) -> Stored<AuditEntry>;

    /// Creates or replaces an account; replacing ends its sessions.
    async fn save_account(&mut self, account: &Account) -> Stored<()>;

    /// Starts a session, and removes those that had ended by then.
    async fn add_session(&mut self, session: &SessionRow) -> Stored<()>;

    /// Notes that a session was used.
    async fn touch_session(&mut self, token_hash: &str, seen_at: Instant) -> Stored<()>;

    /// Ends a session.
    async fn end_session(&mut self, token_hash: &str) -> Stored<()>;

    /// Adds a screen.
    async fn add_screen(&mut self, screen: &ScreenRow) -> Stored<()>;

    /// Notes when a screen was last seen; only a live connection does this.
    async fn touch_screen(&mut self, screen: &str, seen_at: Instant) -> Stored<()>;

    /// Revokes a screen's token.
    async fn revoke_screen(&mut self, screen: &str, at: Instant) -> Stored<bool>;

    /// Gives a bridge a key; one that has a key or was revoked has only this one from now on.
    async fn enrol_bridge(&mut self, name: &str, key_hash: &str, at: Instant) -> Stored<()>;

    /// Notes when a bridge was seen, and how far its queue is committed; whether it is enrolled.
    async fn note_bridge(&mut self, name: &str, seen_at: Instant, queue: &str, acknowledged: i64) -> Stored<bool>;

    /// Revokes a bridge's key; whether it had one.
    async fn revoke_bridge(&mut self, name: &str, at: Instant) -> Stored<bool>;

    /// Adds a one-time link.
    async fn add_link(&mut self, link: &OneTimeLink) -> Stored<()>;

    /// Uses a one-time link up; whether it was good: of that purpose, not used, and not ended.
    async fn consume_link(&mut self, token_hash: &str, purpose: &str, at: Instant) -> Stored<bool>;
}
