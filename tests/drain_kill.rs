//! Draining under SIGKILL: whenever it comes, everything arrives, in order, and each kill repeats no more than the batch
//! that was under way, with the same ids. The children drain to a server in this process. `SESSIO_SEED` repeats a run
//! as far as time can be repeated.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/arrivals.rs"]
mod arrivals;
mod common;
#[path = "common/drain.rs"]
mod drain;
#[path = "common/server.rs"]
mod server;

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrivals::{Arrival, all, arrivals, first_times};
use common::{PATIENCE, Random, SECOND, World, ledger, open, rerun, until};
use drain::{ALL, EXCEPTIONLESS, Kind, OTLP, SNOWPLOW, direct, flushed, not_flushed, pass};
use server::{Reply, Server};
use sessio::ConfigBuilder;
use sessio::delivery::transport::call;
use sessio::delivery::{Call, DeliveryObserver, DeliveryReport, HttpOptions, HttpTransport, Transport};
use sessio::protocol::Request;
use sessio::protocol::snowplow::Snowplow;

/// A receiver that takes ten at a time: there are many moments between requests.
const TENS: Kind = Kind { name: "tens", add: tens, ..SNOWPLOW };

fn tens(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    config.destination("tens", Snowplow::builder(url).batch_size(10).build().unwrap())
}

/// What a child is started for: a receiver, and the server's URL.
fn part() -> Option<(Kind, String, usize)> {
    let part = rerun::part()?;
    let words: Vec<_> = part.split(' ').collect();
    let kind = ALL.into_iter().chain([TENS]).find(|kind| kind.name == words[0]).unwrap();
    Some((kind, words[1].to_owned(), words[2].parse().unwrap()))
}

/// Starts a child that drains to the server; what it may do before its end is up to the test.
fn child(test: &str, kind: Kind, server: &Server, requests: usize, world: &World) -> Child {
    let _ = std::fs::remove_file(world.folder.path().join("ready"));
    let part = format!("{} {} {requests}", kind.name, server.url(""));
    rerun::this_test(test, &part, world.folder.path()).spawn().unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "the child failed by itself");
}

#[track_caller]
fn kill_when_ready(mut child: Child, world: &World) {
    let ready = world.folder.path().join("ready");
    until("the child waits for its end", || ready.exists() || child.try_wait().unwrap().is_some());
    kill(child);
}

/// The world's tracker, in whichever process. Time stands still in all of them, at the same reading.
fn drains(world: &World, kind: Kind, folder: &Path, url: &str) -> ConfigBuilder {
    let config = world.config_at(folder.join("events.db")).journal_bytes(4 << 20);
    (kind.add)(direct(config).auto_track_sessions(false), url)
}

fn here(world: &World, kind: Kind, server: &Server) -> ConfigBuilder {
    drains(world, kind, world.folder.path(), &server.url(""))
}

/// Tracks so much, and sends nothing of it.
fn fill(world: &World, kind: Kind, server: &Server, count: usize) -> Vec<Arrival> {
    let tracker = open(here(world, kind, server).manual_delivery(true));
    let tracked = kind.track_some(&tracker, count);
    tracker.close(PATIENCE).unwrap();
    tracked
}

/// Carries as many requests as it may. Of the next the answer has come, but nobody learns of it.
struct Fatal {
    http: HttpTransport,
    left: Mutex<usize>,
}

impl Transport for Fatal {
    fn send(&self, request: Request, waits: Call) {
        let mut left = self.left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return self.http.send(request, waits);
        }
        let (call, pending) = call();
        self.http.send(request, call);
        pending.wait(Instant::now() + PATIENCE).unwrap().unwrap();
        rerun::wait_to_be_killed();
    }
}

#[test]
fn a_kill_between_the_answer_and_its_noting_repeats_that_batch_alone() {
    if let Some((kind, url, requests)) = part() {
        let http = HttpTransport::new(HttpOptions::default().no_proxy()).unwrap();
        let fatal = Fatal { http, left: Mutex::new(requests) };
        let config = drains(&World::new(), kind, &rerun::folder(), &url);
        let _tracker = open(config.transport(Arc::new(fatal)));
        return std::thread::park_timeout(PATIENCE * 2);
    }
    for kind in ALL {
        let (world, server) = (World::new(), Server::start(|_, _| Reply::ok()));
        let tracked = fill(&world, kind, &server, 120);
        let mut repeated = Vec::new();
        for requests in [0, 0, 1] {
            // Some take everything at once.
            if requests > 0 && repeated.len() == 2 * tracked.len() {
                break;
            }
            let name = "a_kill_between_the_answer_and_its_noting_repeats_that_batch_alone";
            kill_when_ready(child(name, kind, &server, requests, &world), &world);
            repeated.extend(arrivals(server.requests().last().unwrap()));
        }
        let tracker = open(here(&world, kind, &server));
        flushed(&tracker);
        let came = all(&server.requests());
        let (first, again) = first_times(&came);
        assert_eq!(first, tracked, "{}: everything, in order", kind.name);
        assert_eq!(again, repeated.len(), "{}: what was answered last before each kill", kind.name);
        assert_eq!(ledger(&tracker).stored, 0);
    }
}

/// An observer, told when everything is noted, that waits for the kill.
struct Last;

impl DeliveryObserver for Last {
    fn on_delivery(&self, _: &DeliveryReport<'_>) {
        rerun::wait_to_be_killed();
    }
}

/// A child that gets as far as the end of its first request.
fn drain_once() -> bool {
    let Some((kind, url, _)) = part() else { return false };
    let config = drains(&World::new(), kind, &rerun::folder(), &url);
    let _tracker = open(config.delivery_observer(Arc::new(Last)));
    std::thread::park_timeout(PATIENCE * 2);
    true
}

#[test]
fn a_kill_after_the_noting_repeats_nothing() {
    if drain_once() {
        return;
    }
    for kind in ALL {
        let (world, server) = (World::new(), Server::start(|_, _| Reply::ok()));
        let tracked = fill(&world, kind, &server, 120);
        for _ in 0..2 {
            if all(&server.requests()).len() < tracked.len() {
                let name = "a_kill_after_the_noting_repeats_nothing";
                kill_when_ready(child(name, kind, &server, 0, &world), &world);
            }
        }
        let tracker = open(here(&world, kind, &server));
        flushed(&tracker);
        assert_eq!(all(&server.requests()), tracked, "{}", kind.name);
    }
}

#[test]
fn a_retry_after_outlives_a_kill() {
    if drain_once() {
        return;
    }
    let busy = |number| {
        if number == 0 { Reply::status(503).with_header("Retry-After", "3600") } else { Reply::ok() }
    };
    for kind in [SNOWPLOW, EXCEPTIONLESS, OTLP] {
        let (world, server) = (World::new(), Server::start(move |_, number| busy(number)));
        let tracked = fill(&world, kind, &server, 10);
        kill_when_ready(child("a_retry_after_outlives_a_kill", kind, &server, 0, &world), &world);
        let tracker = open(here(&world, kind, &server));
        pass(&world, &tracker, SECOND * 3_599);
        not_flushed(&tracker);
        assert_eq!(server.received(), 1, "{}", kind.name);
        pass(&world, &tracker, SECOND);
        flushed(&tracker);
        assert_eq!(all(&server.requests()[1..]), tracked);
    }
}

/// Kills while two thousand events are drained.
const KILLS: u64 = 16;

#[test]
fn a_kill_at_any_moment_loses_nothing_and_repeats_a_batch_at_most() {
    if let Some((kind, url, _)) = part() {
        let _tracker = open(drains(&World::new(), kind, &rerun::folder(), &url));
        return std::thread::park_timeout(PATIENCE * 2);
    }
    let mut random = seed();
    let (world, server) = (World::new(), Server::start(|_, _| Reply::ok()));
    let tracked = fill(&world, TENS, &server, 2_000);
    for _ in 0..KILLS {
        let before = server.received();
        let name = "a_kill_at_any_moment_loses_nothing_and_repeats_a_batch_at_most";
        let mut child = child(name, TENS, &server, 0, &world);
        // A few are killed while they start and open, the others when they drain.
        if all(&server.requests()).len() < tracked.len() && !random.one_in(5) {
            until("a child drains", || server.received() > before || child.try_wait().unwrap().is_some());
        }
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        kill(child);
    }
    let tracker = open(here(&world, TENS, &server));
    flushed(&tracker);
    let came = all(&server.requests());
    assert_eq!(first_times(&came).0, tracked, "everything, in order");
    check_steps_back(&came, &tracked);
    assert_eq!(ledger(&tracker).stored, 0);
}

fn seed() -> Random {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SESSIO_SEED").map_or(now, |seed| seed.parse().unwrap());
    println!("SESSIO_SEED={seed}");
    Random(seed)
}

/// What comes again goes back by one batch, and not more often than a process was killed.
#[track_caller]
fn check_steps_back(came: &[Arrival], tracked: &[Arrival]) {
    let places: HashMap<_, _> = tracked.iter().zip(0..).collect();
    let places: Vec<i32> = came.iter().map(|arrival| places[arrival]).collect();
    let steps: Vec<_> = places.windows(2).map(|two| two[1] - two[0]).filter(|step| *step != 1).collect();
    assert!(
        steps.iter().all(|step| *step == -9),
        "each but the next goes to the beginning of its batch: {steps:?}"
    );
    assert!(steps.len() as u64 <= KILLS, "{steps:?}");
    println!("{} batches came twice in {KILLS} kills", steps.len());
}
