//! Writes what was judged ahead, a batch after the other, on a thread of its own: whoever waits for a disk must not wait for the
//! hundred connections that the last commit has just given something to say.
//!
//! A batch is committed, answered and published here, and the next one begun before the answers go out, without a turn of the engine
//! in between. The engine hears of it afterwards. The first batch that does not become what its judge took for granted stops the
//! writer, until the engine has taken back what lies on the desk ([`Writer::clear`]).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rules::time::Instant;
use store::rows::{DayKey, DayRow, FindingRow, SwipeRecord};
use store::{Ledger, StoreError};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Health;
use super::batch::{Committed, answer, recount_reopened};
use super::intake::Submission;
use crate::lobby::{BoardChange, BoardDay, Lobby};
use crate::shared::SiteSnapshot;
use crate::sources::Sources;

/// A batch that is judged and not committed yet.
pub(super) struct Judged {
    pub(super) submissions: Vec<Submission>,
    pub(super) records: Vec<SwipeRecord>,
    pub(super) days: Vec<DayRow>,
    /// What changed; of two rows of a finding the later one is stored.
    pub(super) findings: Vec<FindingRow>,
    pub(super) board: Vec<BoardDay>,
    /// What it was judged by.
    pub(super) site: SiteSnapshot,
    pub(super) now: Instant,
}

/// What became of a batch.
pub(super) enum Written {
    /// It is committed, answered and published, as it was judged.
    AsJudged,
    /// It is committed, answered and published, and the ledger held something else of its findings than was remembered: what was judged
    /// on top of it was judged in vain.
    Otherwise,
    /// Nothing of it is committed.
    Refused(Box<Judged>, Refused),
}

/// Why a batch that was judged ahead was not committed.
pub(super) enum Refused {
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

/// What the writer is made of.
pub(super) struct WriterParts {
    pub(super) ledger: Arc<dyn Ledger>,
    /// Key of the finding ids.
    pub(super) secret: Vec<u8>,
    pub(super) lobby: Lobby,
    pub(super) sources: Sources,
    pub(super) health: Arc<Health>,
}

/// The engine's side of the writer.
pub(super) struct Writer {
    desk: Arc<Mutex<Desk>>,
    /// Takes one batch while nothing is being written.
    idle: mpsc::Sender<Judged>,
    written: mpsc::UnboundedReceiver<Written>,
    /// Batches that are on the desk, being written, or written and not heard of yet.
    outstanding: usize,
    thread: Option<thread::JoinHandle<()>>,
}

/// Where the engine puts what is to be written after what is being written.
#[derive(Default)]
struct Desk {
    next: Option<Judged>,
    /// Set while a batch is being written, and after one that was not written as judged.
    is_taken: bool,
    /// Set when there is no engine any more.
    is_closed: bool,
}

impl Writer {
    /// Starts the thread; it ends when this is dropped.
    pub(super) fn start(parts: WriterParts) -> std::io::Result<Self> {
        let desk = Arc::new(Mutex::new(Desk::default()));
        let (idle, begun) = mpsc::channel(1);
        let (tell, written) = mpsc::unbounded_channel();
        let (own, runtime) = (Arc::clone(&desk), Handle::current());
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || runtime.block_on(parts.run(&own, begun, &tell)))?;
        Ok(Self {
            desk,
            idle,
            written,
            outstanding: 0,
            thread: Some(thread),
        })
    }

    /// Whether nothing is being written and nothing waits for it.
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding == 0
    }

    /// How many records lie on the desk.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.desk).next.as_ref().map_or(0, |next| next.records.len())
    }

    /// Has a batch written: at once, or where another one is being written, after that and in one transaction with what lies on the desk.
    pub(super) fn put(&mut self, judged: Judged) {
        let mut desk = lock(&self.desk);
        if !desk.is_taken {
            desk.is_taken = true;
            self.outstanding += 1;
            // Its one place is free; that the writer has died, `written` will say.
            let _: Result<(), _> = self.idle.try_send(judged);
            return;
        }
        self.outstanding += usize::from(desk.next.is_none());
        desk.next = Some(match desk.next.take() {
            Some(next) => next.and(judged),
            None => judged,
        });
    }

    /// Waits for the end of what is being written; for ever where nothing is.
    pub(super) async fn written(&mut self) -> Written {
        if self.outstanding == 0 {
            return std::future::pending().await;
        }
        let Some(written) = self.written.recv().await else {
            let died = self.thread.take().map(thread::JoinHandle::join);
            std::panic::resume_unwind(
                died.and_then(Result::err)
                    .unwrap_or_else(|| Box::new("the writer is gone")),
            );
        };
        self.outstanding -= 1;
        written
    }

    /// Takes back what was judged on top of a batch that was not written as judged, and lets the writer go on with whatever comes.
    pub(super) fn clear(&mut self) -> Option<Judged> {
        let mut desk = lock(&self.desk);
        desk.is_taken = false;
        let next = desk.next.take();
        self.outstanding -= usize::from(next.is_some());
        next
    }
}

impl Drop for Writer {
    /// What is not begun when the engine ends is not begun any more: nobody would hear what became of it.
    fn drop(&mut self) {
        let mut desk = lock(&self.desk);
        desk.is_closed = true;
        desk.next = None;
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WriterParts {
    async fn run(self, desk: &Mutex<Desk>, mut begun: mpsc::Receiver<Judged>, tell: &mpsc::UnboundedSender<Written>) {
        // Nobody hears it where the engine has ended.
        let say = |written: Written| drop(tell.send(written));
        while let Some(first) = begun.recv().await {
            let (mut next, mut done) = (Some(first), None);
            while let Some(mut batch) = next.take().filter(|_| !lock(desk).is_closed) {
                batch.keep_last_findings();
                let (stored, ()) = tokio::join!(self.commit(&batch), async {
                    if let Some(done) = done.take() {
                        self.tell(done);
                        say(Written::AsJudged);
                    }
                });
                match stored {
                    Ok(stored) if batch.is_as_judged(&stored) => {
                        next = lock(desk).take();
                        done = Some((batch, stored));
                    }
                    Ok(stored) => {
                        self.tell((batch, stored));
                        say(Written::Otherwise);
                    }
                    Err(refused) => say(Written::Refused(Box::new(batch), refused)),
                }
            }
            if let Some(done) = done {
                self.tell(done);
                say(Written::AsJudged);
            }
        }
    }

    /// In the order in which every transaction of the engine locks: swipes, days, facts.
    async fn commit(&self, batch: &Judged) -> Result<Vec<FindingRow>, Refused> {
        let (mut transaction, fresh) = self.ledger.begin_with_swipes(&batch.records).await?;
        let days: Vec<&DayKey> = batch.days.iter().map(|day| &day.key).collect();
        transaction.lock_days(&days).await?;
        if fresh.contains(&false) || transaction.facts_revision().await? != batch.site.revision {
            return Err(Refused::Outdated);
        }
        let stored = transaction.save_findings(&batch.findings).await?;
        recount_reopened(&mut *transaction, &batch.site, &self.secret, &stored, batch.now).await?;
        transaction.commit_with_days(&batch.days).await?;
        Ok(stored)
    }

    /// Answers and publishes what is committed.
    fn tell(&self, (mut batch, stored): (Judged, Vec<FindingRow>)) {
        let fresh = vec![true; batch.records.len()];
        let committed = Committed {
            records: &batch.records,
            fresh: &fresh,
            rejected: &[],
            judged_days: batch.days.len(),
            today: super::site::date_at(&batch.site.facts, batch.now),
        };
        committed.count(&self.sources, &self.health);
        answer(&mut batch.submissions, &batch.records, &fresh);
        number(&mut batch.board, &stored);
        self.lobby.publish(BoardChange {
            facts: None,
            days: batch.board,
            meetings: Vec::new(),
            sources: Vec::new(),
        });
    }
}

impl Desk {
    /// What is to be written next; where there is nothing, the desk is free.
    fn take(&mut self) -> Option<Judged> {
        let next = self.next.take();
        self.is_taken = next.is_some();
        next
    }
}

impl Judged {
    /// This batch and what was judged after it, as one.
    fn and(mut self, mut later: Self) -> Self {
        self.submissions.append(&mut later.submissions);
        self.records.append(&mut later.records);
        // Of two rows of a day the later one is stored.
        self.days.append(&mut later.days);
        self.findings.append(&mut later.findings);
        self.board.append(&mut later.board);
        self.now = later.now;
        self
    }

    /// Of a finding that changed more than once, what it says last.
    fn keep_last_findings(&mut self) {
        let mut seen = HashSet::with_capacity(self.findings.len());
        let from_the_end = self.findings.iter().rev();
        let mut is_last: Vec<bool> = from_the_end.map(|row| seen.insert(row.id.as_str())).collect();
        self.findings.retain(|_| is_last.pop() == Some(true));
    }

    /// Whether the ledger holds what was taken for granted when it was judged.
    fn is_as_judged(&self, stored: &[FindingRow]) -> bool {
        let assumed = self.findings.iter().map(|row| row.revision);
        stored.iter().map(|row| row.revision).eq(assumed)
    }
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
