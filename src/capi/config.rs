//! Configuration.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use super::boundary::guard;
use super::clock::{HostClock, sessio_clock};
use super::destination::Planned;
use super::handle::Owned;
use super::log::{logger, sessio_log};
use super::session_store::{HostStore, sessio_session_store};
use super::status::sessio_status;
use super::text::text;
use crate::config::{Config, ConfigBuilder};
use crate::error::Result;
use crate::event::Severity;
use crate::log::Level;

/// The settings of a tracker, each with a default. Made by `sessio_config_new`, freed by `sessio_config_free`; used
/// by one thread at a time; borrowed by `sessio_tracker_open`, after which it may be freed or used for another
/// tracker.
pub struct sessio_config {
    builder: ConfigBuilder,
    /// Kept apart until a tracker is opened: their options may still change.
    pub(super) destinations: Vec<Planned>,
}

impl Owned for sessio_config {
    const NAME: &'static str = "the config";
}

/// Changes one option; the config stays as it was if the value is refused.
///
/// # Safety
/// `config` is NULL or valid and used by this call alone.
pub(super) unsafe fn set(
    config: *mut sessio_config,
    change: impl FnOnce(ConfigBuilder) -> ConfigBuilder,
) -> Result<()> {
    // SAFETY: passed on from the caller.
    unsafe { try_set(config, |builder| Ok(change(builder))) }
}

/// The same for an option that is checked at once.
///
/// # Safety
/// As [`set`].
pub(super) unsafe fn try_set(
    config: *mut sessio_config,
    change: impl FnOnce(ConfigBuilder) -> Result<ConfigBuilder>,
) -> Result<()> {
    // SAFETY: passed on from the caller.
    replace(unsafe { sessio_config::borrow_mut(config)? }, Box::new(change))
}

/// One for all options, for the size of the library (as `boundary::guard`).
#[inline(never)]
fn replace(config: &mut sessio_config, change: Box<Change<'_>>) -> Result<()> {
    let changed = change(config.builder.clone())?;
    changed.clone().build()?;
    config.builder = changed;
    Ok(())
}

type Change<'a> = dyn FnOnce(ConfigBuilder) -> Result<ConfigBuilder> + 'a;

/// Milliseconds from C, where 0 means never.
pub(super) fn time(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

/// The settings as they are, for opening.
///
/// # Safety
/// `config` is NULL or valid and not changed meanwhile.
pub(super) unsafe fn build(config: *const sessio_config) -> Result<Config> {
    // SAFETY: passed on from the caller.
    let sessio_config { builder, destinations } = unsafe { sessio_config::borrow(config)? };
    destinations.iter().try_fold(builder.clone(), |builder, planned| planned.add_to(builder))?.build()
}

/// A config with every default. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sessio_config_new() -> *mut sessio_config {
    sessio_config { builder: Config::builder(), destinations: Vec::new() }.give()
}

/// Frees a config. Trackers opened with it go on. NULL is fine.
///
/// # Safety
/// `config` is NULL, or came from `sessio_config_new` and is used by nobody else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_free(config: *mut sessio_config) {
    // A host's release, called when the last count is dropped, is the host's code: nothing of ours can panic here.
    // SAFETY: passed on from the caller.
    unsafe { sessio_config::free(config) }
}

/// The database file (UTF-8). It is created if it is not there; its folder must be. The journal lies beside it. A
/// path that cannot be used is told of by `sessio_tracker_open`. Unset: everything is kept in memory.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_path(
    config: *mut sessio_config,
    database_file: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let path = unsafe { text("database_file", database_file)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.path(path)) }
    })
}

/// Separates trackers that share a database: each namespace has sessions, events and counters of its own. 1 to 1,024
/// bytes of any text. Default "default".
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_namespace(
    config: *mut sessio_config,
    name: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let name = unsafe { text("name", name)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.namespace(name)) }
    })
}

/// What the receivers call the app, and its version: 1 to 512 bytes each. Default: neither.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_app(
    config: *mut sessio_config,
    app_id: *const c_char,
    app_version: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let (id, version) = unsafe { (text("app_id", app_id)?, text("app_version", app_version)?) };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.app(id, version)) }
    })
}

/// The build of the app, beside its version: 1 to 512 bytes of any text. Receivers are told it with what this version
/// of the app tracked. Default: none.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_app_build(
    config: *mut sessio_config,
    build: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let build = unsafe { text("build", build)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.app_build(build)) }
    })
}

/// Whether the app is in background when the tracker is opened (S3). Default false.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_starts_in_background(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.starts_in_background(on)) })
}

/// Whether changes of background are events themselves (`application_background`, `application_foreground` in Snowplow's
/// words), tracked by `sessio_tracker_set_is_background` and judged by the state that is left (S3), and the installation of
/// the app one (`application_install`), tracked once per database when it is first opened with tracking on. Default false.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_lifecycle_events(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.lifecycle_events(on)) })
}

/// The least severity of messages that go to the log (SESSIO_SEVERITY_…): less is not even written. Default
/// SESSIO_SEVERITY_DEBUG, which is all.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_log_level(
    config: *mut sessio_config,
    severity: u32,
) -> sessio_status {
    guard(|| {
        let level = Level::from_severity(Severity::new(severity)?.number().into());
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.log_level(level)) }
    })
}

/// A clock of the host's, copied. Default: the system's clocks. Its `release` is called when neither config nor
/// tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `clock` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_clock(
    config: *mut sessio_config,
    clock: *const sessio_clock,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let clock = Arc::new(unsafe { HostClock::new(clock)? });
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.clock(clock)) }
    })
}

/// A session store of the host's, copied. Default: the database. Its `release` is called when neither config nor
/// tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `store` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_session_store(
    config: *mut sessio_config,
    store: *const sessio_session_store,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let store = Arc::new(unsafe { HostStore::new(store)? });
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.session_store(store)) }
    })
}

/// Where the library's messages go, copied. Default: nowhere. Its `release` is called when neither config nor tracker
/// uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `log` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_log(
    config: *mut sessio_config,
    log: *const sessio_log,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let logger = unsafe { logger(log)? };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.logger(logger)) }
    })
}

/// How long events are gathered for one transaction. They survive a kill of the process meanwhile, though not a loss
/// of power. Longer saves energy. Default 20.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_commit_window_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.commit_window(Duration::from_millis(ms))) })
}

/// Size of the journal: how large a burst is taken at full speed. 1 to 256 MiB; a journal that is there keeps its
/// size. Default 4194304, about 15,000 events.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_journal_bytes(
    config: *mut sessio_config,
    bytes: usize,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.journal_bytes(bytes)) })
}

/// How long `sessio_tracker_track` may wait for space in a full journal before it refuses the event. Once it has waited
/// in vain, events are refused at once until there is space again. 0: it does not wait. Default 10.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_full_wait_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.full_wait(Duration::from_millis(ms))) })
}

/// Caps of the stored events of a namespace: age, number, bytes. Over them the oldest go first, and are counted as
/// dropped. Default 2592000000 (30 days), 100000, 67108864 (64 MiB).
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_queue_limits(
    config: *mut sessio_config,
    max_age_ms: u64,
    max_events: u64,
    max_bytes: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe {
        set(config, |builder| builder.queue_limits(Duration::from_millis(max_age_ms), max_events, max_bytes))
    })
}

/// How many ended sessions are kept for `sessio_tracker_history`. Default 1000.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_history_limit(
    config: *mut sessio_config,
    sessions: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.history_limit(sessions)) })
}
