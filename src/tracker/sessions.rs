//! The session, as an app steers and reads it. None of these calls waits for the disk.

use std::sync::Arc;

use crate::callback::{Callback, CallbackId};
use crate::error::{Error, ErrorKind, Result};
use crate::event::User;
use crate::ids::{InstanceId, SessionId};
use crate::session::{Answer, Input, Session};

use super::Tracker;

/// What [`Tracker::resume_session`] did (S6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// The paused session goes on.
    Resumed,
    /// There was no pause, and a session is open.
    AlreadyActive,
    /// A session began.
    Started,
}

impl Resumed {
    pub(super) fn from_answer(answer: &Answer) -> Self {
        match answer {
            Answer::Resumed => Self::Resumed,
            Answer::Started => Self::Started,
            _ => Self::AlreadyActive,
        }
    }
}

impl Tracker {
    /// The app went to background, or came to foreground (S3). The same value again does nothing. A change is an event
    /// itself if lifecycle events are on.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`]; [`ErrorKind::JournalFull`] if not even the end of a session fits
    /// into the journal.
    pub fn set_is_background(&self, in_background: bool) -> Result<()> {
        if self.shared.lifecycle_events {
            return self.track_lifecycle(in_background);
        }
        self.apply(Input::SetBackground(in_background)).map(drop)
    }

    /// Whether the app was last said to be in background.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn is_background(&self) -> Result<bool> {
        self.check_open()?;
        Ok(self.shared.snapshot.read().is_background)
    }

    /// Ends the open session and begins a new one now (S5). Gives its id.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`], and [`ErrorKind::Disabled`].
    pub fn start_session(&self) -> Result<SessionId> {
        self.start(Input::Start)
    }

    /// The same with an id of the host's (S11): 1 to 128 of `A-Z a-z 0-9 . _ -`. The id of the open session changes
    /// nothing.
    ///
    /// # Errors
    /// As [`Tracker::start_session`], and [`ErrorKind::InvalidArgument`] for any other id.
    pub fn start_session_with_id(&self, id: &str) -> Result<SessionId> {
        self.start(Input::StartWithId(SessionId::parse(id)?))
    }

    fn start(&self, input: Input) -> Result<SessionId> {
        self.apply(input)?;
        let id = self.shared.snapshot.read().id;
        id.ok_or_else(|| Error::new(ErrorKind::Internal, "no session was started"))
    }

    /// Pauses (S6): until `resume_session`, events belong to no session and nothing expires.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn pause_session(&self) -> Result<()> {
        self.apply(Input::Pause).map(drop)
    }

    /// Lifts a pause, or begins a session if none is open (S6).
    ///
    /// # Errors
    /// As [`Tracker::start_session`].
    pub fn resume_session(&self) -> Result<Resumed> {
        self.apply(Input::Resume).map(|answer| Resumed::from_answer(&answer))
    }

    /// Ends the open session, if there is one (S7).
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn end_session(&self) -> Result<()> {
        self.apply(Input::End).map(drop)
    }

    /// Says who uses the app from now on; none for no one (S10).
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn set_user(&self, user: Option<User>) -> Result<()> {
        self.apply(Input::SetUser(user.map(Arc::new))).map(drop)
    }

    /// Who was last said to use the app; a session that goes on after a restart brings its user along (S10). In
    /// anonymous mode it is known here, but nothing carries it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn user(&self) -> Result<Option<User>> {
        self.check_open()?;
        let user = self.shared.lock().engine.memory().settings.user.clone();
        Ok(user.map(Arc::unwrap_or_clone))
    }

    /// Switches anonymous mode (S18). Survives restarts.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn set_anonymous(&self, on: bool) -> Result<()> {
        self.apply(Input::SetAnonymous(on)).map(drop)
    }

    /// Switches tracking (S19). Survives restarts. What is stored stays; [`Tracker::erase`] removes it.
    ///
    /// # Errors
    /// As [`Tracker::set_is_background`].
    pub fn set_enabled(&self, on: bool) -> Result<()> {
        self.apply(Input::SetEnabled(on)).map(drop)
    }

    /// Marks a crash (S16): the next start ends the session as crashed. Async-signal-safe: a crash handler may call it.
    pub fn mark_crashed(&self) {
        // Once closed, the journal may be another tracker's.
        if !self.is_forked() && !self.shared.snapshot.is_closed() {
            self.shared.marker.mark();
        }
    }

    /// Adds a callback, from now on. Gives its id, to remove it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn add_callback(&self, callback: Callback) -> Result<CallbackId> {
        self.check_open()?;
        Ok(self.shared.callbacks.add(callback))
    }

    /// Removes a callback, also from within itself. A call of it that is under way in another thread goes on. Gives whether it
    /// was there.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn remove_callback(&self, id: CallbackId) -> Result<bool> {
        self.check_open()?;
        Ok(self.shared.callbacks.remove(id))
    }

    /// Names this tracker object as long as it lives: its events carry it beside the session (S21; Loupe's agent session
    /// id).
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn instance_id(&self) -> Result<InstanceId> {
        self.check_open()?;
        Ok(self.shared.lock().instance_id)
    }

    /// The session now. Neither waits nor counts as activity.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn session(&self) -> Result<Session> {
        self.check_open()?;
        Ok(self.shared.snapshot.read())
    }
}
