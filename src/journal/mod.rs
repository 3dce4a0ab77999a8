//! The journal: what makes `track` both fast and safe. A ring of records and the engine's memory lie in a mapped
//! file; a record is safe from the death of the process as soon as it is written, with no system call.
//! `docs/storage.md` describes the format byte by byte.
//!
//! One step of the engine is published as a whole: records are written behind the tail, and only the slot that is
//! written last names the new tail and the new memory together. A process killed in between has done nothing.
#![allow(unsafe_code)] // mapped memory shared by two threads; each use has its reason

mod file;
pub(crate) mod fork;
mod header;
#[cfg(any(feature = "_sqlite", test))]
mod peek;
mod region;
mod ring;

#[cfg(test)]
mod tests;

#[cfg(any(feature = "_sqlite", test))]
pub(crate) use file::wipe;
#[cfg(feature = "_sqlite")]
pub(crate) use peek::Glimpse;
#[cfg(any(feature = "_sqlite", test))]
pub(crate) use peek::peek;
#[cfg(test)]
use ring::Cursor;
pub(crate) use ring::{CrashMarker, Entry as Record, Reader, Writer};

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::log::Logger;
use header::Header;

/// What is asked of a journal.
#[derive(Debug, Clone)]
pub(crate) struct Options<'a> {
    pub path: Option<&'a Path>,
    /// Size of the ring in bytes, a multiple of 4096.
    pub capacity: usize,
    /// A number for a journal that is made anew.
    pub fresh_id: u64,
    /// The database it belongs to: a journal of another one is not replayed into it.
    pub database_id: u128,
    /// The database was made anew in place of a damaged one and takes over the id that the journal knows.
    pub adopt: bool,
    pub logger: &'a Logger,
}

/// A journal that was opened: the two ends of the ring, and what was found in it.
pub(crate) struct Journal {
    pub writer: Writer,
    pub reader: Reader,
    pub found: Found,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The engine's memory as of the last published step.
    pub memory: Option<Vec<u8>>,
    /// The session store lacks what was published last.
    pub ahead_of_store: bool,
    /// The index of the session that was open when a crash was marked.
    pub crashed: Option<u32>,
    /// The database it belongs to.
    pub database_id: u128,
    /// The file is mapped: what is written survives the process.
    pub survives_kill: bool,
    /// A record was damaged; it and all behind it are lost.
    pub torn: bool,
}

impl Journal {
    /// Opens or creates the journal. `stored_position` gives, for a journal's number, up to where the database has its
    /// records.
    ///
    /// # Errors
    /// The namespace is open elsewhere; the file cannot be created; no space.
    pub fn open(options: &Options<'_>, stored_position: impl FnOnce(u64) -> Option<u64>) -> Result<Self> {
        let (region, lock) = file::open(options)?;
        let region = Arc::new(region);
        let mut found = Found { survives_kill: region.is_mapped(), ..Found::default() };
        let header = Header::new(&region);
        found.database_id = header.database_id();
        let slot = header.newest_slot();
        let capacity = (region.len() - header::RING) as u64;
        let mut published = slot.as_ref().map(|slot| slot.published).unwrap_or_default();
        // Beside the slots nothing has a checksum: a position that cannot be is no position. The database may be
        // ahead by what a damaged slot published.
        let possible = |at: &u64| at.is_multiple_of(8) && at.abs_diff(published.tail) <= capacity;
        let known = [Some(header.head()), stored_position(header.journal_id())];
        let head = known.into_iter().flatten().filter(possible).max().unwrap_or(published.tail);
        let head = head.max(published.floor);
        let tail = published.tail.max(head);
        if let Some(slot) = slot {
            found.ahead_of_store = published.revision > header.stored_revision();
            found.memory = Some(slot.payload.to_vec());
        }
        found.crashed = header.crash_mark();
        let reader = Reader::new(Arc::clone(&region), head);
        let end = reader.valid_end(tail);
        found.torn = end < tail;
        reader.advance(head);
        published.tail = end;
        let writer = Writer::new(region, lock, end, published);
        Ok(Self { writer, reader, found })
    }
}
