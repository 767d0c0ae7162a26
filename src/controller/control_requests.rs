//! The controller's requests as wire messages, and the content of the brokers' answers. Pure.
//!
//! The only file of this room that knows the layouts of LeaderAndIsr, UpdateMetadata and StopReplica, which differ by
//! version. Kafka: `LeaderAndIsrRequest.Builder` and its neighbours, `ControllerBrokerRequestBatch`.

use super::event::{ControlResponse, PartitionErrors};
use super::outbox::{ControlRequest, LeaderAndIsrRow, MetadataRow, StopReplicaRow};
use crate::base::ids::by_topic;
use crate::base::{Broker, BrokerId, TopicPartition};
use crate::config::RequestVersions;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leader_and_isr::{
    LeaderAndIsrLiveLeader, LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrResponse,
    LeaderAndIsrTopicState,
};
use crate::wire::message::stop_replica::{
    StopReplicaPartitionState, StopReplicaPartitionV0, StopReplicaRequest, StopReplicaResponse,
    StopReplicaTopicState, StopReplicaTopicV1,
};
use crate::wire::message::update_metadata::{
    UpdateMetadataBroker, UpdateMetadataEndpoint, UpdateMetadataPartitionState, UpdateMetadataRequest,
    UpdateMetadataResponse, UpdateMetadataTopicState,
};

/// What the form of the requests depends on.
#[derive(Clone, Debug)]
pub(super) struct Encoding {
    /// The controller's broker id.
    pub controller: BrokerId,
    /// The listener between brokers.
    pub listener: String,
    /// The versions of the requests.
    pub versions: RequestVersions,
}

/// A StopReplica in wire form.
pub(super) struct WireStopReplica {
    /// The request.
    pub request: StopReplicaRequest,
    /// The partitions whose logs it deletes.
    pub deletes: Vec<TopicPartition>,
}

impl Encoding {
    /// LeaderAndIsr. Versions 0 and 1 do not group partitions by topic.
    pub fn leader_and_isr(
        &self,
        request: &ControlRequest,
        rows: &[LeaderAndIsrRow],
        leaders: &[Broker],
    ) -> LeaderAndIsrRequest {
        let grouped = self.versions.leader_and_isr >= 2;
        let state = |row: &LeaderAndIsrRow| LeaderAndIsrPartitionState {
            topic_name: if grouped { String::new() } else { row.partition.topic.to_string() },
            partition_index: row.partition.partition,
            controller_epoch: row.leadership.controller_epoch,
            leader: row.leadership.leader_and_isr.leader,
            leader_epoch: row.leadership.leader_and_isr.leader_epoch,
            isr: row.leadership.leader_and_isr.isr.clone(),
            zk_version: row.leadership.leader_and_isr.zk_version,
            replicas: row.assignment.replicas.clone(),
            adding_replicas: row.assignment.adding.clone(),
            removing_replicas: row.assignment.removing.clone(),
            is_new: row.is_new,
        };
        let live_leaders = leaders.iter().filter_map(|broker| {
            let endpoint = broker.endpoint(&self.listener)?;
            Some(LeaderAndIsrLiveLeader {
                broker_id: broker.id,
                host_name: endpoint.host.clone(),
                port: endpoint.port,
            })
        });
        let mut wire = LeaderAndIsrRequest {
            controller_id: self.controller,
            controller_epoch: request.controller_epoch,
            broker_epoch: request.broker_epoch,
            live_leaders: live_leaders.collect(),
            ..Default::default()
        };
        if grouped {
            let topics = by_topic(rows.iter().map(|row| (&row.partition, state(row))));
            wire.topic_states = topics
                .map(|(topic, partition_states)| LeaderAndIsrTopicState {
                    topic_name: topic.to_string(),
                    partition_states,
                })
                .collect();
        } else {
            wire.ungrouped_partition_states = rows.iter().map(state).collect();
        }
        wire
    }

    /// UpdateMetadata. Versions up to 4 do not group partitions by topic.
    pub fn update_metadata(
        &self,
        request: &ControlRequest,
        rows: &[MetadataRow],
        brokers: &[Broker],
    ) -> UpdateMetadataRequest {
        let grouped = self.versions.update_metadata >= 5;
        let state = |row: &MetadataRow| UpdateMetadataPartitionState {
            topic_name: if grouped { String::new() } else { row.partition.topic.to_string() },
            partition_index: row.partition.partition,
            controller_epoch: row.leadership.controller_epoch,
            leader: row.leadership.leader_and_isr.leader,
            leader_epoch: row.leadership.leader_and_isr.leader_epoch,
            isr: row.leadership.leader_and_isr.isr.clone(),
            zk_version: row.leadership.leader_and_isr.zk_version,
            replicas: row.replicas.clone(),
            offline_replicas: row.offline.clone(),
        };
        let mut wire = UpdateMetadataRequest {
            controller_id: self.controller,
            controller_epoch: request.controller_epoch,
            broker_epoch: request.broker_epoch,
            live_brokers: brokers.iter().map(|broker| self.live_broker(broker)).collect(),
            ..Default::default()
        };
        if grouped {
            let topics = by_topic(rows.iter().map(|row| (&row.partition, state(row))));
            wire.topic_states = topics
                .map(|(topic, partition_states)| UpdateMetadataTopicState {
                    topic_name: topic.to_string(),
                    partition_states,
                })
                .collect();
        } else {
            wire.ungrouped_partition_states = rows.iter().map(state).collect();
        }
        wire
    }

    /// A live broker in UpdateMetadata. Version 0 has only one endpoint.
    fn live_broker(&self, broker: &Broker) -> UpdateMetadataBroker {
        let only = broker.endpoint(&self.listener).filter(|_| self.versions.update_metadata == 0);
        let endpoints = broker.endpoints.iter().map(|endpoint| UpdateMetadataEndpoint {
            port: endpoint.port,
            host: endpoint.host.clone(),
            listener: endpoint.listener.clone(),
            security_protocol: endpoint.protocol.id(),
        });
        UpdateMetadataBroker {
            id: broker.id,
            v0_host: only.map_or_else(String::new, |endpoint| endpoint.host.clone()),
            v0_port: only.map_or(0, |endpoint| endpoint.port),
            endpoints: if self.versions.update_metadata == 0 { Vec::new() } else { endpoints.collect() },
            rack: broker.rack.clone(),
        }
    }

    /// The StopReplica requests for these rows. Before version 3, a request deletes all of its partitions or none.
    pub fn stop_replica(&self, request: &ControlRequest, rows: &[StopReplicaRow]) -> Vec<WireStopReplica> {
        let head = |delete_partitions: bool| StopReplicaRequest {
            controller_id: self.controller,
            controller_epoch: request.controller_epoch,
            broker_epoch: request.broker_epoch,
            delete_partitions,
            ..Default::default()
        };
        let deletes: Vec<_> = rows.iter().filter(|row| row.delete).map(|row| row.partition.clone()).collect();
        if self.versions.stop_replica >= 3 {
            let state = |row: &StopReplicaRow| StopReplicaPartitionState {
                partition_index: row.partition.partition,
                leader_epoch: row.leader_epoch,
                delete_partition: row.delete,
            };
            let topics = by_topic(rows.iter().map(|row| (&row.partition, state(row))));
            let topic_states = topics.map(|(topic, partition_states)| StopReplicaTopicState {
                topic_name: topic.to_string(),
                partition_states,
            });
            let request = StopReplicaRequest { topic_states: topic_states.collect(), ..head(false) };
            return vec![WireStopReplica { request, deletes }];
        }
        let mut requests = Vec::new();
        for delete in [false, true] {
            let partitions: Vec<_> =
                rows.iter().filter(|row| row.delete == delete).map(|row| &row.partition).collect();
            if partitions.is_empty() {
                continue;
            }
            let mut request = head(delete);
            if self.versions.stop_replica == 0 {
                let partitions = partitions.into_iter().map(|partition| StopReplicaPartitionV0 {
                    topic_name: partition.topic.to_string(),
                    partition_index: partition.partition,
                });
                request.ungrouped_partitions = partitions.collect();
            } else {
                let topics =
                    by_topic(partitions.into_iter().map(|partition| (partition, partition.partition)));
                let topics = topics.map(|(topic, partition_indexes)| StopReplicaTopicV1 {
                    name: topic.to_string(),
                    partition_indexes,
                });
                request.topics = topics.collect();
            }
            let deletes = if delete { deletes.clone() } else { Vec::new() };
            requests.push(WireStopReplica { request, deletes });
        }
        requests
    }
}

impl ControlResponse {
    /// A broker's answer to LeaderAndIsr.
    pub(super) fn of_leader_and_isr(broker: BrokerId, answer: LeaderAndIsrResponse) -> Self {
        let errors = answer.partition_errors.into_iter();
        let partitions: PartitionErrors =
            errors.map(|it| partition_error(it.topic_name, it.partition_index, it.error_code)).collect();
        Self::LeaderAndIsr { broker, error: ErrorCode::from_code(answer.error_code), partitions }
    }

    /// A broker's answer to UpdateMetadata.
    pub(super) fn of_update_metadata(broker: BrokerId, answer: &UpdateMetadataResponse) -> Self {
        Self::UpdateMetadata { broker, error: ErrorCode::from_code(answer.error_code) }
    }

    /// A broker's answer to StopReplica, restricted to the partitions whose logs were to be deleted.
    pub(super) fn of_stop_replica(
        broker: BrokerId,
        answer: StopReplicaResponse,
        deletes: &[TopicPartition],
    ) -> Self {
        let errors = answer.partition_errors.into_iter();
        let partitions = errors
            .map(|it| partition_error(it.topic_name, it.partition_index, it.error_code))
            .filter(|(partition, _)| deletes.contains(partition));
        let error = ErrorCode::from_code(answer.error_code);
        Self::StopReplica { broker, error, partitions: partitions.collect() }
    }
}

fn partition_error(topic: String, partition: i32, code: i16) -> (TopicPartition, ErrorCode) {
    (TopicPartition::new(topic, partition), ErrorCode::from_code(code))
}
