//! Sessions that are sampled out: dropped and counted, or held until it is known whether they crashed.

use super::*;
use crate::session::EndReason;

/// What happens to sessions that are sampled out is known by their ids here: `s1`, `s2` …
fn event(sequence: u64, session: u32) -> Vec<u8> {
    let stamp = SessionStamp {
        id: SessionId::parse(&format!("s{session}")).unwrap(),
        index: session,
        event_index: 1,
        previous_id: None,
        first_event_id: EventId(Uuid::nil()),
        first_event_time: NOW,
        started_at: NOW,
        handled_errors: 0,
        unhandled_errors: 0,
        sampled_out: true,
    };
    stored_in(sequence, NOW, Some(stamp))
}

fn fact(kind: FactKind, index: u32, reason: EndReason) -> Entry<'static> {
    let ended = kind == FactKind::Ended;
    let session = SessionRecord {
        sampled_out: true,
        end_reason: ended.then_some(reason),
        ended_at: ended.then_some(NOW),
        ..super::ended(index)
    };
    Entry::Fact(Box::new(Fact { kind, at: NOW, session, owed: true }))
}

fn began(index: u32) -> Entry<'static> {
    fact(FactKind::Began, index, EndReason::Ended)
}

fn ended(index: u32, reason: EndReason) -> Entry<'static> {
    fact(FactKind::Ended, index, reason)
}

/// A commit of these, after which the ledger is whole.
#[track_caller]
fn put(database: &mut dyn Database, entries: &[Entry<'_>], accepted: u64) -> Ledger {
    let settings = Settings::default();
    let batch =
        Batch { entries, settings: &settings, session: None, journal: (7, 8), now: NOW, lost: 0, erased: 0 };
    let ledger = done(database.commit(&batch));
    assert_eq!((ledger.accepted(), database.load().unwrap().ledger), (accepted, ledger));
    ledger
}

fn kinds(database: &mut dyn Database) -> Vec<(u64, u8)> {
    let rows = database.owed(0, 0, 100, usize::MAX).unwrap();
    rows.iter().map(|row| (row.number, row.kind)).collect()
}

const HOLDING: Caps = Caps { max_held: 100, ..ROOMY };
const FEATURE: u8 = 7;

#[test]
fn what_is_sampled_out_is_counted_and_owed_to_nobody() {
    each(ROOMY, |database| {
        database.attach(&["a"]).unwrap();
        let (one, two, kept) = (event(1, 1), event(2, 1), stored(3, NOW));
        let entries = [began(1), Entry::Event(&one), Entry::Event(&two), Entry::Event(&kept)];
        let ledger = put(database, &entries, 3);
        assert_eq!((ledger.stored, ledger.held, ledger.dropped.sampled), (1, 0, 2));
        for reason in [EndReason::Ended, EndReason::Crashed] {
            put(database, &[ended(1, reason)], 3);
        }
        assert_eq!(kinds(database), [(1, FEATURE)]);
        assert_eq!(database.history(9).unwrap().len(), 2, "the history has them");
        assert_eq!(settle(database, 0, 1, &[(1, Fate::Delivered)]).accepted(), 3);
    });
}

#[test]
fn a_session_that_crashed_is_owed_from_start_to_end() {
    each(HOLDING, |database| {
        database.attach(&["a"]).unwrap();
        let (one, two, other, kept) = (event(1, 1), event(2, 1), event(3, 2), stored(4, NOW));
        let ledger = put(database, &[began(1), Entry::Event(&one)], 1);
        assert_eq!((ledger.stored, ledger.held, ledger.held_facts, ledger.facts), (0, 1, 1, 0));
        put(database, &[Entry::Event(&two), Entry::Event(&other), Entry::Event(&kept)], 4);
        assert_eq!(kinds(database), [(1, FEATURE)]);
        assert_eq!(sequences(database, 0, 9), [4]);
        let ledger = put(database, &[ended(1, EndReason::Crashed)], 4);
        let (start, end) = (FactKind::Began as u8, FactKind::Ended as u8);
        assert_eq!(
            kinds(database),
            [(1, FEATURE), (2, start), (3, FEATURE), (4, FEATURE), (5, end)],
            "behind what was there, under numbers of their own"
        );
        assert_eq!(sequences(database, 0, 9), [4, 1, 2]);
        assert_eq!((ledger.stored, ledger.facts, ledger.held, ledger.held_facts), (3, 2, 1, 0));
        assert_eq!((ledger.held_bytes, ledger.dropped.sampled), (other.len() as u64, 0));
        let fates: Vec<_> = (1..=5).map(|number| (number, Fate::Delivered)).collect();
        let ledger = settle(database, 0, 5, &fates);
        assert_eq!((ledger.delivered, ledger.stored_bytes, ledger.accepted()), (3, 0, 4));
        let next = stored(5, NOW);
        put(database, &[Entry::Event(&next)], 5);
        assert_eq!(kinds(database), [(6, FEATURE)]);
    });
}

#[test]
fn a_session_that_ended_otherwise_is_dropped_and_counted() {
    use EndReason::{AnonymityChanged, Disabled, Ended, Killed, MaxDuration, Replaced};
    for reason in [Ended, Killed, Replaced, MaxDuration, AnonymityChanged, Disabled] {
        each(HOLDING, |database| {
            database.attach(&["a"]).unwrap();
            let (one, other) = (event(1, 1), event(2, 2));
            put(database, &[began(1), Entry::Event(&one), began(2), Entry::Event(&other)], 2);
            let ledger = put(database, &[ended(1, reason)], 2);
            assert_eq!((ledger.held, ledger.held_facts, ledger.dropped.sampled), (1, 1, 1));
            assert!(kinds(database).is_empty() && ledger.rows() == 0);
        });
    }
}

#[test]
fn a_whole_session_in_one_commit_is_no_exception() {
    each(HOLDING, |database| {
        database.attach(&["a"]).unwrap();
        let (one, two) = (event(1, 1), event(2, 2));
        let first = [began(1), Entry::Event(&one), ended(1, EndReason::Crashed)];
        let second = [began(2), Entry::Event(&two), ended(2, EndReason::Timeout)];
        let entries: Vec<_> = first.into_iter().chain(second).collect();
        let ledger = put(database, &entries, 2);
        assert_eq!((ledger.stored, ledger.facts, ledger.dropped.sampled), (1, 2, 1));
        assert_eq!((ledger.held_rows(), ledger.held_bytes), (0, 0));
    });
}

#[test]
fn so_much_is_held_and_the_oldest_events_go_first() {
    let size = event(1, 1).len() as u64;
    let start = match began(1) {
        Entry::Fact(fact) => fact.session.to_json().len() as u64,
        _ => 0,
    };
    let cases =
        [Caps { max_held: 4, ..ROOMY }, Caps { max_held_bytes: start + 3 * size, max_held: 99, ..ROOMY }];
    for caps in cases {
        each(caps, |database| {
            database.attach(&["a"]).unwrap();
            let events: Vec<_> = (1..=5).map(|sequence| event(sequence, 1)).collect();
            let entries: Vec<_> =
                [began(1)].into_iter().chain(events.iter().map(|e| Entry::Event(e))).collect();
            let ledger = put(database, &entries, 5);
            assert_eq!((ledger.held, ledger.held_facts, ledger.dropped.sampled), (3, 1, 2));
            let (six, seven) = (event(6, 1), event(7, 1));
            put(database, &[Entry::Event(&six)], 6);
            let ledger = put(database, &[Entry::Event(&seven), ended(1, EndReason::Crashed)], 7);
            assert_eq!((ledger.stored, ledger.facts, ledger.dropped.sampled), (3, 2, 4));
            assert_eq!(sequences(database, 0, 9), [5, 6, 7]);
        });
    }
    // Starts go where nothing else is left to go.
    each(Caps { max_held: 1, ..ROOMY }, |database| {
        let ledger = put(database, &[began(1), began(2)], 0);
        assert_eq!((ledger.held_facts, ledger.dropped.sampled), (1, 0));
    });
}

#[test]
fn what_cannot_crash_any_more_is_dropped() {
    each(HOLDING, |database| {
        let events: Vec<_> = (1..=3).map(|n| event(n, n as u32)).collect();
        let entries: Vec<_> = events.iter().map(|event| Entry::Event(event)).collect();
        put(database, &entries, 3);
        let two = SessionId::parse("s2").unwrap();
        let ledger = database.hold_only(&[two.clone(), SessionId::parse("unknown").unwrap()]).unwrap();
        assert_eq!((ledger.held, ledger.dropped.sampled, ledger.accepted()), (1, 2, 3));
        assert_eq!(database.load().unwrap().ledger, ledger);
        assert_eq!(database.hold_only(&[two]).unwrap(), ledger);
        assert_eq!(database.hold_only(&[]).unwrap().dropped.sampled, 3);
    });
}

#[test]
fn an_erasure_takes_what_is_held_too() {
    each(HOLDING, |database| {
        let (one, two) = (event(1, 1), stored(2, NOW));
        put(database, &[began(1), Entry::Event(&one), Entry::Event(&two)], 2);
        for _ in 0..2 {
            let ledger = database.erase(Uuid::from_u128(3), 4).unwrap();
            assert_eq!((ledger.held_rows(), ledger.held_bytes, ledger.dropped.erased), (0, 0, 4));
        }
        let ledger = put(database, &[ended(1, EndReason::Crashed)], 4);
        assert_eq!((ledger.stored, ledger.facts), (0, 1));
    });
    // What was counted as sampled out before is not erased.
    each(ROOMY, |database| {
        let one = event(1, 1);
        put(database, &[Entry::Event(&one)], 1);
        let dropped = database.erase(Uuid::from_u128(3), 3).unwrap().dropped;
        assert_eq!((dropped.sampled, dropped.erased), (1, 2));
    });
}

#[cfg(feature = "_sqlite")]
mod in_a_file {
    use super::*;

    /// Holds a start and two events, and has one event in the outbox.
    fn prepare(folder: &std::path::Path, namespace: &str) -> Ledger {
        let (one, two, kept) = (event(1, 1), event(2, 1), stored(3, NOW));
        let entries = [began(1), Entry::Event(&one), Entry::Event(&two), Entry::Event(&kept)];
        put(&mut sqlite(folder, namespace, HOLDING), &entries, 3)
    }

    #[test]
    fn what_is_held_outlives_the_process_and_is_the_namespaces_own() {
        let folder = tempfile::tempdir().unwrap();
        let known = [prepare(folder.path(), "1"), prepare(folder.path(), "2")];
        let [mut one, mut two] = ["1", "2"].map(|name| sqlite(folder.path(), name, HOLDING));
        assert_eq!([one.load().unwrap().ledger, two.load().unwrap().ledger], known);
        assert_eq!((known[0].held, known[0].held_facts), (2, 1));
        put(&mut one, &[ended(1, EndReason::Ended)], 3);
        let ledger = put(&mut two, &[ended(1, EndReason::Crashed)], 3);
        assert_eq!((ledger.stored, sequences(&mut two, 0, 9)), (3, vec![3, 1, 2]));
        assert_eq!(sequences(&mut one, 0, 9), [3]);
        assert_eq!(one.load().unwrap().ledger.dropped.sampled, 2);
    }

    #[test]
    fn an_erasure_by_another_namespace_counts_what_was_held() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path(), "1");
        sqlite(folder.path(), "2", HOLDING).erase(Uuid::from_u128(3), 0).unwrap();
        let ledger = sqlite(folder.path(), "1", HOLDING).load().unwrap().ledger;
        assert_eq!((ledger.held_rows(), ledger.dropped.erased, ledger.accepted()), (0, 3, 3));
    }

    #[test]
    fn a_file_of_the_second_format_is_upgraded() {
        let folder = tempfile::tempdir().unwrap();
        let old = rusqlite::Connection::open(folder.path().join("events.db")).unwrap();
        old.execute_batch(&sqlite::UPGRADES[..2].concat()).unwrap();
        let row = rusqlite::params![(1i64 << 40) + 1, stored(1, NOW)];
        let insert = "INSERT INTO events (position, namespace, sequence, id, time, kind, body) VALUES (?1, 1, 1, x'', 1, 7, ?2)";
        old.execute(insert, row).unwrap();
        old.execute_batch(
            "PRAGMA application_id = 0x53455353; PRAGMA user_version = 2;
             INSERT INTO meta VALUES ('database_id', '00000000-0000-0000-0000-000000000001'),
                 ('user_id', '00000000-0000-0000-0000-000000000002'), ('erasures', 0);
             INSERT INTO namespaces (id, name, stored, stored_bytes, last_number, dropped_aged)
                 VALUES (1, 'default', 1, 99, 1, 4);",
        )
        .unwrap();
        drop(old);
        let mut database = sqlite(folder.path(), "default", HOLDING);
        database.attach(&["a"]).unwrap();
        let held = event(6, 1);
        let ledger = put(&mut database, &[Entry::Event(&held)], 6);
        assert_eq!((ledger.stored, ledger.held, ledger.dropped.sampled), (1, 1, 0));
        put(&mut database, &[ended(1, EndReason::Crashed)], 6);
        assert_eq!(sequences(&mut database, 0, 9), [1, 6]);
    }

    #[test]
    fn a_namespace_whose_row_was_lost_is_counted_anew() {
        let folder = tempfile::tempdir().unwrap();
        let known = prepare(folder.path(), "default");
        let other = rusqlite::Connection::open(folder.path().join("events.db")).unwrap();
        other.execute_batch("DELETE FROM namespaces").unwrap();
        assert_eq!(sqlite(folder.path(), "default", HOLDING).load().unwrap().ledger, known);
    }

    #[test]
    fn counters_that_are_not_true_give_way_to_the_table() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path(), "default");
        let other = rusqlite::Connection::open(folder.path().join("events.db")).unwrap();
        other.execute_batch("UPDATE namespaces SET held = 500; DELETE FROM held").unwrap();
        let mut database = sqlite(folder.path(), "default", HOLDING);
        let settings = Settings::default();
        let (entries, journal) = ([], (7, 8));
        let batch = Batch {
            entries: &entries,
            settings: &settings,
            session: None,
            journal,
            now: NOW,
            lost: 0,
            erased: 0,
        };
        assert_eq!(done(database.commit(&batch)).held_rows(), 0);
    }

    #[test]
    fn what_was_held_in_a_damaged_file_is_lost_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path(), "default");
        let mut database = sqlite(folder.path(), "default", HOLDING);
        database.attach(&["a"]).unwrap();
        std::fs::remove_file(folder.path().join("events.db")).unwrap();
        let four = event(4, 1);
        let ledger = put(&mut database, &[Entry::Event(&four)], 4);
        assert_eq!((ledger.held, ledger.stored, ledger.dropped.lost), (1, 0, 3));
        assert!(folder.path().join("events.db").exists());
    }
}
