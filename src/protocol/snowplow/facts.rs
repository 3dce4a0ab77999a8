//! What every item has, whether it is an event or the start or end of a session.

use uuid::Uuid;

use crate::event::{Stamp, User};
use crate::ids::SessionId;
use crate::protocol::{Item, SessionCount, Source};
use crate::session::SessionRecord;

pub struct Facts<'a> {
    pub id: Uuid,
    pub time: i64,
    pub true_time: Option<i64>,
    /// The installation, nil in anonymous mode.
    pub user_id: Uuid,
    pub user: Option<&'a User>,
    pub app_version: Option<&'a str>,
    pub session: Option<Place<'a>>,
}

/// An item's place in a session.
pub struct Place<'a> {
    pub id: &'a SessionId,
    pub index: u32,
    /// None for the start and the end, which are not events of the session.
    pub event_index: Option<u32>,
    pub previous: Option<&'a SessionId>,
    /// The first event and its time.
    pub first: Option<(Uuid, i64)>,
}

impl<'a> Facts<'a> {
    pub fn of(item: &'a Item, source: &Source) -> Self {
        match item {
            Item::Event(event) => Self::of_event(&event.stamp, event.event.true_time()),
            Item::SessionStart(record) => Self::of_session(record, "start", record.started_at.wall, source),
            Item::SessionEnd { record, .. } => {
                let ended_at = record.ended_at.unwrap_or(record.last_activity.wall);
                Self::of_session(record, "end", ended_at, source)
            }
            // None is taken.
            Item::SessionCount(count) => Self::of_count(count),
        }
    }

    fn of_event(stamp: &'a Stamp, true_time: Option<i64>) -> Self {
        Self {
            id: stamp.event_id.0,
            time: stamp.time,
            true_time,
            user_id: stamp.user_id.0,
            user: stamp.user.as_deref(),
            app_version: stamp.app_version.as_deref(),
            session: stamp.session.as_ref().map(|session| Place {
                id: &session.id,
                index: session.index,
                event_index: Some(session.event_index),
                previous: session.previous_id.as_ref(),
                first: Some((session.first_event_id.0, session.first_event_time)),
            }),
        }
    }

    /// Its id follows from the session's, so that a second attempt has the same one.
    fn of_session(record: &'a SessionRecord, what: &str, time: i64, source: &Source) -> Self {
        Self {
            id: Uuid::new_v5(&source.session_uuid(&record.id), what.as_bytes()),
            time,
            true_time: None,
            user_id: record.user_id,
            user: record.user.as_deref(),
            app_version: record.app_version.as_deref(),
            session: Some(Place {
                id: &record.id,
                index: record.index,
                event_index: None,
                previous: record.previous_id.as_ref(),
                first: record.first_event.map(|first| (first.id, first.time)),
            }),
        }
    }

    fn of_count(count: &'a SessionCount) -> Self {
        Self {
            id: Uuid::nil(),
            time: count.at,
            true_time: None,
            user_id: count.user_id.0,
            user: None,
            app_version: count.app_version.as_deref(),
            session: None,
        }
    }

    pub fn is_anonymous(&self) -> bool {
        self.user_id.is_nil()
    }
}
