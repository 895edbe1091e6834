//! `/badges/assign`: a card is given to somebody, from the day on which it was first read.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rules::time::{Instant, Interval, Span, local_date};
use serde::Deserialize;
use store::rows::SwipeRecord;

use super::unknown::DAYS_BACK;
use crate::admin::error::AdminError;
use crate::admin::page::{Page, Section, respond};
use crate::admin::readers::parts::Writer;
use crate::admin::show;
use crate::admin::visitor::{Reviewer, Signed};
use crate::commissioning::{self, Act, Change, lost_since};
use crate::folder::midnight;
use crate::words::{self, Value};

/// How many of the card's swipes are shown.
const SWIPES_SHOWN: usize = 15;

#[derive(Template)]
#[template(path = "admin/assign.html")]
struct AssignPage {
    page: Page,
    badge: String,
    problem: Option<String>,
    form: Assignment,
    people: Vec<String>,
    swipes: Vec<SwipeView>,
    note: String,
}

struct SwipeView {
    when: String,
    reader: String,
    place: String,
    holder: String,
}

/// Which card.
#[derive(Deserialize)]
pub struct OfBadge {
    badge: String,
}

/// Who is given which card.
#[derive(Clone, Deserialize)]
pub struct Assignment {
    badge: String,
    person: String,
    /// From when on, as form fields write it.
    from: String,
    #[serde(default)]
    reason: String,
}

/// `GET /badges/assign?badge=…`
pub async fn show_assign(
    reviewer: Reviewer,
    query: Result<Query<OfBadge>, QueryRejection>,
) -> Result<Response, AdminError> {
    let Query(OfBadge { badge }) = query?;
    let writer = Writer { reviewer: &reviewer };
    let swipes = writer.swipes_of(&badge).await?;
    let form = Assignment {
        from: writer.field(writer.first_day(&badge, &swipes)),
        person: String::new(),
        reason: words::text(reviewer.language, "admin-badge-reason-new", &[]),
        badge,
    };
    writer.page(form, None, StatusCode::OK, &swipes)
}

/// `POST /badges/assign`
pub async fn assign(signed: Signed<Assignment>) -> Result<Response, AdminError> {
    let Signed { reviewer, form } = signed;
    let writer = Writer { reviewer: &reviewer };
    let (person, change) = match writer.given(&form) {
        Ok(given) => given,
        Err(problem) => return refuse(&writer, form, problem, StatusCode::UNPROCESSABLE_ENTITY).await,
    };
    let act = Act {
        name: "badge.assign",
        subject: format!("person:{person}"),
        body: serde_json::json!({"reason": super::reason(&form.reason)}),
    };
    let shared = &reviewer.app.shared;
    let written = commissioning::apply(
        &*shared.ledger,
        &reviewer.site,
        &change,
        &act,
        &reviewer.account,
        reviewer.now,
    );
    match written.await {
        Ok(at) => {
            let path = super::path_of(&person);
            Ok(Redirect::to(&format!("{path}?done=assigned&change={}", at.as_ms())).into_response())
        }
        Err(error) => {
            let problem = super::refused(&reviewer, error)?;
            refuse(&writer, form, problem, StatusCode::CONFLICT).await
        }
    }
}

async fn refuse(
    writer: &Writer<'_>,
    form: Assignment,
    problem: String,
    status: StatusCode,
) -> Result<Response, AdminError> {
    let swipes = writer.swipes_of(&form.badge).await?;
    writer.page(form, Some(problem), status, &swipes)
}

impl Writer<'_> {
    /// Whom a form gives which card, as rows; or what is wrong with it.
    fn given(&self, form: &Assignment) -> Result<(String, Change), String> {
        let badge = super::badge_key(&form.badge).ok_or_else(|| self.text("admin-badge-no-key"))?;
        let person = self.person(&form.person)?;
        let from = self
            .instant(&form.from)
            .ok_or_else(|| self.text("admin-badge-no-time"))?;
        if super::reason(&form.reason).is_empty() {
            return Err(self.text("admin-badge-no-reason"));
        }
        if let Some((_, name)) = self.holder(&badge, from) {
            let arguments = [("name", Value::from(name))];
            return Err(words::text(self.language(), "admin-badge-taken", &arguments));
        }
        let person = self.person_id(person);
        let row = [("badge", badge), ("person", person.clone()), ("from", self.cell(from))];
        let row: BTreeMap<String, String> = row.map(|(column, cell)| (column.to_owned(), cell)).into();
        let change = Change {
            added: vec![row],
            ..Change::default()
        };
        Ok((person, change))
    }

    /// The last of the card's swipes, oldest first.
    async fn swipes_of(&self, badge: &str) -> Result<Vec<SwipeRecord>, AdminError> {
        let now = self.reviewer.now;
        let from = now - Span::from_minutes(DAYS_BACK * 24 * 60);
        let happened = Interval::new(from, now + Span::from_minutes(24 * 60));
        let mut swipes = self.reviewer.app.shared.ledger.swipes(&[badge], happened).await?;
        swipes.sort_by_key(|swipe| swipe.happened_at);
        Ok(swipes)
    }

    /// The beginning of the day on which the card was first read while nobody had it, but not before somebody lost it.
    fn first_day(&self, badge: &str, swipes: &[SwipeRecord]) -> Instant {
        let is_nobodys = |swipe: &&SwipeRecord| self.holder(badge, swipe.happened_at).is_none();
        let first = swipes
            .iter()
            .find(is_nobodys)
            .map_or(self.reviewer.now, |swipe| swipe.happened_at);
        let day = midnight(local_date(first, self.zone()), self.zone());
        let lost = lost_since(&self.reviewer.site, badge, first);
        lost.map_or(day, |lost| day.max(lost.until))
    }

    fn page(
        &self,
        form: Assignment,
        problem: Option<String>,
        status: StatusCode,
        swipes: &[SwipeRecord],
    ) -> Result<Response, AdminError> {
        let lost = lost_since(&self.reviewer.site, &form.badge, self.reviewer.now);
        let note = lost.map_or_else(
            || self.text("admin-unknown-never"),
            |lost| {
                let arguments = [
                    ("name", Value::from(self.name(&lost.person))),
                    ("until", Value::from(self.when(lost.until.as_ms()))),
                ];
                words::text(self.language(), "admin-unknown-lost", &arguments)
            },
        );
        let view = |swipe: &SwipeRecord| SwipeView {
            when: self.when(swipe.happened_at.as_ms()),
            reader: show::plain(&swipe.reader),
            place: self.place(&swipe.reader),
            holder: self.holder_text(&swipe.badge, swipe.happened_at),
        };
        let page = AssignPage {
            page: Page::of(self.reviewer, Section::Readers),
            badge: show::plain(&form.badge),
            problem,
            people: self.people(),
            swipes: swipes.iter().rev().take(SWIPES_SHOWN).map(view).collect(),
            note,
            form,
        };
        respond(status, &page)
    }
}
