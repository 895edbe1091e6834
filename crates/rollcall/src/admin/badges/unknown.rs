//! `GET /badges/unknown`: cards that were read while nobody had them.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use rules::time::{Interval, Span};

use crate::admin::error::AdminError;
use crate::admin::page::{Page, Section, respond};
use crate::admin::readers::parts::Writer;
use crate::admin::show;
use crate::admin::visitor::Reviewer;
use crate::commissioning::{UnknownBadge, unknown_badges};
use crate::words::{self, Value};

/// How far back is looked.
pub const DAYS_BACK: i64 = 31;

#[derive(Template)]
#[template(path = "admin/unknown.html")]
struct UnknownPage {
    page: Page,
    subtitle: String,
    badges: Vec<Row>,
}

struct Row {
    badge: String,
    /// Whose it was, where it was anybody's.
    note: String,
    is_lost: bool,
    last: String,
    reader: String,
    place: String,
    first: String,
    times: usize,
    assign: String,
}

/// `GET /badges/unknown`
pub async fn list(reviewer: Reviewer) -> Result<Response, AdminError> {
    let from = reviewer.now - Span::from_minutes(DAYS_BACK * 24 * 60);
    // What a clock that is ahead has stamped with tomorrow is here today.
    let until = reviewer.now + Span::from_minutes(24 * 60);
    let ledger = &reviewer.app.shared.ledger;
    let unknown = unknown_badges(&**ledger, &reviewer.site, Interval::new(from, until)).await?;
    let writer = Writer { reviewer: &reviewer };
    let arguments = [("badges", Value::from(unknown.len())), ("days", Value::from(DAYS_BACK))];
    let page = UnknownPage {
        page: Page::of(&reviewer, Section::Readers),
        subtitle: words::text(reviewer.language, "admin-unknown-subtitle", &arguments),
        badges: unknown.iter().map(|unknown| writer.unknown(unknown)).collect(),
    };
    respond(StatusCode::OK, &page)
}

impl Writer<'_> {
    fn unknown(&self, unknown: &UnknownBadge) -> Row {
        let lost = unknown.lost.as_ref().map(|lost| {
            let arguments = [
                ("name", Value::from(self.name(&lost.person))),
                ("until", Value::from(self.when(lost.until.as_ms()))),
            ];
            words::text(self.language(), "admin-unknown-lost", &arguments)
        });
        Row {
            badge: show::plain(&unknown.badge),
            is_lost: lost.is_some(),
            note: lost.unwrap_or_else(|| self.text("admin-unknown-never")),
            last: self.when(unknown.last.happened_at.as_ms()),
            reader: show::plain(&unknown.last.reader),
            place: self.place(&unknown.last.reader),
            first: self.when(unknown.first.happened_at.as_ms()),
            times: unknown.times,
            assign: super::assign_path(&unknown.badge),
        }
    }
}
