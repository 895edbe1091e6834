//! IDTECK proximity readers over RS-232, such as the SR10 and SR30: 9600 baud, 8N1, reader to host only.
//!
//! STX, the card's data in decimal, ETX, and after it one byte: the XOR of everything from STX to ETX (SR10 manual, page 10). Eight
//! digits are the 24 data bits of a 26-bit card, ten digits the 32 of a 34-bit card. The checksum byte may have any value, that of
//! STX, ETX or a line end included.

use alloc::string::String;
use alloc::vec::Vec;

use crate::badge::{BadgeKeyRule, Bits, Card, decimal};
use crate::em4100::{ETX, STX};
use crate::malformed::Reason;
use crate::reading::Reading;

/// The longest frame: STX, ten digits, ETX, checksum.
pub const LONGEST_FRAME: usize = 13;

/// Digits whose number and checksum fit: a view of a frame's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    digits: &'a str,
    /// What the digits write; it fits into the bits that they stand for.
    data: Bits,
}

impl<'a> Frame<'a> {
    /// Checks what stands between STX and ETX against the byte after ETX.
    pub fn new_checked(digits: &'a [u8], checksum: u8) -> Result<Self, Reason> {
        let length = match digits.len() {
            8 => 24,
            10 => 32,
            _ => return Err(Reason::Length),
        };
        if xor(digits) != checksum {
            return Err(Reason::Checksum);
        }
        let digits = str::from_utf8(digits).map_err(|_| Reason::BadCharacter)?;
        let data = Bits::new(decimal(digits)?, length).ok_or(Reason::OutOfRange)?;
        Ok(Self { digits, data })
    }

    /// The card's data bits, without parity.
    pub const fn data(&self) -> Bits {
        self.data
    }
}

/// What [`Frame::new_checked`] accepts, with its marks: the frame of 24 or 32 data bits, `None` for any other number.
pub fn emit(data: Bits) -> Option<Vec<u8>> {
    let digits = match data.length() {
        24 => alloc::format!("{:08}", data.value()),
        32 => alloc::format!("{:010}", data.value()),
        _ => return None,
    };
    let digits = digits.as_bytes();
    Some([&[STX], digits, &[ETX, xor(digits)]].concat())
}

/// The XOR of a frame from STX to ETX.
fn xor(digits: &[u8]) -> u8 {
    digits.iter().fold(STX ^ ETX, |sum, byte| sum ^ byte)
}

impl Reading {
    /// The reading of a card. Its facility is what a Wiegand reader makes of the same bits.
    pub fn parse_idteck(frame: &Frame<'_>, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let (data, number) = (frame.data.value(), frame.data.value() & 0xFFFF);
        if data == 0 {
            return Err(Reason::Collision);
        }
        let card = Card {
            bits: frame.data,
            data,
            facility: Some(data >> 16),
            number,
            text: frame.digits,
        };
        let key: String = rule.key_of_card(&card);
        Ok(Self::of_card(
            frame.data.left_justified(),
            Some(u16::from(frame.data.length())),
            key,
        ))
    }
}
