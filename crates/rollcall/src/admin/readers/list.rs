//! `GET /readers`: all of them, those first that ask for a hand.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::bridges::{BridgeRow, bridges};
use super::parts::{ReaderRow, Writer};
use crate::admin::error::AdminError;
use crate::admin::page::{Page, Section, respond};
use crate::admin::visitor::Reviewer;
use crate::words::{self, Value};

#[derive(Template)]
#[template(path = "admin/readers.html")]
struct ReadersPage {
    page: Page,
    subtitle: String,
    readers: Vec<ReaderRow>,
    bridges: Vec<BridgeRow>,
}

/// `GET /readers`
pub async fn list(reviewer: Reviewer) -> Result<Response, AdminError> {
    let writer = Writer { reviewer: &reviewer };
    let mut readers: Vec<ReaderRow> = super::states(&reviewer).iter().map(|state| writer.row(state)).collect();
    let waiting = readers.iter().filter(|row| row.advice.is_some()).count();
    readers.sort_by_key(|row| row.advice.is_none());
    let arguments = [
        ("readers", Value::from(readers.len())),
        ("waiting", Value::from(waiting)),
    ];
    let page = ReadersPage {
        page: Page::of(&reviewer, Section::Readers),
        subtitle: words::text(reviewer.language, "admin-readers-subtitle", &arguments),
        bridges: bridges(&writer).await?,
        readers,
    };
    respond(StatusCode::OK, &page)
}
