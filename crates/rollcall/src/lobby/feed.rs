//! A feed: one view, its sequence numbers, and the frames that every screen of that view shares.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::frame::{ServerFrame, Snapshot, text};
use super::names::NameMode;
use super::view::View;

/// How many frames a screen may be behind before it gets a snapshot instead. The frames are shared: this bounds a feed's
/// memory whatever the number of screens.
pub const QUEUED_FRAMES: usize = 64;

/// One view and those who watch it.
#[derive(Debug)]
pub struct Feed {
    names: NameMode,
    epoch: String,
    state: Mutex<State>,
    events: broadcast::Sender<Utf8Bytes>,
}

#[derive(Debug)]
struct State {
    seq: u64,
    view: View,
    /// When the view was drawn: judging time, RFC 3339.
    at: String,
    /// The snapshot of `seq`, once somebody asked, and the clock rate that it names.
    snapshot: Option<(f64, Utf8Bytes)>,
}

/// A snapshot with its number.
#[derive(Clone, Debug)]
pub struct Base {
    /// The number that the next event follows.
    pub seq: u64,
    /// The frame.
    pub snapshot: Utf8Bytes,
}

/// What a subscription says next.
#[derive(Debug)]
pub enum Next {
    /// Events, in order and without a gap.
    Events(Vec<Utf8Bytes>),
    /// The screen fell behind; its events are gone and it needs a snapshot.
    Behind,
    /// The feed is gone.
    Over,
}

/// A place in the stream of events.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Utf8Bytes>);

impl Feed {
    /// A feed that shows nothing yet.
    pub fn new(names: NameMode, epoch: String) -> Self {
        let state = State {
            seq: 0,
            view: View::default(),
            at: String::new(),
            snapshot: None,
        };
        Self {
            names,
            epoch,
            state: Mutex::new(state),
            events: broadcast::Sender::new(QUEUED_FRAMES),
        }
    }

    /// Its name mode.
    pub fn names(&self) -> NameMode {
        self.names
    }

    /// Shows `view`, drawn at `at`, and tells everybody what changed. Returns whether anything did.
    pub fn publish(&self, view: View, at: &str) -> bool {
        let mut state = self.lock();
        let Some(event) = View::diff(&state.view, &view) else {
            return false;
        };
        state.seq += 1;
        state.view = view;
        at.clone_into(&mut state.at);
        state.snapshot = None;
        let frame = text(&ServerFrame::Event(&event), &self.epoch, Some(state.seq), at);
        // Sent under the lock, so that nobody can subscribe between a number and its event. Without screens nobody hears it.
        let _: Result<usize, _> = self.events.send(frame);
        true
    }

    /// The snapshot, and the stream of the events that follow it.
    pub fn subscribe(&self, clock_rate: f64) -> (Base, Subscription) {
        let mut state = self.lock();
        (self.base(&mut state, clock_rate), Subscription(self.events.subscribe()))
    }

    /// The snapshot alone.
    pub fn snapshot(&self, clock_rate: f64) -> Base {
        self.base(&mut self.lock(), clock_rate)
    }

    fn base(&self, state: &mut State, clock_rate: f64) -> Base {
        let State {
            seq,
            view,
            at,
            snapshot,
        } = state;
        let seq = *seq;
        let kept = snapshot
            .take()
            .filter(|(rate, _)| rate.to_bits() == clock_rate.to_bits());
        let (_, frame) = snapshot.insert(kept.unwrap_or_else(|| {
            let frame = ServerFrame::Snapshot(Snapshot { clock_rate, view });
            (clock_rate, text(&frame, &self.epoch, Some(seq), at))
        }));
        Base {
            seq,
            snapshot: frame.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is replaced as a whole, so a panic elsewhere cannot have left it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Waits for events and takes all that are there.
    pub async fn next(&mut self) -> Next {
        let mut frames = match self.0.recv().await {
            Ok(frame) => vec![frame],
            Err(RecvError::Lagged(_)) => return Next::Behind,
            Err(RecvError::Closed) => return Next::Over,
        };
        while frames.len() < QUEUED_FRAMES {
            match self.0.try_recv() {
                Ok(frame) => frames.push(frame),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                Err(TryRecvError::Lagged(_)) => return Next::Behind,
            }
        }
        Next::Events(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lobby::view::Counts;

    fn view(due: u32) -> View {
        View {
            counts: Counts {
                due,
                ..Counts::default()
            },
            ..View::default()
        }
    }

    fn seq(frame: &Utf8Bytes) -> u64 {
        let frame: serde_json::Value = serde_json::from_str(frame).expect("frames are JSON");
        frame["seq"].as_u64().expect("frames are numbered")
    }

    #[tokio::test]
    async fn events_follow_the_snapshot_without_a_gap() {
        let feed = Feed::new(NameMode::Masked, "e".into());
        assert!(feed.publish(view(1), "t"));
        let (base, mut subscription) = feed.subscribe(1.0);
        assert_eq!((base.seq, seq(&base.snapshot)), (1, 1));
        assert!(!feed.publish(view(1), "t"), "nothing changed, nothing is said");
        assert!(feed.publish(view(2), "t") && feed.publish(view(3), "t"));
        let Next::Events(frames) = subscription.next().await else {
            panic!("two events were published")
        };
        assert_eq!(frames.iter().map(seq).collect::<Vec<_>>(), [2, 3]);
    }

    #[tokio::test]
    async fn whoever_falls_behind_is_told_and_memory_stays_bounded() {
        let feed = Feed::new(NameMode::Masked, "e".into());
        let (_, mut slow) = feed.subscribe(1.0);
        for due in 1..=u32::try_from(QUEUED_FRAMES * 3).expect("small") {
            feed.publish(view(due), "t");
        }
        assert!(matches!(slow.next().await, Next::Behind));
        let (base, mut caught_up) = feed.subscribe(1.0);
        assert_eq!(base.seq, QUEUED_FRAMES as u64 * 3);
        feed.publish(view(0), "t");
        let Next::Events(frames) = caught_up.next().await else {
            panic!("one event was published")
        };
        assert_eq!(frames.iter().map(seq).collect::<Vec<_>>(), [base.seq + 1]);
    }

    #[test]
    fn a_snapshot_is_serialised_once_for_a_number_and_a_rate() {
        let feed = Feed::new(NameMode::Masked, "e".into());
        let (first, again) = (feed.snapshot(1.0), feed.snapshot(1.0));
        assert!(std::ptr::eq(first.snapshot.as_str(), again.snapshot.as_str()));
        assert!(feed.snapshot(60.0).snapshot.contains(r#""clock_rate":60.0"#));
    }
}
