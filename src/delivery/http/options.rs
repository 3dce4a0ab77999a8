//! What can be set of the transport.

use std::fmt;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::Proxy;

use crate::delivery::policy;
use crate::error::{Result, invalid};

/// What can be set of an [`HttpTransport`](super::HttpTransport).
#[derive(Clone)]
pub struct HttpOptions {
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
    pub(super) route: Route,
    pub(super) roots: RootCertStore,
}

/// How receivers are reached.
#[derive(Clone)]
pub(super) enum Route {
    AsTheEnvironmentSays,
    Direct,
    Through(Proxy),
}

impl Default for HttpOptions {
    /// The limits of [`policy`], a proxy if the environment names one, Mozilla's roots.
    fn default() -> Self {
        Self {
            connect_timeout: policy::CONNECT_TIMEOUT,
            request_timeout: policy::REQUEST_TIMEOUT,
            route: Route::AsTheEnvironmentSays,
            roots: RootCertStore::empty(),
        }
    }
}

impl HttpOptions {
    /// The time to connect: looking up the name, the proxy and TLS included. [`policy::CONNECT_TIMEOUT`] by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = within_reason(timeout);
        self
    }

    /// The time of a whole request, connecting and redirects included. [`policy::REQUEST_TIMEOUT`] by default.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = within_reason(timeout);
        self
    }

    /// A proxy for all receivers, `http://`, `https://`, `socks4://` or `socks5://`, with user and password if it
    /// wants them. HTTP proxies must allow CONNECT. By default the environment says (`ALL_PROXY`, `HTTPS_PROXY`,
    /// `HTTP_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        // The URL may hold a password: the message does not repeat it.
        let proxy = Proxy::new(url).map_err(|_| {
            invalid(
                "proxy: expected a URL like http://proxy.example:8080, with http, https, socks4 or socks5",
            )
        })?;
        self.route = Route::Through(proxy);
        Ok(self)
    }

    /// No proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.route = Route::Direct;
        self
    }

    /// Certificates, in PEM, that are trusted as roots beside Mozilla's: for receivers with a certificate of one's
    /// own.
    pub fn root_certificates(mut self, pem: &str) -> Result<Self> {
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| invalid(format!("root_certificates: {error}")))?;
            self.roots.add(certificate).map_err(|error| invalid(format!("root_certificates: {error}")))?;
        }
        if self.roots.len() == before {
            return Err(invalid("root_certificates: there is no certificate in the PEM text"));
        }
        Ok(self)
    }
}

/// Longer than a day is never, and would not fit on every clock.
fn within_reason(timeout: Duration) -> Duration {
    timeout.min(policy::LONGEST_WAIT)
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("proxy", &self.route)
            .field("root_certificates", &self.roots.len())
            .finish()
    }
}

impl fmt::Debug for Route {
    /// Without the proxy's address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsTheEnvironmentSays => "as the environment says",
            Self::Direct => "none",
            Self::Through(_) => "set",
        })
    }
}
