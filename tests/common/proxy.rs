//! A proxy that knows CONNECT and SOCKS 5, as far as it takes.
#![allow(dead_code)] // each test program uses its own part

use std::io::{self, BufRead, BufReader, Read, Write};
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

    pub fn socks_url(&self) -> String {
        format!("socks5://{}", self.address)
    }

    /// The request line and the headers of each tunnel; of one by SOCKS the address.
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
    let (asked, yes) = match reader.fill_buf()?.first() {
        Some(5) => (socks(&mut reader, &client)?, &b"\x05\0\0\x01\0\0\0\0\0\0"[..]),
        _ => (connect(&mut reader)?, &b"HTTP/1.1 200 Connection established\r\n\r\n"[..]),
    };
    tunnels.lock().unwrap().push(asked.clone());
    let target = asked.split(' ').nth(1).unwrap_or_default();
    let server = TcpStream::connect(target)?;
    (&client).write_all(yes)?;
    let (mut back, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || pass(&mut back, &mut to_client));
    pass(&mut reader, &mut &server);
    let _ = answers.join();
    Ok(())
}

fn connect(reader: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    Ok(head)
}

/// The greeting and the request, which names an IPv4 address.
fn socks(reader: &mut impl Read, mut client: &TcpStream) -> io::Result<String> {
    let mut greeting = [0; 2];
    reader.read_exact(&mut greeting)?;
    reader.read_exact(&mut vec![0; greeting[1].into()])?;
    client.write_all(b"\x05\0")?;
    let mut asked = [0; 10];
    reader.read_exact(&mut asked)?;
    let [.., a, b, c, d, high, low] = asked;
    Ok(format!("SOCKS {a}.{b}.{c}.{d}:{}", u16::from_be_bytes([high, low])))
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
