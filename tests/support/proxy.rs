//! A TCP proxy on loopback that a test can cut and mend, slow down and delay, as networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Relays bytes between its own port and a server, until it is cut.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    mended: Condvar,
    asked: AtomicUsize,
}

#[derive(Default)]
struct State {
    cut: bool,
    silent: bool,
    /// How many bytes a second a connection carries each way; None for any number.
    rate: Option<usize>,
    /// How long a byte is on its way.
    delay: Duration,
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
                for (from, to, is_request) in [(&client, &upstream, true), (&upstream, &client, false)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || carry(from, to, is_request, &shared));
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

    /// Carries at most so many bytes a second from now on, on each connection and each way.
    pub fn throttle(&self, bytes_per_second: usize) {
        self.shared.state.lock().unwrap().rate = Some(bytes_per_second);
    }

    /// Puts the server so far away from now on: an answer takes twice as long to come back.
    pub fn put_away(&self, one_way: Duration) {
        self.shared.state.lock().unwrap().delay = one_way;
    }

    /// How many bytes clients have sent so far.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Carries connections again, and what was held back.
    pub fn mend(&self) {
        let mut state = self.shared.state.lock().unwrap();
        (state.cut, state.silent) = (false, false);
        self.shared.mended.notify_all();
    }
}

fn carry(mut from: TcpStream, to: TcpStream, is_request: bool, shared: &Arc<Shared>) {
    let (on_the_way, arriving) = mpsc::channel::<(Instant, Vec<u8>)>();
    let (mut sender, held) = (to.try_clone().unwrap(), shared.clone());
    let delivery = std::thread::spawn(move || {
        for (due, bytes) in arriving {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            drop(held.mended.wait_while(held.state.lock().unwrap(), |state| state.silent).unwrap());
            if sender.write_all(&bytes).is_err() {
                break;
            }
        }
    });
    let mut buffer = [0; 16 * 1024];
    loop {
        let (rate, delay) = {
            let state = shared.state.lock().unwrap();
            (state.rate, state.delay)
        };
        let most = rate.map_or(buffer.len(), |rate| (rate / 50).clamp(1, buffer.len()));
        let Ok(count @ 1..) = from.read(&mut buffer[..most]) else { break };
        if is_request {
            shared.asked.fetch_add(count, Ordering::SeqCst);
        }
        if on_the_way.send((Instant::now() + delay, buffer[..count].to_vec())).is_err() {
            break;
        }
        if let Some(rate) = rate {
            std::thread::sleep(Duration::from_secs_f64(count as f64 / rate as f64));
        }
    }
    drop(on_the_way);
    let _ = delivery.join();
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
