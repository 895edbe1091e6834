//! What this version checks and does not judge yet: duties.

use std::collections::HashSet;

use super::bureau::FirstLines;
use super::compile::Draft;
use super::gathering::{Cells, each_row};
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// Checks the rows of those files, and says once a file that nothing is judged by it.
pub(super) fn check(source: &SiteSource, draft: &Draft, problems: &mut Problems) {
    let mut duties = FirstLines::<String>::default();
    let known_duties = cells_of(source, TableFile::Duties, "duty");
    let mut check = |file, row: &mut dyn FnMut(Cells<'_>) -> Result<(), Problem>| {
        let table = source.tables.get(&file);
        each_row(file, table, draft.zone(), problems, row);
        if table.is_some_and(|table| !table.rows.is_empty()) {
            problems.add(Problem::of_file(file.name(), Code::NotJudgedYet).warning());
        }
    };
    check(TableFile::Duties, &mut |cells| {
        duty(draft, &known_duties, &mut duties, cells)
    });
}

fn cells_of<'a>(source: &'a SiteSource, file: TableFile, column: &str) -> HashSet<&'a str> {
    let Some(table) = source.tables.get(&file) else {
        return HashSet::new();
    };
    let Some(position) = table.column(column) else {
        return HashSet::new();
    };
    table
        .rows
        .iter()
        .filter_map(|row| row.cells.get(position))
        .map(|cell| &**cell)
        .collect()
}

fn duty(draft: &Draft, known: &HashSet<&str>, lines: &mut FirstLines<String>, cells: Cells<'_>) -> Result<(), Problem> {
    let id = cells.require("duty")?;
    cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
    cells.find("place", Code::PlaceUnknown, |id| draft.places.get(id).copied())?;
    cells.instant("starts")?;
    cells.instant("ends")?;
    cells.interval("starts", "ends")?;
    if cells.get("hands_over_to").is_some() {
        cells.find_id("hands_over_to", Code::DutyUnknown, |id| known.contains(id))?;
    }
    lines.refuse_second(&cells, id.to_owned())
}
