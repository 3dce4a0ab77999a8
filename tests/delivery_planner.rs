//! What is sent when: stories of a destination, one step a line.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/story.rs"]
mod story;

use sessio::clock::Now;
use sessio::delivery::{Attempt, Next, Planner, Progress, Settled};
use sessio::protocol::Verdict;
use story::*;

#[test]
fn one_request_at_a_time_until_nothing_is_owed() {
    tell(
        "a good day",
        [
            Owed(0, Idle),
            Owed(20, Sends(8)),
            At(10, Idle),
            Owed(21, Idle),
            Ends(done(), 8, delivered(), Sends(8)),
            // The protocol took fewer than it was offered.
            Ends(done(), 3, delivered(), Sends(8)),
            Ends(done(), 8, delivered(), Sends(8)),
            Ends(done(), 2, delivered(), Idle),
            Owed(1, Sends(8)),
        ],
    );
    let mut planner = Planner::new(LIMITS, Progress::default(), Now::default());
    planner.set_owed(8);
    let partly = Attempt::Judged(Verdict::Done { rejected: 3 });
    assert_eq!(planner.report(partly, 8, Now::default(), 0), Settled::Delivered { rejected: 3 });
}

#[test]
fn failures_wait_twice_as_long_each_and_a_success_forgets_them() {
    tell(
        "a receiver that is down",
        [
            Owed(20, Sends(8)),
            Ends(offline(), 8, kept(), Waits(1_000)),
            At(999, Waits(1_000)),
            At(1_000, Sends(8)),
            Ends(retry(), 8, kept(), Waits(3_000)),
            At(3_000, Sends(8)),
            Ends(retry(), 8, kept(), Waits(7_000)),
            // New items do not shorten the wait, and neither does a flush.
            Owed(30, Waits(7_000)),
            Wake(Waits(7_000)),
            At(6_999, Waits(7_000)),
            At(7_001, Sends(8)),
            Ends(done(), 8, delivered(), Sends(8)),
            Ends(offline(), 8, kept(), Waits(8_001)),
        ],
    );
    let mut steps = vec![Owed(1, Sends(8))];
    let mut time = 0;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600] {
        time += wait * SECOND;
        steps.push(Ends(offline(), 1, kept(), Waits(time)));
        steps.push(At(time, Sends(8)));
    }
    tell("ten minutes at most", steps);
}

#[test]
fn the_receivers_own_time_is_honoured_up_to_a_day() {
    tell(
        "twenty minutes",
        [
            Owed(1, Sends(8)),
            Ends(retry_after(1_200 * SECOND), 1, kept(), Waits(1_200 * SECOND)),
            At(1_200 * SECOND - 1, Waits(1_200 * SECOND)),
            At(1_200 * SECOND, Sends(8)),
        ],
    );
    tell("a day", [Owed(1, Sends(8)), Ends(retry_after(DAY), 1, kept(), Waits(DAY))]);
    tell("more than a day", [Owed(1, Sends(8)), Ends(retry_after(DAY + 1), 1, kept(), Waits(DAY))]);
    tell("for ever", [Owed(1, Sends(8)), Ends(retry_after(u64::MAX), 1, kept(), Waits(DAY))]);
    tell("no time", [Owed(1, Sends(8)), Ends(retry_after(0), 1, kept(), Waits(1_000))]);
    tell(
        "a short time after many failures",
        [
            Owed(1, Sends(8)),
            Ends(retry(), 1, kept(), Waits(1_000)),
            At(1_000, Sends(8)),
            Ends(retry_after(5), 1, kept(), Waits(1_005)),
        ],
    );
}

#[test]
fn a_restart_forgets_no_wait_and_no_clock_makes_one_longer() {
    let wait = || {
        [
            Owed(1, Sends(8)),
            Ends(retry_after(3_600 * SECOND), 1, kept(), Waits(3_600 * SECOND)),
            At(600 * SECOND, Waits(3_600 * SECOND)),
        ]
    };
    let and = |rest: Vec<Step>| wait().into_iter().chain(rest);
    let (hour, year) = (3_600_000, 31_536_000_000);
    tell(
        "restart",
        and(vec![
            Restart(Waits(3_600 * SECOND)),
            At(3_600 * SECOND - 1, Waits(3_600 * SECOND)),
            At(3_600 * SECOND, Sends(8)),
        ]),
    );
    tell("reboot", and(vec![Reboot(Waits(3_600 * SECOND)), At(3_600 * SECOND, Sends(8))]));
    tell(
        "a step while it runs",
        and(vec![WallSteps(year, Waits(3_600 * SECOND)), WallSteps(-2 * year, Waits(3_600 * SECOND))]),
    );
    tell(
        "a step back, and a restart",
        and(vec![WallSteps(-hour, Waits(3_600 * SECOND)), Restart(Waits(4_200 * SECOND))]),
    );
    tell(
        "a year back, and a restart",
        and(vec![WallSteps(-year, Waits(3_600 * SECOND)), Restart(Waits(4_200 * SECOND))]),
    );
    tell(
        "a step forward, and a restart",
        and(vec![WallSteps(year, Waits(3_600 * SECOND)), Restart(Sends(8))]),
    );
    tell(
        "failures are counted on",
        [
            Owed(1, Sends(8)),
            Ends(retry(), 1, kept(), Waits(1_000)),
            At(5_000, Sends(8)),
            Restart(Sends(8)),
            Ends(retry(), 1, kept(), Waits(7_000)),
        ],
    );
    tell(
        "a success is not forgotten",
        [
            Owed(2, Sends(8)),
            Ends(retry(), 1, kept(), Waits(1_000)),
            At(1_000, Sends(8)),
            Ends(done(), 1, delivered(), Sends(8)),
            Restart(Sends(8)),
            Ends(retry(), 1, kept(), Waits(2_000)),
        ],
    );
}

#[test]
fn damaged_progress_waits_a_day_at_most() {
    // stored, wait
    for (stored, expected) in [
        ("{}", 0),
        (r#"{"failures":7}"#, 0),
        (r#"{"failures":1,"not_before":9223372036854775807,"wait_ms":18446744073709551615}"#, DAY),
        (r#"{"failures":1,"not_before":9223372036854775807,"wait_ms":0}"#, 0),
        (r#"{"failures":1,"not_before":-9223372036854775808,"wait_ms":1000}"#, 0),
        (r#"{"failures":4294967295,"not_before":1769850300500,"wait_ms":1000}"#, 500),
    ] {
        let mut planner =
            Planner::new(LIMITS, serde_json::from_str(stored).unwrap(), Now::new(WALL, ELAPSED));
        planner.set_owed(1);
        let expected = if expected == 0 { Next::Send(LIMITS) } else { Next::WaitUntil(ELAPSED + expected) };
        assert_eq!(planner.next(Now::new(WALL, ELAPSED)), expected, "{stored}");
        planner.report(offline(), 1, Now::new(i64::MAX, u64::MAX), u64::MAX);
    }
}

#[test]
fn a_clock_that_begins_anew_locks_nothing() {
    let mut planner = Planner::new(LIMITS, Progress::default(), Now::new(WALL, DAY));
    planner.set_owed(1);
    planner.report(retry_after(60 * SECOND), 1, Now::new(WALL, DAY), 0);
    assert_eq!(planner.next(Now::new(WALL, 10)), Next::WaitUntil(10 + 60 * SECOND));
    assert_eq!(planner.next(Now::new(WALL, 10 + 60 * SECOND)), Next::Send(LIMITS));
}

#[test]
fn too_much_is_halved_until_it_fits() {
    tell(
        "a batch too large",
        [
            Owed(20, Sends(8)),
            Ends(too_much(), 8, kept(), Sends(4)),
            Ends(too_much(), 4, kept(), Sends(2)),
            Ends(done(), 2, delivered(), Sends(2)),
            Ends(done(), 2, delivered(), Sends(2)),
            Ends(done(), 2, delivered(), Sends(2)),
            // The eight that were too much are through: full batches again.
            Ends(done(), 2, delivered(), Sends(8)),
        ],
    );
    tell(
        "an event too large",
        [
            Owed(20, Sends(8)),
            Ends(too_much(), 8, kept(), Sends(4)),
            Ends(done(), 4, delivered(), Sends(4)),
            Ends(too_much(), 4, kept(), Sends(2)),
            Ends(too_much(), 2, kept(), Sends(1)),
            Ends(too_much(), 1, dropped(1), Sends(8)),
            Ends(done(), 8, delivered(), Sends(8)),
        ],
    );
    tell("alone from the start", [Owed(1, Sends(8)), Ends(too_much(), 1, dropped(1), Idle)]);
    tell(
        "an odd number",
        [Owed(3, Sends(8)), Ends(too_much(), 3, kept(), Sends(1)), Ends(done(), 1, delivered(), Sends(1))],
    );
    tell(
        "a failure in between",
        [
            Owed(20, Sends(8)),
            Ends(too_much(), 8, kept(), Sends(4)),
            Ends(retry(), 4, kept(), Waits(1_000)),
            At(1_000, Sends(4)),
            Ends(done(), 4, delivered(), Sends(4)),
            Ends(done(), 4, delivered(), Sends(8)),
        ],
    );
}

#[test]
fn a_bad_event_is_found_alone_and_dropped_alone() {
    tell(
        "the third is bad",
        [
            Owed(20, Sends(8)),
            Ends(one_is_bad(), 8, kept(), Sends(1)),
            Ends(done(), 1, delivered(), Sends(1)),
            Ends(done(), 1, delivered(), Sends(1)),
            Ends(one_is_bad(), 1, dropped(1), Sends(8)),
            Ends(done(), 8, delivered(), Sends(8)),
        ],
    );
    tell(
        "each alone is good",
        [
            Owed(9, Sends(8)),
            Ends(one_is_bad(), 2, kept(), Sends(1)),
            Ends(done(), 1, delivered(), Sends(1)),
            Ends(done(), 1, delivered(), Sends(8)),
        ],
    );
    tell("alone from the start", [Owed(1, Sends(8)), Ends(one_is_bad(), 1, dropped(1), Idle)]);
    tell(
        "it cannot be written",
        [Owed(9, Sends(8)), Ends(unwritable(), 8, dropped(1), Sends(8)), Ends(done(), 8, delivered(), Idle)],
    );
    tell(
        "both ways together",
        [
            Owed(20, Sends(8)),
            Ends(too_much(), 8, kept(), Sends(4)),
            Ends(one_is_bad(), 4, kept(), Sends(1)),
            Ends(one_is_bad(), 1, dropped(1), Sends(8)),
        ],
    );
}

#[test]
fn what_is_refused_is_dropped_without_a_wait_and_without_a_pardon() {
    tell(
        "refused",
        [
            Owed(20, Sends(8)),
            Ends(retry(), 8, kept(), Waits(1_000)),
            At(1_000, Sends(8)),
            Ends(refused(), 8, dropped(8), Sends(8)),
            Ends(retry(), 8, kept(), Waits(3_000)),
        ],
    );
}

#[test]
fn a_refusal_may_ask_for_a_pause() {
    tell(
        "five minutes",
        [
            Owed(20, Sends(8)),
            Ends(refused_for(Some(300 * SECOND)), 8, dropped(8), Waits(300 * SECOND)),
            Restart(Waits(300 * SECOND)),
            At(300 * SECOND - 1, Waits(300 * SECOND)),
            At(300 * SECOND, Sends(8)),
            Ends(retry(), 8, kept(), Waits(301 * SECOND)),
        ],
    );
    tell("over a day", [Owed(9, Sends(8)), Ends(refused_for(Some(DAY + 1)), 8, dropped(8), Waits(DAY))]);
}

#[test]
fn in_background_what_is_due_is_sent_once() {
    tell(
        "all is well",
        [
            Background(true, Idle),
            Owed(10, Sends(8)),
            Ends(done(), 8, delivered(), Sends(8)),
            Ends(done(), 2, delivered(), Idle),
            Owed(1, Sends(8)),
        ],
    );
    tell(
        "no second try without a new cause",
        [
            Owed(10, Sends(8)),
            Background(true, Idle),
            Ends(offline(), 8, kept(), Idle),
            At(1_000, Idle),
            At(DAY, Idle),
            Owed(10, Idle),
            Background(true, Idle),
            Background(false, Sends(8)),
        ],
    );
    tell(
        "a new item",
        [
            Background(true, Idle),
            Owed(1, Sends(8)),
            Ends(offline(), 1, kept(), Idle),
            At(1_000, Idle),
            Owed(2, Sends(8)),
        ],
    );
    tell(
        "a flush",
        [
            Background(true, Idle),
            Owed(1, Sends(8)),
            Ends(offline(), 1, kept(), Idle),
            At(1_000, Idle),
            Wake(Sends(8)),
        ],
    );
    tell(
        "neither shortens the wait, and no timer is asked for",
        [
            Background(true, Idle),
            Owed(1, Sends(8)),
            Ends(offline(), 1, kept(), Idle),
            Owed(2, Idle),
            Wake(Idle),
            At(999, Idle),
            Background(false, Waits(1_000)),
            At(1_000, Sends(8)),
        ],
    );
    tell(
        "it waits already",
        [
            Owed(1, Sends(8)),
            Ends(offline(), 1, kept(), Waits(1_000)),
            Background(true, Idle),
            At(1_000, Sends(8)),
            Ends(offline(), 1, kept(), Idle),
        ],
    );
}
