//! Thousands of events to every receiver at once: each gets all that it takes, once, in order, over one connection.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/arrivals.rs"]
mod arrivals;
mod common;
#[path = "common/drain.rs"]
mod drain;
#[path = "common/server.rs"]
mod server;

use std::collections::HashSet;

use arrivals::Arrival::{self, End, Event, Start};
use arrivals::all;
use common::{PATIENCE, World, event, ledger, open};
use drain::{
    BUGSNAG_ERRORS, EXCEPTIONLESS, Kind, LOUPE, OTLP, SNOWPLOW, SNOWPLOW_GET, direct, flushed, quiet,
};
use server::{Reply, Server};
use sessio::delivery::HttpOptions;
use sessio::{Severity, Tracker};

const EVENTS: usize = 5_000;
/// After so many a session ends, now by a new one, now by itself.
const OF_A_SESSION: usize = 90;
/// Every so many an error: the only events that all five take.
const ERROR: usize = 50;

/// The five, Bugsnag with its errors.
const RECEIVERS: [Kind; 5] = [SNOWPLOW, BUGSNAG_ERRORS, EXCEPTIONLESS, LOUPE, OTLP];

/// What happened, in order: starts and ends of sessions, and events, of which some are errors.
#[derive(Default)]
struct Tracked {
    all: Vec<Arrival>,
    errors: HashSet<Arrival>,
}

fn some_event(number: usize) -> sessio::Event {
    let made = match number % 4 {
        _ if number.is_multiple_of(ERROR) => sessio::Event::error("E", "failed", false),
        0 => sessio::Event::screen_view(Some("home"), None),
        1 => sessio::Event::log(Severity::new(9).unwrap(), Some("volume"), "as it should be"),
        2 => sessio::Event::timing("load", "list", 12),
        _ => return event("feature"),
    };
    made.unwrap()
}

impl Tracked {
    fn track(tracker: &Tracker) -> Self {
        let mut tracked = Self::default();
        let mut open = None;
        for number in 0..EVENTS {
            match number % (2 * OF_A_SESSION) {
                0 => drop(tracker.start_session().unwrap()),
                OF_A_SESSION => tracker.end_session().unwrap(),
                _ => {}
            }
            let id = Event(tracker.track(&some_event(number)).unwrap().to_string());
            let session = tracker.session().unwrap().id.map(|id| id.to_string());
            if session != open {
                tracked.all.extend(open.map(End).into_iter().chain(session.clone().map(Start)));
                open = session;
            }
            if number.is_multiple_of(ERROR) {
                tracked.errors.insert(id.clone());
            }
            tracked.all.push(id);
        }
        tracker.end_session().unwrap();
        tracked.all.extend(open.map(End));
        tracked
    }

    /// What of it a receiver takes.
    fn of(&self, kind: &Kind) -> Vec<Arrival> {
        let takes = |arrival: &&Arrival| match (kind.name, arrival) {
            ("exceptionless" | "otlp", _) => true,
            ("bugsnag-errors", Event(_)) => self.errors.contains(arrival),
            ("bugsnag-errors", Start(_)) | (_, Event(_)) => true,
            _ => false,
        };
        self.all.iter().filter(takes).cloned().collect()
    }
}

#[test]
fn five_thousand_events_reach_every_receiver_once_and_in_order() {
    let world = World::new();
    let servers = RECEIVERS.map(|kind| (kind, Server::start(|_, _| Reply::ok())));
    let config = direct(world.config().journal_bytes(16 << 20));
    let config = servers.iter().fold(config, |config, (kind, server)| (kind.add)(config, &server.url("")));
    let tracker = open(config);
    let tracked = Tracked::track(&tracker);
    flushed(&tracker);
    for (at, (kind, server)) in servers.iter().enumerate() {
        let (came, expected) = (all(&server.requests()), tracked.of(kind));
        // Not `assert_eq`, which would print thousands of ids.
        let wrong = came.iter().zip(&expected).position(|(came, expected)| came != expected);
        assert_eq!((came.len(), wrong), (expected.len(), None), "{}", kind.name);
        assert_eq!(server.connections(), 1, "{}: {} requests", kind.name, server.received());
        let counts = tracker.delivery_stats().unwrap()[at].counts;
        assert_eq!(counts.delivered, expected.len() as u64, "{}", kind.name);
    }
    let stats = ledger(&tracker);
    assert_eq!((stats.delivered, stats.stored, stats.dropped.total()), (EVENTS as u64, 0, 0));
    tracker.close(PATIENCE).unwrap();
    // Nothing of it comes again to who goes on tomorrow.
    let requests: Vec<_> = servers.iter().map(|(_, server)| server.received()).collect();
    let config = world.config();
    let again =
        servers.iter().fold(direct(config), |config, (kind, server)| (kind.add)(config, &server.url("")));
    flushed(&open(again));
    assert_eq!(servers.map(|(_, server)| server.received()).to_vec(), requests);
}

#[test]
fn a_connection_serves_a_request_for_every_event() {
    let (world, server) = (World::new(), Server::start(|_, _| Reply::ok()));
    let tracker = open((SNOWPLOW_GET.add)(quiet(&world), &server.url("")));
    let tracked = SNOWPLOW_GET.track_some(&tracker, 1_000);
    flushed(&tracker);
    assert_eq!((server.received(), server.connections()), (1_000, 1));
    assert!(all(&server.requests()) == tracked);
}

#[test]
fn a_connection_in_tls_is_kept_too() {
    let (world, server) = (World::new(), Server::tls(|_, _| Reply::ok()));
    let trusting = HttpOptions::default().no_proxy().root_certificates(server.certificate()).unwrap();
    let tracker = open((LOUPE.add)(quiet(&world).http(trusting), &server.url("")));
    let tracked = LOUPE.track_some(&tracker, 2_000);
    flushed(&tracker);
    assert_eq!((server.received(), server.connections()), (20, 1));
    assert!(all(&server.requests()) == tracked);
}
