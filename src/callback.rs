//! What a host wants to be asked and told (S15): sessions that are to begin, what becomes of them, events.

use std::sync::Arc;

use crate::error::Result;
use crate::event::{Event, User};
use crate::ids::InstanceId;
use crate::session::{Attributes, Coming, EndReason, Session, SessionRecord};

/// Asked before a session begins; false refuses it.
pub(crate) type OnSessionStart = dyn Fn(&mut SessionStart) -> bool + Send + Sync;
/// Told what became of a session.
pub(crate) type OnSessionChange = dyn Fn(&SessionChange) + Send + Sync;
/// Shown an event before it gets its stamp; false drops it.
pub(crate) type OnEvent = dyn Fn(&mut Event) -> bool + Send + Sync;

/// A function of the host's. It may call the tracker, and add and remove callbacks. One that panics is ignored, and the log
/// says so. Made by one of the constructors, given to [`crate::Config`] or [`crate::Tracker::add_callback`].
#[derive(Clone)]
pub struct Callback(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    SessionStart(Arc<OnSessionStart>),
    SessionChange(Arc<OnSessionChange>),
    Event(Arc<OnEvent>),
}

/// Names a callback that was added, to remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallbackId(pub u64);

impl Callback {
    /// Asked on the thread that causes a start, before the session is current and before any event carries it. It may set
    /// the session's user and attributes, and may refuse it by false: then nothing is started, and after
    /// `start_session` the session before stays current. Several are asked in the order added, up to the first refusal. An
    /// event whose session is refused is tracked without one; the next event asks again. What it tracks itself
    /// belongs to the session before, and it cannot start another. Threads that would begin a session meanwhile wait for
    /// the answer, but no longer than 10 ms; then they ask, too, about the same session.
    pub fn session_start(ask: impl Fn(&mut SessionStart) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::SessionStart(Arc::new(ask)))
    }

    /// Told of every begin, pause, resume and end, in order, on the library's worker thread. While it runs nothing is
    /// stored; events stay in the journal.
    pub fn session_change(tell: impl Fn(&SessionChange) + Send + Sync + 'static) -> Self {
        Self(Kind::SessionChange(Arc::new(tell)))
    }

    /// Shown every event before it is stamped, on the thread that tracks it. It may edit the event, and may drop it by
    /// false: then `track` gives [`crate::ErrorKind::Refused`], and it is counted as filtered. Several are asked in the order
    /// added, up to the first that drops it. What it tracks itself is not shown again.
    pub fn event(show: impl Fn(&mut Event) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::Event(Arc::new(show)))
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Kind::SessionStart(_) => "Callback(session start)",
            Kind::SessionChange(_) => "Callback(session change)",
            Kind::Event(_) => "Callback(event)",
        })
    }
}

/// A session that is to begin.
#[derive(Debug, Clone)]
pub struct SessionStart {
    session: Session,
    instance_id: InstanceId,
    user: Option<Option<User>>,
    attributes: Attributes,
}

impl SessionStart {
    pub(crate) fn new(record: &SessionRecord, instance_id: InstanceId) -> Self {
        Self {
            session: Session::from_record(record),
            instance_id,
            user: None,
            attributes: record.attributes.as_deref().cloned().unwrap_or_default(),
        }
    }

    /// The session to come.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The tracker or scope whose session it will be.
    pub fn instance_id(&self) -> InstanceId {
        self.instance_id
    }

    /// Sets who uses the app from the start of this session on; none for no one (S10).
    pub fn set_user(&mut self, user: Option<User>) {
        self.user = Some(user);
    }

    /// Sets an attribute of the session to a text.
    ///
    /// # Errors
    /// As [`Attributes::set_text`].
    pub fn set_text(&mut self, key: &str, value: &str) -> Result<()> {
        self.attributes.set_text(key, value)
    }

    /// Sets an attribute of the session to a number.
    ///
    /// # Errors
    /// As [`Attributes::set_number`].
    pub fn set_number(&mut self, key: &str, value: f64) -> Result<()> {
        self.attributes.set_number(key, value)
    }

    /// The attributes it has so far.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// What the callbacks want of the session.
    pub(crate) fn coming(self, id: uuid::Uuid, refused: bool) -> Coming {
        let attributes = Some(self.attributes).filter(|attributes| !attributes.is_empty());
        let user = self.user.map(|user| user.map(Arc::new));
        Coming { id, refused, user, attributes: attributes.map(Arc::new) }
    }
}

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ChangeKind {
    /// It began.
    Began = 1,
    /// It was paused.
    Paused = 2,
    /// It goes on after a pause.
    Resumed = 3,
    /// It ended; [`Session::end_reason`] says why.
    Ended = 4,
}

/// What brought a change about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Cause {
    /// An event.
    Event = 1,
    /// `set_is_background`.
    Background = 2,
    /// `start_session`.
    Start = 3,
    /// `pause_session`.
    Pause = 4,
    /// `resume_session`.
    Resume = 5,
    /// `end_session`.
    End = 6,
    /// `set_user`.
    User = 7,
    /// `set_anonymous`.
    Anonymity = 8,
    /// `set_enabled`.
    Enabled = 9,
    /// The passing of time, or `poll`.
    Timer = 10,
    /// The tracker was opened.
    Opening = 11,
    /// The tracker was closed, or the scope freed.
    Closing = 12,
}

impl Cause {
    /// Its name: `event`, `background` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Background => "background",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::End => "end",
            Self::User => "user",
            Self::Anonymity => "anonymity",
            Self::Enabled => "enabled",
            Self::Timer => "timer",
            Self::Opening => "opening",
            Self::Closing => "closing",
        }
    }
}

/// Something that became of a session, as it was at that moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SessionChange {
    /// What it was.
    pub kind: ChangeKind,
    /// What brought it about.
    pub cause: Cause,
    /// The session then.
    pub session: Session,
    /// The tracker or scope whose session it is.
    pub instance_id: InstanceId,
}

impl SessionChange {
    pub(crate) fn new(
        kind: ChangeKind,
        cause: Cause,
        record: &SessionRecord,
        instance_id: InstanceId,
    ) -> Self {
        Self { kind, cause, session: Session::from_record(record), instance_id }
    }

    /// Why it ended, if it did.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.session.end_reason
    }
}
