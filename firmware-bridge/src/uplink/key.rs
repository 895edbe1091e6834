//! The key that a bridge shows to its daemon.
//!
//! It is a bearer token: 256 random bits that travel inside TLS and of which the daemon keeps only the SHA-256. A challenge and response
//! would need the daemon to keep something that is as good as the key, so that a stolen backup would open every bridge; inside TLS it
//! would protect nothing more.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::queue::replace_durably;

/// The key of a bridge, 64 hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct BridgeKey(String);

impl fmt::Debug for BridgeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BridgeKey(…)")
    }
}

impl BridgeKey {
    /// A new one.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_key {
            return Err("it holds no key of 64 hex digits; `rollcall-bridge enrol` makes one".to_owned());
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Reads it from a file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            format!("cannot read the key {path} ({error}); `rollcall bridge enrol NAME` at the daemon gives a code, and `rollcall-bridge enrol --daemon URL --code CODE` makes a key with it")
        })?;
        Self::parse(&text).map_err(|problem| format!("{}: {problem}", path.display()))
    }

    /// Writes it to a file that only its owner can read. It is on the disk when this returns.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        replace_durably(path, &format!("{}\n", self.0))
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What the daemon keeps of a key: its SHA-256, hex.
pub fn key_hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_from_others_and_from_logs() {
        let directory = tempfile::tempdir().expect("a folder");
        let path = directory.path().join("key");
        assert!(
            BridgeKey::read(&path)
                .expect_err("no file")
                .contains("rollcall-bridge enrol")
        );
        let key = BridgeKey::random().expect("random numbers");
        key.write(&path).expect("room");
        assert_eq!(BridgeKey::read(&path), Ok(key.clone()));
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{key:?}"), "BridgeKey(…)");
        assert!(BridgeKey::parse("00").is_err());
    }
}
