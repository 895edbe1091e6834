//! Days that are like others: the same hours, and swipes between the same instants. Where between those instants they lie changes what the
//! rules measure and nothing else that they say, so they are asked once for each pattern of swipes and the answer is kept.
//!
//! *Invariant:* nothing here decides anything. A pattern is what the rules said of one such day. Every instant with which they compare a
//! swipe is among [`edges_of`], what they measure a draft says itself, and with debug assertions every remembered day is judged
//! again and must come out the same.

use alloc::vec::Vec;
use core::ops::Range;

use smallvec::SmallVec;

use crate::draft::Measured;
use crate::facts::{PersonFacts, SiteFacts};
use crate::finding::{Finding, FindingKind, FindingState, Findings, Presence, Standing};
use crate::hours::{Hours, PlannedDay};
use crate::model::{Facing, Subject, Swipe, SwipeId, UnitIndex};
use crate::office;
use crate::plan::{Planned, Stay};
use crate::time::{Instant, Interval, Span};

/// How many swipes a remembered day has at most.
pub(crate) const MOST_SWIPES: usize = 8;

/// How many patterns of one shape are remembered.
const MOST_PATTERNS: usize = 64;

/// A swipe: its instant in milliseconds, below the bits of its direction.
pub(crate) type Trace = u64;

const DIRECTION_BITS: u32 = 60;

/// The direction of a swipe that no pattern has.
pub(crate) const NOT_PLAIN: Trace = 3 << DIRECTION_BITS;

/// An instant after those of all traces, in milliseconds: some time in the year 10889.
pub(crate) const LATEST: u64 = 1 << 48;

/// The bits of a trace that say which way it went.
pub(crate) const fn direction_of(faces: Facing) -> Trace {
    let direction = match faces {
        Facing::In => 0,
        Facing::Out => 1,
        Facing::Both => 2,
    };
    direction << DIRECTION_BITS
}

/// When a swipe happened.
pub(crate) const fn instant_of(trace: Trace) -> Instant {
    Instant::from_ms((trace & !NOT_PLAIN).cast_signed())
}

/// When the person was seen at an office, if the last of some swipes is plain.
pub(crate) fn last_seen(traces: &[Trace]) -> Option<Instant> {
    let last = traces.last().filter(|last| are_plain(&[**last]));
    last.map(|last| instant_of(*last))
}

/// Whether all of some swipes are plain.
pub(crate) fn are_plain(traces: &[Trace]) -> bool {
    traces.iter().all(|trace| trace & NOT_PLAIN != NOT_PLAIN)
}

/// How a day can be read at a glance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    /// From the first to the last moment at which it looks at swipes.
    pub(crate) looks: Interval,
    /// The same, with its periods: when it matters whose badge it is and what the person is.
    pub(crate) spans: Interval,
    /// When time alone changes nothing of it any more.
    pub(crate) settled_at: Instant,
    /// The position of its shape.
    shape: usize,
}

/// A day with the swipes on it, all of them the person's own and none a repeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) facts: &'a PersonFacts<'a>,
    pub(crate) unit: Option<UnitIndex>,
    pub(crate) hours: &'a Hours,
    /// The position of the day among the days of the hours.
    pub(crate) day: usize,
    pub(crate) glance: &'a Glance,
    /// When the person was last seen at an office before it, if the swipe before is plain.
    pub(crate) before: Option<Instant>,
    pub(crate) traces: &'a [Trace],
    pub(crate) swipes: &'a [Swipe],
}

/// Hours that dates share, whatever the date, and what the rules said of them.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The periods of one such date, and its midnight.
    periods: Vec<Planned>,
    midnight: Instant,
    /// The instants with which swipes are compared, in order, in milliseconds since the first moment at which such a day looks at swipes.
    edges: Vec<u64>,
    /// From when to when such a day looks at swipes.
    looks: Span,
    /// When time alone changes nothing of it any more, since it began to look.
    settled_after: Span,
    /// The most frequent ones first.
    patterns: Vec<Pattern>,
}

/// Swipes between the same edges, of which the rules say the same.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// How many days were like it.
    met: u64,
    count: usize,
    /// Each trace from where on, since that moment, and how many milliseconds; what lies beyond `count` means nothing.
    ranges: [(Trace, u64); MOST_SWIPES],
    stood: SmallVec<[Stood; 4]>,
    told: Vec<Told>,
}

/// How somebody stood in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stood {
    presence: StoodPresence,
    late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoodPresence {
    Excused,
    Expected,
    Missing,
    /// Present since this one of the swipes.
    Since(usize),
}

/// A finding, but for who, when and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// The period, as a position in the shape's.
    period: usize,
    kind: FindingKind,
    state: FindingState,
    by_lateness: bool,
    due: Option<Moment>,
    actual: Option<Moment>,
    length: Option<Length>,
    /// Which of the swipes it cites.
    swipes: SmallVec<[usize; 2]>,
}

/// What was measured over what is left of one of the day's stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length {
    stay: usize,
    from: Moment,
    until: Moment,
    less: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// So long after the day began to look at swipes.
    After(Span),
    /// One of the swipes.
    Of(usize),
}

/// What the rules found, with what they measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) finding: &'a Finding,
    /// Positions among the date's periods and stays.
    pub(crate) period: usize,
    pub(crate) stay: usize,
    pub(crate) measured: Option<Measured>,
}

/// The shapes of all days that were met.
#[derive(Debug, Default)]
pub(crate) struct Shapes(Vec<Shape>);

impl Shapes {
    /// How a day without absences can be read at a glance; `None` where what is found depends on more than its own swipes' order among
    /// its edges.
    pub(crate) fn glance_at(&mut self, site: &SiteFacts, hours: &Hours, day: &PlannedDay) -> Option<Glance> {
        let (periods, stays) = (&hours.plan[day.members.clone()], &hours.stays[day.stays.clone()]);
        let shares_breaks = stays.iter().any(|stay| {
            let mut neighbours = [stay.before, stay.after].into_iter().flatten();
            neighbours.any(|shared| !day.members.contains(&shared.neighbour))
        });
        if stays.is_empty() || shares_breaks {
            return None;
        }
        let known = self.0.iter().position(|shape| shape.is_of(periods, day.midnight));
        let shape = if let Some(known) = known {
            known
        } else {
            self.0.push(Shape::new(site, periods, stays, day)?);
            self.0.len() - 1
        };
        Some(Glance {
            looks: day.looks,
            spans: day.looks.hull(day.reach),
            settled_at: day.looks.from + self.0[shape].settled_after,
            shape,
        })
    }

    pub(crate) fn of(&mut self, glance: &Glance) -> &mut Shape {
        &mut self.0[glance.shape]
    }

    /// Remembers what the rules said of a day, if all that they said can be told of others.
    pub(crate) fn remember(&mut self, seen: &Seen<'_>, found: &[Found<'_>], standings: &[Standing]) {
        let shape = &mut self.0[seen.glance.shape];
        let is_like = |pattern: &Pattern| pattern.is_of(seen.traces, seen.glance.looks.from);
        if seen.traces.len() <= MOST_SWIPES
            && shape.patterns.len() < MOST_PATTERNS
            && !shape.patterns.iter().any(is_like)
            && let Some(pattern) = shape.pattern_of(seen, found, standings)
        {
            shape.add(pattern);
        }
    }
}

impl Shape {
    fn new(site: &SiteFacts, periods: &[Planned], stays: &[Stay], day: &PlannedDay) -> Option<Self> {
        const LONGEST: Span = Span::from_minutes(14 * 24 * 60);
        let looks = day.looks;
        let compares_swipes = |period: &Planned| {
            let settings = period.settings(site);
            settings.flex > Span::ZERO || settings.step_out_allowance.is_some()
        };
        let half = periods.iter().any(|period| period.half.is_some());
        if half || looks.length() > LONGEST || periods.iter().any(compares_swipes) {
            return None;
        }
        let mut edges = Vec::from([looks.until]);
        for stay in stays {
            edges_of(site, (periods, day.members.start), stay, &mut edges);
        }
        let last = edges.iter().fold(looks.until, |last, edge| last.max(*edge));
        let since_looks = |edge: Instant| u64::try_from((edge - looks.from).as_ms()).ok();
        let mut edges: Vec<u64> = edges.into_iter().filter_map(since_looks).collect();
        edges.sort_unstable();
        edges.dedup();
        Some(Self {
            periods: periods.to_vec(),
            midnight: day.midnight,
            edges,
            looks: looks.length(),
            settled_after: last - looks.from,
            patterns: Vec::new(),
        })
    }

    /// How many periods such a date has.
    pub(crate) fn periods(&self) -> usize {
        self.periods.len()
    }

    /// Whether a date has the same periods but for the date.
    fn is_of(&self, periods: &[Planned], midnight: Instant) -> bool {
        let same = |(own, other): (&Planned, &Planned)| own.is_like(self.midnight, other, midnight);
        self.periods.len() == periods.len() && self.periods.iter().zip(periods).all(same)
    }

    /// The pattern of a day that begins with the first of some traces, if such days are remembered. A pattern that was met more often
    /// than the one before it goes before it.
    #[inline]
    pub(crate) fn find(&mut self, traces: &[Trace], looks: Interval) -> Option<&Pattern> {
        let is_like = |pattern: &Pattern| {
            // The traces end with one that is later than any day.
            let (own, next) = (traces.get(..pattern.count), traces.get(pattern.count));
            own.is_some_and(|own| pattern.is_of(own, looks.from))
                && next.is_some_and(|next| instant_of(*next) >= looks.until)
        };
        let position = self.patterns.iter().position(is_like)?;
        self.patterns[position].met += 1;
        if position > 0 && self.patterns[position - 1].met < self.patterns[position].met {
            self.patterns.swap(position - 1, position);
            return self.patterns.get(position - 1);
        }
        self.patterns.get(position)
    }

    /// From the last edge at or before a swipe up to the next; the swipe as a trace since such a day began to look.
    fn between_edges(&self, trace: Trace) -> (Trace, u64) {
        let since = trace & !NOT_PLAIN;
        let position = self.edges.partition_point(|edge| *edge <= since);
        let from = position.checked_sub(1).map_or(0, |before| self.edges[before]);
        let whole = u64::try_from(self.looks.as_ms()).unwrap_or(since);
        let until = self.edges.get(position).copied().unwrap_or(whole);
        (trace - since + from, until - from)
    }

    fn pattern_of(&self, seen: &Seen<'_>, found: &[Found<'_>], standings: &[Standing]) -> Option<Pattern> {
        let from = seen.glance.looks.from.as_ms().cast_unsigned();
        let since_looks = || seen.traces.iter().map(|trace| trace.wrapping_sub(from));
        let on_edge = |since: Trace| self.edges.binary_search(&(since & !NOT_PLAIN)).is_ok();
        // A swipe at the very instant with which it is compared could be taken for that instant.
        if !found.is_empty() && since_looks().any(on_edge) {
            return None;
        }
        let stood: Option<_> = standings.iter().map(|standing| seen.stood(standing)).collect();
        let told: Option<_> = found.iter().map(|found| seen.told(found)).collect();
        let mut pattern = Pattern {
            met: 1,
            count: seen.traces.len(),
            ranges: [(0, 0); MOST_SWIPES],
            stood: stood?,
            told: told?,
        };
        for (range, trace) in pattern.ranges.iter_mut().zip(since_looks()) {
            *range = self.between_edges(trace);
        }
        let mut again = Vec::new();
        let mut findings = Findings::over(&mut again, 0);
        let tells = pattern.tell(seen, &mut findings);
        findings.end();
        (tells && again.iter().eq(found.iter().map(|found| found.finding))).then_some(pattern)
    }

    /// Adds a pattern, joined with those that differ from it in one swipe only, which lies beside its own.
    fn add(&mut self, mut pattern: Pattern) {
        let joined =
            |(position, other): (usize, &Pattern), pattern: &Pattern| Some((position, pattern.joined_with(other)?));
        while let Some((other, joined)) = self
            .patterns
            .iter()
            .enumerate()
            .find_map(|other| joined(other, &pattern))
        {
            self.patterns.remove(other);
            pattern = joined;
        }
        let position = self.patterns.partition_point(|other| other.met >= pattern.met);
        self.patterns.insert(position, pattern);
    }
}

impl Seen<'_> {
    fn moment(&self, at: Instant) -> Moment {
        let swipe = self.traces.iter().position(|trace| instant_of(*trace) == at);
        swipe.map_or(Moment::After(at - self.glance.looks.from), Moment::Of)
    }

    fn instant(&self, moment: Moment) -> Instant {
        match moment {
            Moment::After(span) => self.glance.looks.from + span,
            Moment::Of(swipe) => instant_of(self.traces[swipe]),
        }
    }

    fn stood(&self, standing: &Standing) -> Option<Stood> {
        let presence = match standing.presence {
            Presence::Excused => StoodPresence::Excused,
            Presence::Expected => StoodPresence::Expected,
            Presence::Missing => StoodPresence::Missing,
            Presence::Present { since } => match self.moment(since) {
                Moment::Of(swipe) => StoodPresence::Since(swipe),
                Moment::After(_) => return None,
            },
            Presence::Out { .. } | Presence::Withheld => return None,
        };
        let late = standing.late;
        Some(Stood { presence, late })
    }

    fn told(&self, found: &Found<'_>) -> Option<Told> {
        let finding = found.finding;
        let moment = |at: Instant| self.moment(at);
        let position = |id: &SwipeId| self.swipes.iter().position(|swipe| swipe.id == *id);
        let swipes: Option<_> = finding.swipes.iter().map(position).collect();
        Some(Told {
            period: found.period,
            kind: finding.kind,
            state: finding.state,
            by_lateness: finding.by_lateness,
            due: finding.due.map(moment),
            actual: finding.actual.map(moment),
            length: found.measured.map(|measured| Length {
                stay: found.stay,
                from: moment(measured.interval.from),
                until: moment(measured.interval.until),
                less: measured.less,
            }),
            swipes: swipes?,
        })
    }

    fn length(&self, length: Length) -> Span {
        let measured = Interval::new(self.instant(length.from), self.instant(length.until));
        let left = &self.hours.stays(self.day)[length.stay].left;
        left.length_within(measured) - length.less
    }

    /// Whether more than the day's own swipes can say something of a finding: a reader that was down, or a leave that ended shortly before.
    fn is_in_doubt(&self, told: &[Told]) -> bool {
        let (site, spans) = (self.facts.site, self.glance.spans);
        let rests_on_leave = |told: &Told| matches!(told.kind, FindingKind::Absent | FindingKind::OverstayedLeave);
        site.has_outage_in(spans)
            || told.iter().any(rests_on_leave) && site.may_overstay(self.facts.person, spans, self.before)
    }
}

impl Pattern {
    /// Whether traces are between its edges on a day that began to look at swipes at `from`.
    #[inline]
    fn is_of(&self, traces: &[Trace], from: Instant) -> bool {
        let from = from.as_ms().cast_unsigned();
        let inside =
            |(trace, (range, length)): (&Trace, &(Trace, u64))| trace.wrapping_sub(from).wrapping_sub(*range) < *length;
        self.count == traces.len() && traces.iter().zip(&self.ranges).all(inside)
    }

    /// How many swipes such a day has.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Whether nothing is found on such a day.
    pub(crate) fn is_quiet(&self) -> bool {
        self.told.is_empty()
    }

    /// Says how somebody of a unit stood on such a day, of which the traces are given.
    #[inline]
    pub(crate) fn stand(&self, traces: &[Trace], unit: Option<UnitIndex>, standings: &mut [Standing]) {
        for (standing, stood) in standings.iter_mut().zip(&self.stood) {
            standing.presence = match stood.presence {
                StoodPresence::Since(swipe) => Presence::Present {
                    since: instant_of(traces[swipe]),
                },
                StoodPresence::Excused => Presence::Excused,
                StoodPresence::Expected => Presence::Expected,
                StoodPresence::Missing => Presence::Missing,
            };
            (standing.unit, standing.late) = (unit, stood.late);
        }
    }

    /// Says what is found on such a day of its shape, if nothing else can say something of it.
    pub(crate) fn tell(&self, seen: &Seen<'_>, findings: &mut Findings<'_>) -> bool {
        if seen.is_in_doubt(&self.told) {
            return false;
        }
        for told in &self.told {
            let day = &seen.hours.days[seen.day];
            let name = &seen.hours.plan[day.members.start + told.period]
                .of(seen.facts.site)
                .name;
            let finding = findings.about_period(name);
            finding.subject = Subject::Person(seen.facts.person);
            finding.unit = seen.unit;
            finding.date = day.date;
            (finding.kind, finding.state, finding.by_lateness) = (told.kind, told.state, told.by_lateness);
            finding.length = told.length.map(|length| seen.length(length));
            finding.due = told.due.map(|moment| seen.instant(moment));
            finding.actual = told.actual.map(|moment| seen.instant(moment));
            (finding.since, finding.source) = (None, None);
            finding.withheld_by.clear();
            finding.swipes.clear();
            finding
                .swipes
                .extend(told.swipes.iter().map(|swipe| seen.swipes[*swipe].id));
        }
        true
    }

    fn joined_with(&self, other: &Self) -> Option<Self> {
        if self.count != other.count || self.stood != other.stood || self.told != other.told {
            return None;
        }
        let mut differing = (0..self.count).filter(|swipe| self.ranges[*swipe] != other.ranges[*swipe]);
        let (swipe, None) = (differing.next()?, differing.next()) else {
            return None;
        };
        let (own, others) = (self.ranges[swipe], other.ranges[swipe]);
        let (first, second) = (own.min(others), own.max(others));
        let mut joined = self.clone();
        joined.met = self.met + other.met;
        joined.ranges[swipe] = (first.0, first.1 + second.1);
        (first.0 + first.1 == second.0).then_some(joined)
    }
}

/// Every instant with which a swipe's is compared when a stay is judged: of swipes between the same edges the rules say the same, but
/// for lengths. The date's periods are given with the position of the first in the plan.
fn edges_of(site: &SiteFacts, (periods, first): (&[Planned], usize), stay: &Stay, edges: &mut Vec<Instant>) {
    let members: Range<usize> = stay.members.start - first..stay.members.end - first;
    for interval in [stay.reach(), stay.own, stay.bounds, stay.extent] {
        edges.extend([interval.from, interval.until]);
    }
    edges.extend([stay.arrive_from, stay.arrive_until, stay.leave_from, stay.leave_until]);
    edges.extend([stay.first_end, stay.settled_at()]);
    for shared in [stay.before, stay.after].into_iter().flatten() {
        edges.extend([shared.interval.from, shared.middle, shared.interval.until]);
    }
    for planned in &periods[members] {
        let pieces = planned.base.intervals().iter();
        for interval in pieces.chain([&planned.interval]) {
            edges.extend([interval.from, interval.until]);
        }
    }
    let outer = (&periods[stay.first - first], &periods[stay.last - first]);
    edges.extend(office::limits_of(site, stay, outer));
    // What lies at no time at all is no edge.
    edges.retain(|edge| (i64::MIN + 1..i64::MAX).contains(&edge.as_ms()));
}
