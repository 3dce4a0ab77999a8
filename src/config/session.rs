//! When sessions begin and end, what stays with them, and which are kept.

use std::sync::Arc;
use std::time::Duration;

use super::{ConfigBuilder, milliseconds};
use crate::database::MAX_HELD;
#[cfg(feature = "capi")]
use crate::error::Result;
use crate::session::{Attributes, RestartPolicy, Sampling};

impl ConfigBuilder {
    /// Timeout in foreground (S1); none for never. Default 30 min, as most of the field.
    pub fn foreground_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.0.rules.foreground_timeout = timeout.into().map(milliseconds);
        self
    }

    /// Timeout in background (S1); none for never. Default 30 min.
    pub fn background_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.0.rules.background_timeout = timeout.into().map(milliseconds);
        self
    }

    /// Maximum length of a session (S12). Default: none.
    pub fn max_session(mut self, length: impl Into<Option<Duration>>) -> Self {
        self.0.rules.max_session = length.into().map(milliseconds);
        self
    }

    /// How long without an event until a heartbeat (S13); none or 0 for never. Default 30 s.
    pub fn heartbeat_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.0.rules.heartbeat = interval.into().map(milliseconds).filter(|interval| *interval > 0);
        self
    }

    /// What a restart of the app does to an open session (S9). Default [`RestartPolicy::Resume`].
    pub fn restart_policy(mut self, policy: RestartPolicy) -> Self {
        self.0.rules.restart_policy = policy;
        self
    }

    /// Whether sessions begin with events and end by timeout (S17). Default true.
    pub fn auto_track_sessions(mut self, on: bool) -> Self {
        self.0.rules.auto_track = on;
        self
    }

    /// Whether another user ends the session (S10). Default true: two people never share one.
    pub fn end_session_on_user_change(mut self, on: bool) -> Self {
        self.0.rules.end_on_user_change = on;
        self
    }

    /// Whether a session begun after a restart keeps the user (S10). Default false: the host knows who is signed in.
    pub fn remember_user(mut self, on: bool) -> Self {
        self.0.rules.remember_user = on;
        self
    }

    /// What each session begins with: constant data that stays with it and is sent with its start and its end. A start
    /// callback may change it. Default: none.
    pub fn session_attributes(mut self, attributes: Attributes) -> Self {
        self.0.rules.attributes = Some(Arc::new(attributes)).filter(|attributes| !attributes.is_empty());
        self
    }

    #[cfg(feature = "capi")]
    pub(crate) fn change_attributes(
        self,
        change: impl FnOnce(&mut Attributes) -> Result<()>,
    ) -> Result<Self> {
        let mut attributes = self.0.rules.attributes.as_deref().cloned().unwrap_or_default();
        change(&mut attributes)?;
        Ok(self.session_attributes(attributes))
    }

    /// Which sessions are kept: a share of them, decided by their ids when they begin, and for good. Nothing of the
    /// others is delivered, and their events are counted ([`crate::Drops::sampled`]); the history has them all the same.
    /// Events outside of sessions are always kept. Default: all sessions.
    ///
    /// With [`Sampling::keep_crashed`] up to 1,000 events of the others (4 MiB), the latest, are held on the disk until
    /// their session ends: delivered if it crashed, else dropped.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.0.rules.sampling = sampling;
        self.0.caps.max_held = if sampling.keeps_crashed() { MAX_HELD } else { 0 };
        self
    }
}
