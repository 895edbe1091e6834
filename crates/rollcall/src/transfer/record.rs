//! A row fact more or less, by somebody at a page instead of by an import.

use rules::time::Instant;
use store::rows::FactRow;
use store::{Stored, Transaction};

use super::plan::fact_id;
use crate::folder::TableFile;

/// A row of a file of the site folder, and whom it touches.
#[derive(Debug)]
pub struct NewFact<'a> {
    /// The file.
    pub file: TableFile,
    /// Its filled cells by column.
    pub cells: &'a [(&'a str, &'a str)],
    /// Whose days are to be judged again; meetings always are.
    pub people: &'a [&'a str],
    /// From which date on, `YYYY-MM-DD`.
    pub from: &'a str,
}

/// Records it as an import would, and makes due what it touches: a running daemon judges that again at its next look.
pub async fn record(transaction: &mut dyn Transaction, fact: &NewFact<'_>, actor: &str, now: Instant) -> Stored<()> {
    let filled = fact.cells.iter().filter(|(_, cell)| !cell.is_empty());
    let object: serde_json::Map<String, serde_json::Value> = filled
        .map(|(column, cell)| ((*column).to_owned(), serde_json::Value::from(*cell)))
        .collect();
    let cells = serde_json::Value::Object(object).to_string();
    let revision = transaction.facts_revision().await?;
    let row = FactRow {
        id: fact_id(&format!("{}|{cells}|{revision}|1", fact.file.name())),
        file: fact.file.name().to_owned(),
        cells,
        recorded_at: now,
        recorded_by: actor.to_owned(),
    };
    transaction.add_facts(&[row]).await?;
    transaction.make_due(Some(fact.people), Some(fact.from)).await?;
    transaction.bump_facts_revision().await.map(drop)
}

/// Takes rows back that are in force, and makes due what they touched.
pub async fn take_back(
    transaction: &mut dyn Transaction,
    ids: &[&str],
    (people, from): (&[&str], &str),
    now: Instant,
) -> Stored<()> {
    transaction.supersede_facts(ids, now).await?;
    transaction.make_due(Some(people), Some(from)).await?;
    transaction.bump_facts_revision().await.map(drop)
}
