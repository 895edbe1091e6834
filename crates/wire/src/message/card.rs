//! Cards as these firmwares write them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::badge::{BadgeKeyRule, Bits, Card, lower_hex};
use crate::malformed::Reason;
use crate::reading::Reading;

/// The bytes of an ISO 14443 UID: single, double and triple size.
const UID_BYTES: [usize; 3] = [4, 7, 10];

/// The low 32 bits of an EM4100 tag, which is all that these firmwares publish of its 40. The key is that of the same tag on a serial
/// line by every rule but `hex` and `text`.
pub fn low32(number: u32, text: &str, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    let data = u64::from(number);
    let bits = Bits::new(data, 32).filter(|_| number != 0).ok_or(Reason::Collision)?;
    Ok(of_card(
        &Card {
            bits,
            data,
            facility: Some(data >> 16 & 0xFF),
            number: data & 0xFFFF,
            text,
        },
        rule,
    ))
}

/// A reading of so many bits.
pub fn of_card(card: &Card<'_>, rule: BadgeKeyRule) -> Reading {
    let bits = u16::from(card.bits.length());
    Reading::of_card(card.bits.left_justified(), Some(bits), rule.key_of_card(card))
}

/// A UID of hex digits, two for each byte. Firmwares that leave out leading zeros write other lengths, and then no digit's place is
/// known: `9457B` may be 94 05 7B or 09 45 7B.
pub fn uid(digits: &str, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Reason::BadCharacter);
    }
    match digits.len() {
        length if length % 2 == 0 && UID_BYTES.contains(&(length / 2)) => of_uid(&bytes_of_hex(digits), digits, rule),
        4..20 => Err(Reason::Ambiguous),
        _ => Err(Reason::Length),
    }
}

/// A UID of these bytes, in the order in which they came off the card.
pub fn of_uid(bytes: &[u8], text: &str, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    if !UID_BYTES.contains(&bytes.len()) {
        return Err(Reason::Length);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Reason::Collision);
    }
    let number = bytes
        .iter()
        .try_fold(0_u64, |number, byte| Some(number.checked_mul(256)? | u64::from(*byte)));
    let length = u8::try_from(bytes.len() * 8).map_err(|_| Reason::Length)?;
    match (number.and_then(|number| Bits::new(number, length)), rule) {
        (Some(bits), _) => Ok(of_card(
            &Card {
                bits,
                data: bits.value(),
                facility: None,
                number: bits.value(),
                text,
            },
            rule,
        )),
        // Ten bytes are more than any of our numbers.
        (None, BadgeKeyRule::Hex) => Ok(long(bytes, u16::from(length), lower_hex(bytes))),
        (None, BadgeKeyRule::Text) => Ok(long(bytes, u16::from(length), text.into())),
        (None, _) => Err(Reason::OutOfRange),
    }
}

fn long(bytes: &[u8], bits: u16, key: String) -> Reading {
    Reading::of_card(bytes.to_vec(), Some(bits), key)
}

/// The bytes of an even number of hex digits; of any other text none.
pub fn bytes_of_hex(digits: &str) -> Vec<u8> {
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.unwrap_or_default()
}
