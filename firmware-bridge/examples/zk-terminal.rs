//! A ZKTeco terminal in software, to try a configuration with, or a client: `zk-terminal PORT KEY CLOCK`, with CLOCK as
//! `YYYY-MM-DDTHH:MM:SS`. Says where it is called; then reads lines: `punch PIN`, `cut`, `record PIN YYYY-MM-DDTHH:MM:SS`.

#[expect(dead_code, reason = "tests ask it more than a person at a keyboard does")]
#[path = "../tests/links/terminal.rs"]
mod terminal;

use anyhow::Context;
use terminal::Terminal;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, key, clock] = &arguments[..] else {
        anyhow::bail!("write zk-terminal PORT KEY CLOCK, such as zk-terminal 4370 0 2026-09-16T08:00:00");
    };
    let terminal = Terminal::start(key.parse()?, clock.parse()?, port.parse()?).await?;
    println!("calling {}", terminal.address);
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["punch", pin] => terminal.punch(pin, 1, 0),
            ["record", pin, at] => terminal.record(pin, at.parse().context("no time")?, 1, 0),
            ["cut"] => terminal.cut(),
            _ => println!("write punch PIN, record PIN TIME, or cut"),
        }
    }
    Ok(())
}
