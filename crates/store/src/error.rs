//! What can go wrong in the store.

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
        /// The row's key.
        id: String,
    },
}
