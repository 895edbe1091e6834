//! Opens a database by its address, and brings its schema to this version.

use std::path::Path;
use std::sync::Arc;

use sqlx::Connection;
use sqlx::migrate::{Migrate, MigrateError, Migrator};

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::ledger::{Ledger, Stored};
use crate::statements;
use crate::{postgres, sqlite};

pub(crate) static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");
pub(crate) static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// How a database is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether this is the one daemon that serves from the database. A second one is refused with
    /// [`StoreError::InUse`]; tools, which leave this false, work beside the daemon.
    pub exclusive: bool,
}

/// Opens `sqlite:PATH` or `postgres://…`, creates what is missing, and migrates the schema. A relative path is taken from
/// the working directory.
pub async fn open(address: &str, options: Options) -> Stored<Arc<dyn Ledger>> {
    if let Some(path) = address.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" {
            return Err(StoreError::Address(address.to_owned()));
        }
        return Ok(Arc::new(sqlite::open(Path::new(path), &options).await?));
    }
    if address.starts_with("postgres:") || address.starts_with("postgresql:") {
        return Ok(Arc::new(postgres::open(address, &options).await?));
    }
    Err(StoreError::Address(address.to_owned()))
}

/// Applies what is missing, all in one transaction: after a crash the schema is the old one or the new one.
pub(crate) async fn migrate<DB: Dialect>(connection: &mut DB::Connection, migrator: &Migrator) -> Stored<()>
where
    DB::Connection: Migrate,
{
    let known = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let mut transaction = connection
        .begin_with(DB::BEGIN_MIGRATION)
        .await
        .map_err(StoreError::of::<DB>)?;
    match migrator.run_direct(None, &mut *transaction, false).await {
        Ok(()) => transaction.commit().await.map_err(StoreError::of::<DB>),
        Err(MigrateError::VersionMissing(_)) => {
            let rows = DB::rows(&mut transaction, statements::SCHEMA_VERSION, &[])
                .await
                .map_err(StoreError::of::<DB>)?;
            let found = rows
                .first()
                .map_or(Ok(None), |row| DB::integer(row, 0))
                .map_err(StoreError::of::<DB>)?;
            Err(StoreError::NewerSchema {
                found: found.unwrap_or(known),
                known,
            })
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(StoreError::of::<DB>(error))
        }
        Err(error) => Err(StoreError::Migration(error)),
    }
}
