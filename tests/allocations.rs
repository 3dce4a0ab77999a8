//! `track` allocates nothing on the caller's thread once a session is open: no lock of an allocator, no page to wait
//! for.
#![allow(missing_docs, clippy::unwrap_used)]
#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sessio::{Config, Event, Severity, Tracker, User};

thread_local! {
    /// Allocations of this thread; the worker's do not disturb.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes on to the system's allocator as it came; counting touches a plain cell of the thread and
// allocates nothing (`const` initialization, no destructor).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the ones that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

/// How often this thread allocates in `work`.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

fn events() -> Vec<Event> {
    let mut full = Event::error("E", "message", false).unwrap();
    full.set_text("stack_trace", &"at main.rs:1\n".repeat(100)).unwrap();
    full.set_json("data", "{\"a\": [1, 2]}").unwrap();
    full.add_context("iglu:com.acme/page/jsonschema/1-0-0", "{\"b\": 1}").unwrap();
    vec![
        Event::structured("cart", "add").unwrap(),
        Event::screen_view(Some("home"), None).unwrap(),
        Event::log(Severity::WARN, Some("shop"), "slow").unwrap(),
        full,
    ]
}

fn tracker(folder: &tempfile::TempDir) -> Tracker {
    let config = Config::builder().path(folder.path().join("app.db")).app("com.acme.shop", "1.2.0");
    let tracker = Tracker::open(config.build().unwrap()).unwrap();
    tracker.set_user(Some(User::new("u-1", Some("Ada"), None).unwrap())).unwrap();
    tracker
}

/// The first round opens the session and makes the thread's buffer, clock and random numbers ready.
fn steady(tracker: &Tracker, events: &[Event]) -> usize {
    let round = || {
        for event in events {
            tracker.track(event).unwrap();
        }
    };
    round();
    allocations(|| (0..500).for_each(|_| round()))
}

#[test]
fn track_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(steady(&tracker(&folder), &events()), 0);
}

#[test]
fn nor_with_a_session_id_of_the_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder);
    tracker.start_session_with_id("visit-7").unwrap();
    assert_eq!(steady(&tracker, &events()), 0);
}

#[test]
fn nor_with_a_trail_a_global_context_and_a_change_observer() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder);
    tracker.set_global_context("iglu:com.acme/build/jsonschema/1-0-0", "{\"build\": 7}").unwrap();
    tracker.add_callback(sessio::Callback::session_change(|_| {})).unwrap();
    assert_eq!(steady(&tracker, &events()), 0);
}

#[test]
fn reading_the_session_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(&folder);
    tracker.track(&events()[0]).unwrap();
    let read = || (0..500).for_each(|_| drop(tracker.session().unwrap()));
    assert_eq!(allocations(read), 0);
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| drop(Box::new([0u8; 100]))), 1);
}
