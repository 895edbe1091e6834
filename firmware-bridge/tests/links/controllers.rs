//! Access controllers that are called: what they keep arrives once, whatever happens to the stream.

use std::process::Stdio;

use bridge::{Called, Controller, Delivery, Link, LinkEvent, Outcome, ReaderConfig, ReaderTable, run_link};
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta};
use digest_auth::AlgorithmType;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::common::{Host, NOW_MS, soon};
use crate::controller_device::{Device, Manner, PASSWORD, USER};
use crate::zk_clients::python_with;

/// What a right clock in Shanghai shows at [`NOW_MS`].
fn right_time() -> DateTime<FixedOffset> {
    let shanghai = FixedOffset::east_opt(8 * 3_600).expect("an offset");
    DateTime::from_timestamp_millis(NOW_MS)
        .expect("a time")
        .with_timezone(&shanghai)
}

fn at(minutes: i64) -> DateTime<FixedOffset> {
    right_time() - TimeDelta::minutes(minutes)
}

fn reader(device: &Device, more: &str) -> ReaderConfig {
    let table = format!(
        "id = 'door'\nlink = 'isapi:http://{}'\nuser = '{USER}'\npassword = '{PASSWORD}'\n{more}",
        device.address
    );
    let table: ReaderTable = toml::from_str(&table).expect("a table");
    table.check().expect("a good table")
}

fn call(host: &mut Host, config: ReaderConfig) -> JoinHandle<()> {
    host.context.offset_minutes = std::sync::Arc::new(|| 480);
    let context = host.context.clone();
    tokio::spawn(async move { run_link(config, context).await.expect("a link that mends itself") })
}

/// What comes next and is no clock; readings are kept.
async fn next(host: &mut Host) -> LinkEvent {
    loop {
        let Delivery { event, reply } = host.delivery().await;
        if matches!(event, LinkEvent::Clock { .. }) {
            continue;
        }
        drop(reply.map(|reply| reply.send(Outcome::Recorded { id: "1".into() })));
        return event;
    }
}

/// The next reading's badge and number.
async fn swipe(host: &mut Host) -> (String, i64) {
    match next(host).await {
        LinkEvent::Reading { reading, .. } => (reading.key, reading.sequence.expect("a number")),
        other => panic!("no reading: {other:?}"),
    }
}

async fn state(host: &mut Host) -> (bool, String) {
    match next(host).await {
        LinkEvent::State { up, detail, .. } => (up, detail),
        other => panic!("no change of state: {other:?}"),
    }
}

fn kept(name: &str, serial: i64) -> (String, i64) {
    (name.to_owned(), serial)
}

fn searches(device: &Device) -> Vec<String> {
    let asked = device.asked().into_iter();
    asked
        .filter(|(line, _)| line.starts_with("POST"))
        .map(|(_, body)| body)
        .collect()
}

#[tokio::test]
async fn what_a_device_keeps_arrives_before_it_is_up_and_then_every_event() {
    for manner in [
        Manner::default(),
        Manner {
            algorithm: AlgorithmType::SHA2_256,
            nonce_uses: 2,
            ..Manner::default()
        },
        Manner {
            nonce_uses: 3,
            says_stale: false,
            by_serial: false,
            ..Manner::default()
        },
        Manner {
            wants_local_times: true,
            page: 10,
            ..Manner::default()
        },
    ] {
        let device = Device::start(manner, right_time(), 0).await.expect("a free port");
        for minute in 0..65 {
            device.record("0042", at(500 - minute));
        }
        let mut host = Host::new(16);
        let link = call(&mut host, reader(&device, ""));
        for serial in 1..=65 {
            assert_eq!(swipe(&mut host).await, kept("0042", serial), "{manner:?}");
        }
        let (up, detail) = state(&mut host).await;
        assert!(up && detail.contains("65 events that it kept are here"), "{detail}");
        device.lock();
        device.punch("emp-7");
        assert_eq!(swipe(&mut host).await, kept("emp-7", 67), "a lock is nobody's");
        host.context.stop.cancel();
        soon(link).await.expect("it ends");
        assert_eq!(device.refused(), 0, "no proof was wrong: {manner:?}");
    }
}

#[tokio::test]
async fn what_happens_while_nobody_listens_is_asked_for_and_comes_once() {
    let device = Device::start(Manner::default(), right_time(), 0)
        .await
        .expect("a free port");
    device.record("1", at(60));
    let mut host = Host::new(16);
    let link = call(&mut host, reader(&device, ""));
    assert_eq!(swipe(&mut host).await, kept("1", 1));
    assert!(state(&mut host).await.0);
    device.punch("2");
    assert_eq!(swipe(&mut host).await, kept("2", 2));
    device.record("3", device.now());
    device.punch("4");
    assert_eq!(swipe(&mut host).await, kept("4", 4), "told live");
    assert_eq!(
        swipe(&mut host).await,
        kept("3", 3),
        "and what is missing before it is asked for"
    );
    device.record("5", device.now());
    device.cut();
    assert_eq!(
        swipe(&mut host).await,
        kept("5", 5),
        "the stream broke and came again, without a word"
    );
    device.record("6", device.now());
    host.context.nudge("door");
    assert_eq!(swipe(&mut host).await, kept("6", 6), "somebody else saw a gap");
    let asked = searches(&device);
    let by_number = asked.iter().any(|body| body.contains("\"beginSerialNo\":3,"));
    assert!(by_number, "from where something is missing: {asked:?}");
    drop(device);
    let (up, detail) = state(&mut host).await;
    assert!(!up && detail.starts_with("http://127.0.0.1:"), "{detail}");
    host.context.stop.cancel();
    soon(link).await.expect("it ends");
}

#[tokio::test]
async fn a_dahua_device_is_heard_and_asked_in_its_own_words() {
    let device = Device::start(Manner::default(), right_time(), 0)
        .await
        .expect("a free port");
    for minute in 0..3 {
        device.record("448008", at(60 - minute));
    }
    let table = format!(
        "id = 'door'\nlink = 'dahua:{}'\nuser = '{USER}'\npassword = '{PASSWORD}'",
        device.address
    );
    let table: ReaderTable = toml::from_str(&table).expect("a table");
    let mut host = Host::new(16);
    let _link = call(&mut host, table.check().expect("a good table"));
    for serial in 1..=3 {
        assert_eq!(swipe(&mut host).await, kept("448008", serial));
    }
    let (up, detail) = state(&mut host).await;
    assert!(up && detail.contains("3 events that it kept are here"), "{detail}");
    device.punch("7");
    let LinkEvent::Reading { dedup_source: live, .. } = next(&mut host).await else {
        panic!("no reading")
    };
    device.record("8", device.now());
    device.cut();
    let LinkEvent::Reading {
        dedup_source: found, ..
    } = next(&mut host).await
    else {
        panic!("no reading")
    };
    assert_eq!(live, found, "its record is the same event, and counts once");
    assert_eq!(
        swipe(&mut host).await,
        kept("8", 5),
        "what nobody heard is found in its history"
    );
}

#[tokio::test]
async fn a_record_that_is_not_kept_comes_again_and_after_a_restart_only_what_is_new() {
    let device = Device::start(Manner::default(), right_time(), 0)
        .await
        .expect("a free port");
    device.record("1", at(60));
    device.record("2", at(30));
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = Host::new(16);
    host.context.state_directory = Some(folder.path().to_owned());
    let link = call(&mut host, reader(&device, ""));
    loop {
        let Delivery { event, reply } = host.delivery().await;
        if matches!(event, LinkEvent::Reading { .. }) {
            drop(reply);
            break;
        }
    }
    loop {
        let event = next(&mut host).await;
        if matches!(&event, LinkEvent::State { up: false, detail, .. } if detail.contains("not kept")) {
            break;
        }
    }
    assert_eq!(swipe(&mut host).await, kept("1", 1));
    assert_eq!(swipe(&mut host).await, kept("2", 2));
    assert!(state(&mut host).await.0);
    host.context.stop.cancel();
    soon(link).await.expect("it ends");

    device.record("3", at(5));
    let mut host = Host::new(16);
    host.context.state_directory = Some(folder.path().to_owned());
    let _link = call(&mut host, reader(&device, ""));
    assert_eq!(
        swipe(&mut host).await,
        kept("3", 3),
        "what came before is not asked for again"
    );
    assert_eq!(
        swipe(&mut host).await,
        kept("2", 2),
        "but what was told a short time before"
    );
    assert!(state(&mut host).await.0);
    device.reset();
    device.punch("9");
    assert_eq!(swipe(&mut host).await, kept("9", 1), "its numbers began anew");
}

#[tokio::test]
async fn a_device_without_a_stream_is_asked_and_one_without_a_history_is_heard() {
    let device = Device::start(
        Manner {
            streams: false,
            ..Manner::default()
        },
        right_time(),
        0,
    )
    .await
    .expect("a free port");
    device.record("1", at(60));
    let mut host = Host::new(16);
    let _link = call(&mut host, reader(&device, ""));
    assert_eq!(swipe(&mut host).await, kept("1", 1));
    let (up, detail) = state(&mut host).await;
    assert!(
        up && detail.contains("streams nothing and is asked every 10 s"),
        "{detail}"
    );
    device.record("2", at(0));
    host.context.nudge("door");
    assert_eq!(swipe(&mut host).await, kept("2", 2));

    let device = Device::start(
        Manner {
            has_history: false,
            ..Manner::default()
        },
        right_time(),
        0,
    )
    .await
    .expect("a free port");
    let mut host = Host::new(16);
    let _link = call(&mut host, reader(&device, ""));
    let (up, detail) = state(&mut host).await;
    assert!(up && detail.contains("it gives no history"), "{detail}");
    device.punch("3");
    assert_eq!(swipe(&mut host).await, kept("3", 1));

    let device = Device::start(
        Manner {
            has_history: false,
            streams: false,
            ..Manner::default()
        },
        right_time(),
        0,
    )
    .await
    .expect("a free port");
    let mut host = Host::new(16);
    let _link = call(&mut host, reader(&device, ""));
    let (up, detail) = state(&mut host).await;
    assert!(
        !up && detail.contains("404 Not Found to its event stream, and gives no history"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_said() {
    let device = Device::start(Manner::default(), right_time(), 0)
        .await
        .expect("a free port");
    let mut config = reader(&device, "");
    let other = format!(
        "id = 'door'\nlink = 'isapi:http://{}'\nuser = '{USER}'\npassword = 'another'",
        device.address
    );
    let table: ReaderTable = toml::from_str(&other).expect("a table");
    config.link = table.check().expect("a good table").link;
    let mut host = Host::new(16);
    let link = call(&mut host, config);
    let (up, detail) = state(&mut host).await;
    assert!(
        !up && detail.contains("it refuses the user `rollcall`: correct user and password; tried again in 30 minutes"),
        "{detail}"
    );
    assert_eq!(device.refused(), 1);
    host.context.stop.cancel();
    soon(link).await.expect("it ends without waiting");
    assert_eq!(device.refused(), 1, "a device locks out whom it takes for a burglar");
}

#[tokio::test]
async fn a_clock_is_measured_and_set_where_that_is_wanted() {
    let ahead = right_time() + TimeDelta::minutes(5);
    let device = Device::start(Manner::default(), ahead, 0).await.expect("a free port");
    let mut host = Host::new(16);
    let _link = call(&mut host, reader(&device, "set_clock = true"));
    let mut measured = Vec::new();
    while measured.len() < 2 {
        if let LinkEvent::Clock { ahead_ms, .. } = host.delivery().await.event {
            measured.push(ahead_ms);
        }
    }
    assert!((measured[0] - 300_000).abs() < 5_000, "{measured:?}");
    assert_eq!(measured[1], 0);
    let shown = device.now().to_rfc3339_opts(SecondsFormat::Secs, true);
    assert!((device.now() - right_time()).num_seconds().abs() < 5, "{shown}");
}

#[tokio::test]
async fn proofs_are_right_in_the_eyes_of_others() {
    let python = tokio::task::spawn_blocking(|| python_with("httpbin", "httpbin==0.10.2", "httpbin"));
    let python = python.await.expect("httpbin");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/httpbin_digest.py");
    for algorithm in ["MD5", "SHA-256"] {
        let mut peer = Command::new(&python)
            .args([script, algorithm, USER, PASSWORD])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the peer starts");
        let mut said = BufReader::new(peer.stdout.take().expect("a way out")).lines();
        let port = soon(said.next_line()).await.expect("it speaks").expect("a port");
        let table = format!("id = 'door'\nlink = 'isapi:127.0.0.1:{port}'\nuser = '{USER}'\npassword = '{PASSWORD}'");
        let table: ReaderTable = toml::from_str(&table).expect("a table");
        let mut host = Host::new(16);
        let _link = call(&mut host, table.check().expect("a good table"));
        let first = host.delivery().await.event;
        assert!(matches!(first, LinkEvent::Clock { .. }), "{algorithm}: {first:?}");
    }
}

#[test]
fn who_is_called_can_be_shown_without_the_password() {
    let called = |link: &str| {
        let table = format!("id = 'door'\nlink = '{link}'\nuser = 'u'\npassword = 'secret'");
        let table: ReaderTable = toml::from_str(&table).expect("a table");
        match table.check().expect("a good table").link {
            Link::Controller(Controller {
                called: Some(called), ..
            }) => called,
            other => panic!("{other:?}"),
        }
    };
    let shown = |called: Called| called.to_string();
    assert_eq!(shown(called("isapi:10.0.0.7")), "http://10.0.0.7:80");
    assert_eq!(
        shown(called("isapi:https://[2001:db8::7]:8443")),
        "https://[2001:db8::7]:8443"
    );
}
