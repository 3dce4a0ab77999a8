//! The engine: a pure state machine that decides everything of `semantics`. It reads no clock, draws no random number
//! and touches no file; time and new ids are arguments.

use std::sync::Arc;

use uuid::Uuid;

use super::input::{Answer, Fact, Input, Step};
use super::memory::{Memory, State};
use super::record::{EndReason, FirstEvent, Moment, SessionRecord, Spent};
use super::rules::{RestartPolicy, Rules};
use crate::clock::Now;
use crate::event::{SessionStamp, Stamp, User};
use crate::ids::{EventId, InstanceId, SessionId, UserId};

/// Knows which session the user is in.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) rules: Rules,
    pub(super) memory: Memory,
    pub(super) boot_id: Option<u64>,
}

/// One step under way.
struct At<'a> {
    now: Moment,
    /// The id of the session that this step may begin.
    fresh: Uuid,
    facts: &'a mut Vec<Fact>,
}

impl Engine {
    /// Takes one input at one moment. `fresh` becomes the id of a session that this step begins, if it begins one (it
    /// is then in a [`Fact::Began`], and another must be given the next time).
    pub fn step(&mut self, input: Input, fresh: Uuid, now: Now) -> Step {
        let mut facts = Vec::new();
        let now = Moment::from(now);
        let at = &mut At { now, fresh, facts: &mut facts };
        let answer = match input {
            Input::Event { id, instance_id, error } => self.event(id, instance_id, error, at),
            Input::SetBackground(background) => self.set_background(background, at),
            Input::Start => self.start(None, at),
            Input::StartWithId(id) => self.start_with_id(id, at),
            Input::Pause => self.pause(at),
            Input::Resume => self.resume(at),
            Input::End => self.end_by_host(at),
            Input::SetUser(user) => self.set_user(user, at),
            Input::SetAnonymous(on) => self.set_anonymous(on, at),
            Input::SetEnabled(on) => self.set_enabled(on, at),
            Input::Tick => self.tick(at),
            Input::Close => self.close(at),
        };
        self.seen(now);
        Step { answer, facts }
    }

    /// The whole state, for whoever keeps it.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The settings.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The open session.
    pub fn open_session(&self) -> Option<&SessionRecord> {
        match &self.memory.state {
            State::Open(record) => Some(record),
            _ => None,
        }
    }

    /// In how many milliseconds of `elapsed` the open session expires, counted from `now`; none when nothing will.
    pub fn expires_in(&self, now: Now) -> Option<u64> {
        let record = self.judged()?;
        let timeout = self.rules.timeout(record.background)?;
        let idle = Moment::from(now).since(record.last_activity);
        // Expired is what is over the timeout (S1).
        Some(timeout.saturating_add(1).saturating_sub(idle))
    }

    /// The user id that a stamp would carry now (S18).
    pub fn visible_user_id(&self) -> UserId {
        self.memory.settings.visible_user_id()
    }

    /// Forgets every session and identity and goes on as a new installation (S19). Numbers of events go on, and a
    /// pause stays a pause (S7).
    pub fn erase(&mut self, new_user_id: Uuid) {
        self.memory.settings.erase(new_user_id);
        self.memory.state = State::None;
    }

    /// Remembers that the files are to be cleaned yet, also through a kill.
    pub(crate) fn set_erasing(&mut self, on: bool) {
        self.memory.settings.erasing = on;
    }

    // S2, S14, S22
    fn event(
        &mut self,
        id: EventId,
        instance_id: InstanceId,
        error: Option<bool>,
        at: &mut At<'_>,
    ) -> Answer {
        if !self.memory.settings.enabled {
            return Answer::Disabled;
        }
        let mut session = None;
        if !self.memory.settings.paused {
            self.settle_with_length(at);
            if self.rules.auto_track && self.open_session().is_none() {
                self.begin(None, at);
            }
            session = self.count(id, error, at.now);
        }
        self.memory.settings.sequence += 1;
        Answer::Stamped(Stamp {
            event_id: id,
            sequence: self.memory.settings.sequence,
            time: at.now.wall,
            instance_id,
            user_id: self.visible_user_id(),
            user: self.visible_user(),
            app_version: self.rules.app_version.clone(),
            in_background: self.memory.settings.background,
            session,
        })
    }

    /// Counts the event in the open session, if there is one, and gives its place there.
    fn count(&mut self, id: EventId, error: Option<bool>, now: Moment) -> Option<SessionStamp> {
        let anonymous = self.memory.settings.anonymous;
        let State::Open(record) = &mut self.memory.state else { return None };
        record.activity(now);
        record.event_index = record.event_index.saturating_add(1);
        let first = *record.first_event.get_or_insert(FirstEvent { id: id.0, time: now.wall });
        match error {
            Some(true) => record.unhandled_errors = record.unhandled_errors.saturating_add(1),
            Some(false) => record.handled_errors = record.handled_errors.saturating_add(1),
            None => {}
        }
        Some(SessionStamp {
            id: record.id.clone(),
            index: record.index,
            event_index: record.event_index,
            previous_id: if anonymous { None } else { record.previous_id.clone() },
            first_event_id: EventId(first.id),
            first_event_time: first.time,
            started_at: record.started_at.wall,
            handled_errors: record.handled_errors,
            unhandled_errors: record.unhandled_errors,
        })
    }

    // S3
    fn set_background(&mut self, background: bool, at: &mut At<'_>) -> Answer {
        if self.memory.settings.background == background {
            return Answer::Done;
        }
        self.settle_with_length(at);
        if let State::Open(record) = &mut self.memory.state {
            if !record.paused {
                record.activity(at.now);
            }
            record.account(at.now.elapsed);
            record.background = background;
        }
        self.memory.settings.background = background;
        Answer::Done
    }

    // S5
    fn start(&mut self, id: Option<SessionId>, at: &mut At<'_>) -> Answer {
        if !self.memory.settings.enabled {
            return Answer::Disabled;
        }
        self.settle(at);
        self.end(EndReason::Replaced, at);
        self.memory.settings.paused = false;
        self.begin(id, at);
        Answer::Started
    }

    // S11. An expiry that nobody has noticed yet comes first (S4): the session of that id is then no longer the open
    // one.
    fn start_with_id(&mut self, id: SessionId, at: &mut At<'_>) -> Answer {
        if self.memory.settings.enabled {
            self.settle(at);
            if self.open_session().is_some_and(|record| record.id == id) {
                return Answer::Done;
            }
        }
        self.start(Some(id), at)
    }

    // S6
    fn pause(&mut self, at: &mut At<'_>) -> Answer {
        self.settle(at);
        self.memory.settings.paused = true;
        if let State::Open(record) = &mut self.memory.state {
            record.account(at.now.elapsed);
            record.paused = true;
        }
        Answer::Done
    }

    // S6
    fn resume(&mut self, at: &mut At<'_>) -> Answer {
        if !self.memory.settings.enabled {
            return Answer::Disabled;
        }
        self.settle(at);
        let was_paused = std::mem::take(&mut self.memory.settings.paused);
        match &mut self.memory.state {
            State::Open(record) if was_paused => {
                record.activity(at.now);
                record.paused = false;
                Answer::Resumed
            }
            State::Open(_) => Answer::AlreadyActive,
            _ => {
                self.begin(None, at);
                Answer::Started
            }
        }
    }

    // S7
    fn end_by_host(&mut self, at: &mut At<'_>) -> Answer {
        self.settle(at);
        self.end(EndReason::Ended, at);
        Answer::Done
    }

    // S10
    fn set_user(&mut self, user: Option<Arc<User>>, at: &mut At<'_>) -> Answer {
        self.settle(at);
        let id = |user: &Option<Arc<User>>| user.as_ref().map(|user| user.id().to_owned());
        let before = id(&self.memory.settings.user);
        if before.is_some() && before != id(&user) && self.rules.end_on_user_change {
            self.end(EndReason::UserChanged, at);
        }
        self.memory.settings.user = user;
        let visible = self.visible_user();
        if let State::Open(record) = &mut self.memory.state {
            record.user = visible;
        }
        Answer::Done
    }

    // S18
    fn set_anonymous(&mut self, on: bool, at: &mut At<'_>) -> Answer {
        self.settle(at);
        if self.memory.settings.anonymous != on {
            self.end(EndReason::AnonymityChanged, at);
            self.memory.settings.anonymous = on;
            self.memory.settings.unlinked = true;
        }
        Answer::Done
    }

    // S19
    fn set_enabled(&mut self, on: bool, at: &mut At<'_>) -> Answer {
        self.settle(at);
        if !on {
            self.end(EndReason::Disabled, at);
        }
        self.memory.settings.enabled = on;
        Answer::Done
    }

    // S4
    fn tick(&mut self, at: &mut At<'_>) -> Answer {
        self.settle(at);
        Answer::Done
    }

    // S9
    fn close(&mut self, at: &mut At<'_>) -> Answer {
        self.settle(at);
        if self.rules.restart_policy == RestartPolicy::StartNew {
            self.end(EndReason::Shutdown, at);
        }
        self.memory.settings.closed = true;
        Answer::Done
    }

    fn begin(&mut self, id: Option<SessionId>, at: &mut At<'_>) {
        let settings = &self.memory.settings;
        let linked = !settings.anonymous && !settings.unlinked;
        let record = SessionRecord {
            id: id.unwrap_or(SessionId::from_uuid(at.fresh)),
            index: settings.last_index.saturating_add(1),
            previous_id: settings.last_id.clone().filter(|_| linked),
            first_event: None,
            event_index: 0,
            started_at: at.now,
            last_activity: at.now,
            last_seen: at.now,
            ended_at: None,
            end_reason: None,
            background: settings.background,
            paused: false,
            spent: Spent::default(),
            idle: Spent::default(),
            accounted: at.now.elapsed,
            handled_errors: 0,
            unhandled_errors: 0,
            user_id: self.visible_user_id().0,
            user: self.visible_user(),
            app_version: self.rules.app_version.clone(),
            boot_id: self.boot_id,
        };
        self.memory.settings.last_index = record.index;
        self.memory.settings.last_id = Some(record.id.clone());
        self.memory.settings.unlinked = false;
        at.facts.push(Fact::Began(record.clone()));
        self.memory.state = State::Open(record);
    }

    fn end(&mut self, reason: EndReason, at: &mut At<'_>) {
        self.memory.end(reason, at.now, at.facts);
    }

    /// Ends an expired session that nobody has noticed yet (S1, S4).
    fn settle(&mut self, at: &mut At<'_>) {
        if self.judged().is_some_and(|record| self.expired(record, at.now)) {
            self.end(EndReason::Timeout, at);
        }
    }

    /// The same where the maximum length is judged, too (S12). Where both apply it is the timeout (S8).
    fn settle_with_length(&mut self, at: &mut At<'_>) {
        self.settle(at);
        let max = self.rules.max_session;
        if self.judged().is_some_and(|record| max.is_some_and(|max| at.now.since(record.started_at) > max)) {
            self.end(EndReason::MaxDuration, at);
        }
    }

    /// The session that time can end: open, not paused (S6), sessions tracked automatically (S17).
    fn judged(&self) -> Option<&SessionRecord> {
        self.open_session().filter(|record| self.rules.auto_track && !record.paused)
    }

    fn expired(&self, record: &SessionRecord, now: Moment) -> bool {
        self.rules.timeout(record.background).is_some_and(|timeout| now.since(record.last_activity) > timeout)
    }

    /// The user that a stamp would carry now (S10, S18).
    pub fn visible_user(&self) -> Option<Arc<User>> {
        if self.memory.settings.anonymous { None } else { self.memory.settings.user.clone() }
    }

    /// The process lives, and the running time is brought up to now.
    pub(super) fn seen(&mut self, now: Moment) {
        if let State::Open(record) = &mut self.memory.state {
            record.account(now.elapsed);
            record.last_seen = now;
        }
    }
}

impl Memory {
    pub(super) fn end(&mut self, reason: EndReason, now: Moment, facts: &mut Vec<Fact>) {
        self.state = match std::mem::take(&mut self.state) {
            State::Open(mut record) => {
                record.end(reason, now);
                facts.push(Fact::Ended(record.clone()));
                State::Ended(record)
            }
            nothing_to_end => nothing_to_end,
        };
    }
}
