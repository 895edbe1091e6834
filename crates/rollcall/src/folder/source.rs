//! The files of a site folder as text and tables, before anything in them means something.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::FolderError;
use super::problem::{Code, Problem};

/// A file larger than this is refused: a year of 5,000 people's swipes is a tenth of it.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What a site folder holds: documents as text, and tables. The database holds the same.
#[derive(Clone, Debug, Default)]
pub struct SiteSource {
    /// `site.toml`; empty where the file is missing.
    pub site: String,
    /// `schedules.toml`.
    pub schedules: String,
    /// `meetings.toml`.
    pub meetings: String,
    /// `escalations.toml`.
    pub escalations: String,
    /// The CSV files that are there.
    pub tables: BTreeMap<TableFile, Table>,
    /// What could not be read as text or table at all.
    pub problems: Vec<Problem>,
}

/// A CSV file: its header, and its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The names in the header.
    pub columns: Vec<String>,
    /// The rows below it that are not blank.
    pub rows: Vec<Row>,
}

/// A row of a CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line as an editor counts it, from 1; the header is line 1.
    pub line: u64,
    /// Its cells without blanks around them, in the order of the header; trailing ones may be missing.
    pub cells: Vec<Box<str>>,
}

macro_rules! table_files {
    ($($(#[$doc:meta])* $file:ident = $name:literal: [$($required:literal),*] [$($optional:literal),*],)*) => {
        /// The CSV files of a site folder.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TableFile {
            $($(#[$doc])* $file,)*
        }

        impl TableFile {
            /// Every file, each after those that it refers to.
            pub const ALL: &[Self] = &[$(Self::$file),*];

            /// The file's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$file => $name,)*
                }
            }

            /// The columns without which a row means nothing.
            pub const fn required(self) -> &'static [&'static str] {
                match self {
                    $(Self::$file => &[$($required),*],)*
                }
            }

            /// The columns that may be missing.
            pub const fn optional(self) -> &'static [&'static str] {
                match self {
                    $(Self::$file => &[$($optional),*],)*
                }
            }
        }
    };
}

table_files! {
    /// Units 单位.
    Units = "units.csv": ["unit"] ["parent", "name"],
    /// People 人员 and where they work when.
    People = "people.csv": ["person", "name", "unit"] ["rank", "head", "mail", "from", "until"],
    /// Badges 卡 and whose they are when.
    Badges = "badges.csv": ["badge", "person"] ["from", "until"],
    /// Places 位置.
    Places = "places.csv": ["place"] ["name", "kind", "pairing"],
    /// Readers 读卡器 and where they stand when.
    Readers = "readers.csv": ["reader", "place"] ["faces", "from", "until"],
    /// Dated overrides of the week 日历.
    Calendar = "calendar.csv": ["date", "kind"] ["name", "acts_as", "source"],
    /// Who follows which schedule 适用.
    Assignments = "assignments.csv": ["subject", "schedule"] ["from", "until"],
    /// Absences 请假/公出/出差.
    Absences = "absences.csv": ["absence", "person", "kind", "from", "until"] ["returned_at"],
    /// Duties 值班.
    Duties = "duties.csv": ["duty", "person", "place", "starts", "ends"]
        ["role", "hands_over_to", "checks", "check_seed"],
    /// Times at which whoever is on duty must show that they are there 查岗.
    DutyChecks = "duty_checks.csv": ["duty", "at"] [],
    /// Who must come to which meeting 参会名单.
    MeetingRoster = "meeting_roster.csv": ["meeting", "person"] ["role", "seat"],
    /// Meetings that calendars brought.
    FeedMeetings = "feed_meetings.csv": ["meeting", "title", "place", "starts", "ends"] [
        "sign_in_opens", "late_grace_minutes", "absent_after_minutes", "late_absent_after_minutes",
        "exit_allowance_minutes", "exits_allowed", "early_grace_minutes", "source", "uid", "occurrence"
    ],
    /// Who must come to the meetings that calendars brought.
    FeedRoster = "feed_roster.csv": ["meeting", "person"] ["role", "source"],
    /// Ends of meetings that were moved while they ran 延长, 提前结束.
    MeetingEnds = "meeting_ends.csv": ["meeting"] ["extended_until", "closed_early_at", "moved_by", "moved_at"],
    /// How many a unit must send 单位名额.
    MeetingUnits = "meeting_units.csv": ["meeting", "unit"] ["at_least", "min_rank", "head_required"],
    /// Who may be out of a meeting when.
    Permissions = "permissions.csv": ["meeting", "person", "from", "until"] [],
    /// Who was accepted to stand in for whom 代会.
    Substitutes = "substitutes.csv": ["meeting", "person", "substitute"] ["accepted_by", "accepted_at"],
    /// What an inspector saw.
    Observations = "observations.csv": ["observation", "kind", "at", "observer"] ["meeting", "person", "unit", "note"],
    /// Swipes 刷卡.
    Swipes = "swipes.csv": ["reader", "badge", "happened_at"] ["received_at", "sequence", "faces"],
    /// What people decided on findings 处理.
    Decisions = "decisions.csv": ["subject", "date", "kind", "act", "at", "by"] ["period", "meeting", "source", "reason"],
    /// When readers could not be heard.
    Coverage = "coverage.csv": ["reader", "down_from"] ["down_until"],
}

/// Reads the files of a folder. A missing file is empty; one that cannot be read is a problem.
pub fn read_directory(path: &Path) -> Result<SiteSource, FolderError> {
    let unreadable = |source| FolderError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let mut source = SiteSource::default();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        let is_table = Path::new(&name)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_table && TableFile::ALL.iter().all(|file| file.name() != name) {
            source
                .problems
                .push(Problem::of_file(&name, Code::FileUnknown).warning());
        }
    }
    source.site = read_document(path, "site.toml", &mut source.problems);
    source.schedules = read_document(path, "schedules.toml", &mut source.problems);
    source.meetings = read_document(path, "meetings.toml", &mut source.problems);
    source.escalations = read_document(path, "escalations.toml", &mut source.problems);
    for &file in TableFile::ALL {
        if let Some(bytes) = read_file(path, file.name(), &mut source.problems) {
            let table = Table::parse(file.name(), &bytes, &mut source.problems);
            source.tables.insert(file, table);
        }
    }
    Ok(source)
}

fn read_document(folder: &Path, name: &str, problems: &mut Vec<Problem>) -> String {
    let bytes = read_file(folder, name, problems).unwrap_or_default();
    if let Err(error) = std::str::from_utf8(&bytes) {
        let line = line_at(&bytes, error.valid_up_to());
        problems.push(Problem::of_file(name, Code::NotUtf8).at_row(line));
    }
    // Keys and times are ASCII, so a document with a name in another encoding is still worth reading.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The line of a position, from 1.
pub(super) fn line_at(text: &[u8], offset: usize) -> u64 {
    1 + text
        .iter()
        .take(offset)
        .map(|byte| u64::from(*byte == b'\n'))
        .sum::<u64>()
}

fn read_file(folder: &Path, name: &str, problems: &mut Vec<Problem>) -> Option<Vec<u8>> {
    match read_bounded(&folder.join(name)) {
        Ok(mut bytes) => {
            if bytes.starts_with(b"\xEF\xBB\xBF") {
                bytes.drain(..3);
            }
            Some(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            problems.push(Problem::of_file(name, Code::FileUnreadable).with("reason", error));
            None
        }
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it is larger than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}

impl Table {
    /// Reads CSV. Every row is one line, so a stray quotation mark or a line that is not UTF-8 costs one row and not the
    /// rest of the file.
    pub fn parse(file: &str, bytes: &[u8], problems: &mut Vec<Problem>) -> Self {
        let mut table = Self::default();
        for (bytes, line) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let problem = |code| Problem::of_file(file, code).at_row(line);
            let cells = match std::str::from_utf8(bytes) {
                Ok(text) => split_line(text.strip_suffix('\r').unwrap_or(text)),
                Err(_) => Err(Code::NotUtf8),
            };
            match cells {
                Ok(cells) if cells.iter().all(|cell| cell.is_empty()) => {}
                Ok(cells) if table.columns.is_empty() => table.columns = cells.into_iter().map(String::from).collect(),
                Ok(cells)
                    if cells.len() > table.columns.len()
                        && cells[table.columns.len()..].iter().any(|cell| !cell.is_empty()) =>
                {
                    let lengths = problem(Code::RowTooLong)
                        .with("cells", cells.len())
                        .with("columns", table.columns.len());
                    problems.push(lengths);
                }
                Ok(cells) => table.rows.push(Row { line, cells }),
                Err(code) => problems.push(problem(code)),
            }
        }
        table
    }

    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

fn split_line(line: &str) -> Result<Vec<Box<str>>, Code> {
    if !line.contains('"') {
        return Ok(line.split(',').map(|cell| cell.trim().into()).collect());
    }
    // A quotation mark inside quotation marks is doubled, so an odd number of them leaves one open.
    if line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(Code::QuoteUnclosed);
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(line.as_bytes());
    match reader.records().next() {
        Some(Ok(record)) => Ok(record.iter().map(|cell| cell.trim().into()).collect()),
        Some(Err(_)) | None => Err(Code::QuoteUnclosed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Table, Vec<(u64, &'static str)>) {
        let mut problems = Vec::new();
        let table = Table::parse("people.csv", text.as_bytes(), &mut problems);
        (
            table,
            problems
                .iter()
                .map(|problem| (problem.row.expect("a row"), problem.code.name()))
                .collect(),
        )
    }

    #[test]
    fn rows_keep_the_line_numbers_of_an_editor() {
        let (table, problems) = parse("person,name\r\nana,\" An, Na \"\r\n\r\nbo,\"say \"\"hi\"\"\"\r\n,\r\ncy\r\n");
        assert_eq!(table.columns, ["person", "name"]);
        let rows: Vec<_> = table.rows.iter().map(|row| (row.line, row.cells.join("|"))).collect();
        assert_eq!(
            rows,
            [(2, "ana|An, Na".into()), (4, "bo|say \"hi\"".into()), (6, "cy".into())]
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn a_bad_line_costs_one_row() {
        let (table, problems) = parse("person,name\nana,\"An\nbo,Bo\ncy,Cy,more\ndi,Di,\n");
        assert_eq!(
            table.rows.iter().map(|row| &*row.cells[0]).collect::<Vec<_>>(),
            ["bo", "di"]
        );
        assert_eq!(problems, [(2, "quote_unclosed"), (4, "row_too_long")]);
        let mut problems = Vec::new();
        let table = Table::parse("people.csv", b"person,name\nana,\xD5\xC5\nbo,Bo\n", &mut problems);
        assert_eq!(
            (table.rows.len(), problems[0].code.name(), problems[0].row),
            (1, "not_utf8", Some(2))
        );
    }
}
