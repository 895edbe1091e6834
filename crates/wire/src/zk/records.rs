//! Attendance records: as a block that is read, and one by one as they happen.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::time::{of_six_bytes, unpack};
use crate::adms::RecordRule;
use crate::line::key_of;
use crate::malformed::{Malformed, Reason};
use crate::reading::{HappenedAt, Reading};

/// The event of a record; the other events are of no use for attendance.
pub const EVENT_ATTENDANCE: u16 = 1;

/// Bytes of a PIN, filled up with zeros.
const PIN: usize = 24;

/// A record as a terminal of any age writes it.
struct Record {
    pin: String,
    time: Option<NaiveDateTime>,
    status: u8,
    verify: u8,
}

/// The records of a block: its length in bytes (u32), and records of equal width. `count` is how many the terminal said that it holds:
/// the width follows from it (40 bytes; 16 or 8 on old terminals), because terminals say it nowhere.
///
/// Old terminals that write 8 bytes name a person by their place in its memory, not by their PIN; it is taken as the PIN.
pub fn attendance(block: &[u8], count: u32, rule: RecordRule) -> Vec<Result<Reading, Malformed>> {
    let whole = |reason| [Err(Malformed::new(reason, block))].into_iter().collect();
    let Some((length, bytes)) = block.split_first_chunk() else {
        return whole(Reason::Truncated);
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some(bytes) = bytes.get(..length) else {
        return whole(Reason::Truncated);
    };
    if bytes.is_empty() {
        return Vec::new();
    }
    let Some(width) = width_of(length, usize::try_from(count).unwrap_or(usize::MAX)) else {
        return whole(Reason::Length);
    };
    let records = bytes.chunks_exact(width);
    let rest = records.remainder();
    let mut readings: Vec<_> = records
        .map(|bytes| reading(bytes, of_block(bytes), rule).map_err(|reason| Malformed::new(reason, bytes)))
        .collect();
    if !rest.is_empty() {
        readings.push(Err(Malformed::new(Reason::Truncated, rest)));
    }
    readings
}

/// The width of a record in a block of so many bytes with so many records. A punch may be added between the question for the count and
/// the reading of the block, so where the count does not fit, the width that divides the block is taken, the newest first.
fn width_of(length: usize, count: usize) -> Option<usize> {
    let widths: [usize; 3] = [40, 16, 8];
    let by_count = widths
        .into_iter()
        .find(|width| width.checked_mul(count) == Some(length));
    by_count.or_else(|| widths.into_iter().find(|width| length.is_multiple_of(*width)))
}

/// The record of an event. Terminals of different ages write it differently; its length says how.
pub fn event(data: &[u8], rule: RecordRule) -> Result<Reading, Reason> {
    let (pin, rest) = match data.len() {
        10 | 14 => (u16::from_le_bytes([data[0], data[1]]).to_string(), &data[2..]),
        12 => (u32_of(&data[..4]).to_string(), &data[4..]),
        32 | 36 | 37 | 52 => (text_of(&data[..PIN])?, &data[PIN..]),
        _ => return Err(Reason::Length),
    };
    let [verify, status, time @ ..] = rest else {
        return Err(Reason::Length);
    };
    let time = time.first_chunk().and_then(|time| of_six_bytes(*time));
    let record = Record {
        pin,
        time,
        status: *status,
        verify: *verify,
    };
    reading(data, Ok(record), rule)
}

/// The record of a block's piece of 40, 16 or 8 bytes.
fn of_block(bytes: &[u8]) -> Result<Record, Reason> {
    let (pin, time, verify, status) = match bytes.len() {
        40 => (text_of(&bytes[2..2 + PIN])?, &bytes[27..31], bytes[26], bytes[31]),
        16 => (u32_of(&bytes[..4]).to_string(), &bytes[4..8], bytes[8], bytes[9]),
        _ => (u32_of(&bytes[..2]).to_string(), &bytes[3..7], bytes[2], bytes[7]),
    };
    Ok(Record {
        pin,
        time: unpack(u32_of(time)),
        status,
        verify,
    })
}

fn reading(raw: &[u8], record: Result<Record, Reason>, rule: RecordRule) -> Result<Reading, Reason> {
    let Record {
        pin,
        time,
        status,
        verify,
    } = record?;
    let key = key_of(&pin, rule.badge_key)?;
    let civil = time.ok_or(Reason::BadInstant)?;
    Ok(Reading {
        happened_at: Some(HappenedAt::Civil(civil)),
        faces: rule.status.faces(&status.to_string()),
        // The same as a line of the terminal's own export has, which knows no work code either.
        source_id: Some(format!("{pin}|{civil}|{status}|{verify}|0")),
        ..Reading::of_card(raw.to_vec(), None, key)
    })
}

/// Text that is filled up with zeros.
fn text_of(bytes: &[u8]) -> Result<String, Reason> {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = str::from_utf8(&bytes[..length]).map_err(|_| Reason::NotUtf8)?;
    Ok(text.trim().to_string())
}

/// A number of up to four bytes.
fn u32_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}
