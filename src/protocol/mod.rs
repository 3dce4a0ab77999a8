//! What goes over the wire: one neutral event, and for each receiver how it is written and what an answer means.
//! Pure: no clock, no network, no file. `docs/wire.md` has the tables. A protocol of one's own is one more
//! implementation of [`Protocol`].

mod bugsnag;
pub mod correlation;
mod device;
mod exceptionless;
mod fields;
mod given;
mod headers;
mod json;
mod loupe;
mod options;
mod otlp;
mod request;
mod setup;
pub mod snowplow;
mod text;
mod url;

pub use bugsnag::Bugsnag;
pub use device::Device;
pub use exceptionless::Exceptionless;
pub use loupe::Loupe;
pub use otlp::Otlp;
pub use request::{Method, Request, Response, Verdict};
pub use setup::Setup;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::error::Result;
use crate::event::StoredEvent;
use crate::ids::{SessionId, UserId};
use crate::session::SessionRecord;
use crate::store::StorageMechanism;

/// One thing to deliver.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// An event with its stamp.
    Event(Box<StoredEvent>),
    /// A session began.
    SessionStart(Box<SessionRecord>),
    /// A session ended.
    SessionEnd {
        /// With its true end.
        record: Box<SessionRecord>,
        /// When the end was noticed: UTC, milliseconds since 1970. After a kill it lies behind the true end.
        noticed_at: i64,
    },
    /// So many sessions of scopes began in a minute, for receivers that want to know no more (S21); each start is an item, too.
    SessionCount(SessionCount),
}

/// How many sessions of scopes began in one minute (S21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCount {
    /// A moment of that minute: UTC, milliseconds since 1970. Sent as the beginning of the minute.
    pub started_at: i64,
    /// How many.
    pub sessions_started: u64,
    /// The installation as stamps carry it: nil in anonymous mode.
    pub user_id: UserId,
    /// The version of the app in which they began.
    pub app_version: Option<Arc<str>>,
    /// When they were counted: UTC, milliseconds since 1970.
    pub at: i64,
}

/// What a request says beside its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// When this attempt is made: UTC, milliseconds since 1970.
    pub sent_at: i64,
    /// The tracker's namespace.
    pub namespace: String,
    /// The app, as the host calls it, and its version.
    pub app_id: Option<String>,
    /// The version of the app that sends; events carry that of the app that tracked them.
    pub app_version: Option<String>,
    /// The build of the app that sends.
    pub app_build: Option<String>,
    /// The installation's id, also in anonymous mode: the namespace of UUIDs made from a host's own ids. It is itself
    /// sent only as far as the stamps carry it.
    pub installation: Uuid,
    /// Where the session is kept.
    pub storage: StorageMechanism,
    /// The device.
    pub device: Device,
}

impl Source {
    /// A session id as the UUID that some receivers ask for: itself, or the UUIDv5 of a host's own text.
    pub fn session_uuid(&self, id: &SessionId) -> Uuid {
        id.uuid_in(&self.installation)
    }

    /// The build of the app that tracked something, if it was of the version that sends: of others the build is not
    /// known.
    pub fn build_of(&self, app_version: Option<&str>) -> Option<&str> {
        self.app_build.as_deref().filter(|_| app_version == self.app_version.as_deref())
    }
}

/// How much goes into one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Items.
    pub items: usize,
    /// Bytes of the body, before compression.
    pub bytes: usize,
}

/// A receiver's way of speaking.
pub trait Protocol: Send + Sync {
    /// Its name in logs and counters: `snowplow` …
    fn name(&self) -> &'static str;

    /// Whether it has a use for an item. What it does not take is not owed to it.
    fn takes(&self, item: &Item) -> bool;

    /// How much goes into one request.
    fn limits(&self) -> BatchLimits;

    /// The most starts and ends of sessions that are kept for it; of more the oldest are dropped. None: all.
    fn most_sessions(&self) -> Option<usize> {
        None
    }

    /// How long an item like this may wait for more of its kind, if it is worth that. It is sent earlier with others that are
    /// not, when somebody waits for delivery, and when the tracker is closed. Counts of sessions alone can wait. Default: no
    /// time.
    fn gathers(&self, _item: &Item) -> Option<Duration> {
        None
    }

    /// Writes a request for some items, all of which it takes, in order. It takes as many of the first ones as fit
    /// into the limits, at least one, and says how many.
    ///
    /// # Errors
    /// The first item cannot be sent: it is dropped. [`crate::ErrorKind::TooLarge`] means that no request has room for
    /// it, any other kind that it is damaged, older than the receiver takes, or none that it takes at all. Most
    /// receivers get an item over the limit alone, in a request of its own, and are left to refuse it.
    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)>;

    /// A request that says that a session is alive (S13), or has just ended, if the receiver knows such. It is sent at once or
    /// never: it is neither queued nor tried again, and the answer means nothing. An end goes as an item, too. Default: none.
    fn heartbeat(&self, _session: &SessionId, _closes: bool, _source: &Source) -> Option<Request> {
        None
    }

    /// What an answer to a request with `items` items means.
    fn judge(&self, response: &Response, items: usize) -> Verdict;
}
