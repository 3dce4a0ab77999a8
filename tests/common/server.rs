//! A receiver on the loopback, for tests and benches: HTTP/1.1 with keep-alive, behaving as a script says, badly included.
#![allow(dead_code)] // each test program uses its own part

#[path = "messages.rs"]
mod messages;

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub use messages::{Received, Reply};

/// How long anything may take on a slow machine before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

type Script = dyn Fn(&Received, usize) -> Reply + Send + Sync;

/// Runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    certificate: Option<String>,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    tls: Option<Arc<ServerConfig>>,
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
    stopping: bool,
    /// To wake their threads at the end.
    connections: Vec<TcpStream>,
}

impl Server {
    /// Answers each request as the script says, which gets the request and how many came before it.
    pub fn start(script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0", script).unwrap()
    }

    /// The same at an address of one's own, as that of IPv6.
    pub fn on(
        address: &str,
        script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(address, Box::new(script), true, None)
    }

    /// Counts requests and keeps none: for benches.
    pub fn counting(script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1:0", Box::new(script), false, None).unwrap()
    }

    /// In TLS, for `localhost`, with a new certificate that nobody knows.
    pub fn tls(script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tls = Some((made.cert.pem(), Arc::new(config)));
        Self::listen("127.0.0.1:0", Box::new(script), true, tls).unwrap()
    }

    fn listen(
        address: &str,
        script: Box<Script>,
        records: bool,
        tls: Option<(String, Arc<ServerConfig>)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let (certificate, tls) = tls.unzip();
        let (state, changed) = Default::default();
        let shared = Arc::new(Shared { script, tls, records, state, changed });
        let own = Arc::clone(&shared);
        let accepting = Some(thread::spawn(move || own.accept(&listener)));
        Ok(Self { address, certificate, shared, accepting })
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        match &self.certificate {
            Some(_) => format!("https://localhost:{}{path}", self.port()),
            None => format!("http://{}{path}", self.address),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its certificate in PEM.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap()
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
        self.shared.lock().connections.len()
    }

    /// How many bytes of bodies were received and, in floods, sent so far.
    pub fn body_bytes(&self) -> u64 {
        self.shared.lock().body_bytes
    }

    /// Waits until so many requests have come.
    pub fn wait_for(&self, requests: usize) {
        self.wait(|state| state.received >= requests, "requests");
    }

    /// Waits until so many replies are sent, as far as they go.
    pub fn wait_for_replies(&self, replies: usize) {
        self.wait(|state| state.answered >= replies, "replies");
    }

    fn wait(&self, is_enough: impl Fn(&State) -> bool, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !is_enough(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited for {what}; there are {}", state.received);
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopping = true;
        for connection in &state.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut serving = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            let mut state = self.lock();
            if state.stopping {
                break;
            }
            state.connections.push(stream.try_clone().unwrap());
            drop(state);
            let own = Arc::clone(self);
            serving.push(thread::spawn(move || own.serve(stream)));
        }
        for connection in serving {
            let _ = connection.join();
        }
    }

    /// One connection, to its end. What the other side does to it is no failure of the server.
    fn serve(&self, stream: TcpStream) {
        let Ok(peer) = stream.peer_addr() else { return };
        let _ = stream.set_nodelay(true);
        let end = stream.try_clone().unwrap();
        let wire: Box<dyn Wire> = match &self.tls {
            Some(config) => {
                Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream))
            }
            None => Box::new(stream),
        };
        let mut wire = BufReader::new(wire);
        while let Ok(Some(request)) = messages::read(&mut wire, peer) {
            if !self.answer(request, &mut wire).unwrap_or(false) {
                break;
            }
        }
        let _ = end.shutdown(Shutdown::Both);
    }

    /// True if the connection goes on.
    fn answer(&self, request: Received, wire: &mut BufReader<Box<dyn Wire>>) -> io::Result<bool> {
        let (number, bytes) = (self.lock().received, request.body.len() as u64);
        let reply = (self.script)(&request, number);
        self.change(|state| {
            (state.received, state.body_bytes) = (state.received + 1, state.body_bytes + bytes);
            if self.records {
                state.requests.push(request);
            }
        });
        let goes_on = self.send(&reply, wire.get_mut().as_mut());
        self.change(|state| state.answered += 1);
        if matches!(reply, Reply::Never | Reply::Stall { .. }) {
            io::copy(wire, &mut io::sink())?;
        }
        goes_on
    }

    fn send(&self, reply: &Reply, wire: &mut dyn Wire) -> io::Result<bool> {
        match reply {
            Reply::Answer { status, headers, body } => {
                let mut bytes = messages::head(*status, headers, body.len());
                bytes.extend_from_slice(body);
                wire.write_all(&bytes)?;
                return wire.flush().map(|()| true);
            }
            Reply::Cut { announced, sent } | Reply::Stall { announced, sent } => {
                let mut bytes = messages::head(200, &[], *announced);
                bytes.extend_from_slice(sent);
                wire.write_all(&bytes)?;
            }
            Reply::Raw(bytes) => wire.write_all(bytes)?,
            Reply::Flood(bytes) => {
                self.flood(*bytes, wire)?;
                return Ok(true);
            }
            Reply::Never | Reply::Close => {}
        }
        wire.flush().map(|()| false)
    }

    fn flood(&self, bytes: u64, wire: &mut dyn Wire) -> io::Result<()> {
        wire.write_all(&messages::head(200, &[], bytes as usize))?;
        let piece = [b'x'; 64 * 1_024];
        let mut left = bytes;
        while left > 0 {
            let next = left.min(piece.len() as u64);
            wire.write_all(&piece[..next as usize])?;
            left -= next;
            self.lock().body_bytes += next;
        }
        wire.flush()
    }
}
