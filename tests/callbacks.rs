//! Callbacks (S15): asked before a session begins, told what becomes of it, shown events.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, Weak, mpsc};
use std::thread;
use std::time::Duration;

use common::{SECOND, World, event, open, stored, track, until};
use sessio::event::{EventKind, StoredEvent};
use sessio::session::Attribute;
use sessio::{
    Callback, Cause, ChangeKind, EndReason, ErrorKind, Event, Preset, Session, SessionState, Tracker, User,
};

/// The tracker, for callbacks that call it.
type Cell = Arc<OnceLock<Weak<Tracker>>>;

fn tracker_with(world: &World, callbacks: impl FnOnce(&Cell) -> Vec<Callback>) -> Arc<Tracker> {
    let cell = Cell::default();
    let config =
        callbacks(&cell).into_iter().fold(world.config(), |config, callback| config.callback(callback));
    let tracker = Arc::new(open(config));
    cell.set(Arc::downgrade(&tracker)).unwrap();
    tracker
}

fn sessions(tracker: &Tracker) -> Vec<Option<u32>> {
    let place = |event: &StoredEvent| event.stamp.session.as_ref().map(|session| session.index);
    tracker.stored_events(0, 100).unwrap().iter().map(place).collect()
}

#[test]
fn a_session_is_asked_for_before_it_is_current_and_gets_user_and_attributes() {
    let world = World::new();
    let seen: Arc<Mutex<Vec<(Session, SessionState)>>> = Arc::default();
    let tracker = tracker_with(&world, |cell| {
        let (seen, cell) = (Arc::clone(&seen), Arc::clone(cell));
        vec![Callback::session_start(move |start| {
            let now = cell.get().and_then(Weak::upgrade).unwrap().session().unwrap();
            seen.lock().unwrap().push((start.session().clone(), now.state));
            start.set_user(Some(User::new("ada", None, None).unwrap()));
            start.set_text("plan", "pro").unwrap();
            assert!(start.set_number("bad", f64::NAN).is_err());
            true
        })]
    });
    track(&tracker, &["a", "b"]);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1, "one start is asked once");
    let (coming, state) = &seen[0];
    assert_eq!(*state, SessionState::None, "it is not current yet");
    assert_eq!((coming.id.clone(), coming.index), (tracker.session().unwrap().id, 1));
    let events = tracker.stored_events(0, 10).unwrap();
    assert!(events.iter().all(|event| event.stamp.user.as_ref().is_some_and(|user| user.id() == "ada")));
    assert_eq!(tracker.user().unwrap().unwrap().id(), "ada");
    tracker.poll().unwrap();
    let json: String =
        world.sqlite().query_row("SELECT session FROM namespaces", [], |row| row.get(0)).unwrap();
    let record = sessio::session::SessionRecord::from_json(&json).unwrap();
    assert_eq!(record.attributes.unwrap().get("plan"), Some(&Attribute::Text("pro".into())));
}

#[test]
fn a_refusal_leaves_events_without_a_session_and_the_session_before_current() {
    let world = World::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let tracker = open(world.config());
    let refuse = tracker.add_callback(Callback::session_start(|_| false)).unwrap();
    let later = Callback::session_start(move |_| count.fetch_add(1, Ordering::Relaxed) < usize::MAX);
    tracker.add_callback(later).unwrap();
    track(&tracker, &["a", "b"]);
    assert_eq!(tracker.start_session().unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(tracker.resume_session().unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the first refusal ends the asking");
    assert!(tracker.remove_callback(refuse).unwrap() && !tracker.remove_callback(refuse).unwrap());
    track(&tracker, &["c"]);
    let id = tracker.session().unwrap().id;
    let refuse = tracker.add_callback(Callback::session_start(|_| false)).unwrap();
    assert_eq!(tracker.start_session_with_id("mine").unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!((tracker.session().unwrap().id, tracker.session().unwrap().state), (id, SessionState::Active));
    tracker.remove_callback(refuse).unwrap();
    assert_eq!(tracker.start_session_with_id("mine").unwrap().to_string(), "mine");
    assert_eq!(sessions(&tracker), [None, None, Some(1)]);
    assert_eq!(asked.load(Ordering::Relaxed), 3, "c, and mine twice: asked until one refuses");
}

#[test]
fn a_callback_may_call_everything() {
    let world = World::new();
    let errors: Arc<Mutex<Vec<ErrorKind>>> = Arc::default();
    let tracker = tracker_with(&world, |cell| {
        let (cell, errors) = (Arc::clone(cell), Arc::clone(&errors));
        let call = move |what: &str| {
            let tracker = cell.get().and_then(Weak::upgrade).unwrap();
            tracker.track(&event(what)).unwrap();
            let started = tracker.start_session().map(drop);
            errors.lock().unwrap().extend(started.err().map(|e| e.kind()));
            tracker.set_is_background(true).unwrap();
            tracker.set_is_background(false).unwrap();
            let _ = (tracker.session().unwrap(), tracker.stats().unwrap(), tracker.history(5).unwrap());
            tracker.flush(SECOND).unwrap();
            tracker.remove_callback(tracker.add_callback(Callback::event(|_| true)).unwrap()).unwrap();
        };
        let (started, changed) = (call.clone(), AtomicUsize::new(0));
        vec![
            Callback::session_start(move |_| {
                started("in start");
                true
            }),
            Callback::session_change(move |_| {
                // Each start is told, too: once is enough.
                if changed.fetch_add(1, Ordering::Relaxed) == 0 {
                    call("in change");
                }
            }),
        ]
    });
    track(&tracker, &["first"]);
    until("all is told", || stored(&tracker).contains(&"in change".to_owned()));
    let (names, places) = (stored(&tracker), sessions(&tracker));
    assert_eq!((names[0].as_str(), places[0]), ("in start", None), "the session has not begun yet");
    assert_eq!((names[1].as_str(), places[1]), ("first", Some(1)));
    assert!(errors.lock().unwrap().iter().all(|kind| *kind == ErrorKind::Refused));
    assert!(!errors.lock().unwrap().is_empty(), "no start inside of a start");
}

#[test]
fn a_callback_may_start_a_session_of_another_tracker() {
    let world = World::new();
    let refusing = Callback::session_start(|start| start.session().index == 1);
    let other = Arc::new(open(world.config().namespace("other").callback(refusing)));
    let inner = Arc::clone(&other);
    let start = Callback::session_start(move |_| inner.start_session().is_ok());
    let tracker = open(world.config().callback(start));
    tracker.start_session().unwrap();
    assert_eq!(other.session().unwrap().index, 1);
    assert_eq!(
        tracker.start_session().unwrap_err().kind(),
        ErrorKind::Refused,
        "the other refuses its second"
    );
}

#[test]
fn concurrent_starts_begin_one_session_and_ask_once() {
    for _ in 0..20 {
        let world = World::new();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let tracker = open(world.config());
        let ask = move |_: &mut sessio::SessionStart| count.fetch_add(1, Ordering::Relaxed) < usize::MAX;
        tracker.add_callback(Callback::session_start(ask)).unwrap();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    track(&tracker, &["e"]);
                });
            }
        });
        assert_eq!(sessions(&tracker), [Some(1); 8]);
        // On a machine that stands still for longer than the others wait it may be more.
        assert!((1..8).contains(&asked.load(Ordering::Relaxed)));
        assert_eq!(tracker.session().unwrap().event_index, 8);
    }
}

#[test]
fn a_callback_that_waits_for_another_thread_does_not_deadlock() {
    let world = World::new();
    let depth = AtomicUsize::new(0);
    let tracker = tracker_with(&world, |cell| {
        let cell = Arc::clone(cell);
        vec![Callback::session_start(move |_| {
            if depth.fetch_add(1, Ordering::Relaxed) == 0 {
                let tracker = cell.get().and_then(Weak::upgrade).unwrap();
                thread::spawn(move || track(&tracker, &["other"])).join().unwrap();
            }
            true
        })]
    });
    track(&tracker, &["own"]);
    assert_eq!(stored(&tracker), ["other", "own"]);
    assert_eq!(sessions(&tracker), [Some(1), Some(1)]);
}

#[test]
fn panics_are_ignored_and_logged() {
    let world = World::new();
    let panics = [
        Callback::session_start(|_| panic!("start")),
        Callback::session_change(|_| panic!("change")),
        Callback::event(|_| panic!("event")),
    ];
    let tracker = open(panics.into_iter().fold(world.config(), |config, panics| config.callback(panics)));
    track(&tracker, &["a"]);
    tracker.poll().unwrap();
    assert_eq!((stored(&tracker), sessions(&tracker)), (vec!["a".to_owned()], vec![Some(1)]));
    for what in ["session start", "session change", "event"] {
        world.assert_logged(&format!("a {what} callback panicked"));
    }
}

#[test]
fn a_callback_may_remove_itself() {
    let world = World::new();
    let tracker = Arc::new(open(world.config()));
    let calls = Arc::new(AtomicUsize::new(0));
    let (own, count, weak) = (Arc::new(OnceLock::new()), Arc::clone(&calls), Arc::downgrade(&tracker));
    let id = Arc::clone(&own);
    let once = Callback::event(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        weak.upgrade().unwrap().remove_callback(*id.get().unwrap()).unwrap()
    });
    let own_id = tracker.add_callback(once).unwrap();
    assert_ne!(own_id.0, 0, "0 is nobody's, so that C can say none");
    own.set(own_id).unwrap();
    track(&tracker, &["a", "b", "c"]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(stored(&tracker), ["a", "b", "c"]);
}

/// A change as it is noted.
type Note = (ChangeKind, Cause, u32, Option<EndReason>);

/// A callback that notes changes, and the notes.
fn noting() -> (Callback, mpsc::Receiver<Note>) {
    let (sender, notes) = mpsc::channel();
    let callback = Callback::session_change(move |change| {
        assert_eq!(thread::current().name(), Some("sessio"), "the library's worker thread");
        sender.send((change.kind, change.cause, change.session.index, change.end_reason())).unwrap();
    });
    (callback, notes)
}

#[test]
fn every_change_is_told_in_order_with_its_cause() {
    let world = World::new();
    let (callback, notes) = noting();
    let tracker = open(world.config().callback(callback));
    track(&tracker, &["a", "b"]);
    tracker.pause_session().unwrap();
    tracker.pause_session().unwrap();
    tracker.resume_session().unwrap();
    tracker.start_session().unwrap();
    tracker.set_user(Some(User::new("a", None, None).unwrap())).unwrap();
    tracker.set_user(None).unwrap();
    track(&tracker, &["c"]);
    world.clock.advance(Duration::from_secs(3_600));
    tracker.poll().unwrap();
    tracker.resume_session().unwrap();
    tracker.end_session().unwrap();
    tracker.end_session().unwrap();
    track(&tracker, &["d"]);
    world.clock.advance(Duration::from_secs(3_600));
    tracker.set_is_background(true).unwrap();
    track(&tracker, &["e"]);
    tracker.set_anonymous(true).unwrap();
    track(&tracker, &["f"]);
    tracker.set_enabled(false).unwrap();
    tracker.poll().unwrap();
    use ChangeKind::{Began, Ended, Paused, Resumed};
    let expected = [
        (Began, Cause::Event, 1, None),
        (Paused, Cause::Pause, 1, None),
        (Resumed, Cause::Resume, 1, None),
        (Ended, Cause::Start, 1, Some(EndReason::Replaced)),
        (Began, Cause::Start, 2, None),
        (Ended, Cause::User, 2, Some(EndReason::UserChanged)),
        (Began, Cause::Event, 3, None),
        (Ended, Cause::Timer, 3, Some(EndReason::Timeout)),
        (Began, Cause::Resume, 4, None),
        (Ended, Cause::End, 4, Some(EndReason::Ended)),
        (Began, Cause::Event, 5, None),
        (Ended, Cause::Background, 5, Some(EndReason::Timeout)),
        (Began, Cause::Event, 6, None),
        (Ended, Cause::Anonymity, 6, Some(EndReason::AnonymityChanged)),
        (Began, Cause::Event, 7, None),
        (Ended, Cause::Enabled, 7, Some(EndReason::Disabled)),
    ];
    assert_eq!(notes.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_opening_and_closing_bring_about_is_told_too() {
    let world = World::new();
    let (callback, notes) = noting();
    let tracker = open(world.config().preset(Preset::Snowplow).callback(callback));
    track(&tracker, &["a"]);
    tracker.mark_crashed();
    tracker.close(SECOND).unwrap();
    let closed = (ChangeKind::Ended, Cause::Closing, 1, Some(EndReason::Shutdown));
    assert_eq!(notes.try_iter().last(), Some(closed), "told before close returns");
    drop(tracker);
    let tracker = world.open();
    track(&tracker, &["b"]);
    tracker.mark_crashed();
    drop(tracker);
    let (callback, notes) = noting();
    let tracker = open(world.config().callback(callback));
    tracker.poll().unwrap();
    let crashed = (ChangeKind::Ended, Cause::Opening, 2, Some(EndReason::Crashed));
    assert_eq!(notes.try_iter().collect::<Vec<_>>(), [crashed]);
}

#[test]
fn events_may_be_edited_and_dropped_and_what_is_dropped_is_counted() {
    let world = World::new();
    let tracker = tracker_with(&world, |cell| {
        let cell = Arc::clone(cell);
        vec![Callback::event(move |event: &mut Event| {
            let tracker = cell.get().and_then(Weak::upgrade).unwrap();
            match event.kind() {
                EventKind::Feature { name } if name == "secret" => return false,
                EventKind::Feature { name } if name == "nested" => track(&tracker, &["secret"]),
                _ => event.set_text("label", "seen").unwrap(),
            }
            true
        })]
    });
    track(&tracker, &["plain"]);
    let original = event("secret");
    assert_eq!(tracker.track(&original).unwrap_err().kind(), ErrorKind::Refused);
    track(&tracker, &["nested"]);
    assert_eq!(stored(&tracker), ["plain", "secret", "nested"], "what a callback tracks is not shown again");
    let events = tracker.stored_events(0, 10).unwrap();
    let labels: Vec<_> = events.iter().map(|event| event.event.field("label").is_some()).collect();
    assert_eq!(labels, [true, false, false]);
    assert!(original.field("label").is_none(), "the host's own event stays as it is");
    let stats = tracker.stats().unwrap();
    assert_eq!((stats.accepted, stats.filtered), (3, 1));
    let sequences: Vec<_> = events.iter().map(|event| event.stamp.sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
}

#[test]
fn closing_lets_go_of_callbacks() {
    let world = World::new();
    let held = Arc::new(());
    let (a, b) = (Arc::clone(&held), Arc::clone(&held));
    let tracker = open(world.config().callback(Callback::event(move |_| Arc::strong_count(&a) > 0)));
    tracker.add_callback(Callback::session_change(move |_| drop(Arc::clone(&b)))).unwrap();
    tracker.close(SECOND).unwrap();
    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!(tracker.add_callback(Callback::event(|_| true)).unwrap_err().kind(), ErrorKind::Closed);
}
