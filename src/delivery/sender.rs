//! The sender of one destination: what is sent next, and what an outcome means. It has no thread and no connection:
//! the tracker's threads carry its requests, or the host does.

use std::sync::Arc;
use std::time::Duration;

use super::backlog::Backlog;
use super::compress::compress;
use super::destination::Destination;
use super::observer::{DeliveryOutcome, DeliveryReport};
use super::planner::{Attempt, Next, Planner, Settled};
use super::policy;
use super::queue::Queue;
use super::shown::shown;
use super::transport::{Answer, Outcome};
use crate::clock::Now;
use crate::database::{Fate, Settlement};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, SessionId};
use crate::protocol::{BatchLimits, Item, Request, Response, Source, Verdict};

/// How long until the database is tried again when it cannot be used.
const DATABASE_RETRY: Duration = Duration::from_secs(1);
/// The status for a request that is too large.
const TOO_LARGE: u16 = 413;

/// What a sender does next.
pub(crate) enum Step {
    Send(Outgoing),
    /// Nothing for so long.
    Wait(Duration),
    /// Nothing until something changes.
    Rest,
}

/// A request to be carried, with the items that are in it.
pub(crate) struct Outgoing {
    request: Request,
    /// With how many of the first items.
    items: usize,
    /// One item that is larger than the receiver takes: it gets one chance.
    oversize: bool,
}

/// An attempt that has come to an end.
struct Sent {
    /// With so many of the first items.
    items: usize,
    /// What becomes of them if they are dropped.
    fate: Fate,
    status: Option<u16>,
    now: Now,
}

impl Outgoing {
    /// As it is to be sent. What is kept is for telling an echo of it from an answer.
    pub fn request(&self) -> Request {
        compress(self.request.clone())
    }

    /// A sign of life: nothing in it is owed, and what comes of it does not matter.
    pub fn is_live(&self) -> bool {
        self.items == 0
    }
}

/// What is to be stored, and is not yet.
struct Unstored {
    edition: u64,
    up_to: u64,
    fates: Vec<(u64, Fate)>,
    progress: String,
}

/// One destination's sender.
pub(crate) struct Sender {
    destination: Destination,
    index: usize,
    planner: Planner,
    backlog: Backlog,
    unstored: Option<Unstored>,
    progress: String,
    /// Why the database could not be used the last time: it is told once.
    fault: Option<String>,
    /// A sign of life is under way.
    is_live: bool,
    /// Since when, by the elapsed clock, items have been gathering.
    gathering_since: Option<u64>,
    /// Somebody waits: nothing gathers.
    hurried: bool,
}

impl Sender {
    /// A sender that goes on from the progress stored last. `index`: the destination's place in the database.
    pub fn new(destination: Destination, index: usize, queue: &dyn Queue) -> Result<Self> {
        let progress = queue.progress(index)?;
        // A damaged one costs a wait that is forgotten.
        let stored = serde_json::from_str(&progress).unwrap_or_default();
        let protocol = destination.protocol();
        let planner = Planner::new(protocol.limits(), stored, queue.now()?);
        let backlog = Backlog::new(index, std::sync::Arc::clone(protocol));
        Ok(Self {
            destination,
            index,
            planner,
            backlog,
            unstored: None,
            progress,
            fault: None,
            is_live: false,
            gathering_since: None,
            hurried: false,
        })
    }

    pub fn name(&self) -> &str {
        self.destination.name()
    }

    /// Up to which number of which edition of the outbox nothing is owed any more.
    pub fn clear_to(&self) -> (u64, u64) {
        let number = if self.unstored.is_some() { 0 } else { self.backlog.clear_to(0) };
        (self.backlog.edition(), number)
    }

    /// Somebody asks for delivery: that ends a rest in background.
    pub fn wake(&mut self) {
        self.planner.wake();
        self.hurry();
    }

    /// What is gathering is to be sent now.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// How long it is to be waited for more, if all that is owed is worth gathering. However the wall clock steps, that is never
    /// longer than the protocol says.
    fn gathers(&mut self, now: Now) -> Option<Duration> {
        let protocol = Arc::clone(self.destination.protocol());
        let items = self.backlog.items();
        let longest = policy::millis(protocol.gathers(items.first()?)?);
        let all = items.iter().all(|item| protocol.gathers(item).is_some());
        let Item::SessionCount(first) = items.first().filter(|_| all && !self.hurried)? else { return None };
        let since = *self.gathering_since.get_or_insert(now.elapsed);
        let by_wall = first.at.saturating_add_unsigned(longest).saturating_sub(now.wall);
        let by_elapsed = since.saturating_add(longest).saturating_sub(now.elapsed);
        let left = u64::try_from(by_wall).unwrap_or(0).min(by_elapsed);
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// A sign of life, unless the receiver is left alone: then they wait, which they cannot for long. Asked for behind the
    /// outbox, so that an end that was found there has been told live before.
    fn next_live(&mut self, now: Now, queue: &dyn Queue) -> Option<Outgoing> {
        if self.planner.is_waiting(now) {
            return None;
        }
        let beats = std::iter::from_fn(|| queue.next_beat(self.index, now));
        let mut requests = beats.filter_map(|beat| {
            let source = queue.source(now.wall).ok()?;
            self.destination.protocol().heartbeat(&beat.session, beat.closes, &source)
        });
        let request = requests.next()?;
        self.is_live = true;
        Some(Outgoing { request, items: 0, oversize: false })
    }

    /// What to do now. After [`Step::Send`] it must be told what came of it.
    pub fn next(&mut self, queue: &dyn Queue) -> Step {
        if self.is_live || self.planner.is_under_way() {
            return Step::Rest;
        }
        let step = self.try_next(queue);
        let fault = step.as_ref().err().map(ToString::to_string);
        if let Some(fault) = fault.as_ref().filter(|fault| self.fault.as_ref() != Some(fault)) {
            queue.warn(format!("{}: {fault}", self.name()));
        }
        self.fault = fault;
        step.unwrap_or(Step::Wait(DATABASE_RETRY))
    }

    fn try_next(&mut self, queue: &dyn Queue) -> Result<Step> {
        loop {
            self.store(queue)?;
            self.backlog.fill(queue)?;
            if self.backlog.has_skipped() {
                self.settle(0, 0, Fate::Unsendable);
                continue;
            }
            // Only now: what has been found may be from after the app went to background.
            if queue.is_resting() {
                return Ok(Step::Rest);
            }
            let now = queue.now()?;
            self.planner.set_background(queue.in_background());
            self.planner.set_owed(self.backlog.owed());
            if let Some(live) = self.next_live(now, queue) {
                return Ok(Step::Send(live));
            }
            if let Some(time) = self.gathers(now) {
                return Ok(Step::Wait(time));
            }
            self.gathering_since = None;
            self.hurried &= self.backlog.owed() > 0;
            match self.planner.next(now) {
                Next::Idle => return Ok(Step::Rest),
                Next::WaitUntil(at) => {
                    return Ok(Step::Wait(Duration::from_millis(at.saturating_sub(now.elapsed))));
                }
                Next::Send(limits) => {
                    let source = queue.source(now.wall).inspect_err(|_| self.planner.give_up())?;
                    match self.encode(limits, &source) {
                        Ok(outgoing) => return Ok(Step::Send(outgoing)),
                        Err(e) => self.leave_out(&e, now, queue),
                    }
                }
            }
        }
    }

    fn encode(&mut self, limits: BatchLimits, source: &Source) -> Result<Outgoing> {
        let items = self.backlog.items();
        let items = &items[..limits.items.max(1).min(items.len())];
        let (request, sent) = self.destination.protocol().encode(items, source)?;
        // A protocol of the host's may count wrongly.
        let items = sent.min(items.len()).max(1);
        let oversize = items == 1 && request.body.len() > limits.bytes;
        Ok(Outgoing { request, items, oversize })
    }

    /// The first item cannot be written into a request.
    fn leave_out(&mut self, why: &Error, now: Now, queue: &dyn Queue) {
        let fate = if why.kind() == ErrorKind::TooLarge { Fate::Oversize } else { Fate::Unsendable };
        let attempt = Attempt::Unwritable { reason: why.to_string() };
        self.conclude(attempt, &Sent { items: 1, fate, status: None, now }, queue);
    }

    /// The request came to nothing through no fault of the receiver: its items are owed as before.
    pub fn give_up(&mut self) {
        if !std::mem::take(&mut self.is_live) {
            self.planner.give_up();
        }
    }

    /// What came of a request.
    pub fn report(&mut self, outgoing: &Outgoing, outcome: Outcome, queue: &dyn Queue) {
        if outgoing.is_live() {
            self.is_live = false;
            return;
        }
        // Without a clock there is no tracker any more.
        let Ok(now) = queue.now() else { return self.give_up() };
        let (attempt, status) = match outcome {
            Ok(answer) => {
                let status = answer.status;
                (Attempt::Judged(self.judge(outgoing, answer, now, queue)), Some(status))
            }
            Err(reason) => (Attempt::NoAnswer { reason }, None),
        };
        let fate = if outgoing.oversize { Fate::Oversize } else { Fate::Refused };
        self.conclude(attempt, &Sent { items: outgoing.items, fate, status, now }, queue);
    }

    fn judge(&self, outgoing: &Outgoing, answer: Answer, now: Now, queue: &dyn Queue) -> Verdict {
        let Answer { status, retry_after, body } = answer;
        let retry_after = retry_after.and_then(|text| policy::retry_after(&text, now.wall));
        let response = Response { status, retry_after, body };
        let verdict = self.destination.protocol().judge(&response, outgoing.items);
        if matches!(verdict, Verdict::Done { .. }) {
            return verdict;
        }
        if !response.body.is_empty() {
            // Receivers may read what went in base64 or percent-encoded, and repeat it.
            let meant = format!("{:?}", self.backlog.first(outgoing.items).collect::<Vec<_>>());
            let shown = shown(&response.body, &outgoing.request, &meant);
            queue.warn(format!("{}: status {status} came with {shown}", self.name()));
        }
        // One item over the limit gets one chance, whatever the receiver usually means by that.
        if outgoing.oversize && status == TOO_LARGE {
            return Verdict::Drop {
                reason: "larger than the receiver takes: status 413".into(),
                pause: None,
            };
        }
        verdict
    }

    /// What an attempt means for the first items: it is decided, stored, and told.
    fn conclude(&mut self, attempt: Attempt, sent: &Sent, queue: &dyn Queue) {
        use DeliveryOutcome::{Delivered, Dropped, WillRetry};
        let settled = self.planner.report(attempt, sent.items, sent.now, queue.random());
        let (outcome, count, rejected, reason) = match settled {
            Settled::Delivered { rejected } => (Delivered, sent.items, rejected, String::new()),
            Settled::Dropped { items, reason } => (Dropped, items, 0, reason),
            Settled::Kept { reason } => (WillRetry, sent.items, 0, reason),
        };
        let (events, sessions) = ids(self.backlog.items(), count);
        match outcome {
            Delivered => self.settle(count, rejected, Fate::Delivered),
            Dropped => self.settle(count, 0, sent.fate),
            WillRetry => self.settle(0, 0, sent.fate),
        }
        // What cannot be stored now is tried again before the next request.
        if let Err(e) = self.store(queue) {
            queue.warn(format!("{}: {e}", self.name()));
        }
        if outcome != Delivered {
            let done = if outcome == Dropped { "dropped" } else { "kept" };
            queue.warn(format!("{}: {count} items are {done}: {reason}", self.name()));
        }
        queue.tell(&DeliveryReport {
            destination: self.name(),
            outcome,
            events: &events,
            sessions: &sessions,
            rejected,
            status: sent.status,
            reason: &reason,
            wait: self.wait(sent.now),
        });
    }

    /// How long the destination is left alone from now on.
    fn wait(&self, now: Now) -> Option<Duration> {
        let left = self.planner.progress().not_before?.saturating_sub(now.wall);
        u64::try_from(left).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
    }

    /// Takes the first `count` items out of the backlog, to be stored as settled.
    fn settle(&mut self, count: usize, rejected: usize, fate: Fate) {
        // Texts and numbers only: nothing that JSON cannot say.
        let progress = serde_json::to_string(self.planner.progress()).unwrap_or_default();
        if count > 0 || self.backlog.has_skipped() || progress != self.progress {
            let fates = self.backlog.fates(count, rejected, fate);
            let (edition, up_to) = (self.backlog.edition(), self.backlog.clear_to(count));
            self.backlog.advance(count);
            self.progress.clone_from(&progress);
            self.unstored = Some(Unstored { edition, up_to, fates, progress });
        }
    }

    fn store(&mut self, queue: &dyn Queue) -> Result<()> {
        if let Some(Unstored { edition, up_to, fates, progress }) = &self.unstored {
            let (edition, up_to) = (*edition, *up_to);
            let settlement = Settlement { destination: self.index, edition, up_to, fates, progress };
            if queue.settle(&settlement)? {
                self.backlog.set_fresh();
            }
            self.unstored = None;
        }
        Ok(())
    }
}

/// Which events and sessions the first `count` items are about.
fn ids(items: &[Item], count: usize) -> (Vec<EventId>, Vec<SessionId>) {
    let (mut events, mut sessions) = (Vec::new(), Vec::new());
    for item in items.iter().take(count) {
        match item {
            Item::Event(stored) => events.push(stored.stamp.event_id),
            Item::SessionStart(record) | Item::SessionEnd { record, .. } => sessions.push(record.id.clone()),
            Item::SessionCount(_) => {}
        }
    }
    (events, sessions)
}
