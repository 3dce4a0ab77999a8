//! The environment that the process was started with: the user's language and time zone. It is read from the kernel,
//! since the C library's own copy may be changed by the app at the same moment.

/// A variable that is there and not empty, in a list of `NAME=value` with NUL behind each.
fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a str> {
    let value = |entry: &'a [u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    let value = environment.split(|byte| *byte == 0).find_map(value)?;
    std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
}

/// The language of messages, in the order in which the C library looks for it.
pub(super) fn locale(environment: &[u8]) -> Option<String> {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(environment, name));
    bcp_47(named?)
}

/// `de_AT.UTF-8@euro` as `de-AT`. None for `C` and `POSIX`, which are nobody's language.
fn bcp_47(posix: &str) -> Option<String> {
    let tag = posix.split(['.', '@']).next()?.replace('_', "-");
    let mut parts = tag.split('-');
    let language = parts.next()?;
    let is_language = (2..=8).contains(&language.len()) && language.bytes().all(|c| c.is_ascii_alphabetic());
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
    (is_language && tag != "POSIX" && parts.all(is_part)).then_some(tag)
}

/// The time zone, if it is given by its name and not as a rule or a file.
pub(super) fn time_zone(environment: &[u8]) -> Option<String> {
    let zone = variable(environment, "TZ")?;
    let zone = zone.strip_prefix(':').unwrap_or(zone);
    (zone == "UTC" || is_zone(zone)).then(|| zone.to_owned())
}

/// The name of a zone behind the folder of all zones: of `/usr/share/zoneinfo/Europe/Vienna`.
pub(super) fn zone_of_path(path: &str) -> Option<String> {
    let zone = path.split_once("/zoneinfo/")?.1;
    let zone = zone.strip_prefix("posix/").or(zone.strip_prefix("right/")).unwrap_or(zone);
    (!zone.is_empty()).then(|| zone.to_owned())
}

/// `Europe/Vienna`, `America/Argentina/Buenos_Aires`, `Etc/GMT+1`.
fn is_zone(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'+' | b'/');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.contains('/') && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_first_that_is_said() {
        let of = |environment: &str| locale(environment.as_bytes());
        assert_eq!(of("LANG=de_AT.UTF-8\0").as_deref(), Some("de-AT"));
        assert_eq!(of("LANG=de_AT\0LC_MESSAGES=fr_CA\0LC_ALL=en_GB.utf8@x\0").as_deref(), Some("en-GB"));
        assert_eq!(of("LC_ALL=\0LC_MESSAGES=fr\0LANG=de_AT\0").as_deref(), Some("fr"));
        assert_eq!(of("XLANG=x\0LANGUAGE=de\0LANG=sr_Latn_RS@latin").as_deref(), Some("sr-Latn-RS"));
        for none in
            ["", "LANG", "LANG=C", "LANG=C.UTF-8", "LANG=POSIX", "LANG=/x/y", "LANG=de_", "LANG=d1", "=\0\0"]
        {
            assert_eq!(of(none), None, "{none:?}");
        }
        assert_eq!(of("LC_ALL=C\0LANG=de_AT\0"), None, "it was said");
        assert_eq!(locale(b"LANG=\xff\xfe\0"), None);
        assert_eq!(locale(&[b'x'; 4_096]), None);
    }

    #[test]
    fn a_time_zone_has_a_name() {
        let of = |zone: &str| time_zone(format!("A=b\0TZ={zone}\0").as_bytes());
        for zone in ["Europe/Vienna", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "UTC"] {
            assert_eq!(of(zone).as_deref(), Some(zone));
            assert_eq!(of(&format!(":{zone}")).as_deref(), Some(zone));
        }
        for none in ["", "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3", "/etc/localtime", ":/x/y", "../x"] {
            assert_eq!(of(none), None, "{none}");
        }
        for path in ["/usr/share/zoneinfo/Europe/Vienna", "../usr/share/zoneinfo/posix/Europe/Vienna"] {
            assert_eq!(zone_of_path(path).as_deref(), Some("Europe/Vienna"));
        }
        assert_eq!((zone_of_path("/etc/zone"), zone_of_path("/usr/share/zoneinfo/")), (None, None));
    }
}
