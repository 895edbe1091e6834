//! What the parts of the running daemon share.

use std::collections::HashSet;
use std::sync::Arc;

use rules::facts::SiteFacts;
use rules::model::{BadgeIndex, Facing, PersonIndex, Swipe, SwipeId};
use rules::time::Instant;
use store::rows::SwipeRecord;
use store::{Ledger, StoreError, Stored};
use tokio::sync::watch;

use crate::bridges::Bridges;
use crate::clock::Clock;
use crate::engine::intake::{CLOCK_OFF, CLOCK_SET};
use crate::folder::BadgeKeys;
use crate::sources::Sources;

/// The slow facts of one revision; whoever holds it sees one consistent bureau.
#[derive(Clone, Debug)]
pub struct SiteSnapshot {
    /// The revision it was read at.
    pub revision: i64,
    /// The facts.
    pub facts: Arc<SiteFacts>,
    /// Finds badges as readers and files spell them.
    badge_keys: Arc<BadgeKeys>,
    /// Swipes that were made by placing held ones and are judged no more, by id.
    withdrawn: Arc<HashSet<String>>,
}

impl SiteSnapshot {
    /// The facts as they were read at a revision.
    pub fn new(revision: i64, facts: Arc<SiteFacts>) -> Self {
        let badge_keys = Arc::new(BadgeKeys::new(&facts.records().badges));
        Self {
            revision,
            facts,
            badge_keys,
            withdrawn: Arc::default(),
        }
    }

    /// The same, without the swipes of these ids.
    #[must_use]
    pub fn without(self, withdrawn: Vec<String>) -> Self {
        Self {
            withdrawn: Arc::new(withdrawn.into_iter().collect()),
            ..self
        }
    }

    /// The badge of a key that was read at an instant.
    pub fn badge(&self, key: &str, at: Instant) -> Option<BadgeIndex> {
        self.badge_keys.find(key, at, &self.facts.records().badges)
    }

    /// Every key under which swipes that judging a person needs may be stored: their own badges' and those of their witnesses.
    pub fn badge_keys_of(&self, person: PersonIndex) -> Vec<&str> {
        let badges = &self.facts.records().badges;
        let people = std::iter::once(&person).chain(self.facts.witnesses_of(person));
        people
            .flat_map(|person| self.facts.badges_of(*person))
            .flat_map(|badge| BadgeKeys::spellings(&badges[badge.at()]))
            .collect()
    }

    /// A stored swipe as the rules take it; `None` where the bureau knows its reader or badge no more, or nobody has placed it in
    /// time yet.
    pub fn swipe(&self, row: &SwipeRecord) -> Stored<Option<Swipe>> {
        let is_held = matches!(row.quarantine.as_deref(), Some(CLOCK_SET | CLOCK_OFF));
        if is_held || self.withdrawn.contains(&row.id) {
            return Ok(None);
        }
        let (Some(reader), Some(badge)) = (
            self.facts.reader_index(&row.reader),
            self.badge(&row.badge, row.happened_at),
        ) else {
            return Ok(None);
        };
        let bad = |column| StoreError::BadRow {
            table: "swipe",
            column,
            id: row.id.clone(),
        };
        let mut id = [0; 16];
        hex::decode_to_slice(&row.id, &mut id).map_err(|_| bad("id"))?;
        let faces = match row.faces.as_deref() {
            None => None,
            Some("in") => Some(Facing::In),
            Some("out") => Some(Facing::Out),
            Some("both") => Some(Facing::Both),
            Some(_) => return Err(bad("faces")),
        };
        let (happened_at, received_at) = (row.happened_at, row.received_at);
        Ok(Some(Swipe {
            id: SwipeId(id),
            reader,
            badge,
            happened_at,
            received_at,
            sequence: row.sequence,
            faces,
        }))
    }

    /// A stored swipe with whose it is, where it is anybody's and among those that are read for them.
    pub fn swipe_of_holder(&self, row: &SwipeRecord) -> Stored<Option<(PersonIndex, Swipe)>> {
        let Some(swipe) = self.swipe(row)? else {
            return Ok(None);
        };
        let badge = &self.facts.records().badges[swipe.badge.at()];
        if BadgeKeys::spellings(badge).all(|key| key != row.badge) {
            return Ok(None);
        }
        let holder = self.facts.holder(swipe.badge, swipe.happened_at);
        Ok(holder.map(|person| (person, swipe)))
    }

    /// Stored swipes as the rules take them, without those of readers and badges that the bureau knows no more.
    pub fn swipes(&self, rows: &[SwipeRecord]) -> Stored<Vec<Swipe>> {
        rows.iter().filter_map(|row| self.swipe(row).transpose()).collect()
    }
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
    /// The readers as they are now.
    pub sources: Sources,
    /// The bridges as they are now.
    pub bridges: Bridges,
    /// What people type into a browser: `https://rollcall.example`; decides cookie names, Origin checks and links.
    pub public_url: Arc<str>,
    /// Whether this is `rollcall demo`: invented people, so the masked board may be previewed without a login.
    pub demo: bool,
}
