//! A ZKTeco terminal that the daemon calls, as a process of its own: an example program of the bridge.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// A terminal that is switched on; dropped, it is switched off.
#[derive(Debug)]
pub struct CalledTerminal {
    /// Kept for its process, which goes with it.
    _process: Child,
    commands: ChildStdin,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl CalledTerminal {
    /// Switches one on that wants this key (0: none) and shows this local time, `YYYY-MM-DDTHH:MM:SS`.
    pub async fn start(key: u32, clock: &str) -> Result<Self> {
        let own = std::env::current_exe().context("the test program does not know where it is")?;
        let program = own
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("."))
            .join("examples/zk-terminal");
        let mut process = Command::new(&program)
            .args(["0", &key.to_string(), clock])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!(
                    "{} is not built: run tests/run.sh, or `cargo build --workspace --all-targets`",
                    program.display()
                )
            })?;
        let commands = process.stdin.take().context("no way in")?;
        let said = process.stdout.take().context("no way out")?;
        let line = BufReader::new(said).lines().next_line().await?.unwrap_or_default();
        let address = line
            .strip_prefix("calling ")
            .context("the terminal does not say where it is")?;
        Ok(Self {
            address: address.to_owned(),
            _process: process,
            commands,
        })
    }

    /// `punch PIN`, `record PIN TIME`, `cut`.
    pub async fn tell(&mut self, command: &str) -> Result<()> {
        let line = format!("{command}\n");
        self.commands
            .write_all(line.as_bytes())
            .await
            .context("the terminal is off")
    }
}
