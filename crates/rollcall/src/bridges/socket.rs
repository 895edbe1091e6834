//! One bridge's websocket, from its first frame to the close.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use bridge::record::Stamp;
use bridge::uplink::message::{
    FromBridge, FromDaemon, Goodbye, Hello, PING_MS, PROTOCOL, ReaderReport, Report, SILENCE_MS, Welcome,
};
use bridge::{Delivery, LinkEvent, Note};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rules::time::{Instant, Span};
use store::rows::BridgeRow;
use tokio::sync::mpsc;
use tokio::time::{Instant as Monotonic, MissedTickBehavior, interval, timeout};

use super::BridgeHost;
use super::book::Hold;
use super::enrolment::enrol;
use super::feeder::{Batch, Committed, Feeder};
use super::placing::{Contact, LONGEST_ROUND_TRIP};
use crate::clock::Clock;
use crate::engine::links::offset_minutes;

/// How long a caller may take to say who it is, and to answer the welcome.
const HELLO: Duration = Duration::from_secs(10);

/// How long a bridge may take to accept a frame.
const SEND: Duration = Duration::from_secs(20);

/// How often it is looked whether a bridge was revoked, and written down how far it has come.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);

/// How many batches may wait for the engine: what a bridge sends without an answer.
const BATCHES: usize = 8;

/// The most records of a batch, and the most readers of a report.
const MOST_RECORDS: usize = 1_024;

/// How long a closing frame may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How soon a bridge may come back, in milliseconds, by why it was sent away.
const fn retry_after_ms(reason: Goodbye) -> u64 {
    match reason {
        Goodbye::Shutdown => 500,
        Goodbye::TakenOver | Goodbye::Malformed => 5_000,
        Goodbye::NotEnrolled | Goodbye::WrongCode | Goodbye::Protocol => 30_000,
    }
}

/// Who calls.
pub enum Caller {
    /// A bridge that showed its key.
    Bridge(BridgeRow),
    /// Somebody without a key, who may have a code.
    Stranger,
}

/// How a connection ends.
#[derive(Debug)]
enum End {
    /// With a reason that the bridge is told.
    Bye(Goodbye),
    /// The other end is gone, or takes nothing any more.
    Gone(&'static str),
}

/// Serves one bridge until it goes, is sent away, or the daemon stops.
pub async fn serve(socket: WebSocket, caller: Caller, host: Arc<BridgeHost>) {
    let (sink, stream) = socket.split();
    let mut connection = Connection { sink, stream, host };
    let ended = match caller {
        Caller::Stranger => connection.enrol().await,
        Caller::Bridge(row) => connection.run(row).await,
    };
    if let End::Bye(reason) = ended {
        connection.bye(reason).await;
    }
}

struct Connection {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    host: Arc<BridgeHost>,
}

/// A bridge that has been welcomed.
struct Greeted {
    row: BridgeRow,
    hold: Hold,
    queue: String,
    contact: Arc<Mutex<Contact>>,
    /// When it last said anything, in judging time.
    heard_at: Instant,
    heard: Monotonic,
    /// The number of the last ping, and when it was sent.
    ping: (u64, Monotonic, Instant),
    acknowledged: u64,
    noted: u64,
    /// What was last shown of its readers.
    shown: BTreeMap<String, ReaderReport>,
}

impl Connection {
    async fn hear(&mut self) -> Result<FromBridge, End> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| End::Bye(Goodbye::Malformed));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err(End::Bye(Goodbye::Malformed)),
                Some(Ok(Message::Close(_))) | None => return Err(End::Gone("it closed the connection")),
                Some(Err(_)) => return Err(End::Gone("the connection broke")),
            }
        }
    }

    async fn say(&mut self, frame: &FromDaemon) -> Result<(), End> {
        let text = serde_json::to_string(frame).map_err(|_| End::Gone("a frame could not be written"))?;
        match timeout(SEND, self.sink.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone("the connection broke")),
            Err(_) => Err(End::Gone("it takes nothing any more")),
        }
    }

    /// The first frame, which may not take for ever.
    async fn first(&mut self) -> Result<FromBridge, End> {
        let stop = self.host.stop.clone();
        tokio::select! {
            () = stop.cancelled() => Err(End::Bye(Goodbye::Shutdown)),
            heard = timeout(HELLO, self.hear()) => heard.map_err(|_| End::Gone("it does not say who it is"))?,
        }
    }

    async fn enrol(&mut self) -> End {
        let asked = match self.first().await {
            Ok(FromBridge::Enrol {
                code,
                key_hash,
                software,
            }) => (code, key_hash, software),
            Ok(_) => return End::Bye(Goodbye::NotEnrolled),
            Err(end) => return end,
        };
        let (code, key_hash, software) = asked;
        let is_hash = key_hash.len() == 64 && key_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return End::Bye(Goodbye::Malformed);
        }
        match enrol(&*self.host.ledger, &code, &key_hash, Clock::host().now()).await {
            Ok(Some(name)) => {
                tracing::info!(event = "bridge.enrolled", bridge = name, software);
                match self.say(&FromDaemon::Enrolled { name }).await {
                    Ok(()) => End::Gone("enrolled"),
                    Err(end) => end,
                }
            }
            Ok(None) => {
                tracing::warn!(
                    event = "bridge.wrong_code",
                    remedy = "`rollcall bridge enrol NAME` gives another code"
                );
                End::Bye(Goodbye::WrongCode)
            }
            Err(error) => {
                tracing::error!(event = "bridge.store_failed", %error);
                End::Gone("the database failed")
            }
        }
    }

    async fn run(&mut self, row: BridgeRow) -> End {
        let hello = match self.first().await {
            Ok(FromBridge::Hello(hello)) if hello.protocol == PROTOCOL => hello,
            Ok(FromBridge::Hello(_)) => return End::Bye(Goodbye::Protocol),
            Ok(_) => return End::Bye(Goodbye::Malformed),
            Err(end) => return end,
        };
        let Some(sink) = self.host.sink.borrow().clone() else {
            return End::Bye(Goodbye::Shutdown);
        };
        let hold = self.host.bridges.take(&row.name, self.host.clock.now());
        let name = row.name.clone();
        tracing::info!(
            event = "bridge.connected",
            bridge = name,
            software = hello.software,
            waiting = hello.report.waiting
        );
        let (greeted, end) = self.welcome_and_serve(row, hold, hello, sink.clone()).await;
        let why = match &end {
            End::Bye(reason) => format!("{reason:?}"),
            End::Gone(why) => (*why).to_owned(),
        };
        tracing::info!(event = "bridge.disconnected", bridge = name, why);
        self.leave(greeted, &why, &sink).await;
        end
    }

    async fn welcome_and_serve(
        &mut self,
        row: BridgeRow,
        hold: Hold,
        hello: Hello,
        sink: mpsc::Sender<Delivery>,
    ) -> (Greeted, End) {
        let (now, heard) = (self.host.clock.now(), Monotonic::now());
        let acknowledged =
            (row.queue.as_ref() == Some(&hello.queue)).then(|| u64::try_from(row.acknowledged).unwrap_or(0));
        let mut greeted = Greeted {
            hold,
            queue: hello.queue.clone(),
            contact: Arc::new(Mutex::new(Contact {
                clocks: hello.now.clone(),
                at: now,
            })),
            heard_at: now,
            heard,
            ping: (0, heard, now),
            acknowledged: acknowledged.unwrap_or(0),
            noted: acknowledged.unwrap_or(0),
            shown: BTreeMap::new(),
            row,
        };
        let end = match self.greet(&mut greeted, &hello, acknowledged).await {
            Ok(()) => self.serve(&mut greeted, &hello, sink).await,
            Err(end) => end,
        };
        (greeted, end)
    }

    async fn greet(&mut self, greeted: &mut Greeted, hello: &Hello, acknowledged: Option<u64>) -> Result<(), End> {
        let config = self.host.configured.get(&greeted.row.name);
        let pushed = config.and_then(|config| config.pushed.clone());
        let zone = self.host.site.borrow().facts.records().site.zone;
        greeted.hold.note(|status| {
            status.software.clone_from(&hello.software);
            status.edition.clone_from(&hello.edition);
        });
        self.take_report(greeted, hello.report.clone());
        warn_of_undeclared(&self.host, &greeted.row.name, &hello.report.readers);
        let welcome = FromDaemon::Welcome(Welcome {
            protocol: PROTOCOL,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            name: greeted.row.name.clone(),
            acknowledged,
            offset_minutes: offset_minutes(zone, self.host.clock.now()),
            edition: pushed.as_ref().map(|pushed| pushed.edition.clone()),
        });
        greeted.ping = (0, Monotonic::now(), self.host.clock.now());
        self.say(&welcome).await?;
        // Its clocks come before its records, which are placed by them.
        match timeout(HELLO, self.hear()).await {
            Ok(Ok(FromBridge::Pong { n: 0, now })) => self.measure(greeted, now),
            Ok(Ok(_)) => return Err(End::Bye(Goodbye::Malformed)),
            Ok(Err(end)) => return Err(end),
            Err(_) => return Err(End::Gone("it does not answer the welcome")),
        }
        match pushed {
            Some(pushed) if hello.edition.as_ref() != Some(&pushed.edition) => {
                let configuration = FromDaemon::Configuration {
                    edition: pushed.edition,
                    toml: pushed.toml,
                };
                self.say(&configuration).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Compares clocks: the bridge's were read about in the middle between question and answer.
    fn measure(&self, greeted: &Greeted, clocks: Stamp) {
        let (_, asked, asked_at) = greeted.ping;
        let took = asked.elapsed();
        if took > LONGEST_ROUND_TRIP {
            return;
        }
        let now = self.host.clock.now();
        let middle = Instant::from_ms(asked_at.as_ms().midpoint(now.as_ms()));
        let contact = Contact { clocks, at: middle };
        let ahead = contact.ahead();
        *greeted.contact.lock().unwrap_or_else(PoisonError::into_inner) = contact;
        greeted.hold.note(|status| status.clock_ahead = Some(ahead));
    }

    async fn serve(&mut self, greeted: &mut Greeted, hello: &Hello, sink: mpsc::Sender<Delivery>) -> End {
        let (batch_sender, batches) = mpsc::channel(BATCHES);
        let (acks, mut acknowledgements) = mpsc::channel(BATCHES);
        let feeder = Feeder::new(
            Arc::clone(&self.host),
            &greeted.row.name,
            sink,
            Arc::clone(&greeted.contact),
            &hello.report.readers,
            hello.last,
        );
        let is_all_here = hello.last <= greeted.acknowledged || hello.first > hello.last;
        let mut feeding = self.host.tasks.spawn(feeder.run(batches, acks, is_all_here));
        let (stop, taken_over) = (self.host.stop.clone(), greeted.hold.taken_over.clone());
        let mut ping = interval(Duration::from_millis(PING_MS));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut note = interval(NOTE_INTERVAL);
        note.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                () = stop.cancelled() => Err(End::Bye(Goodbye::Shutdown)),
                () = taken_over.cancelled() => Err(End::Bye(Goodbye::TakenOver)),
                heard = self.hear() => match heard {
                    Ok(frame) => self.take(greeted, frame, &batch_sender),
                    Err(end) => Err(end),
                },
                Some(committed) = acknowledgements.recv() => self.acknowledge(greeted, committed).await,
                _ = &mut feeding => Err(End::Bye(Goodbye::Shutdown)),
                _ = ping.tick() => self.ping(greeted).await,
                _ = note.tick() => self.note(greeted).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    fn take(&self, greeted: &mut Greeted, frame: FromBridge, batches: &mpsc::Sender<Batch>) -> Result<(), End> {
        (greeted.heard, greeted.heard_at) = (Monotonic::now(), self.host.clock.now());
        match frame {
            FromBridge::Batch { last, records } if records.len() <= MOST_RECORDS => batches
                .try_send(Batch { last, records })
                .map_err(|_| End::Bye(Goodbye::Malformed)),
            FromBridge::Pong { n, now } => {
                if n == greeted.ping.0 {
                    self.measure(greeted, now);
                }
                Ok(())
            }
            FromBridge::Report(report) => {
                self.take_report(greeted, report);
                Ok(())
            }
            FromBridge::Configured { edition, error } => {
                match &error {
                    None => tracing::info!(event = "bridge.configured", bridge = greeted.row.name, edition),
                    Some(error) => tracing::error!(
                        event = "bridge.configuration_refused",
                        bridge = greeted.row.name,
                        edition,
                        error
                    ),
                }
                greeted.hold.note(|status| match error {
                    None => status.edition = Some(edition),
                    Some(_) => status.last_error = error,
                });
                Ok(())
            }
            FromBridge::Batch { .. } | FromBridge::Hello(_) | FromBridge::Enrol { .. } => {
                Err(End::Bye(Goodbye::Malformed))
            }
        }
    }

    fn take_report(&self, greeted: &mut Greeted, report: Report) {
        let now = self.host.clock.now();
        let speed = self.host.clock.speed();
        let config = self.host.configured.get(&greeted.row.name);
        let is_declared = |reader: &&ReaderReport| config.is_some_and(|config| config.has(&reader.reader));
        for reader in report.readers.iter().take(MOST_RECORDS).filter(is_declared) {
            self.show(greeted, reader, now);
            if let Some(ago_ms) = reader.heard_ms_ago.filter(|_| reader.up) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "an age of milliseconds"
                )]
                let ago = Span::from_ms((ago_ms.max(0) as f64 * speed) as i64);
                self.host.heartbeats.note(&reader.reader.as_str().into(), now - ago);
            }
        }
        greeted.hold.note_report(report);
        greeted.hold.note(|status| status.heard_at = Some(now));
    }

    /// What a reader says of itself, for whoever looks after it, where it is news.
    fn show(&self, greeted: &mut Greeted, reader: &ReaderReport, now: Instant) {
        let said = ReaderReport {
            heard_ms_ago: None,
            readings: 0,
            malformed: 0,
            last_malformed: None,
            ..reader.clone()
        };
        if greeted.shown.get(&reader.reader) == Some(&said) {
            return;
        }
        let (id, sources) = (&reader.reader, &self.host.sources);
        sources.link(id, said.up, &said.detail, now);
        if let Some((tamper, power)) = said.alarms {
            sources.note(id, &Note::Alarms { tamper, power }, now);
        }
        if let Some(records) = said.backlog {
            sources.note(id, &Note::Backlog { records }, now);
        }
        for (name, text) in &said.facts {
            sources.detail(id, name, text);
        }
        greeted.shown.insert(reader.reader.clone(), said);
    }

    async fn acknowledge(&mut self, greeted: &mut Greeted, committed: Committed) -> Result<(), End> {
        if let FromDaemon::Ack { through, .. } = committed.ack {
            greeted.acknowledged = greeted.acknowledged.max(through);
        }
        if committed.has_states {
            self.note(greeted).await?;
        }
        self.say(&committed.ack).await
    }

    async fn ping(&mut self, greeted: &mut Greeted) -> Result<(), End> {
        if greeted.heard.elapsed() > Duration::from_millis(SILENCE_MS) {
            return Err(End::Gone("it has said nothing for too long"));
        }
        let n = greeted.ping.0 + 1;
        let ahead = greeted.contact.lock().unwrap_or_else(PoisonError::into_inner).ahead();
        greeted.ping = (n, Monotonic::now(), self.host.clock.now());
        self.say(&FromDaemon::Ping {
            n,
            ahead_ms: Some(ahead.as_ms()),
        })
        .await
    }

    /// Writes down how far the bridge's queue is committed, which also shows whether it is still enrolled. A database that does not
    /// answer revokes nobody; what is not written down is sent again after a restart, and counts once.
    async fn note(&self, greeted: &mut Greeted) -> Result<(), End> {
        match note_progress(&self.host, greeted).await {
            Ok(true) => {
                greeted.noted = greeted.acknowledged;
                Ok(())
            }
            Ok(false) => Err(End::Bye(Goodbye::NotEnrolled)),
            Err(error) => {
                tracing::warn!(event = "bridge.progress_unwritten", bridge = greeted.row.name, %error);
                Ok(())
            }
        }
    }

    /// Nobody hears the bridge's readers any more, unless it has connected again meanwhile.
    async fn leave(&self, mut greeted: Greeted, why: &str, sink: &mpsc::Sender<Delivery>) {
        if greeted.noted != greeted.acknowledged
            && let Err(End::Bye(reason)) = self.note(&mut greeted).await
        {
            tracing::debug!(event = "bridge.not_noted", ?reason);
        }
        let (name, heard_at) = (greeted.row.name.clone(), greeted.heard_at);
        if !greeted.hold.leave(why) || self.host.stop.is_cancelled() {
            return;
        }
        let readers = self.host.configured.get(&name).map(|config| config.readers.clone());
        for reader in readers.unwrap_or_default() {
            let event = LinkEvent::State {
                reader: reader.id.clone(),
                up: false,
                detail: format!("the bridge {name} is not connected: {why}"),
                at_ms: heard_at.as_ms(),
            };
            if sink.send(Delivery { event, reply: None }).await.is_err() {
                return;
            }
        }
    }

    async fn bye(&mut self, reason: Goodbye) {
        let bye = FromDaemon::Bye {
            reason,
            retry_after_ms: retry_after_ms(reason),
        };
        let goodbye = async {
            if self.say(&bye).await.is_ok() && self.sink.close().await.is_ok() {
                // Until the other end has closed too, so that the goodbye is not overtaken by a reset.
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // It is a courtesy: whoever does not take it sees the connection end.
        let _: Result<(), _> = timeout(GOODBYE, goodbye).await;
    }
}

async fn note_progress(host: &BridgeHost, greeted: &Greeted) -> Result<bool, store::StoreError> {
    let acknowledged = i64::try_from(greeted.acknowledged).unwrap_or(i64::MAX);
    let mut transaction = host.ledger.begin().await?;
    let is_enrolled = match host.ledger.bridge(&greeted.row.key_hash).await? {
        Some(_) => {
            let now = Clock::host().now();
            transaction
                .note_bridge(&greeted.row.name, now, &greeted.queue, acknowledged)
                .await?
        }
        None => false,
    };
    transaction.commit().await?;
    Ok(is_enrolled)
}

/// A reader that the bridge hears and our configuration does not give to it.
fn warn_of_undeclared(host: &BridgeHost, name: &str, readers: &[ReaderReport]) {
    let config = host.configured.get(name);
    for reader in readers {
        if !config.is_some_and(|config| config.has(&reader.reader)) {
            tracing::warn!(
                event = "bridge.reader_undeclared",
                bridge = name,
                reader = reader.reader,
                remedy = %format!("write [[reader]] id = \"{}\" link = \"bridge:{name}\"; until then its swipes are quarantined", reader.reader)
            );
        }
    }
}
