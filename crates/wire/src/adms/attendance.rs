//! Attendance records as lines: what a terminal pushes as `ATTLOG`, and what its USB export `attlog.dat` holds.

use alloc::format;
use alloc::string::{String, ToString};

use chrono::NaiveDateTime;

use crate::badge::BadgeKeyRule;
use crate::limits::{LONGEST_LINE, LONGEST_MALFORMED};
use crate::line::{clean, key_of};
use crate::magstripe::shows_payment_card;
use crate::malformed::{Malformed, Reason};
use crate::reading::{Faces, HappenedAt, Reading};

/// How a terminal writes times.
pub(super) const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// The longest work code, in bytes.
const LONGEST_WORK_CODE: usize = 64;

/// A time zone further from UTC than this is none, in seconds.
const FARTHEST_OFFSET_SECONDS: i64 = 14 * 3_600;

/// What to make of the state that a terminal notes with a record: 0 in, 1 out, 2 out for a break, 3 back from it, 4 in for overtime, 5
/// out of it. It is what the key says that somebody pressed, or that the terminal is set to, not what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusRule {
    /// The reader's place says which way it faces.
    Ignore,
    /// The state is the direction.
    Direction,
}

impl StatusRule {
    pub(crate) fn faces(self, status: &str) -> Option<Faces> {
        match (self, status) {
            (Self::Direction, "0" | "3" | "4") => Some(Faces::In),
            (Self::Direction, "1" | "2" | "5") => Some(Faces::Out),
            _ => None,
        }
    }
}

/// How records are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRule {
    /// What makes a badge of a PIN.
    pub badge_key: BadgeKeyRule,
    /// What the state means.
    pub status: StatusRule,
}

/// One record in the order in which a terminal pushes it.
struct Fields<'a> {
    pin: &'a str,
    time: &'a str,
    status: &'a str,
    verify: &'a str,
    work_code: &'a str,
    /// Seconds from UTC, which only the newest firmware sends.
    offset: Option<&'a str>,
}

impl Reading {
    /// The reading of a line of `ATTLOG`: PIN, time, status, verify, work code, and up to seven more fields of which only the time
    /// zone is looked at. Old firmware sends four to seven of them.
    ///
    /// Its `source_id` is what makes a record the same when it is sent again: PIN, time, status, verify, work code.
    pub fn parse_attlog(line: &[u8], rule: RecordRule) -> Result<Self, Reason> {
        let text = str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
        let mut fields = text.split('\t').map(str::trim);
        let mut next = || fields.next().unwrap_or_default();
        let (pin, time, status, verify, work_code) = (next(), next(), next(), next(), next());
        let offset = fields.nth(5).filter(|offset| !offset.is_empty());
        let fields = Fields {
            pin,
            time,
            status,
            verify,
            work_code,
            offset,
        };
        fields.reading(line, rule)
    }

    /// The reading of a line of `attlog.dat`: PIN right-aligned, time, number of the device, status, verify, work code.
    pub fn parse_attlog_dat(line: &[u8], rule: RecordRule) -> Result<Self, Reason> {
        let text = str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
        let mut fields = text.split('\t').map(str::trim);
        let mut next = || fields.next().unwrap_or_default();
        let (pin, time, device, status, verify, work_code) = (next(), next(), next(), next(), next(), next());
        number(device)?;
        let fields = Fields {
            pin,
            time,
            status,
            verify,
            work_code,
            offset: None,
        };
        fields.reading(line, rule)
    }
}

impl Fields<'_> {
    fn reading(&self, line: &[u8], rule: RecordRule) -> Result<Reading, Reason> {
        if line.len() > LONGEST_LINE {
            return Err(Reason::TooLong);
        }
        let key = key_of(self.pin, rule.badge_key)?;
        let civil = NaiveDateTime::parse_from_str(self.time, TIME).map_err(|_| Reason::BadInstant)?;
        let (status, verify) = (number(self.status)?, number(self.verify)?);
        // Firmware that knows no work codes leaves the field out; other firmware says 0 for none.
        let work_code = match clean(self.work_code, LONGEST_WORK_CODE)? {
            "" => "0",
            code => code,
        };
        let source_id = format!("{}|{civil}|{status}|{verify}|{work_code}", self.pin);
        Ok(Reading {
            happened_at: Some(match self.offset.and_then(offset_seconds) {
                Some(seconds) => HappenedAt::Instant((civil.and_utc().timestamp() - seconds) * 1_000),
                None => HappenedAt::Civil(civil),
            }),
            faces: rule.status.faces(status),
            source_id: Some(source_id),
            ..Reading::of_card(line.to_vec(), None, key)
        })
    }
}

/// A short number, as it is written, or nothing.
fn number(text: &str) -> Result<&str, Reason> {
    if text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text)
    } else {
        Err(Reason::BadField)
    }
}

fn offset_seconds(text: &str) -> Option<i64> {
    let seconds: i64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    (text.starts_with(['+', '-']) && seconds.abs() <= FARTHEST_OFFSET_SECONDS).then_some(seconds)
}

/// The records of a body, one by one. Lines side by side that cannot be read come out together, at most [`LONGEST_MALFORMED`] bytes of
/// them, so that a body of nothing but garbage makes few of them; nothing is lost.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    rule: RecordRule,
}

impl<'a> Records<'a> {
    /// The records of an `ATTLOG` body.
    pub const fn new(body: &'a [u8], rule: RecordRule) -> Self {
        Self { rest: body, rule }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Reading, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) = next_line(self.rest)?;
        self.rest = rest;
        let reason = match Reading::parse_attlog(line, self.rule) {
            Ok(reading) => return Some(Ok(reading)),
            Err(reason) => reason,
        };
        let mut malformed = Malformed::new(reason, line);
        while let Some((line, rest)) = next_line(self.rest)
            && malformed.bytes.len() + 1 + line.len() <= LONGEST_MALFORMED
            && !shows_payment_card(line)
            && Reading::parse_attlog(line, self.rule).is_err()
        {
            malformed.bytes.push(b'\n');
            malformed.bytes.extend_from_slice(line);
            self.rest = rest;
        }
        Some(Err(malformed))
    }
}

/// The first line that is not empty, without its end, and what follows it.
pub(super) fn next_line(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = body.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let from = &body[start..];
    let length = from.iter().position(|byte| *byte == b'\n').unwrap_or(from.len());
    let line = from[..length].strip_suffix(b"\r").unwrap_or(&from[..length]);
    Some((line, &from[length..]))
}

/// How many lines of a body are not empty: what its sender wants to hear back.
pub fn count(body: &[u8]) -> usize {
    let mut rest = body;
    let mut lines = 0;
    while let Some((_, behind)) = next_line(rest) {
        lines += 1;
        rest = behind;
    }
    lines
}

/// A civil time as a terminal writes it.
pub(super) fn show(time: NaiveDateTime) -> String {
    time.format(TIME).to_string()
}
