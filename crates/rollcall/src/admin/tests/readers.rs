//! 数据源: readers live, card tests.

use std::collections::BTreeMap;
use std::sync::Arc;

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
        .request(Method::GET, "/live")
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

impl Bench {
    /// Who has which card, in the order in which the rows were recorded: `4711 10240`.
    async fn cards(&self) -> Vec<String> {
        let facts = crate::commissioning::badge_facts(&*self.shared.ledger)
            .await
            .expect("rows");
        let said = facts
            .iter()
            .map(|fact| format!("{} {} {}", fact.cell("badge"), fact.cell("person"), fact.cell("until")));
        said.map(|said| said.trim_end().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_unknown_card_is_given_to_somebody_with_a_reason_and_taken_back() {
    let (bench, mut browser) = Bench::with_login().await;
    let listed = browser.get(&bench, "/badges/unknown").await;
    for said in ["4711", "从未登记", "east-gate-in", "/badges/assign?badge=4711"] {
        assert!(listed.text.contains(said), "{said} is not on {}", listed.text);
    }
    assert!(!listed.text.contains("8810231"), "a card that somebody has is listed");
    let form = browser.get(&bench, "/badges/assign?badge=4711").await;
    assert!(form.text.contains("value=\"2026-09-11T00:00\""), "{}", form.text);
    assert!(form.text.contains("10240 何嘉 · 信息中心"), "{}", form.text);
    let token = form.hidden("form_token");
    let fields = |person, reason| {
        [
            ("form_token", token.as_str()),
            ("badge", "4711"),
            ("person", person),
            ("from", "2026-09-11T00:00"),
            ("reason", reason),
        ]
    };
    for (person, reason) in [("nobody", "新卡"), ("何嘉", " ")] {
        let refused = browser.post(&bench, "/badges/assign", &fields(person, reason)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{person} {reason}");
    }
    let unsigned = browser
        .post(&bench, "/badges/assign", &fields("何嘉", "新卡")[1..])
        .await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    assert!(bench.cards().await.is_empty());
    let given = browser.post(&bench, "/badges/assign", &fields("何嘉", "新卡")).await;
    assert!(
        given
            .location()
            .starts_with("/badges/people/10240?done=assigned&change="),
        "{}",
        given.text
    );
    assert_eq!(bench.cards().await, ["4711 10240"]);
    let page = browser.get(&bench, given.location()).await;
    assert!(
        page.text.contains("已登记") && page.text.contains("撤销"),
        "{}",
        page.text
    );
    let change = page.hidden("change");
    let undone = browser
        .post(
            &bench,
            "/badges/people/10240/undo",
            &[("form_token", &token), ("change", &change)],
        )
        .await;
    assert!(undone.location().contains("done=undone"), "{}", undone.text);
    assert!(bench.cards().await.is_empty());
    let acts = bench.acts().await;
    assert!(
        acts.ends_with(&["badge.assign person:10240".into(), "badge.undo person:10240".into()]),
        "{acts:?}"
    );
}

#[tokio::test]
async fn cards_come_from_a_spreadsheet_and_a_lost_one_is_replaced() {
    let (bench, mut browser) = Bench::with_login().await;
    let token = browser.get(&bench, "/badges").await.hidden("form_token");
    let file = |text, act| [("form_token", token.as_str()), ("text", text), ("act", act)];
    let text = "badge;person;from;until\r\n000555;10240;;\r\n1.2E+09;10241;;\r\n";
    let refused = browser.post(&bench, "/badges", &file(text, "import")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("第 3 行") && refused.text.contains("科学记数法"),
        "{}",
        refused.text
    );
    assert!(bench.cards().await.is_empty(), "nothing is taken while a row is wrong");
    let good = "badge,person\n000555,10240\n";
    let tried = browser.post(&bench, "/badges", &file(good, "try")).await;
    assert!(
        tried.text.contains("新增 1") && bench.cards().await.is_empty(),
        "{}",
        tried.text
    );
    let imported = browser.post(&bench, "/badges", &file(good, "import")).await;
    assert!(imported.text.contains("已导入：新增 1"), "{}", imported.text);
    assert_eq!(bench.cards().await, ["000555 10240"]);
    let exported = browser.get(&bench, "/badges/badges.csv").await;
    assert!(exported.text.contains("000555,10240,,,何嘉"), "{}", exported.text);
    assert_eq!(exported.headers["content-type"], "text/csv; charset=utf-8");

    let page = browser.get(&bench, "/badges/people/10240").await;
    let fact = page
        .text
        .split("<option value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let fact = fact.expect("a card to end").to_owned();
    let reissue = [
        ("form_token", token.as_str()),
        ("fact", &fact),
        ("until", "2026-09-11T10:30"),
        ("badge", "777"),
        ("reason", "遗失补办"),
    ];
    let done = browser.post(&bench, "/badges/people/10240/reissue", &reissue).await;
    assert!(done.location().contains("done=reissued"), "{}", done.text);
    assert_eq!(
        bench.cards().await,
        ["000555 10240 2026-09-11T10:30:00+08:00", "777 10240"]
    );
    let again = browser.post(&bench, "/badges/people/10240/reissue", &reissue).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "the row is gone");
    let present = [("form_token", token.as_str()), ("reader", "east-gate-in")];
    let waiting = browser.post(&bench, "/badges/people/10240/present", &present).await;
    let page = waiting.location().to_owned();
    bench.commit_to_book(swipe("east-gate-in", "4711", bench.shared.clock.now()));
    let read = browser.get(&bench, &page).await;
    assert!(
        read.text.contains("读到卡 4711") && read.text.contains("badge=4711"),
        "{}",
        read.text
    );
}

#[tokio::test]
async fn a_held_swipe_is_placed_by_a_new_one_and_stays_as_it_is() {
    let (bench, mut browser) = Bench::with_login().await;
    let now = bench.shared.clock.now();
    let held = SwipeRecord {
        quarantine: Some("clock_off".to_owned()),
        happened_at: now - Span::from_minutes(60),
        ..swipe("east-gate-in", "8810240", now)
    };
    let mut transaction = bench.shared.ledger.begin().await.expect("a turn");
    transaction
        .record_swipes(std::slice::from_ref(&held))
        .await
        .expect("kept");
    transaction.commit().await.expect("committed");
    let page = browser.get(&bench, "/held").await;
    for said in ["2026-09-11 09:40:00", "读卡器时钟超出容差", "何嘉"] {
        assert!(page.text.contains(said), "{said} is not on {}", page.text);
    }
    let (token, box_of) = (page.hidden("form_token"), format!("swipe-{}", held.id));
    let fields = |by, reason| {
        [
            ("form_token", token.as_str()),
            (box_of.as_str(), "yes"),
            ("clock", "slow"),
            ("by", by),
            ("reason", reason),
        ]
    };
    for (by, reason) in [("soon", "时钟慢"), ("0:10:00", ""), ("9:00:00", "时钟慢")] {
        let refused = browser.post(&bench, "/held", &fields(by, reason)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{by} {reason}");
    }
    let placed = browser.post(&bench, "/held", &fields("0:10:00", "时钟慢十分钟")).await;
    assert_eq!(placed.location(), "/held?done=placed", "{}", placed.text);
    let ledger = &bench.shared.ledger;
    let day = rules::time::Interval::new(seed::at("2026-09-11T00:00:00"), seed::at("2026-09-12T00:00:00"));
    let stored = ledger.swipes(&["8810240"], day).await.expect("read");
    let made: Vec<&SwipeRecord> = stored
        .iter()
        .filter(|swipe| swipe.dedup_key.contains("placed:"))
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].happened_at, now - Span::from_minutes(50));
    assert!(
        made[0].quarantine.is_none() && stored.contains(&held),
        "the held one is as it was"
    );
    let after = browser.get(&bench, "/held").await;
    assert!(
        after.text.contains("时钟慢十分钟") && !after.text.contains(&box_of),
        "{}",
        after.text
    );

    let site = crate::engine::load_site(&**ledger).await.expect("facts");
    assert!(site.swipe(made[0]).is_ok());
    let withdraw = [("form_token", token.as_str()), ("swipe", made[0].id.as_str())];
    let withdrawn = browser.post(&bench, "/held/withdraw", &withdraw).await;
    assert_eq!(withdrawn.location(), "/held?done=withdrawn");
    assert_eq!(ledger.withdrawn_placements().await.expect("read"), [made[0].id.clone()]);
    let again = browser.get(&bench, "/held").await;
    assert!(again.text.contains(&box_of), "it waits again");
    let acts = bench.acts().await;
    assert!(
        acts.ends_with(&["swipe.place swipe".into(), "swipe.withdraw swipe".into()]),
        "{acts:?}"
    );
}
