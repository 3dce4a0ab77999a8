//! Erasing: rows, free pages, the WAL, damaged files that were moved aside, and the journals of namespaces that are
//! not open.

use rusqlite::{Transaction, params};
use uuid::Uuid;

use super::namespace::json;
use super::{SqliteDatabase, erasures, failed, open};
use crate::error::{Error, Result};
use crate::session::Settings;

impl SqliteDatabase {
    /// Removes everything of everyone from the file. May be repeated.
    pub(super) fn try_erase(&mut self, user_id: Uuid, accepted: u64) -> Result<()> {
        let doing = "the database cannot be erased";
        // Freed pages are overwritten, so that nothing can be read from the file any more.
        self.connection.execute_batch("PRAGMA secure_delete = ON").map_err(|e| failed(doing, e))?;
        self.transact(doing, |tx, this| {
            tx.execute_batch(
                "DELETE FROM events; DELETE FROM held; DELETE FROM history;
                 UPDATE namespaces SET session = NULL, dropped_erased = dropped_erased + stored + held, stored = 0, facts = 0,
                     stored_bytes = 0, held = 0, held_facts = 0, held_bytes = 0;
                 UPDATE meta SET value = value + 1 WHERE key = 'erasures';",
            )?;
            tx.execute(
                "UPDATE namespaces SET dropped_erased = max(dropped_erased, ?2 - delivered - dropped_aged - dropped_overflowed
                 - dropped_lost - dropped_refused - dropped_oversize - dropped_unsendable - dropped_sampled) WHERE id = ?1",
                params![*this.namespace, accepted as i64],
            )?;
            tx.execute("UPDATE meta SET value = ?1 WHERE key = 'user_id'", [user_id.to_string()])?;
            *this.erasures = erasures(tx)?;
            scrub_settings(tx, user_id)
        })?;
        self.checkpoint("TRUNCATE")?;
        let clean = || self.connection.execute_batch("VACUUM; PRAGMA secure_delete = OFF");
        clean().map_err(|e| failed("the erased database cannot be cleaned", e))?;
        self.checkpoint("TRUNCATE")
    }

    /// Damaged files that were moved aside, and the journals of namespaces that are not open, hold sessions and
    /// identities, too.
    pub(super) fn remove_traces(&self) {
        for (file, rest) in open::siblings(&self.path) {
            // A journal's middle part has no dot: `a.db.old.x.journal` is that of another database, `a.db.old`.
            let journal = rest.strip_suffix(".journal").and_then(|rest| rest.strip_prefix('.'));
            let gone = if rest.starts_with(open::ASIDE) {
                std::fs::remove_file(&file).map_err(|e| Error::file("remove", &file, e))
            } else if journal.is_some_and(|namespace| !namespace.contains('.')) {
                crate::journal::wipe(&file).map(drop)
            } else {
                continue;
            };
            gone.unwrap_or_else(|e| self.logger.error(|| format!("erasing left something behind: {e}")));
        }
    }
}

fn scrub_settings(tx: &Transaction<'_>, user_id: Uuid) -> rusqlite::Result<()> {
    let mut statement = tx.prepare("SELECT id, settings FROM namespaces WHERE settings IS NOT NULL")?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1).unwrap_or_default())))?;
    for (id, text) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let mut settings: Settings = serde_json::from_str(&text).unwrap_or_default();
        settings.erase(user_id);
        tx.execute("UPDATE namespaces SET settings = ?1 WHERE id = ?2", params![json(&settings), id])?;
    }
    Ok(())
}
