//! `/healthz`, `/readyz` and `/metrics`: for supervisors.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use store::Ledger;

use crate::engine::{Health, Intake};
use crate::lobby::Lobby;

/// What the routes look at.
#[derive(Clone)]
pub struct HealthState {
    /// The database.
    pub ledger: Arc<dyn Ledger>,
    /// The engine.
    pub health: Arc<Health>,
    /// The way into it.
    pub intake: Intake,
    /// The screens.
    pub lobby: Lobby,
}

/// The routes.
pub fn router(state: HealthState) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state)
}

/// Ready means: a swipe that is sent now will be recorded.
async fn ready(State(state): State<HealthState>) -> Response {
    let trouble = match state.health.paused() {
        Some(reason) => Some(format!("intake is paused: {reason}")),
        None => state
            .ledger
            .ping()
            .await
            .err()
            .map(|error| format!("the database does not answer: {error}")),
    };
    match trouble {
        None => "ready\n".into_response(),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response(),
    }
}

async fn metrics(State(state): State<HealthState>) -> Response {
    let (health, intake, lobby) = (&state.health, state.intake.counters(), state.lobby.counts());
    let counters = [
        (
            "rollcall_readings_received_total",
            "Readings handed to the engine.",
            intake.swipes.load(Ordering::Relaxed),
        ),
        (
            "rollcall_inputs_rejected_total",
            "Frames, lines and records that could not be read.",
            intake.rejected.load(Ordering::Relaxed),
        ),
        (
            "rollcall_intake_busy_total",
            "Submissions refused because the queue was full.",
            intake.busy.load(Ordering::Relaxed),
        ),
        (
            "rollcall_swipes_stored_total",
            "Swipes stored that were new.",
            health.swipes.load(Ordering::Relaxed),
        ),
        (
            "rollcall_batches_committed_total",
            "Transactions of the engine.",
            health.batches.load(Ordering::Relaxed),
        ),
        (
            "rollcall_days_judged_total",
            "Person-days judged.",
            health.judged_days.load(Ordering::Relaxed),
        ),
        (
            "rollcall_screen_snapshots_total",
            "Snapshots sent to screens.",
            lobby.snapshots,
        ),
        (
            "rollcall_screen_slow_closes_total",
            "Screens closed because they could not keep up.",
            lobby.slow_closes,
        ),
    ];
    let mut text = String::new();
    for (name, help, value) in counters {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
    let screens = lobby.connected;
    let paused = u8::from(health.paused().is_some());
    for (name, help, value) in [
        (
            "rollcall_screens_connected",
            "Screens connected now.",
            screens.to_string(),
        ),
        (
            "rollcall_intake_paused",
            "1 while the database takes nothing.",
            paused.to_string(),
        ),
        (
            "rollcall_engine_seen_seconds",
            "Judging time of the engine's last round.",
            (health.seen_at_ms.load(Ordering::Relaxed) / 1_000).to_string(),
        ),
    ] {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
