//! What ZKTeco terminals push, and what they are told.

use chrono::NaiveDateTime;
use wire::adms::answer::{Options, accepted, time_zone};
use wire::adms::{
    Ask, Call, Command, CommandResult, RecordRule, Records, Refusal, StatusRule, Terminal, Trust, count, operations,
    results, settings, understand,
};
use wire::limits::LONGEST_MALFORMED;
use wire::zk::time::{of_six_bytes, pack, six_bytes, unpack};
use wire::{BadgeKeyRule, Decoding, Faces, Format, HappenedAt, Reading, Reason};

use crate::common::{Vector, decode, decode_pieces, keys, number, text, vectors};

const RULE: RecordRule = RecordRule {
    badge_key: BadgeKeyRule::Text,
    status: StatusRule::Ignore,
};

fn civil(text: &str) -> NaiveDateTime {
    text.parse()
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S"))
        .expect("a time")
}

fn read(line: &str) -> Result<Reading, Reason> {
    Reading::parse_attlog(line.as_bytes(), RULE)
}

#[test]
fn the_records_of_every_firmware_are_read() {
    for Vector {
        name, bytes, expected, ..
    } in vectors("zk-adms")
        .iter()
        .filter(|vector| vector.name.starts_with("ATTLOG"))
    {
        let records: Vec<Reading> = Records::new(bytes, RULE)
            .map(|record| record.expect("a good line"))
            .collect();
        if expected["records"].is_u64() {
            assert_eq!(
                (records.len() as u64, count(bytes) as u64),
                (number(expected, "records"), number(expected, "records")),
                "{name}"
            );
            continue;
        }
        let reading = &records[0];
        assert_eq!(reading.key, text(expected, "pin"), "{name}");
        if expected["time"].is_string() {
            assert_eq!(
                reading.happened_at,
                Some(HappenedAt::Civil(civil(&text(expected, "time")))),
                "{name}"
            );
        }
        let id = reading
            .source_id
            .as_deref()
            .expect("an id")
            .split('|')
            .collect::<Vec<_>>()
            .join(" ");
        let status = format!(" {} {} 0", number(expected, "status"), number(expected, "verify"));
        assert!(id.ends_with(&status), "{name}: {id}");
        assert_eq!(
            decode(Decoding::new(Format::Adms), bytes),
            [Ok(reading.clone())],
            "{name}"
        );
    }
}

#[test]
fn a_record_is_the_same_however_many_fields_carry_it() {
    let whole =
        read("0042\t2026-01-05 08:00:00\t0\t1\t0\t0\t0\t0\t36.5\t0\t+28800\teyJ4IjoxfQ==").expect("twelve fields");
    assert_eq!(whole.source_id.as_deref(), Some("0042|2026-01-05 08:00:00|0|1|0"));
    assert_eq!(
        whole.happened_at,
        Some(HappenedAt::Instant(1_767_571_200_000)),
        "it says its zone"
    );
    let short = read("0042\t2026-01-05 08:00:00\t0\t1").expect("four fields");
    assert_eq!((short.source_id, short.key.as_str()), (whole.source_id, "0042"));
    assert_eq!(short.happened_at, Some(HappenedAt::Civil(civil("2026-01-05 08:00:00"))));
    let odd_zone = read("7\t2026-01-05 08:00:00\t0\t1\t0\t0\t0\t0\t0\t0\tsoon").expect("a zone that is none");
    assert_eq!(odd_zone.happened_at, short.happened_at);
}

#[test]
fn the_state_is_a_direction_only_where_the_reader_says_so() {
    let direction = RecordRule {
        status: StatusRule::Direction,
        ..RULE
    };
    for (status, faces) in [
        ("0", Some(Faces::In)),
        ("1", Some(Faces::Out)),
        ("2", Some(Faces::Out)),
        ("3", Some(Faces::In)),
        ("4", Some(Faces::In)),
        ("5", Some(Faces::Out)),
        ("255", None),
    ] {
        let line = format!("7\t2026-01-05 08:00:00\t{status}\t1");
        assert_eq!(
            Reading::parse_attlog(line.as_bytes(), direction)
                .expect("a good line")
                .faces,
            faces,
            "{status}"
        );
        assert_eq!(read(&line).expect("a good line").faces, None);
    }
}

#[test]
fn a_wrong_line_is_named_and_costs_no_other() {
    for (line, reason) in [
        ("7", Reason::BadInstant),
        ("7\t2026-02-30 08:00:00\t0\t1", Reason::BadInstant),
        ("7\t2026-01-05T08:00:00Z\t0\t1", Reason::BadInstant),
        ("\t2026-01-05 08:00:00\t0\t1", Reason::EmptyBadge),
        ("7\x01\t2026-01-05 08:00:00\t0\t1", Reason::ControlByte),
        ("7\t2026-01-05 08:00:00\tin\t1", Reason::BadField),
        ("7\t2026-01-05 08:00:00\t0\t1111", Reason::BadField),
        ("7\t2026-01-05 08:00:00\t0\t1\t\u{7}", Reason::ControlByte),
    ] {
        assert_eq!(read(line), Err(reason), "{line}");
    }
    assert_eq!(
        Reading::parse_attlog(b"\xC0\xEE\t2026-01-05 08:00:00\t0\t1", RULE),
        Err(Reason::NotUtf8)
    );
    let body = b"1\t2026-01-05 08:00:00\t0\t1\r\n\r\ngarbage\nmore of it\n2\t2026-01-05 08:00:01\t0\t1\n\xff\n";
    let records: Vec<_> = Records::new(body, RULE).collect();
    assert_eq!(
        records
            .iter()
            .filter_map(|record| record.as_ref().ok())
            .map(|reading| reading.key.as_str())
            .collect::<Vec<_>>(),
        ["1", "2"]
    );
    let wrong: Vec<&[u8]> = records
        .iter()
        .filter_map(|record| record.as_ref().err())
        .map(|malformed| malformed.bytes.as_slice())
        .collect();
    assert_eq!(wrong, [b"garbage\nmore of it".as_slice(), b"\xff"]);
    assert_eq!(count(body), 5, "every line that is not empty, the wrong ones too");
}

#[test]
fn a_body_of_garbage_is_kept_whole_in_few_pieces() {
    let body = "no record at all\n".repeat(10_000);
    let records: Vec<_> = Records::new(body.as_bytes(), RULE).collect();
    let kept: usize = records
        .iter()
        .map(|record| record.as_ref().expect_err("garbage").bytes.len() + 1)
        .sum();
    assert_eq!(kept, body.len());
    assert!(
        records.len() <= body.len() / (LONGEST_MALFORMED / 2),
        "{}",
        records.len()
    );
}

#[test]
fn calls_are_understood_in_every_spelling() {
    let handshake = &vectors("zk-adms")
        .into_iter()
        .find(|vector| vector.name == "handshake request")
        .expect("the vector");
    let line = String::from_utf8(handshake.bytes.clone()).expect("text");
    let (path, query) = line
        .strip_prefix("GET /iclock/")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|target| target.split_once('?'))
        .expect("a request line");
    let call = understand("GET", path, query).expect("understood");
    assert_eq!(call.serial, text(&handshake.expected, "sn"));
    assert_eq!(
        call.ask,
        Ask::Options {
            comm_key: Some("4a9594af164f2b9779b59e8554b5df26".into()),
            version: Some(text(&handshake.expected, "pushver"))
        }
    );

    let ask = |method, path, query| understand(method, path, query).map(|Call { ask, .. }| ask);
    let attendance = Ok(Ask::Attendance {
        stamp: Some("9999".into()),
    });
    for path in ["cdata", "cdata.aspx", "CDATA.ASPX", "cdata/"] {
        assert_eq!(ask("POST", path, "SN=A1&table=ATTLOG&Stamp=9999"), attendance);
        assert_eq!(ask("POST", path, "sn=A%31&TABLE=attlog&stamp=9999"), attendance);
    }
    for (method, path, query, expected) in [
        ("POST", "cdata", "SN=A1&table=OPERLOG", Ask::Operations),
        ("POST", "cdata", "SN=A1&table=options", Ask::Settings),
        (
            "POST",
            "cdata",
            "SN=A1&table=BIODATA",
            Ask::Unneeded {
                table: "BIODATA".into(),
            },
        ),
        (
            "POST",
            "cdata",
            "SN=A1&table=rtlog",
            Ask::Foreign { table: "rtlog".into() },
        ),
        ("POST", "cdata", "SN=A1", Ask::Unneeded { table: "cdata".into() }),
        ("POST", "fdata.aspx", "SN=A1", Ask::Unneeded { table: "fdata".into() }),
        (
            "GET",
            "getrequest",
            "SN=A1&INFO=Ver+1,3,2",
            Ask::Commands {
                info: Some("Ver 1,3,2".into()),
            },
        ),
        ("POST", "devicecmd", "SN=A1", Ask::Results),
        ("GET", "ping", "SN=A1", Ask::Ping),
    ] {
        assert_eq!(ask(method, path, query), Ok(expected));
    }
    for (method, path, query, refusal) in [
        ("GET", "cdata", "options=all", Refusal::NoSerial),
        ("GET", "cdata", "SN=", Refusal::NoSerial),
        ("GET", "cdata", "SN=a%0Ab", Refusal::NoSerial),
        ("GET", "cdata", "SN=a|b", Refusal::NoSerial),
        ("POST", "exchange", "SN=A1&type=publickey", Refusal::Encrypted),
        ("GET", "devicecmd", "SN=A1", Refusal::UnknownCall),
        ("POST", "../etc/passwd", "SN=A1", Refusal::UnknownCall),
    ] {
        assert_eq!(ask(method, path, query), Err(refusal), "{method} {path}?{query}");
    }
}

#[test]
fn a_terminal_is_asked_for_records_and_operations_only() {
    let options = Options {
        serial: "0316144680030",
        stamp: None,
        offset_minutes: 480,
    };
    let lines: Vec<String> = options.text().lines().map(str::to_owned).collect();
    let expected = vectors("zk-adms")
        .into_iter()
        .find(|vector| vector.name == "handshake response body")
        .expect("the vector");
    assert_eq!(lines[0], text(&expected.expected, "first_line"));
    for line in [
        "ATTLOGStamp=None",
        "TransFlag=TransData AttLog\tOpLog",
        "TimeZone=8",
        "Realtime=1",
        "Encrypt=None",
        "Delay=10",
    ] {
        assert!(lines.iter().any(|said| said == line), "{line} in {lines:?}");
    }
    assert!(
        Options {
            stamp: Some("77"),
            ..options
        }
        .text()
        .contains("\nATTLOGStamp=77\n")
    );
    for (minutes, written) in [(480, 8), (-300, -5), (0, 0), (330, 330), (-570, -570), (345, 345)] {
        assert_eq!(
            time_zone(minutes),
            written,
            "a wrong unit would put the terminal's clock wrong"
        );
    }
    assert_eq!(accepted(3), "OK: 3");
}

#[test]
fn commands_and_their_results() {
    let now = civil("2018-02-22 14:54:54");
    let query = Command::Attendance {
        from: civil("2026-01-05 00:00:00"),
        until: civil("2026-01-05 23:59:59"),
    };
    assert_eq!(Command::Check.line("7", now).as_deref(), Some("C:7:CHECK\n"));
    assert_eq!(
        Command::SetClock.line("7", now).as_deref(),
        Some("C:7:SET OPTION DateTime=583080894\n")
    );
    assert_eq!(
        query.line("8", now).as_deref(),
        Some("C:8:DATA QUERY ATTLOG StartTime=2026-01-05 00:00:00\tEndTime=2026-01-05 23:59:59\n")
    );
    let batch = vectors("zk-adms")
        .into_iter()
        .find(|vector| vector.name == "devicecmd batch")
        .expect("the vector");
    let expected = batch.expected["results"].as_array().expect("a list").clone();
    let read: Vec<(String, i64)> = results(&batch.bytes)
        .into_iter()
        .map(|CommandResult { id, code }| (id, code))
        .collect();
    let wanted: Vec<(String, i64)> = expected
        .iter()
        .map(|result| {
            (
                result[0].as_str().expect("an id").to_owned(),
                result[1].as_i64().expect("a code"),
            )
        })
        .collect();
    assert_eq!(read, wanted);
    let printed =
        b"ID=5&Return=0&CMD=INFO\n~DeviceName=X\nFWVersion=1\nID=6&Return=-1004&CMD=DATA\nID=nothing\n\xff\xfe\n";
    assert_eq!(
        results(printed),
        [
            CommandResult {
                id: "5".into(),
                code: 0
            },
            CommandResult {
                id: "6".into(),
                code: -1004
            }
        ]
    );
}

#[test]
fn operations_tell_when_the_clock_was_set_and_templates_are_never_kept() {
    let body = b"OPLOG 4\t14\t2026-01-05 07:59:00\t0\t0\t0\t0\nUSER PIN=1\tName=\xd5\xc5\xc8\xfd\tPri=0\nFP PIN=1\tFID=0\tTMP=c2VjcmV0\n\
                 OPLOG 21\t14\t2026-01-05 08:00:00\t833616000\t0\t0\t0\nOPLOG 21\t0\t2026-01-05 09:00:00\t0\t0\t0\t0\n";
    let read = operations(body);
    assert_eq!((read.lines, read.malformed.len()), (5, 0));
    let changes: Vec<_> = read.clock_changes.iter().map(|change| (change.at, change.to)).collect();
    assert_eq!(
        changes,
        [
            (civil("2026-01-05 08:00:00"), unpack(833_616_000)),
            (civil("2026-01-05 09:00:00"), None)
        ]
    );
    let wrong = operations(b"OPLOG 21\t0\tsoon\t0\nOPLOG\n\xff\xd5FP TMP=c2VjcmV0\n");
    assert_eq!((wrong.lines, wrong.malformed.len()), (3, 1));
    assert!(!format!("{wrong:?}").contains("99, 50, 86"), "no template in {wrong:?}");
    assert_eq!(
        settings(b"~DeviceName=SpeedFace,MAC=00:11,\xd5=\x01,FirmVer=1\n"),
        [
            ("DeviceName".into(), "SpeedFace".into()),
            ("MAC".into(), "00:11".into()),
            ("FirmVer".to_owned(), "1".to_owned())
        ]
    );
}

#[test]
fn a_clock_that_was_set_is_in_doubt_until_a_record_shows_the_time_of_its_arrival() {
    let mut terminal = Terminal::default();
    assert_eq!(
        terminal.judge(0, 900_000, 30_000),
        Trust::Unquestioned,
        "an old record of a clock that nobody touched"
    );
    let now = civil("2026-01-05 08:00:00");
    assert!(
        !terminal.clock_was_set(civil("2025-12-01 08:00:00"), now, 1),
        "history that a terminal tells when we first meet"
    );
    assert!(terminal.clock_was_set(now, now, 1_000_000));
    assert!(
        !terminal.clock_was_set(now, now, 1_000_001),
        "the same told again is no news"
    );
    assert_eq!(terminal.judge(0, 1_000_000, 30_000), Trust::ClockWasSet);
    assert_eq!(
        terminal.judge(969_999, 1_000_000, 30_000),
        Trust::ClockWasSet,
        "a millisecond more than the tolerance"
    );
    assert_eq!(terminal.memory().doubt_since_ms, Some(1_000_000));
    assert_eq!(
        terminal.judge(970_000, 1_000_000, 30_000),
        Trust::Unquestioned,
        "it happened just now, and its clock says so"
    );
    assert_eq!(
        (terminal.memory().doubt_since_ms, terminal.judge(0, 1_000_000, 30_000)),
        (None, Trust::Unquestioned)
    );
}

#[test]
fn what_was_kept_off_line_has_come_when_a_terminal_asks_twice_without_sending() {
    let mut terminal = Terminal::default();
    terminal.sent_records(Some("5".into()));
    assert!(!terminal.asked_for_commands(1_000), "there may be more");
    assert!(terminal.asked_for_commands(1_000));
    terminal.sent_records(None);
    assert_eq!(terminal.stamp(), Some("5"));
}

#[test]
fn a_usb_export_is_read_line_by_line() {
    let export = &vectors("zk-usb")[0];
    let decoded = decode(Decoding::new(Format::Attlog), &export.bytes);
    let expected = export.expected["records"].as_array().expect("a list");
    assert_eq!(
        keys(&decoded),
        expected.iter().map(|record| text(record, "pin")).collect::<Vec<_>>()
    );
    let ids: Vec<_> = decoded
        .iter()
        .filter_map(|item| item.as_ref().ok()?.source_id.clone())
        .collect();
    let wanted = |record: &serde_json::Value| {
        format!(
            "{}|{}|{}|{}|{}",
            text(record, "pin"),
            text(record, "time"),
            number(record, "status"),
            number(record, "verify"),
            text(record, "workcode")
        )
    };
    assert_eq!(
        ids,
        expected.iter().map(wanted).collect::<Vec<_>>(),
        "the same names as over the network"
    );
    assert_eq!(
        decoded.iter().filter(|item| item.is_err()).count() as u64,
        number(&export.expected, "bad_lines")
    );
    for cut in 1..40 {
        assert_eq!(
            decode_pieces(Decoding::new(Format::Attlog), export.bytes.chunks(cut)),
            decoded
        );
    }
}

#[test]
fn packed_times_have_months_of_31_days() {
    for Vector {
        name, bytes, expected, ..
    } in vectors("zk-time")
    {
        let packed = u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let time = civil(&text(&expected, "time"));
        assert_eq!((unpack(packed), pack(time)), (Some(time), Some(packed)), "{name}");
    }
    assert_eq!(unpack(u32::MAX), unpack(u32::MAX), "no panic at the end");
    assert_eq!(unpack(31 * 86_400 + 30 * 86_400), None, "there is no 31 February");
    let time = civil("2018-06-25 17:41:05");
    assert_eq!(
        (of_six_bytes([0x12, 6, 0x19, 0x11, 0x29, 5]), six_bytes(time)),
        (Some(time), Some([0x12, 6, 0x19, 0x11, 0x29, 5]))
    );
    assert_eq!(of_six_bytes([26, 13, 1, 0, 0, 0]), None);
}

#[test]
fn a_clock_that_is_behind_takes_two_records_that_agree_and_one_that_is_right_clears_it() {
    let (tolerance, second) = (30_000, 1_000);
    let mut terminal = Terminal::default();
    let mut record = |asked_at: i64, happened: i64, received: i64| {
        terminal.asked_for_commands(asked_at * second);
        terminal.asked_for_commands(asked_at * second);
        let measured = terminal.measure(happened * second, received * second, tolerance);
        terminal.sent_records(None);
        measured.map(|measured| (measured.ahead_ms / second, measured.is_off))
    };
    assert_eq!(record(100, 104, 105), Some((-1, false)), "right");
    assert_eq!(
        record(200, 170, 205),
        Some((-35, false)),
        "exactly the tolerance before the call is not before it"
    );
    assert_eq!(
        record(300, 5, 305),
        Some((-300, false)),
        "one record may be one that comes again"
    );
    assert_eq!(record(400, 5, 405), Some((-400, false)), "as this one does");
    assert_eq!(
        record(500, 203, 505),
        Some((-302, false)),
        "it does not agree with the one before"
    );
    assert_eq!(record(600, 305, 605), Some((-300, true)), "two agree");
    assert_eq!(record(700, 409, 709), Some((-300, true)));
    assert_eq!(record(800, 801, 801), Some((0, false)), "its clock was set right");
    assert_eq!(record(900, 960, 905), Some((55, true)), "ahead is certain at once");
}

#[test]
fn old_records_say_nothing_of_the_clock() {
    let mut terminal = Terminal::default();
    assert_eq!(terminal.measure(0, 900_000, 30_000), None, "it may have kept more");
    terminal.expects_old_records(1_000);
    assert!(terminal.asked_for_commands(2_000));
    assert_eq!(terminal.measure(0, 900_000, 30_000), None, "it began anew");
    assert!(terminal.asked_for_commands(601_000));
    terminal.sent_records(None);
    assert_eq!(terminal.measure(0, 900_000, 30_000), None, "others came with it");
}
