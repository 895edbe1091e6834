//! Readers whose silence means something, and when they were last heard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bridge::{Link, ReaderConfig};
use rules::time::{Instant, Span};

/// When readers last showed that they are there without saying anything that the engine must know. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Heartbeats {
    last: Arc<Mutex<BTreeMap<Arc<str>, Instant>>>,
    regular: Arc<Mutex<BTreeSet<Arc<str>>>>,
}

impl Heartbeats {
    /// A reader showed that it is there. Returns when it last did before.
    pub fn note(&self, reader: &Arc<str>, at: Instant) -> Option<Instant> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(Arc::clone(reader), at)
    }

    /// A reader has shown that it has a heartbeat, so that its silence means something from now on.
    pub fn has_heartbeat(&self, reader: &Arc<str>) {
        let mut regular = self.regular.lock().unwrap_or_else(PoisonError::into_inner);
        if !regular.contains(reader) {
            regular.insert(Arc::clone(reader));
        }
    }

    fn is_regular(&self, reader: &str) -> bool {
        let regular = self.regular.lock().unwrap_or_else(PoisonError::into_inner);
        regular.contains(reader)
    }

    /// When a reader last showed that it is there.
    pub fn last(&self, reader: &str) -> Option<Instant> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(reader).copied()
    }
}

/// The readers whose silence means something.
#[derive(Debug, Default)]
pub(super) struct Silence {
    signs: BTreeMap<Arc<str>, Sign>,
    heartbeats: Heartbeats,
    /// Readers that keep what they cannot deliver.
    keepers: BTreeSet<Arc<str>>,
    /// Those of them that a bridge hears; it says itself for which time it heard them.
    bridged: BTreeSet<Arc<str>>,
}

#[derive(Debug)]
struct Sign {
    silent_after: Span,
    /// Silence means nothing before it has shown that it has a heartbeat.
    needs_heartbeat: bool,
    last: Instant,
    link_up: bool,
    silent: bool,
}

impl Silence {
    /// Readers with a `silent_after_seconds`.
    pub(super) fn new(readers: &[ReaderConfig], heartbeats: Heartbeats, now: Instant) -> Self {
        let watched = readers.iter().filter(|reader| reader.silent_after_seconds > 0);
        let sign = |reader: &ReaderConfig| Sign {
            silent_after: Span::from_seconds(i64::from(reader.silent_after_seconds)),
            needs_heartbeat: reader.silence_needs_heartbeat,
            last: now,
            // A reader that calls us has no link to be down.
            link_up: reader.link == Link::Http,
            silent: false,
        };
        let is_bridged = |reader: &&ReaderConfig| matches!(reader.link, Link::Bridge(_));
        let bridged = readers.iter().filter(is_bridged);
        let keepers = readers
            .iter()
            .filter(|reader| reader.link.keeps_records() || is_bridged(reader));
        Self {
            signs: watched
                .map(|reader| (reader.id.as_str().into(), sign(reader)))
                .collect(),
            heartbeats,
            keepers: keepers.map(|reader| reader.id.as_str().into()).collect(),
            bridged: bridged.map(|reader| reader.id.as_str().into()).collect(),
        }
    }

    /// Whether a reader keeps what it cannot deliver, so that a reading of it may be an old one.
    pub(super) fn keeps_records(&self, reader: &str) -> bool {
        self.keepers.contains(reader)
    }

    /// Whether an old reading of a reader shows that it was there while it could not be heard.
    pub(super) fn shows_by_readings(&self, reader: &str) -> bool {
        self.keeps_records(reader) && !self.bridged.contains(reader)
    }

    /// The link came up or went down; coming up is a sign of life.
    pub(super) fn link(&mut self, reader: &str, up: bool, at: Instant) {
        if let Some(sign) = self.signs.get_mut(reader) {
            sign.link_up = up;
            sign.silent = false;
            sign.last = at;
        }
    }

    /// A reading came.
    pub(super) fn heard(&mut self, reader: &str, at: Instant) {
        if let Some(sign) = self.signs.get_mut(reader) {
            sign.last = at;
            sign.silent = false;
        }
    }

    /// Readers that have just been silent for too long, and when they were last heard. A link that is down has said so itself.
    pub(super) fn fallen_silent(&mut self, now: Instant) -> Vec<(Arc<str>, Instant)> {
        let mut fallen = Vec::new();
        for (reader, sign) in &mut self.signs {
            sign.last = sign.last.max(self.heartbeats.last(reader).unwrap_or(sign.last));
            let means_something = !sign.needs_heartbeat || self.heartbeats.is_regular(reader);
            if sign.link_up && means_something && !sign.silent && now - sign.last > sign.silent_after {
                sign.silent = true;
                fallen.push((Arc::clone(reader), sign.last));
            }
        }
        fallen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(silent_after_seconds: i64) -> Silence {
        let sign = Sign {
            silent_after: Span::from_seconds(silent_after_seconds),
            needs_heartbeat: false,
            last: Instant::from_ms(0),
            link_up: true,
            silent: false,
        };
        Silence {
            signs: BTreeMap::from([("gate".into(), sign)]),
            ..Silence::default()
        }
    }

    #[test]
    fn a_silent_reader_is_told_once_and_from_its_last_sign() {
        let mut silence = silence(10);
        silence.heard("gate", Instant::from_ms(5_000));
        assert!(
            silence.fallen_silent(Instant::from_ms(15_000)).is_empty(),
            "exactly the limit is not longer"
        );
        assert_eq!(
            silence.fallen_silent(Instant::from_ms(15_001)),
            [("gate".into(), Instant::from_ms(5_000))]
        );
        assert!(silence.fallen_silent(Instant::from_ms(20_000)).is_empty());
        silence.heard("gate", Instant::from_ms(21_000));
        assert_eq!(
            silence.fallen_silent(Instant::from_ms(31_001)).len(),
            1,
            "it was heard and can fall silent again"
        );
    }

    #[test]
    fn a_heartbeat_is_a_sign_of_life_without_being_an_event() {
        let mut silence = silence(10);
        let heartbeats = silence.heartbeats.clone();
        assert_eq!(heartbeats.note(&"gate".into(), Instant::from_ms(9_000)), None);
        assert!(silence.fallen_silent(Instant::from_ms(19_000)).is_empty());
        assert_eq!(
            silence.fallen_silent(Instant::from_ms(19_001)),
            [("gate".into(), Instant::from_ms(9_000))]
        );
        assert_eq!(
            heartbeats.note(&"gate".into(), Instant::from_ms(20_000)),
            Some(Instant::from_ms(9_000))
        );
    }

    #[test]
    fn a_link_that_is_down_is_not_silent_as_well() {
        let mut silence = silence(10);
        silence.link("gate", false, Instant::from_ms(1_000));
        assert!(silence.fallen_silent(Instant::from_ms(60_000)).is_empty());
    }

    #[test]
    fn silence_of_a_reader_that_may_have_no_heartbeat_means_something_once_it_has_shown_one() {
        let mut silence = silence(10);
        silence.signs.get_mut("gate").expect("the reader").needs_heartbeat = true;
        assert!(silence.fallen_silent(Instant::from_ms(60_000)).is_empty());
        silence.heartbeats.has_heartbeat(&"gate".into());
        assert_eq!(silence.fallen_silent(Instant::from_ms(60_000)).len(), 1);
    }
}
