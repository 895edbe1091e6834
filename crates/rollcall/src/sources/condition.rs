//! How a reader is, in one word.

use super::state::SourceState;

/// The one thing to say of a reader; of several the first that asks for a hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Condition {
    /// It cannot be heard: its link is down.
    Down,
    /// Its link is up, but it has said nothing for too long.
    Silent,
    /// It is there again and delivers what it had kept.
    CatchingUp,
    /// It says that it is open, was moved, or has no power.
    Alarm,
    /// Its clock is off: its swipes are held.
    ClockOff,
    /// The bureau's `readers.csv` does not know it: its swipes are held.
    Unregistered,
    /// No configuration names it: it is known by imports, or by a sender that may speak for any reader.
    Unconfigured,
    /// It calls us, and has not yet.
    Waiting,
    /// All is well.
    Up,
}

impl Condition {
    /// How a reader is; `is_registered` says whether the bureau knows it.
    pub fn of(state: &SourceState, is_registered: bool) -> Self {
        let alarms = state.alarms.as_ref();
        let link_up = state.link.as_ref().map(|link| link.up);
        if link_up == Some(false) {
            Self::Down
        } else if state.down_since_ms.is_some() {
            Self::not_heard(state)
        } else if alarms.is_some_and(|alarms| alarms.tamper || alarms.power) {
            Self::Alarm
        } else if state.drift.as_ref().is_some_and(|drift| drift.is_off) {
            Self::ClockOff
        } else if !is_registered {
            Self::Unregistered
        } else if state.configured.is_none() {
            Self::Unconfigured
        } else if state.heard_at_ms.is_none() && link_up.is_none() {
            Self::Waiting
        } else {
            Self::Up
        }
    }

    /// It cannot be heard although its link does not say so.
    fn not_heard(state: &SourceState) -> Self {
        let opened_here = state
            .configured
            .as_ref()
            .is_some_and(|configured| configured.is_opened_here);
        let heard_since_lost = state.heard_at_ms > state.down_since_ms;
        match (opened_here, heard_since_lost) {
            (true, _) if state.link.is_none() => Self::Down,
            (_, true) => Self::CatchingUp,
            (_, false) => Self::Silent,
        }
    }

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Silent => "silent",
            Self::CatchingUp => "catching_up",
            Self::Alarm => "alarm",
            Self::ClockOff => "clock_off",
            Self::Unregistered => "unregistered",
            Self::Unconfigured => "unconfigured",
            Self::Waiting => "waiting",
            Self::Up => "up",
        }
    }

    /// The key of its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Down => "admin-reader-down",
            Self::Silent => "admin-reader-silent",
            Self::CatchingUp => "admin-reader-catching-up",
            Self::Alarm => "admin-reader-alarm",
            Self::ClockOff => "admin-reader-clock-off",
            Self::Unregistered => "admin-reader-unregistered",
            Self::Unconfigured => "admin-reader-unconfigured",
            Self::Waiting => "admin-reader-waiting",
            Self::Up => "admin-reader-up",
        }
    }

    /// The key of what to do, where somebody should look after it.
    pub const fn advice(self) -> Option<&'static str> {
        match self {
            Self::Down => Some("admin-reader-down-advice"),
            Self::Silent => Some("admin-reader-silent-advice"),
            Self::Alarm => Some("admin-reader-alarm-advice"),
            Self::ClockOff => Some("admin-reader-clock-off-advice"),
            Self::Unregistered => Some("admin-reader-unregistered-advice"),
            Self::CatchingUp | Self::Unconfigured | Self::Waiting | Self::Up => None,
        }
    }
}
