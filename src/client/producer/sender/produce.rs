//! A Produce request: batches become bytes, and an answer is found for each.
//!
//! Kafka: `Sender.sendProduceRequest`, `ProduceRequest`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::{ProducerCore, old_formats};
use crate::base::{Records, TopicPartition};
use crate::client::error::ClientError;
use crate::client::producer::accumulator::DrainedBatch;
use crate::client::producer::batch::BatchPayload;
use crate::client::producer::machine::{PartitionAnswer, SealFailure, SentBatch, WrittenBatch};
use crate::wire::batch::{BATCH_OVERHEAD, BatchError};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
};

/// Batches from this size on are compressed on a thread that may block, by codecs that take long for it.
const LARGE_FOR_SLOW_CODECS: usize = 64 << 10;
/// The same for codecs that are fast.
const LARGE_FOR_FAST_CODECS: usize = 512 << 10;

/// A batch that is about to be sent.
#[derive(Clone, Debug)]
pub(super) struct SealedBatch {
    pub(super) sent: SentBatch,
    /// What the broker is sent: the batch in the format that the broker knows.
    converted: Bytes,
}

/// Makes bytes of a batch that was drained, for a broker that knows the format `magic`.
///
/// # Errors
/// The codec fails, or the format has no headers or not the codec.
pub(super) async fn seal(
    core: &ProducerCore,
    drained: DrainedBatch,
    magic: i8,
) -> Result<SealedBatch, SealFailure> {
    let (settings, identity) = (core.settings(), drained.identity);
    let (codec, is_transactional) = (settings.compression, settings.transactional_id.is_some());
    let DrainedBatch { payload, .. } = drained;
    let uncompressed = match &payload {
        BatchPayload::Open(builder) if codec != Compression::None => Some(builder.uncompressed_size()),
        _ => None,
    };
    let built = if uncompressed.is_some_and(|size| takes_long(codec, size)) {
        let built = tokio::task::spawn_blocking(move || payload.seal(identity, is_transactional)).await;
        built.unwrap_or_else(|error| Err(BatchError::Decompress(error.to_string())))
    } else {
        payload.seal(identity, is_transactional)
    };
    let DrainedBatch { slot, partition, id, records, .. } = drained;
    if let (Ok(bytes), Some(uncompressed)) = (&built, uncompressed) {
        let (before, after) = (uncompressed - BATCH_OVERHEAD, bytes.len() - BATCH_OVERHEAD);
        core.state.lock().machine.accumulator_mut().observe_ratio(slot, before, after);
    }
    match built.and_then(|bytes| Ok((old_formats::down_convert(&bytes, magic)?, bytes))) {
        Ok((converted, bytes)) => {
            let sent = SentBatch { slot, partition, id, bytes, identity, records };
            Ok(SealedBatch { sent, converted })
        }
        Err(error) => Err(SealFailure { slot, partition, id, error: error.into() }),
    }
}

fn takes_long(codec: Compression, size: usize) -> bool {
    match codec {
        Compression::None => false,
        Compression::Snappy | Compression::Lz4 => size >= LARGE_FOR_FAST_CODECS,
        Compression::Gzip | Compression::Zstd => size >= LARGE_FOR_SLOW_CODECS,
    }
}

/// The request with these batches.
pub(super) fn request(core: &ProducerCore, batches: &[SealedBatch]) -> ProduceRequest {
    let settings = core.settings();
    let mut topics: BTreeMap<&Arc<str>, Vec<PartitionProduceData>> = BTreeMap::new();
    for SealedBatch { sent, converted } in batches {
        topics.entry(&sent.partition.topic).or_default().push(PartitionProduceData {
            partition_index: sent.partition.partition,
            records: Some(Records::Memory(converted.clone())),
        });
    }
    let topics =
        topics.into_iter().map(|(name, partitions)| TopicProduceData { name: name.to_string(), partitions });
    let timeout_ms = i32::try_from(settings.cluster.request_timeout.as_millis()).unwrap_or(i32::MAX);
    ProduceRequest {
        transactional_id: settings.transactional_id.clone(),
        acks: settings.acks,
        timeout_ms,
        topics: topics.collect(),
    }
}

/// The answer about each batch, in the batches' order. A batch that the broker does not mention has failed.
pub(super) fn answers(batches: &[SentBatch], response: &ProduceResponse) -> Vec<PartitionAnswer> {
    let mut found: HashMap<(&str, i32), &PartitionProduceResponse> = HashMap::new();
    for topic in &response.responses {
        for partition in &topic.partitions {
            found.entry((topic.name.as_str(), partition.partition_index)).or_insert(partition);
        }
    }
    let answer = |batch: &SentBatch| match found.get(&(&*batch.partition.topic, batch.partition.partition)) {
        Some(answer) => of_partition(&batch.partition, answer),
        None => PartitionAnswer {
            outcome: Err(ClientError::refused(ErrorCode::UnknownServerError)),
            log_start: None,
        },
    };
    batches.iter().map(answer).collect()
}

fn of_partition(partition: &TopicPartition, answer: &PartitionProduceResponse) -> PartitionAnswer {
    let known = |value: i64| Some(value).filter(|value| *value >= 0);
    let message = match ErrorCode::from_code(answer.error_code) {
        ErrorCode::TopicAuthorizationFailed => {
            Some(format!("Not authorized to access topics: [{}]", partition.topic))
        }
        ErrorCode::ClusterAuthorizationFailed => {
            Some("The producer is not authorized to do idempotent sends".to_owned())
        }
        _ => answer.error_message.clone(),
    };
    let outcome = match ClientError::check(answer.error_code, message.as_deref()) {
        // An earlier try was written, and its answer was lost.
        Err(error) if error.code() == Some(ErrorCode::DuplicateSequenceNumber) => {
            Ok(WrittenBatch { base_offset: known(answer.base_offset), log_append_time: None })
        }
        Err(error) => Err(error),
        Ok(()) => Ok(WrittenBatch {
            base_offset: known(answer.base_offset),
            log_append_time: known(answer.log_append_time_ms),
        }),
    };
    PartitionAnswer { outcome, log_start: known(answer.log_start_offset) }
}
