//! Stories of a destination, one step a line: how the tests of the planner are told.

use std::time::Duration;

use sessio::clock::{Clock, ManualClock, Now};
use sessio::delivery::{Attempt, Next, Planner, Progress, Settled};
use sessio::protocol::{BatchLimits, Verdict};

pub const WALL: i64 = 1_769_850_300_000;
pub const ELAPSED: u64 = 5_000;
pub const LIMITS: BatchLimits = BatchLimits { items: 8, bytes: 1_000 };

pub const SECOND: u64 = 1_000;
pub const DAY: u64 = 86_400 * SECOND;

/// What happens, and what the planner says next. Times are milliseconds since the story began; jitter takes the whole backoff.
pub enum Step {
    /// So many items are owed.
    Owed(usize, Is),
    /// Time passes until then.
    At(u64, Is),
    /// The request with so many items ends, with what becomes of them.
    Ends(Attempt, usize, Settled, Is),
    Background(bool, Is),
    Wake(Is),
    /// The wall clock steps by so many milliseconds.
    WallSteps(i64, Is),
    /// Another process goes on with what was stored, and as many items.
    Restart(Is),
    /// The same in another boot of the device.
    Reboot(Is),
}
pub use Step::*;

/// `Next`, with times from the beginning of the story.
#[derive(Debug, PartialEq)]
pub enum Is {
    Sends(usize),
    Waits(u64),
    Idle,
}
pub use Is::{Idle, Sends, Waits};

pub fn done() -> Attempt {
    Attempt::Judged(Verdict::Done { rejected: 0 })
}

pub fn offline() -> Attempt {
    Attempt::NoAnswer { reason: "why".into() }
}

pub fn retry() -> Attempt {
    Attempt::Judged(Verdict::Retry { after: None, reason: "why".into() })
}

pub fn retry_after(ms: u64) -> Attempt {
    Attempt::Judged(Verdict::Retry { after: Some(Duration::from_millis(ms)), reason: "why".into() })
}

pub fn refused() -> Attempt {
    refused_for(None)
}

pub fn refused_for(pause: Option<u64>) -> Attempt {
    Attempt::Judged(Verdict::Drop { reason: "why".into(), pause: pause.map(Duration::from_millis) })
}

pub fn too_much() -> Attempt {
    Attempt::Judged(Verdict::Halve { reason: "why".into() })
}

pub fn one_is_bad() -> Attempt {
    Attempt::Judged(Verdict::OneByOne { reason: "why".into() })
}

pub fn unwritable() -> Attempt {
    Attempt::Unwritable { reason: "why".into() }
}

pub fn delivered() -> Settled {
    Settled::Delivered { rejected: 0 }
}

pub fn kept() -> Settled {
    Settled::Kept { reason: "why".into() }
}

pub fn dropped(items: usize) -> Settled {
    Settled::Dropped { items, reason: "why".into() }
}

pub fn tell(story: &str, steps: impl IntoIterator<Item = Step>) {
    let clock = ManualClock::new(Now::new(WALL, ELAPSED));
    let mut planner = Planner::new(LIMITS, Progress::default(), clock.now());
    let (mut begin, mut passed, mut owed) = (ELAPSED, 0, 0);
    for (at, step) in steps.into_iter().enumerate() {
        let restarted = |planner: &Planner, clock: &ManualClock, owed: usize| {
            let stored = serde_json::to_string(planner.progress()).unwrap();
            let mut planner = Planner::new(LIMITS, serde_json::from_str(&stored).unwrap(), clock.now());
            planner.set_owed(owed);
            planner
        };
        let expected = match step {
            Owed(items, is) => {
                owed = items;
                planner.set_owed(items);
                is
            }
            At(time, is) => {
                clock.advance(Duration::from_millis(time - passed));
                passed = time;
                is
            }
            Ends(attempt, sent, settled, is) => {
                assert_eq!(
                    planner.report(attempt, sent, clock.now(), u64::MAX),
                    settled,
                    "{story}: step {at}"
                );
                owed -= match settled {
                    Settled::Delivered { .. } => sent,
                    Settled::Dropped { items, .. } => items,
                    Settled::Kept { .. } => 0,
                };
                is
            }
            Background(in_background, is) => {
                planner.set_background(in_background);
                is
            }
            Wake(is) => {
                planner.wake();
                is
            }
            WallSteps(ms, is) => {
                clock.step_wall(ms);
                is
            }
            Restart(is) => {
                planner = restarted(&planner, &clock, owed);
                is
            }
            Reboot(is) => {
                clock.reboot(Some(1));
                begin = 0u64.wrapping_sub(passed);
                planner = restarted(&planner, &clock, owed);
                is
            }
        };
        let is = match planner.next(clock.now()) {
            Next::Send(BatchLimits { items, bytes }) => {
                assert_eq!(bytes, LIMITS.bytes);
                Sends(items)
            }
            Next::WaitUntil(elapsed) => Waits(elapsed.wrapping_sub(begin)),
            Next::Idle => Idle,
        };
        assert_eq!(is, expected, "{story}: step {at}");
    }
}
