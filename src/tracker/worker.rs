//! The worker: the one thread that touches the disk. It sleeps until there is something to store, gathers for a
//! commit window, stores it, and once a second while a session is open looks at the clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::session::Input;

use super::Shared;
use super::commit::{Committer, lock};
use super::wake::Wake;

/// How often the clock is looked at while a session is open: `last_seen` is true to within that (S9).
const TICK: Duration = Duration::from_secs(1);
/// The waits between attempts to store when that fails: first and longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The worker's own state.
pub(super) struct Worker {
    shared: Arc<Shared>,
    committer: Committer,
    commit_window: Duration,
    /// After a failure: when to try again, and the wait after that.
    retry: Option<(Instant, Duration)>,
    next_tick: Instant,
    earliest_look: Instant,
    /// Until when the senders may go on once the tracker is being closed; none: they stop at once.
    send_until: Option<Instant>,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, committer: Committer, commit_window: Duration) -> Self {
        let commit_window = commit_window.min(super::FOR_EVER);
        let now = Instant::now();
        Self {
            shared,
            committer,
            commit_window,
            retry: None,
            next_tick: now + TICK,
            earliest_look: now,
            send_until: None,
        }
    }

    /// The installation comes before every other event of the app.
    pub fn track_install(&self) {
        if let Err(e) = self.shared.track_install(&self.committer) {
            self.committer.logger.warn(|| format!("the installation is tracked later: {e}"));
        }
    }

    /// Works until the tracker is closed. A panic (a defect, or a host's clock) ends the work, not the app: what is
    /// tracked stays in the journal until the next start, and whoever waits is told.
    pub fn run(self) {
        let (shared, logger) = (Arc::clone(&self.shared), self.committer.logger.clone());
        if catch_unwind(AssertUnwindSafe(|| self.work_until_closed())).is_err() {
            logger.error(|| {
                "the worker panicked: until the next start events are kept in the journal only".into()
            });
            shared.mail.stop();
        }
    }

    fn work_until_closed(mut self) {
        // Here nobody waits for it: the tracker is open, and senders that need it already are not the app's threads.
        self.shared.setting.look_at_device();
        loop {
            self.rest();
            self.shared.wake.take();
            self.tick();
            if self.work() {
                break;
            }
        }
        self.stop();
    }

    /// Sleeps until there is something to do.
    fn rest(&self) {
        let wake = &self.shared.wake;
        if !wake.is_pending() {
            Wake::sleep(self.idle_time());
        }
        if !wake.is_pending() {
            return;
        }
        // Gather what comes within the window; a request or a filling journal ends it early. While storing fails only
        // a request does.
        let until = self.retry.map_or_else(|| Instant::now() + self.commit_window, |(at, _)| at);
        // A tracker that is being closed lets go of its namespace in time, stored or not.
        let until = self.shared.mail.close_by().map_or(until, |by| until.min(by));
        while !(wake.is_requested() || wake.is_filling() && self.retry.is_none()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            Wake::sleep(Some(left));
        }
    }

    /// How long nothing will be due. For ever when no session is open.
    fn idle_time(&self) -> Option<Duration> {
        let retry = self.retry.map(|(at, _)| at.saturating_duration_since(Instant::now()));
        [retry, self.next_look()].into_iter().flatten().min()
    }

    /// In what time the engine should look at the clock: once a second while a session is open (S9), and when it
    /// expires (S4).
    fn next_look(&self) -> Option<Duration> {
        let core = self.shared.lock();
        let scopes = core.scopes.expires_in(core.clock.now().elapsed).map(Duration::from_millis);
        let earliest = self.earliest_look.saturating_duration_since(Instant::now());
        let scopes = scopes.map(|time| time.max(earliest));
        if core.engine.open_session().is_none() {
            return scopes;
        }
        let tick = self.next_tick.saturating_duration_since(Instant::now());
        let expiry = core.engine.expires_in(core.clock.now()).map(Duration::from_millis);
        // An expiry that cannot be recorded now (the journal is full) must not keep us awake.
        let own = expiry.map_or(tick, |expiry| expiry.min(tick)).max(earliest);
        Some(scopes.map_or(own, |scopes| scopes.min(own)))
    }

    fn tick(&mut self) {
        if self.next_look().is_some_and(|time| time.is_zero()) {
            self.next_tick = Instant::now() + TICK;
            self.earliest_look = Instant::now() + RETRY.0;
            // No room or closed: then there is nothing to be done about it now.
            let answer = self.shared.lock().apply(Input::Tick, None, &self.shared.snapshot);
            if let Ok(answer) = answer {
                self.shared.heartbeat(&answer);
            }
            self.shared.tick_scopes();
        }
    }

    /// Stores what there is and answers requests. Gives whether that was the last time.
    fn work(&mut self) -> bool {
        let asked = self.shared.mail.take();
        if asked.close_by.is_some() && asked.send_until.is_none() {
            // What closing ends is not told live either.
            self.shared.senders.stop();
        }
        self.track_install();
        if asked.erase {
            self.committer.begin_erasure(&self.shared);
        }
        let mut stored = self.committer.commit(&self.shared, asked.waiting);
        // The scopes end with the tracker; of many not all ends fit into the journal at once.
        while asked.close_by.is_some() && stored.is_ok() && self.shared.close_scopes() {
            stored = self.committer.commit(&self.shared, false);
        }
        if asked.waiting || !matches!(stored, Ok(false)) {
            self.shared.senders.wake();
        }
        let mut result = stored.map(drop);
        if asked.durable && result.is_ok() {
            result = lock(&self.committer.database).make_durable();
        }
        self.note(&result);
        self.tell();
        self.shared.mail.report(&asked, &result);
        self.send_until = asked.send_until;
        asked.close_by.is_some_and(|by| result.is_ok() || Instant::now() >= by)
    }

    /// Tells callbacks what became of sessions, with no lock held.
    fn tell(&self) {
        loop {
            let change = self.shared.lock().changes.pop_front();
            let Some(change) = change else { break };
            self.shared.callbacks.tell(&change);
        }
    }

    fn note(&mut self, result: &Result<()>) {
        let logger = &self.committer.logger;
        match (result, self.retry.take()) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => logger.info(|| "events can be stored again".into()),
            (Err(e), before) => {
                if before.is_none() {
                    logger.error(|| format!("events stay in the journal for now: {e}"));
                }
                let wait = before.map_or(RETRY.0, |(_, wait)| wait);
                self.retry = Some((Instant::now() + wait, (wait * 2).min(RETRY.1)));
                // Requests that wait are served by the next attempt; until then there is nothing to wake for.
                self.shared.wake.pending();
            }
        }
    }

    /// Lets go of the files, so that the namespace can be opened again, and the files moved or removed.
    pub fn stop(self) {
        let Self { shared, committer, send_until, .. } = self;
        shared.senders.close(send_until.unwrap_or_else(Instant::now));
        lock(&committer.database).close();
        shared.callbacks.clear();
        shared.lock().writer = None;
        drop(committer);
        shared.mail.stop();
    }
}
