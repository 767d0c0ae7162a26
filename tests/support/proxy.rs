//! A TCP proxy on loopback that a test can cut and mend: what a network partition looks like to both sides.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Carries bytes between its own port and a server, until it is cut.
pub struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    cut: bool,
    streams: Vec<TcpStream>,
}

impl Proxy {
    /// A proxy in front of `server` (`host:port`).
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { cut: false, streams: Vec::new() }));
        let (server, shared) = (server.to_owned(), state.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = shared.lock().unwrap();
                if state.cut {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || carry(from, to));
                }
                state.streams.extend([client, upstream]);
            }
        });
        Self { port, state }
    }

    /// Its `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends every connection and carries no new one.
    pub fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.cut = true;
        for stream in state.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Carries connections again.
    pub fn mend(&self) {
        self.state.lock().unwrap().cut = false;
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
