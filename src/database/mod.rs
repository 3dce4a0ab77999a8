//! What outlives the process beyond the journal: the outbox of events, the history of sessions, the ledger. In
//! SQLite, or in memory where there is no file. The worker is the only writer; see `docs/storage.md` for the tables.

// The database in memory has nothing from before to look at, and no other tracker to share with.
#![cfg_attr(not(feature = "_sqlite"), allow(dead_code))]

mod destination;
mod ledger;
mod memory;
mod sampled;
#[cfg(feature = "_sqlite")]
pub(crate) mod sqlite;

#[cfg(test)]
mod tests;

pub use destination::DeliveryCounts;
pub(crate) use destination::{COUNT_KIND, StartCount};
pub(crate) use destination::{Destination, Fact, FactKind, Fate, MOST_EVENT_KIND, Row, Settlement};
pub use ledger::{Drops, Ledger};
pub(crate) use memory::MemoryDatabase;

use uuid::Uuid;

use crate::error::Result;
use crate::ids::SessionId;
use crate::session::{SessionRecord, Settings};

/// The caps of what is kept, per namespace (all settable). Whatever happens, the disk is not filled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Caps {
    /// Older events are of no use to any receiver.
    pub max_age_ms: u64,
    pub max_events: u64,
    pub max_bytes: u64,
    pub max_history: u64,
    /// Rows of sampled out sessions that are held, for the case that these crash. 0: none are held at all.
    pub max_held: u64,
    /// The size of these rows.
    pub max_held_bytes: u64,
}

/// Enough for what led to a crash.
pub(crate) const MAX_HELD: u64 = 1_000;

impl Default for Caps {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60 * 1_000;
        const MIB: u64 = 1_024 * 1_024;
        Self {
            max_age_ms: 30 * DAY,
            max_events: 100_000,
            max_bytes: 64 * MIB,
            max_history: 1_000,
            max_held: 0,
            max_held_bytes: 4 * MIB,
        }
    }
}

/// What is found at opening.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Names the database, so that a journal of another is told apart. 0 if it was begun anew in place of a damaged
    /// one: it takes the name that the journals know.
    pub database_id: u128,
    pub user_id: Uuid,
    /// The settings of the namespace as text; none when it is new.
    pub settings: Option<String>,
    /// A journal's number and up to which position its records are here.
    pub journal: Option<(u64, u64)>,
    pub ledger: Ledger,
}

/// One commit: everything that belongs into one transaction.
pub(crate) struct Batch<'a> {
    /// In the order in which they happened.
    pub entries: &'a [Entry<'a>],
    pub settings: &'a Settings,
    /// The session, unless a store of the host's keeps it.
    pub session: Option<&'a str>,
    /// The journal, and up to where this batch brings it.
    pub journal: (u64, u64),
    /// Now, for the cap of age: UTC, milliseconds since 1970.
    pub now: i64,
    /// Events that are known to be lost (a torn journal, a damaged database).
    pub lost: u64,
    /// Events that an erasure took out of the journal.
    pub erased: u64,
}

/// Something to store.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// An event, as the journal has it.
    Event(&'a [u8]),
    /// A session began or ended.
    Fact(Box<Fact>),
    /// Sessions of scopes began.
    Count(StartCount),
}

impl Entry<'_> {
    /// The session, if one ended that belongs into the history: those of scopes do not (S21).
    fn ended(&self) -> Option<&SessionRecord> {
        match self {
            Self::Fact(fact) if fact.kind == FactKind::Ended && !fact.session.scope => Some(&fact.session),
            _ => None,
        }
    }
}

/// How a commit went.
#[derive(Debug, PartialEq)]
pub(crate) enum Committed {
    /// It is stored; the ledger is that of the namespace now.
    Done(Ledger),
    /// Nothing was stored: another tracker has erased the database since, and the installation has a new id.
    Erased(Uuid),
}

/// A database. One contract test suite runs over both implementations.
pub(crate) trait Database: Send {
    fn load(&mut self) -> Result<Loaded>;
    fn commit(&mut self, batch: &Batch<'_>) -> Result<Committed>;
    /// Gives a database that was made anew its own and the installation's id.
    fn set_ids(&mut self, database_id: u128, user_id: Uuid) -> Result<()>;
    /// The stored session as JSON.
    fn session(&mut self) -> Result<Option<String>>;
    /// Ended sessions, newest first.
    fn history(&mut self, limit: usize) -> Result<Vec<SessionRecord>>;
    /// Changes the newest ended session of that id, and gives it as it is then; none if there is none.
    fn amend_history(
        &mut self,
        id: &SessionId,
        change: &mut dyn FnMut(&mut SessionRecord),
    ) -> Result<Option<SessionRecord>>;
    /// Events of the outbox with a sequence number over `after`, in order.
    fn events(&mut self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>>;
    /// The destinations, by name. What was owed to others only leaves. A new one is owed all that is stored.
    fn attach(&mut self, names: &[&str]) -> Result<Ledger>;
    /// Those that are attached, in the order of their names there.
    fn destinations(&self) -> &[Destination];
    /// The progress stored last by a destination; empty at first.
    fn progress(&self, destination: usize) -> &str {
        self.destinations().get(destination).map_or("", |destination| &destination.progress)
    }
    /// What was done by a destination.
    fn counts(&self, destination: usize) -> DeliveryCounts {
        self.destinations().get(destination).map(|destination| destination.counts).unwrap_or_default()
    }
    /// The rows with a number over `after` and over what is settled for the destination, in order: at most `rows`,
    /// and no more when they have reached `bytes`.
    fn owed(&mut self, destination: usize, after: u64, rows: usize, bytes: usize) -> Result<Vec<Row>>;
    /// Stores what a destination has done: what no one is owed any more leaves. Does nothing, and gives none, if the
    /// edition is another.
    fn settle(&mut self, settlement: &Settlement<'_>) -> Result<Option<Ledger>>;
    /// Up to which number nothing is owed to the destination.
    fn settled(&self, destination: usize) -> u64 {
        self.destinations().get(destination).map_or(0, |destination| destination.cursor)
    }
    /// The number of the last row there ever was.
    fn last_number(&self) -> u64;
    /// Changes when rows that were read are not there any more for a reason other than delivery and the caps: then
    /// nothing of them may be sent.
    fn edition(&self) -> u64;
    /// Drops what is held for sessions other than these: they will not crash any more.
    fn hold_only(&mut self, sessions: &[SessionId]) -> Result<Ledger>;
    /// Removes everything of everyone from the files and gives the installation a new id. Settings of consent stay. Of
    /// this namespace `accepted` events are accounted for afterwards, also if it has to be done twice.
    fn erase(&mut self, user_id: Uuid, accepted: u64) -> Result<Ledger>;
    /// Whether it is this namespace that tells of the installation: the first that asks, and whenever it asks again.
    fn claim_install(&mut self) -> Result<bool>;
    /// Makes what is stored durable against the loss of power.
    fn make_durable(&mut self) -> Result<()>;
    /// Whether it was erased, removed or damaged behind our back: then a commit finds out more. Only reads.
    fn is_changed(&self) -> bool;
    /// Lets go of the file. Nothing else is called from then on, but for readers that come too late and are told so.
    fn close(&mut self);
}
