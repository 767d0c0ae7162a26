//! The keys of a broker that exist only below `/config/brokers`: how fast throttled replicas may move
//! (`DynamicConfig.Broker`).
//!
//! Pure.

use super::rows::config;

config! {
    /// How fast replication that is throttled may go, in bytes a second (KIP-73).
    Throttles;

    /// The most that this broker fetches for the throttled replicas it follows with, in bytes a second.
    follower_replication_throttled_rate: i64 = "follower.replication.throttled.rate",
        default: "9223372036854775807", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// The most that this broker sends to followers for the throttled replicas it leads with, in bytes a second.
    leader_replication_throttled_rate: i64 = "leader.replication.throttled.rate",
        default: "9223372036854775807", at_least: 0, importance: Medium, dynamic: ClusterWide;
    /// The most that is copied between the log directories of this broker, in bytes a second.
    replica_alter_log_dirs_io_max_bytes_per_second: i64 = "replica.alter.log.dirs.io.max.bytes.per.second",
        default: "9223372036854775807", at_least: 0, importance: Medium, dynamic: ClusterWide;
}
