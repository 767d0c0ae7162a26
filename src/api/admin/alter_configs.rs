//! AlterConfigs, v0-1. Replaces all own configs of a topic, of this broker, or of all brokers.
//!
//! Kafka: `KafkaApis.handleAlterConfigsRequest`, `AdminManager.alterConfigs`.

use crate::admin::AdminError;
use crate::api::Exchange;
use crate::api::config_changes::{self, BROKER, BROKER_LOGGER, Entity, TOPIC, error_and_message};
use crate::security::AclOperation;
use crate::wire::message::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

/// Replaces the configs of each resource by itself.
pub async fn handle(exchange: &Exchange, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let may = |resource: &AlterConfigsResource| {
        let (kind, name) = (resource.resource_type, resource.resource_name.as_str());
        config_changes::is_authorized(exchange, AclOperation::AlterConfigs, kind, name)
    };
    let (authorized, denied): (Vec<_>, Vec<_>) = request.resources.into_iter().partition(may);
    let mut responses = Vec::with_capacity(authorized.len() + denied.len());
    for resource in authorized {
        let outcome = alter(exchange, &resource, request.validate_only).await;
        let (error, error_message) = error_and_message(outcome);
        responses.push(AlterConfigsResourceResponse {
            error_code: error.code(),
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        });
    }
    responses.extend(denied.into_iter().map(|resource| AlterConfigsResourceResponse {
        error_code: config_changes::denial(resource.resource_type).code(),
        error_message: None,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
    }));
    AlterConfigsResponse { responses, ..Default::default() }
}

async fn alter(
    exchange: &Exchange,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), AdminError> {
    let entity = match resource.resource_type {
        TOPIC => Entity::Topic(resource.resource_name.clone()),
        BROKER => Entity::brokers(exchange, &resource.resource_name)?,
        BROKER_LOGGER => {
            let sentence = "AlterConfigs is deprecated and does not support the resource type BROKER_LOGGER";
            return Err(AdminError::invalid_request(sentence));
        }
        _ => return Err(AdminError::invalid_request("Unexpected resource type UNKNOWN")),
    };
    if resource.configs.iter().any(|config| config.value.is_none()) {
        return Err(AdminError::operation("")); // Kafka trips over a null there.
    }
    let own = resource.configs.iter().filter_map(|config| Some((config.name.clone(), config.value.clone()?)));
    entity.replace(exchange, &own.collect(), validate_only).await
}
