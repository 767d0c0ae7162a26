//! The machines of a consumer, for tests that play them without a shell: `tests/simulation/clients` runs them with the
//! machines of brokers, and the fuzzers give them the answers of a hostile broker.
//!
//! Not for applications: what stands here follows the needs of [`super::Consumer`].

pub use super::coordinator::GroupRebalanceConfig;
pub use super::coordinator::assignment::{LeaderAssignment, MadeAssignment};
pub use super::coordinator::commit::{
    CommittedOffsets, FoundOffsets, RefusedOffsets, check_commit, read_committed,
};
pub use super::coordinator::membership::{
    MemberGeneration, MemberState, Membership, MembershipAction, MembershipAnswer, RebalanceEvent,
};
pub use super::fetcher::{ConsumerFetcher, TakenRecords, UnpackTask, UnpackedBatch};
pub use super::subscription_state::{ConsumerPosition, EpochEndOffsetFound, LogMarks, SubscriptionState};
