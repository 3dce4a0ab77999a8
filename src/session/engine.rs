//! The engine: a pure state machine that decides everything of `semantics`. It reads no clock, draws no random number
//! and touches no file; time and new ids are arguments.

use std::sync::Arc;

use uuid::Uuid;

use super::input::{Answer, Coming, Fact, Input, Step};
use super::memory::{Memory, State};
use super::record::{EndReason, Moment, SessionRecord, Spent};
use super::rules::{RestartPolicy, Rules};
use crate::clock::Now;
use crate::event::User;
use crate::ids::{SessionId, UserId};

/// Knows which session the user is in.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) rules: Rules,
    pub(super) memory: Memory,
    pub(super) boot_id: Option<u64>,
    /// Since when there was neither an event nor a heartbeat (S13).
    pub(super) quiet_since: Moment,
    /// How often the app went to foreground and to background.
    pub(super) changes: [u32; 2],
}

/// One step under way.
pub(super) struct At<'a> {
    pub now: Moment,
    /// The session that this step may begin.
    pub coming: &'a Coming,
    facts: &'a mut Vec<Fact>,
}

impl Engine {
    /// Takes one input at one moment. `coming` becomes the session that this step begins, if it begins one (its id is
    /// then in a [`Fact::Began`], and another must be given the next time).
    pub fn step(&mut self, input: Input, coming: impl Into<Coming>, now: Now) -> Step {
        self.step_with(input, &coming.into(), now)
    }

    pub(crate) fn step_with(&mut self, input: Input, coming: &Coming, now: Now) -> Step {
        let mut facts = Vec::new();
        let now = Moment::from(now);
        let at = &mut At { now, coming, facts: &mut facts };
        let answer = match input {
            Input::Event { id, instance_id, error } => self.event(id, instance_id, error, at),
            Input::EventIn { id, instance_id, session } => self.event_in(id, instance_id, &session, at),
            Input::Lifecycle { background, id, instance_id } => {
                self.lifecycle(background, id, instance_id, at)
            }
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

    /// The number of an event that another engine has stamped (S21, S22).
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.memory.settings.sequence += 1;
        self.memory.settings.sequence
    }

    /// Notes that the installation was told of.
    pub(crate) fn set_installed(&mut self, on: bool) {
        self.memory.settings.installed = on;
    }

    /// Remembers that the files are to be cleaned yet, also through a kill.
    pub(crate) fn set_erasing(&mut self, on: bool) {
        self.memory.settings.erasing = on;
    }

    // S3
    pub(super) fn set_background(&mut self, background: bool, at: &mut At<'_>) -> Answer {
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
        let changes = &mut self.changes[usize::from(background)];
        *changes = changes.saturating_add(1);
        Answer::Done
    }

    /// How often the app went to foreground (false) or background (true) since the tracker was opened.
    pub fn changes_to(&self, background: bool) -> u32 {
        self.changes[usize::from(background)]
    }

    // S5
    fn start(&mut self, id: Option<SessionId>, at: &mut At<'_>) -> Answer {
        if !self.memory.settings.enabled {
            return Answer::Disabled;
        }
        self.settle(at);
        if at.coming.refused {
            return Answer::Refused;
        }
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
        if at.coming.refused && self.open_session().is_none() {
            return Answer::Refused;
        }
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
        self.heartbeat(at.now).map_or(Answer::Done, Answer::Heartbeat)
    }

    // S13
    fn heartbeat(&mut self, now: Moment) -> Option<SessionId> {
        let due = self.rules.heartbeat.is_some_and(|interval| now.since(self.quiet_since) >= interval);
        let record = self.open_session().filter(|record| due && !record.paused && !record.background)?;
        let id = record.id.clone();
        self.quiet_since = now;
        Some(id)
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

    pub(super) fn begin(&mut self, id: Option<SessionId>, at: &mut At<'_>) {
        if let Some(user) = &at.coming.user {
            self.memory.settings.user.clone_from(user);
        }
        let id = id.unwrap_or(SessionId::from_uuid(at.coming.id));
        let settings = &self.memory.settings;
        let linked = !settings.anonymous && !settings.unlinked;
        let record = SessionRecord {
            sampled_out: !self.rules.sampling.keeps(&id),
            id,
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
            attributes: at.coming.attributes.clone().or_else(|| self.rules.attributes.clone()),
            scope: self.rules.scope,
        };
        self.quiet_since = at.now;
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
    pub(super) fn settle_with_length(&mut self, at: &mut At<'_>) {
        self.settle(at);
        if self.judged().is_some_and(|record| self.too_long(record, at.now)) {
            self.end(EndReason::MaxDuration, at);
        }
    }

    /// A session is open, and no event now would end it.
    pub(super) fn stays_open(&self, now: Moment) -> bool {
        let over = |record: &SessionRecord| self.expired(record, now) || self.too_long(record, now);
        self.open_session().is_some() && !self.judged().is_some_and(over)
    }

    fn too_long(&self, record: &SessionRecord, now: Moment) -> bool {
        self.rules.max_session.is_some_and(|max| now.since(record.started_at) > max)
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
