//! Opening: database, journal, session store and engine are put together. It happens on the worker's thread, where
//! the host's session store is called.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, OnceLock};

use uuid::Uuid;

use crate::callback::Cause;
use crate::config::Config;
use crate::database::{Database, Loaded, MemoryDatabase};
use crate::delivery::{Destination, Sender};
use crate::error::Result;
use crate::ids::SessionId;
use crate::journal::{self, Found, Journal, fork};
use crate::session::{Engine, Memory, Opening, SessionRecord, Settings, State};

use super::Shared;
use super::callbacks::Callbacks;
use super::commit::{self, Committer, guarded, lock};
use super::contexts::Contexts;
use super::core::Core;
use super::mail::Mail;
use super::manual::Manual;
use super::queue::{Setting, TrackerQueue};
use super::senders::{Carrier, Senders};
use super::snapshot::Snapshot;
use super::wake::Wake;

/// Puts a tracker together.
pub(super) fn assemble(config: &Config) -> Result<(Arc<Shared>, Committer)> {
    fork::watch();
    let (mut database, path) = open_database(config)?;
    let loaded = database.load()?;
    let destinations = config.delivery.destinations()?;
    let names: Vec<&str> = destinations.iter().map(Destination::name).collect();
    let mut ledger = database.attach(&names)?;
    let mut journal = open_journal(config, path.as_deref(), &loaded)?;
    let survives_kill = journal.found.survives_kill;
    let recalled = recall(config, &loaded, &mut journal.found, database.as_mut())?;
    if ledger.held_rows() > 0 {
        ledger = database.hold_only(&may_crash(&recalled.memory, &journal))?;
    }
    let now = config.clock.now();
    let opening = Opening {
        now,
        boot_id: config.clock.boot_id(),
        in_background: config.starts_in_background,
        crashed: journal.found.crashed,
    };
    let (engine, facts) = Engine::open(config.rules.clone(), recalled.memory, opening);
    let marker = journal.writer.crash_marker();
    journal.writer.set_open_session(engine.open_session().map_or(0, |session| session.index));
    let snapshot = Snapshot::new(&engine.session());
    let callbacks = Arc::new(Callbacks::new(&config.callbacks, config.logger.clone()));
    let (clock, ids) = (Arc::clone(&config.clock), Arc::clone(&config.ids));
    let mut core =
        Core::new(engine, journal.writer, clock, ids, ledger, Arc::clone(&callbacks), config.trail);
    let mut erased = 0;
    if recalled.outdated {
        erased = core.forget_journal(&snapshot);
        journal.reader.seek(core.writer.as_ref().map_or(0, |writer| writer.tail()));
    }
    core.record(&facts, Cause::Opening, now.wall);
    core.publish(true, &snapshot);
    if let Some(writer) = &core.writer {
        writer.clear_crash_mark();
    }
    let database = Arc::new(Mutex::new(database));
    let shared = Arc::new(Shared {
        core: Mutex::new(core),
        snapshot,
        space: Condvar::new(),
        answered: Condvar::new(),
        callbacks,
        contexts: Contexts::new(&config.contexts),
        lifecycle_events: config.lifecycle_events,
        stalled: AtomicBool::new(false),
        wake: Wake::default(),
        mail: Mail::default(),
        marker,
        database: Arc::downgrade(&database),
        forks: fork::generation(),
        full_wait: config.full_wait,
        survives_kill,
        setting: Setting::new(config, &destinations),
        senders: Senders::new(destinations.len()),
        manual: OnceLock::new(),
        worker: Mutex::new(None),
    });
    let committer = Committer {
        reader: journal.reader,
        database,
        store: config.session_store.clone(),
        logger: config.logger.clone(),
        stored_revision: None,
        erased,
        destinations,
    };
    Ok((shared, committer))
}

/// Puts the senders to work.
pub(super) fn start_delivery(config: &Config, shared: &Arc<Shared>) -> Result<()> {
    let queue = TrackerQueue(Arc::downgrade(shared));
    let destinations = config.delivery.destinations()?.into_iter().enumerate();
    let senders = destinations.map(|(index, destination)| Sender::new(destination, index, &queue));
    let senders = senders.collect::<Result<Vec<_>>>()?;
    if config.delivery.manual {
        let _ = shared.manual.set(Arc::new(Manual::new(senders, queue)));
        return Ok(());
    }
    if senders.is_empty() {
        return Ok(());
    }
    let transport = config.delivery.transport()?;
    for (sender, post) in senders.into_iter().zip(&shared.senders.posts) {
        let (queue, transport, post) = (queue.clone(), Arc::clone(&transport), Arc::clone(post));
        shared.senders.start(Carrier {
            sender,
            queue,
            transport,
            post,
            timeout: config.delivery.request_timeout,
        })?;
    }
    Ok(())
}

fn open_database(config: &Config) -> Result<(Box<dyn Database>, Option<PathBuf>)> {
    match &config.path {
        None => Ok((Box::new(MemoryDatabase::new(config.caps, config.ids.uuid())), None)),
        #[cfg(feature = "_sqlite")]
        Some(path) => {
            let database =
                crate::database::sqlite::SqliteDatabase::open(&crate::database::sqlite::Opening {
                    path,
                    namespace: &config.namespace,
                    caps: config.caps,
                    fresh: [config.ids.uuid(), config.ids.uuid()],
                    now: config.clock.now().wall,
                    logger: &config.logger,
                })?;
            // Two names of one file are one file, so its journal must have one name.
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            Ok((Box::new(database), Some(path)))
        }
        #[cfg(not(feature = "_sqlite"))]
        Some(_) => Err(crate::error::invalid("this build has no SQLite")),
    }
}

fn open_journal(config: &Config, path: Option<&Path>, loaded: &Loaded) -> Result<Journal> {
    let path = path.map(|path| journal_path(path, &config.namespace));
    let options = journal::Options {
        path: path.as_deref(),
        capacity: config.journal_bytes,
        fresh_id: config.ids.uuid().as_u64_pair().1,
        database_id: if loaded.database_id == 0 { config.ids.uuid().as_u128() } else { loaded.database_id },
        adopt: loaded.database_id == 0,
        logger: &config.logger,
    };
    let journal =
        Journal::open(&options, |id| loaded.journal.filter(|(number, _)| *number == id).map(|(_, at)| at))?;
    if journal.found.torn {
        config.logger.error(|| "the journal ends in a damaged record; what lay behind it is lost".into());
    }
    Ok(journal)
}

/// The journal of a namespace: beside the database, under a name that every file system takes. Plain names are kept
/// readable; any other becomes its UUIDv5.
#[cfg_attr(not(feature = "_sqlite"), allow(dead_code))]
pub(super) fn journal_path(database: &Path, namespace: &str) -> PathBuf {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_');
    let name = if namespace.len() <= 64 && namespace.bytes().all(plain) {
        namespace.to_owned()
    } else {
        // `~` is in no plain name.
        format!("~{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, namespace.as_bytes()).simple())
    };
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".{name}.journal"));
    path.into()
}

/// The sessions that may still turn out to have crashed: the last one, and those whose end is not stored yet.
fn may_crash(memory: &Memory, journal: &Journal) -> Vec<SessionId> {
    let last = memory.state.record().map(|session| session.id.clone());
    let tail = journal.writer.tail();
    last.into_iter().chain(commit::crashed_before(&journal.reader, tail)).collect()
}

/// What is remembered of the processes before.
struct Recalled {
    memory: Memory,
    /// The journal is from before an erasure by another tracker: nothing of it may be stored.
    outdated: bool,
}

/// Brings together what the journal, the database and the session store remember.
fn recall(
    config: &Config,
    loaded: &Loaded,
    found: &mut Found,
    database: &mut dyn Database,
) -> Result<Recalled> {
    let mut in_journal =
        found.memory.take().and_then(|bytes| Memory::decode(&mut crate::encoding::Take(&bytes)));
    let outdated = in_journal
        .as_ref()
        .is_some_and(|memory| erased_since(&memory.settings, loaded.database_id, loaded.user_id));
    if let Some(memory) = in_journal.as_mut().filter(|_| outdated) {
        config.logger.info(|| {
            "the database was erased by another tracker: what the journal holds is forgotten".into()
        });
        memory.state = State::None;
        memory.settings.erase(loaded.user_id);
    }
    let mut settings = match &in_journal {
        Some(memory) => memory.settings.clone(),
        None => stored_settings(config, loaded),
    };
    agree_on_ids(config, loaded, found.database_id, &mut settings, database)?;
    // The ledger knows more only if the journal is an older one than the database.
    settings.sequence = settings.sequence.max(loaded.ledger.accepted());
    let ahead = in_journal.is_some() && found.ahead_of_store;
    let from_journal = in_journal.and_then(|memory| memory.state.record().cloned());
    let stored = if settings.erasing || outdated {
        // What an unfinished erasure has left in the files is not there any more.
        Stored::None
    } else if config.session_store.is_none() && loaded.journal.is_none() {
        // A file that was begun anew cannot tell that there is no session.
        Stored::Unreadable
    } else {
        stored_session(config, database)
    };
    let record = match (from_journal, stored) {
        // Of the same session the fresher copy: the journal's, unless a store of the host's was used elsewhere, too.
        (Some(fresh), Stored::Session(stored)) if fresh.id == stored.id => {
            Some(if stored.event_index > fresh.event_index { *stored } else { fresh })
        }
        // The store has not got what came last (be it that all was erased), or cannot be read.
        (fresh, _) if ahead => fresh,
        (fresh, Stored::Unreadable) => fresh,
        (_, Stored::None) => None,
        (_, Stored::Session(stored)) => Some(*stored),
    };
    if let Some(record) = record.as_ref().filter(|record| record.index >= settings.last_index) {
        settings.last_index = record.index;
        settings.last_id = Some(record.id.clone());
    }
    Ok(Recalled { memory: Memory { state: State::from_record(record), settings }, outdated })
}

/// Only an erasure gives a database another user id.
pub(super) fn erased_since(in_journal: &Settings, database_id: u128, user_id: Uuid) -> bool {
    let unknown = in_journal.user_id.is_nil() || user_id.is_nil() || database_id == 0;
    !unknown && !in_journal.erasing && in_journal.user_id != user_id
}

fn stored_settings(config: &Config, loaded: &Loaded) -> Settings {
    let Some(text) = &loaded.settings else { return Settings::default() };
    serde_json::from_str(text).unwrap_or_else(|e| {
        config.logger.warn(|| format!("the settings of the namespace are damaged and begun anew: {e}"));
        Settings::default()
    })
}

/// The database has the user id, for all its namespaces; but one that had to be made anew takes over what the journal
/// knows.
fn agree_on_ids(
    config: &Config,
    loaded: &Loaded,
    journals_database: u128,
    settings: &mut Settings,
    database: &mut dyn Database,
) -> Result<()> {
    if loaded.database_id != 0 && !loaded.user_id.is_nil() {
        if !settings.erasing {
            settings.user_id = loaded.user_id;
        }
        return Ok(());
    }
    let candidates = [settings.user_id, loaded.user_id];
    let known = candidates.into_iter().find(|id| !id.is_nil());
    settings.user_id = known.unwrap_or_else(|| config.ids.uuid());
    database.set_ids(journals_database, settings.user_id)
}

enum Stored {
    None,
    Session(Box<SessionRecord>),
    Unreadable,
}

/// What the session store says. A damaged record costs that record alone.
fn stored_session(config: &Config, database: &mut dyn Database) -> Stored {
    let answer = match &config.session_store {
        Some(store) => guarded(|| store.get_session()),
        None => database.session(),
    };
    let parsed = answer.and_then(|text| text.map(|text| SessionRecord::from_json(&text)).transpose());
    match parsed {
        Ok(None) => Stored::None,
        Ok(Some(record)) => Stored::Session(Box::new(record)),
        Err(e) => {
            config.logger.warn(|| format!("the stored session is left aside: {e}"));
            Stored::Unreadable
        }
    }
}

/// The database, for readers other than the worker.
pub(super) fn with_database<T>(
    shared: &Shared,
    read: impl FnOnce(&mut dyn Database) -> Result<T>,
) -> Result<T> {
    let database = shared.database.upgrade().ok_or_else(super::core::closed)?;
    let mut database = lock(&database);
    read(database.as_mut())
}
