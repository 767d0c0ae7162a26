//! What Kafka 2.7.2 answered to produced records, good and bad, against what our log makes of them.
//!
//! `data/produce.jsonl`: a line a Produce request in the order sent: version, topic, records, and the error,
//! offset and refused records of the response; `closed` where the broker closed the connection instead.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use barnabas::api::records::produce::produced_records::validate_records;
use barnabas::base::{Clock, TopicPartition};
use barnabas::config::topic::TopicConfig;
use barnabas::log::log::Shared;
use barnabas::log::recovery::{LastStop, Opening};
use barnabas::log::{AppendOrigin, Log};
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::memory_records::MemoryRecords;
use base64::Engine;
use bytes::Bytes;
use serde_json::{Value, json};

/// When the recorded broker saw the record that was too old for it.
const NOW: i64 = 1_795_211_013_168;

fn config(topic: &str) -> TopicConfig {
    let own: &[(&str, &str)] = match topic {
        "appendtime" => &[("message.timestamp.type", "LogAppendTime")],
        "small" => &[("max.message.bytes", "500")],
        "compacted" => &[("cleanup.policy", "compact")],
        "tsdiff" => &[("message.timestamp.difference.max.ms", "1000")],
        "magic0" => &[("message.format.version", "0.9.0")],
        "magic1" => &[("message.format.version", "0.10.0")],
        _ => &[],
    };
    let own: BTreeMap<_, _> = own.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    TopicConfig::default().with_overrides(&own).unwrap()
}

fn open(topic: &str, home: &Path) -> Arc<Log> {
    let dir = home.join(format!("{topic}-0"));
    std::fs::create_dir(&dir).unwrap();
    let shared = Shared::new(Clock::manual(NOW));
    let opening = Opening {
        partition: TopicPartition::new(topic, 0),
        dir,
        settings: config(topic).into(),
        log_start: 0,
        recovery_point: 0,
        last_stop: LastStop::Unclean,
    };
    Log::open(opening, Arc::new(shared)).unwrap()
}

/// The answer in the row's terms.
fn answer(log: &Log, version: i16, records: &Bytes) -> Value {
    let records = MemoryRecords::decode(records.clone());
    if records.batches().is_empty() {
        return json!({"closed": true});
    }
    let refused = |code: ErrorCode, errors: Vec<Value>, message: Option<&str>| {
        let (errors, message) = if version < 8 { (Vec::new(), None) } else { (errors, message) };
        json!({"error": code as i16, "offset": -1, "recordErrors": errors, "errorMessage": message})
    };
    if let Err(error) = validate_records(version, &records) {
        return refused(error, Vec::new(), None);
    }
    match log.append_as_leader(records, 0, AppendOrigin::Client) {
        Ok(info) => {
            json!({"error": 0, "offset": info.first_offset, "recordErrors": [], "errorMessage": null})
        }
        Err(error) => {
            let one = |it: &barnabas::log::validate::RecordError| json!({"batchIndex": it.batch_index, "batchIndexErrorMessage": it.message});
            let errors = error.record_errors().iter().map(one).collect();
            refused(ErrorCode::from(&error), errors, error.client_message())
        }
    }
}

/// The recorded producer sent five batches here that were not recorded.
fn append_five(log: &Log, records: &Bytes) {
    let first = Batch::parse(records).unwrap();
    let (id, epoch) = (first.header().producer_id, first.header().producer_epoch);
    for sequence in 3..8 {
        let mut batch = BatchBuilder::new().producer(id, epoch, sequence);
        batch.push(NOW, None, None, &[]);
        log.append_as_leader(batch.build().unwrap(), 0, AppendOrigin::Client).unwrap();
    }
}

#[test]
fn produced_records_are_treated_as_by_kafka() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/data/produce.jsonl");
    let home = tempfile::tempdir().unwrap();
    let mut logs: HashMap<String, Arc<Log>> = HashMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let topic = row["topic"].as_str().unwrap().to_owned();
        let log = logs.entry(topic.clone()).or_insert_with(|| open(&topic, home.path()));
        let records = row["records"].as_str().unwrap_or_default();
        let records = base64::engine::general_purpose::STANDARD.decode(records).unwrap().into();
        if row["note"] == "idempotent: duplicate older than the last five batches" {
            append_five(log, &records);
        }
        let answered = answer(log, row["version"].as_i64().unwrap() as i16, &records);
        let row = row.as_object_mut().unwrap();
        let note = row.remove("note").unwrap();
        row.retain(|key, _| !matches!(key.as_str(), "version" | "topic" | "records"));
        assert_eq!(answered, Value::Object(row.clone()), "{topic}: {note}");
    }
}
