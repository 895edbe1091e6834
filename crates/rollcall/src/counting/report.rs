//! Simulated escalations in words and as JSON.

use rules::count::EscalationRule;
use rules::facts::SiteFacts;
use serde_json::{Value as Json, json};

use super::Flagged;
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
            ("name", Value::from(name_of(site, &one.person))),
            ("person", Value::from(one.person.as_str())),
            ("rule", Value::from(&*rules[one.rule].name)),
            ("yields", Value::from(&*rules[one.rule].yields)),
        ];
        lines.push(words::text(language, "escalations-flagged", &arguments));
        let steps = steps::steps(&one.explanation, site.records());
        let numbered = steps.iter().zip(1..);
        lines.extend(numbered.map(|(step, number)| format!("  {number}. {}", step.text.in_language(language))));
    }
    let mut people: Vec<&str> = flagged.iter().map(|one| one.person.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    let arguments = [
        ("people", Value::from(people.len().to_string())),
        ("escalations", Value::from(flagged.len().to_string())),
    ];
    lines.push(words::text(language, "escalations-summary", &arguments));
    lines
}

/// The last name of a person, or their id where the facts do not know them.
pub fn name_of(site: &SiteFacts, person: &str) -> String {
    let known = site
        .person_index(person)
        .map(|index| &site.records().people[index.at()]);
    let stint = known.and_then(|known| known.stints.last());
    stint.map_or_else(|| person.to_owned(), |stint| stint.name.to_string())
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
            "subject": format!("person:{}", flagged.person),
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
