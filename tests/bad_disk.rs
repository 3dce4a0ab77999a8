//! A disk that refuses: read-only, full, locked by another program. Nothing is lost, and it goes on when the disk does.
#![cfg(all(unix, feature = "_sqlite"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{PATIENCE, World, event, large, ledger, open, rerun, stored, track, until};
use sessio::{ErrorKind, SessionState, Tracker};

/// A user without rights, for whom permissions count.
const NOBODY: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_may_not_be_written_is_refused_and_stays_as_it_is() {
    let name = "what_may_not_be_written_is_refused_and_stays_as_it_is";
    if rerun::part().is_some() {
        return refuse_to_write(&rerun::folder());
    }
    let world = World::new();
    for folder in ["empty", "used", "file"] {
        let folder = world.folder.path().join(folder);
        fs::create_dir(&folder).unwrap();
        if !folder.ends_with("empty") {
            track(&open(world.config_at(folder.join("events.db"))), &["one"]);
            set_mode(&folder.join("events.db"), 0o444);
            set_mode(&folder.join("events.db.default.journal"), 0o444);
        }
        set_mode(&folder, if folder.ends_with("file") { 0o777 } else { 0o555 });
    }
    set_mode(world.folder.path(), 0o755);
    // To root nothing is read-only, and our own program may lie where only root can reach it.
    let program = world.folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(&program, 0o755);
    let mut command = rerun::run_as(&program, name, "refuse", world.folder.path());
    if is_root(&world) {
        command.uid(NOBODY);
    }
    assert!(command.current_dir(world.folder.path()).status().unwrap().success());
}

/// Root writes where no one may.
fn is_root(world: &World) -> bool {
    fs::write(world.folder.path().join("empty").join("probe"), "")
        .and_then(|()| fs::remove_file(world.folder.path().join("empty").join("probe")))
        .is_ok()
}

fn refuse_to_write(folder: &Path) {
    let world = World::new();
    for name in ["empty", "used", "file"] {
        let path = folder.join(name).join("events.db");
        let before: Vec<PathBuf> = list(&folder.join(name));
        let e = Tracker::open(world.config_at(&path).build().unwrap()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Io, "{name}: {e}");
        assert!(e.to_string().contains("events.db"), "{name}: {e}");
        assert_eq!(list(&folder.join(name)), before, "{name}");
    }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // SQLite makes these two before it finds out.
    let own = |file: &PathBuf| ["-shm", "-wal"].iter().any(|end| file.to_string_lossy().ends_with(end));
    let mut files: Vec<_> = files.filter(|file| !own(file)).collect();
    files.sort();
    files
}

/// Runs a part of a test with a small file system at `$F/disk`.
fn with_small_disk(size: &str, name: &str, part: &str) {
    if !rerun::can_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let prepare = format!("mount -t tmpfs -o size={size} tmpfs \"$F/disk\"");
    let mut command = rerun::this_test_after(&prepare, name, part, folder.path());
    assert!(command.status().unwrap().success(), "{part}, on a disk of {size}");
}

#[test]
fn no_space_for_the_journal_is_said_at_once_and_what_was_taken_is_given_back() {
    let name = "no_space_for_the_journal_is_said_at_once_and_what_was_taken_is_given_back";
    if rerun::part().is_none() {
        return with_small_disk("3m", name, "open");
    }
    let (world, disk) = (World::new(), rerun::folder().join("disk"));
    let config = |mib: usize| world.config_at(disk.join("events.db")).journal_bytes(mib << 20);
    for _ in 0..2 {
        let e = Tracker::open(config(4).build().unwrap()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NoSpace, "{e}");
        assert!(e.to_string().contains("for the journal"), "{e}");
        assert_eq!(fs::metadata(disk.join("events.db.default.journal")).unwrap().len(), 0);
    }
    let tracker = open(config(1));
    track(&tracker, &["one"]);
    assert_eq!(stored(&tracker), ["one"]);
}

#[test]
fn when_the_disk_is_full_events_wait_in_the_journal_and_flow_again() {
    let name = "when_the_disk_is_full_events_wait_in_the_journal_and_flow_again";
    if rerun::part().is_none() {
        return with_small_disk("6m", name, "fill");
    }
    let (world, disk) = (World::new(), rerun::folder().join("disk"));
    let config = || world.config_at(disk.join("events.db"));
    let tracker = open(config());
    track(&tracker, &["one"]);
    tracker.flush(PATIENCE).unwrap();
    let filler = disk.join("filler");
    let _ = fs::write(&filler, vec![0; 8 << 20]);

    let mut accepted = 1;
    let refused = loop {
        match tracker.track(&large("more", 20_000)) {
            Ok(_) => accepted += 1,
            Err(e) => break e,
        }
        assert!(accepted < 1_000, "a full disk takes no more than the journal holds");
    };
    assert_eq!(refused.kind(), ErrorKind::JournalFull, "{refused}");
    let e = tracker.poll().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NoSpace, "{e}");
    let e = tracker.flush(Duration::from_millis(50)).unwrap_err();
    assert!(e.kind() == ErrorKind::Timeout && e.to_string().contains("full"), "{e}");
    tracker.start_session().unwrap();
    assert_eq!((tracker.stats().unwrap().accepted, tracker.stats().unwrap().dropped.total()), (accepted, 0));
    assert!(!stored(&tracker).is_empty(), "what is stored can be read");

    fs::remove_file(&filler).unwrap();
    until("the events to be stored", || tracker.poll().is_ok());
    world.assert_logged("events can be stored again");
    track(&tracker, &["last"]);
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.stored), (accepted + 1, accepted + 1));
    drop(tracker);
    assert_eq!(ledger(&open(config())).stored, accepted + 1);
}

#[test]
fn a_tracker_killed_on_a_full_disk_finds_its_events_again() {
    let name = "a_tracker_killed_on_a_full_disk_finds_its_events_again";
    let Some(part) = rerun::part() else { return with_small_disk("6m", name, "outer") };
    let (world, folder) = (World::new(), rerun::folder());
    let config = || world.config_at(folder.join("disk").join("events.db"));
    if part == "inner" {
        let tracker = open(config());
        track(&tracker, &["zero"]);
        tracker.flush(PATIENCE).unwrap();
        let _ = fs::write(folder.join("disk").join("filler"), vec![0; 8 << 20]);
        (0..30).for_each(|_| assert!(tracker.track(&large("one", 10_000)).is_ok()));
        std::process::abort();
    }
    let status = rerun::this_test(name, "inner", &folder).stderr(Stdio::null()).status().unwrap();
    assert!(!status.success());
    // With no space at all there is no opening: SQLite needs a little of its own.
    fs::remove_file(folder.join("disk").join("filler")).unwrap();
    let stats = ledger(&open(config()));
    assert_eq!((stats.accepted, stats.stored), (31, 31));
}

#[test]
fn while_another_program_locks_the_database_events_wait() {
    let world = World::new();
    let tracker = open(world.config().full_wait(Duration::from_millis(30)));
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    let other = world.lock();
    track(&tracker, &["two"]);
    let e = tracker.poll().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked, "{e}");
    let e = tracker.flush(Duration::from_millis(50)).unwrap_err();
    assert!(e.kind() == ErrorKind::Timeout && e.to_string().contains("locked"), "{e}");
    assert_eq!(stored(&tracker), ["one"]);
    assert!(tracker.history(9).unwrap().is_empty());
    assert_eq!(tracker.session().unwrap().event_index, 2);

    // A full journal: waits as long as it was told, then refuses; from then on without waiting.
    let timed = || {
        let begun = Instant::now();
        (tracker.track(&large("more", 50_000)), begun.elapsed())
    };
    let (refused, waited) = std::iter::repeat_with(timed).find(|(tracked, _)| tracked.is_err()).unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::JournalFull);
    assert!(waited >= Duration::from_millis(30) && waited < common::SECOND, "{waited:?}");
    let (refused, waited) = timed();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::JournalFull);
    assert!(waited < Duration::from_millis(30), "{waited:?}");
    let accepted = tracker.stats().unwrap().accepted;
    // Sessions can still begin and end.
    tracker.start_session().unwrap();
    tracker.end_session().unwrap();
    drop(other);
    tracker.flush(PATIENCE).unwrap();
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.stored), (accepted, accepted));
    assert_eq!(tracker.history(9).unwrap().len(), 2);
}

#[test]
fn a_caller_that_waits_for_space_gets_it_as_soon_as_there_is_some() {
    let world = World::new();
    let tracker = open(world.config().full_wait(Duration::MAX));
    let other = world.lock();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| (0..10).for_each(|_| assert!(tracker.track(&large("more", 60_000)).is_ok())))
            })
            .collect();
        until("the journal to be full", || tracker.stats().unwrap().accepted > 5);
        assert!(!writers.iter().all(|writer| writer.is_finished()));
        drop(other);
    });
    assert_eq!(ledger(&tracker).stored, 40);
}

#[test]
fn closing_while_it_is_locked_is_in_time_and_loses_nothing() {
    for timeout in [Duration::ZERO, Duration::from_millis(100)] {
        let world = World::new();
        let tracker = world.open();
        track(&tracker, &["one"]);
        tracker.poll().unwrap();
        let other = world.lock();
        track(&tracker, &["two", "three"]);
        let session = tracker.session().unwrap();
        let begun = Instant::now();
        let e = tracker.close(timeout).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Timeout, "{e}");
        assert!(begun.elapsed() < timeout + common::SECOND, "{:?}", begun.elapsed());
        assert_eq!(tracker.track(&event("late")).unwrap_err().kind(), ErrorKind::Closed);
        // The namespace is free again without the lock being gone.
        let journal = fs::File::open(world.journal()).unwrap();
        let begun = Instant::now();
        until("the namespace to be free", || journal.try_lock().is_ok());
        assert!(begun.elapsed() < common::SECOND, "{:?}", begun.elapsed());
        drop((journal, other));
        let tracker = world.open();
        assert_eq!(tracker.session().unwrap().id, session.id);
        assert_eq!(stored(&tracker), ["one", "two", "three"]);
        assert_eq!(ledger(&tracker).accepted, 3);
    }
}

#[test]
fn opening_waits_for_a_lock_but_not_for_ever() {
    let world = World::new();
    track(&world.open(), &["one"]);
    let other = world.lock();
    let begun = Instant::now();
    let e = world.try_open().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked, "{e}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let opening = std::thread::scope(|scope| {
        let opening = scope.spawn(|| stored(&world.open()));
        drop(other);
        opening.join().unwrap()
    });
    assert_eq!(opening, ["one"]);
    assert!(!world.logged("moved"));
}

#[test]
fn an_erasure_of_a_locked_database_is_completed_later_also_over_a_restart() {
    for restart in [false, true] {
        let world = World::new();
        let tracker = world.open();
        track(&tracker, &["secret"]);
        tracker.poll().unwrap();
        let before = tracker.session().unwrap();
        let other = world.lock();
        track(&tracker, &["secret"]);
        let e = tracker.erase().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Locked, "{e}");
        let now = tracker.session().unwrap();
        assert!(now.state == SessionState::None && now.user_id != before.user_id);
        track(&tracker, &["new"]);
        let tracker = if restart {
            assert!(tracker.close(Duration::ZERO).is_err());
            drop((tracker, other));
            until("the namespace to be free", || world.try_open().is_ok());
            world.open()
        } else {
            drop(other);
            tracker
        };
        until("the erasure", || tracker.poll().is_ok());
        assert_eq!(world.files_with("secret"), [""; 0], "restart: {restart}");
        assert_eq!(world.files_with(&before.user_id.to_string()), [""; 0]);
        assert_eq!(tracker.session().unwrap().user_id, now.user_id);
        assert_eq!(stored(&tracker), ["new"]);
        let stats = ledger(&tracker);
        assert_eq!((stats.accepted, stats.dropped.erased, stats.dropped.lost), (3, 2, 0));
    }
}

#[test]
fn a_reader_delays_an_erasure_and_does_not_keep_what_was_erased() {
    let world = World::new();
    let tracker = world.open();
    track(&tracker, &["secret"]);
    tracker.poll().unwrap();
    let reader = world.sqlite();
    reader.execute_batch("BEGIN; SELECT * FROM events").unwrap();
    let e = tracker.erase().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked, "{e}");
    drop(reader);
    until("the erasure", || tracker.poll().is_ok());
    assert_eq!(world.files_with("secret"), [""; 0]);
    assert_eq!(ledger(&tracker).dropped.erased, 1);
}
