//! Time. Two clocks, always read together: a wall clock for stamps, and one that never steps back and counts the
//! sleep of the device, for every duration and timeout (semantics, "Time").

mod manual;
mod system;

pub use manual::ManualClock;
pub use system::SystemClock;

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// UTC in milliseconds since 1970. May step either way.
    pub wall: i64,
    /// Milliseconds on a monotonic clock that counts device sleep. Its zero is of no meaning.
    pub elapsed: u64,
}

impl Now {
    /// A moment from its two readings.
    pub const fn new(wall: i64, elapsed: u64) -> Self {
        Self { wall, elapsed }
    }
}

/// A source of time. Read on the thread of every call that changes something, so it must be fast (the system's takes
/// about 50 ns) and must not call back into the tracker.
pub trait Clock: Send + Sync {
    /// Both clocks, read together.
    fn now(&self) -> Now;

    /// A number that is the same as long as `elapsed` readings can be compared: one boot of the device. `None`
    /// when unknown; gaps between processes are then measured by the wall clock.
    fn boot_id(&self) -> Option<u64>;
}
