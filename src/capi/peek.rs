//! The session of another process.

use std::ffi::c_char;

use super::boundary::guard;
use super::session::sessio_session;
use super::status::sessio_status;
use super::text::text;
use crate::tracker::Tracker;

/// Puts the session of a namespace into `out`, read from the files of a database: for a helper process that stamps its
/// own data with the id and the index of the main process's session, say, or shows whether it is online. The namespace
/// may be open in another process, in this one, or in none; whoever has it or opens it does not notice. Nothing is
/// written and no file is made. What it gives is as new as the last call of the owner that returned. It takes no
/// tracker: any thread may call it, and a forked child, too.
///
/// An owner that closed, or was killed, leaves its session open: it may go on after a restart (S9). While one lives,
/// `last_seen_at_ms` is kept to within a second: an open session that was seen in the last few seconds belongs to a
/// process that lives.
///
/// Takes about a tenth of a millisecond: opens, reads and closes the files; waits at most a quarter of a second where
/// another program keeps the database locked.
///
/// SESSIO_ERROR_IO: there is no such file, or it cannot be read. SESSIO_ERROR_INVALID_ARGUMENT: there is no such
/// namespace in the file, or the library was built without SQLite. SESSIO_ERROR_TOO_NEW,
/// SESSIO_ERROR_FOREIGN_DATABASE: as for opening. SESSIO_ERROR_DATABASE: it is damaged, or no database. The file is left
/// as it is in every case.
///
/// # Safety
/// The texts are NULL or NUL-terminated; `out` is NULL or a struct as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_peek(
    database_file: *const c_char,
    namespace_name: *const c_char,
    out: *mut sessio_session,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let (path, name) =
            unsafe { (text("database_file", database_file)?, text("namespace_name", namespace_name)?) };
        // SAFETY: passed on from the caller.
        unsafe { sessio_session::new(&Tracker::peek(path, name)?).put(out) }
    })
}
