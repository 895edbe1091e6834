//! OSDP: published and recorded frames, streams that are cut and disturbed, and a panel against a device written apart from it.

mod device;
mod panel;
mod streams;
mod vectors;

const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The bytes of a string of hex digits.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hex digit");
    hex.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).expect("a byte"))
        .collect()
}

/// Everything that a stream holds.
fn frames(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<Result<Vec<u8>, wire::Malformed>> {
    let mut frames = wire::osdp::Frames::default();
    let mut found = Vec::new();
    for piece in pieces {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let taken = frames.push(rest);
            rest = &rest[taken..];
            found.extend(std::iter::from_fn(|| frames.next()));
        }
    }
    frames.idle();
    found.extend(std::iter::from_fn(|| frames.next()));
    found
}
