//! How long to wait before a lost link is opened again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::link::Timing;

/// Doubling waits with jitter, so that many links lost at once do not come back at once.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    jitter: RandomState,
    waits: u64,
}

impl Backoff {
    pub fn new(timing: &Timing) -> Self {
        let (first, longest) = (timing.first_backoff, timing.longest_backoff);
        Self {
            first,
            longest,
            next: first,
            jitter: RandomState::new(),
            waits: 0,
        }
    }

    /// The next wait: between half of the step and all of it.
    pub fn wait(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        self.waits += 1;
        let share = self.jitter.hash_one(self.waits) % 1_000;
        step / 2 + step / 2 * u32::try_from(share).unwrap_or(0) / 1_000
    }

    /// Begins anew if the link held for longer than the wait that came before it: one that falls again at once keeps waiting longer.
    pub fn held_for(&mut self, time: Duration) {
        if time > self.next {
            self.next = self.first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_link_that_held() {
        let timing = Timing::default();
        let mut backoff = Backoff::new(&timing);
        let steps = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].map(Duration::from_millis);
        for step in steps {
            let wait = backoff.wait();
            assert!(step / 2 <= wait && wait <= step, "{wait:?} for a step of {step:?}");
        }
        backoff.held_for(Duration::from_secs(3));
        assert!(
            backoff.wait() >= timing.longest_backoff / 2,
            "a link that held for three seconds only"
        );
        backoff.held_for(Duration::from_mins(1));
        assert!(backoff.wait() <= timing.first_backoff);
    }
}
