//! One bus while the daemon runs.

use std::collections::VecDeque;
use std::io::Error;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use wire::Malformed;
use wire::osdp::{Device, Down, Event, Feedback, Identity, LocalStatus, Panel, Step, number_reading};

use super::config::{OsdpBus, OsdpReader};
use super::line::Line;
use super::secured::Secured;
use crate::backoff::Backoff;
use crate::config::{Link, ReaderConfig};
use crate::delivery::{Delivery, LinkEvent, Note, Outcome};
use crate::link::{LinkContext, LinkError};

/// Bytes of one read.
const READ_BYTES: usize = 512;
/// The longest wait for bytes: answers of the host and a stop are noticed within it.
const LONGEST_WAIT: Duration = Duration::from_millis(15);
/// A reading that the host did not keep is handed over again after so long.
const HAND_OVER_AGAIN: Duration = Duration::from_secs(1);
/// Of what disturbs a line, one input a reader is kept in this time; the others are counted.
const DISTURBANCE_EVERY: Duration = Duration::from_mins(1);

/// Runs a bus with its readers, those with an [`Link::Osdp`], until the context's `stop`; dropping the future ends it too.
pub async fn run(bus: OsdpBus, readers: Vec<ReaderConfig>, context: LinkContext) -> Result<(), LinkError> {
    let (host, host_gone) = channel::<()>();
    let (ended, mut has_ended) = oneshot::channel();
    let (id, stop) = (bus.id.clone(), context.stop.clone());
    let name = id.clone();
    std::thread::Builder::new()
        .name(format!("osdp {id}"))
        .spawn(move || {
            BusThread::run(bus, readers, context, host_gone);
            // Nobody waits where the future was dropped.
            let _: Result<(), ()> = ended.send(());
        })
        .map_err(|source| LinkError::Thread { reader: name, source })?;
    tokio::select! {
        () = stop.cancelled() => {
            drop(host);
            has_ended.await
        }
        result = &mut has_ended => result,
    }
    .map_err(|_| LinkError::ThreadEnded { reader: id })
}

/// Why the thread leaves the line.
enum Ended {
    /// The line is lost; open it again.
    Lost(String),
    /// The host wants no more, or takes nothing.
    Over,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// A reader that is spoken to.
struct Place {
    reader: ReaderConfig,
    osdp: OsdpReader,
    /// Readings that the host has not answered for yet, oldest first.
    held: VecDeque<Held>,
    /// What was said of it last.
    said: Option<(bool, String)>,
    /// What it is, while it is heard.
    detail: String,
    disturbed_at: Option<Instant>,
    disturbances: u64,
}

/// A reading on its way.
struct Held {
    event: LinkEvent,
    answer: oneshot::Receiver<Outcome>,
    /// It was not kept; when to hand it over again.
    again_at: Option<Instant>,
}

struct BusThread {
    bus: OsdpBus,
    places: Vec<Place>,
    context: LinkContext,
    host_gone: Receiver<()>,
    secured: Secured,
    panel: Panel,
    started: Instant,
}

impl BusThread {
    fn run(bus: OsdpBus, readers: Vec<ReaderConfig>, context: LinkContext, host_gone: Receiver<()>) {
        let (secured, unreadable) = match Secured::load(context.state_directory.as_deref()) {
            Ok(secured) => (secured, None),
            // Not knowing who was secure, nobody is spoken to in plain.
            Err(error) => (Secured::unread(context.state_directory.as_deref()), Some(error)),
        };
        let mut thread = Self {
            panel: Panel::new([], bus.baud),
            places: Vec::new(),
            started: Instant::now(),
            bus,
            context,
            host_gone,
            secured,
        };
        for reader in readers {
            if thread.take(reader, unreadable.as_ref()).is_err() {
                return;
            }
        }
        let devices = thread.places.iter().map(|place| Device {
            address: place.osdp.address,
            key: place.osdp.key.map(|key| key.expose()),
        });
        thread.panel = Panel::new(devices.collect::<Vec<_>>(), thread.bus.baud);
        if thread.places.is_empty() {
            // It never says anything: this waits for the end.
            let _: Result<(), std::sync::mpsc::RecvError> = thread.host_gone.recv();
        } else {
            thread.keep_open();
        }
    }

    /// Takes a reader on, unless it may not be spoken to in plain.
    fn take(&mut self, reader: ReaderConfig, unreadable: Option<&Error>) -> Result<(), Ended> {
        let Link::Osdp(osdp) = reader.link.clone() else {
            return Ok(());
        };
        let refusal = match (&osdp.key, unreadable) {
            (Some(_), _) => None,
            (None, Some(error)) => Some(format!(
                "whether it was ever secure cannot be read, so it is not spoken to in plain: {}: {error}",
                self.secured.shown()
            )),
            (None, None) => self.secured.has(&reader.id).then(|| {
                format!(
                    "it had a secure channel before and has no key now, so it is not spoken to: write its secure_channel_key_file, \
                     or, to have it in plain, take its line out of {} and restart",
                    self.secured.shown()
                )
            }),
        };
        if let Some(why) = refusal {
            tracing::error!(event = "reader.plain_refused", reader = reader.id, why);
            let state = self.context.state(&reader, false, why);
            return self.send(state);
        }
        self.places.push(Place {
            reader,
            osdp,
            held: VecDeque::new(),
            said: None,
            detail: String::new(),
            disturbed_at: None,
            disturbances: 0,
        });
        Ok(())
    }

    fn keep_open(&mut self) {
        let mut backoff = Backoff::new(&self.context.timing);
        loop {
            let opened_at = Instant::now();
            let why = match Line::open(&self.bus.line, self.bus.baud) {
                Ok(line) => match self.serve(line) {
                    Ended::Lost(why) => {
                        backoff.held_for(opened_at.elapsed());
                        format!(
                            "{} is lost ({why}); it is opened again as soon as it is back",
                            self.bus.line
                        )
                    }
                    Ended::Over => return,
                },
                Err(why) => why,
            };
            self.panel.lose();
            for index in 0..self.places.len() {
                let at_ms = self.context.now_ms();
                if self.say(index, false, why.clone(), at_ms).is_err() {
                    return;
                }
            }
            if self.is_stopped_within(backoff.wait()) {
                return;
            }
        }
    }

    /// Speaks and listens until the line is lost or the host wants no more.
    fn serve(&mut self, mut line: Line) -> Ended {
        self.panel.reopen(self.elapsed_ms());
        loop {
            if let Err(ended) = self.turn(&mut line) {
                return ended;
            }
        }
    }

    fn turn(&mut self, line: &mut Line) -> Result<(), Ended> {
        if self.is_stopped_within(Duration::ZERO) {
            return Err(Ended::Over);
        }
        self.take_answers()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Ended::Lost(format!("no random numbers from the system: {error}")))?;
        let now_ms = self.elapsed_ms();
        match self.panel.poll(now_ms, random) {
            Step::Send(bytes) => line.write(&bytes)?,
            Step::WaitUntil(at_ms) => {
                let mut bytes = [0; READ_BYTES];
                let wait = Duration::from_millis(at_ms.saturating_sub(now_ms)).min(LONGEST_WAIT);
                let length = line.read(&mut bytes, wait)?;
                self.panel.push(&bytes[..length], self.elapsed_ms());
            }
        }
        while let Some((index, event)) = self.panel.next_event() {
            self.take_event(index, event)?;
        }
        Ok(())
    }

    /// What the host says of readings: those that are kept let their device be polled again.
    fn take_answers(&mut self) -> Result<(), Ended> {
        for index in 0..self.places.len() {
            let Some(held) = self.places[index].held.front_mut() else {
                continue;
            };
            match (held.answer.try_recv(), held.again_at) {
                (Ok(outcome), _) => {
                    self.places[index].held.pop_front();
                    if self.places[index].held.is_empty() {
                        let now_ms = self.elapsed_ms();
                        self.panel.settle(index, Some(feedback(&outcome)), now_ms);
                    }
                }
                (Err(TryRecvError::Closed), None) => held.again_at = Some(Instant::now() + HAND_OVER_AGAIN),
                (Err(TryRecvError::Closed), Some(at)) if at <= Instant::now() => {
                    let event = held.event.clone();
                    self.places[index].held.pop_front();
                    let held = self.hand_over(event)?;
                    self.places[index].held.push_front(held);
                }
                (Err(TryRecvError::Empty | TryRecvError::Closed), _) => {}
            }
        }
        Ok(())
    }

    fn hand_over(&self, event: LinkEvent) -> Result<Held, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Delivery {
            event: event.clone(),
            reply: Some(reply),
        })?;
        Ok(Held {
            event,
            answer,
            again_at: None,
        })
    }

    fn hold(&mut self, index: usize, decoded: Result<wire::Reading, Malformed>) -> Result<(), Ended> {
        let event = self
            .context
            .event(&self.places[index].reader, decoded, self.context.now_ms());
        let held = self.hand_over(event)?;
        self.places[index].held.push_back(held);
        Ok(())
    }

    fn take_event(&mut self, index: usize, event: Event) -> Result<(), Ended> {
        let reader = self.places[index].reader.id.clone();
        match event {
            Event::Up { identity, secure } => self.take_up(index, identity, secure),
            Event::Down { why, heard_at_ms } => {
                let at_ms = self.context.now_ms() - heard_at_ms.map_or(0, |heard| self.ago_ms(heard));
                self.say(index, false, self.why_down(index, why), at_ms)
            }
            Event::Card(reply) => {
                let place = &self.places[index];
                let decoded = reply
                    .reading(place.reader.decoding)
                    .unwrap_or(Err(wire::Reason::BadField));
                let bytes = reply.card_bytes();
                self.hold(index, decoded.map_err(|reason| Malformed::new(reason, bytes)))
            }
            Event::Number(number) if self.places[index].osdp.keypad => {
                let decoded = number_reading(&number).map_err(|reason| Malformed::new(reason, &[]));
                self.hold(index, decoded)
            }
            Event::Number(_) => {
                tracing::info!(
                    event = "reader.number_keyed",
                    reader,
                    "a number was keyed; with keypad = true it would be a badge"
                );
                let now_ms = self.elapsed_ms();
                self.panel.settle(index, None, now_ms);
                Ok(())
            }
            Event::Status(status) => self.take_status(index, status),
            Event::Inputs(inputs) => {
                let active: Vec<usize> = (0..inputs.len()).filter(|input| inputs[*input]).collect();
                tracing::info!(event = "reader.inputs", reader, inputs = inputs.len(), ?active);
                Ok(())
            }
            Event::Unreadable(malformed) => self.hold(index, Err(malformed)),
            Event::Noise(malformed) => self.take_disturbance(index, malformed, "reader.noise"),
            Event::Unproven(malformed) => self.take_disturbance(index, malformed, "reader.unproven"),
            Event::Restarted => {
                tracing::warn!(
                    event = "reader.session_ended",
                    reader,
                    "the session ended and begins anew: the reader was switched off and on, or somebody is on the line"
                );
                Ok(())
            }
            // Keys are given by a command that has the line for itself.
            Event::KeySet | Event::KeyRefused => Ok(()),
        }
    }

    fn take_up(&mut self, index: usize, identity: Option<Identity>, secure: bool) -> Result<(), Ended> {
        let place = &mut self.places[index];
        let who = identity.map_or_else(String::new, |identity| format!("{}, ", shown(&identity)));
        place.detail = format!(
            "address {} of {}: {who}{}",
            place.osdp.address,
            self.bus.id,
            if secure { "secure channel" } else { "in plain" }
        );
        let (reader, detail) = (place.reader.id.clone(), place.detail.clone());
        if secure {
            if let Err(error) = self.secured.remember(&reader) {
                let file = self.secured.shown();
                tracing::error!(event = "reader.secured_forgotten", reader, file, %error, "that it is secure is not on the disk");
            }
        } else {
            tracing::warn!(
                event = "reader.plain",
                reader,
                "it is spoken to in plain: whoever reaches the cable can read badges and invent them"
            );
        }
        let at_ms = self.context.now_ms();
        self.say(index, true, detail, at_ms)
    }

    fn take_status(&mut self, index: usize, status: LocalStatus) -> Result<(), Ended> {
        let place = &self.places[index];
        let alarm = match (status.tamper, status.power) {
            (false, false) => "",
            (true, false) => "; ALARM: it is open or was moved",
            (false, true) => "; ALARM: its power fails",
            (true, true) => "; ALARM: it is open or was moved, and its power fails",
        };
        let detail = format!("{}{alarm}", place.detail);
        let reader = place.reader.id.as_str();
        if alarm.is_empty() {
            tracing::info!(event = "reader.well", reader, "case closed, power on");
        } else {
            tracing::warn!(
                event = "reader.alarm",
                reader,
                tamper = status.tamper,
                power = status.power
            );
        }
        let at_ms = self.context.now_ms();
        let note = Note::Alarms {
            tamper: status.tamper,
            power: status.power,
        };
        let reader = reader.to_owned();
        self.say(index, true, detail, at_ms)?;
        let event = LinkEvent::Note { reader, note, at_ms };
        self.send(Delivery { event, reply: None })
    }

    /// Keeps the first of what disturbs a line, and one in a while from then on.
    fn take_disturbance(&mut self, index: usize, malformed: Malformed, what: &'static str) -> Result<(), Ended> {
        let place = &mut self.places[index];
        place.disturbances += 1;
        if place.disturbed_at.is_some_and(|at| at.elapsed() < DISTURBANCE_EVERY) {
            return Ok(());
        }
        place.disturbed_at = Some(Instant::now());
        tracing::warn!(
            event = what,
            reader = place.reader.id,
            disturbances = place.disturbances,
            bytes = hex::encode(&malformed.bytes)
        );
        let event = self
            .context
            .event(&self.places[index].reader, Err(malformed), self.context.now_ms());
        self.send(Delivery { event, reply: None })
    }

    fn why_down(&self, index: usize, why: Down) -> String {
        let (bus, address) = (&self.bus, self.places[index].osdp.address);
        match why {
            Down::Silent => format!(
                "no answer from address {address} of {} at {} bits a second; check power, the two wires and the address: \
                 `rollcall-bridge osdp discover` lists who answers",
                bus.id, bus.baud
            ),
            Down::Confused => format!("address {address} of {} answers, but not as OSDP asks for", bus.id),
            Down::WrongKey => format!(
                "address {address} of {} has another key than its secure_channel_key; give it this one again \
                 (`rollcall-bridge osdp provision`), or find out who exchanged the reader",
                bus.id
            ),
            Down::RefusesSecurity => format!(
                "address {address} of {} refuses the secure channel, and is not spoken to in plain; set it to install mode and \
                 give it its key (`rollcall-bridge osdp provision`), or find out who exchanged the reader",
                bus.id
            ),
        }
    }

    fn say(&mut self, index: usize, up: bool, detail: String, at_ms: i64) -> Result<(), Ended> {
        let place = &mut self.places[index];
        let said = (up, detail);
        if place.said.as_ref() == Some(&said) {
            return Ok(());
        }
        let mut state = self.context.state(&place.reader, up, said.1.clone());
        if let LinkEvent::State { at_ms: at, .. } = &mut state.event {
            *at = at_ms;
        }
        place.said = Some(said);
        self.send(state)
    }

    /// Hands over, and waits while the queue is full: the devices keep what they have to say.
    fn send(&self, delivery: Delivery) -> Result<(), Ended> {
        self.context.sink.blocking_send(delivery).map_err(|_| Ended::Over)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn ago_ms(&self, at_ms: u64) -> i64 {
        i64::try_from(self.elapsed_ms().saturating_sub(at_ms)).unwrap_or(0)
    }

    fn is_stopped_within(&self, time: Duration) -> bool {
        self.host_gone.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
    }
}

/// What somebody in front of the reader is shown.
const fn feedback(outcome: &Outcome) -> Feedback {
    match outcome {
        Outcome::Recorded { .. } | Outcome::Duplicate { .. } => Feedback::Recorded,
        Outcome::Unassigned { .. } => Feedback::UnknownBadge,
        Outcome::Quarantined { .. } | Outcome::Refused { .. } => Feedback::Quarantined,
    }
}

/// A device as an operator finds it on its label.
pub fn shown(identity: &Identity) -> String {
    let [major, minor, build] = identity.firmware;
    format!(
        "vendor {}, model {} version {}, serial {:08X}, firmware {major}.{minor}.{build}",
        hex::encode(identity.vendor),
        identity.model,
        identity.version,
        identity.serial
    )
}
