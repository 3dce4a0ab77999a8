//! The part of a tracker that is behind its lock: the engine and the journal's writer. What happens here takes well
//! under a microsecond, and nothing here waits.

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use crate::callback::{Cause, ChangeKind, SessionChange};
use crate::clock::Clock;
use crate::database::Ledger;
use crate::encoding::Put;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stamp, Trail, encode_stamp};
use crate::ids::{IdSource, InstanceId};
use crate::journal::Writer;
use crate::session::{Answer, Coming, Engine, Fact, Input, SessionRecord};

use super::callbacks::{self, Callbacks};
use super::scopes::Scopes;
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
pub(super) const RECORD: usize = 8 * 1_024;
/// Kept free of events, so that sessions can begin and end even when no event fits any more.
const RESERVE: u64 = 256 * 1_024;
/// Changes that wait to be told at the most, should a callback take for ever: the oldest are forgotten.
const MOST_CHANGES: usize = 10_000;

pub(super) struct Core {
    pub engine: Engine,
    /// None after closing: then the namespace can be opened anew.
    pub writer: Option<Writer>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub instance_id: InstanceId,
    /// As of the last commit.
    pub ledger: Ledger,
    /// The id of the next session.
    pub fresh: Uuid,
    pub callbacks: Arc<Callbacks>,
    /// What callbacks are to be told yet.
    pub changes: VecDeque<SessionChange>,
    /// How many threads are asking callbacks about a session that is to begin.
    pub asking: u32,
    pub scopes: Scopes,
    /// The last events of the session, for errors.
    pub trail: Trail,
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
        callbacks: Arc<Callbacks>,
        trail: usize,
    ) -> Self {
        let (instance_id, fresh) = (InstanceId(ids.uuid()), ids.uuid());
        let (writer, changes) = (Some(writer), VecDeque::new());
        Self {
            engine,
            writer,
            clock,
            ids,
            instance_id,
            ledger,
            fresh,
            callbacks,
            changes,
            asking: 0,
            scopes: Scopes::default(),
            trail: Trail::new(trail),
        }
    }

    /// Tracks an event that is encoded in `body`.
    pub fn track(
        &mut self,
        input: Input,
        coming: Option<&Coming>,
        (event, body): (&Event, &[u8]),
        snapshot: &Snapshot,
    ) -> Result<(), Refusal> {
        // A change of background is told of as long as there is any room, as without an event.
        let reserve = if matches!(input, Input::Lifecycle { .. }) { 0 } else { RESERVE };
        // What is told of a session that has ended has none of this one's trail.
        let of_another = matches!(input, Input::EventIn { .. });
        let needed = Writer::needed(STAMP + body.len() + self.trail.encoded_len())
            + 2 * Writer::needed(RECORD)
            + reserve;
        self.step(input, coming, needed, snapshot, |core, answer| {
            let Answer::Stamped(stamp) = answer else { return accepted(answer).map(drop) };
            let mut trail = if of_another { Trail::new(0) } else { std::mem::take(&mut core.trail) };
            core.append_event(&stamp, (event, body), &mut trail);
            if !of_another {
                core.trail = trail;
            }
            Ok(())
        })?
        .map_err(Refusal::Failed)
    }

    /// Any other input.
    pub fn apply(
        &mut self,
        input: Input,
        coming: Option<&Coming>,
        snapshot: &Snapshot,
    ) -> Result<Answer, Refusal> {
        self.step(input, coming, 2 * Writer::needed(RECORD), snapshot, |_, answer| answer)
    }

    /// The session that this input would begin now, for callbacks to be asked about.
    /// With the id that it would get of us.
    pub fn coming(&self, input: &Input) -> Option<(Uuid, SessionRecord)> {
        let record = self.engine.coming(input, &self.fresh.into(), self.clock.now())?;
        Some((self.fresh, record))
    }

    /// One step of the engine, published as a whole.
    fn step<T>(
        &mut self,
        input: Input,
        coming: Option<&Coming>,
        needed: u64,
        snapshot: &Snapshot,
        append: impl FnOnce(&mut Self, Answer) -> T,
    ) -> Result<T, Refusal> {
        let writer = match &mut self.writer {
            Some(writer) if !snapshot.is_closed() => writer,
            _ => return Err(Refusal::Failed(closed())),
        };
        if writer.free() < needed {
            return Err(Refusal::Full);
        }
        let only_time = matches!(input, Input::Tick);
        let now = self.clock.now();
        let cause = cause(&input);
        let was_paused = self.engine.memory().settings.paused;
        let step = match coming {
            Some(coming) => self.engine.step_with(input, coming, now),
            None => self.engine.step(input, self.fresh, now),
        };
        // A heartbeat brings the session's `last_seen` to its store: who is online can be told from there.
        let beats = matches!(step.answer, Answer::Heartbeat(_));
        let changed = !only_time || beats || !step.facts.is_empty();
        self.record(&step.facts, cause, now.wall);
        self.note_pause(cause, was_paused, &step.answer);
        if matches!(cause, Cause::Anonymity | Cause::Enabled) {
            self.scopes.look_at_all();
        }
        let done = append(self, step.answer);
        self.publish(changed, snapshot);
        Ok(done)
    }

    /// Writes what became true into the journal.
    pub fn record(&mut self, facts: &[Fact], cause: Cause, now: i64) {
        for fact in facts {
            match fact {
                Fact::Began(session) => self.note(ChangeKind::Began, cause, session),
                Fact::Ended(session) => self.note(ChangeKind::Ended, cause, session),
            }
            let Some(writer) = &mut self.writer else { continue };
            let (kind, session) = match fact {
                Fact::Began(session) => {
                    self.trail.clear();
                    self.fresh = self.ids.uuid();
                    writer.set_open_session(session.index);
                    (BEGAN, session)
                }
                Fact::Ended(session) => {
                    writer.set_open_session(0);
                    (ENDED, session)
                }
            };
            self.append_fact(kind, now, session);
        }
    }

    /// Writes an event behind the tail, an error with what led to it. The event becomes a part of the trail itself.
    pub fn append_event(&mut self, stamp: &Stamp, (event, body): (&Event, &[u8]), trail: &mut Trail) {
        let Some(writer) = &mut self.writer else { return };
        let kind = event.kind();
        let told = kind.error().is_some() && stamp.session.is_some() && trail.len() > 0;
        let length = STAMP + body.len() + if told { trail.encoded_len() } else { 0 };
        writer.append(EVENT, length, |out| {
            encode_stamp(stamp, kind.number(), told, out);
            out.bytes(body);
            if told {
                trail.encode(out);
            }
        });
        if stamp.session.is_some() {
            trail.push(event, stamp.time);
        }
    }

    /// Writes what became of a session behind the tail.
    pub fn append_fact(&mut self, kind: u8, now: i64, session: &SessionRecord) {
        let Some(writer) = &mut self.writer else { return };
        writer.append(kind, RECORD, |out| {
            out.i64(now);
            session.encode(out);
        });
    }

    /// Pauses are no facts: only callbacks are told.
    fn note_pause(&mut self, cause: Cause, was_paused: bool, answer: &Answer) {
        let kind = match cause {
            Cause::Pause if !was_paused => ChangeKind::Paused,
            Cause::Resume if *answer == Answer::Resumed => ChangeKind::Resumed,
            _ => return,
        };
        if let Some(record) = self.engine.open_session().cloned() {
            self.note(kind, cause, &record);
        }
    }

    fn note(&mut self, kind: ChangeKind, cause: Cause, session: &SessionRecord) {
        self.note_of(self.instance_id, kind, cause, session);
    }

    /// Notes what the worker is to tell.
    pub fn note_of(
        &mut self,
        instance_id: InstanceId,
        kind: ChangeKind,
        cause: Cause,
        session: &SessionRecord,
    ) {
        if !self.callbacks.has(callbacks::SESSION_CHANGE) {
            return;
        }
        if self.changes.len() >= MOST_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(SessionChange::new(kind, cause, session, instance_id));
    }

    /// Makes the engine's state the one that outlives the process and that readers see.
    pub fn publish(&mut self, changed: bool, snapshot: &Snapshot) {
        if let Some(writer) = &mut self.writer {
            writer.publish(changed, |out| self.engine.memory().encode(out));
        }
        snapshot.publish(&self.engine.session());
    }

    /// The same after a step that changed nothing of the tracker's own session.
    pub fn publish_only(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.publish(false, |out| self.engine.memory().encode(out));
        }
    }

    /// Forgets everything (S19). Gives how many events were in the journal only.
    pub fn erase(&mut self, user_id: Uuid, snapshot: &Snapshot) -> u64 {
        self.engine.erase(user_id);
        self.scopes.erasures = self.scopes.erasures.wrapping_add(1);
        self.scopes.look_at_all();
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

/// How much of the journal an event may need.
pub(super) fn event_room(body: &[u8], trail: &Trail) -> u64 {
    Writer::needed(STAMP + body.len() + trail.encoded_len()) + RESERVE
}

/// What brings about whatever comes of an input.
pub(super) fn cause(input: &Input) -> Cause {
    match input {
        Input::Event { .. } | Input::EventIn { .. } => Cause::Event,
        Input::SetBackground(_) | Input::Lifecycle { .. } => Cause::Background,
        Input::Start | Input::StartWithId(_) => Cause::Start,
        Input::Pause => Cause::Pause,
        Input::Resume => Cause::Resume,
        Input::End => Cause::End,
        Input::SetUser(_) => Cause::User,
        Input::SetAnonymous(_) => Cause::Anonymity,
        Input::SetEnabled(_) => Cause::Enabled,
        Input::Tick => Cause::Timer,
        Input::Close => Cause::Closing,
    }
}

/// An answer that says no is an error.
pub(super) fn accepted(answer: Answer) -> Result<Answer> {
    match answer {
        Answer::Disabled => Err(disabled()),
        Answer::Refused => Err(refused("a callback refused the session")),
        answer => Ok(answer),
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the tracker is closed")
}

pub(super) fn disabled() -> Error {
    Error::new(ErrorKind::Disabled, "tracking is switched off (set_enabled)")
}

pub(super) fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Refused, why)
}

pub(super) fn journal_full() -> Error {
    Error::new(
        ErrorKind::JournalFull,
        "the journal is full: events come faster than they can be stored, or not at all",
    )
}
