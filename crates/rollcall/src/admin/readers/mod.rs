//! 数据源: every reader and how it is, live; and what can be done about it.
//!
//! The pages are written from the book of readers ([`crate::sources`]) and work without scripts. `live.js` fetches a page again
//! when [`events`] says that something changed, so that what is shown is a second or two old at most.

mod bridges;
mod list;
mod live;
mod one;
pub mod parts;

pub use list::list;
pub use live::events;
pub use one::{show, test};

use super::visitor::Reviewer;
use crate::sources::SourceState;

/// The readers of the book, and those that only the bureau's `readers.csv` names, by id.
pub fn states(reviewer: &Reviewer) -> Vec<SourceState> {
    let records = reviewer.site.facts.records();
    let today = rules::time::local_date(reviewer.now, records.site.zone);
    let mut states = reviewer.app.shared.sources.all(today);
    let is_missing = |id: &str| states.iter().all(|state| state.reader != id);
    let others: Vec<SourceState> = records
        .readers
        .iter()
        .filter(|reader| is_missing(&reader.id))
        .map(|reader| SourceState {
            reader: reader.id.to_string(),
            ..SourceState::default()
        })
        .collect();
    states.extend(others);
    states.sort_by(|one, other| one.reader.cmp(&other.reader));
    states
}

/// Where a reader's page is.
pub fn path_of(reader: &str) -> String {
    format!("/readers/{}", super::page::query_value(reader))
}
