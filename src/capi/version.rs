//! Versions.

use std::ffi::{CStr, c_char};

/// The library's version, first number: changes when the interface breaks.
pub const SESSIO_VERSION_MAJOR: u32 = 0;
/// The library's version, second number: changes when something is added.
pub const SESSIO_VERSION_MINOR: u32 = 1;
/// The library's version, third number: changes when something is mended.
pub const SESSIO_VERSION_PATCH: u32 = 0;
/// The number of the binary interface that this header describes; the one of the library's SONAME.
pub const SESSIO_ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the library that runs, e.g. "0.1.0". Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn sessio_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The binary interface of the library that runs. A program that finds another number than its own
/// `SESSIO_ABI_VERSION` was linked with a library of another edition and must not go on.
#[unsafe(no_mangle)]
pub extern "C" fn sessio_abi_version() -> u32 {
    SESSIO_ABI_VERSION
}
