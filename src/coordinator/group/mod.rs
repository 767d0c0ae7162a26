//! The groups of one partition of `__consumer_offsets`: their members, what each consumes, how far each group has come.
//!
//! Pure. A request that names a group is handled by the [`GroupMetadata`] of that name: [`join`], [`sync`], [`leave`],
//! [`session`], [`commit`], [`fetch`], [`describe`]. What a rebalance is stands in [`rebalance`], the layout of records
//! in [`records`], how they are read in [`load`], what is forgotten in [`expiry`]. Never asks the time nor makes an id:
//! both come with the request. Kafka: `GroupCoordinator`, `GroupMetadataManager`.

pub mod append;
pub mod commit;
pub mod counts;
pub mod describe;
pub mod effect;
mod expiry;
pub mod fetch;
pub mod join;
pub mod leave;
mod load;
pub mod machine;
pub mod member;
mod members;
pub mod metadata;
mod offsets;
mod rebalance;
pub mod records;
pub mod request;
pub mod session;
mod static_members;
mod step;
mod subscription;
pub mod sync;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use self::counts::GroupCounts;
use self::effect::GroupEffect;
use self::load::LoadedGroups;
use self::metadata::{GroupMetadata, GroupState};
use self::step::GroupStep;
use super::machine::Actions;
use crate::base::{Millis, Offset, ProducerId};
use crate::config::KafkaVersion;

/// What the decisions need to know of the broker's config.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "GroupConfig")]
#[doc(alias = "OffsetConfig")]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout: Millis,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout: Millis,
    /// `group.max.size`, in members.
    pub max_size: usize,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay: Millis,
    /// `offset.metadata.max.bytes`, which Kafka compares with UTF-16 units.
    pub max_offset_metadata: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention: Millis,
    /// `offsets.retention.check.interval.ms`.
    pub retention_check_interval: Millis,
    /// `inter.broker.protocol.version`, which decides the versions of the records.
    pub protocol: KafkaVersion,
}

/// The groups of one partition and all that is decided about them.
#[derive(Debug)]
#[doc(alias = "GroupMetadataManager")]
pub struct GroupCoordinator {
    settings: Arc<GroupSettings>,
    /// The partition's number.
    partition: i32,
    /// By id. A group that is Dead is not among them.
    groups: HashMap<Arc<str>, GroupMetadata>,
    /// The groups with offsets in the open transaction of each producer; a group of it may be gone.
    open_transactions: HashMap<ProducerId, BTreeSet<Arc<str>>>,
    /// The position of the next append in the log, or past it. Positions grow in the order of the log.
    next_position: Offset,
    /// How many groups there have been: distinguishes a group from an earlier one of the same id.
    incarnations: u64,
    /// What is in `groups`.
    counts: GroupCounts,
    /// What was reported last.
    reported: GroupCounts,
    /// What the load has found so far.
    loaded: LoadedGroups,
}

impl GroupCoordinator {
    /// The coordinator of a partition whose log is to be replayed.
    pub fn new(settings: Arc<GroupSettings>, partition: i32) -> Self {
        Self {
            settings,
            partition,
            groups: HashMap::new(),
            open_transactions: HashMap::new(),
            next_position: 0,
            incarnations: 0,
            counts: GroupCounts::default(),
            reported: GroupCounts::default(),
            loaded: LoadedGroups::default(),
        }
    }

    /// Has `change` act on a group, where there is one of this id. A group that is Dead after it is gone.
    fn with_group<R>(
        &mut self,
        id: &str,
        now: Millis,
        actions: &mut Actions<Self>,
        change: impl FnOnce(&mut GroupMetadata, &mut GroupStep<'_>) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(id)?;
        self.counts.remove(group);
        let mut step = GroupStep {
            settings: &self.settings,
            partition: self.partition,
            now,
            next_position: &mut self.next_position,
            actions,
        };
        let result = change(group, &mut step);
        if group.state() == GroupState::Dead {
            self.groups.remove(id);
        } else {
            self.counts.add(group);
        }
        Some(result)
    }

    /// As [`GroupCoordinator::with_group`], for a group that is created where there is none of this id.
    fn with_new_group<R>(
        &mut self,
        id: &Arc<str>,
        now: Millis,
        actions: &mut Actions<Self>,
        change: impl FnOnce(&mut GroupMetadata, &mut GroupStep<'_>) -> R,
    ) -> Option<R> {
        if !self.groups.contains_key(&**id) {
            let group = GroupMetadata::new(id.clone(), self.next_incarnation(), now);
            self.insert(group);
        }
        self.with_group(id, now, actions, change)
    }

    /// The ids of all groups, in order, so that the same state always acts the same.
    fn ids(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<_> = self.groups.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    fn next_incarnation(&mut self) -> u64 {
        self.incarnations += 1;
        self.incarnations
    }

    fn insert(&mut self, group: GroupMetadata) {
        self.counts.add(&group);
        self.groups.insert(group.id().clone(), group);
    }

    /// Reports the counts where they have changed since the last report.
    fn report(&mut self, actions: &mut Actions<Self>) {
        if self.counts != self.reported {
            self.reported = self.counts;
            actions.effect(GroupEffect::Counts(self.counts));
        }
    }
}
