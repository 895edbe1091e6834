//! What opens a port or dials out: reader links, as a library for the daemon and as a program beside remote readers.
//!
//! The daemon reads the `[[reader]]` tables of its configuration into [`ReaderTable`]s, checks them ([`ReaderTable::check`]), and
//! gives each [`ReaderConfig`] to [`run_link`] with a [`LinkContext`]. What the readers say comes out of one bounded queue as
//! [`Delivery`]s.
//!
//! *Invariants:* a link never drops a reading in silence (a serial port waits while the queue is full, a network peer hears `busy`);
//! a network peer is told `ok` only after the receiver of the queue has said what became of its record; nothing here reads the wall
//! clock: the caller gives judging time, and time-outs are monotonic.

mod backoff;
pub mod config;
mod controller;
mod delivery;
mod link;
pub mod mqtt;
pub mod osdp;
pub mod queue;
pub mod record;
pub mod run;
mod serial;
mod tcp;
mod tls;
pub mod uplink;
mod zk;

pub use config::{ConfigError, Link, ReaderConfig, ReaderTable};
pub use controller::{Called, Controller};
pub use delivery::{Delivery, LinkEvent, Note, Outcome};
pub use link::{LinkContext, LinkError, Timing, run_link};
pub use mqtt::{MqttBroker, MqttBrokerTable, MqttReader, run_mqtt_broker};
pub use osdp::{OsdpBus, OsdpBusTable, run_osdp_bus};
pub use tcp::{MOST_PEERS, serve_listener};
pub use tls::Trust;
