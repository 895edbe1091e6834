//! The panel against a device, on a line that does what the test says. Time is driven.

use wire::Reason;
use wire::osdp::{self, Down, Event, Feedback, INSTALL_KEY, OFFLINE_AFTER_MS, Panel, Reply, Step};

use crate::KEY;
use crate::device::{Device, plain};

const CARD: [u8; 4] = [0x80, 0xFA, 0x3A, 0x40];

/// What a line does to what comes back, given the command.
type Disturb = Box<dyn FnMut(&[u8], Vec<u8>) -> Vec<u8>>;

/// A bus: the panel, its devices, and the time.
struct Bus {
    panel: Panel,
    devices: Vec<Device>,
    now_ms: u64,
    random: u8,
    events: Vec<(usize, Event)>,
    /// Everything that the panel sent.
    sent: Vec<Vec<u8>>,
    /// Nobody hears anything.
    is_cut: bool,
    echoes: bool,
    disturb: Option<Disturb>,
    noise: Option<Noise>,
}

/// A line on which one bit in a thousand arrives wrong, in either direction.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// What arrives of bytes, and whether it is what was sent.
    fn carry(&mut self, mut bytes: Vec<u8>) -> (Vec<u8>, bool) {
        let mut is_whole = true;
        for byte in &mut bytes {
            for bit in 0..8 {
                if self.next().is_multiple_of(1_000) {
                    *byte ^= 1 << bit;
                    is_whole = false;
                }
            }
        }
        (bytes, is_whole)
    }
}

impl Bus {
    fn new(devices: Vec<Device>, keys: &[Option<[u8; 16]>]) -> Self {
        let known = devices.iter().zip(keys).map(|(device, key)| osdp::Device {
            address: device.address,
            key: *key,
        });
        Self {
            panel: Panel::new(known.collect::<Vec<_>>(), 9_600),
            devices,
            now_ms: 0,
            random: 0,
            events: Vec::new(),
            sent: Vec::new(),
            is_cut: false,
            echoes: false,
            disturb: None,
            noise: None,
        }
    }

    fn one(key: Option<[u8; 16]>) -> Self {
        Self::new(vec![Device::new(101, key)], &[key])
    }

    /// Lets so much time go by.
    fn run(&mut self, time_ms: u64) {
        let until = self.now_ms + time_ms;
        while self.now_ms < until {
            self.random = self.random.wrapping_add(1);
            match self.panel.poll(self.now_ms, [self.random; 8]) {
                Step::Send(bytes) => {
                    self.sent.push(bytes.clone());
                    // A device answers nothing to a command whose check is wrong.
                    let arrives = self.noise.as_mut().is_none_or(|noise| noise.carry(bytes.clone()).1);
                    let hearing = self.devices.iter_mut().filter(|_| arrives);
                    let mut answer: Vec<u8> = hearing.flat_map(|device| device.hear(&bytes)).collect();
                    if let Some(noise) = &mut self.noise {
                        answer = noise.carry(answer).0;
                    }
                    if let Some(disturb) = &mut self.disturb {
                        answer = disturb(&bytes, answer);
                    }
                    if self.echoes {
                        answer.splice(0..0, bytes);
                    }
                    self.now_ms += 10;
                    if !self.is_cut {
                        self.panel.push(&answer, self.now_ms);
                    }
                }
                Step::WaitUntil(at) => {
                    assert!(at > self.now_ms, "waiting makes time go by");
                    self.now_ms = at.min(until);
                }
            }
            self.events.extend(std::iter::from_fn(|| self.panel.next_event()));
        }
    }

    fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
            .into_iter()
            .map(|(_, event)| event)
            .collect()
    }

    /// Runs until everybody is heard, and forgets how that was said.
    fn begin(&mut self) {
        self.run(1_000);
        let ups = self
            .take()
            .into_iter()
            .filter(|event| matches!(event, Event::Up { .. }));
        assert_eq!(ups.count(), self.devices.len(), "every device is heard");
    }
}

fn card() -> Event {
    Event::Card(Reply::Card {
        bits: 26,
        data: CARD.to_vec(),
    })
}

fn cards(events: &[Event]) -> usize {
    events.iter().filter(|event| **event == card()).count()
}

#[test]
fn a_device_is_found_and_heard_in_plain_and_through_a_secure_channel() {
    for key in [None, Some(KEY), Some(INSTALL_KEY)] {
        let mut bus = Bus::one(key);
        bus.run(500);
        let events = bus.take();
        let Event::Up { identity, secure } = &events[0] else {
            panic!("{events:?}")
        };
        assert_eq!(*secure, key.is_some());
        assert_eq!(identity.expect("it said who it is").vendor, [0xBE, 0xBA, 1]);
        bus.devices[0].present(CARD);
        bus.run(200);
        assert_eq!(cards(&bus.take()), 1, "{key:?}");
    }
}

#[test]
fn no_poll_follows_before_the_reading_is_kept_and_then_the_feedback_comes_first() {
    for key in [None, Some(KEY)] {
        let mut bus = Bus::new(vec![Device::new(1, key), Device::new(2, None)], &[key, None]);
        bus.begin();
        bus.devices[0].present(CARD);
        bus.run(100);
        assert_eq!(cards(&bus.take()), 1);
        let (polls, others) = (bus.devices[0].polls, bus.devices[1].polls);
        bus.run(20_000);
        assert_eq!(bus.devices[0].polls, polls, "it would forget the reading");
        assert!(bus.devices[1].polls > others + 100, "the others are heard meanwhile");
        assert!(bus.take().is_empty(), "that we do not ask is no silence of the device");
        bus.devices[0].took.clear();
        bus.panel.settle(0, Some(Feedback::UnknownBadge), bus.now_ms);
        bus.run(300);
        let took: Vec<u8> = bus.devices[0].took.iter().map(|(code, _)| *code).collect();
        assert_eq!(took, [0x69, 0x6A, 0x6B]);
        assert_eq!(bus.devices[0].took[0].1[5], 3, "amber");
        assert!(bus.devices[0].polls > polls);
    }
}

#[test]
fn a_lost_reply_is_asked_for_again_and_a_repeated_one_is_no_second_reading() {
    for key in [None, Some(KEY)] {
        let mut bus = Bus::one(key);
        bus.begin();
        bus.devices[0].present(CARD);
        bus.devices[0].loses_replies = 2;
        bus.run(2_000);
        assert_eq!(cards(&bus.take()), 1, "the same number asks for the same reply");

        // The device says everything twice.
        bus.panel.settle(0, None, bus.now_ms);
        bus.disturb = Some(Box::new(|_, answer| answer.repeat(2)));
        bus.devices[0].present(CARD);
        bus.run(1_000);
        bus.panel.settle(0, None, bus.now_ms);
        bus.run(1_000);
        let events = bus.take();
        assert_eq!(cards(&events), 1, "{events:?}");
        // An old reply comes once more, long after.
        let mut old = Vec::new();
        bus.disturb = Some(Box::new(move |_, answer| {
            let both = [&old[..], &answer].concat();
            old = answer;
            both
        }));
        bus.devices[0].present(CARD);
        bus.run(1_000);
        bus.panel.settle(0, None, bus.now_ms);
        bus.run(1_000);
        assert_eq!(cards(&bus.take()), 1);
    }
}

#[test]
fn echoes_noise_and_lies_on_the_line_are_survived() {
    for key in [None, Some(KEY)] {
        let mut bus = Bus::one(key);
        bus.echoes = true;
        let mut turn = 0_u8;
        bus.disturb = Some(Box::new(move |_, answer| {
            turn = turn.wrapping_add(1);
            match turn % 4 {
                0 => [&[0x53, 0xE5, 0xF0, 0x00][..], &answer].concat(),
                1 => [&[0x53, 0x13, 0x53, 0xAA][..], &answer, &[0x53]].concat(),
                2 => [&[0xFF, 0xFF, 0x00, 0x99][..], &answer].concat(),
                _ => answer,
            }
        }));
        bus.begin();
        for _ in 0..10 {
            bus.devices[0].present(CARD);
            bus.run(1_500);
            let events = bus.take();
            assert_eq!(cards(&events), 1, "{events:?}");
            bus.panel.settle(0, None, bus.now_ms);
        }
    }
}

#[test]
fn on_a_very_noisy_line_every_card_is_heard_once() {
    const CARDS: u16 = 500;
    for key in [None, Some(KEY)] {
        let mut bus = Bus::one(key);
        bus.begin();
        bus.noise = Some(Noise(0x2545_F491_4F6C_DD1D));
        let mut heard = Vec::new();
        for number in 0..CARDS {
            let [high, low] = number.to_be_bytes();
            bus.devices[0].present([high, low, 0xA5, 0x40]);
            for _ in 0..8 {
                bus.run(250);
                for event in bus.take() {
                    match event {
                        Event::Card(Reply::Card { data, .. }) => {
                            heard.push(u16::from_be_bytes([data[0], data[1]]));
                            bus.panel.settle(0, None, bus.now_ms);
                        }
                        Event::Up { .. }
                        | Event::Down { .. }
                        | Event::Noise(_)
                        | Event::Unproven(_)
                        | Event::Status(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        let expected: Vec<u16> = (0..CARDS).collect();
        assert_eq!(heard, expected, "{key:?}");
        assert!(bus.sent.len() > 10_000, "there was something to disturb");
    }
}

#[test]
fn a_busy_device_is_asked_again() {
    let mut bus = Bus::one(Some(KEY));
    bus.begin();
    bus.devices[0].present(CARD);
    bus.devices[0].busy = 5;
    bus.run(1_000);
    assert_eq!(bus.take(), [card()], "that it was busy was no fault");
}

#[test]
fn a_device_that_was_switched_off_and_on_is_heard_again_without_a_word_in_plain() {
    let mut bus = Bus::one(Some(KEY));
    bus.begin();
    bus.devices[0].reboot();
    bus.sent.clear();
    bus.run(1_000);
    assert_eq!(bus.take(), [Event::Restarted]);
    bus.devices[0].present(CARD);
    bus.run(300);
    assert_eq!(bus.take(), [card()]);
    let polled_plain = bus.sent.iter().any(|bytes| bytes[5] & 8 == 0 && bytes[6] == 0x60);
    assert!(!polled_plain, "a poll in plain");
}

#[test]
fn a_silent_device_is_off_line_after_eight_seconds_and_comes_back() {
    let mut bus = Bus::one(None);
    bus.begin();
    let heard_at = bus.now_ms;
    bus.is_cut = true;
    bus.run(OFFLINE_AFTER_MS - 100);
    assert!(bus.take().is_empty(), "not yet");
    bus.run(300);
    let events = bus.take();
    let [
        Event::Down {
            why: Down::Silent,
            heard_at_ms: Some(at),
        },
    ] = events[..]
    else {
        panic!("{events:?}")
    };
    assert!(at.abs_diff(heard_at) <= 60);
    bus.run(60_000);
    assert!(bus.take().is_empty(), "it is said once");
    bus.is_cut = false;
    bus.run(4_000);
    assert!(matches!(bus.take()[0], Event::Up { .. }));
}

#[test]
fn another_key_is_told_from_silence_and_nothing_is_said_in_plain() {
    let mut bus = Bus::new(vec![Device::new(5, Some([1; 16]))], &[Some(KEY)]);
    bus.run(30_000);
    assert_eq!(
        bus.take()
            .iter()
            .filter(|event| matches!(
                event,
                Event::Down {
                    why: Down::WrongKey,
                    ..
                }
            ))
            .count(),
        1
    );
    assert!(
        bus.sent.iter().all(|bytes| bytes[bytes.len() - 3] != 0x60),
        "it is not polled"
    );
    assert_eq!(bus.devices[0].polls, 0);

    // Somebody answers in the name of the device that it has no secure channel.
    let mut bus = Bus::new(vec![Device::new(5, None)], &[Some(KEY)]);
    bus.devices[0].capabilities = vec![4, 1, 1];
    bus.devices[0].present(CARD);
    bus.run(30_000);
    let events = bus.take();
    assert!(
        matches!(
            events[..],
            [Event::Down {
                why: Down::RefusesSecurity,
                ..
            }]
        ),
        "{events:?}"
    );
    assert_eq!(bus.devices[0].polls, 0, "never in plain");
}

#[test]
fn within_a_secure_channel_nothing_else_is_believed() {
    let forged = || plain(101, 1, 0x50, &[0, 1, 26, 0, 1, 2, 3, 0x40]);
    let mut bus = Bus::one(Some(KEY));
    bus.begin();
    bus.disturb = Some(Box::new(move |command, answer| {
        let sequence = command[5] & 3;
        let forged = plain(101, sequence, 0x50, &[0, 1, 26, 0, 1, 2, 3, 0x40]);
        [forged, answer].concat()
    }));
    bus.run(500);
    let events = bus.take();
    assert!(
        !events.is_empty() && events.iter().all(|event| matches!(event, Event::Unproven(_))),
        "{events:?}"
    );

    // A refusal in plain ends the session, and nothing more.
    bus.disturb = None;
    let mut once = Some(plain(101, 0, 0x41, &[6]));
    bus.disturb = Some(Box::new(move |_, answer| once.take().unwrap_or(answer)));
    bus.run(1_000);
    assert_eq!(bus.take(), [Event::Restarted]);

    // A frame with the wrong MAC, and one of an earlier session.
    let malformed = Reason::Checksum;
    let mut last: Option<Vec<u8>> = None;
    bus.disturb = Some(Box::new(move |_, answer| {
        let recorded = last.replace(answer.clone()).unwrap_or_else(forged);
        [recorded, answer].concat()
    }));
    bus.devices[0].present(CARD);
    bus.run(1_000);
    let events = bus.take();
    assert_eq!(cards(&events), 1, "{events:?}");
    let unproven = events.iter().filter_map(|event| match event {
        Event::Unproven(item) => Some(item.reason),
        _ => None,
    });
    assert!(unproven.clone().all(|reason| reason == malformed));
}

#[test]
fn tamper_power_and_inputs_are_told_when_they_change() {
    let mut bus = Bus::one(Some(KEY));
    bus.devices[0].capabilities = vec![1, 1, 8, 4, 1, 1];
    bus.run(500);
    let events = bus.take();
    assert!(events.contains(&Event::Inputs(vec![false; 8])), "{events:?}");
    for data in [[1, 0], [1, 0], [0, 1]] {
        bus.devices[0].says.push_back((0x48, data.to_vec()));
    }
    bus.devices[0].says.push_back((0x49, vec![0, 1, 0, 0, 0, 0, 0, 0]));
    bus.run(500);
    let status = |tamper, power| Event::Status(osdp::LocalStatus { tamper, power });
    let mut inputs = vec![false; 8];
    inputs[1] = true;
    assert_eq!(
        bus.take(),
        [status(true, false), status(false, true), Event::Inputs(inputs)]
    );
}

#[test]
fn keys_make_a_number_when_it_is_ended() {
    let mut bus = Bus::one(None);
    bus.begin();
    let key = |bus: &mut Bus, keys: &[u8]| {
        let count = u8::try_from(keys.len()).expect("few");
        bus.devices[0].says.push_back((0x53, [&[0, count], keys].concat()));
        bus.run(200);
        bus.take()
    };
    assert!(key(&mut bus, b"12").is_empty());
    assert_eq!(key(&mut bus, b"34#"), [Event::Number(b"1234".to_vec())]);
    bus.panel.settle(0, None, bus.now_ms);
    assert!(key(&mut bus, b"99\x7F").is_empty(), "taken back");
    assert_eq!(key(&mut bus, b"7\r"), [Event::Number(b"7".to_vec())]);
    bus.panel.settle(0, None, bus.now_ms);
    assert!(key(&mut bus, b"55").is_empty());
    bus.run(20_000);
    assert_eq!(
        key(&mut bus, b"6#"),
        [Event::Number(b"6".to_vec())],
        "what was keyed long before is another number"
    );
}

#[test]
fn a_reply_that_cannot_be_read_is_told_and_the_next_is_heard() {
    let mut bus = Bus::one(None);
    bus.begin();
    bus.devices[0].says.push_back((0x50, vec![0, 1, 26, 0, 1]));
    bus.devices[0].present(CARD);
    bus.run(200);
    let events = bus.take();
    assert!(
        matches!(&events[..], [Event::Unreadable(malformed)] if malformed.reason == Reason::Length),
        "{events:?}"
    );
    bus.panel.settle(0, None, bus.now_ms);
    bus.run(200);
    assert_eq!(bus.take(), [card()]);
}

#[test]
fn a_new_key_is_given_through_a_secure_channel_only() {
    let mut bus = Bus::one(None);
    bus.begin();
    assert!(!bus.panel.set_key(0, KEY), "anybody could read it");
    let mut bus = Bus::one(Some(INSTALL_KEY));
    assert!(!bus.panel.set_key(0, KEY), "not before the channel is up");
    bus.begin();
    assert!(bus.panel.set_key(0, KEY));
    bus.run(300);
    assert_eq!(bus.take(), [Event::KeySet]);
    let (code, data) = bus.devices[0].took.last().expect("a command").clone();
    assert_eq!((code, &data[2..]), (0x75, &KEY[..]));
    let in_clear = bus
        .sent
        .iter()
        .any(|bytes| bytes.windows(16).any(|window| window == KEY));
    assert!(!in_clear, "the key must not be readable on the bus");
}

#[test]
fn a_line_that_was_lost_begins_anew() {
    let mut bus = Bus::new(
        vec![Device::new(1, None), Device::new(2, Some(KEY))],
        &[None, Some(KEY)],
    );
    bus.begin();
    bus.devices[0].present(CARD);
    bus.run(100);
    assert_eq!(cards(&bus.take()), 1);
    assert_eq!(bus.panel.lose(), [0, 1]);
    bus.now_ms += 60_000;
    bus.panel.reopen(bus.now_ms);
    bus.run(1_000);
    let ups: Vec<usize> = bus.events.iter().map(|(index, _)| *index).collect();
    assert!(
        ups.contains(&1) && !ups.contains(&0),
        "its reading is not kept yet: {:?}",
        bus.events
    );
    bus.panel.settle(0, None, bus.now_ms);
    bus.run(1_000);
    assert!(
        bus.events
            .iter()
            .any(|(index, event)| *index == 0 && matches!(event, Event::Up { .. }))
    );
}
