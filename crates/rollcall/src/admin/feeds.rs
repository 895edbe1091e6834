//! The meeting calendars that the daemon follows, as today's page shows them.

use chrono_tz::Tz;
use rules::time::Instant;

use super::show;
use crate::calendars::watch::{self, Status};
use crate::words::{self, Language, Value};

/// How many problems of a calendar the page shows; `rollcall sources` lists more.
const PROBLEMS_SHOWN: usize = 5;

/// A calendar and how it is.
pub struct FeedView {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it could be had.
    pub state: String,
    /// Whether somebody should look at it.
    pub is_down: bool,
    /// Meetings that it has in the window.
    pub meetings: usize,
    /// When it was last looked at.
    pub last: String,
    /// The first of what is wrong in it.
    pub problems: Vec<String>,
}

/// The calendars of the stored setting, by name.
pub fn views(setting: Option<&str>, language: Language, zone: Tz) -> Vec<FeedView> {
    let statuses = watch::parse_statuses(setting);
    statuses
        .iter()
        .map(|(name, status)| view(name, status, language, zone))
        .collect()
}

fn view(name: &str, status: &Status, language: Language, zone: Tz) -> FeedView {
    let key = match (status.reached, status.errors) {
        (true, 0) => "admin-source-up",
        (true, _) => "admin-feed-faulty",
        (false, _) => "admin-feed-away",
    };
    let errors = Value::from(status.errors.to_string());
    let in_language = |(chinese, english): &(String, String)| match language {
        Language::Chinese => show::plain(chinese),
        Language::English => show::plain(english),
    };
    FeedView {
        name: show::plain(name),
        state: words::text(language, key, &[("errors", errors)]),
        is_down: !status.reached || status.errors > 0,
        meetings: status.meetings,
        last: show::moment(language, Instant::from_ms(status.seen_at_ms), zone),
        problems: status.problems.iter().take(PROBLEMS_SHOWN).map(in_language).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_that_is_away_says_so_in_both_languages() {
        let status = Status {
            reached: false,
            errors: 1,
            problems: vec![("取不到".to_owned(), "cannot be had".to_owned())],
            ..Status::default()
        };
        let setting = serde_json::json!({"team": status}).to_string();
        for language in Language::ALL {
            let views = views(Some(&setting), language, chrono_tz::Asia::Shanghai);
            assert!(views[0].is_down && views[0].name == "team");
            assert_eq!(views[0].problems.len(), 1);
        }
        assert!(views(Some("what an older version wrote"), Language::English, Tz::UTC).is_empty());
        assert!(views(None, Language::English, Tz::UTC).is_empty());
    }
}
