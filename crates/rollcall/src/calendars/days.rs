//! Holiday files as others publish them: the JSON of holiday-cn, iCalendar, or rows in the form of `calendar.csv`.

use std::collections::{BTreeMap, HashSet};

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use chrono_tz::Tz;
use rules::time::{Instant, Interval, local_date};

use super::event::{self, midnight};
use super::series::{self, Occurrence};
use crate::folder::{self, Code, Problem, Severity, Table, TableFile, date};

/// How many years of a holiday that comes again every year are taken, before this year and after it.
const YEARS_BACK: i32 = 1;
const YEARS_AHEAD: i32 = 2;

/// Most days that a file may have.
const DAYS_MAX: usize = 20_000;

/// A date of a calendar, in the words of `calendar.csv`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayRow {
    /// `holiday`, `workday`, `morning_off`, `afternoon_off` or `ordinary`.
    pub kind: String,
    /// The holiday's name.
    pub name: String,
    /// The weekday whose periods a workday has.
    pub acts_as: String,
    /// The notice or calendar that it comes from.
    pub source: String,
}

/// What a file says.
#[derive(Debug, Default)]
pub struct DayFile {
    /// Its days.
    pub days: BTreeMap<NaiveDate, DayRow>,
    /// What it is a whole statement of: its source, and the dates from the first to the last; `None` for single rows.
    pub whole: Option<Whole>,
    /// Addresses of the notices.
    pub papers: Vec<String>,
    /// What is wrong in it.
    pub problems: Vec<Problem>,
}

/// A source of which a file says everything, so that what it no longer says does not hold any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The notice or calendar.
    pub source: String,
    /// From the first to the last date of which it speaks; `None` for whatever the source said anywhere.
    pub dates: Option<(NaiveDate, NaiveDate)>,
}

/// Reads a holiday file. `now` says around which year a holiday that comes again is taken.
pub fn read(file: &str, bytes: &[u8], source: Option<&str>, zone: Tz, now: Instant) -> Result<DayFile, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::of_file(file, Code::NotUtf8))?;
    let text = text.trim_start_matches('\u{feff}');
    let beginning = text.trim_start();
    let read = if beginning.starts_with('{') {
        holiday_cn(file, text, source)
    } else if beginning
        .get(..5)
        .is_some_and(|word| word.eq_ignore_ascii_case("BEGIN"))
    {
        icalendar(file, text, source, zone, now)
    } else {
        rows(file, text, source, zone)
    }?;
    if read.days.is_empty() && read.problems.iter().all(|problem| problem.severity != Severity::Error) {
        return Err(Problem::of_file(file, Code::DayNone));
    }
    Ok(read)
}

/// `{"year", "papers", "days": [{"name", "date", "isOffDay"}]}`. The year is the notice's: days of late December may be those of the
/// next year's notice, and stand in the next file.
fn holiday_cn(file: &str, text: &str, source: Option<&str>) -> Result<DayFile, Problem> {
    #[derive(serde::Deserialize)]
    struct Notice {
        year: i32,
        #[serde(default)]
        papers: Vec<String>,
        days: Vec<serde_json::Value>,
    }
    let malformed = |_| Problem::of_file(file, Code::CalendarMalformed);
    let notice: Notice = serde_json::from_str(text).map_err(malformed)?;
    let title = format!("国务院办公厅关于{}年部分节假日安排的通知", notice.year);
    let source = source.map_or(title, str::to_owned);
    let mut read = DayFile {
        whole: Some(Whole {
            source: source.clone(),
            dates: None,
        }),
        papers: notice.papers,
        ..DayFile::default()
    };
    if notice.days.len() > DAYS_MAX {
        return Err(too_many(file));
    }
    for (day, number) in notice.days.iter().zip(1..) {
        match holiday_cn_day(file, day, number) {
            Ok((date, kind, name)) => {
                let row = DayRow {
                    kind: kind.to_owned(),
                    name,
                    source: source.clone(),
                    ..DayRow::default()
                };
                read.add(file, number, date, row);
            }
            Err(problem) => read.problems.push(problem),
        }
    }
    // A day that cannot be read may be one that is known: then what the notice said of it must not be taken for gone.
    if !read.problems.is_empty() {
        read.whole = None;
    }
    Ok(read)
}

fn too_many(file: &str) -> Problem {
    Problem::of_file(file, Code::EventTooMany).with("count", DAYS_MAX)
}

fn holiday_cn_day(
    file: &str,
    day: &serde_json::Value,
    number: u64,
) -> Result<(NaiveDate, &'static str, String), Problem> {
    let wrong = |code, column: &str| {
        let written = day.get(column).map(ToString::to_string).unwrap_or_default();
        let problem = Problem::of_file(file, code)
            .at_row(number)
            .at_key(&format!("days[{}]", number - 1));
        problem.with("column", column).with("value", written)
    };
    let text = |column: &str| day.get(column).and_then(serde_json::Value::as_str);
    let date = text("date")
        .and_then(date)
        .ok_or_else(|| wrong(Code::DateInvalid, "date"))?;
    let is_off = day.get("isOffDay").and_then(serde_json::Value::as_bool);
    let is_off = is_off.ok_or_else(|| wrong(Code::ValueInvalid, "isOffDay").with("allowed", "true, false"))?;
    let kind = if is_off { "holiday" } else { "workday" };
    Ok((date, kind, plain(text("name").unwrap_or_default())))
}

/// Rows in the form of `calendar.csv`.
fn rows(file: &str, text: &str, source: Option<&str>, zone: Tz) -> Result<DayFile, Problem> {
    let mut read = DayFile::default();
    let table = Table::parse(file, text.as_bytes(), &mut read.problems);
    if ["date", "kind"].iter().any(|name| table.column(name).is_none()) {
        return Err(Problem::of_file(file, Code::CalendarMalformed));
    }
    if table.rows.len() > DAYS_MAX {
        return Err(too_many(file));
    }
    for mut problem in folder::calendar_problems(&table, zone) {
        file.clone_into(&mut problem.file);
        read.problems.push(problem);
    }
    let errors = read
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let wrong: HashSet<u64> = errors.filter_map(|problem| problem.row).collect();
    for row in table.rows.iter().filter(|row| !wrong.contains(&row.line)) {
        let cell = |name: &str| {
            let position = table.column(name);
            position
                .and_then(|at| row.cells.get(at))
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        if let Some(date) = date(&cell("date")) {
            let written = cell("source");
            let row = DayRow {
                kind: cell("kind"),
                name: cell("name"),
                acts_as: cell("acts_as"),
                source: if written.is_empty() {
                    source.unwrap_or(file).to_owned()
                } else {
                    written
                },
            };
            read.days.insert(date, row);
        }
    }
    Ok(read)
}

/// A holiday calendar. Where any entry says whether it is a day off or a workday, those that do not say it are left out: they are
/// festivals on which people work.
fn icalendar(file: &str, text: &str, source: Option<&str>, zone: Tz, now: Instant) -> Result<DayFile, Problem> {
    let today = local_date(now, zone);
    let year = |ahead: i32| NaiveDate::from_ymd_opt(today.year() + ahead, 1, 1).unwrap_or(today);
    let feed = event::read(file, text, zone, today)?;
    let from = NaiveDate::from_ymd_opt(1950, 1, 1).unwrap_or(today);
    let window = Interval::new(
        folder::midnight(from, zone),
        folder::midnight(year(YEARS_AHEAD + 1), zone),
    );
    let expanded = series::expand(file, &feed, window)?;
    let source = source.map(str::to_owned).or_else(|| feed.name.clone());
    let source = source.unwrap_or_else(|| file.to_owned());
    let mut read = DayFile {
        problems: feed.problems.iter().cloned().chain(expanded.problems).collect(),
        ..DayFile::default()
    };
    let says_kind = expanded.occurrences.iter().any(|one| kind_of(one).is_some());
    let mut unmarked = Vec::new();
    for one in &expanded.occurrences {
        let comes_again = !one.event.rules.is_empty();
        if comes_again && one.date < year(-YEARS_BACK) {
            continue;
        }
        match kind_of(one).or((!says_kind).then_some("holiday")) {
            Some(kind) => read.add_occurrence(file, one, kind, &source, zone),
            None => unmarked.push(one.event.title.as_str()),
        }
    }
    if let Some(first) = unmarked.first() {
        let problem = Problem::of_file(file, Code::DayUnmarked).warning();
        read.problems
            .push(problem.with("value", first).with("count", unmarked.len()));
    }
    let dates = read
        .days
        .keys()
        .next()
        .copied()
        .zip(read.days.keys().next_back().copied());
    // An entry that cannot be read may be one that is known: then what it said must not be taken for gone.
    if feed.unread.is_empty() && !feed.is_incomplete && expanded.unread.is_empty() && dates.is_some() {
        read.whole = Some(Whole { source, dates });
    }
    Ok(read)
}

/// What an entry says of work, in the words that calendars of holidays use; `None` where it says nothing.
fn kind_of(occurrence: &Occurrence<'_>) -> Option<&'static str> {
    let words = format!("{} {}", occurrence.event.title, occurrence.event.marks).to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    if says(&[
        "alternate-workday",
        "班",
        "makeup workday",
        "make-up workday",
        "working day",
    ]) {
        Some("workday")
    } else if says(&["上午放假", "上午休"]) {
        Some("morning_off")
    } else if says(&["下午放假", "下午休"]) {
        Some("afternoon_off")
    } else if says(&["work-holiday", "休", "放假", "假期", "public holiday", "bank holiday"]) {
        Some("holiday")
    } else {
        None
    }
}

impl DayFile {
    /// Adds a day; the first that says something of a date counts.
    fn add(&mut self, file: &str, line: u64, date: NaiveDate, row: DayRow) {
        match self.days.get(&date) {
            None => {
                self.days.insert(date, row);
            }
            Some(first) if first.kind == row.kind => {}
            Some(_) => {
                let problem = Problem::of_file(file, Code::Duplicate).at_row(line);
                self.problems.push(problem.with("first", date));
            }
        }
    }

    fn add_occurrence(&mut self, file: &str, one: &Occurrence<'_>, kind: &'static str, source: &str, zone: Tz) {
        let row = |kind: &str| DayRow {
            kind: kind.to_owned(),
            name: plain(&one.event.title),
            source: source.to_owned(),
            ..DayRow::default()
        };
        let civil = |at: Instant| at.to_utc().with_timezone(&zone).naive_local();
        let (starts, ends) = (civil(one.starts), civil(one.ends));
        let is_midnight = |time: NaiveTime| time.num_seconds_from_midnight() == 0;
        let is_noon = |time: NaiveTime| time.num_seconds_from_midnight() == 12 * 3_600;
        let next = midnight(starts.date()) + chrono::Days::new(1);
        if is_midnight(starts.time()) && is_midnight(ends.time()) {
            for date in starts.date().iter_days().take_while(|date| *date < ends.date()) {
                self.add(file, one.event.line, date, row(kind));
            }
        } else if kind == "holiday" && is_midnight(starts.time()) && is_noon(ends.time()) && ends < next {
            self.add(file, one.event.line, starts.date(), row("morning_off"));
        } else if kind == "holiday" && is_noon(starts.time()) && ends == next {
            self.add(file, one.event.line, starts.date(), row("afternoon_off"));
        } else {
            let problem = Problem::of_file(file, Code::DayPartly).at_row(one.event.line);
            self.problems.push(problem.with("value", &one.event.title));
        }
    }
}

/// A name without the mark that says what kind of day it is.
fn plain(title: &str) -> String {
    let mut name = title;
    for mark in ["（休）", "（班）", "(休)", "(班)", "（休息）", "（上班）"] {
        name = name.trim().strip_suffix(mark).unwrap_or(name);
    }
    name.trim().to_owned()
}

/// Rows as the table of `calendar.csv`.
pub fn table_of(days: &BTreeMap<NaiveDate, DayRow>) -> Table {
    let columns = [TableFile::Calendar.required(), TableFile::Calendar.optional()].concat();
    let cells = |date: &NaiveDate, row: &DayRow| {
        let value = |column: &&str| match *column {
            "date" => date.to_string(),
            "kind" => row.kind.clone(),
            "name" => row.name.clone(),
            "acts_as" => row.acts_as.clone(),
            _ => row.source.clone(),
        };
        columns.iter().map(|column| value(column).into()).collect()
    };
    let rows = days.iter().zip(2..).map(|((date, row), line)| folder::Row {
        line,
        cells: cells(date, row),
    });
    Table {
        rows: rows.collect(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
    }
}

/// The good rows of a `calendar.csv`; one that cannot be read counts for nothing there, and is not kept.
pub fn days_of(table: &Table, zone: Tz) -> BTreeMap<NaiveDate, DayRow> {
    let text = crate::transfer::csv_text(table);
    rows(TableFile::Calendar.name(), &text, Some(""), zone).map_or_else(|_| BTreeMap::new(), |read| read.days)
}
