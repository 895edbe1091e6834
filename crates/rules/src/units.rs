//! Meetings as a whole: what units had to send, who came without being on the roster, and what inspectors saw of units.
//!
//! A unit counts the people of its whole subtree who came, on the roster or not, and those who were accepted to stand in for one of
//! them. So an unlisted person of a short unit counts for the unit's number as they come, and is proposed as a substitute 代会, because
//! whose place they took is for a person to say. Where nobody of a unit is on the roster by name the unit chooses whom it sends, and
//! nobody of it is unlisted.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use chrono::NaiveDate;

use crate::coverage::{Towards, Unseen, Watching};
use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::evaluate::{FindingPlace, finding_of};
use crate::explain::{Explanation, Limit, Step};
use crate::facts::{BURST_REACH, DateRange, PersonFacts, SiteFacts};
use crate::finding::{About, Finding, FindingKind, FindingState};
use crate::meeting::{Attendance, Passage};
use crate::model::{
    Meeting, MeetingIndex, Obligation, Observation, PersonIndex, ReaderIndex, Role, Subject, Substitutes, Swipe,
    SwipeId, UnitIndex,
};
use crate::narrate::certainty_steps;
use crate::narrate_meeting::announced_steps;
use crate::observation;
use crate::swipes::events_of;
use crate::time::{DayClock, Instant, Interval};

/// Where units are judged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitScope {
    /// At a meeting.
    Meeting(MeetingIndex),
    /// On a date, outside meetings: what inspectors saw of units.
    Date(NaiveDate),
}

/// What is known of a meeting as a whole: what [`evaluate_meeting`] judges.
#[derive(Clone, Copy, Debug)]
pub struct MeetingFacts<'a> {
    /// The bureau.
    pub site: &'a SiteFacts,
    /// The meeting, or the date.
    pub scope: UnitScope,
    /// Everybody's swipes of [`SiteFacts::scope_window`], in any order; those of other places and quarantined ones change nothing. For
    /// findings alone those of [`SiteFacts::scope_people`] are enough.
    pub swipes: &'a [Swipe],
    /// Judge by what had been received by then; `None` is by all that is there.
    pub known_at: Option<Instant>,
}

/// What [`evaluate_meeting`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeetingAssessment {
    /// What units did not do, and what inspectors saw of them; by unit, kind, observation.
    pub findings: Vec<Finding>,
    /// Who came without being on the roster and may be a substitute, by arrival.
    pub proposals: Vec<Proposal>,
    /// Who else came without being on the roster, by arrival.
    pub unlisted: Vec<Unlisted>,
    /// How many came for each unit that has to send somebody.
    pub tallies: Vec<UnitCount>,
    /// The smallest instant after `now` at which any comparison made can turn out differently without a new fact.
    pub next_deadline: Option<Instant>,
}

/// A proposed substitute 代会: somebody of a short unit who came without being on the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The unit that is short.
    pub unit: UnitIndex,
    /// Who came.
    pub substitute: PersonIndex,
    /// When.
    pub arrived_at: Instant,
    /// The swipe that shows it.
    pub swipe: SwipeId,
    /// For whom they can be accepted: people of that unit on the roster who have not come, and for whom nobody has.
    pub named: Vec<PersonIndex>,
}

/// Somebody who came without being on the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Who came.
    pub person: PersonIndex,
    /// When.
    pub arrived_at: Instant,
    /// The swipe that shows it.
    pub swipe: SwipeId,
}

/// How many came for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitCount {
    /// The unit.
    pub unit: UnitIndex,
    /// How many it has to send.
    pub at_least: u32,
    /// How many people of its subtree, and substitutes for them, arrived before the end.
    pub arrived: u32,
}

/// Judges a meeting as a whole at `now`: unit verdicts, proposed substitutes, and when to ask again.
pub fn evaluate_meeting(facts: &MeetingFacts<'_>, now: Instant) -> MeetingAssessment {
    let mut deadline = Deadline::new(now);
    let mut assessment = MeetingAssessment::default();
    if let Some(gathered) = Gathered::of(facts, &mut deadline) {
        for obligation in &gathered.announced.obligations {
            let sent = Sent::of(&gathered, obligation);
            assessment.tallies.push(sent.count());
            for draft in unit_drafts(&gathered, &sent, &mut deadline) {
                let place = gathered.place(obligation.unit);
                assessment.findings.push(finding_of(facts.site, place, draft, now));
            }
        }
        if !gathered.announced.obligations.is_empty() {
            let window = Interval::new(gathered.announced.sign_in_opens, gathered.announced.over_at());
            facts.site.consider_outages(window, &mut deadline);
        }
        // Where nobody is called by name or unit, whoever comes is welcome.
        if !gathered.announced.roster.is_empty() || !gathered.announced.obligations.is_empty() {
            (assessment.proposals, assessment.unlisted) = gathered.strangers();
        }
    }
    for (place, observation) in observed(facts, &mut deadline) {
        let draft = observation::draft(observation);
        assessment.findings.push(finding_of(facts.site, place, draft, now));
    }
    let units = &facts.site.records().units;
    assessment.findings.sort_by(|one, other| {
        let unit = |finding: &Finding| finding.unit.map(|unit| &units[unit.at()].id);
        (unit(one), one.place()).cmp(&(unit(other), other.place()))
    });
    assessment.next_deadline = deadline.next();
    assessment
}

/// Explains every finding of [`evaluate_meeting`], and every unit that did what it had to once the meeting has started, by unit.
pub fn explain_meeting(facts: &MeetingFacts<'_>, now: Instant) -> Vec<(UnitIndex, Explanation)> {
    let mut deadline = Deadline::new(now);
    let mut explanations = Vec::new();
    if let Some(gathered) = Gathered::of(facts, &mut deadline) {
        for obligation in &gathered.announced.obligations {
            let told = explain_unit(&gathered, obligation, &mut deadline);
            explanations.extend(told.into_iter().map(|told| (obligation.unit, told)));
        }
    }
    for (place, observation) in observed(facts, &mut deadline) {
        let Subject::Unit(unit) = observation.subject else {
            continue;
        };
        explanations.push((unit, observation::explain(facts.site, place, observation, &deadline)));
    }
    explanations
}

/// What inspectors saw of units, up to now.
fn observed<'a>(facts: &MeetingFacts<'a>, deadline: &mut Deadline) -> Vec<(FindingPlace, &'a Observation)> {
    let mut seen = Vec::new();
    for (position, observation) in facts.site.unit_observations() {
        let Subject::Unit(unit) = observation.subject else {
            continue;
        };
        if facts.site.scope_of_observation(position) == facts.scope && deadline.reached(observation.at) {
            let date = facts.site.date_of_observation(position);
            let place = FindingPlace::of_unit(unit, date, observation::about(observation));
            seen.push((place, observation));
        }
    }
    seen
}

/// Who came to a meeting.
struct Gathered<'a> {
    site: &'a SiteFacts,
    meeting: MeetingIndex,
    announced: &'a Meeting,
    now: Instant,
    /// Everybody's first opening before the end, as far as it has happened.
    arrivals: BTreeMap<PersonIndex, Arrival>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    passage: Passage,
    /// Whether they were inside since before sign-in opened, so that no badge was read for this meeting.
    carried: bool,
}

impl<'a> Gathered<'a> {
    /// `None` for a date outside meetings.
    fn of(facts: &MeetingFacts<'a>, deadline: &mut Deadline) -> Option<Self> {
        let UnitScope::Meeting(meeting) = facts.scope else {
            return None;
        };
        let site = facts.site;
        let announced = &site.records().meetings[meeting.at()];
        let (mut arrivals, mut events) = (BTreeMap::new(), Vec::new());
        for (person, swipes) in swipes_at(facts, announced) {
            let facts = PersonFacts {
                site,
                person,
                dates: DateRange::of_date(site.date_of_meeting(meeting)),
                swipes: &swipes,
                known_at: facts.known_at,
            };
            events_of(&facts, deadline, &mut events);
            let attendance = Attendance::of(site, &events, (meeting, Role::Required), deadline);
            if let Some(passage) = attendance.arrival {
                let carried = attendance.carried.is_some_and(|carried| carried.id == passage.id);
                arrivals.insert(person, Arrival { passage, carried });
            }
        }
        Some(Self {
            site,
            meeting,
            announced,
            now: deadline.now(),
            arrivals,
        })
    }

    fn place(&self, unit: UnitIndex) -> FindingPlace {
        let date = self.site.date_of_meeting(self.meeting);
        FindingPlace::of_unit(unit, date, About::Meeting(self.meeting))
    }

    /// Whether a person belongs to a unit, or to one below it, when the meeting starts.
    fn belongs(&self, person: PersonIndex, unit: UnitIndex) -> bool {
        let own = self.site.unit_at(person, self.announced.starts);
        own.is_some_and(|own| self.site.units_above(own).any(|above| above == unit))
    }

    fn is_listed(&self, person: PersonIndex) -> bool {
        let rostered = self.announced.roster.iter().map(|entry| entry.person);
        let accepted = self.announced.substitutions.iter().map(|accepted| accepted.substitute);
        rostered.chain(accepted).any(|listed| listed == person)
    }

    /// Whether the person came to another meeting that was on there: that they are in the room says nothing about this one.
    fn came_for_another(&self, person: PersonIndex, at: Instant) -> bool {
        let others = self.site.meetings_of(person).iter();
        others
            .filter(|(other, _)| *other != self.meeting)
            .map(|(other, _)| &self.site.records().meetings[other.at()])
            .any(|other| {
                let open = Interval::new(other.sign_in_opens, other.last_end());
                other.place == self.announced.place && open.contains(at)
            })
    }

    /// Who came without being on the roster: those who may be substitutes, and the others.
    fn strangers(&self) -> (Vec<Proposal>, Vec<Unlisted>) {
        let (mut proposals, mut unlisted) = (Vec::new(), Vec::new());
        let people = &self.site.records().people;
        let (choosing, short) = (self.choosing_units(), self.short_units());
        let mut strangers: Vec<(PersonIndex, Passage)> = self
            .arrivals
            .iter()
            .filter(|(person, arrival)| {
                let is_sent = self.nearest_of(**person, &choosing).is_some();
                let came_for_another = self.came_for_another(**person, arrival.passage.at);
                !arrival.carried && !self.is_listed(**person) && !is_sent && !came_for_another
            })
            .map(|(person, arrival)| (*person, arrival.passage))
            .collect();
        strangers.sort_by(|(one, came), (other, later)| {
            (came.at, &people[one.at()].id).cmp(&(later.at, &people[other.at()].id))
        });
        for (person, passage) in strangers {
            let (arrived_at, swipe) = (passage.at, passage.id);
            match self.nearest_of(person, &short) {
                Some(unit) => proposals.push(Proposal {
                    unit,
                    substitute: person,
                    arrived_at,
                    swipe,
                    named: self.open_places(unit, person),
                }),
                None => unlisted.push(Unlisted {
                    person,
                    arrived_at,
                    swipe,
                }),
            }
        }
        (proposals, unlisted)
    }

    /// The nearest unit above a person that is one of these.
    fn nearest_of(&self, person: PersonIndex, units: &BTreeSet<UnitIndex>) -> Option<UnitIndex> {
        let own = self.site.unit_at(person, self.announced.starts)?;
        self.site.units_above(own).find(|unit| units.contains(unit))
    }

    /// The units that have to send people and of which nobody is named, so that whomever they send is as good as named.
    fn choosing_units(&self) -> BTreeSet<UnitIndex> {
        let named: BTreeSet<UnitIndex> = self
            .announced
            .roster
            .iter()
            .filter_map(|entry| self.site.unit_at(entry.person, self.announced.starts))
            .flat_map(|unit| self.site.units_above(unit))
            .collect();
        let asked = self.announced.obligations.iter().map(|obligation| obligation.unit);
        asked.filter(|unit| !named.contains(unit)).collect()
    }

    /// The units for which too few came, where substitutes are allowed.
    fn short_units(&self) -> BTreeSet<UnitIndex> {
        if self.announced.substitutes == Substitutes::None {
            return BTreeSet::new();
        }
        let counts = self
            .announced
            .obligations
            .iter()
            .map(|asked| Sent::of(self, asked).count());
        counts
            .filter(|count| count.arrived < count.at_least)
            .map(|count| count.unit)
            .collect()
    }

    /// The people of a unit on the roster who have not come, for whom nobody has, and for whom a substitute may be accepted.
    fn open_places(&self, unit: UnitIndex, substitute: PersonIndex) -> Vec<PersonIndex> {
        let has_come = |person: PersonIndex| {
            let mut stand_ins = self
                .announced
                .substitutes_of(person)
                .map(|accepted| accepted.substitute);
            self.arrivals.contains_key(&person) || stand_ins.any(|other| self.arrivals.contains_key(&other))
        };
        let named = self.announced.roster.iter().map(|entry| entry.person);
        let records = self.site.records();
        named
            .filter(|person| self.belongs(*person, unit) && !has_come(*person))
            .filter(|person| records.may_stand_in(self.meeting, *person, substitute).is_ok())
            .collect()
    }
}

/// The swipes at the meeting's place, by whose they are.
fn swipes_at(facts: &MeetingFacts<'_>, announced: &Meeting) -> BTreeMap<PersonIndex, Vec<Swipe>> {
    let mut by_person: BTreeMap<PersonIndex, Vec<Swipe>> = BTreeMap::new();
    for swipe in facts.swipes {
        if facts.site.place_of(swipe.reader, swipe.happened_at) == Some(announced.place)
            && let Some(person) = facts.site.holder(swipe.badge, swipe.happened_at)
        {
            by_person.entry(person).or_default().push(*swipe);
        }
    }
    by_person
}

/// Whom a unit sent.
struct Sent<'o> {
    obligation: &'o Obligation,
    /// Who came for it, when, and for whom those stand in who are not of the unit.
    came: Vec<(PersonIndex, Passage, Option<PersonIndex>)>,
    /// The highest rank among them.
    highest: Option<i64>,
    /// Its head, if they came in person.
    head: Option<PersonIndex>,
}

impl<'o> Sent<'o> {
    fn of(gathered: &Gathered<'_>, obligation: &'o Obligation) -> Self {
        let unit = obligation.unit;
        let mut came: Vec<_> = gathered
            .arrivals
            .iter()
            .filter_map(|(person, arrival)| {
                if gathered.belongs(*person, unit) {
                    return Some((*person, arrival.passage, None));
                }
                let mut accepted = gathered.announced.substitutions.iter();
                let stands_for = accepted
                    .find(|accepted| accepted.substitute == *person && gathered.belongs(accepted.person, unit))?;
                Some((*person, arrival.passage, Some(stands_for.person)))
            })
            .collect();
        let people = &gathered.site.records().people;
        came.sort_by(|(one, first, _), (other, second, _)| {
            (first.at, &people[one.at()].id).cmp(&(second.at, &people[other.at()].id))
        });
        let stints = || {
            came.iter().filter_map(|(person, ..)| {
                let stint = gathered.site.stint_at(*person, gathered.announced.starts)?;
                Some((*person, stint))
            })
        };
        Self {
            obligation,
            highest: stints().filter_map(|(_, stint)| stint.rank).max(),
            head: stints()
                .find(|(_, stint)| stint.head && stint.unit == unit)
                .map(|(person, _)| person),
            came,
        }
    }

    fn count(&self) -> UnitCount {
        UnitCount {
            unit: self.obligation.unit,
            at_least: self.obligation.at_least,
            arrived: u32::try_from(self.came.len()).unwrap_or(u32::MAX),
        }
    }

    fn has_rank(&self) -> bool {
        self.obligation
            .min_rank
            .is_none_or(|least| self.highest.is_some_and(|highest| highest >= least))
    }

    fn has_head(&self) -> bool {
        !self.obligation.head_required || self.head.is_some()
    }

    /// What is wrong, whenever it is said: absent stands alone.
    fn kinds(&self) -> Vec<FindingKind> {
        let UnitCount { arrived, at_least, .. } = self.count();
        if arrived == 0 && at_least > 0 {
            return Vec::from([FindingKind::UnitAbsent]);
        }
        let mut kinds = Vec::new();
        if arrived < at_least {
            kinds.push(FindingKind::UnitShort);
        }
        if !self.has_rank() || !self.has_head() {
            kinds.push(FindingKind::UnitRank);
        }
        kinds
    }
}

/// What a unit did not do: said once the length since the start is longer than `absent_after`, final at the end.
fn unit_drafts(gathered: &Gathered<'_>, sent: &Sent<'_>, deadline: &mut Deadline) -> Vec<Draft> {
    let announced = gathered.announced;
    let over_at = announced.over_at();
    let said_from = (announced.starts + announced.absent_after).next().min(over_at);
    if !deadline.reached(said_from) {
        return Vec::new();
    }
    let state = if deadline.reached(over_at) {
        FindingState::Final
    } else {
        FindingState::Provisional
    };
    let unseen = Unseen {
        watching: Watching::Place(announced.place),
        towards: Towards::In,
        interval: Interval::new(announced.sign_in_opens, deadline.now().min(over_at)),
    };
    let draft = |kind| Draft {
        due: Some(announced.starts),
        swipes: sent.came.iter().map(|(_, passage, _)| passage.id).collect(),
        unseen: Vec::from([unseen]),
        ..Draft::new(kind, state)
    };
    sent.kinds().into_iter().map(draft).collect()
}

fn explain_unit(gathered: &Gathered<'_>, obligation: &Obligation, deadline: &mut Deadline) -> Vec<Explanation> {
    let sent = Sent::of(gathered, obligation);
    let place = gathered.place(obligation.unit);
    let mut explanations = Vec::new();
    for draft in unit_drafts(gathered, &sent, deadline) {
        let finding = finding_of(gathered.site, place.clone(), draft.clone(), gathered.now);
        let mut steps = sent_steps(gathered, &sent);
        if gathered.now < gathered.announced.over_at() {
            steps.push(Step::Compared {
                limit: Limit::AbsentAfter,
                allowed: gathered.announced.absent_after,
                length: None,
                exceeded: true,
            });
        }
        let until = Some(gathered.announced.over_at());
        steps.extend(certainty_steps(gathered.site, &draft, &finding, until));
        explanations.push(explanation(&place, Some(finding.kind), steps));
    }
    if explanations.is_empty() && gathered.announced.starts <= gathered.now {
        let mut steps = sent_steps(gathered, &sent);
        if gathered.now < gathered.announced.over_at() {
            steps.push(Step::NotOver {
                until: gathered.announced.over_at(),
            });
        }
        steps.push(Step::NothingWrong);
        explanations.push(explanation(&place, None, steps));
    }
    explanations
}

fn explanation(place: &FindingPlace, finding: Option<FindingKind>, steps: Vec<Step>) -> Explanation {
    Explanation {
        date: place.date,
        about: place.about.clone(),
        finding,
        source: None,
        steps,
    }
}

fn sent_steps(gathered: &Gathered<'_>, sent: &Sent<'_>) -> Vec<Step> {
    let Obligation {
        unit,
        at_least,
        min_rank,
        head_required,
    } = *sent.obligation;
    let mut steps = announced_steps(gathered.meeting, gathered.announced);
    steps.push(Step::Obligation {
        unit,
        at_least,
        min_rank,
        head_required,
    });
    steps.extend(sent.came.iter().map(|(person, passage, stands_for)| Step::CameForUnit {
        person: *person,
        id: passage.id,
        at: passage.at,
        stands_for: *stands_for,
    }));
    let UnitCount { arrived, .. } = sent.count();
    steps.push(Step::CountForUnit { arrived, at_least });
    let highest = sent.highest;
    steps.extend(min_rank.map(|min_rank| Step::RankForUnit { highest, min_rank }));
    if head_required {
        steps.push(Step::HeadForUnit { came: sent.head });
    }
    steps
}

impl SiteFacts {
    /// A unit and those above it, the nearest first.
    pub fn units_above(&self, unit: UnitIndex) -> impl Iterator<Item = UnitIndex> + '_ {
        let units = &self.records().units;
        let above = core::iter::successors(Some(unit), |unit| units[unit.at()].parent);
        above.take(units.len())
    }

    /// What inspectors saw of units, with its position in the records.
    fn unit_observations(&self) -> impl Iterator<Item = (usize, &Observation)> {
        let observations = self.records().observations.iter().enumerate();
        observations.filter(|(_, observation)| matches!(observation.subject, Subject::Unit(_)))
    }

    fn scope_of_observation(&self, observation: usize) -> UnitScope {
        match self.records().observations[observation].meeting {
            Some(meeting) => UnitScope::Meeting(meeting),
            None => UnitScope::Date(self.date_of_observation(observation)),
        }
    }

    /// Wherever units are judged: meetings to which some have to send people, and meetings and dates of what inspectors saw of them.
    pub fn unit_scopes(&self) -> BTreeSet<UnitScope> {
        let meetings = self.records().meetings.iter().zip((0..).map(MeetingIndex));
        let asking = meetings
            .filter(|(meeting, _)| !meeting.obligations.is_empty())
            .map(|(_, index)| UnitScope::Meeting(index));
        let observed = self
            .unit_observations()
            .map(|(position, _)| self.scope_of_observation(position));
        asking.chain(observed).collect()
    }

    /// The local date to which what is judged there belongs.
    pub fn date_of_scope(&self, scope: UnitScope) -> NaiveDate {
        match scope {
            UnitScope::Meeting(meeting) => self.date_of_meeting(meeting),
            UnitScope::Date(date) => date,
        }
    }

    /// Which swipes judging it needs: those that happened in this interval.
    pub fn scope_window(&self, scope: UnitScope) -> Interval {
        match scope {
            UnitScope::Meeting(meeting) => {
                let extent = self.meeting_extent(meeting);
                Interval::new(extent.from - BURST_REACH, extent.until)
            }
            UnitScope::Date(_) => Interval::new(Instant::from_ms(0), Instant::from_ms(0)),
        }
    }

    /// Whose swipes its findings rest on: everybody who belongs to a unit that has to send people, and whoever stands in for one of them.
    pub fn scope_people(&self, scope: UnitScope) -> Vec<PersonIndex> {
        let UnitScope::Meeting(meeting) = scope else {
            return Vec::new();
        };
        let announced = &self.records().meetings[meeting.at()];
        let asked: BTreeSet<UnitIndex> = announced.obligations.iter().map(|asked| asked.unit).collect();
        let counts = |person: &PersonIndex| {
            let own = self.unit_at(*person, announced.starts);
            let stands_in = announced
                .substitutions
                .iter()
                .any(|accepted| accepted.substitute == *person);
            stands_in || own.is_some_and(|own| self.units_above(own).any(|unit| asked.contains(&unit)))
        };
        if asked.is_empty() {
            return Vec::new();
        }
        self.person_indexes().filter(counts).collect()
    }

    /// The meetings as a whole that a swipe can touch, whosever it is.
    pub fn touched_meetings(&self, reader: ReaderIndex, at: Instant) -> impl Iterator<Item = MeetingIndex> + '_ {
        let place = self.place_of(reader, at);
        let meetings = place.map_or(&[][..], |place| &self.meetings_at[place.at()]);
        meetings.iter().copied().filter(move |meeting| {
            self.scope_window(UnitScope::Meeting(*meeting)).contains(at)
                && !self.records().meetings[meeting.at()].obligations.is_empty()
        })
    }

    /// When it begins to be judged: when sign-in opens, or the date begins.
    pub fn scope_opens_at(&self, scope: UnitScope) -> Instant {
        match scope {
            UnitScope::Meeting(meeting) => self.records().meetings[meeting.at()].sign_in_opens,
            UnitScope::Date(date) => DayClock::new(date, self.records().site.zone).midnight(),
        }
    }
}
