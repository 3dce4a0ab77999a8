//! The session of a namespace that is another process's, or nobody's: read without opening it.

use std::path::Path;

use crate::error::{Result, invalid};
use crate::event::limits;
use crate::session::Session;
#[cfg(feature = "_sqlite")]
use crate::{
    database::sqlite::{self, Peeked},
    encoding::Take,
    error::Error,
    journal::{self, Glimpse},
    session::{Memory, SessionRecord, State},
};

use super::Tracker;
#[cfg(feature = "_sqlite")]
use super::open::{erased_since, journal_path};

impl Tracker {
    /// The session of a namespace, read from the files: for a helper process that stamps its own data with the id and
    /// the index of the main process's session, say, or shows whether it is online. The namespace may be open in another
    /// process, in this one, or in none; whoever has it or opens it does not notice. Nothing is written and no file is
    /// made. What it gives is as new as the last call of the owner that returned.
    ///
    /// An owner that closed, or was killed, leaves its session open: it may go on after a restart (S9). While one lives,
    /// [`Session::last_seen_at`] is kept to within a second: an open session that was seen in the last few seconds belongs
    /// to a process that lives.
    ///
    /// Takes about a tenth of a millisecond: opens, reads and closes the files; waits at most a quarter of a second where
    /// another program keeps the database locked. Any thread may call it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io): there is no such file, or it cannot be read;
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument): the path or the name is empty, there is no such
    /// namespace in the file, or this build has no SQLite; [`ErrorKind::TooNew`](crate::ErrorKind::TooNew) and
    /// [`ErrorKind::ForeignDatabase`](crate::ErrorKind::ForeignDatabase) as for [`Tracker::open`];
    /// [`ErrorKind::Database`](crate::ErrorKind::Database): it is damaged, or no database; it stays where it is.
    pub fn peek(path: impl AsRef<Path>, namespace: &str) -> Result<Session> {
        limits::name("the namespace", namespace, limits::NAMESPACE)?;
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            return Err(invalid("the path of the database is empty"));
        }
        look(path, namespace)
    }
}

#[cfg(not(feature = "_sqlite"))]
fn look(_path: &Path, _namespace: &str) -> Result<Session> {
    Err(invalid("this build has no SQLite (feature `sqlite`): there are no files to look at"))
}

#[cfg(feature = "_sqlite")]
fn look(path: &Path, namespace: &str) -> Result<Session> {
    let path = std::fs::canonicalize(path).map_err(|e| Error::file("open the database", path, e))?;
    // The journal first: should the owner erase everything in between, the database knows of it.
    let seen = journal::peek(&journal_path(&path, namespace));
    let stored = sqlite::peek(&path, namespace)?
        .ok_or_else(|| invalid(format!("there is no namespace {namespace:?} in {}", path.display())))?;
    Ok(bring_together(seen, &stored).session())
}

/// As opening does it (see `open`), but for a store of the host's, which is not there to be asked.
#[cfg(feature = "_sqlite")]
fn bring_together(seen: Option<Glimpse>, stored: &Peeked) -> Memory {
    let database_id = stored.database_id.as_u128();
    let ours = seen.filter(|seen| database_id == 0 || seen.database_id == database_id);
    let in_journal = ours.and_then(|seen| Memory::decode(&mut Take(&seen.memory)));
    let mut memory = in_journal.unwrap_or_else(|| Memory {
        // What is damaged costs itself alone.
        state: State::from_record(SessionRecord::from_json(&stored.session).ok()),
        settings: serde_json::from_str(&stored.settings).unwrap_or_default(),
    });
    if erased_since(&memory.settings, database_id, stored.user_id) {
        memory.state = State::None;
        memory.settings.erase(stored.user_id);
    }
    if !stored.user_id.is_nil() && !memory.settings.erasing {
        memory.settings.user_id = stored.user_id;
    }
    memory
}
