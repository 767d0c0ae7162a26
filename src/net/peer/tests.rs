//! What becomes of a connection whose request is given up.

use std::io::Read;
use std::net::{TcpListener, TcpStream};

use super::*;
use crate::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// A peer of a server that accepts the connection and does nothing more.
async fn silent() -> (Peer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = Peer::connect("127.0.0.1", port, "test", LONG).await.unwrap();
    let server = listener.accept().unwrap().0;
    server.set_read_timeout(Some(LONG)).unwrap();
    (peer, server)
}

fn small() -> MetadataRequest {
    MetadataRequest::default()
}

/// More than the buffers of a socket hold while the server reads nothing.
fn large() -> MetadataRequest {
    let topic = MetadataRequestTopic { name: "t".repeat(30_000) };
    MetadataRequest { topics: Some(vec![topic; 2000]), ..Default::default() }
}

/// What the server has received, to the end of the connection.
async fn received(mut server: TcpStream) -> usize {
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let _ = server.read_to_end(&mut bytes); // A reset is an end, too.
        bytes.len()
    });
    reading.await.unwrap()
}

fn is_timeout<T>(outcome: Result<T, PeerError>) -> bool {
    matches!(outcome, Err(PeerError::Timeout(SHORT)))
}

fn is_over<T>(outcome: Result<T, PeerError>) -> bool {
    matches!(outcome, Err(PeerError::Io(error)) if error.kind() == io::ErrorKind::ConnectionAborted)
}

#[tokio::test]
async fn a_request_that_could_not_be_written_in_time_is_the_last() {
    let (peer, server) = silent().await;
    assert!(is_timeout(peer.call(&large(), 1, SHORT).await));
    assert!(!peer.is_open());
    assert!(is_over(peer.call(&small(), 1, LONG).await));
    assert!(received(server).await < 60_000_000, "the rest of a request that was given up");
}

#[tokio::test]
async fn a_request_that_needs_no_answer_has_its_time_too() {
    let (peer, _server) = silent().await;
    assert!(is_timeout(peer.send_unanswered(&large(), 1, SHORT).await));
    assert!(is_over(peer.send_unanswered(&small(), 1, LONG).await));
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_writes_ends_the_connection_for_all() {
    let (peer, _server) = silent().await;
    let waiting = {
        let peer = peer.clone();
        tokio::spawn(async move { peer.call(&small(), 1, LONG).await })
    };
    while peer.shared.waiting.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(tokio::time::timeout(SHORT, peer.call(&large(), 1, LONG)).await.is_err());
    assert!(is_over(waiting.await.unwrap()));
    assert!(!peer.is_open());
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_ends_the_connection() {
    let (peer, server) = silent().await;
    assert!(is_timeout(peer.call(&small(), 1, SHORT).await));
    assert!(!peer.is_open());
    received(server).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_leaves_the_connection_to_the_others() {
    let (peer, _server) = silent().await;
    assert!(tokio::time::timeout(SHORT, peer.call(&small(), 1, LONG)).await.is_err());
    assert!(peer.is_open() && peer.shared.waiting.lock().is_empty());
}
