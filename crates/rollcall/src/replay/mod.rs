//! `rollcall replay`: verdicts made again from stored swipes and editions, beside what is stored.
//!
//! Without other rules it is a proof: every finding must be the same to the letter. With a folder laid over the stored facts
//! it shows what those rules would have made of the same swipes, finding by finding. "As known at T" goes by both axes: only
//! swipes received and only facts recorded by then, judged at T, beside what the record said at T.

mod compare;
mod report;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use rules::time::Instant;
use store::rows::{CorrectionRow, DayKey, DayRow, FindingQuery, FindingRow, MeetingKey, SwipeRecord};
use store::{Ledger, StoreError};

use crate::counting;
use crate::engine::again::Again;
use crate::engine::{load_site, snapshot_of};
use crate::folder::Problem;
use crate::shared::SiteSnapshot;
use crate::transfer;

pub use compare::{Change, Comparison, Difference};
pub use report::{Labels, lines_of, subject_id, to_json};
pub use window::{Dates, asked_dates, judged_dates, latest_judging};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The first date; `None` is the first that was ever judged.
    pub from: Option<NaiveDate>,
    /// The date before which to stop; `None` is after the last that was judged.
    pub until: Option<NaiveDate>,
    /// By what was known then.
    pub known_at: Option<Instant>,
    /// A site folder whose files stand in for those stored.
    pub with: Option<PathBuf>,
    /// Only this person, by id.
    pub person: Option<String>,
}

/// What a replay found.
#[derive(Debug, Default)]
pub struct Replay {
    /// Days whose findings were compared.
    pub days: usize,
    /// Meetings as a whole whose findings were compared: what is said of units.
    pub meetings: usize,
    /// Days and meetings that wait to be judged again because facts have changed; a proof leaves them out.
    pub pending: usize,
    /// Swipes stored.
    pub swipes: i64,
    /// Versions of the rules, other than this program's, that stored findings were judged by.
    pub other_versions: BTreeSet<i64>,
    /// Whether any facts had been recorded at the instant asked for.
    pub facts_known: bool,
    /// The findings.
    pub comparison: Comparison,
    /// What is wrong in the folder; its good rows counted.
    pub problems: Vec<Problem>,
    /// The bureau judged by, for names.
    pub site: Option<SiteSnapshot>,
}

/// What days are judged by, and beside what.
pub struct Lens {
    /// The facts.
    pub site: SiteSnapshot,
    /// What is known: `None` is everything.
    pub known_at: Option<Instant>,
    /// Swipes that are not stored.
    pub extra: Vec<SwipeRecord>,
    /// Whether days that wait to be judged again are looked at too.
    pub with_pending: bool,
}

/// The swipes that were made by placing held ones, and of which it was known then that they are judged no more.
async fn withdrawn_by(ledger: &dyn Ledger, known_at: Option<Instant>) -> Result<Vec<String>, StoreError> {
    let Some(known_at) = known_at else {
        return ledger.withdrawn_placements().await;
    };
    let placements = ledger.placements(i64::MAX).await?.into_iter();
    let withdrawn = placements.filter(|placement| placement.withdrawn.as_ref().is_some_and(|(at, _)| *at <= known_at));
    Ok(withdrawn.map(|placement| placement.swipe).collect())
}

/// Makes the verdicts of a question again and compares.
pub async fn replay(ledger: &dyn Ledger, question: &Question) -> anyhow::Result<Replay> {
    let mut problems = Vec::new();
    let site = match (&question.with, question.known_at) {
        (None, None) => load_site(ledger).await?,
        (folder, known_at) => {
            let revision = ledger.facts_revision().await?;
            let (in_force, outages) = match known_at {
                None => (transfer::site_source(ledger).await?, ledger.outages().await?),
                Some(at) => (
                    transfer::site_source_at(ledger, at).await?,
                    ledger.outages_at(at).await?,
                ),
            };
            let source = match folder {
                None => in_force,
                Some(folder) => {
                    let laid_over = transfer::lay_over(folder.clone(), in_force).await?;
                    problems = laid_over.problems;
                    laid_over.source
                }
            };
            snapshot_of(revision, &source, outages)?.without(withdrawn_by(ledger, known_at).await?)
        }
    };
    let lens = Lens {
        site,
        known_at: question.known_at,
        extra: Vec::new(),
        with_pending: question.with.is_some() || question.known_at.is_some(),
    };
    let dates = window::asked_dates(ledger, question.from, question.until).await?;
    let extent = Extent {
        people: question.person.clone().map(|person| BTreeSet::from([person])),
        without_meetings: question.person.is_some(),
        ..Extent::default()
    };
    let mut replay = compare_dates(ledger, &lens, dates, &extent).await?;
    replay.problems = problems;
    Ok(replay)
}

/// What is looked at besides what is stored, and of whom.
#[derive(Debug, Default)]
pub struct Extent {
    /// Days of these people only; `None` is everybody's.
    pub people: Option<BTreeSet<String>>,
    /// Leaves meetings as a whole out: what units sent is nobody's day.
    pub without_meetings: bool,
    /// Days that have no rows yet, and when to judge them.
    pub days: BTreeMap<DayKey, Instant>,
    /// The same for meetings.
    pub meetings: BTreeMap<MeetingKey, Instant>,
}

/// Judges the stored days and meetings of some dates, and those that an extent adds, by a lens, and compares with what is stored.
pub async fn compare_dates(ledger: &dyn Ledger, lens: &Lens, dates: Dates, extent: &Extent) -> anyhow::Result<Replay> {
    let again = Again::new(ledger, &lens.site, lens.known_at, &lens.extra).await?;
    let published = ledger.publications().await?;
    let mut replay = Replay {
        swipes: ledger.swipe_count().await?,
        facts_known: !lens.site.facts.records().people.is_empty(),
        ..Replay::default()
    };
    for week in dates.weeks() {
        let (days, waiting_days) = days_of(ledger, lens, week, extent).await?;
        let (meetings, waiting_meetings) = meetings_of(ledger, lens, week, extent).await?;
        replay.pending += waiting_days + waiting_meetings;
        replay.days += days.len();
        replay.meetings += meetings.len();
        let (from, until) = week.texts();
        let stored = stored_findings(ledger, &from, &until, lens.known_at).await?;
        let is_compared = |row: &FindingRow| {
            if row.person.is_empty() {
                meetings.contains_key(&meeting_of(row))
            } else {
                days.contains_key(&day_of(row))
            }
        };
        let before: Vec<FindingRow> = stored.into_iter().filter(is_compared).collect();
        let versions = before.iter().map(|row| row.rules_version);
        replay
            .other_versions
            .extend(versions.filter(|version| *version != rules::VERSION));
        let mut after = again.judge(&days).await?;
        after.extend(again.judge_meetings(&meetings).await?);
        replay.comparison.extend(Comparison::of(before, after, &published));
    }
    replay.comparison.sort();
    replay.site = Some(lens.site.clone());
    Ok(replay)
}

/// The days of some dates with the instants to judge them at, and how many wait to be judged again.
async fn days_of(
    ledger: &dyn Ledger,
    lens: &Lens,
    dates: Dates,
    extent: &Extent,
) -> Result<(BTreeMap<DayKey, Instant>, usize), StoreError> {
    let (from, until) = dates.texts();
    let is_asked = |row: &DayRow| {
        extent
            .people
            .as_ref()
            .is_none_or(|people| people.contains(&row.key.person))
    };
    let rows = ledger.days(&from, &until).await?.into_iter().filter(is_asked);
    let rows: Vec<_> = rows.map(|row| (row.key, row.judged_at, row.next_check)).collect();
    let (mut days, waiting) = lens.instants(rows);
    let added = extent
        .days
        .iter()
        .filter(|(key, _)| from <= key.date && key.date < until);
    days.extend(added.map(|(key, at)| (key.clone(), *at)));
    Ok((days, waiting))
}

/// The same for meetings as a whole.
async fn meetings_of(
    ledger: &dyn Ledger,
    lens: &Lens,
    dates: Dates,
    extent: &Extent,
) -> Result<(BTreeMap<MeetingKey, Instant>, usize), StoreError> {
    if extent.without_meetings {
        return Ok((BTreeMap::new(), 0));
    }
    let (from, until) = dates.texts();
    let rows = ledger.meeting_days(&from, &until).await?.into_iter();
    let (mut meetings, waiting) = lens.instants(rows.map(|row| (row.key, row.judged_at, row.next_check)).collect());
    let added = extent
        .meetings
        .iter()
        .filter(|(key, _)| from <= key.date && key.date < until);
    meetings.extend(added.map(|(key, at)| (key.clone(), *at)));
    Ok((meetings, waiting))
}

impl Lens {
    /// The instants at which rows are judged again, and how many of them wait because a changed fact has overtaken them.
    fn instants<K: Ord>(&self, rows: Vec<(K, Option<Instant>, Option<Instant>)>) -> (BTreeMap<K, Instant>, usize) {
        let is_settled =
            |judged_at: Option<Instant>, next_check| judged_at.is_some() && next_check != Some(Instant::from_ms(0));
        let waiting = rows
            .iter()
            .filter(|(_, judged_at, next_check)| !is_settled(*judged_at, *next_check))
            .count();
        let compared = rows
            .into_iter()
            .filter(|(_, judged_at, next_check)| self.with_pending || is_settled(*judged_at, *next_check));
        let instants = compared.filter_map(|(key, judged_at, _)| Some((key, self.known_at.or(judged_at)?)));
        (instants.collect(), waiting)
    }
}

fn meeting_of(row: &FindingRow) -> MeetingKey {
    MeetingKey {
        date: row.date.clone(),
        meeting: row.meeting.clone().unwrap_or_default(),
    }
}

fn day_of(row: &FindingRow) -> DayKey {
    DayKey {
        person: row.person.clone(),
        date: row.date.clone(),
    }
}

/// What judging last left of the findings of some dates, now or at an instant: in published weeks with the corrections that
/// waited then. Escalations are counted and not judged, so they are not among them.
async fn stored_findings(
    ledger: &dyn Ledger,
    from: &str,
    until: &str,
    known_at: Option<Instant>,
) -> Result<Vec<FindingRow>, StoreError> {
    let rows = if let Some(at) = known_at {
        ledger.findings_at(from, until, at).await?
    } else {
        let query = FindingQuery {
            from: Some(from.to_owned()),
            until: Some(until.to_owned()),
            ..FindingQuery::default()
        };
        ledger.findings(&query).await?
    };
    let waiting = ledger.corrections(from, until, known_at.is_some()).await?;
    let waited = |row: &CorrectionRow| {
        known_at.is_none_or(|at| row.found_at <= at && row.settled_at.is_none_or(|settled| settled > at))
    };
    let mut findings: BTreeMap<String, FindingRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    for CorrectionRow { finding, .. } in waiting.into_iter().filter(waited) {
        if finding.withdrawn_at.is_some() {
            findings.remove(&finding.id);
        } else {
            findings.insert(finding.id.clone(), finding);
        }
    }
    Ok(findings
        .into_values()
        .filter(|row| row.kind != counting::ESCALATION)
        .collect())
}
