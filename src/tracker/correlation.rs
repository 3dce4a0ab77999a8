//! The session in the app's own requests and links.

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::ids::SessionId;
use crate::protocol::correlation::{self, Navigation};
use crate::protocol::snowplow::Platform;
use crate::session::{Session, SessionState};

use super::Tracker;

/// What a decorated link says beside the user, the time and the session. Default: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link<'a> {
    /// The id of the user who is signed in.
    pub user: bool,
    /// The app's id.
    pub app: bool,
    /// What the app runs on.
    pub platform: Option<Platform>,
    /// Why, e.g. the text of the link.
    pub reason: Option<&'a str>,
}

impl Tracker {
    /// Headers for the app's own requests, names and values: `baggage` with `session.id` while a session is open and not
    /// paused; `loupe-agent-sessionId` if Loupe is among the destinations. Neither waits nor counts as activity.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn request_headers(&self) -> Result<Vec<(&'static str, String)>> {
        let mut headers = Vec::new();
        if self.current()?.is_some() {
            headers.push(("baggage", self.baggage("")?));
        }
        if self.shared.setting.has_loupe {
            let instance_id = self.shared.lock().instance_id;
            headers.push(("loupe-agent-sessionId", instance_id.to_string()));
        }
        Ok(headers)
    }

    /// A value for the header `baggage` that names the session, behind what the app has `given` already, within the limits
    /// of W3C Baggage (8,192 bytes, 64 members): over them, and without a session, what is given stays as it is.
    ///
    /// # Errors
    /// As [`Tracker::request_headers`].
    pub fn baggage(&self, given: &str) -> Result<String> {
        let session = self.current()?;
        Ok(session.map_or_else(|| given.to_owned(), |id| correlation::baggage(given, &id)))
    }

    /// A link with Snowplow's cross-navigation parameter `_sp`: who follows it to another app or site of yours is known
    /// there as the same user. In anonymous mode the link stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a link that is empty or has spaces or control characters; as
    /// [`Tracker::request_headers`].
    pub fn decorate_link(&self, link: &str, more: &Link<'_>) -> Result<String> {
        let session = self.current()?;
        let (user_id, user) = {
            let core = self.shared.lock();
            (core.engine.visible_user_id(), core.engine.visible_user())
        };
        let setting = &self.shared.setting;
        let navigation = Navigation {
            user_id: user_id.0,
            now: setting.clock.now().wall,
            session_id: session.map(|id| id.uuid_in(&user_id.0)),
            subject: user.as_ref().map(|user| user.id()).filter(|_| more.user),
            source: setting.app_id.as_deref().filter(|_| more.app),
            platform: more.platform.map(Platform::name),
            reason: more.reason,
        };
        let decorated = correlation::decorate(link, &navigation)?;
        Ok(if user_id.0.is_nil() { link.to_owned() } else { decorated })
    }

    /// The session that an event would belong to now.
    fn current(&self) -> Result<Option<SessionId>> {
        self.check_open()?;
        let Session { state, id, .. } = self.shared.snapshot.read();
        Ok(id.filter(|_| state == SessionState::Active))
    }
}
