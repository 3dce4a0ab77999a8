//! What receivers are told about the device.

use std::ffi::c_char;

use super::boundary::guard;
use super::config::{sessio_config, set, try_set};
use super::status::sessio_status;
use super::text::{optional, text};

/// Whether the library finds out by itself what receivers are told about the device: once per process, on a thread of
/// its own, and only if there is a destination. Off: they are told what `sessio_config_set_device` says and nothing else.
/// Default true.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_detect_device(
    config: *mut sessio_config,
    on: bool,
) -> sessio_status {
    // SAFETY: passed on from the caller.
    guard(|| unsafe { set(config, |builder| builder.detect_device(on)) })
}

/// What receivers are told about the device in one field, in place of what the library finds out. An empty value: the
/// field is not told to anybody. NULL: as detected (the default). `docs/wire.md` says where each field goes.
///
/// - `os_name`: "Linux", "Android", "macOS", "iOS", "Windows";
/// - `os_version`: as the system numbers itself;
/// - `architecture`: "x86_64", "aarch64" …;
/// - `manufacturer`, `model`: who made the device, and what they call it;
/// - `locale`: the user's language, BCP 47: "de-AT";
/// - `time_zone`: a name of the IANA's: "Europe/Vienna";
/// - `processor_count`: how many processors the app may use, in decimal digits: 1 to 2^32 - 1;
/// - `total_memory`: the memory of the device in bytes, in decimal digits: 1 to 2^63 - 1.
///
/// Texts have at most 255 bytes. SESSIO_ERROR_INVALID_ARGUMENT: there is no such field, or the number is none or out of
/// range. SESSIO_ERROR_TOO_LARGE: the text is too long. The message names the field.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_device(
    config: *mut sessio_config,
    field: *const c_char,
    value: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let field = unsafe { text("field", field)? };
        // SAFETY: passed on from the caller.
        let value = unsafe { optional(field, value)? };
        // SAFETY: passed on from the caller.
        unsafe { try_set(config, |builder| builder.device_field(field, value)) }
    })
}
