//! 数据源: readers live, card tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use http_body_util::BodyExt;
use rules::time::Instant;
use store::rows::SwipeRecord;

use super::*;

/// A swipe at a gate of the seed, as the engine commits it.
fn swipe(reader: &str, badge: &str, at: Instant) -> SwipeRecord {
    SwipeRecord {
        id: format!("{:032x}", at.as_ms()),
        dedup_key: format!("{reader}|{badge}|{}", at.as_ms()),
        reader: reader.to_owned(),
        badge: badge.to_owned(),
        raw_hex: Some("bb1d7440".to_owned()),
        bits: Some(26),
        happened_at: at,
        received_at: at,
        sequence: None,
        faces: None,
        quarantine: None,
    }
}

impl Bench {
    /// Writes a swipe into the book, as the engine does after a commit.
    pub(super) fn commit_to_book(&self, swipe: SwipeRecord) {
        let today = rules::time::local_date(self.shared.clock.now(), seed::ZONE);
        self.shared.sources.committed(&[swipe], &[true], &[], today);
    }
}

#[tokio::test]
async fn readers_are_listed_with_their_states_and_what_to_do() {
    let (bench, mut browser) = Bench::with_login().await;
    let now = bench.shared.clock.now();
    bench.shared.sources.link("west-gate", false, "no such port", now);
    bench
        .shared
        .sources
        .coverage(&BTreeMap::from([(Arc::from("west-gate"), now)]));
    bench.commit_to_book(swipe("east-gate-in", "8810231", now));
    let page = browser.get(&bench, "/readers").await;
    assert_eq!(page.status, StatusCode::OK);
    for said in [
        "east-gate-in",
        "东门 · 进",
        "无信号",
        "no such port",
        "检查电源",
        "*****31",
    ] {
        assert!(page.text.contains(said), "{said} is not on {}", page.text);
    }
    assert!(!page.text.contains("8810231"), "a list shows no whole badge");
    let west = page.text.find("west-gate").expect("listed");
    assert!(
        west < page.text.find("east-gate-in").expect("listed"),
        "first what asks for a hand"
    );
    assert_eq!(
        browser.get(&bench, "/readers/nobodys").await.status,
        StatusCode::NOT_FOUND
    );

    let one = browser.get(&bench, "/readers/east-gate-in").await;
    for said in ["02 30", "校验和不符", "·0A", "钱立新"] {
        assert!(one.text.contains(said), "{said} is not on {}", one.text);
    }
    browser.post(&bench, "/language", &[("language", "en")]).await;
    let english = browser.get(&bench, "/readers").await;
    assert!(english.text.contains("Not heard") && english.text.contains("Check power"));
}

#[tokio::test]
async fn a_card_that_is_presented_is_shown_whole_with_whose_it_is() {
    let (bench, mut browser) = Bench::with_login().await;
    let token = browser.get(&bench, "/readers").await.hidden("form_token");
    let unsigned = browser.post(&bench, "/readers/east-gate-in/test", &[]).await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    assert!(bench.shared.sources.presented("east-gate-in").is_none());
    let fields = [("form_token", token.as_str())];
    let started = browser.post(&bench, "/readers/east-gate-in/test", &fields).await;
    assert_eq!(started.location(), "/readers/east-gate-in");
    let waiting = browser.get(&bench, "/readers/east-gate-in").await;
    assert!(waiting.text.contains("请在这台读卡器上刷一张卡"), "{}", waiting.text);

    let now = bench.shared.clock.now();
    bench.commit_to_book(swipe("west-gate", "1", now));
    bench.commit_to_book(swipe("east-gate-in", "8810237", now));
    let read = browser.get(&bench, "/readers/east-gate-in").await;
    for said in ["读到了", "8810237", "赵一宁", "26 bit: BB 1D 74 40", "和平时一样入库"] {
        assert!(read.text.contains(said), "{said} is not on {}", read.text);
    }
    let unknown = browser.post(&bench, "/readers/nobodys/test", &fields).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let again = browser.post(&bench, "/readers/east-gate-in/test", &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    bench.commit_to_book(swipe("east-gate-in", "999", now));
    let nobody = browser.get(&bench, "/readers/east-gate-in").await;
    assert!(nobody.text.contains("无人持有"), "{}", nobody.text);
}

#[tokio::test]
async fn the_api_tells_the_same_and_the_stream_says_when() {
    let (bench, mut browser) = Bench::with_login().await;
    let now = bench.shared.clock.now();
    bench.commit_to_book(swipe("east-gate-in", "8810231", now));
    let answer = browser.get(&bench, "/api/v1/readers").await;
    let said: serde_json::Value = serde_json::from_str(&answer.text).expect("JSON");
    let east = said["readers"].as_array().expect("a list").iter();
    let east = east
        .into_iter()
        .find(|reader| reader["reader"] == "east-gate-in")
        .expect("listed");
    assert_eq!(east["today"]["readings"], 1);
    assert_eq!(east["place"], "east");
    assert_eq!(east["last_badge"]["badge"], "*****31");
    assert_eq!(east["last_badge"]["happened_at"], "2026-09-11T10:40:00+08:00");

    let request = browser
        .request(Method::GET, "/readers/events")
        .body(Body::empty())
        .expect("a request");
    let response = bench.router.clone().oneshot(request).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body();
    for _ in 0..2 {
        let frame = events.frame().await.expect("more").expect("whole");
        let text = String::from_utf8_lossy(frame.data_ref().expect("data")).into_owned();
        assert!(text.contains("event: changed\ndata: look"), "{text}");
        bench.commit_to_book(swipe("east-gate-in", "8810237", now));
    }
    bench.shared.sources.stop().cancel();
    while let Some(frame) = events.frame().await {
        frame.expect("it ends in order");
    }
}

#[tokio::test]
async fn a_page_that_keeps_itself_fresh_keeps_no_login_alive() {
    let (bench, mut browser) = Bench::with_login().await;
    let later = |minutes| {
        bench
            .host
            .set(Some(bench.host.now() + Span::from_minutes(minutes)), Some(0.0));
    };
    for (minutes, status) in [(29, StatusCode::OK), (29, StatusCode::SEE_OTHER)] {
        later(minutes);
        let request = browser
            .request(Method::GET, "/readers")
            .header("x-rollcall-live", "1")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(browser.send(&bench, request).await.status, status);
    }
}
