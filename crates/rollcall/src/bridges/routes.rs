//! `GET /bridge/ws`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bridge::uplink::key_hash;
use bridge::uplink::message::{LONGEST_FRAME, PATH, SUBPROTOCOL};
use store::StoreError;

use super::BridgeHost;
use super::socket::{Caller, serve};
use crate::lobby::origin_is_ours;

/// Bytes read from a socket at once, and gathered before they are written: a batch is some tens of thousands.
const BUFFER_BYTES: usize = 32 * 1024;

/// Why a bridge is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("bridges are programs; this page does not come from the address that public_url names")]
    ForeignOrigin,
    #[error("no bridge has this key: enrol it with the code of `rollcall bridge enrol NAME`")]
    UnknownKey,
    #[error("ask for the websocket subprotocol {SUBPROTOCOL}")]
    NoSubprotocol,
    #[error("{0}")]
    NoUpgrade(#[from] WebSocketUpgradeRejection),
    #[error("the key could not be checked; try again")]
    Store(#[from] StoreError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::UnknownKey => StatusCode::UNAUTHORIZED,
            Self::NoSubprotocol => StatusCode::BAD_REQUEST,
            Self::NoUpgrade(_) => StatusCode::UPGRADE_REQUIRED,
            Self::Store(error) => {
                tracing::error!(event = "bridge.store_failed", %error);
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        (status, format!("{self}\n")).into_response()
    }
}

/// The route.
pub fn router(host: BridgeHost) -> Router {
    Router::new().route(PATH, get(websocket)).with_state(Arc::new(host))
}

async fn websocket(
    State(host): State<Arc<BridgeHost>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    if !origin_is_ours(&headers, &host.public_url) {
        return Err(Refusal::ForeignOrigin);
    }
    let caller = caller(&host, &headers).await?;
    let upgrade = upgrade?.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return Err(Refusal::NoSubprotocol);
    }
    let upgrade = upgrade
        .max_message_size(LONGEST_FRAME)
        .max_frame_size(LONGEST_FRAME)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0);
    let tasks = host.tasks.clone();
    Ok(upgrade.on_upgrade(move |socket| tasks.track_future(serve(socket, caller, host))))
}

/// Who calls: by its key, or, without one, somebody who wants one.
async fn caller(host: &BridgeHost, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Some(authorization) = headers.get(AUTHORIZATION) else {
        return Ok(Caller::Stranger);
    };
    let key = authorization
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Bearer "));
    let hash = key_hash(key.ok_or(Refusal::UnknownKey)?);
    if let Some(row) = host.ledger.bridge(&hash).await? {
        return Ok(Caller::Bridge(row));
    }
    tracing::warn!(
        event = "bridge.unknown_key",
        remedy = "if it is yours: `rollcall bridge enrol NAME`, then `rollcall-bridge enrol` on it"
    );
    Err(Refusal::UnknownKey)
}
