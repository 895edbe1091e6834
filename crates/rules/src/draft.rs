//! A finding before coverage has been asked.

use alloc::vec::Vec;

use crate::coverage::Unseen;
use crate::finding::{FindingKind, FindingState};
use crate::model::{Id, SwipeId};
use crate::time::{Instant, Interval, Span};

/// How a length came about: how much of what is left of a stay lies in an interval, less something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) interval: Interval,
    pub(crate) less: Span,
}

/// What a rule concludes, and what it rests on not having been seen.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) kind: FindingKind,
    pub(crate) state: FindingState,
    pub(crate) length: Option<Span>,
    /// What the length was measured over, where it is one measure.
    pub(crate) measured: Option<Measured>,
    pub(crate) due: Option<Instant>,
    pub(crate) actual: Option<Instant>,
    pub(crate) since: Option<Instant>,
    /// The observation or duty from which it comes.
    pub(crate) source: Option<Id>,
    pub(crate) by_lateness: bool,
    pub(crate) swipes: Vec<SwipeId>,
    pub(crate) unseen: Vec<Unseen>,
}

impl Draft {
    pub(crate) fn new(kind: FindingKind, state: FindingState) -> Self {
        Self {
            kind,
            state,
            length: None,
            measured: None,
            due: None,
            actual: None,
            since: None,
            source: None,
            by_lateness: false,
            swipes: Vec::new(),
            unseen: Vec::new(),
        }
    }
}
