//! Reader bytes to readings and back: bounded, resynchronising decoders that do no I/O.
//!
//! A link pushes what it received into a [`Decoder`] and takes [`Reading`]s and [`Malformed`] inputs out of it:
//!
//! ```
//! use wire::{Decoder, Decoding, Format};
//!
//! let mut decoder = Decoder::new(Decoding::new(Format::Rdm6300));
//! let taken = decoder.push(b"\x02010063E9AE25\x03");
//! assert_eq!(taken, 14, "a push of up to ROOM bytes is taken whole once everything has been taken out");
//! let reading = decoder.next().expect("a whole frame").expect("a good one");
//! assert_eq!(reading.key, "6547886");
//! assert!(decoder.next().is_none(), "nothing more until more is pushed");
//! ```
//!
//! *Invariants:* no clock (a link says [`Decoder::idle`] when nothing came for a while), no randomness, no standard library, and
//! memory bounded by the constants of [`limits`] whatever comes in. An input that is wrong is a value, never a panic, and never
//! costs its good neighbours.
#![no_std]

extern crate alloc;

pub mod adms;
pub mod badge;
pub mod controller;
mod decoder;
pub mod documents;
pub mod em4100;
mod format;
pub mod idteck;
pub mod isapi;
pub mod json;
pub mod limits;
pub mod line;
pub mod magstripe;
mod malformed;
mod message;
pub mod osdp;
mod reading;
pub mod scanner;
pub mod wiegand;
pub mod zk;

pub use badge::BadgeKeyRule;
pub use decoder::Decoder;
pub use format::{Decoding, Format, UnknownName};
pub use malformed::{Malformed, Reason};
pub use message::{Heard, Messages};
pub use reading::{Faces, HappenedAt, Reading};
pub use scanner::Suffix;
pub use wiegand::{WiegandFormat, WiegandRule};
