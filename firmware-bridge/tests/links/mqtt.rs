//! Readers that publish to mosquitto: what is a reading, when the broker may forget it, and when a reader is not there.

use bridge::{LinkEvent, MqttBroker, MqttBrokerTable, Outcome, ReaderConfig, ReaderTable, run_mqtt_broker};
use tokio::task::JoinHandle;
use wire::Reason;

use crate::common::{Host, soon};
use crate::mosquitto::{ANYBODY, Cable, Mosquitto, certificates, passwords};

fn broker(port: u16, more: &str) -> MqttBroker {
    let table =
        format!("id = 'house'\naddress = '127.0.0.1:{port}'\nclient_id = 'rollcall'\nkeep_alive_seconds = 5\n{more}");
    let table: MqttBrokerTable = toml::from_str(&table).expect("a table");
    table.check().expect("a good table")
}

fn reader(id: &str, rest: &str) -> ReaderConfig {
    let table: ReaderTable = toml::from_str(&format!("id = '{id}'\n{rest}")).expect("a table");
    table.check().expect("a good table")
}

fn gate() -> ReaderConfig {
    reader("gate", "link = 'mqtt:tele/gate/SENSOR'\nformat = 'tasmota'")
}

/// A reader whose messages have no time, and that has no last will.
fn plain() -> ReaderConfig {
    reader("plain", "link = 'mqtt:plain/badge'\nformat = 'line'")
}

fn start(host: &Host, broker: MqttBroker, readers: Vec<ReaderConfig>) -> JoinHandle<()> {
    let context = host.context.clone();
    tokio::spawn(run_mqtt_broker(broker, readers, context))
}

async fn open_broker() -> Mosquitto {
    Mosquitto::start(folder(), ANYBODY).await.expect("a broker")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Publishes as a device.
fn publish(broker: &Mosquitto, topic: &str, payload: &str, options: &[&str]) {
    broker.publish(topic, payload, options).expect("the broker takes it");
}

async fn stop(host: &Host, link: JoinHandle<()>) {
    host.context.stop.cancel();
    soon(link).await.expect("it ends");
}

/// A reading of Tasmota's.
fn tag(time: &str, uid: &str) -> String {
    format!(r#"{{"Time":"{time}","RDM6300":{{"UID":"{uid}"}}}}"#)
}

/// Takes the next event, which must be a reading, and answers that it is kept.
async fn keep(host: &mut Host) -> (String, String) {
    let delivery = host.delivery().await;
    let LinkEvent::Reading {
        dedup_source, reading, ..
    } = delivery.event
    else {
        panic!("no reading: {:?}", delivery.event)
    };
    if let Some(reply) = delivery.reply {
        reply
            .send(Outcome::Recorded { id: "s".into() })
            .expect("somebody waits");
    }
    (reading.key, dedup_source)
}

async fn clock(host: &mut Host) -> i64 {
    match host.delivery().await.event {
        LinkEvent::Clock { ahead_ms, .. } => ahead_ms,
        other => panic!("no clock: {other:?}"),
    }
}

#[tokio::test]
async fn a_reader_is_there_while_its_last_will_says_so() {
    let mosquitto = open_broker().await;
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("2026-01-05T07:00:00", "00000007"),
        &["-r"],
    );
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![gate()]);
    let (up, detail) = host.state().await;
    assert!(!up && detail.contains("tele/gate/LWT says nothing"), "{detail}");

    publish(&mosquitto, "tele/gate/LWT", "Online", &["-r"]);
    let (up, detail) = host.state().await;
    assert!(up && detail.contains("subscribed to tele/gate/SENSOR"), "{detail}");
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("2026-09-21T13:56:40", "0063E9AE"),
        &[],
    );
    // The judging clock of these tests shows 13:56:40.123 UTC, and the site is at UTC.
    assert_eq!(clock(&mut host).await, -123);
    let (key, dedup) = keep(&mut host).await;
    assert_eq!(
        (key.as_str(), dedup.as_str()),
        ("6547886", "at:6547886|2026-09-21 13:56:40||"),
        "the retained one is none"
    );

    publish(&mosquitto, "tele/gate/LWT", "Offline", &["-r"]);
    let (up, detail) = host.state().await;
    assert!(!up && detail.contains("offline, says tele/gate/LWT"), "{detail}");
    // What it says now shows that it is there, whatever its last will says.
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("1970-01-01T00:00:07", "0063E9AE"),
        &[],
    );
    assert!(host.state().await.0);
    assert!(clock(&mut host).await < -1_000_000_000, "a clock that was never set");
    keep(&mut host).await;
    stop(&host, link).await;
}

#[tokio::test]
async fn several_readers_share_a_connection_and_each_has_its_messages() {
    let mosquitto = open_broker().await;
    for gate in ["east", "west"] {
        publish(&mosquitto, &format!("tele/{gate}/LWT"), "Online", &["-r"]);
    }
    let east = reader(
        "east",
        "link = 'mqtt:tele/east/SENSOR'\nformat = 'tasmota'\nsilent_after_seconds = 900",
    );
    let west = reader(
        "west",
        "link = 'mqtt:tele/west/+'\nformat = 'tasmota'\nserial_format = 'rdm6300'",
    );
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![east, west, plain()]);
    let mut up = Vec::new();
    while up.len() < 3 {
        let LinkEvent::State { reader, up: is_up, .. } = host.delivery().await.event else {
            panic!("no state")
        };
        if is_up {
            up.push(reader);
        }
    }
    up.sort();
    assert_eq!(up, ["east", "plain", "west"]);
    let frame = r#"{"SSerialReceived":"\u0002010063E9AE25\u0003\u0002010063E9AE25\u0003"}"#;
    publish(&mosquitto, "tele/west/RESULT", frame, &[]);
    publish(
        &mosquitto,
        "tele/east/SENSOR",
        r#"{"Wiegand":{"UID":7748328,"Size":26}}"#,
        &[],
    );
    publish(&mosquitto, "plain/badge", "EMP-0042", &[]);
    publish(&mosquitto, "plain/badge", &"7".repeat(5_000), &[]);
    for (expected, badge) in [("west", "6547886"), ("east", "7748328"), ("plain", "EMP-0042")] {
        let LinkEvent::Reading { reader, reading, .. } = host.delivery().await.event else {
            panic!("no reading")
        };
        assert_eq!((reader.as_str(), reading.key.as_str()), (expected, badge));
    }
    assert_eq!(host.malformed().await.reason, Reason::TooLong);
    stop(&host, link).await;
}

#[tokio::test]
async fn a_topic_says_whose_a_message_is_whatever_it_says_itself() {
    let mosquitto = open_broker().await;
    let mut host = Host::new(16);
    let link = start(
        &host,
        broker(mosquitto.port, ""),
        vec![reader("own", "link = 'mqtt:own'\nformat = 'json'")],
    );
    assert!(host.state().await.0);
    publish(&mosquitto, "own", r#"{"badge":"7","reader":"vault"}"#, &[]);
    assert_eq!(host.malformed().await.reason, Reason::BadField);
    publish(&mosquitto, "own", r#"{"badge":"7","reader":"own","id":"r1"}"#, &[]);
    assert_eq!(keep(&mut host).await, ("7".to_owned(), "r1".to_owned()));
    stop(&host, link).await;
}

#[tokio::test]
async fn the_broker_forgets_a_message_only_when_it_is_kept() {
    let mosquitto = open_broker().await;
    publish(&mosquitto, "tele/gate/LWT", "Online", &["-r"]);
    let until_up = async |host: &mut Host| while !host.state().await.0 {};

    // Read and not kept: the program is killed.
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![gate()]);
    until_up(&mut host).await;
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("2026-09-21T13:56:40", "0063E9AE"),
        &["-q", "1"],
    );
    clock(&mut host).await;
    let first = host.delivery().await;
    link.abort();
    drop((first, host));

    // It comes again, and so does what was published meanwhile, each with the time that it says.
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("2026-09-21T13:57:00", "0063E9AE"),
        &["-q", "1"],
    );
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![gate()]);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let delivery = host.delivery().await;
        if let LinkEvent::Reading { dedup_source, .. } = delivery.event {
            seen.push(dedup_source);
            delivery
                .reply
                .expect("somebody waits")
                .send(Outcome::Duplicate { id: "s".into() })
                .expect("it waits");
        }
    }
    assert_eq!(
        seen,
        ["at:6547886|2026-09-21 13:56:40||", "at:6547886|2026-09-21 13:57:00||"]
    );
    stop(&host, link).await;

    // Kept: nothing comes any more.
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![gate()]);
    until_up(&mut host).await;
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("2026-09-21T13:58:00", "0063E9AE"),
        &[],
    );
    clock(&mut host).await;
    assert_eq!(keep(&mut host).await.1, "at:6547886|2026-09-21 13:58:00||");
    stop(&host, link).await;
}

#[tokio::test]
async fn what_the_host_does_not_keep_is_handed_over_again() {
    let mosquitto = open_broker().await;
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![plain()]);
    assert!(host.state().await.0);
    publish(&mosquitto, "plain/badge", "7", &["-q", "1"]);
    let dropped = host.delivery().await;
    let LinkEvent::Reading { dedup_source, .. } = &dropped.event else {
        panic!("no reading")
    };
    let expected = dedup_source.clone();
    drop(dropped);
    assert_eq!(keep(&mut host).await, ("7".to_owned(), expected));
    stop(&host, link).await;
}

#[tokio::test]
async fn a_message_that_comes_again_for_want_of_an_acknowledgement_counts_once() {
    let mosquitto = open_broker().await;
    let cable = Cable::to(mosquitto.port).await.expect("a free port");
    let mut host = Host::new(16);
    let link = start(&host, broker(cable.port, ""), vec![plain()]);
    assert!(host.state().await.0);
    publish(&mosquitto, "plain/badge", "7", &["-q", "1"]);
    let held = host.delivery().await;
    cable.cut().await;
    let (up, detail) = host.state().await;
    assert!(!up && detail.contains("ended the connection"), "{detail}");
    assert!(host.state().await.0, "it is connected again");
    held.reply
        .expect("somebody waits")
        .send(Outcome::Recorded { id: "s".into() })
        .expect("it waits");
    // It was there again at once, so what waited meanwhile has a time that is nearly right.
    publish(&mosquitto, "plain/badge", "8", &["-q", "1"]);
    assert_eq!(keep(&mut host).await.0, "8", "and 7 was read once");
    stop(&host, link).await;
}

#[tokio::test]
async fn a_badge_that_waited_at_the_broker_and_has_no_time_is_reported_and_not_dated() {
    let mosquitto = open_broker().await;
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![plain()]);
    assert!(host.state().await.0);
    stop(&host, link).await;

    publish(&mosquitto, "plain/badge", "7", &["-q", "1"]);
    publish(&mosquitto, "plain/badge", "8,2026-09-21T13:00:00Z", &["-q", "1"]);
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![plain()]);
    let mut late = Vec::new();
    while late.len() < 2 {
        let delivery = host.delivery().await;
        late.extend(match &delivery.event {
            LinkEvent::Malformed { malformed, .. } => {
                assert_eq!(
                    (malformed.reason, malformed.bytes.as_slice()),
                    (Reason::Undated, &b"7"[..])
                );
                Some("7")
            }
            LinkEvent::Reading { reading, .. } => (reading.key == "8").then_some("8"),
            _ => None,
        });
        if let Some(reply) = delivery.reply {
            reply.send(Outcome::Recorded { id: "s".into() }).expect("it waits");
        }
    }
    assert_eq!(late, ["7", "8"]);
    // As soon as everything that waited has come, what comes happens when it comes.
    soon(async {
        loop {
            publish(&mosquitto, "plain/badge", "9", &["-q", "1"]);
            let delivery = loop {
                let delivery = host.delivery().await;
                if delivery.reply.is_some() {
                    break delivery;
                }
            };
            delivery
                .reply
                .expect("somebody waits")
                .send(Outcome::Recorded { id: "s".into() })
                .expect("it waits");
            if matches!(&delivery.event, LinkEvent::Reading { reading, .. } if reading.key == "9") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        }
    })
    .await;
    stop(&host, link).await;
}

#[tokio::test]
async fn a_broker_that_is_gone_takes_its_readers_with_it() {
    let mut mosquitto = open_broker().await;
    publish(&mosquitto, "tele/gate/LWT", "Online", &["-r"]);
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![gate(), plain()]);
    let states = async |host: &mut Host, expected: bool| {
        let mut seen = std::collections::BTreeSet::new();
        while seen.len() < 2 {
            if let LinkEvent::State { reader, up, .. } = host.delivery().await.event
                && up == expected
            {
                seen.insert(reader);
            }
        }
    };
    states(&mut host, true).await;
    mosquitto.switch_off().await.expect("it ends");
    states(&mut host, false).await;
    mosquitto.switch_on().await.expect("it starts");
    states(&mut host, true).await;
    publish(&mosquitto, "plain/badge", "7", &[]);
    while let delivery = host.delivery().await
        && !matches!(delivery.event, LinkEvent::Reading { .. })
    {}
    stop(&host, link).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_to_take_does_not_stop_the_others_for_ever() {
    let mosquitto = open_broker().await;
    let mut host = Host::new(16);
    let link = start(&host, broker(mosquitto.port, ""), vec![plain()]);
    assert!(host.state().await.0);
    let large = mosquitto.path("large");
    std::fs::write(&large, "7".repeat(300 * 1024)).expect("room");
    let large = ["-q", "1", "-f", large.to_str().expect("UTF-8")];
    mosquitto
        .publish_with("plain/badge", &large)
        .expect("the broker takes it");
    let (up, detail) = host.state().await;
    assert!(!up && detail.contains("message_size_limit"), "{detail}");
    assert!(host.state().await.0);
    publish(&mosquitto, "plain/badge", "7", &["-q", "1"]);
    assert_eq!(keep(&mut host).await.0, "7");
    stop(&host, link).await;
}

const ACCESS: &str =
    "user rollcall\ntopic read tele/+/SENSOR\ntopic read tele/+/LWT\n\nuser gate\ntopic write tele/gate/#\n";

#[tokio::test]
async fn users_have_passwords_and_rights() {
    let folder = folder();
    passwords(
        &folder.path().join("passwords"),
        &[("rollcall", "sesame"), ("gate", "open")],
    )
    .expect("passwords");
    std::fs::write(folder.path().join("access"), ACCESS).expect("room");
    let lines = "allow_anonymous false\npassword_file {folder}/passwords\nacl_file {folder}/access";
    let mosquitto = Mosquitto::start(folder, lines).await.expect("a broker");
    let as_gate = ["-u", "gate", "-P", "open", "-r"];
    publish(&mosquitto, "tele/gate/LWT", "Online", &as_gate);

    let mut host = Host::new(16);
    let link = start(
        &host,
        broker(mosquitto.port, "user = 'rollcall'\npassword = 'wrong'"),
        vec![gate()],
    );
    let (up, detail) = host.state().await;
    assert!(!up && detail.contains("refuses our user and password"), "{detail}");
    assert!(!detail.contains("wrong"), "{detail}");
    stop(&host, link).await;

    // mosquitto lets anybody subscribe to anything, and then delivers what may be read.
    let mut host = Host::new(16);
    let forbidden = reader("vault", "link = 'mqtt:vault/badge'\nformat = 'line'");
    let broker = broker(mosquitto.port, "user = 'rollcall'\npassword = 'sesame'");
    let link = start(&host, broker, vec![gate(), forbidden]);
    while !matches!(host.delivery().await.event, LinkEvent::State { reader, up: true, .. } if reader == "gate") {}
    publish(&mosquitto, "vault/badge", "7", &as_gate[..4]);
    publish(
        &mosquitto,
        "tele/gate/SENSOR",
        &tag("2026-09-21T13:56:40", "0063E9AE"),
        &as_gate[..4],
    );
    let badge = loop {
        let delivery = host.delivery().await;
        if let LinkEvent::Reading { reading, .. } = delivery.event {
            break reading.key;
        }
    };
    assert_eq!(badge, "6547886");
    stop(&host, link).await;
}

#[tokio::test]
async fn a_broker_shows_its_certificate() {
    let (folder, stranger) = (folder(), folder());
    for folder in [&folder, &stranger] {
        certificates(folder.path()).expect("certificates");
    }
    let lines = format!("{ANYBODY}\ncertfile {{folder}}/broker.pem\nkeyfile {{folder}}/broker.key");
    let mosquitto = Mosquitto::start(folder, &lines).await.expect("a broker");
    let authority = mosquitto.path("ca.pem");
    let said = async |more: String| {
        let mut host = Host::new(16);
        let link = start(&host, broker(mosquitto.port, &more), vec![plain()]);
        let state = host.state().await;
        stop(&host, link).await;
        state
    };
    let (up, detail) = said(format!("ca_file = '{}'", authority.display())).await;
    assert!(up, "{detail}");
    let (up, detail) = said(format!("ca_file = '{}'", stranger.path().join("ca.pem").display())).await;
    assert!(
        !up && detail.contains("must hold the authority that signed it"),
        "{detail}"
    );
    let (up, detail) = said(String::new()).await;
    assert!(!up && detail.contains("speak TLS on this port"), "{detail}");
    let (up, detail) = said(format!("tls = true\nca_file = '{}'", authority.display())).await;
    assert!(up, "{detail}");
}
