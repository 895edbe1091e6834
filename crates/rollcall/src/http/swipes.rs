//! `POST /api/v1/swipes`: webhook readers and bridges without websockets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Incoming;
use rules::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::magstripe::{holds_payment_card, is_payment_card_number};
use wire::{Malformed, Reason};

use crate::clock::Clock;
use crate::config::SourceConfig;
use crate::engine::Intake;
use crate::engine::intake::{CLOCK_OFF, NewSwipe, Outcome, READINGS_PER_BATCH};
use crate::engine::links::rejected;
use crate::http::body::{self, BodyError};
use crate::shared::Shared;

/// The largest body taken; some five thousand swipes.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// How long a commit may take before the sender hears "busy". Sending again is harmless: a swipe counts once.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How far a signature's time may be from ours.
const SIGNATURE_WINDOW_SECONDS: i64 = 300;

/// The longest `id`, `reader` or `badge`.
const FIELD_LIMIT_BYTES: usize = 256;

#[derive(Debug, thiserror::Error)]
enum SwipesError {
    #[error("no source has this credential: send Authorization: Bearer with its token, or X-Rollcall-Signature")]
    Unauthorized,
    #[error("the source \"{source_id}\" may not speak for the reader \"{reader}\": add it to its readers")]
    Forbidden { source_id: String, reader: String },
    #[error("a body is at most {BODY_LIMIT_BYTES} bytes: send fewer swipes at once")]
    TooLarge,
    #[error("the body did not arrive in time, or not whole")]
    Unfinished,
    #[error("send Content-Type: application/json")]
    NotJson,
    #[error("{0}")]
    WrongShape(String),
    #[error("busy: send the same again later")]
    Busy,
}

impl From<BodyError> for SwipesError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Unfinished => Self::Unfinished,
        }
    }
}

impl IntoResponse for SwipesError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unfinished => StatusCode::REQUEST_TIMEOUT,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::WrongShape(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut response = (status, axum::Json(json!({"error": self.to_string()}))).into_response();
        match self {
            Self::Busy => response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1")),
            Self::Unauthorized => response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Self::Forbidden { .. } | Self::TooLarge | Self::Unfinished | Self::NotJson | Self::WrongShape(_) => None,
        };
        response
    }
}

/// Where swipes are posted.
pub const PATH: &str = "/api/v1/swipes";

/// Answers a request to post swipes.
pub async fn answer(state: &SwipesState, headers: HeaderMap, body: Incoming) -> Response {
    let answered = post_swipes(state, headers, body).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn post_swipes(state: &SwipesState, headers: HeaderMap, body: Incoming) -> Result<Response, SwipesError> {
    let body = body::read(body, BODY_LIMIT_BYTES).await?;
    let (source, ahead) = state.authorize(&headers, &body)?;
    if !is_json(&headers) {
        return Err(SwipesError::NotJson);
    }
    drop(headers);
    let received_at = state.clock.now();
    let swipes = parse(&body)?
        .into_iter()
        .enumerate()
        .map(|(index, swipe)| swipe.check(index, &source.config, received_at));
    let mut swipes = swipes.collect::<Result<Vec<_>, _>>()?;
    if let Some(ahead) = ahead {
        state.note_clock(&mut swipes, ahead, received_at);
    }
    let ids: Vec<String> = swipes.iter().map(|swipe| swipe.source_key.clone()).collect();
    let are_cards: Vec<bool> = swipes.iter().map(is_payment_card).collect();
    if are_cards.contains(&true) {
        let (cards, others): (Vec<_>, Vec<_>) = swipes.into_iter().partition(is_payment_card);
        state.mark(&cards).await?;
        swipes = others;
    }
    let mut outcomes = state.commit(swipes).await?.into_iter();
    let results = ids.iter().zip(are_cards).map(|(id, is_card)| {
        let outcome = (!is_card).then(|| outcomes.next()).flatten();
        Answered::of(id, outcome)
    });
    Ok(axum::Json(Answer {
        results: results.collect(),
    })
    .into_response())
}

/// Whether somebody held the wrong card to a reader: its number is not kept.
fn is_payment_card(swipe: &NewSwipe) -> bool {
    is_payment_card_number(&swipe.badge) || holds_payment_card(swipe.badge.as_bytes())
}

/// What the endpoint needs.
pub struct SwipesState {
    /// The way into the engine.
    pub intake: Intake,
    /// Judging time.
    pub clock: Clock,
    sources: Vec<Source>,
    shared: Shared,
}

/// Who may send.
struct Source {
    config: SourceConfig,
    /// Of its token, where it has one.
    token_hash: Option<[u8; 32]>,
}

impl SwipesState {
    /// What takes swipes of these sources.
    pub fn new(intake: Intake, shared: Shared, sources: &[SourceConfig]) -> Self {
        let source = |config: &SourceConfig| Source {
            token_hash: config.token.as_ref().map(|token| hash(token.expose())),
            config: config.clone(),
        };
        Self {
            intake,
            clock: shared.clock.clone(),
            shared,
            sources: sources.iter().map(source).collect(),
        }
    }

    /// Who sends, and how far the clock is ahead by which it signed, where it did.
    fn authorize(&self, headers: &HeaderMap, body: &[u8]) -> Result<(&Source, Option<Span>), SwipesError> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let signature = headers
            .get("x-rollcall-signature")
            .and_then(|value| value.to_str().ok())
            .and_then(Signature::parse);
        let now_seconds = Clock::host().now().as_ms().div_euclid(1_000);
        let bearer_hash = bearer.map(|token| hash(token.as_bytes()));
        // Every source is compared, so that the time taken says nothing about which one came close.
        let mut found = None;
        for source in &self.sources {
            let by_token = bearer_hash
                .zip(source.token_hash)
                .is_some_and(|(sent, token)| sent.ct_eq(&token).into());
            let by_signature = signature
                .as_ref()
                .zip(source.config.hmac_secret.as_ref())
                .is_some_and(|(sent, secret)| sent.verify(secret.expose(), body, now_seconds));
            if by_token || by_signature {
                let signed_at = signature.as_ref().filter(|_| by_signature).map(|sent| sent.at_seconds);
                found = Some((source, signed_at.map(|at| Span::from_seconds(at - now_seconds))));
            }
        }
        found.ok_or(SwipesError::Unauthorized)
    }

    /// Keeps that payment cards were read, and nothing of them.
    async fn mark(&self, cards: &[NewSwipe]) -> Result<(), SwipesError> {
        for card in cards {
            let nothing = Malformed::new(Reason::PaymentCard, &[]);
            let mark = rejected(&card.reader, &nothing, card.received_at);
            let kept = self.intake.rejected(mark).await.map_err(|_| SwipesError::Busy)?;
            let kept = tokio::time::timeout(COMMIT_TIMEOUT, kept).await;
            kept.map_err(|_| SwipesError::Busy)?.map_err(|_| SwipesError::Busy)?;
        }
        Ok(())
    }

    /// A signature says what the sender's clock shows. One from the future is proof that it is ahead, and then what it says of other
    /// times is not believed either; one from the past may as well have been long on its way.
    fn note_clock(&self, swipes: &mut [NewSwipe], ahead: Span, received_at: Instant) {
        let tolerance = {
            let site = self.shared.site.borrow();
            site.facts.records().site.settings_at(received_at).clock_tolerance
        };
        let is_off = ahead > tolerance;
        let readers: BTreeSet<Arc<str>> = swipes.iter().map(|swipe| Arc::clone(&swipe.reader)).collect();
        for reader in readers {
            self.shared.sources.clock(&reader, ahead, received_at, is_off);
        }
        for swipe in swipes.iter_mut().filter(|_| is_off) {
            swipe.doubt = Some(CLOCK_OFF);
        }
    }

    /// Hands the swipes to the engine in pieces that one transaction takes, and waits until all are durable.
    async fn commit(&self, mut swipes: Vec<NewSwipe>) -> Result<Vec<Outcome>, SwipesError> {
        let mut outcomes = Vec::with_capacity(swipes.len());
        let mut pieces = Vec::with_capacity(1);
        while !swipes.is_empty() {
            let rest = swipes.split_off(swipes.len().min(READINGS_PER_BATCH));
            pieces.push(self.intake.try_swipes(swipes).map_err(|_| SwipesError::Busy)?);
            swipes = rest;
        }
        for piece in pieces {
            let done = tokio::time::timeout(COMMIT_TIMEOUT, piece).await;
            outcomes.extend(done.map_err(|_| SwipesError::Busy)?.map_err(|_| SwipesError::Busy)?);
        }
        Ok(outcomes)
    }
}

/// `t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`
struct Signature {
    at_seconds: i64,
    mac: Vec<u8>,
}

impl Signature {
    fn parse(text: &str) -> Option<Self> {
        let (at, mac) = text.strip_prefix("t=")?.split_once(",v1=")?;
        Some(Self {
            at_seconds: at.parse().ok()?,
            mac: hex::decode(mac).ok()?,
        })
    }

    fn verify(&self, secret: &[u8], body: &[u8], now_seconds: i64) -> bool {
        if now_seconds.abs_diff(self.at_seconds) > SIGNATURE_WINDOW_SECONDS.unsigned_abs() {
            return false;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(self.at_seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.verify_slice(&self.mac).is_ok()
    }
}

/// Comparing hashes in constant time tells nothing of what is hashed, and not how long it is.
fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

#[derive(Deserialize)]
struct PostedSwipe {
    id: String,
    reader: String,
    badge: String,
    happened_at: String,
    sequence: Option<i64>,
    faces: Option<String>,
}

/// One object, or an array of them; what is wrong is named by its place in the array.
fn parse(body: &[u8]) -> Result<Vec<PostedSwipe>, SwipesError> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let well_formed = match first {
        Some(b'{') => serde_json::from_slice(body).ok().map(|swipe| vec![swipe]),
        _ => serde_json::from_slice(body).ok(),
    };
    well_formed.map_or_else(|| parse_one_by_one(body), Ok)
}

/// As [`parse`], for bodies in which something is wrong.
fn parse_one_by_one(body: &[u8]) -> Result<Vec<PostedSwipe>, SwipesError> {
    let wrong = |error: serde_json::Error| SwipesError::WrongShape(format!("the body is not JSON: {error}"));
    let elements = match serde_json::from_slice(body).map_err(wrong)? {
        serde_json::Value::Array(elements) => elements,
        object @ serde_json::Value::Object(_) => vec![object],
        _ => {
            return Err(SwipesError::WrongShape(
                "the body must be one swipe or an array of swipes".to_owned(),
            ));
        }
    };
    let read = |(index, element)| {
        serde_json::from_value(element).map_err(|error| SwipesError::WrongShape(format!("swipe {index}: {error}")))
    };
    elements.into_iter().enumerate().map(read).collect()
}

impl PostedSwipe {
    fn check(self, index: usize, source: &SourceConfig, received_at: Instant) -> Result<NewSwipe, SwipesError> {
        let wrong = |what: &str| SwipesError::WrongShape(format!("swipe {index}: {what}"));
        for (name, value) in [("id", &self.id), ("reader", &self.reader), ("badge", &self.badge)] {
            if value.is_empty() || value.len() > FIELD_LIMIT_BYTES || value.chars().any(char::is_control) {
                return Err(wrong(&format!(
                    "{name} must be 1 to {FIELD_LIMIT_BYTES} bytes without control characters"
                )));
            }
        }
        if source
            .readers
            .as_ref()
            .is_some_and(|readers| !readers.contains(&self.reader))
        {
            return Err(SwipesError::Forbidden {
                source_id: source.id.clone(),
                reader: self.reader,
            });
        }
        let happened_at = DateTime::parse_from_rfc3339(&self.happened_at)
            .map_err(|_| wrong("happened_at must be an instant with an offset, such as 2026-09-16T08:29:41+08:00"))?;
        let faces = match self.faces.as_deref() {
            None => None,
            Some("in") => Some("in"),
            Some("out") => Some("out"),
            Some("both") => Some("both"),
            Some(_) => return Err(wrong("faces must be in, out or both")),
        };
        Ok(NewSwipe {
            reader: self.reader.into(),
            source_key: self.id,
            badge: self.badge,
            raw: None,
            happened_at: Instant::from(happened_at.to_utc()),
            received_at,
            sequence: self.sequence,
            faces,
            doubt: None,
        })
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    results: Vec<Answered<'a>>,
}

#[derive(Serialize)]
struct Answered<'a> {
    id: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl<'a> Answered<'a> {
    /// What became of a swipe; a payment card has no outcome.
    fn of(id: &'a str, outcome: Option<Outcome>) -> Self {
        let (status, reason) = match outcome {
            Some(Outcome::Recorded { .. }) => ("recorded", None),
            Some(Outcome::Duplicate { .. }) => ("duplicate", None),
            Some(Outcome::Quarantined { reason, .. }) => ("quarantined", Some(reason)),
            None => ("quarantined", Some(Reason::PaymentCard.name().to_owned())),
        };
        Self { id, status, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_time_and_body() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret of the gate").expect("any length");
        mac.update(b"1000.[]");
        let text = format!("t=1000,v1={}", hex::encode(mac.finalize().into_bytes()));
        let signature = Signature::parse(&text).expect("well-formed");
        assert!(signature.verify(b"secret of the gate", b"[]", 1_000 + SIGNATURE_WINDOW_SECONDS));
        assert!(
            !signature.verify(b"secret of the gate", b"[]", 1_001 + SIGNATURE_WINDOW_SECONDS),
            "too old"
        );
        assert!(!signature.verify(b"secret of the gate", b"[{}]", 1_000), "another body");
        assert!(!signature.verify(b"another secret", b"[]", 1_000));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let body = br#"[{"id":"1","reader":"g","badge":"7","happened_at":"x"},{"id":"2","reader":"g"}]"#;
        let error = parse(body).err().expect("the second has no badge").to_string();
        assert!(error.contains("swipe 1") && error.contains("badge"), "{error}");
    }
}
