//! A TCP proxy on loopback that a test can cut and mend: what a network partition looks like to both sides.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// Carries bytes between its own port and a server, until it is cut.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    mended: Condvar,
}

#[derive(Default)]
struct State {
    cut: bool,
    silent: bool,
    streams: Vec<TcpStream>,
    carried: usize,
}

impl Proxy {
    /// A proxy in front of `server` (`host:port`).
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let all = Arc::new(Shared::default());
        let (server, shared) = (server.to_owned(), all.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = shared.state.lock().unwrap();
                if state.cut {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || carry(from, to, &shared));
                }
                state.streams.extend([client, upstream]);
                state.carried += 1;
            }
        });
        Self { port, shared: all }
    }

    /// Its `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections it has carried so far.
    pub fn carried(&self) -> usize {
        self.shared.state.lock().unwrap().carried
    }

    /// Ends every connection and carries no new one.
    pub fn cut(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.cut = true;
        for stream in state.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Holds back every byte, while all connections stay open: what a network that swallows packets looks like.
    pub fn silence(&self) {
        self.shared.state.lock().unwrap().silent = true;
    }

    /// Carries connections again, and what was held back.
    pub fn mend(&self) {
        let mut state = self.shared.state.lock().unwrap();
        (state.cut, state.silent) = (false, false);
        self.shared.mended.notify_all();
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        drop(shared.mended.wait_while(shared.state.lock().unwrap(), |state| state.silent).unwrap());
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
