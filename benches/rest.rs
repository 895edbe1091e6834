//! Resident memory at rest, and how long the start takes.

use std::time::{Duration, Instant};

use acceptance::daemon::{Installation, Simulated};
use acceptance::line::LineReader;
use acceptance::screen::Screen;
use anyhow::{Context as _, Result};

const PEOPLE: usize = 300;
const SCREENS: usize = 2;
/// After the last connection, so that what starting needed can be given back.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

fn resident_kilobytes(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).context("the bench reads Linux's /proc")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

#[tokio::main]
async fn main() -> Result<()> {
    let installation = Installation::new("bench-rest", None)?;
    installation.bureau.crowd(PEOPLE)?;
    installation.import()?;
    let began = Instant::now();
    let daemon = installation
        .start(Simulated {
            from: "2026-09-16T08:45:00+08:00",
            speed: 1.0,
        })
        .await?;
    let ready_after = began.elapsed();
    let mut screens = Vec::new();
    for number in 0..SCREENS {
        let said = installation.tool(&["screen", "create", &format!("rest-{number}")])?;
        let token = said
            .split("#token=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        let mut screen = Screen::connect(&installation.authority, Some(token.context("no token")?)).await?;
        screen
            .next_with(|frame| (frame["t"] == "snapshot").then_some(()))
            .await?;
        screens.push(screen);
    }
    let _line = LineReader::connect(&installation.line_address).await?;
    tokio::time::sleep(SETTLED_AFTER).await;
    let resident = resident_kilobytes(daemon.process_id()?)?;
    println!(
        "at rest with {PEOPLE} people, 6 readers, {SCREENS} screens: {} MB resident; ready after {} ms",
        resident / 1_024,
        ready_after.as_millis()
    );
    daemon.kill().await
}
