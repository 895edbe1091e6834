//! `GET /live`: says that something changed, and nothing else; who may look is asked when the page is fetched.
//!
//! An event has data, because browsers pass over one without.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::admin::visitor::Onlooker;

/// How long it is quiet at most: what a page says of times grows old by itself.
const TICK: Duration = Duration::from_secs(2);

/// Changes that come close together are told once.
const GATHER: Duration = Duration::from_millis(150);

/// How long a stream lasts; the browser then asks for another, and is asked again whether it may.
const LONGEST: Duration = Duration::from_mins(10);

struct Follower {
    changes: watch::Receiver<u64>,
    stop: CancellationToken,
    until: Instant,
    is_first: bool,
}

/// `GET /live`
pub async fn events(onlooker: Onlooker) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let sources = &onlooker.app.shared.sources;
    let follower = Follower {
        changes: sources.changes(),
        stop: sources.stop().clone(),
        until: Instant::now() + LONGEST,
        is_first: true,
    };
    Sse::new(futures_util::stream::unfold(follower, |mut follower| async move {
        follower
            .wait()
            .await
            .then(|| (Ok(Event::default().event("changed").data("look")), follower))
    }))
}

impl Follower {
    /// Waits until there is something to tell; `false` when the stream is over.
    async fn wait(&mut self) -> bool {
        if std::mem::take(&mut self.is_first) {
            return true;
        }
        let next = async {
            tokio::select! {
                changed = self.changes.changed() => {
                    tokio::time::sleep(GATHER).await;
                    self.changes.mark_unchanged();
                    changed.is_ok()
                }
                () = tokio::time::sleep(TICK) => true,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep_until(self.until) => false,
            more = next => more,
        }
    }
}
