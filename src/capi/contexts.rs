//! What goes along with events and sessions: global contexts, attributes, the trail of an error.

use std::ffi::c_char;

use super::boundary::guard;
use super::config::{sessio_config, set, try_set};
use super::status::sessio_status;
use super::text::text;
use super::tracker::{on, sessio_tracker};
use crate::event::Context;

/// How many of the last events of its session an error event carries (kind, name, time), from memory, in at most 64 bytes
/// each on average; 0 for none, at most 100; in a scope 10. Default 30.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_trail(config: *mut sessio_config, events: u32) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.trail(events as usize)) })
}

/// Adds data in a schema of its own to every event: up to 16 of them, and 16,384 bytes in all. Default: none.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_global_context(
    config: *mut sessio_config,
    schema: *const c_char,
    data_json: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let context = unsafe { Context::new(text("schema", schema)?, text("data_json", data_json)?)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.global_context(context)) }
    })
}

/// Sets an attribute with which each session begins, to a text: constant data that stays with it and is sent with its start
/// and its end. Up to 32 attributes, keys of 1 to 128 bytes, 2,048 bytes in all. A start callback may change it. Default: none.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_session_text(
    config: *mut sessio_config,
    key: *const c_char,
    value: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe {
        let (key, value) = (text("key", key)?, text("value", value)?);
        try_set(config, |builder| builder.change_attributes(|attributes| attributes.set_text(key, value)))
    })
}

/// The same to a finite number.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; the key is NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_session_number(
    config: *mut sessio_config,
    key: *const c_char,
    value: f64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe {
        let key = text("key", key)?;
        try_set(config, |builder| builder.change_attributes(|attributes| attributes.set_number(key, value)))
    })
}

/// Adds data in a schema of its own to every event from now on, in place of that of the same schema: up to 16 of them, and
/// 16,384 bytes in all. It is not kept: set it after each start.
///
/// # Safety
/// `tracker` is NULL or valid; texts are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_set_global_context(
    tracker: *mut sessio_tracker,
    schema: *const c_char,
    data_json: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe {
        on(tracker, |tracker| {
            tracker.set_global_context(text("schema", schema)?, text("data_json", data_json)?)
        })
    }
}

/// Removes the global context of that schema. Without one it has no effect.
///
/// # Safety
/// `tracker` is NULL or valid; the text is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_remove_global_context(
    tracker: *mut sessio_tracker,
    schema: *const c_char,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, |tracker| tracker.remove_global_context(text("schema", schema)?).map(drop)) }
}
