//! A clock of the host's.

use std::ffi::c_void;

use super::boundary::{UserData, struct_size};
use crate::clock::{Clock, Now};
use crate::error::{Result, invalid};

/// A clock of the host's, for tests and simulation. Its functions are called from any thread, inside most calls of
/// the library and with its lock held: they must be fast and must not call the library.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_clock {
    /// sizeof(sessio_clock)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Milliseconds since 1970 UTC.
    pub wall_ms: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i64>,
    /// Milliseconds of a monotonic clock that counts device sleep.
    pub elapsed_ms: Option<unsafe extern "C" fn(user_data: *mut c_void) -> u64>,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Equal numbers: the same boot, elapsed values can be compared. 0 is as good as any.
    pub boot_id: u64,
}

pub(super) struct HostClock {
    user: UserData,
    wall_ms: unsafe extern "C" fn(*mut c_void) -> i64,
    elapsed_ms: unsafe extern "C" fn(*mut c_void) -> u64,
    boot_id: u64,
}

impl HostClock {
    /// # Safety
    /// `clock` is NULL or points to a struct as its size says, with functions that may be called from any thread.
    pub unsafe fn new(clock: *const sessio_clock) -> Result<Self> {
        // SAFETY: passed on from the caller.
        unsafe { struct_size("the clock", clock, size_of::<sessio_clock>())? };
        // SAFETY: the struct is as large as ours.
        let clock = unsafe { clock.read() };
        // From here on it is released also on failure.
        let user = UserData::new(clock.user_data, clock.release);
        let (Some(wall_ms), Some(elapsed_ms)) = (clock.wall_ms, clock.elapsed_ms) else {
            return Err(invalid("a clock needs wall_ms and elapsed_ms"));
        };
        Ok(Self { user, wall_ms, elapsed_ms, boot_id: clock.boot_id })
    }
}

impl Clock for HostClock {
    fn now(&self) -> Now {
        // SAFETY: the host's functions, called with the host's data, which lives until `user` is dropped.
        unsafe { Now { wall: (self.wall_ms)(self.user.data), elapsed: (self.elapsed_ms)(self.user.data) } }
    }

    fn boot_id(&self) -> Option<u64> {
        Some(self.boot_id)
    }
}
