//! What the library finds out by itself about the device. What a system does not tell, or tells in a way that makes no
//! sense, is left out; nothing here fails.

#[cfg(target_os = "android")]
mod android;
#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(any(test, target_os = "linux"))]
mod environment;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod files;
#[cfg(target_os = "linux")]
mod linux;
mod once;
#[cfg(windows)]
mod windows;

use std::panic::catch_unwind;

#[cfg(target_os = "android")]
use android as platform;
#[cfg(target_vendor = "apple")]
use apple as platform;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(windows)]
use windows as platform;

use crate::event::limits;
use crate::protocol::Device;
use once::Found;

/// The device. The first call in a process looks, which takes up to some milliseconds; other threads wait for it.
pub(crate) fn detected() -> &'static Device {
    static FOUND: Found<Device> = Found::new();
    FOUND.get(look)
}

/// Other libraries than ours are asked, too: a defect in one must not end the thread that asks.
fn look() -> Device {
    #[cfg(test)]
    tests::LOOKS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(std::thread::current().id());
    catch_unwind(|| Device {
        architecture: plausible(std::env::consts::ARCH),
        locale: platform::locale().as_deref().and_then(plausible),
        time_zone: platform::time_zone().as_deref().and_then(plausible),
        processor_count: processors(),
        ..platform::system()
    })
    .unwrap_or_default()
}

/// How many processors the app may use: fewer than there are, if it is kept to some.
fn processors() -> Option<u32> {
    u32::try_from(std::thread::available_parallelism().ok()?.get()).ok()
}

/// A text of the system's without what is around it, if it says anything: not one that is too long to be true, not what
/// makers of boards leave for others to fill in.
fn plausible(text: &str) -> Option<String> {
    const PLACEHOLDERS: [&str; 14] = [
        "to be filled by o.e.m.",
        "system manufacturer",
        "system product name",
        "system version",
        "default string",
        "not specified",
        "not applicable",
        "o.e.m.",
        "oem",
        "unknown",
        "undefined",
        "invalid",
        "none",
        "n/a",
    ];
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let says_something = !text.is_empty() && !PLACEHOLDERS.contains(&&*text.to_lowercase());
    let can_be = text.len() <= limits::DEVICE && !text.chars().any(char::is_control);
    (says_something && can_be).then(|| text.to_owned())
}

/// Elsewhere nothing but the name of the system is known.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
mod platform {
    use crate::protocol::Device;

    pub(super) fn system() -> Device {
        Device { os_name: super::plausible(std::env::consts::OS), ..Device::default() }
    }

    pub(super) fn locale() -> Option<String> {
        None
    }

    pub(super) fn time_zone() -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread::ThreadId;

    use super::*;

    /// The threads that have looked.
    pub static LOOKS: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

    #[test]
    fn placeholders_and_nonsense_are_no_texts() {
        for nonsense in [
            "",
            " \t\n",
            "\0",
            "To Be Filled By O.E.M.",
            " system manufacturer\n",
            "Default string",
            "None",
            "a\u{7}b",
            "a\nb",
            &"x".repeat(256),
        ] {
            assert_eq!(plausible(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(plausible(" Ünïcode Desk 3\0\n").as_deref(), Some("Ünïcode Desk 3"));
        assert_eq!(plausible(&"x".repeat(255)), Some("x".repeat(255)));
    }

    /// The trackers open one after the other; nothing else in these tests asks what is detected.
    #[test]
    fn trackers_look_once_and_on_no_thread_of_the_apps() {
        use crate::protocol::Otlp;
        use crate::{Config, Tracker};
        let open = |on: bool, destination: bool| {
            let mut builder = Config::builder().manual_delivery(true).detect_device(on);
            if destination {
                builder = builder.destination("a", Otlp::new("https://acme.example/v1/logs").unwrap());
            }
            let tracker = Tracker::open(builder.build().unwrap()).unwrap();
            let _ = tracker.next_request().unwrap();
            LOOKS.lock().unwrap().clone()
        };
        assert_eq!(open(false, true), [], "switched off");
        assert_eq!(open(true, false), [], "nobody to tell");
        let first = open(true, true);
        assert!(first.len() == 1 && first[0] != std::thread::current().id(), "{first:?}");
        assert_eq!(open(true, true), first, "another tracker");
    }
}
