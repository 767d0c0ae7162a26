//! One TCP connection to a server, relayed for one client object, and for one only.
//!
//! The client crate reconnects by itself, and then sends the operations it was given while it was
//! disconnected: a write given up long ago could come after its own repetition. So a client gets an address
//! on loopback that accepts a single connection. Once that connection has ended, the client can reach no
//! server, and what it has not sent is never sent.

use std::io;
use std::time::Duration;

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connect_string::ZkServer;

/// A way to a server that works once.
pub(super) struct Relay {
    /// The address to connect to, `host:port`.
    pub address: String,
    /// Cancelled as soon as nothing is relayed any more. Cancelling it, or dropping the relay, ends it at
    /// once.
    pub ended: CancellationToken,
    _ends_when_dropped: DropGuard,
}

impl Relay {
    /// Connects to the server within `limit` and waits for one client.
    pub async fn to(server: &ZkServer, limit: Duration) -> io::Result<Self> {
        let connecting = TcpStream::connect((server.host.as_str(), server.port));
        let upstream = timeout(limit, connecting).await??;
        upstream.set_nodelay(true)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let ended = CancellationToken::new();
        tokio::spawn({
            let ended = ended.clone();
            async move {
                tokio::select! {
                    () = ended.cancelled() => {}
                    _ = carry(listener, upstream) => ended.cancel(),
                }
            }
        });
        Ok(Self { address, _ends_when_dropped: ended.clone().drop_guard(), ended })
    }
}

/// Accepts one connection, closes the listener, and relays bytes until either side has no more to send.
async fn carry(listener: TcpListener, mut upstream: TcpStream) -> io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    drop(listener);
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = upstream.split();
    tokio::select! {
        carried = copy(&mut from_client, &mut to_server) => carried,
        carried = copy(&mut from_server, &mut to_client) => carried,
    }
    .map(drop)
}
