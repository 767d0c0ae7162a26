//! What readers were returned, what they have committed, and what is on its way between them and the brokers.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use barnabas::client::consumer::machines::{
    CommittedOffsets, ConsumerPosition, EpochEndOffsetFound, MadeAssignment, MemberGeneration,
};
use barnabas::client::error::ClientError;
use barnabas::client::settings::OffsetReset;
use barnabas::coordinator::group::request::{GroupRequest, GroupResponse};
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::fetch::{FetchRequest, FetchResponse};

use super::stage::Stage;

/// The stage of readers.
pub type ReadingStage = Stage<Delivery, ReadRecords>;

/// What a reader waits for.
#[derive(Debug)]
pub enum Asked {
    Coordinator,
    Join(u64),
    Assign,
    Sync(u64),
    Heartbeat(MemberGeneration),
    Leave,
    Commit { offsets: CommittedOffsets, generation: MemberGeneration, is_repeated: bool },
    Committed(BTreeSet<TopicPartition>),
    Reset(TopicPartition, OffsetReset),
    Validation(TopicPartition, ConsumerPosition),
    Fetch(BrokerId),
}

/// A request to the coordinator of the group.
#[derive(Debug)]
pub struct GroupQuestion {
    pub request: GroupRequest,
    pub is_commit: bool,
}

/// A request to the broker that leads a partition.
#[derive(Debug)]
pub enum BrokerQuestion {
    Fetch(FetchRequest),
    /// The start of a partition; the leader epoch that the reader knows.
    Start(TopicPartition, LeaderEpoch),
    /// Where an epoch ends; the leader epoch that the reader knows, and the epoch.
    EpochEnd(TopicPartition, LeaderEpoch, LeaderEpoch),
}

/// What a reader sends, by the receiver.
#[derive(Debug)]
pub enum Letter {
    Group(GroupQuestion),
    Broker(BrokerId, BrokerQuestion),
    /// To itself: what takes a while and is no request of this simulation.
    Own(Reply),
}

/// What comes back.
#[derive(Debug)]
pub enum Reply {
    /// Nothing, and nothing will.
    Lost,
    Coordinator,
    Assigned(u64, Box<Result<MadeAssignment, ClientError>>),
    Group(GroupResponse),
    Fetched(Box<FetchResponse>),
    Start(Result<Offset, ErrorCode>),
    EpochEnd(Result<EpochEndOffsetFound, ErrorCode>),
}

/// What is on its way.
#[derive(Debug)]
pub enum Delivery {
    Letter { reader: u64, number: u64, letter: Letter },
    Reply { reader: u64, number: u64, reply: Reply },
}

/// The records of all readers.
#[derive(Debug, Default)]
pub struct ReadRecords {
    /// The offsets that were returned to an application, by partition.
    pub returned: BTreeMap<i32, BTreeMap<Offset, u64>>,
    /// How many records were returned.
    pub count: usize,
    /// The largest offset of each partition whose commit was acknowledged; the last one where it was truncated.
    pub committed: BTreeMap<i32, Offset>,
    /// The values of these records.
    pub values: BTreeSet<u64>,
    /// From where on each partition was ever truncated under its readers.
    pub truncated: BTreeMap<i32, Offset>,
    /// By generation and partition, the reader or static member that owned it.
    owners: BTreeMap<(i32, TopicPartition), String>,
    /// The offset of the last record that each reader was returned of a partition since it got it.
    last: BTreeMap<(u64, i32), Offset>,
}

impl ReadingStage {
    /// Sends something on its way.
    pub fn post(&mut self, reader: u64, number: u64, letter: Letter) {
        self.soon(Delivery::Letter { reader, number, letter });
    }

    /// The records of a partition from an offset on are gone, though readers may have them.
    pub fn truncated(&mut self, partition: i32, from: Offset) {
        self.say(|| format!("partition {partition} is truncated from {from} on"));
        let lowest = self.ledger.truncated.entry(partition).or_insert(from);
        *lowest = from.min(*lowest);
    }

    /// Whether the record at this offset may have been another one before.
    fn may_be_new(&self, partition: i32, offset: Offset) -> bool {
        self.ledger.truncated.get(&partition).is_some_and(|from| offset >= *from)
    }

    /// A record was returned to an application.
    pub fn returned(&mut self, reader: u64, id: &TopicPartition, offset: Offset, value: u64) {
        self.say(|| format!("{reader} reads {value} at {offset} of {id}"));
        self.ledger.count += 1;
        let before = self.ledger.last.insert((reader, id.partition), offset);
        // A reader goes back where it learns of a truncation, to its start at most.
        let may_go_back = self.ledger.truncated.contains_key(&id.partition);
        if before.is_some_and(|before| before >= offset) && !may_go_back {
            self.violate(format!("{reader} reads offset {offset} of {id} behind {before:?}"));
        }
        let known = self.ledger.returned.entry(id.partition).or_default().insert(offset, value);
        self.ledger.values.insert(value);
        if known.is_some_and(|known| known != value) && !self.may_be_new(id.partition, offset) {
            self.violate(format!("{id} had {known:?} at offset {offset}, and has {value}"));
        }
    }

    /// A member was assigned these partitions in a generation: they are no other member's.
    pub fn assigned(&mut self, member: &str, generation: i32, all: &BTreeSet<TopicPartition>) {
        for id in all {
            let owner =
                self.ledger.owners.entry((generation, id.clone())).or_insert_with(|| member.to_owned());
            if owner != member {
                let what = format!("{owner} and {member} own {id} in generation {generation}");
                self.violate(what);
            }
        }
    }

    /// A reader begins at what was committed.
    pub fn initialized(&mut self, reader: u64, id: &TopicPartition, committed: Option<Offset>) {
        self.ledger.last.remove(&(reader, id.partition));
        let acknowledged = self.ledger.committed.get(&id.partition).copied();
        if committed < acknowledged {
            self.say(|| {
                format!("{reader} begins with {committed:?} of {id}, and {acknowledged:?} was acknowledged")
            });
        }
    }
}
