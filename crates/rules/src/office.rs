//! Office periods: arrival, departure, and what they say. Rules are numbered as in the domain's "An office period".

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Deref;

use chrono::NaiveDate;

use crate::coverage::{Towards, Unseen, Watching};
use crate::deadline::Deadline;
use crate::draft::{Draft, Measured};
use crate::duty::Shift;
use crate::explain::{ArrivalReason, DueReason};
use crate::facts::{PersonFacts, SiteFacts};
use crate::finding::{FindingKind, FindingState};
use crate::meeting::{Judged, Taken};
use crate::model::{Facing, LateCountsFrom, Occasion, PeriodSettings, PersonIndex, Side, SwipeId};
use crate::plan::{Break, Planned, Stay};
use crate::swipes::{Event, was_at_office};
use crate::time::{DayClock, Instant, Interval, IntervalSet, Span};

/// What all stays of a person share.
#[derive(Debug)]
pub(crate) struct Office<'a> {
    pub(crate) site: &'a SiteFacts,
    pub(crate) person: PersonIndex,
    pub(crate) plan: &'a [Planned],
    /// Whether an absence of the person may be looked at on the date.
    pub(crate) meets_absences: bool,
    /// Swipes at office places and first openings of meetings and duties, in order.
    pub(crate) events: &'a [Event],
    /// The facts and the instant by which to ask for other events, where `events` are only those around the dates that are looked at.
    pub(crate) unread: Option<(PersonFacts<'a>, Instant)>,
    pub(crate) meetings: &'a [Judged],
    pub(crate) shifts: &'a [Shift],
    pub(crate) taken: &'a [Taken],
}

/// An event of a stay, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    pub(crate) event: &'a Event,
    pub(crate) faces: Facing,
}

/// The marks of stays in order, one stay's after the other's.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    marks: Vec<Mark<'a>>,
    /// How many of them each stay has.
    counts: Vec<usize>,
    /// How far the events have been looked at, where the search for the next begins.
    events: usize,
}

impl<'a> Looked<'a> {
    pub(crate) fn at_most(events: usize) -> Self {
        Self {
            marks: Vec::with_capacity(events),
            counts: Vec::with_capacity(events),
            events: 0,
        }
    }

    /// The marks again, stay by stay.
    pub(crate) fn by_stay(&'a self) -> impl Iterator<Item = &'a [Mark<'a>]> {
        let mut left = &self.marks[..];
        self.counts.iter().map(move |count| {
            let (own, others) = left.split_at(*count);
            left = others;
            own
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival<'a> {
    /// Its position in [`StayView::marks`].
    pub(crate) mark: usize,
    pub(crate) at: Instant,
    pub(crate) event: &'a Event,
    pub(crate) reason: ArrivalReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) at: Instant,
    pub(crate) id: SwipeId,
    /// Whether an `out` swipe shows it, so that it is known at once.
    pub(crate) by_out: bool,
    pub(crate) closing_of: Option<Occasion>,
}

/// Time between going out and coming back in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) ids: [SwipeId; 2],
    pub(crate) length: Span,
}

/// What is left of a stay to be judged: mostly what everybody of these hours has.
#[derive(Clone, Debug)]
pub(crate) enum Left<'a> {
    AsPlanned(&'a Stay),
    Changed(Box<IntervalSet>),
}

impl Deref for Left<'_> {
    type Target = IntervalSet;

    fn deref(&self) -> &IntervalSet {
        match self {
            Self::AsPlanned(stay) => &stay.left,
            Self::Changed(left) => left,
        }
    }
}

impl Left<'_> {
    /// From its first to its last instant, if anything is left.
    fn bounds(&self) -> Option<Interval> {
        match self {
            Self::AsPlanned(stay) => Some(stay.extent),
            Self::Changed(left) => Some(Interval::new(left.start()?, left.end()?)),
        }
    }

    fn to_mut(&mut self) -> &mut IntervalSet {
        match self {
            Self::Changed(left) => left,
            Self::AsPlanned(stay) => {
                *self = Self::Changed(Box::new(stay.left.clone()));
                self.to_mut()
            }
        }
    }
}

/// A stay with what was seen in it.
#[derive(Clone, Debug)]
pub(crate) struct StayView<'a> {
    pub(crate) stay: &'a Stay,
    /// How its arrival is judged.
    pub(crate) arriving: &'a PeriodSettings,
    /// How its departure is judged.
    pub(crate) leaving: &'a PeriodSettings,
    /// What absences, half holidays and meetings leave, with the time by which the required end moved.
    pub(crate) effective: Left<'a>,
    /// The same where no attendance is assumed, if some is.
    pub(crate) unassumed: Option<Box<IntervalSet>>,
    pub(crate) marks: &'a [Mark<'a>],
    pub(crate) arrival: Option<Arrival<'a>>,
    pub(crate) due: Instant,
    pub(crate) due_reason: DueReason,
    pub(crate) required_end: Instant,
    pub(crate) moved: Span,
    pub(crate) departure: Option<Departure>,
    /// An `in` that makes an earlier departure none.
    pub(crate) came_back: Option<usize>,
    /// From which mark on another visit begins.
    pub(crate) visit_ends: usize,
    /// The meeting that covers the start.
    pub(crate) start_taken: Option<&'a Taken>,
    /// The meeting that covers the end.
    pub(crate) end_taken: Option<&'a Taken>,
}

/// The departure of the last period of the date before, for rule 12.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastDeparture {
    pub(crate) date: NaiveDate,
    pub(crate) at: Instant,
}

impl<'a> Office<'a> {
    /// Which events belong to which of the stays of one date.
    pub(crate) fn look(&self, stays: &[Stay], looked: &mut Looked<'a>) {
        for stay in stays {
            let before = looked.marks.len();
            self.mark(stay, looked);
            looked.counts.push(looked.marks.len() - before);
        }
    }

    /// Views the stays of one date: arrivals first, because they move the required end of the date's last period. The views are
    /// written over those of another date.
    pub(crate) fn view_date(
        &self,
        stays: &'a [Stay],
        marks: &mut impl Iterator<Item = &'a [Mark<'a>]>,
        before: Option<LastDeparture>,
        views: &mut Vec<StayView<'a>>,
    ) {
        views.truncate(stays.len());
        for stay in &stays[views.len()..] {
            views.push(self.unseen(stay));
        }
        for ((view, stay), marks) in views.iter_mut().zip(stays).zip(marks) {
            self.arrive(stay, marks, view);
        }
        let moved = views.iter().fold(Span::ZERO, |sum, view| sum + self.flex_used(view));
        if let Some((first, before)) = views.first_mut().zip(before.filter(|_| self.site.any_late_allowance)) {
            self.come_late(first, before);
        }
        if let Some(last) = views.last_mut().filter(|_| moved > Span::ZERO) {
            self.move_required_end(last, moved);
        }
        for view in views {
            self.depart(view);
        }
    }

    /// A view that nothing has been looked at for.
    fn unseen(&self, stay: &'a Stay) -> StayView<'a> {
        StayView {
            stay,
            arriving: self.plan[stay.first].settings(self.site),
            leaving: self.plan[stay.last].settings(self.site),
            effective: Left::AsPlanned(stay),
            unassumed: None,
            marks: &[],
            arrival: None,
            due: stay.bounds.from,
            due_reason: DueReason::EffectiveStart,
            required_end: stay.bounds.until,
            moved: Span::ZERO,
            departure: None,
            came_back: None,
            visit_ends: 0,
            start_taken: None,
            end_taken: None,
        }
    }

    /// The members of a stay that are not wholly excused.
    pub(crate) fn members(&self, stay: &Stay) -> impl Iterator<Item = usize> + use<'a> {
        let plan = self.plan;
        stay.members.clone().filter(move |member| !plan[*member].is_excused())
    }

    /// Makes `view` one of this stay, all but what `depart` finds. Every part is written where it stays: views are large, and
    /// moving them takes longer than the rest.
    fn arrive(&self, stay: &'a Stay, marks: &'a [Mark<'a>], view: &mut StayView<'a>) {
        view.stay = stay;
        view.arriving = self.plan[stay.first].settings(self.site);
        view.leaving = if stay.last == stay.first {
            view.arriving
        } else {
            self.plan[stay.last].settings(self.site)
        };
        (view.effective, view.unassumed) = self.effective(stay);
        view.marks = marks;
        view.arrival = arrival_of(stay, marks);
        let effective = view.effective.bounds().unwrap_or(stay.bounds);
        let start = effective.from;
        let flexible_until = self.plan[stay.first].interval.from + view.arriving.flex;
        view.due = start.max(flexible_until);
        view.due_reason = if flexible_until > start {
            DueReason::Flex {
                flex: view.arriving.flex,
            }
        } else {
            DueReason::EffectiveStart
        };
        view.required_end = effective.until;
        view.moved = Span::ZERO;
        // Attendance that was seen says more than attendance that is assumed.
        let covers = |at: Instant| {
            let covering = self.taken.iter().filter(move |taken| taken.interval.contains(at));
            covering.min_by_key(|taken| taken.assumed_until.is_some())
        };
        view.start_taken = covers(stay.bounds.from);
        view.end_taken = covers(stay.bounds.until - Span::from_ms(1));
    }

    /// Rules 1 and 11: what is left, and what would be left if nobody's attendance were assumed.
    fn effective(&self, stay: &'a Stay) -> (Left<'a>, Option<Box<IntervalSet>>) {
        let mut effective = Left::AsPlanned(stay);
        let reaching = || self.taken.iter().filter(|taken| taken.interval.meets(stay.bounds));
        let assumed = reaching().any(|taken| taken.assumed_until.is_some());
        let mut unassumed = assumed.then(|| Box::new(stay.left.clone()));
        for taken in reaching() {
            effective.to_mut().subtract(taken.interval);
            if let Some(unassumed) = unassumed.as_mut().filter(|_| taken.assumed_until.is_none()) {
                unassumed.subtract(taken.interval);
            }
        }
        (effective, unassumed)
    }

    /// The events that belong to a stay, by rules 3 and 4.
    fn mark(&self, stay: &Stay, looked: &mut Looked<'a>) {
        let reach = stay.reach();
        let first = self.first_from(reach.from, looked.events);
        looked.events = first;
        // Whether the last swipe with a direction went out.
        let mut went_out = false;
        for (position, event) in (first..).zip(&self.events[first..]) {
            if event.at >= reach.until {
                break;
            }
            if !stay.own.contains(event.at) && !self.belongs(stay, position) {
                continue;
            }
            let reads_as_in = event.faces == Facing::Both && went_out && event.at < stay.bounds.until;
            let faces = if reads_as_in { Facing::In } else { event.faces };
            looked.marks.push(Mark { event, faces });
            went_out = faces == Facing::Out || faces == Facing::Both && went_out;
        }
    }

    /// The position of the first event at or after an instant, from one near it: stays come one after the other, and so do swipes.
    fn first_from(&self, from: Instant, near: usize) -> usize {
        let (mut position, events) = (near, self.events);
        while position > 0 && events[position - 1].at >= from {
            position -= 1;
        }
        while events.get(position).is_some_and(|event| event.at < from) {
            position += 1;
        }
        position
    }

    fn belongs(&self, stay: &Stay, position: usize) -> bool {
        let at = self.events[position].at;
        match (
            stay.before.filter(|shared| shared.interval.contains(at)),
            stay.after.filter(|shared| shared.interval.contains(at)),
        ) {
            (Some(shared), _) => self.belongs_to_later(&shared, position),
            (None, Some(shared)) => !self.belongs_to_later(&shared, position),
            (None, None) => true,
        }
    }

    /// Rule 3: to which of the two periods an event in the break between them belongs.
    fn belongs_to_later(&self, shared: &Break, position: usize) -> bool {
        let event = &self.events[position];
        match event.faces {
            Facing::In => return true,
            Facing::Out => return false,
            Facing::Both => {}
        }
        let first = self.events.partition_point(|event| event.at < shared.interval.from);
        let last = self.events.partition_point(|event| event.at < shared.interval.until);
        let (earlier, later) = (&self.events[first..position], &self.events[position + 1..last]);
        let faces = |events: &[Event], faces: Facing| events.iter().any(|event| event.faces == faces);
        if faces(later, Facing::Both) {
            false
        } else if faces(earlier, Facing::Both) || faces(earlier, Facing::Out) {
            true
        } else {
            !faces(later, Facing::In) && event.at >= shared.middle
        }
    }

    /// Rule 7: how much of the flexible time was used.
    fn flex_used(&self, view: &StayView<'_>) -> Span {
        let flex = view.arriving.flex;
        if flex == Span::ZERO {
            return Span::ZERO;
        }
        let (Some(arrival), Some(start)) = (view.arrival, view.effective.start()) else {
            return Span::ZERO;
        };
        let until = arrival.at.min(self.plan[view.stay.first].interval.from + flex);
        view.effective.length_within(Interval::new(start, until))
    }

    /// Rule 7: coming late within the flexible time moves the end of the date's last period, where that end is its own.
    fn move_required_end(&self, last: &mut StayView<'_>, moved: Span) {
        let last_of_date = &self.plan[last.stay.last];
        let is_last = self
            .plan
            .get(last.stay.last + 1)
            .is_none_or(|next| next.date != last_of_date.date);
        let ends = last_of_date.interval.until;
        if !is_last || last.effective.end() != Some(ends) {
            return;
        }
        let mut extension = self.beyond_the_end(last_of_date, Interval::new(ends, ends + moved));
        let assumed = |taken: &&Taken| taken.assumed_until.is_some();
        for taken in self.taken.iter().filter(|taken| !assumed(taken)) {
            extension.subtract(taken.interval);
        }
        if let Some(unassumed) = &mut last.unassumed {
            extension.intervals().iter().for_each(|piece| unassumed.insert(*piece));
        }
        for taken in self.taken.iter().filter(assumed) {
            extension.subtract(taken.interval);
        }
        extension
            .intervals()
            .iter()
            .for_each(|piece| last.effective.to_mut().insert(*piece));
        last.required_end = ends + moved;
        last.moved = moved;
    }

    /// What absences and half holidays leave of time after a period's own end: time that they cover never counts.
    fn beyond_the_end(&self, planned: &Planned, extension: Interval) -> IntervalSet {
        let mut left = IntervalSet::from_interval(extension);
        for absence in self.site.absences_of(self.person) {
            left.subtract(self.site.records().absences[*absence].interval);
        }
        let noon = DayClock::new(planned.date, self.site.records().site.zone).noon();
        if let Some(off) = planned.half_interval(noon) {
            left.subtract(off);
        }
        left
    }

    /// Rule 12.
    fn come_late(&self, first: &mut StayView<'_>, before: LastDeparture) {
        let planned = &self.plan[first.stay.first];
        let is_first = first.stay.first == 0 || self.plan[first.stay.first - 1].date != planned.date;
        let rows = &self.site.records().schedules[planned.schedule].late_allowances;
        if rows.is_empty() || !is_first {
            return;
        }
        let zone = self.site.records().site.zone;
        let (then, today) = (DayClock::new(before.date, zone), DayClock::new(planned.date, zone));
        let applies = rows.iter().filter(|row| before.at > then.at(row.left_after));
        let Some(row) = applies.max_by_key(|row| row.left_after) else {
            return;
        };
        let allowed = today.at(row.may_arrive_until);
        if allowed > first.due {
            first.due = allowed;
            first.due_reason = DueReason::LateStay {
                date: before.date,
                left_at: before.at,
                left_after: then.at(row.left_after),
            };
        }
    }

    /// Rule 6.
    fn depart(&self, view: &mut StayView<'_>) {
        let begins = view.arrival.map_or(0, |arrival| arrival.mark + 1);
        let marks = view.marks;
        let end = view.required_end;
        let (mut candidate, mut came_back) = (None, None);
        view.visit_ends = marks.len();
        for (position, mark) in (begins..).zip(&marks[begins..]) {
            if mark.faces == Facing::In {
                if mark.event.at >= end {
                    view.visit_ends = position;
                    break;
                }
                came_back = came_back.or(candidate.and(Some(position)));
            } else if can_leave(view.stay, mark) {
                (candidate, came_back) = (Some(position), None);
            }
        }
        let left = candidate.filter(|_| came_back.is_none()).map(|mark| {
            let event = marks[mark].event;
            let by_out = marks[mark].faces == Facing::Out;
            Departure {
                at: event.last,
                id: event.last_id,
                by_out,
                closing_of: None,
            }
        });
        view.came_back = came_back;
        view.departure = if self.meetings.is_empty() && self.shifts.is_empty() {
            left
        } else {
            self.closing_after(view).or(left)
        };
    }

    /// Rule 11: a meeting's or duty's last closing with no later office swipe in the stay is a departure. One to which the person
    /// came after the required end is another visit, whose closing is not looked at.
    fn closing_after(&self, view: &StayView<'_>) -> Option<Departure> {
        let window = Interval::new(view.stay.bounds.from, view.stay.settled_at());
        let seen_last = view.marks.last().map(|mark| mark.event.last);
        let visit_until = view.required_end.max(view.stay.bounds.until);
        let meetings = self.meetings.iter().map(|judged| {
            let (attendance, meeting) = (&judged.attended.own, judged.meeting());
            (
                Occasion::Meeting(meeting),
                attendance.arrival,
                attendance.last_closing(),
            )
        });
        let shifts = self
            .shifts
            .iter()
            .map(|shift| (Occasion::Duty(shift.duty), shift.arrival, shift.last_closing()));
        let closings = meetings.chain(shifts).filter_map(|(occasion, arrival, closing)| {
            arrival.filter(|arrival| arrival.at < visit_until)?;
            let closing = closing?;
            let counts = window.contains(closing.at) && seen_last.is_none_or(|seen| seen < closing.at);
            let by_out = false;
            counts.then_some(Departure {
                at: closing.at,
                id: closing.id,
                by_out,
                closing_of: Some(occasion),
            })
        });
        closings.max_by_key(|departure| departure.at)
    }
}

/// Rule 5.
fn arrival_of<'a>(stay: &Stay, marks: &[Mark<'a>]) -> Option<Arrival<'a>> {
    let before_start = Interval::new(stay.arrive_from, stay.bounds.from);
    let second_half = Interval::new(stay.leave_from, stay.settled_at());
    let (mut went_out, mut earliest) = (None, None);
    let (mut first_undetermined, mut several) = (None, false);
    for (position, mark) in marks.iter().enumerate() {
        let at = mark.event.at;
        if earliest.is_some() && at >= stay.bounds.from {
            break;
        }
        if mark.faces == Facing::Out && before_start.contains(at) {
            // What was before is over.
            (went_out, earliest) = (Some(at), None);
            (first_undetermined, several) = (None, false);
        } else if earliest.is_none() && can_arrive(stay, mark.faces, at) {
            earliest = Some(position);
        } else if mark.faces == Facing::Both && second_half.contains(at) {
            several = first_undetermined.is_some();
            first_undetermined = first_undetermined.or(Some(position));
        }
    }
    let (mark, reason) = match (earliest, first_undetermined) {
        (Some(earliest), _) => {
            let after = |out_at| ArrivalReason::AfterGoingOut { out_at };
            (earliest, went_out.map_or(ArrivalReason::Earliest, after))
        }
        (None, Some(first)) if several && marks[first].event.at < stay.bounds.until => {
            (first, ArrivalReason::FirstOfSeveral)
        }
        _ => return None,
    };
    let event = marks[mark].event;
    Some(Arrival {
        mark,
        at: event.at,
        event,
        reason,
    })
}

/// The instants at which the lengths of rules 7 and 8 exceed what a stay's settings allow, where nothing but itself says what is left of
/// it: those of the arrival, counted from `due`, and those of the departure. The first and the last of its members are given.
pub(crate) fn limits_of<'a>(
    site: &'a SiteFacts,
    stay: &'a Stay,
    (first, last): (&'a Planned, &'a Planned),
) -> impl Iterator<Item = Instant> + use<'a> {
    let (arriving, leaving) = (first.settings(site), last.settings(site));
    let due = stay.extent.from.max(first.interval.from + arriving.flex);
    let too_late = [Some(arriving.grace_late), arriving.serious_after, arriving.absent_after];
    let too_late = too_late.into_iter().flatten();
    let late_from = too_late.filter_map(move |limit| stay.left.exceeds_at(due, limit));
    let early_before = stay.left.exceeds_before(stay.extent.until, leaving.grace_early);
    late_from.chain([due]).chain(early_before)
}

/// Rule 4.
fn can_arrive(stay: &Stay, faces: Facing, at: Instant) -> bool {
    match faces {
        Facing::In => Interval::new(stay.arrive_from, stay.bounds.until).contains(at),
        Facing::Both => Interval::new(stay.arrive_from, stay.arrive_until).contains(at),
        Facing::Out => false,
    }
}

/// Rule 4.
fn can_leave(stay: &Stay, mark: &Mark<'_>) -> bool {
    let event = mark.event;
    match mark.faces {
        Facing::Out => Interval::new(stay.bounds.from, stay.settled_at()).contains(event.last),
        Facing::Both => Interval::new(stay.leave_from, stay.settled_at()).contains(event.last),
        Facing::In => false,
    }
}

impl<'a> StayView<'a> {
    /// How late the arrival is.
    pub(crate) fn lateness(&self) -> Option<Span> {
        self.arrival
            .map(|arrival| self.effective.length_within(Interval::new(self.due, arrival.at)))
    }

    /// How early the departure is.
    pub(crate) fn earliness(&self) -> Option<Span> {
        self.departure.map(|departure| {
            self.effective
                .length_within(Interval::new(departure.at, self.required_end))
        })
    }

    /// What is looked at: what comes before another visit.
    pub(crate) fn visit(&self) -> &'a [Mark<'a>] {
        &self.marks[..self.visit_ends]
    }

    /// Whether nothing is left to be judged.
    pub(crate) fn is_excused(&self) -> bool {
        self.effective.bounds().is_none()
    }

    /// Whether somebody came in time and left in time, so that no rule has anything to conclude: the common day, told at once.
    fn says_nothing(&self) -> bool {
        let in_time = |arrival: Arrival<'_>| arrival.at <= self.due && arrival.at < self.stay.first_end;
        let stayed = |departure: Departure| departure.at >= self.required_end;
        !self.stay.judges_step_out && self.arrival.is_some_and(in_time) && self.departure.is_some_and(stayed)
    }

    /// Whether attendance that is only assumed makes a length shorter.
    fn is_shortened(&self, from: Instant, to: Instant) -> bool {
        let window = Interval::new(from, to);
        self.unassumed
            .as_ref()
            .is_some_and(|unassumed| unassumed.length_within(window) > self.effective.length_within(window))
    }

    /// The sign-in at a meeting that shows the person came, where it is not the arrival itself. One after the required end is
    /// another visit, as any coming in then is.
    pub(crate) fn evidence(&self) -> Option<&'a Event> {
        self.visit()
            .iter()
            .map(|mark| mark.event)
            .find(|event| event.opening_of.is_some())
    }

    /// Rule 10: the gaps between going out and coming back before the effective end, as far as they count.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let Some(arrival) = self.arrival else { return Vec::new() };
        let mut gaps = Vec::new();
        let mut went_out: Option<(Instant, SwipeId)> = None;
        for mark in &self.marks[arrival.mark + 1..self.visit_ends] {
            let event = mark.event;
            match (mark.faces, went_out) {
                (Facing::Out, None) => went_out = Some((event.last, event.last_id)),
                (Facing::In, Some((from, id))) if event.at < self.stay.bounds.until => {
                    let length = self.effective.length_within(Interval::new(from, event.at));
                    gaps.push(Gap {
                        from,
                        to: event.at,
                        ids: [id, event.id],
                        length,
                    });
                    went_out = None;
                }
                _ => {}
            }
        }
        gaps
    }

    /// Since when the person is out, as the last directed swipe of the visit says.
    pub(crate) fn out_since(&self) -> Option<Instant> {
        let last = self.marks[..self.visit_ends]
            .iter()
            .rev()
            .find(|mark| mark.faces != Facing::Both)?;
        (last.faces == Facing::Out && self.departure.is_some()).then_some(last.event.last)
    }
}

fn offices(towards: Towards, from: Instant, until: Instant) -> Unseen {
    Unseen {
        watching: Watching::Offices,
        towards,
        interval: Interval::new(from, until),
    }
}

/// A rule adds what it concludes from a stay, and what it waits for.
type Rule = fn(&Office<'_>, &StayView<'_>, &mut Deadline, &mut Vec<MemberDraft>);

/// A finding about one member of a stay.
pub(crate) type MemberDraft = (usize, Draft);

/// Makes `drafts` everything that rules 7 to 10 say about a stay, each about the member that it concerns.
pub(crate) fn findings(
    office: &Office<'_>,
    view: &StayView<'_>,
    deadline: &mut Deadline,
    drafts: &mut Vec<MemberDraft>,
) {
    const RULES: [Rule; 6] = [absent, late, early_leave, missing_arrival, missing_departure, step_out];
    drafts.clear();
    if view.is_excused() || view.says_nothing() {
        return;
    }
    for rule in RULES {
        rule(office, view, deadline, drafts);
    }
    if drafts.len() < 2 {
        return;
    }
    let members_of = |chosen: fn(&Draft) -> bool| -> Vec<usize> {
        let chosen = drafts.iter().filter(|(_, draft)| chosen(draft));
        chosen.map(|(member, _)| *member).collect()
    };
    // A member that ended before somebody came much too late is absent for both reasons, and once: the arrival is the one known at once.
    let (absent, by_lateness) = (
        members_of(|draft| is_absence(draft.kind)),
        members_of(|draft| draft.by_lateness),
    );
    drafts.retain(|(member, draft)| {
        draft.by_lateness || !by_lateness.contains(member) && (is_absence(draft.kind) || !absent.contains(member))
    });
}

/// Absent replaces every other finding of a period.
const fn is_absence(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::Absent | FindingKind::OverstayedLeave)
}

const fn final_if(settled: bool) -> FindingState {
    if settled {
        FindingState::Final
    } else {
        FindingState::Provisional
    }
}

/// Rules 2 and 10: members to which nobody came, and those that ended before somebody did.
fn absent(office: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let stay = view.stay;
    let (arrive, leave) = (view.arriving.arrive, view.leaving.leave);
    let seen = view.departure.is_some() || view.evidence().is_some();
    let signed = !view.visit().is_empty() || view.start_taken.is_some() || view.end_taken.is_some();
    match (arrive, view.arrival) {
        (Side::Required, Some(arrival)) if stay.first_end <= arrival.at => {
            let ended = office
                .members(stay)
                .filter(|member| ends_of(office, *member) <= arrival.at);
            drafts.extend(ended.filter_map(|member| absent_member(office, view, member, deadline)));
        }
        (Side::Required, None) if !seen && view.start_taken.is_none() => {
            drafts.extend(
                office
                    .members(stay)
                    .filter_map(|member| absent_member(office, view, member, deadline)),
            );
        }
        (Side::Free, None) if leave == Side::Required && !signed && deadline.reached(stay.settled_at()) => {
            drafts.extend(
                office
                    .members(stay)
                    .filter_map(|member| absent_member(office, view, member, deadline)),
            );
        }
        _ => {}
    }
}

fn ends_of(office: &Office<'_>, member: usize) -> Instant {
    let planned = &office.plan[member];
    planned.base.end().unwrap_or(planned.interval.until)
}

/// A member's part of what is left of its stay.
fn part_of(office: &Office<'_>, view: &StayView<'_>, member: usize) -> Option<Interval> {
    let interval = office.plan[member].interval;
    let mut parts = view
        .effective
        .intervals()
        .iter()
        .map(|piece| piece.intersect(interval))
        .filter(|piece| !piece.is_empty());
    let first = parts.next()?;
    Some(Interval::new(first.from, parts.next_back().unwrap_or(first).until))
}

/// Rule 10: NotArrived until the effective end, Absent from then on.
fn absent_member(
    office: &Office<'_>,
    view: &StayView<'_>,
    member: usize,
    deadline: &mut Deadline,
) -> Option<MemberDraft> {
    let stay = view.stay;
    let part = part_of(office, view, member)?;
    let due = view.due.max(part.from);
    let ends = ends_of(office, member);
    // Whoever may come after the member's end is not missed in it.
    if due >= ends {
        return None;
    }
    // The time since the stay's `due` counts; a member that has not started is not judged. A grace as long as the member excuses
    // coming late to it, not staying away from it.
    let late_at = view
        .effective
        .exceeds_at(view.due, view.arriving.grace_late)
        .map_or(ends, |at| at.max(part.from).min(ends));
    if !deadline.reached(late_at) {
        return None;
    }
    let over = deadline.reached(ends);
    let settled = deadline.reached(stay.settled_at());
    let now = deadline.now();
    let start = view.effective.start().unwrap_or(stay.bounds.from);
    let mut unseen = Vec::from([offices(Towards::In, stay.arrive_from, now.min(ends))]);
    if over {
        unseen.push(offices(Towards::Out, start, now.min(stay.settled_at())));
    }
    let kind = match (over, overstayed(office, ends)) {
        (false, _) => FindingKind::NotArrived,
        (true, Some(_)) => FindingKind::OverstayedLeave,
        (true, None) => FindingKind::Absent,
    };
    let assumed = view
        .unassumed
        .as_ref()
        .is_some_and(|unassumed| unassumed.start() != view.effective.start());
    let state = final_if(over && settled && !assumed);
    Some((
        member,
        Draft {
            due: Some(due),
            unseen,
            ..Draft::new(kind, state)
        },
    ))
}

/// Rule 10: the absence since whose end the person has not been seen at the office.
pub(crate) fn overstayed(office: &Office<'_>, ends: Instant) -> Option<usize> {
    let (ended_at, absence) = office.site.last_absence_taking_time(office.person, ends)?;
    let seen = if let Some((facts, now)) = &office.unread {
        was_at_office(facts, Interval::new(ended_at, ends), *now)
    } else {
        let since = Interval::new(ended_at, ends);
        let first = office.events.partition_point(|event| event.at < ended_at);
        office.events[first..].iter().any(|event| since.contains(event.first))
    };
    (!seen).then_some(absence)
}

/// How late an arrival is, as a kind.
pub(crate) fn lateness_kind(settings: &PeriodSettings, length: Span) -> Option<FindingKind> {
    let longer_than = |limit: Option<Span>| limit.is_some_and(|limit| length > limit);
    if longer_than(settings.absent_after) {
        Some(FindingKind::Absent)
    } else if length <= settings.grace_late {
        None
    } else if longer_than(settings.serious_after) {
        Some(FindingKind::SeriouslyLate)
    } else {
        Some(FindingKind::Late)
    }
}

/// Rules 7 and 10.
fn late(_: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let settings = view.arriving;
    let Some((arrival, length)) = view
        .arrival
        .zip(view.lateness())
        .filter(|_| settings.arrive == Side::Required)
    else {
        return;
    };
    let Some(kind) = lateness_kind(settings, length) else {
        return;
    };
    let by_lateness = kind == FindingKind::Absent;
    let less = match settings.late_counts_from {
        LateCountsFrom::GraceEnd if !by_lateness => settings.grace_late,
        LateCountsFrom::GraceEnd | LateCountsFrom::Start => Span::ZERO,
    };
    let state = final_if(!view.is_shortened(view.due, arrival.at) && !starts_later(view));
    let unseen = offices(Towards::In, view.stay.arrive_from, arrival.at.min(deadline.now()));
    let draft = Draft {
        by_lateness,
        length: Some(length - less),
        measured: Some(Measured {
            interval: Interval::new(view.due, arrival.at),
            less,
        }),
        due: Some(view.due),
        actual: Some(arrival.at),
        swipes: Vec::from([arrival.event.id]),
        unseen: Vec::from([unseen]),
        ..Draft::new(kind, state)
    };
    drafts.push((view.stay.first, draft));
}

/// Whether assumed attendance covers the start, so that `due` comes earlier when it ends.
fn starts_later(view: &StayView<'_>) -> bool {
    let Some(unassumed) = &view.unassumed else { return false };
    unassumed.start() != view.effective.start() && view.due_reason == DueReason::EffectiveStart
}

/// Rule 8.
fn early_leave(_: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let settings = view.leaving;
    let Some((departure, length)) = view.departure.zip(view.earliness()) else {
        return;
    };
    let has_arrival = view.arrival.is_some() || view.start_taken.is_some_and(|taken| taken.assumed_until.is_none());
    if settings.leave == Side::Free || length <= settings.grace_early || !(departure.by_out || has_arrival) {
        return;
    }
    let settled_at = view.stay.settled_at();
    let shown_at = if departure.by_out {
        let open_too_long = view
            .effective
            .exceeds_at(departure.at, settings.early_leave_shown_after);
        open_too_long
            .map_or(view.required_end, |at| at.min(view.required_end))
            .min(settled_at)
    } else {
        settled_at
    };
    if !deadline.reached(shown_at) {
        return;
    }
    let now = deadline.now();
    let unseen = if departure.by_out {
        offices(Towards::In, departure.at, now.min(view.required_end))
    } else {
        offices(Towards::Any, departure.at, now.min(settled_at))
    };
    let shortened = view.is_shortened(departure.at, view.stay.bounds.until);
    let draft = Draft {
        length: Some(length),
        measured: Some(Measured {
            interval: Interval::new(departure.at, view.required_end),
            less: Span::ZERO,
        }),
        due: Some(view.required_end),
        actual: Some(departure.at),
        swipes: Vec::from([departure.id]),
        unseen: Vec::from([unseen]),
        ..Draft::new(
            FindingKind::EarlyLeave,
            final_if(deadline.reached(settled_at) && !shortened),
        )
    };
    drafts.push((view.stay.last, draft));
}

/// Rule 9: somebody was there, and no swipe says when they came.
fn missing_arrival(_: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let stay = view.stay;
    if view.arriving.arrive == Side::Free || view.arrival.is_some() || view.start_taken.is_some() {
        return;
    }
    let departure = view.departure.map(|departure| (departure.at, departure.id));
    let evidence = view.evidence().map(|event| (event.at, event.id));
    let Some((at, id)) = departure.or(evidence).filter(|_| deadline.reached(stay.bounds.from)) else {
        return;
    };
    let draft = Draft {
        due: Some(view.due),
        swipes: Vec::from([id]),
        unseen: Vec::from([offices(Towards::In, stay.arrive_from, at)]),
        ..Draft::new(
            FindingKind::MissingArrival,
            final_if(deadline.reached(stay.settled_at())),
        )
    };
    drafts.push((stay.first, draft));
}

/// Rule 9, and rule 10 where only departures are required: somebody came, and no swipe says when they left.
fn missing_departure(_: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let stay = view.stay;
    if view.leaving.leave == Side::Free || view.departure.is_some() || view.end_taken.is_some() {
        return;
    }
    let arrived = view.arrival.map(|arrival| (arrival.at, arrival.event.id));
    let Some((since, id)) = arrived.map(|(at, id)| (at, Some(id))).or_else(|| other_sign(view)) else {
        return;
    };
    let settled_at = stay.settled_at();
    if !deadline.reached(settled_at) {
        return;
    }
    let draft = Draft {
        due: Some(view.required_end),
        swipes: id.into_iter().collect(),
        unseen: Vec::from([offices(Towards::Out, since, deadline.now().min(settled_at))]),
        ..Draft::new(FindingKind::MissingDeparture, FindingState::Final)
    };
    drafts.push((stay.last, draft));
}

/// What stands for an arrival that no swipe shows: attendance at a meeting over the start, or where none is required any swipe.
pub(crate) fn other_sign(view: &StayView<'_>) -> Option<(Instant, Option<SwipeId>)> {
    if view.start_taken.is_some_and(|taken| taken.assumed_until.is_none()) {
        return Some((view.stay.bounds.from, None));
    }
    let free = view.arriving.arrive == Side::Free;
    let first = view.visit().first().filter(|_| free).map(|mark| mark.event)?;
    Some((first.at, Some(first.id)))
}

/// Rule 10: gaps longer than the allowance, about the member in which the person went out.
fn step_out(office: &Office<'_>, view: &StayView<'_>, _: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    if !view.stay.judges_step_out {
        return;
    }
    let gaps = view.gaps();
    for member in office.members(view.stay) {
        let Some(allowance) = office.plan[member].settings(office.site).step_out_allowance else {
            continue;
        };
        let counted = || {
            gaps.iter()
                .filter(|gap| gap.length > allowance && member_at(office, view, gap.from) == member)
        };
        if counted().next().is_none() {
            continue;
        }
        let shortened = counted().any(|gap| view.is_shortened(gap.from, gap.to));
        let draft = Draft {
            length: Some(counted().fold(Span::ZERO, |sum, gap| sum + gap.length)),
            swipes: counted().flat_map(|gap| gap.ids).collect(),
            unseen: counted().map(|gap| offices(Towards::In, gap.from, gap.to)).collect(),
            ..Draft::new(FindingKind::StepOut, final_if(!shortened))
        };
        drafts.push((member, draft));
    }
}

/// The member of a stay that was on, or the last that had been.
pub(crate) fn member_at(office: &Office<'_>, view: &StayView<'_>, at: Instant) -> usize {
    office
        .members(view.stay)
        .filter(|member| office.plan[*member].interval.from <= at)
        .last()
        .unwrap_or(view.stay.first)
}
