//! IncrementalAlterConfigs, v0-1. Changes single own configs of a topic, of this broker, or of all brokers (KIP-339):
//! set, delete, append to and subtract from lists.
//!
//! The levels of this broker's loggers change the same way (KIP-412). v1 flexible. Kafka:
//! `AdminManager.incrementalAlterConfigs`.

use std::collections::BTreeSet;

use crate::admin::AdminError;
use crate::api::Exchange;
use crate::api::broker_loggers;
use crate::api::config_changes::{
    self, APPEND, BROKER, BROKER_LOGGER, DELETE, Entity, SET, SUBTRACT, TOPIC, error_and_message,
};
use crate::config::layers::OwnConfigs;
use crate::config::rows::ConfigType;
use crate::security::AclOperation;
use crate::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterConfigsResourceResponse,
    IncrementalAlterConfigsResponse, IncrementalAlterableConfig,
};

/// Changes the configs of each resource by itself.
pub async fn handle(
    exchange: &Exchange,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let may = |resource: &IncrementalAlterConfigsResource| {
        let (kind, name) = (resource.resource_type, resource.resource_name.as_str());
        config_changes::is_authorized(exchange, AclOperation::AlterConfigs, kind, name)
    };
    let (authorized, denied): (Vec<_>, Vec<_>) = request.resources.into_iter().partition(may);
    let mut responses = Vec::with_capacity(authorized.len() + denied.len());
    for resource in authorized {
        let outcome = alter(exchange, &resource, request.validate_only).await;
        let (error, error_message) = error_and_message(outcome);
        responses.push(IncrementalAlterConfigsResourceResponse {
            error_code: error.code(),
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        });
    }
    responses.extend(denied.into_iter().map(|resource| IncrementalAlterConfigsResourceResponse {
        error_code: config_changes::denial(resource.resource_type).code(),
        error_message: None,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
    }));
    IncrementalAlterConfigsResponse { responses, ..Default::default() }
}

async fn alter(
    exchange: &Exchange,
    resource: &IncrementalAlterConfigsResource,
    validate_only: bool,
) -> Result<(), AdminError> {
    check_changes(&resource.configs)?;
    let entity = match resource.resource_type {
        TOPIC => Entity::Topic(resource.resource_name.clone()),
        BROKER => Entity::brokers(exchange, &resource.resource_name)?,
        BROKER_LOGGER => {
            return broker_loggers::alter(exchange.services.broker_id, resource, validate_only);
        }
        _ => return Err(AdminError::invalid_request("Unexpected resource type UNKNOWN")),
    };
    let mut own = entity.own(exchange).await?;
    for change in &resource.configs {
        apply(&mut own, &entity, change)?;
    }
    entity.replace(exchange, &own, validate_only).await
}

fn check_changes(changes: &[IncrementalAlterableConfig]) -> Result<(), AdminError> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<_> =
        changes.iter().map(|it| it.name.as_str()).filter(|name| !seen.insert(*name)).collect();
    if !twice.is_empty() {
        let names: Vec<_> = twice.into_iter().collect();
        let sentence = format!("Error due to duplicate config keys : {}", names.join(","));
        return Err(AdminError::invalid_request(sentence));
    }
    let mut nulls = Vec::new();
    for change in changes {
        match change.config_operation {
            DELETE => {}
            SET | APPEND | SUBTRACT if change.value.is_some() => {}
            SET => nulls.push(format!("SET:{}", change.name)),
            APPEND => nulls.push(format!("APPEND:{}", change.name)),
            SUBTRACT => nulls.push(format!("SUBTRACT:{}", change.name)),
            _ => return Err(AdminError::operation("")), // Kafka knows no such operation, and trips over it.
        }
    }
    if nulls.is_empty() {
        return Ok(());
    }
    Err(AdminError::invalid_request(format!("Null value not supported for : {}", nulls.join(","))))
}

fn apply(
    own: &mut OwnConfigs,
    entity: &Entity,
    change: &IncrementalAlterableConfig,
) -> Result<(), AdminError> {
    let key = &change.name;
    let value = change.value.clone().unwrap_or_default();
    match change.config_operation {
        SET => drop(own.insert(key.clone(), value)),
        DELETE => drop(own.remove(key)),
        operation => {
            let current = list(own, entity, key, operation)?;
            let named = items(&value);
            let next = match operation {
                APPEND => [current, named].concat(),
                _ => without(current, &named),
            };
            own.insert(key.clone(), next.join(","));
        }
    }
    Ok(())
}

/// The items of a list, or of its default where it is not set.
fn list(own: &OwnConfigs, entity: &Entity, key: &str, operation: i8) -> Result<Vec<String>, AdminError> {
    // Kafka trips over a key that it does not know.
    let row = entity.row(key).ok_or_else(|| AdminError::operation(""))?;
    if row.kind != ConfigType::List {
        let what = if operation == APPEND { "append" } else { "subtract" };
        let sentence = format!("Config value {what} is not allowed for config key: {key}");
        return Err(AdminError::invalid_request(sentence));
    }
    Ok(items(own.get(key).map(String::as_str).or(row.default_text()).unwrap_or_default()))
}

/// A list without these items, of each as many as are named (Scala's `diff`).
fn without(mut list: Vec<String>, named: &[String]) -> Vec<String> {
    for item in named {
        if let Some(at) = list.iter().position(|it| it == item) {
            list.remove(at);
        }
    }
    list
}

/// The items of a text as Java splits it: without empty ones at the end, but at least one.
fn items(text: &str) -> Vec<String> {
    let kept = text.trim_end_matches(',');
    if kept.is_empty() && !text.is_empty() {
        return Vec::new();
    }
    kept.split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_java_splits_them_and_lose_as_many_items_as_are_named() {
        assert_eq!(items(""), [""]);
        assert_eq!(items(","), [""; 0]);
        assert_eq!(items("a,,b,"), ["a", "", "b"]);
        assert_eq!(without(items("a,b,a,c"), &items("a,c,d")), ["b", "a"]);
    }
}
