//! Terminals that are called: what they hold arrives once, whatever happens to the connection.

use crate::common::{Host, NOW_MS, reader, soon};
use crate::terminal::Terminal;
use bridge::{Delivery, Link, LinkEvent, Outcome, ReaderConfig, run_link};
use chrono::NaiveDateTime;
use tokio::task::JoinHandle;
use wire::zk::command;
use wire::{Format, Reason};

/// What a right clock in Shanghai shows at [`NOW_MS`].
fn right_time() -> NaiveDateTime {
    chrono::DateTime::from_timestamp_millis(NOW_MS + 8 * 3_600_000)
        .expect("a time")
        .naive_utc()
}

fn at(minutes: i64) -> NaiveDateTime {
    right_time() - chrono::TimeDelta::minutes(minutes)
}

fn call(host: &mut Host, config: ReaderConfig) -> JoinHandle<()> {
    host.context.offset_minutes = std::sync::Arc::new(|| 480);
    let context = host.context.clone();
    tokio::spawn(async move { run_link(config, context).await.expect("a link that mends itself") })
}

fn by(link: fn(String) -> Link, terminal: &Terminal) -> ReaderConfig {
    reader(link(terminal.address.to_string()), Format::Adms)
}

/// The next record is kept; its name.
async fn keep(host: &mut Host) -> String {
    loop {
        let Delivery { event, reply } = host.delivery().await;
        if let LinkEvent::Reading { dedup_source, .. } = event {
            let kept = Outcome::Recorded { id: "1".into() };
            reply
                .expect("a terminal that waits")
                .send(kept)
                .expect("it still waits");
            return dedup_source;
        }
    }
}

/// The next change of state, records before it kept.
async fn state(host: &mut Host) -> (bool, String) {
    loop {
        let Delivery { event, reply } = host.delivery().await;
        match event {
            LinkEvent::State { up, detail, .. } => return (up, detail),
            _ => drop(reply.map(|reply| reply.send(Outcome::Recorded { id: "1".into() }))),
        }
    }
}

async fn clock(host: &mut Host) -> i64 {
    match host.delivery().await.event {
        LinkEvent::Clock { ahead_ms, .. } => ahead_ms,
        other => panic!("no clock: {other:?}"),
    }
}

#[tokio::test]
async fn what_a_terminal_holds_arrives_before_it_is_up_and_then_every_punch() {
    for (link, records) in [
        (Link::Zk as fn(String) -> Link, 3),
        (Link::ZkUdp, 3),
        (Link::Zk, 2_000),
        (Link::ZkUdp, 2_000),
    ] {
        let terminal = Terminal::start(0, right_time(), 0).await.expect("a free port");
        for minute in 0..records {
            terminal.record("0042", at(5_000 - minute), 1, 0);
        }
        let mut host = Host::new(16);
        let link = call(&mut host, by(link, &terminal));
        assert!(clock(&mut host).await.abs() < 2_000, "the clock is right");
        for minute in 0..records {
            assert_eq!(
                keep(&mut host).await,
                format!("0042|{}|0|1|0", at(5_000 - minute).format("%F %T"))
            );
        }
        let (up, detail) = state(&mut host).await;
        assert!(up && detail.contains(&format!("{records} records")), "{detail}");
        let backlog = host.notes.iter().filter_map(|note| match note {
            bridge::Note::Backlog { records } => Some(*records),
            _ => None,
        });
        let backlog: Vec<u64> = backlog.collect();
        assert_eq!(
            (backlog.first(), backlog.last()),
            (Some(&records.cast_unsigned()), Some(&0))
        );
        assert!(terminal.is_enabled(), "people can use it again");
        terminal.punch("emp-7", 15, 1);
        let name = keep(&mut host).await;
        assert!(name.starts_with("emp-7|") && name.ends_with("|1|15|0"), "{name}");
        host.context.stop.cancel();
        soon(link).await.expect("it ends");
        let asked = terminal.asked();
        assert_eq!(&asked[asked.len() - 2..], [command::ENABLE, command::EXIT]);
        assert_eq!(asked.iter().filter(|request| **request == command::DISABLE).count(), 1);
    }
}

#[tokio::test]
async fn a_record_that_is_not_kept_comes_again_and_one_that_is_does_not() {
    let terminal = Terminal::start(0, right_time(), 0).await.expect("a free port");
    terminal.record("1001", at(60), 1, 0);
    let mut host = Host::new(16);
    let _link = call(&mut host, by(Link::Zk, &terminal));
    clock(&mut host).await;
    let first = host.delivery().await;
    let LinkEvent::Reading { dedup_source, .. } = first.event else {
        panic!("no record")
    };
    drop(first.reply);
    let (up, why) = state(&mut host).await;
    assert!(!up && why.contains("not kept"), "{why}");
    assert_eq!(keep(&mut host).await, dedup_source, "it is read again");
    assert!(state(&mut host).await.0);

    terminal.record("1001", at(30), 1, 1);
    terminal.cut();
    assert!(!state(&mut host).await.0);
    assert!(keep(&mut host).await.ends_with("|1|1|0"), "only what is new");
    assert!(state(&mut host).await.0);
    terminal.empty();
    terminal.record("0042", at(10), 1, 0);
    terminal.record("0042", at(9), 1, 1);
    terminal.cut();
    assert!(!state(&mut host).await.0);
    assert!(
        keep(&mut host).await.starts_with("0042|"),
        "a terminal that was emptied begins anew"
    );
    assert!(keep(&mut host).await.ends_with("|1|1|0"));
    assert!(state(&mut host).await.0);
}

#[tokio::test]
async fn a_key_is_said_and_a_wrong_one_is_named() {
    let terminal = Terminal::start(1_234, right_time(), 0).await.expect("a free port");
    for (key, wrong) in [(Some("1234"), false), (Some("1235"), true), (None, true)] {
        let mut table: bridge::ReaderTable =
            toml::from_str(&format!("id = 'gate'\nlink = 'zk:{}'", terminal.address)).expect("a table");
        table.comm_key = key.map(str::to_owned);
        let mut host = Host::new(16);
        let _link = call(&mut host, table.check().expect("a good table"));
        let (up, detail) = state(&mut host).await;
        assert_eq!(up, !wrong, "{detail}");
        assert!(up || detail.contains("comm_key"), "{detail}");
        host.context.stop.cancel();
    }
}

#[tokio::test]
async fn a_wrong_clock_is_measured_and_set_only_where_that_is_wanted() {
    for set_clock in [false, true] {
        let terminal = Terminal::start(0, at(90), 0).await.expect("a free port");
        let mut host = Host::new(16);
        let config = ReaderConfig {
            set_clock,
            ..by(Link::Zk, &terminal)
        };
        let _link = call(&mut host, config);
        let behind = clock(&mut host).await;
        assert!((-5_401_000..=-5_390_000).contains(&behind), "{behind}");
        if set_clock {
            assert_eq!(clock(&mut host).await, 0);
        }
        assert!(state(&mut host).await.0);
        assert_eq!((terminal.clock() - right_time()).num_minutes() == 0, set_clock);
    }
}

#[tokio::test]
async fn old_firmware_lost_datagrams_and_records_of_no_time_are_lived_with() {
    let terminal = Terminal::start(0, right_time(), 0).await.expect("a free port");
    terminal.forget_buffers();
    terminal.record("1001", at(60), 1, 0);
    terminal.record("", at(50), 1, 0);
    terminal.record("1001", at(40), 1, 1);
    terminal.lose_replies(2);
    let mut host = Host::new(16);
    host.context.timing.peer_answers = std::time::Duration::from_millis(900);
    let _link = call(&mut host, by(Link::ZkUdp, &terminal));
    clock(&mut host).await;
    assert!(keep(&mut host).await.ends_with("|0|1|0"));
    let Delivery { event, reply } = host.delivery().await;
    let LinkEvent::Malformed { malformed, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(malformed.reason, Reason::EmptyBadge);
    reply
        .expect("a terminal that waits")
        .send(Outcome::Refused { reason: "x".into() })
        .expect("it still waits");
    assert!(keep(&mut host).await.ends_with("|1|1|0"));
    assert!(state(&mut host).await.0);
    let connects = terminal
        .asked()
        .iter()
        .filter(|request| **request == command::CONNECT)
        .count();
    assert_eq!(connects, 3, "asked again where the reply was lost");
}

#[tokio::test]
async fn a_terminal_that_is_not_there_is_said_once_and_found_when_it_comes() {
    let mut host = Host::new(16);
    let gone = Terminal::start(0, right_time(), 0).await.expect("a free port").address;
    let _link = call(&mut host, reader(Link::Zk(gone.to_string()), Format::Adms));
    let (up, detail) = state(&mut host).await;
    assert!(!up && detail.contains(&gone.to_string()), "{detail}");
    let again = async {
        loop {
            match Terminal::start(0, right_time(), gone.port()).await {
                Ok(terminal) => break terminal,
                // The first one is still being switched off.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let _terminal = soon(again).await;
    assert!(state(&mut host).await.0, "and nothing was said in between");
}
