//! What becomes of a session when the process or the device restarts: S9, S16, and S10 and S17 across a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod session;

use sessio::session::EndReason::*;
use sessio::session::{RestartPolicy, Rules, SessionState};
use session::ten_and_sixty;
use session::timeline::{Act, Act::*, Got::*, Timeline, Told::*, hours, min, timeline, wall};

fn start_new() -> Rules {
    Rules { restart_policy: RestartPolicy::StartNew, ..Rules::default() }
}

fn never() -> Rules {
    Rules { foreground_timeout: None, background_timeout: None, ..Rules::default() }
}

#[test]
fn s9_a_session_goes_on_after_a_restart_and_opening_in_foreground_is_activity() {
    let line = timeline! { Rules::default();
        0,            Reopen     => Done;
        0,            Look       => Shows(SessionState::None, 0, 0);
        0,            Event      => In(1, 1), Begins(1);
        min(1),       Close      => Done;
        min(30),      Reopen     => Done;
        min(30),      Look       => Shows(SessionState::Active, 1, 1);
        min(60),      Event      => In(1, 2);
        min(61),      Reopen     => Done; // after a kill
        min(62),      Event      => In(1, 3);
        min(92) + 1,  Reopen     => Done, Ends(1, Timeout, wall(min(62)));
        min(92) + 1,  Look       => Shows(SessionState::Ended, 1, 3);
        min(95),      Reopen     => Done;
        min(95),      Look       => Shows(SessionState::Ended, 1, 3);
        min(95),      Event      => In(2, 1), Begins(2);
        min(95),      Previous   => Link(Some(1));
    };
    let ids: Vec<_> = line.stamps.iter().map(|stamp| &stamp.session.as_ref().unwrap().id).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
}

/// The gap is told by `elapsed` within one boot and by the wall clock otherwise, so a step tells which was used.
#[test]
fn s9_the_gap_is_measured_by_elapsed_in_one_boot_and_by_wall_across() {
    const SAME: Option<Option<u64>> = None;
    const OTHER: Option<Option<u64>> = Some(Some(2));
    const UNKNOWN: Option<Option<u64>> = Some(None);
    let day = wall(hours(24));
    for (boot, at, step, goes_on) in [
        (SAME, min(30), 0, true),
        (SAME, min(30), day, true),
        (SAME, min(30), -day, true),
        (SAME, min(30) + 1, 0, false),
        (SAME, min(30) + 1, -day, false),
        (OTHER, min(30), 0, true),
        (OTHER, min(30) + 1, 0, false),
        (OTHER, min(30), 1, false),
        (OTHER, min(40), -wall(min(10)), true),
        (OTHER, min(40), -wall(min(10)) + 1, false),
        (OTHER, min(20), -wall(min(20)), true),
        (OTHER, min(20), -wall(min(20)) - 1, false),
        (OTHER, min(20), -day, false),
        (UNKNOWN, min(30), 0, true),
        (UNKNOWN, min(30) + 1, 0, false),
        (UNKNOWN, min(40), -wall(min(10)), true),
        (UNKNOWN, min(20), -wall(min(20)) - 1, false),
    ] {
        let mut line = Timeline::new(Rules::default());
        line.act(0, Event);
        if let Some(boot) = boot {
            line.act(1, Boot(boot));
        }
        line.act(at, StepWall(step));
        line.act(at, Reopen);
        let case = format!("boot {boot:?}, after {at} ms, step {step}");
        assert_eq!(
            line.ended.first().map(|old| old.end_reason),
            (!goes_on).then_some(Some(Timeout)),
            "{case}"
        );
        assert_eq!(line.act(at, Event).0, if goes_on { In(1, 2) } else { In(2, 1) }, "{case}");
        assert!(line.ended.iter().all(|old| old.ended_at == Some(line.stamps[0].time)), "{case}");
    }
}

#[test]
fn s9_two_unknown_boots_are_not_the_same() {
    timeline! { Rules::default();
        0,       Boot(None)             => Done;
        0,       Reopen                 => Done;
        0,       Event                  => In(1, 1), Begins(1);
        min(1),  StepWall(wall(min(30)))=> Done;
        min(1),  Reopen                 => Done, Ends(1, Timeout, 0);
        min(1),  Event                  => In(2, 1), Begins(2);
        min(30), StepWall(-wall(min(29))) => Done;
        min(31), Reopen                 => Done;
        min(61), Event                  => In(2, 2);
    };
}

#[test]
fn s9_a_session_moved_to_another_boot_is_timed_on_from_there() {
    timeline! { Rules { max_session: Some(min(70)), ..Rules::default() };
        0,           Event              => In(1, 1), Begins(1);
        min(10),     Boot(Some(2))      => Done;
        min(20),     ReopenInBackground => Done;
        min(20),     Wait               => For(Some(min(10) + 1));
        min(30),     Tick               => Done;
        min(30),     Event              => In(1, 2);
        min(40),     Boot(Some(3))      => Done;
        min(50),     Reopen             => Done;
        min(70),     Event              => In(1, 3);
        min(70) + 1, Event              => In(2, 1), Ends(1, MaxDuration, wall(min(70))), Begins(2);
        min(80),     Boot(Some(4))      => Done;
        min(85),     ReopenInBackground => Done;
        min(100)+ 2, Tick               => Done, Ends(2, Timeout, wall(min(70)) + 1);
    };
}

#[test]
fn s9_what_never_expires_goes_on_even_if_the_wall_clock_ran_backwards() {
    timeline! { never();
        0,           Event                    => In(1, 1), Begins(1);
        min(1),      Tick                     => Done;
        min(2),      StepWall(-wall(hours(5)))=> Done;
        min(2),      Boot(Some(2))            => Done;
        min(3),      Reopen                   => Done;
        min(3),      Measure                  => Spent(min(1), 0, 0);
        min(4),      Event                    => In(1, 2);
        min(4),      Measure                  => Spent(min(2), 0, 0);
        hours(9999), Reopen                   => Done;
        hours(9999), Event                    => In(1, 3);
    };
}

#[test]
fn s9_the_stored_flag_and_the_new_timeouts_judge() {
    let swapped =
        || Rules { foreground_timeout: Some(min(60)), background_timeout: Some(min(10)), ..Rules::default() };
    for (background, rules, gap, goes_on) in [
        (false, ten_and_sixty(), min(10), true),
        (false, ten_and_sixty(), min(10) + 1, false),
        (true, ten_and_sixty(), min(60), true),
        (true, ten_and_sixty(), min(60) + 1, false),
        (false, swapped(), min(60), true),
        (false, swapped(), min(60) + 1, false),
        (true, swapped(), min(10), true),
        (true, swapped(), min(10) + 1, false),
    ] {
        for opening in [Reopen, ReopenInBackground] {
            let mut line = Timeline::new(ten_and_sixty());
            line.act(0, if background { Background } else { Foreground });
            line.act(0, Event);
            line.act(1, Configure(rules.clone()));
            line.act(gap, opening.clone());
            assert_eq!(line.ended.is_empty(), goes_on, "{background} {rules:?} {gap} {opening:?}");
        }
    }
}

#[test]
fn s9_opening_in_background_is_no_activity_and_sets_the_flag() {
    let line = timeline! { ten_and_sixty();
        0,           Event              => In(1, 1), Begins(1);
        min(9),      ReopenInBackground => Done;
        min(60),     Tick               => Done;
        min(60),     Wait               => For(Some(1));
        min(60) + 1, Event              => In(2, 1), Ends(1, Timeout, 0), Begins(2);
        min(61),     Reopen             => Done;
        min(71),     Event              => In(2, 2);
        min(81) + 1, Tick               => Done, Ends(2, Timeout, wall(min(71)));
    };
    assert_eq!(line.stamps.iter().map(|s| s.in_background).collect::<Vec<_>>(), [false, true, false]);
    timeline! { ten_and_sixty();
        0,       Event              => In(1, 1), Begins(1);
        min(9),  ReopenInBackground => Done;
        min(50), Foreground         => Done;
        min(60), Event              => In(1, 2);
    };
}

#[test]
fn s9_the_time_without_a_process_counts_as_background() {
    timeline! { Rules::default();
        0,       Event              => In(1, 1), Begins(1);
        min(2),  Tick               => Done;
        min(5),  Reopen             => Done;
        min(5),  Measure            => Spent(min(2), min(3), 0);
        min(6),  Event              => In(1, 2);
        min(6),  Measure            => Spent(min(3), min(3), 0);
        min(10), ReopenInBackground => Done;
        min(10), Measure            => Spent(min(3), min(7), 0);
        min(12), Foreground         => Done;
        min(13), Tick               => Done;
        min(13), Boot(Some(2))      => Done;
        min(18), Reopen             => Done;
        min(18), Measure            => Spent(min(4), min(14), 0);
        min(20), Pause              => Done;
        min(24), Tick               => Done;
        min(25), Reopen             => Done;
        min(25), Measure            => Spent(min(6), min(15), min(4));
        min(26), End                => Done, Ends(1, Ended, wall(min(26)));
        min(30), Measure            => Spent(min(7), min(15), min(4));
    };
}

#[test]
fn s9_idle_time_after_opening_in_background_belongs_to_none_if_it_expires() {
    timeline! { Rules::default();
        0,           Event              => In(1, 1), Begins(1);
        min(5),      Event              => In(1, 2);
        min(7),      Tick               => Done;
        min(20),     ReopenInBackground => Done;
        min(20),     Measure            => Spent(min(7), min(13), 0);
        min(35) + 1, Tick               => Done, Ends(1, Timeout, wall(min(5)));
        min(36),     Measure            => Spent(min(5), 0, 0);
    };
    timeline! { start_new();
        0,       Event              => In(1, 1), Begins(1);
        min(4),  Configure(Rules::default()) => Done;
        min(10), ReopenInBackground => Done;
        min(12), Tick               => Done;
        min(12), Configure(start_new()) => Done;
        min(20), Reopen             => Done, Ends(1, Killed, wall(min(12)));
        min(20), Measure            => Spent(0, min(12), 0);
    };
}

#[test]
fn s9_start_new_ends_the_session_and_says_how_the_process_went() {
    timeline! { start_new();
        0,       Event  => In(1, 1), Begins(1);
        min(1),  Tick   => Done;
        min(2),  Reopen => Done, Ends(1, Killed, wall(min(1)));
        min(2),  Measure=> Spent(min(1), 0, 0);
        min(3),  Event  => In(2, 1), Begins(2);
        min(3),  Previous => Link(Some(1));
        min(4),  Close  => Done, Ends(2, Shutdown, wall(min(4)));
        min(5),  Reopen => Done;
        min(6),  Event  => In(3, 1), Begins(3);
        min(7),  Boot(Some(2)) => Done;
        min(8),  Reopen => Done, Ends(3, Killed, wall(min(6)));
    };
    // Closed under the other policy: nothing was killed, and the session was meant to go on.
    timeline! { Rules::default();
        0,      Event                  => In(1, 1), Begins(1);
        min(1), Close                  => Done;
        min(2), Configure(start_new()) => Done;
        min(2), Reopen                 => Done, Ends(1, Restart, wall(min(1)));
        min(3), Event                  => In(2, 1), Begins(2);
        min(4), Reopen                 => Done, Ends(2, Killed, wall(min(3)));
    };
}

#[test]
fn s9_crashed_comes_before_timeout_before_restart_and_killed() {
    let after = |policy: fn() -> Rules, closed: bool, acts: &[(u64, Act)]| {
        let mut line = Timeline::new(Rules::default());
        line.act(0, Event);
        line.act(min(1), if closed { Close } else { Tick });
        line.act(min(1), Configure(policy()));
        for (at, act) in acts {
            line.act(*at, act.clone());
        }
        line.ended.first().map(|old| (old.end_reason.unwrap(), old.durations().total()))
    };
    let soon = (min(30), Reopen);
    let late = (min(30) + 1, Reopen);
    let crash = (min(2), Crash);
    for (policy, closed, acts, expected) in [
        (Rules::default as fn() -> Rules, false, vec![soon.clone()], None),
        (Rules::default, true, vec![soon.clone()], None),
        (Rules::default, false, vec![late.clone()], Some((Timeout, 0))),
        (Rules::default, false, vec![crash.clone(), soon.clone()], Some((Crashed, min(1)))),
        (Rules::default, false, vec![crash.clone(), late.clone()], Some((Crashed, min(1)))),
        (start_new, false, vec![soon.clone()], Some((Killed, min(1)))),
        (start_new, true, vec![soon.clone()], Some((Restart, min(1)))),
        (start_new, false, vec![late.clone()], Some((Timeout, 0))),
        (start_new, true, vec![late.clone()], Some((Timeout, 0))),
        (start_new, false, vec![crash.clone(), soon], Some((Crashed, min(1)))),
        (start_new, true, vec![crash, late], Some((Crashed, min(1)))),
    ] {
        assert_eq!(after(policy, closed, &acts), expected, "closed: {closed}, {acts:?}");
    }
}

#[test]
fn s9_a_pause_does_not_survive_the_process() {
    timeline! { Rules::default();
        0,       Event  => In(1, 1), Begins(1);
        min(1),  Pause  => Done;
        min(2),  Close  => Done;
        min(3),  Reopen => Done;
        min(3),  Look   => Shows(SessionState::Active, 1, 1);
        min(4),  Event  => In(1, 2);
        min(5),  End    => Done, Ends(1, Ended, wall(min(5)));
        min(5),  Pause  => Done;
        min(6),  Event  => Outside;
        min(7),  Reopen => Done;
        min(8),  Event  => In(2, 1), Begins(2);
        min(9),  Pause  => Done;
        min(38)+1, Reopen => Done, Ends(2, Timeout, wall(min(8)));
    };
}

#[test]
fn s9_closing_settles_and_leaves_an_open_session_to_go_on() {
    timeline! { Rules::default();
        0,           Event  => In(1, 1), Begins(1);
        min(30),     Close  => Done;
        min(30),     Look   => Shows(SessionState::Active, 1, 1);
        min(30),     Reopen => Done;
        min(60) + 1, Close  => Done, Ends(1, Timeout, wall(min(30)));
        min(61),     Reopen => Done;
        min(61),     Look   => Shows(SessionState::Ended, 1, 1);
    };
    timeline! { start_new();
        0,           Event  => In(1, 1), Begins(1);
        min(10),     Pause  => Done;
        hours(2),    Close  => Done, Ends(1, Shutdown, wall(hours(2)));
        hours(2),    Measure=> Spent(min(10), 0, min(110));
    };
}

#[test]
fn s10_identity_lives_with_the_session() {
    timeline! { Rules::default();
        0,           User("A") => Done;
        0,           Whose     => Of(1, 1, "A"), Begins(1);
        min(1),      Reopen    => Done;
        min(1),      Whose     => Of(1, 2, "A");
        min(2),      User("A") => Done;
        min(2),      User("B") => Done, Ends(1, UserChanged, wall(min(2)));
        min(2),      Whose     => Of(2, 1, "B"), Begins(2);
        min(32) + 1, Reopen    => Done, Ends(2, Timeout, wall(min(2)));
        min(33),     Whose     => Of(3, 1, ""), Begins(3);
        min(34),     User("A") => Done;
        min(34),     Whose     => Of(3, 2, "A");
        min(35),     End       => Done, Ends(3, Ended, wall(min(35)));
        min(36),     Reopen    => Done;
        min(37),     Whose     => Of(4, 1, ""), Begins(4);
    };
}

#[test]
fn s10_a_user_to_remember_is_there_after_a_restart() {
    timeline! { Rules { remember_user: true, ..start_new() };
        0,      User("A") => Done;
        0,      Event     => In(1, 1), Begins(1);
        1,      Reopen    => Done, Ends(1, Killed, 0);
        2,      Whose     => Of(2, 1, "A"), Begins(2);
        3,      User("B") => Done, Ends(2, UserChanged, 3);
        4,      Reopen    => Done;
        4,      Whose     => Of(3, 1, "B"), Begins(3);
        5,      NoUser    => Done, Ends(3, UserChanged, 5);
        6,      Reopen    => Done;
        6,      Whose     => Of(4, 1, ""), Begins(4);
    };
}

#[test]
fn s16_a_crash_ends_the_session_with_its_counts() {
    let line = timeline! { Rules::default();
        0,        Unhandled => In(1, 1), Begins(1);
        min(1),   Handled   => In(1, 2);
        min(2),   Tick      => Done;
        min(3),   Crash     => Done;
        min(4),   Reopen    => Done, Ends(1, Crashed, wall(min(2)));
        min(4),   Measure   => Spent(min(2), 0, 0);
        min(5),   Event     => In(2, 1), Begins(2);
        min(5),   Previous  => Link(Some(1));
        min(6),   Pause     => Done;
        min(9),   Tick      => Done;
        min(9),   Crash     => Done;
        min(9),   Reopen    => Done, Ends(2, Crashed, wall(min(9)));
        min(9),   Measure   => Spent(min(1), 0, min(3));
        min(9),   Event     => In(3, 1), Begins(3);
        min(10),  Reopen    => Done; // the mark is used up
        min(10),  Event     => In(3, 2);
    };
    let counts = |n: usize| (line.ended[n].handled_errors, line.ended[n].unhandled_errors);
    assert_eq!((counts(0), counts(1)), ((1, 2), (0, 1)));
}

#[test]
fn s16_a_mark_hits_the_session_that_was_open_and_no_other() {
    timeline! { Rules::default();
        0, Event  => In(1, 1), Begins(1);
        1, Crash  => Done;
        2, Start  => Started, Ends(1, Replaced, 2), Begins(2);
        3, Reopen => Done;
        3, Event  => In(2, 1);
        4, Crash  => Done;
        5, End    => Done, Ends(2, Ended, 5);
        6, Reopen => Done;
        6, Look   => Shows(SessionState::Ended, 2, 1);
    };
}

#[test]
fn s17_by_hand_nothing_expires_at_opening_but_a_crash_and_the_policy_end_it() {
    let by_hand = |policy| Rules { auto_track: false, restart_policy: policy, ..Rules::default() };
    timeline! { by_hand(RestartPolicy::Resume);
        0,         Start                     => Started, Begins(1);
        hours(99), Reopen                    => Done;
        hours(99), StepWall(-wall(hours(100)))=> Done;
        hours(99), Boot(Some(2))             => Done;
        hours(99), Reopen                    => Done;
        hours(99), Event                     => In(1, 1);
        hours(99), Crash                     => Done;
        hours(99), Reopen                    => Done, Ends(1, Crashed, -wall(hours(1)));
        hours(99), Event                     => Outside;
        hours(99), Start                     => Started, Begins(2);
        hours(99), Configure(by_hand(RestartPolicy::StartNew)) => Done;
        hours(99), Reopen                    => Done, Ends(2, Killed, -wall(hours(1)));
        hours(99), Event                     => Outside;
    };
}
