//! The line that no panic crosses, and what is on its other side: statuses, structs that grow, callbacks with a
//! release.

use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::status::{SESSIO_OK, remember, sessio_status};
use crate::error::{Error, ErrorKind, Result, invalid};

/// Runs a call of the host's. An error or a panic becomes a status, and this thread's last error.
pub(super) fn guard(call: impl FnOnce() -> Result<()>) -> sessio_status {
    let mut call = Some(call);
    status_of(&mut || call.take().map_or(Ok(()), |call| call()))
}

/// The same for calls that give something by value: `otherwise` when they fail.
pub(super) fn guard_or<T>(otherwise: T, call: impl FnOnce() -> Result<T>) -> T {
    let mut given = None;
    guard(|| {
        given = Some(call()?);
        Ok(())
    });
    given.unwrap_or(otherwise)
}

/// One for all: copies in each function of the interface, and of [`super::config::set`], made the library 0.1 MB larger.
#[inline(never)]
fn status_of(call: &mut dyn FnMut() -> Result<()>) -> sessio_status {
    match caught(call) {
        Ok(()) => SESSIO_OK,
        Err(e) => remember(&e),
    }
}

fn caught(call: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    quiet(|| catch_unwind(AssertUnwindSafe(call))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::new(ErrorKind::Internal, format!("a defect of sessio: {text}")))
    })
}

/// Keeps the standard library from printing a panic that is caught and reported anyway. Panics of others are printed
/// as ever.
fn quiet<T>(call: impl FnOnce() -> T) -> T {
    thread_local!(static INSIDE: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !INSIDE.try_with(Cell::get).unwrap_or(true) {
                before(info);
            }
        }));
    });
    let was_inside = INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(true);
    let result = call();
    let _ = INSIDE.try_with(|inside| inside.set(was_inside));
    result
}

/// Larger than any struct of ours will ever be: such a `struct_size` was never set.
const LARGEST: usize = 64 * 1_024;

/// Checks the `struct_size` at the front of a struct from C, whose first edition had `first` bytes.
///
/// # Safety
/// `pointer` is NULL or points to a struct that begins with its size.
pub(super) unsafe fn struct_size<T>(what: &str, pointer: *const T, first: usize) -> Result<usize> {
    if pointer.is_null() {
        return Err(invalid(format!("{what} is NULL")));
    }
    // SAFETY: not NULL, and by the contract it begins with a size_t.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    if !(first..=LARGEST).contains(&size) {
        return Err(invalid(format!(
            "{what}: struct_size is {size}, expected sizeof, which is at least {first}"
        )));
    }
    Ok(size)
}

/// Writes `value` into a struct of the caller's, as much of it as their edition has.
///
/// # Safety
/// As [`struct_size`], and as many bytes as the struct says can be written.
pub(super) unsafe fn fill<T>(what: &str, out: *mut T, first: usize, mut value: T) -> Result<()> {
    // SAFETY: passed on from the caller.
    let size = unsafe { struct_size(what, out, first)? };
    // SAFETY: every struct here is repr(C) and begins with its size, which stays what the caller set.
    unsafe { (&raw mut value).cast::<usize>().write(size) };
    // SAFETY: the caller's struct has `size` bytes, ours `size_of::<T>()`; they do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(
            (&raw const value).cast::<u8>(),
            out.cast::<u8>(),
            size.min(size_of::<T>()),
        )
    };
    Ok(())
}

/// A host's `user_data` with its `release`, which is called exactly once, when this is dropped.
pub(super) struct UserData {
    pub data: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
}

impl UserData {
    pub fn new(data: *mut c_void, release: Option<unsafe extern "C" fn(*mut c_void)>) -> Self {
        Self { data, release }
    }
}

// SAFETY: the header tells hosts that callbacks come from the threads it names for each; the data is theirs.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the host gave both for each other, and this is the one time.
            unsafe { release(self.data) };
        }
    }
}
