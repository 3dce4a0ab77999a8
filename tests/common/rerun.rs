//! The test program once more, as a process of its own: to be killed, to have another user, to see another file system.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Set in the second process; says what the test is to do there.
const PART: &str = "SESSIO_TEST_PART";
/// How long a child waits to be killed.
const LONGEST: Duration = Duration::from_secs(60);

/// What the process was started for; none in the one that started it.
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// A folder that was handed over.
pub fn folder() -> PathBuf {
    PathBuf::from(std::env::var("SESSIO_TEST_FOLDER").unwrap())
}

/// In a child that has come to where it is to be killed: says so (`ready` in the folder) and waits for it, not for ever,
/// should the one that started it be gone.
pub fn wait_to_be_killed() -> ! {
    std::fs::write(folder().join("ready"), "").unwrap();
    let deadline = Instant::now() + LONGEST;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
    std::process::exit(1)
}

/// This test program, to run one test alone.
pub fn this_test(name: &str, part: &str, folder: &Path) -> Command {
    run_as(&std::env::current_exe().unwrap(), name, part, folder)
}

/// The same from a copy of it.
pub fn run_as(program: &Path, name: &str, part: &str, folder: &Path) -> Command {
    test_of(Command::new(program), name, part, folder)
}

/// The same in a shell of root in namespaces of its own, which first runs `prepare`. `$F` is the folder.
pub fn this_test_after(prepare: &str, name: &str, part: &str, folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = format!(r#"F="$SESSIO_TEST_FOLDER"; {prepare} && exec "$@""#);
    command.args(["-rm", "sh", "-c", &script, "sh"]).arg(std::env::current_exe().unwrap());
    test_of(command, name, part, folder)
}

fn test_of(mut command: Command, name: &str, part: &str, folder: &Path) -> Command {
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(PART, part).env("SESSIO_TEST_FOLDER", folder).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Whether the system lets us mount things in a namespace of our own. In CI it has to.
pub fn can_mount() -> bool {
    let mut probe = Command::new("unshare");
    probe.args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]).stderr(Stdio::null());
    let can = probe.status().as_ref().is_ok_and(ExitStatus::success);
    if !can {
        assert!(std::env::var("CI").is_err(), "CI must be able to mount a tmpfs (unshare -rm)");
        println!("skipped: no user namespaces here");
    }
    can
}
