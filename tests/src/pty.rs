//! A serial line without a cable: the daemon opens the slave as it opens any port.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serialport::{SerialPort as _, TTYPort};

/// A pty whose slave is reached under a name that stays, as `/dev/serial/by-id` stays when a reader is plugged in again.
#[derive(Debug)]
pub struct Pty {
    link: PathBuf,
    master: Option<TTYPort>,
}

impl Pty {
    /// Plugs a new line in, reachable at `link`.
    pub fn plug(link: &Path) -> Result<Self> {
        let mut pty = Self {
            link: link.to_path_buf(),
            master: None,
        };
        pty.replug()?;
        Ok(pty)
    }

    /// Pulls the plug: the daemon's descriptor hangs up and the name is gone.
    pub fn unplug(&mut self) -> Result<()> {
        self.master = None;
        std::fs::remove_file(&self.link).with_context(|| format!("{} cannot be removed", self.link.display()))
    }

    /// Plugs in again, on another pty under the same name.
    pub fn replug(&mut self) -> Result<()> {
        let (master, slave) = TTYPort::pair().context("no pty pair to be had")?;
        let device = slave.name().context("a pty slave has no name")?;
        symlink(&device, &self.link).with_context(|| format!("{} cannot be linked", self.link.display()))?;
        self.master = Some(master);
        Ok(())
    }

    /// Sends bytes as the reader would.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let master = self.master.as_mut().context("the reader is unplugged")?;
        master.write_all(bytes).context("the pty does not take bytes")
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
