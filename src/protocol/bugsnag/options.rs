//! Bugsnag's options.

use std::time::Duration;

use crate::error::{Result, invalid};
use crate::event::limits;
use crate::protocol::options::{Texts, key};
use crate::protocol::url;

/// Where sessions go unless the host says otherwise.
const SESSIONS: &str = "https://sessions.bugsnag.com/";
/// What Bugsnag's notifiers call the stage of an app that does not say.
const PRODUCTION: &str = "production";
const MAX_AGE: Duration = Duration::from_secs(60 * 86_400);
/// As many as Bugsnag's notifiers keep.
const MAX_SESSIONS: usize = 128;
/// More than the queue holds would be no limit.
const MOST_SESSIONS: usize = 100_000;

/// Set by `release_stage`, or a momentary state.
const APP_RESERVED: &[&str] = &["releaseStage", "duration", "durationInForeground", "inForeground"];
/// Ours, no texts, or momentary states: what is sent may be days old.
const DEVICE_RESERVED: &[&str] = &[
    "id",
    "totalMemory",
    "cpuAbi",
    "runtimeVersions",
    "time",
    "freeMemory",
    "freeDisk",
    "orientation",
    "batteryLevel",
    "charging",
    "locationStatus",
    "networkAccess",
];

/// Bugsnag as a destination: which project, where, for which release stages.
///
/// ```
/// # fn main() -> sessio::Result<()> {
/// use sessio::protocol::Bugsnag;
///
/// let bugsnag = Bugsnag::new("0123456789abcdef0123456789abcdef")?
///     .release_stage("beta")?
///     .enabled_release_stages(&["beta", "production"])?
///     .app("type", "desktop")?
///     .notify_endpoint("https://notify.bugsnag.com/")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Bugsnag {
    pub(super) api_key: String,
    pub(super) sessions_url: String,
    pub(super) notify_url: Option<String>,
    pub(super) release_stage: String,
    pub(super) enabled_stages: Option<Vec<String>>,
    pub(super) app: Texts,
    pub(super) device: Texts,
    pub(super) runtimes: Texts,
    pub(super) max_age_ms: i64,
    pub(super) max_sessions: usize,
}

impl Bugsnag {
    /// The project of that API key, with every default.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if the key is empty or no visible ASCII.
    pub fn new(api_key: &str) -> Result<Self> {
        Ok(Self {
            api_key: key("the API key", api_key)?,
            sessions_url: SESSIONS.into(),
            notify_url: None,
            release_stage: PRODUCTION.into(),
            enabled_stages: None,
            app: Texts::default(),
            device: Texts::default(),
            runtimes: Texts::default(),
            max_age_ms: milliseconds(MAX_AGE),
            max_sessions: MAX_SESSIONS,
        })
    }

    /// Where sessions go. Default `https://sessions.bugsnag.com/`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is no HTTP URL.
    pub fn sessions_endpoint(mut self, endpoint: &str) -> Result<Self> {
        self.sessions_url = whole("the sessions endpoint", endpoint)?;
        Ok(self)
    }

    /// Where errors go, e.g. `https://notify.bugsnag.com/`. Default: nowhere; the host reports them by its own means.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is no HTTP URL.
    pub fn notify_endpoint(mut self, endpoint: &str) -> Result<Self> {
        self.notify_url = Some(whole("the notify endpoint", endpoint)?);
        Ok(self)
    }

    /// The stage of this build: `development`, `beta` … Default `production`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is empty.
    pub fn release_stage(mut self, stage: &str) -> Result<Self> {
        limits::name("the release stage", stage, limits::NAME)?;
        self.release_stage = stage.into();
        Ok(self)
    }

    /// The stages that report; a build of another stage sends nothing. Default: all.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if one of them is empty.
    pub fn enabled_release_stages(mut self, stages: &[&str]) -> Result<Self> {
        for stage in stages {
            limits::name("an enabled release stage", stage, limits::NAME)?;
        }
        self.enabled_stages = Some(stages.iter().map(|stage| (*stage).into()).collect());
        Ok(self)
    }

    /// A text of `app`: replaces `id`, `version` or `bundleVersion`, or adds `type`, `codeBundleId` … Default: none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for an empty name, the release stage and momentary states.
    pub fn app(mut self, name: &str, value: &str) -> Result<Self> {
        self.app.set("app", APP_RESERVED, name, value)?;
        Ok(self)
    }

    /// A text of `device`: replaces `osName`, `model` …, or adds one. Default: none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for an empty name, the id, numbers and momentary states.
    pub fn device(mut self, name: &str, value: &str) -> Result<Self> {
        self.device.set("device", DEVICE_RESERVED, name, value)?;
        Ok(self)
    }

    /// The version of something the app runs on, e.g. `dotnet`. Default: none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for an empty name.
    pub fn runtime_version(mut self, name: &str, version: &str) -> Result<Self> {
        self.runtimes.set("runtimeVersions", &[], name, version)?;
        Ok(self)
    }

    /// What is older is dropped instead of sent. Default 60 days: Bugsnag takes nothing older.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is longer than that.
    pub fn max_age(mut self, age: Duration) -> Result<Self> {
        if age > MAX_AGE {
            return Err(invalid("the maximum age is over 60 days"));
        }
        self.max_age_ms = milliseconds(age);
        Ok(self)
    }

    /// How many sessions wait to be sent at most; of more the oldest are dropped. Errors do not count. Default 128.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is 0 or over 100,000.
    pub fn max_sessions(mut self, sessions: usize) -> Result<Self> {
        if !(1..=MOST_SESSIONS).contains(&sessions) {
            return Err(invalid(format!("the maximum of sessions is not from 1 to {MOST_SESSIONS}")));
        }
        self.max_sessions = sessions;
        Ok(self)
    }
}

impl std::fmt::Debug for Bugsnag {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bugsnag")
            .field("sessions_url", &self.sessions_url)
            .field("notify_url", &self.notify_url)
            .field("release_stage", &self.release_stage)
            .finish_non_exhaustive()
    }
}

/// A whole URL, checked. Unlike a base, to which paths are added, it keeps a slash at its end.
fn whole(what: &str, url: &str) -> Result<String> {
    url::endpoint(what, url)?;
    Ok(url.into())
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
