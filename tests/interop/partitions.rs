//! Kafka 2.7.2's tools for partitions, unmodified, on a cluster of three: reassignment by both roads, elections, log
//! directories, deleted records, verification.

use std::path::PathBuf;
use std::time::Duration;

use crate::java::{Kafka, kafka};
use crate::support::cluster::Brokers;
use crate::support::{Process, eventually};

const REASSIGN: &str = "kafka.admin.ReassignPartitionsCommand";
const SOON: Duration = Duration::from_secs(60);

struct Tools {
    kafka: &'static Kafka,
    brokers: Brokers,
    directory: tempfile::TempDir,
}

impl Tools {
    /// Three brokers, and a topic of one partition on brokers 1 and 2 that holds records. Leaders are elected by the tools
    /// alone.
    fn start(kafka: &'static Kafka) -> Self {
        let brokers = Brokers::start(3, &[("auto.leader.rebalance.enable", "false")]);
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

/// How long a throttled reassignment is to last at least: what is copied, at so many bytes a second.
const THROTTLE: &str = "500";

impl Tools {
    /// Three brokers that fetch little at a time, and a topic on brokers 1 and 2 that takes long to copy throttled.
    fn start_slow(kafka: &'static Kafka) -> Self {
        let brokers = Brokers::start(3, &[("replica.fetch.max.bytes", "5000")]);
        brokers.create("1:2", &[]);
        let mut connection = brokers.connection(1);
        let value = "x".repeat(4000);
        for _ in 0..50 {
            assert!(connection.produce("t", &value, 1).unwrap().is_ok());
        }
        Self { kafka, brokers, directory: tempfile::tempdir().unwrap() }
    }

    /// The tool for reassignments on the road under test, with a plan and more.
    fn reassign(&self, road: [&str; 2], replicas: &str, arguments: &[&str]) -> String {
        let plan = self.plan(replicas);
        let file = ["--reassignment-json-file", plan.as_str()];
        self.run(REASSIGN, &[&road[..], &file, arguments].concat())
    }

    /// What a config znode holds.
    fn config(&self, entity: &str) -> String {
        let found = self.brokers.look(&format!("/config/{entity}"));
        found.map(|(data, _)| String::from_utf8_lossy(&data).into_owned()).unwrap_or_default()
    }

    fn is_throttled(&self) -> [bool; 2] {
        ["topics/t", "brokers/1"].map(|entity| self.config(entity).contains("replication.throttled"))
    }

    /// Verifies until the reassignment is complete.
    fn await_complete(&self, road: [&str; 2], replicas: &str) {
        eventually("the reassignment is complete", SOON, || {
            let verified = self.reassign(road, replicas, &["--verify"]);
            verified.contains("Reassignment of partition t-0 is complete.").then_some(())
        });
    }
}

#[test]
fn partitions_are_reassigned_by_kafkas_tool_through_a_broker() {
    let Some(kafka) = kafka("partitions_are_reassigned_by_kafkas_tool_through_a_broker") else { return };
    let tools = Tools::start_slow(kafka);
    let bootstrap = tools.brokers.bootstrap();
    let road = ["--bootstrap-server", &bootstrap];
    let topics = tools.file("topics.json", r#"{"topics":[{"topic":"t"}],"version":1}"#);
    let generate = ["--topics-to-move-json-file", &topics.display().to_string(), "--broker-list", "2,3"];
    let generated = tools.by_broker(REASSIGN, &[&generate[..], &["--generate"]].concat());
    assert!(generated.contains("Proposed partition reassignment configuration"), "{generated}");

    let begun = tools.reassign(road, "2,3", &["--execute", "--throttle", THROTTLE]);
    assert!(begun.contains("Successfully started partition reassignment for t-0"), "{begun}");
    assert!(begun.contains("The inter-broker throttle limit was set to 500 B/s"), "{begun}");
    assert_eq!(tools.is_throttled(), [true, true]);
    let listed = tools.by_broker(REASSIGN, &["--list"]);
    assert_eq!(
        listed.trim(),
        "Current partition reassignments:\nt-0: replicas: 2,3,1. adding: 3. removing: 1."
    );
    let verified = tools.reassign(road, "2,3", &["--verify"]);
    assert!(verified.contains("Reassignment of partition t-0 is still in progress."), "{verified}");

    let cancelled = tools.reassign(road, "2,3", &["--cancel"]);
    assert!(cancelled.contains("Successfully cancelled partition reassignment for: t-0"), "{cancelled}");
    assert_eq!(tools.by_broker(REASSIGN, &["--list"]).trim(), "No partition reassignments found.");
    assert_eq!(tools.is_throttled(), [false, false]);
    tools.await_replicas(&[1, 2], 1);

    tools.reassign(road, "2,3", &["--execute", "--throttle", "10000000"]);
    tools.await_complete(road, "2,3");
    assert_eq!(tools.is_throttled(), [false, false], "what is complete is throttled no more");
    tools.await_replicas(&[2, 3], 2);
    assert_eq!(tools.brokers.values(2).len(), 50);
}

#[test]
fn partitions_are_reassigned_throttled_by_kafkas_tool_through_zookeeper() {
    let name = "partitions_are_reassigned_throttled_by_kafkas_tool_through_zookeeper";
    let Some(kafka) = kafka(name) else { return };
    let tools = Tools::start_slow(kafka);
    let zookeeper = tools.brokers.chroot.connect();
    let road = ["--zookeeper", &zookeeper];
    let topics = tools.file("topics.json", r#"{"topics":[{"topic":"t"}],"version":1}"#);
    let generate = ["--topics-to-move-json-file", &topics.display().to_string(), "--broker-list", "2,3"];
    let generated = tools.run(REASSIGN, &[&road[..], &generate, &["--generate"]].concat());
    assert!(generated.contains("Proposed partition reassignment configuration"), "{generated}");

    let begun = tools.reassign(road, "2,3", &["--execute", "--throttle", THROTTLE]);
    assert!(begun.contains("Successfully started partition reassignment for t-0"), "{begun}");
    assert_eq!(tools.is_throttled(), [true, true]);
    let verified = tools.reassign(road, "2,3", &["--verify"]);
    assert!(verified.contains("Reassignment of partition t-0 is still in progress."), "{verified}");
    // On this road the throttle is raised by the brokers' configs.
    let rates = "leader.replication.throttled.rate=10000000,follower.replication.throttled.rate=10000000";
    for id in ["1", "2", "3"] {
        let entity = ["--alter", "--entity-type", "brokers", "--entity-name", id, "--add-config", rates];
        tools.run("kafka.admin.ConfigCommand", &[&road[..], &entity].concat());
    }
    tools.await_complete(road, "2,3");
    assert_eq!(tools.is_throttled(), [false, false]);
    tools.await_replicas(&[2, 3], 2);
    assert_eq!(tools.brokers.values(2).len(), 50);
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
fn leaders_are_elected_by_kafkas_tools_through_a_broker_also_from_outside_the_isr() {
    let name = "leaders_are_elected_by_kafkas_tools_through_a_broker_also_from_outside_the_isr";
    let Some(kafka) = kafka(name) else { return };
    let mut tools = Tools::start(kafka);
    tools.brokers.broker(1).stop();
    tools.brokers.await_leader(2);
    tools.brokers.broker(1).restart();
    tools.brokers.await_isr(&[1, 2]);
    let elected = tools.by_broker("kafka.admin.PreferredReplicaLeaderElectionCommand", &[]);
    assert!(
        elected.contains("Successfully completed preferred leader election for partitions t-0"),
        "{elected}"
    );
    tools.brokers.await_leader(1);

    tools.brokers.broker(2).stop();
    tools.brokers.await_isr(&[1]);
    tools.brokers.broker(1).stop();
    tools.brokers.broker(2).restart();
    eventually("nobody leads", SOON, || (tools.brokers.state().leader == -1).then_some(()));
    let unclean = ["--election-type", "unclean", "--topic", "t", "--partition", "0"];
    let elected = tools.by_broker("kafka.admin.LeaderElectionCommand", &unclean);
    assert!(
        elected.contains("Successfully completed leader election (UNCLEAN) for partitions t-0"),
        "{elected}"
    );
    tools.brokers.await_leader(2);
}

#[test]
fn kafkas_tool_finds_what_is_under_replicated_by_both_roads() {
    let Some(kafka) = kafka("kafkas_tool_finds_what_is_under_replicated_by_both_roads") else { return };
    let mut tools = Tools::start(kafka);
    tools.brokers.create_topic("strict", "1:2", &["min.insync.replicas=2"]);
    tools.brokers.create_topic("gone", "2", &[]);
    tools.brokers.broker(2).stop();
    tools.brokers.await_isr(&[1]);
    let row = |topic: &str| format!("\tTopic: {topic}\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1");
    let gone = || "\tTopic: gone\tPartition: 0\tLeader: none\tReplicas: 2\tIsr: 2".to_owned();
    let (bootstrap, zookeeper) = (tools.brokers.all[&1].bootstrap(), tools.brokers.chroot.connect());
    for road in [["--bootstrap-server", &bootstrap], ["--zookeeper", &zookeeper]] {
        let found = |filter: &str| {
            let told = tools.run("kafka.admin.TopicCommand", &[&road[..], &["--describe", filter]].concat());
            let mut rows: Vec<_> = told.lines().map(str::to_owned).collect();
            rows.sort();
            rows
        };
        assert_eq!(found("--under-replicated-partitions"), [row("strict"), row("t")], "{road:?}");
        assert_eq!(found("--unavailable-partitions"), [gone()], "{road:?}");
        // What has to do with min.insync.replicas the tool only asks a broker.
        if road[0] == "--bootstrap-server" {
            assert_eq!(found("--under-min-isr-partitions"), [gone(), row("strict")]);
            assert_eq!(found("--at-min-isr-partitions"), [gone(), row("t")]);
        }
    }
}

#[test]
fn kafkas_tool_verifies_replicas() {
    let Some(kafka) = kafka("kafkas_tool_verifies_replicas") else { return };
    let tools = Tools::start(kafka);
    let bootstrap = tools.brokers.bootstrap();
    let arguments = ["--broker-list", &bootstrap, "--report-interval-ms", "300"];
    let mut command = kafka.command("kafka.tools.ReplicaVerificationTool", &arguments);
    // It verifies for ever.
    let process = Process::start("kafka-replica-verification", &mut command);
    let line = process.wait_for_line("max lag is", SOON);
    assert!(line.contains("max lag is 0 for partition"), "{line}");
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
