//! `serve`, `demo`, `import`, `export`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use rules::time::Instant;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use super::replay::{recalculation_json, recalculation_lines};
use super::{CliError, Installation, calendars};
use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::recalculate::{self, Recalculation, Scope};
use crate::serve::{self, ServeOptions, simulation};
use crate::{demo, transfer};

/// Who an import on the host is recorded as.
pub const HOST_ACTOR: &str = "host";

#[derive(Args, Debug)]
pub struct ServeArguments {
    #[command(flatten)]
    installation: Installation,
    /// Where HTTP is served, over the configuration; port 0 takes a free one.
    #[arg(long, env = "ROLLCALL_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Drive judging time from this instant, on a new data directory only, which stays simulated for ever.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    simulate_from: Option<Instant>,
    /// Judging seconds per real second.
    #[arg(long, value_name = "N", requires = "simulate_from", default_value_t = 1.0)]
    speed: f64,
    /// A FIFO that moves the clock: `set INSTANT`, `advance SECONDS`, `speed N`, a command a line.
    #[arg(long, value_name = "FIFO", requires = "simulate_from")]
    clock_control: Option<PathBuf>,
    /// Log as JSON, a line an event.
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<Instant, String> {
    simulation::parse_instant(text).map_err(|error| format!("{error:#}"))
}

pub async fn serve(arguments: ServeArguments) -> Result<ExitCode, CliError> {
    start_log(arguments.json);
    let config = arguments.installation.config(arguments.listen)?;
    let lifecycle = Lifecycle::default();
    lifecycle.listen_for_signals()?;
    let clock = match arguments.simulate_from {
        Some(from) => Clock::driven(from, arguments.speed),
        None => Clock::host(),
    };
    if let Some(path) = arguments.clock_control {
        simulation::follow(path, clock.clone(), &lifecycle);
    }
    let (ready, addresses) = oneshot::channel::<serve::Addresses>();
    // Whoever starts the daemon with port 0 reads from here which port it got.
    tokio::spawn(async move {
        if let Ok(addresses) = addresses.await {
            println!("listening http://{}", addresses.listen);
        }
    });
    let options = ServeOptions {
        config,
        data_directory: arguments.installation.data_directory(),
        clock,
        simulated: arguments.simulate_from.is_some(),
        demo: false,
        ready: Some(ready),
    };
    serve::run(options, lifecycle).await?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Args, Debug)]
pub struct DemoArguments {
    /// Judging seconds per real second.
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    speed: f64,
    /// Where HTTP is served on this machine; 0 takes a free one.
    #[arg(long, value_name = "P", default_value_t = 8080)]
    port: u16,
    /// End by itself after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    headless_for: Option<u64>,
}

pub async fn demo(arguments: DemoArguments) -> Result<ExitCode, CliError> {
    start_log(false);
    let lifecycle = Lifecycle::default();
    lifecycle.listen_for_signals()?;
    let options = demo::DemoOptions {
        speed: arguments.speed,
        port: arguments.port,
        headless_for_seconds: arguments.headless_for,
    };
    demo::run(options, lifecycle).await?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ImportArguments {
    #[command(subcommand)]
    what: Option<ImportCommand>,
    #[command(flatten)]
    installation: Installation,
    /// The site folder. A file that it does not have leaves what is stored of it as it is. A folder that is called like one of
    /// the commands below is written as ./meetings.
    #[arg(required = true)]
    directory: Option<PathBuf>,
    /// Only say what would change: rows, and which findings would be others.
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: findings from this date on only.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date, requires = "dry_run")]
    from: Option<NaiveDate>,
    /// With --dry-run: findings before this date only.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date, requires = "dry_run")]
    until: Option<NaiveDate>,
    /// Import the good rows even though some are wrong.
    #[arg(long)]
    accept_good_rows: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// What else can be imported.
#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Holidays and makeup workdays: the JSON of holiday-cn, an iCalendar file, or rows in the form of calendar.csv.
    Calendar(calendars::ImportCalendarArguments),
    /// The meetings of an iCalendar file.
    Meetings(calendars::ImportMeetingsArguments),
    /// A reader's export: attlog.dat of a ZKTeco terminal, or CSV. Records that are here already count once; a line that cannot be
    /// read is named and kept, and the others are imported.
    Punches(ImportPunchesArguments),
}

#[derive(Args, Debug)]
struct ImportPunchesArguments {
    #[command(flatten)]
    installation: Installation,
    /// The export.
    file: PathBuf,
    /// The reader that it is from, as in readers.csv.
    #[arg(long, value_name = "ID")]
    reader: String,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn import(arguments: ImportArguments) -> Result<ExitCode, CliError> {
    match arguments.what {
        Some(ImportCommand::Calendar(arguments)) => return calendars::import_calendar(arguments).await,
        Some(ImportCommand::Meetings(arguments)) => return calendars::import_meetings(arguments).await,
        Some(ImportCommand::Punches(arguments)) => return import_punches(arguments).await,
        None => {}
    }
    let directory = arguments
        .directory
        .ok_or_else(|| CliError::Usage(anyhow!("name a site folder")))?;
    let (ledger, _) = arguments.installation.ledger().await?;
    let options = transfer::ImportOptions {
        dry_run: arguments.dry_run,
        accept_good_rows: arguments.accept_good_rows,
        actor: HOST_ACTOR.to_owned(),
    };
    let now = Clock::host().now();
    let report = transfer::import(&*ledger, &directory, &options, now).await?;
    let scope = Scope {
        people: None,
        from: arguments.from,
        until: arguments.until,
    };
    let tried = if arguments.dry_run {
        Some(recalculate::dry_run(&*ledger, Some(&directory), scope, now).await?)
    } else {
        None
    };
    ledger.close().await;
    Ok(show_import(&report, tried.as_ref(), arguments.json))
}

async fn import_punches(arguments: ImportPunchesArguments) -> Result<ExitCode, CliError> {
    let (ledger, config) = arguments.installation.ledger().await?;
    let options = transfer::PunchesOptions {
        config: config.readers.into_iter().find(|reader| reader.id == arguments.reader),
        reader: arguments.reader,
        dry_run: arguments.dry_run,
        actor: HOST_ACTOR.to_owned(),
    };
    let report = transfer::import_punches(&*ledger, &arguments.file, &options, Clock::host().now()).await?;
    ledger.close().await;
    Ok(show_import(&report, None, arguments.json))
}

/// Prints what was or would be imported, and, where that was tried, which findings it would change.
fn show_import(report: &transfer::ImportReport, tried: Option<&Recalculation>, json: bool) -> ExitCode {
    if json {
        let mut object = report.to_json();
        if let Some(tried) = tried {
            object["findings"] = recalculation_json(tried);
        }
        println!("{object}");
    } else {
        let language = super::language(None);
        let tried = tried.into_iter().flat_map(|tried| recalculation_lines(tried, language));
        for line in report.lines(language).into_iter().chain(tried) {
            println!("{line}");
        }
    }
    if report.succeeded() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Args, Debug)]
pub struct ExportArguments {
    #[command(flatten)]
    installation: Installation,
    /// Where to write; made if it does not exist, refused if anything is in it.
    directory: PathBuf,
}

pub async fn export(arguments: ExportArguments) -> Result<ExitCode, CliError> {
    if std::fs::read_dir(&arguments.directory).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(CliError::Usage(anyhow!(
            "{} is not empty: name a new folder",
            arguments.directory.display()
        )));
    }
    let (ledger, _) = arguments.installation.ledger().await?;
    transfer::export(&*ledger, &arguments.directory).await?;
    ledger.close().await;
    Ok(ExitCode::SUCCESS)
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
