//! Explanations as the pages show them, and as a decision keeps them.

use rules::explain::{Explanation, Step};
use rules::facts::SiteFacts;

use super::show::plain;
use crate::words::steps::{StepText, steps as in_words};
use crate::words::{self, Bilingual, Language, Value};

/// A numbered step.
pub struct StepView {
    /// What it says.
    pub text: String,
    /// What it rests on: the part of the rules, and what was looked at.
    pub source: String,
    /// Whether it is what all the others lead to.
    pub is_conclusion: bool,
}

/// The steps of an explanation in one language.
pub fn steps(language: Language, site: &SiteFacts, explanation: &Explanation) -> Vec<StepView> {
    let view = |said: &StepText| StepView {
        text: plain(said.text.in_language(language)),
        // A conclusion rests on everything above it.
        source: if said.is_conclusion {
            String::new()
        } else {
            source(language, said)
        },
        is_conclusion: said.is_conclusion,
    };
    in_words(explanation, site.records()).iter().map(view).collect()
}

/// Whether what an explanation leads to is withheld, because a reader may have missed a swipe.
pub fn is_withheld(explanation: &Explanation) -> bool {
    explanation
        .steps
        .iter()
        .any(|step| matches!(step, Step::Withheld { .. }))
}

/// An explanation as text, a numbered line a step, in both languages: what a decision keeps.
pub fn frozen(site: &SiteFacts, explanation: &Explanation) -> Bilingual {
    let steps = in_words(explanation, site.records());
    let lines = |language: Language| {
        let numbered = steps.iter().zip(1..);
        let lines = numbered.map(|(step, number)| format!("{number}. {}", step.text.in_language(language)));
        lines.collect::<Vec<_>>().join("\n")
    };
    Bilingual {
        chinese: lines(Language::Chinese),
        english: lines(Language::English),
    }
}

/// What was looked at, then the part of the rules. Swipes have long identifiers, of which the beginning is enough to
/// recognise one; the step itself names the reader of a swipe.
fn source(language: Language, step: &StepText) -> String {
    const ENOUGH: usize = 8;
    let is_swipe = |name: &str| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = |name: &String| {
        if is_swipe(name) {
            format!("#{}", &name[..ENOUGH])
        } else {
            plain(name)
        }
    };
    let names_swipe = step.refs.iter().any(|name| is_swipe(name));
    let looked_at = step
        .refs
        .iter()
        .filter(|name| is_swipe(name) || !names_swipe)
        .take(3)
        .map(short);
    looked_at
        .chain([clause(language, &step.clause)])
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The part of the rules, as people call it.
fn clause(language: Language, clause: &str) -> String {
    let key = match clause {
        "meeting" => "admin-clause-meeting",
        "duty" => "admin-clause-duty",
        "time" => "admin-clause-time",
        "swipes" => "admin-clause-swipes",
        "coverage" => "admin-clause-coverage",
        "words" => "admin-clause-words",
        "counting" => "admin-clause-counting",
        office => {
            let rule = office.strip_prefix("office-").unwrap_or(office);
            return words::text(language, "admin-clause-office", &[("rule", Value::from(rule))]);
        }
    };
    words::text(language, key, &[])
}
