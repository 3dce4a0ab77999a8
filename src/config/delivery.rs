//! How events are delivered: to whom, over what, and when.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::{DeliveryObserver, Destination, Transport, policy};
#[cfg(feature = "http")]
use crate::delivery::{HttpOptions, HttpTransport};
use crate::error::{Error, Result, invalid};
use crate::protocol::{Device, Protocol};

use super::ConfigBuilder;

/// What is sent while the app is in background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackgroundDelivery {
    /// What is due is sent once; after a failure it waits for the foreground, for new events or for `flush`. A phone
    /// is not kept awake by it.
    #[default]
    Once,
    /// As in foreground: for desktops and servers.
    Always,
    /// Nothing, until the app is in foreground again.
    Never,
}

/// Settings of delivery.
#[derive(Clone)]
pub(crate) struct Delivery {
    /// Names and receivers, checked by [`Delivery::destinations`].
    named: Vec<(String, Arc<dyn Protocol>)>,
    pub transport: Option<Arc<dyn Transport>>,
    pub observer: Option<Arc<dyn DeliveryObserver>>,
    pub background: BackgroundDelivery,
    /// The host asks for requests and carries them.
    pub manual: bool,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    #[cfg(feature = "http")]
    pub http: HttpOptions,
    /// What the host tells about the device.
    pub device: Device,
    pub detect_device: bool,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            named: Vec::new(),
            transport: None,
            observer: None,
            background: BackgroundDelivery::default(),
            manual: false,
            connect_timeout: policy::CONNECT_TIMEOUT,
            request_timeout: policy::REQUEST_TIMEOUT,
            #[cfg(feature = "http")]
            http: HttpOptions::default(),
            device: Device::default(),
            detect_device: true,
        }
    }
}

impl Delivery {
    /// The destinations in the order in which they were added.
    pub fn destinations(&self) -> Result<Vec<Destination>> {
        let destination = |(at, (name, protocol)): (usize, &(String, Arc<dyn Protocol>))| {
            if self.named[..at].iter().any(|(before, _)| before == name) {
                return Err(invalid(format!("there is a destination named {name:?} already")));
            }
            Destination::new(name, Arc::clone(protocol))
        };
        self.named.iter().enumerate().map(destination).collect()
    }

    /// Who carries requests.
    pub fn transport(&self) -> Result<Arc<dyn Transport>> {
        match &self.transport {
            Some(transport) => Ok(Arc::clone(transport)),
            None => self.own_transport(),
        }
    }

    #[cfg(feature = "http")]
    fn own_transport(&self) -> Result<Arc<dyn Transport>> {
        let options = self.http.clone();
        let options = options.connect_timeout(self.connect_timeout).request_timeout(self.request_timeout);
        Ok(Arc::new(HttpTransport::new(options)?))
    }

    #[cfg(not(feature = "http"))]
    fn own_transport(&self) -> Result<Arc<dyn Transport>> {
        Err(no_transport())
    }

    pub(super) fn check(&self) -> Result<()> {
        self.destinations()?;
        self.device.check()?;
        for (what, timeout) in
            [("the connect timeout", self.connect_timeout), ("the request timeout", self.request_timeout)]
        {
            if timeout.is_zero() {
                return Err(invalid(format!("{what} is 0")));
            }
        }
        let carried = self.manual || self.transport.is_some() || cfg!(feature = "http");
        if !self.named.is_empty() && !carried {
            return Err(no_transport());
        }
        Ok(())
    }
}

fn no_transport() -> Error {
    invalid("this build has no HTTP (feature `http`): destinations need a transport of the host's")
}

impl ConfigBuilder {
    /// Adds a destination: a receiver, and the name under which its progress is kept: 1 to 64 of
    /// `A-Z a-z 0-9 . _ -`, each once. Default: none.
    pub fn destination(self, name: &str, protocol: impl Protocol + 'static) -> Self {
        self.shared_destination(name, Arc::new(protocol))
    }

    pub(crate) fn shared_destination(mut self, name: &str, protocol: Arc<dyn Protocol>) -> Self {
        self.0.delivery.named.push((name.to_owned(), protocol));
        self
    }

    /// Who carries requests. Default: the built-in HTTP client (feature `http`).
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.0.delivery.transport = Some(transport);
        self
    }

    /// Whether the host drives delivery by [`crate::Tracker::next_request`], e.g. for uploads in background. Then
    /// nothing is sent by itself. Default false.
    pub fn manual_delivery(mut self, on: bool) -> Self {
        self.0.delivery.manual = on;
        self
    }

    /// Who is told what becomes of events. Default: nobody.
    pub fn delivery_observer(mut self, observer: Arc<dyn DeliveryObserver>) -> Self {
        self.0.delivery.observer = Some(observer);
        self
    }

    /// What is sent in background. Default [`BackgroundDelivery::Once`].
    pub fn background_delivery(mut self, what: BackgroundDelivery) -> Self {
        self.0.delivery.background = what;
        self
    }

    /// How long connecting may take, on the built-in HTTP client. Default 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.0.delivery.connect_timeout = timeout;
        self
    }

    /// How long a whole request may take, also one of the host's transport. Default 30 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.0.delivery.request_timeout = timeout;
        self
    }

    /// Options of the built-in HTTP client: a proxy, roots of trust. Its timeouts are set above. Default: the proxy of
    /// the environment, Mozilla's roots.
    #[cfg(feature = "http")]
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.0.delivery.http = options;
        self
    }

    /// A proxy of the built-in HTTP client; none: whatever the environment says.
    #[cfg(all(feature = "capi", feature = "http"))]
    pub(crate) fn proxy(mut self, url: Option<&str>) -> Result<Self> {
        let http = self.0.delivery.http;
        self.0.delivery.http = match url {
            Some(url) => http.proxy(url)?,
            None => http.no_proxy(),
        };
        Ok(self)
    }

    #[cfg(all(feature = "capi", feature = "http"))]
    pub(crate) fn root_certificates(mut self, pem: &str) -> Result<Self> {
        self.0.delivery.http = self.0.delivery.http.root_certificates(pem)?;
        Ok(self)
    }

    #[cfg(all(feature = "capi", not(feature = "http")))]
    pub(crate) fn proxy(self, _url: Option<&str>) -> Result<Self> {
        Err(invalid("proxy: this build has no HTTP (feature `http`)"))
    }

    #[cfg(all(feature = "capi", not(feature = "http")))]
    pub(crate) fn root_certificates(self, _pem: &str) -> Result<Self> {
        Err(invalid("root_certificates: this build has no HTTP (feature `http`)"))
    }

    /// What receivers are told about the device: each field that is there goes before what the library finds out by
    /// itself. An empty text, or the number 0: they are not told. Texts have at most 255 bytes. Default: everything as
    /// detected.
    pub fn device(mut self, device: Device) -> Self {
        self.0.delivery.device = device;
        self
    }

    /// One field of it by name.
    #[cfg(feature = "capi")]
    pub(crate) fn device_field(mut self, field: &str, value: Option<&str>) -> Result<Self> {
        self.0.delivery.device.set(field, value)?;
        Ok(self)
    }

    /// Whether the library finds out by itself what receivers are told about the device: once per process, on a thread
    /// of its own, and only if there is a destination. Otherwise they are told what [`Self::device`] says. Default true.
    pub fn detect_device(mut self, on: bool) -> Self {
        self.0.delivery.detect_device = on;
        self
    }
}
