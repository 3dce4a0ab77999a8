//! Who wants to know what became of events.

use std::time::Duration;

use crate::ids::{EventId, SessionId};

/// What became of a request's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOutcome {
    /// The destination has them.
    Delivered,
    /// They stay stored and are sent again.
    WillRetry,
    /// The destination gets them no more.
    Dropped,
}

/// What became of a request, or of items that never got into one. Valid for the length of the call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DeliveryReport<'a> {
    /// The destination's name.
    pub destination: &'a str,
    /// What became of them.
    pub outcome: DeliveryOutcome,
    /// The events among them, in order.
    pub events: &'a [EventId],
    /// The sessions whose start or end is among them, in order.
    pub sessions: &'a [SessionId],
    /// How many of them the destination refused one by one, without saying which. Only when delivered.
    pub rejected: usize,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why, in English: `status 503`. Empty when delivered.
    pub reason: &'a str,
    /// How long the destination is left alone now.
    pub wait: Option<Duration>,
}

/// Is told what becomes of events, for each destination in the order in which it happens.
pub trait DeliveryObserver: Send + Sync {
    /// Called on the sender's thread of the destination, after it is stored. It may block, which delays this
    /// destination, and call the tracker.
    fn on_delivery(&self, report: &DeliveryReport<'_>);
}
