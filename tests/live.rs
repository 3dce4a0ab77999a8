//! Signs of life (S13): heartbeats, and ends of sessions told live beside the queue. Best effort, and in nobody's way.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::receiver::{Lines, Receiver, retry_after, status};
use common::{SECOND, World, ledger, open, track, until};
use sessio::delivery::{DeliveryObserver, DeliveryReport};
use sessio::ids::SessionId;
use sessio::protocol::{
    BatchLimits, Exceptionless, Item, Method, Protocol, Request, Response, Source, Verdict,
};
use sessio::session::SessionRecord;
use sessio::{BackgroundDelivery, ConfigBuilder, NextRequest, Preset, Sampling, Tracker};

/// Knows signs of life: `alive visit-1`, `closed visit-1`; of sessions called `deaf` nothing but the end.
struct Alive(Lines);

impl Protocol for Alive {
    fn name(&self) -> &'static str {
        "alive"
    }

    fn takes(&self, item: &Item) -> bool {
        self.0.takes(item)
    }

    fn limits(&self) -> BatchLimits {
        self.0.limits()
    }

    fn encode(&self, items: &[Item], source: &Source) -> sessio::Result<(Request, usize)> {
        self.0.encode(items, source)
    }

    fn judge(&self, response: &Response, items: usize) -> Verdict {
        self.0.judge(response, items)
    }

    fn heartbeat(&self, session: &SessionId, closes: bool, _: &Source) -> Option<Request> {
        let line = format!("{} {session}", if closes { "closed" } else { "alive" });
        if line == "alive deaf" {
            return None;
        }
        let (url, body) = (self.0.url.clone(), line.into_bytes());
        Some(Request { method: Method::Post, url, headers: Vec::new(), body, takes_gzip: false })
    }
}

/// What an observer was told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl DeliveryObserver for Told {
    fn on_delivery(&self, report: &DeliveryReport<'_>) {
        let items = report.events.len() + report.sessions.len();
        self.0.lock().unwrap().push(format!("{:?} {items}", report.outcome));
    }
}

fn config(world: &World, receiver: &Receiver) -> ConfigBuilder {
    let alive = Alive(Lines::new("a"));
    world.config().transport(receiver.transport()).ids(world.ids.clone()).destination("a", alive)
}

/// A tracker with an open session `visit-1` whose start has arrived.
fn visiting(config: ConfigBuilder) -> Tracker {
    let tracker = open(config);
    tracker.start_session_with_id("visit-1").unwrap();
    tracker.flush(common::PATIENCE).unwrap();
    tracker
}

fn pass(world: &World, tracker: &Tracker, time: Duration) {
    world.clock.advance(time);
    tracker.poll().unwrap();
}

fn signs(receiver: &Receiver) -> Vec<String> {
    let is_sign = |line: &String| line.starts_with("alive") || line.starts_with("closed");
    receiver.lines("a").into_iter().filter(is_sign).collect()
}

#[track_caller]
fn wait_for_signs(receiver: &Receiver, expected: &[&str]) {
    until("all signs of life came", || signs(receiver).len() >= expected.len());
    assert_eq!(signs(receiver), expected);
}

fn stored_session(world: &World) -> SessionRecord {
    let text: String =
        world.sqlite().query_row("SELECT session FROM namespaces", [], |row| row.get(0)).unwrap();
    SessionRecord::from_json(&text).unwrap()
}

#[test]
fn a_heartbeat_goes_out_after_thirty_seconds_and_reaches_the_database() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = visiting(config(&world, &receiver));
    pass(&world, &tracker, Duration::from_millis(29_999));
    assert_eq!(signs(&receiver), [""; 0]);
    let seen = stored_session(&world).last_seen.wall;
    pass(&world, &tracker, Duration::from_millis(1));
    wait_for_signs(&receiver, &["alive visit-1"]);
    let stored = stored_session(&world);
    assert_eq!(stored.last_seen.wall, seen.max(1_700_000_030_000), "who is online can be told from there");
    assert_eq!(stored.last_activity.wall, 1_700_000_000_000, "it is no activity");
    pass(&world, &tracker, SECOND * 30);
    wait_for_signs(&receiver, &["alive visit-1", "alive visit-1"]);
    assert_eq!(stored_session(&world).last_seen.wall, 1_700_000_060_000);
    assert_eq!(ledger(&tracker).accepted, 0, "it is no event");
}

/// Nobody asks: the worker looks at the clock once a second.
#[test]
fn the_workers_own_timer_brings_it() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let _tracker = visiting(config(&world, &receiver));
    world.clock.advance(SECOND * 30);
    wait_for_signs(&receiver, &["alive visit-1"]);
}

#[test]
fn none_in_background_none_while_paused_none_when_off_none_when_sampled_out() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = visiting(config(&world, &receiver));
    tracker.set_is_background(true).unwrap();
    pass(&world, &tracker, SECOND * 40);
    tracker.set_is_background(false).unwrap();
    tracker.pause_session().unwrap();
    pass(&world, &tracker, SECOND * 40);
    drop(tracker);
    for never in [None, Some(Duration::ZERO)] {
        let off = visiting(config(&world, &receiver).heartbeat_interval(never));
        pass(&world, &off, SECOND * 40);
        drop(off);
    }
    let out = visiting(config(&world, &receiver).namespace("out").sampling(Sampling::new(0.0).unwrap()));
    pass(&world, &out, SECOND * 40);
    out.end_session().unwrap();
    out.flush(common::PATIENCE).unwrap();
    assert_eq!(signs(&receiver), [""; 0]);
}

#[test]
fn an_end_is_told_live_and_arrives_as_an_item() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = visiting(config(&world, &receiver));
    tracker.end_session().unwrap();
    tracker.flush(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a"), ["start 1", "closed visit-1", "end 1 ended"]);
    tracker.start_session_with_id("visit-2").unwrap();
    pass(&world, &tracker, Duration::from_secs(3_600));
    tracker.flush(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a")[3..], ["start 2", "end 2 timeout"], "it ended long ago: that is no news");
}

#[test]
fn closing_tells_live_what_it_ends_and_dropping_does_not_wait_for_it() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = visiting(config(&world, &receiver).preset(Preset::Snowplow));
    tracker.close(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a"), ["start 1", "closed visit-1", "end 1 shutdown"]);
    let (world, receiver) = (World::new(), Receiver::willing());
    drop(visiting(config(&world, &receiver).preset(Preset::Snowplow)));
    assert_eq!(receiver.lines("a"), ["start 1"], "the end waits for the next start");
    let tracker = open(config(&world, &receiver).preset(Preset::Snowplow));
    tracker.flush(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a"), ["start 1", "end 1 shutdown"], "by then it is no news");
}

#[test]
fn one_that_fails_costs_nothing_and_is_not_tried_again() {
    let world = World::new();
    let receiver = Receiver::new(|_, lines| status(if lines[0].starts_with("alive") { 503 } else { 200 }));
    let tracker = visiting(config(&world, &receiver));
    pass(&world, &tracker, SECOND * 30);
    wait_for_signs(&receiver, &["alive visit-1"]);
    track(&tracker, &["at once"]);
    tracker.flush(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a").last().unwrap(), "at once");
    assert_eq!((signs(&receiver).len(), world.kept()), (1, 0));
    let counts = tracker.delivery_stats().unwrap()[0].counts;
    assert_eq!((counts.delivered, counts.refused), (2, 0));
}

#[test]
fn one_that_hangs_is_given_up_and_nobody_is_told() {
    let world = World::new();
    let receiver = Receiver::new(|_, lines| if lines[0].starts_with("alive") { None } else { status(200) });
    let told = Arc::new(Told::default());
    let config = config(&world, &receiver).request_timeout(Duration::from_millis(100));
    let tracker = visiting(config.delivery_observer(Arc::clone(&told) as Arc<dyn DeliveryObserver>));
    pass(&world, &tracker, SECOND * 30);
    wait_for_signs(&receiver, &["alive visit-1"]);
    track(&tracker, &["next"]);
    tracker.flush(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a"), ["start 1", "alive visit-1", "next"]);
    assert_eq!(*told.0.lock().unwrap(), ["Delivered 1", "Delivered 1"], "the start and the event, at once");
}

#[test]
fn the_first_heartbeat_after_background_is_sent_though_delivery_rested_there() {
    let world = World::new();
    let receiver = Receiver::new(|_, lines| status(if lines[0] == "bad" { 503 } else { 200 }));
    let tracker = visiting(config(&world, &receiver));
    tracker.set_is_background(true).unwrap();
    track(&tracker, &["bad"]);
    world.wait_kept(1);
    // Longer than the wait after one failure, shorter than a session lives in background.
    world.clock.advance(SECOND * 60);
    tracker.set_is_background(false).unwrap();
    world.wait_kept(2);
    pass(&world, &tracker, SECOND * 30);
    wait_for_signs(&receiver, &["alive visit-1"]);
}

#[test]
fn a_receiver_that_wants_to_be_left_alone_gets_none() {
    let world = World::new();
    let receiver =
        Receiver::new(|_, lines| if lines[0] == "bad" { retry_after("3600") } else { status(200) });
    let tracker = visiting(config(&world, &receiver));
    track(&tracker, &["bad"]);
    world.wait_kept(1);
    pass(&world, &tracker, SECOND * 30);
    tracker.end_session().unwrap();
    tracker.poll().unwrap();
    drop(tracker);
    assert_eq!(signs(&receiver), [""; 0]);
}

#[test]
fn nothing_live_when_nothing_is_sent_in_background() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let config = config(&world, &receiver).background_delivery(BackgroundDelivery::Never);
    let tracker = visiting(config);
    tracker.set_is_background(true).unwrap();
    tracker.end_session().unwrap();
    tracker.poll().unwrap();
    tracker.close(SECOND).unwrap();
    assert_eq!(receiver.lines("a"), ["start 1"]);
}

#[test]
fn one_that_a_receiver_does_not_know_holds_up_no_other() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = open(config(&world, &receiver).manual_delivery(true));
    tracker.start_session_with_id("deaf").unwrap();
    pass(&world, &tracker, SECOND * 30);
    tracker.end_session().unwrap();
    let NextRequest::Send(pending) = tracker.next_request().unwrap() else { panic!("the end, live") };
    assert_eq!(pending.request().body, b"closed deaf");
}

#[test]
fn an_erasure_forgets_those_that_wait() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = open(config(&world, &receiver).manual_delivery(true));
    tracker.start_session_with_id("visit-1").unwrap();
    pass(&world, &tracker, SECOND * 30);
    tracker.erase().unwrap();
    assert!(matches!(tracker.next_request().unwrap(), NextRequest::Nothing));
}

#[test]
fn a_host_that_drives_delivery_is_handed_them() {
    let world = World::new();
    let exceptionless = Exceptionless::new("http://exceptionless.test", "key").unwrap();
    let tracker = open(world.config().manual_delivery(true).destination("e", exceptionless));
    let next = || match tracker.next_request().unwrap() {
        NextRequest::Send(pending) => {
            let url = pending.request().url.clone();
            pending.report(Ok(sessio::delivery::Answer { status: 202, ..Default::default() }));
            Some(url)
        }
        _ => None,
    };
    tracker.start_session_with_id("visit-number-1").unwrap();
    assert!(next().unwrap().ends_with("/api/v2/events"));
    pass(&world, &tracker, SECOND * 30);
    assert!(next().unwrap().ends_with("heartbeat?id=visit-number-1&close=false"));
    pass(&world, &tracker, SECOND * 30);
    // The host takes its time: live means live.
    world.clock.advance(SECOND * 11);
    assert_eq!(next(), None);
    tracker.end_session().unwrap();
    tracker.poll().unwrap();
    assert!(next().unwrap().ends_with("heartbeat?id=visit-number-1&close=true"));
    assert!(next().unwrap().ends_with("/api/v2/events"));
    assert_eq!(next(), None);
}
