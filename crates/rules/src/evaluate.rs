//! Judging a person's dates.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use chrono::NaiveDate;
use smallvec::SmallVec;

use crate::deadline::Deadline;
use crate::draft::{Draft, Measured};
use crate::duty::{self, Shift};
use crate::facts::{Context, DateRange, PersonFacts, SiteFacts};
use crate::finding::{About, Assessment, Finding, FindingKind, FindingState, Findings, Standing};
use crate::glance::{self, CloseDay, Told};
use crate::hours::{Hours, Timetable};
use crate::meeting::{self, Attended, Judged, Taken};
use crate::model::{Facing, MeetingIndex, Occasion, PersonIndex, Role, Subject, Swipe, UnitIndex};
use crate::observation;
use crate::office::{self, LastDeparture, Looked, MemberDraft, Office, StayView};
use crate::shape::{Found, Seen, Shapes, Trace, last_seen};
use crate::standing::{self, Standings};
use crate::swipes::{Event, consider_next, events_of, events_of_stretches, in_order};
use crate::time::Instant;

/// Judges a person's dates at `now`: findings, standings, and when to ask again.
pub fn evaluate(facts: &PersonFacts<'_>, now: Instant) -> Assessment {
    let mut evaluator = Evaluator::new(facts.site);
    evaluator.judge_known(facts, now);
    evaluator.assessment
}

/// Judges many people of one bureau, or many dates: what [`evaluate`] does, with what people share compiled once, with memory that is
/// used again, and with days that are like others read at a glance.
#[derive(Debug)]
pub struct Evaluator<'a> {
    site: &'a SiteFacts,
    case: Case,
    shapes: Shapes,
    /// Whose periods the standings are laid out for: the number of the hours, and the dates.
    laid_out: Option<(u64, DateRange)>,
    /// How many standings are in periods.
    in_periods: usize,
    assessment: Assessment,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of the people of this bureau.
    pub fn new(site: &'a SiteFacts) -> Self {
        Self {
            site,
            case: Case::default(),
            shapes: Shapes::default(),
            laid_out: None,
            in_periods: 0,
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
        self.case.turn_to(facts, &mut self.shapes);
        self.lay_out_standings(facts.dates);
        let told = if self.case.knows_shapes(facts) {
            self.read_days(facts, now)
        } else {
            None
        };
        match told {
            Some(_) => self.case.look_at_rest(facts, &mut deadline),
            None => self.case.look_at_all(facts, &mut deadline),
        }
        let mut verdicts = Verdicts {
            deadline,
            drafts: Vec::new(),
            findings: Findings::over(&mut self.assessment.findings, told.unwrap_or(0)),
            standings: Standings::over(&mut self.assessment.standings, self.in_periods),
        };
        self.case.each_date(facts, now, |office, day, views| {
            judge_date(facts, office, day, views, &mut verdicts, &mut self.shapes);
        });
        let in_order = verdicts.findings.count();
        for judged in self.case.meetings_of_dates(facts) {
            judge_meeting(facts, judged, &mut verdicts);
        }
        for shift in duty::shifts_of_dates(facts, &self.case.shifts) {
            judge_duty(facts, shift, &mut verdicts);
        }
        let Verdicts {
            mut deadline,
            mut findings,
            standings,
            ..
        } = verdicts;
        for finding in observation::of_person(facts, &mut deadline) {
            findings.put(finding);
        }
        standings.end();
        // Each date's are in order, and so are the dates.
        if findings.count() > in_order {
            findings.all().sort_by(in_list_order);
        }
        findings.end();
        let looked_at = duty::looked_at(facts, &self.case.shifts, self.case.context.interval);
        facts.site.consider_outages(looked_at, &mut deadline);
        self.assessment.next_deadline = deadline.next();
    }

    /// Writes what is the same of the standings of everybody who has the hours, unless it stands there from whoever was judged before.
    fn lay_out_standings(&mut self, dates: DateRange) {
        let timetable = &self.case.timetable;
        let layout = timetable.number().map(|number| (number, dates));
        if layout == self.laid_out && layout.is_some() {
            return;
        }
        (self.laid_out, self.in_periods) = (layout, 0);
        for run in timetable.runs() {
            for day in &run.hours.days[run.days_of(dates)] {
                for planned in &run.hours.plan[day.members.clone()] {
                    standing::lay_out(self.site, planned, self.in_periods, &mut self.assessment.standings);
                    self.in_periods += 1;
                }
            }
        }
    }

    /// Tells what is remembered of the person's days: how many findings. `None` if all of them are to be looked at.
    fn read_days(&mut self, facts: &PersonFacts<'_>, now: Instant) -> Option<usize> {
        let Case {
            timetable,
            traces,
            close,
            ..
        } = &mut self.case;
        timetable.patch(facts.site, facts.person, Some(now));
        let mut told = Told {
            standings: &mut self.assessment.standings,
            findings: Findings::over(&mut self.assessment.findings, 0),
        };
        glance::read_days(facts, timetable, &mut self.shapes, now, &mut told, (traces, close))?;
        Some(told.findings.count())
    }
}

/// What is being found out.
struct Verdicts<'a> {
    deadline: Deadline,
    /// Memory for what the rules conclude of one stay.
    drafts: Vec<MemberDraft>,
    findings: Findings<'a>,
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
    /// Of which dates that is the context.
    dates: Option<DateRange>,
    /// Whatever was seen anywhere around the days that are looked at, in order.
    pub(crate) events: Vec<Event>,
    /// Those that count at the office, where others were seen too.
    office_events: Option<Vec<Event>>,
    timetable: Timetable,
    /// The swipes, as short as can be.
    traces: Vec<Trace>,
    /// The days that are looked at, and that others need.
    close: Vec<CloseDay>,
    /// Whether those are not all of them.
    is_rest: bool,
    pub(crate) meetings: Vec<Judged>,
    pub(crate) shifts: Vec<Shift>,
    pub(crate) taken: Vec<Taken>,
}

impl Case {
    pub(crate) fn prepare(facts: &PersonFacts<'_>, deadline: &mut Deadline) -> Self {
        let mut case = Self::default();
        case.turn_to(facts, &mut Shapes::default());
        case.look_at_all(facts, deadline);
        case
    }

    /// Turns to another person, or to other dates.
    fn turn_to(&mut self, facts: &PersonFacts<'_>, shapes: &mut Shapes) {
        // Without rule 12 it is the same for everybody.
        if facts.site.any_late_allowance || self.dates != Some(facts.dates) {
            self.context = facts.site.context_of(facts.person, facts.dates);
            self.dates = Some(facts.dates);
        }
        self.timetable
            .turn_to(facts.site, facts.person, self.context.planned, shapes);
    }

    /// Whether days may be read at a glance: nothing but the person's own office swipes says anything of them.
    fn knows_shapes(&self, facts: &PersonFacts<'_>) -> bool {
        let PersonFacts { site, person, .. } = *facts;
        let interval = self.context.interval;
        self.timetable.is_shaped()
            && facts.known_at.is_none()
            && !site.any_late_allowance
            && site.meetings_meeting(person, interval).next().is_none()
            && site.duties_meeting(person, interval).next().is_none()
    }

    /// Looks closely at every day.
    fn look_at_all(&mut self, facts: &PersonFacts<'_>, deadline: &mut Deadline) {
        let (site, person) = (facts.site, facts.person);
        self.timetable.patch(site, person, None);
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
        self.office_events = elsewhere.then(|| office_events(facts, &self.events, &self.meetings, &self.shifts));
        self.is_rest = false;
        self.close.clear();
        let dates = DateRange {
            from: self.context.analysed_from,
            ..facts.dates
        };
        let mut standings = 0;
        for run in self.timetable.runs() {
            for position in run.days_of(dates) {
                let day = &run.hours.days[position];
                self.close.push(CloseDay::new(run.own, position, standings));
                if facts.dates.contains(day.date) {
                    standings += day.members.len();
                }
            }
        }
    }

    /// Looks closely at what was not read at a glance.
    fn look_at_rest(&mut self, facts: &PersonFacts<'_>, deadline: &mut Deadline) {
        let stretches = self.close.iter().map(|day| day.swipes.clone());
        let elsewhere = events_of_stretches(facts, stretches, deadline, &mut self.events);
        consider_next(facts, deadline);
        self.meetings.clear();
        self.shifts.clear();
        self.taken.clear();
        self.office_events = elsewhere.then(|| office_events(facts, &self.events, &[], &[]));
        self.is_rest = true;
    }

    pub(crate) fn office_events(&self) -> &[Event] {
        self.office_events.as_ref().unwrap_or(&self.events)
    }

    /// Visits the days to judge that are looked at closely, in order: with the positions of their periods in the plan, and their stays.
    pub(crate) fn each_date<F>(&self, facts: &PersonFacts<'_>, now: Instant, mut visit: F)
    where
        F: FnMut(&Office<'_>, DayAt<'_>, &[StayView<'_>]),
    {
        let days = || {
            let days = self.close.iter();
            days.filter_map(|close| Some((close, self.timetable.hours(close.own)?)))
        };
        if self.close.is_empty() {
            return;
        }
        let mut looked = Looked::at_most(self.office_events().len());
        for (close, hours) in days() {
            let office = self.office(facts, hours, close.own, now);
            office.look(hours.stays(close.position), &mut looked);
        }
        let (mut marks, mut views, mut before) = (looked.by_stay(), Vec::new(), None);
        for (close, hours) in days() {
            let office = self.office(facts, hours, close.own, now);
            let day = &hours.days[close.position];
            office.view_date(hours.stays(close.position), &mut marks, before, &mut views);
            before = last_departure(&views, day.members.end - 1);
            if facts.dates.contains(day.date) {
                let traces = &self.traces;
                visit(&office, DayAt { close, hours, traces }, &views);
            }
        }
    }

    fn office<'a>(&'a self, facts: &PersonFacts<'a>, hours: &'a Hours, own: bool, now: Instant) -> Office<'a> {
        Office {
            site: facts.site,
            person: facts.person,
            plan: &hours.plan,
            meets_absences: own,
            events: self.office_events(),
            unread: self.is_rest.then_some((*facts, now)),
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

/// A day that is looked at, with the hours of which it is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayAt<'a> {
    close: &'a CloseDay,
    hours: &'a Hours,
    traces: &'a [Trace],
}

impl<'a> DayAt<'a> {
    /// The positions of its periods in the plan.
    pub(crate) fn members(self) -> Range<usize> {
        self.hours.days[self.close.position].members.clone()
    }

    fn date(self) -> NaiveDate {
        self.hours.days[self.close.position].date
    }

    /// What was seen on it, if that can be remembered.
    fn seen(self, facts: &'a PersonFacts<'a>) -> Option<Seen<'a>> {
        let (glance, unit) = self.close.plain.as_ref()?;
        Some(Seen {
            facts,
            unit: *unit,
            hours: self.hours,
            day: self.close.position,
            glance,
            before: last_seen(&self.traces[..self.close.swipes.start]),
            traces: &self.traces[self.close.swipes.clone()],
            swipes: &facts.swipes[self.close.swipes.clone()],
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
    day: DayAt<'_>,
    views: &[StayView<'_>],
    verdicts: &mut Verdicts<'_>,
    shapes: &mut Shapes,
) {
    let Verdicts {
        deadline,
        drafts,
        findings,
        standings,
    } = verdicts;
    let members = day.members();
    let (first_new, waited_for) = (findings.count(), deadline.next());
    let mut measures: Measures = SmallVec::new();
    for (stay, view) in views.iter().enumerate() {
        office::findings(office, view, deadline, drafts);
        for (member, draft) in drafts.drain(..) {
            let planned = &office.plan[member];
            let about = About::Period(planned.of(facts.site).name.clone());
            let place = FindingPlace::of_person(facts, planned.date, about, planned.interval.from);
            measures.push((draft.kind, member - members.start, stay, draft.measured));
            findings.put(finding_of(facts.site, place, draft, deadline.now()));
        }
    }
    let found = &mut findings.all()[first_new..];
    let standings = standings.at(day.close.standings..day.close.standings + members.len());
    let told = if day.close.is_told {
        standings.to_vec()
    } else {
        Vec::new()
    };
    for (member, standing) in members.zip(&mut *standings) {
        let view = views.iter().find(|view| view.stay.members.contains(&member));
        standing::in_period(office, member, view, found, deadline, standing);
    }
    found.sort_by(in_list_order);
    if day.close.is_told {
        assert_eq!(standings, told, "how somebody stands on a day like those remembered");
        assert_eq!(deadline.next(), waited_for, "such a day waits for nothing");
        compare(day.date(), findings, first_new);
        return;
    }
    if deadline.next() == waited_for
        && let Some(seen) = day.seen(facts)
    {
        remember(shapes, &seen, &measures, found, standings);
    }
    findings.put_in_place(first_new);
}

/// What was measured for the findings of a date: of which kind, and in which of its periods and stays.
type Measures = SmallVec<[(FindingKind, usize, usize, Option<Measured>); 2]>;

/// Compares what was just found on a day with what was told at once of it.
fn compare(date: NaiveDate, findings: &mut Findings<'_>, first_new: usize) {
    let (before, found) = findings.all().split_at(first_new);
    let told: Vec<&Finding> = before.iter().filter(|finding| finding.date == date).collect();
    assert!(
        found.iter().eq(told.iter().copied()),
        "found on a day like those remembered: {found:?}, told: {told:?}"
    );
    findings.truncate(first_new);
}

fn remember(shapes: &mut Shapes, seen: &Seen<'_>, measures: &Measures, found: &[Finding], standings: &[Standing]) {
    let named = |finding: &Finding, period: usize| {
        let planned = &seen.hours.plan[seen.hours.days[seen.day].members.start + period];
        finding.about == About::Period(planned.of(seen.facts.site).name.clone())
    };
    let mut told: SmallVec<[Found<'_>; 2]> = SmallVec::new();
    for finding in found {
        let mut measures = measures.iter();
        let own = measures.find(|(kind, period, ..)| *kind == finding.kind && named(finding, *period));
        let Some(&(_, period, stay, over)) = own else {
            return;
        };
        told.push(Found {
            finding,
            period,
            stay,
            measured: over,
        });
    }
    shapes.remember(seen, &told, standings);
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
    let first_new = findings.count();
    for draft in meeting::findings(facts.site, judged, deadline) {
        let date = facts.site.date_of_meeting(meeting);
        let place = FindingPlace::of_person(facts, date, About::Meeting(meeting), announced.starts);
        findings.put(finding_of(facts.site, place, draft, deadline.now()));
    }
    standings.put(standing::in_meeting(
        facts,
        judged,
        &findings.all()[first_new..],
        deadline,
    ));
}

fn judge_duty(facts: &PersonFacts<'_>, shift: &Shift, verdicts: &mut Verdicts<'_>) {
    let Verdicts {
        deadline,
        findings,
        standings,
        ..
    } = verdicts;
    let first_new = findings.count();
    for draft in duty::findings(facts.site, shift, deadline) {
        let place = shift.place_of_findings(facts);
        findings.put(finding_of(facts.site, place, draft, deadline.now()));
    }
    standings.put(standing::on_duty(facts, shift, &findings.all()[first_new..], deadline));
}

/// Whom a finding is about, and where it belongs.
#[derive(Clone, Debug)]
pub(crate) struct FindingPlace {
    pub(crate) subject: Subject,
    pub(crate) unit: Option<UnitIndex>,
    pub(crate) date: NaiveDate,
    pub(crate) about: About,
}

impl FindingPlace {
    /// Of a person, with the unit to which they belong when what it is about starts.
    pub(crate) fn of_person(facts: &PersonFacts<'_>, date: NaiveDate, about: About, starts: Instant) -> Self {
        Self {
            subject: Subject::Person(facts.person),
            unit: facts.site.unit_at(facts.person, starts),
            date,
            about,
        }
    }

    /// Of a unit as a whole.
    pub(crate) fn of_unit(unit: UnitIndex, date: NaiveDate, about: About) -> Self {
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
