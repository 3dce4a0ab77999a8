//! Where the library's messages go.

use std::ffi::{CString, c_char, c_void};

use super::boundary::{UserData, struct_size};
use crate::error::{Result, invalid};
use crate::log::{Level, Logger};

/// A log of the host's: what the library has to say to developers. Without one its messages go nowhere.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_log {
    /// sizeof(sessio_log)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Called with a severity (SESSIO_SEVERITY_…) and a line of English text, which is valid for the length of the
    /// call. On the thread where it arises, mostly the library's worker; it may be called from several at once, and
    /// must not call the tracker.
    pub log: Option<unsafe extern "C" fn(user_data: *mut c_void, severity: u32, message: *const c_char)>,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// # Safety
/// `log` is NULL or points to a struct as its size says, with a function that may be called from any thread.
pub(super) unsafe fn logger(log: *const sessio_log) -> Result<Logger> {
    // SAFETY: passed on from the caller.
    unsafe { struct_size("the log", log, size_of::<sessio_log>())? };
    // SAFETY: the struct is as large as ours.
    let log = unsafe { log.read() };
    // From here on it is released also on failure.
    let user = UserData::new(log.user_data, log.release);
    let Some(write) = log.log else { return Err(invalid("a log needs its function log")) };
    Ok(Logger::new(move |level: Level, message: &str| {
        let user = &user;
        let text = CString::new(message.replace('\0', " ")).unwrap_or_default();
        // SAFETY: the host's function with the host's data, which lives as long as this closure; the text until it
        // returns.
        unsafe { write(user.data, level as u32, text.as_ptr()) };
    }))
}
