//! Draining: from a full outbox to a receiver on the loopback, in Snowplow's encoding, over the built-in HTTP client.
//! The receiver is a process of its own, and so is what is measured.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/common/server.rs"]
mod server;
mod support;

use std::process::{Command, ExitCode};
use std::time::Duration;

use sessio::delivery::transport::call;
use sessio::delivery::{HttpOptions, HttpTransport, Transport};
use sessio::protocol::snowplow::Snowplow;
use sessio::protocol::{Method, Request};
use sessio::{Config, Tracker};

use server::{Reply, Server};
use support::{Budget, Folder, Report, event, timed};

/// In place of the arguments of a bench: this process fills an outbox, drains it, or sends ready-made requests.
const FILL: &str = "--fill";
const DRAIN: &str = "--drain";
const FLOOR: &str = "--floor";
const EVENTS: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(120);
const ROUNDS: usize = 3;

/// Events and bytes of a request: the default, and one for a receiver that takes more.
const BATCHES: [(&str, usize, usize); 2] = [("40 kB (default)", 100, 40_000), ("400 kB", 1_000, 400_000)];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [_, FILL, path] => fill(path),
        [_, DRAIN, path, url, items, bytes] => {
            drain(path, url, items.parse().unwrap(), bytes.parse().unwrap())
        }
        [_, FLOOR, url, requests, bytes] => floor(url, requests.parse().unwrap(), bytes.parse().unwrap()),
        _ => return support::run("drain", measure),
    }
    ExitCode::SUCCESS
}

fn measure(report: &mut Report) {
    for (name, items, bytes) in BATCHES {
        let best = (0..ROUNDS).map(|_| round(items, bytes)).max_by(|a, b| a.rate.total_cmp(&b.rate)).unwrap();
        report.line(
            &format!("outbox to receiver, batches of {name}"),
            best.rate,
            "events/s",
            Budget::AtLeast(100_000.0),
        );
        report.line(
            "  requests, each with so many events",
            EVENTS as f64 / best.requests,
            "events",
            Budget::None,
        );
        report.line(
            "  share of the same requests ready-made",
            100.0 * best.rate / best.floor,
            "%",
            Budget::None,
        );
        report.line("  connections", best.connections, "", Budget::AtMost(1.0));
        if cfg!(target_os = "linux") {
            report.line("  resident in all, at the most", best.memory / 1e6, "MB", Budget::AtMost(12.0));
        }
    }
}

struct Round {
    rate: f64,
    floor: f64,
    requests: f64,
    connections: f64,
    memory: f64,
}

fn round(items: usize, bytes: usize) -> Round {
    let folder = Folder::new();
    let path = folder.path("app.db").display().to_string();
    child(&[FILL, &path]);
    let server = Server::counting(|_, _| Reply::status(200));
    let [seconds, memory] =
        child(&[DRAIN, &path, &server.url(""), &items.to_string(), &bytes.to_string()])[..]
    else {
        panic!("two figures")
    };
    let (requests, connections) = (server.received(), server.connections());
    let sent = server.body_bytes() / requests as u64;
    let again = Server::counting(|_, _| Reply::status(200));
    let floor = child(&[FLOOR, &again.url("/"), &requests.to_string(), &sent.to_string()])[0];
    Round {
        rate: EVENTS as f64 / seconds,
        floor: EVENTS as f64 / floor,
        requests: requests as f64,
        connections: connections as f64,
        memory,
    }
}

/// Runs this program again and gives the numbers that it prints.
fn child(arguments: &[&str]) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

fn fill(path: &str) {
    let tracker =
        Tracker::open(Config::builder().path(path).app("com.acme.shop", "1.2.0").build().unwrap()).unwrap();
    let event = event();
    for number in 1..=EVENTS {
        tracker.track(&event).unwrap();
        if number % 10_000 == 0 {
            tracker.poll().unwrap();
        }
    }
    tracker.close(PATIENCE).unwrap();
}

fn drain(path: &str, url: &str, items: usize, bytes: usize) {
    let snowplow = Snowplow::builder(url).batch_size(items).byte_limit(bytes).build().unwrap();
    let config = Config::builder().path(path).app("com.acme.shop", "1.2.0").destination("snowplow", snowplow);
    let config = config.build().unwrap();
    let (took, stats) = timed(|| {
        let tracker = Tracker::open(config).unwrap();
        tracker.flush(PATIENCE).unwrap();
        tracker.stats().unwrap()
    });
    assert_eq!((stats.delivered, stats.stored), (EVENTS as u64, 0));
    println!("{} {}", took.as_secs_f64(), most_resident());
}

fn floor(url: &str, requests: usize, bytes: usize) {
    let transport = HttpTransport::new(HttpOptions::default()).unwrap();
    let headers = vec![("Content-Type".into(), "application/json; charset=utf-8".into())];
    let request = Request {
        method: Method::Post,
        url: url.into(),
        headers,
        body: vec![b'x'; bytes],
        takes_gzip: false,
    };
    let (took, ()) = timed(|| {
        for _ in 0..requests {
            let (call, pending) = call();
            transport.send(request.clone(), call);
            assert_eq!(pending.wait(std::time::Instant::now() + PATIENCE).unwrap().unwrap().status, 200);
        }
    });
    println!("{}", took.as_secs_f64());
}

/// The most memory this process ever had.
fn most_resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}
