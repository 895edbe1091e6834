//! The files that records lie in.

use std::path::PathBuf;

/// A file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where.
    pub path: PathBuf,
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record; one less than `first` where it has none.
    pub last: u64,
    /// Its length as far as it is synced.
    pub bytes: u64,
}

/// What a segment's name says: which record is its first, and which was the last before it. Numbers between the two were never given,
/// or were lost with a torn end; a segment that is missing shows by a `after` that is larger than the last record before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The number of its first record.
    pub first: u64,
    /// The number of the last record that was there when it was begun.
    pub after: u64,
}

const SUFFIX: &str = ".log";

impl Name {
    /// As a file is called.
    pub fn file(self) -> String {
        format!("{:020}-{:020}{SUFFIX}", self.first, self.after)
    }

    /// Of a file that is called so.
    pub fn of(file: &str) -> Option<Self> {
        let (first, after) = file.strip_suffix(SUFFIX)?.split_once('-')?;
        let name = Self {
            first: first.parse().ok()?,
            after: after.parse().ok()?,
        };
        (name.file() == file && name.after < name.first).then_some(name)
    }
}
