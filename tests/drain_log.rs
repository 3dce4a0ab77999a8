//! What the log says of a server that answers nonsense: what came, and nothing of what was sent.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/arrivals.rs"]
mod arrivals;
mod common;
#[path = "common/drain.rs"]
mod drain;
#[path = "common/server.rs"]
mod server;

use common::{World, open};
use drain::{ALL, KEY, Kind, SNOWPLOW, SNOWPLOW_GET, quiet};
use server::{Received, Reply, Server};
use sessio::{Event, User};

/// What nobody may read in a log: of the user, and of what the host says about an event.
const PRIVATE: [&str; 4] = ["anna.user@example.org", "Anna Beispiel", "anna@mail.example", "seat 23 window"];

/// Sends an event of a user to a server that answers so.
fn refused(kind: Kind, answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> World {
    let world = World::new();
    let server = Server::start(move |received, _| answer(received));
    let tracker = open((kind.add)(quiet(&world), &server.url("")));
    let user = User::new(PRIVATE[0], Some(PRIVATE[1]), Some(PRIVATE[2])).unwrap();
    tracker.set_user(Some(user)).unwrap();
    tracker.start_session().unwrap();
    let mut event = Event::error("E", "failed", false).unwrap();
    event.set_text("place", PRIVATE[3]).unwrap();
    tracker.track(&event).unwrap();
    tracker.poll().unwrap();
    world.wait_kept(1);
    world
}

/// Nothing that is private stands there, nor a piece of it by which it could be known.
#[track_caller]
fn assert_silent(world: &World, kind: &Kind) {
    // A key that is not sent may be shown: nobody can know it for one.
    let has_key = !["snowplow", "snowplow-get", "loupe"].contains(&kind.name);
    for secret in PRIVATE.into_iter().chain(has_key.then_some(KEY)) {
        for piece in secret.as_bytes().windows(6) {
            let piece = std::str::from_utf8(piece).unwrap();
            assert!(!world.logged(piece), "{}: {piece:?} of {secret:?}", kind.name);
        }
    }
}

#[test]
fn what_came_is_shown_without_an_echo_of_what_was_sent() {
    for kind in ALL {
        // With what a receiver may have read out of base64 and out of a URL.
        // Bugsnag gets the session first, which says nothing of events.
        let known = if kind.name.starts_with("bugsnag") { &PRIVATE[..3] } else { &PRIVATE[..] };
        let world = refused(kind, |_| {
            let body = format!("<h1>Hotel</h1> {KEY} {}", known.join(" | "));
            Reply::status(503).with_body(body)
        });
        world.assert_logged("status 503 came with \"<h1>Hotel</h1>");
        assert_silent(&world, &kind);
    }
}

#[test]
fn what_is_no_http_is_shown_without_an_echo_too() {
    for kind in ALL {
        let world = refused(kind, |received| {
            let headers: Vec<_> = received.headers.iter().map(|(_, value)| value.as_str()).collect();
            let echo = format!("220 mail ready {} {}", received.target, headers.join(" "));
            Reply::Raw(echo.into_bytes())
        });
        world.assert_logged("the answer is not HTTP: \"220 mail ready ");
        assert_silent(&world, &kind);
    }
}

#[test]
fn two_hundred_bytes_are_enough() {
    for (status, letter) in [(503, "x"), (599, "\u{e4}")] {
        let world = refused(SNOWPLOW, move |_| Reply::status(status).with_body(letter.repeat(5_000)));
        let shown = 200 / letter.len();
        world.assert_logged(&letter.repeat(shown));
        assert!(!world.logged(&letter.repeat(shown + 1)));
    }
}

#[test]
fn what_a_log_cannot_print_is_written_out() {
    let world = refused(SNOWPLOW_GET, |_| Reply::status(404).with_body("\u{1b}[31mred\r\nline \u{7}\0"));
    world.assert_logged(r#""\u{1b}[31mred\r\nline \u{7}\0""#);
}
