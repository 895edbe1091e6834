//! `rollcall.toml`.
