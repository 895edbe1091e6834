//! Our side of one broker.

use std::path::Path;
use std::time::Duration;

use rumqttc::{Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode};
use tokio::time::{Instant, timeout};
use wire::{HappenedAt, Heard, Malformed, Reading, Reason};

use super::config::MqttBroker;
use super::connection::{Connection, Session, is_too_large, why};
use super::readers::{Place, Will};
use super::unacknowledged::Unacknowledged;
use crate::backoff::Backoff;
use crate::config::ReaderConfig;
use crate::delivery::{Delivery, LinkEvent};
use crate::link::LinkContext;

/// Where the name of our sessions is kept, in the state directory.
const SESSION_FILE: &str = "mqtt-client-id";

/// A connection that was away for less is as good as one that was there: what waited meanwhile happened when it comes, nearly.
const SHORT_ABSENCE: Duration = Duration::from_secs(20);

/// The broker sends what waited for us as fast as we acknowledge it, so all of it has come when nothing is unacknowledged and nothing
/// came for so long.
const QUIET: Duration = Duration::from_millis(500);

/// And at the latest after so long: brokers keep about a thousand messages, and people go on passing while they come.
const LONGEST_CATCHING_UP: Duration = Duration::from_secs(30);

/// How long the last messages may take to be kept, and the broker to hear that we go.
const FAREWELL: Duration = Duration::from_secs(5);

/// Speaks for the readers of a broker until the context's `stop`.
pub async fn run(broker: MqttBroker, readers: Vec<ReaderConfig>, context: LinkContext) {
    let places: Vec<Place> = readers.into_iter().filter_map(Place::new).collect();
    if places.is_empty() {
        // It never says anything: this waits for the end.
        return context.stop.cancelled().await;
    }
    let session = session(&broker, context.state_directory.as_deref());
    let client = Client {
        backoff: Backoff::new(&context.timing),
        broker,
        session,
        places,
        context,
        waiting: Unacknowledged::default(),
        connections: 0,
        heard_at: None,
        catching_up: None,
        is_subscribed: false,
        gives_up_session: false,
    };
    client.run().await;
}

/// The name that the configuration gives, or that we gave ourselves; where nothing can be kept, a new one for each run.
fn session(broker: &MqttBroker, directory: Option<&Path>) -> Session {
    if let Some(name) = &broker.client_id {
        return Session {
            name: name.clone(),
            lasts: true,
        };
    }
    let path = directory.map(|directory| directory.join(SESSION_FILE));
    let kept = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    if let Some(name) = kept.map(|name| name.trim().to_owned()).filter(|name| is_name(name)) {
        return Session { name, lasts: true };
    }
    let mut random = [0; 7];
    let name = match getrandom::fill(&mut random) {
        Ok(()) => format!("rollcall-{}", hex::encode(random)),
        // The broker then gives us a name.
        Err(_) => String::new(),
    };
    let written = path.map(|path| std::fs::write(path, &name));
    if let Some(Err(error)) = &written {
        tracing::warn!(broker = broker.id, %error, "the name of the MQTT session cannot be kept; write client_id");
    }
    let lasts = matches!(written, Some(Ok(()))) && is_name(&name);
    Session { name, lasts }
}

/// What every broker must accept: up to 23 letters and digits. Ours have a hyphen, which all of them take.
fn is_name(name: &str) -> bool {
    (1..=23).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Why a connection is over.
enum Ended {
    /// It is lost; make it again.
    Lost(String),
    /// The host wants no more.
    Stopped,
}

/// What waited for us is coming.
struct CatchingUp {
    since: Instant,
    /// When the last of it came.
    last: Instant,
}

struct Client {
    broker: MqttBroker,
    session: Session,
    places: Vec<Place>,
    context: LinkContext,
    backoff: Backoff,
    waiting: Unacknowledged,
    /// How many connections there were: the number of the present one.
    connections: u64,
    /// When the broker was last heard.
    heard_at: Option<Instant>,
    /// The session was resumed after an absence, so what comes may have waited.
    catching_up: Option<CatchingUp>,
    is_subscribed: bool,
    /// The broker holds what we cannot take, so that the next connection begins a new session.
    gives_up_session: bool,
}

impl Client {
    async fn run(mut self) {
        loop {
            let opened_at = Instant::now();
            match self.connect().await {
                Ended::Stopped => return,
                Ended::Lost(why) => {
                    if self.is_subscribed {
                        self.backoff.held_for(opened_at.elapsed());
                    }
                    self.lose(&why).await;
                }
            }
            let wait = self.backoff.wait();
            if timeout(wait, self.context.stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Makes a connection and serves it to its end.
    async fn connect(&mut self) -> Ended {
        self.connections += 1;
        self.is_subscribed = false;
        let session = Session {
            lasts: self.session.lasts && !std::mem::take(&mut self.gives_up_session),
            ..self.session.clone()
        };
        let mut connection = match Connection::open(&self.broker, &session, self.context.timing.peer_answers) {
            Ok(connection) => connection,
            Err(why) => return Ended::Lost(why),
        };
        let ended = self.serve(&mut connection).await;
        if matches!(ended, Ended::Stopped) {
            self.part(connection).await;
        }
        ended
    }

    async fn serve(&mut self, connection: &mut Connection) -> Ended {
        let stop = self.context.stop.clone();
        loop {
            let packet = tokio::select! {
                () = stop.cancelled() => return Ended::Stopped,
                answered = self.waiting.answered(self.connections, &self.context) => {
                    if let Some(publish) = answered && let Err(ended) = acknowledge(connection, &publish) {
                        return ended;
                    }
                    continue;
                }
                packet = connection.packets.recv(), if self.waiting.has_room() => packet,
            };
            let taken = match packet {
                Some(Ok(packet)) => self.take(packet, connection).await,
                Some(Err(error)) => {
                    self.gives_up_session = is_too_large(&error);
                    Err(Ended::Lost(why(&error, &self.broker)))
                }
                None => Err(Ended::Lost(format!(
                    "the connection to broker {} ended",
                    self.broker.id
                ))),
            };
            if let Err(ended) = taken {
                return ended;
            }
        }
    }

    async fn take(&mut self, packet: Packet, connection: &Connection) -> Result<(), Ended> {
        match packet {
            Packet::ConnAck(answer) => {
                self.begin(answer.session_present);
                self.subscribe(connection)?;
            }
            Packet::SubAck(answer) => self.take_subscription(&answer.return_codes).await,
            Packet::Publish(publish) => self.take_message(publish, connection).await?,
            _ => {}
        }
        self.heard_at = Some(Instant::now());
        Ok(())
    }

    /// The broker knows us, or not any more.
    fn begin(&mut self, is_resumed: bool) {
        let was_away = self.heard_at.is_none_or(|at| at.elapsed() > SHORT_ABSENCE);
        let now = Instant::now();
        self.catching_up = (is_resumed && was_away).then_some(CatchingUp { since: now, last: now });
        if !is_resumed {
            self.waiting.begin_session();
        }
    }

    /// Where the readers publish, in the order in which the broker answers.
    fn filters(&self) -> Vec<(String, QoS)> {
        let mut filters: Vec<(String, QoS)> = Vec::new();
        for place in &self.places {
            filters.push((place.topic().to_owned(), QoS::AtLeastOnce));
        }
        for availability in self.places.iter().filter_map(Place::availability) {
            // What a last will said while we were away is of no interest: what it says now is retained.
            if !filters.iter().any(|(filter, _)| filter == availability) {
                filters.push((availability.to_owned(), QoS::AtMostOnce));
            }
        }
        filters
    }

    fn subscribe(&self, connection: &Connection) -> Result<(), Ended> {
        let filters = self
            .filters()
            .into_iter()
            .map(|(filter, qos)| SubscribeFilter::new(filter, qos));
        connection
            .client
            .try_subscribe_many(filters)
            .map_err(|error| Ended::Lost(format!("cannot subscribe at broker {}: {error}", self.broker.id)))
    }

    async fn take_subscription(&mut self, answers: &[SubscribeReasonCode]) {
        self.is_subscribed = true;
        for ((filter, _), answer) in self.filters().iter().zip(answers) {
            if *answer != SubscribeReasonCode::Failure {
                continue;
            }
            for place in &mut self.places {
                if place.topic() == filter || place.availability() == Some(filter) {
                    place.refuse(filter);
                }
            }
        }
        for index in 0..self.places.len() {
            self.say_state(index).await;
        }
    }

    async fn take_message(&mut self, publish: Publish, connection: &Connection) -> Result<(), Ended> {
        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
        let wills: Vec<usize> = (0..self.places.len())
            .filter(|index| self.places[*index].is_will(&topic))
            .collect();
        if !wills.is_empty() {
            self.take_will(&wills, &topic, &publish.payload).await;
            return acknowledge(connection, &publish);
        }
        let place = self.places.iter().position(|place| place.publishes(&topic));
        // A retained message is what was read once; a topic of nobody is what an earlier configuration subscribed to.
        let (Some(index), false) = (place, publish.retain) else {
            tracing::debug!(
                broker = self.broker.id,
                topic,
                retained = publish.retain,
                "mqtt_message_ignored"
            );
            return acknowledge(connection, &publish);
        };
        if publish.dup && self.waiting.is_known(&publish, self.connections) {
            return Ok(());
        }
        let heard = self.places[index].hear(&topic, &publish.payload);
        let is_old = publish.qos != QoS::AtMostOnce && self.is_from_the_absence();
        let events = self.events(index, heard, is_old, &publish.payload);
        if !is_old {
            self.places[index].take_sign_of_life();
            self.say_state(index).await;
        }
        if publish.qos == QoS::AtMostOnce {
            for event in events {
                self.send(Delivery { event, reply: None }).await;
            }
        } else {
            self.waiting
                .hand_over(publish, self.connections, events, &self.context)
                .await;
        }
        Ok(())
    }

    /// Whether a message that comes now may have waited at the broker while we were away.
    fn is_from_the_absence(&mut self) -> bool {
        let Some(catching_up) = &mut self.catching_up else {
            return false;
        };
        let is_quiet = self.waiting.is_empty() && catching_up.last.elapsed() > QUIET;
        if self.is_subscribed && (is_quiet || catching_up.since.elapsed() > LONGEST_CATCHING_UP) {
            self.catching_up = None;
            return false;
        }
        catching_up.last = Instant::now();
        true
    }

    /// What is to be handed over of a message, the device's clock first.
    fn events(&self, index: usize, heard: Heard, is_old: bool, payload: &[u8]) -> Vec<LinkEvent> {
        let (reader, now_ms) = (&self.places[index].reader, self.context.now_ms());
        let clock = heard.clock.filter(|_| !is_old).map(|shown| LinkEvent::Clock {
            reader: reader.id.clone(),
            ahead_ms: self.instant_ms(shown).saturating_sub(now_ms),
            at_ms: now_ms,
        });
        let readings = heard.readings.into_iter().map(|decoded| {
            let decoded = decoded.and_then(|reading| usable(reading, reader, is_old, payload));
            self.context.event(reader, decoded, now_ms)
        });
        clock.into_iter().chain(readings).collect()
    }

    /// A time that a device shows, its local time taken for the site's.
    fn instant_ms(&self, shown: HappenedAt) -> i64 {
        match shown {
            HappenedAt::Instant(ms) => ms,
            HappenedAt::Civil(local) => {
                let offset_ms = i64::from((self.context.offset_minutes)()) * 60_000;
                local.and_utc().timestamp_millis() - offset_ms
            }
        }
    }

    async fn take_will(&mut self, wills: &[usize], topic: &str, payload: &[u8]) {
        let Some(will) = Will::parse(payload) else {
            tracing::warn!(
                broker = self.broker.id,
                topic,
                "it says neither online nor offline, so it is no last will; check `availability`"
            );
            return;
        };
        for &index in wills {
            self.places[index].take_will(topic, will);
            self.say_state(index).await;
        }
    }

    /// Says whether a reader can be heard, once the broker has answered to our subscriptions.
    async fn say_state(&mut self, index: usize) {
        if self.is_subscribed {
            let (up, detail) = self.places[index].state(&self.broker.id);
            self.say(index, up, detail).await;
        }
    }

    async fn lose(&mut self, why: &str) {
        self.waiting.lose_connection();
        for index in 0..self.places.len() {
            self.places[index].forget();
            self.say(index, false, why.to_owned()).await;
        }
    }

    async fn say(&mut self, index: usize, up: bool, detail: String) {
        if let Some((up, detail)) = self.places[index].news(up, detail) {
            let state = self.context.state(&self.places[index].reader, up, detail);
            self.send(state).await;
        }
    }

    /// Hands over, and waits while the queue is full: the broker waits too. A queue that is closed has nobody left to tell; the stop
    /// follows.
    async fn send(&self, delivery: Delivery) {
        if self.context.sink.send(delivery).await.is_err() {
            tracing::debug!("reader_queue_closed");
        }
    }

    /// Acknowledges what the host still answers for, and says goodbye; what it does not answer for comes again next time.
    async fn part(&mut self, mut connection: Connection) {
        let farewell = async {
            while !self.waiting.is_empty() {
                let answered = self.waiting.answered(self.connections, &self.context).await;
                if answered.is_some_and(|publish| acknowledge(&connection, &publish).is_err()) {
                    return;
                }
            }
            if connection.client.try_disconnect().is_ok() {
                while let Some(Ok(_)) = connection.packets.recv().await {}
            }
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            tracing::info!(broker = self.broker.id, "mqtt_left_without_goodbye");
        }
    }
}

/// Lets the broker forget a message; one that it does not keep needs no word.
fn acknowledge(connection: &Connection, publish: &Publish) -> Result<(), Ended> {
    connection
        .client
        .try_ack(publish)
        .map_err(|error| Ended::Lost(format!("a message cannot be acknowledged: {error}")))
}

/// A reading that is of this reader and can be placed in time; the topic says whose it is, whatever a record says itself.
fn usable(reading: Reading, reader: &ReaderConfig, is_old: bool, payload: &[u8]) -> Result<Reading, Malformed> {
    if reading.reader.as_ref().is_some_and(|named| *named != reader.id) {
        return Err(Malformed::new(Reason::BadField, payload));
    }
    if is_old && reading.happened_at.is_none() {
        return Err(Malformed::new(Reason::Undated, payload));
    }
    Ok(reading)
}
