//! The session as a host reads it: by value, at any time.

use uuid::Uuid;

use super::engine::Engine;
use super::memory::{Memory, State};
use super::record::{EndReason, SessionRecord, Spent};
use crate::ids::{EventId, SessionId, UserId};

/// Where the host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum SessionState {
    /// There has been no session yet.
    #[default]
    None = 0,
    /// A session is open.
    Active = 1,
    /// A session is open, and a pause is in force.
    Paused = 2,
    /// The last session has ended, and none has begun since; also after a restart.
    Ended = 3,
}

impl SessionState {
    /// Its name: `none`, `active`, `paused`, `ended`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    pub(crate) fn from_number(number: u8) -> Self {
        [Self::Active, Self::Paused, Self::Ended].into_iter().find(|s| *s as u8 == number).unwrap_or_default()
    }
}

/// The current session, or the last one: what a stamp would carry now. Times are UTC in milliseconds since 1970.
///
/// A session stays open when the tracker is closed: it may go on after a restart (S9).
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the fields are those of `SessionRecord`, described there
pub struct Session {
    pub state: SessionState,
    /// None while it is open.
    pub end_reason: Option<EndReason>,
    /// Nil in anonymous mode.
    pub user_id: UserId,
    /// None before the first session.
    pub id: Option<SessionId>,
    pub previous_id: Option<SessionId>,
    pub first_event_id: Option<EventId>,
    pub first_event_at: Option<i64>,
    pub index: u32,
    pub event_index: u32,
    pub is_background: bool,
    pub started_at: Option<i64>,
    pub last_activity_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// Of an open session: up to the last call that changed something, or the last second.
    pub durations: Spent,
    pub handled_errors: u32,
    pub unhandled_errors: u32,
    /// When the process was last known to live, to within a second while it does.
    pub last_seen_at: Option<i64>,
}

impl Session {
    /// Whether it has begun and not ended.
    pub fn is_open(&self) -> bool {
        matches!(self.state, SessionState::Active | SessionState::Paused)
    }

    /// How long it lasted, or has lasted so far, in milliseconds: foreground, background and paused time together.
    pub fn duration_ms(&self) -> u64 {
        self.durations.total()
    }

    /// Before the first session.
    pub(crate) fn none(user_id: UserId, is_background: bool) -> Self {
        Self {
            state: SessionState::None,
            end_reason: None,
            user_id,
            id: None,
            previous_id: None,
            first_event_id: None,
            first_event_at: None,
            index: 0,
            event_index: 0,
            is_background,
            started_at: None,
            last_activity_at: None,
            ended_at: None,
            durations: Spent::default(),
            handled_errors: 0,
            unhandled_errors: 0,
            last_seen_at: None,
        }
    }

    /// A session as the history shows it.
    pub fn from_record(record: &SessionRecord) -> Self {
        let state = match (record.end_reason, record.paused) {
            (Some(_), _) => SessionState::Ended,
            (None, true) => SessionState::Paused,
            (None, false) => SessionState::Active,
        };
        Self {
            state,
            end_reason: record.end_reason,
            user_id: record.user_id(),
            id: Some(record.id.clone()),
            previous_id: record.previous_id.clone(),
            first_event_id: record.first_event.map(|first| EventId(first.id)),
            first_event_at: record.first_event.map(|first| first.time),
            index: record.index,
            event_index: record.event_index,
            is_background: record.background,
            started_at: Some(record.started_at.wall),
            last_activity_at: Some(record.last_activity.wall),
            ended_at: record.ended_at,
            durations: record.durations(),
            handled_errors: record.handled_errors,
            unhandled_errors: record.unhandled_errors,
            last_seen_at: Some(record.last_seen.wall),
        }
    }
}

impl Engine {
    /// The session to show. Reading changes nothing and is no activity.
    pub fn session(&self) -> Session {
        self.memory().session()
    }
}

impl Memory {
    /// The same of a memory alone, also of another process's.
    pub fn session(&self) -> Session {
        let settings = &self.settings;
        let user_id = settings.visible_user_id();
        match &self.state {
            State::None => Session::none(user_id, settings.background),
            State::Open(record) | State::Ended(record) => {
                let mut session = Session::from_record(record);
                session.user_id = user_id;
                session.is_background = settings.background;
                if user_id.0 == Uuid::nil() {
                    session.previous_id = None;
                }
                session
            }
        }
    }
}
