//! The worker: the one thread that touches the disk. It sleeps until there is something to store, gathers for a commit window,
//! stores it, and once a second while a session is open looks at the clock.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::session::Input;

use super::Shared;
use super::commit::{Committer, lock};
use super::wake::Wake;

/// How often the clock is looked at while a session is open: `last_seen` is true to within that (S9).
const TICK: Duration = Duration::from_secs(1);
/// The waits between attempts to store when that fails: first and longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What callers ask of the worker, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Mail {
    state: Mutex<MailState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct MailState {
    asked: u64,
    /// Up to which request an attempt was made.
    tried: u64,
    /// Up to which request everything was stored.
    done: u64,
    durable: bool,
    erase: bool,
    close_by: Option<Instant>,
    stopped: bool,
    last_error: Option<(ErrorKind, String)>,
}

impl Mail {
    /// Asks for a commit; `durable` also against the loss of power. Gives the request's number.
    pub fn ask(&self, durable: bool) -> u64 {
        self.request(|state| state.durable |= durable)
    }

    /// Asks for an erasure.
    pub fn ask_to_erase(&self) -> u64 {
        self.request(|state| state.erase = true)
    }

    /// Asks for the last commit.
    pub fn ask_to_close(&self, by: Instant) -> u64 {
        self.request(|state| state.close_by = Some(by))
    }

    /// What is asked and its number belong together: the worker must not see the one without the other.
    fn request(&self, what: impl FnOnce(&mut MailState)) -> u64 {
        let mut state = lock(&self.state);
        what(&mut state);
        state.asked += 1;
        state.asked
    }

    /// Waits until request `number` is carried out.
    pub fn wait_done(&self, number: u64, deadline: Instant) -> Result<()> {
        self.wait(deadline, |state| (state.done >= number).then_some(Ok(())))
    }

    /// Waits for one attempt at it, and gives how that went.
    pub fn wait_tried(&self, number: u64, deadline: Instant) -> Result<()> {
        self.wait(deadline, |state| match &state.last_error {
            _ if state.done >= number => Some(Ok(())),
            Some((kind, message)) if state.tried >= number => Some(Err(Error::new(*kind, message.clone()))),
            _ => None,
        })
    }

    /// Waits until the worker has ended.
    pub fn wait_stopped(&self, deadline: Instant) -> Result<()> {
        self.wait(deadline, |state| state.stopped.then_some(Ok(())))
    }

    fn wait(&self, deadline: Instant, ready: impl Fn(&MailState) -> Option<Result<()>>) -> Result<()> {
        let mut state = lock(&self.state);
        loop {
            if let Some(answer) = ready(&state) {
                return answer;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.stopped {
                let why =
                    state.last_error.as_ref().map_or(String::new(), |(_, message)| format!(": {message}"));
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!("not everything could be stored in time{why}"),
                ));
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    fn report(&self, asked: u64, result: &Result<()>) {
        let mut state = lock(&self.state);
        state.tried = asked;
        match result {
            Ok(()) => {
                state.done = asked;
                state.last_error = None;
            }
            Err(e) => state.last_error = Some((e.kind(), e.to_string())),
        }
        self.changed.notify_all();
    }

    fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }
}

/// The worker's own state.
pub(super) struct Worker {
    shared: Arc<Shared>,
    committer: Committer,
    commit_window: Duration,
    /// After a failure: when to try again, and the wait after that.
    retry: Option<(Instant, Duration)>,
    next_tick: Instant,
    earliest_look: Instant,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, committer: Committer, commit_window: Duration) -> Self {
        let commit_window = commit_window.min(super::FOR_EVER);
        let now = Instant::now();
        Self { shared, committer, commit_window, retry: None, next_tick: now + TICK, earliest_look: now }
    }

    /// Works until the tracker is closed.
    pub fn run(mut self) {
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
        // Gather what comes within the window; a request or a filling journal ends it early. While storing fails only a request does.
        let until = self.retry.map_or_else(|| Instant::now() + self.commit_window, |(at, _)| at);
        // A tracker that is being closed lets go of its namespace in time, stored or not.
        let until = lock(&self.shared.mail.state).close_by.map_or(until, |by| until.min(by));
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

    /// In what time the engine should look at the clock: once a second while a session is open (S9), and when it expires (S4).
    fn next_look(&self) -> Option<Duration> {
        let core = self.shared.lock();
        core.engine.open_session()?;
        let tick = self.next_tick.saturating_duration_since(Instant::now());
        let expiry = core.engine.expires_in(core.clock.now()).map(Duration::from_millis);
        // An expiry that cannot be recorded now (the journal is full) must not keep us awake.
        let earliest = self.earliest_look.saturating_duration_since(Instant::now());
        Some(expiry.map_or(tick, |expiry| expiry.min(tick)).max(earliest))
    }

    fn tick(&mut self) {
        if self.next_look().is_some_and(|time| time.is_zero()) {
            self.next_tick = Instant::now() + TICK;
            self.earliest_look = Instant::now() + RETRY.0;
            // No room or closed: then there is nothing to be done about it now.
            let _ = self.shared.lock().apply(Input::Tick, &self.shared.snapshot);
        }
    }

    /// Stores what there is and answers requests. Gives whether that was the last time.
    fn work(&mut self) -> bool {
        let (asked, waiting, durable, erase, close_by) = {
            let mut state = lock(&self.shared.mail.state);
            let erase = std::mem::take(&mut state.erase);
            let durable = std::mem::take(&mut state.durable);
            (state.asked, state.asked > state.done, durable, erase, state.close_by)
        };
        if erase {
            self.committer.begin_erasure(&self.shared);
        }
        let mut result = self.committer.commit(&self.shared, waiting);
        if durable && result.is_ok() {
            result = lock(&self.committer.database).make_durable();
        }
        if durable && result.is_err() {
            lock(&self.shared.mail.state).durable = true;
        }
        self.note(&result);
        self.shared.mail.report(asked, &result);
        close_by.is_some_and(|by| result.is_ok() || Instant::now() >= by)
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

    /// Lets go of the files, so that the namespace can be opened again.
    fn stop(self) {
        let Self { shared, committer, .. } = self;
        shared.lock().writer = None;
        drop(committer);
        shared.mail.stop();
    }
}
