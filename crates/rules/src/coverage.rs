//! No evidence is not evidence: which readers could have shown what was not seen, and whether they were down.

use alloc::vec;
use alloc::vec::Vec;

use crate::deadline::Deadline;
use crate::facts::SiteFacts;
use crate::model::{Facing, Pairing, PlaceIndex, ReaderIndex, SiteRecords};
use crate::time::{Instant, Interval, IntervalSet, Span};

/// A time in which a reader stood at one place and could not be heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutagePiece {
    pub(crate) reader: ReaderIndex,
    place: PlaceIndex,
    faces: Facing,
    interval: Interval,
    /// The outage as a whole.
    pub(crate) down_from: Instant,
    pub(crate) down_until: Option<Instant>,
}

/// Which readers could have shown something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watching {
    /// At office places.
    Offices,
    /// At one place, as far as its pairing listens to them.
    Place(PlaceIndex),
}

/// Which way such readers face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Towards {
    /// `in` or `both`.
    In,
    /// `out` or `both`.
    Out,
    /// Any.
    Any,
}

/// What a finding rests on not having been seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unseen {
    pub(crate) watching: Watching,
    pub(crate) towards: Towards,
    pub(crate) interval: Interval,
}

/// Whether something unseen would have been seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt {
    /// Which readers were down, and since when.
    pub(crate) readers: Vec<(ReaderIndex, Instant)>,
    /// Whether a reader has just gone down and the outage will count if it lasts: nothing is final meanwhile.
    pub(crate) pending: bool,
}

pub(crate) fn outage_pieces(records: &SiteRecords) -> Vec<OutagePiece> {
    let mut pieces = Vec::new();
    for outage in &records.outages {
        let until = outage.down_until.unwrap_or(Instant::from_ms(i64::MAX));
        let counts = until - outage.down_from >= records.site.settings_at(outage.down_from).coverage_tolerance;
        let stands = &records.readers[outage.reader.at()].stands;
        for stand in stands.iter().filter(|_| counts) {
            let mut stood =
                IntervalSet::from_interval(stand.interval.intersect(Interval::new(outage.down_from, until)));
            stands
                .iter()
                .filter(|later| later.interval.from > stand.interval.from)
                .for_each(|later| stood.subtract(later.interval));
            pieces.extend(stood.intervals().iter().map(|interval| OutagePiece {
                reader: outage.reader,
                place: stand.place,
                faces: stand.faces,
                interval: *interval,
                down_from: outage.down_from,
                down_until: outage.down_until,
            }));
        }
    }
    pieces.sort_by_key(|piece| (piece.interval.from, piece.reader));
    pieces
}

pub(crate) fn over_by(pieces: &[OutagePiece]) -> Vec<Instant> {
    let mut latest = Instant::from_ms(i64::MIN);
    let over = pieces.iter().map(|piece| {
        latest = latest.max(piece.interval.until);
        latest
    });
    over.collect()
}

pub(crate) fn places_with_outward_reader(records: &SiteRecords) -> Vec<bool> {
    let mut has = vec![false; records.places.len()];
    for stand in records.readers.iter().flat_map(|reader| &reader.stands) {
        has[stand.place.at()] |= stand.faces == Facing::Out;
    }
    has
}

impl SiteFacts {
    /// Whether readers that could have shown it were down.
    pub(crate) fn doubt(&self, unseen: &[Unseen], now: Instant) -> Doubt {
        let mut doubt = Doubt::default();
        for unseen in unseen {
            for piece in self
                .outages_meeting(unseen.interval)
                .filter(|piece| self.watches(piece, unseen))
            {
                let told = (piece.reader, piece.down_from);
                if self.counts(piece, now) {
                    if !doubt.readers.contains(&told) {
                        doubt.readers.push(told);
                    }
                } else {
                    doubt.pending = true;
                }
            }
        }
        doubt.readers.sort_unstable();
        doubt
    }

    /// The outage that began then.
    pub(crate) fn down_until(&self, reader: ReaderIndex, down_from: Instant) -> Option<Instant> {
        self.outages
            .iter()
            .find(|piece| piece.reader == reader && piece.down_from == down_from)
            .and_then(|piece| piece.down_until)
    }

    /// Makes every edge of an outage in `interval` a deadline, and when an open one becomes long enough to count.
    pub(crate) fn consider_outages(&self, interval: Interval, deadline: &mut Deadline) {
        let settings = &self.records().site.settings;
        let longest = settings.iter().map(|edition| edition.coverage_tolerance).max();
        for piece in self.outages_meeting(Interval::new(
            interval.from.max(deadline.now() - longest.unwrap_or(Span::ZERO)),
            interval.until,
        )) {
            for edge in [piece.interval.from, piece.interval.until]
                .into_iter()
                .filter(|edge| *edge < interval.until)
            {
                deadline.consider(edge);
                deadline.consider(edge.next());
            }
            if piece.down_until.is_none() {
                deadline.consider(piece.down_from + self.coverage_tolerance_of(piece));
            }
        }
    }

    /// Whether any reader was down for long enough to count, or may have been, at any time of an interval.
    pub(crate) fn has_outage_in(&self, interval: Interval) -> bool {
        self.outages_meeting(interval).next().is_some()
    }

    fn outages_meeting(&self, interval: Interval) -> impl Iterator<Item = &OutagePiece> {
        let over = self.outages_over_by.partition_point(|until| *until <= interval.from);
        let candidates = self.outages[over..]
            .iter()
            .take_while(move |piece| piece.interval.from < interval.until);
        candidates.filter(move |piece| piece.interval.meets(interval))
    }

    /// An outage that is still going on counts once it is long enough; before that nobody knows.
    fn counts(&self, piece: &OutagePiece, now: Instant) -> bool {
        piece.down_until.is_some() || now - piece.down_from >= self.coverage_tolerance_of(piece)
    }

    fn coverage_tolerance_of(&self, piece: &OutagePiece) -> Span {
        self.records().site.settings_at(piece.down_from).coverage_tolerance
    }

    fn watches(&self, piece: &OutagePiece, unseen: &Unseen) -> bool {
        let placed = match unseen.watching {
            Watching::Offices => self.is_office(piece.place),
            Watching::Place(place) => {
                let ignored =
                    piece.faces == Facing::Both && self.records().places[place.at()].pairing == Pairing::Directed;
                piece.place == place && !ignored
            }
        };
        let facing = match unseen.towards {
            Towards::In => piece.faces != Facing::Out,
            Towards::Out => piece.faces != Facing::In,
            Towards::Any => true,
        };
        placed && facing
    }
}
