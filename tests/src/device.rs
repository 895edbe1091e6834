//! An emulated device as a process of its own: an example program of the bridge that says where it is and takes commands.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A device that is switched on; dropped, it is switched off.
#[derive(Debug)]
pub struct Device {
    /// Kept for its process, which goes with it.
    _process: Child,
    commands: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl Device {
    /// Switches on the example of this name; its first line is `greeting` and its address.
    pub async fn start(example: &str, arguments: &[&str], greeting: &str) -> Result<Self> {
        let own = std::env::current_exe().context("the test program does not know where it is")?;
        let program = own
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("."))
            .join("examples")
            .join(example);
        let mut process = Command::new(&program)
            .args(arguments)
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
        let mut said = BufReader::new(process.stdout.take().context("no way out")?).lines();
        let line = said.next_line().await?.unwrap_or_default();
        let address = line.strip_prefix(greeting).map(str::trim);
        let address = address.with_context(|| format!("{example} does not say where it is: {line:?}"))?;
        Ok(Self {
            address: address.to_owned(),
            _process: process,
            commands,
            said,
        })
    }

    /// Tells it something.
    pub async fn tell(&mut self, command: &str) -> Result<()> {
        let line = format!("{command}\n");
        self.commands
            .write_all(line.as_bytes())
            .await
            .context("the device is off")
    }

    /// The next line that it says; `None` once it is off.
    pub async fn next_line(&mut self) -> Result<Option<String>> {
        Ok(self.said.next_line().await?)
    }
}
