//! Going through the rows of a table: cells by their column names, checked one row at a time.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rules::model::Id;
use rules::time::{Instant, Interval};

use super::problem::{Code, Problem, Problems};
use super::source::{Row, Table, TableFile};
use super::values::{self, EVER};

/// A row with the names of its cells.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) file: TableFile,
    table: &'a Table,
    row: &'a Row,
    zone: Tz,
}

/// Goes through the rows of a table, in order. A row that `compile` refuses is a problem, and the next one is read.
pub(super) fn each_row(
    file: TableFile,
    table: Option<&Table>,
    zone: Tz,
    problems: &mut Problems,
    mut compile: impl FnMut(Cells<'_>) -> Result<(), Problem>,
) {
    let Some(table) = table else { return };
    if !header_is_usable(file, table, problems) {
        return;
    }
    for row in &table.rows {
        problems.keep(compile(Cells { file, table, row, zone }));
    }
}

fn header_is_usable(file: TableFile, table: &Table, problems: &mut Problems) -> bool {
    // A file without a single line is as good as a missing one.
    if table.columns.is_empty() {
        return false;
    }
    let problem = |code, column: &str| Problem::of_file(file.name(), code).at_row(1).with("column", column);
    for (position, column) in table.columns.iter().enumerate() {
        if table.columns[..position].contains(column) {
            problems.add(problem(Code::ColumnDuplicate, column));
        } else if !file.required().contains(&column.as_str()) && !file.optional().contains(&column.as_str()) {
            let known = [file.required(), file.optional()].concat().join(", ");
            problems.add(problem(Code::ColumnUnknown, column).with("known", known).warning());
        }
    }
    let missing: Vec<_> = file
        .required()
        .iter()
        .filter(|column| table.column(column).is_none())
        .collect();
    for column in &missing {
        problems.add(problem(Code::ColumnMissing, column));
    }
    missing.is_empty()
}

impl<'a> Cells<'a> {
    /// The row's line.
    pub(super) fn line(&self) -> u64 {
        self.row.line
    }

    /// A problem of this row.
    pub(super) fn problem(&self, code: Code) -> Problem {
        Problem::of_file(self.file.name(), code).at_row(self.row.line)
    }

    /// A problem with a value of this row.
    pub(super) fn wrong(&self, code: Code, column: &'static str, value: &str) -> Problem {
        self.problem(code).with("column", column).with("value", value)
    }

    /// A cell that may be empty.
    pub(super) fn get(&self, column: &'static str) -> Option<&'a str> {
        let cell = self.row.cells.get(self.table.column(column)?)?;
        (!cell.is_empty()).then_some(&**cell)
    }

    /// A cell that must not be empty.
    pub(super) fn require(&self, column: &'static str) -> Result<&'a str, Problem> {
        self.get(column)
            .ok_or_else(|| self.problem(Code::ValueMissing).with("column", column))
    }

    /// An integer within bounds.
    pub(super) fn integer(&self, column: &'static str, least: i64, most: i64) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(column) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self
                .wrong(Code::NumberInvalid, column, text)
                .with("least", least)
                .with("most", most)),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, column: &'static str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(column) else { return Ok(None) };
        let chosen = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, meaning)| *meaning);
        let allowed = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        chosen
            .map(Some)
            .ok_or_else(|| self.wrong(Code::ValueInvalid, column, text).with("allowed", allowed()))
    }

    /// `yes` or `no`; no is the default.
    pub(super) fn yes(&self, column: &'static str) -> Result<bool, Problem> {
        Ok(self.choice(column, &[("yes", true), ("no", false)])?.unwrap_or(false))
    }

    /// A date that must be there.
    pub(super) fn date(&self, column: &'static str) -> Result<NaiveDate, Problem> {
        let text = self.require(column)?;
        values::date(text).ok_or_else(|| self.wrong(Code::DateInvalid, column, text))
    }

    /// An instant that must be there.
    pub(super) fn instant(&self, column: &'static str) -> Result<Instant, Problem> {
        self.require(column)?;
        Ok(self.optional_instant(column)?.expect("the cell is not empty"))
    }

    /// An instant.
    pub(super) fn optional_instant(&self, column: &'static str) -> Result<Option<Instant>, Problem> {
        let Some(text) = self.get(column) else { return Ok(None) };
        values::local_instant(text, self.zone)
            .map(Some)
            .ok_or_else(|| self.wrong(Code::InstantInvalid, column, text))
    }

    /// An instant, or a date alone as its midnight.
    pub(super) fn edge(&self, column: &'static str) -> Result<Option<Instant>, Problem> {
        let Some(text) = self.get(column) else { return Ok(None) };
        values::instant_or_midnight(text, self.zone)
            .map(Some)
            .ok_or_else(|| self.wrong(Code::InstantInvalid, column, text))
    }

    /// The interval of two columns; an empty cell leaves that side open.
    pub(super) fn interval(&self, from: &'static str, until: &'static str) -> Result<Interval, Problem> {
        let interval = Interval::new(
            self.edge(from)?.unwrap_or(EVER.from),
            self.edge(until)?.unwrap_or(EVER.until),
        );
        if interval.is_empty() {
            let texts = [from, until].map(|column| self.get(column).unwrap_or_default());
            return Err(self
                .problem(Code::IntervalEmpty)
                .with("from", texts[0])
                .with("until", texts[1]));
        }
        Ok(interval)
    }

    /// The interval of two columns that must not be empty.
    pub(super) fn required_interval(&self, from: &'static str, until: &'static str) -> Result<Interval, Problem> {
        self.require(from)?;
        self.require(until)?;
        self.interval(from, until)
    }

    /// What an identifier of this row stands for.
    pub(super) fn find<T: Copy>(
        &self,
        column: &'static str,
        code: Code,
        of: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Problem> {
        let text = self.require(column)?;
        of(text).ok_or_else(|| self.wrong(code, column, text))
    }

    /// An identifier of this row that must be known.
    pub(super) fn find_id(
        &self,
        column: &'static str,
        code: Code,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Id, Problem> {
        let text = self.require(column)?;
        if is_known(text) {
            Ok(text.into())
        } else {
            Err(self.wrong(code, column, text))
        }
    }
}
