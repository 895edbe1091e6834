//! Which readers have ever been heard through a secure channel: they are never spoken to in plain again.
//!
//! Without this memory somebody who can change the configuration, or lose it, could make the panel believe a device without a key.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Its name in the state directory; a reader's id a line.
const FILE: &str = "osdp-secured";

/// The memory, shared with the disk.
#[derive(Debug)]
pub struct Secured {
    path: Option<PathBuf>,
    readers: BTreeSet<String>,
}

impl Secured {
    /// Reads it; without a directory it lasts as long as the program.
    pub fn load(directory: Option<&Path>) -> Result<Self, Error> {
        let path = directory.map(|directory| directory.join(FILE));
        let text = match path.as_deref().map(std::fs::read_to_string) {
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => return Err(error),
            Some(Err(_)) | None => String::new(),
        };
        let readers = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        Ok(Self { path, readers })
    }

    /// What could not be read: nobody is known, and only what is new is written.
    pub fn unread(directory: Option<&Path>) -> Self {
        Self {
            path: directory.map(|directory| directory.join(FILE)),
            readers: BTreeSet::new(),
        }
    }

    /// Whether a reader was ever secure.
    pub fn has(&self, reader: &str) -> bool {
        self.readers.contains(reader)
    }

    /// Where it is written, for messages.
    pub fn shown(&self) -> String {
        let shown = self.path.as_ref().map(|path| path.display().to_string());
        shown.unwrap_or_else(|| FILE.to_owned())
    }

    /// A reader is secure from now on. The line is on the disk when this returns.
    pub fn remember(&mut self, reader: &str) -> Result<(), Error> {
        if !self.readers.insert(reader.to_owned()) {
            return Ok(());
        }
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        // One write of a short line; several buses append to the same file.
        file.write_all(format!("{reader}\n").as_bytes())?;
        file.sync_all()?;
        path.parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_secure_is_known_after_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut secured = Secured::load(Some(directory.path())).expect("nothing yet");
        assert!(!secured.has("hall-door"));
        secured.remember("hall-door").expect("room");
        secured.remember("hall-door").expect("once");
        secured.remember("gate").expect("room");
        let again = Secured::load(Some(directory.path())).expect("a file");
        assert!(again.has("hall-door") && again.has("gate") && !again.has("hall"));
        assert_eq!(
            std::fs::read_to_string(again.shown()).expect("a file"),
            "hall-door\ngate\n"
        );
    }
}
