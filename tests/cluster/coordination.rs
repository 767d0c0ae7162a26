//! What brokers keep in ZooKeeper to be a cluster: the first znodes, registrations, the claim to be controller, numbers
//! given once, and notices read by all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use barnabas::base::{Clock, Endpoint, SecurityProtocol};
use barnabas::config::KafkaVersion;
use barnabas::zk::notices::Notices;
use barnabas::zk::registration::Registrar;
use barnabas::zk::znode::broker::Registration;
use barnabas::zk::znode::{broker, config_change, controller_epoch, feature};
use barnabas::zk::{
    ConnectOptions, CreateMode, ZkError, ZnodeChange, ZooKeeper, bootstrap, claim, producer_ids, registration,
};

use crate::support::znodes::{assert_tree_is_valid, describe, read_tree};
use crate::support::{Chroot, Proxy, root};

async fn connect(to: &str) -> ZooKeeper {
    let limit = Duration::from_secs(1);
    let options = ConnectOptions {
        session_timeout: limit,
        connection_timeout: limit * 10,
        make_chroot: true,
        ..ConnectOptions::default()
    };
    ZooKeeper::connect(to, options).await.unwrap()
}

fn broker(id: i32) -> Registration {
    Registration {
        id,
        endpoints: vec![Endpoint {
            listener: "PLAINTEXT".to_owned(),
            protocol: SecurityProtocol::Plaintext,
            host: "localhost".to_owned(),
            port: 9092,
        }],
        rack: None,
        features: BTreeMap::new(),
        jmx_port: -1,
        timestamp: Clock::System.now(),
        protocol_version: KafkaVersion::LATEST,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_broker_leaves_the_znodes_that_kafka_leaves() {
    let chroot = Chroot::new();
    let zk = connect(&chroot.connect()).await;
    bootstrap::make_paths(&zk).await.unwrap();
    let id = bootstrap::cluster_id(&zk).await.unwrap();
    assert_eq!(bootstrap::cluster_id(&zk).await.unwrap(), id);
    Registrar::default().register(&zk, &broker(1)).await.unwrap();
    assert!(claim::claim(&zk, 1, Clock::System.now()).await.unwrap().is_some());
    producer_ids::claim_block(&zk, 1).await.unwrap();
    let features = feature::FeatureZNode { enabled: true, features: BTreeMap::new() };
    zk.create(feature::PATH, &features.encode(), CreateMode::Persistent).await.unwrap();

    assert_tree_is_valid(chroot.server(), chroot.path()).await;
    let expected = root().join("tests/formats/data/znodes/life/1-started.txt");
    let tree = read_tree(chroot.server(), chroot.path()).await;
    assert_eq!(describe(&tree), std::fs::read_to_string(expected).unwrap());
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_id_belongs_to_one_session() {
    let chroot = Chroot::new();
    let (first, second) = (connect(&chroot.connect()).await, connect(&chroot.connect()).await);
    bootstrap::make_paths(&first).await.unwrap();
    let registrar = Registrar::default();
    let epoch = registrar.register(&first, &broker(1)).await.unwrap();
    assert_eq!(first.exists(&broker::path(1)).await.unwrap().unwrap().czxid, epoch);
    assert_eq!(registrar.register(&first, &broker(1)).await, Ok(epoch), "it is there already");
    assert_eq!(Registrar::default().register(&second, &broker(1)).await, Err(ZkError::NodeExists));
    first.close().await;
    assert!(Registrar::default().register(&second, &broker(1)).await.unwrap() > epoch);
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_brokers_one_becomes_controller_and_the_epoch_rises() {
    let chroot = Chroot::new();
    let mut brokers = Vec::new();
    for _ in 0..5 {
        brokers.push(connect(&chroot.connect()).await);
    }
    for round in 1..=3 {
        let claims = brokers.iter().enumerate().map(|(id, zk)| claim::claim(zk, id as i32, 0));
        let claims: Vec<_> = futures_util::future::join_all(claims).await;
        let won: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!((won[0].epoch, won[0].epoch_version), (round, round));
        let controller = claim::controller(&brokers[0]).await.unwrap().unwrap();
        let (epoch, stat) = brokers[0].get(controller_epoch::PATH).await.unwrap().unwrap();
        assert_eq!((controller_epoch::decode(&epoch), stat.version), (Ok(round), round));
        // Its session ends, and with it the claim.
        let at = brokers.iter().enumerate().position(|(id, _)| id as i32 == controller).unwrap();
        brokers.remove(at).close().await;
        brokers.insert(at, connect(&chroot.connect()).await);
        assert_eq!(claim::controller(&brokers[0]).await.unwrap(), None);
    }
    for zk in brokers {
        zk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_assigned_once() {
    let chroot = Chroot::new();
    let zk = connect(&chroot.connect()).await;
    let ids = (0..10).map(|_| registration::generate_id(&zk, 1000));
    let ids: BTreeSet<i32> =
        futures_util::future::join_all(ids).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids, (1001..=1010).collect());
    let blocks = (0..10).map(|broker| producer_ids::claim_block(&zk, broker));
    let blocks = futures_util::future::join_all(blocks).await.into_iter().map(Result::unwrap);
    let starts: BTreeSet<i64> = blocks.map(|block| block.start).collect();
    assert_eq!(starts, (0..10).map(|at| at * 1000).collect());
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_are_read_once_in_order_and_swept_when_old() {
    let chroot = Chroot::new();
    let zk = connect(&chroot.connect()).await;
    bootstrap::make_paths(&zk).await.unwrap();
    let mut notices = Notices::new(config_change::PARENT, config_change::PREFIX);
    let now = Clock::System.now();
    let mut read = Vec::new();
    for at in 0..12 {
        let data = config_change::encode(&format!("topics/t{at}"));
        zk.create(&config_change::sequential_path(), &data, CreateMode::PersistentSequential).await.unwrap();
        if at % 4 == 3 {
            let children = zk.children(config_change::PARENT).await.unwrap().unwrap();
            read.extend(notices.unread(&zk, &children).await);
            assert!(notices.unread(&zk, &children).await.is_empty());
        }
    }
    let read: Vec<String> = read.iter().map(|(_, data)| config_change::decode(data).unwrap()).collect();
    assert_eq!(read, (0..12).map(|at| format!("topics/t{at}")).collect::<Vec<_>>());
    let count = async || zk.children(config_change::PARENT).await.unwrap().unwrap().len();
    notices.sweep(&zk, &zk.children(config_change::PARENT).await.unwrap().unwrap(), now).await;
    assert_eq!(count().await, 12);
    // A quarter of an hour later they are old.
    let late = now + 16 * 60 * 1000;
    let data = config_change::encode("topics/last");
    zk.create(&config_change::sequential_path(), &data, CreateMode::PersistentSequential).await.unwrap();
    let children = zk.children(config_change::PARENT).await.unwrap().unwrap();
    assert_eq!(notices.unread(&zk, &children).await.len(), 1);
    notices.sweep(&zk, &children, late).await;
    assert_eq!(count().await, 0);
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_session_expired_registers_again_under_a_new_epoch() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let other = connect(&chroot.connect()).await;
    bootstrap::make_paths(&other).await.unwrap();
    let zk = connect(&format!("{}{}", proxy.address(), chroot.path())).await;
    let registrar = Registrar::default();
    let epoch = registrar.register(&zk, &broker(1)).await.unwrap();
    let mut watches = other.watches();
    watches.watch_children(broker::PARENT);
    let live = async |expected: usize, watches: &mut barnabas::zk::Watches| {
        let seen = async {
            loop {
                if let Some(ZnodeChange::Children { children: Some(children), .. }) = watches.next().await
                    && children.len() == expected
                {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the brokers in time");
    };
    live(1, &mut watches).await;
    proxy.cut();
    live(0, &mut watches).await;
    proxy.mend();
    let mut states = zk.session_states();
    states.wait_for(|state| state.generation == 2 && state.connected).await.unwrap();
    assert!(registrar.register(&zk, &broker(1)).await.unwrap() > epoch);
    live(1, &mut watches).await;
    zk.close().await;
    other.close().await;
}
