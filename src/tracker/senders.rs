//! The threads of the senders: one per destination, so that a slow or dead receiver delays no other. They only carry:
//! what is sent, and what an answer means, is decided in `delivery`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use crate::clock::Now;
use crate::delivery::transport::{self, Pending};
use crate::delivery::{Beat, Beats, Outgoing, Sender, Step, Transport};
use crate::error::{Error, ErrorKind, Result};

use super::commit::lock;
use super::queue::TrackerQueue;

/// How long senders get to end once their requests are cancelled. Most take microseconds.
const GRACE: Duration = Duration::from_millis(50);

/// How long a sign of life may take: items wait meanwhile.
const LIVE: Duration = Duration::from_secs(5);

/// What a sender's thread and the rest of the tracker say to each other.
#[derive(Default)]
pub(super) struct Post {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// There may be something to do.
    awake: bool,
    /// Somebody waits for delivery.
    asked: bool,
    /// It ends when there is nothing to send at once.
    closing: bool,
    /// It ends as soon as it can.
    stopped: bool,
    ended: bool,
    /// Up to which number of which edition of the outbox nothing is owed.
    clear_to: (u64, u64),
    /// The first place that somebody waits for.
    awaited: Option<(u64, u64)>,
    under_way: Option<Pending>,
    beats: Beats,
}

impl Post {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    pub fn set_clear(&self, clear_to: (u64, u64)) {
        let mut state = self.lock();
        state.clear_to = clear_to;
        // Whoever waits for more is not woken with every request.
        if state.awaited.is_some_and(|place| clear_to >= place) {
            state.awaited = None;
            self.changed.notify_all();
        }
    }

    /// Waits until nothing up to a place is owed, or nothing is sent any more. Gives whether nothing is owed.
    fn wait_clear(&self, place: (u64, u64), deadline: Instant) -> bool {
        let is_over = |state: &mut State| {
            // Each time anew: the wake may have been for somebody else, who has waited for less.
            state.awaited = Some(state.awaited.map_or(place, |other| other.min(place)));
            state.clear_to >= place || state.stopped || state.ended
        };
        self.wait(deadline, is_over) && self.lock().clear_to >= place
    }

    /// Waits until `ready`, or until the deadline. Gives whether it is.
    fn wait(&self, deadline: Instant, ready: impl Fn(&mut State) -> bool) -> bool {
        let mut state = self.lock();
        while !ready(&mut state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Sleeps until woken, or for `time`. Gives whether to go on.
    fn rest(&self, time: Option<Duration>) -> bool {
        if self.lock().closing {
            return false;
        }
        let deadline = super::deadline(time.unwrap_or(super::FOR_EVER));
        self.wait(deadline, |state| state.awake || state.closing || state.stopped);
        !self.lock().stopped
    }

    /// Takes the wake. `None`: it is over; else whether somebody waits for delivery.
    fn take(&self) -> Option<bool> {
        let mut state = self.lock();
        state.awake = false;
        let asked = std::mem::take(&mut state.asked);
        (!state.stopped).then_some(asked)
    }

    pub fn next_beat(&self, now: Now) -> Option<Beat> {
        self.lock().beats.next(now)
    }

    /// A request is under way. Gives whether it may be.
    fn begin(&self, pending: &Pending) -> bool {
        let mut state = self.lock();
        if !state.stopped {
            state.under_way = Some(pending.clone());
        }
        !state.stopped
    }

    /// Ends it as soon as it can: nobody waits for the request under way.
    fn stop(&self) {
        let mut under_way = None;
        self.change(|state| {
            state.stopped = true;
            under_way = state.under_way.take();
        });
        if let Some(pending) = under_way {
            pending.cancel();
        }
    }
}

/// The senders of a tracker.
#[derive(Default)]
pub(super) struct Senders {
    pub posts: Vec<Arc<Post>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Senders {
    pub fn new(count: usize) -> Self {
        Self { posts: (0..count).map(|_| Arc::default()).collect(), threads: Mutex::default() }
    }

    /// Starts a thread.
    pub fn start(&self, carrier: Carrier) -> Result<()> {
        let thread = std::thread::Builder::new().name(format!("sessio-{}", carrier.sender.name()));
        // Held meanwhile, so that a sender that is quick finds itself in the list.
        let mut threads = lock(&self.threads);
        let thread = thread
            .spawn(move || carrier.run())
            .map_err(|e| Error::with_source(ErrorKind::Io, "the thread of a sender cannot be started", e))?;
        threads.push(thread);
        Ok(())
    }

    /// There may be something to do.
    pub fn wake(&self) {
        self.posts.iter().for_each(|post| post.change(|state| state.awake = true));
    }

    /// A session is alive, or has just ended: destinations that want to know are told, live and best effort (S13).
    pub fn beat(&self, beat: &Beat) {
        let push = |state: &mut State| {
            state.beats.push(beat.clone());
            state.awake = true;
        };
        self.posts.iter().for_each(|post| post.change(push));
    }

    /// Signs of life that wait are forgotten: what they are about was erased.
    pub fn hush(&self) {
        self.posts.iter().for_each(|post| post.change(|state| state.beats.clear()));
    }

    /// Somebody waits for delivery.
    pub fn ask(&self) {
        self.posts.iter().for_each(|post| post.change(|state| (state.awake, state.asked) = (true, true)));
    }

    /// Waits until nothing up to a number of an edition is owed to anyone. With a later edition it is gone.
    pub fn wait_clear(&self, place: (u64, u64), deadline: Instant) -> bool {
        self.posts.iter().all(|post| post.wait_clear(place, deadline))
    }

    /// Whether the calling thread is a sender's, which must not wait for itself.
    pub fn is_sender(&self) -> bool {
        let this: ThreadId = std::thread::current().id();
        lock(&self.threads).iter().any(|thread| thread.thread().id() == this)
    }

    /// Nothing is sent any more.
    pub fn stop(&self) {
        self.posts.iter().for_each(|post| post.stop());
    }

    /// Lets them send what is due until `by`, then ends them. One that a host's transport or the system keeps longer
    /// is left behind: it holds nothing of the tracker.
    pub fn close(&self, by: Instant) {
        self.posts.iter().for_each(|post| post.change(|state| (state.awake, state.closing) = (true, true)));
        if lock(&self.threads).is_empty() {
            return;
        }
        for post in &self.posts {
            post.wait(by, |state| state.ended);
        }
        self.stop();
        // Not before: until now they may ask whether they are senders.
        let threads = std::mem::take(&mut *lock(&self.threads));
        let grace = Instant::now() + GRACE;
        for (post, thread) in self.posts.iter().zip(threads) {
            if post.wait(grace, |state| state.ended) {
                // It has left our code; nothing of it can fail any more.
                let _ = thread.join();
            }
        }
    }
}

/// What a sender's thread has.
pub(super) struct Carrier {
    pub sender: Sender,
    pub queue: TrackerQueue,
    pub transport: Arc<dyn Transport>,
    pub post: Arc<Post>,
    /// How long a request may take.
    pub timeout: Duration,
}

impl Carrier {
    /// Sends until it is closed. A panic (a defect, or a protocol of the host's) ends this sender, not the app.
    fn run(self) {
        let (post, queue, name) = (Arc::clone(&self.post), self.queue.clone(), self.sender.name().to_owned());
        if catch_unwind(AssertUnwindSafe(|| self.send_until_closed())).is_err() {
            crate::delivery::Queue::warn(
                &queue,
                format!("{name}: the sender panicked: nothing is sent there until the next start"),
            );
        }
        drop(queue);
        post.change(|state| state.ended = true);
    }

    fn send_until_closed(mut self) {
        while let Some(asked) = self.post.take() {
            if asked {
                self.sender.wake();
            } else if self.post.lock().closing {
                self.sender.hurry();
            }
            let step = self.sender.next(&self.queue);
            self.post.set_clear(self.sender.clear_to());
            let goes_on = match step {
                Step::Send(outgoing) => self.carry(outgoing),
                Step::Wait(time) => self.post.rest(Some(time)),
                Step::Rest => self.post.rest(None),
            };
            if !goes_on {
                break;
            }
        }
    }

    /// Gives whether to go on.
    fn carry(&mut self, outgoing: Outgoing) -> bool {
        let (call, pending) = transport::call();
        if !self.post.begin(&pending) {
            return false;
        }
        let timeout = if outgoing.is_live() { self.timeout.min(LIVE) } else { self.timeout };
        let deadline = super::deadline(timeout);
        // A transport that panics lets go of the call, which counts as a failure.
        let _ = catch_unwind(AssertUnwindSafe(|| self.transport.send(outgoing.request(), call)));
        let outcome = pending.wait(deadline);
        let stopped = {
            let mut state = self.post.lock();
            state.under_way = None;
            state.stopped
        };
        match outcome {
            Some(outcome) => self.sender.report(&outgoing, outcome, &self.queue),
            None if stopped => self.sender.give_up(),
            None => {
                pending.cancel();
                let reason = format!("no answer within {} ms", self.timeout.as_millis());
                self.sender.report(&outgoing, Err(reason), &self.queue);
            }
        }
        self.post.set_clear(self.sender.clear_to());
        !stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_more_is_not_forgotten_with_who_waited_for_less() {
        let post = Arc::new(Post::default());
        assert!(!post.wait_clear((0, 5), Instant::now()), "somebody gave up");
        let (waiter, started) = (Arc::clone(&post), Instant::now());
        let waiting =
            std::thread::spawn(move || waiter.wait_clear((0, 9), started + Duration::from_secs(60)));
        while post.lock().awaited.is_none() {
            std::thread::yield_now();
        }
        for number in [4, 6, 8, 9] {
            post.set_clear((0, number));
            std::thread::yield_now();
        }
        assert!(waiting.join().unwrap() && started.elapsed() < Duration::from_secs(30));
    }
}
