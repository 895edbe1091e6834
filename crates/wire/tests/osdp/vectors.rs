//! Frames of real readers and of libosdp, with what others made of them.

use serde_json::Value;
use wire::osdp::{Challenge, CheckKind, Command, Frame, Reply, emit};
use wire::{Decoding, Format, Reason};

use crate::{KEY, bytes, frames};

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../osdp-vectors.json")).expect("JSON")
}

fn named(name: &str) -> Value {
    let found = vectors().into_iter().find(|vector| vector["name"] == name);
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn hex(value: &Value) -> Vec<u8> {
    bytes(value.as_str().expect("hex"))
}

fn block16(value: &Value) -> [u8; 16] {
    hex(value).try_into().expect("16 bytes")
}

#[test]
fn every_frame_is_what_others_made_of_it() {
    for vector in vectors() {
        let (name, expected) = (&vector["name"], &vector["expected"]);
        let found = frames([hex(&vector["hex"])]);
        if expected["valid"] == false {
            let [Err(malformed)] = &found[..] else {
                panic!("{name}: {found:?}")
            };
            assert_eq!(malformed.reason, Reason::Checksum, "{name}");
            continue;
        }
        let [Ok(found)] = &found[..] else {
            panic!("{name}: {found:?}")
        };
        let frame = Frame::new_checked(found).expect("a checked frame");
        assert_eq!(u64::from(frame.address()), expected["address"], "{name}");
        assert_eq!(frame.is_reply(), expected["reply"], "{name}");
        assert_eq!(u64::from(frame.sequence()), expected["sqn"], "{name}");
        assert_eq!([frame.code()], hex(&expected["code"])[..], "{name}");
        assert_eq!(frame.data(), hex(&expected["data"]), "{name}");
        let block = frame.block().map_or(Vec::new(), |block| {
            let length = u8::try_from(block.data.len() + 2).expect("short");
            [&[length, block.kind], block.data].concat()
        });
        assert_eq!(block, hex(&expected["scb"]), "{name}");
        let check = if expected["trailer"] == "checksum" {
            CheckKind::Sum
        } else {
            CheckKind::Crc
        };
        assert_eq!(frame.check(), check, "{name}");
        if !frame.is_reply() && !frame.block().is_some_and(|block| block.has_mac()) {
            let head = (frame.address(), frame.sequence(), frame.check());
            let emitted = emit(head, frame.block(), frame.code(), frame.data(), |_| [0; 4]);
            assert_eq!(emitted[1..], found[..], "{name}");
        }
    }
}

#[test]
fn replies_mean_what_the_standard_says() {
    let reply = |name: &str| {
        let bytes = hex(&named(name)["hex"]);
        let frame = Frame::new_checked(&bytes).expect("a frame");
        Reply::parse(frame.code(), frame.data())
    };
    assert_eq!(reply("ACK"), Ok(Reply::Ack));
    assert_eq!(reply("KEYPAD \"1234#\""), Ok(Reply::Keys(b"1234#".to_vec())));
    assert_eq!(
        reply("LSTATR tamper"),
        Ok(Reply::LocalStatus {
            tamper: true,
            power: false
        })
    );
    let inputs = [true, false, true, false, true, false, true, false];
    assert_eq!(reply("ISTATR 8 inputs"), Ok(Reply::Inputs(inputs.to_vec())));
    let Ok(Reply::Identity(identity)) = reply("PDID reply from a real reader") else {
        panic!("no identity")
    };
    let identity = wire::osdp::Identity::from(identity);
    assert_eq!((identity.vendor, identity.firmware), ([0x18, 0x68, 0xCB], [2, 1, 0]));
    let Ok(Reply::Capabilities(list)) = reply("PDCAP reply, HID reader (functions 10/11 are LE sizes 914)") else {
        panic!("no capabilities")
    };
    assert!(
        list.iter()
            .any(|capability| (capability.function, capability.level) == (9, 1))
    );
}

#[test]
fn commands_are_those_of_the_recorded_panel() {
    // The recorded one stays; ours is for two seconds.
    let mut text = hex(&named("TEXT WELCOME")["expected"]["data"]);
    text[1..3].copy_from_slice(&[3, 2]);
    assert_eq!(Command::Text("WELCOME").data(), text);
    assert_eq!(
        Command::Light(wire::osdp::Colour::Green).data(),
        [0, 0, 2, 1, 0, 2, 2, 15, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(
        Command::Beep { times: 2, tenths: 1 }.data(),
        hex(&named("BUZ")["expected"]["data"])
    );
    assert_eq!(Command::SetKey(KEY).data(), [&[1, 16], &KEY[..]].concat());
}

#[test]
fn a_card_is_the_same_badge_as_on_a_wiegand_line() {
    let card = |bits: u16, data: &[u8], decoding: Decoding| {
        let [low, high] = bits.to_le_bytes();
        let reply = Reply::parse(0x50, &[&[0, 1, low, high], data].concat())?;
        reply.reading(decoding).expect("a card")
    };
    let decoding = Decoding::new(Format::WiegandBits);
    let written = wire::WiegandFormat::H10301
        .emit(1, 63_092)
        .expect("fits")
        .left_justified();
    assert_eq!(card(26, &written, decoding).expect("a badge").key, "1-63092");
    let mut torn = written.clone();
    torn[0] ^= 0x80;
    assert_eq!(card(26, &torn, decoding).map(|_| ()), Err(Reason::Parity));
    assert_eq!(card(26, &written[..3], decoding).map(|_| ()), Err(Reason::Length));
    assert_eq!(
        card(56, &[1, 2, 3, 4, 5, 6, 7], decoding).map(|_| ()),
        Err(Reason::Length)
    );
    let hex = Decoding {
        badge_key: wire::BadgeKeyRule::Hex,
        ..decoding
    };
    assert_eq!(
        card(56, &[1, 2, 3, 4, 5, 6, 7], hex).expect("a badge").key,
        "01020304050607"
    );
    assert_eq!(card(80, &[9; 10], hex).expect("a badge").key, "09".repeat(10));
}

#[test]
fn the_recorded_handshake_and_session_are_reproduced() {
    let challenge = named("SC CHLNG (SCS_11, key=SCBK)");
    let random = hex(&challenge["expected"]["rnd_a"]).try_into().expect("8 bytes");
    let mut challenge = Challenge::new(KEY, random);
    assert_eq!((challenge.random(), challenge.key_byte()), (random, 1));
    let cryptogram = hex(&named("SC CCRYPT (SCS_12)")["expected"]["data"]);
    let mut wrong = cryptogram.clone();
    wrong[31] ^= 1;
    assert!(!challenge.answer(&wrong));
    assert!(!challenge.answer(&cryptogram[..31]));
    assert!(!Challenge::new([9; 16], random).answer(&cryptogram), "another key");
    assert!(challenge.answer(&cryptogram));
    assert_eq!(
        challenge.server_cryptogram()[..],
        hex(&named("SC SCRYPT (SCS_13)")["expected"]["server_cryptogram"])
    );

    let first = named("SC SCS_15 code 60 frame#1");
    let initial = block16(&first["expected"]["icv"]);
    assert!(challenge.established(&[0; 16]).is_none());
    let mut channel = challenge.established(&initial).expect("the channel is up");
    for (sent, received) in [
        ("SC SCS_15 code 60 frame#1", Some("SC SCS_16 code 40 frame#2")),
        ("SC SCS_15 code 60 frame#3", None),
    ] {
        let sent = hex(&named(sent)["hex"]);
        let (block, sealed) = channel.seal(&[]);
        let head = (101, sent[5] & 3, CheckKind::Crc);
        assert_eq!(
            emit(head, Some(block), 0x60, &sealed, |frame| channel.sign(frame)),
            sent
        );
        if let Some(received) = received {
            let received = hex(&named(received)["hex"]);
            let mut changed = received.clone();
            changed[6] ^= 1;
            let frame = Frame::new_checked(&received).expect("a frame");
            assert_eq!(channel.open(&frame), Some(Vec::new()));
            assert_eq!(
                channel.open(&frame),
                Some(Vec::new()),
                "a reply that comes again is the same reply"
            );
        }
    }
}
