//! The routes under `/screen`.
//!
//! | route | answers |
//! |---|---|
//! | `GET /screen` | the page, which holds no data |
//! | `GET /screen/assets/{build}/{file}` | its files |
//! | `POST /screen/session` | takes a token out of the page's hands into a cookie that no script can read |
//! | `GET /screen/snapshot` | the board for a page that no websocket reaches, and for programs |
//! | `GET /screen/ws` | the websocket |

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::sync::atomic::Ordering;
use store::error::StoreError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Lobby;
use super::access::{Access, COOKIE_NAME, Credential, origin_is_ours, token_hash};
use super::frame::SUBPROTOCOL;
use super::names::NameMode;
use super::page::{ASSETS, BUILD, PAGE};
use super::socket::{Visitor, serve};

/// The largest frame that a screen may send, in bytes.
const INBOUND_BYTES: usize = 8 * 1024;

/// The largest body of `POST /screen/session`, in bytes.
const SESSION_BYTES: usize = 1024;

/// Bytes read from a socket at once; screens send little, and there may be many.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Bytes gathered before they are written.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// How long a browser keeps the token's cookie, in seconds: as long as browsers allow, 400 days.
const COOKIE_SECONDS: u32 = 400 * 24 * 60 * 60;

/// Judging time now, for pages that poll.
const TIME_HEADER: HeaderName = HeaderName::from_static("rollcall-time");

/// Judging seconds per real second, for pages that poll.
const RATE_HEADER: HeaderName = HeaderName::from_static("rollcall-clock-rate");

/// What the handlers share.
#[derive(Clone)]
pub struct Screens {
    pub lobby: Lobby,
    pub access: Arc<dyn Access>,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

/// Why a request under `/screen` is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("this page does not come from the address that public_url names")]
    ForeignOrigin,
    #[error("this screen is not paired; ask the operator to run: rollcall screen create NAME")]
    NotPaired,
    #[error("ask for the websocket subprotocol {SUBPROTOCOL}")]
    NoSubprotocol,
    #[error("{0}")]
    NoUpgrade(#[from] WebSocketUpgradeRejection),
    #[error("there is no such file in this version")]
    NoSuchFile,
    #[error("the screen's token could not be checked; try again")]
    Store(#[from] StoreError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NotPaired => StatusCode::UNAUTHORIZED,
            Self::NoSubprotocol => StatusCode::BAD_REQUEST,
            Self::NoUpgrade(_) => StatusCode::UPGRADE_REQUIRED,
            Self::NoSuchFile => StatusCode::NOT_FOUND,
            Self::Store(error) => {
                tracing::error!(%error, "a screen's token could not be checked");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        (status, format!("{self}\n")).into_response()
    }
}

/// The routes.
pub fn router(screens: Screens) -> Router {
    Router::new()
        .route("/screen", get(page))
        .route("/screen/assets/{build}/{file}", get(asset))
        .route(
            "/screen/session",
            post(session).layer(DefaultBodyLimit::max(SESSION_BYTES)),
        )
        .route("/screen/snapshot", get(snapshot))
        .route("/screen/ws", get(websocket))
        .with_state(screens)
}

async fn page(State(screens): State<Screens>) -> Response {
    let socket = socket_origin(&screens.lobby.0.settings.public_url);
    let policy = format!(
        "default-src 'self'; connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; object-src 'none'"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("content-security-policy"), policy.as_str()),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ];
    (headers, PAGE.as_str()).into_response()
}

/// Older browsers do not take `'self'` to include websockets, so the policy names them. What is no URL names nothing.
fn socket_origin(public_url: &str) -> String {
    let origin = public_url.strip_prefix("http").filter(|rest| {
        rest.bytes()
            .all(|byte| byte.is_ascii_graphic() && !b";,'\"".contains(&byte))
    });
    let host = origin
        .and_then(|rest| rest.split_once("://"))
        .and_then(|(secure, rest)| Some((secure, rest.split('/').next()?)));
    host.map_or_else(String::new, |(secure, host)| format!("ws{secure}://{host}"))
}

async fn asset(Path((build, file)): Path<(String, String)>) -> Result<Response, Refusal> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == file && build == *BUILD)
        .ok_or(Refusal::NoSuchFile)?;
    let headers = [
        (CONTENT_TYPE, asset.media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    Ok((headers, asset.body).into_response())
}

#[derive(Deserialize)]
struct Session {
    token: String,
}

async fn session(
    State(screens): State<Screens>,
    headers: HeaderMap,
    Json(session): Json<Session>,
) -> Result<Response, Refusal> {
    let public_url = &screens.lobby.0.settings.public_url;
    if !origin_is_ours(&headers, public_url) {
        return Err(Refusal::ForeignOrigin);
    }
    if screens.access.screen(&token_hash(&session.token)).await?.is_none() {
        screens.lobby.0.counters.refused.fetch_add(1, Ordering::Relaxed);
        return Err(Refusal::NotPaired);
    }
    let secure = if public_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    // A token that was found has the form of ours; it cannot smuggle another attribute in.
    let cookie = format!(
        "{COOKIE_NAME}={}; HttpOnly; SameSite=Strict; Path=/screen; Max-Age={COOKIE_SECONDS}{secure}",
        session.token
    );
    Ok((
        StatusCode::NO_CONTENT,
        [(SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())],
    )
        .into_response())
}

/// Who asks.
async fn visitor(screens: &Screens, headers: HeaderMap) -> Result<Visitor, StoreError> {
    let screen = match Credential::of(&headers) {
        Some(credential) => screens.access.screen(&credential.token_hash()).await?,
        None => None,
    };
    let may_preview = screens.lobby.0.settings.demo || screens.access.is_admin(&headers).await;
    Ok(Visitor {
        screen,
        may_preview,
        headers,
    })
}

#[derive(Deserialize)]
struct SnapshotQuery {
    /// `preview` asks for the masked board without a screen token.
    screen: Option<String>,
}

async fn snapshot(
    State(screens): State<Screens>,
    Query(query): Query<SnapshotQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visitor = visitor(&screens, headers).await?;
    let preview = query.screen.as_deref() == Some("preview");
    let names = match (&visitor.screen, preview && visitor.may_preview) {
        (_, true) => NameMode::Masked,
        (Some(_), false) if !preview => screens.lobby.0.settings.names,
        _ => return Err(Refusal::NotPaired),
    };
    let inner = &screens.lobby.0;
    let rate = inner.clock.speed();
    let base = screens.lobby.feed(names).snapshot(rate);
    let etag = format!("\"{}-{}-{}-{rate}\"", inner.epoch, names.name(), base.seq);
    let unchanged = visitor
        .headers
        .get(IF_NONE_MATCH)
        .is_some_and(|held| held.as_bytes() == etag.as_bytes());
    let headers = [
        (ETAG, etag),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_TYPE, "application/json".to_owned()),
        (TIME_HEADER, screens.lobby.stamp(inner.clock.now())),
        (RATE_HEADER, rate.to_string()),
    ];
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    inner.counters.snapshots.fetch_add(1, Ordering::Relaxed);
    Ok((headers, base.snapshot.as_str().to_owned()).into_response())
}

async fn websocket(
    State(screens): State<Screens>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let refused = |refusal| {
        screens.lobby.0.counters.refused.fetch_add(1, Ordering::Relaxed);
        refusal
    };
    if !origin_is_ours(&headers, &screens.lobby.0.settings.public_url) {
        return Err(refused(Refusal::ForeignOrigin));
    }
    let upgrade = upgrade
        .map_err(|rejection| refused(Refusal::from(rejection)))?
        .protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol() != Some(&HeaderValue::from_static(SUBPROTOCOL)) {
        return Err(refused(Refusal::NoSubprotocol));
    }
    let visitor = visitor(&screens, headers).await?;
    let Screens {
        lobby,
        access,
        stop,
        tasks,
    } = screens.clone();
    Ok(upgrade
        .max_message_size(INBOUND_BYTES)
        .max_frame_size(INBOUND_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .on_upgrade(move |socket| tasks.track_future(serve(socket, visitor, lobby, access, stop))))
}
