//! How sessions end, how long they were and what they count: S8, S12, S14, S17, S20 and S22.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod session;

use sessio::event::Stamp;
use sessio::session::EndReason::*;
use sessio::session::{RestartPolicy, Rules, SessionState};
use session::timeline::{Act::*, Got::*, Timeline, Told::*, hours, min, timeline, wall};
use session::{at_most, ten_and_sixty};

fn by_hand() -> Rules {
    Rules { auto_track: false, max_session: Some(min(40)), ..Rules::default() }
}

#[test]
fn s8_each_end_has_its_reason_and_its_moment() {
    for (at, call, reason, ended_at) in [
        (min(30), Start, Replaced, min(30)),
        (min(30), StartAs("other"), Replaced, min(30)),
        (min(30), End, Ended, min(30)),
        (min(30), User("B"), UserChanged, min(30)),
        (min(30), NoUser, UserChanged, min(30)),
        (min(30), Anonymous(true), AnonymityChanged, min(30)),
        (min(30), Enabled(false), Disabled, min(30)),
        (min(30), Close, Shutdown, min(30)),
        (min(40) + 1, Tick, Timeout, min(10)),
        (min(40) + 1, End, Timeout, min(10)),
        (min(40), Event, MaxDuration, min(10)),
        (min(40), Background, MaxDuration, min(10)),
    ] {
        let mut line = Timeline::new(Rules {
            restart_policy: RestartPolicy::StartNew,
            max_session: (reason == MaxDuration).then_some(min(39)),
            ..Rules::default()
        });
        for (at, act) in [(0, User("A")), (0, Event), (min(10), Event)] {
            line.act(at, act);
        }
        line.act(at, call.clone());
        let record = line.ended.first().unwrap_or_else(|| panic!("{call:?} ends"));
        assert_eq!(record.end_reason, Some(reason), "{call:?}");
        assert_eq!(record.ended_at.unwrap() - record.started_at.wall, wall(ended_at), "{call:?}");
        assert_eq!(record.durations().total(), ended_at, "{call:?}");
    }
}

#[test]
fn s8_the_durations_add_up_and_idle_time_after_the_end_belongs_to_none() {
    timeline! { ten_and_sixty();
        0,           Event      => In(1, 1), Begins(1);
        min(3),      Background => Done;
        min(7),      Event      => In(1, 2);
        min(7),      Measure    => Spent(min(3), min(4), 0);
        min(8),      Pause      => Done;
        min(10),     Foreground => Done;
        min(20),     Resume     => Resumed;
        min(20),     Measure    => Spent(min(3), min(5), min(12));
        min(24),     Event      => In(1, 3);
        min(29),     Tick       => Done;
        min(34) + 1, Tick       => Done, Ends(1, Timeout, wall(min(24)));
        min(34) + 1, Measure    => Spent(min(7), min(5), min(12));
        min(40),     Event      => In(2, 1), Begins(2);
        min(40),     StepWall(wall(hours(1))) => Done;
        min(42),     Pause      => Done;
        min(47),     End        => Done, Ends(2, Ended, wall(min(47) + hours(1)));
        min(50),     Measure    => Spent(min(2), 0, min(5));
    };
}

#[test]
fn s12_the_maximum_length_is_judged_by_the_next_event_or_lifecycle_call() {
    let ages = hours(24 * 365 * 10_000);
    for (max, age, goes_on) in [
        (Some(min(40)), min(40), true),
        (Some(min(40)), min(40) + 1, false),
        (Some(0), 0, true),
        (Some(0), 1, false),
        (Some(u64::MAX), ages, true),
        (None, ages, true),
    ] {
        for call in [Event, Background] {
            let mut line = Timeline::new(at_most(max));
            line.act(0, Start);
            line.act(age, call.clone());
            let reason = line.ended.first().and_then(|record| record.end_reason);
            assert_eq!(reason, (!goes_on).then_some(MaxDuration), "{call:?}, max {max:?}, age {age}");
            line.act(age, Event);
            assert_eq!(line.engine.session().index, if goes_on { 1 } else { 2 }, "max {max:?}, age {age}");
        }
    }
}

#[test]
fn s12_nothing_else_judges_the_length_and_the_end_is_the_last_activity() {
    timeline! { Rules { max_session: Some(min(40)), ..Rules::default() };
        0,           Event      => In(1, 1), Begins(1);
        min(20),     StepWall(wall(hours(5))) => Done;
        min(30),     Event      => In(1, 2);
        min(45),     Tick       => Done;
        min(45),     Resume     => AlreadyActive;
        min(45),     Foreground => Done;
        min(46),     Event      => In(2, 1), Ends(1, MaxDuration, wall(min(30) + hours(5))), Begins(2);
        min(47),     Pause      => Done;
        min(99),     Background => Done;
        min(99),     Resume     => Resumed;
        min(100),    Foreground => Done, Ends(2, MaxDuration, wall(min(99) + hours(5)));
        min(100),    Measure    => Spent(min(1), 0, min(52));
        min(101),    Event      => In(3, 1), Begins(3);
        min(130),    Event      => In(3, 2);
        min(145),    Start      => Started, Ends(3, Replaced, wall(min(145) + hours(5))), Begins(4);
    };
}

#[test]
fn s12_where_both_apply_it_is_the_timeout() {
    for call in [Event, Background] {
        let mut line = Timeline::new(Rules { max_session: Some(min(20)), ..Rules::default() });
        line.act(0, Event);
        line.act(min(30) + 1, call);
        assert_eq!(line.ended[0].end_reason, Some(Timeout));
    }
}

#[test]
fn s14_errors_are_counted_in_their_session_and_copied_into_the_stamp() {
    let line = timeline! { Rules::default();
        0, Handled   => In(1, 1), Begins(1);
        1, Unhandled => In(1, 2);
        2, Event     => In(1, 3);
        3, Handled   => In(1, 4);
        4, Pause     => Done;
        5, Unhandled => Outside;
        6, Resume    => Resumed;
        7, Event     => In(1, 5);
        8, Start     => Started, Ends(1, Replaced, 8), Begins(2);
        9, Unhandled => In(2, 1);
    };
    let errors =
        |stamp: &Stamp| stamp.session.as_ref().map(|place| (place.handled_errors, place.unhandled_errors));
    let expected = [Some((1, 0)), Some((1, 1)), Some((1, 1)), Some((2, 1)), None, Some((2, 1)), Some((0, 1))];
    assert_eq!(line.stamps.iter().map(errors).collect::<Vec<_>>(), expected);
    assert_eq!((line.ended[0].handled_errors, line.ended[0].unhandled_errors), (2, 1));
}

#[test]
fn s17_by_hand_sessions_begin_and_end_only_when_the_host_says_so() {
    timeline! { by_hand();
        0,         Event      => Outside;
        1,         Unhandled  => Outside;
        2,         Background => Done;
        3,         Look       => Shows(SessionState::None, 0, 0);
        4,         Resume     => Started, Begins(1);
        4,         Wait       => For(None);
        hours(9),  Event      => In(1, 1);
        hours(18), Foreground => Done;
        hours(27), Tick       => Done;
        hours(27), Resume     => AlreadyActive;
        hours(27), StartAs("own") => Started, Ends(1, Replaced, wall(hours(27))), Begins(2);
        hours(50), StartAs("own") => Done;
        hours(60), End        => Done, Ends(2, Ended, wall(hours(60)));
        hours(60), Event      => Outside;
        hours(61), Start      => Started, Begins(3);
        hours(70), Close      => Done;
        hours(80), Reopen     => Done;
        hours(80), Event      => In(3, 1);
        hours(90), Pause      => Done;
        hours(91), Event      => Outside;
        hours(92), Resume     => Resumed;
        hours(99), Event      => In(3, 2);
    };
}

#[test]
fn s20_trackers_of_two_namespaces_share_the_user_id_and_nothing_else() {
    let (mut one, mut two) = (Timeline::new(Rules::default()), Timeline::new(Rules::default()));
    one.act(0, User("A"));
    one.act(0, Event);
    one.act(1, Pause);
    assert_eq!(two.act(2, Whose).0, Of(1, 1, ""));
    assert_eq!(one.act(3, Event).0, Outside);
    assert_eq!(one.stamps[0].user_id, two.stamps[0].user_id);
    assert_eq!(two.stamps[0].sequence, 1);
}

#[test]
fn s22_sequence_counts_what_was_accepted_across_sessions_and_restarts() {
    let line = timeline! { Rules::default();
        0,        Event          => In(1, 1), Begins(1);
        1,        Start          => Started, Ends(1, Replaced, 1), Begins(2);
        2,        Event          => In(2, 1);
        3,        Pause          => Done;
        4,        Event          => Outside;
        5,        Enabled(false) => Done, Ends(2, Disabled, 5);
        6,        Event          => Off;
        7,        Enabled(true)  => Done;
        8,        Event          => Outside;
        9,        Reopen         => Done;
        10,       Handled        => In(3, 1), Begins(3);
        11,       Crash          => Done;
        12,       Boot(Some(2))  => Done;
        12,       Reopen         => Done, Ends(3, Crashed, 10);
        hours(1), Event          => In(4, 1), Begins(4);
    };
    assert_eq!(line.stamps.iter().map(|stamp| stamp.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}
