//! Messages of Tasmota, esp-rfid and ESPHome: which of them are badges, whose, and when.

use crate::common::{Decoded, Vector, decode, keys, vectors};
use proptest::prelude::*;
use wire::em4100::Tag;
use wire::{BadgeKeyRule, Decoding, Format, HappenedAt, Heard, Messages, Reason, WiegandFormat, WiegandRule};

const TAG: Tag = Tag([0x01, 0x00, 0x63, 0xE9, 0xAE]);

/// A time that Tasmota writes without its zone.
fn civil(text: &str) -> Option<HappenedAt> {
    HappenedAt::parse(text).ok()
}

fn hear(decoding: Decoding, payload: &[u8]) -> Heard {
    Messages::new(decoding).hear(payload)
}

fn reasons(decoded: &Decoded) -> Vec<&'static str> {
    let malformed = decoded.iter().filter_map(|item| item.as_ref().err());
    malformed.map(|malformed| malformed.reason.name()).collect()
}

fn format_of(protocol: &str) -> Format {
    match protocol {
        "mqtt-tasmota" => Format::Tasmota,
        "mqtt-esprfid" => Format::EspRfid,
        "mqtt-esphome" => Format::Esphome,
        other => panic!("no format of {other}"),
    }
}

#[test]
fn every_vector_says_what_it_says_whole_and_as_a_line_of_a_capture() {
    for Vector {
        protocol,
        name,
        bytes,
        expected,
    } in vectors("mqtt")
    {
        let decoding = Decoding::new(format_of(&protocol));
        let line = [&bytes, &b"\n"[..]].concat();
        for readings in [hear(decoding, &bytes).readings, decode(decoding, &line)] {
            assert_eq!(
                serde_json::json!(keys(&readings)),
                expected["keys"],
                "{name}: {readings:?}"
            );
            assert_eq!(
                serde_json::json!(reasons(&readings)),
                expected["reasons"],
                "{name}: {readings:?}"
            );
        }
    }
}

#[test]
fn a_badge_has_the_time_of_its_device_and_a_heartbeat_shows_its_clock() {
    let heard = hear(
        Decoding::new(Format::Tasmota),
        br#"{"Time":"2026-01-05T08:00:00","RDM6300":{"UID":"0063E9AE"}}"#,
    );
    let at = civil("2026-01-05 08:00:00");
    assert_eq!(
        (heard.clock, heard.readings[0].as_ref().expect("a badge").happened_at),
        (at, at)
    );
    let heard = hear(
        Decoding::new(Format::Tasmota),
        br#"{"Time":"1970-01-01T00:00:07","Uptime":"0T00:00:07"}"#,
    );
    assert_eq!((heard.readings.len(), heard.clock), (0, civil("1970-01-01 00:00:07")));

    let heard = hear(
        Decoding::new(Format::EspRfid),
        br#"{"type":"access","time":1767600000,"isKnown":"true","access":"Always","uid":"1234abcd"}"#,
    );
    let at = Some(HappenedAt::Instant(1_767_600_000_000));
    assert_eq!(
        (heard.clock, heard.readings[0].as_ref().expect("a badge").happened_at),
        (at, at)
    );
    let heard = hear(
        Decoding::new(Format::EspRfid),
        br#"{"type":"heartbeat","time":1767600000,"uptime":3600}"#,
    );
    assert_eq!((heard.readings.len(), heard.clock), (0, at));
}

/// The same card at an RDM6300 on a serial line, on Tasmota, behind its serial bridge, on ESPHome.
#[test]
fn one_card_is_one_badge_wherever_it_is_shown() {
    for rule in [
        BadgeKeyRule::Decimal32,
        BadgeKeyRule::Decimal24,
        BadgeKeyRule::FacilityCard,
    ] {
        let with = |format| Decoding {
            badge_key: rule,
            ..Decoding::new(format)
        };
        let serial = keys(&decode(with(Format::Rdm6300), &TAG.emit_rdm6300()));
        let module = hear(with(Format::Tasmota), br#"{"RDM6300":{"UID":"0063E9AE"}}"#);
        let bridged = Decoding {
            serial_format: Some(Format::Rdm6300),
            ..with(Format::Tasmota)
        };
        let bridged = hear(bridged, br#"{"SSerialReceived":"\u0002010063E9AE25\u0003"}"#);
        let esphome = hear(with(Format::Esphome), b"6547886");
        for heard in [module, bridged, esphome] {
            assert_eq!(keys(&heard.readings), serial, "{rule:?}");
        }
    }
    let with = |format| Decoding {
        badge_key: BadgeKeyRule::Hex,
        ..Decoding::new(format)
    };
    for (format, payload) in [
        (Format::Tasmota, &br#"{"PN532":{"UID":"74103794"}}"#[..]),
        (
            Format::EspRfid,
            br#"{"type":"access","time":1,"access":"Always","uid":"74103794"}"#,
        ),
        (Format::Esphome, b"74-10-37-94"),
    ] {
        assert_eq!(keys(&hear(with(format), payload).readings), ["74103794"], "{format:?}");
    }
    let wiegand = Decoding::new(Format::WiegandDecimal);
    let serial = keys(&decode(wiegand, b"7748328\r\n"));
    let by_name = |format| Decoding {
        badge_key: BadgeKeyRule::FacilityCard,
        wiegand_format: WiegandRule::Named(WiegandFormat::H10301),
        ..Decoding::new(format)
    };
    let tasmota = hear(by_name(Format::Tasmota), br#"{"Wiegand":{"UID":7748328,"Size":26}}"#);
    assert_eq!(keys(&tasmota.readings), serial);
    assert_eq!(keys(&hear(by_name(Format::Esphome), b"7748328").readings), serial);
}

#[test]
fn a_uid_of_ten_bytes_has_a_key_by_the_rules_that_take_it_whole() {
    let payload = br#"{"PN532":{"UID":"0102030405060708090A"}}"#;
    let with = |badge_key| Decoding {
        badge_key,
        ..Decoding::new(Format::Tasmota)
    };
    assert_eq!(
        keys(&hear(with(BadgeKeyRule::Hex), payload).readings),
        ["0102030405060708090a"]
    );
    assert_eq!(
        reasons(&hear(with(BadgeKeyRule::Decimal32), payload).readings),
        ["out_of_range"]
    );
}

#[test]
fn a_uid_whose_zeros_are_lost_is_a_text_and_no_number() {
    let payload = br#"{"type":"access","time":1,"access":"Always","uid":"9457b25"}"#;
    let hex = Decoding {
        badge_key: BadgeKeyRule::Hex,
        ..Decoding::new(Format::EspRfid)
    };
    assert_eq!(reasons(&hear(hex, payload).readings), ["ambiguous"]);
    assert_eq!(
        keys(&hear(Decoding::new(Format::EspRfid), payload).readings),
        ["9457b25"]
    );
}

#[test]
fn a_keyed_number_is_a_badge_only_where_the_configuration_says_so() {
    let payload = br#"{"Time":"2026-01-05T08:00:00","Wiegand":{"UID":4711,"Size":8}}"#;
    assert!(hear(Decoding::new(Format::Tasmota), payload).readings.is_empty());
    let keypad = Decoding {
        keypad: true,
        ..Decoding::new(Format::Tasmota)
    };
    assert_eq!(keys(&hear(keypad, payload).readings), ["4711"]);
}

fn bridge(format: Format) -> Messages {
    Messages::new(Decoding {
        serial_format: Some(format),
        badge_key: format.default_badge_key(),
        ..Decoding::new(Format::Tasmota)
    })
}

fn received(text: &str) -> Vec<u8> {
    serde_json::json!({ "SSerialReceived": text }).to_string().into_bytes()
}

#[test]
fn a_serial_bridge_is_read_as_the_line_that_it_forwards() {
    let frame = String::from_utf8(TAG.emit_rdm6300()).expect("ASCII");
    // A module that repeats its card; SerialDelimiter 3, which eats the ETX; SerialDelimiter 254, which writes hex.
    for text in [frame.repeat(3), frame.replace('\u{3}', ""), in_hex(&frame)] {
        let heard = bridge(Format::Rdm6300).hear(&received(&text));
        assert_eq!(keys(&heard.readings), ["6547886"], "{text:?}");
    }
    for (format, text, expected) in [
        (Format::Em18, "010063E9AE25", "6547886"),
        (Format::WiegandDecimal, "7748328\r\n", "118-15080"),
        (Format::WiegandDecimal, "7748328", "118-15080"),
        (Format::Scanner, "EMP-0042\r", "EMP-0042"),
    ] {
        assert_eq!(
            keys(&bridge(format).hear(&received(text)).readings),
            [expected],
            "{text:?}"
        );
    }
    let json = bridge(Format::Json).hear(br#"{"SSerialReceived":{"badge":"EMP-0042"}}"#);
    assert_eq!(keys(&json.readings), ["EMP-0042"]);
}

#[test]
fn a_bridge_that_cuts_a_line_where_its_buffer_is_full_loses_nothing() {
    let line = "7748328\r\n".repeat(60);
    let mut bridge = bridge(Format::WiegandDecimal);
    let heard: Vec<_> = line
        .as_bytes()
        .chunks(255)
        .flat_map(|piece| bridge.hear(&received(str::from_utf8(piece).expect("ASCII"))).readings)
        .collect();
    assert!(
        keys(&heard).iter().all(|key| key == "118-15080") && heard.iter().all(Result::is_ok),
        "{heard:?}"
    );
}

#[test]
fn a_bridge_without_a_format_is_told_so() {
    let heard = hear(Decoding::new(Format::Tasmota), &received("\u{2}010063E9AE25\u{3}"));
    assert_eq!(reasons(&heard.readings), ["serial_format"]);
}

#[test]
fn what_a_line_carries_may_also_be_published() {
    for (format, payload, expected) in [
        (Format::Line, &b"EMP-0042,2026-01-05T08:00:00+08:00,in"[..], "EMP-0042"),
        (Format::Json, br#"{"badge":"EMP-0042","id":"a1"}"#, "EMP-0042"),
        (Format::WiegandDecimal, b"7748328", "118-15080"),
        (Format::Rdm6300, b"\x02010063E9AE25\x03", "6547886"),
    ] {
        let heard = hear(Decoding::new(format), payload);
        assert_eq!(keys(&heard.readings), [expected], "{format:?}");
    }
    assert_eq!(
        keys(&hear(Decoding::new(Format::Line), b"1\n2\r\n3").readings),
        ["1", "2", "3"]
    );
    assert_eq!(
        reasons(&hear(Decoding::new(Format::Rdm6300), b"\x02010063E9").readings),
        ["truncated"]
    );
}

#[test]
fn what_is_too_long_empty_or_a_payment_card_is_no_badge() {
    for format in [Format::Tasmota, Format::EspRfid, Format::Esphome, Format::Json] {
        assert_eq!(
            hear(Decoding::new(format), b""),
            Heard::default(),
            "a retained message that was taken back"
        );
        let long = hear(Decoding::new(format), &vec![b'7'; 10_000]);
        assert_eq!(reasons(&long.readings), ["too_long"], "{format:?}");
        let deep = hear(Decoding::new(format), "[".repeat(2_000).as_bytes());
        assert_eq!(deep.readings.len(), 1, "{format:?}");
        let card = hear(Decoding::new(format), br#"{"a":"4111111111111111=2512"}"#);
        let malformed = card.readings[0].as_ref().expect_err("a payment card");
        assert_eq!(
            (malformed.reason, malformed.bytes.len()),
            (Reason::PaymentCard, 0),
            "{format:?}"
        );
    }
}

/// What SerialDelimiter 254 makes of bytes.
fn in_hex(text: &str) -> String {
    let digits = text.bytes().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

proptest! {
    #[test]
    fn any_payload_is_heard_without_a_panic(
        format in prop::sample::select(&Format::ALL[..]),
        serial_format in prop::sample::select(&Format::ALL[..]),
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
    ) {
        let mut messages = Messages::new(Decoding { serial_format: Some(serial_format), ..Decoding::new(format) });
        for payload in &payloads {
            prop_assert!(messages.hear(payload).readings.len() <= payload.len());
        }
    }

    #[test]
    fn half_a_message_is_no_badge(cut in 1_usize..62) {
        let payload = br#"{"Time":"2026-01-05T08:00:00","RDM6300":{"UID":"0063E9AE"}}"#;
        let heard = hear(Decoding::new(Format::Tasmota), &payload[..cut.min(payload.len() - 1)]);
        prop_assert_eq!(reasons(&heard.readings), ["not_json"]);
    }

    #[test]
    fn a_flipped_bit_gives_no_second_badge(bit in 0_usize..59 * 8) {
        let mut payload = br#"{"Time":"2026-01-05T08:00:00","RDM6300":{"UID":"0063E9AE"}}"#.to_vec();
        payload[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(hear(Decoding::new(Format::Tasmota), &payload).readings.len() <= 1);
    }

    #[test]
    fn what_a_bridge_forwards_is_read_wherever_it_is_cut(tags in prop::collection::vec(1_u32.., 1..40)) {
        let line = tags.iter().map(u32::to_string).collect::<Vec<_>>().join("\r\n") + "\r\n";
        let mut bridge = bridge(Format::WiegandDecimal);
        let heard: Vec<_> = line.as_bytes().chunks(255)
            .flat_map(|piece| bridge.hear(&received(str::from_utf8(piece).expect("ASCII"))).readings)
            .collect();
        let mut read = decode(Decoding::new(Format::WiegandDecimal), line.as_bytes());
        read.dedup();
        let mut heard = heard;
        heard.dedup();
        prop_assert_eq!(keys(&heard), keys(&read));
    }
}
