//! One contract for every session store, and a tracker over each of them.
#![cfg(feature = "_sqlite")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};

use common::{World, open, stored, track};
use sessio::log::Logger;
use sessio::session::SessionRecord;
use sessio::store::{MemorySessionStore, SessionStore, SqliteSessionStore, StorageMechanism};
use sessio::{Error, ErrorKind, SessionState};

type Result<T> = std::result::Result<T, Error>;

/// A host's store: three functions.
struct Callbacks<G, S, D>(G, S, D);

impl<G, S, D> SessionStore for Callbacks<G, S, D>
where
    G: Fn() -> Result<Option<String>> + Send + Sync,
    S: Fn(&str) -> Result<()> + Send + Sync,
    D: Fn() -> Result<()> + Send + Sync,
{
    fn get_session(&self) -> Result<Option<String>> {
        self.0()
    }

    fn set_session(&self, json: &str) -> Result<()> {
        self.1(json)
    }

    fn delete_session(&self) -> Result<()> {
        self.2()
    }
}

/// One in a file, as hosts write them.
fn callbacks(folder: &Path, namespace: &str) -> Arc<dyn SessionStore> {
    let path = folder.join(format!("{namespace}.json"));
    let failed = |e: std::io::Error| Error::with_source(ErrorKind::Store, "the host's file", e);
    let (get, set, delete) = (path.clone(), path.clone(), path);
    Arc::new(Callbacks(
        move || match std::fs::read_to_string(&get) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some).map_err(failed),
        },
        move |json: &str| std::fs::write(&set, json).map_err(failed),
        move || match std::fs::remove_file(&delete) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(failed(e)),
            _ => Ok(()),
        },
    ))
}

fn sqlite(folder: &Path, namespace: &str) -> Arc<dyn SessionStore> {
    let path = folder.join("sessions.db");
    Arc::new(SqliteSessionStore::open(&path, namespace, &Logger::default()).unwrap())
}

/// A way to open a store, and whether what it has is there after it was closed.
struct Kind {
    name: &'static str,
    open: fn(&Path, &str) -> Arc<dyn SessionStore>,
    lasts: bool,
    mechanism: StorageMechanism,
}

const KINDS: [Kind; 3] = [
    Kind { name: "sqlite", open: sqlite, lasts: true, mechanism: StorageMechanism::Sqlite },
    Kind {
        name: "memory",
        open: |_, _| Arc::new(MemorySessionStore::default()),
        lasts: false,
        mechanism: StorageMechanism::Memory,
    },
    Kind { name: "callbacks", open: callbacks, lasts: true, mechanism: StorageMechanism::LocalStorage },
];

fn each(test: impl Fn(&Kind, &Path)) {
    for kind in &KINDS {
        println!("{}", kind.name);
        test(kind, tempfile::tempdir().unwrap().path());
    }
}

#[test]
fn what_is_set_is_got_until_it_is_replaced_or_deleted() {
    each(|kind, folder| {
        let store = (kind.open)(folder, "one");
        assert_eq!(store.storage_mechanism(), kind.mechanism);
        assert_eq!(store.get_session().unwrap(), None);
        store.delete_session().unwrap();
        let large = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
        for json in ["{}", "{\"a\":1}", "\"ä 名 🦀 \u{1f468}\u{200d}\u{1f469} \\u0000\"", &large, ""] {
            store.set_session(json).unwrap();
            assert_eq!(store.get_session().unwrap().as_deref(), Some(json));
        }
        store.delete_session().unwrap();
        assert_eq!(store.get_session().unwrap(), None);
        store.set_session("again").unwrap();
        assert_eq!(store.get_session().unwrap().as_deref(), Some("again"));
    });
}

#[test]
fn two_namespaces_know_nothing_of_each_other() {
    each(|kind, folder| {
        let (one, two) = ((kind.open)(folder, "one"), (kind.open)(folder, "two"));
        one.set_session("1").unwrap();
        assert_eq!(two.get_session().unwrap(), None);
        two.set_session("2").unwrap();
        one.delete_session().unwrap();
        assert_eq!((one.get_session().unwrap(), two.get_session().unwrap()), (None, Some("2".into())));
    });
}

#[test]
fn what_lasts_is_there_after_reopening() {
    each(|kind, folder| {
        (kind.open)(folder, "one").set_session("kept").unwrap();
        let found = (kind.open)(folder, "one").get_session().unwrap();
        assert_eq!(found.as_deref(), kind.lasts.then_some("kept"));
    });
}

#[test]
fn threads_may_share_it() {
    each(|kind, folder| {
        let store = (kind.open)(folder, "one");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    (0..20).for_each(|n| store.set_session(&format!("{thread}-{n}")).unwrap());
                    store.get_session().unwrap().unwrap();
                });
            }
        });
        assert!(store.get_session().unwrap().unwrap().ends_with("-19"));
    });
}

#[test]
fn a_trackers_session_goes_on_over_it() {
    each(|kind, folder| {
        let world = World::new();
        let store = (kind.open)(folder, "one");
        let config = || world.config().session_store(Arc::clone(&store));
        let tracker = open(config());
        track(&tracker, &["one", "two"]);
        let id = tracker.session().unwrap().id;
        tracker.poll().unwrap();
        let kept = SessionRecord::from_json(&store.get_session().unwrap().unwrap()).unwrap();
        assert_eq!((Some(kept.id), kept.event_index), (id.clone(), 2));
        drop(tracker);

        // The store alone is the truth: without a journal, and with a database that never had the session.
        std::fs::remove_file(world.journal()).unwrap();
        let tracker = open(config());
        track(&tracker, &["three"]);
        let session = tracker.session().unwrap();
        assert_eq!((session.id, session.event_index, session.index), (id.clone(), 3, 1));
        tracker.end_session().unwrap();
        tracker.poll().unwrap();
        let kept = SessionRecord::from_json(&store.get_session().unwrap().unwrap()).unwrap();
        assert!(kept.end_reason.is_some());

        tracker.erase().unwrap();
        assert_eq!(store.get_session().unwrap(), None);
        assert_eq!(tracker.session().unwrap().state, SessionState::None);
    });
}

#[test]
fn a_tracker_may_keep_its_session_in_the_file_of_another() {
    let world = World::new();
    let path = world.path();
    let store = Arc::new(SqliteSessionStore::open(&path, "sessions", &Logger::default()).unwrap());
    let tracker = open(world.config().session_store(store.clone()));
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    assert!(store.get_session().unwrap().is_some());
    assert_eq!(stored(&tracker), ["one"]);
}

#[test]
fn what_a_store_is_given_is_called_at_most_once_a_window() {
    let world = World::new();
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let store = Callbacks(
        || Ok(None),
        move |_: &str| {
            *counted.lock().unwrap() += 1;
            Ok(())
        },
        || Ok(()),
    );
    let tracker = open(world.config().session_store(Arc::new(store)));
    tracker.poll().unwrap();
    let before = *calls.lock().unwrap();
    (0..500).for_each(|_| track(&tracker, &["one"]));
    tracker.poll().unwrap();
    // Half a megabyte would be a window's end; this is less, and the machine may be slow.
    assert!(*calls.lock().unwrap() - before < 50, "{calls:?}");
}
