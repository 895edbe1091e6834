//! Readers that publish to an MQTT broker: one connection to each broker, shared by its readers.
//!
//! What a message means is decided by [`wire::Messages`]; here are the connection, who a message is of, whether a reader is there, and
//! when a message may be forgotten by the broker: only after the host has answered for its readings.

mod client;
mod config;
mod connection;
mod readers;
mod tls;
mod topic;
mod unacknowledged;

pub use client::run as run_mqtt_broker;
pub use config::{BrokerError, MqttBroker, MqttBrokerTable, MqttReader, check_brokers, readers_of};
