//! Links as readers meet them: serial ports, TCP, OSDP buses, MQTT brokers, and terminals that are called.

mod common;
#[path = "../../../crates/wire/tests/osdp/device.rs"]
mod device;
mod mosquitto;
mod mqtt;
mod osdp;
mod osdp_peer;
mod serial;
mod tcp;
mod terminal;
mod zk;
mod zk_clients;
