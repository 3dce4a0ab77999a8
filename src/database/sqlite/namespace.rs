//! The row of a namespace: settings, session, the journal's position, the ledger.

use rusqlite::{Connection, Transaction, params};

use super::{SqliteDatabase, failed};
use crate::database::{Batch, Ledger};
use crate::error::Result;
use crate::session::Settings;

pub(super) fn update(
    tx: &Transaction<'_>,
    namespace: i64,
    batch: &Batch<'_>,
    last_number: u64,
    ledger: &Ledger,
) -> rusqlite::Result<()> {
    let sql = "UPDATE namespaces SET settings = ?2, session = ?3, journal_id = ?4, journal_position = ?5,
               last_number = ?6 WHERE id = ?1";
    let updated = tx.prepare_cached(sql)?.execute(params![
        namespace,
        json(batch.settings),
        batch.session,
        number(batch.journal.0),
        number(batch.journal.1),
        number(last_number)
    ])?;
    if updated == 0 {
        Err(rusqlite::Error::QueryReturnedNoRows)
    } else {
        update_ledger(tx, namespace, ledger)
    }
}

pub(super) fn update_ledger(tx: &Transaction<'_>, namespace: i64, ledger: &Ledger) -> rusqlite::Result<()> {
    let sql = "UPDATE namespaces SET stored = ?2, stored_bytes = ?3, delivered = ?4, dropped_aged = ?5,
               dropped_overflowed = ?6, dropped_erased = ?7, dropped_lost = ?8, facts = ?9, dropped_refused = ?10,
               dropped_oversize = ?11, dropped_unsendable = ?12, held = ?13, held_facts = ?14,
               held_bytes = ?15, dropped_sampled = ?16 WHERE id = ?1";
    tx.prepare_cached(sql)?
        .execute(params![
            namespace,
            number(ledger.stored),
            number(ledger.stored_bytes),
            number(ledger.delivered),
            number(ledger.dropped.aged),
            number(ledger.dropped.overflowed),
            number(ledger.dropped.erased),
            number(ledger.dropped.lost),
            number(ledger.facts),
            number(ledger.dropped.refused),
            number(ledger.dropped.oversize),
            number(ledger.dropped.unsendable),
            number(ledger.held),
            number(ledger.held_facts),
            number(ledger.held_bytes),
            number(ledger.dropped.sampled)
        ])
        .map(drop)
}

/// Counts what is there for a namespace whose row is new: the old one may have been lost, and the rest not.
pub(super) fn recount(tx: &Transaction<'_>, namespace: i64) -> rusqlite::Result<()> {
    let sums = "coalesce(sum(kind < 100), 0), coalesce(sum(kind >= 100), 0), coalesce(sum(length(body)), 0)";
    let sql = format!(
        "UPDATE namespaces SET (stored, facts, stored_bytes, last_number) =
             (SELECT {sums}, coalesce(max(position) & ((1 << 40) - 1), 0) FROM events WHERE namespace = ?1),
         (held, held_facts, held_bytes) = (SELECT {sums} FROM held WHERE namespace = ?1) WHERE id = ?1"
    );
    tx.execute(&sql, [namespace]).map(drop)
}

/// SQLite's numbers are signed; the bits are the same.
fn number(n: u64) -> i64 {
    n as i64
}

pub(super) fn json(settings: &Settings) -> String {
    // Numbers, texts and options only: nothing that JSON cannot say.
    serde_json::to_string(settings).unwrap_or_default()
}

/// The stored session as JSON.
pub(super) fn session(connection: &Connection, namespace: i64) -> Result<Option<String>> {
    let read = || {
        let mut statement = connection.prepare_cached("SELECT session FROM namespaces WHERE id = ?1")?;
        statement
            .query_row([namespace], |row| Ok(row.get::<_, Option<String>>(0).unwrap_or(Some(String::new()))))
    };
    read().map_err(|e| failed("the stored session cannot be read", e))
}

/// The session of a namespace, alone: what the store over this database needs.
impl SqliteDatabase {
    pub fn set_session(&mut self, json: Option<&str>) -> Result<()> {
        self.transact("the session cannot be stored", |tx, this| {
            let mut statement = tx.prepare_cached("UPDATE namespaces SET session = ?2 WHERE id = ?1")?;
            statement.execute(params![*this.namespace, json]).map(drop)
        })
    }
}
