//! Duties 值班: who was there when, and what it says.
//!
//! The place's `pairing` says how swipes at readers that face both ways are read: `directed` ignores them, `alternate` lets them come in
//! and go out in turn, and `first` lets them come in and, in the second half, be a departure, as in an office period (rule 4). With one
//! within the time of a check somebody who is there only shows that they are.

use alloc::vec::Vec;

use chrono::NaiveDate;

use crate::coverage::{Towards, Unseen, Watching};
use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::evaluate::FindingPlace;
use crate::facts::{DateRange, PersonFacts, SiteFacts, days_after, days_before};
use crate::finding::{About, FindingKind, FindingState};
use crate::meeting::{Passage, Taken};
use crate::model::{
    Duty, DutyIndex, Facing, Occasion, Pairing, PeriodSettings, PersonIndex, PlaceIndex, SiteRecords, SwipeId,
};
use crate::plan::middle_of;
use crate::swipes::{Event, events_of};
use crate::time::{Instant, Interval, IntervalSet, Span, local_date};

/// How long before its start somebody can arrive for a duty.
const SIGN_IN_BEFORE: Span = Span::from_minutes(30);

/// How long after its end somebody can still be seen leaving, and the successor come.
const SETTLED_AFTER: Span = Span::from_minutes(30);

/// How far from a check a swipe shows that somebody is there.
const PROOF_WITHIN: Span = Span::from_minutes(10);

/// Drawn checks keep this far from the ends of the duty, in minutes.
const UNCHECKED_MINUTES: i64 = 10;

/// Drawn checks are at least so many minutes apart where the duty is long enough, so that no swipe answers two.
const CHECKS_APART_MINUTES: i64 = 21;

/// Draws the times of checks: `number` whole minutes after the start of a duty, in order, none in its first or last 10 minutes and no two
/// within 20 minutes of each other.
///
/// They are a function of the arguments alone, on any machine: a 64-bit FNV-1a hash of the seed's bytes, of the start and the end
/// (milliseconds since 1970, little-endian) and of the number begins a `SplitMix64` sequence. The minutes that may be drawn, less 21 for
/// each check after the first, are divided among the checks by so many draws (the high 64 bits of draw × minutes), put in order,
/// and 21 minutes are put between neighbours again. Where a duty is too short for that the checks are spread evenly; where it is
/// shorter than 20 minutes there are none.
pub fn drawn_checks(seed: &str, interval: Interval, number: u32) -> Vec<Instant> {
    let minutes = interval.length().as_ms() / 60_000 - 2 * UNCHECKED_MINUTES;
    let count = i64::from(number);
    if minutes < 0 || count == 0 {
        return Vec::new();
    }
    let at = |minute: i64| interval.from + Span::from_minutes(UNCHECKED_MINUTES + minute);
    let slack = minutes - CHECKS_APART_MINUTES * (count - 1);
    if slack < 0 {
        return (0..count).map(|check| at(minutes * check / (count - 1))).collect();
    }
    let mut state = hash(seed, interval, number);
    let mut drawn: Vec<i64> = (0..count).map(|_| draw(&mut state, slack + 1)).collect();
    drawn.sort_unstable();
    let checks = drawn.into_iter().zip(0..);
    checks
        .map(|(minute, before)| at(minute + before * CHECKS_APART_MINUTES))
        .collect()
}

/// FNV-1a.
fn hash(seed: &str, interval: Interval, number: u32) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let ends = [interval.from, interval.until].map(|at| at.as_ms().to_le_bytes());
    let bytes = seed.bytes().chain(ends.concat()).chain(number.to_le_bytes());
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// The next number of a `SplitMix64` sequence, from 0 up to but without `bound`, which is positive.
fn draw(state: &mut u64, bound: i64) -> i64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let drawn = (u128::from(mixed ^ (mixed >> 31)) * u128::from(bound.unsigned_abs())) >> 64;
    i64::try_from(drawn).unwrap_or(0)
}

/// When a duty is checked: set and drawn times together, in order.
pub(crate) fn checks_of(duty: &Duty) -> Vec<Instant> {
    let seed = duty.check_seed.as_ref().unwrap_or(&duty.id);
    let mut checks = drawn_checks(seed, duty.interval, duty.checks_drawn);
    checks.extend(&duty.checks_at);
    checks.sort_unstable();
    checks.dedup();
    checks
}

impl SiteRecords {
    /// The duties that an instant after their start can still touch: those that had begun and were not settled.
    pub fn duties_unsettled_at(&self, at: Instant) -> impl Iterator<Item = &Duty> {
        self.duties
            .iter()
            .filter(move |duty| duty.interval.from <= at && at < duty.interval.until + SETTLED_AFTER)
    }
}

impl SiteFacts {
    /// When a duty is checked, set and drawn times together, in order.
    pub fn duty_checks(&self, duty: DutyIndex) -> &[Instant] {
        &self.duty_checks[duty.at()]
    }

    /// From when somebody can arrive for a duty: half an hour before it starts.
    pub fn duty_opens_at(&self, duty: DutyIndex) -> Instant {
        self.duty(duty).interval.from - SIGN_IN_BEFORE
    }

    /// The local date to which a duty's findings belong: that of its start.
    pub fn date_of_duty(&self, duty: DutyIndex) -> NaiveDate {
        local_date(self.duty(duty).interval.from, self.records().site.zone)
    }

    /// The dates of the person on duty that a swipe can touch by way of the duty: its own and those over whose periods it lies.
    pub fn dates_of_duty(&self, duty: DutyIndex) -> DateRange {
        let (zone, window) = (self.records().site.zone, self.duty_window(duty));
        DateRange {
            from: days_before(local_date(window.from, zone), 2),
            until: days_after(local_date(window.until, zone), 3),
        }
    }

    /// When no swipe can change what a duty says any more.
    pub(crate) fn duty_settled_at(&self, duty: DutyIndex) -> Instant {
        self.duty(duty).interval.until + SETTLED_AFTER
    }

    fn duty(&self, duty: DutyIndex) -> &Duty {
        &self.records().duties[duty.at()]
    }

    /// When swipes at the place say something of the person on duty.
    fn duty_window(&self, duty: DutyIndex) -> Interval {
        Interval::new(self.duty_opens_at(duty), self.duty_settled_at(duty))
    }

    /// Duties of a person whose swipes or effects may lie in an interval.
    pub(crate) fn duties_meeting(
        &self,
        person: PersonIndex,
        interval: Interval,
    ) -> impl Iterator<Item = DutyIndex> + '_ {
        self.duties_of(person)
            .iter()
            .copied()
            .filter(move |duty| self.duty_extent(*duty).meets(interval))
    }

    /// When a duty's swipes happen, those of the duty before and of the successor included, and its presence counts.
    pub(crate) fn duty_extent(&self, duty: DutyIndex) -> Interval {
        let travel = self.duty_travel(duty);
        let own = self.duty_window(duty);
        let counts = Interval::new(own.from - travel, own.until.max(own.until - SETTLED_AFTER + travel));
        let mut extent = counts.hull(self.window_with_duty_before(duty));
        if let Some(successor) = self.successor_of(duty) {
            let theirs = self.window_with_duty_before(successor);
            if theirs.from < own.until {
                extent.from = extent.from.min(theirs.from);
            }
        }
        extent
    }

    /// How much a duty's presence is widened on both sides.
    fn duty_travel(&self, duty: DutyIndex) -> Span {
        let starts = self.duty(duty).interval.from;
        self.records().site.settings_at(starts).meeting_travel
    }

    fn window_with_duty_before(&self, duty: DutyIndex) -> Interval {
        let own = self.duty_window(duty);
        let before = self.duty_before(duty).map(|before| self.duty_opens_at(before));
        Interval::new(before.map_or(own.from, |from| from.min(own.from)), own.until)
    }

    /// The person's duty at the same place that was not over when this one could be arrived for.
    pub(crate) fn duty_before(&self, duty: DutyIndex) -> Option<DutyIndex> {
        let opens_at = self.duty_opens_at(duty);
        self.duties_at_place_of(duty)
            .take_while(|other| *other != duty)
            .filter(|other| opens_at <= self.duty(*other).interval.until)
            .last()
    }

    /// Whether another duty of the person at the same place begins before this one is settled, so that they stay.
    fn is_continued(&self, duty: DutyIndex) -> bool {
        let settled_at = self.duty_window(duty).until;
        let mut later = self.duties_at_place_of(duty).skip_while(|other| *other != duty).skip(1);
        later.any(|other| self.duty(other).interval.from < settled_at)
    }

    /// The duties at one place of one person, in order.
    fn duties_at_place_of(&self, duty: DutyIndex) -> impl Iterator<Item = DutyIndex> + '_ {
        let Duty { person, place, .. } = *self.duty(duty);
        let same_place = move |other: &DutyIndex| self.duty(*other).place == place;
        self.duties_of(person).iter().copied().filter(same_place)
    }

    /// The duty of another person to which one is handed over.
    fn successor_of(&self, duty: DutyIndex) -> Option<DutyIndex> {
        let own = self.duty(duty);
        own.hands_over_to
            .filter(|successor| self.duty(*successor).person != own.person)
    }
}

/// A swipe at the place, as the duty reads it.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Instant,
    id: SwipeId,
    /// When it counts as leaving.
    last: Instant,
    last_id: SwipeId,
    faces: Facing,
}

/// A check, and the swipe that answers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) at: Instant,
    pub(crate) answer: Option<Passage>,
}

impl Check {
    /// When a swipe counts.
    pub(crate) fn window(&self) -> Interval {
        proof_window(self.at)
    }
}

fn proof_window(check: Instant) -> Interval {
    Interval::new(check - PROOF_WITHIN, check + PROOF_WITHIN)
}

/// Leaving before the duty was over, or after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) at: Instant,
    pub(crate) id: SwipeId,
    by_out: bool,
}

/// A duty with what was seen of the person at its place.
#[derive(Clone, Debug)]
pub(crate) struct Shift {
    pub(crate) duty: DutyIndex,
    /// What absences leave of it; empty is excused.
    pub(crate) effective: IntervalSet,
    readings: Vec<Reading>,
    /// How the person came in, if they are there still from their duty before.
    pub(crate) carried: Option<Passage>,
    pub(crate) arrival: Option<Passage>,
    /// Those that fall into what absences leave.
    pub(crate) checks: Vec<Check>,
    /// The duty handed over to, and the successor's arrival for it.
    pub(crate) successor: Option<(DutyIndex, Option<Passage>)>,
    /// Whether the person has another duty there at once, so that only going out is leaving.
    is_continued: bool,
}

/// The duties that matter to the dates: those that start on them, and those that take something out of their periods.
pub(crate) fn shifts_around(
    facts: &PersonFacts<'_>,
    events: &[Event],
    interval: Interval,
    deadline: &mut Deadline,
) -> Vec<Shift> {
    let (site, person) = (facts.site, facts.person);
    let shift = |duty| {
        let mut shift = Shift::of(site, events, duty, true);
        if facts.dates.contains(site.date_of_duty(duty)) {
            shift.successor = site
                .successor_of(duty)
                .map(|successor| (successor, arrival_for(facts, successor, deadline)));
        }
        shift
    };
    site.duties_meeting(person, interval).map(shift).collect()
}

/// When another person came for a duty of theirs, whatever their absences say of it.
fn arrival_for(facts: &PersonFacts<'_>, duty: DutyIndex, deadline: &mut Deadline) -> Option<Passage> {
    let person = facts.site.duty(duty).person;
    let theirs = PersonFacts { person, ..*facts };
    let mut events = Vec::new();
    events_of(&theirs, deadline, &mut events);
    Shift::of(facts.site, &events, duty, false).arrival
}

/// The duties that start on the dates to judge.
pub(crate) fn shifts_of_dates<'a>(
    facts: &'a PersonFacts<'_>,
    shifts: &'a [Shift],
) -> impl Iterator<Item = &'a Shift> + use<'a> {
    shifts
        .iter()
        .filter(|shift| facts.dates.contains(facts.site.date_of_duty(shift.duty)))
}

/// The interval in which coverage can matter to the dates, long duties included.
pub(crate) fn looked_at(facts: &PersonFacts<'_>, shifts: &[Shift], interval: Interval) -> Interval {
    shifts_of_dates(facts, shifts).fold(interval, |looked_at, shift| {
        looked_at.hull(facts.site.duty_extent(shift.duty))
    })
}

impl Shift {
    fn of(site: &SiteFacts, events: &[Event], duty: DutyIndex, absences_count: bool) -> Self {
        let Duty { place, interval, .. } = *site.duty(duty);
        let person = site.duty(duty).person;
        let mut effective = IntervalSet::from_interval(interval);
        for absence in site.absences_of(person).iter().filter(|_| absences_count) {
            effective.subtract(site.records().absences[*absence].interval);
        }
        let window = site.duty_window(duty);
        let ends = effective.end().unwrap_or(interval.until);
        let checks = checks(site, events, duty, &effective);
        let carried = site
            .duty_before(duty)
            .and_then(|before| still_there(site, events, before, window.from));
        let readings = Reader::new(site, place, ends, &checks, carried.is_some()).read(events, window);
        let arrived = readings
            .iter()
            .find(|reading| reading.faces != Facing::Out && reading.at < ends)
            .map(|reading| opening(reading.at, reading.id));
        let stayed = carried.map(|carried| Passage {
            at: window.from,
            ..carried
        });
        Self {
            duty,
            effective,
            readings,
            carried,
            arrival: stayed.or(arrived),
            checks,
            successor: None,
            is_continued: site.is_continued(duty),
        }
    }

    /// Where what is found belongs.
    pub(crate) fn place_of_findings(&self, facts: &PersonFacts<'_>) -> FindingPlace {
        let starts = facts.site.duty(self.duty).interval.from;
        FindingPlace::of_person(
            facts,
            facts.site.date_of_duty(self.duty),
            About::Duty(self.duty),
            starts,
        )
    }

    /// The first opening, as the swipe that shows it: it counts as coming in at the office.
    pub(crate) fn sign_in(&self) -> Option<Passage> {
        self.carried.or(self.arrival)
    }

    /// From when lateness counts: the start of what absences leave.
    pub(crate) fn due(&self, site: &SiteFacts) -> Instant {
        self.effective.start().unwrap_or(site.duty(self.duty).interval.from)
    }

    /// Until when the person must stay: the end of what absences leave.
    pub(crate) fn required_end(&self, site: &SiteFacts) -> Instant {
        self.effective.end().unwrap_or(site.duty(self.duty).interval.until)
    }

    /// From the effective start to the arrival.
    pub(crate) fn lateness(&self) -> Option<Span> {
        let (arrival, start) = (self.arrival?, self.effective.start()?);
        Some(self.effective.length_within(Interval::new(start, arrival.at)))
    }

    /// When the person is out: the last going out, if they did not come in after it.
    pub(crate) fn last_closing(&self) -> Option<Passage> {
        let after = self.after_arrival()?;
        let last = after.iter().rfind(|reading| reading.faces != Facing::Both)?;
        (last.faces == Facing::Out).then_some(Passage {
            at: last.last,
            id: last.last_id,
            opens: false,
        })
    }

    /// Rule 6: the departure. What follows the first coming in at or after the required end is another visit.
    pub(crate) fn departure(&self, site: &SiteFacts) -> Option<Left> {
        let (after, end) = (self.after_arrival()?, self.required_end(site));
        let another_visit = |reading: &Reading| reading.faces == Facing::In && reading.at >= end;
        let visit_ends = after.iter().position(another_visit).unwrap_or(after.len());
        self.left(&after[..visit_ends])
    }

    /// When the person was last seen leaving, other visits up to half an hour after the end included.
    pub(crate) fn last_left(&self) -> Option<Left> {
        self.left(self.after_arrival()?)
    }

    fn left(&self, readings: &[Reading]) -> Option<Left> {
        let middle = middle_of(Interval::new(self.effective.start()?, self.effective.end()?));
        let leaves = |reading: &Reading| match reading.faces {
            Facing::Out => true,
            Facing::Both => reading.last >= middle && !self.is_continued,
            Facing::In => false,
        };
        let position = readings.iter().rposition(leaves)?;
        let came_back = readings[position..].iter().any(|reading| reading.faces == Facing::In);
        let reading = &readings[position];
        (!came_back).then_some(Left {
            at: reading.last,
            id: reading.last_id,
            by_out: reading.faces == Facing::Out,
        })
    }

    /// What was seen after the arrival; `None` is no arrival.
    fn after_arrival(&self) -> Option<&[Reading]> {
        let arrival = self.arrival?;
        let own = self.readings.iter().position(|reading| reading.id == arrival.id);
        Some(&self.readings[own.map_or(0, |position| position + 1)..])
    }

    /// Rule 11: what presence takes out of the person's office periods, as a meeting's does.
    pub(crate) fn taken(&self, site: &SiteFacts, deadline: &mut Deadline) -> Option<Taken> {
        let (window, ends) = (site.duty_window(self.duty), site.duty(self.duty).interval.until);
        let travel = site.duty_travel(self.duty);
        let assumed_until = match self.arrival {
            Some(_) => None,
            None => Some(late_from(&self.effective).filter(|late_from| !deadline.reached(*late_from))?),
        };
        let until = self.last_closing().map_or(ends, |closing| closing.at.min(ends));
        Some(Taken {
            by: Occasion::Duty(self.duty),
            interval: Interval::new(window.from - travel, until + travel),
            assumed_until,
        })
    }

    /// The checks that nobody answered, among those that came when the person had arrived: before that the lateness says it.
    pub(crate) fn missed<'a>(&'a self, deadline: &'a mut Deadline) -> impl Iterator<Item = &'a Check> + use<'a> {
        let arrived = self.arrival.map(|arrival| arrival.at);
        let unanswered = self.checks.iter().filter(|check| check.answer.is_none());
        unanswered.filter(move |check| {
            let over = deadline.reached(check.window().until);
            over && arrived.is_some_and(|arrived| arrived < check.window().until)
        })
    }
}

/// From when somebody who has not come is late; `None` is excused.
fn late_from(effective: &IntervalSet) -> Option<Instant> {
    effective.exceeds_at(effective.start()?, Span::ZERO)
}

fn opening(at: Instant, id: SwipeId) -> Passage {
    Passage { at, id, opens: true }
}

/// Reads the swipes at a place in order.
struct Reader<'a> {
    place: PlaceIndex,
    pairing: Pairing,
    /// Until when an undetermined swipe after going out is coming back.
    ends: Instant,
    checks: &'a [Check],
    is_in: bool,
    went_out: bool,
}

impl<'a> Reader<'a> {
    fn new(site: &SiteFacts, place: PlaceIndex, ends: Instant, checks: &'a [Check], is_in: bool) -> Self {
        Self {
            place,
            pairing: site.records().places[place.at()].pairing,
            ends,
            checks,
            is_in,
            went_out: false,
        }
    }

    fn read(&mut self, events: &[Event], window: Interval) -> Vec<Reading> {
        let at_place = events_at(events, self.place, window);
        at_place.filter_map(|event| self.next(event)).collect()
    }

    fn next(&mut self, event: &Event) -> Option<Reading> {
        let answers = |check: &Check| shown_in(event, check.window()).is_some();
        let faces = match (event.faces, self.pairing) {
            (faces @ (Facing::In | Facing::Out), _) => faces,
            (Facing::Both, Pairing::Directed) => return None,
            (Facing::Both, _) if self.is_in && self.checks.iter().any(answers) => return None,
            (Facing::Both, Pairing::Alternate) if self.is_in => Facing::Out,
            (Facing::Both, Pairing::Alternate) => Facing::In,
            (Facing::Both, Pairing::First) if self.went_out && event.at < self.ends => Facing::In,
            (Facing::Both, Pairing::First) => Facing::Both,
        };
        self.is_in = faces != Facing::Out;
        self.went_out = faces == Facing::Out || faces == Facing::Both && self.went_out;
        Some(Reading {
            at: event.at,
            id: event.id,
            last: event.last,
            last_id: event.last_id,
            faces,
        })
    }
}

pub(crate) fn events_at(events: &[Event], place: PlaceIndex, window: Interval) -> impl Iterator<Item = &Event> {
    let first = events.partition_point(|event| event.at < window.from);
    events[first..]
        .iter()
        .take_while(move |event| event.at < window.until)
        .filter(move |event| event.place == place)
}

/// When an event, repeats included, shows somebody in a window.
fn shown_in(event: &Event, window: Interval) -> Option<Instant> {
    let shown = event.first < window.until && window.from <= event.last;
    shown.then(|| {
        if window.contains(event.first) {
            event.first
        } else {
            event.last
        }
    })
}

/// Somebody who came in during a duty of theirs and had not gone out by `at`.
fn still_there(site: &SiteFacts, events: &[Event], before: DutyIndex, at: Instant) -> Option<Passage> {
    let Duty { place, interval, .. } = *site.duty(before);
    let window = Interval::new(site.duty_opens_at(before), at);
    let left = IntervalSet::from_interval(interval);
    let checks = checks(site, events, before, &left);
    let mut inside = None;
    for reading in Reader::new(site, place, interval.until, &checks, false).read(events, window) {
        inside = match reading.faces {
            Facing::Out => None,
            Facing::In | Facing::Both => inside.or(Some(opening(reading.at, reading.id))),
        };
    }
    inside
}

/// The checks of a duty that absences leave, with their answers: any swipe at the place.
fn checks(site: &SiteFacts, events: &[Event], duty: DutyIndex, effective: &IntervalSet) -> Vec<Check> {
    let asked = |check: &&Instant| effective.intervals().iter().any(|piece| piece.contains(**check));
    let seen = site.duty_window(duty);
    let answered = |check: &Instant| {
        let mut swipes = events_at(events, site.duty(duty).place, seen);
        let answer = swipes.find_map(|event| Some((shown_in(event, proof_window(*check))?, event.id)));
        Check {
            at: *check,
            answer: answer.map(|(at, id)| opening(at, id)),
        }
    };
    site.duty_checks(duty).iter().filter(asked).map(answered).collect()
}

/// What the duty says of the person, in the order of the kinds.
pub(crate) fn findings(site: &SiteFacts, shift: &Shift, deadline: &mut Deadline) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if shift.effective.is_empty() {
        return drafts;
    }
    match shift.arrival {
        None => drafts.extend(absent(site, shift, deadline)),
        Some(arrival) => {
            drafts.extend(late(site, shift, arrival, deadline));
            drafts.extend(left(site, shift, deadline));
            drafts.extend(handover_missing(site, shift, deadline));
        }
    }
    for draft in &mut drafts {
        draft.source = Some(site.duty(shift.duty).id.clone());
    }
    drafts
}

fn unseen(site: &SiteFacts, duty: DutyIndex, towards: Towards, (from, until): (Instant, Instant)) -> Unseen {
    Unseen {
        watching: Watching::Place(site.duty(duty).place),
        towards,
        interval: Interval::new(from, until),
    }
}

const fn final_if(settled: bool) -> FindingState {
    if settled {
        FindingState::Final
    } else {
        FindingState::Provisional
    }
}

/// Rule 10: nobody has come. It replaces every other finding of the duty.
fn absent(site: &SiteFacts, shift: &Shift, deadline: &mut Deadline) -> Option<Draft> {
    late_from(&shift.effective).filter(|late_from| deadline.reached(*late_from))?;
    let ends = shift.required_end(site);
    let over = deadline.reached(ends);
    let looked = (site.duty_opens_at(shift.duty), deadline.now().min(ends));
    Some(Draft {
        due: Some(shift.due(site)),
        unseen: Vec::from([unseen(site, shift.duty, Towards::In, looked)]),
        ..Draft::new(FindingKind::DutyAbsent, final_if(over))
    })
}

/// Rule 7, without a grace.
fn late(site: &SiteFacts, shift: &Shift, arrival: Passage, deadline: &Deadline) -> Option<Draft> {
    let length = shift.lateness().filter(|lateness| *lateness > Span::ZERO)?;
    let looked = (site.duty_opens_at(shift.duty), arrival.at.min(deadline.now()));
    Some(Draft {
        length: Some(length),
        due: Some(shift.due(site)),
        actual: Some(arrival.at),
        swipes: Vec::from([arrival.id]),
        unseen: Vec::from([unseen(site, shift.duty, Towards::In, looked)]),
        ..Draft::new(FindingKind::DutyLate, FindingState::Final)
    })
}

/// Rule 8, and the checks: one finding a duty, because its identity has room for no more.
///
/// Whoever left early has left, with the minutes to the required end; checks that nobody answered are then told in the explanation.
/// Otherwise the finding is that of the first unanswered check: `due` is its time, and it has no length and no departure. It is
/// provisional until half an hour after the duty, because until then a departure can still give it a length. Of several unanswered
/// checks one that no reader can have missed is enough.
fn left(site: &SiteFacts, shift: &Shift, deadline: &mut Deadline) -> Option<Draft> {
    let settled = deadline.reached(site.duty_settled_at(shift.duty));
    let early = left_early(site, shift, deadline);
    let missed: Vec<Check> = shift.missed(deadline).copied().collect();
    let now = deadline.now();
    let of_check = |check: &Check| {
        let window = check.window();
        unseen(site, shift.duty, Towards::Any, (window.from, window.until))
    };
    let is_certain = |check: &&Check| {
        let doubt = site.doubt(&[of_check(check)], now);
        doubt.readers.is_empty() && !doubt.pending
    };
    let draft = early.or_else(|| {
        let certain = missed.iter().find(is_certain).or(missed.first())?;
        Some(Draft {
            due: missed.first().map(|check| check.at),
            unseen: Vec::from([of_check(certain)]),
            ..Draft::new(FindingKind::DutyLeft, FindingState::Final)
        })
    })?;
    Some(Draft {
        state: final_if(settled),
        ..draft
    })
}

/// Rule 8, without a grace.
fn left_early(site: &SiteFacts, shift: &Shift, deadline: &mut Deadline) -> Option<Draft> {
    let (departure, end) = (shift.departure(site)?, shift.required_end(site));
    let length = shift.effective.length_within(Interval::new(departure.at, end));
    if length == Span::ZERO {
        return None;
    }
    let settled_at = site.duty_settled_at(shift.duty);
    let shown_after = PeriodSettings::default().early_leave_shown_after;
    let shown_at = if departure.by_out {
        let too_long = shift.effective.exceeds_at(departure.at, shown_after);
        too_long.map_or(end, |at| at.min(end))
    } else {
        settled_at
    };
    if !deadline.reached(shown_at) {
        return None;
    }
    let (towards, until) = if departure.by_out {
        (Towards::In, end)
    } else {
        (Towards::Any, settled_at)
    };
    let looked = (departure.at, deadline.now().min(until));
    Some(Draft {
        length: Some(length),
        due: Some(end),
        actual: Some(departure.at),
        swipes: Vec::from([departure.id]),
        unseen: Vec::from([unseen(site, shift.duty, towards, looked)]),
        ..Draft::new(FindingKind::DutyLeft, FindingState::Final)
    })
}

/// Nobody took over: no successor came by half an hour after the end, or the person was gone before they did. Whose duty ends under
/// an absence hands nothing over.
fn handover_missing(site: &SiteFacts, shift: &Shift, deadline: &mut Deadline) -> Option<Draft> {
    let (successor, arrival) = shift.successor?;
    let interval = site.duty(shift.duty).interval;
    let (ends, settled_at) = (interval.until, site.duty_settled_at(shift.duty));
    if shift.effective.end() != Some(ends) || !deadline.reached(ends) {
        return None;
    }
    let came = arrival.filter(|arrival| arrival.at < settled_at);
    let left = shift.last_left();
    let missing = came.is_none_or(|came| left.is_some_and(|left| left.at < came.at));
    if !missing {
        return None;
    }
    let settled = deadline.reached(settled_at);
    let until = deadline.now().min(settled_at);
    let looked = (
        site.duty_opens_at(successor),
        came.map_or(until, |came| came.at.min(until)),
    );
    let mut unseen_of = Vec::from([unseen(site, successor, Towards::In, looked)]);
    unseen_of.extend(left.map(|left| unseen(site, shift.duty, Towards::In, (left.at, until))));
    let swipes = [left.map(|left| left.id), came.map(|came| came.id)];
    Some(Draft {
        due: Some(ends),
        actual: left.map(|left| left.at),
        swipes: swipes.into_iter().flatten().collect(),
        unseen: unseen_of,
        ..Draft::new(FindingKind::HandoverMissing, final_if(settled))
    })
}
