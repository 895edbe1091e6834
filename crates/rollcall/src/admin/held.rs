//! 待定时: swipes whose time is not believed, and how people placed them.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rules::time::{Instant, Span};
use serde::Deserialize;
use store::rows::{PlacementRow, SwipeRecord};

use super::error::AdminError;
use super::page::{Page, Section, respond};
use super::readers::parts::Writer;
use super::show;
use super::visitor::{Reviewer, Signed};
use crate::commissioning::held::{Placing, is_placeable, is_possible, place, withdraw};
use crate::sources::mask_badge;
use crate::words::{self, Value};

/// How far back is looked, and how many are shown.
const DAYS_BACK: i64 = 90;
const SHOWN: i64 = 300;

/// The most characters of a reason.
const LONGEST_REASON: usize = 500;

#[derive(Template)]
#[template(path = "admin/held.html")]
struct HeldPage {
    page: Page,
    subtitle: String,
    notice: Option<String>,
    problem: Option<String>,
    swipes: Vec<Row>,
    placed: Vec<Placed>,
}

struct Row {
    id: String,
    happened: String,
    received: String,
    reader: String,
    badge: String,
    holder: String,
    why: String,
    can_be_placed: bool,
}

struct Placed {
    swipe: String,
    when: String,
    reader: String,
    badge: String,
    by: String,
    reason: String,
    is_withdrawn: bool,
}

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub struct After {
    done: Option<Done>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Placed,
    Withdrawn,
}

/// Which placement is withdrawn.
#[derive(Deserialize)]
pub struct Withdrawal {
    swipe: String,
}

/// `GET /held`
pub async fn list(reviewer: Reviewer, after: Result<Query<After>, QueryRejection>) -> Result<Response, AdminError> {
    let Query(after) = after?;
    let notice = after.done.map(|done| match done {
        Done::Placed => "admin-held-done-placed",
        Done::Withdrawn => "admin-held-done-withdrawn",
    });
    show_page(&reviewer, notice, None, StatusCode::OK).await
}

/// `POST /held`: the form has a field `swipe-ID` for each swipe that is chosen, `clock` (`right`, `fast`, `slow`), `by` and `reason`.
pub async fn place_chosen(signed: Signed<HashMap<String, String>>) -> Result<Response, AdminError> {
    let Signed { reviewer, form } = signed;
    let held = waiting(&reviewer).await?;
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let reason: String = show::plain(field("reason").trim())
        .chars()
        .take(LONGEST_REASON)
        .collect();
    let chosen: Vec<&SwipeRecord> = held
        .iter()
        .filter(|swipe| is_placeable(swipe) && form.contains_key(&format!("swipe-{}", swipe.id)))
        .collect();
    let problem = match shift(field("clock"), field("by")) {
        None => Some("admin-held-no-length"),
        Some(_) if reason.is_empty() => Some("admin-badge-no-reason"),
        Some(_) if chosen.is_empty() => Some("admin-held-none-chosen"),
        Some(shift) => {
            let possible = |swipe: &&SwipeRecord| is_possible(&reviewer.site, swipe.happened_at + shift, reviewer.now);
            if chosen.iter().all(possible) {
                let placing = Placing {
                    swipes: chosen,
                    shift,
                    actor: &reviewer.account,
                    reason: &reason,
                };
                place(&*reviewer.app.shared.ledger, &reviewer.site, &placing, reviewer.now).await?;
                return Ok(Redirect::to("/held?done=placed").into_response());
            }
            Some("admin-held-impossible")
        }
    };
    show_page(&reviewer, None, problem, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// `POST /held/withdraw`
pub async fn withdraw_one(signed: Signed<Withdrawal>) -> Result<Response, AdminError> {
    let Signed { reviewer, form } = signed;
    let ledger = &*reviewer.app.shared.ledger;
    let placements = ledger.placements(SHOWN).await?;
    let placement = placements.iter().find(|placement| placement.swipe == form.swipe);
    let placement = placement.ok_or(AdminError::NotFound)?;
    withdraw(ledger, &reviewer.site, placement, &reviewer.account, reviewer.now).await?;
    Ok(Redirect::to("/held?done=withdrawn").into_response())
}

/// By how much times are moved whose clock was `fast` or `slow` by a length `H:MM:SS` or `M:SS`; `None` where that is no length.
fn shift(clock: &str, by: &str) -> Option<Span> {
    if clock == "right" {
        return Some(Span::from_seconds(0));
    }
    let parts: Vec<i64> = by
        .trim()
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [hours @ 0..=99_999, minutes @ 0..=59, seconds @ 0..=59] => (hours * 60 + minutes) * 60 + seconds,
        [minutes @ 0..=99_999, seconds @ 0..=59] => minutes * 60 + seconds,
        _ => return None,
    };
    match clock {
        "fast" => Some(Span::from_seconds(-seconds)),
        "slow" => Some(Span::from_seconds(seconds)),
        _ => None,
    }
}

/// Held swipes that nobody has placed, newest first.
async fn waiting(reviewer: &Reviewer) -> Result<Vec<SwipeRecord>, AdminError> {
    let ledger = &*reviewer.app.shared.ledger;
    let from = reviewer.now - Span::from_minutes(DAYS_BACK * 24 * 60);
    let mut held = ledger.held_swipes(from, SHOWN).await?;
    let placements = ledger.placements(SHOWN * 4).await?;
    let standing = placements.iter().filter(|placement| placement.withdrawn.is_none());
    let standing: BTreeMap<&str, &PlacementRow> = standing
        .map(|placement| (placement.original.as_str(), placement))
        .collect();
    held.retain(|swipe| {
        let is_known = reviewer.site.facts.reader_index(&swipe.reader).is_some();
        let waits_for_its_reader = swipe.quarantine.as_deref() == Some("reader_unknown") && is_known;
        !standing.contains_key(swipe.id.as_str()) && !waits_for_its_reader
    });
    Ok(held)
}

async fn show_page(
    reviewer: &Reviewer,
    notice: Option<&str>,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, AdminError> {
    let held = waiting(reviewer).await?;
    let placements = reviewer.app.shared.ledger.placements(20).await?;
    let writer = Writer { reviewer };
    let page = HeldPage {
        page: Page::of(reviewer, Section::Readers),
        subtitle: words::text(
            reviewer.language,
            "admin-held-subtitle",
            &[("swipes", Value::from(held.len())), ("days", Value::from(DAYS_BACK))],
        ),
        notice: notice.map(|key| writer.text(key)),
        problem: problem.map(|key| writer.text(key)),
        swipes: held.iter().map(|swipe| writer.held(swipe)).collect(),
        placed: placements.iter().map(|placement| writer.placed(placement)).collect(),
    };
    respond(status, &page)
}

impl Writer<'_> {
    fn held(&self, swipe: &SwipeRecord) -> Row {
        Row {
            id: swipe.id.clone(),
            happened: self.exactly(swipe.happened_at),
            received: self.exactly(swipe.received_at),
            reader: show::plain(&swipe.reader),
            badge: show::plain(&mask_badge(&swipe.badge)),
            holder: self.holder_text(&swipe.badge, swipe.happened_at),
            why: self.held_reason(swipe.quarantine.as_deref().unwrap_or_default()),
            can_be_placed: is_placeable(swipe),
        }
    }

    fn placed(&self, placement: &PlacementRow) -> Placed {
        Placed {
            swipe: placement.swipe.clone(),
            when: self.exactly(placement.happened_at),
            reader: show::plain(&placement.reader),
            badge: show::plain(&mask_badge(&placement.badge)),
            by: show::plain(&placement.placed_by),
            reason: show::plain(&placement.reason),
            is_withdrawn: placement.withdrawn.is_some(),
        }
    }

    /// `2000-01-01 00:03:12`: a clock that is wrong may show any year.
    fn exactly(&self, at: Instant) -> String {
        at.to_utc()
            .with_timezone(&self.zone())
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_fast_moves_times_back() {
        let seconds = |clock, by| shift(clock, by).map(|shift| shift.as_ms() / 1_000);
        assert_eq!(seconds("right", ""), Some(0));
        assert_eq!(seconds("fast", "1:00:05"), Some(-3_605));
        assert_eq!(seconds("slow", "5:30"), Some(330));
        for wrong in [
            ("slow", ""),
            ("slow", "5"),
            ("slow", "1:75"),
            ("sideways", "1:00"),
            ("fast", "-1:00"),
        ] {
            assert_eq!(seconds(wrong.0, wrong.1), None, "{wrong:?}");
        }
    }
}
