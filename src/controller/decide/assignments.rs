//! Which assignments of a topic's znode are accepted. An assignment that CreateTopics would refuse is also
//! refused when it was written into ZooKeeper directly.
//!
//! Pure. A refused assignment stays in the znode as it is, and no broker is notified of it. Kafka 2.7.2
//! brings everything online that it finds: a topic's name with a blank then makes the checkpoint files of a
//! whole log directory unreadable.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::admin::names;
use crate::base::{Assignment, BrokerId};
use crate::controller::step::{Severity, StepContext};

/// Why a partition of this number cannot have this assignment; None if it can.
pub(in crate::controller) fn fault(number: i32, assignment: &Assignment) -> Option<&'static str> {
    let Assignment { replicas, adding, removing } = assignment;
    let are_replicas = |ids: &[BrokerId]| ids.iter().all(|id| replicas.contains(id));
    if number < 0 {
        Some("the partition's number is negative")
    } else if replicas.is_empty() {
        Some("the replica list is empty")
    } else if has_duplicates(replicas) {
        Some("the replica list has duplicates")
    } else if replicas.iter().any(|id| *id < 0) {
        Some("the replica list has a negative broker id")
    } else if !are_replicas(adding) || !are_replicas(removing) {
        Some("adding or removing replicas are none of the replicas")
    } else if assignment.target().is_empty() {
        Some("the reassignment would leave no replica")
    } else {
        None
    }
}

/// Whether a list names a broker twice.
pub(super) fn has_duplicates(ids: &[BrokerId]) -> bool {
    ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id))
}

/// The partitions of `read` that can be brought online; each refusal is logged.
pub(super) fn accepted(
    context: &mut StepContext,
    topic: &Arc<str>,
    read: BTreeMap<i32, Assignment>,
) -> BTreeMap<i32, Assignment> {
    if let Err(error) = names::validate_topic(topic) {
        let text = format!(
            "Ignoring topic {topic:?} in ZooKeeper, none of its partitions is brought online: {error}"
        );
        context.log(Severity::Warn, text);
        return BTreeMap::new();
    }
    let mut accepted = BTreeMap::new();
    for (number, assignment) in read {
        match fault(number, &assignment) {
            None => drop(accepted.insert(number, assignment)),
            Some(fault) => {
                let text = format!(
                    "Ignoring partition {topic}-{number} in ZooKeeper, it is not brought online: {fault}"
                );
                context.log(Severity::Warn, text);
            }
        }
    }
    accepted
}
