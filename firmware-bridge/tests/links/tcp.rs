//! TCP links: what a peer is told, and when.

use std::time::Duration;

use crate::common::{Host, reader, soon};
use bridge::{Delivery, Link, LinkEvent, Outcome, ReaderConfig, run_link, serve_listener};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wire::em4100::Tag;
use wire::{Format, Reason};

/// A listening reader, and where it listens.
async fn listen(host: &mut Host, config: ReaderConfig) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let context = host.context.clone();
    let link = tokio::spawn(async move { serve_listener(&config, listener, &context).await });
    let (up, detail) = host.state().await;
    assert!(up && detail.contains(&address), "{detail}");
    (address, link)
}

fn lines(format: Format) -> ReaderConfig {
    reader(Link::TcpListen(String::new()), format)
}

/// One connection.
struct Peer(BufReader<TcpStream>);

impl Peer {
    async fn connect(address: &str) -> Self {
        Self(BufReader::new(
            soon(TcpStream::connect(address)).await.expect("somebody listens"),
        ))
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.0.write_all(bytes.as_ref())).await.expect("the peer takes it");
    }

    /// The next line; empty at the end of the connection.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        soon(self.0.read_line(&mut line)).await.expect("UTF-8");
        line
    }

    /// Whether nothing has been said to us yet.
    fn heard_nothing(&self) -> bool {
        let nothing = self.0.get_ref().try_read(&mut [0]);
        self.0.buffer().is_empty() && nothing.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Says that a delivery was recorded, as a swipe with the name of its badge.
fn record(delivery: Delivery) {
    let LinkEvent::Reading { reading, .. } = delivery.event else {
        panic!("no reading")
    };
    let outcome = Outcome::Recorded {
        id: format!("swipe-{}", reading.key),
    };
    delivery
        .reply
        .expect("a peer that waits")
        .send(outcome)
        .expect("it still waits");
}

#[tokio::test]
async fn a_record_is_acknowledged_only_when_it_is_kept() {
    let mut host = Host::new(16);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    peer.send("EMP-00").await;
    peer.send("42\r\n").await;
    let delivery = host.delivery().await;
    assert!(peer.heard_nothing(), "nothing is promised before it is kept");
    record(delivery);
    assert_eq!(peer.line().await, "ok swipe-EMP-0042\n");
    let outcomes = [
        (Outcome::Duplicate { id: "a".into() }, "ok a\n"),
        (
            Outcome::Quarantined {
                id: "b".into(),
                reason: "future".into(),
            },
            "ok b\n",
        ),
        (
            Outcome::Refused {
                reason: "closed".into(),
            },
            "err closed\n",
        ),
    ];
    for (outcome, expected) in outcomes {
        peer.send("7\n").await;
        host.delivery()
            .await
            .reply
            .expect("a peer that waits")
            .send(outcome)
            .expect("it still waits");
        assert_eq!(peer.line().await, expected);
    }
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_records() {
    let mut host = Host::new(16);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    peer.send("1\n2\n3\n").await;
    let mut deliveries = Vec::new();
    for _ in 0..3 {
        deliveries.push(host.delivery().await);
    }
    while let Some(delivery) = deliveries.pop() {
        record(delivery);
    }
    for number in 1..=3 {
        assert_eq!(peer.line().await, format!("ok swipe-{number}\n"));
    }
}

#[tokio::test]
async fn a_line_that_is_wrong_is_refused_and_the_next_is_read() {
    let mut host = Host::new(16);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    peer.send(b"7,noon\n\xFF\n8\n").await;
    for (reason, bytes) in [(Reason::BadInstant, &b"7,noon\n"[..]), (Reason::NotUtf8, b"\xFF\n")] {
        let malformed = host.malformed().await;
        assert_eq!((malformed.reason, malformed.bytes.as_slice()), (reason, bytes));
    }
    record(host.delivery().await);
    assert_eq!(peer.line().await, "err bad_instant\n");
    assert_eq!(peer.line().await, "err not_utf8\n");
    assert_eq!(peer.line().await, "ok swipe-8\n");
}

#[tokio::test]
async fn what_is_not_kept_is_to_be_sent_again() {
    let mut host = Host::new(1);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let (mut first, mut second) = (Peer::connect(&address).await, Peer::connect(&address).await);
    first.send("1\n").await;
    soon(async {
        while host.deliveries.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    second.send("2\n").await;
    assert_eq!(second.line().await, "err busy\n", "the queue is full");
    drop(host.delivery().await.reply);
    assert_eq!(first.line().await, "err busy\n", "nobody has said what became of it");
    second.send("2\n").await;
    record(host.delivery().await);
    assert_eq!(second.line().await, "ok swipe-2\n");
}

#[tokio::test]
async fn records_that_come_again_are_known_by_what_they_say() {
    let mut host = Host::new(16);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    for (line, expected) in [
        ("7\n", "boot/1"),
        ("7\n", "boot/2"),
        ("7,2026-01-05T08:00:00+08:00,in\n", "at:7|2026-01-05T00:00:00Z|in|"),
        ("7,2026-01-05T00:00:00Z,in\n", "at:7|2026-01-05T00:00:00Z|in|"),
        ("7,2026-01-05 08:00\n", "at:7|2026-01-05 08:00:00||"),
        ("{\"badge\":\"7\",\"id\":\"r-1\"}\n", "r-1"),
    ] {
        peer.send(line).await;
        assert_eq!(host.reading().await.0, expected);
    }
}

#[tokio::test]
async fn readers_that_must_hear_nothing_hear_nothing_and_wait_while_the_queue_is_full() {
    let mut host = Host::new(1);
    let (address, _link) = listen(&mut host, lines(Format::Rdm6300)).await;
    let mut peer = Peer::connect(&address).await;
    for number in 1..=50 {
        peer.send(Tag::from_number(1, number).emit_rdm6300()).await;
    }
    for number in 1..=50 {
        let delivery = host.delivery().await;
        let LinkEvent::Reading { reading, .. } = delivery.event else {
            panic!("no reading")
        };
        assert_eq!(reading.key, number.to_string());
        assert!(delivery.reply.is_none());
    }
    assert!(peer.heard_nothing());
}

#[tokio::test]
async fn half_a_line_is_given_up_and_a_silent_peer_is_let_go() {
    let mut host = Host::new(16);
    host.context.timing.unfinished_line = Duration::from_millis(20);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    peer.send("EMP-").await;
    assert_eq!(host.malformed().await.bytes, b"EMP-");
    assert_eq!(peer.line().await, "err truncated\n");
    peer.send("7\n").await;
    record(host.delivery().await);
    assert_eq!(peer.line().await, "ok swipe-7\n", "the connection is still good");

    let mut host = Host::new(16);
    host.context.timing.idle_peer = Duration::from_millis(20);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    assert_eq!(Peer::connect(&address).await.line().await, "", "closed");
}

#[tokio::test]
async fn a_connection_that_ends_inside_a_line_leaves_it_for_an_operator() {
    let mut host = Host::new(16);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    peer.send("7\nEMP-").await;
    drop(peer);
    assert_eq!(host.reading().await.1.key, "7");
    let malformed = host.malformed().await;
    assert_eq!(
        (malformed.reason, malformed.bytes.as_slice()),
        (Reason::Truncated, &b"EMP-"[..])
    );
}

#[tokio::test]
async fn peers_beyond_the_bound_are_turned_away() {
    let mut host = Host::new(16);
    let (address, _link) = listen(&mut host, lines(Format::Line)).await;
    let mut peers = Vec::new();
    for _ in 0..bridge::MOST_PEERS {
        peers.push(Peer::connect(&address).await);
    }
    let mut one_too_many = Peer::connect(&address).await;
    assert_eq!(one_too_many.line().await, "err busy\n");
    assert_eq!(one_too_many.line().await, "", "closed");
    peers.last_mut().expect("some").send("7\n").await;
    record(host.delivery().await);
    assert_eq!(peers.last_mut().expect("some").line().await, "ok swipe-7\n");
}

#[tokio::test]
async fn a_stop_takes_no_more_and_answers_what_was_taken() {
    let mut host = Host::new(16);
    let (address, link) = listen(&mut host, lines(Format::Line)).await;
    let mut peer = Peer::connect(&address).await;
    peer.send("7\n").await;
    let delivery = host.delivery().await;
    host.context.stop.cancel();
    record(delivery);
    assert_eq!(peer.line().await, "ok swipe-7\n");
    assert_eq!(peer.line().await, "", "closed");
    soon(link).await.expect("no panic");
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn a_listener_waits_for_its_address() {
    let mut host = Host::new(16);
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    tokio::spawn(run_link(
        reader(Link::TcpListen(address.clone()), Format::Line),
        host.context.clone(),
    ));
    let (up, detail) = host.state().await;
    assert!(
        !up && detail.contains(&format!("cannot listen on {address}")),
        "{detail}"
    );
    drop(taken);
    assert!(host.state().await.0);
}

#[tokio::test]
async fn a_peer_that_we_call_is_called_again() {
    let mut host = Host::new(16);
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = server.local_addr().expect("an address").to_string();
    let link = tokio::spawn(run_link(
        reader(Link::Tcp(address), Format::Rdm6300),
        host.context.clone(),
    ));
    for number in 1..=3 {
        let (mut serial_server, _) = soon(server.accept()).await.expect("it calls");
        assert!(host.state().await.0);
        serial_server
            .write_all(&Tag::from_number(1, number).emit_rdm6300())
            .await
            .expect("it listens");
        assert_eq!(host.reading().await.1.key, number.to_string());
        drop(serial_server);
        assert!(!host.state().await.0);
    }
    let (mut serial_server, _) = soon(server.accept()).await.expect("it calls");
    assert!(host.state().await.0);
    host.context.stop.cancel();
    soon(link).await.expect("no panic").expect("a clean end");
    assert_eq!(soon(serial_server.read(&mut [0])).await.expect("the end"), 0);
}
