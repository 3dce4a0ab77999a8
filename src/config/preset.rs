//! Presets: when sessions end, as in other systems. One table, here and in `docs/semantics.md`, each with its source.

use std::time::Duration;

use crate::error::{Result, invalid};
use crate::session::RestartPolicy;

use super::ConfigBuilder;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Whose rules sessions end by. A preset sets both timeouts, the maximum length and the restart policy; what is set
/// after it goes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// 30 min in foreground and in background; each start of the app begins a new session.
    Snowplow,
    /// 30 s in background, never in foreground; each start begins a new one.
    Bugsnag,
    /// Never by timeout; each start begins a new one.
    Exceptionless,
    /// 15 min, at most 4 h; each start begins a new one.
    Datadog,
    /// 15 min in background, at most 4 h; each start begins a new one.
    Otel,
    /// 30 min in background, never in foreground; each start begins a new one.
    Firebase,
    /// 5 min in background, never in foreground; a session goes on after a restart.
    Amplitude,
}

/// What a preset sets.
struct Rules {
    foreground: Option<Duration>,
    background: Option<Duration>,
    longest: Option<Duration>,
    restart: RestartPolicy,
}

impl Preset {
    /// Each, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::Snowplow,
        Self::Bugsnag,
        Self::Exceptionless,
        Self::Datadog,
        Self::Otel,
        Self::Firebase,
        Self::Amplitude,
    ];

    /// Its name: `snowplow`, `bugsnag` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Snowplow => "snowplow",
            Self::Bugsnag => "bugsnag",
            Self::Exceptionless => "exceptionless",
            Self::Datadog => "datadog",
            Self::Otel => "otel",
            Self::Firebase => "firebase",
            Self::Amplitude => "amplitude",
        }
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for any other text.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or_else(|| {
            invalid(format!(
                "the preset is one of snowplow bugsnag exceptionless datadog otel firebase amplitude, not {name:?}"
            ))
        })
    }

    fn rules(self) -> Rules {
        use RestartPolicy::{Resume, StartNew};
        let (foreground, background, longest, restart) = match self {
            // docs.snowplow.io, mobile trackers, session tracking; `continueSessionOnRestart` is off.
            Self::Snowplow => (Some(MINUTE * 30), Some(MINUTE * 30), None, StartNew),
            // docs.bugsnag.com, capturing sessions: each launch, and after at least 30 s in background.
            Self::Bugsnag => (None, Some(Duration::from_secs(30)), None, StartNew),
            // Exceptionless' clients: from start to exit or change of user; the server ends what is silent.
            Self::Exceptionless => (None, None, None, StartNew),
            // dd-sdk-android, RumSessionScope: inactivity of 15 min, at most 4 h.
            Self::Datadog => (Some(MINUTE * 15), Some(MINUTE * 15), Some(HOUR * 4), StartNew),
            // opentelemetry-android, SessionConfig: 15 min in background, at most 4 h.
            Self::Otel => (None, Some(MINUTE * 15), Some(HOUR * 4), StartNew),
            // firebase-sessions: a cold start, or 30 min in background.
            Self::Firebase => (None, Some(MINUTE * 30), None, StartNew),
            // amplitude.com/docs, track sessions: 5 min in background, also over a relaunch.
            Self::Amplitude => (None, Some(MINUTE * 5), None, Resume),
        };
        Rules { foreground, background, longest, restart }
    }
}

impl ConfigBuilder {
    /// Ends sessions as another system does: sets both timeouts, the maximum length and the restart policy. Default:
    /// our own, see each of them.
    pub fn preset(self, preset: Preset) -> Self {
        let Rules { foreground, background, longest, restart } = preset.rules();
        self.foreground_timeout(foreground)
            .background_timeout(background)
            .max_session(longest)
            .restart_policy(restart)
    }
}
