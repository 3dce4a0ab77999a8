//! A session store that forgets with the process.

use std::sync::{Mutex, PoisonError};

use super::{SessionStore, StorageMechanism};
use crate::error::Result;

/// Keeps the session in memory: for tests, and for processes that must leave nothing behind.
#[derive(Debug, Default)]
pub struct MemorySessionStore {
    session: Mutex<Option<String>>,
}

impl MemorySessionStore {
    fn set(&self, session: Option<String>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

impl SessionStore for MemorySessionStore {
    fn get_session(&self) -> Result<Option<String>> {
        Ok(self.session.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn set_session(&self, json: &str) -> Result<()> {
        self.set(Some(json.to_owned()));
        Ok(())
    }

    fn delete_session(&self) -> Result<()> {
        self.set(None);
        Ok(())
    }

    fn storage_mechanism(&self) -> StorageMechanism {
        StorageMechanism::Memory
    }
}
