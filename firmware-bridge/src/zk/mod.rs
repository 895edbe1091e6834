//! ZKTeco terminals that are called: connected to, read once, and heard as people punch.
//!
//! A terminal keeps its records, so nothing is lost while the link is down: at every connection, and every quarter of an hour, what it
//! holds is compared with what was delivered, and the rest is delivered. The link is up when all of that is committed.

mod session;
mod transport;

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use wire::adms::RecordRule;
use wire::zk::{EVENT_ATTENDANCE, attendance, event};
use wire::{Malformed, Reading};

use crate::backoff::Backoff;
use crate::config::ReaderConfig;
use crate::delivery::{Delivery, LinkEvent, Note, Outcome};
use crate::link::{LinkContext, LinkError};
use session::{Event, Session, ZkError};
pub use transport::Transport;

/// How often a terminal that says nothing is asked for its time: its sign of life, and the measure of its clock.
const ASK_INTERVAL: Duration = Duration::from_secs(30);

/// How often what a terminal holds is compared with what was delivered.
const COMPARE_INTERVAL: Duration = Duration::from_mins(15);

/// How long the end of a session may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A clock that is wrong by more is set, where the configuration allows it, in milliseconds.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

/// How many records are on their way to the engine before their outcomes are awaited.
const RECORDS_AT_ONCE: usize = 128;

/// Calls a terminal until told to stop, and again whenever it is lost.
pub async fn run(
    reader: &ReaderConfig,
    transport: Transport,
    address: &str,
    context: &LinkContext,
) -> Result<(), LinkError> {
    let mut terminal = Terminal {
        reader,
        context,
        delivered: Delivered::default(),
        is_up: false,
    };
    let (mut backoff, mut said) = (Backoff::new(&context.timing), None);
    loop {
        let since = Instant::now();
        match terminal.call(transport, address).await {
            Ok(()) | Err(Ended::QueueClosed) => return Ok(()),
            Err(Ended::Lost(error)) => {
                let why = format!("{address}: {error}");
                if std::mem::take(&mut terminal.is_up) || said.as_ref() != Some(&why) {
                    terminal.send(context.state(reader, false, why.clone())).await;
                    said = Some(why);
                }
            }
        }
        backoff.held_for(since.elapsed());
        if timeout(backoff.wait(), context.stop.cancelled()).await.is_ok() {
            return Ok(());
        }
    }
}

/// Why a session ended.
enum Ended {
    /// The terminal is lost; call it again.
    Lost(ZkError),
    /// Nobody takes deliveries any more.
    QueueClosed,
}

impl From<ZkError> for Ended {
    fn from(error: ZkError) -> Self {
        Self::Lost(error)
    }
}

/// What of a terminal's records was delivered and committed: how many from the first on, and what they are, for a terminal that was
/// emptied begins anew.
#[derive(Default)]
struct Delivered {
    records: usize,
    hash: u64,
}

/// One terminal over all its sessions.
struct Terminal<'a> {
    reader: &'a ReaderConfig,
    context: &'a LinkContext,
    delivered: Delivered,
    is_up: bool,
}

impl Terminal<'_> {
    /// One session, from its beginning until the stop.
    async fn call(&mut self, transport: Transport, address: &str) -> Result<(), Ended> {
        let (stop, patience) = (self.context.stop.clone(), self.context.timing.peer_answers);
        let mut session = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            session = Session::open(transport, address, self.reader.comm_key.as_ref(), patience) => session?,
        };
        let result = tokio::select! {
            () = stop.cancelled() => Ok(()),
            result = self.serve(&mut session, address) => result,
        };
        // Whatever happened, people must be able to use it; one that is gone cannot be told.
        if let Err(error) = timeout(FAREWELL, session.close())
            .await
            .map_err(|_| ZkError::Silent)
            .flatten()
        {
            tracing::debug!(reader = self.reader.id, %error, "terminal_farewell");
        }
        result
    }

    async fn serve(&mut self, session: &mut Session, address: &str) -> Result<(), Ended> {
        // A client that died while it read the terminal left it closed to people.
        session.enable().await?;
        let serial = session.serial().await?;
        self.look_at_clock(session).await?;
        if let Some(serial) = serial {
            tracing::info!(reader = self.reader.id, serial, "terminal_serial");
            let name = "serial number".to_owned();
            self.say_note(Note::Detail { name, text: serial }).await;
        }
        session.want_events().await?;
        let records = self.compare(session).await?;
        self.is_up = true;
        let detail = format!("connected to {address}; it holds {records} records, all of them are here");
        self.send(self.context.state(self.reader, true, detail)).await;
        let (mut ask_at, mut compare_at) = (Instant::now() + ASK_INTERVAL, Instant::now() + COMPARE_INTERVAL);
        loop {
            match timeout_at(ask_at.min(compare_at), session.event()).await {
                Ok(event) => self.take(session, event?).await?,
                Err(_) if Instant::now() >= compare_at => {
                    self.compare(session).await?;
                    compare_at = Instant::now() + COMPARE_INTERVAL;
                }
                Err(_) => {
                    self.look_at_clock(session).await?;
                    ask_at = Instant::now() + ASK_INTERVAL;
                }
            }
        }
    }

    fn rule(&self) -> RecordRule {
        RecordRule {
            badge_key: self.reader.decoding.badge_key,
            status: self.reader.status,
        }
    }

    /// Measures the clock, says so, and sets it where that is wanted.
    async fn look_at_clock(&mut self, session: &mut Session) -> Result<(), Ended> {
        let offset_ms = i64::from((self.context.offset_minutes)()) * 60_000;
        let Some(shows) = session.time().await? else {
            return Ok(());
        };
        let ahead_ms = shows.and_utc().timestamp_millis() - offset_ms - self.context.now_ms();
        self.say_clock(ahead_ms).await;
        if self.reader.set_clock && ahead_ms.abs() > CLOCK_TOLERANCE_MS {
            session.set_time(self.context.now_ms() + offset_ms).await?;
            tracing::warn!(reader = self.reader.id, ahead_ms, "terminal_clock_set");
            self.say_clock(0).await;
        }
        Ok(())
    }

    async fn say_note(&self, note: Note) {
        let event = LinkEvent::Note {
            reader: self.reader.id.clone(),
            note,
            at_ms: self.context.now_ms(),
        };
        self.send(Delivery { event, reply: None }).await;
    }

    async fn say_backlog(&self, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.say_note(Note::Backlog { records }).await;
    }

    async fn say_clock(&self, ahead_ms: i64) {
        let event = LinkEvent::Clock {
            reader: self.reader.id.clone(),
            ahead_ms,
            at_ms: self.context.now_ms(),
        };
        self.send(Delivery { event, reply: None }).await;
    }

    /// Delivers what the terminal holds and was not delivered yet; returns how many records it holds.
    async fn compare(&mut self, session: &mut Session) -> Result<usize, Ended> {
        let sizes = session.sizes().await?;
        let held = usize::try_from(sizes.records).unwrap_or(usize::MAX);
        if held == 0 || (held == self.delivered.records && self.is_up) {
            return Ok(held);
        }
        let block = session.attendance().await?;
        let readings = attendance(&block, sizes.records, self.rule());
        let known = self.delivered.records.min(readings.len());
        let first = if hash_of(&readings[..known]) == self.delivered.hash {
            known
        } else {
            0
        };
        let mut left = readings.len() - first;
        for piece in readings[first..].chunks(RECORDS_AT_ONCE) {
            self.say_backlog(left).await;
            self.deliver(piece).await?;
            left -= piece.len();
        }
        self.say_backlog(left).await;
        self.delivered = Delivered {
            records: readings.len(),
            hash: hash_of(&readings),
        };
        Ok(readings.len())
    }

    /// Delivers records and waits until all of them are kept.
    async fn deliver(&self, items: &[Result<Reading, Malformed>]) -> Result<(), Ended> {
        let received_at_ms = self.context.now_ms();
        let mut outcomes: Vec<oneshot::Receiver<Outcome>> = Vec::with_capacity(items.len());
        for item in items {
            let (reply, outcome) = oneshot::channel();
            let event = self.context.event(self.reader, item.clone(), received_at_ms);
            let delivery = Delivery {
                event,
                reply: Some(reply),
            };
            self.context.sink.send(delivery).await.map_err(|_| Ended::QueueClosed)?;
            outcomes.push(outcome);
        }
        for outcome in outcomes {
            outcome.await.map_err(|_| Ended::Lost(ZkError::NotKept))?;
        }
        Ok(())
    }

    /// Something happened at the terminal.
    async fn take(&mut self, session: &mut Session, happened: Event) -> Result<(), Ended> {
        if happened.kind == EVENT_ATTENDANCE {
            let reading = event(&happened.data, self.rule()).map_err(|reason| Malformed::new(reason, &happened.data));
            self.deliver(&[reading]).await?;
        }
        session.acknowledge().await?;
        Ok(())
    }

    /// Hands over, and waits while the queue is full. A queue that is closed has nobody left to tell; the stop follows.
    async fn send(&self, delivery: Delivery) {
        if self.context.sink.send(delivery).await.is_err() {
            tracing::debug!("reader_queue_closed");
        }
    }
}

/// A number that tells other records apart; it lives no longer than this process.
fn hash_of(readings: &[Result<Reading, Malformed>]) -> u64 {
    // FNV-1a, which is not made against those who choose what is hashed; here a wrong guess only means that records are sent again.
    let raw = readings.iter().flat_map(|item| match item {
        Ok(reading) => reading.raw.iter(),
        Err(malformed) => malformed.bytes.iter(),
    });
    raw.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}
