//! Any bytes, as what access controllers post and stream: no panic, no endless loop, bounded memory, and cuts make no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::Malformed;
use wire::controller::{Dialect, EventRule, Stream, Told};

fn heard(dialect: Dialect, bytes: &[u8], cut: usize) -> Vec<Result<Told, Malformed>> {
    let mut stream = Stream::new(dialect, EventRule::DEFAULT);
    let mut items = Vec::new();
    for piece in bytes.chunks(cut) {
        assert_eq!(stream.push(piece), piece.len());
        items.extend(std::iter::from_fn(|| stream.next()));
    }
    stream.end();
    items.extend(std::iter::from_fn(|| stream.next()));
    items
}

fuzz_target!(|input: &[u8]| {
    let [cut, bytes @ ..] = input else { return };
    for dialect in Dialect::ALL {
        let whole = heard(dialect, bytes, 4_096);
        assert!(whole.len() <= bytes.len());
        assert_eq!(heard(dialect, bytes, usize::from(*cut) + 1), whole);
    }
});
