//! A bus on a bad line: with a device of our own, for what libosdp cannot do.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge::osdp::{OsdpBus, OsdpLine, OsdpReader, SecureChannelKey, check_buses};
use bridge::{Link, LinkEvent, Outcome, ReaderConfig, run_osdp_bus};
use tokio::task::JoinHandle;
use wire::{Format, Reason};

use crate::common::{Host, reader, soon};
use crate::device::Device;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
/// 26 bits: facility 1, card 63092.
const CARD: [u8; 4] = [0x80, 0xFB, 0x3A, 0x40];

/// A bus that runs.
pub struct Running {
    stop: tokio_util::sync::CancellationToken,
    bus: JoinHandle<Result<(), bridge::LinkError>>,
}

impl Running {
    /// Ends it as its host would.
    pub async fn stop(self) {
        self.stop.cancel();
        soon(self.bus).await.expect("no panic").expect("a good end");
    }
}

/// A reader on `bus1`, called `gate`.
pub fn bus_reader(address: u8, key: Option<&str>, keypad: bool) -> ReaderConfig {
    let osdp = OsdpReader {
        bus: "bus1".into(),
        address,
        key: key.map(|key| SecureChannelKey::parse(key).expect("a key")),
        keypad,
    };
    reader(Link::Osdp(osdp), Format::WiegandBits)
}

/// Runs a bus for a host.
pub fn start(host: &Host, line: OsdpLine, readers: Vec<ReaderConfig>) -> Running {
    let bus = OsdpBus {
        id: "bus1".into(),
        line,
        baud: 9_600,
    };
    Running {
        stop: host.context.stop.clone(),
        bus: tokio::spawn(run_osdp_bus(bus, readers, host.context.clone())),
    }
}

/// What a line does to the bytes that come back.
type Disturb = Box<dyn FnMut(&[u8], Vec<u8>) -> Vec<u8> + Send>;

/// A serial server with devices behind it.
#[derive(Clone)]
struct Server(Arc<Mutex<Behind>>);

struct Behind {
    devices: Vec<Device>,
    disturb: Disturb,
    peer: Option<TcpStream>,
    heard: VecDeque<Vec<u8>>,
}

impl Server {
    fn start(devices: Vec<Device>) -> (Self, OsdpLine) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let server = Self(Arc::new(Mutex::new(Behind {
            devices,
            disturb: Box::new(|_, answer| answer),
            peer: None,
            heard: VecDeque::new(),
        })));
        let shared = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                shared.behind().peer = stream.try_clone().ok();
                // However a connection ends, the next one is taken.
                let _: Result<(), std::io::Error> = shared.serve(stream);
                shared.behind().peer = None;
            }
        });
        (server, OsdpLine::Tcp(address))
    }

    fn behind(&self) -> MutexGuard<'_, Behind> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut bytes = [0; 2_048];
        loop {
            // A panel sends a whole frame at once, and waits for its answer.
            let length = stream.read(&mut bytes)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let command = &bytes[..length];
            let answer = {
                let mut behind = self.behind();
                let answer = behind
                    .devices
                    .iter_mut()
                    .flat_map(|device| device.hear(command))
                    .collect();
                behind.heard.push_back(command.to_vec());
                (behind.disturb)(command, answer)
            };
            stream.write_all(&answer)?;
        }
    }

    /// Waits until whatever the panel said has been heard and the connection is over.
    async fn hung_up(&self) {
        let connected = async {
            while self.behind().peer.is_some() {
                tokio::task::yield_now().await;
            }
        };
        soon(connected).await;
    }

    fn cut(&self) {
        let peer = self.behind().peer.take().expect("a connection");
        peer.shutdown(std::net::Shutdown::Both).expect("open");
    }
}

async fn up(host: &mut Host) -> String {
    loop {
        if let LinkEvent::State { up: true, detail, .. } = host.delivery().await.event {
            return detail;
        }
    }
}

/// Answers for the next reading, and says what made it different from others.
async fn keep(host: &mut Host) -> String {
    loop {
        let delivery = host.delivery().await;
        if let LinkEvent::Reading {
            reading, dedup_source, ..
        } = delivery.event
        {
            assert_eq!(reading.key, "1-63092");
            let outcome = Outcome::Recorded { id: "swipe".into() };
            delivery
                .reply
                .expect("it waits")
                .send(outcome)
                .expect("the bus is there");
            return dedup_source;
        }
    }
}

#[tokio::test]
async fn several_readers_on_a_noisy_line_with_echoes_are_each_heard_once() {
    let key: [u8; 16] = std::array::from_fn(|index| u8::try_from(index).expect("small"));
    let (server, line) = Server::start(vec![Device::new(1, None), Device::new(2, Some(key))]);
    let mut turn = 0_u8;
    server.behind().disturb = Box::new(move |command, answer| {
        turn = turn.wrapping_add(1);
        match turn % 5 {
            0 => [command, &[0x53, 0x82, 0x40, 0x00], &answer].concat(),
            1 => [&[0x00, 0x53, 0xFF][..], &answer, &answer].concat(),
            2 => Vec::new(),
            _ => [command, &answer].concat(),
        }
    });
    let mut host = Host::new(8);
    let mut second = bus_reader(2, Some(KEY), false);
    second.id = "door".into();
    let bus = start(&host, line, vec![bus_reader(1, None, false), second]);
    up(&mut host).await;
    up(&mut host).await;
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..6_usize {
        server.behind().devices[round % 2].present(CARD);
        assert!(seen.insert(keep(&mut host).await), "each reading is one of its own");
    }
    // Switched off and on; then somebody presents a card.
    server.behind().devices[1].reboot();
    server.behind().devices[1].present(CARD);
    assert!(seen.insert(keep(&mut host).await));
    bus.stop().await;
    assert!(host.deliveries.try_recv().is_err(), "nothing came twice");
}

#[tokio::test]
async fn a_reading_that_was_not_kept_is_handed_over_again_and_no_poll_comes_before_it_is() {
    let (server, line) = Server::start(vec![Device::new(1, None)]);
    let mut host = Host::new(8);
    let bus = start(&host, line, vec![bus_reader(1, None, false)]);
    up(&mut host).await;
    server.behind().devices[0].present(CARD);
    let delivery = host.delivery().await;
    let LinkEvent::Reading { dedup_source, .. } = delivery.event else {
        panic!("no reading: {:?}", delivery.event)
    };
    let polls = server.behind().devices[0].polls;
    // The host could not keep it.
    drop(delivery.reply);
    assert_eq!(
        keep(&mut host).await,
        dedup_source,
        "the same reading under the same name"
    );
    assert_eq!(
        server.behind().devices[0].polls,
        polls,
        "a poll would have made the reader forget it"
    );
    server.behind().devices[0].present(CARD);
    assert_ne!(keep(&mut host).await, dedup_source);
    let took = server.behind().devices[0].took.clone();
    assert!(
        took.iter().any(|(code, data)| *code == 0x69 && data[5] == 2),
        "green: {took:x?}"
    );
    bus.stop().await;
}

#[tokio::test]
async fn a_line_that_is_cut_is_said_to_be_and_a_reading_on_its_way_survives() {
    let (server, line) = Server::start(vec![Device::new(1, None)]);
    let mut host = Host::new(8);
    let bus = start(&host, line, vec![bus_reader(1, None, false)]);
    up(&mut host).await;
    server.behind().devices[0].present(CARD);
    let delivery = host.delivery().await;
    server.cut();
    let lost = host.delivery().await.event;
    let LinkEvent::State { up: false, detail, .. } = &lost else {
        panic!("{lost:?}")
    };
    assert!(detail.contains("is lost"), "{detail}");
    delivery
        .reply
        .expect("it waits")
        .send(Outcome::Recorded { id: "swipe".into() })
        .expect("the bus is there");
    up(&mut host).await;
    server.behind().devices[0].present(CARD);
    keep(&mut host).await;
    bus.stop().await;
}

#[tokio::test]
async fn who_was_secure_is_never_spoken_to_in_plain_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let key: [u8; 16] = std::array::from_fn(|index| u8::try_from(index).expect("small"));
    let (server, line) = Server::start(vec![Device::new(1, Some(key))]);
    let mut host = Host::new(8);
    host.context.state_directory = Some(folder.path().to_owned());
    let bus = start(&host, line.clone(), vec![bus_reader(1, Some(KEY), false)]);
    assert!(up(&mut host).await.ends_with("secure channel"));
    bus.stop().await;
    server.hung_up().await;

    // The key is gone from the configuration.
    server.behind().heard.clear();
    let mut host = Host::new(8);
    host.context.state_directory = Some(folder.path().to_owned());
    let bus = start(&host, line.clone(), vec![bus_reader(1, None, false)]);
    let (is_up, why) = host.state().await;
    assert!(!is_up && why.contains("had a secure channel before"), "{why}");
    bus.stop().await;
    server.hung_up().await;
    assert!(server.behind().heard.is_empty(), "not a word");

    // Somebody in its place says that there is no secure channel.
    server.behind().devices = vec![Device::new(1, None)];
    server.behind().devices[0].present(CARD);
    let mut host = Host::new(8);
    let bus = start(&host, line, vec![bus_reader(1, Some(KEY), false)]);
    let (is_up, why) = host.state().await;
    assert!(!is_up && why.contains("refuses the secure channel"), "{why}");
    assert_eq!(server.behind().devices[0].polls, 0);
    bus.stop().await;
}

#[tokio::test]
async fn a_card_that_cannot_be_read_is_kept_as_malformed_and_nobody_there_is_said_so() {
    let (server, line) = Server::start(vec![Device::new(1, None)]);
    let mut host = Host::new(8);
    let mut absent = bus_reader(9, None, false);
    absent.id = "absent".into();
    let bus = start(&host, line, vec![bus_reader(1, None, false), absent]);
    server.behind().devices[0].present([0; 4]);
    let (mut reason, mut silent) = (None, None);
    while reason.is_none() || silent.is_none() {
        let delivery = host.delivery().await;
        match delivery.event {
            LinkEvent::Malformed { malformed, reader, .. } if reader == "gate" => {
                reason = Some(malformed.reason);
                let outcome = Outcome::Refused {
                    reason: "parity".into(),
                };
                delivery
                    .reply
                    .expect("it waits")
                    .send(outcome)
                    .expect("the bus is there");
            }
            LinkEvent::State {
                up: false,
                reader,
                detail,
                ..
            } if reader == "absent" => silent = Some(detail),
            _ => {}
        }
    }
    assert_eq!(reason, Some(Reason::Parity));
    assert!(silent.is_some_and(|detail| detail.contains("no answer from address 9")));
    bus.stop().await;
}

#[test]
fn buses_and_readers_must_fit() {
    let bus = |id: &str, link: &str| OsdpBus {
        id: id.into(),
        line: OsdpLine::parse(link).expect("a line"),
        baud: 9_600,
    };
    let one = [bus("bus1", "tcp:a:1")];
    assert!(check_buses(&one, &[bus_reader(1, None, false)]).is_ok());
    for (buses, readers, expected) in [
        (vec![], vec![bus_reader(1, None, false)], "there is no [[osdp_bus]]"),
        (
            one.to_vec(),
            vec![bus_reader(1, None, false), bus_reader(1, None, false)],
            "both have address 1",
        ),
        (
            vec![bus("bus1", "tcp:a:1"), bus("bus1", "tcp:b:1")],
            vec![],
            "it is there twice",
        ),
        (
            vec![bus("bus1", "tcp:a:1"), bus("bus2", "tcp:a:1")],
            vec![],
            "on the same line",
        ),
    ] {
        let error = check_buses(&buses, &readers).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
