//! The first account: by a link that is printed at the start while there is none.
//!
//! There is no open page on which whoever comes first becomes the admin. The link works once and for half an hour; only its
//! hash is stored, and the next start prints another.

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use rules::time::Span;
use serde::Deserialize;
use store::rows::{Account, OneTimeLink};

use super::accounts::{self, AccountError};
use super::error::AdminError;
use super::page::{Page, respond};
use super::secret;
use super::session::{SessionError, new_session};
use super::visitor::Visitor;
use crate::clock::Clock;
use crate::shared::Shared;

/// How long the link works, by the host's clock.
const WORKS_FOR: Span = Span::from_minutes(30);
/// What the link is for, as the store knows it.
const PURPOSE: &str = "first_admin";

/// The address at which the first account is made, to be printed at the start; `None` once there is an account.
pub async fn first_admin_link(shared: &Shared) -> Result<Option<String>, SessionError> {
    if shared.ledger.has_accounts().await? {
        return Ok(None);
    }
    let token = secret::token()?;
    let link = OneTimeLink {
        token_hash: secret::stored(&token),
        purpose: PURPOSE.to_owned(),
        expires_at: Clock::host().now() + WORKS_FOR,
        used_at: None,
    };
    let mut transaction = shared.ledger.begin().await?;
    transaction.add_link(&link).await?;
    transaction.commit().await?;
    Ok(Some(format!(
        "{}/setup/{token}",
        shared.public_url.trim_end_matches('/')
    )))
}

#[derive(Template)]
#[template(path = "admin/setup.html")]
struct SetupPage {
    page: Page,
    name: String,
    problem: Option<&'static str>,
}

/// What the form says.
#[derive(Deserialize)]
pub struct NewAccount {
    name: String,
    password: String,
    again: String,
}

/// `GET /setup/{token}`
pub async fn show(visitor: Visitor, token: Result<Path<String>, PathRejection>) -> Result<Response, AdminError> {
    let Path(token) = token?;
    let page = Page::from(&visitor);
    if !is_open(&visitor, &token).await? {
        return Err(AdminError::NotFound);
    }
    respond(
        StatusCode::OK,
        &SetupPage {
            page,
            name: String::new(),
            problem: None,
        },
    )
}

/// `POST /setup/{token}`: makes the account and logs it in.
pub async fn create(
    visitor: Visitor,
    token: Result<Path<String>, PathRejection>,
    form: Result<Form<NewAccount>, FormRejection>,
) -> Result<Response, AdminError> {
    let (Path(token), Form(form)) = (token?, form?);
    if !is_open(&visitor, &token).await? {
        return Err(AdminError::NotFound);
    }
    let unfit = accounts::check(&form.name, &form.password)
        .err()
        .and_then(|error: AccountError| error.key());
    let problem = unfit.or_else(|| (form.password != form.again).then_some("admin-account-passwords-differ"));
    if problem.is_some() {
        let page = SetupPage {
            page: Page::from(&visitor),
            name: form.name,
            problem,
        };
        return respond(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let password_hash = visitor.app.state.passwords.hash(form.password).await?;
    let session_token = save_first(&visitor, &token, form.name, password_hash).await?;
    let cookie = visitor.app.access.cookies().set(&session_token)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/today")).into_response())
}

async fn is_open(visitor: &Visitor, token: &str) -> Result<bool, AdminError> {
    let (ledger, now) = (&visitor.app.shared.ledger, visitor.app.access.now());
    let link = ledger.link(&secret::stored(token)).await?;
    let is_good = link.is_some_and(|link| link.purpose == PURPOSE && link.used_at.is_none() && now < link.expires_at);
    Ok(is_good && !ledger.has_accounts().await?)
}

/// The account, its audit record and its first session, and the link is used up; refused if somebody else was faster.
async fn save_first(visitor: &Visitor, link: &str, name: String, password_hash: String) -> Result<String, AdminError> {
    let (ledger, now) = (&visitor.app.shared.ledger, visitor.app.access.now());
    let (session, token) = new_session(&name, now)?;
    let account = Account {
        name,
        password_hash,
        changed_at: visitor.app.shared.clock.now(),
    };
    let mut transaction = ledger.begin().await?;
    let is_good = transaction.consume_link(&secret::stored(link), PURPOSE, now).await?;
    if !is_good || ledger.has_accounts().await? {
        return Err(AdminError::NotFound);
    }
    accounts::save(&mut *transaction, &account, "account.create", "setup").await?;
    transaction.add_session(&session).await?;
    transaction.commit().await?;
    Ok(token)
}
