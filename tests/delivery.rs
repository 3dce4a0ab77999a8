//! Delivery as a whole: what is tracked comes to each destination once, in order, whatever happens on the way. The
//! network is a script; time stands still unless the test moves it.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::receiver::{Lines, Receiver, retry_after, status};
use common::{SECOND, World, ledger, open, track, until};
use sessio::protocol::{BatchLimits, Item};
use sessio::{ConfigBuilder, ErrorKind, Event, Tracker};

const MINUTE: Duration = Duration::from_secs(60);

fn is_event(item: &Item) -> bool {
    matches!(item, Item::Event(_))
}

/// Events only, so that a test sees nothing else.
fn events(host: &str) -> Lines {
    Lines { takes: is_event, ..Lines::new(host) }
}

fn to(world: &World, receiver: &Receiver) -> ConfigBuilder {
    world.config().transport(receiver.transport()).ids(world.ids.clone())
}

fn one(world: &World, receiver: &Receiver) -> Tracker {
    open(to(world, receiver).destination("a", events("a")))
}

#[track_caller]
fn flushed(tracker: &Tracker) {
    tracker.flush(common::PATIENCE).unwrap();
}

#[track_caller]
fn not_flushed(tracker: &Tracker) {
    let error = tracker.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

/// Moves time, and has it noticed.
fn pass(world: &World, tracker: &Tracker, time: Duration) {
    world.clock.advance(time);
    tracker.poll().unwrap();
}

#[test]
fn what_is_tracked_arrives_once_and_in_order() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = one(&world, &receiver);
    let names: Vec<String> = (0..95).map(|n| format!("e{n}")).collect();
    for name in &names {
        tracker.track(&common::event(name)).unwrap();
    }
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), names);
    assert!(receiver.requests("a").iter().all(|lines| lines.len() <= 10));
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.stored, stats.delivered), (95, 0, 95));
    let of_a = &tracker.delivery_stats().unwrap()[0];
    assert_eq!((of_a.name.as_str(), of_a.counts.delivered), ("a", 95));
    tracker.close(SECOND).unwrap();
    let again = one(&world, &receiver);
    flushed(&again);
    assert_eq!(receiver.lines("a").len(), 95, "nothing is sent twice");
    assert_eq!(again.delivery_stats().unwrap()[0].counts.delivered, 95);
}

#[test]
fn sessions_go_out_with_the_end_before_the_next_start() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = open(to(&world, &receiver).destination("a", Lines::new("a")));
    track(&tracker, &["one"]);
    tracker.start_session().unwrap();
    tracker.end_session().unwrap();
    track(&tracker, &["two"]);
    world.clock.advance(MINUTE * 31);
    track(&tracker, &["three"]);
    flushed(&tracker);
    let expected = [
        "start 1",
        "one",
        "end 1 replaced",
        "start 2",
        "end 2 ended",
        "start 3",
        "two",
        "end 3 timeout",
        "start 4",
        "three",
    ];
    assert_eq!(receiver.lines("a"), expected);
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.delivered), (3, 3), "starts and ends are not in the ledger");
    assert_eq!(tracker.delivery_stats().unwrap()[0].counts.delivered, 10);
}

#[test]
fn a_dead_destination_delays_no_other_and_keeps_what_it_is_owed() {
    let world = World::new();
    let receiver = Receiver::new(|host, _| if host == "dead" { None } else { status(200) });
    let config = to(&world, &receiver).destination("dead", events("dead")).destination("a", events("a"));
    let tracker = open(config);
    track(&tracker, &["one", "two"]);
    until("both have come", || receiver.lines("a").len() == 2);
    not_flushed(&tracker);
    let stats = ledger(&tracker);
    assert_eq!((stats.stored, stats.delivered), (2, 0), "it is owed to one still");
    receiver.release(200);
    until("the dead one has come to life", || {
        receiver.release(200);
        tracker.stats().unwrap().delivered == 2
    });
    assert_eq!(ledger(&tracker).stored, 0);
}

#[test]
fn an_event_is_delivered_if_one_took_it_and_dropped_if_all_refused() {
    let world = World::new();
    let receiver = Receiver::new(|host, lines| {
        status(if host == "strict" || lines.contains(&"bad") { 410 } else { 200 })
    });
    let small = || Lines { limits: BatchLimits { items: 1, bytes: 100 }, ..events("a") };
    let config = to(&world, &receiver).destination("strict", events("strict")).destination("a", small());
    let tracker = open(config);
    track(&tracker, &["good", "bad", "good"]);
    flushed(&tracker);
    let stats = ledger(&tracker);
    assert_eq!((stats.delivered, stats.dropped.refused, stats.stored), (2, 1, 0));
    let counts: Vec<_> =
        tracker.delivery_stats().unwrap().iter().map(|of| (of.counts.delivered, of.counts.refused)).collect();
    assert_eq!(counts, [(0, 3), (2, 1)]);
}

#[test]
fn what_nobody_takes_stays_for_a_destination_added_later() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let none = || Lines { takes: |_| false, ..Lines::new("none") };
    let tracker = open(to(&world, &receiver).destination("none", none()));
    track(&tracker, &["one", "two"]);
    flushed(&tracker);
    assert_eq!(ledger(&tracker).stored, 2);
    drop(tracker);
    let tracker = open(to(&world, &receiver).destination("none", none()).destination("a", events("a")));
    track(&tracker, &["three"]);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["one", "two", "three"]);
    assert!(receiver.lines("none").is_empty());
    assert_eq!(ledger(&tracker).delivered, 3);
}

#[test]
fn what_only_a_removed_destination_was_owed_leaves() {
    let world = World::new();
    let receiver = Receiver::new(|host, _| if host == "dead" { None } else { status(200) });
    let tracker =
        open(to(&world, &receiver).destination("dead", events("dead")).destination("a", events("a")));
    track(&tracker, &["one"]);
    until("it has come", || receiver.lines("a").len() == 1);
    until("it is noted", || tracker.delivery_stats().unwrap()[1].counts.delivered == 1);
    tracker.close(Duration::from_millis(500)).unwrap();
    let tracker = one(&world, &receiver);
    assert_eq!((ledger(&tracker).delivered, ledger(&tracker).stored), (1, 0));
    drop(tracker);
    // Come back, it goes on where it was: nothing is left for it.
    let tracker = open(to(&world, &Receiver::willing()).destination("dead", events("dead")));
    flushed(&tracker);
    assert_eq!(ledger(&tracker).delivered, 1);
}

#[test]
fn a_failure_is_tried_again_after_a_backoff_by_the_hosts_clock() {
    let (world, receiver) = (World::new(), Receiver::with_statuses(&[500, 503, 429]));
    let tracker = one(&world, &receiver);
    track(&tracker, &["one"]);
    for attempt in 1..=3 {
        world.wait_kept(attempt);
        not_flushed(&tracker);
        assert_eq!(receiver.requests("a").len(), attempt, "no time has passed");
        pass(&world, &tracker, MINUTE * 10);
    }
    flushed(&tracker);
    assert_eq!((receiver.requests("a").len(), ledger(&tracker).delivered), (4, 1));
}

#[test]
fn a_retry_after_outlives_the_process() {
    let world = World::new();
    let receiver = Receiver::new(|_, _| retry_after("3600"));
    let tracker = one(&world, &receiver);
    track(&tracker, &["one"]);
    world.wait_kept(1);
    not_flushed(&tracker);
    tracker.close(SECOND).unwrap();
    let receiver = Receiver::willing();
    let tracker = one(&world, &receiver);
    pass(&world, &tracker, MINUTE * 59);
    not_flushed(&tracker);
    assert!(receiver.requests("a").is_empty());
    pass(&world, &tracker, MINUTE * 2);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["one"]);
}

#[test]
fn a_poison_event_is_dropped_alone() {
    for (code, most) in [(400, 11), (413, 9)] {
        let world = World::new();
        let receiver =
            Receiver::new(move |_, lines| status(if lines.contains(&"poison") { code } else { 200 }));
        let tracker = one(&world, &receiver);
        track(&tracker, &["a", "b", "c", "poison", "d", "e", "f", "g"]);
        flushed(&tracker);
        let stats = ledger(&tracker);
        assert_eq!((stats.delivered, stats.dropped.refused), (7, 1), "{code}");
        assert!(receiver.requests("a").len() <= most, "{:?}", receiver.requests("a"));
    }
}

#[test]
fn an_event_over_the_limit_gets_one_chance_alone() {
    let large = "x".repeat(200);
    let small = || Lines { limits: BatchLimits { items: 10, bytes: 100 }, ..events("a") };
    for (code, delivered, oversize) in [(200, 3, 0), (413, 2, 1), (410, 2, 1)] {
        let world = World::new();
        let receiver = Receiver::new(move |_, lines| status(if lines[0].len() > 100 { code } else { 200 }));
        let tracker = open(to(&world, &receiver).destination("a", small()));
        track(&tracker, &["one", &large, "two"]);
        flushed(&tracker);
        let stats = ledger(&tracker);
        assert_eq!((stats.delivered, stats.dropped.oversize), (delivered, oversize), "{code}");
        let alone = receiver.requests("a").iter().filter(|lines| lines.contains(&large)).count();
        assert_eq!(alone, 1);
    }
}

#[test]
fn what_cannot_be_written_is_dropped_and_the_rest_goes_on() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = one(&world, &receiver);
    track(&tracker, &["one", "unwritable", "two"]);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["one", "two"]);
    assert_eq!(ledger(&tracker).dropped.unsendable, 1);
}

#[test]
fn a_damaged_row_costs_that_row_alone() {
    let world = World::new();
    let tracker = world.open();
    track(&tracker, &["one", "two", "three"]);
    drop(tracker);
    world.sqlite().execute_batch("UPDATE events SET body = x'00' WHERE sequence = 2").unwrap();
    let receiver = Receiver::willing();
    let tracker = one(&world, &receiver);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["one", "three"]);
    let stats = tracker.stats().unwrap();
    assert_eq!((stats.delivered, stats.dropped.unsendable, stats.stored), (2, 1, 0));
}

#[test]
fn a_receiver_that_pauses_gets_the_rest_later() {
    let (world, receiver) = (World::new(), Receiver::with_statuses(&[402]));
    let tracker = open(
        to(&world, &receiver)
            .destination("a", Lines { limits: BatchLimits { items: 2, bytes: 100 }, ..events("a") }),
    );
    track(&tracker, &["one", "two", "three"]);
    until("two are dropped", || tracker.stats().unwrap().dropped.refused == 2);
    not_flushed(&tracker);
    assert_eq!((receiver.requests("a").len(), ledger(&tracker).dropped.refused), (1, 2));
    pass(&world, &tracker, MINUTE * 5);
    flushed(&tracker);
    assert_eq!(receiver.requests("a")[1], ["three"]);
}

#[test]
fn of_items_refused_without_a_name_as_many_are_counted() {
    let (world, receiver) = (World::new(), Receiver::with_statuses(&[206]));
    let tracker = one(&world, &receiver);
    track(&tracker, &["one"]);
    flushed(&tracker);
    let stats = ledger(&tracker);
    assert_eq!((stats.delivered, stats.dropped.refused), (0, 1));
}

#[test]
fn only_the_latest_sessions_are_kept_for_who_wants_no_more() {
    let (world, receiver) = (World::new(), Receiver::with_statuses(&[503]));
    let lines = || Lines { most_sessions: Some(2), ..Lines::new("a") };
    let tracker = open(to(&world, &Receiver::new(|_, _| None)).destination("a", lines()));
    track(&tracker, &["one"]);
    tracker.start_session().unwrap();
    track(&tracker, &["two"]);
    tracker.close(Duration::from_millis(500)).unwrap();
    let tracker = open(to(&world, &receiver).destination("a", lines()));
    world.wait_kept(1);
    tracker.start_session().unwrap();
    tracker.poll().unwrap();
    pass(&world, &tracker, MINUTE);
    flushed(&tracker);
    assert_eq!(receiver.requests("a")[1], ["one", "two", "end 2 replaced", "start 3"]);
    assert_eq!(tracker.delivery_stats().unwrap()[0].counts.overflowed, 3);
    assert_eq!(ledger(&tracker).delivered, 2, "events are not sessions");
}

#[test]
fn caps_hold_for_what_is_owed_too() {
    let (world, receiver) = (World::new(), Receiver::new(|_, _| status(503)));
    let config = to(&world, &receiver).destination("a", Lines::new("a"));
    let tracker = open(config.queue_limits(Duration::from_secs(86_400), 5, 1 << 20));
    for _ in 0..20 {
        tracker.start_session().unwrap();
        track(&tracker, &["e"]);
    }
    tracker.poll().unwrap();
    let stats = ledger(&tracker);
    assert!(stats.stored <= 5 && stats.dropped.overflowed >= 15, "{stats:?}");
    let rows: i64 = world.sqlite().query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert!(rows <= 5, "starts and ends count for the caps");
}

#[test]
fn an_erased_event_is_not_sent_any_more() {
    let (world, receiver) = (World::new(), Receiver::with_statuses(&[503]));
    let tracker = one(&world, &receiver);
    track(&tracker, &["one", "two"]);
    world.wait_kept(1);
    tracker.erase().unwrap();
    track(&tracker, &["three"]);
    pass(&world, &tracker, MINUTE * 10);
    flushed(&tracker);
    assert_eq!(receiver.requests("a").last().unwrap(), &["three"]);
    let stats = ledger(&tracker);
    assert_eq!((stats.delivered, stats.dropped.erased), (1, 2));
}

#[test]
fn a_delivery_that_cannot_be_noted_is_not_made_again() {
    let world = World::new();
    let receiver = Receiver::new(|_, _| None);
    let tracker = one(&world, &receiver);
    track(&tracker, &["one"]);
    receiver.wait_for("a", 1);
    let lock = world.lock();
    receiver.release(200);
    until("it was tried", || world.logged("what was delivered cannot be noted"));
    drop(lock);
    flushed(&tracker);
    assert_eq!((receiver.requests("a").len(), ledger(&tracker).delivered), (1, 1));
}

#[test]
fn a_new_file_in_place_of_a_removed_one_is_delivered_from_its_beginning() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = one(&world, &receiver);
    track(&tracker, &["one", "two"]);
    flushed(&tracker);
    world.remove_database();
    track(&tracker, &["three"]);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["one", "two", "three"]);
    assert_eq!(ledger(&tracker).delivered, 3);
}

#[test]
fn destinations_are_named_once_and_well() {
    let world = World::new();
    let refused = |config: ConfigBuilder| {
        let error = config.transport(Receiver::willing().transport()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.to_string()
    };
    let twice = world.config().destination("a", events("a")).destination("a", events("b"));
    assert!(refused(twice).contains("\"a\""));
    for name in ["", "a b", "ä", &"n".repeat(65)] {
        assert!(refused(world.config().destination(name, events("a"))).contains("name of a destination"));
    }
    assert!(refused(world.config().request_timeout(Duration::ZERO)).contains("request timeout"));
    assert!(refused(world.config().connect_timeout(Duration::ZERO)).contains("connect timeout"));
    // Twice the same receiver under two names is fine: each gets everything.
    let receiver = Receiver::willing();
    let tracker = open(to(&world, &receiver).destination("a", events("a")).destination("b", events("a")));
    track(&tracker, &["one"]);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["one", "one"]);
}

#[test]
fn without_a_file_it_is_delivered_from_memory() {
    let receiver = Receiver::willing();
    let config = sessio::Config::builder().transport(receiver.transport());
    let tracker = open(config.destination("a", Lines::new("a")));
    track(&tracker, &["one", "two"]);
    flushed(&tracker);
    assert_eq!(receiver.lines("a"), ["start 1", "one", "two"]);
    assert_eq!(ledger(&tracker).delivered, 2);
    tracker.track(&Event::feature("three").unwrap()).unwrap();
    tracker.close(SECOND).unwrap();
    assert_eq!(receiver.lines("a").len(), 4, "closing sends what it can");
}
