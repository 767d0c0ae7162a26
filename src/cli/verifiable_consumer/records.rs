//! What one poll brought, as far as the consumer takes it.
//!
//! Pure. Kafka: `VerifiableConsumer.onRecordsReceived`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::{Offset, TopicPartition};
use crate::cli::java_map::sort_as_hash_map;
use crate::client::OffsetAndMetadata;
use crate::client::consumer::{ConsumerRecordRef, ConsumerRecords};

/// The records that are taken of a poll's.
pub(super) struct ConsumedRecords<'a> {
    all: &'a ConsumerRecords,
    /// In the order in which Kafka's tool looks at them; none is without records.
    partitions: Vec<TakenPartition<'a>>,
}

/// The records that are taken of a partition: the first ones.
struct TakenPartition<'a> {
    id: &'a TopicPartition,
    count: u64,
    first: Offset,
    last: Offset,
}

impl<'a> ConsumedRecords<'a> {
    /// Takes so many records, all for None.
    pub(super) fn take(all: &'a ConsumerRecords, most: Option<u64>) -> Self {
        let mut left = most.unwrap_or(u64::MAX);
        let mut ids: Vec<&TopicPartition> = all.partitions().collect();
        sort_as_hash_map(&mut ids, |id| id);
        let mut partitions = Vec::new();
        for id in ids {
            let mut taken: Option<TakenPartition<'a>> = None;
            for record in all.of_partition(id).take(usize::try_from(left).unwrap_or(usize::MAX)) {
                let first = record.offset;
                let taken = taken.get_or_insert(TakenPartition { id, count: 0, first, last: first });
                taken.count += 1;
                taken.last = record.offset;
            }
            left -= taken.as_ref().map_or(0, |it| it.count);
            partitions.extend(taken);
        }
        Self { all, partitions }
    }

    /// How many are taken.
    pub(super) fn count(&self) -> u64 {
        self.partitions.iter().map(|it| it.count).sum()
    }

    /// The event's fields; its count is that of the poll, as in Kafka.
    pub(super) fn summary(&self) -> Value {
        let partition = |it: &TakenPartition<'_>| {
            json!({
                "topic": *it.id.topic, "partition": it.id.partition, "count": it.count, "minOffset": it.first,
                "maxOffset": it.last
            })
        };
        let partitions: Vec<_> = self.partitions.iter().map(partition).collect();
        json!({ "count": self.all.len(), "partitions": partitions })
    }

    /// The fields of an event for each record.
    pub(super) fn records(&self) -> impl Iterator<Item = Value> {
        self.partitions.iter().flat_map(|it| self.all.of_partition(it.id).take(it.count as usize)).map(fields)
    }

    /// The offsets to commit: those behind the records.
    pub(super) fn offsets(&self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        self.partitions.iter().map(|it| (it.id.clone(), OffsetAndMetadata::new(it.last + 1))).collect()
    }

    /// The same as an event has them.
    pub(super) fn offsets_json(&self) -> Value {
        let mut partitions: Vec<_> = self.partitions.iter().collect();
        sort_as_hash_map(&mut partitions, |it| it.id);
        let offset = |it: &&TakenPartition<'_>| json!({ "topic": *it.id.topic, "partition": it.id.partition, "offset": it.last + 1 });
        partitions.iter().map(offset).collect()
    }
}

fn fields(record: ConsumerRecordRef<'_>) -> Value {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    json!({
        "key": text(record.key), "value": text(record.value), "topic": *record.partition.topic,
        "partition": record.partition.partition, "offset": record.offset
    })
}
