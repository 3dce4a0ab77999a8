//! What the library adds to an event: which one it is, when it was tracked, whose it is, and its place in a session.

use std::sync::Arc;

use super::User;
use crate::ids::{EventId, InstanceId, SessionId, UserId};

/// The stamp of one event, complete before `track` returns (S2).
#[derive(Debug, Clone, PartialEq)]
pub struct Stamp {
    /// The event's id.
    pub event_id: EventId,
    /// Its number within the namespace (S22).
    pub sequence: u64,
    /// When it was tracked: UTC, milliseconds since 1970.
    pub time: i64,
    /// The tracker or scope it was given to (S21).
    pub instance_id: InstanceId,
    /// The installation, nil in anonymous mode (S18).
    pub user_id: UserId,
    /// The user, unless there is none or in anonymous mode (S10, S18).
    pub user: Option<Arc<User>>,
    /// The version of the app that tracked it.
    pub app_version: Option<Arc<str>>,
    /// The app was in background.
    pub in_background: bool,
    /// Its place in the session; none outside of one and while paused (S6).
    pub session: Option<SessionStamp>,
}

/// An event's place in its session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionStamp {
    /// The session's id.
    pub id: SessionId,
    /// The session's number, 1 for the first ever.
    pub index: u32,
    /// The event's number within the session, 1 for the first.
    pub event_index: u32,
    /// The session before, unless there was none or it must not be linked (S18).
    pub previous_id: Option<SessionId>,
    /// The event that came first in this session.
    pub first_event_id: EventId,
    /// When that was.
    pub first_event_time: i64,
    /// When the session began.
    pub started_at: i64,
    /// Handled errors of the session so far, this event included (S14).
    pub handled_errors: u32,
    /// Unhandled errors of the session so far, this event included (S14).
    pub unhandled_errors: u32,
    /// The session is not among the share that is kept.
    pub sampled_out: bool,
}
