//! A mirror maker at full speed between two clusters: its CPU and its speed, without its start.
//!
//! What is measured lies between the time when a tenth of the records are copied and the time when all are.

use std::fs;
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::client::Admin;
use barnabas::client::admin::{ListOffsetsOptions, OffsetSpec};
use barnabas::client::cluster::ClusterOptions;

use super::{KINDS, create, own, succeed};
use crate::brokers::{RunningBroker, cpu_seconds};
use crate::java::Kafka;
use crate::support::Process;
use crate::table::{Figure, Kind, Table};

/// How large a record is.
const RECORD_SIZE: usize = 1000;
const PARTITIONS: i32 = 6;
/// How long a mirror maker may take.
const LIMIT: Duration = Duration::from_secs(600);

pub(super) fn measure(kafka: &Kafka, table: &mut Table, round: usize, megabytes: usize) {
    let source = RunningBroker::start(kafka, Kind::Barnabas);
    let records = megabytes * 1_000_000 / RECORD_SIZE;
    create(&source, "mirrored", &PARTITIONS.to_string());
    let (count, size) = (records.to_string(), RECORD_SIZE.to_string());
    let props = format!("bootstrap.servers={}", super::bootstrap(&source));
    let fill = ["producer-perf-test", "--topic", "mirrored", "--num-records", &count, "--record-size", &size];
    succeed(&mut own(&[&fill[..], &["--throughput", "-1", "--producer-props", &props]].concat()));
    for kind in KINDS {
        let target = RunningBroker::start(kafka, Kind::Barnabas);
        create(&target, "mirrored", &PARTITIONS.to_string());
        let mut mirror = start(kafka, kind, &source, &target, round);
        await_copies(&target, records / 10);
        let (begun, cpu) = (Instant::now(), cpu_seconds(mirror.id()));
        let already = await_copies(&target, records / 10);
        let copied = await_copies(&target, records) - already;
        let gigabytes = (copied * RECORD_SIZE) as f64 / 1e9;
        let taken = cpu_seconds(mirror.id()) - cpu;
        let speed = gigabytes * 1e3 / begun.elapsed().as_secs_f64();
        mirror.kill();
        table.add("mirror maker, CPU s/GB", kind, Figure::CpuPerGb(taken / gigabytes));
        table.add("mirror maker, MB/s", kind, Figure::MegabytesPerSecond(speed));
    }
}

fn start(kafka: &Kafka, kind: Kind, source: &RunningBroker, target: &RunningBroker, round: usize) -> Process {
    let directory = target.directory();
    let (consumer, producer) = (directory.join("consumer.properties"), directory.join("producer.properties"));
    let group = format!("mirrors-{}-{round}", kind.name().replace(' ', "-"));
    let settings = format!(
        "bootstrap.servers={}\ngroup.id={group}\nauto.offset.reset=earliest\n",
        super::bootstrap(source)
    );
    fs::write(&consumer, settings).unwrap();
    fs::write(&producer, format!("bootstrap.servers={}\n", super::bootstrap(target))).unwrap();
    let class = "kafka.tools.MirrorMaker";
    let mut command = match kind {
        Kind::Kafka => kafka.long_running(directory, class),
        Kind::Barnabas => own(&[class]),
    };
    command.arg("--consumer.config").arg(consumer).arg("--producer.config").arg(producer);
    Process::start(
        kind.name(),
        command.args(["--whitelist", "mirrored", "--offset.commit.interval.ms", "1000"]),
    )
}

/// Waits until so many records are copied; how many there are then.
fn await_copies(target: &RunningBroker, wanted: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let admin = Admin::new(ClusterOptions::new(&super::bootstrap(target), "benchmark")).await.unwrap();
        let started = Instant::now();
        loop {
            let ends = (0..PARTITIONS).map(|at| (TopicPartition::new("mirrored", at), OffsetSpec::Latest));
            let ends = admin.list_offsets(ends, ListOffsetsOptions::default()).await.all().unwrap();
            let copied = ends.values().filter_map(|it| it.offset).sum::<i64>() as usize;
            if copied >= wanted {
                return copied;
            }
            assert!(started.elapsed() < LIMIT, "{copied} of {wanted} records are copied");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
}
