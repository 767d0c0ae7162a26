//! Requests sent to a broker at once on one connection, and what comes to each of them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// An answer, without its length.
    Answer(Vec<u8>),
    /// The end of the connection.
    Closed,
    /// Nothing, and the connection goes on.
    Nothing,
}

/// A connection to a broker that is made again where the broker ends it.
pub struct Peer {
    port: u16,
    stream: Option<TcpStream>,
}

impl Peer {
    /// A connection to a port of loopback, made once it is needed.
    pub fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    /// Sends all of these at once.
    pub fn send(&mut self, frames: &[Vec<u8>]) {
        let port = self.port;
        let stream = self.stream.get_or_insert_with(|| connect(port));
        let bytes: Vec<u8> = frames.iter().flat_map(|it| [&length(it)[..], it].concat()).collect();
        // If the broker has ended the connection, the read fails.
        let _ = stream.write_all(&bytes);
    }

    /// What came to each of these, which were sent; what a closed connection left unanswered is sent again on the next,
    /// but for the request it was closed at.
    pub fn receive(&mut self, frames: &[Vec<u8>]) -> Vec<Came> {
        let mut came: Vec<Came> = Vec::new();
        while came.len() < frames.len() {
            match self.answer() {
                Some(answer) => {
                    // A request without an answer has none in front of the next one's.
                    while came.len() < frames.len() && correlation(&answer) != sent_as(&frames[came.len()]) {
                        came.push(Came::Nothing);
                    }
                    came.push(Came::Answer(answer));
                }
                None => {
                    came.push(Came::Closed);
                    self.stream = None;
                    if came.len() < frames.len() {
                        self.send(&frames[came.len()..]);
                    }
                }
            }
        }
        came
    }

    fn answer(&mut self) -> Option<Vec<u8>> {
        let stream = self.stream.as_mut()?;
        let mut length = [0; 4];
        read(stream, &mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        read(stream, &mut answer)?;
        Some(answer)
    }
}

fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    match stream.read_exact(bytes) {
        Ok(()) => Some(()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("no answer within {PATIENCE:?}")
        }
        Err(_) => None,
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn length(frame: &[u8]) -> [u8; 4] {
    u32::try_from(frame.len()).unwrap().to_be_bytes()
}

/// The correlation id of an answer.
fn correlation(answer: &[u8]) -> Option<&[u8]> {
    answer.get(..4)
}

/// The correlation id of a request, behind its key and version.
fn sent_as(request: &[u8]) -> Option<&[u8]> {
    request.get(4..8)
}
