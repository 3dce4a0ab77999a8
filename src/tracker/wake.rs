//! How callers wake the worker. The path of `track` costs one atomic load while the worker is awake anyway; the
//! system call of a wake comes once at the start of a burst.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::Thread;
use std::time::Duration;

const PENDING: u32 = 1;
const FILLING: u32 = 2;
const REQUESTED: u32 = 4;

/// What the worker is to do.
#[derive(Debug, Default)]
pub(super) struct Wake {
    flags: AtomicU32,
    worker: OnceLock<Thread>,
}

impl Wake {
    /// The thread that calls this is the worker.
    pub fn attach(&self) {
        let _ = self.worker.set(std::thread::current());
    }

    /// Whether the calling thread is the worker, which must not wait for itself.
    pub fn is_worker(&self) -> bool {
        self.worker.get().is_some_and(|worker| worker.id() == std::thread::current().id())
    }

    /// There is something to store, within a commit window.
    #[inline]
    pub fn pending(&self) {
        if self.flags.load(Ordering::Relaxed) & PENDING == 0 {
            self.raise(PENDING);
        }
    }

    /// The journal is filling: better not wait for the end of the window.
    pub fn filling(&self) {
        if self.flags.load(Ordering::Relaxed) & FILLING == 0 {
            self.raise(PENDING | FILLING);
        }
    }

    /// Someone waits for the worker.
    pub fn requested(&self) {
        self.raise(PENDING | REQUESTED);
    }

    fn raise(&self, flags: u32) {
        if self.flags.fetch_or(flags, Ordering::AcqRel) & flags != flags
            && let Some(worker) = self.worker.get()
        {
            worker.unpark();
        }
    }

    /// Whether there is something to store.
    pub fn is_pending(&self) -> bool {
        self.flags.load(Ordering::Acquire) & PENDING != 0
    }

    /// Whether the journal is filling.
    pub fn is_filling(&self) -> bool {
        self.flags.load(Ordering::Acquire) & FILLING != 0
    }

    /// Whether someone waits.
    pub fn is_requested(&self) -> bool {
        self.flags.load(Ordering::Acquire) & REQUESTED != 0
    }

    /// Takes the flags: what comes from now on raises them, and wakes, again.
    pub fn take(&self) {
        self.flags.swap(0, Ordering::AcqRel);
    }

    /// Sleeps until woken or for `time`; for ever if there is none. May return early.
    pub fn sleep(time: Option<Duration>) {
        match time {
            Some(time) => std::thread::park_timeout(time),
            None => std::thread::park(),
        }
    }
}
