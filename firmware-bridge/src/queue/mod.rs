//! What was read and is not yet with the daemon, on the disk.
//!
//! Records are appended to segments and numbered from 1; a number is never given twice, whatever was lost. [`Queue::append`] returns when
//! they are on the disk, and only then may whoever sent them be told. What the daemon has acknowledged stays as long as there is room in
//! half of the bound, so that a daemon that was set back to an older state can have it again; it goes a segment at a time, the oldest
//! first. When the bound is reached nothing is taken any more until the daemon has acknowledged something.
//!
//! *Invariants:* nothing acknowledged is lost by a torn end of a segment; damage costs the damaged records only, and is reported with its
//! place; after a sync that failed nothing is tried again on the same file, because what the disk then holds is not known.

mod disk;
mod frame;
mod reader;
mod recovery;
mod segment;

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use disk::{Disk, HostDisk, Output, replace, replace_durably};
pub use frame::LONGEST_PAYLOAD;
pub use reader::Reader;
pub use recovery::{Loss, LossKind, Recovery};

use segment::{Name, Segment};

/// The smallest bound: several of the smallest segments, bytes.
pub const SMALLEST_BOUND: u64 = 256 * 1024;

/// A segment is this part of the bound, within limits: whole segments are deleted, so there must be several.
const SEGMENTS_IN_BOUND: u64 = 16;
const SMALLEST_SEGMENT: u64 = 16 * 1024;
const LARGEST_SEGMENT: u64 = 1024 * 1024;

/// How often it is written down how far the daemon has acknowledged; after a crash what came since is sent once more.
const POSITION_INTERVAL: Duration = Duration::from_secs(1);

/// Held while a bridge uses the directory.
const LOCK: &str = "lock";

/// Why a queue cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another bridge has it.
    #[error("{0} is in use by another bridge; stop that one, or give this one a state_directory of its own")]
    InUse(PathBuf),
    /// The disk.
    #[error("cannot use {path}: {source}")]
    Disk {
        /// What.
        path: PathBuf,
        /// Why.
        source: Error,
    },
}

/// Why records were not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The bound is reached; there is room again when the daemon has acknowledged.
    #[error("the queue is full: the daemon has to acknowledge something first")]
    Full,
    /// The disk is full; there may be room again.
    #[error("the disk is full: {0}")]
    NoSpace(Error),
    /// The disk failed, and what it holds of these records is not known: end the program, and read the queue again.
    #[error("the disk failed: {0}")]
    Failed(Error),
}

/// Appends; there is one of it.
pub struct Queue {
    directory: PathBuf,
    disk: Box<dyn Disk>,
    bound: u64,
    active: Option<Active>,
    shared: Arc<Shared>,
    /// A sync has failed: see [`AppendError::Failed`].
    has_failed: bool,
    _lock: File,
}

struct Active {
    output: Box<dyn Output>,
    path: PathBuf,
    length: u64,
}

/// What the one who appends and those who read and acknowledge share.
pub(crate) struct Shared {
    index: Mutex<Index>,
    /// Woken when there may be room.
    room: Condvar,
}

pub(crate) struct Index {
    directory: PathBuf,
    /// In the order of their records.
    segments: Vec<Segment>,
    /// Of all segments.
    bytes: u64,
    bound: u64,
    acknowledged: u64,
    /// The number of the last record that is here, or that the daemon has.
    newest: u64,
    /// The number of the next record.
    next: u64,
    position_written: Option<Instant>,
}

/// How a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number of the last record; 0 before the first.
    pub last: u64,
    /// The daemon has everything up to this number.
    pub acknowledged: u64,
    /// The number of the oldest record that is still here; one more than `last` where there is none.
    pub first: u64,
    /// Bytes on the disk.
    pub bytes: u64,
    /// The most bytes.
    pub bound: u64,
}

impl Status {
    /// How many records the daemon does not have, at most.
    pub const fn waiting(&self) -> u64 {
        self.last - self.acknowledged
    }
}

/// A way to see the queue and to acknowledge; clones share it.
#[derive(Clone)]
pub struct Backlog(Arc<Shared>);

impl Queue {
    /// Opens the queue in a directory, which is made if it is not there, and says what was found damaged.
    pub fn open(directory: &Path, bound: u64, disk: Box<dyn Disk>) -> Result<(Self, Recovery), OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Disk { path, source }
        };
        std::fs::create_dir_all(directory).map_err(failed(directory))?;
        let lock_path = directory.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(directory.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(&lock_path)(error)),
        }
        let recovery::Recovered {
            segments,
            position,
            newest,
            recovery,
        } = recovery::recover(directory).map_err(failed(directory))?;
        let bound = bound.max(SMALLEST_BOUND);
        let index = Index {
            directory: directory.to_owned(),
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segments,
            bound,
            acknowledged: position.acknowledged,
            newest,
            next: position.next,
            position_written: None,
        };
        let shared = Arc::new(Shared {
            index: Mutex::new(index),
            room: Condvar::new(),
        });
        let queue = Self {
            directory: directory.to_owned(),
            disk,
            bound,
            active: None,
            shared,
            has_failed: false,
            _lock: lock,
        };
        Ok((queue, recovery))
    }

    /// What others need of it.
    pub fn backlog(&self) -> Backlog {
        Backlog(Arc::clone(&self.shared))
    }

    /// Appends records and makes them durable together; returns their numbers. A record that is longer than [`LONGEST_PAYLOAD`] is
    /// the caller's to refuse.
    pub fn append(&mut self, payloads: &[impl AsRef<str>]) -> Result<RangeInclusive<u64>, AppendError> {
        if self.has_failed {
            let again = Error::other("a sync failed before; what the disk holds is not known");
            return Err(AppendError::Failed(again));
        }
        let (first, mut bytes) = (self.shared.lock().next, Vec::new());
        let mut number = first;
        for payload in payloads {
            frame::encode(number, payload.as_ref(), &mut bytes);
            number += 1;
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if !self.shared.lock().make_room(length, self.active_path()) {
            return Err(AppendError::Full);
        }
        let written = self.write(first, &bytes);
        if matches!(written, Err(AppendError::Failed(_))) {
            self.has_failed = true;
        }
        written?;
        let mut index = self.shared.lock();
        (index.newest, index.next) = (number - 1, number);
        index.bytes += length;
        if let Some(segment) = index.segments.last_mut() {
            segment.last = number - 1;
            segment.bytes += length;
        }
        Ok(first..=number - 1)
    }

    fn active_path(&self) -> Option<&Path> {
        self.active.as_ref().map(|active| active.path.as_path())
    }

    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), AppendError> {
        let segment_bytes = (self.bound / SEGMENTS_IN_BOUND).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT);
        let mut active = match self.active.take() {
            Some(active) if active.length < segment_bytes => active,
            Some(_) | None => self.begin(first)?,
        };
        let appended = active.output.append(bytes);
        match appended {
            Ok(()) => {}
            Err(error) if is_no_space(&error) => {
                // What part of it was written is taken back; if even that fails the file is left alone for ever.
                active.output.cut(active.length).map_err(AppendError::Failed)?;
                self.active = Some(active);
                return Err(AppendError::NoSpace(error));
            }
            Err(error) => return Err(AppendError::Failed(error)),
        }
        active.output.sync().map_err(AppendError::Failed)?;
        active.length += u64::try_from(bytes.len()).unwrap_or(0);
        self.active = Some(active);
        Ok(())
    }

    /// A new segment, whose first record has this number.
    fn begin(&mut self, first: u64) -> Result<Active, AppendError> {
        let mut index = self.shared.lock();
        let name = Name {
            first,
            after: index.newest,
        };
        let path = self.directory.join(name.file());
        let output = self.disk.create(&path).map_err(|error| {
            if is_no_space(&error) {
                AppendError::NoSpace(error)
            } else {
                AppendError::Failed(error)
            }
        })?;
        index.segments.push(Segment {
            path: path.clone(),
            first,
            last: first - 1,
            bytes: 0,
        });
        Ok(Active {
            output,
            path,
            length: 0,
        })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Index> {
        // Nothing that holds the lock can leave it half-changed, so a panic elsewhere does not make its value wrong.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    /// Deletes acknowledged segments, the oldest first, until there is room; whether there is.
    fn make_room(&mut self, length: u64, active: Option<&Path>) -> bool {
        while self.bytes + length > self.bound && self.delete_oldest(active) {}
        self.bytes + length <= self.bound
    }

    /// Deletes the oldest segment if the daemon has all of it.
    fn delete_oldest(&mut self, active: Option<&Path>) -> bool {
        let Some(oldest) = self.segments.first() else {
            return false;
        };
        if oldest.last > self.acknowledged || Some(oldest.path.as_path()) == active {
            return false;
        }
        // First it is written down that the daemon has it: a missing segment that nobody has acknowledged would be reported as lost.
        let (path, bytes) = (oldest.path.clone(), oldest.bytes);
        if self.write_position().is_err() {
            return false;
        }
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(event = "queue.segment_stays", file = %path.display(), %error);
            return false;
        }
        self.segments.remove(0);
        self.bytes -= bytes;
        true
    }

    /// Bytes of segments that the daemon has all of.
    fn acknowledged_bytes(&self) -> u64 {
        let acknowledged = self.segments.iter().filter(|segment| segment.last <= self.acknowledged);
        acknowledged.map(|segment| segment.bytes).sum()
    }

    fn write_position(&mut self) -> Result<(), Error> {
        let position = recovery::Position {
            acknowledged: self.acknowledged,
            next: self.next,
        };
        let written = position.write(&self.directory);
        if let Err(error) = &written {
            tracing::warn!(event = "queue.position_unwritten", %error);
        }
        self.position_written = Some(Instant::now());
        written
    }
}

fn is_no_space(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

impl Backlog {
    /// How the queue is.
    pub fn status(&self) -> Status {
        let index = self.0.lock();
        Status {
            last: index.newest,
            acknowledged: index.acknowledged,
            first: index.segments.first().map_or(index.newest + 1, |segment| segment.first),
            bytes: index.bytes,
            bound: index.bound,
        }
    }

    /// A reader of the records, from the oldest on.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.0))
    }

    /// The daemon has everything up to a number.
    pub fn acknowledge(&self, through: u64) {
        let mut index = self.0.lock();
        let through = through.min(index.newest);
        if through <= index.acknowledged {
            return;
        }
        index.acknowledged = through;
        let due = index
            .position_written
            .is_none_or(|at| at.elapsed() >= POSITION_INTERVAL);
        if due {
            // Where that fails it is said in the log, and a crash means that more is sent twice.
            let _: Result<(), Error> = index.write_position();
        }
        let half = index.bound / 2;
        let is_active = |index: &Index| index.segments.len() < 2;
        while !is_active(&index) && index.acknowledged_bytes() > half && index.delete_oldest(None) {}
        drop(index);
        self.0.room.notify_all();
    }

    /// Writes down how far the daemon has acknowledged.
    pub fn settle(&self) -> Result<(), Error> {
        self.0.lock().write_position()
    }

    /// No record gets this number or a smaller one from now on: the daemon has such records already, because the queue was set back.
    pub fn skip(&self, through: u64) {
        let mut index = self.0.lock();
        index.next = index.next.max(through.saturating_add(1));
    }

    /// Waits until something was acknowledged, or for so long.
    pub fn wait_for_room(&self, patience: Duration) {
        let index = self.0.lock();
        drop(
            self.0
                .room
                .wait_timeout(index, patience)
                .map_err(PoisonError::into_inner),
        );
    }
}

#[cfg(test)]
mod tests;
