//! AlterIsr, v0. A leader asks the controller for other in-sync replicas (KIP-497).
//!
//! Kafka: `KafkaApis.handleAlterIsrRequest`, `KafkaController.alterIsrs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::Exchange;
use crate::base::ids::by_topic;
use crate::base::{LeaderAndIsr, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_isr::{
    AlterIsrRequest, AlterIsrResponse, PartitionDataResponse, TopicDataResponse,
};

/// Sends the request to the controller, if this broker is it.
pub async fn handle(exchange: &Exchange, request: AlterIsrRequest) -> AlterIsrResponse {
    let (broker, epoch) = (request.broker_id, request.broker_epoch);
    match exchange.services.controller.alter_isr(broker, epoch, wanted(request)).await {
        Ok(outcomes) => AlterIsrResponse { topics: topics(outcomes), ..Default::default() },
        Err(error) => AlterIsrResponse { error_code: error.code(), ..Default::default() },
    }
}

/// The leadership that the request proposes for each partition, over the version it names.
fn wanted(request: AlterIsrRequest) -> BTreeMap<TopicPartition, LeaderAndIsr> {
    let leader = request.broker_id;
    let topics = request.topics.into_iter().flat_map(|topic| {
        let name: Arc<str> = topic.name.into();
        topic.partitions.into_iter().map(move |it| {
            let wanted = LeaderAndIsr {
                leader,
                leader_epoch: it.leader_epoch,
                isr: it.new_isr,
                zk_version: it.current_isr_version,
            };
            (TopicPartition::new(name.clone(), it.partition_index), wanted)
        })
    });
    topics.collect()
}

fn topics(outcomes: BTreeMap<TopicPartition, Result<LeaderAndIsr, ErrorCode>>) -> Vec<TopicDataResponse> {
    let partitions = outcomes.into_iter().map(|(id, outcome)| {
        let partition = match outcome {
            Ok(state) => PartitionDataResponse {
                partition_index: id.partition,
                error_code: ErrorCode::None.code(),
                leader_id: state.leader,
                leader_epoch: state.leader_epoch,
                isr: state.isr,
                current_isr_version: state.zk_version,
            },
            Err(error) => PartitionDataResponse {
                partition_index: id.partition,
                error_code: error.code(),
                ..Default::default()
            },
        };
        (id, partition)
    });
    let topics = by_topic(partitions)
        .map(|(topic, partitions)| TopicDataResponse { name: topic.to_string(), partitions });
    topics.collect()
}
