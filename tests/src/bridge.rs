//! `rollcall-bridge` as its supervisor sees it: a process with a configuration, a state directory and a log.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use crate::daemon::Installation;
use crate::wait::within;
use crate::{artefacts, programs};

/// From start to listening, and from SIGTERM to the end, on a busy machine.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(15);

/// What of a bridge outlives its process.
#[derive(Debug)]
pub struct BridgeBox {
    /// In the log's name, and what it is enrolled as.
    pub name: String,
    folder: PathBuf,
}

impl BridgeBox {
    /// A bridge of that name with these lines in its configuration, before its tables.
    pub fn new(installation: &Installation, name: &str, keys: &str, tables: &str) -> Result<Self> {
        let folder = installation.scratch(&format!("bridge-{name}"));
        std::fs::create_dir_all(&folder)?;
        let bridge = Self {
            name: name.to_owned(),
            folder,
        };
        let state = bridge.state();
        let text = format!("state_directory = \"{}\"\n{keys}\n{tables}", state.display());
        std::fs::write(bridge.config(), text)?;
        Ok(bridge)
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("bridge.toml")
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Gets it a key: a code from the daemon's tool, used on the bridge.
    pub async fn enrol(&self, installation: &Installation, daemon: &str, more: &[&str]) -> Result<()> {
        let said = installation.tool(&["bridge", "enrol", &self.name, "--json"])?;
        let said: serde_json::Value = serde_json::from_str(&said)?;
        let code = said["code"].as_str().context("no code")?;
        let output = self.try_enrol(daemon, code, more).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{said}");
        Ok(())
    }

    /// Shows the daemon a code.
    pub async fn try_enrol(&self, daemon: &str, code: &str, more: &[&str]) -> Result<std::process::Output> {
        Command::new(programs::bridge()?)
            .args(["enrol", "--daemon", daemon, "--code", code, "--state"])
            .arg(self.state())
            .args(more)
            .output()
            .await
            .context("rollcall-bridge could not be started")
    }

    /// Starts it.
    pub fn start(&self) -> Result<RunningBridge> {
        let log = artefacts::path(&format!("bridge-{}.log", self.name))?;
        let child = Command::new(programs::bridge()?)
            .arg("run")
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stderr(OpenOptions::new().create(true).append(true).open(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("the bridge could not be started")?;
        let begins_at = std::fs::metadata(&log).map_or(0, |log| log.len());
        Ok(RunningBridge { child, log, begins_at })
    }
}

/// A running bridge; killed when dropped.
#[derive(Debug)]
pub struct RunningBridge {
    child: Child,
    log: PathBuf,
    begins_at: u64,
}

impl RunningBridge {
    /// What it has logged since its start.
    pub fn log(&self) -> Result<String> {
        let text = std::fs::read_to_string(&self.log)?;
        let begins_at = usize::try_from(self.begins_at)?;
        Ok(text.get(begins_at..).unwrap_or_default().to_owned())
    }

    /// Waits until it logs something.
    pub async fn logs(&self, what: &str) -> Result<()> {
        within(DEADLINE, &format!("the bridge logs {what}"), || async {
            let log = self.log()?;
            log.contains(what).then_some(Some(())).context(log)
        })
        .await
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("the bridge cannot be killed")
    }

    /// SIGTERM, as a supervisor stops it; gives how it ended.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        let id = self.child.id().context("the bridge has ended")?.to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await?;
        anyhow::ensure!(sent.success(), "SIGTERM could not be sent");
        tokio::time::timeout(DEADLINE, self.child.wait())
            .await
            .context("the bridge did not stop")?
            .context("no exit status")
    }
}
