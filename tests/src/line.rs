//! A reader that sends lines over TCP and waits for `ok`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// An answer that takes longer than this is no answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// One connection of a line reader.
#[derive(Debug)]
pub struct LineReader {
    receive: BufReader<OwnedReadHalf>,
    send: OwnedWriteHalf,
}

impl LineReader {
    /// Connects to `address`, such as `127.0.0.1:5201`.
    pub async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nobody listens on {address}"))?;
        stream.set_nodelay(true)?;
        let (receive, send) = stream.into_split();
        Ok(Self {
            receive: BufReader::new(receive),
            send,
        })
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.send.write_all(bytes).await.context("the daemon closed the line")
    }

    /// The next answer, without its line end.
    pub async fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(ANSWER_DEADLINE, self.receive.read_line(&mut line))
            .await
            .context("no answer to a line")?;
        anyhow::ensure!(
            read.context("the line broke")? > 0,
            "the daemon closed the line instead of answering"
        );
        Ok(line.trim_end().to_owned())
    }

    /// Sends one line and gives the answer to it.
    pub async fn ask(&mut self, line: &str) -> Result<String> {
        self.send(format!("{line}\n").as_bytes()).await?;
        self.answer().await
    }
}
