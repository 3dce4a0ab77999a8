//! Opening: what an app's start pays.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use sessio::Tracker;
use support::{Budget, Folder, Report, Samples, event, milliseconds, open, timed, track};

const EVENTS: usize = 10_000;
const TIMES: usize = 15;
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    support::run("open", |report| {
        existing(report);
        first(report);
        sync(report);
    })
}

fn existing(report: &mut Report) {
    let folder = Folder::new();
    let path = folder.path("app.db");
    let tracker = open(&path);
    track(&tracker, &event(), EVENTS);
    tracker.close(PATIENCE).unwrap();
    show(report, "open, existing database with 10,000 events", 2.0, || path.clone());
}

fn first(report: &mut Report) {
    let folder = Folder::new();
    let mut number = 0;
    show(report, "open, first ever", 10.0, || {
        number += 1;
        folder.path(&format!("{number}.db"))
    });
}

/// A first start waits for two of these: SQLite makes its new files durable.
fn sync(report: &mut Report) {
    let folder = Folder::new();
    let mut number = 0;
    let mut sample = || {
        number += 1;
        let mut file = File::create(folder.path(&number.to_string())).unwrap();
        file.write_all(&[0; 4_096]).unwrap();
        timed(|| file.sync_all().unwrap()).0
    };
    let samples = Samples::new((0..TIMES).map(|_| sample()).collect());
    report.line(
        "one sync of a new file on this disk, median",
        milliseconds(samples.median()),
        "ms",
        Budget::None,
    );
}

/// The median: a single time hangs on what else the disk is doing.
fn show(report: &mut Report, name: &str, budget: f64, mut path: impl FnMut() -> std::path::PathBuf) {
    let mut sample = || {
        let path = path();
        let (time, tracker): (_, Tracker) = timed(|| open(&path));
        tracker.close(PATIENCE).unwrap();
        time
    };
    let samples = Samples::new((0..TIMES).map(|_| sample()).collect());
    report.line(&format!("{name}, median"), milliseconds(samples.median()), "ms", Budget::AtMost(budget));
    report.line(&format!("{name}, max"), milliseconds(samples.percentile(1.0)), "ms", Budget::None);
}
