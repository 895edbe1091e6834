//! Explanations: the views and findings that judging made, told in order. Nothing here decides anything.

use alloc::vec::Vec;
use core::ops::Range;

use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::evaluate::{Case, FindingPlace, finding_of};
use crate::explain::{DueReason, Explanation, Limit, Measure, PeriodSide, Step};
use crate::facts::{PersonFacts, SiteFacts};
use crate::finding::{About, Finding, FindingKind, FindingState};
use crate::model::{LateCountsFrom, PersonIndex, Side};
use crate::office::{self, Mark, Office, StayView, member_at, other_sign, overstayed};
use crate::swipes::repeats_of;
use crate::time::{DayClock, Instant, Interval, Span};
use crate::{duty, narrate_duty, narrate_meeting, observation};

/// Explains every finding and every "nothing wrong" of a person's dates at `now`, in the order of the findings. Periods and meetings
/// that have not started and of which nothing is said are left out.
pub fn explain(facts: &PersonFacts<'_>, now: Instant) -> Vec<Explanation> {
    let mut deadline = Deadline::new(now);
    let case = Case::prepare(facts, &mut deadline);
    let mut explanations = Vec::new();
    case.each_date(facts, now, |office, day, views| {
        explanations.extend(explain_date(
            &Teller { facts, office, now },
            day.members(),
            views,
            &mut deadline,
        ));
    });
    for judged in case.meetings_of_dates(facts) {
        explanations.extend(narrate_meeting::explain_meeting(facts, &case, judged, &mut deadline));
    }
    for shift in duty::shifts_of_dates(facts, &case.shifts) {
        explanations.extend(narrate_duty::explain_duty(facts, &case, shift, &mut deadline));
    }
    explanations.extend(observation::explain_person(facts, &mut deadline));
    explanations.sort_by(|one, other| one.place().cmp(&other.place()));
    explanations
}

/// Who tells, and what they know.
struct Teller<'a> {
    facts: &'a PersonFacts<'a>,
    office: &'a Office<'a>,
    now: Instant,
}

fn explain_date(
    teller: &Teller<'_>,
    members: Range<usize>,
    views: &[StayView<'_>],
    deadline: &mut Deadline,
) -> Vec<Explanation> {
    let office = teller.office;
    let mut explanations = Vec::new();
    let (mut drafts, mut of_view) = (Vec::new(), Vec::new());
    for view in views {
        office::findings(office, view, deadline, &mut of_view);
        drafts.append(&mut of_view);
    }
    for member in members {
        let planned = &office.plan[member];
        let about = About::Period(planned.of(office.site).name.clone());
        let view = views.iter().find(|view| view.stay.members.contains(&member));
        let common = period_steps(teller, member, view);
        let own: Vec<&Draft> = drafts
            .iter()
            .filter(|(of, _)| *of == member)
            .map(|(_, draft)| draft)
            .collect();
        for draft in &own {
            let place = FindingPlace::of_person(teller.facts, planned.date, about.clone(), planned.interval.from);
            let finding = finding_of(teller.facts.site, place, (*draft).clone(), teller.now);
            let mut steps = common.clone();
            if let Some(view) = view {
                steps.extend(finding_steps(teller, member, view, &finding));
                steps.extend(certainty_steps(
                    teller.facts.site,
                    draft,
                    &finding,
                    provisional_until(office, member, view, &finding),
                ));
            }
            explanations.push(Explanation {
                date: planned.date,
                about: about.clone(),
                finding: Some(finding.kind),
                source: None,
                steps,
            });
        }
        if own.is_empty() && planned.interval.from <= teller.now {
            let mut steps = common;
            steps.extend(fine_steps(teller, member, view.filter(|view| !view.is_excused())));
            explanations.push(Explanation {
                date: planned.date,
                about,
                finding: None,
                source: None,
                steps,
            });
        }
    }
    explanations
}

fn period_steps(teller: &Teller<'_>, member: usize, view: Option<&StayView<'_>>) -> Vec<Step> {
    let mut steps = plan_steps(teller, member);
    let Some(view) = view else {
        steps.push(Step::Excused);
        return steps;
    };
    let office = teller.office;
    if office.members(view.stay).nth(1).is_some() {
        let names = office
            .members(view.stay)
            .map(|member| office.plan[member].of(office.site).name.clone());
        steps.push(Step::Joined {
            periods: names.collect(),
        });
    }
    steps.extend(taken_steps(office, view));
    if view.is_excused() {
        steps.push(Step::Excused);
        return steps;
    }
    steps.extend(window_steps(office, view));
    steps.extend(seen_steps(teller, view));
    steps.extend(arrival_steps(view));
    steps.extend(departure_steps(view));
    steps
}

/// The schedule, the calendar and the absences of a period.
fn plan_steps(teller: &Teller<'_>, member: usize) -> Vec<Step> {
    let (office, planned) = (teller.office, &teller.office.plan[member]);
    let records = office.site.records();
    let schedule = &records.schedules[planned.schedule];
    let mut steps = Vec::from([Step::Schedule {
        schedule: schedule.id.clone(),
        edition: schedule.from,
        assigned: planned.assigned,
        period: planned.of(office.site).name.clone(),
        interval: planned.interval,
    }]);
    steps.extend(office.site.calendar.get(&planned.date).map(|position| {
        let day = &records.calendar[*position];
        let (name, source) = (day.name.clone(), day.source.clone());
        Step::Calendar {
            date: day.date,
            kind: day.kind,
            name,
            acts_as: planned.acts_as,
            source,
        }
    }));
    let noon = DayClock::new(planned.date, records.site.zone).noon();
    if let Some((kind, off)) = planned
        .half
        .zip(planned.half_interval(noon))
        .filter(|(_, off)| off.meets(planned.interval))
    {
        steps.push(Step::HalfHoliday {
            kind,
            taken: off.intersect(planned.interval),
        });
    }
    steps.extend(absence_steps(office.site, office.person, planned.interval));
    steps
}

/// The absences of a person that meet an interval; that there are none was looked up too.
pub(crate) fn absence_steps(site: &SiteFacts, person: PersonIndex, interval: Interval) -> Vec<Step> {
    let absences = site.absences_of(person).iter();
    let mut steps: Vec<Step> = absences
        .map(|position| &site.records().absences[*position])
        .filter(|absence| absence.interval.meets(interval))
        .map(absence_step)
        .collect();
    if steps.is_empty() {
        steps.push(Step::NoAbsence);
    }
    steps
}

fn absence_step(absence: &crate::model::Absence) -> Step {
    Step::Absence {
        absence: absence.id.clone(),
        kind: absence.kind.clone(),
        interval: absence.interval,
        shortened_from: Some(absence.approved_until).filter(|until| *until > absence.interval.until),
    }
}

fn taken_steps(office: &Office<'_>, view: &StayView<'_>) -> Vec<Step> {
    let reaching = office
        .taken
        .iter()
        .filter(|taken| taken.interval.meets(view.stay.bounds));
    let mut steps: Vec<Step> = reaching
        .map(|taken| Step::Taken {
            by: taken.by,
            taken: taken.interval,
            assumed: taken.assumed_until.is_some(),
        })
        .collect();
    let whole: Vec<Interval> = office
        .members(view.stay)
        .map(|member| office.plan[member].interval)
        .collect();
    if whole != view.effective.intervals() {
        steps.push(Step::Effective {
            pieces: view.effective.intervals().to_vec(),
        });
    }
    steps
}

fn window_steps(office: &Office<'_>, view: &StayView<'_>) -> Vec<Step> {
    let stay = view.stay;
    let mut steps = Vec::from([Step::Windows {
        arrive_from: stay.arrive_from,
        arrive_until: stay.arrive_until,
        leave_from: stay.leave_from,
        leave_until: stay.settled_at(),
    }]);
    for (shared, this_is_earlier) in [(stay.before, false), (stay.after, true)] {
        steps.extend(shared.map(|shared| {
            let neighbour = &office.plan[shared.neighbour];
            let (date, interval) = (neighbour.date, shared.interval);
            Step::BreakShared {
                neighbour: neighbour.of(office.site).name.clone(),
                date,
                interval,
                this_is_earlier,
            }
        }));
    }
    steps
}

fn seen_steps(teller: &Teller<'_>, view: &StayView<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = view.visit().iter().flat_map(|mark| mark_steps(teller, mark)).collect();
    if view.marks.is_empty() {
        steps.push(Step::NoSwipe);
    }
    steps.extend(
        view.marks
            .get(view.visit_ends)
            .map(|mark| Step::AnotherVisit { at: mark.event.at }),
    );
    steps
}

fn mark_steps(teller: &Teller<'_>, mark: &Mark<'_>) -> Vec<Step> {
    let event = mark.event;
    if let Some(occasion) = event.opening_of {
        return Vec::from([Step::SeenAt {
            occasion,
            id: Some(event.id),
            at: event.at,
        }]);
    }
    let mut steps = Vec::from([Step::Swipe {
        id: event.id,
        at: event.first,
        reader: event.reader,
        faces: event.faces,
    }]);
    if event.last > event.first {
        steps.push(Step::Repeats {
            id: event.id,
            repeats: repeats_of(teller.facts, event, teller.now),
            last_at: event.last,
        });
    }
    if mark.faces != event.faces {
        steps.push(Step::ReadAsIn {
            id: event.id,
            at: event.at,
        });
    }
    steps
}

fn arrival_steps(view: &StayView<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if view.arriving.arrive == Side::Free {
        steps.push(Step::SideFree {
            side: PeriodSide::Arrival,
        });
    }
    steps.push(match (view.arrival, view.start_taken) {
        (Some(arrival), _) => Step::Arrival {
            id: Some(arrival.event.id),
            at: arrival.at,
            reason: arrival.reason,
        },
        (None, Some(taken)) => Step::Satisfied {
            side: PeriodSide::Arrival,
            by: taken.by,
        },
        (None, None) => Step::NoArrival,
    });
    steps
}

fn departure_steps(view: &StayView<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if view.leaving.leave == Side::Free {
        steps.push(Step::SideFree {
            side: PeriodSide::Departure,
        });
    }
    steps.extend(view.came_back.map(|mark| {
        let event = view.marks[mark].event;
        Step::CameBack {
            id: Some(event.id),
            at: event.at,
        }
    }));
    steps.push(match (view.departure, view.end_taken) {
        (Some(departure), _) => Step::Departure {
            id: departure.id,
            at: departure.at,
            closing_of: departure.closing_of,
        },
        (None, Some(taken)) => Step::Satisfied {
            side: PeriodSide::Departure,
            by: taken.by,
        },
        (None, None) => Step::NoDeparture,
    });
    steps
}

fn finding_steps(teller: &Teller<'_>, member: usize, view: &StayView<'_>, finding: &Finding) -> Vec<Step> {
    let office = teller.office;
    match finding.kind {
        FindingKind::Late | FindingKind::SeriouslyLate => late_steps(view),
        FindingKind::Absent if finding.by_lateness => late_steps(view),
        FindingKind::NotArrived | FindingKind::Absent | FindingKind::OverstayedLeave => {
            not_there_steps(office, member, view, finding)
        }
        FindingKind::EarlyLeave => early_steps(view),
        FindingKind::MissingArrival => Vec::from([Step::Due {
            at: view.due,
            reason: view.due_reason,
        }]),
        FindingKind::MissingDeparture => missing_departure_steps(view),
        FindingKind::StepOut => gap_steps(office, member, view),
        FindingKind::DutyLate
        | FindingKind::DutyAbsent
        | FindingKind::DutyLeft
        | FindingKind::HandoverMissing
        | FindingKind::MeetingLate
        | FindingKind::MeetingAbsent
        | FindingKind::MeetingEarlyLeave
        | FindingKind::WalkOut
        | FindingKind::WalkingAbout
        | FindingKind::Seating
        | FindingKind::Conduct
        | FindingKind::UnitAbsent
        | FindingKind::UnitShort
        | FindingKind::UnitRank
        | FindingKind::Escalation => Vec::new(),
    }
}

/// The arithmetic of a length that is known.
pub(crate) fn length_step(measure: Measure, from: Instant, to: Instant, length: Span) -> Step {
    let not_counted = Interval::new(from, to).length() - length;
    Step::Length {
        measure,
        from,
        to: Some(to),
        not_counted,
        length: Some(length),
    }
}

/// What several lengths come to; one alone is its own sum.
pub(crate) fn sum_step(parts: Vec<Span>) -> Option<Step> {
    let total = parts.iter().fold(Span::ZERO, |sum, part| sum + *part);
    (parts.len() > 1).then_some(Step::Sum { parts, total })
}

pub(crate) fn compared_step(limit: Limit, allowed: Span, length: Span) -> Step {
    Step::Compared {
        limit,
        allowed,
        length: Some(length),
        exceeded: length > allowed,
    }
}

fn late_steps(view: &StayView<'_>) -> Vec<Step> {
    let settings = view.arriving;
    let Some((arrival, length)) = view.arrival.zip(view.lateness()) else {
        return Vec::new();
    };
    let mut steps = Vec::from([
        Step::Due {
            at: view.due,
            reason: view.due_reason,
        },
        length_step(Measure::Lateness, view.due, arrival.at, length),
        compared_step(Limit::GraceLate, settings.grace_late, length),
    ]);
    steps.extend(
        settings
            .serious_after
            .map(|allowed| compared_step(Limit::SeriousAfter, allowed, length)),
    );
    steps.extend(
        settings
            .absent_after
            .map(|allowed| compared_step(Limit::AbsentAfter, allowed, length)),
    );
    let is_late = office::lateness_kind(settings, length).is_some_and(|kind| kind != FindingKind::Absent);
    if is_late && settings.late_counts_from == LateCountsFrom::GraceEnd {
        steps.push(Step::CountedFromGraceEnd {
            grace: settings.grace_late,
            length: length - settings.grace_late,
        });
    }
    steps
}

fn not_there_steps(office: &Office<'_>, member: usize, view: &StayView<'_>, finding: &Finding) -> Vec<Step> {
    let ends = office.plan[member].base.end().unwrap_or(view.stay.bounds.until);
    if let Some(arrival) = view.arrival {
        return Vec::from([Step::EndedBeforeArrival {
            ended_at: ends,
            arrived_at: arrival.at,
        }]);
    }
    let due = finding.due.unwrap_or(view.due);
    let reason = if due == view.due {
        view.due_reason
    } else {
        DueReason::EffectiveStart
    };
    let mut steps = Vec::from([Step::Due { at: due, reason }]);
    steps.push(if finding.kind == FindingKind::NotArrived {
        Step::Length {
            measure: Measure::NotThere,
            from: due,
            to: None,
            not_counted: Span::ZERO,
            length: None,
        }
    } else {
        length_step(
            Measure::NotThere,
            due,
            ends,
            view.effective.length_within(Interval::new(due, ends)),
        )
    });
    let allowed = view.arriving.grace_late;
    // Whoever has not come by the end is absent, however long the grace.
    if view.effective.length_within(Interval::new(view.due, ends)) > allowed {
        steps.push(Step::Compared {
            limit: Limit::GraceLate,
            allowed,
            length: None,
            exceeded: true,
        });
    }
    if let Some(absence) = overstayed(office, ends).filter(|_| finding.kind == FindingKind::OverstayedLeave) {
        let absence = &office.site.records().absences[absence];
        steps.push(Step::NotSeenSinceAbsence {
            absence: absence.id.clone(),
            ended_at: absence.interval.until,
        });
    }
    steps
}

fn early_steps(view: &StayView<'_>) -> Vec<Step> {
    let settings = view.leaving;
    let Some((departure, length)) = view.departure.zip(view.earliness()) else {
        return Vec::new();
    };
    Vec::from([
        Step::RequiredEnd {
            at: view.required_end,
            moved: view.moved,
        },
        length_step(
            Measure::LeftEarly,
            departure.at,
            view.required_end.max(departure.at),
            length,
        ),
        compared_step(Limit::GraceEarly, settings.grace_early, length),
    ])
}

fn missing_departure_steps(view: &StayView<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if view.arrival.is_none() {
        steps.extend(other_sign(view).map(|(at, id)| Step::SignOfPresence { id, at }));
    }
    steps.push(Step::RequiredEnd {
        at: view.required_end,
        moved: view.moved,
    });
    steps
}

fn gap_steps(office: &Office<'_>, member: usize, view: &StayView<'_>) -> Vec<Step> {
    let Some(allowance) = office.plan[member].settings(office.site).step_out_allowance else {
        return Vec::new();
    };
    let own = view
        .gaps()
        .into_iter()
        .filter(|gap| member_at(office, view, gap.from) == member);
    let mut counted = Vec::new();
    let told = own.flat_map(|gap| {
        let counts = gap.length > allowance;
        counted.extend(Some(gap.length).filter(|_| counts));
        [
            Step::Gap {
                from: gap.from,
                to: gap.to,
                length: gap.length,
                counts,
            },
            compared_step(Limit::StepOutAllowance, allowance, gap.length),
        ]
    });
    let mut steps: Vec<Step> = told.collect();
    steps.extend(sum_step(counted));
    steps
}

/// When a provisional finding becomes final or something else.
fn provisional_until(office: &Office<'_>, member: usize, view: &StayView<'_>, finding: &Finding) -> Option<Instant> {
    match finding.kind {
        FindingKind::NotArrived => office.plan[member].base.end(),
        FindingKind::Late | FindingKind::SeriouslyLate | FindingKind::StepOut => None,
        _ => Some(view.stay.settled_at()).filter(|_| !finding.by_lateness),
    }
}

/// What coverage says, how certain the verdict is, and the verdict.
pub(crate) fn certainty_steps(site: &SiteFacts, draft: &Draft, finding: &Finding, until: Option<Instant>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (reader, down_from) in &finding.withheld_by {
        let down_until = site.down_until(*reader, *down_from);
        steps.push(Step::Withheld {
            reader: *reader,
            down_from: *down_from,
            down_until,
        });
    }
    if finding.withheld_by.is_empty() {
        steps.extend(draft.unseen.iter().map(|unseen| Step::Covered {
            interval: unseen.interval,
        }));
    }
    steps.push(Step::Concluded {
        kind: finding.kind,
        by_lateness: finding.by_lateness,
        length: finding.length,
    });
    match draft.state {
        _ if finding.state == FindingState::Withheld => {}
        FindingState::Final if finding.state == FindingState::Final => steps.push(Step::Final),
        _ => steps.push(Step::ProvisionalUntil { at: until }),
    }
    steps
}

/// Why nothing is wrong.
fn fine_steps(teller: &Teller<'_>, member: usize, view: Option<&StayView<'_>>) -> Vec<Step> {
    let office = teller.office;
    let mut steps = Vec::new();
    if let Some(view) = view {
        if member == view.stay.first && view.arriving.arrive == Side::Required {
            steps.extend(late_steps(view));
        }
        if member == view.stay.last && view.leaving.leave == Side::Required {
            steps.extend(early_steps(view));
        }
        steps.extend(gap_steps(office, member, view));
        if teller.now < view.stay.settled_at() {
            steps.push(Step::NotOver {
                until: view.stay.settled_at(),
            });
        }
    }
    steps.push(Step::NothingWrong);
    steps
}
