//! What is owed to whom: the rows of the outbox as destinations see them, and what became of them there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::session::SessionRecord;

/// Something of the library's own that goes into the outbox beside events (S22: it has no number).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    pub kind: FactKind,
    /// When it was noticed: UTC, milliseconds since 1970.
    pub at: i64,
    pub session: SessionRecord,
    /// There is a destination that takes it. Others go into the history alone.
    pub owed: bool,
}

/// What the fact is. The numbers lie above all kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FactKind {
    Began = 100,
    Ended = 101,
}

/// The kind of a row that counts sessions of scopes.
pub(crate) const COUNT_KIND: u8 = 102;

/// How many sessions of scopes began in a minute, for receivers that want to know no more (S21).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StartCount {
    /// The beginning of the minute: UTC, milliseconds since 1970.
    pub started_at: i64,
    pub sessions_started: u64,
    /// The installation as stamps carry it.
    pub user_id: Uuid,
    /// The app's version when they began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<Arc<str>>,
    /// When it was noted. It is the time of the row, and not in its body.
    #[serde(skip)]
    pub at: i64,
}

impl StartCount {
    pub fn to_json(&self) -> String {
        // Numbers and an id: nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Rows of a kind over this are facts.
pub(crate) const MOST_EVENT_KIND: u8 = 99;

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Its place in the outbox of its namespace: grows, is never used again.
    pub number: u64,
    pub kind: u8,
    /// Of an event its time, of a fact when it was noticed.
    pub time: i64,
    /// An event as the journal has it; of a fact the session as JSON.
    pub body: Vec<u8>,
}

/// What became of an item at one destination. Where several had it, the greatest counts: delivered if one took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Fate {
    /// There was more for the destination than is kept for it.
    Overflowed = 1,
    /// It cannot be written, or the receiver is known to take nothing that old.
    Unsendable = 2,
    /// The receiver refused it for good.
    Refused = 3,
    /// Larger than the receiver takes.
    Oversize = 4,
    /// The receiver took it.
    Delivered = 5,
}

impl Fate {
    #[cfg(feature = "_sqlite")]
    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::Overflowed, Self::Unsendable, Self::Refused, Self::Oversize, Self::Delivered]
            .into_iter()
            .find(|fate| *fate as u8 == number)
    }
}

/// What a destination has done, to be stored in one transaction.
#[derive(Debug)]
pub(crate) struct Settlement<'a> {
    /// Which one, by its place in [`super::Database::attach`].
    pub destination: usize,
    /// That of the rows it is about.
    pub edition: u64,
    /// Nothing up to this number is owed to it any more.
    pub up_to: u64,
    /// Items by number, ascending.
    pub fates: &'a [(u64, Fate)],
    /// Its progress as text.
    pub progress: &'a str,
}

/// Counters of one destination: events, and starts and ends of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DeliveryCounts {
    /// It took them.
    pub delivered: u64,
    /// It refused them for good.
    pub refused: u64,
    /// They were larger than it takes.
    pub oversize: u64,
    /// They could not be written, or were older than it takes.
    pub unsendable: u64,
    /// There was more than is kept for it.
    pub overflowed: u64,
}

impl DeliveryCounts {
    pub(super) fn add(&mut self, fate: Fate, items: u64) {
        *match fate {
            Fate::Delivered => &mut self.delivered,
            Fate::Refused => &mut self.refused,
            Fate::Oversize => &mut self.oversize,
            Fate::Unsendable => &mut self.unsendable,
            Fate::Overflowed => &mut self.overflowed,
        } += items;
    }
}

/// A destination as the database knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Destination {
    /// Its row.
    pub id: i64,
    pub name: String,
    /// Nothing up to this number is owed to it.
    pub cursor: u64,
    /// The planner's progress as text; empty at first.
    pub progress: String,
    pub counts: DeliveryCounts,
}

impl Destination {
    pub fn settle(&mut self, settlement: &Settlement<'_>) {
        self.cursor = self.cursor.max(settlement.up_to);
        settlement.progress.clone_into(&mut self.progress);
        settlement.fates.iter().for_each(|(_, fate)| self.counts.add(*fate, 1));
    }
}

/// Up to which number no destination is owed anything.
pub(super) fn floor(destinations: &[Destination]) -> u64 {
    destinations.iter().map(|destination| destination.cursor).min().unwrap_or(u64::MAX)
}
