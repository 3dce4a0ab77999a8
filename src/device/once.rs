//! Once per process, forked ones included.

use std::sync::OnceLock;

/// What each process has found out. Whoever asks meanwhile waits. A forked child finds out anew: a thread of its
/// parent's that was just looking is not there in the child, and waiting for it would never end.
pub(super) struct Found<T: 'static>(OnceLock<Box<Process<T>>>);

struct Process<T: 'static> {
    id: u32,
    found: OnceLock<T>,
    /// That of a child.
    next: Found<T>,
}

impl<T> Found<T> {
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub fn get(&self, look: fn() -> T) -> &T {
        self.of(std::process::id(), look)
    }

    fn of(&self, id: u32, look: fn() -> T) -> &T {
        let process =
            self.0.get_or_init(|| Box::new(Process { id, found: OnceLock::new(), next: Self::new() }));
        if process.id == id { process.found.get_or_init(look) } else { process.next.of(id, look) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn threads_look_once_and_a_child_waits_for_nobody() {
        static LOOKS: AtomicUsize = AtomicUsize::new(0);
        static ASKING: AtomicUsize = AtomicUsize::new(0);
        fn look() -> usize {
            while ASKING.load(Ordering::SeqCst) < 4 {
                std::thread::yield_now();
            }
            LOOKS.fetch_add(1, Ordering::SeqCst) + 1
        }
        fn never() -> usize {
            loop {
                std::thread::park();
            }
        }
        static FOUND: Found<usize> = Found::new();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        ASKING.fetch_add(1, Ordering::SeqCst);
                        *FOUND.of(1, look)
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 1));
        });
        std::thread::spawn(|| FOUND.of(2, never));
        while FOUND.0.get().is_none_or(|first| first.next.0.get().is_none()) {
            std::thread::yield_now();
        }
        assert_eq!((*FOUND.of(3, look), *FOUND.of(3, look), *FOUND.of(1, look)), (2, 2, 1));
    }
}
