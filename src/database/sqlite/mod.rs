//! The database in SQLite. One connection, used by the worker.

mod delivery;
mod erasure;
mod held;
mod history;
mod namespace;
mod open;
mod outbox;
mod peek;
mod recovery;
mod schema;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::destination::Destination;
use super::{Batch, Caps, Committed, Database, Drops, Ledger, Loaded, Row, Settlement};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::SessionId;
use crate::log::Logger;
use crate::session::SessionRecord;
pub(crate) use peek::{Peeked, peek};
use recovery::is_damage;
#[cfg(test)]
pub(super) use schema::UPGRADES;

/// A file, and the namespace whose part of it is used.
pub(crate) struct SqliteDatabase {
    connection: Connection,
    path: PathBuf,
    namespace: i64,
    name: String,
    caps: Caps,
    logger: Logger,
    /// The number of times the file was erased, as far as this tracker knows.
    erasures: i64,
    ledger: Ledger,
    /// The number of the last row there ever was in the outbox.
    last_number: u64,
    destinations: Vec<Destination>,
    edition: u64,
    database_id: Uuid,
    /// The file that is open; none while there is none (see `recovery`).
    file: Option<open::FileId>,
    /// The last time that was told, for the name of a file that is moved aside.
    now: i64,
    /// When events were last looked through for too old ones.
    aged_at: Option<i64>,
}

/// What opening needs to know.
pub(crate) struct Opening<'a> {
    pub path: &'a Path,
    pub namespace: &'a str,
    pub caps: Caps,
    /// Ids for a file that is made anew.
    pub fresh: [Uuid; 2],
    /// For the name of a file that is moved aside.
    pub now: i64,
    pub logger: &'a Logger,
}

impl SqliteDatabase {
    /// Opens the file and finds the namespace's place in it.
    pub fn open(opening: &Opening<'_>) -> Result<Self> {
        // Behind a symbolic link it is the file that counts: what lies beside it, and what would be moved aside.
        let path = std::fs::canonicalize(opening.path).unwrap_or_else(|_| opening.path.to_owned());
        Self::try_open(opening, &path).or_else(|e| {
            if !is_damage(&e) {
                return Err(e);
            }
            // Header and tables were sound; what lies on the pages is not.
            open::set_aside(&path, opening.now, &e.to_string(), opening.logger)?;
            Self::try_open(opening, &path)
        })
    }

    fn try_open(opening: &Opening<'_>, path: &Path) -> Result<Self> {
        let connection = open::open(path, opening.now, opening.logger)?;
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut database = Self {
            connection,
            file: open::file_id(&path),
            path,
            now: opening.now,
            namespace: 0,
            name: opening.namespace.to_owned(),
            caps: opening.caps,
            logger: opening.logger.clone(),
            erasures: 0,
            ledger: Ledger::default(),
            last_number: 0,
            destinations: Vec::new(),
            edition: 0,
            database_id: Uuid::nil(),
            aged_at: None,
        };
        let [database_id, user_id] = opening.fresh;
        let path = database.path.clone();
        // In place of a damaged file: the journals that lie there belong to it, whatever id the lost one had.
        let id = || if open::was_set_aside(&path) { Uuid::nil() } else { database_id };
        database.find_namespace(id, user_id)?;
        database.load()?;
        Ok(database)
    }

    fn find_namespace(&mut self, database_id: impl FnOnce() -> Uuid, user_id: Uuid) -> Result<()> {
        let doing = format!("the database {} cannot be prepared", self.path.display());
        self.transact(&doing, |tx, this| {
            let insert = "INSERT OR IGNORE INTO meta VALUES (?1, ?2)";
            if !has_meta(tx, "database_id")? {
                tx.execute(insert, params!["database_id", database_id().to_string()])?;
            }
            tx.execute(insert, params!["user_id", user_id.to_string()])?;
            tx.execute("INSERT OR IGNORE INTO meta VALUES ('erasures', 0)", [])?;
            let new = tx.execute("INSERT OR IGNORE INTO namespaces (name) VALUES (?1)", [&this.name])? > 0;
            *this.namespace =
                tx.query_row("SELECT id FROM namespaces WHERE name = ?1", [&this.name], |row| row.get(0))?;
            if new {
                // The row may have been lost, and the events not.
                namespace::recount(tx, *this.namespace)?;
            }
            *this.erasures = erasures(tx)?;
            Ok(())
        })
    }

    /// Runs `work` in a transaction that takes the write lock at its beginning, so that it waits for another
    /// program's lock there and nowhere else.
    fn transact<T>(
        &mut self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>, &mut Parts<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let Self { connection, namespace, name, caps, erasures, ledger, last_number, aged_at, .. } = self;
        let mut parts = Parts { namespace, name, caps, erasures, ledger, last_number, aged_at };
        let run = || {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&tx, &mut parts)?;
            tx.commit()?;
            Ok(done)
        };
        run().map_err(|e| failed(doing, e))
    }

    fn try_commit(&mut self, batch: &Batch<'_>) -> Result<(Committed, u64)> {
        self.transact("events cannot be stored", |tx, this| {
            let erasures = erasures(tx)?;
            if erasures != *this.erasures {
                *this.erasures = erasures;
                return Ok((Committed::Erased(meta_id(tx, "user_id")?), *this.last_number));
            }
            let mut ledger = *this.ledger;
            let mut last_number = *this.last_number;
            let (namespace, caps) = (*this.namespace, this.caps);
            outbox::insert(tx, namespace, caps, batch.entries, &mut last_number, &mut ledger)?;
            history::insert(tx, *this.namespace, batch.entries, this.caps.max_history)?;
            ledger.dropped.lost += batch.lost;
            ledger.dropped.erased += batch.erased;
            held::enforce_caps(tx, *this.namespace, this.caps, &mut ledger)?;
            outbox::enforce_caps(tx, *this.namespace, this.caps, batch.now, this.aged_at, &mut ledger)?;
            namespace::update(tx, *this.namespace, batch, last_number, &ledger)?;
            Ok((Committed::Done(ledger), last_number))
        })
    }

    /// Brings what is in the WAL into the file. SQLite does not call it an error if another program keeps it from that.
    fn checkpoint(&self, mode: &str) -> Result<()> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let busy: rusqlite::Result<i64> = self.connection.query_row(&sql, [], |row| row.get(0));
        match busy.map_err(|e| failed("the file of the database cannot be written", e))? {
            0 => Ok(()),
            _ => Err(Error::new(ErrorKind::Locked, "the database is locked: another program is reading it")),
        }
    }
}

/// The fields of a database that a transaction may look at or change.
struct Parts<'a> {
    namespace: &'a mut i64,
    name: &'a str,
    caps: &'a Caps,
    erasures: &'a mut i64,
    ledger: &'a mut Ledger,
    last_number: &'a mut u64,
    aged_at: &'a mut Option<i64>,
}

impl Database for SqliteDatabase {
    fn load(&mut self) -> Result<Loaded> {
        let sql =
            "SELECT settings, journal_id, journal_position, stored, stored_bytes, delivered, dropped_aged,
                    dropped_overflowed, dropped_erased, dropped_lost, facts, dropped_refused, dropped_oversize,
                    dropped_unsendable, last_number, held, held_facts, held_bytes, dropped_sampled
             FROM namespaces WHERE id = ?1";
        let read = || {
            self.connection.query_row(sql, [self.namespace], |row| {
                let number = |column: usize| row.get::<_, i64>(column).map(|n| n as u64);
                let journal = row.get::<_, Option<i64>>(1)?.zip(row.get::<_, Option<i64>>(2)?);
                let dropped = Drops {
                    aged: number(6)?,
                    overflowed: number(7)?,
                    erased: number(8)?,
                    lost: number(9)?,
                    refused: number(11)?,
                    oversize: number(12)?,
                    unsendable: number(13)?,
                    sampled: number(18)?,
                };
                let loaded = Loaded {
                    database_id: meta_id(&self.connection, "database_id")?.as_u128(),
                    user_id: meta_id(&self.connection, "user_id")?,
                    // Text that is none is a damaged setting, not a damaged file.
                    settings: row.get(0).unwrap_or_default(),
                    journal: journal.map(|(id, position)| (id as u64, position as u64)),
                    ledger: Ledger {
                        stored: number(3)?,
                        facts: number(10)?,
                        stored_bytes: number(4)?,
                        held: number(15)?,
                        held_facts: number(16)?,
                        held_bytes: number(17)?,
                        delivered: number(5)?,
                        dropped,
                    },
                };
                Ok((loaded, number(14)?))
            })
        };
        let (loaded, last_number) = read().map_err(|e| failed("the database cannot be read", e))?;
        self.last_number = last_number;
        self.ledger = loaded.ledger;
        self.database_id = Uuid::from_u128(loaded.database_id);
        Ok(loaded)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<Committed> {
        self.now = batch.now;
        let (committed, last_number) =
            self.with_recovery(batch.settings.user_id, |this| this.try_commit(batch))?;
        self.last_number = last_number;
        match &committed {
            Committed::Done(ledger) => self.ledger = *ledger,
            Committed::Erased(_) => drop(self.load()?),
        }
        Ok(committed)
    }

    fn set_ids(&mut self, database_id: u128, user_id: Uuid) -> Result<()> {
        let database_id = Uuid::from_u128(database_id);
        self.transact("the ids of the database cannot be stored", |tx, _| {
            for (key, id) in [("database_id", database_id), ("user_id", user_id)] {
                tx.execute("UPDATE meta SET value = ?2 WHERE key = ?1", params![key, id.to_string()])?;
            }
            Ok(())
        })?;
        self.database_id = database_id;
        Ok(())
    }

    fn session(&mut self) -> Result<Option<String>> {
        namespace::session(&self.connection, self.namespace)
    }

    fn history(&mut self, limit: usize) -> Result<Vec<SessionRecord>> {
        let texts = history::read(&self.connection, self.namespace, limit);
        let texts = texts.map_err(|e| failed("the history cannot be read", e))?;
        let parse = |text: &String| {
            let record = SessionRecord::from_json(text);
            record
                .inspect_err(|e| self.logger.warn(|| format!("a session of the history is left out: {e}")))
                .ok()
        };
        Ok(texts.iter().filter_map(parse).collect())
    }

    fn amend_history(
        &mut self,
        id: &SessionId,
        change: &mut dyn FnMut(&mut SessionRecord),
    ) -> Result<Option<SessionRecord>> {
        self.transact("the history cannot be changed", |tx, this| {
            history::amend(tx, *this.namespace, id, change)
        })
    }

    fn events(&mut self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>> {
        outbox::read(&self.connection, self.namespace, after, limit)
            .map_err(|e| failed("events cannot be read", e))
    }

    fn attach(&mut self, names: &[&str]) -> Result<Ledger> {
        if !names.is_empty() || self.has_destinations()? {
            self.ledger = self.try_attach(names)?;
        }
        Ok(self.ledger)
    }

    fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    fn owed(&mut self, destination: usize, after: u64, rows: usize, bytes: usize) -> Result<Vec<Row>> {
        let after = after.max(self.settled(destination));
        delivery::read(&self.connection, self.namespace, after, rows, bytes)
            .map_err(|e| failed("the outbox cannot be read", e))
    }

    fn settle(&mut self, settlement: &Settlement<'_>) -> Result<Option<Ledger>> {
        let settled = self.try_settle(settlement)?;
        self.ledger = settled.unwrap_or(self.ledger);
        Ok(settled)
    }

    fn last_number(&self) -> u64 {
        self.last_number
    }

    fn edition(&self) -> u64 {
        // Another tracker may have erased it: that is looked up each time.
        self.edition_of(erasures(&self.connection).unwrap_or(self.erasures))
    }

    fn hold_only(&mut self, sessions: &[SessionId]) -> Result<Ledger> {
        self.ledger = self.transact("what is held cannot be dropped", |tx, this| {
            let mut ledger = *this.ledger;
            held::drop_others(tx, *this.namespace, sessions, &mut ledger)?;
            namespace::update_ledger(tx, *this.namespace, &ledger)?;
            Ok(ledger)
        })?;
        Ok(self.ledger)
    }

    fn erase(&mut self, user_id: Uuid, accepted: u64) -> Result<Ledger> {
        self.with_recovery(user_id, |this| this.try_erase(user_id, accepted))?;
        self.remove_traces();
        self.load().map(|loaded| loaded.ledger)
    }

    fn claim_install(&mut self) -> Result<bool> {
        self.transact("the installation cannot be noted", |tx, this| {
            tx.execute("INSERT OR IGNORE INTO meta VALUES ('installed', ?1)", [&this.name])?;
            let sql = "SELECT value = ?1 FROM meta WHERE key = 'installed'";
            tx.query_row(sql, [&this.name], |row| row.get(0))
        })
    }

    fn make_durable(&mut self) -> Result<()> {
        self.checkpoint("FULL")
    }

    fn is_changed(&self) -> bool {
        !self.is_in_place() || erasures(&self.connection).ok() != Some(self.erasures)
    }

    fn close(&mut self) {
        // Without memory for that it is closed with the tracker.
        let _ = self.let_go();
    }
}

fn erasures(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = 'erasures'")?
        .query_row([], |row| row.get(0))
}

fn has_meta(connection: &Connection, key: &str) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) FROM meta WHERE key = ?1", [key], |row| row.get(0))
}

/// An id of the file; a damaged one gives nil, which the caller replaces.
fn meta_id(connection: &Connection, key: &str) -> rusqlite::Result<Uuid> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    let text = connection.query_row(sql, [key], |row| Ok(row.get::<_, String>(0).unwrap_or_default()));
    Ok(text.optional()?.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// An error of SQLite as one of ours.
fn failed(doing: &str, e: rusqlite::Error) -> Error {
    let kind = match e.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Locked,
        Some(ErrorCode::DiskFull) => ErrorKind::NoSpace,
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => ErrorKind::Io,
        _ => ErrorKind::Database,
    };
    Error::with_source(kind, doing, e)
}
