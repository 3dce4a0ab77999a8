//! What receivers are told about the device and the app: as detected, as the host says, or nothing.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::receiver::Receiver;
use common::{World, open, rerun, track};
use serde_json::{Map, Value};
use sessio::protocol::{Device, Exceptionless};
use sessio::{Config, ConfigBuilder, ErrorKind, Tracker};

/// To a receiver that has a place for every field.
fn to(world: &World, receiver: &Receiver) -> ConfigBuilder {
    let exceptionless = Exceptionless::new("http://a", "key").unwrap().gzip(false).heartbeats(false);
    world.config().transport(receiver.transport()).destination("a", exceptionless)
}

/// What has come, event by event.
fn environments(tracker: &Tracker, receiver: &Receiver) -> Vec<Map<String, Value>> {
    tracker.flush(common::PATIENCE).unwrap();
    let bodies = receiver.lines("a");
    let elements = bodies.iter().flat_map(|body| serde_json::from_str::<Vec<Value>>(body).unwrap());
    let events = elements.filter(|element| element["type"] == "usage");
    events.map(|event| event["data"]["@environment"].as_object().unwrap().clone()).collect()
}

/// What a tracker tells about the device.
fn told(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Map<String, Value> {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = open(change(to(&world, &receiver)));
    track(&tracker, &["one"]);
    let mut environments = environments(&tracker, &receiver);
    assert_eq!(environments.len(), 1);
    environments.remove(0)
}

fn keys(environment: &Map<String, Value>) -> Vec<&str> {
    environment.keys().map(String::as_str).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn linux_is_detected() {
    let environment = told(|config| config);
    assert_eq!(environment["o_s_name"], "Linux");
    assert_eq!(environment["architecture"], std::env::consts::ARCH);
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(environment["o_s_version"], release.trim());
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(environment["processor_count"], processors);
    assert!(environment["total_physical_memory"].as_u64().unwrap() > 1 << 20);
}

/// The language and the time zone are those that the process was started with.
#[test]
#[cfg(target_os = "linux")]
fn the_environment_tells_language_and_time_zone() {
    const NAME: &str = "the_environment_tells_language_and_time_zone";
    if rerun::part().is_some() {
        let environment = told(|config| config);
        assert_eq!(environment["data"]["locale"], "de-AT");
        assert_eq!(environment["data"]["time_zone"], "Europe/Vienna");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = rerun::this_test(NAME, "look", folder.path());
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES");
    let status = command.env("LANG", "de_AT.UTF-8").env("TZ", "Europe/Vienna").status().unwrap();
    assert!(status.success());
}

#[test]
fn the_host_goes_before_what_is_detected() {
    let text = |text: &str| Some(text.to_owned());
    let device = Device {
        os_name: text("Acme OS"),
        model: text("Desk 3"),
        locale: text(""),
        time_zone: text("Europe/Vienna"),
        total_memory: Some(0),
        ..Device::default()
    };
    let environment = told(|config| config.device(device));
    assert_eq!(environment["o_s_name"], "Acme OS");
    assert_eq!(environment["architecture"], std::env::consts::ARCH, "as detected");
    let more = environment["data"].as_object().unwrap();
    assert_eq!((&more["model"], &more["time_zone"]), (&"Desk 3".into(), &"Europe/Vienna".into()));
    assert!(!more.contains_key("locale") && !environment.contains_key("total_physical_memory"));
}

#[test]
fn nothing_is_told_but_what_the_host_says() {
    assert_eq!(keys(&told(|config| config.detect_device(false))), ["install_id"]);
    let device = Device {
        processor_count: Some(3),
        os_name: Some("".into()),
        total_memory: Some(0),
        ..Device::default()
    };
    let environment = told(|config| config.detect_device(false).device(device));
    assert_eq!(keys(&environment), ["install_id", "processor_count"]);
}

#[test]
fn the_build_is_that_of_the_version_that_tracked() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let before = open(world.config().app("shop", "1.2.0").app_build("77"));
    track(&before, &["before the update"]);
    drop(before);
    let tracker = open(to(&world, &receiver).detect_device(false).app("shop", "1.3.0").app_build("78"));
    track(&tracker, &["after it"]);
    let environments = environments(&tracker, &receiver);
    assert_eq!((environments.len(), environments[0].get("data")), (2, None));
    assert_eq!(environments[1]["data"]["app_build"], "78");
}

#[test]
fn what_is_no_good_is_refused_by_name() {
    let refused = |change: fn(&mut Device)| {
        let mut device = Device::default();
        change(&mut device);
        Config::builder().device(device).build().unwrap_err()
    };
    let long = || Some("x".repeat(256));
    let errors = [
        ("os_name", refused(|device| device.os_name = Some("x".repeat(256)))),
        ("time_zone", refused(|device| device.time_zone = Some("ü".repeat(128)))),
    ];
    for (field, error) in errors {
        assert!(error.kind() == ErrorKind::TooLarge && error.to_string().contains(field), "{error}");
    }
    let error = refused(|device| device.total_memory = Some(u64::MAX));
    assert!(error.kind() == ErrorKind::InvalidArgument && error.to_string().contains("total_memory"));
    assert!(Config::builder().app_build(&long().unwrap()).build().is_ok());
    for bad in ["", &"b".repeat(513)] {
        assert!(Config::builder().app_build(bad).build().unwrap_err().to_string().contains("app build"));
    }
}
