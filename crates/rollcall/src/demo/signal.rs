//! What readers put on the line when a card is shown, with what goes wrong on real lines now and then.

use wire::em4100::Tag;
use wire::wiegand::{WiegandFormat, emit_hex_line};

use super::random::Random;

/// The first byte of the bureau's EM4100 tags: whoever made them.
const TAG_MAKER: u8 = 0x2A;

/// One in so many frames follows noise, as from a motor nearby.
const NOISE_EVERY: usize = 40;

/// One in so many frames is torn at first, as when a card is pulled away and shown again.
const TORN_EVERY: usize = 60;

/// One in so many cards is held at the reader until it is read a second time.
const HELD_EVERY: usize = 20;

/// The bytes of an RDM6300 that is shown a card of 24 bits.
pub fn rdm6300(card: u32, random: &mut Random) -> Vec<u8> {
    let frame = Tag::from_number(TAG_MAKER, card).emit_rdm6300();
    on_the_line(&frame, &[0x00, 0xFF, 0x7E], random)
}

/// The bytes of a Wiegand converter whose reader is shown a card of 24 bits.
pub fn wiegand26(card: u32, random: &mut Random) -> Vec<u8> {
    let (facility, number) = (u64::from(card >> 16 & 0xFF), u64::from(card & 0xFFFF));
    let bits = WiegandFormat::H10301
        .emit(facility, number)
        .expect("eight and sixteen bits fit the format");
    // A converter ends every line, so noise on its inputs comes out as a line of its own.
    on_the_line(&emit_hex_line(bits), b"3F\r", random)
}

fn on_the_line(frame: &[u8], noise: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    if random.below(NOISE_EVERY) == 0 {
        bytes.extend(noise);
    }
    if random.below(TORN_EVERY) == 0 {
        bytes.extend(&frame[..frame.len() / 2]);
        // A Wiegand converter ends the line of a torn reading, too; an RDM6300 just starts anew.
        bytes.extend(frame.last().filter(|last| **last == b'\r'));
    }
    bytes.extend(frame);
    if random.below(HELD_EVERY) == 0 {
        bytes.extend(frame);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use wire::{BadgeKeyRule, Decoder, Decoding, Format};

    use super::*;
    use crate::demo::site::badge_key;

    /// Feeds what a thousand cards put on a line to a decoder; every card must be read, and some noise must be noticed.
    fn read_back(format: Format, emit: fn(u32, &mut Random) -> Vec<u8>) {
        let mut random = Random::new(5);
        let mut decoder = Decoder::new(Decoding {
            badge_key: BadgeKeyRule::FacilityCard,
            ..Decoding::new(format)
        });
        let mut malformed = 0;
        for number in 1..=1_000 {
            let card = (118 << 16) | number;
            let mut keys = Vec::new();
            for byte in emit(card, &mut random) {
                assert_eq!(decoder.push(&[byte]), 1);
                while let Some(read) = decoder.next() {
                    match read {
                        Ok(reading) => keys.push(reading.key),
                        Err(_) => malformed += 1,
                    }
                }
            }
            assert!(
                !keys.is_empty() && keys.iter().all(|key| *key == badge_key(card)),
                "{keys:?} for {card}"
            );
        }
        assert!(malformed > 20, "noise and torn frames are noticed: {malformed}");
    }

    #[test]
    fn every_card_is_read_in_spite_of_noise_on_the_east_gate() {
        read_back(Format::Rdm6300, rdm6300);
    }

    #[test]
    fn every_card_is_read_in_spite_of_noise_on_the_west_gate() {
        read_back(Format::WiegandHex, wiegand26);
    }
}
