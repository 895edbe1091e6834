//! The live book of readers: what is known of every one of them now.
//!
//! Whoever hears of a reader writes it down here: the pump of the links, the handlers of terminals that call us, and the engine
//! once a batch is committed, so that nothing is counted that is not also stored. Pages, `/metrics`, the JSON API and
//! `rollcall readers` read it. Counts begin with what the database holds of the day, so that a restart loses none.
//!
//! *Invariant:* the engine never waits for a reader of the book: every lock is held for a copy, never over an `await`.

mod condition;
mod keeping;
mod presented;
mod state;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge::{Note, ReaderConfig};
use chrono::NaiveDate;
use rules::time::{Instant, Span};
use store::rows::{RejectedInput, SwipeRecord};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::Heartbeats;

pub use condition::Condition;
pub use keeping::{Kept, SETTING, Tallies, instants_of, keep, kept, remember};
pub use presented::{Presented, TEST_SECONDS};
pub use state::{Alarms, BadFrame, Configured, Counts, Drift, LinkState, Seen, SourceState};
pub use view::{SourceView, mask_badge, view};

/// How many readers that nobody configured are told apart; a sender can invent any number of names.
const MOST_STRANGERS: usize = 256;

/// The book. Clones share it.
#[derive(Clone, Debug)]
pub struct Sources(Arc<Book>);

#[derive(Debug)]
struct Book {
    clock: Clock,
    heartbeats: Heartbeats,
    lines: Mutex<Lines>,
    changed: watch::Sender<u64>,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Lines {
    /// The date that `today` of the lines counts.
    today: NaiveDate,
    by_reader: BTreeMap<String, Line>,
    strangers: usize,
}

#[derive(Debug, Default)]
struct Line {
    state: SourceState,
    presented: Option<Presented>,
}

impl Sources {
    /// A book of the configured readers; `stop` ends what follows it.
    pub fn new(clock: Clock, heartbeats: Heartbeats, readers: &[ReaderConfig], stop: CancellationToken) -> Self {
        let line = |reader: &ReaderConfig| Line {
            state: SourceState::of(reader),
            presented: None,
        };
        let by_reader = readers.iter().map(|reader| (reader.id.clone(), line(reader)));
        let lines = Lines {
            by_reader: by_reader.collect(),
            ..Lines::default()
        };
        Self(Arc::new(Book {
            clock,
            heartbeats,
            lines: Mutex::new(lines),
            changed: watch::Sender::new(0),
            stop,
        }))
    }

    /// A book without readers, of a daemon that never stops.
    #[cfg(test)]
    pub(crate) fn empty(clock: Clock) -> Self {
        Self::new(clock, Heartbeats::default(), &[], CancellationToken::new())
    }

    /// Grows with every change but a sign of life.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Cancelled when the daemon stops.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// A link came up or went down.
    pub fn link(&self, reader: &str, up: bool, text: &str, at: Instant) {
        self.write(reader, |line| {
            let since_ms = match &line.state.link {
                Some(link) if link.up == up => link.since_ms,
                _ => at.as_ms(),
            };
            line.state.link = Some(LinkState {
                up,
                text: text.to_owned(),
                since_ms,
            });
            if up {
                line.state.sign_of_life(at);
            }
        });
    }

    /// A clock was compared with ours.
    pub fn clock(&self, reader: &str, ahead: Span, at: Instant, is_off: bool) {
        self.write(reader, |line| {
            line.state.sign_of_life(at);
            line.state.drift = Some(Drift {
                ahead_ms: ahead.as_ms(),
                measured_at_ms: at.as_ms(),
                is_off,
            });
        });
    }

    /// A reader says something of itself.
    pub fn note(&self, reader: &str, note: &Note, at: Instant) {
        self.write(reader, |line| match note {
            Note::Alarms { tamper, power } => line.state.alarm(*tamper, *power, at),
            Note::Backlog { records } => line.state.backlog = Some(*records),
            Note::Detail { name, text } => line.state.detail(name, text),
        });
    }

    /// A fact about a reader, such as its firmware.
    pub fn detail(&self, reader: &str, name: &str, text: &str) {
        self.write(reader, |line| line.state.detail(name, text));
    }

    /// Which readers cannot be heard, and since when; all the others can.
    pub fn coverage(&self, down: &BTreeMap<Arc<str>, Instant>) {
        let now_ms = self.0.clock.now().as_ms();
        let mut lines = self.lines();
        for (reader, line) in &mut lines.by_reader {
            let down_since_ms = down.get(reader.as_str()).map(|since| since.as_ms());
            if line.state.down_since_ms.is_some() && down_since_ms.is_none() {
                line.state.covered_since_ms = Some(now_ms);
            }
            line.state.down_since_ms = down_since_ms;
        }
        drop(lines);
        self.tell();
    }

    /// What the engine has just committed: swipes with whether each was new, and what could not be read.
    pub fn committed(&self, swipes: &[SwipeRecord], fresh: &[bool], rejected: &[RejectedInput], today: NaiveDate) {
        if swipes.is_empty() && rejected.is_empty() {
            return;
        }
        let now = self.0.clock.now();
        let mut lines = self.lines();
        lines.open(today);
        for (swipe, is_new) in swipes.iter().zip(fresh) {
            if let Some(line) = lines.line(&swipe.reader) {
                line.state.count_swipe(swipe, *is_new);
                if let Some(presented) = &mut line.presented {
                    presented.read(swipe, *is_new, now);
                }
            }
        }
        for input in rejected {
            if let Some(line) = lines.line(&input.reader) {
                line.state.count_rejected(input);
                if let Some(presented) = &mut line.presented {
                    presented.misread(input);
                }
            }
        }
        drop(lines);
        self.tell();
    }

    /// Starts to wait for a card at a reader; whether there is such a reader. A test that was running begins anew.
    pub fn present(&self, reader: &str) -> bool {
        let now = self.0.clock.now();
        let mut lines = self.lines();
        let Some(line) = lines.line(reader) else { return false };
        line.presented = Some(Presented::begun(now));
        drop(lines);
        self.tell();
        true
    }

    /// The test that was last started at a reader.
    pub fn presented(&self, reader: &str) -> Option<Presented> {
        self.lines().by_reader.get(reader)?.presented.clone()
    }

    /// Every reader as it is now, by its id; `today` decides which day's counts are shown.
    pub fn all(&self, today: NaiveDate) -> Vec<SourceState> {
        let lines = self.lines();
        let is_today = lines.today == today;
        let states = lines.by_reader.values().map(|line| self.state(line, is_today));
        states.collect()
    }

    /// One reader as it is now.
    pub fn one(&self, reader: &str, today: NaiveDate) -> Option<SourceState> {
        let lines = self.lines();
        let is_today = lines.today == today;
        lines.by_reader.get(reader).map(|line| self.state(line, is_today))
    }

    fn state(&self, line: &Line, is_today: bool) -> SourceState {
        let mut state = line.state.clone();
        if !is_today {
            state.today = Counts::default();
        }
        if let Some(heard) = self.0.heartbeats.last(&state.reader) {
            state.sign_of_life(heard);
        }
        if state.shows_life_by_its_link() {
            state.sign_of_life(self.0.clock.now());
        }
        state
    }

    fn write(&self, reader: &str, change: impl FnOnce(&mut Line)) {
        let mut lines = self.lines();
        if let Some(line) = lines.line(reader) {
            change(line);
            drop(lines);
            self.tell();
        }
    }

    fn tell(&self) {
        self.0.changed.send_modify(|changes| *changes += 1);
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Nothing that holds the lock can leave a line half-written that a later note does not write anew.
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Begins to count a date.
    fn open(&mut self, today: NaiveDate) {
        if self.today != today {
            self.today = today;
            for line in self.by_reader.values_mut() {
                line.state.today = Counts::default();
            }
        }
    }

    /// The line of a reader; one that nobody configured gets one too, as long as there is room.
    fn line(&mut self, reader: &str) -> Option<&mut Line> {
        if !self.by_reader.contains_key(reader) {
            if self.strangers >= MOST_STRANGERS {
                return None;
            }
            self.strangers += 1;
            let state = SourceState {
                reader: reader.to_owned(),
                ..SourceState::default()
            };
            self.by_reader
                .insert(reader.to_owned(), Line { state, presented: None });
        }
        self.by_reader.get_mut(reader)
    }
}

#[cfg(test)]
mod tests;
