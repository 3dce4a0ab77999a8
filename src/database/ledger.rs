//! The ledger: what became of every event that was accepted.

/// Counters of a namespace. `accepted == stored + delivered + dropped`, where `accepted` is the sequence number of
/// the last event (S22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Events in the outbox.
    pub stored: u64,
    /// Their size in bytes.
    pub stored_bytes: u64,
    /// Events that at least one destination took.
    pub delivered: u64,
    /// Events that are gone without.
    pub dropped: Drops,
}

impl Ledger {
    /// All events that it knows of.
    pub(crate) fn accepted(&self) -> u64 {
        self.stored + self.delivered + self.dropped.total()
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
}

impl Drops {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.aged + self.overflowed + self.erased + self.lost
    }
}
