//! The ledger: what became of every event that was accepted.

use super::{Fate, MOST_EVENT_KIND};

/// Counters of a namespace. `accepted == stored + held + delivered + dropped`, where `accepted` is the sequence number
/// of the last event (S22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Events in the outbox.
    pub stored: u64,
    /// Starts and ends of sessions in the outbox, which count for its caps only.
    pub(crate) facts: u64,
    /// The size of both in bytes.
    pub stored_bytes: u64,
    /// Events of sessions that are sampled out, kept for the case that these crash.
    pub held: u64,
    /// Starts of such sessions.
    pub(crate) held_facts: u64,
    /// The size of both in bytes.
    pub(crate) held_bytes: u64,
    /// Events that at least one destination took.
    pub delivered: u64,
    /// Events that are gone without.
    pub dropped: Drops,
}

impl Ledger {
    pub(super) fn enter(&mut self, rows: Rows) {
        self.stored += rows.events;
        self.facts += rows.facts;
        self.stored_bytes += rows.bytes;
    }

    pub(super) fn leave(&mut self, rows: Rows, leaving: Leaving) {
        self.stored = self.stored.saturating_sub(rows.events);
        self.facts = self.facts.saturating_sub(rows.facts);
        self.stored_bytes = self.stored_bytes.saturating_sub(rows.bytes);
        *match leaving {
            Leaving::Aged => &mut self.dropped.aged,
            Leaving::Overflowed | Leaving::Settled(Fate::Overflowed) => &mut self.dropped.overflowed,
            Leaving::Settled(Fate::Delivered) => &mut self.delivered,
            Leaving::Settled(Fate::Refused) => &mut self.dropped.refused,
            Leaving::Settled(Fate::Oversize) => &mut self.dropped.oversize,
            Leaving::Settled(Fate::Unsendable) => &mut self.dropped.unsendable,
        } += rows.events;
    }

    pub(super) fn hold(&mut self, rows: Rows) {
        self.held += rows.events;
        self.held_facts += rows.facts;
        self.held_bytes += rows.bytes;
    }

    /// What was held is held no longer.
    pub(super) fn let_go(&mut self, rows: Rows, to: LettingGo) {
        self.held = self.held.saturating_sub(rows.events);
        self.held_facts = self.held_facts.saturating_sub(rows.facts);
        self.held_bytes = self.held_bytes.saturating_sub(rows.bytes);
        match to {
            LettingGo::Outbox => self.enter(rows),
            LettingGo::Nowhere => self.dropped.sampled += rows.events,
        }
    }

    /// Nothing is stored or held any more.
    pub(super) fn clear(&mut self) {
        let Self { delivered, dropped, .. } = *self;
        *self = Self { delivered, dropped, ..Self::default() };
    }

    /// Rows that are held.
    pub(crate) fn held_rows(&self) -> u64 {
        self.held + self.held_facts
    }

    /// Rows of the outbox.
    pub(crate) fn rows(&self) -> u64 {
        self.stored + self.facts
    }

    /// All events that it knows of.
    pub(crate) fn accepted(&self) -> u64 {
        self.stored + self.held + self.delivered + self.dropped.total()
    }
}

/// Dropped events by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Drops {
    /// They were over the cap of age.
    pub aged: u64,
    /// The outbox was over its cap of events or bytes: the oldest had to go.
    pub overflowed: u64,
    /// The host had them erased.
    pub erased: u64,
    /// They were lost with a damaged file or with power.
    pub lost: u64,
    /// Every destination refused them for good.
    pub refused: u64,
    /// They were larger than any destination takes.
    pub oversize: u64,
    /// No destination could be sent them: they were damaged, or older than it takes.
    pub unsendable: u64,
    /// Their session is not among the share that is kept.
    pub sampled: u64,
}

impl Drops {
    /// All of them.
    pub fn total(&self) -> u64 {
        let caps = self.aged + self.overflowed;
        let receivers = self.refused + self.oversize + self.unsendable;
        caps + receivers + self.erased + self.lost + self.sampled
    }
}

/// Rows that come or go.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rows {
    pub events: u64,
    pub facts: u64,
    pub bytes: u64,
}

impl Rows {
    pub fn one(kind: u8, bytes: usize) -> Self {
        let event = u64::from(kind <= MOST_EVENT_KIND);
        Self { events: event, facts: 1 - event, bytes: bytes as u64 }
    }
}

/// Where rows go that were held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LettingGo {
    Outbox,
    Nowhere,
}

/// Why rows leave the outbox.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaving {
    Aged,
    Overflowed,
    /// No destination is owed them any more.
    Settled(Fate),
}

impl Leaving {
    /// A cap makes room: what one destination has taken already is delivered.
    pub fn or_delivered(self, fate: Option<Fate>) -> Self {
        if fate == Some(Fate::Delivered) { Self::Settled(Fate::Delivered) } else { self }
    }
}
