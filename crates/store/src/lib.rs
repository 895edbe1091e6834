//! The only SQL of Rollcall: one text for SQLite and PostgreSQL.
//!
//! [`open()`] gives a [`Ledger`]; its [`Transaction`] writes. `docs/store.md` says how to add a query or a migration.

pub mod audit;
pub mod error;
pub mod ledger;
pub mod rows;

mod cells;
mod corrections;
mod dialect;
mod open;
mod postgres;
mod sql_ledger;
mod sql_transaction;
mod sqlite;
mod statements;
mod swipes;

pub use error::StoreError;
pub use ledger::{Ledger, Stored, Transaction};
pub use open::{Options, open};
