//! What the log of a partition holds, read from its start to its end.
//!
//! Pure. Kafka: `GroupMetadataManager.doLoadGroupsAndOffsets`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::GroupCoordinator;
use super::effect::{GroupEffect, GroupLogger, LineLevel};
use super::machine::GroupTimer;
use super::metadata::GroupMetadata;
use super::offsets::CommittedOffset;
use super::records::{self, GroupRecordKey, GroupValue};
use super::step::GroupStep;
use crate::base::{Millis, Offset, ProducerId, TopicPartition};
use crate::coordinator::machine::{Actions, CoordinatorRecord, Replayed, TransactionalProducer};
use crate::coordinator::transaction_result::TransactionResult;
use crate::wire::codec::WireError;

/// How many records that cannot be read are named; the others are counted.
const NAMED_FAULTS: usize = 100;

type Offsets = BTreeMap<TopicPartition, CommittedOffset>;

/// What has been found of a group.
#[derive(Debug, Default)]
struct LoadedGroup {
    value: Option<GroupValue>,
    offsets: Offsets,
    transactional: BTreeMap<ProducerId, Offsets>,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct LoadedGroups {
    groups: HashMap<Arc<str>, LoadedGroup>,
    /// The groups with offsets in a transaction that has not ended yet.
    open: HashMap<ProducerId, HashSet<Arc<str>>>,
    /// Each topic's name once: a log of a million offsets has few topics.
    topics: HashSet<Arc<str>>,
    /// The records that cannot be read, and why.
    faults: Vec<(Offset, WireError)>,
    unnamed_faults: usize,
    end: Offset,
}

impl LoadedGroups {
    /// Takes in what comes next in the log.
    pub fn replay(&mut self, replayed: Replayed) {
        match replayed {
            Replayed::Record { offset, producer, record, .. } => {
                self.end = offset + 1;
                if let Err(fault) = self.record(offset, producer, record) {
                    match self.faults.len() < NAMED_FAULTS {
                        true => self.faults.push((offset, fault)),
                        false => self.unnamed_faults += 1,
                    }
                }
            }
            Replayed::Marker { offset, producer, result } => {
                self.end = offset + 1;
                self.marker(producer.id, result);
            }
        }
    }

    /// The records that could not be read, and why; the first of them.
    #[cfg(test)]
    pub fn faults(&self) -> &[(Offset, WireError)] {
        &self.faults
    }

    fn record(
        &mut self,
        position: Offset,
        producer: Option<TransactionalProducer>,
        record: CoordinatorRecord,
    ) -> Result<(), WireError> {
        match records::read_key(record.key)? {
            GroupRecordKey::Group(group) => {
                let value = record.value.map(records::read_group).transpose()?;
                self.groups.entry(group).or_default().value = value;
            }
            GroupRecordKey::Offset { group, mut partition } => {
                let committed = record.value.map(records::read_offset).transpose()?;
                match self.topics.get(&partition.topic) {
                    Some(known) => partition.topic = known.clone(),
                    None => _ = self.topics.insert(partition.topic.clone()),
                }
                if let Some(producer) = producer {
                    self.open.entry(producer.id).or_default().insert(group.clone());
                }
                let found = self.groups.entry(group).or_default();
                let offsets = match producer {
                    Some(producer) => found.transactional.entry(producer.id).or_default(),
                    None => &mut found.offsets,
                };
                match committed {
                    Some(committed) => _ = offsets.insert(partition, CommittedOffset { position, committed }),
                    None => _ = offsets.remove(&partition),
                }
            }
        }
        Ok(())
    }

    fn marker(&mut self, producer: ProducerId, result: TransactionResult) {
        for group in self.open.remove(&producer).unwrap_or_default() {
            let Some(group) = self.groups.get_mut(&group) else { continue };
            let open = group.transactional.remove(&producer).unwrap_or_default();
            for (partition, offset) in open.into_iter().filter(|_| result == TransactionResult::Commit) {
                let is_older = group.offsets.get(&partition).is_some_and(|it| it.position > offset.position);
                if !is_older {
                    group.offsets.insert(partition, offset);
                }
            }
        }
    }
}

impl GroupCoordinator {
    /// The log has been read: the groups are as its records have them.
    pub(super) fn loaded(&mut self, now: Millis, actions: &mut Actions<Self>) {
        let LoadedGroups { groups, faults, unnamed_faults, end, .. } = std::mem::take(&mut self.loaded);
        self.next_position = end;
        let mut log = |line| actions.effect(GroupEffect::Log(GroupLogger::Manager, LineLevel::Error, line));
        for (offset, fault) in faults {
            log(format!(
                "Skipped the record at offset {offset} of __consumer_offsets-{}: {fault}",
                self.partition
            ));
        }
        if unnamed_faults > 0 {
            log(format!("Skipped {unnamed_faults} more records of __consumer_offsets-{}", self.partition));
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (id, found) in groups {
            self.load_group(&id, found, now, actions);
        }
        actions.schedule(GroupTimer::Expiration, now + self.settings.retention_check_interval);
    }

    fn load_group(&mut self, id: &Arc<str>, found: LoadedGroup, now: Millis, actions: &mut Actions<Self>) {
        let LoadedGroup { value, offsets, mut transactional } = found;
        transactional.retain(|_, offsets| !offsets.is_empty());
        if value.is_none() && offsets.is_empty() && transactional.is_empty() {
            return;
        }
        for producer in transactional.keys() {
            self.open_transactions.entry(*producer).or_default().insert(id.clone());
        }
        let mut group = GroupMetadata::new(id.clone(), self.next_incarnation(), now);
        group.offsets.restore(offsets, transactional);
        if let Some(value) = value {
            group = group.described_by(value);
        }
        self.insert(group);
        self.with_group(id, now, actions, GroupMetadata::begin);
    }
}

impl GroupMetadata {
    pub(super) fn described_by(mut self, value: GroupValue) -> Self {
        self.protocol_type = value.protocol_type;
        self.generation = value.generation;
        self.protocol_name = value.protocol_name;
        for member in value.members {
            if let Some(instance) = &member.profile.instance {
                self.static_members.insert(instance.clone(), member.id.clone());
            }
            self.members.insert(member);
        }
        self.members.set_leader(value.leader.filter(|leader| self.members.contains(leader)));
        self.restored(value.state_since)
    }

    /// A loaded group goes on: a sign of life is expected of each member.
    fn begin(&mut self, step: &mut GroupStep<'_>) {
        let line = format!("Loading group metadata for {} with generation {}", self.id(), self.generation);
        step.info(line);
        self.refresh_subscribed_topics(step);
        if self.members.len() > step.settings.max_size {
            let reason = format!(
                "Freshly-loaded group is over capacity ({}). Rebalacing in order to give a chance for consumers to commit offsets",
                step.settings.max_size
            );
            self.prepare_rebalance(&reason, step);
        }
        for id in self.members.ids() {
            self.expect_heartbeat(&id, step);
        }
    }
}
