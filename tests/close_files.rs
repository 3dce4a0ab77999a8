//! Closing lets go of every file, also while the tracker itself is still held.
#![cfg(all(target_os = "linux", feature = "_sqlite"))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use sessio::{Config, ErrorKind, Event, Tracker};

fn open_files(folder: &Path) -> Vec<PathBuf> {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let files = descriptors.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    files.filter(|file| file.starts_with(folder)).collect()
}

#[test]
fn closing_lets_go_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::builder().path(folder.path().join("app.db")).build().unwrap();
    let tracker = Tracker::open(config).unwrap();
    tracker.track(&Event::feature("search").unwrap()).unwrap();
    assert!(!open_files(folder.path()).is_empty());
    tracker.close(Duration::from_secs(10)).unwrap();
    assert_eq!(open_files(folder.path()), Vec::<PathBuf>::new());
    assert_eq!(tracker.history(1).unwrap_err().kind(), ErrorKind::Closed);
}
