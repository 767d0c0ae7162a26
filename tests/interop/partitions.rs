//! Kafka 2.7.2's tools for partitions, unmodified, on a cluster of three: reassignment by both roads, elections, log
//! directories, deleted records, verification.

use std::path::PathBuf;
use std::time::Duration;

use crate::java::{Kafka, kafka};
use crate::support::cluster::Brokers;
use crate::support::eventually;

const REASSIGN: &str = "kafka.admin.ReassignPartitionsCommand";
const SOON: Duration = Duration::from_secs(60);

struct Tools {
    kafka: &'static Kafka,
    brokers: Brokers,
    directory: tempfile::TempDir,
}

impl Tools {
    /// Three brokers, and a topic of one partition on brokers 1 and 2 that holds records.
    fn start(kafka: &'static Kafka) -> Self {
        let brokers = Brokers::start(3, &[]);
        brokers.create("1:2", &[]);
        brokers.produce(1, 0..20);
        Self { kafka, brokers, directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A file that asks for these replicas of `t-0`.
    fn plan(&self, replicas: &str) -> String {
        let text = format!(
            r#"{{"version":1,"partitions":[{{"topic":"t","partition":0,"replicas":[{replicas}]}}]}}"#
        );
        self.file("plan.json", &text).display().to_string()
    }

    fn run(&self, class: &str, arguments: &[&str]) -> String {
        self.kafka.run(class, arguments).ok().out
    }

    fn by_broker(&self, class: &str, arguments: &[&str]) -> String {
        let bootstrap = self.brokers.bootstrap();
        self.run(class, &[&["--bootstrap-server", &bootstrap], arguments].concat())
    }

    fn await_replicas(&self, isr: &[i32], leader: i32) {
        self.brokers.await_isr(isr);
        self.brokers.await_leader(leader);
    }
}

#[test]
fn partitions_are_reassigned_by_kafkas_tool_through_a_broker() {
    let Some(kafka) = kafka("partitions_are_reassigned_by_kafkas_tool_through_a_broker") else { return };
    let tools = Tools::start(kafka);
    let topics = tools.file("topics.json", r#"{"topics":[{"topic":"t"}],"version":1}"#);
    let generate = ["--topics-to-move-json-file", &topics.display().to_string(), "--broker-list", "2,3"];
    let generated = tools.by_broker(REASSIGN, &[&generate[..], &["--generate"]].concat());
    assert!(generated.contains("Proposed partition reassignment configuration"), "{generated}");

    let plan = tools.plan("2,3");
    let file = ["--reassignment-json-file", plan.as_str()];
    let execute = ["--execute", "--throttle", "10000000"];
    let begun = tools.by_broker(REASSIGN, &[&file[..], &execute].concat());
    assert!(begun.contains("Successfully started partition reassignment for t-0"), "{begun}");
    assert!(begun.contains("The inter-broker throttle limit was set to 10000000 B/s"), "{begun}");
    eventually("the reassignment is complete", SOON, || {
        let verified = tools.by_broker(REASSIGN, &[&file[..], &["--verify"]].concat());
        verified.contains("Reassignment of partition t-0 is complete.").then_some(())
    });
    tools.await_replicas(&[2, 3], 2);
    assert_eq!(tools.brokers.values(2).len(), 20);
    let listed = tools.by_broker(REASSIGN, &["--list"]);
    assert_eq!(listed.trim(), "No partition reassignments found.");
}

#[test]
fn partitions_are_reassigned_and_leaders_elected_by_kafkas_tools_through_zookeeper() {
    let name = "partitions_are_reassigned_and_leaders_elected_by_kafkas_tools_through_zookeeper";
    let Some(kafka) = kafka(name) else { return };
    let mut tools = Tools::start(kafka);
    let zookeeper = tools.brokers.chroot.connect();
    let plan = tools.plan("3,1,2");
    let execute = ["--zookeeper", &zookeeper, "--reassignment-json-file", &plan, "--execute"];
    let begun = tools.run(REASSIGN, &execute);
    assert!(begun.contains("Successfully started partition reassignment for t-0"), "{begun}");
    tools.brokers.await_isr(&[1, 2, 3]);
    // The new replicas begin with another's leader; the preferred one leads when that is asked for, or is gone.
    let elect = tools.run("kafka.admin.PreferredReplicaLeaderElectionCommand", &["--zookeeper", &zookeeper]);
    assert!(elect.contains("Successfully started preferred replica election"), "{elect}");
    tools.brokers.await_leader(3);
    tools.brokers.broker(3).stop();
    eventually("another leads", SOON, || (tools.brokers.state().leader != 3).then_some(()));
    tools.brokers.broker(3).restart();
    tools.brokers.await_isr(&[1, 2, 3]);
    let all = ["--election-type", "preferred", "--all-topic-partitions"];
    let elected = tools.by_broker("kafka.admin.LeaderElectionCommand", &all);
    assert!(
        elected.contains("Successfully completed leader election (PREFERRED) for partitions t-0"),
        "{elected}"
    );
    tools.brokers.await_leader(3);
}

#[test]
fn kafkas_tools_look_at_replicas_and_delete_records() {
    let Some(kafka) = kafka("kafkas_tools_look_at_replicas_and_delete_records") else { return };
    let tools = Tools::start(kafka);
    let told = tools.by_broker("kafka.admin.LogDirsCommand", &["--describe", "--topic-list", "t"]);
    assert_eq!(told.matches("\"partition\":\"t-0\"").count(), 2, "{told}");
    let offsets =
        tools.file("offsets.json", r#"{"version":1,"partitions":[{"topic":"t","partition":0,"offset":5}]}"#);
    let deleted = tools.by_broker(
        "kafka.admin.DeleteRecordsCommand",
        &["--offset-json-file", &offsets.display().to_string()],
    );
    assert!(deleted.contains("partition: t-0\tlow_watermark: 5"), "{deleted}");
    let describe = |filter| tools.by_broker("kafka.admin.TopicCommand", &["--describe", filter]);
    for filter in ["--under-replicated-partitions", "--unavailable-partitions", "--under-min-isr-partitions"]
    {
        assert_eq!(describe(filter), "", "{filter}");
    }
}
