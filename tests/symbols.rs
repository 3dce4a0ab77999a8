//! What the artefacts expose. The shared library: `sessio_*` and nothing else, under a versioned name. The static
//! library, which can hide nothing: what it is known to carry, and that `packaging/localize-symbols.sh` takes care of
//! that.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/c.rs"]
mod c;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use object::read::archive::ArchiveFile;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSymbol};

/// What the header declares.
fn declared() -> BTreeSet<String> {
    let header = std::fs::read_to_string(c::root().join("include/sessio.h")).unwrap();
    let functions: BTreeSet<String> = c::functions(&header).into_iter().map(str::to_owned).collect();
    assert!(functions.len() > 50, "{functions:?}");
    functions
}

/// The global symbols that the members of a static library define, as C names them.
fn globals(library: &Path) -> BTreeSet<String> {
    let bytes = std::fs::read(library).unwrap();
    let archive = ArchiveFile::parse(&*bytes).unwrap();
    let mut names = BTreeSet::new();
    for member in archive.members() {
        // What is no object file (metadata) defines nothing.
        let Ok(object) = object::File::parse(member.unwrap().data(&*bytes).unwrap()) else { continue };
        let defined = object.symbols().filter(|symbol| symbol.is_global() && symbol.is_definition());
        names.extend(defined.map(|symbol| c_name(symbol.name().unwrap())));
    }
    names
}

/// Apple's linker has an underscore before the names of C.
fn c_name(symbol: &str) -> String {
    let prefix = if cfg!(target_vendor = "apple") { "_" } else { "" };
    symbol.strip_prefix(prefix).unwrap_or(symbol).to_owned()
}

fn on_linux() -> bool {
    if !cfg!(target_os = "linux") {
        println!("skipped: for Linux");
    }
    cfg!(target_os = "linux")
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_nothing_else() {
    if !on_linux() {
        return;
    }
    let bytes = std::fs::read(c::library("libsessio.so")).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    let exports = library.dynamic_symbols().filter(|symbol| symbol.is_definition() && !symbol.is_local());
    let exported: BTreeSet<String> = exports.map(|symbol| symbol.name().unwrap().to_owned()).collect();
    assert_eq!(exported, declared());
}

#[test]
fn the_shared_library_has_a_versioned_name() {
    if !on_linux() {
        return;
    }
    let bytes = std::fs::read(c::library("libsessio.so")).unwrap();
    assert_eq!(soname(&bytes).as_deref(), Some("libsessio.so.1"));
}

/// The name in the dynamic section, by which a program finds the library again.
fn soname(bytes: &[u8]) -> Option<String> {
    let file = ElfFile64::<object::Endianness>::parse(bytes).ok()?;
    let table = file.elf_section_table().dynamic_table(file.endian(), bytes).ok()?;
    let entry = table.iter().find(|entry| entry.tag == object::elf::DT_SONAME)?;
    String::from_utf8(table.string(entry).ok()?.to_vec()).ok()
}

/// Nothing can be hidden in a static library: an app that has an SQLite of its own needs the script below, or the
/// feature `system-sqlite`.
#[test]
fn the_static_library_has_every_function_and_its_own_sqlite_in_the_open() {
    let globals = globals(&c::library("libsessio.a"));
    let missing: Vec<_> = declared().into_iter().filter(|name| !globals.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let others: Vec<_> =
        globals.iter().filter(|name| name.starts_with("sessio_") && !declared().contains(*name)).collect();
    assert!(others.is_empty(), "not in the header: {others:?}");
    assert_eq!(globals.contains("sqlite3_open_v2"), cfg!(feature = "sqlite"));
}

#[test]
fn a_localized_static_library_exposes_our_functions_only_and_works_beside_another_sqlite() {
    if !on_linux() || !has_tools() || c::c_compiler().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let localized = folder.path().join("libsessio-localized.a");
    let script = c::root().join("packaging/localize-symbols.sh");
    let output = Command::new(script).arg(c::library("libsessio.a")).arg(&localized).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(globals(&localized), declared());

    // An SQLite that does not work: whoever is linked with it by mistake fails.
    let other = folder.path().join("other-sqlite.c");
    std::fs::write(&other, "int sqlite3_open_v2(void);\nint sqlite3_open_v2(void) { return 1; }\n").unwrap();
    let program = c::link_c("tests/c/tracker.c", &[other.to_str().unwrap()], &localized);
    c::succeeds_silently(&program);
}

/// The tools that the script needs.
fn has_tools() -> bool {
    let missing = ["ld", "nm", "ar", "objcopy"]
        .into_iter()
        .find(|tool| !c::run_quietly(Command::new(tool).arg("--version")));
    missing.is_none_or(|tool| c::skipped::<()>(&format!("no {tool}")).is_some())
}
