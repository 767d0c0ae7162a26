//! OffsetCommit and TxnOffsetCommit: how far the group has come is kept.
//!
//! Pure. Kafka: `GroupCoordinator.doCommitOffsets`, `doTxnCommitOffsets`, `GroupMetadataManager.storeOffsets`.

use super::GroupCoordinator;
use super::append::GroupAppend;
use super::effect::{GroupEffect, GroupLogger, GroupMeter, LineLevel};
use super::metadata::{GroupMetadata, GroupRef, GroupState};
use super::offsets::CommittedOffset;
use super::records;
use super::request::{GroupResponse, MemberClaim, OffsetCommitValue, OffsetsCommit};
use super::step::GroupStep;
use crate::base::{Millis, Offset, ProducerId, TopicPartition};
use crate::coordinator::machine::{Actions, CoordinatorRecord, RequestId};
use crate::coordinator::transaction_result::TransactionResult;
use crate::wire::error_code::ErrorCode;

/// An error for each offset, in the order of the request.
pub type CommitResult = Vec<ErrorCode>;

/// A commit that is being appended.
#[derive(Debug)]
pub struct StagedCommit {
    /// The request.
    request: RequestId,
    /// The producer, where it is part of a transaction.
    producer: Option<ProducerId>,
    /// Its position in the log.
    position: Offset,
    /// The offsets of the request.
    offsets: Vec<(TopicPartition, OffsetCommitValue)>,
    /// Whether each offset is appended; else what is beside it is too large.
    is_appended: Vec<bool>,
}

impl GroupMetadata {
    /// Offsets are to be kept.
    pub(super) fn commit(&mut self, request: RequestId, commit: OffsetsCommit, step: &mut GroupStep<'_>) {
        let checked = match commit.producer {
            Some(_) => self.check_transactional_commit(&commit.claim, step),
            None => self.check_commit(&commit.claim, step),
        };
        match checked {
            Ok(()) => self.store_offsets(request, commit, step),
            Err(error) => {
                step.respond(request, GroupResponse::Commit(vec![error; commit.offsets.len()]));
            }
        }
    }

    fn check_commit(&mut self, claim: &MemberClaim, step: &mut GroupStep<'_>) -> Result<(), ErrorCode> {
        let MemberClaim { member, instance, generation } = claim;
        if self.is_static_member_fenced(member, instance.as_deref(), "commit-offsets", step) {
            Err(ErrorCode::FencedInstanceId)
        } else if *generation < 0 && self.is(GroupState::Empty) {
            // A consumer that assigns itself its partitions.
            Ok(())
        } else if !self.members.contains(member) {
            Err(ErrorCode::UnknownMemberId)
        } else if *generation != self.generation {
            Err(ErrorCode::IllegalGeneration)
        } else if self.is(GroupState::CompletingRebalance) {
            Err(ErrorCode::RebalanceInProgress)
        } else {
            self.expect_heartbeat(member, step);
            Ok(())
        }
    }

    fn check_transactional_commit(
        &self,
        claim: &MemberClaim,
        step: &mut GroupStep<'_>,
    ) -> Result<(), ErrorCode> {
        let MemberClaim { member, instance, generation } = claim;
        if self.is_static_member_fenced(member, instance.as_deref(), "txn-commit-offsets", step) {
            Err(ErrorCode::FencedInstanceId)
        } else if !member.is_empty() && !self.members.contains(member) {
            Err(ErrorCode::UnknownMemberId)
        } else if *generation >= 0 && *generation != self.generation {
            Err(ErrorCode::IllegalGeneration)
        } else {
            Ok(())
        }
    }

    fn store_offsets(&mut self, request: RequestId, commit: OffsetsCommit, step: &mut GroupStep<'_>) {
        if self.offsets.is_mixed() {
            let line = format!(
                "group: {} with leader: {} has received offset commits from consumers as well as transactional producers. Mixing both types of offset commits will generally result in surprises and should be avoided.",
                self.id(),
                self.members.leader().map_or("null", |leader| &**leader)
            );
            step.log(GroupLogger::Manager, LineLevel::Warn, line);
        }
        let OffsetsCommit { offsets, producer, .. } = commit;
        let fits = |(_, offset): &(_, OffsetCommitValue)| {
            is_at_most(&offset.metadata, step.settings.max_offset_metadata)
        };
        let is_appended: Vec<bool> = offsets.iter().map(fits).collect();
        let stored =
            offsets.iter().zip(&is_appended).filter(|(_, is_appended)| **is_appended).map(|(it, _)| it);
        let protocol = &step.settings.protocol;
        let records: Vec<_> = stored
            .clone()
            .map(|(partition, offset)| CoordinatorRecord {
                key: records::offset_key(self.id(), partition),
                value: Some(records::offset_value(offset, protocol)),
            })
            .collect();
        if records.is_empty() {
            let errors = vec![ErrorCode::OffsetMetadataTooLarge; offsets.len()];
            step.respond(request, GroupResponse::Commit(errors));
            return;
        }
        let position = step.take_position();
        match producer {
            None => self.offsets.stage(stored.map(|(partition, _)| partition), position),
            Some(producer) => self.offsets.stage_in_transaction(producer.id, stored.cloned(), position),
        }
        let producer_id = producer.map(|producer| producer.id);
        let staged = StagedCommit { request, producer: producer_id, position, offsets, is_appended };
        let then = GroupAppend::Committed(self.this(), staged);
        match producer {
            None => step.append(records, then),
            Some(producer) => step.append_in_transaction(producer, records, then),
        }
    }

    /// A commit is in the log, or is not certain to be.
    fn offsets_stored(&mut self, staged: &StagedCommit, outcome: Result<(), ErrorCode>) {
        let position = staged.position;
        for (partition, committed) in staged.appended() {
            match (staged.producer, outcome) {
                (None, Ok(())) => {
                    let committed = committed.clone();
                    self.offsets.appended(partition.clone(), CommittedOffset { position, committed });
                }
                (None, Err(_)) => self.offsets.failed(partition, position),
                (Some(_), Ok(())) => {} // It counts once the transaction is committed.
                (Some(producer), Err(_)) => {
                    self.offsets.failed_in_transaction(producer, partition, position);
                }
            }
        }
    }
}

impl StagedCommit {
    fn appended(&self) -> impl Iterator<Item = &(TopicPartition, OffsetCommitValue)> {
        self.offsets.iter().zip(&self.is_appended).filter(|(_, is_appended)| **is_appended).map(|(it, _)| it)
    }
}

impl GroupCoordinator {
    /// A commit is in the log, or is not certain to be: it is answered, though the group may be gone.
    pub(super) fn commit_stored(
        &mut self,
        group: &GroupRef,
        staged: StagedCommit,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        actions.effect(GroupEffect::Count(GroupMeter::OffsetCommits, staged.appended().count()));
        self.with_group(&group.id, now, actions, |found, _| {
            if found.this() == *group {
                found.offsets_stored(&staged, outcome);
            }
        });
        if let Some(producer) = staged.producer {
            self.forget_closed_transaction(producer, &group.id);
        }
        let error = error_of_offset_append(outcome);
        let errors = staged.is_appended.iter().map(|is_appended| match is_appended {
            true => error,
            false => ErrorCode::OffsetMetadataTooLarge,
        });
        actions.respond(staged.request, GroupResponse::Commit(errors.collect()));
    }

    /// A producer's transaction has ended: its offsets count, or never did.
    pub(super) fn transaction_completed(
        &mut self,
        producer: ProducerId,
        result: TransactionResult,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        for group in self.open_transactions.remove(&producer).unwrap_or_default() {
            self.with_group(&group, now, actions, |group, _| {
                group.offsets.complete_transaction(producer, result);
            });
        }
    }

    pub(super) fn forget_closed_transaction(&mut self, producer: ProducerId, group: &str) {
        let is_open =
            self.groups.get(group).is_some_and(|it| it.offsets().producers().any(|it| it == producer));
        if !is_open && let Some(groups) = self.open_transactions.get_mut(&producer) {
            groups.remove(group);
            if groups.is_empty() {
                self.open_transactions.remove(&producer);
            }
        }
    }
}

/// What a commit is answered that could not be appended.
fn error_of_offset_append(outcome: Result<(), ErrorCode>) -> ErrorCode {
    match outcome {
        Ok(()) => ErrorCode::None,
        Err(
            ErrorCode::UnknownTopicOrPartition
            | ErrorCode::NotEnoughReplicas
            | ErrorCode::NotEnoughReplicasAfterAppend,
        ) => ErrorCode::CoordinatorNotAvailable,
        Err(ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError) => ErrorCode::NotCoordinator,
        Err(ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge | ErrorCode::InvalidFetchSize) => {
            ErrorCode::InvalidCommitOffsetSize
        }
        Err(other) => other,
    }
}

/// Whether a text has at most so many UTF-16 units, which is how Java measures it.
fn is_at_most(text: &str, most: usize) -> bool {
    text.len() <= most || text.encode_utf16().count() <= most
}
