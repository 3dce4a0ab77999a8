//! No event is lost that `track` acknowledged, under SIGKILL at any moment. Children of this program track and are
//! killed; what they were told is compared with what is stored. `SESSIO_SEED` repeats a run as far as time can be
//! repeated.
#![cfg(all(unix, feature = "_sqlite"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{Random, World, event, large, ledger, open, rerun, until};
use sessio::event::StoredEvent;
use sessio::{Config, ConfigBuilder, ErrorKind, Event, Severity, Tracker};

/// Kills of each variant; there are two.
const KILLS: u64 = 104;
/// After that many the books are checked, and a new folder begun.
const KILLS_OF_A_WORLD: u64 = 26;

#[test]
fn one_thread_is_killed_at_any_moment() {
    any_moment("one_thread_is_killed_at_any_moment", 1);
}

#[test]
fn four_threads_are_killed_at_any_moment() {
    any_moment("four_threads_are_killed_at_any_moment", 4);
}

fn any_moment(name: &str, threads: u64) {
    if rerun::part().is_some() {
        return work_until_killed(threads);
    }
    let mut random = seed();
    for _ in 0..KILLS / KILLS_OF_A_WORLD {
        let world = World::new();
        for _ in 0..KILLS_OF_A_WORLD {
            run_and_kill(name, world.folder.path(), &mut random);
        }
        check_the_books(world.folder.path(), threads);
    }
}

fn seed() -> Random {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SESSIO_SEED").map_or(now, |seed| seed.parse().unwrap());
    println!("SESSIO_SEED={seed}");
    Random(seed)
}

/// Starts a child and kills it: a third of them while they start and open, the others when they are at work.
fn run_and_kill(name: &str, folder: &Path, random: &mut Random) {
    let ready = folder.join("ready");
    let _ = std::fs::remove_file(&ready);
    let mut child = rerun::this_test(name, &random.below(u64::MAX).to_string(), folder).spawn().unwrap();
    if !random.one_in(3) {
        until("a child at work", || ready.exists() || child.try_wait().unwrap().is_some());
    }
    std::thread::sleep(Duration::from_micros(random.below(30_000)));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "the child failed by itself");
}

fn config(folder: &Path) -> ConfigBuilder {
    Config::builder()
        .path(folder.join("events.db"))
        .journal_bytes(1 << 20)
        .full_wait(Duration::from_micros(200))
        .queue_limits(Duration::MAX, u64::MAX, u64::MAX)
        .history_limit(u64::MAX)
}

/// The child: tracks, with everything that happens to sessions in between, and now and then opens anew.
fn work_until_killed(threads: u64) {
    let folder = rerun::folder();
    let seed: u64 = rerun::part().unwrap().parse().unwrap();
    for round in 0.. {
        let tracker = open(config(&folder));
        File::create(folder.join("ready")).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (tracker, folder) = (&tracker, &folder);
                scope.spawn(move || {
                    let mut random = Random(seed ^ (round * threads + thread));
                    let mut told = told(folder, thread);
                    (0..200).for_each(|_| act(tracker, &mut random, &mut told));
                });
            }
        });
    }
}

fn told(folder: &Path, thread: u64) -> File {
    OpenOptions::new().append(true).create(true).open(folder.join(format!("told-{thread}"))).unwrap()
}

fn act(tracker: &Tracker, random: &mut Random, told: &mut File) {
    match random.below(60) {
        0 => drop(tracker.start_session().unwrap()),
        1 => tracker.end_session().unwrap(),
        2 => tracker.pause_session().unwrap(),
        3..6 => drop(tracker.resume_session().unwrap()),
        6..9 => tracker.set_is_background(random.one_in(2)).unwrap(),
        9 => tracker.mark_crashed(),
        10 => std::thread::sleep(Duration::from_micros(random.below(3_000))),
        // More than the journal holds.
        11 if random.one_in(3) => (0..14).for_each(|_| tell(tracker, &large("burst", 60_000), told)),
        _ => tell(tracker, &some_event(random), told),
    }
}

/// Tracks, and only then notes the id where it survives: one write for each.
fn tell(tracker: &Tracker, event: &Event, told: &mut File) {
    match tracker.track(event) {
        Ok(id) => told.write_all(format!("{id}\n").as_bytes()).unwrap(),
        Err(e) => assert_eq!(e.kind(), ErrorKind::JournalFull, "{e}"),
    }
}

fn some_event(random: &mut Random) -> Event {
    match random.below(5) {
        0 => Event::screen_view(Some("home"), None).unwrap(),
        1 => Event::error("E", "failed", random.one_in(2)).unwrap(),
        2 => Event::log(Severity::new(9).unwrap(), None, &"x".repeat(random.below(2_000) as usize)).unwrap(),
        3 => Event::timing("load", "list", random.below(100)).unwrap(),
        _ => event("feature"),
    }
}

fn check_the_books(folder: &Path, threads: u64) {
    let tracker = open(config(folder));
    let stats = ledger(&tracker);
    assert_eq!((stats.accepted, stats.dropped.total()), (stats.stored, 0));
    let events = tracker.stored_events(0, usize::MAX).unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.stamp.sequence).collect();
    assert_eq!(sequences, (1..=stats.accepted).collect::<Vec<_>>());

    let places: HashMap<String, u64> =
        events.iter().map(|event| (event.stamp.event_id.to_string(), event.stamp.sequence)).collect();
    assert_eq!(places.len(), events.len(), "every id is stored once");
    let mut acknowledged = 0;
    for thread in 0..threads {
        let told = std::fs::read_to_string(folder.join(format!("told-{thread}"))).unwrap_or_default();
        let told: Vec<u64> = told.lines().map(|id| *places.get(id).expect("it is stored")).collect();
        assert!(told.is_sorted_by(|a, b| a < b), "in the order in which thread {thread} was told");
        acknowledged += told.len() as u64;
    }
    assert!(stats.accepted - acknowledged <= KILLS_OF_A_WORLD * threads, "at most one each was cut off");
    check_sessions(&tracker, &events);
    println!("{} events, {} sessions", events.len(), tracker.session().unwrap().index);
}

fn check_sessions(tracker: &Tracker, events: &[StoredEvent]) {
    let mut counted: BTreeMap<u32, (String, u32)> = BTreeMap::new();
    for session in events.iter().filter_map(|event| event.stamp.session.as_ref()) {
        let (id, count) = counted.entry(session.index).or_insert((session.id.to_string(), 0));
        *count += 1;
        assert_eq!((&session.id.to_string(), session.event_index), (&*id, *count), "{session:?}");
    }
    let mut sessions = tracker.history(usize::MAX).unwrap();
    sessions.reverse();
    let current = tracker.session().unwrap();
    if current.end_reason.is_none() && current.id.is_some() {
        sessions.push(current);
    }
    let mut before = None;
    for (number, session) in (1..).zip(&sessions) {
        assert_eq!(session.index, number, "every session once, in order");
        assert_eq!(session.previous_id, before);
        before = session.id.clone();
        let stored = counted.remove(&number).map_or(0, |(_, count)| count);
        assert_eq!(session.event_index, stored, "session {number}");
    }
    assert!(counted.is_empty(), "events of no session: {counted:?}");
}

#[test]
fn an_erasure_that_is_killed_is_completed_and_costs_nothing_else() {
    let name = "an_erasure_that_is_killed_is_completed_and_costs_nothing_else";
    if rerun::part().is_some() {
        return erase_until_killed();
    }
    let (world, mut random) = (World::new(), seed());
    let mut users = HashSet::new();
    for _ in 0..40 {
        run_and_kill(name, world.folder.path(), &mut random);
        let tracker = open(config(world.folder.path()));
        let stats = ledger(&tracker);
        assert_eq!((stats.dropped.total(), stats.dropped.lost), (stats.dropped.erased, 0));
        let erased_up_to = std::fs::read_to_string(world.folder.path().join("told-0")).unwrap_or_default();
        let erased_up_to: u64 = erased_up_to.lines().last().map_or(0, |last| last.parse().unwrap());
        let events = tracker.stored_events(0, usize::MAX).unwrap();
        assert!(events.iter().all(|event| event.stamp.sequence > erased_up_to));
        let seen: HashSet<_> = events.iter().map(|event| event.stamp.user_id).collect();
        assert!(seen.len() <= 1 && seen.is_disjoint(&users), "an erased user came back");
        // With this one the world goes on: what is erased from here on is not seen again.
        tracker.erase().unwrap();
        users.extend(seen);
    }
}

fn erase_until_killed() {
    let (folder, mut random) = (rerun::folder(), Random(rerun::part().unwrap().parse().unwrap()));
    let (tracker, mut told) = (open(config(&folder)), told(&folder, 0));
    File::create(folder.join("ready")).unwrap();
    loop {
        (0..random.below(300)).for_each(|_| drop(tracker.track(&event("secret"))));
        let accepted = tracker.stats().unwrap().accepted;
        tracker.erase().unwrap();
        told.write_all(format!("{accepted}\n").as_bytes()).unwrap();
    }
}

#[test]
fn a_kill_while_a_damaged_file_makes_way_loses_nothing_that_the_journal_has() {
    let name = "a_kill_while_a_damaged_file_makes_way_loses_nothing_that_the_journal_has";
    if rerun::part().is_some() {
        return work_until_killed(1);
    }
    let (world, mut random) = (World::new(), seed());
    let folder = world.folder.path();
    let tracker = open(config(folder));
    common::track(&tracker, &["first"]);
    let user = tracker.session().unwrap().user_id;
    drop(tracker);
    for _ in 0..40 {
        std::fs::write(folder.join("events.db"), "this is no database").unwrap();
        run_and_kill(name, folder, &mut random);
        // Sometimes the next child finds what this one left half done, sometimes we do.
        if random.one_in(2) {
            let tracker = open(config(folder));
            assert_eq!(tracker.session().unwrap().user_id, user);
            let stats = ledger(&tracker);
            let told = std::fs::read_to_string(folder.join("told-0")).unwrap_or_default();
            assert!(stats.accepted > told.lines().count() as u64, "no number is given twice");
            assert_eq!(stats.dropped.total(), stats.dropped.lost);
        }
    }
}
