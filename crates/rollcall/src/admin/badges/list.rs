//! `GET /badges`: whose each card is; out to a spreadsheet and in again.

use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::admin::directory::Directory;
use crate::admin::error::AdminError;
use crate::admin::page::{Page, Section, respond};
use crate::admin::readers::parts::Writer;
use crate::admin::show;
use crate::admin::visitor::{Reviewer, Signed};
use crate::commissioning::{self, Act, BadgeFact, csv};
use crate::words::{self, Value};

/// How many cards the page lists.
const LISTED: usize = 100;

/// The longest file that is taken from the page, bytes as a form sends them.
pub const LONGEST_FILE_BYTES: usize = 4 * 1_024 * 1_024;

#[derive(Template)]
#[template(path = "admin/badges.html")]
struct BadgesPage {
    page: Page,
    subtitle: String,
    query: String,
    badges: Vec<Row>,
    more: Option<String>,
    /// What came of a file.
    outcome: Option<Outcome>,
    text: String,
}

struct Row {
    badge: String,
    path: String,
    person: String,
    from: String,
    until: String,
}

struct Outcome {
    summary: String,
    is_taken: bool,
    problems: Vec<String>,
}

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    q: String,
}

/// A file as text.
#[derive(Deserialize)]
pub struct File {
    text: String,
    /// `try` or `import`.
    act: String,
    #[serde(default)]
    accept_good_rows: Option<String>,
}

/// `GET /badges`
pub async fn list(reviewer: Reviewer, wanted: Result<Query<Wanted>, QueryRejection>) -> Result<Response, AdminError> {
    let Query(wanted) = wanted?;
    show_page(&reviewer, wanted.q, None, String::new(), StatusCode::OK).await
}

/// `GET /badges/badges.csv`
pub async fn export(reviewer: Reviewer) -> Result<Response, AdminError> {
    let facts = commissioning::badge_facts(&*reviewer.app.shared.ledger).await?;
    let writer = Writer { reviewer: &reviewer };
    let date = rules::time::local_date(reviewer.now, writer.zone());
    let directory = Directory::of(&reviewer.site.facts);
    let text = csv::export(&facts, |person| directory.name_of(person, date));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"badges.csv\""),
    ];
    Ok((headers, text).into_response())
}

/// `POST /badges`
pub async fn import(signed: Signed<File>) -> Result<Response, AdminError> {
    let Signed { reviewer, form } = signed;
    let ledger = &*reviewer.app.shared.ledger;
    let facts = commissioning::badge_facts(ledger).await?;
    let plan = csv::plan(form.text.as_bytes(), &facts, &reviewer.site);
    let is_good = plan.problems.is_empty() || form.accept_good_rows.is_some();
    let is_taken = form.act == "import" && is_good;
    if is_taken && !plan.change.added.is_empty() {
        let act = Act {
            name: "badge.import",
            subject: "badges.csv".to_owned(),
            body: serde_json::json!({"refused": plan.problems.len()}),
        };
        let written = commissioning::apply(
            ledger,
            &reviewer.site,
            &plan.change,
            &act,
            &reviewer.account,
            reviewer.now,
        );
        if let Err(error) = written.await {
            let summary = super::refused(&reviewer, error)?;
            let outcome = Outcome {
                summary,
                is_taken: false,
                problems: Vec::new(),
            };
            let (query, status) = (String::new(), StatusCode::CONFLICT);
            return show_page(&reviewer, query, Some(outcome), form.text, status).await;
        }
    }
    let outcome = Outcome {
        summary: plan.summary(is_taken, reviewer.language),
        is_taken,
        problems: plan
            .problems
            .iter()
            .map(|problem| problem.text(reviewer.language))
            .collect(),
    };
    let status = if is_good {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let text = if is_taken { String::new() } else { form.text };
    show_page(&reviewer, String::new(), Some(outcome), text, status).await
}

async fn show_page(
    reviewer: &Reviewer,
    query: String,
    outcome: Option<Outcome>,
    text: String,
    status: StatusCode,
) -> Result<Response, AdminError> {
    let facts = commissioning::badge_facts(&*reviewer.app.shared.ledger).await?;
    let writer = Writer { reviewer };
    let date = rules::time::local_date(reviewer.now, writer.zone());
    let directory = Directory::of(&reviewer.site.facts);
    let row = |fact: &BadgeFact| Row {
        badge: show::plain(fact.cell("badge")),
        path: super::path_of(fact.cell("person")),
        person: format!(
            "{} · {}",
            directory.name_of(fact.cell("person"), date),
            show::plain(fact.cell("person"))
        ),
        from: shown(fact.cell("from")),
        until: shown(fact.cell("until")),
    };
    let wanted = query.trim().to_lowercase();
    let mut rows: Vec<Row> = facts.iter().map(row).collect();
    rows.retain(|row| row.badge.to_lowercase().contains(&wanted) || row.person.to_lowercase().contains(&wanted));
    let more = rows.len().checked_sub(LISTED).filter(|more| *more > 0);
    rows.truncate(LISTED);
    let page = BadgesPage {
        page: Page::of(reviewer, Section::Readers),
        subtitle: words::text(
            reviewer.language,
            "admin-badges-subtitle",
            &[("badges", Value::from(facts.len()))],
        ),
        query,
        badges: rows,
        more: more.map(|more| words::text(reviewer.language, "admin-unknown-more", &[("count", Value::from(more))])),
        outcome,
        text,
    };
    respond(status, &page)
}

/// A time of a row to the minute, as the file says it.
fn shown(cell: &str) -> String {
    let cell = show::plain(cell);
    match cell.split_once('T') {
        Some((date, time)) if time.len() >= 5 && time.is_char_boundary(5) => format!("{date} {}", &time[..5]),
        _ => cell,
    }
}
