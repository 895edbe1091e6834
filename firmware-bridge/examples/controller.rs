//! A Hikvision and Dahua device in software, to try a configuration with: `controller PORT CLOCK`, with CLOCK as RFC 3339. Its user is
//! `rollcall`, the password `a-password-of-tests`. Says where it is called; then reads lines: `punch WHO`, `record WHO TIME`, `cut`.

#[expect(dead_code, reason = "tests ask it more than a person at a keyboard does")]
#[path = "../tests/links/controller_device.rs"]
mod controller_device;

use chrono::{DateTime, FixedOffset};
use controller_device::{Device, Manner};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, clock] = &arguments[..] else {
        anyhow::bail!("write controller PORT CLOCK, such as controller 8000 2026-09-16T08:00:00+08:00");
    };
    let device = Device::start(Manner::default(), time(clock)?, port.parse()?).await?;
    println!("calling {}", device.address);
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["punch", who] => device.punch(who),
            ["record", who, at] => device.record(who, time(at)?),
            ["cut"] => device.cut(),
            _ => println!("write punch WHO, record WHO TIME, or cut"),
        }
    }
    Ok(())
}

fn time(text: &str) -> anyhow::Result<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).map_err(|error| anyhow::anyhow!("{text}: {error}"))
}
