//! The one clock of the daemon. Everything below asks for an instant as an argument.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use rules::time::Instant;
use tokio::sync::Notify;

/// Judging time: the host's clock, or one that demo and tests drive.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    Host,
    Driven { state: Mutex<Driven>, moved: Notify },
}

#[derive(Debug)]
struct Driven {
    /// What the clock showed at `set_at`.
    shown: Instant,
    set_at: Monotonic,
    /// Judging seconds per real second; 0 stands still.
    speed: f64,
}

/// The longest wait that anybody asks of a clock that stands still or nearly so.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

impl Clock {
    /// The host's clock.
    pub fn host() -> Self {
        Self(Arc::new(Source::Host))
    }

    /// A clock that starts at `start` and runs `speed` times as fast as real time; with speed 0 it stands still until
    /// [`Clock::set`].
    pub fn driven(start: Instant, speed: f64) -> Self {
        let state = Mutex::new(Driven {
            shown: start,
            set_at: Monotonic::now(),
            speed,
        });
        Self(Arc::new(Source::Driven {
            state,
            moved: Notify::new(),
        }))
    }

    /// The instant that it shows.
    pub fn now(&self) -> Instant {
        match &*self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one clock of the daemon")]
            Source::Host => Instant::from(chrono::Utc::now()),
            Source::Driven { state, .. } => lock(state).now(),
        }
    }

    /// How many judging seconds pass in a real second.
    pub fn speed(&self) -> f64 {
        match &*self.0 {
            Source::Host => 1.0,
            Source::Driven { state, .. } => lock(state).speed,
        }
    }

    /// Moves a driven clock to `to` (`None`: stays where it is), to run on at `speed` (`None`: as before). The host's clock
    /// stays as it is.
    pub fn set(&self, to: Option<Instant>, speed: Option<f64>) {
        if let Source::Driven { state, moved } = &*self.0 {
            let mut driven = lock(state);
            let (shown, speed) = (to.unwrap_or_else(|| driven.now()), speed.unwrap_or(driven.speed));
            *driven = Driven {
                shown,
                set_at: Monotonic::now(),
                speed,
            };
            moved.notify_waiters();
        }
    }

    /// Waits until the clock shows `at`, or has been moved, whichever is first; the caller looks at the clock again.
    pub async fn wait_until(&self, at: Instant) {
        match &*self.0 {
            Source::Host => tokio::time::sleep(real_time_until(at, self.now(), 1.0)).await,
            Source::Driven { state, moved } => {
                let notified = moved.notified();
                let wait = {
                    let driven = lock(state);
                    real_time_until(at, driven.now(), driven.speed)
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = notified => {}
                }
            }
        }
    }
}

fn lock(state: &Mutex<Driven>) -> MutexGuard<'_, Driven> {
    // Nothing that holds the lock can leave it half-changed, so a panic elsewhere does not make its value wrong.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn real_time_until(at: Instant, now: Instant, speed: f64) -> Duration {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a wait is at most a day, far below 2^52 milliseconds"
    )]
    let judging_seconds = (at - now).as_ms().max(0) as f64 / 1_000.0;
    Duration::try_from_secs_f64(judging_seconds / speed).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

impl Driven {
    fn now(&self) -> Instant {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a session fit by far")]
        let passed = (self.set_at.elapsed().as_secs_f64() * self.speed * 1_000.0) as i64;
        Instant::from_ms(self.shown.as_ms() + passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_set() {
        let clock = Clock::driven(Instant::from_ms(1_000), 0.0);
        assert_eq!(clock.now(), Instant::from_ms(1_000));
        clock.set(Some(Instant::from_ms(5_000)), None);
        assert_eq!(clock.now(), Instant::from_ms(5_000));
    }

    #[test]
    fn a_fast_clock_shortens_waits_and_a_standing_one_waits_long() {
        let wait = |speed| real_time_until(Instant::from_ms(60_000), Instant::from_ms(0), speed);
        assert_eq!(wait(60.0), Duration::from_secs(1));
        assert_eq!(wait(0.0), LONGEST_WAIT);
        assert_eq!(
            real_time_until(Instant::from_ms(0), Instant::from_ms(5), 0.0),
            LONGEST_WAIT,
            "0/0 must not panic"
        );
    }

    #[tokio::test]
    async fn setting_the_clock_wakes_whoever_waits() {
        let clock = Clock::driven(Instant::from_ms(0), 0.0);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move {
                while clock.now() < Instant::from_ms(1_000) {
                    clock.wait_until(Instant::from_ms(1_000)).await;
                }
            }
        });
        tokio::task::yield_now().await;
        clock.set(Some(Instant::from_ms(1_000)), None);
        tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .expect("woken")
            .expect("no panic");
    }
}
