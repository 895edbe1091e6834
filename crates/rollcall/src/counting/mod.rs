//! Counting in the database: confirmed findings that add up become escalations, which people decide on like on any finding.
//!
//! An escalation is counted and never judged: it is written in the transaction of whatever changed the count (a decision, a
//! confirmed finding that says something else now, an import of other rules), and judging days leaves it alone.

mod report;
mod simulate;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rules::count::{Countable, EscalationRule, Reached, count, explain as why};
use rules::explain::Explanation;
use rules::facts::SiteFacts;
use rules::finding::FindingKind;
use rules::model::{Id, Subject, UnitIndex};
use rules::time::Instant;
use sha2::{Digest, Sha256};
use store::rows::{DayKey, FindingRow, Review};
use store::{Ledger, StoreError, Transaction};

use crate::engine::verdicts::Judging;
use crate::shared::SiteSnapshot;

pub use report::{flagged_json, flagged_lines};
pub use simulate::{Counting, Flagged, Simulation, simulate};

/// The name of the kind in the database.
pub const ESCALATION: &str = FindingKind::Escalation.name();

/// Counts the confirmed findings of people anew (those of all units under the empty text) and writes what that changes, in the
/// transaction of whatever made it necessary.
pub async fn recount(
    transaction: &mut dyn Transaction,
    site: &SiteSnapshot,
    secret: &[u8],
    people: &BTreeSet<String>,
    now: Instant,
) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    let asked: Vec<&str> = people.iter().map(String::as_str).collect();
    let rows = transaction.countable_of(&asked).await?;
    let (standing, confirmed): (Vec<FindingRow>, Vec<FindingRow>) =
        rows.into_iter().partition(|row| row.kind == ESCALATION);
    let judging = Judging {
        records: site.facts.records(),
        secret,
        facts_revision: site.revision,
        now,
    };
    let counted = Tally::of(&site.facts, &confirmed).escalations(&judging);
    let mut standing: BTreeMap<String, FindingRow> = standing.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut changed = Vec::new();
    for (row, evidence) in counted {
        let before = standing.remove(&row.id);
        if before.is_none_or(|before| before.digest != row.digest) {
            let evidence: Vec<&str> = evidence.iter().map(String::as_str).collect();
            transaction.save_counted(&row.id, &evidence).await?;
            changed.push(row);
        }
    }
    changed.extend(standing.into_values().map(|row| judging.withdraw(row)));
    transaction.save_findings(&changed).await?;
    Ok(())
}

/// Why an escalation that is stored is one: by the rules in force, from the findings that it counts.
pub async fn explain(
    ledger: &dyn Ledger,
    facts: &SiteFacts,
    escalation: &FindingRow,
) -> Result<Option<Explanation>, StoreError> {
    let mut counted = Vec::new();
    for id in ledger.counted(&escalation.id).await? {
        counted.extend(ledger.finding(&id).await?);
    }
    let tally = Tally::of(facts, &counted);
    let rules = &facts.records().escalations;
    let date = escalation.date.parse().ok();
    let Some((rule, date)) = escalation.source.as_deref().zip(date).and_then(|(source, date)| {
        let in_force = |rule: &&EscalationRule| &*rule.id == source && rule.is_in_force(date);
        let latest = rules.iter().filter(in_force).max_by_key(|rule| rule.from)?;
        Some((rules.iter().position(|rule| rule == latest)?, date))
    }) else {
        return Ok(None);
    };
    let Some(subject) = tally.countable.first().map(|finding| finding.subject) else {
        return Ok(None);
    };
    let reached = Reached {
        subject,
        unit: None,
        date,
        rule,
        evidence: (0..tally.countable.len()).collect(),
    };
    Ok(Some(why(rules, &tally.countable, &tally.references, &reached)))
}

/// Stored findings as counting takes them.
struct Tally<'a> {
    facts: &'a SiteFacts,
    rows: Vec<&'a FindingRow>,
    countable: Vec<Countable<'a>>,
    /// The findings' ids, in the same order.
    references: Vec<Id>,
}

impl<'a> Tally<'a> {
    /// Takes the findings of people and units whom the facts know.
    fn of(facts: &'a SiteFacts, rows: &'a [FindingRow]) -> Self {
        let units = facts.records().units.iter().zip((0..).map(UnitIndex));
        let units: BTreeMap<&str, UnitIndex> = units.map(|(unit, index)| (&*unit.id, index)).collect();
        let countable = |row: &'a FindingRow| {
            let unit = row.unit.as_deref().and_then(|unit| units.get(unit).copied());
            // A finding of a unit has no person.
            let subject = if row.person.is_empty() {
                Subject::Unit(unit?)
            } else {
                Subject::Person(facts.person_index(&row.person)?)
            };
            Some(Countable {
                subject,
                unit,
                date: row.date.parse().ok()?,
                place: row.period.as_deref().or(row.meeting.as_deref()).unwrap_or_default(),
                source: row.source.as_deref(),
                kind: FindingKind::ALL.into_iter().find(|kind| kind.name() == row.kind)?,
                due: row.due,
            })
        };
        let known = rows.iter().filter_map(|row| Some((row, countable(row)?)));
        let (rows, countable): (Vec<&FindingRow>, Vec<Countable<'a>>) = known.unzip();
        let references = rows.iter().map(|row| Id::from(row.id.as_str())).collect();
        Self {
            facts,
            rows,
            countable,
            references,
        }
    }

    fn reached(&self, rules: &[EscalationRule]) -> Vec<Reached> {
        count(rules, &self.facts.records().units, &self.countable)
    }

    /// The escalations as they are to be stored, each with the ids of the findings that it counts.
    fn escalations(&self, judging: &Judging<'_>) -> Vec<(FindingRow, Vec<String>)> {
        let rules = &self.facts.records().escalations;
        let row = |reached: &Reached| {
            let person = self.rows[*reached.evidence.first()?].person.clone();
            let day = DayKey {
                person,
                date: reached.date.to_string(),
            };
            let evidence: Vec<String> = reached.evidence.iter().map(|at| self.rows[*at].id.clone()).collect();
            let row = judging.row(&day, &reached.finding(rules));
            let row = FindingRow {
                digest: digest(&row.digest, &rules[reached.rule], &evidence),
                review: Review::Open,
                ..row
            };
            Some((row, evidence))
        };
        self.reached(rules).iter().filter_map(row).collect()
    }
}

/// SHA-256 over what an escalation says: a decision on it is bound to the findings counted and to what follows from them.
fn digest(said: &str, rule: &EscalationRule, evidence: &[String]) -> String {
    let EscalationRule {
        name, count, yields, ..
    } = rule;
    let said = format!(
        "{said}|{name}|{count}|{:?}|{yields}|{}",
        rule.within,
        evidence.join(" ")
    );
    hex::encode(Sha256::digest(said))
}
