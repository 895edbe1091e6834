//! Reading a site folder: a bureau as plain files.
//!
//! Two stages, so that the database can reuse the second: [`read_directory`] makes a [`SiteSource`] of the files, and
//! [`compile`] makes records of it. What is wrong is a [`Problem`] with its file, row or key, and a remedy; the good
//! neighbours of a bad row still count. Only a folder without a usable `site.toml` is refused.
//!
//! To add a column: list it in [`source::TableFile::columns`] and read it where the file's rows are compiled.

mod attendance;
mod badges;
mod bureau;
mod compile;
mod decisions;
mod document;
mod duties;
mod escalations;
mod feed;
mod gathering;
mod hours;
mod meetings;
mod period_defaults;
mod problem;
mod shipped;
mod site_settings;
mod source;
mod swipes;
mod values;

pub use badges::BadgeKeys;
pub use compile::{Compiled, compile};
pub use decisions::FolderDecision;
pub use escalations::escalation_rules;
pub use hours::calendar_problems;
pub use problem::{Code, Problem, Severity};
pub use shipped::Shipped;
pub use source::{Row, SiteSource, Table, TableFile, read_directory};
pub use swipes::FolderSwipe;
pub use values::{EVER, date, instant_or_midnight, local_instant, midnight};

/// Why a folder cannot be judged at all.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The path is not a folder that can be read.
    #[error("{path} cannot be read as a site folder: {source}; name a folder that holds at least site.toml")]
    Unreadable {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no `site.toml` with a usable `time_zone`, and without a zone no instant means anything.
    #[error("{}", unusable(.0))]
    SiteUnusable(Vec<Problem>),
}

fn unusable(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| problem.text().english).collect();
    format!(
        "the folder cannot be judged without a usable site.toml\n{}",
        lines.join("\n")
    )
}
