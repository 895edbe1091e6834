//! The one clock of the daemon. Everything below asks for an instant as an argument.

use std::sync::{Arc, Mutex};
use std::time::Instant as Monotonic;

use rules::time::Instant;

/// Judging time: the host's clock, or one that demo and tests drive.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    Host,
    Driven(Mutex<Driven>),
}

#[derive(Debug)]
struct Driven {
    /// What the clock showed at `set_at`.
    shown: Instant,
    set_at: Monotonic,
    /// Judging seconds per real second; 0 stands still.
    speed: f64,
}

impl Clock {
    /// The host's clock.
    pub fn host() -> Self {
        Self(Arc::new(Source::Host))
    }

    /// A clock that starts at `start` and runs `speed` times as fast as real time; with speed 0 it stands still until
    /// [`Clock::set`].
    pub fn driven(start: Instant, speed: f64) -> Self {
        Self(Arc::new(Source::Driven(Mutex::new(Driven { shown: start, set_at: Monotonic::now(), speed }))))
    }

    /// The instant that it shows.
    pub fn now(&self) -> Instant {
        match &*self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one clock of the daemon")]
            Source::Host => Instant::from(chrono::Utc::now()),
            Source::Driven(driven) => driven.lock().map_or_else(|broken| broken.into_inner().now(), |driven| driven.now()),
        }
    }

    /// How many judging seconds pass in a real second.
    pub fn speed(&self) -> f64 {
        match &*self.0 {
            Source::Host => 1.0,
            Source::Driven(driven) => driven.lock().map_or(1.0, |driven| driven.speed),
        }
    }

    /// Moves a driven clock to `to`, to run on at `speed`; the host's clock stays as it is.
    pub fn set(&self, to: Instant, speed: f64) {
        if let Source::Driven(driven) = &*self.0
            && let Ok(mut driven) = driven.lock()
        {
            *driven = Driven { shown: to, set_at: Monotonic::now(), speed };
        }
    }
}

impl Driven {
    fn now(&self) -> Instant {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a session fit by far")]
        let passed = (self.set_at.elapsed().as_secs_f64() * self.speed * 1_000.0) as i64;
        Instant::from_ms(self.shown.as_ms() + passed)
    }
}
