//! Who asks: extractors that hand over what a handler needs, so that no handler can forget to check.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Form, FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use rules::time::Instant;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::rows::SessionRow;

use super::error::AdminError;
use super::session::cookie;
use super::{App, NO_ADDRESS, secret};
use crate::shared::SiteSnapshot;
use crate::words::Language;

/// The cookie that remembers the language.
pub const LANGUAGE_COOKIE: &str = "rollcall_language";

/// Anybody.
pub struct Visitor {
    /// The language that they read.
    pub language: Language,
    /// Where they are.
    pub address: IpAddr,
    /// What the daemon is made of.
    pub app: App,
}

/// Somebody who is logged in.
pub struct Reviewer {
    /// Their account.
    pub account: String,
    /// Their login.
    pub session: SessionRow,
    /// The language that they read.
    pub language: Language,
    /// What the daemon is made of; its ledger above all.
    pub app: App,
    /// The bureau as it is now.
    pub site: SiteSnapshot,
    /// Judging time, read once.
    pub now: Instant,
}

/// A page of somebody who is logged in that follows what happens; nobody need be in front of it.
pub struct Onlooker {
    /// What the daemon is made of.
    pub app: App,
}

/// A form that somebody sent who is logged in, from a page that we gave to that very login.
pub struct Signed<T> {
    /// Who sent it.
    pub reviewer: Reviewer,
    /// What it says.
    pub form: T,
}

/// The language of a request: what its cookie says, else Chinese.
pub fn language_of(headers: &HeaderMap) -> Language {
    cookie(headers, LANGUAGE_COOKIE)
        .and_then(Language::of_tag)
        .unwrap_or(Language::Chinese)
}

impl FromRequestParts<App> for Visitor {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AdminError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map_or(NO_ADDRESS, |ConnectInfo(peer)| peer.ip());
        Ok(Self {
            language: language_of(&parts.headers),
            address,
            app: app.clone(),
        })
    }
}

impl FromRequestParts<App> for Reviewer {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AdminError> {
        let session = app
            .access
            .session(&parts.headers)
            .await?
            .ok_or(AdminError::Unauthenticated)?;
        Ok(Self {
            account: session.account.clone(),
            session,
            language: language_of(&parts.headers),
            app: app.clone(),
            site: app.shared.site.borrow().clone(),
            now: app.shared.clock.now(),
        })
    }
}

impl FromRequestParts<App> for Onlooker {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AdminError> {
        let session = app.access.look(&parts.headers).await?;
        session.ok_or(AdminError::Unauthenticated)?;
        Ok(Self { app: app.clone() })
    }
}

/// The secret of the session stands beside the form's own fields.
#[derive(Deserialize)]
struct WithToken<T> {
    #[serde(default)]
    form_token: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<App> for Signed<T> {
    type Rejection = AdminError;

    async fn from_request(request: Request, app: &App) -> Result<Self, AdminError> {
        let (mut parts, body) = request.into_parts();
        let reviewer = Reviewer::from_request_parts(&mut parts, app).await?;
        let Form(WithToken { form_token, form }) = Form::from_request(Request::from_parts(parts, body), app).await?;
        if !secret::equal(&form_token, &reviewer.session.form_secret) {
            return Err(AdminError::StaleForm);
        }
        Ok(Self { reviewer, form })
    }
}
