//! What can go wrong in a handler, and which status that is.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::InvalidHeaderValue;
use axum::response::{IntoResponse, Response};
use store::StoreError;

use super::password::PasswordError;
use super::session::SessionError;

/// Why a request could not be served. [`super::edge`] makes a page or JSON of it.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody is logged in.
    #[error("not logged in")]
    Unauthenticated,
    /// There is no such week, finding, link or file.
    #[error("not found")]
    NotFound,
    /// A request that changes something does not come from our own pages.
    #[error("a request that changes something did not come from our own pages")]
    ForeignOrigin,
    /// A form does not carry the secret of its session: it was opened before the last login.
    #[error("a form did not carry the secret of its session")]
    StaleForm,
    /// A form or query is not of the right shape.
    #[error("{0}")]
    Malformed(String),
    /// A form is longer than any of ours.
    #[error("a form is too long")]
    TooLong,
    /// A password could not be hashed or compared.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// A page could not be written.
    #[error("a page could not be written: {0}")]
    Page(#[from] askama::Error),
    /// A header could not be written.
    #[error("a header could not be written: {0}")]
    Header(#[from] InvalidHeaderValue),
}

impl AdminError {
    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::ForeignOrigin | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Password(PasswordError::Busy) | Self::Store(StoreError::Unavailable(_) | StoreError::Full(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Password(PasswordError::Hash(_) | PasswordError::Thread)
            | Self::Store(_)
            | Self::Random(_)
            | Self::Page(_)
            | Self::Header(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The key of the sentence that people read.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "admin-error-unauthenticated",
            Self::NotFound => "admin-error-not-found",
            Self::ForeignOrigin => "admin-error-foreign-origin",
            Self::StaleForm => "admin-error-stale-form",
            Self::Malformed(_) | Self::TooLong => "admin-error-malformed",
            Self::Password(PasswordError::Busy) => "admin-error-busy",
            Self::Store(StoreError::Unavailable(_) | StoreError::Full(_)) => "admin-error-unavailable",
            Self::Password(PasswordError::Hash(_) | PasswordError::Thread)
            | Self::Store(_)
            | Self::Random(_)
            | Self::Page(_)
            | Self::Header(_) => "admin-error-internal",
        }
    }
}

/// The error travels to the edge in the response's extensions; there it is logged once and put into words.
impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<SessionError> for AdminError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Random(error) => Self::Random(error),
            SessionError::Store(error) => Self::Store(error),
        }
    }
}

impl From<FormRejection> for AdminError {
    fn from(rejection: FormRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::TooLong
        } else {
            Self::Malformed(rejection.body_text())
        }
    }
}

impl From<QueryRejection> for AdminError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Malformed(rejection.body_text())
    }
}

impl From<PathRejection> for AdminError {
    fn from(_: PathRejection) -> Self {
        Self::NotFound
    }
}
