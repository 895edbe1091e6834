//! Judging ahead: a batch whose days are all remembered is judged without the ledger, while the batch before it is still being
//! written.
//!
//! At most one batch is being written, and at most one is judged on top of it and waits for its end. What is judged ahead takes
//! for granted that the batch before it will be committed, that its own swipes are new and that facts are as they were. The
//! transaction that writes it asks the ledger; where that is not so, nothing is written, everything that is remembered is
//! forgotten, and both batches are judged again by what the ledger says, one after the other ([`Engine::process`]).
//!
//! *Invariant:* whatever else the engine does with the ledger it does alone ([`Engine::alone`]): nothing is being written then.

use std::collections::HashMap;
use std::sync::Arc;

use rules::model::{PersonIndex, Swipe};
use rules::time::Instant;
use store::rows::{DayKey, DayRow, FindingRow, SwipeRecord};
use store::{Ledger, StoreError};
use tokio::task::JoinHandle;

use super::Engine;
use super::batch::{PersonDays, answer, group, recount_reopened};
use super::intake::{Submission, Work};
use super::memory::Memory;
use crate::lobby::{BoardChange, BoardDay};
use crate::shared::SiteSnapshot;

/// A batch that is judged and not committed yet.
pub(super) struct Judged {
    submissions: Vec<Submission>,
    records: Vec<SwipeRecord>,
    days: Vec<DayRow>,
    findings: Vec<FindingRow>,
    board: Vec<BoardDay>,
    /// What it was judged by.
    site: SiteSnapshot,
    now: Instant,
}

/// A batch on its way to the disk.
pub(super) struct Writing(JoinHandle<Written>);

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

/// Waits for the end of what is being written; for ever where nothing is.
pub(super) async fn written(writing: &mut Option<Writing>) -> Written {
    let Some(Writing(task)) = writing else {
        return std::future::pending().await;
    };
    let ended = task.await;
    *writing = None;
    ended.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))
}

impl Engine {
    /// Judges a batch from memory. Where that takes anything that is not remembered, `submissions` and the memory stay as they
    /// are.
    pub(super) fn judge_ahead(&mut self, submissions: &mut Vec<Submission>) -> Option<Judged> {
        let only_swipes = submissions
            .iter()
            .all(|submission| matches!(submission.work, Work::Swipes(_)));
        let is_quiet = !self.is_check_due() && !self.is_meeting_check_due() && self.again.is_empty();
        if submissions.is_empty() || !only_swipes || !is_quiet || !self.signs_of_life(submissions).is_empty() {
            return None;
        }
        let records = self.records(submissions);
        let mut memory = std::mem::take(&mut self.memory);
        let judged = self.judge_known(&mut memory, records);
        self.memory = memory;
        let mut judged = judged?;
        judged.submissions = std::mem::take(submissions);
        Some(judged)
    }

    fn judge_known(&mut self, memory: &mut Memory, records: Vec<SwipeRecord>) -> Option<Judged> {
        let site = self.site.borrow().clone();
        memory.keep_to(site.revision);
        let fresh = vec![true; records.len()];
        let arrived = self.arrived(&records, &fresh).ok()?;
        if arrived.len() < records.len() || !self.touched_meetings(&records, &fresh).is_empty() {
            return None;
        }
        let days = self.touched_days(&arrived);
        let (people, _) = group(&site.facts, &days);
        if !is_remembered(memory, &arrived, &days, &people) {
            return None;
        }
        self.remember_arrived(memory, arrived);
        let judged = self.judge_days(memory, people, Vec::new());
        let deadlines = judged.iter().filter_map(|day| day.assessment.next_deadline);
        self.next_check = deadlines.chain(self.next_check).min();
        let (days, findings) = self.rows(&judged);
        Some(Judged {
            submissions: Vec::new(),
            records,
            days,
            findings,
            board: super::batch::remember(judged, memory),
            site,
            now: self.now,
        })
    }

    /// Waits for the batch before, then has this one written and tells everybody of the one before. Where that one was not
    /// committed as it was taken for granted, `submissions` holds what is to be judged again.
    pub(super) async fn write_next(
        &mut self,
        batch: Judged,
        submissions: &mut Vec<Submission>,
    ) -> Result<(), StoreError> {
        let before = match self.writing {
            Some(_) => Some(written(&mut self.writing).await),
            None => None,
        };
        if before.as_ref().is_none_or(Written::is_as_judged) {
            self.writing = Some(Writing(tokio::spawn(write(
                Arc::clone(&self.ledger),
                self.secret.clone(),
                batch,
            ))));
        } else {
            *submissions = batch.submissions;
        }
        before.map_or(Ok(()), |before| self.conclude(before))
    }

    /// Waits until nothing is being written; what could not be is to be judged again.
    pub(super) async fn alone(&mut self) -> Result<(), StoreError> {
        if self.writing.is_some() {
            let written = written(&mut self.writing).await;
            self.conclude(written)?;
        }
        Ok(())
    }

    /// Answers and publishes what is committed, or notes what is to be judged again. An error is one that the engine cannot live
    /// with; a database that is full or away says so again when the batch is judged again.
    pub(super) fn conclude(&mut self, written: Written) -> Result<(), StoreError> {
        if !written.is_as_judged() {
            self.memory = Memory::default();
        }
        let Written { mut batch, stored } = written;
        match stored {
            Ok(stored) => {
                let fresh = vec![true; batch.records.len()];
                self.count(&fresh, batch.days.len());
                answer(&mut batch.submissions, &batch.records, &fresh);
                number(&mut batch.board, &stored);
                self.lobby.publish(BoardChange {
                    facts: None,
                    days: batch.board,
                    meetings: Vec::new(),
                    sources: Vec::new(),
                });
                Ok(())
            }
            Err(Refused::Failed(error)) if !matches!(error, StoreError::Full(_) | StoreError::Unavailable(_)) => {
                Err(error)
            }
            Err(Refused::Outdated | Refused::Failed(_)) => {
                self.again.append(&mut batch.submissions);
                Ok(())
            }
        }
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

/// Whether judging these days takes nothing but what is remembered, and none of the swipes is known to have come before.
fn is_remembered(
    memory: &mut Memory,
    arrived: &[(PersonIndex, Swipe)],
    days: &[DayKey],
    people: &[PersonDays],
) -> bool {
    arrived.iter().all(|(person, swipe)| memory.is_news(*person, swipe))
        && days.iter().all(|day| memory.holds_findings(day))
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
