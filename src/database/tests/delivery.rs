//! What destinations are owed, and what becomes of it.

use super::*;

#[test]
fn what_is_settled_is_not_owed_any_more_and_leaves() {
    use Fate::{Delivered, Oversize, Refused, Unsendable};
    each(ROOMY, |database| {
        database.attach(&["a"]).unwrap();
        three_events(database);
        assert_eq!(owed(database, 0), [1, 2, 3]);
        assert_eq!(database.owed(0, 1, 1, usize::MAX).unwrap()[0].number, 2);
        assert_eq!(database.owed(0, 0, 100, 1).unwrap().len(), 1, "until the bytes are reached");
        let ledger = settle(database, 0, 2, &[(1, Delivered), (2, Refused)]);
        assert_eq!((ledger.stored, ledger.delivered, ledger.dropped.refused), (1, 1, 1));
        assert_eq!((owed(database, 0), sequences(database, 0, 9)), (vec![3], vec![3]));
        assert_eq!((database.settled(0), database.last_number(), database.progress(0)), (2, 3, "{}"));
        let ledger = settle(database, 0, 3, &[(3, Oversize)]);
        assert_eq!((ledger.stored, ledger.stored_bytes, ledger.dropped.oversize), (0, 0, 1));
        done(commit(database, &[stored(4, NOW)], More::default()));
        assert_eq!(owed(database, 0), [4], "numbers go on in an empty outbox");
        let ledger = settle(database, 0, 4, &[(4, Unsendable)]);
        assert_eq!((ledger.dropped.unsendable, ledger.accepted()), (1, 4));
        let counts = database.counts(0);
        assert_eq!((counts.delivered, counts.refused, counts.oversize, counts.unsendable), (1, 1, 1, 1));
    });
}

#[test]
fn with_several_an_event_leaves_with_the_last_and_the_best_counts() {
    use Fate::{Delivered, Refused};
    each(ROOMY, |database| {
        database.attach(&["a", "b", "c"]).unwrap();
        three_events(database);
        settle(database, 0, 3, &[(1, Delivered), (2, Refused), (3, Refused)]);
        let ledger = settle(database, 1, 3, &[(1, Refused), (2, Refused)]);
        assert_eq!((ledger.stored, owed(database, 2)), (3, vec![1, 2, 3]));
        let ledger = settle(database, 2, 2, &[(2, Delivered)]);
        assert_eq!((ledger.stored, ledger.delivered, sequences(database, 0, 9)), (1, 2, vec![3]));
        let ledger = settle(database, 2, 3, &[]);
        assert_eq!((ledger.stored, ledger.dropped.refused, ledger.accepted()), (0, 1, 3));
    });
}

#[test]
fn what_nobody_took_stays_until_the_caps() {
    each(Caps { max_events: 2, ..ROOMY }, |database| {
        database.attach(&["a"]).unwrap();
        done(commit(database, &[stored(1, NOW), stored(2, NOW)], More::default()));
        let ledger = settle(database, 0, 2, &[]);
        assert_eq!((ledger.stored, owed(database, 0)), (2, vec![]));
        let ledger = done(commit(database, &[stored(3, NOW)], More::default()));
        assert_eq!((ledger.stored, ledger.dropped.overflowed), (2, 1));
        assert_eq!(owed(database, 0), [3]);
    });
}

#[test]
fn a_cap_counts_as_delivered_what_one_destination_took() {
    each(Caps { max_events: 1, ..ROOMY }, |database| {
        database.attach(&["a", "dead"]).unwrap();
        done(commit(database, &[stored(1, NOW)], More::default()));
        settle(database, 0, 1, &[(1, Fate::Delivered)]);
        let ledger = done(commit(database, &[stored(2, NOW)], More::default()));
        assert_eq!((ledger.delivered, ledger.dropped.overflowed, ledger.stored), (1, 0, 1));
    });
}

#[test]
fn facts_are_owed_in_their_place_and_count_for_the_caps_alone() {
    each(Caps { max_events: 3, ..ROOMY }, |database| {
        database.attach(&["a"]).unwrap();
        let session = [ended(1)];
        let more = || More { ended: &session, owed: true, ..More::default() };
        let ledger = done(commit(database, &[stored(1, NOW)], more()));
        assert_eq!((ledger.stored, ledger.facts, ledger.accepted()), (1, 1, 1));
        let rows = database.owed(0, 0, 9, usize::MAX).unwrap();
        assert_eq!((rows[1].kind, rows[1].time), (FactKind::Ended as u8, NOW));
        assert_eq!(
            SessionRecord::from_json(std::str::from_utf8(&rows[1].body).unwrap()).unwrap(),
            session[0]
        );
        assert_eq!((sequences(database, 0, 9), database.history(9).unwrap().len()), (vec![1], 1));
        let ledger = done(commit(database, &[stored(2, NOW)], more()));
        assert_eq!((ledger.stored, ledger.facts, ledger.dropped.overflowed), (1, 2, 1));
        let ledger =
            settle(database, 0, 4, &[(2, Fate::Delivered), (3, Fate::Delivered), (4, Fate::Refused)]);
        assert_eq!((ledger.stored, ledger.facts, ledger.stored_bytes), (0, 0, 0));
        assert_eq!((ledger.delivered, ledger.dropped.refused, ledger.accepted()), (1, 0, 2));
        let unwanted = More { ended: &session, ..More::default() };
        assert_eq!(done(commit(database, &[], unwanted)).facts, 0);
    });
}

#[test]
fn a_settlement_of_another_edition_is_void() {
    each(ROOMY, |database| {
        database.attach(&["a"]).unwrap();
        three_events(database);
        let edition = database.edition();
        database.erase(Uuid::from_u128(3), 3).unwrap();
        done(commit(database, &[stored(4, NOW)], More::default()));
        let late =
            Settlement { destination: 0, edition, up_to: 4, fates: &[(4, Fate::Delivered)], progress: "" };
        assert_eq!(database.settle(&late).unwrap(), None);
        assert_eq!(owed(database, 0), [4]);
    });
}
