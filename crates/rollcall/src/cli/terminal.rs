//! `terminal`: what a ZKTeco terminal that calls us is asked to do when it next calls.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bridge::Link;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use clap::{Args, Subcommand};
use serde_json::json;
use store::Ledger;
use store::rows::{AuditRecord, ReaderCommandRow};

use super::{CliError, Installation};
use crate::clock::Clock;
use crate::config::Config;

/// Who asks from the host's command line.
const HOST_ACTOR: &str = "host";

/// How many commands `list` shows.
const LISTED: i64 = 50;

/// Until when records are asked for where nobody says.
const FAR_FUTURE: &str = "2099-12-31 23:59:59";

/// How terminals write times.
const CIVIL: &str = "%Y-%m-%d %H:%M:%S";

#[derive(Debug, Subcommand)]
pub enum TerminalCommand {
    /// Read our options again and send what is new.
    Check(Asked),
    /// Set the clock to ours.
    Clock(Asked),
    /// Send the records of a time again; those that are here already count once.
    Records {
        #[command(flatten)]
        asked: Asked,
        /// From this local time on, `YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`.
        #[arg(long, value_name = "TIME", value_parser = civil)]
        from: NaiveDateTime,
        /// Until this local time [default: what there is]
        #[arg(long, value_name = "TIME", value_parser = civil)]
        until: Option<NaiveDateTime>,
    },
    /// What terminals were asked, newest first, and what became of it.
    List {
        #[command(flatten)]
        installation: Installation,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub struct Asked {
    /// The reader's id in the configuration; its link is `adms:SERIAL`.
    reader: String,
    #[command(flatten)]
    installation: Installation,
}

pub async fn terminal(command: TerminalCommand) -> Result<ExitCode, CliError> {
    match command {
        TerminalCommand::Check(asked) => ask(&asked, "check", None).await,
        TerminalCommand::Clock(asked) => ask(&asked, "clock", None).await,
        TerminalCommand::Records { asked, from, until } => {
            let until = until.map_or_else(|| FAR_FUTURE.to_owned(), |until| until.format(CIVIL).to_string());
            ask(&asked, "records", Some((from.format(CIVIL).to_string(), until))).await
        }
        TerminalCommand::List { installation, json } => {
            let (ledger, _) = installation.ledger().await?;
            list(&ledger.reader_commands(LISTED).await?, json);
            ledger.close().await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn ask(asked: &Asked, command: &str, between: Option<(String, String)>) -> Result<ExitCode, CliError> {
    let (ledger, config) = asked.installation.ledger().await?;
    check_reader(&config, &asked.reader).map_err(CliError::Usage)?;
    let (starts, until) = between.unzip();
    let row = ReaderCommandRow {
        seq: 0,
        reader: asked.reader.clone(),
        command: command.to_owned(),
        starts,
        until,
        asked_at: Clock::host().now(),
        asked_by: HOST_ACTOR.to_owned(),
        sent_at: None,
        sends: 0,
        done_at: None,
        code: None,
    };
    store(&*ledger, &row).await?;
    ledger.close().await;
    println!(
        "{} will be asked when it next calls; `rollcall terminal list` shows what became of it",
        asked.reader
    );
    Ok(ExitCode::SUCCESS)
}

fn check_reader(config: &Config, id: &str) -> anyhow::Result<()> {
    let reader = config.readers.iter().find(|reader| reader.id == id);
    match reader.map(|reader| &reader.link) {
        Some(Link::Adms(_)) => Ok(()),
        Some(_) => bail!(
            "the reader \"{id}\" is no terminal that calls us: only readers with link = \"adms:SERIAL\" can be asked"
        ),
        None => Err(anyhow!(
            "the configuration has no reader \"{id}\": write one of its [[reader]] ids"
        )),
    }
}

async fn store(ledger: &dyn Ledger, row: &ReaderCommandRow) -> anyhow::Result<()> {
    let mut transaction = ledger.begin().await?;
    transaction.add_reader_command(row).await?;
    let record = AuditRecord {
        at: row.asked_at,
        actor: HOST_ACTOR.to_owned(),
        act: format!("terminal.{}", row.command),
        subject: row.reader.clone(),
        body: json!({"from": row.starts, "until": row.until}).to_string(),
    };
    transaction.append_audit(&record).await?;
    Ok(transaction.commit().await?)
}

fn list(rows: &[ReaderCommandRow], as_json: bool) {
    let state = |row: &ReaderCommandRow| match (row.done_at, row.code, row.sent_at) {
        (Some(_), Some(0..), _) => "done".to_owned(),
        (Some(_), Some(code), _) => format!("refused ({code})"),
        (Some(_), None, _) => "given up: no answer".to_owned(),
        (None, _, Some(_)) => "fetched".to_owned(),
        (None, _, None) => "waiting for its call".to_owned(),
    };
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({"id": row.seq, "reader": row.reader, "command": row.command, "from": row.starts, "until": row.until,
                    "asked_at": row.asked_at.to_utc().to_rfc3339(), "sends": row.sends, "code": row.code, "state": state(row)})
            })
            .collect();
        println!("{}", json!(rows));
        return;
    }
    for row in rows {
        let asked_at = row.asked_at.to_utc().to_rfc3339();
        println!(
            "{}\t{}\t{}\t{asked_at}\t{}",
            row.seq,
            row.reader,
            row.command,
            state(row)
        );
    }
}

/// Reads `--from` and `--until`.
fn civil(text: &str) -> Result<NaiveDateTime, String> {
    let text = text.trim().replacen('T', " ", 1);
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(|date| date.and_time(NaiveTime::MIN));
    date.or_else(|_| NaiveDateTime::parse_from_str(&text, CIVIL))
        .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M"))
        .map_err(|_| "write 2026-09-16, or 2026-09-16 08:30".to_owned())
}
