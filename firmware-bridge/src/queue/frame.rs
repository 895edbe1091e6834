//! How records lie in a segment, so that a damaged one costs nothing but itself.
//!
//! A frame is `marker(4) number(8) length(4) checksum(4) payload`, integers little-endian; the checksum is the CRC-32C of number, length
//! and payload. The marker's bytes stand in no UTF-8 text, and every payload is UTF-8: whoever looks for the next marker after damage
//! never finds one that somebody wrote on a badge.

use std::ops::Range;

/// Begins every frame.
const MARKER: [u8; 4] = [0xFF, 0xFE, 0xFD, 0xFC];

/// Bytes of a frame before its payload.
pub const HEADER: usize = 20;

/// The longest payload. A length that is larger is damage, so damage never decides how much is read.
pub const LONGEST_PAYLOAD: usize = 64 * 1024;

/// A whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The record's number.
    pub number: u64,
    /// The record.
    pub payload: &'a str,
    /// How long the frame is, header included.
    pub length: usize,
}

/// What a segment holds, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A record, and where its frame begins.
    Record(usize, Frame<'a>),
    /// Bytes that are no frame, with a frame after them.
    Damage(Range<usize>),
    /// Bytes that are no frame at the very end: a frame that was being written, or a damaged one.
    Tail(Range<usize>),
}

/// Appends a record's frame.
pub fn encode(number: u64, payload: &str, out: &mut Vec<u8>) {
    debug_assert!(payload.len() <= LONGEST_PAYLOAD, "the caller refuses what is longer");
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(MARKER);
    out.extend(number.to_le_bytes());
    out.extend(length);
    out.extend(checksum(number, length, payload.as_bytes()).to_le_bytes());
    out.extend(payload.as_bytes());
}

fn checksum(number: u64, length: [u8; 4], payload: &[u8]) -> u32 {
    let number = crc32c::crc32c(&number.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(number, &length), payload)
}

/// The frame that begins with the first byte; `None` where that is none, or not a whole one.
pub fn first(bytes: &[u8]) -> Option<Frame<'_>> {
    let rest = bytes.strip_prefix(&MARKER)?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let number = u64::from_le_bytes(*number);
    let size = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if size > LONGEST_PAYLOAD {
        return None;
    }
    let payload = rest.get(..size)?;
    if checksum(number, *length, payload) != u32::from_le_bytes(*sum) {
        return None;
    }
    Some(Frame {
        number,
        payload: std::str::from_utf8(payload).ok()?,
        length: HEADER + size,
    })
}

/// Goes through a segment from its beginning.
pub fn pieces(bytes: &[u8]) -> Pieces<'_> {
    Pieces { bytes, at: 0 }
}

/// See [`pieces`].
#[derive(Debug)]
pub struct Pieces<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let from = self.at;
        if from == self.bytes.len() {
            return None;
        }
        if let Some(frame) = first(&self.bytes[from..]) {
            self.at += frame.length;
            return Some(Piece::Record(from, frame));
        }
        let next =
            (from + 1..self.bytes.len()).find(|at| self.bytes[*at] == MARKER[0] && first(&self.bytes[*at..]).is_some());
        self.at = next.unwrap_or(self.bytes.len());
        Some(match next {
            Some(until) => Piece::Damage(from..until),
            None => Piece::Tail(from..self.bytes.len()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, payload) in [(7, "one"), (8, ""), (9, "三 \u{10FFFF}"), (10, "last")] {
            encode(number, payload, &mut bytes);
        }
        bytes
    }

    fn numbers(bytes: &[u8]) -> Vec<u64> {
        let records = pieces(bytes).filter_map(|piece| match piece {
            Piece::Record(_, frame) => Some(frame.number),
            Piece::Damage(_) | Piece::Tail(_) => None,
        });
        records.collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = segment();
        assert_eq!(numbers(&bytes), [7, 8, 9, 10]);
        let Some(Piece::Record(at, third)) = pieces(&bytes).nth(2) else {
            panic!("a record")
        };
        assert_eq!((at, third.payload), (2 * HEADER + 3, "三 \u{10FFFF}"));
    }

    #[test]
    fn a_frame_inside_a_damaged_payload_is_not_believed() {
        // Whoever could write a frame onto a badge would need bytes that no text has.
        let mut inner = Vec::new();
        encode(1_000, "forged", &mut inner);
        assert!(std::str::from_utf8(&inner).is_err());
    }

    #[test]
    fn a_length_that_lies_is_damage_and_not_memory() {
        let mut bytes = segment();
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(numbers(&bytes), [8, 9, 10]);
        assert_eq!(pieces(&bytes).next(), Some(Piece::Damage(0..HEADER + 3)));
    }
}
