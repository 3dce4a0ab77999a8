//! The tracker.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use super::boundary::guard;
use super::config::{build, sessio_config};
use super::event::sessio_event;
use super::handle::{Owned, Shared, null, put};
use super::stats::{sessio_delivery_stats, sessio_stats};
use super::status::sessio_status;
use super::text::text;
use crate::error::Result;
use crate::ids::EventId;
use crate::tracker::Tracker;

/// Knows which session the user is in and keeps what happens there. Opened by `sessio_tracker_open`, closed by
/// `sessio_tracker_close`, freed by `sessio_tracker_free`. Counted inside: every function may be called from any
/// thread at any time, and freeing while a call is under way is fine.
pub struct sessio_tracker(Tracker);

impl Shared for sessio_tracker {
    const NAME: &'static str = "the tracker";
}

/// Runs a call on a tracker.
///
/// # Safety
/// `tracker` is NULL or valid.
pub(super) unsafe fn on(
    tracker: *mut sessio_tracker,
    call: impl FnOnce(&Tracker) -> Result<()>,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| call(&unsafe { sessio_tracker::borrow(tracker)? }.0))
}

/// Opens a tracker with the settings as they are now and puts it into `out`. Reads a few small things from the disk:
/// about a millisecond for a database that exists, under ten for a new one.
///
/// SESSIO_ERROR_NAMESPACE_IN_USE: the namespace is open already, in this process or another. SESSIO_ERROR_IO: the
/// folder cannot be written, or the path is a folder. SESSIO_ERROR_NO_SPACE: there is no room for the journal.
/// SESSIO_ERROR_TOO_NEW, SESSIO_ERROR_FOREIGN_DATABASE: the file is left as it is. SESSIO_ERROR_LOCKED: another
/// program has kept the database locked for over two seconds. A file that is no database is moved aside to
/// `<file>.corrupt-<time>`, the log says so, and tracking goes on.
///
/// # Safety
/// `config` is NULL or valid and not changed meanwhile; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_open(
    config: *const sessio_config,
    out: *mut *mut sessio_tracker,
) -> sessio_status {
    guard(|| {
        if out.is_null() {
            return Err(null("out"));
        }
        // SAFETY: passed on from the caller.
        let tracker = Tracker::open(unsafe { build(config)? })?;
        // SAFETY: passed on from the caller.
        unsafe { put(out, sessio_tracker(tracker).give()) }
    })
}

/// Stores everything, sends what is due as long as there is time, and closes; always returns by the timeout. A wait
/// that a receiver asked for, or a backoff, is not shortened; a request that has no answer by then is cancelled. What
/// is not sent goes out after the next start. Every other call but `sessio_tracker_free` gives SESSIO_ERROR_CLOSED
/// from now on. The session does not end, it may go on after a restart, unless the policy is
/// SESSIO_RESTART_START_NEW: then receivers that know live ends are told at once, too. Call it when the app exits. Called in a
/// callback on a thread of the library's it does not wait.
///
/// SESSIO_ERROR_TIMEOUT: not everything could be stored in the database in time. It is in the journal, and there
/// after the next start. That not everything could be sent is no failure: `sessio_tracker_flush` tells.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_close(
    tracker: *mut sessio_tracker,
    timeout_ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| tracker.close(Duration::from_millis(timeout_ms))) }
}

/// Frees a tracker; one that is open is closed without waiting for the network: nothing is sent any more, also not live. Calls under way in other threads end
/// properly. In a forked child it leaks on purpose. NULL is fine.
///
/// # Safety
/// `tracker` is NULL, or came from `sessio_tracker_open` and is not used by any later call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_free(tracker: *mut sessio_tracker) {
    guard(|| {
        // SAFETY: passed on from the caller.
        if let Some(tracker) = unsafe { sessio_tracker::take(tracker) } {
            tracker.0.close_for_good();
            drop::<Arc<sessio_tracker>>(tracker);
        }
        Ok(())
    });
}

/// Stores everything, durably against the loss of power, has sent what is due, also in background, and waits until
/// nothing is owed to a destination any more; stays open. It overrides neither a backoff nor a wait that a receiver
/// asked for. With manual delivery it waits for the host's requests to be answered, from other threads. Called in a
/// callback on a thread of the library's it does not wait.
///
/// SESSIO_OK: everything is stored, and what was tracked before has left for every destination, or was dropped by it.
/// SESSIO_ERROR_TIMEOUT: not by the deadline, or not before the tracker was closed by another thread; the last error says
/// whether storing or sending was slow. It goes on without the call.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_flush(
    tracker: *mut sessio_tracker,
    timeout_ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| tracker.flush(Duration::from_millis(timeout_ms))) }
}

/// Does at once what is due by the clock (a session that is idle for too long ends, the running durations are brought
/// up to now), and stores what is pending. Waits for one attempt at that, at most a second; if it fails, the status
/// says why, and everything stays in the journal.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_poll(tracker: *mut sessio_tracker) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, Tracker::poll) }
}

/// Tracks an event: stamps it with its session, begins one if none is open (S2), and puts its id, a UUID, into
/// `event_id_out`, which may be NULL. When this gives SESSIO_OK the event survives the death of the process. About a
/// microsecond; no system call but a wake of the worker at the start of a burst.
///
/// SESSIO_ERROR_DISABLED: tracking is off. SESSIO_ERROR_JOURNAL_FULL: no room after waiting at most 10 ms (settable);
/// the event was not accepted. SESSIO_ERROR_TOO_LARGE: over 262,144 bytes in all.
///
/// cbindgen:ptrs-as-arrays=[[event_id_out;37]]
///
/// # Safety
/// `tracker` and `event` are NULL or valid, the event not changed meanwhile; `event_id_out` is NULL or has room for
/// 37 bytes.
#[allow(rustdoc::broken_intra_doc_links)] // cbindgen's line above is no link
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_track(
    tracker: *mut sessio_tracker,
    event: *const sessio_event,
    event_id_out: *mut c_char,
) -> sessio_status {
    let track = |tracker: &Tracker| {
        // SAFETY: passed on from the caller.
        let id = tracker.track(&unsafe { sessio_event::borrow(event)? }.0)?;
        // SAFETY: passed on from the caller.
        unsafe { id_out(id, event_id_out) };
        Ok(())
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, track) }
}

/// Tracks an event in a session that has ended, by its id (from `sessio_tracker_history`, or a change callback): the error,
/// say, that a crash reporter found at the next start. It carries that session with its user and the app's version then, and
/// gets the next number in it; the session does not go on, and no other is touched. An error is counted there, but for the
/// unhandled one of a session that ended as crashed, which the crash mark has counted already. In the session that is open it
/// is tracked as by `sessio_tracker_track`. Waits for the disk, at most a second.
///
/// SESSIO_ERROR_INVALID_ARGUMENT: no session of that id is in the history. Else as `sessio_tracker_track`.
///
/// cbindgen:ptrs-as-arrays=[[event_id_out;37]]
///
/// # Safety
/// `tracker` and `event` are NULL or valid, the event not changed meanwhile; `session_id` is NULL or NUL-terminated;
/// `event_id_out` is NULL or has room for 37 bytes.
#[allow(rustdoc::broken_intra_doc_links)] // cbindgen's line above is no link
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_track_in_session(
    tracker: *mut sessio_tracker,
    event: *const sessio_event,
    session_id: *const c_char,
    event_id_out: *mut c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        on(tracker, |tracker| {
            let event = &sessio_event::borrow(event)?.0;
            id_out(tracker.track_in_session(event, text("session_id", session_id)?)?, event_id_out);
            Ok(())
        })
    }
}

/// Writes an event's id where the caller wants it.
///
/// # Safety
/// `out` is NULL or has room for 37 bytes.
pub(super) unsafe fn id_out(id: EventId, out: *mut c_char) {
    if !out.is_null() {
        let text: [c_char; 37] = super::text::array(Some(id));
        // SAFETY: not NULL, and has room for 37 bytes by the contract.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), out, text.len()) };
    }
}

/// The app went to background, or came to foreground (S3). Call it on every change; the same value again does nothing.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_set_is_background(
    tracker: *mut sessio_tracker,
    in_background: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| tracker.set_is_background(in_background)) }
}

/// Puts the id that names this tracker object as long as it lives into `out`, a UUID: its events carry it beside the session
/// (Loupe's agent session id).
///
/// cbindgen:ptrs-as-arrays=[[out;37]]
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or has room for 37 bytes.
#[allow(rustdoc::broken_intra_doc_links)] // cbindgen's line above is no link
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_instance_id(
    tracker: *mut sessio_tracker,
    out: *mut c_char,
) -> sessio_status {
    let id = |tracker: &Tracker| {
        let id = super::text::array(Some(tracker.instance_id()?));
        // SAFETY: passed on from the caller; an array of that length in another guise.
        unsafe { put(out.cast::<[c_char; 37]>(), id) }
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, id) }
}

/// Puts what was last said about the background into `out`.
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_is_background(
    tracker: *mut sessio_tracker,
    out: *mut bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| put(out, tracker.is_background()?)) }
}

/// Switches anonymous mode (S18): events then carry the nil UUID as user id, no previous session, no identity. A
/// change ends the session. Survives restarts.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_set_anonymous(
    tracker: *mut sessio_tracker,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { self::on(tracker, |tracker| tracker.set_anonymous(on)) }
}

/// Switches tracking (S19). Off: the session ends, and tracking, starting and resuming give SESSIO_ERROR_DISABLED.
/// What is stored stays; `sessio_tracker_erase` removes it. Survives restarts.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_set_enabled(tracker: *mut sessio_tracker, on: bool) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { self::on(tracker, |tracker| tracker.set_enabled(on)) }
}

/// Removes every event, session and identity from the files, those of the database's other namespaces too, and goes
/// on as a new installation (S19). Waits for the disk, at most a second. If it fails the files could not be cleaned
/// yet (another program has locked them, say): here all is forgotten nevertheless, and they are cleaned as soon as
/// that works, after a restart at the latest.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_erase(tracker: *mut sessio_tracker) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, Tracker::erase) }
}

/// Marks a crash (S16): the next start ends the session as crashed, with one more unhandled error. Async-signal-safe:
/// meant for crash handlers. The tracker must not be freed meanwhile. NULL is fine.
///
/// # Safety
/// `tracker` is NULL or valid for the length of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_mark_crashed(tracker: *mut sessio_tracker) {
    // No guard and no count: a signal handler must not allocate, and there is nothing in this that can panic.
    // SAFETY: NULL or valid by the contract.
    if let Some(tracker) = unsafe { tracker.as_ref() } {
        tracker.0.mark_crashed();
    }
}

/// Puts the ledger into `out`.
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or a struct as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_stats(
    tracker: *mut sessio_tracker,
    out: *mut sessio_stats,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| sessio_stats::new(&tracker.stats()?).put(out)) }
}

/// Calls `give` once for each destination, in the order of the configuration, on this thread, with `context` and what
/// it has done, which is valid for the length of the call. Waits for the disk. `give` may call the library.
///
/// # Safety
/// `tracker` is NULL or valid; `give` is NULL or a function of that kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_delivery_stats(
    tracker: *mut sessio_tracker,
    give: Option<unsafe extern "C" fn(context: *mut c_void, stats: *const sessio_delivery_stats)>,
    context: *mut c_void,
) -> sessio_status {
    let delivery_stats = |tracker: &Tracker| {
        let give = give.ok_or_else(|| null("give"))?;
        for stats in tracker.delivery_stats()? {
            let name = CString::new(stats.name.as_str()).unwrap_or_default();
            let stats = sessio_delivery_stats::new(&name, &stats);
            // SAFETY: the host's function with the host's context; name and numbers live until it returns.
            unsafe { give(context, &raw const stats) };
        }
        Ok(())
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, delivery_stats) }
}
