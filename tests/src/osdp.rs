//! An OSDP reader behind a serial server.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::device::Device;

/// For what a reader is told soon, on a machine that has other work.
const DEADLINE: Duration = Duration::from_secs(15);

/// A reader that is switched on; dropped, it is switched off.
#[derive(Debug)]
pub struct OsdpDevice(Device);

impl OsdpDevice {
    /// Switches one on, at an address of its bus, with a key (32 hex digits).
    pub async fn start(address: u8, key: &str) -> Result<Self> {
        let address = address.to_string();
        Device::start("osdp-device", &[&address, key], "listening ")
            .await
            .map(Self)
    }

    /// `127.0.0.1:PORT` of the serial server.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Presents a card of 26 bits whose 24 bits of data are these.
    pub async fn present(&mut self, data: u32) -> Result<()> {
        self.0.tell(&format!("present {}", hex::encode(wiegand26(data)))).await
    }

    /// The colour of the light that it is told to show next.
    pub async fn light(&mut self) -> Result<&'static str> {
        let line = tokio::time::timeout(DEADLINE, async {
            loop {
                let line = self.0.next_line().await?.context("the reader ended")?;
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
