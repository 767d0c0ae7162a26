//! What the controller does by itself: leaders back in their places, deletions that waited, features put right.

use std::time::Duration;

use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::zk::znode::{delete_topic, feature, topic};

use crate::support::cluster::Brokers;
use crate::support::{eventually, tool};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_preferred_replica_that_is_back_leads_again_without_being_asked() {
    let mut brokers = Brokers::start(2, &[("leader.imbalance.check.interval.seconds", "1")]);
    brokers.create("1:2", &[]);
    brokers.broker(1).kill();
    brokers.await_leader(2);
    brokers.broker(1).restart_after_crash();
    brokers.await_leader(1);
    brokers.await_isr(&[1, 2]);
}

#[test]
fn a_deletion_waits_for_a_dead_broker_and_goes_on_when_it_is_back() {
    let mut brokers = Brokers::start(2, &[]);
    brokers.create("1:2", &[]);
    brokers.broker(2).kill();
    brokers.await_isr(&[1]);
    let deleted = tool("topics", &["--zookeeper", &brokers.chroot.connect(), "--delete", "--topic", "t"]);
    assert!(deleted.status.success(), "{deleted:?}");
    let log = |brokers: &Brokers, id: i32| brokers.all[&id].data().join("t-0").exists();
    eventually("the replica that lives is deleted", SOON, || (!log(&brokers, 1)).then_some(()));
    assert!(log(&brokers, 2));
    for path in [topic::path("t"), delete_topic::path("t")] {
        assert!(brokers.look(&path).is_some(), "{path} must outlive the last replica");
    }
    brokers.broker(2).restart_after_crash();
    for path in [topic::path("t"), delete_topic::path("t")] {
        eventually("the deletion is complete", SOON, || brokers.look(&path).is_none().then_some(()));
    }
    assert!(!log(&brokers, 2));
}

#[test]
fn features_come_into_force_with_2_7_and_are_given_up_before_it() {
    let mut brokers = Brokers::start(1, &[("inter.broker.protocol.version", "2.6")]);
    for (version, protocol, status, epoch) in [(0, "2.6", 0, -1), (1, "2.7", 1, 1), (2, "2.6", 0, -1)] {
        if version > 0 {
            brokers.broker(1).stop();
            brokers.broker(1).set("inter.broker.protocol.version", protocol);
            brokers.broker(1).restart();
        }
        let text = format!(r#"{{"features":{{}},"version":1,"status":{status}}}"#);
        eventually("/feature is put right", SOON, || {
            (brokers.look(feature::PATH)? == (text.clone().into(), version)).then_some(())
        });
        eventually("clients are told", SOON, || {
            let request = ApiVersionsRequest {
                client_software_name: "test".to_owned(),
                client_software_version: "1".to_owned(),
            };
            let answer = brokers.connection(1).call(&request, 3)?;
            (answer.finalized_features_epoch == epoch).then_some(())
        });
    }
}
