//! UpdateMetadata: the controller sends brokers the content of Metadata's answers.
//!
//! v1 several endpoints · v2 racks · v3 listener names · v4 offline replicas · v5 broker epoch, grouped by
//! topic.

use crate::wire::message::table::message;

message! {
    UpdateMetadata, versions 0-6, flexible 6+;

    /// Partitions and live brokers to be known of.
    request UpdateMetadataRequest -> UpdateMetadataResponse {
        /// The controller's broker id; -1 where there is none.
        controller_id: i32 [0+],
        /// The controller's epoch.
        controller_epoch: i32 [0+],
        /// The receiver's broker epoch as the sender knows it (KIP-380); -1 for unknown.
        broker_epoch: i64 [5+, ignorable] = -1,
        /// The partitions, each with its topic.
        ungrouped_partition_states: Vec<UpdateMetadataPartitionState> [0-4],
        /// The topics.
        topic_states: Vec<UpdateMetadataTopicState> [5+],
        /// The live brokers.
        live_brokers: Vec<UpdateMetadataBroker> [0+],
    }

    /// A topic and its partitions.
    struct UpdateMetadataTopicState {
        /// The topic's name.
        topic_name: String [5+],
        /// The partitions.
        partition_states: Vec<UpdateMetadataPartitionState> [5+],
    }

    /// A live broker.
    struct UpdateMetadataBroker {
        /// The broker's id.
        id: i32 [0+],
        /// Its host, where it has one endpoint only.
        v0_host: String [0-0, ignorable],
        /// Its port, where it has one endpoint only.
        v0_port: i32 [0-0, ignorable],
        /// Where it can be reached.
        endpoints: Vec<UpdateMetadataEndpoint> [1+, ignorable],
        /// The broker's rack, if it has one.
        rack: Option<String> [2+, nullable 0+, ignorable],
    }

    /// Where a broker can be reached.
    struct UpdateMetadataEndpoint {
        /// Its port.
        port: i32 [1+],
        /// A host name or address.
        host: String [1+],
        /// The listener's name.
        listener: String [3+, ignorable],
        /// How the listener is secured, as Kafka numbers its `SecurityProtocol`.
        security_protocol: i16 [1+],
    }

    /// The leader, ISR and replicas of a partition.
    struct UpdateMetadataPartitionState {
        /// The topic's name.
        topic_name: String [0-4, ignorable],
        /// The partition's number.
        partition_index: i32 [0+],
        /// The controller's epoch.
        controller_epoch: i32 [0+],
        /// The leader; -1 for none.
        leader: i32 [0+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [0+],
        /// The replicas in sync.
        isr: Vec<i32> [0+],
        /// The version of the partition's state znode.
        zk_version: i32 [0+],
        /// All replicas, the preferred leader first.
        replicas: Vec<i32> [0+],
        /// Replicas that are not alive.
        offline_replicas: Vec<i32> [4+, ignorable],
    }

    /// Whether it was taken.
    response UpdateMetadataResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
