//! `/badges/people/{person}`: somebody's cards, ending one, and a new one for a lost one.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rules::time::{Instant, Interval, Span};
use serde::Deserialize;

use super::unknown::DAYS_BACK;
use crate::admin::error::AdminError;
use crate::admin::page::{Page, Section, query_value, respond};
use crate::admin::readers::parts::Writer;
use crate::admin::show;
use crate::admin::visitor::{Reviewer, Signed};
use crate::commissioning::{self, Act, BadgeFact, Change};
use crate::folder::{EVER, instant_or_midnight};
use crate::words::{self, Value};

/// How many swipes of ended cards are shown.
const LATER_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "admin/badges_of.html")]
struct PersonPage {
    page: Page,
    name: String,
    path: String,
    notice: Option<String>,
    problem: Option<String>,
    /// What an undo button sends.
    change: Option<i64>,
    badges: Vec<BadgeView>,
    later: Vec<LaterView>,
    readers: Vec<String>,
    reader: String,
    /// The card that was presented, or what to do.
    test: Option<TestView>,
    new_badge: String,
    now: String,
    reason: String,
}

struct BadgeView {
    fact: String,
    badge: String,
    from: String,
    until: String,
    recorded: String,
    is_open: bool,
}

struct LaterView {
    badge: String,
    when: String,
    reader: String,
    place: String,
}

struct TestView {
    state: &'static str,
    text: String,
    /// The badge to use, where one was read that nobody has.
    usable: Option<String>,
}

/// The query string.
#[derive(Debug, Default, Deserialize)]
pub struct After {
    done: Option<Done>,
    change: Option<i64>,
    /// Where a new card is presented.
    reader: Option<String>,
    /// The new card.
    badge: Option<String>,
}

/// What was just done.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Assigned,
    Ended,
    Reissued,
    Undone,
}

/// A card that is ended.
#[derive(Deserialize)]
pub struct End {
    fact: String,
    until: String,
    #[serde(default)]
    reason: String,
}

/// A card that takes the place of another.
#[derive(Deserialize)]
pub struct Reissue {
    fact: String,
    until: String,
    badge: String,
    #[serde(default)]
    reason: String,
}

/// A change to be undone.
#[derive(Deserialize)]
pub struct Undo {
    change: String,
}

/// Where a card is presented.
#[derive(Deserialize)]
pub struct Present {
    reader: String,
}

type PersonPath = Result<Path<String>, PathRejection>;

/// `GET /badges/people/{person}`
pub async fn show(
    reviewer: Reviewer,
    path: PersonPath,
    after: Result<Query<After>, QueryRejection>,
) -> Result<Response, AdminError> {
    let (Path(id), Query(after)) = (path?, after?);
    show_page(&reviewer, &id, &after, None, StatusCode::OK).await
}

/// `POST /badges/people/{person}/end`
pub async fn end(path: PersonPath, signed: Signed<End>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, form }) = (path?, signed);
    let writer = Writer { reviewer: &reviewer };
    let change = writer.ended(&id, &form.fact, &form.until, &form.reason).await?;
    finish(&reviewer, &id, change, ("badge.end", "ended"), &form.reason).await
}

/// `POST /badges/people/{person}/reissue`
pub async fn reissue(path: PersonPath, signed: Signed<Reissue>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, form }) = (path?, signed);
    let writer = Writer { reviewer: &reviewer };
    let ended = writer.ended(&id, &form.fact, &form.until, &form.reason).await?;
    let change = ended.and_then(|change| writer.with_new(&id, change, &form));
    finish(&reviewer, &id, change, ("badge.reissue", "reissued"), &form.reason).await
}

/// `POST /badges/people/{person}/undo`
pub async fn undo(path: PersonPath, signed: Signed<Undo>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, form }) = (path?, signed);
    let writer = Writer { reviewer: &reviewer };
    let recorded_at = form.change.parse().map(Instant::from_ms).ok();
    let change = match recorded_at {
        Some(at) => commissioning::undo(&*reviewer.app.shared.ledger, at).await?,
        None => None,
    };
    let is_theirs = |change: &Change| change.added.iter().all(|cells| cells.get("person") == Some(&id));
    let change = change
        .filter(is_theirs)
        .ok_or_else(|| writer.text("admin-badge-changed"));
    finish(&reviewer, &id, change, ("badge.undo", "undone"), "").await
}

/// `POST /badges/people/{person}/present`
pub async fn present(path: PersonPath, signed: Signed<Present>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, form }) = (path?, signed);
    let is_known = crate::admin::readers::states(&reviewer)
        .iter()
        .any(|state| state.reader == form.reader);
    if !is_known || !reviewer.app.shared.sources.present(&form.reader) {
        return Err(AdminError::NotFound);
    }
    let path = format!("{}?reader={}", super::path_of(&id), query_value(&form.reader));
    Ok(Redirect::to(&path).into_response())
}

/// Writes a change, or says why not.
async fn finish(
    reviewer: &Reviewer,
    id: &str,
    change: Result<Change, String>,
    (act, done): (&'static str, &str),
    reason: &str,
) -> Result<Response, AdminError> {
    let change = match change {
        Ok(change) => change,
        Err(problem) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return show_page(reviewer, id, &After::default(), Some(problem), status).await;
        }
    };
    let act = Act {
        name: act,
        subject: format!("person:{id}"),
        body: serde_json::json!({"reason": super::reason(reason)}),
    };
    let ledger = &*reviewer.app.shared.ledger;
    match commissioning::apply(ledger, &reviewer.site, &change, &act, &reviewer.account, reviewer.now).await {
        Ok(at) => {
            let path = format!("{}?done={done}&change={}", super::path_of(id), at.as_ms());
            Ok(Redirect::to(&path).into_response())
        }
        Err(error) => {
            let problem = super::refused(reviewer, error)?;
            show_page(reviewer, id, &After::default(), Some(problem), StatusCode::CONFLICT).await
        }
    }
}

async fn show_page(
    reviewer: &Reviewer,
    id: &str,
    after: &After,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, AdminError> {
    let site = &reviewer.site.facts;
    site.person_index(id).ok_or(AdminError::NotFound)?;
    let ledger = &*reviewer.app.shared.ledger;
    let mut facts = commissioning::badge_facts(ledger).await?;
    facts.retain(|fact| fact.cell("person") == id);
    let writer = Writer { reviewer };
    let notice = after.done.map(|done| match done {
        Done::Assigned => "admin-badge-done-assigned",
        Done::Ended => "admin-badge-done-ended",
        Done::Reissued => "admin-badge-done-reissued",
        Done::Undone => "admin-badge-done-undone",
    });
    let sources = crate::admin::readers::states(reviewer);
    let reader = after.reader.clone().unwrap_or_default();
    let page = PersonPage {
        page: Page::of(reviewer, Section::Readers),
        name: format!("{} · {}", writer.name(id), show::plain(id)),
        path: super::path_of(id),
        notice: notice.map(|key| writer.text(key)),
        problem,
        change: after.change,
        badges: facts.iter().map(|fact| writer.badge(fact)).collect(),
        later: writer.later(&facts).await?,
        readers: sources.into_iter().map(|state| state.reader).collect(),
        test: writer.card_test(id, &reader),
        reader,
        new_badge: after.badge.clone().unwrap_or_default(),
        now: writer.field(reviewer.now),
        reason: writer.text("admin-badge-reason-lost"),
    };
    respond(status, &page)
}

impl Writer<'_> {
    fn interval(&self, fact: &BadgeFact) -> Interval {
        let edge = |column, ever| instant_or_midnight(fact.cell(column), self.zone()).unwrap_or(ever);
        Interval::new(edge("from", EVER.from), edge("until", EVER.until))
    }

    fn badge(&self, fact: &BadgeFact) -> BadgeView {
        let interval = self.interval(fact);
        let edge = |at: Instant, ever: Instant| {
            if at == ever {
                "–".to_owned()
            } else {
                self.when(at.as_ms())
            }
        };
        let arguments = [
            ("by", Value::from(show::plain(&fact.recorded_by))),
            ("time", Value::from(self.when(fact.recorded_at.as_ms()))),
        ];
        BadgeView {
            fact: fact.id.clone(),
            badge: show::plain(fact.cell("badge")),
            from: edge(interval.from, EVER.from),
            until: edge(interval.until, EVER.until),
            recorded: words::text(self.language(), "admin-badge-recorded", &arguments),
            is_open: interval.contains(self.reviewer.now),
        }
    }

    /// The change that ends a card of somebody, or what is wrong with it.
    async fn ended(
        &self,
        id: &str,
        fact: &str,
        until: &str,
        reason: &str,
    ) -> Result<Result<Change, String>, AdminError> {
        let facts = commissioning::badge_facts(&*self.reviewer.app.shared.ledger).await?;
        let fact = facts.iter().find(|row| row.id == fact && row.cell("person") == id);
        Ok(self.ended_row(fact, until, reason))
    }

    fn ended_row(&self, fact: Option<&BadgeFact>, until: &str, reason: &str) -> Result<Change, String> {
        let fact = fact.ok_or_else(|| self.text("admin-badge-changed"))?;
        let until = self.instant(until).ok_or_else(|| self.text("admin-badge-no-time"))?;
        if super::reason(reason).is_empty() {
            return Err(self.text("admin-badge-no-reason"));
        }
        if !self.interval(fact).contains(until) {
            return Err(self.text("admin-badge-not-then"));
        }
        let mut cells = fact.cells.clone();
        cells.insert("until".to_owned(), self.cell(until));
        Ok(Change {
            superseded: vec![fact.id.clone()],
            added: vec![cells],
        })
    }

    /// The same change with a new card from when the old one ends.
    fn with_new(&self, id: &str, mut change: Change, form: &Reissue) -> Result<Change, String> {
        let badge = super::badge_key(&form.badge).ok_or_else(|| self.text("admin-badge-no-key"))?;
        let until = self
            .instant(&form.until)
            .ok_or_else(|| self.text("admin-badge-no-time"))?;
        if let Some((_, name)) = self.holder(&badge, until) {
            let arguments = [("name", Value::from(name))];
            return Err(words::text(self.language(), "admin-badge-taken", &arguments));
        }
        let row = [("badge", badge), ("person", id.to_owned()), ("from", self.cell(until))];
        let row: BTreeMap<String, String> = row.map(|(column, cell)| (column.to_owned(), cell)).into();
        change.added.push(row);
        Ok(change)
    }

    /// What somebody did with cards after they had been ended, newest first.
    async fn later(&self, facts: &[BadgeFact]) -> Result<Vec<LaterView>, AdminError> {
        let now = self.reviewer.now;
        let recent = Interval::new(now - Span::from_minutes(DAYS_BACK * 24 * 60), now.next());
        let is_ended = |fact: &&BadgeFact| self.interval(fact).until <= now;
        let keys: Vec<&str> = facts.iter().filter(is_ended).map(|fact| fact.cell("badge")).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // As written, and as readers write a number.
        let bare = |key: &str| key.trim_start_matches('0').to_owned();
        let spelled: Vec<String> = keys.iter().flat_map(|key| [(*key).to_owned(), bare(key)]).collect();
        let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
        let mut swipes = self.reviewer.app.shared.ledger.swipes(&spelled, recent).await?;
        swipes.retain(|swipe| self.holder(&swipe.badge, swipe.happened_at).is_none());
        swipes.sort_by_key(|swipe| std::cmp::Reverse(swipe.happened_at));
        let view = |swipe: &store::rows::SwipeRecord| LaterView {
            badge: show::plain(&swipe.badge),
            when: self.when(swipe.happened_at.as_ms()),
            reader: show::plain(&swipe.reader),
            place: self.place(&swipe.reader),
        };
        Ok(swipes.iter().take(LATER_SHOWN).map(view).collect())
    }

    /// A card that is presented at a reader to be this person's.
    fn card_test(&self, id: &str, reader: &str) -> Option<TestView> {
        let presented = self.reviewer.app.shared.sources.presented(reader)?;
        let Some(card) = presented.card.as_ref() else {
            let left = presented.seconds_left();
            let (state, key) = if left > 0 {
                ("waiting", "admin-test-waiting")
            } else {
                ("over", "admin-test-over")
            };
            let seconds = if left > 0 { left } else { crate::sources::TEST_SECONDS };
            let text = words::text(self.language(), key, &[("seconds", Value::from(seconds))]);
            return Some(TestView {
                state,
                text,
                usable: None,
            });
        };
        let holder = self.holder(&card.seen.badge, Instant::from_ms(card.seen.happened_at_ms));
        let badge = Value::from(show::plain(&card.seen.badge));
        let text = match &holder {
            None => words::text(self.language(), "admin-badge-presented", &[("badge", badge)]),
            Some((_, name)) => words::text(
                self.language(),
                "admin-badge-presented-taken",
                &[("badge", badge), ("name", Value::from(name.clone()))],
            ),
        };
        let (path, reader, badge) = (super::path_of(id), query_value(reader), query_value(&card.seen.badge));
        Some(TestView {
            state: "read",
            text,
            usable: holder
                .is_none()
                .then(|| format!("{path}?reader={reader}&badge={badge}")),
        })
    }
}
