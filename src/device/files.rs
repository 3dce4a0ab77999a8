//! The kernel's files about itself.

use std::fs::File;
use std::io::Read;

/// More than any of them needs, the environment apart: what is behind it is not looked at.
const LONGEST: u64 = 4_096;
/// Environments are larger; the system allows some MiB.
#[cfg(target_os = "linux")]
const LONGEST_ENVIRONMENT: u64 = 256 * 1_024;

/// The beginning of a file.
fn beginning(path: &str, longest: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(longest).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The environment that the process was started with.
#[cfg(target_os = "linux")]
pub(super) fn environment() -> Option<Vec<u8>> {
    beginning("/proc/self/environ", LONGEST_ENVIRONMENT)
}

/// A file that holds one text.
#[cfg(target_os = "linux")]
pub(super) fn text(path: &str) -> Option<String> {
    super::plausible(std::str::from_utf8(&beginning(path, LONGEST)?).ok()?)
}

/// The memory of the device, in bytes.
pub(super) fn memory() -> Option<u64> {
    total(&beginning("/proc/meminfo", LONGEST)?)
}

/// The line `MemTotal:       16384256 kB`.
fn total(meminfo: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(meminfo);
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kilobytes.checked_mul(1_024).filter(|bytes| (1..=i64::MAX as u64).contains(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_its_line() {
        assert_eq!(total(b"MemTotal:       16384256 kB\nMemFree: 1 kB\n"), Some(16_777_478_144));
        assert_eq!(total(b"\xff\xfe\nMemTotal: 1 kB"), Some(1_024));
        for odd in [
            "",
            "MemTotal:",
            "MemTotal: kB",
            "MemTotal: 0 kB",
            "MemTotal: -1 kB",
            "MemTotal: 5 MB",
            "MemTotal: 18446744073709551615 kB",
            "MemTotal: 9007199254740992 kB",
            "SwapTotal: 5 kB",
        ] {
            assert_eq!(total(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn odd_files_are_no_texts() {
        let folder = tempfile::tempdir().unwrap();
        let read = |content: &[u8]| {
            let path = folder.path().join("file");
            std::fs::write(&path, content).unwrap();
            text(path.to_str().unwrap())
        };
        assert_eq!(read(b"Desk 3\n").as_deref(), Some("Desk 3"));
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\xff\xfe"), None);
        assert_eq!(read(&vec![b'x'; 10_000_000]), None);
        assert_eq!(text(folder.path().join("missing").to_str().unwrap()), None);
        assert_eq!(text(folder.path().to_str().unwrap()), None);
        assert_eq!(beginning("/dev/zero", LONGEST).unwrap().len() as u64, LONGEST);
    }
}
