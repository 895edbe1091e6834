//! The audit chain: how an entry is hashed, and how a chain is checked.
//!
//! An entry's `hash` is the SHA-256, in hex, of these bytes: the tag `rollcall audit 1`, then `seq` and `at` (milliseconds)
//! as 8 bytes each, big end first, then `actor`, `act`, `subject`, `body_hash` and `previous_hash`, each as its length in
//! bytes (8 bytes, big end first) and its UTF-8 bytes. The tag is written as such a text too. `body_hash` is the SHA-256,
//! in hex, of the texts `rollcall audit body 1`, `salt` and `body`, written the same way. Lengths are part of it, so that
//! no two different entries have the same bytes.

use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::rows::{AuditEntry, AuditRecord};

/// Where a chain stands after its last entry: what the next one must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// `seq` of the last entry; 0 before the first.
    pub seq: i64,
    /// `hash` of the last entry; 64 zeros before the first.
    pub hash: String,
}

impl Default for ChainEnd {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: "0".repeat(64),
        }
    }
}

/// The first entry at which a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit entry {seq}: {fault}")]
pub struct BrokenChain {
    /// The number that the entry has, or should have.
    pub seq: i64,
    /// What is wrong there.
    pub fault: ChainFault,
}

/// What can be wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Entries before it are missing, or it stands twice or out of order.
    #[error("it does not follow the entry before it: entries were removed, added or moved")]
    Sequence,
    /// It does not name the hash of the entry before it.
    #[error("it was not written after the entry before it: one of the two was replaced")]
    Link,
    /// Its body is not what was recorded.
    #[error("its body was changed after it was recorded")]
    Body,
    /// Something else in it is not what was recorded.
    #[error("it was changed after it was recorded")]
    Entry,
}

/// Checks entries that follow `end`, oldest first, and returns where the chain then stands. Entries cut off at the end
/// are found only by comparing with an end that was noted elsewhere.
pub fn verify(end: &ChainEnd, entries: &[AuditEntry]) -> Result<ChainEnd, BrokenChain> {
    let mut end = end.clone();
    for entry in entries {
        let fault = if entry.seq != end.seq + 1 {
            Some(ChainFault::Sequence)
        } else if entry.previous_hash != end.hash {
            Some(ChainFault::Link)
        } else if entry.body_hash != body_hash(&entry.salt, &entry.record.body) {
            Some(ChainFault::Body)
        } else if entry.hash != entry_hash(entry) {
            Some(ChainFault::Entry)
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(BrokenChain {
                seq: end.seq + 1,
                fault,
            });
        }
        end = ChainEnd {
            seq: entry.seq,
            hash: entry.hash.clone(),
        };
    }
    Ok(end)
}

/// The entry of a record that follows `end`, with a salt from the operating system.
pub(crate) fn entry_after(end: &ChainEnd, record: &AuditRecord) -> Result<AuditEntry, StoreError> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(StoreError::Randomness)?;
    let salt = hex::encode(salt);
    let mut entry = AuditEntry {
        seq: end.seq + 1,
        record: record.clone(),
        body_hash: body_hash(&salt, &record.body),
        salt,
        previous_hash: end.hash.clone(),
        hash: String::new(),
    };
    entry.hash = entry_hash(&entry);
    Ok(entry)
}

fn body_hash(salt: &str, body: &str) -> String {
    let mut hasher = Sha256::new();
    for text in ["rollcall audit body 1", salt, body] {
        add_text(&mut hasher, text);
    }
    hex::encode(hasher.finalize())
}

fn entry_hash(entry: &AuditEntry) -> String {
    let mut hasher = Sha256::new();
    add_text(&mut hasher, "rollcall audit 1");
    hasher.update(entry.seq.to_be_bytes());
    hasher.update(entry.record.at.as_ms().to_be_bytes());
    for text in [
        &entry.record.actor,
        &entry.record.act,
        &entry.record.subject,
        &entry.body_hash,
        &entry.previous_hash,
    ] {
        add_text(&mut hasher, text);
    }
    hex::encode(hasher.finalize())
}

fn add_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use rules::time::Instant;

    use super::*;

    fn chain(bodies: &[&str]) -> Vec<AuditEntry> {
        let mut end = ChainEnd::default();
        let append = |body: &&str| {
            let record = AuditRecord {
                at: Instant::from_ms(1_789_000_000_000),
                actor: "li".to_owned(),
                act: "finding.confirm".to_owned(),
                subject: "finding:7".to_owned(),
                body: (*body).to_owned(),
            };
            let entry = entry_after(&end, &record).expect("randomness");
            end = ChainEnd {
                seq: entry.seq,
                hash: entry.hash.clone(),
            };
            entry
        };
        bodies.iter().map(append).collect()
    }

    fn fault_of(entries: &[AuditEntry]) -> (i64, ChainFault) {
        let broken = verify(&ChainEnd::default(), entries).expect_err("a broken chain");
        (broken.seq, broken.fault)
    }

    #[test]
    fn a_chain_stands_and_goes_on_from_where_it_stood() {
        let entries = chain(&["{}", "{\"a\":1}", "{}"]);
        let middle = verify(&ChainEnd::default(), &entries[..2]).expect("two entries");
        let end = verify(&middle, &entries[2..]).expect("the third");
        assert_eq!((end.seq, &end.hash), (3, &entries[2].hash));
        assert_ne!(
            entries[0].body_hash, entries[2].body_hash,
            "the same body is salted anew"
        );
    }

    #[test]
    fn every_change_names_the_first_bad_entry() {
        let entries = chain(&["a", "b", "c", "d"]);
        let changed = |change: fn(&mut Vec<AuditEntry>)| {
            let mut entries = entries.clone();
            change(&mut entries);
            fault_of(&entries)
        };
        assert_eq!(changed(|all| all[1].record.body.push('!')), (2, ChainFault::Body));
        assert_eq!(
            changed(|all| all[1].record.actor = "wang".to_owned()),
            (2, ChainFault::Entry)
        );
        assert_eq!(
            changed(|all| all[2].record.at = Instant::from_ms(0)),
            (3, ChainFault::Entry)
        );
        assert_eq!(changed(|all| drop(all.remove(1))), (2, ChainFault::Sequence));
        assert_eq!(changed(|all| all.swap(1, 2)), (2, ChainFault::Sequence));
        assert_eq!(
            changed(|all| all[3].previous_hash = "0".repeat(64)),
            (4, ChainFault::Link)
        );
        assert_eq!(
            changed(|all| (all[2].record.actor, all[2].record.act) = ("lifi".to_owned(), "nding.confirm".to_owned())).1,
            ChainFault::Entry
        );
    }
}
