//! The HTTP side of the daemon: its routes, and the accept loop that no idle peer can hold up.

pub mod body;
pub mod health;
pub mod iclock;
pub mod pushed;
mod reader_metrics;
pub mod server;
mod strangers;
pub mod swipes;
