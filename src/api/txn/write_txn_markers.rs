//! WriteTxnMarkers, v0. The coordinator of a transaction has this broker write the markers that end it in
//! partitions that it leads.
//!
//! Each marker is a control batch of its own, appended as by a coordinator with acks=all; the producer
//! state of each log decides whether it may end the transaction. The group coordinator is notified of those
//! in `__consumer_offsets`. Never knows what a transaction is. Kafka:
//! `KafkaApis.handleWriteTxnMarkersRequest`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::admin::names::OFFSETS_TOPIC;
use crate::api::Exchange;
use crate::api::handling::Handled;
use crate::base::ids::by_topic;
use crate::base::time::millis;
use crate::base::{Millis, ProducerId, TopicPartition};
use crate::config::version::KafkaVersion;
use crate::coordinator::groups::Groups;
use crate::coordinator::transaction_result::TransactionResult;
use crate::log::AppendOrigin;
use crate::replica::produce::{AppendParams, InternalTopics, PendingProduce, RequiredAcks};
use crate::wire::batch::{BatchError, NO_PRODUCER_EPOCH, NO_PRODUCER_ID};
use crate::wire::control::EndTransactionMarker;
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;
use crate::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerPartitionResult, WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

/// The message format from which on there are markers.
const FORMAT_OF_MARKERS: i8 = 2;

/// Appends the markers now, in the connection's order; the response follows once all in-sync replicas have
/// them.
pub async fn handle(
    exchange: &Exchange,
    request: WriteTxnMarkersRequest,
) -> Handled<WriteTxnMarkersResponse> {
    if !exchange.services.config.inter_broker_protocol_version.at_least(KafkaVersion::V0_11_0_IV0) {
        return Handled::Now(refused(&request, ErrorCode::UnsupportedVersion));
    }
    let mut errors = MarkerErrors::default();
    let mut pending = Vec::new();
    for marker in &request.markers {
        let entries = match entries(exchange, marker, &mut errors) {
            Ok(entries) => entries,
            Err(reason) => {
                log::error!(target: "kafka.server.KafkaApis", "[KafkaApi-{}] Error when handling request: {reason}", exchange.services.broker_id);
                return Handled::Now(refused(&request, ErrorCode::UnknownServerError));
            }
        };
        if !entries.is_empty() {
            let (producer_id, result) =
                (marker.producer_id, TransactionResult::of(marker.transaction_result));
            pending.push(PendingMarker { producer_id, result, appends: append(exchange, entries).await });
        }
    }
    let settled = pending.iter().all(|marker| marker.appends.is_settled());
    let groups = exchange.services.groups.clone();
    let response = async move {
        for marker in pending {
            marker.settle(&groups, &mut errors).await;
        }
        errors.response()
    };
    if settled { Handled::Now(response.await) } else { Handled::Later(Box::pin(response)) }
}

/// A marker that was appended, and is not known yet to be replicated.
struct PendingMarker {
    producer_id: ProducerId,
    result: TransactionResult,
    appends: PendingProduce,
}

impl PendingMarker {
    /// Waits for the replicas. The offsets that were committed in the transaction are settled before the
    /// answer, by which the transaction coordinator learns that the transaction is over.
    async fn settle(self, groups: &Groups, errors: &mut MarkerErrors) {
        for (id, outcome) in self.appends.outcomes().await {
            if *id.topic == *OFFSETS_TOPIC && outcome.error == ErrorCode::None {
                groups.transaction_completed(id.partition, self.producer_id, self.result).await;
            }
            errors.note(self.producer_id, id, outcome.error);
        }
    }
}

/// The answer to a request that is refused as a whole.
pub(in crate::api) fn refused(request: &WriteTxnMarkersRequest, error: ErrorCode) -> WriteTxnMarkersResponse {
    let mut errors = MarkerErrors::default();
    for marker in &request.markers {
        let of_marker = errors.0.entry(marker.producer_id).or_default();
        of_marker.extend(partitions(marker).map(|id| (id, error)));
    }
    errors.response()
}

fn partitions(marker: &WritableTxnMarker) -> impl Iterator<Item = TopicPartition> {
    marker.topics.iter().flat_map(|topic| {
        let name: Arc<str> = topic.name.as_str().into();
        topic.partition_indexes.iter().map(move |partition| TopicPartition::new(name.clone(), *partition))
    })
}

/// The partitions that the marker can be written to, with its batch; the others are noted in `errors`.
fn entries(
    exchange: &Exchange,
    marker: &WritableTxnMarker,
    errors: &mut MarkerErrors,
) -> Result<Vec<(TopicPartition, MemoryRecords)>, InvalidMarker> {
    let mut writable = BTreeMap::new();
    for id in partitions(marker) {
        match exchange.services.replicas.stored_format(&id) {
            Some(FORMAT_OF_MARKERS..) => {
                let batch = batch(marker, exchange.services.clock.now())?;
                writable.insert(id, MemoryRecords::decode(batch));
            }
            Some(_) => errors.note(marker.producer_id, id, ErrorCode::UnsupportedForMessageFormat),
            None => errors.note(marker.producer_id, id, ErrorCode::UnknownTopicOrPartition),
        }
    }
    Ok(writable.into_iter().collect())
}

/// Why a marker cannot be written as a batch.
#[derive(Debug, thiserror::Error)]
enum InvalidMarker {
    #[error("End transaction marker requires a valid producerId")]
    NoProducerId,
    #[error("Invalid negative producer epoch")]
    NoProducerEpoch,
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// The control batch of a marker. Kafka builds none for a producer that is none.
fn batch(marker: &WritableTxnMarker, now: Millis) -> Result<Bytes, InvalidMarker> {
    if marker.producer_id == NO_PRODUCER_ID {
        return Err(InvalidMarker::NoProducerId);
    }
    if marker.producer_epoch == NO_PRODUCER_EPOCH {
        return Err(InvalidMarker::NoProducerEpoch);
    }
    let end = EndTransactionMarker {
        committed: marker.transaction_result,
        coordinator_epoch: marker.coordinator_epoch,
    };
    Ok(end.batch(now, marker.producer_id, marker.producer_epoch)?)
}

async fn append(exchange: &Exchange, entries: Vec<(TopicPartition, MemoryRecords)>) -> PendingProduce {
    let params = AppendParams {
        acks: RequiredAcks::All,
        timeout: millis(exchange.services.config.request_timeout_ms),
        internal_topics: InternalTopics::Allowed,
        origin: AppendOrigin::Coordinator,
        leader_epoch: None,
    };
    exchange.services.replicas.append_records(params, entries).await
}

/// What came of each producer's markers, partition by partition. Of a partition named twice the last
/// outcome counts.
#[derive(Debug, Default)]
struct MarkerErrors(BTreeMap<ProducerId, BTreeMap<TopicPartition, ErrorCode>>);

impl MarkerErrors {
    fn note(&mut self, producer_id: ProducerId, id: TopicPartition, error: ErrorCode) {
        self.0.entry(producer_id).or_default().insert(id, error);
    }

    fn response(self) -> WriteTxnMarkersResponse {
        let markers = self.0.into_iter().map(|(producer_id, partitions)| {
            let results = partitions.into_iter().map(|(id, error)| {
                let (partition_index, error_code) = (id.partition, error.code());
                (id, WritableTxnMarkerPartitionResult { partition_index, error_code })
            });
            let topics = by_topic(results).map(|(topic, partitions)| WritableTxnMarkerTopicResult {
                name: topic.to_string(),
                partitions,
            });
            WritableTxnMarkerResult { producer_id, topics: topics.collect() }
        });
        WriteTxnMarkersResponse { markers: markers.collect() }
    }
}
