//! One packet.

use alloc::vec::Vec;

use super::frames::MARK;
use crate::malformed::Reason;

/// Where things are in a packet.
mod field {
    use core::ops::{Range, RangeFrom};

    pub const COMMAND: Range<usize> = 0..2;
    pub const CHECKSUM: Range<usize> = 2..4;
    pub const SESSION: Range<usize> = 4..6;
    pub const NUMBER: Range<usize> = 6..8;
    pub const DATA: RangeFrom<usize> = 8..;
}

/// Bytes that are a packet with a checksum that fits: a view of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks length and checksum.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Reason> {
        if bytes.len() < field::DATA.start {
            return Err(Reason::Length);
        }
        let packet = Self { bytes };
        if packet.word(field::CHECKSUM) == checksum(bytes) {
            Ok(packet)
        } else {
            Err(Reason::Checksum)
        }
    }

    fn word(self, range: core::ops::Range<usize>) -> u16 {
        self.bytes[range]
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u16::from(*byte))
    }

    /// What is asked or answered; see [`super::command`].
    pub fn command(self) -> u16 {
        self.word(field::COMMAND)
    }

    /// The session; of an event, what happened.
    pub fn session(self) -> u16 {
        self.word(field::SESSION)
    }

    /// The number of the request.
    pub fn number(self) -> u16 {
        self.word(field::NUMBER)
    }

    /// What goes with it.
    pub fn data(self) -> &'a [u8] {
        &self.bytes[field::DATA]
    }
}

/// A packet as it goes over UDP.
pub fn emit(command: u16, session: u16, number: u16, data: &[u8]) -> Vec<u8> {
    let head = [command, 0, session, number].map(u16::to_le_bytes).concat();
    let mut bytes = [head.as_slice(), data].concat();
    let sum = checksum(&bytes).to_le_bytes();
    bytes[field::CHECKSUM].copy_from_slice(&sum);
    bytes
}

/// A packet as it goes over TCP.
pub fn emit_tcp(command: u16, session: u16, number: u16, data: &[u8]) -> Vec<u8> {
    let packet = emit(command, session, number, data);
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX).to_le_bytes();
    [MARK.as_slice(), &length, &packet].concat()
}

/// The checksum that a packet should have.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .enumerate()
        .filter(|(index, _)| *index != field::CHECKSUM.start / 2);
    let sum = words.fold(0_u32, |sum, (_, word)| {
        let word = word.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let sum = sum + word;
        (sum & 0xFFFF) + (sum >> 16)
    });
    !u16::try_from(sum).unwrap_or(u16::MAX)
}
