//! What goes to an OpenTelemetry collector, byte for byte, and what its answers mean.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/wire.rs"]
mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{golden, samples};
use serde_json::{Value, json};
use sessio::ErrorKind;
use sessio::event::{Event, Severity, Stamp};
use sessio::ids::UserId;
use sessio::protocol::{Item, Otlp, Protocol, Request, Response, Source, Verdict};
use sessio::session::{EndReason, SessionRecord};

const LIMIT: usize = 1_000_000;

fn otlp() -> Otlp {
    Otlp::new("http://[::1]:4318/v1/logs").unwrap()
}

fn encode(otlp: &Otlp, items: &[Item], source: &Source) -> (Request, usize) {
    let (request, count) = otlp.encode(items, source).unwrap();
    for record in records(&request) {
        let keys: Vec<_> =
            record["attributes"].as_array().unwrap().iter().map(|a| a["key"].to_string()).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a key is there twice: {keys:?}");
    }
    (request, count)
}

/// The request, and what is in it, with attributes on a line each.
fn check(name: &str, request: &Request) {
    let mut body = golden::body(request);
    for resource in body["resourceLogs"].as_array_mut().unwrap() {
        flatten(&mut resource["resource"]);
        resource["scopeLogs"][0]["logRecords"].as_array_mut().unwrap().iter_mut().for_each(flatten);
    }
    let shown = json!({ "request": golden::request(request), "body, with attributes flat": body });
    golden::check("otlp", name, &shown);
}

fn flatten(holder: &mut Value) {
    let attributes = holder["attributes"].take();
    let flat = |attribute: &Value| {
        let value = attribute["value"].as_object().unwrap();
        let text = |(kind, value): (&String, &Value)| {
            format!("{kind} {}", value.as_str().map_or(value.to_string(), Into::into))
        };
        (
            attribute["key"].as_str().unwrap().to_owned(),
            Value::from(value.iter().next().map_or("null".into(), text)),
        )
    };
    holder["attributes"] = attributes.as_array().unwrap().iter().map(flat).collect();
}

fn resources(request: &Request) -> Vec<Value> {
    golden::body(request)["resourceLogs"].as_array().unwrap().clone()
}

fn records(request: &Request) -> Vec<Value> {
    let of = |resource: &Value| resource["scopeLogs"][0]["logRecords"].as_array().unwrap().clone();
    resources(request).iter().flat_map(of).collect()
}

fn attribute<'a>(of: &'a Value, key: &str) -> &'a Value {
    let attributes = of["attributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["key"] == key).map_or(&Value::Null, |found| &found["value"])
}

#[test]
fn every_sample_goes_out_as_recorded() {
    for (name, item) in samples::events() {
        assert!(otlp().takes(&item), "{name}");
        let (request, count) = encode(&otlp(), &[item], &samples::source());
        assert_eq!(count, 1);
        check(name, &request);
    }
}

#[test]
fn a_day_in_order() {
    let names = ["session_start", "screen_view", "paused", "session_end_timeout", "session_start_first"];
    let items: Vec<_> = names.map(samples::event).into();
    let (request, count) = encode(&otlp(), &items, &samples::source());
    assert_eq!((count, resources(&request).len()), (5, 1));
    check("batch", &request);
}

#[test]
fn items_of_another_version_or_mode_have_a_resource_of_their_own() {
    let update = Stamp { app_version: Some("1.3.0".into()), ..samples::stamp(None) };
    let anonymous = Stamp { user_id: UserId::NIL, user: None, ..samples::stamp(None) };
    let feature = || Event::feature("sync").unwrap();
    let items = [
        samples::event("feature"),
        samples::event("timing"),
        samples::stored(anonymous, feature()),
        samples::stored(update, feature()),
        samples::event("feature"),
    ];
    let (request, count) = encode(&otlp(), &items, &samples::source());
    let resources = resources(&request);
    assert_eq!((count, resources.len()), (5, 4));
    let of = |at: usize, key: &str| attribute(&resources[at]["resource"], key)["stringValue"].clone();
    assert_eq!(of(0, "device.id"), samples::installation().to_string());
    assert_eq!((of(1, "device.id"), of(1, "service.version")), (Value::Null, json!("1.2.0")));
    assert_eq!(of(2, "service.version"), "1.3.0");
    assert!(!resources[1].to_string().contains(&samples::installation().to_string()));
    check("resources", &request);
}

#[test]
fn options_and_an_unknown_device() {
    let (request, _) = encode(&otlp(), &[samples::event("no_user_no_version")], &samples::minimal_source());
    check("minimal_source", &request);
    let otlp = otlp()
        .header("Authorization", "Bearer old")
        .and_then(|otlp| otlp.header("authorization", "Bearer new"))
        .and_then(|otlp| otlp.resource_attribute("deployment.environment.name", "old"))
        .and_then(|otlp| otlp.resource_attribute("service.name", "shop"))
        .and_then(|otlp| otlp.resource_attribute("deployment.environment.name", "staging"))
        .unwrap();
    assert!(!format!("{otlp:?}").contains("Bearer"));
    let (request, _) = encode(&otlp, &[samples::event("feature")], &samples::source());
    check("options", &request);
}

#[test]
fn the_build_is_told_with_what_its_version_tracked() {
    let items = ["feature", "no_user_no_version"].map(samples::event);
    let (request, count) = encode(&otlp(), &items, &samples::source_with_build());
    let builds = resources(&request).into_iter().map(|of| attribute(&of["resource"], "app.build_id").clone());
    assert_eq!((count, builds.collect::<Vec<_>>()), (2, vec![json!({"stringValue": "4711"}), Value::Null]));
    check("build", &request);
}

#[test]
fn no_field_takes_the_place_of_an_attribute() {
    let mut event = Event::error("E", "m", false).unwrap();
    for key in ["session.id", "exception.type", "sessio.sequence", "field.session.id", "user.id", "free"] {
        event.set_text(key, "the host's").unwrap();
    }
    let (request, _) = encode(&otlp(), &[samples::in_session(event)], &samples::source());
    let record = &records(&request)[0];
    for key in [
        "field.session.id",
        "field.exception.type",
        "field.sessio.sequence",
        "field.field.session.id",
        "free",
    ] {
        assert_eq!(attribute(record, key)["stringValue"], "the host's", "{key}");
    }
    assert_eq!(attribute(record, "session.id")["stringValue"], samples::session_id().to_string());
}

#[test]
fn states_of_the_app_go_with_their_system() {
    for (os, key) in [("Android", "android.app.state"), ("iOS", "ios.app.state"), ("Linux", "")] {
        let mut source = samples::source();
        source.device.os_name = Some(os.into());
        for state in ["foreground", "background"] {
            let (request, _) = encode(&otlp(), &[samples::event(state)], &source);
            let record = &records(&request)[0];
            assert_eq!(record["eventName"], "device.app.lifecycle");
            for known in ["android.app.state", "ios.app.state"] {
                let expected = if known == key { json!({ "stringValue": state }) } else { Value::Null };
                assert_eq!(attribute(record, known), &expected, "{known} on {os}");
            }
        }
    }
}

#[test]
fn json_keeps_its_types() {
    let mut event =
        Event::self_describing("iglu:com.acme/thing/jsonschema/1-0-0", "[1, -1.5, \"x\", null, true]")
            .unwrap();
    event.set_json("nested", r#"{"b": [[], {}], "a": 18446744073709551615}"#).unwrap();
    let (request, _) = encode(&otlp(), &[samples::in_session(event)], &samples::source());
    check("json", &request);
}

#[test]
fn times_are_true_and_noticed() {
    let ended = |ended_at: i64, noticed_at: i64| {
        let record = SessionRecord { ended_at: Some(ended_at), ..samples::ended_session(EndReason::Timeout) };
        let end = Item::SessionEnd { record: Box::new(record), noticed_at };
        let (request, _) = encode(&otlp(), &[end], &samples::source());
        let time = |key: &str| records(&request)[0][key].as_str().unwrap().parse::<i64>().unwrap();
        (time("timeUnixNano"), time("observedTimeUnixNano"))
    };
    assert_eq!(ended(1_000, 31_000), (1_000_000_000, 31_000_000_000));
    assert_eq!(ended(1_000, 999), (1_000_000_000, 1_000_000_000), "nothing is noticed before it happens");
    assert_eq!(ended(-5, i64::MAX), (0, i64::MAX), "what OTLP has no time for");
}

#[test]
fn severities_are_opentelemetrys() {
    let of = |event: Event| {
        let (request, _) = encode(&otlp(), &[samples::in_session(event)], &samples::source());
        (
            records(&request)[0]["severityNumber"].as_u64().unwrap(),
            records(&request)[0]["severityText"].clone(),
        )
    };
    for (number, name) in
        [(1, "TRACE"), (4, "TRACE"), (5, "DEBUG"), (8, "DEBUG"), (9, "INFO"), (12, "INFO"), (13, "WARN")]
            .into_iter()
            .chain([(16, "WARN"), (17, "ERROR"), (20, "ERROR"), (21, "FATAL"), (24, "FATAL")])
    {
        let severity = Severity::new(number).unwrap();
        assert_eq!(of(Event::log(severity, None, "m").unwrap()), (number.into(), name.into()));
    }
    assert_eq!(of(Event::error("E", "m", false).unwrap()), (17, "ERROR".into()));
    assert_eq!(of(Event::error("E", "m", true).unwrap()), (21, "FATAL".into()));
    assert_eq!(of(Event::feature("f").unwrap()), (9, "INFO".into()));
}

#[test]
fn a_request_is_filled_to_the_byte_and_one_event_always_fits() {
    let of = |length: usize| {
        let mut event = Event::feature("f").unwrap();
        event.set_text("filler", &"x".repeat(length)).unwrap();
        samples::in_session(event)
    };
    let items = |last: usize| -> Vec<Item> { [32_000; 30].into_iter().chain([last]).map(of).collect() };
    let full = LIMIT - encode(&otlp(), &items(1), &samples::source()).0.body.len() + 1;
    let (request, count) = encode(&otlp(), &items(full), &samples::source());
    assert_eq!((request.body.len(), count), (LIMIT, 31));
    assert_eq!(encode(&otlp(), &items(full + 1), &samples::source()).1, 30);
    // The next resource counts, too.
    let stamp = Stamp { app_version: Some("1.3.0".into()), ..samples::stamp(None) };
    let mut mixed = items(full - 100);
    mixed.push(samples::stored(stamp, Event::feature("f").unwrap()));
    assert_eq!(encode(&otlp(), &mixed, &samples::source()).1, 31);
    let many = vec![samples::event("feature"); 513];
    assert_eq!(encode(&otlp(), &many, &samples::source()).1, 512);

    let mut huge = Event::log(Severity::INFO, None, &"\u{1}".repeat(32_768)).unwrap();
    for n in 0..7 {
        huge.set_text(&format!("field{n}"), &"\u{1}".repeat(30_000)).unwrap();
    }
    let items = [samples::in_session(huge), samples::event("feature")];
    let (request, count) = encode(&otlp(), &items, &samples::source());
    assert!(request.body.len() > LIMIT);
    assert_eq!(count, 1);
    assert!(otlp().encode(&[], &samples::source()).is_err());
}

#[test]
fn bad_options_are_named() {
    let bad: Vec<(sessio::Result<Otlp>, &str)> = vec![
        (Otlp::new("collector:4318"), "URL"),
        (Otlp::new(""), "URL"),
        (otlp().header("content-type", "text/plain"), "content-type"),
        (otlp().header("X Key", "v"), "X Key"),
        (otlp().header("X-Key", "a\nb"), "X-Key"),
        (otlp().resource_attribute("", "v"), "resource attribute"),
    ];
    for (result, name) in bad {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let long = "x".repeat(32 * 1_024 + 1);
    assert_eq!(otlp().resource_attribute(&long, "v").unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(otlp().resource_attribute("k", &long).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn statuses_mean() {
    #[derive(Debug, PartialEq)]
    enum Meaning {
        Done,
        Retry,
        Drop,
    }
    use Meaning::*;
    let retried = [429, 502, 503, 504];
    for status in 100..600 {
        let expected = match status {
            200..=299 => Done,
            300..=399 => Retry,
            _ if retried.contains(&status) => Retry,
            _ => Drop,
        };
        let after = Some(Duration::from_secs(7));
        let response = Response { status, retry_after: after, body: Vec::new() };
        let meaning = match otlp().judge(&response, 3) {
            Verdict::Done { rejected: 0 } => Done,
            Verdict::Retry { after: is, .. } if is == after => Retry,
            Verdict::Drop { reason, pause: None } if reason == format!("status {status}") => Drop,
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!(meaning, expected, "{status}");
    }
}

#[test]
fn partial_successes_are_counted() {
    for (body, rejected) in [
        ("", 0),
        ("{}", 0),
        ("<html>nonsense", 0),
        (r#"{"partialSuccess":{}}"#, 0),
        (r#"{"partialSuccess":null}"#, 0),
        (r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}"#, 2),
        (r#"{"partialSuccess":{"rejectedLogRecords":2}}"#, 2),
        (r#"{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"a warning"}}"#, 0),
        (r#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#, 3),
        (r#"{"partialSuccess":{"rejectedLogRecords":"4"}}"#, 3),
        (r#"{"partialSuccess":{"rejectedLogRecords":"-1"}}"#, 0),
        (r#"{"partialSuccess":{"rejectedLogRecords":-1}}"#, 0),
        (r#"{"partialSuccess":{"rejectedLogRecords":"99999999999999999999"}}"#, 0),
        (r#"{"partialSuccess":{"rejectedLogRecords":"2""#, 0),
    ] {
        let response = Response { status: 200, retry_after: None, body: body.into() };
        assert_eq!(otlp().judge(&response, 3), Verdict::Done { rejected }, "{body}");
    }
}
