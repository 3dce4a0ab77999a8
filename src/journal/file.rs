//! The file of a journal: created whole, locked, mapped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use memmap2::MmapMut;

use super::Options;
use super::header::{Header, RING};
use super::region::Region;
use crate::error::{Error, ErrorKind, Result};

/// Keeps other processes and trackers out of a namespace as long as it lives. It has a descriptor of its own, which a
/// forked child can close without touching the mapping.
pub(crate) struct Lock {
    #[cfg_attr(not(unix), allow(dead_code))]
    file: File,
}

impl Lock {
    fn take(path: &Path) -> Result<Self> {
        let file = open_file(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message =
                    format!("the namespace is open already, here or in another process ({})", path.display());
                return Err(Error::new(ErrorKind::NamespaceInUse, message));
            }
            Err(TryLockError::Error(e)) => return Err(Error::file("lock", path, e)),
        }
        #[cfg(unix)]
        super::fork::hold(std::os::fd::AsRawFd::as_raw_fd(&file));
        Ok(Self { file })
    }
}

#[cfg(unix)]
impl Drop for Lock {
    fn drop(&mut self) {
        super::fork::let_go(std::os::fd::AsRawFd::as_raw_fd(&self.file));
    }
}

/// The memory of the journal that is asked for, and the lock on its file if it has one.
pub(super) fn open(options: &Options<'_>) -> Result<(Region, Option<Lock>)> {
    let Some(path) = options.path else { return Ok((in_memory(options), None)) };
    let lock = Lock::take(path)?;
    let mut file = open_file(path)?;
    if let Some(region) = existing(&file, options) {
        return Ok((region, Some(lock)));
    }
    preallocate(&mut file, path, (RING + options.capacity) as u64)?;
    let region = match map(&file) {
        Ok(map) => Region::mapped(map),
        Err(e) => {
            options.logger.warn(|| {
                format!(
                    "{} cannot be mapped ({e}): events since the last commit do not survive a kill",
                    path.display()
                )
            });
            return Ok((in_memory(options), Some(lock)));
        }
    };
    Header::new(&region).initialize(options.fresh_id, options.database_id);
    Ok((region, Some(lock)))
}

fn open_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    // What users do is nobody else's business.
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| Error::file("open the journal", path, e))
}

fn in_memory(options: &Options<'_>) -> Region {
    let region = Region::heap(RING + options.capacity);
    Header::new(&region).initialize(options.fresh_id, options.database_id);
    region
}

/// A journal that an earlier process left, if it is whole and belongs to the database. Of what size it is does not
/// matter.
fn existing(file: &File, options: &Options<'_>) -> Option<Region> {
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    if length == 0 {
        return None;
    }
    let unusable = |why: &str| {
        options.logger.warn(|| format!("the journal {:?} is made anew: {why}", options.path));
        None
    };
    if length <= RING {
        return unusable("it is too short");
    }
    let region = Region::mapped(map(file).ok()?);
    let header = Header::new(&region);
    if !header.is_valid() {
        return unusable("its header is damaged");
    }
    if header.database_id() != options.database_id {
        if !options.adopt {
            return unusable("it belongs to another database");
        }
        if header.database_id() == 0 {
            header.set_database_id(options.database_id);
        }
    }
    Some(region)
}

/// Writes zeros over the whole length. Holes would cost nothing now and a fatal signal later, when the device is full.
fn preallocate(file: &mut File, path: &Path, length: u64) -> Result<()> {
    const CHUNK: usize = 64 * 1_024;
    let mut write = || {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        let zeros = [0u8; CHUNK];
        let mut left = length;
        while left > 0 {
            let chunk = left.min(CHUNK as u64);
            file.write_all(&zeros[..chunk as usize])?;
            left -= chunk;
        }
        Ok(())
    };
    write().map_err(|e| {
        // Give back what was taken of a device that is full.
        let _ = file.set_len(0);
        Error::file(&format!("reserve {length} bytes for the journal"), path, e)
    })
}

fn map(file: &File) -> std::io::Result<MmapMut> {
    // SAFETY: the file is ours: locked against other trackers, and written by nothing else. Its blocks are all there,
    // so no access can fail for want of space. Truncating it from outside would be a fault, as with every mapped
    // file.
    unsafe { MmapMut::map_mut(file) }
}

/// Empties the journal of a namespace that is not open. Gives whether it could.
///
/// # Errors
/// The file cannot be written.
#[cfg(any(feature = "_sqlite", test))]
pub(crate) fn wipe(path: &Path) -> Result<bool> {
    let lock = match Lock::take(path) {
        Ok(lock) => lock,
        Err(e) if e.kind() == ErrorKind::NamespaceInUse => return Ok(false),
        Err(e) => return Err(e),
    };
    let length = lock.file.metadata().map_err(|e| Error::file("read", path, e))?.len();
    let mut file = open_file(path)?;
    preallocate(&mut file, path, length)?;
    file.set_len(0).map_err(|e| Error::file("empty", path, e))?;
    Ok(true)
}
