//! Access controllers that post their events: in every wrapping, cut off, told twice, and refused where the key is wrong.

use acceptance::bureau::badge;
use acceptance::daemon::{Daemon, Installation};
use acceptance::http::{Answer, Ask, Http, get};
use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::support::{SOON, Viewer, count, instant, set_clock, start_at};

const KEY: &str = "a-key-that-only-stories-use";

/// An installation with a controller at the east gate, and one that may not post from here.
fn installation(name: &str, more: &str) -> Result<Installation> {
    let installation = Installation::new(name, None)?;
    let config = std::fs::read_to_string(installation.config())?;
    let controllers = format!(
        "{config}\n[[reader]]\nid = \"door\"\nlink = \"isapi\"\npush_key = \"{KEY}\"\n{more}\n\
         [[reader]]\nid = \"elsewhere\"\nlink = \"isapi\"\npush_key = \"{KEY}\"\npeers = [\"192.0.2.0/24\"]\n"
    );
    std::fs::write(installation.config(), controllers)?;
    installation.bureau.put(
        "readers.csv",
        "reader,place,faces\neast-gate,east,in\nline-gate,west,both\nweb-gate,south,in\nweb-exit,south,out\n\
         hall-in,hall,in\nhall-out,hall,out\ndoor,east,both\nelsewhere,west,both\n",
    )?;
    installation.import()?;
    Ok(installation)
}

fn path(reader: &str, key: &str) -> String {
    format!("/readers/{reader}/isapi?key={key}")
}

/// An event of somebody's face; `who` is a person's place in the list.
fn event(who: usize, serial: u32, time: &str, more: &str) -> String {
    format!(
        "{{\"ipAddress\": \"192.0.2.7\", \"portNo\": 80, \"protocol\": \"HTTP\", \"macAddress\": \"a4:d5:c2:24:dd:74\", \"channelID\": 1,\n\
         \"dateTime\": \"{}\", \"activePostCount\": 1, \"eventType\": \"AccessControllerEvent\", \"eventState\": \"active\",\n\
         \"AccessControllerEvent\": {{\"deviceName\": \"Access Controller\", \"majorEventType\": 5, \"subEventType\": 75,\n\
         \"employeeNoString\": \"{}\", \"serialNo\": {serial}, \"frontSerialNo\": {}{more}}}}}",
        instant(time),
        badge(who),
        serial - 1
    )
}

/// The same with a picture, as devices post it.
fn multipart(json: &str) -> Vec<u8> {
    let mut body = format!(
        "--MIME_boundary\r\nContent-Disposition: form-data; name=\"event_log\"\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{json}\r\n--MIME_boundary\r\nContent-Disposition: form-data; name=\"Picture\"; filename=\"Picture.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n",
        json.len()
    )
    .into_bytes();
    body.extend([0xFF, 0xD8, b'{', b'"', b'{'].iter().cycle().take(3 * 1024 * 1024));
    body.extend(b"\r\n--MIME_boundary--\r\n");
    body
}

async fn post_to(daemon: &Daemon, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Result<Answer> {
    let ask = Ask {
        method: "POST",
        path,
        headers: &[("Content-Type", kind)],
        body: body.into().into(),
    };
    Http::connect(&daemon.authority).await?.ask(ask).await
}

async fn post(daemon: &Daemon, kind: &str, body: impl Into<Vec<u8>>) -> Result<u16> {
    Ok(post_to(daemon, &path("door", KEY), kind, body).await?.status.as_u16())
}

/// How many swipes were stored that were new.
async fn swipes(daemon: &Daemon) -> Result<u64> {
    let metrics = get(&daemon.authority, "/metrics").await?.text();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("rollcall_swipes_stored_total "));
    Ok(line.context("no rollcall_swipes_stored_total")?.trim().parse()?)
}

fn arrived(people: u64) -> impl Fn(&Value) -> Option<()> {
    move |snapshot| (count(snapshot, "arrived") == Some(people)).then_some(())
}

const FORM: &str = "multipart/form-data; boundary=MIME_boundary";

#[tokio::test]
async fn an_event_reaches_the_screen_in_every_wrapping_and_counts_once() -> Result<()> {
    let installation = installation("controller", "")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    assert_eq!(
        post(&daemon, "application/json", event(0, 11, "08:20:00", "")).await?,
        200
    );
    viewer.sees(SOON, "one arrived", arrived(1)).await?;
    viewer.sees_reader("door", "heard").await?;
    assert_eq!(
        post(&daemon, FORM, multipart(&event(1, 12, "08:20:01", ""))).await?,
        200
    );
    let xml = format!(
        "<EventNotificationAlert version=\"2.0\"><dateTime>{}</dateTime><eventType>AccessControllerEvent</eventType><AccessControllerEvent>\
         <majorEventType>5</majorEventType><subEventType>38</subEventType><employeeNoString>{}</employeeNoString><serialNo>13</serialNo>\
         </AccessControllerEvent></EventNotificationAlert>",
        instant("08:20:02"),
        badge(2)
    );
    assert_eq!(post(&daemon, "application/xml", xml).await?, 200);
    let doubled = format!(
        "--b\r\n--b\r\nContent-Length: 5\r\n\r\n{}",
        event(3, 14, "08:20:03", "")
    );
    assert_eq!(post(&daemon, "multipart/form-data; boundary=b", doubled).await?, 200);
    viewer.sees(SOON, "four arrived", arrived(4)).await?;
    for again in [
        event(0, 11, "08:20:00", "").into_bytes(),
        multipart(&event(1, 12, "08:20:01", "")),
    ] {
        assert_eq!(post(&daemon, FORM, again).await?, 200);
    }
    assert_eq!(swipes(&daemon).await?, 4, "told again, stored once");

    let door = event(4, 15, "08:20:04", "").replace("75", "22");
    assert_eq!(post(&daemon, "application/json", door).await?, 200);
    let failed = event(4, 16, "08:20:04", "").replace("75", "76");
    assert_eq!(post(&daemon, "application/json", failed).await?, 200);
    assert_eq!(
        post(
            &daemon,
            "application/json",
            event(4, 17, "08:20:04", "").replace("75", "197")
        )
        .await?,
        200
    );
    assert_eq!(
        swipes(&daemon).await?,
        4,
        "a lock, a stranger's face and something unknown are nobody's swipe"
    );
    let log = daemon.log()?;
    assert!(
        log.contains("controller.refused_person") && log.contains("face_failed"),
        "{log}"
    );
    assert!(
        log.contains("controller.unknown_event") && log.contains("5/197"),
        "{log}"
    );
    daemon.kill().await
}

#[tokio::test]
async fn a_body_that_breaks_off_in_its_picture_counts_and_one_without_an_event_is_named() -> Result<()> {
    let installation = installation("controller-torn", "")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let whole = multipart(&event(0, 11, "08:20:00", ""));
    let mut connection = TcpStream::connect(&daemon.authority).await?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: daemon\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n",
        path("door", KEY),
        whole.len()
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(&whole[..2_000]).await?;
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await?;
    assert_eq!(
        &answer, b"HTTP/1.1 200",
        "the rest does not come, and is not waited for long"
    );
    viewer.sees(SOON, "one arrived", arrived(1)).await?;

    for (body, status) in [
        ("no event", 422),
        ("", 200),
        ("{\"eventType\":\"heartBeat\"}", 200),
        ("{\"dateTime\":", 200),
    ] {
        assert_eq!(post(&daemon, "text/plain", body).await?, status, "{body}");
    }
    assert_eq!(
        post(&daemon, "image/jpeg", vec![0xFF; 33 * 1024 * 1024])
            .await
            .map_or(413, |status| status),
        413
    );
    daemon.kill().await
}

#[tokio::test]
async fn who_has_not_the_key_learns_nothing_and_is_shown() -> Result<()> {
    let installation = installation("controller-strangers", "")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let body = event(0, 11, "08:20:00", "");
    let mut told = Vec::new();
    for path in [
        path("door", "another-key-of-some-length"),
        path("door", ""),
        "/readers/door/isapi".to_owned(),
        path("nobody", KEY),
        path("east-gate", KEY),
        path("elsewhere", KEY),
        format!("/readers/door/dahua?key={KEY}"),
    ] {
        let answer = post_to(&daemon, &path, "application/json", body.clone()).await?;
        assert_eq!(answer.status, 401, "{path}");
        told.push(answer.text());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "all hear the same: {told:?}");
    assert_eq!(swipes(&daemon).await?, 0);
    let log = daemon.log()?;
    for reason in ["wrong_push_key", "unknown_controller", "wrong_address"] {
        assert!(
            log.contains("controller.refused") && log.contains(reason),
            "{reason}: {log}"
        );
    }
    assert!(
        !log.contains(KEY) && !log.contains("another-key"),
        "a key must not reach the log"
    );
    daemon.kill().await
}

#[tokio::test]
async fn a_controller_shows_its_silence_once_it_has_a_heartbeat_and_what_it_kept_comes_first() -> Result<()> {
    let installation = installation("controller-silent", "")?;
    let mut daemon = start_at(&installation, "08:00:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    assert_eq!(
        post(&daemon, "application/json", event(0, 11, "08:00:00", "")).await?,
        200
    );
    viewer.sees_reader("door", "heard").await?;
    set_clock(&mut daemon, "08:20:00").await?;
    viewer.sees_reader("door", "heard").await?;
    let heartbeat = || {
        format!(
            "{{\"dateTime\":\"{}\",\"eventType\":\"heartBeat\"}}",
            instant("08:20:00")
        )
    };
    assert_eq!(post(&daemon, "application/json", heartbeat()).await?, 200);
    set_clock(&mut daemon, "08:35:01").await?;
    viewer.sees_reader("door", "silent").await?;

    let kept = event(1, 12, "08:25:00", ", \"currentEvent\": false");
    assert_eq!(post(&daemon, "application/json", kept).await?, 200);
    let kept = event(2, 13, "08:26:00", ", \"currentEvent\": false");
    assert_eq!(post(&daemon, "application/json", kept).await?, 200);
    viewer.sees_reader("door", "silent").await?;
    for serial in [14, 15] {
        let live = event(3, serial, "08:35:01", ", \"currentEvent\": true");
        assert_eq!(post(&daemon, "application/json", live).await?, 200);
    }
    viewer.sees_reader("door", "heard").await?;
    viewer.sees(SOON, "everybody arrived", arrived(4)).await?;
    let skipped = event(4, 20, "08:35:02", ", \"currentEvent\": true");
    assert_eq!(post(&daemon, "application/json", skipped).await?, 200);
    let log = daemon.log()?;
    assert!(
        log.contains("controller.gap") && log.contains("from=16") && log.contains("until=19"),
        "{log}"
    );
    daemon.kill().await
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_seen_by_what_happens_now() -> Result<()> {
    let installation = installation("controller-clock", "")?;
    let daemon = start_at(&installation, "09:00:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let live = ", \"currentEvent\": true";
    assert_eq!(
        post(&daemon, "application/json", event(0, 11, "08:20:00", live)).await?,
        200
    );
    assert_eq!(
        post(&daemon, "application/json", event(1, 12, "08:21:00", "")).await?,
        200
    );
    assert_eq!(
        post(
            &daemon,
            "application/json",
            event(2, 13, "2000-01-01T08:00:00", "")
                .replace(&instant("2000-01-01T08:00:00"), "2000-01-01T08:00:00+08:00")
        )
        .await?,
        200
    );
    assert_eq!(swipes(&daemon).await?, 3, "kept");
    assert!(daemon.log()?.contains("reader.clock_off"));
    assert_eq!(
        post(&daemon, "application/json", event(3, 14, "09:00:00", live)).await?,
        200
    );
    viewer.sees(SOON, "only who came now is counted", arrived(1)).await?;
    daemon.kill().await
}

#[tokio::test]
async fn the_reader_of_a_card_says_the_way_and_an_unknown_card_waits_for_its_person() -> Result<()> {
    let more = "badge = \"card\"\nbadge_key = \"decimal32\"\ncard_readers = { 1 = \"in\", 2 = \"out\" }\n";
    let installation = installation("controller-cards", more)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let card = format!(", \"cardNo\": \"{:010}\", \"cardReaderNo\": 1", badge(5));
    let shown = event(0, 11, "08:20:00", &card).replace("75", "1");
    assert_eq!(post(&daemon, "application/json", shown).await?, 200);
    viewer.sees(SOON, "whose card it is arrived", arrived(1)).await?;
    let unknown = event(0, 12, "08:20:01", ", \"cardNo\": \"4711\", \"cardReaderNo\": 1").replace("75", "9");
    assert_eq!(post(&daemon, "application/json", unknown).await?, 200);
    assert_eq!(swipes(&daemon).await?, 2);
    let badges = std::fs::read_to_string(installation.bureau.folder.join("badges.csv"))?;
    installation.bureau.put("badges.csv", &format!("{badges}4711,p09\n"))?;
    installation.import()?;
    viewer
        .sees(SOON, "and who is given the card has its swipe", arrived(2))
        .await?;
    daemon.kill().await
}

#[tokio::test]
async fn a_form_that_curl_makes_is_taken() -> Result<()> {
    let installation = installation("controller-curl", "")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let (json, picture) = (installation.scratch("event.json"), installation.scratch("picture.jpg"));
    std::fs::write(&json, event(0, 11, "08:20:00", ""))?;
    std::fs::write(&picture, vec![0xD8; 1_500_000])?;
    for (json_type, serial) in [("", 11), (";type=application/json", 12)] {
        std::fs::write(&json, event(usize::from(serial == 12), serial, "08:20:00", ""))?;
        let said = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--write-out",
                "%{http_code}",
                "--output",
                "/dev/null",
            ])
            .args([
                "--form",
                &format!("AccessControllerEvent=@{}{json_type}", json.display()),
            ])
            .args(["--form", &format!("Picture=@{};type=image/jpeg", picture.display())])
            .arg(daemon.url(&path("door", KEY)))
            .output()
            .await
            .context("curl is not installed")?;
        assert_eq!(
            String::from_utf8_lossy(&said.stdout),
            "200",
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
    viewer.sees(SOON, "two arrived", arrived(2)).await?;
    daemon.kill().await
}
