//! Which replica a consumer had better read from: one in its own rack (KIP-392).
//!
//! Pure. Kafka: `ReplicaManager.findPreferredReadReplica`, `RackAwareReplicaSelector`.

use crate::base::{BrokerId, Millis, Offset};

/// The class that `replica.selector.class` names for it.
pub const RACK_AWARE: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
/// The class that always chooses the leader, as does none.
pub const LEADER: &str = "org.apache.kafka.common.replica.LeaderSelector";

/// A follower that could be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its broker, which is alive and has the client's listener.
    pub broker: BrokerId,
    /// That broker's rack.
    pub rack: Option<String>,
    /// Where its log starts, and where it ends, as its last fetch said.
    pub log: (Offset, Offset),
    /// How long ago it had caught up with the leader.
    pub behind: Millis,
}

/// The follower that a client in `rack` had better fetch `offset` from; None where the leader, in `leader_rack`, serves as
/// well, or nobody else can. Of several it is the one that has most, then the one that was caught up last.
pub fn preferred(
    rack: &str,
    leader_rack: Option<&str>,
    offset: Offset,
    candidates: &[Candidate],
) -> Option<BrokerId> {
    if rack.is_empty() || leader_rack == Some(rack) {
        return None;
    }
    let near = candidates
        .iter()
        .filter(|it| it.rack.as_deref() == Some(rack) && it.log.0 <= offset && offset <= it.log.1);
    near.max_by_key(|it| (it.log.1, std::cmp::Reverse(it.behind), it.broker)).map(|it| it.broker)
}

#[cfg(test)]
mod tests;
