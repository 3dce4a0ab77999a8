//! The database of a tracker without a file.

use std::collections::VecDeque;

use uuid::Uuid;

use super::destination::{Destination, floor};
use super::ledger::{Leaving, LettingGo, Rows};
use super::sampled::Place;
use super::{
    Batch, COUNT_KIND, Caps, Committed, Database, Entry, Fact, Fate, Ledger, Loaded, MOST_EVENT_KIND, Row,
    Settlement,
};
use crate::error::Result;
use crate::event::Head;
use crate::ids::SessionId;
use crate::session::SessionRecord;

/// Keeps everything in memory, under the same caps.
pub(crate) struct MemoryDatabase {
    caps: Caps,
    user_id: Uuid,
    session: Option<String>,
    rows: VecDeque<(Row, Option<Fate>)>,
    /// Rows of sampled out sessions, which have no numbers yet.
    held: VecDeque<(SessionId, Row)>,
    last_number: u64,
    history: VecDeque<SessionRecord>,
    ledger: Ledger,
    destinations: Vec<Destination>,
    edition: u64,
}

impl MemoryDatabase {
    pub fn new(caps: Caps, user_id: Uuid) -> Self {
        Self {
            caps,
            user_id,
            session: None,
            rows: VecDeque::new(),
            held: VecDeque::new(),
            last_number: 0,
            history: VecDeque::new(),
            ledger: Ledger::default(),
            destinations: Vec::new(),
            edition: 0,
        }
    }

    fn insert(&mut self, kind: u8, time: i64, body: Vec<u8>) {
        self.last_number += 1;
        self.ledger.enter(Rows::one(kind, body.len()));
        self.rows.push_back((Row { number: self.last_number, kind, time, body }, None));
    }

    fn insert_entry(&mut self, entry: &Entry<'_>) {
        match entry {
            Entry::Event(body) => {
                let Some(head) = Head::decode(body) else { return };
                match (Place::of_event(&head, &self.caps), head.session) {
                    (Place::Held, Some(session)) => self.hold(session, head.kind, head.time, body.to_vec()),
                    (Place::Outbox, _) => self.insert(head.kind, head.time, body.to_vec()),
                    _ => self.ledger.dropped.sampled += 1,
                }
            }
            Entry::Count(count) => self.insert(COUNT_KIND, count.at, count.to_json().into_bytes()),
            Entry::Fact(fact) => {
                self.insert_fact(fact);
                if let Some(session) = entry.ended() {
                    self.history.push_front(session.clone());
                }
            }
        }
    }

    fn insert_fact(&mut self, fact: &Fact) {
        if let Some(to) = fact.lets_go(&self.caps) {
            self.enforce_held_caps();
            self.let_go(to, |session| *session == fact.session.id);
        }
        let body = || fact.session.to_json().into_bytes();
        match Place::of_fact(fact, &self.caps) {
            Place::Outbox => self.insert(fact.kind as u8, fact.at, body()),
            Place::Held => self.hold(fact.session.id.clone(), fact.kind as u8, fact.at, body()),
            Place::Nowhere => {}
        }
    }

    fn hold(&mut self, session: SessionId, kind: u8, time: i64, body: Vec<u8>) {
        self.ledger.hold(Rows::one(kind, body.len()));
        self.held.push_back((session, Row { number: 0, kind, time, body }));
    }

    fn let_go(&mut self, to: LettingGo, of: impl Fn(&SessionId) -> bool) {
        for (session, row) in std::mem::take(&mut self.held) {
            if of(&session) {
                self.let_go_of(row, to);
            } else {
                self.held.push_back((session, row));
            }
        }
    }

    fn let_go_of(&mut self, mut row: Row, to: LettingGo) {
        self.ledger.let_go(Rows::one(row.kind, row.body.len()), to);
        if to == LettingGo::Outbox {
            self.last_number += 1;
            row.number = self.last_number;
            self.rows.push_back((row, None));
        }
    }

    /// The oldest events leave. A start stays longer, so that a crash has one.
    fn enforce_held_caps(&mut self) {
        while self.caps.hold_too_much(&self.ledger) {
            let event = self.held.iter().position(|(_, row)| row.kind <= MOST_EVENT_KIND);
            let Some((_, row)) = self.held.remove(event.unwrap_or(0)) else { break };
            self.let_go_of(row, LettingGo::Nowhere);
        }
    }

    /// The oldest leaves, to make room.
    fn drop_oldest(&mut self, why: Leaving) {
        if let Some((row, fate)) = self.rows.pop_front() {
            self.ledger.leave(Rows::one(row.kind, row.body.len()), why.or_delivered(fate));
        }
    }

    fn enforce_caps(&mut self, now: i64) {
        self.enforce_held_caps();
        let oldest_allowed = now.saturating_sub_unsigned(self.caps.max_age_ms);
        while self.rows.front().is_some_and(|(row, _)| row.time < oldest_allowed) {
            self.drop_oldest(Leaving::Aged);
        }
        while self.ledger.rows() > self.caps.max_events || self.ledger.stored_bytes > self.caps.max_bytes {
            self.drop_oldest(Leaving::Overflowed);
        }
        self.history.truncate(usize::try_from(self.caps.max_history).unwrap_or(usize::MAX));
    }

    /// What no destination is owed any more leaves, if one had it.
    fn release(&mut self, floor: u64) {
        let ledger = &mut self.ledger;
        self.rows.retain(|(row, fate)| match fate {
            Some(fate) if row.number <= floor => {
                ledger.leave(Rows::one(row.kind, row.body.len()), Leaving::Settled(*fate));
                false
            }
            _ => true,
        });
    }
}

impl Database for MemoryDatabase {
    fn load(&mut self) -> Result<Loaded> {
        // Its journal lies in memory, too: there is no other to tell it from.
        Ok(Loaded { database_id: 1, user_id: self.user_id, ledger: self.ledger, ..Loaded::default() })
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<Committed> {
        batch.entries.iter().for_each(|entry| self.insert_entry(entry));
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

    fn amend_history(
        &mut self,
        id: &SessionId,
        change: &mut dyn FnMut(&mut SessionRecord),
    ) -> Result<Option<SessionRecord>> {
        let found = self.history.iter_mut().find(|record| record.id == *id);
        Ok(found.map(|record| {
            change(record);
            record.clone()
        }))
    }

    fn events(&mut self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>> {
        let newer = |row: &&Row| {
            row.kind <= MOST_EVENT_KIND && Head::decode(&row.body).is_some_and(|head| head.sequence > after)
        };
        Ok(self
            .rows
            .iter()
            .map(|(row, _)| row)
            .filter(newer)
            .take(limit)
            .map(|row| row.body.clone())
            .collect())
    }

    fn attach(&mut self, names: &[&str]) -> Result<Ledger> {
        let named = |name: &&str| Destination { name: (*name).to_owned(), ..Destination::default() };
        self.destinations = names.iter().map(named).collect();
        Ok(self.ledger)
    }

    fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    fn owed(&mut self, destination: usize, after: u64, rows: usize, bytes: usize) -> Result<Vec<Row>> {
        let after = after.max(self.settled(destination));
        let first = self.rows.partition_point(|(row, _)| row.number <= after);
        let mut size = 0;
        let fits = |row: &&Row| {
            let fits = size < bytes;
            size += row.body.len();
            fits
        };
        Ok(self.rows.range(first..).map(|(row, _)| row).take(rows).take_while(fits).cloned().collect())
    }

    fn settle(&mut self, settlement: &Settlement<'_>) -> Result<Option<Ledger>> {
        let Some(destination) = self.destinations.get_mut(settlement.destination) else { return Ok(None) };
        if settlement.edition != self.edition {
            return Ok(None);
        }
        for (number, fate) in settlement.fates {
            if let Ok(at) = self.rows.binary_search_by_key(number, |(row, _)| row.number) {
                let known = &mut self.rows[at].1;
                *known = (*known).max(Some(*fate));
            }
        }
        destination.settle(settlement);
        self.release(floor(&self.destinations));
        Ok(Some(self.ledger))
    }

    fn last_number(&self) -> u64 {
        self.last_number
    }

    fn edition(&self) -> u64 {
        self.edition
    }

    fn hold_only(&mut self, sessions: &[SessionId]) -> Result<Ledger> {
        self.let_go(LettingGo::Nowhere, |session| !sessions.contains(session));
        Ok(self.ledger)
    }

    fn erase(&mut self, user_id: Uuid, accepted: u64) -> Result<Ledger> {
        self.user_id = user_id;
        self.session = None;
        self.rows.clear();
        self.history.clear();
        self.edition += 1;
        self.held.clear();
        self.ledger.dropped.erased += self.ledger.stored + self.ledger.held;
        self.ledger.clear();
        self.ledger.dropped.erased += accepted.saturating_sub(self.ledger.accepted());
        Ok(self.ledger)
    }

    fn claim_install(&mut self) -> Result<bool> {
        Ok(true)
    }

    fn make_durable(&mut self) -> Result<()> {
        Ok(())
    }

    fn is_changed(&self) -> bool {
        false
    }

    fn close(&mut self) {}
}
