//! A replay in words and as JSON.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use rules::facts::SiteFacts;
use rules::time::{Instant, Span};
use serde_json::{Value as Json, json};
use store::rows::{FindingRow, Review};

use super::{Change, Comparison, Difference};
use crate::words::{self, Language, Value};

/// What findings are called in a bureau.
pub struct Labels<'a> {
    /// The bureau.
    pub site: &'a SiteFacts,
    /// In which language.
    pub language: Language,
}

/// A line for each difference, then the counts by unit, then those of all.
pub fn lines_of(comparison: &Comparison, labels: &Labels<'_>) -> Vec<String> {
    let mut lines: Vec<String> = comparison
        .differences
        .iter()
        .map(|difference| labels.line(difference))
        .collect();
    for (unit, counts) in comparison.counts_by_unit() {
        let mut arguments = vec![("unit", Value::from(labels.unit(&unit)))];
        arguments.extend(counted(&counts));
        lines.push(words::text(labels.language, "replay-unit", &arguments));
    }
    let mut arguments = vec![("unchanged", Value::from(comparison.unchanged.to_string()))];
    arguments.extend(counted(&comparison.counts()));
    lines.push(words::text(labels.language, "replay-counts", &arguments));
    let published = comparison
        .differences
        .iter()
        .filter(|it| it.published.is_some())
        .count();
    if published > 0 {
        let count = [("count", Value::from(published.to_string()))];
        lines.push(words::text(labels.language, "replay-published", &count));
    }
    let decided = comparison.differences.iter().filter(|it| is_decided(it)).count();
    if decided > 0 {
        let count = [("count", Value::from(decided.to_string()))];
        lines.push(words::text(labels.language, "replay-decided", &count));
    }
    lines
}

fn counted(counts: &BTreeMap<Change, u64>) -> Vec<(&'static str, Value<'static>)> {
    let count = |change: Change| counts.get(&change).copied().unwrap_or_default().to_string();
    Change::ALL
        .map(|change| (change.name(), Value::from(count(change))))
        .to_vec()
}

/// Whether somebody has decided on what would change.
fn is_decided(difference: &Difference) -> bool {
    difference
        .before
        .as_ref()
        .is_some_and(|row| matches!(row.review, Review::Confirmed | Review::Waived))
}

impl Labels<'_> {
    fn line(&self, difference: &Difference) -> String {
        let Some(row) = difference.shown() else {
            return String::new();
        };
        let said = |row: &Option<FindingRow>| row.as_ref().map_or_else(|| self.nothing(), |row| self.said(row));
        let arguments = [
            ("change", Value::from(self.change(difference.change))),
            ("date", Value::from(row.date.as_str())),
            ("name", Value::from(self.name(row))),
            ("person", Value::from(subject(row).to_owned())),
            ("about", Value::from(self.about(row))),
            ("before", Value::from(said(&difference.before))),
            ("after", Value::from(said(&difference.after))),
        ];
        words::text(self.language, "replay-line", &arguments)
    }

    fn change(&self, change: Change) -> String {
        let key = match change {
            Change::New => "replay-new",
            Change::Worse => "replay-worse",
            Change::Restated => "replay-restated",
            Change::Better => "replay-better",
            Change::Gone => "replay-gone",
        };
        words::text(self.language, key, &[])
    }

    fn nothing(&self) -> String {
        words::text(self.language, "replay-nothing", &[])
    }

    fn said(&self, row: &FindingRow) -> String {
        let kind = words::text(self.language, &format!("kind-{}", row.kind), &[]);
        let state = words::text(self.language, &format!("state-{}", row.state), &[]);
        let mut arguments = vec![("kind", Value::from(kind)), ("state", Value::from(state))];
        let Some(length) = row.length_ms else {
            return words::text(self.language, "replay-said", &arguments);
        };
        arguments.push(("minutes", Value::from(Span::from_ms(length).shown_minutes())));
        words::text(self.language, "replay-said-minutes", &arguments)
    }

    fn about(&self, row: &FindingRow) -> String {
        let title = row.meeting.as_ref().map(|id| {
            let meetings = &self.site.records().meetings;
            let meeting = meetings.iter().find(|meeting| *meeting.id == **id);
            meeting.map_or_else(|| id.clone(), |meeting| meeting.title.to_string())
        });
        let duty = || {
            let mut duties = self.site.records().duties.iter();
            let duty = duties.find(|duty| row.source.as_deref() == Some(&*duty.id))?;
            Some(words::duty(self.language, duty))
        };
        let date = || words::text(self.language, "about-date", &[]);
        row.period.clone().or(title).or_else(duty).unwrap_or_else(date)
    }

    /// The last name of a person, or that of a unit; their ids where the facts do not know them.
    fn name(&self, row: &FindingRow) -> String {
        if row.person.is_empty() {
            return self.unit(subject(row));
        }
        let known = self.site.person_index(&row.person);
        let stint = known.and_then(|index| self.site.records().people[index.at()].stints.last());
        stint.map_or_else(|| row.person.clone(), |stint| stint.name.to_string())
    }

    fn unit(&self, id: &str) -> String {
        let unit = self.site.records().units.iter().find(|unit| &*unit.id == id);
        unit.map_or_else(|| id.to_owned(), |unit| unit.name.to_string())
    }
}

/// The id of the person or unit that a finding is about.
fn subject(row: &FindingRow) -> &str {
    if row.person.is_empty() {
        row.unit.as_deref().unwrap_or_default()
    } else {
        &row.person
    }
}

/// Whom a finding is about, as the contract writes it: `person:ana`, `unit:plan`.
pub fn subject_id(row: &FindingRow) -> String {
    let kind = if row.person.is_empty() { "unit" } else { "person" };
    format!("{kind}:{}", subject(row))
}

/// What scripts read of a comparison; instants are in the site's zone.
pub fn to_json(comparison: &Comparison, zone: Tz) -> Json {
    let counts = |counts: &BTreeMap<Change, u64>| -> BTreeMap<&'static str, u64> {
        counts.iter().map(|(change, count)| (change.name(), *count)).collect()
    };
    let mut all = counts(&comparison.counts());
    all.insert("unchanged", comparison.unchanged);
    let units: BTreeMap<String, _> = comparison
        .counts_by_unit()
        .into_iter()
        .map(|(unit, by_change)| (unit, counts(&by_change)))
        .collect();
    let differences: Vec<Json> = comparison
        .differences
        .iter()
        .filter_map(|difference| difference_json(difference, zone))
        .collect();
    json!({ "counts": all, "units": units, "differences": differences })
}

fn difference_json(difference: &Difference, zone: Tz) -> Option<Json> {
    let row = difference.shown()?;
    let said = |row: &Option<FindingRow>| row.as_ref().map(|row| said_json(row, zone));
    Some(json!({
        "change": difference.change.name(),
        "subject": subject_id(row),
        "unit": row.unit,
        "date": row.date,
        "period": row.period,
        "meeting": row.meeting,
        "source": row.source,
        "before": said(&difference.before),
        "after": said(&difference.after),
        "decided": is_decided(difference),
        "published": difference.published,
    }))
}

fn said_json(row: &FindingRow, zone: Tz) -> Json {
    let instant = |at: Option<Instant>| {
        let at = at?.to_utc().with_timezone(&zone);
        Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, false))
    };
    json!({
        "kind": row.kind,
        "state": row.state,
        "minutes": row.length_ms.map(|length| Span::from_ms(length).shown_minutes()),
        "due": instant(row.due),
        "actual": instant(row.actual),
        "since": instant(row.since),
        "swipes": row.swipes.split_whitespace().collect::<Vec<_>>(),
    })
}
