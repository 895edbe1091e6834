//! SIGKILL at random moments under load: what was acknowledged is stored, once, and judged.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use acceptance::bureau::badge;
use acceptance::daemon::{Installation, Simulated, TOKEN};
use acceptance::http::{Ask, Http};
use acceptance::line::LineReader;
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta};
use serde_json::json;
use tokio::task::JoinSet;

use super::support::instant;

const KILLS: u32 = 50;
const MEETINGS: &str = "[[meeting]]\nid = \"weekly\"\ntitle = \"例会\"\nplace = \"hall\"\nstarts = \"2026-09-16 07:01\"\nends = \"2026-09-16 07:03\"\n\
    [[meeting]]\nid = \"monthly\"\ntitle = \"月会\"\nplace = \"hall\"\nstarts = \"2026-09-16 07:05\"\nends = \"2026-09-16 17:30\"\n";
const MEETING_UNITS: &str =
    "meeting,unit,at_least,min_rank\nweekly,plan,4,3\nweekly,service,7,\nmonthly,plan,6,3\nmonthly,service,7,\n";
const HTTP_SENDERS: u32 = 6;
/// The load lasts for a random part of this.
const LONGEST_LOAD_MS: u64 = 500;

/// What tells one swipe from all others: reader, badge key, milliseconds since the epoch.
type Key = (String, String, i64);

/// Hands out swipes that never repeat, over the eight days before the story, its morning, and all of its people.
#[derive(Debug, Default)]
struct Swipes(AtomicU64);

struct Swipe {
    number: u64,
    badge: String,
    happened_at: DateTime<chrono::FixedOffset>,
}

impl Swipes {
    fn next(&self) -> Result<Swipe> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let first = DateTime::parse_from_rfc3339("2026-09-08T07:00:00+08:00")?;
        // A prime step spreads neighbours over the hours from 07:00 to 18:00 without meeting an instant twice.
        let within_day = TimeDelta::milliseconds(i64::try_from(number / 96 * 7_919 % 39_600_000)?);
        let day = i64::try_from(number / 12 % 8)?;
        // A third comes in to the meeting of the day that is judged, in its five hours before the story.
        let happened_at = if reader_of(number) == "hall-in" {
            let within_morning = TimeDelta::milliseconds(i64::try_from(number / 96 * 7_919 % 18_000_000)? + day);
            first + TimeDelta::days(8) + within_morning
        } else {
            first + TimeDelta::days(day) + within_day
        };
        Ok(Swipe {
            number,
            badge: badge(usize::try_from(number % 12)?).to_string(),
            happened_at,
        })
    }
}

impl Swipe {
    fn key(&self, reader: &str) -> Key {
        (
            reader.to_owned(),
            self.badge.clone(),
            self.happened_at.timestamp_millis(),
        )
    }

    fn instant(&self) -> String {
        self.happened_at.to_rfc3339()
    }
}

/// Where a posted swipe is read.
fn reader_of(number: u64) -> &'static str {
    if number.is_multiple_of(3) {
        "hall-in"
    } else {
        "web-gate"
    }
}

/// Posts swipes one after the other until the daemon is gone; gives the keys that were acknowledged.
async fn post_until_gone(authority: String, swipes: Arc<Swipes>) -> Result<Vec<Key>> {
    let mut acknowledged = Vec::new();
    let Ok(mut http) = Http::connect(&authority).await else {
        return Ok(acknowledged);
    };
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    loop {
        let swipe = swipes.next()?;
        let reader = reader_of(swipe.number);
        let record = json!({"id": format!("k-{}", swipe.number), "reader": reader, "badge": swipe.badge, "happened_at": swipe.instant()});
        let ask = Ask {
            method: "POST",
            path: "/api/v1/swipes",
            headers: &headers,
            body: record.to_string().into(),
        };
        let Ok(answer) = http.ask(ask).await else {
            return Ok(acknowledged);
        };
        match answer.status.as_u16() {
            200 => {
                anyhow::ensure!(
                    answer.json()?["results"][0]["status"] == "recorded",
                    "{}",
                    answer.text()
                );
                acknowledged.push(swipe.key(reader));
            }
            503 => {}
            status => anyhow::bail!("{status}: {}", answer.text()),
        }
    }
}

/// The same over the TCP line.
async fn line_until_gone(address: String, swipes: Arc<Swipes>) -> Result<Vec<Key>> {
    let mut acknowledged = Vec::new();
    let Ok(mut line) = LineReader::connect(&address).await else {
        return Ok(acknowledged);
    };
    loop {
        let swipe = swipes.next()?;
        let Ok(answer) = line.ask(&format!("{},{}", swipe.badge, swipe.instant())).await else {
            return Ok(acknowledged);
        };
        if answer.starts_with("ok ") {
            acknowledged.push(swipe.key("line-gate"));
        } else {
            anyhow::ensure!(answer == "err busy", "a good line is refused: {answer}");
        }
    }
}

/// One life of the daemon under load, ended by SIGKILL; gives what was acknowledged meanwhile.
async fn one_life(installation: &Installation, from: &str, swipes: &Arc<Swipes>, moment: Duration) -> Result<Vec<Key>> {
    let daemon = installation.start(Simulated { from, speed: 1.0 }).await?;
    let mut senders = JoinSet::new();
    for _ in 0..HTTP_SENDERS {
        senders.spawn(post_until_gone(installation.authority.clone(), Arc::clone(swipes)));
    }
    senders.spawn(line_until_gone(installation.line_address.clone(), Arc::clone(swipes)));
    // Not a wait for anything: the random moment is the point.
    tokio::time::sleep(moment).await;
    daemon.kill().await?;
    let mut acknowledged = Vec::new();
    while let Some(sender) = senders.join_next().await {
        acknowledged.append(&mut sender??);
    }
    Ok(acknowledged)
}

/// The swipes that `rollcall export` writes, in their order.
fn exported(installation: &Installation) -> Result<Vec<Key>> {
    let folder = installation.scratch("exported");
    installation.tool(&["export", &folder.display().to_string()])?;
    let text = std::fs::read_to_string(folder.join("swipes.csv"))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines
        .next()
        .context("swipes.csv is empty")?
        .trim_start_matches('\u{feff}')
        .split(',')
        .collect();
    let column = |name: &str| {
        header
            .iter()
            .position(|column| *column == name)
            .with_context(|| format!("no column {name}"))
    };
    let [reader, badge, happened_at] = [column("reader")?, column("badge")?, column("happened_at")?];
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let at =
                DateTime::parse_from_rfc3339(cells[happened_at]).with_context(|| format!("no instant in {line}"))?;
            Ok((
                cells[reader].to_owned(),
                cells[badge].trim_start_matches('0').to_owned(),
                at.timestamp_millis(),
            ))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_nothing_and_repeat_nothing() -> Result<()> {
    let installation = Installation::new("crashes", None)?;
    // Units are judged by everybody's swipes at the hall, so the same kills must leave their verdicts whole.
    installation.bureau.put("meetings.toml", MEETINGS)?;
    installation.bureau.put("meeting_units.csv", MEETING_UNITS)?;
    installation.import()?;
    let swipes = Arc::new(Swipes::default());
    let began = Instant::now();
    let noon = DateTime::parse_from_rfc3339(&instant("12:20:00"))?;
    let mut acknowledged = Vec::new();
    for life in 0..KILLS {
        let random = RandomState::new().build_hasher().finish();
        let moment = Duration::from_millis(random % LONGEST_LOAD_MS);
        let from = (noon + TimeDelta::from_std(began.elapsed())?).to_rfc3339();
        let heard = one_life(&installation, &from, &swipes, moment)
            .await
            .with_context(|| format!("life {life}, killed after {moment:?}"))?;
        acknowledged.extend(heard);
    }
    let stored = exported(&installation)?;
    let distinct: BTreeSet<&Key> = stored.iter().collect();
    assert_eq!(distinct.len(), stored.len(), "a swipe is stored twice");
    let lost: Vec<&Key> = acknowledged.iter().filter(|key| !distinct.contains(key)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged swipes are lost, the first {:?}",
        lost.len(),
        acknowledged.len(),
        lost.first()
    );
    assert!(acknowledged.len() > 100, "the load was no load: {}", acknowledged.len());
    let said = installation
        .tool(&["rebuild", "--check", "--json"])
        .context("verdicts differ from a rebuild from nothing")?;
    let rebuilt: serde_json::Value = serde_json::from_str(&said)?;
    anyhow::ensure!(rebuilt["meetings"] == 2, "meetings are judged too: {rebuilt}");
    installation.tool(&["audit", "verify"])?;
    println!(
        "{KILLS} kills: {} acknowledged, {} stored, {:?}",
        acknowledged.len(),
        stored.len(),
        began.elapsed()
    );
    Ok(())
}
