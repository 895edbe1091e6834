//! Instants, lengths, half-open intervals, and the one function that turns a civil time into an instant.

use core::ops::{Add, Range, Sub};

use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use smallvec::SmallVec;

/// A UTC instant with millisecond precision: milliseconds since 1970-01-01T00:00:00Z. Finer parts are cut off on entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A length of time in milliseconds; negative only as an intermediate result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Instant {
    /// The instant that many milliseconds after the epoch.
    pub const fn from_ms(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The instant as chrono's type; an instant outside chrono's range saturates.
    pub fn to_utc(self) -> DateTime<Utc> {
        let bound = if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        };
        DateTime::from_timestamp_millis(self.0).unwrap_or(bound)
    }

    /// The first instant after this one, for comparisons that are strict.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length in milliseconds.
    pub const fn from_ms(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// A length in seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }

    /// A length in minutes.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self(minutes * 60_000)
    }

    /// Milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Minutes for show, rounded up, so that nothing that counts ever shows as 0.
    pub const fn shown_minutes(self) -> i64 {
        (self.0 + 59_999) / 60_000
    }
}

impl Add<Span> for Instant {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Instant {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Instant {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Everything from `from` up to but without `until`; empty when `until <= from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// The first instant inside.
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
}

impl Interval {
    /// `[from, until)`.
    pub const fn new(from: Instant, until: Instant) -> Self {
        Self { from, until }
    }

    /// Whether nothing lies inside.
    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    /// Whether `at` lies inside.
    pub fn contains(self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether the two share an instant.
    pub fn meets(self, other: Self) -> bool {
        self.from < other.until && other.from < self.until && !self.is_empty() && !other.is_empty()
    }

    /// The part that both share; possibly empty.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
        }
    }

    /// How long it is; zero when empty.
    pub fn length(self) -> Span {
        if self.is_empty() {
            Span::ZERO
        } else {
            self.until - self.from
        }
    }
}

/// A set of instants as sorted, disjoint, non-empty intervals that do not touch. Nearly all have one piece or two, which need no
/// memory of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntervalSet(SmallVec<[Interval; 2]>);

impl IntervalSet {
    /// The set of the instants of one interval.
    pub fn from_interval(interval: Interval) -> Self {
        Self([interval].into_iter().filter(|piece| !piece.is_empty()).collect())
    }

    /// Its intervals in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.0
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes `interval` out.
    pub fn subtract(&mut self, interval: Interval) {
        if self.0.iter().all(|kept| !kept.meets(interval)) {
            return;
        }
        let met = self.met_by(interval);
        let (Some(first), Some(last)) = (self.0.get(met.start), self.0[met.clone()].last()) else {
            return;
        };
        let left = [
            Interval::new(first.from, interval.from),
            Interval::new(interval.until, last.until),
        ];
        self.0.drain(met.clone());
        self.0
            .insert_many(met.start, left.into_iter().filter(|piece| !piece.is_empty()));
    }

    /// The positions of its intervals that share an instant with a non-empty `window`.
    fn met_by(&self, window: Interval) -> Range<usize> {
        let first = self.0.partition_point(|kept| kept.until <= window.from);
        let count = self.0[first..].partition_point(|kept| kept.from < window.until);
        first..first + count
    }

    /// Puts `interval` in.
    pub fn insert(&mut self, interval: Interval) {
        if interval.is_empty() {
            return;
        }
        let mut merged = interval;
        self.0.retain(|kept| {
            let apart = kept.until < merged.from || merged.until < kept.from;
            if !apart {
                merged = Interval::new(merged.from.min(kept.from), merged.until.max(kept.until));
            }
            apart
        });
        let at = self.0.partition_point(|kept| kept.from < merged.from);
        self.0.insert(at, merged);
    }

    /// Its first instant.
    pub fn start(&self) -> Option<Instant> {
        self.0.first().map(|first| first.from)
    }

    /// The first instant after all of it.
    pub fn end(&self) -> Option<Instant> {
        self.0.last().map(|last| last.until)
    }

    /// The first instant at which what lies between `from` and it is longer than `limit`, or `None` if it never is: comparisons
    /// are strict, so this is one millisecond after the limit was reached.
    pub fn exceeds_at(&self, from: Instant, limit: Span) -> Option<Instant> {
        let mut left = limit;
        for kept in &self.0 {
            let part = kept.intersect(Interval::new(from, kept.until));
            if part.length() > left {
                return Some((part.from + left).next());
            }
            left = left - part.length();
        }
        None
    }

    /// The first instant from which what lies between it and `until` is no longer than `limit`, or `None` if that is never longer.
    pub fn exceeds_before(&self, until: Instant, limit: Span) -> Option<Instant> {
        let mut left = limit;
        for kept in self.0.iter().rev() {
            let part = kept.intersect(Interval::new(kept.from, until));
            if part.length() > left {
                return Some(part.until - left);
            }
            left = left - part.length();
        }
        None
    }

    /// How much of it lies inside `window`.
    pub fn length_within(&self, window: Interval) -> Span {
        if let [only] = self.0[..] {
            return only.intersect(window).length();
        }
        self.0[self.met_by(window)]
            .iter()
            .fold(Span::ZERO, |sum, kept| sum + kept.intersect(window).length())
    }
}

/// A time of day relative to a date, in minutes from that date's midnight: `08:30` is 510, `06:00+1` is 1800,
/// `22:00-1` is -120. From -1440 up to but without 2880.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilTime(i32);

impl CivilTime {
    /// 00:00.
    pub const MIDNIGHT: Self = Self(0);
    /// 12:00, where half holidays begin or end.
    pub const NOON: Self = Self(720);

    /// The time that many minutes from the date's midnight, or `None` outside `-1440..2880`.
    pub fn from_minutes(minutes: i32) -> Option<Self> {
        (-1440..2880).contains(&minutes).then_some(Self(minutes))
    }

    /// Minutes from the date's midnight.
    pub const fn as_minutes(self) -> i32 {
        self.0
    }
}

/// The instant of a civil time on a date in a zone. In a gap (clocks go forward) the time moves forward by the gap's
/// length; in a fold (clocks go back) the earlier instant is taken.
pub fn instant_of(date: NaiveDate, time: CivilTime, zone: Tz) -> Instant {
    let midnight = date.and_time(NaiveTime::MIN);
    civil_instant(
        midnight
            .checked_add_signed(TimeDelta::minutes(i64::from(time.0)))
            .unwrap_or(midnight),
        zone,
    )
}

/// The instant of a civil date and time in a zone, gaps and folds as in [`instant_of`].
pub fn civil_instant(local: NaiveDateTime, zone: Tz) -> Instant {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Instant::from(at.with_timezone(&Utc)),
        // In a gap the offset that held before it maps the civil time to the instant that far after the gap's start.
        MappedLocalTime::None => {
            let day_before = local.checked_sub_days(Days::new(1)).unwrap_or(local);
            let offset = zone.offset_from_utc_datetime(&day_before).fix();
            Instant::from_ms(local.and_utc().timestamp_millis() - i64::from(offset.local_minus_utc()) * 1_000)
        }
    }
}

/// The date that a zone's clocks show at an instant. Instants outside the years 1 to 9999 count as their first or last.
pub fn local_date(at: Instant, zone: Tz) -> NaiveDate {
    const YEAR_1: Instant = Instant::from_ms(-62_135_596_800_000);
    const YEAR_9999: Instant = Instant::from_ms(253_402_214_400_000);
    at.clamp(YEAR_1, YEAR_9999).to_utc().with_timezone(&zone).date_naive()
}

/// A date's civil times as instants: [`instant_of`], made quick where no clock changes near the date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayClock {
    pub(crate) date: NaiveDate,
    zone: Tz,
    /// The date's midnight, where the zone's offset is the same from the day before to the day after the next.
    steady_midnight: Option<Instant>,
}

/// The clocks of dates near each other: whether they change is asked once for all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayClocks {
    first: NaiveDate,
    last: NaiveDate,
    zone: Tz,
    /// The zone's offset in milliseconds, where it is the same around the dates.
    steady_offset: Option<i64>,
}

impl DayClocks {
    /// The clocks of the dates from `first` to `last`.
    pub(crate) fn new(first: NaiveDate, last: NaiveDate, zone: Tz) -> Self {
        // From 2020 to 2039 no zone changes its clocks and changes them back within so few days.
        const FEW_DAYS: i64 = 14;
        let steady_offset = if last.signed_duration_since(first).num_days() <= FEW_DAYS {
            steady_offset(first, last, zone)
        } else {
            None
        };
        Self {
            first,
            last,
            zone,
            steady_offset,
        }
    }

    pub(crate) fn of(&self, date: NaiveDate) -> DayClock {
        let near = self.first <= date && date <= self.last;
        match self.steady_offset.filter(|_| near) {
            Some(offset) => DayClock {
                date,
                zone: self.zone,
                steady_midnight: Some(midnight_at(date, offset)),
            },
            None => DayClock::new(date, self.zone),
        }
    }
}

/// The offset in milliseconds of a zone whose clocks are not seen to change as far as the civil times of the dates reach: those
/// reach from a day before to two days after; zones are at most 14 h from UTC.
fn steady_offset(first: NaiveDate, last: NaiveDate, zone: Tz) -> Option<i64> {
    let offset_at = |date: Option<NaiveDate>| {
        let at = date?.and_time(NaiveTime::MIN);
        Some(i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc()) * 1_000)
    };
    let before = offset_at(first.checked_sub_days(Days::new(2)))?;
    let after = offset_at(last.checked_add_days(Days::new(3)))?;
    (before == after).then_some(before)
}

fn midnight_at(date: NaiveDate, offset: i64) -> Instant {
    Instant::from_ms(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis() - offset)
}

impl DayClock {
    pub(crate) fn new(date: NaiveDate, zone: Tz) -> Self {
        Self {
            date,
            zone,
            steady_midnight: steady_offset(date, date, zone).map(|offset| midnight_at(date, offset)),
        }
    }

    pub(crate) fn at(&self, time: CivilTime) -> Instant {
        match self.steady_midnight {
            Some(midnight) => midnight + Span::from_minutes(i64::from(time.0)),
            None => instant_of(self.date, time, self.zone),
        }
    }

    pub(crate) fn midnight(&self) -> Instant {
        self.at(CivilTime::MIDNIGHT)
    }

    pub(crate) fn noon(&self) -> Instant {
        self.at(CivilTime::NOON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &str, minutes: i32, zone: Tz) -> DateTime<Utc> {
        let date = date.parse().expect("a date");
        instant_of(date, CivilTime::from_minutes(minutes).expect("in range"), zone).to_utc()
    }

    #[test]
    fn a_gap_moves_forward_and_a_fold_takes_the_earlier() {
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(
            at("2026-03-29", 150, berlin).to_rfc3339(),
            "2026-03-29T01:30:00+00:00",
            "02:30 does not exist, 03:30 CEST does"
        );
        assert_eq!(
            at("2026-10-25", 150, berlin).to_rfc3339(),
            "2026-10-25T00:30:00+00:00",
            "the first 02:30, still CEST"
        );
        assert_eq!(
            at("2026-09-16", 510, chrono_tz::Asia::Shanghai).to_rfc3339(),
            "2026-09-16T00:30:00+00:00"
        );
        assert_eq!(
            at("2026-09-16", 1440 + 360, chrono_tz::Asia::Shanghai).to_rfc3339(),
            "2026-09-16T22:00:00+00:00"
        );
    }

    #[test]
    fn minutes_for_show_round_up() {
        let shown = [0, 1, 59_999, 60_000, 60_001].map(|ms| Span::from_ms(ms).shown_minutes());
        assert_eq!(shown, [0, 1, 1, 1, 2]);
    }

    #[test]
    fn sets_subtract_and_insert() {
        let interval = |from, until| Interval::new(Instant::from_ms(from), Instant::from_ms(until));
        let mut set = IntervalSet::from_interval(interval(0, 100));
        set.subtract(interval(20, 30));
        set.subtract(interval(90, 200));
        assert_eq!(set.intervals(), [interval(0, 20), interval(30, 90)]);
        assert_eq!(set.length_within(interval(10, 40)).as_ms(), 20);
        set.insert(interval(20, 30));
        assert_eq!(set.intervals(), [interval(0, 90)]);
    }
}
