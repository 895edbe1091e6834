//! Links as readers meet them: serial ports, TCP, OSDP buses, and terminals that are called.

mod common;
#[path = "../../../crates/wire/tests/osdp/device.rs"]
mod device;
mod hikvision;
mod hikvision_device;
mod osdp;
mod osdp_peer;
mod serial;
mod tcp;
mod terminal;
mod zk;
mod zk_clients;
