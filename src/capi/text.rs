//! Text between C and Rust.

use std::ffi::{CStr, c_char};
use std::fmt::Display;

use super::handle::null;
use crate::error::{Error, ErrorKind, Result};

/// A text argument that must be there.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated text that lives for the length of the call.
pub(super) unsafe fn text<'a>(what: &str, pointer: *const c_char) -> Result<&'a str> {
    // SAFETY: passed on from the caller.
    unsafe { optional(what, pointer)? }.ok_or_else(|| null(what))
}

/// A text argument that may be NULL.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn optional<'a>(what: &str, pointer: *const c_char) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, NUL-terminated and alive by the contract.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(Some).map_err(|e| not_utf8(what, e))
}

/// A text argument with a length.
///
/// # Safety
/// `pointer` is NULL or points to `length` bytes that live for the length of the call.
pub(super) unsafe fn sized<'a>(what: &str, pointer: *const c_char, length: usize) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(what));
    }
    if length > isize::MAX as usize {
        return Err(Error::new(ErrorKind::TooLarge, format!("{what} has {length} bytes")));
    }
    // SAFETY: not NULL and that many bytes long by the contract, and not longer than a slice may be.
    let bytes = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) };
    std::str::from_utf8(bytes).map_err(|e| not_utf8(what, e))
}

fn not_utf8(what: &str, e: std::str::Utf8Error) -> Error {
    Error::with_source(ErrorKind::InvalidUtf8, format!("{what} is not UTF-8"), e)
}

/// A value as NUL-terminated text in an array that is large enough for it; cut otherwise.
pub(super) fn array<const N: usize>(value: Option<impl Display>) -> [c_char; N] {
    let mut array = [0; N];
    if let Some(value) = value {
        let text = value.to_string();
        for (place, byte) in array[..N - 1].iter_mut().zip(text.bytes()) {
            *place = byte as c_char;
        }
    }
    array
}

/// Copies text into a caller's buffer, always terminated. Gives the length of the whole text.
///
/// # Safety
/// `buffer` is NULL or has room for `capacity` bytes.
pub(super) unsafe fn copy(text: &str, buffer: *mut c_char, capacity: usize) -> usize {
    if !buffer.is_null() && capacity > 0 {
        let fits = text.floor_char_boundary(capacity - 1);
        // SAFETY: the buffer has room for `capacity` bytes by the contract, and `fits` is less.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr().cast::<c_char>(), buffer, fits);
            buffer.add(fits).write(0);
        }
    }
    text.len()
}
