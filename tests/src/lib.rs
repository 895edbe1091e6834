//! What the black-box stories and the benchmarks are made of: the built programs, ptys, sockets and a browser.
//!
//! Nothing here reaches into the daemon. A story sees what a reader, a screen, an operator or a supervisor sees, so it
//! stays true when the inside is rewritten.

pub mod artefacts;
pub mod bridge;
pub mod browser;
pub mod bureau;
pub mod daemon;
pub mod device;
pub mod http;
pub mod line;
pub mod load;
pub mod measure;
#[path = "../../firmware-bridge/tests/links/mosquitto.rs"]
pub mod mosquitto;
pub mod osdp;
pub mod postgres;
pub mod programs;
pub mod pty;
pub mod screen;
pub mod terminal;
pub mod wait;
