//! Cards and people: whose a card is, and what changes that.
//!
//! A card's holder is a row of `badges.csv`, as an import writes it. A change supersedes rows and adds others in one transaction
//! with its audit record, and makes the days of everybody whom it touches due, so that swipes that are stored are judged again. It can
//! be undone as a whole: it is known by the instant at which it was recorded.

pub mod csv;
pub mod held;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use rules::time::Instant;
use store::rows::{AuditRecord, FactRow};
use store::{Ledger, StoreError};

use crate::folder::{TableFile, instant_or_midnight};
use crate::shared::SiteSnapshot;
use crate::transfer::fact_id;

pub use csv::{Plan, RowProblem};
pub use unknown::{Lost, UnknownBadge, lost_since, unknown_badges};

/// How often a change starts anew because somebody changed the facts meanwhile.
const ATTEMPTS: usize = 5;

/// The longest badge key that is taken from a form, bytes.
pub const LONGEST_BADGE: usize = 256;

/// A row of `badges.csv` in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadgeFact {
    /// The fact's id.
    pub id: String,
    /// Its filled cells by column.
    pub cells: BTreeMap<String, String>,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: String,
}

impl BadgeFact {
    /// A cell, empty where it is not filled.
    pub fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// Rows to be written; the cells are those of `badges.csv`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Ids of the rows that hold no more.
    pub superseded: Vec<String>,
    /// The new rows.
    pub added: Vec<BTreeMap<String, String>>,
}

/// What a change is called in the audit.
#[derive(Clone, Debug)]
pub struct Act {
    /// A stable word such as `badge.assign`.
    pub name: &'static str,
    /// Whom it is about.
    pub subject: String,
    /// What more there is to say: the reason above all.
    pub body: serde_json::Value,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What should be changed is not there any more, or somebody else keeps changing facts.
    #[error("somebody else has changed it meanwhile; nothing was changed")]
    ChangedMeanwhile,
}

/// The rows of `badges.csv` in force, in the order in which they were recorded.
pub async fn badge_facts(ledger: &dyn Ledger) -> Result<Vec<BadgeFact>, StoreError> {
    of_badges(ledger.facts().await?)
}

fn of_badges(facts: Vec<FactRow>) -> Result<Vec<BadgeFact>, StoreError> {
    let of_badges = facts.into_iter().filter(|fact| fact.file == TableFile::Badges.name());
    of_badges
        .map(|fact| {
            let cells = serde_json::from_str(&fact.cells).map_err(|_| StoreError::BadRow {
                table: "fact",
                column: "cells",
                id: fact.id.clone(),
            })?;
            Ok(BadgeFact {
                id: fact.id,
                cells,
                recorded_at: fact.recorded_at,
                recorded_by: fact.recorded_by,
            })
        })
        .collect()
}

/// Writes a change; returns the instant under which it is recorded, which [`undo`] takes.
pub async fn apply(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    change: &Change,
    act: &Act,
    actor: &str,
    now: Instant,
) -> Result<Instant, ChangeError> {
    for _ in 0..ATTEMPTS {
        let revision = ledger.facts_revision().await?;
        let facts = badge_facts(ledger).await?;
        let in_force: BTreeMap<&str, &BadgeFact> = facts.iter().map(|fact| (fact.id.as_str(), fact)).collect();
        let gone: Option<Vec<&BadgeFact>> = change
            .superseded
            .iter()
            .map(|id| in_force.get(id.as_str()).copied())
            .collect();
        let gone = gone.ok_or(ChangeError::ChangedMeanwhile)?;
        // A change is known by its instant, so no two have the same.
        let latest = facts.iter().map(|fact| fact.recorded_at).max();
        let at = latest.map_or(now, |latest| now.max(latest.next()));
        let touched = Touched::of(site, &gone, &change.added);
        let mut transaction = ledger.begin().await?;
        if transaction.facts_revision().await? != revision {
            continue;
        }
        let ids: Vec<&str> = change.superseded.iter().map(String::as_str).collect();
        transaction.supersede_facts(&ids, at).await?;
        transaction.add_facts(&rows(&change.added, revision, actor, at)).await?;
        let people: Vec<&str> = touched.people.iter().map(String::as_str).collect();
        transaction.make_due(Some(&people), touched.from.as_deref()).await?;
        transaction.bump_facts_revision().await?;
        transaction.append_audit(&audit(change, &gone, act, actor, now)).await?;
        transaction.commit().await?;
        return Ok(at);
    }
    Err(ChangeError::ChangedMeanwhile)
}

/// What undoes the change that was recorded at an instant; `None` where it is not there, or what it wrote has been changed since.
pub async fn undo(ledger: &dyn Ledger, recorded_at: Instant) -> Result<Option<Change>, StoreError> {
    let now = badge_facts(ledger).await?;
    let before = of_badges(ledger.facts_at(Instant::from_ms(recorded_at.as_ms() - 1)).await?)?;
    let then = of_badges(ledger.facts_at(recorded_at).await?)?;
    let ids = |facts: &[BadgeFact]| -> BTreeSet<String> { facts.iter().map(|fact| fact.id.clone()).collect() };
    let (ids_now, ids_before, ids_then) = (ids(&now), ids(&before), ids(&then));
    let superseded: Vec<String> = ids_then.difference(&ids_before).cloned().collect();
    let gone = before.iter().filter(|fact| !ids_then.contains(&fact.id));
    let added: Vec<BTreeMap<String, String>> = gone.map(|fact| fact.cells.clone()).collect();
    let is_whole = superseded.iter().all(|id| ids_now.contains(id));
    let is_something = !superseded.is_empty() || !added.is_empty();
    Ok((is_whole && is_something).then_some(Change { superseded, added }))
}

/// Whose days a change touches, and from which date on.
struct Touched {
    people: BTreeSet<String>,
    from: Option<String>,
}

impl Touched {
    fn of(site: &SiteSnapshot, gone: &[&BadgeFact], added: &[BTreeMap<String, String>]) -> Self {
        let facts = &site.facts;
        let zone = facts.records().site.zone;
        let rows: Vec<&BTreeMap<String, String>> = gone.iter().map(|fact| &fact.cells).chain(added).collect();
        let holders: BTreeSet<&str> = rows
            .iter()
            .filter_map(|cells| cells.get("person").map(String::as_str))
            .collect();
        let mut people: BTreeSet<String> = holders.iter().map(|id| (*id).to_owned()).collect();
        for person in holders.iter().filter_map(|id| facts.person_index(id)) {
            let dependants = facts.dependants_of(person).iter();
            people.extend(dependants.map(|person| facts.records().people[person.at()].id.to_string()));
        }
        let starts = rows.iter().map(|cells| {
            let from = cells.get("from")?;
            instant_or_midnight(from, zone)
        });
        // A row without a beginning holds since ever.
        let since: Option<Vec<Instant>> = starts.collect();
        let since = since.and_then(|starts| starts.into_iter().min());
        let from = since.and_then(|since| {
            // Of duties that were not over then, however long ago they began, the day on which they did.
            let begun = facts
                .records()
                .duties_unsettled_at(since)
                .map(|duty| duty.interval.from);
            let earliest = begun.fold(since, Instant::min);
            rules::time::local_date(earliest, zone).checked_sub_days(Days::new(1))
        });
        Self {
            people,
            from: from.map(|date| date.to_string()),
        }
    }
}

fn rows(added: &[BTreeMap<String, String>], revision: i64, actor: &str, at: Instant) -> Vec<FactRow> {
    let row = |(cells, number): (&BTreeMap<String, String>, u64)| {
        let filled: BTreeMap<&String, &String> = cells.iter().filter(|(_, cell)| !cell.is_empty()).collect();
        let cells = serde_json::json!(filled).to_string();
        FactRow {
            id: fact_id(&format!("{}|{cells}|{revision}|{number}", TableFile::Badges.name())),
            file: TableFile::Badges.name().to_owned(),
            cells,
            recorded_at: at,
            recorded_by: actor.to_owned(),
        }
    };
    added.iter().zip(1..).map(row).collect()
}

fn audit(change: &Change, gone: &[&BadgeFact], act: &Act, actor: &str, now: Instant) -> AuditRecord {
    let gone: Vec<&BTreeMap<String, String>> = gone.iter().map(|fact| &fact.cells).collect();
    let body = serde_json::json!({"superseded": gone, "added": change.added, "more": act.body});
    AuditRecord {
        at: now,
        actor: actor.to_owned(),
        act: act.name.to_owned(),
        subject: act.subject.clone(),
        body: body.to_string(),
    }
}

#[cfg(test)]
mod tests;
