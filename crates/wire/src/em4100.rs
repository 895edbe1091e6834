//! EM4100 tags as the common UART modules send them: 9600 baud, 8N1, reader to host only.
//!
//! | module | bytes on the wire |
//! |---|---|
//! | RDM630, RDM6300, Seeed Grove 125k | STX, 10 hex digits, 2 hex digits of checksum, ETX |
//! | ID-2LA, ID-12LA, ID-20LA (ID-Innovations data sheet of 2013, page 4) | the same with CR LF before ETX |
//! | EM-18 | 12 hex digits, no STX and no ETX |
//!
//! The ten digits are five bytes; the checksum is their XOR. It finds every error in one byte, and misses errors that change
//! the same bit of two bytes. The first byte is the maker's, the others are the tag's serial number.

use alloc::string::String;
use alloc::vec::Vec;

use crate::badge::{BadgeKeyRule, Bits, Card};
use crate::malformed::Reason;
use crate::reading::Reading;

/// Start of a frame.
pub const STX: u8 = 0x02;
/// End of a frame.
pub const ETX: u8 = 0x03;

/// Digits of tag and checksum: the whole of an EM-18 frame.
pub const DIGITS: usize = field::CHECKSUM.end;
/// The longest frame, that of an ID-12LA.
pub const LONGEST_FRAME: usize = DIGITS + 4;

/// Where things are in the twelve digits.
mod field {
    use core::ops::Range;

    /// The tag's 40 bits.
    pub const TAG: Range<usize> = 0..10;
    /// The XOR of the tag's five bytes.
    pub const CHECKSUM: Range<usize> = 10..12;
}

/// Twelve characters that are hex digits with a checksum that fits: a view of a frame's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    digits: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Checks what stands between STX and ETX, or all of an EM-18 frame; CR and LF at the end are an ID-12LA's.
    pub fn new_checked(body: &'a [u8]) -> Result<Self, Reason> {
        let digits = body.strip_suffix(b"\r\n").unwrap_or(body);
        if digits.len() != DIGITS {
            return Err(Reason::Length);
        }
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Reason::BadCharacter);
        }
        let frame = Self { digits };
        let sum = frame.tag().0.iter().fold(0, |sum, byte| sum ^ byte);
        if sum == hex_byte(&digits[field::CHECKSUM]) {
            Ok(frame)
        } else {
            Err(Reason::Checksum)
        }
    }

    /// The tag in it.
    pub fn tag(&self) -> Tag {
        let mut bytes = [0; 5];
        for (byte, digits) in bytes.iter_mut().zip(self.digits[field::TAG].chunks_exact(2)) {
            *byte = hex_byte(digits);
        }
        Tag(bytes)
    }
}

/// The value of two hex digits; [`Frame`] has checked that they are some.
fn hex_byte(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |value, &digit| {
        let digit_value = match digit {
            b'0'..=b'9' => digit - b'0',
            _ => (digit | 0x20).wrapping_sub(b'a').wrapping_add(10),
        };
        (value << 4) | (digit_value & 0x0F)
    })
}

/// The 40 bits of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub [u8; 5]);

impl Tag {
    /// The tag whose printed number this is, with the maker's byte given.
    pub fn from_number(maker: u8, number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        Self([maker, a, b, c, d])
    }

    /// The 40 bits as a number.
    pub fn number(self) -> u64 {
        self.0.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// What [`Frame::new_checked`] accepts: ten digits and two of checksum.
    pub fn emit_em18(self) -> Vec<u8> {
        let sum = self.0.iter().fold(0, |sum, byte| sum ^ byte);
        let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 0x0F)];
        self.0
            .iter()
            .chain([&sum])
            .flat_map(|&byte| [digit(byte >> 4), digit(byte)])
            .collect()
    }

    /// The 14 bytes that an RDM6300 sends.
    pub fn emit_rdm6300(self) -> Vec<u8> {
        [&[STX], self.emit_em18().as_slice(), &[ETX]].concat()
    }

    /// The 16 bytes that an ID-12LA sends.
    pub fn emit_id12la(self) -> Vec<u8> {
        [&[STX], self.emit_em18().as_slice(), b"\r\n", &[ETX]].concat()
    }
}

impl Reading {
    /// The reading of a tag. A tag of nothing but zeros is what modules send when two tags answer at once.
    pub fn parse_em4100(frame: &Frame<'_>, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let tag = frame.tag();
        let number = tag.number();
        let bits = Bits::new(number, 40).filter(|_| number != 0).ok_or(Reason::Collision)?;
        let text: String = frame.digits[field::TAG].iter().copied().map(char::from).collect();
        // The facility is that of the 26-bit view of the card, "099,59822" on many labels.
        let card = Card {
            bits,
            data: number,
            facility: Some(number >> 16 & 0xFF),
            number: number & 0xFFFF,
            text: &text,
        };
        Ok(Self::of_card(bits.left_justified(), Some(40), rule.key_of_card(&card)))
    }
}
