//! Published weeks: what judging says of them later waits as a correction, and what was published stays as it is.

use std::collections::{BTreeMap, HashMap};

use rules::time::Instant;

use crate::dialect::{Dialect, Value};
use crate::ledger::Stored;
use crate::rows::{FindingRow, PublicationRow};
use crate::sql_transaction::{SqlTransaction, finding_values, merged, says_the_same};
use crate::statements::{self, Bulk};

/// The published week that holds a date.
pub(crate) fn week_of<'p>(published: &'p [PublicationRow], date: &str) -> Option<&'p PublicationRow> {
    published
        .iter()
        .find(|week| week.first_date.as_str() <= date && date < week.until_date.as_str())
}

/// Findings as judging last left them: the corrections that wait stand in for what was published.
pub(crate) fn laid_over(published: Vec<FindingRow>, waiting: Vec<FindingRow>) -> Vec<FindingRow> {
    let mut rows: BTreeMap<String, FindingRow> = published.into_iter().map(|row| (row.id.clone(), row)).collect();
    for row in waiting {
        if row.withdrawn_at.is_some() {
            rows.remove(&row.id);
        } else {
            rows.insert(row.id.clone(), row);
        }
    }
    rows.into_values().collect()
}

/// Whether a finding says what was published of it: the same, or that it does not hold.
fn is_as_published(published: Option<&FindingRow>, row: &FindingRow) -> bool {
    let held = published.filter(|published| published.withdrawn_at.is_none());
    match held {
        Some(published) => says_the_same(published, row),
        None => row.withdrawn_at.is_some(),
    }
}

/// What becomes of one finding of a published week.
enum Fate<'r> {
    /// It says what is known of it already.
    Nothing,
    /// It says again what was published: the correction that waited is true no more.
    Settle(&'r str),
    /// It says something new.
    Correct(Box<FindingRow>),
}

fn fate<'r>(row: &'r FindingRow, published: Option<&FindingRow>, waiting: Option<&FindingRow>) -> Fate<'r> {
    if is_as_published(published, row) {
        return waiting.map_or(Fate::Nothing, |_| Fate::Settle(&row.id));
    }
    if waiting.is_some_and(|waiting| says_the_same(waiting, row)) {
        return Fate::Nothing;
    }
    let correction = published.map_or_else(|| row.clone(), |published| merged(published, row));
    Fate::Correct(Box::new(correction))
}

impl<DB: Dialect> SqlTransaction<DB> {
    /// The published weeks that hold any of these dates, or a date between them.
    pub(crate) async fn publications_of(
        &mut self,
        dates: impl Iterator<Item = &str> + Clone,
    ) -> Stored<Vec<PublicationRow>> {
        let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else {
            return Ok(Vec::new());
        };
        if self.is_after_publications(first) {
            return Ok(Vec::new());
        }
        self.list(statements::PUBLICATIONS_OF, &[first.into(), last.into()])
            .await
    }

    /// Waits for whoever judges these dates, and makes them wait: who judges locks day rows and then meeting rows before anything
    /// else.
    pub(crate) async fn lock_dates(&mut self, first: &str, until: &str) -> Stored<()> {
        let dates = [Value::from(first), Value::from(until)];
        self.run(statements::LOCK_DATES, &dates).await?;
        self.run(statements::LOCK_MEETINGS_OF_DATES, &dates).await.map(drop)
    }

    /// Keeps what judging says of published findings as corrections.
    pub(crate) async fn hold_back(&mut self, held: &[FindingRow], published: &[PublicationRow]) -> Stored<()> {
        let once: BTreeMap<&str, &FindingRow> = held.iter().map(|row| (row.id.as_str(), row)).collect();
        let before = self.findings_by_id(once.values().copied()).await?;
        let ids = once.keys().map(|id| [Value::from(*id)]).collect();
        let waiting: Vec<FindingRow> = self.ask(Bulk::CorrectionsById, ids, &[Value::from("")]).await?;
        let by_id = |rows: Vec<FindingRow>| -> HashMap<String, FindingRow> {
            rows.into_iter().map(|row| (row.id.clone(), row)).collect()
        };
        let (before, waiting) = (by_id(before), by_id(waiting));
        let (mut settled, mut corrected) = (Vec::new(), Vec::new());
        for (id, row) in &once {
            match fate(row, before.get(*id), waiting.get(*id)) {
                Fate::Nothing => {}
                Fate::Settle(id) => settled.push((id, row.changed_at)),
                Fate::Correct(correction) => {
                    settled.push((*id, row.changed_at));
                    corrected.push(*correction);
                }
            }
        }
        let Some(at) = settled.iter().map(|(_, at)| *at).max() else {
            return Ok(());
        };
        let settled: Vec<&str> = settled.into_iter().map(|(id, _)| id).collect();
        self.settle_corrections(&settled, None, at).await?;
        let rows: Vec<[Value<'_>; 23]> = corrected
            .iter()
            .filter_map(|row| Some(correction_values(&week_of(published, &row.date)?.week, at, row)))
            .collect();
        self.run_all(Bulk::AddCorrections, rows).await.map(drop)
    }

    /// Ends the waiting of corrections, under the number of a notice or because they were overtaken.
    pub(crate) async fn settle_corrections(
        &mut self,
        findings: &[&str],
        number: Option<&str>,
        at: Instant,
    ) -> Stored<()> {
        let number = || number.map_or(Value::NoText, Value::from);
        let asked: Vec<[Value<'_>; 3]> = findings
            .iter()
            .map(|finding| [Value::from(*finding), at.into(), number()])
            .collect();
        self.run_all(Bulk::SettleCorrections, asked).await.map(drop)
    }
}

fn correction_values<'r>(week: &'r str, found_at: Instant, row: &'r FindingRow) -> [Value<'r>; 23] {
    let mut values = [const { Value::NoText }; 23];
    values[0] = Value::from(week);
    values[1] = Value::from(found_at);
    for (cell, value) in values[2..].iter_mut().zip(finding_values(row)) {
        *cell = value;
    }
    values
}
