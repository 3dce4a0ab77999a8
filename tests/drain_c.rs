//! An app in C, written against the header alone, delivers to every back end over the built-in HTTP client.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/arrivals.rs"]
mod arrivals;
#[path = "common/c.rs"]
mod c;
#[path = "common/server.rs"]
mod server;

use std::process::Command;

use arrivals::Arrival;
use server::{Reply, Server};

#[test]
fn a_c_program_delivers_to_five_back_ends() {
    if c::c_compiler().is_none() {
        return;
    }
    let program = c::compile_c("tests/c/network/deliver.c", &[]);
    let (server, folder) = (Server::start(|_, _| Reply::ok()), tempfile::tempdir().unwrap());
    let output =
        Command::new(program).arg(server.url("")).arg(folder.path().join("app.db")).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let arrived = arrivals::all(&server.requests());
    let count = |is: fn(&Arrival) -> bool| arrived.iter().filter(|arrival| is(arrival)).count();
    // Snowplow, Exceptionless, Loupe and OTLP take events; Bugsnag, Exceptionless and OTLP starts; the last two ends.
    assert_eq!(count(|arrival| matches!(arrival, Arrival::Event(_))), 4 * 100);
    assert_eq!(count(|arrival| matches!(arrival, Arrival::Start(_))), 3);
    assert_eq!(count(|arrival| matches!(arrival, Arrival::End(_))), 2);
    let token = |request: &server::Received| request.header("authorization") == Some("Bearer TOKEN");
    assert!(server.requests().iter().any(token));
}

/// S13: as a sign of life, before it arrives as an element.
#[test]
fn a_process_that_exits_tells_the_end_of_its_session_live() {
    if c::c_compiler().is_none() {
        return;
    }
    let program = c::compile_c("tests/c/network/leave.c", &[]);
    let (server, folder) = (Server::start(|_, _| Reply::ok()), tempfile::tempdir().unwrap());
    let status =
        Command::new(program).arg(server.url("")).arg(folder.path().join("app.db")).status().unwrap();
    assert!(status.success());
    let requests = server.requests();
    let live = |request: &server::Received| request.target.contains("/session/heartbeat?");
    let lives: Vec<_> =
        requests.iter().filter(|request| live(request)).map(|request| &*request.target).collect();
    assert_eq!(lives, ["/api/v2/events/session/heartbeat?id=one-run-of-the-app&close=true"]);
    let is_end = |arrival: &Arrival| matches!(arrival, Arrival::End(_));
    let place = requests.iter().position(live).unwrap();
    let (before, behind) = requests.split_at(place);
    assert!(!arrivals::all(before).iter().any(is_end) && arrivals::all(behind).iter().any(is_end));
}
