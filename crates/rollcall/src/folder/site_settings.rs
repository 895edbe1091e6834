//! The settings of `site.toml` that belong to no period, in editions: at the top those of always, in `[[settings]]` what changes from
//! a date on.

use chrono_tz::Tz;
use rules::model::SiteSettings;
use rules::time::{Instant, Span};

use super::document::Node;
use super::problem::{Code, Problems};
use super::values;

/// What an edition may set; `site.toml` may set the same at its top.
pub(super) const SETTINGS: [&str; 4] = [
    "debounce_seconds",
    "clock_tolerance_seconds",
    "coverage_tolerance_minutes",
    "meeting_travel_minutes",
];

/// Longest length of time that a setting may have: a week.
const SECONDS_MAX: i64 = 7 * 86_400;

/// The editions by the date from which they hold. What one does not say stays as it was before.
pub(super) fn read(top: &Node<'_>, zone: Tz, problems: &mut Problems) -> Vec<SiteSettings> {
    let mut tables: Vec<(Instant, Node<'_>)> = Vec::new();
    for table in top.tables("settings", problems) {
        table.warn_of_other_keys(&[&["from"][..], &SETTINGS].concat(), problems);
        let from = table.required("from", table.date("from"));
        let Some(from) = problems.keep(from).map(|date| values::midnight(date, zone)) else {
            continue;
        };
        if tables.iter().any(|(other, _)| *other == from) {
            problems.add(table.problem(Code::Duplicate, "from").with("first", top.line()));
            continue;
        }
        tables.push((from, table));
    }
    tables.sort_by_key(|(from, _)| *from);
    let default = SiteSettings::default();
    let mut editions = vec![edition(top, default.from, &default, problems)];
    for (from, table) in tables {
        let before = &editions[editions.len() - 1];
        editions.push(edition(&table, from, before, problems));
    }
    editions
}

fn edition(table: &Node<'_>, from: Instant, before: &SiteSettings, problems: &mut Problems) -> SiteSettings {
    let mut length = |key, unit_seconds: i64, before: Span| {
        let number = problems.keep(table.integer(key, 0, SECONDS_MAX / unit_seconds));
        let span = |number: i64| Span::from_seconds(number * unit_seconds);
        number.flatten().map_or(before, span)
    };
    SiteSettings {
        from,
        debounce: length("debounce_seconds", 1, before.debounce),
        clock_tolerance: length("clock_tolerance_seconds", 1, before.clock_tolerance),
        coverage_tolerance: length("coverage_tolerance_minutes", 60, before.coverage_tolerance),
        meeting_travel: length("meeting_travel_minutes", 60, before.meeting_travel),
    }
}
