//! ESPHome: what `on_tag` hands to `mqtt.publish` is the bare number or UID.
//!
//! `rdm6300` gives the low 32 bits in decimal, `wiegand` the data bits in decimal, `pn532` and `rc522` the bytes of the UID in hex with
//! `-` between them.

use alloc::string::String;
use alloc::vec::Vec;

use super::card;
use crate::badge::{BadgeKeyRule, decimal};
use crate::format::Decoding;
use crate::limits::LONGEST_BADGE;
use crate::malformed::Reason;
use crate::reading::Reading;
use crate::wiegand::WiegandRule;

/// The reading of a text.
pub fn parse(text: &str, decoding: Decoding) -> Result<Reading, Reason> {
    if text.len() > LONGEST_BADGE {
        return Err(Reason::TooLong);
    }
    if text.contains(['-', ':']) {
        return with_separators(text, decoding.badge_key);
    }
    match decoding.wiegand_format {
        named @ (WiegandRule::Named(_) | WiegandRule::Raw) => {
            Reading::parse_wiegand_decimal(text, named, decoding.badge_key)
        }
        WiegandRule::ByLength => {
            let number = u32::try_from(decimal(text)?).map_err(|_| Reason::OutOfRange)?;
            card::low32(number, text, decoding.badge_key)
        }
    }
}

fn with_separators(text: &str, rule: BadgeKeyRule) -> Result<Reading, Reason> {
    let pairs: Vec<&str> = text.split(['-', ':']).collect();
    let is_byte = |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !pairs.iter().all(is_byte) {
        return Err(Reason::BadCharacter);
    }
    let digits: String = pairs.concat();
    card::of_uid(&card::bytes_of_hex(&digits), text, rule)
}
