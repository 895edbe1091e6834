//! What a newcomer does first.

use std::process::Stdio;
use std::time::{Duration, Instant};

use acceptance::daemon::free_address;
use acceptance::programs;
use acceptance::screen::Screen;
use acceptance::wait::within;
use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use super::support::SOON;

/// From its start to its end, the time asked for and some to clean up.
const END_DEADLINE: Duration = Duration::from_mins(4);

/// A demo that runs.
pub struct Demo {
    process: Child,
    /// `127.0.0.1:PORT`.
    pub authority: String,
    /// What it printed, as a file that grows.
    pub printed: std::path::PathBuf,
    _home: tempfile::TempDir,
}

impl Demo {
    /// Starts it for so many seconds at a speed.
    pub fn start(seconds: u32, speed: u32) -> Result<Self> {
        let authority = free_address()?;
        let port = authority.rsplit(':').next().context("an address has a port")?;
        let home = tempfile::TempDir::with_prefix("rollcall-demo-story-")?;
        let printed = home.path().join("printed");
        let process = Command::new(programs::rollcall()?)
            .args([
                "demo",
                "--port",
                port,
                "--headless-for",
                &seconds.to_string(),
                "--speed",
                &speed.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&printed)?)
            .stderr(std::fs::File::create(acceptance::artefacts::path(&format!(
                "demo-{port}.log"
            ))?)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            process,
            authority,
            printed,
            _home: home,
        })
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Result<std::process::ExitStatus> {
        tokio::time::timeout(END_DEADLINE, self.process.wait())
            .await
            .context("the demo does not end")?
            .context("no exit status")
    }
}

#[tokio::test]
async fn the_demo_shows_something_within_ten_seconds_and_ends_well() -> Result<()> {
    let began = Instant::now();
    let demo = Demo::start(14, 60)?;
    let mut screen = within(SOON, "the demo serves its screen", || async {
        Ok(Some(Screen::connect(&demo.authority, None).await?))
    })
    .await?;
    let arrived = |frame: &serde_json::Value| frame["d"]["counts"]["arrived"].as_u64();
    let first = screen.next_with(arrived).await?;
    let more = screen
        .next_with(|frame| arrived(frame).filter(|now| *now > first))
        .await?;
    let shown_after = began.elapsed();
    assert!(
        shown_after < Duration::from_secs(10),
        "{more} arrived, shown only after {shown_after:?}"
    );
    let printed = std::fs::read_to_string(&demo.printed)?;
    assert!(
        printed.contains(&format!("{}/screen", demo.authority)),
        "it does not say what to open: {printed}"
    );
    assert!(demo.ended().await?.success());
    Ok(())
}
