//! When to ask again.

use crate::time::Instant;

/// The smallest instant after `now` at which a comparison can turn out differently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    now: Instant,
    next: Option<Instant>,
}

impl Deadline {
    pub(crate) fn new(now: Instant) -> Self {
        Self { now, next: None }
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    pub(crate) fn consider(&mut self, at: Instant) {
        if at > self.now && self.next.is_none_or(|next| at < next) {
            self.next = Some(at);
        }
    }

    /// Whether `at` has come; if not, it is one to wait for.
    pub(crate) fn reached(&mut self, at: Instant) -> bool {
        self.consider(at);
        self.now >= at
    }
}
