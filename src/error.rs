//! The one error type of the crate: what kind it is, what was wrong, with what, and its cause.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was. Each kind is either a programming error (the call can never succeed as it was
/// made) or a runtime condition (the same call may succeed later).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument has a value that is not allowed. Programming error.
    InvalidArgument,
    /// A text argument is not UTF-8. Programming error.
    InvalidUtf8,
    /// An argument is over one of the limits of [`crate::event::limits`]. Programming error.
    TooLarge,
    /// A JSON argument does not parse, is nested too deeply, or holds a number that is not finite. Programming error.
    InvalidJson,
    /// The tracker was closed. Programming error.
    Closed,
    /// The process was forked after the tracker was opened, and this is the child. Programming error.
    Forked,
    /// Tracking is switched off by `set_enabled(false)`. Runtime condition.
    Disabled,
    /// A callback of the host's refused it. Runtime condition.
    Refused,
    /// The namespace is open already, in this process or another. Runtime condition.
    NamespaceInUse,
    /// A file could not be created, read or written. Runtime condition.
    Io,
    /// There is no space left on the device. Runtime condition.
    NoSpace,
    /// The database could not be read or written. Runtime condition.
    Database,
    /// The database is locked by another program. Runtime condition.
    Locked,
    /// The file was written by a newer version of this library and is left untouched. Runtime condition.
    TooNew,
    /// The file is a database of another application and is left untouched. Programming error.
    ForeignDatabase,
    /// The journal is full: events come faster than they can be stored, or they cannot be stored at all. Runtime
    /// condition.
    JournalFull,
    /// The deadline passed first. Runtime condition.
    Timeout,
    /// The host's own session store failed. Runtime condition.
    Store,
    /// A defect of this library. Please report it.
    Internal,
}

/// Why a call failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a message that says what was wrong and with what.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same with the failure that caused it.
    pub fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// A failure with a file, told apart by what the operating system said.
    pub(crate) fn file(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
            _ => ErrorKind::Io,
        };
        Self::with_source(kind, format!("cannot {doing} {}", path.display()), source)
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    /// The message, followed by its causes: one line that can be logged as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

/// Shorthand for the error that is made most often.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
