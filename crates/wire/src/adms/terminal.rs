//! What is to be remembered of one terminal between its calls.

use alloc::string::String;

/// A terminal as its calls show it. Times are UTC milliseconds of judging time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    stamp: Option<String>,
    /// Records came since it last asked for commands: there may be more.
    sending: bool,
    /// Its clock was set, and nothing has shown since that it is right.
    doubt_since_ms: Option<i64>,
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

    /// Since when its clock is in doubt; to be kept over a restart.
    pub const fn doubt_since_ms(&self) -> Option<i64> {
        self.doubt_since_ms
    }

    /// What an earlier run knew.
    pub const fn restore_doubt(&mut self, since_ms: Option<i64>) {
        self.doubt_since_ms = since_ms;
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

    /// Its clock was set. Records from before carry the time of the old clock, and nobody knows which of the two was right, until a
    /// record comes that happened just now.
    pub const fn clock_was_set(&mut self, at_ms: i64) {
        self.doubt_since_ms = Some(at_ms);
    }

    /// Whether the time of a record is believed. One whose time is that of its arrival, up to `tolerance_ms`, ends the doubt.
    pub const fn judge(&mut self, happened_at_ms: i64, received_at_ms: i64, tolerance_ms: i64) -> Trust {
        if self.doubt_since_ms.is_none() {
            return Trust::Unquestioned;
        }
        if (received_at_ms - happened_at_ms).abs() <= tolerance_ms {
            self.doubt_since_ms = None;
            return Trust::Unquestioned;
        }
        Trust::ClockWasSet
    }
}
