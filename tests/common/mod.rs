//! What the tests of bad luck share: a folder with a tracker in it, and the powers to spoil it.
#![allow(dead_code)] // each test program uses its own part

pub mod receiver;
pub mod rerun;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sessio::clock::{ManualClock, Now};
use sessio::ids::IdSource;
use sessio::log::Logger;
use sessio::{Config, ConfigBuilder, Error, Event, Stats, Tracker};
use uuid::Uuid;

pub const SECOND: Duration = Duration::from_secs(1);
/// How long a condition may take on a slow machine before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Ids that make every wait after a failure nearly as long as it can be, so that no test sees one of no time at all.
#[derive(Default)]
pub struct LongWaits(AtomicU64);

impl IdSource for LongWaits {
    fn uuid(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        uuid::Builder::from_u128(0xff << 120 | u128::from(number))
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }
}

/// A folder of its own, a clock that stands still, and a logger that remembers.
pub struct World {
    pub folder: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub ids: Arc<LongWaits>,
    log: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Now::new(1_700_000_000_000, 1_000_000)));
        Self { folder: tempfile::tempdir().unwrap(), clock, ids: Arc::default(), log: Arc::default() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("events.db.default.journal")
    }

    pub fn config(&self) -> ConfigBuilder {
        self.config_at(self.path())
    }

    pub fn config_at(&self, path: impl AsRef<Path>) -> ConfigBuilder {
        let log = Arc::clone(&self.log);
        let logger = Logger::new(move |_, message| log.lock().unwrap().push(message.to_owned()));
        Config::builder().path(path).clock(self.clock.clone()).logger(logger).journal_bytes(1 << 20)
    }

    pub fn open(&self) -> Tracker {
        open(self.config())
    }

    pub fn try_open(&self) -> Result<Tracker, Error> {
        Tracker::open(self.config().build().unwrap())
    }

    pub fn logged(&self, text: &str) -> bool {
        self.log.lock().unwrap().iter().any(|message| message.contains(text))
    }

    /// Waits until so many requests have come to nothing, and that is noted. Only then does time that is let pass
    /// count for the next try.
    #[track_caller]
    pub fn wait_kept(&self, requests: usize) {
        until("a request was kept", || self.kept() >= requests);
    }

    /// How many requests have come to nothing, as far as that is noted.
    pub fn kept(&self) -> usize {
        self.log.lock().unwrap().iter().filter(|message| message.contains("are kept")).count()
    }

    #[track_caller]
    pub fn assert_logged(&self, text: &str) {
        assert!(self.logged(text), "nothing about {text:?} in {:#?}", self.log.lock().unwrap());
    }

    /// The names in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The names of the files that hold this text.
    pub fn files_with(&self, text: &str) -> Vec<String> {
        let holds = |name: &String| {
            let bytes = std::fs::read(self.folder.path().join(name)).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        self.files().into_iter().filter(holds).collect()
    }

    pub fn remove_database(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.path().display()));
        }
    }

    /// Another program's connection to the database.
    pub fn sqlite(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }

    /// Another program locks the database, until what this gives is dropped.
    pub fn lock(&self) -> rusqlite::Connection {
        let other = self.sqlite();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        other
    }
}

pub fn open(config: ConfigBuilder) -> Tracker {
    Tracker::open(config.build().unwrap()).unwrap()
}

pub fn event(name: &str) -> Event {
    Event::feature(name).unwrap()
}

/// An event of about that many bytes.
pub fn large(name: &str, bytes: usize) -> Event {
    let mut event = event(name);
    for at in 0..bytes.div_ceil(32_000) {
        event.set_text(&format!("text{at}"), &"x".repeat(32_000.min(bytes - at * 32_000))).unwrap();
    }
    event
}

/// Tracks these features.
pub fn track(tracker: &Tracker, names: &[&str]) {
    for name in names {
        tracker.track(&event(name)).unwrap();
    }
}

/// The names of the stored features, in order.
pub fn stored(tracker: &Tracker) -> Vec<String> {
    let name = |event: &sessio::event::StoredEvent| match event.event.kind() {
        sessio::event::EventKind::Feature { name } => name.clone(),
        kind => format!("{kind:?}"),
    };
    tracker.stored_events(0, usize::MAX).unwrap().iter().map(name).collect()
}

/// The ledger as the library tells it, checked against what is really stored.
#[track_caller]
pub fn ledger(tracker: &Tracker) -> Stats {
    let there = tracker.stored_events(0, usize::MAX).unwrap();
    let stats = tracker.stats().unwrap();
    assert_eq!(stats.accepted, stats.stored + stats.delivered + stats.dropped.total(), "{stats:?}");
    assert_eq!(stats.stored, there.len() as u64, "{stats:?}");
    let sequences: Vec<_> = there.iter().map(|event| event.stamp.sequence).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    assert!(sequences.last().is_none_or(|last| *last <= stats.accepted), "{stats:?}");
    stats
}

/// Waits for a condition.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come to be");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Small random numbers that a seed gives again (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }

    pub fn one_in(&mut self, chance: u64) -> bool {
        self.below(chance) == 0
    }
}
