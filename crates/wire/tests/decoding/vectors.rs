//! Frames of real readers, data sheets and traps, byte for byte (`vectors.json` names the source of each).

use crate::common::{Vector, decode, decode_bursts, decode_pieces, hex, keys, number, text, vectors};
use wire::em4100::{Frame, Tag};
use wire::{BadgeKeyRule, Decoding, Format, Reading, Reason, WiegandFormat, WiegandRule};

fn with_rule(format: Format, badge_key: BadgeKeyRule) -> Decoding {
    Decoding {
        badge_key,
        ..Decoding::new(format)
    }
}

/// The format by name that a vector is a frame of.
fn em4100_format(bytes: &[u8]) -> Format {
    match bytes.len() {
        12 => Format::Em18,
        16 => Format::Id12la,
        _ => Format::Rdm6300,
    }
}

#[test]
fn em4100_tags_have_the_keys_that_are_printed_on_the_cards() {
    let whole = vectors("em4100")
        .into_iter()
        .filter(|vector| vector.expected["tag40"].is_string());
    for Vector {
        name, bytes, expected, ..
    } in whole
    {
        for format in [Format::Em4100, em4100_format(&bytes)] {
            let key = |rule| keys(&decode(with_rule(format, rule), &bytes)).join(" ");
            if expected["valid"] == false {
                let decoded = decode(Decoding::new(format), &bytes);
                let malformed = decoded[0].as_ref().expect_err("a wrong checksum");
                assert_eq!(
                    (decoded.len(), malformed.reason, &malformed.bytes),
                    (1, Reason::Checksum, &bytes),
                    "{name}"
                );
                continue;
            }
            let decoded = decode(Decoding::new(format), &bytes);
            let reading = decoded[0].as_ref().expect("a good frame");
            assert_eq!(
                (decoded.len(), reading.bits, &reading.raw),
                (1, Some(40), &hex(&text(&expected, "tag40"))),
                "{name}"
            );
            assert_eq!(
                key(BadgeKeyRule::Decimal32),
                number(&expected, "low32").to_string(),
                "{name}"
            );
            assert_eq!(format!("{:0>10}", reading.key), text(&expected, "printed10"), "{name}");
            assert_eq!(
                key(BadgeKeyRule::Decimal24),
                number(&expected, "low24").to_string(),
                "{name}"
            );
            let facility_card = format!("{}-{}", number(&expected, "fc8"), number(&expected, "cn16"));
            assert_eq!(key(BadgeKeyRule::FacilityCard), facility_card, "{name}");
            assert_eq!(
                key(BadgeKeyRule::Hex),
                text(&expected, "tag40").to_lowercase(),
                "{name}"
            );
            assert_eq!(key(BadgeKeyRule::Text), text(&expected, "tag40"), "{name}");
        }
    }
}

#[test]
fn an_em4100_frame_is_taken_apart_and_put_together() {
    let body = b"010063E9AE25";
    let frame = Frame::new_checked(body).expect("a good body");
    assert_eq!(frame.tag(), Tag([0x01, 0x00, 0x63, 0xE9, 0xAE]));
    assert_eq!(Tag::from_number(0x01, 6_547_886), frame.tag());
    assert_eq!(frame.tag().emit_em18(), body);
    assert_eq!(frame.tag().emit_rdm6300(), b"\x02010063E9AE25\x03");
    assert_eq!(frame.tag().emit_id12la(), b"\x02010063E9AE25\r\n\x03");
    for (body, reason) in [
        (&b"010063E9AE2"[..], Reason::Length),
        (b"010063E9AG25", Reason::BadCharacter),
        (b"010063E9AE26", Reason::Checksum),
    ] {
        assert_eq!(Frame::new_checked(body), Err(reason));
    }
}

#[test]
fn repeats_and_lower_case_are_read_and_an_id12la_has_its_line_end_inside() {
    let repeated = vectors("em4100")
        .into_iter()
        .find(|vector| vector.expected["reads"].is_u64())
        .expect("the repeats");
    assert_eq!(
        keys(&decode(Decoding::new(Format::Rdm6300), &repeated.bytes)),
        ["6547886"; 3]
    );
    let lower = vectors("em4100")
        .into_iter()
        .find(|vector| vector.name.contains("lower-case"))
        .expect("the lower case");
    assert_eq!(keys(&decode(Decoding::new(Format::Rdm6300), &lower.bytes)), ["6547886"]);
    let em18 = hex("343530304335443145394238");
    assert_eq!(
        keys(&decode_bursts(Decoding::new(Format::Em18), &[&em18, &em18[..5], &em18])),
        ["12964329"; 2]
    );
    let id12la = hex("023043303030363231413538450d0a03");
    assert_eq!(
        keys(&decode(with_rule(Format::Id12la, BadgeKeyRule::Hex), &id12la)),
        ["0c000621a5"]
    );
}

#[test]
fn wiegand_cards_keep_facility_and_number() {
    for Vector {
        protocol,
        name,
        bytes,
        expected,
    } in vectors("wiegand")
    {
        let (format, facility, card) = match protocol.as_str() {
            "wiegand26-H10301" if expected["valid"].is_null() => {
                (WiegandFormat::H10301, expected["fc"].as_u64(), number(&expected, "cn"))
            }
            "wiegand37-H10304" => (WiegandFormat::H10304, expected["fc"].as_u64(), number(&expected, "cn")),
            "wiegand37-H10302" => (WiegandFormat::H10302, None, number(&expected, "cn")),
            "wiegand34" => (WiegandFormat::Wiegand34, Some(0x860D), 0xDF79),
            _ => continue,
        };
        let key = facility.map_or(card.to_string(), |facility| format!("{facility}-{card}"));
        let bits = format.emit(facility.unwrap_or(0), card).expect("numbers that fit");
        assert_eq!(
            format!("{:0width$b}", bits.value(), width = usize::from(bits.length())),
            text(&expected, "bits"),
            "{name}"
        );
        assert_eq!(bits.left_justified(), bytes, "{name}");
        for reading in [
            Reading::parse_wiegand_packed(&bytes, WiegandRule::Named(format), BadgeKeyRule::FacilityCard),
            Reading::parse_wiegand_bits(
                &text(&expected, "bits"),
                WiegandRule::Named(format),
                BadgeKeyRule::FacilityCard,
            ),
        ] {
            let reading = reading.expect("a good card");
            assert_eq!(
                (reading.key, reading.raw, reading.bits),
                (key.clone(), bytes.clone(), Some(u16::from(bits.length()))),
                "{name}"
            );
        }
        let data = expected["value24"].as_u64().or(expected["value32"].as_u64());
        let decimal = Reading::parse_wiegand_packed(&bytes, WiegandRule::Named(format), BadgeKeyRule::Decimal32)
            .expect("a good card")
            .key;
        assert!(data.is_none_or(|data| data.to_string() == decimal), "{name}: {decimal}");
    }
}

#[test]
fn wiegand_parity_is_checked_and_keypads_are_told_from_cards() {
    let wrong = vectors("wiegand26")
        .into_iter()
        .find(|vector| vector.expected["valid"] == false)
        .expect("the negative one");
    let packed = Reading::parse_wiegand_packed(&wrong.bytes, WiegandRule::ByLength, BadgeKeyRule::FacilityCard);
    assert_eq!(packed, Err(Reason::Parity));
    let bits = Reading::parse_wiegand_bits(
        &text(&wrong.expected, "bits"),
        WiegandRule::ByLength,
        BadgeKeyRule::FacilityCard,
    );
    assert_eq!(bits, Err(Reason::Parity));
    for (text, reason) in [
        ("+10110001", Reason::BadCharacter),
        ("10110", Reason::Length),
        (&"1".repeat(65), Reason::Length),
    ] {
        assert_eq!(
            Reading::parse_wiegand_bits(text, WiegandRule::ByLength, BadgeKeyRule::FacilityCard),
            Err(reason),
            "{text}"
        );
    }
    let key = &vectors("wiegand-key")[0];
    let reading =
        Reading::parse_wiegand_packed(&key.bytes, WiegandRule::ByLength, BadgeKeyRule::FacilityCard).expect("a key");
    assert_eq!((reading.key, reading.bits), (text(&key.expected, "key"), Some(8)));
}

#[test]
fn converters_send_wiegand_cards_as_lines() {
    let lines = vectors("wiegand-serial");
    let [hex_line, decimal_line] = &lines[..] else {
        panic!("two converters")
    };
    assert_eq!(
        keys(&decode(Decoding::new(Format::WiegandHex), &hex_line.bytes)),
        ["118-15080"]
    );
    let value = number(&hex_line.expected, "value24").to_string();
    assert_eq!(
        keys(&decode(
            with_rule(Format::WiegandHex, BadgeKeyRule::Decimal24),
            &hex_line.bytes
        )),
        [value.as_str()]
    );
    let value = number(&decimal_line.expected, "decimal").to_string();
    assert_eq!(
        keys(&decode(
            with_rule(Format::WiegandDecimal, BadgeKeyRule::Decimal32),
            &decimal_line.bytes
        )),
        [value.as_str()]
    );
    assert_eq!(
        keys(&decode(Decoding::new(Format::WiegandDecimal), &decimal_line.bytes)),
        ["1-57942"]
    );
}

#[test]
fn text_lines_are_one_record_each() {
    for Vector { bytes, .. } in vectors("barcode-line") {
        assert_eq!(keys(&decode(Decoding::new(Format::Line), &bytes)), ["EMP-0042"]);
    }
    // The one line of the vector is cut where its second read begins; its third field is no direction of ours.
    let line = &vectors("tcp-line")[0];
    let (first, second) = line.bytes.split_at(17);
    let decoded = decode_pieces(Decoding::new(Format::Line), [first, second]);
    let malformed = decoded[0].as_ref().expect_err("no direction");
    assert_eq!(
        (decoded.len(), malformed.reason, &malformed.bytes),
        (1, Reason::BadDirection, &line.bytes)
    );
}

#[test]
fn every_vector_reads_the_same_however_it_is_cut() {
    for Vector {
        protocol, name, bytes, ..
    } in ["em4100", "wiegand", "barcode", "tcp"].into_iter().flat_map(vectors)
    {
        let format = match protocol.as_str() {
            "em4100-ascii" => Format::Em4100,
            "wiegand-serial" => Format::WiegandHex,
            "barcode-line" | "tcp-line" => Format::Line,
            _ => Format::WiegandBits,
        };
        let whole = decode(Decoding::new(format), &bytes);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(
                    decode_pieces(Decoding::new(format), pieces),
                    whole,
                    "{name} cut at {first} and {second}"
                );
            }
        }
    }
}
