//! A session store in a SQLite database of the library's own format. A tracker with a path keeps its session there by
//! itself, in the transaction of its events; this one is for keeping it in another file than the events.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::{SessionStore, StorageMechanism};
use crate::clock::{Clock, SystemClock};
use crate::database::sqlite::{Opening, SqliteDatabase};
use crate::database::{Caps, Database};
use crate::error::Result;
use crate::log::Logger;

/// Keeps the session of one namespace in a SQLite file.
pub struct SqliteSessionStore {
    database: Mutex<SqliteDatabase>,
}

impl SqliteSessionStore {
    /// Opens the file, creating it if there is none.
    ///
    /// # Errors
    /// The file cannot be opened, is another application's, or newer than this library. One that is no database is
    /// moved aside.
    pub fn open(path: &Path, namespace: &str, logger: &Logger) -> Result<Self> {
        let database = SqliteDatabase::open(&Opening {
            path,
            namespace,
            caps: Caps::default(),
            fresh: [Uuid::new_v4(), Uuid::new_v4()],
            now: SystemClock::new().now().wall,
            logger,
        })?;
        Ok(Self { database: Mutex::new(database) })
    }

    fn with<T>(&self, work: impl FnOnce(&mut SqliteDatabase) -> T) -> T {
        work(&mut self.database.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SessionStore for SqliteSessionStore {
    fn get_session(&self) -> Result<Option<String>> {
        self.with(|database| database.session())
    }

    fn set_session(&self, json: &str) -> Result<()> {
        self.with(|database| database.set_session(Some(json)))
    }

    fn delete_session(&self) -> Result<()> {
        self.with(|database| database.set_session(None))
    }

    fn storage_mechanism(&self) -> StorageMechanism {
        StorageMechanism::Sqlite
    }
}
