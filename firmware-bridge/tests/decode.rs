//! `rollcall-bridge decode` as an operator meets it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn decode(arguments: &[&str], input: &[u8]) -> Output {
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_rollcall-bridge"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // One that refuses its arguments reads nothing.
    let _: Option<()> = bridge.stdin.take().expect("a pipe").write_all(input).ok();
    bridge.wait_with_output().expect("it ends")
}

fn lines(arguments: &[&str], input: &[u8]) -> Vec<String> {
    let output = decode(arguments, input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn readings_and_malformed_frames_are_one_object_a_line() {
    let capture = b"\xFF\x02010063E9AE25\x03\x02100026F44426\x03\x0201";
    let expected = [
        r#"{"malformed":{"reason":"noise","bytes_hex":"ff"}}"#,
        r#"{"reading":{"raw_hex":"010063e9ae","bits":40,"key":"6547886"}}"#,
        r#"{"malformed":{"reason":"checksum","bytes_hex":"0231303030323646343434323603"}}"#,
        r#"{"malformed":{"reason":"truncated","bytes_hex":"023031"}}"#,
    ];
    assert_eq!(lines(&["--format", "rdm6300"], capture), expected);
    let hex = hex::encode_upper(capture);
    assert_eq!(lines(&["--format", "em4100", "--hex"], hex.as_bytes()), expected);

    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(capture).expect("room");
    assert_eq!(
        lines(&["--format", "rdm6300", file.path().to_str().expect("UTF-8")], b""),
        expected
    );
}

#[test]
fn what_readers_publish_is_read_a_payload_a_line() {
    let tasmota = b"{\"Time\":\"2026-01-05T08:00:00\",\"RDM6300\":{\"UID\":\"0063E9AE\"}}\n\
        {\"Time\":\"2026-01-05T08:05:00\",\"Uptime\":\"0T00:05:00\"}\nOnline\n\
        {\"SSerialReceived\":\"\\u0002010063E9AE25\\u0003\"}";
    let read = r#"{"reading":{"raw_hex":"0063e9ae","bits":32,"key":"6547886","happened_at":"2026-01-05 08:00:00"}}"#;
    let online = r#"{"malformed":{"reason":"not_json","bytes_hex":"4f6e6c696e65"}}"#;
    assert_eq!(
        lines(&["--format", "tasmota", "--serial-format", "rdm6300"], tasmota),
        [
            read,
            online,
            r#"{"reading":{"raw_hex":"010063e9ae","bits":40,"key":"6547886"}}"#
        ]
    );
    assert_eq!(
        lines(&["--format", "esphome", "--badge-key", "hex"], b"74-10-37-94\n"),
        [r#"{"reading":{"raw_hex":"74103794","bits":32,"key":"74103794"}}"#]
    );
    let access =
        br#"{"type":"access","time":1767600000,"isKnown":"true","access":"Always","username":"Zoe","uid":"1234abcd"}"#;
    let shown = lines(&["--format", "esp-rfid"], access);
    assert!(
        shown[0].contains(r#""key":"1234abcd","happened_at":"2026-01-05T08:00:00Z""#),
        "{shown:?}"
    );
    let refused = decode(&["--format", "tasmota", "--serial-format", "osdp"], b"");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("this version has em4100"),
        "{refused:?}"
    );
}

#[test]
fn text_carries_what_the_source_said() {
    assert_eq!(
        lines(
            &["--format", "line"],
            b"EMP-0042,2026-01-05 08:00,in\r\n{\"badge\":\"7\",\"id\":\"a\",\"sequence\":4}\n"
        ),
        [
            "{\"reading\":{\"raw_hex\":\"454d502d303034322c323032362d30312d30352030383a30302c696e\",\"bits\":null,\
             \"key\":\"EMP-0042\",\"happened_at\":\"2026-01-05 08:00:00\",\"faces\":\"in\"}}",
            "{\"reading\":{\"raw_hex\":\"7b226261646765223a2237222c226964223a2261222c2273657175656e6365223a347d\",\"bits\":null,\
             \"key\":\"7\",\"sequence\":4,\"id\":\"a\"}}",
        ]
    );
}

#[test]
fn wiegand_cards_are_read_in_every_form() {
    let card = r#"{"reading":{"raw_hex":"bb1d7440","bits":26,"key":"118-15080"}}"#;
    assert_eq!(
        lines(&["--format", "wiegand-bits"], b"10111011000111010111010001\n"),
        [card]
    );
    assert_eq!(lines(&["--format", "wiegand-bits"], b"\xBB\x1D\x74\x40"), [card]);
    assert_eq!(
        lines(
            &["--format", "wiegand-bits", "--hex"],
            b"bb1d7440\n80800080\nbb1d7400\n"
        ),
        [
            card,
            r#"{"reading":{"raw_hex":"80800080","bits":26,"key":"1-1"}}"#,
            r#"{"malformed":{"reason":"parity","bytes_hex":"bb1d7400"}}"#
        ]
    );
    let h10302 = ["--format", "wiegand-bits", "--hex", "--wiegand-format", "h10302"];
    assert_eq!(
        lines(&h10302, b"800bc614e0"),
        [r#"{"reading":{"raw_hex":"800bc614e0","bits":37,"key":"12345678"}}"#]
    );
    assert_eq!(
        lines(&["--format", "wiegand-hex", "--badge-key", "decimal24"], b"763AE8\r"),
        [r#"{"reading":{"raw_hex":"763ae8","bits":24,"key":"7748328"}}"#]
    );
}

#[test]
fn stripes_codes_and_idteck_frames_are_read_and_payment_cards_leave_a_mark() {
    assert_eq!(
        lines(&["--format", "idteck", "--hex"], b"0230303030313233343738030a"),
        [r#"{"reading":{"raw_hex":"0001e256","bits":32,"key":"123478"}}"#]
    );
    assert_eq!(
        lines(
            &["--format", "track2"],
            b";600000123456=?\r;4111111111111111=25121010000?\r;41111111111\r"
        ),
        [
            r#"{"reading":{"raw_hex":"3b3630303030303132333435363d3f","bits":null,"key":"600000123456="}}"#,
            r#"{"malformed":{"reason":"payment_card","bytes_hex":""}}"#,
            r#"{"malformed":{"reason":"truncated","bytes_hex":"3b2a2a2a2a2a2a2a2a2a2a2a0d"}}"#,
        ]
    );
    let code = r#"{"reading":{"raw_hex":"5d51314c5a2d37","bits":null,"key":"LZ-7"}}"#;
    assert_eq!(lines(&["--format", "scanner"], b"]Q1LZ-7\r\n]Q1LZ-7\r\n"), [code, code]);
    assert_eq!(lines(&["--format", "scanner", "--suffix", "tab"], b"]Q1LZ-7\t"), [code]);
    let raw = ["--format", "wiegand-hex", "--wiegand-format", "raw"];
    assert_eq!(
        lines(&raw, b"7048860DDF79\r"),
        [r#"{"reading":{"raw_hex":"7048860ddf79","bits":48,"key":"123456789012345"}}"#]
    );
}

#[test]
fn records_of_terminals_are_read_as_they_push_and_export_them() {
    let record = |raw: &str| {
        format!(
            r#"{{"reading":{{"raw_hex":"{}","bits":null,"key":"0042","happened_at":"2026-01-05 08:00:00","id":"0042|2026-01-05 08:00:00|0|1|0"}}}}"#,
            hex::encode(raw)
        )
    };
    let pushed = "0042\t2026-01-05 08:00:00\t0\t1";
    assert_eq!(
        lines(&["--format", "adms"], format!("{pushed}\r\ngarbage\n").as_bytes()),
        [
            record(pushed),
            r#"{"malformed":{"reason":"bad_instant","bytes_hex":"676172626167650a"}}"#.to_owned()
        ]
    );
    let exported = "     0042\t2026-01-05 08:00:00\t1\t0\t1\t0";
    assert_eq!(
        lines(&["--format", "attlog"], format!("{exported}\n").as_bytes()),
        [record(exported)]
    );
}

#[test]
fn a_capture_of_port_4370_shows_packets_and_the_readings_in_them() {
    let connect = "5050827d08000000e80317fc00000000";
    let event = "5050827d28000000f401ac12010000003939393131313333330000000000000000000000000000000100120619112905";
    let shown = lines(
        &["--format", "zk-4370", "--hex"],
        format!("{connect}\n{event}\n616263").as_bytes(),
    );
    assert_eq!(
        shown[0],
        r#"{"packet":{"command":1000,"name":"connect","session":0,"number":0,"data_hex":""}}"#
    );
    assert!(
        shown[1].contains(r#""key":"999111333","happened_at":"2018-06-25 17:41:05""#),
        "{}",
        shown[1]
    );
    assert_eq!(shown[2], r#"{"malformed":{"reason":"noise","bytes_hex":"616263"}}"#);

    let packet = |command: u16, data: &[u8]| wire::zk::emit_tcp(command, 7, 1, data);
    let record =
        hex::decode("0d00393939313131333333000000000000000000000000000000016bb368230000000000ff000000").expect("hex");
    let block = [40_u32.to_le_bytes().as_slice(), &record].concat();
    let read = [
        packet(1_503, &[1, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        packet(1_501, &block[..20]),
        packet(1_501, &block[20..]),
    ];
    let shown = lines(&["--format", "zk-4370"], &read.concat());
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(
        shown[3].contains(r#""id":"999111333|2018-06-25 17:50:35|0|1|0""#),
        "{}",
        shown[3]
    );
}

#[test]
fn a_controllers_post_is_shown_as_readings_and_events() {
    let event = |sub: u32, who: &str| {
        format!(
            r#"{{"dateTime":"2025-10-22T13:43:48+08:00","AccessControllerEvent":{{"majorEventType":5,"subEventType":{sub},{who}"serialNo":139}}}}"#
        )
    };
    let body = format!(
        "POST /x HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n\r\n{}\r\n--b\r\n\r\n{}\r\n--b\r\n\r\n{}",
        event(38, r#""employeeNoString":"001","#),
        event(22, ""),
        &event(22, "")[..40]
    );
    let shown = lines(&["--format", "isapi"], body.as_bytes());
    assert!(
        shown[0].ends_with(
            r#""key":"001","happened_at":"2025-10-22T05:43:48Z","sequence":139,"id":"139|2025-10-22 13:43:48"}}"#
        ),
        "{}",
        shown[0]
    );
    let locked = r#"{"event":{"kind":"door","meaning":"locked","code":"5/22","happened_at":"2025-10-22T05:43:48Z","sequence":139}}"#;
    assert_eq!(shown[1], locked);
    assert!(
        shown[2].starts_with(r#"{"malformed":{"reason":"truncated""#),
        "{}",
        shown[2]
    );
    assert_eq!(shown.len(), 3);
    let nothing = lines(&["--format", "isapi"], b"nothing");
    assert_eq!(
        nothing,
        [r#"{"malformed":{"reason":"not_json","bytes_hex":"6e6f7468696e67"}}"#]
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (arguments, input, code, expected) in [
        (
            &["--format", "dahua"][..],
            "",
            2,
            "it comes with a later version; this version has em4100, rdm6300",
        ),
        (
            &["--format", "nonsense"],
            "",
            2,
            "it is unknown; this version has em4100, rdm6300",
        ),
        (
            &["--format", "line", "--badge-key", "x"],
            "",
            2,
            "this version has decimal32",
        ),
        (&[], "", 2, "--format"),
        (
            &["--format", "line", "--hex"],
            "41\n4g",
            1,
            "standard input: line 2, column 2: no hex digit",
        ),
        (
            &["--format", "line", "--hex"],
            "414",
            1,
            "standard input: line 1, column 3: half a byte",
        ),
        (
            &["--format", "line", "no/such/capture"],
            "",
            1,
            "cannot open no/such/capture",
        ),
    ] {
        let output = decode(arguments, input.as_bytes());
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn an_osdp_bus_is_shown_as_frames_and_readings_and_what_is_secure_is_named() {
    let capture = "ff53650800066002f6 53e51000065000011a0080fb3a401988 ff53650e000d0215604f3f4d6af48b \
                   53e51e000d02184988f26f0399c212fd9f32e1d4a6112c052f3b4168374c 53e51000055000011a0080fa3a40d639";
    assert_eq!(
        lines(&["--format", "osdp", "--hex"], capture.as_bytes()),
        [
            r#"{"frame":{"address":101,"reply":false,"sequence":2,"code":"60","name":"POLL","secure":null,"data_hex":""}}"#,
            r#"{"reading":{"raw_hex":"80fb3a40","bits":26,"key":"1-63092"}}"#,
            r#"{"frame":{"address":101,"reply":false,"sequence":1,"code":"60","name":"POLL","secure":"mac","data_hex":""}}"#,
            r#"{"frame":{"address":101,"reply":true,"sequence":1,"code":"49","name":"ISTATR","secure":"encrypted","data_hex":"88f26f0399c212fd9f32e1d4a6112c05"}}"#,
            r#"{"malformed":{"reason":"checksum","bytes_hex":"53e51000055000011a0080fa3a40d639"}}"#,
        ]
    );
}
