//! Site folders into and out of the database.
//!
//! A site folder is the form in which a bureau keeps its facts, and the database stores just that: documents as text, and rows of
//! CSV files as rows. So importing is a comparison: rows that are equal stay, rows that are gone are superseded, new ones are added,
//! and importing the same folder again changes nothing. A file that a folder does not have leaves what is stored as it is, so that a
//! folder with nothing but `swipes.csv` adds swipes and touches nobody's records; a file with a header alone empties its records.
//! Swipes are only ever added.

mod check;
mod export;
mod import;
mod plan;
mod proposal;
mod punches;
mod record;
mod report;
mod stored;
mod swipes;

pub use export::{ExportError, ExportReport, export};
pub use import::{ImportError, ImportOptions, import};
pub(crate) use plan::fact_id;
pub use proposal::{LaidOver, Proposal, lay_over, propose};
pub use punches::{PunchesError, PunchesOptions, import_punches};
pub use record::{NewFact, record, take_back};
pub use report::{FileReport, ImportReport};
pub(crate) use stored::{cell, csv_text, source_of};
pub use stored::{site_source, site_source_at};
pub(crate) use swipes::facing;

#[cfg(test)]
mod tests;
