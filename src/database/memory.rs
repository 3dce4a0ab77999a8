//! The database of a tracker without a file.

use std::collections::VecDeque;

use uuid::Uuid;

use super::{Batch, Caps, Committed, Database, Ledger, Loaded};
use crate::error::Result;
use crate::event::Head;
use crate::session::SessionRecord;

/// Keeps everything in memory, under the same caps.
pub(crate) struct MemoryDatabase {
    caps: Caps,
    user_id: Uuid,
    session: Option<String>,
    events: VecDeque<Vec<u8>>,
    history: VecDeque<SessionRecord>,
    ledger: Ledger,
}

impl MemoryDatabase {
    pub fn new(caps: Caps, user_id: Uuid) -> Self {
        Self {
            caps,
            user_id,
            session: None,
            events: VecDeque::new(),
            history: VecDeque::new(),
            ledger: Ledger::default(),
        }
    }

    fn drop_oldest(&mut self) -> u64 {
        let Some(event) = self.events.pop_front() else { return 0 };
        self.ledger.stored -= 1;
        self.ledger.stored_bytes -= event.len() as u64;
        1
    }

    fn enforce_caps(&mut self, now: i64) {
        let oldest_allowed = now.saturating_sub_unsigned(self.caps.max_age_ms);
        while self
            .events
            .front()
            .and_then(|event| Head::decode(event))
            .is_some_and(|head| head.time < oldest_allowed)
        {
            self.ledger.dropped.aged += self.drop_oldest();
        }
        while self.ledger.stored > self.caps.max_events || self.ledger.stored_bytes > self.caps.max_bytes {
            self.ledger.dropped.overflowed += self.drop_oldest();
        }
        while self.history.len() as u64 > self.caps.max_history {
            self.history.pop_back();
        }
    }
}

impl Database for MemoryDatabase {
    fn load(&mut self) -> Result<Loaded> {
        // Its journal lies in memory, too: there is no other to tell it from.
        Ok(Loaded { database_id: 1, user_id: self.user_id, ledger: self.ledger, ..Loaded::default() })
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<Committed> {
        for event in batch.events {
            self.events.push_back(event.to_vec());
            self.ledger.stored += 1;
            self.ledger.stored_bytes += event.len() as u64;
        }
        for session in batch.ended {
            self.history.push_front(session.clone());
        }
        self.session = batch.session.map(str::to_owned);
        self.ledger.dropped.lost += batch.lost;
        self.ledger.dropped.erased += batch.erased;
        self.enforce_caps(batch.now);
        Ok(Committed::Done(self.ledger))
    }

    fn set_ids(&mut self, _database_id: u128, user_id: Uuid) -> Result<()> {
        self.user_id = user_id;
        Ok(())
    }

    fn session(&mut self) -> Result<Option<String>> {
        Ok(self.session.clone())
    }

    fn history(&mut self, limit: usize) -> Result<Vec<SessionRecord>> {
        Ok(self.history.iter().take(limit).cloned().collect())
    }

    fn events(&mut self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>> {
        let newer = |event: &&Vec<u8>| Head::decode(event).is_some_and(|head| head.sequence > after);
        Ok(self.events.iter().filter(newer).take(limit).cloned().collect())
    }

    fn erase(&mut self, user_id: Uuid, accepted: u64) -> Result<Ledger> {
        self.user_id = user_id;
        self.session = None;
        self.events.clear();
        self.history.clear();
        self.ledger.dropped.erased += self.ledger.stored;
        (self.ledger.stored, self.ledger.stored_bytes) = (0, 0);
        self.ledger.dropped.erased += accepted.saturating_sub(self.ledger.accepted());
        Ok(self.ledger)
    }

    fn make_durable(&mut self) -> Result<()> {
        Ok(())
    }

    fn is_changed(&self) -> bool {
        false
    }

    fn close(&mut self) {}
}
