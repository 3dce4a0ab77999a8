//! The clocks of the operating system. `std::time::Instant` is not among them: on Linux, Android and Apple it stands
//! still while the device sleeps, so a session would outlive a night in a pocket.
#![allow(unsafe_code)] // the operating systems' clocks are C functions

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Clock, Now};

/// The clock of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    boot_id: Option<u64>,
}

impl SystemClock {
    /// Finds out which boot this is and is ready to be read.
    pub fn new() -> Self {
        Self { boot_id: platform::boot_id() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { wall: wall_ms(), elapsed: platform::elapsed_ms() }
    }

    fn boot_id(&self) -> Option<u64> {
        self.boot_id
    }
}

fn wall_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// A number for the text that names a boot: its first 8 bytes of hexadecimal digits, dashes left out.
#[cfg(any(test, target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn boot_number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).ok()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    pub(super) fn elapsed_ms() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for the answer. The call fails only for an unknown clock; CLOCK_BOOTTIME
        // is there since Linux 2.6.39, and a failure leaves zeros.
        unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
        time.tv_sec as u64 * 1_000 + time.tv_nsec as u64 / 1_000_000
    }

    pub(super) fn boot_id() -> Option<u64> {
        super::boot_number(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?)
    }
}

#[cfg(target_vendor = "apple")]
mod platform {
    use std::sync::OnceLock;

    #[repr(C)]
    struct Timebase {
        numer: u32,
        denom: u32,
    }

    unsafe extern "C" {
        fn mach_continuous_time() -> u64;
        fn mach_timebase_info(info: *mut Timebase) -> i32;
    }

    pub(super) fn elapsed_ms() -> u64 {
        static TIMEBASE: OnceLock<(u64, u64)> = OnceLock::new();
        let (numer, denom) = *TIMEBASE.get_or_init(|| {
            let mut info = Timebase { numer: 1, denom: 1 };
            // SAFETY: `info` is a valid place for the answer, and a failure leaves the 1 and 1 in it.
            unsafe { mach_timebase_info(&mut info) };
            (u64::from(info.numer), u64::from(info.denom.max(1)))
        });
        // SAFETY: takes nothing and cannot fail (macOS 10.12, iOS 10 and later).
        let ticks = unsafe { mach_continuous_time() };
        (u128::from(ticks) * u128::from(numer) / u128::from(denom) / 1_000_000) as u64
    }

    pub(super) fn boot_id() -> Option<u64> {
        let mut text = [0u8; 64];
        let mut length = text.len();
        // SAFETY: the name is NUL-terminated, and `text` has room for `length` bytes.
        let answer = unsafe {
            libc::sysctlbyname(
                c"kern.bootsessionuuid".as_ptr(),
                text.as_mut_ptr().cast(),
                &mut length,
                std::ptr::null_mut(),
                0,
            )
        };
        if answer != 0 {
            return None;
        }
        super::boot_number(std::str::from_utf8(text.get(..length)?).ok()?)
    }
}

#[cfg(windows)]
mod platform {
    #[link(name = "mincore")]
    unsafe extern "system" {
        fn QueryInterruptTimePrecise(time: *mut u64);
    }

    #[link(name = "advapi32")]
    unsafe extern "system" {
        fn RegGetValueW(
            key: isize,
            sub_key: *const u16,
            value: *const u16,
            flags: u32,
            kind: *mut u32,
            data: *mut u32,
            size: *mut u32,
        ) -> i32;
    }

    pub(super) fn elapsed_ms() -> u64 {
        let mut time = 0;
        // SAFETY: `time` is a valid place for the answer (100 ns units, sleep counted; Windows 10 and later).
        unsafe { QueryInterruptTimePrecise(&mut time) };
        time / 10_000
    }

    /// Windows numbers its boots in the registry; there is no other name of a boot that a clock step leaves alone.
    pub(super) fn boot_id() -> Option<u64> {
        const HKEY_LOCAL_MACHINE: isize = 0x8000_0002_u32 as i32 as isize;
        const RRF_RT_REG_DWORD: u32 = 0x10;
        let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<u16>>();
        let key =
            wide(r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters");
        let (name, mut data, mut size) = (wide("BootId"), 0u32, 4u32);
        // SAFETY: both names are NUL-terminated, `data` has room for `size` bytes, and the type asked for is 4 bytes.
        let answer = unsafe {
            RegGetValueW(
                HKEY_LOCAL_MACHINE,
                key.as_ptr(),
                name.as_ptr(),
                RRF_RT_REG_DWORD,
                std::ptr::null_mut(),
                &mut data,
                &mut size,
            )
        };
        (answer == 0).then_some(u64::from(data))
    }
}

/// Elsewhere the monotonic clock of the standard library is the best there is.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
mod platform {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) fn elapsed_ms() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_millis() as u64
    }

    pub(super) fn boot_id() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_run_and_the_boot_is_known() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first.wall > 1_700_000_000_000, "wall clock: {first:?}");
        assert!(second.elapsed >= first.elapsed);
        assert!(first.elapsed > 0);
        if cfg!(target_os = "linux") {
            assert!(clock.boot_id().is_some());
        }
    }

    #[test]
    fn elapsed_is_the_clock_that_counts_sleep() {
        #[cfg(target_os = "linux")]
        {
            let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
            let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
            let elapsed = SystemClock::new().now().elapsed as f64 / 1_000.0;
            assert!((elapsed - seconds).abs() < 5.0, "{elapsed} s beside an uptime of {seconds} s");
        }
    }

    #[test]
    fn a_boot_is_numbered_by_its_first_digits() {
        assert_eq!(boot_number("01234567-89ab-cdef-0123-456789abcdef\n"), Some(0x0123_4567_89ab_cdef));
        assert_eq!(boot_number(""), None);
    }
}
