//! Any bytes, in any format, cut anywhere: no panic, no endless loop, and the cuts make no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{Decoder, Decoding, Format, Malformed, Reading, Suffix};

fn decode(decoding: Decoding, bytes: &[u8], cut: usize) -> Vec<Result<Reading, Malformed>> {
    let mut decoder = Decoder::new(decoding);
    let mut items = Vec::new();
    for piece in bytes.chunks(cut) {
        assert_eq!(decoder.push(piece), piece.len());
        items.extend(std::iter::from_fn(|| decoder.next()));
        assert!(items.len() <= bytes.len(), "every item takes at least a byte");
    }
    decoder.idle();
    items.extend(std::iter::from_fn(|| decoder.next()).take(bytes.len() + 1));
    items
}

fuzz_target!(|input: &[u8]| {
    let [format, suffix, cut, bytes @ ..] = input else { return };
    let decoding = Decoding {
        suffix: Suffix::ALL[usize::from(*suffix) % Suffix::ALL.len()],
        ..Decoding::new(Format::ALL[usize::from(*format) % Format::ALL.len()])
    };
    let pieces = decode(decoding, bytes, usize::from(*cut) + 1);
    assert_eq!(pieces, decode(decoding, bytes, wire::limits::LONGEST_LINE));
    assert!(pieces.len() <= bytes.len());
});
