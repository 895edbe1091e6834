//! The control panel of one bus.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::command::{Command, Feedback};
use super::frame::{Block, CheckKind, Frame, Frames, LONGEST_FRAME, emit};
use super::reply::{Capability, Refusal, Reply};
use super::secure::{Challenge, SecureChannel};
use crate::malformed::Malformed;

/// A device answers within this time, in milliseconds.
pub const REPLY_TIMEOUT_MS: u64 = 200;
/// A device that was silent for so long is off line.
pub const OFFLINE_AFTER_MS: u64 = 8_000;

/// From one poll of a device to its next.
const POLL_EVERY_MS: u64 = 50;
/// How often a command is sent, with the same number, before the session begins anew.
const ATTEMPTS: u8 = 3;
/// After a reply that says "busy".
const BUSY_PAUSE_MS: u64 = 100;
/// After sessions that did not come about: so long at first, doubling up to the longest.
const FIRST_PAUSE_MS: u64 = 100;
const LONGEST_PAUSE_MS: u64 = 3_200;
/// After a device that has another key: each try costs the other devices time, and mends nothing.
const REFUSED_PAUSE_MS: u64 = 5_000;
/// Within this time of bytes a frame goes on.
const PAUSE_WITHIN_FRAME_MS: u64 = 50;
/// Keys that belong to one number follow each other within this time.
const KEY_PAUSE_MS: u64 = 10_000;
/// The most keys of a number.
const MOST_KEYS: usize = 32;
/// The most commands that wait for one device.
const MOST_COMMANDS: usize = 8;

/// A device on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// 0 to 126.
    pub address: u8,
    /// Its key; with one it is never spoken to in plain beyond the handshake.
    pub key: Option<[u8; 16]>,
}

/// What a device says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The maker's number.
    pub vendor: [u8; 3],
    /// The maker's model.
    pub model: u8,
    /// The model's version.
    pub version: u8,
    /// The serial number.
    pub serial: u32,
    /// The firmware: major, minor, build.
    pub firmware: [u8; 3],
}

impl From<[u8; 12]> for Identity {
    fn from(data: [u8; 12]) -> Self {
        let [v0, v1, v2, model, version, s0, s1, s2, s3, f0, f1, f2] = data;
        Self {
            vendor: [v0, v1, v2],
            model,
            version,
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            firmware: [f0, f1, f2],
        }
    }
}

/// A device's case and power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalStatus {
    /// Opened, or taken off the wall.
    pub tamper: bool,
    /// The power fails.
    pub power: bool,
}

/// Why a device cannot be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// It does not answer.
    Silent,
    /// It answers, but not with what was asked for.
    Confused,
    /// It has another key than ours.
    WrongKey,
    /// It refuses the secure channel that its key asks for.
    RefusesSecurity,
}

/// What a device did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It can be heard.
    Up {
        /// Who it is.
        identity: Option<Identity>,
        /// Whether through a secure channel.
        secure: bool,
    },
    /// It can no longer be heard.
    Down {
        /// Why.
        why: Down,
        /// When it was heard last, in the time of [`Panel::poll`].
        heard_at_ms: Option<u64>,
    },
    /// It read a card. It is not polled before [`Panel::settle`].
    Card(Reply),
    /// Somebody keyed a number and ended it. It is not polled before [`Panel::settle`].
    Number(Vec<u8>),
    /// Its case or its power changed, or is known for the first time.
    Status(LocalStatus),
    /// Its inputs changed, or are known for the first time.
    Inputs(Vec<bool>),
    /// A reply came through the secure channel that cannot be read; what it said is lost. It is not polled before [`Panel::settle`].
    Unreadable(Malformed),
    /// Bytes on the bus that were no frame.
    Noise(Malformed),
    /// A reply in plain, or with a wrong MAC, where only the secure channel is believed: somebody may be on the line.
    Unproven(Malformed),
    /// The session ended without a fault of the line and begins anew: the device was switched off and on, or somebody is on the line.
    Restarted,
    /// It has taken its new key.
    KeySet,
    /// It has refused a new key.
    KeyRefused,
}

impl Event {
    /// Whether the device waits until it is told that this is kept.
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Card(_) | Self::Number(_) | Self::Unreadable(_))
    }
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, and poll again.
    Send(Vec<u8>),
    /// Poll again at this time, or when bytes have come.
    WaitUntil(u64),
}

/// Where a device is on its way to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Identify,
    Capabilities,
    Challenge,
    Cryptogram,
    Status,
    Inputs,
    Ready,
}

/// The functions of a device that matter here, by their numbers.
mod function {
    pub const INPUTS: u8 = 1;
    pub const LIGHT: u8 = 4;
    pub const SOUND: u8 = 5;
    pub const TEXT: u8 = 6;
    pub const CRC: u8 = 8;
}

#[derive(Debug)]
struct Slot {
    device: Device,
    phase: Phase,
    sequence: u8,
    check: CheckKind,
    channel: Option<SecureChannel>,
    challenge: Option<Challenge>,
    identity: Option<Identity>,
    capabilities: Vec<Capability>,
    queue: VecDeque<Command>,
    /// A command that is to be sent again as it was: the device was busy.
    again: Option<Exchange>,
    keys: Vec<u8>,
    keys_at_ms: u64,
    status: Option<LocalStatus>,
    inputs: Option<Vec<bool>>,
    /// Until it refuses a light, a beep or a text that it said to have.
    takes_feedback: bool,
    heard_at_ms: Option<u64>,
    ready_at_ms: u64,
    /// Sessions in a row that came to nothing.
    failures: u32,
    is_held: bool,
    is_up: bool,
    said_down: Option<Down>,
}

/// A command that waits for its reply.
#[derive(Clone, Debug)]
struct Exchange {
    command: Option<Command>,
    bytes: Vec<u8>,
    sequence: u8,
    attempts: u8,
    deadline_ms: u64,
    latest_ms: u64,
}

/// Polls the devices of one bus, in turn.
#[derive(Debug)]
pub struct Panel {
    slots: Vec<Slot>,
    bits_per_second: u32,
    frames: Frames,
    /// Who was spoken to last.
    turn: usize,
    exchange: Option<Exchange>,
    events: VecDeque<(usize, Event)>,
    now_ms: u64,
}

impl Panel {
    /// A panel for devices, which are known by their place in the list from now on.
    pub fn new(devices: impl IntoIterator<Item = Device>, bits_per_second: u32) -> Self {
        Self {
            slots: devices.into_iter().map(Slot::new).collect(),
            bits_per_second: bits_per_second.max(1),
            frames: Frames::default(),
            turn: 0,
            exchange: None,
            events: VecDeque::new(),
            now_ms: 0,
        }
    }

    /// The line was opened anew: every session begins again. Readings that wait to be kept still do.
    pub fn reopen(&mut self, now_ms: u64) {
        self.frames = Frames::default();
        self.exchange = None;
        for slot in &mut self.slots {
            slot.restart();
            slot.ready_at_ms = now_ms;
        }
    }

    /// The line is lost: who was heard is heard no longer. Gives those who were.
    pub fn lose(&mut self) -> Vec<usize> {
        let up = self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.is_up);
        up.map(|(index, slot)| {
            slot.is_up = false;
            index
        })
        .collect()
    }

    /// Bytes that came.
    pub fn push(&mut self, mut bytes: &[u8], now_ms: u64) {
        self.now_ms = now_ms;
        if let Some(exchange) = &mut self.exchange {
            exchange.deadline_ms = exchange
                .deadline_ms
                .max(now_ms + PAUSE_WITHIN_FRAME_MS)
                .min(exchange.latest_ms);
        }
        while !bytes.is_empty() {
            let taken = self.frames.push(bytes);
            bytes = &bytes[taken..];
            self.take_frames();
        }
    }

    /// What is to be done now. `random` is to be new at every call.
    pub fn poll(&mut self, now_ms: u64, random: [u8; 8]) -> Step {
        self.now_ms = now_ms;
        self.notice_silence();
        if let Some(exchange) = &self.exchange {
            if now_ms < exchange.deadline_ms {
                return Step::WaitUntil(exchange.deadline_ms);
            }
            // What is still incomplete may hide the reply behind a start that was none.
            self.frames.idle();
            self.take_frames();
            if let Some(bytes) = self.try_again() {
                return Step::Send(bytes);
            }
        }
        let count = self.slots.len();
        let next = (1..=count).map(|step| (self.turn + step) % count).find(|index| {
            let slot = &self.slots[*index];
            !slot.is_held && slot.ready_at_ms <= now_ms
        });
        match next {
            Some(index) => Step::Send(self.speak_to(index, random)),
            None => Step::WaitUntil(self.next_turn_at(now_ms)),
        }
    }

    /// What happened, in order; `None` until more comes. To be emptied after every call of [`Self::push`] and [`Self::poll`].
    pub fn next_event(&mut self) -> Option<(usize, Event)> {
        self.events.pop_front()
    }

    /// What a device waits for is kept: it is polled again, and shows what became of it.
    pub fn settle(&mut self, device: usize, feedback: Option<Feedback>, now_ms: u64) {
        let Some(slot) = self.slots.get_mut(device) else { return };
        slot.is_held = false;
        slot.ready_at_ms = now_ms;
        // That it was not asked is not its silence.
        slot.heard_at_ms = slot.heard_at_ms.map(|_| now_ms);
        if let Some(feedback) = feedback {
            slot.queue.retain(|command| matches!(command, Command::SetKey(_)));
            for command in feedback.commands() {
                slot.enqueue(command);
            }
        }
    }

    /// Gives a device a new key, if it is heard through a secure channel; else says `false`. [`Event::KeySet`] tells when it has it.
    #[must_use = "without a secure channel nothing is sent"]
    pub fn set_key(&mut self, device: usize, key: [u8; 16]) -> bool {
        let slot = self.slots.get_mut(device).filter(|slot| slot.channel.is_some());
        slot.is_some_and(|slot| slot.enqueue(Command::SetKey(key)))
    }

    fn next_turn_at(&self, now_ms: u64) -> u64 {
        let asked = self.slots.iter().filter(|slot| !slot.is_held);
        let silent_at = |slot: &Slot| slot.heard_at_ms.filter(|_| slot.is_up).map(|at| at + OFFLINE_AFTER_MS);
        asked
            .map(|slot| silent_at(slot).unwrap_or(u64::MAX).min(slot.ready_at_ms))
            .min()
            .unwrap_or(now_ms + POLL_EVERY_MS)
            .max(now_ms + 1)
    }

    /// Devices that were heard and are silent for too long.
    fn notice_silence(&mut self) {
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let heard_at_ms = slot.heard_at_ms.unwrap_or(0);
            if slot.is_up && !slot.is_held && self.now_ms.saturating_sub(heard_at_ms) >= OFFLINE_AFTER_MS {
                self.say_down(index, Down::Silent);
            }
        }
    }

    /// The command that got no reply again, or `None` after the last attempt.
    fn try_again(&mut self) -> Option<Vec<u8>> {
        let mut exchange = self.exchange.take()?;
        exchange.attempts += 1;
        if exchange.attempts >= ATTEMPTS {
            self.put_off(exchange);
            return None;
        }
        self.send(&mut exchange);
        let bytes = exchange.bytes.clone();
        self.exchange = Some(exchange);
        Some(bytes)
    }

    /// The others have their turn before the same is sent once more. The reply that the line swallows may hold a reading, and the device
    /// forgets it when the session begins anew, so that is left for when it is off line anyway.
    fn put_off(&mut self, exchange: Exchange) {
        let slot = &mut self.slots[self.turn];
        let heard_at_ms = slot.heard_at_ms.unwrap_or(0);
        if !slot.is_up || self.now_ms.saturating_sub(heard_at_ms) >= OFFLINE_AFTER_MS {
            return self.fail(Down::Silent);
        }
        slot.ready_at_ms = self.now_ms + FIRST_PAUSE_MS;
        slot.again = Some(Exchange {
            attempts: ATTEMPTS - 1,
            ..exchange
        });
    }

    /// The session of the device whose turn it is came to nothing.
    fn fail(&mut self, why: Down) {
        let index = self.turn;
        let slot = &mut self.slots[index];
        let was_heard = slot.is_up && why == Down::Silent;
        slot.restart();
        slot.failures += 1;
        slot.ready_at_ms = self.now_ms
            + match why {
                Down::Silent | Down::Confused => (FIRST_PAUSE_MS << slot.failures.min(6)).min(LONGEST_PAUSE_MS),
                Down::WrongKey | Down::RefusesSecurity => REFUSED_PAUSE_MS,
            };
        if slot.identity.is_none() {
            slot.check = match slot.check {
                CheckKind::Crc => CheckKind::Sum,
                CheckKind::Sum => CheckKind::Crc,
            };
        }
        // A device that was heard has eight seconds to come back.
        if !was_heard {
            self.say_down(index, why);
        }
    }

    fn say_down(&mut self, index: usize, why: Down) {
        let slot = &mut self.slots[index];
        slot.is_up = false;
        // Why it is not heard is said once; that it fell silent while it had another key changes nothing.
        if slot.said_down.is_none() || slot.said_down != Some(why) && why != Down::Silent {
            slot.said_down = Some(why);
            let heard_at_ms = slot.heard_at_ms;
            self.events.push_back((index, Event::Down { why, heard_at_ms }));
        }
    }

    fn speak_to(&mut self, index: usize, random: [u8; 8]) -> Vec<u8> {
        self.turn = index;
        // Whatever still waits belongs to nobody.
        self.frames.idle();
        self.take_frames();
        let slot = &mut self.slots[index];
        slot.ready_at_ms = self.now_ms + POLL_EVERY_MS;
        let mut exchange = slot.again.take().unwrap_or_else(|| slot.next_exchange(random));
        self.send(&mut exchange);
        let bytes = exchange.bytes.clone();
        self.exchange = Some(exchange);
        bytes
    }

    fn send(&self, exchange: &mut Exchange) {
        let time_of = |bytes: usize| (bytes as u64) * 10_000 / u64::from(self.bits_per_second);
        exchange.deadline_ms = self.now_ms + REPLY_TIMEOUT_MS + time_of(exchange.bytes.len());
        exchange.latest_ms = exchange.deadline_ms + time_of(LONGEST_FRAME);
    }

    fn take_frames(&mut self) {
        while let Some(next) = self.frames.next() {
            match next {
                Ok(bytes) => self.take_frame(&bytes),
                Err(malformed) => self.events.push_back((self.turn, Event::Noise(malformed))),
            }
        }
    }

    /// Only a reply of the device that was asked, with the number of the question, is an answer; what we sent ourselves comes back
    /// on some adapters, and a repeated reply has the number of an earlier question.
    fn take_frame(&mut self, bytes: &[u8]) {
        let Ok(frame) = Frame::new_checked(bytes) else { return };
        let Some(mut exchange) = self.exchange.take() else {
            return;
        };
        let index = self.turn;
        let slot = &mut self.slots[index];
        let is_answer = frame.is_reply() && frame.address() == slot.device.address;
        if !is_answer {
            self.exchange = Some(exchange);
            return;
        }
        let is_plain = !frame.block().is_some_and(|block| block.has_mac());
        let parsed = Reply::parse(frame.code(), frame.data());
        match (&parsed, is_plain) {
            (Ok(Reply::Busy), true) => {
                slot.heard_at_ms = Some(self.now_ms);
                slot.ready_at_ms = self.now_ms + BUSY_PAUSE_MS;
                exchange.attempts = 0;
                slot.again = Some(exchange);
            }
            // Nobody signed it, so it can only end what there is: within a secure channel the session begins anew.
            (Ok(Reply::Nak(refusal)), true) => {
                let refusal = match refusal {
                    Refusal::Damaged => Refusal::Damaged,
                    _ if slot.channel.is_some() => Refusal::Security,
                    other => *other,
                };
                self.take_refusal(refusal, exchange);
            }
            _ if frame.sequence() != exchange.sequence => self.exchange = Some(exchange),
            _ if self.slots[index].channel.is_some() => self.take_secured(&frame, exchange),
            _ if is_plain => self.take_reply(parsed, &frame, &exchange),
            // A MAC without a channel proves nothing.
            _ => self.exchange = Some(exchange),
        }
    }

    fn take_secured(&mut self, frame: &Frame<'_>, exchange: Exchange) {
        let index = self.turn;
        let opened = self.slots[index]
            .channel
            .as_mut()
            .and_then(|channel| channel.open(frame));
        let Some(data) = opened else {
            let malformed = Malformed::new(crate::Reason::Checksum, frame.bytes());
            self.events.push_back((index, Event::Unproven(malformed)));
            self.exchange = Some(exchange);
            return;
        };
        let parsed = Reply::parse(frame.code(), &data);
        if let Ok(Reply::Nak(refusal)) = parsed {
            self.take_refusal(refusal, exchange);
        } else {
            self.take_reply(parsed, frame, &exchange);
        }
    }

    fn take_refusal(&mut self, refusal: Refusal, exchange: Exchange) {
        let index = self.turn;
        let slot = &mut self.slots[index];
        slot.heard_at_ms = Some(self.now_ms);
        let phase = slot.phase;
        let is_feedback = matches!(
            exchange.command,
            Some(Command::Light(_) | Command::Beep { .. } | Command::Text(_))
        );
        slot.takes_feedback &= !is_feedback || matches!(refusal, Refusal::Damaged | Refusal::Sequence);
        match (refusal, phase) {
            (Refusal::Damaged, _) => {
                // Sent again as after silence, at once.
                let now_ms = self.now_ms;
                self.exchange = Some(Exchange {
                    deadline_ms: now_ms,
                    ..exchange
                });
            }
            (_, Phase::Challenge | Phase::Cryptogram) => self.fail(Down::RefusesSecurity),
            (Refusal::Sequence | Refusal::Security, Phase::Ready | Phase::Status | Phase::Inputs) => {
                let was_up = slot.is_up;
                self.fail(Down::Silent);
                if was_up {
                    self.events.push_back((index, Event::Restarted));
                }
            }
            (_, Phase::Identify) if slot.device.key.is_none() => self.fail(Down::Confused),
            (_, Phase::Ready) => {
                slot.advance(None);
                if let Some(Command::SetKey(_)) = exchange.command {
                    self.events.push_back((index, Event::KeyRefused));
                }
            }
            _ => self.go_on(),
        }
    }

    fn take_reply(&mut self, parsed: Result<Reply, crate::Reason>, frame: &Frame<'_>, exchange: &Exchange) {
        let index = self.turn;
        let slot = &mut self.slots[index];
        slot.heard_at_ms = Some(self.now_ms);
        let reply = match parsed {
            Ok(reply) => reply,
            Err(reason) => {
                slot.advance(None);
                if slot.phase == Phase::Ready {
                    slot.is_held = true;
                    let malformed = Malformed::new(reason, frame.bytes());
                    self.events.push_back((index, Event::Unreadable(malformed)));
                } else {
                    self.fail(Down::Confused);
                }
                return;
            }
        };
        match (slot.phase, reply) {
            (Phase::Identify, Reply::Identity(identity)) => {
                slot.identity = Some(identity.into());
                self.go_on();
            }
            (Phase::Capabilities, Reply::Capabilities(list)) => {
                slot.learn(list);
                self.go_on();
            }
            (Phase::Challenge, Reply::Cryptogram(data)) => self.take_cryptogram(&data, frame.block()),
            (Phase::Cryptogram, Reply::InitialMac(data)) => self.take_initial_mac(&data),
            (Phase::Status | Phase::Inputs, reply) => {
                self.take_news(reply, exchange.command.as_ref());
                self.go_on();
            }
            (Phase::Ready, reply) => {
                slot.advance(None);
                self.take_news(reply, exchange.command.as_ref());
            }
            _ => self.fail(Down::Confused),
        }
    }

    fn take_cryptogram(&mut self, data: &[u8], block: Option<Block<'_>>) {
        let slot = &mut self.slots[self.turn];
        let is_handshake = block.is_some_and(|block| block.kind == 0x12);
        let has_key = slot.challenge.as_mut().is_some_and(|challenge| challenge.answer(data));
        if is_handshake && has_key {
            slot.advance(Some(Phase::Cryptogram));
        } else {
            self.fail(Down::WrongKey);
        }
    }

    fn take_initial_mac(&mut self, data: &[u8]) {
        let index = self.turn;
        let slot = &mut self.slots[index];
        let challenge = slot.challenge.take();
        match challenge.and_then(|challenge| challenge.established(data)) {
            Some(channel) => {
                slot.channel = Some(channel);
                slot.advance(Some(Phase::Status));
                self.say_up(index);
            }
            None => self.fail(Down::WrongKey),
        }
    }

    /// The next step of a device that is on its way to be heard.
    fn go_on(&mut self) {
        let index = self.turn;
        let slot = &mut self.slots[index];
        let next = match slot.phase {
            Phase::Identify => Phase::Capabilities,
            Phase::Capabilities if slot.device.key.is_some() => Phase::Challenge,
            Phase::Capabilities => Phase::Status,
            Phase::Status if slot.can(function::INPUTS) => Phase::Inputs,
            _ => Phase::Ready,
        };
        slot.advance(Some(next));
        if next == Phase::Status {
            self.say_up(index);
        }
    }

    fn say_up(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.failures = 0;
        let is_news = !slot.is_up || slot.said_down.is_some();
        (slot.is_up, slot.said_down) = (true, None);
        if is_news {
            let (identity, secure) = (slot.identity, slot.channel.is_some());
            self.events.push_back((index, Event::Up { identity, secure }));
        }
    }

    fn take_news(&mut self, reply: Reply, command: Option<&Command>) {
        let index = self.turn;
        let slot = &mut self.slots[index];
        let event = match reply {
            Reply::Card { .. } | Reply::Characters(_) => Some(Event::Card(reply)),
            Reply::Keys(keys) => {
                let numbers = slot.take_keys(&keys, self.now_ms);
                slot.is_held = !numbers.is_empty();
                let numbers = numbers.into_iter().map(|number| (index, Event::Number(number)));
                self.events.extend(numbers);
                return;
            }
            Reply::LocalStatus { tamper, power } => {
                let status = LocalStatus { tamper, power };
                (slot.status.replace(status) != Some(status)).then_some(Event::Status(status))
            }
            Reply::Inputs(inputs) => {
                let is_news = slot.inputs.as_ref() != Some(&inputs);
                slot.inputs = Some(inputs.clone());
                is_news.then_some(Event::Inputs(inputs))
            }
            Reply::Ack if matches!(command, Some(Command::SetKey(_))) => Some(Event::KeySet),
            _ => None,
        };
        if let Some(event) = event {
            slot.is_held = event.is_held();
            self.events.push_back((index, event));
        }
    }
}

impl Slot {
    fn new(device: Device) -> Self {
        Self {
            device,
            phase: Phase::Identify,
            sequence: 0,
            check: CheckKind::Crc,
            channel: None,
            challenge: None,
            identity: None,
            capabilities: Vec::new(),
            queue: VecDeque::new(),
            again: None,
            keys: Vec::new(),
            keys_at_ms: 0,
            status: None,
            inputs: None,
            takes_feedback: true,
            heard_at_ms: None,
            ready_at_ms: 0,
            failures: 0,
            is_held: false,
            is_up: false,
            said_down: None,
        }
    }

    /// The next command begins a session.
    fn restart(&mut self) {
        self.phase = Phase::Identify;
        self.sequence = 0;
        (self.channel, self.challenge, self.again) = (None, None, None);
        self.queue.clear();
        self.keys.clear();
    }

    /// The device has taken a command; the next one has the next number.
    fn advance(&mut self, phase: Option<Phase>) {
        self.sequence = self.sequence % 3 + 1;
        if let Some(phase) = phase {
            self.phase = phase;
            // Nobody waits for anything between the steps of a beginning.
            if phase != Phase::Ready {
                self.ready_at_ms = 0;
            }
        }
        if !self.queue.is_empty() {
            self.ready_at_ms = 0;
        }
    }

    fn learn(&mut self, list: Vec<Capability>) {
        self.capabilities = list;
        if self.can(function::CRC) {
            self.check = CheckKind::Crc;
        }
    }

    /// Whether it says that it has a function.
    fn can(&self, function: u8) -> bool {
        let mut list = self.capabilities.iter();
        list.any(|capability| capability.function == function && capability.level > 0)
    }

    fn enqueue(&mut self, command: Command) -> bool {
        let can = match command {
            Command::Light(_) => self.takes_feedback && self.can(function::LIGHT),
            Command::Beep { .. } => self.takes_feedback && self.can(function::SOUND),
            Command::Text(_) => self.takes_feedback && self.can(function::TEXT),
            _ => true,
        };
        let has_room = can && self.queue.len() < MOST_COMMANDS;
        if has_room {
            self.queue.push_back(command);
        }
        has_room
    }

    /// Digits make a number, which `#` ends (13 by the standard, 35 by many) and `*` (127, 42) takes back.
    fn take_keys(&mut self, keys: &[u8], now_ms: u64) -> Vec<Vec<u8>> {
        if now_ms.saturating_sub(self.keys_at_ms) > KEY_PAUSE_MS {
            self.keys.clear();
        }
        self.keys_at_ms = now_ms;
        let mut numbers = Vec::new();
        for key in keys {
            match key {
                b'0'..=b'9' if self.keys.len() < MOST_KEYS => self.keys.push(*key),
                0x0D | b'#' if !self.keys.is_empty() => numbers.push(core::mem::take(&mut self.keys)),
                _ => self.keys.clear(),
            }
        }
        numbers
    }

    fn next_exchange(&mut self, random: [u8; 8]) -> Exchange {
        let (command, bytes) = match self.phase {
            Phase::Challenge => (None, self.challenge(random)),
            Phase::Cryptogram => (None, self.cryptogram()),
            phase => {
                let command = match phase {
                    Phase::Identify => Command::Identify,
                    Phase::Capabilities => Command::Capabilities,
                    Phase::Status => Command::LocalStatus,
                    Phase::Inputs => Command::InputStatus,
                    _ => self.queue.pop_front().unwrap_or(Command::Poll),
                };
                let bytes = self.emit(&command);
                (Some(command), bytes)
            }
        };
        Exchange {
            command,
            bytes,
            sequence: self.sequence,
            attempts: 0,
            deadline_ms: 0,
            latest_ms: 0,
        }
    }

    const fn head(&self) -> (u8, u8, CheckKind) {
        (self.device.address, self.sequence, self.check)
    }

    fn emit(&mut self, command: &Command) -> Vec<u8> {
        let (head, code, data) = (self.head(), command.code(), command.data());
        match &mut self.channel {
            None => emit(head, None, code, &data, |_| [0; 4]),
            Some(channel) => {
                let (block, sealed) = channel.seal(&data);
                emit(head, Some(block), code, &sealed, |frame| channel.sign(frame))
            }
        }
    }

    fn challenge(&mut self, random: [u8; 8]) -> Vec<u8> {
        let challenge = Challenge::new(self.device.key.unwrap_or_default(), random);
        let block = Block {
            kind: 0x11,
            data: &[challenge.key_byte()],
        };
        let bytes = emit(self.head(), Some(block), 0x76, &challenge.random(), |_| [0; 4]);
        self.challenge = Some(challenge);
        bytes
    }

    fn cryptogram(&self) -> Vec<u8> {
        let (key, cryptogram) = self.challenge.as_ref().map_or((0, [0; 16]), |challenge| {
            (challenge.key_byte(), challenge.server_cryptogram())
        });
        let block = Block {
            kind: 0x13,
            data: &[key],
        };
        emit(self.head(), Some(block), 0x77, &cryptogram, |_| [0; 4])
    }
}
