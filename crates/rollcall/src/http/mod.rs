//! The HTTP side of the daemon: its routes, and the accept loop that no idle peer can hold up.

pub mod health;
pub mod server;
pub mod swipes;
