use std::fs::File;
use std::sync::Arc;

use super::super::writer::send;
use super::*;
use crate::base::Records;

/// A file of two runs of which nothing is in memory, where the file system can drop them.
fn cold_file() -> FileSlice {
    let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    std::io::Write::write_all(&mut file, &vec![7; 2 * RUN as usize]).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    FileSlice { file: Arc::new(file), position: 0, length: 2 * RUN as u32 }
}

fn used() -> Activity {
    Activity::since(tokio::time::Instant::now())
}

#[tokio::test]
async fn what_is_read_from_disk_beforehand_is_sent_from_memory() {
    let slice = cold_file();
    let run = 0..RUN;
    if is_cached(&slice, &run) {
        println!("SKIPPED: this file system keeps all in memory");
        return;
    }
    warm(slice.clone(), run.clone()).await.unwrap();
    assert!(is_cached(&slice, &run));
}

#[tokio::test]
async fn a_file_that_is_not_in_memory_arrives_whole() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let receiving = tokio::spawn(async move {
        let mut received = Vec::new();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut received).await.unwrap();
        received
    });
    let (_, mut out) = listener.accept().await.unwrap().0.into_split();
    let pieces = vec![Records::Memory(Bytes::from_static(b"head")), Records::File(cold_file())];
    send(&mut out, pieces, &used()).await.unwrap();
    drop(out);
    let received = receiving.await.unwrap();
    assert_eq!(&received[..4], b"head");
    assert!(received[4..].iter().all(|byte| *byte == 7));
    assert_eq!(received.len(), 4 + 2 * RUN as usize);
}

#[tokio::test]
async fn many_pieces_arrive_in_order_also_where_the_socket_takes_them_slowly() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (_, mut out) = listener.accept().await.unwrap().0.into_split();
    let pieces: Vec<_> = (0..=255).map(|at: u8| vec![at; usize::from(at) * 200]).collect();
    let whole = pieces.concat();
    let sending = tokio::spawn(async move {
        let pieces = pieces.into_iter().map(|piece| Records::Memory(piece.into())).collect();
        send(&mut out, pieces, &used()).await
    });
    let mut received = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut received).await.unwrap();
    sending.await.unwrap().unwrap();
    assert!(received == whole);
}

#[tokio::test]
async fn a_file_shorter_than_its_run_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _other = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (_, mut out) = listener.accept().await.unwrap().0.into_split();
    let file: Arc<File> = Arc::new(tempfile::tempfile().unwrap());
    let pieces = vec![Records::File(FileSlice { file, position: 0, length: 10 })];
    let error = send(&mut out, pieces, &used()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
