//! The built-in transport: HTTP/1.1 over ureq, TLS over rustls. One connection to a host is kept and used again.

mod dialer;
mod line;
mod options;
mod redirect;
mod tls;

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::{self, HeaderMap, HeaderName, HeaderValue, Uri, header};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, SocksConnector, TcpConnector};
use ureq::{Agent, AsSendBody, Body, Timeout};

pub use self::options::HttpOptions;

use self::dialer::{Dialer, Later};
use self::line::Line;
use self::options::Route;
use self::tls::TlsConnector;
use super::policy::{REDIRECTS, RESPONSE_BYTES};
use super::shown::shown;
use super::transport::{Answer, Call, Transport};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Method, Request};

const USER_AGENT: &str = concat!("sessio/", env!("CARGO_PKG_VERSION"));
/// Buffers of a connection, twice with TLS: ureq's 128 KiB each way are half a megabyte for one receiver. The head of an
/// answer must fit into the one; a usual request passes through the other in one go.
const INPUT_BYTES: usize = 32 * 1_024;
const OUTPUT_BYTES: usize = 64 * 1_024;

/// Carries requests over HTTP and HTTPS. It serves any number of destinations: each blocks in
/// [`send`](Transport::send) on its own thread, and has its own connection.
///
/// ureq speaks to the crate `log`, if the app has a logger for that: up to level debug without path, query, body and the
/// values of headers that may be secret; at level trace **with all that is sent**, keys included. A Rust app that logs at
/// trace should leave out the targets `ureq` and `ureq_proto`.
pub struct HttpTransport {
    agent: Agent,
    request_timeout: Duration,
}

impl HttpTransport {
    /// A transport with these options. The proxy of the environment is read now.
    pub fn new(options: HttpOptions) -> Result<Self> {
        let request_timeout = options.request_timeout;
        let config = config(&options);
        let tls = TlsConnector::new(options.roots)
            .map_err(|error| Error::with_source(ErrorKind::Internal, "TLS cannot be set up", error))?;
        let chain =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(tls);
        Ok(Self { agent: Agent::with_parts(config, Dialer::new(chain), Later), request_timeout })
    }

    /// The answer, after the redirects that may be followed.
    fn exchange(&self, request: &Request) -> std::result::Result<Answer, String> {
        let started = Instant::now();
        let headers = headers(request)?;
        let mut target: Uri = request.url.parse().map_err(|_| "the URL cannot be read")?;
        let mut hops = 0;
        loop {
            let left = self.request_timeout.saturating_sub(started.elapsed());
            let response = self.ask(request, &headers, &target, left).map_err(|error| {
                format!("{}: {}", target.host().unwrap_or("no host"), reason(&error, request))
            })?;
            let next = redirection(&response, &target);
            let answer = read(response);
            match next {
                Some(next) if hops < REDIRECTS => target = next,
                _ => return Ok(answer),
            }
            hops += 1;
        }
    }

    fn ask(
        &self,
        request: &Request,
        headers: &HeaderMap,
        target: &Uri,
        left: Duration,
    ) -> std::result::Result<http::Response<Body>, ureq::Error> {
        match request.method {
            Method::Get => self.run(http::Request::get(target).body(())?, headers, left),
            Method::Post => self.run(http::Request::post(target).body(&request.body[..])?, headers, left),
        }
    }

    fn run<B: AsSendBody>(
        &self,
        mut request: http::Request<B>,
        headers: &HeaderMap,
        left: Duration,
    ) -> std::result::Result<http::Response<Body>, ureq::Error> {
        request.headers_mut().clone_from(headers);
        self.agent.run(self.agent.configure_request(request).timeout_global(Some(left)).build())
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request, call: Call) {
        let line = Arc::<Line>::default();
        let held = Arc::clone(&line);
        call.on_cancel(move || held.cut());
        match line.during(|| self.exchange(&request)) {
            Ok(answer) => call.answer(answer),
            Err(reason) => call.fail(&reason),
        }
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

fn config(options: &HttpOptions) -> Config {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // ureq would not repeat a POST.
        .max_redirects(0)
        .timeout_connect(Some(options.connect_timeout))
        .user_agent(USER_AGENT)
        .accept("")
        .no_delay(true)
        .input_buffer_size(INPUT_BYTES)
        .output_buffer_size(OUTPUT_BYTES);
    match &options.route {
        Route::AsTheEnvironmentSays => config,
        Route::Direct => config.proxy(None),
        Route::Through(proxy) => config.proxy(Some(proxy.clone())),
    }
    .build()
}

fn headers(request: &Request) -> std::result::Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let key =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| "the name of a header cannot be sent")?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("the value of header {name} cannot be sent"))?;
        headers.append(key, value);
    }
    Ok(headers)
}

/// Where to go next, if the answer is a redirect that may be followed.
fn redirection(response: &http::Response<Body>, from: &Uri) -> Option<Uri> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    redirect::follow(response.status().as_u16(), location, from)
}

/// The answer with its body, as far as it comes: the status is there, and that is what counts. A body that is not read
/// to its end costs the connection.
fn read(response: http::Response<Body>) -> Answer {
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let _ = response.into_body().into_reader().take(RESPONSE_BYTES as u64).read_to_end(&mut body);
    Answer { status, retry_after, body }
}

/// Why there is no answer, for the log: without anything of the request, the path and query of its URL included.
fn reason(error: &ureq::Error, request: &Request) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Connect) => "could not connect in time".into(),
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "the host was not found".into(),
        ureq::Error::Tls(problem) => (*problem).into(),
        ureq::Error::ConnectProxyFailed(problem) => format!("the proxy refused: {problem}"),
        ureq::Error::Protocol(_) => {
            format!("the answer is not HTTP: {}", shown(&Line::current().heard(), request, ""))
        }
        ureq::Error::LargeResponseHeader(..) => "the head of the answer is too long".into(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the URL cannot be used".into(),
        _ => "the connection failed".into(),
    }
}
