//! What Dahua devices stream, post, and keep.

use wire::controller::{Badge, Dialect, EventRule, Stream, Told, What};
use wire::dahua::{PAGE, Records, clock, records, records_target, set_clock_target};
use wire::{Faces, HappenedAt, Malformed, Reading, Reason};

use crate::common::{Vector, number, text, vectors};

type Heard = Vec<Result<Told, Malformed>>;

fn hear_pieces<'a>(rule: &EventRule, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let mut stream = Stream::new(Dialect::Dahua, rule.clone());
    let mut heard = Vec::new();
    for piece in pieces {
        assert_eq!(stream.push(piece), piece.len());
        heard.extend(std::iter::from_fn(|| stream.next()));
    }
    stream.end();
    heard.extend(std::iter::from_fn(|| stream.next()));
    heard
}

fn hear(text: &str) -> Heard {
    hear_pieces(&EventRule::DEFAULT, [text.as_bytes()])
}

fn swipes(heard: &Heard) -> Vec<Reading> {
    let told = heard.iter().filter_map(|item| item.as_ref().ok());
    told.filter_map(|told| match &told.what {
        What::Swipe(reading) => Some(reading.clone()),
        _ => None,
    })
    .collect()
}

fn event(data: &str) -> String {
    format!(
        "--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nCode=AccessControl;action=Pulse;index=0;data={data}\r\n\r\n"
    )
}

#[test]
fn published_parts_are_what_their_notes_say() {
    for Vector {
        name, bytes, expected, ..
    } in vectors("dahua-cgi")
    {
        for cut in 1..=bytes.len() {
            let heard = hear_pieces(&EventRule::DEFAULT, bytes.chunks(cut));
            assert_eq!(heard.len(), 1, "{name}");
            if expected["event"] == false {
                assert_eq!(heard[0].as_ref().expect("told").what, What::Heartbeat, "{name}");
                continue;
            }
            let reading = &swipes(&heard)[0];
            assert_eq!(reading.key, text(&expected, "user"), "{name}");
            assert_eq!(
                (reading.happened_at, &reading.source_id),
                (None, &None),
                "it happened when it came"
            );
            let method = format!("\"Method\" : {}", number(&expected, "method"));
            assert!(String::from_utf8_lossy(&reading.raw).contains(&method), "as it came");
        }
    }
}

#[test]
fn an_event_counts_whatever_it_is_wrapped_in_and_its_text_may_hold_anything() {
    let data = "{\n  \"CardName\" : \"a;data={b}\\\"\",\n  \"CardNo\" : \"\",\n  \"UserID\" : \"0042\",\n  \"Method\" : 15,\n  \"Door\" : 1,\n  \"Status\" : 1,\n  \"UTC\" : 1789000000\n}";
    let events = format!(
        "{{\"Events\":[{{\"Code\":\"AccessControl\",\"Action\":\"Pulse\",\"Index\":0,\"Data\":{data}}}],\"Time\":\"16-09-2026 08:20:00\"}}"
    );
    let picture = "\r\n--myboundary\r\nContent-Type: image/jpeg\r\n\r\n\u{1}{\"{{\r\n";
    for body in [
        event(data),
        format!("Code=AccessControl;action=Pulse;index=0;data={data}"),
        events.clone(),
        format!("--b\r\nContent-Type: application/json\r\n\r\n{events}{picture}"),
        format!("{}{picture}{}", event(data), "--myboundary--"),
    ] {
        let heard = hear(&body);
        let reading = &swipes(&heard)[0];
        assert_eq!((heard.len(), reading.key.as_str()), (1, "0042"), "{body}");
        assert_eq!(reading.happened_at, Some(HappenedAt::Instant(1_789_000_000_000)));
        assert_eq!(reading.source_id.as_deref(), Some("1789000000|0042|1"));
    }
    let cut = event(data);
    let heard = hear(&format!("{}\r\n{}", &cut[..cut.len() - 20], event(data)));
    assert_eq!(swipes(&heard).len(), 1);
    assert_eq!(heard[0].as_ref().expect_err("cut off").reason, Reason::Truncated);
}

#[test]
fn only_who_was_let_in_counts_and_a_card_that_nobody_has_waits() {
    let what = |fields: &str| {
        hear(&event(&format!("{{{fields},\"UTC\":1789000000}}")))
            .remove(0)
            .expect("told")
            .what
    };
    assert!(matches!(what(r#""UserID":"7","Status":"Open""#), What::Swipe(_)));
    assert!(matches!(
        what(r#""UserID":"7","Status":true,"Method":1"#),
        What::Swipe(_)
    ));
    assert!(matches!(
        what(r#""UserID":"7","Status":0,"CardNo":"11""#),
        What::Refused(_)
    ));
    assert!(
        matches!(what(r#""UserID":"7","Status":1,"Method":4"#), What::Door(_)),
        "opened from afar"
    );
    assert!(
        matches!(what(r#""UserID":"","Status":1,"Method":5"#), What::Door(_)),
        "opened from within"
    );
    assert!(
        matches!(what(r#""UserID":"7","Method":1"#), What::Unknown(_)),
        "nobody says whether"
    );
    let What::Swipe(unknown) = what(r#""UserID":"","Status":0,"CardNo":"09DDAABB","Method":1"#) else {
        panic!("a card that nobody has")
    };
    assert_eq!(unknown.key, "card:09DDAABB");
    let nobody = hear(&event(r#"{"Status":1,"UTC":1789000000}"#))
        .remove(0)
        .expect_err("nobody's");
    assert_eq!(nobody.reason, Reason::EmptyBadge);
    let other = hear(
        "Code=VideoMotion;action=Start;index=0;data={\"a\":1}\r\nCode=AlarmLocal;action=Stop;index=0\r\nCode=DoorStatus;action=Pulse;index=0;data={\"Status\":\"Open\"}\r\n",
    );
    let names: Vec<String> = other
        .iter()
        .map(|told| format!("{:?}", told.as_ref().expect("told").what))
        .collect();
    assert!(
        names[0].contains("VideoMotion") && names[1].contains("AlarmLocal") && names[2].starts_with("Door("),
        "{names:?}"
    );
}

#[test]
fn times_are_real_where_they_are_said_and_ways_where_the_configuration_takes_them() {
    let rule = EventRule {
        badge: Badge::Card,
        status: wire::adms::StatusRule::Direction,
        doors: vec![(0, Faces::Out)],
        ..EventRule::DEFAULT
    };
    let read = |fields: &str| {
        let body = event(&format!("{{\"CardNo\":\"11\",\"Status\":1,\"Door\":0,{fields}}}"));
        swipes(&hear_pieces(&rule, [body.as_bytes()])).remove(0)
    };
    let entry = read(r#""Type":"Entry","UTC":1789028800,"RealUTC":1789000000"#);
    assert_eq!(
        (entry.faces, entry.happened_at),
        (Some(Faces::In), Some(HappenedAt::Instant(1_789_000_000_000)))
    );
    let local = read(r#""CreateTime":"2026-09-16 08:20:00""#);
    assert_eq!(local.faces, Some(Faces::Out), "by its door");
    assert_eq!(
        local.happened_at,
        Some(HappenedAt::parse("2026-09-16 08:20:00").expect("a time"))
    );
    let events =
        r#"{"Events":[{"Code":"AccessControl","Data":{"UserID":"1","Status":1}}],"Time":"16-09-2026 08:20:00"}"#;
    assert_eq!(swipes(&hear(events))[0].happened_at, local.happened_at);
}

#[test]
fn records_are_the_same_events() {
    let body = "found=2\r\nrecords[0].RecNo=8\r\nrecords[0].CreateTime=1789000000\r\nrecords[0].UserID=0042\r\nrecords[0].CardNo=\r\n\
                records[0].Status=1\r\nrecords[0].Method=15\r\nrecords[0].Door=1\r\nrecords[1].RecNo=9\r\nrecords[1].Status=0\r\nrecords[1].UserID=7\r\nrecords[1].CreateTime=1789000001\r\n";
    let Records { found, told } = records(body.as_bytes(), &EventRule::DEFAULT).expect("records");
    let told: Heard = told;
    assert_eq!((found, told.len(), swipes(&told).len()), (2, 2, 1));
    assert_eq!(
        swipes(&told)[0].source_id.as_deref(),
        Some("1789000000|0042|1"),
        "the same as live"
    );
    assert_eq!(swipes(&told)[0].sequence, Some(8));
    assert_eq!(
        records(b"found=0\r\n", &EventRule::DEFAULT).map(|records| records.found),
        Some(0)
    );
    assert_eq!(records(b"Error\r\nBad Request!\r\n", &EventRule::DEFAULT), None);
    assert!(records_target(1, 2).ends_with(&format!("StartTime=1&EndTime=2&count={PAGE}")));
    let shows = clock(b"result=2026-09-16 08:20:00\r\n").expect("a time");
    assert!(set_clock_target(shows).ends_with("time=2026-09-16%2008:20:00"));
}
