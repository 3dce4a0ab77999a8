//! Golden files: `tests/golden/<protocol>/<name>.json`. They hold a request as it goes out, to the byte, and beside it what it means.
//! `SESSIO_UPDATE=1` writes them anew.

use std::path::PathBuf;

use serde_json::{Value, json};
use sessio::protocol::{Method, Request};

/// Compares with the golden file of that name, or writes it.
pub fn check(protocol: &str, name: &str, actual: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(protocol)
        .join(format!("{name}.json"));
    let actual = shorten(&serde_json::to_string_pretty(actual).unwrap()) + "\n";
    if std::env::var_os("SESSIO_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        actual == golden,
        "{} differs (SESSIO_UPDATE=1 writes it anew); it is now:\n{actual}",
        path.display()
    );
}

/// A request with its body as text, as it is sent. Whoever knows the protocol adds what the body means.
pub fn request(request: &Request) -> Value {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body = std::str::from_utf8(&request.body).unwrap();
    json!({ "method": method, "url": request.url, "headers": headers, "body": body })
}

/// The body as JSON.
pub fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Writes runs of the same letter as their length, so that a golden file of an oversize event can be read.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut short = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        let mut count = 1;
        while rest.next_if_eq(&letter).is_some() {
            count += 1;
        }
        match count {
            ..LONGEST => short.extend(std::iter::repeat_n(letter, count)),
            _ => short.push_str(&format!("«{count} × {letter}»")),
        }
    }
    short
}
