//! What is forgotten: expired offsets, offsets of deleted partitions, deleted groups, and groups that have nothing
//! left.
//!
//! Pure. Each leaves tombstones in the log. A response does not wait for them: where they are lost, they are written
//! again. Kafka: `GroupMetadataManager.cleanupGroupMetadata`, `GroupMetadata.removeExpiredOffsets` (KIP-211).

use super::GroupCoordinator;
use super::append::GroupAppend;
use super::effect::{GroupEffect, GroupLogger, GroupMeter, LineLevel};
use super::metadata::{GroupMetadata, GroupState};
use super::records;
use super::request::{GroupResponse, OffsetsDelete};
use super::step::GroupStep;
use crate::base::{Millis, TopicPartition};
use crate::coordinator::machine::{Actions, CoordinatorRecord, RequestId};
use crate::wire::error_code::ErrorCode;

impl GroupMetadata {
    /// Forgets the offsets that have expired; their partitions.
    ///
    /// - Without members: all, once the group has been empty for the retention. Where a record of before 2.1 lacks
    ///   that time, an offset counts from its commit.
    /// - With consumers: those of topics that no member subscribes to, from their commit.
    /// - Without a protocol, of consumers that assign themselves their partitions: from their commit.
    /// - An offset that was committed with an expiry of its own expires then.
    fn expire_offsets(&mut self, retention: Millis, now: Millis) -> Vec<TopicPartition> {
        let since = if self.protocol_type.is_none() {
            None
        } else if self.is(GroupState::Empty) {
            self.state_since()
        } else if self.is_consumer_group() && self.subscribed_topics.is_some() {
            None
        } else {
            return Vec::new();
        };
        let subscribed = if self.is(GroupState::Empty) { None } else { self.subscribed_topics.as_ref() };
        self.offsets.expire(|partition, offset| {
            let is_subscribed = subscribed.is_some_and(|topics| topics.contains(&*partition.topic));
            let is_expired = match offset.expire_timestamp {
                Some(expires) => now >= expires,
                None => now - since.unwrap_or(offset.commit_timestamp) >= retention,
            };
            is_expired && !is_subscribed
        })
    }

    /// Leaves tombstones for offsets that are forgotten. A group without members and offsets dies; one that was ever
    /// written leaves a tombstone too.
    fn clean_up(&mut self, removed: &[TopicPartition], step: &mut GroupStep<'_>) {
        if self.is(GroupState::Empty) && self.offsets.is_empty() {
            let line = format!("Group {} transitioned to Dead in generation {}", self.id(), self.generation);
            step.log(GroupLogger::Manager, LineLevel::Info, line);
            self.die(step);
        }
        let keys = removed.iter().map(|partition| records::offset_key(self.id(), partition));
        let own = (self.is(GroupState::Dead) && self.generation > 0).then(|| records::group_key(self.id()));
        let tombstones: Vec<_> = keys.chain(own).map(|key| CoordinatorRecord { key, value: None }).collect();
        if !tombstones.is_empty() {
            step.append(tombstones, GroupAppend::Deleted);
        }
    }

    fn die(&mut self, step: &mut GroupStep<'_>) {
        for id in self.pending.clone() {
            self.remove_pending(&id, step);
        }
        self.transition_to(GroupState::Dead, step.now);
    }

    fn delete(&mut self, step: &mut GroupStep<'_>) -> ErrorCode {
        if !self.is(GroupState::Empty) {
            return ErrorCode::NonEmptyGroup;
        }
        let all: Vec<_> = self.offsets.partitions().cloned().collect();
        let removed = self.offsets.remove(&all);
        self.die(step);
        self.clean_up(&removed, step);
        step.info(format!(
            "The following groups were deleted: {}. A total of {} offsets were removed.",
            self.id(),
            removed.len()
        ));
        ErrorCode::None
    }

    fn delete_offsets(
        &mut self,
        partitions: &[TopicPartition],
        step: &mut GroupStep<'_>,
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        let is_used = |partition: &TopicPartition| self.is_subscribed_to(&partition.topic);
        let errors: Vec<ErrorCode> = match self.state() {
            GroupState::Empty => vec![ErrorCode::None; partitions.len()],
            _ if self.is_consumer_group() => partitions
                .iter()
                .map(|it| if is_used(it) { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None })
                .collect(),
            _ => return Err(ErrorCode::NonEmptyGroup),
        };
        let unused = partitions.iter().zip(&errors).filter(|(_, error)| **error == ErrorCode::None);
        let unused: Vec<_> = unused.map(|(partition, _)| partition).collect();
        if !unused.is_empty() {
            let removed = self.offsets.remove(unused.iter().copied());
            self.clean_up(&removed, step);
            step.count(GroupMeter::OffsetDeletions, removed.len());
            let names: Vec<_> = unused.iter().map(ToString::to_string).collect();
            step.info(format!(
                "The following offsets of the group {} were deleted: {}. A total of {} offsets were removed.",
                self.id(),
                names.join(", "),
                removed.len()
            ));
        }
        Ok(errors)
    }
}

impl GroupCoordinator {
    /// Forgets what has expired.
    pub(super) fn expire(&mut self, now: Millis, actions: &mut Actions<Self>) {
        let retention = self.settings.offsets_retention;
        let removed = self.clean_up_each(now, actions, |group| group.expire_offsets(retention, now));
        if removed > 0 {
            actions.effect(GroupEffect::Count(GroupMeter::OffsetExpirations, removed));
            let line = format!("Removed {removed} expired offsets of __consumer_offsets-{}.", self.partition);
            actions.effect(GroupEffect::Log(GroupLogger::Manager, LineLevel::Info, line));
        }
    }

    /// Forgets the offsets of deleted partitions.
    pub(super) fn partitions_deleted(
        &mut self,
        partitions: &[TopicPartition],
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let removed = self.clean_up_each(now, actions, |group| group.offsets.remove(partitions));
        if removed > 0 {
            let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
            let line = format!(
                "Removed {removed} offsets associated with deleted partitions: {}.",
                names.join(", ")
            );
            actions.effect(GroupEffect::Log(GroupLogger::Coordinator, LineLevel::Info, line));
        }
    }

    /// A group is to be deleted.
    pub(super) fn delete_group(
        &mut self,
        request: RequestId,
        id: &str,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let error = self.with_group(id, now, actions, GroupMetadata::delete);
        actions.respond(request, GroupResponse::Delete(error.unwrap_or(ErrorCode::GroupIdNotFound)));
    }

    /// Offsets are to be deleted.
    pub(super) fn delete_offsets(
        &mut self,
        request: RequestId,
        delete: &OffsetsDelete,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let errors = self.with_group(&delete.group, now, actions, |group, step| {
            group.delete_offsets(&delete.partitions, step)
        });
        let errors = errors.unwrap_or(Err(ErrorCode::GroupIdNotFound));
        actions.respond(request, GroupResponse::DeleteOffsets(errors));
    }

    /// Has `forget` forget offsets of each group; how many they were.
    fn clean_up_each(
        &mut self,
        now: Millis,
        actions: &mut Actions<Self>,
        forget: impl Fn(&mut GroupMetadata) -> Vec<TopicPartition>,
    ) -> usize {
        let mut total = 0;
        for id in self.ids() {
            let removed = self.with_group(&id, now, actions, |group, step| {
                let removed = forget(group);
                group.clean_up(&removed, step);
                removed.len()
            });
            total += removed.unwrap_or(0);
        }
        total
    }
}
