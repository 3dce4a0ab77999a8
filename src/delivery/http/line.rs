//! Cancelling: which socket a call uses at the moment, so that it can be shut down.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ureq::Error;
use ureq::unversioned::transport::ShutdownHandle;

use crate::delivery::shown::SHOWN;

/// A socket, as long as it is open. Shut down, it wakes whoever reads or writes.
pub(super) type Socket = Weak<dyn ShutdownHandle>;

thread_local! {
    /// The line of the call that this thread is busy with. A pooled connection serves one call after the other, and
    /// ureq does all of a call's work on the thread that asks: so this is how a connection finds its call.
    static CURRENT: RefCell<Option<Arc<Line>>> = const { RefCell::new(None) };
}

/// A call's line to its receiver.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    socket: Option<Socket>,
    /// How the answer begins, as it came over the wire.
    heard: Vec<u8>,
}

impl Line {
    /// The line of the call that this thread is busy with.
    pub fn current() -> Arc<Self> {
        CURRENT.with_borrow(|line| line.clone().unwrap_or_default())
    }

    /// Makes it the line of this thread while `work` goes on.
    pub fn during<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let _restore = Restore(CURRENT.replace(Some(Arc::clone(self))));
        work()
    }

    /// Nobody waits any more: what uses the socket now fails, and so does whatever would use one later.
    pub fn cut(&self) {
        let mut state = self.lock();
        state.is_cut = true;
        let socket = state.socket.take();
        drop(state);
        shut_down(socket.as_ref());
    }

    /// From now on the call uses this socket.
    pub fn hold(&self, socket: &Socket) -> Result<(), Error> {
        let mut state = self.lock();
        if state.is_cut {
            drop(state);
            shut_down(Some(socket));
            return Err(Error::ConnectionFailed);
        }
        state.socket = Some(Weak::clone(socket));
        state.heard.clear();
        Ok(())
    }

    /// So much of the answer has come, or of what is in its place.
    pub fn hear(&self, input: &[u8]) {
        let mut state = self.lock();
        if state.heard.len() < SHOWN {
            state.heard = input[..input.len().min(SHOWN)].to_vec();
        }
    }

    /// How the latest answer begins.
    pub fn heard(&self) -> Vec<u8> {
        self.lock().heard.clone()
    }

    pub fn is_cut(&self) -> bool {
        self.lock().is_cut
    }

    pub fn socket(&self) -> Option<Socket> {
        self.lock().socket.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shut_down(socket: Option<&Socket>) {
    if let Some(socket) = socket.and_then(Weak::upgrade) {
        socket.shutdown();
    }
}

/// Puts back what was there, also after a panic.
struct Restore(Option<Arc<Line>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
