//! Appends that are stuck, and what goes on meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::*;

/// A runtime for one core and these directories, whose appends are looked at from another.
fn runtimes(disks: &Arc<Disks>, directories: usize) -> (Runtime, Runtime) {
    let runtime = |threads| Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let (data, control) = (runtime(threads(1, directories)), runtime(1));
    let (watched, handle) = (disks.clone(), data.handle().clone());
    control.spawn(async move { watched.watch(handle).await });
    (data, control)
}

/// An append that is stuck until the sender is dropped; it has begun when this returns.
fn stuck(runtime: &Runtime, disk: &Arc<Disk>) -> mpsc::Sender<()> {
    let ((release, waiting), (begin, begun)) = (mpsc::channel::<()>(), mpsc::channel());
    let disk = disk.clone();
    runtime.spawn(async move {
        let work = move || {
            begin.send(()).unwrap();
            let _ = waiting.recv();
        };
        disk.append(AppendTakes::Microseconds, work).await;
    });
    begun.recv().unwrap();
    release
}

/// A server that sends back what it gets.
fn echo(runtime: &Runtime) -> std::net::SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() {
                    stream.write_all(&byte).await.unwrap();
                }
            });
        }
    });
    address
}

fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

#[test]
fn connections_are_served_while_all_appends_of_a_directory_are_stuck() {
    let disks = Arc::<Disks>::default();
    let (data, _control) = runtimes(&disks, 2);
    let address = echo(&data);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let frozen = disks.of(Path::new("/frozen"));
    let releases: Vec<_> = (0..APPENDS_AT_ONCE).map(|_| stuck(&data, &frozen)).collect();
    for _ in 0..100 {
        echoes(&mut stream);
    }
    echoes(&mut TcpStream::connect(address).unwrap());
    let (other, third) = (disks.of(Path::new("/other")), frozen.clone());
    assert_eq!(
        data.block_on(async {
            tokio::spawn(async move { other.append(AppendTakes::Microseconds, || 7).await }).await
        })
        .unwrap(),
        7
    );
    let third = data.spawn(async move { third.append(AppendTakes::Microseconds, || 3).await });
    echoes(&mut stream);
    assert!(!third.is_finished(), "it waits for its turn, without a thread");
    drop(releases);
    assert_eq!(data.block_on(third).unwrap(), 3);
}

#[test]
fn what_a_stuck_thread_was_to_run_next_is_run_by_another() {
    let disks = Arc::<Disks>::default();
    let (data, _control) = runtimes(&disks, 1);
    let disk = disks.of(Path::new("/frozen"));
    let ((release, waiting), (tell, told)) = (mpsc::channel::<()>(), mpsc::channel());
    data.spawn(async move {
        // It is what this thread would run as soon as this task waits.
        tokio::spawn(async move { tell.send(()).unwrap() });
        disk.append(AppendTakes::Microseconds, move || waiting.recv().is_ok()).await;
    });
    told.recv_timeout(Duration::from_secs(60)).expect("run while the append is stuck");
    drop(release);
}

#[test]
fn what_is_not_quick_is_done_on_a_thread_that_may_block() {
    let disks = Disks::default();
    let runtime = Builder::new_current_thread().build().unwrap();
    let here = std::thread::current().id();
    let disk = disks.of(Path::new("/one"));
    let thread = || std::thread::current().id();
    let (quick, slow, job) = runtime.block_on(async {
        (
            disk.append(AppendTakes::Microseconds, thread).await,
            disk.append(AppendTakes::Long, thread).await,
            disk.run(thread).await,
        )
    });
    assert!(quick == here && slow != here && job != here);
}

async fn until_asleep(disks: &Disks, wanted: bool) {
    let reached = async {
        while disks.watch.asleep.load(Ordering::SeqCst) != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("falls asleep, or wakes");
}

#[test]
fn the_watch_sleeps_while_there_are_no_appends() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let disks = Arc::<Disks>::default();
        let watched = disks.clone();
        let watching = tokio::spawn(async move { watched.watch(Handle::current()).await });
        until_asleep(&disks, true).await;
        disks.of(Path::new("/one")).append(AppendTakes::Microseconds, || ()).await;
        until_asleep(&disks, false).await;
        watching.abort();
    });
}
