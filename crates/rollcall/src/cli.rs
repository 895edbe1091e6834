//! The command line: what can be asked, and which part answers. Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.

mod accounts;
mod badges;
mod bridges;
mod bulletin;
mod calendars;
mod checks;
mod daemon;
mod judge;
mod readers;
mod replay;
mod terminal;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use store::Ledger;

use crate::config::{Config, Overrides};
use crate::words::Language;

/// Exit code for wrong usage or configuration.
const WRONG_USAGE: u8 = 2;

/// Attendance and meeting discipline, from badge bytes to the lobby screen and the weekly review.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Serve(daemon::ServeArguments),
    /// Run an invented bureau with a moving clock and readers that speak real bytes; everything is thrown away at the end.
    Demo(daemon::DemoArguments),
    /// Judge a site folder without a database.
    Judge(judge::Arguments),
    /// Bring a site folder, a holiday calendar or the meetings of a calendar into the database.
    Import(daemon::ImportArguments),
    /// The working calendar in force, and the imports that made it so.
    Calendar(calendars::CalendarArguments),
    /// The meeting calendars that the daemon follows, and how they are.
    Sources(calendars::SourcesArguments),
    /// Whose each card is, out to a spreadsheet and in again.
    #[command(subcommand)]
    Badges(badges::BadgesCommand),
    /// Every reader and how it is, also while the daemon is stopped.
    Readers(readers::ReadersArguments),
    /// Write the database out as a site folder.
    Export(daemon::ExportArguments),
    /// Check configuration, facts, port and database without starting.
    Check(checks::CheckArguments),
    /// Judge every stored day again from nothing and compare.
    Rebuild(replay::RebuildArguments),
    /// Judge stored days again from their swipes and editions, and compare with the record; or show what other rules would say.
    Replay(replay::ReplayArguments),
    /// Show which findings judging again would change, before anything is changed.
    Recalculate(replay::RecalculateArguments),
    /// Published weeks and their corrections.
    #[command(subcommand)]
    Bulletin(bulletin::BulletinCommand),
    /// Whom escalation rules would have flagged; writes nothing.
    Escalations(bulletin::EscalationsArguments),
    /// Accounts, for recovery on the host.
    #[command(subcommand)]
    Admin(accounts::AdminCommand),
    /// Lobby screens.
    #[command(subcommand)]
    Screen(accounts::ScreenCommand),
    /// What ZKTeco terminals that call us are asked to do.
    #[command(subcommand)]
    Terminal(terminal::TerminalCommand),
    /// Bridges beside readers elsewhere.
    #[command(subcommand)]
    Bridge(bridges::BridgeCommand),
    /// The record of who did what.
    #[command(subcommand)]
    Audit(checks::AuditCommand),
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let command = CommandLine::parse().command;
    match command {
        Command::Judge(arguments) => exit_code(judge::run(&arguments).map_err(CliError::Failed)),
        Command::Serve(arguments) => within_runtime(daemon::serve(arguments)),
        Command::Demo(arguments) => within_runtime(daemon::demo(arguments)),
        Command::Import(arguments) => within_runtime(daemon::import(arguments)),
        Command::Calendar(arguments) => within_runtime(calendars::calendar(arguments)),
        Command::Sources(arguments) => within_runtime(calendars::sources(arguments)),
        Command::Badges(command) => within_runtime(badges::badges(command)),
        Command::Readers(arguments) => within_runtime(readers::readers(arguments)),
        Command::Export(arguments) => within_runtime(daemon::export(arguments)),
        Command::Check(arguments) => within_runtime(checks::check(arguments)),
        Command::Rebuild(arguments) => within_runtime(replay::rebuild(arguments)),
        Command::Replay(arguments) => within_runtime(replay::replay(arguments)),
        Command::Recalculate(arguments) => within_runtime(replay::recalculate(arguments)),
        Command::Bulletin(command) => within_runtime(bulletin::bulletin(command)),
        Command::Escalations(arguments) => within_runtime(bulletin::escalations(arguments)),
        Command::Admin(command) => within_runtime(accounts::admin(command)),
        Command::Terminal(command) => within_runtime(terminal::terminal(command)),
        Command::Bridge(command) => within_runtime(bridges::bridge(command)),
        Command::Screen(command) => within_runtime(accounts::screen(command)),
        Command::Audit(command) => within_runtime(checks::audit(command)),
    }
}

/// Why a command did not succeed.
#[derive(Debug)]
enum CliError {
    /// The command line, the environment or the configuration is wrong.
    Usage(anyhow::Error),
    /// It was asked rightly and failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn within_runtime(work: impl Future<Output = Result<ExitCode, CliError>>) -> ExitCode {
    let done = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(error.into()),
    };
    exit_code(done)
}

fn exit_code(done: Result<ExitCode, CliError>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(CliError::Usage(error)) => {
            eprintln!("rollcall: {error:#}");
            ExitCode::from(WRONG_USAGE)
        }
        Err(CliError::Failed(error)) => {
            eprintln!("rollcall: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Where the installation is; every command that touches it takes these.
#[derive(Args, Clone, Debug)]
struct Installation {
    /// The configuration, rollcall.toml.
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the database is, unless the configuration names one [default: $STATE_DIRECTORY, else ./rollcall-data]
    #[arg(long, env = "ROLLCALL_DATA_DIRECTORY", value_name = "DIR")]
    data_directory: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://…`, over the configuration.
    #[arg(long, env = "ROLLCALL_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    /// What people type into a browser, over the configuration.
    #[arg(long, env = "ROLLCALL_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
}

impl Installation {
    fn config(&self, listen: Option<SocketAddr>) -> Result<Config, CliError> {
        let overrides = Overrides {
            listen,
            public_url: self.public_url.clone(),
            database: self.database.clone(),
        };
        Config::load(self.config.as_deref(), overrides).map_err(CliError::Usage)
    }

    fn data_directory(&self) -> PathBuf {
        let chosen = self
            .data_directory
            .clone()
            .or_else(|| std::env::var_os("STATE_DIRECTORY").map(PathBuf::from));
        chosen.unwrap_or_else(|| Path::new("rollcall-data").to_owned())
    }

    /// Opens the database beside a daemon that may be running.
    async fn ledger(&self) -> Result<(Arc<dyn Ledger>, Config), CliError> {
        let config = self.config(None)?;
        Ok((
            crate::serve::open_ledger(&config, &self.data_directory(), false).await?,
            config,
        ))
    }
}

/// The language to speak: the one asked for, else that of the environment as POSIX orders it, else zh-CN.
fn language(asked: Option<Language>) -> Language {
    let environment = || {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok());
        set.filter(|value| !value.is_empty())
            .find_map(|value| Language::of_tag(&value))
    };
    asked.or_else(environment).unwrap_or(Language::Chinese)
}

/// Reads `--lang`.
fn parse_language(text: &str) -> Result<Language, String> {
    Language::of_tag(text).ok_or_else(|| "write zh-CN or en".to_owned())
}

/// Reads a date.
fn parse_date(text: &str) -> Result<NaiveDate, String> {
    crate::folder::date(text).ok_or_else(|| "write a date as 2026-09-16".to_owned())
}
