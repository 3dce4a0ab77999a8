//! A receiver on the loopback, for tests and benches: HTTP/1.1 with keep-alive, behaving as a script says, badly included.
#![allow(dead_code)] // each test program uses its own part

#[path = "messages.rs"]
mod messages;

use std::error::Error;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub use messages::{Received, Reply};

/// How long anything may take on a slow machine before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What becomes of a request, and how many came before it.
pub trait Script: Fn(&Received, usize) -> Reply + Send + Sync + 'static {}
impl<T: Fn(&Received, usize) -> Reply + Send + Sync + 'static> Script for T {}

/// Runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Its one thread serves all connections, and ends with it.
    _runtime: Runtime,
}

struct Shared {
    script: Box<dyn Script>,
    /// With its certificate in PEM.
    tls: Option<(TlsAcceptor, String)>,
    records: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Received>,
    received: usize,
    answered: usize,
    body_bytes: u64,
    connections: usize,
}

impl Server {
    /// Answers each request as the script says.
    pub fn start(script: impl Script) -> Self {
        Self::on("127.0.0.1:0", script).unwrap()
    }

    /// The same at an address of one's own, as that of IPv6.
    pub fn on(address: &str, script: impl Script) -> io::Result<Self> {
        Self::listen(address, Box::new(script), true, None)
    }

    /// Counts requests and keeps none: for benches.
    pub fn counting(script: impl Script) -> Self {
        Self::listen("127.0.0.1:0", Box::new(script), false, None).unwrap()
    }

    /// In TLS, for `localhost`, with a new certificate that nobody knows.
    pub fn tls(script: impl Script) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tls = Some((TlsAcceptor::from(Arc::new(config)), made.cert.pem()));
        Self::listen("127.0.0.1:0", Box::new(script), true, tls).unwrap()
    }

    fn listen(
        address: &str,
        script: Box<dyn Script>,
        records: bool,
        tls: Option<(TlsAcceptor, String)>,
    ) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let (state, changed) = Default::default();
        let shared = Arc::new(Shared { script, tls, records, state, changed });
        runtime.spawn(Arc::clone(&shared).accept(listener));
        Ok(Self { address, shared, _runtime: runtime })
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        match self.shared.tls {
            Some(_) => format!("https://localhost:{}{path}", self.port()),
            None => format!("http://{}{path}", self.address),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its certificate in PEM.
    pub fn certificate(&self) -> &str {
        &self.shared.tls.as_ref().unwrap().1
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.lock().requests.clone()
    }

    /// How many requests came so far.
    pub fn received(&self) -> usize {
        self.shared.lock().received
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// How many bytes of bodies were received and, in floods, sent so far.
    pub fn body_bytes(&self) -> u64 {
        self.shared.lock().body_bytes
    }

    /// Waits until so many requests have come.
    pub fn wait_for(&self, requests: usize) {
        self.wait_while(|state| state.received < requests);
    }

    /// Waits until so many replies are sent, as far as they go. An `Answer` counts from when it is there to be sent.
    pub fn wait_for_replies(&self, replies: usize) {
        self.wait_while(|state| state.answered < replies);
    }

    fn wait_while(&self, is_short: impl Fn(&State) -> bool) {
        let state = self.shared.lock();
        let waiting = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| is_short(state));
        let (state, waited) = waiting.unwrap();
        assert!(!waited.timed_out(), "there are {} requests, {} replies", state.received, state.answered);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// What the other side does to a connection is no failure of the server.
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, peer)) = listener.accept().await {
            self.change(|state| state.connections += 1);
            let _ = stream.set_nodelay(true);
            let own = Arc::clone(&self);
            tokio::spawn(async move {
                let Some((tls, _)) = &own.tls else { return own.serve(stream, peer).await };
                if let Ok(stream) = tls.accept(stream).await {
                    own.serve(stream, peer).await;
                }
            });
        }
    }

    /// One connection, to its end. hyper has it until the script wants something that hyper would not do.
    async fn serve(&self, wire: impl AsyncRead + AsyncWrite + Unpin + Send, peer: SocketAddr) {
        let misbehaviour = OnceLock::new();
        let service = service_fn(|request| self.answer(request, peer, &misbehaviour));
        let mut connection = http1::Builder::new().serve_connection(TokioIo::new(wire), service);
        let _ = (&mut connection).await;
        let mut wire = connection.into_parts().io.into_inner();
        let Some(reply) = misbehaviour.get() else { return };
        let _ = self.misbehave(reply, &mut wire).await;
        // Whatever does not stay open is closed here: before it counts as sent.
        let open = matches!(reply, Reply::Never | Reply::Stall { .. }).then_some(wire);
        self.change(|state| state.answered += 1);
        if open.is_some() {
            pending().await
        }
    }

    /// After an error hyper has written nothing and lets go of the connection.
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        misbehaviour: &OnceLock<Reply>,
    ) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
        let received = Received::read(request, peer).await?;
        let (number, bytes) = (self.lock().received, received.body.len() as u64);
        let reply = (self.script)(&received, number);
        self.change(|state| {
            state.received += 1;
            state.body_bytes += bytes;
            state.answered += usize::from(matches!(reply, Reply::Answer { .. }));
            if self.records {
                state.requests.push(received);
            }
        });
        let Reply::Answer { status, headers, body } = reply else {
            let _ = misbehaviour.set(reply);
            return Err("nothing that hyper would do".into());
        };
        let head = Response::builder().status(status);
        let head = headers.iter().fold(head, |head, (name, value)| head.header(name, value));
        Ok(head.body(body.into()).unwrap())
    }

    async fn misbehave(&self, reply: &Reply, wire: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let head = |length| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        match reply {
            Reply::Cut { announced, sent } | Reply::Stall { announced, sent } => {
                wire.write_all(&head(*announced as u64)).await?;
                wire.write_all(sent).await?;
            }
            Reply::Raw(bytes) => wire.write_all(bytes).await?,
            Reply::Flood(bytes) => {
                wire.write_all(&head(*bytes)).await?;
                let mut left = *bytes;
                while left > 0 {
                    let sent = wire.write(&[b'x'; 64 * 1_024][..left.min(64 * 1_024) as usize]).await?;
                    left -= sent as u64;
                    self.lock().body_bytes += sent as u64;
                }
            }
            Reply::Never | Reply::Close | Reply::Answer { .. } => {}
        }
        wire.flush().await
    }
}
