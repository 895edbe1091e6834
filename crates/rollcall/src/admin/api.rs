//! The JSON API for who is logged in.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use chrono::SecondsFormat;
use chrono_tz::Tz;
use rules::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use store::rows::{FindingQuery, FindingRow, RejectedInput};

use super::error::AdminError;
use super::filter::Tab;
use super::today::REJECTED_LOOKED_AT;
use super::visitor::Reviewer;
use crate::sources::{self, SourceView};
use crate::week::Week;

/// Which week.
#[derive(Deserialize)]
pub struct OfWeek {
    week: String,
}

/// The findings of a week.
#[derive(Serialize)]
pub struct Findings {
    week: String,
    findings: Vec<FindingView>,
}

/// A finding, with the names that `judge --json` uses where both have the same.
#[derive(Serialize)]
struct FindingView {
    id: String,
    subject: String,
    unit: Option<String>,
    date: String,
    period: Option<String>,
    meeting: Option<String>,
    /// The observation or duty.
    source: Option<String>,
    kind: String,
    state: String,
    minutes: Option<i64>,
    due: Option<String>,
    actual: Option<String>,
    since: Option<String>,
    swipes: Vec<String>,
    revision: i64,
    changed_at: String,
    review: &'static str,
}

/// `GET /api/v1/findings?week=2026-W37`
pub async fn findings(
    reviewer: Reviewer,
    query: Result<Query<OfWeek>, QueryRejection>,
) -> Result<Json<Findings>, AdminError> {
    let Query(OfWeek { week }) = query?;
    let week =
        Week::parse(&week).ok_or_else(|| AdminError::Malformed("week is not of the form 2026-W37".to_owned()))?;
    let query = FindingQuery {
        from: Some(week.first().to_string()),
        until: Some(week.until().to_string()),
        ..FindingQuery::default()
    };
    let rows = reviewer.app.shared.ledger.findings(&query).await?;
    let zone = reviewer.site.facts.records().site.zone;
    Ok(Json(Findings {
        week: week.to_string(),
        findings: rows.into_iter().map(|row| view(row, zone)).collect(),
    }))
}

fn view(row: FindingRow, zone: Tz) -> FindingView {
    let instant = |at: Option<Instant>| at.map(|at| rfc3339(at, zone));
    FindingView {
        review: Tab::of(&row).name(),
        subject: match &row.unit {
            Some(unit) if row.person.is_empty() => format!("unit:{unit}"),
            _ => format!("person:{}", row.person),
        },
        minutes: row.length_ms.map(|length| Span::from_ms(length).shown_minutes()),
        due: instant(row.due),
        actual: instant(row.actual),
        since: instant(row.since),
        source: row.source,
        swipes: row.swipes.split_whitespace().map(str::to_owned).collect(),
        changed_at: rfc3339(row.changed_at, zone),
        id: row.id,
        unit: row.unit,
        date: row.date,
        period: row.period,
        meeting: row.meeting,
        kind: row.kind,
        state: row.state,
        revision: row.revision,
    }
}

/// An instant in the site's zone, to the second or, where it has a part of one, to the millisecond.
fn rfc3339(at: Instant, zone: Tz) -> String {
    at.to_utc()
        .with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// The readers as they are now.
#[derive(Serialize)]
pub struct Readers {
    readers: Vec<SourceView>,
}

/// `GET /api/v1/readers`
pub async fn readers(reviewer: Reviewer) -> Json<Readers> {
    let states = super::readers::states(&reviewer).into_iter();
    Json(Readers {
        readers: states
            .map(|state| sources::view(&state, &reviewer.site.facts, reviewer.now))
            .collect(),
    })
}

/// Inputs that could not be read, newest first.
#[derive(Serialize)]
pub struct Rejected {
    rejected: Vec<RejectedView>,
}

#[derive(Serialize)]
struct RejectedView {
    id: String,
    reader: String,
    received_at: String,
    reason: String,
    raw_hex: String,
}

/// `GET /api/v1/rejected`
pub async fn rejected(reviewer: Reviewer) -> Result<Json<Rejected>, AdminError> {
    let rows = reviewer.app.shared.ledger.rejected_inputs(REJECTED_LOOKED_AT).await?;
    let zone = reviewer.site.facts.records().site.zone;
    let view = |row: RejectedInput| RejectedView {
        received_at: rfc3339(row.received_at, zone),
        id: row.id,
        reader: row.reader,
        reason: row.reason,
        raw_hex: row.raw_hex,
    };
    Ok(Json(Rejected {
        rejected: rows.into_iter().map(view).collect(),
    }))
}
