//! `track`: what one call costs the app's thread, and what four threads get through together.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use sessio::clock::{Clock, SystemClock};
use sessio::{Callback, Tracker};
use support::{Budget, Folder, Report, Samples, event, microseconds, open};

/// Events of one burst: they fit into the journal of the default size.
const BURST: usize = 10_000;
const BURSTS: usize = 30;
const THREADS: usize = 4;
/// About what an event takes in the journal.
const EVENT_BYTES: usize = 280;

fn main() -> ExitCode {
    support::run("track", |report| {
        let floor = floor();
        one_thread(report, floor.median());
        with_what_goes_along(report);
        report.line("floor: clock, UUID and copy, p50", microseconds(floor.median()), "µs", Budget::None);
        report.line(
            "floor: clock, UUID and copy, p99",
            microseconds(floor.percentile(0.99)),
            "µs",
            Budget::None,
        );
        four_threads(report);
    })
}

fn one_thread(report: &mut Report, floor: Duration) {
    let folder = Folder::new();
    let samples = calls(&open(&folder.path("app.db")));
    let at = |share: f64| microseconds(samples.percentile(share));
    report.line("track, one thread, p50", at(0.5), "µs", Budget::AtMost(0.7));
    report.line("track, one thread, p99", at(0.99), "µs", Budget::AtMost(3.0));
    report.line("track, one thread, p99.9", at(0.999), "µs", Budget::None);
    report.line("track, one thread, max", at(1.0), "µs", Budget::None);
    report.line("track, one thread, p50 over the floor", at(0.5) / microseconds(floor), "×", Budget::None);
}

/// The trail, which is on anyway, a global context, and someone who is told of changes.
fn with_what_goes_along(report: &mut Report) {
    let folder = Folder::new();
    let tracker = open(&folder.path("app.db"));
    tracker.set_global_context("iglu:com.acme/build/jsonschema/1-0-0", "{\"build\": 7}").unwrap();
    tracker.add_callback(Callback::session_change(|change| _ = black_box(change.kind))).unwrap();
    let samples = calls(&tracker);
    let at = |share: f64| microseconds(samples.percentile(share));
    report.line("track, trail, context, observer, p50", at(0.5), "µs", Budget::AtMost(0.7));
    report.line("track, trail, context, observer, p99", at(0.99), "µs", Budget::AtMost(3.0));
}

/// Each call timed by itself, in bursts that the journal takes whole.
fn calls(tracker: &Tracker) -> Samples {
    let event = event();
    let mut samples = Vec::with_capacity(BURST * BURSTS);
    for _ in 0..BURSTS {
        for _ in 0..BURST {
            let start = Instant::now();
            tracker.track(black_box(&event)).unwrap();
            samples.push(start.elapsed());
        }
        tracker.poll().unwrap();
    }
    Samples::new(samples)
}

/// What no tracker can do without: both clocks, a random id, a copy of the event's bytes.
fn floor() -> Samples {
    let (clock, mut ring) = (SystemClock::new(), vec![0u8; 4 * 1_024 * 1_024]);
    let bytes = [7u8; EVENT_BYTES];
    let places = ring.len() / EVENT_BYTES;
    let samples = (0..BURST * BURSTS).map(|number| {
        let place = number % places * EVENT_BYTES;
        let start = Instant::now();
        let now = black_box(clock.now());
        let id = uuid::Uuid::new_v4();
        ring[place..place + EVENT_BYTES].copy_from_slice(black_box(&bytes));
        ring[place..place + 16].copy_from_slice(id.as_bytes());
        ring[place + 16..place + 24].copy_from_slice(&now.wall.to_le_bytes());
        black_box(&ring);
        start.elapsed()
    });
    Samples::new(samples.collect())
}

/// All threads at once until the journal of the default size is nearly full; the best of several bursts.
fn four_threads(report: &mut Report) {
    let folder = Folder::new();
    let (tracker, event) = (open(&folder.path("app.db")), event());
    let each = BURST / THREADS;
    let burst = || {
        let barrier = Barrier::new(THREADS);
        let work = || {
            barrier.wait();
            let start = Instant::now();
            support::track(&tracker, &event, each);
            (start, Instant::now())
        };
        let spans: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let start = spans.iter().map(|span| span.0).min().unwrap();
        let end = spans.iter().map(|span| span.1).max().unwrap();
        tracker.poll().unwrap();
        (THREADS * each) as f64 / (end - start).as_secs_f64()
    };
    let mut rates: Vec<f64> = (0..BURSTS).map(|_| burst()).collect();
    rates.sort_by(f64::total_cmp);
    report.line("track, four threads, median", rates[BURSTS / 2], "events/s", Budget::AtLeast(1e6));
    report.line("track, four threads, best", rates[BURSTS - 1], "events/s", Budget::None);
}
