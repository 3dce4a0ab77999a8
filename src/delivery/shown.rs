//! What of an answer that was not expected may go into the log.

use crate::protocol::Request;

/// As much of it does.
pub(super) const SHOWN: usize = 200;
/// As many letters in a row are no coincidence.
const TELLING: usize = 6;

/// The beginning of an answer, for the log: printable, and without what we sent, which may be a key or a user's.
/// `meant`: what the request says in an encoding that the receiver may have undone.
pub(super) fn shown(answer: &[u8], request: &Request, meant: &str) -> String {
    let mut sent = format!("{} {} {meant}", request.url, String::from_utf8_lossy(&request.body));
    request.headers.iter().for_each(|(_, value)| sent.extend([" ", value]));
    let start: Vec<char> = String::from_utf8_lossy(&answer[..answer.len().min(SHOWN)]).chars().collect();
    let mut shown = start.clone();
    for (at, window) in start.windows(TELLING).enumerate() {
        if sent.contains(&window.iter().collect::<String>()) {
            shown[at..at + TELLING].fill('*');
        }
    }
    format!("{:?}", shown.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Method;

    #[test]
    fn nothing_that_was_sent_is_shown() {
        let request = Request {
            method: Method::Post,
            url: "http://localhost/i?uid=anna%40example.org".into(),
            headers: vec![("Authorization".into(), "Bearer secret-key".into())],
            body: br#"{"name":"Anna Beispiel"}"#.to_vec(),
            takes_gzip: false,
        };
        for (answer, expected) in [
            ("no such page", r#""no such page""#),
            ("key=secret-key?", r#""key=**********?""#),
            ("Anna Beispiel?", r#""*************?""#),
            ("anna@example.org?", r#""****************?""#),
            ("line\r\n\u{1b}", r#""line\r\n\u{1b}""#),
        ] {
            assert_eq!(shown(answer.as_bytes(), &request, "anna@example.org"), expected);
        }
        assert_eq!(shown(&[b'x'; 900], &request, "").len(), SHOWN + 2);
    }
}
