//! A person's days read one after the other: those that are remembered are told at once, the others are to be looked at closely.

use alloc::vec::Vec;
use core::ops::Range;

use crate::facts::PersonFacts;
use crate::finding::{Findings, Presence, Standing};
use crate::hours::{Run, Timetable};
use crate::model::{BadgeIndex, UnitIndex};
use crate::shape::{
    Glance, LATEST, NOT_PLAIN, Pattern, Seen, Shapes, Trace, are_plain, direction_of, instant_of, last_seen,
};
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
    pub(crate) plain: Option<(Glance, Option<UnitIndex>)>,
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
/// come in order, each at an instant of its own: nothing was said then.
#[inline(never)]
pub(crate) fn read_days(
    facts: &PersonFacts<'_>,
    timetable: &Timetable,
    shapes: &mut Shapes,
    now: Instant,
    told: &mut Told<'_>,
    (traces, close): (&mut Vec<Trace>, &mut Vec<CloseDay>),
) -> Option<()> {
    trace_all(facts, now, traces)?;
    let mut reader = Reader {
        facts,
        now,
        traces,
        next: 0,
        unit: None,
        belongs: NOWHEN,
    };
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
    Some(())
}

/// No time at all.
const NOWHEN: Interval = Interval::new(Instant::from_ms(0), Instant::from_ms(0));

/// A reader whose swipes are plain while it stands where it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainReader {
    /// When it stands at an office and never stood elsewhere; else at no time.
    pub(crate) stands: Interval,
    /// As [`direction_of`].
    pub(crate) direction: Trace,
}

/// Makes `traces` those of a person's swipes, one for each and one that ends them. They are plain where the swipe is the person's own at an
/// office, known by now, not in doubt, and neither a repeat nor repeated. `None` if they are not in order. Nothing else is done in this
/// loop: the fewer instructions lie between one swipe and the next, the more of them are on their way from memory at once.
#[inline(never)]
fn trace_all(facts: &PersonFacts<'_>, now: Instant, traces: &mut Vec<Trace>) -> Option<()> {
    let (site, readers) = (facts.site, facts.site.plain_readers());
    let apart = site.records().site.longest_debounce().as_ms().max(1);
    let mut own = (BadgeIndex(u32::MAX), NOWHEN);
    let (mut before, mut repeats) = (-1, false);
    traces.resize(facts.swipes.len() + 1, 0);
    for (swipe, trace) in facts.swipes.iter().zip(&mut *traces) {
        let at = swipe.happened_at.as_ms();
        if at - before < apart {
            if at <= before {
                return None;
            }
            repeats |= before >= 0;
        }
        before = at;
        if swipe.badge != own.0 {
            own = own_badge(facts, swipe.badge, now);
        }
        let reader = &readers[swipe.reader.at()];
        let is_plain = own.1.contains(swipe.happened_at)
            && reader.stands.contains(swipe.happened_at)
            && (swipe.happened_at <= swipe.received_at || site.quarantine(swipe).is_none());
        *trace = if is_plain {
            at.cast_unsigned() | swipe.faces.map_or(reader.direction, direction_of)
        } else {
            at.cast_unsigned() | NOT_PLAIN
        };
    }
    if let Some(end) = traces.last_mut() {
        *end = NOT_PLAIN | LATEST;
    }
    if repeats {
        mark_repeats(traces, apart);
    }
    (before < LATEST.cast_signed()).then_some(())
}

/// Makes those no longer plain that may be repeats of the one before, and that one.
#[cold]
fn mark_repeats(traces: &mut [Trace], apart: i64) {
    for position in 1..traces.len() {
        let between = instant_of(traces[position]) - instant_of(traces[position - 1]);
        if between.as_ms() < apart {
            traces[position - 1] |= NOT_PLAIN;
            traces[position] |= NOT_PLAIN;
        }
    }
}

/// A badge, and when its swipes are plain: while it is the person's, if nobody else ever had it.
#[cold]
fn own_badge(facts: &PersonFacts<'_>, badge: BadgeIndex, now: Instant) -> (BadgeIndex, Interval) {
    let known = Interval::new(facts.site.records().site.since, now.next());
    let held = facts.site.sole_grant(facts.person, badge);
    let held = held.map_or(NOWHEN, |held| held.intersect(known));
    (badge, held)
}

/// Reads the traces of a person day by day.
struct Reader<'a> {
    facts: &'a PersonFacts<'a>,
    now: Instant,
    traces: &'a [Trace],
    /// The position of the next of them.
    next: usize,
    /// The person's unit, and when it is.
    unit: Option<UnitIndex>,
    belongs: Interval,
}

impl Reader<'_> {
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
        self.go_to(glance.looks.from);
        let shape = shapes.of(glance);
        let until = stands + shape.periods();
        let may_tell = glance.settled_at <= self.now && self.has_unit_over(glance.spans);
        let pattern = if may_tell {
            shape.find(&self.traces[self.next..], glance.looks)
        } else {
            None
        };
        if let Some(pattern) = pattern.filter(|pattern| pattern.is_quiet() && !cfg!(debug_assertions)) {
            let count = pattern.count();
            let traces = &self.traces[self.next..self.next + count];
            pattern.stand(traces, self.unit, &mut told.standings[stands..until]);
            self.next += count;
        } else {
            let day = CloseDay::new(run.own, position, stands);
            self.read_other_day(run, glance, pattern, told, close, (day, may_tell));
        }
        until
    }

    /// The same of a day on which something is found, or that is not remembered.
    #[inline(never)]
    fn read_other_day(
        &mut self,
        run: &Run<'_>,
        glance: &Glance,
        pattern: Option<&Pattern>,
        told: &mut Told<'_>,
        close: &mut Vec<CloseDay>,
        (day, may_tell): (CloseDay, bool),
    ) {
        let pattern = pattern.filter(|pattern| {
            let seen = || self.seen(run, day.position, glance, pattern.count());
            pattern.is_quiet() || pattern.tell(&seen(), &mut told.findings)
        });
        let swipes = self.pass(glance.looks);
        if let Some(pattern) = pattern {
            let traces = &self.traces[swipes.clone()];
            pattern.stand(traces, self.unit, &mut told.standings[day.standings..]);
            if !cfg!(debug_assertions) {
                return;
            }
        }
        let plain = may_tell.then_some((*glance, self.unit));
        close.push(CloseDay {
            plain: plain.filter(|_| are_plain(&self.traces[swipes.clone()])),
            swipes,
            is_told: pattern.is_some(),
            ..day
        });
    }

    fn seen<'s>(&'s self, run: &Run<'s>, day: usize, glance: &'s Glance, count: usize) -> Seen<'s> {
        let swipes = self.next..self.next + count;
        Seen {
            facts: self.facts,
            unit: self.unit,
            hours: run.hours,
            day,
            glance,
            before: last_seen(&self.traces[..self.next]),
            traces: &self.traces[swipes.clone()],
            swipes: &self.facts.swipes[swipes],
        }
    }

    /// Adds a day to those to look at, unless nothing else is known of it than that the person is off.
    fn pass_day(
        &mut self,
        run: &Run<'_>,
        (position, stands): (usize, usize),
        told: &mut Told<'_>,
        close: &mut Vec<CloseDay>,
    ) -> usize {
        let PersonFacts { site, person, .. } = *self.facts;
        let planned = &run.hours.days[position];
        let until = stands + planned.members.len();
        if run.is_off {
            let periods = &run.hours.plan[planned.members.clone()];
            for (standing, period) in told.standings[stands..until].iter_mut().zip(periods) {
                (standing.presence, standing.late) = (Presence::Excused, false);
                standing.unit = site.unit_at(person, period.interval.from);
            }
            if !cfg!(debug_assertions) {
                return until;
            }
        }
        self.go_to(planned.looks.from);
        close.push(CloseDay {
            swipes: self.pass(planned.looks),
            is_told: run.is_off,
            ..CloseDay::new(run.own, position, stands)
        });
        until
    }

    /// Goes on to the first swipe from an instant on, or back to it where the day before has reached beyond it.
    #[inline]
    fn go_to(&mut self, from: Instant) {
        while instant_of(self.traces[self.next]) < from {
            self.next += 1;
        }
        while self.next > 0 && instant_of(self.traces[self.next - 1]) >= from {
            self.next -= 1;
        }
    }

    /// Where the swipes of an interval lie that begins with the next.
    fn pass(&mut self, looks: Interval) -> Range<usize> {
        let first = self.next;
        while instant_of(self.traces[self.next]) < looks.until {
            self.next += 1;
        }
        first..self.next
    }

    /// Whether the person's unit is known and the same over an interval.
    #[inline]
    fn has_unit_over(&mut self, spans: Interval) -> bool {
        let covers = |belongs: Interval| belongs.from <= spans.from && spans.until <= belongs.until;
        covers(self.belongs) || covers(self.find_unit(spans.from))
    }

    #[cold]
    fn find_unit(&mut self, at: Instant) -> Interval {
        let around = self.facts.site.unit_around(self.facts.person, at);
        self.unit = around.map(|(unit, _)| unit);
        self.belongs = around.map_or(NOWHEN, |(_, belongs)| belongs);
        self.belongs
    }
}
