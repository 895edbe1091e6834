//! `POST /readers/{reader}/isapi?key=…` and `…/dahua?key=…`: access controllers that post their events. What those mean is said by `wire`; here they go the
//! way of every reader's, and are committed before the device is answered.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bridge::{Controller, Delivery, Link, LinkContext, LinkEvent, ReaderConfig};
use rules::time::{Instant, Span, civil_instant};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::rows::RejectedInput;
use subtle::ConstantTimeEq;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{oneshot, watch};
use wire::controller::{Dialect, Note, Serials, Stream, Told, What};
use wire::limits::LONGEST_MALFORMED;
use wire::{HappenedAt, Malformed, Reading, Reason};

use crate::clock::Clock;
use crate::engine::Heartbeats;
use crate::engine::Intake;
use crate::engine::intake::swipe_id;
use crate::http::body::{self, BodyError};
use crate::http::strangers::Strangers;
use crate::shared::SiteSnapshot;

/// The largest body that is taken: events with pictures of several megabytes, which are passed over.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// The most events of one body.
const MOST_EVENTS: usize = 2_048;

/// How long a commit may take before a device hears that it should send the same again. That is harmless: an event counts once.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the rest of a body may take once an event has come: devices announce more than they send.
const PATIENCE_AFTER_EVENT: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
enum PushError {
    // Whoever has no right here is not told what is wrong with it, nor whether there is such a reader; the log says it.
    #[error("not known here: the address must be /readers/READER/isapi?key=KEY as configured")]
    Unauthorized,
    #[error("a body is at most {LARGEST_BODY} bytes with at most {MOST_EVENTS} events")]
    TooLarge,
    #[error("the body broke off before anything in it had ended")]
    Unfinished,
    #[error("no event in the body: send JSON, XML EventNotificationAlert, or multipart/form-data with one of them")]
    NoEvent,
    #[error("busy: send the same again later")]
    Busy,
}

impl IntoResponse for PushError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unfinished => StatusCode::BAD_REQUEST,
            Self::NoEvent => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut response = (status, format!("{self}\n")).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = HeaderValue::from_static("10");
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

#[derive(Deserialize)]
struct Presented {
    key: Option<String>,
}

async fn take_post(
    State(state): State<Arc<PushedState>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((reader, dialect)): Path<(String, String)>,
    query: Result<Query<Presented>, QueryRejection>,
    body: Body,
) -> Result<Response, PushError> {
    let key = query.ok().and_then(|Query(presented)| presented.key);
    let known = state.admit(&reader, &dialect, key.as_deref(), peer.ip()).await?;
    let received_at = state.clock.now();
    let heard = Heard::read(known, body).await?;
    state.deliver(known, heard, received_at).await?;
    Ok(match known.controller.dialect {
        Dialect::Isapi => {
            axum::Json(json!({"statusCode": 1, "statusString": "OK", "subStatusCode": "ok"})).into_response()
        }
        Dialect::Dahua => "OK".into_response(),
    })
}

/// What the endpoint needs.
pub struct PushedState {
    /// Where every reader's events go.
    pub links: LinkContext,
    /// Where refused callers are kept for the operator.
    pub intake: Intake,
    /// Judging time.
    pub clock: Clock,
    /// The site's zone, for devices that do not say theirs.
    pub site: watch::Receiver<SiteSnapshot>,
    /// Where it is noted that a device is there.
    pub heartbeats: Heartbeats,
    controllers: BTreeMap<String, Known>,
    strangers: Strangers,
}

/// A controller that may post.
struct Known {
    config: ReaderConfig,
    controller: Controller,
    reader: Arc<str>,
    key_hash: [u8; 32],
    contact: Mutex<Contact>,
}

/// What was heard of it.
#[derive(Debug, Default)]
struct Contact {
    /// Whether the engine was told that it can be heard.
    up: bool,
    /// It delivered what it had kept; there may be more.
    is_catching_up: bool,
    serials: Serials,
}

/// What a post holds.
struct Heard {
    items: Vec<Result<Told, Malformed>>,
    /// The beginning of the body.
    beginning: Vec<u8>,
}

/// The route. Without a configured controller it is there all the same: whoever posts is shown to the operator.
pub fn router(state: PushedState) -> Router {
    Router::new()
        .route("/readers/{reader}/{dialect}", post(take_post))
        .with_state(Arc::new(state))
}

impl Heard {
    /// Reads a body to its end, or to where it breaks off; pictures pass by.
    async fn read(known: &Known, body: Body) -> Result<Self, PushError> {
        let mut stream = Stream::new(known.controller.dialect, known.controller.rule.clone());
        let (mut items, mut beginning) = (Vec::new(), Vec::new());
        let ended = body::each(body, LARGEST_BODY, PATIENCE, |mut bytes| {
            let room = LONGEST_MALFORMED.saturating_sub(beginning.len());
            beginning.extend_from_slice(&bytes[..bytes.len().min(room)]);
            while !bytes.is_empty() && items.len() <= MOST_EVENTS {
                bytes = &bytes[stream.push(bytes)..];
                items.extend(std::iter::from_fn(|| stream.next()));
            }
            if items.is_empty() {
                PATIENCE
            } else {
                PATIENCE_AFTER_EVENT
            }
        })
        .await;
        stream.end();
        items.extend(std::iter::from_fn(|| stream.next()));
        match ended {
            Err(BodyError::TooLarge) => return Err(PushError::TooLarge),
            Err(BodyError::Unfinished) if items.is_empty() => return Err(PushError::Unfinished),
            Err(BodyError::Unfinished) => {
                tracing::info!(event = "controller.body_broke_off", reader = %known.reader, events = items.len());
            }
            Ok(()) => {}
        }
        if items.len() > MOST_EVENTS {
            return Err(PushError::TooLarge);
        }
        Ok(Self { items, beginning })
    }
}

impl PushedState {
    /// An endpoint for these readers.
    pub fn new(
        readers: &[ReaderConfig],
        links: LinkContext,
        intake: Intake,
        clock: Clock,
        site: watch::Receiver<SiteSnapshot>,
        heartbeats: Heartbeats,
    ) -> Self {
        let known = |config: &ReaderConfig| {
            let Link::Controller(controller) = &config.link else {
                return None;
            };
            let known = Known {
                reader: config.id.as_str().into(),
                key_hash: hash(controller.push_key.as_ref()?.expose()),
                controller: controller.clone(),
                config: config.clone(),
                contact: Mutex::default(),
            };
            Some((config.id.clone(), known))
        };
        Self {
            controllers: readers.iter().filter_map(known).collect(),
            links,
            intake,
            clock,
            site,
            heartbeats,
            strangers: Strangers::default(),
        }
    }

    /// The controller that posts, if its key is right and it may post from there.
    async fn admit(&self, reader: &str, dialect: &str, key: Option<&str>, from: IpAddr) -> Result<&Known, PushError> {
        let presented = hash(key.unwrap_or_default());
        let known = self.controllers.get(reader);
        let known = known.filter(|known| known.controller.dialect.name() == dialect);
        // A reader that is not there costs the same time as a key that is wrong.
        let expected = known.map_or([0; 32], |known| known.key_hash);
        let is_right: bool = presented.ct_eq(&expected).into();
        let reason = match known {
            None => "unknown_controller",
            Some(_) if !is_right => "wrong_push_key",
            Some(known) if !known.controller.is_peer(from) => "wrong_address",
            Some(known) => return Ok(known),
        };
        self.note_stranger(reader, from, reason).await;
        Err(PushError::Unauthorized)
    }

    async fn note_stranger(&self, reader: &str, from: IpAddr, reason: &str) {
        let now = self.clock.now();
        let name: String = reader.chars().filter(|letter| !letter.is_control()).take(64).collect();
        if !self.strangers.is_news(&format!("{name} {from} {reason}")) {
            return;
        }
        let remedy = match reason {
            "unknown_controller" => {
                "if it is yours, add a [[reader]] of this id with link = \"isapi\" or \"dahua\" and a push_key"
            }
            "wrong_push_key" => "the address at the device must end in ?key= and the reader's push_key",
            _ => "add its address to the reader's peers",
        };
        tracing::warn!(event = "controller.refused", reader = name, %from, reason, remedy);
        let text = format!("{name} from {from}");
        let input = RejectedInput {
            id: swipe_id(&format!("{reason}|{text}|{}", now.as_ms())),
            reader: name,
            received_at: now,
            reason: reason.to_owned(),
            raw_hex: hex::encode(text),
        };
        if self.intake.rejected(input).await.is_err() {
            tracing::debug!(event = "controller.refusal_not_kept");
        }
    }

    /// Hands over what came, and waits until all of it is durable.
    async fn deliver(&self, known: &Known, heard: Heard, received_at: Instant) -> Result<(), PushError> {
        if self.links.sink.capacity() == 0 {
            return Err(PushError::Busy);
        }
        let nothing = heard.items.is_empty() && !heard.beginning.trim_ascii().is_empty();
        let delivered = async {
            let mut outcomes = Vec::new();
            for item in &heard.items {
                self.hand_over(known, item, received_at, &mut outcomes).await?;
            }
            if nothing {
                let unread = Malformed::new(Reason::NotJson, &heard.beginning);
                outcomes.push(self.send_malformed(known, unread, received_at).await?);
            }
            for outcome in outcomes {
                // An engine that ended without committing answers nothing.
                outcome.await.map_err(|_| PushError::Busy)?;
            }
            Ok(())
        };
        tokio::time::timeout(COMMIT_TIMEOUT, delivered)
            .await
            .map_err(|_| PushError::Busy)??;
        self.heard(known, &heard, received_at);
        if nothing { Err(PushError::NoEvent) } else { Ok(()) }
    }

    async fn hand_over(
        &self,
        known: &Known,
        item: &Result<Told, Malformed>,
        received_at: Instant,
        outcomes: &mut Vec<oneshot::Receiver<bridge::Outcome>>,
    ) -> Result<(), PushError> {
        let told = match item {
            Ok(told) => told,
            Err(malformed) => {
                outcomes.push(self.send_malformed(known, malformed.clone(), received_at).await?);
                return Ok(());
            }
        };
        if let (Some(true), Some(at)) = (told.is_live, told.happened_at) {
            self.send_clock(known, at, received_at).await?;
        }
        log(&known.reader, &told.what);
        match &told.what {
            What::Swipe(reading) => outcomes.push(self.send_reading(known, reading, received_at).await?),
            other => {
                if let Some(kept) = other.kept() {
                    outcomes.push(self.send_malformed(known, kept, received_at).await?);
                }
            }
        }
        Ok(())
    }

    async fn send_reading(
        &self,
        known: &Known,
        reading: &Reading,
        received_at: Instant,
    ) -> Result<oneshot::Receiver<bridge::Outcome>, PushError> {
        self.send(LinkEvent::Reading {
            reader: known.config.id.clone(),
            dedup_source: reading.source_id.clone().unwrap_or_default(),
            reading: reading.clone(),
            received_at_ms: received_at.as_ms(),
        })
        .await
    }

    async fn send_malformed(
        &self,
        known: &Known,
        malformed: Malformed,
        received_at: Instant,
    ) -> Result<oneshot::Receiver<bridge::Outcome>, PushError> {
        self.send(LinkEvent::Malformed {
            reader: known.config.id.clone(),
            malformed,
            received_at_ms: received_at.as_ms(),
        })
        .await
    }

    /// Says how far a device's clock is from ours, by something that happens now.
    async fn send_clock(&self, known: &Known, shows: HappenedAt, received_at: Instant) -> Result<(), PushError> {
        let zone = self.site.borrow().facts.records().site.zone;
        let shows = match shows {
            HappenedAt::Instant(ms) => Instant::from_ms(ms),
            HappenedAt::Civil(local) => civil_instant(local, zone),
        };
        let event = LinkEvent::Clock {
            reader: known.config.id.clone(),
            ahead_ms: (shows - received_at).as_ms(),
            at_ms: received_at.as_ms(),
        };
        self.send(event).await.map(drop)
    }

    async fn send(&self, event: LinkEvent) -> Result<oneshot::Receiver<bridge::Outcome>, PushError> {
        let (reply, outcome) = oneshot::channel();
        let delivery = Delivery {
            event,
            reply: Some(reply),
        };
        self.links.sink.send(delivery).await.map_err(|_| PushError::Busy)?;
        Ok(outcome)
    }

    /// The device is there. It can be heard again once what it had kept has come.
    fn heard(&self, known: &Known, heard: &Heard, now: Instant) {
        let told = || heard.items.iter().filter_map(|item| item.as_ref().ok());
        if told().any(|told| told.what == What::Heartbeat) {
            self.heartbeats.has_heartbeat(&known.reader);
        }
        let before = self.heartbeats.note(&known.reader, now);
        let longest = Span::from_seconds(i64::from(known.config.silent_after_seconds));
        let was_silent = longest > Span::from_seconds(0) && before.is_some_and(|before| now - before > longest);
        let mut gaps = Vec::new();
        let is_back = {
            let mut contact = known.contact();
            for note in told().filter_map(|told| contact.serials.note(told)) {
                log_note(&known.reader, note);
                self.links.nudge(&known.config.id);
                if let Note::Gap { from, until } = note {
                    gaps.push(format!("{from}–{until}"));
                }
            }
            contact.up &= before.is_some() && !was_silent;
            let was_up = contact.up;
            let is_catching_up = told().any(|told| told.is_live == Some(false));
            contact.up |= !is_catching_up && !contact.is_catching_up;
            contact.is_catching_up = is_catching_up;
            contact.up && !was_up
        };
        if let Some(text) = gaps.pop() {
            self.say_gap(known, text, now);
        }
        if is_back {
            self.say_up(known, now);
        }
    }

    /// Shows the operator the last numbers that were not told.
    fn say_gap(&self, known: &Known, text: String, now: Instant) {
        let event = LinkEvent::Note {
            reader: known.config.id.clone(),
            note: bridge::Note::Detail {
                name: "last gap".to_owned(),
                text,
            },
            at_ms: now.as_ms(),
        };
        if self.links.sink.try_send(Delivery { event, reply: None }).is_err() {
            tracing::debug!(event = "controller.gap_not_shown");
        }
    }

    fn say_up(&self, known: &Known, now: Instant) {
        let event = LinkEvent::State {
            reader: known.config.id.clone(),
            up: true,
            detail: "it posts, and what it had kept has come".to_owned(),
            at_ms: now.as_ms(),
        };
        if let Err(TrySendError::Full(_)) = self.links.sink.try_send(Delivery { event, reply: None }) {
            // The next post says it.
            known.contact().up = false;
        }
    }
}

impl Known {
    fn contact(&self) -> MutexGuard<'_, Contact> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what was told and is no swipe: doors quietly, for there are many.
fn log(reader: &str, what: &What) {
    match what {
        What::Swipe(_) | What::Heartbeat => {}
        What::Door(event) => tracing::debug!(
            event = "controller.door",
            reader,
            meaning = event.meaning,
            code = event.code
        ),
        What::Refused(event) => {
            tracing::info!(
                event = "controller.refused_person",
                reader,
                meaning = event.meaning,
                code = event.code
            );
        }
        What::Unknown(event) => tracing::warn!(
            event = "controller.unknown_event",
            reader,
            code = event.code,
            remedy = "where it is somebody's swipe, add it to also_swipes; what came is kept"
        ),
        What::Foreign { name } => tracing::debug!(event = "controller.foreign_event", reader, name),
    }
}

fn log_note(reader: &str, note: Note) {
    match note {
        Note::Gap { from, until } => tracing::warn!(
            event = "controller.gap",
            reader,
            from,
            until,
            remedy =
                "events of these numbers were not posted; with an address in its link the device is asked for them"
        ),
        Note::Restarted => tracing::warn!(event = "controller.numbers_restarted", reader),
    }
}

/// Comparing hashes in constant time tells nothing of what is hashed, and not how long it is.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
