//! Going through a TOML document: keys by their names, each problem with its line and path.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rules::time::{CivilTime, Instant};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Code, Problem, Problems};
use super::source::line_at;
use super::values;

/// A document and the table at its top.
pub(super) struct Document<'a> {
    file: &'static str,
    text: &'a str,
    top: Spanned<DeTable<'a>>,
}

/// A table of a document, with its path.
pub(super) struct Node<'a> {
    document: &'a Document<'a>,
    path: String,
    starts_at: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Parses; what does not parse is a problem, and the rest is read all the same.
    pub(super) fn parse(file: &'static str, text: &'a str, problems: &mut Problems) -> Self {
        let (top, errors) = DeTable::parse_recoverable(text);
        let document = Self { file, text, top };
        for error in errors {
            let line = document.line_of(error.span().map_or(0, |span| span.start));
            problems.add(
                Problem::of_file(file, Code::TomlMalformed)
                    .at_row(line)
                    .with("reason", error.message()),
            );
        }
        document
    }

    /// The table at the top.
    pub(super) fn top(&self) -> Node<'_> {
        Node {
            document: self,
            path: String::new(),
            starts_at: 0,
            table: self.top.get_ref(),
        }
    }

    fn line_of(&self, offset: usize) -> u64 {
        line_at(self.text.as_bytes(), offset)
    }
}

impl<'a> Node<'a> {
    /// The line on which it begins.
    pub(super) fn line(&self) -> u64 {
        self.document.line_of(self.starts_at)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A problem of a key: at its line, or at its table's where the key is not there.
    pub(super) fn problem(&self, code: Code, key: &str) -> Problem {
        let offset = self.table.get(key).map_or(self.starts_at, |value| value.span().start);
        Problem::of_file(self.document.file, code)
            .at_row(self.document.line_of(offset))
            .at_key(&self.path_of(key))
            .with("column", key)
    }

    fn wrong(&self, code: Code, key: &str) -> Problem {
        self.problem(code, key).with("value", self.source(key))
    }

    /// A value as it is written, shortened.
    fn source(&self, key: &str) -> String {
        let span = self.table.get(key).map_or(0..0, Spanned::span);
        self.document
            .text
            .get(span)
            .unwrap_or_default()
            .trim_matches('"')
            .chars()
            .take(80)
            .collect()
    }

    /// Warns of every key that is not one of these.
    pub(super) fn warn_of_other_keys(&self, known: &[&str], problems: &mut Problems) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let mut problem = self
                    .problem(Code::KeyUnknown, name)
                    .with("known", known.join(", "))
                    .warning();
                problem.row = Some(self.document.line_of(key.span().start));
                problems.add(problem);
            }
        }
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// What a key must hold; `of` reads it.
    pub(super) fn required<T>(&self, key: &str, value: Result<Option<T>, Problem>) -> Result<T, Problem> {
        value?.ok_or_else(|| self.problem(Code::ValueMissing, key))
    }

    /// A text that is not empty; dates and times may stand without quotation marks.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Problem> {
        match self.table.get(key).map(Spanned::get_ref) {
            None => Ok(None),
            Some(DeValue::String(text)) if text.trim().is_empty() => Ok(None),
            Some(DeValue::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(DeValue::Datetime(at)) => Ok(Some(datetime_text(at))),
            Some(_) => Err(self.wrong(Code::ValueInvalid, key).with("allowed", "\"…\"")),
        }
    }

    /// An integer within bounds.
    pub(super) fn integer(&self, key: &str, least: i64, most: i64) -> Result<Option<i64>, Problem> {
        let number = match self.table.get(key).map(Spanned::get_ref) {
            None => return Ok(None),
            Some(DeValue::Integer(integer)) => i64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            Some(_) => None,
        };
        let within = number.filter(|number| (least..=most).contains(number));
        within.map(Some).ok_or_else(|| {
            self.wrong(Code::NumberInvalid, key)
                .with("least", least)
                .with("most", most)
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let chosen = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, meaning)| *meaning);
        let allowed = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        chosen
            .map(Some)
            .ok_or_else(|| self.wrong(Code::ValueInvalid, key).with("allowed", allowed()))
    }

    /// A date.
    pub(super) fn date(&self, key: &str) -> Result<Option<NaiveDate>, Problem> {
        self.read(key, Code::DateInvalid, values::date)
    }

    /// A time of day relative to a date.
    pub(super) fn civil_time(&self, key: &str) -> Result<Option<CivilTime>, Problem> {
        self.read(key, Code::TimeInvalid, values::civil_time)
    }

    /// An instant.
    pub(super) fn instant(&self, key: &str, zone: Tz) -> Result<Option<Instant>, Problem> {
        self.read(key, Code::InstantInvalid, |text| values::local_instant(text, zone))
    }

    /// An instant, or a date alone as its midnight.
    pub(super) fn edge(&self, key: &str, zone: Tz) -> Result<Option<Instant>, Problem> {
        self.read(key, Code::InstantInvalid, |text| {
            values::instant_or_midnight(text, zone)
        })
    }

    /// Weekdays: an array of names, or a text such as `mon-fri`.
    pub(super) fn weekdays(&self, key: &str) -> Result<Option<[bool; 7]>, Problem> {
        let text = match self.table.get(key).map(Spanned::get_ref) {
            None => return Ok(None),
            Some(DeValue::Array(days)) => days
                .iter()
                .map(|day| day.get_ref().as_str().unwrap_or("?"))
                .collect::<Vec<_>>()
                .join(","),
            Some(value) => value.as_str().unwrap_or("?").to_owned(),
        };
        let allowed = "mon, tue, wed, thu, fri, sat, sun, mon-fri";
        values::weekdays(&text)
            .map(Some)
            .ok_or_else(|| self.wrong(Code::ValueInvalid, key).with("allowed", allowed))
    }

    /// Texts: an array of them, or one alone.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(DeValue::Array(array)) = self.table.get(key).map(Spanned::get_ref) else {
            return Ok(self.text(key)?.map(|text| vec![text]));
        };
        let texts = array.iter().map(|value| value.get_ref().as_str().map(str::to_owned));
        let texts: Option<Vec<String>> = texts.collect();
        texts
            .map(Some)
            .ok_or_else(|| self.wrong(Code::ValueInvalid, key).with("allowed", "[\"…\", \"…\"]"))
    }

    /// Whether a key holds a table.
    pub(super) fn is_table(&self, key: &str) -> bool {
        matches!(self.table.get(key).map(Spanned::get_ref), Some(DeValue::Table(_)))
    }

    fn read<T>(&self, key: &str, code: Code, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| self.wrong(code, key))
    }

    /// The table of a key.
    pub(super) fn table(&self, key: &str, problems: &mut Problems) -> Option<Node<'a>> {
        let value = self.table.get(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            let starts_at = value.span().start;
            return Some(Node {
                document: self.document,
                path: self.path_of(key),
                starts_at,
                table,
            });
        }
        problems.add(
            self.wrong(Code::ValueInvalid, key)
                .with("allowed", format!("[{}]", self.path_of(key))),
        );
        None
    }

    /// The tables of a key that is written `[[key]]`.
    pub(super) fn tables(&self, key: &str, problems: &mut Problems) -> Vec<Node<'a>> {
        let values: Vec<(usize, &'a DeValue<'a>)> =
            match self.table.get(key).map(|value| (value.span().start, value.get_ref())) {
                None => return Vec::new(),
                Some((_, DeValue::Array(array))) => array
                    .iter()
                    .map(|value| (value.span().start, value.get_ref()))
                    .collect(),
                Some(value) => vec![value],
            };
        let mut nodes = Vec::new();
        for (position, (starts_at, value)) in values.into_iter().enumerate() {
            let path = format!("{}[{position}]", self.path_of(key));
            if let DeValue::Table(table) = value {
                nodes.push(Node {
                    document: self.document,
                    path,
                    starts_at,
                    table,
                });
            } else {
                let problem =
                    Problem::of_file(self.document.file, Code::ValueInvalid).at_row(self.document.line_of(starts_at));
                let allowed = format!("[[{}]]", self.path_of(key));
                problems.add(
                    problem
                        .at_key(&path)
                        .with("column", key)
                        .with("value", value.type_str())
                        .with("allowed", allowed),
                );
            }
        }
        nodes
    }
}

/// A TOML date, time or both as the forms of the site folder.
fn datetime_text(at: &toml::value::Datetime) -> String {
    let text = at.to_string();
    match (at.date, at.time, at.offset) {
        (Some(_), Some(_), None) => text.replacen('T', " ", 1),
        (None, Some(_), None) => text
            .strip_suffix(":00")
            .filter(|short| short.len() == 5)
            .unwrap_or(&text)
            .to_owned(),
        _ => text,
    }
}
