//! What goes into the engine and what comes out.

use std::sync::Arc;

use uuid::Uuid;

use super::attributes::Attributes;
use super::record::SessionRecord;
use crate::event::{Stamp, User};
use crate::ids::{EventId, InstanceId, SessionId};

/// Something the host did, or the passing of time.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An event was tracked. `error` says for an error whether it was unhandled.
    Event {
        /// Its id.
        id: EventId,
        /// The tracker or scope it was given to.
        instance_id: InstanceId,
        /// `Some(unhandled)` for an error.
        error: Option<bool>,
    },
    /// An event was tracked for a session that has ended, as which it is given. It is none of its numbers and no activity.
    EventIn {
        /// Its id.
        id: EventId,
        /// The tracker it was given to.
        instance_id: InstanceId,
        /// The session.
        session: Box<SessionRecord>,
    },
    /// As [`Input::SetBackground`], and the change is an event itself.
    Lifecycle {
        /// The app went to background (true) or foreground.
        background: bool,
        /// The event's id.
        id: EventId,
        /// The tracker.
        instance_id: InstanceId,
    },
    /// The app went to background (true) or foreground (S3).
    SetBackground(bool),
    /// `start_session` (S5).
    Start,
    /// `start_session_with_id` (S11).
    StartWithId(SessionId),
    /// `pause_session` (S6).
    Pause,
    /// `resume_session` (S6).
    Resume,
    /// `end_session` (S7).
    End,
    /// `set_user` (S10).
    SetUser(Option<Arc<User>>),
    /// `set_anonymous` (S18).
    SetAnonymous(bool),
    /// `set_enabled` (S19).
    SetEnabled(bool),
    /// Time passed: the timer, or `poll` (S4, S9).
    Tick,
    /// The tracker is being closed (S9).
    Close,
}

/// What the engine made of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// For the caller.
    pub answer: Answer,
    /// What became true, in this order.
    pub facts: Vec<Fact>,
}

/// What the caller is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is done, or there was nothing to do.
    Done,
    /// The event was accepted and got this stamp.
    Stamped(Stamp),
    /// Tracking is off (S19): nothing was changed.
    Disabled,
    /// `resume`: the paused session goes on.
    Resumed,
    /// `resume`: there was no pause, and a session is open.
    AlreadyActive,
    /// `resume`: a session began.
    Started,
    /// A callback refused the session that would have begun (S15): only what was due by the clock was done.
    Refused,
    /// A heartbeat of the open session is due (S13).
    Heartbeat(SessionId),
}

/// A session that a step may begin.
#[derive(Debug, Clone, Default)]
pub struct Coming {
    /// Its id, unless the host brings one.
    pub id: Uuid,
    /// It must not begin (S15).
    pub refused: bool,
    /// Its user, in place of the one that is set.
    pub user: Option<Option<Arc<User>>>,
    /// Its attributes, in place of those of the rules.
    pub attributes: Option<Arc<Attributes>>,
}

impl From<Uuid> for Coming {
    fn from(id: Uuid) -> Self {
        Self { id, ..Self::default() }
    }
}

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It began.
    Began(SessionRecord),
    /// It ended.
    Ended(SessionRecord),
}
