//! Events that are told after their session has ended: what a crash reporter finds at the next start.

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, invalid};
use crate::event::Event;
use crate::ids::{EventId, SessionId};
use crate::session::{EndReason, FirstEvent, Input, SessionRecord};

use super::Tracker;

impl Tracker {
    /// Tracks an event in a session that has ended, by its id (from [`Tracker::history`], or a callback that was told of the
    /// end): the error, say, that a crash reporter found at the next start. The event carries that session with its user and
    /// the app's version then, and gets the next number in it; the session does not go on, and no other is touched. An error
    /// is counted there, but for the unhandled one of a session that ended as crashed, which the crash mark has counted
    /// already. In the session that is open it is tracked as by [`Tracker::track`]. Waits for the disk.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: no session of that id is in the history. As [`Tracker::track`], and the database cannot
    /// be read or written.
    pub fn track_in_session(&self, event: &Event, session_id: &str) -> Result<EventId> {
        let session_id = SessionId::parse(session_id)?;
        let current = self.session()?;
        if current.is_open() && current.id.as_ref() == Some(&session_id) {
            return self.track(event);
        }
        let shown = self.shared.shown(event)?;
        let event = shown.as_ref().unwrap_or(event);
        let (id, now) = {
            let core = self.shared.lock();
            if !core.engine.memory().settings.enabled {
                return Err(super::core::disabled());
            }
            (EventId(core.ids.uuid()), core.clock.now().wall)
        };
        let first = FirstEvent { id: id.0, time: now };
        let counted = self.read(|database| {
            database.amend_history(&session_id, &mut |record| count(record, event, first))
        })?;
        let mut record =
            counted.ok_or_else(|| invalid(format!("no session {session_id} is in the history")))?;
        let keeps_crashed = self.shared.lock().engine.rules().sampling.keeps_crashed();
        record.sampled_out &= !(keeps_crashed && record.end_reason == Some(EndReason::Crashed));
        let session = Box::new(record);
        self.shared.track_as(event, Some(id), |core, id| Input::EventIn {
            id,
            instance_id: core.instance_id,
            session,
        })
    }
}

/// The event is one of the session's (S2, S14).
fn count(record: &mut SessionRecord, event: &Event, first: FirstEvent) {
    record.event_index = record.event_index.saturating_add(1);
    record.first_event.get_or_insert(first);
    let marked = record.end_reason == Some(EndReason::Crashed);
    match event.kind().error() {
        Some(true) if !marked => record.unhandled_errors = record.unhandled_errors.saturating_add(1),
        Some(false) => record.handled_errors = record.handled_errors.saturating_add(1),
        _ => {}
    }
}
