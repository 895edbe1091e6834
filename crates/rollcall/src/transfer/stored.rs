//! The database's facts as a site folder's files, and a folder's files as facts of the database.

use std::collections::{BTreeMap, BTreeSet};

use rules::time::Instant;
use store::rows::{DocumentEdition, FactRow};
use store::{Ledger, StoreError};

use crate::folder::{Row, SiteSource, Table, TableFile};

/// The files that are stored whole, as text; `kind` is their name in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Document {
    /// `site.toml`
    Site,
    /// `schedules.toml`
    Schedules,
    /// `calendar.csv`: a year's notice is one decision, so its rows are one edition.
    Calendar,
    /// `meetings.toml`
    Meetings,
    /// `escalations.toml`
    Escalations,
}

impl Document {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::Site,
        Self::Schedules,
        Self::Calendar,
        Self::Meetings,
        Self::Escalations,
    ];

    /// Its name in the database.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Schedules => "schedules",
            Self::Calendar => "calendar",
            Self::Meetings => "meetings",
            Self::Escalations => "escalations",
        }
    }

    /// Its file's name.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Site => "site.toml",
            Self::Schedules => "schedules.toml",
            Self::Calendar => "calendar.csv",
            Self::Meetings => "meetings.toml",
            Self::Escalations => "escalations.toml",
        }
    }

    /// Its text in a folder; empty where the file is missing.
    pub(super) fn text_in(self, source: &SiteSource) -> String {
        match self {
            Self::Site => source.site.clone(),
            Self::Schedules => source.schedules.clone(),
            Self::Calendar => source
                .tables
                .get(&TableFile::Calendar)
                .map(csv_text)
                .unwrap_or_default(),
            Self::Meetings => source.meetings.clone(),
            Self::Escalations => source.escalations.clone(),
        }
    }

    /// Puts its text into a folder.
    pub(super) fn put(self, text: &str, source: &mut SiteSource) {
        match self {
            Self::Site => text.clone_into(&mut source.site),
            Self::Schedules => text.clone_into(&mut source.schedules),
            Self::Calendar => {
                let table = Table::parse(self.file(), text.as_bytes(), &mut source.problems);
                source.tables.insert(TableFile::Calendar, table);
            }
            Self::Meetings => text.clone_into(&mut source.meetings),
            Self::Escalations => text.clone_into(&mut source.escalations),
        }
    }
}

/// The CSV files whose rows are stored as facts: all but the calendar, which is a document, the swipes, and decisions, which
/// people take in the review.
pub(super) fn fact_files() -> impl Iterator<Item = TableFile> {
    TableFile::ALL
        .iter()
        .copied()
        .filter(|file| !matches!(file, TableFile::Calendar | TableFile::Swipes | TableFile::Decisions))
}

/// What the database holds, as the files of a site folder, without the swipes.
pub async fn site_source(ledger: &dyn Ledger) -> Result<SiteSource, StoreError> {
    source_of(&ledger.documents().await?, &ledger.facts().await?)
}

/// What the database held at an instant, as far as it had been recorded by then.
pub async fn site_source_at(ledger: &dyn Ledger, known_at: Instant) -> Result<SiteSource, StoreError> {
    source_of(&ledger.documents_at(known_at).await?, &ledger.facts_at(known_at).await?)
}

/// The files that stored documents and facts make.
pub(crate) fn source_of(documents: &[DocumentEdition], facts: &[FactRow]) -> Result<SiteSource, StoreError> {
    let mut source = SiteSource::default();
    for edition in documents {
        let document = Document::ALL
            .into_iter()
            .find(|document| document.kind() == edition.kind);
        let bad_row = StoreError::BadRow {
            table: "edition",
            column: "kind",
            id: edition.kind.clone(),
        };
        document.ok_or(bad_row)?.put(&edition.body, &mut source);
    }
    let mut by_file: BTreeMap<TableFile, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for fact in facts {
        let bad_row = |column| StoreError::BadRow {
            table: "fact",
            column,
            id: fact.id.clone(),
        };
        let file = fact_files()
            .find(|file| file.name() == fact.file)
            .ok_or_else(|| bad_row("file"))?;
        let cells = serde_json::from_str(&fact.cells).map_err(|_| bad_row("cells"))?;
        by_file.entry(file).or_default().push(cells);
    }
    source
        .tables
        .extend(by_file.into_iter().map(|(file, rows)| (file, table_of(file, &rows))));
    Ok(source)
}

/// A table of rows that name their columns: the known columns that any row fills, in the order of the documentation, then others.
fn table_of(file: TableFile, rows: &[BTreeMap<String, String>]) -> Table {
    let filled: BTreeSet<&str> = rows.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
    let known = || file.required().iter().chain(file.optional()).copied();
    let required = |column: &str| file.required().contains(&column);
    let mut columns: Vec<&str> = known()
        .filter(|column| required(column) || filled.contains(column))
        .collect();
    columns.extend(filled.iter().filter(|column| !known().any(|name| name == **column)));
    let cells = |row: &BTreeMap<String, String>| {
        columns
            .iter()
            .map(|column| row.get(*column).map_or("", String::as_str).into())
            .collect()
    };
    let rows = rows
        .iter()
        .zip(2..)
        .map(|(row, line)| Row {
            line,
            cells: cells(row),
        })
        .collect();
    Table {
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows,
    }
}

/// A row as it is stored: a JSON object of its filled cells by column, in the order of their names, so that equal rows are equal
/// texts whatever the order of the columns.
pub(super) fn cells_of(table: &Table, row: &Row) -> String {
    let filled = table
        .columns
        .iter()
        .zip(&row.cells)
        .filter(|(column, cell)| !column.is_empty() && !cell.is_empty());
    let object: serde_json::Map<String, serde_json::Value> = filled
        .map(|(column, cell)| (column.clone(), serde_json::Value::from(&**cell)))
        .collect();
    serde_json::Value::Object(object).to_string()
}

/// A cell of a stored row.
pub(crate) fn cell(cells: &str, column: &str) -> Option<String> {
    let object: BTreeMap<String, String> = serde_json::from_str(cells).ok()?;
    object.get(column).cloned()
}

/// A table as CSV text, in the shape that [`Table::parse`] reads back to the same table.
pub(crate) fn csv_text(table: &Table) -> String {
    let mut text = String::new();
    push_line(&mut text, table.columns.iter().map(String::as_str));
    for row in &table.rows {
        push_line(&mut text, row.cells.iter().map(AsRef::as_ref));
    }
    text
}

fn push_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            text.push(',');
        }
        if cell.contains([',', '"']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Table {
        let mut problems = Vec::new();
        let table = Table::parse("people.csv", text.as_bytes(), &mut problems);
        assert_eq!(problems, []);
        table
    }

    #[test]
    fn csv_text_reads_back_to_the_same_table() {
        let table = parse("person,name,unit\nana,\"An, \"\"Na\"\"\",plan\nbo,卜,\n");
        assert_eq!(parse(&csv_text(&table)), table);
    }

    #[test]
    fn equal_rows_are_equal_texts_whatever_the_order_of_columns() {
        let (one, other) = (
            parse("person,name,unit,mail\nana,An,plan,\n"),
            parse("unit,name,person\nplan,An,ana\n"),
        );
        assert_eq!(cells_of(&one, &one.rows[0]), cells_of(&other, &other.rows[0]));
        assert_eq!(cell(&cells_of(&one, &one.rows[0]), "name").as_deref(), Some("An"));
    }

    #[test]
    fn stored_rows_make_the_tables_that_they_came_from() {
        let table = parse("person,name,unit,rank,extra\nana,An,plan,,x\nbo,Bo,plan,3,\n");
        let fact = |row: &Row| FactRow {
            id: row.line.to_string(),
            file: "people.csv".to_owned(),
            cells: cells_of(&table, row),
            recorded_at: rules::time::Instant::from_ms(0),
            recorded_by: "test".to_owned(),
        };
        let facts: Vec<FactRow> = table.rows.iter().map(fact).collect();
        assert_eq!(source_of(&[], &facts).unwrap().tables[&TableFile::People], table);
    }
}
