//! What the steps of an explanation rest on, in words.

use super::steps::StepText;
use super::{Language, Value, text};
use crate::admin::show::plain;

/// How much of a swipe's identifier is enough to recognise it.
const ENOUGH: usize = 8;

/// What was looked at, then the part of the rules. Swipes have long identifiers, of which the beginning is enough to
/// recognise one; the step itself names the reader of a swipe. A conclusion rests on everything above it: `None`.
pub fn source(language: Language, step: &StepText) -> Option<String> {
    if step.is_conclusion {
        return None;
    }
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
    let said: Vec<String> = looked_at.chain([clause(language, &step.clause)]).collect();
    Some(said.join(" · "))
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
            return text(language, "admin-clause-office", &[("rule", Value::from(rule))]);
        }
    };
    text(language, key, &[])
}
