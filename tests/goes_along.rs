//! What goes along with events: the trail of an error, global contexts, attributes of the session.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{SECOND, World, event, open, track};
use sessio::event::{Context, StoredEvent};
use sessio::session::Attributes;
use sessio::{Config, Event, Tracker};

const SCHEMA: &str = "iglu:com.acme/build/jsonschema/1-0-0";

fn last(tracker: &Tracker) -> StoredEvent {
    tracker.stored_events(0, usize::MAX).unwrap().pop().unwrap()
}

fn error() -> Event {
    Event::error("Broken", "", false).unwrap()
}

fn names(stored: &StoredEvent) -> Vec<&str> {
    stored.trail.iter().map(|crumb| crumb.name.as_str()).collect()
}

#[test]
fn an_error_carries_the_last_events_of_its_session() {
    let world = World::new();
    let tracker = open(world.config().trail(3));
    tracker.track(&error()).unwrap();
    assert_eq!(last(&tracker).trail, [], "nothing led to it");
    tracker.track(&Event::screen_view(Some("cart"), None).unwrap()).unwrap();
    world.clock.advance(SECOND);
    tracker.track(&Event::structured("cart", "add").unwrap()).unwrap();
    track(&tracker, &["pay"]);
    tracker.track(&error()).unwrap();
    let stored = last(&tracker);
    assert_eq!(names(&stored), ["cart", "cart/add", "pay"]);
    let kinds: Vec<_> = stored.trail.iter().map(|crumb| crumb.kind).collect();
    assert_eq!(kinds, ["screen_view", "structured", "feature"]);
    assert_eq!(stored.trail[1].time - stored.trail[0].time, 1_000);
    tracker.track(&error()).unwrap();
    assert_eq!(names(&last(&tracker)), ["cart/add", "pay", "Broken"]);
}

#[test]
fn the_trail_is_that_of_the_session_and_of_the_process() {
    let world = World::new();
    let tracker = world.open();
    track(&tracker, &["old"]);
    tracker.start_session().unwrap();
    track(&tracker, &["new"]);
    tracker.pause_session().unwrap();
    track(&tracker, &["paused"]);
    tracker.track(&error()).unwrap();
    assert_eq!(last(&tracker).trail, [], "outside of a session there is none");
    tracker.resume_session().unwrap();
    tracker.track(&error()).unwrap();
    assert_eq!(names(&last(&tracker)), ["new"]);
    drop(tracker);
    let tracker = world.open();
    tracker.track(&error()).unwrap();
    assert_eq!(last(&tracker).trail, []);
    let scope = tracker.new_scope().unwrap();
    (0..12).for_each(|n| drop(scope.track(&event(&format!("s{n}"))).map(drop)));
    scope.track(&error()).unwrap();
    let trail = last(&tracker).trail;
    assert_eq!((trail.len(), trail[0].name.as_str()), (10, "s2"), "a scope has one of its own");
}

#[test]
fn the_trail_is_bounded_and_can_be_off() {
    let world = World::new();
    let tracker = world.open();
    (0..200).for_each(|n| track(&tracker, &[&format!("{n} {}", "long ".repeat(100))]));
    tracker.track(&error()).unwrap();
    let trail = last(&tracker).trail;
    let bytes: usize = trail.iter().map(|crumb| crumb.name.len()).sum();
    assert!(!trail.is_empty() && trail.len() <= 30 && bytes <= 30 * 64, "{bytes}");
    assert!(trail.last().unwrap().name.starts_with("199 "));
    drop(tracker);
    let tracker = open(world.config().trail(0));
    track(&tracker, &["a"]);
    tracker.track(&error()).unwrap();
    assert_eq!(last(&tracker).trail, []);
    assert!(Config::builder().trail(101).build().unwrap_err().to_string().contains("trail"));
}

#[test]
fn global_contexts_go_along_with_every_event() {
    let world = World::new();
    let given = Context::new(SCHEMA, r#"{"build": 7}"#).unwrap();
    let tracker = open(world.config().global_context(given));
    let contexts = |tracker: &Tracker| {
        let event = last(tracker).event;
        event
            .contexts()
            .iter()
            .map(|context| (context.schema.clone(), context.data.clone()))
            .collect::<Vec<_>>()
    };
    let of = |schema: &str, data: &str| (schema.to_owned(), data.to_owned());
    let mut event = event("f");
    event.add_context("iglu:com.acme/own/jsonschema/1-0-0", "{}").unwrap();
    tracker.track(&event).unwrap();
    let own = of("iglu:com.acme/own/jsonschema/1-0-0", "{}");
    assert_eq!(contexts(&tracker), [own, of(SCHEMA, r#"{"build": 7}"#)]);
    tracker.set_global_context("iglu:com.acme/more/jsonschema/1-0-0", "[1]").unwrap();
    tracker.set_global_context(SCHEMA, r#"{"build": 8}"#).unwrap();
    tracker.new_scope().unwrap().track(&common::event("g")).unwrap();
    assert_eq!(
        contexts(&tracker),
        [of("iglu:com.acme/more/jsonschema/1-0-0", "[1]"), of(SCHEMA, r#"{"build": 8}"#)]
    );
    assert!(
        tracker.remove_global_context(SCHEMA).unwrap() && !tracker.remove_global_context(SCHEMA).unwrap()
    );
    assert!(tracker.set_global_context(SCHEMA, "{").is_err());
    assert!(tracker.set_global_context("", "{}").is_err());
    for number in 0..15 {
        tracker.set_global_context(&format!("s{number}"), "{}").unwrap();
    }
    assert!(tracker.set_global_context("one too many", "{}").is_err());
    let large = format!("\"{}\"", "x".repeat(20_000));
    assert!(tracker.set_global_context("s1", &large).is_err());
    track(&tracker, &["h"]);
    assert_eq!(contexts(&tracker).len(), 16);
}

#[test]
fn every_session_begins_with_the_attributes_of_the_configuration() {
    let world = World::new();
    let mut attributes = Attributes::default();
    attributes.set_text("channel", "beta").unwrap();
    let tracker = open(world.config().session_attributes(attributes.clone()));
    track(&tracker, &["a"]);
    tracker.poll().unwrap();
    let json: String =
        world.sqlite().query_row("SELECT session FROM namespaces", [], |row| row.get(0)).unwrap();
    let record = sessio::session::SessionRecord::from_json(&json).unwrap();
    assert_eq!(record.attributes.as_deref(), Some(&attributes));
}
