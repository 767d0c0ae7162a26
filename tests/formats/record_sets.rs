//! Batches, message sets and snapshots that Kafka 2.7.2 wrote in every format and codec: read as its client
//! read them, printed as its own tool printed them, never trusted.
//!
//! `data/message-sets` are partition directories, `data/message-sets.jsonl` is what a client of 2.7.2 read
//! from them, and `data/dump-log` what its `kafka-dump-log.sh --print-data-log --deep-iteration` made of them
//! and of `data/log-dir`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use barnabas::base::TopicPartition;
use barnabas::log::AppendOrigin;
use barnabas::log::producers::{Producers, snapshot};
use barnabas::log::validate::{Validation, check, validate};
use barnabas::wire::batch::{Batch, TimestampType};
use barnabas::wire::compression::Compression;
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::convert::down_convert;
use barnabas::wire::memory_records::MemoryRecords;
use bytes::Bytes;
use serde_json::Value;

/// What hostile batches may decompress to.
const LIMIT: usize = 1 << 20;
/// Changed copies of each file.
const ROUNDS: usize = 400;

/// Where the recorded files are.
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/data")
}

/// All files below `data/log-dir` and `data/message-sets` whose names end so.
pub fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in ["log-dir", "message-sets"] {
        for partition in fs::read_dir(data().join(directory)).unwrap().map(|entry| entry.unwrap().path()) {
            if partition.is_dir() {
                found.extend(fs::read_dir(partition).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }
    found.retain(|path| path.extension().is_some_and(|found| found == extension));
    found.sort();
    found
}

fn text(value: Option<&Bytes>) -> Value {
    value.map_or(Value::Null, |value| String::from_utf8_lossy(value).into())
}

#[test]
fn every_format_and_codec_reads_as_kafkas_client_reads_it() {
    let expected = fs::read_to_string(data().join("message-sets.jsonl")).unwrap();
    let mut topics = std::collections::BTreeMap::<String, Vec<Value>>::new();
    for line in expected.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        topics.entry(row["topic"].as_str().unwrap().to_owned()).or_default().push(row);
    }
    assert_eq!(topics.len(), 11);
    for (topic, rows) in topics {
        let log = data().join(format!("message-sets/{topic}-0/00000000000000000000.log"));
        let mut rows = rows.into_iter();
        for batch in Batch::split(fs::read(log).unwrap().into()) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            for record in batch.all_records().unwrap() {
                let row = rows.next().unwrap();
                assert_eq!(row["offset"], record.offset, "{topic}");
                assert_eq!(row["timestamp"], record.timestamp, "{topic}");
                assert_eq!(row["timestampType"], batch.header().timestamp_type().name(), "{topic}");
                assert_eq!(
                    (&row["key"], &row["value"]),
                    (&text(record.key.as_ref()), &text(record.value.as_ref()))
                );
                let headers =
                    record.headers.iter().map(|(key, value)| (key.as_str().into(), text(value.as_ref())));
                let wanted = row["headers"].as_array().cloned().unwrap_or_default();
                let wanted = wanted.iter().map(|header| (header["k"].clone(), header["v"].clone()));
                assert!(headers.eq(wanted), "{topic} {}", record.offset);
            }
        }
        assert_eq!(rows.next(), None, "{topic}");
    }
}

#[test]
fn dump_log_prints_what_kafkas_tool_prints() {
    let mut compared = 0;
    for expected in fs::read_dir(data().join("dump-log")).unwrap().map(|entry| entry.unwrap().path()) {
        let partition = expected.file_stem().unwrap().to_str().unwrap();
        let expected = fs::read_to_string(&expected).unwrap();
        let files: Vec<_> = expected.lines().filter_map(|line| line.strip_prefix("Dumping ")).collect();
        let home = ["log-dir", "message-sets"].map(|home| data().join(home));
        let home = home.iter().find(|home| home.join(partition).is_dir()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_barnabas"))
            .current_dir(home)
            .args(["dump-log", "--print-data-log", "--deep-iteration", "--files", &files.join(",")])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{partition}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{partition}");
        assert!(output.status.success());
        compared += 1;
    }
    assert_eq!(compared, 23);
}

#[test]
fn snapshots_are_written_as_they_were_read() {
    for path in files("snapshot") {
        let bytes = fs::read(&path).unwrap();
        let mut producers = Producers::new(TopicPartition::new("t", 0), i64::MAX);
        producers.load(&bytes, 0, 0).unwrap();
        assert_eq!(producers.snapshot(), bytes, "{}", path.display());
    }
}

/// All that a broker does with bytes that it should not trust.
pub fn use_up(bytes: &Bytes) {
    for batch in Batch::split(bytes.clone()).flatten() {
        let _ = batch.check_crc();
        let _ = batch.first_offset();
        let _ = EndTransactionMarker::of_batch(&batch);
        if let Ok(records) = batch.records_within(LIMIT) {
            records.for_each(drop);
        }
        for magic in [0, 1] {
            let _ = down_convert(&batch, magic, 0, LIMIT);
        }
    }
    let partition = TopicPartition::new("t", 0);
    let records = MemoryRecords::decode(bytes.clone());
    for magic in [0, 1, 2] {
        let Ok(checked) = check(&partition, &records, AppendOrigin::Replication, None) else { continue };
        let validation = Validation {
            partition: &partition,
            now: 1_700_000_000_000,
            origin: AppendOrigin::Client,
            target_codec: Compression::None,
            compacted: false,
            magic,
            timestamp_type: TimestampType::CreateTime,
            max_timestamp_difference: i64::MAX,
            max_batch_size: None,
            zstd_allowed: true,
            unpacked_at_most: usize::MAX,
        };
        let validated = validate(&records, checked.source_codec, &validation);
        let _ = validated.map(|it| it.assign_offsets(7, 1));
    }
}

/// The batches with their checksums made right, so that what is behind them is reached.
pub fn with_right_checksums(bytes: &[u8]) -> Bytes {
    let mut out = bytes.to_vec();
    let mut at = 0;
    for batch in Batch::split(Bytes::copy_from_slice(bytes)).map_while(Result::ok) {
        let crc_at = at + if batch.header().magic == 2 { 17 } else { 12 };
        out[crc_at..crc_at + 4].copy_from_slice(&batch.computed_crc().to_be_bytes());
        at += batch.header().size();
    }
    out.into()
}

#[test]
fn changed_batches_never_panic_nor_take_memory() {
    let mut seed = fastrand::Rng::with_seed(0x0ba7_c4e5);
    for path in files("log") {
        let whole = fs::read(&path).unwrap();
        if whole.is_empty() {
            continue;
        }
        for _ in 0..ROUNDS {
            let mut bytes = whole.clone();
            for _ in 0..seed.usize(1..4) {
                let at = seed.usize(..bytes.len());
                bytes[at] = *seed.choice(&[0, 1, 0x7f, 0x80, 0xff, at as u8]).unwrap();
            }
            if seed.u8(..8) == 0 {
                bytes.truncate(seed.usize(..bytes.len()));
            }
            use_up(&with_right_checksums(&bytes));
            use_up(&bytes.into());
        }
    }
    for path in files("snapshot") {
        let mut bytes = fs::read(&path).unwrap();
        let at = seed.usize(..bytes.len());
        bytes[at] ^= seed.u8(1..);
        assert!(snapshot::read(&bytes).is_err(), "{}", path.display());
    }
}
