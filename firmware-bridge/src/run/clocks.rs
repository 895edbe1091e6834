//! The clocks of the machine that the bridge runs on.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::record::Stamp;

/// Reads the wall clock and the time since the machine was started.
#[derive(Debug)]
pub struct HostClocks {
    started: Instant,
    up_at_start_ms: i64,
    boot: String,
    /// How far the wall clock is ahead of the daemon's, as it last said.
    ahead_ms: AtomicI64,
}

impl HostClocks {
    /// Finds out since when the machine runs. Where the system does not say, this start of the program counts as one of the machine.
    pub fn new(otherwise: &str) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let boot = read("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned());
        let up = read("/proc/uptime").and_then(|text| {
            let seconds = text.split(' ').next()?;
            let (seconds, hundredths) = seconds.split_once('.')?;
            Some(seconds.parse::<i64>().ok()? * 1_000 + hundredths.parse::<i64>().ok()? * 10)
        });
        let (boot, up_at_start_ms) = boot.zip(up).unwrap_or_else(|| (otherwise.to_owned(), 0));
        Self {
            started: Instant::now(),
            up_at_start_ms,
            boot,
            ahead_ms: AtomicI64::new(0),
        }
    }

    /// What they show now.
    pub fn now(&self) -> Stamp {
        self.ago(0)
    }

    /// What they showed so long ago.
    pub fn ago(&self, age_ms: i64) -> Stamp {
        Stamp {
            wall_ms: wall_ms() - age_ms,
            up_ms: self.up_at_start_ms + self.elapsed_ms() - age_ms,
            boot: self.boot.clone(),
        }
    }

    /// The best that is known of the daemon's time, UTC milliseconds.
    pub fn daemon_ms(&self) -> i64 {
        wall_ms() - self.ahead_ms.load(Ordering::Relaxed)
    }

    /// The daemon has measured how far the wall clock is ahead of its own.
    pub fn set_ahead(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Milliseconds since this was made.
    pub fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

fn wall_ms() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one wall clock of the bridge; everything else is given its time"
    )]
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
