//! What the benches share: one aligned line a figure with its budget beside it, and what they measure with.
#![allow(missing_docs, dead_code, clippy::unwrap_used, clippy::expect_used)] // each bench uses a part of it

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use sessio::{Config, ConfigBuilder, Event, Tracker};

/// What a figure must be.
#[derive(Clone, Copy)]
pub enum Budget {
    AtMost(f64),
    AtLeast(f64),
    /// Shown for comparison only.
    None,
}

/// The lines of one bench.
pub struct Report {
    missed: bool,
}

impl Report {
    /// Prints a figure, its budget and the verdict.
    pub fn line(&mut self, name: &str, figure: f64, unit: &str, budget: Budget) {
        let (budget, met) = match budget {
            Budget::AtMost(most) => (format!("budget ≤ {}", number(most)), figure <= most),
            Budget::AtLeast(least) => (format!("budget ≥ {}", number(least)), figure >= least),
            Budget::None => (String::new(), true),
        };
        self.missed |= !met;
        let verdict = if budget.is_empty() { "" } else { ["MISSED", "ok"][usize::from(met)] };
        println!(
            "{}",
            format!("  {name:<52}{:>10} {unit:<13}{budget:<19}{verdict}", number(figure)).trim_end()
        );
    }

    /// Says why there is no figure.
    pub fn skip(&self, name: &str, why: &str) {
        println!("  {name:<52}   skipped: {why}");
    }

    pub fn fail(&mut self) {
        self.missed = true;
    }
}

/// Runs a bench. A missed budget fails it only under `SESSIO_BENCH_STRICT=1`: a busy machine is no fault of the code's.
pub fn run(name: &str, measure: impl FnOnce(&mut Report)) -> ExitCode {
    let missed = run_always(name, measure);
    ExitCode::from(u8::from(missed && is_set("SESSIO_BENCH_STRICT", "1")))
}

/// Runs a bench and says whether it missed a budget.
pub fn run_always(name: &str, measure: impl FnOnce(&mut Report)) -> bool {
    // `cargo test --all-targets` starts benches, too, but without optimisation: its figures would mean nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return false;
    }
    println!("{name} ({})", machine());
    let mut report = Report { missed: false };
    measure(&mut report);
    println!();
    report.missed
}

pub fn is_set(variable: &str, value: &str) -> bool {
    std::env::var(variable).is_ok_and(|set| set == value)
}

/// Three significant digits, thousands set apart.
fn number(value: f64) -> String {
    if value >= 1_000.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
        return groups.join(",");
    }
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let kernel = read("/proc/sys/kernel/osrelease");
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    format!(
        "{}, {cores} cores, {} {}, {}, load {load}",
        model.unwrap_or(std::env::consts::ARCH),
        std::env::consts::OS,
        kernel.trim(),
        rustc.split(' ').take(2).collect::<Vec<_>>().join(" "),
    )
}

/// A folder on the disk of the build, which is seldom one in memory as `/tmp` may be.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The defaults of an app that keeps its events on the disk.
pub fn config(path: &Path) -> ConfigBuilder {
    Config::builder().path(path).app("com.acme.shop", "1.2.0")
}

pub fn open(path: &Path) -> Tracker {
    Tracker::open(config(path).build().unwrap()).unwrap()
}

/// A structured event as a shop would track it, with all its fields.
pub fn event() -> Event {
    let mut event = Event::structured("cart", "add").unwrap();
    event.set_text("label", "running shoes, blue, 42").unwrap();
    event.set_text("property", "recommended").unwrap();
    event.set_number("value", 79.9).unwrap();
    event
}

pub fn track(tracker: &Tracker, event: &Event, times: usize) {
    for _ in 0..times {
        tracker.track(black_box(event)).unwrap();
    }
}

pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

/// Times of single calls, in order of their length.
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn new(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        Self(samples)
    }

    /// The time that the `share` of the calls stay within.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.0.len() - 1;
        self.0[((last as f64 * share).round() as usize).min(last)]
    }

    pub fn median(&self) -> Duration {
        self.percentile(0.5)
    }
}

pub fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
