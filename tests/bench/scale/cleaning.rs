//! One broker that compacts a topic of a million keys, in every codec.
//!
//! The topic is written while no broker runs, in segments of 100 MB, and is compacted once its policy is set to that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use barnabas::base::{Clock, TopicPartition};
use barnabas::log::log::Shared;
use barnabas::log::recovery::{LastStop, Opening};
use barnabas::log::settings::Settings;
use barnabas::log::{AppendOrigin, Log};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::compression::Compression;
use barnabas::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};

use crate::Figures;
use crate::members::{self, LIMIT, Members};
use crate::parts;
use crate::support::eventually;
use crate::table::Figure;

const KEYS: u64 = 1_000_000;
/// Records of a batch.
const BATCH: usize = 100;
/// `ConfigResource.Type.TOPIC`.
const TOPIC: i8 = 2;

/// Rows of the CPU for each codec, and of the time.
pub fn measure(figures: &mut Figures<'_>) {
    let bytes = parts::number("--megabytes", 200) << 20;
    for codec in Compression::ALL {
        let (topic, mut members) = (codec.name(), Members::start_some(figures, 1));
        members.create(vec![members::assigned(topic, &[vec![1]], &[("segment.bytes", "104857600")])]);
        members.await_partitions(&[1], topic, 1, |it| it.leader_id == 1);
        members.stop(1);
        let end = fill(&members, codec, bytes);
        members.launch(1);
        members.await_all();
        members.await_partitions(&[1], topic, 1, |it| it.leader_id == 1);
        // What a start puts off is done then.
        std::thread::sleep(Duration::from_secs(5));
        let (begun, cpu) = (Instant::now(), members.cpu_seconds());
        compact(&members, topic);
        let checkpoint = members.data(1).join("cleaner-offset-checkpoint");
        let is_clean = format!("{topic} 0 {end}");
        eventually("the topic is clean", LIMIT, || {
            std::fs::read_to_string(&checkpoint).ok()?.lines().any(|line| line == is_clean).then_some(())
        });
        let cpu = members.cpu_seconds() - cpu;
        let gigabytes = bytes as f64 / f64::from(1 << 30);
        let row = format!("compacting a million keys, {topic}: CPU, s/GB of records");
        figures.add(&row, Figure::CpuPerGb(cpu / gigabytes));
        let row = format!("compacting a million keys, {topic}: time until it was clean, s");
        figures.add(&row, Figure::Seconds(begun.elapsed().as_secs_f64()));
    }
}

/// Writes so many bytes of records with random keys. Returns the offset of the active segment, which is empty.
fn fill(members: &Members, codec: Compression, bytes: usize) -> i64 {
    let opening = Opening {
        partition: TopicPartition::new(codec.name(), 0),
        dir: members.data(1).join(format!("{}-0", codec.name())),
        settings: Settings { segment_bytes: 100 << 20, ..Settings::default() },
        log_start: 0,
        recovery_point: 0,
        last_stop: LastStop::Clean,
    };
    let log: Arc<Log> = Log::open(opening, Arc::new(Shared::new(Clock::System))).unwrap();
    let (mut random, now) = (fastrand::Rng::with_seed(1), Clock::System.now());
    let mut written = 0;
    while written < bytes {
        let mut builder = BatchBuilder::new().compression(codec);
        for _ in 0..BATCH {
            let key = format!("key-{:012}", random.u64(..KEYS));
            // Half of it packs well.
            let value: Vec<u8> =
                (0..100).map(|at| if at % 2 == 0 { b'v' } else { random.u8(b'a'..=b'z') }).collect();
            builder.push(now, Some(key.as_bytes()), Some(&value), &[]);
        }
        written += builder.uncompressed_size();
        log.append_as_leader(builder.build().unwrap(), 0, AppendOrigin::Client).unwrap();
    }
    log.roll().unwrap();
    log.flush().unwrap();
    log.close().unwrap();
    log.log_end_offset()
}

fn compact(members: &Members, topic: &str) {
    let config = |name: &str, value: &str| IncrementalAlterableConfig {
        name: name.to_owned(),
        config_operation: 0,
        value: Some(value.to_owned()),
    };
    let resource = IncrementalAlterConfigsResource {
        resource_type: TOPIC,
        resource_name: topic.to_owned(),
        configs: vec![config("cleanup.policy", "compact"), config("min.cleanable.dirty.ratio", "0.01")],
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let answer = members.connection(1).call(&request, 1).unwrap();
    assert!(answer.responses.iter().all(|it| it.error_code == 0), "{:?}", answer.responses);
}
