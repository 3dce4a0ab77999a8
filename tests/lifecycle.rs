//! Lifecycle events: changes of background and the installation, as events of the app.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{SECOND, World, ledger, open, track};
use sessio::event::EventKind;
use sessio::{Callback, ConfigBuilder, SessionState, Tracker};

/// Names of kinds with their counters, the session's index (0: none), and whether in background.
fn kinds(tracker: &Tracker) -> Vec<(String, u32, bool)> {
    let events = tracker.stored_events(0, usize::MAX).unwrap();
    let show = |event: &sessio::event::StoredEvent| {
        let kind = match event.event.kind() {
            EventKind::Foreground { index } => format!("foreground {index}"),
            EventKind::Background { index } => format!("background {index}"),
            kind => kind.name().to_owned(),
        };
        let session = event.stamp.session.as_ref().map_or(0, |session| session.index);
        (kind, session, event.stamp.in_background)
    };
    events.iter().map(show).collect()
}

fn expect(tracker: &Tracker, expected: &[(&str, u32, bool)]) {
    let expected: Vec<_> = expected.iter().map(|(kind, index, b)| ((*kind).to_owned(), *index, *b)).collect();
    assert_eq!(kinds(tracker), expected);
}

fn config(world: &World) -> ConfigBuilder {
    world.config().lifecycle_events(true).background_timeout(Duration::from_secs(60))
}

#[test]
fn without_the_option_nothing_is_tracked_of_itself() {
    let world = World::new();
    let tracker = world.open();
    tracker.set_is_background(true).unwrap();
    tracker.set_is_background(false).unwrap();
    expect(&tracker, &[]);
}

#[test]
fn changes_are_events_judged_by_the_state_that_is_left() {
    let world = World::new();
    let tracker = open(config(&world));
    tracker.set_is_background(false).unwrap();
    tracker.set_is_background(true).unwrap();
    tracker.set_is_background(true).unwrap();
    world.clock.advance(Duration::from_secs(60));
    tracker.set_is_background(false).unwrap();
    tracker.set_is_background(true).unwrap();
    world.clock.advance(Duration::from_secs(61));
    tracker.set_is_background(false).unwrap();
    let expected = [
        ("install", 1, false),
        ("background 1", 1, true),
        ("foreground 1", 1, false),
        ("background 2", 1, true),
        ("foreground 2", 2, false),
    ];
    expect(&tracker, &expected);
    assert_eq!(tracker.session().unwrap().event_index, 1);
    ledger(&tracker);
}

#[test]
fn the_installation_is_told_once_for_all_namespaces_and_starts() {
    let world = World::new();
    let tracker = open(config(&world));
    track(&tracker, &["first"]);
    expect(&tracker, &[("install", 1, false), ("feature", 1, false)]);
    tracker.close(SECOND).unwrap();
    let (again, other) = (open(config(&world)), open(config(&world).namespace("other")));
    assert_eq!(kinds(&again).len(), 2);
    expect(&other, &[]);
    again.erase().unwrap();
    drop(again);
    expect(&open(config(&world)), &[]);
}

#[test]
fn it_waits_for_consent() {
    let world = World::new();
    let tracker = world.open();
    tracker.set_enabled(false).unwrap();
    drop(tracker);
    let tracker = open(config(&world));
    tracker.set_is_background(true).unwrap();
    tracker.set_is_background(false).unwrap();
    expect(&tracker, &[]);
    tracker.set_enabled(true).unwrap();
    tracker.poll().unwrap();
    expect(&tracker, &[("install", 1, false)]);
}

#[test]
fn a_callback_sees_them_and_may_drop_them() {
    let world = World::new();
    let drops =
        Callback::event(|event| !matches!(event.kind(), EventKind::Background { .. } | EventKind::Install));
    let tracker = open(config(&world).callback(drops));
    tracker.set_is_background(true).unwrap();
    assert!(tracker.is_background().unwrap(), "the change is one all the same");
    tracker.set_is_background(false).unwrap();
    expect(&tracker, &[("foreground 1", 1, false)]);
    assert_eq!(tracker.stats().unwrap().filtered, 2);
    assert_eq!(tracker.session().unwrap().state, SessionState::Active);
}
