//! Android: the system's properties, and the kernel's files.
#![allow(unsafe_code)] // the properties are read by a C function

use std::ffi::CStr;

use crate::protocol::Device;

use super::{files, plausible};

pub(super) fn system() -> Device {
    Device {
        os_name: Some("Android".into()),
        os_version: property(c"ro.build.version.release"),
        manufacturer: property(c"ro.product.manufacturer"),
        model: property(c"ro.product.model"),
        total_memory: files::memory(),
        ..Device::default()
    }
}

pub(super) fn locale() -> Option<String> {
    sys_locale::get_locale()
}

pub(super) fn time_zone() -> Option<String> {
    iana_time_zone::get_timezone().ok()
}

fn property(name: &CStr) -> Option<String> {
    let mut value = [0u8; libc::PROP_VALUE_MAX as usize];
    // SAFETY: the name is NUL-terminated, and a value has at most PROP_VALUE_MAX bytes with its NUL.
    let length = unsafe { libc::__system_property_get(name.as_ptr(), value.as_mut_ptr().cast()) };
    plausible(std::str::from_utf8(value.get(..usize::try_from(length).ok()?)?).ok()?)
}
