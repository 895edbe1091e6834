//! What inspectors saw 督查: findings whose evidence is the inspector, not a swipe.

use alloc::vec::Vec;

use crate::deadline::Deadline;
use crate::draft::Draft;
use crate::evaluate::{FindingPlace, finding_of};
use crate::explain::{Explanation, Step};
use crate::facts::{PersonFacts, SiteFacts};
use crate::finding::{About, Finding, FindingKind, FindingState};
use crate::model::Observation;
use crate::narrate::certainty_steps;
use crate::narrate_meeting::announced_steps;

/// The findings of what was seen of a person on the dates to judge. Nothing is said before it was seen, and nothing withholds it: no
/// reader could have shown it.
pub(crate) fn of_person(facts: &PersonFacts<'_>, deadline: &mut Deadline) -> Vec<Finding> {
    let seen = seen_of_person(facts, deadline).into_iter();
    seen.map(|(place, observation)| finding_of(facts.site, place, draft(observation), deadline.now()))
        .collect()
}

/// Why each of them is there.
pub(crate) fn explain_person(facts: &PersonFacts<'_>, deadline: &mut Deadline) -> Vec<Explanation> {
    let seen = seen_of_person(facts, deadline).into_iter();
    seen.map(|(place, observation)| explain(facts.site, place, observation, deadline))
        .collect()
}

fn seen_of_person<'a>(facts: &PersonFacts<'a>, deadline: &mut Deadline) -> Vec<(FindingPlace, &'a Observation)> {
    let site = facts.site;
    let mut seen = Vec::new();
    for position in site.observations_of(facts.person) {
        let observation = &site.records().observations[*position];
        let date = site.date_of_observation(*position);
        if facts.dates.contains(date) && deadline.reached(observation.at) {
            let starts = observation
                .meeting
                .map_or(observation.at, |meeting| site.records().meetings[meeting.at()].starts);
            let place = FindingPlace::of_person(facts, date, about(observation), starts);
            seen.push((place, observation));
        }
    }
    seen
}

pub(crate) fn about(observation: &Observation) -> About {
    observation.meeting.map_or(About::Date, About::Meeting)
}

pub(crate) fn draft(observation: &Observation) -> Draft {
    Draft {
        actual: Some(observation.at),
        source: Some(observation.id.clone()),
        ..Draft::new(FindingKind::from(observation.kind), FindingState::Final)
    }
}

pub(crate) fn explain(
    site: &SiteFacts,
    place: FindingPlace,
    observation: &Observation,
    deadline: &Deadline,
) -> Explanation {
    let mut steps = Vec::new();
    if let Some(meeting) = observation.meeting {
        steps.extend(announced_steps(meeting, &site.records().meetings[meeting.at()]));
    }
    steps.push(Step::Observed {
        observation: observation.id.clone(),
        observer: observation.observer.clone(),
        at: observation.at,
        note: observation.note.clone(),
    });
    let draft = draft(observation);
    let (date, about) = (place.date, place.about.clone());
    let finding = finding_of(site, place, draft.clone(), deadline.now());
    steps.extend(certainty_steps(site, &draft, &finding, None));
    Explanation {
        date,
        about,
        finding: Some(finding.kind),
        source: finding.source,
        steps,
    }
}
