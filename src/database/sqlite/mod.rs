//! The database in SQLite. One connection, used by the worker.

mod open;
mod outbox;
mod schema;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{Batch, Caps, Committed, Database, Drops, Ledger, Loaded};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Logger;
use crate::session::{SessionRecord, Settings};

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
    database_id: Uuid,
    /// The file was damaged and has been made anew.
    replaced: bool,
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
        let (connection, replaced) = open::open(opening.path, opening.now, opening.logger)?;
        let mut database = Self {
            connection,
            path: opening.path.to_owned(),
            namespace: 0,
            name: opening.namespace.to_owned(),
            caps: opening.caps,
            logger: opening.logger.clone(),
            erasures: 0,
            ledger: Ledger::default(),
            database_id: Uuid::nil(),
            replaced,
            aged_at: None,
        };
        database.find_namespace(opening.fresh)?;
        Ok(database)
    }

    /// A damaged file is moved aside while the tracker runs, and a new one goes on in its place.
    fn replace(&mut self, now: i64, fresh: [Uuid; 2]) -> Result<()> {
        let in_between =
            Connection::open_in_memory().map_err(|e| failed("a damaged database cannot be replaced", e))?;
        drop(std::mem::replace(&mut self.connection, in_between));
        let aside = open::move_aside(&self.path, now)?;
        self.logger.error(|| {
            format!(
                "{} is damaged; it was moved to {} and a new one begun",
                self.path.display(),
                aside.display()
            )
        });
        self.connection = open::open(&self.path, now, &self.logger)?.0;
        self.find_namespace(fresh)
    }

    fn find_namespace(&mut self, [database_id, user_id]: [Uuid; 2]) -> Result<()> {
        self.transact("the database cannot be prepared", |tx, this| {
            for (key, id) in [("database_id", database_id), ("user_id", user_id)] {
                tx.execute("INSERT OR IGNORE INTO meta VALUES (?1, ?2)", params![key, id.to_string()])?;
            }
            tx.execute("INSERT OR IGNORE INTO meta VALUES ('erasures', 0)", [])?;
            tx.execute("INSERT OR IGNORE INTO namespaces (name) VALUES (?1)", [&this.name])?;
            *this.namespace =
                tx.query_row("SELECT id FROM namespaces WHERE name = ?1", [&this.name], |row| row.get(0))?;
            *this.erasures = erasures(tx)?;
            Ok(())
        })
    }

    /// Runs `work` in a transaction that takes the write lock at its beginning, so that it waits for another program's lock
    /// there and nowhere else.
    fn transact<T>(
        &mut self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>, &mut Parts<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let Self { connection, namespace, name, caps, erasures, ledger, aged_at, .. } = self;
        let mut parts = Parts { namespace, name, caps, erasures, ledger, aged_at };
        let run = || {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&tx, &mut parts)?;
            tx.commit()?;
            Ok(done)
        };
        run().map_err(|e| failed(doing, e))
    }

    fn try_commit(&mut self, batch: &Batch<'_>) -> Result<Committed> {
        self.transact("events cannot be stored", |tx, this| {
            if erasures(tx)? != *this.erasures {
                return Ok(Committed::Erased(meta_id(tx, "user_id")?));
            }
            let mut ledger = *this.ledger;
            outbox::insert(tx, *this.namespace, batch.events, &mut ledger)?;
            insert_history(tx, *this.namespace, batch.ended, this.caps.max_history)?;
            ledger.dropped.lost += batch.lost;
            ledger.dropped.erased += batch.erased;
            outbox::enforce_caps(tx, *this.namespace, this.caps, batch.now, this.aged_at, &mut ledger)?;
            update_namespace(tx, *this.namespace, batch, &ledger)?;
            Ok(Committed::Done(ledger))
        })
    }

    fn knows_of_erasure(&mut self) -> Result<()> {
        self.erasures = erasures(&self.connection).map_err(|e| failed("the database cannot be read", e))?;
        Ok(())
    }
}

/// The fields of a database that a transaction may look at or change.
struct Parts<'a> {
    namespace: &'a mut i64,
    name: &'a str,
    caps: &'a Caps,
    erasures: &'a mut i64,
    ledger: &'a mut Ledger,
    aged_at: &'a mut Option<i64>,
}

impl Database for SqliteDatabase {
    fn load(&mut self) -> Result<Loaded> {
        let sql =
            "SELECT settings, journal_id, journal_position, stored, stored_bytes, delivered, dropped_aged,
                          dropped_overflowed, dropped_erased, dropped_lost FROM namespaces WHERE id = ?1";
        let read = || {
            self.connection.query_row(sql, [self.namespace], |row| {
                let number = |column: usize| row.get::<_, i64>(column).map(|n| n as u64);
                let journal = row.get::<_, Option<i64>>(1)?.zip(row.get::<_, Option<i64>>(2)?);
                let dropped =
                    Drops { aged: number(6)?, overflowed: number(7)?, erased: number(8)?, lost: number(9)? };
                Ok(Loaded {
                    database_id: meta_id(&self.connection, "database_id")?.as_u128(),
                    user_id: meta_id(&self.connection, "user_id")?,
                    // Text that is none is a damaged setting, not a damaged file.
                    settings: row.get(0).unwrap_or_default(),
                    journal: journal.map(|(id, position)| (id as u64, position as u64)),
                    replaced: self.replaced,
                    ledger: Ledger {
                        stored: number(3)?,
                        stored_bytes: number(4)?,
                        delivered: number(5)?,
                        dropped,
                    },
                })
            })
        };
        let loaded = read().map_err(|e| failed("the database cannot be read", e))?;
        self.ledger = loaded.ledger;
        self.database_id = Uuid::from_u128(loaded.database_id);
        Ok(loaded)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<Committed> {
        let committed = match self.try_commit(batch) {
            Err(e) if is_damage(&e) => {
                let lost = self.ledger.stored;
                let kept = Ledger { stored: 0, stored_bytes: 0, ..self.ledger };
                // The same ids: the journals of the other namespaces belong to it, too.
                self.replace(batch.now, [self.database_id, batch.settings.user_id])?;
                self.ledger = kept;
                self.ledger.dropped.lost += lost;
                self.try_commit(batch)?
            }
            other => other?,
        };
        match &committed {
            Committed::Done(ledger) => self.ledger = *ledger,
            Committed::Erased(_) => {
                self.knows_of_erasure()?;
                self.load()?;
            }
        }
        Ok(committed)
    }

    fn set_user_id(&mut self, user_id: Uuid) -> Result<()> {
        self.transact("the user id cannot be stored", |tx, _| {
            tx.execute("UPDATE meta SET value = ?1 WHERE key = 'user_id'", [user_id.to_string()]).map(drop)
        })
    }

    fn session(&mut self) -> Result<Option<String>> {
        get_session(&self.connection, self.namespace)
    }

    fn history(&mut self, limit: usize) -> Result<Vec<SessionRecord>> {
        let read = || {
            let sql = "SELECT record FROM history WHERE namespace = ?1 ORDER BY position DESC LIMIT ?2";
            let mut statement = self.connection.prepare_cached(sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![self.namespace, limit], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let texts = read().map_err(|e| failed("the history cannot be read", e))?;
        let parse = |text: &String| {
            let record = SessionRecord::from_json(text);
            record
                .inspect_err(|e| self.logger.warn(|| format!("a session of the history is left out: {e}")))
                .ok()
        };
        Ok(texts.iter().filter_map(parse).collect())
    }

    fn events(&mut self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>> {
        outbox::read(&self.connection, self.namespace, after, limit)
            .map_err(|e| failed("events cannot be read", e))
    }

    fn erase(&mut self, user_id: Uuid) -> Result<Ledger> {
        let doing = "the database cannot be erased";
        // Freed pages are overwritten, so that nothing can be read from the file any more.
        self.connection.execute_batch("PRAGMA secure_delete = ON").map_err(|e| failed(doing, e))?;
        self.transact(doing, |tx, _| {
            tx.execute_batch(
                "DELETE FROM events; DELETE FROM history;
                 UPDATE namespaces SET session = NULL, dropped_erased = dropped_erased + stored, stored = 0, stored_bytes = 0;
                 UPDATE meta SET value = value + 1 WHERE key = 'erasures';",
            )?;
            tx.execute("UPDATE meta SET value = ?1 WHERE key = 'user_id'", [user_id.to_string()])?;
            scrub_settings(tx, user_id)
        })?;
        let clean = || {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            self.connection.execute_batch("VACUUM; PRAGMA secure_delete = OFF")?;
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        clean().map_err(|e| failed("the erased database cannot be cleaned", e))?;
        self.knows_of_erasure()?;
        self.remove_traces();
        self.load().map(|loaded| loaded.ledger)
    }

    fn make_durable(&mut self) -> Result<()> {
        let checkpoint =
            || self.connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0));
        match checkpoint().map_err(|e| failed("the database cannot be made durable", e))? {
            0 => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Locked,
                "the database cannot be made durable: another program is using it",
            )),
        }
    }
}

impl SqliteDatabase {
    /// Damaged files that were moved aside, and the journals of namespaces that are not open, hold sessions and identities, too.
    fn remove_traces(&self) {
        let (Some(folder), Some(name)) =
            (self.path.parent(), self.path.file_name().and_then(|name| name.to_str()))
        else {
            return;
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let (corrupt, journal) = (format!("{name}.corrupt-"), format!("{name}."));
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(file) = entry.file_name().into_string() else { continue };
            let gone = if file.starts_with(&corrupt) {
                std::fs::remove_file(entry.path()).map_err(|e| Error::file("remove", &entry.path(), e))
            } else if file.starts_with(&journal) && file.ends_with(".journal") {
                crate::journal::wipe(&entry.path()).map(drop)
            } else {
                continue;
            };
            gone.unwrap_or_else(|e| self.logger.error(|| format!("erasing left something behind: {e}")));
        }
    }
}

fn erasures(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = 'erasures'")?
        .query_row([], |row| row.get(0))
}

/// An id of the file; a damaged one gives nil, which the caller replaces.
fn meta_id(connection: &Connection, key: &str) -> rusqlite::Result<Uuid> {
    let text: Option<String> =
        connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

fn scrub_settings(tx: &Transaction<'_>, user_id: Uuid) -> rusqlite::Result<()> {
    let mut statement = tx.prepare("SELECT id, settings FROM namespaces WHERE settings IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for (id, text) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let mut settings: Settings = serde_json::from_str(&text).unwrap_or_default();
        settings.erase(user_id);
        tx.execute("UPDATE namespaces SET settings = ?1 WHERE id = ?2", params![json(&settings), id])?;
    }
    Ok(())
}

fn json(settings: &Settings) -> String {
    // Numbers, texts and options only: nothing that JSON cannot say.
    serde_json::to_string(settings).unwrap_or_default()
}

fn insert_history(
    tx: &Transaction<'_>,
    namespace: i64,
    ended: &[SessionRecord],
    keep: u64,
) -> rusqlite::Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO history (namespace, number, id, started_at, ended_at, end_reason, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for session in ended {
        let reason = session.end_reason.map_or("", |reason| reason.name());
        let ended_at = session.ended_at.unwrap_or_default();
        insert.execute(params![
            namespace,
            session.index,
            session.id.to_string(),
            session.started_at.wall,
            ended_at,
            reason,
            session.to_json()
        ])?;
    }
    let prune = "DELETE FROM history WHERE namespace = ?1 AND position <=
                 (SELECT position FROM history WHERE namespace = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)";
    tx.prepare_cached(prune)?.execute(params![namespace, i64::try_from(keep).unwrap_or(i64::MAX)])?;
    Ok(())
}

fn update_namespace(
    tx: &Transaction<'_>,
    namespace: i64,
    batch: &Batch<'_>,
    ledger: &Ledger,
) -> rusqlite::Result<()> {
    let sql = "UPDATE namespaces SET settings = ?2, session = ?3, journal_id = ?4, journal_position = ?5, stored = ?6,
               stored_bytes = ?7, delivered = ?8, dropped_aged = ?9, dropped_overflowed = ?10, dropped_erased = ?11,
               dropped_lost = ?12 WHERE id = ?1";
    // SQLite's numbers are signed; the bits are the same.
    let number = |n: u64| n as i64;
    tx.prepare_cached(sql)?.execute(params![
        namespace,
        json(batch.settings),
        batch.session,
        number(batch.journal.0),
        number(batch.journal.1),
        number(ledger.stored),
        number(ledger.stored_bytes),
        number(ledger.delivered),
        number(ledger.dropped.aged),
        number(ledger.dropped.overflowed),
        number(ledger.dropped.erased),
        number(ledger.dropped.lost)
    ])?;
    Ok(())
}

fn get_session(connection: &Connection, namespace: i64) -> Result<Option<String>> {
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

fn is_damage(e: &Error) -> bool {
    let source = std::error::Error::source(e).and_then(|source| source.downcast_ref::<rusqlite::Error>());
    source.is_some_and(open::is_corrupt)
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
