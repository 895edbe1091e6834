//! Logging in and out, the language, and one's own password.

use std::time::Duration;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query};
use axum::http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::rows::{Account, AuditRecord};

use super::error::AdminError;
use super::page::{Page, Section, is_own_path, respond};
use super::session::new_session;
use super::visitor::{LANGUAGE_COOKIE, Reviewer, Signed, Visitor};
use super::{NO_ADDRESS, accounts};
use crate::words::{self, Language, Value};

#[derive(Template)]
#[template(path = "admin/login.html")]
struct LoginPage {
    page: Page,
    name: String,
    next: String,
    problem: Option<String>,
    /// Whether there is nobody yet who could log in.
    is_fresh: bool,
}

/// Where a login leads.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// What the login form says.
#[derive(Deserialize)]
pub struct Login {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub async fn show(visitor: Visitor, query: Result<Query<Next>, QueryRejection>) -> Result<Response, AdminError> {
    let Query(Next { next }) = query?;
    login_page(&visitor, StatusCode::OK, String::new(), next, None).await
}

async fn login_page(
    visitor: &Visitor,
    status: StatusCode,
    name: String,
    next: String,
    problem: Option<String>,
) -> Result<Response, AdminError> {
    let is_fresh = !visitor.app.shared.ledger.has_accounts().await?;
    respond(
        status,
        &LoginPage {
            page: Page::from(visitor),
            name,
            next,
            problem,
            is_fresh,
        },
    )
}

/// `POST /login`. Whether the account exists shows neither in the answer nor in the time that it takes.
pub async fn log_in(
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<Login>, FormRejection>,
) -> Result<Response, AdminError> {
    let Form(Login { name, password, next }) = form?;
    let state = &visitor.app.state;
    let wait = state.attempts().wait(&name, visitor.address, state.elapsed());
    if let Some(wait) = wait {
        let problem = wait_text(visitor.language, wait);
        return login_page(&visitor, StatusCode::TOO_MANY_REQUESTS, name, next, Some(problem)).await;
    }
    let account = visitor.app.shared.ledger.account(&name).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    if !state.passwords.matches(password, stored).await? {
        note_failure(&visitor, &name, account.is_some()).await?;
        let problem = words::text(visitor.language, "admin-login-wrong", &[]);
        return login_page(&visitor, StatusCode::UNAUTHORIZED, name, next, Some(problem)).await;
    }
    state.attempts().succeeded(&name);
    let cookie = start_session(&visitor, &headers, &name).await?;
    let next = if is_own_path(&next) { next.as_str() } else { "/today" };
    Ok(([(SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

fn wait_text(language: Language, wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    words::text(
        language,
        "admin-login-wait",
        &[("seconds", Value::from(u64::try_from(seconds).unwrap_or(u64::MAX)))],
    )
}

/// Counts a wrong password, and audits it when it is the first in a row or their number has become remarkable. A name that
/// nobody has is not written down: people type passwords into the wrong field.
async fn note_failure(visitor: &Visitor, name: &str, is_known: bool) -> Result<(), AdminError> {
    let count = visitor
        .app
        .state
        .attempts()
        .failed(name, visitor.address, visitor.app.state.elapsed());
    if !is_audited(count) {
        return Ok(());
    }
    let subject = if is_known {
        format!("account:{name}")
    } else {
        "account:unknown".to_owned()
    };
    let body = serde_json::json!({ "address": visitor.address.to_string(), "in_a_row": count }).to_string();
    let record = audit(visitor, "", "login.fail", subject, body);
    let mut transaction = visitor.app.shared.ledger.begin().await?;
    transaction.append_audit(&record).await?;
    Ok(transaction.commit().await?)
}

/// The 1st, 5th, 10th, 20th, 40th, … failure in a row.
fn is_audited(count: u32) -> bool {
    count == 1 || (count.is_multiple_of(5) && (count / 5).is_power_of_two())
}

/// A new session with a new token; the one that the browser had ends.
async fn start_session(visitor: &Visitor, headers: &HeaderMap, name: &str) -> Result<HeaderValue, AdminError> {
    let earlier = visitor.app.access.session(headers).await?;
    let (session, token) = new_session(name, visitor.app.access.now())?;
    let body = serde_json::json!({ "address": visitor.address.to_string() }).to_string();
    let record = audit(visitor, name, "login", format!("account:{name}"), body);
    let mut transaction = visitor.app.shared.ledger.begin().await?;
    if let Some(earlier) = earlier {
        transaction.end_session(&earlier.token_hash).await?;
    }
    transaction.add_session(&session).await?;
    transaction.append_audit(&record).await?;
    transaction.commit().await?;
    Ok(visitor.app.access.cookies().set(&token)?)
}

fn audit(visitor: &Visitor, actor: &str, act: &str, subject: String, body: String) -> AuditRecord {
    AuditRecord {
        at: visitor.app.shared.clock.now(),
        actor: actor.to_owned(),
        act: act.to_owned(),
        subject,
        body,
    }
}

/// A form with nothing but its secret.
#[derive(Deserialize)]
pub struct Nothing {}

/// `POST /logout`
pub async fn log_out(
    Signed {
        reviewer,
        form: Nothing {},
    }: Signed<Nothing>,
) -> Result<Response, AdminError> {
    let record = AuditRecord {
        at: reviewer.now,
        actor: reviewer.account.clone(),
        act: "logout".to_owned(),
        subject: format!("account:{}", reviewer.account),
        body: "{}".to_owned(),
    };
    let mut transaction = reviewer.app.shared.ledger.begin().await?;
    transaction.end_session(&reviewer.session.token_hash).await?;
    transaction.append_audit(&record).await?;
    transaction.commit().await?;
    let cookie = reviewer.app.access.cookies().clear()?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

/// What the language form says.
#[derive(Deserialize)]
pub struct Choice {
    language: String,
}

/// `POST /language`: remembers the language and goes back to where the form was.
pub async fn choose_language(
    headers: HeaderMap,
    form: Result<Form<Choice>, FormRejection>,
) -> Result<Response, AdminError> {
    let Form(Choice { language }) = form?;
    let language = Language::of_tag(&language).ok_or_else(|| AdminError::Malformed("unknown language".to_owned()))?;
    let cookie = format!(
        "{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
        language.tag()
    );
    let back = headers
        .get(header::REFERER)
        .and_then(|from| from.to_str().ok())
        .and_then(path_of)
        .unwrap_or("/");
    Ok(([(SET_COOKIE, HeaderValue::try_from(cookie)?)], Redirect::to(back)).into_response())
}

/// The path of a page of ours: what follows the host.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    is_own_path(path).then_some(path)
}

#[derive(Template)]
#[template(path = "admin/account.html")]
struct AccountPage {
    page: Page,
    problem: Option<&'static str>,
    is_done: bool,
}

/// What the password form says.
#[derive(Deserialize)]
pub struct PasswordChange {
    current: String,
    password: String,
    again: String,
}

/// `GET /account`
pub async fn show_account(reviewer: Reviewer) -> Result<Response, AdminError> {
    respond(
        StatusCode::OK,
        &AccountPage {
            page: Page::of(&reviewer, Section::Other),
            problem: None,
            is_done: false,
        },
    )
}

/// `POST /account/password`: ends all sessions of the account and starts this one anew.
pub async fn change_password(Signed { reviewer, form }: Signed<PasswordChange>) -> Result<Response, AdminError> {
    let (app, name) = (&reviewer.app, &reviewer.account);
    let account = app
        .shared
        .ledger
        .account(name)
        .await?
        .ok_or(AdminError::Unauthenticated)?;
    let is_right = is_own_password(&reviewer, form.current, account.password_hash).await?;
    let unfit = accounts::check(name, &form.password)
        .err()
        .and_then(|error| error.key());
    let problem = if is_right {
        unfit.or_else(|| (form.password != form.again).then_some("admin-account-passwords-differ"))
    } else {
        Some("admin-account-current-wrong")
    };
    if problem.is_some() {
        let page = AccountPage {
            page: Page::of(&reviewer, Section::Other),
            problem,
            is_done: false,
        };
        return respond(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let password_hash = app.state.passwords.hash(form.password).await?;
    let account = Account {
        name: name.clone(),
        password_hash,
        changed_at: reviewer.now,
    };
    let (session, token) = new_session(name, app.access.now())?;
    let cookie = app.access.cookies().set(&token)?;
    let mut transaction = app.shared.ledger.begin().await?;
    accounts::save(&mut *transaction, &account, "account.password", name).await?;
    transaction.add_session(&session).await?;
    transaction.commit().await?;
    let page = Page {
        form_token: session.form_secret,
        ..Page::of(&reviewer, Section::Other)
    };
    let answer = respond(
        StatusCode::OK,
        &AccountPage {
            page,
            problem: None,
            is_done: true,
        },
    )?;
    Ok(([(SET_COOKIE, cookie)], answer).into_response())
}

/// Whether somebody knows their own password. Guesses on a machine that was left open are slowed down like a login's.
async fn is_own_password(reviewer: &Reviewer, password: String, stored: String) -> Result<bool, AdminError> {
    let (state, name) = (&reviewer.app.state, &reviewer.account);
    let wait = state.attempts().wait(name, NO_ADDRESS, state.elapsed());
    let is_right = wait.is_none() && state.passwords.matches(password, Some(stored)).await?;
    if !is_right {
        state.attempts().failed(name, NO_ADDRESS, state.elapsed());
    }
    Ok(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_audited_by_account_and_not_by_packet() {
        let audited: Vec<u32> = (1..100).filter(|count| is_audited(*count)).collect();
        assert_eq!(audited, [1, 5, 10, 20, 40, 80]);
    }

    #[test]
    fn the_language_form_leads_back_to_a_path() {
        assert_eq!(
            path_of("https://a.example/review/2026-W37?tab=open"),
            Some("/review/2026-W37?tab=open")
        );
        assert_eq!(path_of("https://a.example"), None);
        assert_eq!(path_of("https://a.example//evil.example"), None);
    }
}
