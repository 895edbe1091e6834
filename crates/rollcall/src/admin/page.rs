//! What every page has: its frame, its language, who reads it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::App;
use super::assets;
use super::error::AdminError;
use super::visitor::{Reviewer, Visitor};
use crate::words::{self, Language};

/// The frame of a page.
pub struct Page {
    /// The language that it speaks.
    pub language: Language,
    /// The bureau's name.
    pub site: String,
    /// The date and time by which is judged, as people read it; empty for visitors.
    pub now: String,
    /// Who is logged in.
    pub account: Option<String>,
    /// The secret that the page's forms send back; empty for visitors.
    pub form_token: String,
    /// Which entry of the navigation it is under.
    pub section: Section,
    /// Whether people and swipes are invented.
    pub is_demo: bool,
}

/// Entries of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// 今日
    Today,
    /// 周审核
    Review,
    /// 规则
    Rules,
    /// 数据源
    Readers,
    /// None of them.
    Other,
}

impl Page {
    /// The frame for somebody who is logged in.
    pub fn of(reviewer: &Reviewer, section: Section) -> Self {
        let zone = reviewer.site.facts.records().site.zone;
        Self {
            account: Some(reviewer.account.clone()),
            form_token: reviewer.session.form_secret.clone(),
            now: super::show::moment(reviewer.language, reviewer.now, zone),
            section,
            ..Self::of_visitor(reviewer.language, &reviewer.app)
        }
    }

    /// The frame for anybody.
    pub fn of_visitor(language: Language, app: &App) -> Self {
        Self {
            language,
            site: app.shared.site.borrow().facts.records().site.name.to_string(),
            now: String::new(),
            account: None,
            form_token: String::new(),
            section: Section::Other,
            is_demo: app.shared.demo,
        }
    }

    /// The text of a message without arguments.
    pub fn t(&self, key: &str) -> String {
        words::text(self.language, key, &[])
    }

    /// The tag of the language.
    pub fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// Whether it speaks Chinese.
    pub fn is_chinese(&self) -> bool {
        self.language == Language::Chinese
    }

    /// The address of an embedded file.
    #[expect(clippy::unused_self, reason = "templates call it on the page")]
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Whether it is under this entry of the navigation: `today`, `review`, `rules` or `readers`.
    pub fn is_in(&self, section: &str) -> bool {
        matches!(
            (self.section, section),
            (Section::Today, "today")
                | (Section::Review, "review")
                | (Section::Rules, "rules")
                | (Section::Readers, "readers")
        )
    }
}

impl From<&Visitor> for Page {
    fn from(visitor: &Visitor) -> Self {
        Self::of_visitor(visitor.language, &visitor.app)
    }
}

/// A written page.
pub fn respond(status: StatusCode, template: &impl Template) -> Result<Response, AdminError> {
    Ok((status, Html(template.render()?)).into_response())
}

#[derive(Template)]
#[template(path = "admin/error.html")]
struct ErrorPage<'a> {
    page: Page,
    key: &'a str,
    request_id: Option<&'a str>,
}

/// The page that says what went wrong; `request_id` finds it in the log.
pub fn error(page: Page, key: &str, request_id: Option<&str>) -> Result<Html<String>, askama::Error> {
    ErrorPage { page, key, request_id }.render().map(Html)
}

/// The login page, which afterwards leads on to `wanted`.
pub fn login_path(wanted: Option<&str>) -> String {
    match wanted.filter(|wanted| is_own_path(wanted) && *wanted != "/") {
        Some(wanted) => format!("/login?next={}", query_value(wanted)),
        None => "/login".to_owned(),
    }
}

/// Whether a path is one of ours: nothing that a browser could take for another host.
pub fn is_own_path(path: &str) -> bool {
    let mut letters = path.chars();
    let starts_well = letters.next() == Some('/') && !matches!(letters.next(), Some('/' | '\\'));
    starts_well && path.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\')
}

/// A value as it stands in a query string.
pub fn query_value(value: &str) -> String {
    use std::fmt::Write;
    value.bytes().fold(String::new(), |mut written, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            write!(written, "%{byte:02X}").expect("a String takes everything");
        }
        written
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_on_to_our_own_pages_only() {
        assert_eq!(
            login_path(Some("/review/2026-W37?tab=open")),
            "/login?next=%2Freview%2F2026-W37%3Ftab%3Dopen"
        );
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\r\nSet-Cookie: b",
            "/a\\b",
        ] {
            assert!(!is_own_path(foreign), "{foreign}");
        }
        assert_eq!(login_path(Some("/")), "/login");
    }
}
