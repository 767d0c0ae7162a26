//! The follower that a consumer reads from: one in the consumer's own rack.
//!
//! Pure. Kafka: `RackAwareReplicaSelector`.

use crate::base::{BrokerId, Millis, Offset};

/// The class by which `replica.selector.class` names this selector.
pub const RACK_AWARE: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
/// The class that always selects the leader, as happens without any class.
pub const LEADER: &str = "org.apache.kafka.common.replica.LeaderSelector";

/// A follower that could be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaView {
    /// The follower's broker, which is alive and has the consumer's listener.
    pub broker: BrokerId,
    /// The rack of that broker.
    pub rack: Option<String>,
    /// Where the follower's log starts, by its last fetch.
    pub log_start: Offset,
    /// Where the follower's log ends, by its last fetch.
    pub log_end: Offset,
    /// How long ago the follower had caught up with the leader, in milliseconds.
    pub behind: Millis,
}

/// The follower from which a consumer in `rack` fetches `offset`; None where the leader, in `leader_rack`, is
/// as near, or no follower in that rack has the offset. Of several, the one whose log ends last; then the one
/// that was caught up last.
pub fn select(
    rack: &str,
    leader_rack: Option<&str>,
    offset: Offset,
    replicas: &[ReplicaView],
) -> Option<BrokerId> {
    if rack.is_empty() || leader_rack == Some(rack) {
        return None;
    }
    let near = replicas
        .iter()
        .filter(|it| it.rack.as_deref() == Some(rack) && it.log_start <= offset && offset <= it.log_end);
    near.max_by_key(|it| (it.log_end, std::cmp::Reverse(it.behind), it.broker)).map(|it| it.broker)
}

#[cfg(test)]
mod tests;
