//! What the queue keeps and the uplink carries: a link's event with the time at which it came, as JSON.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use wire::{Faces, HappenedAt, Malformed, Reading, Reason};

use crate::delivery::LinkEvent;

/// When something came, by the bridge's clocks. The wall clock of a small box may be wrong, and be set right later; the time since
/// the machine was started is neither, but says nothing about another start of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// The wall clock, UTC milliseconds.
    pub wall_ms: i64,
    /// Milliseconds since the machine was started.
    pub up_ms: i64,
    /// Which start that was.
    pub boot: String,
}

/// A record.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When it came.
    pub at: Stamp,
    /// What came.
    #[serde(flatten)]
    pub said: Said,
}

/// What a link said.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Said {
    /// A badge was read.
    Reading(Read),
    /// Something came that is no reading.
    Malformed {
        /// The reader's id.
        reader: String,
        /// A name of [`Reason`].
        reason: String,
        /// What came, in hex.
        bytes: String,
    },
    /// A reader's clock was compared with ours.
    Clock {
        /// The reader's id.
        reader: String,
        /// How far it is ahead.
        ahead_ms: i64,
    },
    /// A reader that could be heard cannot be heard any more, or the other way round.
    State {
        /// The reader's id.
        reader: String,
        /// Whether it can be heard.
        up: bool,
        /// What the link says.
        detail: String,
    },
}

/// A badge that was read.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The reader's id.
    pub reader: String,
    /// What makes it the same when it comes again; see [`LinkEvent::Reading`].
    pub source: String,
    /// The badge key.
    pub key: String,
    /// What was read, in hex.
    pub raw: String,
    /// How many bits of it count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u16>,
    /// The record's own time, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub happened_at_ms: Option<i64>,
    /// The record's own time without zone, `YYYY-MM-DDTHH:MM:SS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub happened_at_civil: Option<String>,
    /// `in`, `out` or `both`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faces: Option<String>,
    /// The source's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
}

/// How a civil time is written.
const CIVIL: &str = "%Y-%m-%dT%H:%M:%S%.f";

impl Read {
    /// A reading, with the reader that it is of: its own, or the one that the link has.
    pub fn of(reader: String, source: String, reading: &Reading) -> Self {
        let (happened_at_ms, happened_at_civil) = match reading.happened_at {
            None => (None, None),
            Some(HappenedAt::Instant(ms)) => (Some(ms), None),
            Some(HappenedAt::Civil(civil)) => (None, Some(civil.format(CIVIL).to_string())),
        };
        Self {
            reader: reading.reader.clone().unwrap_or(reader),
            source,
            key: reading.key.clone(),
            raw: hex::encode(&reading.raw),
            bits: reading.bits,
            happened_at_ms,
            happened_at_civil,
            faces: reading.faces.map(|faces| faces.name().to_owned()),
            sequence: reading.sequence,
        }
    }

    /// The reading; `untimed_ms` is when it happened where it does not say so itself. `None` where a field makes no sense.
    pub fn reading(&self, untimed_ms: i64) -> Option<Reading> {
        let happened_at = match (&self.happened_at_civil, self.happened_at_ms) {
            (Some(civil), _) => HappenedAt::Civil(NaiveDateTime::parse_from_str(civil, CIVIL).ok()?),
            (None, ms) => HappenedAt::Instant(ms.unwrap_or(untimed_ms)),
        };
        let faces = match self.faces.as_deref() {
            None => None,
            Some(name) => Some(Faces::from_name(name)?),
        };
        Some(Reading {
            raw: hex::decode(&self.raw).ok()?,
            bits: self.bits,
            key: self.key.clone(),
            happened_at: Some(happened_at),
            faces,
            sequence: self.sequence,
            source_id: None,
            reader: None,
        })
    }

    /// The id that the daemon gives the swipe: the first 32 hex digits of the SHA-256 of reader and source.
    pub fn swipe_id(&self) -> String {
        use sha2::{Digest, Sha256};
        let key = format!("{}|{}", self.reader, self.source);
        hex::encode(&Sha256::digest(key.as_bytes())[..16])
    }
}

impl Said {
    /// What a link said, as far as it is to be kept.
    pub fn of(event: &LinkEvent) -> Option<Self> {
        Some(match event {
            LinkEvent::Reading {
                reader,
                dedup_source,
                reading,
                ..
            } => Self::Reading(Read::of(reader.clone(), dedup_source.clone(), reading)),
            LinkEvent::Malformed { reader, malformed, .. } => Self::Malformed {
                reader: reader.clone(),
                reason: malformed.reason.name().to_owned(),
                bytes: hex::encode(&malformed.bytes),
            },
            LinkEvent::Clock { reader, ahead_ms, .. } => Self::Clock {
                reader: reader.clone(),
                ahead_ms: *ahead_ms,
            },
            LinkEvent::State { reader, up, detail, .. } => Self::State {
                reader: reader.clone(),
                up: *up,
                detail: detail.clone(),
            },
            // How a reader is now is reported; nobody here hears readers for others.
            LinkEvent::Note { .. } | LinkEvent::Complete { .. } => return None,
        })
    }

    /// The reader that it is of.
    pub fn reader(&self) -> &str {
        match self {
            Self::Reading(Read { reader, .. })
            | Self::Malformed { reader, .. }
            | Self::Clock { reader, .. }
            | Self::State { reader, .. } => reader,
        }
    }
}

/// The malformed input of a record; a reason of a later version is one of this one all the same.
pub fn malformed(reason: &str, bytes: &str) -> Malformed {
    let reason = Reason::from_name(reason).unwrap_or(Reason::BadField);
    Malformed {
        reason,
        bytes: hex::decode(bytes).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Decoder, Decoding, Format};

    fn decoded(format: Format, bytes: &[u8]) -> Reading {
        let mut decoder = Decoder::new(Decoding::new(format));
        assert_eq!(decoder.push(bytes), bytes.len());
        decoder.next().expect("an item").expect("a reading")
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let bytes = b"4711,2026-09-16T08:29:41+08:00,in\n";
        let reading = decoded(Format::Line, bytes);
        let read = Read::of("gate".to_owned(), "boot/1".to_owned(), &reading);
        let record = Record {
            at: Stamp {
                wall_ms: 1,
                up_ms: 2,
                boot: "b".to_owned(),
            },
            said: Said::Reading(read),
        };
        let text = serde_json::to_string(&record).expect("JSON");
        let back: Record = serde_json::from_str(&text).expect("the same");
        assert_eq!(back, record);
        let Said::Reading(read) = back.said else {
            panic!("a reading")
        };
        let again = read.reading(0).expect("sound");
        assert_eq!(
            (again.key, again.happened_at, again.faces),
            (reading.key, reading.happened_at, reading.faces)
        );
        assert_eq!(again.raw, reading.raw);
    }

    #[test]
    fn a_reading_without_a_time_has_the_time_at_which_it_came() {
        let reading = decoded(Format::Line, b"4711\n");
        let read = Read::of("gate".to_owned(), "boot/1".to_owned(), &reading);
        assert_eq!(
            read.reading(5).expect("sound").happened_at,
            Some(HappenedAt::Instant(5))
        );
        assert_eq!(
            read.swipe_id(),
            hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(b"gate|boot/1")[..16])
        );
    }

    #[test]
    fn a_reason_that_this_version_does_not_know_is_kept() {
        assert_eq!(malformed("checksum", "00ff").reason, Reason::Checksum);
        assert_eq!(malformed("sunspots", "00").bytes, [0]);
    }
}
