//! The lobby screen: the board that the engine publishes to, the views of it, and the page and websocket that show them.
//!
//! [`Lobby::publish`] is called by the engine right after a commit and only leaves the change where [`Lobby::run`] finds it:
//! a screen can never hold the engine up. `run` draws the views and hands each frame, serialised once, to all its screens.

mod access;
mod board;
mod feed;
mod frame;
mod names;
mod page;
mod routes;
#[cfg(test)]
mod sample;
mod socket;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use chrono::SecondsFormat;
use chrono_tz::Tz;
use rules::time::Instant;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use access::{Access, COOKIE_NAME, Credential, new_token, origin_is_ours, token_hash};
pub use board::{
    Board, BoardChange, BoardDay, BoardFinding, BoardMeeting, LISTED_MEETINGS, LISTED_ROWS, LISTED_SOURCES, SourceState,
};
pub use feed::QUEUED_FRAMES;
pub use frame::{Closing, SUBPROTOCOL};
pub use names::NameMode;
pub use view::{Counts, Event, MeetingPanel, Phase, Row, Source, Tally, UnitTally, View};

use feed::Feed;

/// How often the drawing task looks at the clock at least, in case somebody has set it.
const CLOCK_CHECK: Duration = Duration::from_millis(250);

/// How many times as long as a drawing took nothing is drawn after it: the board has at most a quarter of one core.
const REST_PER_DRAWING: u32 = 3;

/// A drawing with more days that were judged anew than this shows a crowd at the gates, or a bureau whose lunch begins.
const CROWD_DAYS: usize = 32;

/// How long nothing is drawn after a crowd: nobody reads more pictures a second, and the processor is needed for judging.
const REST_AFTER_CROWD: Duration = Duration::from_millis(50);

/// How long a crowd is not drawn at all while no screen is connected; one that comes is shown it at once.
const UNSEEN: Duration = Duration::from_secs(1);

/// What the lobby is told once.
#[derive(Clone, Debug)]
pub struct LobbySettings {
    /// The bureau's name, shown until the first facts say it.
    pub site: String,
    /// The daemon's version.
    pub version: String,
    /// What people type into a browser; decides the Origin check and whether cookies are `Secure`.
    pub public_url: String,
    /// Whether the people are invented: then everybody may preview the masked board.
    pub demo: bool,
    /// What paired screens show of names. Previews are always masked.
    pub names: NameMode,
    /// Time limits; tests shorten them.
    pub limits: Limits,
}

/// Time limits of a connection, in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a new connection may take to say `hello`.
    pub hello: Duration,
    /// How often a `ping` is sent.
    pub ping: Duration,
    /// How long nothing may be heard from a screen, and how long it may take to accept what it is sent.
    pub silence: Duration,
    /// A screen that falls behind twice within this is disconnected.
    pub behind_again: Duration,
    /// How often it is checked whether a screen is still paired, which is how fast a revocation takes effect.
    pub recheck: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            ping: Duration::from_secs(5),
            silence: Duration::from_secs(12),
            behind_again: Duration::from_mins(1),
            recheck: Duration::from_secs(20),
        }
    }
}

/// Counters for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LobbyCounts {
    /// Screens that are connected now, previews included.
    pub connected: u64,
    /// Connections that were let in.
    pub admitted: u64,
    /// Upgrades and hellos that were refused.
    pub refused: u64,
    /// Snapshots sent.
    pub snapshots: u64,
    /// Times a screen fell behind and got a snapshot instead of events.
    pub fell_behind: u64,
    /// Connections that were closed because the screen was too slow or silent.
    pub slow_closes: u64,
    /// Views that differed from the one before, over all feeds.
    pub frames: u64,
}

/// The lobby; clones are the same lobby.
#[derive(Clone, Debug)]
pub struct Lobby(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: LobbySettings,
    clock: crate::clock::Clock,
    /// Names this process run; a screen that reaches another one needs a snapshot.
    epoch: String,
    /// What was published and not yet drawn: as large as the days near today, however much is published.
    published: Mutex<Board>,
    news: Notify,
    /// A screen has come.
    came: Notify,
    feeds: Vec<Feed>,
    said: Mutex<Said>,
    counters: Counters,
    /// Which connection a paired screen has.
    held: Mutex<HashMap<String, Held>>,
}

/// What frames say of the bureau.
#[derive(Clone, Debug)]
struct Said {
    zone: Tz,
    site: String,
}

#[derive(Debug)]
struct Held {
    connection: u64,
    taken_over: CancellationToken,
}

#[derive(Debug, Default)]
struct Counters {
    connected: AtomicU64,
    admitted: AtomicU64,
    refused: AtomicU64,
    snapshots: AtomicU64,
    fell_behind: AtomicU64,
    slow_closes: AtomicU64,
    frames: AtomicU64,
}

impl Lobby {
    /// A lobby that shows nothing until something is published and [`Lobby::run`] runs. Fails only without randomness.
    pub fn new(settings: LobbySettings, clock: crate::clock::Clock) -> Result<Self, getrandom::Error> {
        let mut epoch = [0; 8];
        getrandom::fill(&mut epoch)?;
        let epoch = hex::encode(epoch);
        let mut modes = vec![NameMode::Masked];
        if settings.names != NameMode::Masked {
            modes.push(settings.names);
        }
        let feeds = modes.into_iter().map(|names| Feed::new(names, epoch.clone())).collect();
        let said = Said {
            zone: Tz::UTC,
            site: settings.site.clone(),
        };
        Ok(Self(Arc::new(Inner {
            settings,
            clock,
            epoch,
            published: Mutex::default(),
            news: Notify::new(),
            came: Notify::new(),
            feeds,
            said: Mutex::new(said),
            counters: Counters::default(),
            held: Mutex::default(),
        })))
    }

    /// Takes in what a commit changed. Cheap, and never waits for a screen.
    pub fn publish(&self, change: BoardChange) {
        if let Some(facts) = &change.facts {
            let site = &facts.records().site;
            *lock(&self.0.said) = Said {
                zone: site.zone,
                site: names::plain(&site.name),
            };
        }
        lock(&self.0.published).gather(change, self.0.clock.now());
        self.0.news.notify_one();
    }

    /// Draws what is published, and what time alone changes, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut board = Board::default();
        let mut next: Option<Instant> = None;
        loop {
            let due = tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.news.notified() => true,
                () = tokio::time::sleep(self.until(next)) => next.is_some_and(|next| next <= self.0.clock.now()),
            };
            if due {
                let mut crowd = self.take_in(&mut board);
                if crowd && self.0.counters.connected.load(Ordering::Relaxed) == 0 {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = self.0.came.notified() => {}
                        () = tokio::time::sleep(UNSEEN) => {}
                    }
                    crowd |= self.take_in(&mut board);
                }
                let (now, began) = (self.0.clock.now(), std::time::Instant::now());
                self.draw(&board, now);
                next = board.next_change(now);
                // On a busy morning of a large bureau drawing must not take the processor from judging.
                let least = if crowd { REST_AFTER_CROWD } else { Duration::ZERO };
                let rest = (began.elapsed() * REST_PER_DRAWING).max(least).min(CLOCK_CHECK);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(rest) => {}
                }
            }
        }
    }

    /// Takes in what was published; whether that is a crowd.
    fn take_in(&self, board: &mut Board) -> bool {
        let change = lock(&self.0.published).take();
        let is_crowd = change.days.len() > CROWD_DAYS;
        board.apply(change, self.0.clock.now());
        is_crowd
    }

    /// The routes under `/screen`. Connections end when `stop` is cancelled and are tracked by `tasks`.
    pub fn router(&self, access: Arc<dyn Access>, stop: CancellationToken, tasks: TaskTracker) -> Router {
        routes::router(routes::Screens {
            lobby: self.clone(),
            access,
            stop,
            tasks,
        })
    }

    /// Counters for `/metrics`.
    pub fn counts(&self) -> LobbyCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.0.counters;
        LobbyCounts {
            connected: read(&counters.connected),
            admitted: read(&counters.admitted),
            refused: read(&counters.refused),
            snapshots: read(&counters.snapshots),
            fell_behind: read(&counters.fell_behind),
            slow_closes: read(&counters.slow_closes),
            frames: read(&counters.frames),
        }
    }

    fn draw(&self, board: &Board, now: Instant) {
        let at = self.stamp(now);
        for feed in &self.0.feeds {
            if feed.publish(board.view(now, feed.names()), &at) {
                self.0.counters.frames.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How long to sleep until judging time may have reached `next`.
    fn until(&self, next: Option<Instant>) -> Duration {
        let speed = self.0.clock.speed();
        let Some(next) = next.filter(|_| speed > 0.0) else {
            return CLOCK_CHECK;
        };
        let milliseconds = (next - self.0.clock.now()).as_ms().clamp(1, 3_600_000);
        #[expect(clippy::cast_precision_loss, reason = "at most an hour of milliseconds")]
        let seconds = milliseconds as f64 / 1_000.0 / speed;
        Duration::from_secs_f64(seconds.max(0.001)).min(CLOCK_CHECK)
    }

    /// An instant as frames say it: RFC 3339 with milliseconds, at the site.
    fn stamp(&self, at: Instant) -> String {
        let zone = lock(&self.0.said).zone;
        at.to_utc()
            .with_timezone(&zone)
            .to_rfc3339_opts(SecondsFormat::Millis, false)
    }

    fn feed(&self, names: NameMode) -> &Feed {
        let feeds = &self.0.feeds;
        feeds.iter().find(|feed| feed.names() == names).unwrap_or(&feeds[0])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these guard is replaced as a whole; a panic elsewhere cannot have left it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
