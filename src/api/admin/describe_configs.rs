//! DescribeConfigs, v0-3. The configs of topics and of this broker, where each value comes from and what it means.
//!
//! v1 sources and synonyms (KIP-226) · v3 types and documentation (KIP-569). Kafka: `AdminManager.describeConfigs`.

use crate::admin::{configs, names};
use crate::api::Exchange;
use crate::api::broker_loggers;
use crate::api::config_changes::{self, BROKER, BROKER_LOGGER, TOPIC};
use crate::api::config_entries::{self, DescribedConfig, ValueSource};
use crate::config::rows::ConfigType;
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};
use crate::zk::znode::config_entity::EntityType;

/// Describes each resource by itself.
pub async fn handle(exchange: &Exchange, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let may = |resource: &&DescribeConfigsResource| {
        let (kind, name) = (resource.resource_type, resource.resource_name.as_str());
        config_changes::is_authorized(exchange, AclOperation::DescribeConfigs, kind, name)
    };
    let (authorized, denied): (Vec<_>, Vec<_>) = request.resources.iter().partition(may);
    let mut results = Vec::with_capacity(request.resources.len());
    for resource in authorized {
        let (error, message, entries) = match entries(exchange, resource).await {
            Ok(entries) => (ErrorCode::None, Some(String::new()), entries),
            Err((error, message)) => (error, message, Vec::new()),
        };
        let wanted = |entry: &&DescribedConfig| {
            let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
            keys.is_none_or(|keys| keys.contains(&entry.name))
        };
        let configs = entries.iter().filter(wanted).map(|entry| describe(exchange, &request, entry));
        results.push(DescribeConfigsResult {
            error_code: error.code(),
            error_message: message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: configs.collect(),
        });
    }
    results.extend(denied.into_iter().map(|resource| {
        let error = config_changes::denial(resource.resource_type);
        DescribeConfigsResult {
            error_code: error.code(),
            error_message: Some(error.message().to_owned()),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: Vec::new(),
        }
    }));
    DescribeConfigsResponse { results, ..Default::default() }
}

async fn entries(
    exchange: &Exchange,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribedConfig>, (ErrorCode, Option<String>)> {
    let services = &exchange.services;
    let name = &resource.resource_name;
    match resource.resource_type {
        TOPIC => {
            names::validate_topic(name).map_err(|error| (error.code(), Some(error.to_string())))?;
            if services.metadata.snapshot().topic(name).is_none() {
                return Err((ErrorCode::UnknownTopicOrPartition, Some(String::new())));
            }
            let own = configs::fetch(&services.zk, EntityType::Topics, name).await;
            let own = own.map_err(|error| (error.code(), Some(error.to_string())))?;
            Ok(config_entries::topic(services, &own))
        }
        BROKER if name.is_empty() => Ok(config_entries::all_brokers(services)),
        BROKER => match name.parse::<i32>() {
            Ok(id) if id == services.broker_id => Ok(config_entries::broker(services)),
            Ok(id) => {
                let text = format!(
                    "Unexpected broker id, expected {} or empty string, but received {id}",
                    services.broker_id
                );
                Err((ErrorCode::InvalidRequest, Some(text)))
            }
            Err(_) => {
                let text = format!("Broker id must be an integer, but it is: {name}");
                Err((ErrorCode::InvalidRequest, Some(text)))
            }
        },
        BROKER_LOGGER => {
            broker_loggers::check_described(services.broker_id, name)
                .map_err(|error| (error.code(), Some(error.to_string())))?;
            Ok(config_entries::loggers())
        }
        _ => Err((ErrorCode::InvalidRequest, Some(ErrorCode::InvalidRequest.message().to_owned()))),
    }
}

fn describe(
    exchange: &Exchange,
    request: &DescribeConfigsRequest,
    entry: &DescribedConfig,
) -> DescribeConfigsResourceResult {
    let version = exchange.version();
    let synonyms = entry.synonyms.iter().filter(|_| request.include_synonyms && version >= 1);
    let synonyms = synonyms.map(|(name, value, source)| DescribeConfigsSynonym {
        name: name.clone(),
        value: value.clone().filter(|_| !entry.sensitive),
        source: *source as i8,
    });
    DescribeConfigsResourceResult {
        name: entry.name.clone(),
        value: entry.value.clone(),
        read_only: entry.read_only,
        is_default: false, // As 2.7 answers v0, default or not.
        config_source: entry.source as i8,
        is_sensitive: entry.sensitive,
        synonyms: synonyms.collect(),
        config_type: entry.kind.map_or(0, ConfigType::id),
        documentation: match entry.source {
            // Never null: a field that Kafka does not set in a message is empty.
            ValueSource::Logger => Some(String::new()),
            _ => entry.doc.map(str::to_owned).filter(|_| request.include_documentation && version >= 3),
        },
    }
}
