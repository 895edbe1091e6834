//! Everything that people read, in zh-CN and English, from embedded Fluent files.
//!
//! To add words: put a message of the same key into a file of `locales/zh-CN/` and of `locales/en/`, and list a new file
//! in [`FILES`]. A test holds that both locales have the same keys and that every key is used.

pub mod sources;
pub mod steps;

use std::fmt;
use std::sync::LazyLock;

pub use fluent_bundle::FluentValue as Value;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use rules::finding::{FindingKind, FindingState};
use rules::model::Duty;

/// A language in which we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Simplified Chinese, `zh-CN`; the default.
    Chinese,
    /// English, `en`.
    English,
}

/// What one message says in both languages, as the JSON of `judge` and frozen explanations have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bilingual {
    /// zh-CN.
    pub chinese: String,
    /// en.
    pub english: String,
}

/// Arguments of a message: names as in the Fluent file, and their values.
pub type Arguments<'a> = [(&'static str, Value<'a>)];

/// One Fluent file, as it is in each locale.
struct File {
    name: &'static str,
    chinese: &'static str,
    english: &'static str,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(File {
            name: $name,
            chinese: include_str!(concat!("../../locales/zh-CN/", $name, ".ftl")),
            english: include_str!(concat!("../../locales/en/", $name, ".ftl")),
        }),*]
    };
}

/// The Fluent files, by their names without `.ftl`; a key is in one file only.
const FILES: &[File] = files![
    "admin",
    "calendars",
    "demo",
    "findings",
    "judge",
    "problems",
    "readers",
    "replay",
    "steps",
    "transfer"
];

type Bundle = FluentBundle<FluentResource>;

static CHINESE: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Chinese));
static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::English));

/// The key of the words for a role on duty that we know: `leader`, or 带班领导 as a roster may write it, is the leader's shift.
pub fn duty_role(role: &str) -> Option<&'static str> {
    matches!(role, "leader" | "带班" | "带班领导").then_some("duty-role-leader")
}

/// What a duty is called in lists: with the role, where the roster says one.
pub fn duty(language: Language, duty: &Duty) -> String {
    let Some(role) = &duty.role else {
        return text(language, "about-duty", &[]);
    };
    let role = duty_role(role).map_or_else(|| role.to_string(), |key| text(language, key, &[]));
    text(language, "about-duty-role", &[("role", Value::from(role))])
}

/// The text of a message. An unknown key, or an argument that the message asks for and does not get, is a mistake in our
/// own source: tests and debug builds stop there, a release shows the key in `⟦⟧`.
pub fn text(language: Language, key: &str, arguments: &Arguments<'_>) -> String {
    let bundle: &Bundle = match language {
        Language::Chinese => &CHINESE,
        Language::English => &ENGLISH,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        debug_assert!(false, "no words for the key {key} in {language}");
        return format!("⟦{key}⟧");
    };
    let arguments: FluentArgs<'_> = arguments.iter().map(|(name, value)| (*name, value.clone())).collect();
    let mut errors = Vec::new();
    let text = bundle
        .format_pattern(pattern, Some(&arguments), &mut errors)
        .into_owned();
    debug_assert!(errors.is_empty(), "{key} in {language}: {errors:?}");
    text
}

/// The text of a message in both languages.
pub fn both(key: &str, arguments: &Arguments<'_>) -> Bilingual {
    Bilingual {
        chinese: text(Language::Chinese, key, arguments),
        english: text(Language::English, key, arguments),
    }
}

/// What people call a kind of finding: 早退, 中途离场, ….
pub fn kind(language: Language, kind: FindingKind) -> String {
    text(language, &format!("kind-{}", kind.name()), &[])
}

/// What people call the state of a finding: 待定, 已定, 暂缓.
pub fn state(language: Language, state: FindingState) -> String {
    text(language, &format!("state-{}", state.name()), &[])
}

impl Language {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Chinese, Self::English];

    /// The tag in URLs, `lang` attributes and JSON.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The language of a tag such as `zh-CN`, `zh`, `en-GB`, or of a POSIX locale such as `zh_CN.UTF-8`; `None` for others.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag
            .split(['-', '_', '.', '@'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.tag())
    }
}

impl Bilingual {
    /// The text in one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.chinese,
            Language::English => &self.english,
        }
    }
}

impl File {
    fn source(&self, language: Language) -> &'static str {
        match language {
            Language::Chinese => self.chinese,
            Language::English => self.english,
        }
    }
}

fn bundle(language: Language) -> Bundle {
    let locale = language.tag().parse().expect("both tags are language identifiers");
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Isolation marks are invisible characters around arguments: they would end up in files, searches and tests.
    bundle.set_use_isolating(false);
    for file in FILES {
        let resource = FluentResource::try_new(file.source(language).to_owned())
            .unwrap_or_else(|(_, errors)| panic!("locales/{language}/{}.ftl: {errors:?}", file.name));
        bundle
            .add_resource(resource)
            .unwrap_or_else(|errors| panic!("locales/{language}/{}.ftl repeats a key: {errors:?}", file.name));
    }
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn keys(language: Language) -> BTreeSet<String> {
        let lines = FILES.iter().flat_map(|file| file.source(language).lines());
        let messages = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()));
        messages
            .filter_map(|line| line.split_once(" ="))
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    fn sources(folder: &Path, into: &mut String) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                sources(&path, into);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "rs" || extension == "html")
            {
                into.push_str(&std::fs::read_to_string(&path).expect("a source in UTF-8"));
            }
        }
    }

    #[test]
    fn both_locales_have_the_same_keys() {
        assert_eq!(keys(Language::Chinese), keys(Language::English));
        assert!(keys(Language::English).len() > 10);
    }

    #[test]
    fn every_key_is_used_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        for folder in ["src", "templates", "../rules/src"] {
            sources(&root.join(folder), &mut text);
        }
        // Keys of these families are made of a name that the program has elsewhere.
        let families = ["kind-", "state-", "problem-", "calendar-kind-", "meetings-act-"];
        let unused: Vec<_> = keys(Language::English)
            .into_iter()
            .filter(|key| {
                let name = families
                    .iter()
                    .find_map(|family| key.strip_prefix(family))
                    .unwrap_or(key);
                !text.contains(&format!("\"{name}\""))
            })
            .collect();
        assert!(unused.is_empty(), "words that nobody says: {unused:?}");
    }

    #[test]
    fn kinds_and_states_have_names() {
        assert_eq!(kind(Language::Chinese, FindingKind::WalkOut), "中途离场");
        assert_eq!(kind(Language::English, FindingKind::EarlyLeave), "left early");
        assert_eq!(state(Language::Chinese, FindingState::Withheld), "暂缓");
        for language in Language::ALL {
            for kind_of in FindingKind::ALL {
                assert!(!kind(language, kind_of).is_empty());
            }
        }
    }

    #[test]
    fn a_locale_names_a_language() {
        assert_eq!(Language::of_tag("zh_CN.UTF-8"), Some(Language::Chinese));
        assert_eq!(Language::of_tag("en-GB"), Some(Language::English));
        assert_eq!(Language::of_tag("C.UTF-8"), None);
    }
}
