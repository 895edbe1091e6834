//! Input that is no reading: kept and counted, never guessed at.

use alloc::vec::Vec;

use crate::limits::LONGEST_MALFORMED;
use crate::magstripe::shows_payment_card;

/// An input that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Why.
    pub reason: Reason,
    /// What came, at most [`LONGEST_MALFORMED`] bytes of it; nothing of a payment card.
    pub bytes: Vec<u8>,
}

impl Malformed {
    /// Keeps the beginning of `bytes`; of a payment card nothing, whatever else was wrong.
    pub fn new(reason: Reason, bytes: &[u8]) -> Self {
        let kept = &bytes[..bytes.len().min(LONGEST_MALFORMED)];
        if reason == Reason::PaymentCard || shows_payment_card(kept) {
            return Self {
                reason: Reason::PaymentCard,
                bytes: Vec::new(),
            };
        }
        Self {
            reason,
            bytes: kept.to_vec(),
        }
    }

    /// The same with every letter and digit made a `*`: what a magnetic stripe holds that could not be read may be half of a
    /// payment card, or a name.
    pub fn masked(reason: Reason, bytes: &[u8]) -> Self {
        let mut masked = Self::new(reason, bytes);
        for byte in masked
            .bytes
            .iter_mut()
            .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        {
            *byte = b'*';
        }
        masked
    }
}

/// Why an input is malformed. The names are an interface: they stand in logs, metrics and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("{}", self.name())]
#[non_exhaustive]
pub enum Reason {
    /// Bytes between frames that belong to none.
    Noise,
    /// A frame or line that ended before its end: cut by a new start, by silence, or by the end of the input.
    Truncated,
    /// Longer than any frame or line may be.
    TooLong,
    /// A frame or line whose length is none of its format's.
    Length,
    /// A character that has no place there: not a digit of the format's base.
    BadCharacter,
    /// The checksum does not fit the rest.
    Checksum,
    /// A Wiegand parity bit does not fit the rest.
    Parity,
    /// The bits fit more than one alignment, and guessing could name another person's card.
    Ambiguous,
    /// A tag number of nothing but zeros: two tags in the field at once.
    Collision,
    /// A payment card was read: its bytes are thrown away, and this is all that is kept of it.
    PaymentCard,
    /// A number that is too large for its field.
    OutOfRange,
    /// Text that is not UTF-8.
    NotUtf8,
    /// A control character inside text.
    ControlByte,
    /// A record without a badge.
    EmptyBadge,
    /// A line with more than three fields.
    TooManyFields,
    /// A time that is neither RFC 3339 nor `YYYY-MM-DD HH:MM[:SS]`.
    BadInstant,
    /// A direction that is none of `in`, `out`, `both`.
    BadDirection,
    /// Text that is not one JSON object.
    NotJson,
    /// Text that is not XML, or XML with what events never have: declarations of types and entities.
    NotXml,
    /// JSON or XML nested deeper than a record ever is.
    TooDeep,
    /// Somebody was not let in, or not recognised: no swipe, for it is not certain whose it would be.
    NotAuthenticated,
    /// An event of a controller of which nobody knows what it means; it may be attendance.
    UnknownEvent,
    /// A table of a terminal that speaks another dialect; it may hold attendance.
    ForeignTable,
    /// A field of a JSON record that has the wrong type or an impossible value.
    BadField,
    /// A serial bridge forwards bytes, and its reader's configuration does not say what they are.
    SerialFormat,
    /// A badge that waited for us somewhere and does not say when it was shown.
    Undated,
}

impl Reason {
    /// The name in logs, metrics and replies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Truncated => "truncated",
            Self::TooLong => "too_long",
            Self::Length => "length",
            Self::BadCharacter => "bad_character",
            Self::Checksum => "checksum",
            Self::Parity => "parity",
            Self::Ambiguous => "ambiguous",
            Self::Collision => "collision",
            Self::PaymentCard => "payment_card",
            Self::OutOfRange => "out_of_range",
            Self::NotUtf8 => "not_utf8",
            Self::ControlByte => "control_byte",
            Self::EmptyBadge => "empty_badge",
            Self::TooManyFields => "too_many_fields",
            Self::BadInstant => "bad_instant",
            Self::BadDirection => "bad_direction",
            Self::NotJson => "not_json",
            Self::NotXml => "not_xml",
            Self::TooDeep => "too_deep",
            Self::NotAuthenticated => "not_authenticated",
            Self::UnknownEvent => "unknown_event",
            Self::ForeignTable => "foreign_table",
            Self::BadField => "bad_field",
            Self::SerialFormat => "serial_format",
            Self::Undated => "undated",
        }
    }

    /// Every reason.
    const ALL: [Self; 26] = [
        Self::Noise,
        Self::Truncated,
        Self::TooLong,
        Self::Length,
        Self::BadCharacter,
        Self::Checksum,
        Self::Parity,
        Self::Ambiguous,
        Self::Collision,
        Self::PaymentCard,
        Self::OutOfRange,
        Self::NotUtf8,
        Self::ControlByte,
        Self::EmptyBadge,
        Self::TooManyFields,
        Self::BadInstant,
        Self::BadDirection,
        Self::NotJson,
        Self::NotXml,
        Self::TooDeep,
        Self::NotAuthenticated,
        Self::UnknownEvent,
        Self::ForeignTable,
        Self::BadField,
        Self::SerialFormat,
        Self::Undated,
    ];

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}
