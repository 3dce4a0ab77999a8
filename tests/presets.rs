//! Each preset ends sessions as its table says, to the millisecond.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{World, open, track};
use sessio::{Preset, Tracker};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const MILLISECOND: Duration = Duration::from_millis(1);
/// As good as never.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

struct Row {
    preset: Preset,
    foreground: Option<Duration>,
    background: Option<Duration>,
    longest: Option<Duration>,
    goes_on: bool,
}

/// The table of docs/semantics.md.
fn table() -> [Row; 7] {
    let row = |preset, foreground, background, longest, goes_on| Row {
        preset,
        foreground,
        background,
        longest,
        goes_on,
    };
    let (quarter, half, four_hours) = (Some(MINUTE * 15), Some(MINUTE * 30), Some(MINUTE * 240));
    [
        row(Preset::Snowplow, half, half, None, false),
        row(Preset::Bugsnag, None, Some(SECOND * 30), None, false),
        row(Preset::Exceptionless, None, None, None, false),
        row(Preset::Datadog, quarter, quarter, four_hours, false),
        row(Preset::Otel, None, quarter, four_hours, false),
        row(Preset::Firebase, None, half, None, false),
        row(Preset::Amplitude, None, Some(MINUTE * 5), None, true),
    ]
}

fn tracked(world: &World, preset: Preset) -> Tracker {
    let tracker = open(world.config().preset(preset));
    track(&tracker, &["one"]);
    tracker
}

/// The session's number after so much time and another event.
fn after(world: &World, tracker: &Tracker, time: Duration) -> u32 {
    world.clock.advance(time);
    track(tracker, &["next"]);
    tracker.session().unwrap().index
}

#[test]
fn idle_time_ends_a_session_over_the_timeout_and_not_at_it() {
    for row in table() {
        for (in_background, timeout) in [(false, row.foreground), (true, row.background)] {
            let world = World::new();
            let tracker = tracked(&world, row.preset);
            tracker.set_is_background(in_background).unwrap();
            let place = format!("{:?}, background: {in_background}", row.preset);
            // Within the maximum length, which is judged as well.
            let longest = row.longest.unwrap_or(MONTH);
            assert_eq!(after(&world, &tracker, timeout.unwrap_or(longest).min(longest)), 1, "{place}");
            if let Some(timeout) = timeout {
                assert_eq!(after(&world, &tracker, timeout + MILLISECOND), 2, "{place}");
            }
        }
    }
}

#[test]
fn a_session_in_use_ends_over_its_maximum_length_alone() {
    for row in table() {
        let world = World::new();
        let tracker = tracked(&world, row.preset);
        let hours = row.longest.map_or(48, |longest| longest.as_secs() / 3_600);
        for _ in 0..hours * 6 {
            assert_eq!(after(&world, &tracker, MINUTE * 10), 1, "{:?}", row.preset);
        }
        let index = after(&world, &tracker, MILLISECOND);
        assert_eq!(index, if row.longest.is_some() { 2 } else { 1 }, "{:?}", row.preset);
    }
}

#[test]
fn a_restart_begins_a_new_session_or_goes_on() {
    for row in table() {
        let world = World::new();
        drop(tracked(&world, row.preset));
        world.clock.advance(SECOND);
        let tracker = tracked(&world, row.preset);
        let index = if row.goes_on { 1 } else { 2 };
        assert_eq!(tracker.session().unwrap().index, index, "{:?}", row.preset);
    }
}

#[test]
fn what_is_set_after_a_preset_goes_before_it_and_names_are_exact() {
    let world = World::new();
    let tracker = open(world.config().preset(Preset::Snowplow).foreground_timeout(SECOND));
    track(&tracker, &["one"]);
    assert_eq!(after(&world, &tracker, SECOND + MILLISECOND), 2);
    for preset in Preset::ALL {
        assert_eq!(Preset::from_name(preset.name()).unwrap(), preset);
    }
    for name in ["", "Snowplow", "mixpanel"] {
        assert!(Preset::from_name(name).unwrap_err().to_string().contains("preset"));
    }
}
