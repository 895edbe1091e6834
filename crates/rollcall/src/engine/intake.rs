//! What goes into the engine, and what comes back after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rules::time::Instant;
use sha2::{Digest, Sha256};
use store::rows::{RejectedInput, SwipeRecord};
use tokio::sync::{mpsc, oneshot};

/// How many submissions may wait for the engine. When it is full, serial lines wait and network peers hear "busy".
pub const QUEUE_LENGTH: usize = 1_024;

/// How many readings one transaction takes, and so one submission may hold.
pub const READINGS_PER_BATCH: usize = 256;

/// Why a swipe is not judged although its time is possible: its terminal's clock was set, and its time could not be compared with ours.
/// Unlike an unknown reader this is not asked again when facts change; somebody has to place the swipe in time.
pub const CLOCK_SET: &str = "clock_set";

/// Likewise: its reader's clock was measured and is off by more than the site tolerates.
pub const CLOCK_OFF: &str = "clock_off";

/// A reading on its way to the ledger.
#[derive(Clone, Debug)]
pub struct NewSwipe {
    /// The reader's id.
    pub reader: Arc<str>,
    /// What makes this reading the same when it is sent again: the source's own tuple.
    pub source_key: String,
    /// The badge key.
    pub badge: String,
    /// What was read, in hex, and how many bits of it count.
    pub raw: Option<(String, i64)>,
    /// When it happened.
    pub happened_at: Instant,
    /// When it was received.
    pub received_at: Instant,
    /// The source's own number.
    pub sequence: Option<i64>,
    /// `in`, `out` or `both`, where the source says it.
    pub faces: Option<&'static str>,
    /// Why the source's clock is not believed, a stable word; `None`: nothing speaks against it.
    pub doubt: Option<&'static str>,
}

/// What became of one reading, known only after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Recorded {
        /// The swipe's id.
        id: String,
    },
    /// It was there already.
    Duplicate {
        /// The swipe's id.
        id: String,
    },
    /// Stored, and not judged until somebody has looked at it.
    Quarantined {
        /// The swipe's id.
        id: String,
        /// Why.
        reason: String,
    },
}

/// A reader that was heard or lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderChange {
    /// The reader's id.
    pub reader: Arc<str>,
    /// Whether it can be heard now.
    pub up: bool,
    /// When it came back, or was last heard.
    pub at: Instant,
    /// What the link said.
    pub detail: String,
}

/// One piece of work for the engine, committed as a whole.
#[derive(Debug)]
pub struct Submission {
    pub(super) work: Work,
    pub(super) reply: Option<oneshot::Sender<Vec<Outcome>>>,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    Swipes(Vec<NewSwipe>),
    Rejected(RejectedInput),
    Reader(ReaderChange),
    /// All that a reader said while it could not be heard is here: it counts as heard over that time.
    Complete {
        reader: Arc<str>,
        at: Instant,
    },
}

impl Work {
    /// How much of a batch it fills.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Swipes(swipes) => swipes.len(),
            Self::Rejected(_) | Self::Reader(_) | Self::Complete { .. } => 1,
        }
    }
}

/// Why the engine did not take a submission.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The queue is full, or the database takes nothing at the moment.
    #[error("busy: try again")]
    Busy,
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

/// The way into the engine.
#[derive(Clone, Debug)]
pub struct Intake {
    queue: mpsc::Sender<Submission>,
    counters: Arc<IntakeCounters>,
}

/// What came in since the daemon started, for `/metrics`.
#[derive(Debug, Default)]
pub struct IntakeCounters {
    /// Readings handed to the engine.
    pub swipes: AtomicU64,
    /// Inputs that could not be read.
    pub rejected: AtomicU64,
    /// Submissions refused because the queue was full.
    pub busy: AtomicU64,
}

impl Intake {
    /// A queue into an engine, and its end.
    pub fn channel() -> (Self, mpsc::Receiver<Submission>) {
        let (queue, receiver) = mpsc::channel(QUEUE_LENGTH);
        (
            Self {
                queue,
                counters: Arc::default(),
            },
            receiver,
        )
    }

    /// How many submissions wait for the engine.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Its counters.
    pub fn counters(&self) -> &IntakeCounters {
        &self.counters
    }

    /// Hands over readings of one network peer, at most [`READINGS_PER_BATCH`]; refuses at once when the queue is full.
    pub fn try_swipes(&self, swipes: Vec<NewSwipe>) -> Result<oneshot::Receiver<Vec<Outcome>>, IntakeError> {
        self.counters.swipes.fetch_add(swipes.len() as u64, Ordering::Relaxed);
        let (reply, outcome) = oneshot::channel();
        self.queue
            .try_send(Submission {
                work: Work::Swipes(swipes),
                reply: Some(reply),
            })
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => {
                    self.counters.busy.fetch_add(1, Ordering::Relaxed);
                    IntakeError::Busy
                }
                mpsc::error::TrySendError::Closed(_) => IntakeError::Stopping,
            })?;
        Ok(outcome)
    }

    /// Hands over one reading of a line that can wait, as soon as the queue has room.
    pub async fn swipe(&self, swipe: NewSwipe) -> Result<oneshot::Receiver<Vec<Outcome>>, IntakeError> {
        self.counters.swipes.fetch_add(1, Ordering::Relaxed);
        let (reply, outcome) = oneshot::channel();
        self.send(Work::Swipes(vec![swipe]), Some(reply)).await?;
        Ok(outcome)
    }

    /// Hands over an input that could not be read; what comes back, once it is kept, is empty.
    pub async fn rejected(&self, input: RejectedInput) -> Result<oneshot::Receiver<Vec<Outcome>>, IntakeError> {
        self.counters.rejected.fetch_add(1, Ordering::Relaxed);
        let (reply, outcome) = oneshot::channel();
        self.send(Work::Rejected(input), Some(reply)).await?;
        Ok(outcome)
    }

    /// Says that a reader was heard or lost.
    pub async fn reader(&self, change: ReaderChange) -> Result<(), IntakeError> {
        self.reader_noted(change).await.map(drop)
    }

    /// The same; what comes back, once it is written down, is empty.
    pub async fn reader_noted(&self, change: ReaderChange) -> Result<oneshot::Receiver<Vec<Outcome>>, IntakeError> {
        let (reply, outcome) = oneshot::channel();
        self.send(Work::Reader(change), Some(reply)).await?;
        Ok(outcome)
    }

    /// Says that all that a reader said while it could not be heard was handed over before; what comes back, once it is written down,
    /// is empty.
    pub async fn complete(
        &self,
        reader: Arc<str>,
        at: Instant,
    ) -> Result<oneshot::Receiver<Vec<Outcome>>, IntakeError> {
        let (reply, outcome) = oneshot::channel();
        self.send(Work::Complete { reader, at }, Some(reply)).await?;
        Ok(outcome)
    }

    async fn send(&self, work: Work, reply: Option<oneshot::Sender<Vec<Outcome>>>) -> Result<(), IntakeError> {
        self.queue
            .send(Submission { work, reply })
            .await
            .map_err(|_| IntakeError::Stopping)
    }
}

impl NewSwipe {
    /// The record to be stored; `quarantine` says why it is not to be judged yet.
    pub(super) fn record(&self, quarantine: Option<&str>) -> SwipeRecord {
        let dedup_key = format!("{}|{}", self.reader, self.source_key);
        SwipeRecord {
            id: swipe_id(&dedup_key),
            dedup_key,
            reader: self.reader.to_string(),
            badge: self.badge.clone(),
            raw_hex: self.raw.as_ref().map(|(hex, _)| hex.clone()),
            bits: self.raw.as_ref().map(|(_, bits)| *bits),
            happened_at: self.happened_at,
            received_at: self.received_at,
            sequence: self.sequence,
            faces: self.faces.map(str::to_owned),
            quarantine: quarantine.map(str::to_owned),
        }
    }
}

/// The identity of a swipe: the first 32 hex digits of the SHA-256 of its dedup key.
pub fn swipe_id(dedup_key: &str) -> String {
    hex::encode(&Sha256::digest(dedup_key.as_bytes())[..16])
}
