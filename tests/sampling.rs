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
}
