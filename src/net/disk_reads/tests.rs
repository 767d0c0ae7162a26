use futures_util::FutureExt;

use super::*;

#[tokio::test]
async fn a_file_system_that_does_not_answer_holds_up_its_own_reads_alone() {
    // Two file systems: that of the sources, and the one of processes.
    let (stuck, other) = (tempfile::tempfile().unwrap(), File::open("/proc/self/stat").unwrap());
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let receiver = Arc::new(Mutex::new(receiver));
    let reads: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let receiver = receiver.clone();
            tokio::spawn({
                let stuck = stuck.try_clone().unwrap();
                async move { run(Some(&stuck), move || receiver.lock().recv().is_err()).await }
            })
        })
        .collect();
    while turn(Some(&stuck)).now_or_never().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(run(Some(&other), || 7).await.unwrap(), 7);
    assert_eq!(run(None, || 8).await.unwrap(), 8);
    drop(sender);
    for read in reads {
        assert!(read.await.unwrap().unwrap());
    }
    assert_eq!(run(Some(&stuck), || 9).await.unwrap(), 9);
}
