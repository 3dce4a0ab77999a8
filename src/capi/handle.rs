//! Opaque handles: how ownership is tied to pointer types, once.

use std::sync::Arc;

use crate::error::{Result, invalid};

/// A type of which C holds counted pointers. A call borrows by taking a count of its own, so that freeing the handle
/// meanwhile, from another thread or inside a callback, takes nothing from under its feet.
pub(super) trait Shared: Sized {
    const NAME: &'static str;

    /// Gives a count to C.
    fn give(self) -> *mut Self {
        Arc::into_raw(Arc::new(self)).cast_mut()
    }

    /// Takes a count for the length of a call.
    ///
    /// # Safety
    /// `pointer` is NULL or came from `give` and was not freed.
    unsafe fn borrow(pointer: *const Self) -> Result<Arc<Self>> {
        if pointer.is_null() {
            return Err(null(Self::NAME));
        }
        // SAFETY: the pointer is one of an Arc that is alive, by the contract.
        unsafe { Arc::increment_strong_count(pointer) };
        // SAFETY: the count was taken just now.
        Ok(unsafe { Arc::from_raw(pointer) })
    }

    /// Takes C's count back.
    ///
    /// # Safety
    /// As `borrow`, and C does not use the pointer any more.
    unsafe fn take(pointer: *mut Self) -> Option<Arc<Self>> {
        // SAFETY: C's count of an Arc that is alive, by the contract.
        (!pointer.is_null()).then(|| unsafe { Arc::from_raw(pointer) })
    }
}

/// A type that C owns alone and uses from one thread at a time.
pub(super) trait Owned: Sized {
    const NAME: &'static str;

    /// Gives it to C.
    fn give(self) -> *mut Self {
        Box::into_raw(Box::new(self))
    }

    /// Borrows it for the length of a call.
    ///
    /// # Safety
    /// `pointer` is NULL or came from `give`, was not freed, and no other call uses it.
    unsafe fn borrow<'a>(pointer: *const Self) -> Result<&'a Self> {
        // SAFETY: valid and not changed meanwhile, by the contract.
        unsafe { pointer.as_ref() }.ok_or_else(|| null(Self::NAME))
    }

    /// Borrows it to change it.
    ///
    /// # Safety
    /// As `borrow`.
    unsafe fn borrow_mut<'a>(pointer: *mut Self) -> Result<&'a mut Self> {
        // SAFETY: valid and used by this call alone, by the contract.
        unsafe { pointer.as_mut() }.ok_or_else(|| null(Self::NAME))
    }

    /// Frees it; NULL is fine.
    ///
    /// # Safety
    /// As `borrow`, and C does not use the pointer any more.
    unsafe fn free(pointer: *mut Self) {
        if !pointer.is_null() {
            // SAFETY: it came from `give`, and this is the one time, by the contract.
            drop(unsafe { Box::from_raw(pointer) });
        }
    }
}

pub(super) fn null(what: &str) -> crate::Error {
    invalid(format!("{what} is NULL"))
}

/// Writes a result.
///
/// # Safety
/// `out` is NULL or can be written.
pub(super) unsafe fn put<T>(out: *mut T, value: T) -> Result<()> {
    if out.is_null() {
        return Err(null("out"));
    }
    // SAFETY: not NULL and writable by the contract.
    unsafe { out.write(value) };
    Ok(())
}
