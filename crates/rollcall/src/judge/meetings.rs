//! Meetings as a whole: what their units did, and who came without being on the roster.

use std::collections::BTreeSet;

use rules::explain::Explanation;
use rules::facts::SiteFacts;
use rules::finding::{Finding, FindingKind};
use rules::model::{Id, MeetingIndex, Subject, Swipe, UnitIndex};
use rules::units::{MeetingFacts, Proposal, UnitScope, Unlisted};

use super::{Judged, Question, Range};
use crate::words::steps;

/// Who came to meetings without being on their rosters.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    pub(super) proposals: Vec<(MeetingIndex, Proposal)>,
    pub(super) unlisted: Vec<(MeetingIndex, Unlisted)>,
}

/// Judges the meetings of the dates, and what inspectors saw of units on them.
pub(super) fn judge_meetings(
    facts: &SiteFacts,
    swipes: &[Swipe],
    range: &Range,
    question: &Question,
    judged: &mut Vec<Judged>,
) -> Strangers {
    let mut strangers = Strangers::default();
    for scope in scopes(facts) {
        let ends = match scope {
            UnitScope::Meeting(meeting) => Some(facts.records().meetings[meeting.at()].last_end()),
            UnitScope::Date(_) => None,
        };
        let date = facts.date_of_scope(scope);
        if !range.evaluated().contains(date) || !range.holds(date, ends) {
            continue;
        }
        let meeting_facts = MeetingFacts {
            site: facts,
            scope,
            swipes,
            known_at: question.known_at,
        };
        let assessment = rules::evaluate_meeting(&meeting_facts, question.as_of);
        let explanations = rules::explain_meeting(&meeting_facts, question.as_of);
        judged.extend(explained(facts, &assessment.findings, &explanations, question.all));
        if let UnitScope::Meeting(meeting) = scope {
            let proposals = assessment.proposals.into_iter();
            strangers
                .proposals
                .extend(proposals.map(|proposal| (meeting, proposal)));
            let unlisted = assessment.unlisted.into_iter();
            strangers.unlisted.extend(unlisted.map(|unlisted| (meeting, unlisted)));
        }
    }
    let by_meeting = |meeting: MeetingIndex| facts.records().meetings[meeting.at()].id.clone();
    strangers
        .proposals
        .sort_by_cached_key(|(meeting, _)| by_meeting(*meeting));
    strangers
        .unlisted
        .sort_by_cached_key(|(meeting, _)| by_meeting(*meeting));
    strangers
}

/// Every meeting, and every date of what inspectors saw of units outside meetings.
fn scopes(facts: &SiteFacts) -> BTreeSet<UnitScope> {
    let meetings = (0..).map(MeetingIndex).take(facts.records().meetings.len());
    let mut scopes = facts.unit_scopes();
    scopes.extend(meetings.map(UnitScope::Meeting));
    scopes
}

/// The findings with why they are there, and what was fine where it was asked for.
fn explained(
    facts: &SiteFacts,
    findings: &[Finding],
    explanations: &[(UnitIndex, Explanation)],
    all: bool,
) -> Vec<Judged> {
    let finding_of = |unit: UnitIndex, kind: FindingKind, source: Option<&Id>| {
        let mut own = findings.iter().filter(|finding| finding.unit == Some(unit));
        own.find(|finding| finding.kind == kind && finding.source.as_ref() == source)
    };
    let told = explanations.iter().map(|(unit, explanation)| Judged {
        subject: Subject::Unit(*unit),
        unit: Some(*unit),
        date: explanation.date,
        about: explanation.about.clone(),
        finding: explanation
            .finding
            .and_then(|kind| finding_of(*unit, kind, explanation.source.as_ref()))
            .cloned(),
        explanation: steps::steps(explanation, facts.records()),
    });
    told.filter(|judged| all || judged.finding.is_some()).collect()
}
