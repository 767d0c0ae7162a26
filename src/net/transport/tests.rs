//! Connections over a transport that is no plain socket: every byte is changed by a key that the handshake
//! agrees on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::base::{Endpoint, Records, SecurityProtocol};
use crate::config::{BrokerConfig, Properties};
use crate::net::handshake::{Accepted, Authenticated, ClientAuthenticator, ServerAuthenticator};
use crate::net::limits::SocketLimits;
use crate::net::listener::{Listener, ListenerEnds};
use crate::net::peer::{Peer, PeerOptions};
use crate::net::{Answer, Caller, Dispatch};
use crate::security::KafkaPrincipal;
use crate::security::listeners::SecuredEndpoint;
use crate::wire::message::controlled_shutdown::ControlledShutdownRequest;

const KEY: u8 = 0x5a;
const LONG: Duration = Duration::from_secs(30);

/// A stream whose bytes are changed by a key.
struct Masked {
    stream: TcpStream,
    key: u8,
}

#[derive(Debug)]
struct MaskedReader {
    half: OwnedReadHalf,
    key: u8,
}

#[derive(Debug)]
struct MaskedWriter {
    half: OwnedWriteHalf,
    key: u8,
}

fn mask(bytes: &mut [u8], key: u8) {
    bytes.iter_mut().for_each(|byte| *byte ^= key);
}

impl TransportLayer for Masked {
    type Reader = MaskedReader;
    type Writer = MaskedWriter;

    fn into_halves(self) -> (MaskedReader, MaskedWriter) {
        let Self { stream, key } = self;
        let (reader, writer) = stream.into_split();
        (MaskedReader { half: reader, key }, MaskedWriter { half: writer, key })
    }
}

impl AsyncRead for MaskedReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.half).poll_read(context, buffer);
        mask(&mut buffer.filled_mut()[before..], self.key);
        polled
    }
}

impl ReadHalf for MaskedReader {
    async fn readable(&mut self) -> io::Result<()> {
        ReadHalf::readable(&mut self.half).await
    }

    fn try_read_buf(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        let before = buffer.len();
        let read = ReadHalf::try_read_buf(&mut self.half, buffer)?;
        mask(&mut buffer[before..], self.key);
        Ok(read)
    }

    async fn ended(&mut self) -> ConnectionEnd {
        self.half.ended().await
    }

    fn close(self) {
        self.half.close();
    }
}

impl WriteHalf for MaskedWriter {
    async fn send_memory(
        &mut self,
        pieces: &mut Vec<Bytes>,
        _: Behind,
        activity: &Activity,
    ) -> io::Result<()> {
        for piece in pieces.drain(..) {
            let mut piece = piece.to_vec();
            mask(&mut piece, self.key);
            self.half.write_all(&piece).await?;
            activity.mark();
        }
        Ok(())
    }
}

/// The caller sends its key and gets it back changed by itself. A caller whose key is 0 is refused.
#[derive(Clone)]
struct Keys;

impl ServerAuthenticator for Keys {
    type Transport = Masked;

    async fn authenticate(
        &self,
        mut stream: TcpStream,
        accepted: &Accepted,
    ) -> io::Result<Authenticated<Masked>> {
        let key = stream.read_u8().await?;
        if key == 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no key"));
        }
        stream.write_u8(!key).await?;
        let principal = KafkaPrincipal::user(format!("{}-{key}", accepted.listener)).into();
        Ok(Authenticated { transport: Masked { stream, key }, principal, reauthentication: None })
    }
}

impl ClientAuthenticator for Keys {
    type Transport = Masked;

    async fn authenticate(&self, mut stream: TcpStream, _: &str) -> io::Result<Masked> {
        stream.write_u8(KEY).await?;
        match stream.read_u8().await? {
            answer if answer == !KEY => Ok(Masked { stream, key: KEY }),
            _ => Err(io::Error::new(io::ErrorKind::PermissionDenied, "another key")),
        }
    }
}

/// Answers every request with a head, a run of a file, and the name of its caller.
struct Files(FileSlice);

impl Dispatch for Files {
    fn dispatch(&self, caller: &Arc<Caller>, frame: Bytes) -> BoxFuture<'static, Answer> {
        let name = caller.principal.name.clone();
        let pieces =
            vec![Records::Memory(frame), Records::File(self.0.clone()), Records::Memory(name.into())];
        Box::pin(async { Answer::Now(pieces.into()) })
    }
}

/// Answers ControlledShutdown, version 1, with an error code and no partitions, which stand in a file.
struct ShutDown(FileSlice);

impl Dispatch for ShutDown {
    fn dispatch(&self, _: &Arc<Caller>, frame: Bytes) -> BoxFuture<'static, Answer> {
        let head = [&10_u32.to_be_bytes()[..], &frame[4..8]].concat();
        let pieces = vec![Records::Memory(head.into()), Records::File(self.0.clone())];
        Box::pin(async { Answer::Now(pieces.into()) })
    }
}

/// A run of a file, behind a byte that is not part of it.
fn file_of(content: &[u8]) -> FileSlice {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &[&[9], content].concat()).unwrap();
    FileSlice { file: Arc::new(file), position: 1, length: content.len() as u32 }
}

struct Server {
    port: u16,
    limits: Arc<SocketLimits>,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(dispatch: impl Dispatch, idle: &str) -> Self {
        let mut properties = Properties::default();
        properties.set("zookeeper.connect", "localhost:2181");
        properties.set("connections.max.idle.ms", idle);
        let config = BrokerConfig::read(&properties).unwrap().config;
        let limits = SocketLimits::new(&config, &properties).unwrap();
        let endpoint = Endpoint {
            listener: "PLAINTEXT".to_owned(),
            protocol: SecurityProtocol::Plaintext,
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        let endpoint = SecuredEndpoint { endpoint, sasl: None };
        let listener = Listener::bind(&endpoint, &limits).await.unwrap();
        let port = u16::try_from(listener.endpoint().port).unwrap();
        let stop = CancellationToken::new();
        let (ends, _) = ListenerEnds::new(stop.clone(), stop.clone());
        let serving = listener.serve_authenticated(Keys, Arc::new(dispatch), limits.clone(), ends);
        Self { port, limits, stop, serving: tokio::spawn(serving) }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Stops, once every connection has ended by itself.
    async fn finish(self) {
        while self.limits.connections.count() > 0 {
            tokio::task::yield_now().await;
        }
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

#[tokio::test]
async fn requests_and_answers_with_files_pass_also_behind_a_half_close() {
    let content: Vec<u8> = (0..3 * FILE_PIECE + 7).map(|at| (at / 5) as u8).collect();
    let server = Server::start(Files(file_of(&content)), "600000").await;
    let mut client = server.connect().await;
    client.write_all(&[KEY]).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), !KEY);
    let mut requests = vec![0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9];
    mask(&mut requests, KEY);
    client.write_all(&requests).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answers = Vec::new();
    client.read_to_end(&mut answers).await.unwrap();
    mask(&mut answers, KEY);
    let name = format!("PLAINTEXT-{KEY}");
    let answer = |head: &[u8]| [head, &content, name.as_bytes()].concat();
    assert!(answers == [answer(&[7]), answer(&[8, 9])].concat());
    server.finish().await;
}

#[tokio::test]
async fn a_peer_calls_over_any_transport() {
    let server = Server::start(ShutDown(file_of(&[0; 6])), "600000").await;
    let options = PeerOptions::default();
    let peer = Peer::connect_authenticated(&Keys, "127.0.0.1", server.port, options, LONG).await.unwrap();
    for _ in 0..2 {
        let response = peer.call(&ControlledShutdownRequest::default(), 1, LONG).await.unwrap();
        assert_eq!(response.error_code, 0);
    }
    drop(peer);
    server.finish().await;
}

#[tokio::test]
async fn a_caller_that_fails_the_handshake_is_disconnected_unread() {
    let server = Server::start(Files(file_of(&[])), "600000").await;
    let mut client = server.connect().await;
    client.write_all(&[0, 0, 0, 0, 1, 7]).await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
    server.finish().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let server = Server::start(Files(file_of(&[])), "500").await;
    let mut client = server.connect().await;
    assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
    server.finish().await;
}

#[tokio::test]
async fn a_broker_that_stops_waits_for_no_handshake() {
    let server = Server::start(Files(file_of(&[])), "600000").await;
    let mut client = server.connect().await;
    while server.limits.connections.count() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop.cancel();
    assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
    server.finish().await;
}

#[tokio::test]
async fn a_file_that_is_shorter_than_its_run_is_an_error() {
    let server = Server::start(Files(FileSlice { length: 10, ..file_of(&[7; 5]) }), "600000").await;
    let mut client = server.connect().await;
    client.write_all(&[KEY, KEY, KEY, KEY, KEY ^ 1, 7]).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [!KEY, 7], "the answer ends before the run");
    server.finish().await;
}
