//! When a session begins, goes on and ends while the process lives: S1 to S7 and S11.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod session;

use sessio::session::EndReason::*;
use sessio::session::{Fact, RestartPolicy, Rules, SessionState};
use session::timeline::{Act, Act::*, Got::*, INSTALLATION, Timeline, Told::*, hours, min, timeline, wall};
use session::{at_most, ten_and_sixty};

#[test]
fn s1_both_timeouts_are_half_an_hour_unless_set() {
    let rules = Rules::default();
    assert_eq!((rules.foreground_timeout, rules.background_timeout), (Some(1_800_000), Some(1_800_000)));
    assert_eq!(rules.max_session, None);
    assert_eq!(rules.restart_policy, RestartPolicy::Resume);
    assert!(rules.auto_track && rules.end_on_user_change && !rules.remember_user);
}

#[test]
fn s1_a_gap_expires_only_over_the_timeout_of_its_state() {
    let ages = hours(24 * 365 * 10_000);
    for (timeout, gap, goes_on) in [
        (Some(min(30)), min(30) - 1, true),
        (Some(min(30)), min(30), true),
        (Some(min(30)), min(30) + 1, false),
        (Some(1), 1, true),
        (Some(1), 2, false),
        (Some(0), 0, true),
        (Some(0), 1, false),
        (Some(u64::MAX), ages, true),
        (None, ages, true),
    ] {
        for background in [false, true] {
            // The timeout of the other state would say the contrary.
            let other = if goes_on { Some(0) } else { None };
            let (foreground_timeout, background_timeout) =
                if background { (other, timeout) } else { (timeout, other) };
            let rules = Rules { foreground_timeout, background_timeout, ..Rules::default() };
            let mut line = Timeline::new(rules);
            line.act(0, if background { Background } else { Foreground });
            line.act(0, Event);
            let (got, _) = line.act(gap, Event);
            let expected = if goes_on { In(1, 2) } else { In(2, 1) };
            assert_eq!(got, expected, "timeout {timeout:?}, gap {gap}, in background: {background}");
        }
    }
}

#[test]
fn s1_a_step_of_the_wall_clock_neither_ends_nor_renews() {
    timeline! { Rules::default();
        0,               Event                        => In(1, 1), Begins(1);
        1,               StepWall(wall(hours(9_000))) => Done;
        2,               Tick                         => Done;
        min(30),         Event                        => In(1, 2);
        min(30),         StepWall(-wall(hours(9_500)))=> Done;
        min(60),         Event                        => In(1, 3);
        min(90) + 1,     Event                        => In(2, 1),
            Ends(1, Timeout, wall(min(60)) - wall(hours(500))), Begins(2);
        min(90) + 1,     End                          => Done,
            Ends(2, Ended, wall(min(90)) + 1 - wall(hours(500)));
    };
}

#[test]
fn s2_an_event_begins_what_is_missing_and_is_counted() {
    let line = timeline! { Rules::default();
        0,           Look  => Shows(SessionState::None, 0, 0);
        5,           Event => In(1, 1), Begins(1);
        5,           Event => In(1, 2);
        6,           Event => In(1, 3);
        6,           Look  => Shows(SessionState::Active, 1, 3);
        min(30) + 6, Event => In(1, 4);
        min(60) + 7, Event => In(2, 1), Ends(1, Timeout, wall(min(30)) + 6), Begins(2);
        min(60) + 8, Event => In(2, 2);
    };
    let places: Vec<_> = line.stamps.iter().map(|stamp| (stamp, stamp.session.as_ref().unwrap())).collect();
    let (first, second) = (places[0], places[4]);
    for (stamp, place) in &places[..4] {
        assert_eq!((place.first_event_id, place.first_event_time), (first.0.event_id, first.0.time));
        assert_eq!((&place.id, &place.previous_id, place.started_at), (&first.1.id, &None, first.0.time));
        assert_eq!(stamp.user_id.0, INSTALLATION);
    }
    for (_, place) in &places[4..] {
        assert_eq!((place.first_event_id, place.first_event_time), (second.0.event_id, second.0.time));
        assert_eq!(place.previous_id.as_ref(), Some(&first.1.id));
        assert_ne!(place.id, first.1.id);
    }
}

#[test]
fn s3_a_change_is_activity_and_the_same_value_is_nothing() {
    timeline! { Rules::default();
        0,            Event      => In(1, 1), Begins(1);
        min(20),      Foreground => Done;
        min(30) + 1,  Event      => In(2, 1), Ends(1, Timeout, 0), Begins(2);
        min(50),      Background => Done;
        min(70),      Background => Done;
        min(80),      Foreground => Done;
        min(110),     Event      => In(2, 2);
        min(120),     Background => Done;
        min(130),     Background => Done;
        min(150) + 1, Event      => In(3, 1), Ends(2, Timeout, wall(min(120))), Begins(3);
    };
}

#[test]
fn s3_a_change_is_judged_by_the_state_that_is_left() {
    for (at, change, ends) in [
        (min(10), Background, None),
        (min(10) + 1, Background, Some(0)),
        (min(70), Foreground, None),
        (min(70) + 1, Foreground, Some(min(10))),
    ] {
        let mut line = Timeline::new(ten_and_sixty());
        line.act(0, Event);
        if matches!(change, Foreground) {
            line.act(min(10), Background);
        }
        line.act(at, change.clone());
        let ended = line.ended.first().map(|record| record.last_activity.elapsed as u64 - 500_000);
        assert_eq!(ended, ends, "{change:?} at {at}");
        let (got, _) = line.act(at, Event);
        assert_eq!(got, if ends.is_some() { In(2, 1) } else { In(1, 2) }, "{change:?} at {at}");
    }
}

#[test]
fn s3_the_flag_changes_whatever_becomes_of_the_session_and_no_event_is_stored() {
    let line = timeline! { ten_and_sixty();
        0,            Background => Done;
        0,            Look       => Shows(SessionState::None, 0, 0);
        1,            Event      => In(1, 1), Begins(1);
        min(60) + 2,  Foreground => Done, Ends(1, Timeout, 1);
        min(60) + 2,  Look       => Shows(SessionState::Ended, 1, 1);
        min(60) + 2,  Event      => In(2, 1), Begins(2);
        min(60) + 3,  Background => Done;
        min(120) + 3, Event      => In(2, 2);
    };
    assert_eq!(line.stamps.iter().map(|s| s.in_background).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(line.stamps.last().unwrap().sequence, 3);
    assert!(line.engine.memory().settings.background);
}

#[test]
fn s4_the_timer_ends_what_is_expired_and_begins_nothing() {
    timeline! { Rules::default();
        0,           Wait  => For(None);
        0,           Event => In(1, 1), Begins(1);
        0,           Wait  => For(Some(min(30) + 1));
        min(30),     Wait  => For(Some(1));
        min(30),     Tick  => Done;
        min(30) + 1, Wait  => For(Some(0));
        min(30) + 1, Tick  => Done, Ends(1, Timeout, 0);
        min(30) + 1, Wait  => For(None);
        min(30) + 2, Look  => Shows(SessionState::Ended, 1, 1);
        hours(9),    Tick  => Done;
        hours(9),    Event => In(2, 1), Begins(2);
    };
}

#[test]
fn s4_the_timer_is_not_activity_and_waits_for_what_can_expire_only() {
    timeline! { ten_and_sixty();
        0,           Event      => In(1, 1), Begins(1);
        min(8),      Tick       => Done;
        min(8),      Background => Done;
        min(9),      Wait       => For(Some(min(59) + 1));
        min(67),     Pause      => Done;
        min(67),     Wait       => For(None);
        hours(50),   Tick       => Done;
        hours(50),   Resume     => Resumed;
        hours(50),   Wait       => For(Some(min(60) + 1));
        hours(51)+1, Tick       => Done, Ends(1, Timeout, wall(hours(50)));
    };
    timeline! { at_most(Some(min(1)));
        0,      Event => In(1, 1), Begins(1);
        min(9), Wait  => For(None);
    };
}

/// Whatever notices the expiry, the record of the end is the same to the last field, and comes first.
#[test]
fn s4_an_expiry_nobody_noticed_is_settled_by_every_call_with_the_same_facts() {
    let before = || {
        let mut line = Timeline::new(Rules { restart_policy: RestartPolicy::StartNew, ..Rules::default() });
        line.act(0, User("A"));
        line.act(1, StartAs("first"));
        line.act(min(5), Handled);
        line
    };
    let (_, by_timer) = before().act(min(35) + 1, Tick);
    let [Fact::Ended(record)] = by_timer.as_slice() else { panic!("{by_timer:?}") };
    assert_eq!((record.end_reason, record.durations().total()), (Some(Timeout), min(5) - 1));

    let calls: [(Act, bool); 14] = [
        (Event, true),
        (Background, false),
        (Start, true),
        (StartAs("second"), true),
        // The very id of the expired session, which is the open one no more.
        (StartAs("first"), true),
        (Pause, false),
        (Resume, true),
        (End, false),
        (User("B"), false),
        (NoUser, false),
        (Anonymous(true), false),
        (Enabled(false), false),
        (Close, false),
        (Reopen, false),
    ];
    for (call, begins) in calls {
        let (_, facts) = before().act(min(35) + 1, call.clone());
        assert_eq!(facts.first(), by_timer.first(), "{call:?}");
        let began = facts.get(1).is_some_and(|fact| matches!(fact, Fact::Began(new) if new.index == 2));
        assert_eq!((began, facts.len()), (begins, 1 + usize::from(begins)), "{call:?}");
        // A gap equal to the timeout is none of these.
        let (_, facts) = before().act(min(35), call.clone());
        let timeout = |fact: &Fact| matches!(fact, Fact::Ended(old) if old.end_reason == Some(Timeout));
        assert!(!facts.iter().any(timeout), "{call:?}");
    }
}

#[test]
fn s5_start_replaces_begins_now_and_lifts_a_pause() {
    let line = timeline! { Rules::default();
        0,      Start => Started, Begins(1);
        0,      Look  => Shows(SessionState::Active, 1, 0);
        min(1), Start => Started, Ends(1, Replaced, wall(min(1))), Begins(2);
        min(2), Event => In(2, 1);
        min(3), Pause => Done;
        min(4), Start => Started, Ends(2, Replaced, wall(min(4))), Begins(3);
        min(4), Look  => Shows(SessionState::Active, 3, 0);
        min(5), Event => In(3, 1);
        min(6), End   => Done, Ends(3, Ended, wall(min(6)));
        min(7), Pause => Done;
        min(8), Start => Started, Begins(4);
        min(9), Event => In(4, 1);
    };
    let first = &line.ended[0];
    assert_eq!((first.event_index, first.first_event), (0, None));
    let place = line.stamps.last().unwrap().session.as_ref().unwrap();
    assert_eq!(place.first_event_id, line.stamps.last().unwrap().event_id);
    assert_eq!(place.first_event_time - place.started_at, wall(min(1)));
}

#[test]
fn s5_a_started_session_expires_from_its_start() {
    timeline! { Rules::default();
        0,           Start => Started, Begins(1);
        min(30),     Tick  => Done;
        min(30) + 1, Tick  => Done, Ends(1, Timeout, 0);
    };
}

#[test]
fn s6_while_paused_events_stand_outside_and_nothing_expires() {
    timeline! { ten_and_sixty();
        0,           Event      => In(1, 1), Begins(1);
        min(1),      Pause      => Done;
        min(2),      Pause      => Done;
        min(3),      Look       => Shows(SessionState::Paused, 1, 1);
        min(9),      Event      => Outside;
        hours(5),    Event      => Outside;
        hours(5),    Background => Done;
        hours(9),    Foreground => Done;
        hours(9),    Background => Done;
        hours(10),   Tick       => Done;
        hours(10),   Resume     => Resumed;
        hours(10),   Look       => Shows(SessionState::Active, 1, 1);
        hours(11),   Event      => In(1, 2);
        hours(11),   Resume     => AlreadyActive;
        hours(12)+1, Event      => In(2, 1), Ends(1, Timeout, wall(hours(11))), Begins(2);
    };
}

#[test]
fn s6_resume_is_activity_if_it_lifts_a_pause_and_pause_is_none() {
    timeline! { Rules::default();
        0,           Event  => In(1, 1), Begins(1);
        min(20),     Resume => AlreadyActive;
        min(30) + 1, Resume => Started, Ends(1, Timeout, 0), Begins(2);
        min(40),     Pause  => Done;
        min(50),     Resume => Resumed;
        min(80),     Event  => In(2, 1);
        min(111),    Pause  => Done, Ends(2, Timeout, wall(min(80)));
        min(111),    Look   => Shows(SessionState::Ended, 2, 1);
        min(112),    Event  => Outside;
        min(113),    Resume => Started, Begins(3);
        min(113),    Look   => Shows(SessionState::Active, 3, 0);
    };
}

#[test]
fn s6_a_pause_holds_where_no_session_is_open() {
    timeline! { Rules::default();
        0, Pause  => Done;
        0, Look   => Shows(SessionState::None, 0, 0);
        1, Event  => Outside;
        2, Tick   => Done;
        3, Resume => Started, Begins(1);
        4, Event  => In(1, 1);
        5, End    => Done, Ends(1, Ended, 5);
        6, Resume => Started, Begins(2);
    };
}

/// That a change while paused was no activity shows when the pause is gone with its process.
#[test]
fn s6_a_lifecycle_call_while_paused_sets_the_flag_and_is_no_activity() {
    let line = timeline! { Rules::default();
        0,           Event      => In(1, 1), Begins(1);
        min(1),      Pause      => Done;
        min(20),     Background => Done;
        min(20),     Event      => Outside;
        min(30) + 1, Reopen     => Done, Ends(1, Timeout, 0);
    };
    assert!(line.stamps[1].in_background && line.ended[0].background);
}

#[test]
fn s7_end_ends_and_a_pause_stays() {
    timeline! { Rules::default();
        0, End    => Done;
        1, Event  => In(1, 1), Begins(1);
        2, End    => Done, Ends(1, Ended, 2);
        3, Look   => Shows(SessionState::Ended, 1, 1);
        3, End    => Done;
        3, Look   => Shows(SessionState::Ended, 1, 1);
        4, Event  => In(2, 1), Begins(2);
        5, Pause  => Done;
        6, End    => Done, Ends(2, Ended, 6);
        7, Look   => Shows(SessionState::Ended, 2, 1);
        7, Event  => Outside;
        8, Resume => Started, Begins(3);
        9, Event  => In(3, 1);
    };
}

#[test]
fn s11_an_own_id_begins_a_session_and_the_open_one_is_left_alone() {
    let line = timeline! { Rules::default();
        0,           StartAs("own") => Started, Begins(1);
        1,           Event          => In(1, 1);
        min(20),     StartAs("own") => Done;
        min(20),     Look           => Shows(SessionState::Active, 1, 1);
        min(30) + 2, StartAs("own") => Started, Ends(1, Timeout, 1), Begins(2);
        min(31),     Event          => In(2, 1);
        min(32),     Pause          => Done;
        min(33),     StartAs("own") => Done;
        min(33),     Look           => Shows(SessionState::Paused, 2, 1);
        min(33),     Event          => Outside;
        hours(99),   StartAs("own") => Done;
        hours(99),   StartAs("new") => Started, Ends(2, Replaced, wall(hours(99))), Begins(3);
        hours(99),   Previous       => Link(Some(1)); // "own", which two sessions were called
        hours(99),   Event          => In(3, 1);
    };
    assert_eq!(line.engine.session().id.unwrap().to_string(), "new");
    assert_eq!(line.ended[0].id.to_string(), "own");
}
