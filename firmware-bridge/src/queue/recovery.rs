//! What is there after a start: which records, and what was lost.

use std::fmt;
use std::io::Result;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::replace;
use super::frame::{HEADER, Piece, pieces};
use super::segment::{Name, Segment};

/// What a start found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records that are there, those that the daemon has included.
    pub records: u64,
    /// What was found damaged or missing.
    pub losses: Vec<Loss>,
}

/// A place of the disk where records were and are no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What happened.
    pub kind: LossKind,
    /// The file; of a missing one, that which comes after it.
    pub file: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// How many bytes are no record.
    pub bytes: u64,
    /// The numbers that are missing; `None` where that cannot be known.
    pub numbers: Option<RangeInclusive<u64>>,
    /// Whether the daemon has said that it has all of them.
    pub is_acknowledged: bool,
}

/// What happened to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// Bytes between records are none.
    Damaged,
    /// A segment is not there.
    Missing,
    /// Bytes at the very end are no record: one was being written when the power failed, and was acknowledged to nobody; or, which
    /// cannot be told from that, the last one is damaged.
    Unfinished,
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, offset, bytes) = (self.file.display(), self.offset, self.bytes);
        match self.kind {
            LossKind::Damaged => write!(formatter, "{file}: {bytes} bytes from {offset} on are damaged")?,
            LossKind::Missing => write!(formatter, "{file}: the segment before it is missing")?,
            LossKind::Unfinished => write!(
                formatter,
                "{file}: the last {bytes} bytes, from {offset} on, are no whole record: one was being written when the power failed \
                 and was acknowledged to nobody, or the last one is damaged"
            )?,
        }
        match (&self.numbers, self.is_acknowledged) {
            (None, _) => Ok(()),
            (Some(numbers), true) => write!(
                formatter,
                "; the daemon has the records {} to {}",
                numbers.start(),
                numbers.end()
            ),
            (Some(numbers), false) => write!(
                formatter,
                "; the records {} to {} are lost",
                numbers.start(),
                numbers.end()
            ),
        }
    }
}

/// How far the daemon has acknowledged, and which number is next.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Everything up to this.
    pub acknowledged: u64,
    /// The number of the next record.
    pub next: u64,
}

const POSITION: &str = "position";

impl Position {
    fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join(POSITION)).ok()?;
        // A power failure can leave it empty or half: the records themselves then say which number is next.
        serde_json::from_str(&text).ok()
    }

    /// Writes it down.
    pub fn write(self, directory: &Path) -> Result<()> {
        let text = serde_json::to_string(&self)?;
        replace(&directory.join(POSITION), &text)
    }
}

/// What is in a directory.
pub struct Recovered {
    /// In the order of their records.
    pub segments: Vec<Segment>,
    /// Where to go on.
    pub position: Position,
    /// The number of the last record that is here, or that the daemon has.
    pub newest: u64,
    /// What is to be told of it.
    pub recovery: Recovery,
}

/// Reads all segments of a directory.
pub fn recover(directory: &Path) -> Result<Recovered> {
    let noted = Position::read(directory);
    let mut all = Vec::new();
    for (name, path) in names(directory)? {
        all.push(Found::read(name, path));
    }
    all.sort_by_key(|found| (found.segment.first, found.name.first));
    let acknowledged = noted.map_or(0, |noted| noted.acknowledged);
    let mut newest = noted.map_or_else(
        || all.first().map_or(0, |found| found.name.after),
        |noted| noted.acknowledged,
    );
    let mut next = noted.map_or(1, |noted| noted.next);
    let (mut records, mut losses) = (0, Vec::new());
    let afters = all.iter().skip(1).map(|found| Some(found.name.after)).chain([None]);
    for (found, following) in all.iter().zip(afters.collect::<Vec<_>>()) {
        // A copy under another name holds records that are older than its name says.
        if found.name.after > newest && found.segment.first == found.name.first {
            losses.push(Loss {
                kind: LossKind::Missing,
                numbers: Some(newest + 1..=found.name.after),
                ..found.loss(0..0)
            });
        }
        losses.extend(found.losses(following));
        records += found.records;
        newest = newest.max(found.segment.last);
        if found.tail.is_some() {
            // What its damaged end held has been told.
            newest = newest.max(following.unwrap_or(0));
        }
        // The end that is cut off may have been records, whose numbers the daemon may know: each has a header.
        let unread = found.tail.as_ref().map_or(0, |tail| tail.len() / HEADER + 1);
        next = next
            .max(found.segment.last + 1 + as_u64(unread))
            .max(found.name.first + 1);
    }
    for loss in &mut losses {
        loss.is_acknowledged = loss
            .numbers
            .as_ref()
            .is_some_and(|numbers| *numbers.end() <= acknowledged);
    }
    Ok(Recovered {
        segments: all.into_iter().map(|found| found.segment).collect(),
        position: Position {
            acknowledged,
            next: next.max(newest + 1),
        },
        newest,
        recovery: Recovery { records, losses },
    })
}

/// The segments of a directory; other files are left alone.
fn names(directory: &Path) -> Result<Vec<(Name, PathBuf)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(Name::of) {
            names.push((name, entry.path()));
        }
    }
    Ok(names)
}

/// A segment as it was found.
struct Found {
    name: Name,
    segment: Segment,
    records: u64,
    /// Damage, and the numbers of the records before and after it.
    damages: Vec<(Range<usize>, u64, u64)>,
    tail: Option<Range<usize>>,
}

impl Found {
    fn read(name: Name, path: PathBuf) -> Self {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| {
            tracing::error!(event = "queue.segment_unreadable", file = %path.display(), %error);
            // Whatever it held counts as damaged; the other segments do not suffer for it.
            vec![0; std::fs::metadata(&path).map_or(0, |file| usize::try_from(file.len()).unwrap_or(0))]
        });
        let mut found = Self {
            name,
            segment: Segment {
                path,
                first: name.first,
                last: name.first - 1,
                bytes: as_u64(bytes.len()),
            },
            records: 0,
            damages: Vec::new(),
            tail: None,
        };
        let mut damage = None;
        for piece in pieces(&bytes) {
            match piece {
                Piece::Damage(range) => damage = Some(range),
                Piece::Tail(range) => found.tail = Some(range),
                Piece::Record(_, frame) => {
                    if let Some(range) = damage.take() {
                        found.damages.push((range, found.segment.last, frame.number));
                    }
                    if found.records == 0 {
                        found.segment.first = frame.number.min(name.first);
                    }
                    found.segment.last = found.segment.last.max(frame.number);
                    found.records += 1;
                }
            }
        }
        found
    }

    fn loss(&self, range: Range<usize>) -> Loss {
        Loss {
            kind: LossKind::Damaged,
            file: self.segment.path.clone(),
            offset: as_u64(range.start),
            bytes: as_u64(range.len()),
            numbers: None,
            is_acknowledged: false,
        }
    }

    /// What was lost in it; `following` is the last record that was there when the next segment was begun.
    fn losses(&self, following: Option<u64>) -> Vec<Loss> {
        let damaged = self.damages.iter().map(|(range, before, after)| Loss {
            numbers: (before + 1 < *after).then(|| before + 1..=after - 1),
            ..self.loss(range.clone())
        });
        let end = self.tail.clone().and_then(|range| match following {
            None => Some(Loss {
                kind: LossKind::Unfinished,
                ..self.loss(range)
            }),
            // A torn end that a later start found, and said so, is no news.
            Some(after) => (after > self.segment.last).then(|| Loss {
                numbers: Some(self.segment.last + 1..=after),
                ..self.loss(range)
            }),
        });
        damaged.chain(end).collect()
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
