//! How events are delivered, and when.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use super::boundary::guard;
use super::config::{sessio_config, set, try_set};
use super::observer::{HostObserver, sessio_delivery_observer};
use super::status::sessio_status;
use super::text::{optional, text};
use super::transport::{HostTransport, sessio_transport};
use crate::config::BackgroundDelivery;
use crate::error::invalid;

/// In background what is due is sent once; after a failure it waits for the foreground, for new events, or for
/// `sessio_tracker_flush`. A phone is not kept awake by it (the default).
pub const SESSIO_BACKGROUND_ONCE: u32 = 0;
/// In background everything is as in foreground: for desktops and servers.
pub const SESSIO_BACKGROUND_ALWAYS: u32 = 1;
/// In background nothing is sent.
pub const SESSIO_BACKGROUND_NEVER: u32 = 2;

/// A transport of the host's, copied: carries the requests to all destinations. Default: the built-in HTTP client, in
/// builds that have it; in others a tracker with destinations opens only with this, or with manual delivery. Its
/// `release` is called when neither config nor tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `transport` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_transport(
    config: *mut sessio_config,
    transport: *const sessio_transport,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let transport = Arc::new(unsafe { HostTransport::new(transport)? });
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.transport(transport)) }
    })
}

/// Whether the host drives delivery: it asks by `sessio_tracker_next_request` when the network and the system suit it
/// (uploads in background, say), and nothing is sent by itself, whatever transport is set. Default false.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_manual_delivery(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.manual_delivery(on)) })
}

/// Who is told what becomes of events, copied. Default: nobody. Its `release` is called when neither config nor
/// tracker uses it any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; `observer` is NULL or
/// a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_delivery_observer(
    config: *mut sessio_config,
    observer: *const sessio_delivery_observer,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let observer = Arc::new(unsafe { HostObserver::new(observer)? });
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.delivery_observer(observer)) }
    })
}

/// What is sent while the app is in background: SESSIO_BACKGROUND_ONCE (default), SESSIO_BACKGROUND_ALWAYS or
/// SESSIO_BACKGROUND_NEVER.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_background_delivery(
    config: *mut sessio_config,
    what: u32,
) -> sessio_status {
    guard(|| {
        let what = match what {
            SESSIO_BACKGROUND_ONCE => BackgroundDelivery::Once,
            SESSIO_BACKGROUND_ALWAYS => BackgroundDelivery::Always,
            SESSIO_BACKGROUND_NEVER => BackgroundDelivery::Never,
            other => return Err(invalid(format!("{other} is no background delivery"))),
        };
        // SAFETY: passed on from the caller.
        unsafe { set(config, |builder| builder.background_delivery(what)) }
    })
}

/// How long connecting may take, on the built-in HTTP client. 0 is refused. Default 10000.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_connect_timeout_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.connect_timeout(Duration::from_millis(ms))) })
}

/// How long a whole request may take, also one of the host's transport: without an answer by then it has failed, is
/// cancelled, and is sent again after a backoff. It has no meaning for manual delivery. 0 is refused. Default 30000.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_request_timeout_ms(
    config: *mut sessio_config,
    ms: u64,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.request_timeout(Duration::from_millis(ms))) })
}

/// A proxy for all receivers, on the built-in HTTP client: `http://`, `https://`, `socks4://` or `socks5://`, with user and
/// password if it wants them; an HTTP proxy must allow CONNECT. NULL: none, whatever the environment says. Default: the
/// environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_proxy(
    config: *mut sessio_config,
    url: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let url = unsafe { optional("proxy", url)? };
        // SAFETY: passed on from the caller.
        unsafe { try_set(config, |builder| builder.proxy(url)) }
    })
}

/// Trusts certificates (PEM, one or more) as roots beside Mozilla's, on the built-in HTTP client: for receivers with a
/// certificate authority of your own. May be called for several. Default: Mozilla's alone.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_root_certificates(
    config: *mut sessio_config,
    pem: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let pem = unsafe { text("root_certificates", pem)? };
        // SAFETY: passed on from the caller.
        unsafe { try_set(config, |builder| builder.root_certificates(pem)) }
    })
}
