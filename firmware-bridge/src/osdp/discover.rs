//! Who answers on a line.

use std::io::Error;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use wire::osdp::{CheckKind, Command, Frame, Frames, HIGHEST_ADDRESS, Identity, REPLY_TIMEOUT_MS, Reply, emit};

use super::line::Line;

/// A device that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub address: u8,
    /// Who it is.
    pub identity: Identity,
    /// Whether it says that it knows secure channels; `None` if it does not say what it can do.
    pub secure_channel: Option<bool>,
}

/// Every address that a device can have.
pub const ALL_ADDRESSES: RangeInclusive<u8> = 0..=HIGHEST_ADDRESS;

/// Asks addresses of a line who is there, and then leaves them alone. Nobody else may speak there meanwhile.
pub fn discover(
    line: &mut Line,
    baud: u32,
    addresses: RangeInclusive<u8>,
    mut found: impl FnMut(Found),
) -> Result<(), Error> {
    for address in addresses {
        // The second question is for devices that know only the short check, and for a first one that noise swallowed.
        let asks = [CheckKind::Crc, CheckKind::Sum];
        for check in asks {
            if let Some(Reply::Identity(identity)) = ask(line, baud, (address, 0, check), &Command::Identify)? {
                let can = ask(line, baud, (address, 1, check), &Command::Capabilities)?;
                let secure_channel = match can {
                    Some(Reply::Capabilities(list)) => Some(list.iter().any(|one| one.function == 9 && one.level > 0)),
                    _ => None,
                };
                found(Found {
                    address,
                    identity: identity.into(),
                    secure_channel,
                });
                break;
            }
        }
    }
    Ok(())
}

/// One question, and its answer if there is one in time.
fn ask(line: &mut Line, baud: u32, head: (u8, u8, CheckKind), command: &Command) -> Result<Option<Reply>, Error> {
    let bytes = emit(head, None, command.code(), &command.data(), |_| [0; 4]);
    line.write(&bytes)?;
    let frame_ms = u64::try_from(bytes.len()).unwrap_or(0) * 10_000 / u64::from(baud.max(1));
    let until = Instant::now() + Duration::from_millis(REPLY_TIMEOUT_MS + frame_ms);
    let (mut frames, mut bytes) = (Frames::default(), [0; 512]);
    loop {
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(None);
        }
        let length = line.read(&mut bytes, rest)?;
        let mut came = &bytes[..length];
        while !came.is_empty() {
            let taken = frames.push(came);
            came = &came[taken..];
            while let Some(next) = frames.next() {
                let Ok(next) = next else { continue };
                let Ok(frame) = Frame::new_checked(&next) else { continue };
                if frame.is_reply() && frame.address() == head.0 {
                    return Ok(Reply::parse(frame.code(), frame.data()).ok());
                }
            }
        }
    }
}
