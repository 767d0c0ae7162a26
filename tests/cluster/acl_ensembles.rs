//! An authorizer by the older of its names, whose ACLs lie in an ensemble of its own, among brokers before 2.0, and
//! whose session ends.

use std::net::Ipv4Addr;
use std::time::Duration;

use barnabas::wire::message::create_acls::{AclCreation, CreateAclsRequest};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::zk::znode::acl::{self, AclEntry};
use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};

use crate::support::{Broker, Chroot, Connection, Proxy, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const GUEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn all_from(host: Ipv4Addr) -> Vec<u8> {
    acl::encode(&[AclEntry {
        principal: "User:ANONYMOUS".to_owned(),
        permission_type: "Allow".to_owned(),
        operation: "All".to_owned(),
        host: host.to_string(),
    }])
}

fn error_of_topic(connection: &mut Connection) -> i16 {
    let topics = Some(vec![MetadataRequestTopic { name: "t".to_owned() }]);
    let request = MetadataRequest { topics, ..Default::default() };
    connection.call(&request, 9).expect("an answer").topics[0].error_code
}

#[tokio::test(flavor = "multi_thread")]
async fn acls_of_an_ensemble_of_their_own_are_all_read_again_after_a_session() {
    let (chroot, of_acls) = (Chroot::new(), Chroot::new());
    let zk = ZooKeeper::connect(&of_acls.connect(), ConnectOptions::default()).await.unwrap();
    zk.create_recursive(
        &acl::path("Cluster", "kafka-cluster"),
        &all_from(Ipv4Addr::LOCALHOST),
        CreateMode::Persistent,
    )
    .await
    .unwrap();
    let of_topic = acl::path("Topic", "t");
    zk.create_recursive(&of_topic, &all_from(Ipv4Addr::LOCALHOST), CreateMode::Persistent).await.unwrap();
    let proxy = Proxy::to(of_acls.server());
    let url = format!("{}{}", proxy.address(), of_acls.path());
    let settings = [
        ("authorizer.class.name", "kafka.security.auth.SimpleAclAuthorizer"),
        ("authorizer.zookeeper.url", url.as_str()),
        ("authorizer.zookeeper.session.timeout.ms", "1000"),
        ("inter.broker.protocol.version", "1.1"),
    ];
    let broker = Broker::start_with(1, &chroot.connect(), &settings);
    let port = broker.port;
    let (mut admin, mut guest) = tokio::task::spawn_blocking(move || {
        (Connection::to(port).unwrap(), Connection::from_host(GUEST, port))
    })
    .await
    .unwrap();
    eventually("the topic has a leader", LIMIT, || admin.has_leader("t").filter(|led| *led));
    assert_eq!(error_of_topic(&mut guest), 29);
    let line = broker.process().wait_for_line("is Denied Operation = Describe from host = 127.0.0.2", LIMIT);
    assert!(line.contains(" on resource = Topic:LITERAL:t (kafka.authorizer.logger)"), "{line}");

    let creation = |name: &str, resource_pattern_type| AclCreation {
        resource_type: 2,
        resource_name: name.to_owned(),
        resource_pattern_type,
        principal: "User:ANONYMOUS".to_owned(),
        host: "*".to_owned(),
        operation: 3,
        permission_type: 3,
    };
    let create = CreateAclsRequest { creations: vec![creation("t-", 4), creation("u", 3)] };
    let created = admin.call(&create, 2).unwrap().results;
    let refusal = "Adding ACLs on prefixed resource patterns requires inter.broker.protocol.version of 2.0-IV1 or greater";
    assert_eq!((created[0].error_code, created[0].error_message.as_deref()), (35, Some(refusal)));
    assert_eq!(created[1].error_code, 0);
    assert!(zk.exists(&acl::path("Topic", "u")).await.unwrap().is_some(), "it lies in the other ensemble");

    // A session that lasts longer than the authorizer's, by the same proxy: it ends later.
    let longer = ConnectOptions { session_timeout: Duration::from_secs(3), ..ConnectOptions::default() };
    let witness = ZooKeeper::connect(&url, longer).await.unwrap();
    witness.create("/witness", b"", CreateMode::Ephemeral).await.unwrap();
    proxy.cut();
    while zk.exists("/witness").await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    zk.set(&of_topic, &all_from(GUEST), None).await.unwrap();
    proxy.mend();
    eventually("all ACLs are read again, without a notice", LIMIT, || {
        (error_of_topic(&mut guest) == 0).then_some(())
    });
    assert_eq!(error_of_topic(&mut admin), 29);
    zk.close().await;
}
