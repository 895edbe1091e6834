//! Readers as whoever looks after them meets them: on their pages, live, and at the command line.

use std::time::Duration;

use acceptance::browser::{Browser, Size};
use acceptance::bureau::{PEOPLE, badge, tag};
use acceptance::daemon::Installation;
use acceptance::http;
use acceptance::pty::{Pty, rdm6300};
use acceptance::wait::within;
use anyhow::{Context as _, Result};
use serde_json::Value;

use super::admin::{become_first_admin, setup_link};
use super::support::{SOON, line_reader, set_clock, start_at};

/// What is promised to somebody in front of the page, with what a busy machine adds.
const AT_ONCE: Duration = Duration::from_secs(3);

const DESK: Size = Size {
    width: 1_440,
    height: 900,
};

#[tokio::test]
async fn a_reader_is_commissioned_from_the_page() -> Result<()> {
    let installation = Installation::new("readers", None)?;
    let mut gate = Pty::plug(&installation.serial_link()).await?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let _line = line_reader(&installation).await?;
    let browser = Browser::start(DESK).await?;
    become_first_admin(&browser, &setup_link(&daemon.log()?)?).await?;
    browser.open(&daemon.url("/readers")).await?;
    browser.sees(SOON, "实时更新").await?;
    browser.sees(SOON, "east-gate").await?;

    let mut bad = rdm6300(tag(1));
    bad[5] ^= 1;
    gate.send(&bad)?;
    browser.open(&daemon.url("/readers/east-gate")).await?;
    let bytes: Vec<String> = bad.iter().map(|byte| format!("{byte:02X}")).collect();
    browser.sees(SOON, &bytes.join(" ")).await?;
    browser.sees(SOON, "校验和不符").await?;

    browser.click("form[action='/readers/east-gate/test'] button").await?;
    browser.sees(SOON, "请在这台读卡器上刷一张卡").await?;
    browser.photograph("story-readers-waiting").await?;
    gate.send(&rdm6300(tag(2)))?;
    browser.sees(AT_ONCE, "读到了").await?;
    let shown = browser.text().await?;
    for said in [&badge(2).to_string(), PEOPLE[2].1, "rdm6300"] {
        assert!(shown.contains(said), "{said} is not shown: {shown}");
    }
    browser.photograph("story-readers-read").await?;

    browser.open(&daemon.url("/readers")).await?;
    browser.sees(SOON, "实时更新").await?;
    gate.unplug()?;
    browser.sees(AT_ONCE, "检查电源").await?;
    browser.photograph("story-readers-down").await?;
    let metrics = http::get(&daemon.authority, "/metrics").await?.text();
    assert!(
        metrics.contains("rollcall_reader_covered{reader=\"east-gate\"} 0"),
        "{metrics}"
    );
    gate.replug().await?;
    browser.no_longer_sees(SOON, "检查电源").await?;
    assert_eq!(browser.clipped_texts().await?, Vec::<String>::new());
    told_at_the_command_line(&installation).await?;
    daemon.stop().await?;
    let said: Value = serde_json::from_str(&installation.tool(&["readers", "--json"])?)?;
    assert_eq!(said["daemon"], "stopped");
    assert_eq!(of(&said, "east-gate")?["today"]["readings"], 1, "{said}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_card_is_given_away_and_a_lost_one_replaced() -> Result<()> {
    let installation = Installation::new("cards", None)?;
    let mut gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let _line = line_reader(&installation).await?;
    let browser = Browser::start(DESK).await?;
    become_first_admin(&browser, &setup_link(&daemon.log()?)?).await?;
    // A new card that nobody registered, in time; its holder is not there as far as anybody knows.
    let (unknown, new) = (tag(40), tag(41));
    gate.send(&rdm6300(unknown))?;
    set_clock(&mut daemon, "08:40:00").await?;
    let not_arrived = |kind: &str| kind == "not_arrived";
    holds(&browser, &daemon.url("/today"), PEOPLE[5].0, not_arrived, true).await?;

    browser.open(&daemon.url("/badges/unknown")).await?;
    browser.sees(SOON, &badge(40).to_string()).await?;
    browser.photograph("story-cards-unknown").await?;
    browser.click("#unknown-list a.button").await?;
    browser.fill("input[name=person]", PEOPLE[5].1).await?;
    browser.photograph("story-cards-assign").await?;
    browser.click("form[action='/badges/assign'] button").await?;
    browser.sees(SOON, "已登记").await?;
    holds(&browser, &daemon.url("/today"), PEOPLE[5].0, not_arrived, false).await?;

    browser.open(&daemon.url("/badges/people/p06")).await?;
    browser.click("form[action$='/present'] button").await?;
    browser.sees(SOON, "请在这台读卡器上刷一张卡").await?;
    gate.send(&rdm6300(new))?;
    browser.sees(SOON, &format!("读到卡 {}", badge(41))).await?;
    browser.click("#badge-test a.button").await?;
    browser.photograph("story-cards-reissue").await?;
    browser.click("form[action$='/reissue'] button").await?;
    browser.sees(SOON, "旧卡已停用").await?;
    browser.open(&daemon.url("/badges/unknown")).await?;
    browser.no_longer_sees(SOON, &badge(41).to_string()).await?;
    for (page, name) in [("/badges", "badges"), ("/held", "held")] {
        browser.open(&daemon.url(page)).await?;
        browser.photograph(&format!("story-cards-{name}")).await?;
        assert_eq!(browser.clipped_texts().await?, Vec::<String>::new(), "{page}");
    }
    daemon.kill().await
}

/// Waits until a person has, or has no longer, a finding of a kind.
async fn holds(browser: &Browser, page: &str, person: &str, kind: impl Fn(&str) -> bool, is_there: bool) -> Result<()> {
    browser.open(page).await?;
    within(
        SOON,
        &format!("the finding of {person} is there: {is_there}"),
        || async {
            let findings = super::admin::findings(browser).await?;
            let found = findings.iter().any(|finding| {
                finding["subject"] == format!("person:{person}") && finding["kind"].as_str().is_some_and(&kind)
            });
            Ok((found == is_there).then_some(()))
        },
    )
    .await
}

/// The same is said at the command line, a moment later.
async fn told_at_the_command_line(installation: &Installation) -> Result<()> {
    within(SOON, "`rollcall readers` says the same", || async {
        let said: Value = serde_json::from_str(&installation.tool(&["readers", "--json"])?)?;
        let gate = of(&said, "east-gate")?;
        let is_so = said["daemon"] == "running"
            && gate["covered"] == true
            && gate["today"]["readings"] == 1
            && gate["today"]["malformed"]["checksum"] == 1
            && gate["last_bad_frame"]["reason"] == "checksum";
        Ok(is_so.then_some(()))
    })
    .await?;
    let said = installation.tool(&["readers", "--lang", "en"])?;
    assert!(said.contains("east-gate") && said.contains("checksum"), "{said}");
    Ok(())
}

/// What is said of one reader.
fn of<'a>(said: &'a Value, reader: &str) -> Result<&'a Value> {
    let mut readers = said["readers"].as_array().context("no readers")?.iter();
    readers
        .find(|said| said["reader"] == reader)
        .context("it is not listed")
}
