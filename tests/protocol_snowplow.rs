//! Snowplow's requests: to the byte, by the schemas, beside what another tracker sends, and what answers mean.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/wire.rs"]
mod common;
#[path = "common/snowplow.rs"]
mod snowplow;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{golden, samples};
use serde_json::{Value, json};
use sessio::ErrorKind;
use sessio::protocol::snowplow::{Platform, Snowplow, SnowplowBuilder, StatusRule};
use sessio::protocol::{Item, Method, Protocol, Request, Response, Source, Verdict};
use snowplow::{contexts, decoded, events};

fn builder() -> SnowplowBuilder {
    Snowplow::builder("https://collector.acme.example").platform(Platform::Desktop)
}

/// Without base64, so that the golden files can be read.
fn plain() -> SnowplowBuilder {
    builder().base64(false).session_events(true)
}

fn encode(protocol: &Snowplow, items: &[Item], source: &Source) -> Request {
    let (request, count) = protocol.encode(items, source).unwrap();
    assert_eq!(count, items.len());
    request
}

/// Every request that has a golden file.
fn requests() -> Vec<(&'static str, Request)> {
    let source = samples::source();
    let post = plain().build().unwrap();
    let mut requests: Vec<_> =
        samples::events().into_iter().map(|(name, item)| (name, encode(&post, &[item], &source))).collect();
    let full = ["structured_full", "error_unhandled", "contexts"].map(samples::event);
    let one = |builder: SnowplowBuilder, name: &str, source: &Source| {
        encode(&builder.build().unwrap(), &[samples::event(name)], source)
    };
    requests.extend([
        ("base64", encode(&builder().build().unwrap(), &full, &source)),
        ("batch", encode(&post, &full, &source)),
        ("get", one(plain().method(Method::Get), "scripts", &source)),
        ("get_base64", one(builder().method(Method::Get), "controls", &source)),
        ("mobile", one(plain().platform(Platform::Mobile).app_build("77"), "screen_view", &source)),
        ("build", one(plain(), "screen_view", &samples::source_with_build())),
        ("build_by_option", one(plain().app_build("77"), "screen_view", &samples::source_with_build())),
        ("minimal", one(plain(), "no_user_no_version", &samples::minimal_source())),
        ("subject", one(with_subject(plain()), "structured", &source)),
        ("subject_anonymous", one(with_subject(plain()), "anonymous", &source)),
        ("bare_trail", one(without_contexts(plain()), "error_trail", &source)),
        ("bare", one(without_contexts(plain()), "structured_full", &source)),
    ]);
    requests
}

fn with_subject(builder: SnowplowBuilder) -> SnowplowBuilder {
    builder
        .resolution(1920, 1080)
        .viewport(800, 600)
        .color_depth(24)
        .time_zone("Asia/Tokyo")
        .language("ja")
        .user_agent("Acme/1.2")
        .ip("2001:db8::7")
        .domain_user_id("domain-1")
        .network_user_id("network-1")
}

fn without_contexts(builder: SnowplowBuilder) -> SnowplowBuilder {
    builder.session_context(false).device_context(false).application_context(false).fields_context(false)
}

#[test]
fn samples_have_names_of_their_own() {
    let requests = requests();
    let names: BTreeSet<_> = requests.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), requests.len());
}

#[test]
fn requests_are_as_they_were() {
    for (name, request) in requests() {
        let mut shown = golden::request(&request);
        shown["means"] = Value::Array(events(&request).iter().map(decoded).collect());
        golden::check("snowplow", name, &shown);
    }
}

#[test]
fn requests_follow_the_schemas() {
    let published = snowplow::Schemas::published();
    for (name, request) in requests() {
        snowplow::Schemas::own().check(name, &request);
        if let Some(published) = &published {
            published.check(name, &request);
        }
    }
}

/// A registry goes by what a schema says of itself, and refuses one that lies elsewhere.
#[test]
fn our_schemas_lie_where_they_say_and_all_are_used() {
    let used: String = requests()
        .iter()
        .flat_map(|(_, request)| events(request))
        .map(|event| decoded(&event).to_string())
        .collect();
    let mut count = 0;
    for folder in std::fs::read_dir(snowplow::ours()).unwrap() {
        let folder = folder.unwrap();
        let text = std::fs::read_to_string(folder.path().join("jsonschema/1-0-0")).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        let name = folder.file_name().into_string().unwrap();
        let is = json!({ "vendor": "io.sessio", "name": name, "format": "jsonschema", "version": "1-0-0" });
        assert_eq!(schema["self"], is);
        assert!(
            schema["$schema"].as_str().unwrap().contains("self-desc") && schema["description"].is_string()
        );
        assert!(used.contains(&format!("iglu:io.sessio/{name}/jsonschema/1-0-0")), "{name}");
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn the_schemas_can_fail() {
    let schemas = snowplow::Schemas::own();
    let request = encode(&plain().build().unwrap(), &[samples::event("structured")], &samples::source());
    let text = String::from_utf8(request.body.clone()).unwrap();
    for (from, to) in
        [("\"stm\":\"1769850400456\"", "\"stm\":1769850400456"), ("sessionIndex", "sessionindex")]
    {
        let bad = Request { body: text.replace(from, to).into_bytes(), ..request.clone() };
        assert_ne!(bad.body, request.body);
        assert!(std::panic::catch_unwind(|| schemas.check("bad", &bad)).is_err(), "{from}");
    }
}

#[test]
fn a_request_is_like_that_of_another_tracker() {
    let Some(theirs) = snowplow::capture() else {
        return println!("skipped: no ../shared/reference/captures");
    };
    let mut event = sessio::Event::structured("category", "action").unwrap();
    event.set_text("label", "label-0").unwrap();
    event.set_text("property", "property").unwrap();
    event.set_number("value", 0.0).unwrap();
    let timing = sessio::Event::timing("cat", "var", 123).unwrap();
    let items = [samples::in_session(event), samples::in_session(timing)];
    for (method, recorded) in theirs {
        let protocol = builder().method(method).base64(method == Method::Post).build().unwrap();
        let name = match method {
            Method::Post => "cx",
            Method::Get => "co",
        };
        for (item, kind) in items.iter().zip(["se", "timing"]) {
            let request = encode(&protocol, std::slice::from_ref(item), &samples::source());
            assert!(request.url.contains(&recorded.path), "{}", request.url);
            let headers: Vec<_> =
                request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            assert!(headers.iter().all(|header| recorded.headers.contains(header)), "{headers:?}");
            let ours = &events(&request)[0];
            let theirs = recorded.event(kind);
            assert!(ours[name].is_string());
            same_shape(ours, theirs);
        }
    }
}

/// The same fields, and more only where the protocol has more.
fn same_shape(ours: &Value, theirs: &Value) {
    let more = ["uid", "lang", "tz"].map(str::to_owned);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let (mine, other) = (keys(ours), keys(theirs));
    assert_eq!(other.difference(&mine).count(), 0, "{other:?} {mine:?}");
    assert!(mine.difference(&other).all(|key| more.contains(key)), "{other:?} {mine:?}");
    let (ours, theirs) = (decoded(ours), decoded(theirs));
    assert_eq!(ours["contexts"]["schema"], theirs["contexts"]["schema"]);
    assert_eq!(ours["event"]["schema"], theirs["event"]["schema"]);
    let session = |event: &Value| contexts(event)[0].clone();
    assert_eq!(session(&ours)["schema"], session(&theirs)["schema"]);
    assert_eq!(keys(&session(&ours)["data"]), keys(&session(&theirs)["data"]));
    assert_eq!(ours["event"]["data"]["schema"], theirs["event"]["data"]["schema"]);
    if ours["event"].is_object() {
        assert_eq!(ours["event"]["data"]["data"], theirs["event"]["data"]["data"]);
    }
}

#[test]
fn a_batch_keeps_to_its_limits() {
    let source = samples::source();
    let items = vec![samples::event("structured_full"); 60];
    let protocol = builder().build().unwrap();
    let (request, count) = protocol.encode(&items, &source).unwrap();
    assert!(request.body.len() <= 40_000 && count > 10 && count < 60, "{count}");
    assert_eq!(events(&request).len(), count);
    let exactly = builder().byte_limit(request.body.len()).build().unwrap();
    assert_eq!(exactly.encode(&items, &source).unwrap().1, count);
    let one_less = builder().byte_limit(request.body.len() - 1).build().unwrap();
    assert_eq!(one_less.encode(&items, &source).unwrap().1, count - 1);
    let three = builder().batch_size(3).build().unwrap();
    assert_eq!(three.encode(&items, &source).unwrap().1, 3);
    assert_eq!((three.limits().items, three.limits().bytes), (3, 40_000));
    let get = builder().method(Method::Get).build().unwrap();
    assert_eq!((get.encode(&items, &source).unwrap().1, get.limits().items), (1, 1));
    assert!(protocol.encode(&[], &source).is_err());
}

#[test]
fn an_oversize_event_goes_alone() {
    let protocol = builder().build().unwrap();
    let items = ["oversize", "structured", "oversize"].map(samples::event);
    let (request, count) = protocol.encode(&items, &samples::source()).unwrap();
    assert!(count == 1 && request.body.len() > protocol.limits().bytes);
    assert_eq!(protocol.encode(&items[1..], &samples::source()).unwrap().1, 1);
}

#[test]
fn session_starts_and_ends_go_only_if_asked_for() {
    let quiet = builder().build().unwrap();
    let telling = builder().session_events(true).build().unwrap();
    for (name, item) in samples::events() {
        assert!(telling.takes(&item), "{name}");
        assert_eq!(quiet.takes(&item), matches!(item, Item::Event(_)), "{name}");
    }
}

#[test]
fn ids_hold_from_one_attempt_to_the_next() {
    let protocol = plain().build().unwrap();
    let later = Source { sent_at: samples::SENT + 1, ..samples::source() };
    for (name, item) in samples::events() {
        let first = encode(&protocol, std::slice::from_ref(&item), &samples::source());
        let second = encode(&protocol, &[item], &later);
        let text = String::from_utf8(first.body).unwrap();
        let (stm, new_stm) = (samples::SENT.to_string(), later.sent_at.to_string());
        assert_eq!(text.replace(&stm, &new_stm).as_bytes(), second.body, "{name}");
    }
}

#[test]
fn anonymous_events_do_not_tell_who_it_is() {
    let protocol = with_subject(plain()).build().unwrap();
    let installation = samples::installation().to_string();
    for (name, item) in samples::events().into_iter().filter(|(name, _)| name.contains("anonymous")) {
        let body = String::from_utf8(encode(&protocol, std::slice::from_ref(&item), &samples::source()).body)
            .unwrap();
        for secret in [installation.as_str(), "ada", "domain-1", "network-1", "2001:db8"] {
            assert!(!body.contains(secret), "{name}: {secret}");
        }
        let elsewhere = Source { installation: samples::uuid(9), ..samples::source() };
        assert_eq!(encode(&protocol, &[item], &elsewhere).body, body.as_bytes(), "{name}");
    }
}

#[test]
fn every_status_has_its_verdict() {
    let after = Some(Duration::from_secs(7));
    let protocol = builder()
        .status_rule(500, StatusRule::Drop)
        .status_rule(403, StatusRule::Retry)
        .status_rule(304, StatusRule::Done)
        .build()
        .unwrap();
    let usual = builder().build().unwrap();
    let judge = |protocol: &Snowplow, status| match protocol
        .judge(&Response { status, retry_after: after, body: b"nonsense".to_vec() }, 3)
    {
        Verdict::Done { rejected: 0 } => "done",
        Verdict::Retry { after: given, reason } if given == after && reason.contains(&status.to_string()) => {
            "retry"
        }
        Verdict::Drop { reason, .. } if reason.contains(&status.to_string()) => "drop",
        other => panic!("{status}: {other:?}"),
    };
    for status in 100..=599 {
        let expected = match status {
            200..=299 => "done",
            400 | 401 | 403 | 410 | 422 => "drop",
            _ => "retry",
        };
        assert_eq!(judge(&usual, status), expected, "{status}");
        let changed = match status {
            500 => "drop",
            403 => "retry",
            304 => "done",
            _ => expected,
        };
        assert_eq!(judge(&protocol, status), changed, "{status}");
    }
}

#[test]
fn options_that_are_no_good_are_named() {
    let long = "x".repeat(1_001);
    for (builder, name) in [
        (Snowplow::builder("acme.example"), "the collector's URL"),
        (Snowplow::builder("http://"), "the collector's URL"),
        (builder().path("tp2"), "the collector's path"),
        (builder().path("/tp2?a=b"), "the collector's path"),
        (builder().byte_limit(0), "the byte limit"),
        (builder().batch_size(0), "the batch size"),
        (builder().app_build(&long), "the app's build"),
        (builder().programming_language("rust"), "the programming language"),
        (builder().status_rule(99, StatusRule::Done), "the status rule"),
        (builder().status_rule(600, StatusRule::Done), "the status rule"),
        (builder().language(""), "the subject's lang"),
        (builder().user_agent(&long), "the subject's ua"),
        (builder().ip("here"), "the subject's ip"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(name), "{error}");
    }
    assert!(Platform::from_name("phone").is_err());
    for name in "mob pc srv app tv cnsl iot web".split(' ') {
        assert_eq!(Platform::from_name(name).unwrap().name(), name);
    }
}

#[test]
fn the_url_is_the_hosts_with_a_path() {
    for (builder, url) in [
        (Snowplow::builder("http://[::1]:9090/"), "http://[::1]:9090/com.snowplowanalytics.snowplow/tp2"),
        (Snowplow::builder("http://localhost/a/").path("/b"), "http://localhost/a/b"),
    ] {
        let request = encode(&builder.build().unwrap(), &[samples::event("feature")], &samples::source());
        assert_eq!(request.url, url);
    }
    let get = Snowplow::builder("http://localhost").method(Method::Get).build().unwrap();
    let request = encode(&get, &[samples::event("feature")], &samples::source());
    assert!(request.url.starts_with("http://localhost/i?e=se&se_ca=feature"), "{}", request.url);
    assert!(request.body.is_empty() && request.headers.is_empty());
}

#[test]
fn numbers_arrive_as_they_were_given() {
    let protocol = plain().build().unwrap();
    let event = |name| {
        let request = encode(&protocol, &[samples::event(name)], &samples::source());
        (String::from_utf8(request.body.clone()).unwrap(), decoded(&events(&request)[0]))
    };
    let (body, numbers) = event("numbers");
    assert_eq!(numbers["se_va"], "1e-7");
    for number in ["1e300", "-2.5", "9007199254740991", "9223372036854775807", "-9223372036854775808"] {
        assert!(body.contains(&format!(":{number}")), "{number}");
    }
    assert_eq!(event("huge_value").1["se_va"], "1e300");
    assert_eq!(event("self_describing_numbers").1["event"]["data"]["data"], json!([i64::MAX, 1e-7, 1e300]));
    assert_eq!(event("timing_label").1["event"]["data"]["data"]["timing"], u64::MAX);
}
