//! Odd values, odd times, odd names: nothing lost, nothing mixed up, nothing left behind.
#![cfg(feature = "_sqlite")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, World, event, large, ledger, open, rerun, stored, track, until};
use sessio::clock::{Clock, ManualClock, Now};
use sessio::{Config, EndReason, ErrorKind, SessionState, Tracker, User};

const FOR_EVER: Duration = Duration::from_millis(u64::MAX);
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_wall_clock_steps_and_no_session_notices() {
    let day = 24 * 60 * 60 * 1_000;
    for step in [1, -1, day, -day, 400 * day, -400 * day, i64::MAX, i64::MIN] {
        let world = World::new();
        let tracker = open(world.config().queue_limits(FOR_EVER, u64::MAX, u64::MAX));
        track(&tracker, &["one"]);
        world.clock.advance(MINUTE);
        world.clock.step_wall(step);
        track(&tracker, &["two"]);
        world.clock.advance(MINUTE);
        tracker.set_is_background(true).unwrap();
        let session = tracker.session().unwrap();
        assert_eq!((session.index, session.event_index), (1, 2), "{step}");
        assert_eq!(
            (session.durations.foreground_ms, session.durations.total()),
            (120_000, 120_000),
            "{step}"
        );
        tracker.end_session().unwrap();
        assert_eq!(stored(&tracker), ["one", "two"], "{step}");
        assert_eq!(tracker.history(1).unwrap()[0].durations.total(), 120_000);
        drop(tracker);
        // In the same boot the gap is measured by the other clock.
        world.clock.step_wall(step);
        let tracker = world.open();
        track(&tracker, &["three"]);
        assert_eq!(tracker.session().unwrap().index, 2);
    }
}

#[test]
fn a_step_of_the_clock_alone_drops_no_event_of_today() {
    let world = World::new();
    let tracker = open(world.config().queue_limits(MINUTE, u64::MAX, u64::MAX));
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    world.clock.step_wall(-1_000_000_000);
    track(&tracker, &["two"]);
    assert_eq!((stored(&tracker).len(), ledger(&tracker).dropped.total()), (2, 0));
}

#[test]
fn timeouts_of_nothing_and_of_everything() {
    let world = World::new();
    let strict = open(world.config().foreground_timeout(Duration::ZERO));
    track(&strict, &["one", "two"]);
    assert_eq!(strict.session().unwrap().event_index, 2, "a gap equal to the timeout does not expire");
    world.clock.advance(Duration::from_millis(1));
    track(&strict, &["three"]);
    assert_eq!(strict.session().unwrap().index, 2);
    assert_eq!(strict.history(1).unwrap()[0].end_reason, Some(EndReason::Timeout));
    drop(strict);

    for endless in [Some(FOR_EVER), Some(Duration::MAX), None] {
        let world = World::new();
        let config = world.config().foreground_timeout(endless).background_timeout(endless);
        let tracker = open(config.max_session(endless).heartbeat_interval(endless));
        track(&tracker, &["one"]);
        world.clock.advance(MINUTE * 60 * 24 * 365 * 1_000);
        track(&tracker, &["two"]);
        assert_eq!(tracker.session().unwrap().index, 1);
    }
}

#[test]
fn waits_of_nothing_and_of_everything() {
    for (wait, window) in [(Duration::ZERO, Duration::ZERO), (Duration::MAX, Duration::MAX)] {
        let world = World::new();
        let tracker = open(world.config().full_wait(wait).commit_window(window));
        for number in 0..50 {
            let result = tracker.track(&large("one", 60_000));
            assert!(result.is_ok() || wait.is_zero(), "{number}: {result:?}");
        }
        let _ = tracker.flush(Duration::ZERO);
        tracker.flush(Duration::MAX).unwrap();
        let stats = ledger(&tracker);
        assert_eq!(stats.accepted, stats.stored);
        tracker.close(FOR_EVER).unwrap();
        assert_eq!(tracker.close(FOR_EVER).unwrap_err().kind(), ErrorKind::Closed);
    }
}

#[test]
fn closing_amid_events_stores_them_and_says_so() {
    let world = World::new();
    for round in 1..=20 {
        let tracker = world.open();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20).for_each(|_| drop(tracker.track(&event("one")))));
            let closing = scope.spawn(|| tracker.close(PATIENCE));
            assert!(closing.join().unwrap().is_ok(), "round {round}");
        });
    }
    let stats = ledger(&world.open());
    assert_eq!(stats.accepted, stats.stored);
}

#[test]
fn any_text_is_a_namespace_of_its_own_and_stays_in_the_folder() {
    let long = "n".repeat(1_024);
    let mixed = format!("{}x", "n".repeat(1_023));
    let names = [
        "default",
        "a",
        "A",
        "../x",
        "..",
        "/etc/passwd",
        "C:\\x",
        "a b",
        "ä",
        "a\u{308}",
        "🦀",
        "nul",
        "\n",
        "a.b",
        "~",
        "'; DROP TABLE events",
        &long,
        &mixed,
    ];
    let world = World::new();
    let outside = std::fs::read_dir(world.folder.path().parent().unwrap()).unwrap().count();
    let config = |name: &str| world.config().namespace(name);
    // All at once, on a file that is being made.
    let trackers: Vec<Tracker> = std::thread::scope(|scope| {
        let opening: Vec<_> = names.iter().map(|name| scope.spawn(|| open(config(name)))).collect();
        opening.into_iter().map(|opening| opening.join().unwrap()).collect()
    });
    std::thread::scope(|scope| {
        for (tracker, name) in trackers.iter().zip(names) {
            scope.spawn(move || (0..20).for_each(|n| track(tracker, &[&format!("{n}{}", name.len())])));
        }
    });
    let user = trackers[0].session().unwrap().user_id;
    for (tracker, name) in trackers.iter().zip(names) {
        let expected: Vec<_> = (0..20).map(|n| format!("{n}{}", name.len())).collect();
        assert_eq!(stored(tracker), expected, "{name:?}");
        assert_eq!((ledger(tracker).accepted, tracker.session().unwrap().user_id), (20, user));
    }
    let journals = world.files().iter().filter(|name| name.ends_with(".journal")).count();
    assert_eq!(journals, names.len());
    assert!(std::fs::read_dir(world.folder.path().parent().unwrap()).unwrap().count() <= outside + 50);
    drop(trackers);
    assert_eq!(stored(&open(config("../x"))).len(), 20);
    assert!(Config::builder().namespace("").build().is_err());
}

#[test]
fn a_namespace_is_open_once_whatever_its_file_is_called() {
    let name = "a_namespace_is_open_once_whatever_its_file_is_called";
    if rerun::part().is_some() {
        let config = World::new().config_at(rerun::folder().join("events.db"));
        let e = Tracker::open(config.build().unwrap()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NamespaceInUse, "{e}");
        return;
    }
    let world = World::new();
    let tracker = world.open();
    track(&tracker, &["one"]);
    let mut paths = vec![world.path(), world.folder.path().join(".").join("events.db")];
    #[cfg(unix)]
    {
        let link = world.folder.path().join("link.db");
        std::os::unix::fs::symlink(world.path(), &link).unwrap();
        paths.push(link);
    }
    for path in paths {
        let e = Tracker::open(world.config_at(&path).build().unwrap()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NamespaceInUse, "{path:?}: {e}");
        assert!(e.to_string().contains("open already"), "{e}");
    }
    assert!(rerun::this_test(name, "second", world.folder.path()).status().unwrap().success());
    track(&tracker, &["two"]);
    assert_eq!(stored(&tracker), ["one", "two"], "the first is none the worse");
    drop(tracker);
    assert_eq!(stored(&world.open()).len(), 2);
}

#[test]
fn the_caps_hold_and_what_they_cost_is_counted() {
    let world = World::new();
    let tracker = open(world.config().queue_limits(MINUTE, 10, 100_000).history_limit(3));
    for number in 0..25 {
        track(&tracker, &[&number.to_string()]);
        tracker.end_session().unwrap();
    }
    assert_eq!(stored(&tracker).first().map(String::as_str), Some("15"));
    assert_eq!((ledger(&tracker).stored, ledger(&tracker).dropped.overflowed), (10, 15));
    let indices: Vec<u32> = tracker.history(9).unwrap().iter().map(|session| session.index).collect();
    assert_eq!(indices, [25, 24, 23]);
    (0..4).for_each(|_| assert!(tracker.track(&large("large", 40_000)).is_ok()));
    assert_eq!(ledger(&tracker).stored, 2, "two are within the bytes");
    world.clock.advance(MINUTE * 3);
    track(&tracker, &["late"]);
    assert_eq!(stored(&tracker), ["late"]);
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.dropped.overflowed, stats.dropped.aged), (30, 27, 2));
    drop(tracker);
    let tracker = open(world.config().queue_limits(MINUTE, 0, 0).history_limit(0));
    track(&tracker, &["too many"]);
    tracker.end_session().unwrap();
    assert!(stored(&tracker).is_empty() && tracker.history(9).unwrap().is_empty());
    assert_eq!(ledger(&tracker).accepted, 31);
}

fn secretive(tracker: &Tracker) -> String {
    let user = User::new("secret-id", Some("secret-name"), Some("secret@example.org")).unwrap();
    tracker.set_user(Some(user)).unwrap();
    track(tracker, &["secret-event"]);
    tracker.end_session().unwrap();
    track(tracker, &["secret-event"]);
    tracker.session().unwrap().user_id.to_string()
}

#[track_caller]
fn assert_no_trace(world: &World, user_id: &str) {
    let bytes = uuid::Uuid::parse_str(user_id).unwrap().into_bytes();
    for file in world.files() {
        let content = std::fs::read(world.folder.path().join(&file)).unwrap();
        for text in [b"secret".as_slice(), user_id.as_bytes(), &bytes] {
            assert!(!content.windows(text.len()).any(|window| window == text), "{text:?} is in {file}");
        }
    }
}

#[test]
fn an_erasure_leaves_no_trace_in_any_file() {
    let world = World::new();
    std::fs::write(world.path(), "secret, but no database").unwrap();
    let config = |name: &str| world.config().namespace(name);
    let closed = open(config("closed"));
    secretive(&closed);
    drop(closed);
    let (one, two) = (open(config("default")), open(config("two")));
    let user = secretive(&one);
    secretive(&two);
    one.flush(PATIENCE).unwrap();
    secretive(&one);
    one.erase().unwrap();
    // The other tracker learns of it as soon as it looks.
    two.poll().unwrap();
    assert_no_trace(&world, &user);
    for tracker in [&one, &two] {
        let session = tracker.session().unwrap();
        assert!(session.state == SessionState::None && session.user_id.to_string() != user);
        assert!(stored(tracker).is_empty() && tracker.history(9).unwrap().is_empty());
        let stats = ledger(tracker);
        assert_eq!((stats.accepted, stats.dropped.lost), (stats.dropped.erased, 0));
        track(tracker, &["new"]);
        assert_eq!(tracker.session().unwrap().index, 1);
    }
    assert_eq!(one.session().unwrap().user_id, two.session().unwrap().user_id);
    drop((one, two));
    let closed = open(config("closed"));
    assert_eq!(closed.session().unwrap().state, SessionState::None);
    track(&closed, &["new"]);
    assert_eq!(ledger(&closed).accepted, 3);
    assert_no_trace(&world, &user);
}

#[test]
fn an_erasure_outlives_a_namespace_that_was_killed_before_it_knew() {
    let name = "an_erasure_outlives_a_namespace_that_was_killed_before_it_knew";
    let config = |world: &World, folder: &std::path::Path| {
        // Nothing is stored before it is asked for: all is in the journal.
        world.config_at(folder.join("events.db")).namespace("child").commit_window(Duration::MAX)
    };
    if rerun::part().is_some() {
        let tracker = open(config(&World::new(), &rerun::folder()));
        secretive(&tracker);
        rerun::wait_to_be_killed();
    }
    let world = World::new();
    let tracker = world.open();
    let user = tracker.session().unwrap().user_id;
    let mut child = rerun::this_test(name, "track", world.folder.path()).spawn().unwrap();
    until("the child to track", || world.files().contains(&"ready".to_owned()));
    tracker.erase().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let child = open(config(&world, world.folder.path()));
    assert_eq!(child.session().unwrap().state, SessionState::None);
    assert_eq!(child.session().unwrap().user_id, tracker.session().unwrap().user_id);
    track(&child, &["new"]);
    assert_eq!(stored(&child), ["new"]);
    let stats = ledger(&child);
    assert_eq!((stats.accepted, stats.dropped.erased, stats.dropped.lost), (3, 2, 0));
    assert_no_trace(&world, &user.to_string());
}

#[test]
fn opening_that_fails_lets_go_of_everything() {
    let world = World::new();
    let tracker = world.open();
    let begun = Instant::now();
    (0..20).for_each(|_| drop(world.try_open().unwrap_err()));
    assert!(begun.elapsed() < PATIENCE);
    drop(tracker);
    track(&world.open(), &["one"]);
}

/// Fails on the library's own thread, once it is told to.
struct Treacherous {
    clock: Arc<ManualClock>,
    fails: AtomicBool,
}

impl Clock for Treacherous {
    fn now(&self) -> Now {
        let on_worker = std::thread::current().name() == Some("sessio");
        assert!(
            !(on_worker && self.fails.load(Ordering::Relaxed)),
            "a defect of the host's (this test's own)"
        );
        self.clock.now()
    }

    fn boot_id(&self) -> Option<u64> {
        self.clock.boot_id()
    }
}

#[test]
fn a_worker_that_panics_takes_no_event_and_no_one_with_it() {
    let world = World::new();
    let clock = Arc::new(Treacherous { clock: world.clock.clone(), fails: AtomicBool::new(false) });
    let tracker = open(world.config().clock(clock.clone()));
    track(&tracker, &["before"]);
    tracker.poll().unwrap();
    clock.fails.store(true, Ordering::Relaxed);
    track(&tracker, &["after"]);
    assert_eq!(tracker.flush(PATIENCE).unwrap_err().kind(), ErrorKind::Timeout);
    world.assert_logged("the worker panicked");
    track(&tracker, &["and on"]);
    assert_eq!(tracker.session().unwrap().event_index, 3);
    assert!(tracker.close(PATIENCE).is_err());
    drop(tracker);
    assert_eq!(stored(&open(world.config())), ["before", "after", "and on"]);
}
