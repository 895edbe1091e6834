//! Counting in a judged folder: what `decisions.csv` confirms adds up by `escalations.toml`.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use rules::count::{Countable, count, explain};
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{About, Finding, FindingKind, FindingState};
use rules::model::{Id, PersonIndex, SiteRecords, Subject, Swipe};

use super::{Judged, Question, swipes_of};
use crate::folder::{Code, FolderDecision, Problem, TableFile};
use crate::words::steps;

/// What counting starts from.
pub(super) struct Counting<'a> {
    pub(super) facts: &'a SiteFacts,
    pub(super) decisions: &'a [FolderDecision],
    pub(super) by_badge: &'a HashMap<usize, Vec<Swipe>>,
    pub(super) question: &'a Question,
    /// The dates whose escalations are listed; what they count may lie before.
    pub(super) dates: DateRange,
}

/// What counting says.
pub(super) struct Counted {
    pub(super) escalations: Vec<Judged>,
    pub(super) problems: Vec<Problem>,
}

/// What a decision is about.
type Identity<'a> = (
    Subject,
    NaiveDate,
    Option<&'a str>,
    Option<&'a str>,
    Option<&'a str>,
    FindingKind,
);

impl Counting<'_> {
    /// Counts what is confirmed. Days that a decision names are judged as of the same instant as all others, whether they are
    /// among the dates asked for or not.
    pub(super) fn count(&self, judged: &[Judged]) -> Counted {
        let records = self.facts.records();
        let confirmed = self.confirmed();
        let mut days: BTreeMap<(PersonIndex, NaiveDate), Vec<Finding>> = BTreeMap::new();
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for decision in confirmed {
            let finding = match decision.subject {
                Subject::Person(person) => {
                    let key = (person, decision.date);
                    let findings = days.entry(key).or_insert_with(|| self.judge(person, decision.date));
                    findings
                        .iter()
                        .find(|finding| is_meant(decision, finding, records))
                        .cloned()
                }
                Subject::Unit(_) => {
                    let mut findings = judged.iter().filter_map(|judged| judged.finding.as_ref());
                    findings.find(|finding| is_meant(decision, finding, records)).cloned()
                }
            };
            match finding {
                Some(finding) => found.push((decision, finding)),
                None => problems.push(
                    Problem::of_file(TableFile::Decisions.name(), Code::DecisionUnmatched)
                        .at_row(decision.line)
                        .warning(),
                ),
            }
        }
        Counted {
            escalations: self.escalations(&found),
            problems,
        }
    }

    /// The decisions that leave their finding confirmed: the last of each finding, as far as it is known.
    fn confirmed(&self) -> impl Iterator<Item = &FolderDecision> {
        let known_at = self.question.known_at.unwrap_or(self.question.as_of);
        let mut last: BTreeMap<Identity<'_>, &FolderDecision> = BTreeMap::new();
        for decision in self.decisions.iter().filter(|decision| decision.at <= known_at) {
            let standing = last.entry(identity(decision)).or_insert(decision);
            if standing.at <= decision.at {
                *standing = decision;
            }
        }
        last.into_values().filter(|decision| decision.is_confirmed)
    }

    fn judge(&self, person: PersonIndex, date: NaiveDate) -> Vec<Finding> {
        let swipes = swipes_of(person, self.facts, self.by_badge);
        let facts = PersonFacts {
            site: self.facts,
            person,
            dates: DateRange::of_date(date),
            swipes: &swipes,
            known_at: self.question.known_at,
        };
        rules::evaluate(&facts, self.question.as_of).findings
    }

    fn escalations(&self, found: &[(&FolderDecision, Finding)]) -> Vec<Judged> {
        let records = self.facts.records();
        let rules = &records.escalations;
        let countable: Vec<Countable<'_>> = found
            .iter()
            .map(|(decision, finding)| Countable {
                subject: finding.subject,
                unit: finding.unit,
                date: finding.date,
                place: place(decision),
                source: finding.source.as_deref(),
                kind: finding.kind,
                due: finding.due,
            })
            .collect();
        let references: Vec<Id> = found
            .iter()
            .map(|(decision, finding)| format!("{}/{}/{}", finding.date, place(decision), finding.kind.name()).into())
            .collect();
        let reached = count(rules, &records.units, &countable);
        let is_asked = |subject| match (self.question.person, subject) {
            (Some(only), Subject::Person(person)) => only == person,
            (Some(_), Subject::Unit(_)) => false,
            (None, _) => true,
        };
        let listed = reached
            .iter()
            .filter(|reached| self.dates.contains(reached.date) && is_asked(reached.subject));
        listed
            .map(|reached| {
                let finding = reached.finding(rules);
                let explanation = explain(rules, &countable, &references, reached);
                Judged {
                    subject: reached.subject,
                    unit: reached.unit,
                    date: reached.date,
                    about: About::Date,
                    finding: Some(finding),
                    explanation: steps::steps(&explanation, records),
                }
            })
            .collect()
    }
}

fn identity(decision: &FolderDecision) -> Identity<'_> {
    (
        decision.subject,
        decision.date,
        decision.period.as_deref(),
        decision.meeting.as_deref(),
        decision.source.as_deref(),
        decision.kind,
    )
}

/// The period or meeting of a decision.
fn place(decision: &FolderDecision) -> &str {
    decision
        .period
        .as_deref()
        .or(decision.meeting.as_deref())
        .unwrap_or_default()
}

/// Whether a decision is on this finding, which must be final: nobody can decide on what may still change by itself.
fn is_meant(decision: &FolderDecision, finding: &Finding, records: &SiteRecords) -> bool {
    let is_about = match &finding.about {
        About::Period(name) => decision.period.as_ref() == Some(name),
        About::Meeting(meeting) => decision.meeting.as_ref() == Some(&records.meetings[meeting.at()].id),
        About::Duty(_) | About::Date => decision.period.is_none() && decision.meeting.is_none(),
    };
    let is_from = decision.source.is_none() || decision.source == finding.source;
    is_about
        && is_from
        && finding.subject == decision.subject
        && finding.date == decision.date
        && finding.kind == decision.kind
        && finding.state == FindingState::Final
}
