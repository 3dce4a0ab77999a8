//! The transport seam: whoever carries requests implements [`Transport`]. The built-in one over ureq does nothing that
//! a host's cannot do, too.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::protocol::Request;

/// Carries requests to receivers.
pub trait Transport: Send + Sync {
    /// Sends a request and answers through `call`: once, now or later, from any thread. It may block: each destination
    /// has a thread of its own, on which this is called, with one request at a time. A redirect is to be followed
    /// only for 307 and 308 and only to the same scheme, host and port; any other is the answer.
    fn send(&self, request: Request, call: Call);
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `Retry-After` as it came, if it came.
    pub retry_after: Option<String>,
    /// The body, as far as it came; of a long one the first 4 MiB are enough.
    pub body: Vec<u8>,
}

/// How a request ended: an answer, or why there is none.
pub type Outcome = Result<Answer, String>;

/// A request under way, to be answered by the transport. Dropped without, it counts as failed.
pub struct Call {
    shared: Arc<Shared>,
}

/// The other end of a [`Call`], held by who waits.
#[derive(Clone)]
pub struct Pending {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    /// The transport will not answer any more.
    over: bool,
    cancelled: bool,
    on_cancel: Option<Box<dyn FnOnce() + Send>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives whether it was not over before.
    fn end(&self, outcome: Option<Outcome>) -> bool {
        let mut state = self.lock();
        let first = !state.over;
        if first {
            (state.over, state.outcome) = (true, outcome);
        }
        let hook = state.on_cancel.take();
        self.answered.notify_all();
        drop(state);
        // It may be the host's, and do what it likes: outside of the lock.
        drop(hook);
        first
    }
}

/// The two ends of a request that is handed to a transport. The library makes them for every request it sends; here
/// they are for the tests of a transport of one's own.
pub fn call() -> (Call, Pending) {
    let shared = Arc::<Shared>::default();
    (Call { shared: Arc::clone(&shared) }, Pending { shared })
}

impl Call {
    /// The receiver answered.
    pub fn answer(self, answer: Answer) {
        self.end(Ok(answer));
    }

    /// There is no answer: the network failed, or it took too long. `reason` goes into the log: without keys or user
    /// data.
    pub fn fail(self, reason: &str) {
        self.end(Err(reason.to_owned()));
    }

    /// The same where several may hold the call, as in C: gives whether this is the outcome. There is only one.
    pub(crate) fn end(&self, outcome: Outcome) -> bool {
        self.shared.end(Some(outcome))
    }

    /// Whether it has its outcome.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))] // in Rust a call with an outcome is gone
    pub(crate) fn is_over(&self) -> bool {
        self.shared.lock().over
    }

    /// Nobody waits for the answer any more: the tracker is being closed, or the time is over.
    pub fn is_cancelled(&self) -> bool {
        self.shared.lock().cancelled
    }

    /// What to do when nobody waits any more, to let go of the connection at once. Called at most once, on another
    /// thread, at once if it is so already, and not after the answer. It must not block. A second one takes the place
    /// of the first.
    pub fn on_cancel(&self, cancel: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        if state.cancelled {
            drop(state);
            return cancel();
        }
        let cancel: Box<dyn FnOnce() + Send> = Box::new(cancel);
        let unused = if state.over { Some(cancel) } else { state.on_cancel.replace(cancel) };
        // What a closure holds may be the host's: it goes outside of the lock.
        drop(state);
        drop(unused);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.end(None);
    }
}

impl Pending {
    /// Waits for the outcome until `deadline`. `None`: it has not come.
    pub fn wait(&self, deadline: Instant) -> Option<Outcome> {
        let mut state = self.shared.lock();
        loop {
            if state.cancelled {
                return None;
            }
            if state.over {
                let gone = || Err("the transport let go of the request without an answer".to_owned());
                return Some(state.outcome.take().unwrap_or_else(gone));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.shared.answered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nobody waits any more.
    pub fn cancel(&self) {
        let mut state = self.shared.lock();
        state.cancelled = true;
        let hook = if state.over { None } else { state.on_cancel.take() };
        self.shared.answered.notify_all();
        drop(state);
        if let Some(cancel) = hook {
            cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn an_answer_comes_from_any_thread() {
        let (call, pending) = call();
        std::thread::spawn(move || call.answer(Answer { status: 200, ..Answer::default() }));
        assert_eq!(pending.wait(soon()).unwrap().unwrap().status, 200);
    }

    #[test]
    fn a_failure_and_a_call_that_is_dropped_are_told() {
        let (failed, pending) = call();
        failed.fail("no route");
        assert_eq!(pending.wait(soon()), Some(Err("no route".into())));
        let (dropped, pending) = call();
        drop(dropped);
        assert!(pending.wait(soon()).unwrap().unwrap_err().contains("without an answer"));
    }

    #[test]
    fn cancelling_ends_the_wait_and_tells_the_transport_once() {
        let told = Arc::new(AtomicU32::new(0));
        let tell = |told: &Arc<AtomicU32>| {
            let told = Arc::clone(told);
            move || {
                told.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (call, pending) = call();
        call.on_cancel(|| panic!("replaced"));
        call.on_cancel(tell(&told));
        pending.cancel();
        pending.cancel();
        assert!(call.is_cancelled() && pending.wait(soon()).is_none());
        call.on_cancel(tell(&told));
        assert_eq!(told.load(Ordering::Relaxed), 2, "once then, and once at once");
    }

    #[test]
    fn only_the_first_outcome_counts() {
        let (call, pending) = call();
        assert!(!call.is_over() && call.end(Err("first".into())));
        assert!(call.is_over() && !call.end(Ok(Answer::default())));
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        call.on_cancel(move || drop(holds));
        assert_eq!(Arc::strong_count(&held), 1, "what can never be called is let go of");
        drop(call);
        assert_eq!(pending.wait(soon()), Some(Err("first".into())));
    }

    #[test]
    fn nothing_is_cancelled_after_the_answer() {
        let (call, pending) = call();
        call.on_cancel(|| panic!("it is answered"));
        call.fail("over");
        pending.cancel();
        assert!(pending.wait(Instant::now()).is_none());
    }
}
