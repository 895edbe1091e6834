//! Why a verdict is what it is.

use alloc::vec::Vec;

use chrono::NaiveDate;

use crate::facts::PersonFacts;
use crate::finding::{About, FindingKind};
use crate::model::SwipeId;
use crate::time::Instant;

/// The explanation of one finding, or of "nothing wrong" in one period or meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The local date on which the period or meeting starts.
    pub date: NaiveDate,
    /// Which.
    pub about: About,
    /// The finding it explains; `None` explains why nothing is wrong.
    pub finding: Option<FindingKind>,
    /// The steps in the order in which a clerk would tell them.
    pub steps: Vec<Step>,
}

/// One step of an explanation: a closed list, which the edge puts into words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A swipe that counts.
    Swipe {
        /// Which.
        id: SwipeId,
        /// When.
        at: Instant,
    },
}

/// Explains every finding and every "nothing wrong" of a person's dates at `now`.
pub fn explain(facts: &PersonFacts<'_>, now: Instant) -> Vec<Explanation> {
    let _ = (facts, now);
    Vec::new()
}
