//! Judging a person's dates.

use crate::facts::PersonFacts;
use crate::finding::Assessment;
use crate::time::Instant;

/// Judges a person's dates at `now`: findings, standings, and when to ask again.
pub fn evaluate(facts: &PersonFacts<'_>, now: Instant) -> Assessment {
    let _ = (facts, now);
    Assessment::default()
}
