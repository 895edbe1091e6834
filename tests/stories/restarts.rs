//! A daemon that dies under an open screen.

use std::time::Duration;

use acceptance::browser::Browser;
use acceptance::bureau::{PEOPLE, badge};
use acceptance::daemon::Installation;
use acceptance::wait::within;
use anyhow::Result;

use super::support::{FULL_HD, SOON, Viewer, instant, line_reader, set_clock, start_at};

/// The page may say nothing for this long before it must say that it is cut off.
const OFFLINE_DEADLINE: Duration = Duration::from_secs(12);
/// The longest pause between two attempts to connect, and some time to do it.
const BACK_DEADLINE: Duration = Duration::from_secs(25);

async fn link_is(browser: &Browser, deadline: Duration, state: &str) -> Result<()> {
    within(deadline, &format!("the page is {state}"), || async {
        let link = browser.evaluate("return document.documentElement.dataset.link").await?;
        Ok((link == state).then_some(()))
    })
    .await
}

async fn times_seen(browser: &Browser, text: &str) -> Result<usize> {
    Ok(browser.text().await?.matches(text).count())
}

#[tokio::test]
async fn a_screen_outlives_its_daemon_and_says_so() -> Result<()> {
    let installation = Installation::new("restart", None)?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let mut line = line_reader(&installation).await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let browser = Browser::start(FULL_HD).await?;
    browser.open(&viewer.address("zh-CN")).await?;
    link_is(&browser, SOON, "live").await?;
    set_clock(&mut daemon, "08:40:00").await?;
    let answer = line.ask(&format!("{},{}", badge(1), instant("08:36:00"))).await?;
    assert!(answer.starts_with("ok "), "{answer}");
    let masked = PEOPLE[1].3;
    browser.sees(SOON, masked).await?;
    let before = times_seen(&browser, masked).await?;
    browser.evaluate("window.neverReloaded = true").await?;

    daemon.kill().await?;
    link_is(&browser, OFFLINE_DEADLINE, "offline").await?;
    browser.sees(SOON, masked).await?;
    browser.photograph("story-offline").await?;

    daemon = start_at(&installation, "08:41:00").await?;
    link_is(&browser, BACK_DEADLINE, "live").await?;
    browser.sees(SOON, masked).await?;
    assert_eq!(
        browser.evaluate("return window.neverReloaded").await?,
        true,
        "the page was reloaded"
    );
    assert_eq!(times_seen(&browser, masked).await?, before, "a row is there twice");
    daemon.kill().await
}

#[tokio::test]
async fn a_second_daemon_on_the_same_data_is_refused() -> Result<()> {
    let installation = Installation::new("second", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let second = installation.tool_output(&["serve", "--listen", "127.0.0.1:0"])?;
    assert!(!second.status.success(), "two daemons share one database");
    assert!(!second.stderr.is_empty(), "it does not say why");
    daemon.kill().await
}

#[tokio::test]
async fn sigterm_drains_and_ends_well() -> Result<()> {
    let installation = Installation::new("sigterm", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let mut line = line_reader(&installation).await?;
    assert!(line.ask(&badge(0).to_string()).await?.starts_with("ok "));
    let viewer = Viewer::create(&installation, "lobby")?;
    let mut screen = acceptance::screen::Screen::connect(&daemon.authority, Some(&viewer.token)).await?;
    screen
        .next_with(|frame| (frame["t"] == "snapshot").then_some(()))
        .await?;
    let farewell = tokio::spawn(async move { screen.next_with(|frame| (frame["t"] == "bye").then_some(())).await });
    assert!(daemon.stop().await?.success());
    farewell.await?
}
