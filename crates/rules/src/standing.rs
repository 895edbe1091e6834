//! How a person stands in each period and meeting, whether or not anything is wrong: what a board counts.

use alloc::vec::Vec;
use core::ops::Range;

use crate::deadline::Deadline;
use crate::duty::Shift;
use crate::facts::{PersonFacts, SiteFacts};
use crate::finding::{About, Finding, FindingKind, FindingState, Presence, Standing};
use crate::meeting::Judged;
use crate::model::Role;
use crate::office::{Office, StayView, member_at};
use crate::plan::Planned;
use crate::time::{Interval, Span};

/// Standings written over those of whoever was judged before: people of the same hours stand in the same periods in the same order, so
/// that only what is true of the person needs to be written.
#[derive(Debug)]
pub(crate) struct Standings<'a> {
    list: &'a mut Vec<Standing>,
    count: usize,
}

impl<'a> Standings<'a> {
    /// Over a list whose first standings are those in periods, as [`lay_out`] made them.
    pub(crate) fn over(list: &'a mut Vec<Standing>, in_periods: usize) -> Self {
        let count = in_periods;
        Self { list, count }
    }

    /// Those in periods whose positions are known.
    pub(crate) fn at(&mut self, positions: Range<usize>) -> &mut [Standing] {
        &mut self.list[positions]
    }

    pub(crate) fn put(&mut self, standing: Standing) {
        match self.list.get_mut(self.count) {
            Some(before) => *before = standing,
            None => self.list.push(standing),
        }
        self.count += 1;
    }

    /// Forgets what is left of whoever was judged before.
    pub(crate) fn end(self) {
        self.list.truncate(self.count);
    }
}

/// Writes at a position what is the same for everybody of a period; how the person stands in it is to be said.
pub(crate) fn lay_out(site: &SiteFacts, planned: &Planned, position: usize, list: &mut Vec<Standing>) {
    let standing = Standing {
        date: planned.date,
        about: About::Period(planned.of(site).name.clone()),
        shown: Interval::new(planned.arrive_from, planned.interval.until),
        unit: None,
        presence: Presence::Expected,
        late: false,
    };
    match list.get_mut(position) {
        Some(before) => *before = standing,
        None => list.push(standing),
    }
}

/// How a person stands in one period of their plan; `view` is its stay, if it is not wholly excused.
pub(crate) fn in_period(
    office: &Office<'_>,
    member: usize,
    view: Option<&StayView<'_>>,
    findings: &[Finding],
    deadline: &mut Deadline,
    standing: &mut Standing,
) {
    let planned = &office.plan[member];
    let name = &planned.of(office.site).name;
    let own = |finding: &&Finding| matches!(&finding.about, About::Period(about) if about == name);
    let excused = planned.is_excused() || is_away(office, member, deadline);
    standing.presence = match view {
        Some(view) if !excused => presence_in_stay(office, member, view, findings.iter().filter(own), deadline),
        _ => Presence::Excused,
    };
    standing.late = findings.iter().filter(own).any(|finding| {
        let by_lateness = finding.kind == FindingKind::Absent && finding.by_lateness;
        by_lateness || matches!(finding.kind, FindingKind::Late | FindingKind::SeriouslyLate)
    });
    standing.unit = office.site.unit_at(office.person, planned.interval.from);
}

/// Whether the person is on an absence now, or the half holiday is on; its edges within the period are deadlines.
fn is_away(office: &Office<'_>, member: usize, deadline: &mut Deadline) -> bool {
    let planned = &office.plan[member];
    let shown = Interval::new(planned.arrive_from, planned.interval.until);
    let absences = if office.meets_absences {
        office.site.absences_of(office.person)
    } else {
        &[]
    };
    let mut away = false;
    for interval in absences
        .iter()
        .map(|absence| office.site.records().absences[*absence].interval)
        .filter(|interval| interval.meets(shown))
    {
        away |= contains_now(interval, deadline);
    }
    if planned.half.is_some() && !planned.is_excused() {
        let noon = crate::time::DayClock::new(planned.date, office.site.records().site.zone).noon();
        away |= planned
            .half_interval(noon)
            .is_some_and(|off| contains_now(off, deadline));
    }
    away
}

fn contains_now(interval: Interval, deadline: &mut Deadline) -> bool {
    deadline.consider(interval.from);
    deadline.consider(interval.until);
    interval.contains(deadline.now())
}

fn presence_in_stay<'f>(
    office: &Office<'_>,
    member: usize,
    view: &StayView<'_>,
    findings: impl Iterator<Item = &'f Finding>,
    deadline: &mut Deadline,
) -> Presence {
    if let Some(missing) = findings
        .filter_map(missing_presence)
        .max_by_key(|presence| *presence == Presence::Withheld)
    {
        return missing;
    }
    let over = deadline.now() >= view.required_end;
    let out_since = (!over)
        .then(|| view.out_since())
        .flatten()
        .filter(|since| member_at(office, view, *since) <= member && !deadline.reached(view.required_end));
    if let Some(since) = out_since {
        return Presence::Out { since };
    }
    let first_seen = || view.visit().first().map(|mark| mark.event.at);
    let attending = || {
        let seen_there = view.start_taken.filter(|taken| taken.assumed_until.is_none())?;
        Some(seen_there.interval.from)
    };
    let since = view
        .arrival
        .map(|arrival| arrival.at)
        .or_else(|| first_seen().filter(|_| was_there(view)))
        .or_else(attending);
    since.map_or(Presence::Expected, |since| Presence::Present { since })
}

/// Whether anything says that the person came, besides a swipe that went out before the start.
fn was_there(view: &StayView<'_>) -> bool {
    view.departure.is_some() || view.evidence().is_some()
}

/// Somebody who should be there and was not seen, as far as the reader could have shown it.
fn missing_presence(finding: &Finding) -> Option<Presence> {
    let unseen = match finding.kind {
        FindingKind::NotArrived | FindingKind::OverstayedLeave | FindingKind::DutyAbsent => true,
        FindingKind::Absent | FindingKind::MeetingAbsent => !finding.by_lateness,
        FindingKind::MeetingLate => finding.actual.is_none(),
        _ => false,
    };
    unseen.then_some(if finding.state == FindingState::Withheld {
        Presence::Withheld
    } else {
        Presence::Missing
    })
}

/// How a person stands in a meeting for which they are rostered.
pub(crate) fn in_meeting(
    facts: &PersonFacts<'_>,
    judged: &Judged,
    findings: &[Finding],
    deadline: &mut Deadline,
) -> Standing {
    let meeting = judged.meeting();
    let announced = &facts.site.records().meetings[meeting.at()];
    let shown = Interval::new(announced.sign_in_opens, judged.ends());
    let excused = is_absent_now(facts, shown, deadline) || judged.effective.is_empty();
    let late = judged.attended.own.role != Role::Optional
        && judged.lateness.is_some_and(|lateness| lateness > announced.late_grace);
    Standing {
        date: facts.site.date_of_meeting(meeting),
        about: About::Meeting(meeting),
        shown,
        unit: facts.site.unit_at(facts.person, announced.starts),
        presence: if excused {
            Presence::Excused
        } else {
            presence_in_meeting(judged, findings, deadline)
        },
        late,
    }
}

/// How a person stands in a duty of theirs.
pub(crate) fn on_duty(
    facts: &PersonFacts<'_>,
    shift: &Shift,
    findings: &[Finding],
    deadline: &mut Deadline,
) -> Standing {
    let interval = facts.site.records().duties[shift.duty.at()].interval;
    let shown = Interval::new(facts.site.duty_opens_at(shift.duty), interval.until);
    let away = is_absent_now(facts, shown, deadline);
    let missing = findings.iter().find_map(missing_presence);
    let presence = match (shift.arrival, shift.last_closing()) {
        _ if away || shift.effective.is_empty() => Presence::Excused,
        (Some(_), Some(closing)) if !deadline.reached(interval.until) => Presence::Out { since: closing.at },
        (Some(arrival), _) => Presence::Present { since: arrival.at },
        (None, _) => missing.unwrap_or(Presence::Expected),
    };
    Standing {
        date: facts.site.date_of_duty(shift.duty),
        about: About::Duty(shift.duty),
        shown,
        unit: facts.site.unit_at(facts.person, interval.from),
        presence,
        late: shift.lateness().is_some_and(|lateness| lateness > Span::ZERO),
    }
}

/// Whether the person is on an absence now; its edges in the time that is shown are deadlines.
fn is_absent_now(facts: &PersonFacts<'_>, shown: Interval, deadline: &mut Deadline) -> bool {
    let absences = facts.site.absences_of(facts.person).iter();
    let mut away = false;
    for interval in absences
        .map(|absence| facts.site.records().absences[*absence].interval)
        .filter(|interval| interval.meets(shown))
    {
        away |= contains_now(interval, deadline);
    }
    away
}

fn presence_in_meeting(judged: &Judged, findings: &[Finding], deadline: &mut Deadline) -> Presence {
    let missing = findings.iter().find_map(missing_presence);
    match (judged.arrival(), judged.attended.seen().last_closing()) {
        (Some(_), Some(closing)) if !deadline.reached(judged.ends()) => Presence::Out { since: closing.at },
        (Some(arrival), _) => Presence::Present { since: arrival.at },
        (None, _) => missing.unwrap_or(Presence::Expected),
    }
}
