//! Explanations of duties.

use alloc::vec::Vec;

use crate::deadline::Deadline;
use crate::duty::{self, Shift, events_at};
use crate::evaluate::{Case, finding_of};
use crate::explain::{ArrivalReason, DueReason, Explanation, Limit, Measure, Step};
use crate::facts::PersonFacts;
use crate::finding::{Finding, FindingKind};
use crate::narrate::{absence_steps, certainty_steps, compared_step, length_step};
use crate::swipes::repeats_of;
use crate::time::{Instant, Interval, Span};

/// Every finding of a duty, or why there is none.
pub(crate) fn explain_duty(
    facts: &PersonFacts<'_>,
    case: &Case,
    shift: &Shift,
    deadline: &mut Deadline,
) -> Vec<Explanation> {
    let (site, now) = (facts.site, deadline.now());
    let place = shift.place_of_findings(facts);
    let (date, about, starts) = (
        place.date,
        place.about.clone(),
        site.records().duties[shift.duty.at()].interval.from,
    );
    let common = common_steps(facts, case, shift, now);
    let mut explanations = Vec::new();
    for draft in duty::findings(site, shift, deadline) {
        let finding = finding_of(site, place.clone(), draft.clone(), now);
        let mut steps = common.clone();
        steps.extend(finding_steps(facts, shift, &finding, deadline));
        steps.extend(certainty_steps(
            site,
            &draft,
            &finding,
            Some(settled_at(facts, shift, &finding)),
        ));
        explanations.push(Explanation {
            date,
            about: about.clone(),
            finding: Some(finding.kind),
            source: finding.source,
            steps,
        });
    }
    if explanations.is_empty() && starts <= now {
        let mut steps = common;
        steps.extend(fine_steps(facts, shift, now));
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

/// When a provisional finding becomes final.
fn settled_at(facts: &PersonFacts<'_>, shift: &Shift, finding: &Finding) -> Instant {
    match finding.kind {
        FindingKind::DutyAbsent => shift.required_end(facts.site),
        _ => facts.site.duty_settled_at(shift.duty),
    }
}

/// The duty, what is left of it, and what was seen at its place.
fn common_steps(facts: &PersonFacts<'_>, case: &Case, shift: &Shift, now: Instant) -> Vec<Step> {
    let site = facts.site;
    let duty = &site.records().duties[shift.duty.at()];
    let mut steps = Vec::from([Step::Duty {
        duty: shift.duty,
        interval: duty.interval,
        sign_in_opens: site.duty_opens_at(shift.duty),
        place: duty.place,
    }]);
    steps.extend(absence_steps(site, facts.person, duty.interval));
    if shift.effective.intervals() != [duty.interval] {
        steps.push(Step::Effective {
            pieces: shift.effective.intervals().to_vec(),
        });
    }
    if shift.effective.is_empty() {
        steps.push(Step::Excused);
    }
    steps.extend(seen_steps(facts, case, shift, now));
    steps.extend(shift.checks.iter().filter_map(|check| {
        let answer = check.answer?;
        Some(Step::Proof {
            check_at: check.at,
            window: check.window(),
            id: answer.id,
            at: answer.at,
        })
    }));
    steps
}

fn seen_steps(facts: &PersonFacts<'_>, case: &Case, shift: &Shift, now: Instant) -> Vec<Step> {
    let site = facts.site;
    let place = site.records().duties[shift.duty.at()].place;
    let window = Interval::new(site.duty_opens_at(shift.duty), site.duty_settled_at(shift.duty));
    let mut steps = Vec::new();
    steps.extend(
        shift
            .carried
            .zip(site.duty_before(shift.duty))
            .map(|(carried, before)| {
                let (id, came_in_at) = (carried.id, carried.at);
                Step::StillThere { before, id, came_in_at }
            }),
    );
    for event in events_at(&case.events, place, window) {
        steps.push(Step::Swipe {
            id: event.id,
            at: event.first,
            reader: event.reader,
            faces: event.faces,
        });
        if event.last > event.first {
            steps.push(Step::Repeats {
                id: event.id,
                repeats: repeats_of(facts, event, now),
                last_at: event.last,
            });
        }
    }
    if steps.is_empty() {
        steps.push(Step::NoSwipe);
    }
    steps
}

fn finding_steps(facts: &PersonFacts<'_>, shift: &Shift, finding: &Finding, deadline: &mut Deadline) -> Vec<Step> {
    match finding.kind {
        FindingKind::DutyLate => late_steps(facts, shift),
        FindingKind::DutyAbsent => Vec::from([
            Step::Due {
                at: shift.due(facts.site),
                reason: DueReason::EffectiveStart,
            },
            Step::NoArrival,
        ]),
        FindingKind::DutyLeft => {
            let mut steps = early_steps(facts, shift);
            steps.extend(shift.missed(deadline).map(|check| Step::ProofMissed {
                check_at: check.at,
                window: check.window(),
            }));
            steps
        }
        _ => handover_steps(facts, shift),
    }
}

fn late_steps(facts: &PersonFacts<'_>, shift: &Shift) -> Vec<Step> {
    let (due, mut steps) = (shift.due(facts.site), arrival_steps(shift));
    let Some((arrival, length)) = shift.arrival.zip(shift.lateness()) else {
        return steps;
    };
    steps.extend([
        Step::Due {
            at: due,
            reason: DueReason::EffectiveStart,
        },
        length_step(Measure::Lateness, due, arrival.at.max(due), length),
        compared_step(Limit::GraceLate, Span::ZERO, length),
    ]);
    steps
}

/// The arrival, where no earlier step has told it.
fn arrival_steps(shift: &Shift) -> Vec<Step> {
    let arrival = shift.arrival.filter(|_| shift.carried.is_none());
    let told = arrival.map(|arrival| Step::Arrival {
        id: Some(arrival.id),
        at: arrival.at,
        reason: ArrivalReason::Earliest,
    });
    told.into_iter().collect()
}

fn early_steps(facts: &PersonFacts<'_>, shift: &Shift) -> Vec<Step> {
    let end = shift.required_end(facts.site);
    let Some(departure) = shift.departure(facts.site) else {
        return Vec::new();
    };
    let length = shift.effective.length_within(Interval::new(departure.at, end));
    Vec::from([
        Step::Departure {
            id: departure.id,
            at: departure.at,
            closing_of: None,
        },
        Step::RequiredEnd {
            at: end,
            moved: Span::ZERO,
        },
        length_step(Measure::LeftEarly, departure.at, end.max(departure.at), length),
        compared_step(Limit::GraceEarly, Span::ZERO, length),
    ])
}

fn handover_steps(facts: &PersonFacts<'_>, shift: &Shift) -> Vec<Step> {
    let Some((to, arrival)) = shift.successor else {
        return Vec::new();
    };
    let until = facts.site.duty_settled_at(shift.duty);
    let mut steps = Vec::from([Step::HandsOver { to }]);
    match (arrival.filter(|arrival| arrival.at < until), shift.last_left()) {
        (Some(came), Some(left)) if left.at < came.at => steps.push(Step::LeftBeforeSuccessor {
            id: left.id,
            left_at: left.at,
            came_at: came.at,
        }),
        (Some(came), _) => steps.push(Step::SuccessorCame {
            id: came.id,
            at: came.at,
        }),
        (None, _) => steps.push(Step::NoSuccessor { until }),
    }
    steps
}

fn fine_steps(facts: &PersonFacts<'_>, shift: &Shift, now: Instant) -> Vec<Step> {
    let mut steps = Vec::new();
    let ends = facts.site.records().duties[shift.duty.at()].interval.until;
    if !shift.effective.is_empty() {
        steps.extend(late_steps(facts, shift));
        if shift.arrival.is_some() {
            steps.extend(early_steps(facts, shift));
        }
        if now >= ends {
            steps.extend(handover_steps(facts, shift));
        }
        let until = facts.site.duty_settled_at(shift.duty);
        if now < until {
            steps.push(Step::NotOver { until });
        }
    }
    steps.push(Step::NothingWrong);
    steps
}
