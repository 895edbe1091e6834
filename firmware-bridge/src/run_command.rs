//! `run`, `check` and `enrol`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use bridge::run::{BridgeConfig, Enrolment, Pushed, Tables, state_directory, trust};
use clap::Args;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Exit code for wrong usage or configuration.
const WRONG_USAGE: u8 = 2;

#[derive(Args)]
pub struct RunArguments {
    /// The configuration, bridge.toml.
    #[arg(long, env = "ROLLCALL_BRIDGE_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Log as JSON, a line an event.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct EnrolArguments {
    /// Where the daemon is: wss://HOST/bridge/ws.
    #[arg(long, value_name = "URL")]
    daemon: String,
    /// What `rollcall bridge enrol NAME` printed.
    #[arg(long)]
    code: String,
    /// Where the key is written, as `key` [default: $STATE_DIRECTORY, else ./rollcall-bridge-data].
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Certificates in PEM, one of which must have signed the daemon's.
    #[arg(long, value_name = "FILE")]
    root_certificates_file: Option<PathBuf>,
    /// The SHA-256 of the daemon's certificate.
    #[arg(long, value_name = "HEX")]
    certificate_sha256: Option<String>,
}

/// Runs the bridge. One thread for everything but serial ports and the disk: a bridge has little to do and little memory.
pub fn run(arguments: &RunArguments) -> ExitCode {
    start_log(arguments.json);
    let config = match BridgeConfig::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return wrong(&error),
    };
    let done = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let stop = CancellationToken::new();
            listen_for_signals(stop.clone())?;
            bridge::run::run(config, stop).await
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Checks the configuration, the key, the certificates and what the daemon last pushed.
pub fn check(arguments: &RunArguments) -> ExitCode {
    let config = match BridgeConfig::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return wrong(&error),
    };
    let mut problems = Vec::new();
    problems.extend(config.key.as_ref().err().cloned());
    problems.extend(config.trust.client().err().map(|error| error.to_string()));
    let mut tables = config.tables.clone();
    if let Some(pushed) = Pushed::read(&config.state_directory) {
        match Tables::parse(&pushed.toml).and_then(|pushed| config.tables.with(&pushed)) {
            Ok(both) => tables = both,
            Err(error) => problems.push(format!("what the daemon pushed: {error:#}")),
        }
    }
    for reader in &tables.readers {
        println!("reader {}", reader.id);
    }
    println!("state  {}", config.state_directory.display());
    for daemon in &config.daemons {
        println!("daemon {daemon}");
    }
    for problem in &problems {
        eprintln!("rollcall-bridge: {problem}");
    }
    if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(WRONG_USAGE)
    }
}

/// Enrols this bridge.
pub fn enrol(arguments: EnrolArguments) -> anyhow::Result<()> {
    let key_file = state_directory(arguments.state).join("key");
    let enrolment = Enrolment {
        daemon: arguments.daemon,
        code: arguments.code,
        trust: trust(
            arguments.root_certificates_file,
            arguments.certificate_sha256.as_deref(),
        )?,
        key_file: key_file.clone(),
    };
    let name = runtime()?.block_on(bridge::run::enrol(enrolment))?;
    println!("enrolled as {name}; the key is in {}", key_file.display());
    Ok(())
}

fn wrong(error: &anyhow::Error) -> ExitCode {
    eprintln!("rollcall-bridge: {error:#}");
    ExitCode::from(WRONG_USAGE)
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// The first SIGTERM or SIGINT ends it in order; what was read is on the disk anyway.
fn listen_for_signals(stop: CancellationToken) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}

/// Logs go to standard error; `RUST_LOG` says how much.
fn start_log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if json {
        builder.json().init();
    } else {
        builder.init();
    }
}
