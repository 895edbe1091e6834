//! Those who call and are refused: shown to the operator, but not more often than is of use.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rules::time::{Instant, Span};

/// How often a stranger is shown while it keeps calling.
const INTERVAL: Span = Span::from_minutes(60);

/// How many strangers are told apart.
const MOST: usize = 64;

/// Who was shown, and when.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<BTreeMap<String, Instant>>);

impl Strangers {
    /// Whether a stranger is to be shown; then it is not for a while.
    pub fn is_news(&self, stranger: &str, now: Instant) -> bool {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, shown_at| now - *shown_at < INTERVAL);
        if shown.contains_key(stranger) || shown.len() >= MOST {
            return false;
        }
        shown.insert(stranger.to_owned(), now);
        true
    }
}
