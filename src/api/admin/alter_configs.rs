//! AlterConfigs, v0-1. Replaces all configs of a topic. Those of brokers cannot be changed while they run yet.
//!
//! Kafka: `AdminManager.alterConfigs`.

use std::collections::BTreeMap;

use crate::admin::{AdminError, configs, names};
use crate::api::Exchange;
use crate::config::TopicConfig;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};
use crate::zk::znode::config_entity::Kind;

/// The number of a topic among resource types.
pub(super) const TOPIC: i8 = 2;

/// Replaces the configs of each resource by itself.
pub async fn handle(exchange: &Exchange, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let outcome = alter(exchange, &resource, request.validate_only).await;
        let (error, error_message) = told(outcome);
        responses.push(AlterConfigsResourceResponse {
            error_code: error as i16,
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        });
    }
    AlterConfigsResponse { responses, ..Default::default() }
}

async fn alter(
    exchange: &Exchange,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), AdminError> {
    check_resource(exchange, resource.resource_type, &resource.resource_name)?;
    if resource.configs.iter().any(|config| config.value.is_none()) {
        return Err(AdminError::operation("")); // Kafka trips over a null there.
    }
    let pairs =
        resource.configs.iter().filter_map(|config| Some((config.name.clone(), config.value.clone()?)));
    write(exchange, &resource.resource_name, &pairs.collect(), validate_only).await
}

/// Checks that configs of this resource can be changed.
///
/// # Errors
/// UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST.
pub(super) fn check_resource(exchange: &Exchange, kind: i8, name: &str) -> Result<(), AdminError> {
    if kind != TOPIC {
        let class = "org.apache.kafka.common.errors.InvalidRequestException";
        let message = "Only configs of topics can be changed while the broker runs";
        return Err(AdminError::new(class, ErrorCode::InvalidRequest, message));
    }
    names::validate_topic(name)?;
    match exchange.services.replicas.metadata().topic(name) {
        Some(_) => Ok(()),
        None => {
            let class = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException";
            let message = format!("The topic '{name}' does not exist.");
            Err(AdminError::new(class, ErrorCode::UnknownTopicOrPartition, message))
        }
    }
}

/// Writes a topic's configs, or only checks them. An unknown key is INVALID_CONFIG, a bad value INVALID_REQUEST.
///
/// # Errors
/// Those, and failures of ZooKeeper.
pub(super) async fn write(
    exchange: &Exchange,
    topic: &str,
    config: &BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), AdminError> {
    TopicConfig::check_names(config.keys().map(String::as_str))?;
    TopicConfig::default().with_overrides(config).map_err(|error| {
        let class = "org.apache.kafka.common.errors.InvalidRequestException";
        AdminError::new(
            class,
            ErrorCode::InvalidRequest,
            format!("Invalid config value for resource ConfigResource(type=TOPIC, name='{topic}'): {error}"),
        )
    })?;
    if validate_only {
        return Ok(());
    }
    configs::change(&exchange.services.zk, Kind::Topics, topic, config).await
}

/// What a client is told of an outcome.
pub(super) fn told(outcome: Result<(), AdminError>) -> (ErrorCode, Option<String>) {
    match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err(error) if error.message.is_empty() => (error.code, Some(error.code.message().to_owned())),
        Err(error) => (error.code, Some(error.message)),
    }
}
