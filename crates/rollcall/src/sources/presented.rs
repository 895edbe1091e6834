//! "Present a card now": what a reader says within a minute of somebody asking for it.
//!
//! A test looks on and touches nothing: the swipe that it shows is evidence like any other, stored and judged before it is shown.

use std::time::{Duration, Instant as Monotonic};

use rules::time::Instant;
use store::rows::{RejectedInput, SwipeRecord};

use super::state::{BadFrame, Seen};

/// How long a test waits for a card, seconds of the wall.
pub const TEST_SECONDS: u64 = 60;

/// A test of a reader.
#[derive(Clone, Debug)]
pub struct Presented {
    /// When it was started, in judging time.
    pub begun_at: Instant,
    begun: Monotonic,
    /// The first badge that was read since.
    pub card: Option<Card>,
    /// What came instead, or before it, and could not be read: the last of it.
    pub bad: Option<BadFrame>,
}

/// A badge that was read in a test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Card {
    /// What was read.
    pub seen: Seen,
    /// Whether it was new; else the same record had come before.
    pub is_new: bool,
    /// From its receipt until it was stored and judged, milliseconds of judging time.
    pub latency_ms: i64,
}

impl Presented {
    pub(super) fn begun(now: Instant) -> Self {
        Self {
            begun_at: now,
            begun: Monotonic::now(),
            card: None,
            bad: None,
        }
    }

    /// How many seconds it still waits; 0 when it is over.
    pub fn seconds_left(&self) -> u64 {
        if self.card.is_some() {
            return 0;
        }
        let left = Duration::from_secs(TEST_SECONDS).saturating_sub(self.begun.elapsed());
        left.as_secs() + u64::from(left.subsec_nanos() > 0)
    }

    pub(super) fn read(&mut self, swipe: &SwipeRecord, is_new: bool, now: Instant) {
        if self.seconds_left() > 0 {
            self.card = Some(Card {
                seen: Seen::of(swipe),
                is_new,
                latency_ms: (now - swipe.received_at).as_ms().max(0),
            });
        }
    }

    pub(super) fn misread(&mut self, input: &RejectedInput) {
        if self.seconds_left() > 0 {
            self.bad = Some(BadFrame::of(input));
        }
    }
}
