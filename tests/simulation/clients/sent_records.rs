//! What producers have sent, what was answered, and what is on its way between them and the brokers.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{BrokerId, LeaderEpoch, Millis, Offset, TopicPartition};
use barnabas::client::producer::transaction_manager::{
    TransactionEnd, TransactionalAnswer, TransactionalRequest,
};
use barnabas::coordinator::txn::{TxnEvent, TxnMarkers};
use barnabas::wire::error_code::ErrorCode;
use bytes::Bytes;

use super::stage::Stage;

/// The stage of producers.
pub type ProducingStage = Stage<Happening, SentRecords>;

/// One place of a Produce request or its answer: which connection, and which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId {
    pub application: u64,
    pub broker: BrokerId,
    /// The number of the connection.
    pub connection: u64,
    pub number: u64,
}

/// What happens later.
#[derive(Debug)]
pub enum Happening {
    /// A Produce request arrives: batches, each with its partition's number.
    Produce(ExchangeId, Vec<(i32, Bytes)>),
    /// Its answer arrives: the first offset, or an error, of each batch.
    Produced(ExchangeId, Vec<Result<Offset, ErrorCode>>),
    /// A request of the transaction manager arrives, as the `number`th of all.
    Ask { application: u64, number: u64, request: TransactionalRequest },
    /// Its answer arrives.
    Answered { application: u64, number: u64, answer: TransactionalAnswer },
    /// A question how far an application's input was read arrives, as the `number`th of all requests.
    Locate { application: u64, number: u64 },
    /// Its answer arrives: None where that is not known yet.
    Located { application: u64, number: u64, offset: Option<Offset> },
    /// A producer id, for the coordinator of an epoch.
    Generated(LeaderEpoch, TxnEvent),
    /// A marker arrives at the leader of a partition, from the coordinator of an epoch.
    Marker(LeaderEpoch, TxnMarkers, TopicPartition),
}

/// A record that an application has sent.
#[derive(Clone, Copy, Debug)]
pub struct SentRecord {
    pub application: u64,
    pub partition: i32,
    pub transaction: Option<u64>,
    /// The input that it is a record of, and its offset there.
    pub input: Option<(i32, Offset)>,
    /// When it has to be acknowledged or to have failed.
    pub due: Millis,
    /// Whether it was acknowledged; None while that is open.
    pub acknowledged: Option<bool>,
}

/// What is known of a transaction.
#[derive(Clone, Debug, Default)]
pub struct TransactionFate {
    /// How it ended by the answer to its application.
    pub ended: Option<TransactionEnd>,
    /// Whether a commit was asked for.
    pub commit_asked: bool,
    /// Its records.
    pub values: BTreeSet<u64>,
}

/// The records of all producers.
#[derive(Debug, Default)]
pub struct SentRecords {
    pub records: BTreeMap<u64, SentRecord>,
    pub transactions: BTreeMap<u64, TransactionFate>,
    /// Records acknowledged since the last check, with their offsets as far as they are known.
    pub acknowledged: Vec<(u64, Option<Offset>)>,
}

impl ProducingStage {
    /// Notes a record that a producer has accepted.
    pub fn sent(&mut self, value: u64, record: SentRecord) {
        self.ledger.records.insert(value, record);
        if let Some(transaction) = record.transaction {
            self.ledger.transactions.entry(transaction).or_default().values.insert(value);
        }
    }

    /// Notes what came of a record.
    pub fn done(&mut self, value: u64, outcome: Option<Option<Offset>>) {
        let Some(record) = self.ledger.records.get_mut(&value) else { return };
        let due = record.due;
        if record.acknowledged.replace(outcome.is_some()).is_some() {
            self.violate(format!("record {value} is done twice"));
        }
        if self.now > due {
            self.violate(format!("record {value} is done {} ms too late", self.now - due));
        }
        if let Some(offset) = outcome {
            self.ledger.acknowledged.push((value, offset));
        }
    }
}
