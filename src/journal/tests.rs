//! The journal as the tracker uses it: written, read, killed (its process is simulated by opening the file again),
//! damaged.

use std::path::{Path, PathBuf};

use super::*;
use crate::encoding::Put;

const CAPACITY: usize = 64 * 1_024;

fn open(path: Option<&Path>) -> Journal {
    let logger = Logger::default();
    let options =
        Options { path, capacity: CAPACITY, fresh_id: 7, database_id: 9, adopt: false, logger: &logger };
    Journal::open(&options, |_| None).unwrap()
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("test.journal")
}

fn write(journal: &mut Journal, text: &str) {
    assert!(journal.writer.free() >= Writer::needed(text.len()));
    journal.writer.append(1, text.len(), |out| out.bytes(text.as_bytes()));
    journal.writer.publish(true, |out| out.bytes(format!("memory after {text}").as_bytes()));
}

/// Everything between head and tail.
fn read(journal: &Journal) -> Vec<String> {
    let (mut position, mut texts) = (journal.reader.head(), Vec::new());
    while let Some(entry) = journal.reader.entry(position, journal.writer.tail()) {
        texts.push(String::from_utf8(entry.payload.to_vec()).unwrap());
        position = entry.end;
    }
    texts
}

fn memory(journal: &Journal) -> Option<&str> {
    journal.found.memory.as_deref().map(|bytes| std::str::from_utf8(bytes).unwrap())
}

#[test]
fn what_was_published_is_there_after_the_process_and_only_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    assert!(journal.found.survives_kill && journal.found.memory.is_none());
    write(&mut journal, "one");
    write(&mut journal, "two");
    journal.writer.append(1, 5, |out| out.bytes(b"three"));
    drop(journal);
    let journal = open(Some(&file(&folder)));
    assert_eq!(read(&journal), ["one", "two"]);
    assert_eq!(memory(&journal), Some("memory after two"));
    assert!(!journal.found.torn && journal.found.ahead_of_store);
}

#[test]
fn the_ring_turns_for_ever_and_gives_back_what_is_stored() {
    for path in [None, Some(tempfile::tempdir().unwrap())] {
        let mut journal = open(path.as_ref().map(file).as_deref());
        for lap in 0..3_000u32 {
            let text = "x".repeat(1 + lap as usize * 37 % 900);
            write(&mut journal, &text);
            let tail = journal.writer.tail();
            assert_eq!(read(&journal), [text]);
            journal.reader.seek(tail);
        }
    }
}

#[test]
fn a_full_ring_says_so_and_holds_all_that_it_took() {
    let mut journal = open(None);
    let mut written = Vec::new();
    while journal.writer.free() >= Writer::needed(100) {
        let text = format!("{:0100}", written.len());
        write(&mut journal, &text);
        written.push(text);
    }
    assert!(written.len() > CAPACITY / 150);
    assert_eq!(read(&journal), written);
}

#[test]
fn positions_that_the_database_has_are_not_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    write(&mut journal, "stored");
    let stored = journal.writer.tail();
    write(&mut journal, "not stored");
    drop(journal);
    let logger = Logger::default();
    let path = file(&folder);
    let options = Options {
        path: Some(&path),
        capacity: CAPACITY,
        fresh_id: 8,
        database_id: 9,
        adopt: false,
        logger: &logger,
    };
    let journal = Journal::open(&options, |id| (id == 7).then_some(stored)).unwrap();
    assert_eq!(read(&journal), ["not stored"]);
}

#[test]
fn a_torn_record_ends_the_replay_and_a_torn_slot_falls_back_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    for text in ["one", "two", "three"] {
        write(&mut journal, text);
    }
    drop(journal);
    let whole = std::fs::read(file(&folder)).unwrap();

    let mut torn = whole.clone();
    let two = whole.windows(3).position(|bytes| bytes == b"two").unwrap();
    let ring = header::RING;
    let in_ring = ring + whole[ring..].windows(3).position(|bytes| bytes == b"two").unwrap();
    assert!(two < ring, "the slot with generation 2 comes first");
    torn[in_ring] ^= 1;
    std::fs::write(file(&folder), &torn).unwrap();
    let journal = open(Some(&file(&folder)));
    assert_eq!(read(&journal), ["one"]);
    assert!(journal.found.torn);
    drop(journal);

    let mut torn = whole.clone();
    let newest = whole.windows(18).position(|bytes| bytes == b"memory after three").unwrap();
    torn[newest] ^= 1;
    std::fs::write(file(&folder), &torn).unwrap();
    let journal = open(Some(&file(&folder)));
    assert_eq!(memory(&journal), Some("memory after two"));
    assert_eq!(read(&journal), ["one", "two"]);
}

#[test]
fn every_damaged_byte_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    write(&mut journal, "one");
    write(&mut journal, "two");
    drop(journal);
    let whole = std::fs::read(file(&folder)).unwrap();
    let interesting =
        (0..80).chain(4_096..4_160).chain(20_480..20_540).chain(header::RING..header::RING + 64);
    for at in interesting {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        std::fs::write(file(&folder), &damaged).unwrap();
        let mut journal = open(Some(&file(&folder)));
        let _ = read(&journal);
        write(&mut journal, "goes on");
        assert_eq!(read(&journal).last().unwrap(), "goes on", "after damage at {at}");
    }
    for length in [0, 1, 100, header::RING - 1, header::RING, header::RING + 4_096] {
        std::fs::write(file(&folder), &whole[..length]).unwrap();
        let mut journal = open(Some(&file(&folder)));
        write(&mut journal, "goes on");
        assert_eq!(read(&journal), ["goes on"]);
    }
}

#[test]
fn a_second_one_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(Some(&file(&folder)));
    let logger = Logger::default();
    let path = file(&folder);
    let options = Options {
        path: Some(&path),
        capacity: CAPACITY,
        fresh_id: 8,
        database_id: 9,
        adopt: false,
        logger: &logger,
    };
    let refused = Journal::open(&options, |_| None).err().unwrap();
    assert_eq!(refused.kind(), crate::ErrorKind::NamespaceInUse);
    assert!(!wipe(&path).unwrap());
    drop(journal);
    assert!(Journal::open(&options, |_| None).is_ok());
}

#[test]
fn another_databases_journal_is_not_replayed() {
    let folder = tempfile::tempdir().unwrap();
    write(&mut open(Some(&file(&folder))), "secret");
    let logger = Logger::default();
    let path = file(&folder);
    let options = Options {
        path: Some(&path),
        capacity: CAPACITY,
        fresh_id: 8,
        database_id: 10,
        adopt: false,
        logger: &logger,
    };
    let journal = Journal::open(&options, |_| None).unwrap();
    assert!(journal.found.memory.is_none() && read(&journal).is_empty());
}

#[test]
fn a_crash_mark_names_the_session_that_was_open() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(Some(&file(&folder)));
    journal.writer.crash_marker().mark();
    drop(journal);
    let journal = open(Some(&file(&folder)));
    assert_eq!(journal.found.crashed, None, "no session was open");
    journal.writer.set_open_session(5);
    let marker = journal.writer.crash_marker();
    marker.mark();
    marker.mark();
    drop(journal);
    let journal = open(Some(&file(&folder)));
    assert_eq!(journal.found.crashed, Some(5));
    journal.writer.clear_crash_mark();
    drop(journal);
    assert_eq!(open(Some(&file(&folder))).found.crashed, None);
}

#[test]
fn erasing_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    write(&mut journal, "secret one");
    write(&mut journal, "secret two, which is longer");
    let generation_of_memory = |out: &mut Cursor<'_>| out.bytes(b"new");
    journal.writer.erase(generation_of_memory);
    let tail = journal.writer.tail();
    journal.reader.seek(tail);
    assert!(read(&journal).is_empty());
    let bytes = std::fs::read(file(&folder)).unwrap();
    assert!(!bytes.windows(6).any(|bytes| bytes == b"secret"));
    drop(journal);
    assert_eq!(memory(&open(Some(&file(&folder)))), Some("new"));
}

#[test]
fn an_erasure_takes_hold_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    write(&mut journal, "secret");
    let before = std::fs::read(file(&folder)).unwrap();
    journal.writer.erase(|out| out.bytes(b"new"));
    drop(journal);
    // As a kill right after the first slot leaves it: the head is where it was, and the records are still there.
    let mut killed = std::fs::read(file(&folder)).unwrap();
    killed[header::RING..].copy_from_slice(&before[header::RING..]);
    killed[24..32].copy_from_slice(&before[24..32]);
    std::fs::write(file(&folder), &killed).unwrap();
    let journal = open(Some(&file(&folder)));
    assert_eq!(memory(&journal), Some("new"));
    assert!(read(&journal).is_empty() && !journal.found.torn);
}

#[test]
fn a_look_from_outside_finds_the_newest_whole_memory_while_it_is_written() {
    const LAST: u64 = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    assert_eq!(peek(&file(&folder)), None, "nothing is published yet");
    // More than is read at first, now and then.
    let publish = |writer: &mut Writer, number: u64| {
        writer.publish(true, |out| (0..[20, 200][(number % 2) as usize]).for_each(|_| out.u64(number)));
    };
    publish(&mut journal.writer, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| (1..=LAST).for_each(|number| publish(&mut journal.writer, number)));
        let mut last = 0;
        while last < LAST {
            let seen = peek(&file(&folder)).unwrap();
            assert_eq!(seen.database_id, 9);
            let numbers: Vec<u64> =
                seen.memory.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
            assert!(numbers.iter().all(|number| *number == numbers[0]), "half of a change");
            assert!(numbers[0] >= last, "{} after {last}", numbers[0]);
            last = numbers[0];
        }
    });
}

#[test]
fn a_look_from_outside_takes_what_is_whole_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(Some(&file(&folder)));
    write(&mut journal, "one");
    let memory = || peek(&file(&folder)).map(|seen| String::from_utf8(seen.memory).unwrap());
    assert_eq!(memory().unwrap(), "memory after one", "the other slot was never written");
    write(&mut journal, "two");
    assert_eq!(memory().unwrap(), "memory after two");
    drop(journal);
    let whole = std::fs::read(file(&folder)).unwrap();
    // Torn: the newer slot, the length of it, both slots, the magic, the end.
    let cases: [(&[usize], bool); 5] = [
        (&[4_096 + 50], true),
        (&[4_096 + 7], true),
        (&[4_096 + 50, 20_480 + 50], false),
        (&[0], false),
        (&[8], false),
    ];
    for (places, found) in cases {
        let mut bytes = whole.clone();
        places.iter().for_each(|at| bytes[*at] ^= 0x81);
        std::fs::write(file(&folder), &bytes).unwrap();
        assert_eq!(memory().is_some_and(|memory| memory == "memory after one"), found, "{places:?}");
        assert_eq!(memory().is_some(), found, "{places:?}");
    }
    for length in [0, 71, 4_096, 36_864, whole.len() - 1] {
        std::fs::write(file(&folder), &whole[..length]).unwrap();
        assert_eq!(memory(), None, "{length}");
    }
}
