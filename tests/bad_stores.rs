//! A host's session store that fails, panics, or gives what it should not: tracking goes on, and nothing is lost.
#![cfg(feature = "_sqlite")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{World, ledger, open, stored, track, until};
use sessio::store::SessionStore;
use sessio::{Error, ErrorKind, SessionState, Tracker};

type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Fails,
    Panics,
}

/// A store with moods, one for each operation.
struct Moody {
    session: Mutex<Option<String>>,
    moods: Mutex<[Mood; 3]>,
    asked: AtomicBool,
}

const WELL: [Mood; 3] = [Mood::Well; 3];
const OPERATIONS: [&str; 3] = ["get", "set", "delete"];

impl Moody {
    fn new(moods: [Mood; 3]) -> Arc<Self> {
        Arc::new(Self { session: Mutex::default(), moods: Mutex::new(moods), asked: AtomicBool::new(false) })
    }

    fn be(&self, moods: [Mood; 3]) {
        *self.moods.lock().unwrap() = moods;
    }

    fn mood(&self, operation: usize) -> Result<()> {
        let mood = self.moods.lock().unwrap()[operation];
        match mood {
            Mood::Well => Ok(()),
            Mood::Fails => {
                self.asked.store(true, Ordering::Relaxed);
                Err(Error::new(ErrorKind::Store, format!("{} does not work", OPERATIONS[operation])))
            }
            Mood::Panics => panic!("a defect of the host's (this test's own)"),
        }
    }
}

impl SessionStore for Moody {
    fn get_session(&self) -> Result<Option<String>> {
        self.mood(0).map(|()| self.session.lock().unwrap().clone())
    }

    fn set_session(&self, json: &str) -> Result<()> {
        self.mood(1).map(|()| *self.session.lock().unwrap() = Some(json.into()))
    }

    fn delete_session(&self) -> Result<()> {
        self.mood(2).map(|()| *self.session.lock().unwrap() = None)
    }
}

fn open_over(world: &World, store: &Arc<Moody>) -> Tracker {
    open(world.config().session_store(Arc::clone(store) as Arc<dyn SessionStore>))
}

#[test]
fn a_store_that_cannot_be_read_costs_nothing_that_the_journal_has() {
    for mood in [Mood::Fails, Mood::Panics] {
        let (world, store) = (World::new(), Moody::new(WELL));
        let tracker = open_over(&world, &store);
        track(&tracker, &["one"]);
        let before = tracker.session().unwrap();
        drop(tracker);
        store.be([mood, Mood::Well, Mood::Well]);
        let tracker = open_over(&world, &store);
        world.assert_logged("the stored session is left aside");
        track(&tracker, &["two"]);
        let now = tracker.session().unwrap();
        assert_eq!((now.id, now.user_id, now.event_index), (before.id, before.user_id, 2));
        assert_eq!(stored(&tracker), ["one", "two"]);
    }
}

#[test]
fn a_store_that_cannot_be_written_holds_up_no_event_and_gets_the_session_later() {
    for mood in [Mood::Fails, Mood::Panics] {
        let (world, store) = (World::new(), Moody::new([Mood::Well, mood, Mood::Well]));
        let tracker = open_over(&world, &store);
        for round in 0..5 {
            track(&tracker, &["one", "two"]);
            let e = tracker.poll().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Store, "{e}");
            assert_eq!(stored(&tracker).len(), 2 * (round + 1));
        }
        let e = tracker.flush(Duration::from_millis(20)).unwrap_err();
        assert!(e.kind() == ErrorKind::Timeout && e.to_string().contains("store"), "{e}");
        let session = tracker.session().unwrap();
        let _ = tracker.close(Duration::from_millis(20));
        drop(tracker);

        // The journal knows that the store lacks it.
        until("the namespace to be free", || {
            let config = world.config().session_store(Arc::clone(&store) as Arc<dyn SessionStore>);
            let Ok(tracker) = Tracker::open(config.build().unwrap()) else { return false };
            assert_eq!(tracker.session().unwrap().id, session.id);
            assert_eq!(tracker.session().unwrap().event_index, 10);
            store.be(WELL);
            tracker.poll().unwrap();
            true
        });
        assert!(store.session.lock().unwrap().as_ref().unwrap().contains(&session.id.unwrap().to_string()));
    }
}

#[test]
fn a_store_that_cannot_delete_holds_up_no_event_and_brings_no_erased_session_back() {
    let (world, store) = (World::new(), Moody::new(WELL));
    let tracker = open_over(&world, &store);
    track(&tracker, &["secret"]);
    tracker.poll().unwrap();
    let old = tracker.session().unwrap();
    store.be([Mood::Well, Mood::Well, Mood::Fails]);
    let e = tracker.erase().unwrap_err();
    assert!(e.to_string().contains("delete does not work"), "{e}");
    assert_eq!(world.files_with("secret"), [""; 0]);
    assert!(store.asked.load(Ordering::Relaxed));
    drop(tracker);

    let tracker = open_over(&world, &store);
    assert_eq!(tracker.session().unwrap().state, SessionState::None, "it is erased, whatever the store says");
    store.be(WELL);
    tracker.poll().unwrap();
    assert_eq!(*store.session.lock().unwrap(), None);
    store.be([Mood::Well, Mood::Well, Mood::Fails]);
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    assert_eq!(stored(&tracker), ["one"]);
    let now = tracker.session().unwrap();
    assert!(now.id != old.id && now.user_id != old.user_id && now.previous_id.is_none());
    assert_eq!(ledger(&tracker).dropped.erased, 1);
}

#[test]
fn garbage_from_the_store_costs_that_record_alone() {
    for garbage in ["", "{", "null", "[]", "42", "{\"id\":\"x\"}", "\0\u{fffd}", &"[".repeat(100_000)] {
        let (world, store) = (World::new(), Moody::new(WELL));
        let tracker = open_over(&world, &store);
        track(&tracker, &["one"]);
        tracker.end_session().unwrap();
        track(&tracker, &["two"]);
        let before = tracker.session().unwrap();
        drop(tracker);
        *store.session.lock().unwrap() = Some(garbage.into());
        std::fs::remove_file(world.journal()).unwrap();
        let tracker = open_over(&world, &store);
        world.assert_logged("the stored session is left aside");
        assert_eq!(tracker.session().unwrap().user_id, before.user_id);
        track(&tracker, &["three"]);
        let now = tracker.session().unwrap();
        assert_eq!((now.index, now.previous_id), (3, before.id), "the chain has no gap");
        assert_eq!(stored(&tracker), ["one", "two", "three"]);
    }
}

#[test]
fn of_the_same_session_the_fresher_copy_goes_on() {
    let (world, store) = (World::new(), Moody::new(WELL));
    let tracker = open_over(&world, &store);
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    let older = store.session.lock().unwrap().clone();
    track(&tracker, &["two"]);
    drop(tracker);
    let newer =
        store.session.lock().unwrap().clone().unwrap().replace("\"event_index\":2", "\"event_index\":9");
    for (given, expected) in [(older, 2), (Some(newer), 9)] {
        *store.session.lock().unwrap() = given;
        let tracker = open_over(&world, &store);
        assert_eq!((tracker.session().unwrap().event_index, tracker.session().unwrap().index), (expected, 1));
    }
}

#[test]
fn another_session_in_the_store_is_the_truth_and_the_chain_goes_on_behind_it() {
    let (world, store) = (World::new(), Moody::new(WELL));
    let tracker = open_over(&world, &store);
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    let other = store.session.lock().unwrap().clone().unwrap();
    let own_id = tracker.session().unwrap().id.unwrap().to_string();
    drop(tracker);
    let other = other.replace(&own_id, "the-hosts-own").replace("\"index\":1", "\"index\":7");
    *store.session.lock().unwrap() = Some(other);
    let tracker = open_over(&world, &store);
    let session = tracker.session().unwrap();
    assert_eq!((session.id.unwrap().to_string().as_str(), session.index), ("the-hosts-own", 7));
    tracker.start_session().unwrap();
    let next = tracker.session().unwrap();
    assert_eq!((next.index, next.previous_id.unwrap().to_string().as_str()), (8, "the-hosts-own"));
    // Nothing in the store means no session, though the count goes on.
    drop(tracker);
    *store.session.lock().unwrap() = None;
    let tracker = open_over(&world, &store);
    assert_eq!(tracker.session().unwrap().state, SessionState::None);
    track(&tracker, &["two"]);
    assert_eq!(tracker.session().unwrap().index, 9);
}
