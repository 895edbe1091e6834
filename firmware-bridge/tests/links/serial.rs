//! Serial links over pseudo-terminals: what a cable does, without one.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{Host, reader, soon};
use bridge::{Link, LinkError, run_link};
use serialport::{SerialPort, TTYPort};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use wire::em4100::Tag;
use wire::{Format, Reason};

/// A reader's cable: what is written into `reader_end` arrives at the port that `name` points to, as `/dev/serial/by-id` does.
struct Cable {
    folder: TempDir,
    name: PathBuf,
    reader_end: Option<TTYPort>,
    /// Held, so that the pseudo-terminal lives before and after the link has it open.
    host_end: Option<TTYPort>,
}

impl Cable {
    fn unplugged() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = folder.path().join("usb-reader");
        Self {
            folder,
            name,
            reader_end: None,
            host_end: None,
        }
    }

    fn plugged() -> Self {
        let mut cable = Self::unplugged();
        cable.plug();
        cable
    }

    fn plug(&mut self) {
        let (reader_end, host_end) = TTYPort::pair().expect("a pseudo-terminal");
        let port = host_end.name().expect("a path");
        let fresh = self.folder.path().join("fresh");
        symlink(port, &fresh).expect("a link");
        std::fs::rename(&fresh, &self.name).expect("the name points to the new port at once");
        (self.reader_end, self.host_end) = (Some(reader_end), Some(host_end));
    }

    fn unplug(&mut self) {
        std::fs::remove_file(&self.name).expect("the name was there");
        (self.reader_end, self.host_end) = (None, None);
    }

    fn send(&mut self, bytes: &[u8]) {
        self.reader_end
            .as_mut()
            .expect("plugged")
            .write_all(bytes)
            .expect("the port takes it");
    }
}

fn start(host: &Host, path: &Path, format: Format) -> JoinHandle<Result<(), LinkError>> {
    tokio::spawn(run_link(
        reader(Link::Serial(path.to_owned()), format),
        host.context.clone(),
    ))
}

fn frame(number: u32) -> Vec<u8> {
    Tag::from_number(1, number).emit_rdm6300()
}

#[tokio::test]
async fn frames_arrive_torn_and_between_noise() {
    let (mut host, mut cable) = (Host::new(16), Cable::plugged());
    start(&host, &cable.name, Format::Rdm6300);
    assert!(host.state().await.0);
    let (head, tail) = (frame(6_547_886), frame(7));
    cable.send(&head[..5]);
    cable.send(&head[5..]);
    let (dedup_source, reading) = host.reading().await;
    assert_eq!((dedup_source.as_str(), reading.key.as_str()), ("boot/1", "6547886"));
    cable.send(&[b"\xFFnoise".as_slice(), &tail].concat());
    let noise = host.malformed().await;
    assert_eq!(
        (noise.reason, noise.bytes.as_slice()),
        (Reason::Noise, b"\xFFnoise".as_slice())
    );
    let (dedup_source, reading) = host.reading().await;
    assert_eq!((dedup_source.as_str(), reading.key.as_str()), ("boot/2", "7"));
}

#[tokio::test]
async fn frames_without_marks_end_with_silence() {
    let (mut host, mut cable) = (Host::new(16), Cable::plugged());
    start(&host, &cable.name, Format::Em18);
    assert!(host.state().await.0);
    for number in [1, 2] {
        cable.send(&Tag::from_number(0x45, number).emit_em18());
        assert_eq!(host.reading().await.1.key, number.to_string());
    }
    cable.send(b"4500C");
    assert_eq!(host.malformed().await.reason, Reason::Truncated);
}

#[tokio::test]
async fn a_reader_can_be_unplugged_and_plugged_in_again() {
    let (mut host, mut cable) = (Host::new(16), Cable::plugged());
    start(&host, &cable.name, Format::Rdm6300);
    assert!(host.state().await.0);
    for number in 1..4 {
        cable.send(&frame(number));
        assert_eq!(host.reading().await.1.key, number.to_string());
        cable.send(&frame(number)[..6]);
        cable.unplug();
        // A hang-up throws away what the system had not handed over yet, so half a frame is reported only if it got through.
        let mut event = host.delivery().await.event;
        if let bridge::LinkEvent::Malformed { malformed, .. } = &event {
            assert_eq!(
                (malformed.reason, malformed.bytes.as_slice()),
                (Reason::Truncated, &frame(number)[..6])
            );
            event = host.delivery().await.event;
        }
        assert!(
            matches!(&event, bridge::LinkEvent::State { up: false, .. }),
            "{event:?}"
        );
        cable.plug();
        while !host.state().await.0 {}
    }
    cable.send(&frame(9));
    assert_eq!(host.reading().await.1.key, "9");
}

#[tokio::test]
async fn a_port_that_is_missing_is_said_once_and_opened_when_it_is_there() {
    let (mut host, mut cable) = (Host::new(16), Cable::unplugged());
    start(&host, &cable.name, Format::Rdm6300);
    let (up, detail) = host.state().await;
    assert!(
        !up && detail.contains("does not exist; is the reader plugged in?"),
        "{detail}"
    );
    cable.plug();
    assert!(host.state().await.0, "nothing is said of further attempts");
}

#[tokio::test]
async fn a_port_that_another_program_has_is_refused_clearly() {
    let (mut host, cable) = (Host::new(16), Cable::plugged());
    let port = std::fs::canonicalize(&cable.name).expect("a port");
    let other = serialport::new(port.to_str().expect("UTF-8"), 9_600)
        .open_native()
        .expect("free");
    start(&host, &cable.name, Format::Rdm6300);
    let (up, detail) = host.state().await;
    assert!(!up && detail.contains("is in use by another program"), "{detail}");
    drop(other);
    assert!(host.state().await.0);
}

#[tokio::test]
async fn while_the_queue_is_full_the_port_waits_and_nothing_is_lost() {
    let (mut host, mut cable) = (Host::new(1), Cable::plugged());
    start(&host, &cable.name, Format::Rdm6300);
    for number in 0..100 {
        cable.send(&frame(number + 1));
    }
    assert!(host.state().await.0);
    for number in 0..100 {
        assert_eq!(host.reading().await.1.key, (number + 1).to_string());
    }
}

#[tokio::test]
async fn a_stop_frees_the_port() {
    let (mut host, cable) = (Host::new(16), Cable::plugged());
    let link = start(&host, &cable.name, Format::Rdm6300);
    assert!(host.state().await.0);
    host.context.stop.cancel();
    soon(link).await.expect("no panic").expect("a clean end");
    let port = std::fs::canonicalize(&cable.name).expect("a port");
    serialport::new(port.to_str().expect("UTF-8"), 9_600)
        .open_native()
        .expect("free again");
    assert!(!host.state().await.0);
}

#[tokio::test]
async fn a_link_that_waits_to_open_its_port_again_stops_at_once() {
    let (mut host, cable) = (Host::new(16), Cable::unplugged());
    let hour = Duration::from_hours(1);
    (host.context.timing.first_backoff, host.context.timing.longest_backoff) = (hour, hour);
    let link = start(&host, &cable.name, Format::Rdm6300);
    assert!(!host.state().await.0);
    host.context.stop.cancel();
    soon(link).await.expect("no panic").expect("a clean end");
}

/// A cable that drops, flips and doubles bytes, reproducibly.
struct FlakyLink {
    seed: u64,
    /// Of a thousand bytes, how many are lost.
    drop: u64,
    /// Of a thousand bytes, how many have one bit flipped.
    flip: u64,
    /// Of a thousand bytes, how many arrive twice.
    duplicate: u64,
}

impl FlakyLink {
    /// The next number of a xorshift generator, below `bound`.
    fn draw(&mut self, bound: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % bound
    }

    fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut carried = Vec::new();
        for &byte in bytes {
            let fate = self.draw(1_000);
            let bit = 1 << self.draw(8);
            match fate {
                _ if fate < self.drop => {}
                _ if fate < self.drop + self.flip => carried.push(byte ^ bit),
                _ if fate < self.drop + self.flip + self.duplicate => carried.extend([byte, byte]),
                _ => carried.push(byte),
            }
        }
        carried
    }
}

/// A card in the field is sent every 50 ms, so a bad cable costs repeats and not people.
#[tokio::test]
async fn over_a_bad_cable_every_card_is_read_and_no_other() {
    let (mut host, mut cable) = (Host::new(64), Cable::plugged());
    start(&host, &cable.name, Format::Rdm6300);
    assert!(host.state().await.0);
    let mut flaky = FlakyLink {
        seed: 42,
        drop: 10,
        flip: 10,
        duplicate: 10,
    };
    for number in 1_000_000..1_000_040 {
        let repeats: Vec<u8> = (0..10).flat_map(|_| flaky.carry(&frame(number))).collect();
        cable.send(&repeats);
        // The frame that ends the card's stay is whole, and tells us where to stop reading.
        cable.send(&frame(1));
        let mut read = 0;
        loop {
            match host.delivery().await.event {
                bridge::LinkEvent::Reading { reading, .. } if reading.key == "1" => break,
                bridge::LinkEvent::Reading { reading, .. } => {
                    assert_eq!(reading.key, number.to_string());
                    read += 1;
                }
                bridge::LinkEvent::Malformed { .. } => {}
                other @ (bridge::LinkEvent::State { .. }
                | bridge::LinkEvent::Clock { .. }
                | bridge::LinkEvent::Complete { .. }
                | bridge::LinkEvent::Note { .. }) => panic!("{other:?}"),
            }
        }
        assert!(read > 0, "{number} was read");
    }
}
