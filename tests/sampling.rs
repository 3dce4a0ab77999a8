//! Sampling: a share of sessions is kept, by their id; what is sampled out is counted; a crash may save it.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{SECOND, World, open, stored, track};
use sessio::ids::SessionId;
use sessio::{Sampling, Tracker};

fn share(share: f64) -> Sampling {
    Sampling::new(share).unwrap()
}

#[track_caller]
fn counted(tracker: &Tracker, accepted: u64, sampled: u64) {
    tracker.poll().unwrap();
    let stats = tracker.stats().unwrap();
    assert_eq!((stats.accepted, stats.dropped.sampled), (accepted, sampled));
    assert_eq!(stats.accepted, stats.stored + stats.delivered + stats.dropped.total());
}

#[test]
fn what_is_sampled_out_is_counted_and_stays_so_after_a_restart() {
    let world = World::new();
    let tracker = open(world.config().sampling(share(0.0)));
    track(&tracker, &["a", "b"]);
    tracker.pause_session().unwrap();
    track(&tracker, &["outside"]);
    tracker.resume_session().unwrap();
    counted(&tracker, 3, 2);
    drop(tracker);
    let tracker = world.open();
    track(&tracker, &["the session goes on"]);
    counted(&tracker, 4, 3);
    tracker.start_session().unwrap();
    track(&tracker, &["kept"]);
    counted(&tracker, 5, 3);
    assert_eq!(stored(&tracker), ["outside", "kept"]);
}

#[test]
fn the_id_of_the_session_decides() {
    let world = World::new();
    let tracker = open(world.config().sampling(share(0.5)));
    let mut expected = Vec::new();
    for number in 0..40 {
        let id = format!("visit-{number}");
        tracker.start_session_with_id(&id).unwrap();
        track(&tracker, &[&id]);
        expected.extend(share(0.5).keeps(&SessionId::parse(&id).unwrap()).then_some(id));
    }
    assert!((5..35).contains(&expected.len()));
    assert_eq!(stored(&tracker), expected);
    counted(&tracker, 40, 40 - expected.len() as u64);
}

#[test]
fn a_session_that_crashes_is_kept_if_that_is_asked_for() {
    let world = World::new();
    let config = || world.config().sampling(share(0.0).keep_crashed(true));
    let tracker = open(config());
    track(&tracker, &["fine"]);
    tracker.end_session().unwrap();
    track(&tracker, &["before", "the crash"]);
    counted(&tracker, 3, 1);
    assert_eq!(stored(&tracker), [""; 0], "they are held");
    tracker.mark_crashed();
    tracker.close(SECOND * 10).unwrap();
    drop(tracker);
    let tracker = open(config());
    counted(&tracker, 3, 1);
    assert_eq!(stored(&tracker), ["before", "the crash"]);
    let id = tracker.history(1).unwrap()[0].id.clone().unwrap().to_string();
    tracker.track_in_session(&sessio::Event::error("Crash", "", true).unwrap(), &id).unwrap();
    counted(&tracker, 4, 1);
    assert_eq!(tracker.stored_events(0, 9).unwrap().len(), 3, "what is told of it later is kept, too");
    let fine = tracker.history(2).unwrap()[1].id.clone().unwrap().to_string();
    tracker.track_in_session(&sessio::Event::error("Late", "", false).unwrap(), &fine).unwrap();
    assert_eq!(tracker.stored_events(0, 9).unwrap().len(), 3, "of one that ended well it is not");
    drop(tracker);
    counted(&open(config()), 5, 2);
}

/// A process of its own holds events, in the database and in the journal, and is killed: with a crash mark they are kept,
/// without they are counted as sampled out.
#[cfg(all(unix, feature = "_sqlite"))]
#[test]
fn what_is_held_when_the_process_is_killed_has_its_fate_at_the_next_start() {
    use common::rerun;
    let config = |folder: &std::path::Path| {
        let config = sessio::Config::builder().path(folder.join("events.db"));
        config.sampling(share(0.0).keep_crashed(true)).restart_policy(sessio::RestartPolicy::StartNew)
    };
    if let Some(part) = rerun::part() {
        let tracker = open(config(&rerun::folder()).commit_window(SECOND * 3_600));
        track(&tracker, &["in the", "database"]);
        tracker.poll().unwrap();
        track(&tracker, &["in the journal"]);
        if part == "crashed" {
            tracker.mark_crashed();
        }
        rerun::wait_to_be_killed();
    }
    for (part, sampled, kept) in [("crashed", 0, 3), ("killed", 3, 0)] {
        let world = World::new();
        let folder = world.folder.path();
        let name = "what_is_held_when_the_process_is_killed_has_its_fate_at_the_next_start";
        let mut child = rerun::this_test(name, part, folder).spawn().unwrap();
        common::until("a child at work", || folder.join("ready").exists());
        child.kill().unwrap();
        child.wait().unwrap();
        let tracker = open(config(folder));
        counted(&tracker, 3, sampled);
        assert_eq!(stored(&tracker).len(), kept, "{part}");
        let ended = tracker.history(1).unwrap()[0].clone();
        assert_eq!(ended.end_reason.map(|reason| reason.name()), Some(part));
        assert_eq!(ended.event_index, 3);
    }
}
