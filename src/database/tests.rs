//! One contract for every database, and what only a file can show.

mod counts;
mod delivery;
mod sampled;

use uuid::Uuid;

use super::*;
use crate::event::{EncodedContexts, Event, Head, SessionStamp, Stamp, encode_event, encode_stamp};
use crate::ids::{EventId, InstanceId, UserId};

const NOW: i64 = 1_700_000_000_000;
const ROOMY: Caps = Caps {
    max_age_ms: u64::MAX,
    max_events: 1_000,
    max_bytes: 1 << 20,
    max_history: 100,
    max_held: 0,
    max_held_bytes: 1 << 20,
};

/// What each test is run with: a database in memory and one in a file.
fn each(caps: Caps, test: impl Fn(&mut dyn Database)) {
    test(&mut MemoryDatabase::new(caps, Uuid::from_u128(2)));
    #[cfg(feature = "_sqlite")]
    test(&mut sqlite(tempfile::tempdir().unwrap().path(), "default", caps));
}

#[cfg(feature = "_sqlite")]
fn sqlite(folder: &std::path::Path, namespace: &str, caps: Caps) -> sqlite::SqliteDatabase {
    let path = folder.join("events.db");
    let fresh = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let logger = crate::log::Logger::default();
    let opening = sqlite::Opening { path: &path, namespace, caps, fresh, now: NOW, logger: &logger };
    let mut database = sqlite::SqliteDatabase::open(&opening).unwrap();
    database.load().unwrap();
    database
}

fn stored(sequence: u64, time: i64) -> Vec<u8> {
    stored_in(sequence, time, None)
}

fn stored_in(sequence: u64, time: i64, session: Option<SessionStamp>) -> Vec<u8> {
    let event = Event::feature("f").unwrap();
    let stamp = Stamp {
        event_id: EventId(Uuid::from_u128(sequence.into())),
        sequence,
        time,
        instance_id: InstanceId(Uuid::nil()),
        user_id: UserId::NIL,
        user: None,
        app_version: None,
        in_background: false,
        session,
    };
    let mut bytes = Vec::new();
    encode_stamp(&stamp, event.kind().number(), false, &mut bytes);
    encode_event(&event, &EncodedContexts::default(), &mut bytes);
    bytes
}

fn ended(index: u32) -> SessionRecord {
    let json = format!(
        r#"{{"id":"s{index}","index":{index},"previous_id":null,"first_event":null,"event_index":0,
           "started_at":{{"wall":1,"elapsed":1}},"last_activity":{{"wall":1,"elapsed":1}},
           "last_seen":{{"wall":1,"elapsed":1}},"ended_at":5,"end_reason":"ended","background":false,"paused":false,
           "spent":{{"foreground_ms":0,"background_ms":0,"paused_ms":0}},
           "idle":{{"foreground_ms":0,"background_ms":0,"paused_ms":0}},"accounted":1,"handled_errors":0,
           "unhandled_errors":0,"user_id":"00000000-0000-0000-0000-000000000000","user":null,"app_version":null,
           "boot_id":null}}"#
    );
    SessionRecord::from_json(&json).unwrap()
}

fn ended_fact(session: &SessionRecord, owed: bool) -> Entry<'static> {
    Entry::Fact(Box::new(Fact { kind: FactKind::Ended, at: NOW, session: session.clone(), owed }))
}

/// What goes into a batch beside events.
#[derive(Default)]
struct More<'a> {
    ended: &'a [SessionRecord],
    /// Whether a destination takes the ends.
    owed: bool,
    session: Option<&'a str>,
    later: i64,
    lost: u64,
    erased: u64,
}

fn commit(database: &mut dyn Database, events: &[Vec<u8>], more: More<'_>) -> Result<Committed> {
    let ended = more.ended.iter().map(|session| ended_fact(session, more.owed));
    let entries: Vec<_> = events.iter().map(|event| Entry::Event(event)).chain(ended).collect();
    let settings = Settings::default();
    let batch = Batch {
        entries: &entries,
        settings: &settings,
        session: more.session,
        journal: (7, 8),
        now: NOW + more.later,
        lost: more.lost,
        erased: more.erased,
    };
    database.commit(&batch)
}

fn done(committed: Result<Committed>) -> Ledger {
    match committed.unwrap() {
        Committed::Done(ledger) => ledger,
        Committed::Erased(_) => panic!("nobody has erased it"),
    }
}

fn sequences(database: &mut dyn Database, after: u64, limit: usize) -> Vec<u64> {
    let events = database.events(after, limit).unwrap();
    events.iter().map(|body| Head::decode(body).unwrap().sequence).collect()
}

#[test]
fn what_is_committed_is_read_in_order() {
    each(ROOMY, |database| {
        assert!(sequences(database, 0, 10).is_empty());
        let ledger = done(commit(database, &[stored(1, NOW), stored(2, NOW)], More::default()));
        assert_eq!((ledger.stored, ledger.accepted()), (2, 2));
        assert_eq!(ledger.stored_bytes, 2 * stored(1, NOW).len() as u64);
        done(commit(database, &[stored(3, NOW)], More::default()));
        assert_eq!(sequences(database, 0, 10), [1, 2, 3]);
        assert_eq!(sequences(database, 1, 1), [2]);
        assert!(sequences(database, 3, 10).is_empty());
        assert_eq!(database.load().unwrap().ledger.stored, 3);
        database.make_durable().unwrap();
    });
}

#[test]
fn the_session_is_replaced_and_forgotten() {
    each(ROOMY, |database| {
        assert_eq!(database.session().unwrap(), None);
        for session in [Some("{\"a\":1}"), Some("ä"), None] {
            done(commit(database, &[], More { session, ..More::default() }));
            assert_eq!(database.session().unwrap().as_deref(), session);
        }
    });
}

#[test]
fn the_history_is_newest_first_and_limited() {
    each(Caps { max_history: 3, ..ROOMY }, |database| {
        let sessions: Vec<_> = (1..=5).map(ended).collect();
        done(commit(database, &[], More { ended: &sessions[..2], ..More::default() }));
        done(commit(database, &[], More { ended: &sessions[2..], ..More::default() }));
        for (limit, expected) in [(10, vec![5, 4, 3]), (2, vec![5, 4]), (0, vec![])] {
            let indices: Vec<u32> =
                database.history(limit).unwrap().iter().map(|session| session.index).collect();
            assert_eq!(indices, expected);
        }
    });
}

#[test]
fn every_cap_drops_the_oldest_and_counts_them() {
    let size = stored(1, NOW).len() as u64;
    let cases = [
        (Caps { max_events: 2, ..ROOMY }, 0, (0, 3)),
        (Caps { max_bytes: 2 * size + 1, ..ROOMY }, 0, (0, 3)),
        (Caps { max_age_ms: 1_000, ..ROOMY }, 1_003, (3, 0)),
        (Caps { max_age_ms: 0, max_events: 0, max_bytes: 0, max_history: 0, ..ROOMY }, 9, (5, 0)),
        (Caps { max_events: 0, ..ROOMY }, 0, (0, 5)),
    ];
    for (caps, later, (aged, overflowed)) in cases {
        each(caps, |database| {
            let events: Vec<_> = (0..5).map(|n| stored(n + 1, NOW + n as i64)).collect();
            let ledger = done(commit(database, &events, More { later, ..More::default() }));
            assert_eq!((ledger.dropped.aged, ledger.dropped.overflowed), (aged, overflowed), "{caps:?}");
            assert_eq!(ledger.accepted(), 5);
            let left: Vec<u64> = (aged + overflowed + 1..=5).collect();
            assert_eq!(sequences(database, 0, 10), left);
            assert_eq!(ledger.stored_bytes, left.len() as u64 * size);
        });
    }
}

#[test]
fn what_is_lost_or_erased_elsewhere_is_counted() {
    each(ROOMY, |database| {
        let ledger =
            done(commit(database, &[stored(10, NOW)], More { lost: 4, erased: 5, ..More::default() }));
        assert_eq!((ledger.dropped.lost, ledger.dropped.erased, ledger.accepted()), (4, 5, 10));
    });
}

#[test]
fn an_erasure_takes_all_and_may_be_done_twice() {
    each(ROOMY, |database| {
        let session = [ended(1)];
        done(commit(
            database,
            &[stored(1, NOW), stored(2, NOW)],
            More { ended: &session, session: Some("{}"), ..More::default() },
        ));
        for _ in 0..2 {
            // Three more were in the journal.
            let ledger = database.erase(Uuid::from_u128(3), 5).unwrap();
            assert_eq!((ledger.stored, ledger.stored_bytes, ledger.dropped.erased), (0, 0, 5));
        }
        assert_eq!(database.load().unwrap().user_id, Uuid::from_u128(3));
        assert_eq!(database.session().unwrap(), None);
        assert!(database.history(10).unwrap().is_empty() && sequences(database, 0, 10).is_empty());
        assert_eq!(done(commit(database, &[stored(6, NOW)], More::default())).accepted(), 6);
    });
}

fn owed(database: &mut dyn Database, destination: usize) -> Vec<u64> {
    let rows = database.owed(destination, 0, 100, usize::MAX).unwrap();
    rows.iter().map(|row| row.number).collect()
}

fn settle(database: &mut dyn Database, destination: usize, up_to: u64, fates: &[(u64, Fate)]) -> Ledger {
    let edition = database.edition();
    database.settle(&Settlement { destination, edition, up_to, fates, progress: "{}" }).unwrap().unwrap()
}

fn three_events(database: &mut dyn Database) {
    let events: Vec<_> = (1..=3).map(|n| stored(n, NOW)).collect();
    done(commit(database, &events, More::default()));
}

#[cfg(feature = "_sqlite")]
mod in_a_file {
    use super::*;

    #[test]
    fn a_destination_goes_on_where_it_was_and_a_new_one_is_owed_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = sqlite(folder.path(), "default", ROOMY);
        database.attach(&["a", "gone"]).unwrap();
        three_events(&mut database);
        settle(&mut database, 0, 2, &[(1, Fate::Delivered), (2, Fate::Refused)]);
        drop(database);
        let mut database = sqlite(folder.path(), "default", ROOMY);
        let ledger = database.attach(&["new", "a"]).unwrap();
        assert_eq!((database.progress(1), database.counts(1).delivered), ("{}", 1));
        assert_eq!((owed(&mut database, 0), owed(&mut database, 1)), (vec![1, 2, 3], vec![3]));
        assert_eq!(ledger.stored, 3);
        // What only destinations were owed that are gone leaves as what became of it.
        let ledger = database.attach(&[]).unwrap();
        assert_eq!((ledger.stored, ledger.delivered, ledger.dropped.refused), (1, 1, 1));
        assert_eq!(sqlite(folder.path(), "default", ROOMY).load().unwrap().ledger, ledger);
    }

    #[test]
    fn each_namespace_has_destinations_and_numbers_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (sqlite(folder.path(), "1", ROOMY), sqlite(folder.path(), "2", ROOMY));
        for database in [&mut one, &mut two] {
            database.attach(&["a"]).unwrap();
            three_events(database);
        }
        settle(&mut one, 0, 3, &[(1, Fate::Delivered), (2, Fate::Delivered), (3, Fate::Delivered)]);
        assert_eq!((owed(&mut one, 0), owed(&mut two, 0)), (vec![], vec![1, 2, 3]));
    }

    #[test]
    fn a_file_of_the_first_format_is_upgraded_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let old = rusqlite::Connection::open(folder.path().join("events.db")).unwrap();
        old.execute_batch(sqlite::UPGRADES[0]).unwrap();
        old.execute_batch("PRAGMA application_id = 0x53455353; PRAGMA user_version = 1;").unwrap();
        for (namespace, sequence) in [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3)] {
            let row = rusqlite::params![namespace, sequence as i64, NOW, stored(sequence, NOW)];
            let insert = "INSERT INTO events (namespace, sequence, id, time, kind, body) VALUES (?1, ?2, x'', ?3, 7, ?4)";
            old.execute(insert, row).unwrap();
        }
        old.execute_batch(
            "INSERT INTO meta VALUES ('database_id', '00000000-0000-0000-0000-000000000001'),
                 ('user_id', '00000000-0000-0000-0000-000000000002'), ('erasures', 0);
             INSERT INTO namespaces (id, name, stored, stored_bytes, dropped_aged)
                 VALUES (1, 'default', 3, 99, 4), (2, 'other', 2, 66, 0);",
        )
        .unwrap();
        drop(old);
        let mut database = sqlite(folder.path(), "default", ROOMY);
        let ledger = database.attach(&["a"]).unwrap();
        assert_eq!((ledger.accepted(), sequences(&mut database, 0, 9)), (7, vec![1, 2, 3]));
        done(commit(&mut database, &[stored(8, NOW)], More::default()));
        let rows = owed(&mut database, 0);
        assert!(rows.len() == 4 && rows.is_sorted() && database.last_number() == rows[3], "{rows:?}");
        assert_eq!(sequences(&mut sqlite(folder.path(), "other", ROOMY), 0, 9), [1, 2]);
    }

    #[test]
    fn everything_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let open = || sqlite(folder.path(), "default", ROOMY);
        let session = [ended(1)];
        let ledger = done(commit(
            &mut open(),
            &[stored(1, NOW)],
            More { ended: &session, session: Some("{}"), lost: 2, ..More::default() },
        ));
        let mut database = open();
        let loaded = database.load().unwrap();
        assert_eq!((loaded.ledger, loaded.journal), (ledger, Some((7, 8))));
        assert_eq!((loaded.database_id, loaded.user_id), (1, Uuid::from_u128(2)));
        let settings: Settings = serde_json::from_str(&loaded.settings.unwrap()).unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(database.session().unwrap().as_deref(), Some("{}"));
        assert_eq!((database.history(9).unwrap().len(), sequences(&mut database, 0, 9)), (1, vec![1]));
    }

    #[test]
    fn namespaces_share_the_user_id_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (sqlite(folder.path(), "1", ROOMY), sqlite(folder.path(), "2", ROOMY));
        done(commit(&mut one, &[stored(1, NOW)], More { session: Some("one"), ..More::default() }));
        assert_eq!((sequences(&mut two, 0, 9), two.session().unwrap()), (vec![], None));
        done(commit(&mut two, &[stored(1, NOW), stored(2, NOW)], More::default()));
        assert_eq!((sequences(&mut one, 0, 9), sequences(&mut two, 0, 9)), (vec![1], vec![1, 2]));
        assert_eq!(one.session().unwrap().as_deref(), Some("one"));
        one.set_ids(9, Uuid::from_u128(8)).unwrap();
        let loaded = two.load().unwrap();
        assert_eq!((loaded.database_id, loaded.user_id), (9, Uuid::from_u128(8)));
    }

    #[test]
    fn who_did_not_erase_is_told_before_anything_of_theirs_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (sqlite(folder.path(), "1", ROOMY), sqlite(folder.path(), "2", ROOMY));
        done(commit(&mut two, &[stored(1, NOW)], More::default()));
        one.erase(Uuid::from_u128(3), 0).unwrap();
        one.erase(Uuid::from_u128(4), 0).unwrap();
        assert!(two.is_changed() && !one.is_changed());
        let told = commit(&mut two, &[stored(2, NOW)], More::default()).unwrap();
        assert_eq!(told, Committed::Erased(Uuid::from_u128(4)));
        assert!(sequences(&mut two, 0, 9).is_empty() && !two.is_changed());
        let ledger = done(commit(&mut two, &[stored(3, NOW)], More { erased: 1, ..More::default() }));
        assert_eq!((ledger.stored, ledger.dropped.erased), (1, 2));
        done(commit(&mut one, &[stored(1, NOW)], More::default()));
    }

    #[test]
    fn an_erasure_wipes_the_journals_of_this_database_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for name in ["events.db.other.journal", "events.db.old.other.journal", "events.db2.a.journal"] {
            std::fs::write(file(name), "secret").unwrap();
        }
        std::fs::write(file("events.db.corrupt-5"), "secret").unwrap();
        sqlite(folder.path(), "default", ROOMY).erase(Uuid::from_u128(3), 0).unwrap();
        assert_eq!(std::fs::read(file("events.db.other.journal")).unwrap(), b"");
        assert!(!file("events.db.corrupt-5").exists());
        for name in ["events.db.old.other.journal", "events.db2.a.journal"] {
            assert_eq!(std::fs::read(file(name)).unwrap(), b"secret", "{name} is another database's");
        }
    }
}
