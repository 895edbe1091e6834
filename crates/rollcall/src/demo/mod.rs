//! `rollcall demo`: an invented bureau whose day passes before one's eyes, by the same code as `serve`.
//!
//! A site folder is invented and imported, a daemon is started on it with a driven clock, and the script of a day is played at
//! gates that speak real bytes over pseudo-terminals and a socket. Everything lives in one temporary directory, which goes with the
//! process. The same seed gives the same day, so a test can say what it must come to.

pub(crate) mod bureau;
mod cast;
mod gates;
mod names;
pub(crate) mod random;
pub(crate) mod script;
mod signal;
pub(crate) mod site;
mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::config::{Config, Overrides};
use crate::lifecycle::Lifecycle;
use crate::serve::{self, Addresses, ServeOptions};
use crate::transfer::{self, ImportOptions};
use crate::words::{self, Language, Value};

use bureau::Bureau;
use gates::{Gates, OpenGates};
use random::Random;
use script::ScriptedSwipe;

/// From which the bureau and its day follow.
const SEED: u64 = 20_260_916;

/// How to show the demo.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Judging seconds per real second.
    pub speed: f64,
    /// Where HTTP is served on this machine; 0 takes a free port.
    pub port: u16,
    /// Ends by itself after so many seconds.
    pub headless_for_seconds: Option<u64>,
}

/// Everything that happens in the demo: what has happened when it starts, and what is still to come.
struct Story {
    /// The bureau.
    bureau: Bureau,
    /// Swipes before the start: of the days before, and of the early birds.
    past: Vec<ScriptedSwipe>,
    /// Swipes to be played, in order.
    to_come: Vec<ScriptedSwipe>,
}

impl Story {
    /// The story that follows from a seed.
    fn invent(seed: u64) -> Self {
        let bureau = Bureau::invent(seed);
        let mut random = Random::new(seed ^ 0x5C21);
        let swipes: Vec<ScriptedSwipe> = bureau
            .casts
            .iter()
            .flat_map(|cast| script::write(&bureau, cast, &mut random))
            .collect();
        let starts = bureau.opens_at();
        let (past, to_come) = swipes.into_iter().partition(|swipe| swipe.at < starts);
        Self { bureau, past, to_come }
    }
}

/// Runs the demo until it is asked to stop.
pub async fn run(options: DemoOptions, lifecycle: Lifecycle) -> anyhow::Result<()> {
    if !(options.speed > 0.0 && options.speed <= 3_600.0) {
        bail!("--speed is more than 0 and at most 3600 judging seconds per second");
    }
    check_port(options.port).await?;
    let directory = TempDir::with_prefix("rollcall-demo-").context("no temporary directory for the demo")?;
    let story = Story::invent(SEED);
    // The clock stands still until the daemon is up, so that nobody is late because a database was being made.
    let clock = Clock::driven(story.bureau.opens_at(), 0.0);
    let gates = Gates::open().await?;
    let config = write_configuration(directory.path(), &gates, options.port)?;
    import_site(&config, directory.path(), &story, &clock).await?;

    let (ready, is_ready) = oneshot::channel();
    let serving = ServeOptions {
        config,
        data_directory: directory.path().to_owned(),
        clock: clock.clone(),
        simulated: true,
        demo: true,
        ready: Some(ready),
    };
    // The gates outlive the daemon: a line that ends first would look like a broken reader at the end of every demo.
    let mut gates = gates.start(Random::new(SEED));
    let show = show(&story, &mut gates, &clock, &options, is_ready, &lifecycle);
    let (served, shown) = tokio::join!(serve::run(serving, lifecycle.clone()), async {
        let shown = show.await;
        lifecycle.soft.cancel();
        shown
    });
    // What ended the daemon comes first: the demo cannot go on without it and says only that.
    served.and(shown)
}

/// Says where to look once the daemon is up, and plays the day until the time is up or the daemon is told to stop.
async fn show(
    story: &Story,
    gates: &mut OpenGates,
    clock: &Clock,
    options: &DemoOptions,
    is_ready: oneshot::Receiver<Addresses>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let addresses = is_ready.await.context("the daemon did not start")?;
    println!(
        "listening http://{}\n\n{}",
        addresses.listen,
        greeting(&addresses, options)
    );
    clock.set(None, Some(options.speed));
    tokio::select! {
        () = lifecycle.soft.cancelled() => Ok(()),
        () = end_after(options.headless_for_seconds) => Ok(()),
        played = play(story, gates, clock) => played,
    }
}

/// Shows each card when the clock has reached its instant. When the day is over the clock goes on at the speed of real time, so
/// that the next morning, on which nobody comes, is far away; this never returns but with an error.
async fn play(story: &Story, gates: &mut OpenGates, clock: &Clock) -> anyhow::Result<()> {
    for swipe in &story.to_come {
        wait_until(clock, swipe.at).await;
        gates.show(swipe).await?;
    }
    wait_until(clock, story.bureau.closes_at()).await;
    clock.set(None, Some(1.0));
    tracing::info!(event = "demo.day_over");
    std::future::pending().await
}

async fn wait_until(clock: &Clock, at: rules::time::Instant) {
    while clock.now() < at {
        clock.wait_until(at).await;
    }
}

async fn end_after(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Looks before anything is made whether the port is free, to say what to do where it is not.
async fn check_port(port: u16) -> anyhow::Result<()> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    bound.map(drop).with_context(|| {
        format!("port {port} cannot be used: name another one with --port P, or take a free one with --port 0")
    })
}

/// Writes the file that a real bureau would write, and reads it as `serve` does.
fn write_configuration(directory: &Path, gates: &Gates, port: u16) -> anyhow::Result<Config> {
    let path = directory.join("rollcall.toml");
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let database = directory.join("rollcall.db");
    let text = format!(
        "listen = \"{listen}\"\ndatabase = \"sqlite:{}\"\n\n{}",
        database.display(),
        gates.configuration()
    );
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Config::load(Some(&path), Overrides::default())
}

/// Writes the bureau's folder and imports it, as `rollcall import` does.
async fn import_site(config: &Config, directory: &Path, story: &Story, clock: &Clock) -> anyhow::Result<()> {
    let folder = directory.join("site");
    std::fs::create_dir(&folder)?;
    site::write(&story.bureau, &story.past, &folder).with_context(|| format!("cannot write {}", folder.display()))?;
    let ledger = serve::open_ledger(config, directory, false).await?;
    let options = ImportOptions {
        dry_run: false,
        accept_good_rows: false,
        actor: "demo".to_owned(),
    };
    let report = transfer::import(&*ledger, &folder, &options, clock.now()).await?;
    ledger.close().await;
    if !report.succeeded() {
        bail!(
            "the demo's own site folder has errors\n{}",
            report.lines(Language::English).join("\n")
        );
    }
    Ok(())
}

/// What to open and how to stop, in both languages.
fn greeting(addresses: &Addresses, options: &DemoOptions) -> String {
    let screen = format!("{}/screen", addresses.public_url);
    let admin = addresses
        .setup_url
        .clone()
        .unwrap_or_else(|| addresses.public_url.clone());
    let speed = options.speed.to_string();
    let texts = Language::ALL.map(|language| {
        let arguments = [
            ("screen", Value::from(screen.as_str())),
            ("admin", Value::from(admin.as_str())),
            ("speed", Value::from(speed.as_str())),
        ];
        words::text(language, "demo-greeting", &arguments)
    });
    texts.join("\n\n")
}

#[cfg(test)]
mod tests;
