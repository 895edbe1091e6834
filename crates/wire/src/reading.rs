//! What a reader saw.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use chrono::{DateTime, NaiveDateTime, SecondsFormat};

/// One reading of a badge, as the source gave it and as we understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What came: the card's bits, left-justified in bytes, where `bits` is set; else the bytes of the line without its terminator.
    pub raw: Vec<u8>,
    /// How many bits of `raw` are the card's, parity bits included where the reader sent them; `None` for lines of text.
    pub bits: Option<u16>,
    /// The badge key that the reader's [`crate::BadgeKeyRule`] makes of it.
    pub key: String,
    /// When it happened by the source's clock; `None` where the source carries no time.
    pub happened_at: Option<HappenedAt>,
    /// Which way the badge went, where the source says it.
    pub faces: Option<Faces>,
    /// The source's own running number, not negative.
    pub sequence: Option<i64>,
    /// The source's own name of this record: a record that comes twice has the same.
    pub source_id: Option<String>,
    /// The reader that the record names, for sources that speak for several.
    pub reader: Option<String>,
}

impl Reading {
    /// A reading of which only the card is known.
    pub(crate) fn of_card(raw: Vec<u8>, bits: Option<u16>, key: String) -> Self {
        Self {
            raw,
            bits,
            key,
            happened_at: None,
            faces: None,
            sequence: None,
            source_id: None,
            reader: None,
        }
    }
}

/// A time as a source gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HappenedAt {
    /// An instant: UTC milliseconds since 1970, finer parts cut off.
    Instant(i64),
    /// A civil time without offset: the caller, who knows the site's zone, makes an instant of it.
    Civil(NaiveDateTime),
}

impl fmt::Display for HappenedAt {
    /// RFC 3339 in UTC for an instant; `YYYY-MM-DD HH:MM:SS` for a civil time.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(ms) => match DateTime::from_timestamp_millis(*ms) {
                Some(instant) => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true).fmt(formatter),
                // Outside of chrono's quarter of a million years.
                None => write!(formatter, "{ms} ms"),
            },
            Self::Civil(civil) => civil.fmt(formatter),
        }
    }
}

/// Which way a badge went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Faces {
    /// Into the place.
    In,
    /// Out of it.
    Out,
    /// Undetermined.
    Both,
}

impl Faces {
    /// The name in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Both => "both",
        }
    }

    /// The direction of that name, as written in files.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::In, Self::Out, Self::Both]
            .into_iter()
            .find(|faces| faces.name() == name)
    }
}
