//! macOS, iOS and their kin: the kernel's values by name.
#![allow(unsafe_code)] // they are read by a C function

use std::ffi::CStr;

use crate::protocol::Device;

use super::plausible;

pub(super) fn system() -> Device {
    // A Mac calls its model so; the others have there what the board is called.
    let model = if cfg!(target_os = "macos") { c"hw.model" } else { c"hw.machine" };
    Device {
        os_name: Some(name().into()),
        os_version: text(c"kern.osproductversion"),
        manufacturer: Some("Apple".into()),
        model: text(model),
        total_memory: memory(),
        ..Device::default()
    }
}

fn name() -> &'static str {
    match std::env::consts::OS {
        "ios" => "iOS",
        "tvos" => "tvOS",
        "watchos" => "watchOS",
        "visionos" => "visionOS",
        _ => "macOS",
    }
}

pub(super) fn locale() -> Option<String> {
    sys_locale::get_locale()
}

pub(super) fn time_zone() -> Option<String> {
    iana_time_zone::get_timezone().ok()
}

fn text(name: &CStr) -> Option<String> {
    plausible(std::str::from_utf8(read(name, &mut [0; 256])?).ok()?)
}

fn memory() -> Option<u64> {
    let bytes = u64::from_ne_bytes(read(c"hw.memsize", &mut [0; 8])?.try_into().ok()?);
    (1..=i64::MAX as u64).contains(&bytes).then_some(bytes)
}

/// A value, if it has room.
fn read<'a>(name: &CStr, value: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut length = value.len();
    // SAFETY: the name is NUL-terminated, and `value` has room for `length` bytes.
    let answer = unsafe {
        libc::sysctlbyname(name.as_ptr(), value.as_mut_ptr().cast(), &mut length, std::ptr::null_mut(), 0)
    };
    if answer == 0 { value.get(..length) } else { None }
}
