//! One commit: what is in the journal goes into the database, in one transaction, and the session into its store.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::database::{Batch, Committed, Database};
use crate::error::Result;
use crate::journal::Reader;
use crate::log::Logger;
use crate::session::{SessionRecord, Settings, State};
use crate::store::SessionStore;

use super::Shared;
use super::core::{ENDED, EVENT};

/// Events of one transaction at the most: a larger one would keep callers waiting for space in a full journal.
const MOST_EVENTS: usize = 4_000;

/// The worker's tools for storing.
pub(super) struct Committer {
    pub reader: Reader,
    pub database: Arc<Mutex<Box<dyn Database>>>,
    /// A store of the host's; without one the session goes into the database.
    pub store: Option<Arc<dyn SessionStore>>,
    pub logger: Logger,
    /// The revision of the session that the store has.
    pub stored_revision: Option<u64>,
    /// Events that an erasure took from the journal, not yet in the ledger.
    pub erased: u64,
    /// The database is erased, but the host's store could not delete its session yet.
    pub database_erased: bool,
}

/// What the core looks like at the beginning of a commit.
struct Target {
    tail: u64,
    revision: u64,
    settings: Settings,
    state: State,
    now: i64,
}

/// A part of the journal, ready to be stored.
struct Part<'a> {
    events: Vec<&'a [u8]>,
    ended: Vec<SessionRecord>,
    end: u64,
}

impl Committer {
    /// Stores everything that was tracked before the call.
    pub fn commit(&mut self, shared: &Shared) -> Result<()> {
        self.finish_erasure(shared)?;
        let Some(target) = target(shared) else { return Ok(()) };
        let session = target.state.record().map(SessionRecord::to_json);
        while self.reader.head() < target.tail || self.stored_revision != Some(target.revision) {
            let part = collect(&self.reader, target.tail);
            let whole = part.end >= target.tail;
            let batch = Batch {
                events: &part.events,
                ended: &part.ended,
                settings: &target.settings,
                session: session.as_deref().filter(|_| self.store.is_none()),
                journal: (self.reader.journal_id(), part.end),
                now: target.now,
                lost: if whole { self.lost(shared, &target, part.events.len()) } else { 0 },
                erased: self.erased,
            };
            let end = part.end;
            let committed = lock(&self.database).commit(&batch)?;
            match committed {
                Committed::Done(ledger) => shared.lock().ledger = ledger,
                Committed::Erased(user_id) => {
                    self.logger.info(|| "the database was erased by another tracker: sessions and events are forgotten here, too".into());
                    self.forget(shared, user_id);
                    return self.commit(shared);
                }
            }
            self.erased = 0;
            self.reader.seek(end);
            shared.space.notify_all();
            if whole {
                self.store_session(session.as_deref())?;
                self.stored_revision = Some(target.revision);
                self.reader.set_stored_revision(target.revision);
            }
        }
        Ok(())
    }

    /// Events that were accepted and are nowhere: a torn journal, a database that was moved aside.
    fn lost(&self, shared: &Shared, target: &Target, in_batch: usize) -> u64 {
        let known = shared.lock().ledger.accepted() + in_batch as u64;
        let lost = target.settings.sequence.saturating_sub(known);
        if lost > 0 {
            self.logger.error(|| format!("{lost} events were lost with a damaged file or with power"));
        }
        lost
    }

    fn store_session(&self, session: Option<&str>) -> Result<()> {
        match (&self.store, session) {
            (None, _) => Ok(()),
            (Some(store), Some(json)) => store.set_session(json),
            (Some(store), None) => store.delete_session(),
        }
    }

    /// Forgets everything in the journal and the engine at once (S19); the files follow with the next commit.
    pub fn begin_erasure(&mut self, shared: &Shared) {
        let user_id = {
            let mut core = shared.lock();
            core.engine.set_erasing(true);
            core.ids.uuid()
        };
        self.database_erased = false;
        self.forget(shared, user_id);
    }

    fn forget(&mut self, shared: &Shared, user_id: Uuid) {
        let mut core = shared.lock();
        self.erased += core.erase(user_id, &shared.snapshot);
        let tail = core.writer.as_ref().map_or(0, |writer| writer.tail());
        self.reader.seek(tail);
    }

    /// Carries out an erasure that was asked for, now or before the last kill.
    fn finish_erasure(&mut self, shared: &Shared) -> Result<()> {
        let Some(user_id) = erasing(shared) else { return Ok(()) };
        // Once only, however often the store fails: what other namespaces have stored since is not to be erased.
        if !self.database_erased {
            let ledger = lock(&self.database).erase(user_id)?;
            let mut core = shared.lock();
            core.ledger = ledger;
            core.ledger.dropped.erased += self.erased;
            self.database_erased = true;
        }
        if let Some(store) = &self.store {
            store.delete_session()?;
        }
        self.database_erased = false;
        let mut core = shared.lock();
        core.engine.set_erasing(false);
        core.publish(true, &shared.snapshot);
        Ok(())
    }
}

fn erasing(shared: &Shared) -> Option<Uuid> {
    let core = shared.lock();
    let settings = &core.engine.memory().settings;
    settings.erasing.then_some(settings.user_id)
}

fn target(shared: &Shared) -> Option<Target> {
    let core = shared.lock();
    let writer = core.writer.as_ref()?;
    let memory = core.engine.memory().clone();
    let now = core.clock.now().wall;
    Some(Target {
        tail: writer.tail(),
        revision: writer.revision(),
        settings: memory.settings,
        state: memory.state,
        now,
    })
}

fn collect(reader: &Reader, tail: u64) -> Part<'_> {
    let mut part = Part { events: Vec::new(), ended: Vec::new(), end: reader.head() };
    while part.events.len() < MOST_EVENTS {
        let Some(entry) = reader.entry(part.end, tail) else {
            // Behind a record that is damaged in memory nothing can be found any more; the ledger will miss it.
            part.end = tail;
            break;
        };
        match entry.kind {
            EVENT => part.events.push(entry.payload),
            ENDED => part.ended.extend(SessionRecord::decode(&mut crate::encoding::Take(entry.payload))),
            _ => {}
        }
        part.end = entry.end;
    }
    part
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing behind our locks is left half done by a panic: each change is one assignment or one transaction.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
