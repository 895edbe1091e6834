//! Explanations of meetings.

use alloc::vec::Vec;

use crate::deadline::Deadline;
use crate::evaluate::{Case, FindingPlace, finding_of};
use crate::explain::{Explanation, Limit, Measure, Step};
use crate::facts::{MEETING_AFTERMATH, PersonFacts};
use crate::finding::{About, Finding, FindingKind};
use crate::meeting::{self, Judged, presence_elsewhere};
use crate::model::{Meeting, MeetingIndex, PlaceKind, Role};
use crate::narrate::{absence_steps, certainty_steps, compared_step, length_step, sum_step};
use crate::time::{Instant, Interval};

/// Every finding of a meeting, or why there is none.
pub(crate) fn explain_meeting(
    facts: &PersonFacts<'_>,
    case: &Case,
    judged: &Judged,
    deadline: &mut Deadline,
) -> Vec<Explanation> {
    let meeting = judged.meeting();
    let announced = &facts.site.records().meetings[meeting.at()];
    let (date, about, now) = (
        facts.site.date_of_meeting(meeting),
        About::Meeting(meeting),
        deadline.now(),
    );
    let common = common_steps(facts, case, judged, announced);
    let mut explanations = Vec::new();
    for draft in meeting::findings(facts.site, judged, deadline) {
        let place = FindingPlace::of_person(facts, date, about.clone(), announced.starts);
        let finding = finding_of(facts.site, place, draft.clone(), now);
        let mut steps = common.clone();
        steps.extend(finding_steps(announced, judged, &finding));
        steps.extend(certainty_steps(facts.site, &draft, &finding, Some(judged.ends())));
        explanations.push(Explanation {
            date,
            about: about.clone(),
            finding: Some(finding.kind),
            source: None,
            steps,
        });
    }
    if explanations.is_empty() && announced.starts <= now {
        let mut steps = common;
        steps.extend(fine_steps(announced, judged, now));
        explanations.push(Explanation {
            date,
            about,
            finding: None,
            source: None,
            steps,
        });
    }
    explanations
}

/// The meeting, what is left of it, and the person's presence.
fn common_steps(facts: &PersonFacts<'_>, case: &Case, judged: &Judged, announced: &Meeting) -> Vec<Step> {
    let (site, meeting) = (facts.site, judged.meeting());
    let interval = Interval::new(announced.starts, judged.ends());
    let mut steps = announced_steps(meeting, announced);
    if judged.attended.own.role == Role::Optional {
        steps.push(Step::OptionalRole);
    }
    steps.extend(absence_steps(site, facts.person, interval));
    let permissions = announced
        .permissions
        .iter()
        .filter(|permission| permission.person == facts.person);
    steps.extend(permissions.map(|permission| Step::Permission {
        interval: permission.interval,
    }));
    let all = case.meetings.iter().map(|judged| &judged.attended.own);
    let elsewhere = presence_elsewhere(meeting, all).filter(|(_, presence)| presence.meets(interval));
    steps.extend(elsewhere.map(|(meeting, interval)| Step::AtOtherMeeting { meeting, interval }));
    if judged.effective.intervals() != [interval] {
        steps.push(Step::Effective {
            pieces: judged.effective.intervals().to_vec(),
        });
    }
    if judged.effective.is_empty() {
        steps.push(Step::Excused);
    }
    let substitutes = announced.substitutes_of(facts.person);
    steps.extend(substitutes.map(|accepted| Step::StandsIn {
        substitute: accepted.substitute,
        accepted_by: accepted.accepted_by.clone(),
        accepted_at: accepted.accepted_at,
    }));
    steps.extend(presence_steps(judged));
    steps.extend(wrong_rooms(facts, case, announced));
    steps
}

/// The meeting as announced, and how its end was moved.
pub(crate) fn announced_steps(meeting: MeetingIndex, announced: &Meeting) -> Vec<Step> {
    let mut steps = Vec::from([Step::Meeting {
        meeting,
        interval: Interval::new(announced.starts, announced.ends),
        sign_in_opens: announced.sign_in_opens,
        place: announced.place,
    }]);
    steps.extend(announced.extended_until.map(|until| Step::Extended { until }));
    steps.extend(announced.closed_early_at.map(|at| Step::ClosedEarly { at }));
    steps
}

fn presence_steps(judged: &Judged) -> Vec<Step> {
    let attendance = judged.attended.seen();
    let mut steps = Vec::new();
    for (position, passage) in attendance.passages.iter().enumerate() {
        steps.push(match (position, attendance.carried) {
            (0, Some(carried)) => Step::CarriedOver {
                id: passage.id,
                came_in_at: carried.at,
                present_from: passage.at,
            },
            _ if passage.opens => Step::Opening {
                id: passage.id,
                at: passage.at,
            },
            _ => Step::Closing {
                id: passage.id,
                at: passage.at,
            },
        });
    }
    if steps.is_empty() {
        steps.push(Step::NoSwipe);
    }
    steps
}

/// Swipes at other meeting places while the meeting's were looked for.
fn wrong_rooms<'a>(
    facts: &'a PersonFacts<'_>,
    case: &'a Case,
    announced: &'a Meeting,
) -> impl Iterator<Item = Step> + use<'a> {
    let window = Interval::new(announced.sign_in_opens, announced.last_end() + MEETING_AFTERMATH);
    let places = &facts.site.records().places;
    let elsewhere = case.events.iter().filter(move |event| {
        window.contains(event.at)
            && event.place != announced.place
            && places[event.place.at()].kind == PlaceKind::Meeting
    });
    elsewhere.map(|event| Step::WrongRoom {
        id: event.id,
        at: event.first,
        place: event.place,
    })
}

fn finding_steps(announced: &Meeting, judged: &Judged, finding: &Finding) -> Vec<Step> {
    match finding.kind {
        FindingKind::MeetingLate | FindingKind::MeetingAbsent => lateness_steps(announced, judged),
        FindingKind::MeetingEarlyLeave => {
            let exit = judged.open_exit();
            let told = exit.zip(judged.effective.end()).map(|(exit, end)| {
                [
                    length_step(Measure::LeftEarly, exit.from.at, end.max(exit.from.at), exit.length),
                    compared_step(Limit::GraceEarly, announced.early_grace, exit.length),
                ]
            });
            told.into_iter().flatten().collect()
        }
        _ => exit_steps(announced, judged),
    }
}

fn lateness_steps(announced: &Meeting, judged: &Judged) -> Vec<Step> {
    let start = judged.start(announced);
    let Some((arrival, length)) = judged.arrival().zip(judged.lateness) else {
        let limit = Limit::GraceLate;
        return Vec::from([
            Step::NoArrival,
            Step::Compared {
                limit,
                allowed: announced.late_grace,
                length: None,
                exceeded: true,
            },
        ]);
    };
    let mut steps = Vec::from([
        length_step(Measure::Lateness, start, arrival.at.max(start), length),
        compared_step(Limit::GraceLate, announced.late_grace, length),
    ]);
    steps.extend(
        announced
            .late_absent_after
            .map(|allowed| compared_step(Limit::LateAbsentAfter, allowed, length)),
    );
    steps
}

fn exit_steps(announced: &Meeting, judged: &Judged) -> Vec<Step> {
    let mut steps: Vec<Step> = judged
        .exits
        .iter()
        .map(|exit| {
            let counts = exit.length > announced.exit_allowance;
            let (to, length) = (exit.to.map(|to| to.at), exit.to.map(|_| exit.length));
            Step::Exit {
                from: exit.from.at,
                to,
                length,
                allowed: announced.exit_allowance,
                counts,
            }
        })
        .collect();
    let closed = judged.closed_exits().map(|exit| exit.length);
    steps.extend(sum_step(
        closed.filter(|length| *length > announced.exit_allowance).collect(),
    ));
    let count = u32::try_from(judged.closed_exits().count()).unwrap_or(u32::MAX);
    if count > 0 {
        steps.push(Step::ExitCount {
            count,
            allowed: announced.exits_allowed,
        });
    }
    steps
}

fn fine_steps(announced: &Meeting, judged: &Judged, now: Instant) -> Vec<Step> {
    let mut steps = Vec::new();
    if judged.attended.own.role != Role::Optional && !judged.effective.is_empty() {
        if judged.arrival().is_some() {
            steps.extend(lateness_steps(announced, judged));
        }
        steps.extend(exit_steps(announced, judged));
    }
    if now < judged.ends() {
        steps.push(Step::NotOver { until: judged.ends() });
    }
    steps.push(Step::NothingWrong);
    steps
}
