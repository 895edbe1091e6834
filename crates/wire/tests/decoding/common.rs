//! What the tests of decoders share.

use serde_json::Value;
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

/// Bytes of a real reader, a data sheet or a trap, and what they mean.
pub struct Vector {
    pub protocol: String,
    pub name: String,
    pub bytes: Vec<u8>,
    pub expected: Value,
}

/// The vectors whose protocol begins so.
pub fn vectors(protocol: &str) -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(include_str!("../vectors.json")).expect("a JSON array");
    let vectors = all.iter().map(|vector| Vector {
        protocol: text(vector, "protocol"),
        name: text(vector, "name"),
        bytes: vector["hex"]
            .as_str()
            .map_or_else(|| text(vector, "text").into_bytes(), hex),
        expected: vector["expected"].clone(),
    });
    let chosen: Vec<Vector> = vectors.filter(|vector| vector.protocol.starts_with(protocol)).collect();
    assert!(!chosen.is_empty(), "vectors of {protocol}");
    chosen
}

/// A field that is text.
pub fn text(value: &Value, field: &str) -> String {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {value}"))
        .to_owned()
}

/// A field that is a number.
pub fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("{field} of {value}"))
}

/// Bytes written in hex.
pub fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16).expect("hex digits"))
        .collect()
}
