//! Draining to a real server: the receivers of all protocols, and a tracker that sends to one of them over the built-in
//! transport.
#![allow(dead_code)] // each test program uses its own part

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessio::delivery::{DeliveryObserver, DeliveryOutcome, DeliveryReport, HttpOptions};
use sessio::protocol::snowplow::Snowplow;
use sessio::protocol::{Bugsnag, Exceptionless, Loupe, Method, Otlp};
use sessio::{ConfigBuilder, ErrorKind, Event, Tracker};

use crate::arrivals::Arrival;
use crate::common::{self, World, until};

/// A key that no log may show.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A receiver in one of its ways to be used.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// Adds it as a destination of that name, at a server with that URL (without a slash at its end).
    pub add: fn(ConfigBuilder, &str) -> ConfigBuilder,
    /// Tracks something that it takes, and nothing beside that.
    pub track: fn(&Tracker) -> Arrival,
    /// Whether more than one goes into a request.
    pub batches: bool,
}

pub const SNOWPLOW: Kind = Kind { name: "snowplow", add: snowplow, track: an_event, batches: true };
pub const SNOWPLOW_GET: Kind =
    Kind { name: "snowplow-get", add: snowplow_get, track: an_event, batches: false };
pub const BUGSNAG: Kind = Kind { name: "bugsnag", add: bugsnag, track: a_start, batches: true };
pub const BUGSNAG_ERRORS: Kind =
    Kind { name: "bugsnag-errors", add: bugsnag_errors, track: an_error, batches: false };
pub const EXCEPTIONLESS: Kind =
    Kind { name: "exceptionless", add: exceptionless, track: an_event, batches: true };
pub const LOUPE: Kind = Kind { name: "loupe", add: loupe, track: an_event, batches: true };
pub const OTLP: Kind = Kind { name: "otlp", add: otlp, track: an_event, batches: true };
pub const ALL: [Kind; 7] = [SNOWPLOW, SNOWPLOW_GET, BUGSNAG, BUGSNAG_ERRORS, EXCEPTIONLESS, LOUPE, OTLP];

fn snowplow(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    config.destination("snowplow", Snowplow::builder(url).build().unwrap())
}

fn snowplow_get(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    config.destination("snowplow-get", Snowplow::builder(url).method(Method::Get).build().unwrap())
}

fn bugsnag(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    let sessions = format!("{url}/sessions");
    config.destination("bugsnag", Bugsnag::new(KEY).unwrap().sessions_endpoint(&sessions).unwrap())
}

fn bugsnag_errors(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    let bugsnag = Bugsnag::new(KEY).unwrap().sessions_endpoint(&format!("{url}/sessions")).unwrap();
    config.destination("bugsnag-errors", bugsnag.notify_endpoint(&format!("{url}/notify")).unwrap())
}

fn exceptionless(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    config.destination("exceptionless", Exceptionless::new(url, KEY).unwrap())
}

fn loupe(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    config.destination("loupe", Loupe::new(url).unwrap())
}

fn otlp(config: ConfigBuilder, url: &str) -> ConfigBuilder {
    let otlp = Otlp::new(&format!("{url}/v1/logs")).unwrap();
    config.destination("otlp", otlp.header("Authorization", &format!("Bearer {KEY}")).unwrap())
}

fn an_event(tracker: &Tracker) -> Arrival {
    Arrival::Event(tracker.track(&common::event("feature")).unwrap().to_string())
}

fn an_error(tracker: &Tracker) -> Arrival {
    Arrival::Event(tracker.track(&Event::error("E", "failed", false).unwrap()).unwrap().to_string())
}

fn a_start(tracker: &Tracker) -> Arrival {
    Arrival::Start(tracker.start_session().unwrap().to_string())
}

impl Kind {
    /// Tracks so many at once: they are stored in one piece, since nobody else is asked to store.
    pub fn track_some(&self, tracker: &Tracker, count: usize) -> Vec<Arrival> {
        let tracked = (0..count).map(|_| (self.track)(tracker)).collect();
        tracker.poll().unwrap();
        tracked
    }
}

/// Over the built-in transport. Nothing is stored by itself, and no session begins by itself, so that a test decides
/// what goes into a request.
pub fn quiet(world: &World) -> ConfigBuilder {
    direct(world.config()).commit_window(Duration::from_secs(3_600)).auto_track_sessions(false)
}

/// Whatever proxy the environment of the test has.
pub fn direct(config: ConfigBuilder) -> ConfigBuilder {
    config.http(HttpOptions::default().no_proxy())
}

#[track_caller]
pub fn flushed(tracker: &Tracker) {
    tracker.flush(common::PATIENCE).unwrap();
}

#[track_caller]
pub fn not_flushed(tracker: &Tracker) {
    let error = tracker.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

/// Moves time, and has it noticed.
pub fn pass(world: &World, tracker: &Tracker, time: Duration) {
    world.clock.advance(time);
    tracker.poll().unwrap();
}

/// What became of a request.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub outcome: DeliveryOutcome,
    pub items: usize,
    pub status: Option<u16>,
    /// How long the destination is left alone.
    pub wait: Duration,
}

/// An observer that remembers. It is told after everything is stored.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Report>>>);

impl Told {
    pub fn reports(&self) -> Vec<Report> {
        self.0.lock().unwrap().clone()
    }

    /// Waits for that many reports and gives the latest of them.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Report {
        until("a request came to an end", || self.0.lock().unwrap().len() >= count);
        self.0.lock().unwrap()[count - 1]
    }
}

impl DeliveryObserver for Told {
    fn on_delivery(&self, report: &DeliveryReport<'_>) {
        let items = report.events.len() + report.sessions.len();
        let (outcome, status, wait) = (report.outcome, report.status, report.wait.unwrap_or_default());
        self.0.lock().unwrap().push(Report { outcome, items, status, wait });
    }
}
