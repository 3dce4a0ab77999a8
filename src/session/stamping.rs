//! What an event gets from the engine: its number, its place in the session, its stamp.

use super::engine::{At, Engine};
use super::input::Answer;
use super::memory::State;
use super::record::{FirstEvent, Moment, SessionRecord};
use crate::event::{SessionStamp, Stamp};
use crate::ids::{EventId, InstanceId, UserId};

impl Engine {
    // S2, S14, S22
    pub(super) fn event(
        &mut self,
        id: EventId,
        instance_id: InstanceId,
        error: Option<bool>,
        at: &mut At<'_>,
    ) -> Answer {
        if !self.memory.settings.enabled {
            return Answer::Disabled;
        }
        let mut session = None;
        if !self.memory.settings.paused {
            self.settle_with_length(at);
            if self.rules.auto_track && self.open_session().is_none() && !at.coming.refused {
                self.begin(None, at);
            }
            session = self.count(id, error, at.now);
        }
        Answer::Stamped(self.stamp(id, instance_id, session, at.now))
    }

    fn stamp(
        &mut self,
        id: EventId,
        instance_id: InstanceId,
        session: Option<SessionStamp>,
        now: Moment,
    ) -> Stamp {
        self.memory.settings.sequence += 1;
        Stamp {
            event_id: id,
            sequence: self.memory.settings.sequence,
            time: now.wall,
            instance_id,
            user_id: self.visible_user_id(),
            user: self.visible_user(),
            app_version: self.rules.app_version.clone(),
            in_background: self.memory.settings.background,
            session,
        }
    }

    /// What is told of a session that has ended carries its user and version, as they were then.
    pub(super) fn event_in(
        &mut self,
        id: EventId,
        instance_id: InstanceId,
        record: &SessionRecord,
        at: &At<'_>,
    ) -> Answer {
        if !self.memory.settings.enabled {
            return Answer::Disabled;
        }
        let anonymous = self.memory.settings.anonymous;
        let place = place(record, FirstEvent { id: id.0, time: at.now.wall }, anonymous);
        let stamp = self.stamp(id, instance_id, Some(place), at.now);
        Answer::Stamped(Stamp {
            user_id: if anonymous { UserId::NIL } else { record.user_id() },
            user: record.user.clone().filter(|_| !anonymous),
            app_version: record.app_version.clone(),
            in_background: record.background,
            ..stamp
        })
    }

    /// S3, judged by the state that is left; what comes of it is an event like any other (S2).
    pub(super) fn lifecycle(
        &mut self,
        background: bool,
        id: EventId,
        instance_id: InstanceId,
        at: &mut At<'_>,
    ) -> Answer {
        if self.memory.settings.background == background {
            return Answer::Done;
        }
        self.set_background(background, at);
        match self.event(id, instance_id, None, at) {
            // The change is taken note of all the same (S19).
            Answer::Disabled => Answer::Done,
            answer => answer,
        }
    }

    /// Counts the event in the open session, if there is one, and gives its place there.
    fn count(&mut self, id: EventId, error: Option<bool>, now: Moment) -> Option<SessionStamp> {
        let anonymous = self.memory.settings.anonymous;
        let State::Open(record) = &mut self.memory.state else { return None };
        record.activity(now);
        self.quiet_since = now;
        record.event_index = record.event_index.saturating_add(1);
        let first = *record.first_event.get_or_insert(FirstEvent { id: id.0, time: now.wall });
        match error {
            Some(true) => record.unhandled_errors = record.unhandled_errors.saturating_add(1),
            Some(false) => record.handled_errors = record.handled_errors.saturating_add(1),
            None => {}
        }
        Some(place(record, first, anonymous))
    }
}

/// The place of the latest event of a session.
fn place(record: &SessionRecord, first: FirstEvent, anonymous: bool) -> SessionStamp {
    let first = record.first_event.unwrap_or(first);
    SessionStamp {
        id: record.id.clone(),
        index: record.index,
        event_index: record.event_index,
        previous_id: if anonymous { None } else { record.previous_id.clone() },
        first_event_id: EventId(first.id),
        first_event_time: first.time,
        started_at: record.started_at.wall,
        handled_errors: record.handled_errors,
        unhandled_errors: record.unhandled_errors,
        sampled_out: record.sampled_out,
    }
}
