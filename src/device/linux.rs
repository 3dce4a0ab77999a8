//! Linux: the kernel's files, and the environment of the process.

use crate::protocol::Device;

use super::{environment, files};

pub(super) fn system() -> Device {
    Device {
        os_name: Some("Linux".into()),
        os_version: files::text("/proc/sys/kernel/osrelease"),
        manufacturer: files::text("/sys/class/dmi/id/sys_vendor"),
        model: files::text("/sys/class/dmi/id/product_name"),
        total_memory: files::memory(),
        ..Device::default()
    }
}

pub(super) fn locale() -> Option<String> {
    environment::locale(&files::environment()?)
}

/// What the process was told, else what the system is set to.
pub(super) fn time_zone() -> Option<String> {
    let told = files::environment().and_then(|environment| environment::time_zone(&environment));
    told.or_else(linked_zone).or_else(|| files::text("/etc/timezone"))
}

/// `/etc/localtime` is a link to the zone's own file.
fn linked_zone() -> Option<String> {
    environment::zone_of_path(std::fs::read_link("/etc/localtime").ok()?.to_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_its_version_and_memory() {
        let system = system();
        let version = system.os_version.unwrap();
        assert!(version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.'), "{version}");
        assert!(system.total_memory.unwrap() > 1 << 20);
    }
}
