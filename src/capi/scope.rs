//! Scopes.

use std::ffi::c_char;

use super::boundary::guard;
use super::event::sessio_event;
use super::handle::{Owned, Shared, put};
use super::session::sessio_session;
use super::sessions::{resumed, user_from};
use super::status::sessio_status;
use super::text::{array, optional, text};
use super::tracker::{id_out, on, sessio_tracker};
use crate::error::Result;
use crate::tracker::Scope;

/// A session beside the tracker's own (S21), for programs with several users or windows at once: thousands of them cost
/// about a kilobyte each. It is held in memory, and neither in the history nor there after the process. Its events go the
/// way of the tracker's: numbered with them, safe from a kill as soon as they are tracked. Its sessions begin, end and are
/// delivered by the tracker's rules, of which the foreground timeout counts; what is said to the tracker of consent,
/// anonymity and erasure holds for it, too. Made by `sessio_scope_new`, freed by `sessio_scope_free`, before or after the
/// tracker. Counted inside: every function may be called from any thread at any time.
pub struct sessio_scope(Scope);

impl Shared for sessio_scope {
    const NAME: &'static str = "the scope";
}

/// # Safety
/// `scope` is NULL or valid.
unsafe fn on_scope(scope: *mut sessio_scope, call: impl FnOnce(&Scope) -> Result<()>) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| call(&unsafe { sessio_scope::borrow(scope)? }.0))
}

/// A scope of the tracker, put into `out`. It has no session yet; its first event begins one.
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_new(
    tracker: *mut sessio_tracker,
    out: *mut *mut sessio_scope,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        on(tracker, |tracker| {
            if out.is_null() {
                return Err(super::handle::null("out"));
            }
            put(out, sessio_scope(tracker.new_scope()?).give())
        })
    }
}

/// Frees a scope; its session ends (`shutdown`). In a forked child it leaks on purpose. NULL is fine.
///
/// # Safety
/// `scope` is NULL, or came from `sessio_scope_new` and is not used by any later call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_free(scope: *mut sessio_scope) {
    guard(|| {
        // SAFETY: passed on from the caller.
        drop(unsafe { sessio_scope::take(scope) });
        Ok(())
    });
}

/// As `sessio_tracker_track`, in the scope's session.
///
/// cbindgen:ptrs-as-arrays=[[event_id_out;37]]
///
/// # Safety
/// `scope` and `event` are NULL or valid, the event not changed meanwhile; `event_id_out` is NULL or has room for
/// 37 bytes.
#[allow(rustdoc::broken_intra_doc_links)] // cbindgen's line above is no link
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_track(
    scope: *mut sessio_scope,
    event: *const sessio_event,
    event_id_out: *mut c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        on_scope(scope, |scope| {
            id_out(scope.track(&sessio_event::borrow(event)?.0)?, event_id_out);
            Ok(())
        })
    }
}

/// As `sessio_tracker_start_session`, for the scope's session.
///
/// # Safety
/// `scope` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_start(scope: *mut sessio_scope) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on_scope(scope, |scope| scope.start_session().map(drop)) }
}

/// As `sessio_tracker_start_session_with_id`, for the scope's session.
///
/// # Safety
/// `scope` is NULL or valid; `id` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_start_with_id(
    scope: *mut sessio_scope,
    id: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on_scope(scope, |scope| scope.start_session_with_id(text("id", id)?).map(drop)) }
}

/// As `sessio_tracker_pause_session`, for the scope's session.
///
/// # Safety
/// `scope` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_pause(scope: *mut sessio_scope) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on_scope(scope, Scope::pause_session) }
}

/// As `sessio_tracker_resume_session`, for the scope's session.
///
/// # Safety
/// `scope` is NULL or valid; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_resume(scope: *mut sessio_scope, out: *mut u32) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        on_scope(scope, |scope| {
            let answer = resumed(scope.resume_session()?);
            if out.is_null() { Ok(()) } else { put(out, answer) }
        })
    }
}

/// As `sessio_tracker_end_session`, for the scope's session.
///
/// # Safety
/// `scope` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_end(scope: *mut sessio_scope) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on_scope(scope, Scope::end_session) }
}

/// As `sessio_tracker_set_user`, for the scope alone.
///
/// # Safety
/// `scope` is NULL or valid; texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_set_user(
    scope: *mut sessio_scope,
    id: *const c_char,
    name: *const c_char,
    email: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        on_scope(scope, |scope| {
            let user = user_from(optional("id", id)?, optional("name", name)?, optional("email", email)?)?;
            scope.set_user(user)
        })
    }
}

/// Fills `out`, whose `struct_size` is set, with the scope's session as it is now.
///
/// # Safety
/// `scope` is NULL or valid; `out` is NULL or a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_session(
    scope: *mut sessio_scope,
    out: *mut sessio_session,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on_scope(scope, |scope| sessio_session::new(&scope.session()?).put(out)) }
}

/// Puts the id that names this scope as long as it lives into `out`, a UUID: its events carry it beside the session (Loupe's
/// agent session id).
///
/// cbindgen:ptrs-as-arrays=[[out;37]]
///
/// # Safety
/// `scope` is NULL or valid; `out` is NULL or has room for 37 bytes.
#[allow(rustdoc::broken_intra_doc_links)] // cbindgen's line above is no link
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_scope_instance_id(
    scope: *mut sessio_scope,
    out: *mut c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller; an array of that length in another guise.
    unsafe { on_scope(scope, |scope| put(out.cast::<[c_char; 37]>(), array(Some(scope.instance_id())))) }
}
