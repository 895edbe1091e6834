//! Meetings for the people on their rosters: presence, and what it says.

use alloc::vec::Vec;

use crate::coverage::{Towards, Unseen, Watching};
use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::facts::{MEETING_AFTERMATH, PersonFacts, SiteFacts};
use crate::finding::{FindingKind, FindingState};
use crate::model::{Facing, Meeting, MeetingIndex, Occasion, Pairing, PersonIndex, Role, Substitution, SwipeId};
use crate::swipes::{Event, events_of};
use crate::time::{Instant, Interval, IntervalSet, Span};

/// Somebody who came in longer ago than this before sign-in opened is not taken to be there still, at a place whose readers
/// cannot show that they went out.
const CARRIED_OVER_FOR: Span = Span::from_minutes(60);

/// Coming in or going out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) at: Instant,
    pub(crate) id: SwipeId,
    pub(crate) opens: bool,
}

/// A person's presence at a meeting, from swipes alone.
#[derive(Clone, Debug)]
pub(crate) struct Attendance {
    pub(crate) meeting: MeetingIndex,
    pub(crate) role: Role,
    /// When it ends for them: an extension holds only those who are there at the end otherwise.
    pub(crate) ends: Instant,
    /// Openings and closings in turn, an opening first.
    pub(crate) passages: Vec<Passage>,
    /// How the person came in, if their presence carries over from before sign-in opens: known at once, present from then on.
    pub(crate) carried: Option<Passage>,
    /// The first opening before the end.
    pub(crate) arrival: Option<Passage>,
}

/// What the swipes at a meeting's place say of one person, whenever the meeting ends for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passages {
    /// Openings and closings in turn, an opening first.
    in_turn: Vec<Passage>,
    carried: Option<Passage>,
}

impl Passages {
    pub(crate) fn of(site: &SiteFacts, events: &[Event], meeting: MeetingIndex, deadline: &mut Deadline) -> Self {
        let announced = &site.records().meetings[meeting.at()];
        let came_in = carried_over(site, events, meeting);
        let carried = came_in.map(|event| Passage {
            at: event.at,
            id: event.id,
            opens: true,
        });
        let opened = carried.filter(|_| deadline.reached(announced.sign_in_opens));
        let mut in_turn: Vec<Passage> = Vec::new();
        in_turn.extend(opened.map(|carried| Passage {
            at: announced.sign_in_opens,
            ..carried
        }));
        let window = Interval::new(announced.sign_in_opens, announced.last_end() + MEETING_AFTERMATH);
        let pairing = site.records().places[announced.place.at()].pairing;
        for event in events_at(events, announced, window) {
            let is_open = in_turn.last().is_some_and(|passage| passage.opens);
            if let Some(opens) = passes(event, pairing, is_open) {
                let (at, id) = if opens {
                    (event.at, event.id)
                } else {
                    (event.last, event.last_id)
                };
                in_turn.push(Passage { at, id, opens });
            }
        }
        Self { in_turn, carried }
    }

    /// Somebody's passages and those of whoever stands in for them, as of one person: there from when the first of them comes in until
    /// the last of them goes out. Whoever hands over to the other in the same instant leaves no gap.
    fn together(parts: &[Self]) -> Self {
        let mut all: Vec<Passage> = parts.iter().flat_map(|part| &part.in_turn).copied().collect();
        all.sort_unstable_by_key(|passage| (passage.at, !passage.opens, passage.id));
        let mut in_turn: Vec<Passage> = Vec::new();
        let mut inside = 0_usize;
        for passage in all {
            let before = inside;
            inside = if passage.opens {
                inside + 1
            } else {
                inside.saturating_sub(1)
            };
            if before == 0 || inside == 0 {
                in_turn.push(passage);
            }
        }
        let first = in_turn.first().map(|passage| passage.id);
        let mut carried = parts.iter().filter_map(|part| part.carried);
        Self {
            carried: carried.find(|carried| Some(carried.id) == first),
            in_turn,
        }
    }

    fn attend(self, announced: &Meeting, (meeting, role): (MeetingIndex, Role)) -> Attendance {
        let over_at = announced.over_at();
        let until_then = self.in_turn.partition_point(|passage| passage.at < over_at);
        let inside = until_then > 0 && self.in_turn[until_then - 1].opens;
        let goes_then = self
            .in_turn
            .get(until_then)
            .is_some_and(|passage| passage.at == over_at);
        let ends = if inside && !goes_then {
            announced.last_end()
        } else {
            over_at
        };
        let mut passages = self.in_turn;
        passages.retain(|passage| passage.at < ends + MEETING_AFTERMATH);
        let arrival = passages
            .iter()
            .find(|passage| passage.opens && passage.at < ends)
            .copied();
        Attendance {
            meeting,
            role,
            ends,
            passages,
            carried: self.carried,
            arrival,
        }
    }
}

impl Attendance {
    pub(crate) fn of(
        site: &SiteFacts,
        events: &[Event],
        (meeting, role): (MeetingIndex, Role),
        deadline: &mut Deadline,
    ) -> Self {
        let announced = &site.records().meetings[meeting.at()];
        Passages::of(site, events, meeting, deadline).attend(announced, (meeting, role))
    }

    /// The first opening, as the swipe that shows it: it counts as coming in at the office.
    pub(crate) fn sign_in(&self) -> Option<Passage> {
        self.carried.or(self.arrival)
    }

    /// When the person is out: the last closing, if none came in after it.
    pub(crate) fn last_closing(&self) -> Option<Passage> {
        self.passages.last().filter(|passage| !passage.opens).copied()
    }

    /// Presence as intervals; what is still open counts to the end.
    fn presence(&self) -> impl Iterator<Item = Interval> + '_ {
        self.passages
            .chunks(2)
            .map(|pair| Interval::new(pair[0].at, pair.get(1).map_or(self.ends, |closing| closing.at)))
    }
}

/// A person's attendance at a meeting, and how the meeting sees it where others were accepted to stand in for them.
#[derive(Clone, Debug)]
pub(crate) struct Attended {
    /// From their own swipes: what rule 11 and other meetings go by.
    pub(crate) own: Attendance,
    /// From theirs and their substitutes', if they have some: what the meeting's findings go by.
    together: Option<Attendance>,
}

impl Attended {
    pub(crate) fn of(
        facts: &PersonFacts<'_>,
        events: &[Event],
        (meeting, role): (MeetingIndex, Role),
        deadline: &mut Deadline,
    ) -> Self {
        let announced = &facts.site.records().meetings[meeting.at()];
        let own = Passages::of(facts.site, events, meeting, deadline);
        let mut substitutes = announced.substitutes_of(facts.person).peekable();
        let together = substitutes.peek().is_some().then(|| {
            let of_substitute = |accepted: &Substitution| {
                let facts = PersonFacts {
                    person: accepted.substitute,
                    ..*facts
                };
                let mut events = Vec::new();
                events_of(&facts, deadline, &mut events);
                Passages::of(facts.site, &events, meeting, deadline)
            };
            let mut parts: Vec<Passages> = substitutes.map(of_substitute).collect();
            parts.push(own.clone());
            Passages::together(&parts).attend(announced, (meeting, role))
        });
        Self {
            own: own.attend(announced, (meeting, role)),
            together,
        }
    }

    /// What the meeting's findings go by.
    pub(crate) fn seen(&self) -> &Attendance {
        self.together.as_ref().unwrap_or(&self.own)
    }
}

fn events_at<'a>(
    events: &'a [Event],
    announced: &Meeting,
    window: Interval,
) -> impl Iterator<Item = &'a Event> + use<'a> {
    let (place, first) = (announced.place, events.partition_point(|event| event.at < window.from));
    events[first..]
        .iter()
        .take_while(move |event| event.at < window.until)
        .filter(move |event| event.place == place)
}

/// Whether an event opens or closes presence, or says nothing.
fn passes(event: &Event, pairing: Pairing, is_open: bool) -> Option<bool> {
    match (event.faces, pairing, is_open) {
        (Facing::In, _, false) | (Facing::Both, Pairing::First | Pairing::Alternate, false) => Some(true),
        (Facing::Out, _, true) | (Facing::Both, Pairing::Alternate, true) => Some(false),
        (Facing::In | Facing::Out | Facing::Both, _, _) => None,
    }
}

/// Whether an event of somebody who is inside already shows them there again.
fn shows_inside(event: &Event, pairing: Pairing) -> bool {
    match event.faces {
        Facing::In => true,
        Facing::Both => pairing != Pairing::Directed,
        Facing::Out => false,
    }
}

/// The swipe of somebody who came in before sign-in opened on the same date and has not gone out.
fn carried_over<'a>(site: &SiteFacts, events: &'a [Event], meeting: MeetingIndex) -> Option<&'a Event> {
    let announced = &site.records().meetings[meeting.at()];
    let midnight = site.midnight_before_sign_in(meeting);
    let pairing = site.records().places[announced.place.at()].pairing;
    let mut inside: Option<&Event> = None;
    for event in events_at(events, announced, Interval::new(midnight, announced.sign_in_opens)) {
        match passes(event, pairing, inside.is_some()) {
            Some(true) => inside = Some(event),
            Some(false) => inside = None,
            // Where nobody can be seen going out, each time somebody comes in shows them there again.
            None if shows_inside(event, pairing) => inside = inside.map(|_| event),
            None => {}
        }
    }
    inside.filter(|event| {
        let since = announced.sign_in_opens - CARRIED_OVER_FOR;
        let at_earlier_meeting = || {
            let meetings = site.meetings_at[announced.place.at()]
                .iter()
                .filter(|other| **other != meeting);
            meetings.map(|other| &site.records().meetings[other.at()]).any(|other| {
                let open = Interval::new(other.sign_in_opens, other.last_end());
                open.until >= since && open.contains(event.at)
            })
        };
        site.has_outward_reader[announced.place.at()] || event.at >= since || at_earlier_meeting()
    })
}

/// An exit from a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) from: Passage,
    /// The coming back before the end.
    pub(crate) to: Option<Passage>,
    /// As far as it counts; of an open one, from it to the effective end.
    pub(crate) length: Span,
}

/// How a person's attendance compares with what the meeting asks of them.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) attended: Attended,
    /// What absences, permissions and other meetings leave of the meeting; empty is excused.
    pub(crate) effective: IntervalSet,
    /// From the effective start to the arrival.
    pub(crate) lateness: Option<Span>,
    pub(crate) exits: Vec<Exit>,
    /// From when somebody without an arrival is late: until then they are treated as attending.
    pub(crate) late_from: Option<Instant>,
}

/// Every meeting of a person with what it asks of them.
pub(crate) fn judge_meetings(site: &SiteFacts, person: PersonIndex, all: Vec<Attended>) -> Vec<Judged> {
    let effective: Vec<_> = all
        .iter()
        .map(|attended| effective_of(site, person, attended, all.iter().map(|attended| &attended.own)))
        .collect();
    all.into_iter()
        .zip(effective)
        .map(|(attended, effective)| compare(site, attended, effective))
        .collect()
}

/// What is left of a meeting for a person.
fn effective_of<'a>(
    site: &SiteFacts,
    person: PersonIndex,
    attended: &Attended,
    all: impl Iterator<Item = &'a Attendance>,
) -> IntervalSet {
    let meeting = attended.own.meeting;
    let announced = &site.records().meetings[meeting.at()];
    let mut effective = IntervalSet::from_interval(Interval::new(announced.starts, attended.seen().ends));
    for absence in site.absences_of(person) {
        effective.subtract(site.records().absences[*absence].interval);
    }
    for permission in announced
        .permissions
        .iter()
        .filter(|permission| permission.person == person)
    {
        effective.subtract(permission.interval);
    }
    for (_, presence) in presence_elsewhere(meeting, all) {
        effective.subtract(presence);
    }
    effective
}

/// The person's own presence at other meetings for which they are rostered, or accepted as a substitute.
pub(crate) fn presence_elsewhere<'a>(
    meeting: MeetingIndex,
    all: impl Iterator<Item = &'a Attendance>,
) -> impl Iterator<Item = (MeetingIndex, Interval)> {
    let others = all.filter(move |other| other.meeting != meeting);
    others.flat_map(|other| other.presence().map(|presence| (other.meeting, presence)))
}

fn compare(site: &SiteFacts, attended: Attended, effective: IntervalSet) -> Judged {
    let attendance = attended.seen();
    let announced = &site.records().meetings[attendance.meeting.at()];
    let start = effective.start().unwrap_or(announced.starts);
    let lateness = attendance
        .arrival
        .map(|arrival| effective.length_within(Interval::new(start, arrival.at)));
    let late_from = if effective.is_empty() {
        None
    } else {
        Some(
            effective
                .exceeds_at(start, announced.late_grace)
                .unwrap_or(attendance.ends),
        )
    };
    let exits = exits_of(attendance, &effective);
    Judged {
        attended,
        effective,
        lateness,
        exits,
        late_from,
    }
}

fn exits_of(attendance: &Attendance, effective: &IntervalSet) -> Vec<Exit> {
    let closings = attendance
        .passages
        .iter()
        .enumerate()
        .filter(|(_, passage)| !passage.opens && passage.at < attendance.ends);
    let exits = closings.map(|(position, closing)| {
        let to = attendance
            .passages
            .get(position + 1)
            .filter(|opening| opening.at < attendance.ends)
            .copied();
        let until = to.map_or(attendance.ends, |opening| opening.at);
        Exit {
            from: *closing,
            to,
            length: effective.length_within(Interval::new(closing.at, until)),
        }
    });
    exits.filter(|exit| exit.length > Span::ZERO).collect()
}

/// What a meeting or a duty takes out of office periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) by: Occasion,
    pub(crate) interval: Interval,
    /// Until when attendance is only assumed.
    pub(crate) assumed_until: Option<Instant>,
}

impl Judged {
    /// Rule 11: what the meeting takes out of the person's office periods.
    pub(crate) fn taken(&self, site: &SiteFacts, deadline: &mut Deadline) -> Option<Taken> {
        let own = &self.attended.own;
        let announced = &site.records().meetings[own.meeting.at()];
        let travel = site.records().site.settings_at(announced.starts).meeting_travel;
        // Nobody is taken to be on their way to stand in; but whoever is in the room already will be there when sign-in opens.
        let stands_in = own.role == Role::Substitute;
        let assumed_until = match own.arrival {
            Some(_) => None,
            None if stands_in => own.carried.map(|_| None)?,
            None => Some(self.late_from.filter(|late_from| !deadline.reached(*late_from))?),
        };
        let until = own
            .last_closing()
            .filter(|_| assumed_until.is_none())
            .map_or(own.ends, |closing| closing.at);
        let interval = Interval::new(announced.sign_in_opens - travel, until.min(own.ends) + travel);
        Some(Taken {
            by: Occasion::Meeting(own.meeting),
            interval,
            assumed_until,
        })
    }

    /// Which meeting.
    pub(crate) fn meeting(&self) -> MeetingIndex {
        self.attended.own.meeting
    }

    /// When the person, or whoever stands in for them, came.
    pub(crate) fn arrival(&self) -> Option<Passage> {
        self.attended.seen().arrival
    }

    /// When it ends for them.
    pub(crate) fn ends(&self) -> Instant {
        self.attended.seen().ends
    }

    pub(crate) fn start(&self, announced: &Meeting) -> Instant {
        self.effective.start().unwrap_or(announced.starts)
    }

    /// The exits from which the person came back.
    pub(crate) fn closed_exits(&self) -> impl Iterator<Item = &Exit> {
        self.exits.iter().filter(|exit| exit.to.is_some())
    }

    /// The exit from which they have not come back.
    pub(crate) fn open_exit(&self) -> Option<&Exit> {
        self.exits.last().filter(|exit| exit.to.is_none())
    }

    /// Whether the person came too late for it to count as coming.
    pub(crate) fn is_absent_by_lateness(&self, announced: &Meeting) -> bool {
        self.lateness
            .zip(announced.late_absent_after)
            .is_some_and(|(lateness, limit)| lateness > limit)
    }
}

/// What the meeting says of a person, in the order of the kinds.
pub(crate) fn findings(site: &SiteFacts, judged: &Judged, deadline: &mut Deadline) -> Vec<Draft> {
    let announced = &site.records().meetings[judged.meeting().at()];
    let mut drafts = Vec::new();
    if judged.attended.own.role == Role::Optional || judged.effective.is_empty() {
        return drafts;
    }
    let over = deadline.reached(judged.ends());
    drafts.extend(arrival_finding(announced, judged, over, deadline));
    if judged.arrival().is_some() && !judged.is_absent_by_lateness(announced) {
        drafts.extend(early_leave(announced, judged, over));
        drafts.extend(walk_out(announced, judged, over, deadline));
        drafts.extend(walking_about(announced, judged, over));
    }
    drafts
}

fn unseen(announced: &Meeting, from: Instant, until: Instant) -> Unseen {
    Unseen {
        watching: Watching::Place(announced.place),
        towards: Towards::In,
        interval: Interval::new(from, until),
    }
}

fn arrival_finding(announced: &Meeting, judged: &Judged, over: bool, deadline: &mut Deadline) -> Option<Draft> {
    let (start, now) = (judged.start(announced), deadline.now());
    let Some((arrival, lateness)) = judged.arrival().zip(judged.lateness) else {
        return missing_from(announced, judged, over, deadline);
    };
    let by_lateness = judged.is_absent_by_lateness(announced);
    let late = lateness > announced.late_grace || by_lateness;
    let kind = if by_lateness {
        FindingKind::MeetingAbsent
    } else {
        FindingKind::MeetingLate
    };
    let draft = Draft {
        by_lateness,
        length: Some(lateness),
        due: Some(start),
        actual: Some(arrival.at),
        swipes: Vec::from([arrival.id]),
        unseen: Vec::from([unseen(announced, announced.sign_in_opens, arrival.at.min(now))]),
        ..Draft::new(kind, FindingState::Final)
    };
    late.then_some(draft)
}

/// Nobody has come.
fn missing_from(announced: &Meeting, judged: &Judged, over: bool, deadline: &mut Deadline) -> Option<Draft> {
    let (start, now) = (judged.start(announced), deadline.now());
    let late = judged
        .effective
        .exceeds_at(start, announced.late_grace)
        .is_some_and(|at| deadline.reached(at));
    let absent = late
        && judged
            .effective
            .exceeds_at(start, announced.absent_after)
            .is_some_and(|at| deadline.reached(at));
    let (kind, state) = match (over, absent, late) {
        (true, _, _) => (FindingKind::MeetingAbsent, FindingState::Final),
        (false, true, _) => (FindingKind::MeetingAbsent, FindingState::Provisional),
        (false, false, true) => (FindingKind::MeetingLate, FindingState::Provisional),
        (false, false, false) => return None,
    };
    let unseen = unseen(announced, announced.sign_in_opens, now.min(judged.ends()));
    Some(Draft {
        due: Some(start),
        unseen: Vec::from([unseen]),
        ..Draft::new(kind, state)
    })
}

/// An exit from which nobody came back, more than the grace before the effective end.
fn early_leave(announced: &Meeting, judged: &Judged, over: bool) -> Option<Draft> {
    let exit = judged
        .open_exit()
        .filter(|exit| over && exit.length > announced.early_grace)?;
    Some(Draft {
        length: Some(exit.length),
        due: judged.effective.end(),
        actual: Some(exit.from.at),
        swipes: Vec::from([exit.from.id]),
        unseen: Vec::from([unseen(announced, exit.from.at, judged.ends())]),
        ..Draft::new(FindingKind::MeetingEarlyLeave, FindingState::Final)
    })
}

fn walk_out(announced: &Meeting, judged: &Judged, over: bool, deadline: &mut Deadline) -> Option<Draft> {
    let now = deadline.now();
    let allowance = announced.exit_allowance;
    let mut open = judged.open_exit().filter(|_| !over);
    open = open.filter(|exit| {
        judged
            .effective
            .exceeds_at(exit.from.at, allowance)
            .is_some_and(|at| deadline.reached(at))
    });
    let closed: Vec<_> = judged.closed_exits().filter(|exit| exit.length > allowance).collect();
    if closed.is_empty() && open.is_none() {
        return None;
    }
    let state = if over {
        FindingState::Final
    } else {
        FindingState::Provisional
    };
    let counted = closed.iter().copied().chain(open);
    Some(Draft {
        length: (!closed.is_empty()).then(|| closed.iter().fold(Span::ZERO, |sum, exit| sum + exit.length)),
        since: open.map(|exit| exit.from.at),
        swipes: counted
            .clone()
            .flat_map(|exit| [Some(exit.from.id), exit.to.map(|to| to.id)])
            .flatten()
            .collect(),
        unseen: counted
            .map(|exit| unseen(announced, exit.from.at, exit.to.map_or(now, |to| to.at)))
            .collect(),
        ..Draft::new(FindingKind::WalkOut, state)
    })
}

fn walking_about(announced: &Meeting, judged: &Judged, over: bool) -> Option<Draft> {
    if judged.closed_exits().count() <= announced.exits_allowed as usize {
        return None;
    }
    let state = if over {
        FindingState::Final
    } else {
        FindingState::Provisional
    };
    let exits = judged.closed_exits();
    Some(Draft {
        swipes: judged
            .closed_exits()
            .flat_map(|exit| [Some(exit.from.id), exit.to.map(|to| to.id)])
            .flatten()
            .collect(),
        unseen: exits
            .filter_map(|exit| Some(unseen(announced, exit.from.at, exit.to?.at)))
            .collect(),
        ..Draft::new(FindingKind::WalkingAbout, state)
    })
}
