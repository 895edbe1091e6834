//! What the queue asks of a disk: small enough to be replaced by one that fails at the nth call.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Where segments are made.
pub trait Disk: Send {
    /// Makes a new, empty file that is on the disk, name included, when this returns.
    fn create(&mut self, path: &Path) -> Result<Box<dyn Output>>;
}

/// A file that is being written.
pub trait Output: Send {
    /// Appends all of the bytes.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;

    /// Makes what was appended durable.
    fn sync(&mut self) -> Result<()>;

    /// Takes back what was appended beyond a length.
    fn cut(&mut self, length: u64) -> Result<()>;
}

/// The machine's own.
#[derive(Debug)]
pub struct HostDisk;

impl Disk for HostDisk {
    fn create(&mut self, path: &Path) -> Result<Box<dyn Output>> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        sync_directory_of(path)?;
        Ok(Box::new(file))
    }
}

impl Output for File {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.set_len(length)
    }
}

/// Makes a file's name durable.
pub fn sync_directory_of(path: &Path) -> Result<()> {
    path.parent()
        .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Replaces a small file as a whole: whoever reads it sees the old text or the new one.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".new");
    std::fs::write(&next, text)?;
    std::fs::rename(&next, path)
}

/// The same, durable when it returns, and for its owner alone: it may hold keys.
pub fn replace_durably(path: &Path, text: &str) -> Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".new");
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&next, path)?;
    sync_directory_of(path)
}
