//! Messages, bytes and requests, by topic and in all (Kafka's `BrokerTopicStats`, `BrokerTopicMetrics`).
//!
//! Costs two additions for what is counted. A partition holds its topic's meters, so nothing is looked up; with the
//! last partition of a topic here its series are gone.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use crate::metrics::{Meter, Metric};
use crate::wire::error_code::ErrorCode;

/// What is counted of a topic, and of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicMeter {
    /// Records appended as leader; a batch counts the offsets that it takes.
    MessagesIn,
    /// Their bytes, as they came.
    BytesIn,
    /// Bytes that consumers were sent.
    BytesOut,
    /// Bytes of records refused as too large.
    BytesRejected,
    /// Partitions that were to be appended to.
    TotalProduceRequests,
    /// Those that failed, other than by one of the errors that clients are to expect.
    FailedProduceRequests,
    /// Partitions that were read.
    TotalFetchRequests,
    /// Those that failed, other than by one of the errors that clients are to expect.
    FailedFetchRequests,
    /// Messages converted to another format to be appended.
    ProduceMessageConversions,
    /// Messages converted to another format to be sent.
    FetchMessageConversions,
}

/// What is counted of all topics together only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerMeter {
    /// Bytes fetched as a follower.
    ReplicationBytesIn,
    /// Bytes sent to followers.
    ReplicationBytesOut,
    /// Those fetched of partitions that a reassignment brings here.
    ReassignmentBytesIn,
    /// Those sent of partitions that are being reassigned.
    ReassignmentBytesOut,
    /// Batches whose checksum is wrong.
    InvalidMessageCrcRecords,
    /// Batches whose format is wrong.
    InvalidMagicNumberRecords,
    /// Batches whose offsets or sequence numbers are wrong.
    InvalidOffsetOrSequenceRecords,
    /// Records without a key for a compacted topic.
    NoKeyCompactedTopicRecords,
}

const BROKER_TOPIC_METRICS: &str = "BrokerTopicMetrics";

/// In the order of [`TopicMeter`].
const TOPIC_NAMES: [&str; 10] = [
    "MessagesInPerSec",
    "BytesInPerSec",
    "BytesOutPerSec",
    "BytesRejectedPerSec",
    "TotalProduceRequestsPerSec",
    "FailedProduceRequestsPerSec",
    "TotalFetchRequestsPerSec",
    "FailedFetchRequestsPerSec",
    "ProduceMessageConversionsPerSec",
    "FetchMessageConversionsPerSec",
];

/// In the order of [`BrokerMeter`].
const BROKER_NAMES: [&str; 8] = [
    "ReplicationBytesInPerSec",
    "ReplicationBytesOutPerSec",
    "ReassignmentBytesInPerSec",
    "ReassignmentBytesOutPerSec",
    "InvalidMessageCrcRecordsPerSec",
    "InvalidMagicNumberRecordsPerSec",
    "InvalidOffsetOrSequenceRecordsPerSec",
    "NoKeyCompactedTopicRecordsPerSec",
];

#[derive(Debug)]
struct AllTopics {
    of_topics: [Meter; TOPIC_NAMES.len()],
    of_broker: [Meter; BROKER_NAMES.len()],
}

/// The meters of one topic.
#[derive(Debug)]
#[doc(alias = "BrokerTopicMetrics")]
pub struct TopicStats {
    all: Arc<AllTopics>,
    /// Empty until something is counted.
    own: [OnceLock<Meter>; TOPIC_NAMES.len()],
}

impl TopicStats {
    /// Counts it for the topic, and for all.
    pub fn mark(&self, meter: TopicMeter, times: usize) {
        let at = meter as usize;
        self.own[at].get_or_init(Meter::default).mark(times as u64);
        self.all.of_topics[at].mark(times as u64);
    }
}

/// The meters of a broker.
#[derive(Debug)]
pub struct BrokerTopicStats {
    all: Arc<AllTopics>,
    /// Those of the topics that have a partition here. Locked when a partition is created and when all are read.
    topics: Mutex<BTreeMap<Arc<str>, Weak<TopicStats>>>,
}

impl Default for BrokerTopicStats {
    fn default() -> Self {
        let all = AllTopics {
            of_topics: std::array::from_fn(|_| Meter::sharded()),
            of_broker: std::array::from_fn(|_| Meter::sharded()),
        };
        Self { all: Arc::new(all), topics: Mutex::default() }
    }
}

impl BrokerTopicStats {
    /// The meters of a topic, for one of its partitions to hold.
    pub fn topic(&self, name: &Arc<str>) -> Arc<TopicStats> {
        let mut topics = self.topics.lock();
        if let Some(stats) = topics.get(name).and_then(Weak::upgrade) {
            return stats;
        }
        let own = std::array::from_fn(|_| OnceLock::new());
        let stats = Arc::new(TopicStats { all: self.all.clone(), own });
        topics.insert(name.clone(), Arc::downgrade(&stats));
        stats
    }

    /// Counts it for all topics: of a partition that has no replica here.
    pub fn mark_all(&self, meter: TopicMeter, times: usize) {
        self.all.of_topics[meter as usize].mark(times as u64);
    }

    /// Counts it.
    pub fn mark(&self, meter: BrokerMeter, times: usize) {
        self.all.of_broker[meter as usize].mark(times as u64);
    }

    /// All meters: those of all topics always, those of a topic once they have counted something.
    pub fn metrics(&self) -> Vec<Metric> {
        let metric = |name, meter: &Meter| Metric::meter(BROKER_TOPIC_METRICS, name, meter);
        let all = TOPIC_NAMES.iter().zip(&self.all.of_topics);
        let all = all.chain(BROKER_NAMES.iter().zip(&self.all.of_broker));
        let mut metrics: Vec<_> = all.map(|(name, meter)| metric(name, meter)).collect();
        let mut topics = self.topics.lock();
        topics.retain(|_, stats| stats.strong_count() > 0);
        for (topic, stats) in topics.iter().filter_map(|(topic, stats)| Some((topic, stats.upgrade()?))) {
            let own = TOPIC_NAMES.iter().zip(&stats.own);
            let counted = own.filter_map(|(name, meter)| Some((name, meter.get()?)));
            metrics.extend(counted.map(|(name, meter)| metric(name, meter).tagged("topic", topic)));
        }
        metrics
    }
}

/// Whether an append or a read failed in a way that clients are not to expect (`ReplicaManager.appendToLocalLog`,
/// `readFromLocalLog`).
pub(super) fn is_failure(error: ErrorCode) -> bool {
    use ErrorCode as E;
    !matches!(
        error,
        E::None
            | E::UnknownTopicOrPartition
            | E::NotLeaderOrFollower
            | E::KafkaStorageError
            | E::MessageTooLarge
            | E::RecordListTooLarge
            | E::CorruptMessage
            | E::OffsetOutOfRange
            | E::FencedLeaderEpoch
            | E::UnknownLeaderEpoch
            | E::ReplicaNotAvailable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(stats: &BrokerTopicStats, name: &str) -> Vec<(String, f64)> {
        let topic = |metric: &Metric| metric.name.tags.first().map(|(_, topic)| topic.clone());
        let metrics = stats.metrics().into_iter().filter(|metric| metric.name.name == Some(name));
        metrics.map(|metric| (topic(&metric).unwrap_or_default(), metric.number())).collect()
    }

    #[test]
    fn what_a_topic_counts_all_topics_count() {
        let stats = BrokerTopicStats::default();
        let (a, b) = (stats.topic(&"a".into()), stats.topic(&"b".into()));
        a.mark(TopicMeter::MessagesIn, 3);
        b.mark(TopicMeter::MessagesIn, 4);
        b.mark(TopicMeter::BytesIn, 100);
        stats.topic(&"a".into()).mark(TopicMeter::MessagesIn, 1);
        let expected = [(String::new(), 8.0), ("a".to_owned(), 4.0), ("b".to_owned(), 4.0)];
        assert_eq!(counts(&stats, "MessagesInPerSec"), expected);
        assert_eq!(counts(&stats, "BytesInPerSec"), [(String::new(), 100.0), ("b".to_owned(), 100.0)]);
        assert_eq!(counts(&stats, "BytesRejectedPerSec"), [(String::new(), 0.0)]);
    }

    #[test]
    fn a_topic_that_is_gone_has_no_series() {
        let stats = BrokerTopicStats::default();
        let gone = stats.topic(&"gone".into());
        gone.mark(TopicMeter::BytesOut, 7);
        drop(gone);
        assert_eq!(counts(&stats, "BytesOutPerSec"), [(String::new(), 7.0)]);
    }

    #[test]
    fn every_meter_has_the_name_at_its_place() {
        assert_eq!(
            TOPIC_NAMES[TopicMeter::FetchMessageConversions as usize],
            "FetchMessageConversionsPerSec"
        );
        assert_eq!(TOPIC_NAMES[TopicMeter::TotalFetchRequests as usize], "TotalFetchRequestsPerSec");
        let last = BrokerMeter::NoKeyCompactedTopicRecords as usize;
        assert_eq!(BROKER_NAMES[last], "NoKeyCompactedTopicRecordsPerSec");
    }
}
