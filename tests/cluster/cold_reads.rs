//! What becomes of other connections while some wait for a disk that does not answer.

use std::fs::{self, File};
use std::io::IoSliceMut;
use std::path::Path;
use std::time::Duration;

use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags};

use crate::support::{Broker, Chroot, Connection, compile_preload, eventually};

const LIMIT: Duration = Duration::from_secs(30);
/// The record that is read back.
const VALUE: &str = "on disk alone";

/// Takes a file out of memory.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
}

/// Whether the file system of a directory can do without a file in memory. Looking brings it back.
fn forgets(directory: &Path) -> bool {
    let path = directory.join("forgotten");
    fs::write(&path, VALUE).unwrap();
    forget(&path);
    let (file, mut byte) = (File::open(path).unwrap(), [0]);
    let looked = rustix::io::preadv2(&file, &mut [IoSliceMut::new(&mut byte)], 0, ReadWriteFlags::NOWAIT);
    looked == Err(Errno::AGAIN)
}

fn await_leader(port: u16, topic: &str) {
    eventually("the topic has a leader", LIMIT, || Connection::to(port)?.has_leader(topic)?.then_some(()));
}

/// The first offset from a time on.
fn offset_by_time(connection: &mut Connection, topic: &str) -> i64 {
    let partition = ListOffsetPartition { timestamp: 1, current_leader_epoch: -1, ..Default::default() };
    let topics = vec![ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] }];
    let request = ListOffsetRequest { replica_id: -1, topics, ..Default::default() };
    connection.call(&request, 4).unwrap().topics[0].partitions[0].offset
}

/// More connections than the broker has threads for requests wait for a disk, by fetching and by looking for
/// an offset by its time. All others are served meanwhile, and those that waited once the disk answers.
#[test]
fn a_connection_that_waits_for_the_disk_does_not_hold_up_others() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    let slow = broker.directory().join("slow");
    let Some(library) = compile_preload("slow_disk.c", broker.directory()) else {
        return println!("SKIPPED: no C compiler");
    };
    if !forgets(broker.directory()) {
        return println!("SKIPPED: this file system keeps all in memory");
    }
    broker.set_environment("LD_PRELOAD", &library.display().to_string());
    broker.set_environment("SLOW_DISK", &slow.display().to_string());
    broker.restart();
    let port = broker.port;
    let threads = std::thread::available_parallelism().unwrap().get();
    let cold: Vec<_> = (0..2 * threads + 2).map(|at| format!("cold-{at}")).collect();
    for topic in cold.iter().map(String::as_str).chain(["warm"]) {
        await_leader(port, topic);
        Connection::to(port).unwrap().produce(topic, VALUE, 1).unwrap().unwrap();
    }
    fs::write(&slow, "").unwrap();
    let read = |(at, topic): (usize, &String)| {
        let mut connection = Connection::to(port).unwrap().with_patience(2 * LIMIT);
        let file = broker.data().join(format!("{topic}-0/00000000000000000000.log"));
        let (topic, slow) = (topic.clone(), slow.clone());
        std::thread::spawn(move || {
            // Again where the disk was quicker than the look at what is in memory.
            while slow.exists() {
                forget(&file);
                match at % 2 {
                    0 => assert_eq!(connection.read_all(&topic), [(0, VALUE.to_owned())]),
                    _ => assert_eq!(offset_by_time(&mut connection, &topic), 0),
                }
            }
        })
    };
    let waiting: Vec<_> = cold.iter().enumerate().map(read).collect();
    eventually("all of them wait for the disk", LIMIT, || {
        (fs::metadata(&slow).unwrap().len() >= waiting.len() as u64).then_some(())
    });

    let mut other = Connection::to(port).unwrap();
    assert_eq!(other.produce("warm", VALUE, 1), Some(Ok(1)));
    assert_eq!(other.read_all("warm").len(), 2);
    assert!(waiting.iter().all(|connection| !connection.is_finished()));

    fs::remove_file(&slow).unwrap();
    waiting.into_iter().for_each(|connection| connection.join().unwrap());
}
