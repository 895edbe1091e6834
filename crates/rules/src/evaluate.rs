//! Judging a person's dates.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::duty::{self, Shift};
use crate::facts::{Context, DateRange, PersonFacts, SiteFacts};
use crate::finding::{About, Assessment, Finding, FindingState};
use crate::hours::{Run, Timetable};
use crate::meeting::{self, Attended, Judged, Taken};
use crate::model::{Facing, MeetingIndex, Occasion, PersonIndex, Role, Subject, Swipe, UnitIndex};
use crate::observation;
use crate::office::{self, LastDeparture, Looked, MemberDraft, Office, StayView};
use crate::standing::{self, Standings};
use crate::swipes::{Event, events_of, in_order};
use crate::time::Instant;

/// Judges a person's dates at `now`: findings, standings, and when to ask again.
pub fn evaluate(facts: &PersonFacts<'_>, now: Instant) -> Assessment {
    let mut evaluator = Evaluator::new(facts.site);
    evaluator.judge_known(facts, now);
    evaluator.assessment
}

/// Judges many people of one bureau, or many dates: what [`evaluate`] does, with what people share compiled once and with memory
/// that is used again.
#[derive(Debug)]
pub struct Evaluator<'a> {
    site: &'a SiteFacts,
    case: Case,
    assessment: Assessment,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of the people of this bureau.
    pub fn new(site: &'a SiteFacts) -> Self {
        Self {
            site,
            case: Case::default(),
            assessment: Assessment::default(),
        }
    }

    /// What [`evaluate`] says of a person's dates at `now` by these swipes, see [`PersonFacts`].
    pub fn judge(&mut self, person: PersonIndex, dates: DateRange, swipes: &[Swipe], now: Instant) -> &Assessment {
        let facts = PersonFacts {
            site: self.site,
            person,
            dates,
            swipes,
            known_at: None,
        };
        self.judge_known(&facts, now);
        &self.assessment
    }

    /// *Invariant:* `facts.site` is the evaluator's.
    fn judge_known(&mut self, facts: &PersonFacts<'_>, now: Instant) {
        let mut deadline = Deadline::new(now);
        self.case.turn_to(facts, &mut deadline);
        self.assessment.findings.clear();
        let mut verdicts = Verdicts {
            deadline,
            drafts: Vec::new(),
            findings: &mut self.assessment.findings,
            standings: Standings::over(&mut self.assessment.standings),
        };
        self.case.each_date(facts, |office, members, views| {
            judge_date(facts, office, members, views, &mut verdicts);
        });
        let in_order = verdicts.findings.len();
        for judged in self.case.meetings_of_dates(facts) {
            judge_meeting(facts, judged, &mut verdicts);
        }
        for shift in duty::shifts_of_dates(facts, &self.case.shifts) {
            judge_duty(facts, shift, &mut verdicts);
        }
        let Verdicts {
            mut deadline,
            findings,
            standings,
            ..
        } = verdicts;
        findings.extend(observation::of_person(facts, &mut deadline));
        standings.end();
        // Each date's are in order, and so are the dates.
        if findings.len() > in_order {
            findings.sort_by(in_list_order);
        }
        let looked_at = duty::looked_at(facts, &self.case.shifts, self.case.context.interval);
        facts.site.consider_outages(looked_at, &mut deadline);
        self.assessment.next_deadline = deadline.next();
    }
}

/// What is being found out.
struct Verdicts<'a> {
    deadline: Deadline,
    /// Memory for what the rules conclude of one stay.
    drafts: Vec<MemberDraft>,
    findings: &'a mut Vec<Finding>,
    standings: Standings<'a>,
}

/// By date, period or meeting, kind.
fn in_list_order(one: &Finding, other: &Finding) -> Ordering {
    one.place().cmp(&other.place())
}

/// Everything that judging and explaining start from; its memory is used again for the next person.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) context: Context,
    /// Whatever was seen anywhere, in order.
    pub(crate) events: Vec<Event>,
    /// Those that count at the office, where others were seen too.
    office_events: Option<Vec<Event>>,
    timetable: Timetable,
    pub(crate) meetings: Vec<Judged>,
    pub(crate) shifts: Vec<Shift>,
    pub(crate) taken: Vec<Taken>,
}

impl Case {
    pub(crate) fn prepare(facts: &PersonFacts<'_>, deadline: &mut Deadline) -> Self {
        let mut case = Self::default();
        case.turn_to(facts, deadline);
        case
    }

    /// Looks at another person, or at other dates.
    fn turn_to(&mut self, facts: &PersonFacts<'_>, deadline: &mut Deadline) {
        let (site, person) = (facts.site, facts.person);
        self.context = site.context_of(person, facts.dates);
        let elsewhere = events_of(facts, deadline, &mut self.events);
        let attended = meetings_around(facts, &self.context)
            .map(|rostered| Attended::of(facts, &self.events, rostered, deadline))
            .collect();
        self.meetings = meeting::judge_meetings(site, person, attended);
        self.shifts = duty::shifts_around(facts, &self.events, self.context.interval, deadline);
        self.taken.clear();
        self.taken
            .extend(self.meetings.iter().filter_map(|judged| judged.taken(site, deadline)));
        self.taken
            .extend(self.shifts.iter().filter_map(|shift| shift.taken(site, deadline)));
        self.timetable.turn_to(site, person, self.context.planned);
        self.office_events = elsewhere.then(|| office_events(facts, &self.events, &self.meetings, &self.shifts));
    }

    pub(crate) fn office_events(&self) -> &[Event] {
        self.office_events.as_ref().unwrap_or(&self.events)
    }

    /// Visits the dates to judge in order: the positions of their periods in the plan, and their stays.
    pub(crate) fn each_date<F>(&self, facts: &PersonFacts<'_>, mut visit: F)
    where
        F: FnMut(&Office<'_>, Range<usize>, &[StayView<'_>]),
    {
        let dates = self.context.analysed_from..facts.dates.until;
        let days_of = |run: Run<'_>| {
            let first = run.days.partition_point(|day| day.date < dates.start);
            let count = run.days[first..].partition_point(|day| day.date < dates.end);
            first..first + count
        };
        let mut looked = Looked::at_most(self.office_events().len());
        for run in self.timetable.runs() {
            let office = self.office(facts, run);
            for day in &run.days[days_of(run)] {
                office.look(run.stays(day), &mut looked);
            }
        }
        let (mut marks, mut views, mut before) = (looked.by_stay(), Vec::new(), None);
        for run in self.timetable.runs() {
            let office = self.office(facts, run);
            for day in &run.days[days_of(run)] {
                office.view_date(run.stays(day), &mut marks, before, &mut views);
                before = last_departure(&views, day.members.end - 1);
                if facts.dates.contains(day.date) {
                    visit(&office, day.members.clone(), &views);
                }
            }
        }
    }

    fn office<'a>(&'a self, facts: &PersonFacts<'a>, run: Run<'a>) -> Office<'a> {
        Office {
            site: facts.site,
            person: facts.person,
            plan: &run.hours.plan,
            meets_absences: run.meets_absences,
            events: self.office_events(),
            meetings: &self.meetings,
            shifts: &self.shifts,
            taken: &self.taken,
        }
    }

    /// The meetings that start on the dates to judge and for which the person is rostered.
    pub(crate) fn meetings_of_dates<'a>(&'a self, facts: &'a PersonFacts<'_>) -> impl Iterator<Item = &'a Judged> {
        let rostered = |judged: &&Judged| judged.attended.own.role != Role::Substitute;
        self.meetings
            .iter()
            .filter(rostered)
            .filter(|judged| facts.dates.contains(facts.site.date_of_meeting(judged.meeting())))
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

/// Swipes at office places, and first openings of meetings and duties elsewhere, which count as coming in.
fn office_events(facts: &PersonFacts<'_>, events: &[Event], meetings: &[Judged], shifts: &[Shift]) -> Vec<Event> {
    let mut office: Vec<Event> = events
        .iter()
        .filter(|event| facts.site.is_office(event.place))
        .copied()
        .collect();
    let records = facts.site.records();
    let sign_ins = meetings.iter().filter_map(|judged| {
        let meeting = judged.meeting();
        let place = records.meetings[meeting.at()].place;
        Some((Occasion::Meeting(meeting), place, judged.attended.own.sign_in()?))
    });
    let arrivals = shifts.iter().filter_map(|shift| {
        let place = records.duties[shift.duty.at()].place;
        Some((Occasion::Duty(shift.duty), place, shift.sign_in()?))
    });
    for (occasion, _, sign_in) in sign_ins
        .chain(arrivals)
        .filter(|(_, place, _)| !facts.site.is_office(*place))
    {
        let Some(event) = events.iter().find(|event| event.id == sign_in.id) else {
            continue;
        };
        let opening_of = Some(occasion);
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
    verdicts: &mut Verdicts<'_>,
) {
    let Verdicts {
        deadline,
        drafts,
        findings,
        standings,
    } = verdicts;
    let first_new = findings.len();
    for view in views {
        office::findings(office, view, deadline, drafts);
        for (member, draft) in drafts.drain(..) {
            let planned = &office.plan[member];
            let about = About::Period(planned.of(facts.site).name.clone());
            let place = FindingPlace::of_person(facts, planned.date, about, planned.interval.from);
            findings.push(finding_of(facts.site, place, draft, deadline.now()));
        }
    }
    let found = &mut findings[first_new..];
    for member in members {
        let view = views.iter().find(|view| view.stay.members.contains(&member));
        standing::in_period(office, member, view, found, deadline, standings);
    }
    found.sort_by(in_list_order);
}

fn judge_meeting(facts: &PersonFacts<'_>, judged: &Judged, verdicts: &mut Verdicts<'_>) {
    let Verdicts {
        deadline,
        findings,
        standings,
        ..
    } = verdicts;
    let meeting = judged.meeting();
    let announced = &facts.site.records().meetings[meeting.at()];
    let first_new = findings.len();
    for draft in meeting::findings(facts.site, judged, deadline) {
        let date = facts.site.date_of_meeting(meeting);
        let place = FindingPlace::of_person(facts, date, About::Meeting(meeting), announced.starts);
        findings.push(finding_of(facts.site, place, draft, deadline.now()));
    }
    standings.put(standing::in_meeting(facts, judged, &findings[first_new..], deadline));
}

fn judge_duty(facts: &PersonFacts<'_>, shift: &Shift, verdicts: &mut Verdicts<'_>) {
    let Verdicts {
        deadline,
        findings,
        standings,
        ..
    } = verdicts;
    let first_new = findings.len();
    for draft in duty::findings(facts.site, shift, deadline) {
        let place = shift.place_of_findings(facts);
        findings.push(finding_of(facts.site, place, draft, deadline.now()));
    }
    standings.put(standing::on_duty(facts, shift, &findings[first_new..], deadline));
}

/// Whom a finding is about, and where it belongs.
#[derive(Clone, Debug)]
pub(crate) struct FindingPlace {
    pub(crate) subject: Subject,
    pub(crate) unit: Option<UnitIndex>,
    pub(crate) date: chrono::NaiveDate,
    pub(crate) about: About,
}

impl FindingPlace {
    /// Of a person, with the unit to which they belong when what it is about starts.
    pub(crate) fn of_person(facts: &PersonFacts<'_>, date: chrono::NaiveDate, about: About, starts: Instant) -> Self {
        Self {
            subject: Subject::Person(facts.person),
            unit: facts.site.unit_at(facts.person, starts),
            date,
            about,
        }
    }

    /// Of a unit as a whole.
    pub(crate) fn of_unit(unit: UnitIndex, date: chrono::NaiveDate, about: About) -> Self {
        Self {
            subject: Subject::Unit(unit),
            unit: Some(unit),
            date,
            about,
        }
    }
}

/// Asks coverage: a finding that rests on something not seen is withheld while a reader that could have shown it was down.
pub(crate) fn finding_of(site: &SiteFacts, place: FindingPlace, draft: Draft, now: Instant) -> Finding {
    let doubt = site.doubt(&draft.unseen, now);
    let state = match draft.state {
        _ if !doubt.readers.is_empty() => FindingState::Withheld,
        FindingState::Final if doubt.pending => FindingState::Provisional,
        state => state,
    };
    Finding {
        subject: place.subject,
        unit: place.unit,
        date: place.date,
        about: place.about,
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
