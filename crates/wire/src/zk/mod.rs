//! ZKTeco terminals that are called by us, on TCP or UDP port 4370.
//!
//! | bytes | what |
//! |---|---|
//! | `50 50 82 7D`, length (u32) | before every packet on TCP; UDP has none |
//! | command, checksum, session, number (u16 each), data | a packet |
//!
//! Everything is little-endian. The checksum is the one's complement of the sum of the packet's 16-bit words with carries folded in, its
//! own field being zero. A reply has the number of its request; an event has command 500, and what happened in the session field.

pub mod command;
mod frames;
pub mod key;
mod packet;
mod records;
mod sizes;
pub mod time;

pub use frames::{Frames, LONGEST_PACKET};
pub use packet::{Packet, emit, emit_tcp};
pub use records::{EVENT_ATTENDANCE, attendance, event};
pub use sizes::Sizes;
