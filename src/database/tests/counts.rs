//! Counts of scopes' sessions: rows of the outbox that are neither events nor sessions.

use super::*;

fn count(sessions_started: u64, app_version: Option<&str>) -> StartCount {
    let app_version = app_version.map(Into::into);
    StartCount { started_at: NOW, sessions_started, user_id: Uuid::from_u128(5), app_version, at: NOW + 1 }
}

fn put(database: &mut dyn Database, events: &[Vec<u8>], counts: &[StartCount]) -> Ledger {
    let counts = counts.iter().cloned().map(Entry::Count);
    let entries: Vec<_> = events.iter().map(|event| Entry::Event(event)).chain(counts).collect();
    let settings = Settings::default();
    let batch = Batch {
        entries: &entries,
        settings: &settings,
        session: None,
        journal: (7, 8),
        now: NOW,
        lost: 0,
        erased: 0,
    };
    let ledger = done(database.commit(&batch));
    assert_eq!(database.load().unwrap().ledger, ledger);
    ledger
}

#[test]
fn they_are_owed_in_their_place_as_they_were_noted() {
    each(ROOMY, |database| {
        database.attach(&["a"]).unwrap();
        let counts = [count(3, Some("1.2.0")), count(u64::MAX, None)];
        let ledger = put(database, &[stored(1, NOW)], &counts);
        assert_eq!((ledger.stored, ledger.facts, ledger.accepted()), (1, 2, 1), "they are no events");
        let rows = database.owed(0, 0, 9, usize::MAX).unwrap();
        assert_eq!(rows.iter().map(|row| row.kind).collect::<Vec<_>>(), [7, COUNT_KIND, COUNT_KIND]);
        let read = rows[1..].iter().map(|row| {
            let count: StartCount = serde_json::from_slice(&row.body).unwrap();
            StartCount { at: row.time, ..count }
        });
        assert_eq!(read.collect::<Vec<_>>(), counts);
        assert_eq!((sequences(database, 0, 9), database.history(9).unwrap().len()), (vec![1], 0));
    });
}

#[test]
fn they_leave_with_what_became_of_them_and_no_ledger_of_events_moves() {
    each(ROOMY, |database| {
        database.attach(&["a", "b"]).unwrap();
        put(database, &[stored(1, NOW)], &[count(1, None), count(2, None)]);
        settle(database, 0, 3, &[(1, Fate::Delivered), (2, Fate::Delivered), (3, Fate::Refused)]);
        assert_eq!(owed(database, 1), [1, 2, 3]);
        let ledger = settle(database, 1, 3, &[]);
        assert_eq!((ledger.stored, ledger.facts, ledger.stored_bytes), (0, 0, 0));
        assert_eq!((ledger.delivered, ledger.dropped.refused, ledger.accepted()), (1, 0, 1));
        let counts = database.counts(0);
        assert_eq!((counts.delivered, counts.refused), (2, 1), "a destination's counts are of all items");
    });
}

#[test]
fn the_caps_hold_for_them_too() {
    each(Caps { max_events: 2, ..ROOMY }, |database| {
        database.attach(&["a"]).unwrap();
        put(database, &[stored(1, NOW)], &[count(1, None)]);
        let ledger = put(database, &[stored(2, NOW)], &[count(2, None)]);
        assert_eq!((ledger.stored, ledger.facts, ledger.dropped.overflowed), (1, 1, 1));
        assert_eq!(owed(database, 0), [3, 4]);
        let ledger = put(database, &[], &[count(3, None), count(4, None), count(5, None)]);
        assert_eq!((ledger.stored, ledger.facts, ledger.dropped.overflowed), (0, 2, 2));
    });
    each(Caps { max_age_ms: 10, ..ROOMY }, |database| {
        database.attach(&["a"]).unwrap();
        put(database, &[], &[StartCount { at: NOW - 11, ..count(1, None) }, count(2, None)]);
        assert_eq!(owed(database, 0), [2]);
    });
}

#[test]
fn an_erasure_takes_them() {
    each(ROOMY, |database| {
        database.attach(&["a"]).unwrap();
        put(database, &[], &[count(1, None)]);
        let ledger = database.erase(Uuid::from_u128(3), 0).unwrap();
        assert_eq!((ledger.facts, ledger.stored_bytes, owed(database, 0)), (0, 0, vec![]));
    });
}
