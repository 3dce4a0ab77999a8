//! Tracking, and every other input of the engine: callbacks are asked, room is waited for, the step is taken.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::callback::SessionStart;
use crate::encoding::Buffer;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Error, Result};
use crate::event::{EncodedContexts, Event, encode_event, limits};
use crate::ids::{EventId, InstanceId};
use crate::session::{Answer, Coming, Input, SessionRecord};

use super::core::{self, Core, Refusal};
use super::{Shared, Tracker, callbacks, deadline};

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
        let shown = self.shared.shown(event)?;
        self.shared.track_as(shown.as_ref().unwrap_or(event), None, |core, id| Input::Event {
            id,
            instance_id: core.instance_id,
            error: event.kind().error(),
        })
    }

    pub(super) fn apply(&self, input: Input) -> Result<Answer> {
        self.check_fork()?;
        let (mut core, coming) = self.shared.ask_about(self.shared.lock(), &input);
        let answer = core.apply(input, coming.as_ref(), &self.shared.snapshot);
        drop(core);
        self.shared.wake.pending();
        answer.map_err(error_of).and_then(core::accepted)
    }
}

fn error_of(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Full => core::journal_full(),
        Refusal::Failed(e) => e,
    }
}

impl Shared {
    /// Takes the step that an event is part of. It gets an id, unless it has one.
    pub(super) fn track_as(
        &self,
        event: &Event,
        id: Option<EventId>,
        input: impl FnOnce(&Core, EventId) -> Input,
    ) -> Result<EventId> {
        self.encoded(event, |body| {
            let core = self.lock();
            let id = id.unwrap_or_else(|| EventId(core.ids.uuid()));
            let input = input(&core, id);
            let (core, coming) = self.ask_about(core, &input);
            let event = (event, body);
            self.with_room(core, |core| core.track(input.clone(), coming.as_ref(), event, &self.snapshot))?;
            Ok(id)
        })
    }

    /// The event as callbacks left it; none if there are none.
    pub(super) fn shown(&self, event: &Event) -> Result<Option<Event>> {
        if !self.callbacks.has(callbacks::EVENT) {
            return Ok(None);
        }
        let mut event = event.clone();
        match self.callbacks.show(&mut event) {
            true => Ok(Some(event)),
            false => Err(core::refused("an event callback dropped the event")),
        }
    }

    pub(super) fn encoded<T>(&self, event: &Event, track: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        with_scratch(|body| {
            let more = self.contexts.encoded();
            let none = EncodedContexts::default();
            encode_event(event, more.as_deref().unwrap_or(&none), body);
            let body = body.written();
            if body.len() > limits::EVENT {
                return Err(limits::too_large("the event", body.len(), limits::EVENT));
            }
            track(body)
        })
    }

    /// Takes a step as soon as there is room for it in the journal.
    pub(super) fn with_room<T>(
        &self,
        mut core: MutexGuard<'_, Core>,
        mut step: impl FnMut(&mut Core) -> Result<T, Refusal>,
    ) -> Result<T> {
        let mut give_up = None;
        let done = loop {
            match step(&mut core) {
                Ok(done) => break done,
                Err(Refusal::Failed(e)) => return Err(e),
                Err(Refusal::Full) => {
                    let give_up = *give_up.get_or_insert_with(|| deadline(self.full_wait));
                    core = self.wait_for_space(core, give_up)?;
                }
            }
        };
        let filling = core.writer.as_ref().is_some_and(|writer| writer.free() < writer.capacity() / 2);
        drop(core);
        if filling {
            self.wake.filling();
        } else {
            self.wake.pending();
        }
        Ok(done)
    }

    fn wait_for_space<'a>(
        &self,
        core: MutexGuard<'a, Core>,
        deadline: Instant,
    ) -> Result<MutexGuard<'a, Core>> {
        self.wake.filling();
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.stalled.store(true, Ordering::Relaxed);
        }
        if self.stalled.load(Ordering::Relaxed) || self.wake.is_worker() {
            return Err(core::journal_full());
        }
        Ok(self.space.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    fn ask_about<'a>(
        &'a self,
        core: MutexGuard<'a, Core>,
        input: &Input,
    ) -> (MutexGuard<'a, Core>, Option<Coming>) {
        let instance_id = core.instance_id;
        self.ask(core, instance_id, |core| core.coming(input))
    }

    /// Asks the callbacks about the session that is to come, with no lock held (S15). `coming` gives it and the id that it
    /// would get of us, or none once nothing would begin any more.
    pub(super) fn ask<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        instance_id: InstanceId,
        coming: impl Fn(&Core) -> Option<(Uuid, SessionRecord)>,
    ) -> (MutexGuard<'a, Core>, Option<Coming>) {
        if !self.callbacks.has(callbacks::SESSION_START) {
            return (core, None);
        }
        let mut patience = Some(ASKING);
        let mut asked: Option<Coming> = None;
        while let Some((id, record)) = coming(&core).filter(|_| !self.snapshot.is_closed()) {
            // Another thread may have begun what was asked about, and that may be over, too: then it is another session.
            if let Some(asked) = asked.take_if(|asked| asked.id == id) {
                return (core, Some(asked));
            }
            if self.callbacks.is_asking() {
                // It is in the middle of asking: nothing may begin before that is over.
                return (core, Some(Coming { refused: true, ..id.into() }));
            }
            if core.asking > 0
                && let Some(patience) = patience.take()
            {
                core = self.answered.wait_timeout(core, patience).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            core.asking += 1;
            let mut start = SessionStart::new(&record, instance_id);
            drop(core);
            let allowed = self.callbacks.ask(&mut start);
            core = self.lock();
            core.asking -= 1;
            self.answered.notify_all();
            asked = Some(start.coming(id, !allowed));
        }
        (core, None)
    }
}

/// A buffer of the thread's own, so that encoding an event allocates nothing.
fn with_scratch<T>(work: impl FnOnce(&mut Buffer) -> T) -> T {
    /// What a large event leaves behind is given back.
    const KEEP: usize = 64 * 1_024;
    thread_local! {
        static SCRATCH: RefCell<Buffer> = const { RefCell::new(Buffer::new()) };
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
