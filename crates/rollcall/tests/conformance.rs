//! The cases of `tests/conformance/`: small site folders with what must be said about them.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rollcall::folder::{compile, date, local_instant, read_directory};
use rollcall::judge::{Question, judge, write_json};
use serde_json::Value;

#[test]
fn every_case_is_judged_as_expected() {
    let only = std::env::var("ROLLCALL_CASE").unwrap_or_default();
    let folders: Vec<PathBuf> = cases()
        .into_iter()
        .filter(|folder| name_of(folder).contains(&only))
        .collect();
    assert!(!folders.is_empty(), "no case has {only:?} in its name");
    let failures: Vec<String> = folders.iter().filter_map(|folder| disagreement(folder)).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases disagree:\n\n{}",
        failures.len(),
        folders.len(),
        failures.join("\n\n")
    );
}

#[test]
fn the_set_is_complete_enough_to_mean_something() {
    assert!(cases().len() >= 800, "cases got lost: {}", cases().len());
}

#[test]
fn the_tables_of_the_readme_name_cases_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let rows = readme.lines().filter(|line| line.starts_with('|'));
    let named: Vec<&str> = rows.flat_map(cases_of_row).collect();
    let gone: Vec<&&str> = named.iter().filter(|name| !root().join(name).is_dir()).collect();
    assert!(gone.is_empty(), "the README names cases that are not there: {gone:?}");
    assert!(named.len() >= 200, "the tables of the README got lost: {}", named.len());
}

/// What stands between backticks after the first column, which says what is covered.
fn cases_of_row(row: &str) -> impl Iterator<Item = &str> {
    row.split('|')
        .skip(2)
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(root())
        .expect("the folder of cases")
        .map(|entry| entry.expect("a readable entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a case says differently from what is expected of it, or nothing.
fn disagreement(folder: &Path) -> Option<String> {
    let actual = judged(folder);
    let expected = fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let mut wrong = Vec::new();
    for list in ["findings", "problems", "fine", "proposals", "unlisted"] {
        if !expected[list].is_null() && !rows_match(&expected[list], &actual[list]) {
            wrong.push(format!(
                "{list}\n  expected {}\n  actual   {}",
                brief(&expected[list]),
                brief(&actual[list])
            ));
        }
    }
    if let Some(row) = rows(&actual["findings"])
        .iter()
        .chain(rows(&actual["fine"]))
        .find(|row| !is_explained(row))
    {
        wrong.push(format!("without an explanation in both languages: {}", brief_row(row)));
    }
    (!wrong.is_empty()).then(|| format!("{}: {}", name_of(folder), wrong.join("\n")))
}

fn judged(folder: &Path) -> Value {
    let compiled = compile(&read_directory(folder).expect("a folder")).expect("a usable site.toml");
    let zone = compiled.records.site.zone;
    let case: toml::Table = fs::read_to_string(folder.join("case.toml"))
        .expect("case.toml")
        .parse()
        .expect("TOML");
    let text = |key: &str| case.get(key).map(|value| value.as_str().expect("a text"));
    let instant = |text: &str| local_instant(text, zone).expect("an instant");
    let day = |text: &str| -> NaiveDate { date(text).expect("a date") };
    let question = Question {
        as_of: instant(text("as_of").expect("as_of")),
        known_at: text("known_at").map(instant),
        from: text("from").map(day),
        until: text("until").map(day),
        person: None,
        all: case.get("all").is_some_and(|all| all.as_bool() == Some(true)),
    };
    let mut json = Vec::new();
    write_json(&judge(compiled, &question), &mut json).expect("memory takes everything");
    serde_json::from_slice(&json).expect("JSON")
}

fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn rows_match(expected: &Value, actual: &Value) -> bool {
    let (expected, actual) = (rows(expected), rows(actual));
    expected.len() == actual.len()
        && expected
            .iter()
            .zip(actual)
            .all(|(expected, actual)| row_matches(expected, actual))
}

fn row_matches(expected: &Value, actual: &Value) -> bool {
    expected
        .as_object()
        .is_some_and(|fields| fields.iter().all(|(name, value)| actual.get(name) == Some(value)))
}

fn is_explained(row: &Value) -> bool {
    let steps = rows(&row["explanation"]);
    let speaks = |step: &Value, tag: &str| step["text"][tag].as_str().is_some_and(|text| !text.is_empty());
    !steps.is_empty() && steps.iter().all(|step| speaks(step, "zh-CN") && speaks(step, "en"))
}

fn brief(list: &Value) -> String {
    rows(list)
        .iter()
        .map(brief_row)
        .collect::<Vec<_>>()
        .join("\n           ")
}

/// A row without what is long or empty.
fn brief_row(row: &Value) -> String {
    let fields = row.as_object().into_iter().flatten();
    let short =
        fields.filter(|(name, value)| !["explanation", "swipes", "text"].contains(&name.as_str()) && !value.is_null());
    short
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(" ")
}
