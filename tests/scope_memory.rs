//! Ten thousand open scopes take at most 20 MB.
#![allow(missing_docs, clippy::unwrap_used)]
#![allow(unsafe_code)] // an allocator that counts is an unsafe trait

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use sessio::{Config, Event, Tracker, User};

/// Bytes that are allocated now, by all threads.
static BYTES: AtomicIsize = AtomicIsize::new(0);

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes on to the system's allocator as it came; counting touches one atomic number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promises are the ones that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn ten_thousand_open_scopes() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::builder().path(folder.path().join("app.db")).app("com.acme.shop", "1.2.0");
    let tracker =
        Tracker::open(config.full_wait(std::time::Duration::from_secs(20)).build().unwrap()).unwrap();
    let errors: Vec<_> =
        (0..30).map(|n| Event::error(&format!("Error number {n}"), "", false).unwrap()).collect();
    // What grows once and for all is there before it is counted.
    let first = tracker.new_scope().unwrap();
    errors.iter().for_each(|event| assert!(first.track(event).is_ok()));
    tracker.poll().unwrap();
    let before = BYTES.load(Ordering::Relaxed);
    let scopes: Vec<_> = (0..10_000)
        .map(|n| {
            let scope = tracker.new_scope().unwrap();
            let user = User::new(&format!("user-{n}"), Some("Somebody Else"), Some("somebody@acme.example"));
            scope.set_user(Some(user.unwrap())).unwrap();
            scope.start_session_with_id(&format!("visit-of-user-{n}")).unwrap();
            errors
                .iter()
                .take(if n % 10 == 0 { 30 } else { 3 })
                .for_each(|event| assert!(scope.track(event).is_ok()));
            scope
        })
        .collect();
    tracker.flush(std::time::Duration::from_secs(60)).unwrap();
    let bytes = BYTES.load(Ordering::Relaxed) - before;
    println!("{} bytes a scope", bytes / 10_000);
    assert!(scopes.iter().all(|scope| scope.session().unwrap().is_open()));
    assert!(bytes <= 20_000_000, "{bytes}");
    drop(scopes);
    tracker.poll().unwrap();
    let left = BYTES.load(Ordering::Relaxed) - before;
    assert!(left < 2_000_000, "{left} bytes stay when they are freed");
}
