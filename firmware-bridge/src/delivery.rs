//! What links hand to whoever keeps it.

use tokio::sync::oneshot;
use wire::{Malformed, Reading};

/// One event and, where somebody waits for an answer, the way to give it.
///
/// *Contract:* answer only after the event is kept durably. A `reply` that is dropped unanswered tells the peer that its record was
/// not kept and may be sent again.
#[derive(Debug)]
pub struct Delivery {
    /// What happened.
    pub event: LinkEvent,
    /// Where to say what became of it; `None` where nobody listens (serial lines, state changes, `reply = false`).
    pub reply: Option<oneshot::Sender<Outcome>>,
}

/// What a link has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A badge was read.
    Reading {
        /// The reader's id in the configuration.
        reader: String,
        /// What makes this reading the same when it comes again, unique within the reader: the record's own `id`; else
        /// `at:` with badge, time, direction and number for records that carry their time; else boot id and running number.
        dedup_source: String,
        /// What was read.
        reading: Reading,
        /// When its last byte arrived, in judging time, UTC milliseconds.
        received_at_ms: i64,
    },
    /// Something came that is no reading; the link goes on with the next frame.
    Malformed {
        /// The reader's id in the configuration.
        reader: String,
        /// Why and what.
        malformed: Malformed,
        /// When it arrived, in judging time, UTC milliseconds.
        received_at_ms: i64,
    },
    /// The reader is there, and its clock was compared with ours.
    Clock {
        /// The reader's id in the configuration.
        reader: String,
        /// How far its clock is ahead of judging time; negative: behind.
        ahead_ms: i64,
        /// When, in judging time, UTC milliseconds.
        at_ms: i64,
    },
    /// Something worth showing to whoever looks after the reader; it says nothing of whether the reader can be heard.
    Note {
        /// The reader's id in the configuration.
        reader: String,
        /// What.
        note: Note,
        /// When, in judging time, UTC milliseconds.
        at_ms: i64,
    },
    /// The link came up or went down. The first event of every link; later ones only at changes.
    State {
        /// The reader's id in the configuration.
        reader: String,
        /// Whether the reader can be heard.
        up: bool,
        /// For the log and the operator: what is open, or what went wrong and what to do.
        detail: String,
        /// When, in judging time, UTC milliseconds.
        at_ms: i64,
    },
    /// Whatever a reader said while it could not be heard here has come: somebody who heard it all the time has kept it. It counts as
    /// heard over that time, and is up.
    Complete {
        /// The reader's id in the configuration.
        reader: String,
        /// When the last of it came, in judging time, UTC milliseconds.
        at_ms: i64,
    },
}

/// What a reader says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its alarms as they stand now.
    Alarms {
        /// It is open or was moved.
        tamper: bool,
        /// Its power fails.
        power: bool,
    },
    /// How many records it keeps that are not here yet.
    Backlog {
        /// The number.
        records: u64,
    },
    /// A fact about it, such as its serial number.
    Detail {
        /// What: a short English word or two.
        name: String,
        /// The fact, as the reader says it.
        text: String,
    },
}

/// What became of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Kept now, as the swipe of that id.
    Recorded {
        /// The swipe's id.
        id: String,
    },
    /// Kept now, as the swipe of that id; nobody has the badge, and whoever is given it has the swipe too.
    Unassigned {
        /// The swipe's id.
        id: String,
    },
    /// It was kept before, as the swipe of that id.
    Duplicate {
        /// The swipe's id.
        id: String,
    },
    /// Kept, but not judged until somebody has looked at it.
    Quarantined {
        /// The swipe's id.
        id: String,
        /// Why.
        reason: String,
    },
    /// Not kept as a swipe, and sending it again will not help.
    Refused {
        /// Why, in a word that a peer's log can show.
        reason: String,
    },
}

impl Outcome {
    /// The line that a peer on a TCP link is told, without its end.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Recorded { id } | Self::Unassigned { id } | Self::Duplicate { id } | Self::Quarantined { id, .. } => {
                format!("ok {id}")
            }
            Self::Refused { reason } => format!("err {reason}"),
        }
    }
}
