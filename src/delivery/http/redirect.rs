//! Redirects that may be followed: to another place of the same receiver.

use ureq::http::Uri;
use ureq::http::uri::{PathAndQuery, Scheme};

/// Where a request to `from` goes next, if an answer with this status and `Location` may be followed.
pub(super) fn follow(status: u16, location: &str, from: &Uri) -> Option<Uri> {
    if !matches!(status, 307 | 308) {
        return None;
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(resolve(location, from)?.parse::<PathAndQuery>().ok()?);
    // Scheme, host and port stay as they were: they were compared.
    Uri::from_parts(parts).ok()
}

/// Path and query of a location, if it is on the same origin.
fn resolve(location: &str, from: &Uri) -> Option<String> {
    let location = location.split('#').next()?.trim();
    if location.starts_with("//") {
        return on_same_origin(&format!("{}:{location}", from.scheme_str()?), from);
    }
    if has_scheme(location) {
        return on_same_origin(location, from);
    }
    match location.as_bytes().first()? {
        b'/' => Some(location.to_owned()),
        b'?' => Some(format!("{}{location}", from.path())),
        _ => Some(beside(location, from.path())),
    }
}

fn on_same_origin(location: &str, from: &Uri) -> Option<String> {
    let to: Uri = location.parse().ok()?;
    let target = to.path_and_query().map_or("/", PathAndQuery::as_str);
    (origin(&to)? == origin(from)?).then(|| target.to_owned())
}

/// Scheme, host and port, comparable.
fn origin(uri: &Uri) -> Option<(&Scheme, String, u16)> {
    let scheme = uri.scheme()?;
    let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    Some((scheme, uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(usual)))
}

/// A colon before any slash or question mark ends a scheme.
fn has_scheme(location: &str) -> bool {
    location.find([':', '/', '?']).is_some_and(|at| location[at..].starts_with(':'))
}

/// A relative path, taken from that of the request, without `.` and `..`.
fn beside(relative: &str, path: &str) -> String {
    let (relative, query) = relative.split_at(relative.find('?').unwrap_or(relative.len()));
    let mut steps: Vec<&str> = path.split('/').skip(1).collect();
    steps.pop();
    let mut last = relative.split('/').peekable();
    while let Some(step) = last.next() {
        let stays_open = last.peek().is_none() && matches!(step, "." | "..");
        match step {
            "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
        if stays_open {
            steps.push("");
        }
    }
    format!("/{}{query}", steps.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_307_and_308_to_the_same_origin_are_followed() {
        let from = "http://Host.example/a/b?x=1";
        // status, location, where to
        for (status, location, expected) in [
            (307, "/new?y=2", Some("/new?y=2")),
            (308, "/new", Some("/new")),
            (308, "http://host.EXAMPLE:80/new", Some("/new")),
            (308, "HTTP://host.example", Some("/")),
            (308, "//host.example/new#part", Some("/new")),
            (308, "?y=2", Some("/a/b?y=2")),
            (308, "c", Some("/a/c")),
            (308, "./c?y=a:b/c", Some("/a/c?y=a:b/c")),
            (308, "../c/", Some("/c/")),
            (308, "../../../c", Some("/c")),
            (308, "..", Some("/")),
            (301, "/new", None),
            (302, "/new", None),
            (303, "/new", None),
            (300, "/new", None),
            (200, "/new", None),
            (307, "https://host.example/new", None),
            (307, "http://host.example:8080/new", None),
            (307, "http://other.example/new", None),
            (307, "//other.example/new", None),
            (307, "http://host.example@other.example/new", None),
            (307, "ftp://host.example/new", None),
            (307, "mailto:somebody", None),
            (307, "", None),
            (307, "http://", None),
            (307, "/with space", None),
        ] {
            let to = follow(status, location, &from.parse().unwrap());
            let expected = expected.map(|path| format!("http://host.example{path}"));
            assert_eq!(to.map(|to| to.to_string().to_lowercase()), expected, "{status} {location}");
        }
    }

    #[test]
    fn usual_ports_need_not_be_named() {
        let from: Uri = "https://[::1]:443/a".parse().unwrap();
        assert_eq!(follow(307, "https://[::1]/b", &from).unwrap(), "https://[::1]:443/b");
        assert_eq!(follow(307, "https://[::1]:80/b", &from), None);
    }
}
