//! Cards: those that nobody has, whose each is, giving one to somebody, a new one for a lost one.
//!
//! Every change is one transaction with its audit record ([`crate::commissioning`]) and can be undone from the page that it leads to.

mod assign;
mod list;
mod person;
mod unknown;

pub use assign::{assign, show_assign};
pub use list::{LONGEST_FILE_BYTES, export, import, list};
pub use person::{end, present, reissue, show as show_person, undo};
pub use unknown::list as unknown;

use chrono::NaiveDateTime;
use rules::model::PersonIndex;
use rules::time::{Instant, civil_instant};

use super::readers::parts::Writer;
use super::show;
use super::visitor::Reviewer;
use crate::commissioning::ChangeError;

/// The most characters of a reason.
const LONGEST_REASON: usize = 500;

/// Up to so many people a form offers them as somebody types; beyond that the page would grow too long.
const PEOPLE_OFFERED: usize = 3_000;

/// How form fields write an instant at the site.
const FIELD: &str = "%Y-%m-%dT%H:%M";

/// Where a person's cards are.
pub fn path_of(person: &str) -> String {
    format!("/badges/people/{}", super::page::query_value(person))
}

/// Where a badge is given to somebody.
pub fn assign_path(badge: &str) -> String {
    format!("/badges/assign?badge={}", super::page::query_value(badge))
}

/// Text of a form as it is kept.
fn reason(text: &str) -> String {
    show::plain(text.trim()).chars().take(LONGEST_REASON).collect()
}

/// A badge key of a form; `None` where it cannot be one.
fn badge_key(text: &str) -> Option<String> {
    let key = text.trim();
    let is_key =
        !key.is_empty() && key.len() <= crate::commissioning::LONGEST_BADGE && !key.chars().any(char::is_control);
    is_key.then(|| key.to_owned())
}

impl Writer<'_> {
    /// An instant as a form field holds it.
    fn field(&self, at: Instant) -> String {
        at.to_utc().with_timezone(&self.zone()).format(FIELD).to_string()
    }

    /// What a form field holds; `None` where it is no time.
    fn instant(&self, field: &str) -> Option<Instant> {
        let local = NaiveDateTime::parse_from_str(field.trim(), FIELD)
            .or_else(|_| NaiveDateTime::parse_from_str(field.trim(), "%Y-%m-%dT%H:%M:%S"));
        Some(civil_instant(local.ok()?, self.zone()))
    }

    /// An instant as a file has it.
    fn cell(&self, at: Instant) -> String {
        at.to_utc().with_timezone(&self.zone()).to_rfc3339()
    }

    /// The people of today as somebody types them: `10237 赵一宁 · 综合业务一科`.
    fn people(&self) -> Vec<String> {
        let facts = &self.reviewer.site.facts;
        let offered = facts.person_indexes().filter_map(|person| self.typed(person));
        offered.take(PEOPLE_OFFERED).collect()
    }

    fn typed(&self, person: PersonIndex) -> Option<String> {
        let facts = &self.reviewer.site.facts;
        let stint = facts.stint_at(person, self.reviewer.now)?;
        let id = &facts.records().people[person.at()].id;
        let unit = &facts.records().units[stint.unit.at()].name;
        Some(format!(
            "{} {} · {}",
            show::plain(id),
            show::plain(&stint.name),
            show::plain(unit)
        ))
    }

    /// Whom somebody typed: an identifier, with or without what stands behind it, or a name that only one person has now.
    fn person(&self, typed: &str) -> Result<PersonIndex, String> {
        let (facts, typed) = (&self.reviewer.site.facts, typed.trim());
        let first = typed.split_whitespace().next().unwrap_or_default();
        if let Some(person) = facts.person_index(typed).or_else(|| facts.person_index(first)) {
            return Ok(person);
        }
        let is_named = |person: &PersonIndex| {
            let stint = facts.stint_at(*person, self.reviewer.now);
            stint.is_some_and(|stint| &*stint.name == typed)
        };
        let named: Vec<PersonIndex> = facts.person_indexes().filter(is_named).collect();
        match named[..] {
            [person] => Ok(person),
            [] => Err(self.text("admin-badge-nobody")),
            _ => {
                let several: Vec<String> = named.into_iter().filter_map(|person| self.typed(person)).collect();
                let arguments = [("people", crate::words::Value::from(several.join("、")))];
                Err(crate::words::text(self.language(), "admin-badge-several", &arguments))
            }
        }
    }

    fn person_id(&self, person: PersonIndex) -> String {
        self.reviewer.site.facts.records().people[person.at()].id.to_string()
    }

    /// What somebody of that identifier is called now.
    fn name(&self, person: &str) -> String {
        let date = rules::time::local_date(self.reviewer.now, self.zone());
        super::directory::Directory::of(&self.reviewer.site.facts).name_of(person, date)
    }
}

/// Why a change was not made, as the page says it; a fault of the database is no such thing.
fn refused(reviewer: &Reviewer, error: ChangeError) -> Result<String, super::error::AdminError> {
    match error {
        ChangeError::ChangedMeanwhile => Ok(crate::words::text(reviewer.language, "admin-badge-changed", &[])),
        ChangeError::Store(error) => Err(error.into()),
    }
}
