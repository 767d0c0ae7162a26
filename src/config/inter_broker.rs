//! The versions of the requests that brokers send each other, as `inter.broker.protocol.version` has them. Pure.
//!
//! Kafka: the versions in `ControllerChannelManager`, `KafkaServer.doControlledShutdown` and `ReplicaFetcherThread`.

use super::version::KafkaVersion;

/// The version of each request between brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestVersions {
    /// AlterIsr; None where leaders write their in-sync replicas to ZooKeeper instead (before 2.7-IV2, KIP-497).
    pub alter_isr: Option<i16>,
    /// ControlledShutdown.
    pub controlled_shutdown: i16,
    /// Fetch, by a follower.
    pub fetch: i16,
    /// LeaderAndIsr.
    pub leader_and_isr: i16,
    /// ListOffsets, by a follower.
    pub list_offsets: i16,
    /// OffsetForLeaderEpoch, by a follower.
    pub offset_for_leader_epoch: i16,
    /// StopReplica.
    pub stop_replica: i16,
    /// UpdateMetadata.
    pub update_metadata: i16,
}

impl RequestVersions {
    /// The versions that this protocol version calls for.
    pub fn of(protocol: &KafkaVersion) -> Self {
        // The steps stand newest first; below the last one a request has version 0.
        let newest = |steps: &[(KafkaVersion, i16)]| {
            steps.iter().find(|(from, _)| protocol >= from).map_or(0, |(_, version)| *version)
        };
        Self {
            alter_isr: protocol.at_least(KafkaVersion::V2_7_IV2).then_some(0),
            controlled_shutdown: newest(&[
                (KafkaVersion::V2_4_IV1, 3),
                (KafkaVersion::V2_2_IV0, 2),
                (KafkaVersion::V0_9_0, 1),
            ]),
            fetch: newest(&[
                (KafkaVersion::V2_7_IV1, 12),
                (KafkaVersion::V2_3_IV1, 11),
                (KafkaVersion::V2_1_IV2, 10),
                (KafkaVersion::V2_0_IV1, 8),
                (KafkaVersion::V1_1_IV0, 7),
                (KafkaVersion::V0_11_0_IV1, 5),
                (KafkaVersion::V0_11_0_IV0, 4),
                (KafkaVersion::V0_10_1_IV1, 3),
                (KafkaVersion::V0_10_0_IV0, 2),
                (KafkaVersion::V0_9_0, 1),
            ]),
            leader_and_isr: newest(&[
                (KafkaVersion::V2_4_IV1, 4),
                (KafkaVersion::V2_4_IV0, 3),
                (KafkaVersion::V2_2_IV0, 2),
                (KafkaVersion::V1_0_IV0, 1),
            ]),
            list_offsets: newest(&[
                (KafkaVersion::V2_2_IV1, 5),
                (KafkaVersion::V2_1_IV1, 4),
                (KafkaVersion::V2_0_IV1, 3),
                (KafkaVersion::V0_11_0_IV0, 2),
                (KafkaVersion::V0_10_1_IV2, 1),
            ]),
            offset_for_leader_epoch: newest(&[
                (KafkaVersion::V2_3_IV1, 3),
                (KafkaVersion::V2_1_IV1, 2),
                (KafkaVersion::V2_0_IV0, 1),
            ]),
            stop_replica: newest(&[
                (KafkaVersion::V2_6_IV0, 3),
                (KafkaVersion::V2_4_IV1, 2),
                (KafkaVersion::V2_2_IV0, 1),
            ]),
            update_metadata: newest(&[
                (KafkaVersion::V2_4_IV1, 6),
                (KafkaVersion::V2_2_IV0, 5),
                (KafkaVersion::V1_0_IV0, 4),
                (KafkaVersion::V0_10_2_IV0, 3),
                (KafkaVersion::V0_10_0_IV1, 2),
                (KafkaVersion::V0_9_0, 1),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (Fetch, OffsetForLeaderEpoch, ListOffsets)
    fn of_followers(protocol: &str) -> (i16, i16, i16) {
        let of = RequestVersions::of(&KafkaVersion::parse(protocol).unwrap());
        (of.fetch, of.offset_for_leader_epoch, of.list_offsets)
    }

    #[test]
    fn every_protocol_version_has_its_requests_of_followers() {
        let table = [
            ("0.10.0", (2, 0, 0)),
            ("0.11.0", (5, 0, 2)),
            ("1.0", (5, 0, 2)),
            ("1.1", (7, 0, 2)),
            ("2.0-IV0", (7, 1, 2)),
            ("2.0", (8, 1, 3)),
            ("2.1", (10, 2, 4)),
            ("2.2", (10, 2, 5)),
            ("2.3", (11, 3, 5)),
            ("2.4", (11, 3, 5)),
            ("2.5", (11, 3, 5)),
            ("2.6", (11, 3, 5)),
            ("2.7-IV0", (11, 3, 5)),
            ("2.7", (12, 3, 5)),
        ];
        for (protocol, expected) in table {
            assert_eq!(of_followers(protocol), expected, "{protocol}");
        }
    }

    /// (LeaderAndIsr, UpdateMetadata, StopReplica, ControlledShutdown, AlterIsr)
    fn of_controllers(protocol: &str) -> (i16, i16, i16, i16, Option<i16>) {
        let of = RequestVersions::of(&KafkaVersion::parse(protocol).unwrap());
        let RequestVersions { leader_and_isr, update_metadata, stop_replica, .. } = of;
        (leader_and_isr, update_metadata, stop_replica, of.controlled_shutdown, of.alter_isr)
    }

    #[test]
    fn every_protocol_version_has_its_requests_of_controllers() {
        let table = [
            ("0.8.2", (0, 0, 0, 0, None)),
            ("0.9.0", (0, 1, 0, 1, None)),
            ("0.10.0", (0, 2, 0, 1, None)),
            ("0.10.2", (0, 3, 0, 1, None)),
            ("1.0", (1, 4, 0, 1, None)),
            ("2.2", (2, 5, 1, 2, None)),
            ("2.4-IV0", (3, 5, 1, 2, None)),
            ("2.4", (4, 6, 2, 3, None)),
            ("2.6", (4, 6, 3, 3, None)),
            ("2.7-IV1", (4, 6, 3, 3, None)),
            ("2.7", (4, 6, 3, 3, Some(0))),
        ];
        for (protocol, expected) in table {
            assert_eq!(of_controllers(protocol), expected, "{protocol}");
        }
    }
}
