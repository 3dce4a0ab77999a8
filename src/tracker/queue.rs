//! The outbox as senders see it. A sender holds no part of the tracker while it waits for the network.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, Weak};

use crate::clock::{Clock, Now};
use crate::config::{BackgroundDelivery, Config};
use crate::database::{Database, Settlement};
use crate::delivery::{Beat, DeliveryObserver, DeliveryReport, Destination, Queue, Read};
use crate::device;
use crate::error::Result;
use crate::ids::IdSource;
use crate::log::Logger;
use crate::protocol::{Device, Source};
use crate::store::StorageMechanism;

use super::Shared;
use super::commit::lock;
use super::core::closed;

/// What delivery needs to know of the configuration.
pub(super) struct Setting {
    pub namespace: String,
    /// Loupe is among the destinations.
    pub has_loupe: bool,
    /// Names of destinations.
    pub destinations: Vec<String>,
    pub app_id: Option<String>,
    pub app_version: Option<String>,
    pub app_build: Option<String>,
    pub storage: StorageMechanism,
    /// What the host tells about the device.
    pub device: Device,
    pub detect_device: bool,
    pub background: BackgroundDelivery,
    pub observer: Option<Arc<dyn DeliveryObserver>>,
    pub logger: Logger,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
}

impl Setting {
    pub fn new(config: &Config, destinations: &[Destination]) -> Self {
        let storage = match (&config.session_store, &config.path) {
            (Some(store), _) => store.storage_mechanism(),
            (None, Some(_)) => StorageMechanism::Sqlite,
            (None, None) => StorageMechanism::Memory,
        };
        Self {
            namespace: config.namespace.clone(),
            has_loupe: destinations.iter().any(|destination| destination.protocol().name() == "loupe"),
            destinations: destinations.iter().map(|destination| destination.name().to_owned()).collect(),
            app_id: config.app_id.clone(),
            app_version: config.rules.app_version.as_deref().map(str::to_owned),
            app_build: config.app_build.clone(),
            storage,
            device: config.delivery.device.clone(),
            // Nobody is told without a destination.
            detect_device: config.delivery.detect_device && !destinations.is_empty(),
            background: config.delivery.background,
            observer: config.delivery.observer.clone(),
            logger: config.logger.clone(),
            clock: Arc::clone(&config.clock),
            ids: Arc::clone(&config.ids),
        }
    }

    /// Finds out what there is to tell about the device, so that the first request has not to.
    pub fn look_at_device(&self) {
        if self.detect_device {
            device::detected();
        }
    }

    /// The device, as receivers are told it.
    pub fn device(&self) -> Device {
        match self.detect_device {
            true => self.device.over(device::detected()),
            false => self.device.over(&Device::default()),
        }
    }
}

/// A tracker's outbox.
#[derive(Clone)]
pub(super) struct TrackerQueue(pub Weak<Shared>);

impl TrackerQueue {
    fn with<T>(&self, work: impl FnOnce(&Shared) -> Result<T>) -> Result<T> {
        self.0.upgrade().map_or_else(|| Err(closed()), |shared| work(&shared))
    }

    fn with_database<T>(&self, work: impl FnOnce(&Shared, &mut dyn Database) -> Result<T>) -> Result<T> {
        self.with(|shared| {
            let database = shared.database.upgrade().ok_or_else(closed)?;
            let mut database: MutexGuard<'_, Box<dyn Database>> = lock(&database);
            work(shared, database.as_mut())
        })
    }
}

impl Queue for TrackerQueue {
    fn edition(&self) -> Result<u64> {
        self.with_database(|_, database| Ok(database.edition()))
    }

    fn read(&self, destination: usize, after: u64, rows: usize, bytes: usize) -> Result<Read> {
        self.with_database(|_, database| {
            let (last, settled) = (database.last_number(), database.settled(destination));
            if after.max(settled) >= last {
                return Ok(Read { rows: Vec::new(), up_to: last, settled, last });
            }
            let found = database.owed(destination, after, rows, bytes)?;
            let whole = found.len() < rows && found.iter().map(|row| row.body.len()).sum::<usize>() < bytes;
            let up_to = found.last().filter(|_| !whole).map_or(last, |row| row.number);
            Ok(Read { rows: found, up_to, settled, last })
        })
    }

    fn progress(&self, destination: usize) -> Result<String> {
        self.with_database(|_, database| Ok(database.progress(destination).to_owned()))
    }

    fn settle(&self, settlement: &Settlement<'_>) -> Result<bool> {
        self.with_database(|shared, database| {
            let ledger = database.settle(settlement)?;
            if let Some(ledger) = ledger {
                // With the database still locked, so that no older ledger comes after a newer one.
                shared.lock().ledger = ledger;
            }
            Ok(ledger.is_some())
        })
    }

    fn next_beat(&self, destination: usize, now: Now) -> Option<Beat> {
        self.0.upgrade()?.senders.posts.get(destination)?.next_beat(now)
    }

    fn now(&self) -> Result<Now> {
        self.with(|shared| Ok(shared.setting.clock.now()))
    }

    fn random(&self) -> u64 {
        let id = self.with(|shared| Ok(shared.setting.ids.uuid())).unwrap_or_default();
        // Turned, so that the bits that are the same in every UUID do not meet.
        let (high, low) = id.as_u64_pair();
        high ^ low.rotate_left(17)
    }

    fn in_background(&self) -> bool {
        let in_background = |shared: &Shared| {
            shared.setting.background != BackgroundDelivery::Always && shared.snapshot.read().is_background
        };
        self.0.upgrade().is_some_and(|shared| in_background(&shared))
    }

    fn is_resting(&self) -> bool {
        let rests = |shared: &Shared| {
            shared.setting.background == BackgroundDelivery::Never && shared.snapshot.read().is_background
        };
        self.0.upgrade().is_none_or(|shared| rests(&shared))
    }

    fn source(&self, sent_at: i64) -> Result<Source> {
        self.with(|shared| {
            let setting = &shared.setting;
            Ok(Source {
                sent_at,
                namespace: setting.namespace.clone(),
                app_id: setting.app_id.clone(),
                app_version: setting.app_version.clone(),
                app_build: setting.app_build.clone(),
                installation: shared.lock().engine.memory().settings.user_id,
                storage: setting.storage,
                device: setting.device(),
            })
        })
    }

    fn tell(&self, report: &DeliveryReport<'_>) {
        let observer = self.with(|shared| Ok(shared.setting.observer.clone())).unwrap_or_default();
        if let Some(observer) = observer
            && catch_unwind(AssertUnwindSafe(|| observer.on_delivery(report))).is_err()
        {
            self.warn("the delivery observer panicked".into());
        }
    }

    fn warn(&self, message: String) {
        if let Some(shared) = self.0.upgrade() {
            shared.setting.logger.warn(|| message);
        }
    }
}
