//! `check`, `audit`.

use std::net::TcpListener;
use std::process::ExitCode;

use chrono::{Datelike, NaiveDate};
use clap::{Args, Subcommand};
use serde_json::json;
use store::rows::AuditEntry;

use super::{CliError, Installation};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::load_site;

/// How many audit entries are read at once.
const AUDIT_PAGE: i64 = 1_000;

#[derive(Args, Debug)]
pub struct CheckArguments {
    #[command(flatten)]
    installation: Installation,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// Says what would keep the daemon from running well.
pub async fn check(arguments: CheckArguments) -> Result<ExitCode, CliError> {
    let (ledger, config) = arguments.installation.ledger().await?;
    let mut problems = Vec::new();
    let site = load_site(&*ledger).await?;
    for reader in config
        .readers
        .iter()
        .filter(|reader| site.facts.reader_index(&reader.id).is_none())
    {
        problems.push(format!(
            "[[reader]] id = \"{}\" is not in readers.csv: add it and import, until then its swipes are quarantined",
            reader.id
        ));
    }
    if site.facts.records().people.is_empty() {
        problems.push("nobody is known yet: run `rollcall import DIR` with a site folder".to_owned());
    }
    let places: Vec<&str> = site.facts.records().places.iter().map(|place| &*place.id).collect();
    for calendar in &config.meeting_calendars {
        if let Some(place) = calendar
            .settings
            .place
            .as_deref()
            .filter(|place| !places.contains(place))
        {
            problems.push(format!(
                "[[meeting_calendar]] id = \"{}\": place = \"{place}\" is not in places.csv: add it there or correct it",
                calendar.id
            ));
        }
    }
    problems.extend(calendar_problem(&*ledger, &site.facts).await?);
    problems.extend(port_problem(&config));
    ledger.close().await;
    if arguments.json {
        println!("{}", json!({"problems": problems}));
    } else {
        for problem in &problems {
            println!("{problem}");
        }
        println!("{}", if problems.is_empty() { "fine" } else { "not fine" });
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How long before the end of what is known of holidays somebody should be told.
const HOLIDAYS_ENDING_DAYS: i64 = 15;

/// Whether holidays are known beyond the weeks to come, where the site follows the calendar that comes with Rollcall.
async fn calendar_problem(
    ledger: &dyn store::Ledger,
    facts: &rules::facts::SiteFacts,
) -> Result<Option<String>, store::StoreError> {
    let source = crate::transfer::site_source(ledger).await?;
    if crate::folder::Shipped::chosen(&source.site).is_none() {
        return Ok(None);
    }
    let records = facts.records();
    let today = rules::time::local_date(Clock::host().now(), records.site.zone);
    // A notice speaks of its whole year, whatever its last date is.
    let last_year = records.calendar.iter().map(|day| day.date.year()).max();
    let last = last_year
        .and_then(|year| NaiveDate::from_ymd_opt(year, 12, 31))
        .unwrap_or(today);
    let is_ending = (last - today).num_days() < HOLIDAYS_ENDING_DAYS;
    Ok(is_ending.then(|| {
        format!("no holiday is known after {last}: once the next notice is out, run `rollcall import calendar FILE`")
    }))
}

fn port_problem(config: &Config) -> Option<String> {
    let error = TcpListener::bind(config.listen).err()?;
    Some(format!(
        "listen = \"{}\": {error}; stop whatever listens there or write another address",
        config.listen
    ))
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no entry was changed, removed or moved.
    Verify {
        #[command(flatten)]
        installation: Installation,
    },
}

pub async fn audit(command: AuditCommand) -> Result<ExitCode, CliError> {
    let AuditCommand::Verify { installation } = command;
    let (ledger, _) = installation.ledger().await?;
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let page = ledger
            .audit(entries.last().map_or(0, |last| last.seq), AUDIT_PAGE)
            .await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page);
    }
    ledger.close().await;
    match store::audit::verify(&store::audit::ChainEnd::default(), &entries) {
        Ok(_) => {
            println!(
                "{} entries, unbroken; the last hash is {}",
                entries.len(),
                entries.last().map_or("none", |last| &last.hash)
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("{broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}
