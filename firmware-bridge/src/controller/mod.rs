//! Access controllers that report events: those that call us, whose posts the daemon hands to `wire`, and those that we call.

mod config;

pub use config::Controller;
