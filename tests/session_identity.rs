//! Whose a session is, and whether there may be one: S10, S18 and S19.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod session;

use sessio::ids::UserId;
use sessio::session::EndReason::*;
use sessio::session::{Engine, Opening, Rules, SessionState};
use session::timeline::{
    Act::*, Got::*, INSTALLATION, NEW_INSTALLATION, Told::*, hours, min, rows, timeline, wall,
};

#[test]
fn s10_another_user_or_none_ends_the_session_and_a_first_one_does_not() {
    let line = timeline! { Rules::default();
        0,  Whose             => Of(1, 1, ""), Begins(1);
        1,  NoUser            => Done;
        2,  User("A")         => Done;
        2,  Whose             => Of(1, 2, "A");
        3,  User("A")         => Done;
        4,  Named("A", "Ann") => Done;
        5,  Whose             => Of(1, 3, "A");
        6,  User("B")         => Done, Ends(1, UserChanged, 6);
        6,  Look              => Shows(SessionState::Ended, 1, 3);
        7,  Whose             => Of(2, 1, "B"), Begins(2);
        8,  NoUser            => Done, Ends(2, UserChanged, 8);
        9,  Whose             => Of(3, 1, ""), Begins(3);
        10, User("B")         => Done;
        11, Whose             => Of(3, 2, "B");
    };
    let user = |n: usize| line.ended[n].user.as_ref().unwrap();
    assert_eq!((user(0).id(), user(0).name(), user(1).id()), ("A", Some("Ann"), "B"));
    assert_eq!(line.stamps[1].user.as_ref().unwrap().name(), None);
    assert_eq!(line.stamps[2].user.as_ref().unwrap().name(), Some("Ann"));
}

#[test]
fn s10_a_user_is_no_activity_and_needs_no_session() {
    timeline! { Rules::default();
        0,           User("A") => Done;
        1,           User("B") => Done;
        2,           Look      => Shows(SessionState::None, 0, 0);
        3,           Whose     => Of(1, 1, "B"), Begins(1);
        min(29),     User("B") => Done;
        min(30) + 4, Whose     => Of(2, 1, "B"), Ends(1, Timeout, 3), Begins(2);
        min(60) + 4, User("A") => Done, Ends(2, UserChanged, wall(min(60)) + 4);
        min(61),     Pause     => Done;
        min(61),     Resume    => Started, Begins(3);
        min(62),     Pause     => Done;
        min(63),     User("B") => Done, Ends(3, UserChanged, wall(min(63)));
        min(64),     Event     => Outside;
    };
}

#[test]
fn s10_the_end_by_another_user_can_be_switched_off() {
    timeline! { Rules { end_on_user_change: false, ..Rules::default() };
        0, User("A") => Done;
        0, Whose     => Of(1, 1, "A"), Begins(1);
        1, User("B") => Done;
        1, Whose     => Of(1, 2, "B");
        2, NoUser    => Done;
        2, Whose     => Of(1, 3, "");
    };
}

#[test]
fn s18_anonymous_stamps_name_nobody_and_the_two_sides_are_not_linked() {
    let line = timeline! { Rules::default();
        0,  User("A")        => Done;
        0,  Whose            => Of(1, 1, "A"), Begins(1);
        1,  Start            => Started, Ends(1, Replaced, 1), Begins(2);
        2,  Whose            => Of(2, 1, "A");
        2,  Previous         => Link(Some(1));
        3,  Anonymous(true)  => Done, Ends(2, AnonymityChanged, 3);
        4,  Whose            => Of(3, 1, ""), Begins(3);
        4,  Previous         => Link(None);
        5,  Anonymous(true)  => Done;
        6,  Whose            => Of(3, 2, "");
        7,  Start            => Started, Ends(3, Replaced, 7), Begins(4);
        7,  Whose            => Of(4, 1, "");
        7,  Previous         => Link(None);
        8,  Anonymous(false) => Done, Ends(4, AnonymityChanged, 8);
        9,  Whose            => Of(5, 1, "A"), Begins(5);
        9,  Previous         => Link(None);
        10, Start            => Started, Ends(5, Replaced, 10), Begins(6);
        10, Event            => In(6, 1);
        10, Previous         => Link(Some(5));
    };
    for stamp in &line.stamps {
        let anonymous = [3, 4].contains(&stamp.session.as_ref().unwrap().index);
        assert_eq!(stamp.user_id, if anonymous { UserId::NIL } else { UserId(INSTALLATION) });
    }
    for record in &line.ended[2..4] {
        assert_eq!((record.user_id(), &record.user, &record.previous_id), (UserId::NIL, &None, &None));
    }
}

#[test]
fn s18_to_and_fro_without_a_session_cuts_the_link_as_well() {
    timeline! { Rules::default();
        0, Event            => In(1, 1), Begins(1);
        1, Anonymous(true)  => Done, Ends(1, AnonymityChanged, 1);
        2, Anonymous(false) => Done;
        3, Event            => In(2, 1), Begins(2);
        3, Previous         => Link(None);
    };
}

#[test]
fn s18_anonymity_survives_restarts_and_so_does_the_cut() {
    let line = timeline! { Rules::default();
        0,         User("A")        => Done;
        0,         Event            => In(1, 1), Begins(1);
        1,         Anonymous(true)  => Done, Ends(1, AnonymityChanged, 1);
        2,         Reopen           => Done;
        3,         Whose            => Of(2, 1, ""), Begins(2);
        3,         Previous         => Link(None);
        4,         User("B")        => Done;
        5,         Reopen           => Done;
        5,         Whose            => Of(2, 2, "");
        hours(1),  Reopen           => Done, Ends(2, Timeout, 5);
        hours(1),  Whose            => Of(3, 1, ""), Begins(3);
        hours(1),  Previous         => Link(None);
        hours(1),  Anonymous(false) => Done, Ends(3, AnonymityChanged, wall(hours(1)));
        hours(1),  Reopen           => Done;
        hours(1),  Whose            => Of(4, 1, ""), Begins(4);
        hours(1),  Previous         => Link(None);
    };
    let nil: Vec<_> = line.stamps.iter().map(|stamp| stamp.user_id == UserId::NIL).collect();
    assert_eq!(nil, [false, true, true, true, false]);
}

/// A host's own store may bring back a session from before the change.
#[test]
fn s18_a_stored_session_does_not_betray_the_one_before() {
    let mut line = timeline! { Rules::default();
        0, Start    => Started, Begins(1);
        1, Start    => Started, Ends(1, Replaced, 1), Begins(2);
        2, Previous => Link(Some(1));
    };
    let mut memory = line.engine.memory().clone();
    memory.settings.anonymous = true;
    let opening = Opening { now: line.now(), boot_id: Some(1), in_background: false, crashed: None };
    line.engine = Engine::open(Rules::default(), memory, opening).0;
    let line = line.run(rows![
        3, Whose    => Of(2, 1, "");
        3, Previous => Link(None);
    ]);
    let stamp = &line.stamps[0];
    assert_eq!((stamp.user_id, &stamp.session.as_ref().unwrap().previous_id), (UserId::NIL, &None));
}

#[test]
fn s18_a_user_set_while_anonymous_is_known_when_that_is_over() {
    timeline! { Rules::default();
        0, Anonymous(true)  => Done;
        1, Whose            => Of(1, 1, ""), Begins(1);
        2, User("A")        => Done;
        3, Whose            => Of(1, 2, "");
        4, Reopen           => Done;
        5, Whose            => Of(1, 3, "");
        6, Anonymous(false) => Done, Ends(1, AnonymityChanged, 6);
        7, Whose            => Of(2, 1, "A"), Begins(2);
    };
}

#[test]
fn s19_off_nothing_is_tracked_started_or_resumed() {
    let line = timeline! { Rules::default();
        0,  Event           => In(1, 1), Begins(1);
        1,  Enabled(true)   => Done;
        2,  Enabled(false)  => Done, Ends(1, Disabled, 2);
        2,  Enabled(false)  => Done;
        3,  Event           => Off;
        3,  Unhandled       => Off;
        4,  Start           => Off;
        4,  StartAs("own")  => Off;
        4,  Resume          => Off;
        5,  Tick            => Done;
        5,  End             => Done;
        6,  Look            => Shows(SessionState::Ended, 1, 1);
        7,  Reopen          => Done;
        8,  Event           => Off;
        9,  Resume          => Off;
        10, Enabled(true)   => Done;
        10, Look            => Shows(SessionState::Ended, 1, 1);
        11, Event           => In(2, 1), Begins(2);
        11, Previous        => Link(Some(1));
    };
    assert_eq!(line.stamps.iter().map(|stamp| stamp.sequence).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn s19_what_is_said_while_off_is_taken_note_of() {
    let line = timeline! { Rules::default();
        0, Event           => In(1, 1), Begins(1);
        1, Enabled(false)  => Done, Ends(1, Disabled, 1);
        2, Background      => Done;
        3, User("A")       => Done;
        4, Enabled(true)   => Done;
        5, Whose           => Of(2, 1, "A"), Begins(2);
        6, Enabled(false)  => Done, Ends(2, Disabled, 6);
        7, Anonymous(true) => Done;
        8, Enabled(true)   => Done;
        9, Whose           => Of(3, 1, ""), Begins(3);
        9, Previous        => Link(None);
    };
    assert!(line.stamps[1].in_background && line.stamps[2].user_id == UserId::NIL);
}

#[test]
fn s19_a_pause_is_neither_lifted_nor_lost_while_off() {
    timeline! { Rules::default();
        0, Event          => In(1, 1), Begins(1);
        1, Pause          => Done;
        2, Enabled(false) => Done, Ends(1, Disabled, 2);
        3, Resume         => Off;
        4, Enabled(true)  => Done;
        5, Event          => Outside;
        6, Resume         => Started, Begins(2);
        7, Event          => In(2, 1);
    };
}

#[test]
fn s19_erasing_forgets_sessions_and_identities_and_goes_on_as_another_installation() {
    let line = timeline! { Rules::default();
        0, User("A")       => Done;
        0, Event           => In(1, 1), Begins(1);
        1, Start           => Started, Ends(1, Replaced, 1), Begins(2);
        2, Erase           => Done;
        2, Look            => Shows(SessionState::None, 0, 0);
        2, Previous        => Link(None);
        3, Whose           => Of(1, 1, ""), Begins(1);
        3, Previous        => Link(None);
        4, Pause           => Done;
        5, Erase           => Done;
        6, Event           => Outside; // only `resume` and `start_session` lift a pause (S7)
        7, Anonymous(true) => Done;
        8, Erase           => Done;
        9, Resume          => Started, Begins(1);
        9, Whose           => Of(1, 1, "");
    };
    let stamped: Vec<_> = line.stamps.iter().map(|stamp| (stamp.sequence, stamp.user_id.0)).collect();
    let anonymous = UserId::NIL.0;
    assert_eq!(stamped, [(1, INSTALLATION), (2, NEW_INSTALLATION), (3, NEW_INSTALLATION), (4, anonymous)]);
}
