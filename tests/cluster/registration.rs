//! A broker's registration: after a crash, in another's place, and in a new session before it is elected.

use std::time::Duration;

use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};

use crate::support::{Broker, Chroot, Proxy, eventually};

const SOON: Duration = Duration::from_secs(30);
const WAITS: &str = "holds this broker's own endpoints";

fn connected(chroot: &Chroot) -> (tokio::runtime::Runtime, ZooKeeper) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
    (runtime, zk)
}

#[test]
fn a_broker_started_again_at_once_after_a_crash_waits_for_its_last_session_to_end() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(1, &chroot.connect());
    let (runtime, zk) = connected(&chroot);
    let owner = || runtime.block_on(zk.exists("/brokers/ids/1")).unwrap().map(|stat| stat.ephemeral_owner);
    let before = owner().unwrap();
    broker.kill();
    broker.restart();
    let logged = broker.process().lines().iter().filter(|line| line.contains(WAITS)).count();
    assert_eq!(logged, 1);
    assert_ne!(owner().unwrap(), before);
    runtime.block_on(zk.close());
}

#[test]
fn the_id_of_another_broker_is_refused_at_once() {
    let chroot = Chroot::new();
    let _one = Broker::start(1, &chroot.connect());
    let mut other = Broker::prepare(1, &chroot.connect(), &[]);
    other.launch();
    assert_eq!(other.process_mut().wait(SOON).code(), Some(1));
    let lines = other.process().lines();
    let logged = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(
        logged("Error while creating ephemeral at /brokers/ids/1, node already exists and owner"),
        "{lines:?}"
    );
    assert!(
        logged("org.apache.zookeeper.KeeperException$NodeExistsException: KeeperErrorCode = NodeExists"),
        "{lines:?}"
    );
    assert!(!logged(WAITS), "{lines:?}");
}

#[test]
fn in_a_new_session_only_a_registered_broker_is_elected() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let session = [("zookeeper.session.timeout.ms", "2000")];
    let broker = Broker::start_with(1, &format!("{}{}", proxy.address(), chroot.path()), &session);
    let (runtime, zk) = connected(&chroot);
    let is_there = |path: &str| runtime.block_on(zk.exists(path)).unwrap().is_some();
    eventually("it is elected", SOON, || is_there("/controller").then_some(()));
    let from = broker.process().lines().len();
    proxy.cut();
    eventually("its session ends", SOON, || (!is_there("/brokers/ids/1")).then_some(()));
    eventually("its session ends", SOON, || (!is_there("/controller")).then_some(()));
    // Another has its id for a while.
    runtime.block_on(zk.create("/brokers/ids/1", b"{}", CreateMode::Ephemeral)).unwrap();
    proxy.mend();
    broker.process().wait_for_line_after(from, "Registering broker 1 in a new session", SOON);
    let from = broker.process().lines().len();
    broker.process().wait_for_line_after(from, "Registering broker 1 in a new session", SOON);
    assert!(!is_there("/controller"), "elected, and not registered");
    runtime.block_on(zk.delete("/brokers/ids/1", None)).unwrap();
    eventually("it is elected", SOON, || is_there("/controller").then_some(()));
    let made = |path: &str| runtime.block_on(zk.exists(path)).unwrap().unwrap().czxid;
    assert!(made("/brokers/ids/1") < made("/controller"));
    runtime.block_on(zk.close());
}
