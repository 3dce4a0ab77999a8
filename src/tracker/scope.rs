//! Scopes (S21): sessions beside the tracker's own, for programs with several users or windows at once.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use uuid::Uuid;

use crate::callback::{Cause, ChangeKind};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::event::{Event, Trail, User};
use crate::ids::{EventId, InstanceId, SessionId};
use crate::journal::Writer;
use crate::session::{
    Answer, Coming, Engine, Fact, Input, Memory, Opening, RestartPolicy, Rules, Session, Step,
};

use super::commit::lock;
use super::core::{self, Core, RECORD, Refusal};
use super::{Resumed, Shared, Tracker};

/// Events that an error in a scope carries at the most: there may be thousands of scopes, and each has a trail of its own.
const TRAIL: usize = 10;

/// A session of its own, held in memory. Its events go the way of the tracker's: numbered with them, safe from a kill as
/// soon as they are tracked. Its sessions begin and end by the tracker's rules (foreground alone) and are delivered like the
/// tracker's, but are neither in the history nor there after the process. Dropping it ends its session.
///
/// Every method may be called from any thread at any time, and waits for nothing.
pub struct Scope {
    shared: Arc<Shared>,
    own: Arc<ScopeState>,
}

/// What a scope and its tracker's worker share.
pub(super) struct ScopeState {
    pub instance_id: InstanceId,
    inner: Mutex<Inner>,
}

/// Behind the tracker's lock and its own, taken in this order.
struct Inner {
    engine: Engine,
    /// The id of the next session.
    fresh: Uuid,
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
    fn one_goes(&mut self) {
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

    fn expires_at(&mut self, elapsed: u64) {
        self.due = Some(self.due.map_or(elapsed, |due| due.min(elapsed)));
    }

    /// In how many milliseconds one of them may expire.
    pub fn expires_in(&self, elapsed: u64) -> Option<u64> {
        self.due.map(|due| due.saturating_sub(elapsed))
    }
}

impl ScopeState {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

/// The rules of scopes: the tracker's, for a session that no restart and no background touches.
fn rules_of(tracker: &Rules) -> Rules {
    Rules { scope: true, heartbeat: None, restart_policy: RestartPolicy::StartNew, ..tracker.clone() }
}

impl Core {
    fn new_scope(&mut self) -> Arc<ScopeState> {
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
    fn step_scope(
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

impl Tracker {
    /// A scope: a session beside the tracker's own. Thousands of them cost about a kilobyte each.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn new_scope(&self) -> Result<Scope> {
        self.check_open()?;
        let own = self.shared.lock().new_scope();
        Ok(Scope { shared: Arc::clone(&self.shared), own })
    }
}

impl Scope {
    /// Tracks an event in the scope's session; begins one if none is open (S2).
    ///
    /// # Errors
    /// As [`Tracker::track`].
    pub fn track(&self, event: &Event) -> Result<EventId> {
        self.shared.check_fork()?;
        let shown = self.shared.shown(event)?;
        let event = shown.as_ref().unwrap_or(event);
        self.shared.encoded(event, |body| {
            let id = EventId(self.shared.lock().ids.uuid());
            let error = event.kind().error();
            let input = Input::Event { id, instance_id: self.own.instance_id, error };
            self.step(input, Some((event, body)))?;
            Ok(id)
        })
    }

    fn step(&self, input: Input, event: Option<(&Event, &[u8])>) -> Result<Answer> {
        self.shared.check_open()?;
        let shared = &self.shared;
        let (core, coming) = shared.ask(shared.lock(), self.own.instance_id, |core| {
            let inner = self.own.lock();
            let id = inner.fresh;
            Some((id, inner.engine.coming(&input, &id.into(), core.clock.now())?))
        });
        let answer = self.shared.with_room(core, |core| {
            if shared.snapshot.is_closed() {
                return Err(Refusal::Failed(core::closed()));
            }
            core.step_scope(&self.own, input.clone(), coming.as_ref(), event)
        });
        answer.and_then(core::accepted)
    }

    fn start_by(&self, input: Input) -> Result<SessionId> {
        self.step(input, None)?;
        let id = self.own.lock().engine.open_session().map(|record| record.id.clone());
        id.ok_or_else(core::closed)
    }

    /// Ends the scope's session and begins a new one now (S5). Gives its id.
    ///
    /// # Errors
    /// As [`Tracker::start_session`].
    pub fn start_session(&self) -> Result<SessionId> {
        self.start_by(Input::Start)
    }

    /// The same with an id of the host's (S11).
    ///
    /// # Errors
    /// As [`Tracker::start_session_with_id`].
    pub fn start_session_with_id(&self, id: &str) -> Result<SessionId> {
        self.start_by(Input::StartWithId(SessionId::parse(id)?))
    }

    /// Pauses the scope's session (S6).
    ///
    /// # Errors
    /// As [`Tracker::pause_session`].
    pub fn pause_session(&self) -> Result<()> {
        self.step(Input::Pause, None).map(drop)
    }

    /// Lifts a pause, or begins a session (S6).
    ///
    /// # Errors
    /// As [`Tracker::resume_session`].
    pub fn resume_session(&self) -> Result<Resumed> {
        self.step(Input::Resume, None).map(|answer| Resumed::from_answer(&answer))
    }

    /// Ends the scope's session (S7).
    ///
    /// # Errors
    /// As [`Tracker::end_session`].
    pub fn end_session(&self) -> Result<()> {
        self.step(Input::End, None).map(drop)
    }

    /// Says who uses this scope (S10).
    ///
    /// # Errors
    /// As [`Tracker::set_user`].
    pub fn set_user(&self, user: Option<User>) -> Result<()> {
        self.step(Input::SetUser(user.map(Arc::new)), None).map(drop)
    }

    /// The scope's session now.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn session(&self) -> Result<Session> {
        self.shared.check_open()?;
        Ok(self.own.lock().engine.session())
    }

    /// Names this scope as long as it lives: its events carry it beside the session.
    pub fn instance_id(&self) -> InstanceId {
        self.own.instance_id
    }

    /// What dropping does, for a handle that others may still hold.
    pub(crate) fn end_for_good(&self) {
        if self.shared.is_forked() {
            std::mem::forget((Arc::clone(&self.shared), Arc::clone(&self.own)));
        } else {
            // Closed: the session has ended with the tracker. Else it is for want of room, and the worker ends it later.
            let failed = self.step(Input::Close, None).is_err() && !self.shared.snapshot.is_closed();
            let mut core = self.shared.lock();
            core.scopes.one_goes();
            if failed {
                core.scopes.orphans.push(Arc::clone(&self.own));
                core.scopes.expires_at(0);
            }
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.end_for_good();
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({})", self.own.instance_id)
    }
}
