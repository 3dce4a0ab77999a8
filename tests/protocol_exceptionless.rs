//! Exceptionless: golden requests, batches, references, answers, options, and the shape of recorded requests.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/wire.rs"]
mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use common::{golden, samples};
use serde_json::Value;
use sessio::ErrorKind;
use sessio::event::{Event, SessionStamp, Severity, Stamp};
use sessio::ids::{SessionId, UserId};
use sessio::protocol::{Exceptionless, Item, Method, Protocol, Request, Response, Verdict};
use sessio::session::{EndReason, SessionRecord};

const KEY: &str = "UNIT_TEST_API_KEY_1234";

fn exceptionless() -> Exceptionless {
    Exceptionless::new("https://collector.exceptionless.io", KEY).unwrap()
}

/// With every option.
fn full() -> Exceptionless {
    Exceptionless::new("http://[::1]:18801/base/", KEY)
        .and_then(|it| it.tag("desktop"))
        .and_then(|it| it.tag("über \"beta\""))
        .and_then(|it| it.version("9.9-override"))
        .and_then(|it| it.environment("architecture", "x64"))
        .and_then(|it| it.environment("machine_name", "till-3"))
        .unwrap()
        .default_identity(false)
        .heartbeats(false)
}

fn check(name: &str, request: &Request) {
    let mut is = golden::request(request);
    if request.method == Method::Post {
        is["means"] = golden::body(request);
    }
    golden::check("exceptionless", name, &is);
}

fn encode(items: &[Item]) -> (Request, usize) {
    exceptionless().encode(items, &samples::source()).unwrap()
}

/// What is sent for one event.
fn sent(item: Item) -> Value {
    golden::body(&encode(&[item]).0)[0].take()
}

fn with_session_id(id: &str) -> SessionRecord {
    SessionRecord { id: SessionId::parse(id).unwrap(), ..samples::ended_session(EndReason::Ended) }
}

#[test]
fn every_sample_is_taken_and_golden() {
    for (name, item) in samples::events() {
        assert!(exceptionless().takes(&item), "{name}");
        let (request, count) = encode(&[item]);
        assert_eq!(count, 1);
        check(name, &request);
    }
}

#[test]
fn fields_with_a_place_or_a_name_of_the_receivers_are_golden() {
    let mut log = Event::log(Severity::TRACE, Some("s"), "m").unwrap();
    log.set_text("geo", "51.5,-0.1").unwrap();
    log.set_number("value", -7.9e28).unwrap();
    log.set_json("@user", "{\"identity\":\"somebody else\"}").unwrap();
    log.set_text("@ref:session", "another").unwrap();
    log.set_text("Sessio", "ours").unwrap();
    log.set_text("stack_trace", "no error").unwrap();
    let mut timing = Event::timing("load", "cart", 7).unwrap();
    timing.set_number("value", 3.0).unwrap();
    let mut usage = Event::feature("ExportPdf").unwrap();
    usage.set_number("value", 3.0).unwrap();
    usage.set_number("geo", 1.0).unwrap();
    usage.set_json("detail", "{\"a\":1}").unwrap();
    check("fields_log", &encode(&[samples::in_session(log)]).0);
    check("fields_timing", &encode(&[samples::in_session(timing)]).0);
    check("fields_usage", &encode(&[samples::in_session(usage)]).0);
}

#[test]
fn options_and_a_source_that_says_little_are_golden() {
    let items = ["session_start", "error_unhandled", "anonymous_outside_session", "session_end_crashed"]
        .map(samples::event);
    check("options_batch", &full().encode(&items, &samples::source()).unwrap().0);
    check("build", &exceptionless().encode(&items, &samples::source_with_build()).unwrap().0);
    check("minimal_batch", &exceptionless().encode(&items, &samples::minimal_source()).unwrap().0);
}

#[test]
fn every_end_says_its_reason_and_its_true_time() {
    use EndReason::*;
    let all = [
        Timeout,
        MaxDuration,
        Replaced,
        Ended,
        UserChanged,
        AnonymityChanged,
        Disabled,
        Shutdown,
        Restart,
        Crashed,
        Killed,
    ];
    for reason in all {
        let record = samples::ended_session(reason);
        let event = sent(samples::session_end(record.clone()));
        assert_eq!(event["type"], "sessionend");
        assert_eq!(event["date"], "2026-01-31T09:05:59.623Z");
        assert_eq!(event["data"]["@ref:session"], record.id.to_string());
        assert_eq!(event["reference_id"], format!("{}-end", record.id));
        assert_eq!(event["data"]["sessio"]["end_reason"], reason.name());
        assert_eq!(event["data"]["sessio"]["duration_ms"], 120_000);
    }
}

#[test]
fn references_have_the_form_that_is_asked_for() {
    let valid = |text: &str| {
        (8..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let long = |n: usize| "a".repeat(n);
    for (id, is_kept) in [
        ("host-session-7", true),
        ("12345678", true),
        ("1234567", false),
        ("9C5B94B1-35AD-49BB-B118-8E8FC24ABF80", true),
        ("9c5b94b1-35ad-49bb-b118-8e8fc24abf80", true),
        ("web.7_A-bcd", false),
        ("abcd", false),
        (&long(96), true),
        (&long(97), true),
        (&long(100), true),
        (&long(101), false),
        (&long(128), false),
    ] {
        let record = with_session_id(id);
        let start = sent(Item::SessionStart(Box::new(record.clone())));
        let end = sent(samples::session_end(record.clone()));
        let stamp = SessionStamp { id: record.id.clone(), ..samples::session_stamp() };
        let event = sent(samples::stored(samples::stamp(Some(stamp)), Event::feature("f").unwrap()));
        let reference = start["reference_id"].as_str().unwrap();
        assert_eq!(reference == id, is_kept, "{id}");
        assert_eq!(
            reference == samples::source().session_uuid(&record.id).to_string(),
            !is_kept || id.len() == 36 && id.starts_with("9c")
        );
        assert_eq!(end["data"]["@ref:session"], reference);
        assert_eq!(event["data"]["@ref:session"], reference);
        let end = end["reference_id"].as_str().unwrap();
        assert!(valid(reference) && valid(end) && end.ends_with("-end") && end != reference, "{end}");
        let url = exceptionless().heartbeat(&record.id, false, &samples::source()).unwrap().url;
        assert!(url.ends_with(&format!("?id={reference}&close=false")), "{url}");
    }
}

#[test]
fn values_beyond_a_decimal_go_as_text() {
    let with = |number: f64| {
        let mut event = Event::structured("c", "a").unwrap();
        event.set_number("value", number).unwrap();
        sent(samples::in_session(event))
    };
    for number in [0.0, -1.5, 1e-7, 7.9e28, -7.9e28, 5e-324] {
        assert_eq!(with(number)["value"], number);
        assert_eq!(with(number)["data"].get("value"), None);
    }
    for number in [7.91e28, -7.91e28, 1e300, f64::MAX, f64::MIN] {
        assert_eq!(with(number).get("value"), None);
        let text = with(number)["data"]["value"].as_str().unwrap().to_owned();
        assert_eq!(text.parse::<f64>().unwrap(), number);
    }
}

#[test]
fn levels_follow_severity() {
    let level =
        |number| sent(samples::in_session(Event::log(Severity::new(number).unwrap(), None, "m").unwrap()));
    let names = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"];
    for number in 1..=24 {
        assert_eq!(level(number)["data"]["@level"], names[(number as usize - 1) / 4]);
    }
}

#[test]
fn without_a_default_identity_only_identified_sessions_are_sent() {
    let plain = exceptionless().default_identity(false);
    for (name, item) in samples::events() {
        let user = match &item {
            Item::SessionStart(record) | Item::SessionEnd { record, .. } => record.user.is_some(),
            Item::Event(_) => true,
            _ => false,
        };
        assert_eq!(plain.takes(&item), user, "{name}");
    }
    let unknown = samples::event("no_user_no_version");
    let (request, _) = plain.encode(std::slice::from_ref(&unknown), &samples::source()).unwrap();
    assert_eq!(golden::body(&request)[0]["data"].get("@user"), None);
    assert_eq!(sent(unknown)["data"]["@user"]["identity"], samples::installation().to_string());
}

#[test]
fn a_default_identity_opens_no_session_and_names_nobody() {
    let about = |stamp: Stamp| sent(samples::stored(stamp, Event::feature("f").unwrap()));
    let nobody = |session| Stamp { user: None, ..samples::stamp(session) };
    let anonymous = |session| Stamp { user_id: UserId::NIL, ..nobody(session) };
    assert_eq!(about(nobody(None))["data"].get("@user"), None);
    assert_eq!(about(anonymous(None))["data"].get("@user"), None);
    let anonymous = about(anonymous(Some(samples::session_stamp())));
    assert_eq!(anonymous["data"]["@user"]["identity"], uuid::Uuid::nil().to_string());
    assert!(!anonymous.to_string().contains(&samples::installation().to_string()));
}

#[test]
fn a_batch_keeps_order_and_limits() {
    let limits = exceptionless().limits();
    let names = ["session_start", "log", "error_unhandled", "session_end_timeout", "feature"];
    let items = names.map(samples::event);
    let (request, count) = encode(&items);
    assert_eq!(count, 5);
    check("batch", &request);
    let many = vec![samples::event("feature"); 120];
    assert_eq!(encode(&many).1, 50);
    let wide = vec![samples::event("scripts"); 50];
    assert_eq!(encode(&wide).1, 50);
    let heavy = vec![samples::event("long_texts"); 10];
    let (request, count) = encode(&heavy);
    let one = encode(&heavy[..1]).0.body.len();
    assert!(request.body.len() <= limits.bytes && request.body.len() + one > limits.bytes, "{count}");
    assert_eq!(golden::body(&request).as_array().unwrap().len(), count);
    let oversize = [samples::event("oversize"), samples::event("log")];
    let (request, count) = encode(&oversize);
    assert!(count == 1 && request.body.len() > limits.bytes);
    assert_eq!(encode(&[samples::event("log"), samples::event("oversize")]).1, 1);
    assert!(exceptionless().encode(&[], &samples::source()).is_err());
}

#[test]
fn heartbeats_are_golden() {
    let id = samples::session_id();
    check("heartbeat", &exceptionless().heartbeat(&id, false, &samples::source()).unwrap());
    let host = SessionId::parse("web.7_A-b").unwrap();
    check("heartbeat_close_host_id", &exceptionless().heartbeat(&host, true, &samples::source()).unwrap());
    assert_eq!(full().heartbeat(&host, true, &samples::source()), None, "switched off");
}

#[test]
fn every_answer_has_its_verdict() {
    let quarter = Some(Duration::from_secs(900));
    let pause = Some(Duration::from_secs(300));
    for status in 100..=599 {
        let judge = |retry_after| {
            exceptionless().judge(&Response { status, retry_after, body: b"nonsense".into() }, 3)
        };
        let (soon, late) = (Some(Duration::from_secs(7)), Some(Duration::from_secs(3_600)));
        match status {
            200..=299 => assert_eq!(judge(None), Verdict::Done { rejected: 0 }),
            400 | 404 => assert!(matches!(judge(None), Verdict::OneByOne { .. })),
            401 | 403 => {
                for (told, waits) in [(None, quarter), (soon, quarter), (late, late)] {
                    assert!(matches!(judge(told), Verdict::Retry { after, .. } if after == waits));
                }
            }
            402 => {
                for (told, waits) in [(None, pause), (soon, pause), (late, late)] {
                    assert!(matches!(judge(told), Verdict::Drop { pause, .. } if pause == waits));
                }
            }
            413 => assert!(matches!(judge(None), Verdict::Halve { .. })),
            408 | 429 | 100..=199 | 300..=399 | 500..=599 => {
                for told in [None, soon, late] {
                    assert!(matches!(judge(told), Verdict::Retry { after, .. } if after == told), "{status}");
                }
            }
            _ => assert!(matches!(judge(None), Verdict::Drop { pause: None, .. }), "{status}"),
        }
    }
}

#[test]
fn bad_options_are_refused_by_name() {
    let refused = |result: sessio::Result<Exceptionless>, named: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains(named), "{error}");
    };
    for url in ["", "localhost", "ftp://a/", "https://", "http://a b/", "http://a?b"] {
        refused(Exceptionless::new(url, KEY), "server URL");
    }
    refused(Exceptionless::new("http://a", ""), "API key");
    refused(Exceptionless::new("http://a", "a\nb"), "API key");
    refused(exceptionless().tag(""), "tag");
    assert_eq!(exceptionless().tag(&"t".repeat(256)).unwrap_err().kind(), ErrorKind::TooLarge);
    refused(exceptionless().version(""), "version");
    refused(exceptionless().environment("install_id", "x"), "install_id");
    refused(exceptionless().environment("", "x"), "@environment");
    assert!(!format!("{:?}", exceptionless()).contains(KEY));
}

// The shape of what the real client sends.

fn recorded() -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/reference/captures/exceptionless_js_3.2.1.json");
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        println!("skipped: no recording");
    }
    let all: Option<Value> = text.map(|text| serde_json::from_str(&text).unwrap());
    all.map(|all| all.as_array().unwrap().clone())
}

/// Names of an object, but those in `without`.
fn names(object: &Value, without: &[&str]) -> BTreeSet<String> {
    let keys = object.as_object().unwrap().keys().filter(|key| !without.contains(&key.as_str()));
    keys.cloned().collect()
}

fn recorded_event(kind: &str, source: Option<&str>) -> Option<Value> {
    let posts = recorded()?.into_iter().filter(|request| request["body"].is_array());
    let mut events = posts.flat_map(|request| request["body"].as_array().unwrap().clone());
    Some(events.find(|event| event["type"] == kind && source.is_none_or(|is| event["source"] == is)).unwrap())
}

#[test]
fn requests_have_the_shape_that_was_recorded() {
    let Some(recorded) = recorded() else { return };
    let (request, _) = encode(&[samples::event("log")]);
    let ours: BTreeSet<String> = request.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
    // Those with events: the other one posts what a user says about an error.
    for theirs in recorded.iter().filter(|request| request["method"] == "POST" && request["body"].is_array())
    {
        let theirs_headers = names(&theirs["headers"], &[]);
        assert!(ours.is_subset(&theirs_headers), "{ours:?}");
        let authorization = &request.headers.iter().find(|(name, _)| name == "Authorization").unwrap().1;
        assert_eq!(theirs["headers"]["authorization"], authorization.as_str());
        assert!(request.url.ends_with(theirs["url"].as_str().unwrap()));
    }
    let beat = exceptionless().heartbeat(&samples::session_id(), false, &samples::source()).unwrap();
    let their_beat = recorded.iter().find(|it| it["url"].as_str().unwrap().contains("heartbeat")).unwrap();
    let (path, query) = their_beat["url"].as_str().unwrap().split_once('?').unwrap();
    assert!(beat.url.contains(&format!("{path}?id=")) && query.ends_with("&close=false"));
    assert_eq!((beat.method, beat.url.ends_with("&close=false")), (Method::Get, true));
}

#[test]
fn events_have_the_shape_that_was_recorded() {
    let tagged = |item: Item| {
        let (request, _) = full().encode(&[item], &samples::source()).unwrap();
        golden::body(&request)[0].take()
    };
    let mut usage = Event::feature("ExportPdf").unwrap();
    usage.set_number("value", 3.0).unwrap();
    usage.set_json("detail", "{\"a\":1}").unwrap();
    let mut error = Event::error("Error", "boom", false).unwrap();
    error.set_text("stack_trace", "Error: boom\n    at f").unwrap();
    error.set_text("geo", "51.5,-0.1").unwrap();
    for (kind, source, item) in [
        ("session", None, samples::event("session_start")),
        ("log", None, samples::event("log")),
        ("usage", Some("ExportPdf"), samples::in_session(usage)),
        ("error", None, samples::in_session(error)),
    ] {
        let Some(theirs) = recorded_event(kind, source) else { return };
        let ours = tagged(item);
        assert!(names(&theirs, &[]).is_subset(&names(&ours, &[])), "{kind}");
        // `env` is the recorded program's own field.
        assert!(names(&theirs["data"], &["env"]).is_subset(&names(&ours["data"], &[])), "{kind}");
        for part in ["@user", "@environment"] {
            assert!(names(&theirs["data"][part], &[]).is_subset(&names(&ours["data"][part], &[])), "{kind}");
        }
        if kind == "error" {
            let part = "@simple_error";
            // What the exception carries besides; an event's fields go into its `data`.
            assert_eq!(names(&theirs["data"][part], &["data"]), names(&ours["data"][part], &[]));
        }
        assert_eq!(theirs["type"], ours["type"]);
    }
}
