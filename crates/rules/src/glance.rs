//! Days read at a glance. Most days are like others: the same hours, and swipes between the same instants. Where between those instants
//! they lie changes nothing that the rules say of a day on which they find nothing, so the rules are asked once for each pattern and
//! the answer is kept. Whatever is not like that is looked at closely.
//!
//! *Invariant:* nothing here decides anything. A pattern is what the rules said of a day, and every instant with which they
//! compare a swipe is one of [`edges_of`]; with debug assertions every remembered day is judged again and must come out the same.

use alloc::vec::Vec;
use core::ops::Range;

use smallvec::SmallVec;

use crate::facts::{PersonFacts, SiteFacts};
use crate::finding::{Presence, Standing};
use crate::hours::{Hours, PlannedDay, Run, Timetable};
use crate::model::{BadgeIndex, Facing, Swipe, UnitIndex};
use crate::office;
use crate::plan::{Planned, Stay};
use crate::time::{Instant, Interval, Span};

/// How many swipes a remembered day has at most.
const MOST_SWIPES: usize = 8;

/// How many patterns of one shape are remembered.
const MOST_PATTERNS: usize = 32;

/// A swipe of a day: the milliseconds since the first moment at which the day looks at swipes, below the direction.
type Trace = u64;

const DIRECTION_BITS: u32 = 48;

/// The bits of a trace that say which way it went.
pub(crate) const fn direction_of(faces: Facing) -> Trace {
    let direction = match faces {
        Facing::In => 0,
        Facing::Out => 1,
        Facing::Both => 2,
    };
    direction << DIRECTION_BITS
}

/// The milliseconds since the day began to look at swipes.
const fn since_of(trace: Trace) -> u64 {
    trace & ((1 << DIRECTION_BITS) - 1)
}

/// The swipes of a day in order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trail {
    traces: [Trace; MOST_SWIPES],
    count: usize,
}

impl Trail {
    fn traces(&self) -> &[Trace] {
        &self.traces[..self.count]
    }
}

/// How a day can be read at a glance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    /// From the first to the last moment at which it looks at swipes.
    looks: Interval,
    /// The same, with its periods: when it matters whose badge it is and what the person is.
    spans: Interval,
    /// When time alone changes nothing of it any more.
    settled_at: Instant,
    /// The position of its shape.
    shape: usize,
}

/// A day that is to be looked at closely.
#[derive(Clone, Debug)]
pub(crate) struct CloseDay {
    /// Whether it is one of the person's own hours.
    pub(crate) own: bool,
    /// Its position among the days of its hours.
    pub(crate) position: usize,
    /// The position of the first of its standings.
    pub(crate) standings: usize,
    /// Where the swipes lie that it looks at.
    pub(crate) swipes: Range<usize>,
    /// How to remember it, if nothing is found.
    pub(crate) trail: Option<(Glance, Trail)>,
    /// Whether it was read at a glance and is only looked at to compare.
    pub(crate) is_remembered: bool,
}

/// Hours that dates share, whatever the date, and what the rules said of them.
#[derive(Debug)]
struct Shape {
    /// The periods of one such date, and its midnight.
    periods: Vec<Planned>,
    midnight: Instant,
    /// The instants with which swipes are compared, in order, as [`since_of`].
    edges: Vec<u64>,
    /// From when to when such a day looks at swipes, since the first such moment.
    looks: Span,
    /// When time alone changes nothing of it any more, since then.
    settled_after: Span,
    /// The most frequent ones first, as far as they were met.
    patterns: Vec<Pattern>,
}

/// Swipes between the same edges, of which the rules say the same.
#[derive(Clone, Debug)]
struct Pattern {
    count: usize,
    /// Each trace from where on, and how many milliseconds; what lies beyond `count` means nothing.
    ranges: [(Trace, u64); MOST_SWIPES],
    stood: SmallVec<[Stood; 4]>,
}

/// How somebody stood in a period of a day on which nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stood {
    Excused,
    Expected,
    /// Present since this one of the swipes.
    Since(usize),
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
        let shape = match known {
            Some(known) => known,
            None => {
                self.0.push(Shape::new(site, periods, stays, day)?);
                self.0.len() - 1
            }
        };
        Some(Glance {
            looks: day.looks,
            spans: day.looks.hull(day.reach),
            settled_at: day.looks.from + self.0[shape].settled_after,
            shape,
        })
    }

    /// Remembers how somebody stood on a day of which the rules found nothing to say.
    pub(crate) fn remember(&mut self, glance: Glance, trail: &Trail, standings: &[Standing]) {
        let shape = &mut self.0[glance.shape];
        if shape.patterns.len() >= MOST_PATTERNS || shape.find(trail).is_some() {
            return;
        }
        let stood = |standing: &Standing| stood(standing, glance.looks.from, trail);
        let Some(stood) = standings.iter().map(stood).collect() else {
            return;
        };
        let mut ranges = [(0, 0); MOST_SWIPES];
        for (range, trace) in ranges.iter_mut().zip(trail.traces()) {
            *range = shape.between_edges(*trace);
        }
        let count = trail.count;
        shape.add(Pattern { count, ranges, stood });
    }
}

impl CloseDay {
    /// One of all days, none of them read at a glance.
    pub(crate) fn of_all(own: bool, position: usize, standings: usize) -> Self {
        Self {
            own,
            position,
            standings,
            swipes: 0..0,
            trail: None,
            is_remembered: false,
        }
    }
}

/// Reads the days of a person that are judged: says how they stood on those that are remembered, and which to look at closely. `None`
/// where the swipes do not come in order, so that nothing that was read holds.
pub(crate) fn read_days(
    facts: &PersonFacts<'_>,
    timetable: &Timetable,
    shapes: &mut Shapes,
    now: Instant,
    standings: &mut [Standing],
    close: &mut Vec<CloseDay>,
) -> Option<()> {
    let mut reader = Reader::new(facts);
    let mut stands = 0;
    close.clear();
    for run in timetable.runs() {
        let positions = run.days_of(facts.dates);
        let glances = run.hours.glances.get(positions.clone()).unwrap_or(&[]);
        let mut positions = positions.into_iter();
        for (glance, position) in glances.iter().zip(&mut positions) {
            let day = CloseDay::of_all(run.own, position, stands);
            stands = match glance {
                Some(glance) => reader.read_day(glance, shapes, now, standings, day, close),
                None => reader.pass_day(&run, day, close),
            };
        }
        for position in positions {
            let day = CloseDay::of_all(run.own, position, stands);
            stands = reader.pass_day(&run, day, close);
        }
    }
    reader.are_in_order().then_some(())
}

/// Reads the swipes of a person day by day.
struct Reader<'a> {
    facts: &'a PersonFacts<'a>,
    /// Swipes no farther apart than that may be repeats.
    apart: i64,
    /// How many milliseconds after its receipt a swipe may have happened.
    ahead: i64,
    /// The badge whose swipes are plain, the unit, and since when and until when both are the person's.
    badge: BadgeIndex,
    unit: Option<UnitIndex>,
    holds: Interval,
    /// The position of the next swipe, and the instant of the one before it.
    next: usize,
    before: Instant,
    in_order: bool,
    /// What was seen on the day that was read last.
    trail: Trail,
}

/// A reader whose swipes are plain while it stands where it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainReader {
    /// When it stands at an office and never stood elsewhere; else at no time.
    pub(crate) stands: Interval,
    /// As [`direction_of`].
    pub(crate) direction: Trace,
}

/// Before any swipe.
const NEVER: Instant = Instant::from_ms(i64::MIN / 2);

impl<'a> Reader<'a> {
    fn new(facts: &'a PersonFacts<'a>) -> Self {
        let site = &facts.site.records().site;
        Self {
            facts,
            apart: site.debounce.as_ms().max(1),
            ahead: site.clock_tolerance.as_ms(),
            badge: BadgeIndex(u32::MAX),
            unit: None,
            holds: Interval::new(NEVER, NEVER),
            next: 0,
            before: NEVER,
            in_order: true,
            trail: Trail::default(),
        }
    }

    /// Says how the person stood on a day if that is remembered, else adds it to those to look at. Where the next standing is.
    #[inline]
    fn read_day(
        &mut self,
        glance: &Glance,
        shapes: &mut Shapes,
        now: Instant,
        standings: &mut [Standing],
        day: CloseDay,
        close: &mut Vec<CloseDay>,
    ) -> usize {
        let shape = &mut shapes.0[glance.shape];
        let stands = day.standings..day.standings + shape.periods.len();
        let plain = glance.settled_at <= now && self.follow(glance);
        if plain && let Some(pattern) = shape.find(&self.trail) {
            pattern.stand(&self.trail, glance.looks.from, self.unit, &mut standings[stands.clone()]);
            if cfg!(debug_assertions) {
                close.push(self.close_day(day, *glance, true));
            }
        } else if plain {
            close.push(self.close_day(day, *glance, false));
        } else {
            let swipes = self.pass(glance.looks);
            close.push(CloseDay { swipes, ..day });
        }
        stands.end
    }

    fn close_day(&self, day: CloseDay, glance: Glance, is_remembered: bool) -> CloseDay {
        CloseDay {
            swipes: self.next - self.trail.count..self.next,
            trail: Some((glance, self.trail)),
            is_remembered,
            ..day
        }
    }

    /// Adds a day to those to look at.
    fn pass_day(&mut self, run: &Run<'_>, day: CloseDay, close: &mut Vec<CloseDay>) -> usize {
        let planned = &run.hours.days[day.position];
        let swipes = self.pass(planned.looks);
        let stands = day.standings + planned.members.len();
        close.push(CloseDay { swipes, ..day });
        stands
    }

    /// Reads the swipes of a day, if they are plain: the person's own swipes at offices, none of them in doubt or a repeat.
    fn follow(&mut self, glance: &Glance) -> bool {
        self.before < glance.looks.from && self.holds_over(glance.spans) && self.follow_plain(glance.looks)
            || self.follow_anew(glance)
    }

    /// The same after looking again where the day begins and whose the badge is.
    #[cold]
    fn follow_anew(&mut self, glance: &Glance) -> bool {
        self.go_to(glance.looks.from);
        let badge = self.facts.swipes.get(self.next).map(|swipe| swipe.badge);
        self.turn_to(badge, glance.spans.from);
        self.holds_over(glance.spans) && self.follow_plain(glance.looks)
    }

    /// The same where the next swipe is not before the day, and the badge is the person's. Where it is false it has done nothing.
    fn follow_plain(&mut self, looks: Interval) -> bool {
        let (mut before, mut count) = (self.before.as_ms(), 0);
        let readers = self.facts.site.plain_readers();
        for swipe in &self.facts.swipes[self.next..] {
            let at = swipe.happened_at;
            if at >= looks.until {
                if count > 0 && at.as_ms().wrapping_sub(before) < self.apart {
                    return false;
                }
                break;
            }
            let reader = &readers[swipe.reader.at()];
            let is_plain = at.as_ms().wrapping_sub(before) >= self.apart
                && at.as_ms().wrapping_sub(swipe.received_at.as_ms()) <= self.ahead
                && swipe.badge == self.badge
                && reader.stands.contains(at)
                && at >= looks.from
                && count < MOST_SWIPES;
            if !is_plain {
                return false;
            }
            let since = at.as_ms().wrapping_sub(looks.from.as_ms()).cast_unsigned();
            self.trail.traces[count] = since | swipe.faces.map_or(reader.direction, direction_of);
            before = at.as_ms();
            count += 1;
        }
        self.trail.count = count;
        self.next += count;
        self.before = Instant::from_ms(before);
        true
    }

    /// Goes on to the first swipe from an instant on, or back to it where the day before has reached beyond it.
    fn go_to(&mut self, from: Instant) {
        let swipes = self.facts.swipes;
        while let Some(swipe) = swipes.get(self.next)
            && swipe.happened_at < from
        {
            self.go_on(swipe);
        }
        while self.next > 0 && self.before >= from {
            self.next -= 1;
            let before = self.next.checked_sub(1);
            self.before = before.map_or(NEVER, |before| swipes[before].happened_at);
        }
    }

    fn go_on(&mut self, swipe: &Swipe) {
        self.in_order &= swipe.happened_at > self.before;
        self.before = swipe.happened_at;
        self.next += 1;
    }

    /// Where the swipes of an interval lie.
    fn pass(&mut self, looks: Interval) -> Range<usize> {
        self.go_to(looks.from);
        let first = self.next;
        while let Some(swipe) = self.facts.swipes.get(self.next)
            && swipe.happened_at < looks.until
        {
            self.go_on(swipe);
        }
        first..self.next
    }

    /// Whether the badge and the unit are the person's over an interval.
    fn holds_over(&self, spans: Interval) -> bool {
        self.holds.from <= spans.from && spans.until <= self.holds.until
    }

    #[cold]
    fn turn_to(&mut self, badge: Option<BadgeIndex>, at: Instant) {
        let PersonFacts { site, person, .. } = *self.facts;
        // What happened before that is in doubt.
        let always = Interval::new(site.records().site.since, Instant::from_ms(i64::MAX));
        self.holds = Interval::new(always.from, always.from);
        let Some(stint) = site.stint_at(person, at) else { return };
        let held = match badge.map(|badge| (badge, &site.records().badges[badge.at()].grants[..])) {
            Some((badge, [only])) if only.person == person => {
                self.badge = badge;
                only.interval
            }
            Some(_) => return,
            None => always,
        };
        self.unit = Some(stint.unit);
        self.holds = always.intersect(stint.interval).intersect(held);
    }

    /// Whether all swipes come in order, each at an instant of its own.
    fn are_in_order(mut self) -> bool {
        while let Some(swipe) = self.facts.swipes.get(self.next) {
            self.go_on(swipe);
        }
        self.in_order
    }
}

fn stood(standing: &Standing, looks_from: Instant, trail: &Trail) -> Option<Stood> {
    let since = |at: Instant| {
        let mut seen = trail.traces().iter();
        seen.position(|trace| at == looks_from + Span::from_ms(since_of(*trace).cast_signed()))
    };
    match standing.presence {
        _ if standing.late => None,
        Presence::Excused => Some(Stood::Excused),
        Presence::Expected => Some(Stood::Expected),
        Presence::Present { since: at } => since(at).map(Stood::Since),
        Presence::Out { .. } | Presence::Missing | Presence::Withheld => None,
    }
}

impl Shape {
    fn new(site: &SiteFacts, periods: &[Planned], stays: &[Stay], day: &PlannedDay) -> Option<Self> {
        const LONGEST: Span = Span::from_ms(1 << DIRECTION_BITS);
        let looks = day.looks;
        let compares_swipes = |period: &Planned| {
            let settings = period.settings(site);
            settings.flex > Span::ZERO || settings.step_out_allowance.is_some()
        };
        let half = periods.iter().any(|period| period.half.is_some());
        if half || looks.length() > LONGEST || periods.iter().any(compares_swipes) {
            return None;
        }
        let mut edges: Vec<Instant> = Vec::new();
        for stay in stays {
            edges_of(site, periods, day.members.start, stay, &mut edges);
        }
        edges.push(looks.until);
        let last = edges.iter().max().map_or(looks.until, |last| *last);
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

    /// Whether a date has the same periods but for the date.
    fn is_of(&self, periods: &[Planned], midnight: Instant) -> bool {
        let same = |(own, other): (&Planned, &Planned)| own.is_like(self.midnight, other, midnight);
        self.periods.len() == periods.len() && self.periods.iter().zip(periods).all(same)
    }

    /// From the last edge at or before a swipe up to the next.
    fn between_edges(&self, trace: Trace) -> (Trace, u64) {
        let since = since_of(trace);
        let position = self.edges.partition_point(|edge| *edge <= since);
        let from = position.checked_sub(1).map_or(0, |before| self.edges[before]);
        let whole = u64::try_from(self.looks.as_ms()).unwrap_or(since);
        let until = self.edges.get(position).copied().unwrap_or(whole);
        (trace - since + from, until - from)
    }

    fn find(&mut self, trail: &Trail) -> Option<&Pattern> {
        let position = self.patterns.iter().position(|pattern| pattern.is_of(trail))?;
        if position == 0 {
            return self.patterns.first();
        }
        self.patterns.swap(position - 1, position);
        self.patterns.get(position - 1)
    }

    /// Adds a pattern, joined with those that differ from it in one swipe only, which lies beside its own.
    fn add(&mut self, mut pattern: Pattern) {
        while let Some((other, joined)) = self
            .patterns
            .iter()
            .enumerate()
            .find_map(|(position, other)| Some((position, pattern.joined_with(other)?)))
        {
            self.patterns.swap_remove(other);
            pattern = joined;
        }
        self.patterns.push(pattern);
    }
}

impl Pattern {
    /// Says how somebody of a unit stood on a day.
    fn stand(&self, trail: &Trail, looks_from: Instant, unit: Option<UnitIndex>, standings: &mut [Standing]) {
        for (standing, stood) in standings.iter_mut().zip(&self.stood) {
            standing.presence = match *stood {
                Stood::Excused => Presence::Excused,
                Stood::Expected => Presence::Expected,
                Stood::Since(swipe) => Presence::Present {
                    since: looks_from + Span::from_ms(since_of(trail.traces[swipe]).cast_signed()),
                },
            };
            (standing.unit, standing.late) = (unit, false);
        }
    }

    fn is_of(&self, trail: &Trail) -> bool {
        let traces = trail.traces();
        let inside = |(trace, (from, length)): (&Trace, &(Trace, u64))| trace.wrapping_sub(*from) < *length;
        self.count == trail.count && traces.iter().zip(&self.ranges).all(inside)
    }

    fn joined_with(&self, other: &Self) -> Option<Self> {
        if self.count != other.count || self.stood != other.stood {
            return None;
        }
        let mut differing = (0..self.count).filter(|swipe| self.ranges[*swipe] != other.ranges[*swipe]);
        let (swipe, None) = (differing.next()?, differing.next()) else {
            return None;
        };
        let (first, second) = {
            let (own, others) = (self.ranges[swipe], other.ranges[swipe]);
            (own.min(others), own.max(others))
        };
        let mut joined = self.clone();
        joined.ranges[swipe] = (first.0, first.1 + second.1);
        (first.0 + first.1 == second.0).then_some(joined)
    }
}

/// Every instant with which a swipe's is compared when a stay is judged: of swipes between the same edges the rules say the same, but
/// for lengths. `members` are the date's periods, the first of them at `first` in the plan.
fn edges_of(site: &SiteFacts, members: &[Planned], first: usize, stay: &Stay, edges: &mut Vec<Instant>) {
    for interval in [stay.reach(), stay.own, stay.bounds, stay.extent] {
        edges.extend([interval.from, interval.until]);
    }
    edges.extend([stay.arrive_from, stay.arrive_until, stay.leave_from, stay.leave_until]);
    edges.extend([stay.first_end, stay.settled_at()]);
    for shared in [stay.before, stay.after].into_iter().flatten() {
        edges.extend([shared.interval.from, shared.middle, shared.interval.until]);
    }
    for planned in &members[stay.members.start - first..stay.members.end - first] {
        let pieces = planned.base.intervals().iter();
        for interval in pieces.chain([&planned.interval]) {
            edges.extend([interval.from, interval.until]);
        }
    }
    let period = |member: usize| &members[member - first];
    edges.extend(office::limits_of(site, stay, (period(stay.first), period(stay.last))));
    // What lies at no time at all is no edge.
    edges.retain(|edge| (i64::MIN + 1..i64::MAX).contains(&edge.as_ms()));
}
