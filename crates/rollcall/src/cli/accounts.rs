//! `admin` and `screen`: who may log in, and which screens may show the board.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use serde_json::json;
use store::rows::{AuditRecord, ScreenRow};
use store::{Ledger, Transaction};

use super::{CliError, Installation};
use crate::clock::Clock;
use crate::{admin, lobby};

/// Who acts on the host's command line, in the audit record.
pub(super) const HOST_ACTOR: &str = "host";

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Create an account; the password is read from standard input, or made up and printed once.
    Create {
        /// Login name.
        name: String,
        #[command(flatten)]
        installation: Installation,
    },
    /// Give an account a new password, which ends its logins.
    ResetPassword {
        /// Login name.
        name: String,
        #[command(flatten)]
        installation: Installation,
    },
}

pub async fn admin(command: AdminCommand) -> Result<ExitCode, CliError> {
    let (name, installation, create) = match command {
        AdminCommand::Create { name, installation } => (name, installation, true),
        AdminCommand::ResetPassword { name, installation } => (name, installation, false),
    };
    let (ledger, _) = installation.ledger().await?;
    if let Some(password) = admin::set_password_on_host(&*ledger, &name, create, Clock::host().now()).await? {
        println!("{password}");
    }
    ledger.close().await;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub enum ScreenCommand {
    /// Add a screen; its token and address are printed once.
    Create {
        /// What people call it, such as its place.
        name: String,
        #[command(flatten)]
        installation: Installation,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the screens.
    List {
        #[command(flatten)]
        installation: Installation,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a screen's access.
    Revoke {
        /// Its name.
        name: String,
        #[command(flatten)]
        installation: Installation,
    },
}

pub async fn screen(command: ScreenCommand) -> Result<ExitCode, CliError> {
    match command {
        ScreenCommand::Create {
            name,
            installation,
            json,
        } => {
            let (ledger, config) = installation.ledger().await?;
            let token = create_screen(&*ledger, &name).await?;
            let public_url = config.public_url.unwrap_or_else(|| format!("http://{}", config.listen));
            let address = format!("{public_url}/screen#token={token}");
            if json {
                println!("{}", json!({"name": name, "token": token, "address": address}));
            } else {
                println!("token {token}\nopen  {address}");
            }
            ledger.close().await;
        }
        ScreenCommand::List { installation, json } => {
            let (ledger, _) = installation.ledger().await?;
            list_screens(&ledger.screens().await?, json);
            ledger.close().await;
        }
        ScreenCommand::Revoke { name, installation } => {
            let (ledger, _) = installation.ledger().await?;
            revoke_screen(&*ledger, &name).await?;
            ledger.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create_screen(ledger: &dyn Ledger, name: &str) -> anyhow::Result<String> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        bail!("a screen needs a name that people can read");
    }
    if ledger.screens().await?.iter().any(|screen| screen.name == name) {
        bail!("there is a screen called \"{name}\": revoke it first, or choose another name");
    }
    let random = || lobby::new_token().map_err(|error| anyhow!("no random numbers from the system: {error}"));
    let (token, mut id) = (random()?, random()?);
    id.truncate(16);
    let screen = ScreenRow {
        id,
        name: name.to_owned(),
        token_hash: lobby::token_hash(&token),
        created_at: Clock::host().now(),
        seen_at: None,
    };
    let mut transaction = ledger.begin().await?;
    transaction.add_screen(&screen).await?;
    audit(&mut *transaction, "screen.create", name).await?;
    transaction.commit().await?;
    Ok(token)
}

async fn revoke_screen(ledger: &dyn Ledger, name: &str) -> anyhow::Result<()> {
    let screens = ledger.screens().await?;
    let Some(screen) = screens.iter().find(|screen| screen.name == name) else {
        bail!("there is no screen called \"{name}\": `rollcall screen list` names them");
    };
    let mut transaction = ledger.begin().await?;
    transaction.revoke_screen(&screen.id, Clock::host().now()).await?;
    audit(&mut *transaction, "screen.revoke", name).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn audit(transaction: &mut dyn Transaction, act: &str, subject: &str) -> anyhow::Result<()> {
    let record = AuditRecord {
        at: Clock::host().now(),
        actor: HOST_ACTOR.to_owned(),
        act: act.to_owned(),
        subject: subject.to_owned(),
        body: "{}".to_owned(),
    };
    transaction.append_audit(&record).await?;
    Ok(())
}

fn list_screens(screens: &[ScreenRow], json: bool) {
    let seen = |screen: &ScreenRow| screen.seen_at.map(|at| at.to_utc().to_rfc3339());
    if json {
        let rows: Vec<_> = screens
            .iter()
            .map(|screen| json!({"name": screen.name, "seen_at": seen(screen)}))
            .collect();
        println!("{}", json!(rows));
        return;
    }
    for screen in screens {
        println!(
            "{}\tlast seen {}",
            screen.name,
            seen(screen).unwrap_or_else(|| "never".to_owned())
        );
    }
}
