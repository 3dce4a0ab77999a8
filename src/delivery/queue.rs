//! What a sender needs of its tracker.

use crate::clock::Now;
use crate::database::{Row, Settlement};
use crate::error::Result;
use crate::protocol::Source;

use super::live::Beat;
use super::observer::DeliveryReport;

/// Rows of the outbox, as they were at one moment.
pub(crate) struct Read {
    pub rows: Vec<Row>,
    /// Up to which number they were looked for.
    pub up_to: u64,
    /// Up to which number nothing is owed to the destination.
    pub settled: u64,
    /// The last number in the outbox.
    pub last: u64,
}

/// The outbox as a sender sees it, and what else it needs of the tracker: time, chance, and whom to tell.
pub(crate) trait Queue {
    /// That of the outbox now: rows of another must not be sent any more.
    fn edition(&self) -> Result<u64>;
    /// Rows behind `after`.
    fn read(&self, destination: usize, after: u64, rows: usize, bytes: usize) -> Result<Read>;
    /// The progress stored last.
    fn progress(&self, destination: usize) -> Result<String>;
    /// Stores what was done. False if the edition is another by now: then nothing was to be done.
    fn settle(&self, settlement: &Settlement<'_>) -> Result<bool>;
    /// The oldest sign of life that is still worth being sent; it is taken out.
    fn next_beat(&self, destination: usize, now: Now) -> Option<Beat>;
    fn now(&self) -> Result<Now>;
    /// Any number, each as likely.
    fn random(&self) -> u64;
    fn in_background(&self) -> bool;
    /// In background, and nothing is to be sent there.
    fn is_resting(&self) -> bool;
    /// What a request says beside its items.
    fn source(&self, sent_at: i64) -> Result<Source>;
    fn tell(&self, report: &DeliveryReport<'_>);
    fn warn(&self, message: String);
}
