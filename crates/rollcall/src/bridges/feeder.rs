//! A bridge's records, in order, to the engine, and what became of them back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bridge::record::{Read, Record, Said, malformed};
use bridge::uplink::message::{FromDaemon, ReaderReport, Status, Told};
use bridge::{Delivery, LinkEvent, Outcome};
use rules::time::{Instant, Span};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use wire::{Malformed, Reason};

use super::BridgeHost;
use super::placing::{Contact, Placed};

/// A batch as the bridge sent it.
pub struct Batch {
    /// The newest record that the bridge has.
    pub last: u64,
    /// Numbers and records.
    pub records: Vec<(u64, Value)>,
}

/// What became of a batch.
pub struct Committed {
    /// What the bridge is told.
    pub ack: FromDaemon,
    /// Whether readers were lost or found in it: how far the bridge has come is then written down before it is told, so that this is not
    /// said again after a restart.
    pub has_states: bool,
}

/// The engine takes nothing any more.
#[derive(Debug)]
pub struct Stopping;

/// Hands a bridge's records to the engine.
pub struct Feeder {
    host: Arc<BridgeHost>,
    name: String,
    sink: mpsc::Sender<Delivery>,
    contact: Arc<Mutex<Contact>>,
    /// Its readers that our configuration names.
    declared: BTreeSet<String>,
    /// Of those, the ones whose silence means something: that they speak again must be said.
    watched: BTreeSet<String>,
    /// Which readers can be heard at the bridge, as far as its records have come.
    up: BTreeMap<String, bool>,
    /// The newest record when it connected; what its readers then were it has said itself.
    known_through: u64,
    /// Everything that it kept while it was not connected has come.
    is_complete: bool,
    /// Readers whose records were stamped by a clock that is off.
    doubted: BTreeSet<String>,
}

impl Feeder {
    /// For a bridge that has just connected, with the readers that it reported and its newest record.
    pub fn new(
        host: Arc<BridgeHost>,
        name: &str,
        sink: mpsc::Sender<Delivery>,
        contact: Arc<Mutex<Contact>>,
        readers: &[ReaderReport],
        known_through: u64,
    ) -> Self {
        let config = host.configured.get(name);
        let declared = config.map(|config| config.readers.iter().map(|reader| reader.id.clone()).collect());
        let watched = config.map(|config| {
            let watched = config.readers.iter().filter(|reader| reader.silent_after_seconds > 0);
            watched.map(|reader| reader.id.clone()).collect()
        });
        Self {
            name: name.to_owned(),
            sink,
            contact,
            declared: declared.unwrap_or_default(),
            watched: watched.unwrap_or_default(),
            up: readers
                .iter()
                .map(|reader| (reader.reader.clone(), reader.up))
                .collect(),
            known_through,
            is_complete: false,
            doubted: BTreeSet::new(),
            host,
        }
    }

    /// Takes batches until there are no more, and sends back what became of each once it is committed.
    pub async fn run(
        mut self,
        mut batches: mpsc::Receiver<Batch>,
        acks: mpsc::Sender<Committed>,
        is_all_here: bool,
    ) -> Result<(), Stopping> {
        if is_all_here {
            self.complete().await?;
        }
        while let Some(batch) = batches.recv().await {
            let committed = self.take(batch).await?;
            if acks.send(committed).await.is_err() {
                // The connection has ended; the bridge will send again what it has not heard of.
                return Ok(());
            }
        }
        Ok(())
    }

    async fn take(&mut self, batch: Batch) -> Result<Committed, Stopping> {
        let through = batch.records.last().map_or(batch.last, |(number, _)| *number);
        let (mut waiting, mut outcomes) = (Vec::with_capacity(batch.records.len()), Vec::new());
        let (mut speaking, mut has_states) = (BTreeSet::new(), false);
        for (number, value) in batch.records {
            let text = value.to_string();
            let Ok(record) = serde_json::from_value::<Record>(value) else {
                tracing::error!(event = "bridge.record_unreadable", bridge = self.name, number);
                let unreadable = Malformed::new(Reason::BadField, text.as_bytes());
                waiting.push((number, self.deliver_malformed("", unreadable).await?));
                continue;
            };
            let placed = self.place(&record);
            match record.said {
                Said::Reading(read) => {
                    speaking.insert(read.reader.clone());
                    waiting.push((number, self.deliver_reading(&read, placed).await?));
                }
                Said::Malformed { reader, reason, bytes } => {
                    waiting.push((
                        number,
                        self.deliver_malformed(&reader, malformed(&reason, &bytes)).await?,
                    ));
                }
                Said::Clock { reader, ahead_ms } => {
                    let at_ms = placed.at.as_ms();
                    let reader = self.reader(&reader);
                    self.send(
                        LinkEvent::Clock {
                            reader,
                            ahead_ms,
                            at_ms,
                        },
                        None,
                    )
                    .await?;
                }
                Said::State { reader, up, detail } => {
                    // What was read before must be there before the time in which it was read counts as heard.
                    settle(&mut waiting, &mut outcomes).await?;
                    has_states = true;
                    self.take_state(number, &reader, up, detail, placed.at).await?;
                }
            }
        }
        settle(&mut waiting, &mut outcomes).await?;
        if through >= batch.last && !self.is_complete {
            self.complete().await?;
        }
        self.note_speaking(&speaking).await?;
        Ok(Committed {
            ack: FromDaemon::Ack { through, outcomes },
            has_states,
        })
    }

    fn place(&self, record: &Record) -> Placed {
        let now = self.host.clock.now();
        let tolerance = self
            .host
            .site
            .borrow()
            .facts
            .records()
            .site
            .settings_at(now)
            .clock_tolerance;
        let contact = self.contact.lock().unwrap_or_else(PoisonError::into_inner);
        let placed = contact.place(&record.at, self.host.clock.speed(), tolerance);
        // Both clocks are read at slightly different moments; nothing was heard later than now.
        let at = placed.at.min(now);
        Placed { at, ..placed }
    }

    async fn deliver_reading(&mut self, read: &Read, placed: Placed) -> Result<oneshot::Receiver<Outcome>, Stopping> {
        let reader = self.reader(&read.reader);
        let Some(reading) = read.reading(placed.at.as_ms()) else {
            let text = serde_json::to_string(read).unwrap_or_default();
            let unreadable = Malformed::new(Reason::BadField, text.as_bytes());
            return self.deliver_malformed(&read.reader, unreadable).await;
        };
        let is_stamped_here = read.happened_at_ms.is_none() && read.happened_at_civil.is_none();
        self.note_doubt(&reader, placed.doubt.filter(|_| is_stamped_here))
            .await?;
        let event = LinkEvent::Reading {
            reader,
            dedup_source: read.source.clone(),
            reading,
            received_at_ms: self.host.clock.now().as_ms(),
        };
        self.send_for_outcome(event).await
    }

    /// Whether a reader's readings are believed where they are placed.
    async fn note_doubt(&mut self, reader: &str, doubt: Option<Span>) -> Result<(), Stopping> {
        let is_news = match doubt {
            Some(_) => self.doubted.insert(reader.to_owned()),
            None => self.doubted.remove(reader),
        };
        if !is_news {
            return Ok(());
        }
        let event = LinkEvent::Clock {
            reader: reader.to_owned(),
            ahead_ms: doubt.map_or(0, Span::as_ms),
            at_ms: self.host.clock.now().as_ms(),
        };
        self.send(event, None).await
    }

    async fn deliver_malformed(
        &self,
        reader: &str,
        malformed: Malformed,
    ) -> Result<oneshot::Receiver<Outcome>, Stopping> {
        let event = LinkEvent::Malformed {
            reader: self.reader(reader),
            malformed,
            received_at_ms: self.host.clock.now().as_ms(),
        };
        self.send_for_outcome(event).await
    }

    /// A reader was lost or found at the bridge. Up to then it was heard there, and all of that is here now. Until everything that the
    /// bridge kept has come, it is not known of one that was found whether it was heard since.
    async fn take_state(
        &mut self,
        number: u64,
        reader: &str,
        up: bool,
        detail: String,
        at: Instant,
    ) -> Result<(), Stopping> {
        if number > self.known_through {
            self.up.insert(reader.to_owned(), up);
        }
        if !self.declared.contains(reader) {
            return Ok(());
        }
        if up {
            self.state(reader, true, detail, at).await?;
            if !self.is_complete {
                self.state(reader, false, "what it kept is coming".to_owned(), at)
                    .await?;
            }
            return Ok(());
        }
        self.complete_reader(reader).await?;
        self.state(reader, false, detail, at).await
    }

    /// Everything that the bridge kept has come: its readers were heard all the time, but for what it has said.
    async fn complete(&mut self) -> Result<(), Stopping> {
        self.is_complete = true;
        let up: Vec<String> = self
            .up
            .iter()
            .filter(|(reader, up)| **up && self.declared.contains(*reader))
            .map(|(reader, _)| reader.clone())
            .collect();
        for reader in up {
            self.complete_reader(&reader).await?;
        }
        tracing::info!(event = "bridge.complete", bridge = self.name, "what it kept has come");
        Ok(())
    }

    /// A reader that had fallen silent is heard again when it speaks.
    async fn note_speaking(&self, speaking: &BTreeSet<String>) -> Result<(), Stopping> {
        for reader in speaking.intersection(&self.watched) {
            if self.is_complete && self.up.get(reader) == Some(&true) {
                let now = self.host.clock.now();
                self.state(reader, true, "heard again".to_owned(), now).await?;
            }
        }
        Ok(())
    }

    async fn complete_reader(&self, reader: &str) -> Result<(), Stopping> {
        let at_ms = self.host.clock.now().as_ms();
        let reader = reader.to_owned();
        let noted = self.send_for_outcome(LinkEvent::Complete { reader, at_ms }).await?;
        noted.await.map(drop).map_err(|_| Stopping)
    }

    async fn state(&self, reader: &str, up: bool, detail: String, at: Instant) -> Result<(), Stopping> {
        let event = LinkEvent::State {
            reader: reader.to_owned(),
            up,
            detail,
            at_ms: at.as_ms(),
        };
        let noted = self.send_for_outcome(event).await?;
        noted.await.map(drop).map_err(|_| Stopping)
    }

    /// A reader under which a record is kept. One that our configuration does not give to this bridge is kept under a name that no
    /// `readers.csv` has by accident, and so quarantined: a bridge speaks for its own readers only.
    fn reader(&self, reader: &str) -> String {
        if self.declared.contains(reader) {
            return reader.to_owned();
        }
        format!("bridge:{}/{reader}", self.name)
    }

    async fn send_for_outcome(&self, event: LinkEvent) -> Result<oneshot::Receiver<Outcome>, Stopping> {
        let (reply, outcome) = oneshot::channel();
        self.send(event, Some(reply)).await?;
        Ok(outcome)
    }

    async fn send(&self, event: LinkEvent, reply: Option<oneshot::Sender<Outcome>>) -> Result<(), Stopping> {
        self.sink.send(Delivery { event, reply }).await.map_err(|_| Stopping)
    }
}

/// Waits until everything is committed, and notes what was not simply recorded.
async fn settle(
    waiting: &mut Vec<(u64, oneshot::Receiver<Outcome>)>,
    outcomes: &mut Vec<Told>,
) -> Result<(), Stopping> {
    for (number, outcome) in waiting.drain(..) {
        // An engine that ended without committing answers nothing.
        outcomes.extend(told(number, outcome.await.map_err(|_| Stopping)?));
    }
    Ok(())
}

fn told(number: u64, outcome: Outcome) -> Option<Told> {
    let (status, reason) = match outcome {
        Outcome::Recorded { .. } => return None,
        Outcome::Unassigned { .. } => (Status::Unassigned, None),
        Outcome::Duplicate { .. } => (Status::Duplicate, None),
        Outcome::Quarantined { reason, .. } => (Status::Quarantined, Some(reason)),
        Outcome::Refused { reason } => (Status::Refused, Some(reason)),
    };
    Some(Told { number, status, reason })
}
