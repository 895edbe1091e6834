//! From the links to the disk: whatever is waiting becomes durable together, and only then is anybody told.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::clocks::HostClocks;
use super::readers::Readers;
use crate::delivery::{Delivery, LinkEvent, Outcome};
use crate::queue::{AppendError, LONGEST_PAYLOAD, Queue};
use crate::record::{Record, Said};
use crate::uplink::message::{Status, Told};

/// The most events of one sync.
const EVENTS_AT_ONCE: usize = 256;

/// How long a full queue or disk is left alone before it is looked at again.
const FULL_PATIENCE: Duration = Duration::from_millis(250);

/// How long somebody at a reader waits for the daemon's word; then it is the bridge's: kept.
const FEEDBACK_PATIENCE: Duration = Duration::from_millis(400);

/// The oldest that an event may be when it gets here, milliseconds; what says that it is older comes from a clock that was set.
const OLDEST_MS: i64 = 60_000;

/// Takes what links deliver, on a thread of its own: a sync holds nobody else up.
pub struct Keeper {
    /// Where it is kept.
    pub queue: Queue,
    /// What comes.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// The machine's clocks.
    pub clocks: Arc<HostClocks>,
    /// What is known of the readers.
    pub readers: Readers,
    /// Told the number of the newest record.
    pub news: watch::Sender<u64>,
    /// Who waits for the daemon's word.
    pub feedback: Feedback,
    /// Whether readers are told to wait.
    pub is_full: Arc<AtomicBool>,
    /// Where to wait for the daemon's word.
    pub runtime: Handle,
    /// The end.
    pub stop: CancellationToken,
}

impl Keeper {
    /// Keeps until the links have ended; an error is the disk's, and the program has to end.
    pub fn run(mut self) -> Result<(), AppendError> {
        while let Some(first) = self.deliveries.blocking_recv() {
            let mut deliveries = vec![first];
            while deliveries.len() < EVENTS_AT_ONCE
                && let Ok(next) = self.deliveries.try_recv()
            {
                deliveries.push(next);
            }
            self.keep(deliveries)?;
        }
        Ok(())
    }

    /// Keeps events, and answers. While there is no room those whose senders can send again are told so, and those of serial lines wait
    /// here, with their lines behind them.
    fn keep(&mut self, deliveries: Vec<Delivery>) -> Result<(), AppendError> {
        let mut items: Vec<Item> = deliveries
            .into_iter()
            .filter_map(|delivery| self.item(delivery))
            .collect();
        while !items.is_empty() {
            let payloads: Vec<&str> = items.iter().map(|item| item.payload.as_str()).collect();
            match self.queue.append(&payloads) {
                Ok(numbers) => {
                    if self.is_full.swap(false, Ordering::Relaxed) {
                        tracing::info!(event = "queue.has_room");
                    }
                    self.answer(numbers, items);
                    return Ok(());
                }
                Err(error @ AppendError::Failed(_)) => return Err(error),
                Err(error @ (AppendError::Full | AppendError::NoSpace(_))) => self.note_full(&error),
            }
            items.retain(|item| item.reply.is_none());
            if self.stop.is_cancelled() {
                tracing::error!(
                    event = "queue.events_dropped",
                    events = items.len(),
                    "there was no room for them, and the bridge ends"
                );
                return Ok(());
            }
            if !items.is_empty() {
                self.queue.backlog().wait_for_room(FULL_PATIENCE);
                self.take_waiting(&mut items);
            }
        }
        Ok(())
    }

    /// More of what cannot be sent again, up to what is kept at once: then the lines wait.
    fn take_waiting(&mut self, items: &mut Vec<Item>) {
        while items.len() < EVENTS_AT_ONCE
            && let Ok(next) = self.deliveries.try_recv()
        {
            // A reply that is dropped says that nothing was kept.
            if next.reply.is_none() {
                items.extend(self.item(next));
            }
        }
    }

    /// What is to be kept of an event, if anything.
    fn item(&self, delivery: Delivery) -> Option<Item> {
        let Delivery { event, reply } = delivery;
        let said = self.readers.note(&event, &self.clocks)?;
        let age_ms = (self.clocks.daemon_ms() - at_ms(&event)).clamp(0, OLDEST_MS);
        let outcome = local_outcome(&said);
        let shows_outcome = matches!(said, Said::Reading(_)) && self.readers.shows_outcome(said.reader());
        let record = Record {
            at: self.clocks.ago(age_ms),
            said,
        };
        let payload = serde_json::to_string(&record).unwrap_or_default();
        if payload.is_empty() || payload.len() > LONGEST_PAYLOAD {
            // No decoder makes anything nearly as long.
            tracing::error!(
                event = "queue.record_too_long",
                reader = record.said.reader(),
                bytes = payload.len()
            );
            let reason = "too_long".to_owned();
            answer(reply, Outcome::Refused { reason });
            return None;
        }
        Some(Item {
            payload,
            reply,
            outcome,
            shows_outcome,
        })
    }

    fn answer(&self, numbers: RangeInclusive<u64>, items: Vec<Item>) {
        let newest = *numbers.end();
        for (number, item) in numbers.zip(items) {
            match item.reply {
                Some(reply) if item.shows_outcome => self.answer_later(number, reply, item.outcome),
                reply => answer(reply, item.outcome),
            }
        }
        self.news.send_replace(newest);
    }

    fn note_full(&self, error: &AppendError) {
        if !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::error!(
                event = "queue.full",
                %error,
                remedy = "bring the daemon back, or write a larger queue_megabytes; until then serial readers wait and network readers hear `err busy`"
            );
        }
    }

    /// Lets the daemon's word reach whoever stands at the reader, if it comes in time.
    fn answer_later(&self, number: u64, reply: oneshot::Sender<Outcome>, kept: Outcome) {
        let Some(told) = self.feedback.expect(number, &kept) else {
            return answer(Some(reply), kept);
        };
        self.runtime.spawn(async move {
            let outcome = timeout(FEEDBACK_PATIENCE, told).await;
            answer(Some(reply), outcome.ok().and_then(Result::ok).unwrap_or(kept));
        });
    }
}

/// Something to be kept, and who waits for it.
struct Item {
    payload: String,
    reply: Option<oneshot::Sender<Outcome>>,
    outcome: Outcome,
    shows_outcome: bool,
}

/// A peer that has gone will send again, and its record counts once.
fn answer(reply: Option<oneshot::Sender<Outcome>>, outcome: Outcome) {
    if let Some(reply) = reply
        && reply.send(outcome).is_err()
    {
        tracing::debug!(event = "peer.gone");
    }
}

fn at_ms(event: &LinkEvent) -> i64 {
    match event {
        LinkEvent::Reading { received_at_ms, .. } | LinkEvent::Malformed { received_at_ms, .. } => *received_at_ms,
        LinkEvent::Clock { at_ms, .. }
        | LinkEvent::Note { at_ms, .. }
        | LinkEvent::State { at_ms, .. }
        | LinkEvent::Complete { at_ms, .. } => *at_ms,
    }
}

/// What a peer is told once its record is on the disk: the swipe's id is the same here and at the daemon.
fn local_outcome(said: &Said) -> Outcome {
    match said {
        Said::Reading(read) => Outcome::Recorded { id: read.swipe_id() },
        Said::Malformed { reason, .. } => Outcome::Refused { reason: reason.clone() },
        Said::Clock { .. } | Said::State { .. } => Outcome::Recorded { id: String::new() },
    }
}

/// Who waits for the daemon's word on a record; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Feedback(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    is_live: bool,
    by_number: BTreeMap<u64, (oneshot::Sender<Outcome>, Outcome)>,
}

impl Feedback {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the daemon answers at once now.
    pub fn set_live(&self, is_live: bool) {
        let mut waiting = self.lock();
        waiting.is_live = is_live;
        if !is_live {
            waiting.by_number.clear();
        }
    }

    fn expect(&self, number: u64, kept: &Outcome) -> Option<oneshot::Receiver<Outcome>> {
        let mut waiting = self.lock();
        if !waiting.is_live {
            return None;
        }
        let (tell, told) = oneshot::channel();
        waiting.by_number.insert(number, (tell, kept.clone()));
        Some(told)
    }

    /// The daemon has everything up to a number.
    pub fn tell(&self, through: u64, outcomes: Vec<Told>) {
        let mut waiting = self.lock();
        let later = waiting.by_number.split_off(&(through + 1));
        let mut done = std::mem::replace(&mut waiting.by_number, later);
        drop(waiting);
        for told in outcomes {
            if let Some((tell, kept)) = done.remove(&told.number) {
                // Nobody waits any more where the time was up.
                let _: Result<(), Outcome> = tell.send(outcome(told, kept));
            }
        }
        for (tell, kept) in done.into_values() {
            let _: Result<(), Outcome> = tell.send(kept);
        }
    }
}

fn outcome(told: Told, kept: Outcome) -> Outcome {
    let reason = told.reason.unwrap_or_default();
    let (Outcome::Recorded { id }
    | Outcome::Unassigned { id }
    | Outcome::Duplicate { id }
    | Outcome::Quarantined { id, .. }) = kept
    else {
        return kept;
    };
    match told.status {
        Status::Unassigned => Outcome::Unassigned { id },
        Status::Duplicate => Outcome::Duplicate { id },
        Status::Quarantined => Outcome::Quarantined { id, reason },
        Status::Refused => Outcome::Refused { reason },
    }
}
