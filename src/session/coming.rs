//! The session that an input would begin, as callbacks are asked about it (S15).

use super::engine::Engine;
use super::input::{Coming, Fact, Input};
use super::record::{Moment, SessionRecord};
use crate::clock::Now;

impl Engine {
    /// The session that this input would begin now, if it would begin one. Nothing changes.
    pub fn coming(&self, input: &Input, coming: &Coming, now: Now) -> Option<SessionRecord> {
        if !self.may_begin(input, now) {
            return None;
        }
        let facts = self.clone().step_with(input.clone(), coming, now).facts;
        facts.into_iter().find_map(|fact| match fact {
            Fact::Began(record) => Some(record),
            Fact::Ended(_) => None,
        })
    }

    /// Asked for every event, so most often it must be quick to say no.
    fn may_begin(&self, input: &Input, now: Now) -> bool {
        match input {
            Input::Event { .. } => !self.stays_open(Moment::from(now)),
            Input::Lifecycle { .. } | Input::Start | Input::StartWithId(_) | Input::Resume => true,
            _ => false,
        }
    }
}
