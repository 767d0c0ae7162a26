//! A data directory as Kafka 2.7.2 left it: we open and read it, recover it after a crash, and write the same bytes.
//!
//! `data/log-dir` is such a directory after a clean stop; `data/log-dir.jsonl` is what a client of 2.7.2 read from it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use barnabas::base::{Clock, TopicPartition};
use barnabas::config::layers::OwnConfigs;
use barnabas::config::topic::TopicConfig;
use barnabas::log::log::Shared;
use barnabas::log::meta_properties::{BrokerMetadata, StoredMetadata};
use barnabas::log::recovery::{LastStop, Opening};
use barnabas::log::{FirstBatch, Log, LogManager, LogManagerOptions, ReadUpTo};
use barnabas::wire::batch::Batch;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::recorded_dir::{self, Seen, expected};

/// A little after the records were made: their producers are not forgotten yet.
const NOW: i64 = 1_700_000_100_000;

/// The configs that the topics were made with.
fn config(topic: &str) -> TopicConfig {
    TopicConfig::default().with_overrides(&own(topic)).unwrap()
}

fn own(topic: &str) -> OwnConfigs {
    let forever = ("segment.ms", "9223372036854775807");
    let own: &[(&str, &str)] = match topic {
        "segments" => &[("segment.bytes", "1000"), ("index.interval.bytes", "150")],
        "idem" => &[("segment.bytes", "600"), forever],
        "compacted" => &[("cleanup.policy", "compact"), ("segment.bytes", "400"), forever],
        "txn" | "txn-open" => &[forever],
        "m0-none" => &[("message.format.version", "0.9.0")],
        "m1-gzip" => &[("message.format.version", "0.10.0")],
        "appendtime" => &[("message.timestamp.type", "LogAppendTime")],
        _ => &[],
    };
    own.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// The partitions, by the names of their directories.
fn partitions() -> Vec<String> {
    let entries = fs::read_dir(recorded_dir::path()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn topic_of(partition: &str) -> &str {
    partition.rsplit_once('-').unwrap().0
}

/// A copy of the directory to work on.
fn copied() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in files(&recorded_dir::path()) {
        let to = copy.path().join(&name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(recorded_dir::path().join(&name), to).unwrap();
    }
    copy
}

/// The files below a directory, by their paths in it.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn open(dir: &Path) -> Arc<LogManager> {
    let own: HashMap<_, _> =
        partitions().iter().map(|it| (Arc::from(topic_of(it)), own(topic_of(it)))).collect();
    let dirs = vec![dir.to_owned()];
    let logs = LogManager::open(LogManagerOptions {
        dirs,
        own,
        clock: Clock::manual(NOW),
        ..LogManagerOptions::default()
    })
    .unwrap();
    logs.all().iter().for_each(|log| lead(log));
    logs
}

/// What a broker does that leads a partition, at the epoch at which it did.
fn lead(log: &Log) {
    log.append_lock().begin_leadership(0).unwrap();
}

/// Kafka took this snapshot years after the records were made, when their producers but the last had expired.
const TAKEN_LATE: &str = "idem-0/00000000000000000015.snapshot";

/// Asserts that the files of a partition are Kafka's, byte for byte.
fn assert_same(partition: &str, kafka: &Path, barnabas: &Path) {
    assert_eq!(files(kafka), files(barnabas), "{partition}");
    for name in files(kafka).into_iter().filter(|name| format!("{partition}/{name}") != TAKEN_LATE) {
        let (kafka, barnabas) =
            (fs::read(kafka.join(&name)).unwrap(), fs::read(barnabas.join(&name)).unwrap());
        assert_eq!(kafka, barnabas, "{partition}/{name}");
    }
}

fn text(bytes: Option<bytes::Bytes>) -> Value {
    bytes.map_or(Value::Null, |bytes| String::from_utf8_lossy(&bytes).into_owned().into())
}

/// What a consumer sees: offset, timestamp, key, value.
fn consumed(log: &Log, up_to: ReadUpTo) -> Vec<Seen> {
    let end = match up_to {
        ReadUpTo::LastStable => log.last_stable_offset(),
        _ => log.log_end_offset(),
    };
    let (mut records, mut offset) = (Vec::new(), log.log_start_offset());
    while offset < end {
        let read = log.read(offset, 1 << 20, up_to, FirstBatch::Whole).unwrap();
        let mut aborted: Vec<_> = read.aborted.unwrap_or_default();
        let mut open = HashSet::new();
        for batch in Batch::split(read.records.read().unwrap()) {
            let batch = batch.unwrap();
            let header = batch.header();
            aborted.retain(|it| {
                let begun = it.first_offset <= header.last_offset();
                if begun {
                    open.insert(it.producer_id);
                }
                !begun
            });
            if header.is_control() {
                open.remove(&header.producer_id);
            } else if !(header.is_transactional() && open.contains(&header.producer_id)) {
                let within = batch.all_records().unwrap().into_iter().filter(|it| it.offset >= offset);
                records.extend(within.map(|it| (it.offset, it.timestamp, text(it.key), text(it.value))));
            }
            offset = header.next_offset();
        }
    }
    records
}

#[test]
fn every_record_is_read_as_kafka_reads_it() {
    let copy = copied();
    let logs = open(copy.path());
    // Batches of formats 0 and 1 are found and kept, but `wire::legacy` does not read their records yet.
    for partition in partitions().into_iter().filter(|it| !it.starts_with("m0") && !it.starts_with("m1")) {
        let topic = topic_of(&partition);
        let log = logs.get(&TopicPartition::new(topic, 0)).unwrap();
        log.update_high_watermark(log.log_end_offset());
        let plain = consumed(&log, ReadUpTo::HighWatermark);
        assert_eq!(plain, expected(topic, "read_uncommitted"), "{topic}");
        let committed = consumed(&log, ReadUpTo::LastStable);
        assert_eq!(committed, expected(topic, "read_committed"), "{topic}, committed");
    }
    let log = |topic| logs.get(&TopicPartition::new(topic, 0)).unwrap();
    assert_eq!(log("trimmed").log_start_offset(), 4);
    assert_eq!(log("txn-open").last_stable_offset(), 0);
    let StoredMetadata { metadata, offline } = BrokerMetadata::read_all(&[copy.path().to_owned()]).unwrap();
    assert_eq!((metadata.broker_id, offline.len()), (1, 0));
}

#[test]
fn opening_and_closing_changes_nothing() {
    let copy = copied();
    open(copy.path()).close();
    for partition in partitions() {
        assert_same(&partition, &recorded_dir::path().join(&partition), &copy.path().join(&partition));
    }
    assert!(copy.path().join(".kafka_cleanshutdown").exists());
    let sorted = |name: &str, dir: &Path| {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[2..].sort();
        lines
    };
    for name in ["recovery-point-offset-checkpoint", "log-start-offset-checkpoint"] {
        assert_eq!(sorted(name, copy.path()), sorted(name, &recorded_dir::path()), "{name}");
    }
}

/// The partitions whose files follow from their batches alone: nothing was cleaned away.
fn uncleaned() -> impl Iterator<Item = String> {
    partitions().into_iter().filter(|it| topic_of(it) != "compacted")
}

#[test]
fn after_a_crash_the_same_files_come_back() {
    let copy = copied();
    fs::remove_file(copy.path().join(".kafka_cleanshutdown")).unwrap();
    fs::write(copy.path().join("recovery-point-offset-checkpoint"), "").unwrap();
    for partition in partitions() {
        // As a running broker leaves it: active indexes at their full size, no last snapshot.
        let dir = copy.path().join(&partition);
        let names = files(&dir);
        let last = |kind: &str| names.iter().rfind(|name| name.ends_with(kind)).unwrap();
        for (kind, size) in [(".index", 10_485_760), (".timeindex", 10_485_756)] {
            fs::File::options().write(true).open(dir.join(last(kind))).unwrap().set_len(size).unwrap();
        }
        for snapshot in names.iter().filter(|name| name.ends_with(".snapshot")) {
            fs::remove_file(dir.join(snapshot)).unwrap();
        }
    }
    open(copy.path()).close();
    for partition in uncleaned() {
        let (kafka, barnabas) = (recorded_dir::path().join(&partition), copy.path().join(&partition));
        for name in files(&kafka).into_iter().filter(|name| !name.ends_with(".snapshot")) {
            assert_eq!(
                fs::read(kafka.join(&name)).unwrap(),
                fs::read(barnabas.join(&name)).unwrap(),
                "{partition}/{name}"
            );
        }
        let last = files(&kafka).into_iter().rfind(|name| name.ends_with(".snapshot"));
        if let Some(name) = last.filter(|name| format!("{partition}/{name}") != TAKEN_LATE) {
            assert_eq!(
                fs::read(kafka.join(&name)).unwrap(),
                fs::read(barnabas.join(&name)).unwrap(),
                "{partition}/{name}"
            );
        }
    }
}

#[test]
fn the_same_appends_give_the_same_files() {
    for partition in uncleaned() {
        let topic = topic_of(&partition);
        let dir = tempfile::tempdir().unwrap();
        let barnabas = dir.path().join(&partition);
        fs::create_dir(&barnabas).unwrap();
        let shared = Shared::new(Clock::manual(NOW));
        let opening = Opening {
            partition: TopicPartition::new(topic, 0),
            dir: barnabas.clone(),
            settings: config(topic).into(),
            log_start: 0,
            recovery_point: 0,
            last_stop: LastStop::Unclean,
        };
        let log = Log::open(opening, Arc::new(shared)).unwrap();
        lead(&log);
        let kafka = recorded_dir::path().join(&partition);
        for name in files(&kafka).into_iter().filter(|name| name.ends_with(".log")) {
            for batch in Batch::split(fs::read(kafka.join(name)).unwrap().into()) {
                log.append_as_follower(&batch.unwrap().bytes().clone().into()).unwrap();
            }
        }
        if topic == "trimmed" {
            log.update_high_watermark(log.log_end_offset());
            log.increment_log_start_offset(4, "test").unwrap();
        }
        log.close().unwrap();
        assert_same(&partition, &kafka, &barnabas);
    }
}
