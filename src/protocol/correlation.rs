//! How an app's own requests and links say which session they belong to.

use uuid::Uuid;

use super::text::{base64, percent};
use crate::error::{Result, invalid};
use crate::ids::SessionId;

/// W3C Baggage: what every platform must take, and so no more than that is sent.
const MOST_BYTES: usize = 8_192;
const MOST_MEMBERS: usize = 64;
/// The member that OpenTelemetry gives a meaning.
const SESSION: &str = "session.id";

/// A value for the header `baggage` that names the session, behind what is `given` already. If both together are over the
/// limits of W3C Baggage (8,192 bytes, 64 members), what is given stays as it is.
pub fn baggage(given: &str, session: &SessionId) -> String {
    let members = given.split(',').map(str::trim).filter(|member| !member.is_empty());
    // Which session it was before is of no use to anybody.
    let others = members.filter(|member| member.split(['=', ';']).next().map(str::trim) != Some(SESSION));
    let own = format!("{SESSION}={}", percent(&session.to_string()));
    let all: Vec<&str> = others.chain([own.as_str()]).collect();
    let whole = all.join(",");
    if whole.len() > MOST_BYTES || all.len() > MOST_MEMBERS { given.to_owned() } else { whole }
}

/// What Snowplow's cross-navigation parameter says.
pub(crate) struct Navigation<'a> {
    pub user_id: Uuid,
    /// UTC, milliseconds since 1970.
    pub now: i64,
    pub session_id: Option<Uuid>,
    pub subject: Option<&'a str>,
    pub source: Option<&'a str>,
    pub platform: Option<&'a str>,
    pub reason: Option<&'a str>,
}

/// A link with the parameter `_sp`, in place of one that is there: what leads from one app or site to the next, so that
/// both know the user. Snowplow's form: `user.time.session.subject.source.platform.reason`, texts of the host's in
/// base64 for URLs, nothing behind the last one that is there.
pub(crate) fn decorate(link: &str, navigation: &Navigation<'_>) -> Result<String> {
    if link.is_empty() || link.chars().any(|c| c.is_ascii_control() || c == ' ') {
        return Err(invalid("the link is empty, or has spaces or control characters"));
    }
    let text = |text: Option<&str>| text.map(url_base64).unwrap_or_default();
    let parts = [
        navigation.user_id.to_string(),
        navigation.now.to_string(),
        navigation.session_id.map(|id| id.to_string()).unwrap_or_default(),
        text(navigation.subject),
        text(navigation.source),
        navigation.platform.unwrap_or_default().to_owned(),
        text(navigation.reason),
    ];
    let value = parts.join(".");
    let (rest, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_ours = |parameter: &str| parameter == "_sp" || parameter.starts_with("_sp=");
    let others = query.split('&').filter(|parameter| !parameter.is_empty() && !is_ours(parameter));
    let own = format!("_sp={}", value.trim_end_matches('.'));
    let query: Vec<&str> = others.chain([own.as_str()]).collect();
    Ok(format!("{path}?{}{fragment}", query.join("&")))
}

fn url_base64(text: &str) -> String {
    base64(text.as_bytes()).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str) -> SessionId {
        SessionId::parse(id).unwrap()
    }

    #[test]
    fn the_session_joins_what_is_given_and_replaces_itself() {
        let id = session("web-1.a");
        for (given, expected) in [
            ("", "session.id=web-1.a"),
            ("  ", "session.id=web-1.a"),
            ("user=7", "user=7,session.id=web-1.a"),
            (" a=1 , b=2;p ,", "a=1,b=2;p,session.id=web-1.a"),
            ("session.id=old;p=1,a=1", "a=1,session.id=web-1.a"),
            ("session.identity=7", "session.identity=7,session.id=web-1.a"),
        ] {
            assert_eq!(baggage(given, &id), expected);
        }
    }

    #[test]
    fn over_the_limits_what_is_given_stays() {
        let id = session("s");
        let long = format!("a={}", "x".repeat(MOST_BYTES - 2 - ",session.id=s".len()));
        assert_eq!(baggage(&long, &id).len(), MOST_BYTES);
        assert_eq!(baggage(&format!("{long}x"), &id), format!("{long}x"));
        let many = ["a=1"; MOST_MEMBERS - 1].join(",");
        assert!(baggage(&many, &id).ends_with(",session.id=s"));
        let too_many = ["a=1"; MOST_MEMBERS].join(",");
        assert_eq!(baggage(&too_many, &id), too_many);
    }

    #[test]
    fn a_link_gets_the_parameter_once_before_its_fragment() {
        let navigation = Navigation {
            user_id: Uuid::from_u128(1),
            now: 7,
            session_id: Some(Uuid::from_u128(2)),
            subject: None,
            source: Some("shöp?"),
            platform: None,
            reason: None,
        };
        let value = "00000000-0000-0000-0000-000000000001.7.00000000-0000-0000-0000-000000000002..c2jDtnA_";
        for (link, expected) in [
            ("https://acme.example", format!("https://acme.example?_sp={value}")),
            ("app://a/b?x=1&_sp=old&y#z", format!("app://a/b?x=1&y&_sp={value}#z")),
            ("https://a/?", format!("https://a/?_sp={value}")),
            ("https://a/#?x", format!("https://a/?_sp={value}#?x")),
        ] {
            assert_eq!(decorate(link, &navigation).unwrap(), expected);
        }
        let alone = Navigation { session_id: None, source: None, ..navigation };
        assert!(decorate("a:b", &alone).unwrap().ends_with("1.7"));
        for bad in ["", "https://a b", "https://a\n"] {
            assert!(decorate(bad, &alone).is_err());
        }
    }
}
