//! Explanations as the pages show them, and as a decision keeps them.

use rules::explain::Explanation;
use rules::facts::SiteFacts;

use super::show::plain;
use crate::words::steps::{StepText, steps as in_words};
use crate::words::{Bilingual, Language};

/// A numbered step.
pub struct StepView {
    /// What it says.
    pub text: String,
    /// What it rests on.
    pub source: String,
}

/// The steps of an explanation in one language.
pub fn steps(language: Language, site: &SiteFacts, explanation: &Explanation) -> Vec<StepView> {
    let steps = in_words(explanation, site.records());
    steps.iter().map(|step| StepView { text: plain(step.text.in_language(language)), source: source(step) }).collect()
}

/// An explanation as text, a numbered line a step, in both languages: what a decision keeps.
pub fn frozen(site: &SiteFacts, explanation: &Explanation) -> Bilingual {
    let steps = in_words(explanation, site.records());
    let lines = |language: Language| {
        let numbered = steps.iter().zip(1..);
        let lines = numbered.map(|(step, number)| format!("{number}. {}", step.text.in_language(language)));
        lines.collect::<Vec<_>>().join("\n")
    };
    Bilingual { chinese: lines(Language::Chinese), english: lines(Language::English) }
}

/// Swipes have long identifiers, of which the beginning is enough to recognise one.
fn source(step: &StepText) -> String {
    const ENOUGH: usize = 12;
    let is_swipe = |name: &str| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = |name: &String| if is_swipe(name) { format!("#{}", &name[..ENOUGH]) } else { plain(name) };
    step.refs.iter().take(3).map(short).collect::<Vec<_>>().join(" · ")
}
