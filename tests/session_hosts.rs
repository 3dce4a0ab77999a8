//! What hosts can have beside the plain session: heartbeats (S13), refusals (S15), lifecycle events, events told later,
//! attributes, sampling.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod session;

use std::sync::Arc;

use sessio::session::EndReason::*;
use sessio::session::{Attributes, Coming, Fact, Input, Rules, Sampling};
use session::timeline::{Act, Act::*, Got::*, Timeline, Told::*, min, timeline, wall};
use uuid::Uuid;

fn beating() -> Rules {
    Rules { heartbeat: Some(30_000), foreground_timeout: Some(min(2)), ..Rules::default() }
}

#[test]
fn s13_a_heartbeat_comes_after_the_interval_without_an_event_and_is_no_activity() {
    timeline! { beating();
        0,           Event => In(1, 1), Begins(1);
        29_999,      Tick  => Done;
        30_000,      Tick  => Beat(1);
        30_000,      Tick  => Done;
        50_000,      Event => In(1, 2);
        79_999,      Tick  => Done;
        80_000,      Tick  => Beat(1);
        110_000,     Tick  => Beat(1);
        170_000,     Tick  => Beat(1);
        170_001,     Tick  => Done, Ends(1, Timeout, 50_000);
        999_000,     Tick  => Done;
    };
}

#[test]
fn s13_none_in_background_none_while_paused_none_without_a_session() {
    timeline! { beating();
        40_000,      Tick       => Done;
        40_000,      Start      => Started, Begins(1);
        69_999,      Tick       => Done;
        70_000,      Tick       => Beat(1);
        80_000,      Background => Done;
        140_000,     Tick       => Done;
        150_000,     Foreground => Done;
        150_000,     Tick       => Beat(1);
        160_000,     Pause      => Done;
        300_000,     Tick       => Done;
        300_000,     Resume     => Resumed;
        300_000,     Tick       => Beat(1);
        310_000,     End        => Done, Ends(1, Ended, 310_000);
        400_000,     Tick       => Done;
    };
}

#[test]
fn s13_off_and_wall_steps() {
    timeline! { Rules::default();
        0,           Event => In(1, 1), Begins(1);
        min(29),     Tick  => Done;
    };
    timeline! { beating();
        0,           Event                    => In(1, 1), Begins(1);
        1,           StepWall(-wall(min(60))) => Done;
        29_999,      Tick                     => Done;
        30_000,      Tick                     => Beat(1);
    };
}

#[test]
fn s15_a_refused_session_leaves_events_without_one_and_the_next_asks_again() {
    timeline! { Rules::default();
        0,           Refuse(true)  => Done;
        0,           Event         => Outside;
        1,           Event         => Outside;
        1,           Refuse(false) => Done;
        2,           Event         => In(1, 1), Begins(1);
        3,           Refuse(true)  => Done;
        3,           Start         => Refused;
        4,           StartAs("a")  => Refused;
        5,           Event         => In(1, 2);
        6,           Resume        => AlreadyActive;
        min(31),     Event         => Outside, Ends(1, Timeout, 5);
        min(31),     Resume        => Refused;
        min(31),     Refuse(false) => Done;
        min(31),     Resume        => Started, Begins(2);
    };
}

#[test]
fn s15_a_refusal_changes_nothing_not_even_a_pause() {
    timeline! { Rules::default();
        0,           Pause         => Done;
        0,           Refuse(true)  => Done;
        0,           Resume        => Refused;
        0,           Start         => Refused;
        0,           Refuse(false) => Done;
        0,           Event         => Outside;
        0,           Resume        => Started, Begins(1);
    };
}

#[test]
fn s15_the_session_to_come_may_have_a_user_and_attributes() {
    let line = Timeline::new(Rules::default());
    let mut attributes = Attributes::default();
    attributes.set_text("plan", "pro").unwrap();
    let user = Arc::new(sessio::User::new("A", None, None).unwrap());
    let coming = Coming {
        id: Uuid::from_u128(77),
        user: Some(Some(Arc::clone(&user))),
        attributes: Some(Arc::new(attributes.clone())),
        refused: false,
    };
    let mut engine = line.engine.clone();
    let step = engine.step(Input::Start, coming, line.now());
    let Some(Fact::Began(record)) = step.facts.first() else { panic!("nothing began") };
    assert_eq!(record.user, Some(user.clone()));
    assert_eq!(record.attributes.as_deref(), Some(&attributes));
    assert_eq!(engine.visible_user(), Some(user));
}

#[test]
fn a_change_of_background_as_an_event_is_judged_by_the_state_that_is_left() {
    let rules =
        Rules { foreground_timeout: Some(min(10)), background_timeout: Some(min(60)), ..Rules::default() };
    let line = timeline! { rules;
        0,           GoesToForeground => Done;
        0,           Event            => In(1, 1), Begins(1);
        min(10),     GoesToBackground => In(1, 2);
        min(11),     GoesToBackground => Done;
        min(70),     GoesToForeground => In(1, 3);
        min(80) + 1, GoesToBackground => In(2, 1), Ends(1, Timeout, wall(min(70))), Begins(2);
        min(81),     Pause            => Done;
        min(82),     GoesToForeground => Outside;
        min(83),     Enabled(false)   => Done, Ends(2, Disabled, wall(min(83)));
        min(84),     GoesToBackground => Done;
        min(85),     Look             => Shows(sessio::SessionState::Ended, 2, 1);
    };
    assert!(line.stamps[1].in_background && !line.stamps[2].in_background);
    assert_eq!((line.engine.changes_to(true), line.engine.changes_to(false)), (3, 2));
}

#[test]
fn an_event_told_later_belongs_to_the_session_that_ended_and_changes_none() {
    let line = timeline! { Rules::default();
        0,           User("A")      => Done;
        0,           Unhandled      => In(1, 1), Begins(1);
        1,           Event          => In(1, 2);
        2,           End            => Done, Ends(1, Ended, 2);
        3,           NoUser         => Done;
        4,           Event          => In(2, 1), Begins(2);
        5,           EventInLast    => In(1, 2);
        6,           Look           => Shows(sessio::SessionState::Active, 2, 1);
        7,           Enabled(false) => Done, Ends(2, Disabled, 7);
        8,           EventInLast    => Off;
    };
    let told = line.stamps.last().unwrap();
    assert_eq!(told.user.as_ref().map(|user| user.id()), Some("A"));
    assert_eq!(told.session.as_ref().unwrap().unhandled_errors, 1);
    let sequences: Vec<_> = line.stamps.iter().map(|stamp| stamp.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

#[test]
fn whether_a_session_is_sampled_out_is_decided_once() {
    let none = Rules { sampling: Sampling::new(0.0).unwrap(), ..Rules::default() };
    let line = timeline! { none;
        0,           Event                      => In(1, 1), Begins(1);
        1,           Configure(Rules::default()) => Done;
        2,           Reopen                     => Done;
        3,           Event                      => In(1, 2);
        4,           Start                      => Started, Ends(1, Replaced, 4), Begins(2);
        5,           Event                      => In(2, 1);
    };
    let sampled_out: Vec<_> =
        line.stamps.iter().map(|stamp| stamp.session.as_ref().unwrap().sampled_out).collect();
    assert_eq!(sampled_out, [true, true, false]);
    assert!(line.ended[0].sampled_out);
}

#[test]
fn attributes_stay_with_the_session_over_a_restart() {
    let mut attributes = Attributes::default();
    attributes.set_text("plan", "pro").unwrap();
    let rules = Rules { attributes: Some(Arc::new(attributes.clone())), ..Rules::default() };
    let line = timeline! { rules;
        0,           Event                      => In(1, 1), Begins(1);
        1,           Configure(Rules::default()) => Done;
        2,           Reopen                     => Done;
        3,           End                        => Done, Ends(1, Ended, 3);
        4,           Act::Event                 => In(2, 1), Begins(2);
        5,           End                        => Done, Ends(2, Ended, 5);
    };
    assert_eq!(line.ended[0].attributes.as_deref(), Some(&attributes));
    assert_eq!(line.ended[1].attributes, None);
}
