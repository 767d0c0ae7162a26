//! The mirror maker between two clusters: whatever ends it in the middle, no record is lost.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::client::settings::{ConsumerSettings, OffsetReset};
use barnabas::client::{Consumer, OffsetAndMetadata};

use crate::support::{Broker, Chroot, Process, script};

const SOON: Duration = Duration::from_secs(60);

/// Groups form at once, and notice a member that was killed within a second.
const QUICK_GROUPS: [(&str, &str); 2] =
    [("group.initial.rebalance.delay.ms", "0"), ("group.min.session.timeout.ms", "500")];

/// Two clusters of a broker each.
struct Clusters {
    source: Broker,
    target: Broker,
    _chroots: [Chroot; 2],
}

impl Clusters {
    fn start() -> Self {
        let chroots = [Chroot::new(), Chroot::new()];
        let [source, target] =
            [0, 1].map(|at| Broker::start_with(at as i32, &chroots[at].connect(), &QUICK_GROUPS));
        Self { source, target, _chroots: chroots }
    }

    fn create(&self, topic: &str, partitions: &str, config_of_target: &[&str]) {
        for (broker, config) in [(&self.source, &[][..]), (&self.target, config_of_target)] {
            let bootstrap = broker.bootstrap();
            let words = ["--bootstrap-server", &bootstrap, "--create", "--topic", topic];
            let size = ["--partitions", partitions, "--replication-factor", "1"];
            let made = script("kafka-topics.sh", &[&words[..], &size, config].concat());
            assert!(made.status.success(), "{made:?}");
        }
    }

    /// Starts a mirror maker of these topics, with a group of its own.
    fn mirror(&self, topics: &str, group: &str, more: &[&str]) -> Process {
        let files = self.source.directory();
        let (consumer, producer) = (files.join("consumer.properties"), files.join("producer.properties"));
        let settings = format!(
            "bootstrap.servers={}\ngroup.id={group}\nauto.offset.reset=earliest\nsession.timeout.ms=1000\n\
             heartbeat.interval.ms=200\n",
            self.source.bootstrap()
        );
        fs::write(&consumer, settings).unwrap();
        // Records lie in the producer for a while, so that an offset that is committed too early is one of a record
        // that is lost.
        let settings = format!("bootstrap.servers={}\nlinger.ms=300\n", self.target.bootstrap());
        fs::write(&producer, settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
        command.arg("mirror-maker").arg("--consumer.config").arg(consumer);
        command.arg("--producer.config").arg(producer);
        command.args(["--whitelist", topics, "--offset.commit.interval.ms", "20"]);
        Process::start("mirror maker", command.args(more))
    }
}

fn produce(broker: &Broker, topic: &str, count: usize, throughput: &str) -> Process {
    let (bootstrap, count) = (broker.bootstrap(), count.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.args(["verifiable-producer", "--bootstrap-server", &bootstrap, "--topic", topic]);
    command.args(["--max-messages", &count, "--throughput", throughput, "--repeating-keys", "7"]);
    Process::start("verifiable producer", &mut command)
}

async fn reader(broker: &Broker, topic: &str, partitions: i32, group: &str) -> Consumer {
    let settings = ConsumerSettings {
        offset_reset: OffsetReset::Earliest,
        enable_auto_commit: false,
        ..ConsumerSettings::in_group(&broker.bootstrap(), group)
    };
    let mut consumer = Consumer::new(settings).await.unwrap();
    consumer.assign((0..partitions).map(|at| TopicPartition::new(topic, at))).unwrap();
    consumer
}

/// Reads until so many different values have come; those, as numbers.
async fn read_until(consumer: &mut Consumer, values: &mut BTreeSet<usize>, count: usize) {
    let started = Instant::now();
    while values.len() < count {
        assert!(started.elapsed() < SOON, "{} of {count} values have come", values.len());
        for record in &consumer.poll(Duration::from_millis(200)).await.unwrap() {
            let text = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
            values.insert(text.parse().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_killed_loses_nothing_and_one_that_is_stopped_repeats_nothing() {
    let clusters = Clusters::start();
    clusters.create("mirrored", "3", &[]);
    let mut producer = produce(&clusters.source, "mirrored", 4000, "2000");
    let mut mirror = clusters.mirror("'mirrored,other'", "mirrors", &["--num.streams", "2"]);
    let mut copies = reader(&clusters.target, "mirrored", 3, "copies").await;
    let mut values = BTreeSet::new();
    read_until(&mut copies, &mut values, 300).await;
    // By now the mirror has read records that lie in its producer: their offsets must not be committed.
    let lying = values.last().unwrap() + 300;
    producer.wait_for_line(&format!("\"value\":\"{lying}\""), SOON);
    mirror.kill();
    let mut mirror = clusters.mirror("mirrored", "mirrors", &["--num.streams", "2"]);
    assert_eq!(producer.wait(SOON).code(), Some(0));
    read_until(&mut copies, &mut values, 4000).await;
    assert_eq!(values, (0..4000).collect(), "every record was copied");

    mirror.signal("TERM");
    assert_eq!(mirror.wait(SOON).code(), Some(143));
    let originals = reader(&clusters.source, "mirrored", 3, "mirrors").await;
    let partitions: Vec<_> = originals.assignment().into_iter().collect();
    let ends = originals.end_offsets(&partitions).await.unwrap();
    let committed = originals.committed(&partitions).await.unwrap();
    for (partition, end) in ends.into_iter().filter(|(_, end)| *end > 0) {
        assert_eq!(
            committed[&partition],
            Some(OffsetAndMetadata::new(end)),
            "{partition}: {:?}",
            mirror.lines()
        );
    }
    refused_records_end_the_mirror_unless_they_are_to_be_skipped(&clusters).await;
}

async fn refused_records_end_the_mirror_unless_they_are_to_be_skipped(clusters: &Clusters) {
    clusters.create("refused", "1", &["--config", "max.message.bytes=200"]);
    let bootstrap = clusters.source.bootstrap();
    let large = ["--topic", "refused", "--num-records", "1", "--record-size", "500", "--throughput", "-1"];
    let properties = ["--producer-props", &format!("bootstrap.servers={bootstrap}")];
    let sent = script("kafka-producer-perf-test.sh", &[&large[..], &properties].concat());
    assert!(sent.status.success(), "{sent:?}");
    assert_eq!(produce(&clusters.source, "refused", 3, "-1").wait(SOON).code(), Some(0));

    let mut mirror = clusters.mirror("refused", "refusals", &[]);
    assert_eq!(mirror.wait(SOON).code(), Some(255));
    let printed = mirror.lines().join("\n");
    assert!(printed.contains("RecordTooLargeException"), "{printed}");
    let originals = reader(&clusters.source, "refused", 1, "refusals").await;
    let partition = TopicPartition::new("refused", 0);
    let committed = originals.committed(std::slice::from_ref(&partition)).await.unwrap();
    assert_eq!(committed[&partition], None, "the record is not lost");

    let mut mirror = clusters.mirror("refused", "refusals", &["--abort.on.send.failure", "false"]);
    let mut copies = reader(&clusters.target, "refused", 1, "copies").await;
    let mut values = BTreeSet::new();
    read_until(&mut copies, &mut values, 3).await;
    // The first mirror may have copied them already; the one that skips is at work once it reports the large record.
    mirror.wait_for_line("RecordTooLargeException", SOON);
    mirror.signal("INT");
    assert_eq!(mirror.wait(SOON).code(), Some(130));
    let committed = originals.committed(std::slice::from_ref(&partition)).await.unwrap();
    assert_eq!(committed[&partition], Some(OffsetAndMetadata::new(4)));
}
