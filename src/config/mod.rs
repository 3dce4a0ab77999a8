//! How a tracker is set up: one builder, each option with its default and the reason for it.

mod delivery;
mod preset;
mod session;

pub use delivery::BackgroundDelivery;
pub(crate) use delivery::Delivery;
pub use preset::Preset;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::callback::Callback;
use crate::clock::{Clock, SystemClock};
use crate::database::Caps;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Result, invalid};
use crate::event::{Context, limits};
use crate::ids::{IdSource, RandomIds};
use crate::log::{Level, Logger};
use crate::session::Rules;
use crate::store::SessionStore;

/// The smallest and the largest ring: it must hold a few of the largest events, and not be a burden.
const JOURNAL_BYTES: std::ops::RangeInclusive<usize> = 1_024 * 1_024..=256 * 1_024 * 1_024;
const JOURNAL_PAGE: usize = 4_096;
/// More than that nobody reads, and each error would carry it.
const MOST_TRAIL: usize = 100;

/// The settings of a tracker. Made by [`Config::builder`]; may be used for several trackers.
#[derive(Clone)]
pub struct Config {
    pub(crate) path: Option<PathBuf>,
    pub(crate) namespace: String,
    pub(crate) app_id: Option<String>,
    pub(crate) app_build: Option<String>,
    pub(crate) rules: Rules,
    pub(crate) starts_in_background: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) session_store: Option<Arc<dyn SessionStore>>,
    pub(crate) logger: Logger,
    pub(crate) commit_window: Duration,
    pub(crate) journal_bytes: usize,
    pub(crate) full_wait: Duration,
    pub(crate) caps: Caps,
    pub(crate) delivery: Delivery,
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) lifecycle_events: bool,
    pub(crate) contexts: Vec<Context>,
    pub(crate) trail: usize,
    log_level: Level,
}

impl Config {
    /// A builder with every default.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder(Self {
            path: None,
            namespace: "default".into(),
            app_id: None,
            app_build: None,
            rules: Rules { heartbeat: Some(30_000), ..Rules::default() },
            starts_in_background: false,
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(RandomIds),
            session_store: None,
            logger: Logger::default(),
            commit_window: Duration::from_millis(20),
            journal_bytes: 4 * 1_024 * 1_024,
            full_wait: Duration::from_millis(10),
            caps: Caps::default(),
            delivery: Delivery::default(),
            callbacks: Vec::new(),
            lifecycle_events: false,
            contexts: Vec::new(),
            trail: 30,
            log_level: Level::Debug,
        })
    }

    /// The id of the app, if the host gave one.
    pub fn app_id(&self) -> Option<&str> {
        self.app_id.as_deref()
    }

    /// How long without an event until a heartbeat (S13).
    pub fn heartbeat_interval(&self) -> Option<Duration> {
        self.rules.heartbeat.map(Duration::from_millis)
    }

    fn check(&self) -> Result<()> {
        limits::name("the namespace", &self.namespace, limits::NAMESPACE)?;
        let texts = [
            ("the app id", &self.app_id.as_deref()),
            ("the app version", &self.rules.app_version.as_deref()),
            ("the app build", &self.app_build.as_deref()),
        ];
        for (what, text) in texts {
            text.map_or(Ok(()), |text| limits::name(what, text, limits::IDENTITY))?;
        }
        if self.path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(invalid("the path of the database is empty"));
        }
        if self.path.is_some() && !cfg!(feature = "_sqlite") {
            return Err(invalid(
                "this build has no SQLite (feature `sqlite`): a tracker can live in memory only",
            ));
        }
        if !JOURNAL_BYTES.contains(&self.journal_bytes) {
            let (least, most) = JOURNAL_BYTES.into_inner();
            return Err(invalid(format!(
                "the journal has {least} to {most} bytes, not {}",
                self.journal_bytes
            )));
        }
        if self.trail > MOST_TRAIL {
            return Err(invalid(format!("the trail has at most {MOST_TRAIL} events, not {}", self.trail)));
        }
        limits::global_contexts(&self.contexts)?;
        self.delivery.check()
    }
}

impl std::fmt::Debug for Config {
    /// Without what a host would not want in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Config`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ConfigBuilder(Config);

impl ConfigBuilder {
    /// The database file. Its folder must exist; the journal lies beside it. Default: none, everything in memory.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path = Some(path.as_ref().to_owned());
        self
    }

    /// Separates trackers that share a database (S20): any text of 1 to 1,024 bytes. Default `default`.
    pub fn namespace(mut self, name: &str) -> Self {
        self.0.namespace = name.into();
        self
    }

    /// What the app is called by the receivers, and its version. Default: neither.
    pub fn app(mut self, id: &str, version: &str) -> Self {
        self.0.app_id = Some(id.into());
        self.0.rules.app_version = Some(version.into());
        self
    }

    /// The build of the app, beside its version: 1 to 512 bytes of any text. Receivers are told it with what this
    /// version of the app tracked. Default: none.
    pub fn app_build(mut self, build: &str) -> Self {
        self.0.app_build = Some(build.into());
        self
    }

    /// Whether the app is in background when the tracker is opened (S3). Default false.
    pub fn starts_in_background(mut self, on: bool) -> Self {
        self.0.starts_in_background = on;
        self
    }

    /// Whether changes of background are events themselves (`application_background`, `application_foreground`), tracked by
    /// `set_is_background`, and the installation of the app one (`application_install`), tracked once per database when it
    /// is first opened with tracking on. Default false.
    pub fn lifecycle_events(mut self, on: bool) -> Self {
        self.0.lifecycle_events = on;
        self
    }

    /// How many of the last events of its session an error event carries (kind, name, time), from memory, in at most 64 bytes
    /// each on average; 0 for none. At most 100; in a scope 10. Default 30: what crash reporters show.
    pub fn trail(mut self, events: usize) -> Self {
        self.0.trail = events;
        self
    }

    /// Adds data in a schema of its own to every event; more can be set on an open tracker. Default: none.
    pub fn global_context(mut self, context: Context) -> Self {
        self.0.contexts.push(context);
        self
    }

    /// The least level of messages that go to the logger. Default [`Level::Debug`]: all.
    pub fn log_level(mut self, least: Level) -> Self {
        self.0.log_level = least;
        self
    }

    /// A clock of the host's. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = clock;
        self
    }

    /// Where ids come from. Default: random. For tests that want the same ids each time.
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.0.ids = ids;
        self
    }

    /// A session store of the host's. Default: the database.
    pub fn session_store(mut self, store: Arc<dyn SessionStore>) -> Self {
        self.0.session_store = Some(store);
        self
    }

    /// Adds a callback that is there from the beginning: it is told of what opening brings about, too. More can be added to
    /// an open tracker. Default: none.
    pub fn callback(mut self, callback: Callback) -> Self {
        self.0.callbacks.push(callback);
        self
    }

    /// Where the library's messages go. Default: nowhere.
    pub fn logger(mut self, logger: Logger) -> Self {
        self.0.logger = logger;
        self
    }

    /// How long events are gathered for one transaction. Longer saves energy, shorter loses less with power. Default
    /// 20 ms.
    pub fn commit_window(mut self, window: Duration) -> Self {
        self.0.commit_window = window;
        self
    }

    /// Size of the journal's ring, 1 to 256 MiB, rounded up to pages: how large a burst is taken at full speed. A
    /// journal that is there keeps its size. Default 4 MiB, about 15,000 events.
    pub fn journal_bytes(mut self, bytes: usize) -> Self {
        self.0.journal_bytes = bytes;
        self
    }

    /// How long `track` waits for space in a full journal before it refuses the event. Once it has waited in vain,
    /// events are refused at once until there is space again. Default 10 ms: less than a frame.
    pub fn full_wait(mut self, wait: Duration) -> Self {
        self.0.full_wait = wait;
        self
    }

    /// Caps of the outbox: age, number and bytes of events, per namespace. The oldest go first, and are counted.
    /// Default 30 days, 100,000 events, 64 MiB.
    pub fn queue_limits(mut self, max_age: Duration, max_events: u64, max_bytes: u64) -> Self {
        self.0.caps.max_age_ms = milliseconds(max_age);
        self.0.caps.max_events = max_events;
        self.0.caps.max_bytes = max_bytes;
        self
    }

    /// How many ended sessions the history keeps. Default 1,000.
    pub fn history_limit(mut self, sessions: u64) -> Self {
        self.0.caps.max_history = sessions;
        self
    }

    /// The settings, checked.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] or [`ErrorKind::TooLarge`], naming the option.
    pub fn build(mut self) -> Result<Config> {
        self.0.check()?;
        self.0.journal_bytes = self.0.journal_bytes.next_multiple_of(JOURNAL_PAGE);
        self.0.logger = self.0.logger.at_least(self.0.log_level);
        Ok(self.0)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let refused = |builder: ConfigBuilder| builder.build().unwrap_err().to_string();
        assert!(refused(Config::builder().namespace("")).contains("namespace"));
        assert!(refused(Config::builder().namespace(&"n".repeat(1_025))).contains("namespace"));
        assert!(refused(Config::builder().app("", "1")).contains("app id"));
        assert!(refused(Config::builder().app("a", "")).contains("app version"));
        assert!(refused(Config::builder().app_build("")).contains("app build"));
        assert!(refused(Config::builder().app_build(&"b".repeat(513))).contains("app build"));
        assert!(refused(Config::builder().path("")).contains("path"));
        assert!(refused(Config::builder().journal_bytes(1)).contains("journal"));
        assert!(Config::builder().namespace("näme 名").build().is_ok());
        assert!(Config::builder().foreground_timeout(Duration::MAX).max_session(None).build().is_ok());
    }
}
