//! From a card's bits to the key by which a person is known.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use crate::format::UnknownName;
use crate::malformed::Reason;

/// What makes a badge key of a card, so that one card is one badge wherever it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadgeKeyRule {
    /// The low 32 bits as a decimal number without leading zeros: what is printed on most EM4100 cards.
    Decimal32,
    /// The low 24 bits as a decimal number without leading zeros: what a Wiegand 26 reader can see of a card.
    Decimal24,
    /// Facility and card number, `1-63092`; formats without a facility give the card number alone.
    FacilityCard,
    /// The bits as they came, left-justified, in lower-case hex.
    Hex,
    /// The characters that the reader sent, taken as they are.
    Text,
}

impl BadgeKeyRule {
    /// Every rule.
    pub const ALL: [Self; 5] = [
        Self::Decimal32,
        Self::Decimal24,
        Self::FacilityCard,
        Self::Hex,
        Self::Text,
    ];

    /// The name in configuration files and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decimal32 => "decimal32",
            Self::Decimal24 => "decimal24",
            Self::FacilityCard => "facility-card",
            Self::Hex => "hex",
            Self::Text => "text",
        }
    }

    /// The key of a card.
    pub fn key_of_card(self, card: &Card<'_>) -> String {
        match self {
            Self::Decimal32 => (card.data & 0xFFFF_FFFF).to_string(),
            Self::Decimal24 => (card.data & 0x00FF_FFFF).to_string(),
            Self::FacilityCard => match card.facility {
                Some(facility) => format!("{facility}-{}", card.number),
                None => card.number.to_string(),
            },
            Self::Hex => lower_hex(&card.bits.left_justified()),
            Self::Text => card.text.to_string(),
        }
    }

    /// The key of a badge that came as text: as it is, or, where the rule asks for a number, the number that the text writes in
    /// decimal (for [`Self::Hex`] in hex; for [`Self::FacilityCard`] also as cards print it, `099,59822`).
    pub fn key_of_text(self, text: &str) -> Result<String, Reason> {
        match self {
            Self::Text => Ok(text.to_string()),
            Self::Hex if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(text.to_ascii_lowercase()),
            Self::Hex => Err(Reason::BadCharacter),
            Self::Decimal32 => Ok((decimal(text)? & 0xFFFF_FFFF).to_string()),
            Self::Decimal24 => Ok((decimal(text)? & 0x00FF_FFFF).to_string()),
            Self::FacilityCard => {
                if let Some((facility, card)) = text.split_once([',', '-']) {
                    return Ok(format!("{}-{}", decimal(facility)?, decimal(card)?));
                }
                let number = u32::try_from(decimal(text)?).map_err(|_| Reason::OutOfRange)?;
                Ok(format!("{}-{}", number >> 16, number & 0xFFFF))
            }
        }
    }
}

impl FromStr for BadgeKeyRule {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.name() == name)
            .ok_or(UnknownName::Unknown)
    }
}

/// A number of decimal digits and nothing else; `u64::from_str` would take a sign.
pub(crate) fn decimal(text: &str) -> Result<u64, Reason> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::BadCharacter);
    }
    text.parse().map_err(|_| Reason::OutOfRange)
}

pub(crate) fn lower_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// A card as a reader understood it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card<'a> {
    /// The bits as they came, with parity where the reader sent it.
    pub bits: Bits,
    /// The card's data as a number, parity taken out.
    pub data: u64,
    /// The facility, where the layout has one.
    pub facility: Option<u64>,
    /// The card number within the facility.
    pub number: u64,
    /// The characters that the reader sent for it.
    pub text: &'a str,
}

/// Up to 64 bits and their exact number: 26 bits and 32 bits with the same value are different cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    value: u64,
    length: u8,
}

impl Bits {
    /// The low `length` bits of `value`, most significant first; `None` if the value needs more or the length is not in `1..=64`.
    pub const fn new(value: u64, length: u8) -> Option<Self> {
        if length == 0 || length > 64 || (length < 64 && value >> length != 0) {
            None
        } else {
            Some(Self { value, length })
        }
    }

    /// The bits as a number.
    pub const fn value(self) -> u64 {
        self.value
    }

    /// How many there are.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// The bits from `from` to `until` as a number, both inside; 1 is the first one sent.
    pub const fn field(self, from: u8, until: u8) -> u64 {
        self.value >> (self.length - until) & (u64::MAX >> (63 - (until - from)))
    }

    /// How many of the bits from `from` to `until` (both inside) are set.
    pub const fn ones(self, from: u8, until: u8) -> u32 {
        self.field(from, until).count_ones()
    }

    /// The bits in as few bytes as hold them, the first bit in the highest place of the first byte.
    pub fn left_justified(self) -> Vec<u8> {
        let bytes = usize::from(self.length.div_ceil(8));
        (self.value << (64 - self.length)).to_be_bytes()[..bytes].to_vec()
    }
}
