//! What the coordinator of a group is asked, and what it answers, in no version of the protocol.
//!
//! Pure.

use std::sync::Arc;

use super::commit::CommitResult;
use super::describe::{GroupOverview, GroupSummary};
use super::fetch::{FetchedOffset, OffsetsFetch};
use super::join::{GroupJoin, JoinGroupResult};
use super::leave::{GroupLeave, LeaveGroupResult};
use super::metadata::GroupState;
use super::session::GroupHeartbeat;
use super::sync::{GroupSync, SyncGroupResult};
use crate::base::{Millis, Offset, TopicPartition};
use crate::coordinator::machine::TransactionalProducer;
use crate::wire::error_code::ErrorCode;

/// Which member of a group asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberClaim {
    /// Its id; empty for none.
    pub member: Arc<str>,
    /// Its `group.instance.id`, where it is a static member.
    pub instance: Option<Arc<str>>,
    /// The generation that it knows; negative for none.
    pub generation: i32,
}

/// How far a group has come in a partition, as its coordinator keeps it (`OffsetAndMetadata` of Kafka's broker).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitValue {
    /// The next offset to be consumed.
    pub offset: Offset,
    /// The leader epoch of the record before it, where the client knows it.
    pub leader_epoch: Option<i32>,
    /// What the client keeps beside it.
    pub metadata: Arc<str>,
    /// When it was committed.
    pub commit_timestamp: Millis,
    /// When it expires, where the client set how long it is to be kept.
    pub expire_timestamp: Option<Millis>,
}

/// Offsets to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetsCommit {
    /// The group.
    pub group: Arc<str>,
    /// The member that commits.
    pub claim: MemberClaim,
    /// The offsets; each partition once.
    pub offsets: Vec<(TopicPartition, OffsetCommitValue)>,
    /// The producer, where the offsets count once its open transaction is committed.
    pub producer: Option<TransactionalProducer>,
}

/// Offsets to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetsDelete {
    /// The group.
    pub group: Arc<str>,
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
}

/// A group, where nothing else is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupId {
    /// Its id.
    pub group: Arc<str>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// A member joins.
    Join(GroupJoin),
    /// A member asks for its assignment; the leader brings them all.
    Sync(GroupSync),
    /// A member is alive.
    Heartbeat(GroupHeartbeat),
    /// Members leave.
    Leave(GroupLeave),
    /// Offsets are to be kept.
    Commit(OffsetsCommit),
    /// Which offsets are kept.
    Fetch(OffsetsFetch),
    /// Offsets are to be deleted.
    DeleteOffsets(OffsetsDelete),
    /// What a group is.
    Describe(GroupId),
    /// The groups in these states; all groups where none is named.
    List(Vec<GroupState>),
    /// A group is to be deleted.
    Delete(GroupId),
}

/// What is answered, each to the request of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupResponse {
    /// The generation, or why the member is not in it.
    Join(JoinGroupResult),
    /// The assignment, or why there is none.
    Sync(SyncGroupResult),
    /// Whether the member may go on.
    Heartbeat(ErrorCode),
    /// How each member left.
    Leave(LeaveGroupResult),
    /// An error for each offset, in the order of the request.
    Commit(CommitResult),
    /// The offsets: those asked for in their order, or all by partition.
    Fetch(Vec<(TopicPartition, FetchedOffset)>),
    /// An error for each partition, in the order of the request; or one for the request.
    DeleteOffsets(Result<Vec<ErrorCode>, ErrorCode>),
    /// The group.
    Describe(GroupSummary),
    /// The groups, in no order.
    List(Vec<GroupOverview>),
    /// Whether it was deleted.
    Delete(ErrorCode),
}

/// What happens elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// The end of a producer's transaction is in this partition's log.
    TransactionCompleted {
        /// The producer.
        producer: crate::base::ProducerId,
        /// How the transaction ended.
        result: crate::coordinator::transaction_result::TransactionResult,
    },
    /// Partitions are deleted: no group needs their offsets.
    PartitionsDeleted(Arc<[TopicPartition]>),
}
