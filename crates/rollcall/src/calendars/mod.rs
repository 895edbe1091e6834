//! Calendars from outside: holidays that others publish, and meetings that calendar programs keep.

pub mod days;
pub mod due;
pub mod event;
mod fetch;
pub mod import_days;
pub mod import_meetings;
pub mod meetings;
mod recurrence;
pub mod series;
pub mod source;
pub mod watch;
mod zone;

pub use fetch::read_file;
use serde_json::json;

use crate::folder::{Problem, Severity};
use crate::words::{self, Language, Value};

/// Problems as an import lists them.
fn problem_lines(problems: &[Problem], language: Language) -> Vec<String> {
    let line = |problem: &Problem| {
        let severity = match problem.severity {
            Severity::Error => "transfer-error",
            Severity::Warning => "transfer-warning",
        };
        words::text(language, severity, &[("text", Value::from(problem.text_in(language)))])
    };
    problems.iter().map(line).collect()
}

/// Problems as scripts read them.
fn problems_json(problems: &[Problem]) -> serde_json::Value {
    let problem = |problem: &Problem| {
        let text = problem.text();
        json!({
            "file": problem.file,
            "row": problem.row,
            "key": problem.key,
            "problem": problem.code.name(),
            "error": problem.severity == Severity::Error,
            "text": { "zh-CN": text.chinese, "en": text.english },
        })
    };
    problems.iter().map(problem).collect()
}

/// What was done in the end.
fn outcome_line(language: Language, applied: bool, dry_run: bool, errors: usize) -> String {
    let outcome = match (applied, dry_run, errors) {
        (true, _, 0) => "transfer-applied",
        (true, _, _) => "transfer-applied-good-rows",
        (false, true, 0) => "transfer-dry-run",
        (false, true, _) => "transfer-dry-run-errors",
        (false, false, _) => "transfer-refused",
    };
    words::text(language, outcome, &[("errors", Value::from(errors.to_string()))])
}
