//! Any bytes, as what terminals push and as what they answer: no panic, no endless loop, bounded results, and cuts make no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::adms::{RecordRule, Records, StatusRule, count, operations, results, settings, understand};
use wire::zk::{Frames, attendance, event};
use wire::{BadgeKeyRule, Malformed};

const RULE: RecordRule = RecordRule {
    badge_key: BadgeKeyRule::Text,
    status: StatusRule::Direction,
};

fn frames(bytes: &[u8], cut: usize) -> Vec<Result<Vec<u8>, Malformed>> {
    let mut frames = Frames::default();
    let mut items = Vec::new();
    for piece in bytes.chunks(cut) {
        assert_eq!(frames.push(piece), piece.len());
        items.extend(std::iter::from_fn(|| frames.next()));
    }
    frames.end();
    items.extend(std::iter::from_fn(|| frames.next()).take(bytes.len() + 1));
    items
}

fuzz_target!(|input: &[u8]| {
    let [cut, bytes @ ..] = input else { return };
    assert!(Records::new(bytes, RULE).count() <= count(bytes));
    assert_eq!(operations(bytes).lines, count(bytes));
    assert!(results(bytes).len() <= count(bytes));
    assert!(settings(bytes).len() <= bytes.len());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let _call = understand("POST", path, query);
    }
    let whole = frames(bytes, 4_096);
    assert_eq!(frames(bytes, usize::from(*cut) + 1), whole);
    assert!(whole.len() <= bytes.len());
    assert!(attendance(bytes, u32::from(*cut), RULE).len() <= bytes.len() + 1);
    let _reading = event(bytes, RULE);
});
