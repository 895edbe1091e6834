//! What an import did, or would do.

use crate::folder::{Problem, Severity};
use crate::words::{self, Language, Value};

/// What happened to one file of the folder. A document, and a calendar, count as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Rows that are new.
    pub added: u64,
    /// Rows that were there already.
    pub unchanged: u64,
    /// Stored rows that the file no longer has.
    pub superseded: u64,
    /// Rows that are wrong.
    pub refused: u64,
}

/// What an import did, or would do.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// What is wrong or worth a look, by file and row.
    pub problems: Vec<Problem>,
    /// How many of the problems are errors.
    pub errors: u64,
    /// File by file.
    pub files: Vec<FileReport>,
    /// Whether it was only asked what would be done.
    pub dry_run: bool,
    /// Whether the database was brought to what the folder says.
    pub applied: bool,
    /// Whether good rows are taken without being asked to, whatever is wrong with others.
    pub takes_good_rows: bool,
}

impl FileReport {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            ..Self::default()
        }
    }

    /// As it stands in `import --json` and in the audit.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.file,
            "added": self.added,
            "unchanged": self.unchanged,
            "superseded": self.superseded,
            "refused": self.refused,
        })
    }
}

impl ImportReport {
    /// Whether the command may end with exit code 0: nothing was wrong, or what was good was taken as asked.
    pub fn succeeded(&self) -> bool {
        self.errors == 0 || self.applied || self.takes_good_rows
    }

    /// What people read, line by line: problems first, then the files, then what was done.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let problem = |problem: &Problem| {
            let severity = match problem.severity {
                Severity::Error => "transfer-error",
                Severity::Warning => "transfer-warning",
            };
            words::text(language, severity, &[("text", Value::from(problem.text_in(language)))])
        };
        let mut lines: Vec<String> = self.problems.iter().map(problem).collect();
        lines.extend(self.files.iter().map(|file| {
            let count = |count: u64| Value::from(count.to_string());
            let arguments = [
                ("file", Value::from(file.file.as_str())),
                ("added", count(file.added)),
                ("unchanged", count(file.unchanged)),
                ("superseded", count(file.superseded)),
                ("refused", count(file.refused)),
            ];
            words::text(language, "transfer-file", &arguments)
        }));
        let outcome = match (self.applied, self.dry_run, self.errors) {
            (true, _, 0) => "transfer-applied",
            (true, _, _) => "transfer-applied-good-rows",
            (false, true, _) if self.takes_good_rows => "transfer-dry-run",
            (false, true, 0) => "transfer-dry-run",
            (false, true, _) => "transfer-dry-run-errors",
            (false, false, _) => "transfer-refused",
        };
        lines.push(words::text(
            language,
            outcome,
            &[("errors", Value::from(self.errors.to_string()))],
        ));
        lines
    }

    /// What scripts read.
    pub fn to_json(&self) -> serde_json::Value {
        let problem = |problem: &Problem| {
            let text = problem.text();
            serde_json::json!({
                "file": problem.file,
                "row": problem.row,
                "key": problem.key,
                "problem": problem.code.name(),
                "error": problem.severity == Severity::Error,
                "text": { "zh-CN": text.chinese, "en": text.english },
            })
        };
        serde_json::json!({
            "applied": self.applied,
            "dry_run": self.dry_run,
            "errors": self.errors,
            "files": self.files.iter().map(FileReport::to_json).collect::<Vec<_>>(),
            "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
        })
    }
}
