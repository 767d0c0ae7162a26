//! A record on its way into a topic, and where it was written.
//!
//! Pure. Kafka: `ProducerRecord`, `RecordMetadata`.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::{Millis, Offset, TopicPartition};
use crate::wire::batch::BATCH_OVERHEAD;
use crate::wire::record::Header;

/// A record before it has an offset.
///
/// ```
/// use barnabas::client::ProducerRecord;
/// let record = ProducerRecord::new("orders", "two apples").key("alice").header("trace", "7f");
/// assert_eq!(record.partition, None, "the partitioner chooses it");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerRecord {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition; None leaves the choice to the partitioner.
    pub partition: Option<i32>,
    /// Its time in milliseconds since the Unix epoch; None for the time of sending.
    pub timestamp: Option<Millis>,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; None makes a tombstone.
    pub value: Option<Bytes>,
    /// Its headers in order.
    pub headers: Vec<Header>,
}

impl ProducerRecord {
    /// A record with a value and nothing else.
    pub fn new(topic: impl Into<Arc<str>>, value: impl Into<Bytes>) -> Self {
        Self { value: Some(value.into()), ..Self::tombstone(topic) }
    }

    /// A record without a value: in a compacted topic it removes the records of its key.
    pub fn tombstone(topic: impl Into<Arc<str>>) -> Self {
        Self {
            topic: topic.into(),
            partition: None,
            timestamp: None,
            key: None,
            value: None,
            headers: Vec::new(),
        }
    }

    /// Sets the key.
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the partition.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the time, in milliseconds since the Unix epoch.
    pub fn timestamp(mut self, timestamp: Millis) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Adds a header.
    pub fn header(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.headers.push((key.into(), Some(value.into())));
        self
    }

    /// The most bytes that it takes in a batch.
    pub(super) fn size_bound(&self) -> usize {
        size_bound(&self.key, &self.value, &self.headers)
    }

    /// The most bytes that it takes as a batch of its own.
    pub(super) fn lone_size(&self) -> usize {
        BATCH_OVERHEAD + self.size_bound()
    }
}

/// The most bytes that a record with this content takes in a batch (`DefaultRecord.recordSizeUpperBound`).
pub(super) fn size_bound(key: &Option<Bytes>, value: &Option<Bytes>, headers: &[Header]) -> usize {
    /// Its length, attributes, and the differences of its time and offset to the batch's.
    const OVERHEAD: usize = 5 + 1 + 10 + 5;
    let field = |bytes: &Option<Bytes>| match bytes {
        Some(bytes) => varint_size(bytes.len()) + bytes.len(),
        None => 1,
    };
    let header = |(name, value): &Header| varint_size(name.len()) + name.len() + field(value);
    OVERHEAD
        + field(key)
        + field(value)
        + varint_size(headers.len())
        + headers.iter().map(header).sum::<usize>()
}

/// How many bytes a length takes: seven bits a byte, and one for the sign.
fn varint_size(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros() + 1;
    bits.div_ceil(7) as usize
}

/// Where a record was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// Its partition.
    pub partition: TopicPartition,
    /// Its offset; None where the broker does not answer (`acks=0`), or has written the record at an earlier try.
    pub offset: Option<Offset>,
    /// Its time in milliseconds since the Unix epoch: the leader's where the topic has `LogAppendTime`.
    pub timestamp: Millis,
    /// The size of its key in bytes; None without a key.
    pub serialized_key_size: Option<usize>,
    /// The size of its value in bytes; None without a value.
    pub serialized_value_size: Option<usize>,
}
