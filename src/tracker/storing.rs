//! What waits for the disk: flush, poll, close, erase, and reading what is stored.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::database::{Database, DeliveryCounts, Drops};
use crate::error::{Error, ErrorKind, Result};
use crate::event::StoredEvent;
use crate::session::{Input, Session};

use super::{Tracker, commit, core, deadline, open};

/// How long a call that reads from the disk, or stores on request without a deadline of its own, waits for the worker.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long dropping a tracker waits for the last commit. What is not stored by then is in the journal.
const DROP_PATIENCE: Duration = Duration::from_secs(2);

/// How long before its deadline closing gives up storing, to have the files closed in time.
const LETTING_GO: Duration = Duration::from_millis(100);

/// The ledger: `accepted == stored + delivered + dropped.total()` at every moment, also after a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Events for which `track` succeeded, since the database was made.
    pub accepted: u64,
    /// Events that wait, in the journal or the database: for delivery, or for the end of a session that is kept only if
    /// it crashes.
    pub stored: u64,
    /// Events that at least one destination took.
    pub delivered: u64,
    /// Events that are gone without, by reason.
    pub dropped: Drops,
    /// Events that event callbacks dropped since the tracker was opened. They were never accepted.
    pub filtered: u64,
    /// What is acknowledged survives the death of the process. False without a file, and where the journal cannot be
    /// mapped.
    pub survives_kill: bool,
}

/// What one destination has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// Its name.
    pub name: String,
    /// Its counters, since the database was made.
    pub counts: DeliveryCounts,
}

impl Tracker {
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

    /// Ended sessions, newest first, at most `limit`. Stores what is pending first: waits for the disk.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`]; the database cannot be read.
    pub fn history(&self, limit: usize) -> Result<Vec<Session>> {
        self.read(|database| database.history(limit))
            .map(|records| records.iter().map(Session::from_record).collect())
    }

    /// Stored events with a sequence number over `after`, in order, at most `limit`. Stores what is pending first:
    /// waits for the disk. Events that are held until their session ends (see [`crate::Sampling`]) are not among them;
    /// if it crashed they come in the place where that was noticed.
    ///
    /// # Errors
    /// As [`Tracker::history`].
    pub fn stored_events(&self, after: u64, limit: usize) -> Result<Vec<StoredEvent>> {
        let bodies = self.read(|database| database.events(after, limit))?;
        Ok(bodies.iter().filter_map(|body| StoredEvent::decode(body)).collect())
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&mut dyn Database) -> Result<T>) -> Result<T> {
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
            filtered: self.shared.callbacks.filtered(),
            survives_kill: self.shared.survives_kill,
        })
    }

    /// What each destination has done, in the order of the configuration. Waits for the disk.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn delivery_stats(&self) -> Result<Vec<DeliveryStats>> {
        self.check_open()?;
        let names = self.shared.setting.destinations.iter().enumerate();
        open::with_database(&self.shared, |database| {
            let stats = |(at, name): (usize, &String)| DeliveryStats {
                name: name.clone(),
                counts: database.counts(at),
            };
            Ok(names.map(stats).collect())
        })
    }

    /// Stores everything, durably against the loss of power, delivers what is due, and stays open. It overrides
    /// neither a backoff nor a `Retry-After`. On a thread of the library's (in a callback) it does not wait.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if not everything was stored and delivered in time, or before the tracker was closed by
    /// another thread, with the reason;
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.check_open()?;
        let by = deadline(timeout);
        let request = self.shared.mail.ask(true);
        self.shared.wake.requested();
        if self.is_own_thread() {
            return Ok(());
        }
        self.shared.mail.wait_done(request, by)?;
        self.wait_delivered(by)
    }

    fn wait_delivered(&self, by: Instant) -> Result<()> {
        if self.shared.senders.posts.is_empty() {
            return Ok(());
        }
        let last =
            open::with_database(&self.shared, |database| Ok((database.edition(), database.last_number())))?;
        self.shared.senders.ask();
        if let Some(manual) = self.shared.manual.get() {
            manual.wake();
            if manual.is_reporting() {
                return Ok(());
            }
        }
        match self.shared.senders.wait_clear(last, by) {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Timeout, "not everything could be delivered in time")),
        }
    }

    /// Called back on a thread of the library's, which must not wait for itself.
    fn is_own_thread(&self) -> bool {
        self.shared.wake.is_worker() || self.shared.senders.is_sender()
    }

    /// Does at once what is due by the clock (an idle session ends, the running durations are brought up to now), and
    /// stores what is pending. Waits for one attempt at that, at most a second.
    ///
    /// # Errors
    /// Why it could not be stored: the events stay in the journal. [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn poll(&self) -> Result<()> {
        let answer = self.apply(Input::Tick)?;
        self.shared.heartbeat(&answer);
        self.shared.tick_scopes();
        // They look at the clock, too.
        self.shared.senders.wake();
        let request = self.shared.mail.ask(false);
        self.shared.wake.requested();
        self.wait_tried(request)
    }

    pub(super) fn wait_tried(&self, request: u64) -> Result<()> {
        // In a callback on the worker: it carries the request out when the callback has returned.
        if self.is_own_thread() {
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
        self.close_by(timeout, true)
    }

    fn close_by(&self, timeout: Duration, sending: bool) -> Result<()> {
        self.check_fork()?;
        let by = deadline(timeout);
        {
            let mut core = self.shared.lock();
            if self.shared.snapshot.is_closed() {
                return Err(core::closed());
            }
            // Without room in the journal the session is found open and unclosed next time, which is true enough.
            let _ = core.apply(Input::Close, None, &self.shared.snapshot);
            self.shared.snapshot.close();
        }
        // The worker gives up a little earlier, so that it has let go of the files when this returns.
        let letting_go = (timeout / 4).min(LETTING_GO);
        // And the senders earlier still: on a slow disk it is the files that take long.
        let send_until = sending.then(|| by - letting_go * 2);
        let request = self.shared.mail.ask_to_close(by - letting_go, send_until);
        self.shared.wake.requested();
        if self.is_own_thread() {
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

    /// What dropping does, for a handle that others may still hold.
    pub(crate) fn close_for_good(&self) {
        if self.is_forked() {
            // Everything in there is the parent's: a child must not even let go of it.
            std::mem::forget(Arc::clone(&self.shared));
        } else if !self.shared.snapshot.is_closed() {
            // What cannot be stored in time is in the journal.
            let _ =
                self.close_by(DROP_PATIENCE, false).or_else(|_| self.wait_stopped(deadline(LETTING_GO * 5)));
        }
    }
}
