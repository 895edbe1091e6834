//! What is to be remembered of one terminal between its calls.

use alloc::string::String;

use chrono::{NaiveDateTime, TimeDelta};

/// A change of the clock that is older than this when we first hear of it says nothing of what comes now.
const OLDEST_CHANGE: TimeDelta = TimeDelta::days(7);

/// After a terminal began anew, or was asked to send records again, for so long records may be old ones, milliseconds.
const OLD_RECORDS_FOR_MS: i64 = 600_000;

/// A terminal as its calls show it. Times are UTC milliseconds of judging time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    stamp: Option<String>,
    /// Records came since it last asked for commands: there may be more.
    sending: bool,
    /// When it last showed that it had nothing more to send, where nothing came since and nothing old is to be expected.
    caught_up_at_ms: Option<i64>,
    /// Until when old records are to be expected.
    old_records_until_ms: i64,
    /// The record by which its clock was last found wrong: when it happened, and how far that was ahead of its receipt.
    suspicion: Option<(i64, i64)>,
    clock_is_off: bool,
    memory: Memory,
}

/// What a record says of the clock of its terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How far the clock is ahead of ours, negative: behind, as far as the way of the record leaves it open.
    pub ahead_ms: i64,
    /// Whether that is known to be more than what is tolerated.
    pub is_off: bool,
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
    pub const fn asked_for_commands(&mut self, now_ms: i64) -> bool {
        let has_sent_all = !core::mem::replace(&mut self.sending, false);
        if has_sent_all && now_ms >= self.old_records_until_ms {
            self.caught_up_at_ms = Some(now_ms);
        }
        has_sent_all
    }

    /// It began anew or is asked to send records again: what comes for a while may have happened at any time.
    pub const fn expects_old_records(&mut self, now_ms: i64) {
        self.caught_up_at_ms = None;
        self.old_records_until_ms = now_ms + OLD_RECORDS_FOR_MS;
    }

    /// One record came by itself. From a terminal that had nothing to send when it last called it happened since then, so its time
    /// says what the clock shows: one later than its receipt is ahead, and one from before that call is behind, each by what is more
    /// than `tolerance_ms`. A record that comes again for want of our answer looks like a clock that is behind, so it takes two
    /// records that agree. `None`: this record says nothing.
    pub fn measure(&mut self, happened_at_ms: i64, received_at_ms: i64, tolerance_ms: i64) -> Option<Measured> {
        let caught_up_at_ms = self.caught_up_at_ms.take()?;
        let ahead_ms = happened_at_ms - received_at_ms;
        let is_ahead = ahead_ms > tolerance_ms;
        let is_behind = happened_at_ms < caught_up_at_ms - tolerance_ms;
        let agrees = self
            .suspicion
            .is_some_and(|(happened, ahead)| happened != happened_at_ms && (ahead - ahead_ms).abs() <= tolerance_ms);
        self.suspicion = (is_ahead || is_behind).then_some((happened_at_ms, ahead_ms));
        self.clock_is_off = is_ahead || (is_behind && (agrees || self.clock_is_off));
        Some(Measured {
            ahead_ms,
            is_off: self.clock_is_off,
        })
    }

    /// Whether its clock was found wrong and not right since.
    pub const fn clock_is_off(&self) -> bool {
        self.clock_is_off
    }

    /// It sent records.
    pub fn sent_records(&mut self, stamp: Option<String>) {
        self.sending = true;
        self.caught_up_at_ms = None;
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
