//! One reader as the book knows it. Instants are milliseconds of judging time, because the book is also kept as text.

use std::collections::{BTreeMap, VecDeque};

use bridge::ReaderConfig;
use rules::time::Instant;
use serde::{Deserialize, Serialize};
use store::rows::{RejectedInput, SwipeRecord};

/// How many of the newest readings of a reader are kept in memory.
const RECENT: usize = 12;

/// How many facts a reader may tell of itself, and how long one may be: they come from outside.
const MOST_DETAILS: usize = 16;
const LONGEST_DETAIL: usize = 200;

/// How many reasons of one kind are counted apart.
const MOST_REASONS: usize = 32;

/// A reader.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SourceState {
    /// Its id.
    pub reader: String,
    /// What the configuration says of it; `None` where it does not name it.
    pub configured: Option<Configured>,
    /// Its link; `None` until it has said something, and for readers that call us.
    pub link: Option<LinkState>,
    /// Since when it cannot be heard, as judging takes it; `None`: it can.
    pub down_since_ms: Option<i64>,
    /// When it was last back after it could not be heard.
    pub covered_since_ms: Option<i64>,
    /// Its last sign of life.
    pub heard_at_ms: Option<i64>,
    /// Its newest readings, newest first.
    pub recent: VecDeque<Seen>,
    /// How its clock was last found.
    pub drift: Option<Drift>,
    /// How many records it keeps that are not here, where it says so.
    pub backlog: Option<u64>,
    /// What came of it today.
    pub today: Counts,
    /// What came of it since the daemon started.
    pub run: Counts,
    /// The last input that could not be read.
    pub bad: Option<BadFrame>,
    /// Alarms of the reader itself.
    pub alarms: Option<Alarms>,
    /// What it says of itself.
    pub details: BTreeMap<String, String>,
}

/// What the configuration says of a reader.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Configured {
    /// The link as written, without credentials.
    pub link: String,
    /// The name of its format.
    pub format: String,
    /// Whether the daemon opens the link itself; else the reader calls.
    pub is_opened_here: bool,
    /// Longer silence means that it is not heard; 0: never.
    pub silent_after_seconds: u32,
}

/// A link.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LinkState {
    /// Whether the reader can be reached.
    pub up: bool,
    /// What the link says of it.
    pub text: String,
    /// Since when it is so.
    pub since_ms: i64,
}

/// A reading.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Seen {
    /// The swipe's id.
    pub swipe: String,
    /// Badge key.
    pub badge: String,
    /// What was read, in hex.
    pub raw_hex: Option<String>,
    /// How many bits of it count.
    pub bits: Option<i64>,
    /// When it happened, by the source.
    pub happened_at_ms: i64,
    /// When it came.
    pub received_at_ms: i64,
    /// Why it is held.
    pub held: Option<String>,
}

/// How a clock was found.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Drift {
    /// How far it was ahead of ours; negative: behind.
    pub ahead_ms: i64,
    /// When.
    pub measured_at_ms: i64,
    /// Whether that is more than the site tolerates, so that swipes are held.
    pub is_off: bool,
}

/// What came of a reader.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Counts {
    /// Swipes that were new, held ones too.
    pub readings: u64,
    /// Swipes that were here already.
    pub duplicates: u64,
    /// Of the new swipes, those that are held, by why.
    pub held: BTreeMap<String, u64>,
    /// Inputs that could not be read, by why.
    pub malformed: BTreeMap<String, u64>,
}

/// An input that could not be read.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct BadFrame {
    /// When it came.
    pub at_ms: i64,
    /// Why it could not be read.
    pub reason: String,
    /// Its bytes, in hex.
    pub raw_hex: String,
}

/// Alarms of a reader.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Alarms {
    /// It is open or was moved.
    pub tamper: bool,
    /// Its power fails.
    pub power: bool,
    /// Since when it is so.
    pub since_ms: i64,
}

impl SourceState {
    /// A reader of the configuration of which nothing was heard yet.
    pub fn of(reader: &ReaderConfig) -> Self {
        let configured = Configured {
            link: reader.link_text.clone(),
            format: reader.decoding.format.name().to_owned(),
            is_opened_here: reader.link.is_opened_here(),
            silent_after_seconds: reader.silent_after_seconds,
        };
        Self {
            reader: reader.id.clone(),
            configured: Some(configured),
            ..Self::default()
        }
    }

    pub(super) fn sign_of_life(&mut self, at: Instant) {
        self.heard_at_ms = Some(self.heard_at_ms.map_or(at.as_ms(), |heard| heard.max(at.as_ms())));
    }

    /// Whether its open link is its sign of life: nothing else is to be expected of a reader that speaks only when there is a card.
    pub(super) fn shows_life_by_its_link(&self) -> bool {
        let speaks_only_of_cards = self
            .configured
            .as_ref()
            .is_some_and(|configured| configured.silent_after_seconds == 0);
        speaks_only_of_cards && self.link.as_ref().is_some_and(|link| link.up)
    }

    pub(super) fn alarm(&mut self, tamper: bool, power: bool, at: Instant) {
        let same = self
            .alarms
            .as_ref()
            .filter(|alarms| (alarms.tamper, alarms.power) == (tamper, power));
        let since_ms = same.map_or(at.as_ms(), |alarms| alarms.since_ms);
        self.alarms = Some(Alarms {
            tamper,
            power,
            since_ms,
        });
    }

    pub(super) fn detail(&mut self, name: &str, text: &str) {
        if self.details.len() < MOST_DETAILS || self.details.contains_key(name) {
            let short = |text: &str| text.chars().take(LONGEST_DETAIL).collect::<String>();
            self.details.insert(short(name), short(text));
        }
    }

    pub(super) fn count_swipe(&mut self, swipe: &SwipeRecord, is_new: bool) {
        self.sign_of_life(swipe.received_at);
        self.today.add_swipe(swipe, is_new);
        self.run.add_swipe(swipe, is_new);
        if is_new {
            // The oldest is written over, so that a busy morning asks for no memory.
            let mut seen = if self.recent.len() < RECENT {
                Seen::default()
            } else {
                self.recent.pop_back().unwrap_or_default()
            };
            seen.write(swipe);
            self.recent.push_front(seen);
        }
    }

    pub(super) fn count_rejected(&mut self, input: &RejectedInput) {
        add(&mut self.today.malformed, &input.reason);
        add(&mut self.run.malformed, &input.reason);
        self.bad = Some(BadFrame::of(input));
    }
}

impl BadFrame {
    /// An input as it is stored.
    pub fn of(input: &RejectedInput) -> Self {
        Self {
            at_ms: input.received_at.as_ms(),
            reason: input.reason.clone(),
            raw_hex: input.raw_hex.clone(),
        }
    }
}

impl Counts {
    fn add_swipe(&mut self, swipe: &SwipeRecord, is_new: bool) {
        if !is_new {
            self.duplicates += 1;
            return;
        }
        self.readings += 1;
        if let Some(reason) = &swipe.quarantine {
            add(&mut self.held, reason);
        }
    }

    /// How many are held.
    pub fn held_in_all(&self) -> u64 {
        self.held.values().sum()
    }

    /// How many could not be read.
    pub fn malformed_in_all(&self) -> u64 {
        self.malformed.values().sum()
    }
}

fn add(counts: &mut BTreeMap<String, u64>, reason: &str) {
    if let Some(count) = counts.get_mut(reason) {
        *count += 1;
    } else if counts.len() < MOST_REASONS {
        counts.insert(reason.to_owned(), 1);
    }
}

impl Seen {
    /// A swipe as it is stored.
    pub fn of(swipe: &SwipeRecord) -> Self {
        let mut seen = Self::default();
        seen.write(swipe);
        seen
    }

    fn write(&mut self, swipe: &SwipeRecord) {
        self.swipe.clone_from(&swipe.id);
        self.badge.clone_from(&swipe.badge);
        self.raw_hex.clone_from(&swipe.raw_hex);
        self.bits = swipe.bits;
        self.happened_at_ms = swipe.happened_at.as_ms();
        self.received_at_ms = swipe.received_at.as_ms();
        self.held.clone_from(&swipe.quarantine);
    }
}
