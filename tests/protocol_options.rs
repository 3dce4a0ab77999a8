//! Options by name, as text: each does what it says, and what is no good is refused by its name.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/wire.rs"]
mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{golden, samples};
use sessio::ErrorKind;
use sessio::protocol::snowplow::Snowplow;
use sessio::protocol::{
    Bugsnag, Exceptionless, Item, Loupe, Otlp, Protocol, Response, Setup, Source, Verdict,
};

const URL: &str = "https://receiver.acme.example";
const SECRET: &str = "s3cret";

/// What an option does to the request.
#[derive(Clone, Copy)]
enum Does {
    Shows(&'static str),
    Hides(&'static str),
}
use Does::*;

/// Option, value, the sample that is sent, what that does.
type Row = (&'static str, &'static str, &'static str, Does);

/// Without base64, so that the requests can be read.
fn snowplow() -> Setup {
    Setup::Snowplow(Snowplow::builder(URL).base64(false))
}

fn bugsnag() -> Setup {
    Setup::Bugsnag(Bugsnag::new("KEY").unwrap())
}

fn exceptionless() -> Setup {
    Setup::Exceptionless(Exceptionless::new(URL, "KEY").unwrap())
}

fn loupe() -> Setup {
    Setup::Loupe(Loupe::new(URL).unwrap())
}

fn otlp() -> Setup {
    Setup::Otlp(Otlp::new(URL).unwrap())
}

fn all() -> [Setup; 5] {
    [snowplow(), bugsnag(), exceptionless(), loupe(), otlp()]
}

fn build(setup: &Setup, options: &[(&str, &str)]) -> Arc<dyn Protocol> {
    let set = |setup: Setup, (option, value): &(&str, &str)| setup.set(option, value).unwrap();
    options.iter().fold(setup.clone(), set).build().unwrap()
}

/// All of a request as one text; what is not taken is empty.
fn shown(protocol: &Arc<dyn Protocol>, sample: &str) -> String {
    let item = samples::event(sample);
    if !protocol.takes(&item) {
        return String::new();
    }
    let (request, _) = protocol.encode(&[item], &samples::source()).unwrap();
    let (text, gzip) = (golden::request(&request), request.takes_gzip);
    let headers = text["headers"].as_array().unwrap().iter().map(|header| header.as_str().unwrap());
    let headers = headers.collect::<Vec<_>>().join("\n");
    let part = |name: &str| text[name].as_str().unwrap().to_owned();
    format!("{} {}\n{headers}\n{}\ngzip {gzip}", part("method"), part("url"), part("body"))
}

#[track_caller]
fn all_do_what_they_say(setup: &Setup, rows: &[Row]) {
    for (option, value, sample, does) in rows {
        let before = shown(&build(setup, &[]), sample);
        let after = shown(&build(setup, &[(*option, *value)]), sample);
        match does {
            Shows(text) => {
                assert!(!before.contains(text), "{option}: {text} is there anyway");
                assert!(after.contains(text), "{option}: {text} is not in {after}");
            }
            Hides(text) => {
                assert!(before.contains(text), "{option}: {text} is never there: {before}");
                assert!(!after.contains(text), "{option}: {text} is still there");
            }
        }
    }
}

/// Those whose effect is in no single request have tests of their own, below.
#[track_caller]
fn are_all_options(setup: &Setup, rows: &[Row], elsewhere: &[&str]) {
    let tried = rows.iter().map(|(option, ..)| *option).chain(elsewhere.iter().copied());
    let names = setup.options();
    let is = |name: &str, option: &str| name == option || name.ends_with('.') && option.starts_with(name);
    let tried: BTreeSet<_> =
        tried.map(|option| *names.iter().find(|name| is(name, option)).unwrap()).collect();
    assert_eq!(tried, names.iter().copied().collect());
}

#[test]
fn snowplows_options_do_what_they_say() {
    let rows: &[Row] = &[
        ("method", "get", "structured", Shows("GET https://receiver.acme.example/i?e=se&")),
        ("path", "/own/path", "structured", Shows("acme.example/own/path\n")),
        ("platform", "tv", "structured", Shows(r#""p":"tv""#)),
        ("base64", "true", "structured", Shows(r#""cx":"#)),
        ("gzip", "true", "structured", Shows("gzip true")),
        ("session_context", "false", "structured", Hides("client_session")),
        ("device_context", "false", "structured", Hides("desktop_context")),
        ("application_context", "false", "structured", Hides("/application/")),
        ("fields_context", "false", "structured_full", Hides("io.sessio/fields")),
        ("app_build", "build-7", "structured", Shows("build-7")),
        ("programming_language", "CPLUSPLUS", "error_handled", Shows("CPLUSPLUS")),
        ("session_events", "true", "session_start", Shows("io.sessio/session_start")),
        ("resolution", "1920x1080", "structured", Shows(r#""res":"1920x1080""#)),
        ("viewport", "800x600", "structured", Shows(r#""vp":"800x600""#)),
        ("color_depth", "24", "structured", Shows(r#""cd":"24""#)),
        ("time_zone", "Asia/Tokyo", "structured", Shows(r#""tz":"Asia/Tokyo""#)),
        ("language", "ja", "structured", Shows(r#""lang":"ja""#)),
        ("user_agent", "Acme/1.2", "structured", Shows(r#""ua":"Acme/1.2""#)),
        ("ip", "2001:db8::7", "structured", Shows(r#""ip":"2001:db8::7""#)),
        ("domain_user_id", "domain-1", "structured", Shows(r#""duid":"domain-1""#)),
        ("network_user_id", "network-1", "structured", Shows(r#""tnuid":"network-1""#)),
    ];
    let desktop = snowplow().set("platform", "pc").unwrap();
    all_do_what_they_say(&desktop, rows);
    are_all_options(&desktop, rows, &["byte_limit", "batch_size", "status."]);
}

#[test]
fn snowplows_limits_and_rules_can_be_set() {
    let set = build(&snowplow(), &[("byte_limit", "60000"), ("batch_size", "7")]);
    assert_eq!((set.limits().bytes, set.limits().items), (60_000, 7));
    let rules = [("status.404", "drop"), ("status.400", "retry"), ("status.304", "done")];
    let set = build(&snowplow(), &rules);
    let judge = |status| set.judge(&Response { status, ..Response::default() }, 1);
    assert!(matches!(judge(404), Verdict::Drop { .. }) && matches!(judge(400), Verdict::Retry { .. }));
    assert_eq!(judge(304), Verdict::Done { rejected: 0 });
}

#[test]
fn bugsnags_options_do_what_they_say() {
    let rows: &[Row] = &[
        ("sessions_endpoint", "http://localhost:9/s", "session_start", Shows("http://localhost:9/s\n")),
        ("notify_endpoint", "http://localhost:9/n", "error_handled", Shows("http://localhost:9/n\n")),
        ("release_stage", "beta", "session_start", Shows(r#""releaseStage":"beta""#)),
        ("enabled_release_stages", "beta,alpha", "session_start", Hides("POST")),
        ("enabled_release_stages", "", "session_start", Hides("POST")),
        ("app.type", "desktop", "session_start", Shows(r#""type":"desktop""#)),
        ("device.a.b c", "till-3", "session_start", Shows(r#""a.b c":"till-3""#)),
        ("runtime_version.dotnet", "8.0", "session_start", Shows(r#""runtimeVersions":{"dotnet":"8.0"}"#)),
    ];
    all_do_what_they_say(&bugsnag(), rows);
    are_all_options(&bugsnag(), rows, &["max_age_ms", "max_sessions"]);
    let both = build(&bugsnag(), &[("release_stage", "beta"), ("enabled_release_stages", "alpha,beta")]);
    assert!(both.takes(&samples::event("session_start")));
}

#[test]
fn bugsnags_ages_and_numbers_can_be_set() {
    let strict = build(&bugsnag(), &[("max_age_ms", "3600000")]);
    let later = |ms: i64| Source { sent_at: samples::TRACKED + ms, ..samples::source() };
    let start = [samples::event("session_start")];
    assert!(strict.encode(&start, &later(3_500_000)).is_ok());
    assert!(strict.encode(&start, &later(3_600_001)).is_err());
    assert_eq!(build(&bugsnag(), &[]).most_sessions(), Some(128));
    for sessions in [1, 128, 100_000] {
        let set = build(&bugsnag(), &[("max_sessions", &sessions.to_string())]);
        assert_eq!(set.most_sessions(), Some(sessions));
    }
    for other in [snowplow(), exceptionless(), loupe(), otlp()] {
        assert_eq!(other.build().unwrap().most_sessions(), None);
    }
}

#[test]
fn exceptionless_options_do_what_they_say() {
    let rows: &[Row] = &[
        ("default_identity", "false", "session_start_no_user", Hides("POST")),
        ("gzip", "false", "structured", Hides("gzip true")),
        ("tag", "desktop", "structured", Shows(r#""tags":["desktop"]"#)),
        ("version", "9.9", "structured", Shows(r#""@version":"9.9""#)),
        ("environment.machine_name", "till-3", "session_start", Shows(r#""machine_name":"till-3""#)),
    ];
    all_do_what_they_say(&exceptionless(), rows);
    are_all_options(&exceptionless(), rows, &["heartbeats"]);
    let tags = build(&exceptionless(), &[("tag", "a"), ("tag", "b")]);
    assert!(shown(&tags, "structured").contains(r#""tags":["a","b"]"#));
    let Setup::Exceptionless(quiet) = exceptionless().set("heartbeats", "false").unwrap() else { panic!() };
    assert_eq!(quiet.heartbeat(&samples::session_id(), false, &samples::source()), None);
}

#[test]
fn loupes_options_do_what_they_say() {
    let rows: &[Row] = &[
        ("header.X-Api.Key", SECRET, "structured", Shows("X-Api.Key: s3cret")),
        ("product", "Suite", "structured", Shows(r#""product":"Suite""#)),
        ("application", "Shop", "structured", Shows(r#""description":"Shop "#)),
        ("client_name", "Shop for Linux", "structured", Shows(r#""name":"Shop for Linux""#)),
        ("client_version", "1-rc", "structured", Shows(r#""version":"1-rc""#)),
        ("screen_size", "1920x1080", "structured", Shows(r#""size":{"width":1920,"height":1080}"#)),
        ("gzip", "true", "structured", Shows("gzip true")),
    ];
    all_do_what_they_say(&loupe(), rows);
    are_all_options(&loupe(), rows, &[]);
}

#[test]
fn otlps_options_do_what_they_say() {
    let rows: &[Row] = &[
        ("header.Authorization", "Bearer s3cret", "structured", Shows("Authorization: Bearer s3cret")),
        (
            "resource_attribute.deployment.environment.name",
            "beta",
            "structured",
            Shows(r#"{"key":"deployment.environment.name","value":{"stringValue":"beta"}}"#),
        ),
        ("gzip", "false", "structured", Hides("gzip true")),
    ];
    all_do_what_they_say(&otlp(), rows);
    are_all_options(&otlp(), rows, &[]);
}

#[test]
fn the_last_word_counts() {
    let twice = [("header.X-Key", "old"), ("header.x-key", "new"), ("gzip", "false"), ("gzip", "true")];
    let text = shown(&build(&otlp(), &twice), "structured");
    assert!(text.contains("x-key: new\n") && !text.contains("old") && text.ends_with("gzip true"));
}

#[test]
fn bad_values_are_refused_by_the_options_name_and_not_repeated() {
    let bad: Vec<(Setup, &str, Vec<&str>)> = vec![
        (snowplow(), "method", vec!["", "GET", "put", "s3cret"]),
        (snowplow(), "path", vec!["", "s3cret", "/s3cret?x"]),
        (snowplow(), "platform", vec!["", "s3cret", "PC"]),
        (snowplow(), "base64", vec!["", "1", "yes", "True", "s3cret"]),
        (snowplow(), "byte_limit", vec!["", "0", "-1", "+1", " 1", "1e3", "s3cret", "18446744073709551616"]),
        (snowplow(), "batch_size", vec!["0", "1,000", "99999999999999999999"]),
        (snowplow(), "programming_language", vec!["", "rust", "s3cret"]),
        (snowplow(), "status.404", vec!["", "ignore", "s3cret"]),
        (snowplow(), "status.99", vec!["done"]),
        (snowplow(), "status.600", vec!["done"]),
        (snowplow(), "status.65536", vec!["done"]),
        (snowplow(), "status.4xx", vec!["done"]),
        (snowplow(), "status.", vec!["done"]),
        (snowplow(), "resolution", vec!["", "1920", "1920X1080", "1920 x 1080", "4294967296x1"]),
        (snowplow(), "color_depth", vec!["true color", "4294967296"]),
        (snowplow(), "time_zone", vec![""]),
        (snowplow(), "ip", vec!["", "s3cret"]),
        (bugsnag(), "sessions_endpoint", vec!["", "s3cret", "https://me:s3cret@a/"]),
        (bugsnag(), "notify_endpoint", vec!["https://a/?key=s3cret"]),
        (bugsnag(), "release_stage", vec![""]),
        (bugsnag(), "enabled_release_stages", vec![",", "a,,b", "a, b", " a"]),
        (bugsnag(), "app.releaseStage", vec!["s3cret"]),
        (bugsnag(), "app.", vec!["s3cret"]),
        (bugsnag(), "device.id", vec!["s3cret"]),
        (bugsnag(), "runtime_version.", vec!["s3cret"]),
        (bugsnag(), "max_age_ms", vec!["", "60d", "5184000001", "18446744073709551616"]),
        (bugsnag(), "max_sessions", vec!["", "0", "100001", "-1"]),
        (exceptionless(), "heartbeats", vec!["off"]),
        (exceptionless(), "tag", vec![""]),
        (exceptionless(), "version", vec![""]),
        (exceptionless(), "environment.install_id", vec!["s3cret"]),
        (loupe(), "header.X-Key", vec!["s3cret\r\nY: z", "s3crét"]),
        (loupe(), "header.", vec!["s3cret"]),
        (loupe(), "header.LoupeSessionId", vec!["s3cret"]),
        (loupe(), "product", vec![""]),
        (loupe(), "screen_size", vec!["0x1", "1x0", "s3cret"]),
        (otlp(), "header.Authorization", vec!["Bearer s3cret\n"]),
        (otlp(), "header.Content-Type", vec!["s3cret"]),
        (otlp(), "resource_attribute.", vec!["s3cret"]),
        (otlp(), "gzip", vec!["s3cret"]),
    ];
    for (setup, option, values) in bad {
        for value in values {
            let error = setup.clone().set(option, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{option} {value}");
            assert!(error.to_string().starts_with(&format!("the option {option:?}: ")), "{error}");
            assert!(!error.to_string().contains("s3cr"), "{error}");
        }
    }
}

#[test]
fn what_is_over_a_limit_is_refused_by_name() {
    let long = "x".repeat(40_000);
    for (setup, option) in [
        (bugsnag(), "release_stage"),
        (bugsnag(), "app.type"),
        (exceptionless(), "tag"),
        (loupe(), "client_name"),
        (otlp(), "resource_attribute.a"),
    ] {
        let error = setup.set(option, &long).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{option}");
        assert!(error.to_string().contains(option) && !error.to_string().contains("xxx"), "{error}");
    }
}

#[test]
fn unknown_options_are_named_with_those_there_are() {
    for setup in all() {
        for option in
            ["", "nonsense", "header", "Gzip", " gzip", "gzip ", "gzip.x", "status", "tags", "app", "nul\0"]
        {
            let error = setup.clone().set(option, SECRET).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            let message = error.to_string();
            assert!(message.starts_with(&format!("there is no option {option:?}; there are ")), "{message}");
            assert!(message.contains(setup.options()[0]) && !message.contains(SECRET), "{message}");
        }
    }
}

#[test]
fn a_setup_has_its_protocols_name_and_keeps_secrets_to_itself() {
    for setup in all() {
        assert_eq!(setup.name(), setup.clone().build().unwrap().name());
        let setup = if setup.options().contains(&"header.") {
            setup.set("header.Authorization", SECRET).unwrap()
        } else {
            setup
        };
        assert!(!format!("{setup:?}").contains(SECRET) && !format!("{setup:?}").contains("KEY"));
    }
    let error = Setup::Snowplow(Snowplow::builder("nowhere")).build().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_manual_has_every_option() {
    let manual = include_str!("../docs/wire.md").replace("\r\n", "\n");
    let (_, manual) = manual.split_once("\n## Options\n").unwrap();
    let titles = ["Snowplow", "Bugsnag", "Exceptionless", "Loupe", "OpenTelemetry"];
    for (setup, title) in all().iter().zip(titles) {
        let (_, section) = manual.split_once(&format!("\n### {title}\n")).unwrap();
        let section = section.split("\n#").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let told = rows.map(|(name, _)| name.split_once('<').map_or(name, |(name, _)| name));
        assert_eq!(told.collect::<BTreeSet<_>>(), setup.options().into_iter().collect(), "{title}");
    }
}

#[test]
fn only_what_has_no_room_at_all_is_too_large() {
    let kind = |setup: Setup, items: &[Item], source: &Source| {
        setup.build().unwrap().encode(items, source).map(|(_, count)| count).map_err(|error| error.kind())
    };
    let notify = || bugsnag().set("notify_endpoint", URL).unwrap();
    let mut event = sessio::Event::error("E", &"\u{1}".repeat(32_768), false).unwrap();
    event.set_text("stack_trace", &"\u{1}".repeat(65_536)).unwrap();
    let items = [samples::in_session(event), samples::event("error_handled")];
    assert_eq!(kind(loupe(), &items, &samples::source()), Err(ErrorKind::TooLarge));
    // The others' receivers are asked, with the one alone.
    for setup in [snowplow(), snowplow().set("method", "get").unwrap(), notify(), exceptionless()] {
        assert_eq!(kind(setup, &items, &samples::source()), Ok(1));
    }
    let oversize = [samples::event("oversize"), samples::event("structured")];
    assert_eq!(kind(loupe(), &oversize, &samples::source()), Ok(2), "without its details");
    // Neither too old nor of a kind that is not taken is too large.
    let late = Source { sent_at: i64::MAX, ..samples::source() };
    assert_eq!(kind(notify(), &items, &late), Err(ErrorKind::InvalidArgument));
    assert_eq!(kind(notify(), &[samples::event("session_start")], &late), Err(ErrorKind::InvalidArgument));
    for (setup, name) in [(notify(), "log"), (bugsnag(), "error_handled"), (loupe(), "session_start")] {
        let error = kind(setup, &[samples::event(name)], &samples::source()).unwrap_err();
        assert_ne!(error, ErrorKind::TooLarge, "{name}");
    }
    for setup in all() {
        assert_ne!(kind(setup, &[], &samples::source()).unwrap_err(), ErrorKind::TooLarge);
    }
}
