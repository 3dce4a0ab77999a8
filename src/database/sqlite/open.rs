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

/// What the name of a file that was moved aside goes on with.
pub(super) const ASIDE: &str = ".corrupt-";

/// Opens the file, creating it if there is none. A damaged one makes way.
pub(super) fn open(path: &Path, now: i64, logger: &Logger) -> Result<Connection> {
    refuse_folder(path)?;
    match try_open(path) {
        Err(e) if is_damage(&e) => {
            set_aside(path, now, &e.to_string(), logger)?;
            try_open(path).map_err(|e| explain(path, e))
        }
        other => other.map_err(|e| explain(path, e)),
    }
}

pub(super) fn refuse_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        let message = format!("the database cannot be opened: {} is a directory", path.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    Ok(())
}

/// Why a file cannot be used.
pub(super) enum Refused {
    Sqlite(rusqlite::Error),
    TooNew(i32),
    Foreign,
    Incomplete,
    /// SQLite would take the file for an empty one and write over it.
    TooShort,
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
            Self::TooShort => f.write_str("it is too short"),
        }
    }
}

fn is_damage(refused: &Refused) -> bool {
    match refused {
        Refused::Sqlite(e) => is_corrupt(e),
        Refused::Incomplete | Refused::TooShort => true,
        Refused::TooNew(_) | Refused::Foreign => false,
    }
}

pub(super) fn is_corrupt(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// The statement and the tables do not fit.
pub(super) fn is_sql_error(e: &rusqlite::Error) -> bool {
    matches!(e, rusqlite::Error::SqlInputError { .. }) || e.sqlite_error_code() == Some(ErrorCode::Unknown)
}

pub(super) fn explain(path: &Path, refused: Refused) -> Error {
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
        Refused::Incomplete | Refused::TooShort => {
            Error::new(ErrorKind::Database, message(&format!("cannot be used: {refused}")))
        }
    }
}

fn try_open(path: &Path) -> Result<Connection, Refused> {
    refuse_short(path)?;
    // A URI would give a special meaning to some characters of a path.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_AT_OPEN)?;
    // Until we know that the file is ours, closing it again must not write to it, nor leave anything beside it.
    let has_wal = has_wal(path);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_wal)?;
    let version = version(&*connection.unchecked_transaction()?)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    if version == 0 {
        // An empty file has nothing to lose while it is put into WAL mode: four syncs less, the longest part of a
        // first start.
        connection.execute_batch("PRAGMA synchronous = OFF")?;
    }
    set_up_patiently(&connection)?;
    if version < VERSION {
        upgrade(&mut connection)?;
    }
    for sql in VALIDATE {
        connection.prepare(sql).map_err(incomplete)?;
    }
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

pub(super) fn refuse_short(path: &Path) -> Result<(), Refused> {
    const SMALLEST_PAGE: u64 = 512;
    match std::fs::metadata(path) {
        Ok(file) if (1..SMALLEST_PAGE).contains(&file.len()) => Err(Refused::TooShort),
        _ => Ok(()),
    }
}

/// Whether there is anything in the WAL.
pub(super) fn has_wal(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0)
}

/// Why a statement of ours does not fit a file.
pub(super) fn incomplete(e: rusqlite::Error) -> Refused {
    match is_sql_error(&e) {
        true => Refused::Incomplete,
        // A lock, say, is no reason to move a file aside.
        false => Refused::Sqlite(e),
    }
}

/// The version of a file that is ours; 0 for an empty one. Read in one transaction: another tracker may be creating
/// the tables just now.
pub(super) fn version(transaction: &Connection) -> Result<i32, Refused> {
    let number = |pragma: &str| transaction.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    match (application, version) {
        (APPLICATION_ID, version) if version > VERSION => Err(Refused::TooNew(version)),
        (APPLICATION_ID, version) if version >= 0 => Ok(version),
        (0, 0) if tables == 0 => Ok(0),
        _ => Err(Refused::Foreign),
    }
}

/// Going over to WAL fails at once, without waiting, while another tracker is doing the same to a new file. Taking
/// the write lock waits for it; then it is tried again.
fn set_up_patiently(connection: &Connection) -> rusqlite::Result<()> {
    const ATTEMPTS: usize = 100;
    for _ in 1..ATTEMPTS {
        match set_up(connection) {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            done => return done,
        }
    }
    set_up(connection)
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

/// Renames a damaged file, and what SQLite keeps beside it.
pub(super) fn set_aside(path: &Path, now: i64, why: &str, logger: &Logger) -> Result<()> {
    let names = (now..).map(|at| beside(path, &format!("{ASIDE}{at}")));
    let Some(aside) = names.into_iter().find(|aside| !aside.exists()) else { return Ok(()) };
    std::fs::rename(path, &aside).map_err(|e| Error::file("move aside", path, e))?;
    for suffix in ["-wal", "-shm"] {
        // Most often there is none.
        let _ = std::fs::rename(beside(path, suffix), beside(&aside, suffix));
    }
    logger.error(|| {
        format!("{} is no usable database ({why}); it was moved to {}", path.display(), aside.display())
    });
    Ok(())
}

/// Whether a damaged file of that name was ever moved aside.
pub(super) fn was_set_aside(path: &Path) -> bool {
    siblings(path).any(|(_, rest)| rest.starts_with(ASIDE))
}

/// The files whose names are that of `path` and more, and that more.
pub(super) fn siblings(path: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_owned();
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(move |entry| {
        let file = entry.file_name();
        let rest = file.as_encoded_bytes().strip_prefix(name.as_encoded_bytes())?;
        Some((entry.path(), String::from_utf8(rest.to_owned()).ok()?))
    })
}

/// What tells a file from another that took its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FileId(u64, u64);

/// The file of that name now, if there is one.
pub(super) fn file_id(path: &Path) -> Option<FileId> {
    let file = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    return {
        use std::os::unix::fs::MetadataExt;
        Some(FileId(file.dev(), file.ino()))
    };
    // Elsewhere an open database can be neither removed nor renamed.
    #[cfg(not(unix))]
    Some(FileId(0, u64::from(file.is_file())))
}

/// The file whose name is that of `path` and more.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
