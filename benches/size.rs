//! Size of the shared library as it is shipped: release profile, stripped. It must be built by itself: beside an rlib
//! cargo leaves out the optimization at link time, which costs 0.2 MB.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::process::{Command, ExitCode};

use support::{Budget, Report};

/// What is built: its name, its features, and how many megabytes it may have.
const BUILDS: [(&str, &str, f64); 2] = [
    ("shared library without http", "sqlite,capi", 1.4),
    ("shared library with http", "sqlite,capi,http", 3.0),
];

/// A folder of its own: the library of the benches has the same name, and each build would undo the other.
const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/size");

fn main() -> ExitCode {
    support::run("size", |report| {
        for (name, features, budget) in BUILDS {
            measure(report, name, features, budget);
        }
    })
}

fn measure(report: &mut Report, name: &str, features: &str, budget: f64) {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return report.skip(name, "the budget is for Linux on x86-64");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(root).args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--quiet"]);
    build.args(["--target-dir", TARGET, "--no-default-features", "--features", features]);
    assert!(build.status().unwrap().success(), "the library does not build");
    let library = Path::new(TARGET).join("release/libsessio.so");
    let size = std::fs::metadata(library).unwrap().len();
    report.line(&format!("{name}, stripped"), size as f64 / 1e6, "MB", Budget::AtMost(budget));
}
