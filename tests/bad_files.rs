//! Files that are not what they should be: a status that says what was wrong, nothing of others touched, tracking
//! goes on.
#![cfg(feature = "_sqlite")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::time::Duration;

use common::{World, ledger, open, stored, track, until};
use rusqlite::config::DbConfig;
use sessio::{ErrorKind, Tracker};

fn bytes_of(world: &World) -> Vec<(String, Vec<u8>)> {
    let files = world.files().into_iter().filter(|name| !name.ends_with("-shm"));
    files.map(|name| (name.clone(), fs::read(world.folder.path().join(name)).unwrap())).collect()
}

#[track_caller]
fn refused(world: &World, kind: ErrorKind, why: &str) {
    let e = world.try_open().unwrap_err();
    assert!(e.kind() == kind && e.to_string().contains(why), "{:?}: {e}", e.kind());
}

#[test]
fn a_path_that_cannot_be_a_file_is_refused_by_name() {
    let world = World::new();
    fs::create_dir(world.path()).unwrap();
    refused(&world, ErrorKind::Io, "is a directory");
    let missing = world.folder.path().join("no such folder").join("events.db");
    let e = Tracker::open(world.config_at(&missing).build().unwrap()).unwrap_err();
    assert!(e.kind() == ErrorKind::Io && e.to_string().contains("no such folder"), "{e}");
    assert_eq!(world.files(), ["events.db"]);
    fs::remove_dir(world.path()).unwrap();
    track(&world.open(), &["the failures left no lock behind"]);
}

#[test]
fn any_name_of_a_file_will_do() {
    let names =
        ["with a space", "ä 名 🦀.db", "%20?mode=memory&x=#1", "file:x.db", "'quote\"", ".hidden", "-wal"];
    for name in names {
        let world = World::new();
        let path = world.folder.path().join(name);
        track(&open(world.config_at(&path)), &["one"]);
        assert_eq!(stored(&open(world.config_at(&path))), ["one"], "{name:?}");
        assert!(path.is_file());
        assert!(world.files().iter().all(|file| file.starts_with(name)), "{:?}", world.files());
    }
}

#[test]
fn a_newer_file_is_refused_and_stays_as_it_is() {
    for wal in [false, true] {
        let world = World::new();
        track(&world.open(), &["one"]);
        let other = world.sqlite();
        other.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wal).unwrap();
        other.execute_batch("PRAGMA user_version = 99; CREATE TABLE of_the_future (x)").unwrap();
        drop(other);
        let before = bytes_of(&world);
        assert_eq!(before.iter().any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty()), wal);
        for _ in 0..2 {
            refused(&world, ErrorKind::TooNew, "newer library");
            assert!(bytes_of(&world) == before, "wal: {wal}");
        }
    }
}

#[test]
fn another_applications_database_is_refused_and_stays_as_it_is() {
    for setup in [
        "CREATE TABLE recipes (x)",
        "PRAGMA journal_mode = WAL; CREATE TABLE recipes (x)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 3",
    ] {
        let world = World::new();
        let other = world.sqlite();
        other.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        other.execute_batch(setup).unwrap();
        drop(other);
        let before = bytes_of(&world);
        refused(&world, ErrorKind::ForeignDatabase, "another application");
        assert!(bytes_of(&world) == before, "{setup}");
    }
}

#[test]
fn an_empty_file_is_filled() {
    for setup in ["", "PRAGMA journal_mode = WAL"] {
        let world = World::new();
        fs::write(world.path(), "").unwrap();
        world.sqlite().execute_batch(setup).unwrap();
        let tracker = world.open();
        track(&tracker, &["one"]);
        assert_eq!(stored(&tracker), ["one"]);
        assert!(!world.logged("moved"));
    }
}

/// What can be wrong with a file so that nothing of it is of use.
fn ruin(world: &World, how: &str) {
    let path = world.path();
    let zap = |from: usize| {
        // Another connection's change makes those that are open read the pages again.
        world.sqlite().execute_batch("UPDATE meta SET value = value").unwrap();
        world.sqlite().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[from..].fill(0xaa);
        fs::write(&path, bytes).unwrap();
    };
    let overwrite = |text: &str| {
        // SQLite would heal the file from its WAL.
        let _ = fs::remove_file(format!("{}-wal", path.display()));
        fs::write(&path, text).unwrap();
    };
    match how {
        "no database" => overwrite(&"this is no database, but a letter".repeat(200)),
        "one letter" => overwrite("x"),
        "no header" => zap(0),
        "no pages" => zap(4_096),
        "half a schema" => zap(1_000),
        "cut off" => fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(5_000).unwrap(),
        sql => world.sqlite().execute_batch(sql).unwrap(),
    }
}

const RUINS: [&str; 9] = [
    "no database",
    "one letter",
    "no header",
    "no pages",
    "half a schema",
    "cut off",
    "DROP TABLE events",
    "DROP TABLE namespaces; DROP TABLE meta",
    "ALTER TABLE history RENAME COLUMN record TO novel",
];

#[test]
fn a_ruined_file_is_moved_aside_and_what_the_journal_knows_goes_on() {
    for how in RUINS {
        let world = World::new();
        let tracker = world.open();
        track(&tracker, &["one", "two"]);
        tracker.poll().unwrap();
        let before = tracker.session().unwrap();
        drop(tracker);
        ruin(&world, how);
        let ruined = fs::read(world.path()).unwrap();

        let tracker = world.open();
        world.assert_logged("is no usable database");
        let now = tracker.session().unwrap();
        assert_eq!((now.id, now.user_id, now.event_index), (before.id, before.user_id, 2), "{how}");
        track(&tracker, &["three"]);
        assert_eq!(stored(&tracker), ["three"]);
        let stats = ledger(&tracker);
        assert_eq!((stats.accepted, stats.stored, stats.dropped.lost), (3, 1, 2), "{how}");
        world.assert_logged("2 events were lost");
        let aside: Vec<_> =
            world.files().into_iter().filter(|name| name.starts_with("events.db.corrupt-")).collect();
        assert!(!aside.is_empty(), "{:?}", world.files());
        assert!(fs::read(world.folder.path().join(&aside[0])).unwrap() == ruined, "{how}: kept as it was");
        drop(tracker);
        assert_eq!(ledger(&world.open()).dropped.lost, 2);
    }
}

#[test]
fn a_file_ruined_while_it_is_open_makes_way_too() {
    for how in [
        "no pages",
        "DROP TABLE events",
        "DROP TABLE namespaces; DROP TABLE meta",
        "DELETE FROM meta",
        "DELETE FROM namespaces",
        "deleted",
        "moved",
    ] {
        let world = World::new();
        let tracker = world.open();
        track(&tracker, &["one", "two"]);
        tracker.poll().unwrap();
        let before = tracker.session().unwrap();
        match how {
            "deleted" => world.remove_database(),
            "moved" => fs::rename(world.path(), world.folder.path().join("elsewhere.db")).unwrap(),
            how => ruin(&world, how),
        }
        track(&tracker, &["three"]);
        tracker.flush(common::PATIENCE).unwrap();
        assert_eq!(stored(&tracker).last().unwrap(), "three", "{how}");
        let stats = ledger(&tracker);
        assert_eq!((stats.accepted, stats.stored + stats.dropped.lost), (3, 3), "{how}");
        drop(tracker);

        let tracker = world.open();
        let now = tracker.session().unwrap();
        assert_eq!((now.id, now.user_id, now.event_index), (before.id, before.user_id, 3), "{how}");
        assert_eq!(ledger(&tracker).accepted, 3, "{how}");
        assert_eq!(stored(&tracker).last().unwrap(), "three", "{how}");
    }
}

#[test]
fn a_ruined_file_costs_no_other_namespace_its_journal() {
    for open_while in [false, true] {
        let world = World::new();
        // Nothing is stored before it is asked for: all is in the journals.
        let config = |name: &str| world.config().namespace(name).commit_window(Duration::MAX);
        let mut trackers = ["one", "two"].map(|name| open(config(name)));
        for (tracker, name) in trackers.iter().zip(["one", "two"]) {
            track(tracker, &[name]);
        }
        let user = trackers[0].session().unwrap().user_id;
        if open_while {
            ruin(&world, "no pages");
        } else {
            let other = world.lock();
            // The lock keeps the last commit out.
            trackers.iter().for_each(|tracker| assert!(tracker.close(Duration::ZERO).is_err()));
            until("the namespaces to be free", || {
                !["one", "two"].into_iter().any(|name| is_held(&world, name))
            });
            drop(other);
            ruin(&world, "no database");
            trackers = ["one", "two"].map(|name| open(config(name)));
        }
        for (tracker, name) in trackers.iter().zip(["one", "two"]) {
            assert_eq!(stored(tracker), [name], "{open_while}");
            assert_eq!(tracker.session().unwrap().user_id, user);
            assert_eq!(ledger(tracker).dropped.total(), 0);
        }
        world.assert_logged("is no usable database");
        drop(trackers);
        for name in ["one", "two"] {
            assert_eq!(stored(&open(config(name))), [name], "{open_while}");
        }
    }
}

fn is_held(world: &World, namespace: &str) -> bool {
    let journal = world.folder.path().join(format!("events.db.{namespace}.journal"));
    fs::File::open(journal).unwrap().try_lock().is_err()
}
