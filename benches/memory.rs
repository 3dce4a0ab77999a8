//! Memory: what an open tracker that is in use adds to a process, beside its ring.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::process::{Command, ExitCode};

use support::{Budget, Folder, Report, event, open};

/// In place of the arguments of a bench: this process is the one that is measured.
const CHILD: &str = "--measured";
const EVENTS: usize = 50_000;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == CHILD) {
        measured();
        return ExitCode::SUCCESS;
    }
    support::run("memory", |report| {
        if cfg!(target_os = "linux") { measure(report) } else { report.skip("memory added", "Linux only") }
    })
}

/// In a process of its own, which has done nothing else before.
fn measure(report: &mut Report) {
    let output = Command::new(std::env::current_exe().unwrap()).arg(CHILD).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let bytes: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [before, opened, used, ring, threads] = bytes[..] else { panic!("{text}") };
    let megabytes = |bytes: f64| bytes / 1e6;
    report.line(
        "memory added by a tracker in use, beside its ring",
        megabytes(used - before - ring),
        "MB",
        Budget::AtMost(4.0),
    );
    report.line("memory added by opening, ring included", megabytes(opened - before), "MB", Budget::None);
    report.line("the ring", megabytes(ring), "MB", Budget::None);
    report.line("threads added", threads, "", Budget::AtMost(1.0));
}

/// Prints resident bytes before opening, after it and after use, then those of the journal's file, then the threads
/// added.
fn measured() {
    let folder = Folder::new();
    let path = folder.path("app.db");
    let (event, before, threads_before) = (event(), resident(), threads());
    let tracker = open(&path);
    tracker.poll().unwrap();
    let opened = resident();
    for number in 1..=EVENTS {
        tracker.track(&event).unwrap();
        if number % 10_000 == 0 {
            tracker.poll().unwrap();
        }
    }
    tracker.history(10).unwrap();
    let used = resident();
    let ring = std::fs::metadata(folder.path("app.db.default.journal")).unwrap().len();
    println!("{before} {opened} {used} {ring} {}", threads() - threads_before);
}

fn resident() -> u64 {
    // Of `smaps_rollup`, not of `statm`, whose counters lag behind by some pages a thread.
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}
