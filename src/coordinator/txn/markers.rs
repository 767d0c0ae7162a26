//! Which broker is to write which markers, and what its answers mean.
//!
//! Pure. Kafka: `TransactionMarkerChannelManager.addTxnMarkersToBrokerQueue`,
//! `TransactionMarkerRequestCompletionHandler`.

use std::collections::{BTreeMap, HashMap};

use super::TransactionResult;
use super::requests::TxnMarkers;
use crate::base::ids::by_topic;
use crate::base::{BrokerId, TopicPartition};
use crate::metadata::MetadataSnapshot;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

/// Where the markers of a transaction go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkerDestinations {
    /// By the broker that leads the partitions.
    pub by_leader: BTreeMap<BrokerId, Vec<TopicPartition>>,
    /// Partitions whose leader is not known, or is not there: to be looked up again.
    pub unknown: Vec<TopicPartition>,
    /// Partitions that do not exist any more: they need no marker.
    pub deleted: Vec<TopicPartition>,
}

impl MarkerDestinations {
    /// Where the cluster has the leaders, as far as they can be reached through a listener of this name.
    pub fn of(partitions: Vec<TopicPartition>, cluster: &MetadataSnapshot, listener: &str) -> Self {
        let mut destinations = Self::default();
        for partition in partitions {
            let Some(metadata) = cluster.partition(&partition) else {
                destinations.deleted.push(partition);
                continue;
            };
            let leader = metadata.leadership.leader;
            match cluster.live_broker(leader).and_then(|broker| broker.endpoint(listener)) {
                Some(_) => destinations.by_leader.entry(leader).or_default().push(partition),
                None => destinations.unknown.push(partition),
            }
        }
        destinations
    }
}

/// The request that has a leader write these markers.
pub fn request<'a>(markers: impl Iterator<Item = &'a TxnMarkers>) -> WriteTxnMarkersRequest {
    let marker = |markers: &TxnMarkers| {
        let numbered = markers.partitions.iter().map(|it| (it, it.partition));
        let topics = by_topic(numbered).map(|(topic, partition_indexes)| WritableTxnMarkerTopic {
            name: topic.to_string(),
            partition_indexes,
        });
        WritableTxnMarker {
            producer_id: markers.producer.id,
            producer_epoch: markers.producer.epoch,
            transaction_result: markers.result == TransactionResult::Commit,
            topics: topics.collect(),
            coordinator_epoch: markers.coordinator_epoch,
        }
    };
    WriteTxnMarkersRequest { markers: markers.map(marker).collect() }
}

/// What came of the markers of one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkerOutcomes {
    /// Partitions that have their markers, or can have none and therefore have no records of the transaction.
    pub written: Vec<TopicPartition>,
    /// Partitions that do not have them yet, and why.
    pub retry: Vec<(TopicPartition, ErrorCode)>,
    /// A later coordinator or producer epoch is in force there: no more markers are sent for the transaction.
    pub fenced: Option<(TopicPartition, ErrorCode)>,
}

impl MarkerOutcomes {
    /// Judges what a leader answered.
    pub fn of(markers: &TxnMarkers, answered: &AnsweredMarkers<'_>) -> Self {
        let mut outcomes = Self::default();
        for partition in &markers.partitions {
            let key = (markers.producer.id, &*partition.topic, partition.partition);
            // A partition that is not answered for is asked for again.
            let error = answered.0.get(&key).copied().unwrap_or(ErrorCode::UnknownServerError);
            match error {
                ErrorCode::None | ErrorCode::UnsupportedForMessageFormat | ErrorCode::UnsupportedVersion => {
                    outcomes.written.push(partition.clone())
                }
                ErrorCode::InvalidProducerEpoch | ErrorCode::TransactionCoordinatorFenced => {
                    outcomes.fenced = Some((partition.clone(), error));
                }
                error => outcomes.retry.push((partition.clone(), error)),
            }
        }
        outcomes
    }
}

/// A leader's answer by producer id, topic and partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredMarkers<'a>(HashMap<(i64, &'a str, i32), ErrorCode>);

impl<'a> AnsweredMarkers<'a> {
    /// Of a response.
    pub fn of(response: &'a WriteTxnMarkersResponse) -> Self {
        let mut answered = HashMap::new();
        for marker in &response.markers {
            for topic in &marker.topics {
                for partition in &topic.partitions {
                    let key = (marker.producer_id, topic.name.as_str(), partition.partition_index);
                    answered.insert(key, ErrorCode::from_code(partition.error_code));
                }
            }
        }
        Self(answered)
    }
}
