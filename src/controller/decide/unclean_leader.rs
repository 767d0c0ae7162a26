//! Unclean election was enabled: the controller tries to bring every partition without a leader online.
//!
//! Pure. Kafka's `triggerOnlinePartitionStateChange`.

use std::sync::Arc;

use crate::controller::election::Election;
use crate::controller::facts::Facts;
use crate::controller::step::{Step, StepContext};
use crate::controller::transitions::PartitionState;
use crate::controller::writes::Write;

use super::move_partitions::MovePartitions;

/// Tries to elect a leader for every new or offline partition, except those of topics being deleted.
#[derive(Debug)]
pub(super) struct TriggerOnline {
    /// One topic's partitions, or None for all.
    pub topic: Option<Arc<str>>,
}

impl Step for TriggerOnline {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let asked = |topic: &Arc<str>| self.topic.as_ref().is_none_or(|wanted| wanted == topic);
        let partitions: Vec<_> = context
            .state
            .partitions()
            .filter(|(_, known)| matches!(known.state, PartitionState::New | PartitionState::Offline))
            .map(|(partition, _)| partition)
            .filter(|partition| {
                asked(&partition.topic) && !context.state.is_queued_for_deletion(&partition.topic)
            })
            .collect();
        context.enqueue(MovePartitions::online(partitions, Election::Offline { unclean: false }));
        Vec::new()
    }
}
