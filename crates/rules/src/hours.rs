//! Office hours over many dates: compiled once for everybody who follows the same schedules, and patched where a person is absent.

use alloc::vec::Vec;
use core::ops::Range;

use chrono::NaiveDate;

use crate::assignment::Following;
use crate::facts::{DateRange, SiteFacts};
use crate::model::PersonIndex;
use crate::plan::{Planned, Stay, stays_of};
use crate::shape::{Glance, Shapes};
use crate::time::{DayClock, DayClocks, Instant, Interval, Span};

/// How many compiled office hours are kept; a bureau has few schedules, and compiling them again costs little.
const KEPT: usize = 64;

/// Office hours over some dates, in order.
#[derive(Debug, Default)]
pub(crate) struct Hours {
    pub(crate) plan: Vec<Planned>,
    pub(crate) stays: Vec<Stay>,
    pub(crate) days: Vec<PlannedDay>,
    /// How each of the days can be read at a glance, where it can, once that is known.
    pub(crate) glances: Vec<Option<Glance>>,
}

/// A date with periods.
#[derive(Clone, Debug)]
pub(crate) struct PlannedDay {
    pub(crate) date: NaiveDate,
    pub(crate) midnight: Instant,
    /// From the first moment that any of its periods looks at to the end of the last: an absence outside changes nothing.
    pub(crate) reach: Interval,
    /// From the first moment that can count as an arrival in any of its periods to the last that can count as a departure.
    windows: Interval,
    /// From the first to the last moment at which a swipe can belong to one of its stays.
    pub(crate) looks: Interval,
    /// Positions in the plan.
    pub(crate) members: Range<usize>,
    /// Positions among the stays.
    pub(crate) stays: Range<usize>,
}

/// The office hours of everybody who follows the same schedules over the same dates, before absences.
#[derive(Debug)]
struct Shared {
    /// Of no other hours that were ever compiled.
    number: u64,
    dates: DateRange,
    /// From the first to the last moment at which following a schedule matters to the dates.
    bounds: Interval,
    /// What they follow, cut to `bounds`.
    following: Vec<Following>,
    hours: Hours,
    /// Whether it is known how its days can be read at a glance: once somebody else has the same hours, it is worth while.
    is_shaped: bool,
}

/// Days of a person whose hours differ from the shared ones.
#[derive(Clone, Debug)]
struct Patch {
    /// Positions among the shared days.
    days: Range<usize>,
    /// Whether the person is off on all of them, so that they need no days of their own.
    is_off: bool,
    /// The position of the first of them among the person's own days, if they are there.
    own: Option<usize>,
}

/// The office hours of one person after another.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    shared: Vec<Shared>,
    /// How many hours were compiled.
    compiled: u64,
    current: usize,
    /// The hours of the days that absences touch, with a day on both sides for the breaks that they share.
    own: Hours,
    patches: Vec<Patch>,
}

/// Days of a timetable in a row.
#[derive(Clone, Debug)]
pub(crate) struct Run<'a> {
    /// The hours of which they are days.
    pub(crate) hours: &'a Hours,
    /// Their positions among the days of those.
    pub(crate) days: Range<usize>,
    /// Whether the hours are the person's own: absences may be looked at on these days.
    pub(crate) own: bool,
    /// Whether the person is off on all of them.
    pub(crate) is_off: bool,
}

impl Run<'_> {
    /// The positions of those of its days that are among some dates.
    pub(crate) fn days_of(&self, dates: DateRange) -> Range<usize> {
        let days = &self.hours.days[self.days.clone()];
        let ends = [days.first(), days.last()];
        if ends.iter().flatten().all(|day| dates.contains(day.date)) {
            return self.days.clone();
        }
        let first = days.partition_point(|day| day.date < dates.from);
        let count = days[first..].partition_point(|day| day.date < dates.until);
        self.days.start + first..self.days.start + first + count
    }
}

impl Hours {
    /// The stays of one of the days.
    pub(crate) fn stays(&self, day: usize) -> &[Stay] {
        &self.stays[self.days[day].stays.clone()]
    }

    /// Whether the periods of some days lie within an interval.
    fn are_within(&self, days: &Range<usize>, interval: Interval) -> bool {
        let members = self.days[days.start].members.start..self.days[days.end - 1].members.end;
        let mut periods = self.plan[members].iter().map(|period| period.interval);
        periods.all(|period| interval.from <= period.from && period.until <= interval.until)
    }

    fn clear(&mut self) {
        self.plan.clear();
        self.stays.clear();
        self.days.clear();
    }

    /// Adds the stays and days of the part of the plan that begins at `first`.
    fn join(&mut self, site: &SiteFacts, first: usize, midnight_of: impl Fn(NaiveDate) -> Instant) {
        let first_stay = self.stays.len();
        stays_of(site, &self.plan, first, &mut self.stays);
        let (mut member, mut stay) = (first, first_stay);
        for periods in self.plan[first..].chunk_by(|one, other| one.date == other.date) {
            let date = periods[0].date;
            let stays = self.stays[stay..].iter().take_while(|stay| stay.date == date).count();
            let looks = self.stays[stay..stay + stays].iter().map(Stay::reach);
            let reach = periods.iter().map(Planned::reach).reduce(Interval::hull);
            let windows = periods
                .iter()
                .map(|period| Interval::new(period.arrive_from, period.leave_until));
            self.days.push(PlannedDay {
                date,
                midnight: midnight_of(date),
                reach: reach.unwrap_or(periods[0].interval),
                windows: windows.reduce(Interval::hull).unwrap_or(periods[0].interval),
                looks: looks.reduce(Interval::hull).unwrap_or(periods[0].interval),
                members: member..member + periods.len(),
                stays: stay..stay + stays,
            });
            (member, stay) = (member + periods.len(), stay + stays);
        }
    }
}

impl Shared {
    fn compile(site: &SiteFacts, person: PersonIndex, dates: DateRange, number: u64) -> Self {
        let zone = site.records().site.zone;
        let clocks = DayClocks::new(dates.from, dates.until, zone);
        let bounds = bounds_of(&clocks.of(dates.from), &clocks.of(dates.until));
        let mut hours = Hours::default();
        for date in dates.days() {
            site.plan_before_absences(person, &clocks.of(date), &mut hours.plan);
        }
        hours.join(site, 0, |date| clocks.of(date).midnight());
        Self {
            number,
            dates,
            bounds,
            following: followed_within(site, person, bounds).collect(),
            hours,
            is_shaped: false,
        }
    }

    fn shape(&mut self, site: &SiteFacts, shapes: &mut Shapes) {
        let glances = self
            .hours
            .days
            .iter()
            .map(|day| shapes.glance_at(site, &self.hours, day));
        self.hours.glances = glances.collect();
        self.is_shaped = true;
    }

    fn serves(&self, site: &SiteFacts, person: PersonIndex, dates: DateRange) -> bool {
        self.dates == dates && followed_within(site, person, self.bounds).eq(self.following.iter().copied())
    }
}

/// From a day before the first midnight to three days beyond the last, as far as a period of a date can start.
pub(crate) fn bounds_of(first: &DayClock, last: &DayClock) -> Interval {
    const LATEST_START: Span = Span::from_minutes(3 * 24 * 60);
    Interval::new(
        first.midnight() - Span::from_minutes(24 * 60),
        last.midnight() + LATEST_START,
    )
}

/// What a person follows within some bounds, cut to them.
pub(crate) fn followed_within(
    site: &SiteFacts,
    person: PersonIndex,
    bounds: Interval,
) -> impl Iterator<Item = Following> + use<'_> {
    let meeting = site
        .following_of(person)
        .iter()
        .filter(move |followed| followed.interval.meets(bounds));
    meeting.map(move |followed| Following {
        interval: followed.interval.intersect(bounds),
        ..*followed
    })
}

impl Timetable {
    /// Makes it the timetable of a person over some dates.
    pub(crate) fn turn_to(&mut self, site: &SiteFacts, person: PersonIndex, dates: DateRange, shapes: &mut Shapes) {
        let mut known = self.shared.iter();
        if let Some(known) = known.position(|shared| shared.serves(site, person, dates)) {
            self.current = known;
            if !self.shared[known].is_shaped {
                self.shared[known].shape(site, shapes);
            }
        } else {
            if self.shared.len() == KEPT {
                self.shared.clear();
            }
            self.compiled += 1;
            self.shared.push(Shared::compile(site, person, dates, self.compiled));
            self.current = self.shared.len() - 1;
        }
        self.own.clear();
        self.patches.clear();
    }

    /// Takes the person's absences out of it. Those that cover whole days and are over by `off_by` only say that the person is off
    /// then.
    pub(crate) fn patch(&mut self, site: &SiteFacts, person: PersonIndex, off_by: Option<Instant>) {
        self.own.clear();
        self.patches.clear();
        if !site.absences_of(person).is_empty() {
            self.find_patches(site, person, off_by);
            self.plan_patches(site, person);
        }
    }

    /// The hours of which some of its days are.
    pub(crate) fn hours(&self, own: bool) -> Option<&Hours> {
        let shared = self.shared.get(self.current).map(|shared| &shared.hours);
        shared.map(|shared| if own { &self.own } else { shared })
    }

    /// Whether it is known which of its days can be read at a glance.
    pub(crate) fn is_shaped(&self) -> bool {
        self.shared.get(self.current).is_some_and(|shared| shared.is_shaped)
    }

    /// Of which hours its days are, absences aside: a number that says the same of two people where the periods of their dates are the
    /// same.
    pub(crate) fn number(&self) -> Option<u64> {
        self.shared.get(self.current).map(|shared| shared.number)
    }

    /// Its days in order, those that the person shares and those of their own in turn.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        let shared = self.shared.get(self.current).map(|shared| &shared.hours);
        shared.into_iter().flat_map(move |hours| {
            let shared_run = |days: Range<usize>| Run {
                hours,
                days,
                own: false,
                is_off: false,
            };
            let own_run = move |patch: &Patch| match patch.own {
                Some(own) => Run {
                    hours: &self.own,
                    days: own..own + patch.days.len(),
                    own: true,
                    is_off: patch.is_off,
                },
                None => Run {
                    is_off: patch.is_off,
                    ..shared_run(patch.days.clone())
                },
            };
            let ends = self.patches.iter().map(|patch| patch.days.end);
            let begins = core::iter::once(0).chain(ends);
            let patched = self.patches.iter().zip(begins.clone());
            let until_the_last =
                patched.flat_map(move |(patch, begins)| [shared_run(begins..patch.days.start), own_run(patch)]);
            until_the_last.chain(begins.last().map(|begins| shared_run(begins..hours.days.len())))
        })
    }

    /// Finds the days that absences touch, and the days before and after whose breaks may change.
    fn find_patches(&mut self, site: &SiteFacts, person: PersonIndex, off_by: Option<Instant>) {
        let Some(Shared { hours, .. }) = self.shared.get(self.current) else {
            return;
        };
        for absence in site.absences_of(person) {
            let interval = site.records().absences[*absence].interval;
            let Some(touched) = touched_days(&hours.days, interval) else {
                continue;
            };
            let days = with_neighbours(&hours.days, &touched);
            let is_over = off_by.is_some_and(|off_by| interval.until <= off_by);
            let is_off = is_over && days == touched && hours.are_within(&days, interval);
            match self.patches.last_mut() {
                Some(last) if days.start < last.days.end => {
                    last.days = last.days.start.min(days.start)..last.days.end.max(days.end);
                    last.is_off &= is_off;
                }
                _ => self.patches.push(Patch {
                    days,
                    is_off,
                    own: None,
                }),
            }
        }
        merge(&mut self.patches);
    }

    /// Plans those days anew.
    fn plan_patches(&mut self, site: &SiteFacts, person: PersonIndex) {
        let Some(Shared { hours, .. }) = self.shared.get(self.current) else {
            return;
        };
        let needs_own = |patch: &&mut Patch| !patch.is_off || cfg!(debug_assertions);
        for patch in self.patches.iter_mut().filter(needs_own) {
            // One more on both sides, for the breaks that the outermost share; those are not looked at themselves.
            let Range {
                start: from,
                end: until,
            } = with_neighbours(&hours.days, &patch.days);
            let first = self.own.plan.len();
            let members = hours.days[from].members.start..hours.days[until - 1].members.end;
            self.own.plan.extend_from_slice(&hours.plan[members]);
            site.subtract_absences(person, &mut self.own.plan[first..]);
            patch.own = Some(self.own.days.len() + patch.days.start - from);
            let days = &hours.days[from..until];
            self.own.join(site, first, |date| {
                days[days.partition_point(|day| day.date < date)].midnight
            });
        }
    }
}

/// The positions of the days at whose periods an absence is looked at, from the first to the last.
fn touched_days(days: &[PlannedDay], absence: Interval) -> Option<Range<usize>> {
    // Periods reach from a day before their midnight to two days after it; clocks change by less than a day.
    const BEFORE: Span = Span::from_minutes(2 * 24 * 60);
    const AFTER: Span = Span::from_minutes(4 * 24 * 60);
    let from = days.partition_point(|day| day.midnight + AFTER <= absence.from);
    let candidates = days[from..]
        .iter()
        .take_while(|day| day.midnight - BEFORE < absence.until);
    let mut touched = candidates
        .enumerate()
        .filter(|(_, day)| day.reach.meets(absence))
        .map(|(position, _)| from + position);
    let first = touched.next()?;
    Some(first..touched.last().unwrap_or(first) + 1)
}

/// These days, with the one before and the one after where those can share a break with them, or with each other where nothing is
/// left of these.
fn with_neighbours(days: &[PlannedDay], these: &Range<usize>) -> Range<usize> {
    let (before, after) = (day_before(days, these.start), day_after(days, these.end - 1));
    let from = days[these.start..=after].iter().map(|day| day.windows.from).min();
    let until = days[before..these.end].iter().map(|day| day.windows.until).max();
    let first = if from.is_some_and(|from| days[before].windows.until > from) {
        before
    } else {
        these.start
    };
    let last = if until.is_some_and(|until| days[after].windows.from < until) {
        after + 1
    } else {
        these.end
    };
    first..last
}

/// The nearest day before with stays, or the first.
fn day_before(days: &[PlannedDay], position: usize) -> usize {
    (0..position).rfind(|day| !days[*day].stays.is_empty()).unwrap_or(0)
}

/// The nearest day after with stays, or the last.
fn day_after(days: &[PlannedDay], position: usize) -> usize {
    (position + 1..days.len())
        .find(|day| !days[*day].stays.is_empty())
        .unwrap_or(days.len() - 1)
}

/// Makes patches that overlap one; absences are in order of their beginnings, and their days nearly so.
fn merge(patches: &mut Vec<Patch>) {
    patches.sort_by_key(|patch| patch.days.start);
    patches.dedup_by(|later, earlier| {
        let overlap = later.days.start < earlier.days.end;
        if overlap {
            earlier.days.end = earlier.days.end.max(later.days.end);
            earlier.is_off &= later.is_off;
        }
        overlap
    });
}
