//! Bodies in gzip, for the receivers that take it. Done before the transport, so that a host's has it, too.

use crate::protocol::Request;

/// The request with its body in gzip, if the receiver takes that and it is worth it.
#[cfg(feature = "gzip")]
pub(crate) fn compress(mut request: Request) -> Request {
    if !request.takes_gzip || request.body.len() <= super::policy::GZIP_THRESHOLD {
        return request;
    }
    if let Some(body) = gzip(&request.body).filter(|body| body.len() < request.body.len()) {
        request.body = body;
        request.headers.push(("Content-Encoding".into(), "gzip".into()));
    }
    request
}

/// The request as it is: without the feature `gzip` nothing is compressed.
#[cfg(not(feature = "gzip"))]
pub(crate) fn compress(request: Request) -> Request {
    request
}

#[cfg(feature = "gzip")]
fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write;

    // Events repeat themselves: the fastest level already leaves a tenth of them.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::policy::GZIP_THRESHOLD;
    use crate::protocol::Method;

    fn request(body: Vec<u8>, takes_gzip: bool) -> Request {
        let headers = vec![("Content-Type".into(), "application/json".into())];
        Request { method: Method::Post, url: "http://localhost/".into(), headers, body, takes_gzip }
    }

    /// Bytes without a pattern, from a small generator.
    #[cfg(feature = "gzip")]
    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[test]
    fn what_is_short_or_not_taken_stays_as_it_is() {
        for request in [
            request(vec![b'a'; GZIP_THRESHOLD], true),
            request(vec![b'a'; 100_000], false),
            request(Vec::new(), true),
        ] {
            assert_eq!(compress(request.clone()), request);
        }
    }

    #[cfg(not(feature = "gzip"))]
    #[test]
    fn without_the_feature_nothing_is_compressed() {
        let long = request(vec![b'a'; 100_000], true);
        assert_eq!(compress(long.clone()), long);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn a_long_body_is_compressed_and_says_so() {
        use std::io::Read;

        let body = br#"{"event":"cart","value":19.5}"#.repeat(50);
        let sent = compress(request(body.clone(), true));
        assert_eq!(sent.headers[1], ("Content-Encoding".into(), "gzip".into()));
        assert!(sent.body.len() < body.len() / 5, "{} bytes", sent.body.len());
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&sent.body[..]).read_to_end(&mut read).unwrap();
        assert_eq!(read, body);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn one_byte_over_the_threshold_is_enough() {
        assert_eq!(compress(request(vec![b'a'; GZIP_THRESHOLD + 1], true)).headers.len(), 2);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn what_would_not_get_smaller_stays_as_it_is() {
        let noise = request(noise(10_000), true);
        assert_eq!(compress(noise.clone()), noise);
    }
}
