//! What a host wants to be asked and told.

use std::ffi::{c_char, c_void};

use super::boundary::{UserData, guard, struct_size};
use super::config::{sessio_config, set};
use super::event::sessio_event;
use super::handle::{Owned, put};
use super::session::sessio_session;
use super::sessions::user_from;
use super::status::sessio_status;
use super::text::{optional, text};
use super::tracker::{on, sessio_tracker};
use crate::callback::{Callback, CallbackId, Cause, ChangeKind, SessionChange, SessionStart};
use crate::error::{Result, invalid};
use crate::event::Event;
use crate::tracker::Tracker;

/// A session that is to begin, inside `on_session_start`. Valid for the length of that call, on its thread.
pub struct sessio_session_start(SessionStart);

impl Owned for sessio_session_start {
    const NAME: &'static str = "the session to start";
}

/// Asks the host before a session begins (S15).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_session_start_callback {
    /// sizeof(sessio_session_start_callback)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Called on the thread that causes the start, before the session is current and before any event carries it. It gets
    /// the session to come, may set its user and attributes through `start`, and refuses it by false: then nothing is
    /// started, the call that would have started it gives SESSIO_ERROR_REFUSED, and an event is tracked without a session;
    /// the next event asks again. Several callbacks are asked in the order added, up to the first refusal. It may call the
    /// library: what it tracks belongs to the session before, and it cannot start another. It should be quick; another
    /// thread that would begin a session meanwhile waits 10 ms for the answer at most, and then asks, too.
    pub on_session_start: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            session: *const sessio_session,
            start: *mut sessio_session_start,
        ) -> bool,
    >,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// The session began.
pub const SESSIO_CHANGE_BEGAN: u32 = 1;
/// The session was paused.
pub const SESSIO_CHANGE_PAUSED: u32 = 2;
/// The session goes on after a pause.
pub const SESSIO_CHANGE_RESUMED: u32 = 3;
/// The session ended; its `end_reason` says why.
pub const SESSIO_CHANGE_ENDED: u32 = 4;

/// An event brought it about.
pub const SESSIO_CAUSE_EVENT: u32 = 1;
/// `sessio_tracker_set_is_background` did.
pub const SESSIO_CAUSE_BACKGROUND: u32 = 2;
/// `sessio_tracker_start_session` or its sibling did.
pub const SESSIO_CAUSE_START: u32 = 3;
/// `sessio_tracker_pause_session` did.
pub const SESSIO_CAUSE_PAUSE: u32 = 4;
/// `sessio_tracker_resume_session` did.
pub const SESSIO_CAUSE_RESUME: u32 = 5;
/// `sessio_tracker_end_session` did.
pub const SESSIO_CAUSE_END: u32 = 6;
/// `sessio_tracker_set_user` did.
pub const SESSIO_CAUSE_USER: u32 = 7;
/// `sessio_tracker_set_anonymous` did.
pub const SESSIO_CAUSE_ANONYMITY: u32 = 8;
/// `sessio_tracker_set_enabled` did.
pub const SESSIO_CAUSE_ENABLED: u32 = 9;
/// The passing of time did, or `sessio_tracker_poll`.
pub const SESSIO_CAUSE_TIMER: u32 = 10;
/// The opening of the tracker did.
pub const SESSIO_CAUSE_OPENING: u32 = 11;
/// The closing of the tracker did.
pub const SESSIO_CAUSE_CLOSING: u32 = 12;

/// Tells the host what becomes of sessions (S15).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_session_change_callback {
    /// sizeof(sessio_session_change_callback)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Called for every begin, pause, resume and end, in order, with SESSIO_CHANGE_…, SESSIO_CAUSE_… and the session as it
    /// was at that moment, valid for the length of the call. On the library's worker thread; it may call the library, and
    /// may block: meanwhile nothing is stored, and events stay in the journal.
    pub on_session_change: Option<
        unsafe extern "C" fn(user_data: *mut c_void, change: u32, cause: u32, session: *const sessio_session),
    >,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Shows the host every event before it is stamped.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_event_callback {
    /// sizeof(sessio_event_callback)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Called on the thread that tracks, with a copy of the event that is valid for the length of the call: it may be
    /// changed with the setters, and must be neither freed nor kept. False drops it: `sessio_tracker_track` gives
    /// SESSIO_ERROR_REFUSED, and it is counted as `filtered`. Several are asked in the order added, up to the first that
    /// drops it. It may call the library; what it tracks itself is not shown again.
    pub on_event: Option<unsafe extern "C" fn(user_data: *mut c_void, event: *mut sessio_event) -> bool>,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Sets who uses the app from the start of the session on (S10), as `sessio_tracker_set_user`. Only inside
/// `on_session_start`.
///
/// # Safety
/// `start` is NULL or what `on_session_start` was handed; texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_session_start_set_user(
    start: *mut sessio_session_start,
    id: *const c_char,
    name: *const c_char,
    email: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let start = unsafe { sessio_session_start::borrow_mut(start)? };
        // SAFETY: passed on from the caller.
        let (id, name, email) =
            unsafe { (optional("id", id)?, optional("name", name)?, optional("email", email)?) };
        start.0.set_user(user_from(id, name, email)?);
        Ok(())
    })
}

/// Sets an attribute of the session to a text: constant data that stays with it and is sent with its start and its end. Up
/// to 32 attributes, keys of 1 to 128 bytes, 2,048 bytes in all; over that SESSIO_ERROR_TOO_LARGE. Only inside
/// `on_session_start`.
///
/// # Safety
/// `start` is NULL or what `on_session_start` was handed; texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_session_start_set_text(
    start: *mut sessio_session_start,
    key: *const c_char,
    value: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe {
        sessio_session_start::borrow_mut(start)?.0.set_text(text("key", key)?, text("value", value)?)
    })
}

/// Sets an attribute of the session to a finite number. Only inside `on_session_start`.
///
/// # Safety
/// `start` is NULL or what `on_session_start` was handed; the key is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_session_start_set_number(
    start: *mut sessio_session_start,
    key: *const c_char,
    value: f64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { sessio_session_start::borrow_mut(start)?.0.set_number(text("key", key)?, value) })
}

/// # Safety
/// `callback` is NULL or a struct as its size says, with functions that may be called from any thread.
unsafe fn session_start(callback: *const sessio_session_start_callback) -> Result<Callback> {
    // SAFETY: passed on from the caller.
    unsafe { struct_size("the callback", callback, size_of::<sessio_session_start_callback>())? };
    // SAFETY: the struct is as large as ours.
    let callback = unsafe { callback.read() };
    // From here on it is released also on failure.
    let user = UserData::new(callback.user_data, callback.release);
    let ask = callback.on_session_start.ok_or_else(|| invalid("the callback needs on_session_start"))?;
    Ok(Callback::session_start(move |start| {
        let user = &user;
        let session = sessio_session::new(start.session());
        let mut handle = sessio_session_start(start.clone());
        // SAFETY: the host's function with the host's data; session and handle live until it returns.
        let allowed = unsafe { ask(user.data, &raw const session, &raw mut handle) };
        *start = handle.0;
        allowed
    }))
}

/// # Safety
/// As [`session_start`].
unsafe fn session_change(callback: *const sessio_session_change_callback) -> Result<Callback> {
    // SAFETY: passed on from the caller.
    unsafe { struct_size("the callback", callback, size_of::<sessio_session_change_callback>())? };
    // SAFETY: the struct is as large as ours.
    let callback = unsafe { callback.read() };
    // From here on it is released also on failure.
    let user = UserData::new(callback.user_data, callback.release);
    let tell = callback.on_session_change.ok_or_else(|| invalid("the callback needs on_session_change"))?;
    Ok(Callback::session_change(move |change: &SessionChange| {
        let user = &user;
        let session = sessio_session::new(&change.session);
        // SAFETY: the host's function with the host's data; the session lives until it returns.
        unsafe { tell(user.data, change.kind as u32, change.cause as u32, &raw const session) };
    }))
}

/// # Safety
/// As [`session_start`].
unsafe fn event(callback: *const sessio_event_callback) -> Result<Callback> {
    // SAFETY: passed on from the caller.
    unsafe { struct_size("the callback", callback, size_of::<sessio_event_callback>())? };
    // SAFETY: the struct is as large as ours.
    let callback = unsafe { callback.read() };
    // From here on it is released also on failure.
    let user = UserData::new(callback.user_data, callback.release);
    let show = callback.on_event.ok_or_else(|| invalid("the callback needs on_event"))?;
    Ok(Callback::event(move |event: &mut Event| {
        let user = &user;
        let mut handle = sessio_event(event.clone());
        // SAFETY: the host's function with the host's data; the handle lives until it returns.
        let keep = unsafe { show(user.data, &raw mut handle) };
        *event = handle.0;
        keep
    }))
}

/// Adds a callback to an open tracker and puts its id into `out`, which may be NULL.
///
/// # Safety
/// `tracker` is NULL or valid; `out` is NULL or can be written.
unsafe fn add(
    tracker: *mut sessio_tracker,
    callback: impl FnOnce() -> Result<Callback>,
    out: *mut u64,
) -> sessio_status {
    let add = |tracker: &Tracker| {
        let id = tracker.add_callback(callback()?)?;
        // SAFETY: passed on from the caller.
        if out.is_null() { Ok(()) } else { unsafe { put(out, id.0) } }
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, add) }
}

/// Asks before each session begins, from the opening of the tracker on. May be called for several. Copied; its `release` is
/// called when neither config nor tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `callback` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_session_start_callback(
    config: *mut sessio_config,
    callback: *const sessio_session_start_callback,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let callback = unsafe { session_start(callback)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.callback(callback)) }
    })
}

/// Tells what becomes of sessions, also what the opening of the tracker brings about (a session that crashed, say). May be
/// called for several. Copied; its `release` is called when neither config nor tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `callback` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_session_change_callback(
    config: *mut sessio_config,
    callback: *const sessio_session_change_callback,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let callback = unsafe { session_change(callback)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.callback(callback)) }
    })
}

/// Shows every event before it is stamped. May be called for several. Copied; its `release` is called when neither config
/// nor tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `callback` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_event_callback(
    config: *mut sessio_config,
    callback: *const sessio_event_callback,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let callback = unsafe { event(callback)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.callback(callback)) }
    })
}

/// Adds a callback to an open tracker, and puts its id into `out`, which may be NULL. Copied; its `release` is called when it
/// was removed or the tracker closed, and the last call of it has returned.
///
/// # Safety
/// `tracker` is NULL or valid; `callback` is NULL or a struct as its size says; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_add_session_start_callback(
    tracker: *mut sessio_tracker,
    callback: *const sessio_session_start_callback,
    out: *mut u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { add(tracker, || session_start(callback), out) }
}

/// The same for what becomes of sessions.
///
/// # Safety
/// As `sessio_tracker_add_session_start_callback`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_add_session_change_callback(
    tracker: *mut sessio_tracker,
    callback: *const sessio_session_change_callback,
    out: *mut u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { add(tracker, || session_change(callback), out) }
}

/// The same for events.
///
/// # Safety
/// As `sessio_tracker_add_session_start_callback`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_add_event_callback(
    tracker: *mut sessio_tracker,
    callback: *const sessio_event_callback,
    out: *mut u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { add(tracker, || event(callback), out) }
}

/// Removes a callback that was added to an open tracker, also from within itself. A call of it that is under way in another
/// thread goes on; `release` follows its end. SESSIO_ERROR_INVALID_ARGUMENT: there is none of that id.
///
/// # Safety
/// `tracker` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_remove_callback(
    tracker: *mut sessio_tracker,
    id: u64,
) -> sessio_status {
    let remove = |tracker: &Tracker| match tracker.remove_callback(CallbackId(id))? {
        true => Ok(()),
        false => Err(invalid(format!("there is no callback with the id {id}"))),
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, remove) }
}

const _: () =
    assert!(ChangeKind::Ended as u32 == SESSIO_CHANGE_ENDED && Cause::Closing as u32 == SESSIO_CAUSE_CLOSING);
