//! Any payloads of one reader, whatever its formats: no panic, no endless loop, no more items than bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{BadgeKeyRule, Decoding, Format, Messages};

fuzz_target!(|input: &[u8]| {
    let [format, serial_format, rule, payloads @ ..] = input else {
        return;
    };
    let named = |byte: &u8| Format::ALL[usize::from(*byte) % Format::ALL.len()];
    let mut messages = Messages::new(Decoding {
        serial_format: Some(named(serial_format)),
        badge_key: BadgeKeyRule::ALL[usize::from(*rule) % BadgeKeyRule::ALL.len()],
        keypad: true,
        ..Decoding::new(named(format))
    });
    for payload in payloads.split(|byte| *byte == 0xFF) {
        assert!(messages.hear(payload).readings.len() <= payload.len());
    }
});
