//! `/healthz`, `/readyz` and `/metrics`: for supervisors.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use store::Ledger;

use crate::engine::{Health, Intake};
use crate::lobby::Lobby;
use crate::shared::Shared;

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
    /// The readers, and by which date is counted.
    pub shared: Shared,
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
    let mut text = String::new();
    for Metric {
        name,
        kind,
        help,
        value,
    } in counters(&state).into_iter().chain(gauges(&state))
    {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    let zone = state.shared.site.borrow().facts.records().site.zone;
    let today = rules::time::local_date(state.shared.clock.now(), zone);
    super::reader_metrics::write(&mut text, &state.shared.sources.all(today));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: u64,
}

fn counters(state: &HealthState) -> Vec<Metric> {
    let (health, intake, lobby) = (&state.health, state.intake.counters(), state.lobby.counts());
    let counter = |name, help, value| Metric {
        name,
        kind: "counter",
        help,
        value,
    };
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    vec![
        counter(
            "rollcall_readings_received_total",
            "Readings handed to the engine.",
            read(&intake.swipes),
        ),
        counter(
            "rollcall_inputs_rejected_total",
            "Inputs that could not be read.",
            read(&intake.rejected),
        ),
        counter(
            "rollcall_intake_busy_total",
            "Submissions refused because the queue was full.",
            read(&intake.busy),
        ),
        counter(
            "rollcall_swipes_stored_total",
            "Swipes stored that were new.",
            read(&health.swipes),
        ),
        counter(
            "rollcall_batches_committed_total",
            "Transactions of the engine.",
            read(&health.batches),
        ),
        counter(
            "rollcall_days_judged_total",
            "Person-days judged.",
            read(&health.judged_days),
        ),
        counter(
            "rollcall_screen_snapshots_total",
            "Snapshots sent to screens.",
            lobby.snapshots,
        ),
        counter(
            "rollcall_screen_slow_closes_total",
            "Screens closed because they fell behind.",
            lobby.slow_closes,
        ),
    ]
}

fn gauges(state: &HealthState) -> Vec<Metric> {
    let gauge = |name, help, value| Metric {
        name,
        kind: "gauge",
        help,
        value,
    };
    let seen_seconds = state.health.seen_at_ms.load(Ordering::Relaxed).max(0).unsigned_abs() / 1_000;
    vec![
        gauge(
            "rollcall_screens_connected",
            "Screens connected now.",
            state.lobby.counts().connected,
        ),
        gauge(
            "rollcall_intake_paused",
            "1 while the database takes nothing.",
            u64::from(state.health.paused().is_some()),
        ),
        gauge(
            "rollcall_engine_seen_seconds",
            "Judging time of the engine's last round.",
            seen_seconds,
        ),
    ]
}
