//! From the send of a badge line to the frame at each of many screens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use acceptance::bureau::badge;
use acceptance::daemon::{Installation, Simulated};
use acceptance::line::LineReader;
use acceptance::measure::{fdatasync_times, percentile};
use acceptance::screen::Screen;
use anyhow::{Context as _, Result};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

const SCREENS: usize = 50;
const SWIPES_A_SECOND: u32 = 100;
const SWIPES: usize = 1_500;
const DISK_SPAN: Duration = Duration::from_secs(1);

/// When each swipe was sent: the nth arrival is the nth swipe, since one reader sends them in order.
type Sent = Arc<Vec<OnceCell<Instant>>>;

/// Reads a screen's frames and notes, for every swipe, how long after its sending the screen first counted it.
async fn watch(mut screen: Screen, sent: Sent) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(SWIPES);
    while latencies.len() < SWIPES {
        let frame = screen.next().await?;
        let seen_at = Instant::now();
        let Some(arrived) = frame["d"]["counts"]["arrived"].as_u64() else {
            continue;
        };
        while latencies.len() < usize::try_from(arrived)?.min(SWIPES) {
            let at = sent[latencies.len()]
                .get()
                .context("a screen counts a swipe that nobody sent")?;
            latencies.push(seen_at - *at);
        }
    }
    Ok(latencies)
}

async fn screens(installation: &Installation) -> Result<Vec<Screen>> {
    let mut screens = Vec::new();
    for number in 0..SCREENS {
        let said = installation.tool(&["screen", "create", &format!("bench-{number}")])?;
        let token = said
            .split("#token=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        screens.push(Screen::connect(&installation.authority, Some(token.context("no token")?)).await?);
    }
    Ok(screens)
}

#[tokio::main]
async fn main() -> Result<()> {
    let installation = Installation::new("bench-screens", None)?;
    installation.bureau.crowd(SWIPES + 500)?;
    installation.import()?;
    let daemon = installation
        .start(Simulated {
            from: "2026-09-16T08:20:00+08:00",
            speed: 1.0,
        })
        .await?;
    let before = fdatasync_times(&installation.data_directory(), DISK_SPAN)?;
    let sent: Sent = Arc::new((0..SWIPES).map(|_| OnceCell::new()).collect());
    let mut watchers = JoinSet::new();
    for screen in screens(&installation).await? {
        watchers.spawn(watch(screen, Arc::clone(&sent)));
    }
    let mut line = LineReader::connect(&installation.line_address).await?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / SWIPES_A_SECOND);
    for (number, cell) in sent.iter().enumerate() {
        pace.tick().await;
        cell.set(Instant::now())?;
        let answer = line.ask(&badge(number).to_string()).await?;
        anyhow::ensure!(answer.starts_with("ok "), "{answer}");
    }
    let mut latencies = Vec::new();
    while let Some(watcher) = watchers.join_next().await {
        latencies.append(&mut watcher??);
    }
    latencies.sort();
    let mut disk = before;
    disk.append(&mut fdatasync_times(&installation.data_directory(), DISK_SPAN)?);
    disk.sort();
    println!(
        "badge line to frame, {SCREENS} screens, {SWIPES_A_SECOND} swipes a second, {} frames",
        latencies.len()
    );
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let [ours, raw] = [&latencies, &disk].map(|times| percentile(times, share).as_secs_f64() * 1_000.0);
        println!(
            "{name}: {ours:.2} ms, raw fdatasync {raw:.2} ms, more by {:.2} ms",
            ours - raw
        );
    }
    daemon.kill().await
}
