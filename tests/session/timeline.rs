//! Timelines as tables. A row is a moment, what happens then, what comes of it for the caller, and the facts:
//!
//! ```text
//! timeline! { Rules::default();
//!     0,           Event => In(1, 1), Begins(1);
//!     min(30) + 1, Event => In(2, 1), Ends(1, Timeout, 0), Begins(2);
//! }
//! ```
//!
//! A moment is milliseconds of true time since the timeline began; both clocks of the device derive from it.

use std::sync::Arc;

use sessio::clock::Now;
use sessio::event::{Stamp, User as Identity};
use sessio::ids::{CountingIds, EventId, IdSource, InstanceId, SessionId};
use sessio::session::{
    Answer, Coming, EndReason, Engine, Fact, Input, Memory, Opening, Rules, SessionRecord, SessionState,
};
use uuid::Uuid;

use super::kept;

/// What happens.
#[derive(Debug, Clone)]
pub enum Act {
    Event,
    /// An event, with an interest in whose it is.
    Whose,
    Handled,
    Unhandled,
    Background,
    Foreground,
    /// The same as events of their own.
    GoesToBackground,
    GoesToForeground,
    /// An event for the last session that ended.
    EventInLast,
    /// From now on a callback refuses sessions, or does not.
    Refuse(bool),
    Start,
    StartAs(&'static str),
    Pause,
    Resume,
    End,
    User(&'static str),
    /// A user's id and name.
    Named(&'static str, &'static str),
    NoUser,
    Anonymous(bool),
    Enabled(bool),
    Tick,
    Close,
    Erase,
    /// The wall clock steps by so much.
    StepWall(i64),
    /// The device boots; the boot is known by this number.
    Boot(Option<u64>),
    /// A crash handler marks the open session.
    Crash,
    /// The rules of the next process.
    Configure(Rules),
    /// The process is gone, and another opens.
    Reopen,
    ReopenInBackground,
    /// Reads the state, the session's index and its event index.
    Look,
    /// Reads the durations.
    Measure,
    /// Reads which session is said to be the one before.
    Previous,
    /// Reads how long the timer may sleep.
    Wait,
}

/// What comes of it for the caller.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    /// Stamped: session and number within it.
    In(u32, u32),
    /// Stamped in a session, for the user of that id ("" for nobody).
    Of(u32, u32, &'static str),
    /// Stamped without a session.
    Outside,
    Done,
    /// Refused: tracking is off.
    Off,
    Resumed,
    AlreadyActive,
    Started,
    /// A callback refused.
    Refused,
    /// A heartbeat of the session of that index.
    Beat(u32),
    Shows(SessionState, u32, u32),
    /// Foreground, background, paused.
    Spent(u64, u64, u64),
    /// Of the session with this index, or of none.
    Link(Option<u32>),
    For(Option<u64>),
}

/// A fact: which session began or ended, why, and when by the wall clock (since the timeline began).
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Begins(u32),
    Ends(u32, EndReason, i64),
}

pub type Row = (u64, Act, Got, Vec<Told>);

macro_rules! rows {
    ($($at:expr, $act:expr => $got:expr $(, $told:expr)*;)*) => {
        vec![$(($at, $act, $got, vec![$($told),*])),*]
    };
}
macro_rules! timeline {
    ($rules:expr; $($rows:tt)*) => {
        $crate::session::timeline::Timeline::new($rules).run($crate::session::timeline::rows![$($rows)*])
    };
}
pub(crate) use {rows, timeline};

pub const fn min(minutes: u64) -> u64 {
    minutes * 60_000
}

pub const fn hours(hours: u64) -> u64 {
    hours * 3_600_000
}

/// The same for the wall clock, which can step back.
pub const fn wall(ms: u64) -> i64 {
    ms as i64
}

/// 2025-06-15, when every timeline begins.
const DAWN: i64 = 1_750_000_000_000;
/// How long the device has been up by then.
const UPTIME: u64 = 500_000;
pub const INSTALLATION: Uuid = Uuid::from_u128(0xA11);
pub const NEW_INSTALLATION: Uuid = Uuid::from_u128(0xB22);

/// A device, a process on it, and its engine.
pub struct Timeline {
    pub engine: Engine,
    /// All stamps, in order.
    pub stamps: Vec<Stamp>,
    /// All sessions that ended, in order.
    pub ended: Vec<SessionRecord>,
    rules: Rules,
    ids: CountingIds,
    /// Ids of sessions by index - 1.
    sessions: Vec<SessionId>,
    at: u64,
    wall_step: i64,
    /// Added to true time this makes `elapsed`.
    uptime: i64,
    boot: Option<u64>,
    crashed: Option<u32>,
    refuses: bool,
}

impl Timeline {
    pub fn new(rules: Rules) -> Self {
        let now = Now::new(DAWN, UPTIME);
        let opening = Opening { now, boot_id: Some(1), in_background: false, crashed: None };
        let (engine, facts) = Engine::open(rules.clone(), Memory::new(INSTALLATION), opening);
        assert_eq!(facts, []);
        Self {
            engine,
            stamps: Vec::new(),
            ended: Vec::new(),
            rules,
            ids: CountingIds::default(),
            sessions: Vec::new(),
            at: 0,
            wall_step: 0,
            uptime: UPTIME as i64,
            boot: Some(1),
            crashed: None,
            refuses: false,
        }
    }

    /// Plays the rows and checks each.
    #[track_caller]
    pub fn run(mut self, rows: Vec<Row>) -> Self {
        for (number, (at, act, got, told)) in rows.into_iter().enumerate() {
            let row = format!("row {} ({act:?} at {at})", number + 1);
            let (got_really, facts) = self.act(at, act);
            let told_really: Vec<_> = facts.iter().map(told_of).collect();
            assert_eq!((got_really, told_really), (got, told), "{row}");
        }
        self
    }

    /// Lets one thing happen.
    pub fn act(&mut self, at: u64, act: Act) -> (Got, Vec<Fact>) {
        assert!(at >= self.at, "time does not run backwards");
        self.at = at;
        let (got, facts) = match act {
            Act::StepWall(by) => self.device(|device| device.wall_step += by),
            Act::Boot(boot) => self.device(|device| {
                device.uptime = -(at as i64);
                device.boot = boot;
            }),
            Act::Crash => {
                self.device(|device| device.crashed = device.engine.open_session().map(|open| open.index))
            }
            Act::Refuse(on) => self.device(|device| device.refuses = on),
            Act::Configure(rules) => self.device(|device| device.rules = rules),
            Act::Erase => self.device(|device| device.engine.erase(NEW_INSTALLATION)),
            Act::Reopen => (Got::Done, self.reopen(false)),
            Act::ReopenInBackground => (Got::Done, self.reopen(true)),
            Act::Look | Act::Measure | Act::Previous | Act::Wait => (self.read(&act), Vec::new()),
            _ => self.step(&act),
        };
        for fact in &facts {
            match fact {
                Fact::Began(record) => self.sessions.push(record.id.clone()),
                Fact::Ended(record) => self.ended.push(record.clone()),
            }
        }
        (got, facts)
    }

    pub fn now(&self) -> Now {
        Now::new(DAWN + self.at as i64 + self.wall_step, (self.at as i64 + self.uptime) as u64)
    }

    fn device(&mut self, change: impl FnOnce(&mut Self)) -> (Got, Vec<Fact>) {
        change(self);
        (Got::Done, Vec::new())
    }

    fn reopen(&mut self, in_background: bool) -> Vec<Fact> {
        let crashed = self.crashed.take();
        let opening = Opening { now: self.now(), boot_id: self.boot, in_background, crashed };
        let (engine, facts) = Engine::open(self.rules.clone(), kept(&self.engine), opening);
        self.engine = engine;
        facts
    }

    fn step(&mut self, act: &Act) -> (Got, Vec<Fact>) {
        let input = self.input(act);
        let coming = Coming { refused: self.refuses, ..Coming::from(self.ids.uuid()) };
        let asked = self.engine.coming(&input, &coming, self.now());
        let step = self.engine.step(input, coming, self.now());
        let began = step.facts.iter().find_map(|fact| match fact {
            Fact::Began(record) => Some(record),
            Fact::Ended(_) => None,
        });
        assert_eq!(asked.as_ref(), began, "callbacks are asked about what begins, and about nothing else");
        let got = match step.answer {
            Answer::Done => Got::Done,
            Answer::Disabled => Got::Off,
            Answer::Resumed => Got::Resumed,
            Answer::AlreadyActive => Got::AlreadyActive,
            Answer::Started => Got::Started,
            Answer::Refused => Got::Refused,
            Answer::Heartbeat(id) => Got::Beat(self.index_of(&id)),
            Answer::Stamped(stamp) => {
                if !matches!(act, Act::EventInLast) {
                    self.agrees_with_snapshot(&stamp);
                }
                let whose = matches!(act, Act::Whose);
                let got = stamp.session.as_ref().map_or(Got::Outside, |place| match whose {
                    true => Got::Of(place.index, place.event_index, name_of(&stamp)),
                    false => Got::In(place.index, place.event_index),
                });
                self.stamps.push(stamp);
                got
            }
        };
        (got, step.facts)
    }

    fn input(&self, act: &Act) -> Input {
        let event = |error| Input::Event {
            id: EventId(self.ids.uuid()),
            instance_id: InstanceId(Uuid::from_u128(7)),
            error,
        };
        let user = |id, name| Input::SetUser(Some(Arc::new(Identity::new(id, name, None).unwrap())));
        match act {
            Act::Event | Act::Whose => event(None),
            Act::Handled => event(Some(false)),
            Act::Unhandled => event(Some(true)),
            Act::Background => Input::SetBackground(true),
            Act::Foreground => Input::SetBackground(false),
            Act::GoesToBackground | Act::GoesToForeground => Input::Lifecycle {
                background: matches!(act, Act::GoesToBackground),
                id: EventId(self.ids.uuid()),
                instance_id: InstanceId(Uuid::from_u128(7)),
            },
            Act::EventInLast => Input::EventIn {
                id: EventId(self.ids.uuid()),
                instance_id: InstanceId(Uuid::from_u128(7)),
                session: Box::new(self.ended.last().unwrap().clone()),
            },
            Act::Start => Input::Start,
            Act::StartAs(id) => Input::StartWithId(SessionId::parse(id).unwrap()),
            Act::Pause => Input::Pause,
            Act::Resume => Input::Resume,
            Act::End => Input::End,
            Act::User(id) => user(id, None),
            Act::Named(id, name) => user(id, Some(*name)),
            Act::NoUser => Input::SetUser(None),
            Act::Anonymous(on) => Input::SetAnonymous(*on),
            Act::Enabled(on) => Input::SetEnabled(*on),
            Act::Tick => Input::Tick,
            Act::Close => Input::Close,
            _ => unreachable!("{act:?} is no input of the engine"),
        }
    }

    fn read(&self, act: &Act) -> Got {
        let before = self.engine.memory().clone();
        let session = self.engine.session();
        let got = match act {
            Act::Measure => {
                let spent = session.durations;
                Got::Spent(spent.foreground_ms, spent.background_ms, spent.paused_ms)
            }
            Act::Previous => Got::Link(session.previous_id.map(|id| self.index_of(&id))),
            Act::Wait => Got::For(self.engine.expires_in(self.now())),
            _ => Got::Shows(session.state, session.index, session.event_index),
        };
        assert_eq!(*self.engine.memory(), before, "reading changes nothing");
        got
    }

    fn index_of(&self, id: &SessionId) -> u32 {
        let place = self.sessions.iter().position(|known| known == id);
        place.map_or(0, |place| place as u32 + 1)
    }

    /// The snapshot shows what a stamp carries.
    fn agrees_with_snapshot(&self, stamp: &Stamp) {
        let shown = self.engine.session();
        assert_eq!((stamp.user_id, stamp.in_background), (shown.user_id, shown.is_background));
        let Some(place) = &stamp.session else { return };
        assert_eq!(Some(&place.id), shown.id.as_ref());
        assert_eq!(place.previous_id, shown.previous_id);
        assert_eq!(Some(place.first_event_id), shown.first_event_id);
        assert_eq!(Some(place.first_event_time), shown.first_event_at);
        assert_eq!(Some(place.started_at), shown.started_at);
        assert_eq!((place.index, place.event_index), (shown.index, shown.event_index));
        let errors = (shown.handled_errors, shown.unhandled_errors);
        assert_eq!((place.handled_errors, place.unhandled_errors), errors);
    }
}

fn told_of(fact: &Fact) -> Told {
    match fact {
        Fact::Began(record) => Told::Begins(record.index),
        Fact::Ended(record) => Told::Ends(
            record.index,
            record.end_reason.expect("an ended session says why"),
            record.ended_at.expect("an ended session says when") - DAWN,
        ),
    }
}

/// The user's id, as one of the few names that the tables use.
fn name_of(stamp: &Stamp) -> &'static str {
    let id = stamp.user.as_ref().map_or("", |user| user.id());
    ["", "A", "B"].into_iter().find(|known| *known == id).expect("the tables know A and B")
}
