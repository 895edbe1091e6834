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
use crate::hours::{Hours, PlannedDay, Timetable};
use crate::model::{BadgeIndex, Facing, Swipe, UnitIndex};
use crate::office;
use crate::plan::{Planned, Stay};
use crate::time::{Instant, Interval, Span};

/// How many swipes a remembered day has at most.
const MOST_SWIPES: usize = 8;

/// How many patterns of one shape are remembered.
const MOST_PATTERNS: usize = 32;

/// A swipe of a day: the milliseconds since the first moment at which the day looks at swipes, below the direction.
type Trace = u32;

const DIRECTION_BITS: u32 = 30;

fn trace(since: u32, faces: Facing) -> Trace {
    let direction = match faces {
        Facing::In => 0,
        Facing::Out => 1,
        Facing::Both => 2,
    };
    direction << DIRECTION_BITS | since
}

/// The milliseconds since the day began to look at swipes.
const fn since_of(trace: Trace) -> u32 {
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
    /// The position of its shape.
    shape: usize,
    /// When time alone changes nothing of it any more.
    settled_at: Instant,
    /// From the first to the last moment at which it looks at swipes.
    looks: Interval,
    /// The same, with its periods: when whose badge it is and what the person is matters.
    spans: Interval,
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
    edges: Vec<u32>,
    settled_after: Span,
    /// The most frequent ones first, as far as they were met.
    patterns: Vec<Pattern>,
}

/// Swipes between the same edges, of which the rules say the same.
#[derive(Clone, Debug)]
struct Pattern {
    /// Each trace from where on, and how many milliseconds.
    ranges: SmallVec<[(Trace, u32); MOST_SWIPES]>,
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
            shape,
            settled_at: day.looks.from + self.0[shape].settled_after,
            looks: day.looks,
            spans: day.looks.hull(day.reach),
        })
    }

    /// Remembers how somebody stood on a day of which the rules found nothing to say.
    pub(crate) fn remember(&mut self, glance: Glance, trail: &Trail, standings: &[Standing]) {
        let looks = glance.looks;
        let shape = &mut self.0[glance.shape];
        if shape.patterns.len() >= MOST_PATTERNS || shape.find(trail).is_some() {
            return;
        }
        let stood = |standing: &Standing| stood(standing, looks.from, trail);
        let Some(stood) = standings.iter().map(stood).collect() else {
            return;
        };
        let ranges = trail.traces().iter().map(|trace| shape.between_edges(*trace, looks));
        let ranges = ranges.collect();
        shape.add(Pattern { ranges, stood });
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
    let (mut reader, mut trail, mut stands) = (Reader::new(facts), Trail::default(), 0);
    close.clear();
    for run in timetable.runs() {
        for position in run.days_of(facts.dates) {
            let day = &run.hours.days[position];
            let of_day = stands..stands + day.members.len();
            stands = of_day.end;
            let glance = day.glance.filter(|glance| glance.settled_at <= now);
            let (swipes, is_plain) = match glance {
                Some(glance) => reader.follow(day.looks, glance.spans, &mut trail),
                None => (reader.pass(day.looks), false),
            };
            let glance = glance.filter(|_| is_plain);
            let remembered = glance.and_then(|glance| shapes.0[glance.shape].find(&trail));
            if let Some(pattern) = remembered {
                pattern.stand(&trail, day.looks.from, reader.unit, &mut standings[of_day.clone()]);
                if !cfg!(debug_assertions) {
                    continue;
                }
            }
            close.push(CloseDay {
                own: run.own,
                position,
                standings: of_day.start,
                swipes,
                trail: glance.map(|glance| (glance, trail)),
                is_remembered: remembered.is_some(),
            });
        }
    }
    reader.are_in_order().then_some(())
}

/// Reads the swipes of a person day by day.
struct Reader<'a> {
    facts: &'a PersonFacts<'a>,
    debounce: i64,
    tolerance: Span,
    /// The badge whose swipes are plain, the unit, and since when and until when both are the person's.
    badge: BadgeIndex,
    unit: Option<UnitIndex>,
    holds: Interval,
    /// The position of the next swipe, and the instant of the one before it.
    next: usize,
    before: Instant,
    in_order: bool,
}

impl<'a> Reader<'a> {
    fn new(facts: &'a PersonFacts<'a>) -> Self {
        let site = &facts.site.records().site;
        let never = Instant::from_ms(i64::MIN);
        Self {
            facts,
            debounce: site.debounce.as_ms(),
            tolerance: site.clock_tolerance,
            badge: BadgeIndex(u32::MAX),
            unit: None,
            holds: Interval::new(never, never),
            next: 0,
            before: never,
            in_order: true,
        }
    }

    /// Goes on to the first swipe in an interval, or back to it where that of the day before reached into this one's.
    fn go_to(&mut self, from: Instant) {
        let swipes = self.facts.swipes;
        while let Some(swipe) = swipes.get(self.next)
            && swipe.happened_at < from
        {
            self.go_on(swipe);
        }
        while self.next > 0 && self.before >= from {
            self.next -= 1;
            self.before = match self.next.checked_sub(1) {
                Some(before) => swipes[before].happened_at,
                None => Instant::from_ms(i64::MIN),
            };
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

    /// The same, with what was seen; and whether that is plain: the person's own swipes at offices, none repeated, none in doubt.
    fn follow(&mut self, looks: Interval, spans: Interval, trail: &mut Trail) -> (Range<usize>, bool) {
        self.go_to(looks.from);
        let (swipes, first) = (self.facts.swipes, self.next);
        let mut is_plain = self.has_over(spans);
        trail.count = 0;
        while let Some(swipe) = swipes.get(self.next)
            && swipe.happened_at < looks.until
        {
            let faces = self.plain_direction(swipe);
            is_plain &= faces.is_some() && trail.count < MOST_SWIPES;
            if let (Some(faces), true) = (faces, is_plain) {
                let since = (swipe.happened_at - looks.from).as_ms();
                trail.traces[trail.count] = trace(u32::try_from(since).unwrap_or(0), faces);
                trail.count += 1;
            }
            self.go_on(swipe);
        }
        if let Some(swipe) = swipes.get(self.next)
            && first < self.next
        {
            is_plain &= !self.may_repeat(swipe);
        }
        (first..self.next, is_plain)
    }

    fn may_repeat(&self, swipe: &Swipe) -> bool {
        swipe.happened_at.as_ms().wrapping_sub(self.before.as_ms()) < self.debounce && self.next > 0
    }

    /// Which way a swipe went, where no rule about swipes has anything to say of it.
    fn plain_direction(&self, swipe: &Swipe) -> Option<Facing> {
        let at = swipe.happened_at;
        let (stand, at_office) = *self.facts.site.unmoved(swipe.reader)?;
        let is_plain = at_office
            && stand.interval.contains(at)
            && swipe.badge == self.badge
            && (at <= swipe.received_at || at <= swipe.received_at + self.tolerance)
            && !self.may_repeat(swipe);
        is_plain.then_some(swipe.faces.unwrap_or(stand.faces))
    }

    /// Whether the next swipe's badge and the unit are the person's over an interval.
    fn has_over(&mut self, spans: Interval) -> bool {
        let covers = |holds: Interval| holds.from <= spans.from && spans.until <= holds.until;
        let badge = self.facts.swipes.get(self.next).map(|swipe| swipe.badge);
        if badge.is_none_or(|badge| badge == self.badge) && covers(self.holds) {
            return true;
        }
        self.turn_to(badge, spans.from);
        covers(self.holds)
    }

    #[cold]
    fn turn_to(&mut self, badge: Option<BadgeIndex>, at: Instant) {
        let PersonFacts { site, person, .. } = *self.facts;
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
        seen.position(|trace| at == looks_from + Span::from_ms(since_of(*trace).into()))
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
        let since_looks = |edge: Instant| u32::try_from((edge - looks.from).as_ms()).ok();
        let mut edges: Vec<u32> = edges.into_iter().filter_map(since_looks).collect();
        edges.sort_unstable();
        edges.dedup();
        Some(Self {
            periods: periods.to_vec(),
            midnight: day.midnight,
            edges,
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
    fn between_edges(&self, trace: Trace, looks: Interval) -> (Trace, u32) {
        let since = since_of(trace);
        let position = self.edges.partition_point(|edge| *edge <= since);
        let from = position.checked_sub(1).map_or(0, |before| self.edges[before]);
        let whole = u32::try_from(looks.length().as_ms()).unwrap_or(since);
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
                    since: looks_from + Span::from_ms(since_of(trail.traces[swipe]).into()),
                },
            };
            (standing.unit, standing.late) = (unit, false);
        }
    }

    fn is_of(&self, trail: &Trail) -> bool {
        let traces = trail.traces();
        let inside = |(trace, (from, length)): (&Trace, &(Trace, u32))| trace.wrapping_sub(*from) < *length;
        self.ranges.len() == traces.len() && traces.iter().zip(&self.ranges).all(inside)
    }

    fn joined_with(&self, other: &Self) -> Option<Self> {
        if self.ranges.len() != other.ranges.len() || self.stood != other.stood {
            return None;
        }
        let mut differing = (0..self.ranges.len()).filter(|swipe| self.ranges[*swipe] != other.ranges[*swipe]);
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
