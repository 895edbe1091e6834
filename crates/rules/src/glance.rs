//! A person's days read one after the other: those that are remembered are told at once, the others are to be looked at closely.

use alloc::vec::Vec;
use core::ops::Range;

use crate::facts::PersonFacts;
use crate::finding::{Findings, Presence, Standing};
use crate::hours::{Run, Timetable};
use crate::model::{BadgeIndex, Swipe, UnitIndex};
use crate::shape::{Glance, MOST_SWIPES, Seen, Shapes, Trace, Trail, direction_of};
use crate::time::{Instant, Interval};

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
    /// How to remember it, if its swipes are plain and it is settled.
    pub(crate) plain: Option<(Glance, Trail, Option<UnitIndex>)>,
    /// Whether it was told at once and is only looked at to compare.
    pub(crate) is_told: bool,
}

impl CloseDay {
    /// One that nothing is known of.
    pub(crate) fn new(own: bool, position: usize, standings: usize) -> Self {
        Self {
            own,
            position,
            standings,
            swipes: 0..0,
            plain: None,
            is_told: false,
        }
    }
}

/// What is said of days at once.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) standings: &'a mut [Standing],
    pub(crate) findings: Findings<'a>,
}

/// Reads the days of a person that are judged: says what is remembered, and which days to look at closely. `None` where the swipes do not
/// come in order, so that nothing that was said holds.
pub(crate) fn read_days(
    facts: &PersonFacts<'_>,
    timetable: &Timetable,
    shapes: &mut Shapes,
    now: Instant,
    told: &mut Told<'_>,
    close: &mut Vec<CloseDay>,
) -> Option<()> {
    let mut reader = Reader::new(facts, now);
    let mut stands = 0;
    close.clear();
    for run in timetable.runs() {
        let positions = run.days_of(facts.dates);
        let glances = run.hours.glances.get(positions.clone()).unwrap_or(&[]);
        for (position, glance) in positions.clone().zip(glances) {
            stands = match glance {
                Some(glance) if !run.is_off => reader.read_day(&run, (position, stands), glance, shapes, told, close),
                _ => reader.pass_day(&run, (position, stands), told, close),
            };
        }
        for position in positions.skip(glances.len()) {
            stands = reader.pass_day(&run, (position, stands), told, close);
        }
    }
    reader.are_in_order().then_some(())
}

/// A reader whose swipes are plain while it stands where it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainReader {
    /// When it stands at an office and never stood elsewhere; else at no time.
    pub(crate) stands: Interval,
    /// As [`direction_of`].
    pub(crate) direction: Trace,
}

/// Reads the swipes of a person day by day.
struct Reader<'a> {
    facts: &'a PersonFacts<'a>,
    now: Instant,
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

/// Before any swipe.
const NEVER: Instant = Instant::from_ms(i64::MIN / 2);

impl<'a> Reader<'a> {
    fn new(facts: &'a PersonFacts<'a>, now: Instant) -> Self {
        let site = &facts.site.records().site;
        Self {
            facts,
            now,
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

    /// Tells what is remembered of a day, else adds it to those to look at. Where the standings of the next day begin.
    #[inline]
    fn read_day(
        &mut self,
        run: &Run<'_>,
        (position, stands): (usize, usize),
        glance: &Glance,
        shapes: &mut Shapes,
        told: &mut Told<'_>,
        close: &mut Vec<CloseDay>,
    ) -> usize {
        let shape = shapes.of(glance);
        let until = stands + shape.periods();
        let is_plain = glance.settled_at <= self.now && self.follow(glance);
        let pattern = if is_plain { shape.find(&self.trail) } else { None };
        let told_at_once = pattern.filter(|pattern| {
            pattern.is_quiet() || pattern.tell(&self.seen(run, position, glance), &mut told.findings)
        });
        if let Some(pattern) = told_at_once {
            pattern.stand(
                &self.trail,
                glance.looks.from,
                self.unit,
                &mut told.standings[stands..until],
            );
            if !cfg!(debug_assertions) {
                return until;
            }
        }
        let swipes = if is_plain {
            self.next - self.trail.count..self.next
        } else {
            self.pass(glance.looks)
        };
        close.push(CloseDay {
            swipes,
            plain: is_plain.then_some((*glance, self.trail, self.unit)),
            is_told: told_at_once.is_some(),
            ..CloseDay::new(run.own, position, stands)
        });
        until
    }

    fn seen<'s>(&'s self, run: &Run<'s>, day: usize, glance: &'s Glance) -> Seen<'s> {
        Seen {
            facts: self.facts,
            unit: self.unit,
            hours: run.hours,
            day,
            glance,
            trail: &self.trail,
            swipes: &self.facts.swipes[self.next - self.trail.count..self.next],
        }
    }

    /// Adds a day to those to look at, if nothing else is known of it than that the person is on leave.
    fn pass_day(
        &mut self,
        run: &Run<'_>,
        (position, stands): (usize, usize),
        told: &mut Told<'_>,
        close: &mut Vec<CloseDay>,
    ) -> usize {
        let planned = &run.hours.days[position];
        let until = stands + planned.members.len();
        if run.is_off {
            for (standing, period) in told.standings[stands..until]
                .iter_mut()
                .zip(&run.hours.plan[planned.members.clone()])
            {
                let PersonFacts { site, person, .. } = *self.facts;
                (standing.presence, standing.late) = (Presence::Excused, false);
                standing.unit = site.unit_at(person, period.interval.from);
            }
            if !cfg!(debug_assertions) {
                return until;
            }
        }
        close.push(CloseDay {
            swipes: self.pass(planned.looks),
            is_told: run.is_off,
            ..CloseDay::new(run.own, position, stands)
        });
        until
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
