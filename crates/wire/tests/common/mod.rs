//! What the tests of decoders share.

use wire::{Decoder, Decoding, Malformed, Reading};

/// What came out, in order.
pub type Decoded = Vec<Result<Reading, Malformed>>;

/// Feeds pieces as a link does and takes everything out; silence follows the last one.
pub fn decode_pieces<'a>(decoding: Decoding, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    decode_burst(&mut Decoder::new(decoding), pieces)
}

fn decode_burst<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut items = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = decoder.push(rest);
            assert!(taken > 0, "an emptied decoder always takes something");
            rest = &rest[taken..];
            items.extend(std::iter::from_fn(|| decoder.next()));
        }
    }
    decoder.idle();
    items.extend(std::iter::from_fn(|| decoder.next()));
    items
}

/// Feeds bursts with silence after each.
pub fn decode_bursts(decoding: Decoding, bursts: &[&[u8]]) -> Decoded {
    let mut decoder = Decoder::new(decoding);
    bursts
        .iter()
        .flat_map(|burst| decode_burst(&mut decoder, [*burst]))
        .collect()
}

/// Feeds all of it at once.
pub fn decode(decoding: Decoding, bytes: &[u8]) -> Decoded {
    decode_pieces(decoding, [bytes])
}

/// The keys of the good readings among them.
pub fn keys(decoded: &Decoded) -> Vec<String> {
    decoded
        .iter()
        .filter_map(|item| item.as_ref().ok())
        .map(|reading| reading.key.clone())
        .collect()
}
