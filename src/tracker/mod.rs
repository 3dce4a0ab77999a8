//! The tracker: what an app holds. It dispatches; the engine decides, the journal keeps, the worker stores.

mod commit;
mod core;
mod correlation;
mod mail;
mod manual;
mod open;
mod queue;
mod senders;
mod sessions;
mod snapshot;
mod storing;
mod wake;
mod worker;

pub use correlation::Link;
pub use manual::{NextRequest, PendingRequest};
pub use sessions::Resumed;
pub use storing::{DeliveryStats, Stats};

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::database::Database;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EncodedContexts, Event, encode_event, limits};
use crate::ids::EventId;
use crate::journal::{CrashMarker, fork};
use crate::session::{Answer, Input};
use core::{Core, Refusal};
use mail::Mail;
use manual::Manual;
use queue::Setting;
use senders::Senders;
use snapshot::Snapshot;
use wake::Wake;
use worker::Worker;

/// The longest that anything waits: more is more than `Instant` can tell everywhere.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What callers and the worker share.
struct Shared {
    core: Mutex<Core>,
    snapshot: Snapshot,
    /// Signalled when the journal has room again; goes with `core`.
    space: Condvar,
    /// A caller has waited for space in vain: until there is some, others are refused without waiting.
    stalled: AtomicBool,
    wake: Wake,
    mail: Mail,
    marker: CrashMarker,
    /// The worker's, which closes it when it stops: from then on there is nothing to read.
    database: Weak<Mutex<Box<dyn Database>>>,
    /// The fork generation of the process that opened it.
    forks: u32,
    full_wait: Duration,
    survives_kill: bool,
    setting: Setting,
    senders: Senders,
    /// Set if the host drives delivery.
    manual: OnceLock<Arc<Manual>>,
    /// Here and not in [`Tracker`], since a forked child must not let go of a thread that it has not.
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Core> {
        commit::lock(&self.core)
    }

    /// There is space in the journal again. Called behind the lock, so that no one who has just found it full misses
    /// this.
    fn has_space(&self) {
        self.stalled.store(false, Ordering::Relaxed);
        self.space.notify_all();
    }
}

/// Knows which session the user is in and keeps what happens there.
///
/// Every method may be called from any thread at any time. `track`, the session calls and reading wait neither for
/// the disk nor for the network. Dropping it closes it.
pub struct Tracker {
    shared: Arc<Shared>,
}

impl Tracker {
    /// Opens a tracker. Reads a few small things from the disk: about a millisecond for a database that exists.
    ///
    /// # Errors
    /// The namespace is open already ([`ErrorKind::NamespaceInUse`]); the file cannot be opened, is another
    /// application's, or newer than this library; there is no space for the journal; another program keeps the
    /// database locked for over two seconds.
    pub fn open(config: Config) -> Result<Self> {
        let (give, take) = mpsc::sync_channel(1);
        let work = move || match open::assemble(&config) {
            Err(e) => drop(give.send(Err(e))),
            Ok((shared, committer)) => {
                shared.wake.attach();
                let started = open::start_delivery(&config, &shared);
                let worker = Worker::new(Arc::clone(&shared), committer, config.commit_window);
                // Of the config only what works on is held from here on.
                drop(config);
                let failed = started.is_err();
                drop(give.send(started.map(|()| shared)));
                if failed { worker.stop() } else { worker.run() }
            }
        };
        let worker = std::thread::Builder::new()
            .name("sessio".into())
            .spawn(work)
            .map_err(|e| Error::with_source(ErrorKind::Io, "the worker thread cannot be started", e))?;
        let opened = take.recv().map_err(|e| Error::with_source(ErrorKind::Internal, "opening failed", e));
        let shared = opened.and_then(|opened| opened);
        match shared {
            Ok(shared) => {
                *commit::lock(&shared.worker) = Some(worker);
                shared.wake.pending();
                Ok(Self { shared })
            }
            Err(e) => {
                // Then nothing of the host's is held any more.
                let _ = worker.join();
                Err(e)
            }
        }
    }

    /// Tracks an event (S2). It has a stamp and survives the death of the process when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::Disabled`]; [`ErrorKind::TooLarge`] over [`limits::EVENT`] in all; [`ErrorKind::JournalFull`]
    /// after waiting at most the configured 10 ms, once until there is space again; [`ErrorKind::Closed`];
    /// [`ErrorKind::Forked`].
    pub fn track(&self, event: &Event) -> Result<EventId> {
        self.check_fork()?;
        with_scratch(|body| {
            encode_event(event, &EncodedContexts::default(), body);
            if body.len() > limits::EVENT {
                return Err(limits::too_large("the event", body.len(), limits::EVENT));
            }
            self.track_encoded(event, body)
        })
    }

    fn track_encoded(&self, event: &Event, body: &[u8]) -> Result<EventId> {
        let mut core = self.shared.lock();
        let id = EventId(core.ids.uuid());
        let mut give_up = None;
        loop {
            match core.track(id, event, body, &self.shared.snapshot) {
                Ok(()) => break,
                Err(Refusal::Failed(e)) => return Err(e),
                Err(Refusal::Full) => {
                    let give_up = *give_up.get_or_insert_with(|| deadline(self.shared.full_wait));
                    core = self.wait_for_space(core, give_up)?;
                }
            }
        }
        let filling = core.writer.as_ref().is_some_and(|writer| writer.free() < writer.capacity() / 2);
        drop(core);
        if filling {
            self.shared.wake.filling();
        } else {
            self.shared.wake.pending();
        }
        Ok(id)
    }

    fn wait_for_space<'a>(
        &self,
        core: MutexGuard<'a, Core>,
        deadline: Instant,
    ) -> Result<MutexGuard<'a, Core>> {
        self.shared.wake.filling();
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.shared.stalled.store(true, Ordering::Relaxed);
        }
        if self.shared.stalled.load(Ordering::Relaxed) || self.shared.wake.is_worker() {
            return Err(core::journal_full());
        }
        let waited = self.shared.space.wait_timeout(core, left);
        Ok(waited.unwrap_or_else(std::sync::PoisonError::into_inner).0)
    }

    fn apply(&self, input: Input) -> Result<Answer> {
        self.check_fork()?;
        let answer = self.shared.lock().apply(input, &self.shared.snapshot);
        self.shared.wake.pending();
        match answer {
            Ok(Answer::Disabled) => Err(core::disabled()),
            Ok(answer) => Ok(answer),
            Err(Refusal::Failed(e)) => Err(e),
            Err(Refusal::Full) => Err(core::journal_full()),
        }
    }

    /// Whether this process is a forked child of the one that opened the tracker.
    fn is_forked(&self) -> bool {
        fork::generation() != self.shared.forks
    }

    fn check_fork(&self) -> Result<()> {
        if self.is_forked() {
            let message =
                "this process was forked from the one that opened the tracker; it belongs to the parent";
            return Err(Error::new(ErrorKind::Forked, message));
        }
        Ok(())
    }

    fn check_open(&self) -> Result<()> {
        self.check_fork()?;
        if self.shared.snapshot.is_closed() { Err(core::closed()) } else { Ok(()) }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.close_for_good();
    }
}

impl std::fmt::Debug for Tracker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracker").finish_non_exhaustive()
    }
}

/// Changes in a forked child.
#[cfg_attr(not(feature = "capi"), allow(dead_code))] // handles of C ask
pub(crate) fn fork_generation() -> u32 {
    fork::generation()
}

fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(FOR_EVER)
}

/// A buffer of the thread's own, so that encoding an event allocates nothing.
fn with_scratch<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    /// What a large event leaves behind is given back.
    const KEEP: usize = 64 * 1_024;
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = SCRATCH.try_with(|scratch| scratch.take()).unwrap_or_default();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEEP {
        // While the thread is ending there is no place for it any more.
        let _ = SCRATCH.try_with(|scratch| scratch.replace(buffer));
    }
    result
}
