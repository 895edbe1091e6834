//! What this version checks and does not judge yet: what units must send, and what inspectors saw.

use super::bureau::FirstLines;
use super::compile::Draft;
use super::gathering::{Cells, each_row};
use super::meetings::meeting_of;
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// Checks the rows of those files, and says once a file that nothing is judged by it.
pub(super) fn check(source: &SiteSource, draft: &Draft, problems: &mut Problems) {
    let mut observations = FirstLines::<String>::default();
    let mut check = |file, row: &mut dyn FnMut(Cells<'_>) -> Result<(), Problem>| {
        let table = source.tables.get(&file);
        each_row(file, table, draft.zone(), problems, row);
        if table.is_some_and(|table| !table.rows.is_empty()) {
            problems.add(Problem::of_file(file.name(), Code::NotJudgedYet).warning());
        }
    };
    check(TableFile::MeetingUnits, &mut |cells| meeting_unit(draft, cells));
    check(TableFile::Observations, &mut |cells| {
        observation(draft, &mut observations, cells)
    });
}

fn meeting_unit(draft: &Draft, cells: Cells<'_>) -> Result<(), Problem> {
    meeting_of(draft, &cells)?;
    cells.find("unit", Code::UnitUnknown, |id| draft.units.get(id).copied())?;
    cells.integer("at_least", 0, 1_000_000)?;
    cells.integer("min_rank", i64::MIN, i64::MAX)?;
    cells.yes("head_required")?;
    Ok(())
}

fn observation(draft: &Draft, lines: &mut FirstLines<String>, cells: Cells<'_>) -> Result<(), Problem> {
    let id = cells.require("observation")?;
    cells.require("kind")?;
    cells.choice("kind", &[("seating", ()), ("conduct", ())])?;
    cells.instant("at")?;
    cells.require("observer")?;
    if cells.get("meeting").is_some() {
        meeting_of(draft, &cells)?;
    }
    if cells.get("person").is_none() && cells.get("unit").is_none() {
        cells.require("person")?;
    }
    if cells.get("person").is_some() {
        cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
    }
    if cells.get("unit").is_some() {
        cells.find("unit", Code::UnitUnknown, |id| draft.units.get(id).copied())?;
    }
    lines.refuse_second(&cells, id.to_owned())
}
