//! Packets out of a TCP stream, cut anywhere.

use alloc::vec::Vec;

use super::packet::Packet;
use crate::limits::LONGEST_NOISE;
use crate::malformed::{Malformed, Reason};

/// What begins a packet on TCP.
pub const MARK: [u8; 4] = [0x50, 0x50, 0x82, 0x7D];

/// Mark and length.
const HEAD: usize = 8;

/// The longest packet that is taken, without mark and length. Terminals send at most 64 KiB of data in one.
pub const LONGEST_PACKET: usize = 66 * 1024;

/// How many bytes wait at most: a whole packet and as much again.
const ROOM: usize = 2 * (HEAD + LONGEST_PACKET);

/// Finds packets in a stream; what is none comes out as [`Malformed`], and the next one is found by its mark.
///
/// [`Frames::next`] is to be called until it says `None` before more is pushed.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
}

impl Frames {
    /// Takes bytes in and says how many.
    #[must_use = "bytes that were not taken must be pushed again"]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.buffer.drain(..core::mem::take(&mut self.start));
        let taken = bytes.len().min(ROOM - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Says that nothing more comes.
    pub const fn end(&mut self) {
        self.ended = true;
    }

    /// The bytes of the next packet, whose length and checksum are right; `None` if more bytes are needed.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is no iterator: after None more may come"
    )]
    pub fn next(&mut self) -> Option<Result<Vec<u8>, Malformed>> {
        let waiting = &self.buffer[self.start..];
        let (length, outcome) = self.step(waiting)?;
        let outcome = match outcome {
            Ok(()) => Ok(waiting[HEAD..length].to_vec()),
            Err(reason) => Err(Malformed::new(reason, &waiting[..length])),
        };
        self.start += length;
        Some(outcome)
    }

    /// How many bytes belong together, and whether they are a packet.
    fn step(&self, waiting: &[u8]) -> Option<(usize, Result<(), Reason>)> {
        if waiting.is_empty() {
            return None;
        }
        let begins = waiting.len().min(MARK.len());
        if waiting[..begins] != MARK[..begins] {
            let noise = waiting
                .iter()
                .take(LONGEST_NOISE)
                .skip(1)
                .position(|byte| *byte == MARK[0]);
            let length = noise.map_or(waiting.len().min(LONGEST_NOISE), |offset| offset + 1);
            // Without the next mark it is not known whether more noise follows.
            let is_whole = noise.is_some() || length == LONGEST_NOISE || self.ended;
            return is_whole.then_some((length, Err(Reason::Noise)));
        }
        let truncated = || self.ended.then_some((waiting.len(), Err(Reason::Truncated)));
        let Some(length) = waiting.get(MARK.len()..HEAD) else {
            return truncated();
        };
        let length = length
            .iter()
            .rev()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length > LONGEST_PACKET {
            return Some((HEAD, Err(Reason::TooLong)));
        }
        let Some(packet) = waiting.get(HEAD..HEAD + length) else {
            return truncated();
        };
        Some((HEAD + length, Packet::new_checked(packet).map(drop)))
    }
}
