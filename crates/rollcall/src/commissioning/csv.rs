//! `badges.csv` as people keep it in a spreadsheet: out, and in again.
//!
//! A row of the file is known by its card and its `from`: one that is there already is left or changed, others are added, and cards
//! that the file does not name stay as they are. What spreadsheets do to such files is undone where that is safe (byte order marks,
//! UTF-16, semicolons and tabs, lost leading zeros, the apostrophe before a formula) and refused where it is not (`1.2E+09`).

use std::collections::BTreeMap;

use rules::time::Instant;

use super::{BadgeFact, Change};
use crate::folder::{EVER, instant_or_midnight};
use crate::shared::SiteSnapshot;

/// What of a file cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The key of the sentence that says what is wrong and what to write.
    pub key: &'static str,
    /// What is written there.
    pub value: String,
}

/// What importing a file would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The rows to be written.
    pub change: Change,
    /// New cards.
    pub added: usize,
    /// Cards whose row is changed.
    pub changed: usize,
    /// Rows that are as they are.
    pub unchanged: usize,
    /// What is wrong, by line.
    pub problems: Vec<RowProblem>,
}

struct Row {
    line: u64,
    cells: BTreeMap<String, String>,
}

const COLUMNS: [&str; 4] = ["badge", "person", "from", "until"];

/// The cards and whose they are, for a spreadsheet: with a byte order mark, names beside the identifiers, and nothing that a
/// spreadsheet would take for a formula.
pub fn export(facts: &[BadgeFact], name_of: impl Fn(&str) -> String) -> String {
    let mut text = String::from("\u{FEFF}badge,person,from,until,name\r\n");
    for fact in facts {
        let name = name_of(fact.cell("person"));
        let cells = COLUMNS
            .map(|column| fact.cell(column))
            .into_iter()
            .chain([name.as_str()]);
        let written: Vec<String> = cells.map(cell).collect();
        text.push_str(&written.join(","));
        text.push_str("\r\n");
    }
    text
}

fn cell(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let value = if is_formula {
        format!("'{value}")
    } else {
        value.to_owned()
    };
    if value.contains([',', '"', ';', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

/// What importing a file would do to the rows in force.
pub fn plan(bytes: &[u8], facts: &[BadgeFact], site: &SiteSnapshot) -> Plan {
    let mut plan = Plan::default();
    let rows = read(&text_of(bytes), &mut plan.problems);
    let zone = site.facts.records().site.zone;
    let edge = |cells: &BTreeMap<String, String>, column: &str, ever: Instant| {
        let text = cells.get(column).map_or("", String::as_str);
        if text.is_empty() {
            Some(ever)
        } else {
            instant_or_midnight(text, zone)
        }
    };
    let mut in_force: BTreeMap<(String, Instant), &BadgeFact> = BTreeMap::new();
    for fact in facts {
        let from = edge(&fact.cells, "from", EVER.from).unwrap_or(EVER.from);
        in_force.insert((bare(fact.cell("badge")), from), fact);
    }
    let mut seen: BTreeMap<(String, Instant), u64> = BTreeMap::new();
    for Row { line, mut cells } in rows {
        let mut wrong = |key, value: &str| {
            plan.problems.push(RowProblem {
                line,
                key,
                value: value.chars().take(80).collect(),
            });
        };
        let (badge, person) = (cells["badge"].clone(), cells["person"].clone());
        let (from, until) = (edge(&cells, "from", EVER.from), edge(&cells, "until", EVER.until));
        let (Some(from), Some(until)) = (from, until) else {
            wrong("badges-bad-time", &format!("{} {}", cells["from"], cells["until"]));
            continue;
        };
        let key = (bare(&badge), from);
        if is_scientific(&badge) {
            wrong("badges-scientific", &badge);
        } else if badge.is_empty() || badge.contains(char::is_control) || badge.contains('\u{FFFD}') {
            wrong("badges-bad-key", &badge);
        } else if site.facts.person_index(&person).is_none() {
            wrong("badges-nobody", &person);
        } else if until <= from {
            wrong("badges-ends-first", &cells["until"]);
        } else if seen.insert(key.clone(), line).is_some() {
            wrong("badges-twice", &badge);
        } else if let Some(fact) = in_force.get(&key) {
            let until_now = edge(&fact.cells, "until", EVER.until);
            if fact.cell("person") == person && until_now == Some(until) {
                plan.unchanged += 1;
                continue;
            }
            // The card keeps its spelling, which a spreadsheet may have cut zeros from.
            cells.insert("badge".to_owned(), fact.cell("badge").to_owned());
            plan.changed += 1;
            plan.change.superseded.push(fact.id.clone());
            plan.change.added.push(cells);
        } else {
            plan.added += 1;
            plan.change.added.push(cells);
        }
    }
    plan
}

/// A key without the leading zeros of a number.
fn bare(key: &str) -> String {
    let is_number = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    match key.trim_start_matches('0') {
        digits if is_number && !digits.is_empty() => digits.to_owned(),
        _ => key.to_owned(),
    }
}

/// `1.2E+09`, which a spreadsheet makes of a long number: the card's last digits are gone for good.
fn is_scientific(key: &str) -> bool {
    let Some((mantissa, exponent)) = key.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.split_once(['.', ',']);
    mantissa.is_some_and(|(whole, part)| digits(whole) && digits(part))
        && digits(exponent.trim_start_matches(['+', '-']))
}

/// A file's text: UTF-8 or UTF-16, with or without its mark.
fn text_of(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [_, 0, _, 0, ..] => wide(bytes, u16::from_le_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    // A line is a line, however it ends: the numbers of lines are those of an editor.
    text.trim_start_matches('\u{FEFF}')
        .replace("\r\n", "\n")
        .replace('\r', "\n")
}

fn read(text: &str, problems: &mut Vec<RowProblem>) -> Vec<Row> {
    let head = text.lines().next().unwrap_or_default();
    let most = [b',', b';', b'\t'].into_iter().max_by_key(|mark| {
        let count = head.bytes().filter(|byte| byte == mark).count();
        (count, *mark == b',')
    });
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(most.unwrap_or(b','))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let head = records.next().and_then(Result::ok).unwrap_or_default();
    let column = |name: &str| head.iter().position(|cell| cell.trim() == name);
    for required in ["badge", "person"] {
        if column(required).is_none() {
            problems.push(RowProblem {
                line: 1,
                key: "badges-no-column",
                value: required.to_owned(),
            });
            return Vec::new();
        }
    }
    let mut rows = Vec::new();
    for record in records {
        let Ok(record) = record else {
            let line = rows.last().map_or(2, |row: &Row| row.line + 1);
            problems.push(RowProblem {
                line,
                key: "badges-bad-row",
                value: String::new(),
            });
            continue;
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |name| {
            let cell = column(name).and_then(|at| record.get(at)).unwrap_or_default();
            without_apostrophe(cell.trim()).to_owned()
        };
        let cells: BTreeMap<String, String> = COLUMNS.map(|name| (name.to_owned(), cell(name))).into();
        if cells.values().any(|cell| !cell.is_empty()) {
            rows.push(Row { line, cells });
        }
    }
    rows
}

/// A text that was kept from being a formula.
fn without_apostrophe(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use rules::model::{Person, Site, SiteRecords};
    use std::sync::Arc;

    use super::*;

    fn site() -> SiteSnapshot {
        let person = |id: &str| Person {
            id: id.into(),
            stints: Vec::new(),
        };
        let records = SiteRecords {
            people: ["ana", "bo"].map(person).into(),
            ..SiteRecords::of_site(Site::of_zone("局".into(), chrono_tz::Asia::Shanghai))
        };
        SiteSnapshot::new(1, Arc::new(rules::facts::SiteFacts::new(records)))
    }

    fn fact(badge: &str, person: &str) -> BadgeFact {
        let cells = [("badge", badge), ("person", person)];
        BadgeFact {
            id: badge.to_owned(),
            cells: cells.map(|(column, cell)| (column.to_owned(), cell.to_owned())).into(),
            recorded_at: Instant::from_ms(0),
            recorded_by: "test".to_owned(),
        }
    }

    fn counts(plan: &Plan) -> (usize, usize, usize, Vec<(u64, &'static str)>) {
        let problems = plan.problems.iter().map(|problem| (problem.line, problem.key));
        (plan.added, plan.changed, plan.unchanged, problems.collect())
    }

    #[test]
    fn what_is_exported_comes_back_as_it_is_and_no_cell_is_a_formula() {
        let facts = [fact("0009357058", "ana"), fact("=1+1", "bo"), fact("a,b", "bo")];
        let text = export(&facts, |person| format!("@{person}"));
        assert!(
            text.starts_with('\u{FEFF}') && text.contains("'=1+1") && text.contains("'@ana"),
            "{text}"
        );
        assert_eq!(counts(&plan(text.as_bytes(), &facts, &site())), (0, 0, 3, vec![]));
    }

    #[test]
    fn what_a_spreadsheet_did_to_the_file_is_undone() {
        let facts = [fact("0009357058", "ana")];
        let text = "badge;person;from;until\r\n9357058;bo;;\r\n12;ana;2026-09-16;\r\n";
        let wide: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain(text.replace(';', "\t").encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        for bytes in [text.as_bytes(), &wide] {
            let plan = plan(bytes, &facts, &site());
            assert_eq!(counts(&plan), (1, 1, 0, vec![]));
            assert_eq!(plan.change.superseded, ["0009357058"]);
            assert_eq!(plan.change.added[0]["badge"], "0009357058", "the zeros that it had");
        }
    }

    #[test]
    fn each_bad_row_is_named_and_the_others_count() {
        let text = "badge,person,from,until\n1.2E+09,ana,,\n7,nobody,,\n8,ana,soon,\n9,ana,2026-09-16,2026-09-15\n10,ana,,\n010,bo,,\n,ana,,\n11,bo,,\n";
        let plan = plan(text.as_bytes(), &[], &site());
        let wrong = vec![
            (2, "badges-scientific"),
            (3, "badges-nobody"),
            (4, "badges-bad-time"),
            (5, "badges-ends-first"),
            (7, "badges-twice"),
            (8, "badges-bad-key"),
        ];
        assert_eq!(counts(&plan), (2, 0, 0, wrong));
        let headless = super::plan(b"card,person\n1,ana\n", &[], &site());
        assert_eq!(counts(&headless), (0, 0, 0, vec![(1, "badges-no-column")]));
    }
}
