//! The house keeps its layers: imports go down only, and each dangerous or heavy thing has one place.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// What each part may use of the crate, beside itself. A part that is not here is not allowed to exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("encoding", &[]),
    ("error", &[]),
    ("log", &[]),
    ("clock", &[]),
    ("ids", &["encoding", "error"]),
    ("event", &["encoding", "error", "ids"]),
    ("session", &["encoding", "error", "clock", "ids", "event"]),
    ("journal", &["encoding", "error", "log"]),
    ("database", &["error", "log", "clock", "ids", "event", "session", "journal"]),
    ("store", &["error", "log", "clock", "ids", "session", "database"]),
    ("protocol", &["encoding", "error", "ids", "event", "session", "store"]),
    ("device", &["event", "protocol"]),
    ("delivery", &["error", "log", "clock", "ids", "event", "session", "store", "database", "protocol"]),
    ("callback", &["error", "event", "ids", "session"]),
    (
        "config",
        &[
            "error", "log", "callback", "clock", "ids", "event", "session", "store", "database", "protocol",
            "delivery",
        ],
    ),
    (
        "tracker",
        &[
            "encoding", "error", "log", "callback", "clock", "ids", "event", "session", "store", "journal",
            "database", "protocol", "device", "delivery", "config",
        ],
    ),
    (
        "capi",
        &[
            "error", "log", "callback", "clock", "ids", "event", "session", "store", "database", "protocol",
            "delivery", "config", "tracker",
        ],
    ),
];

/// Words that may stand only where they are named: (word, allowed below, why).
const PLACES: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["database/sqlite"], "only the database speaks SQL"),
    (
        "unsafe",
        &["capi", "journal", "clock", "device/android", "device/apple", "device/windows"],
        "everything else is safe; these systems tell about themselves in C",
    ),
    (
        "std::time::Instant",
        &["tracker", "clock", "delivery/transport", "delivery/sender", "delivery/http"],
        "time is an argument",
    ),
    ("ureq", &["delivery/http"], "a host may bring its own transport"),
    ("rustls", &["delivery/http"], "a host may bring its own transport"),
    ("std::net", &["delivery/http", "protocol"], "only the transport opens connections; addresses are data"),
    ("flate2", &["delivery/compress"], "one place compresses"),
    ("SystemTime", &["clock"], "time is an argument"),
    (
        "std::thread",
        &["tracker", "delivery/sender", "device/mod"],
        "the worker is the tracker's, a sender its destination's; the device has so many processors",
    ),
    (
        "std::fs",
        &["database/sqlite", "journal", "tracker", "clock", "device/files", "device/linux"],
        "files belong to journal and database; the kernel's tell about the device",
    ),
    (
        "std::env",
        &["device/mod", "device/apple"],
        "a library does not look at its environment; what it is compiled for stands there, too",
    ),
    ("std::env::var", &[], "the app may change its environment at the same moment"),
    ("std::env::var_os", &[], "the app may change its environment at the same moment"),
    ("std::process::Command", &[], "a guest starts no programs"),
    ("sys_locale", &["device"], "one place asks the system"),
    ("iana_time_zone", &["device"], "one place asks the system"),
    ("println!", &[], "a guest prints nothing"),
    ("eprintln!", &[], "a guest prints nothing"),
    ("dbg!", &[], "a guest prints nothing"),
];

/// The pure parts: given the same arguments they give the same answer.
const PURE: &[&str] = &["session/", "event/", "protocol/", "delivery/policy", "delivery/planner"];
const IMPURE: &[&str] = &[
    "SystemClock",
    "std::thread",
    "std::fs",
    "std::env",
    "TcpStream",
    "UdpSocket",
    "std::time::Instant",
    "SystemTime",
    "std::sync::Mutex",
    "new_v4",
    "rand",
];

const MOST_LINES: usize = 500;

fn sources() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            found.push((name, without_tests_and_comments(&std::fs::read_to_string(&path).unwrap())));
        }
    }
}

/// Unit tests stand at the end of a file, and may use what they like.
fn without_tests_and_comments(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.map(|line| format!("{line}\n")).collect()
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.contains("/tests/")
}

/// The part of the house a file belongs to.
fn part(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The parts that a source names in `crate::…`, nested braces included.
fn used_parts(source: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        parts.extend(
            names.iter().map(|name| {
                name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
            }),
        );
    }
    parts
}

#[test]
fn imports_go_down_only() {
    for (file, source) in sources() {
        if part(&file) == "lib" || is_test(&file) {
            continue;
        }
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == part(&file))
            .unwrap_or_else(|| panic!("{file} has no layer"));
        for used in used_parts(&source) {
            // `crate::Error` and the like are re-exports of the lowest layer.
            let lowest = used.chars().next().is_some_and(char::is_uppercase);
            assert!(
                lowest || used == part(&file) || allowed.contains(&used.as_str()),
                "{file} must not use crate::{used}"
            );
        }
    }
}

#[test]
fn the_table_itself_has_no_way_up() {
    for (at, (name, uses)) in MAY_USE.iter().enumerate() {
        for used in *uses {
            let below = MAY_USE[..at].iter().any(|(lower, _)| lower == used);
            assert!(below, "{name} may use {used}, which does not lie below it");
        }
    }
}

#[test]
fn each_thing_has_its_place() {
    for (file, source) in sources() {
        if is_test(&file) {
            continue;
        }
        for (word, places, why) in PLACES {
            let allowed = places.iter().any(|place| file.starts_with(place));
            let found = source.lines().find(|line| has_word(line, word));
            assert!(allowed || found.is_none(), "{file} uses {word} ({why}): {}", found.unwrap_or_default());
        }
    }
}

/// The word itself, not `unsafe_code`.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        !is_name(line[..at].chars().last()) && !is_name(line[at + word.len()..].chars().next())
    })
}

#[test]
fn the_pure_parts_are_pure() {
    let sources = sources();
    for pure in PURE {
        assert!(sources.iter().any(|(file, _)| file.starts_with(pure)), "there is no {pure}");
    }
    for (file, source) in sources.iter().filter(|(file, _)| PURE.iter().any(|pure| file.starts_with(pure))) {
        for word in IMPURE {
            assert!(!source.lines().any(|line| has_word(line, word)), "{file} uses {word}");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    for (file, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= MOST_LINES, "{file} has {lines} lines without tests and comments");
    }
}

#[test]
fn the_rules_can_fail() {
    assert_eq!(
        used_parts("use crate::{error::Result, log::Logger};\ncrate::tracker::Tracker"),
        ["error", "log", "tracker"]
    );
    assert!(has_word("    unsafe { x }", "unsafe") && !has_word("#![allow(unsafe_code)]", "unsafe"));
    assert_eq!(without_tests_and_comments("a\n// unsafe\n#[cfg(test)]\nmod tests { unsafe }"), "a\n");
}
