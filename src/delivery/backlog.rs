//! The next items that a destination is owed, read ahead from the outbox.

use std::collections::VecDeque;
use std::sync::Arc;

use super::queue::Queue;
use crate::database::{COUNT_KIND, FactKind, Fate, MOST_EVENT_KIND, Row, StartCount};
use crate::error::Result;
use crate::event::StoredEvent;
use crate::ids::UserId;
use crate::protocol::{Item, Protocol, SessionCount};
use crate::session::SessionRecord;

/// Rows and bytes that are read at a time: a few requests' worth, so that reading costs little and takes little memory.
const ROWS: usize = 512;
const BYTES: usize = 256 * 1_024;

/// The oldest items that are owed, and what lies between them.
pub(super) struct Backlog {
    destination: usize,
    protocol: Arc<dyn Protocol>,
    numbers: VecDeque<u64>,
    items: VecDeque<Item>,
    /// Rows that are not worth a request, and why: they leave with the next settlement.
    aside: Vec<(u64, Fate)>,
    /// Up to which number rows have been read.
    read_to: u64,
    settled: u64,
    last: u64,
    edition: u64,
    /// The edition was looked at just now, in settling.
    is_fresh: bool,
}

impl Backlog {
    pub fn new(destination: usize, protocol: Arc<dyn Protocol>) -> Self {
        Self {
            destination,
            protocol,
            numbers: VecDeque::new(),
            items: VecDeque::new(),
            aside: Vec::new(),
            read_to: 0,
            settled: 0,
            last: 0,
            edition: 0,
            is_fresh: false,
        }
    }

    /// The items read, oldest first.
    pub fn items(&mut self) -> &[Item] {
        self.items.make_contiguous()
    }

    /// The first `count` of them.
    pub fn first(&self, count: usize) -> impl Iterator<Item = &Item> {
        self.items.iter().take(count)
    }

    /// How many rows are owed at the most; 0 only if there is nothing to send.
    pub fn owed(&self) -> usize {
        if self.items.is_empty() {
            0
        } else {
            usize::try_from(self.last.saturating_sub(self.settled)).unwrap_or(usize::MAX).max(1)
        }
    }

    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// Up to which number nothing is owed any more, when the first `sent` items are settled.
    pub fn clear_to(&self, sent: usize) -> u64 {
        self.numbers.get(sent).map_or(self.read_to, |number| number - 1)
    }

    /// Something was looked at that is not for this destination, and is to be settled.
    pub fn has_skipped(&self) -> bool {
        !self.aside.is_empty() || self.items.is_empty() && self.read_to > self.settled
    }

    /// Reads on, so that there is enough for a request if there is that much at all.
    pub fn fill(&mut self, queue: &dyn Queue) -> Result<()> {
        let edition = if std::mem::take(&mut self.is_fresh) { self.edition } else { queue.edition()? };
        if edition != self.edition {
            // What was read is erased, or was in a file that is gone.
            *self = Self { edition, ..Self::new(self.destination, Arc::clone(&self.protocol)) };
        }
        let most_sessions = self.protocol.most_sessions();
        // For who keeps only the latest sessions it must be known whether there are later ones.
        let further = most_sessions.map_or(0, |most| most.saturating_add(ROWS));
        let enough = self.protocol.limits().items.max(1).saturating_add(further);
        while self.items.len() < enough {
            let read = queue.read(self.destination, self.read_to, ROWS, BYTES)?;
            (self.settled, self.last) = (read.settled, read.last);
            self.read_to = read.up_to.max(self.read_to);
            let end = read.up_to >= read.last;
            read.rows.into_iter().for_each(|row| self.take(row));
            self.forget_sessions(most_sessions);
            if end {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, row: Row) {
        let number = row.number;
        match item(row) {
            Some(item) if self.protocol.takes(&item) => {
                self.numbers.push_back(number);
                self.items.push_back(item);
            }
            Some(_) => {}
            None => self.aside.push((number, Fate::Unsendable)),
        }
    }

    /// Sets the oldest sessions over the most that are kept aside.
    fn forget_sessions(&mut self, most: Option<usize>) {
        let Some(most) = most else { return };
        let is_session = |item: &Item| matches!(item, Item::SessionStart(_) | Item::SessionEnd { .. });
        let mut over = self.items.iter().filter(|item| is_session(item)).count().saturating_sub(most);
        let mut at = 0;
        while over > 0 && at < self.items.len() {
            if is_session(&self.items[at]) {
                self.items.remove(at);
                self.aside.extend(self.numbers.remove(at).map(|number| (number, Fate::Overflowed)));
                over -= 1;
            } else {
                at += 1;
            }
        }
    }

    /// What becomes of the first `sent` items, and of what was set aside, in order.
    pub fn fates(&mut self, sent: usize, rejected: usize, fate: Fate) -> Vec<(u64, Fate)> {
        let refused_from = sent.saturating_sub(rejected);
        let of =
            |(at, number): (usize, &u64)| (*number, if at < refused_from { fate } else { Fate::Refused });
        let mut fates: Vec<_> = self.numbers.iter().take(sent).enumerate().map(of).collect();
        fates.append(&mut self.aside);
        fates.sort_unstable_by_key(|(number, _)| *number);
        fates
    }

    /// The outbox has just been seen in the edition known.
    pub fn set_fresh(&mut self) {
        self.is_fresh = true;
    }

    /// The first `count` items are done with.
    pub fn advance(&mut self, count: usize) {
        self.numbers.drain(..count.min(self.numbers.len()));
        self.items.drain(..count.min(self.items.len()));
        self.settled = self.clear_to(0).max(self.settled);
    }
}

impl From<StartCount> for SessionCount {
    fn from(count: StartCount) -> Self {
        let StartCount { started_at, sessions_started, user_id, app_version, at } = count;
        Self { started_at, sessions_started, user_id: UserId(user_id), app_version, at }
    }
}

/// A row as something to send. `None` if it is damaged.
fn item(row: Row) -> Option<Item> {
    if row.kind <= MOST_EVENT_KIND {
        return StoredEvent::decode(&row.body).map(|event| Item::Event(Box::new(event)));
    }
    if row.kind == COUNT_KIND {
        let count: StartCount = serde_json::from_slice(&row.body).ok()?;
        return Some(Item::SessionCount(StartCount { at: row.time, ..count }.into()));
    }
    let record = SessionRecord::from_json(std::str::from_utf8(&row.body).ok()?).ok().map(Box::new)?;
    match row.kind {
        kind if kind == FactKind::Began as u8 => Some(Item::SessionStart(record)),
        kind if kind == FactKind::Ended as u8 => Some(Item::SessionEnd { record, noticed_at: row.time }),
        _ => None,
    }
}
