//! Windows: its version as it really is, its memory, and what the firmware has told the registry.
#![allow(unsafe_code)] // the system's functions are C functions

use crate::protocol::Device;

use super::plausible;

pub(super) fn system() -> Device {
    Device {
        os_name: Some("Windows".into()),
        os_version: version(),
        manufacturer: firmware("SystemManufacturer"),
        model: firmware("SystemProductName"),
        total_memory: memory(),
        ..Device::default()
    }
}

pub(super) fn locale() -> Option<String> {
    sys_locale::get_locale()
}

pub(super) fn time_zone() -> Option<String> {
    iana_time_zone::get_timezone().ok()
}

/// `OSVERSIONINFOW`.
#[repr(C)]
struct Version {
    size: u32,
    major: u32,
    minor: u32,
    build: u32,
    platform: u32,
    service_pack: [u16; 128],
}

/// `MEMORYSTATUSEX`; the fields behind the first amount are of no interest.
#[repr(C)]
struct Memory {
    size: u32,
    load: u32,
    total: u64,
    others: [u64; 6],
}

#[link(name = "ntdll")]
unsafe extern "system" {
    fn RtlGetVersion(version: *mut Version) -> i32;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GlobalMemoryStatusEx(memory: *mut Memory) -> i32;
}

// Declared as the clock has it; the data may be of any type.
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

/// Not what the app's manifest makes of it, as the better known functions tell it.
fn version() -> Option<String> {
    let size = size_of::<Version>() as u32;
    let mut version = Version { size, major: 0, minor: 0, build: 0, platform: 0, service_pack: [0; 128] };
    // SAFETY: `version` is a valid place for the answer and says how large it is.
    let answer = unsafe { RtlGetVersion(&mut version) };
    (answer == 0).then(|| format!("{}.{}.{}", version.major, version.minor, version.build))
}

fn memory() -> Option<u64> {
    let mut memory = Memory { size: size_of::<Memory>() as u32, load: 0, total: 0, others: [0; 6] };
    // SAFETY: `memory` is a valid place for the answer and says how large it is.
    let answer = unsafe { GlobalMemoryStatusEx(&mut memory) };
    (answer != 0 && (1..=i64::MAX as u64).contains(&memory.total)).then_some(memory.total)
}

fn firmware(name: &str) -> Option<String> {
    const HKEY_LOCAL_MACHINE: isize = 0x8000_0002_u32 as i32 as isize;
    const RRF_RT_REG_SZ: u32 = 0x2;
    let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<u16>>();
    let (key, name) = (wide(r"HARDWARE\DESCRIPTION\System\BIOS"), wide(name));
    let mut data = [0u16; 256];
    let mut size = size_of_val(&data) as u32;
    // SAFETY: both names are NUL-terminated, and `data` has room for `size` bytes; what is longer is not written.
    let answer = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            std::ptr::null_mut(),
            data.as_mut_ptr().cast(),
            &mut size,
        )
    };
    let text = data.get(..size as usize / 2).filter(|_| answer == 0)?;
    plausible(&String::from_utf16(text).ok()?)
}
