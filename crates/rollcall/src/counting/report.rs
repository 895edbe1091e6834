//! Simulated escalations in words and as JSON.

use rules::count::EscalationRule;
use rules::facts::SiteFacts;
use serde_json::{Value as Json, json};

use super::Flagged;
use crate::replay::subject_id;
use crate::words::{self, Language, Value, steps};

/// A line for each person flagged, then how many people and escalations there are.
pub fn flagged_lines(
    flagged: &[Flagged],
    rules: &[EscalationRule],
    site: &SiteFacts,
    language: Language,
) -> Vec<String> {
    let mut lines = Vec::new();
    for one in flagged {
        let arguments = [
            ("date", Value::from(one.date.to_string())),
            ("name", Value::from(name_of(site, one))),
            ("person", Value::from(one.subject().to_owned())),
            ("rule", Value::from(&*rules[one.rule].name)),
            ("yields", Value::from(&*rules[one.rule].yields)),
        ];
        lines.push(words::text(language, "escalations-flagged", &arguments));
        let steps = steps::steps(&one.explanation, site.records());
        let numbered = steps.iter().zip(1..);
        lines.extend(numbered.map(|(step, number)| format!("  {number}. {}", step.text.in_language(language))));
    }
    let mut people: Vec<(bool, &str)> = flagged
        .iter()
        .map(|one| (one.person.is_empty(), one.subject()))
        .collect();
    people.sort_unstable();
    people.dedup();
    let arguments = [
        ("people", Value::from(people.len().to_string())),
        ("escalations", Value::from(flagged.len().to_string())),
    ];
    lines.push(words::text(language, "escalations-summary", &arguments));
    lines
}

/// The last name of a person, or that of a unit; their ids where the facts do not know them.
fn name_of(site: &SiteFacts, one: &Flagged) -> String {
    let records = site.records();
    let name = if one.person.is_empty() {
        let unit = records.units.iter().find(|unit| &*unit.id == one.subject());
        unit.map(|unit| &unit.name)
    } else {
        let known = site.person_index(&one.person);
        let stint = known.and_then(|index| records.people[index.at()].stints.last());
        stint.map(|stint| &stint.name)
    };
    name.map_or_else(|| one.subject().to_owned(), ToString::to_string)
}

/// What scripts read.
pub fn flagged_json(flagged: &[Flagged], rules: &[EscalationRule], site: &SiteFacts) -> Json {
    let one = |flagged: &Flagged| {
        let rule = &rules[flagged.rule];
        let steps = steps::steps(&flagged.explanation, site.records());
        let explanation = steps
            .iter()
            .map(|step| json!({ "text": { "zh-CN": step.text.chinese, "en": step.text.english }, "refs": step.refs }));
        json!({
            "subject": flagged.findings.last().map(subject_id),
            "unit": flagged.unit,
            "date": flagged.date.to_string(),
            "rule": &*rule.id,
            "name": &*rule.name,
            "yields": &*rule.yields,
            "findings": flagged.findings.iter().map(|row| json!({
                "id": row.id, "date": row.date, "period": row.period, "meeting": row.meeting, "kind": row.kind,
            })).collect::<Vec<_>>(),
            "explanation": explanation.collect::<Vec<_>>(),
        })
    };
    json!({ "flagged": flagged.iter().map(one).collect::<Vec<_>>() })
}
