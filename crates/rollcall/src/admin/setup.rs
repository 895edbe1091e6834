//! The first account: by a link that is printed at the start while there is none.
//!
//! There is no open page on which whoever comes first becomes the admin. The link works once and for half an hour; only its
//! hash is kept, and in memory: the next start prints another.

use std::sync::Mutex;
use std::time::Duration;

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::rows::Account;

use super::accounts::{self, AccountError};
use super::error::AdminError;
use super::page::{Page, respond};
use super::session::{SessionError, new_session};
use super::visitor::Visitor;
use super::{AdminState, secret};
use crate::shared::Shared;

/// How long the link works.
const WORKS_FOR: Duration = Duration::from_mins(30);

/// The link of this run.
#[derive(Default)]
pub struct SetupLink(Mutex<Option<Issued>>);

struct Issued {
    token_hash: String,
    /// On the daemon's monotonic clock.
    ends: Duration,
}

impl SetupLink {
    /// A new link's token; an earlier link stops working.
    fn issue(&self, now: Duration) -> Result<String, getrandom::Error> {
        let token = secret::token()?;
        self.set(Some(Issued { token_hash: secret::stored(&token), ends: now + WORKS_FOR }));
        Ok(token)
    }

    fn opens(&self, token: &str, now: Duration) -> bool {
        let issued = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        issued.as_ref().is_some_and(|issued| now < issued.ends && secret::equal(&issued.token_hash, &secret::stored(token)))
    }

    fn close(&self) {
        self.set(None);
    }

    fn set(&self, issued: Option<Issued>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = issued;
    }
}

/// The address at which the first account is made, to be printed at the start; `None` once there is an account.
pub async fn setup_url(state: &AdminState, shared: &Shared) -> Result<Option<String>, SessionError> {
    if shared.ledger.has_accounts().await? {
        return Ok(None);
    }
    let token = state.setup.issue(state.elapsed())?;
    Ok(Some(format!("{}/setup/{token}", shared.public_url.trim_end_matches('/'))))
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
    respond(StatusCode::OK, &SetupPage { page, name: String::new(), problem: None })
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
    let unfit = accounts::check(&form.name, &form.password).err().and_then(|error: AccountError| error.key());
    let problem = unfit.or_else(|| (form.password != form.again).then_some("admin-account-passwords-differ"));
    if problem.is_some() {
        let page = SetupPage { page: Page::from(&visitor), name: form.name, problem };
        return respond(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let password_hash = visitor.app.state.passwords.hash(form.password).await?;
    let session_token = save_first(&visitor, form.name, password_hash).await?;
    visitor.app.state.setup.close();
    let cookie = visitor.app.access.cookies().set(&session_token)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/today")).into_response())
}

async fn is_open(visitor: &Visitor, token: &str) -> Result<bool, AdminError> {
    let state = &visitor.app.state;
    Ok(state.setup.opens(token, state.elapsed()) && !visitor.app.shared.ledger.has_accounts().await?)
}

/// The account, its audit record and its first session; refused if somebody else was faster.
async fn save_first(visitor: &Visitor, name: String, password_hash: String) -> Result<String, AdminError> {
    let ledger = &visitor.app.shared.ledger;
    let (session, token) = new_session(&name, visitor.app.access.now())?;
    let account = Account { name, password_hash, changed_at: visitor.app.shared.clock.now() };
    let mut transaction = ledger.begin().await?;
    if ledger.has_accounts().await? {
        return Err(AdminError::NotFound);
    }
    accounts::save(&mut *transaction, &account, "account.create", "setup").await?;
    transaction.add_session(&session).await?;
    transaction.commit().await?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_works_for_half_an_hour_and_only_the_newest() {
        let link = SetupLink::default();
        let (start, minute) = (Duration::from_secs(7), Duration::from_mins(1));
        assert!(!link.opens("", start));
        let first = link.issue(start).expect("random");
        assert!(link.opens(&first, start + 29 * minute) && !link.opens(&first, start + 30 * minute));
        let second = link.issue(start).expect("random");
        assert!(!link.opens(&first, start) && link.opens(&second, start));
        link.close();
        assert!(!link.opens(&second, start));
    }
}
