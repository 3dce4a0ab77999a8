//! One commit: what is in the journal goes into the database, in one transaction, and the session into its store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::database::{Batch, Committed, Database, Entry, Fact, FactKind, StartCount};
use crate::delivery::Destination;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::SessionId;
use crate::journal::{Reader, Record};
use crate::log::Logger;
use crate::protocol::Item;
use crate::session::{EndReason, SessionRecord, Settings, State};
use crate::store::SessionStore;

use super::Shared;
use super::core::{BEGAN, ENDED, EVENT};

/// Events of one transaction at the most: a larger one would keep callers waiting for space in a full journal.
const MOST_EVENTS: usize = 4_000;

/// How old an end may be to be told live, in milliseconds.
const LIVE_MS: i64 = 10_000;

/// The worker's tools for storing.
pub(super) struct Committer {
    pub reader: Reader,
    pub database: Arc<Mutex<Box<dyn Database>>>,
    /// A store of the host's; without one the session goes into the database.
    pub store: Option<Arc<dyn SessionStore>>,
    pub logger: Logger,
    /// The revision of the session that the store has.
    pub stored_revision: Option<u64>,
    /// Events that an erasure by another tracker took from the journal, not yet in the ledger.
    pub erased: u64,
    /// Who takes which starts and ends of sessions.
    pub destinations: Vec<Destination>,
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
    entries: Vec<Entry<'a>>,
    events: usize,
    end: u64,
    /// Sessions that ended just now.
    closed: Vec<SessionId>,
}

impl Committer {
    /// Stores everything that was tracked before the call. `look` at the database even if there is nothing to store:
    /// another tracker may have erased it. Gives whether there was anything to store.
    pub fn commit(&mut self, shared: &Shared, look: bool) -> Result<bool> {
        self.finish_erasure(shared)?;
        let mut stored = false;
        let mut look = look && lock(&self.database).is_changed();
        let Some(target) = target(shared) else { return Ok(false) };
        let session = target.state.record().map(SessionRecord::to_json);
        while std::mem::take(&mut look)
            || self.reader.head() < target.tail
            || self.stored_revision != Some(target.revision)
        {
            let part = self.collect(&target);
            let whole = part.end >= target.tail;
            let lost = if whole { lost(shared, &target, part.events) } else { 0 };
            let batch = Batch {
                entries: &part.entries,
                settings: &target.settings,
                session: session.as_deref().filter(|_| self.store.is_none()),
                journal: (self.reader.journal_id(), part.end),
                now: target.now,
                lost,
                erased: self.erased,
            };
            let (end, closed) = (part.end, part.closed);
            let database = Arc::clone(&self.database);
            let mut database = lock(&database);
            let ledger = match database.commit(&batch)? {
                Committed::Done(ledger) => ledger,
                Committed::Erased(user_id) => {
                    drop(database);
                    self.logger.info(|| "the database was erased by another tracker: sessions and events are forgotten here, too".into());
                    self.erased += self.forget(shared, user_id, false);
                    return self.commit(shared, false);
                }
            };
            closed.into_iter().for_each(|session| shared.beat(session, true));
            if lost > 0 {
                self.logger.error(|| format!("{lost} events were lost with a damaged file or with power"));
            }
            self.erased = 0;
            stored = true;
            {
                // With the database still locked, so that no older ledger comes after a newer one.
                let mut core = shared.lock();
                core.ledger = ledger;
                self.reader.seek(end);
                shared.has_space();
            }
            drop(database);
            if whole {
                self.store_session(session.as_deref())?;
                self.stored_revision = Some(target.revision);
                self.reader.set_stored_revision(target.revision);
            }
        }
        Ok(stored)
    }

    /// The next part of the journal.
    fn collect(&self, target: &Target) -> Part<'_> {
        let (head, tail) = (self.reader.head(), target.tail);
        let mut part = Part { entries: Vec::new(), events: 0, end: head, closed: Vec::new() };
        let mut counts = Vec::new();
        while part.events < MOST_EVENTS {
            let Some(entry) = self.reader.entry(part.end, tail) else {
                // Behind a record that is damaged in memory nothing can be found any more; the ledger will miss it.
                part.end = tail;
                break;
            };
            match entry.kind {
                EVENT => {
                    part.entries.push(Entry::Event(entry.payload));
                    part.events += 1;
                }
                BEGAN => {
                    let fact = self.fact(FactKind::Began, entry.payload);
                    fact.iter().for_each(|fact| count_start(fact, target.now, &mut counts));
                    part.entries.extend(fact);
                }
                ENDED => {
                    let fact = self.fact(FactKind::Ended, entry.payload);
                    part.closed.extend(fact.as_ref().and_then(|fact| closed_now(fact, target.now)));
                    part.entries.extend(fact);
                }
                _ => {}
            }
            part.end = entry.end;
        }
        part.entries.extend(counts.into_iter().filter(|count| self.is_wanted(count)).map(Entry::Count));
        part
    }

    /// A destination takes counts of sessions.
    fn is_wanted(&self, count: &StartCount) -> bool {
        let item = Item::SessionCount(count.clone().into());
        self.destinations.iter().any(|destination| destination.takes(&item))
    }

    fn fact<'a>(&self, kind: FactKind, payload: &[u8]) -> Option<Entry<'a>> {
        let (at, session) = decode_fact(payload)?;
        let item = match kind {
            FactKind::Began => Item::SessionStart(Box::new(session.clone())),
            FactKind::Ended => Item::SessionEnd { record: Box::new(session.clone()), noticed_at: at },
        };
        let owed = self.destinations.iter().any(|destination| destination.takes(&item));
        Some(Entry::Fact(Box::new(Fact { kind, at, session, owed })))
    }

    fn store_session(&self, session: Option<&str>) -> Result<()> {
        match (&self.store, session) {
            (None, _) => Ok(()),
            (Some(store), Some(json)) => guarded(|| store.set_session(json)),
            (Some(store), None) => guarded(|| store.delete_session()),
        }
    }

    /// Forgets everything in the journal and the engine at once (S19); the files follow with the next commit.
    pub fn begin_erasure(&mut self, shared: &Shared) {
        let user_id = shared.lock().ids.uuid();
        shared.senders.hush();
        // They are counted with the files.
        let _ = self.forget(shared, user_id, true);
    }

    /// `erasing`: the files are still to be cleaned. That and the new user id become true in one step, whenever a
    /// kill comes. Gives how many events were in the journal only.
    fn forget(&mut self, shared: &Shared, user_id: Uuid, erasing: bool) -> u64 {
        let mut core = shared.lock();
        core.engine.set_erasing(erasing);
        let forgotten = core.erase(user_id, &shared.snapshot);
        let tail = core.writer.as_ref().map_or(0, |writer| writer.tail());
        self.reader.seek(tail);
        shared.has_space();
        forgotten
    }

    /// Carries out an erasure that was asked for, now or before the last kill. A store of the host's follows with the
    /// commit.
    fn finish_erasure(&mut self, shared: &Shared) -> Result<()> {
        let Some(target) = target(shared).filter(|target| target.settings.erasing) else { return Ok(()) };
        // What was tracked since then is in the journal and goes on; the rest is gone, also if a process before took
        // it out.
        let accepted = target.settings.sequence.saturating_sub(self.events_before(target.tail));
        let mut database = lock(&self.database);
        let ledger = database.erase(target.settings.user_id, accepted)?;
        let mut core = shared.lock();
        core.ledger = ledger;
        core.engine.set_erasing(false);
        core.publish(true, &shared.snapshot);
        Ok(())
    }

    fn events_before(&self, tail: u64) -> u64 {
        pending(&self.reader, tail).filter(|entry| entry.kind == EVENT).count() as u64
    }
}

/// Counts the start of a scope's session by its minute (S21).
fn count_start(entry: &Entry<'_>, now: i64, counts: &mut Vec<StartCount>) {
    const MINUTE: i64 = 60_000;
    let Entry::Fact(fact) = entry else { return };
    let session = &fact.session;
    if !session.scope || session.sampled_out {
        return;
    }
    let started_at = session.started_at.wall.div_euclid(MINUTE).saturating_mul(MINUTE);
    let (user_id, app_version) = (session.user_id, &session.app_version);
    let is_alike = |count: &&mut StartCount| {
        (count.started_at, count.user_id, &count.app_version) == (started_at, user_id, app_version)
    };
    match counts.iter_mut().find(is_alike) {
        Some(count) => count.sessions_started += 1,
        None => {
            let app_version = app_version.clone();
            counts.push(StartCount { started_at, sessions_started: 1, user_id, app_version, at: now });
        }
    }
}

/// The session, if it ended at the moment when that was noticed, and that was just now: receivers can be told live (S13).
/// What timed out ended earlier, and what a process before left behind is no news.
fn closed_now(entry: &Entry<'_>, now: i64) -> Option<SessionId> {
    let Entry::Fact(fact) = entry else { return None };
    let just_now =
        fact.session.ended_at == Some(fact.at) && (0..=LIVE_MS).contains(&now.saturating_sub(fact.at));
    (just_now && !fact.session.sampled_out).then(|| fact.session.id.clone())
}

/// What is in the journal and not stored yet.
fn pending(reader: &Reader, tail: u64) -> impl Iterator<Item = Record<'_>> {
    let mut position = reader.head();
    std::iter::from_fn(move || {
        let entry = reader.entry(position, tail)?;
        position = entry.end;
        Some(entry)
    })
}

/// The sessions whose end by a crash is not stored yet.
pub(super) fn crashed_before(reader: &Reader, tail: u64) -> impl Iterator<Item = SessionId> {
    let ends = pending(reader, tail).filter(|entry| entry.kind == ENDED);
    let sessions = ends.filter_map(|entry| decode_fact(entry.payload)).map(|(_, session)| session);
    sessions.filter(|session| session.end_reason == Some(EndReason::Crashed)).map(|session| session.id)
}

/// When a session began or ended, and the session.
fn decode_fact(payload: &[u8]) -> Option<(i64, SessionRecord)> {
    let mut from = crate::encoding::Take(payload);
    Some((from.i64()?, SessionRecord::decode(&mut from)?))
}

/// Events that were accepted and are nowhere: a torn journal, a database that was moved aside.
fn lost(shared: &Shared, target: &Target, in_batch: usize) -> u64 {
    let known = shared.lock().ledger.accepted() + in_batch as u64;
    target.settings.sequence.saturating_sub(known)
}

/// A call to a store of the host's. One that panics must not take the worker down with it.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Store, "the host's session store panicked")))
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

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing behind our locks is left half done by a panic: each change is one assignment or one transaction.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
