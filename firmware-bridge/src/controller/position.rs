//! How far a controller's events have come, remembered between runs. Losing it costs time, never an event: what comes twice counts once.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How often it is written down, in milliseconds of judging time.
const INTERVAL_MS: i64 = 30_000;

/// How far events have come.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The running number of the last event.
    pub serial: Option<i64>,
    /// Its time by the device's clock, UTC milliseconds.
    pub at_ms: Option<i64>,
}

/// The memory, and where it is written.
#[derive(Debug)]
pub struct Position {
    path: Option<PathBuf>,
    reached: Reached,
    written: Reached,
    written_at_ms: i64,
}

impl Position {
    /// Reads it; what cannot be read is as good as not there.
    pub fn load(directory: Option<&Path>, reader: &str) -> Self {
        // A reader's id may hold what a file name must not.
        let name = format!("controller-{}", hex::encode(&Sha256::digest(reader)[..8]));
        let path = directory.map(|directory| directory.join(name));
        let text = path.as_deref().and_then(|path| std::fs::read(path).ok());
        let reached = text
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        Self {
            path,
            reached,
            written: reached,
            written_at_ms: 0,
        }
    }

    /// How far events have come.
    pub const fn reached(&self) -> Reached {
        self.reached
    }

    /// An event is kept. One that is earlier both by number and by time changes nothing; after a clock was set back, or numbers
    /// began anew, events go on from there.
    pub fn advance(&mut self, serial: Option<i64>, at_ms: Option<i64>) {
        let is_earlier = |new: Option<i64>, known: Option<i64>| new.zip(known).is_none_or(|(new, known)| new <= known);
        if is_earlier(serial, self.reached.serial)
            && is_earlier(at_ms, self.reached.at_ms)
            && self.reached != Reached::default()
        {
            return;
        }
        if serial.is_some() {
            self.reached.serial = serial;
        }
        if at_ms.is_some() {
            self.reached.at_ms = at_ms;
        }
    }

    /// Writes it down, if it is time to.
    pub fn save(&mut self, now_ms: i64) {
        if self.reached == self.written || (now_ms - self.written_at_ms).abs() < INTERVAL_MS {
            return;
        }
        self.save_now(now_ms);
    }

    /// Writes it down.
    pub fn save_now(&mut self, now_ms: i64) {
        let (Some(path), true) = (&self.path, self.reached != self.written) else {
            return;
        };
        let text = serde_json::to_vec(&self.reached).unwrap_or_default();
        let whole = path.with_extension("new");
        // Renamed, so that half of it is never read.
        let written = std::fs::write(&whole, text).and_then(|()| std::fs::rename(&whole, path));
        match written {
            Ok(()) => (self.written, self.written_at_ms) = (self.reached, now_ms),
            Err(error) => tracing::warn!(path = %path.display(), %error, "controller_position_not_written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reached_is_known_after_a_restart_and_rubbish_is_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let load = || Position::load(Some(directory.path()), "door/1");
        let mut position = load();
        assert_eq!(position.reached(), Reached::default());
        position.advance(Some(7), Some(1_000));
        position.advance(Some(6), Some(900));
        position.save(40_000);
        let reached = Reached {
            serial: Some(7),
            at_ms: Some(1_000),
        };
        assert_eq!(load().reached(), reached);
        position.advance(Some(8), Some(400));
        position.save(50_000);
        assert_eq!(load().reached(), reached, "not so soon");
        position.save_now(50_000);
        assert_eq!(
            (load().reached().serial, load().reached().at_ms),
            (Some(8), Some(400)),
            "its clock was set back"
        );
        position.advance(Some(1), Some(2_000));
        assert_eq!(position.reached().serial, Some(1), "its numbers began anew");
        let path = position.path.expect("a file");
        std::fs::write(path, "{").expect("room");
        assert_eq!(load().reached(), Reached::default());
    }
}
