//! What goes to Loupe, byte for byte, and what its answers mean.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/wire.rs"]
mod common;

use std::time::Duration;

use common::{golden, samples};
use serde_json::{Value, json};
use sessio::ErrorKind;
use sessio::event::{Event, Severity, Stamp};
use sessio::ids::InstanceId;
use sessio::protocol::{Item, Loupe, Protocol, Request, Response, Source, Verdict};

const LIMIT: usize = 204_800;

fn loupe() -> Loupe {
    Loupe::new("https://loupe.acme.example/app/").unwrap()
}

fn encode(loupe: &Loupe, items: &[Item], source: &Source) -> (Request, usize) {
    let (request, count) = loupe.encode(items, source).unwrap();
    assert!(request.body.len() <= LIMIT, "{} bytes", request.body.len());
    (request, count)
}

/// The request, and what is in it; details are JSON within JSON.
fn shown(request: &Request) -> Value {
    let mut body = golden::body(request);
    for message in body["logMessages"].as_array_mut().unwrap() {
        message["details"] = serde_json::from_str(message["details"].as_str().unwrap()).unwrap();
    }
    json!({ "request": golden::request(request), "body, with details read": body })
}

fn check(name: &str, request: &Request) {
    golden::check("loupe", name, &shown(request));
}

fn log(fields: impl FnOnce(&mut Event)) -> Item {
    let mut event = Event::log(Severity::INFO, Some("Cart"), "Counter is {0}").unwrap();
    fields(&mut event);
    samples::in_session(event)
}

fn messages(request: &Request) -> Vec<Value> {
    golden::body(request)["logMessages"].as_array().unwrap().clone()
}

#[test]
fn every_sample_goes_out_as_recorded() {
    for (name, item) in samples::events() {
        let is_event = matches!(item, Item::Event(_));
        assert_eq!(loupe().takes(&item), is_event, "{name}");
        if is_event {
            let (request, count) = encode(&loupe(), &[item], &samples::source());
            assert_eq!(count, 1);
            check(name, &request);
        }
    }
}

#[test]
fn a_batch_names_the_latest_session_and_instance() {
    let later =
        Stamp { instance_id: InstanceId(samples::uuid(0x4001)), sequence: 43, ..samples::stamp(None) };
    let items = [
        samples::event("host_session_id"),
        samples::event("screen_view"),
        samples::stored(later, Event::feature("sync").unwrap()),
    ];
    let (request, count) = encode(&loupe(), &items, &samples::source());
    assert_eq!(count, 3);
    check("batch", &request);
}

#[test]
fn options_and_an_unknown_device() {
    let (request, _) = encode(&loupe(), &[samples::event("feature")], &samples::minimal_source());
    check("minimal_source", &request);
    let loupe = loupe()
        .product("Acme Suite")
        .and_then(|loupe| loupe.application("Shop"))
        .and_then(|loupe| loupe.client_name("Shop for Linux"))
        .and_then(|loupe| loupe.client_version("1.2.0-rc.1"))
        .and_then(|loupe| loupe.screen_size(1024, 768))
        .and_then(|loupe| loupe.header("Authorization", "Bearer old"))
        .and_then(|loupe| loupe.header("authorization", "Bearer new"))
        .unwrap();
    assert!(!format!("{loupe:?}").contains("Bearer"));
    let (request, _) = encode(&loupe, &[samples::event("feature")], &samples::source());
    check("options", &request);
}

#[test]
fn parameters_and_places_in_the_source() {
    let full = log(|event| {
        event.set_json("parameters", r#"[7, "seven", null]"#).unwrap();
        event.set_text("code.file.path", "app.rs").unwrap();
        event.set_text("code.function.name", "init").unwrap();
        event.set_number("code.line.number", 12.0).unwrap();
        event.set_number("code.column.number", 3.0).unwrap();
    });
    check("log_with_source", &encode(&loupe(), &[full], &samples::source()).0);
    // Of another type than the server reads: details.
    let odd = log(|event| {
        event.set_json("parameters", r#"{"a": 1}"#).unwrap();
        event.set_number("code.file.path", 1.0).unwrap();
        event.set_number("code.line.number", 1.5).unwrap();
        event.set_number("code.column.number", 2_147_483_648.0).unwrap();
    });
    check("log_with_odd_source", &encode(&loupe(), &[odd], &samples::source()).0);
}

#[test]
fn severities_are_loupes() {
    let expected = |number| match number {
        1..=8 => 16,
        9..=12 => 8,
        13..=16 => 4,
        17..=20 => 2,
        _ => 1,
    };
    for number in 1..=24 {
        let event = Event::log(Severity::new(number).unwrap(), None, "m").unwrap();
        let (request, _) = encode(&loupe(), &[samples::in_session(event)], &samples::source());
        assert_eq!(messages(&request)[0]["severity"], expected(number), "{number}");
    }
    for (name, severity) in [("error_handled", 2), ("error_unhandled", 1), ("feature", 8), ("timing", 8)] {
        let (request, _) = encode(&loupe(), &[samples::event(name)], &samples::source());
        assert_eq!(messages(&request)[0]["severity"], severity, "{name}");
    }
}

#[test]
fn captions_are_the_first_line() {
    let caption = |message: &str| {
        let event = Event::log(Severity::INFO, None, message).unwrap();
        let (request, _) = encode(&loupe(), &[samples::in_session(event)], &samples::source());
        assert_eq!(messages(&request)[0]["description"], message);
        messages(&request)[0]["caption"].as_str().unwrap().to_owned()
    };
    assert_eq!(caption("one\r\ntwo"), "one");
    assert_eq!(caption(&"x".repeat(256)), "x".repeat(256));
    let cut = caption(&"ü".repeat(129));
    assert!(cut.len() <= 256 && cut.ends_with("bytes more]"), "{cut}");
}

#[test]
fn a_request_is_filled_to_the_byte() {
    let of = |length: usize| log(|event| event.set_text("filler", &"x".repeat(length)).unwrap());
    let items = |last: usize| -> Vec<Item> { [30_000; 6].into_iter().chain([last]).map(of).collect() };
    let full = LIMIT - encode(&loupe(), &items(1), &samples::source()).0.body.len() + 1;
    let (request, count) = encode(&loupe(), &items(full), &samples::source());
    assert_eq!((request.body.len(), count), (LIMIT, 7));
    assert_eq!(encode(&loupe(), &items(full + 1), &samples::source()).1, 6);
    let many = vec![samples::event("feature"); 101];
    assert_eq!(encode(&loupe(), &many, &samples::source()).1, 100);
}

#[test]
fn an_event_over_the_limit_loses_its_details_to_the_byte() {
    let of = |last: usize| {
        log(|event| {
            for n in 0..6 {
                event.set_text(&format!("field{n}"), &"x".repeat(30_000)).unwrap();
            }
            event.set_text("last", &"x".repeat(last)).unwrap();
        })
    };
    let full = LIMIT - encode(&loupe(), &[of(1)], &samples::source()).0.body.len() + 1;
    let details = |last| messages(&encode(&loupe(), &[of(last)], &samples::source()).0)[0]["details"].clone();
    assert!(details(full).as_str().unwrap().contains("field0"));
    assert!(details(full + 1).as_str().unwrap().starts_with(r#"{"message":"The details are left out"#));
}

#[test]
fn an_event_over_the_limit_without_details_is_refused() {
    let mut event = Event::error("E", &"\u{1}".repeat(32_768), false).unwrap();
    event.set_text("stack_trace", &"\u{1}".repeat(65_536)).unwrap();
    let (huge, small) = (samples::in_session(event), samples::event("feature"));
    let error = loupe().encode(&[huge.clone(), small.clone()], &samples::source()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains(&samples::uuid(0x3000).to_string()), "{error}");
    // What stands before it goes first.
    assert_eq!(encode(&loupe(), &[small.clone(), huge, small], &samples::source()).1, 1);
}

#[test]
fn what_is_no_event_is_refused() {
    let start = samples::event("session_start");
    assert!(loupe().encode(&[], &samples::source()).is_err());
    assert!(loupe().encode(std::slice::from_ref(&start), &samples::source()).is_err());
    assert_eq!(encode(&loupe(), &[samples::event("feature"), start], &samples::source()).1, 1);
}

#[test]
fn bad_options_are_named() {
    let bad: Vec<(sessio::Result<Loupe>, &str)> = vec![
        (Loupe::new("ftp://loupe.acme.example"), "URL"),
        (loupe().product(""), "product"),
        (loupe().application(""), "application"),
        (loupe().client_name(""), "client's name"),
        (loupe().client_version(""), "client's version"),
        (loupe().screen_size(0, 1), "screen"),
        (loupe().screen_size(1, 0), "screen"),
        (loupe().header("Loupe-Agent-SessionId", "x"), "Loupe-Agent-SessionId"),
        (loupe().header("LOUPESESSIONID", "x"), "LOUPESESSIONID"),
        (loupe().header("X-Key", "a\r\nb: c"), "X-Key"),
    ];
    for (result, name) in bad {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(loupe().product(&"x".repeat(1_025)).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn answers_mean() {
    #[derive(Debug, PartialEq)]
    enum Meaning {
        Done,
        Retry,
        Halve,
        Drop,
    }
    use Meaning::*;
    for (status, expected) in [
        (199, Retry),
        (200, Done),
        (202, Done),
        (299, Done),
        (300, Retry),
        (302, Retry),
        (399, Retry),
        (400, Drop),
        (401, Retry),
        (402, Drop),
        (403, Drop),
        (404, Drop),
        (407, Drop),
        (408, Retry),
        (409, Drop),
        (410, Drop),
        (412, Drop),
        (413, Halve),
        (414, Drop),
        (422, Drop),
        (428, Drop),
        (429, Retry),
        (430, Drop),
        (499, Drop),
        (500, Retry),
        (503, Retry),
        (599, Retry),
    ] {
        let after = Some(Duration::from_secs(7));
        let response = Response { status, retry_after: after, body: b"<html>nonsense".to_vec() };
        let meaning = match loupe().judge(&response, 3) {
            Verdict::Done { rejected } => {
                assert_eq!(rejected, 0);
                Done
            }
            Verdict::Retry { after: is, reason } => {
                assert_eq!((is, reason), (after, format!("status {status}")));
                Retry
            }
            Verdict::Halve { .. } => Halve,
            Verdict::Drop { pause: None, .. } => Drop,
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!(meaning, expected, "{status}");
    }
}

/// Every path of a document with the types of its values; elements of arrays are one.
fn shape(path: &str, value: &Value, paths: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| shape(&format!("{path}.{key}"), value, paths));
        }
        Value::Array(items) => items.iter().for_each(|item| shape(&format!("{path}[]"), item, paths)),
        _ => drop(paths.insert(path.to_owned())),
    }
}

#[test]
fn requests_have_the_shape_of_the_real_clients() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/captures/loupe_js_2.0.4.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: the recorded requests are not there");
        return;
    };
    let recorded: Vec<Value> = serde_json::from_str(&text).unwrap();
    let error = {
        let mut event = Event::error("Error", "kaput", false).unwrap();
        event.set_text("stack_trace", "at a\nat b").unwrap();
        samples::in_session(event)
    };
    let located = log(|event| {
        event.set_json("parameters", "[7]").unwrap();
        event.set_text("code.file.path", "app.js").unwrap();
    });
    let loupe = Loupe::new("http://127.0.0.1:18802").unwrap().screen_size(1024, 768).unwrap();
    let (request, _) = encode(&loupe, &[located, samples::event("log"), error], &samples::source());

    let shape_of = |value: &Value| {
        let mut paths = std::collections::BTreeSet::new();
        shape("", value, &mut paths);
        paths
    };
    let (ours, theirs) = (golden::body(&request), &recorded[0]["body"]);
    assert_eq!(shape_of(&ours), shape_of(theirs));
    for (ours, theirs) in messages(&request).iter().zip(theirs["logMessages"].as_array().unwrap()) {
        assert_eq!(
            ours.as_object().unwrap().keys().collect::<Vec<_>>(),
            theirs.as_object().unwrap().keys().collect::<Vec<_>>()
        );
    }
    let timestamp = |value: &Value| value["logMessages"][0]["timestamp"].as_str().unwrap().to_owned();
    let pattern = |text: String| text.replace(|c: char| c.is_ascii_digit(), "9");
    assert_eq!(pattern(timestamp(&ours)), pattern(timestamp(theirs)));
    assert!(request.url.ends_with(recorded[0]["url"].as_str().unwrap()));
    for header in ["content-type", "loupe-agent-sessionid", "loupesessionid"] {
        assert!(!recorded[0]["headers"][header].is_null());
        assert!(request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header)), "{header}");
    }
}
