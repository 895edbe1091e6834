//! What the parts of the running daemon share.

use std::sync::Arc;

use rules::facts::SiteFacts;
use store::Ledger;
use tokio::sync::watch;

use crate::clock::Clock;

/// The slow facts of one revision; whoever holds it sees one consistent bureau.
#[derive(Clone, Debug)]
pub struct SiteSnapshot {
    /// The revision it was read at.
    pub revision: i64,
    /// The facts.
    pub facts: Arc<SiteFacts>,
}

/// Handed to every handler.
#[derive(Clone)]
pub struct Shared {
    /// The database.
    pub ledger: Arc<dyn Ledger>,
    /// The facts in force; changes when somebody changes them.
    pub site: watch::Receiver<SiteSnapshot>,
    /// Judging time.
    pub clock: Clock,
    /// What people type into a browser: `https://rollcall.example`; decides cookie names, Origin checks and links.
    pub public_url: Arc<str>,
    /// Whether this is `rollcall demo`: invented people, so the masked board may be previewed without a login.
    pub demo: bool,
}
