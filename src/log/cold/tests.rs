use std::io::Write;

use super::*;

/// A file of which nothing is in memory, where the file system can do without; whether that is so.
fn cold_file(bytes: &[u8]) -> (File, bool) {
    let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let mut byte = [0];
    let looked = rustix::io::preadv2(&file, &mut [io::IoSliceMut::new(&mut byte)], 0, ReadWriteFlags::NOWAIT);
    (file, looked == Err(Errno::AGAIN))
}

fn bytes() -> Vec<u8> {
    (0..200_000u32).map(|number| number as u8).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_lies_on_disk_alone_is_read_whole() {
    let (file, cold) = cold_file(&bytes());
    if !cold {
        println!("SKIPPED in part: this file system keeps all in memory");
    }
    let reading = tokio::spawn(async move {
        let mut read = vec![0; 150_000];
        read_exact_at(&file, &mut read, 1000).unwrap();
        let mut again = vec![0; 150_000];
        read_exact_at(&file, &mut again, 1000).unwrap();
        assert_eq!(read, again);
        read
    });
    assert_eq!(reading.await.unwrap(), bytes()[1000..151_000]);
}

#[test]
fn a_file_that_ends_before_is_an_error() {
    let (file, _) = cold_file(b"short");
    let error = read_exact_at(&file, &mut [0; 10], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_append_that_waits_for_the_disk_does_not_hold_up_others() {
    let (sender, receiver) = std::sync::mpsc::channel();
    // On the only thread: it can end only if the other task runs meanwhile.
    let waiting = tokio::spawn(async move {
        tokio::spawn(async move { sender.send(()).unwrap() });
        patiently(|| receiver.recv_timeout(std::time::Duration::from_secs(20)))
    });
    assert_eq!(waiting.await.unwrap(), Ok(()));
}
