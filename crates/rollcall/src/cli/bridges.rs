//! `bridge`: which bridges may send swipes.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;
use store::Ledger;
use store::rows::BridgeRow;

use super::accounts::{HOST_ACTOR, audit};
use super::{CliError, Installation};
use crate::bridges::{CODE_MINUTES, new_code};
use crate::clock::Clock;

#[derive(Debug, Subcommand)]
pub enum BridgeCommand {
    /// Print a code with which a bridge gets its key; it is good once, for 30 minutes. A bridge of that name that has a key keeps
    /// it until the code is used.
    Enrol {
        /// What the bridge is called, as in `link = "bridge:NAME"`.
        name: String,
        #[command(flatten)]
        installation: Installation,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the bridges that have a key.
    List {
        #[command(flatten)]
        installation: Installation,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a bridge's access. It is sent away within seconds.
    Revoke {
        /// Its name.
        name: String,
        #[command(flatten)]
        installation: Installation,
    },
}

pub async fn bridge(command: BridgeCommand) -> Result<ExitCode, CliError> {
    match command {
        BridgeCommand::Enrol {
            name,
            installation,
            json,
        } => {
            let (ledger, config) = installation.ledger().await?;
            let public_url = config.public_url.unwrap_or_else(|| format!("http://{}", config.listen));
            let code = code(&*ledger, &name).await?;
            let daemon = format!("{}/bridge/ws", public_url.replacen("http", "ws", 1));
            if json {
                println!("{}", json!({"name": name, "code": code, "daemon": daemon}));
            } else {
                println!(
                    "code {code}\nrun  rollcall-bridge enrol --daemon {daemon} --code {code}\ngood once, for {CODE_MINUTES} minutes"
                );
            }
            ledger.close().await;
        }
        BridgeCommand::List { installation, json } => {
            let (ledger, _) = installation.ledger().await?;
            list(&ledger.bridges().await?, json);
            ledger.close().await;
        }
        BridgeCommand::Revoke { name, installation } => {
            let (ledger, _) = installation.ledger().await?;
            revoke(&*ledger, &name).await?;
            ledger.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn code(ledger: &dyn Ledger, name: &str) -> anyhow::Result<String> {
    if name.trim().is_empty()
        || name
            .chars()
            .any(|letter| letter.is_control() || letter == '|' || letter == '/')
    {
        bail!("a bridge needs a name that people can read, without `|` and `/`");
    }
    new_code(ledger, name, HOST_ACTOR, Clock::host().now()).await
}

async fn revoke(ledger: &dyn Ledger, name: &str) -> anyhow::Result<()> {
    let mut transaction = ledger.begin().await?;
    if !transaction.revoke_bridge(name, Clock::host().now()).await? {
        bail!("there is no bridge called \"{name}\" that has a key: `rollcall bridge list` names them");
    }
    audit(&mut *transaction, "bridge.revoke", name).await?;
    Ok(transaction.commit().await?)
}

fn list(bridges: &[BridgeRow], json: bool) {
    let seen = |bridge: &BridgeRow| bridge.seen_at.map(|at| at.to_utc().to_rfc3339());
    if json {
        let rows: Vec<_> = bridges
            .iter()
            .map(|bridge| json!({"name": bridge.name, "seen_at": seen(bridge), "acknowledged": bridge.acknowledged}))
            .collect();
        println!("{}", json!(rows));
        return;
    }
    for bridge in bridges {
        let seen = seen(bridge).unwrap_or_else(|| "never".to_owned());
        println!("{}\tlast seen {seen}\trecords {}", bridge.name, bridge.acknowledged);
    }
}
