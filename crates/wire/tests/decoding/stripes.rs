//! IDTECK frames, magnetic stripes and scanned codes: taken apart, put together, read, and sent as real lines carry them.

use crate::common::{Vector, decode, decode_bursts, decode_pieces, keys, text, vectors};
use proptest::prelude::*;
use wire::badge::Bits;
use wire::limits::LONGEST_BADGE;
use wire::magstripe::{Track, checksum, emit_line, holds_payment_card, is_payment_card_number};
use wire::scanner::Record;
use wire::{BadgeKeyRule, Decoding, Format, Reason, Suffix, WiegandRule, idteck};

fn with_rule(format: Format, badge_key: BadgeKeyRule) -> Decoding {
    Decoding {
        badge_key,
        ..Decoding::new(format)
    }
}

fn with_suffix(suffix: Suffix) -> Decoding {
    Decoding {
        suffix,
        ..Decoding::new(Format::Scanner)
    }
}

fn reasons(decoding: Decoding, bytes: &[u8]) -> Vec<Reason> {
    let malformed = decode(decoding, bytes).into_iter().filter_map(Result::err);
    malformed.map(|malformed| malformed.reason).collect()
}

fn idteck_frame(data: u64, length: u8) -> Vec<u8> {
    idteck::emit(Bits::new(data, length).expect("bits that fit")).expect("24 or 32 bits")
}

#[test]
fn the_idteck_vector_is_taken_apart_put_together_and_read() {
    let Vector { bytes, expected, .. } = &vectors("idteck")[0];
    let (digits, checksum) = (&bytes[1..11], bytes[12]);
    assert_eq!(digits, text(expected, "id").as_bytes());
    assert_eq!(format!("{checksum:02x}"), text(expected, "lrc"));
    let frame = idteck::Frame::new_checked(digits, checksum).expect("a good frame");
    assert_eq!((frame.data().value(), frame.data().length()), (123_478, 32));
    assert_eq!(&idteck_frame(123_478, 32), bytes);
    for (rule, key) in [
        (BadgeKeyRule::Decimal32, "123478"),
        (BadgeKeyRule::FacilityCard, "1-57942"),
        (BadgeKeyRule::Hex, "0001e256"),
        (BadgeKeyRule::Text, "0000123478"),
    ] {
        assert_eq!(keys(&decode(with_rule(Format::Idteck, rule), bytes)), [key]);
    }
    assert_eq!(idteck_frame(7_748_328, 24), b"\x0207748328\x03\x04");
    assert_eq!(idteck::emit(Bits::new(1, 26).expect("26 bits")), None);
}

#[test]
fn what_an_idteck_reader_garbles_is_named_and_the_next_frame_is_read() {
    let good = idteck_frame(123_478, 32);
    let decoding = Decoding::new(Format::Idteck);
    for length in 1..good.len() {
        let torn = decode(decoding, &good[..length]);
        let malformed = torn[0].as_ref().expect_err("half a frame");
        assert_eq!(
            (torn.len(), malformed.reason, malformed.bytes.as_slice()),
            (1, Reason::Truncated, &good[..length])
        );
        let both = decode(decoding, &[&good[..length], good.as_slice()].concat());
        assert_eq!(keys(&both), ["123478"], "cut after {length}: {both:?}");
    }
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let decoded = decode(decoding, &flipped);
        assert!(
            keys(&decoded).is_empty() && !decoded.is_empty(),
            "bit {bit}: {decoded:?}"
        );
        let followed = decode(decoding, &[flipped.as_slice(), &good].concat());
        assert_eq!(keys(&followed), ["123478"], "bit {bit}: the next frame is read");
    }
    for (bytes, expected) in [
        (&b"\x020000123\x03\x00"[..], vec![Reason::Length]),
        (b"\x020000000000\x03\x01", vec![Reason::Collision]),
        (b"\x029999999999\x03\x01", vec![Reason::OutOfRange]),
        (b"\x02000012347A\x03\x73", vec![Reason::BadCharacter]),
        (b"\x020000123478901234", vec![Reason::TooLong, Reason::Noise]),
        (b"noise\r\n", vec![Reason::Noise]),
    ] {
        assert_eq!(reasons(decoding, bytes), expected, "{bytes:?}");
    }
}

#[test]
fn track_2_vectors_are_taken_apart_put_together_and_read() {
    for Vector {
        name, bytes, expected, ..
    } in vectors("magstripe")
    {
        let data = text(&expected, "data");
        let line = bytes.strip_suffix(b"\r").expect("a line end");
        assert_eq!(Track::new_checked(line).expect("a good track").data(), data, "{name}");
        assert_eq!(emit_line(&data), bytes, "{name}");
        let sum = checksum(data.as_bytes());
        assert_eq!(char::from(sum).to_string(), text(&expected, "lrc_char"), "{name}");
        let decoded = decode(Decoding::new(Format::Track2), &bytes);
        let reading = decoded[0].as_ref().expect("a good track");
        assert_eq!(
            (reading.key.as_str(), reading.raw.as_slice()),
            (data.as_str(), line),
            "{name}"
        );
        let with_sum = [line, &[sum, b'\r', b'\n']].concat();
        assert_eq!(
            keys(&decode(Decoding::new(Format::Track2), &with_sum)),
            [data.as_str()],
            "{name}"
        );
        let wrong_sum = [line, &[sum ^ 1, b'\r']].concat();
        assert_eq!(
            reasons(Decoding::new(Format::Track2), &wrong_sum),
            [Reason::Checksum],
            "{name}"
        );
        assert_eq!(
            keys(&decode(Decoding::new(Format::Track2), line)),
            [data.as_str()],
            "{name}: no line end, then silence"
        );
    }
    let number = with_rule(Format::Track2, BadgeKeyRule::Decimal32);
    assert_eq!(keys(&decode(number, b";0012345678=2512?\t")), ["12345678"]);
}

#[test]
fn other_tracks_are_not_looked_at_and_errors_are_named() {
    let decoding = Decoding::new(Format::Track2);
    let all_tracks = b"%BADGE^SOMEBODY?;600000123456=?+123?\r";
    assert_eq!(keys(&decode(decoding, all_tracks)), ["600000123456="]);
    assert_eq!(keys(&decode(decoding, b";0012345?5;77?\r")), ["0012345"]);
    for (bytes, reason) in [
        (&b";E?\r"[..], Reason::BadCharacter),
        (b"E\r", Reason::BadCharacter),
        (b"%BADGE^SOMEBODY?\r", Reason::BadCharacter),
        (b";0012345\r", Reason::Truncated),
        (b";0012345", Reason::Truncated),
        (b";?\r", Reason::EmptyBadge),
        (b";=?\r", Reason::EmptyBadge),
        (b";0012345?x\r", Reason::BadCharacter),
        (
            &[b";".as_slice(), &[b'7'; LONGEST_BADGE + 1], b"?\r"].concat(),
            Reason::TooLong,
        ),
    ] {
        let decoded = decode(decoding, bytes);
        let malformed = decoded[0].as_ref().expect_err("no track 2");
        assert_eq!((decoded.len(), malformed.reason), (1, reason), "{bytes:?}");
        assert!(
            !malformed.bytes.iter().any(u8::is_ascii_alphanumeric),
            "of what cannot be read no digit and no letter is kept: {malformed:?}"
        );
    }
}

/// Test numbers that the card schemes publish.
const PAYMENT_CARDS: [&str; 5] = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6200000000000005",
    "6205500000000000004",
];

#[test]
fn payment_cards_leave_nothing_but_a_mark() {
    for number in PAYMENT_CARDS {
        for format in [
            Format::Track2,
            Format::Scanner,
            Format::Line,
            Format::Json,
            Format::WiegandDecimal,
            Format::Rdm6300,
        ] {
            for line in [
                format!(";{number}=25121010000012300000?\r"),
                format!("%B{number}^DOE/JANE^2512101?;{number}=2512101?\r"),
                format!("{number}D2512101\r"),
            ] {
                let decoded = decode(Decoding::new(format), line.as_bytes());
                let shown = format!("{decoded:?}");
                let listed = format!("{:?}", number.as_bytes());
                let hex = listed.trim_matches(['[', ']']);
                assert!(keys(&decoded).is_empty(), "{format:?} {line}: {shown}");
                assert!(
                    !shown.contains(hex) && !shown.contains(number),
                    "{format:?} {line}: {shown}"
                );
            }
        }
        let whole = decode(Decoding::new(Format::Track2), format!(";{number}=2512?\r").as_bytes());
        let malformed = whole[0].as_ref().expect_err("a payment card");
        assert_eq!((malformed.reason, malformed.bytes.len()), (Reason::PaymentCard, 0));
        for cut in 1..number.len() + 6 {
            let torn = format!(";{number}=2512?");
            for item in decode(Decoding::new(Format::Track2), &torn.as_bytes()[..cut]) {
                let malformed = item.expect_err("half a payment card");
                assert!(!malformed.bytes.iter().any(u8::is_ascii_digit), "{malformed:?}");
            }
        }
    }
}

#[test]
fn a_payment_cards_number_is_no_badge_where_badges_are_text() {
    for number in PAYMENT_CARDS {
        let groups: Vec<&str> = number
            .as_bytes()
            .chunks(4)
            .filter_map(|group| str::from_utf8(group).ok())
            .collect();
        for written in [number.to_owned(), groups.join(" "), groups.join("-")] {
            let json = format!("{{\"badge\":\"{written}\",\"id\":\"a\"}}\n");
            let torn = format!("{{\"badge\":\"{number}\n");
            for (format, line) in [
                (Format::Scanner, format!("]Q1{written}\r\n")),
                (Format::Line, format!("{written},2026-01-05 08:00,in\n")),
                (Format::Line, format!("{written},noon\n")),
                (Format::Json, json),
                (Format::Json, torn),
                (Format::WiegandDecimal, format!("{number}\n")),
                (Format::Esphome, format!("{number}\n")),
            ] {
                let decoded = decode(Decoding::new(format), line.as_bytes());
                let malformed = decoded[0].as_ref().expect_err("a payment card");
                assert_eq!(
                    (malformed.reason, malformed.bytes.len()),
                    (Reason::PaymentCard, 0),
                    "{format:?} {line}"
                );
            }
        }
    }
}

#[test]
fn ordinary_numbers_are_badges() {
    for (number, why) in [
        ("4111111111111112", "the check digit is wrong"),
        ("62010219900307421", "17 digits"),
        ("620102199003074215", "a resident identity number, 18 digits"),
        ("11010119900307109X", "one whose check digit is ten"),
        ("4006381333931", "an article number, 13 digits"),
        ("1125899906842624", "a card number of 7 bytes in decimal"),
        ("0006547886", "an EM4100 card"),
        ("7000000000000001", "nobody issues these"),
        ("20260001000042", "year and running number"),
        ("EMP 4111111111111111", "not a number alone"),
    ] {
        let read = keys(&decode(Decoding::new(Format::Line), format!("{number}\n").as_bytes()));
        assert_eq!(read, [number], "{why}");
    }
    assert!(is_payment_card_number("4111 1111 1111 1111") && !is_payment_card_number(""));
}

#[test]
fn what_only_looks_like_a_payment_card_is_a_badge() {
    for (line, why) in [
        ("4111111111111112=2512", "the check digit is wrong"),
        ("4111111111111111=2513", "there is no thirteenth month"),
        ("4111111111111111", "there is no expiry date"),
        ("411111111111=2512", "twelve digits"),
        ("41111111111111111111=2512", "twenty digits"),
    ] {
        assert!(!holds_payment_card(line.as_bytes()), "{why}");
        assert_eq!(
            keys(&decode(Decoding::new(Format::Track2), format!(";{line}?\r").as_bytes())),
            [line],
            "{why}"
        );
    }
    assert!(holds_payment_card(b"4111111111111111=2512"));
    assert!(holds_payment_card(b"x 4111111111111111^DOE/JANE^2512"));
}

#[test]
fn a_scanned_code_is_taken_apart_put_together_and_read() {
    let record = Record::new("]Q1EMP-0042");
    assert_eq!((record.symbology(), record.text()), (Some("Q1"), "EMP-0042"));
    assert_eq!(record.emit(Suffix::CrLf), b"]Q1EMP-0042\r\n");
    let bare = Record::new("]-EMP");
    assert_eq!(
        (bare.symbology(), bare.text(), bare.emit(Suffix::None).as_slice()),
        (None, "]-EMP", &b"]-EMP"[..])
    );
    for suffix in Suffix::ALL {
        for code in ["]Q1EMP-0042", "]C0EMP-0042", "EMP-0042"] {
            let bytes = Record::new(code).emit(suffix);
            let decoded = decode_bursts(with_suffix(suffix), &[&bytes, &bytes]);
            assert_eq!(keys(&decoded), ["EMP-0042"; 2], "{suffix:?} {code}");
            assert_eq!(decoded[0].as_ref().expect("a good code").raw, code.as_bytes());
        }
    }
    for Vector { name, bytes, .. } in vectors("barcode") {
        for suffix in [Suffix::Line, Suffix::Cr, Suffix::None] {
            assert_eq!(
                keys(&decode(with_suffix(suffix), &bytes)),
                ["EMP-0042"],
                "{name} {suffix:?}"
            );
        }
    }
}

#[test]
fn commas_and_blanks_of_a_code_belong_to_it_and_control_bytes_are_refused() {
    assert_eq!(
        keys(&decode(with_suffix(Suffix::Line), "李,2026-01-05 08:00\r".as_bytes())),
        ["李,2026-01-05 08:00"]
    );
    for (suffix, bytes, expected) in [
        (Suffix::Cr, &b"first\nsecond\r"[..], vec![Reason::ControlByte]),
        (Suffix::CrLf, b"first\rsecond\nthird\r\n", vec![Reason::ControlByte]),
        (Suffix::Line, b"(01)0\x1d(21)7\r", vec![Reason::ControlByte]),
        (
            Suffix::Line,
            b"\x1b[2J\r\xff\xfe\r \r]Q1\r",
            vec![
                Reason::ControlByte,
                Reason::NotUtf8,
                Reason::EmptyBadge,
                Reason::EmptyBadge,
            ],
        ),
        (Suffix::Line, b"half a co", vec![Reason::Truncated]),
        (
            Suffix::Line,
            &[&[b'Q'; 3_000][..], b"\r"].concat(),
            vec![Reason::TooLong],
        ),
        (
            Suffix::Line,
            &[&[b'Q'; 10_000][..], b"\r"].concat(),
            vec![Reason::TooLong],
        ),
    ] {
        assert_eq!(
            reasons(with_suffix(suffix), bytes),
            expected,
            "{suffix:?} {}",
            String::from_utf8_lossy(bytes)
        );
        let after = decode(
            with_suffix(suffix),
            &[bytes, suffix.bytes(), b"EMP-0042", suffix.bytes()].concat(),
        );
        assert!(
            bytes.ends_with(b"co") || keys(&after) == ["EMP-0042"],
            "the next code is read: {after:?}"
        );
    }
}

#[test]
fn raw_wiegand_takes_any_number_of_bits_as_a_number() {
    let raw = |format, badge_key| Decoding {
        badge_key,
        wiegand_format: WiegandRule::Raw,
        ..Decoding::new(format)
    };
    for (line, bits, number, hex) in [
        ("763AE8\r", 24, "7748328", "763ae8"),
        ("860DDF79\r", 32, "2249056121", "860ddf79"),
        ("7048860DDF79\r", 48, "123456789012345", "7048860ddf79"),
        ("1\r", 4, "1", "10"),
    ] {
        let decoded = decode(raw(Format::WiegandHex, BadgeKeyRule::FacilityCard), line.as_bytes());
        let reading = decoded[0].as_ref().expect("a good line");
        assert_eq!(reading.bits, Some(bits), "{line}");
        assert_eq!(reading.key, number, "{line}");
        assert_eq!(
            keys(&decode(raw(Format::WiegandHex, BadgeKeyRule::Hex), line.as_bytes())),
            [hex]
        );
    }
    let corporate = "1".repeat(35) + "\n";
    let decoded = decode(
        raw(Format::WiegandBits, BadgeKeyRule::FacilityCard),
        corporate.as_bytes(),
    );
    let reading = decoded[0].as_ref().expect("35 bits");
    assert_eq!((reading.key.as_str(), reading.bits), ("34359738367", Some(35)));
    assert_eq!(
        reasons(Decoding::new(Format::WiegandBits), corporate.as_bytes()),
        [Reason::Length]
    );
    assert_eq!(
        reasons(raw(Format::WiegandHex, BadgeKeyRule::Hex), b"00112233445566778\r"),
        [Reason::Length]
    );
    assert_eq!(
        reasons(raw(Format::WiegandHex, BadgeKeyRule::Hex), b"0000\r\r7G\r"),
        [Reason::Collision, Reason::BadCharacter]
    );
    assert_eq!(
        keys(&decode(
            raw(Format::WiegandDecimal, BadgeKeyRule::Decimal32),
            b"4302741608\r"
        )),
        ["7774312"]
    );
}

/// The card that an EM4100 reader sees as 01 0063E9AE, printed 0006547886 and 099,59822.
#[test]
fn one_card_at_any_reader_is_one_badge() {
    let scanned = |text: &str| format!("{text}\r\n").into_bytes();
    let idteck = idteck_frame(0x63_E9AE, 24);
    for (rule, key) in [
        (BadgeKeyRule::Decimal32, "6547886"),
        (BadgeKeyRule::Decimal24, "6547886"),
        (BadgeKeyRule::FacilityCard, "99-59822"),
    ] {
        for (format, bytes) in [
            (Format::Rdm6300, b"\x02010063E9AE25\x03".to_vec()),
            (Format::Id12la, b"\x02010063E9AE25\r\n\x03".to_vec()),
            (Format::Em18, b"010063E9AE25".to_vec()),
            (Format::Em4100, b"\x02010063e9ae25\x03".to_vec()),
            (Format::Idteck, idteck.clone()),
            (Format::WiegandHex, scanned("63E9AE")),
            (Format::WiegandDecimal, scanned("06547886")),
            (Format::Track2, scanned(";0006547886?")),
            (Format::Scanner, scanned("]C00006547886")),
            (Format::Line, scanned("0006547886")),
        ] {
            assert_eq!(
                keys(&decode(with_rule(format, rule), &bytes)),
                [key],
                "{rule:?} {format:?}"
            );
        }
    }
    let printed = with_rule(Format::Scanner, BadgeKeyRule::FacilityCard);
    assert_eq!(keys(&decode(printed, b"099,59822\r99-59822\r")), ["99-59822"; 2]);
}

proptest! {
    #[test]
    fn an_idteck_frame_is_read_between_any_noise(
        before in prop::collection::vec(any::<u8>(), 0..60),
        after in prop::collection::vec(any::<u8>(), 0..60),
        data in 1_u32..,
    ) {
        let frame = idteck_frame(u64::from(data), 32);
        // An STX in the byte before the frame makes the frame's own STX look like its checksum.
        prop_assume!(before.last() != Some(&3) && after.last() != Some(&3));
        let bytes = [before.as_slice(), &frame, &after, &frame].concat();
        let read = keys(&decode(Decoding::new(Format::Idteck), &bytes));
        prop_assert_eq!(read.iter().filter(|key| **key == data.to_string()).count(), 2, "{:?}", read);
    }

    #[test]
    fn a_stripe_and_a_code_are_read_after_any_other_line(before in prop::collection::vec(any::<u8>(), 0..60)) {
        let stripe = [before.as_slice(), b"\r;0012345?\r"].concat();
        prop_assert_eq!(keys(&decode(Decoding::new(Format::Track2), &stripe)).pop(), Some("0012345".to_owned()));
        let code = [before.as_slice(), b"\rEMP-0042\r"].concat();
        prop_assert_eq!(keys(&decode(with_suffix(Suffix::Cr), &code)).pop(), Some("EMP-0042".to_owned()));
    }

    #[test]
    fn vectors_read_the_same_however_they_are_cut(first in 0_usize..40, second in 0_usize..40) {
        for (format, protocol) in [(Format::Idteck, "idteck"), (Format::Track2, "magstripe"), (Format::Scanner, "barcode")] {
            for Vector { bytes, .. } in vectors(protocol) {
                let (first, second) = (first.min(second).min(bytes.len()), first.max(second).min(bytes.len()));
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                prop_assert_eq!(
                    decode_pieces(Decoding::new(format), pieces),
                    decode(Decoding::new(format), &bytes)
                );
            }
        }
    }
}
