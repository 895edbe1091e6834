//! `[FF] 53 ADDR LEN_L LEN_H CTRL [security block] CODE data… [MAC] check`, little-endian; LEN counts from 53 to the check.

use alloc::vec::Vec;

use crate::limits::LONGEST_NOISE;
use crate::malformed::{Malformed, Reason};

/// The most bytes of a frame that any device may send.
pub const LONGEST_FRAME: usize = 1_440;

/// Marks the line before a frame; belongs to none.
const MARK: u8 = 0xFF;
const START: u8 = 0x53;
const REPLY: u8 = 0x80;
const SEQUENCE: u8 = 0x03;
const WITH_CRC: u8 = 0x04;
const WITH_BLOCK: u8 = 0x08;

mod field {
    use core::ops::Range;

    pub const ADDRESS: usize = 1;
    pub const LENGTH: Range<usize> = 2..4;
    pub const CONTROL: usize = 4;
    pub const BODY: usize = 5;
}

/// Start, address, length, control, code, checksum.
const SHORTEST_FRAME: usize = 7;
/// How many bytes of a frame's MAC are sent.
pub(super) const MAC_BYTES: usize = 4;

/// What ends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// A CRC of 16 bits.
    Crc,
    /// A checksum of 8 bits, for devices that know no other.
    Sum,
}

/// The security block of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// 11 to 14 hex: handshake; 15 and 16: with MAC; 17 and 18: with MAC, data encrypted. Odd from the panel.
    pub kind: u8,
    /// What else it says.
    pub data: &'a [u8],
}

impl Block<'_> {
    /// Whether the frame has a MAC.
    pub const fn has_mac(&self) -> bool {
        matches!(self.kind, 0x15..=0x18)
    }

    /// Whether the frame's data are encrypted.
    pub const fn is_encrypted(&self) -> bool {
        matches!(self.kind, 0x17 | 0x18)
    }
}

/// A frame whose length and check are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    block: Option<Block<'a>>,
    code: u8,
    data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Checks exactly one frame, without its mark.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Reason> {
        if bytes.len() < SHORTEST_FRAME || bytes[0] != START || declared_length(bytes) != bytes.len() {
            return Err(Reason::Length);
        }
        let check = check_kind(bytes[field::CONTROL]);
        let end = bytes.len() - check.bytes();
        if !check.fits(bytes) {
            return Err(Reason::Checksum);
        }
        let body = &bytes[field::BODY..end];
        let (block, body) = split_block(bytes[field::CONTROL], body)?;
        let mac = if block.is_some_and(|block| block.has_mac()) {
            MAC_BYTES
        } else {
            0
        };
        let (code, data) = body.split_first().ok_or(Reason::Length)?;
        let data = data
            .len()
            .checked_sub(mac)
            .map(|length| &data[..length])
            .ok_or(Reason::Length)?;
        Ok(Self {
            bytes,
            block,
            code: *code,
            data,
        })
    }

    /// The device's address, 0 to 126; 127 is everybody.
    pub const fn address(&self) -> u8 {
        self.bytes[field::ADDRESS] & !REPLY
    }

    /// Whether a device sent it; else a panel did.
    pub const fn is_reply(&self) -> bool {
        self.bytes[field::ADDRESS] & REPLY != 0
    }

    /// 0 begins anew; 1, 2, 3 follow each other.
    pub const fn sequence(&self) -> u8 {
        self.bytes[field::CONTROL] & SEQUENCE
    }

    /// What ends it.
    pub const fn check(&self) -> CheckKind {
        check_kind(self.bytes[field::CONTROL])
    }

    /// Its security block.
    pub const fn block(&self) -> Option<Block<'a>> {
        self.block
    }

    /// The command or reply.
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// What comes after the code, encrypted where the block says so.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// All of its bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes that the MAC covers, and the MAC as it was sent.
    pub(super) fn signed(&self) -> Option<(&'a [u8], &'a [u8])> {
        self.block.filter(Block::has_mac)?;
        let end = self.bytes.len() - self.check().bytes();
        self.bytes[..end].split_at_checked(end - MAC_BYTES)
    }
}

fn split_block(control: u8, body: &[u8]) -> Result<(Option<Block<'_>>, &[u8]), Reason> {
    if control & WITH_BLOCK == 0 {
        return Ok((None, body));
    }
    let length = usize::from(*body.first().ok_or(Reason::Length)?);
    if length < 2 || length > body.len() {
        return Err(Reason::Length);
    }
    let (block, rest) = body.split_at(length);
    Ok((
        Some(Block {
            kind: block[1],
            data: &block[2..],
        }),
        rest,
    ))
}

fn declared_length(bytes: &[u8]) -> usize {
    let [low, high] = [bytes[field::LENGTH.start], bytes[field::LENGTH.start + 1]];
    usize::from(u16::from_le_bytes([low, high]))
}

const fn check_kind(control: u8) -> CheckKind {
    if control & WITH_CRC == 0 {
        CheckKind::Sum
    } else {
        CheckKind::Crc
    }
}

impl CheckKind {
    const fn bytes(self) -> usize {
        match self {
            Self::Crc => 2,
            Self::Sum => 1,
        }
    }

    fn fits(self, frame: &[u8]) -> bool {
        match self {
            Self::Crc => frame
                .split_last_chunk()
                .is_some_and(|(covered, sent)| crc(covered).to_le_bytes() == *sent),
            Self::Sum => frame.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0,
        }
    }

    fn append(self, frame: &mut Vec<u8>) {
        match self {
            Self::Crc => {
                let crc = crc(frame);
                frame.extend_from_slice(&crc.to_le_bytes());
            }
            Self::Sum => frame.push(frame.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte))),
        }
    }
}

/// Polynomial 1021, beginning with 1D0F; sent low byte first.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0x1D0F, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

/// A frame to a device: mark, head, security block, code, data, and `mac_of` the bytes so far where the block asks for it.
pub fn emit(
    head: (u8, u8, CheckKind),
    block: Option<Block<'_>>,
    code: u8,
    data: &[u8],
    mac_of: impl FnOnce(&[u8]) -> [u8; MAC_BYTES],
) -> Vec<u8> {
    let (address, sequence, check) = head;
    let (block_bytes, mac_bytes) = block.map_or((0, 0), |block| {
        (2 + block.data.len(), if block.has_mac() { MAC_BYTES } else { 0 })
    });
    let length = field::BODY + block_bytes + 1 + data.len() + mac_bytes + check.bytes();
    let mut control = sequence & SEQUENCE;
    if check == CheckKind::Crc {
        control |= WITH_CRC;
    }
    if block.is_some() {
        control |= WITH_BLOCK;
    }
    let [low, high] = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let mut frame = Vec::with_capacity(length + 1);
    frame.extend_from_slice(&[START, address, low, high, control]);
    if let Some(block) = block {
        frame.push(u8::try_from(block_bytes).unwrap_or(u8::MAX));
        frame.push(block.kind);
        frame.extend_from_slice(block.data);
    }
    frame.push(code);
    frame.extend_from_slice(data);
    if mac_bytes > 0 {
        let mac = mac_of(&frame);
        frame.extend_from_slice(&mac);
    }
    check.append(&mut frame);
    frame.insert(0, MARK);
    frame
}

/// Cuts a stream into frames. A start that was none, a length that lies and a wrong check cost themselves only: the search goes on
/// at the next byte that can begin a frame.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Silence follows what is in the buffer: nothing that is not whole will ever be.
    ended: bool,
}

impl Frames {
    /// Takes bytes in and says how many: all that fit beside what waits. [`Self::next`] makes room.
    #[must_use = "bytes that were not taken must be pushed again"]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min((2 * LONGEST_FRAME).saturating_sub(self.buffer.len()));
        self.buffer.extend_from_slice(&bytes[..taken]);
        self.ended &= taken == 0;
        taken
    }

    /// Nothing came for longer than any frame pauses: what is not whole is given up.
    pub const fn idle(&mut self) {
        self.ended = true;
    }

    /// Whether part of something waits for more.
    pub const fn is_waiting(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The bytes of the next frame, or what was none; `None` until more comes.
    #[expect(clippy::should_implement_trait, reason = "more may come after `None`")]
    pub fn next(&mut self) -> Option<Result<Vec<u8>, Malformed>> {
        let marks = self.buffer.iter().take_while(|byte| **byte == MARK).count();
        self.buffer.drain(..marks);
        let (length, outcome) = self.step()?;
        let bytes: Vec<u8> = self.buffer.drain(..length).collect();
        Some(match outcome {
            Ok(()) => Ok(bytes),
            Err(reason) => Err(Malformed::new(reason, &bytes)),
        })
    }

    /// How many bytes the next thing is, and what.
    fn step(&self) -> Option<(usize, Result<(), Reason>)> {
        let waiting = &self.buffer[..];
        if waiting.is_empty() {
            return None;
        }
        if !can_begin(waiting) {
            let length = self.until_next_start(0);
            let complete = self.ended || length < waiting.len() || length >= LONGEST_NOISE;
            return complete.then_some((length.min(LONGEST_NOISE), Err(Reason::Noise)));
        }
        let declared = if waiting.len() < field::CONTROL {
            usize::MAX
        } else {
            declared_length(waiting)
        };
        if declared > waiting.len() {
            return self
                .ended
                .then(|| (self.until_next_start(waiting.len()), Err(Reason::Truncated)));
        }
        match Frame::new_checked(&waiting[..declared]) {
            Ok(_) => Some((declared, Ok(()))),
            Err(reason) => Some((self.until_next_start(declared), Err(reason))),
        }
    }

    /// The place of the next byte that can begin a frame; within a frame that is none, at most its end.
    fn until_next_start(&self, end: usize) -> usize {
        let starts = (1..self.buffer.len()).find(|start| can_begin(&self.buffer[*start..]));
        let next = starts.unwrap_or(self.buffer.len());
        if end == 0 { next } else { next.min(end) }
    }
}

/// Whether a frame can begin so, as far as its length says.
fn can_begin(bytes: &[u8]) -> bool {
    bytes[0] == START
        && (bytes.len() < field::CONTROL || (SHORTEST_FRAME..=LONGEST_FRAME).contains(&declared_length(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_published_one() {
        assert_eq!(crc(b"123456789"), 0xE5CC);
    }
}
