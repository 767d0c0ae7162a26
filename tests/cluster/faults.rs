//! What a broker survives: being killed while it is written to, ZooKeeper going away, standing still for too long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::support::broker::tool;
use crate::support::{Broker, Chroot, Connection, ZooKeeperServer, eventually};

const SOON: Duration = Duration::from_secs(30);

/// Waits until a topic can be written to through this port.
fn await_leader(port: u16, topic: &str) {
    eventually("the topic has a leader", SOON, || Connection::to(port)?.has_leader(topic)?.then_some(()));
}

/// Writes numbered records until the test stops it, over as many connections as it takes; returns the
/// acknowledged ones, in order.
struct Writer {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<(i64, String)>>>,
    thread: std::thread::JoinHandle<()>,
}

impl Writer {
    fn start(port: u16, topic: &'static str) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (ended, kept) = (stop.clone(), acknowledged.clone());
        let thread = std::thread::spawn(move || {
            let mut number = 0;
            while !ended.load(Ordering::SeqCst) {
                let Some(mut connection) = Connection::to(port) else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                while !ended.load(Ordering::SeqCst) {
                    number += 1;
                    let value = format!("record {number}");
                    match connection.produce(topic, &value, 1) {
                        Some(Ok(offset)) => kept.lock().unwrap().push((offset, value)),
                        Some(Err(_)) => std::thread::sleep(Duration::from_millis(5)),
                        None => break,
                    }
                }
            }
        });
        Self { stop, acknowledged, thread }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until so many more records were acknowledged.
    fn await_more(&self, more: usize) {
        let wanted = self.count() + more;
        eventually("more records are acknowledged", SOON, || (self.count() >= wanted).then_some(()));
    }

    fn finish(self) -> Vec<(i64, String)> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        Arc::into_inner(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

fn assert_all_kept(port: u16, topic: &str, acknowledged: &[(i64, String)]) {
    let found = Connection::to(port).unwrap().read_all(topic);
    let stored: std::collections::HashMap<_, _> = found.into_iter().collect();
    for (offset, value) in acknowledged {
        assert_eq!(stored.get(offset), Some(value), "the record acknowledged at {offset}");
    }
}

#[test]
fn killed_twenty_times_while_written_to_nothing_acknowledged_is_lost() {
    let chroot = Chroot::new();
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "1000")]);
    await_leader(broker.port, "t");
    let writer = Writer::start(broker.port, "t");
    for _ in 0..20 {
        writer.await_more(50);
        broker.kill();
        broker.restart();
    }
    writer.await_more(50);
    let acknowledged = writer.finish();
    assert!(acknowledged.len() > 1000, "{}", acknowledged.len());
    assert_all_kept(broker.port, "t", &acknowledged);
}

/// Creates a topic through ZooKeeper, which takes a registered broker and a controller that acts.
fn assert_controller_acts(chroot: &Chroot, port: u16, topic: &str) {
    eventually("the broker is registered again", SOON, || {
        let assignment = ["--partitions", "1", "--replication-factor", "1", "--if-not-exists"];
        let connect = chroot.connect();
        let create = [&["--zookeeper", &connect, "--create", "--topic", topic], &assignment[..]].concat();
        tool("topics", &create).status.success().then_some(())
    });
    await_leader(port, topic);
}

#[test]
fn zookeeper_may_go_away_and_come_back() {
    let mut server = ZooKeeperServer::start();
    let chroot = Chroot::on(&server.address());
    let broker = Broker::start(1, &chroot.connect());
    await_leader(broker.port, "t");
    let writer = Writer::start(broker.port, "t");
    writer.await_more(50);
    server.kill();
    // A leader needs no ZooKeeper to go on leading.
    writer.await_more(50);
    server.restart();
    assert_controller_acts(&chroot, broker.port, "after");
    writer.await_more(50);
    let acknowledged = writer.finish();
    assert_all_kept(broker.port, "t", &acknowledged);
}

#[test]
fn a_broker_that_stood_still_past_its_session_comes_back() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "1000")]);
    await_leader(broker.port, "t");
    broker.process().signal("STOP");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
        let gone = async { while zk.exists("/brokers/ids/1").await.unwrap().is_some() {} };
        tokio::time::timeout(SOON, gone).await.expect("the session ends");
        assert_eq!(zk.get("/controller").await.unwrap(), None);
        zk.close().await;
    });
    broker.process().signal("CONT");
    assert_controller_acts(&chroot, broker.port, "after");
    let mut connection = Connection::to(broker.port).unwrap();
    assert!(matches!(connection.produce("t", "goes on", 1), Some(Ok(0))));
    assert!(matches!(connection.produce("after", "and here", -1), Some(Ok(0))));
}

#[test]
fn a_clean_stop_keeps_everything_and_the_epoch() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(1, &chroot.connect());
    await_leader(broker.port, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    for number in 0..100 {
        assert_eq!(connection.produce("t", &number.to_string(), -1), Some(Ok(number)));
    }
    broker.stop();
    assert!(broker.data().join(".kafka_cleanshutdown").exists());
    broker.restart();
    await_leader(broker.port, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(connection.read_all("t").len(), 100);
    assert_eq!(connection.produce("t", "next", -1), Some(Ok(100)));
    let described = tool("topics", &["--zookeeper", &chroot.connect(), "--describe", "--topic", "t"]);
    assert!(String::from_utf8_lossy(&described.stdout).contains("Leader: 1"), "{described:?}");
}

#[test]
fn a_broker_stops_in_order_though_zookeeper_is_gone() {
    let mut server = ZooKeeperServer::start();
    let chroot = Chroot::on(&server.address());
    let mut broker = Broker::start(1, &chroot.connect());
    await_leader(broker.port, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    for number in 0..100 {
        assert_eq!(connection.produce("t", &number.to_string(), -1), Some(Ok(number)));
    }
    server.kill();
    broker.stop();
    assert!(broker.data().join(".kafka_cleanshutdown").exists());
    server.restart();
    broker.restart();
    await_leader(broker.port, "t");
    assert_eq!(Connection::to(broker.port).unwrap().read_all("t").len(), 100);
}

#[test]
fn a_second_broker_of_the_same_id_is_refused() {
    let chroot = Chroot::new();
    let _first = Broker::start(1, &chroot.connect());
    let mut second = Broker::prepare(1, &chroot.connect(), &[]);
    second.launch();
    second.process().wait_for_line("NodeExists", SOON);
    assert_eq!(second.process_mut().wait(SOON).code(), Some(1));
}
