//! `rollcall judge DIR`: a site folder judged with no database.

mod counting;
mod json;
mod meetings;
mod readable;

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use rules::explain::{Explanation, Step};
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{About, Finding, FindingKind};
use rules::model::{Id, MeetingIndex, PersonIndex, SiteRecords, Subject, Swipe, UnitIndex};
use rules::time::{Instant, local_date};
use rules::units::{Proposal, Unlisted};

use crate::folder::{Compiled, FolderSwipe, Problem};
use crate::words::steps::{self, StepText};

pub use json::write_json;
pub use readable::write_text;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The instant at which everything is judged.
    pub as_of: Instant,
    /// Only what had been received by then is known.
    pub known_at: Option<Instant>,
    /// The first date to judge; `None` is the date of the first swipe that counts.
    pub from: Option<NaiveDate>,
    /// The date after the last to judge; `None` judges up to and with the date of `as_of`.
    pub until: Option<NaiveDate>,
    /// Only this person.
    pub person: Option<PersonIndex>,
    /// Also what was fine.
    pub all: bool,
}

/// A judged folder.
#[derive(Debug)]
pub struct Judgement {
    /// When it was judged.
    pub as_of: Instant,
    /// The dates judged.
    pub dates: DateRange,
    /// The bureau.
    pub facts: SiteFacts,
    /// What is wrong in the folder.
    pub problems: Vec<Problem>,
    /// What is not as it should be, by date, subject, period or meeting, kind.
    pub findings: Vec<Judged>,
    /// What was fine, in the same order, where it was asked for.
    pub fine: Option<Vec<Judged>>,
    /// Who came to a meeting without being on its roster and may be a substitute, by meeting and arrival.
    pub proposals: Vec<(MeetingIndex, Proposal)>,
    /// Who else came to a meeting without being on its roster, by meeting and arrival.
    pub unlisted: Vec<(MeetingIndex, Unlisted)>,
}

/// One period or meeting of a person, with a finding or without.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Whom it is about.
    pub subject: Subject,
    /// The person's unit at that time, or the unit itself.
    pub unit: Option<UnitIndex>,
    /// The local date on which the period or meeting starts.
    pub date: NaiveDate,
    /// The period or meeting.
    pub about: About,
    /// What is wrong; `None` is nothing.
    pub finding: Option<Finding>,
    /// Why.
    pub explanation: Vec<StepText>,
}

/// Judges everybody, or one person.
pub fn judge(compiled: Compiled, question: &Question) -> Judgement {
    let Compiled {
        records,
        swipes,
        decisions,
        mut problems,
        ..
    } = compiled;
    let facts = SiteFacts::new(records);
    let range = Range::of(&facts, &swipes, question);
    let by_badge = swipes_by_badge(&swipes);
    let mut judged = Vec::new();
    for person in (0..).map(PersonIndex).take(facts.records().people.len()) {
        if question.person.is_none_or(|only| only == person) {
            judge_person(&facts, person, &by_badge, &range, question, &mut judged);
        }
    }
    let mut strangers = meetings::Strangers::default();
    if question.person.is_none() {
        let everybody: Vec<Swipe> = swipes.iter().filter_map(FolderSwipe::judged).collect();
        strangers = meetings::judge_meetings(&facts, &everybody, &range, question, &mut judged);
    }
    let counted = counting::Counting {
        facts: &facts,
        decisions: &decisions,
        by_badge: &by_badge,
        question,
        dates: range.dates,
    }
    .count(&judged);
    judged.extend(counted.escalations);
    problems.extend(counted.problems);
    judged.sort_by_cached_key(|judged| sort_key(judged, facts.records()));
    let (findings, fine) = judged.into_iter().partition(|judged: &Judged| judged.finding.is_some());
    let fine = question.all.then_some(fine);
    Judgement {
        as_of: question.as_of,
        dates: range.dates,
        facts,
        problems,
        findings,
        fine,
        proposals: strangers.proposals,
        unlisted: strangers.unlisted,
    }
}

/// Which dates are judged, and what of the date before them.
struct Range {
    dates: DateRange,
    /// Where nobody said from when: of the date before, periods and meetings that end after this swipe.
    first_swipe: Option<Instant>,
}

impl Range {
    fn of(facts: &SiteFacts, swipes: &[FolderSwipe], question: &Question) -> Self {
        let zone = facts.records().site.zone;
        let today = local_date(question.as_of, zone);
        let is_known = |swipe: &&FolderSwipe| question.known_at.is_none_or(|known_at| swipe.received_at <= known_at);
        let counts = |swipe: &&FolderSwipe| swipe.known.is_some() && swipe.quarantine.is_none();
        let first_swipe = swipes
            .iter()
            .filter(counts)
            .filter(is_known)
            .map(|swipe| swipe.happened_at)
            .min();
        let until = question.until.unwrap_or_else(|| today + Days::new(1));
        let from = question
            .from
            .or_else(|| first_swipe.map(|first| local_date(first, zone)))
            .unwrap_or(today);
        let first_swipe = first_swipe.filter(|_| question.from.is_none());
        Self {
            dates: DateRange {
                from: from.min(until),
                until,
            },
            first_swipe,
        }
    }

    /// The dates that are evaluated: one more where periods of the date before may not have ended at the first swipe.
    fn evaluated(&self) -> DateRange {
        let from = if self.first_swipe.is_some() {
            self.dates.from - Days::new(1)
        } else {
            self.dates.from
        };
        DateRange {
            from,
            until: self.dates.until,
        }
    }

    fn holds(&self, date: NaiveDate, ends: Option<Instant>) -> bool {
        let ends_after = |first| ends.is_some_and(|ends| first < ends);
        self.dates.from <= date || self.first_swipe.is_some_and(ends_after)
    }
}

fn swipes_by_badge(swipes: &[FolderSwipe]) -> HashMap<usize, Vec<Swipe>> {
    let mut by_badge: HashMap<usize, Vec<Swipe>> = HashMap::new();
    for swipe in swipes.iter().filter_map(FolderSwipe::judged) {
        by_badge.entry(swipe.badge.at()).or_default().push(swipe);
    }
    by_badge
}

/// The swipes that judging a person needs; a badge that changed hands between them comes twice, which changes nothing.
fn swipes_of(person: PersonIndex, facts: &SiteFacts, by_badge: &HashMap<usize, Vec<Swipe>>) -> Vec<Swipe> {
    let people = std::iter::once(&person).chain(facts.witnesses_of(person));
    let badges = people.flat_map(|person| facts.badges_of(*person));
    let swipes = badges.filter_map(|badge| by_badge.get(&badge.at())).flatten();
    swipes.copied().collect()
}

fn judge_person(
    facts: &SiteFacts,
    person: PersonIndex,
    by_badge: &HashMap<usize, Vec<Swipe>>,
    range: &Range,
    question: &Question,
    judged: &mut Vec<Judged>,
) {
    let swipes = swipes_of(person, facts, by_badge);
    let dates = range.evaluated();
    let person_facts = PersonFacts {
        site: facts,
        person,
        dates,
        swipes: &swipes,
        known_at: question.known_at,
    };
    let assessment = rules::evaluate(&person_facts, question.as_of);
    let standing = |date, about: &About| {
        assessment
            .standings
            .iter()
            .find(|standing| standing.date == date && standing.about == *about)
    };
    let mut explanations: HashMap<ExplainedBy, Explanation> = HashMap::new();
    if question.all || !assessment.findings.is_empty() {
        let all = rules::explain(&person_facts, question.as_of).into_iter();
        explanations.extend(all.map(|it| ((it.date, it.about.clone(), it.finding, it.source.clone()), it)));
    }
    for finding in &assessment.findings {
        let ends = standing(finding.date, &finding.about).map(|standing| standing.shown.until);
        if range.holds(finding.date, ends) {
            let key = (
                finding.date,
                finding.about.clone(),
                Some(finding.kind),
                finding.source.clone(),
            );
            let explanation = explanations
                .get(&key)
                .map(|it| steps::steps(it, facts.records()))
                .unwrap_or_default();
            let Finding { date, unit, .. } = *finding;
            let finding = Some(finding.clone());
            judged.push(Judged {
                subject: Subject::Person(person),
                unit,
                date,
                about: key.1,
                finding,
                explanation,
            });
        }
    }
    for ((date, about, ..), it) in explanations
        .into_iter()
        .filter(|((_, _, finding, _), _)| question.all && finding.is_none())
    {
        let standing = standing(date, &about);
        if range.holds(date, standing.map(|standing| standing.shown.until)) && has_started(&it, question.as_of) {
            let unit = standing.and_then(|standing| standing.unit);
            let explanation = steps::steps(&it, facts.records());
            judged.push(Judged {
                subject: Subject::Person(person),
                unit,
                date,
                about,
                finding: None,
                explanation,
            });
        }
    }
}

/// What an explanation of one subject belongs to: date, period or meeting, kind, observation or duty.
type ExplainedBy = (NaiveDate, About, Option<FindingKind>, Option<Id>);

/// Whether the period or meeting that is explained has started.
fn has_started(explanation: &Explanation, now: Instant) -> bool {
    explanation.steps.iter().all(|step| match step {
        Step::Schedule { interval, .. } | Step::Meeting { interval, .. } | Step::Duty { interval, .. } => {
            interval.from <= now
        }
        _ => true,
    })
}

/// Whom a finding is about, as the contract writes it: `person:ana`, `unit:plan`.
fn subject_id(subject: Subject, records: &SiteRecords) -> String {
    match subject {
        Subject::Person(person) => format!("person:{}", records.people[person.at()].id),
        Subject::Unit(unit) => format!("unit:{}", records.units[unit.at()].id),
    }
}

/// By date, subject, period or meeting, kind; what has neither period nor meeting comes first, and of one kind by its source.
fn sort_key(judged: &Judged, records: &SiteRecords) -> (NaiveDate, String, String, &'static str, String) {
    let about = match &judged.about {
        About::Period(name) => name.to_string(),
        About::Meeting(meeting) => records.meetings[meeting.at()].id.to_string(),
        About::Duty(_) | About::Date => String::new(),
    };
    let kind = judged.finding.as_ref().map_or("", |finding| finding.kind.name());
    let source = match &judged.about {
        About::Duty(duty) => records.duties[duty.at()].id.to_string(),
        _ => judged
            .finding
            .as_ref()
            .and_then(|finding| finding.source.as_deref())
            .unwrap_or_default()
            .to_owned(),
    };
    (judged.date, subject_id(judged.subject, records), about, kind, source)
}
