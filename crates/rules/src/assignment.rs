//! Which schedule a person follows when: person beats unit, nearer unit beats farther, then the latest `from` wins.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::model::{Assignment, AssignmentSubject, Id, SiteRecords, UnitIndex};
use crate::time::{Instant, Interval};

/// A time in which a person follows one schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Following {
    pub(crate) interval: Interval,
    /// The position in `SiteFacts::editions`.
    pub(crate) schedule: usize,
    pub(crate) assigned: AssignmentSubject,
}

/// What a person follows, in order; where nothing is said, or `none`, or the person does not belong to the bureau, there is a gap.
pub(crate) fn following(records: &SiteRecords, schedule_ids: &BTreeMap<Id, usize>, person: usize) -> Vec<Following> {
    let mut result: Vec<Following> = Vec::new();
    for stint in &records.people[person].stints {
        let subjects = subjects_by_weight(records, person, stint.unit);
        for piece in pieces(records, &subjects, stint.interval) {
            let Some(assignment) = winner(records, &subjects, piece.from) else {
                continue;
            };
            let Some(schedule) = assignment.schedule.as_ref().and_then(|id| schedule_ids.get(id)) else {
                continue;
            };
            result.push(Following {
                interval: piece,
                schedule: *schedule,
                assigned: assignment.subject,
            });
        }
    }
    result.sort_by_key(|following| following.interval.from);
    result
}

/// The person, their unit, the unit above it, and so on.
fn subjects_by_weight(records: &SiteRecords, person: usize, unit: UnitIndex) -> Vec<AssignmentSubject> {
    let person = u32::try_from(person).unwrap_or(u32::MAX);
    let mut subjects = Vec::from([AssignmentSubject::Person(crate::model::PersonIndex(person))]);
    let mut next = Some(unit);
    while let Some(unit) = next {
        // A chain longer than there are units is a cycle, which whoever read the units has reported.
        if subjects.len() > records.units.len() {
            break;
        }
        subjects.push(AssignmentSubject::Unit(unit));
        next = records.units[unit.at()].parent;
    }
    subjects
}

/// The stint, cut wherever one of the subjects' assignments begins or ends.
fn pieces(records: &SiteRecords, subjects: &[AssignmentSubject], stint: Interval) -> Vec<Interval> {
    let relevant = records
        .assignments
        .iter()
        .filter(|assignment| subjects.contains(&assignment.subject));
    let mut cuts: Vec<Instant> = relevant
        .flat_map(|assignment| [assignment.interval.from, assignment.interval.until])
        .collect();
    cuts.extend([stint.from, stint.until]);
    cuts.retain(|cut| stint.from <= *cut && *cut <= stint.until);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| Interval::new(pair[0], pair[1])).collect()
}

fn winner<'a>(records: &'a SiteRecords, subjects: &[AssignmentSubject], at: Instant) -> Option<&'a Assignment> {
    subjects.iter().find_map(|subject| {
        let in_force = records
            .assignments
            .iter()
            .filter(|assignment| assignment.subject == *subject && assignment.interval.contains(at));
        in_force.max_by_key(|assignment| assignment.interval.from)
    })
}
