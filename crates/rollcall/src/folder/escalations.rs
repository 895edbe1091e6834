//! `escalations.toml`: what adds up, and what follows from it.

use std::collections::HashMap;

use chrono::NaiveDate;
use rules::count::{EscalationRule, Window};
use rules::finding::FindingKind;
use rules::model::{Id, SiteRecords, UnitIndex};

use super::compile::Draft;
use super::document::{Document, Node};
use super::problem::{Code, Problem, Problems};
use super::source::SiteSource;

const FILE: &str = "escalations.toml";

/// The longest rolling window in days: ten years.
const DAYS_MAX: i64 = 3_660;

/// The most findings that a rule may ask for.
const COUNT_MAX: i64 = 10_000;

/// Reads the rules of a folder.
pub(super) fn escalations(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    draft.records.escalations = rules_of(&source.escalations, &draft.units, problems);
}

/// Reads rules that are not those in force, for trying them out.
pub fn escalation_rules(text: &str, records: &SiteRecords) -> (Vec<EscalationRule>, Vec<Problem>) {
    let units = records.units.iter().zip((0..).map(UnitIndex));
    let units: HashMap<Id, UnitIndex> = units.map(|(unit, index)| (unit.id.clone(), index)).collect();
    let mut problems = Problems::default();
    let rules = rules_of(text, &units, &mut problems);
    (rules, problems.into_sorted())
}

fn rules_of(text: &str, units: &HashMap<Id, UnitIndex>, problems: &mut Problems) -> Vec<EscalationRule> {
    let document = Document::parse(FILE, text, problems);
    let top = document.top();
    top.warn_of_other_keys(&["escalation"], problems);
    let mut first_lines: HashMap<(Id, Option<NaiveDate>), u64> = HashMap::new();
    let mut rules = Vec::new();
    for node in top.tables("escalation", problems) {
        let known = [
            "id",
            "name",
            "kinds",
            "count",
            "within",
            "within_days",
            "yields",
            "from",
            "until",
            "units",
        ];
        node.warn_of_other_keys(&known, problems);
        let rule = rule(&node, units, problems);
        let Some(rule) = problems.keep(rule) else {
            continue;
        };
        let edition = (rule.id.clone(), rule.from);
        if let Some(first) = first_lines.get(&edition) {
            problems.add(node.problem(Code::Duplicate, "id").with("first", first));
            continue;
        }
        first_lines.insert(edition, node.line());
        rules.push(rule);
    }
    rules
}

fn rule(node: &Node<'_>, units: &HashMap<Id, UnitIndex>, problems: &mut Problems) -> Result<EscalationRule, Problem> {
    let missing = |key: &str| node.problem(Code::ValueMissing, key);
    let id: Id = node.text("id")?.ok_or_else(|| missing("id"))?.into();
    let (from, until) = (node.date("from")?, node.date("until")?);
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        let problem = node.problem(Code::IntervalEmpty, "until");
        return Err(problem.with("from", from).with("until", until));
    }
    let count = node.integer("count", 1, COUNT_MAX)?.ok_or_else(|| missing("count"))?;
    Ok(EscalationRule {
        name: node.text("name")?.map_or_else(|| id.clone(), Into::into),
        id,
        kinds: kinds(node)?,
        count: u32::try_from(count).expect("bounded above"),
        within: window(node, problems)?,
        yields: node.text("yields")?.ok_or_else(|| missing("yields"))?.into(),
        from,
        until,
        units: units_of(node, units)?,
    })
}

/// Kinds of findings, at least one, and no escalations: those would count themselves.
fn kinds(node: &Node<'_>) -> Result<Vec<FindingKind>, Problem> {
    let names = node.texts("kinds")?.unwrap_or_default();
    if names.is_empty() {
        return Err(node.problem(Code::ValueMissing, "kinds"));
    }
    let countable = || {
        FindingKind::ALL
            .into_iter()
            .filter(|kind| *kind != FindingKind::Escalation)
    };
    let allowed = || countable().map(FindingKind::name).collect::<Vec<_>>().join(", ");
    let kind = |name: &String| {
        countable().find(|kind| kind.name() == name).ok_or_else(|| {
            let problem = node.problem(Code::ValueInvalid, "kinds").with("value", name);
            problem.with("allowed", allowed())
        })
    };
    names.iter().map(kind).collect()
}

/// `within` a part of the calendar or `{ days = 30 }`, or `within_days = 30`, which is the same.
fn window(node: &Node<'_>, problems: &mut Problems) -> Result<Window, Problem> {
    let days = |node: &Node<'_>, key| {
        let days = node.integer(key, 1, DAYS_MAX)?;
        Ok(days.map(|days| Window::Days(u32::try_from(days).expect("bounded above"))))
    };
    let words = [
        ("month", Window::Month),
        ("quarter", Window::Quarter),
        ("year", Window::Year),
    ];
    let within = if node.is_table("within") {
        let table = node.table("within", problems);
        table.map_or(Ok(None), |table| {
            table.warn_of_other_keys(&["days"], problems);
            days(&table, "days")
        })?
    } else {
        node.choice("within", &words)?
    };
    match (within, days(node, "within_days")?) {
        (Some(window), None) | (None, Some(window)) => Ok(window),
        (Some(_), Some(_)) => {
            let problem = node.problem(Code::ValueInvalid, "within_days");
            Err(problem
                .with("value", "within_days")
                .with("allowed", "within | within_days"))
        }
        (None, None) => Err(node.problem(Code::ValueMissing, "within")),
    }
}

fn units_of(node: &Node<'_>, units: &HashMap<Id, UnitIndex>) -> Result<Vec<UnitIndex>, Problem> {
    let unit = |id: String| {
        let known = units.get(id.as_str()).copied();
        known.ok_or_else(|| node.problem(Code::UnitUnknown, "units").with("value", id))
    };
    node.texts("units")?.unwrap_or_default().into_iter().map(unit).collect()
}
