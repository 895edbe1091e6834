//! Swipes acknowledged a second over HTTP keep-alive, after the durable commit and judged, beside the disk and Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use acceptance::bureau::badge;
use acceptance::daemon::{Installation, Simulated, TOKEN};
use acceptance::http::{self, Ask, Http};
use acceptance::measure::{Redis, RedisClient, fdatasync_times, median};
use acceptance::wait::within;
use anyhow::Result;
use chrono::{DateTime, Days, TimeDelta};
use tokio::task::JoinSet;

const ROUNDS: usize = 5;
/// Of the daemon and of Redis, each.
const ROUND: Duration = Duration::from_secs(2);
const DISK_ROUND: Duration = Duration::from_millis(500);
const SENDERS: [usize; 3] = [1, 16, 256];
const PEOPLE: u64 = 2_000;
/// Each person has four swipes a day, so a day costs what a real one costs, whatever the rate.
const SWIPES_A_DAY: u64 = 4;
/// From here on the dates are open: enough of them for the swipes of a whole run.
const OPENED_FROM: &str = "2026-08-03 08:00";

/// Hands out numbers until told to stop, and counts those that were answered.
#[derive(Debug, Default)]
struct Round {
    over: AtomicBool,
    answered: AtomicU64,
}

/// The record of a number: person by person, four times a day, a day after the other back from the story's date.
fn record(number: u64) -> Result<(String, String)> {
    let (person, turn) = (number % PEOPLE, number / PEOPLE);
    let (swipe, day) = (turn % SWIPES_A_DAY, turn / SWIPES_A_DAY);
    let last = DateTime::parse_from_rfc3339("2026-09-15T08:00:00+08:00")?;
    let at = last - Days::new(day) + TimeDelta::milliseconds(i64::try_from(swipe * 9_000_000 + person * 1_700)?);
    Ok((badge(usize::try_from(person)?).to_string(), at.to_rfc3339()))
}

async fn post(authority: String, next: Arc<AtomicU64>, round: Arc<Round>) -> Result<()> {
    let mut http = Http::connect(&authority).await?;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    while !round.over.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (badge, at) = record(number)?;
        let body = format!(r#"{{"id":"b-{number}","reader":"web-gate","badge":"{badge}","happened_at":"{at}"}}"#);
        let answer = http
            .ask(Ask {
                method: "POST",
                path: "/api/v1/swipes",
                headers: &headers,
                body: body.into(),
            })
            .await?;
        if answer.status == 503 {
            continue;
        }
        anyhow::ensure!(
            answer.text().contains("recorded"),
            "{} {}",
            answer.status,
            answer.text()
        );
        round.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn append(address: String, next: Arc<AtomicU64>, round: Arc<Round>) -> Result<()> {
    let mut redis = RedisClient::connect(&address).await?;
    while !round.over.load(Ordering::Relaxed) {
        let (badge, at) = record(next.fetch_add(1, Ordering::Relaxed))?;
        redis
            .append(&[("reader", "web-gate"), ("badge", &badge), ("happened_at", &at)])
            .await?;
        round.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Waits until every date that has been opened is judged, so that only what is sent is measured.
async fn settle(authority: &str) -> Result<()> {
    let judged = std::cell::Cell::new(0);
    within(Duration::from_mins(5), "every open date is judged", || async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let metrics = http::get(authority, "/metrics").await?.text();
        let count = metrics
            .lines()
            .find_map(|line| line.strip_prefix("rollcall_days_judged_total "))
            .unwrap_or("0")
            .parse()?;
        let unchanged: bool = judged.replace(count) == count;
        Ok((unchanged && count > PEOPLE).then_some(()))
    })
    .await
}

/// Lets `senders` work for a round and gives what was answered a second.
async fn rate<F>(senders: usize, sender: impl Fn(Arc<Round>) -> F) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let round = Arc::new(Round::default());
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for _ in 0..senders {
        tasks.spawn(sender(Arc::clone(&round)));
    }
    tokio::time::sleep(ROUND).await;
    let answered = round.answered.load(Ordering::Relaxed);
    let span = began.elapsed();
    round.over.store(true, Ordering::Relaxed);
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of a few seconds")]
    let rate = answered as f64 / span.as_secs_f64();
    Ok(rate)
}

#[tokio::main]
async fn main() -> Result<()> {
    let installation = Installation::new("bench-intake", None)?;
    installation.bureau.crowd(usize::try_from(PEOPLE)?)?;
    // One old swipe opens every date since, so that whatever is sent for those dates is judged.
    let oldest = format!("reader,badge,happened_at\nweb-gate,{},{OPENED_FROM}\n", badge(0));
    installation.bureau.put("swipes.csv", &oldest)?;
    installation.import()?;
    let daemon = installation
        .start(Simulated {
            from: "2026-09-16T18:30:00+08:00",
            speed: 1.0,
        })
        .await?;
    settle(&installation.authority).await?;
    let folder = installation.scratch("beside");
    std::fs::create_dir_all(&folder)?;
    let redis = Redis::start(&folder).await?;
    let [ours, theirs] = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
    println!("acknowledged a second after the durable commit, medians of {ROUNDS} interleaved rounds of {ROUND:?}");
    println!(
        "{:>8} {:>12} {:>12} {:>14} {:>14}",
        "senders", "Rollcall", "Redis AOF", "of Redis", "fdatasync/s"
    );
    // Numbers on the command line choose among the senders; cargo itself passes `--bench`.
    let chosen: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for senders in SENDERS
        .into_iter()
        .filter(|senders| chosen.is_empty() || chosen.contains(senders))
    {
        let mut rates = [vec![], vec![], vec![]];
        for _ in 0..ROUNDS {
            let syncs = fdatasync_times(&folder, DISK_ROUND)?.len();
            rates[0].push(f64::from(u32::try_from(syncs)?) / DISK_ROUND.as_secs_f64());
            rates[1].push(
                rate(senders, |round| {
                    post(installation.authority.clone(), Arc::clone(&ours), round)
                })
                .await?,
            );
            rates[2].push(
                rate(senders, |round| {
                    append(redis.address.clone(), Arc::clone(&theirs), round)
                })
                .await?,
            );
        }
        let [disk, rollcall, redis] = rates.map(median);
        println!(
            "{senders:>8} {rollcall:>12.0} {redis:>12.0} {:>14.2} {disk:>14.0}",
            rollcall / redis
        );
    }
    daemon.kill().await
}
