//! Scopes (S21): many sessions at once, none of which touches the tracker's own.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{SECOND, World, event, ledger, open, track, until};
use sessio::event::StoredEvent;
use sessio::{
    Callback, Cause, ChangeKind, EndReason, ErrorKind, Resumed, Scope, SessionState, Tracker, User,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn in_scope(scope: &Scope, names: &[&str]) {
    for name in names {
        scope.track(&event(name)).unwrap();
    }
}

fn events(tracker: &Tracker) -> Vec<StoredEvent> {
    tracker.stored_events(0, usize::MAX).unwrap()
}

/// Session id and number within it, per event.
fn places(tracker: &Tracker) -> Vec<Option<(String, u32)>> {
    let place = |event: &StoredEvent| {
        event.stamp.session.as_ref().map(|session| (session.id.to_string(), session.event_index))
    };
    events(tracker).iter().map(place).collect()
}

#[test]
fn a_scope_has_a_session_of_its_own_and_the_numbers_of_the_tracker() {
    let world = World::new();
    let tracker = world.open();
    let (ada, bob) = (tracker.new_scope().unwrap(), tracker.new_scope().unwrap());
    ada.set_user(Some(User::new("ada", None, None).unwrap())).unwrap();
    track(&tracker, &["t1"]);
    ada.start_session_with_id("ada-1").unwrap();
    in_scope(&ada, &["a1"]);
    bob.start_session_with_id("bob-1").unwrap();
    in_scope(&bob, &["b1", "b2"]);
    track(&tracker, &["t2"]);
    in_scope(&ada, &["a2"]);
    let own = tracker.session().unwrap();
    assert_eq!((own.index, own.event_index), (1, 2), "the tracker's own session is untouched");
    let own = own.id.unwrap().to_string();
    let place = |id: &str, index| Some((id.to_owned(), index));
    let expected = [
        place(&own, 1),
        place("ada-1", 1),
        place("bob-1", 1),
        place("bob-1", 2),
        place(&own, 2),
        place("ada-1", 2),
    ];
    assert_eq!(places(&tracker), expected);
    let events = events(&tracker);
    let sequences: Vec<_> = events.iter().map(|event| event.stamp.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
    let users: Vec<_> = events.iter().map(|event| event.stamp.user.as_ref().map(|user| user.id())).collect();
    assert_eq!(users, [None, Some("ada"), None, None, None, Some("ada")]);
    let instances: BTreeSet<_> = events.iter().map(|event| event.stamp.instance_id).collect();
    assert_eq!(
        instances,
        BTreeSet::from([tracker.instance_id().unwrap(), ada.instance_id(), bob.instance_id()])
    );
    let installations: BTreeSet<_> = events.iter().map(|event| event.stamp.user_id).collect();
    assert_eq!(installations.len(), 1);
    assert_eq!(ledger(&tracker).accepted, 6);
}

#[test]
fn a_scope_is_started_paused_resumed_and_ended_like_a_tracker() {
    let world = World::new();
    let tracker = world.open();
    let scope = tracker.new_scope().unwrap();
    assert_eq!(scope.session().unwrap().state, SessionState::None);
    in_scope(&scope, &["a"]);
    let first = scope.session().unwrap();
    assert_eq!((first.state, first.index, first.event_index), (SessionState::Active, 1, 1));
    scope.pause_session().unwrap();
    in_scope(&scope, &["b"]);
    assert_eq!(scope.session().unwrap().state, SessionState::Paused);
    assert_eq!(scope.resume_session().unwrap(), Resumed::Resumed);
    assert_eq!(scope.resume_session().unwrap(), Resumed::AlreadyActive);
    let second = scope.start_session().unwrap();
    assert_eq!((scope.session().unwrap().id, scope.session().unwrap().previous_id), (Some(second), first.id));
    scope.end_session().unwrap();
    assert_eq!(scope.session().unwrap().end_reason, Some(EndReason::Ended));
    assert_eq!(scope.resume_session().unwrap(), Resumed::Started);
    assert!(scope.start_session_with_id("not allowed").is_err());
    scope.set_user(Some(User::new("a", None, None).unwrap())).unwrap();
    scope.set_user(Some(User::new("b", None, None).unwrap())).unwrap();
    assert_eq!(scope.session().unwrap().end_reason, Some(EndReason::UserChanged));
    assert_eq!(places(&tracker).iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    assert_eq!(tracker.session().unwrap().state, SessionState::None);
}

#[test]
fn an_idle_scope_ends_by_the_timer_and_by_its_next_event() {
    let world = World::new();
    let tracker = world.open();
    let (idle, used) = (tracker.new_scope().unwrap(), tracker.new_scope().unwrap());
    in_scope(&idle, &["a"]);
    world.clock.advance(HOUR / 3);
    in_scope(&used, &["b"]);
    world.clock.advance(HOUR / 3);
    tracker.poll().unwrap();
    let ended = idle.session().unwrap();
    assert_eq!((ended.end_reason, ended.ended_at), (Some(EndReason::Timeout), Some(1_700_000_000_000)));
    assert_eq!(used.session().unwrap().state, SessionState::Active);
    // Nobody asks, and it is noticed all the same.
    world.clock.advance(HOUR);
    in_scope(&idle, &["c"]);
    until("the other ends", || used.session().unwrap().end_reason == Some(EndReason::Timeout));
    assert_eq!((idle.session().unwrap().index, idle.session().unwrap().event_index), (2, 1));
}

/// The journal is full, so that not even an end fits into it: the worker makes up for it.
#[test]
fn one_that_is_freed_without_room_for_its_end_ends_later() {
    let world = World::new();
    let ends: Arc<Mutex<Vec<_>>> = Arc::default();
    let noted = Arc::clone(&ends);
    let change = Callback::session_change(move |change| {
        let end = change.end_reason().map(|reason| (change.session.id.clone(), reason));
        noted.lock().unwrap().extend(end);
    });
    let tracker = open(world.config().full_wait(Duration::ZERO).callback(change));
    let (scope, other) = (tracker.new_scope().unwrap(), tracker.new_scope().unwrap());
    scope.start_session_with_id("orphan").unwrap();
    tracker.flush(common::PATIENCE).unwrap();
    let lock = world.lock();
    while other.start_session().is_ok() {}
    drop(scope);
    drop(lock);
    let orphan = (sessio::ids::SessionId::parse("orphan").ok(), EndReason::Shutdown);
    until("it has ended", || ends.lock().unwrap().contains(&orphan));
    ledger(&tracker);
}

#[test]
fn what_is_said_to_the_tracker_holds_for_its_scopes() {
    let world = World::new();
    let tracker = world.open();
    let (scope, quiet) = (tracker.new_scope().unwrap(), tracker.new_scope().unwrap());
    in_scope(&scope, &["a"]);
    in_scope(&quiet, &["q"]);
    tracker.set_anonymous(true).unwrap();
    in_scope(&scope, &["b"]);
    until("the quiet one ends", || quiet.session().unwrap().end_reason == Some(EndReason::AnonymityChanged));
    let stamps = events(&tracker);
    assert!(!stamps[0].stamp.user_id.0.is_nil() && stamps[2].stamp.user_id.0.is_nil());
    assert_eq!(stamps[2].stamp.session.as_ref().unwrap().previous_id, None);
    tracker.set_enabled(false).unwrap();
    assert_eq!(scope.track(&event("c")).unwrap_err().kind(), ErrorKind::Disabled);
    assert_eq!(scope.start_session().unwrap_err().kind(), ErrorKind::Disabled);
    assert_eq!(scope.session().unwrap().end_reason, Some(EndReason::Disabled));
    tracker.set_enabled(true).unwrap();
    scope.set_user(Some(User::new("u", None, None).unwrap())).unwrap();
    in_scope(&scope, &["d"]);
    tracker.erase().unwrap();
    in_scope(&scope, &["e"]);
    let last = events(&tracker);
    assert_eq!((last.len(), last[0].stamp.user.clone()), (1, None), "the identity is forgotten, too");
    assert_eq!(last[0].stamp.session.as_ref().unwrap().index, 1);
}

#[test]
fn callbacks_know_scopes_by_their_instance() {
    let world = World::new();
    let told: Arc<Mutex<Vec<_>>> = Arc::default();
    let notes = Arc::clone(&told);
    let change = Callback::session_change(move |change| {
        notes.lock().unwrap().push((change.instance_id, change.kind, change.cause, change.end_reason()));
    });
    let tracker = open(world.config().callback(change));
    let scope = tracker.new_scope().unwrap();
    let only = scope.instance_id();
    let veto = Callback::session_start(move |start| start.instance_id() == only);
    let veto = tracker.add_callback(veto).unwrap();
    track(&tracker, &["refused"]);
    in_scope(&scope, &["allowed"]);
    assert_eq!(places(&tracker).iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    tracker.remove_callback(veto).unwrap();
    drop(scope);
    tracker.poll().unwrap();
    let expected = [
        (only, ChangeKind::Began, Cause::Event, None),
        (only, ChangeKind::Ended, Cause::Closing, Some(EndReason::Shutdown)),
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn ten_thousand_scopes_end_with_the_tracker_and_are_in_no_history() {
    let world = World::new();
    let ended: Arc<Mutex<BTreeMap<_, usize>>> = Arc::default();
    let notes = Arc::clone(&ended);
    let change = Callback::session_change(move |change| {
        *notes.lock().unwrap().entry((change.kind, change.end_reason())).or_default() += 1;
    });
    let tracker = open(world.config().callback(change).full_wait(10 * SECOND));
    let scopes: Vec<_> = (0..10_000).map(|_| tracker.new_scope().unwrap()).collect();
    for scope in &scopes {
        in_scope(scope, &["e"]);
    }
    tracker.poll().unwrap();
    tracker.close(60 * SECOND).unwrap();
    let ended = ended.lock().unwrap();
    assert_eq!(ended.get(&(ChangeKind::Began, None)), Some(&10_000));
    assert_eq!(ended.get(&(ChangeKind::Ended, Some(EndReason::Shutdown))), Some(&10_000));
    assert_eq!(scopes[0].track(&event("late")).unwrap_err().kind(), ErrorKind::Closed);
    drop(scopes);
    let tracker = world.open();
    assert_eq!(tracker.history(10).unwrap(), []);
    assert_eq!(tracker.session().unwrap().state, SessionState::None);
    assert_eq!(ledger(&tracker).accepted, 10_000);
}

#[test]
fn bugsnag_is_told_how_many_sessions_of_scopes_began_every_ten_seconds() {
    let world = World::new();
    let bugsnag = sessio::protocol::Bugsnag::new("0123456789abcdef0123456789abcdef").unwrap();
    let config = || world.config().manual_delivery(true).destination("bugsnag", bugsnag.clone());
    let bodies = |tracker: &Tracker| {
        let mut bodies = Vec::new();
        while let sessio::NextRequest::Send(pending) = tracker.next_request().unwrap() {
            bodies.push(String::from_utf8(pending.request().body.clone()).unwrap());
            pending.report(Ok(sessio::delivery::Answer { status: 202, ..Default::default() }));
        }
        bodies
    };
    let tracker = open(config());
    let scopes: Vec<_> = (0..300).map(|_| tracker.new_scope().unwrap()).collect();
    scopes[..200].iter().for_each(|scope| in_scope(scope, &["e"]));
    assert_eq!(bodies(&tracker), [""; 0], "they are gathered");
    world.clock.advance(9 * SECOND);
    scopes[200..].iter().for_each(|scope| in_scope(scope, &["e"]));
    world.clock.step_wall(-3_600_000);
    assert_eq!(bodies(&tracker), [""; 0]);
    world.clock.advance(SECOND);
    let sent = bodies(&tracker);
    assert_eq!(sent.len(), 1, "ten seconds, wherever the wall clock went: {sent:?}");
    assert!(sent[0].contains(r#""sessionsStarted":300"#) && !sent[0].contains(r#""sessions":"#), "{sent:?}");
    // What waits when the process ends is sent by the next one, and the tracker's own session is a session of its own.
    scopes[0].start_session().unwrap();
    drop(scopes);
    drop(tracker);
    let tracker = open(config());
    track(&tracker, &["own"]);
    let sent = bodies(&tracker);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].contains(r#""sessionsStarted":1"#) && sent[1].contains(r#""sessions":"#), "{sent:?}");
}

#[test]
fn many_threads_share_a_scope() {
    let world = World::new();
    let tracker = world.open();
    let scope = tracker.new_scope().unwrap();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..250).for_each(|_| in_scope(&scope, &["e"])));
            threads.spawn(|| (0..250).for_each(|_| track(&tracker, &["t"])));
        }
    });
    let stored = events(&tracker);
    assert_eq!(stored.len(), 2_000);
    assert!(stored.iter().enumerate().all(|(at, event)| event.stamp.sequence == at as u64 + 1));
    let own = scope.instance_id();
    let indices = stored.iter().filter(|event| event.stamp.instance_id == own);
    let indices: Vec<_> = indices.map(|event| event.stamp.session.as_ref().unwrap().event_index).collect();
    assert_eq!(indices, (1..=1_000).collect::<Vec<_>>(), "without gap or repeat, in the order stored");
}
