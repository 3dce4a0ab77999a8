//! The example of callbacks and scopes runs as its comment says, and tells what becomes of each session.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/c.rs"]
mod c;

use std::process::Command;

#[test]
fn a_meeting_and_its_guests_are_told_of_in_order() {
    if c::c_compiler().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut meeting = Command::new(c::compile_c("examples/meeting.c", &[]));
    let output = meeting.arg(folder.path().join("meeting.db")).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    // The installation is an event, so the first start of the app has a session before the meeting.
    assert!(
        lines[0].ends_with("begins after 0 events") && lines[1].ends_with("ends after 1 events"),
        "{text}"
    );
    let expected = [
        "session meeting-1 begins after 0 events",
        "session guest-1 begins after 0 events",
        "session guest-1 ends after 1 events",
        "session guest-2 begins after 0 events",
        "session guest-2 ends after 1 events",
        "session meeting-1 ends after 3 events",
    ];
    assert_eq!(lines[2..], expected);
    let again = meeting.output().unwrap();
    assert_eq!(String::from_utf8(again.stdout).unwrap().lines().collect::<Vec<_>>(), expected);
}
