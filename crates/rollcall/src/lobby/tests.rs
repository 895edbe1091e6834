//! The lobby through its sockets: who is let in, what they hear, and how connections end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use rules::finding::{FindingKind, Presence};
use serde_json::{Value, json};
use store::error::StoreError;
use store::rows::ScreenRow;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::sample::{at, day, facts, found, morning};
use super::{
    Access, BoardChange, BoardDay, Closing, Limits, Lobby, LobbySettings, NameMode, QUEUED_FRAMES, token_hash,
};
use crate::clock::Clock;

/// Longer than anything here takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const TOKEN: &str = "0123456789abcdef";
const PEOPLE: [(&str, &str); 3] = [("sun", "孙一航"), ("zhou", "周强"), ("anna", "Anna Schmidt")];

/// The screens that may come in, and which of them were noted as seen.
#[derive(Default)]
struct Doors {
    screens: Mutex<HashMap<String, ScreenRow>>,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl Access for Doors {
    async fn screen(&self, token_hash: &str) -> Result<Option<ScreenRow>, StoreError> {
        Ok(self
            .screens
            .lock()
            .expect("no panic elsewhere")
            .get(token_hash)
            .cloned())
    }

    async fn screen_seen(&self, screen: &str) -> Result<(), StoreError> {
        self.seen.lock().expect("no panic elsewhere").push(screen.to_owned());
        Ok(())
    }

    async fn is_admin(&self, headers: &HeaderMap) -> bool {
        headers.get("x-test-admin").is_some()
    }
}

/// A served lobby with three people, the first of them late.
struct Served {
    lobby: Lobby,
    doors: Arc<Doors>,
    router: axum::Router,
    url: String,
    stop: CancellationToken,
    tasks: TaskTracker,
}

fn settings(url: &str) -> LobbySettings {
    LobbySettings {
        site: "云川市综合服务局".into(),
        version: "1.0.0".into(),
        public_url: url.into(),
        demo: false,
        names: NameMode::Masked,
        limits: Limits::default(),
    }
}

fn late(person: u32) -> BoardDay {
    let standing = morning(Presence::Present { since: at(8, 40) }, true);
    let finding = found(person, FindingKind::Late, &standing);
    day(person, vec![standing], vec![finding])
}

async fn serve(change: impl FnOnce(&mut LobbySettings)) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut settings = settings(&url);
    change(&mut settings);
    let lobby = Lobby::new(settings, Clock::driven(at(9, 0), 0.0)).expect("randomness");
    let (stop, tasks, doors) = (CancellationToken::new(), TaskTracker::new(), Arc::new(Doors::default()));
    let row = ScreenRow {
        id: "a1".into(),
        name: "大厅主屏 A-01".into(),
        token_hash: token_hash(TOKEN),
        created_at: at(0, 0),
        seen_at: None,
    };
    doors
        .screens
        .lock()
        .expect("no panic elsewhere")
        .insert(token_hash(TOKEN), row);
    let router = lobby.router(Arc::clone(&doors) as Arc<dyn Access>, stop.clone(), tasks.clone());
    tokio::spawn({
        let (lobby, stop) = (lobby.clone(), stop.clone());
        async move { lobby.run(stop).await }
    });
    tokio::spawn(axum::serve(listener, router.clone()).into_future());
    lobby.publish(BoardChange {
        facts: Some(facts(&PEOPLE)),
        days: vec![late(0)],
        ..BoardChange::default()
    });
    let served = Served {
        lobby,
        doors,
        router,
        url,
        stop,
        tasks,
    };
    served.until("the first view", |lobby| lobby.counts().frames > 0).await;
    served
}

impl Served {
    async fn until(&self, what: &str, holds: impl Fn(&Lobby) -> bool) {
        let wait = async {
            while !holds(&self.lobby) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("waited in vain for {what}: {:?}", self.lobby.counts()));
    }

    async fn upgrade(&self, headers: &[(&'static str, &str)]) -> Result<Screen, StatusCode> {
        let mut request = format!("{}/screen/ws", self.url.replace("http", "ws"))
            .into_client_request()
            .expect("a URL");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, value.parse().expect("a header value"));
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Screen(socket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(other) => panic!("no answer: {other}"),
        }
    }

    /// A socket of a page of ours that has said nothing yet.
    async fn open(&self, more: &[(&'static str, &str)]) -> Screen {
        let mut headers = vec![("origin", self.url.as_str()), ("sec-websocket-protocol", "rollcall.v1")];
        headers.extend(more);
        self.upgrade(&headers).await.expect("let in")
    }

    /// The paired screen, greeted and shown the board.
    async fn paired(&self) -> (Screen, Value) {
        let mut screen = self.open(&[("cookie", "rollcall_screen=0123456789abcdef")]).await;
        screen.say(&json!({"t": "hello"})).await;
        assert_eq!(screen.hear("welcome").await["d"]["config"]["screen"], "大厅主屏 A-01");
        let snapshot = screen.hear("snapshot").await;
        (screen, snapshot)
    }

    async fn answer(&self, request: axum::http::request::Builder, body: &str) -> Response<Body> {
        self.router
            .clone()
            .oneshot(request.body(Body::from(body.to_owned())).expect("a request"))
            .await
            .expect("infallible")
    }
}

struct Screen(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Screen {
    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.expect("still open");
    }

    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a frame in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("frames are JSON")),
                Some(Ok(Message::Close(Some(close)))) => return Err(close.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("neither a frame nor a reason: {other:?}"),
            }
        }
    }

    /// The next frame, which must be of this kind; pings are passed over.
    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await.expect("still open");
            if frame["t"] == kind {
                return frame;
            }
            assert_eq!(frame["t"], "ping", "waiting for {kind}: {frame}");
        }
    }

    /// Whatever comes until the close code.
    async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

#[tokio::test]
async fn only_pages_of_ours_and_programs_with_a_token_reach_the_socket() {
    let served = serve(|_| ()).await;
    let ours = ("origin", served.url.as_str());
    let protocol = ("sec-websocket-protocol", "rollcall.v1");
    let refused = async |headers: &[(&'static str, &str)]| served.upgrade(headers).await.err();
    assert_eq!(
        refused(&[("origin", "https://evil.example"), protocol]).await,
        Some(StatusCode::FORBIDDEN)
    );
    assert_eq!(
        refused(&[protocol, ("cookie", "rollcall_screen=0123456789abcdef")]).await,
        Some(StatusCode::FORBIDDEN),
        "a browser's cookie without the origin that a browser names"
    );
    assert_eq!(
        refused(&[protocol]).await,
        None,
        "a program that has nothing may say hello"
    );
    assert_eq!(refused(&[ours]).await, Some(StatusCode::BAD_REQUEST), "no subprotocol");
    assert_eq!(
        refused(&[protocol, ("authorization", "Bearer 0123456789abcdef")]).await,
        None
    );
    assert_eq!(served.lobby.counts().refused, 3);
}

#[tokio::test]
async fn a_paired_screen_gets_the_board_then_events_and_after_a_reconnect_the_board_again() {
    let served = serve(|_| ()).await;
    let (mut screen, snapshot) = served.paired().await;
    assert_eq!(snapshot["d"]["counts"]["arrived"], 1);
    assert_eq!(snapshot["d"]["rows"][0]["name"], "孙＊航");
    served.lobby.publish(BoardChange {
        days: vec![late(1)],
        ..BoardChange::default()
    });
    let event = screen.hear("event").await;
    assert_eq!(event["seq"].as_u64(), snapshot["seq"].as_u64().map(|seq| seq + 1));
    assert_eq!(
        (&event["d"]["put"][0]["name"], &event["d"]["counts"]["arrived"]),
        (&json!("周＊"), &json!(2))
    );
    drop(screen);
    let (_screen, again) = served.paired().await;
    assert_eq!(
        (&again["seq"], &again["epoch"], &again["d"]["counts"]["arrived"]),
        (&event["seq"], &event["epoch"], &json!(2))
    );
    assert_eq!(*served.doors.seen.lock().expect("no panic elsewhere"), ["a1", "a1"]);
}

#[tokio::test]
async fn without_a_token_only_the_demo_and_administrators_see_the_preview_which_is_always_masked() {
    let preview = json!({"t": "hello", "screen": "preview"});
    let served = serve(|settings| settings.names = NameMode::Full).await;
    for hello in [json!({"t": "hello"}), preview.clone()] {
        let mut stranger = served.open(&[]).await;
        stranger.say(&hello).await;
        assert_eq!(stranger.closed().await, Closing::NotPaired.code());
    }
    let mut administrator = served.open(&[("x-test-admin", "yes")]).await;
    administrator.say(&preview).await;
    let welcome = administrator.hear("welcome").await;
    assert_eq!(
        (&welcome["d"]["config"]["names"], &welcome["d"]["config"]["screen"]),
        (&json!("masked"), &Value::Null)
    );
    assert_eq!(administrator.hear("snapshot").await["d"]["rows"][0]["name"], "孙＊航");
    assert_eq!(
        served.paired().await.1["d"]["rows"][0]["name"],
        "孙一航",
        "a screen that was declared to be the staff's"
    );
    let demo = serve(|settings| settings.demo = true).await;
    let mut anybody = demo.open(&[]).await;
    anybody.say(&preview).await;
    assert_eq!(anybody.hear("welcome").await["d"]["config"]["demo"], true);
    assert!(
        demo.doors.seen.lock().expect("no panic elsewhere").is_empty(),
        "a preview is no sign of life of a screen"
    );
}

#[tokio::test]
async fn who_does_not_greet_in_time_is_sent_away() {
    let served = serve(|settings| settings.limits.hello = Duration::from_millis(30)).await;
    let mut silent = served.open(&[]).await;
    assert_eq!(silent.closed().await, Closing::NoHello.code());
}

#[tokio::test]
async fn a_screen_that_falls_silent_is_disconnected() {
    let served = serve(|settings| {
        settings.limits.ping = Duration::from_millis(20);
        settings.limits.silence = Duration::from_millis(80);
    });
    let (mut screen, _) = served.await.paired().await;
    assert_eq!(screen.hear("ping").await["d"]["n"], 1);
    assert_eq!(screen.closed().await, Closing::Silent.code());
}

#[tokio::test]
async fn unknown_frames_are_ignored_and_broken_or_too_many_ones_are_not() {
    let served = serve(|_| ()).await;
    let (mut screen, snapshot) = served.paired().await;
    screen.say(&json!({"t": "dance"})).await;
    screen.say(&json!({"t": "resync", "have": 0})).await;
    assert_eq!(screen.hear("snapshot").await["seq"], snapshot["seq"]);
    screen.say(&json!({"t": "hello"})).await;
    assert_eq!(screen.closed().await, Closing::Malformed.code(), "a second hello");
    let (mut screen, _) = served.paired().await;
    for _ in 0..100 {
        // The server may have hung up already: that is what is tested.
        let _: Result<(), Error> = screen.0.send(Message::text(r#"{"t":"pong","n":1}"#)).await;
    }
    assert_eq!(screen.closed().await, Closing::Malformed.code(), "a flood");
    let (mut screen, _) = served.paired().await;
    let _: Result<(), Error> = screen.0.send(Message::text("x".repeat(9_000))).await;
    served
        .until("the end of who sent too large a frame", |lobby| {
            lobby.counts().connected == 0
        })
        .await;
}

#[tokio::test]
async fn the_newest_connection_of_a_screen_takes_over() {
    let served = serve(|_| ()).await;
    let (mut old, _) = served.paired().await;
    let (mut new, _) = served.paired().await;
    assert_eq!(old.closed().await, Closing::TakenOver.code());
    served
        .until("one connection", |lobby| lobby.counts().connected == 1)
        .await;
    served.lobby.publish(BoardChange {
        days: vec![late(1)],
        ..BoardChange::default()
    });
    new.hear("event").await;
}

#[tokio::test]
async fn a_revoked_screen_is_disconnected() {
    let served = serve(|settings| settings.limits.recheck = Duration::from_millis(30)).await;
    let (mut screen, _) = served.paired().await;
    served.doors.screens.lock().expect("no panic elsewhere").clear();
    assert_eq!(screen.closed().await, Closing::NotPaired.code());
}

#[tokio::test]
async fn at_the_end_screens_hear_goodbye_and_nobody_is_left() {
    let served = serve(|_| ()).await;
    let (mut screen, _) = served.paired().await;
    served.stop.cancel();
    let bye = screen.hear("bye").await;
    assert_eq!((&bye["d"]["code"], &bye["d"]["retry_after"]), (&json!(4001), &json!(1)));
    assert_eq!(screen.closed().await, Closing::Shutdown.code());
    drop(screen);
    served.tasks.close();
    timeout(PATIENCE, served.tasks.wait())
        .await
        .expect("every connection has ended");
}

#[tokio::test]
async fn a_screen_that_does_not_read_costs_nobody_else_anything() {
    let ids: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    let people: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "欧阳一二三")).collect();
    let served = serve(|settings| settings.demo = true).await;
    served.lobby.publish(BoardChange {
        facts: Some(facts(&people)),
        ..BoardChange::default()
    });
    let (mut slow, _) = served.paired().await;
    let mut quick = served.open(&[]).await;
    quick.say(&json!({"t": "hello", "screen": "preview"})).await;
    quick.hear("welcome").await;
    let mut seq = quick.hear("snapshot").await;
    let mut rounds = 0_i64;
    while served.lobby.counts().fell_behind == 0 {
        rounds += 1;
        assert!(rounds < 4_000, "the slow screen's line takes everything");
        let days = (0..200).map(|person| {
            let mut day = late(person);
            day.findings[0].revision = rounds;
            day
        });
        served.lobby.publish(BoardChange {
            days: days.collect(),
            ..BoardChange::default()
        });
        seq = quick.hear("event").await;
        // The slow one is told that it fell behind only once it reads again.
        if rounds > i64::try_from(QUEUED_FRAMES).expect("small") + 600 {
            break;
        }
    }
    let caught_up = loop {
        let frame = slow.next().await;
        match frame {
            Ok(frame) if frame["t"] == "snapshot" => break frame["seq"].clone(),
            Ok(_) => {}
            Err(code) => panic!("closed with {code}"),
        }
    };
    assert_eq!((caught_up, served.lobby.counts().fell_behind), (seq["seq"].clone(), 1));
}

#[tokio::test]
async fn a_token_becomes_a_cookie_that_no_script_can_read() {
    let served = serve(|settings| settings.public_url = "https://rollcall.example".into()).await;
    let ask = async |origin: &str, token: &str| {
        let request = Request::post("/screen/session")
            .header("origin", origin)
            .header("content-type", "application/json");
        served.answer(request, &json!({"token": token}).to_string()).await
    };
    assert_eq!(ask("https://evil.example", TOKEN).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        ask("https://rollcall.example", "wrong").await.status(),
        StatusCode::UNAUTHORIZED
    );
    let kept = ask("https://rollcall.example", TOKEN).await;
    assert_eq!(kept.status(), StatusCode::NO_CONTENT);
    let cookie = kept.headers()["set-cookie"].to_str().expect("text");
    assert_eq!(
        cookie,
        "rollcall_screen=0123456789abcdef; HttpOnly; SameSite=Strict; Path=/screen; Max-Age=34560000; Secure"
    );
}

#[tokio::test]
async fn who_polls_gets_the_same_snapshot_and_is_told_when_it_is_unchanged() {
    let served = serve(|_| ()).await;
    let ask = async |etag: &str| {
        let request = Request::get("/screen/snapshot").header("cookie", "rollcall_screen=0123456789abcdef");
        served.answer(request.header("if-none-match", etag), "").await
    };
    let first = ask("").await;
    let etag = first.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(first.headers()["rollcall-time"], "2026-09-16T09:00:00.000+08:00");
    let body = first.into_body().collect().await.expect("a body").to_bytes();
    let snapshot: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (&snapshot["t"], &snapshot["d"]["counts"]["late"]),
        (&json!("snapshot"), &json!(1))
    );
    assert_eq!(ask(&etag).await.status(), StatusCode::NOT_MODIFIED);
    for path in ["/screen/snapshot", "/screen/snapshot?screen=preview"] {
        assert_eq!(
            served.answer(Request::get(path), "").await.status(),
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_page_names_its_files_and_its_policy() {
    let served = serve(|settings| settings.public_url = "https://rollcall.example".into()).await;
    let page = served.answer(Request::get("/screen"), "").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        policy.starts_with("default-src 'self'; connect-src 'self' wss://rollcall.example;"),
        "{policy}"
    );
    let html = page.into_body().collect().await.expect("a body").to_bytes();
    let html = std::str::from_utf8(&html).expect("UTF-8");
    assert!(
        !html.contains("{build}") && !html.contains("style="),
        "the policy lets no style in the text take effect"
    );
    let script = html
        .split('"')
        .find(|part| part.ends_with("/screen.js"))
        .expect("the page has a script");
    let answer = served.answer(Request::get(script), "").await;
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (
            StatusCode::OK,
            &"text/javascript; charset=utf-8".parse().expect("a type")
        )
    );
    let other = served
        .answer(Request::get("/screen/assets/000000000000/screen.js"), "")
        .await;
    assert_eq!(
        other.status(),
        StatusCode::NOT_FOUND,
        "a file of another build would be a mixture"
    );
}
