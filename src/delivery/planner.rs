//! Decides for one destination what is sent when: how many items, after which wait. It carries nothing itself:
//! whoever does asks [`Planner::next`], sends, and reports. Time and chance are arguments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy;
use crate::clock::Now;
use crate::protocol::{BatchLimits, Verdict};

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send the oldest items: at most so many, in at most so many bytes. Report what came of it before asking for more.
    Send(BatchLimits),
    /// Nothing before [`Now::elapsed`] is at this reading, in milliseconds; then ask again.
    WaitUntil(u64),
    /// Nothing until something changes: a report, new items, the foreground, [`Planner::wake`].
    Idle,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// There was an answer, and the protocol judged it.
    Judged(Verdict),
    /// There was none: the network failed, or it took too long.
    NoAnswer {
        /// For the log.
        reason: String,
    },
    /// The first item could not be written into a request.
    Unwritable {
        /// For the log.
        reason: String,
    },
}

/// What to do with the items of a request, in one transaction with storing [`Planner::progress`].
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// They are delivered, but for so many that were refused one by one.
    Delivered {
        /// How many were refused.
        rejected: usize,
    },
    /// So many of the first ones are dropped and counted.
    Dropped {
        /// How many.
        items: usize,
        /// For the log and the observer.
        reason: String,
    },
    /// They stay owed.
    Kept {
        /// For the log.
        reason: String,
    },
}

/// What a restart must not forget.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Failures in a row.
    pub failures: u32,
    /// Nothing is sent before that: UTC, milliseconds since 1970.
    pub not_before: Option<i64>,
    /// How long the wait was when it began, in milliseconds: never is there more of it left, wherever the wall clock
    /// went since.
    pub wait_ms: u64,
}

/// Smaller batches than usual, until that many items are settled.
#[derive(Debug, Clone, Copy)]
struct Careful {
    batch: usize,
    left: usize,
}

/// The state machine of one destination. At most one request is under way.
#[derive(Debug)]
pub struct Planner {
    limits: BatchLimits,
    progress: Progress,
    /// `not_before` on the clock that does not step.
    due: u64,
    owed: usize,
    under_way: bool,
    careful: Option<Careful>,
    in_background: bool,
    /// In background, after a failure: there is no second try without a new cause.
    resting: bool,
}

impl Planner {
    /// A planner for a protocol with these limits, in foreground, with nothing owed yet. `progress` is what was
    /// stored of the one before, or the default.
    pub fn new(limits: BatchLimits, progress: Progress, now: Now) -> Self {
        let wait_ms = progress.wait_ms.min(policy::millis(policy::LONGEST_WAIT));
        let left = progress.not_before.map_or(0, |at| at.saturating_sub(now.wall));
        let left = u64::try_from(left).unwrap_or(0).min(wait_ms);
        Self {
            limits,
            progress: Progress { wait_ms, ..progress },
            due: now.elapsed.saturating_add(left),
            owed: 0,
            under_way: false,
            careful: None,
            in_background: false,
            resting: false,
        }
    }

    /// What must be stored with each report.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// So many items are owed to the destination now, those under way included. More than before are a new cause.
    pub fn set_owed(&mut self, items: usize) {
        self.resting &= items <= self.owed;
        self.owed = items;
    }

    /// The app went to background or foreground. In background what is due is sent once: after a failure, and while
    /// it waits, the planner asks for no timer.
    pub fn set_background(&mut self, in_background: bool) {
        self.resting &= in_background && self.in_background;
        self.in_background = in_background;
    }

    /// Somebody asks for delivery, as `flush` does. That ends a rest in background, not a wait.
    pub fn wake(&mut self) {
        self.resting = false;
    }

    /// Whether a request is to be reported first.
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Whether the receiver is left alone now: after a failure, or because it asked for it.
    pub fn is_waiting(&self, now: Now) -> bool {
        self.resting || now.elapsed < self.due.min(now.elapsed.saturating_add(self.progress.wait_ms))
    }

    /// The request came to nothing through no fault of the receiver, or was never made: all is as before it.
    pub fn give_up(&mut self) {
        self.under_way = false;
    }

    /// What to do now. After [`Next::Send`] it is [`Next::Idle`] until the report.
    pub fn next(&mut self, now: Now) -> Next {
        if self.under_way || self.owed == 0 || self.resting {
            return Next::Idle;
        }
        // Should even that clock begin anew, no wait gets longer than it was.
        self.due = self.due.min(now.elapsed.saturating_add(self.progress.wait_ms));
        if now.elapsed < self.due {
            return if self.in_background { Next::Idle } else { Next::WaitUntil(self.due) };
        }
        self.under_way = true;
        let items = self.careful.map_or(self.limits.items, |careful| careful.batch);
        Next::Send(BatchLimits { items, ..self.limits })
    }

    /// A request with the first `sent` items (at least one) has come to an end: what becomes of them. `random` is any
    /// number, each as likely.
    pub fn report(&mut self, attempt: Attempt, sent: usize, now: Now, random: u64) -> Settled {
        self.under_way = false;
        match attempt {
            Attempt::Judged(Verdict::Done { rejected }) => self.delivered(sent, rejected),
            Attempt::Judged(Verdict::Retry { after, reason }) => self.wait(after, reason, now, random),
            Attempt::NoAnswer { reason } => self.wait(None, reason, now, random),
            Attempt::Judged(Verdict::Drop { reason, pause }) => {
                self.hold(pause.unwrap_or_default(), now);
                self.dropped(sent, reason)
            }
            Attempt::Unwritable { reason } => self.dropped(1, reason),
            Attempt::Judged(Verdict::Halve { reason }) => self.divided(sent / 2, sent, reason),
            Attempt::Judged(Verdict::OneByOne { reason }) => self.divided(1, sent, reason),
        }
    }

    fn delivered(&mut self, sent: usize, rejected: usize) -> Settled {
        self.progress = Progress::default();
        self.settle(sent);
        Settled::Delivered { rejected: rejected.min(sent) }
    }

    /// The receiver answered, so there is nothing to wait for unless it says so; but only a success tells that it is
    /// well.
    fn dropped(&mut self, items: usize, reason: String) -> Settled {
        self.settle(items);
        Settled::Dropped { items, reason }
    }

    fn wait(&mut self, after: Option<Duration>, reason: String, now: Now, random: u64) -> Settled {
        self.progress.failures = self.progress.failures.saturating_add(1);
        // A receiver that asks for no time at all gets the usual: it would be asked without a pause.
        let own = || policy::backoff(self.progress.failures, random);
        let wait = after.filter(|after| !after.is_zero()).unwrap_or_else(own);
        self.hold(wait, now);
        self.resting = self.in_background;
        Settled::Kept { reason }
    }

    /// Nothing is sent for that long, on both clocks.
    fn hold(&mut self, wait: Duration, now: Now) {
        let wait_ms = policy::millis(wait.min(policy::LONGEST_WAIT));
        let not_before = Some(now.wall.saturating_add_unsigned(wait_ms));
        self.progress = Progress { not_before, wait_ms, ..self.progress };
        self.due = now.elapsed.saturating_add(wait_ms);
    }

    /// The same items again at once, in smaller batches. One item alone is what the receiver cannot take.
    fn divided(&mut self, batch: usize, sent: usize, reason: String) -> Settled {
        if sent <= 1 {
            // The one that was sought is found: full batches again.
            self.careful = None;
            return self.dropped(sent, reason);
        }
        let left = self.careful.map_or(sent, |careful| careful.left.max(sent));
        self.careful = Some(Careful { batch, left });
        Settled::Kept { reason }
    }

    fn settle(&mut self, items: usize) {
        self.owed = self.owed.saturating_sub(items);
        self.careful = self.careful.and_then(|careful| {
            let left = careful.left.saturating_sub(items);
            (left > 0).then_some(Careful { left, ..careful })
        });
    }
}
