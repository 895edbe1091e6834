//! Reading the queue in order, while it is being appended to.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use super::Shared;
use super::frame::{HEADER, LONGEST_PAYLOAD, Piece, pieces};
use super::segment::Segment;

/// Bytes of one read: room for the longest frame.
const CHUNK: usize = 128 * 1024;

/// Reads records in the order of their numbers.
pub struct Reader {
    shared: Arc<Shared>,
    /// Where the record after the last one that was read begins.
    place: Option<Place>,
}

struct Place {
    number: u64,
    path: PathBuf,
    offset: u64,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, place: None }
    }

    /// The records after a number, with their numbers, as many as there are up to these limits, but at least one.
    pub fn after(&mut self, number: u64, most: usize, most_bytes: usize) -> Result<Vec<(u64, String)>> {
        let segments: Vec<Segment> = {
            let index = self.shared.lock();
            let later = index.segments.iter().filter(|segment| segment.last > number);
            later.cloned().collect()
        };
        let mut taken = Taken {
            records: Vec::new(),
            bytes: 0,
            most,
            most_bytes,
            last: number,
        };
        for segment in segments {
            let known = self
                .place
                .take()
                .filter(|place| place.path == segment.path && place.number == taken.last);
            let mut offset = known.map_or(0, |place| place.offset);
            let is_full = read_segment(&segment, &mut offset, &mut taken)?;
            self.place = Some(Place {
                number: taken.last,
                path: segment.path,
                offset,
            });
            if is_full {
                break;
            }
        }
        Ok(taken.records)
    }
}

struct Taken {
    records: Vec<(u64, String)>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
    last: u64,
}

impl Taken {
    /// Takes a record, unless there is no room for it.
    fn take(&mut self, number: u64, payload: &str) -> bool {
        let is_full = self.records.len() >= self.most || self.bytes + payload.len() > self.most_bytes;
        if is_full && !self.records.is_empty() {
            return false;
        }
        self.bytes += payload.len();
        self.last = number;
        self.records.push((number, payload.to_owned()));
        true
    }
}

/// Reads on in a segment from an offset, which is moved behind what was taken; whether the limits were reached.
fn read_segment(segment: &Segment, offset: &mut u64, taken: &mut Taken) -> Result<bool> {
    let mut file = File::open(&segment.path)?;
    while *offset < segment.bytes {
        let rest = usize::try_from(segment.bytes - *offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; rest.min(CHUNK)];
        file.seek(SeekFrom::Start(*offset))?;
        file.read_exact(&mut bytes)?;
        let is_end = rest <= CHUNK;
        let mut passed = 0;
        for piece in pieces(&bytes) {
            match piece {
                Piece::Record(_, frame) if frame.number > taken.last => {
                    if !taken.take(frame.number, frame.payload) {
                        *offset += as_u64(passed);
                        return Ok(true);
                    }
                    passed += frame.length;
                }
                Piece::Record(_, frame) => passed += frame.length,
                Piece::Damage(range) => passed = range.end,
                Piece::Tail(range) if is_end => passed = range.end,
                // The chunk ends inside a frame, which the next chunk begins with; or there is none in all of it.
                Piece::Tail(range) => passed = range.start.max(range.end.saturating_sub(HEADER + LONGEST_PAYLOAD)),
            }
        }
        *offset += as_u64(passed);
    }
    Ok(false)
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
