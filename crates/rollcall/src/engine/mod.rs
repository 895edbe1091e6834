//! The loop that turns readings, deadlines and changed facts into verdicts.
//!
//! One loop, one `match`: it takes whatever has arrived while the previous commit was on its way to disk, reads the clock
//! once, and commits swipes, verdicts, findings and next deadlines in one transaction. Readers are answered and screens told
//! only after that. It sleeps until the earliest instant that the rules themselves named, or until something arrives.

pub mod again;
mod ahead;
mod batch;
pub mod intake;
pub mod links;
pub mod meetings;
mod memory;
mod silence;
mod site;
pub mod verdicts;
#[cfg(test)]
pub(crate) mod workbench;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use bridge::ReaderConfig;
use chrono::{Days, NaiveDate};
use rules::time::Instant;
use store::rows::DayKey;
use store::{Ledger, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::lobby::Lobby;
use crate::shared::SiteSnapshot;
use crate::sources::Sources;
use ahead::Ahead;
use intake::{READINGS_PER_BATCH, ReaderChange, Submission};
use memory::Memory;
use silence::Silence;
use writer::WriterParts;

pub use batch::{installation_secret, known_secret};
pub use intake::Intake;
pub use silence::Heartbeats;
pub use site::{load_site, snapshot_of};

/// How often the loop looks whether another process changed facts; nobody is evaluated by this.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// How often the database does its housekeeping.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);

/// How often a sign of life is written down, so that a restart knows since when nothing could be heard.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How long a database that is full or away is left alone before the same batch is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Day rows that are judged in one transaction besides those that its readings touch.
const DUE_DAYS_PER_BATCH: usize = 256;

/// How long the engine waits for those who still send when the daemon stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);

/// A step back of the clock up to this is smoothed over; a larger one is recorded.
const CLOCK_STEP_TOLERANCE_MS: i64 = 5_000;

/// Rows of dates further back than this are not made by themselves when the daemon was off.
const LONGEST_CATCH_UP_DAYS: u64 = 400;

/// The installation's settings that the engine keeps in the ledger.
mod setting {
    /// Key of the finding ids, in hex.
    pub const SECRET: &str = "installation_secret";
    /// The last date whose day rows have been made.
    pub const OPENED_THROUGH: &str = "opened_through";
    /// The first date that was opened: before it the installation judges nobody.
    pub const OPENED_FROM: &str = "opened_from";
    /// When the daemon last said that it was alive, in milliseconds.
    pub const ALIVE_AT: &str = "alive_at_ms";
}

pub use setting::{ALIVE_AT, OPENED_FROM, OPENED_THROUGH};

/// What the engine is made of.
pub struct EngineParts {
    /// The database.
    pub ledger: Arc<dyn Ledger>,
    /// Judging time.
    pub clock: Clock,
    /// Where submissions arrive.
    pub queue: mpsc::Receiver<Submission>,
    /// Whom to tell about the board.
    pub lobby: Lobby,
    /// Where the facts in force are published.
    pub site: watch::Sender<SiteSnapshot>,
    /// The configured readers; those that this process itself listens to count as down until they are heard.
    pub readers: Vec<ReaderConfig>,
    /// Where those who hear readers note that they are there.
    pub heartbeats: Heartbeats,
    /// Where what was committed is written down for those who look after readers.
    pub sources: Sources,
    /// What others may see of the engine.
    pub health: Arc<Health>,
}

/// What `/readyz` and `/metrics` see of the engine.
#[derive(Debug, Default)]
pub struct Health {
    /// When the loop last came round, in milliseconds of judging time.
    pub seen_at_ms: AtomicI64,
    /// Batches committed.
    pub batches: AtomicU64,
    /// Swipes stored that were new.
    pub swipes: AtomicU64,
    /// Person-days judged.
    pub judged_days: AtomicU64,
    paused: std::sync::Mutex<Option<String>>,
}

impl Health {
    /// Why intake is paused, if it is.
    pub fn paused(&self) -> Option<String> {
        self.paused.lock().ok().and_then(|paused| paused.clone())
    }

    fn set_paused(&self, reason: Option<String>) {
        if let Ok(mut paused) = self.paused.lock() {
            *paused = reason;
        }
    }
}

/// Has the database do its housekeeping until the daemon stops: beside the loop, because whoever swipes meanwhile must not wait
/// for a disk to be tidied up.
pub async fn keep_house(ledger: Arc<dyn Ledger>, lifecycle: Lifecycle) -> anyhow::Result<()> {
    let mut interval = tokio::time::interval(HOUSEKEEPING_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = lifecycle.soft.cancelled() => return Ok(()),
            _ = interval.tick() => {}
        }
        match ledger.maintain().await {
            // The engine's next batch will meet the same trouble and knows how to wait for its end.
            Ok(()) | Err(StoreError::Unavailable(_) | StoreError::Full(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

struct Engine {
    ledger: Arc<dyn Ledger>,
    clock: Clock,
    lobby: Lobby,
    site: watch::Sender<SiteSnapshot>,
    sources: Sources,
    health: Arc<Health>,
    secret: Vec<u8>,
    /// The last instant read, so that time never runs backwards here.
    now: Instant,
    /// The first date that is judged at all: that of the first start, or an earlier one that an import brought.
    opened_from: NaiveDate,
    /// The last date whose day rows exist.
    opened_through: NaiveDate,
    /// The next date to open, and when; `None` where nothing is asked of anybody in the weeks to come.
    next_opening: Option<(NaiveDate, Instant)>,
    next_check: Option<Instant>,
    /// What is known of the rows of meetings as a whole.
    meetings: meetings::MeetingClock,
    /// Readers that were silent for too long are told from those whose link is down.
    silence: Silence,
    /// Readers that cannot be heard, and since when.
    down: BTreeMap<Arc<str>, Instant>,
    /// The beginnings of outages in which a reader is known to have gone on reading, for it delivered what it had kept.
    there_while_down: BTreeMap<Arc<str>, Instant>,
    /// What the batches before have read and written.
    memory: Memory,
    /// What was judged and is being written, or waits for that.
    ahead: Ahead,
}

/// Runs the engine until the daemon stops; returns early only with the error that stopped it.
pub async fn run(parts: EngineParts, lifecycle: Lifecycle) -> anyhow::Result<()> {
    let EngineParts {
        ledger,
        clock,
        mut queue,
        lobby,
        site,
        readers,
        heartbeats,
        sources,
        health,
    } = parts;
    let now = clock.now();
    let snapshot = site.borrow().clone();
    let secret = batch::installation_secret(&*ledger).await?;
    let opened_through = opened_through(&*ledger, &snapshot, now).await?;
    let opened_from = noted_date(&*ledger, setting::OPENED_FROM)
        .await?
        .unwrap_or(opened_through + Days::new(1));
    let parts = WriterParts {
        ledger: Arc::clone(&ledger),
        secret: secret.clone(),
        lobby: lobby.clone(),
        sources: sources.clone(),
        health: Arc::clone(&health),
    };
    let ahead = Ahead::start(parts).context("no thread for the writer")?;
    let mut engine = Engine {
        ledger,
        clock,
        lobby,
        site,
        sources,
        health,
        secret,
        now,
        opened_from,
        opened_through,
        next_opening: None,
        next_check: Some(now),
        meetings: meetings::MeetingClock::default(),
        silence: Silence::new(&readers, heartbeats, now),
        down: BTreeMap::new(),
        there_while_down: BTreeMap::new(),
        memory: Memory::default(),
        ahead,
    };
    engine
        .start(&links::watched(&readers))
        .await
        .context("the engine could not start")?;
    engine.turn(&mut queue, &lifecycle).await
}

impl Engine {
    /// Brings the board up and notes since when the readers of this process could not be heard.
    async fn start(&mut self, watched_readers: &[Arc<str>]) -> anyhow::Result<()> {
        let alive_at = self
            .ledger
            .setting(setting::ALIVE_AT)
            .await?
            .and_then(|text| text.parse().ok());
        let last_heard = alive_at.map_or(self.now, |ms| Instant::from_ms(ms).min(self.now));
        for outage in self
            .ledger
            .outages()
            .await?
            .into_iter()
            .filter(|outage| outage.down_until.is_none())
        {
            self.down.insert(outage.reader.as_str().into(), outage.down_from);
        }
        let lost = watched_readers
            .iter()
            .filter(|reader| !self.down.contains_key(*reader))
            .map(|reader| ReaderChange {
                reader: Arc::clone(reader),
                up: false,
                at: last_heard,
                detail: "not heard since the daemon last ran".to_owned(),
            });
        let lost: Vec<_> = lost.collect();
        self.note_readers(&lost).await?;
        let mut transaction = self.ledger.begin().await?;
        self.make_due_since(&mut *transaction, self.now).await?;
        transaction.commit().await?;
        self.publish_board_frame();
        self.plan_opening();
        Ok(())
    }

    async fn turn(&mut self, queue: &mut mpsc::Receiver<Submission>, lifecycle: &Lifecycle) -> anyhow::Result<()> {
        let mut probe = tokio::time::interval(PROBE_INTERVAL);
        let mut alive = tokio::time::interval(ALIVE_INTERVAL);
        loop {
            let clock = self.clock.clone();
            let (wake, has_room) = (self.wake_at(), self.ahead.room() > 0);
            let mut submissions = Vec::new();
            tokio::select! {
                biased;
                () = lifecycle.soft.cancelled() => return self.drain(queue).await,
                written = self.ahead.writer.written() => self.conclude(written)?,
                received = queue.recv(), if has_room => match received {
                    Some(first) => submissions.push(first),
                    None => return Ok(()),
                },
                () = clock.wait_until(wake) => {}
                _ = alive.tick() => self.note_alive().await?,
                _ = probe.tick() => self.notice_foreign_changes().await?,
            }
            if !self.ahead.writer.is_idle() {
                // The runtime runs next whom a connection has woken, so the engine would judge what there is so far, a few at a time. There
                // is time until the commit: whoever else has something to hand over goes first. It changes nothing but the speed.
                tokio::task::yield_now().await;
            }
            Self::take_waiting(queue, self.ahead.room(), &mut submissions);
            self.settle(submissions, lifecycle).await?;
        }
    }

    /// Commits what is there and has become due; a database that is full or away is tried again with the same batch, so that
    /// nothing taken from the queue is lost.
    async fn settle(&mut self, mut submissions: Vec<Submission>, lifecycle: &Lifecycle) -> anyhow::Result<()> {
        loop {
            self.read_clock().await?;
            match self.open_dates_and_process(&mut submissions).await {
                Ok(()) => {
                    self.health.set_paused(None);
                    self.health.seen_at_ms.store(self.now.as_ms(), Ordering::Relaxed);
                    return Ok(());
                }
                Err(error @ (StoreError::Full(_) | StoreError::Unavailable(_))) => {
                    tracing::error!(event = "intake.paused", error = %error);
                    self.health.set_paused(Some(error.to_string()));
                    tokio::select! {
                        () = lifecycle.hard.cancelled() => return Err(error.into()),
                        () = tokio::time::sleep(RETRY_INTERVAL) => {}
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn open_dates_and_process(&mut self, submissions: &mut Vec<Submission>) -> Result<(), StoreError> {
        self.open_dates().await?;
        self.judge_ahead(submissions);
        if submissions.is_empty() && !self.ahead.is_to_repeat() && !self.is_check_due() {
            return Ok(());
        }
        self.alone().await?;
        self.process_again().await?;
        if !submissions.is_empty() || self.is_check_due() {
            self.process(submissions).await?;
        }
        Ok(())
    }

    /// Takes what waits in the queue, up to so many readings.
    fn take_waiting(queue: &mut mpsc::Receiver<Submission>, room: usize, submissions: &mut Vec<Submission>) {
        let mut weight: usize = submissions.iter().map(|submission| submission.work.weight()).sum();
        while weight < room
            && let Ok(submission) = queue.try_recv()
        {
            weight += submission.work.weight();
            submissions.push(submission);
        }
    }

    /// Commits what readers had already sent: until everybody who could send has gone, but not for longer than the daemon
    /// drains.
    async fn drain(&mut self, queue: &mut mpsc::Receiver<Submission>) -> anyhow::Result<()> {
        let mut deadline = std::pin::pin!(tokio::time::sleep(DRAIN_LIMIT));
        let mut submissions = Vec::new();
        self.alone().await?;
        self.process_again().await?;
        loop {
            let first = tokio::select! {
                received = queue.recv() => received,
                () = &mut deadline, if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
            };
            let Some(first) = first else { break };
            submissions.push(first);
            Self::take_waiting(queue, READINGS_PER_BATCH, &mut submissions);
            self.process(&mut submissions).await?;
        }
        self.note_alive().await?;
        Ok(())
    }

    fn wake_at(&self) -> Instant {
        let opening = self.next_opening.map(|(_, at)| at);
        let never = Instant::from_ms(i64::MAX);
        self.next_check.unwrap_or(never).min(opening.unwrap_or(never))
    }

    /// Reads the clock once for a batch. A small step back is smoothed over; a larger one means that for that long nobody
    /// knows what time readings carried, so every reader counts as not heard over it.
    async fn read_clock(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let back = (self.now - now).as_ms();
        if back > CLOCK_STEP_TOLERANCE_MS {
            tracing::error!(event = "clock.stepped_back", milliseconds = back);
            self.record_clock_step(now, self.now).await?;
            self.now = now;
        }
        self.now = self.now.max(now);
        Ok(())
    }

    /// Makes the day rows of every date that has begun, so that people who never swipe are judged too.
    async fn open_dates(&mut self) -> Result<(), StoreError> {
        while let Some((date, at)) = self.next_opening
            && at <= self.now
        {
            self.alone().await?;
            self.open_date(date).await?;
            self.opened_through = date;
            self.plan_opening();
        }
        Ok(())
    }

    async fn open_date(&mut self, date: NaiveDate) -> Result<(), StoreError> {
        let site = self.site.borrow().clone();
        let people = site.facts.records().people.iter().zip(0..);
        let asked = people.filter(|(_, index)| site.facts.opens_at(rules::model::PersonIndex(*index), date).is_some());
        let mut keys: Vec<_> = asked
            .map(|(person, _)| DayKey {
                person: person.id.to_string(),
                date: date.to_string(),
            })
            .collect();
        keys.sort();
        tracing::info!(event = "date.opened", date = %date, people = keys.len());
        for chunk in keys.chunks(DUE_DAYS_PER_BATCH) {
            let mut transaction = self.ledger.begin().await?;
            transaction.touch_days(chunk).await?;
            transaction.commit().await?;
        }
        let mut transaction = self.ledger.begin().await?;
        transaction.touch_meetings(&self.meetings_of_date(date)).await?;
        self.meetings.stale = true;
        self.opened_from = self.opened_from.min(date);
        transaction
            .set_setting(setting::OPENED_FROM, &self.opened_from.to_string())
            .await?;
        transaction
            .set_setting(setting::OPENED_THROUGH, &date.to_string())
            .await?;
        transaction.commit().await?;
        self.next_check = Some(self.now);
        Ok(())
    }

    fn plan_opening(&mut self) {
        let site = self.site.borrow();
        // A date that asks nothing of anybody is passed over; three weeks span the longest holidays with room to spare,
        // and the facts are looked at again whenever they change.
        self.next_opening = (1..=21)
            .map(|ahead| self.opened_through + Days::new(ahead))
            .find_map(|date| site::opens_at(&site.facts, date).map(|at| (date, at)));
        if self.next_opening.is_none() && site::date_at(&site.facts, self.now) > self.opened_through + Days::new(21) {
            self.next_opening = Some((self.opened_through + Days::new(21), self.now));
        }
    }

    async fn note_alive(&mut self) -> Result<(), StoreError> {
        match self.write_alive().await {
            // The next batch will meet the same trouble and knows how to wait for its end.
            Err(StoreError::Full(_) | StoreError::Unavailable(_)) => Ok(()),
            done => done,
        }
    }

    async fn write_alive(&mut self) -> Result<(), StoreError> {
        let mut transaction = self.ledger.begin().await?;
        transaction
            .set_setting(setting::ALIVE_AT, &self.clock.now().as_ms().to_string())
            .await?;
        transaction.commit().await
    }

    async fn notice_foreign_changes(&mut self) -> Result<(), StoreError> {
        let revision = match self.ledger.facts_revision().await {
            Ok(revision) => revision,
            // The next batch will meet the same trouble and knows how to wait for its end.
            Err(StoreError::Unavailable(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        if revision != self.site.borrow().revision {
            self.alone().await?;
            self.reload_site().await?;
            self.next_check = Some(self.now);
        }
        self.notice_silence().await
    }

    async fn notice_silence(&mut self) -> Result<(), StoreError> {
        let silent = self.silence.fallen_silent(self.clock.now()).into_iter();
        let detail = "silent for longer than silent_after_seconds";
        let changes: Vec<_> = silent
            .map(|(reader, at)| ReaderChange {
                reader,
                up: false,
                at,
                detail: detail.to_owned(),
            })
            .collect();
        self.note_readers(&changes).await
    }
}

/// The date through which day rows exist: as noted, else the day before today.
async fn opened_through(ledger: &dyn Ledger, site: &SiteSnapshot, now: Instant) -> anyhow::Result<NaiveDate> {
    let today = site::date_at(&site.facts, now);
    let (oldest, yesterday) = (today - Days::new(LONGEST_CATCH_UP_DAYS), today - Days::new(1));
    // An import of swipes may have noted a date that has not come yet by this clock.
    Ok(noted_date(ledger, setting::OPENED_THROUGH)
        .await?
        .map_or(yesterday, |noted| noted.max(oldest).min(yesterday)))
}

async fn noted_date(ledger: &dyn Ledger, name: &str) -> anyhow::Result<Option<NaiveDate>> {
    let Some(text) = ledger.setting(name).await? else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .with_context(|| format!("the setting {name} holds {text}, not a date"))
}
