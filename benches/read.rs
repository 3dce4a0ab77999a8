//! Reading the session.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use sessio::Tracker;
use support::{Budget, Folder, event, open, timed};

const READS: u32 = 500_000;
const LOOKS: u32 = 500;
const ROUNDS: usize = 9;

fn main() -> ExitCode {
    support::run("read", |report| {
        let folder = Folder::new();
        let (tracker, event) = (open(&folder.path("app.db")), event());
        tracker.track(&event).unwrap();
        report.line("session read", best(&tracker), "ns", Budget::AtMost(100.0));

        let done = AtomicBool::new(false);
        let while_tracking = std::thread::scope(|scope| {
            // A full journal refuses events; the reads are what counts here.
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    drop(tracker.track(&event))
                }
            });
            let figure = best(&tracker);
            done.store(true, Ordering::Relaxed);
            figure
        });
        report.line("session read while another thread tracks", while_tracking, "ns", Budget::None);

        let look =
            || (0..LOOKS).for_each(|_| drop(black_box(Tracker::peek(folder.path("app.db"), "default"))));
        let looks = (0..ROUNDS).map(|_| timed(look).0.as_secs_f64() * 1e6 / f64::from(LOOKS));
        let best = looks.fold(f64::INFINITY, f64::min);
        report.line("session peeked at from the files", best, "µs", Budget::AtMost(1_000.0));
    })
}

/// Nanoseconds a read, of the best round.
fn best(tracker: &Tracker) -> f64 {
    let round = || {
        let read = || (0..READS).for_each(|_| drop(black_box(tracker.session().unwrap())));
        let (time, ()) = timed(read);
        time.as_secs_f64() * 1e9 / f64::from(READS)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}
