//! How connections are made: name, proxy, socket and TLS within one time limit, and each tied to the call that uses it.

use std::fmt;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Proxy};

use super::line::{Line, Socket};

/// Leaves the name for the [`Dialer`]: ureq would look it up for every request, those over an open connection
/// included.
#[derive(Debug)]
pub(super) struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// Makes connections by a chain of connectors. Looking up the name and connecting cannot be interrupted, only waited
/// for until the time is over; everything after that ends when the call is cancelled.
pub(super) struct Dialer<C> {
    resolver: DefaultResolver,
    chain: C,
}

impl<C> Dialer<C> {
    pub fn new(chain: C) -> Self {
        Self { resolver: DefaultResolver::default(), chain }
    }

    fn addresses(&self, details: &ConnectionDetails) -> Result<ResolvedSocketAddrs, Error> {
        let by_proxy = |proxy: &Proxy| !proxy.is_no_proxy(details.uri) && !proxy.resolve_target();
        let mut addresses = self.resolver.empty();
        if !details.addrs.is_empty() {
            // The proxy's own: they were looked up on the way here.
            details.addrs.iter().for_each(|address| addresses.push(*address));
        } else if !details.config.proxy().is_some_and(by_proxy) {
            addresses = self.resolver.resolve(details.uri, details.config, details.timeout)?;
        }
        Ok(addresses)
    }
}

impl<C: Connector<()>> Connector<()> for Dialer<C> {
    type Out = Tied;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Tied>, Error> {
        let line = Line::current();
        if line.is_cut() {
            return Err(Error::ConnectionFailed);
        }
        let addrs = self.addresses(details)?;
        let held = Arc::clone(&line);
        let details = ConnectionDetails {
            addrs,
            resolver: &self.resolver,
            now: (details.current_time)(),
            timeout: left(details),
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            // Called with each socket before anything is sent over it.
            register_shutdown: Arc::new(move |socket| held.hold(&socket)),
            ..*details
        };
        let transport = self.chain.connect(&details, None)?;
        let socket = line.socket();
        Ok(transport.map(|transport| Tied { transport: Box::new(transport), socket }))
    }
}

/// What is left of the time to connect.
pub(super) fn left(details: &ConnectionDetails) -> NextTimeout {
    let after = match (details.timeout.after, details.now, (details.current_time)()) {
        (Duration::Exact(limit), Instant::Exact(start), Instant::Exact(now)) => {
            Duration::Exact(limit.saturating_sub(now.saturating_duration_since(start)))
        }
        (limit, ..) => limit,
    };
    NextTimeout { after, ..details.timeout }
}

/// A connection that tells each call which socket it is on.
#[derive(Debug)]
pub(super) struct Tied {
    transport: Box<dyn Transport>,
    socket: Option<Socket>,
}

impl Transport for Tied {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    /// Each request begins with this, so that it is enough to tell the call here.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.socket.as_ref().map_or(Ok(()), |socket| Line::current().hold(socket))?;
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let has_come = self.transport.await_input(timeout)?;
        Line::current().hear(self.transport.buffers().input());
        Ok(has_come)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

impl<C> fmt::Debug for Dialer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}
