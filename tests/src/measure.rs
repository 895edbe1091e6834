//! What benchmarks compare with: the disk itself and Redis, in the same run and under the same senders.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::daemon::free_address;
use crate::programs::installed;
use crate::wait::within;

/// What one small append brings to the disk; about a swipe.
const RECORD: [u8; 128] = [7; 128];

/// How long single appends with fdatasync take in `folder`, one after the other for `span`, shortest first.
pub fn fdatasync_times(folder: &Path, span: Duration) -> Result<Vec<Duration>> {
    let mut file = File::create(folder.join("fdatasync"))?;
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < span {
        let one = Instant::now();
        file.write_all(&RECORD)?;
        file.sync_data()?;
        times.push(one.elapsed());
    }
    times.sort();
    Ok(times)
}

/// The value below which `share` (0 to 1) of the sorted values lie.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into what is in memory"
    )]
    let index = (sorted.len() as f64 * share) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// The value in the middle of what rounds gave.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A Redis server that syncs its log before it answers; ends when dropped.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl Redis {
    /// Starts one whose log lies in `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let program = installed(&["redis-server"], "Debian: apt-get install redis-server")?;
        let address = free_address()?;
        let port = address.rsplit(':').next().context("an address has a port")?;
        let server = Command::new(program)
            .args([
                "--port",
                port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ])
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let listening = || async { Ok(TcpStream::connect(&address).await.ok()) };
        within(Duration::from_secs(10), "Redis listens", listening).await?;
        Ok(Self { server, address })
    }
}

impl Redis {
    /// The server's process.
    pub fn process_id(&self) -> Result<u32> {
        self.server.id().context("Redis has ended")
    }
}

/// Processor time that a process has used, in user and system mode.
pub fn processor_time(process: u32) -> Result<Duration> {
    /// Ticks of `/proc`, which are a hundredth of a second on every Linux that there is.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the bench reads Linux's /proc")?;
    let fields = stat.rsplit(')').next().context("no fields in stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    Ok(TICK * ticks.sum::<Result<u32, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::{median, percentile};
    use std::time::Duration;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 0.5), Duration::from_millis(51));
        assert_eq!(percentile(&sorted, 0.99), Duration::from_millis(100));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
