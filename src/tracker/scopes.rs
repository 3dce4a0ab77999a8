//! The scopes of a tracker, behind its lock: their steps, and what the worker does for them.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use uuid::Uuid;

use crate::callback::{Cause, ChangeKind};
use crate::event::{Event, Trail};
use crate::ids::InstanceId;
use crate::journal::Writer;
use crate::session::{Answer, Coming, Engine, Fact, Input, Memory, Opening, RestartPolicy, Rules, Step};

use super::Shared;
use super::commit::lock;
use super::core::{self, Core, RECORD, Refusal};

/// Events that an error in a scope carries at the most: there may be thousands of scopes, and each has a trail of its own.
const TRAIL: usize = 10;

/// What a scope and its tracker's worker share.
pub(super) struct ScopeState {
    pub instance_id: InstanceId,
    inner: Mutex<Inner>,
}

/// Behind the tracker's lock and its own, taken in this order.
pub(super) struct Inner {
    pub engine: Engine,
    /// The id of the next session.
    pub fresh: Uuid,
    /// The erasure that it knows of.
    erasures: u32,
    trail: Trail,
}

/// The scopes of a tracker.
#[derive(Default)]
pub(super) struct Scopes {
    all: Vec<Weak<ScopeState>>,
    /// How many of them are gone, about. A list of them keeps their memory.
    gone: usize,
    /// Dropped when there was no room for their end.
    orphans: Vec<Arc<ScopeState>>,
    /// Nothing expires before `elapsed` is at this reading.
    due: Option<u64>,
    /// Counts erasures: scopes forget, too.
    pub erasures: u32,
}

impl Scopes {
    fn add(&mut self, scope: &Arc<ScopeState>) {
        self.all.push(Arc::downgrade(scope));
    }

    /// One of them is being dropped. Those that are gone leave the list when they are the half of it.
    pub fn one_goes(&mut self) {
        self.gone += 1;
        if self.gone * 2 > self.all.len() {
            self.all.retain(|scope| scope.strong_count() > 0);
            self.all.shrink_to(self.all.len() * 2);
            self.gone = 0;
        }
    }

    /// Something was said to the tracker that holds for them, too: they are looked at as soon as possible.
    pub fn look_at_all(&mut self) {
        if !self.all.is_empty() {
            self.expires_at(0);
        }
    }

    /// One of them was dropped when there was no room for its end, which comes later.
    pub fn end_later(&mut self, scope: Arc<ScopeState>) {
        self.orphans.push(scope);
        self.expires_at(0);
    }

    fn expires_at(&mut self, elapsed: u64) {
        self.due = Some(self.due.map_or(elapsed, |due| due.min(elapsed)));
    }

    /// In how many milliseconds one of them may expire.
    pub fn expires_in(&self, elapsed: u64) -> Option<u64> {
        self.due.map(|due| due.saturating_sub(elapsed))
    }
}

impl ScopeState {
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

/// The rules of scopes: the tracker's, for a session that no restart and no background touches.
fn rules_of(tracker: &Rules) -> Rules {
    Rules { scope: true, heartbeat: None, restart_policy: RestartPolicy::StartNew, ..tracker.clone() }
}

impl Core {
    pub(super) fn new_scope(&mut self) -> Arc<ScopeState> {
        let opening = Opening {
            now: self.clock.now(),
            boot_id: self.clock.boot_id(),
            in_background: false,
            crashed: None,
        };
        let memory = Memory::new(self.engine.memory().settings.user_id);
        let (engine, _) = Engine::open(rules_of(self.engine.rules()), memory, opening);
        let (instance_id, fresh) = (InstanceId(self.ids.uuid()), self.ids.uuid());
        let inner = Mutex::new(Inner {
            engine,
            fresh,
            erasures: self.scopes.erasures,
            trail: Trail::new(self.trail.most().min(TRAIL)),
        });
        let scope = Arc::new(ScopeState { instance_id, inner });
        self.scopes.add(&scope);
        scope
    }

    /// One step of a scope, published as a whole. An event comes with its encoded form.
    pub(super) fn step_scope(
        &mut self,
        scope: &ScopeState,
        input: Input,
        coming: Option<&Coming>,
        event: Option<(&Event, &[u8])>,
    ) -> Result<Answer, Refusal> {
        let mut inner = scope.lock();
        // What has to be settled first, and a session that is replaced.
        let body = event.map_or(0, |(_, body)| core::event_room(body, &inner.trail));
        if self.writer.as_ref().ok_or_else(|| Refusal::Failed(core::closed()))?.free()
            < 6 * Writer::needed(RECORD) + body
        {
            return Err(Refusal::Full);
        }
        let mut wrote = self.settle_scope(&mut inner, scope.instance_id);
        let cause = core::cause(&input);
        let now = self.clock.now();
        let coming = coming.cloned().unwrap_or_else(|| inner.fresh.into());
        let Step { mut answer, facts } = inner.engine.step_with(input, &coming, now);
        wrote |= self.record_scope(&mut inner, scope.instance_id, &facts, cause);
        if let Some(left) = inner.engine.expires_in(now) {
            self.scopes.expires_at(now.elapsed.saturating_add(left));
        }
        if let (Answer::Stamped(stamp), Some(event)) = (&mut answer, event) {
            stamp.sequence = self.engine.next_sequence();
            stamp.in_background = self.engine.memory().settings.background;
            self.append_event(stamp, event, &mut inner.trail);
            wrote = true;
        }
        if wrote {
            self.publish_only();
        }
        Ok(answer)
    }

    /// What was said to the tracker holds for its scopes: consent, anonymity, an erasure.
    fn settle_scope(&mut self, inner: &mut Inner, instance_id: InstanceId) -> bool {
        let settings = &self.engine.memory().settings;
        let (anonymous, enabled, user_id) = (settings.anonymous, settings.enabled, settings.user_id);
        if std::mem::replace(&mut inner.erasures, self.scopes.erasures) != self.scopes.erasures {
            inner.engine.erase(user_id);
        }
        let mut wrote = false;
        for input in [Input::SetAnonymous(anonymous), Input::SetEnabled(enabled)] {
            let own = &inner.engine.memory().settings;
            if (own.anonymous, own.enabled) != (anonymous, enabled) {
                let (cause, fresh) = (core::cause(&input), inner.fresh);
                let facts = inner.engine.step(input, fresh, self.clock.now()).facts;
                wrote |= self.record_scope(inner, instance_id, &facts, cause);
            }
        }
        wrote
    }

    fn record_scope(
        &mut self,
        inner: &mut Inner,
        instance_id: InstanceId,
        facts: &[Fact],
        cause: Cause,
    ) -> bool {
        let now = self.clock.now().wall;
        for fact in facts {
            let (kind, change, record) = match fact {
                Fact::Began(record) => (core::BEGAN, ChangeKind::Began, record),
                Fact::Ended(record) => (core::ENDED, ChangeKind::Ended, record),
            };
            if change == ChangeKind::Began {
                inner.fresh = self.ids.uuid();
                inner.trail.clear();
            }
            self.note_of(instance_id, change, cause, record);
            self.append_fact(kind, now, record);
        }
        !facts.is_empty()
    }
}

impl Shared {
    /// The clock has moved on: scopes whose timeout has passed end (S4). Gives whether that was all.
    pub(super) fn tick_scopes(&self) -> bool {
        let due = {
            let mut core = self.lock();
            let elapsed = core.clock.now().elapsed;
            core.scopes.due.take_if(|due| *due <= elapsed).is_some()
        };
        !due || self.end_orphans() && self.for_each_scope(&Input::Tick).1
    }

    /// Gives whether there was room for all of them.
    fn end_orphans(&self) -> bool {
        loop {
            let mut core = self.lock();
            let Some(scope) = core.scopes.orphans.last().cloned() else { return true };
            if matches!(core.step_scope(&scope, Input::Close, None, None), Err(Refusal::Full)) {
                core.scopes.expires_at(0);
                return false;
            }
            core.scopes.orphans.pop();
        }
    }

    /// The tracker is being closed, and its scopes with it. Gives whether any of them ended, so that room must be made.
    pub(super) fn close_scopes(&self) -> bool {
        self.for_each_scope(&Input::Close).0
    }

    /// Gives whether a session ended, and whether there was room for all of them.
    fn for_each_scope(&self, input: &Input) -> (bool, bool) {
        let scopes = {
            let core = self.lock();
            let orphans = core.scopes.orphans.iter().map(Arc::downgrade);
            core.scopes.all.iter().cloned().chain(orphans).collect::<Vec<_>>()
        };
        let mut any = false;
        for scope in scopes.iter().filter_map(Weak::upgrade) {
            let was_open = scope.lock().engine.open_session().is_some();
            let mut core = self.lock();
            let full = matches!(core.step_scope(&scope, input.clone(), None, None), Err(Refusal::Full));
            if full {
                // It is looked at again at once: now is as late as any time.
                core.scopes.expires_at(0);
                return (any, false);
            }
            drop(core);
            any |= was_open && scope.lock().engine.open_session().is_none();
        }
        (any, true)
    }
}
