//! Keeps the way to the daemon open, and sends what the queue holds.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::clocks::HostClocks;
use super::keep::Feedback;
use super::readers::Readers;
use crate::queue::{Backlog, Reader};
use crate::uplink::message::{FromBridge, Hello, PROTOCOL, Report};
use crate::uplink::{BridgeKey, Dial, DialError, Do, Ended, Next, Session, Socket, Trust};

/// The most records of a batch: what the daemon commits at once.
const RECORDS: usize = 256;

/// The most bytes of a batch.
const BYTES: usize = 256 * 1024;

/// The longest wait before the first attempt to connect again; it doubles up to [`LONGEST_STEP`] each time that every address has failed.
const FIRST_STEP: Duration = Duration::from_secs(1);

/// The longest wait before a further attempt.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// What is to be done with a configuration that the daemon pushed.
pub struct Push {
    /// Names it.
    pub edition: String,
    /// Its tables.
    pub toml: String,
    /// Where to say what became of it.
    pub reply: oneshot::Sender<Result<(), String>>,
}

/// What the uplink needs.
pub struct Uplink {
    pub daemons: Vec<String>,
    pub trust: Trust,
    pub key: BridgeKey,
    pub queue_name: String,
    pub backlog: Backlog,
    pub news: watch::Receiver<u64>,
    pub clocks: Arc<HostClocks>,
    pub readers: Readers,
    pub feedback: Feedback,
    pub is_full: Arc<AtomicBool>,
    pub losses: Vec<String>,
    pub edition: Option<String>,
    pub pushes: mpsc::Sender<Push>,
    pub offset_minutes: Arc<AtomicI32>,
    pub stop: CancellationToken,
}

/// Why a connection was not made, or ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{0}")]
    Dial(#[from] DialError),
    #[error("{0}")]
    Ended(#[from] Ended),
    #[error("the daemon closed the connection")]
    Closed,
    #[error("the queue cannot be read: {0}")]
    Queue(std::io::Error),
}

impl Uplink {
    /// Connects, and again, until the end.
    pub async fn run(mut self) {
        let (mut longest, mut said) = (FIRST_STEP, String::new());
        for place in (0..self.daemons.len()).cycle() {
            let url = self.daemons[place].clone();
            let since = Instant::now();
            let stop = self.stop.clone();
            let lost = tokio::select! {
                () = stop.cancelled() => return,
                lost = self.connection(&url) => lost,
            };
            self.feedback.set_live(false);
            let Err(lost) = lost else { return };
            let why = lost.to_string();
            if since.elapsed() > LONGEST_STEP {
                (longest, said) = (FIRST_STEP, String::new());
            }
            if said == why {
                tracing::debug!(event = "uplink.down", daemon = url, why);
            } else {
                tracing::warn!(
                    event = "uplink.down",
                    daemon = url,
                    why,
                    waiting = self.backlog.status().waiting()
                );
            }
            said = why;
            let least = match lost {
                Lost::Ended(Ended::Bye(_, retry_after_ms)) => Duration::from_millis(retry_after_ms.min(60_000)),
                _ => Duration::ZERO,
            };
            if timeout(least + jitter(longest), stop.cancelled()).await.is_ok() {
                return;
            }
            if place + 1 == self.daemons.len() {
                longest = (longest * 2).min(LONGEST_STEP);
            }
        }
    }

    /// One connection; returns without an error only at the end.
    async fn connection(&mut self, url: &str) -> Result<(), Lost> {
        let dial = Dial {
            url,
            trust: &self.trust,
            key: Some(&self.key),
        };
        let mut socket = dial.open().await?;
        let status = self.backlog.status();
        let hello = Hello {
            protocol: PROTOCOL,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            queue: self.queue_name.clone(),
            first: status.first,
            last: status.last,
            now: self.clocks.now(),
            edition: self.edition.clone(),
            report: self.report(),
        };
        let (session, hello) = Session::begin(hello, self.now_ms());
        socket.say(&hello).await?;
        let mut open = Open {
            socket,
            session,
            reader: self.backlog.reader(),
        };
        let stop = self.stop.clone();
        let served = tokio::select! {
            () = stop.cancelled() => Ok(()),
            served = self.serve(&mut open, url) => served,
        };
        open.socket.close().await;
        served
    }

    async fn serve(&mut self, open: &mut Open, url: &str) -> Result<(), Lost> {
        loop {
            let newest = self.backlog.status().last;
            match open.session.next(newest, self.now_ms()) {
                Next::Silent => return Err(Ended::Silent.into()),
                Next::Report => {
                    open.socket.say(&FromBridge::Report(self.report())).await?;
                    open.session.reported(self.now_ms());
                }
                Next::Batch(after) => self.send_batch(open, after, newest).await?,
                Next::Wait(until_ms) => {
                    let wait = Duration::from_millis(until_ms.saturating_sub(self.now_ms()));
                    tokio::select! {
                        heard = open.socket.hear() => {
                            let text = heard?.ok_or(Lost::Closed)?;
                            self.hear(open, &text, url).await?;
                        }
                        changed = self.news.changed() => if changed.is_err() {
                            // Nothing more will come; what is there can still be sent.
                            sleep(wait).await;
                        },
                        () = sleep(wait) => {}
                    }
                    continue;
                }
            }
            // Between two batches the daemon is listened to, so that neither side fills the other's buffers.
            while let Ok(heard) = timeout(Duration::ZERO, open.socket.hear()).await {
                let text = heard?.ok_or(Lost::Closed)?;
                self.hear(open, &text, url).await?;
            }
        }
    }

    async fn send_batch(&self, open: &mut Open, after: u64, newest: u64) -> Result<(), Lost> {
        let records = open.reader.after(after, RECORDS, BYTES).map_err(Lost::Queue)?;
        // Where nothing can be read the rest is damaged, which was said at the start.
        let through = records.last().map_or(newest, |(number, _)| *number);
        let mut text = format!(r#"{{"type":"batch","last":{newest},"records":["#);
        for (place, (number, record)) in records.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(text, "{comma}[{number},{record}]").map_err(|_| Lost::Closed)?;
        }
        text.push_str("]}");
        open.socket.say_text(text).await?;
        open.session.sent(through);
        Ok(())
    }

    async fn hear(&mut self, open: &mut Open, text: &str, url: &str) -> Result<(), Lost> {
        let doing = open.session.hear(text, self.now_ms(), &self.clocks.now())?;
        for what in doing {
            match what {
                Do::Send(frame) => open.socket.say(&frame).await?,
                Do::Welcomed(welcome) => {
                    let (name, version) = (&welcome.name, &welcome.software);
                    tracing::info!(
                        event = "uplink.up",
                        daemon = url,
                        name,
                        version,
                        waiting = self.backlog.status().waiting()
                    );
                    self.offset_minutes.store(welcome.offset_minutes, Ordering::Relaxed);
                }
                Do::Skip(through) => {
                    tracing::warn!(
                        event = "queue.set_back",
                        through,
                        "the daemon knows records that this queue does not have: it was set back to an older state"
                    );
                    self.backlog.skip(through);
                }
                Do::Acknowledged { through, outcomes } => {
                    self.backlog.acknowledge(through);
                    self.feedback.tell(through, outcomes);
                }
                Do::ClockAhead(ahead_ms) => self.clocks.set_ahead(ahead_ms),
                Do::Configure { edition, toml } => {
                    let error = self.configure(&edition, toml).await.err();
                    if error.is_none() {
                        self.edition = Some(edition.clone());
                    }
                    open.socket.say(&FromBridge::Configured { edition, error }).await?;
                    open.session.report_soon(self.now_ms());
                }
            }
        }
        self.feedback.set_live(open.session.is_live());
        Ok(())
    }

    async fn configure(&self, edition: &str, toml: String) -> Result<(), String> {
        let (reply, done) = oneshot::channel();
        let push = Push {
            edition: edition.to_owned(),
            toml,
            reply,
        };
        let ending = || "the bridge is ending".to_owned();
        self.pushes.send(push).await.map_err(|_| ending())?;
        done.await.map_err(|_| ending())?
    }

    fn report(&self) -> Report {
        let status = self.backlog.status();
        Report {
            readers: self.readers.report(&self.clocks),
            waiting: status.waiting(),
            queue_bytes: status.bytes,
            queue_bound_bytes: status.bound,
            is_full: self.is_full.load(Ordering::Relaxed),
            losses: self.losses.clone(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clocks.elapsed_ms()).unwrap_or(0)
    }
}

/// A connection that is open.
struct Open {
    socket: Socket,
    session: Session,
    reader: Reader,
}

/// Anything up to a step, so that bridges that lost one daemon together do not come back together.
fn jitter(step: Duration) -> Duration {
    let mut bytes = [0; 2];
    // Without random numbers the whole step is as good as any part of it.
    let share = getrandom::fill(&mut bytes).map_or(u16::MAX, |()| u16::from_le_bytes(bytes));
    step * u32::from(share) / u32::from(u16::MAX)
}
