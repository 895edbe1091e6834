//! libosdp as a reader: a device that other people wrote, over a pseudo-terminal and over TCP, in plain and through a secure channel.
//!
//! It is a Python package of its own process, installed into the build directory once; where that is not possible the test fails and
//! says what is missing.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bridge::osdp::{Line, OsdpLine, SecureChannelKey, discover, provision};
use bridge::{LinkEvent, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::common::{Host, soon};
use crate::osdp::{bus_reader, start};
use crate::zk_clients::python_with;

const KEY: &str = "00112233445566778899aabbccddeeff";
/// 26 bits: facility 1, card 63092.
const CARD: &str = "80fb3a40";

/// A device, and the way to it.
struct Peer {
    child: Child,
    stdin: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Peer {
    async fn start(kind: &str, place: &str, address: u8, key: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/osdp_device.py");
        let mut child = Command::new(python_with("libosdp", "libosdp==3.2.9", "osdp"))
            .arg(script)
            .args([kind, place, &address.to_string(), key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python runs");
        let stdin = child.stdin.take().expect("piped");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut peer = Self {
            child,
            stdin,
            said,
            port: 0,
        };
        peer.port = peer.says().await["ready"].as_u64().expect("a port");
        peer
    }

    async fn tcp(port: u64, key: &str) -> Self {
        Self::start("tcp", &port.to_string(), 101, key).await
    }

    fn line(&self) -> OsdpLine {
        OsdpLine::Tcp(format!("127.0.0.1:{}", self.port))
    }

    /// The next thing that it says.
    async fn says(&mut self) -> Value {
        let line = soon(self.said.next_line())
            .await
            .expect("readable")
            .expect("it still runs");
        serde_json::from_str(&line).expect("JSON")
    }

    /// The next command of a kind that it is told.
    async fn is_told(&mut self, kind: &str) -> Value {
        loop {
            let said = self.says().await;
            if said["told"] == kind {
                return said;
            }
        }
    }

    async fn does(&mut self, event: Value) {
        let line = format!("{event}\n");
        self.stdin.write_all(line.as_bytes()).await.expect("it still runs");
    }

    async fn present(&mut self, card: &str) {
        self.does(json!({"event": "card", "bits": 26, "data": card})).await;
    }

    async fn end(mut self) {
        self.child.kill().await.expect("ours");
    }
}

/// The next state that is `up` or not, whatever comes before it.
async fn state(host: &mut Host, wanted: bool) -> String {
    loop {
        if let LinkEvent::State { up, detail, .. } = host.delivery().await.event
            && up == wanted
        {
            return detail;
        }
    }
}

/// The next reading's key, answered.
async fn answered(host: &mut Host, outcome: Outcome) -> String {
    loop {
        let delivery = host.delivery().await;
        if let LinkEvent::Reading { reading, .. } = delivery.event {
            delivery
                .reply
                .expect("it waits")
                .send(outcome)
                .expect("the bus is there");
            return reading.key;
        }
    }
}

fn kept() -> Outcome {
    Outcome::Recorded { id: "swipe".into() }
}

#[tokio::test]
async fn libosdp_in_plain_on_a_terminal_is_heard_shown_lost_and_heard_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("bus");
    let place = link.to_str().expect("text").to_owned();
    let mut peer = Peer::start("pty", &place, 5, "plain").await;
    let mut host = Host::new(8);
    let bus = start(&host, OsdpLine::Serial(link), vec![bus_reader(5, None, false)]);
    assert!(state(&mut host, true).await.ends_with("in plain"));
    peer.present(CARD).await;
    assert_eq!(answered(&mut host, kept()).await, "1-63092");
    let light = peer.is_told("led").await;
    assert_eq!(light["on_color"], 2, "green: {light}");
    assert_eq!(peer.is_told("text").await["data"], "RECORDED");
    peer.present(CARD).await;
    answered(&mut host, Outcome::Unassigned { id: "swipe".into() }).await;
    assert_eq!(peer.is_told("led").await["on_color"], 3, "amber");

    peer.end().await;
    assert!(state(&mut host, false).await.contains("is lost"));
    let mut peer = Peer::start("pty", &place, 5, "plain").await;
    state(&mut host, true).await;
    peer.present(CARD).await;
    assert_eq!(answered(&mut host, kept()).await, "1-63092");
    bus.stop().await;
}

#[tokio::test]
async fn libosdp_through_a_secure_channel_is_heard_and_its_alarms_are_told() {
    let mut peer = Peer::tcp(0, KEY).await;
    let mut host = Host::new(8);
    let bus = start(&host, peer.line(), vec![bus_reader(101, Some(KEY), true)]);
    assert!(state(&mut host, true).await.ends_with("secure channel"));
    peer.present(CARD).await;
    assert_eq!(answered(&mut host, kept()).await, "1-63092");
    let quarantined = Outcome::Quarantined {
        id: "swipe".into(),
        reason: "clock".into(),
    };
    peer.does(json!({"event": "keys", "keys": "4711#"})).await;
    assert_eq!(answered(&mut host, quarantined).await, "4711");
    let red = loop {
        let light = peer.is_told("led").await;
        if light["on_color"] == 1 {
            break light;
        }
    };
    assert_eq!(red["told"], "led");
    peer.does(json!({"event": "local", "tamper": 1, "power": 0})).await;
    assert!(state(&mut host, true).await.contains("ALARM: it is open or was moved"));
    peer.does(json!({"event": "local", "tamper": 0, "power": 0})).await;
    assert!(state(&mut host, true).await.ends_with("secure channel"));

    // Switched off and on: the connection is gone, then the channel.
    let port = peer.port;
    peer.end().await;
    state(&mut host, false).await;
    let mut peer = Peer::tcp(port, KEY).await;
    assert!(state(&mut host, true).await.ends_with("secure channel"));
    peer.present(CARD).await;
    assert_eq!(answered(&mut host, kept()).await, "1-63092");
    bus.stop().await;
}

#[tokio::test]
async fn libosdp_with_another_key_is_not_heard() {
    let peer = Peer::tcp(0, "ffeeddccbbaa99887766554433221100").await;
    let mut host = Host::new(8);
    let bus = start(&host, peer.line(), vec![bus_reader(101, Some(KEY), false)]);
    let why = state(&mut host, false).await;
    assert!(
        why.contains("another key") || why.contains("refuses the secure channel"),
        "{why}"
    );
    bus.stop().await;
}

#[tokio::test]
async fn libosdp_in_install_mode_is_found_given_a_key_and_then_heard_with_it_only() {
    let peer = Peer::tcp(0, "install").await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("door.key");
    let (line, key_file) = (peer.line(), file.clone());
    let (found, again) = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        let mut open = Line::open(&line, 9_600).expect("a device");
        discover(&mut open, 115_200, 99..=102, |one| found.push(one)).expect("a line");
        provision(&mut open, 9_600, 101, &key_file, Duration::from_secs(20)).expect("a key");
        let first = std::fs::read_to_string(&key_file).expect("a key file");
        // Its key is replaced under its present one.
        provision(&mut open, 9_600, 101, &key_file, Duration::from_secs(20)).expect("another key");
        (found, first)
    })
    .await
    .expect("no panic");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].address, found[0].secure_channel), (101, Some(true)));
    let text = std::fs::read_to_string(&file).expect("a key file");
    assert_ne!(text, again, "a key of its own each time");
    assert!(SecureChannelKey::parse(&text).is_ok());
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().expect("there").permissions());
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "nothing is left beside it"
    );

    let mut host = Host::new(8);
    let bus = start(&host, peer.line(), vec![bus_reader(101, Some(text.trim()), false)]);
    assert!(state(&mut host, true).await.ends_with("secure channel"));
    bus.stop().await;
}
