//! Delivery driven by the host: it asks for the next request, carries it by its own means, and says what came of it.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::delivery::{Outcome, Outgoing, Sender, Step};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, invalid};
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
    senders: Mutex<Vec<Sender>>,
    queue: TrackerQueue,
    shared: Weak<Shared>,
}

impl Manual {
    pub fn new(senders: Vec<Sender>, queue: TrackerQueue) -> Self {
        let shared = queue.0.clone();
        Self { senders: Mutex::new(senders), queue, shared }
    }

    fn next(self: &Arc<Self>) -> NextRequest {
        let mut wait: Option<Duration> = None;
        for (index, sender) in lock(&self.senders).iter_mut().enumerate() {
            let step = if self.queue.is_resting() { Step::Rest } else { sender.next(&self.queue) };
            self.set_clear(index, sender);
            match step {
                Step::Send(outgoing) => {
                    let (request, destination) = (outgoing.request(), sender.name().into());
                    let manual = Arc::downgrade(self);
                    let outgoing = Some(outgoing);
                    return NextRequest::Send(PendingRequest {
                        request,
                        destination,
                        outgoing,
                        sender: index,
                        manual,
                    });
                }
                Step::Wait(time) => wait = Some(wait.map_or(time, |wait| wait.min(time))),
                Step::Rest => {}
            }
        }
        wait.map_or(NextRequest::Nothing, NextRequest::Wait)
    }

    fn end(&self, index: usize, outgoing: &Outgoing, outcome: Option<Outcome>) {
        let mut senders = lock(&self.senders);
        let Some(sender) = senders.get_mut(index) else { return };
        match outcome {
            Some(outcome) => sender.report(outgoing, outcome, &self.queue),
            None => sender.give_up(),
        }
        self.set_clear(index, sender);
    }

    /// Somebody waits for delivery.
    pub fn wake(&self) {
        lock(&self.senders).iter_mut().for_each(Sender::wake);
    }

    fn set_clear(&self, index: usize, sender: &Sender) {
        if let Some(shared) = self.shared.upgrade()
            && let Some(post) = shared.senders.posts.get(index)
        {
            post.set_clear(sender.clear_to());
        }
    }
}

impl PendingRequest {
    /// What to send, as it is.
    pub fn request(&self) -> &Request {
        &self.request
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
        if let Some((outgoing, manual)) = self.outgoing.take().zip(self.manual.upgrade()) {
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
