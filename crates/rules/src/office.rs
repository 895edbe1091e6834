//! Office periods: arrival, departure, and what they say. Rules are numbered as in the domain's "An office period".

use alloc::vec::Vec;

use chrono::NaiveDate;

use crate::coverage::{Towards, Unseen, Watching};
use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::explain::{ArrivalReason, DueReason};
use crate::facts::SiteFacts;
use crate::finding::{FindingKind, FindingState};
use crate::meeting::{Judged, Taken};
use crate::model::{Facing, LateCountsFrom, MeetingIndex, PeriodSettings, PersonIndex, Side, SwipeId};
use crate::plan::{Break, Planned, Stay};
use crate::swipes::Event;
use crate::time::{DayClock, Instant, Interval, IntervalSet, Span};

/// What all stays of a person share.
#[derive(Debug)]
pub(crate) struct Office<'a> {
    pub(crate) site: &'a SiteFacts,
    pub(crate) person: PersonIndex,
    pub(crate) plan: &'a [Planned],
    /// Swipes at office places and first openings of meetings, in order.
    pub(crate) events: &'a [Event],
    pub(crate) meetings: &'a [Judged],
    pub(crate) taken: &'a [Taken],
}

/// An event of a stay, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its position in [`Office::events`].
    pub(crate) event: usize,
    pub(crate) faces: Facing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Its position in [`StayView::marks`].
    pub(crate) mark: usize,
    pub(crate) at: Instant,
    pub(crate) id: SwipeId,
    pub(crate) reason: ArrivalReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) at: Instant,
    pub(crate) id: SwipeId,
    /// Whether an `out` swipe shows it, so that it is known at once.
    pub(crate) by_out: bool,
    pub(crate) closing_of: Option<MeetingIndex>,
}

/// Time between going out and coming back in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) ids: [SwipeId; 2],
    pub(crate) length: Span,
}

/// A stay with what was seen in it.
#[derive(Clone, Debug)]
pub(crate) struct StayView<'a> {
    pub(crate) stay: &'a Stay,
    /// What absences, half holidays and meetings leave, with the time by which the required end moved.
    pub(crate) effective: IntervalSet,
    /// The same where no attendance is assumed, if some is.
    pub(crate) unassumed: Option<IntervalSet>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) arrival: Option<Arrival>,
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
    pub(crate) start_taken: Option<Taken>,
    /// The meeting that covers the end.
    pub(crate) end_taken: Option<Taken>,
}

/// The departure of the last period of the date before, for rule 12.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastDeparture {
    pub(crate) date: NaiveDate,
    pub(crate) at: Instant,
}

impl<'a> Office<'a> {
    /// Looks at the stays of one date: arrivals first, because they move the required end of the date's last period.
    pub(crate) fn view_date(&self, stays: &'a [Stay], before: Option<LastDeparture>) -> Vec<StayView<'a>> {
        let mut views: Vec<_> = stays.iter().map(|stay| self.arrive(stay)).collect();
        let moved = views.iter().fold(Span::ZERO, |sum, view| sum + self.flex_used(view));
        if let Some((first, before)) = views.first_mut().zip(before) {
            self.come_late(first, before);
        }
        if let Some(last) = views.last_mut() {
            self.move_required_end(last, moved);
        }
        for view in &mut views {
            self.depart(view);
        }
        views
    }

    pub(crate) fn arrive_settings(&self, stay: &Stay) -> &'a PeriodSettings {
        self.plan[stay.first].settings(self.site)
    }

    pub(crate) fn leave_settings(&self, stay: &Stay) -> &'a PeriodSettings {
        self.plan[stay.last].settings(self.site)
    }

    /// The members of a stay that are not wholly excused.
    pub(crate) fn members(&self, stay: &Stay) -> impl Iterator<Item = usize> + use<'a> {
        let plan = self.plan;
        stay.members.clone().filter(move |member| !plan[*member].is_excused())
    }

    pub(crate) fn event(&self, mark: &Mark) -> &'a Event {
        &self.events[mark.event]
    }

    fn arrive(&self, stay: &'a Stay) -> StayView<'a> {
        let (effective, unassumed) = self.effective(stay);
        let marks = self.marks(stay);
        let arrival = self.arrival(stay, &marks);
        let settings = self.arrive_settings(stay);
        let start = effective.start().unwrap_or(stay.bounds.from);
        let flexible_until = self.plan[stay.first].interval.from + settings.flex;
        let due = start.max(flexible_until);
        let due_reason = if due > start {
            DueReason::Flex { flex: settings.flex }
        } else {
            DueReason::EffectiveStart
        };
        // Attendance that was seen says more than attendance that is assumed.
        let covers = |at: Instant| {
            let covering = self.taken.iter().filter(move |taken| taken.interval.contains(at));
            covering.min_by_key(|taken| taken.assumed_until.is_some()).copied()
        };
        StayView {
            stay,
            required_end: effective.end().unwrap_or(stay.bounds.until),
            effective,
            unassumed,
            visit_ends: marks.len(),
            marks,
            arrival,
            due,
            due_reason,
            moved: Span::ZERO,
            departure: None,
            came_back: None,
            start_taken: covers(stay.bounds.from),
            end_taken: covers(stay.bounds.until - Span::from_ms(1)),
        }
    }

    /// Rules 1 and 11: what is left, and what would be left if nobody's attendance were assumed.
    fn effective(&self, stay: &Stay) -> (IntervalSet, Option<IntervalSet>) {
        let mut effective = IntervalSet::default();
        for member in self.members(stay) {
            for piece in self.plan[member].base.intervals() {
                effective.insert(*piece);
            }
        }
        let reaching = || self.taken.iter().filter(|taken| taken.interval.meets(stay.bounds));
        let assumed = reaching().any(|taken| taken.assumed_until.is_some());
        let mut unassumed = assumed.then(|| effective.clone());
        for taken in reaching() {
            effective.subtract(taken.interval);
            if let Some(unassumed) = unassumed.as_mut().filter(|_| taken.assumed_until.is_none()) {
                unassumed.subtract(taken.interval);
            }
        }
        (effective, unassumed)
    }

    /// The events that belong to a stay, by rules 3 and 4.
    fn marks(&self, stay: &Stay) -> Vec<Mark> {
        let reach = stay.reach();
        let first = self.events.partition_point(|event| event.at < reach.from);
        let last = first + self.events[first..].partition_point(|event| event.at < reach.until);
        let mut marks: Vec<Mark> = Vec::with_capacity(last - first);
        // Whether the last swipe with a direction went out.
        let mut went_out = false;
        for position in first..last {
            let event = &self.events[position];
            if !self.belongs(stay, position) {
                continue;
            }
            let reads_as_in = event.faces == Facing::Both && went_out && event.at < stay.bounds.until;
            let faces = if reads_as_in { Facing::In } else { event.faces };
            marks.push(Mark { event: position, faces });
            went_out = faces == Facing::Out || faces == Facing::Both && went_out;
        }
        marks
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

    /// Rule 5.
    fn arrival(&self, stay: &Stay, marks: &[Mark]) -> Option<Arrival> {
        let event = |position: usize| self.event(&marks[position]);
        let before_start = Interval::new(stay.arrive_from, stay.bounds.from);
        let went_out =
            (0..marks.len()).rfind(|mark| marks[*mark].faces == Facing::Out && before_start.contains(event(*mark).at));
        let looked_at = went_out.map_or(0, |mark| mark + 1)..marks.len();
        let arrive = |mark: usize, reason: ArrivalReason| Arrival {
            mark,
            at: event(mark).at,
            id: event(mark).id,
            reason,
        };
        if let Some(mark) = looked_at
            .clone()
            .find(|mark| can_arrive(stay, marks[*mark].faces, event(*mark).at))
        {
            let reason = went_out.map_or(ArrivalReason::Earliest, |out| ArrivalReason::AfterGoingOut {
                out_at: event(out).at,
            });
            return Some(arrive(mark, reason));
        }
        let second_half = Interval::new(stay.leave_from, stay.settled_at());
        let mut undetermined =
            looked_at.filter(|mark| marks[*mark].faces == Facing::Both && second_half.contains(event(*mark).at));
        let first = undetermined.next().filter(|mark| event(*mark).at < stay.bounds.until)?;
        undetermined
            .next()
            .map(|_| arrive(first, ArrivalReason::FirstOfSeveral))
    }

    /// Rule 7: how much of the flexible time was used.
    fn flex_used(&self, view: &StayView<'_>) -> Span {
        let flex = self.arrive_settings(view.stay).flex;
        let (Some(arrival), Some(start)) = (view.arrival, view.effective.start()) else {
            return Span::ZERO;
        };
        let until = arrival.at.min(self.plan[view.stay.first].interval.from + flex);
        if flex == Span::ZERO {
            Span::ZERO
        } else {
            view.effective.length_within(Interval::new(start, until))
        }
    }

    /// Rule 7: coming late within the flexible time moves the end of the date's last period, where that end is its own.
    fn move_required_end(&self, last: &mut StayView<'_>, moved: Span) {
        let last_of_date = &self.plan[last.stay.last];
        let is_last = self
            .plan
            .get(last.stay.last + 1)
            .is_none_or(|next| next.date != last_of_date.date);
        let ends = last_of_date.interval.until;
        if !is_last || last.effective.end() != Some(ends) || moved == Span::ZERO {
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
            .for_each(|piece| last.effective.insert(*piece));
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
        let came_in = |mark: &usize, marks: &[Mark]| marks[*mark].faces == Facing::In;
        let marks = &view.marks;
        let end = view.required_end;
        let another_visit = |mark: &usize| came_in(mark, marks) && self.event(&marks[*mark]).at >= end;
        view.visit_ends = (begins..marks.len()).find(another_visit).unwrap_or(marks.len());
        let candidate =
            (begins..view.visit_ends).rfind(|mark| can_leave(view.stay, &marks[*mark], self.event(&marks[*mark])));
        let came_back = candidate.and_then(|mark| (mark + 1..view.visit_ends).find(|later| came_in(later, marks)));
        let left = candidate.filter(|_| came_back.is_none()).map(|mark| {
            let event = self.event(&marks[mark]);
            let by_out = marks[mark].faces == Facing::Out;
            Departure {
                at: event.last,
                id: event.last_id,
                by_out,
                closing_of: None,
            }
        });
        view.came_back = came_back;
        view.departure = self.closing_after(view).or(left);
    }

    /// Rule 11: a meeting's last closing with no later office swipe in the stay is a departure. A meeting to which the person came
    /// after the required end is another visit, whose closing is not looked at.
    fn closing_after(&self, view: &StayView<'_>) -> Option<Departure> {
        let window = Interval::new(view.stay.bounds.from, view.stay.settled_at());
        let seen_last = view.marks.last().map(|mark| self.event(mark).last);
        let visit_until = view.required_end.max(view.stay.bounds.until);
        let same_visit = |judged: &&Judged| {
            let arrival = judged.attended.own.arrival;
            arrival.is_some_and(|arrival| arrival.at < visit_until)
        };
        let closings = self.meetings.iter().filter(same_visit).filter_map(|judged| {
            let closing = judged.attended.own.last_closing()?;
            let counts = window.contains(closing.at) && seen_last.is_none_or(|seen| seen < closing.at);
            let by_out = false;
            counts.then_some(Departure {
                at: closing.at,
                id: closing.id,
                by_out,
                closing_of: Some(judged.meeting()),
            })
        });
        closings.max_by_key(|departure| departure.at)
    }
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
fn can_leave(stay: &Stay, mark: &Mark, event: &Event) -> bool {
    match mark.faces {
        Facing::Out => Interval::new(stay.bounds.from, stay.settled_at()).contains(event.last),
        Facing::Both => Interval::new(stay.leave_from, stay.settled_at()).contains(event.last),
        Facing::In => false,
    }
}

impl StayView<'_> {
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
    pub(crate) fn visit(&self) -> &[Mark] {
        &self.marks[..self.visit_ends]
    }

    /// Whether nothing is left to be judged.
    pub(crate) fn is_excused(&self) -> bool {
        self.effective.is_empty()
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
    pub(crate) fn evidence<'e>(&self, office: &Office<'e>) -> Option<&'e Event> {
        self.visit()
            .iter()
            .map(|mark| office.event(mark))
            .find(|event| event.opening_of.is_some())
    }

    /// Rule 10: the gaps between going out and coming back before the effective end, as far as they count.
    pub(crate) fn gaps(&self, office: &Office<'_>) -> Vec<Gap> {
        let Some(arrival) = self.arrival else { return Vec::new() };
        let mut gaps = Vec::new();
        let mut went_out: Option<(Instant, SwipeId)> = None;
        for mark in &self.marks[arrival.mark + 1..self.visit_ends] {
            let event = office.event(mark);
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
    pub(crate) fn out_since(&self, office: &Office<'_>) -> Option<Instant> {
        let last = self.marks[..self.visit_ends]
            .iter()
            .rev()
            .find(|mark| mark.faces != Facing::Both)?;
        (last.faces == Facing::Out && self.departure.is_some()).then(|| office.event(last).last)
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

/// Everything that rules 7 to 10 say about a stay, each about the member that it concerns.
pub(crate) fn findings(office: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline) -> Vec<MemberDraft> {
    const RULES: [Rule; 6] = [absent, late, early_leave, missing_arrival, missing_departure, step_out];
    let mut drafts = Vec::new();
    if view.is_excused() {
        return drafts;
    }
    for rule in RULES {
        rule(office, view, deadline, &mut drafts);
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
    drafts
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
    let (arrive, leave) = (office.arrive_settings(stay).arrive, office.leave_settings(stay).leave);
    let seen = view.departure.is_some() || view.evidence(office).is_some();
    let signed = !view.visit().is_empty() || view.start_taken.is_some() || view.end_taken.is_some();
    match (arrive, view.arrival) {
        (Side::Required, Some(arrival)) => {
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
        .exceeds_at(view.due, office.arrive_settings(stay).grace_late)
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
    let first = office.events.partition_point(|event| event.first < ended_at);
    let seen = office.events[first..].iter().any(|event| event.first < ends);
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
fn late(office: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let settings = office.arrive_settings(view.stay);
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
    let shown = match settings.late_counts_from {
        LateCountsFrom::GraceEnd if !by_lateness => length - settings.grace_late,
        LateCountsFrom::GraceEnd | LateCountsFrom::Start => length,
    };
    let state = final_if(!view.is_shortened(view.due, arrival.at) && !starts_later(view));
    let unseen = offices(Towards::In, view.stay.arrive_from, arrival.at.min(deadline.now()));
    let draft = Draft {
        by_lateness,
        length: Some(shown),
        due: Some(view.due),
        actual: Some(arrival.at),
        swipes: Vec::from([arrival.id]),
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
fn early_leave(office: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let settings = office.leave_settings(view.stay);
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
fn missing_arrival(office: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let stay = view.stay;
    if office.arrive_settings(stay).arrive == Side::Free || view.arrival.is_some() || view.start_taken.is_some() {
        return;
    }
    let departure = view.departure.map(|departure| (departure.at, departure.id));
    let evidence = view.evidence(office).map(|event| (event.at, event.id));
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
fn missing_departure(office: &Office<'_>, view: &StayView<'_>, deadline: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let stay = view.stay;
    if office.leave_settings(stay).leave == Side::Free || view.departure.is_some() || view.end_taken.is_some() {
        return;
    }
    let arrived = view.arrival.map(|arrival| (arrival.at, arrival.id));
    let Some((since, id)) = arrived
        .map(|(at, id)| (at, Some(id)))
        .or_else(|| other_sign(office, view))
    else {
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
pub(crate) fn other_sign(office: &Office<'_>, view: &StayView<'_>) -> Option<(Instant, Option<SwipeId>)> {
    if view.start_taken.is_some_and(|taken| taken.assumed_until.is_none()) {
        return Some((view.stay.bounds.from, None));
    }
    let free = office.arrive_settings(view.stay).arrive == Side::Free;
    let first = view.visit().first().filter(|_| free).map(|mark| office.event(mark))?;
    Some((first.at, Some(first.id)))
}

/// Rule 10: gaps longer than the allowance, about the member in which the person went out.
fn step_out(office: &Office<'_>, view: &StayView<'_>, _: &mut Deadline, drafts: &mut Vec<MemberDraft>) {
    let gaps = view.gaps(office);
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
