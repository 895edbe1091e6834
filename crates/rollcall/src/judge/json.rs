//! The judgement as the JSON object of the contract.

use std::io::{self, Write};

use chrono::SecondsFormat;
use rules::finding::{About, Finding};
use rules::model::{MeetingIndex, SiteRecords};
use rules::time::Instant;
use rules::units::{Proposal, Unlisted};
use serde::Serialize;

use super::{Judged, Judgement, subject_id};
use crate::folder::{Problem, Severity};
use crate::words::Bilingual;

#[derive(Serialize)]
struct Root<'a> {
    as_of: String,
    problems: Vec<ProblemRow<'a>>,
    findings: Vec<FindingRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fine: Option<Vec<FineRow<'a>>>,
    proposals: Vec<ProposalRow<'a>>,
    unlisted: Vec<UnlistedRow<'a>>,
}

#[derive(Serialize)]
struct ProposalRow<'a> {
    meeting: &'a str,
    unit: &'a str,
    substitute: &'a str,
    arrived_at: String,
}

#[derive(Serialize)]
struct UnlistedRow<'a> {
    meeting: &'a str,
    person: &'a str,
    arrived_at: String,
}

#[derive(Serialize)]
struct ProblemRow<'a> {
    file: &'a str,
    row: Option<u64>,
    key: Option<&'a str>,
    problem: &'static str,
    severity: &'static str,
    text: TextRow,
}

#[derive(Serialize)]
struct TextRow {
    #[serde(rename = "zh-CN")]
    chinese: String,
    en: String,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    #[serde(flatten)]
    whose: WhoseRow<'a>,
    kind: &'static str,
    state: &'static str,
    minutes: Option<i64>,
    due: Option<String>,
    actual: Option<String>,
    since: Option<String>,
    /// The observation or duty.
    source: Option<String>,
    swipes: Vec<String>,
    explanation: Vec<StepRow<'a>>,
}

#[derive(Serialize)]
struct FineRow<'a> {
    #[serde(flatten)]
    whose: WhoseRow<'a>,
    /// The duty.
    source: Option<&'a str>,
    explanation: Vec<StepRow<'a>>,
}

#[derive(Serialize)]
struct WhoseRow<'a> {
    subject: String,
    unit: Option<&'a str>,
    date: String,
    period: Option<&'a str>,
    meeting: Option<&'a str>,
}

#[derive(Serialize)]
struct StepRow<'a> {
    text: TextRow,
    refs: &'a [String],
    clause: &'a str,
}

/// Writes the judgement as one JSON object and a line feed.
pub fn write_json(judgement: &Judgement, mut to: impl Write) -> io::Result<()> {
    let records = judgement.facts.records();
    let root = Root {
        as_of: instant(judgement.as_of, records),
        problems: judgement.problems.iter().map(problem).collect(),
        findings: judgement
            .findings
            .iter()
            .filter_map(|judged| Some(finding(judged, judged.finding.as_ref()?, records)))
            .collect(),
        fine: judgement
            .fine
            .as_ref()
            .map(|fine| fine.iter().map(|judged| fine_row(judged, records)).collect()),
        proposals: judgement.proposals.iter().map(|row| proposal(row, records)).collect(),
        unlisted: judgement.unlisted.iter().map(|row| unlisted(row, records)).collect(),
    };
    serde_json::to_writer_pretty(&mut to, &root)?;
    writeln!(to)
}

fn problem(problem: &Problem) -> ProblemRow<'_> {
    let severity = match problem.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let text = text(problem.text());
    ProblemRow {
        file: &problem.file,
        row: problem.row,
        key: problem.key.as_deref(),
        problem: problem.code.name(),
        severity,
        text,
    }
}

fn text(text: Bilingual) -> TextRow {
    TextRow {
        chinese: text.chinese,
        en: text.english,
    }
}

fn finding<'a>(judged: &'a Judged, finding: &Finding, records: &'a SiteRecords) -> FindingRow<'a> {
    let at = |at: Option<Instant>| at.map(|at| instant(at, records));
    FindingRow {
        whose: whose(judged, records),
        kind: finding.kind.name(),
        state: finding.state.name(),
        minutes: finding.length.map(rules::time::Span::shown_minutes),
        due: at(finding.due),
        actual: at(finding.actual),
        since: at(finding.since),
        source: finding.source.as_deref().map(str::to_owned),
        swipes: finding.swipes.iter().map(|swipe| hex::encode(swipe.0)).collect(),
        explanation: explanation(judged),
    }
}

fn proposal<'a>((meeting, proposal): &(MeetingIndex, Proposal), records: &'a SiteRecords) -> ProposalRow<'a> {
    ProposalRow {
        meeting: &records.meetings[meeting.at()].id,
        unit: &records.units[proposal.unit.at()].id,
        substitute: &records.people[proposal.substitute.at()].id,
        arrived_at: instant(proposal.arrived_at, records),
    }
}

fn unlisted<'a>((meeting, unlisted): &(MeetingIndex, Unlisted), records: &'a SiteRecords) -> UnlistedRow<'a> {
    UnlistedRow {
        meeting: &records.meetings[meeting.at()].id,
        person: &records.people[unlisted.person.at()].id,
        arrived_at: instant(unlisted.arrived_at, records),
    }
}

fn fine_row<'a>(judged: &'a Judged, records: &'a SiteRecords) -> FineRow<'a> {
    FineRow {
        whose: whose(judged, records),
        source: match &judged.about {
            About::Duty(duty) => Some(&*records.duties[duty.at()].id),
            About::Period(_) | About::Meeting(_) | About::Date => None,
        },
        explanation: explanation(judged),
    }
}

fn whose<'a>(judged: &'a Judged, records: &'a SiteRecords) -> WhoseRow<'a> {
    let (period, meeting) = match &judged.about {
        About::Period(name) => (Some(&**name), None),
        About::Meeting(meeting) => (None, Some(&*records.meetings[meeting.at()].id)),
        About::Duty(_) | About::Date => (None, None),
    };
    WhoseRow {
        subject: subject_id(judged.subject, records),
        unit: judged.unit.map(|unit| &*records.units[unit.at()].id),
        date: judged.date.to_string(),
        period,
        meeting,
    }
}

fn explanation(judged: &Judged) -> Vec<StepRow<'_>> {
    let row = |step: &'_ crate::words::steps::StepText| text(step.text.clone());
    judged
        .explanation
        .iter()
        .map(|step| StepRow {
            text: row(step),
            refs: &step.refs,
            clause: &step.clause,
        })
        .collect()
}

/// RFC 3339 in the site's zone, with milliseconds where there are some.
fn instant(at: Instant, records: &SiteRecords) -> String {
    at.to_utc()
        .with_timezone(&records.site.zone)
        .to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
