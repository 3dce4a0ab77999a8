//! Events.

use std::ffi::c_char;

use super::boundary::{guard, guard_or};
use super::handle::Owned;
use super::status::sessio_status;
use super::text::{optional, sized, text};
use crate::error::Result;
use crate::event::{Event, Severity};

/// Something that happened. Made by one of the constructors, completed by the setters, handed to
/// `sessio_tracker_track` as often as one likes (which copies it), freed by `sessio_event_free`. Used by one thread
/// at a time.
///
/// Limits, in bytes of UTF-8: names (categories, actions, screens, types, schemas, keys) 1 to 1,024; a field's text
/// 32,768; JSON 98,304 and 32 levels; 128 fields; 32 contexts; 262,144 in all. What is over one is refused with
/// SESSIO_ERROR_TOO_LARGE, but a message over 32,768 and a `stack_trace` over 65,536 are cut, and the cut is marked.
pub struct sessio_event(pub(super) Event);

impl Owned for sessio_event {
    const NAME: &'static str = "the event";
}

/// Fine-grained debugging. Severities are OpenTelemetry's numbers, 1 to 24.
pub const SESSIO_SEVERITY_TRACE: u32 = 1;
/// Debugging.
pub const SESSIO_SEVERITY_DEBUG: u32 = 5;
/// Something happened, as it should.
pub const SESSIO_SEVERITY_INFO: u32 = 9;
/// Not an error, but worth a look.
pub const SESSIO_SEVERITY_WARN: u32 = 13;
/// Something went wrong.
pub const SESSIO_SEVERITY_ERROR: u32 = 17;
/// The app cannot go on.
pub const SESSIO_SEVERITY_FATAL: u32 = 21;

fn give(make: impl FnOnce() -> Result<Event>) -> *mut sessio_event {
    guard_or(std::ptr::null_mut(), || make().map(|event| sessio_event(event).give()))
}

/// A screen was shown. Either argument may be NULL, not both. NULL for bad arguments; `sessio_last_error` says why.
///
/// # Safety
/// Texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_screen_view(
    name: *const c_char,
    screen_id: *const c_char,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::screen_view(optional("name", name)?, optional("screen_id", screen_id)?) })
}

/// Something was done: Snowplow's structured event. Its `label` and `property` are set as texts, its `value` as a
/// number. NULL for bad arguments; `sessio_last_error` says why.
///
/// # Safety
/// Texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_structured(
    category: *const c_char,
    action: *const c_char,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::structured(text("category", category)?, text("action", action)?) })
}

/// Data described by a schema, e.g. "iglu:com.acme/thing/jsonschema/1-0-0". NULL for bad arguments;
/// `sessio_last_error` says why.
///
/// # Safety
/// Texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_self_describing(
    schema: *const c_char,
    data_json: *const c_char,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::self_describing(text("schema", schema)?, text("data_json", data_json)?) })
}

/// The same with the length of the data in bytes.
///
/// # Safety
/// `schema` is NULL or NUL-terminated, `data_json` NULL or `length` bytes long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_self_describing_n(
    schema: *const c_char,
    data_json: *const c_char,
    length: usize,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe {
        Event::self_describing(text("schema", schema)?, sized("data_json", data_json, length)?)
    })
}

/// Something took `timing_ms` milliseconds. NULL for bad arguments; `sessio_last_error` says why.
///
/// # Safety
/// Texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_timing(
    category: *const c_char,
    variable: *const c_char,
    timing_ms: u64,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::timing(text("category", category)?, text("variable", variable)?, timing_ms) })
}

/// A log record. `severity` is 1 to 24 (SESSIO_SEVERITY_…); `source`, a logger's or class's name, may be NULL. NULL
/// for bad arguments; `sessio_last_error` says why.
///
/// # Safety
/// Texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_log(
    severity: u32,
    source: *const c_char,
    message: *const c_char,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe {
        Event::log(Severity::new(severity)?, optional("source", source)?, text("message", message)?)
    })
}

/// The same with the length of the message in bytes; it may hold NUL.
///
/// # Safety
/// `source` is NULL or NUL-terminated, `message` NULL or `length` bytes long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_log_n(
    severity: u32,
    source: *const c_char,
    message: *const c_char,
    length: usize,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe {
        Event::log(Severity::new(severity)?, optional("source", source)?, sized("message", message, length)?)
    })
}

/// An error or exception; `unhandled` if nothing caught it. It is counted in its session (S14). Its `stack_trace` is
/// set as a text. NULL for bad arguments; `sessio_last_error` says why.
///
/// # Safety
/// Texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_error(
    r#type: *const c_char,
    message: *const c_char,
    unhandled: bool,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::error(text("type", r#type)?, text("message", message)?, unhandled) })
}

/// The same with the length of the message in bytes; it may hold NUL.
///
/// # Safety
/// `type` is NULL or NUL-terminated, `message` NULL or `length` bytes long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_error_n(
    r#type: *const c_char,
    message: *const c_char,
    length: usize,
    unhandled: bool,
) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::error(text("type", r#type)?, sized("message", message, length)?, unhandled) })
}

/// A feature of the app was used. NULL for bad arguments; `sessio_last_error` says why.
///
/// # Safety
/// The text is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_feature(name: *const c_char) -> *mut sessio_event {
    // SAFETY: passed on from the caller.
    give(|| unsafe { Event::feature(text("name", name)?) })
}

/// Changes an event.
///
/// # Safety
/// `event` is NULL or valid and used by this call alone.
unsafe fn change(event: *mut sessio_event, change: impl FnOnce(&mut Event) -> Result<()>) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| change(&mut unsafe { sessio_event::borrow_mut(event)? }.0))
}

/// Sets a field to a text, replacing what it was. Keys with a meaning of their own: `label`, `property`, `caption`,
/// `stack_trace`.
///
/// # Safety
/// `event` is NULL or valid and used by no other thread now; texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_set_text(
    event: *mut sessio_event,
    key: *const c_char,
    value: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { change(event, |event| event.set_text(text("key", key)?, text("value", value)?)) }
}

/// The same with the length of the value in bytes; it may hold NUL.
///
/// # Safety
/// As `sessio_event_set_text`; `value` is NULL or `length` bytes long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_set_text_n(
    event: *mut sessio_event,
    key: *const c_char,
    value: *const c_char,
    length: usize,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { change(event, |event| event.set_text(text("key", key)?, sized("value", value, length)?)) }
}

/// Sets a field to a finite number, replacing what it was. A key with a meaning of its own: `value`.
///
/// # Safety
/// As `sessio_event_set_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_set_number(
    event: *mut sessio_event,
    key: *const c_char,
    value: f64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { change(event, |event| event.set_number(text("key", key)?, value)) }
}

/// Sets a field to free data, replacing what it was. The JSON is kept as it is written here.
///
/// # Safety
/// As `sessio_event_set_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_set_json(
    event: *mut sessio_event,
    key: *const c_char,
    json: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { change(event, |event| event.set_json(text("key", key)?, text("json", json)?)) }
}

/// The same with the length of the JSON in bytes.
///
/// # Safety
/// As `sessio_event_set_text`; `json` is NULL or `length` bytes long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_set_json_n(
    event: *mut sessio_event,
    key: *const c_char,
    json: *const c_char,
    length: usize,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { change(event, |event| event.set_json(text("key", key)?, sized("json", json, length)?)) }
}

/// Adds data in a schema of its own to an event.
///
/// # Safety
/// As `sessio_event_set_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_add_context(
    event: *mut sessio_event,
    schema: *const c_char,
    data_json: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        change(event, |event| event.add_context(text("schema", schema)?, text("data_json", data_json)?))
    }
}

/// The same with the length of the data in bytes.
///
/// # Safety
/// As `sessio_event_set_text`; `data_json` is NULL or `length` bytes long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_add_context_n(
    event: *mut sessio_event,
    schema: *const c_char,
    data_json: *const c_char,
    length: usize,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        change(event, |event| {
            event.add_context(text("schema", schema)?, sized("data_json", data_json, length)?)
        })
    }
}

/// When it truly happened, UTC in milliseconds since 1970, if that is not the moment of `sessio_tracker_track`.
///
/// # Safety
/// As `sessio_event_set_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_set_true_time_ms(
    event: *mut sessio_event,
    wall_ms: i64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        change(event, |event| {
            event.set_true_time(wall_ms);
            Ok(())
        })
    }
}

/// Frees an event; what was tracked stays. NULL is fine.
///
/// # Safety
/// `event` is NULL, or came from a constructor and is used by nobody else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_event_free(event: *mut sessio_event) {
    // SAFETY: passed on from the caller.
    unsafe { sessio_event::free(event) }
}
