//! Forks. A child has the mapping and the locks of its parent but none of its threads: it must not touch the one and
//! must not keep the other.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between this process and the first one that used the library. One atomic load.
pub(crate) fn generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Watches for forks from now on.
pub(crate) fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(platform::watch);
}

#[cfg(unix)]
mod platform {
    use std::sync::atomic::{AtomicI32, Ordering};

    /// Locks that are held: as many as a process plausibly has trackers. One over it stays locked as long as the
    /// child lives.
    const MOST: usize = 64;
    static LOCKS: [AtomicI32; MOST] = [const { AtomicI32::new(-1) }; MOST];

    pub(super) fn watch() {
        // SAFETY: `in_child` takes nothing and is async-signal-safe. A failure (no memory) leaves forks unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }

    /// Runs in the child before `fork` returns there.
    extern "C" fn in_child() {
        super::FORKS.fetch_add(1, Ordering::Relaxed);
        for lock in &LOCKS {
            let descriptor = lock.swap(-1, Ordering::Relaxed);
            if descriptor >= 0 {
                // SAFETY: the child's copy of a descriptor that only `Lock` uses; in a child every tracker is left
                // alone and leaked, so no one closes it again. Without this a lock would outlive the parent as long
                // as the child lives.
                unsafe { libc::close(descriptor) };
            }
        }
    }

    pub(crate) fn hold(descriptor: i32) {
        let free = LOCKS
            .iter()
            .find(|lock| lock.compare_exchange(-1, descriptor, Ordering::Relaxed, Ordering::Relaxed).is_ok());
        debug_assert!(free.is_some() || cfg!(not(debug_assertions)) || LOCKS.len() == MOST);
    }

    pub(crate) fn let_go(descriptor: i32) {
        for lock in &LOCKS {
            let _ = lock.compare_exchange(descriptor, -1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

#[cfg(unix)]
pub(super) use platform::{hold, let_go};

#[cfg(not(unix))]
mod platform {
    /// There is no fork here.
    pub(super) fn watch() {}
}
