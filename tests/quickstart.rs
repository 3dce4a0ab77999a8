//! The quickstart, as a newcomer runs it: the day of `examples/day.txt` comes out the same in Rust and in C, and as
//! the golden file says (`SESSIO_UPDATE=1` rewrites it; read it against the rules before you commit it).
#![cfg(all(unix, feature = "_sqlite", feature = "capi"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/c.rs"]
mod c;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Commands that the day has no use for.
const OTHER_COMMANDS: &str = "\
help
wait 1500ms
start my.own-session_1
screen  ünïcödé names that are much too long for the column
start my.own-session_1
start
error Boom
error Boom with a  message\t
anonymous on
screen a
crash
wait 2d
screen\ttabs
anonymous off
pause
resume
user ü
event category an action
user
restart
wait 31m
wait 0s
sessions
quit
wait 1h
sessions";

const BAD_LINES: [(&str, &str); 15] = [
    ("dance", "unknown command \"dance\""),
    ("wait x", "\"x\" is no time"),
    ("wait", "usage: wait <time>"),
    ("wait -5m", "\"-5m\" is no time"),
    ("wait 5", "\"5\" is no time"),
    ("wait 20000d", "\"20000d\" is too long a time"),
    ("wait 99999999999999999999d", "is too long a time"),
    ("screen", "usage: screen <name>"),
    ("event cart", "usage: event <category> <action>"),
    ("error", "usage: error <type> [message]"),
    ("anonymous perhaps", "usage: anonymous on|off"),
    ("background now", "usage: background"),
    ("start bad id", "a session id is made of"),
    ("kill", "the app is not running"),
    ("quit", "the app is not running"),
];

/// The example that cargo builds along with the tests.
fn rust_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/quickstart");
    assert!(program.is_file(), "{} is missing: cargo build --example quickstart", program.display());
    program
}

/// The same in C, compiled once.
fn c_program() -> Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(compile).clone()
}

fn compile() -> Option<PathBuf> {
    c::c_compiler()?;
    let folder = c::root().join("examples/quickstart");
    let mut more: Vec<PathBuf> = ["app.c", "script.c", "table.c"].map(|file| folder.join(file)).into();
    // Once more: a linker takes from a library what is missing by then, and these files come after it.
    more.push(c::library("libsessio.a"));
    let more: Vec<&str> = more.iter().map(|path| path.to_str().unwrap()).collect();
    Some(c::compile_c("examples/quickstart.c", &more))
}

fn programs() -> Vec<PathBuf> {
    std::iter::once(rust_program()).chain(c_program()).collect()
}

fn run(program: &Path, arguments: &[&Path]) -> Output {
    Command::new(program).args(arguments).current_dir(c::root()).output().unwrap()
}

/// What it prints if it succeeds, with the ids numbered in the order in which they come.
fn played(program: &Path, arguments: &[&Path]) -> String {
    let output = run(program, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{}: {errors}", program.display());
    mask(&String::from_utf8(output.stdout).unwrap())
}

fn mask(text: &str) -> String {
    let mut ids = Vec::new();
    let is_id = |word: &str| word.len() == 8 && word.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let masked = text.split(' ').map(|word| {
        if !is_id(word) {
            return word.to_owned();
        }
        let known = ids.iter().position(|id| *id == word);
        let number = known.unwrap_or_else(|| {
            ids.push(word);
            ids.len() - 1
        });
        format!("<id-{:0>3}>", number + 1)
    });
    masked.collect::<Vec<_>>().join(" ")
}

fn golden() -> PathBuf {
    c::root().join("tests/golden/day.txt")
}

fn day_is_golden(program: &Path) {
    let day = played(program, &[Path::new("examples/day.txt")]);
    assert_eq!(day, fs::read_to_string(golden()).unwrap(), "{}", program.display());
}

#[test]
fn the_day_in_rust_is_the_golden_one() {
    if std::env::var_os("SESSIO_UPDATE").is_some() {
        let day = played(&rust_program(), &[Path::new("examples/day.txt")]);
        return fs::write(golden(), day).unwrap();
    }
    day_is_golden(&rust_program());
}

#[test]
fn the_day_in_c_is_the_same() {
    if let Some(program) = c_program() {
        day_is_golden(&program);
    }
}

/// Counted in the script, not by the library.
#[test]
fn every_event_of_the_day_is_in_the_table_and_in_the_ledger() {
    let script = fs::read_to_string(c::root().join("examples/day.txt")).unwrap();
    let count = |names: &[&str]| {
        script.lines().filter(|line| names.contains(&line.split(' ').next().unwrap())).count()
    };
    let events = count(&["screen", "event", "error"]);
    assert_eq!(count(&["kill"]), 2);
    let day = fs::read_to_string(golden()).unwrap();
    let numbers = |start: &str| -> Vec<usize> {
        let line = day.lines().find(|line| line.trim_start().starts_with(start)).unwrap();
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    assert_eq!(numbers("total"), [events, count(&["error"])]);
    assert_eq!(numbers("Ledger:"), [events, events, 0, 0]);
}

#[test]
fn both_programs_say_the_same_to_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, OTHER_COMMANDS).unwrap();
    let said: Vec<String> = programs().iter().map(|program| played(program, &[&script])).collect();
    assert!(said.iter().all(|output| *output == said[0]), "{}", said.join("\n"));
    for what in
        ["(crashed)", "(replaced)", "(anonymity_changed)", "(user_changed)", "(anonymous)", "my.own-s"]
    {
        assert!(said[0].contains(what), "{what} in:\n{}", said[0]);
    }
}

/// The second day may even be another program's: the files are the same.
#[test]
fn a_kept_database_goes_on_the_next_day() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let arguments = [Path::new("--keep"), &kept, Path::new("examples/day.txt")];
    let programs = programs();
    let (first, last) = (&programs[0], &programs[programs.len() - 1]);
    played(first, &arguments);
    let second = played(last, &arguments);
    let table = second.split("why it ended\n").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.contains(" 2026-03-1")).collect();
    assert_eq!(rows.len(), 12, "{table}");
    for (index, row) in (1..).zip(&rows) {
        assert!(
            row.starts_with(&format!("{index:>3}  2026-03-{}", if index < 7 { 16 } else { 17 })),
            "{row}"
        );
    }
    assert!(rows[5].ends_with("timeout") && rows[11].ends_with("(open)"), "{table}");
}

#[test]
fn bad_lines_are_named_and_end_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    for program in programs() {
        for (line, message) in BAD_LINES {
            fs::write(&script, format!("# a comment\n\n{line}\nscreen not-any-more\n")).unwrap();
            refused(&program, &[&script], &format!("{}:3: ", script.display()), message);
        }
    }
}

#[test]
fn bad_arguments_are_explained() {
    for program in programs() {
        refused(&program, &[Path::new("no/such/script")], "no/such/script: ", "No such file");
        refused(
            &program,
            &[Path::new("--keep"), Path::new("no/such/folder")],
            "no/such/folder: ",
            "No such file",
        );
        refused(&program, &[Path::new("--what")], "usage: ", "[--keep <folder>] [script]");
        refused(&program, &[Path::new("--keep")], "usage: ", "[--keep <folder>] [script]");
    }
}

fn refused(program: &Path, arguments: &[&Path], start: &str, message: &str) {
    let output = run(program, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}: {said}", program.display());
    assert!(said.starts_with(start) && said.contains(message) && said.lines().count() == 1, "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("not-any-more"));
}
