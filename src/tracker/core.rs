//! The part of a tracker that is behind its lock: the engine and the journal's writer. What happens here takes well
//! under a microsecond, and nothing here waits.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::database::Ledger;
use crate::encoding::Put;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, encode_stamp};
use crate::ids::{EventId, IdSource, InstanceId};
use crate::journal::Writer;
use crate::session::{Answer, Engine, Fact, Input};

use super::snapshot::Snapshot;

/// A journal record: a stored event.
pub(super) const EVENT: u8 = 1;
/// A journal record: a session that ended, behind the time when that was noticed.
pub(super) const ENDED: u8 = 2;
/// A journal record: a session that began, behind the same.
pub(super) const BEGAN: u8 = 3;

/// The most bytes that a stamp takes: three session ids, a user, the app's version, and small things.
const STAMP: usize = 4 * 1_024;
/// The most bytes that a session record takes.
const RECORD: usize = 8 * 1_024;
/// Kept free of events, so that sessions can begin and end even when no event fits any more.
const RESERVE: u64 = 256 * 1_024;

pub(super) struct Core {
    pub engine: Engine,
    /// None after closing: then the namespace can be opened anew.
    pub writer: Option<Writer>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub instance_id: InstanceId,
    /// As of the last commit.
    pub ledger: Ledger,
    fresh: Uuid,
}

/// Why a step was not taken.
pub(super) enum Refusal {
    /// There is no room in the journal.
    Full,
    Failed(Error),
}

impl Core {
    pub fn new(
        engine: Engine,
        writer: Writer,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        ledger: Ledger,
    ) -> Self {
        let (instance_id, fresh) = (InstanceId(ids.uuid()), ids.uuid());
        Self { engine, writer: Some(writer), clock, ids, instance_id, ledger, fresh }
    }

    /// Tracks an event that is encoded in `body`.
    pub fn track(
        &mut self,
        id: EventId,
        event: &Event,
        body: &[u8],
        snapshot: &Snapshot,
    ) -> Result<(), Refusal> {
        let needed = Writer::needed(STAMP + body.len()) + RESERVE;
        let input = Input::Event { id, instance_id: self.instance_id, error: event.kind().error() };
        match self.step(input, needed, snapshot, |writer, answer| {
            let Answer::Stamped(stamp) = answer else { return };
            writer.append(EVENT, STAMP + body.len(), |out| {
                encode_stamp(stamp, event.kind().number(), false, out);
                out.bytes(body);
            });
        })? {
            Answer::Disabled => Err(Refusal::Failed(disabled())),
            _ => Ok(()),
        }
    }

    /// Any other input.
    pub fn apply(&mut self, input: Input, snapshot: &Snapshot) -> Result<Answer, Refusal> {
        self.step(input, 2 * Writer::needed(RECORD), snapshot, |_, _| {})
    }

    /// One step of the engine, published as a whole.
    fn step(
        &mut self,
        input: Input,
        needed: u64,
        snapshot: &Snapshot,
        append: impl FnOnce(&mut Writer, &Answer),
    ) -> Result<Answer, Refusal> {
        let writer = match &mut self.writer {
            Some(writer) if !snapshot.is_closed() => writer,
            _ => return Err(Refusal::Failed(closed())),
        };
        if writer.free() < needed {
            return Err(Refusal::Full);
        }
        let only_time = matches!(input, Input::Tick);
        let now = self.clock.now();
        let step = self.engine.step(input, self.fresh, now);
        let changed = !only_time || !step.facts.is_empty();
        self.record(&step.facts, now.wall);
        if let Some(writer) = &mut self.writer {
            append(writer, &step.answer);
        }
        self.publish(changed, snapshot);
        Ok(step.answer)
    }

    /// Writes what became true into the journal.
    pub fn record(&mut self, facts: &[Fact], now: i64) {
        let Some(writer) = &mut self.writer else { return };
        for fact in facts {
            let (kind, session) = match fact {
                Fact::Began(session) => {
                    self.fresh = self.ids.uuid();
                    writer.set_open_session(session.index);
                    (BEGAN, session)
                }
                Fact::Ended(session) => {
                    writer.set_open_session(0);
                    (ENDED, session)
                }
            };
            writer.append(kind, RECORD, |out| {
                out.i64(now);
                session.encode(out);
            });
        }
    }

    /// Makes the engine's state the one that outlives the process and that readers see.
    pub fn publish(&mut self, changed: bool, snapshot: &Snapshot) {
        if let Some(writer) = &mut self.writer {
            writer.publish(changed, |out| self.engine.memory().encode(out));
        }
        snapshot.publish(&self.engine.session());
    }

    /// Forgets everything (S19). Gives how many events were in the journal only.
    pub fn erase(&mut self, user_id: Uuid, snapshot: &Snapshot) -> u64 {
        self.engine.erase(user_id);
        self.forget_journal(snapshot)
    }

    /// Empties the journal of everything but the engine's memory. Gives how many events were in the journal only.
    pub fn forget_journal(&mut self, snapshot: &Snapshot) -> u64 {
        let accepted = self.engine.memory().settings.sequence;
        let in_journal = accepted.saturating_sub(self.ledger.accepted());
        self.ledger.dropped.erased += in_journal;
        if let Some(writer) = &mut self.writer {
            writer.set_open_session(0);
            writer.erase(|out| self.engine.memory().encode(out));
        }
        snapshot.publish(&self.engine.session());
        in_journal
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the tracker is closed")
}

pub(super) fn disabled() -> Error {
    Error::new(ErrorKind::Disabled, "tracking is switched off (set_enabled)")
}

pub(super) fn journal_full() -> Error {
    Error::new(
        ErrorKind::JournalFull,
        "the journal is full: events come faster than they can be stored, or not at all",
    )
}
