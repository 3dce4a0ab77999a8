//! Scopes (S21): sessions beside the tracker's own, for programs with several users or windows at once.

use std::sync::Arc;

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::event::{Event, User};
use crate::ids::{EventId, InstanceId, SessionId};
use crate::session::{Answer, Input, Session};

use super::core::{self, Refusal};
use super::scopes::ScopeState;
use super::{Resumed, Shared, Tracker};

/// A session of its own, held in memory. Its events go the way of the tracker's: numbered with them, safe from a kill as
/// soon as they are tracked. Its sessions begin and end by the tracker's rules (foreground alone) and are delivered like the
/// tracker's, but are neither in the history nor there after the process. Dropping it ends its session.
///
/// Every method may be called from any thread at any time, and waits for nothing.
pub struct Scope {
    shared: Arc<Shared>,
    own: Arc<ScopeState>,
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
                core.scopes.end_later(Arc::clone(&self.own));
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
