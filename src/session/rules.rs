//! What a host can set about its sessions. The numbers of the rules (S1 …) are those of the semantics.

use std::sync::Arc;

use super::attributes::Attributes;
use super::sampling::Sampling;

/// What happens to an open session when the app starts again (S9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartPolicy {
    /// It goes on, unless it is expired or the app crashed.
    #[default]
    Resume,
    /// It ends; the next event begins a new one.
    StartNew,
}

/// The settings of the engine. Times are in milliseconds, `None` means never.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Timeout in foreground (S1).
    pub foreground_timeout: Option<u64>,
    /// Timeout in background (S1).
    pub background_timeout: Option<u64>,
    /// Maximum length (S12).
    pub max_session: Option<u64>,
    /// What a restart does (S9).
    pub restart_policy: RestartPolicy,
    /// Sessions begin with events and end by timeout (S17).
    pub auto_track: bool,
    /// Another user ends the session (S10).
    pub end_on_user_change: bool,
    /// A session begun after a restart keeps the user (S10).
    pub remember_user: bool,
    /// The app's version, kept in each session.
    pub app_version: Option<Arc<str>>,
    /// How long without an event until a heartbeat (S13).
    pub heartbeat: Option<u64>,
    /// Which sessions are kept.
    pub sampling: Sampling,
    /// What each session begins with.
    pub attributes: Option<Arc<Attributes>>,
    /// The sessions are those of a scope (S21).
    pub scope: bool,
}

impl Default for Rules {
    /// Half an hour in either state: what Snowplow and most of the field use.
    fn default() -> Self {
        const HALF_AN_HOUR: u64 = 30 * 60 * 1_000;
        Self {
            foreground_timeout: Some(HALF_AN_HOUR),
            background_timeout: Some(HALF_AN_HOUR),
            max_session: None,
            restart_policy: RestartPolicy::Resume,
            auto_track: true,
            end_on_user_change: true,
            remember_user: false,
            app_version: None,
            heartbeat: None,
            sampling: Sampling::default(),
            attributes: None,
            scope: false,
        }
    }
}

impl Rules {
    pub(crate) fn timeout(&self, in_background: bool) -> Option<u64> {
        if in_background { self.background_timeout } else { self.foreground_timeout }
    }
}
