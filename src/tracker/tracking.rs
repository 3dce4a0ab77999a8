//! Tracking, and every other input of the engine: callbacks are asked, room is waited for, the step is taken.

use std::cell::RefCell;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::callback::SessionStart;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::event::{Event, encode_event, limits};
use crate::ids::EventId;
use crate::session::{Answer, Coming, Input};

use super::core::{self, Core, Refusal};
use super::{Tracker, callbacks, deadline};

/// How long a thread that would begin a session waits for another that is asking callbacks about it: less than a frame.
const ASKING: Duration = Duration::from_millis(10);

impl Tracker {
    /// Tracks an event (S2). It has a stamp and survives the death of the process when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::Disabled`]; [`ErrorKind::Refused`] if an event callback dropped it; [`ErrorKind::TooLarge`] over
    /// [`limits::EVENT`] in all; [`ErrorKind::JournalFull`] after waiting at most the configured 10 ms, once until there
    /// is space again; [`ErrorKind::Closed`]; [`ErrorKind::Forked`].
    pub fn track(&self, event: &Event) -> Result<EventId> {
        self.check_fork()?;
        let Some(event) = self.shown(event)? else { return self.track_shown(event) };
        self.track_shown(&event)
    }

    /// The event as callbacks left it; none if there are none.
    fn shown(&self, event: &Event) -> Result<Option<Event>> {
        if !self.shared.callbacks.has(callbacks::EVENT) {
            return Ok(None);
        }
        let mut event = event.clone();
        match self.shared.callbacks.show(&mut event) {
            true => Ok(Some(event)),
            false => Err(core::refused("an event callback dropped the event")),
        }
    }

    fn track_shown(&self, event: &Event) -> Result<EventId> {
        self.encoded(event, |body| {
            let core = self.shared.lock();
            let id = EventId(core.ids.uuid());
            let input = Input::Event { id, instance_id: core.instance_id, error: event.kind().error() };
            self.track_encoded(core, input, (event.kind().number(), body)).map(|_| id)
        })
    }

    fn encoded<T>(&self, event: &Event, track: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        with_scratch(|body| {
            encode_event(event, body);
            if body.len() > limits::EVENT {
                return Err(limits::too_large("the event", body.len(), limits::EVENT));
            }
            track(body)
        })
    }

    fn track_encoded(&self, core: MutexGuard<'_, Core>, input: Input, event: (u8, &[u8])) -> Result<Answer> {
        let (mut core, coming) = self.ask(core, &input);
        let mut give_up = None;
        let answer = loop {
            // Most inputs of events are plain numbers: a copy costs nothing.
            match core.track(input.clone(), coming.as_ref(), event, &self.shared.snapshot) {
                Ok(answer) => break answer,
                Err(Refusal::Failed(e)) => return Err(e),
                Err(Refusal::Full) => {
                    let give_up = *give_up.get_or_insert_with(|| deadline(self.shared.full_wait));
                    core = self.wait_for_space(core, give_up)?;
                }
            }
        };
        let filling = core.writer.as_ref().is_some_and(|writer| writer.free() < writer.capacity() / 2);
        drop(core);
        if filling {
            self.shared.wake.filling();
        } else {
            self.shared.wake.pending();
        }
        Ok(answer)
    }

    fn wait_for_space<'a>(
        &self,
        core: MutexGuard<'a, Core>,
        deadline: Instant,
    ) -> Result<MutexGuard<'a, Core>> {
        self.shared.wake.filling();
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.shared.stalled.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let stalled = self.shared.stalled.load(std::sync::atomic::Ordering::Relaxed);
        if stalled || self.shared.wake.is_worker() {
            return Err(core::journal_full());
        }
        Ok(self.shared.space.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    pub(super) fn apply(&self, input: Input) -> Result<Answer> {
        self.check_fork()?;
        let (mut core, coming) = self.ask(self.shared.lock(), &input);
        let answer = core.apply(input, coming.as_ref(), &self.shared.snapshot);
        drop(core);
        self.shared.wake.pending();
        match answer {
            Ok(Answer::Disabled) => Err(core::disabled()),
            Ok(Answer::Refused) => Err(core::refused("a callback refused the session")),
            Ok(answer) => Ok(answer),
            Err(Refusal::Failed(e)) => Err(e),
            Err(Refusal::Full) => Err(core::journal_full()),
        }
    }

    /// Asks the callbacks about the session that an input would begin, with no lock held (S15).
    fn ask<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        input: &Input,
    ) -> (MutexGuard<'a, Core>, Option<Coming>) {
        let callbacks = &self.shared.callbacks;
        if !callbacks.has(callbacks::SESSION_START) {
            return (core, None);
        }
        let mut patience = Some(ASKING);
        while let Some(record) = core.coming(input).filter(|_| !self.shared.snapshot.is_closed()) {
            let id = core.fresh;
            if callbacks.is_asking() {
                // It is in the middle of asking: nothing may begin before that is over.
                return (core, Some(Coming { refused: true, ..id.into() }));
            }
            if core.asking > 0
                && let Some(patience) = patience.take()
            {
                let waited = self.shared.answered.wait_timeout(core, patience);
                core = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            core.asking += 1;
            let mut start = SessionStart::new(&record, core.instance_id);
            drop(core);
            let allowed = callbacks.ask(&mut start);
            core = self.shared.lock();
            core.asking -= 1;
            self.shared.answered.notify_all();
            // Another thread may have begun it meanwhile, and that may be over, too: then it is about another session.
            if core.fresh == id {
                return (core, Some(start.coming(id, !allowed)));
            }
        }
        (core, None)
    }
}

/// A buffer of the thread's own, so that encoding an event allocates nothing.
fn with_scratch<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    /// What a large event leaves behind is given back.
    const KEEP: usize = 64 * 1_024;
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = SCRATCH.try_with(|scratch| scratch.take()).unwrap_or_default();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEEP {
        // While the thread is ending there is no place for it any more.
        let _ = SCRATCH.try_with(|scratch| scratch.replace(buffer));
    }
    result
}
