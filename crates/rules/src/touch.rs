//! Which dates a swipe can touch: what a new fact can change, and so what is judged anew when it comes.

use alloc::vec::Vec;
use core::iter::once;

use chrono::NaiveDate;

use crate::facts::{BURST_REACH, DateRange, OVERSTAY_REACH, SiteFacts, days_after, days_before};
use crate::hours::{bounds_of, followed_within};
use crate::model::PersonIndex;
use crate::plan::{Planned, Stay, stays_of};
use crate::time::{DayClocks, Instant, Interval, Span, local_date};

/// How many dates before and after one can share a break with it.
const NEIGHBOURING_DATES: u64 = 2;

/// For how many schedules and dates it is kept; a bureau has few schedules, and the swipes of a batch happened on few dates.
const KEPT: usize = 16;

/// Finds the dates that swipes touch, one swipe after another: most of them touch what others do who follow the same schedules. What it
/// knows is of one bureau's facts; for others a new one is needed.
#[derive(Debug, Default)]
pub struct Touching {
    known: Vec<Reached>,
}

/// From when to when swipes count for the periods of some dates, for everybody who follows the same schedules.
#[derive(Debug)]
struct Reached {
    around: DateRange,
    /// From the first to the last moment at which following a schedule matters to the dates.
    bounds: Interval,
    /// Which schedules they follow when, cut to `bounds`; by which assignment makes no difference here.
    following: Vec<(Interval, usize)>,
    /// Those of the dates that have periods, in order.
    extents: Vec<(NaiveDate, Interval)>,
}

impl Touching {
    /// The dates of a person that a swipe at `at` can touch, `next` being their next later swipe. Without a later swipe it reaches at most
    /// [`OVERSTAY_REACH`] beyond an absence that ended shortly before; dates that have not begun need no judging.
    pub fn dates(&mut self, site: &SiteFacts, person: PersonIndex, at: Instant, next: Option<Instant>) -> DateRange {
        let zone = site.records().site.zone;
        let date = local_date(at, zone);
        let around = DateRange {
            from: days_before(date, 2),
            until: days_after(date, 3),
        };
        let mut touched = match dates_tied_together(site, person, at, around) {
            Some(tied) => tied,
            None => self.dates_counting(site, person, at, around),
        };
        if let Some((ended_at, _)) = site.last_absence_taking_time(person, at) {
            let reach = local_date(ended_at + OVERSTAY_REACH, zone);
            let last = next.map_or(reach, |next| local_date(next, zone).min(reach));
            touched.until = touched.until.max(days_after(last, 3));
        }
        if site.any_late_allowance {
            let last = days_before(touched.until, 1);
            touched.until = site
                .next_working_date(person, last)
                .map_or(touched.until, |next| days_after(next, 1));
        }
        touched
    }

    /// Everybody whom a swipe of a person at `at` can touch, and on which dates; see [`Touching::dates`].
    pub fn people<'s>(
        &'s mut self,
        site: &'s SiteFacts,
        person: PersonIndex,
        at: Instant,
    ) -> impl Iterator<Item = (PersonIndex, DateRange)> + 's {
        let touched = once(person).chain(site.dependants_of(person).iter().copied());
        touched.map(move |person| (person, self.dates(site, person, at, None)))
    }

    /// The dates, of those `around` a swipe, for whose periods it can count.
    fn dates_counting(&mut self, site: &SiteFacts, person: PersonIndex, at: Instant, around: DateRange) -> DateRange {
        let reach = Interval::new(at, at + BURST_REACH);
        let usual = self.reached(site, person, around);
        let is_near = |absence: &usize| site.records().absences[*absence].interval.meets(usual.bounds);
        let is_away = site.absences_of(person).iter().any(is_near);
        let own = is_away.then(|| Planning::new(site, around).extents_left_to(person));
        let extents = usual.extents.iter().chain(own.iter().flatten());
        let touched = extents.filter(|(_, extent)| extent.meets(reach));
        let touched = touched.map(|(date, _)| DateRange::of_date(*date));
        touched.reduce(DateRange::hull).unwrap_or(DateRange {
            from: around.from,
            until: around.from,
        })
    }

    /// From when to when swipes count, but for absences.
    fn reached(&mut self, site: &SiteFacts, person: PersonIndex, around: DateRange) -> &Reached {
        let known = self.known.iter().position(|known| known.serves(site, person, around));
        let position = known.unwrap_or_else(|| {
            if self.known.len() == KEPT {
                self.known.clear();
            }
            self.known.push(Reached::of(site, person, around));
            self.known.len() - 1
        });
        &self.known[position]
    }
}

/// The dates for whose meetings or duties a swipe can count, and those `around` it, where it is near one. Meetings and duties tie dates
/// together (what they take out, the presence that they carry over), so near one all of them are taken.
fn dates_tied_together(site: &SiteFacts, person: PersonIndex, at: Instant, around: DateRange) -> Option<DateRange> {
    let near = Interval::new(
        at - Span::from_minutes(3 * 24 * 60),
        at + Span::from_minutes(3 * 24 * 60),
    );
    let reach = Interval::new(at, at + BURST_REACH);
    let mut meetings = site.meetings_meeting(person, near).peekable();
    let mut duties = site.duties_meeting(person, near).peekable();
    if meetings.peek().is_none() && duties.peek().is_none() {
        return None;
    }
    let over = meetings.filter(|(meeting, _)| site.meeting_extent(*meeting).contains(at));
    let over = over.map(|(meeting, _)| site.dates_of_meeting(meeting));
    let on = duties.filter(|duty| site.duty_extent(*duty).meets(reach));
    let on = on.map(|duty| site.dates_of_duty(duty));
    Some(over.chain(on).fold(around, DateRange::hull))
}

impl Reached {
    fn of(site: &SiteFacts, person: PersonIndex, around: DateRange) -> Self {
        let planning = Planning::new(site, around);
        Self {
            around,
            bounds: planning.bounds,
            following: schedules_within(site, person, planning.bounds).collect(),
            extents: planning.extents(&planning.plan(person)),
        }
    }

    fn serves(&self, site: &SiteFacts, person: PersonIndex, around: DateRange) -> bool {
        self.around == around && schedules_within(site, person, self.bounds).eq(self.following.iter().copied())
    }
}

fn schedules_within(
    site: &SiteFacts,
    person: PersonIndex,
    bounds: Interval,
) -> impl Iterator<Item = (Interval, usize)> + use<'_> {
    followed_within(site, person, bounds).map(|followed| (followed.interval, followed.schedule))
}

/// Periods of some dates and of those beside them.
struct Planning<'f> {
    site: &'f SiteFacts,
    around: DateRange,
    with_neighbours: DateRange,
    clocks: DayClocks,
    /// From the first to the last moment at which following a schedule matters to the dates.
    bounds: Interval,
}

impl<'f> Planning<'f> {
    fn new(site: &'f SiteFacts, around: DateRange) -> Self {
        let with_neighbours = DateRange {
            from: days_before(around.from, NEIGHBOURING_DATES),
            until: days_after(around.until, NEIGHBOURING_DATES),
        };
        let clocks = DayClocks::new(with_neighbours.from, with_neighbours.until, site.records().site.zone);
        Self {
            site,
            around,
            with_neighbours,
            bounds: bounds_of(&clocks.of(with_neighbours.from), &clocks.of(with_neighbours.until)),
            clocks,
        }
    }

    /// The periods of a person, before absences.
    fn plan(&self, person: PersonIndex) -> Vec<Planned> {
        let mut plan = Vec::new();
        for date in self.with_neighbours.days() {
            self.site.plan_before_absences(person, &self.clocks.of(date), &mut plan);
        }
        plan
    }

    /// As [`Planning::extents`], of what absences leave to a person. A shift that ends sooner shares a longer break, and one that is wholly
    /// excused leaves its break to those beside it.
    fn extents_left_to(&self, person: PersonIndex) -> Vec<(NaiveDate, Interval)> {
        let mut plan = self.plan(person);
        self.site.subtract_absences(person, &mut plan);
        self.extents(&plan)
    }

    /// From when to when swipes count for the periods of each of the dates that has any: their windows, and the breaks that they share.
    fn extents(&self, plan: &[Planned]) -> Vec<(NaiveDate, Interval)> {
        let mut stays = Vec::new();
        stays_of(self.site, plan, 0, &mut stays);
        let extent = |date: NaiveDate| {
            let periods = plan.iter().filter(|period| period.date == date);
            let windows = periods.map(|period| {
                let (from, until) = (period.interval.from, period.interval.until);
                Interval::new(from.min(period.arrive_from), until.max(period.leave_until))
            });
            let reaches = stays.iter().filter(|stay| stay.date == date).map(Stay::reach);
            let extent = windows.chain(reaches).reduce(Interval::hull)?;
            // The last instant counts too.
            Some((date, Interval::new(extent.from, extent.until.next())))
        };
        self.around.days().filter_map(extent).collect()
    }
}
