//! `check`, `audit`.

use std::net::TcpListener;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use store::rows::AuditEntry;

use super::{CliError, Installation};
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
