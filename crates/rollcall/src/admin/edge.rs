//! The edge of the pages: every request passes here on its way in and out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::error::AdminError;
use super::page::{self, Page};
use super::visitor::language_of;
use super::{App, secret};
use crate::words::Language;

/// What an error has to be told to.
struct Asker {
    language: Language,
    is_program: bool,
    /// The page to come back to after a login.
    wanted: Option<String>,
    request_id: String,
}

/// Refuses what comes from foreign pages, puts errors into words, and sets the headers that bind browsers.
pub async fn edge(State(app): State<App>, request: Request, next: Next) -> Response {
    let asker = asker(&request);
    let is_ours = request.method().is_safe() || app.origin.sent(request.headers());
    let answer = if is_ours {
        next.run(request).await
    } else {
        AdminError::ForeignOrigin.into_response()
    };
    let mut response = in_words(&app, &asker, answer);
    bind(response.headers_mut(), &app, &asker);
    response
}

fn asker(request: &Request) -> Asker {
    let path = request.uri().path_and_query().map(ToString::to_string);
    Asker {
        language: language_of(request.headers()),
        is_program: request.uri().path().starts_with("/api/"),
        wanted: path.filter(|_| request.method().is_safe()),
        // Without random bytes nothing here works; the request still gets its answer.
        request_id: secret::name().unwrap_or_default(),
    }
}

/// A handler's error as a redirect, a page or JSON; any other answer as it is.
fn in_words(app: &App, asker: &Asker, mut answer: Response) -> Response {
    let Some(error) = answer.extensions_mut().remove::<Arc<AdminError>>() else {
        return answer;
    };
    let status = error.status();
    if status.is_server_error() {
        tracing::error!(request_id = asker.request_id, error = %error, "a request failed");
    }
    if asker.is_program {
        let body = serde_json::json!({ "error": crate::words::text(Language::English, error.key(), &[]), "request_id": asker.request_id });
        return (status, Json(body)).into_response();
    }
    if matches!(*error, AdminError::Unauthenticated) {
        return Redirect::to(&page::login_path(asker.wanted.as_deref())).into_response();
    }
    let page = Page::of_visitor(asker.language, app);
    match page::error(
        page,
        error.key(),
        status.is_server_error().then_some(asker.request_id.as_str()),
    ) {
        Ok(page) => (status, page).into_response(),
        Err(error) => {
            tracing::error!(request_id = asker.request_id, error = %error, "an error page could not be written");
            status.into_response()
        }
    }
}

/// Our pages load nothing from elsewhere, run no inline script, stand in no frame, and stay in no cache.
fn bind(headers: &mut HeaderMap, app: &App, asker: &Asker) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    );
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if app.origin.is_secure() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&asker.request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
