//! The bridge as a program of its own: links, queue and uplink put together.
//!
//! Data flow one way: a link delivers, the keeper makes it durable and answers, the uplink sends what is durable and lets go of what the
//! daemon has acknowledged. When the daemon is away only the last step waits.

mod clocks;
mod config;
mod enrol;
mod keep;
mod links;
mod readers;
mod uplink;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Offset, Utc};
use chrono_tz::Tz;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use clocks::HostClocks;
pub use config::{BridgeConfig, Pushed, Tables, check_url, state_directory, trust};
pub use enrol::{Enrolment, enrol};

use crate::delivery::Delivery;
use crate::link::LinkContext;
use crate::queue::{AppendError, Backlog, HostDisk, Loss, Queue, Recovery, replace_durably};
use keep::{Feedback, Keeper};
use links::Links;
use readers::{Alive, Readers, since_last_run};
use uplink::{Push, Uplink};

/// How many events of all links together may wait for the disk. When it is full, serial lines wait and network peers hear "busy".
const WAITING_EVENTS: usize = 256;

/// How often it is written down that the bridge is alive, so that its next start knows since when nothing was heard.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The directory of the queue in the state directory.
const QUEUE: &str = "queue";

/// The file that names the queue: numbers of another one say nothing about this one.
const QUEUE_NAME: &str = "queue-name";

/// Runs a bridge until `stop`; an error ends it with its reason.
pub async fn run(config: BridgeConfig, stop: CancellationToken) -> anyhow::Result<()> {
    let directory = &config.state_directory;
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let key = config.key.clone().map_err(|problem| anyhow!(problem))?;
    // Asked once before anything is opened, so that a file of roots that cannot be read is no surprise later.
    config.trust.client()?;
    let (mut queue, recovery) = Queue::open(&directory.join(QUEUE), config.queue_bytes, Box::new(HostDisk))?;
    let queue_name = queue_name(directory)?;
    tell_recovery(&recovery);
    let boot = random_name()?;
    let clocks = Arc::new(HostClocks::new(&boot));
    let backlog = queue.backlog();
    note_last_run(directory, &mut queue, &recovery, &clocks)?;
    let (news_sender, news) = watch::channel(backlog.status().last);
    let (sink, deliveries) = mpsc::channel(WAITING_EVENTS);
    let (readers, feedback, is_full) = (
        Readers::default(),
        Feedback::default(),
        Arc::new(AtomicBool::new(false)),
    );
    let keeper = start_keeper(Keeper {
        queue,
        deliveries,
        clocks: Arc::clone(&clocks),
        readers: readers.clone(),
        news: news_sender,
        feedback: feedback.clone(),
        is_full: Arc::clone(&is_full),
        runtime: Handle::current(),
        stop: stop.clone(),
    })?;
    let offset_minutes = Arc::new(AtomicI32::new(0));
    let context = link_context(&config, boot, sink, &clocks, &offset_minutes, &stop);
    let (links, pushed) = Links::start(
        config.tables.clone(),
        Pushed::read(directory),
        directory,
        context,
        readers.clone(),
    );
    let (push_sender, configurations) = mpsc::channel(1);
    let uplink = Uplink {
        daemons: config.daemons.clone(),
        trust: config.trust.clone(),
        key,
        queue_name,
        backlog: backlog.clone(),
        news,
        clocks: Arc::clone(&clocks),
        readers: readers.clone(),
        feedback,
        is_full,
        losses: recovery.losses.iter().map(Loss::to_string).collect(),
        edition: pushed,
        pushes: push_sender,
        offset_minutes,
        stop: stop.clone(),
    };
    warn_of_plain(&config);
    let bridge = Bridge {
        keeper,
        links,
        backlog,
        readers,
        clocks,
        stop,
    };
    bridge.run(uplink, configurations, directory).await
}

/// What runs.
struct Bridge {
    keeper: oneshot::Receiver<Result<(), AppendError>>,
    links: Links,
    backlog: Backlog,
    readers: Readers,
    clocks: Arc<HostClocks>,
    stop: CancellationToken,
}

impl Bridge {
    async fn run(mut self, uplink: Uplink, mut pushes: mpsc::Receiver<Push>, directory: &Path) -> anyhow::Result<()> {
        let uplink: JoinHandle<()> = tokio::spawn(uplink.run());
        let mut alive = tokio::time::interval(ALIVE_INTERVAL);
        say_to_supervisor(&[NotifyState::Ready]);
        tracing::info!(event = "bridge.ready", waiting = self.backlog.status().waiting());
        let ended = loop {
            tokio::select! {
                () = self.stop.cancelled() => break Ok(()),
                kept = &mut self.keeper => break Err(keeper_error(kept)),
                Some(error) = self.links.failed() => break Err(error),
                Some(push) = pushes.recv() => self.links.push(push).await,
                _ = alive.tick() => self.note_alive(directory),
            }
        };
        say_to_supervisor(&[NotifyState::Stopping]);
        self.note_alive(directory);
        // First nothing more is taken, then what was taken is kept, then the way to the daemon is closed.
        self.links.stop().await;
        let (readers, backlog, clocks) = (self.readers, self.backlog, self.clocks);
        self.stop.cancel();
        drop(self.links);
        let kept = if ended.is_ok() { self.keeper.await.ok() } else { None };
        if let Err(error) = uplink.await {
            tracing::error!(event = "uplink.died", %error);
        }
        if let Err(error) = backlog.settle() {
            tracing::warn!(event = "queue.position_unwritten", %error);
        }
        tracing::info!(
            event = "bridge.ended",
            readers = readers.report(&clocks).len(),
            waiting = backlog.status().waiting()
        );
        match kept {
            Some(Err(error)) => Err(disk_error(error)),
            Some(Ok(())) | None => ended,
        }
    }

    fn note_alive(&self, directory: &Path) {
        if let Err(error) = Alive::write(directory, &self.readers, &self.backlog, &self.clocks) {
            tracing::warn!(event = "bridge.alive_unwritten", %error);
        }
        say_to_supervisor(&[NotifyState::Watchdog]);
    }
}

fn keeper_error(kept: Result<Result<(), AppendError>, oneshot::error::RecvError>) -> anyhow::Error {
    match kept {
        Ok(Err(error)) => disk_error(error),
        Ok(Ok(())) | Err(_) => anyhow!("the thread that writes the queue ended unexpectedly"),
    }
}

fn disk_error(error: AppendError) -> anyhow::Error {
    anyhow::Error::new(error).context(
        "the queue cannot be written, and what the disk holds of the last records is not known; they were acknowledged to nobody. \
         The supervisor starts the bridge again; if that does not help, replace the disk",
    )
}

fn start_keeper(keeper: Keeper) -> anyhow::Result<oneshot::Receiver<Result<(), AppendError>>> {
    let (ended, has_ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("queue".to_owned())
        .spawn(move || {
            // Nobody waits where the program is ending anyway.
            let _: Result<(), _> = ended.send(keeper.run());
        })
        .context("cannot start a thread for the queue")?;
    Ok(has_ended)
}

fn link_context(
    config: &BridgeConfig,
    boot: String,
    sink: mpsc::Sender<Delivery>,
    clocks: &Arc<HostClocks>,
    offset_minutes: &Arc<AtomicI32>,
    stop: &CancellationToken,
) -> LinkContext {
    let now = Arc::clone(clocks);
    let mut context = LinkContext::new(boot, sink, Arc::new(move || now.daemon_ms()), stop.child_token());
    let (clocks, told, zone) = (Arc::clone(clocks), Arc::clone(offset_minutes), config.time_zone);
    context.offset_minutes = Arc::new(move || match zone {
        Some(zone) => zone_offset_minutes(zone, clocks.daemon_ms()),
        None => told.load(Ordering::Relaxed),
    });
    context.state_directory = Some(config.state_directory.clone());
    context
}

fn zone_offset_minutes(zone: Tz, at_ms: i64) -> i32 {
    let at: DateTime<Utc> = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    at.with_timezone(&zone).offset().fix().local_minus_utc() / 60
}

fn tell_recovery(recovery: &Recovery) {
    tracing::info!(event = "queue.open", records = recovery.records);
    for loss in &recovery.losses {
        let is_lost = loss.numbers.is_some() && !loss.is_acknowledged;
        if is_lost {
            tracing::error!(event = "queue.records_lost", "{loss}");
        } else {
            tracing::warn!(event = "queue.damaged", "{loss}");
        }
    }
}

/// Keeps what the daemon must know of the time in which this program did not run.
fn note_last_run(directory: &Path, queue: &mut Queue, recovery: &Recovery, clocks: &HostClocks) -> anyhow::Result<()> {
    let lost = recovery.losses.iter().filter(|loss| !loss.is_acknowledged);
    let lost_from = lost
        .filter_map(|loss| loss.numbers.as_ref())
        .map(|numbers| *numbers.start())
        .min();
    let records = since_last_run(directory, &queue.backlog(), lost_from, clocks).context("cannot read the queue")?;
    let payloads: Vec<String> = records
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()
        .context("a record")?;
    if payloads.is_empty() {
        return Ok(());
    }
    match queue.append(&payloads) {
        Ok(_) => Ok(()),
        // There is no room for that now, and none for a badge either. Until there is, nobody is heard.
        Err(error @ (AppendError::Full | AppendError::NoSpace(_))) => {
            tracing::error!(event = "queue.full", %error, "since when readers were not heard cannot be kept");
            Ok(())
        }
        Err(error @ AppendError::Failed(_)) => Err(disk_error(error)),
    }
}

fn queue_name(directory: &Path) -> anyhow::Result<String> {
    let path = directory.join(QUEUE_NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) | Err(_) => {
            let name = random_name()?;
            replace_durably(&path, &name).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(name)
        }
    }
}

fn random_name() -> anyhow::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random numbers from the system: {error}"))?;
    Ok(hex::encode(bytes))
}

fn warn_of_plain(config: &BridgeConfig) {
    for url in config.daemons.iter().filter(|url| url.starts_with("ws://")) {
        tracing::warn!(
            event = "uplink.plain",
            daemon = url,
            remedy = "the key and every badge travel readable: use wss:// unless nobody else is on this network"
        );
    }
}

/// Tells systemd, where it is there.
fn say_to_supervisor(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(event = "supervisor.not_told", %error);
    }
}
