//! A proxy that knows CONNECT and nothing else.
#![allow(dead_code)] // each test program uses its own part

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Remembers who asked for what. Its threads end with their connections, the one that accepts with the proxy.
pub struct Proxy {
    address: SocketAddr,
    tunnels: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tunnels = Arc::<Mutex<Vec<String>>>::default();
        let own = Arc::clone(&tunnels);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // The proxy itself is gone: this is its farewell.
                if Arc::strong_count(&own) == 1 {
                    break;
                }
                let tunnels = Arc::clone(&own);
                thread::spawn(move || tunnel(client, &tunnels));
            }
        });
        Self { address, tunnels }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request line and the headers of each tunnel.
    pub fn tunnels(&self) -> Vec<String> {
        self.tunnels.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tunnels = Arc::default();
        let _ = TcpStream::connect(self.address);
    }
}

fn tunnel(client: TcpStream, tunnels: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    tunnels.lock().unwrap().push(head.clone());
    let target = head.split(' ').nth(1).unwrap_or_default();
    let server = TcpStream::connect(target)?;
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut back, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || pass(&mut back, &mut to_client));
    pass(&mut reader, &mut &server);
    let _ = answers.join();
    Ok(())
}

/// Passes on what comes until either side closes, and closes the other.
fn pass(from: &mut impl io::Read, to: &mut impl SocketWrite) {
    let _ = io::copy(from, to);
    to.close();
}

trait SocketWrite: Write {
    fn close(&self);
}

impl SocketWrite for TcpStream {
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl SocketWrite for &TcpStream {
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}
