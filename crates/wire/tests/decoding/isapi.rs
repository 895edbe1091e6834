//! What Hikvision devices push and stream: the same events in every wrapping, and in whatever is wrong with it.

use proptest::prelude::*;
use wire::controller::{Badge, Dialect, EventRule, Note, Serials, Stream, Told, What};
use wire::documents::{Document, Documents, Kind, LONGEST_DOCUMENT};
use wire::{BadgeKeyRule, Faces, HappenedAt, Malformed, Reading, Reason};

use crate::common::{Vector, number, text, vectors};

type Heard = Vec<Result<Told, Malformed>>;

fn hear_pieces<'a>(rule: &EventRule, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let mut stream = Stream::new(Dialect::Isapi, rule.clone());
    let mut heard = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = stream.push(rest);
            assert!(taken > 0, "an emptied stream always takes something");
            rest = &rest[taken..];
            heard.extend(std::iter::from_fn(|| stream.next()));
        }
    }
    stream.end();
    heard.extend(std::iter::from_fn(|| stream.next()));
    heard
}

fn hear(bytes: &[u8]) -> Heard {
    hear_pieces(&EventRule::DEFAULT, [bytes])
}

fn swipes(heard: &Heard) -> Vec<&Reading> {
    let told = heard.iter().filter_map(|item| item.as_ref().ok());
    told.filter_map(|told| match &told.what {
        What::Swipe(reading) => Some(reading),
        _ => None,
    })
    .collect()
}

fn keys(heard: &Heard) -> Vec<&str> {
    swipes(heard).into_iter().map(|reading| reading.key.as_str()).collect()
}

fn reasons(heard: &Heard) -> Vec<Reason> {
    let wrong = heard.iter().filter_map(|item| item.as_ref().err());
    wrong.map(|malformed| malformed.reason).collect()
}

/// An event of somebody's face.
fn event(serial: u32) -> String {
    format!(
        r#"{{"ipAddress":"192.0.2.11","macAddress":"a4:d5:c2:24:dd:74","dateTime":"2026-09-16T08:20:00+08:00","eventType":"AccessControllerEvent","eventState":"active","AccessControllerEvent":{{"majorEventType":5,"subEventType":75,"name":"\u5f20 {{}}\"","employeeNoString":"{serial:04}","cardReaderNo":1,"serialNo":{serial},"frontSerialNo":{},"currentEvent":true,"FaceRect":{{"x":0.1}}}}}}"#,
        serial - 1
    )
}

/// A picture that holds what boundaries, objects and elements begin with.
fn picture() -> Vec<u8> {
    let mut picture = vec![0xFF, 0xD8];
    for round in 0..40_u8 {
        picture.extend(b"{\"k\":<a>{\"{{\"\r\n--}<x:xmpmeta>{}<?");
        picture.extend([round, 0, 0xFF, b'{', b'"', b'<']);
    }
    picture.extend([0xFF, 0xD9]);
    picture
}

/// A body as devices post it, with a picture.
fn multipart(boundary: &str, name: &str, json: &str) -> Vec<u8> {
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: application/json; charset=\"UTF-8\"\r\n\
         Content-Length: {}\r\n\r\n{json}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"Picture\"; filename=\"Picture.jpg\"\r\n\
         Content-Type: image/jpeg\r\nContent-Length: 7\r\nContent-ID: pictureImage\r\n\r\n",
        json.len()
    )
    .into_bytes();
    body.extend(picture());
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    body
}

#[test]
fn published_events_are_what_their_captures_say() {
    for Vector {
        name, bytes, expected, ..
    } in vectors("hikvision-isapi")
    {
        let heard = hear(&bytes);
        assert_eq!(reasons(&heard), [], "{name}");
        if expected["parts"].is_u64() {
            let mut documents = Documents::default();
            documents.push(&bytes);
            let found: Vec<_> = std::iter::from_fn(|| documents.next()).collect();
            assert_eq!(found.len() as u64, number(&expected, "parts"), "{name}");
            continue;
        }
        let told = heard[0].as_ref().expect("an event");
        assert_eq!((heard.len(), told.serial), (1, expected["serial"].as_i64()), "{name}");
        let is_swipe = expected["employee"].is_string();
        assert_eq!(swipes(&heard).len(), usize::from(is_swipe), "{name}");
        if is_swipe {
            let reading = swipes(&heard)[0];
            assert_eq!(reading.key, text(&expected, "employee"), "{name}");
            assert_eq!(
                reading.happened_at,
                Some(HappenedAt::parse(&text(&expected, "time")).expect("a time"))
            );
            assert_eq!(
                (told.front, reading.sequence),
                (expected["front"].as_i64(), told.serial)
            );
            assert_eq!(
                (&reading.raw, reading.faces),
                (&bytes, None),
                "as it came, and which way is nobody's word"
            );
        }
        if expected["live"].is_boolean() {
            assert_eq!(told.is_live, expected["live"].as_bool(), "{name}");
        }
    }
}

#[test]
fn an_event_counts_whatever_it_is_wrapped_in() {
    let json = event(7);
    let part = |boundary: &str, headers: &str| format!("{boundary}\r\n{headers}\r\n\r\n{json}\r\n");
    let typed = "Content-Type: application/json";
    for body in [
        json.clone().into_bytes(),
        format!("\u{feff}\r\n {json}\0\0").into_bytes(),
        multipart("MIME_boundary", "AccessControllerEvent", &json),
        multipart("MIME_boundary", "event_log", &json),
        multipart("--------------------------4b7f8e1d", "anything at all", &json),
        multipart("x", "event_log", &json),
        part("--boundary\r\n--boundary", typed).into_bytes(),
        part("--boundary\n", typed).into_bytes(),
        part("--boundary", "Content-Length: 3").into_bytes(),
        part("--boundary", "Content-Length: 99999").into_bytes(),
        format!("--boundary\n\r\n{json}").into_bytes(),
        format!("[{json}]").into_bytes(),
        format!("{{\"EventNotificationAlert\":{json}}}").into_bytes(),
        format!("{{\"EventList\":[{json}]}}").into_bytes(),
        format!(
            "POST /x HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n{typed}\r\n\r\n{json}"
        )
        .into_bytes(),
    ] {
        let heard = hear(&body);
        let shown = String::from_utf8_lossy(&body);
        assert_eq!((keys(&heard), reasons(&heard)), (vec!["0007"], vec![]), "{shown}");
        assert_eq!(
            swipes(&heard)[0].source_id.as_deref(),
            Some("7|2026-09-16 08:20:00"),
            "{shown}"
        );
    }
}

#[test]
fn xml_says_the_same_as_json() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">\n\
        <macAddress>a4:d5:c2:24:dd:74</macAddress><dateTime>2026-09-16T08:20:00+08:00</dateTime><eventType>AccessControllerEvent</eventType>\n\
        <AccessControllerEvent><majorEventType>5</majorEventType><minorEventType>75</minorEventType><employeeNoString>0007</employeeNoString>\n\
        <name>&lt;\u{5f20}&gt;</name><serialNo>7</serialNo><frontSerialNo>6</frontSerialNo><currentEvent>true</currentEvent></AccessControllerEvent>\n\
        </EventNotificationAlert>";
    for body in [
        xml.to_owned(),
        format!("--b\r\nContent-Type: application/xml; charset=\"UTF-8\"\r\n\r\n{xml}\r\n--b--"),
    ] {
        let (heard, json) = (hear(body.as_bytes()), hear(event(7).as_bytes()));
        let (told, same) = (heard[0].as_ref().expect("told"), json[0].as_ref().expect("told"));
        assert_eq!((heard.len(), keys(&heard)), (1, vec!["0007"]));
        assert_eq!(
            (told.serial, told.front, told.is_live, told.happened_at),
            (same.serial, same.front, same.is_live, same.happened_at)
        );
        assert_eq!(swipes(&heard)[0].source_id, swipes(&json)[0].source_id);
    }
    let bomb = xml
        .replace(
            "<EventNotificationAlert",
            "<!DOCTYPE a [<!ENTITY b \"x\">]><EventNotificationAlert",
        )
        .replace("&lt;", "&b;");
    assert_eq!(
        reasons(&hear(bomb.as_bytes())),
        [Reason::NotXml],
        "no entities but those of XML itself"
    );
    let cut = &xml[..xml.len() - 20];
    assert_eq!(reasons(&hear(cut.as_bytes())), [Reason::Truncated]);
}

#[test]
fn a_body_that_breaks_off_anywhere_keeps_what_had_ended() {
    let body = multipart("MIME_boundary", "event_log", &event(7));
    let json_ends = body
        .windows(3)
        .rposition(|window| window == b"}}\r")
        .expect("the event")
        + 2;
    for length in 0..body.len() {
        let heard = hear(&body[..length]);
        let expected: &[&str] = if length >= json_ends { &["0007"] } else { &[] };
        assert_eq!(keys(&heard), expected, "after {length} bytes");
        assert!(
            reasons(&heard).iter().all(|reason| *reason == Reason::Truncated),
            "after {length} bytes"
        );
    }
    let torn = [&body[..json_ends - 9], b"\r\n", body.as_slice()].concat();
    let heard = hear(&torn);
    assert_eq!(
        (keys(&heard), reasons(&heard)),
        (vec!["0007"], vec![Reason::Truncated]),
        "the next part is whole"
    );
}

#[test]
fn where_a_body_is_cut_into_pieces_makes_no_difference() {
    let mut body = multipart("MIME_boundary", "event_log", &event(7));
    body.extend(multipart("MIME_boundary", "event_log", &event(8)));
    let whole = hear(&body);
    assert_eq!(keys(&whole), ["0007", "0008"]);
    for at in 0..body.len() {
        let (before, after) = body.split_at(at);
        assert_eq!(hear_pieces(&EventRule::DEFAULT, [before, after]), whole, "cut at {at}");
    }
    for length in [1, 2, 3, 7, 1_000] {
        assert_eq!(hear_pieces(&EventRule::DEFAULT, body.chunks(length)), whole);
    }
}

#[test]
fn only_pairs_that_are_a_persons_count() {
    let pair = |major: u32, sub: u32, who: &str| {
        format!(
            r#"{{"dateTime":"2026-09-16T08:20:00+08:00","AccessControllerEvent":{{"majorEventType":{major},"subEventType":{sub},"serialNo":5{who}}}}}"#
        )
    };
    let what = |body: String| hear(body.as_bytes()).remove(0).map(|told| told.what);
    for sub in [1, 38, 75] {
        assert!(
            matches!(what(pair(5, sub, r#","employeeNoString":"42""#)), Ok(What::Swipe(reading)) if reading.key == "42"),
            "{sub}"
        );
        let nobody = what(pair(5, sub, "")).expect_err("nobody's");
        assert_eq!(nobody.reason, Reason::EmptyBadge, "{sub}");
    }
    for (major, sub, meaning) in [
        (5, 21, "unlocked"),
        (5, 22, "locked"),
        (5, 24, "button_released"),
        (3, 1_024, "opened_remotely"),
    ] {
        let door = what(pair(major, sub, r#","employeeNoString":"42""#)).expect("an event");
        assert!(
            matches!(&door, What::Door(event) if event.meaning == meaning),
            "{door:?}"
        );
        assert_eq!(door.kept(), None);
    }
    for (sub, meaning) in [(76, "face_failed"), (39, "fingerprint_failed"), (9, "unknown_card")] {
        let refused = what(pair(5, sub, r#","employeeNoString":"42""#)).expect("an event");
        assert!(
            matches!(&refused, What::Refused(event) if event.meaning == meaning),
            "{refused:?}"
        );
        assert_eq!(refused.kept().map(|kept| kept.reason), Some(Reason::NotAuthenticated));
    }
    for (major, sub) in [(5, 999), (4, 75), (0, 0), (1, 75)] {
        let unknown = what(pair(major, sub, r#","employeeNoString":"42""#)).expect("an event");
        let kept = unknown.kept().expect("kept");
        assert_eq!(
            (kept.reason, kept.bytes),
            (
                Reason::UnknownEvent,
                pair(major, sub, r#","employeeNoString":"42""#).into_bytes()
            )
        );
    }
    let rule = EventRule {
        also_swipes: vec![(5, 999)],
        ..EventRule::DEFAULT
    };
    let body = pair(5, 999, r#","employeeNoString":"42""#);
    assert_eq!(keys(&hear_pieces(&rule, [body.as_bytes()])), ["42"]);
}

#[test]
fn a_badge_is_the_number_of_the_person_or_of_the_card() {
    let with = |badge, sub: u32, who: &str| {
        let rule = EventRule {
            badge,
            ..EventRule::DEFAULT
        };
        let body = format!(
            r#"{{"dateTime":"2026-09-16T08:20:00+08:00","AccessControllerEvent":{{"majorEventType":5,"subEventType":{sub},{who},"serialNo":5}}}}"#
        );
        keys(&hear_pieces(&rule, [body.as_bytes()])).join(" ")
    };
    let both = r#""employeeNoString":"001","cardNo":"11""#;
    assert_eq!(
        (with(Badge::Employee, 1, both), with(Badge::Card, 1, both)),
        ("001".into(), "11".into())
    );
    assert_eq!(
        with(Badge::Employee, 9, r#""cardNo":"11""#),
        "card:11",
        "not the badge of the person 11"
    );
    assert_eq!(with(Badge::Card, 9, r#""cardNo":"11""#), "11");
    assert_eq!(with(Badge::Card, 75, r#""employeeNoString":"001""#), "employee:001");
    assert_eq!(
        with(Badge::Employee, 75, r#""employeeNoString":"","employeeNo":7"#),
        "7"
    );
    assert_eq!(
        with(Badge::Employee, 75, r#""employeeNoString":"0042""#),
        "0042",
        "zeros in front belong to it"
    );
    let rule = EventRule {
        badge: Badge::Card,
        badge_key: BadgeKeyRule::Decimal32,
        ..EventRule::DEFAULT
    };
    let body = r#"{"dateTime":"2026-09-16T08:20:00+08:00","AccessControllerEvent":{"majorEventType":5,"subEventType":1,"cardNo":"0009357203"}}"#;
    assert_eq!(keys(&hear_pieces(&rule, [body.as_bytes()])), ["9357203"]);
}

#[test]
fn a_direction_is_what_the_configuration_takes_for_one() {
    let faces = |rule: &EventRule, fields: &str| {
        let body = format!(
            r#"{{"dateTime":"2026-09-16T08:20:00+08:00","AccessControllerEvent":{{"majorEventType":5,"subEventType":75,"employeeNoString":"1",{fields}}}}}"#
        );
        swipes(&hear_pieces(rule, [body.as_bytes()]))[0].faces
    };
    let out = r#""attendanceStatus":"checkOut","cardReaderNo":1,"doorNo":2"#;
    assert_eq!(faces(&EventRule::DEFAULT, out), None);
    let status = EventRule {
        status: wire::adms::StatusRule::Direction,
        ..EventRule::DEFAULT
    };
    for (said, expected) in [
        ("checkIn", Some(Faces::In)),
        ("breakOut", Some(Faces::Out)),
        ("overtimeIn", Some(Faces::In)),
        ("undefined", None),
    ] {
        assert_eq!(
            faces(&status, &format!(r#""attendanceStatus":"{said}""#)),
            expected,
            "{said}"
        );
    }
    let readers = EventRule {
        card_readers: vec![(1, Faces::In)],
        doors: vec![(2, Faces::Out)],
        ..EventRule::DEFAULT
    };
    assert_eq!(
        faces(&readers, out),
        Some(Faces::In),
        "the card reader is nearer than the door"
    );
    assert_eq!(faces(&readers, r#""cardReaderNo":3,"doorNo":2"#), Some(Faces::Out));
    let all = EventRule {
        status: wire::adms::StatusRule::Direction,
        ..readers
    };
    assert_eq!(faces(&all, out), Some(Faces::Out), "and what somebody said is nearest");
}

#[test]
fn heartbeats_and_events_of_other_kinds_are_signs_of_life() {
    for body in [
        r#"{"ipAddress":"192.0.2.1","dateTime":"2026-09-16T08:20:00+08:00","eventType":"heartBeat","eventState":"active"}"#,
        r#"{"dateTime":"2026-09-16T08:20:00+08:00","eventType":"videoloss","eventState":"inactive"}"#,
        "<EventNotificationAlert><dateTime>2026-09-16T08:20:00+08:00</dateTime><eventType>heartBeat</eventType></EventNotificationAlert>",
    ] {
        let told = hear(body.as_bytes()).remove(0).expect("told");
        assert_eq!((told.what, told.is_live), (What::Heartbeat, Some(true)));
        assert!(told.happened_at.is_some());
    }
    let motion = hear(br#"{"eventType":"VMD","eventState":"active"}"#)
        .remove(0)
        .expect("told");
    assert_eq!(motion.what, What::Foreign { name: "VMD".into() });
}

#[test]
fn batches_and_answers_hold_events_one_by_one() {
    let inner = |serial: u32, major: &str, sub: &str| {
        format!(
            r#"{{"{major}":5,"{sub}":75,"time":"2026-09-16T08:20:0{serial}+08:00","employeeNoString":"{serial}","serialNo":{serial}}}"#
        )
    };
    let (one, two) = (inner(1, "major", "minor"), inner(2, "major", "minor"));
    let answer = format!(
        r#"{{"AcsEvent":{{"searchID":"1","responseStatusStrg":"OK","numOfMatches":2,"InfoList":[{one},{{"major":5}},{two}]}}}}"#
    );
    let heard = hear(answer.as_bytes());
    assert_eq!(
        (keys(&heard), reasons(&heard)),
        (vec!["1", "2"], vec![Reason::BadField])
    );
    assert_eq!(swipes(&heard)[0].source_id.as_deref(), Some("1|2026-09-16 08:20:01"));
    let (one, two) = (
        inner(1, "majorEventType", "subEventType"),
        inner(2, "majorEventType", "subEventType"),
    );
    let batch = format!(r#"{{"dateTime":"2026-09-16T09:00:00+08:00","AccessControllerEvent":[{one},{two}]}}"#);
    assert_eq!(keys(&hear(batch.as_bytes())), ["1", "2"]);
    let lines = format!("[{},\n{}]", event(3), event(4));
    assert_eq!(keys(&hear(lines.as_bytes())), ["0003", "0004"]);
    let long = format!(
        r#"{{"list":[{}]}}"#,
        vec![event(9); LONGEST_DOCUMENT / event(9).len() + 1].join(",")
    );
    let heard = hear(long.as_bytes());
    assert_eq!(reasons(&heard), [Reason::TooLong]);
    assert_eq!(
        swipes(&heard).len(),
        LONGEST_DOCUMENT / event(9).len() + 1,
        "what is in it counts all the same"
    );
}

#[test]
fn a_time_without_zone_is_that_of_the_site_and_the_record_stays_the_same() {
    let at = |time: &str| {
        let body = event(7).replace("2026-09-16T08:20:00+08:00", time);
        hear(body.as_bytes()).remove(0)
    };
    let id = |time: &str| match at(time).expect("told").what {
        What::Swipe(reading) => reading.source_id.expect("an id"),
        other => panic!("{other:?}"),
    };
    let civil = at("2026-09-16T08:20:00").expect("told").happened_at;
    assert_eq!(civil, Some(HappenedAt::parse("2026-09-16 08:20:00").expect("a time")));
    assert_eq!(id("2026-09-16T08:20:00"), id("2026-09-16T08:20:00+08:00"));
    assert_eq!(id("2026-09-16T08:20:00.250+0800"), id("2026-09-16T08:20:00+08:00"));
    assert_eq!(at("yesterday").expect_err("no time").reason, Reason::BadInstant);
    assert_eq!(at("").expect_err("no time").reason, Reason::BadInstant);
}

#[test]
fn what_is_wrong_is_named_and_costs_no_other() {
    for (wrong, reason) in [
        (
            r#"{"dateTime":"2026-09-16T08:20:00+08:00","AccessControllerEvent":7}"#,
            Reason::BadField,
        ),
        (
            r#"{"dateTime":"2026-09-16T08:20:00+08:00","AccessControllerEvent":{"majorEventType":5}}"#,
            Reason::BadField,
        ),
        (r#"{"dateTime":"2026-09-16T08:20:00+08:00",}"#, Reason::NotJson),
        ("{\"name\":\"\u{1}\"}", Reason::ControlByte),
        (
            r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}"#,
            Reason::TooDeep,
        ),
    ] {
        let body = [event(3), wrong.to_owned(), event(4)].join("\r\n");
        let heard = hear(body.as_bytes());
        assert_eq!(keys(&heard), ["0003", "0004"], "{wrong}");
        assert_eq!(reasons(&heard)[0], reason, "{wrong}");
    }
    let not_text = event(5)
        .replace("192", "\u{ff}")
        .bytes()
        .map(|byte| if byte == 0xC3 { 0xFF } else { byte })
        .collect::<Vec<_>>();
    assert_eq!(reasons(&hear(&not_text)), [Reason::NotUtf8]);
}

#[test]
fn numbers_show_what_is_missing_and_what_began_anew() {
    let told = |serial: i64, front: i64, second: i64, is_live| Told {
        what: What::Heartbeat,
        happened_at: Some(HappenedAt::Instant(second * 1_000)),
        is_live,
        serial: Some(serial),
        front: Some(front),
    };
    let mut serials = Serials::default();
    assert_eq!(
        serials.note(&told(139, 138, 1, None)),
        None,
        "the first says nothing of what was before"
    );
    assert_eq!(serials.note(&told(140, 139, 2, Some(true))), None);
    assert_eq!(serials.note(&told(140, 139, 2, Some(true))), None, "told twice");
    assert_eq!(
        serials.note(&told(144, 143, 3, Some(true))),
        Some(Note::Gap { from: 141, until: 143 })
    );
    assert_eq!(
        serials.note(&told(142, 141, 2, Some(false))),
        None,
        "kept, and told now"
    );
    assert_eq!(serials.note(&told(142, 141, 2, None)), None, "told late");
    assert_eq!(serials.note(&told(1, 0, 60, Some(true))), Some(Note::Restarted));
    assert_eq!(serials.note(&told(2, 1, 61, Some(true))), None);
    assert_eq!(
        Serials::known(Some(2)).note(&told(9, 8, 70, None)),
        Some(Note::Gap { from: 3, until: 8 })
    );
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut documents = Documents::default();
    for piece in [
        b"{\"a\":\"".as_slice(),
        &[b'x'; 10_000],
        b"<EventNotificationAlert><a>",
        &[b'y'; 10_000],
    ]
    .into_iter()
    .cycle()
    .take(400)
    {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = documents.push(rest);
            assert!(taken > 0);
            rest = &rest[taken..];
            while documents.next().is_some() {}
        }
    }
    assert!(
        format!("{documents:?}").len() < 20 * LONGEST_DOCUMENT,
        "what is held is a document and a piece"
    );
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (1_u32..9_999).prop_map(|serial| event(serial).into_bytes()),
        (1_u32..9_999).prop_map(|serial| multipart("MIME_boundary", "event_log", &event(serial))),
        Just(b"\r\n--MIME_boundary\r\n".to_vec()),
        Just(b"Content-Type: image/jpeg\r\n\r\n".to_vec()),
        Just(picture()),
        prop::collection::vec(prop::sample::select(&b"{}[]<>/\"\\\r\n-:a1 "[..]), 0..60),
        prop::collection::vec(any::<u8>(), 0..60),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_stream_can_be_cut_anywhere(bytes in stream(), cut in 1_usize..40) {
        prop_assert_eq!(hear_pieces(&EventRule::DEFAULT, bytes.chunks(cut)), hear(&bytes));
    }

    #[test]
    fn an_event_is_heard_after_any_noise(noise in stream(), serial in 1_u32..9_999) {
        // Whatever came before, the next line is a boundary.
        let after = [b"\r\n--MIME_boundary\r\n\r\n".to_vec(), event(serial).into_bytes()].concat();
        let body = [b"--MIME_boundary\r\n".to_vec(), noise, b"\n--MIME_boundary".to_vec(), after].concat();
        let heard = hear(&body);
        let expected = format!("{serial:04}");
        prop_assert_eq!(keys(&heard).last().copied(), Some(expected.as_str()));
    }
}

#[test]
fn documents_say_what_stands_before_them() {
    let mut documents = Documents::default();
    documents.push(b"Heartbeat\r\nCode=A;action=Start;index=0\r\nCode=B;data={\"a\":1}\r\nother\r\n");
    let found: Vec<Document> = std::iter::from_fn(|| documents.next())
        .map(|found| found.expect("whole"))
        .collect();
    let shown = found.iter().map(|document| {
        (
            document.kind,
            String::from_utf8_lossy(&document.label).into_owned(),
            String::from_utf8_lossy(&document.text).into_owned(),
        )
    });
    let expected = [
        (Kind::Line, "", "Heartbeat"),
        (Kind::Line, "", "Code=A;action=Start;index=0"),
        (Kind::Json, "Code=B;data=", "{\"a\":1}"),
    ];
    let expected = expected.map(|(kind, label, text)| (kind, label.to_owned(), text.to_owned()));
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}
