//! What can go wrong in the store.
//!
//! The store retries nothing. Its caller acts on the kind: [`StoreError::Unavailable`] and [`StoreError::Full`] pause
//! intake (nothing of the transaction is stored, readers keep what they sent), [`StoreError::Fatal`] ends the process.

use crate::dialect::{Dialect, Fault};

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row holds what its column must not.
    #[error("{table}.{column} of {id} holds a value that this version does not know")]
    BadRow {
        /// Table name.
        table: &'static str,
        /// Column name.
        column: &'static str,
        /// The row's key, which is its first column.
        id: String,
    },
    /// The database does not answer now, or not in time: it is away, restarting, overloaded, or locked by somebody else.
    /// Nothing of the transaction is stored, except that a failed commit may have succeeded unheard.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The disk of the database is full. Nothing of the transaction is stored.
    #[error("the disk of the database is full, make room on it: {0}")]
    Full(#[source] sqlx::Error),
    /// The disk failed, or the database is damaged. What was written before may not be on the disk, and trying again
    /// on the same handle can report a success that is none: end the process and start it again.
    #[error("the database's disk failed or its file is damaged: {0}")]
    Fatal(#[source] sqlx::Error),
    /// A statement was refused for another reason, such as a rule of the schema; a fault of the program.
    #[error("the database refused a statement: {0}")]
    Refused(#[source] sqlx::Error),
    /// A row of that key is there already.
    #[error("there is such a row already: {0}")]
    Exists(#[source] sqlx::Error),
    /// A row that was to be changed is not there, or not any more.
    #[error("{table} has no {id} that this can change")]
    Missing {
        /// Table name.
        table: &'static str,
        /// The key asked for.
        id: String,
    },
    /// A finding says something else than what was decided on.
    #[error("finding {finding} has changed since it was looked at; look again before deciding")]
    ChangedMeanwhile {
        /// The finding's id.
        finding: String,
    },
    /// The transaction cannot be committed, because an earlier call in it failed. Nothing of it is stored.
    #[error("the transaction cannot be committed because an earlier statement in it failed")]
    TransactionFailed,
    /// The database address cannot be read.
    #[error("database address `{0}` is not understood; write `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
    Address(String),
    /// A file cannot be created or opened.
    #[error("cannot open {path}: {source}; check that its directory exists and belongs to this user")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another daemon serves from this database.
    #[error("another daemon is using the database {0}; stop it first, or give this one a database of its own")]
    InUse(String),
    /// The database was written by a newer program.
    #[error(
        "the database has schema {found}, this program knows schemas up to {known}; use the newer program, or restore a backup"
    )]
    NewerSchema {
        /// The newest migration found in the database.
        found: i64,
        /// The newest migration that this program knows.
        known: i64,
    },
    /// The schema could not be brought to this version.
    #[error("the schema cannot be brought to this version: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database program is too old.
    #[error("the database is {name} {found}, at least {needed} is needed")]
    OldDatabase {
        /// `SQLite` or `PostgreSQL`.
        name: &'static str,
        /// The version found.
        found: String,
        /// The oldest version that will do.
        needed: &'static str,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
}

impl StoreError {
    /// Sorts an error of the driver by what a caller can do about it.
    pub(crate) fn of<DB: Dialect>(error: sqlx::Error) -> Self {
        match DB::fault(&error) {
            Fault::Unavailable => Self::Unavailable(error),
            Fault::Full => Self::Full(error),
            Fault::Fatal => Self::Fatal(error),
            Fault::Exists => Self::Exists(error),
            Fault::Refused => Self::Refused(error),
        }
    }
}
