//! "This rule would have flagged these people last quarter": rules tried on what is stored; nothing is written.

use chrono::NaiveDate;
use rules::count::EscalationRule;
use rules::explain::Explanation;
use store::rows::{FindingQuery, FindingRow, Review};
use store::{Ledger, StoreError};

use super::{ESCALATION, Tally, why};
use crate::shared::SiteSnapshot;

/// Which findings a simulation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Those that people confirmed, as escalations do.
    Confirmed,
    /// Every final one that nobody waived: what there would be if all were confirmed.
    Final,
}

/// What to try.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The rules; the units that they name are those of the bureau.
    pub rules: Vec<EscalationRule>,
    /// Escalations from this date on; what they count may lie before.
    pub from: NaiveDate,
    /// Escalations before this date.
    pub until: NaiveDate,
    /// What counts.
    pub counting: Counting,
}

/// Somebody, or a unit, whom a rule would have flagged.
#[derive(Clone, Debug)]
pub struct Flagged {
    /// Person id; empty where it is a unit.
    pub person: String,
    /// Unit id: that of the unit, or of the person at the finding that reached the count.
    pub unit: Option<String>,
    /// The date of that finding.
    pub date: NaiveDate,
    /// The rule's position among those tried.
    pub rule: usize,
    /// The findings that it counts, in order.
    pub findings: Vec<FindingRow>,
    /// Why.
    pub explanation: Explanation,
}

impl Flagged {
    /// The id of the person or unit.
    pub fn subject(&self) -> &str {
        if self.person.is_empty() {
            self.unit.as_deref().unwrap_or_default()
        } else {
            &self.person
        }
    }
}

/// Tries rules on stored findings; in order of date, person and rule.
pub async fn simulate(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    simulation: &Simulation,
) -> Result<Vec<Flagged>, StoreError> {
    let reviews = match simulation.counting {
        Counting::Confirmed => vec![Review::Confirmed],
        Counting::Final => vec![Review::Open, Review::Confirmed, Review::ChangedAfterDecision],
    };
    let query = FindingQuery {
        from: None,
        until: Some(simulation.until.to_string()),
        reviews,
        ..FindingQuery::default()
    };
    let rows: Vec<FindingRow> = ledger.findings(&query).await?;
    let counts = |row: &FindingRow| row.state == "final" && row.kind != ESCALATION;
    let rows: Vec<FindingRow> = rows.into_iter().filter(counts).collect();
    let tally = Tally::of(&site.facts, &rows);
    let mut flagged: Vec<Flagged> = tally
        .reached(&simulation.rules)
        .iter()
        .filter(|reached| simulation.from <= reached.date && reached.date < simulation.until)
        .filter_map(|reached| {
            let findings: Vec<FindingRow> = reached.evidence.iter().map(|at| tally.rows[*at].clone()).collect();
            let last = findings.last()?;
            Some(Flagged {
                person: last.person.clone(),
                unit: last.unit.clone(),
                date: reached.date,
                rule: reached.rule,
                explanation: why(&simulation.rules, &tally.countable, &tally.references, reached),
                findings,
            })
        })
        .collect();
    flagged.sort_by(|one, other| {
        let key = |flagged: &Flagged| (flagged.date, flagged.person.clone(), flagged.unit.clone(), flagged.rule);
        key(one).cmp(&key(other))
    });
    Ok(flagged)
}
