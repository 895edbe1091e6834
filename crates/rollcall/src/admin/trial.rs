//! 规则: what adds up, and a trial of other rules: "this rule would have flagged these people last quarter".

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Months, NaiveDate};
use rules::count::{EscalationRule, Window};
use rules::finding::FindingKind;
use rules::model::UnitIndex;
use rules::time::local_date;

use super::directory::Directory;
use super::error::AdminError;
use super::page::{Page, Section, respond};
use super::reasons::{self, StepView};
use super::show;
use super::visitor::Reviewer;
use crate::counting::{self, Counting, Flagged, Simulation};
use crate::week::Week;
use crate::words::{self, Language, Value, steps};

/// The longest rolling window that a trial takes, in days.
const DAYS_MAX: u32 = 3_660;

/// The most findings that a trial asks for.
const COUNT_MAX: u32 = 10_000;

#[derive(Template)]
#[template(path = "admin/rules.html")]
struct RulesPage {
    page: Page,
    /// The rules in force.
    rules: Vec<RuleView>,
    form: Form,
    /// Why the form cannot be tried.
    problem: Option<String>,
    outcome: Option<Outcome>,
}

struct RuleView {
    name: String,
    counts: String,
    yields: String,
    since: String,
    of: String,
}

/// The form, as it was sent or as it is offered.
struct Form {
    kinds: Vec<Choice>,
    count: String,
    windows: Vec<Choice>,
    days: String,
    units: Vec<Choice>,
    from: String,
    until: String,
    countings: Vec<Choice>,
}

struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

struct Outcome {
    summary: String,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    unit: String,
    date: String,
    href: String,
    steps: Vec<StepView>,
}

/// What the query string says; a check box is there when it is ticked.
type Asked = BTreeMap<String, String>;

/// `GET /rules`
pub async fn show(reviewer: Reviewer, asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, AdminError> {
    let Query(asked) = asked?;
    let directory = Directory::of(&reviewer.site.facts);
    let desk = Desk {
        reviewer: &reviewer,
        directory: &directory,
        asked: &asked,
    };
    let (problem, outcome) = match desk.simulation() {
        None => (None, None),
        Some(Err(key)) => (Some(words::text(reviewer.language, key, &[])), None),
        Some(Ok(simulation)) => {
            let ledger = &*reviewer.app.shared.ledger;
            let flagged = counting::simulate(ledger, &reviewer.site, &simulation).await?;
            (None, Some(desk.outcome(&flagged)))
        }
    };
    let page = RulesPage {
        page: Page::of(&reviewer, Section::Rules),
        rules: desk.rules(),
        form: desk.form(),
        problem,
        outcome,
    };
    respond(StatusCode::OK, &page)
}

struct Desk<'a> {
    reviewer: &'a Reviewer,
    directory: &'a Directory<'a>,
    asked: &'a Asked,
}

impl Desk<'_> {
    fn language(&self) -> Language {
        self.reviewer.language
    }

    fn text(&self, key: &str) -> String {
        words::text(self.language(), key, &[])
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.asked
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn is_asked(&self) -> bool {
        self.asked.contains_key("try")
    }

    /// What is to be tried; `None` where the form was not sent yet, or why it cannot be, as the key of a sentence.
    fn simulation(&self) -> Option<Result<Simulation, &'static str>> {
        self.is_asked().then(|| {
            let (from, until) = self.dates().ok_or("admin-rules-wrong-dates")?;
            Ok(Simulation {
                rules: vec![self.rule()?],
                from,
                until,
                counting: self.counting(),
            })
        })
    }

    fn rule(&self) -> Result<EscalationRule, &'static str> {
        let kinds: Vec<FindingKind> = countable().filter(|kind| self.is_ticked(*kind)).collect();
        if kinds.is_empty() {
            return Err("admin-rules-wrong-kinds");
        }
        let count = self.get("count").and_then(|text| text.parse().ok());
        let count = count.filter(|count| (1..=COUNT_MAX).contains(count));
        let name = self.text("admin-rules-tried");
        Ok(EscalationRule {
            id: "tried".into(),
            name: name.as_str().into(),
            kinds,
            count: count.ok_or("admin-rules-wrong-count")?,
            within: self.window()?,
            yields: name.as_str().into(),
            from: None,
            until: None,
            units: self.unit()?,
        })
    }

    fn window(&self) -> Result<Window, &'static str> {
        match self.get("within") {
            Some("month") => Ok(Window::Month),
            Some("quarter") => Ok(Window::Quarter),
            Some("year") => Ok(Window::Year),
            _ => {
                let days = self.get("days").and_then(|text| text.parse().ok());
                let days = days.filter(|days| (1..=DAYS_MAX).contains(days));
                days.map(Window::Days).ok_or("admin-rules-wrong-days")
            }
        }
    }

    fn unit(&self) -> Result<Vec<UnitIndex>, &'static str> {
        let Some(id) = self.get("unit") else {
            return Ok(Vec::new());
        };
        let units = &self.reviewer.site.facts.records().units;
        let known = units.iter().zip((0..).map(UnitIndex)).find(|(unit, _)| &*unit.id == id);
        known.map(|(_, index)| vec![index]).ok_or("admin-rules-wrong-unit")
    }

    fn counting(&self) -> Counting {
        if self.get("counting") == Some("confirmed") {
            Counting::Confirmed
        } else {
            Counting::Final
        }
    }

    /// The dates asked for; those of the last whole quarter where none are.
    fn dates(&self) -> Option<(NaiveDate, NaiveDate)> {
        let today = local_date(self.reviewer.now, self.reviewer.site.facts.records().site.zone);
        let quarter = Window::Quarter.first(today);
        let date = |name, otherwise: NaiveDate| match self.get(name) {
            Some(text) => text.parse().ok(),
            None => Some(otherwise),
        };
        let from = date("from", quarter.checked_sub_months(Months::new(3)).unwrap_or(quarter))?;
        let until = date("until", quarter)?;
        (from < until).then_some((from, until))
    }

    /// Whether a kind is ticked; lateness is where nothing was sent yet.
    fn is_ticked(&self, kind: FindingKind) -> bool {
        if self.is_asked() {
            self.asked.contains_key(&format!("kind.{}", kind.name()))
        } else {
            matches!(kind, FindingKind::Late | FindingKind::SeriouslyLate)
        }
    }

    fn form(&self) -> Form {
        let dates = self.dates();
        let shown = |name: &str, otherwise: Option<NaiveDate>| {
            let text = self.get(name).map(str::to_owned);
            text.or(otherwise.map(|date| date.to_string())).unwrap_or_default()
        };
        let window = self.get("within").unwrap_or("month");
        let counting = self.get("counting").unwrap_or("final");
        let choice = |value: &str, key: &str, chosen: &str| Choice {
            value: value.to_owned(),
            label: self.text(key),
            is_chosen: value == chosen,
        };
        let unit = self.get("unit").unwrap_or_default();
        Form {
            kinds: countable()
                .map(|kind| Choice {
                    value: format!("kind.{}", kind.name()),
                    label: words::kind(self.language(), kind),
                    is_chosen: self.is_ticked(kind),
                })
                .collect(),
            count: self.get("count").unwrap_or("3").to_owned(),
            windows: vec![
                choice("month", "window-month", window),
                choice("quarter", "window-quarter", window),
                choice("year", "window-year", window),
                choice("days", "admin-rules-days", window),
            ],
            days: self.get("days").unwrap_or("30").to_owned(),
            units: self
                .directory
                .units()
                .map(|(value, label)| Choice {
                    is_chosen: value == unit,
                    value,
                    label,
                })
                .collect(),
            from: shown("from", dates.map(|(from, _)| from)),
            until: shown("until", dates.map(|(_, until)| until)),
            countings: vec![
                choice("final", "admin-rules-final", counting),
                choice("confirmed", "admin-rules-confirmed", counting),
            ],
        }
    }

    fn rules(&self) -> Vec<RuleView> {
        let records = self.reviewer.site.facts.records();
        let view = |rule: &EscalationRule| {
            let kinds: Vec<String> = rule
                .kinds
                .iter()
                .map(|kind| words::kind(self.language(), *kind))
                .collect();
            let arguments = [
                ("kinds", Value::from(kinds.join(&self.text("words-or")))),
                ("window", Value::from(steps::window(self.language(), rule.within))),
                ("count", Value::from(rule.count)),
            ];
            let units = rule
                .units
                .iter()
                .map(|unit| show::plain(&records.units[unit.at()].name));
            let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
            RuleView {
                name: show::plain(&rule.name),
                counts: words::text(self.language(), "admin-rules-counts", &arguments),
                yields: show::plain(&rule.yields),
                since: format!("{} – {}", date(rule.from), date(rule.until)),
                of: units.collect::<Vec<_>>().join(", "),
            }
        };
        records.escalations.iter().map(view).collect()
    }

    fn outcome(&self, flagged: &[Flagged]) -> Outcome {
        let mut people: Vec<(bool, &str)> = flagged
            .iter()
            .map(|one| (one.person.is_empty(), one.subject()))
            .collect();
        people.sort_unstable();
        people.dedup();
        let arguments = [
            ("people", Value::from(people.len())),
            ("times", Value::from(flagged.len())),
        ];
        let line = |one: &Flagged| {
            let last = one.findings.last();
            let week = Week::of(one.date);
            Line {
                name: if one.person.is_empty() {
                    self.directory.unit_name(one.subject())
                } else {
                    self.directory.name_of(&one.person, one.date)
                },
                unit: one
                    .unit
                    .as_deref()
                    .map(|unit| self.directory.unit_name(unit))
                    .unwrap_or_default(),
                date: show::day_and_weekday(self.language(), one.date),
                href: last
                    .map(|row| format!("/review/{week}/f/{}", row.id))
                    .unwrap_or_default(),
                steps: reasons::steps(self.language(), &self.reviewer.site.facts, &one.explanation),
            }
        };
        Outcome {
            summary: words::text(self.language(), "admin-rules-outcome", &arguments),
            lines: flagged.iter().map(line).collect(),
        }
    }
}

/// The kinds that can count: all that can become final, but escalations.
fn countable() -> impl Iterator<Item = FindingKind> {
    let never = [FindingKind::NotArrived, FindingKind::Escalation];
    FindingKind::ALL.into_iter().filter(move |kind| !never.contains(kind))
}
