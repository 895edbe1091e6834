//! Judging a person's dates.

use alloc::vec::Vec;
use core::ops::Range;

use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::facts::{Context, PersonFacts};
use crate::finding::{About, Assessment, Finding, FindingState};
use crate::meeting::{self, Attendance, Judged, Taken};
use crate::model::{Facing, MeetingIndex, Role, Subject};
use crate::office::{self, LastDeparture, Office, StayView};
use crate::plan::{Planned, Stay, stays_of};
use crate::standing;
use crate::swipes::{Event, events_of, in_order};
use crate::time::{DayClock, Instant};

/// Judges a person's dates at `now`: findings, standings, and when to ask again.
pub fn evaluate(facts: &PersonFacts<'_>, now: Instant) -> Assessment {
    let mut deadline = Deadline::new(now);
    let case = Case::prepare(facts, &mut deadline);
    let mut assessment = Assessment::default();
    case.each_date(facts, |office, members, views| {
        judge_date(facts, office, members, views, &mut deadline, &mut assessment);
    });
    for judged in case.meetings_of_dates(facts) {
        judge_meeting(facts, judged, &mut deadline, &mut assessment);
    }
    facts.site.consider_outages(case.context.interval, &mut deadline);
    assessment
        .findings
        .sort_by(|one, other| (one.date, &one.about, one.kind).cmp(&(other.date, &other.about, other.kind)));
    assessment.next_deadline = deadline.next();
    assessment
}

/// Everything that judging and explaining start from.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) context: Context,
    /// Whatever was seen anywhere, in order.
    pub(crate) events: Vec<Event>,
    pub(crate) office_events: Vec<Event>,
    pub(crate) plan: Vec<Planned>,
    pub(crate) stays: Vec<Stay>,
    pub(crate) meetings: Vec<Judged>,
    pub(crate) taken: Vec<Taken>,
}

impl Case {
    pub(crate) fn prepare(facts: &PersonFacts<'_>, deadline: &mut Deadline) -> Self {
        let (site, person) = (facts.site, facts.person);
        let context = site.context_of(person, facts.dates);
        let events = events_of(facts, deadline);
        let attendances = meetings_around(facts, &context)
            .map(|rostered| Attendance::of(site, &events, rostered, deadline))
            .collect();
        let meetings = meeting::judge_meetings(site, person, attendances);
        let taken = meetings
            .iter()
            .filter_map(|judged| judged.taken(site, deadline))
            .collect();
        let mut plan = Vec::new();
        for date in context.planned.days() {
            site.plan_date(person, &DayClock::new(date, site.records().site.zone), &mut plan);
        }
        let stays = stays_of(site, &plan);
        let office_events = office_events(facts, &events, &meetings);
        Self {
            context,
            events,
            office_events,
            plan,
            stays,
            meetings,
            taken,
        }
    }

    /// Visits the dates to judge in order: the positions of their periods in the plan, and their stays.
    pub(crate) fn each_date<F>(&self, facts: &PersonFacts<'_>, mut visit: F)
    where
        F: FnMut(&Office<'_>, Range<usize>, &[StayView<'_>]),
    {
        let (site, person) = (facts.site, facts.person);
        let (plan, events, meetings, taken) = (
            &self.plan[..],
            &self.office_events[..],
            &self.meetings[..],
            &self.taken[..],
        );
        let office = Office {
            site,
            person,
            plan,
            events,
            meetings,
            taken,
        };
        let mut before = None;
        let (mut position, mut first_stay) = (0, 0);
        for periods in self.plan.chunk_by(|one, other| one.date == other.date) {
            let (date, members) = (periods[0].date, position..position + periods.len());
            let count = self.stays[first_stay..]
                .iter()
                .take_while(|stay| stay.date == date)
                .count();
            let stays = &self.stays[first_stay..first_stay + count];
            (position, first_stay) = (members.end, first_stay + count);
            if date < self.context.analysed_from || date >= facts.dates.until {
                continue;
            }
            let views = office.view_date(stays, before);
            before = last_departure(&views, members.end - 1);
            if facts.dates.contains(date) {
                visit(&office, members, &views);
            }
        }
    }

    /// The meetings that start on the dates to judge.
    pub(crate) fn meetings_of_dates<'a>(&'a self, facts: &'a PersonFacts<'_>) -> impl Iterator<Item = &'a Judged> {
        self.meetings.iter().filter(|judged| {
            facts
                .dates
                .contains(facts.site.date_of_meeting(judged.attendance.meeting))
        })
    }
}

/// The departure of a date's last period.
fn last_departure(views: &[StayView<'_>], last_member: usize) -> Option<LastDeparture> {
    let last = views.last().filter(|view| view.stay.last == last_member)?;
    last.departure.map(|departure| LastDeparture {
        date: last.stay.date,
        at: departure.at,
    })
}

/// The meetings that matter to the dates, and those that overlap them.
fn meetings_around<'a>(
    facts: &'a PersonFacts<'_>,
    context: &Context,
) -> impl Iterator<Item = (MeetingIndex, Role)> + use<'a> {
    let mut reach = context.interval;
    for (meeting, _) in facts.site.meetings_meeting(facts.person, context.interval) {
        let extent = facts.site.meeting_extent(meeting);
        reach.from = reach.from.min(extent.from);
        reach.until = reach.until.max(extent.until);
    }
    facts.site.meetings_meeting(facts.person, reach)
}

/// Swipes at office places, and first openings of meetings elsewhere, which count as coming in.
fn office_events(facts: &PersonFacts<'_>, events: &[Event], meetings: &[Judged]) -> Vec<Event> {
    let mut office: Vec<Event> = events
        .iter()
        .filter(|event| facts.site.is_office(event.place))
        .copied()
        .collect();
    for judged in meetings {
        let place = facts.site.records().meetings[judged.attendance.meeting.at()].place;
        let Some(sign_in) = judged.attendance.sign_in().filter(|_| !facts.site.is_office(place)) else {
            continue;
        };
        let Some(event) = events.iter().find(|event| event.id == sign_in.id) else {
            continue;
        };
        let opening_of = Some(judged.attendance.meeting);
        let (at, direction) = (sign_in.at, Facing::In);
        office.push(Event {
            at,
            last: at,
            first: at,
            faces: direction,
            opening_of,
            last_id: event.id,
            ..*event
        });
    }
    in_order(facts.site, &mut office);
    office
}

fn judge_date(
    facts: &PersonFacts<'_>,
    office: &Office<'_>,
    members: Range<usize>,
    views: &[StayView<'_>],
    deadline: &mut Deadline,
    assessment: &mut Assessment,
) {
    let first_new = assessment.findings.len();
    for view in views {
        for (member, draft) in office::findings(office, view, deadline) {
            let planned = &office.plan[member];
            let place = (
                planned.date,
                About::Period(planned.of(facts.site).name.clone()),
                planned.interval.from,
            );
            assessment
                .findings
                .push(finding_of(facts, place, draft, deadline.now()));
        }
    }
    for member in members {
        let view = views.iter().find(|view| view.stay.members.contains(&member));
        let found = &assessment.findings[first_new..];
        let standing = standing::in_period(office, member, view, found, deadline);
        assessment.standings.push(standing);
    }
}

fn judge_meeting(facts: &PersonFacts<'_>, judged: &Judged, deadline: &mut Deadline, assessment: &mut Assessment) {
    let meeting = judged.attendance.meeting;
    let announced = &facts.site.records().meetings[meeting.at()];
    let first_new = assessment.findings.len();
    for draft in meeting::findings(facts.site, judged, deadline) {
        let place = (
            facts.site.date_of_meeting(meeting),
            About::Meeting(meeting),
            announced.starts,
        );
        assessment
            .findings
            .push(finding_of(facts, place, draft, deadline.now()));
    }
    let standing = standing::in_meeting(facts, judged, &assessment.findings[first_new..], deadline);
    assessment.standings.push(standing);
}

/// Where a finding belongs, and when that starts.
type FindingPlace = (chrono::NaiveDate, About, Instant);

/// Asks coverage: a finding that rests on something not seen is withheld while a reader that could have shown it was down.
pub(crate) fn finding_of(
    facts: &PersonFacts<'_>,
    (date, about, starts): FindingPlace,
    draft: Draft,
    now: Instant,
) -> Finding {
    let doubt = facts.site.doubt(&draft.unseen, now);
    let state = match draft.state {
        _ if !doubt.readers.is_empty() => FindingState::Withheld,
        FindingState::Final if doubt.pending => FindingState::Provisional,
        state => state,
    };
    Finding {
        subject: Subject::Person(facts.person),
        unit: facts.site.unit_at(facts.person, starts),
        date,
        about,
        kind: draft.kind,
        state,
        length: draft.length,
        due: draft.due,
        actual: draft.actual,
        since: draft.since,
        source: draft.source,
        by_lateness: draft.by_lateness,
        withheld_by: doubt.readers,
        swipes: draft.swipes,
    }
}
