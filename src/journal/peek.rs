//! Looking at a journal that may be another process's, which may be writing it meanwhile. The file is only read: no
//! lock, no mapping. The checksums tell what is whole.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;

use super::header::{SLOT, SLOT_HEAD, Slot, WORDS, owner, slot_at};

/// What a journal said.
#[derive(Debug, PartialEq)]
pub(crate) struct Glimpse {
    /// The database it belongs to.
    pub database_id: u128,
    /// The engine's memory as of the last published step.
    pub memory: Vec<u8>,
}

/// One look finds both slots whole at least every other time, however fast they are written.
const ATTEMPTS: usize = 1_000;

/// The journal of that name; none if there is none, or nothing whole in it, or it cannot be read (Windows keeps others
/// from reading a locked file).
pub(crate) fn peek(path: &Path) -> Option<Glimpse> {
    let mut file = File::open(path).ok()?;
    let mut page = [0; WORDS];
    file.read_exact(&mut page).ok()?;
    let database_id = owner(&page, file.metadata().ok()?.len())?;
    Some(Glimpse { database_id, memory: newest(&mut file)? })
}

/// The memory that was published last. Of two slots that are whole the newer one is no older than the beginning of this
/// look. If only one is, the other may have been overtaken twice meanwhile: then it is looked again, until nothing has
/// changed since the last time.
fn newest(file: &mut File) -> Option<Vec<u8>> {
    let mut before = None;
    for _ in 0..ATTEMPTS {
        let bytes = [read_slot(file, 0).ok()?, read_slot(file, 1).ok()?];
        let slots = bytes.each_ref().map(|bytes| Slot::parse(bytes));
        let all = slots.iter().all(Option::is_some);
        if all || before.as_ref() == Some(&bytes) {
            let newest = slots.into_iter().flatten().max_by_key(|slot| slot.published.generation);
            return newest.map(|slot| slot.payload.to_vec());
        }
        before = Some(bytes);
    }
    None
}

/// A slot, as much of it as is used: the less is read, the more rarely it is changed meanwhile.
fn read_slot(file: &mut File, number: u64) -> Result<Vec<u8>> {
    const USUALLY: usize = 1_024;
    file.seek(SeekFrom::Start(slot_at(number) as u64))?;
    let mut bytes = vec![0; USUALLY];
    file.read_exact(&mut bytes)?;
    let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
    let used = SLOT_HEAD.saturating_add(length).min(SLOT);
    if used > USUALLY {
        bytes.resize(used, 0);
        file.read_exact(&mut bytes[USUALLY..])?;
    }
    Ok(bytes)
}
