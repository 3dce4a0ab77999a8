//! Several processes of one app with one file: each has a namespace of its own, and looks at the session of another
//! without anybody noticing.
#![cfg(all(unix, feature = "_sqlite"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{PATIENCE, World, event, ledger, open, rerun, track, until};
use sessio::{Config, ConfigBuilder, ErrorKind, Session, SessionState, Tracker};

const HELPERS: u64 = 5;
const EVENTS: u64 = 400;

fn config(folder: &Path, namespace: &str) -> ConfigBuilder {
    Config::builder().path(folder.join("events.db")).namespace(namespace).journal_bytes(1 << 20)
}

fn peek(folder: &Path) -> Session {
    Tracker::peek(folder.join("events.db"), "main").unwrap()
}

/// Kills the process and waits for its end when it is dropped.
struct Owner(Child);

impl Owner {
    /// A process that has `main` open and does its part.
    fn start(test: &str, part: &str, folder: &Path) -> Self {
        let owner = Self(rerun::this_test(test, part, folder).spawn().unwrap());
        until("the owner at work", || folder.join("ready").exists());
        owner
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let status = self.0.wait().unwrap();
        assert!(std::thread::panicking() || status.signal() == Some(9), "it failed by itself: {status}");
    }
}

#[test]
fn helpers_begin_one_file_at_the_same_time_and_each_has_its_books_whole() {
    let name = "helpers_begin_one_file_at_the_same_time_and_each_has_its_books_whole";
    if let Some(number) = rerun::part() {
        return help(&number);
    }
    for _ in 0..4 {
        let world = World::new();
        let folder = world.folder.path();
        let start = |number: u64| rerun::this_test(name, &number.to_string(), folder).spawn().unwrap();
        let helpers: Vec<Child> = (0..HELPERS).map(start).collect();
        let ready = |number: u64| folder.join(format!("ready-{number}")).exists();
        until("the helpers to be ready", || (0..HELPERS).all(ready));
        File::create(folder.join("go")).unwrap();
        for mut helper in helpers {
            assert!(helper.wait().unwrap().success());
        }
        let users: Vec<_> = (0..HELPERS).map(|number| check_books(folder, number)).collect();
        assert!(users.iter().all(|user| *user == users[0]), "{users:?}");
    }
}

fn help(number: &str) {
    let folder = rerun::folder();
    File::create(folder.join(format!("ready-{number}"))).unwrap();
    until("the start", || folder.join("go").exists());
    let tracker = open(config(&folder, &format!("helper-{number}")).full_wait(PATIENCE));
    (0..EVENTS).for_each(|_| assert!(tracker.track(&event("help")).is_ok()));
    tracker.close(PATIENCE).unwrap();
}

fn check_books(folder: &Path, number: u64) -> sessio::ids::UserId {
    let namespace = format!("helper-{number}");
    let peeked = Tracker::peek(folder.join("events.db"), &namespace).unwrap();
    let tracker = open(config(folder, &namespace));
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.stored), (EVENTS, EVENTS), "{namespace}");
    let events = tracker.stored_events(0, usize::MAX).unwrap();
    assert!(events.iter().map(|event| event.stamp.sequence).eq(1..=EVENTS), "{namespace}");
    let session = tracker.session().unwrap();
    assert_eq!((session.index, u64::from(session.event_index)), (1, EVENTS), "{namespace}");
    assert_eq!((&peeked.id, peeked.event_index), (&session.id, session.event_index), "{namespace}");
    session.user_id
}

#[test]
fn a_session_that_moves_as_fast_as_it_can_is_seen_whole_and_never_goes_back() {
    let name = "a_session_that_moves_as_fast_as_it_can_is_seen_whole_and_never_goes_back";
    match rerun::part().as_deref() {
        Some("track") => return work(0),
        Some("start") => return work(3),
        _ => {}
    }
    for part in ["track", "start"] {
        let world = World::new();
        let folder = world.folder.path();
        let owner = Owner::start(name, part, folder);
        let first = peek(folder);
        let mut last = first.clone();
        for _ in 0..2_000 {
            let now = peek(folder);
            check_whole(&now);
            let place = |session: &Session| (session.index, session.event_index, session.last_seen_at);
            assert!(place(&now) >= place(&last), "{last:?} {now:?}");
            last = now;
        }
        assert!((first.index, first.event_index) < (last.index, last.event_index), "it has moved");
        drop(owner);
        check_after_kill(folder, &last);
    }
}

/// Tracks without end; with `events` over 0, begins a session after as many.
fn work(events: u32) {
    let folder = rerun::folder();
    let tracker = open(config(&folder, "main"));
    let mut told = 0;
    for index in 1.. {
        // So does a full one that is full of ends and beginnings.
        while tracker.start_session_with_id(&format!("session-{index}")).is_err() {}
        for number in 1.. {
            // A full journal refuses some: those do not count.
            told += u32::from(tracker.track(&event("work")).is_ok());
            if told == 1 {
                File::create(folder.join("ready")).unwrap();
            }
            if number == events {
                break;
            }
        }
    }
}

#[track_caller]
fn check_whole(session: &Session) {
    assert_eq!(session.state, SessionState::Active, "{session:?}");
    let id = |session: &Option<sessio::ids::SessionId>| session.as_ref().map(ToString::to_string);
    assert_eq!(id(&session.id), Some(format!("session-{}", session.index)), "{session:?}");
    let before = session.index.checked_sub(1).filter(|index| *index > 0);
    assert_eq!(id(&session.previous_id), before.map(|index| format!("session-{index}")), "{session:?}");
    assert_eq!(session.first_event_id.is_some(), session.event_index > 0, "{session:?}");
    assert!(session.last_seen_at >= session.last_activity_at, "{session:?}");
}

fn check_after_kill(folder: &Path, last: &Session) {
    let dead = peek(folder);
    check_whole(&dead);
    assert!((dead.index, dead.event_index) >= (last.index, last.event_index));
    assert!(dead.last_seen_at >= last.last_seen_at, "seen until the end");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let ago = now - dead.last_seen_at.unwrap();
    assert!((0..PATIENCE.as_millis() as i64).contains(&ago), "{ago} ms ago");
    assert_eq!(peek(folder), dead, "nobody is there any more");
    let tracker = open(config(folder, "main"));
    let session = tracker.session().unwrap();
    assert_eq!((session.id, session.event_index), (dead.id, dead.event_index));
}

#[test]
fn whoever_opens_never_notices_that_others_look() {
    let name = "whoever_opens_never_notices_that_others_look";
    if rerun::part().is_some() {
        return look(&rerun::folder());
    }
    let world = World::new();
    let folder = world.folder.path();
    let looking = rerun::this_test(name, "look", folder).spawn().unwrap();
    let looking_here = std::thread::spawn({
        let folder = folder.to_owned();
        move || look(&folder)
    });
    let done = Done(folder.join("done"));
    // From nothing, and over what the one before left.
    for (round, time) in (0..25).flat_map(|round| (1..=3).map(move |time| (round, time))) {
        let folder = folder.join(round.to_string());
        fs::create_dir_all(&folder).unwrap();
        let opened = Tracker::open(config(&folder, "main").build().unwrap());
        let tracker = opened.unwrap_or_else(|e| panic!("{round}, {time}: {e}"));
        tracker.track(&event("one")).unwrap();
        tracker.close(PATIENCE).unwrap();
        assert_eq!(peek(&folder).event_index, time);
    }
    drop(done);
    looking_here.join().unwrap();
    assert!(looking.wait_with_output().unwrap().status.success());
}

/// Makes this file in the end, whatever the end is.
struct Done(PathBuf);

impl Drop for Done {
    fn drop(&mut self) {
        File::create(&self.0).unwrap();
    }
}

/// Looks without end at the newest folder, whatever there is to be seen.
fn look(folder: &Path) {
    let mut round = 0;
    while !folder.join("done").exists() {
        if folder.join((round + 1).to_string()).exists() {
            round += 1;
        }
        match Tracker::peek(folder.join(round.to_string()).join("events.db"), "main") {
            Ok(session) => assert!(session.index <= 1 && session.event_index <= 3, "{session:?}"),
            // It is not there yet.
            Err(e) => assert!(matches!(e.kind(), ErrorKind::Io | ErrorKind::InvalidArgument), "{e}"),
        }
    }
}

#[test]
fn looking_leaves_the_folder_as_it_is() {
    let name = "looking_leaves_the_folder_as_it_is";
    if rerun::part().is_some() {
        return work(0);
    }
    let world = World::new();
    let folder = world.folder.path();
    let owner = Owner::start(name, "track", folder);
    let names = world.files();
    (0..100).for_each(|_| drop(peek(folder)));
    assert_eq!(world.files(), names, "while it is open");
    drop(owner);
    let before = contents(folder);
    (0..100).for_each(|_| drop(peek(folder)));
    assert!(contents(folder) == before, "after a kill");
    open(config(folder, "main")).close(PATIENCE).unwrap();
    let before = contents(folder);
    assert!(before.iter().all(|(file, _)| !file.ends_with("-wal")), "it was closed");
    (0..100).for_each(|_| drop(peek(folder)));
    assert!(contents(folder) == before, "after closing");
}

/// All but SQLite's index of the WAL, in which readers, too, say that they are there.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let mut files: Vec<_> =
        files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect();
    files.iter_mut().filter(|(name, _)| name.ends_with("-shm")).for_each(|(_, bytes)| bytes.clear());
    files.sort();
    files
}

#[test]
fn a_folder_that_may_only_be_read_is_enough() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let name = "a_folder_that_may_only_be_read_is_enough";
    if rerun::part().is_some() {
        for folder in ["open", "closed"] {
            let folder = rerun::folder().join(folder);
            assert_eq!(peek(&folder).event_index, 1);
            assert!(fs::write(folder.join("probe"), "").is_err(), "it can be written");
        }
        return;
    }
    let world = World::new();
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let folders = ["open", "closed"].map(|folder| world.folder.path().join(folder));
    let trackers = folders.each_ref().map(|folder| {
        fs::create_dir(folder).unwrap();
        let tracker = open(config(folder, "main"));
        track(&tracker, &["one"]);
        tracker.poll().unwrap();
        tracker
    });
    trackers[1].close(PATIENCE).unwrap();
    for folder in &folders {
        fs::read_dir(folder).unwrap().for_each(|file| set_mode(&file.unwrap().path(), 0o444));
        set_mode(folder, 0o555);
    }
    set_mode(world.folder.path(), 0o755);
    let program = world.folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(&program, 0o755);
    let mut command = rerun::run_as(&program, name, "look", world.folder.path());
    // To root nothing is read-only.
    if fs::write(folders[0].join("probe"), "").is_ok() {
        command.uid(NOBODY);
    }
    assert!(command.current_dir(world.folder.path()).status().unwrap().success());
    drop(trackers);
    folders.iter().for_each(|folder| set_mode(folder, 0o755));
}

#[test]
fn an_owner_that_lives_is_seen_to_within_a_second() {
    let world = World::new();
    let path: PathBuf = world.path();
    let tracker = open(world.config().namespace("main"));
    track(&tracker, &["one"]);
    let seen = || Tracker::peek(&path, "main").unwrap().last_seen_at.unwrap();
    let began = seen();
    world.clock.advance(Duration::from_secs(5));
    // What the worker does by itself once a second.
    tracker.poll().unwrap();
    assert_eq!(seen() - began, 5_000);
    assert_eq!(tracker.session().unwrap().last_activity_at, Some(began));
}
