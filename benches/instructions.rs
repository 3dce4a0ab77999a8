//! Instructions of one `track`, counted by callgrind: the same on a busy machine as on an idle one, so it guards the
//! path in CI.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::process::{Command, ExitCode};
use std::time::Duration;

use sessio::Tracker;
use support::{Budget, Folder, Report, config, event};

/// Measured, and 15 % for other compilers and processors.
const CEILING: f64 = 5_400.0;
/// Two runs: start and end of the program are in both, so only events make the difference.
const COUNTS: [usize; 2] = [2_000, 12_000];
/// In place of the arguments of a bench: this process is the one that is counted.
const CHILD: &str = "--counted";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip_while(|argument| argument != CHILD);
    if arguments.next().is_some() {
        track(arguments.next().unwrap().parse().unwrap());
    }
    let over = support::run_always("instructions", measure);
    ExitCode::from(u8::from(over))
}

fn measure(report: &mut Report) {
    let name = "instructions of one track";
    if Command::new("valgrind").arg("--version").output().is_err() {
        report.skip(name, "no valgrind");
        if support::is_set("CI", "true") {
            report.fail();
        }
        return;
    }
    let [few, many] = COUNTS.map(instructions);
    report.line(name, (many - few) / (COUNTS[1] - COUNTS[0]) as f64, "", Budget::AtMost(CEILING));
}

/// Instructions of a whole process that tracks `events` events.
fn instructions(events: usize) -> f64 {
    let program = std::env::current_exe().unwrap();
    let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let output = Command::new("valgrind")
        .args(options)
        .arg(program)
        .args([CHILD, &events.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split("Collected :").nth(1));
    collected.unwrap_or_else(|| panic!("valgrind failed: {text}")).trim().parse().unwrap()
}

/// Tracks and is gone. The worker gets nothing to do: the journal is never half full, and the commit window never over.
fn track(events: usize) -> ! {
    let folder = Folder::new();
    let config = config(&folder.path("app.db"));
    let config = config.journal_bytes(16 * 1_024 * 1_024).commit_window(Duration::from_secs(3_600));
    let tracker = Tracker::open(config.build().unwrap()).unwrap();
    support::track(&tracker, &event(), events);
    drop(folder);
    std::process::exit(0)
}
