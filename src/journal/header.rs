//! The first page of a journal and its two slots.

use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use super::region::Region;
use crate::encoding::{Put, Take};

const MAGIC: u64 = u64::from_le_bytes(*b"SESSIOJ1");
const PAGE: usize = 4_096;
/// Room for the engine's memory. With every text at its limit it takes less than half of that.
pub(super) const SLOT: usize = 4 * PAGE;
/// Where the ring begins.
pub(super) const RING: usize = PAGE + 2 * SLOT;

// The words of the first page.
const MAGIC_AT: usize = 0;
const CAPACITY_AT: usize = 8;
const JOURNAL_ID_AT: usize = 16;
const HEAD_AT: usize = 24;
const STORED_REVISION_AT: usize = 32;
const OPEN_SESSION_AT: usize = 40;
const CRASH_MARK_AT: usize = 48;
const DATABASE_ID_AT: usize = 56; // and the word behind it
/// How much of the first page is used.
#[cfg(any(feature = "_sqlite", test))]
pub(super) const WORDS: usize = 72;

// A slot: CRC-32 of the rest, length of the payload, generation, tail, revision, floor, payload.
pub(super) const SLOT_HEAD: usize = 4 + 4 + 8 + 8 + 8 + 8;

/// The header of a region.
#[derive(Clone, Copy)]
pub(super) struct Header<'a>(&'a Region);

/// What a slot publishes beside the engine's memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Published {
    /// Counts the slots that were written.
    pub generation: u64,
    /// Up to where there are records.
    pub tail: u64,
    /// Counts the changes that the session store is to learn of.
    pub revision: u64,
    /// Records before this were erased: they are not replayed, wherever the head is.
    pub floor: u64,
}

/// A slot that is whole.
pub(super) struct Slot<'a> {
    pub published: Published,
    pub payload: &'a [u8],
}

impl<'a> Header<'a> {
    pub fn new(region: &'a Region) -> Self {
        Self(region)
    }

    /// Makes the header of a new journal in zeroed memory. The magic comes last: without it there is no journal.
    pub fn initialize(&self, journal_id: u64, database_id: u128) {
        self.set(CAPACITY_AT, (self.0.len() - RING) as u64);
        self.set(JOURNAL_ID_AT, journal_id);
        self.set(DATABASE_ID_AT, database_id as u64);
        self.set(DATABASE_ID_AT + 8, (database_id >> 64) as u64);
        compiler_fence(Ordering::SeqCst);
        self.set(MAGIC_AT, MAGIC);
    }

    /// The region holds a journal that we wrote, whole.
    pub fn is_valid(&self) -> bool {
        self.get(MAGIC_AT) == MAGIC && self.get(CAPACITY_AT) == (self.0.len() - RING) as u64
    }

    pub fn database_id(&self) -> u128 {
        u128::from(self.get(DATABASE_ID_AT)) | u128::from(self.get(DATABASE_ID_AT + 8)) << 64
    }

    pub fn set_database_id(&self, id: u128) {
        self.set(DATABASE_ID_AT, id as u64);
        self.set(DATABASE_ID_AT + 8, (id >> 64) as u64);
    }

    pub fn journal_id(&self) -> u64 {
        self.get(JOURNAL_ID_AT)
    }

    /// Up to where the database has the records.
    pub fn head(&self) -> u64 {
        self.get(HEAD_AT)
    }

    pub fn set_head(&self, head: u64) {
        self.set(HEAD_AT, head);
    }

    /// Up to which revision the session store has the session.
    pub fn stored_revision(&self) -> u64 {
        self.get(STORED_REVISION_AT)
    }

    pub fn set_stored_revision(&self, revision: u64) {
        self.set(STORED_REVISION_AT, revision);
    }

    /// The index of the open session, for the crash mark; 0 when none is open.
    pub fn set_open_session(&self, index: u32) {
        self.set(OPEN_SESSION_AT, u64::from(index));
    }

    /// Marks the open session as crashed. Nothing but two atomic accesses: safe in a signal handler.
    pub fn mark_crashed(&self) {
        self.set(CRASH_MARK_AT, self.get(OPEN_SESSION_AT));
    }

    pub fn crash_mark(&self) -> Option<u32> {
        u32::try_from(self.get(CRASH_MARK_AT)).ok().filter(|index| *index > 0)
    }

    pub fn clear_crash_mark(&self) {
        self.set(CRASH_MARK_AT, 0);
    }

    /// The slot that was written last, whole.
    pub fn newest_slot(&self) -> Option<Slot<'a>> {
        let slots = [self.slot(0), self.slot(1)];
        slots.into_iter().flatten().max_by_key(|slot| slot.published.generation)
    }

    fn slot(&self, number: usize) -> Option<Slot<'a>> {
        // SAFETY: slots are read while a journal is being opened, before anything can write them, and by the writer
        // itself.
        Slot::parse(unsafe { self.0.read(slot_at(number as u64), SLOT) })
    }

    /// Writes the slot of its generation. Only the journal's writer calls this. The other slot holds the generation
    /// before until this one is whole, so a process killed meanwhile loses nothing.
    pub fn write_slot(&self, published: Published, encode: impl FnOnce(&mut Cursor<'_>)) {
        let at = slot_at(published.generation);
        let mut out = Cursor { region: self.0, at: at + 8, end: at + SLOT };
        out.u64(published.generation);
        out.u64(published.tail);
        out.u64(published.revision);
        out.u64(published.floor);
        encode(&mut out);
        let length = out.at - at - SLOT_HEAD;
        out.at = at + 4;
        out.u32(length as u32);
        // SAFETY: only this thread writes the slots, and no one reads them while the journal is open.
        let crc = crc32fast::hash(unsafe { self.0.read(at + 4, SLOT_HEAD - 4 + length) });
        // The kernel sees the mapping as of the moment of the kill, so the order of our stores is all that counts.
        compiler_fence(Ordering::SeqCst);
        out.at = at;
        out.u32(crc);
        compiler_fence(Ordering::SeqCst);
    }

    /// Overwrites what longer payloads left behind those that the slots hold now.
    pub fn clear_slot_ends(&self) {
        for number in 0..2 {
            let used = self.slot(number).map_or(0, |slot| SLOT_HEAD + slot.payload.len());
            // SAFETY: only the writer calls this, and no one reads the slots while the journal is open.
            unsafe { self.0.clear(slot_at(number as u64) + used, SLOT - used) };
        }
    }

    fn word(&self, at: usize) -> &'a AtomicU64 {
        self.0.word(at)
    }

    fn get(&self, at: usize) -> u64 {
        u64::from_le(self.word(at).load(Ordering::Acquire))
    }

    fn set(&self, at: usize, value: u64) {
        self.word(at).store(value.to_le(), Ordering::Release);
    }
}

impl<'a> Slot<'a> {
    /// Reads a slot; none if it is not whole.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut from = Take(bytes);
        let (crc, length) = (from.u32()?, from.u32()? as usize);
        let checked = bytes.get(4..SLOT_HEAD.checked_add(length)?)?;
        if crc32fast::hash(checked) != crc {
            return None;
        }
        let published = Published {
            generation: from.u64()?,
            tail: from.u64()?,
            revision: from.u64()?,
            floor: from.u64()?,
        };
        Some(Slot { published, payload: from.bytes(length)? })
    }
}

/// The database that a journal of `length` bytes belongs to, by the bytes of its first page; none if it is no journal
/// of ours.
#[cfg(any(feature = "_sqlite", test))]
pub(super) fn owner(page: &[u8; WORDS], length: u64) -> Option<u128> {
    let word = |at: usize| Take(&page[at..]).u64();
    let ours = word(MAGIC_AT)? == MAGIC && word(CAPACITY_AT)?.checked_add(RING as u64)? == length;
    ours.then_some(u128::from(word(DATABASE_ID_AT)?) | u128::from(word(DATABASE_ID_AT + 8)?) << 64)
}

pub(super) fn slot_at(generation: u64) -> usize {
    PAGE + (generation % 2) as usize * SLOT
}

/// Writes into a part of the region that belongs to the writer.
pub(crate) struct Cursor<'a> {
    pub(super) region: &'a Region,
    pub(super) at: usize,
    pub(super) end: usize,
}

impl Put for Cursor<'_> {
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.end - self.at, "a record is larger than the room reserved for it");
        // SAFETY: the bytes from `at` to `end` were reserved by the writer that made this cursor; the reader does not
        // look at them before the step is published.
        unsafe { self.region.write(self.at, bytes) };
        self.at += bytes.len();
    }
}
