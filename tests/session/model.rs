//! A second opinion: what the rules say about any sequence of inputs, in plain numbers. It follows the engine's
//! answers, and fails where one is not the one that the rules give.
//!
//! All it keeps of time is what one could write down beside a stop watch: the idle time, and how long each state
//! lasted.

use std::sync::Arc;

use sessio::clock::Now;
use sessio::event::{Stamp, User};
use sessio::ids::{SessionId, UserId};
use sessio::session::{
    Answer, EndReason, Fact, Input, Opening, RestartPolicy, Rules, SessionRecord, SessionState, Step,
};
use uuid::Uuid;

/// What the watch showed at one moment of a session.
#[derive(Debug, Clone, Copy)]
struct Mark {
    wall: i64,
    /// Foreground, background, paused.
    spent: [u64; 3],
}

#[derive(Debug, Clone)]
struct Open {
    id: SessionId,
    index: u32,
    previous: Option<SessionId>,
    first: Option<(Uuid, i64)>,
    events: u32,
    errors: (u32, u32),
    started_at: i64,
    active: Mark,
    seen: Mark,
    /// Since the last activity.
    idle: u64,
    /// From the start to the last activity.
    age: u64,
}

impl Open {
    fn is_active(&mut self, now: Now) {
        self.active = Mark { wall: now.wall, spent: self.seen.spent };
        self.age += std::mem::take(&mut self.idle);
    }
}

/// What the rules say.
#[derive(Debug)]
pub struct Model {
    rules: Rules,
    now: Now,
    boot: Option<u64>,
    user_id: Uuid,
    open: Option<Open>,
    last: Option<SessionId>,
    last_index: u32,
    sequence: u64,
    background: bool,
    paused: bool,
    anonymous: bool,
    unlinked: bool,
    enabled: bool,
    closed: bool,
    user: Option<Arc<User>>,
    /// Since the last event in a session, its beginning, the opening, or a heartbeat.
    quiet: u64,
}

impl Model {
    pub fn new(rules: Rules, now: Now, boot: Option<u64>, user_id: Uuid) -> Self {
        Self {
            rules,
            now,
            boot,
            user_id,
            open: None,
            last: None,
            last_index: 0,
            sequence: 0,
            background: false,
            paused: false,
            anonymous: false,
            unlinked: false,
            enabled: true,
            closed: false,
            user: None,
            quiet: 0,
        }
    }

    pub fn state(&self) -> SessionState {
        match (&self.open, self.paused) {
            (Some(_), true) => SessionState::Paused,
            (Some(_), false) => SessionState::Active,
            (None, _) if self.last_index > 0 => SessionState::Ended,
            (None, _) => SessionState::None,
        }
    }

    pub fn open_id(&self) -> Option<&SessionId> {
        self.open.as_ref().map(|open| &open.id)
    }

    /// Takes in one step of the engine, and what it made of it.
    pub fn step(&mut self, input: &Input, now: Now, step: &Step) {
        self.pass_time(now);
        let ends = self.end_of(input);
        self.note(input, ends);
        let begins = self.begins(input, ends);
        self.facts(ends, begins, &step.facts, own_id(input));
        self.answer(input, begins, &step.answer);
        self.active_by(input, begins);
        if let Some(open) = &mut self.open {
            open.seen.wall = now.wall;
        }
    }

    /// Takes in a restart (S9): `rules` are those of the new process.
    pub fn reopen(&mut self, rules: Rules, opening: Opening, facts: &[Fact]) {
        let same_boot = opening.boot_id.is_some() && opening.boot_id == self.boot;
        let gap = |wall: i64, elapsed: u64| match same_boot {
            true => i128::from(opening.now.elapsed) - i128::from(elapsed),
            false => i128::from(opening.now.wall) - i128::from(wall),
        };
        self.rules = rules;
        let mut ends = None;
        if let Some(open) = &mut self.open {
            let dead = gap(open.seen.wall, self.now.elapsed).max(0) as u64;
            let idle = if same_boot { (open.idle + dead).into() } else { gap(open.active.wall, 0) };
            let timeout = timeout(&self.rules, self.background).filter(|_| self.rules.auto_track);
            ends = if opening.crashed == Some(open.index) {
                open.errors.1 += 1;
                Some(EndReason::Crashed)
            } else if timeout.is_some_and(|timeout| idle < 0 || idle > timeout.into()) {
                Some(EndReason::Timeout)
            } else {
                let gone = if self.closed { EndReason::Restart } else { EndReason::Killed };
                (self.rules.restart_policy == RestartPolicy::StartNew).then_some(gone)
            };
            if ends.is_none() {
                open.idle = idle.max(0) as u64;
                open.seen.spent[1] += dead;
            }
        }
        let goes_on = self.open.is_some() && ends.is_none();
        (self.now, self.boot, self.quiet) = (opening.now, opening.boot_id, 0);
        self.facts(ends, false, facts, None);
        (self.paused, self.closed, self.background) = (false, false, opening.in_background);
        if !goes_on && !self.rules.remember_user {
            self.user = None;
        }
        if let Some(open) = &mut self.open {
            if !opening.in_background {
                open.is_active(opening.now);
            }
            open.seen.wall = opening.now.wall;
        }
    }

    fn pass_time(&mut self, now: Now) {
        let passed = now.elapsed - self.now.elapsed;
        self.now = now;
        self.quiet += passed;
        if let Some(open) = &mut self.open {
            open.idle += passed;
            let state = if self.paused { 2 } else { usize::from(self.background) };
            open.seen.spent[state] += passed;
        }
    }

    /// Why this input ends the open session, if it does.
    fn end_of(&self, input: &Input) -> Option<EndReason> {
        let open = self.open.as_ref()?;
        let judged = self.rules.auto_track && !self.paused;
        let expired = judged && timeout(&self.rules, self.background).is_some_and(|limit| open.idle > limit);
        let over = judged && self.rules.max_session.is_some_and(|max| open.age + open.idle > max);
        let settled = expired.then_some(EndReason::Timeout);
        let settled_with_length = settled.or(over.then_some(EndReason::MaxDuration));
        match input {
            Input::SetBackground(on) if *on == self.background => None,
            Input::Event { .. } | Input::SetBackground(_) => settled_with_length,
            Input::Pause | Input::Resume | Input::Tick => settled,
            Input::Start => settled.or(Some(EndReason::Replaced)),
            Input::StartWithId(id) => settled.or((open.id != *id).then_some(EndReason::Replaced)),
            Input::End => settled.or(Some(EndReason::Ended)),
            Input::SetUser(user) => settled.or(self.is_other(user).then_some(EndReason::UserChanged)),
            Input::SetAnonymous(on) => {
                settled.or((*on != self.anonymous).then_some(EndReason::AnonymityChanged))
            }
            Input::SetEnabled(on) => settled.or((!on).then_some(EndReason::Disabled)),
            Input::Close => {
                let shutdown = self.rules.restart_policy == RestartPolicy::StartNew;
                settled.or(shutdown.then_some(EndReason::Shutdown))
            }
            other => unreachable!("{other:?} is not drawn"),
        }
    }

    fn is_other(&self, user: &Option<Arc<User>>) -> bool {
        let id = |user: &Option<Arc<User>>| user.as_ref().map(|user| user.id().to_owned());
        self.rules.end_on_user_change && self.user.is_some() && id(&self.user) != id(user)
    }

    /// No session without a cause.
    fn begins(&self, input: &Input, ends: Option<EndReason>) -> bool {
        let none_open = self.open.is_none() || ends.is_some();
        self.enabled
            && match input {
                Input::Event { .. } => none_open && self.rules.auto_track && !self.paused,
                Input::Resume | Input::StartWithId(_) => none_open,
                Input::Start => true,
                _ => false,
            }
    }

    /// What an input changes beside the session. A pause is lifted later: the answer depends on it.
    fn note(&mut self, input: &Input, ends: Option<EndReason>) {
        match input {
            Input::Pause => self.paused = true,
            Input::SetBackground(on) if *on != self.background => {
                self.background = *on;
                if let Some(open) = self.open.as_mut().filter(|_| !self.paused && ends.is_none()) {
                    open.is_active(self.now);
                }
            }
            Input::SetUser(user) => self.user = user.clone(),
            Input::SetAnonymous(on) => {
                self.unlinked |= self.anonymous != *on;
                self.anonymous = *on;
            }
            Input::SetEnabled(on) => self.enabled = *on,
            Input::Close => self.closed = true,
            _ => {}
        }
    }

    fn facts(&mut self, ends: Option<EndReason>, begins: bool, facts: &[Fact], own: Option<&SessionId>) {
        let mut facts = facts.iter();
        if let Some(reason) = ends {
            let Some(Fact::Ended(record)) = facts.next() else { panic!("no end by {reason:?}") };
            self.ended(reason, record);
        }
        if begins {
            let Some(Fact::Began(record)) = facts.next() else { panic!("no session begins") };
            self.began(record, own);
        }
        assert_eq!(facts.next(), None, "a fact too many");
    }

    fn ended(&mut self, reason: EndReason, record: &SessionRecord) {
        let open = self.open.take().expect("what ends was open");
        let at = match reason {
            EndReason::Timeout | EndReason::MaxDuration => open.active,
            EndReason::Restart | EndReason::Crashed | EndReason::Killed => open.seen,
            _ => Mark { wall: self.now.wall, ..open.seen },
        };
        assert_eq!((record.end_reason, record.ended_at), (Some(reason), Some(at.wall)));
        let spent = record.durations();
        assert_eq!([spent.foreground_ms, spent.background_ms, spent.paused_ms], at.spent, "{reason:?}");
        assert_eq!((&record.id, record.index, &record.previous_id), (&open.id, open.index, &open.previous));
        assert_eq!((record.event_index, record.started_at.wall), (open.events, open.started_at));
        assert_eq!((record.handled_errors, record.unhandled_errors), open.errors);
        assert_eq!(record.first_event.map(|first| (first.id, first.time)), open.first);
    }

    fn began(&mut self, record: &SessionRecord, own: Option<&SessionId>) {
        assert!(self.open.is_none(), "one session at a time");
        assert_eq!(record.index, self.last_index + 1, "no gap in the index");
        let previous = self.last.clone().filter(|_| !self.anonymous && !self.unlinked);
        assert_eq!(record.previous_id, previous);
        assert!(own.is_none_or(|id| *id == record.id));
        assert_eq!((record.event_index, record.first_event, record.ended_at), (0, None, None));
        assert_eq!((record.background, record.durations().total()), (self.background, 0));
        assert_eq!(record.user, self.user.clone().filter(|_| !self.anonymous));
        let start = Mark { wall: self.now.wall, spent: [0; 3] };
        self.open = Some(Open {
            id: record.id.clone(),
            index: record.index,
            previous,
            first: None,
            events: 0,
            errors: (0, 0),
            started_at: self.now.wall,
            active: start,
            seen: start,
            idle: 0,
            age: 0,
        });
        (self.last, self.last_index, self.unlinked) = (Some(record.id.clone()), record.index, false);
        self.quiet = 0;
    }

    fn answer(&mut self, input: &Input, begins: bool, answer: &Answer) {
        let open = self.open.is_some();
        match (input, answer) {
            (Input::Event { error, .. }, Answer::Stamped(stamp)) if self.enabled => {
                self.stamped(stamp, *error)
            }
            (
                Input::Event { .. } | Input::Start | Input::StartWithId(_) | Input::Resume,
                Answer::Disabled,
            ) => {
                assert!(!self.enabled);
            }
            (Input::Start | Input::StartWithId(_) | Input::Resume, Answer::Started) => assert!(begins),
            (Input::StartWithId(id), Answer::Done) => assert!(!begins && self.open_id() == Some(id)),
            (Input::Resume, Answer::Resumed) => assert!(self.paused && open && !begins),
            (Input::Resume, Answer::AlreadyActive) => assert!(!self.paused && open && !begins),
            (Input::Event { .. } | Input::Start | Input::Resume, _) => panic!("{input:?} gives {answer:?}"),
            (Input::Tick, answer) => self.beats(answer),
            (_, answer) => assert_eq!(*answer, Answer::Done),
        }
    }

    /// S13: after so long without an event, while the session is active and in foreground.
    fn beats(&mut self, answer: &Answer) {
        let due = self.rules.heartbeat.is_some_and(|interval| self.quiet >= interval);
        match self.open_id().filter(|_| due && !self.paused && !self.background) {
            Some(id) => {
                assert_eq!(*answer, Answer::Heartbeat(id.clone()));
                self.quiet = 0;
            }
            None => assert_eq!(*answer, Answer::Done),
        }
    }

    fn stamped(&mut self, stamp: &Stamp, error: Option<bool>) {
        self.sequence += 1;
        assert_eq!((stamp.sequence, stamp.time), (self.sequence, self.now.wall));
        assert_eq!(stamp.in_background, self.background);
        let user_id = if self.anonymous { UserId::NIL } else { UserId(self.user_id) };
        assert_eq!((stamp.user_id, &stamp.user), (user_id, &self.user.clone().filter(|_| !self.anonymous)));
        let open = self.open.as_mut().filter(|_| !self.paused);
        assert_eq!(stamp.session.is_some(), open.is_some(), "in a session if one is open and not paused");
        let (Some(open), Some(place)) = (open, &stamp.session) else { return };
        self.quiet = 0;
        open.events += 1;
        let first = *open.first.get_or_insert((stamp.event_id.0, stamp.time));
        match error {
            Some(true) => open.errors.1 += 1,
            Some(false) => open.errors.0 += 1,
            None => {}
        }
        assert_eq!((&place.id, place.index, place.event_index), (&open.id, open.index, open.events));
        assert_eq!((place.first_event_id.0, place.first_event_time), first);
        assert_eq!((&place.previous_id, place.started_at), (&open.previous, open.started_at));
        assert_eq!((place.handled_errors, place.unhandled_errors), open.errors);
    }

    /// Activity that comes after the facts, and the end of a pause.
    fn active_by(&mut self, input: &Input, begins: bool) {
        let resumes = self.paused && self.enabled && matches!(input, Input::Resume);
        let counts = !self.paused && matches!(input, Input::Event { .. });
        if (resumes || begins) && !matches!(input, Input::Event { .. }) {
            self.paused = false;
        }
        if let Some(open) = self.open.as_mut().filter(|_| resumes || counts) {
            open.is_active(self.now);
        }
    }
}

fn timeout(rules: &Rules, background: bool) -> Option<u64> {
    if background { rules.background_timeout } else { rules.foreground_timeout }
}

fn own_id(input: &Input) -> Option<&SessionId> {
    match input {
        Input::StartWithId(id) => Some(id),
        _ => None,
    }
}
