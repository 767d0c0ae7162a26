//! The APIs of brokers among themselves, and of administrators.

use barnabas::wire::message::alter_client_quotas::{
    AlterClientQuotasEntityData, AlterClientQuotasEntryData, AlterClientQuotasRequest,
};
use barnabas::wire::message::alter_configs::{self, AlterConfigsRequest};
use barnabas::wire::message::alter_isr::AlterIsrRequest;
use barnabas::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use barnabas::wire::message::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::controlled_shutdown::ControlledShutdownRequest;
use barnabas::wire::message::create_acls::CreateAclsRequest;
use barnabas::wire::message::delete_acls::{DeleteAclsFilter, DeleteAclsRequest};
use barnabas::wire::message::describe_acls::DescribeAclsRequest;
use barnabas::wire::message::describe_client_quotas::DescribeClientQuotasRequest;
use barnabas::wire::message::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use barnabas::wire::message::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use barnabas::wire::message::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use barnabas::wire::message::incremental_alter_configs::{self, IncrementalAlterConfigsRequest};
use barnabas::wire::message::leader_and_isr::{
    LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrTopicState,
};
use barnabas::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};
use barnabas::wire::message::stop_replica::{
    StopReplicaPartitionState, StopReplicaPartitionV0, StopReplicaRequest, StopReplicaTopicState,
    StopReplicaTopicV1,
};
use barnabas::wire::message::update_features::{FeatureUpdateKey, UpdateFeaturesRequest};
use barnabas::wire::message::update_metadata::UpdateMetadataRequest;
use barnabas::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};

use super::{ADMIN, Caller, acl};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
/// What configs are asked of; the name of a broker is its id.
const RESOURCES: [(i8, &str); 4] = [(BROKER, "1"), (TOPIC, "yours"), (BROKER_LOGGER, "1"), (TOPIC, "mine")];

impl Caller {
    /// What only brokers may send; the controller epoch is an old one.
    pub fn orders_as_a_broker(&mut self) {
        let state = LeaderAndIsrPartitionState { topic_name: "mine".to_owned(), ..Default::default() };
        let topic_states = vec![LeaderAndIsrTopicState {
            topic_name: "mine".to_owned(),
            partition_states: vec![state.clone()],
        }];
        self.ask("by topic", &LeaderAndIsrRequest { topic_states, ..Default::default() });
        let ungrouped_partition_states = vec![state];
        self.ask("one by one", &LeaderAndIsrRequest { ungrouped_partition_states, ..Default::default() });

        let mine = || "mine".to_owned();
        let partition_states = vec![StopReplicaPartitionState::default()];
        let topic_states = vec![StopReplicaTopicState { topic_name: mine(), partition_states }];
        self.ask("by topic", &StopReplicaRequest { topic_states, ..Default::default() });
        let topics = vec![StopReplicaTopicV1 { name: mine(), partition_indexes: vec![0] }];
        self.ask("by topic, before", &StopReplicaRequest { topics, ..Default::default() });
        let ungrouped_partitions = vec![StopReplicaPartitionV0 { topic_name: mine(), partition_index: 0 }];
        self.ask("one by one", &StopReplicaRequest { ungrouped_partitions, ..Default::default() });

        self.ask("nothing", &UpdateMetadataRequest::default());
        self.ask("an unknown broker", &ControlledShutdownRequest { broker_id: 7, ..Default::default() });
        self.ask("an unknown broker", &AlterIsrRequest { broker_id: 7, ..Default::default() });
        let topics = vec![WritableTxnMarkerTopic { name: "no-such".to_owned(), partition_indexes: vec![3] }];
        let marker = WritableTxnMarker { producer_id: 7, topics, ..Default::default() };
        self.ask("an unknown topic", &WriteTxnMarkersRequest { markers: vec![marker] });
    }

    pub fn describes_configs_and_quotas(&mut self) {
        let resources = RESOURCES.map(|(resource_type, name)| DescribeConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configuration_keys: Some(["cleanup.policy", "log.cleanup.policy"].map(str::to_owned).to_vec()),
        });
        self.ask("configs", &DescribeConfigsRequest { resources: resources.to_vec(), ..Default::default() });
        self.ask("quotas", &DescribeClientQuotasRequest::default());
    }

    pub fn changes_configs_and_quotas(&mut self) {
        let resources = [(BROKER, "1"), (TOPIC, "yours"), (TOPIC, "mine")];
        let resources = resources.map(|(resource_type, name)| alter_configs::AlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: Vec::new(),
        });
        let request = AlterConfigsRequest { resources: resources.to_vec(), validate_only: true };
        self.ask_sorted("configs", &request, |it| {
            it.responses.sort_by(|a, b| a.resource_name.cmp(&b.resource_name));
        });
        let resources = RESOURCES.map(|(resource_type, name)| {
            incremental_alter_configs::IncrementalAlterConfigsResource {
                resource_type,
                resource_name: name.to_owned(),
                configs: Vec::new(),
            }
        });
        let request = IncrementalAlterConfigsRequest { resources: resources.to_vec(), validate_only: true };
        self.ask_sorted("configs", &request, |it| {
            let key = |it: &incremental_alter_configs::IncrementalAlterConfigsResourceResponse| {
                (it.resource_type, it.resource_name.clone())
            };
            it.responses.sort_by_key(key);
        });
        let entity = AlterClientQuotasEntityData { entity_type: "user".to_owned(), entity_name: None };
        let entries = vec![AlterClientQuotasEntryData { entity: vec![entity], ops: Vec::new() }];
        self.ask("quotas", &AlterClientQuotasRequest { entries, validate_only: true });
    }

    pub fn administers_the_cluster(&mut self) {
        self.ask_sorted("versions", &ApiVersionsRequest::default(), |it| it.api_keys.clear());
        let mine = || "mine".to_owned();
        let topics = vec![AlterReplicaLogDirTopic { name: mine(), partitions: vec![0, 1] }];
        let dirs = vec![AlterReplicaLogDir { path: "/nowhere".to_owned(), topics }];
        self.ask_sorted("an unknown directory", &AlterReplicaLogDirsRequest { dirs }, |it| {
            it.results.iter_mut().for_each(|it| it.partitions.sort_by_key(|it| it.partition_index));
        });
        let topics = vec![DescribableLogDirTopic { topic: "no-such".to_owned(), partition_index: vec![0] }];
        self.ask_sorted("an unknown topic", &DescribeLogDirsRequest { topics: Some(topics) }, |it| {
            for dir in &mut it.results {
                dir.log_dir = "a directory".to_owned();
                dir.topics.sort_by(|a, b| a.name.cmp(&b.name));
            }
        });
        let topic_partitions = Some(vec![TopicPartitions { topic: mine(), partition_id: vec![0] }]);
        self.ask(
            "leaders",
            &ElectLeadersRequest { topic_partitions, timeout_ms: 30_000, ..Default::default() },
        );
        self.ask(
            "all leaders",
            &ElectLeadersRequest { timeout_ms: 30_000, topic_partitions: None, ..Default::default() },
        );
        let partitions = vec![ReassignablePartition { partition_index: 0, replicas: None }];
        let topics = vec![ReassignableTopic { name: mine(), partitions }];
        self.ask("a reassignment", &AlterPartitionReassignmentsRequest { topics, ..Default::default() });
        let topics = vec![ListPartitionReassignmentsTopics { name: mine(), partition_indexes: vec![0] }];
        for topics in [None, Some(topics)] {
            self.ask("reassignments", &ListPartitionReassignmentsRequest { topics, ..Default::default() });
        }
        let feature =
            FeatureUpdateKey { feature: "none".to_owned(), max_version_level: 1, allow_downgrade: false };
        self.ask("a feature", &UpdateFeaturesRequest { feature_updates: vec![feature], timeout_ms: 30_000 });
    }

    pub fn administers_acls(&mut self) {
        self.ask("an ACL", &CreateAclsRequest { creations: vec![acl(ADMIN, 2, "secret", 3)] });
        let describe = DescribeAclsRequest {
            resource_type_filter: 2,
            resource_name_filter: Some("secret".to_owned()),
            principal_filter: None,
            host_filter: None,
            operation: 1,
            permission_type: 1,
            ..Default::default()
        };
        self.ask("ACLs", &describe);
        let filter = DeleteAclsFilter {
            resource_type_filter: 2,
            resource_name_filter: Some("secret".to_owned()),
            principal_filter: None,
            host_filter: None,
            operation: 1,
            permission_type: 1,
            ..Default::default()
        };
        self.ask("ACLs", &DeleteAclsRequest { filters: vec![filter] });
    }
}
