//! From the readers' links to the engine: what a link delivers is put into the engine's terms and handed over, and the answer
//! goes back after the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use bridge::{Delivery, Link, LinkContext, LinkEvent, ReaderConfig};
use chrono::Offset;
use chrono_tz::Tz;
use rules::time::{Instant, Span};
use store::rows::RejectedInput;
use tokio::sync::{mpsc, oneshot};
use wire::{HappenedAt, Malformed, Reading};

use super::Heartbeats;
use super::intake::{CLOCK_OFF, Intake, IntakeError, NewSwipe, Outcome, ReaderChange, swipe_id};
use crate::lifecycle::Lifecycle;
use crate::serve::ServeOptions;
use crate::shared::Shared;

/// How many events of all links together may wait for the engine's queue. When it is full, serial lines wait and network peers
/// hear "busy".
const WAITING_EVENTS: usize = 256;

/// How far local time is ahead of UTC, in minutes.
pub(crate) fn offset_minutes(zone: Tz, at: Instant) -> i32 {
    at.to_utc().with_timezone(&zone).offset().fix().local_minus_utc() / 60
}

/// The readers that this process itself listens to, and so knows whether they can be heard.
pub fn watched(readers: &[ReaderConfig]) -> Vec<Arc<str>> {
    readers
        .iter()
        .filter(|reader| reader.link != Link::Http)
        .map(|reader| reader.id.as_str().into())
        .collect()
}

/// Starts a link for each reader, and the task that hands on what they deliver. Returns the way in for those who speak for readers
/// that call us.
pub fn start(
    options: &ServeOptions,
    shared: &Shared,
    intake: &Intake,
    heartbeats: &Heartbeats,
    lifecycle: &Lifecycle,
) -> anyhow::Result<LinkContext> {
    let (sink, deliveries) = mpsc::channel(WAITING_EVENTS);
    let mut boot = [0_u8; 8];
    getrandom::fill(&mut boot).map_err(|error| anyhow::anyhow!("no random numbers from the system: {error}"))?;
    let clock = shared.clock.clone();
    let mut context = LinkContext::new(
        hex::encode(boot),
        sink,
        Arc::new(move || clock.now().as_ms()),
        lifecycle.soft.clone(),
    );
    let (clock, site) = (shared.clock.clone(), shared.site.clone());
    context.offset_minutes = Arc::new(move || offset_minutes(site.borrow().facts.records().site.zone, clock.now()));
    context.state_directory = Some(options.data_directory.clone());
    let config = &options.config;
    for bus in &config.osdp_buses {
        let on_bus = |reader: &&ReaderConfig| matches!(&reader.link, Link::Osdp(osdp) if osdp.bus == bus.id);
        let readers: Vec<_> = config.readers.iter().filter(on_bus).cloned().collect();
        let (bus, context) = (bus.clone(), context.clone());
        lifecycle.spawn_vital("an OSDP bus", async move {
            bridge::run_osdp_bus(bus, readers, context).await.context("bus")
        });
    }
    for broker in &config.mqtt_brokers {
        let readers = bridge::mqtt::readers_of(broker, &config.mqtt_brokers, &config.readers);
        let (broker, context) = (broker.clone(), context.clone());
        lifecycle.spawn_vital("an MQTT broker", async move {
            bridge::run_mqtt_broker(broker, readers, context).await;
            Ok(())
        });
    }
    let speaks_for_itself = |link: &Link| !matches!(link, Link::Osdp(_) | Link::Mqtt(_));
    let on_links = |reader: &&ReaderConfig| reader.link.is_opened_here() && speaks_for_itself(&reader.link);
    for reader in config.readers.iter().filter(on_links) {
        let (reader, context) = (reader.clone(), context.clone());
        lifecycle.spawn_vital("a reader's link", async move {
            bridge::run_link(reader, context).await.context("link")
        });
    }
    let pump = Pump {
        shared: shared.clone(),
        intake: intake.clone(),
        heartbeats: heartbeats.clone(),
        clocks: BTreeMap::new(),
        lifecycle: lifecycle.clone(),
    };
    lifecycle.spawn_vital("the readers' events", pump.run(deliveries));
    Ok(context)
}

struct Pump {
    shared: Shared,
    intake: Intake,
    heartbeats: Heartbeats,
    /// How far the clocks of readers that have one are ahead of ours, as last measured.
    clocks: BTreeMap<String, Span>,
    lifecycle: Lifecycle,
}

impl Pump {
    /// Hands on until the links have stopped and everything that they had read is with the engine.
    async fn run(mut self, mut deliveries: mpsc::Receiver<Delivery>) -> anyhow::Result<()> {
        while let Some(delivery) = deliveries.recv().await {
            if let Err(IntakeError::Stopping) = self.hand_on(delivery).await {
                return Ok(());
            }
        }
        // Without a reader that has a link there is nothing to hand on; the task waits for the end like every other.
        self.lifecycle.soft.cancelled().await;
        Ok(())
    }

    async fn hand_on(&mut self, delivery: Delivery) -> Result<(), IntakeError> {
        match delivery.event {
            LinkEvent::Reading {
                reader,
                dedup_source,
                reading,
                received_at_ms,
            } => {
                let swipe = self.swipe(&reader, dedup_source, &reading, Instant::from_ms(received_at_ms));
                let (shared, badge, happened_at) = (self.shared.clone(), swipe.badge.clone(), swipe.happened_at);
                let outcome = self.intake.swipe(swipe).await?;
                self.reply_later(outcome, delivery.reply, move |outcomes| {
                    bridge_outcome(outcomes, has_holder(&shared, &badge, happened_at))
                });
            }
            LinkEvent::Malformed {
                reader,
                malformed,
                received_at_ms,
            } => {
                let reason = malformed.reason.name();
                let committed = self
                    .intake
                    .rejected(rejected(&reader, &malformed, Instant::from_ms(received_at_ms)))
                    .await?;
                self.reply_later(committed, delivery.reply, move |_| {
                    Some(bridge::Outcome::Refused {
                        reason: reason.to_owned(),
                    })
                });
            }
            LinkEvent::Clock {
                reader,
                ahead_ms,
                at_ms,
            } => self.note_clock(reader, Span::from_ms(ahead_ms), Instant::from_ms(at_ms)),
            LinkEvent::Note { reader, note, at_ms } => {
                self.shared.sources.note(&reader, &note, Instant::from_ms(at_ms));
            }
            LinkEvent::State {
                reader,
                up,
                detail,
                at_ms,
            } => {
                self.shared.sources.link(&reader, up, &detail, Instant::from_ms(at_ms));
                let change = ReaderChange {
                    reader: reader.as_str().into(),
                    up,
                    at: Instant::from_ms(at_ms),
                    detail,
                };
                let noted = self.intake.reader_noted(change).await?;
                self.reply_later(noted, delivery.reply, |_| Some(noted_only()));
            }
            LinkEvent::Complete { reader, at_ms } => {
                let noted = self
                    .intake
                    .complete(reader.as_str().into(), Instant::from_ms(at_ms))
                    .await?;
                self.reply_later(noted, delivery.reply, |_| Some(noted_only()));
            }
        }
        Ok(())
    }

    fn note_clock(&mut self, reader: String, ahead: Span, at: Instant) {
        let tolerance = self
            .shared
            .site
            .borrow()
            .facts
            .records()
            .site
            .settings_at(at)
            .clock_tolerance;
        let is_off = |ahead: Span| ahead > tolerance || ahead < Span::from_ms(-tolerance.as_ms());
        self.heartbeats.note(&reader.as_str().into(), at);
        self.shared.sources.clock(&reader, ahead, at, is_off(ahead));
        let was_off = self.clocks.get(&reader).copied().is_some_and(is_off);
        if is_off(ahead) && !was_off {
            tracing::warn!(
                event = "reader.clock_off",
                reader,
                ahead_ms = ahead.as_ms(),
                remedy = "set its clock, or write set_clock = true"
            );
        } else if was_off && !is_off(ahead) {
            tracing::info!(event = "reader.clock_right", reader, ahead_ms = ahead.as_ms());
        }
        if is_off(ahead) {
            self.clocks.insert(reader, ahead);
        } else {
            self.clocks.remove(&reader);
        }
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
            doubt: self.clocks.contains_key(reader).then_some(CLOCK_OFF),
        }
    }

    /// Answers once the engine has; an engine that ended without committing answers nothing, and so does this.
    fn reply_later<F>(
        &self,
        outcome: oneshot::Receiver<Vec<Outcome>>,
        reply: Option<oneshot::Sender<bridge::Outcome>>,
        translate: F,
    ) where
        F: FnOnce(Vec<Outcome>) -> Option<bridge::Outcome> + Send + 'static,
    {
        let Some(reply) = reply else { return };
        self.lifecycle.tasks.spawn(async move {
            if let Ok(outcomes) = outcome.await
                && let Some(outcome) = translate(outcomes)
                && reply.send(outcome).is_err()
            {
                tracing::debug!(
                    event = "peer.gone",
                    "a peer went away before it heard what became of its record"
                );
            }
        });
    }
}

/// What makes a record of a terminal the same when it comes again, by whichever way: its own tuple, and for terminals that call us
/// their serial number, which says that another terminal has taken the place of one.
pub(crate) fn source_key(link: &Link, record: &str) -> String {
    match link {
        Link::Adms(serial) => format!("{serial}|{record}"),
        _ => record.to_owned(),
    }
}

/// What is said of an event that makes no swipe, once it is written down.
fn noted_only() -> bridge::Outcome {
    bridge::Outcome::Recorded { id: String::new() }
}

/// Whether somebody has the badge.
fn has_holder(shared: &Shared, badge: &str, at: Instant) -> bool {
    let site = shared.site.borrow();
    site.badge(badge, at)
        .is_some_and(|badge| site.facts.holder(badge, at).is_some())
}

fn bridge_outcome(outcomes: Vec<Outcome>, has_holder: bool) -> Option<bridge::Outcome> {
    outcomes.into_iter().next().map(|outcome| match outcome {
        Outcome::Recorded { id } if has_holder => bridge::Outcome::Recorded { id },
        Outcome::Recorded { id } => bridge::Outcome::Unassigned { id },
        Outcome::Duplicate { id } => bridge::Outcome::Duplicate { id },
        Outcome::Quarantined { id, reason } => bridge::Outcome::Quarantined { id, reason },
    })
}

/// An input that could not be read, as it is kept.
pub(crate) fn rejected(reader: &str, malformed: &Malformed, received_at: Instant) -> RejectedInput {
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
