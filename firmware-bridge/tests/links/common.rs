//! A host for links under test: it receives what they deliver, and gives up after a deadline.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bridge::{Delivery, Link, LinkContext, LinkEvent, Note, ReaderConfig};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::{Decoding, Format, Malformed, Reading};

/// Longer than anything here takes, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// What the judging clock of these tests shows.
pub const NOW_MS: i64 = 1_789_999_000_123;

pub struct Host {
    pub context: LinkContext,
    pub deliveries: mpsc::Receiver<Delivery>,
    /// What the readers said of themselves so far.
    pub notes: Vec<Note>,
}

impl Host {
    pub fn new(capacity: usize) -> Self {
        let (sink, deliveries) = mpsc::channel(capacity);
        let mut context = LinkContext::new("boot", sink, Arc::new(|| NOW_MS), CancellationToken::new());
        context.timing.serial_read = Duration::from_millis(5);
        context.timing.first_backoff = Duration::from_millis(5);
        context.timing.longest_backoff = Duration::from_millis(20);
        Self {
            context,
            deliveries,
            notes: Vec::new(),
        }
    }

    /// The next delivery that is no note; those are kept aside.
    pub async fn delivery(&mut self) -> Delivery {
        loop {
            let delivery = soon(self.deliveries.recv()).await.expect("the link is still there");
            match delivery.event {
                LinkEvent::Note { note, .. } => self.notes.push(note),
                _ => return delivery,
            }
        }
    }

    /// The next event must be a reading.
    pub async fn reading(&mut self) -> (String, Reading) {
        match self.delivery().await.event {
            LinkEvent::Reading {
                dedup_source,
                reading,
                received_at_ms,
                ..
            } => {
                assert_eq!(received_at_ms, NOW_MS);
                (dedup_source, reading)
            }
            other => panic!("no reading: {other:?}"),
        }
    }

    /// The next event must be a malformed input.
    pub async fn malformed(&mut self) -> Malformed {
        match self.delivery().await.event {
            LinkEvent::Malformed { malformed, .. } => malformed,
            other => panic!("nothing malformed: {other:?}"),
        }
    }

    /// The next event must be a change of state.
    pub async fn state(&mut self) -> (bool, String) {
        match self.delivery().await.event {
            LinkEvent::State { up, detail, at_ms, .. } => {
                assert_eq!(at_ms, NOW_MS);
                (up, detail)
            }
            other => panic!("no change of state: {other:?}"),
        }
    }
}

/// Waits for something that must come.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("it came before the deadline")
}

pub fn reader(link: Link, format: Format) -> ReaderConfig {
    let decoding = Decoding::new(format);
    ReaderConfig {
        id: "gate".into(),
        link_text: String::new(),
        link,
        decoding,
        baud: 9_600,
        silent_after_seconds: 0,
        silence_needs_heartbeat: false,
        reply: format.is_text(),
        comm_key: None,
        status: wire::adms::StatusRule::Ignore,
        set_clock: false,
        peers: Vec::new(),
    }
}
