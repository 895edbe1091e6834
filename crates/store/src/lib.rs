//! The only SQL of Rollcall: one text for SQLite and PostgreSQL.

pub mod error;
pub mod ledger;
pub mod rows;

pub use error::StoreError;
pub use ledger::{Ledger, Stored, Transaction};
