//! The tracker: what an app holds. It dispatches; the engine decides, the journal keeps, the worker stores.

mod commit;
mod core;
mod mail;
mod open;
mod snapshot;
mod wake;
mod worker;

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::database::{Database, Drops};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, StoredEvent, User, encode_event, limits};
use crate::ids::{EventId, SessionId};
use crate::journal::{CrashMarker, fork};
use crate::session::{Answer, Input, Session};
use core::{Core, Refusal};
use mail::Mail;
use snapshot::Snapshot;
use wake::Wake;
use worker::Worker;

/// How long a call that reads from the disk, or stores on request without a deadline of its own, waits for the worker.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long dropping a tracker waits for the last commit. What is not stored by then is in the journal.
const DROP_PATIENCE: Duration = Duration::from_secs(2);

/// The longest that anything waits: more is more than `Instant` can tell everywhere.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long before its deadline closing gives up storing, to have the files closed in time.
const LETTING_GO: Duration = Duration::from_millis(100);

/// What [`Tracker::resume_session`] did (S6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// The paused session goes on.
    Resumed,
    /// There was no pause, and a session is open.
    AlreadyActive,
    /// A session began.
    Started,
}

/// The ledger: `accepted == stored + delivered + dropped.total()` at every moment, also after a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Events for which `track` succeeded, since the database was made.
    pub accepted: u64,
    /// Events that wait, in the journal or the database.
    pub stored: u64,
    /// Events that at least one destination took.
    pub delivered: u64,
    /// Events that are gone without, by reason.
    pub dropped: Drops,
    /// What is acknowledged survives the death of the process. False without a file, and where the journal cannot be
    /// mapped.
    pub survives_kill: bool,
}

/// What callers and the worker share.
struct Shared {
    core: Mutex<Core>,
    snapshot: Snapshot,
    /// Signalled when the journal has room again; goes with `core`.
    space: Condvar,
    wake: Wake,
    mail: Mail,
    marker: CrashMarker,
    /// The worker's, which closes it when it stops: from then on there is nothing to read.
    database: Weak<Mutex<Box<dyn Database>>>,
    /// The fork generation of the process that opened it.
    forks: u32,
    full_wait: Duration,
    survives_kill: bool,
    /// Here and not in [`Tracker`], since a forked child must not let go of a thread that it has not.
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Core> {
        commit::lock(&self.core)
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
                let worker = Worker::new(Arc::clone(&shared), committer, config.commit_window);
                drop(give.send(Ok(shared)));
                worker.run();
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
    /// after waiting at most the configured 10 ms; [`ErrorKind::Closed`]; [`ErrorKind::Forked`].
    pub fn track(&self, event: &Event) -> Result<EventId> {
        self.check_fork()?;
        with_scratch(|body| {
            encode_event(event, body);
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
        if left.is_zero() || self.shared.wake.is_worker() {
            return Err(core::journal_full());
        }
        let waited = self.shared.space.wait_timeout(core, left);
        Ok(waited.unwrap_or_else(std::sync::PoisonError::into_inner).0)
    }

    /// The app went to background, or came to foreground (S3). The same value again does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`]; [`ErrorKind::JournalFull`] if not even the end of a session fits
    /// into the journal.
    pub fn set_is_background(&self, in_background: bool) -> Result<()> {
        self.apply(Input::SetBackground(in_background)).map(drop)
    }

    /// Whether the app was last said to be in background.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn is_background(&self) -> Result<bool> {
        self.check_open()?;
        Ok(self.shared.snapshot.read().is_background)
    }

    /// Ends the open session and begins a new one now (S5). Gives its id.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`], and [`ErrorKind::Disabled`].
    pub fn start_session(&self) -> Result<SessionId> {
        self.start(Input::Start)
    }

    /// The same with an id of the host's (S11): 1 to 128 of `A-Z a-z 0-9 . _ -`. The id of the open session changes
    /// nothing.
    ///
    /// # Errors
    /// As [`Tracker::start_session`], and [`ErrorKind::InvalidArgument`] for any other id.
    pub fn start_session_with_id(&self, id: &str) -> Result<SessionId> {
        self.start(Input::StartWithId(SessionId::parse(id)?))
    }

    fn start(&self, input: Input) -> Result<SessionId> {
        self.apply(input)?;
        let id = self.shared.snapshot.read().id;
        id.ok_or_else(|| Error::new(ErrorKind::Internal, "no session was started"))
    }

    /// Pauses (S6): until `resume_session`, events belong to no session and nothing expires.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn pause_session(&self) -> Result<()> {
        self.apply(Input::Pause).map(drop)
    }

    /// Lifts a pause, or begins a session if none is open (S6).
    ///
    /// # Errors
    /// As [`Tracker::start_session`].
    pub fn resume_session(&self) -> Result<Resumed> {
        Ok(match self.apply(Input::Resume)? {
            Answer::Resumed => Resumed::Resumed,
            Answer::Started => Resumed::Started,
            _ => Resumed::AlreadyActive,
        })
    }

    /// Ends the open session, if there is one (S7).
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn end_session(&self) -> Result<()> {
        self.apply(Input::End).map(drop)
    }

    /// Says who uses the app from now on; none for no one (S10).
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn set_user(&self, user: Option<User>) -> Result<()> {
        self.apply(Input::SetUser(user.map(Arc::new))).map(drop)
    }

    /// Who was last said to use the app; a session that goes on after a restart brings its user along (S10). In
    /// anonymous mode it is known here, but nothing carries it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn user(&self) -> Result<Option<User>> {
        self.check_open()?;
        let user = self.shared.lock().engine.memory().settings.user.clone();
        Ok(user.map(Arc::unwrap_or_clone))
    }

    /// Switches anonymous mode (S18). Survives restarts.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn set_anonymous(&self, on: bool) -> Result<()> {
        self.apply(Input::SetAnonymous(on)).map(drop)
    }

    /// Switches tracking (S19). Survives restarts. What is stored stays; [`Tracker::erase`] removes it.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn set_enabled(&self, on: bool) -> Result<()> {
        self.apply(Input::SetEnabled(on)).map(drop)
    }

    /// Removes every event, session and identity from the files, those of other namespaces of the database too, and
    /// goes on as a new installation (S19). Waits for the disk, at most a second.
    ///
    /// # Errors
    /// The files could not be cleaned yet: the database is locked, say. Here all is forgotten nevertheless, nothing
    /// of it is stored or delivered any more, and the files are cleaned as soon as that works, after a restart at the
    /// latest.
    pub fn erase(&self) -> Result<()> {
        self.check_open()?;
        let request = self.shared.mail.ask_to_erase();
        self.shared.wake.requested();
        self.wait_tried(request)
    }

    /// Marks a crash (S16): the next start ends the session as crashed. Async-signal-safe: a crash handler may call it.
    pub fn mark_crashed(&self) {
        // Once closed, the journal may be another tracker's.
        if !self.is_forked() && !self.shared.snapshot.is_closed() {
            self.shared.marker.mark();
        }
    }

    /// The session now. Neither waits nor counts as activity.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn session(&self) -> Result<Session> {
        self.check_open()?;
        Ok(self.shared.snapshot.read())
    }

    /// Ended sessions, newest first, at most `limit`. Stores what is pending first: waits for the disk.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`]; the database cannot be read.
    pub fn history(&self, limit: usize) -> Result<Vec<Session>> {
        self.read(|database| database.history(limit))
            .map(|records| records.iter().map(Session::from_record).collect())
    }

    /// Stored events with a sequence number over `after`, in order, at most `limit`. Stores what is pending first:
    /// waits for the disk.
    ///
    /// # Errors
    /// As [`Tracker::history`].
    pub fn stored_events(&self, after: u64, limit: usize) -> Result<Vec<StoredEvent>> {
        let bodies = self.read(|database| database.events(after, limit))?;
        Ok(bodies.iter().filter_map(|body| StoredEvent::decode(body)).collect())
    }

    fn read<T>(&self, read: impl FnOnce(&mut dyn Database) -> Result<T>) -> Result<T> {
        self.check_open()?;
        let request = self.shared.mail.ask(false);
        self.shared.wake.requested();
        // What cannot be stored now (a full disk, a lock) does not keep us from reading what is.
        let _ = self.wait_tried(request);
        let answer = open::with_database(&self.shared, read);
        if answer.is_err() {
            // It may have been closed meanwhile.
            self.check_open()?;
        }
        answer
    }

    /// The ledger.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn stats(&self) -> Result<Stats> {
        self.check_open()?;
        let core = self.shared.lock();
        let (accepted, ledger) = (core.engine.memory().settings.sequence, core.ledger);
        let gone = ledger.delivered + ledger.dropped.total();
        Ok(Stats {
            accepted,
            stored: accepted.saturating_sub(gone),
            delivered: ledger.delivered,
            dropped: ledger.dropped,
            survives_kill: self.shared.survives_kill,
        })
    }

    /// Stores everything, durably against the loss of power, and stays open.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if that did not work in time, with the reason; [`ErrorKind::Closed`],
    /// [`ErrorKind::Forked`].
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.check_open()?;
        let request = self.shared.mail.ask(true);
        self.shared.wake.requested();
        if self.shared.wake.is_worker() {
            return Ok(());
        }
        self.shared.mail.wait_done(request, deadline(timeout))
    }

    /// Does at once what is due by the clock (an idle session ends, the running durations are brought up to now), and
    /// stores what is pending. Waits for one attempt at that, at most a second.
    ///
    /// # Errors
    /// Why it could not be stored: the events stay in the journal. [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn poll(&self) -> Result<()> {
        self.apply(Input::Tick)?;
        let request = self.shared.mail.ask(false);
        self.shared.wake.requested();
        self.wait_tried(request)
    }

    fn wait_tried(&self, request: u64) -> Result<()> {
        // In a callback on the worker: it carries the request out when the callback has returned.
        if self.shared.wake.is_worker() {
            return Ok(());
        }
        self.shared.mail.wait_tried(request, deadline(PATIENCE))
    }

    /// Stores everything and lets go of the files; returns by the timeout. Every other call fails from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if not everything could be stored in the database in time: it is in the journal and
    /// there after the next start. [`ErrorKind::Closed`] the second time; [`ErrorKind::Forked`].
    pub fn close(&self, timeout: Duration) -> Result<()> {
        self.check_fork()?;
        let by = deadline(timeout);
        {
            let mut core = self.shared.lock();
            if self.shared.snapshot.is_closed() {
                return Err(core::closed());
            }
            // Without room in the journal the session is found open and unclosed next time, which is true enough.
            let _ = core.apply(Input::Close, &self.shared.snapshot);
            self.shared.snapshot.close();
        }
        // The worker gives up a little earlier, so that it has let go of the files when this returns.
        let request = self.shared.mail.ask_to_close(by - (timeout / 4).min(LETTING_GO));
        self.shared.wake.requested();
        if self.shared.wake.is_worker() {
            return Ok(());
        }
        let stored = self.shared.mail.wait_done(request, by);
        let stopped = self.wait_stopped(by);
        stored.and(stopped)
    }

    fn wait_stopped(&self, by: Instant) -> Result<()> {
        self.shared.mail.wait_stopped(by)?;
        // All it has left to do is to let go of what is the host's, which must not happen behind their back later.
        let worker = commit::lock(&self.shared.worker).take();
        worker.map(JoinHandle::join);
        Ok(())
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

impl Tracker {
    /// What dropping does, for a handle that others may still hold.
    pub(crate) fn close_for_good(&self) {
        if self.is_forked() {
            // Everything in there is the parent's: a child must not even let go of it.
            std::mem::forget(Arc::clone(&self.shared));
        } else if !self.shared.snapshot.is_closed() {
            // What cannot be stored in time is in the journal.
            let _ = self.close(DROP_PATIENCE).or_else(|_| self.wait_stopped(deadline(LETTING_GO * 5)));
        }
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
