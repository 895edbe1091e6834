//! Day plans: which periods a person has on a date, and how periods join into stays and share the breaks between them.

use alloc::vec::Vec;
use core::ops::Range;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::facts::SiteFacts;
use crate::model::{AssignmentSubject, DayKind, Period, PeriodSettings, PersonIndex, Schedule, Side};
use crate::time::{DayClock, Instant, Interval, IntervalSet, Span};

/// A period of one person on one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The date on which it starts.
    pub date: NaiveDate,
    /// The edition, as a position in the records' schedules.
    pub schedule: usize,
    /// The period, as a position in that edition.
    pub period: usize,
    /// The position of how it is judged among the site's settings.
    settings_at: usize,
    /// To whom the schedule was assigned.
    pub assigned: AssignmentSubject,
    /// Whose weekday's periods the date has.
    pub acts_as: Weekday,
    /// The half holiday of the date.
    pub half: Option<DayKind>,
    /// From `starts` to `ends`.
    pub interval: Interval,
    /// The first moment that can count as an arrival.
    pub arrive_from: Instant,
    /// The last moment that can count as a departure.
    pub leave_until: Instant,
    /// `arrive_until` where it is set.
    pub arrive_until: Option<Instant>,
    /// `leave_from` where it is set.
    pub leave_from: Option<Instant>,
    /// What absences and half holidays leave of it; empty is wholly excused.
    pub base: IntervalSet,
}

impl Planned {
    /// The period as the schedule says it.
    pub fn of<'a>(&self, site: &'a SiteFacts) -> &'a Period {
        &site.records().schedules[self.schedule].periods[self.period]
    }

    pub(crate) fn settings<'a>(&self, site: &'a SiteFacts) -> &'a PeriodSettings {
        &site.settings[self.settings_at]
    }

    pub(crate) fn is_excused(&self) -> bool {
        self.base.is_empty()
    }

    /// From the first moment that it looks at to its end: an absence outside neither takes anything out of it nor shows during it.
    pub(crate) fn reach(&self) -> Interval {
        Interval::new(self.arrive_from.min(self.interval.from), self.interval.until)
    }

    /// Whether another period is judged as this one is but for the date, each on a date with that midnight.
    pub(crate) fn is_like(&self, midnight: Instant, other: &Self, other_midnight: Instant) -> bool {
        let same = |own: Instant, others: Instant| own - midnight == others - other_midnight;
        let same_interval =
            |own: Interval, others: Interval| same(own.from, others.from) && same(own.until, others.until);
        let same_setting = |own: Option<Instant>, others: Option<Instant>| match (own, others) {
            (Some(own), Some(others)) => same(own, others),
            (own, others) => own == others,
        };
        let (pieces, others) = (self.base.intervals(), other.base.intervals());
        self.settings_at == other.settings_at
            && self.half == other.half
            && same_interval(self.interval, other.interval)
            && same(self.arrive_from, other.arrive_from)
            && same(self.leave_until, other.leave_until)
            && same_setting(self.arrive_until, other.arrive_until)
            && same_setting(self.leave_from, other.leave_from)
            && pieces.len() == others.len()
            && pieces
                .iter()
                .zip(others)
                .all(|(own, others)| same_interval(*own, *others))
    }

    /// What a half holiday takes out of the date's periods: all before, or all from, 12:00.
    pub(crate) fn half_interval(&self, noon: Instant) -> Option<Interval> {
        match self.half? {
            DayKind::MorningOff => Some(Interval::new(Instant::from_ms(i64::MIN), noon)),
            DayKind::AfternoonOff => Some(Interval::new(noon, Instant::from_ms(i64::MAX))),
            DayKind::Holiday | DayKind::Workday => None,
        }
    }
}

impl SiteFacts {
    /// The periods of a person on a date, in order, with what half holidays and absences leave of them.
    pub(crate) fn plan_date(&self, person: PersonIndex, clock: &DayClock, periods: &mut Vec<Planned>) {
        let first_new = periods.len();
        self.plan_before_absences(person, clock, periods);
        self.subtract_absences(person, &mut periods[first_new..]);
    }

    pub(crate) fn subtract_absences(&self, person: PersonIndex, periods: &mut [Planned]) {
        for position in self.absences_of(person) {
            let absence = self.records().absences[*position].interval;
            for period in &mut *periods {
                period.base.subtract(absence);
            }
        }
    }

    pub(crate) fn plan_before_absences(&self, person: PersonIndex, clock: &DayClock, periods: &mut Vec<Planned>) {
        let Some((acts_as, half)) = self.working_day(clock.date) else {
            return;
        };
        let first_new = periods.len();
        let midnight = clock.midnight();
        let day = Interval::new(midnight, midnight + Span::from_minutes(2 * 24 * 60));
        let following = self.following_of(person);
        let over = following.partition_point(|following| following.interval.until <= day.from);
        for followed in following[over..]
            .iter()
            .take_while(|followed| followed.interval.from < day.until)
        {
            let Some(schedule) = self.edition_on(followed.schedule, clock.date) else {
                continue;
            };
            for (position, period) in self.records().schedules[schedule].periods.iter().enumerate() {
                let starts = clock.at(period.starts);
                if period.weekdays[acts_as.num_days_from_monday() as usize] && followed.interval.contains(starts) {
                    let settings_at = self.settings_of[schedule] + position;
                    let planned = plan_period(
                        clock,
                        period,
                        starts,
                        (schedule, position, settings_at, followed.assigned, acts_as, half),
                    );
                    periods.push(planned);
                }
            }
        }
        periods[first_new..].sort_by_key(|period| period.interval.from);
    }

    /// Whose weekday's periods a date has and whether half of it is off; `None` is a holiday.
    fn working_day(&self, date: NaiveDate) -> Option<(Weekday, Option<DayKind>)> {
        let own = date.weekday();
        let Some(position) = self.calendar.get(&date) else {
            return Some((own, None));
        };
        let day = &self.records().calendar[*position];
        match day.kind {
            DayKind::Holiday => None,
            DayKind::MorningOff | DayKind::AfternoonOff => Some((own, Some(day.kind))),
            DayKind::Workday => {
                let usual = if matches!(own, Weekday::Sat | Weekday::Sun) {
                    Weekday::Mon
                } else {
                    own
                };
                Some((day.acts_as.unwrap_or(usual), None))
            }
        }
    }

    /// The edition of a schedule that is in force on a date: of several the latest `from`.
    fn edition_on(&self, schedule: usize, date: NaiveDate) -> Option<usize> {
        let in_force = |edition: &Schedule| {
            edition.from.is_none_or(|from| from <= date) && edition.until.is_none_or(|until| date < until)
        };
        self.editions[schedule]
            .iter()
            .copied()
            .find(|position| in_force(&self.records().schedules[*position]))
    }
}

type Origin = (usize, usize, usize, AssignmentSubject, Weekday, Option<DayKind>);

fn plan_period(clock: &DayClock, period: &Period, starts: Instant, origin: Origin) -> Planned {
    const ARRIVE_BEFORE: Span = Span::from_minutes(120);
    const LEAVE_AFTER: Span = Span::from_minutes(600);
    let (schedule, position, settings_at, assigned, acts_as, half) = origin;
    let settings = &period.settings;
    let interval = Interval::new(starts, clock.at(period.ends));
    let mut planned = Planned {
        date: clock.date,
        schedule,
        period: position,
        settings_at,
        assigned,
        acts_as,
        half,
        interval,
        arrive_from: settings
            .arrive_from
            .map_or(starts - ARRIVE_BEFORE, |time| clock.at(time)),
        leave_until: settings
            .leave_until
            .map_or(interval.until + LEAVE_AFTER, |time| clock.at(time)),
        arrive_until: settings.arrive_until.map(|time| clock.at(time)),
        leave_from: settings.leave_from.map(|time| clock.at(time)),
        base: IntervalSet::from_interval(interval),
    };
    if let Some(off) = planned.half_interval(clock.noon()) {
        planned.base.subtract(off);
    }
    planned
}

/// Periods of one date that are judged as one; mostly a single period.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    pub(crate) date: NaiveDate,
    /// Positions in the plan, wholly excused members included.
    pub(crate) members: Range<usize>,
    /// The first member that is not wholly excused.
    pub(crate) first: usize,
    /// The last member that is not wholly excused.
    pub(crate) last: usize,
    /// What absences and half holidays leave of the members.
    pub(crate) left: IntervalSet,
    /// From the first to the last instant of `left`.
    pub(crate) extent: Interval,
    /// From the first instant left of the first member to the last left of the last; a member that lies within another, where
    /// schedules change during a date, makes it differ from `extent`.
    pub(crate) bounds: Interval,
    /// When the first of the members ends that are not wholly excused, as far as they are left.
    pub(crate) first_end: Instant,
    /// Whether stepping out is judged in any of the members.
    pub(crate) judges_step_out: bool,
    pub(crate) arrive_from: Instant,
    /// As set; [`Stay::settled_at`] is when looking ends.
    pub(crate) leave_until: Instant,
    pub(crate) arrive_until: Instant,
    pub(crate) leave_from: Instant,
    /// The time between the breaks that it shares: what happens in it belongs to no other stay.
    pub(crate) own: Interval,
    /// The break that it shares with the stay before it.
    pub(crate) before: Option<Break>,
    /// The break that it shares with the stay after it.
    pub(crate) after: Option<Break>,
}

/// The time between two stays, where the windows of both reach into it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Break {
    pub(crate) interval: Interval,
    pub(crate) middle: Instant,
    /// The neighbouring period, as a position in the plan.
    pub(crate) neighbour: usize,
}

impl Stay {
    /// When no swipe can change it any more: `leave_until`, or the start of the next period.
    pub(crate) fn settled_at(&self) -> Instant {
        self.after
            .map_or(self.leave_until, |shared| self.leave_until.min(shared.interval.until))
    }

    /// From when swipes are its own or may be, up to when.
    pub(crate) fn reach(&self) -> Interval {
        let from = self.before.map_or(self.arrive_from, |shared| shared.interval.from);
        Interval::new(
            from,
            self.after.map_or(self.leave_until, |shared| shared.interval.until),
        )
    }
}

/// Adds the stays of the part of a plan that begins at `first`, its periods in order; wholly excused ones are left out.
pub(crate) fn stays_of(site: &SiteFacts, plan: &[Planned], first: usize, stays: &mut Vec<Stay>) {
    let first_stay = stays.len();
    let mut begins = first;
    for position in first + 1..=plan.len() {
        if position < plan.len() && joins(site, &plan[position - 1], &plan[position]) {
            continue;
        }
        stays.extend(stay_of(site, (plan, first), begins..position));
        begins = position;
    }
    share_breaks(&mut stays[first_stay..]);
}

/// Rule 2: periods of one date that touch, or whose inner sides are both free, are one stay.
fn joins(site: &SiteFacts, earlier: &Planned, later: &Planned) -> bool {
    let touching = later.interval.from <= earlier.interval.until;
    let free = || earlier.settings(site).leave == Side::Free && later.settings(site).arrive == Side::Free;
    earlier.date == later.date && (touching || free())
}

fn stay_of(site: &SiteFacts, (plan, begins): (&[Planned], usize), members: Range<usize>) -> Option<Stay> {
    let first = members.clone().find(|member| !plan[*member].is_excused())?;
    let last = members.clone().rfind(|member| !plan[*member].is_excused())?;
    let bounds = Interval::new(plan[first].base.start()?, plan[last].base.end()?);
    let middle = middle_of(bounds);
    let inside = |set: Option<Instant>| {
        set.filter(|at| bounds.from <= *at && *at <= bounds.until)
            .unwrap_or(middle)
    };
    let date = plan[first].date;
    // Rule 4: a wholly excused neighbour on the same date lends its window.
    let lends = |period: &&Planned| period.date == date && period.is_excused();
    let earlier = plan[begins..first]
        .iter()
        .rev()
        .take_while(lends)
        .map(|period| period.arrive_from);
    let later = plan[last + 1..]
        .iter()
        .take_while(lends)
        .map(|period| period.leave_until);
    let mut left = plan[first].base.clone();
    for period in &plan[first + 1..=last] {
        period.base.intervals().iter().for_each(|piece| left.insert(*piece));
    }
    let judged = || plan[members.clone()].iter().filter(|period| !period.is_excused());
    let first_end = judged().filter_map(|period| period.base.end()).min()?;
    let judges_step_out = judged()
        .map(|period| period.settings(site))
        .any(|settings| settings.step_out_allowance.is_some());
    Some(Stay {
        extent: Interval::new(left.start()?, left.end()?),
        date,
        first,
        last,
        left,
        bounds,
        first_end,
        judges_step_out,
        arrive_from: earlier.fold(plan[first].arrive_from, Instant::min),
        leave_until: later.fold(plan[last].leave_until, Instant::max),
        arrive_until: inside(plan[first].arrive_until),
        leave_from: inside(plan[last].leave_from),
        members,
        own: Interval::new(Instant::from_ms(i64::MIN), Instant::from_ms(i64::MAX)),
        before: None,
        after: None,
    })
}

pub(crate) fn middle_of(interval: Interval) -> Instant {
    interval.from + Span::from_ms(interval.length().as_ms() / 2)
}

/// Rule 3: where one stay's `leave_until` lies beyond the next one's `arrive_from`, they share the break between them.
fn share_breaks(stays: &mut [Stay]) {
    for position in 1..stays.len() {
        let (earlier, later) = (&stays[position - 1], &stays[position]);
        if earlier.leave_until <= later.arrive_from {
            continue;
        }
        let until = later.bounds.from;
        let interval = Interval::new(earlier.bounds.until.min(until), until);
        let (neighbour_before, neighbour_after) = (earlier.last, later.first);
        let middle = middle_of(interval);
        stays[position - 1].own.until = interval.from;
        stays[position].own.from = interval.until;
        stays[position - 1].after = Some(Break {
            interval,
            middle,
            neighbour: neighbour_after,
        });
        stays[position].before = Some(Break {
            interval,
            middle,
            neighbour: neighbour_before,
        });
    }
}
