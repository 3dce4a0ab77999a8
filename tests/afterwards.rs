//! Errors that are told after their session has ended: what a crash reporter finds at the next start.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{SECOND, World, ledger, open, stored, track};
use sessio::event::StoredEvent;
use sessio::ids::UserId;
use sessio::{EndReason, ErrorKind, Event, Tracker, User};

fn last(tracker: &Tracker) -> StoredEvent {
    tracker.stored_events(0, usize::MAX).unwrap().pop().unwrap()
}

fn error(unhandled: bool) -> Event {
    Event::error("Crash", "found at the next start", unhandled).unwrap()
}

#[test]
fn the_crash_is_told_in_the_session_that_crashed() {
    let world = World::new();
    let tracker = world.open();
    tracker.set_user(Some(User::new("ada", None, None).unwrap())).unwrap();
    track(&tracker, &["a", "b"]);
    let crashed = tracker.session().unwrap();
    tracker.mark_crashed();
    drop(tracker);
    let tracker = world.open();
    track(&tracker, &["next"]);
    let ended = tracker.history(1).unwrap().remove(0);
    assert_eq!((ended.end_reason, &ended.id), (Some(EndReason::Crashed), &crashed.id));
    let id = ended.id.unwrap().to_string();
    world.clock.advance(SECOND);
    tracker.track_in_session(&error(true), &id).unwrap();
    let told = last(&tracker);
    let place = told.stamp.session.unwrap();
    assert_eq!((place.id.to_string(), place.index, place.event_index), (id.clone(), 1, 3));
    assert_eq!((place.unhandled_errors, place.handled_errors), (1, 0), "the mark has counted it");
    assert_eq!(told.stamp.user.unwrap().id(), "ada");
    assert_eq!((told.stamp.sequence, told.stamp.time), (4, 1_700_000_001_000));
    assert_eq!(told.trail, [], "what led to it is gone with its process");
    tracker.track_in_session(&error(false), &id).unwrap();
    let place = last(&tracker).stamp.session.unwrap();
    assert_eq!((place.event_index, place.unhandled_errors, place.handled_errors), (4, 1, 1));
    drop(tracker);
    let tracker = world.open();
    tracker.track_in_session(&error(false), &id).unwrap();
    assert_eq!(last(&tracker).stamp.session.unwrap().event_index, 5, "numbers go on after a restart");
    let own = tracker.session().unwrap();
    assert_eq!((own.index, own.event_index), (2, 1), "the open session is untouched");
    ledger(&tracker);
}

#[test]
fn it_is_told_as_the_session_was() {
    let world = World::new();
    let config = |version| world.config().app("shop", version);
    let tracker = open(config("1.0"));
    tracker.set_anonymous(true).unwrap();
    tracker.start_session_with_id("in-foreground").unwrap();
    tracker.end_session().unwrap();
    tracker.set_is_background(true).unwrap();
    tracker.start_session_with_id("in-background").unwrap();
    tracker.set_anonymous(false).unwrap();
    drop(tracker);
    let tracker = open(config("2.0"));
    track(&tracker, &["now"]);
    let now = last(&tracker).stamp;
    assert!(now.user_id != UserId::NIL && !now.in_background);
    for (id, in_background) in [("in-foreground", false), ("in-background", true)] {
        tracker.track_in_session(&error(false), id).unwrap();
        let told = last(&tracker).stamp;
        assert_eq!((told.app_version.as_deref(), told.in_background), (Some("1.0"), in_background), "{id}");
        assert_eq!(told.user_id, UserId::NIL, "{id}");
    }
}

#[test]
fn an_error_of_a_session_that_was_killed_is_counted() {
    let world = World::new();
    let start_new = || open(world.config().restart_policy(sessio::RestartPolicy::StartNew));
    let tracker = start_new();
    tracker.start_session_with_id("killed-1").unwrap();
    drop(tracker);
    let tracker = start_new();
    tracker.track_in_session(&error(true), "killed-1").unwrap();
    let place = last(&tracker).stamp.session.unwrap();
    assert_eq!((place.event_index, place.unhandled_errors), (1, 1));
    assert_eq!(place.first_event_id, last(&tracker).stamp.event_id);
    assert_eq!(tracker.history(1).unwrap()[0].unhandled_errors, 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let world = World::new();
    let tracker = world.open();
    let refused = |id: &str| tracker.track_in_session(&error(true), id).unwrap_err().kind();
    assert_eq!(refused("never-was"), ErrorKind::InvalidArgument);
    assert_eq!(refused("not allowed"), ErrorKind::InvalidArgument);
    track(&tracker, &["a"]);
    let open = tracker.session().unwrap().id.unwrap().to_string();
    tracker.track_in_session(&common::event("b"), &open).unwrap();
    assert_eq!((tracker.session().unwrap().event_index, stored(&tracker).len()), (2, 2));
    tracker.set_enabled(false).unwrap();
    assert_eq!(refused(&open), ErrorKind::Disabled);
    assert_eq!(tracker.history(1).unwrap()[0].event_index, 2);
}
