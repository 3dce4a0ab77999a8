//! What callers ask of the worker, and how they wait for it. Requests have numbers; one attempt of the worker answers
//! all that were made before it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};

use super::commit::lock;

/// Requests to the worker as it takes them.
pub(super) struct Asked {
    /// The number of the last request.
    pub number: u64,
    /// Someone has asked for more than was done so far.
    pub waiting: bool,
    /// Also against the loss of power.
    pub durable: bool,
    pub erase: bool,
    pub close_by: Option<Instant>,
    pub send_until: Option<Instant>,
}

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
    send_until: Option<Instant>,
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

    /// Asks for the last commit, and to deliver what is due until the second time, if there is one.
    pub fn ask_to_close(&self, by: Instant, send_until: Option<Instant>) -> u64 {
        self.request(|state| (state.close_by, state.send_until) = (Some(by), send_until))
    }

    /// By when the worker is to be done, if it is asked to close.
    pub fn close_by(&self) -> Option<Instant> {
        lock(&self.state).close_by
    }

    /// What the worker is asked now.
    pub fn take(&self) -> Asked {
        let mut state = lock(&self.state);
        Asked {
            number: state.asked,
            waiting: state.asked > state.done,
            durable: std::mem::take(&mut state.durable),
            erase: std::mem::take(&mut state.erase),
            close_by: state.close_by,
            send_until: state.send_until,
        }
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
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How the attempt at what was asked went.
    pub fn report(&self, asked: &Asked, result: &Result<()>) {
        let mut state = lock(&self.state);
        state.tried = asked.number;
        match result {
            Ok(()) => {
                state.done = asked.number;
                state.last_error = None;
            }
            Err(e) => {
                state.durable |= asked.durable;
                state.last_error = Some((e.kind(), e.to_string()));
            }
        }
        self.changed.notify_all();
    }

    /// The worker has ended.
    pub fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }
}
