//! Reads rows column by column, and says which one was bad.

use rules::time::Instant;
use sqlx::{Column, Row};

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::ledger::Stored;
use crate::rows::{
    Account, AuditEntry, AuditRecord, BadgeSeen, BridgeRow, CorrectionRow, DayKey, DayRow, DecisionRow,
    DocumentEdition, FactRow, FindingRevision, FindingRow, MeetingKey, MeetingRow, OneTimeLink, OutageRow,
    PlacementRow, PublicationRow, ReaderCommandRow, ReaderTally, RejectedInput, Review, ScreenRow, SessionRow,
    SwipeRecord,
};

/// A row that is read from left to right. The names are for errors, and checked against the statement in development
/// builds.
pub(crate) struct Cells<'r, DB: Dialect> {
    table: &'static str,
    row: &'r DB::Row,
    next: usize,
}

impl<'r, DB: Dialect> Cells<'r, DB> {
    pub(crate) fn new(table: &'static str, row: &'r DB::Row) -> Self {
        Self { table, row, next: 0 }
    }

    /// Goes on to the next column; returns its position.
    fn step(&mut self, column: &'static str) -> usize {
        let position = self.next;
        debug_assert_eq!(
            self.row.columns().get(position).map(Column::name),
            Some(column),
            "a column of {}",
            self.table
        );
        self.next += 1;
        position
    }

    pub(crate) fn bad(&self, column: &'static str) -> StoreError {
        let id = DB::text(self.row, 0).ok().flatten();
        let id = id.or_else(|| DB::integer(self.row, 0).ok().flatten().map(|number| number.to_string()));
        StoreError::BadRow {
            table: self.table,
            column,
            id: id.unwrap_or_default(),
        }
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Stored<Option<String>> {
        let position = self.step(column);
        DB::text(self.row, position).map_err(|_| self.bad(column))
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Stored<String> {
        self.optional_text(column)?.ok_or_else(|| self.bad(column))
    }

    pub(crate) fn optional_integer(&mut self, column: &'static str) -> Stored<Option<i64>> {
        let position = self.step(column);
        DB::integer(self.row, position).map_err(|_| self.bad(column))
    }

    pub(crate) fn integer(&mut self, column: &'static str) -> Stored<i64> {
        self.optional_integer(column)?.ok_or_else(|| self.bad(column))
    }

    pub(crate) fn optional_instant(&mut self, column: &'static str) -> Stored<Option<Instant>> {
        Ok(self.optional_integer(column)?.map(Instant::from_ms))
    }

    pub(crate) fn instant(&mut self, column: &'static str) -> Stored<Instant> {
        self.integer(column).map(Instant::from_ms)
    }
}

/// What can be read from a row of one table.
pub(crate) trait FromCells: Sized {
    /// Its table, for errors.
    const TABLE: &'static str;

    /// Reads it from the columns, in the order in which the statements of this table name them.
    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self>;
}

/// Reads whole rows.
pub(crate) fn read_all<DB: Dialect, T: FromCells>(rows: &[DB::Row]) -> Stored<Vec<T>> {
    rows.iter()
        .map(|row| T::read(&mut Cells::<DB>::new(T::TABLE, row)))
        .collect()
}

impl FromCells for SwipeRecord {
    const TABLE: &'static str = "swipe";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            id: cells.text("id")?,
            dedup_key: cells.text("dedup_key")?,
            reader: cells.text("reader")?,
            badge: cells.text("badge")?,
            raw_hex: cells.optional_text("raw_hex")?,
            bits: cells.optional_integer("bits")?,
            happened_at: cells.instant("happened_at_ms")?,
            received_at: cells.instant("received_at_ms")?,
            sequence: cells.optional_integer("sequence")?,
            faces: cells.optional_text("faces")?,
            quarantine: cells.optional_text("quarantine")?,
        })
    }
}

impl FromCells for RejectedInput {
    const TABLE: &'static str = "rejected_input";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            id: cells.text("id")?,
            reader: cells.text("reader")?,
            received_at: cells.instant("received_at_ms")?,
            reason: cells.text("reason")?,
            raw_hex: cells.text("raw_hex")?,
        })
    }
}

impl FromCells for DayKey {
    const TABLE: &'static str = "day";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            person: cells.text("person")?,
            date: cells.text("date")?,
        })
    }
}

impl FromCells for DayRow {
    const TABLE: &'static str = "day";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            key: DayKey::read(cells)?,
            judged_at: cells.optional_instant("judged_at_ms")?,
            next_check: cells.optional_instant("next_check_at_ms")?,
            rules_version: cells.integer("rules_version")?,
            facts_revision: cells.integer("facts_revision")?,
        })
    }
}

impl FromCells for MeetingKey {
    const TABLE: &'static str = "meeting_day";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            date: cells.text("date")?,
            meeting: cells.text("meeting")?,
        })
    }
}

impl FromCells for MeetingRow {
    const TABLE: &'static str = "meeting_day";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            key: MeetingKey::read(cells)?,
            judged_at: cells.optional_instant("judged_at_ms")?,
            next_check: cells.optional_instant("next_check_at_ms")?,
            rules_version: cells.integer("rules_version")?,
            facts_revision: cells.integer("facts_revision")?,
        })
    }
}

impl FromCells for FindingRow {
    const TABLE: &'static str = "finding";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            id: cells.text("id")?,
            person: cells.text("person")?,
            unit: cells.optional_text("unit")?,
            date: cells.text("date")?,
            period: cells.optional_text("period")?,
            meeting: cells.optional_text("meeting")?,
            kind: cells.text("kind")?,
            state: cells.text("state")?,
            length_ms: cells.optional_integer("length_ms")?,
            due: cells.optional_instant("due_at_ms")?,
            actual: cells.optional_instant("actual_at_ms")?,
            since: cells.optional_instant("since_at_ms")?,
            source: cells.optional_text("source")?,
            swipes: cells.text("swipes")?,
            digest: cells.text("digest")?,
            revision: cells.integer("revision")?,
            changed_at: cells.instant("changed_at_ms")?,
            withdrawn_at: cells.optional_instant("withdrawn_at_ms")?,
            rules_version: cells.integer("rules_version")?,
            facts_revision: cells.integer("facts_revision")?,
            review: {
                let word = cells.text("review")?;
                review_of(&word).ok_or_else(|| cells.bad("review"))?
            },
        })
    }
}

/// The word that a review state is stored as.
pub(crate) const fn review_word(review: Review) -> &'static str {
    match review {
        Review::Open => "open",
        Review::Confirmed => "confirmed",
        Review::Waived => "waived",
        Review::ChangedAfterDecision => "changed_after_decision",
    }
}

/// All review states.
pub(crate) const REVIEWS: [Review; 4] = [
    Review::Open,
    Review::Confirmed,
    Review::Waived,
    Review::ChangedAfterDecision,
];

fn review_of(word: &str) -> Option<Review> {
    REVIEWS.into_iter().find(|review| review_word(*review) == word)
}

impl FromCells for FindingRevision {
    const TABLE: &'static str = "finding_history";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        cells.integer("finding")?;
        let mut revision = Self {
            revision: cells.integer("revision")?,
            at: cells.instant("changed_at_ms")?,
            state: cells.text("state")?,
            length_ms: cells.optional_integer("length_ms")?,
            actual: cells.optional_instant("actual_at_ms")?,
            rules_version: 0,
            facts_revision: 0,
        };
        if cells.optional_instant("withdrawn_at_ms")?.is_some() {
            "withdrawn".clone_into(&mut revision.state);
        }
        revision.rules_version = cells.integer("rules_version")?;
        revision.facts_revision = cells.integer("facts_revision")?;
        Ok(revision)
    }
}

impl FromCells for PublicationRow {
    const TABLE: &'static str = "publication";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            week: cells.text("week")?,
            first_date: cells.text("first_date")?,
            until_date: cells.text("until_date")?,
            number: cells.text("number")?,
            published_at: cells.instant("published_at_ms")?,
            published_by: cells.text("published_by")?,
        })
    }
}

impl FromCells for CorrectionRow {
    const TABLE: &'static str = "correction";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            finding: FindingRow::read(cells)?,
            week: cells.text("week")?,
            found_at: cells.instant("found_at_ms")?,
            settled_at: cells.optional_instant("settled_at_ms")?,
            number: cells.optional_text("number")?,
        })
    }
}

impl FromCells for DecisionRow {
    const TABLE: &'static str = "decision";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            id: cells.text("id")?,
            finding: cells.text("finding")?,
            act: cells.text("act")?,
            reason: cells.text("reason")?,
            actor: cells.text("actor")?,
            at: cells.instant("at_ms")?,
            digest: cells.text("digest")?,
            explanation_zh: cells.text("explanation_zh")?,
            explanation_en: cells.text("explanation_en")?,
        })
    }
}

impl FromCells for DocumentEdition {
    const TABLE: &'static str = "edition";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            kind: cells.text("kind")?,
            effective_from: cells.text("effective_from")?,
            recorded_at: cells.instant("recorded_at_ms")?,
            recorded_by: cells.text("recorded_by")?,
            body: cells.text("body")?,
        })
    }
}

impl FromCells for FactRow {
    const TABLE: &'static str = "fact";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            id: cells.text("id")?,
            file: cells.text("file")?,
            cells: cells.text("cells")?,
            recorded_at: cells.instant("recorded_at_ms")?,
            recorded_by: cells.text("recorded_by")?,
        })
    }
}

impl FromCells for OutageRow {
    const TABLE: &'static str = "outage";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            reader: cells.text("reader")?,
            down_from: cells.instant("down_from_at_ms")?,
            down_until: cells.optional_instant("down_until_at_ms")?,
        })
    }
}

impl FromCells for ReaderTally {
    const TABLE: &'static str = "swipe";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            reader: cells.text("reader")?,
            reason: cells.optional_text("reason")?,
            times: cells.integer("times")?,
        })
    }
}

impl FromCells for BadgeSeen {
    const TABLE: &'static str = "swipe";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            badge: cells.text("badge")?,
            times: cells.integer("times")?,
            first_at: cells.instant("first_at_ms")?,
            last_at: cells.instant("last_at_ms")?,
        })
    }
}

impl FromCells for PlacementRow {
    const TABLE: &'static str = "placement";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            swipe: cells.text("swipe")?,
            original: cells.text("original")?,
            reader: cells.text("reader")?,
            badge: cells.text("badge")?,
            happened_at: cells.instant("happened_at_ms")?,
            placed_at: cells.instant("placed_at_ms")?,
            placed_by: cells.text("placed_by")?,
            reason: cells.text("reason")?,
            withdrawn: {
                let at = cells.optional_instant("withdrawn_at_ms")?;
                at.zip(cells.optional_text("withdrawn_by")?)
            },
        })
    }
}

impl FromCells for ReaderCommandRow {
    const TABLE: &'static str = "reader_command";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            seq: cells.integer("seq")?,
            reader: cells.text("reader")?,
            command: cells.text("command")?,
            starts: cells.optional_text("starts")?,
            until: cells.optional_text("until")?,
            asked_at: cells.instant("asked_at_ms")?,
            asked_by: cells.text("asked_by")?,
            sent_at: cells.optional_instant("sent_at_ms")?,
            sends: cells.integer("sends")?,
            done_at: cells.optional_instant("done_at_ms")?,
            code: cells.optional_integer("code")?,
        })
    }
}

impl FromCells for AuditEntry {
    const TABLE: &'static str = "audit";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            seq: cells.integer("seq")?,
            record: AuditRecord {
                at: cells.instant("at_ms")?,
                actor: cells.text("actor")?,
                act: cells.text("act")?,
                subject: cells.text("subject")?,
                body: cells.text("body")?,
            },
            salt: cells.text("salt")?,
            body_hash: cells.text("body_hash")?,
            previous_hash: cells.text("previous_hash")?,
            hash: cells.text("hash")?,
        })
    }
}

impl FromCells for Account {
    const TABLE: &'static str = "account";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            name: cells.text("name")?,
            password_hash: cells.text("password_hash")?,
            changed_at: cells.instant("changed_at_ms")?,
        })
    }
}

impl FromCells for SessionRow {
    const TABLE: &'static str = "session";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            token_hash: cells.text("token_hash")?,
            account: cells.text("account")?,
            created_at: cells.instant("created_at_ms")?,
            seen_at: cells.instant("seen_at_ms")?,
            expires_at: cells.instant("expires_at_ms")?,
            form_secret: cells.text("form_secret")?,
        })
    }
}

impl FromCells for ScreenRow {
    const TABLE: &'static str = "screen";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            id: cells.text("id")?,
            name: cells.text("name")?,
            token_hash: cells.text("token_hash")?,
            created_at: cells.instant("created_at_ms")?,
            seen_at: cells.optional_instant("seen_at_ms")?,
        })
    }
}

impl FromCells for BridgeRow {
    const TABLE: &'static str = "bridge";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            name: cells.text("name")?,
            key_hash: cells.text("key_hash")?,
            enrolled_at: cells.instant("enrolled_at_ms")?,
            seen_at: cells.optional_instant("seen_at_ms")?,
            queue: cells.optional_text("queue")?,
            acknowledged: cells.integer("acknowledged")?,
        })
    }
}

impl FromCells for OneTimeLink {
    const TABLE: &'static str = "one_time_link";

    fn read<DB: Dialect>(cells: &mut Cells<'_, DB>) -> Stored<Self> {
        Ok(Self {
            token_hash: cells.text("token_hash")?,
            purpose: cells.text("purpose")?,
            expires_at: cells.instant("expires_at_ms")?,
            used_at: cells.optional_instant("used_at_ms")?,
        })
    }
}
