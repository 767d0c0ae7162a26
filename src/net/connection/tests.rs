use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::*;
use crate::base::SecurityProtocol;
use crate::config::{BrokerConfig, Properties};
use crate::security::KafkaPrincipal;

/// Answers every request with itself, once the test lets it go on.
#[derive(Default)]
struct Echo {
    /// For how long the caller is throttled after each request.
    throttle: Duration,
    /// Whether the next request may be taken while the answer is awaited.
    later: bool,
    begun: Notify,
    go_on: Notify,
    finished: Mutex<Vec<Bytes>>,
    done: Notify,
}

struct Counter(Arc<Echo>);

impl Dispatch for Counter {
    fn dispatch(&self, _: &Arc<Caller>, frame: Bytes) -> BoxFuture<'static, Answer> {
        let echo = self.0.clone();
        Box::pin(async move {
            echo.begun.notify_one();
            echo.go_on.notified().await;
            echo.finished.lock().push(frame.clone());
            echo.done.notify_one();
            let reply =
                Reply { pieces: vec![Records::Memory(frame)], throttle: echo.throttle, observer: None };
            if echo.later { Answer::Later(Box::pin(async { Some(reply) })) } else { Answer::Now(reply) }
        })
    }
}

/// A client whose connection is served.
async fn connected(echo: &Arc<Echo>, stop: &CancellationToken) -> (TcpStream, Arc<SocketLimits>) {
    connected_with(echo, stop, "600000").await
}

/// A client whose connection may be idle for so many milliseconds.
async fn connected_with(
    echo: &Arc<Echo>,
    stop: &CancellationToken,
    idle: &str,
) -> (TcpStream, Arc<SocketLimits>) {
    let mut properties = Properties::default();
    properties.set("zookeeper.connect", "localhost:2181");
    properties.set("connections.max.idle.ms", idle);
    let config = BrokerConfig::read(&properties).unwrap().config;
    let limits = SocketLimits::new(&config, &properties).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, from) = listener.accept().await.unwrap();
    let caller = Caller {
        principal: KafkaPrincipal::anonymous().into(),
        listener: "PLAINTEXT".into(),
        protocol: SecurityProtocol::Plaintext,
        address: from.ip(),
        connection: "test".into(),
        software: limits.metrics.listener(&"PLAINTEXT".into()).software().open(),
        gone: CancellationToken::new(),
    };
    let slot = limits.connections.acquire("PLAINTEXT", from.ip()).await.unwrap();
    let served = Served {
        dispatch: Arc::new(Counter(echo.clone())),
        limits: limits.clone(),
        closed: stop.clone(),
        stop: stop.clone(),
    };
    tokio::spawn(serve(stream, caller, None, slot, served));
    (client, limits)
}

#[tokio::test]
async fn what_has_begun_is_finished_though_its_client_has_left() {
    let (echo, stop) = (Arc::new(Echo::default()), CancellationToken::new());
    let (mut client, limits) = connected(&echo, &stop).await;
    client.write_all(&[0, 0, 0, 1, 7]).await.unwrap();
    echo.begun.notified().await;
    // Broken off, not only closed, so that the other side notices at once.
    rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    drop(client);
    while limits.connections.count() > 0 {
        tokio::task::yield_now().await;
    }
    echo.go_on.notify_one();
    echo.done.notified().await;
    assert_eq!(*echo.finished.lock(), [Bytes::from_static(&[7])]);
}

#[tokio::test]
async fn what_has_begun_is_finished_though_its_connection_was_idle_for_too_long() {
    let (echo, stop) = (Arc::new(Echo::default()), CancellationToken::new());
    let (mut client, _) = connected_with(&echo, &stop, "500").await;
    client.write_all(&[0, 0, 0, 1, 7]).await.unwrap();
    echo.begun.notified().await;
    assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0, "the connection is closed");
    echo.go_on.notify_one();
    echo.done.notified().await;
    assert_eq!(*echo.finished.lock(), [Bytes::from_static(&[7])]);
}

#[tokio::test]
async fn no_request_is_taken_while_answers_hold_too_much() {
    let (echo, stop) = (Arc::new(Echo::default()), CancellationToken::new());
    let (mut client, _) = connected(&echo, &stop).await;
    // Two large answers, of which the sockets' buffers hold only a part, and then a small one.
    let large = 16 << 20;
    let (mut reader, mut writer) = client.split();
    let sending = async {
        for length in [large, 1] {
            writer.write_all(&(length as u32).to_be_bytes()).await.unwrap();
            writer.write_all(&vec![7; length]).await.unwrap();
        }
    };
    let begun = async {
        echo.begun.notified().await;
        echo.go_on.notify_one();
        echo.done.notified().await;
    };
    tokio::join!(sending, begun);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(echo.finished.lock().len(), 1);
    assert!(futures_util::FutureExt::now_or_never(echo.begun.notified()).is_none(), "the second waits");
    reader.read_exact(&mut vec![0; large]).await.unwrap();
    echo.begun.notified().await;
}

#[tokio::test]
async fn a_client_that_closed_one_half_gets_its_answers() {
    let (echo, stop) = (Arc::new(Echo::default()), CancellationToken::new());
    let (mut client, _) = connected(&echo, &stop).await;
    client.write_all(&[0, 0, 0, 1, 7, 0, 0, 0, 1, 8]).await.unwrap();
    client.shutdown().await.unwrap();
    for _ in 0..2 {
        echo.begun.notified().await;
        echo.go_on.notify_one();
    }
    let mut answers = Vec::new();
    client.read_to_end(&mut answers).await.unwrap();
    assert_eq!(answers, [7, 8]);
}

#[tokio::test]
async fn a_broker_that_stops_does_not_wait_for_waiting_requests() {
    let (echo, stop) = (Arc::new(Echo::default()), CancellationToken::new());
    let (mut client, _) = connected(&echo, &stop).await;
    client.write_all(&[0, 0, 0, 1, 7]).await.unwrap();
    echo.begun.notified().await;
    stop.cancel();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_throttled_caller_is_answered_and_then_not_read() {
    for later in [false, true] {
        let echo = Echo { throttle: Duration::from_secs(3600), later, ..Default::default() };
        let (echo, stop) = (Arc::new(echo), CancellationToken::new());
        let (mut client, _) = connected(&echo, &stop).await;
        client.write_all(&[0, 0, 0, 1, 7]).await.unwrap();
        echo.begun.notified().await;
        echo.go_on.notify_one();
        let mut answer = [0];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [7], "the answer itself is not held back");
        client.write_all(&[0, 0, 0, 1, 8]).await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let begun = futures_util::FutureExt::now_or_never(echo.begun.notified());
        assert!(begun.is_none(), "the next request is not taken");
        stop.cancel();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the end is not held back either");
    }
}

#[tokio::test]
async fn a_caller_is_read_again_after_its_throttle() {
    let echo = Echo { throttle: Duration::from_millis(20), later: true, ..Default::default() };
    let (echo, stop) = (Arc::new(echo), CancellationToken::new());
    let (mut client, _) = connected(&echo, &stop).await;
    client.write_all(&[0, 0, 0, 1, 7, 0, 0, 0, 1, 8]).await.unwrap();
    for expected in [7, 8] {
        echo.begun.notified().await;
        echo.go_on.notify_one();
        let mut answer = [0];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [expected]);
    }
}
