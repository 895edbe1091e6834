//! Who is logged in.
//!
//! A session is a random token in a cookie; the database has only its SHA-256. Sessions live by the host's clock, never by
//! judging time, which a demonstration may drive.

use std::sync::Arc;

use axum::http::header::{COOKIE, HeaderMap, HeaderValue, InvalidHeaderValue};
use rules::time::{Instant, Span};
use store::rows::SessionRow;
use store::{Ledger, StoreError, Stored};

use super::same_origin::PublicOrigin;
use super::secret;
use crate::clock::Clock;

/// A session that nobody used for this long is over.
const IDLE: Span = Span::from_minutes(30);
/// No session lasts longer than this.
const LONGEST: Span = Span::from_minutes(12 * 60);
/// Uses closer together than this are not written down one by one.
const NOTED_EVERY: Span = Span::from_minutes(1);

/// Tells whether the sender of a request is logged in; for other parts of the daemon too.
#[derive(Clone)]
pub struct AdminAccess {
    ledger: Arc<dyn Ledger>,
    host: Clock,
    cookies: SessionCookies,
}

impl AdminAccess {
    /// `host` is the clock that sessions live by: [`Clock::host`], but in tests.
    pub fn new(ledger: Arc<dyn Ledger>, host: Clock, public_url: &str) -> Self {
        Self {
            ledger,
            host,
            cookies: SessionCookies::of(&PublicOrigin::of(public_url)),
        }
    }

    /// The live session that a request's cookie names; it is not noted as used, because a page that keeps itself fresh is no person
    /// in front of it.
    pub(super) async fn look(&self, headers: &HeaderMap) -> Stored<Option<SessionRow>> {
        let Some(token) = self.cookies.token(headers) else {
            return Ok(None);
        };
        let now = self.host.now();
        let session = self.ledger.session(&secret::stored(token)).await?;
        Ok(session.filter(|session| is_live(session, now)))
    }

    /// The live session that a request's cookie names, and notes that it was used, unless the page says that it keeps itself fresh.
    pub async fn session(&self, headers: &HeaderMap) -> Stored<Option<SessionRow>> {
        let Some(session) = self.look(headers).await? else {
            return Ok(None);
        };
        let now = self.host.now();
        if now - session.seen_at >= NOTED_EVERY && !headers.contains_key(KEEPS_FRESH) {
            let mut transaction = self.ledger.begin().await?;
            transaction.touch_session(&session.token_hash, now).await?;
            transaction.commit().await?;
        }
        Ok(Some(session))
    }

    /// Whether a request comes from somebody who is logged in.
    pub async fn is_admin(&self, headers: &HeaderMap) -> Stored<bool> {
        Ok(self.session(headers).await?.is_some())
    }

    pub(super) fn cookies(&self) -> &SessionCookies {
        &self.cookies
    }

    pub(super) fn now(&self) -> Instant {
        self.host.now()
    }
}

/// Why a session could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A session to store, and its token for the cookie.
pub fn new_session(account: &str, now: Instant) -> Result<(SessionRow, String), getrandom::Error> {
    let token = secret::token()?;
    let session = SessionRow {
        token_hash: secret::stored(&token),
        account: account.to_owned(),
        created_at: now,
        seen_at: now,
        expires_at: now + LONGEST,
        form_secret: secret::token()?,
    };
    Ok((session, token))
}

fn is_live(session: &SessionRow, now: Instant) -> bool {
    now < session.expires_at && now - session.seen_at < IDLE
}

/// How the session's cookie is called and bound.
#[derive(Clone, Debug)]
pub struct SessionCookies {
    is_secure: bool,
}

impl SessionCookies {
    fn of(origin: &PublicOrigin) -> Self {
        Self {
            is_secure: origin.is_secure(),
        }
    }

    /// Browsers take a `__Host-` cookie only over https, for the whole host and from nobody else.
    fn name(&self) -> &'static str {
        if self.is_secure {
            "__Host-rollcall_session"
        } else {
            "rollcall_session"
        }
    }

    fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.name())
            .filter(|token| token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// The header that gives a browser its token. It goes when the browser closes, at the latest when the session ends.
    pub fn set(&self, token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
        HeaderValue::try_from(format!("{}={token}{}", self.name(), self.attributes()))
    }

    /// The header that takes it away.
    pub fn clear(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        HeaderValue::try_from(format!("{}=; Max-Age=0{}", self.name(), self.attributes()))
    }

    fn attributes(&self) -> &'static str {
        if self.is_secure {
            "; Path=/; HttpOnly; SameSite=Lax; Secure"
        } else {
            "; Path=/; HttpOnly; SameSite=Lax"
        }
    }
}

/// What `live.js` sends along when it fetches its own page again.
const KEEPS_FRESH: &str = "x-rollcall-live";

/// The value of a request's cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant::from_ms(0) + Span::from_minutes(minutes)
    }

    #[test]
    fn a_session_ends_by_idleness_and_by_age() {
        let (mut session, token) = new_session("chen", at(0)).expect("random");
        assert_eq!(session.token_hash, secret::stored(&token));
        assert!(is_live(&session, at(29)) && !is_live(&session, at(30)));
        session.seen_at = at(719);
        assert!(is_live(&session, at(719)) && !is_live(&session, at(720)));
    }

    #[test]
    fn the_cookie_is_bound_as_tightly_as_the_address_allows() {
        let cookies = |url| SessionCookies::of(&PublicOrigin::of(url)).set("00").expect("a header");
        assert_eq!(
            cookies("https://a.example"),
            "__Host-rollcall_session=00; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            cookies("http://127.0.0.1:8080"),
            "rollcall_session=00; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn cookies_are_found_among_others() {
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("a=1; rollcall_language=en;b=2"))]);
        assert_eq!(
            (cookie(&headers, "rollcall_language"), cookie(&headers, "language")),
            (Some("en"), None)
        );
    }
}
