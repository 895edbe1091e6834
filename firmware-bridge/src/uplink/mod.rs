//! The way to the daemon: `rollcall.bridge.v1` over a websocket that the bridge opens and opens again.
//!
//! | who | says |
//! |---|---|
//! | bridge | `hello` with what its queue holds, `batch` with records and their numbers, `pong`, `report`, `configured` |
//! | daemon | `welcome` with what it has, `ack` once a number is committed, `ping`, `configuration`, `bye` |
//!
//! At least once and in order: whatever was sent and not acknowledged is sent again, and the daemon counts it once.

mod connect;
mod key;
pub mod message;
mod session;

pub use crate::tls::{Trust, TrustError};
pub use connect::{Dial, DialError, Socket};
pub use key::{BridgeKey, key_hash};
pub use session::{Do, Ended, Next, Session};
