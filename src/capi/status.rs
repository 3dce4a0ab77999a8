//! Statuses: what a call gives back, and the details of the last failure of a thread.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};

use super::text;
use crate::error::{Error, ErrorKind};

/// What a call gives back: `SESSIO_OK`, or why it failed. Numbers are in bands by origin (100 arguments, 200 the
/// tracker's state, 300 files, 400 time and the host, 900 defects) and are never reused. A later version may give
/// numbers that are not here.
pub type sessio_status = u32;

/// It worked.
pub const SESSIO_OK: sessio_status = 0;
/// An argument is NULL, empty, out of range, or of another kind than asked for. Programming error.
pub const SESSIO_ERROR_INVALID_ARGUMENT: sessio_status = 100;
/// A text is not UTF-8. Programming error.
pub const SESSIO_ERROR_INVALID_UTF8: sessio_status = 101;
/// A JSON text does not parse, is nested deeper than 32, or holds a number that is not finite. Programming error.
pub const SESSIO_ERROR_INVALID_JSON: sessio_status = 102;
/// An argument is over its limit; the last error names limit and size. Programming error.
pub const SESSIO_ERROR_TOO_LARGE: sessio_status = 103;
/// The tracker was closed. Programming error.
pub const SESSIO_ERROR_CLOSED: sessio_status = 200;
/// This process was forked from the one that opened the tracker. Programming error.
pub const SESSIO_ERROR_FORKED: sessio_status = 201;
/// Tracking is off (`sessio_tracker_set_enabled`). Runtime condition.
pub const SESSIO_ERROR_DISABLED: sessio_status = 202;
/// A callback of the host's refused it: an event it dropped, a session it did not let begin. Runtime condition.
pub const SESSIO_ERROR_REFUSED: sessio_status = 203;
/// A file could not be created, read or written. Runtime condition.
pub const SESSIO_ERROR_IO: sessio_status = 300;
/// There is no space left on the device. Runtime condition.
pub const SESSIO_ERROR_NO_SPACE: sessio_status = 301;
/// The database could not be read or written. Runtime condition.
pub const SESSIO_ERROR_DATABASE: sessio_status = 302;
/// The database is locked by another program. Runtime condition.
pub const SESSIO_ERROR_LOCKED: sessio_status = 303;
/// The file was written by a newer version of the library, and is left untouched. Runtime condition.
pub const SESSIO_ERROR_TOO_NEW: sessio_status = 304;
/// The file is another application's database, and is left untouched. Programming error.
pub const SESSIO_ERROR_FOREIGN_DATABASE: sessio_status = 305;
/// The namespace is open already, in this process or another. Runtime condition.
pub const SESSIO_ERROR_NAMESPACE_IN_USE: sessio_status = 306;
/// The journal is full: events come faster than they can be stored, or they cannot be stored at all. The event was not
/// accepted. Runtime condition.
pub const SESSIO_ERROR_JOURNAL_FULL: sessio_status = 307;
/// The deadline passed first. Runtime condition.
pub const SESSIO_ERROR_TIMEOUT: sessio_status = 400;
/// The host's session store failed. Runtime condition.
pub const SESSIO_ERROR_STORE: sessio_status = 401;
/// A defect of the library. Please report it.
pub const SESSIO_ERROR_INTERNAL: sessio_status = 900;

const fn status_of(kind: ErrorKind) -> sessio_status {
    match kind {
        ErrorKind::InvalidArgument => SESSIO_ERROR_INVALID_ARGUMENT,
        ErrorKind::InvalidUtf8 => SESSIO_ERROR_INVALID_UTF8,
        ErrorKind::InvalidJson => SESSIO_ERROR_INVALID_JSON,
        ErrorKind::TooLarge => SESSIO_ERROR_TOO_LARGE,
        ErrorKind::Closed => SESSIO_ERROR_CLOSED,
        ErrorKind::Forked => SESSIO_ERROR_FORKED,
        ErrorKind::Disabled => SESSIO_ERROR_DISABLED,
        ErrorKind::Refused => SESSIO_ERROR_REFUSED,
        ErrorKind::Io => SESSIO_ERROR_IO,
        ErrorKind::NoSpace => SESSIO_ERROR_NO_SPACE,
        ErrorKind::Database => SESSIO_ERROR_DATABASE,
        ErrorKind::Locked => SESSIO_ERROR_LOCKED,
        ErrorKind::TooNew => SESSIO_ERROR_TOO_NEW,
        ErrorKind::ForeignDatabase => SESSIO_ERROR_FOREIGN_DATABASE,
        ErrorKind::NamespaceInUse => SESSIO_ERROR_NAMESPACE_IN_USE,
        ErrorKind::JournalFull => SESSIO_ERROR_JOURNAL_FULL,
        ErrorKind::Timeout => SESSIO_ERROR_TIMEOUT,
        ErrorKind::Store => SESSIO_ERROR_STORE,
        ErrorKind::Internal => SESSIO_ERROR_INTERNAL,
    }
}

thread_local! {
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the details of a failure for this thread and gives its status.
pub(super) fn remember(error: &Error) -> sessio_status {
    // While the thread is ending there is no place for it any more.
    let _ = LAST_ERROR.try_with(|last| last.replace(error.to_string()));
    status_of(error.kind())
}

/// What a status means, in English, for logs. Never NULL; valid for ever. A number that is no status gives "unknown
/// status".
#[unsafe(no_mangle)]
pub extern "C" fn sessio_status_text(status: sessio_status) -> *const c_char {
    let text: &CStr = match status {
        SESSIO_OK => c"ok",
        SESSIO_ERROR_INVALID_ARGUMENT => c"invalid argument",
        SESSIO_ERROR_INVALID_UTF8 => c"text is not UTF-8",
        SESSIO_ERROR_INVALID_JSON => c"invalid JSON",
        SESSIO_ERROR_TOO_LARGE => c"over a limit",
        SESSIO_ERROR_CLOSED => c"the tracker is closed",
        SESSIO_ERROR_FORKED => c"used in a forked child",
        SESSIO_ERROR_DISABLED => c"tracking is off",
        SESSIO_ERROR_IO => c"a file cannot be used",
        SESSIO_ERROR_NO_SPACE => c"no space left on the device",
        SESSIO_ERROR_DATABASE => c"the database cannot be used",
        SESSIO_ERROR_LOCKED => c"the database is locked by another program",
        SESSIO_ERROR_TOO_NEW => c"written by a newer version of the library",
        SESSIO_ERROR_FOREIGN_DATABASE => c"the database is another application's",
        SESSIO_ERROR_NAMESPACE_IN_USE => c"the namespace is open already",
        SESSIO_ERROR_JOURNAL_FULL => c"the journal is full",
        SESSIO_ERROR_TIMEOUT => c"the deadline passed",
        SESSIO_ERROR_STORE => c"the host's session store failed",
        SESSIO_ERROR_INTERNAL => c"a defect of the library",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// Copies what is known of this thread's last failure into `buffer`, in English, always terminated, cut to `capacity`
/// bytes. Gives the length of the whole text without its end, 0 if nothing has failed yet. `buffer` may be NULL to
/// ask for the length. A call that works does not change it.
///
/// # Safety
/// `buffer` is NULL or has room for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_last_error(buffer: *mut c_char, capacity: usize) -> usize {
    let copy = |last: &RefCell<String>| {
        // SAFETY: passed on from the caller.
        unsafe { text::copy(&last.borrow(), buffer, capacity) }
    };
    LAST_ERROR.try_with(copy).unwrap_or(0)
}
