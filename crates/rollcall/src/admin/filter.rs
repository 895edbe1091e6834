//! Which findings of a week are listed: the query string of the review pages.

use chrono::NaiveDate;
use serde::Deserialize;
use store::rows::{FindingRow, Review};

use super::directory::Directory;
use super::page::query_value;

/// How many findings a page lists.
pub const LINES_PER_PAGE: usize = 100;

/// Where a finding stands: the tabs of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    /// 待审: final, and nobody has decided.
    #[default]
    Open,
    /// 未定: provisional or withheld, so that nobody can decide yet.
    Unsettled,
    /// 处理后有变: decided, but what it says has changed since.
    Changed,
    /// 已确认
    Confirmed,
    /// 已免责
    Waived,
}

impl Tab {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Unsettled,
        Self::Changed,
        Self::Confirmed,
        Self::Waived,
    ];

    /// Where a finding stands.
    pub fn of(row: &FindingRow) -> Self {
        match row.review {
            Review::Open if row.state == "final" => Self::Open,
            Review::Open => Self::Unsettled,
            Review::Confirmed => Self::Confirmed,
            Review::Waived => Self::Waived,
            Review::ChangedAfterDecision => Self::Changed,
        }
    }

    /// The name in the query string and in the JSON API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unsettled => "unsettled",
            Self::Changed => "changed",
            Self::Confirmed => "confirmed",
            Self::Waived => "waived",
        }
    }

    /// The key of its words.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Open => "admin-tab-open",
            Self::Unsettled => "admin-tab-unsettled",
            Self::Changed => "admin-tab-changed",
            Self::Confirmed => "admin-tab-confirmed",
            Self::Waived => "admin-tab-waived",
        }
    }
}

/// What the query string says. What is empty does not narrow; a value that means nothing lists nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Which tab; the one where work waits if it is not said.
    pub tab: Tab,
    /// A unit and those below it, by identifier.
    pub unit: String,
    /// A kind, in snake case.
    pub kind: String,
    /// Part of a name, or an identifier.
    pub person: String,
    /// A date, `YYYY-MM-DD`.
    pub date: String,
    /// Which page of the list, from 1; 0 is not said.
    pub page: usize,
    /// What was just done, to be said once.
    pub done: Option<Done>,
}

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// A finding was confirmed.
    Confirmed,
    /// A finding was waived.
    Waived,
}

impl Done {
    /// The name in the query string.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waived => "waived",
        }
    }

    /// The key of its words.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Confirmed => "admin-done-confirmed",
            Self::Waived => "admin-done-waived",
        }
    }
}

impl Filter {
    /// Whether a finding passes everything but the tab.
    pub fn passes(&self, row: &FindingRow, directory: &Directory<'_>) -> bool {
        let is_of_unit = || {
            row.unit
                .as_deref()
                .is_some_and(|unit| directory.is_within(unit, &self.unit))
        };
        (self.kind.is_empty() || row.kind == self.kind)
            && (self.date.is_empty() || row.date == self.date)
            && (self.unit.is_empty() || is_of_unit())
            && (self.person.is_empty() || self.is_of_person(row, directory))
    }

    fn is_of_person(&self, row: &FindingRow, directory: &Directory<'_>) -> bool {
        let wanted = self.person.trim().to_lowercase();
        let date = row.date.parse::<NaiveDate>().unwrap_or_default();
        row.person.to_lowercase() == wanted || directory.subject_of(row, date).to_lowercase().contains(&wanted)
    }

    /// Whether anything but the tab narrows the list.
    pub fn narrows(&self) -> bool {
        [&self.unit, &self.kind, &self.person, &self.date]
            .iter()
            .any(|value| !value.is_empty())
    }

    /// The query string that says this again, with its `?`; empty if there is nothing to say. What was just done is left out.
    pub fn query(&self) -> String {
        let texts = [
            ("unit", &self.unit),
            ("kind", &self.kind),
            ("person", &self.person),
            ("date", &self.date),
        ];
        let mut parts: Vec<_> = texts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}={}", query_value(value)))
            .collect();
        if self.tab != Tab::Open {
            parts.insert(0, format!("tab={}", self.tab.name()));
        }
        if self.page > 1 {
            parts.push(format!("page={}", self.page));
        }
        if parts.is_empty() {
            String::new()
        } else {
            format!("?{}", parts.join("&"))
        }
    }

    /// The same list under another tab, from its beginning.
    #[must_use]
    pub fn under(&self, tab: Tab) -> Self {
        Self {
            tab,
            page: 0,
            ..self.clone()
        }
    }

    /// The same list, another page of it.
    #[must_use]
    pub fn on_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_itself_again() {
        let filter = Filter {
            tab: Tab::Waived,
            unit: "plan".into(),
            person: "赵 &".into(),
            page: 2,
            ..Filter::default()
        };
        assert_eq!(filter.query(), "?tab=waived&unit=plan&person=%E8%B5%B5%20%26&page=2");
        assert_eq!(filter.under(Tab::Open).query(), "?unit=plan&person=%E8%B5%B5%20%26");
        assert_eq!(Filter::default().query(), "");
        assert!(filter.narrows() && !Filter::default().under(Tab::Changed).narrows());
    }
}
