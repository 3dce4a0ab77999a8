//! What becomes of sessions that are sampled out: nothing of them is owed to anyone. Those that are kept if they crash
//! are held until their end.

use super::destination::{Fact, FactKind};
use super::ledger::LettingGo;
use super::{Caps, Ledger};
use crate::event::Head;
use crate::session::EndReason;

/// Where something goes that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Outbox,
    Held,
    Nowhere,
}

impl Place {
    pub fn of_event(head: &Head, caps: &Caps) -> Self {
        match (head.sampled_out, caps.holds()) {
            (false, _) => Self::Outbox,
            (true, true) => Self::Held,
            (true, false) => Self::Nowhere,
        }
    }

    pub fn of_fact(fact: &Fact, caps: &Caps) -> Self {
        match fact.kind {
            _ if !fact.owed => Self::Nowhere,
            _ if !fact.session.sampled_out => Self::Outbox,
            FactKind::Began if caps.holds() => Self::Held,
            FactKind::Ended if fact.lets_go(caps) == Some(LettingGo::Outbox) => Self::Outbox,
            _ => Self::Nowhere,
        }
    }
}

impl Fact {
    /// Where the rows go that are held for the session, if this is its end.
    pub(super) fn lets_go(&self, caps: &Caps) -> Option<LettingGo> {
        let ended = self.kind == FactKind::Ended && self.session.sampled_out;
        let crashed = self.session.end_reason == Some(EndReason::Crashed);
        ended.then_some(if crashed && caps.holds() { LettingGo::Outbox } else { LettingGo::Nowhere })
    }
}

impl Caps {
    /// Whether sessions that are sampled out are held, for the case that they crash.
    pub(super) fn holds(&self) -> bool {
        self.max_held > 0
    }

    /// Whether more is held than may be.
    pub(super) fn hold_too_much(&self, ledger: &Ledger) -> bool {
        ledger.held_rows() > self.max_held || ledger.held_bytes > self.max_held_bytes
    }
}
