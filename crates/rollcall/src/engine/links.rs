//! From the readers' links to the engine: what a link delivers is put into the engine's terms and handed over, and the answer
//! goes back after the commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bridge::{Delivery, Link, LinkContext, LinkEvent, ReaderConfig};
use rules::time::{Instant, Span};
use store::rows::RejectedInput;
use tokio::sync::{mpsc, oneshot};
use wire::{HappenedAt, Malformed, Reading};

use super::intake::{Intake, IntakeError, NewSwipe, Outcome, ReaderChange, swipe_id};
use crate::lifecycle::Lifecycle;
use crate::shared::Shared;

/// How many events of all links together may wait for the engine's queue. When it is full, serial lines wait and network peers
/// hear "busy".
const WAITING_EVENTS: usize = 256;

/// How often it is looked whether a reader has been silent for too long.
const SILENCE_CHECK: Duration = Duration::from_secs(1);

/// The readers that this process itself listens to, and so knows whether they can be heard.
pub fn watched(readers: &[ReaderConfig]) -> Vec<Arc<str>> {
    readers.iter().filter(|reader| reader.link != Link::Http).map(|reader| reader.id.as_str().into()).collect()
}

/// Starts a link for each reader, and the task that hands on what they deliver.
pub fn start(readers: &[ReaderConfig], shared: &Shared, intake: &Intake, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let (sink, deliveries) = mpsc::channel(WAITING_EVENTS);
    let mut boot = [0_u8; 8];
    getrandom::fill(&mut boot).map_err(|error| anyhow::anyhow!("no random numbers from the system: {error}"))?;
    let clock = shared.clock.clone();
    let context = LinkContext::new(hex::encode(boot), sink, Arc::new(move || clock.now().as_ms()), lifecycle.soft.clone());
    for reader in readers.iter().filter(|reader| reader.link != Link::Http) {
        let (reader, context) = (reader.clone(), context.clone());
        lifecycle.spawn_vital("a reader's link", async move { bridge::run_link(reader, context).await.context("link") });
    }
    let pump = Pump { shared: shared.clone(), intake: intake.clone(), silence: Silence::new(readers, shared.clock.now()), lifecycle: lifecycle.clone() };
    lifecycle.spawn_vital("the readers' events", pump.run(deliveries));
    Ok(())
}

struct Pump {
    shared: Shared,
    intake: Intake,
    silence: Silence,
    lifecycle: Lifecycle,
}

impl Pump {
    /// Hands on until the links have stopped and everything that they had read is with the engine.
    async fn run(mut self, mut deliveries: mpsc::Receiver<Delivery>) -> anyhow::Result<()> {
        let mut check = tokio::time::interval(SILENCE_CHECK);
        loop {
            let handed = tokio::select! {
                delivery = deliveries.recv() => match delivery {
                    Some(delivery) => self.hand_on(delivery).await,
                    None if self.lifecycle.soft.is_cancelled() => return Ok(()),
                    // Nothing is left to listen to, for there are no readers with links; the task waits for the end.
                    None => {
                        self.lifecycle.soft.cancelled().await;
                        return Ok(());
                    }
                },
                _ = check.tick() => self.notice_silence().await,
            };
            if let Err(IntakeError::Stopping) = handed {
                return Ok(());
            }
        }
    }

    async fn hand_on(&mut self, delivery: Delivery) -> Result<(), IntakeError> {
        match delivery.event {
            LinkEvent::Reading { reader, dedup_source, reading, received_at_ms } => {
                let received_at = Instant::from_ms(received_at_ms);
                self.heard(&reader, received_at).await?;
                let swipe = self.swipe(&reader, dedup_source, &reading, received_at);
                let outcome = self.intake.swipe(swipe).await?;
                self.reply_later(outcome, delivery.reply, bridge_outcome);
            }
            LinkEvent::Malformed { reader, malformed, received_at_ms } => {
                let reason = malformed.reason.name();
                let committed = self.intake.rejected(rejected(&reader, &malformed, Instant::from_ms(received_at_ms))).await?;
                self.reply_later(committed, delivery.reply, move |_| Some(bridge::Outcome::Refused { reason: reason.to_owned() }));
            }
            LinkEvent::State { reader, up, detail, at_ms } => {
                let at = Instant::from_ms(at_ms);
                self.silence.link(&reader, up, at);
                self.intake.reader(ReaderChange { reader: reader.as_str().into(), up, at, detail }).await?;
            }
        }
        Ok(())
    }

    /// A reading is a sign of life; one that ends a silence is told first, so that the outage ends before the reading.
    async fn heard(&mut self, reader: &str, at: Instant) -> Result<(), IntakeError> {
        if self.silence.heard(reader, at) {
            let detail = "heard again".to_owned();
            self.intake.reader(ReaderChange { reader: reader.into(), up: true, at, detail }).await?;
        }
        Ok(())
    }

    async fn notice_silence(&mut self) -> Result<(), IntakeError> {
        for (reader, last_heard) in self.silence.fallen_silent(self.shared.clock.now()) {
            let detail = "silent for longer than silent_after_seconds".to_owned();
            self.intake.reader(ReaderChange { reader, up: false, at: last_heard, detail }).await?;
        }
        Ok(())
    }

    fn swipe(&self, reader: &str, source_key: String, reading: &Reading, received_at: Instant) -> NewSwipe {
        let zone = self.shared.site.borrow().facts.records().site.zone;
        let happened_at = match reading.happened_at {
            None => received_at,
            Some(HappenedAt::Instant(ms)) => Instant::from_ms(ms),
            Some(HappenedAt::Civil(local)) => rules::time::civil_instant(local, zone),
        };
        let bits = reading.bits.map_or(reading.raw.len() * 8, usize::from);
        NewSwipe {
            reader: reading.reader.as_deref().unwrap_or(reader).into(),
            source_key,
            badge: reading.key.clone(),
            raw: Some((hex::encode(&reading.raw), i64::try_from(bits).unwrap_or(i64::MAX))),
            happened_at,
            received_at,
            sequence: reading.sequence,
            faces: reading.faces.map(wire::Faces::name),
        }
    }

    /// Answers once the engine has; an engine that ended without committing answers nothing, and so does this.
    fn reply_later<F>(&self, outcome: oneshot::Receiver<Vec<Outcome>>, reply: Option<oneshot::Sender<bridge::Outcome>>, translate: F)
    where
        F: FnOnce(Vec<Outcome>) -> Option<bridge::Outcome> + Send + 'static,
    {
        let Some(reply) = reply else { return };
        self.lifecycle.tasks.spawn(async move {
            if let Ok(outcomes) = outcome.await
                && let Some(outcome) = translate(outcomes)
                && reply.send(outcome).is_err()
            {
                tracing::debug!(event = "peer.gone", "a peer went away before it heard what became of its record");
            }
        });
    }
}

fn bridge_outcome(outcomes: Vec<Outcome>) -> Option<bridge::Outcome> {
    outcomes.into_iter().next().map(|outcome| match outcome {
        Outcome::Recorded { id } => bridge::Outcome::Recorded { id },
        Outcome::Duplicate { id } => bridge::Outcome::Duplicate { id },
        Outcome::Quarantined { id, reason } => bridge::Outcome::Quarantined { id, reason },
    })
}

fn rejected(reader: &str, malformed: &Malformed, received_at: Instant) -> RejectedInput {
    let raw_hex = hex::encode(&malformed.bytes);
    let reason = malformed.reason.name();
    RejectedInput {
        // The same bytes at the same millisecond from one reader are one input.
        id: swipe_id(&format!("rejected|{reader}|{}|{reason}|{raw_hex}", received_at.as_ms())),
        reader: reader.to_owned(),
        received_at,
        reason: reason.to_owned(),
        raw_hex,
    }
}

/// Readers whose silence means something, and when they were last heard.
#[derive(Debug, Default)]
struct Silence(BTreeMap<Arc<str>, Sign>);

#[derive(Debug)]
struct Sign {
    silent_after: Span,
    last: Instant,
    link_up: bool,
    silent: bool,
}

impl Silence {
    fn new(readers: &[ReaderConfig], now: Instant) -> Self {
        let watched = readers.iter().filter(|reader| reader.silent_after_seconds > 0);
        let sign = |reader: &ReaderConfig| Sign {
            silent_after: Span::from_seconds(i64::from(reader.silent_after_seconds)),
            last: now,
            // A reader that calls us has no link to be down.
            link_up: reader.link == Link::Http,
            silent: false,
        };
        Self(watched.map(|reader| (reader.id.as_str().into(), sign(reader))).collect())
    }

    /// The link came up or went down; coming up is a sign of life.
    fn link(&mut self, reader: &str, up: bool, at: Instant) {
        if let Some(sign) = self.0.get_mut(reader) {
            sign.link_up = up;
            sign.silent = false;
            sign.last = at;
        }
    }

    /// A reading came; whether it ended a silence.
    fn heard(&mut self, reader: &str, at: Instant) -> bool {
        self.0.get_mut(reader).is_some_and(|sign| {
            sign.last = at;
            std::mem::take(&mut sign.silent)
        })
    }

    /// Readers that have just been silent for too long, and when they were last heard. A link that is down has said so itself.
    fn fallen_silent(&mut self, now: Instant) -> Vec<(Arc<str>, Instant)> {
        let silent = self.0.iter_mut().filter(|(_, sign)| sign.link_up && !sign.silent && now - sign.last > sign.silent_after);
        silent
            .map(|(reader, sign)| {
                sign.silent = true;
                (Arc::clone(reader), sign.last)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(silent_after_seconds: i64) -> Silence {
        let sign = Sign { silent_after: Span::from_seconds(silent_after_seconds), last: Instant::from_ms(0), link_up: true, silent: false };
        Silence(BTreeMap::from([("gate".into(), sign)]))
    }

    #[test]
    fn a_silent_reader_is_told_once_and_from_its_last_sign() {
        let mut silence = silence(10);
        assert!(!silence.heard("gate", Instant::from_ms(5_000)));
        assert!(silence.fallen_silent(Instant::from_ms(15_000)).is_empty(), "exactly the limit is not longer");
        assert_eq!(silence.fallen_silent(Instant::from_ms(15_001)), [("gate".into(), Instant::from_ms(5_000))]);
        assert!(silence.fallen_silent(Instant::from_ms(20_000)).is_empty());
        assert!(silence.heard("gate", Instant::from_ms(21_000)), "this reading ends the silence");
        assert!(!silence.heard("gate", Instant::from_ms(22_000)));
    }

    #[test]
    fn a_link_that_is_down_is_not_silent_as_well() {
        let mut silence = silence(10);
        silence.link("gate", false, Instant::from_ms(1_000));
        assert!(silence.fallen_silent(Instant::from_ms(60_000)).is_empty());
    }
}
