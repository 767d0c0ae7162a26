//! UpdateMetadata, v0-6. The controller describes the live brokers and the leaders.
//!
//! v1 endpoints · v2 rack · v3 listener names · v4 offline replicas · v5 broker epoch, topics · v6 flexible.
//! Kafka: `KafkaApis.handleUpdateMetadataRequest`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::Exchange;
use crate::base::{Broker, Endpoint, LeaderAndIsr, SecurityProtocol, TopicPartition};
use crate::metadata::{MetadataUpdate, PartitionMetadata, PartitionUpdate};
use crate::replica::controller_epoch::RequestEpochs;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::update_metadata::{
    UpdateMetadataBroker, UpdateMetadataPartitionState, UpdateMetadataRequest, UpdateMetadataResponse,
};

/// Applies the update, and has groups forget the offsets of deleted partitions, unless a replaced controller
/// sent it or it is meant for an earlier session of this broker.
pub async fn handle(exchange: &Exchange, request: UpdateMetadataRequest) -> UpdateMetadataResponse {
    let epochs = RequestEpochs { controller: request.controller_epoch, broker: request.broker_epoch };
    let own_epoch = super::own_epoch(exchange);
    let update = decoded(request);
    let deleted = deleted(&update);
    let applied = exchange.services.replicas.role_changes().update_metadata(epochs, own_epoch, update);
    if applied.is_ok() && !deleted.is_empty() {
        exchange.services.groups.partitions_deleted(deleted).await;
    }
    UpdateMetadataResponse { error_code: applied.err().unwrap_or(ErrorCode::None).code() }
}

/// The partitions that are being deleted.
fn deleted(update: &MetadataUpdate) -> Vec<TopicPartition> {
    let deleted = update.partitions.iter().filter(|(_, state)| *state == PartitionUpdate::Deleted);
    deleted.map(|(id, _)| id.clone()).collect()
}

/// The content of a request of any version.
fn decoded(request: UpdateMetadataRequest) -> MetadataUpdate {
    let mut partitions = Vec::new();
    let mut add = |topic: Arc<str>, state: UpdateMetadataPartitionState| {
        partitions.push((TopicPartition::new(topic, state.partition_index), partition(state)));
    };
    for mut state in request.ungrouped_partition_states {
        let topic = std::mem::take(&mut state.topic_name);
        add(topic.into(), state);
    }
    for topic in request.topic_states {
        let name: Arc<str> = topic.topic_name.into();
        topic.partition_states.into_iter().for_each(|state| add(name.clone(), state));
    }
    MetadataUpdate {
        controller: Some(request.controller_id).filter(|id| *id >= 0),
        live_brokers: request.live_brokers.into_iter().map(broker).collect(),
        partitions,
    }
}

fn partition(state: UpdateMetadataPartitionState) -> PartitionUpdate {
    if state.leader == LeaderAndIsr::LEADER_DURING_DELETE {
        return PartitionUpdate::Deleted;
    }
    PartitionUpdate::Present(PartitionMetadata {
        leadership: LeaderAndIsr {
            leader: state.leader,
            leader_epoch: state.leader_epoch,
            isr: state.isr,
            zk_version: state.zk_version,
        },
        replicas: state.replicas,
        offline_replicas: state.offline_replicas,
        controller_epoch: state.controller_epoch,
    })
}

fn broker(state: UpdateMetadataBroker) -> Broker {
    let endpoints = if state.endpoints.is_empty() {
        vec![Endpoint {
            listener: SecurityProtocol::Plaintext.name().to_owned(),
            protocol: SecurityProtocol::Plaintext,
            host: state.v0_host,
            port: state.v0_port,
        }]
    } else {
        let endpoints = state.endpoints.into_iter().map(|it| {
            let protocol =
                SecurityProtocol::from_id(it.security_protocol).unwrap_or(SecurityProtocol::Plaintext);
            // Before version 3 a listener has no name; the name of its protocol is used.
            let is_named = !it.listener.is_empty();
            let listener = if is_named { it.listener } else { protocol.name().to_owned() };
            Endpoint { listener, protocol, host: it.host, port: it.port }
        });
        endpoints.collect()
    };
    Broker { id: state.id, endpoints, rack: state.rack, epoch: -1, features: BTreeMap::new() }
}

#[cfg(test)]
mod tests;
