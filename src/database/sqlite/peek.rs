//! Reading what is stored of one namespace, in a file that others may be using, creating or closing. Nothing is written,
//! no file is made, and nobody has to wait for it.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

use super::meta_id;
use super::open::{self, Refused};
use crate::error::Result;

/// What the database says of a namespace.
#[derive(Debug)]
pub(crate) struct Peeked {
    /// Nil if the file was begun anew in place of a damaged one: it takes the name that the journals know.
    pub database_id: Uuid,
    pub user_id: Uuid,
    /// The settings as JSON; empty as long as nothing was stored.
    pub settings: String,
    /// The session as JSON; empty if there is none here.
    pub session: String,
}

/// Reads the row of a namespace; none if there is no such namespace.
pub(crate) fn peek(path: &Path, namespace: &str) -> Result<Option<Peeked>> {
    open::refuse_folder(path)?;
    const ATTEMPTS: usize = 20;
    for _ in 1..ATTEMPTS {
        let before = state(path);
        let (has_wal, _) = before;
        let read = try_peek(path, namespace, has_wal);
        // Without a WAL it is read as it lies there: then no one may have written it meanwhile.
        if has_wal && read.is_ok() || before == state(path) {
            return read.map_err(|e| open::explain(path, e));
        }
    }
    try_peek(path, namespace, open::has_wal(path)).map_err(|e| open::explain(path, e))
}

/// Whether there is a WAL, and what changes when somebody writes the file.
fn state(path: &Path) -> (bool, impl PartialEq) {
    let written = std::fs::metadata(path).and_then(|file| Ok((file.len(), file.modified()?))).ok();
    (open::has_wal(path), written)
}

fn try_peek(path: &Path, namespace: &str, has_wal: bool) -> Result<Option<Peeked>, Refused> {
    open::refuse_short(path)?;
    let connection = connect(path, has_wal)?;
    // Closing is no reason to tidy up: that is for those who write.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(open::BUSY)?;
    let transaction = connection.unchecked_transaction()?;
    if open::version(&transaction)? == 0 {
        return Ok(None);
    }
    read(&transaction, namespace).map_err(open::incomplete)
}

/// With a WAL, SQLite's locks are needed to read it, and its files are there. Without, everything is in the database
/// itself: SQLite is told to take it as it is, since it would create both files and could keep a tracker from putting a
/// new database into WAL mode.
fn connect(path: &Path, has_wal: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if has_wal {
        return Connection::open_with_flags(path, flags);
    }
    Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)
}

fn immutable(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let encode =
        |byte: &u8| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    let path: String = path.as_os_str().as_encoded_bytes().iter().map(encode).collect();
    format!("file:{path}?immutable=1")
}

fn read(transaction: &Connection, namespace: &str) -> rusqlite::Result<Option<Peeked>> {
    let (database_id, user_id) = (meta_id(transaction, "database_id")?, meta_id(transaction, "user_id")?);
    let mut row = transaction.prepare("SELECT settings, session FROM namespaces WHERE name = ?1")?;
    row.query_row([namespace], |row| {
        // What is no text is of no use, and costs itself alone.
        let text = |column: usize| row.get::<_, String>(column).unwrap_or_default();
        Ok(Peeked { database_id, user_id, settings: text(0), session: text(1) })
    })
    .optional()
}
