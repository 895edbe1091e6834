//! Packets of ZKTeco terminals that are called, as clients and terminals really sent them.

use proptest::prelude::*;
use wire::adms::{RecordRule, StatusRule};
use wire::limits::LONGEST_MALFORMED;
use wire::zk::{
    EVENT_ATTENDANCE, Frames, LONGEST_PACKET, Packet, Sizes, attendance, command, emit, emit_tcp, event, key,
};
use wire::{BadgeKeyRule, HappenedAt, Malformed, Reading, Reason};

use crate::common::{Vector, hex, number, text, vectors};

const RULE: RecordRule = RecordRule {
    badge_key: BadgeKeyRule::Text,
    status: StatusRule::Ignore,
};

fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Vec<u8>, Malformed>> {
    let mut frames = Frames::default();
    let mut items = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = frames.push(rest);
            assert!(taken > 0, "an emptied buffer always takes something");
            rest = &rest[taken..];
            items.extend(std::iter::from_fn(|| frames.next()));
        }
    }
    frames.end();
    items.extend(std::iter::from_fn(|| frames.next()));
    items
}

fn packets() -> Vec<Vector> {
    vectors("zk-4370-tcp")
}

#[test]
fn captured_packets_are_taken_apart_and_put_together() {
    for Vector {
        name, bytes, expected, ..
    } in packets()
    {
        let found = frames([bytes.as_slice()]);
        let packet = found[0].as_ref().expect("a good packet");
        let packet = Packet::new_checked(packet).expect("checked before");
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(
            (u64::from(packet.command()), u64::from(packet.number())),
            (number(&expected, "cmd"), number(&expected, "reply")),
            "{name}"
        );
        assert_eq!(
            format!("{:04x}", packet.session()),
            text(&expected, "session"),
            "{name}"
        );
        assert_eq!(packet.data(), hex(&text(&expected, "data")), "{name}");
        assert_eq!(
            emit_tcp(packet.command(), packet.session(), packet.number(), packet.data()),
            bytes,
            "{name}"
        );
    }
}

#[test]
fn a_key_is_said_as_terminals_want_to_hear_it() {
    let auth = packets()
        .into_iter()
        .find(|vector| vector.expected["key"].is_string())
        .expect("the vector");
    assert_eq!(
        key::mixed(1_234, 0x1F2E, key::TICKS).to_vec(),
        hex(&text(&auth.expected, "key"))
    );
}

#[test]
fn a_record_is_the_same_in_a_block_and_as_an_event() {
    let record = vectors("zk-4370")
        .into_iter()
        .find(|vector| vector.name.contains("40 bytes"))
        .expect("the vector");
    let block = [&40_u32.to_le_bytes(), record.bytes.as_slice()].concat();
    let readings = attendance(&block, 1, RULE);
    let reading = readings[0].as_ref().expect("a good record");
    assert_eq!(reading.key, text(&record.expected, "user"));
    let civil = text(&record.expected, "time");
    assert_eq!(reading.happened_at.expect("a time").to_string(), civil);
    assert_eq!(
        reading.source_id.as_deref(),
        Some("999111333|2018-06-25 17:50:35|0|1|0")
    );
    assert_eq!((readings.len(), reading.raw.as_slice()), (1, record.bytes.as_slice()));

    let realtime = packets()
        .into_iter()
        .find(|vector| vector.name.starts_with("realtime"))
        .expect("the vector");
    let found = frames([realtime.bytes.as_slice()]);
    let packet = Packet::new_checked(found[0].as_ref().expect("a packet")).expect("checked before");
    assert_eq!((packet.command(), packet.session()), (command::EVENT, EVENT_ATTENDANCE));
    let reading = event(packet.data(), RULE).expect("a good event");
    assert_eq!(reading.key, text(&realtime.expected, "user"));
    assert_eq!(
        reading.happened_at.expect("a time").to_string(),
        text(&realtime.expected, "time")
    );
    assert_eq!(
        reading.source_id.as_deref(),
        Some("999111333|2018-06-25 17:41:05|0|1|0")
    );
}

#[test]
fn terminals_of_every_age_are_read() {
    let time = [0x12, 6, 0x19, 0x11, 0x29, 5];
    let pin = |length: usize| {
        let mut pin = b"0042".to_vec();
        pin.resize(length, 0);
        pin
    };
    for (data, key) in [
        ([[7, 0].as_slice(), &[1, 0], &time].concat(), "7"),
        ([[7, 0].as_slice(), &[1, 0], &time, &[0; 4]].concat(), "7"),
        ([[7, 0, 0, 0].as_slice(), &[1, 0], &time].concat(), "7"),
        ([pin(24).as_slice(), &[1, 0], &time].concat(), "0042"),
        ([pin(24).as_slice(), &[1, 0], &time, &[0; 4]].concat(), "0042"),
        ([pin(24).as_slice(), &[1, 0], &time, &[0; 20]].concat(), "0042"),
    ] {
        let reading = event(&data, RULE).expect("a good event");
        assert_eq!((reading.key.as_str(), reading.raw), (key, data));
        assert_eq!(reading.happened_at.expect("a time").to_string(), "2018-06-25 17:41:05");
    }
    assert_eq!(event(&[0; 11], RULE), Err(Reason::Length));
    assert_eq!(event(&[0; 32], RULE), Err(Reason::EmptyBadge));
    assert_eq!(
        event(&[pin(24).as_slice(), &[1, 0, 0, 0, 0, 0, 0, 0]].concat(), RULE),
        Err(Reason::BadInstant)
    );

    let sixteen = [[7, 0, 0, 0].as_slice(), &[0x6B, 0xB3, 0x68, 0x23], &[1, 0], &[0; 6]].concat();
    let eight = [[7, 0].as_slice(), &[1], &[0x6B, 0xB3, 0x68, 0x23], &[0]].concat();
    for (record, width) in [(sixteen, 16_u32), (eight, 8)] {
        // Ten records of 8 bytes are as long as two of 40: the count decides.
        let block = [(width * 10).to_le_bytes().as_slice(), &record.repeat(10)].concat();
        let readings = attendance(&block, 10, RULE);
        assert_eq!(readings.len(), 10);
        for reading in readings {
            assert_eq!(
                reading.expect("a good record").source_id.as_deref(),
                Some("7|2018-06-25 17:50:35|0|1|0")
            );
        }
    }
}

#[test]
fn a_wrong_record_costs_no_other_and_a_wrong_block_is_named() {
    let good = vectors("zk-4370")
        .into_iter()
        .find(|vector| vector.name.contains("40 bytes"))
        .expect("the vector")
        .bytes;
    let mut wrong = good.clone();
    wrong[27..31].copy_from_slice(&(31_u32 * 86_400 + 30 * 86_400).to_le_bytes());
    let block = [120_u32.to_le_bytes().as_slice(), &good, &wrong, &good].concat();
    let reasons = |block: &[u8], count| -> Vec<Result<String, Reason>> {
        let readings = attendance(block, count, RULE).into_iter();
        readings
            .map(|item| item.map(|reading| reading.key).map_err(|malformed| malformed.reason))
            .collect()
    };
    let key = || Ok("999111333".to_owned());
    assert_eq!(reasons(&block, 3), [key(), Err(Reason::BadInstant), key()]);
    assert_eq!(
        reasons(&block, 2),
        [key(), Err(Reason::BadInstant), key()],
        "somebody punched between count and block"
    );
    assert_eq!(reasons(&block[..50], 3), [Err(Reason::Truncated)]);
    assert_eq!(reasons(&[5, 0, 0, 0, 1, 2, 3, 4, 5], 1), [Err(Reason::Length)]);
    assert_eq!(reasons(&[1, 0], 1), [Err(Reason::Truncated)]);
    assert_eq!(reasons(&[0; 4], 0), []);
    let malformed = attendance(&vec![0xFF; 2 * LONGEST_MALFORMED], 1, RULE)
        .remove(0)
        .expect_err("no block");
    assert_eq!(malformed.bytes.len(), LONGEST_MALFORMED);
}

#[test]
fn sizes_and_wrong_packets() {
    let sizes = Sizes {
        users: 3,
        records: 7,
        capacity: 100_000,
    };
    assert_eq!((Sizes::parse(&sizes.emit()), sizes.emit().len()), (Some(sizes), 80));
    assert_eq!(Sizes::parse(&[0; 60]), None);
    let good = emit(command::OK, 1, 2, b"odd");
    assert_eq!(Packet::new_checked(&good).expect("its own packet").data(), b"odd");
    assert_eq!(Packet::new_checked(&good[..7]), Err(Reason::Length));
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Packet::new_checked(&flipped), Err(Reason::Checksum), "bit {bit}");
    }
    let long = [
        b"\x50\x50\x82\x7D".as_slice(),
        &u32::MAX.to_le_bytes(),
        &emit_tcp(command::OK, 1, 2, b""),
    ]
    .concat();
    let found = frames([long.as_slice()]);
    assert_eq!(
        found[0].as_ref().map_err(|malformed| malformed.reason),
        Err(Reason::TooLong)
    );
    assert!(found[1].is_ok(), "the next one is found");
    let largest = emit_tcp(command::DATA, 1, 2, &vec![7; LONGEST_PACKET - 8]);
    assert!(frames(largest.chunks(1_000))[0].is_ok());
}

fn reading_of(data: &[u8]) -> Option<Reading> {
    event(data, RULE).ok()
}

proptest! {
    #[test]
    fn packets_are_found_however_the_stream_is_cut_and_between_any_noise(
        noise in prop::collection::vec(prop::sample::select(&b"\x50\x82\x7D\x00\x01abc"[..]), 0..40),
        data in prop::collection::vec(any::<u8>(), 0..60),
        cut in 1_usize..20,
    ) {
        let packet = emit_tcp(command::DATA, 7, 8, &data);
        let stream = [packet.as_slice(), &noise, &packet].concat();
        let whole = frames([stream.as_slice()]);
        prop_assert_eq!(frames(stream.chunks(cut)), whole.clone());
        prop_assert_eq!(whole[0].as_deref(), Ok(&packet[8..]));
        // A mark inside the noise may swallow what follows it, as far as its length says; never more.
        let marked = noise.windows(4).any(|bytes| bytes == b"\x50\x50\x82\x7D") || !noise.is_empty();
        prop_assert!(marked || whole.len() == 2);
    }

    #[test]
    fn nothing_panics_whatever_comes(bytes in prop::collection::vec(any::<u8>(), 0..300), count in any::<u32>()) {
        let kept = frames([bytes.as_slice()]).len();
        prop_assert!(kept <= bytes.len());
        let readings = attendance(&bytes, count, RULE);
        prop_assert!(readings.len() <= bytes.len() + 1);
        let reading = reading_of(&bytes);
        prop_assert!(reading.is_none_or(|reading| matches!(reading.happened_at, Some(HappenedAt::Civil(_)))));
        prop_assert!(Sizes::parse(&bytes).is_none() || bytes.len() >= 68);
    }
}
