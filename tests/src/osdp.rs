//! An OSDP reader behind a serial server, as a process of its own: an example program of the bridge.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// For what a reader is told soon, on a machine that has other work.
const DEADLINE: Duration = Duration::from_secs(15);

/// A reader that is switched on; dropped, it is switched off.
#[derive(Debug)]
pub struct OsdpDevice {
    /// Kept for its process, which goes with it.
    _process: Child,
    commands: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    /// `127.0.0.1:PORT` of the serial server.
    pub address: String,
}

impl OsdpDevice {
    /// Switches one on, at an address of its bus, with a key (32 hex digits).
    pub async fn start(address: u8, key: &str) -> Result<Self> {
        let own = std::env::current_exe().context("the test program does not know where it is")?;
        let program = own
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("."))
            .join("examples/osdp-device");
        let mut process = Command::new(&program)
            .args([&address.to_string(), key])
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
        let address = line
            .strip_prefix("listening ")
            .context("the reader does not say where it is")?;
        Ok(Self {
            address: address.to_owned(),
            _process: process,
            commands,
            said,
        })
    }

    /// Presents a card of 26 bits whose 24 bits of data are these.
    pub async fn present(&mut self, data: u32) -> Result<()> {
        let line = format!("present {}\n", hex::encode(wiegand26(data)));
        self.commands
            .write_all(line.as_bytes())
            .await
            .context("the reader is off")
    }

    /// The colour of the light that it is told to show next.
    pub async fn light(&mut self) -> Result<&'static str> {
        let line = tokio::time::timeout(DEADLINE, async {
            loop {
                let line = self.said.next_line().await?.context("the reader ended")?;
                if let Some(data) = line.strip_prefix("told 69 ") {
                    return hex::decode(data).map_err(|error| anyhow::anyhow!("{error}: {data}"));
                }
            }
        });
        let data = line.await.context("the reader was told no light")??;
        Ok(match data.get(5) {
            Some(1) => "red",
            Some(2) => "green",
            Some(3) => "amber",
            _ => "another colour",
        })
    }
}

/// The 26 bits, left-justified: even parity over the first half, odd parity over the second.
fn wiegand26(data: u32) -> [u8; 4] {
    let even = (data >> 12).count_ones() % 2;
    let odd = ((data & 0xFFF).count_ones() % 2) ^ 1;
    (((even << 25) | (data << 1) | odd) << 6).to_be_bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bits_are_those_of_a_card() {
        assert_eq!(super::wiegand26(0x01_F674), [0x80, 0xFB, 0x3A, 0x40]);
    }
}
