//! Other partitions are served while one data directory does not answer, and while large batches are
//! compressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};

use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, compile_preload, eventually};

const LIMIT: Duration = Duration::from_secs(60);
/// More than appends of a directory are under way at once, and than there are threads.
const STUCK: usize = 12;

/// A directory that can be made not to answer.
trait Disk {
    fn path(&self) -> &Path;
    /// What the broker is started with.
    fn environment(&self) -> Vec<(&'static str, String)>;
    fn stall(&self);
    /// Whether any append waits for it.
    fn holds_an_append(&self, broker: &Broker) -> bool;
    fn go_on(&self);
    /// Whether it still lets read.
    fn reads(&self) -> bool;
}

/// A file system of its own, frozen with fsfreeze. Needs root and loop devices.
struct Frozen {
    mount: tempfile::TempDir,
    _image: tempfile::TempDir,
}

impl Frozen {
    fn new() -> Option<Self> {
        let (mount, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = image.path().join("image");
        fs::File::create(&file).unwrap().set_len(64 << 20).unwrap();
        let done = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let made = done(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&file))
            && done(Command::new("mount").args(["-o", "loop"]).arg(&file).arg(mount.path()));
        if !made {
            return None;
        }
        let frozen = Self { mount, _image: image };
        let can = frozen.fsfreeze("--freeze") && frozen.fsfreeze("--unfreeze");
        can.then_some(frozen)
    }

    fn fsfreeze(&self, what: &str) -> bool {
        let run = Command::new("fsfreeze").arg(what).arg(self.mount.path()).output();
        run.is_ok_and(|output| output.status.success())
    }
}

impl Disk for Frozen {
    fn path(&self) -> &Path {
        self.mount.path()
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn stall(&self) {
        assert!(self.fsfreeze("--freeze"));
    }

    fn holds_an_append(&self, broker: &Broker) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", broker.process().id())).unwrap();
        // Uninterruptible sleep: it waits for the file system.
        let waits = |task: fs::DirEntry| {
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('D'))
        };
        tasks.flatten().any(waits)
    }

    fn go_on(&self) {
        assert!(self.fsfreeze("--unfreeze"));
    }

    fn reads(&self) -> bool {
        true
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.fsfreeze("--unfreeze");
        let _ = Command::new("umount").arg("--lazy").arg(self.mount.path()).output();
    }
}

/// A directory of which the C library's calls wait while a file is there; needs a C compiler only. Index
/// entries are written by way of the C library.
struct Held {
    directory: tempfile::TempDir,
    library: PathBuf,
}

impl Held {
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let library = compile_preload("slow_disk.c", directory.path())?;
        fs::create_dir(directory.path().join("data")).unwrap();
        Some(Self { directory, library })
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("slow")
    }
}

impl Disk for Held {
    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("SLOW_WRITES", self.file().display().to_string()),
            ("SLOW_BELOW", self.directory.path().display().to_string()),
        ]
    }

    fn stall(&self) {
        fs::write(self.file(), "").unwrap();
    }

    fn holds_an_append(&self, _: &Broker) -> bool {
        fs::metadata(self.file()).unwrap().len() > 0
    }

    fn go_on(&self) {
        fs::remove_file(self.file()).unwrap();
    }

    fn reads(&self) -> bool {
        false
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.file());
    }
}

#[test]
fn a_frozen_file_system_holds_up_its_own_partitions_only() {
    match Frozen::new() {
        Some(disk) => goes_on(&disk),
        None => println!("SKIPPED: no root, loop devices or fsfreeze"),
    }
}

#[test]
fn a_directory_that_does_not_answer_holds_up_its_own_partitions_only() {
    match Held::new() {
        Some(disk) => goes_on(&disk),
        None => println!("SKIPPED: no C compiler"),
    }
}

/// Two brokers; the first has two directories, one of which is this disk, and leads a topic in each.
fn start(disk: &dyn Disk) -> (Brokers, String, String) {
    let other = tempfile::tempdir().unwrap().keep();
    let log_dirs = format!("{},{}", disk.path().join("data").display(), other.display());
    let settings = [
        ("zookeeper.session.timeout.ms", "3000"),
        ("replica.lag.time.max.ms", "2000"),
        ("log.index.interval.bytes", "0"),
        ("controlled.shutdown.enable", "false"),
    ];
    let mut brokers = Brokers::start_in(Chroot::new(), 2, &settings, |id, _| match id {
        1 => vec![("log.dirs", log_dirs.clone())],
        _ => Vec::new(),
    });
    let first = brokers.broker(1);
    first.stop();
    for (name, value) in disk.environment() {
        first.set_environment(name, &value);
    }
    first.restart();
    for topic in ["one", "two"] {
        brokers.create_topic(topic, "1:2", &[]);
        await_isr(&brokers, topic, &[1, 2]);
        for at in 0..2 {
            assert_eq!(produce(&brokers, topic, -1), Some(Ok(at)));
        }
    }
    let is_there = |topic: &&str| disk.path().join(format!("data/{topic}-0")).exists();
    let (stuck, live) =
        (["one", "two"].into_iter().find(is_there), ["one", "two"].into_iter().find(|it| !is_there(it)));
    (brokers, stuck.expect("one lies there").to_owned(), live.expect("the other does not").to_owned())
}

fn await_isr(brokers: &Brokers, topic: &str, isr: &[i32]) {
    eventually(&format!("the ISR of {topic} is {isr:?}"), LIMIT, || {
        let mut found = brokers.state_of(topic).isr;
        found.sort_unstable();
        (found == isr).then_some(())
    });
    eventually("its leader serves", LIMIT, || brokers.connection(1).has_leader(topic)?.then_some(()));
}

fn produce(brokers: &Brokers, topic: &str, acks: i16) -> Option<Result<i64, i16>> {
    brokers.connection(1).with_patience(LIMIT).produce(topic, "value", acks)
}

/// Connections that each produce a record, whose leader waits for its disk.
fn begin(brokers: &Brokers, topic: &str) -> Vec<JoinHandle<i64>> {
    let port = brokers.all[&1].port;
    let one = |at: usize| {
        let topic = topic.to_owned();
        thread::spawn(move || {
            let mut connection = Connection::to(port).unwrap().with_patience(3 * LIMIT);
            let acks = if at.is_multiple_of(2) { 1 } else { -1 };
            let offset = connection.produce(&topic, "stuck", acks);
            offset.expect("an answer in the end").expect("an offset")
        })
    };
    (0..STUCK).map(one).collect()
}

fn offset_by_time(brokers: &Brokers, topic: &str) -> i64 {
    let partition = ListOffsetPartition { timestamp: 1, current_leader_epoch: -1, ..Default::default() };
    let topics = vec![ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] }];
    let request = ListOffsetRequest { replica_id: -1, isolation_level: 0, topics };
    brokers.connection(1).call(&request, 4).unwrap().topics[0].partitions[0].offset
}

fn goes_on(disk: &dyn Disk) {
    let (mut brokers, stuck, live) = start(disk);
    disk.stall();
    let waiting = begin(&brokers, &stuck);
    eventually("an append is stuck", LIMIT, || disk.holds_an_append(&brokers.all[&1]).then_some(()));

    let none_answered = || assert!(waiting.iter().all(|it| !it.is_finished()), "the disk does not answer");
    // A client of the stuck directory gives up by itself.
    let mut patient = brokers.connection(1).with_patience(Duration::from_secs(1));
    assert_eq!(patient.produce(&stuck, "gives up", -1), None);
    for at in 2..22 {
        assert!(brokers.connection(1).call(&ApiVersionsRequest::default(), 0).is_some());
        assert_eq!(produce(&brokers, &live, -1), Some(Ok(at)), "acknowledged by both");
    }
    assert_eq!(brokers.connection(1).read_all(&live).len(), 22);
    assert_eq!(offset_by_time(&brokers, &live), 0);
    if disk.reads() {
        assert_eq!(brokers.connection(1).read_all(&stuck).len(), 2);
    }
    none_answered();

    // The session, the controller and the ISR's ticks: the other broker dies, this one notices and leads on alone.
    brokers.broker(2).kill();
    await_isr(&brokers, &live, &[1]);
    eventually("broker 1 is the controller", LIMIT, || (brokers.controller() == Some(1)).then_some(()));
    assert_eq!(produce(&brokers, &live, -1), Some(Ok(22)));
    none_answered();

    disk.go_on();
    let mut offsets: Vec<_> = waiting.into_iter().map(|it| it.join().unwrap()).collect();
    offsets.sort_unstable();
    offsets.dedup();
    assert_eq!(offsets.len(), STUCK, "each record has its own place");
    brokers.broker(2).restart();
    for topic in [&stuck, &live] {
        await_isr(&brokers, topic, &[1, 2]);
        assert!(matches!(produce(&brokers, topic, -1), Some(Ok(_))));
    }
    let values: Vec<_> = brokers.connection(1).read_all(&stuck);
    for offset in offsets {
        assert!(values.contains(&(offset, "stuck".to_owned())), "record {offset} was acknowledged");
    }
}

/// Large batches are compressed anew for longer than a request may wait for others.
#[test]
fn large_batches_that_are_compressed_keep_no_other_connection_waiting() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(
        1,
        &chroot.connect(),
        &[("log.dirs", "{directory}/data"), ("compression.type", "gzip")],
    );
    let topic = "compressed";
    eventually("the topic has a leader", LIMIT, || {
        Connection::to(broker.port)?.has_leader(topic)?.then_some(())
    });
    let done = Arc::new(AtomicBool::new(false));
    let value: String = (0..930_000).map(|at| char::from(b'a' + fastrand(at))).collect();
    let (connections, batches) = (4, 5);
    let heavy: Vec<_> = (0..connections)
        .map(|_| {
            let (port, value) = (broker.port, value.clone());
            thread::spawn(move || {
                let mut connection = Connection::to(port).unwrap().with_patience(LIMIT);
                for _ in 0..batches {
                    connection.produce(topic, &value, 1).unwrap().map_err(ErrorCode::from_code).unwrap();
                }
            })
        })
        .collect();
    let (port, over) = (broker.port, done.clone());
    let light = thread::spawn(move || {
        let mut connection = Connection::to(port).unwrap().with_patience(LIMIT);
        let mut served = 0;
        while !over.load(Ordering::Acquire) {
            connection.call(&ApiVersionsRequest::default(), 0).unwrap();
            served += 1;
        }
        served
    });
    heavy.into_iter().for_each(|it| it.join().unwrap());
    done.store(true, Ordering::Release);
    let served = light.join().unwrap();
    // Were they compressed by the threads that serve connections, about one would be served after each of them.
    assert!(served > 5 * connections * batches, "{served} served beside {} batches", connections * batches);
}

/// Letters that hardly compress, the same for every run.
fn fastrand(at: u64) -> u8 {
    let mixed = at.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (at >> 3).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    u8::try_from((mixed >> 40) % 26).unwrap_or(0)
}
