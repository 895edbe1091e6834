//! Readers whose silence means something, and when they were last heard.

use std::collections::BTreeMap;
use std::sync::Arc;

use bridge::{Link, ReaderConfig};
use rules::time::{Instant, Span};

/// The readers whose silence means something.
#[derive(Debug, Default)]
pub(super) struct Silence(BTreeMap<Arc<str>, Sign>);

#[derive(Debug)]
struct Sign {
    silent_after: Span,
    last: Instant,
    link_up: bool,
    silent: bool,
}

impl Silence {
    /// Readers with a `silent_after_seconds`.
    pub(super) fn new(readers: &[ReaderConfig], now: Instant) -> Self {
        let watched = readers.iter().filter(|reader| reader.silent_after_seconds > 0);
        let sign = |reader: &ReaderConfig| Sign {
            silent_after: Span::from_seconds(i64::from(reader.silent_after_seconds)),
            last: now,
            // A reader that calls us has no link to be down.
            link_up: reader.link == Link::Http,
            silent: false,
        };
        Self(
            watched
                .map(|reader| (reader.id.as_str().into(), sign(reader)))
                .collect(),
        )
    }

    /// The link came up or went down; coming up is a sign of life.
    pub(super) fn link(&mut self, reader: &str, up: bool, at: Instant) {
        if let Some(sign) = self.0.get_mut(reader) {
            sign.link_up = up;
            sign.silent = false;
            sign.last = at;
        }
    }

    /// A reading came.
    pub(super) fn heard(&mut self, reader: &str, at: Instant) {
        if let Some(sign) = self.0.get_mut(reader) {
            sign.last = at;
            sign.silent = false;
        }
    }

    /// Readers that have just been silent for too long, and when they were last heard. A link that is down has said so itself.
    pub(super) fn fallen_silent(&mut self, now: Instant) -> Vec<(Arc<str>, Instant)> {
        let silent = self
            .0
            .iter_mut()
            .filter(|(_, sign)| sign.link_up && !sign.silent && now - sign.last > sign.silent_after);
        silent
            .map(|(reader, sign)| {
                sign.silent = true;
                (Arc::clone(reader), sign.last)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(silent_after_seconds: i64) -> Silence {
        let sign = Sign {
            silent_after: Span::from_seconds(silent_after_seconds),
            last: Instant::from_ms(0),
            link_up: true,
            silent: false,
        };
        Silence(BTreeMap::from([("gate".into(), sign)]))
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
    fn a_link_that_is_down_is_not_silent_as_well() {
        let mut silence = silence(10);
        silence.link("gate", false, Instant::from_ms(1_000));
        assert!(silence.fallen_silent(Instant::from_ms(60_000)).is_empty());
    }
}
