//! A serial line without a cable: the daemon opens the slave as it opens any port.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::programs::installed;
use crate::wait::within;

const PLUG_DEADLINE: Duration = Duration::from_secs(5);

/// A pty whose slave is reached under a name that stays, as `/dev/serial/by-id` stays when a reader is plugged in again.
///
/// It belongs to a process of its own: a master that we held would be inherited by the daemon that we start, and pulling the
/// plug would then not hang up.
#[derive(Debug)]
pub struct Pty {
    link: PathBuf,
    socat: Option<Child>,
}

impl Pty {
    /// Plugs a new line in, reachable at `link`.
    pub async fn plug(link: &Path) -> Result<Self> {
        let mut pty = Self {
            link: link.to_path_buf(),
            socat: None,
        };
        pty.replug().await?;
        Ok(pty)
    }

    /// Pulls the plug: the daemon's descriptor hangs up and the name is gone.
    pub fn unplug(&mut self) -> Result<()> {
        let mut socat = self.socat.take().context("the reader is unplugged already")?;
        socat.kill()?;
        socat.wait()?;
        match std::fs::remove_file(&self.link) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", self.link.display()))
            }
            _ => Ok(()),
        }
    }

    /// Plugs in again, on another pty under the same name.
    pub async fn replug(&mut self) -> Result<()> {
        let program = installed(&["socat"], "Debian: apt-get install socat")?;
        let pty = format!("PTY,link={},rawer", self.link.display());
        self.socat = Some(
            Command::new(program)
                .args([&pty, "STDIO"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()?,
        );
        within(PLUG_DEADLINE, "the pty is there", || async {
            Ok(self.link.exists().then_some(()))
        })
        .await
    }

    /// Sends bytes as the reader would.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let reader = self
            .socat
            .as_mut()
            .and_then(|socat| socat.stdin.as_mut())
            .context("the reader is unplugged")?;
        reader.write_all(bytes).context("the pty does not take bytes")
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.socat.is_some()
            && let Err(error) = self.unplug()
        {
            eprintln!("the story's pty did not end: {error:#}");
        }
    }
}

/// The frame that an RDM6300 sends for a tag: STX, ten hexadecimal digits, two of their XOR, ETX.
pub fn rdm6300(tag: u64) -> Vec<u8> {
    let bytes = tag.to_be_bytes();
    let checksum = bytes[3..].iter().fold(0, |sum, byte| sum ^ byte);
    let mut frame = vec![0x02];
    frame.extend_from_slice(format!("{tag:010X}{checksum:02X}").as_bytes());
    frame.push(0x03);
    frame
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_frame_is_the_published_one() {
        assert_eq!(super::rdm6300(0x14_008E_C793), b"\x0214008EC793CE\x03");
    }
}
