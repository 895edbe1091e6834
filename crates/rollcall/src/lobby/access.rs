//! Who may see the board: screens by their token, administrators and everybody in the demo by a preview.

use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use sha2::{Digest, Sha256};
use store::error::StoreError;
use store::rows::ScreenRow;

/// The cookie that holds a screen's token.
pub const COOKIE_NAME: &str = "rollcall_screen";

/// How long a token may be, in bytes; ours have 64.
const TOKEN_BYTES: usize = 128;

/// What the daemon knows of screens and logins.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// The screen whose token has this SHA-256 (in hex), unless it was revoked.
    async fn screen(&self, token_hash: &str) -> Result<Option<ScreenRow>, StoreError>;

    /// Notes that a screen is alive: asked for on its connection and once a minute while it answers.
    async fn screen_seen(&self, screen: &str) -> Result<(), StoreError>;

    /// Whether these headers are those of an administrator's login.
    async fn is_admin(&self, headers: &HeaderMap) -> bool;
}

/// A new screen token: 256 random bits in hex. Only its [`token_hash`] is stored; the token itself is shown once.
pub fn new_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// What is stored of a token: its SHA-256 in hex.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Where a token came from decides what must come with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer`: a program, which no browser sends by itself.
    Bearer(String),
    /// The cookie: a browser, which sends it whoever wrote the page.
    Cookie(String),
}

impl Credential {
    /// The token that these headers carry.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let bearer = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if let Some(token) = bearer {
            return acceptable(token).map(Self::Bearer);
        }
        let cookies = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let mut named = cookies
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == COOKIE_NAME);
        acceptable(named.next()?.1).map(Self::Cookie)
    }

    /// The hash that the token is looked up by.
    pub fn token_hash(&self) -> String {
        let (Self::Bearer(token) | Self::Cookie(token)) = self;
        token_hash(token)
    }
}

fn acceptable(token: &str) -> Option<String> {
    let fits = (1..=TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| token.to_owned())
}

/// Whether a request comes from a page of ours, or from a program. Browsers name the page's origin; who names none must not
/// speak with a browser's cookies, but with a token of its own or with nothing at all.
pub fn origin_is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    match headers.get(ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|origin| same_origin(origin, public_url)),
        None => matches!(Credential::of(headers), Some(Credential::Bearer(_))) || !headers.contains_key(COOKIE),
    }
}

/// Whether two URLs have the same scheme, host and port. All names of this very machine count as one host, because people
/// type `localhost` where `127.0.0.1` is printed.
fn same_origin(one: &str, other: &str) -> bool {
    matches!((Origin::of(one), Origin::of(other)), (Some(one), Some(other)) if one == other)
}

#[derive(PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of a bare `[::1]` is part of the address.
            Some((host, port)) if !port.ends_with(']') => (host.to_owned(), port.parse().ok()?),
            _ => (authority, if scheme == "https" { 443 } else { 80 }),
        };
        let loopback = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        Some(Self {
            scheme,
            host: if loopback { "localhost".to_owned() } else { host },
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(axum::http::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().expect("a header value")))
            .collect()
    }

    #[test]
    fn origins_are_compared_as_browsers_do() {
        let cases = [
            ("https://rollcall.example", "https://rollcall.example/", true),
            ("https://ROLLCALL.example:443", "https://rollcall.example", true),
            ("http://rollcall.example", "https://rollcall.example", false),
            ("https://rollcall.example.evil.net", "https://rollcall.example", false),
            ("http://localhost:8080", "http://127.0.0.1:8080", true),
            ("http://[::1]:8080", "http://127.0.0.1:8080", true),
            ("http://[::1]", "http://localhost:80", true),
            ("http://localhost:8081", "http://127.0.0.1:8080", false),
            ("null", "http://127.0.0.1:8080", false),
            ("https://rollcall.example:99999", "https://rollcall.example", false),
        ];
        for (origin, public_url, same) in cases {
            assert_eq!(same_origin(origin, public_url), same, "{origin} and {public_url}");
        }
    }

    #[test]
    fn without_an_origin_nobody_speaks_with_a_browsers_cookies() {
        let url = "https://rollcall.example";
        assert!(
            origin_is_ours(&headers(&[]), url),
            "without a cookie nobody's rights are borrowed"
        );
        assert!(!origin_is_ours(&headers(&[(COOKIE, "rollcall_screen=abc")]), url));
        assert!(origin_is_ours(&headers(&[(AUTHORIZATION, "Bearer abc")]), url));
        assert!(!origin_is_ours(
            &headers(&[(AUTHORIZATION, "Bearer abc"), (ORIGIN, "https://evil.example")]),
            url
        ));
    }

    #[test]
    fn tokens_are_found_among_other_cookies_and_strange_ones_are_not_taken() {
        let found = Credential::of(&headers(&[(COOKIE, "a=b; rollcall_screen=0af3; rollcall_session=x")]));
        assert_eq!(found, Some(Credential::Cookie("0af3".into())));
        assert_eq!(Credential::of(&headers(&[(AUTHORIZATION, "Bearer a b")])), None);
        assert_eq!(
            Credential::of(&headers(&[(COOKIE, &format!("rollcall_screen={}", "a".repeat(129)))])),
            None
        );
    }

    #[test]
    fn new_tokens_have_256_bits_and_differ() {
        let (one, other) = (new_token().expect("randomness"), new_token().expect("randomness"));
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_eq!(
            token_hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
