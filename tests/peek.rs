//! Looking at the session of a namespace without opening it: it is what the owner would say, whatever has happened, and
//! what cannot be looked at is refused and left alone.
#![cfg(feature = "_sqlite")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{PATIENCE, World, open, track};
use sessio::store::MemorySessionStore;
use sessio::{ErrorKind, Session, SessionState, Tracker};

fn peek(world: &World) -> Session {
    Tracker::peek(world.path(), "default").unwrap()
}

/// What is seen is what the tracker says, and it is given.
#[track_caller]
fn same(world: &World, tracker: &Tracker) -> Session {
    let session = tracker.session().unwrap();
    assert_eq!(peek(world), session);
    session
}

#[test]
fn it_is_what_the_owner_says_at_every_turn() {
    for own_store in [false, true] {
        let world = World::new();
        let store = Arc::new(MemorySessionStore::default());
        let config = || if own_store { world.config().session_store(store.clone()) } else { world.config() };
        let tracker = open(config());
        assert_eq!(same(&world, &tracker).last_seen_at, None);
        track(&tracker, &["one", "two"]);
        world.clock.advance(Duration::from_secs(7));
        tracker.set_is_background(true).unwrap();
        let session = same(&world, &tracker);
        assert!(session.is_background && session.last_seen_at.is_some());
        tracker.pause_session().unwrap();
        assert_eq!(same(&world, &tracker).state, SessionState::Paused);
        tracker.resume_session().unwrap();
        tracker.start_session_with_id(&"x".repeat(128)).unwrap();
        assert!(same(&world, &tracker).previous_id.is_some());
        tracker.end_session().unwrap();
        assert_eq!(same(&world, &tracker).state, SessionState::Ended);
        tracker.set_anonymous(true).unwrap();
        track(&tracker, &["three"]);
        let session = same(&world, &tracker);
        assert!(session.user_id == sessio::ids::UserId::NIL && session.previous_id.is_none());
        tracker.set_anonymous(false).unwrap();
        track(&tracker, &["four"]);
        let before = same(&world, &tracker);
        tracker.close(PATIENCE).unwrap();
        assert_eq!(peek(&world), before, "closing leaves it open");
        let tracker = open(config());
        same(&world, &tracker);
        tracker.erase().unwrap();
        let erased = same(&world, &tracker);
        assert!(erased.state == SessionState::None && erased.user_id != before.user_id);
        assert_eq!(world.files_with(&before.user_id.to_string()), [""; 0]);
    }
}

#[test]
fn without_a_journal_of_its_own_it_is_what_is_stored() {
    let (world, other) = (World::new(), World::new());
    track(&other.open(), &["of", "another", "database"]);
    let tracker = world.open();
    track(&tracker, &["one"]);
    let session = tracker.session().unwrap();
    tracker.close(PATIENCE).unwrap();
    let whole = fs::read(world.journal()).unwrap();
    let mut torn = whole.clone();
    torn[4_096..36_864].iter_mut().for_each(|byte| *byte ^= 0x55);
    let foreign = fs::read(other.journal()).unwrap();
    let cases = [&torn, &foreign, &whole[..100], &whole[..30_000], b"no journal", &[][..]];
    for (number, bytes) in cases.into_iter().enumerate() {
        fs::write(world.journal(), bytes).unwrap();
        assert_eq!(peek(&world), session, "case {number}");
        assert!(fs::read(world.journal()).unwrap() == bytes, "case {number}");
    }
    fs::remove_file(world.journal()).unwrap();
    assert_eq!(peek(&world), session);
    assert!(!world.journal().exists());
}

#[test]
fn what_is_damaged_in_the_row_costs_itself_alone() {
    let world = World::new();
    track(&world.open(), &["one"]);
    fs::remove_file(world.journal()).unwrap();
    let user = peek(&world).user_id;
    world.sqlite().execute_batch("UPDATE namespaces SET session = 'nonsense', settings = x'ff'").unwrap();
    let session = peek(&world);
    assert!(session.state == SessionState::None && session.user_id == user);
}

#[test]
fn what_another_namespace_erased_is_not_seen_any_more() {
    for wiped in [false, true] {
        let world = World::new();
        track(&world.open(), &["one"]);
        let (before, journal) = (peek(&world), fs::read(world.journal()).unwrap());
        let other = open(world.config().namespace("other"));
        other.erase().unwrap();
        if !wiped {
            // As if it could not be: the journal is older than the erasure.
            fs::write(world.journal(), journal).unwrap();
        }
        let session = peek(&world);
        assert_eq!((session.state, session.user_id), (SessionState::None, other.session().unwrap().user_id));
        assert_ne!(session.user_id, before.user_id);
        assert_eq!(session, world.open().session().unwrap());
    }
}

#[test]
fn two_names_of_a_file_and_any_name_of_a_namespace_will_do() {
    let names = [
        "with a space",
        "ä 名 🦀.db",
        "%20?mode=memory&x=#1",
        "file:x.db",
        "'quote\"",
        "-wal",
        "a?immutable=0",
    ];
    for (name, namespace) in names.into_iter().zip(["default", "", "Main", "ü/..", "x'; --", "~", "a.b"]) {
        let namespace = if namespace.is_empty() { &"n".repeat(1_024) } else { namespace };
        let world = World::new();
        let path = world.folder.path().join(name);
        let tracker = open(world.config_at(&path).namespace(namespace));
        track(&tracker, &["one"]);
        tracker.poll().unwrap();
        assert_eq!(Tracker::peek(&path, namespace).unwrap(), tracker.session().unwrap(), "{name:?}");
        tracker.close(PATIENCE).unwrap();
        assert_eq!(Tracker::peek(&path, namespace).unwrap().event_index, 1, "{name:?}");
        #[cfg(unix)]
        {
            let link = world.folder.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert_eq!(Tracker::peek(&link, namespace).unwrap().event_index, 1, "{name:?}");
        }
    }
}

#[track_caller]
fn refused(path: &Path, namespace: &str, kind: ErrorKind, why: &str) {
    let e = Tracker::peek(path, namespace).unwrap_err();
    assert!(e.kind() == kind && e.to_string().contains(why), "{:?}: {e}", e.kind());
}

#[test]
fn what_is_not_there_is_refused_by_name_and_nothing_is_made() {
    let world = World::new();
    let path = world.path();
    refused(&path, "default", ErrorKind::Io, "events.db");
    refused(&path.join("deeper"), "default", ErrorKind::Io, "deeper");
    refused(Path::new(""), "default", ErrorKind::InvalidArgument, "path");
    refused(world.folder.path(), "default", ErrorKind::Io, "is a directory");
    assert_eq!(world.files(), [""; 0]);
    fs::write(&path, "").unwrap();
    refused(&path, "default", ErrorKind::InvalidArgument, "no namespace");
    assert_eq!(world.files(), ["events.db"]);
    let tracker = world.open();
    track(&tracker, &["one"]);
    let names = world.files();
    refused(&path, "Default", ErrorKind::InvalidArgument, "no namespace \"Default\"");
    refused(&path, "", ErrorKind::InvalidArgument, "empty");
    refused(&path, &"n".repeat(1_025), ErrorKind::TooLarge, "namespace");
    assert_eq!(world.files(), names);
}

#[test]
fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let garbage = b"this is no database, but a letter".repeat(200);
    for (bytes, why) in
        [(&garbage[..], "not a database"), (b"short", "too short"), (&[0; 8_192], "cannot be opened")]
    {
        let world = World::new();
        fs::write(world.path(), bytes).unwrap();
        refused(&world.path(), "default", ErrorKind::Database, why);
        assert!(fs::read(world.path()).unwrap() == bytes && world.files() == ["events.db"], "{why}");
    }
    let cases = [
        ("PRAGMA user_version = 99; CREATE TABLE of_the_future (x)", ErrorKind::TooNew, "newer library"),
        ("PRAGMA application_id = 7", ErrorKind::ForeignDatabase, "another application"),
        ("DROP TABLE meta", ErrorKind::Database, "tables are missing"),
    ];
    for (setup, kind, why) in cases {
        let world = World::new();
        track(&world.open(), &["one"]);
        world.sqlite().execute_batch(setup).unwrap();
        let before = (world.files(), fs::read(world.path()).unwrap());
        refused(&world.path(), "default", kind, why);
        assert!((world.files(), fs::read(world.path()).unwrap()) == before, "{setup}");
    }
}

#[test]
fn a_database_that_is_locked_by_another_program_does_not_keep_it_for_long() {
    let world = World::new();
    let tracker = world.open();
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    // In WAL mode not even that keeps a reader out.
    let other = world.lock();
    same(&world, &tracker);
    track(&tracker, &["two"]);
    assert_eq!(same(&world, &tracker).event_index, 2, "what the database does not have yet");
    drop(other);
}
