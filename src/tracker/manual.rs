//! Delivery driven by the host: it asks for the next request, carries it by its own means, and says what came of it.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::Duration;

use crate::delivery::{Outcome, Outgoing, Sender, Step};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, invalid};
use crate::journal::fork;
use crate::protocol::Request;

use super::commit::lock;
use super::queue::TrackerQueue;
use super::{Shared, Tracker};

/// What is to be sent now.
#[derive(Debug)]
#[non_exhaustive]
pub enum NextRequest {
    /// This. There may be more, to other destinations: ask again.
    Send(PendingRequest),
    /// Nothing for so long.
    Wait(Duration),
    /// Nothing until something changes: new events, a report, the foreground.
    Nothing,
}

/// A request for the host to carry. It has an outcome once; dropped without, its items are owed as before.
pub struct PendingRequest {
    request: Request,
    destination: Arc<str>,
    outgoing: Option<Outgoing>,
    sender: usize,
    manual: Weak<Manual>,
}

/// The senders that have no thread.
pub(super) struct Manual {
    slots: Mutex<Vec<Slot>>,
    /// Signalled when a sender is back.
    back: Condvar,
    queue: TrackerQueue,
    shared: Weak<Shared>,
}

/// The place of a sender. It is taken out for its work, which tells the host's observer: that may call the tracker
/// again, and must not find a lock of its own thread.
struct Slot {
    sender: Option<Sender>,
    /// Who has taken it.
    taken_by: Option<ThreadId>,
    /// It is to be woken when it is back.
    wake: bool,
}

impl Slot {
    fn new(sender: Sender) -> Self {
        Self { sender: Some(sender), taken_by: None, wake: false }
    }

    fn take(&mut self) -> Option<Sender> {
        let sender = self.sender.take()?;
        self.taken_by = Some(std::thread::current().id());
        Some(sender)
    }
}

/// A sender that is at work. It goes back to its place also when a protocol of the host's panics.
struct AtWork<'a> {
    manual: &'a Manual,
    index: usize,
    sender: Option<Sender>,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let Some(sender) = self.sender.take() else { return };
        self.manual.put_back(self.index, sender);
    }
}

impl Manual {
    pub fn new(senders: Vec<Sender>, queue: TrackerQueue) -> Self {
        let shared = queue.0.clone();
        let slots = Mutex::new(senders.into_iter().map(Slot::new).collect());
        Self { slots, back: Condvar::new(), queue, shared }
    }

    fn next(self: &Arc<Self>) -> NextRequest {
        let mut wait: Option<Duration> = None;
        let count = lock(&self.slots).len();
        for index in 0..count {
            match self.step(index) {
                Step::Send(outgoing) => return NextRequest::Send(self.pending(index, outgoing)),
                Step::Wait(time) => wait = Some(wait.map_or(time, |wait| wait.min(time))),
                Step::Rest => {}
            }
        }
        wait.map_or(NextRequest::Nothing, NextRequest::Wait)
    }

    fn step(&self, index: usize) -> Step {
        // One that is at work has a request already, or somebody is about to get it.
        let taken = lock(&self.slots).get_mut(index).and_then(Slot::take);
        let Some(sender) = taken else { return Step::Rest };
        let mut work = AtWork { manual: self, index, sender: Some(sender) };
        work.sender.as_mut().map_or(Step::Rest, |sender| sender.next(&self.queue))
    }

    fn pending(self: &Arc<Self>, index: usize, outgoing: Outgoing) -> PendingRequest {
        PendingRequest {
            request: outgoing.request(),
            destination: self.name(index),
            outgoing: Some(outgoing),
            sender: index,
            manual: Arc::downgrade(self),
        }
    }

    fn name(&self, index: usize) -> Arc<str> {
        let name = |shared: Arc<Shared>| Some(shared.setting.destinations.get(index)?.as_str().into());
        self.shared.upgrade().and_then(name).unwrap_or_else(|| "".into())
    }

    fn end(&self, index: usize, outgoing: &Outgoing, outcome: Option<Outcome>) {
        let Some(sender) = self.wait_for(index) else { return };
        let mut work = AtWork { manual: self, index, sender: Some(sender) };
        let Some(sender) = work.sender.as_mut() else { return };
        match outcome.filter(|_| self.is_open()) {
            Some(outcome) => sender.report(outgoing, outcome, &self.queue),
            None => sender.give_up(),
        }
    }

    /// Takes a sender that has a request under way. Somebody else may be about to find that out; the calling thread
    /// has not taken it, since the request that it would report has ended by then.
    fn wait_for(&self, index: usize) -> Option<Sender> {
        let mut slots = lock(&self.slots);
        loop {
            let slot = slots.get_mut(index)?;
            if let Some(sender) = slot.take() {
                return Some(sender);
            }
            slots = self.back.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put_back(&self, index: usize, mut sender: Sender) {
        let shared = self.shared.upgrade();
        let mut slots = lock(&self.slots);
        let Some(slot) = slots.get_mut(index) else { return };
        if std::mem::take(&mut slot.wake) {
            sender.wake();
        }
        // Behind the lock, so that no older number comes after a newer one.
        if let Some(post) = shared.as_ref().and_then(|shared| shared.senders.posts.get(index)) {
            post.set_clear(sender.clear_to());
        }
        (slot.sender, slot.taken_by) = (Some(sender), None);
        drop(slots);
        self.back.notify_all();
    }

    /// Somebody waits for delivery.
    pub fn wake(&self) {
        for slot in lock(&self.slots).iter_mut() {
            match &mut slot.sender {
                Some(sender) => sender.wake(),
                None => slot.wake = true,
            }
        }
    }

    /// Whether the calling thread is in the middle of a report: it must not wait for itself.
    pub fn is_reporting(&self) -> bool {
        let this = std::thread::current().id();
        lock(&self.slots).iter().any(|slot| slot.taken_by == Some(this))
    }

    /// Whether what is reported can be stored: until the worker has let go of the files.
    fn is_open(&self) -> bool {
        self.shared.upgrade().is_some_and(|shared| shared.database.strong_count() > 0)
    }

    /// In a forked child, which has a copy of everything and no right to it.
    fn is_forked(&self) -> bool {
        self.shared.upgrade().is_some_and(|shared| fork::generation() != shared.forks)
    }
}

impl PendingRequest {
    /// What to send, as it is.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The same for whoever keeps it elsewhere.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))] // only a handle of C does
    pub(crate) fn take_request(&mut self) -> Request {
        let nothing = Request { url: String::new(), headers: Vec::new(), body: Vec::new(), ..self.request };
        std::mem::replace(&mut self.request, nothing)
    }

    /// The name of the destination it is for.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// What came of it: the answer, or why there is none (without keys or user data: it goes into the log). Stores
    /// what that means: waits for the disk. After closing it does nothing: the items are owed as before.
    pub fn report(mut self, outcome: Outcome) {
        self.end(Some(outcome));
    }

    fn end(&mut self, outcome: Option<Outcome>) {
        if let Some((outgoing, manual)) = self.outgoing.take().zip(self.manual.upgrade())
            && !manual.is_forked()
        {
            manual.end(self.sender, &outgoing, outcome);
        }
    }
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl std::fmt::Debug for PendingRequest {
    /// Without headers and body: keys and user data are there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingRequest").field("destination", &self.destination).finish_non_exhaustive()
    }
}

impl Tracker {
    /// The next request to send, with manual delivery ([`crate::ConfigBuilder::manual_delivery`]). Each destination has
    /// at most one under way. Stores what is pending first: waits for the disk.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if the tracker delivers by itself; [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn next_request(&self) -> Result<NextRequest> {
        self.check_open()?;
        let manual = self.shared.manual.get().ok_or_else(|| invalid("this tracker delivers by itself"))?;
        let request = self.shared.mail.ask(false);
        self.shared.wake.requested();
        // What cannot be stored now does not keep what is from being sent.
        let _ = self.wait_tried(request);
        Ok(manual.next())
    }
}
