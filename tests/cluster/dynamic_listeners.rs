//! Listeners that come, go and move while the broker runs, by request and by znode, and what clients, the
//! controller and followers learn of them.

use std::net::TcpListener;
use std::time::Duration;

use barnabas::admin::configs;
use barnabas::wire::message::metadata::MetadataRequest;
use barnabas::zk::znode::broker::decode;
use barnabas::zk::znode::config_entity::EntityType;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use super::configs::{DELETE, SET, change, describe};
use super::connections::Client;
use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, Proxy, eventually, free_port};

const SOON: Duration = Duration::from_secs(30);
const MAP: &str = "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT,OTHER:PLAINTEXT";

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn connect(chroot: &Chroot) -> (tokio::runtime::Runtime, ZooKeeper) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
    (runtime, zk)
}

/// The endpoints that a registration names.
fn registered(data: &[u8]) -> Vec<String> {
    decode(1, data, 0).unwrap().endpoints.iter().map(ToString::to_string).collect()
}

/// The ports of the brokers as a listener's clients learn them.
fn ports(connection: &mut Connection) -> Option<Vec<i32>> {
    let answer = connection.call(&MetadataRequest::default(), 4)?;
    Some(answer.brokers.iter().map(|it| it.port).collect())
}

#[test]
fn listeners_come_move_and_go_and_nothing_is_half_changed() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let settings = [("listener.security.protocol.map", MAP), ("zookeeper.session.timeout.ms", "2000")];
    let broker = Broker::start_with(1, &format!("{}{}", proxy.address(), chroot.path()), &settings);
    let mut admin = Connection::to(broker.port).unwrap();
    let (runtime, zk) = connect(&chroot);
    let znode = || runtime.block_on(zk.get("/brokers/ids/1")).unwrap();
    let endpoints = || znode().map(|(data, _)| registered(&data));
    let own = format!("PLAINTEXT://{}", at(broker.port));
    let [external, moved, taken] = [free_port(), free_port(), free_port()];
    let with = |port: u16| format!("{own},EXTERNAL://{}", at(port));
    let mut set = |key: &str, value: &str| change(&mut admin, "1", SET, key, value);

    // Added: it serves, its clients learn its own port, the znode is rewritten in place.
    let (epoch, version) = znode().map(|(_, stat)| (stat.czxid, stat.version)).unwrap();
    assert_eq!(set("listeners", &with(external)), (0, String::new()));
    let mut client = eventually("the new listener serves", SOON, || {
        let mut client = Connection::to(external)?;
        (ports(&mut client)? == [i32::from(external)]).then_some(client)
    });
    let (data, stat) = znode().unwrap();
    assert_eq!(
        (registered(&data), stat.czxid),
        (vec![own.clone(), format!("EXTERNAL://{}", at(external))], epoch)
    );
    assert!(stat.version > version);

    // A taken port is refused, in a request and in a znode; what was there still serves.
    let _holder = TcpListener::bind(("127.0.0.1", taken)).unwrap();
    let (code, message) = set("listeners", &with(taken));
    let bound = format!("Socket server failed to bind to {}: Address already in use.", at(taken));
    assert!(code == 42 && message.ends_with(&bound), "{message}");
    let layer = |listeners: &str| {
        let own = [("listeners", listeners), ("log.retention.ms", "777000")];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        runtime.block_on(configs::change(&zk, EntityType::Brokers, "1", &own)).unwrap();
    };
    layer(&with(taken));
    broker.process().wait_for_line(&bound, SOON);
    assert_eq!(ports(&mut client), Some(vec![i32::from(external)]), "the old one still serves");
    let in_force = |key: &str, connection: &mut Connection| describe(connection, "1", key)?.value;
    assert_eq!(in_force("listeners", &mut client), Some(with(external)));
    assert_ne!(in_force("log.retention.ms", &mut client).as_deref(), Some("777000"), "all or nothing");

    // Moved, by znode: the old port is free, its connections are closed.
    layer(&with(moved));
    eventually("the listener has moved", SOON, || ports(&mut Connection::to(moved)?));
    assert!(!Client(client.stream().try_clone().unwrap()).is_served(), "its connections are closed");
    eventually("the old port is free", SOON, || TcpListener::bind(("127.0.0.1", external)).ok());
    assert_eq!(in_force("log.retention.ms", &mut Connection::to(moved).unwrap()).as_deref(), Some("777000"));

    // What Kafka refuses, in its words.
    let mut refused = |key: &str, value: &str, ending: &str| {
        let (code, message) = change(&mut admin, "1", SET, key, value);
        assert!(code == 42 && message.ends_with(ending), "{message}");
    };
    refused(
        "listeners",
        &format!("EXTERNAL://{}", at(moved)),
        "requirement failed: inter.broker.listener.name must be a listener name defined in advertised.listeners. The \
         valid options based on currently configured listeners are EXTERNAL",
    );
    refused(
        "listeners",
        &format!("{own},NEW://{}", at(external)),
        "No security protocol defined for listener NEW",
    );
    refused(
        "advertised.listeners",
        &format!("{own},OTHER://h:1"),
        "Found PLAINTEXT,OTHER. The valid options based on the current configuration are PLAINTEXT,EXTERNAL",
    );
    refused(
        "listeners",
        &format!("{own},SSL://{}", at(external)),
        "No security protocol defined for listener SSL",
    );

    // Advertised alone: no socket changes, clients learn of it; and so does the next session.
    let advertised = format!("{own},EXTERNAL://example.com:{moved}");
    assert_eq!(change(&mut admin, "1", SET, "advertised.listeners", &advertised).0, 0);
    let wanted = vec![own.clone(), format!("EXTERNAL://example.com:{moved}")];
    eventually("it is registered", SOON, || (endpoints()? == wanted).then_some(()));
    proxy.cut();
    eventually("its session ends", SOON, || endpoints().is_none().then_some(()));
    proxy.mend();
    eventually("it is registered again", SOON, || (endpoints()? == wanted).then_some(()));

    // Removed: the key goes, the file's listener stays.
    let mut admin = eventually("it answers", SOON, || Connection::to(broker.port));
    for key in ["advertised.listeners", "listeners"] {
        eventually("the key is removed", SOON, || {
            (change(&mut admin, "1", DELETE, key, "").0 == 0).then_some(())
        });
    }
    eventually("the listener is closed", SOON, || Connection::to(moved).is_none().then_some(()));
    eventually("it is registered", SOON, || (endpoints()? == [own.clone()]).then_some(()));
    runtime.block_on(zk.close());
}

#[test]
fn controller_and_followers_go_on_where_the_leader_listens_now() {
    let brokers = Brokers::start(2, &[]);
    brokers.create("2:1", &["min.insync.replicas=2"]);
    brokers.await_isr(&[1, 2]);
    let mut leader = brokers.connection(2);
    assert!(leader.produce("t", "before", -1).unwrap().is_ok());
    let moved = free_port();
    let listeners = format!("PLAINTEXT://{}", at(moved));
    assert_eq!(change(&mut leader, "2", SET, "listeners", &listeners).0, 0);
    let mut leader = eventually("it listens elsewhere", SOON, || {
        let mut leader = Connection::to(moved)?;
        leader.has_leader("t")?.then_some(leader)
    });
    eventually("the follower fetches there", SOON, || leader.produce("t", "after", -1)?.ok());
    // The controller, too: the broker becomes a follower of another topic.
    brokers.create_topic("u", "1:2", &["min.insync.replicas=2"]);
    eventually("the controller's requests come", SOON, || brokers.connection(1).produce("u", "x", -1)?.ok());
}

/// A name that no protocol was known for becomes that of a listener, by request and by znode.
#[test]
fn the_protocol_map_changes_and_new_names_listen() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut admin = Connection::to(broker.port).unwrap();
    let (runtime, zk) = connect(&chroot);
    let own = format!("PLAINTEXT://{}", at(broker.port));
    for road in ["request", "znode"] {
        let port = free_port();
        let listeners = format!("{own},EXTERNAL://{}", at(port));
        let (code, message) = change(&mut admin, "1", SET, "listeners", &listeners);
        assert!(code != 0 && message.contains("EXTERNAL"), "{road}: {code} {message}");
        assert!(TcpListener::bind(at(port)).is_ok(), "{road}: refused, and yet it listens");
        if road == "request" {
            for (key, value) in [("listener.security.protocol.map", MAP), ("listeners", &listeners)] {
                assert_eq!(change(&mut admin, "1", SET, key, value), (0, String::new()), "{key}");
            }
        } else {
            let settings = [("listener.security.protocol.map", MAP), ("listeners", &listeners)];
            let own = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
            runtime.block_on(configs::change(&zk, EntityType::Brokers, "1", &own)).unwrap();
        }
        eventually(road, SOON, || (ports(&mut Connection::to(port)?)? == [i32::from(port)]).then_some(()));
        runtime.block_on(configs::change(&zk, EntityType::Brokers, "1", &Default::default())).unwrap();
        for key in ["listener.security.protocol.map", "listeners"] {
            eventually(key, SOON, || (describe(&mut admin, "1", key)?.config_source > 3).then_some(()));
        }
    }
    runtime.block_on(zk.close());
}
