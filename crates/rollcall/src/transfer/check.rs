//! What a folder would make of the stored facts, and what is wrong with that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::folder::{self, Code, Compiled, FolderError, Problem, Severity, SiteSource, TableFile};
use crate::words::Language;

use super::stored::Document;

/// A folder laid over what is stored, with what is wrong in the result.
pub(super) struct Checked {
    /// The documents that the folder has and that may be taken.
    pub(super) documents: Vec<Document>,
    /// The folder's own tables, without the rows that were refused.
    pub(super) tables: Vec<TableFile>,
    /// What would be in force afterwards.
    pub(super) merged: SiteSource,
    /// The same, compiled.
    pub(super) compiled: Compiled,
    /// Everything worth saying about the folder.
    pub(super) problems: Vec<Problem>,
    /// How many rows of which file were refused; a document counts as one.
    pub(super) refused: BTreeMap<String, u64>,
    /// How many problems are errors.
    pub(super) errors: u64,
}

/// Which documents and tables a folder has. An empty document is there; a missing one is not.
pub(super) struct Contents {
    documents: Vec<Document>,
    tables: Vec<TableFile>,
}

impl Contents {
    /// Looks into a folder that has been read as `source`.
    pub(super) fn of(directory: &Path, source: &SiteSource) -> Self {
        let documents = Document::ALL
            .into_iter()
            .filter(|document| directory.join(document.file()).exists())
            .collect();
        let tables = source
            .tables
            .keys()
            .copied()
            .filter(|file| *file != TableFile::Calendar)
            .collect();
        Self { documents, tables }
    }

    fn has(&self, file: &str) -> bool {
        self.documents.iter().any(|document| document.file() == file)
            || self.tables.iter().any(|table| table.name() == file)
    }

    /// Leaves a file out; tells whether it was there.
    fn leave_out(&mut self, file: &str) -> bool {
        let had = self.has(file);
        self.documents.retain(|document| document.file() != file);
        self.tables.retain(|table| table.name() != file);
        had
    }
}

/// Lays `folder` over `stored` and compiles the result. What is wrong is refused, and with it what refers to it, until nothing
/// of the folder is wrong any more.
pub(super) fn check(
    mut folder: SiteSource,
    mut contents: Contents,
    stored: &SiteSource,
) -> Result<Checked, FolderError> {
    let known_troubles = troubles_of(stored);
    let mut problems: Vec<Problem> = Vec::new();
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    loop {
        let merged = merge(&folder, &contents, stored);
        let compiled = folder::compile(&merged)?;
        let mut bad: Vec<Problem> = Vec::new();
        for problem in &compiled.problems {
            let text = problem.text_in(Language::English);
            let concerns_the_import =
                contents.has(&problem.file) || (stops(problem) && !known_troubles.contains(&text));
            if concerns_the_import && seen.insert(text) {
                problems.push(problem.clone());
            }
            if stops(problem) && contents.has(&problem.file) {
                bad.push(problem.clone());
            }
        }
        if !refuse(&bad, &mut folder, &mut contents, &mut refused) {
            if folder
                .tables
                .get(&TableFile::Decisions)
                .is_some_and(|table| !table.rows.is_empty())
            {
                let file = TableFile::Decisions.name();
                problems.push(Problem::of_file(file, Code::NotImported).warning());
            }
            problems.sort_by(|one, other| (&one.file, one.row).cmp(&(&other.file, other.row)));
            let errors = problems.iter().filter(|problem| stops(problem)).count() as u64;
            let Contents { documents, tables } = contents;
            return Ok(Checked {
                documents,
                tables,
                merged,
                compiled,
                problems,
                refused,
                errors,
            });
        }
    }
}

/// Whether a problem means that what was written there does not count. A swipe of an unknown badge is only warned of: it is stored
/// all the same, and judged once it is known whose it is.
fn stops(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// What is wrong with the stored facts already; an import is not held up by it.
fn troubles_of(stored: &SiteSource) -> BTreeSet<String> {
    // An empty database has no site.toml and cannot be compiled; then nothing was wrong before.
    folder::compile(stored).map_or_else(
        |_| BTreeSet::new(),
        |compiled| {
            compiled
                .problems
                .iter()
                .map(|problem| problem.text_in(Language::English))
                .collect()
        },
    )
}

fn merge(folder: &SiteSource, contents: &Contents, stored: &SiteSource) -> SiteSource {
    let mut merged = stored.clone();
    merged.problems.clone_from(&folder.problems);
    for document in &contents.documents {
        document.put(&document.text_in(folder), &mut merged);
        if *document == Document::Calendar
            && let Some(calendar) = folder.tables.get(&TableFile::Calendar)
        {
            // The rows as they were read keep the line numbers of the file.
            merged.tables.insert(TableFile::Calendar, calendar.clone());
        }
    }
    for file in &contents.tables {
        if let Some(table) = folder.tables.get(file) {
            merged.tables.insert(*file, table.clone());
        }
    }
    merged
}

/// Takes the rows and files out that `bad` names; tells whether there was anything to take.
fn refuse(
    bad: &[Problem],
    folder: &mut SiteSource,
    contents: &mut Contents,
    refused: &mut BTreeMap<String, u64>,
) -> bool {
    let mut rows: BTreeMap<TableFile, BTreeSet<u64>> = BTreeMap::new();
    let mut anything = false;
    for problem in bad {
        let table = TableFile::ALL.iter().find(|file| file.name() == problem.file);
        // A calendar is taken row by row too, although it is stored as one document.
        if let (Some(file), Some(row)) = (table, problem.row) {
            rows.entry(*file).or_default().insert(row);
        } else {
            let left_out = contents.leave_out(&problem.file);
            *refused.entry(problem.file.clone()).or_default() += u64::from(left_out);
            anything |= left_out;
        }
    }
    for (file, lines) in rows {
        let Some(table) = folder.tables.get_mut(&file) else {
            continue;
        };
        let before = table.rows.len();
        table.rows.retain(|row| !lines.contains(&row.line));
        // A line that could not even be split into cells never became a row, but it was refused all the same.
        let unread = folder
            .problems
            .iter()
            .filter(|problem| problem.file == file.name() && problem.row.is_some_and(|row| lines.contains(&row)));
        *refused.entry(file.name().to_owned()).or_default() += (before - table.rows.len() + unread.count()) as u64;
        anything |= before != table.rows.len();
        folder
            .problems
            .retain(|problem| !(problem.file == file.name() && problem.row.is_some_and(|row| lines.contains(&row))));
    }
    anything
}
