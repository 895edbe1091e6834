//! What is known of the bridges, for pages and for whoever connects.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge::uplink::message::{ReaderReport, Report};
use rules::time::{Instant, Span};
use tokio_util::sync::CancellationToken;

/// The bridges that have connected since the daemon started; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Bridges(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: Mutex<BTreeMap<String, Entry>>,
    connections: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    status: BridgeStatus,
    /// The connection that speaks for it, and how it is told that another one does now.
    holder: Option<(u64, CancellationToken)>,
}

/// How a bridge is, as far as it has said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BridgeStatus {
    /// What it is called.
    pub name: String,
    /// Since when it is connected; `None` while it is not.
    pub connected_since: Option<Instant>,
    /// When it last said anything.
    pub heard_at: Option<Instant>,
    /// Its version.
    pub software: String,
    /// Records that it has and we do not.
    pub waiting: u64,
    /// Bytes of its queue, and the most that it may have.
    pub queue_bytes: (u64, u64),
    /// Whether its readers are told to wait because its queue or its disk is full.
    pub is_full: bool,
    /// How far its wall clock is ahead of ours.
    pub clock_ahead: Option<Span>,
    /// Why it is not connected, or what else is wrong with it.
    pub last_error: Option<String>,
    /// What it found damaged when it started.
    pub losses: Vec<String>,
    /// The edition of the configuration that it uses.
    pub edition: Option<String>,
    /// Its readers.
    pub readers: Vec<ReaderReport>,
}

impl Bridges {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, by name.
    pub fn list(&self) -> Vec<BridgeStatus> {
        self.lock().values().map(|entry| entry.status.clone()).collect()
    }

    /// Takes the place of a bridge's connection. The newest has it, because the one before is usually a line that died unnoticed.
    pub(super) fn take(&self, name: &str, now: Instant) -> Hold {
        let connection = self.0.connections.fetch_add(1, Ordering::Relaxed);
        let taken_over = CancellationToken::new();
        let mut entries = self.lock();
        let entry = entries.entry(name.to_owned()).or_insert_with(|| Entry {
            status: BridgeStatus::default(),
            holder: None,
        });
        if let Some((_, before)) = entry.holder.replace((connection, taken_over.clone())) {
            before.cancel();
        }
        name.clone_into(&mut entry.status.name);
        entry.status.connected_since = Some(now);
        entry.status.last_error = None;
        Hold {
            bridges: self.clone(),
            name: name.to_owned(),
            connection,
            taken_over,
        }
    }
}

/// A connection's place.
pub(super) struct Hold {
    bridges: Bridges,
    name: String,
    connection: u64,
    /// Cancelled when another connection has the place.
    pub taken_over: CancellationToken,
}

impl Hold {
    /// Changes what is known of the bridge, unless another connection speaks for it by now.
    pub fn note(&self, change: impl FnOnce(&mut BridgeStatus)) {
        if let Some(entry) = self.bridges.lock().get_mut(&self.name)
            && entry
                .holder
                .as_ref()
                .is_some_and(|(holder, _)| *holder == self.connection)
        {
            change(&mut entry.status);
        }
    }

    /// What the bridge says of itself.
    pub fn note_report(&self, report: Report) {
        self.note(|status| {
            status.waiting = report.waiting;
            status.queue_bytes = (report.queue_bytes, report.queue_bound_bytes);
            status.is_full = report.is_full;
            status.losses = report.losses;
            status.readers = report.readers;
        });
    }

    /// Gives the place back; whether it was still this connection's, so that nobody speaks for the bridge now.
    pub fn leave(self, why: &str) -> bool {
        let mut entries = self.bridges.lock();
        let Some(entry) = entries.get_mut(&self.name) else {
            return false;
        };
        let is_holder = entry
            .holder
            .as_ref()
            .is_some_and(|(holder, _)| *holder == self.connection);
        if is_holder {
            entry.holder = None;
            entry.status.connected_since = None;
            entry.status.last_error = Some(why.to_owned());
        }
        is_holder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_connection_speaks_for_a_bridge() {
        let bridges = Bridges::default();
        let older = bridges.take("east", Instant::from_ms(1));
        let newer = bridges.take("east", Instant::from_ms(2));
        assert!(older.taken_over.is_cancelled() && !newer.taken_over.is_cancelled());
        older.note(|status| status.waiting = 7);
        newer.note(|status| status.waiting = 8);
        assert!(!older.leave("taken over"), "another speaks for it");
        let [status] = bridges.list().try_into().expect("one");
        assert_eq!((status.waiting, status.connected_since), (8, Some(Instant::from_ms(2))));
        assert!(newer.leave("gone"));
        let [status] = bridges.list().try_into().expect("one");
        assert_eq!(
            (status.connected_since, status.last_error.as_deref()),
            (None, Some("gone"))
        );
    }
}
