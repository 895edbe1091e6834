//! Bridges: `rollcall-bridge` programs beside readers elsewhere, which keep what they hear and send it over a websocket.
//!
//! A bridge's readers count as heard for as long as the bridge itself heard them. When its connection is lost they are down from its last
//! sign of life on; when it is back, and what it kept has come, the time in between is covered as the bridge says: its queue holds, in
//! order, the badges and when its readers were lost and found.

mod book;
mod enrolment;
mod feeder;
mod placing;
mod routes;
mod socket;

use std::collections::BTreeMap;
use std::sync::Arc;

use bridge::Delivery;
use store::Ledger;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use book::{BridgeStatus, Bridges};
pub use enrolment::{CODE_MINUTES, new_code};
pub use routes::router;

use crate::clock::Clock;
use crate::config::BridgeConfig;
use crate::engine::Heartbeats;
use crate::shared::SiteSnapshot;
use crate::sources::Sources;

/// What connections share.
pub struct BridgeHost {
    /// The bridges that the configuration names, by name.
    pub configured: BTreeMap<String, BridgeConfig>,
    /// What is known of them.
    pub bridges: Bridges,
    /// The database.
    pub ledger: Arc<dyn Ledger>,
    /// Judging time.
    pub clock: Clock,
    /// The facts in force.
    pub site: watch::Receiver<SiteSnapshot>,
    /// What is known of the readers.
    pub sources: Sources,
    /// Signs of life of readers.
    pub heartbeats: Heartbeats,
    /// What people type into a browser.
    pub public_url: Arc<str>,
    /// The way to the engine; gone once the daemon stops.
    pub sink: watch::Receiver<Option<mpsc::Sender<Delivery>>>,
    /// The daemon stops.
    pub stop: CancellationToken,
    /// Where connections run.
    pub tasks: TaskTracker,
}
