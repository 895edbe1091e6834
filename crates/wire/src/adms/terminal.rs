//! What is to be remembered of one terminal between its calls.

use alloc::string::String;

use chrono::{NaiveDateTime, TimeDelta};

/// A change of the clock that is older than this when we first hear of it says nothing of what comes now.
const OLDEST_CHANGE: TimeDelta = TimeDelta::days(7);

/// A terminal as its calls show it. Times are UTC milliseconds of judging time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    stamp: Option<String>,
    /// Records came since it last asked for commands: there may be more.
    sending: bool,
    memory: Memory,
}

/// What must outlive a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Its clock was set, and nothing has shown since that it is right.
    pub doubt_since_ms: Option<i64>,
    /// The last change of its clock that we heard of, by that clock: terminals send old operations again.
    pub last_change: Option<NaiveDateTime>,
}

/// Whether a record's time can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// As far as anything is known, yes.
    Unquestioned,
    /// The clock was set, and the record does not come from a moment that we can compare with ours.
    ClockWasSet,
}

impl Terminal {
    /// The last stamp of its records.
    pub fn stamp(&self) -> Option<&str> {
        self.stamp.as_deref()
    }

    /// A terminal of which an earlier run knew this.
    pub fn new(memory: Memory) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// What must outlive a restart.
    pub const fn memory(&self) -> Memory {
        self.memory
    }

    /// It asked for commands; whether everything that it had kept for us has come by now: it sent nothing since it last asked.
    pub const fn asked_for_commands(&mut self) -> bool {
        !core::mem::replace(&mut self.sending, false)
    }

    /// It sent records.
    pub fn sent_records(&mut self, stamp: Option<String>) {
        self.sending = true;
        self.stamp = stamp.or_else(|| self.stamp.take());
    }

    /// It says that its clock was set at `change`, by that clock; `now` is its local time as it should be. Returns whether that is
    /// news. Records from before carry the time of the old clock, and nobody knows which of the two was right, until a record comes
    /// that happened just now.
    pub fn clock_was_set(&mut self, change: NaiveDateTime, now: NaiveDateTime, now_ms: i64) -> bool {
        let is_news = match self.memory.last_change {
            Some(last) => change > last,
            None => now - change <= OLDEST_CHANGE,
        };
        if is_news {
            self.memory = Memory {
                doubt_since_ms: Some(now_ms),
                last_change: Some(change),
            };
        }
        is_news
    }

    /// Whether the time of a record is believed. One whose time is that of its arrival, up to `tolerance_ms`, ends the doubt.
    pub const fn judge(&mut self, happened_at_ms: i64, received_at_ms: i64, tolerance_ms: i64) -> Trust {
        if self.memory.doubt_since_ms.is_none() {
            return Trust::Unquestioned;
        }
        if (received_at_ms - happened_at_ms).abs() <= tolerance_ms {
            self.memory.doubt_since_ms = None;
            return Trust::Unquestioned;
        }
        Trust::ClockWasSet
    }
}
