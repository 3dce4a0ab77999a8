//! A clock that moves when it is told to, for tests and simulations.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use super::{Clock, Now};

/// A clock set by hand. Clones of an `Arc` of it can drive several trackers.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Now, Option<u64>)>,
}

impl ManualClock {
    /// A clock that stands at `now`, in the boot number 0.
    pub fn new(now: Now) -> Self {
        Self { state: Mutex::new((now, Some(0))) }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.change(|(now, _)| {
            now.wall = now.wall.saturating_add_unsigned(ms);
            now.elapsed = now.elapsed.saturating_add(ms);
        });
    }

    /// Steps the wall clock alone, as a user or a time server does. Durations do not notice.
    pub fn step_wall(&self, ms: i64) {
        self.change(|(now, _)| now.wall = now.wall.saturating_add(ms));
    }

    /// Restarts the device: another boot, and `elapsed` counts from 0 again. The wall clock goes on.
    pub fn reboot(&self, boot_id: Option<u64>) {
        self.change(|(now, boot)| {
            now.elapsed = 0;
            *boot = boot_id;
        });
    }

    fn change(&self, change: impl FnOnce(&mut (Now, Option<u64>))) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn boot_id(&self) -> Option<u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
