//! Judging ahead: a batch whose days are all remembered is judged without the ledger, while the batch before it is still being
//! written.
//!
//! At most one batch is being written, and at most one is judged on top of it, grows by what arrives, up to [`READINGS_WAITING`],
//! and is written when the one before it is committed. What is judged ahead takes for granted that the batch before it will be committed, that its own
//! swipes are new and that facts are as they were. The transaction that writes it asks the ledger; where that is not so, nothing
//! is written, everything that is remembered is forgotten, and both batches are judged again by what the ledger says, one after
//! the other ([`Engine::process`]). Where the ledger held something else of a finding than was remembered, the batch is committed and
//! answered as the ledger merged it, and only what was judged on top of it is judged again.
//!
//! *Invariant:* whatever else the engine does with the ledger it does alone ([`Engine::alone`]): nothing is being written then,
//! and nothing that was judged waits.

use std::collections::BTreeSet;

use rules::model::{PersonIndex, Swipe};
use store::StoreError;
use store::rows::SwipeRecord;

use super::Engine;
use super::batch::{Day, PersonDays, by_person};
use super::intake::{READINGS_PER_BATCH, Submission, Work};
use super::memory::Memory;
use super::writer::{Judged, Refused, Writer, WriterParts, Written};

/// With so many readings the batch that waits takes no more; a transaction could take more. Those who are answered first send again
/// while the others are being written: were everybody in one batch, the processors would wait for the disk, and then the disk for them.
const READINGS_WAITING: usize = 96;

/// What was judged ahead and is not committed yet.
pub(super) struct Ahead {
    /// The batch that is being written, and the one that was judged on top of it.
    pub(super) writer: Writer,
    /// What was judged in vain: to be judged again before anything else.
    again: Vec<Submission>,
}

impl Ahead {
    /// Nothing yet.
    pub(super) fn start(parts: WriterParts) -> std::io::Result<Self> {
        Ok(Self {
            writer: Writer::start(parts)?,
            again: Vec::new(),
        })
    }

    /// How many readings the batch that waits can still take.
    pub(super) fn room(&self) -> usize {
        READINGS_WAITING.saturating_sub(self.writer.waiting())
    }

    /// Whether something was judged in vain.
    pub(super) fn is_to_repeat(&self) -> bool {
        !self.again.is_empty()
    }
}

impl Engine {
    /// Judges readings from memory and has them written, with what else arrives while another batch is being written. Where
    /// judging takes anything that is not remembered, `submissions` and the memory stay as they are.
    pub(super) fn judge_ahead(&mut self, submissions: &mut Vec<Submission>) {
        let only_swipes = submissions
            .iter()
            .all(|submission| matches!(submission.work, Work::Swipes(_)));
        let is_quiet = !self.is_check_due() && !self.is_meeting_check_due() && !self.ahead.is_to_repeat();
        if submissions.is_empty() || !only_swipes || !is_quiet || !self.signs_of_life(submissions).is_empty() {
            return;
        }
        let records = self.records(submissions);
        let mut memory = std::mem::take(&mut self.memory);
        let judged = self.judge_known(&mut memory, records);
        self.memory = memory;
        if let Some(mut judged) = judged {
            judged.submissions.append(submissions);
            self.ahead.writer.put(judged);
        }
    }

    fn judge_known(&mut self, memory: &mut Memory, records: Vec<SwipeRecord>) -> Option<Judged> {
        let site = self.site.borrow().clone();
        memory.keep_to(site.revision, site.facts.records().people.len());
        let fresh = vec![true; records.len()];
        let arrived = self.arrived(&records, &fresh).ok()?;
        if arrived.len() < records.len() || !self.touched_meetings(&records, &fresh).is_empty() {
            return None;
        }
        let days = self.remembered_days(memory, &arrived)?;
        let people = by_person(&site.facts, days);
        if !is_remembered(memory, &arrived, &people) {
            return None;
        }
        self.remember_arrived(memory, arrived);
        let mut batch = Judged {
            submissions: Vec::new(),
            days: Vec::with_capacity(people.len()),
            board: Vec::with_capacity(people.len()),
            findings: Vec::new(),
            records,
            site,
            now: self.now,
        };
        for mut day in self.judge_days(memory, people) {
            self.next_check = day.row.next_check.into_iter().chain(self.next_check).min();
            batch.findings.append(&mut day.settled.changed);
            let (row, board) = day.remembered(memory);
            batch.days.push(row);
            batch.board.extend(board);
        }
        Some(batch)
    }

    /// The days that new swipes can change, if their rows and findings are all remembered.
    fn remembered_days(&self, memory: &mut Memory, arrived: &[(PersonIndex, Swipe)]) -> Option<BTreeSet<Day>> {
        let mut days = self.touched_days(memory, arrived);
        let site = self.site.borrow();
        let mut all_known = true;
        days.retain(|(person, date)| {
            let is_held = memory.knows((*person, *date));
            all_known &= is_held || !site.facts.is_asked(*person, *date);
            is_held
        });
        all_known.then_some(days)
    }

    /// Waits until nothing is being written and nothing waits for it; what could not be written is to be judged again.
    pub(super) async fn alone(&mut self) -> Result<(), StoreError> {
        while !self.ahead.writer.is_idle() {
            let written = self.ahead.writer.written().await;
            self.conclude(written)?;
        }
        Ok(())
    }

    /// Notes what is to be judged again: what was not committed, and what was judged on top of it. An error is one that the engine
    /// cannot live with; a database that is full or away says so once more when the batch is judged again.
    pub(super) fn conclude(&mut self, written: Written) -> Result<(), StoreError> {
        match written {
            Written::AsJudged => return Ok(()),
            Written::Otherwise => {}
            Written::Refused(_, Refused::Failed(error))
                if !matches!(error, StoreError::Full(_) | StoreError::Unavailable(_)) =>
            {
                return Err(error);
            }
            Written::Refused(mut batch, _) => self.ahead.again.append(&mut batch.submissions),
        }
        self.memory = Memory::default();
        let next = self.ahead.writer.clear();
        self.ahead
            .again
            .extend(next.into_iter().flat_map(|next| next.submissions));
        Ok(())
    }

    /// Commits what was judged in vain, a batch at a time.
    pub(super) async fn process_again(&mut self) -> Result<(), StoreError> {
        while self.ahead.is_to_repeat() {
            let mut weight = 0;
            let fits = self.ahead.again.iter().take_while(|submission| {
                weight += submission.work.weight();
                weight <= READINGS_PER_BATCH
            });
            let rest = self.ahead.again.split_off(fits.count().max(1));
            let mut batch = std::mem::replace(&mut self.ahead.again, rest);
            let done = self.process(&mut batch).await;
            // Where it failed, it is the first to be tried again.
            batch.append(&mut self.ahead.again);
            self.ahead.again = batch;
            done?;
        }
        Ok(())
    }
}

/// Whether judging these days takes no swipes but those that are remembered, and none of the new ones is known to have come before.
fn is_remembered(memory: &Memory, arrived: &[(PersonIndex, Swipe)], people: &[PersonDays]) -> bool {
    arrived.iter().all(|(person, swipe)| memory.is_news(*person, swipe))
        && people.iter().all(|days| memory.covers(days))
}

#[cfg(test)]
mod tests;
