//! Opening a file: set up, create or upgrade in one transaction, validate. What is no database is moved aside; what is
//! somebody else's, or newer than we know, is left as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::schema::{APPLICATION_ID, UPGRADES, VALIDATE, VERSION};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Logger;

/// How long a statement waits for another program's lock before it is tried again later.
pub(super) const BUSY: Duration = Duration::from_millis(250);
/// How long opening waits for one. An app starts meanwhile, so not longer.
const BUSY_AT_OPEN: Duration = Duration::from_secs(2);

/// Opens the file, creating it if there is none. Says whether a damaged one had to make way.
pub(super) fn open(path: &Path, moved_at: i64, logger: &Logger) -> Result<(Connection, bool)> {
    if path.is_dir() {
        return Err(Error::new(
            ErrorKind::Io,
            format!("the database cannot be opened: {} is a directory", path.display()),
        ));
    }
    match try_open(path) {
        Err(e) if is_damage(&e) => {
            let aside = move_aside(path, moved_at)?;
            logger.error(|| {
                format!("{} is no usable database ({e}); it was moved to {}", path.display(), aside.display())
            });
            try_open(path).map(|connection| (connection, true)).map_err(|e| explain(path, e))
        }
        other => other.map(|connection| (connection, false)).map_err(|e| explain(path, e)),
    }
}

/// Why a file cannot be used.
enum Refused {
    Sqlite(rusqlite::Error),
    TooNew(i32),
    Foreign,
    Incomplete,
}

impl From<rusqlite::Error> for Refused {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sqlite(e)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(e) => e.fmt(f),
            Self::TooNew(version) => write!(f, "its format {version} is newer than {VERSION}"),
            Self::Foreign => f.write_str("it is another application's"),
            Self::Incomplete => f.write_str("tables are missing"),
        }
    }
}

fn is_damage(refused: &Refused) -> bool {
    match refused {
        Refused::Sqlite(e) => is_corrupt(e),
        Refused::Incomplete => true,
        Refused::TooNew(_) | Refused::Foreign => false,
    }
}

pub(super) fn is_corrupt(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn explain(path: &Path, refused: Refused) -> Error {
    let message = |what: &str| format!("the database {} {what}", path.display());
    match refused {
        Refused::Sqlite(e) => super::failed(&message("cannot be opened"), e),
        Refused::TooNew(version) => Error::new(
            ErrorKind::TooNew,
            message(&format!(
                "was written by a newer library (format {version}, known up to {VERSION}) and is left as it is"
            )),
        ),
        Refused::Foreign => Error::new(
            ErrorKind::ForeignDatabase,
            message("belongs to another application and is left as it is"),
        ),
        Refused::Incomplete => Error::new(ErrorKind::Database, message("lacks tables")),
    }
}

fn try_open(path: &Path) -> Result<Connection, Refused> {
    // A URI would give a special meaning to some characters of a path.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_AT_OPEN)?;
    // Until we know that the file is ours, closing it again must not write to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version = version(&connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    set_up(&connection)?;
    if version < VERSION {
        upgrade(&mut connection)?;
    }
    if VALIDATE.iter().any(|sql| matches!(connection.prepare(sql), Err(e) if !is_corrupt(&e))) {
        return Err(Refused::Incomplete);
    }
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// The version of a file that is ours; 0 for an empty one.
fn version(connection: &Connection) -> Result<i32, Refused> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    match (application, version) {
        (APPLICATION_ID, version) if version > VERSION => Err(Refused::TooNew(version)),
        (APPLICATION_ID, version) if version >= 0 => Ok(version),
        (0, 0) if tables == 0 => Ok(0),
        _ => Err(Refused::Foreign),
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    // WAL: readers never wait, and a commit is one append. NORMAL: a commit does not wait for the disk; the journal and
    // `flush` cover what that leaves open. Small cache and WAL: we are a guest.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA cache_size = -512;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 4194304;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let from: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for upgrade in UPGRADES.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(upgrade)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    ))?;
    transaction.commit()
}

/// Renames a damaged file, and what SQLite keeps beside it. Gives its new name.
pub(super) fn move_aside(path: &Path, at: i64) -> Result<PathBuf> {
    let aside = beside(path, &format!(".corrupt-{at}"));
    std::fs::rename(path, &aside).map_err(|e| Error::file("move aside", path, e))?;
    for suffix in ["-wal", "-shm"] {
        // Most often there is none.
        let _ = std::fs::rename(beside(path, suffix), beside(&aside, suffix));
    }
    Ok(aside)
}

/// The file whose name is that of `path` and more.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
