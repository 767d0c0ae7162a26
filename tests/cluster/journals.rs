//! What is written to ZooKeeper, and in which order, when an ISR changes, a partition moves, a preferred leader leads
//! again, a topic goes: transaction by transaction what Kafka 2.7.2 wrote.

use std::time::Duration;

use barnabas::zk::CreateMode;
use barnabas::zk::znode::{preferred_election, reassign_partitions};

use crate::support::cluster::Brokers;
use crate::support::{Chroot, ZooKeeperServer, eventually, tool};

const SOON: Duration = Duration::from_secs(30);

/// Brokers whose ZooKeeper's log is read.
struct Recorded {
    brokers: Brokers,
    server: ZooKeeperServer,
    read: usize,
}

impl Recorded {
    fn start(count: i32, protocol: &str) -> Self {
        let server = ZooKeeperServer::start();
        let settings = [
            ("inter.broker.protocol.version", protocol),
            // A broker that stands still is to be missed by leaders, not by the controller.
            ("zookeeper.session.timeout.ms", "8000"),
            ("auto.leader.rebalance.enable", "false"),
        ];
        let brokers = Brokers::start_in(Chroot::on(&server.address()), count, &settings, |_, _| Vec::new());
        let mut recorded = Self { brokers, server, read: 0 };
        recorded.brokers.create("1:2", &[]);
        recorded.brokers.produce(1, 0..5);
        recorded.since();
        recorded
    }

    fn all(&self) -> Vec<String> {
        let paths = ["/brokers/topics", "/isr_change_notification", "/admin", "/config/topics"];
        let mut lines = self.server.journal(self.brokers.chroot.path());
        lines.retain(|line| paths.iter().any(|path| line.contains(&format!(" {path}"))));
        lines
    }

    /// What was written since this was asked last.
    fn since(&mut self) -> Vec<String> {
        let all = self.all();
        let new = all[self.read..].to_vec();
        self.read = all.len();
        new
    }

    /// Waits until these are the next lines; `G` stands for the guard of every write of a controller.
    fn expect(&mut self, lines: &[&str]) {
        let expected: Vec<_> =
            lines.iter().map(|line| line.replace("G ", "if /controller_epoch: ")).collect();
        let from = self.read;
        let mut found = Vec::new();
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually("so much is written", SOON, || {
                found = self.all()[from..].to_vec();
                (found.len() >= expected.len()).then_some(())
            });
        }));
        assert_eq!(found, expected, "{}", if seen.is_err() { "less was written" } else { "" });
        self.read = from + expected.len();
    }
}

fn state(leader: i32, epoch: i32, isr: &str) -> String {
    format!(
        "set /brokers/topics/t/partitions/0/state {{\"controller_epoch\":1,\"leader\":{leader},\"version\":1,\
         \"leader_epoch\":{epoch},\"isr\":[{isr}]}}"
    )
}

#[test]
fn an_isr_shrinks_and_grows_through_the_controller() {
    let mut recorded = Recorded::start(2, "2.7");
    recorded.brokers.broker(2).process().stand_still();
    let mut connection = recorded.brokers.connection(1);
    connection.produce("t", "late", 1).unwrap().unwrap();
    recorded.expect(&[&format!("G {}", state(1, 0, "1"))]);
    recorded.brokers.broker(2).process().signal("CONT");
    recorded.expect(&[&format!("G {}", state(1, 0, "1,2"))]);
}

#[test]
fn an_isr_shrinks_by_its_leaders_hand_and_the_controller_is_notified() {
    let mut recorded = Recorded::start(2, "2.6");
    recorded.brokers.broker(2).process().stand_still();
    let mut connection = recorded.brokers.connection(1);
    connection.produce("t", "late", 1).unwrap().unwrap();
    recorded.expect(&[&state(1, 0, "1")]);
    recorded.brokers.broker(2).process().signal("CONT");
    let notice = "/isr_change_notification/isr_change_0000000000";
    recorded.expect(&[
        &state(1, 0, "1,2"),
        &format!("create {notice} {{\"version\":1,\"partitions\":[{{\"topic\":\"t\",\"partition\":0}}]}}"),
        &format!("G delete {notice}"),
    ]);
}

#[test]
fn a_partition_moves_step_by_step() {
    let mut recorded = Recorded::start(3, "2.7");
    let wanted = [(barnabas::base::TopicPartition::new("t", 0), vec![3, 2])];
    let data = reassign_partitions::encode(&wanted);
    recorded.brokers.write(reassign_partitions::PATH, &data, CreateMode::Persistent);
    let assigned = |replicas: &str, adding: &str, removing: &str| {
        format!(
            "G set /brokers/topics/t {{\"version\":2,\"partitions\":{{\"0\":[{replicas}]}},\
             \"adding_replicas\":{{{adding}}},\"removing_replicas\":{{{removing}}}}}"
        )
    };
    recorded.expect(&[
        "create /admin/reassign_partitions {\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"replicas\":[3,2]}]}",
        &assigned("3,2,1", "\"0\":[3]", "\"0\":[1]"),
        &format!("G {}", state(1, 1, "1,2")),
        &format!("G {}", state(1, 1, "1,2,3")),
        &format!("G {}", state(3, 2, "1,2,3")),
        &format!("G {}", state(3, 3, "2,3")),
        &assigned("3,2", "", ""),
        "G delete /admin/reassign_partitions",
    ]);
}

#[test]
fn a_leader_dies_comes_back_and_is_preferred_and_the_topic_goes() {
    let mut recorded = Recorded::start(2, "2.7");
    recorded.brokers.broker(1).stop();
    recorded.expect(&[&format!("G {}", state(2, 1, "2"))]);
    recorded.brokers.broker(1).restart();
    // The controller, if it was broker 1, is another by now.
    let epoch = |line: String, epoch: i32| {
        line.replace("\"controller_epoch\":1", &format!("\"controller_epoch\":{epoch}"))
    };
    recorded.brokers.await_isr(&[1, 2]);
    let last = recorded.since().pop().unwrap();
    let epoch_in_force = if last.contains("\"controller_epoch\":2") { 2 } else { 1 };
    assert_eq!(last, epoch(format!("if /controller_epoch: {}", state(2, 1, "2,1")), epoch_in_force));
    let data = preferred_election::encode(&[barnabas::base::TopicPartition::new("t", 0)]);
    recorded.brokers.write(preferred_election::PATH, &data, CreateMode::Persistent);
    let wanted = String::from_utf8(data).unwrap();
    recorded.expect(&[
        &format!("create /admin/preferred_replica_election {wanted}"),
        &epoch(format!("G {}", state(1, 2, "2,1")), epoch_in_force),
        "G delete /admin/preferred_replica_election",
    ]);
    let connect = recorded.brokers.chroot.connect();
    let deleted = tool("topics", &["--zookeeper", &connect, "--delete", "--topic", "t"]);
    assert!(deleted.status.success(), "{deleted:?}");
    recorded.expect(&[
        "create /admin/delete_topics/t ",
        // Every replica leaves the ISR; the last one stays in it.
        &epoch(format!("G {}", state(-1, 3, "2")), epoch_in_force),
        &epoch(format!("G {}", state(-1, 4, "2")), epoch_in_force),
        "G delete /brokers/topics/t/partitions/0/state",
        "G delete /brokers/topics/t/partitions/0",
        "G delete /brokers/topics/t/partitions",
        "G delete /brokers/topics/t",
        "G delete /config/topics/t",
        "G delete /admin/delete_topics/t",
    ]);
}
