//! Magnetic stripes over a serial line: track 2, `;` digits and `=` `?`, and a line end (ID TECH VersaKey manual, page 14).
//!
//! Most readers check the stripe's own checksum and do not send it; where one does it stands after `?`: the XOR of the 4-bit values of
//! all characters, sentinels included, as one of `0-9:;<=>?` (ISO 7811). Readers that send every track put track 1 (`%…?`) before it
//! and track 3 (`;…?` or `+…?`) behind it; neither is looked at.
//!
//! A card that somebody took out of the wrong pocket may be a payment card. Its number must not be kept anywhere, so a line that holds
//! one is [`Reason::PaymentCard`] and nothing else, and of what cannot be read no letter and no digit is kept.

use alloc::vec::Vec;

use crate::badge::BadgeKeyRule;
use crate::limits::LONGEST_BADGE;
use crate::malformed::Reason;
use crate::reading::Reading;

/// Start of track 2.
pub const START: u8 = b';';
/// End of a track.
pub const END: u8 = b'?';
/// Between the fields of track 2.
pub const SEPARATOR: u8 = b'=';

/// The digits of a payment card number.
const PAYMENT_DIGITS: core::ops::RangeInclusive<usize> = 13..=19;

/// Which numbers are payment cards: the first four digits, and how many there are (ISO/IEC 7812, as the issuers use it). Numbers of 13,
/// 17 and 18 digits are none: hardly a card has them, and Chinese resident identity numbers and article numbers on goods do.
const ISSUED: [(core::ops::RangeInclusive<u16>, &[usize]); 20] = [
    (2200..=2204, &[16]),
    (2221..=2720, &[16]),
    (3000..=3059, &[14]),
    (3095..=3095, &[14]),
    (3400..=3499, &[15]),
    (3528..=3589, &[16]),
    (3600..=3699, &[14]),
    (3700..=3799, &[15]),
    (3800..=3999, &[14]),
    (4000..=4999, &[16, 19]),
    (5018..=5038, &[16, 19]),
    (5100..=5599, &[16]),
    (5893..=5893, &[16, 19]),
    (6000..=6099, &[16, 19]),
    (6200..=6304, &[16, 19]),
    (6440..=6599, &[16, 19]),
    (6759..=6763, &[16, 19]),
    (8100..=8199, &[16, 19]),
    (9558..=9558, &[19]),
    (9559..=9559, &[19]),
];

/// The longest name on track 1.
const LONGEST_NAME: usize = 26;

/// A track 2 whose characters, and checksum where there is one, are right: a view of a line's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track<'a> {
    /// From start to end sentinel, both included.
    raw: &'a [u8],
    /// What stands between the sentinels.
    data: &'a str,
}

impl<'a> Track<'a> {
    /// Finds track 2 in a line without its line end, and checks it.
    pub fn new_checked(line: &'a [u8]) -> Result<Self, Reason> {
        let line = after_track_1(line);
        let [START, rest @ ..] = line else {
            return Err(Reason::BadCharacter);
        };
        let length = rest.iter().position(|&byte| byte == END).ok_or(Reason::Truncated)?;
        let (data, behind) = (&rest[..length], &rest[length + 1..]);
        if !data.iter().all(|byte| byte.is_ascii_digit() || *byte == SEPARATOR) {
            return Err(Reason::BadCharacter);
        }
        if !data.iter().any(u8::is_ascii_digit) {
            return Err(Reason::EmptyBadge);
        }
        if data.len() > LONGEST_BADGE {
            return Err(Reason::TooLong);
        }
        let raw = &line[..length + 2];
        match behind {
            // Track 3 begins like track 2; a checksum stands alone.
            [] | [START | b'+', _, ..] => {}
            [sum] if *sum == checksum(data) => {}
            [sum, START | b'+', ..] if *sum == checksum(data) => {}
            [b'0'..=b'?', ..] => return Err(Reason::Checksum),
            _ => return Err(Reason::BadCharacter),
        }
        let data = str::from_utf8(data).map_err(|_| Reason::NotUtf8)?;
        Ok(Self { raw, data })
    }

    /// What stands between the sentinels.
    pub const fn data(&self) -> &'a str {
        self.data
    }
}

/// The line without a track 1 in front of track 2.
fn after_track_1(line: &[u8]) -> &[u8] {
    match line {
        [b'%', rest @ ..] => rest
            .iter()
            .position(|&byte| byte == END)
            .map_or(line, |end| &rest[end + 1..]),
        _ => line,
    }
}

/// The checksum of track 2: the XOR of the 4-bit values of all characters from sentinel to sentinel, as a character.
pub fn checksum(data: &[u8]) -> u8 {
    let sentinels = (START ^ END) & 0x0F;
    b'0' | data.iter().fold(sentinels, |sum, byte| sum ^ (byte & 0x0F))
}

/// The line that a reader sends, with CR.
pub fn emit_line(data: &str) -> Vec<u8> {
    [&[START], data.as_bytes(), &[END, b'\r']].concat()
}

impl Reading {
    /// The reading of a track 2. As text the badge is all that stands between the sentinels; where the rule asks for a number, it is
    /// the number before the first `=`.
    pub fn parse_track2(track: &Track<'_>, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let badge = match rule {
            BadgeKeyRule::Text => track.data,
            _ => track.data.split('=').next().unwrap_or_default(),
        };
        Ok(Self::of_card(track.raw.to_vec(), None, rule.key_of_text(badge)?))
    }
}

/// Whether a payment card's number stands in these bytes: 13 to 19 digits whose check digit (Luhn) is right, and behind them an expiry
/// date (YYMM), as track 1 or track 2 write it.
pub fn holds_payment_card(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        let from_digit = &rest[start..];
        let digits = from_digit
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(from_digit.len());
        let (number, behind) = from_digit.split_at(digits);
        if PAYMENT_DIGITS.contains(&digits) && has_expiry(behind) && passes_luhn(number) {
            return true;
        }
        rest = behind;
    }
    false
}

/// Whether a text is the number of a payment card and nothing else, as somebody types or prints it, digits in groups or not. Its first
/// digits and their number must be an issuer's, and its check digit right, which is so for one in ten of such numbers.
pub fn is_payment_card_number(text: &str) -> bool {
    let mut digits = [0; 19];
    let mut length = 0;
    let mut may_separate = false;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if length < digits.len() => {
                digits[length] = byte;
                length += 1;
                may_separate = true;
            }
            b' ' | b'-' if may_separate => may_separate = false,
            _ => return false,
        }
    }
    is_issued(&digits[..length]) && passes_luhn(&digits[..length])
}

/// Whether a payment card's number stands in these bytes, with or without its date: in what could not be read nothing of it is kept.
pub(crate) fn shows_payment_card(bytes: &[u8]) -> bool {
    let is_number = |run: &[u8]| is_issued(run) && passes_luhn(run);
    holds_payment_card(bytes) || bytes.split(|byte| !byte.is_ascii_digit()).any(is_number)
}

fn is_issued(digits: &[u8]) -> bool {
    let Some(first) = digits.first_chunk::<4>() else {
        return false;
    };
    let first = first
        .iter()
        .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    let mut issued = ISSUED.iter().filter(|(range, _)| range.contains(&first));
    issued.any(|(_, lengths)| lengths.contains(&digits.len()))
}

/// `=YYMM` (`D` where a reader writes the track in hex), or `^NAME^YYMM`.
fn has_expiry(behind: &[u8]) -> bool {
    let date = match behind {
        [SEPARATOR | b'D' | b'd', date @ ..] => Some(date),
        [b'^', name @ ..] => name
            .iter()
            .take(LONGEST_NAME + 1)
            .position(|&byte| byte == b'^')
            .map(|end| &name[end + 1..]),
        _ => None,
    };
    match date {
        Some([y1, y2, m1, m2, ..]) => {
            let is_month = matches!((m1, m2), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'));
            y1.is_ascii_digit() && y2.is_ascii_digit() && is_month
        }
        _ => false,
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(digit, doubled)| {
            let value = u32::from(digit - b'0') << u32::from(doubled);
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}
