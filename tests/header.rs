//! `include/sessio.h` is what the code says. `SESSIO_UPDATE=1 cargo test --test header` writes it anew.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The header as the code has it now.
fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let builder = cbindgen::Builder::new().with_config(config);
    let modules = std::fs::read_dir(root().join("src/capi")).unwrap().map(|entry| entry.unwrap().path());
    let mut modules: Vec<PathBuf> = modules.filter(|path| path.file_name().unwrap() != "mod.rs").collect();
    modules.sort_by_key(|path| chapter(path.file_stem().unwrap().to_str().unwrap()));
    let bindings =
        modules.into_iter().fold(builder, |builder, path| builder.with_src(path)).generate().unwrap();
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    without_rust(&String::from_utf8(bytes).unwrap())
}

/// The order of the chapters; a new file must be given its place.
fn chapter(name: &str) -> usize {
    let order = [
        "version",
        "status",
        "clock",
        "session_store",
        "log",
        "config",
        "session_config",
        "device",
        "destination",
        "request",
        "transport",
        "observer",
        "delivery",
        "event",
        "session",
        "stats",
        "tracker",
        "sessions",
        "callback",
        "scope",
        "contexts",
        "peek",
        "manual",
        "correlation",
    ];
    let no_chapter = ["boundary", "handle", "text"];
    match order.iter().position(|chapter| *chapter == name) {
        Some(place) => place,
        None if no_chapter.contains(&name) => order.len(),
        None => panic!("src/capi/{name}.rs has no place in the header"),
    }
}

/// Rust's own section of the documentation says what the conventions of the header say once.
fn without_rust(header: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut skipping = false;
    for line in header.lines() {
        if line.trim() == "* # Safety" {
            skipping = true;
            while lines.last().is_some_and(|line| line.trim() == "*") {
                lines.pop();
            }
        }
        skipping &= line.trim() != "*/";
        if !skipping {
            lines.push(line);
        }
    }
    lines.join("\n").replace('`', "") + "\n"
}

#[test]
fn the_header_is_up_to_date() {
    let path = root().join("include/sessio.h");
    let generated = generate();
    if std::env::var_os("SESSIO_UPDATE").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = committed.lines().zip(generated.lines()).find(|(a, b)| a != b);
    assert!(
        committed == generated,
        "include/sessio.h is not what src/capi says (first difference: {difference:?}).\n\
         Run: SESSIO_UPDATE=1 cargo test --test header"
    );
}

#[test]
fn the_versions_are_those_of_cargo_toml() {
    let header = generate();
    let number = |name: &str| {
        let line = header.lines().find(|line| line.starts_with(&format!("#define {name} "))).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let version = ["MAJOR", "MINOR", "PATCH"].map(|part| number(&format!("SESSIO_VERSION_{part}"))).join(".");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let build = std::fs::read_to_string(root().join("build.rs")).unwrap();
    assert!(
        build.contains(&format!("libsessio.so.{}", number("SESSIO_ABI_VERSION"))),
        "SONAME and ABI version differ"
    );
}

/// The header lists the options of every destination by name, `<…>` for what stands behind a dot.
#[test]
fn every_option_of_a_destination_is_there() {
    use sessio::protocol::{Bugsnag, Exceptionless, Loupe, Otlp, Setup, snowplow::Snowplow};
    let url = "https://acme.example";
    let setups = [
        ("Snowplow", Setup::Snowplow(Snowplow::builder(url))),
        ("Bugsnag", Setup::Bugsnag(Bugsnag::new("key").unwrap())),
        ("Exceptionless", Setup::Exceptionless(Exceptionless::new(url, "key").unwrap())),
        ("Loupe", Setup::Loupe(Loupe::new(url).unwrap())),
        ("OpenTelemetry", Setup::Otlp(Otlp::new(url).unwrap())),
    ];
    let header = generate();
    for (title, setup) in setups {
        let list = header.split(&format!(" * {title}\n *")).nth(1).unwrap().split(" *\n").next().unwrap();
        for option in setup.options() {
            let name = if option.ends_with('.') { format!(" {option}<") } else { format!(" {option}") };
            let ends = |rest: &str| rest.starts_with([':', ',']) || option.ends_with('.');
            let found = list.split(&name).skip(1).any(ends);
            assert!(found, "{title}: {option} is not in the header");
        }
    }
}

#[test]
fn every_fixed_prototype_is_there() {
    let header: String = generate().split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    for prototype in include_str!("c/prototypes.txt").lines().filter(|line| !line.is_empty()) {
        assert!(header.contains(prototype), "missing: {prototype}");
    }
}
