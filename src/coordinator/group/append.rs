//! How a group goes on when its records are in the log, or are not certain to be.
//!
//! Pure.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::commit::StagedCommit;
use super::effect::{GroupLogger, LineLevel};
use super::metadata::{GroupMetadata, GroupRef};
use super::static_members::Replacement;
use super::step::GroupStep;
use crate::wire::error_code::ErrorCode;

/// What was appended, and for which group.
#[derive(Debug)]
pub enum GroupAppend {
    /// The assignment of a generation.
    Assigned(GroupRef, StoredAssignment),
    /// A group without members.
    Emptied(GroupRef),
    /// The new id of a static member.
    Replaced(GroupRef, Box<Replacement>),
    /// Offsets; the commit is answered though the group may be gone.
    Committed(GroupRef, StagedCommit),
    /// Tombstones: where they are lost, they are written again.
    Deleted,
}

/// The assignment that a leader has brought.
#[derive(Clone, Debug)]
pub struct StoredAssignment {
    /// The generation.
    pub generation: i32,
    /// The id of the leader.
    pub leader: Arc<str>,
    /// What each member is to consume.
    pub assignments: HashMap<Arc<str>, Bytes>,
}

/// What the members of a group are answered whose record could not be appended.
pub(super) fn error_of_group_append(
    group: &GroupMetadata,
    outcome: Result<(), ErrorCode>,
    step: &mut GroupStep<'_>,
) -> Result<(), ErrorCode> {
    let Err(error) = outcome else { return Ok(()) };
    let mut log = |how: &str| {
        let line = format!(
            "Appending metadata message for group {} generation {} failed due to {how}",
            group.id(),
            group.generation
        );
        step.log(GroupLogger::Manager, LineLevel::Error, line);
    };
    Err(match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::RequestTimedOut => ErrorCode::RebalanceInProgress,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge | ErrorCode::InvalidFetchSize => {
            log(&format!("{}, returning UNKNOWN error code to the client", error.exception()));
            ErrorCode::UnknownServerError
        }
        other => {
            log(&format!("unexpected error: {}", other.exception()));
            other
        }
    })
}
