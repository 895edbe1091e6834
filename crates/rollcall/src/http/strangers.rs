//! Those who call and are refused: shown to the operator, but not more often than is of use, and told to wait when they do not stop.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a stranger is shown while it keeps calling.
const INTERVAL: Duration = Duration::from_mins(60);

/// How many strangers are told apart.
const MOST: usize = 64;

/// How many calls of a stranger are answered one by one within [`WINDOW`]; a terminal that nobody knows yet makes about ten.
const MOST_CALLS: u32 = 30;

/// How long calls are counted, and how long a stranger that made too many is told to wait.
pub const WINDOW: Duration = Duration::from_mins(1);

/// Who was shown, and when.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<BTreeMap<String, Known>>);

/// What is remembered of a stranger.
#[derive(Debug)]
struct Known {
    shown_at: Instant,
    window_since: Instant,
    calls: u32,
}

/// What to do about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Refuse it, and show it to the operator.
    News,
    /// Refuse it; it was shown.
    Known,
    /// Tell it to wait: it does not stop.
    TooMany,
}

impl Strangers {
    /// Whether a stranger is to be shown; then it is not for a while.
    pub fn is_news(&self, stranger: &str) -> bool {
        self.call(stranger, Instant::now()) == Call::News
    }

    /// A stranger has called. Where there are too many to tell apart, nobody new is shown.
    pub fn call(&self, stranger: &str, now: Instant) -> Call {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| now.duration_since(known.shown_at) < INTERVAL);
        if let Some(known) = known.get_mut(stranger) {
            if now.duration_since(known.window_since) >= WINDOW {
                (known.window_since, known.calls) = (now, 0);
            }
            known.calls = known.calls.saturating_add(1);
            return if known.calls > MOST_CALLS {
                Call::TooMany
            } else {
                Call::Known
            };
        }
        if known.len() >= MOST {
            return Call::Known;
        }
        let first = Known {
            shown_at: now,
            window_since: now,
            calls: 1,
        };
        known.insert(stranger.to_owned(), first);
        if known.len() == MOST {
            tracing::warn!(
                event = "strangers.many",
                most = MOST,
                "more strangers call than are told apart; new ones are not shown for an hour"
            );
        }
        Call::News
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_shown_once_an_hour_and_told_to_wait_when_it_does_not_stop() {
        let (strangers, start) = (Strangers::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(strangers.call("a", at(0)), Call::News);
        let calls: Vec<Call> = (0..40).map(|_| strangers.call("a", at(1))).collect();
        assert!(calls[..29].iter().all(|call| *call == Call::Known), "{calls:?}");
        assert!(calls[29..].iter().all(|call| *call == Call::TooMany), "{calls:?}");
        assert_eq!(
            strangers.call("b", at(1)),
            Call::News,
            "another one is not held responsible"
        );
        assert_eq!(strangers.call("a", at(60)), Call::Known);
        assert_eq!(strangers.call("a", at(3_600)), Call::News);
    }

    #[test]
    fn callers_do_not_decide_how_much_is_remembered() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        let shown = (0..1_000).filter(|number| strangers.call(&number.to_string(), now) == Call::News);
        assert_eq!(shown.count(), MOST);
    }
}
