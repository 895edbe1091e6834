//! Random secrets and what is kept of them.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits in hex: the token of a session, a form or a link.
pub fn token() -> Result<String, getrandom::Error> {
    random_hex::<32>()
}

/// 128 random bits in hex: the name of a decision or of a request.
pub fn name() -> Result<String, getrandom::Error> {
    random_hex::<16>()
}

fn random_hex<const BYTES: usize>() -> Result<String, getrandom::Error> {
    bytes::<BYTES>().map(hex::encode)
}

/// Bytes from the system's random source.
pub fn bytes<const BYTES: usize>() -> Result<[u8; BYTES], getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// What is stored of a token: whoever reads the database cannot use it.
pub fn stored(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Whether two secrets are equal, in a time that does not say where they differ.
pub fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_only_their_hash_is_kept() {
        let (one, other) = (token().expect("random"), token().expect("random"));
        assert!(one.len() == 64 && one != other && stored(&one) != one);
        assert_eq!(
            stored("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(equal("a", "a") && !equal("a", "b") && !equal("a", "aa"));
    }
}
