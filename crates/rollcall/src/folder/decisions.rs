//! `decisions.csv`: what people decided on findings, so that `judge` can count what was confirmed.

use chrono::NaiveDate;
use rules::finding::FindingKind;
use rules::model::{Id, Subject};
use rules::time::Instant;

use super::compile::Draft;
use super::gathering::{Cells, each_row};
use super::meetings::meeting_of;
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// A person's act on a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderDecision {
    /// Its line.
    pub line: u64,
    /// Whom the finding is about.
    pub subject: Subject,
    /// The finding's date.
    pub date: NaiveDate,
    /// The period, where it is about one.
    pub period: Option<Id>,
    /// The meeting's id, where it is about one.
    pub meeting: Option<Id>,
    /// The duty or observation that it comes from.
    pub source: Option<Id>,
    /// What was found.
    pub kind: FindingKind,
    /// Whether it was confirmed; else it was waived.
    pub is_confirmed: bool,
    /// When it was decided.
    pub at: Instant,
}

/// Reads the decisions.
pub(super) fn decisions(source: &SiteSource, draft: &Draft, problems: &mut Problems) -> Vec<FolderDecision> {
    let mut decisions = Vec::new();
    let file = TableFile::Decisions;
    each_row(file, source.tables.get(&file), draft.zone(), problems, |cells| {
        decisions.push(decision(draft, &cells)?);
        Ok(())
    });
    decisions
}

fn decision(draft: &Draft, cells: &Cells<'_>) -> Result<FolderDecision, Problem> {
    let kinds = FindingKind::ALL.map(|kind| (kind.name(), kind));
    cells.require("kind")?;
    cells.require("act")?;
    cells.require("by")?;
    let kind = cells.choice("kind", &kinds)?;
    let is_confirmed = cells.choice("act", &[("confirm", true), ("waive", false)])?;
    if cells.get("meeting").is_some() {
        meeting_of(draft, cells)?;
    }
    let id = |column| cells.get(column).map(Id::from);
    Ok(FolderDecision {
        line: cells.line(),
        subject: subject(draft, cells)?,
        date: cells.date("date")?,
        period: id("period"),
        meeting: id("meeting"),
        source: id("source"),
        kind: kind.expect("the cell is not empty"),
        is_confirmed: is_confirmed.expect("the cell is not empty"),
        at: cells.instant("at")?,
    })
}

/// `person:ana`, `unit:plan`, or a person's id alone.
fn subject(draft: &Draft, cells: &Cells<'_>) -> Result<Subject, Problem> {
    let text = cells.require("subject")?;
    if let Some(id) = text.strip_prefix("unit:") {
        let unit = draft.units.get(id).copied();
        return unit
            .map(Subject::Unit)
            .ok_or_else(|| cells.wrong(Code::UnitUnknown, "subject", id));
    }
    let id = text.strip_prefix("person:").unwrap_or(text);
    let person = draft.people.get(id).copied();
    person
        .map(Subject::Person)
        .ok_or_else(|| cells.wrong(Code::PersonUnknown, "subject", id))
}
