//! Explanations as the pages show them, and as a decision keeps them.

use rules::explain::{Explanation, Step};
use rules::facts::SiteFacts;

use super::show::plain;
use crate::words::sources::source;
use crate::words::steps::{StepText, steps as in_words};
use crate::words::{Bilingual, Language};

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
        source: source(language, said).unwrap_or_default(),
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
