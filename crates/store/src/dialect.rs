//! What the store needs of a database, and nothing more: whatever is generic over the two stands on this trait.

use std::borrow::Cow;
use std::future::Future;

use rules::time::Instant;
use sqlx::encode::Encode;
use sqlx::query::Query;
use sqlx::{Arguments, Database, IntoArguments, Type};

use crate::ledger::Stored;
use crate::statements::{ForRows, Texts};

/// One of the two databases. A statement that must differ between them is a whole statement here.
pub(crate) trait Dialect: Database {
    /// Starts a write transaction, and waits until no other process is in one.
    const BEGIN: &'static str;
    /// Starts the transaction in which a connection without time limits migrates the schema.
    const BEGIN_MIGRATION: &'static str;
    /// Begins as [`Dialect::BEGIN`] does, stores swipes, and returns in one row how many were new, the facts revision and the day after the
    /// last that is published; `None` where each takes a turn of its own, or others may change them before the commit.
    const BEGIN_WITH_SWIPES: Option<ForRows>;
    /// Saves days and commits; `None` where each takes a turn of its own.
    const SAVE_DAYS_AND_COMMIT: Option<ForRows>;
    /// The rows that are due, locked. `$1` now, `$2` at most so many.
    const DUE_DAYS: &'static str;
    /// The earliest instant at which a day is due, or nothing.
    const NEXT_CHECK: &'static str;
    /// The meeting rows that are due, locked. `$1` now, `$2` at most so many.
    const DUE_MEETINGS: &'static str;
    /// One finding, locked. `$1` its number.
    const FINDING_LOCKED: &'static str;
    /// The dedup keys of the `$1` swipes that were stored last, where that is how to learn which were new: giving many rows back costs
    /// a thread that waits for each of them more than storing it. `None` where storing them returns their keys.
    const LAST_SWIPES: Option<&'static str>;
    /// Whether one statement may insert a row and then update it.
    const SETS_A_ROW_TWICE: bool;
    /// Locks day rows in the order of their keys; `None` where a write transaction has the database for itself.
    const LOCK_DAYS: Option<ForRows>;
    /// As [`Dialect::LOCK_DAYS`], of meeting rows.
    const LOCK_MEETINGS: Option<ForRows>;

    /// What a ledger of this database keeps beside its pools: locks, and connections for housekeeping.
    type Keeper: Send + Sync + 'static;

    /// The statements for many rows.
    fn texts() -> &'static Texts;

    /// How the parameter of this number is written in a statement for many rows.
    fn placeholder(number: usize) -> String;

    /// Begins or ends a transaction; such a statement has no values and need not be one alone.
    fn control<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send + 'c;

    /// Runs a statement; returns how many rows it changed.
    fn run<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
        values: &'c [Value<'c>],
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send + 'c;

    /// Runs a statement; returns its rows.
    fn rows<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
        values: &'c [Value<'c>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send + 'c;

    /// Has a statement parsed against the schema, without running it.
    fn prepare<'c>(
        connection: &'c mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send + 'c;

    /// Text at a position of a row.
    fn text(row: &Self::Row, position: usize) -> Result<Option<String>, sqlx::Error>;

    /// An integer at a position of a row.
    fn integer(row: &Self::Row, position: usize) -> Result<Option<i64>, sqlx::Error>;

    /// What kind of error it is, by its code.
    fn fault(error: &sqlx::Error) -> Fault;

    /// Housekeeping.
    fn maintain(keeper: &Self::Keeper) -> impl Future<Output = Stored<()>> + Send + '_;

    /// Gives up what the keeper holds.
    fn release(keeper: &Self::Keeper) -> impl Future<Output = ()> + Send + '_;
}

/// The kinds of errors that a caller can do something about; see [`crate::StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Unavailable,
    Full,
    Fatal,
    Exists,
    Refused,
}

/// A value on its way into a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Text(Cow<'v, str>),
    Integer(i64),
    NoText,
    NoInteger,
}

/// PostgreSQL stores no NUL character, so that one hostile badge could stop every batch that it is in. Both databases
/// store its picture instead; the raw bytes of a reading are kept in hex anyway.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(storable(text))
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::from(text.as_str())
    }
}

impl<'v> From<&'v Option<String>> for Value<'v> {
    fn from(text: &'v Option<String>) -> Self {
        text.as_ref().map_or(Self::NoText, Self::from)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoInteger, Self::Integer)
    }
}

impl From<Instant> for Value<'_> {
    fn from(at: Instant) -> Self {
        Self::Integer(at.as_ms())
    }
}

impl From<Option<Instant>> for Value<'_> {
    fn from(at: Option<Instant>) -> Self {
        at.map(Instant::as_ms).into()
    }
}

/// A statement with its values; prepared once a connection and kept.
pub(crate) fn bound<DB>(statement: &'static str, values: &[Value<'_>]) -> Query<'static, DB, DB::Arguments>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'t> &'t str: Encode<'t, DB> + Type<DB>,
    for<'t> Option<&'t str>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
    for<'t> i64: Encode<'t, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    arguments.reserve(values.len(), 0);
    values
        .iter()
        .fold(sqlx::query_with(statement, arguments), |query, value| match value {
            Value::Text(text) => query.bind(text.as_ref()),
            Value::Integer(number) => query.bind(*number),
            Value::NoText => query.bind(None::<&str>),
            Value::NoInteger => query.bind(None::<i64>),
        })
}
