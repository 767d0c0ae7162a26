use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

use super::*;

async fn pair() -> (TcpStream, Frames<OwnedReadHalf>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sender = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let reader = listener.accept().await.unwrap().0.into_split().0;
    (sender, Frames::new(reader, Activity::since(tokio::time::Instant::now())))
}

async fn next(frames: &mut Frames<OwnedReadHalf>) -> io::Result<Option<Bytes>> {
    match frames.announced().await? {
        Some(prefix) => frames.frame(frame::length(prefix, i32::MAX).unwrap()).await.map(Some),
        None => Ok(None),
    }
}

/// Bytes that encode their position and their frame.
fn body(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 3 + number) as u8).collect()
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len()).unwrap();
    [&length.to_be_bytes()[..], body].concat()
}

#[tokio::test]
async fn frames_of_all_sizes_come_one_after_the_other() {
    let (mut sender, mut frames) = pair().await;
    let lengths = [
        0,
        1,
        5,
        AHEAD - 4,
        AHEAD - 1,
        AHEAD,
        AHEAD + 1,
        3,
        FIRST_ROOM,
        3 * FIRST_ROOM + 1,
        0,
        40_000,
        40_000,
    ];
    let sending = tokio::spawn(async move {
        for (number, length) in lengths.into_iter().enumerate() {
            sender.write_all(&framed(&body(number, length))).await.unwrap();
        }
    });
    for (number, length) in lengths.into_iter().enumerate() {
        let frame = next(&mut frames).await.unwrap().unwrap();
        assert!(frame == body(number, length), "frame {number} of {length} bytes");
    }
    sending.await.unwrap();
    assert_eq!(next(&mut frames).await.unwrap(), None);
}

#[tokio::test]
async fn frames_that_come_byte_by_byte_are_put_together() {
    let (mut sender, mut frames) = pair().await;
    sender.set_nodelay(true).unwrap();
    let sending = tokio::spawn(async move {
        for byte in [framed(b"one"), framed(b"two")].concat() {
            sender.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(next(&mut frames).await.unwrap().unwrap(), "one");
    assert_eq!(next(&mut frames).await.unwrap().unwrap(), "two");
    sending.await.unwrap();
}

#[tokio::test]
async fn an_end_within_a_frame_is_an_error() {
    for part in [&framed(b"whole")[..2], &framed(b"whole")[..7], &framed(&[0; 2 * AHEAD])[..AHEAD]] {
        let (mut sender, mut frames) = pair().await;
        sender.write_all(part).await.unwrap();
        drop(sender);
        assert_eq!(next(&mut frames).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn a_new_connection_holds_no_memory() {
    let (_sender, mut frames) = pair().await;
    assert!(futures_util::FutureExt::now_or_never(frames.announced()).is_none());
    assert_eq!(frames.ahead.capacity(), 0);
}

#[tokio::test]
async fn a_client_that_sends_nothing_holds_no_memory() {
    let (mut sender, mut frames) = pair().await;
    sender.write_all(&framed(b"one")).await.unwrap();
    next(&mut frames).await.unwrap();
    // Dropped while it waits for the next frame.
    assert!(futures_util::FutureExt::now_or_never(frames.announced()).is_none());
    assert_eq!(frames.ahead.capacity(), 0);
}

#[tokio::test]
async fn an_end_is_seen_behind_frames_that_were_not_read() {
    for (linger, end) in
        [(None, ConnectionEnd::Closed), (Some(std::time::Duration::ZERO), ConnectionEnd::BrokenOff)]
    {
        let (mut sender, mut frames) = pair().await;
        sender.write_all(&[framed(b"one"), framed(b"two")].concat()).await.unwrap();
        rustix::net::sockopt::set_socket_linger(&sender, linger).unwrap();
        drop(sender);
        assert_eq!(frames.until_ended().await, end);
    }
}
