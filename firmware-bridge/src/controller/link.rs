//! A controller that is called: what it streams is heard as it happens, and at every connection, at every gap and every quarter of an hour
//! it is asked for what it keeps. The link is up when all of that is committed.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use wire::controller::{Dialect, Note, Serials, Stream, Told, What};
use wire::{HappenedAt, Malformed};

use super::config::{Called, Controller};
use super::http::{Body, Client, HttpError};
use super::position::Position;
use super::recent::Recent;
use super::{Ended, dahua, isapi};
use crate::backoff::Backoff;
use crate::config::ReaderConfig;
use crate::delivery::{Delivery, LinkEvent, Outcome};
use crate::link::{LinkContext, LinkError};

/// How often what a controller keeps is compared with what was delivered.
const COMPARE_INTERVAL: Duration = Duration::from_mins(15);

/// The same of one that streams nothing.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// How often its clock is looked at.
const CLOCK_INTERVAL: Duration = Duration::from_mins(5);

/// A stream that says nothing for so long is lost; most have a heartbeat every ten to thirty seconds.
const LONGEST_SILENCE: Duration = Duration::from_secs(90);

/// Without a memory of an earlier run events of so long ago are asked for.
pub const FIRST_DAYS: i64 = 31;

/// How far before the last event is asked again, in milliseconds: events are written down a little out of order.
pub const OVERLAP_MS: i64 = 10 * 60_000;

/// A clock that is wrong by more is set, where the configuration allows it, in milliseconds.
pub const CLOCK_TOLERANCE_MS: i64 = 2_000;

/// After a wrong password nothing is tried for so long: devices shut out whom they take for a burglar, for about this time.
const REFUSED_WAIT: Duration = Duration::from_mins(30);

/// Calls a controller until told to stop, and again whenever it is lost.
pub async fn run(
    reader: &ReaderConfig,
    controller: &Controller,
    called: &Called,
    context: &LinkContext,
) -> Result<(), LinkError> {
    let mut device = Device::new(reader, controller, called, context);
    let mut backoff = Backoff::new(&context.timing);
    let mut said = None;
    loop {
        let since = Instant::now();
        let ended = tokio::select! {
            () = context.stop.cancelled() => Ended::Stopped,
            ended = device.call() => ended,
        };
        device.position.save_now(context.now_ms());
        let error = match ended {
            Ended::Stopped | Ended::QueueClosed => return Ok(()),
            Ended::Lost(error) => error,
        };
        backoff.held_for(since.elapsed());
        let wait = match error {
            HttpError::Unauthorized(_) => REFUSED_WAIT,
            _ => backoff.wait(),
        };
        // Many devices end a stream now and then; only one that cannot be had again is lost.
        if std::mem::take(&mut device.came_up) {
            tracing::debug!(reader = reader.id, %error, "controller_stream_ended");
        } else {
            let why = match error {
                HttpError::Unauthorized(_) => {
                    format!(
                        "{called}: {error}; tried again in {} minutes, for devices lock out",
                        wait.as_secs() / 60
                    )
                }
                _ => format!("{called}: {error}"),
            };
            if std::mem::take(&mut device.is_up) || said.as_ref() != Some(&why) {
                device.say_state(false, why.clone(), device.heard_at_ms).await;
                said = Some(why);
            }
        }
        if timeout(wait, context.stop.cancelled()).await.is_ok() {
            return Ok(());
        }
    }
}

/// One controller over all its connections.
pub struct Device<'a> {
    pub reader: &'a ReaderConfig,
    pub controller: &'a Controller,
    called: &'a Called,
    pub context: &'a LinkContext,
    pub position: Position,
    serials: Serials,
    /// The first running number that is missing, as the stream showed.
    pub missing_from: Option<i64>,
    recent: Recent,
    /// Whether the receiver was told that it can be heard.
    is_up: bool,
    /// This connection has come so far that the controller was up.
    came_up: bool,
    heard_at_ms: i64,
}

impl<'a> Device<'a> {
    fn new(reader: &'a ReaderConfig, controller: &'a Controller, called: &'a Called, context: &'a LinkContext) -> Self {
        let position = Position::load(context.state_directory.as_deref(), &reader.id);
        Self {
            reader,
            controller,
            called,
            context,
            serials: Serials::known(position.reached().serial),
            position,
            missing_from: None,
            recent: Recent::default(),
            is_up: false,
            came_up: false,
            heard_at_ms: context.now_ms(),
        }
    }

    /// One connection, from its beginning until it is lost.
    async fn call(&mut self) -> Ended {
        self.serve().await.err().unwrap_or(Ended::Stopped)
    }

    async fn serve(&mut self) -> Result<(), Ended> {
        let mut client = Client::new(self.called, self.context.timing.peer_answers)?;
        self.look_at_clock(&mut client).await?;
        // Opened before anything is compared, so that nothing happens unheard in between.
        let (status, body) = client.open(self.stream()).await?;
        let body = status.is_success().then_some(body);
        let kept = self.compare(&mut client).await?;
        self.heard_at_ms = self.context.now_ms();
        let is_streaming = body.is_some();
        if !is_streaming && kept.is_none() {
            let text = format!("{status} to its event stream, and gives no history");
            return Err(HttpError::Unexpected(text).into());
        }
        self.came_up = true;
        if !self.is_up {
            self.is_up = true;
            self.say_state(true, self.describe(is_streaming, kept), self.heard_at_ms)
                .await;
        }
        self.listen(client, body).await
    }

    const fn stream(&self) -> &'static str {
        match self.controller.dialect {
            Dialect::Isapi => wire::isapi::search::STREAM,
            Dialect::Dahua => wire::dahua::STREAM,
        }
    }

    async fn look_at_clock(&self, client: &mut Client<'_>) -> Result<(), Ended> {
        match self.controller.dialect {
            Dialect::Isapi => isapi::look_at_clock(self, client).await,
            Dialect::Dahua => dahua::look_at_clock(self, client).await,
        }
    }

    async fn compare(&mut self, client: &mut Client<'_>) -> Result<Option<usize>, Ended> {
        match self.controller.dialect {
            Dialect::Isapi => isapi::compare(self, client).await,
            Dialect::Dahua => dahua::compare(self, client).await,
        }
    }

    fn describe(&self, is_streaming: bool, kept: Option<usize>) -> String {
        let called = self.called;
        match (is_streaming, kept) {
            (true, Some(events)) => format!("connected to {called}; {events} events that it kept are here"),
            (false, _) => format!(
                "connected to {called}; it streams nothing and is asked every {} s",
                POLL_INTERVAL.as_secs()
            ),
            (true, None) => {
                format!("connected to {called}; it gives no history: what happens while it cannot be heard is lost")
            }
        }
    }

    async fn listen(&mut self, mut client: Client<'_>, mut body: Option<Body>) -> Result<(), Ended> {
        let mut stream = Stream::new(self.controller.dialect, self.controller.rule.clone());
        let is_streaming = body.is_some();
        let interval = if is_streaming { COMPARE_INTERVAL } else { POLL_INTERVAL };
        let nudged = self.context.nudged(&self.reader.id);
        let (mut compare_at, mut clock_at) = (Instant::now() + interval, Instant::now() + CLOCK_INTERVAL);
        let mut silent_at = Instant::now() + LONGEST_SILENCE;
        loop {
            let heard = async {
                tokio::select! {
                    () = nudged.notified() => Ok(Heard::Nudge),
                    bytes = next(&mut body) => bytes.map(Heard::Bytes),
                }
            };
            let mut wants_compare = false;
            let until = if is_streaming {
                compare_at.min(clock_at).min(silent_at)
            } else {
                compare_at.min(clock_at)
            };
            match timeout_at(until, heard).await {
                Ok(heard) => match heard? {
                    Heard::Nudge => wants_compare = true,
                    Heard::Bytes(None) => {
                        return Err(HttpError::Unexpected("the end of its event stream".into()).into());
                    }
                    Heard::Bytes(Some(bytes)) => {
                        silent_at = Instant::now() + LONGEST_SILENCE;
                        self.heard_at_ms = self.context.now_ms();
                        wants_compare |= self.take(&mut stream, &bytes).await?;
                    }
                },
                Err(_) if is_streaming && Instant::now() >= silent_at => return Err(HttpError::Silent.into()),
                Err(_) if Instant::now() >= clock_at => {
                    self.look_at_clock(&mut client).await?;
                    clock_at = Instant::now() + CLOCK_INTERVAL;
                }
                // It is time to compare.
                Err(_) => {}
            }
            if wants_compare || Instant::now() >= compare_at {
                self.compare(&mut client).await?;
                self.heard_at_ms = self.context.now_ms();
                compare_at = Instant::now() + interval;
            }
            self.position.save(self.context.now_ms());
        }
    }

    /// Takes a piece of the stream; whether something is missing before what came.
    async fn take(&mut self, stream: &mut Stream, mut bytes: &[u8]) -> Result<bool, Ended> {
        let mut has_gap = false;
        while !bytes.is_empty() {
            bytes = &bytes[stream.push(bytes)..];
            let told: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
            for told in told.iter().filter_map(|told| told.as_ref().ok()) {
                has_gap |= self.note(told).await;
            }
            self.deliver(told).await?;
        }
        Ok(has_gap)
    }

    /// Looks at the time and the number of an event of the stream; whether events before it are missing.
    async fn note(&mut self, told: &Told) -> bool {
        if let (Some(true), Some(at_ms)) = (told.is_live, self.instant_ms(told)) {
            self.say_clock(at_ms - self.context.now_ms()).await;
        }
        match self.serials.note(told) {
            Some(Note::Gap { from, until }) => {
                tracing::info!(reader = self.reader.id, from, until, "controller_gap");
                self.missing_from = Some(self.missing_from.map_or(from, |before| before.min(from)));
                true
            }
            Some(Note::Restarted) => {
                tracing::warn!(reader = self.reader.id, "controller_numbers_restarted");
                true
            }
            None => false,
        }
    }

    pub fn instant_ms(&self, told: &Told) -> Option<i64> {
        Some(match told.happened_at? {
            HappenedAt::Instant(ms) => ms,
            HappenedAt::Civil(local) => {
                local.and_utc().timestamp_millis() - i64::from((self.context.offset_minutes)()) * 60_000
            }
        })
    }

    /// Delivers what was told and waits until all of it is kept. What was delivered a short time ago is not delivered again.
    pub async fn deliver(&mut self, told: Vec<Result<Told, Malformed>>) -> Result<(), Ended> {
        let received_at_ms = self.context.now_ms();
        let mut outcomes = Vec::new();
        let mut reached = Vec::new();
        for item in told {
            let decoded = match item {
                Err(malformed) => Err(malformed),
                Ok(told) => {
                    let name = told.serial.zip(self.instant_ms(&told));
                    if name.is_some_and(|name| self.recent.has(name)) {
                        continue;
                    }
                    reached.push((told.serial, self.instant_ms(&told), told.is_live));
                    match told.what {
                        What::Swipe(reading) => Ok(reading),
                        other => match other.kept() {
                            Some(kept) => Err(kept),
                            None => continue,
                        },
                    }
                }
            };
            let event = self.context.event(self.reader, decoded, received_at_ms);
            let (reply, outcome) = oneshot::channel::<Outcome>();
            let delivery = Delivery {
                event,
                reply: Some(reply),
            };
            self.context.sink.send(delivery).await.map_err(|_| Ended::QueueClosed)?;
            outcomes.push(outcome);
        }
        for outcome in outcomes {
            let not_kept = || HttpError::Unexpected("an event that was not kept; it is asked for again".into());
            outcome.await.map_err(|_| not_kept())?;
        }
        for (serial, at_ms, is_live) in reached {
            if let Some(name) = serial.zip(at_ms) {
                self.recent.add(name);
            }
            // What a stream tells late says nothing of what came before it.
            if is_live != Some(false) {
                self.position.advance(serial, at_ms);
            }
        }
        Ok(())
    }

    /// Says how far the controller's clock is ahead of ours.
    pub async fn say_clock(&self, ahead_ms: i64) {
        let event = LinkEvent::Clock {
            reader: self.reader.id.clone(),
            ahead_ms,
            at_ms: self.context.now_ms(),
        };
        self.send(Delivery { event, reply: None }).await;
    }

    async fn say_state(&self, up: bool, detail: String, at_ms: i64) {
        tracing::info!(reader = self.reader.id, up, detail, "reader_link");
        let event = LinkEvent::State {
            reader: self.reader.id.clone(),
            up,
            detail,
            at_ms,
        };
        self.send(Delivery { event, reply: None }).await;
    }

    /// Hands over, and waits while the queue is full. A queue that is closed has nobody left to tell; the stop follows.
    async fn send(&self, delivery: Delivery) {
        if self.context.sink.send(delivery).await.is_err() {
            tracing::debug!("reader_queue_closed");
        }
    }
}

/// What ends a wait.
enum Heard {
    Nudge,
    Bytes(Option<hyper::body::Bytes>),
}

/// The next bytes of a stream; without one, never.
async fn next(body: &mut Option<Body>) -> Result<Option<hyper::body::Bytes>, HttpError> {
    match body {
        Some(body) => body.next().await,
        None => std::future::pending().await,
    }
}
