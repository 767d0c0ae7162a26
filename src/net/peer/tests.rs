//! What becomes of a connection whose request is given up.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;
use crate::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// A peer of a server that accepts the connection and does nothing more.
async fn silent() -> (Peer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = Peer::connect("127.0.0.1", port, PeerOptions::default(), LONG).await.unwrap();
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
    assert!(is_timeout(peer.send_unanswered(&large(), 1, SHORT, None).await));
    assert!(is_over(peer.send_unanswered(&small(), 1, LONG, None).await));
}

/// Reads the next request, and returns its correlation id.
fn next_request(server: &mut TcpStream) -> i32 {
    let mut length = [0; 4];
    server.read_exact(&mut length).unwrap();
    let mut request = vec![0; u32::from_be_bytes(length) as usize];
    server.read_exact(&mut request).unwrap();
    i32::from_be_bytes(request[4..8].try_into().unwrap())
}

/// An answer to Metadata, version 1, without brokers and topics.
fn answer(id: i32) -> Vec<u8> {
    [&16i32.to_be_bytes()[..], &id.to_be_bytes(), &[0; 4], &(-1i32).to_be_bytes(), &[0; 4]].concat()
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_is_written_leaves_the_connection_in_order() {
    let (peer, mut server) = silent().await;
    assert!(tokio::time::timeout(SHORT, peer.call(&large(), 1, LONG)).await.is_err());
    let serving = tokio::task::spawn_blocking(move || {
        for _ in 0..2 {
            let id = next_request(&mut server);
            server.write_all(&answer(id)).unwrap();
        }
        server
    });
    peer.call(&small(), 1, LONG).await.unwrap();
    assert!(peer.is_open());
    serving.await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_dropped_has_its_time_too() {
    let (peer, server) = silent().await;
    let waiting = {
        let peer = peer.clone();
        tokio::spawn(async move { peer.call(&small(), 1, LONG).await })
    };
    assert!(tokio::time::timeout(SHORT / 2, peer.call(&large(), 1, SHORT)).await.is_err());
    assert!(is_over(waiting.await.unwrap()));
    assert!(!peer.is_open());
    received(server).await;
}

#[tokio::test]
async fn requests_go_out_in_the_order_of_their_calls_and_their_answers_are_theirs() {
    let (peer, mut server) = silent().await;
    let serving = tokio::task::spawn_blocking(move || {
        let ids: Vec<_> = (0..100).map(|_| next_request(&mut server)).collect();
        let answers: Vec<_> = ids.iter().flat_map(|id| answer(*id)).collect();
        server.write_all(&answers).unwrap();
        ids
    });
    let (first, second) = (small(), small());
    let calls = (0..100).map(|at| peer.call(if at % 2 == 0 { &first } else { &second }, 1, LONG));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
    let ids = serving.await.unwrap();
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn an_answer_that_no_call_waits_for_ends_the_connection() {
    for id in [7, -1] {
        let (peer, mut server) = silent().await;
        let request = small();
        let calling = peer.call(&request, 1, LONG);
        let serving = tokio::task::spawn_blocking(move || {
            next_request(&mut server);
            server.write_all(&answer(id)).unwrap();
            server
        });
        assert!(is_over(calling.await));
        assert!(!peer.is_open());
        serving.await.unwrap();
    }
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
    assert!(peer.is_open());
}
