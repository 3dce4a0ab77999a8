//! A file that is damaged, removed or replaced while it is open. Tracking goes on in a new one; what was lost is
//! counted.

use rusqlite::Connection;
use uuid::Uuid;

use super::{SqliteDatabase, failed, open};
use crate::database::{Database, Ledger};
use crate::error::{Error, Result};

impl SqliteDatabase {
    /// Does `work`, after recovering the file if it is not there any more, and once more if it turns out to be damaged.
    pub(super) fn with_recovery<T>(
        &mut self,
        user_id: Uuid,
        work: impl Fn(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if !self.is_in_place() {
            self.recover("it was removed or replaced", false, user_id)?;
        }
        match work(self) {
            Err(e) if is_damage(&e) || is_suspect(&e) => {
                self.recover(&e.to_string(), is_damage(&e), user_id)?;
                work(self)
            }
            other => other,
        }
    }

    /// The path still leads to the file that is open: it was neither deleted nor moved aside by another tracker.
    pub(super) fn is_in_place(&self) -> bool {
        self.file.is_some() && self.file == open::file_id(&self.path)
    }

    /// Opens the file anew. Only a damaged one that is still ours makes way: another tracker may have been faster.
    fn recover(&mut self, why: &str, damaged: bool, user_id: Uuid) -> Result<()> {
        let ours = self.is_in_place();
        // From here on no file is open until all is well: the next attempt begins here again.
        self.file = None;
        self.let_go()?;
        if damaged && ours {
            open::set_aside(&self.path, self.now, why, &self.logger)?;
        } else {
            self.logger.warn(|| format!("{} is opened anew: {why}", self.path.display()));
        }
        self.reopen(user_id).or_else(|e| {
            if !is_damage(&e) {
                return Err(e);
            }
            self.let_go()?;
            open::set_aside(&self.path, self.now, &e.to_string(), &self.logger)?;
            self.reopen(user_id)
        })
    }

    pub(super) fn let_go(&mut self) -> Result<()> {
        let none =
            Connection::open_in_memory().map_err(|e| failed("the database cannot be opened anew", e))?;
        self.connection = none;
        Ok(())
    }

    fn reopen(&mut self, user_id: Uuid) -> Result<()> {
        let known = self.ledger;
        // The same ids: the journals of the other namespaces belong to it, too.
        let database_id = self.database_id;
        self.connection = open::open(&self.path, self.now, &self.logger)?;
        self.find_namespace(|| database_id, user_id)?;
        let loaded = self.load()?;
        if loaded.journal.is_none() {
            // What is in the new file is known; what became of the rest was.
            let Ledger { delivered, dropped, .. } = known;
            self.ledger = Ledger { delivered, dropped, ..loaded.ledger };
            let there = loaded.ledger.stored + loaded.ledger.held;
            self.ledger.dropped.lost += (known.stored + known.held).saturating_sub(there);
        }
        self.edition += 1;
        let names: Vec<String> =
            self.destinations.iter().map(|destination| destination.name.clone()).collect();
        self.ledger = self.try_attach(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        self.file = open::file_id(&self.path);
        Ok(())
    }
}

pub(super) fn is_damage(e: &Error) -> bool {
    cause(e).is_some_and(open::is_corrupt)
}

/// Our statements are sound, so tables or rows are not what they were: opening the file anew tells.
fn is_suspect(e: &Error) -> bool {
    cause(e).is_some_and(|e| match e {
        rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::InvalidColumnType(..) => true,
        e => open::is_sql_error(e),
    })
}

fn cause(e: &Error) -> Option<&rusqlite::Error> {
    std::error::Error::source(e).and_then(|source| source.downcast_ref())
}
