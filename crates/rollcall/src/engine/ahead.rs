//! Judging ahead: a batch whose days are all remembered is judged without the ledger, while the batch before it is still being
//! written.
//!
//! At most one batch is being written, and at most one is judged on top of it, grows by whatever arrives, and is written when the
//! one before it is committed. What is judged ahead takes for granted that the batch before it will be committed, that its own
//! swipes are new and that facts are as they were. The transaction that writes it asks the ledger; where that is not so, nothing
//! is written, everything that is remembered is forgotten, and both batches are judged again by what the ledger says, one after
//! the other ([`Engine::process`]).
//!
//! *Invariant:* whatever else the engine does with the ledger it does alone ([`Engine::alone`]): nothing is being written then,
//! and nothing that was judged waits.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rules::model::{PersonIndex, Swipe};
use rules::time::Instant;
use store::rows::{DayKey, DayRow, FindingRow, SwipeRecord};
use store::{Ledger, StoreError};
use tokio::task::JoinHandle;

use super::Engine;
use super::batch::{Day, PersonDays, answer, by_person, recount_reopened};
use super::intake::{READINGS_PER_BATCH, Submission, Work};
use super::memory::Memory;
use crate::lobby::{BoardChange, BoardDay};
use crate::shared::SiteSnapshot;

/// What was judged ahead and is not committed yet.
#[derive(Default)]
pub(super) struct Ahead {
    /// The batch that is being written.
    writing: Option<Writing>,
    /// The batch that was judged on top of it.
    next: Option<Judged>,
    /// What was judged in vain: to be judged again before anything else.
    again: Vec<Submission>,
}

/// A batch that is judged and not committed yet.
struct Judged {
    submissions: Vec<Submission>,
    records: Vec<SwipeRecord>,
    days: Vec<DayRow>,
    /// What changed, each finding once.
    findings: Vec<FindingRow>,
    board: Vec<BoardDay>,
    /// What it was judged by.
    site: SiteSnapshot,
    now: Instant,
}

/// A batch on its way to the disk.
struct Writing(JoinHandle<Written>);

/// What became of a batch: the findings as they are stored.
pub(super) struct Written {
    batch: Judged,
    stored: Result<Vec<FindingRow>, Refused>,
}

/// Why a batch that was judged ahead was not committed.
enum Refused {
    /// Something that it took for granted is not so.
    Outdated,
    /// The ledger did not take it.
    Failed(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Ahead {
    /// Waits for the end of what is being written; for ever where nothing is.
    pub(super) async fn written(&mut self) -> Written {
        let Some(Writing(task)) = &mut self.writing else {
            return std::future::pending().await;
        };
        let ended = task.await;
        self.writing = None;
        ended.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))
    }

    /// How many readings the batch that waits can still take.
    pub(super) fn room(&self) -> usize {
        let taken = self.next.as_ref().map_or(0, |next| next.records.len());
        READINGS_PER_BATCH.saturating_sub(taken)
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
            self.ahead.next = Some(match self.ahead.next.take() {
                Some(next) => next.and(judged),
                None => judged,
            });
            self.write_next();
        }
    }

    fn judge_known(&mut self, memory: &mut Memory, records: Vec<SwipeRecord>) -> Option<Judged> {
        let site = self.site.borrow().clone();
        memory.keep_to(site.revision);
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
        let site = self.site.borrow();
        let mut days = BTreeSet::new();
        for (person, swipe) in arrived {
            for (person, touched) in site.facts.touched_people(*person, swipe.happened_at) {
                for date in self.begun_dates(touched) {
                    if memory.holds_findings((person, date)) {
                        days.insert((person, date));
                    } else if site.facts.is_asked(person, date) {
                        return None;
                    }
                }
            }
        }
        Some(days)
    }

    /// Has what waits written, unless something else still is.
    fn write_next(&mut self) {
        if self.ahead.writing.is_none()
            && let Some(next) = self.ahead.next.take()
        {
            let task = write(Arc::clone(&self.ledger), self.secret.clone(), next);
            self.ahead.writing = Some(Writing(tokio::spawn(task)));
        }
    }

    /// Waits until nothing is being written and nothing waits for it; what could not be written is to be judged again.
    pub(super) async fn alone(&mut self) -> Result<(), StoreError> {
        while self.ahead.writing.is_some() {
            let written = self.ahead.written().await;
            self.conclude(written)?;
        }
        Ok(())
    }

    /// Goes on with what waits, and answers and publishes what is committed. What is not, and what was judged on top of it, is
    /// noted to be judged again. An error is one that the engine cannot live with; a database that is full or away says so once
    /// more when the batch is judged again.
    pub(super) fn conclude(&mut self, written: Written) -> Result<(), StoreError> {
        let is_as_judged = written.is_as_judged();
        let Written { mut batch, stored } = written;
        let committed = match stored {
            Ok(stored) => Some(stored),
            Err(Refused::Failed(error)) if !matches!(error, StoreError::Full(_) | StoreError::Unavailable(_)) => {
                return Err(error);
            }
            Err(Refused::Outdated | Refused::Failed(_)) => {
                self.ahead.again.append(&mut batch.submissions);
                None
            }
        };
        if is_as_judged {
            self.write_next();
        } else {
            self.memory = Memory::default();
            self.ahead
                .again
                .extend(self.ahead.next.take().into_iter().flat_map(|next| next.submissions));
        }
        if let Some(stored) = committed {
            let fresh = vec![true; batch.records.len()];
            self.count(&batch.records, &fresh, &[], batch.days.len());
            answer(&mut batch.submissions, &batch.records, &fresh);
            number(&mut batch.board, &stored);
            self.lobby.publish(BoardChange {
                facts: None,
                days: batch.board,
                meetings: Vec::new(),
                sources: Vec::new(),
            });
        }
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

impl Judged {
    /// This batch and what was judged after it, as one.
    fn and(mut self, mut later: Self) -> Self {
        self.submissions.append(&mut later.submissions);
        self.records.append(&mut later.records);
        // Of two rows of a day the later one is stored.
        self.days.append(&mut later.days);
        if !self.findings.is_empty() && !later.findings.is_empty() {
            let said_again: HashSet<&str> = later.findings.iter().map(|row| row.id.as_str()).collect();
            self.findings.retain(|row| !said_again.contains(row.id.as_str()));
        }
        self.findings.append(&mut later.findings);
        self.board.append(&mut later.board);
        self.now = later.now;
        self
    }
}

impl Written {
    /// Whether the ledger holds what was taken for granted when it was judged.
    fn is_as_judged(&self) -> bool {
        let assumed = self.batch.findings.iter().map(|row| row.revision);
        let is_assumed = |stored: &Vec<FindingRow>| stored.iter().map(|row| row.revision).eq(assumed);
        self.stored.as_ref().is_ok_and(is_assumed)
    }
}

/// Whether judging these days takes no swipes but those that are remembered, and none of the new ones is known to have come before.
fn is_remembered(memory: &mut Memory, arrived: &[(PersonIndex, Swipe)], people: &[PersonDays]) -> bool {
    arrived.iter().all(|(person, swipe)| memory.is_news(*person, swipe))
        && people.iter().all(|days| memory.covers(days))
}

async fn write(ledger: Arc<dyn Ledger>, secret: Vec<u8>, batch: Judged) -> Written {
    let stored = commit(&*ledger, &secret, &batch).await;
    Written { batch, stored }
}

/// In the order in which every transaction of the engine locks: swipes, days, facts.
async fn commit(ledger: &dyn Ledger, secret: &[u8], batch: &Judged) -> Result<Vec<FindingRow>, Refused> {
    let mut transaction = ledger.begin().await?;
    let fresh = transaction.record_swipes(&batch.records).await?;
    let days: Vec<DayKey> = batch.days.iter().map(|day| day.key.clone()).collect();
    transaction.lock_days(&days).await?;
    if fresh.contains(&false) || transaction.facts_revision().await? != batch.site.revision {
        return Err(Refused::Outdated);
    }
    transaction.save_days(&batch.days).await?;
    let stored = transaction.save_findings(&batch.findings).await?;
    recount_reopened(&mut *transaction, &batch.site, secret, &stored, batch.now).await?;
    transaction.commit().await?;
    Ok(stored)
}

/// Gives findings on the board the numbers under which they are stored.
fn number(board: &mut [BoardDay], stored: &[FindingRow]) {
    if stored.is_empty() {
        return;
    }
    let revisions: HashMap<&str, i64> = stored.iter().map(|row| (row.id.as_str(), row.revision)).collect();
    for found in board.iter_mut().flat_map(|day| &mut day.findings) {
        found.revision = revisions.get(found.id.as_str()).copied().unwrap_or(found.revision);
    }
}

#[cfg(test)]
mod tests;
