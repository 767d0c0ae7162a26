//! A broker whose authorizer has its ACLs in ZooKeeper: they decide, they change, and one that cannot be read keeps the
//! broker shut.
//!
//! All callers are `User:ANONYMOUS`: the ACLs part them by the address that they come from.

use std::net::Ipv4Addr;
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::create_acls::{AclCreation, CreateAclsRequest};
use barnabas::wire::message::delete_acls::{DeleteAclsFilter, DeleteAclsRequest};
use barnabas::wire::message::describe_acls::DescribeAclsRequest;
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::zk::znode::acl::{self, AclEntry};
use barnabas::zk::znode::{acl_change, acl_extended, acl_extended_change};
use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};

use crate::support::{Broker, Chroot, Connection, eventually, script};

const LIMIT: Duration = Duration::from_secs(30);
/// The address of a caller that may do nothing at first; the administrator comes from 127.0.0.1.
const GUEST: &str = "127.0.0.2";
const SETTINGS: [(&str, &str); 1] = [("authorizer.class.name", "kafka.security.authorizer.AclAuthorizer")];

fn entry(permission_type: &str, operation: &str, host: &str) -> AclEntry {
    AclEntry {
        principal: "User:ANONYMOUS".to_owned(),
        permission_type: permission_type.to_owned(),
        operation: operation.to_owned(),
        host: host.to_owned(),
    }
}

/// Asks for the topics, which are created where the caller may do that: their errors, and what it may do to each.
fn metadata(connection: &mut Connection, topics: &[&str]) -> Vec<(String, i16, i32)> {
    let topics = topics.iter().map(|name| MetadataRequestTopic { name: (*name).to_owned() }).collect();
    let request = MetadataRequest {
        topics: Some(topics),
        allow_auto_topic_creation: true,
        include_topic_authorized_operations: true,
        ..Default::default()
    };
    let answer = connection.call(&request, 9).expect("an answer");
    let found = answer.topics.into_iter().map(|it| (it.name, it.error_code, it.topic_authorized_operations));
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

fn creation(name: &str, resource_pattern_type: i8, operation: i8) -> AclCreation {
    AclCreation {
        resource_type: 2,
        resource_name: name.to_owned(),
        resource_pattern_type,
        principal: "User:ANONYMOUS".to_owned(),
        host: GUEST.to_owned(),
        operation,
        permission_type: 3,
    }
}

async fn text(zk: &ZooKeeper, path: &str) -> Option<String> {
    zk.get(path).await.unwrap().map(|(data, _)| String::from_utf8(data.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn acls_decide_from_where_they_are_written_to_where_they_are_deleted() {
    let chroot = Chroot::new();
    let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
    let cluster = acl::path("Cluster", "kafka-cluster");
    let all = acl::encode(&[entry("Allow", "All", "127.0.0.1")]);
    zk.create_recursive(&cluster, &all, CreateMode::Persistent).await.unwrap();
    zk.create_recursive(&acl::path("Topic", "*"), &all, CreateMode::Persistent).await.unwrap();
    let mut broker = Broker::start_with(1, &chroot.connect(), &SETTINGS);
    for parent in ["/kafka-acl/DelegationToken", "/kafka-acl-extended/prefixed/TransactionalId"] {
        assert!(zk.exists(parent).await.unwrap().is_some(), "{parent}");
    }

    let port = broker.port;
    let (mut admin, mut guest) = tokio::task::spawn_blocking(move || {
        let guest: Ipv4Addr = GUEST.parse().unwrap();
        (Connection::to(port).unwrap(), Connection::from_host(guest, port))
    })
    .await
    .unwrap();
    for topic in ["test", "other"] {
        eventually("the topic has a leader", LIMIT, || admin.has_leader(topic).filter(|led| *led));
    }
    let denied = ErrorCode::TopicAuthorizationFailed.code();
    let unseen = |topic: &str| (topic.to_owned(), denied, i32::MIN);
    let all = ["no-such", "other", "test"];
    assert_eq!(metadata(&mut guest, &all), all.map(unseen), "what exists is not shown");
    let line = broker.process().wait_for_line("is Denied Operation = Describe from host = 127.0.0.2", LIMIT);
    assert!(
        line.contains("Principal = User:ANONYMOUS") && line.contains(" on resource = Topic:LITERAL:"),
        "{line}"
    );
    assert!(line.contains(" for request = Metadata with resourceRefCount = 1"), "{line}");

    create_and_use(&zk, &mut admin, &mut guest).await;
    notice_of_another_broker(&zk, &mut guest).await;
    delete(&zk, &mut admin, &mut guest).await;

    zk.set(&cluster, br#"{"version":1,"acls":[{"principal":"Bob"}]}"#, None).await.unwrap();
    broker.stop();
    broker.launch();
    broker.process().wait_for_line("The ACLs in /kafka-acl/Cluster/kafka-cluster cannot be read", LIMIT);
    assert_eq!(broker.process_mut().wait(LIMIT).code(), Some(1));
    assert!(zk.exists("/brokers/ids/1").await.unwrap().is_none(), "it was never registered");
    zk.close().await;
}

async fn create_and_use(zk: &ZooKeeper, admin: &mut Connection, guest: &mut Connection) {
    let read = creation("te", 4, 3);
    let create = CreateAclsRequest { creations: vec![read, creation("", 3, 3), creation("t", 99, 3)] };
    assert!(guest.call(&create, 2).unwrap().results.iter().all(|it| it.error_code == 31), "not for a guest");
    let results = admin.call(&create, 2).unwrap().results;
    let results: Vec<_> =
        results.into_iter().map(|it| (it.error_code, it.error_message.unwrap_or_default())).collect();
    let expected = [(0, ""), (42, "Invalid empty resource name"), (42, "Failed to create ACL")];
    assert_eq!(results, expected.map(|(code, message)| (code, message.to_owned())));
    assert_eq!(
        text(zk, &acl_extended::path("prefixed", "Topic", "te")).await.unwrap(),
        r#"{"version":1,"acls":[{"principal":"User:ANONYMOUS","permissionType":"Allow","operation":"Read","host":"127.0.0.2"}]}"#
    );
    assert_eq!(
        text(zk, &format!("{}/acl_changes_0000000000", acl_extended_change::PARENT)).await.unwrap(),
        r#"{"version":1,"resourceType":"TOPIC","name":"te","patternType":"PREFIXED"}"#
    );
    let found = metadata(guest, &["other", "test"]);
    assert_eq!(found[1], ("test".to_owned(), 0, 1 << 3 | 1 << 8), "Read, and Describe with it");
    assert_eq!(found[0].1, ErrorCode::TopicAuthorizationFailed.code());
    let open = CreateAclsRequest { creations: vec![creation("t", 2, 3), creation("t", 3, 3)] };
    assert!(admin.call(&open, 2).unwrap().results.iter().all(|it| it.error_code == -1), "the request fails");
}

async fn notice_of_another_broker(zk: &ZooKeeper, guest: &mut Connection) {
    let deny = acl::encode(&[entry("Deny", "Describe", "*")]);
    zk.create(&acl::path("Topic", "test"), &deny, CreateMode::Persistent).await.unwrap();
    assert_eq!(metadata(guest, &["test"])[0].1, 0, "nothing is read before a notice");
    let notice = acl_change::encode("TOPIC", "test");
    zk.create(&acl_change::sequential_path(), &notice, CreateMode::PersistentSequential).await.unwrap();
    eventually("the notice is read", LIMIT, || (metadata(guest, &["test"])[0].1 != 0).then_some(()));
}

async fn delete(zk: &ZooKeeper, admin: &mut Connection, guest: &mut Connection) {
    let describe = DescribeAclsRequest {
        resource_type_filter: 2,
        resource_name_filter: Some("test".to_owned()),
        pattern_type_filter: 2,
        principal_filter: None,
        host_filter: None,
        operation: 1,
        permission_type: 1,
    };
    let described = admin.call(&describe, 2).unwrap();
    let resources: Vec<_> =
        described.resources.iter().map(|it| (&*it.resource_name, it.pattern_type)).collect();
    assert_eq!(resources, [("test", 3), ("*", 3), ("te", 4)]);
    let filter = |name: &str, pattern_type_filter| DeleteAclsFilter {
        resource_type_filter: 2,
        resource_name_filter: Some(name.to_owned()),
        pattern_type_filter,
        principal_filter: None,
        host_filter: None,
        operation: 1,
        permission_type: 1,
    };
    let delete =
        DeleteAclsRequest { filters: vec![filter("test", 1), filter("test", 1), filter("no-such", 3)] };
    let results = admin.call(&delete, 2).unwrap().filter_results;
    assert!(results.iter().all(|it| it.error_message.is_none()), "Kafka sends null here, and no empty text");
    let counts: Vec<_> = results.iter().map(|it| (it.error_code, it.matching_acls.len())).collect();
    assert_eq!(counts, [(0, 1), (0, 0), (0, 0)], "the first filter that means an ACL deletes it");
    assert_eq!(text(zk, &acl::path("Topic", "test")).await, None);
    assert_eq!(metadata(guest, &["test"])[0].1, 0, "the prefix allows it again");
}

/// The znodes of ACLs and their notices that have data, with it.
async fn written(zk: &ZooKeeper) -> Vec<String> {
    let mut written = Vec::new();
    let mut parents =
        ["/kafka-acl", "/kafka-acl-extended", "/kafka-acl-changes", "/kafka-acl-extended-changes"]
            .map(str::to_owned)
            .to_vec();
    while let Some(path) = parents.pop() {
        parents
            .extend(zk.children(&path).await.unwrap().unwrap().iter().map(|name| format!("{path}/{name}")));
        let data = text(zk, &path).await.unwrap();
        if !data.is_empty() {
            written.push(format!("{path} {data}"));
        }
    }
    written.sort();
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_writes_the_znodes_and_notices_that_kafkas_tool_wrote() {
    let chroot = Chroot::new();
    let zk = ZooKeeper::connect(&chroot.connect(), ConnectOptions::default()).await.unwrap();
    zk.create_recursive("/kafka-acl", b"", CreateMode::Persistent).await.unwrap();
    let connect = format!("zookeeper.connect={}", chroot.connect());
    let give = |arguments: &str| {
        let all = ["--authorizer-properties", &connect].into_iter().chain(arguments.split(' '));
        let ended = script("kafka-acls.sh", &all.collect::<Vec<_>>());
        assert!(ended.status.success(), "{ended:?}");
    };
    give("--add --allow-principal User:Ops --cluster --operation All");
    give("--add --allow-principal User:T --delegation-token tokid --operation Describe");
    give(
        "--add --allow-principal User:Jane --operation Create --topic Test- --resource-pattern-type prefixed",
    );
    give(
        "--add --allow-principal User:Jane --operation Create --topic Test- --resource-pattern-type prefixed",
    );
    give("--remove --delegation-token tokid --force");
    let entry = |user: &str, operation: &str| {
        format!(
            r#"{{"version":1,"acls":[{{"principal":"User:{user}","permissionType":"Allow","operation":"{operation}","host":"*"}}]}}"#
        )
    };
    let expected = [
        "/kafka-acl-changes/acl_changes_0000000000 CLUSTER:kafka-cluster".to_owned(),
        "/kafka-acl-changes/acl_changes_0000000001 DELEGATION_TOKEN:tokid".to_owned(),
        "/kafka-acl-changes/acl_changes_0000000002 DELEGATION_TOKEN:tokid".to_owned(),
        r#"/kafka-acl-extended-changes/acl_changes_0000000000 {"version":1,"resourceType":"TOPIC","name":"Test-","patternType":"PREFIXED"}"#
            .to_owned(),
        format!("/kafka-acl-extended/prefixed/Topic/Test- {}", entry("Jane", "Create")),
        format!("/kafka-acl/Cluster/kafka-cluster {}", entry("Ops", "All")),
    ];
    assert_eq!(written(&zk).await, expected);
    zk.close().await;
}
