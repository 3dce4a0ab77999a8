//! The C interface as C programs see it: each `tests/c/*.c` is compiled against the static library and run, and the
//! header compiles clean by itself in every edition of C and C++.
#![cfg(unix)] // the programs use POSIX threads, signals and processes
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/c.rs"]
mod c;

use std::collections::BTreeSet;
use std::path::Path;

macro_rules! programs {
    ($($name:ident)*) => {
        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                if c::c_compiler().is_some() {
                    c::succeeds_silently(&c::compile_c(concat!("tests/c/", stringify!($name), ".c"), &[]));
                }
            }
        )*
    };
}

programs! {
    version status clock session_store log config event session tracker stats threads fork crash misuse misuse_store
    destinations transport manual observer misuse_delivery correlation callback scope peek contexts device
}

#[test]
fn every_program_is_run() {
    let files = std::fs::read_dir(c::root().join("tests/c")).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|extension| extension == "c"));
    let names: BTreeSet<String> =
        sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let run: BTreeSet<String> = PROGRAMS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(names, run, "tests/c and the list above differ");
}

/// The list of calls that a closed tracker and a forked child refuse leaves none out.
#[test]
fn every_call_on_a_tracker_is_in_the_list() {
    let header = std::fs::read_to_string(c::root().join("include/sessio.h")).unwrap();
    let list = std::fs::read_to_string(c::root().join("tests/c/every_call.h")).unwrap();
    // Those take a tracker that is not there yet, one that is gone, and none at all.
    let others = ["sessio_tracker_open", "sessio_tracker_free", "sessio_tracker_peek"];
    for name in c::functions(&header) {
        if name.starts_with("sessio_tracker_") && !others.contains(&name) {
            assert!(list.contains(&format!("{name}(tracker")), "tests/c/every_call.h lacks {name}");
        }
    }
}

/// Compiles a file that has nothing but the header in it, included twice.
fn header_compiles(compiler: &str, file: &Path, standard: &str) {
    let output = c::tool(compiler)
        .arg(format!("-std={standard}"))
        .args(c::STRICT)
        .args(["-fsyntax-only", "-I"])
        .arg(c::root().join("include"))
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{standard}:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn header_alone(extension: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("header.{extension}"));
    std::fs::write(&file, "#include \"sessio.h\"\n#include \"sessio.h\"\nextern int nothing_else;\n")
        .unwrap();
    (folder, file)
}

#[test]
fn the_header_is_clean_in_every_edition_of_c() {
    let Some(compiler) = c::c_compiler() else { return };
    let (_folder, file) = header_alone("c");
    for standard in ["c99", "c11", "c17", "c2x"] {
        header_compiles(&compiler, &file, standard);
    }
}

#[test]
fn the_header_is_clean_in_every_edition_of_cpp() {
    let Some(compiler) = c::cpp_compiler() else { return };
    let (_folder, file) = header_alone("cpp");
    for standard in ["c++11", "c++14", "c++17", "c++20"] {
        header_compiles(&compiler, &file, standard);
    }
}
