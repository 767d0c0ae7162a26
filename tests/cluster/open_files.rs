//! More partitions than file descriptors: files are open while they are used, and no directory suffers from
//! the want of one.

use std::time::Duration;

use crate::support::{Broker, Chroot, Connection, eventually, tool};

const PARTITIONS: i32 = 1200;
const DESCRIPTORS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(120);

/// How many descriptors the broker holds.
fn open_descriptors(broker: &Broker) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", broker.process().id())).unwrap().count()
}

/// A connection to the broker once it leads all partitions.
fn leader_of_all(broker: &Broker) -> Connection {
    eventually("all partitions have a leader", PATIENCE, || {
        Connection::to(broker.port)?.with_patience(PATIENCE).has_leader("t")?.then_some(())
    });
    Connection::to(broker.port).unwrap().with_patience(PATIENCE)
}

/// Writes to all partitions, again and again, so that every file is opened and closed many times.
fn write_to_all(broker: &Broker, rounds: std::ops::Range<i32>) {
    let mut connection = leader_of_all(broker);
    for round in rounds {
        let refused = connection.produce_to_all("t", PARTITIONS, &format!("round {round}"));
        assert!(refused.iter().all(|error| *error == 0), "round {round}: {refused:?}");
        assert!(open_descriptors(broker) <= DESCRIPTORS);
    }
}

#[test]
fn three_times_as_many_partitions_as_descriptors_are_written_and_read() {
    let chroot = Chroot::new();
    let settings = [
        ("zookeeper.session.timeout.ms", "30000"),
        // Each round begins a segment, and each batch gets an index entry.
        ("log.segment.bytes", "300"),
        ("log.index.interval.bytes", "1"),
        ("log.index.size.max.bytes", "4096"),
    ];
    let mut broker = Broker::prepare(1, &chroot.connect(), &settings);
    broker.limit_open_files("-n 400");
    broker.restart();
    let create = ["--zookeeper", &chroot.connect(), "--create", "--topic", "t", "--replication-factor", "1"];
    let created = tool("topics", &[&create[..], &["--partitions", &PARTITIONS.to_string()]].concat());
    assert!(created.status.success(), "{created:?}");
    write_to_all(&broker, 0..5);
    broker.stop();
    broker.restart();
    write_to_all(&broker, 5..6);
    let expected: Vec<_> = (0..6).map(|round| format!("round {round}")).collect();
    let mut connection = leader_of_all(&broker);
    for (offset, value) in expected.iter().enumerate() {
        let found = connection.read_from_all("t", PARTITIONS, offset as i64);
        assert_eq!(found.len(), PARTITIONS as usize);
        assert!(found.iter().all(|values| values.first() == Some(value)), "offset {offset}");
        assert!(open_descriptors(&broker) <= DESCRIPTORS);
    }
    let complaints: Vec<_> =
        broker.process().lines().into_iter().filter(|line| line.contains("ERROR")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}
