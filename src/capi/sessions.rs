//! The tracker's sessions, and who uses the app.

use std::ffi::{CString, c_char, c_void};

use super::handle::{null, put};
use super::session::sessio_session;
use super::status::sessio_status;
use super::text::{optional, text};
use super::tracker::{on, sessio_tracker};
use crate::error::{Result, invalid};
use crate::event::User;
use crate::tracker::{Resumed, Tracker};

/// `sessio_tracker_resume_session`: the paused session goes on.
pub const SESSIO_RESUME_RESUMED: u32 = 0;
/// `sessio_tracker_resume_session`: there was no pause, and a session is open.
pub const SESSIO_RESUME_ALREADY_ACTIVE: u32 = 1;
/// `sessio_tracker_resume_session`: a session began.
pub const SESSIO_RESUME_STARTED: u32 = 2;

/// Ends the open session (`replaced`) and begins a new one now (S5). Lifts a pause. SESSIO_ERROR_DISABLED: tracking
/// is off, nothing changed.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_start_session(tracker: *mut sessio_tracker) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| tracker.start_session().map(drop)) }
}

/// The same with an id of the host's (S11): 1 to 128 of `A-Z a-z 0-9 . _ -`; anything else is refused, and nothing
/// changes. The id of the open session has no effect.
///
/// # Safety
/// `tracker` is NULL or valid; `id` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_start_session_with_id(
    tracker: *mut sessio_tracker,
    id: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| tracker.start_session_with_id(text("id", id)?).map(drop)) }
}

/// Pauses (S6): until `sessio_tracker_resume_session` events belong to no session, and nothing expires. Pausing twice
/// is pausing once.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_pause_session(tracker: *mut sessio_tracker) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, Tracker::pause_session) }
}

/// What resuming did, as a number.
pub(super) fn resumed(resumed: Resumed) -> u32 {
    match resumed {
        Resumed::Resumed => SESSIO_RESUME_RESUMED,
        Resumed::AlreadyActive => SESSIO_RESUME_ALREADY_ACTIVE,
        Resumed::Started => SESSIO_RESUME_STARTED,
    }
}

/// Lifts a pause, or begins a session if none is open (S6). Puts SESSIO_RESUME_RESUMED, _ALREADY_ACTIVE or _STARTED
/// into `out`, which may be NULL.
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_resume_session(
    tracker: *mut sessio_tracker,
    out: *mut u32,
) -> sessio_status {
    let resume = |tracker: &Tracker| {
        let answer = resumed(tracker.resume_session()?);
        // SAFETY: passed on from the caller.
        if out.is_null() { Ok(()) } else { unsafe { put(out, answer) } }
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, resume) }
}

/// Ends the open session (S7). The next event begins a new one. Without an open session it has no effect.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_end_session(tracker: *mut sessio_tracker) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, Tracker::end_session) }
}

/// A user as C tells it.
pub(super) fn user_from(id: Option<&str>, name: Option<&str>, email: Option<&str>) -> Result<Option<User>> {
    match id {
        Some(id) => User::new(id, name, email).map(Some),
        None if name.is_some() || email.is_some() => {
            Err(invalid("a user without an id has no name or email"))
        }
        None => Ok(None),
    }
}

/// Says who uses the app from now on (S10): an id of 1 to 512 bytes, name and address of at most as many; these may
/// be NULL. `id` NULL: no user, the others must be NULL, too. Another user than before, or none, ends the session.
///
/// # Safety
/// `tracker` is NULL or valid; texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_set_user(
    tracker: *mut sessio_tracker,
    id: *const c_char,
    name: *const c_char,
    email: *const c_char,
) -> sessio_status {
    let set_user = |tracker: &Tracker| {
        // SAFETY: passed on from the caller.
        let (id, name, email) =
            unsafe { (optional("id", id)?, optional("name", name)?, optional("email", email)?) };
        tracker.set_user(user_from(id, name, email)?)
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, set_user) }
}

/// Calls `give` once, on this thread, with who was last said to use the app, or not at all when that is no one. A
/// session that goes on after a restart brings its user along (S10). Name and email are NULL when not known; the
/// texts are valid for the length of the call.
///
/// # Safety
/// `tracker` is NULL or valid; `give` is NULL or a function of that kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_user(
    tracker: *mut sessio_tracker,
    give: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            id: *const c_char,
            name: *const c_char,
            email: *const c_char,
        ),
    >,
    context: *mut c_void,
) -> sessio_status {
    let user = |tracker: &Tracker| {
        let give = give.ok_or_else(|| null("give"))?;
        let Some(user) = tracker.user()? else { return Ok(()) };
        let owned = |text: Option<&str>| text.map(|text| CString::new(text).unwrap_or_default());
        let (id, name, email) = (owned(Some(user.id())), owned(user.name()), owned(user.email()));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        // SAFETY: the host's function with the host's context; the texts live until it returns.
        unsafe { give(context, pointer(&id), pointer(&name), pointer(&email)) };
        Ok(())
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, user) }
}

/// Puts the current session, or the last one, into `out`. Neither waits nor counts as activity; well under a
/// microsecond.
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or a struct as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_session(
    tracker: *mut sessio_tracker,
    out: *mut sessio_session,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| sessio_session::new(&tracker.session()?).put(out)) }
}

/// Calls `give` once for each ended session, newest first, at most `limit` times, on this thread, with `context` and
/// a session that is valid for the length of the call. A session is there from the moment it ended. Stores what is
/// pending first: waits for the disk. `give` may call the library, `sessio_tracker_free` included.
///
/// # Safety
/// `tracker` is NULL or valid; `give` is NULL or a function of that kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_history(
    tracker: *mut sessio_tracker,
    limit: u32,
    give: Option<unsafe extern "C" fn(context: *mut c_void, session: *const sessio_session)>,
    context: *mut c_void,
) -> sessio_status {
    let history = |tracker: &Tracker| {
        let give = give.ok_or_else(|| null("give"))?;
        for session in tracker.history(limit as usize)? {
            let session = sessio_session::new(&session);
            // SAFETY: the host's function with the host's context; the session lives until it returns.
            unsafe { give(context, &raw const session) };
        }
        Ok(())
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, history) }
}
