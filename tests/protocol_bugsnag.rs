//! Bugsnag: golden requests, batches, ages, answers, options, and the shape of recorded requests.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/wire.rs"]
mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use common::{golden, samples};
use serde_json::{Value, json};
use sessio::ErrorKind;
use sessio::event::{Event, EventKind, User};
use sessio::ids::{SessionId, UserId};
use sessio::protocol::{Bugsnag, Item, Protocol, Request, Response, SessionCount, Source, Verdict};
use sessio::session::SessionRecord;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const DAY: i64 = 86_400_000;

fn bugsnag() -> Bugsnag {
    Bugsnag::new(KEY).unwrap().notify_endpoint("https://notify.bugsnag.com/").unwrap()
}

/// With every option.
fn full() -> Bugsnag {
    Bugsnag::new(KEY)
        .and_then(|it| it.sessions_endpoint("http://localhost:9339/sessions"))
        .and_then(|it| it.notify_endpoint("http://localhost:9339/notify"))
        .and_then(|it| it.release_stage("beta"))
        .and_then(|it| it.enabled_release_stages(&["beta", "production"]))
        .and_then(|it| it.app("id", "com.acme.override"))
        .and_then(|it| it.app("version", "9.9"))
        .and_then(|it| it.app("type", "desktop"))
        .and_then(|it| it.device("model", "Till \"3\""))
        .and_then(|it| it.device("hostname", "till-3"))
        .and_then(|it| it.runtime_version("dotnet", "8.0"))
        .unwrap()
}

fn check(name: &str, request: &Request) {
    let mut is = golden::request(request);
    is["means"] = golden::body(request);
    golden::check("bugsnag", name, &is);
}

fn encode(bugsnag: &Bugsnag, items: &[Item], source: &Source) -> (Request, usize) {
    bugsnag.encode(items, source).unwrap()
}

fn start(record: SessionRecord) -> Item {
    Item::SessionStart(Box::new(record))
}

fn started(n: i64) -> Item {
    let mut record = samples::open_session();
    record.id = SessionId::from_uuid(samples::uuid((0x5000 + n) as u128));
    record.started_at.wall += n;
    start(record)
}

fn error() -> Item {
    samples::event("error_handled")
}

#[test]
fn session_starts_and_errors_are_taken_and_golden() {
    let mut taken = Vec::new();
    for (name, item) in samples::events() {
        if !bugsnag().takes(&item) {
            continue;
        }
        let (request, count) = encode(&bugsnag(), &[item], &samples::source());
        assert_eq!(count, 1);
        check(name, &request);
        taken.push(name);
    }
    let expected: Vec<&str> = samples::events()
        .into_iter()
        .filter(|(_, item)| match item {
            Item::SessionStart(_) => true,
            Item::SessionEnd { .. } => false,
            Item::Event(stored) => matches!(stored.event.kind(), EventKind::Error { .. }),
            _ => false,
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(taken, expected);
    assert!(taken.len() >= 11, "{taken:?}");
}

#[test]
fn errors_with_everything_that_can_be_said_are_golden() {
    let mut event = Event::error("E", samples::CONTROLS, true).unwrap();
    event.set_text("stack_trace", " at a\r\n\n\tat b \"x\"\n").unwrap();
    event.set_text("context", "Cart").unwrap();
    event.set_text(samples::SCRIPTS, samples::CONTROLS).unwrap();
    event.set_number("tiny", 1e-7).unwrap();
    event.set_number("huge", 1e300).unwrap();
    event.set_json("whole", "9223372036854775807").unwrap();
    event.set_json("list", "[1, {\"a\": null}]").unwrap();
    event.add_context("iglu:com.acme/a/jsonschema/1-0-0", "{\"n\": 1}").unwrap();
    event.add_context("iglu:com.acme/a/jsonschema/1-0-0", "{\"n\": 2}").unwrap();
    event.set_true_time(samples::TRACKED - DAY);
    let host = samples::session_stamp();
    let host = sessio::event::SessionStamp { id: SessionId::parse("web.7_A-b").unwrap(), ..host };
    let items = [
        ("error_full", samples::in_session(event)),
        ("error_host_session_id", with_stamp(|stamp| stamp.session = Some(host.clone()))),
        ("error_in_background", with_stamp(|stamp| stamp.in_background = true)),
        (
            "error_anonymous",
            with_stamp(|stamp| {
                stamp.user_id = UserId::NIL;
                stamp.user = None;
            }),
        ),
    ];
    for (name, item) in items {
        check(name, &encode(&bugsnag(), &[item], &samples::source()).0);
    }
}

fn with_stamp(change: impl FnOnce(&mut sessio::event::Stamp)) -> Item {
    let mut stamp = samples::stamp(Some(samples::session_stamp()));
    change(&mut stamp);
    samples::stored(stamp, Event::error("E", "m", false).unwrap())
}

#[test]
fn options_and_a_source_that_says_little_are_golden() {
    let item = samples::event("session_start");
    check("options_session_start", &encode(&full(), std::slice::from_ref(&item), &samples::source()).0);
    check("options_error", &encode(&full(), &[error()], &samples::source()).0);
    let with_build = samples::source_with_build();
    check("build_session_start", &encode(&bugsnag(), std::slice::from_ref(&item), &with_build).0);
    check("build_error", &encode(&bugsnag(), &[error()], &with_build).0);
    let own = bugsnag().app("bundleVersion", "own").unwrap();
    let body = String::from_utf8(encode(&own, &[error()], &with_build).0.body).unwrap();
    assert!(body.contains(r#""bundleVersion":"own""#) && !body.contains("4711"), "{body}");
    check("minimal_session_start", &encode(&bugsnag(), &[item], &samples::minimal_source()).0);
    check("minimal_error", &encode(&bugsnag(), &[error()], &samples::minimal_source()).0);
}

#[test]
fn starts_go_together_as_far_as_they_share_what_is_said_once() {
    let anonymous = |n| {
        let Item::SessionStart(mut record) = started(n) else { panic!() };
        (record.user_id, record.user) = (uuid::Uuid::nil(), None);
        Item::SessionStart(record)
    };
    let updated = |n| {
        let Item::SessionStart(mut record) = started(n) else { panic!() };
        record.app_version = Some("1.3.0".into());
        Item::SessionStart(record)
    };
    let items = [
        started(1),
        started(2),
        error(),
        error(),
        anonymous(3),
        started(4),
        started(5),
        updated(6),
        updated(7),
    ];
    let mut rest = &items[..];
    let mut counts = Vec::new();
    while !rest.is_empty() {
        let (_, count) = encode(&bugsnag(), rest, &samples::source());
        counts.push(count);
        rest = &rest[count..];
    }
    assert_eq!(counts, [2, 1, 1, 1, 2, 2]);
    check("batch", &encode(&bugsnag(), &items, &samples::source()).0);
}

#[test]
fn a_request_holds_what_the_limits_allow() {
    let limits = bugsnag().limits();
    let many: Vec<Item> = (0..300).map(started).collect();
    assert_eq!(encode(&bugsnag(), &many, &samples::source()).1, 128, "counts may be more");
    let wide =
        User::new(&"\u{1}".repeat(512), Some(&"\u{1}".repeat(512)), Some(&"\u{1}".repeat(512))).unwrap();
    let wide: Vec<Item> = (0..300)
        .map(|n| {
            let Item::SessionStart(mut record) = started(n) else { panic!() };
            record.user = Some(wide.clone().into());
            Item::SessionStart(record)
        })
        .collect();
    let (request, count) = encode(&bugsnag(), &wide, &samples::source());
    let each = request.body.len() / count;
    assert!(request.body.len() <= limits.bytes && request.body.len() + each > limits.bytes, "{count}");
    assert_eq!(golden::body(&request)["sessions"].as_array().unwrap().len(), count);
}

#[test]
fn what_is_too_old_is_refused_first_and_ends_a_batch() {
    let source = |days: i64| Source { sent_at: samples::TRACKED - 60_500 + days * DAY, ..samples::source() };
    assert!(bugsnag().encode(&[started(0)], &source(60)).is_ok());
    let late = bugsnag().encode(&[started(-1), started(0)], &source(60)).unwrap_err();
    assert!(late.to_string().contains("older"), "{late}");
    assert_eq!(encode(&bugsnag(), &[started(0), started(-1), started(1)], &source(60)).1, 1);
    assert!(bugsnag().encode(&[error()], &source(61)).is_err());
    let strict = bugsnag().max_age(Duration::from_secs(3_600)).unwrap();
    assert!(strict.encode(&[error()], &samples::source()).is_ok());
    assert!(strict.encode(&[error()], &source(1)).is_err());
}

#[test]
fn another_release_stage_and_no_notify_endpoint_mean_no_use() {
    let items: Vec<Item> = samples::events().into_iter().map(|(_, item)| item).collect();
    let other =
        bugsnag().release_stage("development").unwrap().enabled_release_stages(&["production"]).unwrap();
    assert!(!other.is_enabled() && !items.iter().any(|item| other.takes(item)));
    let none = bugsnag().enabled_release_stages(&[]).unwrap();
    assert!(!none.is_enabled());
    let quiet = Bugsnag::new(KEY).unwrap();
    assert!(quiet.is_enabled() && quiet.takes(&started(1)) && !quiet.takes(&error()));
    for wrong in [&[error()][..], &[samples::event("session_end_ended")], &[]] {
        assert!(quiet.encode(wrong, &samples::source()).is_err());
    }
    assert!(bugsnag().encode(&[samples::event("log")], &samples::source()).is_err());
}

#[test]
fn counts_go_by_the_whole_minute() {
    let of = |started_at, sessions_started| count(started_at, sessions_started, samples::installation());
    let counts =
        [of(samples::TRACKED, 3), of(samples::TRACKED + 1, 4), of(samples::TRACKED + 60_000, u64::MAX)];
    let (request, taken) = encode(&bugsnag(), &counts, &samples::source());
    assert_eq!(taken, 3);
    check("session_counts", &request);
    let started = &golden::body(&request)["sessionCounts"];
    assert_eq!(started[0]["startedAt"], "2026-01-31T09:05:00.000Z");
    assert_eq!(
        (started[0]["sessionsStarted"].as_u64(), started[1]["sessionsStarted"].as_u64()),
        (Some(7), Some(u64::MAX))
    );
    let mixed = [
        of(samples::TRACKED, 1),
        count(samples::TRACKED, 1, uuid::Uuid::nil()),
        samples::event("session_start"),
    ];
    assert_eq!(
        encode(&bugsnag(), &mixed, &samples::source()).1,
        1,
        "anonymous sessions have a request of their own"
    );
    let Item::SessionCount(before) = of(samples::TRACKED, 1) else { panic!("it is a count") };
    let before = Item::SessionCount(SessionCount { app_version: Some("1.1.0".into()), ..before });
    let (request, taken) = encode(&bugsnag(), &[before, of(samples::TRACKED, 1)], &samples::source());
    assert_eq!(taken, 1, "an update in between: each version has a request of its own");
    assert_eq!(golden::body(&request)["app"]["version"], "1.1.0");
    assert!(bugsnag().gathers(&mixed[0]).is_some() && bugsnag().gathers(&mixed[2]).is_none());
    assert!(bugsnag().encode(&[of(-1, 1)], &samples::source()).is_err(), "too old");
}

/// So many sessions of scopes.
fn count(started_at: i64, sessions_started: u64, user_id: uuid::Uuid) -> Item {
    Item::SessionCount(SessionCount {
        started_at,
        sessions_started,
        user_id: UserId(user_id),
        app_version: Some("1.2.0".into()),
        at: samples::TRACKED,
    })
}

#[test]
fn the_integrity_is_that_of_the_body() {
    let (request, _) = encode(&bugsnag(), &[started(1)], &samples::source());
    let integrity = header(&request, "Bugsnag-Integrity").unwrap();
    assert_eq!(integrity, format!("sha1 {}", sha1_smol::Sha1::from(&request.body).digest()));
    assert_eq!(integrity.len(), 45);
    assert_eq!(sha1_smol::Sha1::from("abc").digest().to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
}

#[test]
fn every_answer_has_its_verdict() {
    let after = Some(Duration::from_secs(7));
    for status in 100..=599 {
        for retry_after in [None, after] {
            let verdict = bugsnag().judge(&Response { status, retry_after, body: b"nonsense".into() }, 3);
            match status {
                200..=299 => assert_eq!(verdict, Verdict::Done { rejected: 0 }),
                402 | 407 | 408 | 429 | 100..=199 | 300..=399 | 500..=599 => {
                    assert!(
                        matches!(verdict, Verdict::Retry { after, .. } if after == retry_after),
                        "{status}"
                    );
                }
                _ => assert!(matches!(verdict, Verdict::Drop { pause: None, .. }), "{status}"),
            }
        }
    }
}

#[test]
fn bad_options_are_refused_by_name() {
    let refused = |result: sessio::Result<Bugsnag>, named: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains(named), "{error}");
    };
    refused(Bugsnag::new(""), "API key");
    refused(Bugsnag::new("a\r\nX: b"), "API key");
    for url in ["", "localhost", "ftp://a/", "https://", "http://a b/"] {
        refused(bugsnag().sessions_endpoint(url), "sessions endpoint");
        refused(bugsnag().notify_endpoint(url), "notify endpoint");
    }
    refused(bugsnag().release_stage(""), "release stage");
    refused(bugsnag().enabled_release_stages(&["a", ""]), "release stage");
    refused(bugsnag().app("inForeground", "x"), "inForeground");
    refused(bugsnag().device("id", "x"), "device");
    refused(bugsnag().runtime_version("", "x"), "runtimeVersions");
    refused(bugsnag().max_age(Duration::from_secs(60 * 86_400 + 1)), "maximum age");
    assert!(!format!("{:?}", bugsnag()).contains(KEY));
}

// The shape of what real notifiers send.

fn recorded(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/captures").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: no recording {name}");
    }
    text.map(|text| serde_json::from_str(&text).unwrap())
}

/// Names of an object, but those in `without`.
fn names(object: &Value, without: &[&str]) -> BTreeSet<String> {
    let keys = object.as_object().unwrap().keys().filter(|key| !without.contains(&key.as_str()));
    keys.cloned().collect()
}

fn header_names(request: &Request) -> BTreeSet<String> {
    request.headers.iter().map(|(name, _)| name.to_lowercase()).collect()
}

/// The receiver's own headers, and the type: the others are the connection's.
fn recorded_headers(headers: &Value) -> BTreeSet<String> {
    let own = |name: &String| name.starts_with("bugsnag-") || name == "content-type";
    names(headers, &[]).into_iter().filter(own).collect()
}

#[test]
fn sessions_have_the_shape_that_was_recorded() {
    let Some(recorded) = recorded("bugsnag_js_7.25_sessions_browser.json") else { return };
    let full = full();
    let item = samples::event("session_start_no_user");
    let (request, _) = encode(&full, &[item], &samples::source());
    let ours = golden::body(&request);
    assert!(recorded_headers(&recorded["headers"]).is_subset(&header_names(&request)));
    let theirs = &recorded["body"];
    assert_eq!(names(&ours, &[]), names(theirs, &[]));
    for part in ["notifier", "app"] {
        assert!(names(theirs.get(part).unwrap(), &[]).is_subset(&names(&ours[part], &[])), "{part}");
    }
    // A browser's own.
    assert!(names(&theirs["device"], &["userAgent", "orientation"]).is_subset(&names(&ours["device"], &[])));
    assert_eq!(names(&ours["sessions"][0], &[]), names(&theirs["sessions"][0], &[]));
    assert_eq!(names(&ours["sessions"][0]["user"], &[]), names(&theirs["sessions"][0]["user"], &[]));
    assert_eq!(ours["sessions"][0]["user"]["id"], ours["device"]["id"]);
}

#[test]
fn counts_have_the_shape_that_was_recorded() {
    let Some(recorded) = recorded("bugsnag_js_7.25_session_counts_node.json") else { return };
    let counts = [count(samples::TRACKED, 3, samples::installation())];
    let request = encode(&full(), &counts, &samples::source()).0;
    let ours = golden::body(&request);
    assert!(recorded_headers(&recorded["headers"]).is_subset(&header_names(&request)));
    assert_eq!(names(&ours, &[]), names(&recorded["body"], &[]));
    assert_eq!(names(&ours["sessionCounts"][0], &[]), names(&recorded["body"]["sessionCounts"][0], &[]));
    assert!(names(&recorded["body"]["device"], &[]).is_subset(&names(&ours["device"], &[])));
}

#[test]
fn errors_have_the_shape_that_was_recorded() {
    let Some(recorded) = recorded("bugsnag_js_7.25_event_session_node.json") else { return };
    let (request, _) = encode(&full(), &[error()], &samples::source());
    let ours = &golden::body(&request)["events"][0];
    for theirs in recorded.as_array().unwrap() {
        assert!(recorded_headers(&theirs["headers"]).is_subset(&header_names(&request)));
        assert_eq!(theirs["headers"]["bugsnag-payload-version"], json!("4"));
        assert!(names(theirs, &["headers"]).is_subset(&names(ours, &[])));
        assert_eq!(names(&ours["session"], &[]), names(&theirs["session"], &[]));
        assert_eq!(names(&ours["session"]["events"], &[]), names(&theirs["session"]["events"], &[]));
        // Momentary states of the process, which may be gone when an error is sent.
        assert!(names(&theirs["app"], &["duration"]).is_subset(&names(&ours["app"], &[])));
        assert!(names(&theirs["device"], &["freeMemory"]).is_subset(&names(&ours["device"], &[])));
    }
    assert_eq!(header(&request, "Bugsnag-Payload-Version"), Some("4"));
}

#[test]
fn outside_a_session_an_error_has_none() {
    let Some(recorded) = recorded("bugsnag_js_7.25_event_session_browser.json") else { return };
    let paused = recorded.as_array().unwrap().iter().find(|event| event["message"] == "paused").unwrap();
    let (request, _) = encode(&bugsnag(), &[samples::event("error_outside_session")], &samples::source());
    assert!(paused.get("session").is_none());
    assert!(golden::body(&request)["events"][0].get("session").is_none());
}
