//! Tasmota: one JSON object a message, with the local time of the device and a section for each module that has something to say.
//!
//! | section | module | UID |
//! |---|---|---|
//! | `Wiegand` | a Wiegand reader; `Size` is the number of bits on the wire | a number, or hex digits with `h` behind them (SetOption123) |
//! | `RDM6300` | an EM4100 module | the low 32 bits in 8 hex digits |
//! | `PN532`, `RC522` | 13.56 MHz | hex digits, two a byte; old builds of `PN532` leave out leading zeros |
//! | `SSerialReceived` | the serial bridge | what came over the line |

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::{Heard, card, end, take};
use crate::badge::{BadgeKeyRule, Bits, decimal};
use crate::decoder::Decoder;
use crate::em4100::{ETX, STX};
use crate::format::{Decoding, Format};
use crate::malformed::{Malformed, Reason};
use crate::reading::{HappenedAt, Reading};
use crate::wiegand::{WiegandFormat, raw_card};

/// The bridge sends what it has at the latest when it holds so many bytes (the smaller of its two builds): what ends there may go on
/// in the next message.
const FULL_BUFFER: usize = 255;

/// The digits behind the STX of the shortest frame, by which a text of hex digits is known as one written in hex.
const FRAME_DIGITS: core::ops::Range<usize> = 1..9;

/// What a message says.
pub fn hear(fields: &Map<String, Value>, payload: &[u8], decoding: Decoding, serial: &mut Decoder) -> Heard {
    let clock = fields.get("Time").map(clock).transpose();
    let dated = |reading: Reading| clock.map(|happened_at| Reading { happened_at, ..reading });
    let cards = [
        section(fields, "Wiegand").and_then(|section| wiegand(section, decoding)),
        section(fields, "RDM6300").map(|section| rdm6300(section, decoding.badge_key)),
        section(fields, "PN532").map(|section| uid(section, decoding.badge_key)),
        section(fields, "RC522").map(|section| uid(section, decoding.badge_key)),
    ];
    let mut readings: Vec<_> = cards
        .into_iter()
        .flatten()
        .map(|reading| {
            reading
                .and_then(dated)
                .map_err(|reason| Malformed::new(reason, payload))
        })
        .collect();
    if let Some(received) = fields.get("SSerialReceived") {
        readings.extend(bridged(received, payload, decoding, serial));
    }
    Heard {
        readings,
        clock: clock.ok().flatten(),
    }
}

/// A module that names a card; the answer to a command to it does not.
fn section<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    fields
        .get(name)?
        .as_object()
        .filter(|section| section.contains_key("UID"))
}

/// The civil time of the device; an instant where SetOption52 adds its offset, or a rule of its owner sends seconds.
fn clock(time: &Value) -> Result<HappenedAt, Reason> {
    match time {
        Value::String(text) => HappenedAt::parse(text),
        Value::Number(seconds) => {
            let ms = seconds.as_i64().and_then(|seconds| seconds.checked_mul(1_000));
            ms.map(HappenedAt::Instant).ok_or(Reason::BadInstant)
        }
        _ => Err(Reason::BadInstant),
    }
}

/// The card of a Wiegand reader. Tasmota checks the parity and takes it off; where it is wrong it publishes a 0. Keys of a keypad come
/// with the size of one, and a number that was keyed is no badge unless the reader's configuration says so.
fn wiegand(section: &Map<String, Value>, decoding: Decoding) -> Option<Result<Reading, Reason>> {
    let size = section.get("Size").and_then(Value::as_u64);
    let number = number(&section["UID"]);
    if matches!(size, Some(4 | 8)) {
        return decoding.keypad.then(|| number.map(keyed));
    }
    Some(number.and_then(|number| wiegand_card(number, size, decoding.badge_key)))
}

fn wiegand_card(number: u64, size: Option<u64>, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    let (length, format) = match size.ok_or(Reason::BadField)? {
        26 => (24, Some(WiegandFormat::H10301)),
        34 => (32, Some(WiegandFormat::Wiegand34)),
        // It takes two parity bits off these too. What is left has no layout that anybody has written down.
        size @ (24 | 32) => (u8::try_from(size - 2).map_err(|_| Reason::Length)?, None),
        _ => return Err(Reason::Length),
    };
    if number == 0 {
        return Err(Reason::Parity);
    }
    let bits = Bits::new(number, length).ok_or(Reason::OutOfRange)?;
    let text = alloc::format!("{number}");
    let card = match format {
        Some(format) => format.card(bits, bits, &text)?,
        None => raw_card(bits, &text)?,
    };
    Ok(card::of_card(&card, rule))
}

fn keyed(number: u64) -> Reading {
    let text = alloc::format!("{number}");
    Reading::of_card(text.as_bytes().to_vec(), None, text)
}

/// A number, or hex digits with `h` behind them.
fn number(uid: &Value) -> Result<u64, Reason> {
    match uid {
        Value::Number(number) => number.as_u64().ok_or(Reason::OutOfRange),
        Value::String(text) => match text.strip_suffix(['h', 'H']) {
            Some(digits) if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                Err(Reason::BadCharacter)
            }
            Some(digits) => u64::from_str_radix(digits, 16).map_err(|_| Reason::OutOfRange),
            // A build without the `h` writes digits that could be either.
            None => decimal(text).and(Err(Reason::Ambiguous)),
        },
        _ => Err(Reason::BadField),
    }
}

fn rdm6300(section: &Map<String, Value>, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    let text = section["UID"].as_str().ok_or(Reason::BadField)?;
    if text.len() != 8 {
        return Err(Reason::Length);
    }
    if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Reason::BadCharacter);
    }
    let number = u32::from_str_radix(text, 16).map_err(|_| Reason::OutOfRange)?;
    card::low32(number, text, rule)
}

fn uid(section: &Map<String, Value>, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    card::uid(section["UID"].as_str().ok_or(Reason::BadField)?, rule)
}

/// What the serial bridge forwards, in the format that the reader's configuration names. A module that repeats its card fills one
/// message with it, and that is one reading.
fn bridged(
    received: &Value,
    payload: &[u8],
    decoding: Decoding,
    serial: &mut Decoder,
) -> Vec<Result<Reading, Malformed>> {
    let malformed = |reason| [Err(Malformed::new(reason, payload))].into();
    let Some(format) = decoding.serial_format else {
        return malformed(Reason::SerialFormat);
    };
    let mut items: Vec<Result<Reading, Malformed>> = match received {
        Value::String(text) => {
            let decoding = Decoding { format, ..decoding };
            let mut items = take(serial, &line(text, format));
            if text.len() < FULL_BUFFER {
                items.append(&mut end(serial, decoding));
            }
            items
        }
        // The bridge puts what begins with a brace in as it came.
        Value::Object(fields) if matches!(format, Format::Json | Format::Line) => {
            let reading = Reading::from_json(fields, decoding.badge_key);
            let raw = payload.to_vec();
            let reading = reading.map(|reading| Reading { raw, ..reading });
            [reading.map_err(|reason| Malformed::new(reason, payload))].into()
        }
        _ => return malformed(Reason::BadField),
    };
    items.dedup_by(|repeat, first| matches!((repeat, first), (Ok(repeat), Ok(first)) if repeat.raw == first.raw));
    items
}

/// Whether this is the beginning of a frame, which a text of digits would be by chance only.
fn is_frame(bytes: &[u8]) -> bool {
    let digits = bytes.get(FRAME_DIGITS).filter(|_| bytes[0] == STX);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The bytes that were on the line. With SerialDelimiter 254 the bridge writes them in hex, and with 3 it takes the ETX of a frame for
/// the end of a message and leaves it out.
fn line(text: &str, format: Format) -> Vec<u8> {
    let has_marks = matches!(
        format,
        Format::Em4100 | Format::Rdm6300 | Format::Id12la | Format::Idteck
    );
    let mut bytes = match card::bytes_of_hex(text) {
        unhexed if has_marks && is_frame(&unhexed) => unhexed,
        _ => text.as_bytes().to_vec(),
    };
    let is_cut_at_its_end = bytes.iter().rev().find(|byte| matches!(**byte, STX | ETX)) == Some(&STX);
    if matches!(format, Format::Em4100 | Format::Rdm6300 | Format::Id12la)
        && is_cut_at_its_end
        && text.len() < FULL_BUFFER
    {
        bytes.push(ETX);
    }
    bytes
}
