//! Whatever happens in whatever order, the engine keeps the rules: random lives of an app beside a model of them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod session;

use std::sync::Arc;

use proptest::prelude::*;
use sessio::clock::Now;
use sessio::event::User;
use sessio::ids::{CountingIds, EventId, IdSource, InstanceId, SessionId};
use sessio::session::{
    Answer, Coming, Engine, Fact, Input, Memory, Opening, RestartPolicy, Rules, Spent, State,
};
use session::model::Model;
use uuid::Uuid;

const USER_ID: Uuid = Uuid::from_u128(0xA11);
/// Every limit is one of these, and time passes in steps around them.
const LIMITS: [u64; 4] = [0, 1, 1_000, 60_000];

/// One thing in the life of an app; before it, time passes and the wall clock may step.
#[derive(Debug, Clone)]
struct Happening {
    after: u64,
    wall_step: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Input(Input),
    Reopen { boot: Boot, in_background: bool, crashed: bool, close: bool, rules: Option<Rules> },
}

#[derive(Debug, Clone, Copy)]
enum Boot {
    Same,
    Other,
    Unknown,
}

/// A device with an app on it.
struct Life {
    engine: Engine,
    model: Model,
    now: Now,
    boot: Option<u64>,
    boots: u64,
    rules: Rules,
    ids: CountingIds,
    /// What became true, apart from the fields that tell when the process was last seen.
    facts: Vec<(SessionId, u32, Option<i64>, Option<Spent>)>,
}

impl Life {
    fn new(rules: Rules) -> Self {
        let now = Now::new(1_750_000_000_000, 5_000);
        let opening = Opening { now, boot_id: Some(0), in_background: false, crashed: None };
        let (engine, facts) = Engine::open(rules.clone(), Memory::new(USER_ID), opening);
        assert_eq!(facts, []);
        let model = Model::new(rules.clone(), now, Some(0), USER_ID);
        let ids = CountingIds::default();
        Self { engine, model, now, boot: Some(0), boots: 0, rules, ids, facts: Vec::new() }
    }

    fn live(&mut self, happening: Happening) {
        self.now.elapsed += happening.after;
        self.now.wall += happening.after as i64 + happening.wall_step;
        match happening.what {
            What::Input(input) => self.step(input),
            What::Reopen { boot, in_background, crashed, close, rules } => {
                if close {
                    self.step(Input::Close);
                }
                let crashed = self.engine.open_session().filter(|_| crashed).map(|open| open.index);
                self.rules = rules.unwrap_or(self.rules.clone());
                self.reopen(boot, in_background, crashed);
            }
        }
    }

    fn step(&mut self, input: Input) {
        let input = match input {
            Input::Event { error, .. } => {
                Input::Event { id: EventId(self.ids.uuid()), instance_id: InstanceId(Uuid::nil()), error }
            }
            other => other,
        };
        let due = self.engine.expires_in(self.now);
        let fresh = self.ids.uuid();
        self.ask(&input, fresh);
        if let Input::SetBackground(background) = input {
            self.change_with_an_event(background, fresh);
        }
        self.tell_later();
        let step = self.engine.step(input.clone(), fresh, self.now);
        if let Answer::Heartbeat(id) = &step.answer {
            let open = self.engine.open_session().unwrap();
            assert!(open.id == *id && !open.background && !open.paused && step.facts.is_empty());
        }
        if matches!(input, Input::Tick) {
            assert_eq!(due == Some(0), !step.facts.is_empty(), "the timer knows when");
        }
        self.model.step(&input, self.now, &step);
        self.remember(step.facts);
        self.look();
    }

    /// S15: what callbacks are asked about is what begins; refused, nothing does.
    fn ask(&self, input: &Input, fresh: Uuid) {
        let begun = |facts: Vec<Fact>| {
            facts.into_iter().find_map(|fact| match fact {
                Fact::Began(record) => Some(record),
                Fact::Ended(_) => None,
            })
        };
        let asked = self.engine.coming(input, &fresh.into(), self.now);
        let step = self.engine.clone().step(input.clone(), fresh, self.now);
        assert_eq!(asked, begun(step.facts));
        let mut refused = self.engine.clone();
        let step = refused.step(input.clone(), Coming { refused: true, ..fresh.into() }, self.now);
        assert_eq!(begun(step.facts), None);
        assert_eq!(refused.memory().settings.last_index, self.engine.memory().settings.last_index);
        if step.answer == Answer::Refused {
            let mut left = self.engine.clone();
            left.step(Input::Tick, fresh, self.now);
            assert_eq!(refused.memory(), left.memory(), "it is as if nobody had asked");
        }
    }

    /// S3: a change of background that is an event is the change, then the event.
    fn change_with_an_event(&self, background: bool, fresh: Uuid) {
        let (id, instance_id) = (EventId(Uuid::nil()), InstanceId(Uuid::nil()));
        let (mut at_once, mut in_turn) = (self.engine.clone(), self.engine.clone());
        let step = at_once.step(Input::Lifecycle { background, id, instance_id }, fresh, self.now);
        let mut facts = in_turn.step(Input::SetBackground(background), fresh, self.now).facts;
        if self.engine.memory().settings.background != background {
            facts.extend(in_turn.step(Input::Event { id, instance_id, error: None }, fresh, self.now).facts);
        }
        assert_eq!((at_once.memory(), step.facts), (in_turn.memory(), facts));
    }

    /// What is told of a session that has ended takes a number, and nothing else.
    fn tell_later(&self) {
        let State::Ended(record) = &self.engine.memory().state else { return };
        let (id, session) = (EventId(Uuid::nil()), record.clone());
        let input = Input::EventIn { id, instance_id: InstanceId(Uuid::nil()), session: session.into() };
        let mut engine = self.engine.clone();
        let step = engine.step(input, Uuid::nil(), self.now);
        let mut expected = self.engine.memory().clone();
        expected.settings.sequence += u64::from(expected.settings.enabled);
        assert_eq!((engine.memory(), step.facts), (&expected, Vec::new()));
    }

    fn reopen(&mut self, boot: Boot, in_background: bool, crashed: Option<u32>) {
        match boot {
            Boot::Same => {}
            Boot::Other => {
                self.boots += 1;
                (self.boot, self.now.elapsed) = (Some(self.boots), 3);
            }
            Boot::Unknown => self.boot = None,
        }
        let opening = Opening { now: self.now, boot_id: self.boot, in_background, crashed };
        let (engine, facts) = Engine::open(self.rules.clone(), session::kept(&self.engine), opening);
        self.engine = engine;
        self.model.reopen(self.rules.clone(), opening, &facts);
        self.remember(facts);
        self.look();
    }

    fn remember(&mut self, facts: Vec<Fact>) {
        self.facts.extend(facts.into_iter().map(|fact| match fact {
            Fact::Began(record) => (record.id, record.index, None, None),
            Fact::Ended(record) => {
                let spent = Some(record.durations());
                (record.id, record.index, record.ended_at, spent)
            }
        }));
    }

    /// Reading changes nothing, and shows what the model says.
    fn look(&self) {
        let before = self.engine.memory().clone();
        let shown = self.engine.session();
        assert_eq!(self.engine.session(), shown);
        self.engine.expires_in(self.now);
        assert_eq!(*self.engine.memory(), before);
        assert_eq!(shown.state, self.model.state());
        assert_eq!(self.engine.open_session().map(|open| &open.id), self.model.open_id());
        if let State::Ended(record) = &before.state {
            assert!(record.ended_at.is_some() && record.end_reason.is_some());
        }
    }
}

#[test]
fn clocks_at_the_ends_of_their_range_do_no_harm() {
    let rules = Rules { background_timeout: Some(u64::MAX), max_session: Some(u64::MAX), ..Rules::default() };
    let event =
        || Input::Event { id: EventId(Uuid::nil()), instance_id: InstanceId(Uuid::nil()), error: None };
    let ids = CountingIds::default();
    let ends = [(i64::MIN, 0), (i64::MAX, u64::MAX), (i64::MIN, u64::MAX), (0, u64::MAX - 1), (i64::MAX, 0)];
    for (first, second) in ends.iter().flat_map(|first| ends.map(|second| (*first, second))) {
        let opening = |(wall, elapsed), boot| {
            let now = Now::new(wall, elapsed);
            Opening { now, boot_id: Some(boot), in_background: true, crashed: None }
        };
        let (mut engine, _) = Engine::open(rules.clone(), Memory::new(USER_ID), opening(first, 1));
        for (wall, elapsed) in [first, second] {
            engine.step(event(), ids.uuid(), Now::new(wall, elapsed));
            engine.expires_in(Now::new(wall, elapsed));
        }
        for boot in [1, 2] {
            let (mut engine, _) = Engine::open(rules.clone(), session::kept(&engine), opening(first, boot));
            let index = engine.memory().settings.last_index;
            let step = engine.step(event(), ids.uuid(), Now::new(second.0, second.1));
            let Answer::Stamped(stamp) = step.answer else { panic!("an event is stamped") };
            let place = stamp.session.expect("in a session");
            assert!(stamp.sequence == 3 && (index..=index + 1).contains(&place.index));
        }
    }
}

fn limit() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        4 => prop::sample::select(&LIMITS[..]).prop_map(Some),
        1 => Just(Some(u64::MAX)),
        1 => Just(None),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let policy = prop_oneof![2 => Just(RestartPolicy::Resume), 1 => Just(RestartPolicy::StartNew)];
    let switches = (prop::bool::weighted(0.8), prop::bool::weighted(0.8), any::<bool>());
    (limit(), limit(), limit(), limit(), policy, switches).prop_map(
        |(foreground_timeout, background_timeout, max_session, heartbeat, restart_policy, switches)| Rules {
            foreground_timeout,
            background_timeout,
            max_session,
            heartbeat,
            restart_policy,
            auto_track: switches.0,
            end_on_user_change: switches.1,
            remember_user: switches.2,
            app_version: None,
            ..Rules::default()
        },
    )
}

fn input() -> impl Strategy<Value = Input> {
    let event =
        |error| Input::Event { id: EventId(Uuid::nil()), instance_id: InstanceId(Uuid::nil()), error };
    let user = |(id, name)| Input::SetUser(Some(Arc::new(User::new(id, name, None).unwrap())));
    let name = prop_oneof![Just(None), Just(Some("Ann"))];
    prop_oneof![
        8 => prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)].prop_map(event),
        4 => any::<bool>().prop_map(Input::SetBackground),
        1 => Just(Input::Start),
        1 => prop_oneof![Just("one"), Just("two")]
            .prop_map(|id| Input::StartWithId(SessionId::parse(id).unwrap())),
        2 => Just(Input::Pause),
        2 => Just(Input::Resume),
        1 => Just(Input::End),
        2 => (prop_oneof![Just("A"), Just("B")], name).prop_map(user),
        1 => Just(Input::SetUser(None)),
        1 => any::<bool>().prop_map(Input::SetAnonymous),
        1 => prop::bool::weighted(0.8).prop_map(Input::SetEnabled),
        2 => Just(Input::Tick),
        1 => Just(Input::Close),
    ]
}

fn reopening() -> impl Strategy<Value = What> {
    let boot = prop_oneof![2 => Just(Boot::Same), 1 => Just(Boot::Other), 1 => Just(Boot::Unknown)];
    let switches = (any::<bool>(), prop::bool::weighted(0.2), any::<bool>());
    (boot, switches, prop::option::weighted(0.3, rules())).prop_map(
        |(boot, (in_background, crashed, close), rules)| What::Reopen {
            boot,
            in_background,
            crashed,
            close,
            rules,
        },
    )
}

/// Time passes: not at all, to one side or the other of a limit, or for ages.
fn passing() -> impl Strategy<Value = u64> {
    let around = prop::sample::select(&LIMITS[..]).prop_flat_map(|limit| {
        prop_oneof![Just(limit), Just(limit + 1), Just(limit.saturating_sub(1)), Just(limit / 2)]
    });
    prop_oneof![2 => Just(0), 6 => around, 1 => Just(1_000_000_000_000)]
}

fn happening(what: impl Strategy<Value = What>) -> impl Strategy<Value = Happening> {
    let wall_step = prop_oneof![8 => Just(0), 1 => -70_000..70_000i64, 1 => Just(-1_000_000_000_000i64)];
    (passing(), wall_step, what).prop_map(|(after, wall_step, what)| Happening { after, wall_step, what })
}

fn with_restarts() -> impl Strategy<Value = Vec<Happening>> {
    let what = prop_oneof![6 => input().prop_map(What::Input), 1 => reopening()];
    prop::collection::vec(happening(what), 1..50)
}

fn without_restarts() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happening(input().prop_map(What::Input)), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_keeps_the_rules(rules in rules(), happenings in with_restarts()) {
        let mut life = Life::new(rules);
        happenings.into_iter().for_each(|happening| life.live(happening));
    }

    /// S4: when the timer runs, or whether it does, changes no fact.
    #[test]
    fn s4_a_timer_that_runs_more_often_tells_nothing_else(rules in rules(), happenings in without_restarts()) {
        let (mut with, mut without) = (Life::new(rules.clone()), Life::new(rules));
        for happening in happenings {
            let Happening { after, wall_step, .. } = happening;
            for part in [after / 2, after - after / 2] {
                let tick = What::Input(Input::Tick);
                with.live(Happening { after: part, wall_step: 0, what: tick });
                // Both draw the same number of ids, so that the sessions have the same.
                without.ids.uuid();
            }
            with.live(Happening { after: 0, wall_step, what: happening.what.clone() });
            without.live(happening);
        }
        with.step(Input::Tick);
        without.step(Input::Tick);
        prop_assert_eq!(with.facts, without.facts);
    }
}
