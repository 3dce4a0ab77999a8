//! Configuration: when sessions begin and end, and which are kept.

use std::ffi::c_char;

use super::boundary::guard;
use super::config::{sessio_config, set, time};
use super::status::sessio_status;
use super::text::text;
use crate::config::Preset;
use crate::error::invalid;
use crate::session::{RestartPolicy, Sampling};

/// An open session goes on after a restart of the app, unless it is expired or the app crashed (the default).
pub const SESSIO_RESTART_RESUME: u32 = 0;
/// A restart of the app ends an open session.
pub const SESSIO_RESTART_START_NEW: u32 = 1;

/// How long a session may be idle while the app is in foreground (rule S1): it expires when the gap since the last
/// activity is greater. 0: never. Default 1800000 (30 min).
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_foreground_timeout_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.foreground_timeout(time(ms))) })
}

/// The same while the app is in background. 0: never. Default 1800000 (30 min).
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_background_timeout_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.background_timeout(time(ms))) })
}

/// How long a session may last at all (S12). Over it, the next event or change of background ends it. 0: no limit
/// (the default).
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_max_session_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.max_session(time(ms))) })
}

/// How long without an event until a heartbeat (S13). 0: off. Default 30000.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_heartbeat_interval_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.heartbeat_interval(time(ms))) })
}

/// What a restart of the app does to an open session (S9): SESSIO_RESTART_RESUME (default) or SESSIO_RESTART_START_NEW.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_restart_policy(
    config: *mut sessio_config,
    policy: u32,
) -> sessio_status {
    guard(|| {
        let policy = match policy {
            SESSIO_RESTART_RESUME => RestartPolicy::Resume,
            SESSIO_RESTART_START_NEW => RestartPolicy::StartNew,
            other => return Err(invalid(format!("{other} is no restart policy"))),
        };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.restart_policy(policy)) }
    })
}

/// Ends sessions as another system does: sets both timeouts, the maximum length and the restart policy. One of
/// "snowplow" (30 min; each start of the app begins a new session), "bugsnag" (30 s in background, never in foreground; a
/// new one), "exceptionless" (never; a new one), "datadog" (15 min, at most 4 h; a new one), "otel" (15 min in background, at
/// most 4 h; a new one), "firebase" (30 min in background; a new one), "amplitude" (5 min in background; goes on). What is
/// set after it goes before it. Default: ours, as written at each option.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_preset(
    config: *mut sessio_config,
    name: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let preset = Preset::from_name(unsafe { text("name", name)? })?;
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.preset(preset)) }
    })
}

/// Whether sessions begin with events and end by timeout (S17). Off: only the session calls begin and end them.
/// Default true.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_auto_track_sessions(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.auto_track_sessions(on)) })
}

/// Whether another user ends the session (S10). Default true.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_end_session_on_user_change(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.end_session_on_user_change(on)) })
}

/// Whether a session that begins after a restart keeps the user set before (S10). Default false.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_remember_user(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.remember_user(on)) })
}

/// Which sessions are kept: a share of them from 0 (none) to 1 (all, the default), decided by their ids when they begin,
/// and for good. Nothing of the others is delivered; their events are counted as dropped (`dropped_sampled`), and the
/// history has them all the same. Events outside of sessions are always kept.
///
/// With `keep_crashed` up to 1,000 events of the others (4 MiB), the latest, are held on the disk until their session
/// ends: they are delivered if it crashed, else dropped. Default false.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_sampling(
    config: *mut sessio_config,
    share: f64,
    keep_crashed: bool,
) -> sessio_status {
    guard(|| {
        let sampling = Sampling::new(share)?.keep_crashed(keep_crashed);
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.sampling(sampling)) }
    })
}
