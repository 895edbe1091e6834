//! From the bytes of a reader to the eyes of somebody in the lobby.

use std::time::Instant;

use acceptance::browser::Browser;
use acceptance::bureau::{PEOPLE, tag};
use acceptance::daemon::Installation;
use acceptance::pty::{Pty, rdm6300};
use anyhow::Result;

use super::support::{A_SECOND, FULL_HD, SOON, Viewer, count, line_reader, row, set_clock, start_at};

/// Told on either database.
pub async fn a_late_badge_is_seen_within_a_second(database: Option<&str>) -> Result<()> {
    let installation = Installation::new("screens", database)?;
    let mut gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let _line = line_reader(&installation).await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    viewer.sees_reader("east-gate", "heard").await?;
    let browser = Browser::start(FULL_HD).await?;
    browser.open(&viewer.address("zh-CN")).await?;
    browser.sees(SOON, "云川市综合服务局").await?;

    // In time: a good frame, then what a bad contact makes of three more, then a good one.
    gate.send(&rdm6300(tag(0)))?;
    gate.send(b"\x00\xff\x02garbage\x03")?;
    gate.send(&rdm6300(tag(2))[..9])?;
    let mut wrong = rdm6300(tag(4));
    wrong[5] ^= 0x01;
    gate.send(&wrong)?;
    gate.send(&rdm6300(tag(3)))?;
    viewer
        .sees(SOON, "two people arrived", |snapshot| {
            (count(snapshot, "arrived") == Some(2)).then_some(())
        })
        .await?;

    set_clock(&mut daemon, "08:36:00").await?;
    let (_, full_name, _, masked) = PEOPLE[1];
    let late = Instant::now();
    gate.send(&rdm6300(tag(1)))?;
    browser.sees(A_SECOND, masked).await?;
    let seen_after = late.elapsed();
    let shown = viewer.sees_row(masked, "late").await?;
    assert!(
        shown["minutes"]
            .as_u64()
            .is_some_and(|minutes| (6..=8).contains(&minutes)),
        "{shown}"
    );
    let [page, snapshot] = [browser.page.source().await?, viewer.snapshot().await?.to_string()];
    assert!(
        !page.contains(full_name) && !snapshot.contains(full_name),
        "the full name reached the screen"
    );
    browser.photograph("story-late").await?;
    println!("badge to eye: {} ms", seen_after.as_millis());

    // The leave arrives on paper: the row goes, here and in the browser.
    installation.bureau.put(
        "absences.csv",
        "absence,person,kind,from,until\nL1,p02,leave,2026-09-16 08:30,2026-09-16 09:00\n",
    )?;
    installation.import()?;
    browser.no_longer_sees(SOON, masked).await?;
    viewer
        .sees(SOON, "the late row is withdrawn", |snapshot| {
            row(snapshot, masked, "late").is_none().then_some(())
        })
        .await?;
    daemon.kill().await
}

#[tokio::test]
async fn a_late_badge_on_a_serial_line_is_seen_within_a_second() -> Result<()> {
    a_late_badge_is_seen_within_a_second(None).await
}

#[tokio::test]
async fn a_screen_without_a_token_is_told_how_to_get_one() -> Result<()> {
    let installation = Installation::new("screens-unpaired", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let browser = Browser::start(FULL_HD).await?;
    browser.open(&daemon.url("/screen")).await?;
    browser.sees(SOON, "rollcall screen create").await?;
    browser.photograph("screen-unpaired").await?;
    daemon.kill().await
}
