//! The ring of records. Positions are byte offsets that only grow; a record's place is its position modulo the
//! capacity. The writer owns the bytes from tail to head, the reader those from head to tail.

use std::sync::Arc;

use super::file::Lock;
pub(crate) use super::header::Cursor;
use super::header::{Header, Published, RING};
use super::region::Region;
use crate::encoding::{Put, Take};

// A record: length of its payload, CRC-32 of the rest, position, kind, payload; the next begins at a multiple of 8.
const HEAD: usize = 4 + 4 + 8 + 1;
/// In place of a length: nothing more up to the end of the ring.
const SKIP: u32 = u32::MAX;

/// One record of the ring.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub kind: u8,
    pub payload: &'a [u8],
    /// Where the next one begins.
    pub end: u64,
}

/// The end that events go into. There is one, behind the tracker's lock.
pub(crate) struct Writer {
    region: Arc<Region>,
    capacity: u64,
    /// Behind the last record, published or not.
    tail: u64,
    published: Published,
    // Released when the journal is given up.
    _lock: Option<Lock>,
}

impl Writer {
    pub(super) fn new(region: Arc<Region>, lock: Option<Lock>, tail: u64, published: Published) -> Self {
        let capacity = (region.len() - RING) as u64;
        Self { region, capacity, tail, published, _lock: lock }
    }

    fn header(&self) -> Header<'_> {
        Header::new(&self.region)
    }

    /// Bytes that are free.
    pub fn free(&self) -> u64 {
        self.capacity - (self.tail - self.header().head()).min(self.capacity)
    }

    /// Size of the ring in bytes.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Where the next record goes. Everything before is published.
    pub fn tail(&self) -> u64 {
        self.tail
    }

    /// The revision published last.
    pub fn revision(&self) -> u64 {
        self.published.revision
    }

    /// How much of the ring a record with a payload of up to `length` bytes may need.
    pub fn needed(length: usize) -> u64 {
        // Twice: it may have to leave the end of the ring empty.
        2 * align(HEAD + length) as u64
    }

    /// Writes a record of up to `length` bytes behind the tail. It counts only when it is published.
    /// The caller has made sure that `needed(length)` bytes are free.
    pub fn append(&mut self, kind: u8, length: usize, payload: impl FnOnce(&mut Cursor<'_>)) {
        let reserved = align(HEAD + length);
        let mut place = (self.tail % self.capacity) as usize;
        let to_end = self.capacity as usize - place;
        if to_end < reserved {
            cursor(&self.region, place, 4).u32(SKIP);
            self.tail += to_end as u64;
            place = 0;
        }
        let mut out = cursor(&self.region, place, reserved);
        let start = out.at;
        out.at += 8;
        out.u64(self.tail);
        out.u8(kind);
        payload(&mut out);
        let written = out.at - start;
        // SAFETY: the bytes were written just now by this thread, and belong to the writer until they are published.
        let crc = crc32fast::hash(unsafe { self.region.read(start + 8, written - 8) });
        out.at = start;
        out.u32((written - HEAD) as u32);
        out.u32(crc);
        self.tail += align(written) as u64;
    }

    /// Publishes what was appended, together with the engine's memory. `changed` is false if only time passed: the
    /// session store then has nothing to learn.
    pub fn publish(&mut self, changed: bool, memory: impl FnOnce(&mut Cursor<'_>)) {
        self.published.generation += 1;
        self.published.revision += u64::from(changed);
        self.published.tail = self.tail;
        self.header().write_slot(self.published, memory);
    }

    /// Which session a crash mark would mean; 0 for none.
    pub fn set_open_session(&self, index: u32) {
        self.header().set_open_session(index);
    }

    /// The crash that was found is dealt with.
    pub fn clear_crash_mark(&self) {
        self.header().clear_crash_mark();
    }

    /// A handle for marking a crash from a signal handler.
    pub fn crash_marker(&self) -> CrashMarker {
        CrashMarker(Arc::clone(&self.region))
    }

    /// Forgets every record, publishes `memory`, and overwrites with zeros all that was there before. The caller has
    /// made sure that the reader is not at work.
    pub fn erase(&mut self, memory: impl Fn(&mut Cursor<'_>)) {
        // The records become void in the same step as the memory becomes the new one, whenever a kill comes.
        self.published.floor = self.tail;
        self.publish(true, &memory);
        self.header().set_head(self.tail);
        // The other slot still has the memory from before.
        self.publish(true, &memory);
        self.header().clear_slot_ends();
        // SAFETY: the caller has stopped the reader, and this is the only writer.
        unsafe { self.region.clear(RING, self.capacity as usize) };
    }
}

/// Marks a crash. Holds the mapping, so it stays valid as long as it lives.
pub(crate) struct CrashMarker(Arc<Region>);

impl CrashMarker {
    /// Async-signal-safe: two atomic accesses.
    pub fn mark(&self) {
        Header::new(&self.0).mark_crashed();
    }
}

/// The end that the worker takes records from. There is one.
pub(crate) struct Reader {
    region: Arc<Region>,
    capacity: u64,
    head: u64,
}

impl Reader {
    pub(super) fn new(region: Arc<Region>, head: u64) -> Self {
        let capacity = (region.len() - RING) as u64;
        Self { region, capacity, head }
    }

    /// The number of this journal, to which positions belong.
    pub fn journal_id(&self) -> u64 {
        Header::new(&self.region).journal_id()
    }

    /// Where the first record that is not stored yet begins.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The record at `position`, if one lies before `tail`, which the writer has published. `None` behind the last,
    /// and for a damaged one.
    pub fn entry(&self, mut position: u64, tail: u64) -> Option<Entry<'_>> {
        let mut place = (position % self.capacity) as usize;
        if position < tail && self.length(place)? == SKIP {
            position += (self.capacity as usize - place) as u64;
            place = 0;
        }
        if position >= tail {
            return None;
        }
        let length = self.length(place)? as usize;
        let whole = align(HEAD.checked_add(length)?);
        if whole as u64 > tail - position || whole > self.capacity as usize - place {
            return None;
        }
        // SAFETY: the bytes lie between head and tail; the writer does not touch them until `advance` gives them back.
        let bytes = unsafe { self.region.read(RING + place, HEAD + length) };
        let mut from = Take(&bytes[4..]);
        let (crc, at, kind) = (from.u32()?, from.u64()?, from.u8()?);
        if at != position || crc32fast::hash(&bytes[8..]) != crc {
            return None;
        }
        Some(Entry { kind, payload: from.0, end: position + whole as u64 })
    }

    fn length(&self, place: usize) -> Option<u32> {
        // SAFETY: as in `entry`: it only looks between head and tail.
        Take(unsafe { self.region.read(RING + place, 4) }).u32()
    }

    /// Up to where the records before `tail` are whole.
    pub(super) fn valid_end(&self, tail: u64) -> u64 {
        if tail - self.head > self.capacity {
            return self.head;
        }
        let mut position = self.head;
        while let Some(entry) = self.entry(position, tail) {
            position = entry.end;
        }
        position
    }

    /// Gives the bytes before `position` back to the writer: the database has those records.
    pub fn advance(&self, position: u64) {
        Header::new(&self.region).set_head(position);
    }

    /// Goes on from `position`.
    pub fn seek(&mut self, position: u64) {
        self.head = position;
        self.advance(position);
    }

    /// The session store has the session up to this revision.
    pub fn set_stored_revision(&self, revision: u64) {
        Header::new(&self.region).set_stored_revision(revision);
    }
}

fn cursor(region: &Region, place: usize, length: usize) -> Cursor<'_> {
    let at = RING + place;
    Cursor { region, at, end: at + length }
}

const fn align(length: usize) -> usize {
    length.next_multiple_of(8)
}
