//! The attendance and meeting-discipline daemon, as a library; `main` is short.

pub mod admin;
pub mod bridges;
pub mod bulletin;
pub mod calendars;
pub mod cli;
pub mod clock;
pub mod commissioning;
pub mod config;
pub mod counting;
pub mod demo;
pub mod engine;
pub mod folder;
pub mod http;
pub mod judge;
pub mod lifecycle;
pub mod lobby;
pub mod recalculate;
pub mod replay;
pub mod serve;
pub mod shared;
pub mod sources;
pub mod transfer;
pub mod week;
pub mod words;
