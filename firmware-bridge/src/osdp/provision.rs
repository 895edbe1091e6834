//! Giving a device a key of its own, while somebody watches.
//!
//! A new device has a key that everybody knows, so whoever records the line in this minute can read the new one. That is why this is a
//! command of its own, ends by itself, and is never done by the daemon.

use std::fs::{File, OpenOptions};
use std::io::{Error, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wire::osdp::{Device, Down, Event, INSTALL_KEY, Identity, Panel, Step};

use super::config::SecureChannelKey;
use super::line::Line;

/// Why a device has no new key.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The line is lost.
    #[error("the line is lost")]
    Line(#[source] Error),
    /// The system gives no random numbers.
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
    /// The key cannot be kept, so it was not given.
    #[error("{} cannot be written, so the reader was given no key", path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Error,
    },
    /// The file with the present key cannot be used.
    #[error("{0}")]
    Present(String),
    /// The device answers, but not with the expected key.
    #[error(
        "the reader has another key than {0}; set it to install mode as its manual says, and take the key file away"
    )]
    OtherKey(&'static str),
    /// The device knows no secure channel.
    #[error(
        "the reader refuses a secure channel; it may have none, or may have to be set to install mode as its manual says"
    )]
    NoSecurity,
    /// It took too long.
    #[error("the time is over and the reader did not {0}; nothing more is sent")]
    TooLate(&'static str),
    /// The device refused the new key.
    #[error("the reader refused the new key")]
    Refused,
}

/// Gives the device at `address` a new random key and writes it to `key_file`, which only its owner can read. A key that is in the file
/// already is the device's present one; else it has the install key. All of it within `within`.
///
/// The new key is on the disk, beside the file and ending in `.new`, before the device hears of it, and takes the file's place when the
/// device has proved that it has it. An attempt that broke off in between is continued by the next.
pub fn provision(
    line: &mut Line,
    baud: u32,
    address: u8,
    key_file: &Path,
    within: Duration,
) -> Result<Option<Identity>, ProvisionError> {
    let until = Instant::now() + within;
    let mut waiting = key_file.as_os_str().to_owned();
    waiting.push(".new");
    let waiting = PathBuf::from(waiting);
    let continued = waiting.exists();
    let new_key = if continued {
        SecureChannelKey::read(&waiting).map_err(ProvisionError::Present)?
    } else {
        new_key(&waiting)?
    };
    let present = if key_file.exists() {
        SecureChannelKey::read(key_file)
            .map_err(ProvisionError::Present)?
            .expose()
    } else {
        INSTALL_KEY
    };
    let mut session = Session {
        line,
        baud,
        address,
        until,
    };
    if !continued
        || session
            .prove(new_key.expose(), "the one of the attempt that broke off")
            .is_err()
    {
        session.give(present, new_key)?;
    }
    let identity = session.prove(new_key.expose(), "the one it was just given")?;
    let kept = std::fs::rename(&waiting, key_file).and_then(|()| sync_directory(key_file));
    kept.map_err(|source| ProvisionError::Keep {
        path: key_file.to_owned(),
        source,
    })?;
    Ok(identity)
}

/// Makes a key and keeps it.
fn new_key(path: &Path) -> Result<SecureChannelKey, ProvisionError> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(ProvisionError::Random)?;
    let keep = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(format!("{}\n", hex::encode(key)).as_bytes())?;
        file.sync_all()?;
        sync_directory(path)
    };
    keep().map_err(|source| ProvisionError::Keep {
        path: path.to_owned(),
        source,
    })?;
    Ok(SecureChannelKey::new(key))
}

fn sync_directory(path: &Path) -> Result<(), Error> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// The line to one device, for a time.
struct Session<'a> {
    line: &'a mut Line,
    baud: u32,
    address: u8,
    until: Instant,
}

impl Session<'_> {
    /// Gives it the new key through a channel of its present one.
    fn give(&mut self, present: [u8; 16], new: SecureChannelKey) -> Result<(), ProvisionError> {
        let whose = if present == INSTALL_KEY {
            "the install key"
        } else {
            "the one in the key file"
        };
        self.speak(present, whose, "take its new key", |panel, event| match event {
            // A panel gives a key only through the channel that this says is up.
            Event::Up { .. } if panel.set_key(0, new.expose()) => None,
            Event::KeySet => Some(Ok(())),
            Event::KeyRefused | Event::Up { .. } => Some(Err(ProvisionError::Refused)),
            _ => None,
        })
    }

    /// Has it prove that it has a key.
    fn prove(&mut self, key: [u8; 16], whose: &'static str) -> Result<Option<Identity>, ProvisionError> {
        self.speak(key, whose, "prove its key", |_, event| match event {
            Event::Up { identity, .. } => Some(Ok(identity)),
            _ => None,
        })
    }

    fn speak<T>(
        &mut self,
        key: [u8; 16],
        whose: &'static str,
        what: &'static str,
        mut take: impl FnMut(&mut Panel, Event) -> Option<Result<T, ProvisionError>>,
    ) -> Result<T, ProvisionError> {
        let device = Device {
            address: self.address,
            key: Some(key),
        };
        let (mut panel, started, mut bytes) = (Panel::new([device], self.baud), Instant::now(), [0; 512]);
        while Instant::now() < self.until {
            let now_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(ProvisionError::Random)?;
            match panel.poll(now_ms, random) {
                Step::Send(frame) => self.line.write(&frame).map_err(ProvisionError::Line)?,
                Step::WaitUntil(at_ms) => {
                    let wait = Duration::from_millis(at_ms.saturating_sub(now_ms).min(50));
                    let length = self.line.read(&mut bytes, wait).map_err(ProvisionError::Line)?;
                    panel.push(
                        &bytes[..length],
                        u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    );
                }
            }
            while let Some((_, event)) = panel.next_event() {
                match event {
                    Event::Down {
                        why: Down::WrongKey, ..
                    } => return Err(ProvisionError::OtherKey(whose)),
                    Event::Down {
                        why: Down::RefusesSecurity,
                        ..
                    } => return Err(ProvisionError::NoSecurity),
                    event => {
                        if let Some(outcome) = take(&mut panel, event) {
                            return outcome;
                        }
                    }
                }
            }
        }
        Err(ProvisionError::TooLate(what))
    }
}
