//! No evidence is not evidence: a reader that cannot be heard makes nobody absent.

use acceptance::browser::Browser;
use acceptance::bureau::tag;
use acceptance::daemon::Installation;
use acceptance::pty::{Pty, rdm6300};
use anyhow::Result;

use super::support::{FULL_HD, SOON, Viewer, count, line_reader, set_clock, start_at};

#[tokio::test]
async fn an_unplugged_reader_is_shown_and_withholds_until_it_is_back() -> Result<()> {
    let installation = Installation::new("outage", None)?;
    let mut gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let _line = line_reader(&installation).await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    viewer.sees_reader("east-gate", "heard").await?;
    let browser = Browser::start(FULL_HD).await?;
    browser.open(&viewer.address("zh-CN")).await?;
    gate.send(&rdm6300(tag(0)))?;
    viewer
        .sees(SOON, "one person arrived", |snapshot| {
            (count(snapshot, "arrived") == Some(1)).then_some(())
        })
        .await?;

    gate.unplug()?;
    viewer.sees_reader("east-gate", "silent").await?;
    set_clock(&mut daemon, "08:45:00").await?;
    viewer
        .sees(SOON, "everybody else is withheld and nobody missing", |snapshot| {
            let counts = ["arrived", "missing", "withheld"].map(|name| count(snapshot, name));
            (counts == [Some(1), Some(0), Some(11)]).then_some(())
        })
        .await?;
    browser.sees(SOON, "暂缓").await?;
    browser.sees(SOON, "东门").await?;
    browser.photograph("story-reader-down").await?;

    gate.replug().await?;
    viewer.sees_reader("east-gate", "heard").await?;
    browser.no_longer_sees(SOON, "东门").await?;
    gate.send(&rdm6300(tag(1)))?;
    viewer
        .sees(SOON, "the next badge at the gate is read", |snapshot| {
            (count(snapshot, "arrived") == Some(2)).then_some(())
        })
        .await?;
    let snapshot = viewer.snapshot().await?;
    assert_eq!(
        count(&snapshot, "missing"),
        Some(0),
        "what happened meanwhile is still unknown: {snapshot}"
    );
    daemon.kill().await
}
