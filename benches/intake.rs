//! Swipes acknowledged a second over HTTP keep-alive, after the durable commit and judged, beside the disk and Redis.
//!
//! Two kinds of days: a live one, whose swipes come in as it passes, and a backlog, every swipe of which overturns findings of
//! a date that was final. Every swipe must be answered as recorded, and `/metrics` must have stored and judged as many.

use std::time::Duration;

use acceptance::bureau::badge;
use acceptance::daemon::{Daemon, Installation, Simulated, TOKEN};
use acceptance::http;
use acceptance::load::{Burst, Requests, Senders, Speech, http_request, redis_request};
use acceptance::measure::{Redis, fdatasync_times, median, processor_time};
use acceptance::wait::within;
use anyhow::{Context as _, Result, ensure};
use chrono::{Datelike as _, Days, FixedOffset, NaiveDate, TimeDelta, Weekday};

const ROUNDS: usize = 5;
/// How long one burst may take, of the daemon and of Redis each.
const BURST: Duration = Duration::from_secs(1);
const DISK_ROUND: Duration = Duration::from_millis(300);
const SENDERS: [usize; 3] = [1, 16, 256];
const PEOPLE: usize = 4_000;
/// Shares no factor with the number of people, so that stepping by it visits everybody in no order.
const STRIDE: usize = 1_009;
/// The first live date, a Wednesday, and the last of the backlog the day before it.
const LIVE_FROM: (i32, u32, u32) = (2026, 9, 16);
/// From here on the dates of the backlog are open: enough of them for a whole run.
const OPENED_FROM: &str = "2026-08-17 08:00";

/// Part of a live day: who comes or goes through which reader, and what time it is when their swipes are sent.
struct Step {
    clock_minute: i64,
    percent: std::ops::Range<usize>,
    from_minute: i64,
    reader: &'static str,
}

/// One in seven comes too late in the morning, one in ten after lunch, and one in ten leaves early.
const LIVE_DAY: [Step; 7] = [
    step("web-gate", 0..85, 7 * 60 + 50, 8 * 60 + 28),
    step("web-gate", 85..100, 8 * 60 + 31, 8 * 60 + 50),
    step("web-exit", 0..100, 12 * 60, 12 * 60 + 20),
    step("web-gate", 0..90, 13 * 60, 13 * 60 + 28),
    step("web-gate", 90..100, 13 * 60 + 31, 13 * 60 + 50),
    step("web-exit", 0..10, 17 * 60, 17 * 60 + 25),
    step("web-exit", 10..100, 17 * 60 + 30, 18 * 60 + 5),
];

const fn step(reader: &'static str, percent: std::ops::Range<usize>, from_minute: i64, clock_minute: i64) -> Step {
    Step {
        clock_minute,
        percent,
        from_minute,
        reader,
    }
}

/// A swipe as both services are told of it.
struct Record {
    number: usize,
    reader: &'static str,
    badge: String,
    happened_at: String,
}

fn instant(date: NaiveDate, since_midnight: TimeDelta) -> Result<String> {
    let zone = FixedOffset::east_opt(8 * 3_600).context("a zone")?;
    let midnight = date.and_hms_opt(0, 0, 0).context("a midnight")?;
    let at = (midnight + since_midnight).and_local_timezone(zone);
    Ok(at.single().context("one instant")?.to_rfc3339())
}

fn record(number: usize, person: usize, reader: &'static str, happened_at: String) -> Record {
    Record {
        number,
        reader,
        badge: badge(person).to_string(),
        happened_at,
    }
}

/// The swipes of a part of a live day, in the order in which they happened.
fn live_step(step: &Step, date: NaiveDate, first_number: usize) -> Result<Vec<Record>> {
    let [first, end] = [step.percent.start, step.percent.end].map(|percent| PEOPLE * percent / 100);
    let span = TimeDelta::minutes(step.clock_minute - step.from_minute);
    let swipe = |(place, turn): (usize, usize)| {
        let since = span * i32::try_from(place)? / i32::try_from(end - first)?;
        let at = instant(date, TimeDelta::minutes(step.from_minute) + since)?;
        let person = (turn * STRIDE + date.ordinal() as usize) % PEOPLE;
        Ok(record(first_number + place, person, step.reader, at))
    };
    (first..end).enumerate().map(swipe).collect()
}

/// Four swipes of everybody on a date that is long final, a swipe of everybody after the other.
fn backlog_date(date: NaiveDate, first_number: usize) -> Result<Vec<Record>> {
    let swipe = |place: usize| {
        let (turn, person) = (place / PEOPLE, place % PEOPLE);
        let milliseconds = i64::try_from(turn * 9_000_000 + person * 800)?;
        let at = instant(date, TimeDelta::hours(8) + TimeDelta::milliseconds(milliseconds))?;
        Ok(record(first_number + place, person, "web-gate", at))
    };
    (0..4 * PEOPLE).map(swipe).collect()
}

/// Working dates from one on, or back from it.
fn working_dates(mut date: NaiveDate, back: bool) -> impl Iterator<Item = NaiveDate> {
    std::iter::from_fn(move || {
        while matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
            date = beside(date, back);
        }
        let working = date;
        date = beside(date, back);
        Some(working)
    })
}

fn beside(date: NaiveDate, back: bool) -> NaiveDate {
    if back { date - Days::new(1) } else { date + Days::new(1) }
}

/// What is measured and what it is measured with.
struct Rig {
    installation: Installation,
    daemon: Daemon,
    redis: Redis,
    senders: Senders,
    redis_senders: Senders,
}

/// What the bursts of a round came to, and what they cost.
#[derive(Default)]
struct Sum {
    answered: usize,
    span: Duration,
    /// Of the daemon alone.
    commits: u64,
    /// Of the service, and of the senders.
    processor: [Duration; 2],
}

impl Sum {
    fn add(&mut self, burst: Burst, processor: [Duration; 2]) {
        self.answered += burst.answered;
        self.span += burst.span;
        for (sum, time) in self.processor.iter_mut().zip(processor) {
            *sum += time;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of a few seconds")]
    fn rate(&self) -> f64 {
        self.answered as f64 / self.span.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of a few seconds")]
    fn swipes_a_commit(&self) -> f64 {
        self.answered as f64 / self.commits as f64
    }

    /// Processor time a swipe, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a count of a few seconds")]
    fn cost(&self, of: usize) -> f64 {
        self.processor[of].as_secs_f64() * 1e6 / self.answered as f64
    }
}

impl Rig {
    async fn new(name: &str, from: &str, swipes: &str) -> Result<Self> {
        let installation = Installation::new(name, None)?;
        installation.bureau.crowd(PEOPLE)?;
        installation.bureau.put("swipes.csv", swipes)?;
        installation.import()?;
        let daemon = installation.start(Simulated { from, speed: 1.0 }).await?;
        let folder = installation.scratch("beside");
        std::fs::create_dir_all(&folder)?;
        let redis = Redis::start(&folder).await?;
        let mut rig = Self {
            senders: Senders::connect(&installation.authority, 0).await?,
            redis_senders: Senders::connect(&redis.address, 0).await?,
            installation,
            daemon,
            redis,
        };
        rig.settle(from).await?;
        Ok(rig)
    }

    async fn connect(&mut self, count: usize) -> Result<()> {
        self.senders = Senders::connect(&self.installation.authority, count).await?;
        self.redis_senders = Senders::connect(&self.redis.address, count).await?;
        Ok(())
    }

    async fn metric(&self, name: &str) -> Result<u64> {
        let text = http::get(&self.installation.authority, "/metrics").await?.text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    /// Waits until the daemon has seen `instant` and judged whatever was due by then, so that only what is sent is measured.
    async fn settle(&mut self, instant: &str) -> Result<()> {
        let seconds = u64::try_from(chrono::DateTime::parse_from_rfc3339(instant)?.timestamp())?;
        let (judged, quiet) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        within(Duration::from_mins(5), "every open date is judged", || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let count = self.metric("rollcall_days_judged_total").await?;
            let seen = self.metric("rollcall_engine_seen_seconds").await?;
            let unchanged = judged.replace(count) == count && seen >= seconds;
            quiet.set(if unchanged { quiet.get() + 1 } else { 0 });
            Ok((quiet.get() >= 6).then_some(()))
        })
        .await
    }

    /// Has both services take the same records, one after the other.
    async fn measure(&mut self, records: &[Record], sums: &mut [Sum; 2]) -> Result<()> {
        let own = std::process::id();
        let (stored, judged, commits) = (
            self.metric("rollcall_swipes_stored_total").await?,
            self.metric("rollcall_days_judged_total").await?,
            self.metric("rollcall_batches_committed_total").await?,
        );
        let requests = self.http_requests(records);
        let before = [processor_time(self.daemon.process_id()?)?, processor_time(own)?];
        let burst = self.senders.burst(requests, BURST).await?;
        let after = [processor_time(self.daemon.process_id()?)?, processor_time(own)?];
        sums[0].add(burst, since(after, before));
        let answered = u64::try_from(burst.answered)?;
        let stored = self.metric("rollcall_swipes_stored_total").await? - stored;
        let judged = self.metric("rollcall_days_judged_total").await? - judged;
        sums[0].commits += self.metric("rollcall_batches_committed_total").await? - commits;
        ensure!(stored == answered, "{answered} acknowledged, {stored} stored");
        ensure!(
            judged >= answered,
            "{answered} acknowledged, {judged} person-days judged"
        );

        let requests = redis_requests(records);
        let before = [processor_time(self.redis.process_id()?)?, processor_time(own)?];
        let burst = self.redis_senders.burst(requests, BURST).await?;
        let after = [processor_time(self.redis.process_id()?)?, processor_time(own)?];
        sums[1].add(burst, since(after, before));
        Ok(())
    }

    /// Ends the daemon and has its verdicts compared with those of a rebuild from nothing: speed counts only where they agree.
    async fn check_and_end(self) -> Result<()> {
        self.daemon.kill().await?;
        self.installation
            .tool(&["rebuild", "--check"])
            .context("verdicts differ from a rebuild from nothing")?;
        Ok(())
    }

    fn http_requests(&self, records: &[Record]) -> Requests {
        let request = |record: &Record| {
            let Record {
                number,
                reader,
                badge,
                happened_at,
            } = record;
            let json =
                format!(r#"{{"id":"b-{number}","reader":"{reader}","badge":"{badge}","happened_at":"{happened_at}"}}"#);
            http_request(&self.installation.authority, TOKEN, &json)
        };
        Requests {
            speech: Speech::Http,
            whole: records.iter().map(request).collect(),
        }
    }

    fn syncs_a_second(&self) -> Result<f64> {
        let syncs = fdatasync_times(&self.installation.scratch("beside"), DISK_ROUND)?.len();
        Ok(f64::from(u32::try_from(syncs)?) / DISK_ROUND.as_secs_f64())
    }
}

fn redis_requests(records: &[Record]) -> Requests {
    let request = |record: &Record| {
        redis_request(&[
            ("reader", record.reader),
            ("badge", &record.badge),
            ("happened_at", &record.happened_at),
        ])
    };
    Requests {
        speech: Speech::Redis,
        whole: records.iter().map(request).collect(),
    }
}

/// One row of the table, from what the rounds gave.
fn print_row(work: &str, senders: usize, rounds: &[[Sum; 2]], disk: Vec<f64>) {
    let of = |value: &dyn Fn(&[Sum; 2]) -> f64| median(rounds.iter().map(value).collect());
    let [ours, theirs] = [of(&|sums| sums[0].rate()), of(&|sums| sums[1].rate())];
    let costs: Vec<f64> = [(0, 0), (0, 1), (1, 0), (1, 1)]
        .iter()
        .map(|(service, part)| of(&|sums| sums[*service].cost(*part)))
        .collect();
    println!(
        "{work:>8} {senders:>8} {ours:>12.0} {theirs:>12.0} {:>9.2} {:>12.0} {:>7.0}   {:>6.1} + {:<4.1} {:>8.1} + {:<4.1}",
        of(&|sums| sums[0].rate() / sums[1].rate()),
        median(disk),
        of(&|sums| sums[0].swipes_a_commit()),
        costs[0],
        costs[1],
        costs[2],
        costs[3]
    );
}

async fn live(chosen: &[usize]) -> Result<()> {
    let (year, month, day) = LIVE_FROM;
    let first = NaiveDate::from_ymd_opt(year, month, day).context("a date")?;
    let mut rig = Rig::new(
        "bench-live",
        &instant(first, TimeDelta::hours(6))?,
        "reader,badge,happened_at\n",
    )
    .await?;
    let (mut dates, mut number) = (working_dates(first, false), 0);
    for senders in chosen {
        rig.connect(*senders).await?;
        let (mut rounds, mut disk) = (Vec::new(), Vec::new());
        for date in dates.by_ref().take(ROUNDS) {
            let mut sums = [Sum::default(), Sum::default()];
            disk.push(rig.syncs_a_second()?);
            for step in &LIVE_DAY {
                let now = instant(date, TimeDelta::minutes(step.clock_minute))?;
                rig.daemon.set_clock(&now)?;
                rig.settle(&now).await?;
                let records = live_step(step, date, number)?;
                number += records.len();
                rig.measure(&records, &mut sums).await?;
            }
            rounds.push(sums);
        }
        print_row("live", *senders, &rounds, disk);
    }
    rig.check_and_end().await
}

async fn backlog(chosen: &[usize]) -> Result<()> {
    let (year, month, day) = LIVE_FROM;
    let today = NaiveDate::from_ymd_opt(year, month, day).context("a date")?;
    // One old swipe opens every date since, so that whatever is sent for those dates is judged.
    let oldest = format!("reader,badge,happened_at\nweb-gate,{},{OPENED_FROM}\n", badge(0));
    let evening = instant(today, TimeDelta::hours(18))?;
    let mut rig = Rig::new("bench-backlog", &evening, &oldest).await?;
    let (mut dates, mut number) = (working_dates(today - Days::new(2), true), 0);
    for senders in chosen {
        rig.connect(*senders).await?;
        let (mut rounds, mut disk) = (Vec::new(), Vec::new());
        for date in dates.by_ref().take(ROUNDS) {
            let mut sums = [Sum::default(), Sum::default()];
            disk.push(rig.syncs_a_second()?);
            let records = backlog_date(date, number)?;
            number += records.len();
            rig.measure(&records, &mut sums).await?;
            rounds.push(sums);
        }
        print_row("backlog", *senders, &rounds, disk);
    }
    rig.check_and_end().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Numbers on the command line choose among the senders, words among the days; cargo itself passes `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let numbers: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let senders: Vec<usize> = SENDERS
        .into_iter()
        .filter(|one| numbers.is_empty() || numbers.contains(one))
        .collect();
    let unnamed = arguments.len() == numbers.len();
    let chosen = |name: &str| unnamed || arguments.iter().any(|argument| argument == name);
    println!("acknowledged a second after the durable commit and judged, {PEOPLE} people, medians of {ROUNDS} rounds");
    println!(
        "{:>8} {:>8} {:>12} {:>12} {:>9} {:>12} {:>7}   microseconds of processor a swipe, + its sender's: both",
        "day", "senders", "Rollcall", "Redis AOF", "of Redis", "fdatasync/s", "a commit"
    );
    if chosen("live") {
        live(&senders).await?;
    }
    if chosen("backlog") {
        backlog(&senders).await?;
    }
    Ok(())
}

/// The processor time that passed between two readings of the service's and our own.
fn since(after: [Duration; 2], before: [Duration; 2]) -> [Duration; 2] {
    [0, 1].map(|which| after[which].saturating_sub(before[which]))
}
