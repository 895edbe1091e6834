//! Deciding on a finding: confirm it, or waive it with a reason.
//!
//! A decision is bound to what was read: the form carries the finding's digest and revision, and if the finding has changed or
//! somebody else was faster, nothing is decided and the page says so. Decision, review state and audit record are one
//! transaction, and the explanation is kept as it reads now, in both languages.

use std::collections::BTreeSet;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::Transaction;
use store::rows::{AuditRecord, DecisionRow, FindingRow, Review};

use super::error::AdminError;
use super::filter::{Done, Filter};
use super::review::{Notice, date_of, explains, of_week, show_page};
use super::visitor::{Reviewer, Signed};
use super::{day, secret, show};
use crate::counting;
use crate::engine::known_secret;
use crate::week::Week;
use crate::words::{self, Bilingual, Value};

/// The most characters of a reason.
const LONGEST_REASON: usize = 500;

/// What both forms say. Numbers are text here: they stand beside a flattened field.
#[derive(Deserialize)]
pub struct Form {
    digest: String,
    revision: String,
    #[serde(default)]
    reason: String,
    /// The finding to go on to; empty after the last.
    #[serde(default)]
    next: String,
}

/// What is done.
#[derive(Clone, Copy)]
enum Act {
    Confirm,
    Waive,
}

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Waive => "waive",
        }
    }

    const fn audit(self) -> &'static str {
        match self {
            Self::Confirm => "finding.confirm",
            Self::Waive => "finding.waive",
        }
    }

    const fn review(self) -> Review {
        match self {
            Self::Confirm => Review::Confirmed,
            Self::Waive => Review::Waived,
        }
    }

    const fn done(self) -> Done {
        match self {
            Self::Confirm => Done::Confirmed,
            Self::Waive => Done::Waived,
        }
    }
}

/// Why nothing was decided.
enum Refusal {
    /// A sentence that says it.
    Because(&'static str),
    /// Somebody else decided in the meantime.
    DecidedBy(String),
}

type FindingPath = Result<Path<(String, String)>, PathRejection>;
type FilterQuery = Result<Query<Filter>, QueryRejection>;

/// `POST /review/{week}/f/{finding}/confirm`
pub async fn confirm(path: FindingPath, filter: FilterQuery, signed: Signed<Form>) -> Result<Response, AdminError> {
    act(Act::Confirm, path, filter, signed).await
}

/// `POST /review/{week}/f/{finding}/waive`
pub async fn waive(path: FindingPath, filter: FilterQuery, signed: Signed<Form>) -> Result<Response, AdminError> {
    act(Act::Waive, path, filter, signed).await
}

async fn act(
    act: Act,
    path: FindingPath,
    filter: FilterQuery,
    Signed { reviewer, form }: Signed<Form>,
) -> Result<Response, AdminError> {
    let (Path((week, finding)), Query(filter)) = (path?, filter?);
    let (week, finding) = of_week(&reviewer, &week, &finding).await?;
    let next = form.next.clone();
    match decide(&reviewer, act, &finding, form).await? {
        None => Ok(Redirect::to(&after(week, &filter, act, &next)).into_response()),
        Some(refusal) => {
            let text = match refusal {
                Refusal::Because(key) => words::text(reviewer.language, key, &[]),
                Refusal::DecidedBy(actor) => words::text(
                    reviewer.language,
                    "admin-conflict-decided",
                    &[("actor", Value::from(show::plain(&actor)))],
                ),
            };
            let (week, finding) = of_week(&reviewer, &week.to_string(), &finding.id).await?;
            show_page(
                &reviewer,
                week,
                filter,
                Some(finding),
                Some(Notice::problem(text)),
                StatusCode::CONFLICT,
            )
            .await
        }
    }
}

/// The page to go on to: the next finding of the same list, or the list.
fn after(week: Week, filter: &Filter, act: Act, next: &str) -> String {
    let query = filter.on_page(0).query();
    let separator = if query.is_empty() { '?' } else { '&' };
    let is_id = !next.is_empty() && next.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let finding = if is_id { format!("/f/{next}") } else { String::new() };
    format!("/review/{week}{finding}{query}{separator}done={}", act.done().name())
}

/// Decides, or says why not.
async fn decide(reviewer: &Reviewer, act: Act, shown: &FindingRow, form: Form) -> Result<Option<Refusal>, AdminError> {
    let reason = show::plain(form.reason.trim());
    if reason.chars().count() > LONGEST_REASON {
        return Ok(Some(Refusal::Because("admin-conflict-reason-long")));
    }
    if matches!(act, Act::Waive) && reason.is_empty() {
        return Ok(Some(Refusal::Because("admin-conflict-reason-missing")));
    }
    let explanation = explanation_of(reviewer, shown).await?;
    let ledger = &reviewer.app.shared.ledger;
    let mut transaction = ledger.begin().await?;
    let Some(now) = transaction.finding(&shown.id).await? else {
        return Err(AdminError::NotFound);
    };
    if let Some(refusal) = refusal(&now) {
        drop(transaction);
        let last = ledger.decisions(&now.id).await?.pop();
        let is_decided = matches!(now.review, Review::Confirmed | Review::Waived);
        let decided = last
            .filter(|_| is_decided)
            .map(|decision| Refusal::DecidedBy(decision.actor));
        return Ok(Some(decided.unwrap_or(Refusal::Because(refusal))));
    }
    if now.digest != form.digest || now.revision.to_string() != form.revision {
        return Ok(Some(Refusal::Because("admin-conflict-changed")));
    }
    let Some(explanation) = explanation else {
        return Ok(Some(Refusal::Because("admin-conflict-unjudged")));
    };
    record(&mut *transaction, reviewer, act, &now, reason, explanation).await?;
    transaction.commit().await?;
    Ok(None)
}

async fn record(
    transaction: &mut dyn Transaction,
    reviewer: &Reviewer,
    act: Act,
    finding: &FindingRow,
    reason: String,
    explanation: Bilingual,
) -> Result<(), AdminError> {
    let body = serde_json::json!({
        "person": finding.person, "unit": finding.unit, "date": finding.date, "kind": finding.kind, "digest": finding.digest,
        "revision": finding.revision, "reason": reason,
    });
    let audit = AuditRecord {
        at: reviewer.now,
        actor: reviewer.account.clone(),
        act: act.audit().to_owned(),
        subject: format!("finding:{}", finding.id),
        body: body.to_string(),
    };
    let decision = DecisionRow {
        id: secret::name()?,
        finding: finding.id.clone(),
        act: act.name().to_owned(),
        reason,
        actor: reviewer.account.clone(),
        at: reviewer.now,
        digest: finding.digest.clone(),
        explanation_zh: explanation.chinese,
        explanation_en: explanation.english,
    };
    transaction.decide(&decision, act.review()).await?;
    // Whoever has findings to decide on has a secret that their ids are keyed with.
    if let Some(secret) = known_secret(&*reviewer.app.shared.ledger).await? {
        let people = BTreeSet::from([finding.person.clone()]);
        counting::recount(transaction, &reviewer.site, &secret, &people, reviewer.now).await?;
    }
    transaction.append_audit(&audit).await?;
    Ok(())
}

/// Why a finding cannot be decided, as the key of a sentence; `None` if it can.
pub fn refusal(finding: &FindingRow) -> Option<&'static str> {
    if finding.withdrawn_at.is_some() {
        return Some("admin-undecidable-withdrawn");
    }
    match (finding.review, finding.state.as_str()) {
        (Review::Confirmed | Review::Waived, _) => Some("admin-undecidable-decided"),
        (_, "final") => None,
        (_, "withheld") => Some("admin-undecidable-withheld"),
        (_, _) => Some("admin-undecidable-provisional"),
    }
}

/// What a finding's explanation says now, line by line; `None` if the facts no longer give this finding.
async fn explanation_of(reviewer: &Reviewer, finding: &FindingRow) -> Result<Option<Bilingual>, AdminError> {
    let site = &reviewer.site.facts;
    let ledger = &*reviewer.app.shared.ledger;
    if finding.kind == counting::ESCALATION {
        let explanation = counting::explain(ledger, site, finding).await?;
        return Ok(explanation.map(|explanation| super::reasons::frozen(site, &explanation)));
    }
    let day = day::load_for(ledger, &reviewer.site, finding, date_of(finding)?, reviewer.now).await?;
    let explanation = day
        .explanations
        .iter()
        .find(|explanation| explains(explanation, finding, reviewer));
    Ok(explanation.map(|explanation| super::reasons::frozen(site, explanation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_the_next_finding_of_the_list() {
        let week = Week::parse("2026-W37").expect("a week");
        let filter = Filter {
            unit: "plan".into(),
            done: Some(Done::Waived),
            ..Filter::default()
        };
        assert_eq!(
            after(week, &filter, Act::Confirm, "ab12"),
            "/review/2026-W37/f/ab12?unit=plan&done=confirmed"
        );
        assert_eq!(
            after(week, &Filter::default(), Act::Waive, "../../login"),
            "/review/2026-W37?done=waived"
        );
    }
}
