//! Headers of the host's own, checked when they are set, so that no request fails or is split by one later.

use std::fmt;

use crate::error::{Result, invalid};

/// What the transport or the body decides.
const TRANSPORT: [&str; 6] =
    ["connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"];

/// Headers in the order in which they were first set; none twice.
#[derive(Clone, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Sets a header. Names in `own` (lower case) are the protocol's. The value stays out of the error: it may be a
    /// secret.
    pub fn set(&mut self, own: &[&str], name: &str, value: &str) -> Result<()> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(invalid(format!("the header's name {name:?} is no token (RFC 9110)")));
        }
        let lower = name.to_ascii_lowercase();
        if own.iter().chain(&TRANSPORT).any(|taken| *taken == lower) {
            return Err(invalid(format!("the header {name} is the library's own and cannot be set")));
        }
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(invalid(format!(
                "the value of the header {name} is not made of visible ASCII letters"
            )));
        }
        let entry = (name.to_owned(), value.to_owned());
        match self.0.iter_mut().find(|(is, _)| is.eq_ignore_ascii_case(name)) {
            Some(old) => *old = entry,
            None => self.0.push(entry),
        }
        Ok(())
    }

    /// The protocol's headers, then the host's.
    pub fn after<'a>(&self, own: impl IntoIterator<Item = (&'a str, String)>) -> Vec<(String, String)> {
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.0.iter().cloned()).collect()
    }
}

/// Names only: values are often keys.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_checked_replaced_and_kept_in_order() {
        let mut headers = Headers::default();
        headers.set(&[], "X-Api-Key", "old").unwrap();
        headers.set(&[], "b!#$%&'*+-.^_`|~9", "").unwrap();
        headers.set(&[], "x-api-key", "a b\t~").unwrap();
        let all = headers.after([("Own", "1".to_owned())]);
        let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(all, [("Own", "1"), ("x-api-key", "a b\t~"), ("b!#$%&'*+-.^_`|~9", "")]);
        assert!(!format!("{headers:?}").contains("a b"));
    }

    #[test]
    fn bad_headers_are_refused_and_values_kept_out_of_errors() {
        let bad =
            [("", "v"), ("a b", "v"), ("a:", "v"), ("ä", "v"), ("a\r\n", "v"), ("Host", "v"), ("OWN", "v")];
        let values = [("a", "secret\r\nX: y"), ("a", "secret\n"), ("a", "secret\0"), ("a", "secrét")];
        for (name, value) in bad.into_iter().chain(values) {
            let error = Headers::default().set(&["own"], name, value).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
            assert!(error.to_string().contains("header") && !error.to_string().contains("secr"), "{error}");
        }
    }
}
