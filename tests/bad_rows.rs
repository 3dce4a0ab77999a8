//! Single things damaged in files that are sound otherwise: each costs itself alone.
#![cfg(feature = "_sqlite")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{World, event, ledger, open, stored, track};
use sessio::SessionState;

#[test]
fn a_damaged_session_record_costs_that_record_alone() {
    let damages = [
        "''",
        "'{'",
        "'{\"id\":\"x\",\"index\":1}'",
        "x'ff00fe'",
        "42",
        "replace(session, 'index', 'xedni')",
    ];
    for damage in damages {
        for journal_too in [false, true] {
            let world = World::new();
            let tracker = world.open();
            track(&tracker, &["one"]);
            let before = tracker.session().unwrap();
            drop(tracker);
            world.sqlite().execute_batch(&format!("UPDATE namespaces SET session = {damage}")).unwrap();
            if journal_too {
                fs::remove_file(world.journal()).unwrap();
            }
            let tracker = world.open();
            world.assert_logged("the stored session is left aside");
            track(&tracker, &["two"]);
            let now = tracker.session().unwrap();
            assert_eq!(now.user_id, before.user_id);
            assert_eq!(
                (now.id == before.id, now.index),
                (!journal_too, 1 + u32::from(journal_too)),
                "{damage}"
            );
            assert_eq!(stored(&tracker), ["one", "two"]);
        }
    }
}

#[test]
fn damaged_rows_cost_those_rows_alone() {
    let world = World::new();
    let tracker = world.open();
    for name in ["one", "two", "three"] {
        track(&tracker, &[name]);
        tracker.end_session().unwrap();
    }
    tracker.poll().unwrap();
    let damage = "UPDATE history SET record = x'ff00' WHERE number = 2;
                  UPDATE events SET body = 'no event' WHERE sequence = 2;
                  UPDATE events SET body = x'ff' WHERE sequence = 1";
    world.sqlite().execute_batch(damage).unwrap();
    let indices: Vec<u32> = tracker.history(9).unwrap().iter().map(|session| session.index).collect();
    assert_eq!(indices, [3, 1]);
    assert_eq!(stored(&tracker), ["three"]);
    world.assert_logged("a session of the history is left out");
    tracker.erase().unwrap();
}

#[test]
fn damaged_settings_are_begun_anew_and_do_not_stop_an_erasure() {
    for damage in ["'{'", "x'ff00'", "'{\"sequence\":\"many\"}'", "NULL"] {
        let world = World::new();
        track(&world.open(), &["one", "two"]);
        let user = world.open().session().unwrap().user_id;
        world.sqlite().execute_batch(&format!("UPDATE namespaces SET settings = {damage}")).unwrap();
        fs::remove_file(world.journal()).unwrap();
        let tracker = world.open();
        assert_eq!(tracker.session().unwrap().user_id, user);
        track(&tracker, &["three"]);
        assert_eq!((stored(&tracker).len(), ledger(&tracker).accepted), (3, 3), "{damage}");
        assert_eq!(tracker.session().unwrap().index, 1);

        world.sqlite().execute_batch(&format!("UPDATE namespaces SET settings = {damage}")).unwrap();
        open(world.config().namespace("other")).erase().unwrap();
        tracker.poll().unwrap();
        assert_eq!(ledger(&tracker).dropped.erased, 3);
    }
}

#[test]
fn a_spoiled_journal_costs_what_was_in_it_alone() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil); 5] = [
        ("deleted", |journal| fs::remove_file(journal).unwrap()),
        ("truncated", |journal| {
            fs::OpenOptions::new().write(true).open(journal).unwrap().set_len(9_000).unwrap();
        }),
        ("garbage", |journal| fs::write(journal, vec![0xa5; 1 << 20]).unwrap()),
        ("empty", |journal| fs::write(journal, "").unwrap()),
        ("of another database", |journal| {
            let other = World::new();
            track(&other.open(), &["of others"]);
            fs::copy(other.journal(), journal).unwrap();
        }),
    ];
    for (how, spoil) in spoils {
        let world = World::new();
        let tracker = world.open();
        track(&tracker, &["one", "two"]);
        let before = tracker.session().unwrap();
        drop(tracker);
        spoil(&world.journal());
        let tracker = world.open();
        let now = tracker.session().unwrap();
        assert_eq!((now.id, now.user_id, now.event_index), (before.id, before.user_id, 2), "{how}");
        track(&tracker, &["three"]);
        assert_eq!(stored(&tracker), ["one", "two", "three"], "{how}");
        assert_eq!(ledger(&tracker).dropped.total(), 0, "{how}");
    }
}

#[test]
fn a_database_that_was_deleted_is_begun_anew_and_brings_nothing_back() {
    let world = World::new();
    let tracker = world.open();
    track(&tracker, &["one"]);
    let before = tracker.session().unwrap();
    drop(tracker);
    world.remove_database();
    let tracker = world.open();
    world.assert_logged("it belongs to another database");
    let now = tracker.session().unwrap();
    assert!(now.state == SessionState::None && now.user_id != before.user_id);
    tracker.track(&event("two")).unwrap();
    assert_eq!((stored(&tracker), ledger(&tracker).accepted), (vec!["two".into()], 1));
}
