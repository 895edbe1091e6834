//! Every statement of the store, in one place: a test prepares each of them on both databases.
//!
//! One text serves both, with `$1..$n` for parameters. A statement for many rows ([`Bulk`]) is written once and made
//! for each of [`SIZES`], so that a connection prepares a handful of texts and uses them again. What must differ is a
//! constant of [`Dialect`](crate::dialect::Dialect).

use crate::dialect::Dialect;

/// For how many rows at once there are texts, largest first: so close together that filling a list up to the next one is cheap.
pub(crate) const SIZES: [usize; 16] = [256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

pub(crate) const PING: &str = "SELECT 1";
pub(crate) const SCHEMA_VERSION: &str = "SELECT MAX(version) AS version FROM _sqlx_migrations";

pub(crate) const SETTING: &str = "SELECT value FROM setting WHERE name = $1";
pub(crate) const SET_SETTING: &str =
    "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
pub(crate) const FACTS_REVISION: &str = "SELECT value FROM counter WHERE name = 'facts_revision'";
pub(crate) const BUMP_FACTS_REVISION: &str =
    "UPDATE counter SET value = value + 1 WHERE name = 'facts_revision' RETURNING value";

pub(crate) const DOCUMENTS: &str = "SELECT kind, effective_from, recorded_at_ms, recorded_by, body FROM edition \
     WHERE seq = (SELECT MAX(later.seq) FROM edition later \
         WHERE later.kind = edition.kind AND later.effective_from = edition.effective_from) \
     ORDER BY kind, effective_from";
/// As [`DOCUMENTS`], of what had been recorded by `$1`.
pub(crate) const DOCUMENTS_AT: &str = "SELECT kind, effective_from, recorded_at_ms, recorded_by, body FROM edition \
     WHERE seq = (SELECT MAX(later.seq) FROM edition later \
         WHERE later.kind = edition.kind AND later.effective_from = edition.effective_from \
         AND later.recorded_at_ms <= $1) \
     ORDER BY kind, effective_from";
pub(crate) const ADD_DOCUMENT: &str =
    "INSERT INTO edition (kind, effective_from, recorded_at_ms, recorded_by, body) VALUES ($1, $2, $3, $4, $5)";
pub(crate) const FACTS: &str = "SELECT id, file, cells, recorded_at_ms, recorded_by FROM fact \
     WHERE superseded_at_ms IS NULL ORDER BY file, seq";

/// As [`FACTS`], of one file.
pub(crate) const FACTS_OF_FILE: &str = "SELECT id, file, cells, recorded_at_ms, recorded_by FROM fact \
     WHERE superseded_at_ms IS NULL AND file = $1 ORDER BY seq";

/// As [`FACTS`], of what had been recorded and not superseded by `$1`.
pub(crate) const FACTS_AT: &str = "SELECT id, file, cells, recorded_at_ms, recorded_by FROM fact \
     WHERE recorded_at_ms <= $1 AND (superseded_at_ms IS NULL OR superseded_at_ms > $1) ORDER BY file, seq";

pub(crate) const OUTAGES: &str =
    "SELECT reader, down_from_at_ms, down_until_at_ms FROM outage ORDER BY reader, down_from_at_ms";
/// As [`OUTAGES`], of what had been written down by `$1`.
pub(crate) const OUTAGES_AT: &str = "SELECT reader, down_from_at_ms, \
     CASE WHEN COALESCE(closed_at_ms, down_until_at_ms) <= $1 THEN down_until_at_ms END AS down_until_at_ms \
     FROM outage WHERE COALESCE(recorded_at_ms, down_from_at_ms) <= $1 ORDER BY reader, down_from_at_ms";
/// `$4` when this is written down, `$5` the same where it ends.
pub(crate) const SAVE_OUTAGE: &str = "INSERT INTO outage \
     (reader, down_from_at_ms, down_until_at_ms, recorded_at_ms, closed_at_ms) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (reader, down_from_at_ms) DO UPDATE SET down_until_at_ms = excluded.down_until_at_ms, \
     closed_at_ms = excluded.closed_at_ms";

pub(crate) const READER_COMMANDS: &str = "SELECT seq, reader, command, starts, until, asked_at_ms, asked_by, sent_at_ms, \
     sends, done_at_ms, code FROM reader_command ORDER BY seq DESC LIMIT $1";
pub(crate) const OPEN_READER_COMMANDS: &str = "SELECT seq, reader, command, starts, until, asked_at_ms, asked_by, sent_at_ms, \
     sends, done_at_ms, code FROM reader_command WHERE reader = $1 AND done_at_ms IS NULL ORDER BY seq LIMIT $2";
pub(crate) const ADD_READER_COMMAND: &str = "INSERT INTO reader_command \
     (reader, command, starts, until, asked_at_ms, asked_by, sends) VALUES ($1, $2, $3, $4, $5, $6, 0)";
pub(crate) const SEND_READER_COMMAND: &str =
    "UPDATE reader_command SET sent_at_ms = $1, sends = sends + 1 WHERE seq = $2";
pub(crate) const END_READER_COMMAND: &str = "UPDATE reader_command SET done_at_ms = $1, code = $2 \
     WHERE seq = $3 AND reader = $4 AND done_at_ms IS NULL";

pub(crate) const SWIPES_RECEIVED: &str = "SELECT id, dedup_key, reader, badge, raw_hex, bits, happened_at_ms, \
     received_at_ms, sequence, faces, quarantine FROM swipe \
     WHERE received_at_ms >= $1 AND received_at_ms < $2 ORDER BY received_at_ms, seq LIMIT $3";
pub(crate) const SWIPE_PARTS: &str = "SELECT (SELECT MIN(happened_part) FROM swipe) AS first_part, \
     (SELECT MAX(happened_part) FROM swipe) AS last_part";
pub(crate) const SWIPE_COUNT: &str = "SELECT COUNT(*) AS swipes FROM swipe";
pub(crate) const REJECTED_INPUTS: &str = "SELECT id, reader, received_at_ms, reason, raw_hex FROM rejected_input \
     ORDER BY received_at_ms DESC, id LIMIT $1";

/// Of an interval of `received_at`, how many swipes of which reader were kept, by why they are held.
pub(crate) const SWIPE_TALLIES: &str = "SELECT reader, quarantine AS reason, COUNT(*) AS times FROM swipe \
     WHERE received_at_ms >= $1 AND received_at_ms < $2 GROUP BY reader, quarantine ORDER BY reader, quarantine";
pub(crate) const REJECTED_TALLIES: &str = "SELECT reader, reason, COUNT(*) AS times FROM rejected_input \
     WHERE received_at_ms >= $1 AND received_at_ms < $2 GROUP BY reader, reason ORDER BY reader, reason";
pub(crate) const REJECTED_OF_READER: &str = "SELECT id, reader, received_at_ms, reason, raw_hex FROM rejected_input \
     WHERE reader = $1 ORDER BY received_at_ms DESC, id LIMIT $2";
pub(crate) const HELD_SWIPES: &str = "SELECT id, dedup_key, reader, badge, raw_hex, bits, happened_at_ms, \
     received_at_ms, sequence, faces, quarantine FROM swipe \
     WHERE quarantine IS NOT NULL AND received_at_ms >= $1 ORDER BY received_at_ms DESC, seq DESC LIMIT $2";
/// Parts of days of UTC, both ends inside.
pub(crate) const BADGES_SEEN: &str = "SELECT badge, COUNT(*) AS times, MIN(happened_at_ms) AS first_at_ms, \
     MAX(happened_at_ms) AS last_at_ms FROM swipe WHERE happened_part >= $1 AND happened_part <= $2 \
     GROUP BY badge ORDER BY badge";
pub(crate) const PLACEMENTS: &str = "SELECT swipe, original, reader, badge, happened_at_ms, placed_at_ms, placed_by, reason, \
     withdrawn_at_ms, withdrawn_by FROM placement ORDER BY placed_at_ms DESC, swipe LIMIT $1";
pub(crate) const WITHDRAWN_PLACEMENTS: &str =
    "SELECT swipe FROM placement WHERE withdrawn_at_ms IS NOT NULL ORDER BY swipe";
pub(crate) const ADD_PLACEMENT: &str = "INSERT INTO placement \
     (swipe, original, reader, badge, happened_at_ms, placed_at_ms, placed_by, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(crate) const WITHDRAW_PLACEMENT: &str =
    "UPDATE placement SET withdrawn_at_ms = $1, withdrawn_by = $2 WHERE swipe = $3 AND withdrawn_at_ms IS NULL";

pub(crate) const DAYS: &str = "SELECT person, date, judged_at_ms, next_check_at_ms, rules_version, facts_revision \
     FROM day JOIN day_check ON day_check.day = day.seq WHERE date >= $1 AND date < $2 ORDER BY person, date";
pub(crate) const MAKE_ALL_DUE: &str = "UPDATE day_check SET next_check_at_ms = 0 \
     WHERE day IN (SELECT seq FROM day WHERE date >= $1) AND (next_check_at_ms IS NULL OR next_check_at_ms <> 0)";
/// `$1` the first date, `$2` the date after the last.
pub(crate) const MAKE_ALL_DUE_WITHIN: &str = "UPDATE day_check SET next_check_at_ms = 0 \
     WHERE day IN (SELECT seq FROM day WHERE date >= $1 AND date < $2) \
     AND (next_check_at_ms IS NULL OR next_check_at_ms <> 0)";
pub(crate) const MEETING_DAYS: &str = "SELECT date, meeting, judged_at_ms, next_check_at_ms, rules_version, facts_revision \
     FROM meeting_day WHERE date >= $1 AND date < $2 ORDER BY date, meeting";
pub(crate) const NEXT_MEETING_CHECK: &str =
    "SELECT next_check_at_ms FROM meeting_day WHERE next_check_at_ms IS NOT NULL ORDER BY next_check_at_ms LIMIT 1";
/// `$1` the first date, `$2` the date after the last.
pub(crate) const MAKE_MEETINGS_DUE: &str = "UPDATE meeting_day SET next_check_at_ms = 0 \
     WHERE date >= $1 AND date < $2 AND (next_check_at_ms IS NULL OR next_check_at_ms <> 0)";

/// `$1` from, `$2` until, `$3` to `$6` review states, `$7` 1 to list withdrawn ones too.
pub(crate) const FINDINGS: &str = "SELECT id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, \
     actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, facts_revision, \
     review FROM finding WHERE date >= $1 AND date < $2 AND review IN ($3, $4, $5, $6) \
     AND (withdrawn_at_ms IS NULL OR $7 = 1) ORDER BY date, person, COALESCE(period, meeting, ''), kind, id";
/// As [`FINDINGS`]; `$8` the person.
pub(crate) const FINDINGS_OF_PERSON: &str = "SELECT id, person, unit, date, period, meeting, kind, state, length_ms, \
     due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
     facts_revision, review FROM finding WHERE date >= $1 AND date < $2 AND review IN ($3, $4, $5, $6) \
     AND (withdrawn_at_ms IS NULL OR $7 = 1) AND person = $8 \
     ORDER BY date, person, COALESCE(period, meeting, ''), kind, id";
/// What findings of dates from `$1` until `$2` said at `$3`.
pub(crate) const FINDINGS_AT: &str = "SELECT id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, \
     actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, facts_revision, \
     review FROM finding WHERE date >= $1 AND date < $2 AND changed_at_ms <= $3 AND withdrawn_at_ms IS NULL \
     UNION ALL SELECT finding.id, finding.person, finding.unit, finding.date, finding.period, finding.meeting, said.kind, \
     said.state, said.length_ms, said.due_at_ms, said.actual_at_ms, said.since_at_ms, finding.source, said.swipes, said.digest, \
     said.revision, said.changed_at_ms, said.withdrawn_at_ms, said.rules_version, said.facts_revision, finding.review \
     FROM finding CROSS JOIN finding_history said WHERE finding.date >= $1 AND finding.date < $2 \
     AND finding.changed_at_ms > $3 AND said.finding = finding.seq AND said.withdrawn_at_ms IS NULL \
     AND said.revision = (SELECT MAX(earlier.revision) FROM finding_history earlier \
         WHERE earlier.finding = finding.seq AND earlier.changed_at_ms <= $3) \
     ORDER BY date, person, kind, id";
/// The number of the finding with the id `$1`. An id is unique within its date only, so one date after another is asked, the latest first. A join would say
/// the same, but where SQLite has statistics it reads all findings before a join, to be able to skip dates.
pub(crate) const FINDING_NUMBER: &str = "WITH RECURSIVE dates (date) AS (SELECT MAX(date) FROM finding \
         UNION ALL SELECT (SELECT MAX(finding.date) FROM finding WHERE finding.date < dates.date) FROM dates \
         WHERE dates.date IS NOT NULL) \
     SELECT seq FROM (SELECT (SELECT finding.seq FROM finding WHERE finding.date = dates.date AND finding.id = $1) AS seq \
         FROM dates) found WHERE seq IS NOT NULL LIMIT 1";
/// `$1` is its number, as in the next two.
pub(crate) const FINDING: &str = "SELECT id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, \
     actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, facts_revision, \
     review FROM finding WHERE seq = $1";
pub(crate) const FINDING_HISTORY: &str = "SELECT finding, revision, changed_at_ms, state, length_ms, actual_at_ms, \
     withdrawn_at_ms, rules_version, facts_revision FROM finding_history WHERE finding = $1 \
     UNION ALL SELECT seq, revision, changed_at_ms, state, length_ms, actual_at_ms, withdrawn_at_ms, rules_version, \
     facts_revision FROM finding WHERE seq = $1 ORDER BY revision";
pub(crate) const DECISIONS: &str = "SELECT decision.id, finding.id AS finding, act, reason, actor, at_ms, decision.digest, \
     explanation_zh, explanation_en FROM finding CROSS JOIN decision \
     WHERE finding.seq = $1 AND decision.finding = finding.seq ORDER BY decision.seq";
pub(crate) const ADD_DECISION: &str = "INSERT INTO decision \
     (id, finding, act, reason, actor, at_ms, digest, explanation_zh, explanation_en) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(crate) const REVIEW_FINDING: &str = "UPDATE finding SET review = $1 WHERE seq = $2 AND digest = $3";

pub(crate) const PUBLICATIONS: &str = "SELECT week, first_date, until_date, number, published_at_ms, published_by \
     FROM publication ORDER BY first_date";
/// The publications of weeks that hold a date from `$1` to `$2`.
pub(crate) const PUBLICATIONS_OF: &str = "SELECT week, first_date, until_date, number, published_at_ms, published_by \
     FROM publication WHERE until_date > $1 AND first_date <= $2 ORDER BY first_date";
pub(crate) const ADD_PUBLICATION: &str = "INSERT INTO publication \
     (week, first_date, until_date, number, published_at_ms, published_by) VALUES ($1, $2, $3, $4, $5, $6)";
pub(crate) const LOCK_DATES: &str = "UPDATE day_check SET facts_revision = facts_revision \
     WHERE day IN (SELECT seq FROM day WHERE date >= $1 AND date < $2)";
pub(crate) const LOCK_MEETINGS_OF_DATES: &str =
    "UPDATE meeting_day SET facts_revision = facts_revision WHERE date >= $1 AND date < $2";
/// `$1` from, `$2` until, `$3` 1 to list settled ones too.
pub(crate) const CORRECTIONS: &str = "SELECT finding AS id, person, unit, date, period, meeting, kind, state, length_ms, \
     due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
     facts_revision, review, week, found_at_ms, settled_at_ms, number FROM correction \
     WHERE date >= $1 AND date < $2 AND (settled_at_ms IS NULL OR $3 = 1) ORDER BY date, seq";
pub(crate) const PENDING_CORRECTIONS: &str = "SELECT finding AS id, person, unit, date, period, meeting, kind, state, \
     length_ms, due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, \
     rules_version, facts_revision, review FROM correction \
     WHERE date >= $1 AND date < $2 AND settled_at_ms IS NULL ORDER BY date, seq";
pub(crate) const COUNTED: &str = "SELECT finding FROM counted WHERE escalation = $1 ORDER BY position";
pub(crate) const COUNTED_PEOPLE: &str = "SELECT DISTINCT person FROM finding \
     WHERE withdrawn_at_ms IS NULL AND (review = 'confirmed' OR kind = 'escalation') ORDER BY person";
pub(crate) const FORGET_COUNTED: &str = "DELETE FROM counted WHERE escalation = $1";
pub(crate) const DECISIONS_OF_DATES: &str = "SELECT decision.id, finding.id AS finding, act, reason, actor, at_ms, \
     decision.digest, explanation_zh, explanation_en FROM finding CROSS JOIN decision \
     WHERE finding.date >= $1 AND finding.date < $2 AND decision.finding = finding.seq ORDER BY decision.seq";

pub(crate) const AUDIT: &str = "SELECT seq, at_ms, actor, act, subject, body, salt, body_hash, previous_hash, hash \
     FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(crate) const LAST_AUDIT: &str = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
pub(crate) const ADD_AUDIT: &str = "INSERT INTO audit \
     (seq, at_ms, actor, act, subject, body, salt, body_hash, previous_hash, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(crate) const ACCOUNT: &str = "SELECT name, password_hash, changed_at_ms FROM account WHERE name = $1";
pub(crate) const ANY_ACCOUNT: &str = "SELECT name FROM account LIMIT 1";
pub(crate) const SAVE_ACCOUNT: &str = "INSERT INTO account (name, password_hash, changed_at_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, changed_at_ms = excluded.changed_at_ms";
pub(crate) const END_SESSIONS_OF: &str = "DELETE FROM session WHERE account = $1";
pub(crate) const SESSION: &str = "SELECT token_hash, account, created_at_ms, seen_at_ms, expires_at_ms, form_secret \
     FROM session WHERE token_hash = $1";
pub(crate) const ADD_SESSION: &str = "INSERT INTO session \
     (token_hash, account, created_at_ms, seen_at_ms, expires_at_ms, form_secret) VALUES ($1, $2, $3, $4, $5, $6)";
pub(crate) const END_EXPIRED_SESSIONS: &str = "DELETE FROM session WHERE expires_at_ms <= $1";
pub(crate) const TOUCH_SESSION: &str = "UPDATE session SET seen_at_ms = $1 WHERE token_hash = $2";
pub(crate) const END_SESSION: &str = "DELETE FROM session WHERE token_hash = $1";

pub(crate) const SCREEN: &str = "SELECT id, name, token_hash, created_at_ms, seen_at_ms FROM screen \
     WHERE token_hash = $1 AND revoked_at_ms IS NULL";
pub(crate) const SCREENS: &str = "SELECT id, name, token_hash, created_at_ms, seen_at_ms FROM screen \
     WHERE revoked_at_ms IS NULL ORDER BY name, id";
pub(crate) const ADD_SCREEN: &str =
    "INSERT INTO screen (id, name, token_hash, created_at_ms, seen_at_ms) VALUES ($1, $2, $3, $4, $5)";
pub(crate) const TOUCH_SCREEN: &str = "UPDATE screen SET seen_at_ms = $1 WHERE id = $2";
pub(crate) const REVOKE_SCREEN: &str = "UPDATE screen SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms IS NULL";

pub(crate) const BRIDGE: &str = "SELECT name, key_hash, enrolled_at_ms, seen_at_ms, queue, acknowledged FROM bridge \
     WHERE key_hash = $1 AND revoked_at_ms IS NULL";
pub(crate) const BRIDGES: &str = "SELECT name, key_hash, enrolled_at_ms, seen_at_ms, queue, acknowledged FROM bridge \
     WHERE revoked_at_ms IS NULL ORDER BY name";
/// A bridge that is enrolled again has a new key, and goes on where its queue is.
pub(crate) const ENROL_BRIDGE: &str = "INSERT INTO bridge (name, key_hash, enrolled_at_ms, acknowledged) VALUES ($1, $2, $3, 0) \
     ON CONFLICT (name) DO UPDATE SET key_hash = excluded.key_hash, enrolled_at_ms = excluded.enrolled_at_ms, revoked_at_ms = NULL";
/// `$1` when, `$2` queue, `$3` number, `$4` name.
pub(crate) const NOTE_BRIDGE: &str =
    "UPDATE bridge SET seen_at_ms = $1, queue = $2, acknowledged = $3 WHERE name = $4 AND revoked_at_ms IS NULL";
pub(crate) const REVOKE_BRIDGE: &str = "UPDATE bridge SET revoked_at_ms = $1 WHERE name = $2 AND revoked_at_ms IS NULL";

pub(crate) const LINK: &str =
    "SELECT token_hash, purpose, expires_at_ms, used_at_ms FROM one_time_link WHERE token_hash = $1";
pub(crate) const ADD_LINK: &str =
    "INSERT INTO one_time_link (token_hash, purpose, expires_at_ms, used_at_ms) VALUES ($1, $2, $3, $4)";
/// `$1` when, `$2` token hash, `$3` purpose.
pub(crate) const CONSUME_LINK: &str = "UPDATE one_time_link SET used_at_ms = $1 \
     WHERE token_hash = $2 AND purpose = $3 AND used_at_ms IS NULL AND expires_at_ms > $1";

/// Every statement that is one text for both databases and for one row.
const SINGLE: &[&str] = &[
    PING,
    SCHEMA_VERSION,
    SETTING,
    SET_SETTING,
    FACTS_REVISION,
    BUMP_FACTS_REVISION,
    DOCUMENTS,
    DOCUMENTS_AT,
    ADD_DOCUMENT,
    FACTS,
    FACTS_AT,
    FACTS_OF_FILE,
    OUTAGES,
    OUTAGES_AT,
    SAVE_OUTAGE,
    READER_COMMANDS,
    OPEN_READER_COMMANDS,
    ADD_READER_COMMAND,
    SEND_READER_COMMAND,
    END_READER_COMMAND,
    SWIPES_RECEIVED,
    SWIPE_PARTS,
    SWIPE_COUNT,
    REJECTED_INPUTS,
    SWIPE_TALLIES,
    REJECTED_TALLIES,
    REJECTED_OF_READER,
    HELD_SWIPES,
    BADGES_SEEN,
    PLACEMENTS,
    WITHDRAWN_PLACEMENTS,
    ADD_PLACEMENT,
    WITHDRAW_PLACEMENT,
    DAYS,
    MAKE_ALL_DUE,
    MAKE_ALL_DUE_WITHIN,
    MEETING_DAYS,
    NEXT_MEETING_CHECK,
    MAKE_MEETINGS_DUE,
    FINDINGS,
    FINDINGS_OF_PERSON,
    FINDINGS_AT,
    FINDING_NUMBER,
    FINDING,
    FINDING_HISTORY,
    DECISIONS,
    ADD_DECISION,
    REVIEW_FINDING,
    PUBLICATIONS,
    PUBLICATIONS_OF,
    ADD_PUBLICATION,
    LOCK_DATES,
    LOCK_MEETINGS_OF_DATES,
    CORRECTIONS,
    PENDING_CORRECTIONS,
    COUNTED,
    COUNTED_PEOPLE,
    FORGET_COUNTED,
    DECISIONS_OF_DATES,
    AUDIT,
    LAST_AUDIT,
    ADD_AUDIT,
    ACCOUNT,
    ANY_ACCOUNT,
    SAVE_ACCOUNT,
    END_SESSIONS_OF,
    SESSION,
    ADD_SESSION,
    END_EXPIRED_SESSIONS,
    TOUCH_SESSION,
    END_SESSION,
    SCREEN,
    SCREENS,
    ADD_SCREEN,
    TOUCH_SCREEN,
    REVOKE_SCREEN,
    BRIDGE,
    BRIDGES,
    ENROL_BRIDGE,
    NOTE_BRIDGE,
    REVOKE_BRIDGE,
    LINK,
    ADD_LINK,
    CONSUME_LINK,
];

/// A statement for many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bulk {
    /// Begins a transaction and stores swipes.
    BeginWithSwipes,
    RecordSwipes,
    RecordRejected,
    TouchDays,
    LockDays,
    SaveDays,
    /// Saves days and commits.
    SaveDaysAndCommit,
    MakeDue,
    MakeDueWithin,
    TouchMeetings,
    LockMeetings,
    SaveMeetings,
    SwipesOf,
    FindingsOf,
    FindingsOfMeetings,
    FindingsById,
    /// Saves findings that nobody has decided on and that say something else than before; of others it saves nothing.
    SaveOpenFindings,
    SaveFindings,
    AddFacts,
    SupersedeFacts,
    CountableOf,
    CorrectionsOf,
    CorrectionsOfMeetings,
    CorrectionsById,
    EscalationCorrectionsOf,
    AddCorrections,
    SettleCorrections,
    AddCounted,
}

impl Bulk {
    pub(crate) const ALL: [Self; 28] = [
        Self::BeginWithSwipes,
        Self::RecordSwipes,
        Self::RecordRejected,
        Self::TouchDays,
        Self::LockDays,
        Self::SaveDays,
        Self::SaveDaysAndCommit,
        Self::MakeDue,
        Self::MakeDueWithin,
        Self::TouchMeetings,
        Self::LockMeetings,
        Self::SaveMeetings,
        Self::SwipesOf,
        Self::FindingsOf,
        Self::FindingsOfMeetings,
        Self::FindingsById,
        Self::SaveOpenFindings,
        Self::SaveFindings,
        Self::AddFacts,
        Self::SupersedeFacts,
        Self::CountableOf,
        Self::CorrectionsOf,
        Self::CorrectionsOfMeetings,
        Self::CorrectionsById,
        Self::EscalationCorrectionsOf,
        Self::AddCorrections,
        Self::SettleCorrections,
        Self::AddCounted,
    ];

    /// Whether a row that is given twice in one statement says the same as given once.
    pub(crate) fn may_repeat<DB: Dialect>(self) -> bool {
        match self {
            Self::BeginWithSwipes | Self::RecordSwipes | Self::RecordRejected | Self::TouchDays => true,
            Self::SaveDays | Self::SaveDaysAndCommit | Self::SaveOpenFindings | Self::SaveFindings => {
                DB::SETS_A_ROW_TWICE
            }
            _ => false,
        }
    }

    /// How it is written; `None` where a database has no use for it.
    fn shape<DB: Dialect>(self) -> Option<ForRows> {
        Some(match self {
            Self::BeginWithSwipes => return DB::BEGIN_WITH_SWIPES,
            Self::RecordSwipes if DB::LAST_SWIPES.is_some() => RECORD_SWIPES,
            Self::RecordSwipes => RECORD_SWIPES_RETURNING,
            Self::RecordRejected => RECORD_REJECTED,
            Self::TouchDays => TOUCH_DAYS,
            Self::LockDays => return DB::LOCK_DAYS,
            Self::SaveDays => SAVE_DAYS,
            Self::SaveDaysAndCommit => return DB::SAVE_DAYS_AND_COMMIT,
            Self::MakeDue => MAKE_DUE,
            Self::MakeDueWithin => MAKE_DUE_WITHIN,
            Self::TouchMeetings => TOUCH_MEETINGS,
            Self::LockMeetings => return DB::LOCK_MEETINGS,
            Self::SaveMeetings => SAVE_MEETINGS,
            Self::SwipesOf => SWIPES_OF,
            Self::FindingsOf => FINDINGS_OF,
            Self::FindingsOfMeetings => FINDINGS_OF_MEETINGS,
            Self::FindingsById => FINDINGS_BY_ID,
            Self::SaveOpenFindings => SAVE_OPEN_FINDINGS,
            Self::SaveFindings => SAVE_FINDINGS,
            Self::AddFacts => ADD_FACTS,
            Self::SupersedeFacts => SUPERSEDE_FACTS,
            Self::CountableOf => COUNTABLE_OF,
            Self::CorrectionsOf => CORRECTIONS_OF,
            Self::CorrectionsOfMeetings => CORRECTIONS_OF_MEETINGS,
            Self::CorrectionsById => CORRECTIONS_BY_ID,
            Self::EscalationCorrectionsOf => ESCALATION_CORRECTIONS_OF,
            Self::AddCorrections => ADD_CORRECTIONS,
            Self::SettleCorrections => SETTLE_CORRECTIONS,
            Self::AddCounted => ADD_COUNTED,
        })
    }
}

/// How a statement for many rows is written: `before (row), (row), … after condition`. SQLite takes others with it in one text, and so in one
/// turn of the thread that serves a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForRows {
    /// Statements before it, sent with it.
    pub(crate) first: &'static str,
    pub(crate) before: &'static str,
    pub(crate) row: Columns,
    pub(crate) after: &'static str,
    /// Of which rows it changes anything, where not of all.
    pub(crate) condition: &'static str,
    /// Statements after it, sent with it.
    pub(crate) then: &'static str,
}

impl ForRows {
    /// A statement alone.
    pub(crate) const fn one(before: &'static str, row: Columns, after: &'static str) -> Self {
        Self {
            first: "",
            before,
            row,
            after,
            condition: "",
            then: "",
        }
    }
}

/// The columns of one row of a statement for many.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Columns {
    /// So many, whose types the table gives.
    Plain(usize),
    /// Columns of a list that is no table; the first row names their types, as nothing else would.
    Typed(&'static [&'static str]),
}

impl Columns {
    fn count(self) -> usize {
        match self {
            Self::Plain(count) => count,
            Self::Typed(types) => types.len(),
        }
    }
}

pub(crate) const RECORD_SWIPES: ForRows = ForRows::one(
    "INSERT INTO swipe (id, dedup_key, reader, badge, raw_hex, bits, happened_part, happened_at_ms, \
         received_at_ms, sequence, faces, quarantine) VALUES ",
    Columns::Plain(12),
    " ON CONFLICT (dedup_key) DO NOTHING",
);
const RECORD_SWIPES_RETURNING: ForRows = ForRows {
    after: " ON CONFLICT (dedup_key) DO NOTHING RETURNING dedup_key",
    ..RECORD_SWIPES
};
const RECORD_REJECTED: ForRows = ForRows::one(
    "INSERT INTO rejected_input (id, reader, received_at_ms, reason, raw_hex) VALUES ",
    Columns::Plain(5),
    " ON CONFLICT (id) DO NOTHING",
);
// What else there is of a new day the tables make themselves.
const TOUCH_DAYS: ForRows = ForRows::one(
    "INSERT INTO day (person, date) VALUES ",
    Columns::Plain(2),
    " ON CONFLICT (date, person) DO NOTHING",
);
// Of a day that does not exist there is no number, and this is refused: nothing that was judged is dropped in silence.
pub(crate) const SAVE_DAYS: ForRows = ForRows::one(
    "WITH judged (person, date, judged_at_ms, next_check_at_ms, rules_version, facts_revision) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT"]),
    ") INSERT INTO day_check (day, judged_at_ms, next_check_at_ms, rules_version, facts_revision) \
         SELECT day.seq, judged.judged_at_ms, judged.next_check_at_ms, \
         CASE WHEN day.seq IS NOT NULL THEN judged.rules_version END, judged.facts_revision \
         FROM judged LEFT JOIN day ON day.person = judged.person AND day.date = judged.date WHERE TRUE \
         ON CONFLICT (day) DO UPDATE SET judged_at_ms = excluded.judged_at_ms, \
         next_check_at_ms = excluded.next_check_at_ms, rules_version = excluded.rules_version, \
         facts_revision = excluded.facts_revision",
);
const MAKE_DUE: ForRows = ForRows::one(
    "WITH asked (person, date) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT"]),
    ") UPDATE day_check SET next_check_at_ms = 0 WHERE day IN (SELECT known.seq \
         FROM asked CROSS JOIN day known WHERE known.person = asked.person AND known.date >= asked.date) \
         AND (next_check_at_ms IS NULL OR next_check_at_ms <> 0)",
);
const TOUCH_MEETINGS: ForRows = ForRows::one(
    "INSERT INTO meeting_day (date, meeting, next_check_at_ms, rules_version, facts_revision) VALUES ",
    Columns::Plain(5),
    " ON CONFLICT (date, meeting) DO NOTHING",
);
const SAVE_MEETINGS: ForRows = ForRows::one(
    "INSERT INTO meeting_day (date, meeting, judged_at_ms, next_check_at_ms, rules_version, facts_revision) VALUES ",
    Columns::Plain(6),
    " ON CONFLICT (date, meeting) DO UPDATE SET judged_at_ms = excluded.judged_at_ms, \
         next_check_at_ms = excluded.next_check_at_ms, rules_version = excluded.rules_version, \
         facts_revision = excluded.facts_revision",
);
// A finding of a unit has no person.
const FINDINGS_OF_MEETINGS: ForRows = ForRows::one(
    "WITH asked (date, meeting) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT"]),
    ") SELECT finding.id, finding.person, unit, finding.date, period, finding.meeting, kind, state, length_ms, due_at_ms, \
         actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
         facts_revision, review FROM asked CROSS JOIN finding \
         WHERE finding.person = '' AND finding.date = asked.date AND COALESCE(finding.meeting, '') = asked.meeting \
         AND withdrawn_at_ms IS NULL",
);
const MAKE_DUE_WITHIN: ForRows = ForRows::one(
    "WITH asked (person, first_date, end_date) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT", "TEXT"]),
    ") UPDATE day_check SET next_check_at_ms = 0 WHERE day IN (SELECT known.seq \
         FROM asked CROSS JOIN day known WHERE known.person = asked.person AND known.date >= asked.first_date \
         AND known.date < asked.end_date) AND (next_check_at_ms IS NULL OR next_check_at_ms <> 0)",
);
/// For how many parts of days one row of [`Bulk::SwipesOf`] can ask.
pub(crate) const PARTS_ASKED_MAX: i64 = 24;

// CROSS JOIN keeps SQLite from walking all swipes and looking into the lists for each.
const SWIPES_OF: ForRows = ForRows::one(
    "WITH ahead (parts) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), \
         (16), (17), (18), (19), (20), (21), (22), (23)), \
         asked (question, badge, first_part, last_part, from_ms, until_ms) AS (VALUES ",
    Columns::Typed(&["BIGINT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT"]),
    ") SELECT asked.question, swipe.id, swipe.dedup_key, swipe.reader, swipe.badge, swipe.raw_hex, swipe.bits, \
         swipe.happened_at_ms, swipe.received_at_ms, swipe.sequence, swipe.faces, swipe.quarantine \
         FROM asked CROSS JOIN ahead CROSS JOIN swipe \
         WHERE asked.first_part + ahead.parts <= asked.last_part AND swipe.happened_part = asked.first_part + ahead.parts \
         AND swipe.badge = asked.badge \
         AND swipe.happened_at_ms >= asked.from_ms AND swipe.happened_at_ms < asked.until_ms",
);
const FINDINGS_OF: ForRows = ForRows::one(
    "WITH asked (person, date) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT"]),
    ") SELECT finding.id, finding.person, unit, finding.date, period, meeting, kind, state, length_ms, due_at_ms, \
         actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
         facts_revision, review FROM asked CROSS JOIN finding \
         WHERE finding.person = asked.person AND finding.date = asked.date AND withdrawn_at_ms IS NULL",
);
const FINDINGS_BY_ID: ForRows = ForRows::one(
    "WITH asked (date, id) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT"]),
    ") SELECT finding.id, finding.person, unit, finding.date, period, meeting, kind, state, length_ms, due_at_ms, \
         actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
         facts_revision, review FROM asked CROSS JOIN finding WHERE finding.date = asked.date AND finding.id = asked.id",
);
const SAVE_FINDINGS: ForRows = ForRows::one(
    "INSERT INTO finding (id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, \
         actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
         facts_revision, review) VALUES ",
    Columns::Plain(21),
    // What a finding is about is what its id is made of. It is not set again, because a database writes an index anew for
    // whatever columns of it are set, the same or not.
    " ON CONFLICT (date, id) DO UPDATE SET unit = excluded.unit, state = excluded.state, length_ms = excluded.length_ms, \
         due_at_ms = excluded.due_at_ms, actual_at_ms = excluded.actual_at_ms, since_at_ms = excluded.since_at_ms, \
         swipes = excluded.swipes, digest = excluded.digest, revision = excluded.revision, \
         changed_at_ms = excluded.changed_at_ms, withdrawn_at_ms = excluded.withdrawn_at_ms, \
         rules_version = excluded.rules_version, facts_revision = excluded.facts_revision, review = excluded.review",
);
// Where this holds of a row, what is stored and what is given merge to what is given; see `merged`.
const SAVE_OPEN_FINDINGS: ForRows = ForRows {
    condition: " WHERE finding.review = 'open' AND excluded.review = 'open' AND finding.revision < excluded.revision \
         AND (finding.digest <> excluded.digest OR finding.swipes <> excluded.swipes)",
    ..SAVE_FINDINGS
};
const ADD_FACTS: ForRows = ForRows::one(
    "INSERT INTO fact (id, file, cells, recorded_at_ms, recorded_by) VALUES ",
    Columns::Plain(5),
    "",
);
const SUPERSEDE_FACTS: ForRows = ForRows::one(
    "WITH asked (id, at_ms) AS (VALUES ",
    Columns::Typed(&["TEXT", "BIGINT"]),
    ") UPDATE fact SET superseded_at_ms = (SELECT MAX(at_ms) FROM asked) \
         WHERE id IN (SELECT id FROM asked) AND superseded_at_ms IS NULL RETURNING id",
);

const COUNTABLE_OF: ForRows = ForRows::one(
    "WITH asked (person) AS (VALUES ",
    Columns::Typed(&["TEXT"]),
    ") SELECT finding.id, finding.person, unit, finding.date, period, meeting, kind, state, length_ms, due_at_ms, \
         actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, \
         facts_revision, review FROM asked CROSS JOIN finding WHERE finding.person = asked.person \
         AND withdrawn_at_ms IS NULL AND (review = 'confirmed' OR kind = 'escalation')",
);
const CORRECTIONS_OF: ForRows = ForRows::one(
    "WITH asked (person, date) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT"]),
    ") SELECT correction.finding AS id, correction.person, unit, correction.date, period, meeting, kind, state, \
         length_ms, due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, \
         rules_version, facts_revision, review \
         FROM asked CROSS JOIN correction WHERE correction.person = asked.person \
         AND correction.date = asked.date AND settled_at_ms IS NULL",
);
const CORRECTIONS_OF_MEETINGS: ForRows = ForRows::one(
    "WITH asked (date, meeting) AS (VALUES ",
    Columns::Typed(&["TEXT", "TEXT"]),
    ") SELECT correction.finding AS id, correction.person, unit, correction.date, period, correction.meeting, kind, state, \
         length_ms, due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, \
         rules_version, facts_revision, review \
         FROM asked CROSS JOIN correction WHERE correction.person = '' AND correction.date = asked.date \
         AND COALESCE(correction.meeting, '') = asked.meeting AND settled_at_ms IS NULL",
);
const CORRECTIONS_BY_ID: ForRows = ForRows::one(
    "WITH asked (finding) AS (VALUES ",
    Columns::Typed(&["TEXT"]),
    ") SELECT correction.finding AS id, correction.person, unit, correction.date, period, meeting, kind, state, \
         length_ms, due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, \
         rules_version, facts_revision, review \
         FROM asked CROSS JOIN correction WHERE correction.finding = asked.finding AND settled_at_ms IS NULL",
);
const ESCALATION_CORRECTIONS_OF: ForRows = ForRows::one(
    "WITH asked (person) AS (VALUES ",
    Columns::Typed(&["TEXT"]),
    ") SELECT correction.finding AS id, correction.person, unit, correction.date, period, meeting, kind, state, \
         length_ms, due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, \
         rules_version, facts_revision, review \
         FROM asked CROSS JOIN correction WHERE correction.person = asked.person \
         AND settled_at_ms IS NULL AND kind = 'escalation'",
);
const ADD_CORRECTIONS: ForRows = ForRows::one(
    "INSERT INTO correction (week, found_at_ms, finding, person, unit, date, period, meeting, kind, state, \
         length_ms, due_at_ms, actual_at_ms, since_at_ms, source, swipes, digest, revision, changed_at_ms, withdrawn_at_ms, \
         rules_version, facts_revision, review) VALUES ",
    Columns::Plain(23),
    "",
);
const SETTLE_CORRECTIONS: ForRows = ForRows::one(
    "WITH asked (finding, at_ms, number) AS (VALUES ",
    Columns::Typed(&["TEXT", "BIGINT", "TEXT"]),
    ") UPDATE correction SET settled_at_ms = (SELECT MAX(at_ms) FROM asked), \
         number = (SELECT MAX(asked.number) FROM asked) \
         WHERE finding IN (SELECT asked.finding FROM asked) AND settled_at_ms IS NULL",
);
const ADD_COUNTED: ForRows = ForRows::one(
    "INSERT INTO counted (escalation, position, finding) VALUES ",
    Columns::Plain(3),
    "",
);

/// The texts of every [`Bulk`] in every size, for one database.
pub(crate) struct Texts(Vec<Option<[&'static str; SIZES.len()]>>);

impl Texts {
    /// Writes them. They live as long as the program, so this is done once a database.
    pub(crate) fn of<DB: Dialect>() -> Self {
        let sized = |rows: ForRows| SIZES.map(|size| -> &'static str { text::<DB>(rows, size).leak() });
        Self(Bulk::ALL.iter().map(|bulk| bulk.shape::<DB>().map(sized)).collect())
    }

    /// The text of a statement for a number of rows, which is one of [`SIZES`]; `None` where this database has none.
    pub(crate) fn get(&self, bulk: Bulk, size: usize) -> Option<&'static str> {
        let sized = self.0.get(bulk as usize)?.as_ref()?;
        SIZES.iter().position(|known| *known == size).map(|at| sized[at])
    }
}

/// Every statement of a database.
pub(crate) fn all<DB: Dialect>() -> Vec<&'static str> {
    let bulk = Bulk::ALL
        .iter()
        .flat_map(|bulk| SIZES.iter().filter_map(|size| DB::texts().get(*bulk, *size)));
    SINGLE
        .iter()
        .copied()
        .chain([DB::DUE_DAYS, DB::NEXT_CHECK, DB::DUE_MEETINGS, DB::FINDING_LOCKED])
        .chain(DB::LAST_SWIPES)
        .chain(bulk)
        .collect()
}

fn text<DB: Dialect>(rows: ForRows, size: usize) -> String {
    let columns = rows.row.count();
    let row = |at: usize| {
        let cells: Vec<String> = (0..columns)
            .map(|column| match rows.row {
                Columns::Typed(types) if at == 0 => {
                    format!("CAST({} AS {})", DB::placeholder(column + 1), types[column])
                }
                _ => DB::placeholder(at * columns + column + 1),
            })
            .collect();
        format!("({})", cells.join(", "))
    };
    let list: Vec<String> = (0..size).map(row).collect();
    format!(
        "{}{}{}{}{}{}",
        rows.first,
        rows.before,
        list.join(", "),
        rows.after,
        rows.condition,
        rows.then
    )
}

/// Splits rows into runs of the sizes that there are texts for: largest first, nothing left over.
pub(crate) fn runs(mut rows: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    for size in SIZES {
        while rows >= size {
            sizes.push(size);
            rows -= size;
        }
    }
    sizes
}

/// The smallest size that holds so many rows, or the largest there is.
pub(crate) fn size_for(rows: usize) -> usize {
    SIZES
        .iter()
        .copied()
        .rev()
        .find(|size| *size >= rows)
        .unwrap_or(SIZES[0])
}

#[cfg(test)]
mod tests {
    use sqlx::{Postgres, Sqlite};

    use super::*;

    #[test]
    fn every_statement_is_in_the_registry() {
        let source = include_str!("statements.rs");
        let names: Vec<&str> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub(crate) const ")?.split_once(": &str"))
            .map(|found| found.0)
            .collect();
        assert_eq!(names.len(), SINGLE.len());
        for name in names {
            assert!(source.contains(&format!("\n    {name},\n")), "{name} is not in SINGLE");
        }
    }

    #[test]
    fn a_statement_for_many_rows_is_written_out() {
        let list = |size| text::<Postgres>(Bulk::MakeDue.shape::<Postgres>().expect("a shape"), size);
        assert!(
            list(1).contains("(VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT)))"),
            "{}",
            list(1)
        );
        assert!(
            list(4).contains("CAST($2 AS TEXT)), ($3, $4), ($5, $6), ($7, $8))"),
            "{}",
            list(4)
        );
        assert!(text::<Sqlite>(TOUCH_DAYS, 2).contains("VALUES (?, ?), (?, ?) ON"));
        assert_eq!(Sqlite::texts().get(Bulk::LockDays, 1), None);
    }

    #[test]
    fn rows_are_split_into_sizes() {
        assert_eq!(runs(341), [256, 64, 16, 4, 1]);
        assert_eq!(runs(255), [192, 48, 12, 3]);
        assert_eq!(runs(0), [] as [usize; 0]);
        assert_eq!([1, 3, 5, 64, 65, 256, 999].map(size_for), [1, 3, 6, 64, 96, 256, 256]);
    }
}
