//! The book as those who write it and those who read it meet it.

use chrono::NaiveDate;
use rules::time::{Instant, Span};

use super::*;

fn at(seconds: i64) -> Instant {
    Instant::from_ms(seconds * 1_000)
}

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, number).expect("a date")
}

fn reader(id: &str, link: &str) -> ReaderConfig {
    let table = format!("id = \"{id}\"\nlink = \"{link}\"\nformat = \"line\"\n");
    let table: bridge::ReaderTable = toml::from_str(&table).expect("a table");
    table.check().expect("a reader")
}

fn book() -> Sources {
    let readers = [reader("gate", "tcp-listen:127.0.0.1:7001")];
    Sources::new(
        Clock::driven(at(1_000), 0.0),
        Heartbeats::default(),
        &readers,
        CancellationToken::new(),
    )
}

fn swipe(reader: &str, badge: &str, received_at: Instant, quarantine: Option<&str>) -> SwipeRecord {
    SwipeRecord {
        id: format!("{badge}-{}", received_at.as_ms()),
        dedup_key: format!("{reader}|{badge}"),
        reader: reader.to_owned(),
        badge: badge.to_owned(),
        raw_hex: Some("0a".to_owned()),
        bits: Some(8),
        happened_at: received_at,
        received_at,
        sequence: None,
        faces: None,
        quarantine: quarantine.map(str::to_owned),
    }
}

fn bad(reader: &str, received_at: Instant) -> RejectedInput {
    RejectedInput {
        id: "r".to_owned(),
        reader: reader.to_owned(),
        received_at,
        reason: "checksum".to_owned(),
        raw_hex: "0230".to_owned(),
    }
}

fn gate(book: &Sources) -> SourceState {
    book.one("gate", day(16)).expect("it is in the book")
}

#[test]
fn what_was_committed_is_counted_by_day_and_by_run() {
    let book = book();
    let swipes = [
        swipe("gate", "7", at(10), None),
        swipe("gate", "8", at(11), Some("clock_off")),
        swipe("gate", "7", at(10), None),
    ];
    book.committed(&swipes, &[true, true, false], &[bad("gate", at(12))], day(16));
    let state = gate(&book);
    assert_eq!((state.today.readings, state.today.duplicates), (2, 1));
    assert_eq!(state.today.held, BTreeMap::from([("clock_off".to_owned(), 1)]));
    assert_eq!(state.today.malformed, BTreeMap::from([("checksum".to_owned(), 1)]));
    assert_eq!(state.bad.expect("kept").raw_hex, "0230");
    assert_eq!(state.recent.front().expect("seen").badge, "8", "the newest first");
    assert_eq!(
        book.one("gate", day(17)).expect("there").today,
        Counts::default(),
        "the next day begins with nothing, although nothing came yet"
    );
    book.committed(&swipes[..1], &[true], &[], day(17));
    let state = book.one("gate", day(17)).expect("there");
    assert_eq!((state.today.readings, state.run.readings), (1, 3));
}

#[test]
fn a_link_tells_since_when_and_a_new_text_is_no_new_state() {
    let book = book();
    book.link("gate", true, "listening", at(5));
    book.link("gate", true, "1 peer", at(9));
    let link = gate(&book).link.expect("it has said something");
    assert_eq!((link.text.as_str(), link.since_ms), ("1 peer", 5_000));
    assert_eq!(Condition::of(&gate(&book), true), Condition::Up);
    assert_eq!(Condition::of(&gate(&book), false), Condition::Unregistered);
    book.link("gate", false, "gone", at(20));
    book.coverage(&BTreeMap::from([("gate".into(), at(20))]));
    assert_eq!(Condition::of(&gate(&book), true), Condition::Down);
    book.link("gate", true, "listening", at(30));
    book.coverage(&BTreeMap::new());
    let state = gate(&book);
    assert_eq!((state.down_since_ms, state.covered_since_ms), (None, Some(1_000_000)));
    assert_eq!(Condition::of(&state, true), Condition::Up);
}

#[test]
fn a_clock_and_an_alarm_ask_for_a_hand() {
    let book = book();
    book.link("gate", true, "listening", at(5));
    book.clock("gate", Span::from_seconds(90), at(6), true);
    assert_eq!(Condition::of(&gate(&book), true), Condition::ClockOff);
    let alarms = |tamper| Note::Alarms { tamper, power: false };
    book.note("gate", &alarms(true), at(7));
    book.note("gate", &alarms(true), at(8));
    let state = gate(&book);
    assert_eq!(state.alarms.as_ref().expect("told").since_ms, 7_000);
    assert_eq!(Condition::of(&state, true), Condition::Alarm);
    book.note("gate", &alarms(false), at(9));
    book.clock("gate", Span::from_seconds(1), at(10), false);
    assert_eq!(Condition::of(&gate(&book), true), Condition::Up);
}

#[test]
fn a_test_shows_the_first_badge_and_loses_nothing() {
    let book = book();
    assert!(book.presented("gate").is_none());
    assert!(book.present("gate"));
    book.committed(&[], &[], &[bad("gate", at(999))], day(16));
    let waiting = book.presented("gate").expect("it waits");
    assert!(waiting.seconds_left() > 0 && waiting.card.is_none());
    assert_eq!(waiting.bad.expect("it came").reason, "checksum");
    book.committed(&[swipe("hall", "9", at(999), None)], &[true], &[], day(16));
    let swipes = [swipe("gate", "7", at(999), None), swipe("gate", "8", at(999), None)];
    book.committed(&swipes, &[true, true], &[], day(16));
    let card = book.presented("gate").expect("it is kept").card.expect("it was read");
    assert_eq!(
        (card.seen.badge.as_str(), card.is_new, card.latency_ms),
        ("7", true, 1_000)
    );
    assert_eq!(gate(&book).today.readings, 2, "a test counts and takes away nothing");
}

#[test]
fn senders_of_invented_names_fill_no_memory() {
    let book = book();
    for number in 0..10 * MOST_STRANGERS {
        let swipe = swipe(&format!("invented-{number}"), "7", at(10), None);
        book.committed(&[swipe], &[true], &[], day(16));
    }
    assert_eq!(book.all(day(16)).len(), MOST_STRANGERS + 1);
}

#[test]
fn a_masked_badge_tells_two_cards_apart_and_no_more() {
    assert_eq!(mask_badge("0009357203"), "******7203");
    assert_eq!(mask_badge("1-630"), "***30");
    assert_eq!(mask_badge("42"), "**");
}

#[tokio::test]
async fn the_day_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a directory");
    let address = format!("sqlite:{}", folder.path().join("rollcall.db").display());
    let ledger = store::open(&address, store::Options { exclusive: true })
        .await
        .expect("a database");
    let now = Clock::driven(at(1_000), 0.0).now();
    let today = rules::time::local_date(now, chrono_tz::UTC);
    let first = book();
    let swipes = [
        swipe("gate", "7", at(900), None),
        swipe("gate", "8", at(901), Some("clock_set")),
    ];
    first.committed(&swipes, &[true, true], &[], today);
    first.committed(&swipes, &[false, false], &[], today);
    let kept = Kept {
        date: today.to_string(),
        readers: first.all(today),
        ..Kept::default()
    };
    let mut transaction = ledger.begin().await.expect("a turn");
    transaction.record_swipes(&swipes).await.expect("kept");
    transaction
        .record_rejected(&[bad("gate", at(902))])
        .await
        .expect("kept");
    let text = serde_json::to_string(&kept).expect("text");
    transaction.set_setting(SETTING, &text).await.expect("kept");
    transaction.commit().await.expect("committed");

    let second = book();
    let site = crate::engine::load_site(&*ledger).await.expect("an empty bureau");
    remember(&second, &*ledger, &site, now).await.expect("read");
    let state = second.one("gate", today).expect("there");
    assert_eq!(
        (state.today.readings, state.today.duplicates, state.run.readings),
        (2, 2, 0)
    );
    assert_eq!(state.today.held, BTreeMap::from([("clock_set".to_owned(), 1)]));
    assert_eq!(state.today.malformed_in_all(), 1);
    assert_eq!(state.recent.len(), 2);
    assert_eq!(state.bad.expect("kept").at_ms, 902_000);
}
