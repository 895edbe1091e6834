//! OSDP v2.2 (IEC 60839-11-5) as control panel: readers on an RS-485 bus are polled, heard, and told what to show.
//!
//! [`Panel`] is the whole of it: bytes in, bytes out, events, and "poll me again at". The parts stand alone too: [`Frames`] cuts a
//! stream into frames, [`Frame`] and [`Reply`] say what they mean, [`SecureChannel`] protects them, [`Command`] makes them.
//!
//! *Invariants:* a device is not polled while one of its readings waits to be kept ([`Panel::settle`]), because the next poll makes it
//! forget the reading. A device with a key is never spoken to in plain beyond the handshake, whatever it claims. Time and random
//! numbers are arguments.

mod command;
mod frame;
mod panel;
mod reply;
mod secure;

pub use command::{Colour, Command, Feedback};
pub use frame::{Block, CheckKind, Frame, Frames, LONGEST_FRAME, emit};
pub use panel::{Device, Down, Event, Identity, LocalStatus, OFFLINE_AFTER_MS, Panel, REPLY_TIMEOUT_MS, Step};
pub use reply::{Capability, Refusal, Reply, name, number_reading};
pub use secure::{Challenge, INSTALL_KEY, SecureChannel};

/// The highest address of a device; the one above is everybody's.
pub const HIGHEST_ADDRESS: u8 = 0x7E;
