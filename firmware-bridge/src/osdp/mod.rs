//! OSDP buses: a thread for each, because the line is half duplex and its timing is ours to keep.
//!
//! What is said on a line is decided by [`wire::osdp::Panel`]; here are the line, the clock, the random numbers, and what a device's
//! words mean for the host. A device is polled again only after the host has answered for its reading.

mod bus;
mod config;
mod discover;
mod line;
mod provision;
mod secured;

pub use bus::run as run_osdp_bus;
pub use bus::shown;
pub use config::{BusError, OsdpBus, OsdpBusTable, OsdpLine, OsdpReader, SecureChannelKey, check_buses, place};
pub use discover::{ALL_ADDRESSES, Found, discover};
pub use line::Line;
pub use provision::{ProvisionError, provision};
