//! The records of `__transaction_state`: a key and a value of version 0 each (`TransactionLog`).
//!
//! Pure. A transactional id's last record holds all that is known of it; one without a value removes it.
//!
//! ```text
//! key:   version 0, transactional id
//! value: version 0, producer id, producer epoch, timeout, state, [topic, [partition]] or null, last update, start
//! ```

use std::fmt;

use bytes::Bytes;

use super::state::TransactionState;
use crate::base::{Millis, TopicPartition, jvm_order};
use crate::coordinator::machine::TransactionalProducer;
use crate::wire::codec::field::{At, Field};
use crate::wire::codec::{Reader, WireError, Writer};

/// The version of keys and of values.
const VERSION: i16 = 0;
/// Strings and arrays as in messages that are not flexible.
const PLAIN: At = At { version: VERSION, flexible: false, nullable: false };
/// The same, where null may stand.
const NULLABLE: At = At { nullable: true, ..PLAIN };

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionLogError {
    /// No key or value has this version.
    Version(i16),
    /// No state has this number.
    State(i8),
    /// The bytes are too few, or no strings and arrays.
    Wire(WireError),
}

impl From<WireError> for TransactionLogError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl fmt::Display for TransactionLogError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(out, "unknown version {version} of a transaction log record"),
            Self::State(id) => write!(out, "unknown transaction state {id}"),
            Self::Wire(error) => error.fmt(out),
        }
    }
}

/// The partitions of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPartitions {
    /// The topic's name.
    pub topic: String,
    /// Its partitions' numbers.
    pub partitions: Vec<i32>,
}

impl Field for TransactionPartitions {
    fn initial() -> Self {
        Self { topic: String::new(), partitions: Vec::new() }
    }

    fn min_size(at: At) -> usize {
        <String as Field>::min_size(at) + <Vec<i32> as Field>::min_size(at)
    }

    fn read(input: &mut Reader, at: At) -> Result<Self, WireError> {
        Ok(Self { topic: Field::read(input, at)?, partitions: Field::read(input, at)? })
    }

    fn write(&self, out: &mut Writer, at: At) -> Result<(), WireError> {
        self.topic.write(out, at)?;
        self.partitions.write(out, at)
    }
}

/// The fields of a transactional id's record, in the order of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "TransactionLog")]
pub struct TransactionLogValue {
    /// The producer.
    pub producer: TransactionalProducer,
    /// How long a transaction may last, in milliseconds.
    pub timeout_ms: i32,
    /// Where the transaction is.
    pub state: TransactionState,
    /// The transaction's partitions; None where the state is Empty.
    pub partitions: Option<Vec<TransactionPartitions>>,
    /// When anything about it has changed last.
    pub last_update: Millis,
    /// When the transaction began; -1 where there was none.
    pub start: Millis,
}

impl TransactionLogValue {
    /// The record's value.
    ///
    /// # Errors
    /// A topic's name is longer than a string may be.
    pub fn encode(&self) -> Result<Bytes, WireError> {
        let mut out = Writer::new();
        out.i16(VERSION);
        out.i64(self.producer.id);
        out.i16(self.producer.epoch);
        out.i32(self.timeout_ms);
        out.i8(self.state.id());
        self.partitions.write(&mut out, NULLABLE)?;
        out.i64(self.last_update);
        out.i64(self.start);
        Ok(in_memory(out))
    }

    /// Its partitions in the order in which Kafka's tools print them, that of its set.
    pub fn partitions_as_printed(&self) -> Vec<String> {
        let of_topic = |topic: &TransactionPartitions| {
            let partitions = topic.partitions.iter().map(|it| TopicPartition::new(topic.topic.as_str(), *it));
            partitions.collect::<Vec<_>>()
        };
        let partitions = self.partitions.iter().flatten().flat_map(of_topic);
        let hashed =
            partitions.map(|partition| (jvm_order::partition_hash(&partition), partition.to_string()));
        jvm_order::scala_mutable_set(hashed.collect())
    }

    /// From the record's value.
    ///
    /// # Errors
    /// [`TransactionLogError`]; also where a transaction has no list of partitions.
    pub fn decode(value: Bytes) -> Result<Self, TransactionLogError> {
        let mut input = Reader::new(value);
        check_version(&mut input)?;
        let producer = TransactionalProducer { id: input.i64()?, epoch: input.i16()? };
        let timeout_ms = input.i32()?;
        let state = input.i8()?;
        let state = TransactionState::from_id(state).ok_or(TransactionLogError::State(state))?;
        let partitions: Option<Vec<TransactionPartitions>> = Field::read(&mut input, NULLABLE)?;
        if partitions.is_none() && state != TransactionState::Empty {
            return Err(WireError::from(crate::wire::codec::Problem::Null).within("partitions").into());
        }
        let (last_update, start) = (input.i64()?, input.i64()?);
        Ok(Self { producer, timeout_ms, state, partitions, last_update, start })
    }
}

/// A record's key.
///
/// # Errors
/// The id is longer than a string may be.
pub fn encode_key(transactional_id: &str) -> Result<Bytes, WireError> {
    let mut out = Writer::new();
    out.i16(VERSION);
    transactional_id.to_owned().write(&mut out, PLAIN)?;
    Ok(in_memory(out))
}

/// The transactional id of a record's key.
///
/// # Errors
/// [`TransactionLogError`].
pub fn decode_key(key: Bytes) -> Result<String, TransactionLogError> {
    let mut input = Reader::new(key);
    check_version(&mut input)?;
    Ok(Field::read(&mut input, PLAIN)?)
}

fn check_version(input: &mut Reader) -> Result<(), TransactionLogError> {
    match input.i16()? {
        VERSION => Ok(()),
        other => Err(TransactionLogError::Version(other)),
    }
}

/// The bytes of a writer that holds no records of files.
fn in_memory(out: Writer) -> Bytes {
    out.into_bytes().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(state: i8, partitions: &[u8]) -> Bytes {
        let mut bytes = vec![0, 0];
        bytes.extend_from_slice(&7i64.to_be_bytes());
        bytes.extend_from_slice(&2i16.to_be_bytes());
        bytes.extend_from_slice(&60_000i32.to_be_bytes());
        bytes.push(state as u8);
        bytes.extend_from_slice(partitions);
        bytes.extend_from_slice(&[0; 16]);
        bytes.into()
    }

    #[test]
    fn what_is_no_record_of_version_0_is_refused() {
        let null = (-1i32).to_be_bytes();
        assert!(TransactionLogValue::decode(value(0, &null)).is_ok());
        let error = |bytes| TransactionLogValue::decode(bytes).unwrap_err().to_string();
        assert_eq!(error(value(8, &null)), "unknown transaction state 8");
        assert_eq!(error(value(1, &null)), "partitions: null is not allowed");
        assert_eq!(error(value(1, &i32::MAX.to_be_bytes())), "invalid length 2147483647");
        assert_eq!(error(vec![0, 1].into()), "unknown version 1 of a transaction log record");
        assert!(error(value(0, &null).slice(..30)).ends_with("remain"));
        assert_eq!(decode_key(vec![0, 7, 0, 0].into()), Err(TransactionLogError::Version(7)));
        assert!(decode_key(vec![0, 0, 0, 9].into()).is_err());
        assert!(encode_key(&"x".repeat(40_000)).is_err());
    }
}
