//! What a batch takes for granted while the one before it is written, and what happens where it is not so.

use rules::time::Instant;
use store::Transaction;
use store::rows::SwipeRecord;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::super::intake::{Outcome, swipe_id};
use super::super::workbench::{Running, Workbench, at, source_key};

/// Late by six and by seven minutes.
const ANA: (&str, &str) = ("7", "16 08:36");
const BO: (&str, &str) = ("8", "16 08:37");

/// When Ana had swiped before.
const EARLIER: [&str; 3] = ["16 08:35", "16 08:41", "16 08:42"];

/// Somebody else has the database, and behind them wait a batch that is being written and one that was judged on top of it.
struct Held {
    bench: Workbench,
    running: Running,
    other: Box<dyn Transaction>,
    outcomes: [Receiver<Vec<Outcome>>; 2],
}

impl Held {
    async fn new() -> Self {
        let bench = Workbench::new(at("16 07:00")).await;
        bench.run(at("16 09:00"), &[]).await;
        assert_eq!(
            bench.told().await,
            [
                "16 ana morning not_arrived - provisional",
                "16 bo morning not_arrived - provisional"
            ]
        );
        let running = bench.start(at("16 09:00")).await;
        // Before anybody else has the database, whatever the start made due is judged and remembered, and the engine has done what
        // it does at every start besides: its sign of life is written, and it has looked for changed facts.
        for happened in EARLIER {
            let heard = send(&running, ("7", happened)).await.await.expect("committed");
            assert!(matches!(&heard[..], [Outcome::Recorded { .. }]), "{heard:?}");
        }
        let other = bench.ledger.begin().await.expect("begin");
        // Each is taken by itself although nobody can write: one is being written, the other one judged.
        let mut outcomes = [taken(&running, ANA).await, taken(&running, BO).await];
        for outcome in &mut outcomes {
            assert_eq!(
                outcome.try_recv().err(),
                Some(TryRecvError::Empty),
                "nothing is committed yet"
            );
        }
        Self {
            bench,
            running,
            other,
            outcomes,
        }
    }

    /// What the two hear, and then what the bench says of them.
    async fn end(self) -> (Vec<Outcome>, Vec<String>) {
        self.other.commit().await.expect("commit");
        let [ana, bo] = self.outcomes;
        let heard = [ana.await.expect("answered"), bo.await.expect("answered")].concat();
        self.running.stop(&self.bench).await;
        let revision = self.bench.ledger.facts_revision().await.expect("read");
        let days = self.bench.days().await;
        assert!(days.iter().all(|day| day.facts_revision == revision), "{days:?}");
        assert_eq!(self.bench.ledger.swipe_count().await.expect("read"), 5);
        (heard, self.bench.told().await)
    }
}

async fn send(running: &Running, (badge, happened): (&str, &str)) -> Receiver<Vec<Outcome>> {
    running.send("in", badge, at(happened)).await
}

/// Sends a swipe, and sees the engine take it.
async fn taken(running: &Running, swipe: (&str, &str)) -> Receiver<Vec<Outcome>> {
    let outcome = send(running, swipe).await;
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.waiting(), 0, "{swipe:?} is not taken");
    outcome
}

fn id((badge, happened): (&str, &str)) -> String {
    swipe_id(&format!("in|{}", source_key(badge, at(happened))))
}

fn recorded(swipe: (&str, &str)) -> Outcome {
    Outcome::Recorded { id: id(swipe) }
}

const LATE: [&str; 2] = ["16 ana morning late 5 final", "16 bo morning late 7 final"];

#[tokio::test]
async fn both_are_committed_in_order_once_the_database_is_free() {
    let held = Held::new().await;
    let (heard, told) = held.end().await;
    assert_eq!(heard, [recorded(ANA), recorded(BO)]);
    assert_eq!(told, LATE);
}

#[tokio::test]
async fn both_are_judged_by_the_facts_that_somebody_changed_meanwhile() {
    let mut held = Held::new().await;
    held.other.bump_facts_revision().await.expect("bumped");
    held.other.make_due(None, None).await.expect("due");
    let (heard, told) = held.end().await;
    assert_eq!(heard, [recorded(ANA), recorded(BO)]);
    assert_eq!(told, LATE);
}

#[tokio::test]
async fn a_swipe_that_somebody_else_stored_meanwhile_is_a_duplicate_and_the_other_counts() {
    let mut held = Held::new().await;
    let stored = stored_by_somebody_else(ANA, at("16 09:00"));
    held.other.record_swipes(&[stored]).await.expect("recorded");
    held.other.bump_facts_revision().await.expect("bumped");
    held.other.make_due(None, None).await.expect("due");
    let (heard, told) = held.end().await;
    assert_eq!(heard, [Outcome::Duplicate { id: id(ANA) }, recorded(BO)]);
    assert_eq!(told, LATE);
}

#[tokio::test]
async fn whoever_was_not_answered_before_a_kill_sends_again_and_counts_once() {
    let Held {
        bench,
        running,
        other,
        outcomes,
    } = Held::new().await;
    running.kill().await;
    drop(other);
    let [ana, bo] = outcomes;
    assert!(ana.await.is_err() || bo.await.is_err(), "at least one was not answered");
    let swipe = |(badge, happened)| ("in", badge, at(happened));
    bench.run(at("16 09:00"), &[swipe(ANA), swipe(BO)]).await;
    assert_eq!(bench.ledger.swipe_count().await.expect("read"), 5);
    assert_eq!(bench.told().await, LATE);
}

fn stored_by_somebody_else(swipe: (&str, &str), received_at: Instant) -> SwipeRecord {
    let (badge, happened) = swipe;
    SwipeRecord {
        id: id(swipe),
        dedup_key: format!("in|{}", source_key(badge, at(happened))),
        reader: "in".to_owned(),
        badge: badge.to_owned(),
        raw_hex: None,
        bits: None,
        happened_at: at(happened),
        received_at,
        sequence: None,
        faces: None,
        quarantine: None,
    }
}
