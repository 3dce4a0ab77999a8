//! Where the current session is kept from one process to the next.

mod memory;
#[cfg(feature = "_sqlite")]
mod sqlite;

pub use memory::MemorySessionStore;
#[cfg(feature = "_sqlite")]
pub use sqlite::SqliteSessionStore;

use crate::error::Result;

/// What kind of place a store is. Goes into Snowplow's session context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageMechanism {
    /// A SQLite database.
    Sqlite,
    /// Something of the host's.
    LocalStorage,
    /// Memory: gone with the process.
    Memory,
}

/// Keeps one session as JSON text. A host can bring its own, e.g. over its preferences or keychain.
///
/// The tracker calls it on its worker thread only, once at opening and at most once a commit window; it may block
/// there. It is the truth at opening, completed by the journal where that is fresher. What a failing call gives is
/// logged, and the call is made again later.
pub trait SessionStore: Send + Sync {
    /// The stored session, if there is one.
    ///
    /// # Errors
    /// The store cannot be read. Tracking goes on with what the journal knows.
    fn get_session(&self) -> Result<Option<String>>;

    /// Stores the session in place of the one before.
    ///
    /// # Errors
    /// The store cannot be written.
    fn set_session(&self, json: &str) -> Result<()>;

    /// Forgets the session. There may be none.
    ///
    /// # Errors
    /// The store cannot be written.
    fn delete_session(&self) -> Result<()>;

    /// What kind of place it is.
    fn storage_mechanism(&self) -> StorageMechanism {
        StorageMechanism::LocalStorage
    }
}
