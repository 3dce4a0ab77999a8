//! The tracker: what an app holds. It dispatches; the engine decides, the journal keeps, the worker stores.

mod afterwards;
mod callbacks;
mod commit;
mod contexts;
mod core;
mod correlation;
mod lifecycle;
mod mail;
mod manual;
mod open;
mod peek;
mod queue;
mod scope;
mod scopes;
mod senders;
mod sessions;
mod snapshot;
mod storing;
mod tracking;
mod wake;
mod worker;

pub use correlation::Link;
pub use manual::{NextRequest, PendingRequest};
pub use scope::Scope;
pub use sessions::Resumed;
pub use storing::{DeliveryStats, Stats};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::database::Database;
use crate::delivery::Beat;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::SessionId;
use crate::journal::{CrashMarker, fork};
use crate::session::Answer;
use callbacks::Callbacks;
use contexts::Contexts;
use core::Core;
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
    /// Signalled when callbacks have answered about a session that is to begin; goes with `core`.
    answered: Condvar,
    callbacks: Arc<Callbacks>,
    contexts: Contexts,
    /// Changes of background, and the installation, are events.
    lifecycle_events: bool,
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

    /// Sends a heartbeat, if one is due (S13): sessions that are sampled out have none.
    fn heartbeat(&self, answer: &Answer) {
        let Answer::Heartbeat(session) = answer else { return };
        if self.lock().engine.open_session().is_some_and(|record| !record.sampled_out) {
            self.beat(session.clone(), false);
        }
    }

    /// A session is alive, or has just ended.
    fn beat(&self, session: SessionId, closes: bool) {
        let at = self.setting.clock.now().elapsed;
        self.senders.beat(&Beat { session, closes, at });
    }

    fn is_forked(&self) -> bool {
        fork::generation() != self.forks
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
        if self.snapshot.is_closed() { Err(core::closed()) } else { Ok(()) }
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
                worker.track_install();
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

    /// Whether this process is a forked child of the one that opened the tracker.
    fn is_forked(&self) -> bool {
        self.shared.is_forked()
    }

    fn check_fork(&self) -> Result<()> {
        self.shared.check_fork()
    }

    fn check_open(&self) -> Result<()> {
        self.shared.check_open()
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
