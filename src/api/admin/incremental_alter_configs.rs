//! IncrementalAlterConfigs, v0-1. Changes single configs of a topic (KIP-339): set, delete, append to and subtract from
//! lists. Those of brokers cannot be changed while they run yet.
//!
//! v1 flexible. Kafka: `AdminManager.incrementalAlterConfigs`.

use std::collections::BTreeMap;

use super::alter_configs::{check_resource, told, write};
use crate::admin::{AdminError, configs};
use crate::api::Exchange;
use crate::config::TopicConfig;
use crate::config::rows::Type;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use crate::zk::znode::config_entity::Kind;

/// Changes the configs of each resource by itself.
pub async fn handle(
    exchange: &Exchange,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
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
    IncrementalAlterConfigsResponse { responses, ..Default::default() }
}

async fn alter(
    exchange: &Exchange,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), AdminError> {
    check_resource(exchange, resource.resource_type, &resource.resource_name)?;
    let nulls: Vec<_> =
        resource.configs.iter().filter(|it| it.config_operation != DELETE && it.value.is_none()).collect();
    if !nulls.is_empty() {
        let names: Vec<_> = nulls.iter().map(|it| it.name.as_str()).collect();
        return Err(invalid(format!("Null value not supported for : {}", names.join(","))));
    }
    let name = &resource.resource_name;
    let mut config = configs::fetch(&exchange.services.zk, Kind::Topics, name).await?;
    let defaults = exchange.services.config.topic_defaults();
    for change in &resource.configs {
        apply(&mut config, &defaults, change)?;
    }
    write(exchange, name, &config, validate_only).await
}

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn apply(
    config: &mut BTreeMap<String, String>,
    defaults: &TopicConfig,
    change: &AlterableConfig,
) -> Result<(), AdminError> {
    let key = &change.name;
    let value = change.value.clone().unwrap_or_default();
    let is_list = TopicConfig::row(key).is_some_and(|row| row.kind == Type::List);
    let held = || config.get(key).cloned().or_else(|| defaults.get(key)).unwrap_or_default();
    let items = |text: &str| -> Vec<String> {
        text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    match change.config_operation {
        SET => drop(config.insert(key.clone(), value)),
        DELETE => drop(config.remove(key)),
        APPEND | SUBTRACT if !is_list => {
            let what = if change.config_operation == APPEND { "append" } else { "subtract" };
            return Err(invalid(format!("Config value {what} is not allowed for config key: {key}")));
        }
        APPEND => {
            let mut list = items(&held());
            list.extend(items(&value));
            config.insert(key.clone(), list.join(","));
        }
        SUBTRACT => {
            let gone = items(&value);
            let list: Vec<_> = items(&held()).into_iter().filter(|item| !gone.contains(item)).collect();
            config.insert(key.clone(), list.join(","));
        }
        other => return Err(invalid(format!("Unknown operation type {other}"))),
    }
    Ok(())
}

fn invalid(message: String) -> AdminError {
    AdminError::new(
        "org.apache.kafka.common.errors.InvalidRequestException",
        ErrorCode::InvalidRequest,
        message,
    )
}
