//! `rollcall export`: the database as a site folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use chrono_tz::Tz;
use rules::time::{Instant, Interval};
use store::rows::{FindingQuery, FindingRow, OutageRow, SwipeRecord};
use store::{Ledger, StoreError};

use crate::counting;
use crate::engine::intake::{CLOCK_OFF, CLOCK_SET};
use crate::folder::{self, EVER, FolderError, Row, SiteSource, Table, TableFile};
use crate::replay::subject_id;

use super::stored::{csv_text, site_source};

/// How many swipes are read at once.
const PAGE: i64 = 10_000;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportReport {
    /// The files, with their numbers of rows; a document has none.
    pub files: Vec<(String, Option<u64>)>,
}

/// Why the folder could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database holds no bureau yet, so there is no zone to write instants in.
    #[error("there is nothing to export: the database holds no site.toml yet; import a site folder first")]
    Empty,
    /// What the database holds cannot be read as a bureau.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file could not be written.
    #[error("{path} cannot be written: {source}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes what the database holds into `directory`, which is made where it does not exist: documents, rows, swipes, and in
/// `coverage.csv` also when the daemon itself could not hear a reader. Importing the result changes nothing, and `judge` says of it
/// what the daemon says: swipes whose time is in doubt, which it holds and does not judge, are left out. A file of an earlier export that would be empty now is written with its header alone.
pub async fn export(ledger: &dyn Ledger, directory: &Path) -> Result<ExportReport, ExportError> {
    let mut source = site_source(ledger).await?;
    if source.site.is_empty() {
        return Err(ExportError::Empty);
    }
    let zone = folder::compile(&source)?.records.site.zone;
    add_outages(&mut source, &ledger.outages().await?, zone);
    let decisions = decisions_table(ledger, zone).await?;
    if !decisions.rows.is_empty() {
        source.tables.insert(TableFile::Decisions, decisions);
    }
    let swipes = swipes_table(ledger, zone).await?;
    if !swipes.rows.is_empty() {
        source.tables.insert(TableFile::Swipes, swipes);
    }
    write(&source, directory)
}

fn write(source: &SiteSource, directory: &Path) -> Result<ExportReport, ExportError> {
    std::fs::create_dir_all(directory).map_err(|error| ExportError::Unwritable {
        path: directory.to_owned(),
        source: error,
    })?;
    let mut files = Vec::new();
    for (file, text) in [
        ("site.toml", &source.site),
        ("schedules.toml", &source.schedules),
        ("meetings.toml", &source.meetings),
        ("escalations.toml", &source.escalations),
    ] {
        if !text.is_empty() || directory.join(file).exists() {
            write_file(directory, file, text)?;
            files.push((file.to_owned(), None));
        }
    }
    for file in TableFile::ALL {
        let none = Table {
            columns: file.required().iter().map(|column| (*column).to_owned()).collect(),
            rows: Vec::new(),
        };
        let table = match source.tables.get(file) {
            Some(table) => table,
            None if directory.join(file.name()).exists() => &none,
            None => continue,
        };
        write_file(directory, file.name(), &csv_text(table))?;
        files.push((file.name().to_owned(), Some(table.rows.len() as u64)));
    }
    Ok(ExportReport { files })
}

/// Writes a file whole or not at all, so that a folder in git never holds half of one.
fn write_file(directory: &Path, file: &str, text: &str) -> Result<(), ExportError> {
    let path = directory.join(file);
    let write = || {
        let mut draft = tempfile::NamedTempFile::new_in(directory)?;
        draft.write_all(text.as_bytes())?;
        draft.as_file().sync_all()?;
        draft.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| ExportError::Unwritable {
        path: path.clone(),
        source,
    })
}

/// Adds the outages that the daemon noticed to those that were imported, each once. One that was over at the instant at which
/// it began took no time: it withholds nothing, and an import would refuse it.
fn add_outages(source: &mut SiteSource, outages: &[OutageRow], zone: Tz) {
    let lasted = |outage: &&OutageRow| outage.down_until != Some(outage.down_from);
    let mut outages = outages.iter().filter(lasted).peekable();
    if outages.peek().is_none() {
        return;
    }
    let columns = || ["reader", "down_from", "down_until"].map(str::to_owned).to_vec();
    let table = source.tables.entry(TableFile::Coverage).or_insert_with(|| Table {
        columns: columns(),
        rows: Vec::new(),
    });
    let position: BTreeMap<String, usize> = table.columns.iter().cloned().zip(0..).collect();
    let cell = |row: &Row, column: &str| {
        position
            .get(column)
            .and_then(|at| row.cells.get(*at))
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let known: BTreeSet<[String; 3]> = table
        .rows
        .iter()
        .map(|row| [cell(row, "reader"), cell(row, "down_from"), cell(row, "down_until")])
        .collect();
    if !position.contains_key("down_until") {
        table.columns.push("down_until".to_owned());
    }
    for outage in outages {
        let until = outage.down_until.map(|at| written(at, zone)).unwrap_or_default();
        let values = [outage.reader.clone(), written(outage.down_from, zone), until];
        if !known.contains(&values) {
            let [reader, from, until] = &values;
            let value = |column: &String| match column.as_str() {
                "reader" => reader.as_str(),
                "down_from" => from,
                "down_until" => until,
                _ => "",
            };
            let cells = table.columns.iter().map(|column| value(column).into()).collect();
            table.rows.push(Row {
                line: table.rows.len() as u64 + 2,
                cells,
            });
        }
    }
}

/// What people decided, in the form in which `judge` counts it. Decisions on escalations are left out: they confirm what is
/// counted, and are not counted themselves.
async fn decisions_table(ledger: &dyn Ledger, zone: Tz) -> Result<Table, StoreError> {
    let columns = [
        "subject", "date", "period", "meeting", "source", "kind", "act", "at", "by", "reason",
    ];
    let query = FindingQuery {
        with_withdrawn: true,
        ..FindingQuery::default()
    };
    let findings = ledger.findings(&query).await?;
    let findings: BTreeMap<&str, &FindingRow> = findings.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut rows = Vec::new();
    for (decision, line) in ledger.decisions_of_dates("", "~").await?.into_iter().zip(2..) {
        let Some(finding) = findings.get(decision.finding.as_str()) else {
            continue;
        };
        if finding.kind == counting::ESCALATION {
            continue;
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let cells = [
            subject_id(finding),
            finding.date.clone(),
            text(&finding.period),
            text(&finding.meeting),
            text(&finding.source),
            finding.kind.clone(),
            decision.act,
            written(decision.at, zone),
            decision.actor,
            // A row of a file is a line.
            decision.reason.replace(['\r', '\n'], " "),
        ];
        rows.push(Row {
            line,
            cells: cells.into_iter().map(Into::into).collect(),
        });
    }
    Ok(Table {
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    })
}

async fn swipes_table(ledger: &dyn Ledger, zone: Tz) -> Result<Table, StoreError> {
    let columns = ["reader", "badge", "happened_at", "received_at", "sequence", "faces"]
        .map(str::to_owned)
        .to_vec();
    let mut swipes = all_swipes(ledger).await?;
    // A folder has no word for a swipe that is kept and not believed; written without one it would be judged.
    let withdrawn: BTreeSet<String> = ledger.withdrawn_placements().await?.into_iter().collect();
    swipes.retain(|swipe| {
        let is_held = matches!(swipe.quarantine.as_deref(), Some(CLOCK_SET | CLOCK_OFF));
        !is_held && !withdrawn.contains(&swipe.id)
    });
    swipes.sort_by(|one, other| (one.happened_at, &one.id).cmp(&(other.happened_at, &other.id)));
    let row = |(swipe, line): (&SwipeRecord, u64)| {
        // As `swipes.csv` says: where nothing is written it was received as it happened.
        let received_at = if swipe.received_at == swipe.happened_at {
            String::new()
        } else {
            written(swipe.received_at, zone)
        };
        let sequence = swipe.sequence.map(|sequence| sequence.to_string()).unwrap_or_default();
        let faces = swipe.faces.clone().unwrap_or_default();
        let cells = [
            swipe.reader.clone(),
            swipe.badge.clone(),
            written(swipe.happened_at, zone),
            received_at,
            sequence,
            faces,
        ];
        Row {
            line,
            cells: cells.into_iter().map(Into::into).collect(),
        }
    };
    Ok(Table {
        columns,
        rows: swipes.iter().zip(2..).map(row).collect(),
    })
}

/// Every swipe, page by page. A page ends where another one of the same millisecond may follow, so the next page starts with that
/// millisecond once more, and repeats are left out.
async fn all_swipes(ledger: &dyn Ledger) -> Result<Vec<SwipeRecord>, StoreError> {
    let (mut swipes, mut seen, mut from, mut limit) = (Vec::<SwipeRecord>::new(), BTreeSet::new(), EVER.from, PAGE);
    loop {
        let page = ledger.swipes_received(Interval::new(from, EVER.until), limit).await?;
        let full = i64::try_from(page.len()).is_ok_and(|length| length >= limit);
        let last = page.last().map_or(from, |swipe| swipe.received_at);
        swipes.extend(page.into_iter().filter(|swipe| seen.insert(swipe.id.clone())));
        if !full {
            return Ok(swipes);
        }
        // A whole page within one millisecond: only a longer page gets beyond it.
        limit = if last == from { limit * 2 } else { PAGE };
        from = last;
    }
}

/// An instant in the site's zone, to the millisecond where it has some.
fn written(at: Instant, zone: Tz) -> String {
    let format = if at.as_ms() % 1_000 == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Millis
    };
    at.to_utc().with_timezone(&zone).to_rfc3339_opts(format, false)
}

#[cfg(test)]
mod tests {
    use rules::time::Instant;

    use super::*;

    #[test]
    fn an_outage_that_took_no_time_is_not_written() {
        let outage = |from: i64, until: Option<i64>| OutageRow {
            reader: "gate".to_owned(),
            down_from: Instant::from_ms(from),
            down_until: until.map(Instant::from_ms),
        };
        let written = |outages: &[OutageRow]| {
            let mut source = SiteSource::default();
            add_outages(&mut source, outages, Tz::UTC);
            source.tables.get(&TableFile::Coverage).map(|table| table.rows.len())
        };
        assert_eq!(written(&[outage(1_000, Some(1_000))]), None);
        let some = [
            outage(1_000, Some(1_000)),
            outage(1_000, Some(1_001)),
            outage(2_000, None),
        ];
        assert_eq!(written(&some), Some(2));
    }
}
