//! The daemon put together: database, engine, readers, screens, admin pages.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use async_trait::async_trait;
use axum::http::HeaderMap;
use bridge::{Delivery, LinkContext};
use rules::time::Instant;
use store::rows::ScreenRow;
use store::{Ledger, StoreError};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::admin::{self, AdminAccess};
use crate::bridges::{self, BridgeHost, Bridges};
use crate::calendars;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{self, EngineParts, Health, Heartbeats, Intake, links};
use crate::http;
use crate::http::health::HealthState;
use crate::http::iclock::IclockState;
use crate::http::pushed::PushedState;
use crate::http::server::Routes;
use crate::http::swipes::SwipesState;
use crate::lifecycle::Lifecycle;
use crate::lobby::{self, Lobby, LobbySettings, NameMode};
use crate::shared::{Shared, SiteSnapshot};
use crate::sources::{self, Sources};

/// Marks a data directory whose time was driven: it never becomes a real one.
const SIMULATED: &str = "simulated";

/// What a daemon is started with.
pub struct ServeOptions {
    /// The configuration.
    pub config: Config,
    /// Where the database is, unless the configuration says otherwise.
    pub data_directory: PathBuf,
    /// Judging time.
    pub clock: Clock,
    /// Whether judging time is driven.
    pub simulated: bool,
    /// Whether this is `rollcall demo`.
    pub demo: bool,
    /// Told where HTTP is served once it is.
    pub ready: Option<oneshot::Sender<Addresses>>,
}

/// Where a running daemon can be reached.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// What people type into a browser.
    pub public_url: String,
    /// The one-time address for the first admin, while there is no account.
    pub setup_url: Option<String>,
}

/// Runs the daemon until it is asked to stop or something that it cannot live without dies.
pub async fn run(options: ServeOptions, lifecycle: Lifecycle) -> anyhow::Result<()> {
    let ledger = open_ledger(&options.config, &options.data_directory, true).await?;
    mark_simulated(&*ledger, options.simulated).await?;
    let listener = TcpListener::bind(options.config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.config.listen))?;
    let listen = listener.local_addr()?;
    let public_url = options
        .config
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{listen}"));
    let shared = start(&options, &lifecycle, Arc::clone(&ledger), &public_url, listener).await?;
    let setup_url = admin::first_admin_link(&shared).await?;
    announce(&public_url, listen, setup_url.as_deref());
    if let Some(ready) = options.ready
        && ready
            .send(Addresses {
                listen,
                public_url,
                setup_url,
            })
            .is_err()
    {
        tracing::debug!(event = "ready.unheard");
    }
    let ended = lifecycle.run_to_end().await;
    ledger.close().await;
    ended
}

/// Starts every task; the order is that in which data flows, so that nothing arrives before there is somebody to take it.
async fn start(
    options: &ServeOptions,
    lifecycle: &Lifecycle,
    ledger: Arc<dyn Ledger>,
    public_url: &str,
    listener: TcpListener,
) -> anyhow::Result<Shared> {
    let clock = options.clock.clone();
    let snapshot = engine::load_site(&*ledger).await?;
    check_readers(&options.config, &snapshot.facts);
    let heartbeats = Heartbeats::default();
    let sources = book_of_readers(options, lifecycle, &*ledger, &snapshot, &heartbeats).await?;
    let (site_sender, site) = watch::channel(snapshot);
    let shared = Shared {
        ledger: Arc::clone(&ledger),
        site,
        clock: clock.clone(),
        sources: sources.clone(),
        bridges: Bridges::default(),
        public_url: public_url.into(),
        demo: options.demo,
    };
    let lobby = Lobby::new(lobby_settings(&shared), clock.clone())
        .map_err(|error| anyhow!("no random numbers from the system: {error}"))?;
    let (admin_router, admin) = admin::parts(shared.clone());
    let access = Arc::new(ScreenAccess {
        ledger: Arc::clone(&ledger),
        admin,
    });
    start_board(lobby.clone(), lifecycle);
    let (intake, queue) = Intake::channel();
    let health = Arc::new(Health::default());
    let parts = EngineParts {
        ledger: Arc::clone(&ledger),
        clock: clock.clone(),
        queue,
        lobby: lobby.clone(),
        site: site_sender,
        readers: options.config.readers.clone(),
        heartbeats: heartbeats.clone(),
        sources,
        health: Arc::clone(&health),
    };
    lifecycle.spawn_vital("the engine", engine::run(parts, lifecycle.clone()));
    let reader_links = links::start(options, &shared, &intake, &heartbeats, lifecycle)?;
    let bridges = bridge_host(options, &shared, &heartbeats, reader_links.sink.clone(), lifecycle);
    let callers = readers_that_call(options, &shared, &intake, reader_links, heartbeats).await?;
    keep_book(&shared, lifecycle);
    let housekeeping = engine::keep_house(Arc::clone(&ledger), lifecycle.clone());
    lifecycle.spawn_vital("the database's housekeeping", housekeeping);
    calendars::watch::start(&options.config.meeting_calendars, &shared, lifecycle)?;
    let others = http::health::router(HealthState {
        ledger,
        health,
        intake: intake.clone(),
        lobby: lobby.clone(),
        shared: shared.clone(),
    })
    .merge(bridges::router(bridges))
    .merge(callers)
    .merge(lobby.router(access, lifecycle.soft.clone(), lifecycle.tasks.clone()))
    .merge(admin_router);
    let swipes = Arc::new(SwipesState::new(intake, shared.clone(), &options.config.sources));
    let routes = Routes { swipes, others };
    let server = http::server::serve(routes, listener, lifecycle.clone());
    lifecycle.spawn_vital("the HTTP server", server);
    Ok(shared)
}

/// What bridges connect to. Their way to the engine ends with the daemon, so that the engine sees when nobody sends any more.
fn bridge_host(
    options: &ServeOptions,
    shared: &Shared,
    heartbeats: &Heartbeats,
    sink: mpsc::Sender<Delivery>,
    lifecycle: &Lifecycle,
) -> BridgeHost {
    let (keeper, sink) = watch::channel(Some(sink));
    let stop = lifecycle.soft.clone();
    lifecycle.tasks.spawn(async move {
        stop.cancelled().await;
        keeper.send_replace(None);
    });
    let configured = options.config.bridges.iter();
    BridgeHost {
        configured: configured.map(|bridge| (bridge.name.clone(), bridge.clone())).collect(),
        bridges: shared.bridges.clone(),
        ledger: Arc::clone(&shared.ledger),
        clock: shared.clock.clone(),
        site: shared.site.clone(),
        sources: shared.sources.clone(),
        heartbeats: heartbeats.clone(),
        public_url: Arc::clone(&shared.public_url),
        sink,
        stop: lifecycle.soft.clone(),
        tasks: lifecycle.tasks.clone(),
    }
}

/// The routes of readers that call us in a protocol of their own.
async fn readers_that_call(
    options: &ServeOptions,
    shared: &Shared,
    intake: &Intake,
    reader_links: LinkContext,
    heartbeats: Heartbeats,
) -> Result<axum::Router, StoreError> {
    let pushed = PushedState::new(
        &options.config.readers,
        reader_links,
        intake.clone(),
        shared.clock.clone(),
        shared.site.clone(),
        heartbeats.clone(),
    );
    let iclock = IclockState::new(
        &options.config.readers,
        intake.clone(),
        shared.clock.clone(),
        shared.site.clone(),
        Arc::clone(&shared.ledger),
        heartbeats,
        shared.sources.clone(),
    );
    Ok(http::iclock::router(iclock.await?).merge(http::pushed::router(pushed)))
}

/// The book of readers with what an earlier run knew.
async fn book_of_readers(
    options: &ServeOptions,
    lifecycle: &Lifecycle,
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    heartbeats: &Heartbeats,
) -> Result<Sources, StoreError> {
    let (clock, stop) = (options.clock.clone(), lifecycle.soft.clone());
    let sources = Sources::new(clock, heartbeats.clone(), &options.config.readers, stop);
    sources::remember(&sources, ledger, site, options.clock.now()).await?;
    Ok(sources)
}

fn keep_book(shared: &Shared, lifecycle: &Lifecycle) {
    let (sources, ledger) = (shared.sources.clone(), Arc::clone(&shared.ledger));
    let kept = sources::keep(sources, ledger, shared.site.clone(), lifecycle.clone());
    lifecycle.spawn_vital("the book of readers", kept);
}

fn start_board(lobby: Lobby, lifecycle: &Lifecycle) {
    let stop = lifecycle.soft.clone();
    lifecycle.spawn_vital("the board", async move {
        lobby.run(stop).await;
        Ok(())
    });
}

fn lobby_settings(shared: &Shared) -> LobbySettings {
    LobbySettings {
        site: shared.site.borrow().facts.records().site.name.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        public_url: shared.public_url.to_string(),
        demo: shared.demo,
        names: NameMode::Masked,
        limits: lobby::Limits::default(),
    }
}

/// Who may see the board, asked of the ledger.
struct ScreenAccess {
    ledger: Arc<dyn Ledger>,
    admin: AdminAccess,
}

#[async_trait]
impl lobby::Access for ScreenAccess {
    async fn screen(&self, token_hash: &str) -> Result<Option<ScreenRow>, StoreError> {
        self.ledger.screen(token_hash).await
    }

    async fn screen_seen(&self, screen: &str) -> Result<(), StoreError> {
        let mut transaction = self.ledger.begin().await?;
        transaction.touch_screen(screen, Clock::host().now()).await?;
        transaction.commit().await
    }

    async fn is_admin(&self, headers: &HeaderMap) -> bool {
        self.admin.is_admin(headers).await.unwrap_or_else(|error| {
            // Who cannot be recognised is not let in.
            tracing::error!(event = "screen.login_unknown", error = %error);
            false
        })
    }
}

/// Opens the configured database; a daemon opens it exclusively, a tool beside it does not.
pub async fn open_ledger(config: &Config, data_directory: &Path, exclusive: bool) -> anyhow::Result<Arc<dyn Ledger>> {
    let url = if let Some(url) = &config.database {
        url.clone()
    } else {
        std::fs::create_dir_all(data_directory)
            .with_context(|| format!("cannot create the data directory {}", data_directory.display()))?;
        format!("sqlite:{}", data_directory.join("rollcall.db").display())
    };
    Ok(store::open(&url, store::Options { exclusive }).await?)
}

/// Whether this installation's time is or was driven.
pub async fn is_simulated(ledger: &dyn Ledger) -> Result<bool, StoreError> {
    Ok(ledger.setting(SIMULATED).await?.is_some())
}

/// A driven clock needs a data directory of its own: real punches must never mix with invented time.
async fn mark_simulated(ledger: &dyn Ledger, simulated: bool) -> anyhow::Result<()> {
    let marked = is_simulated(ledger).await?;
    match (simulated, marked) {
        (false, true) => {
            bail!("this data directory was run with --simulate-from and stays simulated: use another one for real work")
        }
        // Facts and accounts may be brought in first; only a daemon that has run in real time makes it real work.
        (true, false) if ledger.setting(engine::ALIVE_AT).await?.is_some() => {
            bail!("--simulate-from needs a new data directory: this one has been used for real work")
        }
        (true, false) => {
            let mut transaction = ledger.begin().await?;
            transaction.set_setting(SIMULATED, "yes").await?;
            Ok(transaction.commit().await?)
        }
        (_, _) => Ok(()),
    }
}

/// A reader that is configured and not in `readers.csv` is an error of `check`; here its swipes are kept and quarantined.
fn check_readers(config: &Config, facts: &rules::facts::SiteFacts) {
    for reader in config
        .readers
        .iter()
        .filter(|reader| facts.reader_index(&reader.id).is_none())
    {
        tracing::warn!(event = "reader.unknown", reader = %reader.id, remedy = "add it to readers.csv and import; until then its swipes are quarantined");
    }
}

fn announce(public_url: &str, listen: SocketAddr, setup_url: Option<&str>) {
    tracing::info!(event = "http.listening", address = %format!("http://{listen}"), public_url);
    if public_url.starts_with("http://") && !listen.ip().is_loopback() {
        tracing::warn!(
            event = "http.plain",
            remedy = "passwords travel readable: put a TLS proxy in front and set public_url to https://"
        );
    }
    if public_url.contains("//0.0.0.0:") || public_url.contains("//[::]:") {
        tracing::warn!(
            event = "http.no_public_url",
            remedy = "set public_url to the address that people type, or their browsers are refused"
        );
    }
    if let Some(url) = setup_url {
        tracing::warn!(
            event = "admin.none_yet",
            open = url,
            "nobody can log in yet: open this address within 30 minutes to create the first admin"
        );
    }
}

/// Reads `--simulate-from` and drives the clock by what is written to the control file.
pub mod simulation {
    use super::{Clock, Context, Instant, Lifecycle, PathBuf, bail};
    use tokio::io::{AsyncBufReadExt, BufReader};

    /// Follows a FIFO: `set INSTANT`, `advance SECONDS`, `speed N`, a command a line. A wrong line is logged and passed over.
    pub fn follow(path: PathBuf, clock: Clock, lifecycle: &Lifecycle) {
        let soft = lifecycle.soft.clone();
        lifecycle.spawn_vital("the clock control", async move {
            loop {
                tokio::select! {
                    () = soft.cancelled() => return Ok(()),
                    read = follow_once(&path, &clock) => read.with_context(|| format!("--clock-control {}", path.display()))?,
                }
            }
        });
    }

    /// Reads until the last writer has closed the FIFO.
    async fn follow_once(path: &PathBuf, clock: &Clock) -> anyhow::Result<()> {
        // Opened for reading and writing, so that opening does not wait for a writer and reading does not end with one.
        let file = tokio::net::unix::pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(path)?;
        let mut lines = BufReader::new(file).lines();
        while let Some(line) = lines.next_line().await? {
            if let Err(error) = command(line.trim(), clock) {
                tracing::error!(event = "clock.control_refused", line, error = format!("{error:#}"));
            }
        }
        Ok(())
    }

    fn command(line: &str, clock: &Clock) -> anyhow::Result<()> {
        match line.split_once(' ') {
            Some(("set", instant)) => clock.set(Some(parse_instant(instant)?), None),
            Some(("advance", seconds)) => {
                let seconds: i64 = seconds
                    .trim()
                    .parse()
                    .context("advance takes a whole number of seconds")?;
                clock.set(Some(clock.now() + rules::time::Span::from_seconds(seconds)), None);
            }
            Some(("speed", speed)) => {
                let speed: f64 = speed.trim().parse().context("speed takes a number")?;
                if !(0.0..=86_400.0).contains(&speed) {
                    bail!("speed is from 0 to 86400");
                }
                clock.set(None, Some(speed));
            }
            _ => bail!("write `set INSTANT`, `advance SECONDS` or `speed N`"),
        }
        Ok(())
    }

    /// An instant as RFC 3339.
    pub fn parse_instant(text: &str) -> anyhow::Result<Instant> {
        let at = chrono::DateTime::parse_from_rfc3339(text.trim())
            .with_context(|| format!("\"{text}\" is not an instant such as 2026-09-16T08:00:00+08:00"))?;
        Ok(Instant::from(at.to_utc()))
    }
}
