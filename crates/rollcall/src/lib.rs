//! The attendance and meeting-discipline daemon, as a library; `main` is short.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod folder;
pub mod judge;
pub mod lobby;
pub mod shared;
pub mod words;
