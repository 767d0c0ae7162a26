//! What each API asks an authorizer for, and what a denied request or item is answered with: as `KafkaApis`
//! 2.7.2 does it.
//!
//! The broker runs inside of the test, with an authorizer that writes down what it is asked.

mod groups;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use barnabas::base::Records;
use barnabas::broker::Plugins;
use barnabas::security::{AclAction, Authorization, AuthorizationResult, Authorizer, RequestContext};
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::Request;
use barnabas::wire::message::add_offsets_to_txn::AddOffsetsToTxnRequest;
use barnabas::wire::message::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
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
use barnabas::wire::message::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, ScramCredentialDeletion,
};
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::controlled_shutdown::ControlledShutdownRequest;
use barnabas::wire::message::create_acls::{AclCreation, CreateAclsRequest};
use barnabas::wire::message::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest};
use barnabas::wire::message::delete_acls::{DeleteAclsFilter, DeleteAclsRequest};
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;
use barnabas::wire::message::describe_acls::DescribeAclsRequest;
use barnabas::wire::message::describe_client_quotas::DescribeClientQuotasRequest;
use barnabas::wire::message::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use barnabas::wire::message::describe_log_dirs::DescribeLogDirsRequest;
use barnabas::wire::message::describe_user_scram_credentials::DescribeUserScramCredentialsRequest;
use barnabas::wire::message::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::incremental_alter_configs::{self, IncrementalAlterConfigsRequest};
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::leader_and_isr::{
    LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrTopicState,
};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use barnabas::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use barnabas::wire::message::sasl_authenticate::SaslAuthenticateRequest;
use barnabas::wire::message::sasl_handshake::SaslHandshakeRequest;
use barnabas::wire::message::stop_replica::{
    StopReplicaPartitionState, StopReplicaRequest, StopReplicaTopicState,
};
use barnabas::wire::message::update_features::UpdateFeaturesRequest;
use barnabas::wire::message::update_metadata::UpdateMetadataRequest;
use barnabas::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};
use parking_lot::Mutex;

use crate::support::{Chroot, Connection, EmbeddedBroker, eventually};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
const TOPIC_DENIED: i16 = ErrorCode::TopicAuthorizationFailed.code();
const CLUSTER_DENIED: i16 = ErrorCode::ClusterAuthorizationFailed.code();
const TRANSACTIONAL_ID_DENIED: i16 = ErrorCode::TransactionalIdAuthorizationFailed.code();
const DESCRIBE_CLUSTER: &str = "Describe Cluster kafka-cluster";

/// Which actions are denied, as the recorder writes them.
#[derive(Clone, Debug)]
enum Policy {
    Nothing,
    Everything,
    /// All whose text ends so.
    Ending(&'static [&'static str]),
}

/// An authorizer that writes down what it is asked: `Operation ResourceType name`.
#[derive(Debug)]
struct Recorder {
    /// Of which API's requests it writes and denies: the controller goes on ordering meanwhile.
    api_key: Mutex<Option<ApiKey>>,
    policy: Mutex<Policy>,
    asked: Mutex<Vec<String>>,
}

impl Authorizer for Recorder {
    fn authorize(&self, context: &RequestContext<'_>, action: &AclAction<'_>) -> AuthorizationResult {
        assert_eq!(context.principal.to_string(), "User:ANONYMOUS");
        assert!(context.address.is_loopback());
        if *self.api_key.lock() != Some(context.api_key) {
            return AuthorizationResult::Allowed;
        }
        let (resource, operation) = (action.resource, action.operation);
        let text = format!("{operation:?} {:?} {}", resource.resource_type, resource.name);
        let denied = match &*self.policy.lock() {
            Policy::Nothing => false,
            Policy::Everything => true,
            Policy::Ending(endings) => endings.iter().any(|ending| text.ends_with(ending)),
        };
        self.asked.lock().push(text);
        if denied { AuthorizationResult::Denied } else { AuthorizationResult::Allowed }
    }
}

/// A broker with the topics `mine` and `yours`, a client of it, and its authorizer.
struct Scene {
    recorder: Arc<Recorder>,
    connection: Connection,
    covered: BTreeSet<ApiKey>,
    _broker: EmbeddedBroker,
}

impl Scene {
    fn start(chroot: &Chroot) -> Self {
        let recorder = Arc::new(Recorder {
            api_key: Mutex::default(),
            policy: Mutex::new(Policy::Nothing),
            asked: Mutex::default(),
        });
        let plugins = Plugins { authorization: Authorization::by(recorder.clone()) };
        let broker = EmbeddedBroker::start(chroot, plugins);
        let mut connection = Connection::to(broker.port).unwrap();
        for topic in ["mine", "yours"] {
            eventually("the topic has a leader", LIMIT, || connection.has_leader(topic).filter(|led| *led));
        }
        Self { recorder, connection, covered: BTreeSet::new(), _broker: broker }
    }

    /// Asks under a policy; the response, and what the authorizer was asked, each once and sorted.
    fn ask<R: Request>(&mut self, policy: Policy, request: &R, version: i16) -> (R::Response, Vec<String>) {
        *self.recorder.policy.lock() = policy;
        *self.recorder.api_key.lock() = Some(R::KEY);
        self.recorder.asked.lock().clear();
        let response = self.connection.call(request, version).expect("an answer");
        self.covered.insert(R::KEY);
        let asked: BTreeSet<String> = self.recorder.asked.lock().drain(..).collect();
        (response, asked.into_iter().collect())
    }

    /// Asks where all is denied: the authorizer must have been asked for these alone.
    fn denied<R: Request>(&mut self, request: &R, version: i16, expected: &[&str]) -> R::Response {
        let (response, asked) = self.ask(Policy::Everything, request, version);
        assert_eq!(asked, expected, "{}", R::KEY.name());
        response
    }

    /// As [`Scene::denied`], where what is asked about `yours` alone is denied.
    fn in_part<R: Request>(&mut self, request: &R, version: i16, expected: &[&str]) -> R::Response {
        let (response, asked) = self.ask(Policy::Ending(&["yours"]), request, version);
        assert_eq!(asked, expected, "{}", R::KEY.name());
        response
    }

    /// As [`Scene::denied`], where all is allowed.
    fn allowed<R: Request>(&mut self, request: &R, version: i16, expected: &[&str]) -> R::Response {
        let (response, asked) = self.ask(Policy::Nothing, request, version);
        assert_eq!(asked, expected, "{}", R::KEY.name());
        response
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The name and the error of each item of a response.
fn pairs<T: Debug>(items: &[T], pair: impl Fn(&T) -> (&str, i16)) -> Vec<(String, i16)> {
    items.iter().map(pair).map(|(name, error)| (name.to_owned(), error)).collect()
}

fn expected(pairs: &[(&str, i16)]) -> Vec<(String, i16)> {
    pairs.iter().map(|(name, error)| ((*name).to_owned(), *error)).collect()
}

#[test]
fn every_api_authorizes_and_answers_denials_as_kafka_does() {
    let chroot = Chroot::new();
    let mut scene = Scene::start(&chroot);
    scene.produces_by_topic_and_by_producer();
    scene.fetches_by_topic_or_as_a_broker();
    scene.lists_offsets_by_topic();
    scene.shows_the_topics_that_may_be_seen();
    scene.takes_orders_of_brokers_only();
    scene.creates_topics_for_the_cluster_or_by_name();
    scene.hands_out_producer_ids();
    scene.changes_transactions_by_their_id();
    scene.coordinates_groups_by_their_ids();
    scene.keeps_offsets_by_group_and_topic();
    scene.shows_and_deletes_groups_by_their_ids();
    scene.describes_and_alters_configs_by_resource();
    scene.changes_the_cluster_as_a_whole();
    scene.reassigns_for_the_cluster();
    scene.changes_acls_for_the_cluster();
    scene.changes_credentials_for_the_cluster();
    scene.deletes_by_topic();
    let (response, asked) = scene.ask(Policy::Everything, &ApiVersionsRequest::default(), 0);
    assert_eq!((response.error_code, asked), (0, Vec::new()), "every caller may ask for the versions");
    let mechanism = "PLAIN".to_owned();
    let (response, asked) = scene.ask(Policy::Everything, &SaslHandshakeRequest { mechanism }, 1);
    assert_eq!((response.error_code, asked), (ErrorCode::IllegalSaslState.code(), Vec::new()));
    let (response, asked) = scene.ask(Policy::Everything, &SaslAuthenticateRequest::default(), 1);
    assert_eq!((response.error_code, asked), (ErrorCode::IllegalSaslState.code(), Vec::new()));
    let rows: BTreeSet<_> = barnabas::api::table::ROWS.iter().map(|row| row.key).collect();
    assert_eq!(scene.covered, rows, "each API is asked above");
}

/// A batch of one record, of a producer's where there is one.
fn produce(topics: &[&str], producer: Option<i64>, transactional_id: Option<&str>) -> ProduceRequest {
    let records = || {
        let mut builder = BatchBuilder::new();
        if let Some(id) = producer {
            builder = builder.producer(id, 0, 0);
        }
        if transactional_id.is_some() {
            builder = builder.transactional(true);
        }
        builder.push(barnabas::base::Clock::System.now(), None, Some(b"value"), &[]);
        Some(Records::Memory(builder.build().unwrap()))
    };
    let topics = topics.iter().map(|name| TopicProduceData {
        name: (*name).to_owned(),
        partitions: vec![PartitionProduceData { partition_index: 0, records: records() }],
    });
    let transactional_id = transactional_id.map(str::to_owned);
    ProduceRequest { acks: 1, timeout_ms: 5000, topics: topics.collect(), transactional_id }
}

impl Scene {
    fn produces_by_topic_and_by_producer(&mut self) {
        let results = |response: barnabas::wire::message::produce::ProduceResponse| {
            pairs(&response.responses, |topic| (&topic.name, topic.partitions[0].error_code))
        };
        let both = produce(&["yours", "mine"], None, None);
        let response = self.in_part(&both, 8, &["Write Topic mine", "Write Topic yours"]);
        assert_eq!(results(response), expected(&[("mine", 0), ("yours", TOPIC_DENIED)]));
        let unknown = produce(&["no-such"], None, None);
        let response = self.denied(&unknown, 8, &["Write Topic no-such"]);
        assert_eq!(
            results(response),
            expected(&[("no-such", TOPIC_DENIED)]),
            "without the fact that it is unknown"
        );
        let idempotent = produce(&["mine"], Some(7), None);
        let response = self.denied(&idempotent, 8, &["IdempotentWrite Cluster kafka-cluster"]);
        assert_eq!(results(response), expected(&[("mine", CLUSTER_DENIED)]));
        let response =
            self.allowed(&idempotent, 8, &["IdempotentWrite Cluster kafka-cluster", "Write Topic mine"]);
        assert_eq!(results(response), expected(&[("mine", 0)]));
        let transactional = produce(&["mine"], Some(7), Some("payments"));
        let response = self.denied(&transactional, 8, &["Write TransactionalId payments"]);
        assert_eq!(results(response), expected(&[("mine", TRANSACTIONAL_ID_DENIED)]));
    }

    fn fetches_by_topic_or_as_a_broker(&mut self) {
        let topics = ["yours", "mine", "no-such"].map(|topic| FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() }],
        });
        let consumer = FetchRequest { replica_id: -1, topics: topics.to_vec(), ..Default::default() };
        let results = |response: barnabas::wire::message::fetch::FetchResponse| {
            pairs(&response.responses, |topic| (&topic.topic, topic.partition_responses[0].error_code))
        };
        let asked = ["Read Topic mine", "Read Topic no-such", "Read Topic yours"];
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        let response = self.in_part(&consumer, 11, &asked);
        assert_eq!(
            results(response),
            expected(&[("mine", 0), ("no-such", unknown), ("yours", TOPIC_DENIED)])
        );
        let all = ["yours", "mine", "no-such"].map(|topic| (topic, TOPIC_DENIED));
        assert_eq!(results(self.denied(&consumer, 3, &asked)), expected(&all));
        let follower = FetchRequest { replica_id: 2, ..consumer };
        let response = self.denied(&follower, 11, &["ClusterAction Cluster kafka-cluster"]);
        assert_eq!(results(response), expected(&all));
        let response = self.allowed(&follower, 11, &["ClusterAction Cluster kafka-cluster"]);
        assert!(results(response).iter().all(|(_, error)| *error != TOPIC_DENIED));
    }

    fn lists_offsets_by_topic(&mut self) {
        let topics = ["yours", "mine"].map(|name| ListOffsetTopic {
            name: name.to_owned(),
            partitions: vec![ListOffsetPartition { timestamp: -2, ..Default::default() }],
        });
        let request = ListOffsetRequest { replica_id: -1, topics: topics.to_vec(), ..Default::default() };
        for version in [0, 5] {
            let response = self.in_part(&request, version, &["Describe Topic mine", "Describe Topic yours"]);
            let results = pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code));
            assert_eq!(results, expected(&[("mine", 0), ("yours", TOPIC_DENIED)]));
        }
        let topics = ["yours", "mine"].map(|name| OffsetForLeaderTopic {
            name: name.to_owned(),
            partitions: vec![OffsetForLeaderPartition::default()],
        });
        let request = OffsetForLeaderEpochRequest { topics: topics.to_vec(), ..Default::default() };
        let policy = Policy::Ending(&["kafka-cluster", "yours"]);
        let (response, asked) = self.ask(policy, &request, 3);
        let cluster = "ClusterAction Cluster kafka-cluster";
        assert_eq!(asked, [cluster, "Describe Topic mine", "Describe Topic yours"]);
        let results = pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code));
        assert_eq!(results, expected(&[("mine", 0), ("yours", TOPIC_DENIED)]));
        self.allowed(&request, 3, &[cluster]);
    }

    fn shows_the_topics_that_may_be_seen(&mut self) {
        let asks_for = |topics: Option<&[&str]>| MetadataRequest {
            topics: topics
                .map(|topics| names(topics).into_iter().map(|name| MetadataRequestTopic { name }).collect()),
            ..Default::default()
        };
        let results =
            |response: &MetadataResponse| pairs(&response.topics, |topic| (&topic.name, topic.error_code));
        let response = self.in_part(&asks_for(None), 9, &["Describe Topic mine", "Describe Topic yours"]);
        assert_eq!(results(&response), expected(&[("mine", 0)]));
        let named = asks_for(Some(&["yours", "mine"]));
        let response = self.in_part(&named, 9, &["Describe Topic mine", "Describe Topic yours"]);
        assert_eq!(results(&response), expected(&[("mine", 0), ("yours", TOPIC_DENIED)]));
        assert!(response.topics[1].partitions.is_empty());

        let missing = asks_for(Some(&["new-yours", "new"]));
        let (response, asked) =
            self.ask(Policy::Ending(&["kafka-cluster", "Create Topic new-yours"]), &missing, 9);
        let mut expected_asked =
            vec!["Create Cluster kafka-cluster", "Create Topic new", "Create Topic new-yours"];
        expected_asked.extend(["Describe Topic new", "Describe Topic new-yours"]);
        assert_eq!(asked, expected_asked);
        let being_made = ErrorCode::LeaderNotAvailable.code();
        assert_eq!(results(&response), expected(&[("new", being_made), ("new-yours", TOPIC_DENIED)]));

        let operations = MetadataRequest {
            include_cluster_authorized_operations: true,
            include_topic_authorized_operations: true,
            ..asks_for(Some(&["mine"]))
        };
        let (response, asked) =
            self.ask(Policy::Ending(&["Write Topic mine", "Alter Cluster kafka-cluster"]), &operations, 9);
        assert_eq!(response.topics[0].topic_authorized_operations, 0xdf8 & !(1 << 4));
        assert_eq!(response.cluster_authorized_operations, 0x1fa0 & !(1 << 7));
        assert_eq!(asked.len(), 8 + 7, "each operation of a topic and of the cluster");
        let (response, _) = self.ask(Policy::Ending(&[DESCRIBE_CLUSTER]), &operations, 9);
        assert_eq!(response.cluster_authorized_operations, 0);
    }

    fn takes_orders_of_brokers_only(&mut self) {
        let cluster = ["ClusterAction Cluster kafka-cluster"];
        let state = LeaderAndIsrPartitionState { partition_index: 3, ..Default::default() };
        let topic_states =
            vec![LeaderAndIsrTopicState { topic_name: "mine".to_owned(), partition_states: vec![state] }];
        let request = LeaderAndIsrRequest { topic_states, ..Default::default() };
        let response = self.denied(&request, 4, &cluster);
        let partition = &response.partition_errors[0];
        assert_eq!((response.error_code, partition.error_code), (CLUSTER_DENIED, CLUSTER_DENIED));
        assert_eq!((partition.topic_name.as_str(), partition.partition_index), ("mine", 3));
        let partition_states = vec![StopReplicaPartitionState { partition_index: 3, ..Default::default() }];
        let topic_states = vec![StopReplicaTopicState { topic_name: "mine".to_owned(), partition_states }];
        let request = StopReplicaRequest { topic_states, ..Default::default() };
        let response = self.denied(&request, 3, &cluster);
        let partition = &response.partition_errors[0];
        assert_eq!((response.error_code, partition.error_code), (CLUSTER_DENIED, CLUSTER_DENIED));
        let response = self.denied(&UpdateMetadataRequest::default(), 6, &cluster);
        assert_eq!(response.error_code, CLUSTER_DENIED);
        let response = self.denied(&ControlledShutdownRequest::default(), 3, &cluster);
        assert_eq!(response.error_code, CLUSTER_DENIED);
        let response = self.denied(&AlterIsrRequest::default(), 0, &cluster);
        assert_eq!(response.error_code, CLUSTER_DENIED);
        let response = self.allowed(&AlterIsrRequest::default(), 0, &cluster);
        assert_ne!(response.error_code, CLUSTER_DENIED);
        let topics = vec![WritableTxnMarkerTopic { name: "mine".to_owned(), partition_indexes: vec![3] }];
        let marker = WritableTxnMarker { producer_id: 7, topics, ..Default::default() };
        let response = self.denied(&WriteTxnMarkersRequest { markers: vec![marker] }, 0, &cluster);
        let (marker, partition) = (&response.markers[0], &response.markers[0].topics[0].partitions[0]);
        assert_eq!((marker.producer_id, partition.error_code), (7, CLUSTER_DENIED));
    }

    fn creates_topics_for_the_cluster_or_by_name(&mut self) {
        let topics = ["a-yours", "a"].map(|name| CreatableTopic {
            name: name.to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        });
        let request =
            CreateTopicsRequest { topics: topics.to_vec(), timeout_ms: 20_000, ..Default::default() };
        let policy = Policy::Ending(&["kafka-cluster", "yours", "DescribeConfigs Topic a"]);
        let (response, asked) = self.ask(policy, &request, 6);
        let mut expected_asked =
            vec!["Create Cluster kafka-cluster", "Create Topic a", "Create Topic a-yours"];
        expected_asked.extend(["DescribeConfigs Topic a", "DescribeConfigs Topic a-yours"]);
        assert_eq!(asked, expected_asked);
        let results = pairs(&response.topics, |topic| (&topic.name, topic.error_code));
        assert_eq!(results, expected(&[("a-yours", TOPIC_DENIED), ("a", 0)]));
        assert_eq!(response.topics[0].error_message.as_deref(), Some("Authorization failed."));
        assert_eq!(response.topics[1].topic_config_error_code, TOPIC_DENIED, "its configs are not shown");
        assert_eq!((response.topics[1].num_partitions, &response.topics[1].configs), (-1, &Some(Vec::new())));
        let topics = ["a-yours", "a"].map(|name| CreatePartitionsTopic {
            name: name.to_owned(),
            count: 2,
            assignments: None,
        });
        let request =
            CreatePartitionsRequest { topics: topics.to_vec(), timeout_ms: 20_000, validate_only: true };
        let response = self.in_part(&request, 3, &["Alter Topic a", "Alter Topic a-yours"]);
        let results = pairs(&response.results, |topic| (&topic.name, topic.error_code));
        assert_eq!(results, expected(&[("a", 0), ("a-yours", TOPIC_DENIED)]));
        assert_eq!(response.results[1].error_message.as_deref(), Some("The topic authorization is failed."));
    }

    fn hands_out_producer_ids(&mut self) {
        let request = InitProducerIdRequest { transactional_id: None, ..Default::default() };
        let response = self.denied(&request, 4, &["IdempotentWrite Cluster kafka-cluster"]);
        assert_eq!((response.error_code, response.producer_id), (CLUSTER_DENIED, -1));
        let request = InitProducerIdRequest { transactional_id: Some("payments".to_owned()), ..request };
        let response = self.denied(&request, 4, &["Write TransactionalId payments"]);
        assert_eq!((response.error_code, response.producer_id), (TRANSACTIONAL_ID_DENIED, -1));
    }

    fn changes_transactions_by_their_id(&mut self) {
        let topic = |name: &str| AddPartitionsToTxnTopic { name: name.to_owned(), partitions: vec![0] };
        let topics = vec![topic("mine"), topic("yours"), topic("no-such"), topic("__consumer_offsets")];
        let request = AddPartitionsToTxnRequest {
            transactional_id: "payments".to_owned(),
            producer_id: 7,
            producer_epoch: 0,
            topics,
        };
        let results =
            |response: barnabas::wire::message::add_partitions_to_txn::AddPartitionsToTxnResponse| {
                pairs(&response.results, |topic| (&topic.name, topic.results[0].error_code))
            };
        let response = self.denied(&request, 2, &["Write TransactionalId payments"]);
        let denied =
            ["__consumer_offsets", "mine", "no-such", "yours"].map(|it| (it, TRANSACTIONAL_ID_DENIED));
        assert_eq!(results(response), expected(&denied));
        let asked = [
            "Write Topic mine",
            "Write Topic no-such",
            "Write Topic yours",
            "Write TransactionalId payments",
        ];
        let response = self.in_part(&request, 2, &asked);
        let in_part = [
            ("__consumer_offsets", TOPIC_DENIED),
            ("mine", ErrorCode::OperationNotAttempted.code()),
            ("no-such", ErrorCode::UnknownTopicOrPartition.code()),
            ("yours", TOPIC_DENIED),
        ];
        assert_eq!(results(response), expected(&in_part));
        let request = AddPartitionsToTxnRequest { topics: vec![topic("mine")], ..request };
        let response = self.allowed(&request, 2, &["Write Topic mine", "Write TransactionalId payments"]);
        assert_eq!(results(response), expected(&[("mine", ErrorCode::NotCoordinator.code())]));

        let request = AddOffsetsToTxnRequest {
            transactional_id: "payments".to_owned(),
            group_id: "g".to_owned(),
            ..Default::default()
        };
        let response = self.denied(&request, 2, &["Write TransactionalId payments"]);
        assert_eq!(response.error_code, TRANSACTIONAL_ID_DENIED);
        let both = ["Read Group g", "Write TransactionalId payments"];
        let (response, asked) = self.ask(Policy::Ending(&["Group g"]), &request, 2);
        assert_eq!(response.error_code, ErrorCode::GroupAuthorizationFailed.code());
        assert_eq!(asked, both);
        let response = self.allowed(&request, 2, &both);
        assert_eq!(response.error_code, ErrorCode::NotCoordinator.code());

        let request = EndTxnRequest { transactional_id: "payments".to_owned(), ..Default::default() };
        let response = self.denied(&request, 2, &["Write TransactionalId payments"]);
        assert_eq!(response.error_code, TRANSACTIONAL_ID_DENIED);
        let response = self.allowed(&request, 2, &["Write TransactionalId payments"]);
        assert_eq!(response.error_code, ErrorCode::NotCoordinator.code());
    }

    fn describes_and_alters_configs_by_resource(&mut self) {
        const TOPIC: i8 = 2;
        const BROKER: i8 = 4;
        const BROKER_LOGGER: i8 = 8;
        let resources = [(BROKER, "1"), (BROKER_LOGGER, "1"), (TOPIC, "yours"), (TOPIC, "mine")];
        let policy = Policy::Ending(&["kafka-cluster", "yours"]);
        let denied = [("mine", 0), ("1", CLUSTER_DENIED), ("1", CLUSTER_DENIED), ("yours", TOPIC_DENIED)];
        let describe = resources.map(|(resource_type, name)| DescribeConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configuration_keys: None,
        });
        let request = DescribeConfigsRequest { resources: describe.to_vec(), ..Default::default() };
        let (response, asked) = self.ask(policy.clone(), &request, 3);
        let all = [
            "DescribeConfigs Cluster kafka-cluster",
            "DescribeConfigs Topic mine",
            "DescribeConfigs Topic yours",
        ];
        assert_eq!(asked, all);
        let results = pairs(&response.results, |it| (&it.resource_name, it.error_code));
        assert_eq!(results, expected(&denied));
        assert!(response.results[1..].iter().all(|result| result.configs.is_empty()));

        let all =
            ["AlterConfigs Cluster kafka-cluster", "AlterConfigs Topic mine", "AlterConfigs Topic yours"];
        let alter = resources.map(|(resource_type, name)| {
            incremental_alter_configs::IncrementalAlterConfigsResource {
                resource_type,
                resource_name: name.to_owned(),
                configs: Vec::new(),
            }
        });
        let request = IncrementalAlterConfigsRequest { resources: alter.to_vec(), validate_only: true };
        let (response, asked) = self.ask(policy.clone(), &request, 1);
        assert_eq!(asked, all);
        let results = pairs(&response.responses, |it| (&it.resource_name, it.error_code));
        assert_eq!(results, expected(&denied));
        assert!(response.responses[1..].iter().all(|it| it.error_message.is_none()));

        let resources = [(BROKER, "1"), (TOPIC, "yours"), (TOPIC, "mine")];
        let alter = resources.map(|(resource_type, name)| alter_configs::AlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: Vec::new(),
        });
        let request = AlterConfigsRequest { resources: alter.to_vec(), validate_only: true };
        let (response, asked) = self.ask(policy, &request, 1);
        assert_eq!(asked, all);
        let results = pairs(&response.responses, |it| (&it.resource_name, it.error_code));
        assert_eq!(results, expected(&[("mine", 0), ("1", CLUSTER_DENIED), ("yours", TOPIC_DENIED)]));
    }

    fn changes_the_cluster_as_a_whole(&mut self) {
        let alter = ["Alter Cluster kafka-cluster"];
        let topics = vec![AlterReplicaLogDirTopic { name: "mine".to_owned(), partitions: vec![0, 1] }];
        let dirs = vec![AlterReplicaLogDir { path: "/nowhere".to_owned(), topics }];
        let response = self.denied(&AlterReplicaLogDirsRequest { dirs }, 1, &alter);
        let errors: Vec<_> = response.results[0].partitions.iter().map(|it| it.error_code).collect();
        assert_eq!((response.results[0].topic_name.as_str(), errors), ("mine", vec![CLUSTER_DENIED; 2]));
        let request = DescribeLogDirsRequest { topics: None };
        assert!(self.denied(&request, 2, &[DESCRIBE_CLUSTER]).results.is_empty());
        assert!(!self.allowed(&request, 2, &[DESCRIBE_CLUSTER]).results.is_empty());
        let partitions = vec![TopicPartitions { topic: "mine".to_owned(), partition_id: vec![0] }];
        let request = ElectLeadersRequest { topic_partitions: Some(partitions), ..Default::default() };
        let response = self.denied(&request, 2, &alter);
        let partition = &response.replica_election_results[0].partition_result[0];
        assert_eq!((response.error_code, partition.error_code), (CLUSTER_DENIED, CLUSTER_DENIED));
        assert_eq!(partition.error_message, None);
        let response = self.denied(
            &DescribeClientQuotasRequest::default(),
            0,
            &["DescribeConfigs Cluster kafka-cluster"],
        );
        assert_eq!((response.error_code, response.entries), (CLUSTER_DENIED, None));
        let entity = vec![AlterClientQuotasEntityData { entity_type: "user".to_owned(), entity_name: None }];
        let entries = vec![AlterClientQuotasEntryData { entity, ops: Vec::new() }];
        let request = AlterClientQuotasRequest { entries, validate_only: true };
        let response = self.denied(&request, 0, &["AlterConfigs Cluster kafka-cluster"]);
        assert_eq!(response.entries[0].error_code, CLUSTER_DENIED);
        let response = self.allowed(&request, 0, &["AlterConfigs Cluster kafka-cluster"]);
        assert_eq!(response.entries[0].error_code, 0);
        let response = self.denied(&UpdateFeaturesRequest::default(), 0, &alter);
        let message = response.error_message.as_deref();
        assert_eq!((response.error_code, message), (CLUSTER_DENIED, Some("Cluster authorization failed.")));
        assert_eq!(self.allowed(&UpdateFeaturesRequest::default(), 0, &alter).error_code, 0);
    }

    fn reassigns_for_the_cluster(&mut self) {
        let partitions = vec![ReassignablePartition { partition_index: 0, replicas: Some(vec![1]) }];
        let topics = vec![ReassignableTopic { name: "mine".to_owned(), partitions }];
        let request = AlterPartitionReassignmentsRequest { topics, ..Default::default() };
        let response = self.denied(&request, 0, &["Alter Cluster kafka-cluster"]);
        let partition = &response.responses[0].partitions[0];
        assert_eq!((response.error_code, partition.error_code), (CLUSTER_DENIED, CLUSTER_DENIED));
        assert!(partition.error_message.as_deref().unwrap().contains("is not authorized"));
        let topics = Some(vec![ListPartitionReassignmentsTopics {
            name: "mine".to_owned(),
            partition_indexes: vec![0],
        }]);
        let request = ListPartitionReassignmentsRequest { topics, ..Default::default() };
        let response = self.denied(&request, 0, &[DESCRIBE_CLUSTER]);
        assert_eq!((response.error_code, response.topics[0].name.as_str()), (CLUSTER_DENIED, "mine"));
        assert_eq!(self.allowed(&request, 0, &[DESCRIBE_CLUSTER]).error_code, 0);
    }

    fn changes_acls_for_the_cluster(&mut self) {
        let alter = ["Alter Cluster kafka-cluster"];
        assert_eq!(
            self.denied(&DescribeAclsRequest::default(), 2, &[DESCRIBE_CLUSTER]).error_code,
            CLUSTER_DENIED
        );
        let create =
            CreateAclsRequest { creations: vec![AclCreation { resource_type: 2, ..Default::default() }] };
        assert_eq!(self.denied(&create, 2, &alter).results[0].error_code, CLUSTER_DENIED);
        let delete = DeleteAclsRequest { filters: vec![DeleteAclsFilter::default()] };
        assert_eq!(self.denied(&delete, 2, &alter).filter_results[0].error_code, CLUSTER_DENIED);
    }

    fn changes_credentials_for_the_cluster(&mut self) {
        let describe = DescribeUserScramCredentialsRequest::default();
        assert_eq!(self.denied(&describe, 0, &[DESCRIBE_CLUSTER]).error_code, CLUSTER_DENIED);
        let deletions = vec![ScramCredentialDeletion { name: "u".to_owned(), mechanism: 1 }];
        let alter = AlterUserScramCredentialsRequest { deletions, ..Default::default() };
        let denied = self.denied(&alter, 0, &["Alter Cluster kafka-cluster"]);
        assert_eq!(
            pairs(&denied.results, |it| (&it.user, it.error_code)),
            expected(&[("u", CLUSTER_DENIED)])
        );
    }

    fn deletes_by_topic(&mut self) {
        let asked = ["Delete Topic mine", "Delete Topic no-such", "Delete Topic yours"];
        let topics = ["yours", "mine", "no-such"].map(|name| DeleteRecordsTopic {
            name: name.to_owned(),
            partitions: vec![DeleteRecordsPartition { partition_index: 0, offset: 0 }],
        });
        let request = DeleteRecordsRequest { topics: topics.to_vec(), timeout_ms: 5000 };
        let response = self.in_part(&request, 2, &asked);
        let mut results = pairs(&response.topics, |topic| (&topic.name, topic.partitions[0].error_code));
        results.sort();
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert_eq!(results, expected(&[("mine", 0), ("no-such", unknown), ("yours", TOPIC_DENIED)]));
        let request =
            DeleteTopicsRequest { topic_names: names(&["yours", "mine", "no-such"]), timeout_ms: 20_000 };
        let response = self.in_part(&request, 5, &asked);
        let results = pairs(&response.responses, |topic| (&topic.name, topic.error_code));
        assert_eq!(results, expected(&[("yours", TOPIC_DENIED), ("mine", 0), ("no-such", unknown)]));
        let all = ["yours", "mine", "no-such"].map(|topic| (topic, TOPIC_DENIED));
        let response = self.denied(&request, 5, &asked);
        let results = pairs(&response.responses, |topic| (&topic.name, topic.error_code));
        assert_eq!(results, expected(&all), "the answer does not show whether a topic exists");
    }
}
