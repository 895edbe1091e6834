//! What goes in and out of the ledger. Instants are [`Instant`]s, civil dates text `YYYY-MM-DD`.

use rules::time::{Instant, Interval};

/// A stored swipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwipeRecord {
    /// The first 32 hex digits of the SHA-256 of `dedup_key`; see [`SwipeRecord::id_of`].
    pub id: String,
    /// What makes the same reading the same: reader | the source's own tuple.
    pub dedup_key: String,
    /// The reader's id, as configured; not necessarily known to the site.
    pub reader: String,
    /// The badge key that the reader's rule made of the card.
    pub badge: String,
    /// What was read, bytes or left-justified bits, in hex; `None` where the source gives text only.
    pub raw_hex: Option<String>,
    /// How many bits `raw_hex` holds, for cards.
    pub bits: Option<i64>,
    /// When it happened.
    pub happened_at: Instant,
    /// When it was received.
    pub received_at: Instant,
    /// The source's own number.
    pub sequence: Option<i64>,
    /// `in`, `out` or `both`, where the source says it.
    pub faces: Option<String>,
    /// Why it is not judged before somebody has placed it in time or named its reader; `None` for most.
    pub quarantine: Option<String>,
}

/// A question for the swipes of some badges in an interval of `happened_at`.
#[derive(Clone, Debug)]
pub struct BadgeSwipe<'a> {
    /// Badge keys.
    pub badges: Vec<&'a str>,
    /// When they happened.
    pub happened: Interval,
}

/// An input that could not be read, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedInput {
    /// A name of its own.
    pub id: String,
    /// The reader or source it came from.
    pub reader: String,
    /// When it came.
    pub received_at: Instant,
    /// Why it could not be read, a stable word such as `checksum`.
    pub reason: String,
    /// The bytes in hex, at most 4 KiB of them.
    pub raw_hex: String,
}

/// Names the row of one person's date. Sorted by person, then date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayKey {
    /// Person id.
    pub person: String,
    /// `YYYY-MM-DD` at the site.
    pub date: String,
}

/// What was last judged of one person's date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// Whose, and which date.
    pub key: DayKey,
    /// When it was judged; `None` if never.
    pub judged_at: Option<Instant>,
    /// When to look again; `None` if only a new fact can change it.
    pub next_check: Option<Instant>,
    /// `rules::VERSION` it was judged by.
    pub rules_version: i64,
    /// The facts revision it was judged by.
    pub facts_revision: i64,
}

/// Names the row of a meeting as a whole, or of what inspectors saw of units on a date outside meetings. Sorted by date, then meeting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeetingKey {
    /// `YYYY-MM-DD` at the site, on which it starts.
    pub date: String,
    /// Meeting id; empty outside meetings.
    pub meeting: String,
}

/// What was last judged of a meeting as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeetingRow {
    /// Which.
    pub key: MeetingKey,
    /// When it was judged; `None` if never.
    pub judged_at: Option<Instant>,
    /// When to look again; `None` if only a new fact can change it.
    pub next_check: Option<Instant>,
    /// `rules::VERSION` it was judged by.
    pub rules_version: i64,
    /// The facts revision it was judged by.
    pub facts_revision: i64,
}

/// A stored finding: what it says now, and how far its review is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// An opaque name that says nothing about the person. It is made of the date among other things, so a finding never
    /// changes its date.
    pub id: String,
    /// Person id; empty where the finding is about the unit as a whole.
    pub person: String,
    /// Unit id: the person's at that time, or the unit itself.
    pub unit: Option<String>,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Period name.
    pub period: Option<String>,
    /// Meeting id.
    pub meeting: Option<String>,
    /// Snake-case kind.
    pub kind: String,
    /// `provisional`, `final` or `withheld`.
    pub state: String,
    /// Length in milliseconds.
    pub length_ms: Option<i64>,
    /// When it should have been.
    pub due: Option<Instant>,
    /// When it was.
    pub actual: Option<Instant>,
    /// Since when it is going on.
    pub since: Option<Instant>,
    /// The observation or duty from which it comes, by its id.
    pub source: Option<String>,
    /// Swipe ids that it cites, separated by blanks.
    pub swipes: String,
    /// SHA-256 over what it says, in hex: what a decision is bound to.
    pub digest: String,
    /// Grows with every change of what it says, from 1.
    pub revision: i64,
    /// When it last changed.
    pub changed_at: Instant,
    /// When it stopped being true; `None` while it is.
    pub withdrawn_at: Option<Instant>,
    /// `rules::VERSION` it was judged by.
    pub rules_version: i64,
    /// The facts revision it was judged by.
    pub facts_revision: i64,
    /// How far its review is.
    pub review: Review,
}

/// How far a finding's review is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Nobody has decided.
    Open,
    /// Confirmed.
    Confirmed,
    /// Waived with a reason.
    Waived,
    /// Decided, but what it says has changed since.
    ChangedAfterDecision,
}

/// What a finding said at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRevision {
    /// Which revision.
    pub revision: i64,
    /// When it began to say this.
    pub at: Instant,
    /// `provisional`, `final`, `withheld` or `withdrawn`.
    pub state: String,
    /// Length in milliseconds.
    pub length_ms: Option<i64>,
    /// When it was.
    pub actual: Option<Instant>,
    /// `rules::VERSION` it was judged by.
    pub rules_version: i64,
    /// The facts revision it was judged by.
    pub facts_revision: i64,
}

/// A person's act on a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// A name of its own.
    pub id: String,
    /// The finding.
    pub finding: String,
    /// `confirm` or `waive`.
    pub act: String,
    /// Why, in the words of whoever decided; required to waive.
    pub reason: String,
    /// Account name.
    pub actor: String,
    /// When.
    pub at: Instant,
    /// The digest of what was decided on.
    pub digest: String,
    /// The explanation as it read then, in Chinese.
    pub explanation_zh: String,
    /// The explanation as it read then, in English.
    pub explanation_en: String,
}

/// Which findings to list.
#[derive(Clone, Debug, Default)]
pub struct FindingQuery {
    /// From this date on.
    pub from: Option<String>,
    /// Before this date.
    pub until: Option<String>,
    /// Of this person.
    pub person: Option<String>,
    /// Only these review states; empty is all.
    pub reviews: Vec<Review>,
    /// Withdrawn ones too.
    pub with_withdrawn: bool,
}

/// A document of the site as text of the site folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEdition {
    /// `site`, `schedules`, `calendar` or `meetings`.
    pub kind: String,
    /// The day from which it is in force; empty is always.
    pub effective_from: String,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: String,
    /// The text.
    pub body: String,
}

/// One row of a file of the site folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// A name of its own.
    pub id: String,
    /// The file, such as `people.csv`.
    pub file: String,
    /// Its cells as a JSON object of column to text.
    pub cells: String,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: String,
}

/// A time in which the daemon could not hear a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageRow {
    /// Reader id.
    pub reader: String,
    /// When it was last heard.
    pub down_from: Instant,
    /// When it was back.
    pub down_until: Option<Instant>,
}

/// How often something came of one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderTally {
    /// Reader id.
    pub reader: String,
    /// Why a swipe is held or an input could not be read; `None` for swipes that are not held.
    pub reason: Option<String>,
    /// How often.
    pub times: i64,
}

/// A badge key that was read, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadgeSeen {
    /// Badge key.
    pub badge: String,
    /// How many swipes.
    pub times: i64,
    /// When the first of them happened.
    pub first_at: Instant,
    /// When the last of them happened.
    pub last_at: Instant,
}

/// That a person placed a held swipe in time: a new swipe was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementRow {
    /// The swipe that was made.
    pub swipe: String,
    /// The held swipe.
    pub original: String,
    /// Its reader.
    pub reader: String,
    /// Its badge key.
    pub badge: String,
    /// When it happened, as placed.
    pub happened_at: Instant,
    /// When it was placed.
    pub placed_at: Instant,
    /// By whom.
    pub placed_by: String,
    /// Why.
    pub reason: String,
    /// When it was withdrawn and by whom; the swipe that was made is judged no more then.
    pub withdrawn: Option<(Instant, String)>,
}

/// Something that a terminal is asked to do when it next calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderCommandRow {
    /// Its number, and the id that the terminal is given; 0 until it is stored.
    pub seq: i64,
    /// Reader id.
    pub reader: String,
    /// `check`, `records` or `clock`.
    pub command: String,
    /// Of `records`: from this civil time at the terminal, `YYYY-MM-DD HH:MM:SS`.
    pub starts: Option<String>,
    /// Of `records`: until this civil time, included.
    pub until: Option<String>,
    /// When it was asked for.
    pub asked_at: Instant,
    /// By whom.
    pub asked_by: String,
    /// When the terminal last fetched it.
    pub sent_at: Option<Instant>,
    /// How often it has fetched it.
    pub sends: i64,
    /// When it was over: the terminal said so, or was given up.
    pub done_at: Option<Instant>,
    /// What the terminal returned: 0 and above is well; `None`: it never said.
    pub code: Option<i64>,
}

/// What is to be audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// What was done, a stable word such as `finding.confirm`.
    pub act: String,
    /// To what.
    pub subject: String,
    /// Details as JSON; may hold personal data, so the chain holds only its salted hash.
    pub body: String,
}

/// An entry of the audit chain. `hash` = SHA-256 over seq, at, actor, act, subject, body_hash, previous_hash;
/// `body_hash` = SHA-256 over salt and body, so that a body can be deleted without breaking the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: i64,
    /// What was audited.
    pub record: AuditRecord,
    /// 16 random bytes in hex.
    pub salt: String,
    /// Salted hash of the body, in hex.
    pub body_hash: String,
    /// `hash` of the entry before; 64 zeros for the first.
    pub previous_hash: String,
    /// This entry's hash, in hex.
    pub hash: String,
}

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// When it was created or its password last set.
    pub changed_at: Instant,
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// Account name.
    pub account: String,
    /// When it began.
    pub created_at: Instant,
    /// When it was last used.
    pub seen_at: Instant,
    /// When it ends whatever happens.
    pub expires_at: Instant,
    /// Secret of the session that forms must send back, in hex.
    pub form_secret: String,
}

/// A lobby screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenRow {
    /// A name of its own.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// When it was added.
    pub created_at: Instant,
    /// When it was last connected.
    pub seen_at: Option<Instant>,
}

/// A bridge that was enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeRow {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its key, in hex.
    pub key_hash: String,
    /// When it got this key.
    pub enrolled_at: Instant,
    /// When it was last connected.
    pub seen_at: Option<Instant>,
    /// The queue whose records are known; `None` before it has sent any.
    pub queue: Option<String>,
    /// Everything of that queue up to this number is committed.
    pub acknowledged: i64,
}

/// A link that lets whoever opens it do one thing once, such as create the first admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeLink {
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// What it is for, a stable word such as `first_admin`.
    pub purpose: String,
    /// When it ends.
    pub expires_at: Instant,
    /// When it was used; `None` while it was not.
    pub used_at: Option<Instant>,
}

/// A week whose findings have been made public: from then on nothing changes them but a numbered correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicationRow {
    /// `2026-W37`.
    pub week: String,
    /// Its Monday, `YYYY-MM-DD`.
    pub first_date: String,
    /// The Monday after it.
    pub until_date: String,
    /// The number of the bulletin; no other week has it.
    pub number: String,
    /// When.
    pub published_at: Instant,
    /// By whom.
    pub published_by: String,
}

/// What judging says of a finding of a published week, where that is not what was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionRow {
    /// What the finding would say; `withdrawn_at` where it would no longer hold.
    pub finding: FindingRow,
    /// The published week.
    pub week: String,
    /// When it was found.
    pub found_at: Instant,
    /// Since when it waits no more.
    pub settled_at: Option<Instant>,
    /// The number of the notice that issued it; `None` while it waits, and where it was overtaken or is true no more.
    pub number: Option<String>,
}
