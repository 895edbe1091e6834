//! Running one reader's link, whatever kind it is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use wire::{Decoder, Malformed, Reading};

use crate::config::{Link, ReaderConfig};
use crate::delivery::{Delivery, LinkEvent};
use crate::{controller, serial, tcp, zk};

/// What every link needs from its host; clones share everything.
#[derive(Clone)]
pub struct LinkContext {
    /// Where events go. Its capacity is the bound of what can be on its way.
    pub sink: mpsc::Sender<Delivery>,
    /// Judging time in UTC milliseconds: the host's clock, or a simulated one.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// How far the readers' local time is ahead of UTC now, in minutes; 0 where the host does not say otherwise.
    pub offset_minutes: Arc<dyn Fn() -> i32 + Send + Sync>,
    /// Ends the links: they stop taking input, hand over what they have read, and return. Until then keep receiving, or drop the
    /// receiver: a link waits while the queue is full.
    pub stop: CancellationToken,
    /// Where links remember what must outlast the program: which readers were ever secure. `None`: nowhere.
    pub state_directory: Option<PathBuf>,
    /// How long things may take.
    pub timing: Timing,
    /// Names the readings of sources that have no ids of their own.
    numbering: Arc<Numbering>,
    /// Wakes links that are to ask their readers for what is missing, by the reader's id.
    nudges: Arc<Mutex<BTreeMap<String, Arc<Notify>>>>,
}

/// Boot id and running number.
struct Numbering {
    boot: String,
    next: AtomicU64,
}

/// Monotonic time-outs of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long one read of a serial port waits; a stop is noticed within it.
    pub serial_read: Duration,
    /// The first wait before a lost link is opened again; it doubles up to `longest_backoff`.
    pub first_backoff: Duration,
    /// The longest wait before a lost link is opened again.
    pub longest_backoff: Duration,
    /// How long the driver of a serial port may keep a call that should have come back.
    pub stuck_after: Duration,
    /// How long a TCP peer may leave a line unfinished.
    pub unfinished_line: Duration,
    /// How long a TCP peer may say nothing at all. TCP keepalive finds dead peers long before; this frees what a live one forgot.
    pub idle_peer: Duration,
    /// How long a TCP peer may take to accept a reply, and a connection to come about.
    pub peer_answers: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            serial_read: Duration::from_millis(150),
            stuck_after: Duration::from_secs(10),
            first_backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(15),
            unfinished_line: Duration::from_mins(1),
            idle_peer: Duration::from_hours(12),
            peer_answers: Duration::from_secs(10),
        }
    }
}

/// Why a link could not run at all; whatever can mend itself is a [`LinkEvent::State`] instead.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The thread of a serial port could not be started.
    #[error("reader `{reader}`: cannot start a thread for its serial port")]
    Thread {
        /// The reader's id.
        reader: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The thread of a serial port ended without being told to.
    #[error("reader `{reader}`: the thread of its serial port ended unexpectedly")]
    ThreadEnded {
        /// The reader's id.
        reader: String,
    },
}

impl LinkContext {
    /// A context with the usual time-outs. `boot` must differ between any two runs of the program on this database: it makes
    /// readings of this run different from those of every other.
    pub fn new(
        boot: impl Into<String>,
        sink: mpsc::Sender<Delivery>,
        now: Arc<dyn Fn() -> i64 + Send + Sync>,
        stop: CancellationToken,
    ) -> Self {
        let numbering = Arc::new(Numbering {
            boot: boot.into(),
            next: AtomicU64::new(1),
        });
        Self {
            sink,
            now,
            offset_minutes: Arc::new(|| 0),
            stop,
            state_directory: None,
            timing: Timing::default(),
            numbering,
            nudges: Arc::default(),
        }
    }

    /// Has the link of a reader ask it for what it keeps: something is missing of what it told by another way.
    pub fn nudge(&self, reader: &str) {
        self.nudged(reader).notify_one();
    }

    pub(crate) fn nudged(&self, reader: &str) -> Arc<Notify> {
        let mut nudges = self.nudges.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(nudges.entry(reader.to_owned()).or_default())
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.now)()
    }

    pub(crate) fn state(&self, reader: &ReaderConfig, up: bool, detail: String) -> Delivery {
        tracing::info!(reader = reader.id, up, detail, "reader_link");
        Delivery {
            event: LinkEvent::State {
                reader: reader.id.clone(),
                up,
                detail,
                at_ms: self.now_ms(),
            },
            reply: None,
        }
    }

    pub(crate) fn event(
        &self,
        reader: &ReaderConfig,
        decoded: Result<Reading, Malformed>,
        received_at_ms: i64,
    ) -> LinkEvent {
        let reader = reader.id.clone();
        match decoded {
            Ok(reading) => LinkEvent::Reading {
                reader,
                dedup_source: self.dedup_source(&reading),
                reading,
                received_at_ms,
            },
            Err(malformed) => LinkEvent::Malformed {
                reader,
                malformed,
                received_at_ms,
            },
        }
    }

    /// See [`LinkEvent::Reading`]. A record that carries its time is the same record when its sender repeats it for want of an
    /// answer, so it is known by what it says.
    fn dedup_source(&self, reading: &Reading) -> String {
        if let Some(id) = &reading.source_id {
            return id.clone();
        }
        let Some(happened_at) = reading.happened_at else {
            return format!(
                "{}/{}",
                self.numbering.boot,
                self.numbering.next.fetch_add(1, Ordering::Relaxed)
            );
        };
        let faces = reading.faces.map_or("", wire::Faces::name);
        let sequence = reading.sequence.map(|number| number.to_string()).unwrap_or_default();
        format!("at:{}|{happened_at}|{faces}|{sequence}", reading.key)
    }
}

/// Runs a reader's link until the context's `stop`: opens it, reads it, opens it again whenever it is lost. A reader that calls us
/// over HTTP has no link to open, and this returns at once.
pub async fn run_link(reader: ReaderConfig, context: LinkContext) -> Result<(), LinkError> {
    match reader.link.clone() {
        Link::Serial(path) => serial::run(reader, path, context).await,
        Link::TcpListen(address) => {
            tcp::listen(&reader, &address, &context).await;
            Ok(())
        }
        Link::Tcp(address) => {
            tcp::dial(&reader, &address, &context).await;
            Ok(())
        }
        // A bus and a broker speak for all of their readers: see [`crate::run_osdp_bus`] and [`crate::run_mqtt_broker`].
        Link::Http | Link::Adms(_) | Link::Osdp(_) | Link::Mqtt(_) | Link::Bridge(_) => Ok(()),
        Link::Zk(address) => zk::run(&reader, zk::Transport::Tcp, &address, &context).await,
        Link::ZkUdp(address) => zk::run(&reader, zk::Transport::Udp, &address, &context).await,
        Link::Controller(controller) => match &controller.called {
            Some(called) => controller::run(&reader, &controller, called, &context).await,
            None => Ok(()),
        },
    }
}

/// Pushes bytes into a decoder and takes out what they make; `bytes` bound how much that is.
pub(crate) fn decode(decoder: &mut Decoder, mut bytes: &[u8]) -> Vec<Result<Reading, Malformed>> {
    let mut items: Vec<_> = std::iter::from_fn(|| decoder.next()).collect();
    while !bytes.is_empty() {
        let taken = decoder.push(bytes);
        bytes = &bytes[taken..];
        items.extend(std::iter::from_fn(|| decoder.next()));
    }
    items
}
