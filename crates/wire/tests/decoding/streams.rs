//! Streams as lines really carry them: noise, torn frames, flipped bits, any cut, any length.

use crate::common::{Decoded, decode, decode_bursts, decode_pieces, keys};
use proptest::prelude::*;
use wire::WiegandFormat::{H10301, H10302, H10304, Wiegand34};
use wire::WiegandRule::{ByLength, Named};
use wire::badge::Bits;
use wire::em4100::{Frame, Tag};
use wire::limits::{DEEPEST_NESTING, LONGEST_BADGE, LONGEST_LINE, LONGEST_MALFORMED};
use wire::wiegand::{emit_decimal_line, emit_hex_line};
use wire::{BadgeKeyRule, Decoding, Faces, Format, HappenedAt, Reading, Reason, Suffix, WiegandFormat, WiegandRule};

const TAG: Tag = Tag([0x01, 0x00, 0x63, 0xE9, 0xAE]);

fn emit(format: Format, tag: Tag) -> Vec<u8> {
    match format {
        Format::Id12la => tag.emit_id12la(),
        Format::Em18 => tag.emit_em18(),
        _ => tag.emit_rdm6300(),
    }
}

/// Decodes one thing and then another; where only silence can tell them apart, with silence in between.
fn decode_both(format: Format, first: &[u8], second: &[u8]) -> Decoded {
    match format {
        Format::Em18 => decode_bursts(Decoding::new(format), &[first, second]),
        _ => decode(Decoding::new(format), &[first, second].concat()),
    }
}

fn reasons(format: Format, bytes: &[u8]) -> Vec<Reason> {
    decode(Decoding::new(format), bytes)
        .into_iter()
        .filter_map(|item| item.err().map(|malformed| malformed.reason))
        .collect()
}

/// Bytes in which frames, marks, digits and line ends are as likely as anything else.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<[u8; 5]>().prop_map(|tag| Tag(tag).emit_rdm6300()),
        any::<[u8; 5]>().prop_map(|tag| Tag(tag).emit_id12la()),
        any::<[u8; 5]>().prop_map(|tag| Tag(tag).emit_em18()),
        any::<u32>().prop_map(|number| format!("{number}\r\n").into_bytes()),
        any::<u32>().prop_map(|number| format!("{:06X}\r", number & 0x00FF_FFFF).into_bytes()),
        any::<u32>().prop_map(
            |number| wire::idteck::emit(Bits::new(u64::from(number), 32).expect("32 bits")).expect("a frame")
        ),
        any::<u32>().prop_map(|number| wire::magstripe::emit_line(&format!("{number}=2512"))),
        Just(b"]Q1EMP-0042\r\n".to_vec()),
        Just(br#"{"badge":"7","id":"a"}"#.to_vec()),
        prop::collection::vec(
            prop::sample::select(&b"\x02\x03\r\n\t\x000123456789abcDEF,{}\"[];?="[..]),
            0..40
        ),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn any_decoding() -> impl Strategy<Value = Decoding> {
    let (formats, suffixes) = (
        prop::sample::select(&Format::ALL[..]),
        prop::sample::select(&Suffix::ALL[..]),
    );
    (formats, suffixes).prop_map(|(format, suffix)| Decoding {
        suffix,
        ..Decoding::new(format)
    })
}

proptest! {
    #[test]
    fn cuts_make_no_difference(decoding in any_decoding(), bytes in stream(), cut in 1_usize..20) {
        prop_assert_eq!(decode_pieces(decoding, bytes.chunks(cut)), decode(decoding, &bytes));
    }

    #[test]
    fn nothing_is_lost_but_line_ends(decoding in any_decoding(), bytes in stream()) {
        // Most messages are no readings.
        prop_assume!(!decoding.format.is_message());
        let decoded = decode(decoding, &bytes);
        let kept: usize = decoded.iter().map(|item| match item {
            // A frame is its digits and at most four bytes around them; a line is itself and its end.
            Ok(reading) if reading.bits == Some(40) => wire::em4100::LONGEST_FRAME,
            Ok(reading) if reading.bits.is_some() => 65,
            // Behind a track 2 its checksum may stand, or another track.
            Ok(reading) if decoding.format == Format::Track2 => reading.raw.len() + bytes.len(),
            Ok(reading) => reading.raw.len() + 1,
            Err(malformed) => malformed.bytes.len(),
        }).sum();
        let line_ends = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n' | b'\t' | 0)).count();
        prop_assert!(kept + line_ends >= bytes.iter().filter(|byte| **byte != b' ').count(), "{:?}", decoded);
    }

    #[test]
    fn a_frame_is_read_between_any_noise(
        format in prop::sample::select(&[Format::Em4100, Format::Rdm6300, Format::Id12la][..]),
        before in prop::collection::vec(any::<u8>(), 0..60),
        after in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let frame = emit(format, TAG);
        let bytes = [before.as_slice(), &frame, &after, &frame].concat();
        let decoded = decode(Decoding::new(format), &bytes);
        let read = keys(&decoded);
        prop_assert!(read.iter().filter(|key| **key == "6547886").count() == 2, "{:?}", decoded);
    }

    #[test]
    fn a_frame_without_marks_is_read_where_its_run_ends(before in "[0-9A-F]{1,11}", tag in any::<[u8; 5]>()) {
        let bytes = [before.as_bytes(), &Tag(tag).emit_em18()].concat();
        // One run in 256 has a checksum that fits by chance at its beginning too.
        prop_assume!(tag != [0; 5] && Frame::new_checked(&bytes[..12]).is_err());
        let decoded = decode(Decoding { badge_key: BadgeKeyRule::Hex, ..Decoding::new(Format::Em18) }, &bytes);
        prop_assert_eq!(keys(&decoded), [format!("{:010x}", Tag(tag).number())]);
        prop_assert_eq!(&decoded[0].as_ref().expect_err("what came before").bytes, before.as_bytes());
    }

    #[test]
    fn a_line_is_read_after_any_other_line(before in prop::collection::vec(any::<u8>(), 0..60)) {
        let bytes = [before.as_slice(), b"\nEMP-0042\n"].concat();
        prop_assert_eq!(keys(&decode(Decoding::new(Format::Line), &bytes)).pop(), Some("EMP-0042".to_owned()));
    }

    #[test]
    fn tags_come_back_as_they_were_sent(
        format in prop::sample::select(&[Format::Rdm6300, Format::Id12la, Format::Em18][..]),
        tag in any::<[u8; 5]>(),
    ) {
        prop_assume!(tag != [0; 5]);
        for format in [format, Format::Em4100] {
            let by_name = if format == Format::Em4100 { Format::Rdm6300 } else { format };
            let decoded = decode(Decoding::new(format), &emit(by_name, Tag(tag)));
            prop_assert_eq!(&decoded[0].as_ref().expect("a good frame").raw, &tag.to_vec());
            prop_assert_eq!(decoded.len(), 1);
        }
    }

    #[test]
    fn cards_come_back_as_they_were_sent(
        format in prop::sample::select(&WiegandFormat::ALL[..]),
        facility in any::<u64>(),
        number in 1_u64..,
    ) {
        let facility = if format == WiegandFormat::H10302 { 0 } else { facility % (1 << if format == WiegandFormat::H10301 { 8 } else { 16 }) };
        let number = 1 + number % 0xFFFF;
        let key = if format == WiegandFormat::H10302 { number.to_string() } else { format!("{facility}-{number}") };
        let (data, bits) = format.data_of(facility, number).zip(format.emit(facility, number)).expect("numbers that fit");
        prop_assert_eq!(format.check_parity(bits), Ok(data));
        let named = |line_format| Decoding { wiegand_format: WiegandRule::Named(format), ..Decoding::new(line_format) };
        prop_assert_eq!(keys(&decode(named(Format::WiegandHex), &emit_hex_line(data))), [key.as_str()]);
        prop_assert_eq!(keys(&decode(named(Format::WiegandHex), &emit_hex_line(bits))), [key.as_str()]);
        prop_assert_eq!(keys(&decode(named(Format::WiegandDecimal), &emit_decimal_line(data))), [key.as_str()]);
        for flipped in 0..bits.length() {
            let wrong = Bits::new(bits.value() ^ 1 << flipped, bits.length()).expect("as many bits");
            // Bit 19 of 37 is in both halves, so it is missed by neither.
            prop_assert_eq!(format.check_parity(wrong), Err(Reason::Parity));
        }
    }
}

#[test]
fn every_truncation_is_reported_and_the_next_frame_is_read() {
    for format in [Format::Rdm6300, Format::Id12la, Format::Em18] {
        let frame = emit(format, TAG);
        for length in 1..frame.len() {
            let decoding = Decoding::new(format);
            let torn = decode(decoding, &frame[..length]);
            let malformed = torn[0].as_ref().expect_err("half a frame");
            assert_eq!(
                (torn.len(), malformed.reason, malformed.bytes.as_slice()),
                (1, Reason::Truncated, &frame[..length])
            );
            let both = decode_both(format, &frame[..length], &frame);
            assert_eq!(keys(&both), ["6547886"], "{format:?} cut after {length}");
        }
    }
}

/// The XOR finds every single flipped bit: a frame is read as what it was (a flip that only changes the case of a digit), or not at all.
#[test]
fn no_single_flipped_bit_makes_another_tag() {
    for format in [Format::Em4100, Format::Rdm6300, Format::Id12la, Format::Em18] {
        let frame = emit(format, TAG);
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let decoded = decode(Decoding::new(format), &flipped);
            assert!(
                keys(&decoded).iter().all(|key| *key == "6547886"),
                "{format:?}, bit {bit}: {decoded:?}"
            );
            assert!(!decoded.is_empty(), "{format:?}, bit {bit}: vanished in silence");
            let followed = decode_both(format, &flipped, &frame);
            assert_eq!(
                keys(&followed).last().map(String::as_str),
                Some("6547886"),
                "{format:?}, bit {bit}: the next frame is read"
            );
        }
    }
}

/// What a XOR cannot find, counted, so that nobody takes it for more than it is: the same bit of two bytes.
#[test]
fn some_pairs_of_flipped_bits_make_another_tag() {
    let frame = emit(Format::Rdm6300, TAG);
    let (mut pairs, mut missed) = (0, 0);
    for first in 0..frame.len() * 8 {
        for second in first + 1..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[first / 8] ^= 1 << (first % 8);
            flipped[second / 8] ^= 1 << (second % 8);
            pairs += 1;
            missed += i32::from(
                keys(&decode(Decoding::new(Format::Rdm6300), &flipped))
                    .iter()
                    .any(|key| *key != "6547886"),
            );
        }
    }
    assert_eq!((missed, pairs), (51, 6_216));
}

/// Every rotation of a repeated frame has a checksum that fits: only the ends of the run can say which one it is.
#[test]
fn a_lost_digit_among_repeats_makes_no_other_tag() {
    let repeats = TAG.emit_em18().repeat(3);
    for lost in 0..repeats.len() {
        let bytes = [&repeats[..lost], &repeats[lost + 1..]].concat();
        let decoded = decode(Decoding::new(Format::Em18), &bytes);
        assert!(
            keys(&decoded).iter().all(|key| key == "6547886"),
            "without digit {lost}: {decoded:?}"
        );
    }
    assert_eq!(keys(&decode(Decoding::new(Format::Em18), &repeats)), ["6547886"; 3]);
    assert_eq!(
        keys(&decode(Decoding::new(Format::Em18), &TAG.emit_em18().repeat(50))).len(),
        50,
        "a capture without silences"
    );
}

#[test]
fn two_tags_at_once_are_no_badge() {
    for format in [Format::Em4100, Format::Rdm6300, Format::Id12la, Format::Em18] {
        assert_eq!(reasons(format, &emit(format, Tag([0; 5]))), [Reason::Collision]);
    }
    assert_eq!(reasons(Format::WiegandHex, b"000000\r"), [Reason::Collision]);
    assert_eq!(reasons(Format::WiegandDecimal, b"0000000000\r\n"), [Reason::Collision]);
}

#[test]
fn frames_without_an_end_do_not_swallow_the_next() {
    let good = TAG.emit_rdm6300();
    let bytes = [b"\x02AAAAAAAAAAAAAAAAAAAAAAAA".as_slice(), &good].concat();
    let decoded = decode(Decoding::new(Format::Rdm6300), &bytes);
    assert_eq!(keys(&decoded), ["6547886"]);
    assert_eq!(reasons(Format::Rdm6300, &bytes), [Reason::TooLong, Reason::Noise]);
    assert_eq!(reasons(Format::Rdm6300, b"\x02010063E9AE2\x03"), [Reason::Length]);
    assert_eq!(
        reasons(Format::Rdm6300, b"\x02010063E9AG25\x03"),
        [Reason::BadCharacter]
    );
}

#[test]
fn wiegand_lines_say_by_their_digits_what_they_hold() {
    let read = |format, wiegand_format, line: &str| {
        let decoding = Decoding {
            wiegand_format,
            ..Decoding::new(format)
        };
        let decoded = decode(decoding, format!("{line}\r").as_bytes());
        decoded
            .into_iter()
            .next()
            .expect("a line")
            .map(|reading| (reading.key, reading.bits))
            .map_err(|malformed| malformed.reason)
    };
    let card = |key: &str, bits| Ok((key.to_owned(), Some(bits)));
    for (wiegand_format, line, expected) in [
        (ByLength, "763AE8", card("118-15080", 24)),
        (ByLength, "763ae8", card("118-15080", 24)),
        (ByLength, "2EC75D1", card("118-15080", 26)),
        (ByLength, "2EC75D0", Err(Reason::Parity)),
        (ByLength, "4EC75D1", Err(Reason::OutOfRange)),
        (ByLength, "860DDF79", card("34317-57209", 32)),
        (ByLength, "10C1BBEF3", card("34317-57209", 34)),
        (ByLength, "104D23C481", card("1234-123456", 37)),
        (Named(H10302), "100178C29C", card("12345678", 37)),
        (Named(H10304), "100178C29C", card("23-287054", 37)),
        (Named(H10301), "00763AE8", card("118-15080", 24)),
        (Named(H10301), "860DDF79", Err(Reason::OutOfRange)),
        (Named(Wiegand34), "010C1BBEF3", card("34317-57209", 34)),
        (Named(H10301), "10C1BBEF3", Err(Reason::Length)),
        (ByLength, "76", Err(Reason::Length)),
        (ByLength, "763AEG", Err(Reason::BadCharacter)),
        (ByLength, "+63AE8", Err(Reason::BadCharacter)),
    ] {
        assert_eq!(
            read(Format::WiegandHex, wiegand_format, line),
            expected,
            "{line} {wiegand_format:?}"
        );
    }
    for (wiegand_format, line, expected) in [
        (ByLength, "07748328", card("118-15080", 24)),
        (ByLength, "7748328", card("118-15080", 24)),
        (ByLength, "2249056121", card("34317-57209", 32)),
        (Named(H10301), "0007748328", card("118-15080", 24)),
        (Named(H10301), "2249056121", Err(Reason::OutOfRange)),
        (Named(H10304), "647094848", card("1234-123456", 35)),
        (ByLength, "4302741608", Err(Reason::OutOfRange)),
        (ByLength, "77483x8", Err(Reason::BadCharacter)),
        (ByLength, "000000000001", Err(Reason::Length)),
    ] {
        assert_eq!(
            read(Format::WiegandDecimal, wiegand_format, line),
            expected,
            "{line} {wiegand_format:?}"
        );
    }
}

#[test]
fn packed_bits_that_fit_two_formats_are_not_guessed() {
    let ambiguous: Vec<u64> = (1..=64)
        .filter(|number| {
            let bits = WiegandFormat::H10304
                .emit(4_000, number << 2)
                .expect("numbers that fit");
            Reading::parse_wiegand_packed(
                &bits.left_justified(),
                WiegandRule::ByLength,
                BadgeKeyRule::FacilityCard,
            ) == Err(Reason::Ambiguous)
        })
        .collect();
    assert!(
        !ambiguous.is_empty(),
        "some 37-bit cards end in zeros and fit the parity of 34 bits too"
    );
    for number in ambiguous {
        let bits = WiegandFormat::H10304
            .emit(4_000, number << 2)
            .expect("numbers that fit")
            .left_justified();
        let named = Reading::parse_wiegand_packed(
            &bits,
            WiegandRule::Named(WiegandFormat::H10304),
            BadgeKeyRule::FacilityCard,
        );
        assert_eq!(named.expect("a named format").key, format!("4000-{}", number << 2));
    }
}

#[test]
fn lines_end_in_any_of_four_ways_and_empty_ones_are_none() {
    let bytes = b"A\rB\nC\r\nD\0\n\r\n\0E\n";
    assert_eq!(
        keys(&decode(Decoding::new(Format::Line), bytes)),
        ["A", "B", "C", "D", "E"]
    );
}

#[test]
fn lines_carry_badge_instant_and_direction() {
    let read = |line: &str| Reading::parse_line(line, BadgeKeyRule::Text);
    let full = read("00A1, 2026-01-05T08:00:00.1239+08:00 ,out").expect("a good line");
    assert_eq!((full.key.as_str(), full.faces), ("00A1", Some(Faces::Out)));
    assert_eq!(
        full.happened_at,
        Some(HappenedAt::Instant(1_767_571_200_123)),
        "finer parts are cut off"
    );
    for text in ["2026-01-05 08:00", "2026-01-05T08:00:00", "2026-01-05 08:00:00.000"] {
        let civil = read(&format!("7,{text}"))
            .expect("a good line")
            .happened_at
            .expect("a time");
        assert_eq!(civil.to_string(), "2026-01-05 08:00:00", "{text}");
    }
    for (line, reason) in [
        (",2026-01-05T08:00:00Z", Reason::EmptyBadge),
        ("7,yesterday", Reason::BadInstant),
        ("7,", Reason::BadInstant),
        ("7,2026-02-30 08:00", Reason::BadInstant),
        ("7,2026-01-05T08:00:00Z,sideways", Reason::BadDirection),
        ("7,2026-01-05T08:00:00Z,in,more", Reason::TooManyFields),
        ("7\t8", Reason::ControlByte),
    ] {
        assert_eq!(read(line), Err(reason), "{line}");
    }
    assert_eq!(read(&"7".repeat(LONGEST_BADGE + 1)), Err(Reason::TooLong));
    assert_eq!(
        reasons(Format::Line, b"7\x1b[2J\n\xff\xfe\n \n"),
        [Reason::ControlByte, Reason::NotUtf8, Reason::EmptyBadge]
    );
}

#[test]
fn badges_that_come_as_text_can_be_read_as_the_numbers_they_write() {
    let key = |rule, badge| Reading::parse_line(badge, rule).map(|reading| reading.key);
    for (rule, badge, expected) in [
        (BadgeKeyRule::Text, "0006547886", Ok("0006547886")),
        (BadgeKeyRule::Decimal32, "0006547886", Ok("6547886")),
        (BadgeKeyRule::Decimal24, "3808980205", Ok("552173")),
        (BadgeKeyRule::FacilityCard, "0006547886", Ok("99-59822")),
        (BadgeKeyRule::FacilityCard, "4294967296", Err(Reason::OutOfRange)),
        (BadgeKeyRule::Hex, "010063E9AE", Ok("010063e9ae")),
        (BadgeKeyRule::Hex, "01 00", Err(Reason::BadCharacter)),
        (BadgeKeyRule::Decimal32, "-1", Err(Reason::BadCharacter)),
        (BadgeKeyRule::Decimal32, "99999999999999999999", Err(Reason::OutOfRange)),
    ] {
        assert_eq!(
            key(rule, badge).as_deref().map_err(|reason| *reason),
            expected,
            "{rule:?} {badge}"
        );
    }
}

#[test]
fn json_records_carry_more_and_promise_less() {
    let line = r#"{"id":"r-1","reader":"hall","badge":"7","happened_at":"2026-01-05T00:00:00Z","sequence":4,"faces":"both","x":[1]}"#;
    for format in [Format::Json, Format::Line] {
        let decoded = decode(Decoding::new(format), format!("{line}\n").as_bytes());
        let reading = decoded[0].as_ref().expect("a good record");
        assert_eq!(reading.raw, line.as_bytes());
        assert_eq!(
            (reading.source_id.as_deref(), reading.reader.as_deref()),
            (Some("r-1"), Some("hall"))
        );
        assert_eq!((reading.sequence, reading.faces), (Some(4), Some(Faces::Both)));
        assert_eq!(reading.happened_at, Some(HappenedAt::Instant(1_767_571_200_000)));
    }
    let read = |line: &str| Reading::parse_json(line, BadgeKeyRule::Text);
    assert_eq!(
        read(r#"{"badge":7748328,"id":null}"#)
            .expect("a number is its digits")
            .key,
        "7748328"
    );
    let deep = format!(
        r#"{{"badge":"7","x":{}{}}}"#,
        "[".repeat(DEEPEST_NESTING),
        "]".repeat(DEEPEST_NESTING)
    );
    let brackets_in_text = format!(r#"{{"badge":"7","x":"\"{}"}}"#, "[".repeat(50));
    assert_eq!(read(&brackets_in_text).expect("brackets in text").key, "7");
    for (line, reason) in [
        ("EMP-0042", Reason::NotJson),
        ("[]", Reason::NotJson),
        (r#"{"badge":"7""#, Reason::NotJson),
        (r#"{"badge":"7"} {"badge":"8"}"#, Reason::NotJson),
        ("{}", Reason::EmptyBadge),
        (r#"{"badge":""}"#, Reason::EmptyBadge),
        (r#"{"badge":["7"]}"#, Reason::BadField),
        (r#"{"badge":7.5}"#, Reason::BadField),
        (r#"{"badge":"7\u0000"}"#, Reason::ControlByte),
        (r#"{"badge":"7","happened_at":1767571200}"#, Reason::BadField),
        (r#"{"badge":"7","happened_at":"soon"}"#, Reason::BadInstant),
        (r#"{"badge":"7","faces":"up"}"#, Reason::BadDirection),
        (r#"{"badge":"7","sequence":-1}"#, Reason::BadField),
        (r#"{"badge":"7","id":""}"#, Reason::BadField),
        (deep.as_str(), Reason::TooDeep),
    ] {
        assert_eq!(read(line), Err(reason), "{line}");
    }
    assert_eq!(reasons(Format::Json, b"EMP-0042\n"), [Reason::NotJson]);
}

#[test]
fn a_line_without_an_end_costs_one_line_and_no_more_memory() {
    let endless = vec![b'7'; 10 * LONGEST_LINE];
    let bytes = [endless.as_slice(), b"\nEMP-0042\n"].concat();
    for cut in [1, 1_000, bytes.len()] {
        let decoded = decode_pieces(Decoding::new(Format::Line), bytes.chunks(cut));
        let malformed = decoded[0].as_ref().expect_err("too long");
        assert_eq!(
            (malformed.reason, malformed.bytes.len()),
            (Reason::TooLong, LONGEST_MALFORMED)
        );
        assert_eq!((decoded.len(), keys(&decoded)), (2, vec!["EMP-0042".to_owned()]));
    }
    let longest = "7".repeat(LONGEST_BADGE) + &" ".repeat(LONGEST_LINE - LONGEST_BADGE) + "\n";
    assert_eq!(
        keys(&decode(Decoding::new(Format::Line), longest.as_bytes())).len(),
        1,
        "the longest line that is one"
    );
    assert_eq!(reasons(Format::Line, &[b' '; LONGEST_LINE + 1]), [Reason::TooLong]);
}

#[test]
fn silence_ends_half_a_line_so_that_it_is_not_joined_to_the_next() {
    let mut decoder = wire::Decoder::new(Decoding::new(Format::WiegandDecimal));
    assert_eq!(decoder.push(b"12345"), 5);
    assert!(decoder.next().is_none());
    assert!(decoder.is_waiting());
    decoder.idle();
    assert_eq!(decoder.push(b"67890\r"), 0, "first take out what the silence ended");
    let torn = decoder.next().expect("half a line").expect_err("no number");
    assert_eq!((torn.reason, torn.bytes.as_slice()), (Reason::Truncated, &b"12345"[..]));
    assert!(decoder.next().is_none());
    assert_eq!(decoder.push(b"67890\r"), 6);
    assert_eq!(decoder.next().expect("a line").expect("a good one").key, "1-2354");
}
