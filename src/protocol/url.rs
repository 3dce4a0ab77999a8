//! Where a receiver is: the check of its URL, made when it is configured.

use std::net::Ipv6Addr;

use crate::error::{Result, invalid};

/// A receiver's base URL without slashes at its end, its scheme in lower case. Any host is fine: a name, `localhost`,
/// an IPv4 address, an IPv6 literal in brackets; a port and a path may follow. `what` names the option in the error.
///
/// # Errors
/// [`crate::ErrorKind::InvalidArgument`] if it is not http or https, has no host or a bad port, or holds what is no
/// part of a base URL: user names, queries, fragments, spaces, letters that are not ASCII. The message does not
/// repeat it, as it may hold a secret.
pub(crate) fn endpoint(what: &str, url: &str) -> Result<String> {
    let fault = |why: &str| invalid(format!("{what} {why}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(|| fault("is no http or https URL"))?;
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(fault("is no http or https URL"));
    }
    if let Some(why) = letters(rest) {
        return Err(fault(why));
    }
    let rest = rest.trim_end_matches('/');
    let authority = rest.split('/').next().unwrap_or_default();
    match host_and_port(authority) {
        None => Ok(format!("{scheme}://{rest}")),
        Some(why) => Err(fault(why)),
    }
}

/// Checks a path that is put behind a base URL: it begins with a slash.
pub(crate) fn path(what: &str, path: &str) -> Result<()> {
    if !path.starts_with('/') {
        return Err(invalid(format!("{what} does not begin with a slash")));
    }
    letters(path).map_or(Ok(()), |why| Err(invalid(format!("{what} {why}"))))
}

/// What is wrong with the letters.
fn letters(text: &str) -> Option<&'static str> {
    if text.contains(['?', '#']) {
        return Some("has a query or a fragment");
    }
    let bad =
        |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    text.contains(bad).then_some("has letters that must be percent-encoded, or punycode in its host")
}

/// What is wrong with `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_and_port(authority: &str) -> Option<&'static str> {
    if authority.contains('@') {
        return Some("has a user name");
    }
    let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((literal, port))) if literal.parse::<Ipv6Addr>().is_ok() => (literal, port),
        Some(_) => return Some("has a bad IPv6 address"),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Some("has no host");
    }
    let port_is_good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (!port_is_good).then_some("has a bad port")
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn any_host_port_and_path_will_do() {
        for (url, is) in [
            ("http://localhost", "http://localhost"),
            ("HTTPS://Collector.acme.example:8443/", "https://Collector.acme.example:8443"),
            ("http://127.0.0.1:9090/a/b///", "http://127.0.0.1:9090/a/b"),
            ("http://[::1]", "http://[::1]"),
            ("https://[2001:db8::7]:65535/in", "https://[2001:db8::7]:65535/in"),
            ("http://xn--bcher-kva.example/%20a~", "http://xn--bcher-kva.example/%20a~"),
        ] {
            assert_eq!(endpoint("the URL", url).unwrap(), is);
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for url in [
            "",
            "acme.example",
            "//acme.example",
            "ftp://acme.example",
            "http:/acme.example",
            "http://",
            "http:///path",
            "http://:80",
            "http://a b",
            "http://a\n",
            "http://bücher.example",
            "http://a:0",
            "http://a:65536",
            "http://a:+1",
            "http://a:",
            "http://a:80:80",
            "http://[::1",
            "http://[::g]",
            "http://[::1]x",
            "http://::1",
            "http://user:secret@a",
            "http://a?b",
            "http://a/#b",
        ] {
            let error = endpoint("the collector's URL", url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{url}");
            let message = error.to_string();
            assert!(message.starts_with("the collector's URL ") && !message.contains("secret"), "{message}");
        }
        assert!(path("the path", "/a/b").is_ok());
        for bad in ["", "a", "/a?b", "/a b", "/ä"] {
            assert!(path("the path", bad).is_err(), "{bad}");
        }
    }
}
